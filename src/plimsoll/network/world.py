"""A plan as a world to simulate: who feeds whom, what customers ask for a day, how long supply takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.maths.kernels.network_laws import law_moments
from plimsoll.maths.ragged import Floats, Ints, bounds_of, from_lists
from plimsoll.network.bounds import variance_parts
from plimsoll.network.links import KEY, Links

MOST_UNEVEN = 2.0  # customers of a feeding place: variance over mean, as a multiple of that of all demand
APART = 1.3  # intervals closer than this do not tell the variance of the level from that of a day
MOST_LEVEL = 1.0  # squared coefficient of variation of a level; what is left is variance of a day
LEAST_LEVEL = 1e-3
UNLIKE = 0.1  # relative difference of two estimates of a mean that is worth a remark
_OF_POINTS = (
    "from_location_id", "supply_kind", "unit_cost_eff", "review_days_eff", "min_order_qty_eff",
    "order_multiple_eff", "unmet_demand_eff",
)  # fmt: skip
_OF_ESTIMATES = (
    "mean_per_day_est", "protection_days_mean", "period_days", "step_qty", "mean_protection_qty",
    "pmf_review", "pmf_protection_constant",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """Stocking points of a plan with their customers and lead times, sources before claimants, by tree.

    Parameters
    ----------
    points : columns of planning point and demand estimate, `depth` and `echelon`; sorted by tree
    source : (n,) row of the place of ours that replenishes it, -1 for an outside supplier
    root : (n,) row of the point of its tree that is replenished from outside
    mean, within : (n,) customers' own demand of a day: units, and variance of a day at a known level
    level : (n,) squared coefficient of variation of their level, which holds for a replication
    total_level : (n,) the same of all demand here, as its own estimate has it
    lead_days, lead_chance, lead_bounds : ragged laws of the lead time, days
    unit : (n,) least quantity of the item anywhere, at most 1
    unlike_means : number of feeding places whose estimate is more than a tenth from what those below
        and their customers ask
    unlike_variances : the same for the variance of a day
    """

    points: pl.DataFrame
    source: Ints
    root: Ints
    mean: Floats
    within: Floats
    level: Floats
    total_level: Floats
    lead_days: Floats
    lead_chance: Floats
    lead_bounds: Ints
    unit: Floats
    unlike_means: int
    unlike_variances: int

    @property
    def feeds(self) -> NDArray[np.bool_]:
        """Which points replenish others."""
        return np.bincount(self.source[self.source >= 0], minlength=len(self.source)) > 0


def world(
    tree: Links,
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    lead_times: pl.DataFrame,
    kinds: Mapping[str, str] | None = None,
    others: pl.DataFrame | None = None,
) -> World:
    """Return the world in which a plan's promises are put to the test.

        own demand of a feeding place = max(estimate there - estimates of those it feeds, 0), in mean
        and in both parts of the variance (`plimsoll.network.bounds.variance_parts`)

    Parameters
    ----------
    tree : the points that feed each other
    points, demand_estimate, lead_times : tables `planning_point`, `demand_estimate`, `lead_time_estimate`
    kinds : kind of each location, which names the echelons; without it they are named by depth
    others : item_id, location_id of points to simulate beside them, replenished from outside

    Conventions
    -----------
    Levels of two points are independent but for this: where that of all demand at a feeding place varies
    less than theirs make it, all below it are scaled, replication by replication, so that it varies as its
    own estimate says (`coherent`). A feeding place without customers of its own has none here,
    whatever its estimate says; where customers are few, their variance over mean is at most twice that
    of all demand there. Components taken for production count as customers' demand.
    """
    rows, source, root, own = _placed(tree, others)
    given = (
        rows.join(points.select(*KEY, *_OF_POINTS), on=KEY, how="left", maintain_order="left")
        .join(demand_estimate.select(*KEY, *_OF_ESTIMATES), on=KEY, how="left", maintain_order="left")
        .with_columns(echelon=_echelon(kinds))
    )
    asked = _customers(given, source, own)
    days, chance, bounds = _lead_laws(given, lead_times)
    return World(given, source, root, *asked[:4], days, chance, bounds, _units(given, root), *asked[4:])


def _customers(
    given: pl.DataFrame, source: Ints, own: Floats
) -> tuple[Floats, Floats, Floats, Floats, int, int]:
    """Return the four figures of demand of `World`, and how many feeding places' estimates do not add up."""
    rate = given["mean_per_day_est"].to_numpy()
    within, level = _parts(given)
    has = source >= 0
    below = [
        np.bincount(source[has], part[has], minlength=len(source)) for part in (rate, within, level * rate**2)
    ]
    feeds = np.bincount(source[has], minlength=len(source)) > 0
    mean = np.where(feeds, np.where(own > 0.0, np.maximum(rate - below[0], 0.0), 0.0), rate)
    some = np.where(mean > 0.0, mean, 1.0)
    most = MOST_UNEVEN * within * mean / np.where(rate > 0.0, rate, 1.0)
    own_within = np.where(feeds, np.clip(within - below[1], np.minimum(mean, most), most), within)
    own_level = np.clip((level * rate**2 - below[2]) / some**2, 0.0, MOST_LEVEL)
    asks = mean > 0.0
    unlike = (
        int((feeds & (np.abs(total - here) > UNLIKE * here)).sum())
        for total, here in ((mean + below[0], rate), (own_within * asks + below[1], within))
    )
    means, variances = unlike
    return mean, own_within * asks, np.where(feeds, own_level, level) * asks, level, means, variances


