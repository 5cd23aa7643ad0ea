"""Serial systems with stochastic service, exactly: Clark & Scarf's recursion over echelons.

Stage 1 serves the customers, stage j + 1 feeds stage j, the last stage is fed from without at any time.
The echelon of a stage is the stage and all below it. Costs are rates: h_j per unit in the echelon of j
(local holding cost of j less that of j + 1), p per unit owed to customers. Demand that meets no stock waits.

    C_1(y) = E[h_1 (y - D_1) + (p + h_1 + ... + h_N) (y - D_1)^-]
    C_j(y) = E[h_j (y - D_j) + C_{j-1}(min(S_{j-1}, y - D_j))],      S_j = argmin C_j
    least cost = C_N(S_N)
    (Clark & Scarf 1960; Chen & Zheng 1994; Snyder & Shen 2019, section 6.2)

D_j is the demand in the time T_j from an order of stage j until its goods can be counted or passed on.
Under continuous review that is the lead time; in the calendar of Plimsoll (an order placed at the end of
period t is usable at the start of t + L + 1 and passed on or counted at that period's end) it is L + 1
periods. Stock on the way from j + 1 to j is charged as stock of the echelons above j.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import interpolate, optimize, signal, special, stats

from plimsoll.domain.errors import InputError
from plimsoll.maths.arguments import checked, distribution, one, series
from plimsoll.maths.loss import normal_loss
from plimsoll.maths.ragged import Floats

FAR = 8.5  # standard deviations beyond which a normal demand is not followed
NODES = 64  # Gauss-Legendre nodes of one expectation: its integrand is analytic between the kinks
KNOTS = 400  # knots of the spline through a cost function, from FAR below its best level up to it
LEVEL_TOLERANCE = 1e-8  # units; costs are flat at their least, so that levels are good to about 1e-6
TAIL = 1e-13  # probability cut off at the upper end of a Poisson lattice

Curve = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class SerialBaseStock:
    """Echelon base-stock levels and their cost.

    `echelon_base_stock` (N,) S_j, units on hand and on order in the echelon of j less what is owed,
    downstream stage first; `cost_rate` money per unit of time.
    """

    echelon_base_stock: tuple[float, ...]
    cost_rate: float


def serial_normal(
    echelon_holding_cost: Sequence[float],
    backorder_cost: float,
    mean: float,
    sd: float,
    lead_time: Sequence[float],
) -> SerialBaseStock:
    """Return the best echelon base-stock levels for normal demand, D_j ~ N(mean T_j, sd^2 T_j).

    Parameters
    ----------
    echelon_holding_cost : (N,) h_j, money per unit and time, above 0, downstream stage first
    backorder_cost : p, money per unit and time, above 0
    mean, sd : demand per unit of time, units; sd above 0
    lead_time : (N,) T_j, time, above 0; see the module for the calendar's convention

    Notes
    -----
    Expectations are taken by Gauss-Legendre quadrature split at the kink, cost functions are carried as
    cubic splines: levels and cost are exact to about 1e-7.

    Examples
    --------
    Snyder & Shen 2019, example 6.1:

    >>> best = serial_normal([3, 2, 2], 37.12, 5, 1, [1, 1, 2])
    >>> [round(s, 3) for s in best.echelon_base_stock], round(best.cost_rate, 4)
    ([6.491, 12.018, 22.705], 47.6601)
    """
    costs = _costs(echelon_holding_cost, backorder_cost)
    times = _per_stage("lead_time", lead_time, costs)
    means, variances = one("mean", mean, least=0) * times, one("sd", sd, above=0) ** 2 * times
    lowest, highest = (
        np.cumsum(means) + np.sqrt(np.cumsum(variances)) * special.ndtri(r) for r in costs.ratios
    )
    levels: list[float] = []
    cost = _first_cost(costs, float(means[0]), float(np.sqrt(variances[0])))
    for j in range(times.size):
        if j:
            reach = FAR * float(np.sqrt(np.sum(variances[:j])))
            carried = _Carried(cost, levels[-1], reach, float(costs.below[j - 1]))
            cost = _passed_up(carried, float(costs.holding[j]), float(means[j]), float(np.sqrt(variances[j])))
        levels.append(_least(cost, float(lowest[j]), float(highest[j])))
    return SerialBaseStock(tuple(levels), float(cost(np.array([levels[-1]]))[0]))


def serial_poisson(
    echelon_holding_cost: Sequence[float],
    backorder_cost: float,
    demand_rate: float,
    lead_time: Sequence[float],
) -> SerialBaseStock:
    """Return the best echelon base-stock levels for Poisson demand, D_j ~ Poisson(demand_rate T_j).

    Parameters
    ----------
    echelon_holding_cost : (N,) h_j, money per unit and time, above 0, downstream stage first
    backorder_cost : p, money per unit and time, above 0
    demand_rate : units per unit of time, above 0
    lead_time : (N,) T_j, time, above 0; see the module for the calendar's convention

    Notes
    -----
    Of several levels of the same cost the least is returned.

    Examples
    --------
    Shang & Song 2003, table 1, first row:

    >>> best = serial_poisson([0.25] * 4, 9, 16, [0.25] * 4)
    >>> best.echelon_base_stock, round(best.cost_rate, 3)
    ((8.0, 13.0, 18.0, 22.0), 12.688)
    """
    costs = _costs(echelon_holding_cost, backorder_cost)
    means = one("demand_rate", demand_rate, above=0) * _per_stage("lead_time", lead_time, costs)
    return _serial_lattice(costs, [_poisson(mean) for mean in means])


def serial_discrete(
    echelon_holding_cost: Sequence[float],
    backorder_cost: float,
    lead_time_demand: Sequence[ArrayLike],
) -> SerialBaseStock:
    """Return the best echelon base-stock levels for any demand on whole units.

    Parameters
    ----------
    echelon_holding_cost : (N,) h_j, money per unit and time, above 0, downstream stage first
    backorder_cost : p, money per unit and time, above 0
    lead_time_demand : N laws of D_j, entry k is P(D_j = k units); independent of each other

    Notes
    -----
    Random lead times may be mixed into the laws as long as orders do not cross. Of several levels of the
    same cost the least is returned.

    Examples
    --------
    One stage is the newsvendor, p / (p + h) = 0.9:

    >>> serial_discrete([1], 9, [[0.25, 0.25, 0.25, 0.25]]).echelon_base_stock
    (3.0,)
    """
    costs = _costs(echelon_holding_cost, backorder_cost)
    if len(lead_time_demand) != costs.holding.size:
        what = f"lead_time_demand has {len(lead_time_demand)} laws for {costs.holding.size} stages."
        raise InputError(what, remedy="Give one law for each stage, downstream stage first.")
    laws = [distribution(np.arange(np.size(pmf), dtype=np.float64), pmf)[1] for pmf in lead_time_demand]
    return _serial_lattice(costs, laws)


@dataclass(frozen=True, slots=True)
class _Costs:
    """h_j, downstream stage first, and p."""

    holding: Floats
    backorder: float

    @property
    def owed(self) -> float:
        """Return p + h_1 + ... + h_N, what a unit owed costs beside the fall of every echelon's stock."""
        return self.backorder + float(self.holding.sum())

    @property
    def below(self) -> Floats:
        """Return the slope of C_j far below, -(p + h_{j+1} + ... + h_N)."""
        return np.cumsum(self.holding) - self.owed

    @property
    def ratios(self) -> tuple[Floats, Floats]:
        """Return the service of D_1 + ... + D_j at levels that bracket S_j (Shang & Song 2003, theorem 1)."""
        return -self.below / self.owed, self.below / (self.below - self.holding)


