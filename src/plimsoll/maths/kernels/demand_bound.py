"""What quantiles of demand over 1, 2, 3, .. periods exceed the mean by, for bounds on demand."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.lattice import panjer_block
from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK = 256  # stages that one thread takes at a time
TOLERANCE = 1e-12  # sums of probabilities carry rounding
DEVIATIONS, TAIL = (
    10.0,
    45.0,
)  # room for a law: deviations above the mean, geometric tails of variance over mean


@njit(cache=True, nogil=True, error_model="numpy")
def _excess_range(
    begin: int,
    end: int,
    service: Floats,
    mean: Floats,
    within: Floats,
    level: Floats,
    bounds: Ints,
    out: Floats,
) -> None:
    """Write the excess of the stages begin..end."""
    for stage in range(begin, end):
        first = bounds[stage]
        longest = bounds[stage + 1] - first - 1
        if longest < 0:
            continue
        m = mean[stage] * longest
        v = within[stage] * longest + level[stage] * longest**2
        size = int(m + DEVIATIONS * np.sqrt(v) + TAIL * max(v / m, 1.0)) + 2 if m > 0.0 else 1
        law = np.empty(size)
        out[first] = 0.0
        for t in range(1, longest + 1):
            lo, hi = panjer_block(law, mean[stage] * t, within[stage] * t + level[stage] * t**2)
            k, total = lo, law[lo]
            while total < service[stage] - TOLERANCE and k < hi - 1:
                k += 1
                total += law[k]
            out[first + t] = max(out[first + t - 1], k - mean[stage] * t)


def interval_excess(service: Floats, mean: Floats, within: Floats, level: Floats, bounds: Ints) -> Floats:
    """Return how far the service quantile of demand over up to t = 0, 1, 2, .. periods exceeds the mean.

        max over k <= t of [ F_k^-1(service) - mean k ]^+

    F_k has mean `mean` k and variance `within` k + `level` k^2: negative binomial, Poisson or binomial as
    the variance is above, at or below the mean (the class of Panjer 1981).

    Parameters
    ----------
    service : (stages,) share below 1
    mean : (stages,) steps per period
    within : (stages,) variance of a period given the level of demand, steps squared
    level : (stages,) variance of the level itself, steps squared per period squared
    bounds : (stages + 1,) where t = 0, 1, .. of each stage stand in the result

    Returns
    -------
    steps, by stage and t

    Examples
    --------
    The quantiles are 0, 4, 7, 9:

    >>> one = np.ones(1)
    >>> interval_excess(0.9 * one, 2.0 * one, 2.0 * one, 0.0 * one, np.array([0, 4])).tolist()
    [0.0, 2.0, 3.0, 3.0]
    """
    out = np.empty(bounds[-1])

    def work(begin: int, end: int) -> None:
        _excess_range(begin, end, service, mean, within, level, bounds, out)

    in_chunks(work, 0, len(service), CHUNK)
    return out
