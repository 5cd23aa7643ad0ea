"""Demand passed against the flow of goods: means along every path, spread with shared paths added first."""

from dataclasses import dataclass

import numpy as np

from plimsoll.maths.kernels.bom import pass_down, pooled_variance
from plimsoll.maths.kernels.threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints, bounds_of
from plimsoll.network.structure import Arrays

PARTS = 16


@dataclass(frozen=True, slots=True)
class Spread:
    """Variances of a day's demand at each stage, (n,) units squared.

    `independent`: were the demands of different stages independent;
    `together`: were they all perfectly correlated.
    """

    independent: Floats
    together: Floats

    def sd(self, correlation: float) -> Floats:
        """Return the standard deviation if every two demands have this correlation, (n,) units.

            Var = (1 - r) sum over i of (c_i s_i)^2 + r (sum over i of c_i s_i)^2

        Examples
        --------
        >>> Spread(np.array([2.0]), np.array([4.0])).sd(0.5).round(4).tolist()
        [1.7321]
        """
        return np.sqrt((1 - correlation) * self.independent + correlation * self.together)

    def correlation(self, observed: Floats) -> Floats:
        """Return the correlation that explains an observed variance, within -1 and 1; NaN where none shows.

        Parameters
        ----------
        observed : (n,) units squared, NaN where unknown

        Examples
        --------
        >>> Spread(np.array([2.0, 2.0]), np.array([4.0, 2.0])).correlation(np.array([3.0, 9.0])).tolist()
        [0.5, nan]
        """
        room = self.together - self.independent
        several = room > 1e-9 * self.together
        found = np.divide(observed - self.independent, room, out=np.full(len(room), np.nan), where=several)
        return np.asarray(np.clip(found, -1.0, 1.0))


def totals(arrays: Arrays, own: Floats) -> Floats:
    """Return own demand and all that is drawn from below, added along every path.

        total(i) = own(i) + sum over arcs (i, j) of q_ij total(j)

    Parameters
    ----------
    arrays : stages numbered from the sources down
    own : (n, k) k figures of each stage, units

    Examples
    --------
    >>> from plimsoll.network.structure import numbered
    >>> two = numbered(3, np.array([0, 0]), np.array([1, 2]), np.array([1.0, 4.0]))
    >>> totals(two, np.array([[0.0], [5.0], [2.0]])).ravel().tolist()
    [13.0, 5.0, 2.0]
    """
    return np.asarray(own + _drawn(arrays.n, arrays.up, arrays.down, arrays.quantity, own))


def spread(arrays: Arrays, own_sd: Floats) -> Spread:
    """Return the variance of a day's demand at each stage from the spread of customers' demand at each.

        independent(i) = sum over j of (c_ij s_j)^2,    c_ij = sum over paths from i to j of the product of q

    so that a component that one end item takes over two ways sees one demand, (c_1 + c_2)^2 s^2, and
    not two. Where a stage has one source, its way goes on as its source's own: whole distribution trees
    are added up that way, and only stages with several inputs are walked one by one.

    Parameters
    ----------
    arrays : stages numbered from the sources down
    own_sd : (n,) s, standard deviation of the demand of customers at each stage, units

    Examples
    --------
    >>> from plimsoll.network.structure import numbered
    >>> diamond = numbered(4, np.array([0, 0, 1, 2]), np.array([1, 2, 3, 3]), np.ones(4))
    >>> spread(diamond, np.array([0.0, 0.0, 0.0, 3.0])).independent.tolist()
    [36.0, 9.0, 9.0, 9.0]
    """
    n, up, down, quantity = arrays.n, arrays.up, arrays.down, arrays.quantity
    inputs = np.bincount(down, minlength=n)
    single = inputs[down] == 1
    own = (own_sd**2)[:, None]
    gathered = (own + _drawn(n, up[single], down[single], quantity[single] ** 2, own)).ravel()
    heads = np.flatnonzero((inputs > 1) & (gathered > 0))
    return Spread(gathered + _walked(arrays, heads, gathered), totals(arrays, own_sd[:, None]).ravel() ** 2)


def _drawn(n: int, up: Ints, down: Ints, quantity: Floats, own: Floats) -> Floats:
    """Return what is drawn from each stage from below: (n, k) as `own`."""
    lines = _downstream_first(n, up, down, quantity)
    return np.asarray(pass_down(*lines, np.ascontiguousarray(own[::-1]))[::-1])


def _downstream_first(
    n: int, up: Ints, down: Ints, quantity: Floats
) -> tuple[Ints, Ints, Floats, Ints, Ints, Floats]:
    """Return arcs as kernels of bills of material read them: a stage's inputs are its children."""
    at = np.lexsort((-up, -down))
    bounds = bounds_of(np.bincount(n - 1 - down, minlength=n))
    still = np.zeros(len(up), dtype=np.int64)
    return bounds, n - 1 - up[at], quantity[at], still, still - 1, np.zeros((0, 1))


def _walked(arrays: Arrays, heads: Ints, variance: Floats) -> Floats:
    """Return the variance that walks from the heads leave at the stages above them, (n,)."""
    found = np.zeros(arrays.n)
    if not len(heads):
        return found
    at_head = np.zeros((arrays.n, 1))
    at_head[heads] = 1.0
    reached = totals(arrays, at_head).ravel() > 0
    place = np.cumsum(reached) - 1
    inside = reached[arrays.down]
    n = int(reached.sum())
    lines = _downstream_first(
        n, place[arrays.up[inside]], place[arrays.down[inside]], arrays.quantity[inside]
    )
    sources = (n - 1 - place[heads])[::-1].astype(np.int64)
    weights = variance[heads][::-1][:, None]
    none = np.zeros(len(sources))

    def work(lo: int, hi: int) -> Floats:
        out = np.zeros((3, n, 1))
        pooled_variance(sources[lo:hi], *lines, weights[lo:hi], none[lo:hi], out)
        return out[0, :, 0]

    total = np.zeros(n)
    # A fixed number of parts, added in their order: the same bits whatever the number of threads.
    for part in in_chunks(work, 0, len(sources), max(-(-len(sources) // PARTS), 1)):
        total += part
    found[reached] = total[::-1]
    return found