def _costs(echelon_holding_cost: Sequence[float], backorder_cost: float) -> _Costs:
    holding = checked("echelon_holding_cost", series("echelon_holding_cost", echelon_holding_cost), above=0)
    return _Costs(holding, one("backorder_cost", backorder_cost, above=0))


def _per_stage(name: str, values: Sequence[float], costs: _Costs) -> Floats:
    numbers = checked(name, series(name, values), above=0)
    if numbers.size != costs.holding.size:
        what = f"{name} has {numbers.size} numbers for {costs.holding.size} stages."
        raise InputError(what, remedy="Give one for each stage, downstream stage first.")
    return numbers


def _first_cost(costs: _Costs, mean: float, sd: float) -> Curve:
    """Return C_1(y)."""
    holding = float(costs.holding[0])

    def cost(y: Floats) -> Floats:
        return np.asarray(holding * (y - mean) + costs.owed * normal_loss(y, mean, sd).short)

    return cost


class _Carried:
    """C(min(S, x)) as a spline: constant above S, a straight line below what demand reaches."""

    def __init__(self, cost: Curve, level: float, reach: float, slope: float) -> None:
        knots = np.linspace(level - 2.0 * reach, level, KNOTS)
        self.level, self.lowest, self.slope = level, float(knots[0]), slope
        self.spline = interpolate.CubicSpline(knots, cost(knots))
        self.bottom, self.top = self.spline(knots[[0, -1]])

    def __call__(self, x: Floats) -> Floats:
        inside = self.spline(np.clip(x, self.lowest, self.level))
        return np.asarray(inside + self.slope * np.minimum(x - self.lowest, 0.0))


