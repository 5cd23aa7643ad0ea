"""Intervals of figures over a portfolio: items are drawn again, with all their places."""

from dataclasses import dataclass

import numpy as np

from plimsoll.maths.ragged import Floats
from plimsoll.maths.rng import rng_for

SHARES = (0.05, 0.95, 0.025, 0.975)  # ends of the 90 % and of the 95 % interval
_AT_ONCE = 100  # resamples in memory


@dataclass(frozen=True, slots=True)
class Resampled:
    """Sums over items in every resample, (B, k) for k columns."""

    sums: Floats


def resample(columns: Floats, n_resamples: int, seed: int) -> Resampled:
    """Return the sums of columns over resamples of the items (Efron 1979; Davison & Hinkley 1997, ch. 2).

    An item is a block: its places share its demand and its supplier, and are drawn together. All
    columns are summed over the same items, so that differences between rules are paired. Periods are not
    drawn: an interval tells how far the figure rests on few items, not what another year would bring.

    Parameters
    ----------
    columns : (items, k)
    n_resamples : B
    seed : seed of the draws

    Examples
    --------
    >>> float(resample(np.ones((40, 1)), 100, 1).sums.std())
    0.0
    """
    n, rng = len(columns), rng_for(seed, "replay resamples")
    if not n:
        return Resampled(np.zeros((n_resamples, columns.shape[1])))
    parts = []
    for done in range(0, n_resamples, _AT_ONCE):
        size = min(_AT_ONCE, n_resamples - done)
        drawn = rng.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        parts.append(weights @ columns)
    return Resampled(np.concatenate(parts))


def interval(values: Floats) -> list[float | None]:
    """Return the percentile ends of `SHARES`, None where too few resamples tell of the figure.

    Examples
    --------
    >>> [round(end, 3) for end in interval(np.arange(1001.0))]
    [50.0, 950.0, 25.0, 975.0]
    """
    known = values[np.isfinite(values)]
    if len(known) < len(values) / 2 or not len(known):
        return [None] * len(SHARES)
    return [float(end) for end in np.quantile(known, SHARES)]
