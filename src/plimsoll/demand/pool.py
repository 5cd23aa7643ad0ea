"""Rates borrowed from similar series, for those that have hardly been demanded."""

import numpy as np
from numpy.typing import NDArray

from plimsoll.demand.params import DemandParams
from plimsoll.maths.kernels.demand_fit import WIDTH
from plimsoll.maths.ragged import Floats

SHAPE_RANGE = (0.05, 50.0)
EVENTS_MIN = 5


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


def pooled_states(
    facts: Floats, group: NDArray[np.int64], wanted: NDArray[np.bool_], year: int, params: DemandParams
) -> Floats:
    """Return the state of `pooled_rate`: mean and variance of a period, variance of that mean.

        rate ~ Gamma(a + k, b + N);  m = rate z;  v = rate (z2 + s2);  tau2 = (a + k) / (b + N)2 z2

    z is the one size seen or else the median of mean sizes in the group; s2 = z (z - unit), as of a
    geometric size. A population without enough demand falls back on half an event a year.

    Parameters
    ----------
    facts : (n, 7) from `describe`
    group : (n,) code of the category
    wanted : (n,) which series

    Returns
    -------
    (n, WIDTH) zero where not wanted.
    """
    out = np.zeros((len(facts), WIDTH))
    everyone = np.ones(len(facts), dtype=np.bool_)
    for code in np.unique(group[wanted]):
        mine = group == code
        members = mine if mine.sum() >= params.pool_points_min else everyone
        if facts[members, 1].sum() < EVENTS_MIN:
            members = everyone
        events, exposure = facts[members, 1], facts[members, 0]
        a, b = gamma_prior(events, exposure) if events.sum() >= EVENTS_MIN else (0.5, float(year))
        sizes = facts[members, 4][events > 0]
        typical = float(np.median(sizes)) if len(sizes) else 1.0
        at = np.flatnonzero(mine & wanted)
        size = np.where(facts[at, 1] > 0, facts[at, 4], typical)
        k, n = facts[at, 1] + a, facts[at, 0] + b
        out[at, 0] = k / n * size
        out[at, 1] = k / n * (size**2 + size * np.maximum(size - facts[at, 6], 0.0))
        out[at, 2] = k / n**2 * size**2
    return out
