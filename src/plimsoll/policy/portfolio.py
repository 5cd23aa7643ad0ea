"""Targets set point by point for the whole portfolio: a service goal at the least value, or a budget."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.domain.figures import money
from plimsoll.domain.findings import Finding, Message, keys_of
from plimsoll.domain.tables import table
from plimsoll.maths.kernels import portfolio as kernel
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.portfolio_choice import Choice, least_value, most_service
from plimsoll.policy.portfolio_hulls import UNIFORM, Hulls, hulls_of
from plimsoll.policy.size import KEY
from plimsoll.targets import TargetParams

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
TOO_SMALL = Message(
    "portfolio_budget_out_of_reach",
    "warning",
    "target",
    "The budget of {budget} for stock cannot be kept: {least} is the least; {n} point<|s> <keeps|keep> "
    "stock for floors, lots or targets that people set ({keys}).",
    "Expected stock counts at unit cost; lots bring some even to points without a buffer.",
    "The targets by class stay in force.",
    "Raise the budget, or lower the floors or the targets of these points.",
)


@dataclass(frozen=True, slots=True)
class Allocation:
    """Targets for a goal or a budget of the portfolio.

    `target` : table `target`; rows the portfolio decided have target_source "portfolio".
    `curve` : exchange of service for inventory value, see `portfolio_curve`; the row chosen first.
    `findings` : what could not be reached.
    """

    target: pl.DataFrame
    curve: pl.DataFrame
    findings: tuple[Finding, ...]


def allocate(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    params: TargetParams,
    sizing: PolicyParams,
    goals: Sequence[float] = (),
) -> Allocation:
    """Return the targets that meet the portfolio goal at least inventory value, or serve most for a budget.

        min  sum_i c_i E[on hand_i(s_i)]
        with sum_i W_i share short_i(s_i) <= (1 - goal) sum_i W_i,    W_i = w_i yearly demand

    or, with a budget, least shortage with sum_i c_i E[on hand_i(s_i)] <= budget,

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
    points : table `planning_point`; with the column priority_share (`plimsoll.targets.with_priority`) where
        customers with priority have a floor
    demand_estimate : table `demand_estimate`
    target : table `target` by rule
    params : portfolio_goal [share] or portfolio_budget [money], portfolio_metric, floors
    sizing : options with which `plimsoll.policy.size` is called
    goals : further goals for the curve, shares

    Returns
    -------
    Allocation
        Without either the targets as they were, and a curve of `goals` only. Where the portfolio decided,
        the kind is fill and the service is the fill rate of the level chosen, so that `size` finds just
        that level; `target_service_opt` stays the rule's.

    Edge cases
    ----------
    A person's targets, economic targets and points without a cost keep their targets and count as they
    are. Demand at planned points where nothing is held counts as short; points left out of planning do
    not count. Of high and vital items the target by rule is the least; where that decides, it stays.
    Floors by class and priority are least fill rates, point by point. A goal or budget out of reach leaves
    all targets as they are, with a finding; its row shows the most service, or the least value.
    Lost sales with orders under way are weighed by the approximation, and sized by simulation.

    Examples
    --------
    >>> none = (table(name).empty() for name in ("planning_point", "demand_estimate", "target"))
    >>> allocate(*none, TargetParams(portfolio_goal=0.95), PolicyParams()).target.height
    0
    """
    if not params.has_portfolio and not goals:
        return Allocation(target, pl.DataFrame(schema=CURVE), ())
    hulls = hulls_of(points, demand_estimate, target, params, sizing)
    if not params.has_portfolio:
        return Allocation(target, _curve(hulls, goals), ())
    choice = choose(hulls, params)
    curve = pl.concat([chosen_row(hulls, params.portfolio_goal, choice), _curve(hulls, goals)])
    if choice.bound is None:
        return Allocation(target, curve, (out_of_reach(hulls, params, choice),))
    return Allocation(decided(hulls, target, choice), curve, ())


def choose(hulls: Hulls, params: TargetParams) -> Choice:
    """Return the levels of the goal or of the budget that the options name; one of them is set."""
    if params.portfolio_goal is not None:
        return least_value(hulls, params.portfolio_goal)
    return most_service(hulls, params.portfolio_budget or 0.0)


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
        | goal | share | as asked; of a budget, what it promises |
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
    return _curve(hulls_of(points, demand_estimate, target, params, sizing), goals)


def _curve(hulls: Hulls, goals: Sequence[float]) -> pl.DataFrame:
    rows = [chosen_row(hulls, goal, least_value(hulls, goal)) for goal in goals]
    return pl.concat([pl.DataFrame(schema=CURVE), *rows])


def chosen_row(hulls: Hulls, goal: float | None, choice: Choice) -> pl.DataFrame:
    """Return the row of the curve, the uniform target that keeps the same goal beside it.

    The line through a budget's bound that falls with the price bounds the value from below.
    """
    short, value = hulls.uniform[0]
    served = 1.0 - (short + hulls.idle) / hulls.total if hulls.total > 0.0 else UNIFORM * 0.0
    bound = choice.bound
    if goal is None:
        goal = choice.promised
        if bound is not None:
            bound = choice.value - choice.price * hulls.total * (bound - choice.promised)
    is_within = bool(served[0] <= goal <= served[-1])
    row = {
        "goal": goal,
        "promised": choice.promised,
        "inventory_value": choice.value,
        "bound_value": bound,
        "shadow_price": choice.price,
        "uniform_target": float(np.interp(goal, served, UNIFORM)) if is_within else None,
        "uniform_value": float(np.interp(goal, served, value)) if is_within else None,
    }
    return pl.DataFrame(row, schema=CURVE)


def decided(hulls: Hulls, target: pl.DataFrame, choice: Choice) -> pl.DataFrame:
    """Return the targets with those of the portfolio in force."""
    is_floor = (hulls.rules == kernel.FLOOR) & (choice.vertices == hulls.bounds[:-1]) & (hulls.floors <= 0.0)
    moved = (hulls.rules != kernel.FIXED) & ~is_floor
    chosen = hulls.points.select(KEY).with_columns(
        portfolio_fill=pl.Series(hulls.fill[choice.vertices]), moved=pl.Series(moved)
    )
    joined = target.join(chosen.filter("moved"), on=KEY, how="left", maintain_order="left", validate="1:1")
    by_portfolio = pl.col("portfolio_fill").is_not_null()
    moved_to = joined.with_columns(
        target_kind_eff=pl.when(by_portfolio).then(pl.lit("fill")).otherwise("target_kind_eff"),
        target_service_eff=pl.coalesce("portfolio_fill", "target_service_eff"),
        target_source=pl.when(by_portfolio).then(pl.lit("portfolio")).otherwise("target_source"),
        fallback_reason=pl.when(~by_portfolio).then("fallback_reason"),
    )
    return table("target").conform(moved_to.select(table("target").names))


def out_of_reach(hulls: Hulls, params: TargetParams, choice: Choice) -> Finding:
    """Return what is told of a goal that nothing reaches, or of a budget that everything passes."""
    if params.portfolio_goal is None:
        value = pl.Series(hulls.values * hulls.stock[choice.vertices])
        rows = hulls.points.with_columns(kept=value).filter(pl.col("kept") > 0)
        rows = rows.sort("kept", *KEY, descending=[True, False, False])
        budget, least = money(params.portfolio_budget or 0.0), money(choice.value)
        return TOO_SMALL.finding(rows.height, keys_of(rows, KEY), budget=budget, least=least)
    lost = pl.Series(hulls.demanded * hulls.short[choice.vertices])
    kept = hulls.points.with_columns(lost=lost).filter(pl.Series(hulls.rules == kernel.FIXED))
    rows = pl.concat([kept, hulls.idle_points.with_columns(lost="demanded")]).filter(pl.col("lost") > 0)
    rows = rows.sort("lost", *KEY, descending=[True, False, False])
    goal_text, most = (f"{100.0 * share:.2f} %" for share in (params.portfolio_goal, choice.promised))
    return OUT_OF_REACH.finding(rows.height, keys_of(rows, KEY), goal=goal_text, most=most)