def _passed_up(carried: _Carried, holding: float, mean: float, sd: float) -> Curve:
    """Return C_j(y) from C_{j-1}: quadrature over the demand that takes the echelon below S_{j-1}."""
    nodes, weights = special.roots_legendre(NODES)

    def cost(y: Floats) -> Floats:
        kink = np.clip((y - carried.level - mean) / sd, -FAR, FAR)[:, np.newaxis]
        half = (FAR - kink) / 2.0
        z = kink + half * (nodes + 1.0)
        density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
        short = np.sum(half * weights * density * carried(y[:, np.newaxis] - mean - sd * z), axis=1)
        return np.asarray(holding * (y - mean) + short + carried.top * special.ndtr(kink[:, 0]))

    return cost


def _least(cost: Curve, low: float, high: float) -> float:
    """Return the level of least cost of a convex function in a bracket."""
    if high - low < LEVEL_TOLERANCE:
        return low
    found = optimize.minimize_scalar(
        lambda y: float(cost(np.array([y]))[0]),
        bounds=(low, high),
        method="bounded",
        options={"xatol": LEVEL_TOLERANCE},
    )
    return float(found.x)


def _poisson(mean: float) -> Floats:
    """Return a Poisson law cut at TAIL."""
    pmf = stats.poisson.pmf(np.arange(int(stats.poisson.isf(TAIL, mean)) + 2), mean)
    return np.asarray(pmf / pmf.sum())


def _serial_lattice(costs: _Costs, laws: Sequence[Floats]) -> SerialBaseStock:
    """Return the best levels for laws on whole units; below 0 every C_j is a straight line."""
    total, level, cost = np.ones(1), 0, np.zeros(0)
    levels: list[float] = []
    for j, law in enumerate(laws):
        total = signal.convolve(total, law)
        y = np.arange(total.size, dtype=np.float64)
        if j:
            held = np.append(cost[: level + 1], np.full(max(y.size - level - 1, 0), cost[level]))
            below = cost[0] - costs.below[j - 1] * np.arange(law.size - 1, 0, -1.0)
        else:
            held, below = np.zeros(y.size), costs.owed * np.arange(law.size - 1, 0, -1.0)
        carried = signal.convolve(np.append(below, held[: y.size]), law, mode="valid", method="direct")
        cost = costs.holding[j] * (y - float(law @ np.arange(law.size))) + carried
        level = int(np.argmin(cost))
        levels.append(float(level))
    return SerialBaseStock(tuple(levels), float(cost[level]))
