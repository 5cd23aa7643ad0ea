"""One order for one stretch of uncertain demand: too much costs overage, too little costs underage.

Convention: the stock level is decided before the demand of the stretch is seen. With review at the end
of every period, an order placed at the end of period t with a lead time of L periods is usable at the
start of period t + L + 1, so the stretch that a level has to cover is L + 1 periods: give its mean and
spread here, or use the base-stock models of `plimsoll.maths.periodic_review`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from plimsoll.maths.arguments import checked, distribution
from plimsoll.maths.loss import Loss, discrete_loss, normal_loss, poisson_loss
from plimsoll.maths.ragged import Floats

CDF_ROUNDING = 1e-12  # a sum of probabilities this little below the critical ratio has reached it


@dataclass(frozen=True, slots=True)
class Newsvendor:
    """The best stock level [units] and its expected cost [money per stretch]."""

    base_stock: Floats
    cost: Floats


@dataclass(frozen=True, slots=True)
class NewsvendorProfit:
    """The best order quantity [units] and its expected profit [money per stretch]."""

    order_quantity: Floats
    profit: Floats


def expected_cost(overage_cost: ArrayLike, underage_cost: ArrayLike, loss: Loss) -> Floats:
    """Return the expected cost of a level from its loss.

        g(S) = h nbar(S) + p n(S)      (Snyder & Shen 2019, section 4.3)

    Parameters
    ----------
    overage_cost : h, money per unit left over
    underage_cost : p, money per unit short
    loss : n(S) and nbar(S) of the level, units

    Examples
    --------
    >>> round(float(expected_cost(0.18, 0.70, normal_loss(40, 50, 8))), 6)
    7.356132
    """
    h, p = checked("overage_cost", overage_cost, least=0), checked("underage_cost", underage_cost, least=0)
    return (_charge(h, loss.over) + _charge(p, loss.short))[()]


def critical_ratio(overage_cost: ArrayLike, underage_cost: ArrayLike) -> Floats:
    """Return the probability of not running short that balances the two costs, p / (p + h).

    Both costs must be positive: with one of them 0 the best level is infinite or nothing.

    Examples
    --------
    >>> round(float(critical_ratio(0.18, 0.70)), 6)
    0.795455
    """
    h, p = checked("overage_cost", overage_cost, above=0), checked("underage_cost", underage_cost, above=0)
    return (p / (p + h))[()]


def newsvendor_normal(
    overage_cost: ArrayLike, underage_cost: ArrayLike, mean: ArrayLike, sd: ArrayLike
) -> Newsvendor:
    """Return the best level for normal demand.

        S = mu + sigma Phi^-1(p / (p + h))      (Snyder & Shen 2019, section 4.3, example 4.3)

    Parameters
    ----------
    overage_cost, underage_cost : h, p, money per unit, above 0
    mean, sd : mu, sigma of the demand of the stretch, units; sd = 0 gives S = mu at no cost

    Examples
    --------
    >>> best = newsvendor_normal(0.18, 0.70, 50, 8)
    >>> round(float(best.base_stock), 4), round(float(best.cost), 4)
    (56.604, 1.9976)
    """
    mu, sigma = checked("mean", mean), checked("sd", sd, least=0)
    level = mu + sigma * special.ndtri(critical_ratio(overage_cost, underage_cost))
    return Newsvendor(level, expected_cost(overage_cost, underage_cost, normal_loss(level, mu, sigma)))


def newsvendor_normal_profit(
    revenue: ArrayLike, purchase_cost: ArrayLike, salvage_value: ArrayLike, mean: ArrayLike, sd: ArrayLike
) -> NewsvendorProfit:
    """Return the most profitable order for normal demand, from prices instead of costs.

        h = c - v,  p = r - c,  profit = (r - c) mu - g(Q)      (Snyder & Shen 2019, section 4.3, example 4.2)

    Parameters
    ----------
    revenue : r, money per unit sold, above the purchase cost
    purchase_cost : c, money per unit bought, above the salvage value
    salvage_value : v, money per unit left over; negative is a cost of disposal
    mean, sd : mu, sigma of the demand of the stretch, units

    Examples
    --------
    >>> best = newsvendor_normal_profit(1, 0.30, 0.12, 50, 8)
    >>> round(float(best.order_quantity), 4), round(float(best.profit), 4)
    (56.604, 33.0024)
    """
    r, c, v = (
        checked("revenue", revenue),
        checked("purchase_cost", purchase_cost, least=0),
        checked("salvage_value", salvage_value),
    )
    checked("purchase_cost - salvage_value", c - v, above=0)
    margin = checked("revenue - purchase_cost", r - c, above=0)
    best = newsvendor_normal(c - v, margin, mean, sd)
    return NewsvendorProfit(best.base_stock, (margin * checked("mean", mean) - best.cost)[()])


def newsvendor_poisson(overage_cost: ArrayLike, underage_cost: ArrayLike, mean: ArrayLike) -> Newsvendor:
    """Return the best level for Poisson demand: the smallest whole S with F(S) >= p / (p + h).

    Snyder & Shen 2019, section 4.3 (discrete demand).

    Parameters
    ----------
    overage_cost, underage_cost : h, p, money per unit, above 0
    mean : mu of the demand of the stretch, units; 0 gives S = 0

    Examples
    --------
    >>> best = newsvendor_poisson(1, 4, 6)
    >>> float(best.base_stock), round(float(best.cost), 4)
    (8.0, 3.5701)
    """
    mu = checked("mean", mean, least=0)
    level = np.asarray(stats.poisson.ppf(critical_ratio(overage_cost, underage_cost), mu), dtype=np.float64)
    return Newsvendor(level[()], expected_cost(overage_cost, underage_cost, poisson_loss(level, mu)))


def newsvendor_discrete(
    overage_cost: float, underage_cost: float, values: ArrayLike, pmf: ArrayLike
) -> Newsvendor:
    """Return the best level for any discrete demand: the smallest value S with F(S) >= p / (p + h).

    Snyder & Shen 2019, section 4.3 (discrete demand) and problem 4.7.

    Parameters
    ----------
    overage_cost, underage_cost : h, p, money per unit, above 0
    values : (m,) different demands of the stretch, units
    pmf : (m,) their probabilities, summing to 1

    Raises
    ------
    InputError : values and probabilities are not a distribution

    Examples
    --------
    >>> best = newsvendor_discrete(0.5, 1.0, [1, 2, 3], [0.25, 0.25, 0.5])
    >>> float(best.base_stock), float(best.cost)
    (3.0, 0.375)
    """
    points, weights = distribution(values, pmf)
    ratio = float(critical_ratio(overage_cost, underage_cost))
    level = points[np.flatnonzero(np.cumsum(weights) >= ratio - CDF_ROUNDING)[0]]
    loss = discrete_loss(level, points, weights)
    return Newsvendor(level, expected_cost(overage_cost, underage_cost, loss))


def _charge(cost: Floats, units: Floats) -> Floats:
    """Return cost times units, where a cost of 0 stays 0 even for infinite units."""
    free = np.zeros(np.broadcast_shapes(cost.shape, np.shape(units)))
    return np.asarray(np.multiply(cost, units, out=free, where=cost > 0))
