"""Laws that a policy's service rests on: position after a review, and what an order must last for.

Hazard: these are compiled into `plimsoll.maths.kernels.policy`, whose cache on disk does not notice
changes made here; touch that file after an edit.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RENEWAL_STEPS = 8192  # beyond, the renewal measure has settled and repeats with the span of demand
TINY = 1e-290


@njit(cache=True, nogil=True, error_model="numpy")
def normalised(values: Floats, size: int) -> Floats:
    """Return a pmf on 0..size-1 that sums to 1; mass beyond goes to the last entry."""
    pmf = np.zeros(size)
    total = 0.0
    for k in range(len(values)):
        pmf[min(k, size - 1)] += max(values[k], 0.0)
        total += max(values[k], 0.0)
    for k in range(size):
        pmf[k] = pmf[k] / total if total > 0.0 else (1.0 if k == 0 else 0.0)
    return pmf


@njit(cache=True, nogil=True, error_model="numpy")
def support(pmf: Floats) -> int:
    """Return how many entries there are up to the last one that is possible."""
    n = len(pmf)
    while n > 1 and pmf[n - 1] <= 0.0:
        n -= 1
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def shortage(pmf: Floats) -> Floats:
    """Return E[(D - y)^+] for y = 0..len(pmf)-1."""
    short = np.zeros(len(pmf))
    tail = 0.0
    for y in range(len(pmf) - 2, -1, -1):
        tail += pmf[y + 1]
        short[y] = short[y + 1] + tail
    return short


@njit(cache=True, nogil=True, error_model="numpy")
def _renewal(review: Floats, size: int) -> Floats:
    """Return the renewal measure m(0..size-1): expected reviews spent j steps below the order-up-to level."""
    measure = np.zeros(size)
    stay = 1.0 - review[0]
    measure[0] = 1.0
    for j in range(size):
        measure[j] /= stay
        for k in range(1, min(len(review), size - j)):
            measure[j + k] += review[k] * measure[j]
    return measure


@njit(cache=True, nogil=True, error_model="numpy")
def _span(review: Floats) -> int:
    """Return the greatest common divisor of the possible positive demands."""
    span = 0
    for k in range(1, len(review)):
        if review[k] > 0.0:
            a, b = span, k
            while b:
                a, b = b, a % b
            span = a
    return max(span, 1)


@njit(cache=True, nogil=True, error_model="numpy")
def position_weights(review: Floats, lot: int, is_uniform: bool, keep: int) -> tuple[Floats, float, float]:
    """Return the stationary law of the position after a review, its mean, and how many reviews order.

    Parameters
    ----------
    review : pmf of demand over a review interval
    lot : S - s in steps, or Q
    is_uniform : whether orders are multiples of the lot, (s,nQ), instead of up to S, (s,S)
    keep : number of weights wanted

    Returns
    -------
    weights : P(y = s + i) for i = 1..min(keep, lot)
    mean : E[y - s]
    order_share : P(an order is placed at a review)

    Examples
    --------
    >>> weights, mean, orders = position_weights(np.array([0.5, 0.5]), 2, False, 2)
    >>> weights.tolist(), mean, orders
    ([0.5, 0.5], 1.5, 0.25)
    """
    keep = min(keep, lot)
    if is_uniform or lot == 1 or review[0] >= 1.0:
        short, tail = 0.0, 1.0
        for k in range(min(lot, len(review))):
            tail -= review[k]
            short += max(tail, 0.0)
        weights = np.empty(keep)
        for i in range(keep):
            weights[i] = 1.0 / lot
        return weights, (lot + 1) / 2.0, short / lot
    size = min(lot, RENEWAL_STEPS)
    span = min(_span(review), size)
    measure = _renewal(review, size)
    total, moment = 0.0, 0.0
    for j in range(size):
        total += measure[j]
        moment += measure[j] * j
    cycle = 0.0
    for j in range(size - span, size):
        cycle += measure[j]
    beyond = lot - size
    total += (beyond // span) * cycle
    for j in range(beyond % span):
        total += measure[size - span + j]
    moment += cycle / span * beyond * (size + lot - 1) / 2.0
    weights = np.empty(keep)
    for i in range(1, keep + 1):
        j = lot - i
        weights[i - 1] = measure[j if j < size else size - span + (j - size) % span] / total
    return weights, lot - moment / total, 1.0 / total


@njit(cache=True, nogil=True, error_model="numpy")
def requirements(review: Floats, lead: Floats, protection: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the measure of {order placed, least s that would have lasted = k}, for the lot and base stock.

    Entry k is P(D_P - (y - s) = k, D_R >= y - s); its running sum up to s over its total is cycle service.
    """
    n, n_lead, n_review = len(protection), len(lead), len(review)
    ratio = np.zeros(n)
    for r in range(n_review):
        if review[r] > 0.0:
            for k in range(r, min(n, r + n_lead)):
                ratio[k] += review[r] * lead[k - r]
    missing = np.zeros(n)
    cdf_review, any_missing = 0.0, False
    for k in range(n):
        if k < n_review:
            cdf_review += review[k]
        if ratio[k] > TINY:
            ratio[k] = protection[k] / ratio[k]
        else:  # the sum cannot be k, D_P can: the conditional law of D_R is then its own
            missing[k] = 1.0
            ratio[k] = protection[k] / cdf_review if cdf_review > TINY else 0.0
            any_missing = any_missing or protection[k] > 0.0
    joint = np.zeros(n)
    need = np.zeros(n)
    need_base = np.zeros(n)
    for r in range(min(n_review, n) - 1, 0, -1):
        if review[r] > 0.0:
            for k in range(r, min(n, r + n_lead)):
                joint[k] += review[r] * lead[k - r]
            if any_missing:
                for k in range(r, n):
                    joint[k] += review[r] * missing[k]
        if r <= len(weights):
            weight = weights[r - 1]
            for k in range(r, n):
                need[k - r] += weight * (ratio[k] * joint[k])
    for k in range(1, n):
        need_base[k - 1] = ratio[k] * joint[k]
    return need, need_base
