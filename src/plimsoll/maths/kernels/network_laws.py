"""Laws of what a place owes the places below it, and of what that does to their demand.

All laws are pmfs on lattices, ragged where there are several: entry k is the probability of k steps.

    O      orders that pass demand D on in lots
    B      units owed at the end of a period, (O - y)^+, y the position after a review
    D + B  what the stock of a claimant must last for; its part of B: `network_claims`

Hazard: this module compiles functions of `lattice` and `policy_laws`; its cache on disk does not
notice changes made there; touch this file after an edit.
"""

import math
from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.lattice import spread
from plimsoll.maths.kernels.policy_laws import normalised, position_weights, support
from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Ragged = tuple[Floats, Ints]

CHUNK = 512  # entries that one thread takes at a time
TAIL = 1e-13  # probability of the farthest outcomes that the last one kept stands for
LONGEST = 4096  # cells of a law; what lies beyond is counted in the last
WHOLE = 1e-9  # a lot this close to a whole number of steps is one


@njit(cache=True, nogil=True, error_model="numpy")
def cut_tail(law: Floats) -> int:
    """Return how many cells are kept without the far tail, which the last one kept takes over."""
    n, tail = len(law), 0.0
    while n > 1 and tail + law[n - 1] <= TAIL:
        tail += law[n - 1]
        n -= 1
    law[n - 1] += tail
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def lot_variance(demand: float, lot: float, unit: float, share: float) -> float:
    """Return the variance that a claimant's lot adds to its orders when so much demand is passed on."""
    if lot <= unit:
        return 0.0
    return (lot * lot - unit * unit) / 6.0 * (1.0 - math.exp(-6.0 * share * demand / (lot + unit)))


@njit(cache=True, nogil=True, error_model="numpy")
def lot_variances(n: int, lots: Floats, units: Floats, shares: Floats) -> Floats:
    """Return the variance that all claimants' lots add to their orders, by demand passed on."""
    variance = np.zeros(n)
    for c in range(len(lots)):
        if lots[c] > units[c]:
            for d in range(1, n):
                variance[d] += lot_variance(d, lots[c], units[c], shares[c])
    return variance


@njit(cache=True, nogil=True, error_model="numpy")
def _round_one(law: Floats, lot: int, out: Floats) -> None:
    """Write the law of orders in multiples of a lot that pass on demand of this law."""
    for d in range(len(law)):
        part = d % lot
        out[min(d - part, len(out) - 1)] += law[d] * (lot - part) / lot
        if part > 0:
            out[min(d - part + lot, len(out) - 1)] += law[d] * part / lot


@njit(cache=True, nogil=True, error_model="numpy")
def widen(law: Floats, variances: Floats, out: Floats) -> None:
    """Write the law of orders that pass on demand of this law; see `widened_laws`."""
    out[0] += law[0]
    last = len(out) - 1
    for d in range(1, len(law)):
        p, variance = law[d], variances[d]
        if p <= 0.0:
            continue
        near = int(math.sqrt(variance))
        if variance <= 0.0:
            out[d] += p
        elif near < d:
            far = (variance - near * near) / (2.0 * near + 1.0)
            out[d - near] += 0.5 * p * (1.0 - far)
            out[min(d + near, last)] += 0.5 * p * (1.0 - far)
            out[d - near - 1] += 0.5 * p * far
            out[min(d + near + 1, last)] += 0.5 * p * far
        else:
            none = variance / (variance + d * d)
            out[0] += p * none
            spread(out, d + variance / d, p * (1.0 - none))


@njit(cache=True, nogil=True, error_model="numpy")
def _widen_range(
    begin: int,
    end: int,
    laws: Floats,
    bounds: Ints,
    lots: Floats,
    units: Floats,
    shares: Floats,
    claims: Ints,
    is_multiple: Flags,
) -> tuple[Floats, Ints]:
    """Return the widened laws of entries begin..end - 1, one after another, and their lengths."""
    lengths = np.zeros(end - begin, np.int64)
    room = 0
    for e in range(begin, end):
        room += bounds[e + 1] - bounds[e] + longest_lot(lots[claims[e] : claims[e + 1]])
    out = np.zeros(room)
    at = 0
    for e in range(begin, end):
        first, last = claims[e], claims[e + 1]
        law = laws[bounds[e] : bounds[e + 1]]
        size = max(min(len(law) + longest_lot(lots[first:last]), LONGEST), len(law))
        place = out[at : at + size]
        place[:] = 0.0
        if len(law) == 0:
            continue
        if is_multiple[e]:
            _round_one(law, int(np.rint(lots[first])), place)
        else:
            variances = lot_variances(len(law), lots[first:last], units[first:last], shares[first:last])
            widen(law, variances, place)
        kept = cut_tail(place)
        lengths[e - begin] = kept
        at += kept
    return out[:at].copy(), lengths


