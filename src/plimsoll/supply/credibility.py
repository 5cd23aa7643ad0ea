"""How much a group's own observations weigh against those of the wider group it belongs to."""

from dataclasses import dataclass

import numpy as np

from plimsoll.maths.ragged import Floats, Ints
from plimsoll.supply.params import SupplyParams

MIN_FOR_SPREAD = 5  # squared residuals of fewer observations say too little about their own variance


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, mean and variance (divisor n - 1; 0 where n < 2) of the observations of each group."""

    n: Ints
    mean: Floats
    var: Floats

    def take(self, groups: Ints) -> "Moments":
        """Return the moments of these groups, in this order."""
        return Moments(self.n[groups], self.mean[groups], self.var[groups])


def moments(group: Ints, value: Floats, n_groups: int) -> Moments:
    """Return the moments of the values of each group.

    Sums run in the order given, so the same order gives the same bits.

    Examples
    --------
    >>> found = moments(np.array([0, 0, 2]), np.array([3.0, 5.0, 7.0]), 3)
    >>> found.n.tolist(), found.mean.tolist(), found.var.tolist()
    ([2, 0, 1], [4.0, 0.0, 7.0], [2.0, 0.0, 0.0])
    """
    n = np.bincount(group, minlength=n_groups)
    mean = np.bincount(group, weights=value, minlength=n_groups) / np.maximum(n, 1)
    squares = np.bincount(group, weights=(value - mean[group]) ** 2, minlength=n_groups)
    return Moments(n, mean, squares / np.maximum(n - 1, 1))


def evidence_ratio(
    found: Moments, parent: Ints, params: SupplyParams, *, known: Floats | None = None
) -> float:
    """Return k = within variance / between variance: n observations weigh n / (n + k).

        tau2 = (sum n_g (m_g - m_p)^2 - (G - P) sigma2) / (N - sum_p sum_g n_g^2 / N_p),  k = sigma2 / tau2

    (Buehlmann & Straub 1970, moment estimator, for G groups nested in P parents; sigma2 is the
    variance within groups, pooled. A parent mean known beforehand costs no degree of freedom:
    G for G - P, N for the denominator.)

    Parameters
    ----------
    found : [n_g, m_g, s_g^2] moments of each group, (G,); groups without observations are ignored
    parent : (G,) number of each group's parent
    params : floor, ceiling and default of k
    known : (G,) means of the parents where they are known; NaN leaves the group out

    Returns
    -------
    k in observations, from `k_min` to `k_max`: `k_max` where groups differ no more than by chance,
    `k_default` where there are too few groups or too few repeated observations to tell.

    Examples
    --------
    Eight groups of four, means 0 and 2, variance 1 within: tau2 = (32 - 7) / (32 - 4) and k = 28 / 25.

    >>> found = Moments(np.full(8, 4), np.tile([0.0, 2.0], 4), np.ones(8))
    >>> evidence_ratio(found, np.zeros(8, dtype=int), SupplyParams())
    1.12
    """
    used = found.n > 0 if known is None else (found.n > 0) & ~np.isnan(known)
    n, mean, p = found.n[used], found.mean[used], parent[used]
    total = np.maximum(np.bincount(p, weights=n), 1.0)
    if known is None:
        centre = (np.bincount(p, weights=n * mean) / total)[p]
        between_freedom, scale = n.size - np.unique(p).size, n.sum() - (n**2 / total[p]).sum()
    else:
        centre, between_freedom, scale = known[used], n.size, n.sum()
    within_freedom = (n - 1).sum()
    if min(between_freedom, within_freedom) < params.k_min_freedom:
        return params.k_default
    within = ((n - 1) * found.var[used]).sum() / within_freedom
    between = (n * (mean - centre) ** 2).sum() - between_freedom * within
    if between <= 0:
        return params.k_max
    return float(np.clip(within * scale / between, params.k_min, params.k_max))


def spread_ratio(group: Ints, value: Floats, found: Moments, parent: Ints, params: SupplyParams) -> float:
    """Return k of the variances of groups: n observations weigh (n - 1) / (n - 1 + k).

    The squared residuals r^2 n / (n - 1) of a group have its variance as their mean; how much
    they vary within groups (kurtosis) and between them is judged as for means. The n squares
    share one mean, so they count as n - 1.
    """
    squares = (value - found.mean[group]) ** 2 * (found.n / np.maximum(found.n - 1, 1))[group]
    judged = moments(group, squares, found.n.size)
    freedom = np.where(found.n >= MIN_FOR_SPREAD, found.n - 1, 0)
    return evidence_ratio(Moments(freedom, judged.mean, judged.var), parent, params)


@dataclass(frozen=True, slots=True)
class Pooled:
    """Mean and variance of each group after pooling, and the weight of its own observations in the mean."""

    weight: Floats
    mean: Floats
    var: Floats


def inside(own: Moments, parent: Ints, n_parents: int) -> Moments:
    """Return the variance within the groups of each parent, and its degrees of freedom as the number n.

        s_w^2 = sum (n_g - 1) s_g^2 / sum (n_g - 1)

    Examples
    --------
    >>> own = Moments(np.array([2, 4, 1]), np.zeros(3), np.array([8.0, 2.0, 0.0]))
    >>> found = inside(own, np.array([0, 0, 1]), 2)
    >>> found.n.tolist(), found.var.tolist()
    ([4.0, 0.0], [3.5, 0.0])
    """
    freedom = np.maximum(own.n - 1, 0)
    n = np.bincount(parent, weights=freedom, minlength=n_parents)
    squares = np.bincount(parent, weights=freedom * own.var, minlength=n_parents)
    return Moments(n, np.zeros(n_parents), squares / np.maximum(n, 1))


def pool(own: Moments, wider: Pooled, within: Moments, k: float, k_spread: float) -> Pooled:
    """Return each group's mean and variance, drawn towards the wider group's by lack of evidence.

        z = n / (n + k),   mean = z m + (1 - z) M,
        u = (n - 1) / (n - 1 + k'),   var = u s^2 + (1 - u) (W + (1 - z) (S^2 - W)),
        W = v s_w^2 + (1 - v) S^2 k / (1 + k),   v = f / (f + k')

    The wider variance S^2 holds the differences between groups, S^2 - W; to the degree z to which the
    group's own mean is known, they are no longer uncertain. W comes from the f degrees of freedom
    within the groups of this parent, for parents differ: the lanes of one supplier may be alike and
    those of the next not.

    Parameters
    ----------
    own : [n, m, s^2] the groups' own moments, (n,)
    wider : [M, S^2] mean and variance of the group that each belongs to, (n,)
    within : [f, s_w^2] variance within the groups of the same parent, see `inside`, (n,)
    k, k_spread : [k, k'] evidence ratios of means and of variances, observations

    Examples
    --------
    >>> own = Moments(np.array([0, 9]), np.array([0.0, 40.0]), np.array([0.0, 16.0]))
    >>> wider = Pooled(np.ones(2), np.array([30.0, 30.0]), np.array([25.0, 25.0]))
    >>> within = Moments(np.array([0, 8]), np.zeros(2), np.array([0.0, 16.0]))
    >>> found = pool(own, wider, within, k=1.0, k_spread=8.0)
    >>> found.mean.tolist(), found.var.tolist()
    ([30.0, 39.0], [25.0, 15.6625])
    """
    weight = own.n / (own.n + k)
    freedom = np.maximum(own.n - 1, 0)
    trust, believed = freedom / (freedom + k_spread), within.n / (within.n + k_spread)
    known = believed * within.var + (1.0 - believed) * wider.var * k / (1.0 + k)
    known = np.minimum(known, wider.var)
    return Pooled(
        weight,
        weight * own.mean + (1.0 - weight) * wider.mean,
        trust * own.var + (1.0 - trust) * (known + (1.0 - weight) * (wider.var - known)),
    )
