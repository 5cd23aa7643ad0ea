"""Customer orders on the books: they take the place of forecast demand, each unit counted once."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from plimsoll.demand.messages import BOOK_INCOMPLETE
from plimsoll.demand.panel import KEY, MICRO
from plimsoll.demand.params import DemandParams
from plimsoll.domain.findings import Finding, keys_of

NOTHING = 1e-9
FINE_DAYS, COARSE_DAYS = 28, 7  # leads beyond four weeks are told apart by the week


@dataclass(frozen=True, slots=True)
class Book:
    """The order book, and how far ahead customers book.

    `open_qty`: item_id, location_id, customer_id, promised_date, open_qty of lines known and not shipped;
    `to_come`: those that no stock record holds as allocated or backlog; `ahead`: item_id, location_id,
    ahead_days, ahead_share (lists), the `booked` of `estimate`, or None if nothing is consumed. A book
    that is not complete, or not wanted, has no lines: what is not counted is not taken off events either.
    """

    open_qty: pl.DataFrame
    to_come: pl.DataFrame
    ahead: pl.DataFrame | None
    findings: list[Finding]


def booked_ahead(
    demand: pl.DataFrame, stock: pl.DataFrame, points: pl.DataFrame, params: DemandParams, *, as_of: date
) -> Book:
    """Return the order book and how far ahead customers book, by point.

    Demand of an interval is what is on the books for it, and what will be booked for it within it. A
    point's leads are its own lines', drawn towards its location's by their number. If open orders are
    far fewer than leads ask for (rate times mean lead), the book is not complete: the forecast is left
    whole, and the few lines are not added to it. Where nobody books ahead as a rule, the forecast is
    left whole too, and lines on the books are added to it.

    Parameters
    ----------
    demand : table `demand`, that of the places below included
    stock : table `stock`
    points : table `planning_point`
    params : weights and the least completeness of the book
    as_of : day of knowledge
    """
    promised = demand.filter(pl.col("promised_date").is_not_null())
    if not promised.height:
        nothing = open_lines(promised, as_of=as_of)
        return Book(nothing, nothing, None, [])
    lines = open_lines(promised, as_of=as_of)
    leads = booking_leads(demand, as_of=as_of).join(points.select(KEY), on=KEY, how="semi")
    if not (params.consume_bookings and leads.height):
        return Book(lines.clear(), lines.clear(), None, [])
    found = _incomplete(promised, lines, leads, params, as_of)
    if found:
        return Book(lines.clear(), lines.clear(), None, [found])
    ahead = _ahead(leads, points, params) if leads["lead_days"].max() else None
    return Book(lines, unallocated(lines, stock, as_of=as_of), ahead, [])


def _incomplete(
    promised: pl.DataFrame, lines: pl.DataFrame, leads: pl.DataFrame, params: DemandParams, as_of: date
) -> Finding | None:
    """Return what is to be said if far fewer orders are open than customers' leads would leave.

    The company as a whole is judged: orders of one place in one week are too few, and no order comes in
    on a weekend.
    """
    first = promised["date"].min()
    days = (as_of - first).days + 1 if isinstance(first, date) else 1
    expected = leads.select((pl.col("units") * pl.col("lead_days")).sum()).item() / days
    n, keys = lines.height, keys_of(lines, KEY)
    if float(lines["open_qty"].sum()) >= params.book_complete_min * expected:
        return None
    return BOOK_INCOMPLETE.finding(n, keys)


def _ahead(leads: pl.DataFrame, points: pl.DataFrame, params: DemandParams) -> pl.DataFrame:
    """Return the shares of units by lead of each point, drawn towards those of its location."""
    days = pl.col("lead_days")
    rough = pl.when(days <= FINE_DAYS).then(days).otherwise(days // COARSE_DAYS * COARSE_DAYS)
    leads = leads.with_columns(ahead_days=rough.cast(pl.Float64))
    everywhere = _shares(leads, ["location_id"])
    own = _shares(leads, KEY).join(leads.group_by(KEY).agg(n=pl.col("lines").sum()), on=KEY)
    weight = pl.col("n") / (pl.col("n") + params.booking_lines_min)
    n = leads.group_by(KEY).agg(n=pl.col("lines").sum())
    of_location = (
        points.select(KEY)
        .join(everywhere, on="location_id")
        .join(n, on=KEY, how="left")
        .with_columns(share=pl.col("share") * (1 - weight.fill_null(0.0)))
    )
    mixed = pl.concat(
        [own.with_columns(share=pl.col("share") * weight), of_location.select(own.columns)],
        how="vertical_relaxed",
    )
    return (
        mixed.sort(*KEY, "ahead_days", "share")
        .group_by(*KEY, "ahead_days", maintain_order=True)
        .agg(pl.col("share").sum())
        .group_by(KEY, maintain_order=True)
        .agg("ahead_days", ahead_share=pl.col("share") / pl.col("share").sum())
    )


def _shares(leads: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    return (
        leads.sort(*KEY, "lead_days")
        .group_by(*by, "ahead_days", maintain_order=True)
        .agg(pl.col("units").sum())
        .with_columns(share=pl.col("units") / pl.col("units").sum().over(by))
        .drop("units")
    )


def open_lines(demand: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Return the lines known at `as_of`, promised for later, with the units that have not left."""
    gone = (
        pl.when(pl.col("shipped_date") > as_of)
        .then(0.0)
        .when(pl.col("shipped_quantity").is_not_null())
        .then("shipped_quantity")
        .when(pl.col("shipped_date").is_not_null())
        .then("quantity")
        .otherwise(0.0)
    )
    return (
        demand.filter(pl.col("date") <= as_of, pl.col("promised_date") > as_of)
        .with_columns(open_qty=pl.col("quantity") - gone)
        .filter(pl.col("open_qty") > 0)
        .select(*KEY, "customer_id", "promised_date", "open_qty")
        .sort(*KEY, "promised_date", "open_qty", "customer_id", nulls_last=True)
    )


