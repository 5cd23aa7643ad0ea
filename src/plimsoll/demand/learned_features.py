"""What the global model reads: the series itself, what it shares with its groups, and what the item costs."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.demand.pool import kin_of
from plimsoll.demand.score import Histories
from plimsoll.maths.kernels.demand_features import (
    HALF_LIVES,
    LEVEL,
    N_OWN,
    N_SHARED,
    features,
    shared_demand,
)
from plimsoll.maths.ragged import Floats, Ints

GROUPED_BY = ("category", "location_id")
GROUP_SERIES_MIN = 5  # series of a group on average, or it says little more than the series itself


@dataclass(frozen=True, slots=True)
class Readings:
    """Features (n, J, F); and (n, J) level, variance of a period, mean size, effective periods.

    The level, units a period, is 0 where there was no demand yet: nothing is read there.
    """

    features: Floats
    level: Floats
    variance: Floats
    size: Floats
    evidence: Floats


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads histories at origins; a period is read only at origins after it.

    `groups` (n, G): rows of `total` and `weight`, the running sums of the groups' relative demand;
    `log_cost` (n,): logarithm of the unit cost.
    """

    histories: Histories
    groups: Ints
    total: Floats
    weight: Floats
    log_cost: Floats

    def read(self, origins: Ints, ahead: Ints, lo: int = 0) -> Readings:
        """Return what series lo, lo + 1, ... show at these origins.

        Parameters
        ----------
        origins : (m, J) ascending, periods of each history that may be read
        ahead : (m, J) periods of the interval to come
        """
        m, n_origins = origins.shape
        n_read = N_OWN + N_SHARED * self.groups.shape[1]
        out = np.empty((m, n_origins, n_read + 2))
        read = np.empty((m, n_origins, n_read))
        scale = np.zeros((m, n_origins, 4))
        features(
            self.histories.values, self.histories.bounds[lo : lo + m + 1], origins, ahead,
            self.histories.months, self.histories.year, self.groups[lo : lo + m], self.total, self.weight,
            read, scale,
        )  # fmt: skip
        out[:, :, :n_read] = read
        cost = self.log_cost[lo : lo + m, None]
        level = scale[:, :, 0]
        out[:, :, n_read] = cost
        out[:, :, n_read + 1] = cost + np.log(level, out=np.full(level.shape, np.nan), where=level > 0)
        return Readings(out, level, scale[:, :, 1], scale[:, :, 2], scale[:, :, 3])


def groups_of(points: pl.DataFrame) -> Ints:
    """Return the groups (n, G) of each point, numbered through: all points, its category, its location.

    A grouping into one group, or into groups of hardly any points, is left out.

    Examples
    --------
    >>> points = pl.DataFrame({"category": ["x"] * 5 + [None] * 5, "location_id": ["DC"] * 10})
    >>> groups_of(points).T.tolist()
    [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [2, 2, 2, 2, 2, 1, 1, 1, 1, 1]]
    """
    columns = [np.zeros(points.height, dtype=np.int64)]
    n_groups = 1
    for name in GROUPED_BY:
        code = points[name].fill_null("").rank("dense").to_numpy().astype(np.int64) - 1
        n_codes = int(code.max()) + 1
        if 1 < n_codes <= points.height / GROUP_SERIES_MIN:
            columns.append(code + n_groups)
            n_groups += n_codes
    return np.stack(columns, axis=1)


def reader_of(histories: Histories, points: pl.DataFrame) -> Reader:
    """Return the reader of these histories; columns category, location_id, item_id and unit_cost_eff."""
    groups = groups_of(points)
    total = np.zeros((int(groups.max()) + 1, histories.n_calendar + 1))
    weight = np.zeros_like(total)
    decay = 1.0 - 0.5 ** (1.0 / (HALF_LIVES[LEVEL] * histories.year))
    shared_demand(histories.values, histories.bounds, histories.n_calendar, decay, groups, total, weight)
    return Reader(histories, groups, total, weight, kin_of(points).log_cost)
