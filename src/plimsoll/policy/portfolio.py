"""Targets set point by point for one service goal of the whole portfolio, at the least inventory value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.findings import Finding, Message, keys_of
from plimsoll.domain.tables import table
from plimsoll.maths.kernels import portfolio as kernel
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.set_levels import has_level
from plimsoll.policy.size import KEY, laws_and_lots, parted
from plimsoll.targets import TargetParams

UNIFORM: Final = 1.0 - np.logspace(-0.05, -4.0, 80)  # fill rates at which uniform targets are tried
CLOSE = 1e-9  # relative width at which the price is found; what lies between is settled move by move
TRIMS = 30  # steps that the last move may make superfluous
ROUNDING = 1e-12  # of all demand; sums of shares carry it
CURVE = {
    "goal": pl.Float64(),
    "promised": pl.Float64(),
    "inventory_value": pl.Float64(),
    "bound_value": pl.Float64(),
    "shadow_price": pl.Float64(),
    "uniform_target": pl.Float64(),
    "uniform_value": pl.Float64(),
}
OUT_OF_REACH = Message(
    "portfolio_goal_out_of_reach",
    "warning",
    "target",
    "The portfolio goal of {goal} cannot be reached: {most} is the most; {n} point<|s> <keeps|keep> a lower "
    "service or <holds|hold> nothing ({keys}).",
    "The goal counts all demand at planned points, that of points which the portfolio may not move included.",
    "The targets by class stay in force: the most service costs stock without end.",
    "Lower the goal, or raise the targets of these points or leave the choice to the portfolio.",
)


@dataclass(frozen=True, slots=True)
class Allocation:
    """Targets for a portfolio goal.

    `target` : table `target`; rows the portfolio decided have target_source "portfolio".
    `curve` : exchange of service for inventory value, see `portfolio_curve`; the goal's row first.
    `findings` : what could not be reached.
    """

    target: pl.DataFrame
    curve: pl.DataFrame
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Hulls:
    """The points of a portfolio, sorted by key, and the vertices of their exchange of stock for service.

    `demanded` [W] weighted demand a year, `values` [c] money per step; `idle_points` planned points
    at which nothing is held; `uniform` (2, T) weighted demand short and inventory value.
    """

    points: pl.DataFrame
    idle_points: pl.DataFrame
    rules: Ints
    demanded: Floats
    values: Floats
    fill: Floats
    short: Floats
    stock: Floats
    slopes: Floats
    bounds: Ints
    uniform: Floats

    @property
    def idle(self) -> float:
        """Weighted demand a year of planned points at which nothing is held."""
        return float(self.idle_points["demanded"].sum())

    @property
    def total(self) -> float:
        """Weighted demand a year of the whole portfolio."""
        return float(self.demanded.sum()) + self.idle

    def totals(self, vertices: Ints) -> tuple[float, float]:
        """Return weighted demand short a year, and inventory value, with these vertices."""
        short = float((self.demanded * self.short[vertices]).sum()) + self.idle
        return short, float((self.values * self.stock[vertices]).sum())

    def at_price(self, price: float) -> Ints:
        """Return the vertices of least inventory value + price x weighted demand short a year."""
        worth = price * self.demanded
        limits = np.where(self.values > 0.0, worth / np.where(self.values > 0.0, self.values, 1.0), np.inf)
        return np.asarray(kernel.chosen_vertices(self.slopes, self.bounds, limits))


@dataclass(frozen=True, slots=True)
class _Choice:
    """One vertex a point, what they promise and cost, the bound of that cost, and the price of service."""

    vertices: Ints
    promised: float
    value: float
    bound: float | None
    price: float


def allocate(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    params: TargetParams,
    sizing: PolicyParams,
    goals: Sequence[float] = (),
) -> Allocation:
    """Return the targets with which the portfolio goal is met at the least inventory value.

        min  sum_i c_i E[on hand_i(s_i)]
        with sum_i W_i share short_i(s_i) <= (1 - goal) sum_i W_i,    W_i = w_i yearly demand

    over the levels s_i. For a price lambda of service every point minimises c_i on hand + lambda W_i short
    on its own (Everett 1963); the price is found by halving, and the last gap is closed by the cheapest
    single step that closes it (marginal analysis, Sherbrooke 1968), less what that makes superfluous. The
    value found is above the least by less than that step; `bound_value` of the curve is below both.

    | portfolio_metric | w |
    |---|---|
    | units | 1 |
    | value | unit cost |
    | margin | price less cost; cost where that is not above 0 |
    | lines | 1, and lines instead of units: a line is the demand of one review interval, if any |

    Parameters
    ----------
    points : table `planning_point`
    demand_estimate : table `demand_estimate`
    target : table `target` by rule
    params : portfolio_goal [share], portfolio_metric, portfolio_floors
    sizing : options with which `plimsoll.policy.size` is called
    goals : further goals for the curve, shares

    Returns
    -------
    Allocation
        Without a goal the targets as they were, and a curve of `goals` only. Where the portfolio decided,
        the kind is fill and the service is the fill rate of the level chosen, so that `size` finds just
        that level; `target_service_opt` stays the rule's.

    Edge cases
    ----------
    A person's targets, economic targets and points without a cost keep their targets and count as they
    are. Demand at planned points where nothing is held counts as short; points left out of planning do
    not count. Of high and vital items the target by rule is the least; where that decides, it stays.
    A goal out of reach leaves all targets as they are, with a finding; its row shows the most service.
    Lost sales with orders under way are weighed by the approximation, and sized by simulation.

    Examples
    --------
    >>> none = (table(name).empty() for name in ("planning_point", "demand_estimate", "target"))
    >>> allocate(*none, TargetParams(portfolio_goal=0.95), PolicyParams()).target.height
    0
    """
    if params.portfolio_goal is None and not goals:
        return Allocation(target, pl.DataFrame(schema=CURVE), ())
    hulls = _hulls(points, demand_estimate, target, params, sizing)
    if params.portfolio_goal is None:
        return Allocation(target, _curve(hulls, goals), ())
    goal = params.portfolio_goal
    choice = _choose(hulls, goal)
    curve = pl.concat([_row(hulls, goal, choice), _curve(hulls, goals)])
    if choice.bound is None:
        return Allocation(target, curve, (_out_of_reach(hulls, goal, choice),))
    return Allocation(_decided(hulls, target, choice), curve, ())


def portfolio_curve(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    goals: Sequence[float],
    params: TargetParams,
    sizing: PolicyParams,
) -> pl.DataFrame:
    """Return what every goal costs: the exchange curve of service for inventory value.

    Parameters
    ----------
    points, demand_estimate, target, params, sizing : as in `allocate`; the goal in `params` is not read
    goals : (G,) shares

    Returns
    -------
    pl.DataFrame
        A row a goal:

        | column | unit | meaning |
        |---|---|---|
        | goal | share | as asked |
        | promised | share | what the levels chosen promise; less than the goal where that is out of reach |
        | inventory_value | money | expected stock at unit cost with these levels |
        | bound_value | money | no levels that keep the goal have less (dual bound); null out of reach |
        | shadow_price | money x years per weighted unit | inventory value for one unit less short a year |
        | uniform_target | share | the one fill rate for all points free to move that keeps the goal |
        | uniform_value | money | expected stock with it; interpolated between 80 fill rates |

    Edge cases: a goal exceeded by floors and lots alone has price 0, and no uniform target.

    Examples
    --------
    >>> none = [table(name).empty() for name in ("planning_point", "demand_estimate", "target")]
    >>> portfolio_curve(*none, (0.9, 0.95), TargetParams(), PolicyParams())["goal"].to_list()
    [0.9, 0.95]
    """
    return _curve(_hulls(points, demand_estimate, target, params, sizing), goals)


def _curve(hulls: _Hulls, goals: Sequence[float]) -> pl.DataFrame:
    rows = [_row(hulls, goal, _choose(hulls, goal)) for goal in goals]
    return pl.concat([pl.DataFrame(schema=CURVE), *rows])


def _row(hulls: _Hulls, goal: float, choice: _Choice) -> pl.DataFrame:
    """Return the row of the curve, the uniform target that keeps the same goal beside it."""
    served = 1.0 - (hulls.uniform[0] + hulls.idle) / hulls.total if hulls.total > 0.0 else UNIFORM * 0.0
    is_within = bool(served[0] <= goal <= served[-1])
    row = {
        "goal": goal,
        "promised": choice.promised,
        "inventory_value": choice.value,
        "bound_value": choice.bound,
        "shadow_price": choice.price,
        "uniform_target": float(np.interp(goal, served, UNIFORM)) if is_within else None,
        "uniform_value": float(np.interp(goal, served, hulls.uniform[1])) if is_within else None,
    }
    return pl.DataFrame(row, schema=CURVE)


def _hulls(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    params: TargetParams,
    sizing: PolicyParams,
) -> _Hulls:
    """Return the portfolio, with the exchange of every point computed once."""
    read = demand_estimate.drop("pmf_lead_constant", "pmf_protection_constant")
    held, not_held = parted(points.sort(KEY), read, target, sizing)
    by = target.select(*KEY, "target_source")
    held = held.join(by, on=KEY, how="left", maintain_order="left", validate="1:1").with_columns(
        rule=_rule(params), demanded=_weighted_demand(params)
    )
    idle = not_held.filter(pl.col("planned")).select(*KEY, demanded=_weighted_demand(params))
    values = (held["unit_cost_eff"] * held["step_qty"]).to_numpy()
    laws, demanded = laws_and_lots(held), held["demanded"].to_numpy()
    by_lines, rules = params.portfolio_metric == "lines", held["rule"].to_numpy()
    aims = (held["kind"].to_numpy(), held["target"].to_numpy(), rules)
    _, vertices, bounds, uniform = kernel.exchange_hulls(*laws, by_lines, *aims, demanded, values, UNIFORM)
    return _Hulls(
        points=held.select(*KEY, "demanded"),
        idle_points=idle,
        rules=rules,
        demanded=demanded,
        values=values,
        fill=vertices[0],
        short=vertices[1],
        stock=vertices[2],
        slopes=kernel.hull_slopes(vertices, bounds),
        bounds=bounds,
        uniform=uniform,
    )


def _rule(params: TargetParams) -> pl.Expr:
    """Return what the portfolio may do at a point; stock without a cost would be bought without end."""
    keeps = (
        (pl.col("target_source") == "person")
        | has_level()
        | (pl.col("target_kind_eff") == "economic")
        | (pl.col("unit_cost_eff") <= 0)
    )
    is_critical = pl.col("criticality_eff").is_in(["high", "vital"]) & pl.lit(params.portfolio_floors)
    return (
        pl.when(keeps)
        .then(kernel.FIXED)
        .when(is_critical)
        .then(kernel.FLOOR)
        .otherwise(kernel.FREE)
        .cast(pl.Int64)
    )


def _weighted_demand(params: TargetParams) -> pl.Expr:
    """Return W, weighted demand a year.

    Lines a year are periods a year with demand, p = P(D_R = 0)^(1 / R) of them without, R the review
    interval in periods; under continuous review the units, at most one line a period.
    """
    rate, periods = pl.col("mean_per_day_est"), pl.col("review_days_eff") / pl.col("period_days")
    cost, margin = pl.col("unit_cost_eff"), pl.col("unit_price_eff") - pl.col("unit_cost_eff")
    steps = (rate * pl.col("period_days") / pl.col("step_qty")).clip(upper_bound=1.0)
    asked = 1.0 - pl.col("pmf_review").list.get(0, null_on_oob=True).clip(0.0, 1.0) ** (1.0 / periods)
    lines = pl.when(periods > 0).then(asked).otherwise(steps) * DAYS_PER_YEAR / pl.col("period_days")
    weighted = {
        "units": rate * DAYS_PER_YEAR,
        "value": rate * DAYS_PER_YEAR * cost,
        "margin": rate * DAYS_PER_YEAR * pl.when(margin > 0).then(margin).otherwise(cost),
        "lines": pl.when(rate > 0).then(lines),
    }
    return weighted[params.portfolio_metric].fill_nan(0.0).fill_null(0.0)


def _choose(hulls: _Hulls, goal: float) -> _Choice:
    """Return the levels of least value that keep the goal, or those of most service if none does."""
    budget = (1.0 - goal) * hulls.total + ROUNDING * hulls.total
    least = hulls.at_price(0.0)
    most = np.where(hulls.demanded > 0.0, hulls.bounds[1:] - 1, least)
    if hulls.totals(least)[0] <= budget:
        return _chosen(hulls, least, hulls.totals(least)[1], 0.0)
    if hulls.totals(most)[0] > budget:
        prices = _prices(hulls, np.flatnonzero(most > hulls.bounds[:-1]), most)
        return _chosen(hulls, most, None, float(prices.max(initial=0.0)))
    low, high = _bracket(hulls, budget)
    before, after = hulls.at_price(low), hulls.at_price(high)
    return _closed(hulls, before, after, budget)


def _bracket(hulls: _Hulls, budget: float) -> tuple[float, float]:
    """Return two close prices, of which only the upper keeps the budget."""
    high = 1.0
    while hulls.totals(hulls.at_price(high))[0] > budget:
        high *= 8.0
    low = high / 8.0
    while hulls.totals(hulls.at_price(low))[0] <= budget:
        low, high = low / 8.0, low
    while high - low > CLOSE * high:
        middle = 0.5 * (low + high)
        if hulls.totals(hulls.at_price(middle))[0] > budget:
            low = middle
        else:
            high = middle
    return low, high


def _closed(hulls: _Hulls, before: Ints, after: Ints, budget: float) -> _Choice:
    """Return the choice on the way from one price to the next that just keeps the budget.

    Moves are made by rising price, then key. The last one is the cheapest step of any point that closes
    the gap alone.
    """
    moves = after - before
    rows = np.repeat(np.arange(len(moves)), moves)
    steps = np.arange(len(rows)) - np.repeat(np.cumsum(moves) - moves, moves)
    to = before[rows] + steps + 1
    prices = _prices(hulls, rows, to)
    order = np.argsort(prices, kind="stable")
    gains = (hulls.demanded[rows] * (hulls.short[to - 1] - hulls.short[to]))[order]
    short = hulls.totals(before)[0] - np.concatenate([[0.0], np.cumsum(gains)])
    last = int(np.append(np.flatnonzero(short <= budget), len(order))[0]) - 1
    made = order[:last]
    vertices = before + np.bincount(rows[made], minlength=len(before))
    gap, price = float(short[last] - budget), float(prices[order[last]])
    bound = hulls.totals(vertices)[1] + price * gap
    rises = vertices + 1 < hulls.bounds[1:]
    gained, cost = _steps(hulls, vertices + rises)
    closes = rises & (gained >= gap - ROUNDING * hulls.total)
    vertices[np.argmin(np.where(closes, cost, np.inf))] += 1
    return _chosen(hulls, _trimmed(hulls, vertices, budget), bound, price)


def _trimmed(hulls: _Hulls, vertices: Ints, budget: float) -> Ints:
    """Return the vertices less the dearest steps that the budget can spare, one after another."""
    for _ in range(TRIMS):
        spare = budget - hulls.totals(vertices)[0]
        gained, cost = _steps(hulls, vertices)
        saved = np.where(gained <= spare, cost, 0.0)
        if not saved.any():
            break
        vertices[np.argmax(saved)] -= 1
    return vertices


def _steps(hulls: _Hulls, to: Ints) -> tuple[Floats, Floats]:
    """Return weighted demand less short a year, and inventory value, of the step up to each vertex."""
    below = np.maximum(to - 1, hulls.bounds[:-1])
    gained = hulls.demanded * (hulls.short[below] - hulls.short[to])
    return gained, hulls.values * (hulls.stock[to] - hulls.stock[below])


def _chosen(hulls: _Hulls, vertices: Ints, bound: float | None, price: float) -> _Choice:
    short, value = hulls.totals(vertices)
    promised = 1.0 - short / hulls.total if hulls.total > 0.0 else 1.0
    return _Choice(vertices, promised, value, bound, price)


def _prices(hulls: _Hulls, rows: Ints, vertices: Ints) -> Floats:
    """Return the inventory value for one unit less short a year, of the step up to each vertex."""
    return np.asarray(hulls.slopes[vertices] * hulls.values[rows] / hulls.demanded[rows])


def _decided(hulls: _Hulls, target: pl.DataFrame, choice: _Choice) -> pl.DataFrame:
    """Return the targets with those of the portfolio in force."""
    is_floor = (hulls.rules == kernel.FLOOR) & (choice.vertices == hulls.bounds[:-1])
    moved = (hulls.rules != kernel.FIXED) & ~is_floor
    chosen = hulls.points.select(KEY).with_columns(
        portfolio_fill=pl.Series(hulls.fill[choice.vertices]), moved=pl.Series(moved)
    )
    joined = target.join(chosen.filter("moved"), on=KEY, how="left", maintain_order="left", validate="1:1")
    by_portfolio = pl.col("portfolio_fill").is_not_null()
    decided = joined.with_columns(
        target_kind_eff=pl.when(by_portfolio).then(pl.lit("fill")).otherwise("target_kind_eff"),
        target_service_eff=pl.coalesce("portfolio_fill", "target_service_eff"),
        target_source=pl.when(by_portfolio).then(pl.lit("portfolio")).otherwise("target_source"),
        fallback_reason=pl.when(~by_portfolio).then("fallback_reason"),
    )
    return table("target").conform(decided.select(table("target").names))


def _out_of_reach(hulls: _Hulls, goal: float, choice: _Choice) -> Finding:
    lost = pl.Series(hulls.demanded * hulls.short[choice.vertices])
    kept = hulls.points.with_columns(lost=lost).filter(pl.Series(hulls.rules == kernel.FIXED))
    rows = pl.concat([kept, hulls.idle_points.with_columns(lost="demanded")]).filter(pl.col("lost") > 0)
    rows = rows.sort("lost", *KEY, descending=[True, False, False])
    goal_text, most = (f"{100.0 * share:.2f} %" for share in (goal, choice.promised))
    return OUT_OF_REACH.finding(rows.height, keys_of(rows, KEY), goal=goal_text, most=most)
