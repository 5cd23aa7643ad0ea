"""One rule run through the world, from moment to moment: what it knew, what it ordered, what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.demand.panel import KEY
from plimsoll.domain.rules import LEVELS, Moment, Rule
from plimsoll.maths.kernels import replay as kernel
from plimsoll.maths.ragged import Floats
from plimsoll.replay.rules import refusals
from plimsoll.replay.world import World

KINDS = {
    "none": kernel.NONE,
    "base_stock": kernel.BASE_STOCK,
    "s_S": kernel.S_S,
    "s_nQ": kernel.S_NQ,
    "given": kernel.GIVEN,
}
Ask = Callable[[date, pl.DataFrame], Moment]


@dataclass(frozen=True, slots=True)
class RuleRun:
    """What a rule came to.

    `ledger`: of all points of the world, column 0 the first day; `opening`: (n,) stock after the first day;
    `cycle_service`, `fill_rate`: (n,) promises in force, averaged over the counted periods, NaN without any;
    `refused`: points whose answer could not be used, with the reason.
    """

    rule: str
    ledger: kernel.Ledger
    opening: Floats
    cycle_service: Floats
    fill_rate: Floats
    refused: pl.DataFrame


def run_rule(world: World, rule: Rule, ask: Ask) -> RuleRun:
    """Run a rule over the replayed periods.

    At each moment the period is served first; then the rule is asked, told the state at its end, and
    the review of that period already follows its answer. Between moments the last answer stays in force.

    Parameters
    ----------
    world : what all rules meet alike
    rule : the rule
    ask : makes the moment of a day from the state of the points

    Notes
    -----
    Points without a count at the start begin with the rule's own order-up-to level on the shelf and nothing
    on order. A point whose answer cannot be used orders nothing from then on, and is named in `refused`.
    """
    n, last = len(world.demand), world.clock.periods
    ledger = kernel.open_ledger(
        world.on_hand, last + 1, last, backlog=world.backlog, arrivals=world.arrivals, is_detailed=True
    )
    worth = world.points["unit_cost_eff"].to_numpy()
    start = 1 + world.warm_up
    promises, weight, refused = np.zeros((2, n)), np.zeros((2, n)), []
    rules, levels = kernel.rules_of(kernel.NONE, *np.zeros((2, n))), pl.DataFrame(schema=LEVELS)
    opening, given, nothing = world.on_hand, np.zeros(n), np.zeros(n)
    moments = world.clock.moments
    for at, until in zip(moments, (*moments[1:], last + 1), strict=True):
        kernel.advance(
            ledger,
            rules,
            world.demand,
            world.lead,
            at,
            at + 1,
            worth=worth,
            count_from=start,
            is_left_open=True,
        )
        if rule.is_revised or not at:
            levels = _aligned(rule.levels(ask(world.clock.ends[at], state_of(world, ledger))), world)
            refused.append(refusals(levels))
            rules, given = _packed(levels, world), levels["order_now_qty"].fill_null(0.0).to_numpy()
        if not at:
            opening = _opened(ledger, levels, world)
        kernel.review(ledger, rules, world.lead, at, worth=worth, count_from=start, given=given)
        kernel.advance(ledger, rules, world.demand, world.lead, at + 1, until, worth=worth, count_from=start)
        given = nothing
        _promise(levels, promises, weight, max(until - max(at + 1, start), 0))
    mean = np.divide(promises, weight, out=np.full_like(promises, np.nan), where=weight > 0)
    first = pl.concat(refused).unique(KEY, keep="first", maintain_order=True)
    return RuleRun(rule.name, ledger, opening, mean[0], mean[1], first.sort(KEY))


def state_of(world: World, ledger: kernel.Ledger) -> pl.DataFrame:
    """Return where the points stand: item_id, location_id, on_hand, on_order, backlog (units)."""
    columns = {"on_hand": kernel.ON_HAND, "on_order": kernel.ON_ORDER, "backlog": kernel.BACKLOG}
    return world.points.select(KEY).with_columns(
        **{name: pl.Series(ledger.state[:, at].copy()) for name, at in columns.items()}
    )


def _aligned(levels: pl.DataFrame, world: World) -> pl.DataFrame:
    """Return the answer in the order of the points; a point without one, or with two, is silent."""
    once = levels.select(LEVELS.names()).unique(KEY, keep="none")
    return world.points.select(KEY).join(once, on=KEY, how="left", maintain_order="left")


def _packed(levels: pl.DataFrame, world: World) -> Floats:
    """Return the answer as rules of the kernel; what was refused orders nothing."""
    bad = refusals(levels).select(KEY).with_columns(is_bad=True)
    rows = levels.join(bad, on=KEY, how="left", maintain_order="left").with_columns(
        pl.when("is_bad").then(0.0).otherwise(pl.col("order_limit_qty").fill_null(np.inf)).alias("cap"),
        pl.when("is_bad").then(pl.lit("none")).otherwise("kind").alias("kind"),
    )
    reorder, up_to, minimum, multiple = (
        rows[name].fill_null(0.0).to_numpy()
        for name in ("reorder_point_qty", "order_up_to_qty", "min_order_qty", "order_multiple")
    )
    return kernel.rules_of(
        rows["kind"].replace_strict(KINDS, return_dtype=pl.Int64).to_numpy(),
        reorder,
        up_to,
        minimum=minimum,
        multiple=multiple,
        limit=rows["position_limit_qty"].fill_null(np.inf).to_numpy(),
        cap=rows["cap"].to_numpy(),
        every=world.every,
        is_lost=world.is_lost,
    )


def _opened(ledger: kernel.Ledger, levels: pl.DataFrame, world: World) -> Floats:
    """Put the rule's own level on the shelf where no count tells of the start; return the stock then."""
    held = levels.select(
        pl.when(pl.col("kind").is_in(["base_stock", "s_S", "s_nQ"])).then("order_up_to_qty")
    ).to_series()
    target = held.fill_null(0.0).fill_nan(0.0).clip(0.0).to_numpy()
    ledger.state[:, kernel.ON_HAND] = np.where(world.is_counted, ledger.state[:, kernel.ON_HAND], target)
    ledger.detail[kernel.D_ON_HAND, :, 0] = ledger.state[:, kernel.ON_HAND]
    return ledger.state[:, kernel.ON_HAND].copy()


def _promise(levels: pl.DataFrame, sums: Floats, weight: Floats, periods: int) -> None:
    """Add the promises in force over so many counted periods to their sums."""
    for row, name in enumerate(("cycle_service_est", "fill_rate_est")):
        promised = levels[name].fill_null(float("nan")).to_numpy()
        known = np.isfinite(promised)
        sums[row, known] += periods * promised[known]
        weight[row, known] += periods