def _placed(tree: Links, others: pl.DataFrame | None) -> tuple[pl.DataFrame, Ints, Ints, Floats]:
    """Return the points tree by tree, with their sources, roots and customers' share of demand."""
    order = np.argsort(tree.root, kind="stable")  # within a tree by depth, as they were
    place = np.empty(len(order) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(order)), -1
    rows = tree.points[order].select(*KEY, depth=pl.col("depth").cast(pl.Int64))
    source, root, own = place[tree.source[order]], place[tree.root[order]], tree.own[order]
    if others is None or not others.height:
        return rows, source, root, own
    apart = others.select(*KEY, depth=pl.lit(-1, pl.Int64)).join(rows, on=KEY, how="anti").sort(KEY)
    new = np.arange(rows.height, rows.height + apart.height)
    return (
        pl.concat([rows, apart]),
        np.concatenate([source, np.full(len(new), -1)]),
        np.concatenate([root, new]),
        np.concatenate([own, np.ones(len(new))]),
    )


def _echelon(kinds: Mapping[str, str] | None) -> pl.Expr:
    named = by_depth = pl.format("depth {}", "depth")
    if kinds is not None:
        place = pl.col("location_id")
        named = place.replace_strict(dict(kinds), default=None, return_dtype=pl.String).fill_null(by_depth)
    return pl.when(pl.col("depth") < 0).then(pl.lit("not connected")).otherwise(named)


