"""Lost sales with orders under way: service by simulation on given draws, and the least level by search.

Events follow receive, demand, count, review, order. Time runs in units, one or more to a review:

    x    stock once orders have arrived          l(x) = E(D - x)^+,  t(x) = P(D > x),  D demand of a unit
    fill rate      = 1 - mean l(x) / E[D]        mean stock = mean x - E[D] + l(x)
    cycle service  = 1 - sum of t(x) over units before which the cycle had no shortage / orders arrived

Both are conditional Monte Carlo (Asmussen & Glynn 2007, ch. V.4): what the demand of the unit would
do is averaged exactly. Orders do not cross: at the start of every unit an independent J is drawn, and
all orders of J units or more arrive (Kaplan 1970), with P(J > j) = P(L > j) / P(L > j - 1), so that
an order's lead time has the law of L. Every entry and level is run on the same draws.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.demand_threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Path = NDArray[np.int32]

CYCLE, FILL, GIVEN = 0, 1, 3  # as in plimsoll.maths.kernels.policy; other kinds keep their level
LEVEL, CYCLE_SERVICE, FILL_RATE, ON_HAND, ORDER_SHARE, CYCLE_ERROR, FILL_ERROR, N_RESULTS = range(8)

CHUNK = 16  # entries that one thread takes at a time
BATCHES = 32  # of a path, for standard errors; one more comes first and is not counted
GUIDE = 512  # cells of the table that finds a draw's demand
TOLERANCE = 1e-12
NEGLIGIBLE = 1e-6
_SHORT, _STOCK, _BAD, _ARRIVED, _ORDERED, _N_SUMS = 0, 1, 2, 3, 4, 5


@njit(cache=True, nogil=True, error_model="numpy")
def fitted_law(pmf: Floats, mean: float, variance: float) -> Floats:
    """Return the law of a unit with this mean, and this variance where that is more than its own.

    The mean is set by scaling onto the lattice, D' = floor(c D + U). Variance is added by bunching:
    with probability w the demands of two units come in one and none in the other, which adds w mean^2.

    Examples
    --------
    >>> fitted_law(np.array([0.5, 0.5]), 0.5, 0.5).tolist()       # variance 1/4, and so w = 1
    [0.625, 0.25, 0.125]
    """
    own = total = 0.0
    for k in range(len(pmf)):
        own += k * pmf[k]
        total += pmf[k]
    scale = mean * total / own
    scale = 1.0 if abs(scale - 1.0) < NEGLIGIBLE else scale
    n = int(scale * (len(pmf) - 1)) + 2
    law = np.zeros(2 * n)
    for k in range(len(pmf)):
        at = int(scale * k)
        law[at] += pmf[k] / total * (1.0 - (scale * k - at))
        law[at + 1] += pmf[k] / total * (scale * k - at)
    added = variance + mean * mean
    for k in range(n):
        added -= k * k * law[k]
    bunched = min(max(added / (mean * mean), 0.0), 1.0)
    if bunched < NEGLIGIBLE:
        return law
    out = np.zeros(2 * n)
    out[0] = 0.5 * bunched
    for k in range(n):
        out[k] += (1.0 - bunched) * law[k]
        share = 0.5 * bunched * law[k]
        if share > 0.0:
            for j in range(n):
                out[k + j] += share * law[j]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _arrival_law(lead: Floats) -> Floats:
    """Return P(J = j) of the age from which orders arrive, from P(L = l)."""
    law = np.zeros(len(lead))
    beyond, left = 1.0, 1.0
    for j in range(len(lead)):
        after = max(beyond - lead[j], 0.0)
        stay = after / beyond if beyond > TOLERANCE and j < len(lead) - 1 else 0.0
        law[j] = left - stay if left > stay else 0.0
        left, beyond = stay, after
        if stay <= TOLERANCE:
            break
    return law


@njit(cache=True, nogil=True, error_model="numpy")
def _drawn(law: Floats, draws: Floats, out: Path) -> None:
    """Write the least k with P(D <= k) > u for every draw u in [0, 1)."""
    last = len(law) - 1
    cdf = np.empty(last + 1)
    upto = 0.0
    for k in range(last + 1):
        upto += law[k]
        cdf[k] = upto
    guide = np.empty(GUIDE, dtype=np.int32)
    k = 0
    for cell in range(GUIDE):
        while k < last and cdf[k] * GUIDE <= cell:
            k += 1
        guide[cell] = k
    for t in range(len(draws)):
        k = guide[int(draws[t] * GUIDE)]
        while k < last and cdf[k] <= draws[t]:
            k += 1
        out[t] = k


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    level: int,
    lot: int,
    is_uniform: bool,
    units: int,
    demand: Path,
    arrives_from: Path,
    short: Floats,
    tail: Floats,
    orders: Path,
    sums: Floats,
) -> None:
    """Write the sums of every batch, (BATCHES, _N_SUMS), of one level's path."""
    n_units, top = len(demand), len(short) - 1
    length = n_units // (BATCHES + 1)
    stock = level + lot
    position = stock
    head = 0
    was_short = False
    clock = units
    for batch in range(-1, BATCHES):
        begin = (batch + 1) * length
        lost = held = 0.0
        bad = 0.0
        arrived = ordered = 0
        for t in range(begin, begin + length):
            while head < t - arrives_from[t]:
                if orders[head] > 0:
                    stock += orders[head]
                    arrived += 1
                    was_short = False
                head += 1
            at = min(stock, top)
            lost += short[at]
            held += stock + short[at]
            if not was_short:
                bad += tail[at]
            sold = demand[t]
            if sold > stock:
                sold = stock
                was_short = True
            stock -= sold
            position -= sold
            orders[t] = 0
            clock -= 1
            if clock == 0:
                clock = units
                if position <= level:
                    gap = level - position
                    orders[t] = (gap // lot + 1) * lot if is_uniform else gap + lot
                    position += orders[t]
                    ordered += 1
        if batch >= 0:
            sums[batch, _SHORT], sums[batch, _STOCK], sums[batch, _BAD] = lost, held, bad
            sums[batch, _ARRIVED], sums[batch, _ORDERED] = arrived, ordered


@njit(cache=True, nogil=True, error_model="numpy")
def _summed(level: int, mean: float, n_counted: int, units: int, sums: Floats, out: Floats) -> None:
    """Write the results of one level from the sums of its batches, standard errors by batch means."""
    short, stock, bad, arrived, ordered = 0.0, 0.0, 0.0, 0.0, 0.0
    for b in range(BATCHES):
        short += sums[b, _SHORT]
        stock += sums[b, _STOCK]
        bad += sums[b, _BAD]
        arrived += sums[b, _ARRIVED]
        ordered += sums[b, _ORDERED]
    broken = min(bad / arrived, 1.0) if arrived > 0.0 else 0.0
    fill_square = cycle_square = 0.0
    for b in range(BATCHES):
        fill_square += (sums[b, _SHORT] - short / BATCHES) ** 2
        cycle_square += (sums[b, _BAD] - broken * sums[b, _ARRIVED]) ** 2
    spread = math.sqrt(BATCHES / (BATCHES - 1.0))
    out[LEVEL] = level
    out[FILL_RATE] = min(max(1.0 - short / (n_counted * mean), 0.0), 1.0)
    out[CYCLE_SERVICE] = 1.0 - broken
    out[ON_HAND] = max(stock / n_counted - mean, 0.0)
    out[ORDER_SHARE] = ordered * units / n_counted
    out[FILL_ERROR] = spread * math.sqrt(fill_square) / (n_counted * mean)
    out[CYCLE_ERROR] = spread * math.sqrt(cycle_square) / arrived if arrived > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _search_one(
    law: Floats,
    lead: Floats,
    units: int,
    lot: int,
    is_uniform: bool,
    kind: int,
    target: float,
    guess: int,
    draws: Floats,
    out: Floats,
) -> None:
    """Write the results of one entry: of the guess, or of the least level found to meet the target."""
    n_units = draws.shape[1]
    demand, arrives_from = np.empty(n_units, dtype=np.int32), np.empty(n_units, dtype=np.int32)
    _drawn(law, draws[0], demand)
    _drawn(_arrival_law(lead), draws[1], arrives_from)
    short, tail = np.zeros(len(law)), np.zeros(len(law))
    mean = 0.0
    for k in range(len(law) - 2, -1, -1):
        tail[k] = tail[k + 1] + law[k + 1]
        short[k] = short[k + 1] + tail[k]
    mean = short[0]
    orders = np.empty(n_units, dtype=np.int32)
    sums = np.zeros((BATCHES, _N_SUMS))
    found = np.empty(N_RESULTS)
    n_counted = n_units // (BATCHES + 1) * BATCHES
    column = CYCLE_SERVICE if kind == CYCLE else FILL_RATE
    below, above, stride, level = -1, -1, max(guess // 16, 1), guess
    while True:
        _run(level, lot, is_uniform, units, demand, arrives_from, short, tail, orders, sums)
        _summed(level, mean, n_counted, units, sums, found)
        searches = (kind == CYCLE or kind == FILL) and target < 1.0
        if not searches or found[column] >= target:
            for k in range(N_RESULTS):
                out[k] = found[k]
            above = level
            if not searches or above - below <= 1:
                return
        else:
            below = level
        if above < 0:
            level = below + stride
            stride *= 2
        elif below < 0:
            level = max(above - stride, 0)
            stride *= 2
        else:
            if above - below <= 1:
                return
            level = (below + above) // 2


@njit(cache=True, nogil=True, error_model="numpy")
def _search_range(
    begin: int,
    end: int,
    pmf: Floats,
    bounds: Ints,
    mean: Floats,
    variance: Floats,
    lead: Floats,
    lead_bounds: Ints,
    units: Ints,
    lots: Ints,
    is_uniform: NDArray[np.bool_],
    kinds: Ints,
    targets: Floats,
    guesses: Ints,
    draws: Floats,
    out: Floats,
) -> None:
    """Write the results of entries begin..end - 1."""
    for e in range(begin, end):
        _search_one(
            fitted_law(pmf[bounds[e] : bounds[e + 1]], mean[e], variance[e]),
            lead[lead_bounds[e] : lead_bounds[e + 1]],
            units[e],
            lots[e],
            is_uniform[e],
            kinds[e],
            targets[e],
            guesses[e],
            draws,
            out[e],
        )


def simulate_lost_sales(
    pmf: Floats,
    bounds: Ints,
    mean: Floats,
    variance: Floats,
    lead: Floats,
    lead_bounds: Ints,
    units: Ints,
    lots: Ints,
    is_uniform: NDArray[np.bool_],
    kinds: Ints,
    targets: Floats,
    guesses: Ints,
    draws: Floats,
) -> Floats:
    out = np.empty((len(lots), N_RESULTS))
    given = (pmf, bounds, mean, variance, lead, lead_bounds)
    rules = (units, lots, is_uniform, kinds, targets, guesses, draws)
    in_chunks(lambda begin, end: _search_range(begin, end, *given, *rules, out), 0, len(lots), CHUNK)
    return out
