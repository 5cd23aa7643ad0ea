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

from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Path = NDArray[np.int32]

CYCLE, FILL, GIVEN = 0, 1, 3  # as in plimsoll.maths.kernels.policy; other kinds keep their level
LEVEL, CYCLE_SERVICE, FILL_RATE, ON_HAND, ORDER_SHARE, CYCLE_ERROR, FILL_ERROR, N_RESULTS = range(8)

CHUNK = 16  # entries that one thread takes at a time
BATCHES = 32  # of a path, for standard errors; one more comes first and is not counted
GUIDE = 512  # cells of the table that finds a draw's demand
_MEAN, _VARIANCE, _TURN, _UNITS, _LOT, _IS_UNIFORM, _KIND, _TARGET, _GUESS = range(9)
TOLERANCE = 1e-12
NEGLIGIBLE = 1e-6
MOST_BUNCHED = 3


@njit(cache=True, nogil=True, error_model="numpy")
def fitted_law(pmf: Floats, mean: float, variance: float) -> Floats:
    """Return the law of a unit with this mean, and this variance where that is more than its own.

    The mean is set by scaling onto the lattice, D' = floor(c D + U). Variance is added by bunching:
    with probability w the demands of two units come in one and none in the other, which adds w mean^2;
    MOST_BUNCHED times at most.

    Examples
    --------
    >>> fitted_law(np.array([0.5, 0.5]), 0.5, 0.5)[:3].tolist()       # own variance 1/4, and so w = 1
    [0.625, 0.25, 0.125]
    """
    own = total = 0.0
    for k in range(len(pmf)):
        own += k * pmf[k]
        total += pmf[k]
    scale = mean * total / own
    scale = 1.0 if abs(scale - 1.0) < NEGLIGIBLE else scale
    n = int(scale * (len(pmf) - 1)) + 2
    law = np.zeros(n)
    for k in range(len(pmf)):
        at = int(scale * k)
        law[at] += pmf[k] / total * (1.0 - (scale * k - at))
        law[at + 1] += pmf[k] / total * (scale * k - at)
    added = variance + mean * mean
    for k in range(n):
        added -= k * k * law[k]
    for _ in range(MOST_BUNCHED):
        bunched = min(max(added / (mean * mean), 0.0), 1.0)
        if bunched < NEGLIGIBLE:
            break
        added -= bunched * mean * mean
        out = np.zeros(2 * n)
        out[0] = 0.5 * bunched
        for k in range(n):
            out[k] += (1.0 - bunched) * law[k]
            share = 0.5 * bunched * law[k]
            if share > 0.0:
                for j in range(n):
                    out[k + j] += share * law[j]
        law = out
        n *= 2
    return law


@njit(cache=True, nogil=True, error_model="numpy")
def _arrival_law(lead: Floats) -> Floats:
    """Return P(J = j) of the age from which orders arrive, from P(L = l)."""
    law = np.zeros(len(lead))
    beyond, left = 1.0, 1.0
    for j in range(len(lead)):
        after = max(beyond - lead[j], 0.0)
        stay = after / beyond if after > TOLERANCE and j < len(lead) - 1 else 0.0
        law[j] = left - stay
        left, beyond = stay, after
    return law


@njit(cache=True, nogil=True, error_model="numpy")
def _drawn(law: Floats, draws: Floats, turn: float, out: Path) -> None:
    """Write the least k with P(D <= k) > u for every draw u in [0, 1), turned round the circle."""
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
    for t in range(len(out)):
        u = draws[t] + turn
        u -= 1.0 if u >= 1.0 else 0.0
        k = guide[int(u * GUIDE)]
        while k < last and cdf[k] <= u:
            k += 1
        out[t] = k


@njit(cache=True, nogil=True, error_model="numpy")
def _path(
    level: int,
    lot: int,
    is_uniform: bool,
    units: int,
    short: Floats,
    path: Path,
    sums: Floats,
    out: Floats,
) -> None:
    """Write the results of one level; standard errors are those of the means of batches."""
    demand, arrives_from, orders = path[0], path[1], path[2]
    length, top, mean = len(demand) // (BATCHES + 1), len(short) - 1, short[0]
    stock, position = level + lot, level + lot
    head, clock, was_short = 0, units, False
    for b in range(-1, BATCHES):
        lost, held, broken, arrived, ordered = 0.0, 0.0, 0.0, 0, 0
        for t in range((b + 1) * length, (b + 2) * length):
            while head < t - arrives_from[t]:
                if orders[head] > 0:
                    stock += orders[head]
                    arrived += 1
                    was_short = False
                head += 1
            if stock < top:
                lost += short[stock]
                held += short[stock]
                if not was_short:
                    broken += short[stock] - short[stock + 1]
            held += stock
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
        if b >= 0:
            sums[b, 0], sums[b, 1], sums[b, 2], sums[b, 3], sums[b, 4] = lost, broken, arrived, held, ordered
    lost = broken = arrivals = held = orders_placed = 0.0
    for b in range(BATCHES):
        lost += sums[b, 0]
        broken += sums[b, 1]
        arrivals += sums[b, 2]
        held += sums[b, 3]
        orders_placed += sums[b, 4]
    counted = length * BATCHES
    share = min(broken / arrivals, 1.0) if arrivals > 0.0 else 0.0
    square_lost = square_broken = 0.0
    for b in range(BATCHES):
        square_lost += (sums[b, 0] - lost / BATCHES) ** 2
        square_broken += (sums[b, 1] - share * sums[b, 2]) ** 2
    spread = BATCHES / (BATCHES - 1.0)
    out[LEVEL], out[CYCLE_SERVICE], out[FILL_RATE] = level, 1.0 - share, 1.0 - lost / (counted * mean)
    out[ON_HAND], out[ORDER_SHARE] = max(held / counted - mean, 0.0), orders_placed * units / counted
    out[CYCLE_ERROR] = math.sqrt(spread * square_broken) / max(arrivals, 1.0)
    out[FILL_ERROR] = math.sqrt(spread * square_lost) / (counted * mean)


