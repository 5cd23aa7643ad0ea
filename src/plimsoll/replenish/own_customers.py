"""What a place keeps back for its own customers while it sends to others: their demand for a while."""

import numpy as np
import polars as pl
from scipy.special import betainc

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.maths.ragged import Floats, Ints

CELLS = 128  # of the lattice of own customers' demand
SPREADS = 6.0  # standard deviations beyond which own customers' demand is not looked at
_SAME = 1e-6  # units; nearer than this is equal


def own_share(some: pl.DataFrame) -> Floats:
    """Return the share (n,) of all demand at places that customers there ask for, by the last year."""
    rate = some["mean_per_day_est"].to_numpy()
    own = np.clip(some["demand_last_year_qty"].to_numpy() / DAYS_PER_YEAR, 0.0, rate)
    return np.asarray(np.divide(own, rate, out=np.zeros_like(rate), where=rate > 0))


def own_demand(state: pl.DataFrame, rows: Ints, days: Floats) -> Floats:
    """Return mean and variance (2, n) of customers' demand at these places over so many days (n,).

    Thinning all demand there to their share p leaves 1 + p (a - 1) of its variance over mean a.
    """
    some = state[rows]
    share = own_share(some)
    mean = some["mean_protection_qty"].to_numpy()
    variance = some["sd_protection_qty"].to_numpy() ** 2
    ratio = np.divide(variance, mean, out=np.ones_like(mean), where=mean > 0)
    expected = share * some["mean_per_day_est"].to_numpy() * days
    return np.stack([expected, expected * (1.0 + share * np.maximum(ratio - 1.0, 0.0))])


def own_laws(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return negative binomial laws (n, CELLS) and their lattice steps (n,)."""
    upper = mean + SPREADS * np.sqrt(variance) + 1.0
    step = np.maximum(np.ceil(upper / (CELLS - 1)), 1.0)
    at = step[:, None] * np.arange(CELLS)
    some = np.maximum(mean, _SAME)
    spread = np.maximum(variance / some, 1.0 + 1e-4)
    upto = betainc((some / (spread - 1.0))[:, None], np.floor(at) + 1.0, (1.0 / spread)[:, None])
    upto[:, -1] = 1.0
    return np.diff(upto, prepend=0.0, axis=1), step


def promised(law: Floats, step: Floats, target: Floats) -> Floats:
    """Return the units (n,) that serve own customers at their target: the least level that reaches it."""
    upto = np.cumsum(law, axis=1)
    reached = upto >= np.minimum(target, upto[:, -1])[:, None] - _SAME
    return np.asarray(step * np.argmax(reached, axis=1))
