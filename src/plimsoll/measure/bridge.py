"""From the stock value of today's settings, or of an earlier plan, to that of the plan: by cause, no rest."""

import polars as pl

from plimsoll.domain.capital_result import CAUSES
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.policy import ON_HAND
from plimsoll.measure.before_after import FROM_DEMAND, FROM_POINTS, FROM_POLICY, under_rule
from plimsoll.measure.health import KEY

BUFFERS = ("demand", "lead_time", "lot_review", "network", "override")
_SMALL = 1e-9  # units: less is no change


def settings_bridge(
    points: pl.DataFrame, policy: pl.DataFrame, demand_estimate: pl.DataFrame, lead_times: pl.DataFrame
) -> pl.DataFrame:
    """Return the bridge from expected stock under today's min and max to that of the plan, by point.

    Both ends are those of `rule_inventory_value` in `before_after`. With H(s, Q) the expected stock at cost::

        lot    ½ [H(min, Q) − H(min, max − min) + H(s, Q) − H(s, max − min)]      (Shapley, two causes)
        level  H(s, Q) − H(min, max − min) − lot, in proportion to what moves the reorder point, s − min:
               lead time  μ (L − typed L) + buffer for its spread
               target     buffer for demand and review − today's safety stock
               network, override   their parts of the buffer
               demand     what is left: min covered another expected demand

    Parameters
    ----------
    points, policy, demand_estimate, lead_times : tables planning_point, policy, demand_estimate and
        lead_time_estimate of a plan

    Returns
    -------
    pl.DataFrame
        Table `stock_bridge`; only points that the plan holds and that have a min today.

    Edge cases: what the plan's own sums know beyond this rule (waits at feeding places; simulated lost
    sales) is network, or lot where no network sized the point. Without a typed lead time or safety stock
    its part is the buffer's or 0, and demand has the rest; nothing is by data.
    """
    lanes = lead_times.select(
        *KEY[:1], "from_location_id", location_id="to_location_id", lead="mean_days_est"
    )
    extra = ("reorder_point_qty", "lot_qty", *(f"buffer_{name}_qty" for name in BUFFERS))
    wide = (
        points.select(*KEY, *FROM_POINTS, "from_location_id", "lead_time_days_set", "current_safety_stock")
        .join(policy.select(*KEY, *FROM_POLICY, *extra), on=KEY)
        .join(demand_estimate.select(*KEY, *FROM_DEMAND), on=KEY)
        .join(lanes, on=[*KEY, "from_location_id"], how="left")
        .filter(
            pl.col("policy") != "none",
            pl.col("mean_protection_qty") > 0,
            pl.col("current_min").is_not_null(),
            pl.col("pmf_review").list.first() < 1.0,
        )
        .sort(KEY)
    )
    if wide.is_empty():
        return table("stock_bridge").empty()
    wide = _at_corners(wide)
    after = pl.col("on_hand_mean_value")
    by_lot = (pl.col("old_new") - pl.col("old_old") + pl.col("new_new") - pl.col("new_old")) / 2.0
    buffer = {name: pl.col(f"buffer_{name}_qty").fill_null(0.0) for name in BUFFERS}
    moved = pl.col("reorder_point_qty") - pl.col("current_min")
    longer = (pl.col("lead") - pl.col("lead_time_days_set")).fill_null(0.0)
    units = {
        "lead_time": pl.col("mean_per_day_est") * longer + buffer["lead_time"],
        "target": (buffer["demand"] + buffer["lot_review"] - pl.col("current_safety_stock")).fill_null(0.0),
        "network": buffer["network"],
        "override": buffer["override"],
    }
    level = pl.col("new_new") - pl.col("old_old") - by_lot
    wide = wide.with_columns(
        slope=pl.when(moved.abs() > _SMALL).then(level / moved).otherwise(0.0),
        beyond=after - pl.col("new_new"),  # what the plan's own sums know and the rule alone does not
        is_fed=buffer["network"] != 0,
    )
    parts = {f"by_{name}": part * pl.col("slope") for name, part in units.items()}
    parts["by_network"] += pl.when("is_fed").then("beyond").otherwise(0.0)
    parts["by_lot"] = by_lot + pl.when("is_fed").then(0.0).otherwise("beyond")
    ends = pl.col("old_old"), after
    return _finished(wide.with_columns(**parts, by_data=0.0), "settings", *ends, "demand")


