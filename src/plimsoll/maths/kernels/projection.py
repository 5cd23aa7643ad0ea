"""Lost sales with orders under way: stock projected to the day an order can serve, and what to order for it.

Time runs in intervals that need not be alike; stock that arrives does so at their start. With x the
stock at the start of interval k, a what arrives then, and demand that meets no stock lost:

    x' = max(x + a - D_k, 0),    k = 1 .. K - 1;    x then serves interval K, and the order q with it

(Karlin & Scarf 1958; Zipkin 2008). The demands of all intervals share one unknown level: given level g
of mean 1, D_k has mean g m_k and variance g v_k. Levels are given as equally likely values, and the law
of stock is followed for each of them, so that a busy first interval tells of a busy last one.

The next unit after a stock y costs h if it is left over, and saves p if it is not:

    M(y) = h P(D_K <= y) - p P(D_K > y)  [+ E max(0, G(y - D_K)), of units left over]

The least q with E M(x + q) >= 0 is ordered. Without the last term this is the projected newsvendor.
The term looks ahead: G is M of the interval after K, and so on, so that a unit left over costs nothing
more while the interval after could use it, and its holding while it could not.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.demand_compose import reach
from plimsoll.maths.kernels.lattice import panjer_block, spread
from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUANTITY, STOCK, LOST, SHORT, N_RESULTS = range(5)

CHUNK = 64  # entries that one thread takes at a time
EVEN = 1e-12  # money this close to nothing is nothing: sums of probabilities carry rounding


@njit(cache=True, nogil=True, error_model="numpy")
def _after(stock: Floats, arriving: float, law: Floats, lo: int, hi: int, out: Floats) -> float:
    """Write the law of what is left of stock and arrivals, and return the units lost."""
    n = len(stock)
    there = np.zeros(n)
    for x in range(n):
        if stock[x] > 0.0:
            spread(there, x + arriving, stock[x])
    lost = 0.0
    out[:] = 0.0
    for x in range(n):
        if there[x] > 0.0:
            for d in range(lo, hi):
                if d < x:
                    out[x - d] += there[x] * law[d]
                else:
                    out[0] += there[x] * law[d]
                    lost += there[x] * law[d] * (d - x)
    return lost


@njit(cache=True, nogil=True, error_model="numpy")
def _cost_of_next(
    law: Floats, lo: int, hi: int, holding: float, shortage: float, later: Floats, out: Floats
) -> None:
    """Write M(y) of every stock y, where `later` is the G of what is left over."""
    upto = 0.0
    for y in range(len(out)):
        if lo <= y < hi:
            upto += law[y]
        out[y] = holding * upto - shortage * max(1.0 - upto, 0.0)
        for d in range(lo, min(y + 1, hi)):
            out[y] += law[d] * max(later[y - d], 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _looked_ahead(mean: Floats, variance: Floats, levels: Floats, costs: Floats, size: int) -> Floats:
    """Return G(y) of the first of these intervals, 0 where there is none."""
    later, out, law, mixed = np.zeros(size), np.empty(size), np.empty(size), np.empty(size)
    for k in range(len(mean) - 1, -1, -1):
        mixed[:] = 0.0
        first, last = size, 0
        for g in levels:
            lo, hi = panjer_block(law, g * mean[k], g * variance[k])
            first, last = min(first, lo), max(last, hi)
            for d in range(lo, hi):
                mixed[d] += law[d] / len(levels)
        _cost_of_next(mixed, first, last, costs[0], costs[1], later, out)
        later[:] = out
    return later


@njit(cache=True, nogil=True, error_model="numpy")
def _least(stock: Floats, cost: Floats) -> int:
    """Return the least q with E M(x + q) >= 0, by halves; M rises with q."""
    below, above = -1, int(cost.shape[1]) - 1
    while above - below > 1:
        q = (below + above) // 2
        total = 0.0
        for j in range(len(stock)):
            for x in range(stock.shape[1]):
                total += stock[j, x] * cost[j, min(x + q, cost.shape[1] - 1)]
        if total >= -EVEN:
            above = q
        else:
            below = q
    return above


@njit(cache=True, nogil=True, error_model="numpy")
def _project_range(
    begin: int,
    end: int,
    on_hand: Floats,
    arriving: Floats,
    mean: Floats,
    variance: Floats,
    levels: Floats,
    costs: Floats,
    out: Floats,
) -> None:
    """Write the results of entries begin..end - 1."""
    before = arriving.shape[1] - 1
    n_levels = levels.shape[1]
    for e in range(begin, end):
        most = math.ceil(on_hand[e] + arriving[e].sum()) + 2
        top = max(levels[e].max(), 1.0)
        size = 1
        for k in range(mean.shape[1]):
            size = max(size, int(reach(top * mean[e, k], top * variance[e, k])) + 2)
        law = np.empty(size)
        stock, left = np.zeros((n_levels, most)), np.empty(most)
        cost = np.empty((n_levels, size))
        later = _looked_ahead(mean[e, before + 1 :], variance[e, before + 1 :], levels[e], costs[e], size)
        lost = 0.0
        for j in range(n_levels):
            spread(stock[j], on_hand[e], 1.0)
            for k in range(before):
                lo, hi = panjer_block(law, levels[e, j] * mean[e, k], levels[e, j] * variance[e, k])
                lost += _after(stock[j], arriving[e, k], law, lo, hi, left)
                stock[j] = left
            _after(stock[j], arriving[e, before], np.ones(1), 0, 1, left)
            stock[j] = left
            lo, hi = panjer_block(law, levels[e, j] * mean[e, before], levels[e, j] * variance[e, before])
            _cost_of_next(law, lo, hi, costs[e, 0], costs[e, 1], later, cost[j])
        quantity = _least(stock, cost)
        out[e, QUANTITY], out[e, LOST] = quantity, lost / n_levels
        out[e, STOCK] = out[e, SHORT] = 0.0
        for j in range(n_levels):
            lo, hi = panjer_block(law, levels[e, j] * mean[e, before], levels[e, j] * variance[e, before])
            beyond = np.zeros(size + 1)
            for d in range(size - 1, -1, -1):
                beyond[d] = beyond[d + 1] + (law[d] if lo <= d < hi else 0.0)
            for x in range(most):
                out[e, STOCK] += stock[j, x] * x / n_levels
                out[e, SHORT] += stock[j, x] * beyond[min(x + quantity + 1, size)] / n_levels


def projected_orders(
    on_hand: Floats,
    arriving: Floats,
    mean: Floats,
    variance: Floats,
    levels: Floats,
    costs: Floats,
) -> Floats:
    """Return what to order for the interval that the order can first serve, and how stock will stand then.

    Parameters
    ----------
    on_hand : (n,) stock now, steps, at least 0; what lies between two steps is shared between them
    arriving : (n, K) units under way by the interval at whose start they arrive, the K-th being served
    mean, variance : (n, K + A) of the demand of each interval given its level 1, steps; an interval of
        mean 0 has no demand. The last A are those looked ahead; A = 0 is the projected newsvendor.
    levels : (n, J) equally likely levels, of mean 1; J = 1 is a level that is known
    costs : (n, 2) holding one step for an interval, and one step short

    Returns
    -------
    (n, N_RESULTS) quantity; expected stock when the served interval begins, without the order; expected
    units lost before; probability of a shortage in the served interval with the order. Steps.

    Examples
    --------
    Nothing in stock, no interval to wait: the newsvendor. Poisson of mean 2: P(D <= 3) = 0.857 >= 1 / 1.2.

    >>> mean = np.array([[2.0]])
    >>> found = projected_orders(
    ...     np.zeros(1), np.zeros((1, 1)), mean, mean, np.ones((1, 1)), np.array([[0.2, 1.0]])
    ... )
    >>> found.round(4).tolist()
    [[3.0, 0.0, 0.0, 0.1429]]
    """
    out = np.empty((len(on_hand), N_RESULTS))

    def work(lo: int, hi: int) -> None:
        _project_range(lo, hi, on_hand, arriving, mean, variance, levels, costs, out)

    in_chunks(work, 0, len(on_hand), CHUNK)
    return out
