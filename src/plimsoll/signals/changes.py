"""Changes of level told from chance: a CUSUM of each series against the bridge of one without change.

    z_t = sqrt(x_t + 3/8), less its mean (and a yearly wave, where the history is long enough)
    S_t = z_1 + ... + z_t                                   (Page 1954; here over a window that has ended)
    M   = max |S_t| / (s sqrt(n))        s^2 = Var z (1 + r) / (1 - r),  r the lag correlation
    p   = P(max |Brownian bridge| > M)                                    (Kolmogorov 1933)

The root evens out the variance of counts (Anscombe 1948). r counts in that weeks that follow each other
are alike; it is taken around the best step or line, so that the change is not mistaken for likeness, while
Var z is not, so that chance is not flattered. Simulated without change (Poisson, lumpy, erratic, and
correlated by 0.3; 26 to 104 periods) p is never below the share of series that show it: an upper bound.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plimsoll.maths.ragged import Floats, Ints

Flags = NDArray[np.bool_]
SHIFT, DRIFT = 0, 1
STEP_COST, MOST_ALIKE = 4.0, 0.8
TERMS = 50


@dataclass(frozen=True, slots=True)
class Changes:
    """Per series (m,): statistic M, p-value, first period of the new level, kind, rates before and since.

    Rates are means per period. Of a drift, they are those of a line at both its ends, and the first
    period is that of the window.
    """

    statistic: Floats
    p_value: Floats
    at: Ints
    kind: Ints
    before: Floats
    after: Floats
    n: Ints


def bridge_tail(m: Floats) -> Floats:
    """Return P(max |Brownian bridge| > m) = 2 sum (-1)^(k + 1) exp(-2 k^2 m^2).

    Examples
    --------
    >>> np.round(bridge_tail(np.array([1.358, 1.628])), 3).tolist()
    [0.05, 0.01]
    """
    k = np.arange(1, TERMS)[:, None]
    series = 2.0 * ((-1.0) ** (k + 1) * np.exp(-2.0 * k**2 * m**2)).sum(axis=0)
    return np.where(m < 0.3, 1.0, np.clip(series, 0.0, 1.0))


def find_changes(series: Floats, wave: Floats) -> Changes:
    """Return the most likely change of each series and how likely chance alone makes one as clear.

    Parameters
    ----------
    series : (m, n) demand per period, NaN where not observed; a row may begin late with NaN
    wave : (k, n) regressors of season that are taken off (none: (0, n))

    Returns
    -------
    Changes
        p-value 1 where nothing varies.
    """
    seen = np.isfinite(series)
    count = seen.sum(axis=1)
    x = np.where(seen, series, 0.0)
    z = _without_wave(np.where(seen, np.sqrt(np.maximum(x, 0.0) + 0.375), 0.0), seen, wave)
    path = np.cumsum(z, axis=1)
    at = np.argmax(np.abs(path), axis=1)
    rows = np.arange(len(series))
    late = seen & (np.arange(series.shape[1]) > at[:, None])
    early = seen & ~late
    time = np.arange(series.shape[1], dtype=np.float64) * seen
    drift = _explained(z, time, seen, wave) > _explained(z, late.astype(np.float64), seen, wave)
    step = np.where(late, _mean(z, late)[:, None], _mean(z, early)[:, None])
    residual = np.where(seen, z - np.where(drift[:, None], _slope(z, seen), step), 0.0)
    spread = np.sqrt(_long_run_variance(z, residual, count))
    height = np.abs(path[rows, at])
    scale = spread * np.sqrt(count)
    statistic = np.divide(height, scale, out=np.zeros(len(series)), where=scale > 1e-9)
    p_value = bridge_tail(statistic)
    low, high = _line_ends(x, seen)
    first = np.argmax(seen, axis=1)
    return Changes(
        statistic,
        p_value,
        np.where(drift, first, at + 1),
        np.where(drift, DRIFT, SHIFT),
        np.where(drift, low, _mean(x, early)),
        np.where(drift, high, _mean(x, late)),
        count,
    )


def _mean(values: Floats, where: Flags) -> Floats:
    return np.asarray((values * where).sum(axis=1) / np.maximum(where.sum(axis=1), 1))


def _without_wave(z: Floats, seen: Flags, wave: Floats) -> Floats:
    """Return the residuals of a mean and the regressors, 0 where not observed."""
    ones = np.ones((1, z.shape[1]))
    design = np.vstack([ones, wave])
    gram = np.einsum("in,jn,mn->mij", design, design, seen.astype(np.float64))
    right = np.einsum("in,mn->mi", design, z)
    ridge = 1e-9 * np.eye(len(design))
    fitted = np.linalg.solve(gram + ridge, right[:, :, None])[:, :, 0] @ design
    return np.where(seen, z - fitted, 0.0)


def _long_run_variance(z: Floats, residual: Floats, count: Ints) -> Floats:
    """Return the variance of z times (1 + r) / (1 - r), r the lag correlation of the residuals.

    r is raised by what a short series understates it (Kendall 1954), and held to 0 .. MOST_ALIKE.
    """
    plain = (residual**2).sum(axis=1)
    product = (residual[:, 1:] * residual[:, :-1]).sum(axis=1)
    r = np.divide(product, plain, out=np.zeros(len(z)), where=plain > 1e-9)
    n = np.maximum(count, 8)
    r = np.clip(r + (STEP_COST + 3.0 * r) / n, 0.0, MOST_ALIKE)
    return np.asarray((z**2).sum(axis=1) / (n - 1) * (1.0 + r) / (1.0 - r))


def _explained(z: Floats, regressor: Floats, seen: Flags, wave: Floats) -> Floats:
    """Return the part of the squares of z that a regressor explains beside the mean and the wave."""
    own = _without_wave(regressor, seen, wave)
    return np.asarray((z * own).sum(axis=1) ** 2 / np.maximum((own**2).sum(axis=1), 1e-12))


def _slope(z: Floats, seen: Flags) -> Floats:
    """Return the fitted straight line of each row."""
    time = np.arange(z.shape[1], dtype=np.float64)
    middle = (time * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    off = (time - middle[:, None]) * seen
    slope = (off * z).sum(axis=1) / np.maximum((off**2).sum(axis=1), 1e-12)
    return np.asarray(_mean(z, seen)[:, None] + slope[:, None] * off)


def _line_ends(x: Floats, seen: Flags) -> tuple[Floats, Floats]:
    """Return the fitted straight line of each row at its first and last period, at least 0."""
    line = np.maximum(_slope(x, seen), 0.0)
    rows = np.arange(len(x))
    first, last = np.argmax(seen, axis=1), x.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
    return line[rows, first], line[rows, last]


def discovery_rate(p_value: Floats) -> Floats:
    """Return the false discovery rate at which each of several tests becomes an alarm.

        q_(i) = min over j >= i of p_(j) m / j                   (Benjamini & Hochberg 1995)

    Examples
    --------
    >>> discovery_rate(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    m = len(p_value)
    order = np.argsort(p_value, kind="stable")
    ratio = p_value[order] * m / np.arange(1, m + 1)
    q = np.empty(m)
    q[order] = np.minimum(np.minimum.accumulate(ratio[::-1])[::-1], 1.0)
    return q