def unallocated(lines: pl.DataFrame, stock: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Return the open lines less what the stock record holds for them already, the earliest first.

    The position is on hand + on order - backlog - allocated: units in either are counted there, and must
    not be counted as demand to come.
    """
    held = (
        stock.filter(pl.col("date") <= as_of)
        .sort("date")
        .unique(KEY, keep="last", maintain_order=True)
        .select(*KEY, held=pl.col("allocated").fill_null(0.0) + pl.col("backlog").fill_null(0.0))
    )
    before = (pl.col("open_qty").cum_sum() - pl.col("open_qty")).over(KEY)
    covered = (pl.col("held").fill_null(0.0) - before).clip(0.0, pl.col("open_qty"))
    return (
        lines.join(held, on=KEY, how="left", maintain_order="left")
        .with_columns(open_qty=pl.col("open_qty") - covered)
        .filter(pl.col("open_qty") > NOTHING)
        .drop("held")
    )


def booking_leads(demand: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Return the units of each point by days between booking and need, long form, in order.

        lead = min(promised, shipped) - date, at least 0

    Lines without a promise need their units at once. Lines that were late are left out: a promise that
    was put off for want of stock is not a customer who plans ahead.
    """
    shipped = pl.coalesce("shipped_date", "promised_date")
    need = pl.min_horizontal("promised_date", shipped)
    late = (pl.col("promised_date") < shipped).fill_null(value=False)
    closed = pl.col("promised_date").is_null() | (pl.col("promised_date") <= as_of)
    return (
        demand.filter(pl.col("date") <= as_of, pl.col("quantity") > 0, closed, ~late)
        .select(
            *KEY,
            lead_days=(need - pl.col("date")).dt.total_days().clip(0).fill_null(0),
            micro=(pl.col("quantity") * MICRO).round().cast(pl.Int64),
        )
        .group_by(*KEY, "lead_days")
        .agg(units=pl.col("micro").sum() / MICRO, lines=pl.len())
        .sort(*KEY, "lead_days")
    )