@njit(cache=True, nogil=True, error_model="numpy")
def longest_lot(lots: Floats) -> int:
    """Return a number of cells that the largest lot stays within."""
    most = 0.0
    for lot in lots:
        most = max(most, lot)
    return int(min(most, float(LONGEST))) + 3


@njit(cache=True, nogil=True, error_model="numpy")
def until_count(protection: Floats, lead: Floats, share: float) -> Floats:
    """Return the law of demand from a review up to an end of period at which its order counts."""
    law = np.zeros(max(len(protection), len(lead), 1))
    law[: len(protection)] += share * protection
    law[: len(lead)] += (1.0 - share) * lead
    return law


@njit(cache=True, nogil=True, error_model="numpy")
def owe(law: Floats, review: Floats, lot: int, is_uniform: bool, level: int, out: Floats) -> None:
    """Write the law of what is owed; see `owed_laws`."""
    n = len(law)
    d_r = normalised(review, max(len(review), 1))
    weights, _, _ = position_weights(d_r[: support(d_r)], lot, is_uniform, max(n - level, 1))
    short = 0.0
    for i in range(len(weights)):
        y = level + 1 + i
        for k in range(y + 1, n):
            out[k - y] += weights[i] * law[k]
            short += weights[i] * law[k]
    out[0] = max(1.0 - short, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _owe_range(
    begin: int,
    end: int,
    protection: Floats,
    protection_bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    review: Floats,
    review_bounds: Ints,
    until: Floats,
    lots: Ints,
    is_uniform: Flags,
    levels: Ints,
) -> tuple[Floats, Ints]:
    """Return the laws of what entries begin..end - 1 owe, one after another, and their lengths."""
    room = 0
    for e in range(begin, end):
        room += _cells(protection_bounds, lead_bounds, e)
    out = np.zeros(room)
    lengths = np.zeros(end - begin, np.int64)
    at = 0
    for e in range(begin, end):
        place = out[at : at + _cells(protection_bounds, lead_bounds, e)]
        place[:] = 0.0
        law = until_count(
            protection[protection_bounds[e] : protection_bounds[e + 1]],
            lead[lead_bounds[e] : lead_bounds[e + 1]],
            until[e],
        )
        d_r = review[review_bounds[e] : review_bounds[e + 1]]
        owe(law, d_r, lots[e], is_uniform[e], levels[e], place)
        kept = cut_tail(place)
        lengths[e - begin] = kept
        at += kept
    return out[:at].copy(), lengths


@njit(cache=True, nogil=True, error_model="numpy")
def _cells(protection_bounds: Ints, lead_bounds: Ints, e: int) -> int:
    """Return how many cells what is owed may take: from position 0, the demand."""
    cells = max(protection_bounds[e + 1] - protection_bounds[e], lead_bounds[e + 1] - lead_bounds[e])
    return int(max(cells, 1))


@njit(cache=True, nogil=True, error_model="numpy")
def add(law: Floats, other: Floats, out: Floats) -> None:
    """Write the law of a sum; what lies beyond goes to the last cell."""
    size = len(out)
    for j in range(len(other)):
        if other[j] > 0.0:
            inside = min(len(law), size - j)
            for i in range(inside):
                out[i + j] += law[i] * other[j]
            for i in range(inside, len(law)):
                out[size - 1] += law[i] * other[j]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_range(
    begin: int, end: int, laws: Floats, bounds: Ints, others: Floats, other_bounds: Ints
) -> tuple[Floats, Ints]:
    """Return the laws of the sums of entries begin..end - 1, one after another, and their lengths."""
    room = 0
    for e in range(begin, end):
        room += bounds[e + 1] - bounds[e] + other_bounds[e + 1] - other_bounds[e]
    out = np.zeros(room)
    lengths = np.zeros(end - begin, np.int64)
    at = 0
    for e in range(begin, end):
        a, b = laws[bounds[e] : bounds[e + 1]], others[other_bounds[e] : other_bounds[e + 1]]
        if len(b) <= 1 or len(a) == 0:
            out[at : at + len(a)] = a
            lengths[e - begin] = len(a)
            at += len(a)
            continue
        size = max(min(len(a) + len(b) - 1, LONGEST), len(a))
        place = out[at : at + size]
        place[:] = 0.0
        add(a, b, place)
        kept = cut_tail(place)
        lengths[e - begin] = kept
        at += kept
    return out[:at].copy(), lengths


@njit(cache=True, nogil=True, error_model="numpy")
def _moments_range(begin: int, end: int, laws: Floats, bounds: Ints, out: Floats) -> None:
    for e in range(begin, end):
        mean, square = 0.0, 0.0
        for k in range(bounds[e + 1] - bounds[e]):
            mean += k * laws[bounds[e] + k]
        for k in range(bounds[e + 1] - bounds[e]):
            square += (k - mean) ** 2 * laws[bounds[e] + k]
        out[0, e], out[1, e] = mean, square


def law_moments(laws: Floats, bounds: Ints) -> tuple[Floats, Floats]:
    """Return mean and variance of each law, steps and steps squared.

    Examples
    --------
    >>> mean, variance = law_moments(np.array([0.5, 0.0, 0.5, 1.0]), np.array([0, 3, 4]))
    >>> mean.tolist(), variance.tolist()
    ([1.0, 0.0], [1.0, 0.0])
    """
    out = np.zeros((2, len(bounds) - 1))
    in_chunks(lambda begin, end: _moments_range(begin, end, laws, bounds, out), 0, out.shape[1], CHUNK)
    return out[0], out[1]


def joined(work: Callable[[int, int], tuple[Floats, Ints]], n: int) -> Ragged:
    """Return the laws that chunks of n entries return, as values and bounds."""
    parts = in_chunks(work, 0, n, CHUNK)
    values = np.concatenate([np.zeros(0), *(values for values, _ in parts)])
    lengths = np.concatenate([np.zeros(1, np.int64), *(lengths for _, lengths in parts)])
    return values, np.cumsum(lengths)


def widened_laws(
    laws: Floats, bounds: Ints, lots: Floats, units: Floats, shares: Floats, claims: Ints, is_one: Flags
) -> Ragged:
    """Return the laws of claimants' orders, given those of the demand that the orders pass on.

        E[O | D] = D,   Var[O | D] = sum_i (Q_i^2 - u_i^2) / 6 (1 - exp(-6 p_i D / (Q_i + u_i)))

    A position uniform on Q values at both ends of an interval adds twice (Q^2 - u^2) / 12; where demand
    is rare an order of Q passes on Q units with probability D / Q, which adds D (Q - u). The form lies
    between both. Given D the orders are two-point, never below 0; of a single claimant that orders
    multiples of Q they are exactly Q floor((U + D) / Q), U uniform on 0..Q - 1.

    Parameters
    ----------
    laws, bounds : ragged pmfs of demand, (n,)
    lots [Q] : (c,) claimants' lots in steps of the source's lattice; no effect where not above units
    units [u] : (c,) the least that a claimant orders, same steps
    shares [p] : (c,) of the demand
    claims : (n + 1,) claimants of entry e are claims[e]..claims[e + 1] - 1
    is_one : (n,) True for one claimant that orders multiples of its lot; a lot that is no whole number
        of steps is treated like others

    Returns
    -------
    Ragged pmfs. Without claimants, or with unit lots, they are as given. Means are kept but for
    what lies beyond LONGEST cells.

    Examples
    --------
    Demand of 1 is an order of 4 in one of four cases.

    >>> one = np.array([1.0])
    >>> law, _ = widened_laws(np.array([0.0, 1.0]), np.array([0, 2]), 4 * one, one, one, np.array([0, 1]),
    ...     np.array([True]))
    >>> law.tolist()
    [0.75, 0.0, 0.0, 0.0, 0.25]
    """
    is_whole = np.abs(lots - np.rint(lots)) < WHOLE
    exact = is_one & (np.diff(claims) == 1)
    exact[exact] = is_whole[claims[:-1][exact]] & (lots[claims[:-1][exact]] >= 1.0)
    given = (laws, bounds, lots, units, shares, claims, exact)
    return joined(lambda begin, end: _widen_range(begin, end, *given), len(bounds) - 1)


def owed_laws(
    protection: Floats,
    protection_bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    review: Floats,
    review_bounds: Ints,
    until: Floats,
    lots: Ints,
    is_uniform: Flags,
    levels: Ints,
) -> Ragged:
    """Return the laws of what each entry owes at the end of a period, after its claimants' orders.

        P(B = b) = sum_y w(y) ( c P(D_P = y + b) + (1 - c) P(D_L = y + b) ),  b > 0

    w is the law of the position y after a review: uniform on s+1..s+Q, or the renewal measure of
    (s,S). Of the demand since the review whose orders count, some may come after the moment asked about;
    c interpolates between both laws.

    Parameters
    ----------
    protection, lead, review and bounds : ragged pmfs of demand over lead time plus review interval [D_P],
        lead time [D_L] and review interval
    until [c] : (n,) share of the law over the protection interval, 0 to 1
    lots [Q] : (n,) order-up-to level less reorder level, steps
    is_uniform : (n,) True for (s,nQ), False for (s,S) and base stock
    levels [s] : (n,) steps, at least -1

    Examples
    --------
    Order up to 1; demand 0, 1 or 2.

    >>> law, zero, one = np.array([0.5, 0.25, 0.25]), np.array([0, 3]), np.array([1])
    >>> owed_laws(law, zero, law, zero, law, zero, one * 1.0, one, one == 0, one * 0)[0].tolist()
    [0.75, 0.25]
    """
    laws = (protection, protection_bounds, lead, lead_bounds, review, review_bounds)
    rules = (until, lots, is_uniform, levels)
    return joined(lambda begin, end: _owe_range(begin, end, *laws, *rules), len(levels))


def added_laws(laws: Floats, bounds: Ints, others: Floats, other_bounds: Ints) -> Ragged:
    """Return the laws of the sums of two independent quantities, entry by entry.

    Where the other is certainly 0 (a pmf of at most one cell) the law comes back as given, bit by bit.

    Examples
    --------
    >>> half, bounds = np.array([0.5, 0.5]), np.array([0, 2])
    >>> added_laws(half, bounds, half, bounds)[0].tolist()
    [0.25, 0.5, 0.25]
    """
    given = (laws, bounds, others, other_bounds)
    return joined(lambda begin, end: _add_range(begin, end, *given), len(bounds) - 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _position_range(
    begin: int, end: int, review: Floats, bounds: Ints, lots: Ints, is_uniform: Flags, out: Floats
) -> None:
    for e in range(begin, end):
        lot = lots[e]
        if is_uniform[e] or lot == 1:
            out[e] = (float(lot) * lot - 1.0) / 12.0
            continue
        d_r = normalised(review[bounds[e] : bounds[e + 1]], max(bounds[e + 1] - bounds[e], 1))
        weights, _, _ = position_weights(d_r[: support(d_r)], lot, False, min(lot, LONGEST))
        square, total, first = 0.0, 0.0, 0.0
        for i in range(len(weights)):
            total += weights[i]
            first += weights[i] * (i + 1)
            square += weights[i] * (i + 1) * (i + 1)
        if lot > LONGEST:  # beyond the weights kept it is close to uniform
            out[e] = (float(lot) * lot - 1.0) / 12.0
        else:
            out[e] = max(square / total - (first / total) ** 2, 0.0)


def position_variances(review: Floats, bounds: Ints, lots: Ints, is_uniform: Flags) -> Floats:
    """Return the variance of each position after a review, steps squared.

        (Q^2 - 1) / 12 of (s,nQ); of (s,S) that of the renewal measure, 0 where every review orders

    Parameters
    ----------
    review, bounds : ragged pmfs of demand over a review interval
    lots : (n,) steps
    is_uniform : (n,) True for (s,nQ)

    Examples
    --------
    >>> position_variances(np.array([0.5, 0.5]), np.array([0, 2]), np.array([3]), np.array([False]))
    array([0.66666667])
    """
    out = np.zeros(len(lots))
    in_chunks(
        lambda begin, end: _position_range(begin, end, review, bounds, lots, is_uniform, out),
        0,
        len(lots),
        CHUNK,
    )
    return out
