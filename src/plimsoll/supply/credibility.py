"""How much a group's own observations weigh against those of the wider group it belongs to."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from plimsoll.maths.ragged import Floats, Ints
from plimsoll.supply.params import SupplyParams

EXACT = 1e-9  # less than this is rounding
MIN_FOR_SPREAD = 5  # squared residuals of fewer observations say too little about their own variance


@dataclass(frozen=True, slots=True)
class Moments:
    """Evidence n (sum of weights), mean, variance (0 where unknown) and its degrees of freedom, by group."""

    n: Floats
    mean: Floats
    var: Floats
    freedom: Floats

    def take(self, groups: Ints) -> "Moments":
        """Return the moments of these groups, in this order."""
        return Moments(self.n[groups], self.mean[groups], self.var[groups], self.freedom[groups])


@dataclass(frozen=True, slots=True)
class OpenSums:
    """What open orders add to their groups: evidence, sum of values, squares about each group's centre."""

    n: Floats
    total: Floats
    squares: Floats
    centre: Floats


def sums(group: Ints, value: Floats, n_groups: int) -> Floats:
    """Return the sum of the values of each group, added in the order given.

    Examples
    --------
    >>> sums(np.array([0, 2, 0]), np.array([1.0, 5.0, 2.0]), 3).tolist()
    [3.0, 0.0, 5.0]
    """
    return np.bincount(group, weights=value, minlength=n_groups).astype(np.float64, copy=False)


def moments(group: Ints, value: Floats, n_groups: int, weight: Floats | None = None) -> Moments:
    """Return the moments of the values of each group.

        n = sum w,   m = sum w x / n,   f = n - sum w^2 / n,   s^2 = sum w (x - m)^2 / f

    Sums run in the order given, so the same order gives the same bits. Weights of 1 give the number,
    the mean and the variance with divisor n - 1; weights of 1/2 the same mean with half the evidence.

    Parameters
    ----------
    group : (n,) group of each value
    value : [x] (n,) values
    n_groups : number of groups
    weight : [w] (n,) from 0 to 1; None for 1

    Examples
    --------
    >>> found = moments(np.array([0, 0, 2]), np.array([3.0, 5.0, 7.0]), 3)
    >>> found.n.tolist(), found.mean.tolist(), found.var.tolist()
    ([2.0, 0.0, 1.0], [4.0, 0.0, 7.0], [2.0, 0.0, 0.0])
    """
    w = np.ones(value.size) if weight is None else weight
    n = sums(group, w, n_groups)
    some = np.where(n > 0, n, 1.0)
    mean = sums(group, w * value, n_groups) / some
    squares = sums(group, w * (value - mean[group]) ** 2, n_groups)
    return _moments(n, mean, squares, n - sums(group, w * w, n_groups) / some)


def _moments(n: Floats, mean: Floats, squares: Floats, freedom: Floats) -> Moments:
    freedom = np.where(freedom > EXACT, freedom, 0.0)
    var = np.where(freedom > 0, np.maximum(squares, 0.0) / np.where(freedom > 0, freedom, 1.0), 0.0)
    return Moments(n, mean, var, freedom)


