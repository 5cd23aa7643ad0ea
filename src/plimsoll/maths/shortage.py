"""Tails of demand: how likely demand exceeds a level, and by how much."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats, from_lists

_ROUNDING = 1e-9  # a level this close below a lattice point is that point


@dataclass(frozen=True, slots=True)
class Shortage:
    """Tails of demand above a level: probability, and expected units."""

    probability: Floats
    expected: Floats


def shortage(pmf: pl.Series, step: Floats, level: Floats) -> Shortage:
    """Return the tails of each demand above its level.

        P(D > x),   n(x) = E[(D − x)⁺]    (the loss function: Snyder & Shen 2019, appendix C)

    Parameters
    ----------
    pmf : distributions of demand D on a lattice, one non-empty list a row; entry k is P(D = k h)
    step : (n,) h, units
    level : (n,) x, units; may be negative when units are owed

    Returns
    -------
    Shortage
        (n,) shares and units.

    Notes
    -----
    n is exact for the lattice distribution at any level. P(D > x) between two lattice points is
    interpolated linearly, so that a coarse lattice does not make it jump. A negative level is always
    exceeded.

    Examples
    --------
    >>> tails = shortage(pl.Series([[0.5, 0.3, 0.2]]), np.array([10.0]), np.array([5.0]))
    >>> round(float(tails.probability[0]), 6), round(float(tails.expected[0]), 6)
    (0.35, 4.5)
    """
    share, bounds = from_lists(pmf)
    if not len(share):
        return Shortage(np.zeros(0), np.zeros(0))
    first, last = bounds[:-1], bounds[1:]
    x = level / step
    under = np.clip(np.floor(x + _ROUNDING), -1, last - first - 1).astype(np.int64)
    start = first + under + 1  # first lattice point above the level
    # Pairs (start, last) make every second sum a tail; a pair without entries gives one entry, set to 0.
    inside = np.minimum(start, len(share) - 1)
    cuts = np.column_stack((inside, last)).ravel()[:-1]
    some = start < last

    def above(weights: Floats) -> Floats:
        return np.where(some, np.add.reduceat(weights, cuts)[::2], 0.0)

    index = (np.arange(len(share)) - np.repeat(first, last - first)).astype(np.float64)
    tail = above(share)
    between = np.where(x >= 0, np.clip(x - under, 0.0, 1.0), 0.0)
    return Shortage(
        np.clip(tail - between * np.where(some, share[inside], 0.0), 0.0, 1.0),
        np.maximum(step * (above(share * index) - x * tail), 0.0),
    )
