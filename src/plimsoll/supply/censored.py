"""Orders still open: how long they have been under way says how long lead times may get."""

import numpy as np
from scipy import special

from plimsoll.maths.ragged import Floats, Ints, bounds_of
from plimsoll.supply.credibility import OpenSums, sums

LEAST = 1e-10  # probabilities below it are rounding
LEAST_CV = 0.01


def expected(
    group: Ints, elapsed: Floats, weight: Floats, mean: Floats, sd: Floats, centre: Floats
) -> OpenSums:
    """Return what open orders add to the sums of their groups, the lead time of each law being a gamma.

        evidence  F = P(L <= c),    value  y = m + E[L | L > c] - E[L | L <= c]

    With these, z y_mean + (1 - z) M is the maximum of the censored likelihood times the pooling prior
    (the expectation step of Dempster, Laird & Rubin 1977, its share of missing information taken out
    of the evidence: an order placed today says nothing, one that every law would have closed says all).

    Parameters
    ----------
    group : (n,) group of each open order
    elapsed : [c] (n,) days under way so far
    weight : (n,) weights from 0 to 1
    mean, sd : [m, s] (n,) present estimate of the law of each order, days
    centre : (G,) the value about which each group's squares are taken

    Returns
    -------
    Evidence, sum of values and squares about the centre of each group.

    Examples
    --------
    An exponential lead time of mean 10 has no memory: ten days under way add ten days to expect.

    >>> ten = np.array([10.0])
    >>> found = expected(np.array([0]), ten, np.ones(1), ten, ten, ten)
    >>> float(found.n[0].round(4)), float((found.total - 10 * found.n)[0].round(4))
    (0.6321, 10.0)
    """
    m = np.maximum(mean, 1e-9)
    variance = np.square(np.maximum(sd, LEAST_CV * m))
    shape, scale = np.square(m) / variance, variance / m
    x = elapsed / scale
    below = special.gammainc(shape, x)
    first = np.where(x > 0, np.exp(special.xlogy(shape, x) - x - special.gammaln(shape + 1.0)), 0.0)
    below_1 = np.maximum(below - first, 0.0)  # share of the mean below c: P(a + 1, x)
    below_2 = np.maximum(below_1 - first * x / (shape + 1.0), 0.0)
    above, second = 1.0 - below, np.square(m) + variance
    far = above < LEAST
    rest = np.where(far, 1.0, above)
    mean_above = np.where(far, elapsed + scale, m * (1.0 - below_1) / rest)
    square_above = np.where(far, np.square(elapsed + scale), second * (1.0 - below_2) / rest)
    about_above = square_above - 2 * m * mean_above + np.square(m)
    about_below = second * below_2 - 2 * m * m * below_1 + np.square(m) * below  # times F
    away = m - centre[group]
    gain = below * mean_above - m * below_1
    squares = below * (variance + about_above) - about_below + 2 * away * gain + below * np.square(away)
    evidence, total, about = (
        sums(group, weight * part, centre.size) for part in (below, below * m + gain, squares)
    )
    return OpenSums(evidence, total, about, centre)


def survival_weights(
    group: Ints, value: Floats, weight: Floats, is_open: Ints, n_groups: int
) -> tuple[Floats, Floats]:
    """Return the steps of each group's survival curve, and the share of its mass left after the last.

        S(t) = prod over ends at or before t of (1 - w_i / R_i),   R_i = weight of all at least as long

    (Kaplan & Meier 1958; an open order is at risk until its days so far and hands its mass to the
    longer ones.)

    Parameters
    ----------
    group : (n,) group of each lead time
    value : (n,) days, or days so far
    weight : (n,) weights, positive
    is_open : (n,) 1 where the order is still open
    n_groups : number of groups

    Returns
    -------
    (n,) probability of each lead time, 0 for open ones; (n_groups,) mass beyond the last.

    Examples
    --------
    One of three is still open after 15 days: its third goes to the one that took longer.

    >>> steps, left = survival_weights(
    ...     np.zeros(3, dtype=int), np.array([10.0, 15.0, 20.0]), np.ones(3), np.array([0, 1, 0]), 1)
    >>> steps.round(4).tolist(), left.tolist()
    ([0.3333, 0.0, 0.6667], [0.0])
    """
    order = np.lexsort((is_open, value, group))
    g, w, dead = group[order], weight[order], 1 - is_open[order]
    every = sums(g, w, n_groups)
    first = bounds_of(np.bincount(g, minlength=n_groups))[:-1]
    before = np.cumsum(w) - w
    at_risk = every[g] - (before - before[np.minimum(first[g], max(w.size - 1, 0))])
    hazard = np.clip(dead * w / np.where(at_risk > 0, at_risk, 1.0), 0.0, 1.0)
    last = np.append(g[1:] != g[:-1], True) if g.size else np.zeros(0, dtype=bool)
    hazard[last & (dead == 1)] = 1.0
    log = np.where(last, 0.0, np.log1p(-np.minimum(hazard, 1.0 - LEAST)))
    so_far = np.cumsum(log) - log
    left_before = np.exp(so_far - so_far[np.minimum(first[g], max(w.size - 1, 0))])
    steps = np.empty(w.size)
    steps[order] = left_before * hazard
    reached = sums(group, steps, n_groups)
    return steps, np.clip(1.0 - reached, 0.0, 1.0)
