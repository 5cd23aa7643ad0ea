"""Compound demand: how often somebody asks (a rate known from faded evidence), times how much.

A period has demand with probability p. What is known of p is a gamma distribution whose evidence fades,

    k = sum (1 - w)^age 1{demand},   n = sum (1 - w)^age,   p = (k + a) / (n + b)

(West & Harrison 1997, section 10.8; Robbins 1956 for a and b from all series), and the level of the
coming interval lies around it with a squared coefficient of variation

    tau = (1 - p) / (k + a) + tau0                        at most half of the periods have demand
    tau = (1 - p + cv2) (1 / (k + a) + tau1)              more have, and cv2 is that of their demand

of which the first part is what k demands leave unknown, and the second holds drift and clusters: of what is
asked for all the time, that drifts more which varies more (a local level of one signal-to-noise ratio).
Sizes are those seen, recent ones weighing more, mixed with a geometric size as is usual for such items:

    f = g empirical + (1 - g) geometric(z0),   g = sizes seen / (sizes seen + kappa cv2)

where cv2 is the squared coefficient of variation of the sizes seen, drawn towards that of a geometric size:
the less sizes vary, the fewer tell (Buhlmann & Gisler 2005, chapter 3, the credibility factor).

A state row holds: 0-2 as of `demand_fit`, 3 p, 4 tau, 5 index of dispersion d, 6 g, 7 z0.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.lattice import spread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# evidence under a rate of forgetting; and after those of all rates a row on sizes and gaps
COUNTED, WEIGHED, SIZE_MEAN = 0, 1, 2
SIZES, GAPS, GAP_MEAN, GAP_CV2, N_EVIDENCE = 0, 1, 2, 3, 4
SPARSE = 0.5  # more periods with demand than that, or so many expected, and the sum is nearly a count law
MANY = 40.0
SIZES_MIN = 2.0  # sizes that weigh as much as the belief that they vary like geometric ones
LEAST_SHARE = 0.5  # of its mean that the variance of a count may be: below, the recursion is unstable


@njit(cache=True, nogil=True, error_model="numpy")
def evidence(values: Floats, bounds: Ints, marks: Ints, rates: Floats) -> Floats:
    """Return what each history tells at each mark of how often and how much is asked for.

    Parameters
    ----------
    values, bounds : ragged (n,) histories, NaN where not observed
    marks : (n, J) ascending origins
    rates : (R,) shares of the evidence forgotten a period

    Returns
    -------
    (n, J, R + 1, N_EVIDENCE): at r < R counted and weighed evidence (k, n) under rate r, and mean size; at R
    the sizes seen, gaps between demands seen, their mean and squared coefficient of variation (as a share
    of a geometric gap's).
    """
    n_rates = len(rates)
    out = np.zeros((len(marks), marks.shape[1], n_rates + 1, N_EVIDENCE))
    k, weight = np.zeros(n_rates), np.zeros(n_rates)
    size, size_weight = np.zeros(n_rates), np.zeros(n_rates)
    for i in range(len(marks)):
        k[:] = 0.0
        weight[:] = 0.0
        size_weight[:] = 0.0
        seen = j = n_gaps = 0
        gap = mean = m2 = 0.0
        length = bounds[i + 1] - bounds[i]
        for t in range(length + 1):
            while j < marks.shape[1] and marks[i, j] == t:
                for r in range(n_rates):
                    out[i, j, r, COUNTED], out[i, j, r, WEIGHED] = k[r], weight[r]
                    out[i, j, r, SIZE_MEAN] = size[r] if seen > 0 else 0.0
                row = out[i, j, n_rates]
                row[SIZES], row[GAPS], row[GAP_MEAN] = seen, n_gaps, mean
                row[GAP_CV2] = 1.0
                if n_gaps >= 2:
                    row[GAP_CV2] = m2 / (n_gaps - 1) / (mean * max(mean - 1.0, 0.02 * mean))
                j += 1
            if t == length:
                break
            x = values[bounds[i] + t]
            if math.isnan(x):
                continue
            active = 1.0 if x > 0.0 else 0.0
            for r in range(n_rates):
                k[r] = (1.0 - rates[r]) * k[r] + active
                weight[r] = (1.0 - rates[r]) * weight[r] + 1.0
                size_weight[r] *= 1.0 - rates[r]
                if x > 0.0:
                    size_weight[r] += 1.0
                    size[r] += (x - size[r]) / size_weight[r]
            gap += 1.0
            if x > 0.0:
                if seen > 0:
                    n_gaps += 1
                    d = gap - mean
                    mean += d / n_gaps
                    m2 += d * (gap - mean)
                gap = 0.0
                seen += 1
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def active_ahead(values: Floats, bounds: Ints, marks: Ints, n_ahead: Ints) -> Floats:
    """Return the periods with demand among the n_ahead after each mark, NaN if not all were observed."""
    out = np.full(marks.shape, np.nan)
    for i in range(len(marks)):
        for j in range(marks.shape[1]):
            begin = bounds[i] + marks[i, j]
            if begin + n_ahead[i] > bounds[i + 1]:
                continue
            count = 0.0
            for t in range(begin, begin + n_ahead[i]):
                count += 1.0 if values[t] > 0.0 else (0.0 if values[t] == 0.0 else np.nan)
            out[i, j] = count
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def size_moments(past: Floats, size_rate: float) -> tuple[float, float]:
    """Return mean and mean square of the sizes seen, recent ones weighing more; units, units squared."""
    weight = mean = square = 0.0
    for x in past:
        weight *= 1.0 - size_rate
        if x > 0.0:
            weight += 1.0
            mean += (x - mean) / weight
            square += (x * x - square) / weight
    return mean, square


@njit(cache=True, nogil=True, error_model="numpy")
def fit_compound(
    values: Floats,
    bounds: Ints,
    marks: Ints,
    seen: Floats,
    given: Floats,
    prior: Floats,
    size_rate: float,
    state: Floats,
) -> None:
    """Record the states of the compound method.

    The variance of a count of n periods is d n p (1 - p) + n2 p2 tau. For a renewal process the index of
    dispersion d tends to the squared coefficient of variation of the gaps (Cox 1962, section 4.5); it is
    drawn towards 1, that of chance, by `prior[2]` gaps.

    Parameters
    ----------
    values, bounds, marks : see `evidence`
    seen : (n, J, 2, N_EVIDENCE) evidence under the rate in force, and of sizes and gaps
    given : (n, 4) a, b, z0 [units], and kappa: sizes that weigh as much as the usual one, were their cv2 1
    prior : tau0 where p is at most SPARSE and above, and gaps that weigh as much as chance
    size_rate : share of the evidence of sizes forgotten a period
    state : (n, J, WIDTH) written; zeros where there is no demand yet
    """
    chance = prior[2]
    for i in range(len(marks)):
        a, b, usual, kappa = given[i, 0], given[i, 1], given[i, 2], given[i, 3]
        for j in range(marks.shape[1]):
            k, n = seen[i, j, 0, COUNTED], seen[i, j, 0, WEIGHED]
            of_sizes = seen[i, j, 1]
            if of_sizes[SIZES] == 0.0:
                continue
            p = min((k + a) / (n + b), 1.0)
            free = max(of_sizes[GAPS] - 1.0, 0.0)
            d = (free * of_sizes[GAP_CV2] + chance) / (free + chance)
            mean, square = size_moments(values[bounds[i] : bounds[i] + marks[i, j]], size_rate)
            further = of_sizes[SIZES] - 1.0
            cv2 = (further * (square / (mean * mean) - 1.0) + SIZES_MIN) / (further + SIZES_MIN)
            tau = (1.0 - p) / (k + a) + prior[0]
            if p > SPARSE:
                tau = (1.0 - p + cv2) * (1.0 / (k + a) + prior[1])
            own = of_sizes[SIZES] / (of_sizes[SIZES] + kappa * cv2)
            z = own * mean + (1.0 - own) * usual
            z_var = max(own * square + (1.0 - own) * 2.0 * usual * usual - z * z, 0.0)
            row = state[i, j]
            row[0] = p * z
            row[1] = p * z_var + d * p * (1.0 - p) * z * z
            row[2] = p * p * z * z * tau
            row[3], row[4], row[5], row[6], row[7] = p, tau, d, own, usual


@njit(cache=True, nogil=True, error_model="numpy")
def sizes_on_lattice(
    past: Floats, size_rate: float, own: float, step: float, dense: Floats, cell: Ints, mass: Floats
) -> int:
    """Write the cells that sizes seen fall on with their shares (own in all); returns how many."""
    highest = 0
    weight = 1.0
    total = 0.0
    for t in range(len(past) - 1, -1, -1):
        if past[t] > 0.0:
            total += weight
            at = past[t] / step
            spread(dense, at, weight)
            highest = max(highest, min(int(at) + 1, len(dense) - 1))
        weight *= 1.0 - size_rate
    count = 0
    for k in range(highest + 1):
        if dense[k] > 0.0:
            cell[count], mass[count] = k, own * dense[k] / total
            count += 1
        dense[k] = 0.0
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def compound_block(
    out: Floats,
    mean: float,
    variance: float,
    cell: Ints,
    mass: Floats,
    n_cells: int,
    rest: float,
    usual: float,
) -> int:
    """Write the law of a sum of random sizes, their number having this mean and variance; returns its end.

        p(k) (1 - A f(0)) = sum over j of (A + B j / k) f(j) p(k - j)            (Panjer 1981)

    with A and B of the negative binomial, Poisson or binomial with the moments given, and f the cells
    plus `rest` of a geometric size of mean `usual` (steps, on 1, 2, ...), whose part of the sum follows
    itself from k - 1 to k.

    Parameters
    ----------
    out : (K,) overwritten; what lies beyond is cut off and renormalised
    mean, variance : of the number of sizes; the variance is at least half of the mean
    cell, mass, n_cells : sizes seen, steps, and their shares
    """
    size = len(out)
    variance = max(variance, LEAST_SHARE * mean)
    first = 1 if n_cells > 0 and cell[0] == 0 else 0
    zero = mass[0] if first == 1 else 0.0
    if usual < 1.0:  # a size below one step is one step, that much less often
        zero += rest * (1.0 - usual)
        rest *= usual
    if abs(variance - mean) <= 1e-6 * mean:
        a, b = 0.0, mean
        log_zero = mean * (zero - 1.0)
    elif variance > mean:
        a = (variance - mean) / variance
        shape = mean * mean / (variance - mean)
        b = (shape - 1.0) * a
        log_zero = shape * (math.log1p(-a) - math.log1p(-a * zero))
    else:
        trials = max(np.rint(mean * mean / (mean - variance)), math.ceil(2.0 * mean))
        share = mean / trials
        a = -share / (1.0 - share)
        b = -(trials + 1.0) * a
        log_zero = trials * math.log1p(share * (zero - 1.0))
    q = 1.0 - 1.0 / max(usual, 1.0)
    tail = moment = 0.0
    out[0] = math.exp(log_zero)
    total = out[0]
    end = 1
    for k in range(1, size):
        tail = out[k - 1] + q * tail
        moment = tail + q * moment
        x = rest * (1.0 - q) * (a * tail + b * moment / k)
        for c in range(first, n_cells):
            if cell[c] > k:
                break
            x += (a + b * cell[c] / k) * mass[c] * out[k - cell[c]]
        out[k] = max(x / (1.0 - a * zero), 0.0)
        total += out[k]
        if out[k] > 0.0:
            end = k + 1
    for k in range(end):
        out[k] /= total
    return end
