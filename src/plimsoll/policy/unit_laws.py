"""The law of demand in one unit of time, from the law of its sum over several."""

import numpy as np
from numpy.typing import NDArray

from plimsoll.maths.ragged import Floats, Ints

ROWS = 1024  # laws at a time, to bound memory
LOST = 1e-10  # transforms below are lost in the mass cut off from distributions
ROOT_ERROR = 0.02  # sum of absolute differences; so much moves a fill rate by less than 0.3 points
SPREAD_MIN = 1.0 + 1e-6  # variance over mean from which a negative binomial is fitted


def unit_laws(values: Floats, bounds: Ints, units: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return laws whose sum of n independent draws has the given laws, and whether there are such.

    The n-th root of the Fourier transform, followed from frequency 0 so that it is continuous; or, if
    its sum comes closer, the negative binomial with an n-th of mean and variance.

    Parameters
    ----------
    values, bounds : ragged pmfs
    units : (m,) number of draws n; laws of one draw come back as they are

    Returns
    -------
    pmfs with the same bounds, and (m,) False where the sum of n draws is off by more than ROOT_ERROR

    Examples
    --------
    >>> two_throws = np.array([0.25, 0.5, 0.25])
    >>> law, is_sum = unit_laws(two_throws, np.array([0, 3]), np.array([2.0]))
    >>> law.round(6).tolist(), is_sum.tolist()
    ([0.5, 0.5, 0.0], [True])
    """
    out, is_sum = values.copy(), np.ones(len(units), dtype=np.bool_)
    lengths = np.diff(bounds)
    several = np.flatnonzero(units > 1)
    for first in range(0, len(several), ROWS):
        rows = several[first : first + ROWS]
        cells = np.arange(lengths[rows].max())
        inside = cells < lengths[rows, None]
        at = (bounds[rows, None] + cells)[inside]
        laws = np.zeros((len(rows), 4 << int(len(cells) - 1).bit_length()))  # wide: roots must not wrap round
        laws[:, : len(cells)][inside] = values[at]
        law, error = _rooted(laws, units[rows, None])
        out[at] = law[:, : len(cells)][inside]
        is_sum[rows] = error <= ROOT_ERROR
    return out, is_sum


def _rooted(laws: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the better of two n-th roots of each law, and how far its sum of n is from the law."""
    transform = np.fft.rfft(laws)
    height = np.abs(transform)
    angle = np.unwrap(np.angle(transform))
    root = np.where(height > LOST, height ** (1.0 / n) * np.exp(1j * angle / n), 0.0)
    inside = np.cumsum(laws[:, ::-1], axis=1)[:, ::-1] > 0.0  # a part is never more than the sum
    candidates = []
    for guess in (root, _negative_binomial(laws, n)):
        law = np.fft.irfft(guess, laws.shape[1])
        # ringing is as high as it is deep; a far tail of it would weigh in the shortage
        noise = np.maximum(-law.min(axis=1, keepdims=True), 0.0)
        in_law = np.cumsum((law > 2.0 * noise)[:, ::-1], axis=1)[:, ::-1] > 0
        law = np.where(in_law & inside, law.clip(0.0), 0.0)
        law /= law.sum(axis=1, keepdims=True)
        back = np.fft.irfft(np.fft.rfft(law) ** n, laws.shape[1])
        candidates.append((law, np.abs(back - laws).sum(axis=1)))
    (first, error), (second, other) = candidates
    return np.where((error <= other)[:, None], first, second), np.minimum(error, other)


def _negative_binomial(laws: Floats, n: Floats) -> NDArray[np.complex128]:
    """Return the transform of the n-th root of the negative binomial with the moments of each law."""
    cells = np.arange(laws.shape[1])
    mean = laws @ cells
    variance = np.maximum(laws @ cells**2 - mean**2, SPREAD_MIN * mean)
    share, size = (1.0 - mean / variance)[:, None], (mean**2 / (variance - mean))[:, None]
    circle = np.exp(-2j * np.pi * np.arange(laws.shape[1] // 2 + 1) / laws.shape[1])
    return np.asarray(((1.0 - share) / (1.0 - share * circle)) ** (size / n))
