"""How much to order when demand is known: economic lots, lots over time, lots that share a set-up.

Rates are per one unit of time (a year, a week); every argument of a call uses the same. Demand rates and
costs are scalars or arrays of n items that broadcast, where the docstring shows (n,). Lead time moves the
order earlier and changes no lot, so it is no argument here. Quantity discounts are in
`plimsoll.maths.price_breaks`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from plimsoll.domain.errors import InputError
from plimsoll.maths.arguments import checked, one, series
from plimsoll.maths.ragged import Floats


@dataclass(frozen=True, slots=True)
class Lot:
    """The best lot [units] and its cost [money per time]."""

    order_quantity: Floats
    cost_rate: Floats


@dataclass(frozen=True, slots=True)
class BackorderLot:
    """The best lot [units], the share of it that is owed when it arrives, and its cost [money per time]."""

    order_quantity: Floats
    backorder_fraction: Floats
    cost_rate: Floats


@dataclass(frozen=True, slots=True)
class Schedule:
    """The orders of each period [units, (T,)] and their total cost [money]."""

    orders: Floats
    total_cost: float


@dataclass(frozen=True, slots=True)
class JointCycle:
    """Base cycles between orders of each item [(n,)], the base cycle [time], the cost [money per time]."""

    multiples: NDArray[np.int64]
    base_cycle: float
    cost_rate: float


def eoq(fixed_cost: ArrayLike, holding_cost: ArrayLike, demand_rate: ArrayLike) -> Lot:
    """Return the economic order quantity.

        Q = sqrt(2 K lambda / h),  cost = sqrt(2 K lambda h)      (Snyder & Shen 2019, section 3.2)

    Parameters
    ----------
    fixed_cost : K, (n,) money per order; 0 gives Q = 0
    holding_cost : h, (n,) money per unit and time, above 0
    demand_rate : lambda, (n,) units per time; 0 gives Q = 0

    Examples
    --------
    Snyder & Shen 2019, example 3.1:

    >>> lot = eoq(8, 0.225, 1300)
    >>> round(float(lot.order_quantity), 4), round(float(lot.cost_rate), 4)
    (304.0468, 68.4105)
    """
    k, h, rate = _costs(fixed_cost, holding_cost, demand_rate)
    return Lot(np.sqrt(2 * k * rate / h)[()], np.sqrt(2 * k * rate * h)[()])


def eoq_cost(
    order_quantity: ArrayLike, fixed_cost: ArrayLike, holding_cost: ArrayLike, demand_rate: ArrayLike
) -> Floats:
    """Return the cost rate of any lot, without the purchase cost.

        g(Q) = K lambda / Q + h Q / 2      (Snyder & Shen 2019, section 3.2)

    Parameters
    ----------
    order_quantity : Q, (n,) units, above 0
    fixed_cost, holding_cost, demand_rate : as for `eoq`

    Examples
    --------
    >>> round(float(eoq_cost(250, 8, 0.225, 1300)), 4)
    69.725
    """
    k, h, rate = _costs(fixed_cost, holding_cost, demand_rate)
    q = checked("order_quantity", order_quantity, above=0)
    return (k * rate / q + h * q / 2)[()]


def eoq_backorders(
    fixed_cost: ArrayLike, holding_cost: ArrayLike, backorder_cost: ArrayLike, demand_rate: ArrayLike
) -> BackorderLot:
    """Return the economic order quantity when customers may be made to wait at a price.

        x = h / (h + p),  Q = sqrt(2 K lambda (h + p) / (h p)),  cost = sqrt(2 K lambda h p / (h + p))
        (Snyder & Shen 2019, section 3.5)

    Parameters
    ----------
    fixed_cost, holding_cost, demand_rate : as for `eoq`
    backorder_cost : p, (n,) money per unit and time waited, above 0

    Examples
    --------
    Snyder & Shen 2019, example 3.8:

    >>> lot = eoq_backorders(8, 0.225, 5, 1300)
    >>> [round(float(x), 4) for x in (lot.order_quantity, lot.backorder_fraction, lot.cost_rate)]
    [310.8126, 0.0431, 66.9214]
    """
    k, h, rate = _costs(fixed_cost, holding_cost, demand_rate)
    p = checked("backorder_cost", backorder_cost, above=0)
    served, owed = p / (h + p), h / (h + p)
    plain = eoq(k, h * served, rate)
    return BackorderLot(plain.order_quantity, owed[()], plain.cost_rate)


def eoq_with_disruptions_cost(
    order_quantity: ArrayLike,
    fixed_cost: ArrayLike,
    holding_cost: ArrayLike,
    stockout_cost: ArrayLike,
    demand_rate: ArrayLike,
    disruption_rate: ArrayLike,
    recovery_rate: ArrayLike,
    *,
    approximate: bool = False,
) -> Floats:
    """Return the cost rate of a lot bought from a supplier who fails and recovers at random.

        b(Q) = lam / (lam + mu) (1 - exp(-(lam + mu) Q / d))      probability of finding the supplier down
        g(Q) = (K + h Q^2 / (2 d) + p d b(Q) / mu) / (Q / d + b(Q) / mu)
        (Berk & Arreola-Risa 1994; Snyder & Shen 2019, chapter 9; approximate: without the exponential term)

    Demand while out of stock is lost. Orders arrive at once when the supplier is up.

    Parameters
    ----------
    order_quantity : Q, (n,) units, above 0
    fixed_cost, holding_cost, demand_rate : K, h, d as for `eoq`; demand rate above 0
    stockout_cost : p, (n,) money per unit of lost sales
    disruption_rate : lam, (n,) failures per time up; 0 is the plain EOQ
    recovery_rate : mu, (n,) recoveries per time down, above 0
    approximate : drop the exponential term

    Examples
    --------
    >>> round(float(eoq_with_disruptions_cost(772.8111, 8, 0.225, 5, 1300, 1.5, 14)), 4)
    173.95
    """
    k, h, d = _costs(fixed_cost, holding_cost, demand_rate)
    checked("demand_rate", d, above=0)
    q = checked("order_quantity", order_quantity, above=0)
    p = checked("stockout_cost", stockout_cost, least=0)
    lam = checked("disruption_rate", disruption_rate, least=0)
    mu = checked("recovery_rate", recovery_rate, above=0)
    reach = 1.0 if approximate else -np.expm1(-(lam + mu) * q / d)
    down_time = lam / (lam + mu) * reach / mu
    return ((k + h * q * q / (2 * d) + p * d * down_time) / (q / d + down_time))[()]


def eoq_with_disruptions(
    fixed_cost: float,
    holding_cost: float,
    stockout_cost: float,
    demand_rate: float,
    disruption_rate: float,
    recovery_rate: float,
    *,
    approximate: bool = False,
) -> Lot:
    """Return the best lot of one item bought from a supplier who fails and recovers at random.

    The cost of `eoq_with_disruptions_cost` is quasi-convex in the lot (Berk & Arreola-Risa 1994), so it is
    searched in one dimension. Approximate (Snyder 2014), with B = d lam / (mu (lam + mu)):

        Q = sqrt(B^2 + 2 d (K + p B) / h) - B,  cost = h Q

    Parameters
    ----------
    fixed_cost : K, money per order, above 0
    holding_cost, stockout_cost, demand_rate, disruption_rate, recovery_rate, approximate :
        as for `eoq_with_disruptions_cost`

    Examples
    --------
    Snyder & Shen 2019, example 9.1:

    >>> lot = eoq_with_disruptions(8, 0.225, 5, 1300, 1.5, 14)
    >>> round(float(lot.order_quantity), 3), round(float(lot.cost_rate), 3)
    (772.811, 173.95)
    """
    k, h, d = one("fixed_cost", fixed_cost, above=0), holding_cost, demand_rate
    costs = (k, h, stockout_cost, d, disruption_rate, recovery_rate)
    eoq_with_disruptions_cost(1.0, *costs)  # refuses what is out of range, by name
    lost = d * disruption_rate / (recovery_rate * (disruption_rate + recovery_rate))
    quantity = float(np.sqrt(lost**2 + 2 * d * (k + stockout_cost * lost) / h) - lost)
    if approximate:
        return Lot(np.asarray(quantity)[()], np.asarray(h * quantity)[()])
    found = optimize.minimize_scalar(
        lambda log_q: float(eoq_with_disruptions_cost(np.exp(log_q), *costs)),
        bounds=(np.log(min(quantity, float(eoq(k, h, d).order_quantity))) - 1, np.log(quantity) + 1),
        method="bounded",
        options={"xatol": 1e-10},
    )
    best = np.exp(found.x)
    return Lot(best, eoq_with_disruptions_cost(best, *costs))


def dynamic_lot_sizing(holding_cost: ArrayLike, fixed_cost: ArrayLike, demand: ArrayLike) -> Schedule:
    """Return the cheapest orders for a known demand that changes from period to period.

        theta_t = min over s > t of [K_t + sum over i in t..s-1 of (h_t + ... + h_{i-1}) d_i + theta_s]
        (Wagner & Whitin 1958; Snyder & Shen 2019, section 3.7)

    A period without demand may also pass without an order. The first of equally cheap orders is taken.

    Parameters
    ----------
    holding_cost : h, money per unit held at the end of a period; scalar or (T,)
    fixed_cost : K, money per order; scalar or (T,)
    demand : d, (T,) units; stock at the start is 0, an order serves its own period's demand

    Raises
    ------
    InputError : demand is negative or not a row of numbers, or costs are not as many

    Examples
    --------
    Snyder & Shen 2019, example 3.9:

    >>> plan = dynamic_lot_sizing(2, 500, [90, 120, 80, 70])
    >>> plan.orders.tolist(), plan.total_cost
    ([210.0, 0.0, 150.0, 0.0], 1380.0)
    """
    d = series("demand", demand, least=0)
    periods = d.size
    hold = _per_period("holding_cost", holding_cost, periods)
    fixed = _per_period("fixed_cost", fixed_cost, periods)
    held_until = np.concatenate(([0.0], np.cumsum(hold[:-1])))
    best = np.zeros(periods + 1)
    upto = np.zeros(periods, dtype=np.int64)
    for t in range(periods - 1, -1, -1):
        carried = np.cumsum(d[t:] * (held_until[t:] - held_until[t]))
        costs = fixed[t] + carried + best[t + 1 :]
        choice = int(np.argmin(costs))
        upto[t], best[t] = t + 1 + choice, costs[choice]
        if d[t] == 0 and best[t + 1] <= best[t]:
            upto[t], best[t] = t + 1, best[t + 1]
    orders = np.zeros(periods)
    t = 0
    while t < periods:
        orders[t] = d[t : upto[t]].sum()
        t = int(upto[t])
    return Schedule(orders, float(best[0]))


def joint_replenishment(
    major_setup: float, minor_setup: ArrayLike, holding_cost: ArrayLike, demand_rate: ArrayLike
) -> JointCycle:
    """Return base cycle and multiples of items that share an order's major set-up, by Silver's heuristic.

        item 1 has the least k_i / (h_i d_i);  m_1 = 1,  m_i = round sqrt(k_i / (h_i d_i) h_1 d_1 / (K + k_1))
        T = sqrt(2 (K + sum k_i / m_i) / sum m_i h_i d_i)
        cost = (K + sum k_i / m_i) / T + T / 2 sum m_i h_i d_i
        (Silver, Pyke & Peterson 1998, chapter 11, p. 428)

    Item i is ordered every m_i-th base cycle. A heuristic: an exact method may do no worse.

    Parameters
    ----------
    major_setup : K, money per joint order
    minor_setup : k, (n,) money per item in an order; K + k_1 must be above 0
    holding_cost : h, (n,) money per unit and time, above 0
    demand_rate : d, (n,) units per time, above 0

    Examples
    --------
    Silver, Pyke & Peterson 1998, p. 428:

    >>> plan = joint_replenishment(40, [15] * 4, [0.24] * 4, [86000, 12500, 1400, 3000])
    >>> plan.multiples.tolist(), round(plan.base_cycle, 5), round(plan.cost_rate, 2)
    ([1, 1, 4, 3], 0.07617, 2067.65)
    """
    major = one("major_setup", major_setup, least=0)
    minor, h, d = series("minor_setup", minor_setup, least=0), holding_cost, demand_rate
    weight = series(
        "holding_cost x demand_rate", checked("holding_cost", h, above=0) * checked("demand_rate", d, above=0)
    )
    if weight.size != minor.size:
        what = (
            f"minor_setup has {minor.size} items, holding_cost x demand_rate {weight.size}: they must match."
        )
        raise InputError(what)
    ratio = minor / weight
    first = int(np.argmin(ratio))
    shared = one("major_setup + minor_setup", major + minor[first], above=0)
    multiples = np.maximum(1.0, np.rint(np.sqrt(ratio * weight[first] / shared)))
    multiples[first] = 1.0
    setups, held = major + float((minor / multiples).sum()), float((multiples * weight).sum())
    cycle = float(np.sqrt(2 * setups / held))
    return JointCycle(multiples.astype(np.int64), cycle, setups / cycle + cycle * held / 2)


def _costs(fixed: ArrayLike, holding: ArrayLike, rate: ArrayLike) -> tuple[Floats, Floats, Floats]:
    return (
        checked("fixed_cost", fixed, least=0),
        checked("holding_cost", holding, above=0),
        checked("demand_rate", rate, least=0),
    )


def _per_period(name: str, value: ArrayLike, periods: int) -> Floats:
    numbers = checked(name, value, least=0)
    if numbers.shape not in {(), (periods,)}:
        what = (
            f"{name} has shape {numbers.shape}: it must be one number or {periods}, one a period of demand."
        )
        raise InputError(what)
    return np.broadcast_to(numbers, periods)
