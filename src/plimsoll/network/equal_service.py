"""Places sized alone, all their targets shifted until customers are served as well as in the network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats, Ints
from plimsoll.network.world import World
from plimsoll.network.world_run import Seen, WorldRun, seen

Resize = Callable[[Floats], pl.DataFrame]
LEAST = 1e-7  # share unserved that counts as none
LONGEST_STEP = np.log(8.0)
CLOSE = 0.01  # relative difference of unserved shares that ends the search


@dataclass(frozen=True, slots=True)
class Shifted:
    """Places sized alone as served customers ask for it.

    `factor` [k] : (g,) by which what each target leaves unserved is multiplied, 1 - t' = k (1 - t)
    `unserved` : (g,) share of customers' demand at cost that is then not served at once
    `value` : (g,) mean stock at cost with exactly the service wanted, interpolated between runs
    `policies`, `found` : of the run closest to it, all groups together
    """

    factor: Floats
    unserved: Floats
    value: Floats
    policies: pl.DataFrame
    found: Seen


def unserved(place: World, found: Seen, group: Ints) -> Floats:
    """Return the share of customers' demand at cost that is not served at once, by group, 0 to 1."""
    cost = place.points["unit_cost_eff"].to_numpy()
    wanted, served = found.wanted.mean(axis=0) * cost, found.served.mean(axis=0) * cost
    total = np.maximum(np.bincount(group, wanted), np.finfo(np.float64).tiny)
    return np.asarray(np.maximum(np.bincount(group, wanted - served), 0.0) / total)


def stock_value(place: World, found: Seen, group: Ints) -> Floats:
    """Return the mean stock at cost by group."""
    cost = place.points["unit_cost_eff"].to_numpy()
    return np.asarray(np.bincount(group, found.on_hand.mean(axis=0) * cost), dtype=np.float64)


def shifted(
    place: World, resize: Resize, wanted: Floats, group: Ints, run: WorldRun, most_runs: int = 6
) -> Shifted:
    """Return places sized alone with one factor a group such that customers' service is as wanted.

    The logarithm of the share unserved is close to a line in that of the factor; each run's factor
    comes from the two runs that enclose the service wanted, or from the nearest two (regula falsi). All
    runs are on the same draws.

    Parameters
    ----------
    place : of n points
    resize : returns the table `policy` for factors k (n,) of what targets leave unserved
    wanted : (g,) shares unserved
    group : (n,) 0..g - 1
    run : how long and how often each time
    most_runs : at least 1
    """
    goal = np.log(np.maximum(wanted, LEAST))
    factor, miss, value = (np.zeros((0, len(wanted))) for _ in range(3))
    best, closest = None, np.inf
    for _ in range(most_runs):
        now = _next_factor(factor, miss)
        policies = resize(np.exp(now)[group])
        found = seen(place, policies, run)
        gap = np.log(np.maximum(unserved(place, found, group), LEAST)) - goal
        factor, miss = np.vstack([factor, now]), np.vstack([miss, gap])
        value = np.vstack([value, stock_value(place, found, group)])
        off = float(np.abs(gap) @ value[-1])
        if off < closest:
            best, closest = (policies, found), off
        if np.all(np.abs(gap) < CLOSE):
            break
    assert best is not None  # noqa: S101 the loop runs at least once
    nearest = np.argmin(np.abs(miss), axis=0)
    at = np.arange(len(wanted))
    return Shifted(
        np.exp(factor[nearest, at]), np.exp(miss[nearest, at] + goal), _at_zero(miss, value), *best
    )  # fmt: skip


def _next_factor(factor: Floats, miss: Floats) -> Floats:
    """Return the logarithm of the next factor to try: (runs, g) tried and how far they missed."""
    if not len(factor):
        return np.zeros(factor.shape[1])
    nearest = np.argmin(np.abs(miss), axis=0)
    at = np.arange(factor.shape[1])
    start = factor[nearest, at]
    guess = _at_zero(miss, factor) if len(factor) > 1 else start - miss[0]
    step = np.clip(guess - start, -LONGEST_STEP, LONGEST_STEP)
    stuck = (np.abs(step) < CLOSE) & (np.abs(miss[nearest, at]) >= CLOSE)
    return np.asarray(start + np.where(stuck, -miss[nearest, at], step))


def _at_zero(miss: Floats, value: Floats) -> Floats:
    """Return the value where the miss is 0, from the runs next to it on both sides, or else the nearest.

    Examples
    --------
    >>> _at_zero(np.array([[-1.0], [1.0], [3.0]]), np.array([[10.0], [20.0], [99.0]])).tolist()
    [15.0]
    """
    at = np.arange(miss.shape[1])
    low = np.argmax(np.where(miss <= 0.0, miss, -np.inf), axis=0)
    high = np.argmin(np.where(miss >= 0.0, miss, np.inf), axis=0)
    order = np.argsort(np.abs(miss), axis=0, kind="stable")
    encloses = (miss[low, at] <= 0.0) & (miss[high, at] >= 0.0)
    first = np.where(encloses, low, order[0])
    other = np.where(encloses, high, order[min(1, len(order) - 1)])
    span = miss[other, at] - miss[first, at]
    apart = np.abs(span) > CLOSE / 10
    part = np.where(apart, -miss[first, at] / np.where(apart, span, 1.0), 0.0)
    part = np.clip(part, -1.0, 1.0)
    return np.asarray(value[first, at] + part * (value[other, at] - value[first, at]))
