"""Stock against a supplier who is up or down from period to period.

The supplier fails in a period with probability alpha and recovers with probability beta, independently of
demand. Order of events: an order placed at the end of period t with lead time 0 is usable at the start
of period t + 1, so a level covers the coming period and, when the supplier is down, those that follow.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from plimsoll.maths.arguments import checked, one
from plimsoll.maths.loss import Loss
from plimsoll.maths.newsvendor import critical_ratio, expected_cost
from plimsoll.maths.ragged import Floats

RATIO_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class DisruptedBaseStock:
    """The best level [units], its cost [money per period], and the share of periods with the supplier up."""

    base_stock: float
    cost_per_period: float
    steady_state_up: float


def base_stock_with_disruptions_cost(
    base_stock: ArrayLike,
    holding_cost: float,
    backorder_cost: float,
    demand: float,
    disruption_prob: float,
    recovery_prob: float,
) -> Floats:
    """Return the cost per period of any base-stock level under disruptions, demand certain.

        pi_n = probability of being in the n-th period down,  pi_0 = beta / (alpha + beta)
        g(S) = sum over n of pi_n [h (S - (n + 1) d)^+ + p ((n + 1) d - S)^+]
        (Snyder & Shen 2019, chapter 9; summed from 1 - F(n) = alpha (1 - beta)^n / (alpha + beta))

    Parameters
    ----------
    base_stock : S, units, any shape
    holding_cost, backorder_cost : h, p, money per unit and period, at its end
    demand : d, units per period, above 0
    disruption_prob : alpha, 0 to 1; 0 is a supplier who never fails
    recovery_prob : beta, above 0, at most 1

    Examples
    --------
    >>> base_stock_with_disruptions_cost([2000, 8000], 0.25, 3, 2000, 0.04, 0.25).round(2).tolist()
    [3310.34, 2737.07]
    """
    h, p = one("holding_cost", holding_cost, least=0), one("backorder_cost", backorder_cost, least=0)
    d = one("demand", demand, above=0)
    alpha = one("disruption_prob", disruption_prob, least=0, most=1)
    beta = one("recovery_prob", recovery_prob, above=0, most=1)
    periods = checked("base_stock", base_stock) / d - 1
    down = alpha / (alpha + beta)
    whole = np.floor(np.maximum(periods, 0.0))
    tail = down * np.power(1 - beta, whole)
    short = np.where(periods < 0, down / beta - periods, tail / beta - (periods - whole) * tail)
    over = np.maximum(short + periods - down / beta, 0.0)
    return expected_cost(h, p, Loss(d * short, d * over))


def base_stock_with_disruptions(
    holding_cost: float, backorder_cost: float, demand: float, disruption_prob: float, recovery_prob: float
) -> DisruptedBaseStock:
    """Return the best base-stock level under disruptions, demand certain.

        S = d + d F^-1(p / (p + h)),  F(n) = 1 - alpha / (alpha + beta) (1 - beta)^n
        (Snyder & Shen 2019, chapter 9)

    F^-1 is the smallest whole number of periods down that reaches the ratio, so S is a multiple of d.

    Parameters
    ----------
    holding_cost, backorder_cost : h, p, money per unit and period, above 0
    demand, disruption_prob, recovery_prob : as for `base_stock_with_disruptions_cost`

    Examples
    --------
    Snyder & Shen 2019, example 9.3:

    >>> best = base_stock_with_disruptions(0.25, 3, 2000, 0.04, 0.25)
    >>> best.base_stock, round(best.cost_per_period, 4), round(best.steady_state_up, 4)
    (8000.0, 2737.069, 0.8621)
    """
    h, p = one("holding_cost", holding_cost, above=0), one("backorder_cost", backorder_cost, above=0)
    costs = (h, p, demand, disruption_prob, recovery_prob)
    base_stock_with_disruptions_cost(0.0, *costs)  # refuses what is out of range, by name
    down = disruption_prob / (disruption_prob + recovery_prob)
    missed = 1 - float(critical_ratio(h, p)) + RATIO_ROUNDING
    if down <= missed:
        periods = 0.0
    elif recovery_prob == 1:
        periods = 1.0
    else:
        periods = float(np.ceil(np.log(missed / down) / np.log1p(-recovery_prob)))
    level = demand * (1 + periods)
    return DisruptedBaseStock(level, float(base_stock_with_disruptions_cost(level, *costs)), 1 - down)
