"""Policies under periodic review: base stock and (s, S).

Convention: receive, serve backlog and then demand, count, review, order. An order placed at the end of
period t with a lead time of L periods is usable at the start of period t + L + 1. With a review every R
periods a level S, reached at the end of period t, meets the demand of periods t + 1 ... t + L + j when the
stock is counted at the end of period t + L + j, j = 1 ... R: the protection interval is L + R periods
(L + 1 with review in every period). Costs are charged at the end of every period on the units on
hand (h) and owed (p); all demand that meets no stock is backlogged. Demands of periods are independent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, signal, special, stats

from plimsoll.maths.arguments import distribution, one
from plimsoll.maths.loss import discrete_loss, normal_loss, poisson_loss
from plimsoll.maths.newsvendor import CDF_ROUNDING, critical_ratio, expected_cost, newsvendor_discrete
from plimsoll.maths.ragged import Floats

TAIL = 1e-12  # probability cut off at the upper end of a lattice


@dataclass(frozen=True, slots=True)
class BaseStock:
    """Order up to `base_stock` units at every review; `cost_per_period` in money."""

    base_stock: float
    cost_per_period: float


@dataclass(frozen=True, slots=True)
class ReorderUpTo:
    """Order up to `S` units when the position is at or below `s` units.

    `cost_per_period` in money; None when the method does not give it.
    """

    s: float
    S: float
    cost_per_period: float | None = None

    def __post_init__(self) -> None:
        one("S - s", self.S - self.s, above=0)


def base_stock_normal(
    holding_cost: float,
    backorder_cost: float,
    mean: float,
    sd: float,
    lead_time: float,
    review_period: int = 1,
) -> BaseStock:
    """Return the best base-stock level for normal demand.

        average over j = 1 ... R of F_{L+j}(S) = p / (p + h)
        R = 1:  S = (L + 1) mu + z sigma sqrt(L + 1),  z = Phi^-1(p / (p + h))
        (Snyder & Shen 2019, section 4.3; the average over a review cycle by the same argument)

    Parameters
    ----------
    holding_cost, backorder_cost : h, p, money per unit and period, above 0
    mean, sd : mu, sigma of the demand of one period, units; both may be 0
    lead_time : L, periods
    review_period : R, whole periods, at least 1

    Examples
    --------
    Snyder & Shen 2019, example 4.4:

    >>> best = base_stock_normal(0.18, 0.70, 50, 8, lead_time=4)
    >>> round(best.base_stock, 4), round(best.cost_per_period, 4)
    (264.7669, 4.4668)
    """
    ratio = _ratio(holding_cost, backorder_cost)
    spans = _spans(lead_time, review_period)
    means, sds = one("mean", mean, least=0) * spans, one("sd", sd, least=0) * np.sqrt(spans)
    levels = means + sds * special.ndtri(ratio)
    low, high = float(levels.min()), float(levels.max())
    if sd == 0:  # each count needs its own mean; enough of them must be met
        level = float(levels[ceil(ratio * spans.size - CDF_ROUNDING) - 1])
    elif low == high:
        level = low
    else:
        level = optimize.brentq(
            lambda x: float(np.mean(special.ndtr((x - means) / sds))) - ratio, low - sd, high + sd, xtol=1e-12
        )
    costs = expected_cost(holding_cost, backorder_cost, normal_loss(level, means, sds))
    return BaseStock(level, float(np.mean(costs)))


def base_stock_poisson(
    holding_cost: float, backorder_cost: float, mean: float, lead_time: float, review_period: int = 1
) -> BaseStock:
    """Return the best base-stock level for Poisson demand.

        the smallest whole S with average over j = 1 ... R of F_{L+j}(S) >= p / (p + h)
        (Snyder & Shen 2019, section 4.3; the average over a review cycle by the same argument)

    Parameters
    ----------
    holding_cost, backorder_cost : h, p, money per unit and period, above 0
    mean : mu of the demand of one period, units; 0 gives S = 0
    lead_time : L, periods
    review_period : R, whole periods, at least 1

    Examples
    --------
    >>> best = base_stock_poisson(0.08, 1.25, 18, lead_time=4)
    >>> best.base_stock, round(best.cost_per_period, 4)
    (105.0, 1.545)
    """
    ratio = _ratio(holding_cost, backorder_cost)
    means = one("mean", mean, least=0) * _spans(lead_time, review_period)
    bounds = np.asarray(stats.poisson.ppf(ratio, means))
    levels = np.arange(bounds.min(), bounds.max() + 1)
    met = np.mean(stats.poisson.cdf(levels[:, None], means), axis=1)
    level = float(levels[min(int(np.searchsorted(met, ratio - CDF_ROUNDING)), levels.size - 1)])
    costs = expected_cost(holding_cost, backorder_cost, poisson_loss(level, means))
    return BaseStock(level, float(np.mean(costs)))


def sS_discrete(
    holding_cost: float, backorder_cost: float, fixed_cost: float, pmf: ArrayLike, lead_time: int = 0
) -> ReorderUpTo:
    """Return the best (s, S), and its exact cost, for any discrete demand, reviewed every period.

        c(s, S) = [K + sum over j = 0 ... S-s-1 of m(j) G(S - j)] / M(S - s)
        m(0) = 1 / (1 - f(0)),  m(j) = sum over l = 0 ... j of f(l) m(j - l),  M(j) = m(0) + ... + m(j - 1)
        G(y) = h E[(y - D)^+] + p E[(D - y)^+],  D the demand of L + 1 periods
        (Zheng & Federgruen 1991; Snyder & Shen 2019, section 4.4)

    Work grows with (S - s)^2: state demand in the units in which it is ordered.

    Parameters
    ----------
    holding_cost, backorder_cost : h, p, money per unit and period, above 0
    fixed_cost : K, money per order; 0 gives the base-stock policy s = S - 1
    pmf : f, (m,) probabilities of a demand of 0, 1, ... m - 1 units in one period, summing to 1
    lead_time : L, whole periods

    Raises
    ------
    InputError : the probabilities do not sum to 1

    Examples
    --------
    >>> best = sS_discrete(1, 4, 5, [0.5, 0.25, 0.25])
    >>> best.s, best.S, round(best.cost_per_period, 4)
    (0, 3, 2.8889)
    """
    _ratio(holding_cost, backorder_cost)  # refuses what is out of range, by name
    weights = np.asarray(pmf, dtype=np.float64)
    periods = 1 + int(one("lead_time", lead_time, least=0, whole=True))
    _, weights = distribution(np.arange(weights.size), weights)
    interval = np.ones(1)
    for _ in range(periods):
        interval = _trim(np.convolve(interval, weights))
    values = np.arange(interval.size)
    middle = int(newsvendor_discrete(holding_cost, backorder_cost, values, interval).base_stock)
    return _zheng_federgruen(
        lambda y: expected_cost(holding_cost, backorder_cost, discrete_loss(y, values, interval)),
        _trim(weights),
        one("fixed_cost", fixed_cost, least=0),
        middle,
        float(values @ interval),
        float(holding_cost),
    )


def sS_poisson(
    holding_cost: float, backorder_cost: float, fixed_cost: float, mean: float, lead_time: float = 0
) -> ReorderUpTo:
    """Return the best (s, S), and its exact cost, for Poisson demand, reviewed every period.

    The model of `sS_discrete`; G(y) is in closed form, f is cut where 10^-12 of the demand is left.

    Parameters
    ----------
    holding_cost, backorder_cost, fixed_cost : as for `sS_discrete`
    mean : mu of the demand of one period, units, above 0
    lead_time : L, periods

    Examples
    --------
    Snyder & Shen 2019, example 4.7:

    >>> best = sS_poisson(1, 4, 5, 6)
    >>> best.s, best.S, round(best.cost_per_period, 6)
    (4, 10, 8.034112)
    """
    ratio, mu = _ratio(holding_cost, backorder_cost), one("mean", mean, above=0)
    interval = mu * (1 + one("lead_time", lead_time, least=0))
    weights = stats.poisson.pmf(np.arange(stats.poisson.isf(TAIL, mu) + 1), mu)
    return _zheng_federgruen(
        lambda y: expected_cost(holding_cost, backorder_cost, poisson_loss(y, interval)),
        weights / weights.sum(),
        one("fixed_cost", fixed_cost, least=0),
        int(stats.poisson.ppf(ratio, interval)),
        interval,
        float(holding_cost),
    )


def sS_power_approximation(
    holding_cost: float,
    backorder_cost: float,
    fixed_cost: float,
    mean: float,
    sd: float,
    lead_time: float = 0,
) -> ReorderUpTo:
    """Return a near-best (s, S) in closed form from mean and standard deviation alone.

        Q = 1.30 mu^0.494 (K / h)^0.506 (1 + sigma_L^2 / mu^2)^0.116,  z = sqrt(Q h / (p sigma_L))
        s = 0.973 mu_L + sigma_L (0.183 / z + 1.063 - 2.192 z),  S = s + Q
        mu_L = (L + 1) mu,  sigma_L = sigma sqrt(L + 1)
        (Ehrhardt & Mosier 1984; Snyder & Shen 2019, section 4.4)

    Fitted to demand with whole units and moderate spread. The authors' extra rule for Q < 1.5 mu, which
    caps s and S at the base-stock level, is left out, as in the textbook's example.

    Parameters
    ----------
    holding_cost, backorder_cost : h, p, money per unit and period, above 0
    fixed_cost : K, money per order, above 0
    mean, sd : mu, sigma of the demand of one period, units, above 0
    lead_time : L, periods

    Examples
    --------
    Snyder & Shen 2019, example 4.8:

    >>> near = sS_power_approximation(0.18, 0.70, 2.5, 50, 8)
    >>> round(near.s, 4), round(near.S, 4)
    (40.1946, 74.2902)
    """
    h, p = one("holding_cost", holding_cost, above=0), one("backorder_cost", backorder_cost, above=0)
    k, mu = one("fixed_cost", fixed_cost, above=0), one("mean", mean, above=0)
    periods = 1 + one("lead_time", lead_time, least=0)
    spread = one("sd", sd, above=0) * sqrt(periods)
    lot = 1.30 * mu**0.494 * (k / h) ** 0.506 * (1 + (spread / mu) ** 2) ** 0.116
    z = sqrt(lot * h / (p * spread))
    s = 0.973 * periods * mu + spread * (0.183 / z + 1.063 - 2.192 * z)
    return ReorderUpTo(s, s + lot)


def _ratio(holding_cost: float, backorder_cost: float) -> float:
    h, p = one("holding_cost", holding_cost, above=0), one("backorder_cost", backorder_cost, above=0)
    return float(critical_ratio(h, p))


def _spans(lead_time: float, review_period: int) -> Floats:
    """Return the periods from a review to each count that its order decides: L + 1 ... L + R."""
    whole = int(one("review_period", review_period, least=1, whole=True))
    return one("lead_time", lead_time, least=0) + np.arange(1, whole + 1, dtype=np.float64)


def _trim(pmf: Floats) -> Floats:
    """Return the probabilities without an upper tail of TAIL or less, summing to 1."""
    above = np.cumsum(pmf[::-1])[::-1]
    kept: Floats = pmf[: int(np.count_nonzero(above > TAIL))]
    return np.asarray(kept / kept.sum())


def _renewal(pmf: Floats, size: int) -> Floats:
    """Return m(0) ... m(size - 1), the impulse response of 1 / (1 - f)."""
    impulse = np.zeros(size)
    impulse[0] = 1.0
    denominator = -pmf
    denominator[0] = one("1 - probability of no demand", 1 - pmf[0], above=0)
    return np.asarray(signal.lfilter([1.0], denominator, impulse), dtype=np.float64)


def _zheng_federgruen(
    cost_of: Callable[[Floats], Floats],
    pmf: Floats,
    fixed_cost: float,
    middle: int,
    mean: float,
    holding_cost: float,
) -> ReorderUpTo:
    """Search (s, S) from `middle`, a minimiser of G; G(y) is at least h (y - mean), which bounds S."""
    # First s for S = middle: the largest with c(s, S) <= G(s).
    size = 64
    while True:
        below = cost_of(np.arange(middle, middle - size - 1, -1, dtype=np.float64))
        renewal = _renewal(pmf, size)
        averages = (fixed_cost + np.cumsum(renewal * below[:-1])) / np.cumsum(renewal)
        stop = np.flatnonzero(averages <= below[1:])
        if stop.size:
            break
        size *= 2
    steps = int(stop[0]) + 1
    s, top, best = middle - steps, middle, float(averages[steps - 1])
    # Then larger S while they may pay; s only grows, so positions are counted from the first s.
    base = s
    highest = floor(mean + best / holding_cost) + 1
    costs = cost_of(np.arange(base, highest + 1, dtype=np.float64))
    renewal = _renewal(pmf, highest - base + 1)
    total = np.cumsum(renewal)

    def average(s: int, up_to: int) -> float:
        span = costs[up_to - base : s - base : -1]
        return float((fixed_cost + renewal[: up_to - s] @ span) / total[up_to - s - 1])

    for up_to in range(middle + 1, highest + 1):
        if costs[up_to - base] > best:
            break
        if average(s, up_to) < best:
            top = up_to
            while average(s, top) <= costs[s + 1 - base]:
                s += 1
            best = average(s, top)
    return ReorderUpTo(s, top, best)
