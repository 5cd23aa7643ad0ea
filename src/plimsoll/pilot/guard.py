"""Looks at every week that together raise no more false alarms than one: boundaries by alpha spending."""

from functools import lru_cache
from math import e, log, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from plimsoll.maths.ragged import Floats

STEPS = 400  # cells of the grid on which the test statistic lives
REACH = 8.0  # standard deviations down to which it is followed


def spent(fraction: float, alpha: float, spending: str) -> float:
    """Return the chance of a false alarm spent at a fraction of the information (Lan & DeMets 1983).

        pocock: alpha ln(1 + (e - 1) t)        obrien_fleming: 2 - 2 Phi(z / sqrt t), Phi(z) = 1 - alpha / 2

    Examples
    --------
    >>> round(spent(1.0, 0.05, "pocock"), 4), round(spent(1.0, 0.05, "obrien_fleming"), 4)
    (0.05, 0.05)
    """
    t = min(fraction, 1.0)
    if t <= 0:
        return 0.0
    if spending == "pocock":
        return alpha * log(1 + (e - 1) * t)
    return float(2 - 2 * norm.cdf(norm.ppf(1 - alpha / 2) / sqrt(t)))


@lru_cache(maxsize=64)
def boundaries(fractions: tuple[float, ...], alpha: float, spending: str) -> tuple[float, ...]:
    """Return the one-sided boundary of the z statistic at each look.

    The score S(t) = z sqrt(t) is a Brownian motion under no effect; the boundary of look k is what is
    crossed there for the first time with the chance spent since look k - 1, by numerical integration
    (Armitage, McPherson & Rowe 1969).

    Parameters
    ----------
    fractions : rising shares of the information at the looks; the last may be below 1
    alpha : chance of any crossing up to fraction 1
    spending : `pocock` or `obrien_fleming`

    Examples
    --------
    >>> [round(z, 2) for z in boundaries((0.2, 0.4, 0.6, 0.8, 1.0), 0.025, "obrien_fleming")]
    [4.88, 3.36, 2.68, 2.29, 2.03]
    """
    found: list[float] = []
    grid, density, before = np.zeros(1), np.ones(1), 0.0
    for k, t in enumerate(fractions):
        step = sqrt(t - before)
        due = spent(t, alpha, spending) - (spent(before, alpha, spending) if k else 0.0)
        bound = _crossed(grid, density, step, due)
        found.append(bound / sqrt(t))
        cells = np.linspace(-REACH * sqrt(t), bound, STEPS + 1)
        middle = (cells[:-1] + cells[1:]) / 2
        # The chance of each cell, not a density at its middle: exact for the first look, stable after.
        moved = norm.cdf((cells[1:, None] - grid) / step) - norm.cdf((cells[:-1, None] - grid) / step)
        grid, density, before = middle, moved @ density, t
    return tuple(found)


def _crossed(grid: Floats, mass: Floats, step: float, due: float) -> float:
    """Return the score above which exactly this much is crossed in one step from what is left."""

    def excess(bound: float) -> float:
        return float(mass @ norm.sf((bound - grid) / step)) - due

    low, high = float(grid.min()) - REACH * step, float(grid.max()) + 2 * REACH * step
    return high if due <= 0 or excess(low) < 0 else float(brentq(excess, low, high))


def information(weeks: int, of: int, baseline: int) -> tuple[float, ...]:
    """Return the share of the information after each of the first weeks of a comparison with a baseline.

        I_k / I_K = (1 / K + 1 / B) / (1 / k + 1 / B),   k weeks seen of K, B weeks before

    The mean of k weeks less that of B weeks has a variance in proportion to 1 / k + 1 / B.

    Examples
    --------
    >>> [round(share, 3) for share in information(3, 3, 13)]
    [0.381, 0.711, 1.0]
    """
    whole = 1 / of + 1 / baseline
    return tuple(whole / (1 / k + 1 / baseline) for k in range(1, weeks + 1))
