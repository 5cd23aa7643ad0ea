"""What a law of demand promises of a stock level, and what came of it.

A level S covers lead time L and review R. With D_L, D_R and D_P = D_L + R's demand D_R

    periods   P(D_P <= S)                                nothing is owed at the end of the interval
    lines     P(D_P <= S | D_R > 0)                      demand of the last review is served in full
    units     1 - (E(D_P - S)+ - E(D_L - S)+) / E[D_R]   demand of the last review served from stock

(Hadley & Whitin 1963, chapters 4 and 5). Lines take D_R as independent of D_L:

    P(D_P <= S, D_R > 0) = P(D_P <= S) - P(D_R = 0) P(D_L <= S)

Under base stock every review with demand places an order, so that lines are the cycle service of the
policies. A level is the least multiple of the lattice step that promises a share, and its promise is what
the law says at that level, not the share asked for. What is not served, X = (D_P - S)+ - (D_L - S)+, is
D_R where D_L > S, so that

    E[X2] = E(D_P - S)+2 - E(D_L - S)+2 - 2 E(D_L - S)+ E[D_R]
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.maths.ragged import Floats, Ints, from_lists

SERVICES = ("periods", "lines", "units")
BLOCK = 8192
NEARLY = 1e-12  # below a share by less, a level promises it: sums of probabilities carry rounding
SAME = 1e-6  # of a lattice step; demand above a level by less is served
RARE = 1e-12


@dataclass(frozen=True, slots=True)
class Outcome:
    """Promises at k levels of each service and what came of them, (n, 3 k), services in their order.

    Of periods and lines `promised` is the probability and `achieved` 1 or 0; lines count where the last
    review had demand. Of units both are units not served from stock, to be held against `mean_review`, the
    demand expected in the last review, and what it was. `variance` is that of `achieved` under the law.
    """

    promised: Floats
    achieved: Floats
    variance: Floats
    mean_review: Floats


def outcome(estimates: pl.DataFrame, lead: Floats, protection: Floats, shares: Floats) -> Outcome:
    """Return what the laws promise at the levels for some shares, and what came.

    Parameters
    ----------
    estimates : table `demand_estimate`, n rows
    lead, protection : (n,) demand that came over lead time and protection interval, units
    shares : (n, k) shares to be promised at least

    Examples
    --------
    >>> law = {"pmf_review": [[0.5, 0.5]], "pmf_lead": [[1.0]], "pmf_protection": [[0.5, 0.5]]}
    >>> estimates = pl.DataFrame(law).with_columns(step_qty=1.0)
    >>> found = outcome(estimates, np.zeros(1), np.ones(1), np.array([[0.5, 0.9]]))
    >>> found.promised.tolist(), found.achieved.tolist()
    ([[0.5, 1.0, 1.0, 1.0, 0.0, 0.0]], [[0.0, 1.0, 1.0, 1.0, 0.0, 0.0]])
    """
    parts = [
        _block(estimates[lo : lo + BLOCK], *(part[lo : lo + BLOCK] for part in (lead, protection, shares)))
        for lo in range(0, max(estimates.height, 1), BLOCK)
    ]
    return Outcome(*(np.concatenate([getattr(part, name) for part in parts]) for name in Outcome.__slots__))


@dataclass(frozen=True, slots=True)
class _Cells:
    """Ragged cells k of n laws: owner and place, P(D <= k), and in steps E(D - k)+ and E(D - k)+2."""

    bounds: Ints
    owner: Ints
    place: Ints
    upto: Floats
    beyond: Floats
    square: Floats

    @classmethod
    def of(cls, pmfs: pl.Series) -> "_Cells":
        pmf, bounds = from_lists(pmfs)
        owner = np.repeat(np.arange(len(pmfs)), np.diff(bounds))
        upto = np.minimum(_running(pmf, bounds, owner), 1.0)
        beyond = _left(1.0 - upto, bounds, owner)
        square = np.maximum(2.0 * _left(beyond, bounds, owner) - beyond, 0.0)
        return cls(bounds, owner, np.arange(len(pmf)) - bounds[owner], upto, beyond, square)

    @property
    def mean(self) -> Floats:
        """Means in steps."""
        return self.beyond[self.bounds[:-1]]

    def least(self, said: Floats, shares: Floats) -> Ints:
        """Return the least cell from which on the services said are at least the shares (n,)."""
        below = said < shares[self.owner] - NEARLY
        last = np.full(len(shares), -1, dtype=np.int64)
        last[self.owner[below]] = self.place[below]  # of cells in order the last one stays
        return np.asarray(np.minimum(last + 1, np.diff(self.bounds) - 1))


def _running(values: Floats, bounds: Ints, owner: Ints) -> Floats:
    """Return the running sums of ragged values, each from its own begin."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[1:] - total[bounds[:-1]][owner])


def _left(values: Floats, bounds: Ints, owner: Ints) -> Floats:
    """Return the sums of ragged values from each to its own end."""
    total = np.bincount(owner, values, len(bounds) - 1)
    return np.maximum(total[owner] - (_running(values, bounds, owner) - values), 0.0)


def _block(estimates: pl.DataFrame, lead: Floats, protection: Floats, shares: Floats) -> Outcome:
    step = estimates["step_qty"].to_numpy()
    idle = estimates["pmf_review"].list.first().to_numpy()
    whole, early = _Cells.of(estimates["pmf_protection"]), _Cells.of(estimates["pmf_lead"])
    # the lead time's law at the cells of the protection interval's; it may end before
    at = early.bounds[whole.owner] + np.minimum(whole.place, np.diff(early.bounds)[whole.owner] - 1)
    mean_review = np.maximum(whole.mean - early.mean, 0.0)
    short = np.maximum(whole.beyond - early.beyond[at], 0.0)
    said = _said(whole, early.upto[at], short, idle, mean_review)
    square = whole.square - early.square[at] - 2.0 * early.beyond[at] * mean_review[whole.owner]
    promised, achieved, variance = [], [], []
    for service in SERVICES:
        for share in shares.T:
            cell = whole.least(said[service], share)
            level = cell * step
            at_level = whole.bounds[:-1] + cell
            if service == "units":
                promised.append(short[at_level] * step)
                variance.append(np.maximum(square[at_level] - short[at_level] ** 2, 0.0) * step**2)
                achieved.append(np.maximum(protection - level, 0.0) - np.maximum(lead - level, 0.0))
            else:
                chance = said[service][at_level]
                promised.append(chance)
                variance.append(chance * (1.0 - chance))
                achieved.append((protection <= level + SAME * step).astype(np.float64))
    return Outcome(
        np.column_stack(promised), np.column_stack(achieved), np.column_stack(variance), mean_review * step
    )


def _said(
    whole: _Cells, early: Floats, short: Floats, idle: Floats, mean_review: Floats
) -> dict[str, NDArray[np.float64]]:
    """Return each service at every cell; 1 where there is nothing to serve."""
    none, mean = idle[whole.owner], mean_review[whole.owner]
    lines = np.divide(whole.upto - none * early, 1.0 - none, out=np.ones(len(none)), where=none < 1.0 - RARE)
    unfilled = np.divide(short, mean, out=np.zeros(len(mean)), where=mean > RARE)
    return {
        "periods": whole.upto,
        "lines": np.clip(lines, 0.0, 1.0),
        "units": np.clip(1.0 - unfilled, 0.0, 1.0),
    }
