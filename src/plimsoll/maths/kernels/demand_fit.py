"""Smoothing passes: one walk through each history that records a method's state at every origin.

A history is the demand of its periods, NaN where a period was not observed (it moves no state).
`marks` (n, J) are ascending origins, the last of them the end of the history; the state at mark o
rests on history[:o] only. Exponential weights are normalised (w, w (1 - a), w (1 - a)^2 ... with
sum 1), so no start value is needed. A state is a row of `WIDTH` numbers per method:

    all but SES, HOLT, SEASONAL   0 mean of a period, 1 variance of a period, 2 variance of that mean
    HURDLE                        3, 4 Beta of active periods, 5 mean size, 6 variance, 7 sizes seen
    BOOTSTRAP                     3 P(demand after none), 4 P(demand after demand), 5 last period had demand,
                                  6 variance of sizes, 7 sizes seen
    SES                           0 level, 1 alpha, 2 error variance, 7 periods
    HOLT                          0 level, 1 alpha, 2 error variance, 3 slope, 4 beta, 5 phi, 7 periods
    SEASONAL                      0 level, 1 alpha, 2 error variance at index 1, 7 sum of indices
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NORMAL, SES, NB, CROSTON, SBA, TSB, HURDLE, BOOTSTRAP, HOLT, SEASONAL, POOLED, FADING = range(12)
COMPOUND, LEARNED, BLEND = 12, 13, 14  # the last two are the first at another level
N_METHODS = 15
WIDTH = 8
SEASONS = 12

MICRO = 1e6  # quantities are told apart to a millionth of a unit
FEW_SIZES = 5  # with fewer sizes their common divisor is chance
SIZE_CV2 = 0.49  # for the variance of one size alone: the cut between smooth and erratic
LEAST_INDEX = 0.02


@njit(cache=True, nogil=True, error_model="numpy")
def divisor(x: float, g: int) -> int:
    """Return the greatest common divisor of a quantity and g, in millionths of a unit."""
    a = int(x * MICRO + 0.5)
    while a:
        g, a = a, g % a
    return g


@njit(cache=True, nogil=True, error_model="numpy")
def describe(values: Floats, bounds: Ints, rate: float) -> Floats:
    """Return what each history holds.

    The rise of recent demand is in standard errors, were periods independent and alike: with weights w
    that fall by the share `rate` a period, and variance s2,

        rise = (sum w y - mean) / sqrt(s2 (sum w2 - 1/n))

    Returns
    -------
    (n, 8) periods observed, periods with demand, mean and variance of a period, mean and variance of
    a size (demand of a period with demand), unit that demand comes in, rise; variances with n - 1.

    Examples
    --------
    >>> describe(np.array([0.0, 4.0, np.nan, 2.0]), np.array([0, 4]), 0.5).round(4).tolist()
    [[3.0, 2.0, 2.0, 4.0, 3.0, 2.0, 1.0, 0.4629]]
    """
    out = np.zeros((len(bounds) - 1, 8))
    for i in range(len(bounds) - 1):
        n = k = g = 0
        mean = m2 = size = s2 = recent = weight = weight2 = 0.0
        for t in range(bounds[i], bounds[i + 1]):
            x = values[t]
            if x >= 0.0:
                n += 1
                d = x - mean
                mean += d / n
                m2 += d * (x - mean)
                weight = 1.0 + (1.0 - rate) * weight
                w = 1.0 / weight
                weight2 = (1.0 - w) * (1.0 - w) * weight2 + w * w
                recent += w * (x - recent)
            if x > 0.0:
                k += 1
                d = x - size
                size += d / k
                s2 += d * (x - size)
                g = divisor(x, g)
        error2 = m2 / max(n - 1, 1) * (weight2 - 1.0 / max(n, 1))
        out[i, 7] = (recent - mean) / math.sqrt(error2) if error2 > 0.0 else 0.0
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = n, k, mean, m2 / max(n - 1, 1)
        out[i, 4], out[i, 5] = size, s2 / max(k - 1, 1)
        out[i, 6] = (g if k >= FEW_SIZES else divisor(1.0, g)) / MICRO
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def fit_counts(values: Floats, bounds: Ints, marks: Ints, rates: Floats, state: Floats, unit: Floats) -> None:
    """Record the states of NORMAL, NB, CROSTON, SBA, TSB, HURDLE and BOOTSTRAP.

    A period with demand of mean size z, variance s2, with probability p has mean p z and variance
    p s2 + p (1 - p) z2, at least that of a Poisson number of units. Croston 1972 smooths size and
    interval when there is demand, Syntetos & Boylan 2005 multiply by 1 - a/2, Teunter, Syntetos &
    Babai 2011 smooth the probability in every period.

    Parameters
    ----------
    values, bounds : ragged (n,) histories
    marks : (n, J) origins
    rates : (3,) smoothing of moments; of sizes and intervals; of the TSB probability
    state : (n, J, N_METHODS, WIDTH) written
    unit : (n, J) written: the divisor of all sizes, or of them and 1 if they are few
    """
    a_moment, a_size, a_prob = rates[0], rates[1], rates[2]
    moves = np.zeros(4)
    for i in range(len(marks)):
        n = k = g = seen = j = 0
        last = -1
        mean = m2 = size = s2 = ew = ew_var = ew_active = weight = weight2 = 0.0
        crost_size = crost_w = interval = gap = prob = prob_w = 0.0
        for m in range(4):
            moves[m] = 0.0
        length = bounds[i + 1] - bounds[i]
        for t in range(length + 1):
            while j < marks.shape[1] and marks[i, j] == t:
                unit[i, j] = (g if k >= FEW_SIZES else divisor(1.0, g)) / MICRO
                if k > 0:
                    row = state[i, j]
                    size_var = s2 / (k - 1) if k > 1 else SIZE_CV2 * size * size
                    evidence = 1.0 / weight2
                    row[NORMAL, 0], row[NORMAL, 1] = mean, m2 / max(n - 1, 1)
                    row[NB, 0] = ew
                    row[NB, 1] = max(ew_var * evidence / max(evidence - 1.0, 1.0), unit[i, j] * ew)
                    row[NB, 2] = row[NB, 1] / evidence
                    for method in range(CROSTON, BOOTSTRAP + 1):
                        z, floor = crost_size, unit[i, j]
                        n_eff = min(float(k), (2.0 - a_size) / a_size) * interval
                        p = 1.0 / interval
                        if method == SBA:
                            p *= 1.0 - 0.5 * a_size
                        elif method == TSB:
                            p, n_eff = prob, min(float(n), (2.0 - a_prob) / a_prob)
                        elif method >= HURDLE:
                            z, floor = size, 0.0
                            p, n_eff = k / n, float(n)
                            if method == HURDLE:
                                p, n_eff = (ew_active * evidence + 0.5) / (evidence + 1.0), evidence
                        row[method, 0] = p * z
                        row[method, 1] = max(p * size_var + p * (1.0 - p) * z * z, floor * p * z)
                        row[method, 2] = row[method, 1] / max(n_eff, 1.0)
                    row[HURDLE, 3] = ew_active * evidence + 0.5
                    row[HURDLE, 4] = (1.0 - ew_active) * evidence + 0.5
                    row[HURDLE, 5], row[HURDLE, 6], row[HURDLE, 7] = size, size_var, k
                    row[BOOTSTRAP, 3] = (moves[1] + k / n) / (moves[0] + moves[1] + 1.0)
                    row[BOOTSTRAP, 4] = (moves[3] + k / n) / (moves[2] + moves[3] + 1.0)
                    row[BOOTSTRAP, 5], row[BOOTSTRAP, 6], row[BOOTSTRAP, 7] = seen, s2 / max(k - 1, 1), k
                j += 1
            if t == length:
                break
            x = values[bounds[i] + t]
            if math.isnan(x):
                last = -1
                continue
            active = 1 if x > 0.0 else 0
            n += 1
            d = x - mean
            mean += d / n
            m2 += d * (x - mean)
            weight = 1.0 + (1.0 - a_moment) * weight
            w = 1.0 / weight
            weight2 = (1.0 - w) * (1.0 - w) * weight2 + w * w
            d = x - ew
            ew += w * d
            ew_var = (1.0 - w) * (ew_var + w * d * d)
            ew_active += w * (active - ew_active)
            prob_w = 1.0 + (1.0 - a_prob) * prob_w
            prob += (active - prob) / prob_w
            gap += 1.0
            if last >= 0:
                moves[2 * last + active] += 1.0
            last = seen = active
            if active:
                k += 1
                d = x - size
                size += d / k
                s2 += d * (x - size)
                crost_w = 1.0 + (1.0 - a_size) * crost_w
                crost_size += (x - crost_size) / crost_w
                interval += (gap - interval) / crost_w
                gap = 0.0
                g = divisor(x, g)


@njit(cache=True, nogil=True, error_model="numpy")
def fit_fading(
    values: Floats, bounds: Ints, marks: Ints, flags: Flags, rate: float, unit: Floats, state: Floats
) -> None:
    """Record the states of FADING: moments as of NB, with the share `rate` forgotten a period.

    Parameters
    ----------
    flags : (n,) which histories
    unit : (n, J) from `fit_counts`
    state : (n, J, N_METHODS, WIDTH) written
    """
    for i in range(len(marks)):
        mean = variance = weight = weight2 = 0.0
        j = 0
        length = bounds[i + 1] - bounds[i] if flags[i] else -1
        for t in range(length + 1):
            while j < marks.shape[1] and marks[i, j] == t:
                if mean > 0.0:
                    row = state[i, j, FADING]
                    evidence = 1.0 / weight2
                    row[0] = mean
                    row[1] = max(variance * evidence / max(evidence - 1.0, 1.0), unit[i, j] * mean)
                    row[2] = row[1] / evidence
                j += 1
            if t == length:
                break
            x = values[bounds[i] + t]
            if math.isnan(x):
                continue
            weight = 1.0 + (1.0 - rate) * weight
            w = 1.0 / weight
            weight2 = (1.0 - w) * (1.0 - w) * weight2 + w * w
            d = x - mean
            mean += w * d
            variance = (1.0 - w) * (variance + w * d * d)


@njit(cache=True, nogil=True, error_model="numpy")
def fit_trend(
    values: Floats, bounds: Ints, marks: Ints, flags: Flags, grid: Floats, method: int, state: Floats
) -> None:
    """Record the states of HOLT (damped trend), or of SES where beta = 0 and phi = 1, over a grid.

        e = y - (l + phi b);  l <- l + phi b + alpha e;  b <- phi b + alpha beta e
                                                              (Gardner & McKenzie 1985)

    The parameters in force at a mark are those with the least squared one-step error before it.

    Parameters
    ----------
    flags : (n,) which histories
    grid : (G, 3) alpha, beta, phi
    method : SES or HOLT
    state : (n, J, N_METHODS, WIDTH) written
    """
    best = np.empty(marks.shape[1])
    for i in range(len(marks)):
        length = bounds[i + 1] - bounds[i] if flags[i] else -1
        for j in range(len(best)):
            best[j] = np.inf
        for point in range(len(grid)):
            alpha, beta, phi = grid[point, 0], grid[point, 1], grid[point, 2]
            level = slope = errors = weight = 0.0
            n = j = 0
            for t in range(length + 1):
                while j < len(best) and marks[i, j] == t:
                    if n > 0 and errors < best[j]:
                        best[j] = errors
                        row = state[i, j, method]
                        row[0], row[1], row[3], row[4], row[5], row[7] = level, alpha, slope, beta, phi, n
                        row[2] = errors / (n - 1) if n > 1 else level * level
                    j += 1
                if t == length:
                    break
                x = values[bounds[i] + t]
                if math.isnan(x):
                    continue
                weight = 1.0 + (1.0 - alpha) * weight
                error = x - (level + phi * slope)
                level += phi * slope + error / weight
                slope *= phi
                if n > 0:
                    errors += error * error
                    slope += alpha * beta * error
                n += 1


@njit(cache=True, nogil=True, error_model="numpy")
def fit_season(
    values: Floats,
    bounds: Ints,
    marks: Ints,
    flags: Flags,
    months: Ints,
    year: int,
    alphas: Floats,
    index: Floats,
    state: Floats,
) -> None:
    """Record the states of SEASONAL: indices by calendar month, and smoothing of what they leave.

    The level L is the mean of the year around each period. A month's raw index is its demand over
    its sum of L; with F the ratio of the variance between months to the variance within them (both
    weighted by L), the indices are shrunk towards 1 by max(0, 1 - 1/F) (after James & Stein 1961)
    and scaled to mean 1. The level l is the exponentially weighted sum of demand over that of indices.

    Parameters
    ----------
    months : (N,) calendar month 0..11 of the periods, aligned with the END of the histories: a history
        of N periods begins at len(months) - N
    year : periods in a year; without so many before a mark every index is 1
    alphas : (G,) smoothing constants
    index : (n, J, SEASONS) ones, written
    state : (n, J, N_METHODS, WIDTH) written
    """
    total = np.zeros(len(months) + 1)
    count = np.zeros(len(months) + 1)
    levels = np.zeros(len(months))
    demand = np.zeros(SEASONS)
    expected = np.zeros(SEASONS)
    for i in range(len(marks)):
        if not flags[i]:
            continue
        a = bounds[i]
        z = len(months) - (bounds[i + 1] - a)
        for t in range(bounds[i + 1] - a):
            x = values[a + t]
            seen = x >= 0.0
            total[t + 1] = total[t] + (x if seen else 0.0)
            count[t + 1] = count[t] + (1.0 if seen else 0.0)
        for j in range(marks.shape[1]):
            o = marks[i, j]
            s = index[i, j]
            if o >= year:
                for m in range(SEASONS):
                    demand[m] = expected[m] = 0.0
                for t in range(o):
                    lo = min(max(t - year // 2, 0), o - year)
                    levels[t] = (total[lo + year] - total[lo]) / max(count[lo + year] - count[lo], 1.0)
                    if values[a + t] >= 0.0:
                        demand[months[z + t]] += values[a + t]
                        expected[months[z + t]] += levels[t]
                between = known = within = 0.0
                for m in range(SEASONS):
                    if expected[m] > 0.0:
                        s[m] = demand[m] / expected[m]
                        between += expected[m] * (s[m] - 1.0) * (s[m] - 1.0)
                        known += 1.0
                for t in range(o):
                    if levels[t] > 0.0 and values[a + t] >= 0.0:
                        error = values[a + t] - levels[t] * s[months[z + t]]
                        within += error * error / levels[t]
                shrink = 0.0
                if between > 0.0 and count[o] > known:
                    shrink = max(0.0, 1.0 - (within / (count[o] - known)) * (known - 1.0) / between)
                mean = 0.0
                for m in range(SEASONS):
                    s[m] = max(1.0 + shrink * (s[m] - 1.0), LEAST_INDEX)
                    mean += s[m] / SEASONS
                for m in range(SEASONS):
                    s[m] /= mean
            best = np.inf
            for point in range(len(alphas)):
                level = weight = errors = indices = 0.0
                for t in range(o):
                    x = values[a + t]
                    if x >= 0.0:
                        f = s[months[z + t]]
                        error = x - level * f
                        errors += error * error / f if indices > 0.0 else 0.0
                        indices += f
                        weight = f + (1.0 - alphas[point]) * weight
                        level += error / weight
                if errors < best:
                    best = errors
                    row = state[i, j, SEASONAL]
                    row[0], row[1], row[2], row[7] = (
                        level,
                        alphas[point],
                        errors / max(count[o] - 1.0, 1.0),
                        indices,
                    )
