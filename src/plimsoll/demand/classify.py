"""What kind of demand a series is: smooth, erratic, intermittent, lumpy, or none."""

import numpy as np

from plimsoll.demand.params import DemandParams
from plimsoll.maths.ragged import Floats, Ints

CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "none")
NONE = CLASSES.index("none")


def classify(facts: Floats, params: DemandParams) -> tuple[Ints, Floats, Floats]:
    """Return class, average demand interval and squared coefficient of variation of sizes.

        ADI = periods / periods with demand;  CV2 = variance of sizes / mean size squared
                                                   (Syntetos, Boylan & Croston 2005)

    Parameters
    ----------
    facts : (n, 8) from `describe`: periods, periods with demand, ..., mean size, variance of sizes, ...

    Returns
    -------
    (n,) index into CLASSES; (n,) periods, NaN without demand; (n,) NaN with fewer than two sizes, in
    which case it counts as 0.

    Examples
    --------
    >>> kind, adi, cv2 = classify(np.array([[10.0, 5, 2, 0, 4, 4, 1], [9, 0, 0, 0, 0, 0, 1]]), DemandParams())
    >>> [CLASSES[k] for k in kind], adi.tolist(), cv2.tolist()
    (['intermittent', 'none'], [2.0, nan], [0.25, nan])
    """
    n, k, size, variance = facts[:, 0], facts[:, 1], facts[:, 4], facts[:, 5]
    adi = np.divide(n, k, out=np.full(len(facts), np.nan), where=k > 0)
    cv2 = np.divide(variance, size**2, out=np.full(len(facts), np.nan), where=k > 1)
    erratic = np.nan_to_num(cv2) >= params.cv2_cut
    sparse = np.nan_to_num(adi) >= params.adi_cut
    return np.where(k > 0, 2 * sparse + erratic, NONE), adi, cv2
