"""What a global model reads of each history at each origin, in one pass, and the demand shared by groups.

All quantities are relative to the level of the series, so that series of any size can learn from each
other. What rests on nothing (too short a history, no demand yet) is NaN, which trees take as it is.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HALF_LIVES = np.array([1.0 / 26.0, 1.0 / 13.0, 0.25, 0.5, 1.0, 2.0])  # years
LEVEL = 4  # which of them is the level of a series
N_OWN = 27  # what is read of the series itself
N_SHARED = 4  # and of each of its groups
SETTLED = 6  # periods observed before a level is believed
FARTHEST = 20.0  # times its level that one period counts for in a group


@njit(cache=True, nogil=True, error_model="numpy")
def shared_demand(
    values: Floats, bounds: Ints, n_calendar: int, decay: float, groups: Ints, total: Floats, weight: Floats
) -> None:
    """Add up the demand of groups of series per period, each series relative to its level just before.

        Z(g, t) = sum of a y / l / sum of a,  a and l smoothed share of active periods and level to t - 1

    A period counts for no more than FARTHEST levels. What is written at t rests on no period after t.

    Parameters
    ----------
    values, bounds : ragged (n,) histories that end together
    n_calendar : periods of the longest history
    decay : weight of the last period in the level
    groups : (n, G) row of each series in the tables of groups
    total, weight : (rows, n_calendar + 1) zeros, written: running sums of a y / l and of a before period t
    """
    for i in range(len(bounds) - 1):
        level = active = gain = 0.0
        n = 0
        at = n_calendar - (bounds[i + 1] - bounds[i])
        for t in range(bounds[i], bounds[i + 1]):
            x = values[t]
            at += 1
            if math.isnan(x):
                continue
            if n >= SETTLED and level > 0.0:
                z = min(x / level, FARTHEST)
                for g in groups[i]:
                    total[g, at] += active * z
                    weight[g, at] += active
            n += 1
            gain = 1.0 + (1.0 - decay) * gain
            level += (x - level) / gain
            active += ((1.0 if x > 0.0 else 0.0) - active) / gain
    for g in range(len(total)):
        for t in range(n_calendar):
            total[g, t + 1] += total[g, t]
            weight[g, t + 1] += weight[g, t]


@njit(cache=True, nogil=True, error_model="numpy")
def window(total: Floats, count: Floats, lo: int, hi: int) -> float:
    """Return the mean per period of a window from running sums; NaN where nothing was observed in it."""
    if lo < 0 or hi <= lo or count[hi] - count[lo] <= 0.0:
        return math.nan
    mean: float = (total[hi] - total[lo]) / (count[hi] - count[lo])
    return mean


@njit(cache=True, nogil=True, error_model="numpy")
def read_windows(row: Floats, level: float, t: int, h: int, year: int, upto: Floats, seen: Floats) -> None:
    """Write what a series did over the last h periods, the last year, and the same periods before."""
    row[20] = window(upto, seen, max(t - h, 0), t) / level
    row[21] = window(upto, seen, max(t - year, 0), t) / level
    least = 1e-9 * level
    if t >= year:
        then = window(upto, seen, t - year, min(t - year + h, t))
        row[22] = then / level
        row[23] = then / max(window(upto, seen, t - year, t), least)
    if t >= 2 * year:
        then = window(upto, seen, t - 2 * year, min(t - 2 * year + h, t))
        row[24] = then / max(window(upto, seen, t - 2 * year, t - year), least)
    recent = max(t - year // 4, 0)
    row[25] = 1.0 - (seen[t] - seen[recent]) / max(t - recent, 1)


@njit(cache=True, nogil=True, error_model="numpy")
def read_groups(row: Floats, c: int, h: int, year: int, groups: Ints, total: Floats, weight: Floats) -> None:
    """Write what the groups of a series did lately, and in the same periods of the year before."""
    for g in range(len(groups)):
        z, w = total[groups[g]], weight[groups[g]]
        f = N_OWN + g * N_SHARED
        row[f] = window(z, w, max(c - year // 12, 0), c)
        row[f + 1] = window(z, w, max(c - year // 4, 0), c)
        if c >= year:
            then = window(z, w, c - year, min(c - year + h, c))
            row[f + 2] = then / window(z, w, c - year, c)
            row[f + 3] = then / window(z, w, max(c - year - year // 12, 0), c - year)


@njit(cache=True, nogil=True, error_model="numpy")
def features(
    values: Floats,
    bounds: Ints,
    origins: Ints,
    ahead: Ints,
    months: Ints,
    year: int,
    groups: Ints,
    total: Floats,
    weight: Floats,
    out: Floats,
    scale: Floats,
) -> None:
    """Write what is known of each series at each origin about its demand over the periods to come.

    Parameters
    ----------
    values, bounds : ragged (n,) histories that end together
    origins : (n, J) ascending; only history[:o] is read
    ahead : (n, J) periods of the interval to come
    months : calendar month of every period, and of those to come
    year : periods in a year
    groups, total, weight : from `shared_demand`
    out : (n, J, N_OWN + G N_SHARED) written
    scale : (n, J, 4) written: level, variance of a period, mean size and effective number of periods;
        level 0 where there was no demand yet
    """
    n_calendar = total.shape[1] - 1
    n_ew = len(HALF_LIVES)
    keep = 0.5 ** (1.0 / (HALF_LIVES * year))
    ew, gain, ew_active = np.zeros(n_ew), np.zeros(n_ew), np.zeros(n_ew)
    upto = np.zeros(n_calendar + 1)
    seen = np.zeros(n_calendar + 1)
    for i in range(len(origins)):
        a, length = bounds[i], bounds[i + 1] - bounds[i]
        first = n_calendar - length
        ew[:] = gain[:] = ew_active[:] = 0.0
        k = n = j = 0
        size = s2 = most = last_size = before = 0.0
        var = weight2 = 0.0
        last = -1
        for t in range(length + 1):
            while j < origins.shape[1] and origins[i, j] == t:
                row, h = out[i, j], ahead[i, j]
                row[:] = math.nan
                level = ew[LEVEL]
                scale[i, j, 0] = level if k > 0 else 0.0
                if k > 0:
                    evidence = 1.0 / weight2
                    size_var = s2 / (k - 1) if k > 1 else 0.5 * size * size
                    scale[i, j, 1] = var * evidence / max(evidence - 1.0, 1.0)
                    scale[i, j, 2], scale[i, j, 3] = size, evidence
                    row[0] = h
                    row[1] = n
                    row[2] = k / n
                    row[3], row[4] = ew_active[2], ew_active[LEVEL]
                    row[5] = t - last
                    row[6] = (t - last) * k / n
                    row[7], row[8] = last_size / size, before / size if k > 1 else math.nan
                    row[9], row[10] = most / size, size_var / (size * size)
                    row[11], row[12] = math.log(h * level), math.log(h * level / size)
                    row[13] = math.sqrt(scale[i, j, 1]) / level
                    row[14:20] = ew / level
                    read_windows(row, level, t, h, year, upto, seen)
                    row[26] = months[first + t + (h - 1) // 2]
                    read_groups(row, first + t, h, year, groups[i], total, weight)
                j += 1
            if t == length:
                break
            x = values[a + t]
            upto[t + 1], seen[t + 1] = upto[t], seen[t]
            if math.isnan(x):
                continue
            n += 1
            upto[t + 1] += x
            seen[t + 1] += 1.0
            active = 1.0 if x > 0.0 else 0.0
            for e in range(n_ew):
                gain[e] = 1.0 + keep[e] * gain[e]
                if e == LEVEL:
                    w = 1.0 / gain[e]
                    weight2 = (1.0 - w) * (1.0 - w) * weight2 + w * w
                    var = (1.0 - w) * (var + w * (x - ew[e]) * (x - ew[e]))
                ew[e] += (x - ew[e]) / gain[e]
                ew_active[e] += (active - ew_active[e]) / gain[e]
            if x > 0.0:
                k += 1
                d = x - size
                size += d / k
                s2 += d * (x - size)
                most = max(most, x)
                before, last_size = last_size, x
                last = t
