"""Small flows from places that have to places that want, with a charge for each pair used: exact.

Thousands of parts that do not touch each other are solved at once. For each set of pairs that may be
used, the flow that brings most is found by best paths one after the other (successive shortest paths:
Ahuja, Magnanti & Orlin 1993, section 9.7; worths fall by tranche, so paths never get better); the best
set, charges paid, is found by trying them all.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_PAIRS = 10  # of a part: 1,024 sets
CHUNK = 32  # parts that one thread takes at a time
EVEN = 1e-9  # money; a path or a set must be better by more


@njit(cache=True, nogil=True, error_model="numpy")
def _reached(
    mask: int, a: Ints, b: Ints, cost: Floats, flow: Floats, at_a: Floats, at_b: Floats, by_a: Ints,
    by_b: Ints,
) -> None:  # fmt: skip
    """Write the best money a unit with which each place is reached, and the pair that it is reached by."""
    changed = True
    rounds = 0
    while changed and rounds <= len(at_a) + len(at_b):
        changed = False
        rounds += 1
        for p in range(len(a)):
            if not (mask >> p) & 1:
                continue
            if at_a[a[p]] - cost[p] > at_b[b[p]] + EVEN:
                at_b[b[p]], by_b[b[p]], changed = at_a[a[p]] - cost[p], p, True
            if flow[p] > 0.0 and at_b[b[p]] + cost[p] > at_a[a[p]] + EVEN:
                at_a[a[p]], by_a[a[p]], changed = at_b[b[p]] + cost[p], p, True


@njit(cache=True, nogil=True, error_model="numpy")
def _best_flow(
    mask: int, a: Ints, b: Ints, cost: Floats, has: Floats, has_worth: Floats, wants: Floats,
    wants_worth: Floats, flow: Floats,
) -> float:  # fmt: skip
    """Write the best flow over a set of pairs, and return its money without charges."""
    n_a, n_b, k = len(has), len(wants), has.shape[1]
    room_a, room_b = has.copy(), wants.copy()
    next_a, next_b = np.zeros(n_a, dtype=np.int64), np.zeros(n_b, dtype=np.int64)
    at_a, at_b = np.empty(n_a), np.empty(n_b)
    by_a, by_b = np.empty(n_a, dtype=np.int64), np.empty(n_b, dtype=np.int64)
    flow[:] = 0.0
    money = 0.0
    while True:
        at_b[:], by_a[:], by_b[:] = -np.inf, -1, -1
        for i in range(n_a):
            while next_a[i] < k and room_a[i, next_a[i]] <= 0.0:
                next_a[i] += 1
            at_a[i] = has_worth[i, next_a[i]] if next_a[i] < k else -np.inf
        _reached(mask, a, b, cost, flow, at_a, at_b, by_a, by_b)
        end, gain = -1, EVEN
        for j in range(n_b):
            while next_b[j] < k and room_b[j, next_b[j]] <= 0.0:
                next_b[j] += 1
            if next_b[j] < k and at_b[j] + wants_worth[j, next_b[j]] > gain:
                end, gain = j, at_b[j] + wants_worth[j, next_b[j]]
        if end < 0:
            return money
        step, j, i = room_b[end, next_b[end]], end, 0
        for _ in range(n_a + n_b + 1):
            i = a[by_b[j]]
            if by_a[i] < 0:
                break
            step = min(step, flow[by_a[i]])
            j = b[by_a[i]]
        if by_a[i] >= 0:  # rounding has closed a circle
            return money
        step = min(step, room_a[i, next_a[i]])
        room_a[i, next_a[i]] -= step
        room_b[end, next_b[end]] -= step
        money += step * gain
        j = end
        while True:
            flow[by_b[j]] += step
            i = a[by_b[j]]
            if by_a[i] < 0:
                break
            flow[by_a[i]] -= step
            j = b[by_a[i]]


@njit(cache=True, nogil=True, error_model="numpy")
def _numbered(places: Ints, out: Ints, found: Ints) -> int:
    """Write the number of each place among the different ones of a part, and return how many there are."""
    n = 0
    for p in range(len(places)):
        out[p] = -1
        for m in range(n):
            if found[m] == places[p]:
                out[p] = m
        if out[p] < 0:
            found[n], out[p] = places[p], n
            n += 1
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def _best(
    lo: int, hi: int, bounds: Ints, origin: Ints, target: Ints, cost: Floats, charge: Floats, has: Floats,
    has_worth: Floats, wants: Floats, wants_worth: Floats, units: Floats,
) -> None:  # fmt: skip
    for s in range(lo, hi):
        first, last = bounds[s], bounds[s + 1]
        m = last - first
        a, b = np.empty(m, dtype=np.int64), np.empty(m, dtype=np.int64)
        of_a, of_b = np.empty(m, dtype=np.int64), np.empty(m, dtype=np.int64)
        of_a = of_a[: _numbered(origin[first:last], a, of_a)]
        of_b = of_b[: _numbered(target[first:last], b, of_b)]
        a_has, a_worth, b_wants, b_worth = has[of_a], has_worth[of_a], wants[of_b], wants_worth[of_b]
        best, trial = 0.0, np.empty(m)
        for mask in range(1, 1 << m):
            money = _best_flow(mask, a, b, cost[first:last], a_has, a_worth, b_wants, b_worth, trial)
            for p in range(m):
                if (mask >> p) & 1:
                    money -= charge[first + p]
            if money > best + EVEN:
                best = money
                units[first:last] = trial


def best_flows(
    bounds: Ints,
    origin: Ints,
    target: Ints,
    cost: Floats,
    charge: Floats,
    has: Floats,
    has_worth: Floats,
    wants: Floats,
    wants_worth: Floats,
) -> Floats:
    """Return the units that each pair moves.

    Parameters
    ----------
    bounds : (S + 1,) where the pairs of each part begin; at most MOST_PAIRS a part
    origin, target : (P,) the places of a pair
    cost, charge : (P,) money a unit moved, and for using the pair at all
    has, has_worth : (A, K) units of each tranche and money a unit when they leave, falling by tranche
    wants, wants_worth : (B, K) the same where they arrive

    Returns
    -------
    (P,) units; whole where tranches are.

    Examples
    --------
    >>> column = np.array([[2.0], [1.0]])
    >>> best_flows(np.array([0, 2]), np.array([0, 0]), np.array([0, 1]), np.zeros(2), np.array([6.0, 6.0]),
    ...            np.array([[5.0]]), np.array([[3.0]]), np.array([[4.0], [4.0]]), column).tolist()
    [4.0, 0.0]
    """
    units = np.zeros(len(origin))
    rest = (bounds, origin, target, cost, charge, has, has_worth, wants, wants_worth, units)
    in_chunks(lambda lo, hi: _best(lo, hi, *rest), 0, len(bounds) - 1, CHUNK)
    return units