def _at_corners(wide: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with H at today's and the plan's reorder point (first word) and lot (second)."""
    lows = {"old": pl.col("current_min"), "new": pl.col("reorder_point_qty")}
    lots = {"old": pl.col("current_max") - pl.col("current_min"), "new": pl.col("lot_qty")}
    uniform = {"old": pl.lit(value=False), "new": pl.col("policy") == "s_nQ"}
    value = pl.col("step_qty") * pl.col("unit_cost_eff")
    return wide.with_columns(
        pl.Series(f"{low}_{lot}", under_rule(wide, lows[low], lots[lot], uniform[lot])[:, ON_HAND]) * value
        for low in lows
        for lot in lots
    )


def plans_bridge(
    before: dict[str, pl.DataFrame], plan: dict[str, pl.DataFrame], by_target: pl.DataFrame
) -> pl.DataFrame:
    """Return the bridge from the expected stock of an earlier plan to that of this one, by point.

    Expected stock is the buffer, by its causes, and the rest: what a lot leaves on the shelf on average.
    Its change u c − u₀ c₀ is (c + c₀)/2 of the change in units, part by part, and (u + u₀)/2 of the change
    of cost, which is data (a product's change by Shapley's average). What another target does is taken out
    of the parts first.

    Parameters
    ----------
    before, plan : tables planning_point and policy of the two plans
    by_target : KEY, and what the new target changed in units: target_stock, target_demand and
        target_lead_time; may be empty

    Returns
    -------
    pl.DataFrame
        Table `stock_bridge`. A point that one plan does not have or hold is data, the whole of it.

    Edge cases: what another target does is that of the point alone; what it does to a network sized together
    beyond that stays with the other parts.
    """
    sides = [_side(tables["planning_point"], tables["policy"]) for tables in (before, plan)]
    both = sides[1].join(sides[0], on=KEY, how="full", suffix="_0", coalesce=True)
    both = both.join(by_target, on=KEY, how="left").sort(KEY)
    numbers = [name for name, dtype in both.schema.items() if dtype == pl.Float64]
    both = both.with_columns(pl.col(numbers).fill_null(0.0), pl.col("held", "held_0").fill_null(value=False))
    cost = (pl.col("cost") + pl.col("cost_0")) / 2.0

    def change(name: str) -> pl.Expr:
        return pl.col(name) - pl.col(f"{name}_0")

    target = {name: pl.col(f"target_{name}") for name in ("stock", "demand", "lead_time")}
    lot = change("lot_review") + change("cycle")
    by_target_lot = target["stock"] - target["demand"] - target["lead_time"]
    units = {
        "demand": change("demand") - target["demand"],
        "lead_time": change("lead_time") - target["lead_time"],
        "lot": lot - by_target_lot,
        "target": target["stock"],
        "network": change("network"),
        "override": change("override"),
    }
    is_both = pl.col("held") & pl.col("held_0")
    parts = {f"by_{name}": pl.when(is_both).then(part * cost).otherwise(0.0) for name, part in units.items()}
    ends = pl.col("stock_0") * pl.col("cost_0"), pl.col("stock") * pl.col("cost")
    return _finished(both.with_columns(**parts), "plans", *ends, "data")


def _side(points: pl.DataFrame, policy: pl.DataFrame) -> pl.DataFrame:
    """Return the expected stock of a plan with its parts."""
    known = [name for name in BUFFERS if f"buffer_{name}_qty" in policy.columns]
    parts = {
        name: pl.col(f"buffer_{name}_qty").fill_null(0.0) if name in known else pl.lit(0.0)
        for name in BUFFERS
    }
    return (
        policy.select(*KEY, held=pl.col("policy") != "none", stock="on_hand_mean_qty", **parts)
        .with_columns(cycle=pl.col("stock") - pl.sum_horizontal(BUFFERS))
        .join(points.select(*KEY, cost="unit_cost_eff"), on=KEY)
    )


def _finished(frame: pl.DataFrame, basis: str, before: pl.Expr, after: pl.Expr, rest: str) -> pl.DataFrame:
    """Return table `stock_bridge`; the cause `rest` gets what the other six leave."""
    others = [f"by_{name}" for name in CAUSES if name != rest]
    ends = frame.with_columns(basis=pl.lit(basis), from_value=before, to_value=after)
    left = pl.col("to_value") - pl.col("from_value") - pl.sum_horizontal(others)
    declared = table("stock_bridge")
    return declared.conform(ends.with_columns(left.alias(f"by_{rest}")).select(declared.names))
