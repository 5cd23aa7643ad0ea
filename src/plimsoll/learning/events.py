"""Demand and arrivals of each judged interval, laid out by decision and day."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.demand.panel import MICRO, in_micro
from plimsoll.learning.arrivals import ORDER
from plimsoll.learning.paths import Flows
from plimsoll.maths.ragged import Floats, Ints, bounds_of

PLACE = ["item_id", "to_location_id"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Demand of the intervals, and the rows in which some of it was not observed."""

    flows: Flows
    unseen: pl.Series


def period_days(demand: pl.DataFrame) -> str:
    """Return over which time a row of demand spreads: 1d for order lines, 1w or 1mo for totals.

    Totals are dated the first day of their period: all on the first of a month, or all on Mondays.
    """
    days = demand["date"]
    if not len(days):
        return "1d"
    if (days.dt.day() == 1).all():
        return "1mo"
    return "1w" if (days.dt.weekday() == 1).all() else "1d"


def known_until(demand: pl.DataFrame, *, as_of: date) -> date:
    """Return the last day whose demand is known whole on `as_of`: that day, or the end of a period before."""
    span = period_days(demand)
    if span == "1d":
        return as_of
    first = pl.Series([as_of + timedelta(days=1)]).dt.truncate(span).item()
    return date.fromordinal(first.toordinal() - 1)


def asked_for(rows: pl.DataFrame, facts: dict[str, pl.DataFrame], *, as_of: date) -> Asked:
    """Return what was asked of each point in its interval: by customers and production, and by own places.

    Period totals are spread evenly over their days; what own places ordered counts on the day of the order.
    Returns and corrections are taken from the demand of their day, never below none.

    Parameters
    ----------
    rows : row, item_id, to_location_id, as_of, end_date
    facts : tables demand, receipts, open_orders
    as_of : day of knowledge
    """
    span = period_days(facts["demand"])
    lines = (
        facts["demand"]
        .filter(pl.col("date") <= as_of)
        .select("item_id", pl.col("location_id").alias("to_location_id"), "date", "quantity")
        .join(rows.select(PLACE).unique(), on=PLACE, how="semi")
    )
    lines = _spread(lines, span)
    drawn = [
        facts[name]
        .filter(pl.col(known) <= as_of)
        .select(
            "item_id",
            pl.col("from_location_id").alias("to_location_id"),
            date="ordered_date",
            quantity="quantity",
        )
        .drop_nulls()
        .select(*PLACE, "date", "quantity")
        .join(rows.select(PLACE).unique(), on=PLACE, how="semi")
        for name, known in (("receipts", "received_date"), ("open_orders", "ordered_date"))
    ]
    unseen = lines.filter(pl.col("quantity").is_null()).with_columns(pl.lit(1.0).alias("quantity"))
    daily = (
        pl.concat([lines.drop_nulls("quantity"), *drawn])
        .group_by(*PLACE, "date")
        .agg(in_micro().sum())
        .select(*PLACE, "date", quantity=(pl.col("micro") / MICRO).clip(0.0))
    )
    return Asked(_laid(rows, daily), pl.Series(np.unique(_laid(rows, unseen).row), dtype=pl.Int64))


def _spread(lines: pl.DataFrame, span: str) -> pl.DataFrame:
    """Return totals of periods as one row a day."""
    if span == "1d":
        return lines
    days = pl.date_ranges("date", pl.col("date").dt.offset_by(span), closed="left")
    return (
        lines.with_columns(day=days)
        .with_columns(pl.col("quantity") / pl.col("day").list.len())
        .explode("day")
        .drop("date")
        .rename({"day": "date"})
        .select(*PLACE, "date", "quantity")
    )


def arriving(rows: pl.DataFrame, receipts: pl.DataFrame, orders: pl.DataFrame, *, as_of: date) -> Flows:
    """Return what arrived at each point in its interval, without the order that the decision is about.

    Parameters
    ----------
    rows : row, order_no of its own order (unknown if none), item_id, to_location_id, as_of, end_date
    receipts : table `receipts`; what came after `as_of` is not read
    orders : order_no by order, as of `arrivals.orders_known`
    as_of : day of knowledge
    """
    came = (
        receipts.filter(pl.col("received_date") <= as_of)
        .with_columns(pl.col(name).fill_null("") for name in ORDER)
        .join(orders.select("order_no", *ORDER), on=ORDER, how="left", maintain_order="left")
        .select(*PLACE, "order_no", "quantity", date="received_date")
    )
    laid = _laid(rows, came)
    own = rows["order_no"].cast(pl.Int64).fill_null(-1).to_numpy()
    from_order = _sorted(rows, came)["order_no"].cast(pl.Int64).fill_null(-2).to_numpy()
    others = from_order[laid.source] != own[laid.row]
    return Flows(laid.row[others], laid.day[others], laid.units[others])


@dataclass(frozen=True, slots=True)
class _Laid(Flows):
    """Flows, and the place of each in the sorted events that it is from."""

    source: Ints


def _codes(rows: pl.DataFrame) -> pl.DataFrame:
    return (
        rows.select(PLACE)
        .unique()
        .sort(PLACE)
        .with_row_index("code")
        .with_columns(pl.col("code").cast(pl.Int64))
    )


def _sorted(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return the events at judged places by place and day."""
    order = [name for name in ("order_no", "quantity") if name in events.columns]
    return events.join(_codes(rows), on=PLACE).sort("code", "date", *order)


def _laid(rows: pl.DataFrame, events: pl.DataFrame) -> _Laid:
    """Return the events of each row's place on the days of its interval.

    Both are put on one line, place by place and day by day, so that the events of a row are a slice.
    """
    at = _sorted(rows, events)
    wide = 1 << 24  # more days than there are between any two dates
    line = at["code"].to_numpy() * wide + _days(at["date"])
    code = rows.join(_codes(rows), on=PLACE, how="left", maintain_order="left")["code"].to_numpy()
    first, last = _days(rows["as_of"]), _days(rows["end_date"])
    begin = np.searchsorted(line, code * wide + first, side="right")
    end = np.searchsorted(line, code * wide + last, side="right")
    lengths = np.maximum(end - begin, 0)
    bounds = bounds_of(lengths)
    row = np.repeat(np.arange(rows.height), lengths)
    source = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths) + np.repeat(begin, lengths)
    units: Floats = at["quantity"].cast(pl.Float64).to_numpy()[source]
    return _Laid(row, _days(at["date"])[source] - first[row], units, source)


def _days(dates: pl.Series) -> Ints:
    """Return dates as whole days since 1970."""
    return np.asarray(dates.to_physical().cast(pl.Int64).to_numpy(), dtype=np.int64)