def with_open(received: Moments, still_open: OpenSums) -> Moments:
    """Return the moments of each group with what its open orders add.

    An open order loses as much freedom as one received would: its share of the evidence.

    Examples
    --------
    >>> one = np.ones(1)
    >>> received = moments(np.zeros(2, dtype=int), np.array([3.0, 5.0]), 1)
    >>> found = with_open(received, OpenSums(one, 7 * one, one, 7 * one))
    >>> found.n.tolist(), found.mean.tolist(), found.var.tolist()                 # of 3, 5 and 7 +- 1
    ([3.0], [5.0], [4.5])
    """
    n = received.n + still_open.n
    some = np.where(n > 0, n, 1.0)
    mean = (received.n * received.mean + still_open.total) / some
    shift = still_open.centre - mean
    away = still_open.total - still_open.n * still_open.centre
    squares = (
        received.freedom * received.var
        + received.n * np.square(received.mean - mean)
        + still_open.squares
        + 2 * shift * away
        + still_open.n * np.square(shift)
    )
    lost = (received.n - received.freedom) * received.n + still_open.n
    return _moments(n, mean, squares, n - lost / some)


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

    >>> found = Moments(np.full(8, 4.0), np.tile([0.0, 2.0], 4), np.ones(8), np.full(8, 3.0))
    >>> evidence_ratio(found, np.zeros(8, dtype=int), SupplyParams())
    1.12
    """
    used = found.n > 0 if known is None else (found.n > 0) & ~np.isnan(known)
    n, mean, p = found.n[used], found.mean[used], parent[used]
    total = np.bincount(p, weights=n)
    total = np.where(total > 0, total, 1.0)
    if known is None:
        centre = (np.bincount(p, weights=n * mean) / total)[p]
        between_freedom, scale = n.size - np.unique(p).size, n.sum() - (n**2 / total[p]).sum()
    else:
        centre, between_freedom, scale = known[used], n.size, n.sum()
    freedom = found.freedom[used]
    within_freedom = freedom.sum()
    if min(between_freedom, within_freedom) < params.k_min_freedom:
        return params.k_default
    within = (freedom * found.var[used]).sum() / within_freedom
    between = (n * (mean - centre) ** 2).sum() - between_freedom * within
    if between <= 0:
        return params.k_max
    return float(np.clip(within * scale / between, params.k_min, params.k_max))


def spread_ratio(
    group: Ints,
    value: Floats,
    found: Moments,
    parent: Ints,
    params: SupplyParams,
    weight: Floats | None = None,
) -> float:
    """Return k of the variances of groups: f degrees of freedom weigh f / (f + k).

    The squared residuals r^2 n / f of a group have its variance as their mean; how much they vary
    within groups (kurtosis) and between them is judged as for means. The n squares share one mean,
    so they count as f.
    """
    scale = np.where(found.freedom > 0, found.n / np.where(found.freedom > 0, found.freedom, 1.0), 1.0)
    judged = moments(group, (value - found.mean[group]) ** 2 * scale[group], found.n.size, weight)
    freedom = np.where(found.n >= MIN_FOR_SPREAD, found.freedom, 0.0)
    less = np.maximum(freedom - 1.0, 0.0)
    return evidence_ratio(Moments(freedom, judged.mean, judged.var, less), parent, params)


def relative_spread_ratio(found: Moments, params: SupplyParams) -> float:
    """Return k of the logarithms of relative variances: f degrees of freedom weigh f / (f + k).

        y = log(s^2 / m^2) - psi(f / 2) + log(f / 2),   noise = psi'(f / 2) (1 + 3 c^2)
        tau2 = mean of (y - mean y)^2 - noise,   k = 2 (1 + 3 c^2) / tau2

    (log of a chi-square: Bartlett & Kendall 1946; 1 + 3 c^2 times as variable for a gamma of coefficient
    of variation c.) Spreads of suppliers differ by factors: on the scale of squares a few wild ones would
    set the ratio.

    Parameters
    ----------
    found : [f, m, s^2] moments of each group, (G,); those of few receipts or constant ones are ignored
    params : floor, ceiling and default of k

    Examples
    --------
    Groups of 11 whose spreads differ by the factor 2: tau2 = 10 / 9 (log 2)^2 - psi'(5) (1 + 3 x 0.1).

    >>> n, spread = np.full(10, 11.0), np.tile([0.04, 0.16], 5)
    >>> round(relative_spread_ratio(Moments(n, np.ones(10), spread, n - 1), SupplyParams()), 2)
    10.56
    """
    used = (found.n >= MIN_FOR_SPREAD) & (found.var > 0) & (found.mean > 0)
    if used.sum() <= params.k_min_freedom:
        return params.k_default
    freedom, square = found.freedom[used], found.var[used] / np.square(found.mean[used])
    tail = 1.0 + 3.0 * (freedom * square).sum() / freedom.sum()
    log = np.log(square) - special.digamma(freedom / 2) + np.log(freedom / 2)
    noise = special.polygamma(1, freedom / 2) * tail
    between = log.var(ddof=1) - noise.mean()
    return float(np.clip(2.0 * tail / max(between, EXACT), params.k_min, params.k_max))


@dataclass(frozen=True, slots=True)
class Pooled:
    """Mean and variance of each group after pooling, and the weight of its own observations in the mean."""

    weight: Floats
    mean: Floats
    var: Floats


def inside(own: Moments, parent: Ints, n_parents: int) -> Moments:
    """Return the variance within the groups of each parent, and its degrees of freedom as the number n.

        s_w^2 = sum f_g s_g^2 / sum f_g

    Examples
    --------
    >>> n, var, freedom = np.array([2.0, 4, 1]), np.array([8.0, 2, 0]), np.array([1.0, 3, 0])
    >>> own = Moments(n, np.zeros(3), var, freedom)
    >>> found = inside(own, np.array([0, 0, 1]), 2)
    >>> found.n.tolist(), found.var.tolist()
    ([4.0, 0.0], [3.5, 0.0])
    """
    n = sums(parent, own.freedom, n_parents)
    squares = sums(parent, own.freedom * own.var, n_parents)
    return Moments(n, np.zeros(n_parents), squares / np.where(n > 0, n, 1.0), n)


def pool(own: Moments, wider: Pooled, within: Moments, k: float, k_spread: float) -> Pooled:
    """Return each group's mean and variance, drawn towards the wider group's by lack of evidence.

        z = n / (n + k),   mean = z m + (1 - z) M,
        u = f / (f + k'),   var = u s^2 + (1 - u) (W + (1 - z) (S^2 - W)),
        W = v s_w^2 + (1 - v) S^2 k / (1 + k),   v = F / (F + k')

    The wider variance S^2 holds the differences between groups, S^2 - W; to the degree z to which the
    group's own mean is known, they are no longer uncertain. W comes from the F degrees of freedom
    within the groups of this parent, for parents differ: the lanes of one supplier may be alike and
    those of the next not.

    Parameters
    ----------
    own : [n, m, s^2, f] the groups' own moments, (n,)
    wider : [M, S^2] mean and variance of the group that each belongs to, (n,)
    within : [F, s_w^2] variance within the groups of the same parent, see `inside`, (n,)
    k, k_spread : [k, k'] evidence ratios of means and of variances, observations

    Examples
    --------
    >>> own = Moments(np.array([0, 9]), np.array([0.0, 40.0]), np.array([0.0, 16.0]), np.array([0, 8]))
    >>> wider = Pooled(np.ones(2), np.array([30.0, 30.0]), np.array([25.0, 25.0]))
    >>> within = Moments(np.array([0, 8]), np.zeros(2), np.array([0.0, 16.0]), np.array([0, 8]))
    >>> found = pool(own, wider, within, k=1.0, k_spread=8.0)
    >>> found.mean.tolist(), found.var.tolist()
    ([30.0, 39.0], [25.0, 15.6625])
    """
    weight = own.n / (own.n + k)
    trust, believed = own.freedom / (own.freedom + k_spread), within.n / (within.n + k_spread)
    known = believed * within.var + (1.0 - believed) * wider.var * k / (1.0 + k)
    known = np.minimum(known, wider.var)
    return Pooled(
        weight,
        weight * own.mean + (1.0 - weight) * wider.mean,
        trust * own.var + (1.0 - trust) * (known + (1.0 - weight) * (wider.var - known)),
    )
