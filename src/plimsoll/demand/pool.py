"""Rates borrowed from similar series, for those that have hardly been demanded."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.demand.params import DemandParams
from plimsoll.maths.kernels.demand_fit import WIDTH
from plimsoll.maths.ragged import Floats, Ints

SHAPE_RANGE = (0.05, 50.0)
EVENTS_MIN = 5
LEAST_WEIGHT = 1e-6
LEAST_BETWEEN = 1.0  # that items seem more alike is no reason to trust their own sizes less


@dataclass(frozen=True, slots=True)
class Kin:
    """What series have in common (n,): codes of item and category, and the logarithm of the unit cost."""

    item: Ints
    category: Ints
    log_cost: Floats


def kin_of(points: pl.DataFrame) -> Kin:
    """Return the kinship of planning points; a cost that is not known counts as the average one."""
    item, category = (points[name].fill_null("").rank("dense") for name in ("item_id", "category"))
    cost = points["unit_cost_eff"].to_numpy()
    known = cost > 0
    log_cost = np.log(cost, out=np.zeros(len(cost)), where=known)
    log_cost[~known] = log_cost[known].mean() if known.any() else 0.0
    return Kin(item.to_numpy().astype(np.int64), category.to_numpy().astype(np.int64), log_cost)


def gamma_prior(events: Floats, exposure: Floats) -> tuple[float, float]:
    """Return the gamma distribution of rates in a population, by moments weighted with exposure.

        mu = sum k / sum N;  s2 = (sum N (k/N - mu)2 - (n - 1) mu) / sum N;  a = mu2 / s2, b = mu / s2

    The subtracted term is what Poisson chance alone would spread (Robbins 1956; Silver, Pyke & Thomas
    2017, section 9.7).

    Parameters
    ----------
    events : (n,) periods with demand
    exposure : (n,) periods observed

    Returns
    -------
    a, events; b, periods.

    Examples
    --------
    >>> a, b = gamma_prior(np.array([1.0, 9.0]), np.array([100.0, 100.0]))
    >>> round(a, 4), round(b, 4), round(a / b, 4)
    (1.8519, 37.037, 0.05)
    """
    mean = events.sum() / exposure.sum()
    seen = exposure > 0
    rate = events[seen] / exposure[seen]
    chance = (seen.sum() - 1) * mean
    spread = ((exposure[seen] * (rate - mean) ** 2).sum() - chance) / exposure.sum()
    shape = float(np.clip(mean**2 / max(spread, 1e-300), *SHAPE_RANGE))
    return shape, shape / float(mean)


def size_by_cost(log_size: Floats, log_cost: Floats, weight: Floats) -> tuple[float, float]:
    """Return a and b of log size = a + b log cost, by weighted least squares with b from -1 to 0.

    b = 0 is a fixed number of units an order line, b = -1 a fixed sum of money. Without any size: one unit.

    Parameters
    ----------
    log_size, log_cost, weight : (n,)

    Examples
    --------
    >>> size_by_cost(np.log([100.0, 1.0]), np.log([1.0, 10.0]), np.ones(2))[1]
    -1.0
    """
    if not len(log_size):
        return 0.0, 0.0
    y, x = np.average(log_size, weights=weight), np.average(log_cost, weights=weight)
    spread = np.average((log_cost - x) ** 2, weights=weight)
    together = np.average((log_cost - x) * (log_size - y), weights=weight)
    b = float(np.clip(together / spread, -1.0, 0.0)) if spread > 0 else 0.0
    return float(y - b * x), b


def usual_sizes(facts: Floats, kin: Kin, params: DemandParams) -> tuple[Floats, Floats]:
    """Return the size that is usual for items of such a category and cost, and how far items are from it.

        log z0 = a + b log cost, within the category, see `size_by_cost`

    A size says the more the fewer periods have demand: w is the squared share of those without.

    Returns
    -------
    z0 (n,) units; variance between items (n,) of the logarithm of their mean size around it, less what
    few sizes scatter by chance.
    """
    n, k, seen = facts[:, 0], facts[:, 1], facts[:, 4]
    sold = k > 0
    log_size = np.log(np.where(sold, seen, 1.0))
    weight = np.where(sold, np.maximum((1.0 - k / np.maximum(n, 1.0)) ** 2, LEAST_WEIGHT), 0.0)
    usual, between = np.empty(len(facts)), np.ones(len(facts))
    cv2 = np.where(k > 1, facts[:, 5] / np.where(sold, seen, 1.0) ** 2, 1.0)
    for code in np.unique(kin.category):
        mine = kin.category == code
        members = mine if mine.sum() >= params.pool_points_min else np.ones_like(mine)
        if k[members].sum() < EVENTS_MIN:
            members = np.ones_like(mine)
        has = members & sold
        level, slope = size_by_cost(log_size[has], kin.log_cost[has], weight[has])
        usual[mine] = np.exp(level + slope * kin.log_cost[mine])
        if has.sum() >= params.pool_points_min:
            away = (log_size[has] - level - slope * kin.log_cost[has]) ** 2 - cv2[has] / k[has]
            between[mine] = max(float(np.average(away, weights=weight[has])), LEAST_BETWEEN)
    return np.maximum(usual, facts[:, 6]), between


def pooled_states(
    facts: Floats, kin: Kin, wanted: NDArray[np.bool_], year: int, params: DemandParams
) -> Floats:
    """Return the state of `pooled_rate`: mean and variance of a period, variance of that mean.

        rate ~ Gamma(a + k, b + N);  m = rate z;  v = rate (z2 + s2);  tau2 = (a + k) / (b + N)2 z2
        log z = (sum w_e log z_e + a' + b' log cost) / (sum w_e + 1)

    z is the one size seen. Where none was, it is that of the item elsewhere (e), drawn towards what
    the category asks for at such a cost; w is the squared share of periods without demand, for the
    demand of a busy period is that of many events. s2 = z (z - unit), as of a geometric size. A
    population without enough demand falls back on half an event a year.

    Parameters
    ----------
    facts : (n, 8) from `describe`
    kin : which series are alike
    wanted : (n,) which series

    Returns
    -------
    (n, WIDTH) zero where not wanted.
    """
    out = np.zeros((len(facts), WIDTH))
    n, k, seen = facts[:, 0], facts[:, 1], facts[:, 4]
    sold = k > 0
    log_size = np.log(np.where(sold, seen, 1.0))
    weight = np.where(sold, np.maximum((1.0 - k / np.maximum(n, 1.0)) ** 2, LEAST_WEIGHT), 0.0)
    of_item, evidence = np.bincount(kin.item, weight * log_size), np.bincount(kin.item, weight)
    for code in np.unique(kin.category[wanted]):
        mine = kin.category == code
        members = mine if mine.sum() >= params.pool_points_min else np.ones_like(mine)
        if k[members].sum() < EVENTS_MIN:
            members = np.ones_like(mine)
        enough = k[members].sum() >= EVENTS_MIN
        a, b = gamma_prior(k[members], n[members]) if enough else (0.5, float(year))
        at = np.flatnonzero(mine & wanted)
        has, item = members & sold, kin.item[at]
        level, slope = size_by_cost(log_size[has], kin.log_cost[has], weight[has])
        drawn = (of_item[item] + level + slope * kin.log_cost[at]) / (evidence[item] + 1.0)
        size = np.where(sold[at], seen[at], np.exp(drawn))
        events, exposure = k[at] + a, n[at] + b
        out[at, 0] = events / exposure * size
        out[at, 1] = events / exposure * (size**2 + size * np.maximum(size - facts[at, 6], 0.0))
        out[at, 2] = events / exposure**2 * size**2
    return out
