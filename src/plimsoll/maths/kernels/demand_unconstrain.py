"""Demand behind sales that were cut short: expectation-maximisation, and a history with demand put back."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.demand_compose import reach, step_for
from plimsoll.maths.kernels.lattice import panjer_block

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

CELLS, FINE = 512, 1024
FARTHEST_RATIO = 4.0  # variance over mean, in the largest demand of a period that was seen
ITERATIONS, LOCAL_ITERATIONS = 200, 30
TOLERANCE, LOCAL_TOLERANCE = 1e-6, 1e-5  # of the sum of a history
LEAST_CHANCE = 1e-300
IMPOSSIBLE = 1e-12
# multiples of either fill the unit interval evenly (Weyl 1916), and both together the square
GOLDEN, SILVER = 0.6180339887498949, 0.4142135623730951


@njit(cache=True, nogil=True, error_model="numpy")
def law_from(least: float, mean: float, variance: float, unit: float, out: Floats) -> tuple[int, int, float]:
    """Write the count distribution of these moments given that it is at least so much.

    Returns
    -------
    First and last cell in use (end excluded), and the step; an empty range where the law all but
    excludes the least value.
    """
    step = step_for(unit, least + reach(mean, variance), len(out))
    lo, hi = panjer_block(out, mean / step, variance / (step * step))
    first = max(int(np.rint(least / step)), lo)
    total = 0.0
    for k in range(first, hi):
        total += out[k]
    if total < IMPOSSIBLE:
        return 0, 0, step
    for k in range(first, hi):
        out[k] /= total
    return first, hi, step


@njit(cache=True, nogil=True, error_model="numpy")
def expected_excess(sold: float, mean: float, variance: float, unit: float, out: Floats) -> float:
    """Return E[D | D >= sold] - sold, 0 where the law all but excludes what was sold."""
    lo, hi, step = law_from(sold, mean, variance, unit, out)
    first = 0.0
    for k in range(lo, hi):
        first += k * out[k]
    return float(max(first * step - np.rint(sold / step) * step, 0.0)) if hi > 0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def drawn_excess(sold: float, mean: float, variance: float, unit: float, level: float, out: Floats) -> float:
    """Return the quantile of D - sold given D >= sold at this level."""
    lo, hi, step = law_from(sold, mean, variance, unit, out)
    if hi == 0:
        return 0.0
    at, upto = lo, out[lo]
    while at < hi - 1 and upto < level:
        at += 1
        upto += out[at]
    return float(max(at * step - np.rint(sold / step) * step, 0.0))


@njit(cache=True, nogil=True, error_model="numpy")
def local_means(y: Floats, counts: Flags, fade: float, mean: Floats, weight: Floats) -> None:
    """Write the mean of a history around each period, with weights that fade by a factor a period.

    Parameters
    ----------
    y, counts : (N,) demand, and whether it counts
    mean, weight : (N,) written; the sum of weights, that of the period itself being 1
    """
    n = len(y)
    total = known = 0.0
    for t in range(n):
        total *= fade
        known *= fade
        if counts[t]:
            total += y[t]
            known += 1.0
        mean[t], weight[t] = total, known
    total = known = 0.0
    for t in range(n - 1, -1, -1):
        mean[t] += total
        weight[t] += known
        if counts[t]:
            total += y[t]
            known += 1.0
        total *= fade
        known *= fade
    for t in range(n):
        mean[t] /= max(weight[t], 1e-300)


@njit(cache=True, nogil=True, error_model="numpy")
def log_chance(x: float, mean: float, ratio: float, unit: float) -> float:
    """Return the log probability of x units under the count law with variance `ratio` times the mean.

    Poisson where the ratio is the unit, else negative binomial with r = m / (c - 1) (all in units).

    Examples
    --------
    >>> round(log_chance(2.0, 1.5, 1.0, 1.0), 6), round(log_chance(2.0, 1.5, 3.0, 1.0), 6)
    (-1.382217, -2.056103)
    """
    k, m, c = np.rint(x / unit), mean / unit, ratio / unit
    if m <= 0.0:
        return 0.0 if k == 0.0 else math.log(LEAST_CHANCE)
    if c <= 1.0 + 1e-6:
        return float(k * math.log(m) - m - math.lgamma(k + 1.0))
    r = m / (c - 1.0)
    found = math.lgamma(k + r) - math.lgamma(r) - math.lgamma(k + 1.0)
    return float(found - r * math.log(c) + k * math.log((c - 1.0) / c))


@njit(cache=True, nogil=True, error_model="numpy")
def profile(
    values: Floats, share: Floats, piece: Floats, sold: Floats, bounds: Ints, unit: Floats, ratios: Floats
) -> tuple[Floats, Floats]:
    """Return how likely histories are under each ratio of variance to mean, and their mean under it.

        log L = sum of log p(x_t), and of log P(D >= x_t) where sales were cut short

    with the mean that makes it large: the expectation and maximisation of `unconstrain`, one mean for
    all periods. Of a period seen in part, what was seen before sales were cut short counts.

    Parameters
    ----------
    values, share, piece, sold, bounds, unit : as of `unconstrain`
    ratios : (R,) ascending, in units of demand

    Returns
    -------
    (n, R) log likelihood, all 0 without a sale, -inf where the ratio is out of all proportion;
    (n, R) units a period.
    """
    like, means = np.zeros((len(bounds) - 1, len(ratios))), np.zeros((len(bounds) - 1, len(ratios)))
    pmf, tail, beyond = np.empty(FINE), np.empty(FINE + 1), np.empty(FINE + 1)
    other = np.empty(CELLS)
    for i in range(len(bounds) - 1):
        start = known = top = 0.0
        for t in range(bounds[i], bounds[i + 1]):
            if values[t] >= 0.0 and share[t] > 0.0:
                start += values[t]
                known += share[t]
                top = max(top, values[t])
        if start <= 0.0:
            continue
        mean = start / known
        for j in range(len(ratios)):
            ratio = ratios[j] * unit[i]
            if ratio > FARTHEST_RATIO * max(top, unit[i]):
                like[i, j] = -np.inf
                means[i, j] = mean
                continue
            for _ in range(ITERATIONS):
                step = step_for(unit[i], max(top, mean) + 8.0 * math.sqrt(ratio * mean), FINE)
                per_cell = math.log(step / unit[i])
                lo, hi = panjer_block(pmf, mean / step, ratio * mean / (step * step))
                tail[hi:] = 0.0
                beyond[hi:] = 0.0
                for k in range(hi - 1, -1, -1):
                    p = pmf[k] if k >= lo else 0.0
                    tail[k] = tail[k + 1] + p
                    beyond[k] = beyond[k + 1] + k * p
                total = count = 0.0
                like[i, j] = 0.0
                for t in range(bounds[i], bounds[i + 1]):
                    x, e = values[t], share[t]
                    if not (x >= 0.0) or e <= 0.0:
                        continue
                    count += 1.0
                    total += x + (1.0 - e) * mean
                    if piece[t] == 1.0:
                        at = int(np.rint(x / step))
                        like[i, j] += math.log(max(tail[at], LEAST_CHANCE))
                        if tail[at] > IMPOSSIBLE:
                            total += max(beyond[at] / tail[at] - at, 0.0) * step
                    elif e - piece[t] > 1.0 - 1e-9:
                        at = int(np.rint(x / step))
                        p = pmf[at] if lo <= at < hi else 0.0
                        like[i, j] += math.log(max(p, LEAST_CHANCE)) - per_cell
                    else:
                        like[i, j] += log_chance(x - sold[t], (e - piece[t]) * mean, ratio, unit[i])
                        if piece[t] > 0.0:
                            part = piece[t] * mean
                            lo2, hi2, step2 = law_from(0.0, part, ratio * part, unit[i], other)
                            at = max(int(np.rint(sold[t] / step2)), lo2)
                            upper = above = 0.0
                            for k in range(at, hi2):
                                upper += other[k]
                                above += k * other[k]
                            like[i, j] += math.log(max(upper, LEAST_CHANCE))
                            if upper > IMPOSSIBLE:
                                total += max(above / upper * step2 - sold[t], 0.0)
                before = mean
                mean = total / count
                if abs(mean - before) <= TOLERANCE * mean:
                    break
            means[i, j] = mean
    return like, means


@njit(cache=True, nogil=True, error_model="numpy")
def unconstrain(
    values: Floats,
    share: Floats,
    piece: Floats,
    sold: Floats,
    bounds: Ints,
    unit: Floats,
    turn: Floats,
    start: Floats,
    ratio: Floats,
    fade: float,
) -> Floats:
    """Return histories with the demand put back that was not seen.

    Demand of a period is a count with mean m_t, local to the period, and variance c m_t. Repeated until
    nothing changes (expectation and maximisation: Dempster, Laird & Rubin 1977; for lost sales Conrad
    1976, Nahmias 1994, Lau & Lau 1996):

        E[D_t] = x_t + E[D' - s_t | D' >= s_t] + (1 - e_t) m_t
        m_t    = weighted mean of E[D] around t

    with x_t what was sold, s_t the part of it that was sold while sales were cut short, D' the demand of
    that time (a day, or all of the period), and e_t the share of the period that was seen.

    At the true m the equations hold on average, so what they yield is consistent. Expectations alone
    would have too little variance. So what is put back is one quantile of each period's law, at levels
    that fill the unit interval evenly: the history keeps mean and spread, on the lattice of its unit.

    Parameters
    ----------
    values : (N,) ragged sales, NaN where nothing is known
    share : (N,) ragged share of the period's time that was observed, 1 if all; 0 to put back all of it
        (such a period teaches nothing)
    piece : (N,) ragged share of the period's time in which stock ran out: sales were cut short there;
        0 if it did not, 1 if all that is known is that it did in the period
    sold : (N,) ragged units sold in that time
    bounds : (n + 1,)
    unit : (n,) that demand comes in
    turn : (n,) in [0, 1), where the levels of a history begin
    start : (n,) first guess of the mean
    ratio : (n,) c, variance over mean, units
    fade : weight of a neighbouring period

    Returns
    -------
    (N,) ragged: NaN where the values are.
    """
    out = values.copy()
    pmf = np.empty(CELLS)
    for i in range(len(bounds) - 1):
        a, n = bounds[i], bounds[i + 1] - bounds[i]
        y, mean, weight = values[a : a + n].copy(), np.empty(n), np.empty(n)
        counts = np.zeros(n, dtype=np.bool_)
        hidden = 0
        for t in range(n):
            counts[t] = y[t] >= 0.0 and share[a + t] > 0.0
            mean[t] = start[i]
            hidden += 1 if piece[a + t] > 0.0 or share[a + t] < 1.0 else 0
        if hidden == 0:
            continue
        before = -1.0
        for _ in range(LOCAL_ITERATIONS):
            total = 0.0
            for t in range(n):
                if not counts[t]:
                    continue
                y[t] = values[a + t] + (1.0 - share[a + t]) * mean[t]
                if piece[a + t] > 0.0:
                    part = piece[a + t] * mean[t]
                    y[t] += expected_excess(sold[a + t], part, ratio[i] * part, unit[i], pmf)
                total += y[t]
            local_means(y, counts, fade, mean, weight)
            if abs(total - before) <= LOCAL_TOLERANCE * total:
                break
            before = total
        first, second = turn[i], turn[i]
        for t in range(n):
            if not (values[a + t] >= 0.0):
                continue
            if piece[a + t] > 0.0:
                first = (first + GOLDEN) % 1.0
                part = piece[a + t] * mean[t]
                out[a + t] += drawn_excess(sold[a + t], part, ratio[i] * part, unit[i], first, pmf)
            if share[a + t] < 1.0:
                second = (second + SILVER) % 1.0
                part = (1.0 - share[a + t]) * mean[t]
                out[a + t] += drawn_excess(0.0, part, ratio[i] * part, unit[i], second, pmf)
    return out
