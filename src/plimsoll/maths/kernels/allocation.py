"""Scarce stock given out, lot by lot, to the claim in which the next lot is worth most.

Claims stand together by source. A claim on a source wants some units in lots, and what x units are
worth to it is the shortage that they avoid, in money:

    w (n(y) - n(y + x)),    n(y) = E[(D - y)^+]

with w the money of a unit short and y the position that it has without them. n is convex, so each
further lot is worth no more than the one before, and giving the best next lot until nothing is left
is the optimum where the lots of a source are equal (Fox 1966); where they differ it is the optimum but
for less than one lot. Stock is never overdrawn, and lots are not broken.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 256  # sources that one thread takes at a time
STEPS = 20_000  # lots given one by one at a source; where there are more, they go in bundles first
ROUNDING = 1e-9
EVEN = 1e-12  # shares of worth nearer than this are equal


@njit(cache=True, nogil=True, error_model="numpy")
def losses(pmf: Floats, out: Floats) -> None:
    """Write n(k) = E[(D - k)^+] of a law on 0..K-1, in steps."""
    tail = 0.0
    out[len(pmf) - 1] = 0.0
    for k in range(len(pmf) - 2, -1, -1):
        tail += pmf[k + 1]
        out[k] = out[k + 1] + tail


@njit(cache=True, nogil=True, error_model="numpy")
def loss_at(loss: Floats, x: float) -> float:
    """Return n(x) at any x, in steps: exact, since n is linear between lattice points."""
    last = len(loss) - 1
    if x <= 0.0:
        return float(loss[0]) - x
    if x >= last:
        return 0.0
    k = int(x)
    return float(loss[k] + (x - k) * (loss[k + 1] - loss[k]))


@njit(cache=True, nogil=True, error_model="numpy")
def _shortages(lo: int, hi: int, pmf: Floats, cuts: Ints, step: Floats, level: Floats, out: Floats) -> None:
    for i in range(lo, hi):
        loss = np.empty(cuts[i + 1] - cuts[i])
        losses(pmf[cuts[i] : cuts[i + 1]], loss)
        for k in range(level.shape[1]):
            out[i, k] = step[i] * loss_at(loss, level[i, k] / step[i])


def shortages(pmf: Floats, cuts: Ints, step: Floats, level: Floats) -> Floats:
    """Return n(x) = E[(D - x)^+] of each law at several levels.

    Parameters
    ----------
    pmf, cuts : laws, one non-empty block an entry: values, and (n + 1,) where they begin
    step : (n,) units of one lattice step
    level : (n, M) x, units

    Examples
    --------
    >>> shortages(np.array([0.5, 0.5]), np.array([0, 2]), np.ones(1), np.array([[-1.0, 0.0, 0.5]])).tolist()
    [[1.5, 0.5, 0.25]]
    """
    out = np.empty_like(level)
    in_chunks(lambda lo, hi: _shortages(lo, hi, pmf, cuts, step, level, out), 0, len(level), 8 * CHUNK)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _worth(loss: Floats, step: float, weight: float, level: float, units: float) -> float:
    """Return the money a unit that the next units avoid."""
    gain = loss_at(loss, level / step) - loss_at(loss, (level + units) / step)
    return weight * step * max(gain, 0.0) / units


@njit(cache=True, nogil=True, error_model="numpy")
def _give(
    first: int, last: int, left: float, bundle: float, wanted: Floats, lot: Floats, level: Floats,
    weight: Floats, step: Floats, loss: Floats, cuts: Ints, given: Floats,
) -> float:  # fmt: skip
    """Give the best next lots (bundles of them) of one source while they fit; return what is left."""
    n = last - first
    worth, units = np.empty(n), np.empty(n)
    changed = -1
    while True:
        best = -1
        for i in range(n):
            c = first + i
            if changed < 0 or i == changed:
                units[i] = min(bundle * lot[c], wanted[c] - given[c])
                if units[i] > ROUNDING:
                    own = loss[cuts[c] : cuts[c + 1]]
                    worth[i] = _worth(own, step[c], weight[c], level[c] + given[c], units[i])
            if units[i] <= ROUNDING or (units[i] > left + ROUNDING and bundle == 1.0):
                continue
            if best < 0:
                best = i
                continue
            margin = EVEN * max(abs(worth[i]), abs(worth[best]))
            if worth[i] > worth[best] + margin:
                best = i
            elif worth[i] >= worth[best] - margin:
                # Of equals the one that has had the smaller share of what it wants.
                b = first + best
                if given[c] * wanted[b] < given[b] * wanted[c] - ROUNDING:
                    best = i
        if best < 0 or units[best] > left + ROUNDING:
            return left
        given[first + best] += units[best]
        left -= units[best]
        changed = best


@njit(cache=True, nogil=True, error_model="numpy")
def _ration(
    lo: int, hi: int, bounds: Ints, available: Floats, wanted: Floats, lot: Floats, level: Floats,
    weight: Floats, step: Floats, pmf: Floats, cuts: Ints, given: Floats,
) -> None:  # fmt: skip
    base = cuts[bounds[lo]]
    loss = np.empty(cuts[bounds[hi]] - base)
    near = cuts - base
    for s in range(lo, hi):
        first, last = bounds[s], bounds[s + 1]
        total, lots = 0.0, 0.0
        for c in range(first, last):
            total += wanted[c]
            lots += min(wanted[c], available[s]) / lot[c]
        if total <= available[s] + ROUNDING:
            given[first:last] = wanted[first:last]
            continue
        for c in range(first, last):
            losses(pmf[cuts[c] : cuts[c + 1]], loss[near[c] : near[c + 1]])
        left = available[s]
        if lots > STEPS:
            bundle = np.ceil(lots / STEPS)
            left = _give(first, last, left, bundle, wanted, lot, level, weight, step, loss, near, given)
        _give(first, last, left, 1.0, wanted, lot, level, weight, step, loss, near, given)


def ration(
    bounds: Ints,
    available: Floats,
    wanted: Floats,
    lot: Floats,
    level: Floats,
    weight: Floats,
    step: Floats,
    pmf: Floats,
    cuts: Ints,
) -> Floats:
    """Return what each claim gets.

    Parameters
    ----------
    bounds : (S + 1,) where the claims on each source begin
    available : (S,) units that the source can give
    wanted : (C,) units
    lot : (C,) units that it is given in, > 0
    level : (C,) y, units: the position without what it wants; negative when units are owed
    weight : (C,) w, money of a unit short
    step : (C,) units of one lattice step
    pmf, cuts : laws of demand D, one non-empty block a claim: values, and (C + 1,) where they begin

    Returns
    -------
    (C,) units, no more than wanted; of a source together no more than available.

    Notes
    -----
    Equal worth (none, say, where laws have ended) is shared in proportion to what is wanted. Above
    20,000 lots at a source bundles of lots are given first, and the rest lot by lot.

    Examples
    --------
    >>> law = np.array([0.5, 0.5, 0.25, 0.25, 0.25, 0.25])
    >>> given = ration(np.array([0, 2]), np.array([3.0]), np.array([2.0, 3.0]), np.ones(2), np.zeros(2),
    ...                np.array([1.0, 1.0]), np.ones(2), law, np.array([0, 2, 6]))
    >>> given.tolist()
    [1.0, 2.0]
    """
    given = np.zeros(len(wanted))
    rest = (bounds, available, wanted, lot, level, weight, step, pmf, cuts, given)
    in_chunks(lambda lo, hi: _ration(lo, hi, *rest), 0, len(available), CHUNK)
    return given
