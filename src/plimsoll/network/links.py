"""Which places feed which: the trees of stocking points that are sized together."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.maths.kernels.network_laws import position_variances
from plimsoll.maths.ragged import Floats, Ints, from_lists

KEY = ["item_id", "location_id"]
LAWS = ("pmf_review", "pmf_lead", "pmf_protection")
_OF_POINTS = (
    "from_location_id", "unit_cost_eff", "review_days_eff", "demand_last_year_qty", "unmet_demand_eff",
)  # fmt: skip
_OF_ESTIMATES = (
    "mean_per_day_est", "period_days", "method_used", "mean_protection_qty", "sd_protection_qty",
    "mean_lead_qty", "step_qty", *LAWS,
)  # fmt: skip
_OF_POLICIES = ("policy", "policy_reason", "lot_qty", "orders_per_year_est", "fill_rate_est")


@dataclass(frozen=True, slots=True)
class Links:
    """The points that have a source or a claimant among our places, sources before claimants.

    `points` : columns of planning point, demand estimate, target and policy alone, and `depth`; sorted by
        depth, item and location
    `source` : (n,) row of the source, -1 without one
    `share` [p] : (n,) share of the source's demand, 0 without one
    `own` : (n,) customers' share of the demand here
    `lot`, `unit` [Q, u] : (n,) width in units of the range over which the position roams, and the least
        quantity; orders pass on lots where Q > u
    `order` : (n,) mean size of an order, units
    `below` : (n,) number of points further down
    `root` : (n,) row of the point of its tree that is replenished from outside
    """

    points: pl.DataFrame
    source: Ints
    share: Floats
    own: Floats
    lot: Floats
    unit: Floats
    order: Floats
    below: Ints
    root: Ints

    @property
    def feeds(self) -> NDArray[np.bool_]:
        """Which points replenish others."""
        return self.below > 0

    def levels(self) -> list[slice]:
        """Return the rows of each depth, from the sources down."""
        depth = self.points["depth"].to_numpy()
        ends = np.searchsorted(depth, np.arange(depth[-1] + 2)) if len(depth) else np.zeros(1, np.int64)
        return [slice(int(a), int(b)) for a, b in pairwise(ends)]


def connected(points: pl.DataFrame, stages: pl.DataFrame | None) -> pl.DataFrame:
    """Return the points without those that findings took out of the network (table `network_stage`)."""
    if stages is None:
        return points
    refused = stages.filter(pl.col("refused_reason").is_not_null())
    return points.join(refused, on=KEY, how="anti", maintain_order="left")


def links(
    points: pl.DataFrame, demand_estimate: pl.DataFrame, target: pl.DataFrame, alone: pl.DataFrame
) -> Links:
    """Return the points that are sized together, and how they hang together.

    A point is replenished by the point of its item at `from_location_id`, if it is replenished by
    transfer and both hold stock by the policies alone.

    Parameters
    ----------
    points, demand_estimate, target : tables `planning_point`, `demand_estimate`, `target`
    alone : table `policy`, each place sized alone

    Edge cases
    ----------
    Points that replenish each other in a circle, and all that hang on them, are not part of it. Demand
    here is shared among the customers of the last year and the estimates of those that it replenishes;
    what components are taken for production counts like customers'. Where the estimate here is above
    their sum, the rest is nobody's: whoever asks for it is owed his part.
    """
    joined = (
        points.select(*KEY, "supply_kind", *_OF_POINTS)
        .join(alone.filter(pl.col("policy") != "none").select(*KEY, *_OF_POLICIES), on=KEY)
        .join(demand_estimate.select(*KEY, *_OF_ESTIMATES), on=KEY)
        .join(target.select(*KEY, "target_kind_eff", "target_service_eff", "target_source"), on=KEY)
        .sort(KEY)
    )
    source = _sources(joined)
    depth = _depths(source)
    used = np.zeros(joined.height, dtype=np.bool_)
    used[(source >= 0) & (depth > 0)] = True
    used[source[used]] = True
    rows = np.flatnonzero(used)
    rows = rows[np.argsort(depth[rows], kind="stable")]
    place = np.full(joined.height + 1, -1)
    place[rows] = np.arange(len(rows))
    chosen = joined[rows].with_columns(depth=pl.Series(depth[rows]))
    return _linked(chosen, place[np.where(depth[rows] > 0, source[rows], -1)])


def is_decided(points: pl.DataFrame) -> pl.Series:
    """Return at which points of `Links` a person set the target or a level: the network decides neither."""
    return (points["target_source"] == "person") | (points["policy_reason"] == "level_set")


def _sources(points: pl.DataFrame) -> Ints:
    """Return the row of each point's source, -1 without one."""
    at = points.select("item_id", from_location_id="location_id").with_row_index("source")
    found = points.join(at, on=["item_id", "from_location_id"], how="left", maintain_order="left")
    is_fed = (pl.col("supply_kind") == "transfer") & (pl.col("from_location_id") != pl.col("location_id"))
    return found.select(pl.when(is_fed).then("source").fill_null(-1).cast(pl.Int64)).to_series().to_numpy()


def _depths(source: Ints) -> Ints:
    """Return the number of sources above each row, -1 in and below circles."""
    depth = np.where(source < 0, 0, -1)
    waiting = np.flatnonzero(depth < 0)
    while len(waiting):
        above = depth[source[waiting]]
        if not (above >= 0).any():
            break
        depth[waiting] = np.where(above >= 0, above + 1, -1)
        waiting = waiting[above < 0]
    return depth


def _linked(points: pl.DataFrame, source: Ints) -> Links:
    rate, depth = points["mean_per_day_est"].to_numpy(), points["depth"].to_numpy()
    has = source >= 0
    passed = np.bincount(source[has], rate[has], minlength=points.height)
    sold = points["demand_last_year_qty"].to_numpy().clip(0.0) / DAYS_PER_YEAR
    used = (points["method_used"] == "bills_of_material").to_numpy()
    own = np.where(used, np.maximum(sold, rate - passed), sold)
    total = np.maximum(np.maximum(passed + own, rate), np.finfo(np.float64).tiny)
    below, root = np.zeros(points.height, dtype=np.int64), np.arange(points.height)
    levels = [np.flatnonzero(has & (depth == at)) for at in range(1, int(depth.max(initial=0)) + 1)]
    for rows in levels:  # from the sources down
        root[rows] = root[source[rows]]
    for rows in reversed(levels):
        np.add.at(below, source[rows], below[rows] + 1)
    lot, unit = _lots(points)
    yearly = points["orders_per_year_est"].to_numpy()
    order = np.divide(rate * DAYS_PER_YEAR, yearly, out=lot.copy(), where=yearly > 0.0)
    return Links(
        points=points,
        source=source,
        share=np.where(has, rate / total[source], 0.0),
        own=np.where(below > 0, own / total, 1.0),
        lot=lot,
        unit=unit,
        order=np.maximum(order, unit),
        below=below,
        root=root,
    )


def _lots(points: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return the width of a uniform law with the variance of each position after a review, and the unit."""
    step = points["step_qty"].to_numpy()
    is_uniform = (points["policy"] == "s_nQ").to_numpy()
    is_base = (points["policy"] == "base_stock").to_numpy()
    lots = np.where(is_base, 1, np.maximum(np.rint(points["lot_qty"].to_numpy() / step), 1)).astype(np.int64)
    variances = position_variances(*from_lists(points["pmf_review"]), lots, is_uniform)
    return np.sqrt(1.0 + 12.0 * variances) * step, step