@njit(cache=True, nogil=True, error_model="numpy")
def _search_range(
    begin: int,
    end: int,
    pmf: Floats,
    bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    rules: Floats,
    draws: Floats,
    out: Floats,
) -> None:
    """Write the results of entries begin..end - 1: of the guess, or of the least level that serves."""
    n = draws.shape[1]
    path, sums, found = np.empty((3, n), np.int32), np.zeros((BATCHES, 5)), np.empty(N_RESULTS)
    for e in range(begin, end):
        rule = rules[e]
        law = fitted_law(pmf[bounds[e] : bounds[e + 1]], rule[_MEAN], rule[_VARIANCE])
        arrival = _arrival_law(lead[lead_bounds[e] : lead_bounds[e + 1]])
        for row in range(2):
            _drawn(law if row == 0 else arrival, draws[row], rule[_TURN], path[row])
        short, tail = np.zeros(len(law)), 0.0
        for k in range(len(law) - 2, -1, -1):
            tail += law[k + 1]
            short[k] = short[k + 1] + tail
        column = CYCLE_SERVICE if rule[_KIND] == CYCLE else FILL_RATE
        searches = (rule[_KIND] == CYCLE or rule[_KIND] == FILL) and rule[_TARGET] < 1.0
        level = int(rule[_GUESS])
        below, above, stride = -1, -1, max(level // 16, 1)
        while above < 0 or (searches and above - below > 1):
            _path(
                level, int(rule[_LOT]), rule[_IS_UNIFORM] > 0.0, int(rule[_UNITS]), short, path, sums, found
            )
            if not searches or found[column] >= rule[_TARGET]:
                above = level
                for k in range(N_RESULTS):
                    out[e, k] = found[k]
            else:
                below = level
            if above >= 0 and below >= 0:
                level = (below + above) // 2
            else:
                level = max(above - stride, 0) if above >= 0 else below + stride
                stride *= 2


def simulate_lost_sales(
    pmf: Floats,
    bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    mean: Floats,
    variance: Floats,
    units: Ints,
    lots: Ints,
    is_uniform: NDArray[np.bool_],
    kinds: Ints,
    targets: Floats,
    guesses: Ints,
    draws: Floats,
    turns: Floats,
) -> Floats:
    """Return the least level that meets the target, and its service and stock, of every entry.

    Search doubles its stride from the guess and then halves; every level runs on the same draws.

    Parameters
    ----------
    pmf, bounds : ragged pmfs of demand over a unit, steps
    lead, lead_bounds : ragged pmfs of the lead time in whole units
    mean, variance : (n,) of the demand of a unit that is simulated, see `fitted_law`
    units : (n,) units between reviews, at least 1
    lots : (n,) order-up-to level less reorder level in steps, at least 1
    is_uniform : (n,) True for (s,nQ), False for (s,S) and base stock
    kinds : (n,) CYCLE or FILL to search; any other only evaluates the guess
    targets : (n,) service target; one of 1 cannot be told from a finite path and keeps the guess
    guesses : (n,) level at which the search starts, steps, at least 0
    draws : (2, T) uniforms for demand and lead time, T at least BATCHES + 1
    turns : (n,) in [0, 1): draws are turned by it (Cranley & Patterson 1976), so that errors of
        entries are not the same

    Returns
    -------
    (n, 7) array: level, cycle service, fill rate, mean stock at the end of a unit, share of reviews
    that order, and standard errors of cycle service and fill rate by batch means.

    Examples
    --------
    Demand 1 in every unit, lead time 1, base stock of 1: every other demand is lost.

    >>> one, draws = np.ones(1, dtype=np.int64), np.full((2, 3300), 0.5)
    >>> laws = (np.array([0.0, 1.0]), np.array([0, 2]), np.array([0.0, 1.0]), np.array([0, 2]))
    >>> rules = (one * 1.0, one * 0.0, one, one, one == 0, one * GIVEN, one * 0.0, one * 0)
    >>> simulate_lost_sales(*laws, *rules, draws, one * 0.0)[0].round(2).tolist()
    [0.0, 0.0, 0.5, 0.0, 0.5, 0.0, 0.0]
    """
    out = np.empty((len(lots), N_RESULTS))
    rules = np.column_stack([mean, variance, turns, units, lots, is_uniform, kinds, targets, guesses])
    given = (pmf, bounds, lead, lead_bounds, rules.astype(np.float64), draws, out)
    in_chunks(lambda begin, end: _search_range(begin, end, *given), 0, len(lots), CHUNK)
    return out
