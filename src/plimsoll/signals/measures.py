"""The measures of accuracy, each defined here and nowhere else.

    bias     = sum (F - A) / sum A                                   F forecast, A demand of the interval
    WAPE     = sum |F - A| / sum A                                   (Kolassa & Schuetz 2007)
    MAPE     = mean of |F - A| / A over intervals with demand
    MASE     = sum |F - A| / sum of mean |S_t - S_(t-n)|             (Hyndman & Koehler 2006)
    pinball  = mean over levels of max(tau (A - q), (tau - 1) (A - q))        (Koenker & Bassett 1978)
    coverage = share of A at or below q, tau = 0.5, 0.8, 0.95

S_t is the demand of the n periods up to t: the scale of MASE is the error, over the history known then, of
repeating the last interval. Errors and scales of a group are added before they are divided, as in WAPE:
the mean of ratios would be ruled by series that were nearly always 0.

Coverage of a count needs care: at P(A <= q) > tau it would be above tau for a perfect forecast, so an A
inside the step that crosses tau counts in part (randomised, in its expectation: Czado, Gneiting & Held 2009).
"""

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats, Ints, from_lists

MICRO = 1e6
COVERED = (0.5, 0.8, 0.95)
NEARLY = 1e-9


def interval_ranks(pmfs: pl.Series, step: Floats, actual: Floats) -> tuple[Floats, Floats]:
    """Return P(D < A) and P(D <= A) of each demand A under its distribution on {0, h, 2h, ...}.

    Parameters
    ----------
    pmfs : list column, one distribution a row
    step : (n,) lattice step h, units
    actual : (n,) units; it belongs to the nearest lattice cell

    Examples
    --------
    >>> low, high = interval_ranks(pl.Series([[0.25, 0.5, 0.25]]), np.ones(1), np.ones(1))
    >>> low.tolist(), high.tolist()
    ([0.25], [0.75])
    """
    upto, bounds = from_lists(pmfs.list.eval(pl.element().cum_sum()))
    cell = np.rint(actual / step).astype(np.int64)
    inside = np.minimum(cell, np.diff(bounds) - 1)
    high = np.where(cell > inside, 1.0, upto[bounds[:-1] + inside])
    below = np.where(inside > 0, upto[np.maximum(bounds[:-1] + inside - 1, 0)], 0.0)
    return np.where(cell > inside, 1.0, below), np.minimum(high, 1.0)


def covered(low: Floats, high: Floats, level: float) -> Floats:
    """Return the part of each demand that is at or below the quantile of a level, from its ranks.

    Examples
    --------
    >>> covered(np.array([0.0, 0.4, 0.9]), np.array([0.3, 0.6, 1.0]), 0.5).tolist()
    [1.0, 0.5, 0.0]
    """
    part = np.divide(level - low, high - low, out=(low < level).astype(np.float64), where=high > low)
    return np.clip(part, 0.0, 1.0)


def pinball_loss(pmfs: pl.Series, step: Floats, actual: Floats, levels: tuple[float, ...]) -> Floats:
    """Return the pinball loss of each distribution, mean over the levels, in units.

    Examples
    --------
    >>> pinball_loss(pl.Series([[0.25, 0.5, 0.25]]), np.ones(1), np.array([3.0]), (0.5, 0.9)).tolist()
    [0.95]
    """
    upto, bounds = from_lists(pmfs.list.eval(pl.element().cum_sum()))
    owner = np.repeat(np.arange(len(step)), np.diff(bounds))
    total = np.zeros(len(step))
    for level in levels:
        cell = np.bincount(owner[upto < level - NEARLY], minlength=len(step))
        gap = actual - np.minimum(cell, np.diff(bounds) - 1) * step
        total += np.maximum(level * gap, (level - 1.0) * gap)
    return total / len(levels)


def naive_error(values: Floats, bounds: Ints, lengths: Ints, ahead: Ints) -> Floats:
    """Return the mean |S_t - S_(t-n)| over each history, NaN if too short or always 0.

    Parameters
    ----------
    values, bounds : ragged demand per period, NaN where not observed
    lengths : (m,) periods of each history that are known
    ahead : (m,) periods n of its interval

    Examples
    --------
    >>> naive_error(np.array([1.0, 2.0, 4.0, 4.0]), np.array([0, 4]), np.array([4]), np.array([1])).tolist()
    [1.0]
    """
    owner = np.repeat(np.arange(len(lengths)), np.diff(bounds))
    place = np.arange(len(values)) - bounds[owner]
    n = ahead[owner]
    at = np.flatnonzero((place >= 2 * n - 1) & (place < lengths[owner]))
    upto, missing = _sums(values)
    end, middle, begin = at + 1, at + 1 - n[at], at + 1 - 2 * n[at]
    seen = missing[end] == missing[begin]
    gap = np.abs(upto[end] - 2 * upto[middle] + upto[begin])[seen]
    total = np.zeros(len(lengths), dtype=np.int64)
    np.add.at(total, owner[at][seen], gap)
    count = np.bincount(owner[at][seen], minlength=len(lengths))
    unknown = np.full(len(lengths), np.nan)
    return np.asarray(np.divide(total / MICRO, count, out=unknown, where=(count > 0) & (total > 0)))


def interval_demand(values: Floats, bounds: Ints, first: Ints, ahead: Ints) -> Floats:
    """Return the demand of `ahead` periods from period `first` of each history, NaN if not all observed."""
    begin = bounds[:-1] + first
    end = begin + ahead
    inside = (first >= 0) & (end <= bounds[1:])
    begin, end = np.where(inside, begin, 0), np.where(inside, end, 0)
    upto, missing = _sums(values)
    return np.where(inside & (missing[end] == missing[begin]), (upto[end] - upto[begin]) / MICRO, np.nan)


def _sums(values: Floats) -> tuple[Ints, Ints]:
    """Return running sums in whole millionths, whose differences do not depend on what came before."""
    micro = np.rint(np.nan_to_num(values) * MICRO).astype(np.int64)
    return np.concatenate([[0], np.cumsum(micro)]), np.concatenate([[0], np.cumsum(np.isnan(values))])
