"""How long an order still takes, given how long it has taken: lead-time atoms as curves with a tail."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats, from_lists

LEAST_SHAPE = 0.02  # next to exponential; a tail of exactly 0 would underflow for orders long forgotten
MOST_SHAPE = 0.5
LEAST_EXCESS_DAYS = 0.5
PLOTTING = 0.35  # of the i-th smallest of n: (i - 0.35) / n


@dataclass(frozen=True, slots=True)
class Waiting:
    """The survival P(T > t) of n lead times T: straight between edges, a generalised Pareto beyond the last.

    `edges` (n, K) ascending, days; `above` (n, K) P(T > edge); `excess` (n,) mean days beyond the
    last edge of the orders that get there; `shape` [xi] of the tail.
    """

    edges: Floats
    above: Floats
    excess: Floats
    shape: float

    def _tail(self, beyond: Floats) -> Floats:
        """Return P(T > m + x | T > m), m the last edge: (1 + xi x / s)^(-1 / xi), s = excess (1 - xi)."""
        scale = self.excess * (1.0 - self.shape)
        return np.asarray((1.0 + self.shape * np.maximum(beyond, 0.0) / scale) ** (-1.0 / self.shape))

    def _bin(self, days: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return start and end of the bin that holds each duration, and the survival at both."""
        rows = np.arange(days.size)
        last = self.edges.shape[1] - 1
        right = np.clip((self.edges <= days[:, None]).sum(axis=1), 1, last) if last else np.zeros_like(rows)
        left = np.maximum(right - 1, 0)
        return (
            self.edges[rows, left],
            self.edges[rows, right],
            self.above[rows, left],
            self.above[rows, right],
        )

    def survival(self, days: Floats) -> Floats:
        """Return P(T > days), one duration a law."""
        start, end, high, low = self._bin(days)
        width = np.where(end > start, end - start, 1.0)
        inside = high + (low - high) * np.clip((days - start) / width, 0.0, 1.0)
        beyond = days - self.edges[:, -1]
        return np.where(beyond > 0, self.above[:, -1] * self._tail(beyond), inside)

    def days_at(self, survival: Floats) -> Floats:
        """Return the duration with this survival, one a law; the inverse of `survival`."""
        rows, last = np.arange(survival.size), self.edges.shape[1] - 1
        left = np.clip((self.above > survival[:, None]).sum(axis=1) - 1, 0, last)
        right = np.minimum(left + 1, last)
        start, end = self.edges[rows, left], self.edges[rows, right]
        high, low = self.above[rows, left], self.above[rows, right]
        inside = start + (end - start) * (high - survival) / np.where(high > low, high - low, 1.0)
        scale = self.excess * (1.0 - self.shape) / self.shape
        ratio = np.minimum(survival / self.above[:, -1], 1.0)
        beyond = self.edges[:, -1] + scale * (ratio**-self.shape - 1.0)
        return np.where(survival < self.above[:, -1], beyond, np.maximum(inside, self.edges[:, 0]))

    def area(self, days: Floats) -> Floats:
        """Return the integral of the survival from the first edge to `days`, negative before it."""
        high = self.above[:, :-1] + self.above[:, 1:]
        whole = np.cumsum(0.5 * high * np.diff(self.edges, axis=1), axis=1)
        whole = np.hstack([np.zeros((days.size, 1)), whole])
        rows, last = np.arange(days.size), self.edges.shape[1] - 1
        left = np.clip((self.edges <= days[:, None]).sum(axis=1) - 1, 0, last)
        start = self.edges[rows, left]
        inside = whole[rows, left] + (days - start) * 0.5 * (self.above[rows, left] + self.survival(days))
        beyond = days - self.edges[:, -1]
        scale = self.excess * (1.0 - self.shape)
        run = 1.0 + self.shape * np.maximum(beyond, 0.0) / scale
        tail = self.excess * (1.0 - run ** (1.0 - 1.0 / self.shape))
        return np.where(beyond > 0, whole[:, -1] + self.above[:, -1] * tail, inside)


def waiting_laws(
    atom_days: pl.Series, atom_probability: pl.Series, *, shape: float, least_share: float
) -> Waiting:
    """Return lead-time atoms as curves that do not end at the last atom.

    Each atom stands for the stretch between the midpoints to its neighbours; the last one for all
    that is longer, as a generalised Pareto tail (Pickands 1975) whose mean is that atom. So an order
    later than all seen still arrives some day, and never for sure on the next one.

    Parameters
    ----------
    atom_days : possible lead times in ascending order, one non-empty list a lane, days
    atom_probability : their probabilities
    shape : [xi] of the tail, see `tail_shape`
    least_share : least mean excess of the tail as a share of the last atom

    Examples
    --------
    >>> law = waiting_laws(pl.Series([[10.0, 20.0]]), pl.Series([[0.5, 0.5]]), shape=0.02, least_share=0.05)
    >>> law.survival(np.array([15.0])).tolist(), law.days_at(np.array([0.75])).tolist()
    ([0.5], [10.0])
    """
    values, bounds = from_lists(atom_days)
    shares, _ = from_lists(atom_probability)
    n, count = len(bounds) - 1, np.diff(bounds)
    width = int(count.max()) if n else 1
    row = np.repeat(np.arange(n), count)
    column = (
        np.arange(values.size) - bounds[row + 1] + width
    )  # the last atom of every lane in the last column
    first = values[bounds[:-1]]
    atoms, share = np.repeat(first[:, None], width, axis=1), np.zeros((n, width))
    atoms[row, column], share[row, column] = values, shares
    last = atoms[:, -1]
    second = values[np.minimum(bounds[:-1] + 1, bounds[1:] - 1)]
    start = np.maximum(first - 0.5 * (second - first), -0.5)
    edges = np.hstack([start[:, None], 0.5 * (atoms[:, 1:] + atoms[:, :-1])])
    edges[np.arange(width) <= (width - count)[:, None]] = np.repeat(start, width - count + 1)
    least = np.maximum(least_share * last, LEAST_EXCESS_DAYS)
    edges[count == 1] = (last - least)[count == 1, None]
    above = 1.0 - np.hstack([np.zeros((n, 1)), np.cumsum(share, axis=1)[:, :-1]])
    above[:, -1] = share[:, -1]
    return Waiting(edges, above, np.maximum(last - edges[:, -1], least), float(max(shape, LEAST_SHAPE)))


def tail_shape(excess: Floats, least: int) -> float:
    """Return the shape of a generalised Pareto tail from excesses over a threshold.

        xi = 2 - a0 / (a0 - 2 a1),  a0 = mean(y),  a1 = mean(y_(i) (1 - (i - 0.35) / n))

    (probability-weighted moments, Hosking & Wallis 1987). Above 0 the wait gets longer the longer an
    order has been waited for; it is kept within 0.02 and 0.5.

    Parameters
    ----------
    excess : [y] (n,) excesses, each in units of its own mean excess
    least : number of excesses below which the tail is taken as exponential

    Examples
    --------
    >>> round(tail_shape(-np.log1p(-np.arange(0.0005, 1, 0.001)), 50), 3)
    0.02
    >>> round(tail_shape((1 - np.arange(0.0005, 1, 0.001)) ** -0.3 - 1, 50), 2)
    0.3
    """
    if excess.size < least:
        return LEAST_SHAPE
    ordered = np.sort(excess)
    above = 1.0 - (np.arange(1, ordered.size + 1) - PLOTTING) / ordered.size
    mean, weighted = ordered.mean(), (ordered * above).mean()
    return float(np.clip(2.0 - mean / (mean - 2.0 * weighted), LEAST_SHAPE, MOST_SHAPE))
