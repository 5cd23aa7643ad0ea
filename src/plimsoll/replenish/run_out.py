"""How likely what is there is used up within any number of days, and how much is short then."""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincc

from plimsoll.maths.ragged import Floats

LEAST_RATE = 1e-12
LEAST_RATIO = 1e-6  # variance over mean below which demand counts as steady


@dataclass(frozen=True, slots=True)
class RunOut:
    """The law of demand D(t) over t days, one a row: a gamma distribution.

        E D(t) = mu t,    Var D(t) = a mu t + c (mu t)^2

    `rate` [mu] (n,) units a day; `ratio` [a] (n,) units; `doubt` [c] (n,) squared variation of the level.
    Of laws with these two moments on whole units a gamma has the heavier tail near 0, so that it errs to
    the side of holding.
    """

    rate: Floats
    ratio: Floats
    doubt: Floats

    def _law(self, days: Floats) -> tuple[Floats, Floats]:
        """Return shape and scale (n,) of D(days)."""
        mean = np.maximum(self.rate * days, LEAST_RATE)
        scale = np.maximum(self.ratio, LEAST_RATIO) + self.doubt * mean
        return mean / scale, scale

    def probability(self, days: Floats, ahead: Floats) -> Floats:
        """Return P(D(days) > ahead) (n,); 1 where less than nothing is ahead."""
        shape, scale = self._law(days)
        return np.where(ahead < 0, 1.0, gammaincc(shape, np.maximum(ahead, 0.0) / scale))

    def short(self, days: Floats, ahead: Floats) -> Floats:
        """Return E[(D(days) - ahead)+] (n,), units.

        With shape k, scale b and Q the regularised upper incomplete gamma function::

            E[(D - x)+] = k b Q(k + 1, x / b) - x Q(k, x / b)
        """
        shape, scale = self._law(days)
        level = np.maximum(ahead, 0.0) / scale
        above = shape * gammaincc(shape + 1.0, level) - level * gammaincc(shape, level)
        return np.asarray(scale * np.maximum(above, 0.0) + np.maximum(-ahead, 0.0))

    def last_safe_day(self, ahead: Floats, risk: Floats, most: int) -> Floats:
        """Return the last whole day t (n,) up to `most` with P(D(t) > ahead) <= risk; 0 if there is none.

        Parameters
        ----------
        ahead : (n,) units there before
        risk : (n,) probability of running out that is borne
        most : days that are looked ahead

        Examples
        --------
        >>> law = RunOut(np.array([2.0]), np.array([0.0]), np.array([0.0]))
        >>> law.last_safe_day(np.array([21.0]), np.array([0.01]), 100).tolist()
        [10.0]
        """
        low, high = np.zeros(len(ahead), dtype=np.int64), np.full(len(ahead), most, dtype=np.int64)
        while (low < high).any():
            middle = (low + high + 1) // 2
            safe = self.probability(middle.astype(np.float64), ahead) <= risk
            low, high = np.where(safe, middle, low), np.where(safe, high, middle - 1)
        return low.astype(np.float64)
