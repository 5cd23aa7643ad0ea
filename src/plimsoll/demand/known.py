"""What people know of demand to come, put into the estimates: events, and customer orders on the books."""

from datetime import date

import polars as pl

from plimsoll.demand.booked import Book
from plimsoll.demand.compose import with_dated
from plimsoll.demand.events import lumps_to_come, passed_up
from plimsoll.demand.history import Prepared
from plimsoll.demand.intervals import protection_of
from plimsoll.demand.panel import KEY
from plimsoll.demand.params import DemandParams


def with_known(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    prepared: Prepared,
    book: Book,
    params: DemandParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return the estimates with events to come and orders on the books.

    Every unit is counted once: what the stock record holds as allocated or backlog lowers the position;
    other units on the books are demand of their promised day, and `estimate` was given how far ahead
    customers book, so that it holds only what is not booked yet; what a customer has booked of a
    contract or project is no longer to come of it. Events count at the places that replenish, too.

    Parameters
    ----------
    estimates : table `demand_estimate`, from the demand of `prepared` and with the leads of `book`
    points : table `planning_point`
    lead_times : table `lead_time_estimate`
    prepared : from `prepare`
    book : from `booked_ahead`
    params : `uplift_cv`, and for the lattice
    as_of : day of knowledge

    Returns
    -------
    Table `demand_estimate`. The rate a day rises with events, not with bookings: those are usual demand
    that is known early.
    """
    if not estimates.height:
        return estimates
    unchanged = estimates.select(*KEY, usual="mean_per_day_est")
    booked = (
        book.to_come.group_by(*KEY, date="promised_date", maintain_order=True)
        .agg(quantity=pl.col("open_qty").sum())
        .with_columns(quantity_sd=pl.lit(0.0), probability=pl.lit(1.0))
    )
    result = with_dated(estimates, points, lead_times, booked, params, as_of=as_of)
    if booked.height:
        result = (
            result.join(unchanged, on=KEY, how="left", maintain_order="left")
            .with_columns(mean_per_day_est="usual")
            .drop("usual")
        )
    if not prepared.events.rows.height:
        return result
    protection = protection_of(points, lead_times)
    horizon = float(protection.days.max() + protection.review.max())
    lumps = lumps_to_come(prepared.events, estimates, params, as_of=as_of, horizon_days=horizon)
    lumps = passed_up(less_booked(lumps, book.open_qty), points)
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
