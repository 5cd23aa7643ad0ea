"""One stocking point in the coming weeks: demand with its interval, and stock with what is under way."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.special import gammaincinv, nbdtrik

from plimsoll.maths.kernels.network_laws import law_moments
from plimsoll.maths.ragged import Floats, from_lists

Paths = tuple[Floats, Floats, Floats]  # expected, low, high
LEAST_MEAN = 1e-9
MOST_DOUBT = 4.0
SLICE = 131_072  # rows of lists read at once


def review_moments(laws: pl.Series, step: pl.Series) -> tuple[Floats, Floats]:
    """Return mean and variance (n,), units and units squared, of distributions on lattices.

    Parameters
    ----------
    laws : lists of probabilities; entry k is that of k steps
    step : lattice steps, units

    Examples
    --------
    >>> review_moments(pl.Series([[0.5, 0.0, 0.5], [1.0]]), pl.Series([2.0, 1.0]))
    (array([2., 0.]), array([4., 0.]))
    """
    mean, variance = np.zeros(len(laws)), np.zeros(len(laws))
    for begin in range(0, len(laws), SLICE):
        part = slice(begin, begin + SLICE)
        mean[part], variance[part] = law_moments(*from_lists(laws[part]))
    size = step.to_numpy()
    return mean * size, variance * size**2


def level_law(
    mean: Floats, variance: Floats, longer_mean: Floats, longer_variance: Floats
) -> tuple[Floats, Floats]:
    """Return variance over mean given the level (n,), units, and squared variation of the level (n,).

    They are a and c of Var D = a E[D] + c E[D]^2, which holds for demand over a short and a longer interval
    that share the level; c is at least 0, and at most what leaves a at 0.

    Parameters
    ----------
    mean, variance : of demand over the short interval, units and units squared
    longer_mean, longer_variance : of demand over the longer one

    Examples
    --------
    >>> level_law(np.array([10.0]), np.array([15.0]), np.array([40.0]), np.array([120.0]))
    (array([1.]), array([0.05]))
    """
    short, long = np.maximum(mean, LEAST_MEAN), np.maximum(longer_mean, LEAST_MEAN)
    ratio, gap = variance / short, long - short
    slope = (np.maximum(longer_variance, 0.0) / long - ratio) / np.maximum(gap, LEAST_MEAN)
    doubt = np.where(gap > LEAST_MEAN, slope, 0.0)
    doubt = np.clip(doubt, 0.0, np.minimum(ratio / short, MOST_DOUBT))
    return ratio - doubt * short, doubt


def demand_ahead(
    row: Mapping[str, Any], days: Sequence[float], share: float
) -> tuple[Floats, Floats, Floats]:
    """Return expected demand from today up to each day, and the bounds of its interval, units (n,).

    Given its level, demand has a variance of a times its mean; a, and the squared coefficient of variation
    c of the level, follow from the laws over the review interval R and the protection interval P, that of P
    less the part due to its own length:

        Var D = a E[D] + c E[D]^2,    for D_R and for D_P

    Bounds are quantiles of the negative binomial law with these two moments on the lattice of the laws
    (the gamma law where the variance is below the mean).

    Parameters
    ----------
    row : of one point: mean_per_day_est, mean_protection_qty, sd_protection_qty, protection_days_mean,
        protection_days_sd, review_mean_qty, review_variance_qty, step_qty, period_days, and coming_qty
        (expected units of coming periods) or None
    days : from today
    share : of the interval, half of the rest on either side

    Edge cases
    ----------
    A point without expected demand has none, with certainty.
    """
    mean = _expected(row, np.asarray(days, dtype=np.float64))
    ratio, doubt = _law(row)
    variance = ratio * mean + doubt * mean**2
    step = float(row["step_qty"] or 1.0)
    edge = (1.0 - share) / 2
    return mean, _quantile(edge, mean, variance, step), _quantile(1.0 - edge, mean, variance, step)


def stock_ahead(on_hand: float, arrivals: Floats, demand: Paths, *, is_lost: bool) -> Paths:
    """Return expected stock at the end of each period, and the bounds of its interval, units (n,).

    Parameters
    ----------
    on_hand : units today less what is owed or allocated
    arrivals : units that come in each period
    demand : expected demand up to the end of each period, with its bounds, as of `demand_ahead`
    is_lost : whether demand that meets no stock is lost; else it is owed, and stock is below 0

    Edge cases
    ----------
    Where demand is lost, each of the three paths is followed by itself: exact for the bounds where they
    never touch 0, and close elsewhere.
    """
    there = on_hand + np.cumsum(arrivals)
    paths = [there - taken for taken in (demand[0], demand[2], demand[1])]
    if is_lost:
        paths = [path - np.minimum(np.minimum.accumulate(path), 0.0) for path in paths]
    return paths[0], paths[1], paths[2]


def _expected(row: Mapping[str, Any], days: Floats) -> Floats:
    """Return expected demand up to each day; a season moves it, and the last known period goes on."""
    flat = float(row["mean_per_day_est"]) * days
    coming, length = row.get("coming_qty"), float(row["protection_days_mean"] or 0.0)
    if not coming or length <= 0:
        return flat
    period = float(row["period_days"])
    shape = _along(np.asarray(coming), np.append(days, length) / period)
    return np.asarray(shape[:-1] * float(row["mean_protection_qty"]) / max(shape[-1], LEAST_MEAN))


def _along(values: Floats, at: Floats) -> Floats:
    """Return the sums of periods up to these points, in periods; the last goes on for ever."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    whole = np.minimum(np.floor(at).astype(np.int64), len(values) - 1)
    return np.asarray(total[whole] + (at - whole) * values[whole])


def _law(row: Mapping[str, Any]) -> tuple[float, float]:
    """Return variance over mean given the level, units, and squared variation of the level."""
    moved = float(row["mean_per_day_est"]) * float(row["protection_days_sd"])
    long = float(row["sd_protection_qty"]) ** 2 - moved**2
    known = row["review_mean_qty"], row["review_variance_qty"], row["mean_protection_qty"], long
    ratio, doubt = level_law(*(np.array([float(value)]) for value in known))
    return float(ratio[0]), float(doubt[0])


def _quantile(share: float, mean: Floats, variance: Floats, step: float) -> Floats:
    """Return the quantiles of laws with these moments, 0 where nothing is expected."""
    found = np.zeros_like(mean)
    m, v = mean / step, variance / step**2
    wide = (m > LEAST_MEAN) & (v > m * (1 + LEAST_MEAN))
    narrow = (m > LEAST_MEAN) & ~wide & (v > LEAST_MEAN)
    sure = (m > LEAST_MEAN) & (v <= LEAST_MEAN)
    below = nbdtrik(share, m[wide] ** 2 / (v[wide] - m[wide]), m[wide] / v[wide])
    found[wide] = np.maximum(
        np.ceil(below - LEAST_MEAN), 0.0
    )  # a whisker above a whole number is that number
    found[narrow] = gammaincinv(m[narrow] ** 2 / v[narrow], share) * v[narrow] / m[narrow]
    found[sure] = m[sure]
    return found * step