def _parts(given: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return the variance of a day's demand at a known level, and the squared variation of the level."""
    step, rate = given["step_qty"].to_numpy(), given["mean_per_day_est"].to_numpy()
    (short, var_short), (long, var_long) = (
        law_moments(*from_lists(given[name])) for name in ("pmf_review", "pmf_protection_constant")
    )
    some = np.where(rate > 0.0, rate, 1.0)
    days, variance = long * step / some, var_long * step**2
    _, level = variance_parts(short * step / some, var_short * step**2, days, variance)
    squared = np.where(long > APART * short, np.minimum(level / some**2, MOST_LEVEL), 0.0)
    rest = variance - squared * (rate * days) ** 2
    return np.divide(np.maximum(rest, 0.0), days, out=np.zeros_like(days), where=days > 0.0), squared


def _lead_laws(given: pl.DataFrame, lead_times: pl.DataFrame) -> tuple[Floats, Floats, Ints]:
    """Return ragged lead times in days and their probabilities; 0 days where nothing is known of a lane."""
    lanes = lead_times.select(
        "item_id", "from_location_id", "atom_days", "atom_probability", location_id="to_location_id"
    )
    known = given.join(lanes, on=[*KEY, "from_location_id"], how="left", maintain_order="left").select(
        pl.when(pl.col("atom_days").list.len() > 0).then("atom_days").fill_null([0.0]),
        pl.when(pl.col("atom_days").list.len() > 0).then("atom_probability").fill_null([1.0]),
    )
    days, bounds = from_lists(known["atom_days"])
    booked = np.repeat(_booked_days(given), np.diff(bounds))
    return np.maximum(days - booked, 0.0), from_lists(known["atom_probability"])[0], bounds


def _booked_days(given: pl.DataFrame) -> Floats:
    """Return the mean days of the protection interval whose demand customers have booked before.

    The estimates' laws over lead time and protection interval leave that demand out, which comes to the
    same as a lead time that is shorter by so much.
    """
    rate, days = given["mean_per_day_est"].to_numpy(), given["protection_days_mean"].to_numpy()
    mean = given["mean_protection_qty"].to_numpy()
    open_days = np.divide(mean, rate, out=days.copy(), where=rate > 0.0)
    return np.asarray(np.clip(days - open_days, 0.0, None))


def _units(given: pl.DataFrame, root: Ints) -> Floats:
    """Return the unit in which each tree's quantities are whole."""
    unit = np.ones(len(root))
    np.minimum.at(unit, root, given["step_qty"].to_numpy())
    return np.asarray(unit[root])


def coherent(place: World, level: Floats) -> Floats:
    """Return the levels (R, n) scaled so that feeding places' total demand does not vary too much.

        f_i' = f_i (1 + c (T - 1)) / T,   c = min(1, estimated over implied spread of the total T)

    for all i below a feeding place with total T in units of its mean, from the customers' side upwards;
    a place that is well known as a whole so makes what is not known of its claimants cancel.

    Parameters
    ----------
    place : of n points
    level : (R, n) factors of mean 1
    """
    depth = np.maximum(place.points["depth"].to_numpy(), 0)
    total, mean, spread = level * place.mean, place.mean.copy(), place.level * place.mean**2
    factor = np.ones_like(level)
    for at in range(int(depth.max(initial=0)), -1, -1):
        rows = np.flatnonzero(depth == at)
        some = np.where(mean[rows] > 0.0, mean[rows], 1.0)
        wanted = place.total_level[rows] * some**2
        cut = np.sqrt(np.divide(wanted, spread[rows], out=np.ones(len(rows)), where=spread[rows] > wanted))
        cut[~place.feeds[rows]] = 1.0
        relative = np.maximum(total[:, rows] / some, LEAST_LEVEL)
        factor[:, rows] = (1.0 + cut * (relative - 1.0)) / relative
        total[:, rows] *= factor[:, rows]
        spread[rows] *= cut**2
        fed = rows[place.source[rows] >= 0]
        above = place.source[fed]
        np.add.at(total.T, above, total[:, fed].T)
        np.add.at(mean, above, mean[fed])
        np.add.at(spread, above, spread[fed])
    for at in range(1, int(depth.max(initial=0)) + 1):
        rows = np.flatnonzero((depth == at) & (place.source >= 0))
        factor[:, rows] *= factor[:, place.source[rows]]
    return level * factor


def blocks(root: Ints, size: int) -> list[slice]:
    """Return runs of whole trees of about so many rows.

    Examples
    --------
    >>> blocks(np.array([0, 0, 2, 3, 3, 3]), 2)
    [slice(0, 2, None), slice(2, 6, None)]
    """
    starts = np.flatnonzero(np.diff(root, prepend=-1))
    first = np.unique(starts // size, return_index=True)[1]
    cuts = bounds_of(np.diff(np.append(starts[first], len(root))))
    return [slice(int(a), int(b)) for a, b in pairwise(cuts)]
