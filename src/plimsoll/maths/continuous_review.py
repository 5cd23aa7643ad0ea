"""The (r, Q) policy: order Q as soon as the position falls to r, under continuous review.

Convention: stock is watched all the time, so the interval that r has to cover is the lead time alone
(a review period of 0). The position counts on hand + on order - backlog; all demand that meets no
stock is backlogged. Time is in one unit (a year, a week) for rates, costs and the lead time. The position
is uniform on (r, r + Q], so with g(y) the cost rate of a position y (Snyder & Shen 2019, chapter 5):

    g(r, Q) = [K lambda + integral or sum of g(y) over (r, r + Q]] / Q
    g(y) = h E[(y - D)^+] + p E[(D - y)^+],  D the demand of a lead time
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from plimsoll.domain.errors import InputError
from plimsoll.maths.arguments import one
from plimsoll.maths.loss import normal_loss, poisson_loss, standard_normal_second_loss
from plimsoll.maths.lots import eoq_backorders
from plimsoll.maths.newsvendor import critical_ratio, expected_cost

MAX_ROUNDS = 10_000
CLOSE = 1e-13  # relative change at which a fixed point is reached


@dataclass(frozen=True, slots=True)
class ReorderLot:
    """Order `Q` units when the position falls to `r` units; `cost_rate` in money per time."""

    r: float
    Q: float
    cost_rate: float

    def __post_init__(self) -> None:
        one("r", self.r)
        one("Q", self.Q, above=0)


def rq_normal_cost(
    r: float,
    Q: float,
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    demand_rate: float,
    demand_sd: float,
    lead_time: float,
) -> float:
    """Return the exact cost rate of any (r, Q) for normal demand, backorders charged per unit and time.

        integral of g over (r, r + Q] = h Q (r + Q / 2 - mu) + (h + p) sigma^2 [n2(z(r)) - n2(z(r + Q))]
        mu = lambda L,  sigma = sd sqrt(L),  z(y) = (y - mu) / sigma      (Snyder & Shen 2019, chapter 5)

    Parameters
    ----------
    r, Q : reorder point and lot, units; Q above 0
    holding_cost, stockout_cost : h, p, money per unit and time, above 0
    fixed_cost : K, money per order
    demand_rate : lambda, units per time, above 0
    demand_sd : standard deviation of the demand of one unit of time, units, above 0
    lead_time : L, time, above 0

    Examples
    --------
    >>> round(rq_normal_cost(100, 250, 0.225, 7.5, 8, 1300, 150, 1 / 12), 4)
    87.3465
    """
    h, p, k, rate = _costs(holding_cost, stockout_cost, fixed_cost, demand_rate)
    mu, sigma = _normal(demand_rate, demand_sd, lead_time)
    r, q = one("r", r), one("Q", Q, above=0)
    ends = standard_normal_second_loss([(r - mu) / sigma, (r + q - mu) / sigma])
    return (k * rate + (h + p) * sigma**2 * float(ends[0] - ends[1])) / q + h * (r + q / 2 - mu)


def rq_normal_exact(
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    demand_rate: float,
    demand_sd: float,
    lead_time: float,
) -> ReorderLot:
    """Return the best (r, Q) for normal demand, backorders charged per unit and time.

        g(r) = g(r + Q)  and  Q g(r + Q) - integral of g over (r, r + Q] = K lambda
        (Zheng 1992; Snyder & Shen 2019, chapter 5)

    The left side of the second grows with Q, so Q is the root of one equation and r(Q) of another.

    Parameters
    ----------
    holding_cost, stockout_cost, fixed_cost, demand_rate, demand_sd, lead_time :
        as for `rq_normal_cost`; fixed_cost above 0. With no spread see `plimsoll.maths.lots.eoq_backorders`

    Examples
    --------
    Snyder & Shen 2019, examples 5.1 and 5.6:

    >>> best = rq_normal_exact(0.225, 7.5, 8, 1300, 150, 1 / 12)
    >>> round(best.r, 3), round(best.Q, 3), round(best.cost_rate, 4)
    (126.867, 328.449, 78.0711)
    """
    h, p, k, rate = _costs(holding_cost, stockout_cost, fixed_cost, demand_rate)
    one("fixed_cost", k, above=0)
    mu, sigma = _normal(demand_rate, demand_sd, lead_time)
    costs = (h, p, k, rate, demand_sd, lead_time)
    lowest = mu + sigma * float(special.ndtri(critical_ratio(h, p)))

    def position_cost(y: float) -> float:
        return float(expected_cost(h, p, normal_loss(y, mu, sigma)))

    def reorder_point(q: float) -> float:
        return _root(lambda r: position_cost(r + q) - position_cost(r), lowest - q, lowest)

    def excess(q: float) -> float:
        r = reorder_point(q)
        return position_cost(r + q) - rq_normal_cost(r, q, *costs)

    # Uncertainty only makes the lot larger than the deterministic one (Zheng 1992).
    low = float(eoq_backorders(k, h, p, rate).order_quantity) / 2
    high = 4 * low
    while excess(high) < 0:
        high *= 2
    q = _root(excess, low, high)
    r = reorder_point(q)
    return ReorderLot(r, q, rq_normal_cost(r, q, *costs))


def rq_normal_eil(
    holding_cost: float,
    stockout_cost: float,
    fixed_cost: float,
    demand_rate: float,
    demand_sd: float,
    lead_time: float,
) -> ReorderLot:
    """Return the (r, Q) of the expected-inventory-level approximation, stock-outs charged per unit short.

        g(r, Q) = h (r - lambda L + Q / 2) + K lambda / Q + p lambda n(r) / Q
        Q = sqrt(2 lambda (K + p n(r)) / h),  r = F^-1(1 - Q h / (p lambda))
        (Hadley & Whitin 1963; Snyder & Shen 2019, chapter 5)

    The two conditions are repeated from the economic order quantity; Q only grows, to the smallest
    solution, which is the local minimum.

    Parameters
    ----------
    holding_cost : h, money per unit and time, above 0
    stockout_cost : p, money per unit short, once, however long it waits
    fixed_cost, demand_rate, demand_sd, lead_time : as for `rq_normal_cost`; fixed_cost above 0

    Raises
    ------
    InputError : a stock-out is so cheap that no reorder point pays

    Examples
    --------
    Snyder & Shen 2019, example 5.2:

    >>> best = rq_normal_eil(0.225, 7.5, 8, 1300, 150, 1 / 12)
    >>> round(best.r, 3), round(best.Q, 3), round(best.cost_rate, 4)
    (213.97, 318.59, 95.4511)
    """
    h, p, k, rate = _costs(holding_cost, stockout_cost, fixed_cost, demand_rate)
    one("fixed_cost", k, above=0)
    mu, sigma = _normal(demand_rate, demand_sd, lead_time)
    short, q = 0.0, 0.0
    for _ in range(MAX_ROUNDS):
        last, q = q, float(np.sqrt(2 * rate * (k + p * short) / h))
        if q * h >= p * rate:
            break
        r = mu - sigma * float(special.ndtri(q * h / (p * rate)))
        short = float(normal_loss(r, mu, sigma).short)
        if q - last <= CLOSE * q:
            return ReorderLot(r, q, h * (r - mu + q / 2) + rate * (k + p * short) / q)
    what = f"stockout_cost = {p:g} per unit short is too low for a reorder point that pays"
    raise InputError(what + f" (holding_cost = {h:g}, fixed_cost = {k:g}, demand_rate = {rate:g}).")


def rq_poisson_cost(
    r: int,
    Q: int,
    holding_cost: float,
    backorder_cost: float,
    fixed_cost: float,
    demand_rate: float,
    lead_time: float,
) -> float:
    """Return the exact cost rate of any whole (r, Q) for Poisson demand.

        g(r, Q) = [K lambda + sum of g(y) over y = r + 1 ... r + Q] / Q
        (Federgruen & Zheng 1992; Snyder & Shen 2019, chapter 5)

    Parameters
    ----------
    r, Q : reorder point and lot, whole units; Q at least 1
    holding_cost, backorder_cost : h, p, money per unit and time, above 0
    fixed_cost : K, money per order
    demand_rate : lambda, units per time, above 0
    lead_time : L, time; 0 delivers at once

    Examples
    --------
    >>> round(rq_poisson_cost(8, 12, 20, 150, 100, 1.5, 2), 4)
    242.5282
    """
    h, p, k, rate = _costs(holding_cost, backorder_cost, fixed_cost, demand_rate, "backorder_cost")
    r, q = int(one("r", r, whole=True)), int(one("Q", Q, least=1, whole=True))
    positions = np.arange(r + 1, r + q + 1, dtype=np.float64)
    mean = rate * one("lead_time", lead_time, least=0)
    total = float(np.sum(expected_cost(h, p, poisson_loss(positions, mean))))
    return (k * rate + total) / q


def rq_poisson_exact(
    holding_cost: float, backorder_cost: float, fixed_cost: float, demand_rate: float, lead_time: float
) -> ReorderLot:
    """Return the best (r, Q) for Poisson demand.

    Federgruen & Zheng (1992): g(y) is convex, so the best Q positions are the Q cheapest, and the best Q is
    the first at which one more would cost at least the average so far. The lattice holds every position
    that costs no more than a feasible policy; ties go to the smaller Q.

    Parameters
    ----------
    holding_cost, backorder_cost, fixed_cost, demand_rate, lead_time : as for `rq_poisson_cost`

    Examples
    --------
    Snyder & Shen 2019, example 5.8:

    >>> best = rq_poisson_exact(20, 150, 100, 1.5, 2)
    >>> best.r, best.Q, round(best.cost_rate, 4)
    (3, 5, 107.9236)
    """
    h, p, k, rate = _costs(holding_cost, backorder_cost, fixed_cost, demand_rate, "backorder_cost")
    costs = (h, p, k, rate, lead_time)
    mean = rate * one("lead_time", lead_time, least=0)
    lot = max(1, round(float(eoq_backorders(k, h, p, rate).order_quantity)))
    middle = int(stats.poisson.ppf(critical_ratio(h, p), mean))
    feasible = rq_poisson_cost(middle - 1 - round(lot * h / (h + p)), lot, *costs)
    # g(y) is at least h (y - mean) and p (mean - y), so nothing outside can be as cheap.
    low, high = int(np.floor(mean - feasible / p)), int(np.ceil(mean + feasible / h))
    positions = np.arange(low, high + 1, dtype=np.float64)
    position_costs = expected_cost(h, p, poisson_loss(positions, mean))
    cheapest = np.argsort(position_costs, kind="stable")
    averages = (k * rate + np.cumsum(position_costs[cheapest])) / np.arange(1, positions.size + 1)
    q = int(np.argmin(averages)) + 1
    r = low + int(cheapest[:q].min()) - 1
    return ReorderLot(r, q, rq_poisson_cost(r, q, *costs))


def _costs(
    holding: float, stockout: float, fixed: float, rate: float, stockout_name: str = "stockout_cost"
) -> tuple[float, float, float, float]:
    return (
        one("holding_cost", holding, above=0),
        one(stockout_name, stockout, above=0),
        one("fixed_cost", fixed, least=0),
        one("demand_rate", rate, above=0),
    )


def _normal(rate: float, sd: float, lead_time: float) -> tuple[float, float]:
    """Return mean and standard deviation of the demand of a lead time."""
    time = one("lead_time", lead_time, above=0)
    return rate * time, one("demand_sd", sd, above=0) * float(np.sqrt(time))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(optimize.brentq(function, low, high, xtol=1e-12 * max(1.0, abs(low), abs(high)), rtol=1e-14))
