"""Probability functions on a lattice {0, h, 2h, ...}: the Panjer class, the normal, mixtures, quantiles.

Every block is written by recursion from its mode and normalised, so nothing underflows and no
gamma function is needed. Means and variances are in lattice steps.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-14
SAME = 1e-6
FARTHEST_BINOMIAL = 1e7


@njit(cache=True, nogil=True, error_model="numpy")
def panjer_block(out: Floats, mean: float, variance: float) -> tuple[int, int]:
    """Write the count distribution with this mean and variance, and return its range [lo, hi).

        p(k + 1) / p(k) = a + b / (k + 1)                         (Panjer 1981, the class (a, b, 0))

    Negative binomial for variance > mean, Poisson for variance = mean, binomial below (its number
    of trials is rounded, so that the mean is exact and the variance nearly).

    Parameters
    ----------
    out : (K,) scratch, overwritten on [lo, hi); what lies beyond K is cut off and renormalised
    mean : steps
    variance : steps squared

    Examples
    --------
    >>> out = np.zeros(64)
    >>> lo, hi = panjer_block(out, 2.0, 2.0)
    >>> round(float(out[0]), 6), lo                                     # exp(-2)
    (0.135335, 0)
    """
    size = len(out)
    if mean <= 1e-12:
        out[0] = 1.0
        return 0, 1
    if variance > mean * (1.0 + SAME):
        a = (variance - mean) / variance
        b = (mean * mean / (variance - mean) - 1.0) * a
    else:
        a, b = 0.0, mean
        if variance < mean * (1.0 - SAME):
            trials = max(np.rint(mean * mean / (mean - variance)), math.ceil(mean))
            share = mean / trials
            if share >= 1.0 - 1e-12:
                at = min(int(np.rint(mean)), size - 1)
                out[at] = 1.0
                return at, at + 1
            if trials < FARTHEST_BINOMIAL:
                a = -share / (1.0 - share)
                b = -(trials + 1.0) * a
    mode = min(max(int(b / (1.0 - a)), 0), size - 1)
    out[mode] = 1.0
    total = 1.0
    hi = mode + 1
    term = 1.0
    while hi < size:
        term *= a + b / hi
        if term < NEGLIGIBLE:
            break
        out[hi] = term
        total += term
        hi += 1
    lo = mode
    term = 1.0
    while lo > 0:
        term /= a + b / lo
        if term < NEGLIGIBLE:
            break
        lo -= 1
        out[lo] = term
        total += term
    for k in range(lo, hi):
        out[k] /= total
    return lo, hi


@njit(cache=True, nogil=True, error_model="numpy")
def normal_block(out: Floats, mean: float, variance: float) -> tuple[int, int]:
    """Write a normal distribution rounded to the lattice, all below half a step counted as 0."""
    size = len(out)
    scale = math.sqrt(2.0 * variance) + 1e-12
    lo = min(max(int(mean - 6.0 * scale), 0), size - 1)
    hi = min(max(int(mean + 6.0 * scale) + 2, 1), size)
    below = 0.0
    for k in range(lo, hi):
        upto = 1.0 if k == hi - 1 else 0.5 * math.erfc((mean - k - 0.5) / scale)
        out[k] = upto - below
        below = upto
    return lo, hi


@njit(cache=True, nogil=True, error_model="numpy")
def spread(out: Floats, at: float, weight: float) -> None:
    """Add a weight at a point between two lattice cells, shared linearly so that the mean is kept."""
    cell = min(int(at), len(out) - 1)
    part = at - cell
    if part < 1e-12 or cell == len(out) - 1:
        out[cell] += weight
    else:
        out[cell] += weight * (1.0 - part)
        out[cell + 1] += weight * part


@njit(cache=True, nogil=True, error_model="numpy")
def beta_binomial(out: Floats, n: int, active: float, idle: float, weight: float) -> None:
    """Add to out[0..n] the distribution of active periods among n, the share being Beta(active, idle).

        p(b + 1) / p(b) = (n - b) (A + b) / ((b + 1) (B + n - b - 1))

    The recursion starts at a middle value and is run twice: once for the total, once to add.
    """
    middle = min(max(int(n * active / (active + idle)), 0), n)
    scale = 1.0
    for run in range(2):
        total = 1.0
        if run == 1:
            out[middle] += scale
        term = 1.0
        for b in range(middle, n):
            term *= (n - b) * (active + b) / ((b + 1) * (idle + n - b - 1))
            total += term
            if run == 1:
                out[b + 1] += scale * term
        term = 1.0
        for b in range(middle - 1, -1, -1):
            term *= (b + 1) * (idle + n - b - 1) / ((n - b) * (active + b))
            total += term
            if run == 1:
                out[b] += scale * term
        scale = weight / total
