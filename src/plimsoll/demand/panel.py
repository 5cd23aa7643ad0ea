"""Lines of history as a ragged panel: the demand of every complete period of every stocking point."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.demand.params import DemandParams
from plimsoll.domain.calendar import (
    EVERY,
    Bucket,
    last_complete_start,
    period_index,
    period_start,
    periods_between,
)
from plimsoll.maths.ragged import Floats, Ints, bounds_of

KEY = ["item_id", "location_id"]
MICRO = 1e6


@dataclass(frozen=True, slots=True)
class Panel:
    """Demand per period of n points in the order of their key; all histories end with the same period.

    `start`, `n_calendar`: first period of the data set and how many there are; `values`, `bounds`:
    units per period, NaN where demand could not be observed; `n_floored`: period totals below 0 that
    were set to 0.
    """

    bucket: Bucket
    start: date
    n_calendar: int
    values: Floats
    bounds: Ints
    n_floored: int


def bucket_of(demand: pl.DataFrame, params: DemandParams) -> Bucket:
    """Return the period in force: as set, or month if every demand date is the first of a month."""
    if params.bucket != "auto":
        return params.bucket
    firsts = demand.height > 0 and bool((demand["date"].dt.day() == 1).all())
    return "month" if firsts else "week"


def in_micro() -> pl.Expr:
    """Return quantities in whole millionths of a unit, whose sum is the same in any order of rows."""
    return (pl.col("quantity") * MICRO).round().cast(pl.Int64).alias("micro")


def months_from(start: date, bucket: Bucket, n_periods: int) -> Ints:
    """Return the calendar month 0..11 that holds the middle of each period.

    Examples
    --------
    >>> months_from(date(2026, 1, 26), "week", 3).tolist()
    [0, 1, 1]
    """
    if not n_periods:
        return np.zeros(0, dtype=np.int64)
    end = pl.Series([start]).dt.offset_by(f"{n_periods - 1}{EVERY[bucket][1:]}").item()
    starts = pl.date_range(start, end, EVERY[bucket], eager=True)
    middle = starts.dt.offset_by("14d" if bucket == "month" else "3d")
    return middle.dt.month().to_numpy().astype(np.int64) - 1


def period_panel(
    demand: pl.DataFrame,
    points: pl.DataFrame,
    bucket: Bucket,
    *,
    as_of: date,
    availability: pl.DataFrame | None = None,
) -> Panel:
    """Return the demand of each point per complete period up to `as_of`.

    A point is observed from the first period of the whole data set, or from its first period that
    began on or after its launch if that is later (or from its first demand, if that came before). A
    period without lines inside is an observed zero. A period with `in_stock` False is not observed.

    Parameters
    ----------
    demand : table `demand`; rows of other points are left out
    points : columns item_id, location_id, launch_date, sorted by key
    """
    last = last_complete_start(as_of, bucket)
    known = demand.lazy().filter(pl.col("date") < _next(last, bucket))
    oldest = known.select(pl.col("date").min()).collect().item()
    start = period_start(oldest, bucket) if oldest else last
    n_calendar = periods_between(start, last, bucket) if oldest else 0
    keys = points.select(KEY).with_row_index("point")
    totals = (
        known.select(*KEY, period_index(pl.col("date"), start, bucket).alias("period"), in_micro())
        .join(keys.lazy(), on=KEY)
        .group_by("point", "period")
        .agg(pl.col("micro").sum())
        .collect()
    )
    point, period = totals["point"].to_numpy(), totals["period"].to_numpy()
    quantity = totals["micro"].to_numpy() / MICRO

    begins = _launch_period(points["launch_date"], start, bucket)
    np.minimum.at(begins, point[quantity > 0], period[quantity > 0])
    begins = np.minimum(begins, n_calendar)
    bounds = bounds_of(n_calendar - begins)
    values = np.zeros(bounds[-1])
    inside = period >= begins[point]
    values[(bounds[point] + period - begins[point])[inside]] = np.maximum(quantity, 0.0)[inside]
    if availability is not None:
        _censor(values, bounds, begins, availability, keys, start, bucket)
    return Panel(bucket, start, n_calendar, values, bounds, int((quantity < 0).sum()))


def _next(start: date, bucket: Bucket) -> date:
    return period_start(start + timedelta(days=31 if bucket == "month" else 7), bucket)


def _launch_period(launch: pl.Series, start: date, bucket: Bucket) -> Ints:
    """Return the number of the first period that began on or after the launch; 0 if unknown."""
    eve = launch.dt.offset_by("-1d").alias("eve").to_frame()
    after = eve.select(period_index(pl.col("eve"), start, bucket) + 1).to_series()
    return np.maximum(np.asarray(after.fill_null(0), dtype=np.int64), 0)


def _censor(
    values: Floats,
    bounds: Ints,
    begins: NDArray[np.int64],
    availability: pl.DataFrame,
    keys: pl.DataFrame,
    start: date,
    bucket: Bucket,
) -> None:
    out = (
        availability.filter(~pl.col("in_stock"))
        .select(*KEY, period_index(pl.col("date"), start, bucket).alias("period"))
        .join(keys, on=KEY)
    )
    point, period = out["point"].to_numpy(), out["period"].to_numpy() - begins[out["point"].to_numpy()]
    inside = (period >= 0) & (period < np.diff(bounds)[point])
    values[(bounds[point] + period)[inside]] = np.nan
