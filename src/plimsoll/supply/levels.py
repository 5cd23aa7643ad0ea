"""What the observations say at each level, item, lane and supplier, and what they say together."""

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats, Ints
from plimsoll.supply.censored import expected
from plimsoll.supply.credibility import (
    Moments,
    Pooled,
    evidence_ratio,
    inside,
    moments,
    pool,
    relative_spread_ratio,
    spread_ratio,
    with_open,
)
from plimsoll.supply.params import SupplyParams
from plimsoll.supply.prior import Others, others, supplier_level

MOST_STEPS = 25
SETTLED = 1e-6  # relative change of the means at which the law of open orders is found


@dataclass(frozen=True, slots=True)
class Tree:
    """The groups: lane and supplier of each node, supplier of each lane, mode of each supplier."""

    lane: Ints
    supplier: Ints
    supplier_of_lane: Ints
    mode: Ints
    typed: Floats
    typed_of_supplier: Floats

    @classmethod
    def of(cls, nodes: pl.DataFrame, mode: Ints) -> "Tree":
        """Return the groups of the numbered nodes."""
        lane, supplier = nodes["lane"].to_numpy(), nodes["supplier"].to_numpy()
        typed = nodes["lead_time_days_set"].to_numpy()
        known = ~np.isnan(typed)
        n = np.bincount(supplier[known], minlength=mode.size)
        total = np.bincount(supplier[known], weights=typed[known], minlength=mode.size)
        first = nodes.unique("lane", keep="first", maintain_order=True)["supplier"].to_numpy()
        believed = np.where(n > 0, total / np.maximum(n, 1), np.nan)
        return cls(lane, supplier, first, mode, typed, believed)


@dataclass(frozen=True, slots=True)
class Sample:
    """Observations of one kind in the order of summation: number of the group, days, weight."""

    group: Ints
    days: Floats
    weight: Floats


@dataclass(frozen=True, slots=True)
class Samples:
    """Lead times received and days so far of open orders, by node and by lane."""

    item: Sample
    lane: Sample
    open_item: Sample
    open_lane: Sample


@dataclass(frozen=True, slots=True)
class Levels:
    """Moments of each level, the evidence ratios, and what the levels say together, one entry a node."""

    by_item: Moments
    by_lane: Moments
    by_supplier: Moments
    k: dict[str, float]
    outside: Others
    of_supplier: Pooled
    of_lane: Pooled
    of_item: Pooled


def estimate_levels(samples: Samples, tree: Tree, params: SupplyParams) -> Levels:
    """Return mean and variance of each node, pooled from item to lane to supplier to other suppliers.

    Evidence ratios come from what was received. Open orders enter by repeated steps: the law found so
    far says how long those still open will take, and that the law, until means stand still.
    """
    item, lane = samples.item, samples.lane
    supplier = tree.supplier_of_lane[lane.group]
    by_item = moments(item.group, item.days, tree.lane.size, item.weight)
    by_lane = moments(lane.group, lane.days, tree.supplier_of_lane.size, lane.weight)
    by_supplier = moments(supplier, lane.days, tree.mode.size, lane.weight)
    k = _ratios(samples, by_supplier, tree, params)
    found = _together(by_item, by_lane, by_supplier, k=k, tree=tree, params=params)
    if samples.open_item.group.size == 0:
        return found
    node, to = samples.open_item, samples.open_lane
    sender = tree.supplier_of_lane[to.group]
    first_item = (found.of_item.mean, np.sqrt(found.of_item.var))
    first_lane = _of_lanes(found.of_lane, tree)
    for _ in range(MOST_STEPS):
        before = found.of_item.mean
        law_item = _law(node, (before, np.sqrt(found.of_item.var)), first_item)
        lane_now = _of_lanes(found.of_lane, tree)
        law_lane = _law(to, lane_now, first_lane)
        sums = (
            expected(node.group, node.days, node.weight, *law_item, before),
            expected(to.group, to.days, to.weight, *law_lane, lane_now[0]),
            expected(sender, to.days, to.weight, *law_lane, found.by_supplier.mean),
        )
        both = (with_open(*pair) for pair in zip((by_item, by_lane, by_supplier), sums, strict=True))
        found = _together(*both, k=k, tree=tree, params=params)
        if (np.abs(found.of_item.mean - before) <= SETTLED * (1.0 + before)).all():
            break
    return found


def _law(
    still_open: Sample, now: tuple[Floats, Floats], first: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the law by which each open order is read.

    It lies no higher than the days so far and one standard deviation, or what receipts alone say: else a
    group without receipts would feed on its own expectation, its open orders being likely at any length.
    """
    at = still_open.group
    most = np.maximum(first[0][at], still_open.days + first[1][at])
    mean = np.minimum(now[0][at], most)
    return mean, np.minimum(now[1][at], mean)


def _of_lanes(pooled: Pooled, tree: Tree) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each lane, typed values of its items averaged."""
    n = np.bincount(tree.lane)
    mean, var = (np.bincount(tree.lane, weights=part) / n for part in (pooled.mean, pooled.var))
    return mean, np.sqrt(var)


def _ratios(samples: Samples, by_supplier: Moments, tree: Tree, params: SupplyParams) -> dict[str, float]:
    """Return the evidence ratios, of values relative to their supplier's mean."""
    item, lane = samples.item, samples.lane
    supplier = tree.supplier_of_lane[lane.group]
    scale = np.where(by_supplier.mean > 0, by_supplier.mean, 1.0)
    days_i, days_l = item.days / scale[tree.supplier[item.group]], lane.days / scale[supplier]
    of_item = moments(item.group, days_i, tree.lane.size, item.weight)
    of_lane = moments(lane.group, days_l, tree.supplier_of_lane.size, lane.weight)
    of_supplier = moments(supplier, days_l, tree.mode.size, lane.weight)
    at = np.arange(tree.mode.size)
    outside = others(by_supplier, tree.typed_of_supplier, tree.mode, params)
    known = tree.typed_of_supplier * outside.ratio / scale
    return {
        "item": evidence_ratio(of_item, tree.lane, params),
        "lane": evidence_ratio(of_lane, tree.supplier_of_lane, params),
        "supplier": evidence_ratio(of_supplier, at, params, known=known),
        "item_spread": spread_ratio(item.group, days_i, of_item, tree.lane, params, item.weight),
        "lane_spread": spread_ratio(lane.group, days_l, of_lane, tree.supplier_of_lane, params, lane.weight),
        "supplier_spread": relative_spread_ratio(by_supplier, params),
    }


def _together(
    by_item: Moments,
    by_lane: Moments,
    by_supplier: Moments,
    *,
    k: dict[str, float],
    tree: Tree,
    params: SupplyParams,
) -> Levels:
    """Return the levels pooled, one entry a node."""
    in_lane = inside(by_item, tree.lane, tree.supplier_of_lane.size)
    in_supplier = inside(by_lane, tree.supplier_of_lane, tree.mode.size)
    outside = others(by_supplier, tree.typed_of_supplier, tree.mode, params)
    beside = replace(outside, **{f.name: getattr(outside, f.name)[tree.supplier] for f in fields(outside)})
    level_s = supplier_level(by_supplier.take(tree.supplier), tree.typed, beside, k, params)
    level_l = pool(
        by_lane.take(tree.lane), level_s, in_supplier.take(tree.supplier), k["lane"], k["lane_spread"]
    )
    level_i = pool(by_item, level_l, in_lane.take(tree.lane), k["item"], k["item_spread"])
    return Levels(by_item, by_lane, by_supplier, k, beside, level_s, level_l, level_i)
