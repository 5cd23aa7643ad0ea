"""The past of every stocking point as people look at it: demand by period, its own and what it passes on."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.demand.panel import KEY
from plimsoll.demand.upstream import replenished
from plimsoll.domain.calendar import EVERY, Bucket, last_complete_start, period_index, period_start

MOST_PERIODS = {"week": 156, "month": 60}
Units = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Past:
    """Demand of n points in the last m periods; all end with the same one.

    `start`: first day of the first period; `values` (n, m): units, NaN where demand could not be observed;
    `begins` (n,): first period that counts, that of the launch or of the first demand; m without any.
    """

    bucket: Bucket
    start: date
    values: Units
    begins: NDArray[np.int64]

    def of(self, point: int) -> tuple[list[date], Units]:
        """Return first days of periods, and units, of one point."""
        first, n = int(self.begins[point]), self.values.shape[1]
        if first >= n:
            return [], self.values[point, n:]
        every = EVERY[self.bucket]
        since = pl.Series([self.start]).dt.offset_by(f"{first}{every[1:]}").item()
        last = pl.Series([self.start]).dt.offset_by(f"{n - 1}{every[1:]}").item()
        return pl.date_range(since, last, every, eager=True).to_list(), self.values[point, first:]


def past_demand(
    demand: pl.DataFrame,
    points: pl.DataFrame,
    bucket: Bucket,
    *,
    as_of: date,
    availability: pl.DataFrame | None = None,
) -> Past:
    """Return the demand of each point with that of all points it replenishes, as of `pass_upstream`.

    A total below 0 counts as 0. The last `MOST_PERIODS` whole periods up to `as_of` are told.

    Parameters
    ----------
    demand : columns date, item_id, location_id, quantity
    points : columns item_id, location_id, from_location_id, launch_date, sorted by key
    bucket : week or month
    availability : table `availability`; without it all periods were observed
    """
    n = MOST_PERIODS[bucket]
    last = last_complete_start(as_of, bucket)
    start = period_start(pl.Series([last]).dt.offset_by(f"-{n - 1}{EVERY[bucket][1:]}").item(), bucket)
    keys = points.select(KEY).with_row_index("point")
    period = period_index(pl.col("date"), start, bucket)
    totals = (
        demand.lazy()
        .filter(pl.col("date") >= start, pl.col("date") <= as_of, pl.col("quantity").is_not_null())
        .select(*KEY, "quantity", period=period)
        .filter(pl.col("period") < n)
        .join(keys.lazy(), on=KEY)
        .group_by("point", "period")
        .agg(pl.col("quantity").sum())
        .collect()
    )
    values = np.zeros((points.height, n), dtype=np.float32)
    values[totals["point"].to_numpy(), totals["period"].to_numpy()] = totals["quantity"].to_numpy()
    _pass_on(values, points, keys)
    np.maximum(values, 0.0, out=values)
    begins = _begins(values, points["launch_date"], start, bucket)
    if availability is not None:
        out = availability.filter(~pl.col("in_stock"), pl.col("date") >= start).select(*KEY, period=period)
        rows = out.filter(pl.col("period") < n).join(keys, on=KEY)
        values[rows["point"].to_numpy(), rows["period"].to_numpy()] = np.nan
    return Past(bucket, start, values, begins)


def _pass_on(values: Units, points: pl.DataFrame, keys: pl.DataFrame) -> None:
    """Add the demand of points to that of their sources, level by level."""
    edges = replenished(points).join(keys, on=KEY).rename({"point": "child"})
    source = keys.rename({"location_id": "from_location_id", "point": "parent"})
    edges = edges.join(source, on=["item_id", "from_location_id"]).sort("parent", "child")
    children, parents = edges["child"].to_numpy(), edges["parent"].to_numpy()
    place, moving = np.arange(len(values)), values  # where the demand stands that a point passes on
    while True:
        goes_on = place[children] >= 0
        if not goes_on.any():
            return
        into, first = np.unique(parents[goes_on], return_index=True)
        moving = np.add.reduceat(moving[place[children[goes_on]]], first, axis=0)
        values[into] += moving
        place = np.full(len(values), -1)
        place[into] = np.arange(len(into))


def _begins(values: Units, launch: pl.Series, start: date, bucket: Bucket) -> NDArray[np.int64]:
    """Return the first period that began on or after the launch, or that of the first demand if earlier."""
    n = values.shape[1]
    eve = launch.dt.offset_by("-1d").alias("eve").to_frame()
    after = eve.select(period_index(pl.col("eve"), start, bucket) + 1).to_series()
    launched = np.clip(np.asarray(after.fill_null(0), dtype=np.int64), 0, n)
    some = values > 0
    first = np.where(some.any(axis=1), some.argmax(axis=1), n)
    known = np.minimum(first.min(initial=n), n)  # the data set begins here
    return np.asarray(np.minimum(np.maximum(launched, known), first))
