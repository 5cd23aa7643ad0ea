"""What people know of demand to come, put into the estimates: events, and customer orders on the books."""

from datetime import date

import polars as pl

from plimsoll.demand.booked import Book
from plimsoll.demand.compose import with_dated
from plimsoll.demand.events import lumps_to_come, passed_up
from plimsoll.demand.history import Prepared
from plimsoll.demand.panel import KEY
from plimsoll.demand.params import DemandParams


def lumps_known(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    prepared: Prepared,
    book: Book,
    params: DemandParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return what events bring after `as_of`, as lumps on days, at the places that replenish, too.

    What a customer has booked of a contract or project is no longer to come of it, and nothing comes
    after the end of an item.

    Parameters
    ----------
    estimates : table `demand_estimate` of customers' demand, to which promotions add
    points : table `planning_point`
    prepared : from `prepare`
    book : from `booked_ahead`
    params : `uplift_cv`
    as_of : day of knowledge

    Returns
    -------
    The lumps of `with_dated`.
    """
    lumps = lumps_to_come(prepared.events, estimates, params, as_of=as_of)
    lumps = passed_up(less_booked(lumps, book.open_qty), points)
    ends = points.select(*KEY, "end_date")
    return (
        lumps.join(ends, on=KEY, how="left", maintain_order="left")
        .filter(pl.col("end_date").is_null() | (pl.col("date") <= pl.col("end_date")))
        .select(*KEY, "date", "quantity", "quantity_sd", "probability")
    )


def lumps_booked(book: Book) -> pl.DataFrame:
    """Return the orders on the books that no stock record holds, as lumps on their promised days."""
    return (
        book.to_come.group_by(*KEY, date="promised_date", maintain_order=True)
        .agg(quantity=pl.col("open_qty").sum())
        .with_columns(quantity_sd=pl.lit(0.0), probability=pl.lit(1.0))
    )


def with_known(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    lumps: pl.DataFrame,
    book: Book,
    params: DemandParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return the estimates with events to come and orders on the books.

    Every unit is counted once: what the stock record holds as allocated or backlog lowers the position;
    other units on the books are demand of their promised day, and `estimate` was given how far ahead
    customers book, so that it holds only what is not booked yet. Call it last: only the demand that
    these are added to is cut where an item ends.

    Parameters
    ----------
    estimates : table `demand_estimate`, from the demand of `prepare` and with the leads of `book`
    points : table `planning_point`
    lead_times : table `lead_time_estimate`
    lumps : from `lumps_known`, and what they ask of components
    book : from `booked_ahead`
    params : for the lattice
    as_of : day of knowledge

    Returns
    -------
    Table `demand_estimate`. The rate a day rises with events, not with bookings: those are usual demand
    that is known early.
    """
    usual = estimates["mean_per_day_est"]
    result = with_dated(estimates, points, lead_times, lumps_booked(book), params, as_of=as_of)
    result = result.with_columns(usual)
    return with_dated(result, points, lead_times, lumps, params, as_of=as_of)


def less_booked(lumps: pl.DataFrame, open_qty: pl.DataFrame) -> pl.DataFrame:
    """Return the lumps of events without what their customer has on the books, the earliest first."""
    lumps = lumps.sort(*KEY, "whose", "date", "event", nulls_last=True)
    on_book = open_qty.group_by(*KEY, whose="customer_id").agg(booked=pl.col("open_qty").sum())
    before = (pl.col("quantity").cum_sum() - pl.col("quantity")).over(*KEY, "whose")
    covered = (pl.col("booked").fill_null(0.0) - before).clip(0.0, pl.col("quantity"))
    left = 1 - covered / pl.col("quantity")
    return (
        lumps.join(on_book, on=[*KEY, "whose"], how="left", maintain_order="left")
        .with_columns(quantity=pl.col("quantity") * left, quantity_sd=pl.col("quantity_sd") * left)
        .filter(pl.col("quantity") > 0)
        .drop("booked")
    )
