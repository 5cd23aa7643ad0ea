"""Lead times in the order they became known: what fading evidence would have predicted."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit(cache=True, nogil=True, error_model="numpy")
def predict_in_turn(
    bounds: Ints, ordered: Ints, received: Ints, value: Floats, by_receipt: Ints, decay: float, least: int
) -> tuple[Floats, Floats]:
    """Return the mean and variance that was known of each order's lead time on the day it was placed.

        w_i = exp(-decay (t - received_i)),   m = sum w x / sum w,   v = sum w (x - m)^2 / (n - sum w^2 / n)

    over the orders of the same supplier received before the day t.

    Parameters
    ----------
    bounds : (G + 1,) entries of each supplier
    ordered, received : (n,) days; `ordered` ascending within a supplier
    value : [x] (n,) lead times
    by_receipt : (n,) entry numbers, ascending by `received` within a supplier
    decay : per day; 0 for no fading
    least : orders received that a prediction needs

    Returns
    -------
    mean, variance, both (n,); NaN where too little was known.

    Examples
    --------
    >>> one, other = predict_in_turn(np.array([0, 3]), np.array([0, 1, 9]), np.array([2, 4, 12]),
    ...     np.array([2.0, 3.0, 3.0]), np.array([0, 1, 2]), 0.0, 2)
    >>> one.tolist(), other.tolist()
    ([nan, nan, 2.5], [nan, nan, 0.5])
    """
    mean, variance = np.full(len(value), np.nan), np.full(len(value), np.nan)
    for group in range(len(bounds) - 1):
        n = w1 = w2 = x1 = x2 = 0.0
        head, today = bounds[group], ordered[bounds[group]] if bounds[group] < bounds[group + 1] else 0
        origin = value[bounds[group]] if bounds[group] < bounds[group + 1] else 0.0
        for entry in range(bounds[group], bounds[group + 1]):
            fade = np.exp(-decay * (ordered[entry] - today))
            today = ordered[entry]
            w1, w2, x1, x2 = w1 * fade, w2 * fade * fade, x1 * fade, x2 * fade
            while head < bounds[group + 1] and received[by_receipt[head]] < today:
                which = by_receipt[head]
                w = np.exp(-decay * (today - received[which]))
                x = value[which] - origin
                n, w1, w2, x1, x2 = n + 1, w1 + w, w2 + w * w, x1 + w * x, x2 + w * x * x
                head += 1
            freedom = w1 - w2 / w1 if w1 > 0 else 0.0
            if n >= least and freedom > 1e-9:
                m = x1 / w1
                mean[entry], variance[entry] = origin + m, max(x2 - w1 * m * m, 0.0) / freedom
    return mean, variance
