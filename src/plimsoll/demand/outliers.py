"""Spikes in a history: found by a robust rule, capped where that is wanted."""

import numpy as np

from plimsoll.demand.params import DemandParams
from plimsoll.maths.ragged import Floats, Ints

TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, if normal
LEAST_SIGMA = 0.25  # of log sizes: sizes that hardly differ would make every change a spike


def spikes(values: Floats, bounds: Ints, params: DemandParams) -> tuple[Ints, Floats]:
    """Return the places of spikes in ragged histories, and the size that each may keep.

        x > k x',   log x > median + z s,   s = 1.4826 median |log y - median|    (Rousseeuw & Croux 1993)

    over the sizes y of the history (periods with demand); x' is its next largest size. Both must hold:
    lumpy demand has a wide s, and large orders that come again are its nature. A spike keeps x'.

    Parameters
    ----------
    values : (N,) NaN where not seen
    bounds : (n + 1,)
    params : k `outlier_factor`, z `outlier_errors`, and the least number of sizes

    Returns
    -------
    (s,) places in `values`; (s,) units.

    Examples
    --------
    >>> history = np.array([4.0, 0, 5, 6, 5, 0, 400, 4, 6])
    >>> at, kept = spikes(history, np.array([0, 9]), DemandParams())
    >>> at.tolist(), kept.tolist()
    ([6], [6.0])
    """
    at = np.flatnonzero(values > 0)
    owner = np.searchsorted(bounds, at, side="right") - 1
    order = np.lexsort((values[at], owner))
    at, owner = at[order], owner[order]
    count = np.bincount(owner, minlength=len(bounds) - 1)
    many = count >= params.outlier_demands_min
    begin = (np.cumsum(count) - count)[many]
    last = begin + count[many] - 1
    size = np.log(values[at])
    middle = (size[begin + (count[many] - 1) // 2] + size[begin + count[many] // 2]) / 2
    wide = np.repeat(middle, count[many])
    inside = np.repeat(many, count)
    gap = np.abs(size[inside] - wide)
    group = owner[inside]
    gap = gap[np.lexsort((gap, group))]
    start = np.cumsum(count[many]) - count[many]
    spread = (gap[start + (count[many] - 1) // 2] + gap[start + count[many] // 2]) / 2
    sigma = np.maximum(TO_SIGMA * spread, LEAST_SIGMA)
    next_largest = values[at[last - 1]]
    out = (values[at[last]] > params.outlier_factor * next_largest) & (
        size[last] > middle + params.outlier_errors * sigma
    )
    return at[last[out]], next_largest[out]
