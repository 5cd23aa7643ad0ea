"""Distributions of demand over random intervals from the states of `demand_fit`; pinball loss; packing."""

import math
from statistics import NormalDist

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.demand_compound import MANY, SPARSE, compound_block, sizes_on_lattice
from plimsoll.maths.kernels.demand_fit import BOOTSTRAP, COMPOUND, HOLT, HURDLE, NORMAL, SEASONAL, SES
from plimsoll.maths.kernels.lattice import beta_binomial, normal_block, panjer_block, spread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_WEIGHT = 1e-9
N_INTERVALS = 5  # review, lead, protection, lead_constant, protection_constant
LAP_ROWS = 37  # when the columns of draws are used up, a path reads on so many rows further down
N_NORMALS = 1024
NORMALS = np.array([NormalDist().inv_cdf((q + 0.5) / N_NORMALS) for q in range(N_NORMALS)])


@njit(cache=True, nogil=True, error_model="numpy")
def moments(method: int, row: Floats, index: Floats, months: Ints, mean: Floats, variance: Floats) -> None:
    """Write mean and variance of demand over the first 0, 1, ..., n periods to come.

        others      M = n m,                    V = n v + n2 tau2
        SES         M = n l,                    V = v (n + a n(n-1) + a2 n(n-1)(2n-1)/6) + n2 v / N
        HOLT        M = sum of l + b phi_j,     V = v sum (1 + a sum (1 + beta phi_i))2 + n2 v / N
        SEASONAL    M = l S, S = sum of indices to come; V as SES with S for the first and the last n

    with phi_j = phi + ... + phi^j: cumulative forecast-error variances as in Hyndman, Koehler, Ord &
    Snyder 2008, section 6.2, and the uncertainty of the level itself.

    Parameters
    ----------
    row : (WIDTH,) state
    index : (SEASONS,)
    months : (>= n,) calendar month of the periods to come
    mean, variance : (n + 1,) written; units, units squared
    """
    mean[0] = variance[0] = 0.0
    alpha, beta, phi = row[1], row[4], row[5]
    ahead = gains = squares = total = slopes = 0.0
    power = 1.0
    for n in range(1, len(mean)):
        if method != SES and method != HOLT and method != SEASONAL:
            mean[n] = n * row[0]
            variance[n] = n * row[1] + n * n * row[2]
            continue
        ahead += index[months[n - 1]] if method == SEASONAL else 1.0
        squares += (1.0 + gains) * (1.0 + gains)
        gains += alpha
        mean[n] = max(row[0], 0.0) * ahead
        if method == HOLT:
            power *= phi
            slopes += power
            gains += alpha * beta * slopes
            total += row[0] + row[3] * slopes
            mean[n] = max(total, 0.05 * mean[n])
        variance[n] = row[2] * (squares * ahead / n + ahead * ahead / max(row[7], 1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def simulate(
    past: Floats, row: Floats, weights: Floats, unit: float, draws: Floats, turn: float, totals: Floats
) -> float:
    """Write simulated demand over random intervals and return the largest: the bootstrap of WSS.

        X* = 1 + floor(X + Z sqrt(X)), or X where that is not positive     (Willemain et al. 2004, eq. 2)

    in units of demand: demand follows demand or none with the two probabilities of the state, sizes
    are resampled and jittered (not where they never varied). Draws are turned by the series' own
    angle (Cranley & Patterson 1976), so that all series share one block.

    Parameters
    ----------
    past : (N,) history, NaN where not observed
    row : (WIDTH,) state of BOOTSTRAP
    weights : (J, n + 1) probabilities of 0, 1, ..., n periods of J intervals
    draws : (P, 1 + 3 c) uniforms; column 0 draws the interval
    turn : in [0, 1)
    totals : (J, P) written, units
    """
    sizes = np.empty(len(past))
    k = 0
    for x in past:
        if x > 0.0:
            sizes[k] = x / unit
            k += 1
    n_paths, columns = draws.shape
    angle = np.empty(columns)
    for c in range(columns):
        angle[c] = turn * (c + 1) - math.floor(turn * (c + 1))
    n_max = weights.shape[1] - 1
    running = np.zeros(n_max + 1)
    u = np.empty(3)
    most = 0.0
    for path in range(n_paths):
        active = row[5] > 0.0
        at, c = path, 1
        for n in range(1, n_max + 1):
            if c == columns:
                at, c = (at + LAP_ROWS) % n_paths, 1
            for d in range(3):
                u[d] = draws[at, c + d] + angle[c + d]
                u[d] -= 1.0 if u[d] >= 1.0 else 0.0
            c += 3
            active = u[0] < (row[4] if active else row[3])
            running[n] = running[n - 1]
            if active:
                x = sizes[int(u[1] * k)]
                if row[6] > 0.0:
                    jittered = 1.0 + math.floor(x + NORMALS[int(u[2] * N_NORMALS)] * math.sqrt(x))
                    x = jittered if jittered > 0.0 else x
                running[n] += x * unit
        most = max(most, running[n_max])
        share = draws[path, 0] + angle[0]
        share -= 1.0 if share >= 1.0 else 0.0
        for j in range(len(weights)):
            n = 0
            upto = weights[j, 0]
            while n < n_max and share >= upto:
                n += 1
                upto += weights[j, n]
            totals[j, path] = running[n]
    return most


@njit(cache=True, nogil=True, error_model="numpy")
def farthest(mixing: Floats, means: Floats, variances: Floats) -> float:
    """Return how far demand of any length of interval that is possible reaches, units."""
    upper = 0.0
    for n in range(1, mixing.shape[1]):
        for j in range(len(mixing)):
            if mixing[j, n] > LEAST_WEIGHT and means[n] > 0.0:
                r = min(means[n] * means[n] / variances[n], 1.0)
                tail = max(8.0 * math.sqrt(variances[n]), (16.0 + math.log(r)) * variances[n] / means[n])
                upper = max(upper, means[n] + tail)
    return upper


@njit(cache=True, nogil=True, error_model="numpy")
def active_periods(mixing: Floats, row: Floats, active: Floats, means: Floats, variances: Floats) -> Floats:
    """Return the probabilities of 0, 1, ... active periods of HURDLE, and write moments of their sizes."""
    for j in range(len(mixing)):
        for n in range(mixing.shape[1]):
            active[j, n] = 0.0
        for n in range(mixing.shape[1]):
            if mixing[j, n] > 0.0:
                beta_binomial(active[j], n, row[3], row[4], mixing[j, n])
    for n in range(mixing.shape[1]):
        means[n] = n * row[5]
        variances[n] = n * row[6] + n * n * row[6] / row[7]
    return active


@njit(cache=True, nogil=True, error_model="numpy")
def write_pmfs(
    values: Floats,
    bounds: Ints,
    ends: Ints,
    series: Ints,
    methods: Ints,
    state: Floats,
    index: Floats,
    unit: Floats,
    months: Ints,
    weights: Floats,
    longest: Ints,
    draws: Floats,
    turn: Floats,
    size_rate: float,
    pmf: Floats,
    steps: Floats,
) -> None:
    """Write distributions of demand over J random intervals for C cases (a series, an origin, a method).

        p(x) = sum over n of P(T = n) p_n(x)

    p_n is a count distribution with the mean and variance of `moments`, normal for NORMAL, drawn for
    BOOTSTRAP. HURDLE mixes over its active periods instead, beta-binomial among n: their demand
    is 1 unit each plus a count distribution. COMPOUND sums sizes (`demand_compound`), where they are few.

    Parameters
    ----------
    values, bounds : ragged (n,) histories
    ends : (C,) origin: periods of the history that a case may see
    series, methods : (C,)
    state, index, unit : (C, WIDTH), (C, SEASONS), (C,)
    months : calendar months, see `fit_season`; with as many more as the longest interval has periods
    weights : (n, J, >= longest + 1) P(T = 0), P(T = 1), ...
    longest : (n,) most periods with a weight
    draws, turn : see `simulate`; turn (n,)
    size_rate : share of the evidence of sizes forgotten a period, for COMPOUND
    pmf : (C, J, K) written
    steps : (C,) written: least multiple of the unit with which K cells reach far enough
    """
    n_sets, cells, n_most = pmf.shape[1], pmf.shape[2], weights.shape[2]
    scratch = np.empty(cells)
    means = np.empty(n_most)
    variances = np.empty(n_most)
    active = np.empty((n_sets, n_most))
    totals = np.empty((n_sets, len(draws)))
    dense, cell, mass = np.zeros(cells), np.empty(cells, dtype=np.int64), np.empty(cells)
    n_cells = 0
    for c in range(len(series)):
        i, method, row = series[c], methods[c], state[c]
        past = values[bounds[i] : bounds[i] + ends[c]]
        n_max = longest[i]
        mixing = weights[i, :, : n_max + 1]
        for j in range(n_sets):
            for k in range(cells):
                pmf[c, j, k] = 0.0
        if method == BOOTSTRAP and row[7] > 0.0:
            upper = simulate(past, row, mixing, unit[c], draws, turn[i], totals)
            step = unit[c] * max(math.ceil(upper / unit[c] / (cells - 1) - 1e-9), 1.0)
            steps[c] = step
            for j in range(n_sets):
                for path in range(len(draws)):
                    spread(pmf[c, j], totals[j, path] / step, 1.0 / len(draws))
            continue
        begins = ends[c] + len(months) - (n_most - 1) - (bounds[i + 1] - bounds[i])
        moments(method, row, index[c], months[begins:], means[: n_max + 1], variances[: n_max + 1])
        upper = farthest(mixing, means, variances)
        if method >= COMPOUND:
            for x in past:
                if 2.0 * x > upper:  # false where not observed
                    upper = 2.0 * x
        step = unit[c] * max(math.ceil(upper / unit[c] / (cells - 1) - 1e-9), 1.0)
        steps[c] = step
        shift = 0
        is_sum = method >= COMPOUND and 0.0 < row[3] <= SPARSE
        if is_sum:
            n_cells = sizes_on_lattice(past, size_rate, row[6], step, dense, cell, mass)
        if method == HURDLE and row[7] > 0.0:
            mixing = active_periods(mixing, row, active[:, : n_max + 1], means, variances)
            shift = 1 if step == unit[c] else 0
        for n in range(n_max + 1):
            heaviest = 0.0
            for j in range(n_sets):
                heaviest = max(heaviest, mixing[j, n])
            at = shift * n
            if heaviest < LEAST_WEIGHT or at >= cells:
                continue
            count = n * row[3]
            if method == NORMAL:
                lo, hi = normal_block(scratch, means[n] / step, variances[n] / (step * step))
            elif is_sum and n > 0 and count <= MANY:
                spread_count = row[5] * count * (1.0 - row[3]) + count * count * row[4]
                lo, hi = 0, compound_block(
                    scratch, count, spread_count, cell, mass, n_cells, 1.0 - row[6], row[7] / step
                )  # fmt: skip
            else:
                lo, hi = panjer_block(scratch, means[n] / step - at, variances[n] / (step * step))
            hi = min(hi, cells - at)
            for j in range(n_sets):
                if mixing[j, n] > 0.0:
                    for k in range(lo, hi):
                        pmf[c, j, at + k] += mixing[j, n] * scratch[k]


@njit(cache=True, nogil=True, error_model="numpy")
def pinball(pmf: Floats, steps: Floats, unit: Floats, actual: Floats, levels: Floats) -> Floats:
    """Return the mean pinball loss of lattice distributions.

        L(q, y) = max(tau (y - q), (tau - 1) (y - q))                 (Koenker & Bassett 1978)

    q is the smallest cell with P(D <= q) >= tau; where the step is more than the unit of demand a
    cell stands for half a step on either side and q is interpolated (not at 0).

    Parameters
    ----------
    pmf : (C, 1, K)
    steps, unit, actual : (C,) units
    levels : (Q,) ascending

    Examples
    --------
    >>> half = np.array([[[0.5, 0.5]]])
    >>> one = np.ones(1)
    >>> pinball(half, one, one, np.array([3.0]), np.array([0.5, 0.9])).tolist()   # (.5 x 3 + .9 x 2) / 2
    [1.65]
    """
    out = np.zeros(len(pmf))
    for c in range(len(pmf)):
        upto = 0.0
        k = -1
        for j in range(len(levels)):
            while k < pmf.shape[2] - 1 and (k < 0 or upto < levels[j] - 1e-12):
                k += 1
                upto += pmf[c, 0, k]
            q = k * steps[c]
            if steps[c] > unit[c] and k > 0:
                q += (0.5 - min((upto - levels[j]) / pmf[c, 0, k], 1.0)) * steps[c]
            gap = actual[c] - q
            out[c] += max(levels[j] * gap, (levels[j] - 1.0) * gap) / len(levels)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def lines_served(pmf: Floats, steps: Floats, idle: Floats, actual: Floats, shares: Floats) -> Floats:
    """Return whether demand that came was served as often as said: served less said, mean over levels.

        said(y) = P(D <= y | R > 0) = (P(D <= y) - P(R = 0) P(L <= y)) / P(R > 0),   D = L + R

    with R the demand of the last period and L that before it. A level y is the least that promises a
    share. The rank of what came is uniform where the law is right, so the share served at a level is
    compared with said(y) itself, not with the share asked for.

    Parameters
    ----------
    pmf : (C, 2, K) laws of D and of L
    steps, actual : (C,) units
    idle : (C,) P(R = 0)
    shares : (Q,) ascending
    """
    out = np.zeros(len(pmf))
    for c in range(len(pmf)):
        upto = before = said = 0.0
        k = -1
        active = max(1.0 - idle[c], 1e-9)
        for share in shares:
            while k < pmf.shape[2] - 1 and (k < 0 or said < share - 1e-12):
                k += 1
                upto += pmf[c, 0, k]
                before += pmf[c, 1, k]
                said = min(max((upto - idle[c] * before) / active, 0.0), 1.0)
            served = 1.0 if actual[c] <= (k + 0.5) * steps[c] else 0.0
            out[c] += (served - said) / len(shares)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def interval_weights(
    days: Floats,
    chance: Floats,
    bounds: Ints,
    review: Floats,
    ahead: Floats,
    ahead_chance: Floats,
    ahead_bounds: Ints,
    period: float,
    out: Floats,
    longest: Ints,
) -> None:
    """Write the probabilities of 0, 1, ... whole periods in the five intervals of stocking points.

    A duration of n + f periods counts as n with 1 - f and as n + 1 with f, which keeps the mean. Of an
    interval T, what customers book `ahead` days before they need it fills T - ahead only: what they will
    need later is booked within it already, what they need at its begin was booked before. Between two
    reviews bookings go on all the time, so the first interval is as long as it is.

    Parameters
    ----------
    days, chance, bounds : ragged (n,) lead times in days and their probabilities
    review : (n,) days between reviews
    ahead, ahead_chance, ahead_bounds : ragged (n,) days that customers book ahead, and shares adding to 1
    period : days
    out : (n, 5, N) zeros, written
    longest : (n,) written: most periods with a weight
    """
    for i in range(len(review)):
        total = mean = most = 0.0
        for a in range(bounds[i], bounds[i + 1]):
            total += chance[a]
            mean += chance[a] * days[a]
            most = max(most, days[a])
        mean /= total
        spread(out[i, 0], review[i] / period, 1.0)
        for k in range(ahead_bounds[i], ahead_bounds[i + 1]):
            early, share = ahead[k], ahead_chance[k]
            for a in range(bounds[i], bounds[i + 1]):
                p = chance[a] / total * share
                spread(out[i, 1], max(days[a] - early, 0.0) / period, p)
                spread(out[i, 2], max(days[a] + review[i] - early, 0.0) / period, p)
            spread(out[i, 3], max(mean - early, 0.0) / period, share)
            spread(out[i, 4], max(mean + review[i] - early, 0.0) / period, share)
        longest[i] = math.ceil((most + review[i]) / period)


@njit(cache=True, nogil=True, error_model="numpy")
def finish(pmf: Floats, tail: float, facts: Floats) -> Floats:
    """Trim far tails, renormalise, and return all distributions end to end.

    Parameters
    ----------
    pmf : (C, J, K) overwritten
    tail : probability that may be cut off
    facts : (C, J, 3) written: length, mean and standard deviation in steps
    """
    cells = pmf.shape[2]
    out = np.empty(pmf.size)
    end = 0
    for c in range(len(pmf)):
        for j in range(pmf.shape[1]):
            total = beyond = mean = square = 0.0
            for k in range(cells):
                total += pmf[c, j, k]
            length = cells
            while length > 1 and beyond + pmf[c, j, length - 1] <= tail * total:
                length -= 1
                beyond += pmf[c, j, length]
            for k in range(length):
                p = pmf[c, j, k] / (total - beyond)
                out[end + k] = p
                mean += k * p
            for k in range(length):
                square += (k - mean) * (k - mean) * out[end + k]
            facts[c, j, 0], facts[c, j, 1], facts[c, j, 2] = length, mean, math.sqrt(square)
            end += length
    return out[:end].copy()
