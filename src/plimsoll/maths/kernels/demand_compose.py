"""Known and added demand convolved with distributions of demand over several intervals."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.lattice import panjer_block, spread

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_WEIGHT = 1e-12


@njit(cache=True, nogil=True, error_model="numpy")
def reach(mean: float, variance: float) -> float:
    """Return how far the count distribution of these moments reaches, with 1e-9 or less beyond."""
    if mean <= 0.0:
        return 0.0
    shape = min(mean * mean / max(variance, 1e-12), 1.0)
    return mean + max(8.0 * math.sqrt(variance), (16.0 + math.log(shape)) * variance / mean)


@njit(cache=True, nogil=True, error_model="numpy")
def convolve(a: Floats, b: Floats, lo: int, hi: int, weight: float, out: Floats) -> None:
    """Add to out the convolution of a and b[lo:hi], times a weight; what lies beyond out is cut off."""
    size = len(out)
    for i in range(len(a)):
        if a[i] > 0.0:
            p = a[i] * weight
            for k in range(lo, min(hi, size - i)):
                out[i + k] += p * b[k]


@njit(cache=True, nogil=True, error_model="numpy")
def rebinned(pmf: Floats, length: int, ratio: float, out: Floats) -> None:
    """Write a distribution on a lattice with a step `ratio` times as wide (1 / ratio whole if below 1)."""
    out[:] = 0.0
    for k in range(length):
        if pmf[k] > 0.0:
            spread(out, k / ratio, pmf[k])


@njit(cache=True, nogil=True, error_model="numpy")
def step_for(step: float, upper: float, cells: int) -> float:
    """Return the least multiple of a step with which so many cells reach far enough."""
    return step * max(math.ceil(upper / step / (cells - 1) - 1e-9), 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def step_with(step: float, upper: float, cells: int, alone: bool) -> float:
    """Return the step of a sum: as of `step_for`, or a whole part of the step where there is room.

    History may come in dozens, and what is added in pieces: on a lattice of dozens it would seem
    erratic. A step above 1 is divided, to 1 if it is whole; not where nothing else is on the lattice.
    """
    parts = 1 if alone or step <= 1.0 else min(int(step), int((cells - 1) * step / max(upper, step)))
    return step / parts if parts > 1 else step_for(step, upper, cells)


@njit(cache=True, nogil=True, error_model="numpy")
def add_rates(
    base: Floats, lengths: Ints, step: Floats, mean: Floats, variance: Floats, pmf: Floats, steps: Floats
) -> None:
    """Write the distributions of base demand plus demand of given moments, which is independent of it.

    Parameters
    ----------
    base : (C, J, B) shares of demand k step, k = 0, 1, ...
    lengths : (C, J) cells in use
    step : (C,) units
    mean, variance : (C, J) of the demand added; units, units squared
    pmf : (C, J, K) zeros, written
    steps : (C,) written
    """
    n_sets, cells = pmf.shape[1], pmf.shape[2]
    wide, added = np.empty(cells), np.empty(cells)
    for c in range(len(base)):
        upper = 0.0
        for j in range(n_sets):
            upper = max(upper, (lengths[c, j] - 1) * step[c] + reach(mean[c, j], variance[c, j]))
        h = steps[c] = step_with(step[c], upper, cells, lengths[c].max() == 1)
        for j in range(n_sets):
            rebinned(base[c, j], lengths[c, j], h / step[c], wide)
            lo, hi = panjer_block(added, mean[c, j] / h, variance[c, j] / (h * h))
            convolve(wide, added, lo, hi, 1.0, pmf[c, j])


@njit(cache=True, nogil=True, error_model="numpy")
def add_lumps(
    base: Floats,
    lengths: Ints,
    step: Floats,
    bounds: Ints,
    quantity: Floats,
    sd: Floats,
    chance: Floats,
    reached: Floats,
    pmf: Floats,
    steps: Floats,
) -> None:
    """Write the distributions of base demand plus lumps on known days, in the order of their days.

    Lumps are independent. An interval that reaches the day of one reaches those before it, so

        added(x) = sum over k of P(just the first k are reached) p_1 * ... * p_k (x)

    with p_i the law of lump i: nothing with 1 - chance, or else a count distribution of its moments
    (the quantity itself where it is certain, shared between two cells so that the mean is kept).

    Parameters
    ----------
    base, lengths, step : see `add_rates`
    bounds : (C + 1,) lumps of each case, ragged (L,)
    quantity, sd, chance : (L,) units, units, share
    reached : (L, J) probability that the interval reaches the day, falling within a case
    pmf, steps : see `add_rates`
    """
    n_sets, cells = pmf.shape[1], pmf.shape[2]
    wide, lump = np.empty(cells), np.empty(cells)
    first, further, mixed = np.empty(cells), np.empty(cells), np.empty((n_sets, cells))
    for c in range(len(base)):
        upper = 0.0
        for j in range(n_sets):
            upper = max(upper, (lengths[c, j] - 1) * step[c])
        for i in range(bounds[c], bounds[c + 1]):
            if reached[i].max() > LEAST_WEIGHT:
                upper += reach(quantity[i], sd[i] * sd[i])
        h = steps[c] = step_with(step[c], upper, cells, lengths[c].max() == 1)
        first[:] = 0.0
        first[0] = 1.0
        mixed[:] = 0.0
        for j in range(n_sets):
            mixed[j, 0] = 1.0 - (reached[bounds[c], j] if bounds[c] < bounds[c + 1] else 0.0)
        for i in range(bounds[c], bounds[c + 1]):
            if reached[i].max() <= LEAST_WEIGHT:
                break
            if sd[i] > 0.0:
                lo, hi = panjer_block(lump, quantity[i] / h, sd[i] * sd[i] / (h * h))
            else:
                lo = min(int(quantity[i] / h), cells - 1)
                hi = min(lo + 2, cells)
                lump[lo:hi] = 0.0
                spread(lump, quantity[i] / h, 1.0)
            for k in range(cells):
                further[k] = (1.0 - chance[i]) * first[k]
            convolve(first, lump, lo, hi, chance[i], further)
            first[:] = further
            for j in range(n_sets):
                just = reached[i, j] - (reached[i + 1, j] if i + 1 < bounds[c + 1] else 0.0)
                for k in range(cells):
                    mixed[j, k] += just * first[k]
        for j in range(n_sets):
            rebinned(base[c, j], lengths[c, j], h / step[c], wide)
            convolve(wide, mixed[j], 0, cells, 1.0, pmf[c, j])
