"""The health of every stocking point: what its stock is for, and what could be turned into cash."""

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.measure.params import MeasureParams

KEY = ["item_id", "location_id"]
STATUSES = ("short", "dead", "slow", "excess", "healthy")  # of equal parts the worse one gives its name

UNASKED = "no_demand_seen"  # the reason of a policy not to hold what nobody asked for


def inventory_health(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    policy: pl.DataFrame,
    outlook: pl.DataFrame,
    params: MeasureParams,
) -> pl.DataFrame:
    """Split the stock of every point into healthy, excess, slow and dead, in units' cost.

    With on hand x, units owed b (backlog and allocated), order-up-to level S (0 where the policy is
    not to hold), expected demand rate μ per day, slow limit T days, position y and reorder point s::

        healthy = min(x, S + b)                     what the policy would ever want
        extra   = x − healthy
        dead    = extra if 365.25 μ < dead_units_per_year or nobody asked for it in a year, else 0
        slow    = max(x − max(healthy, b + μ T), 0) if not dead     will not have left by T
        excess  = extra − slow if not dead                          will have left by T
        short   = max(s − y, 0)                     missing with all that is on order counted

    cash to release = excess + slow + dead, carrying cost = holding rate × cash to release, exposure =
    the outlook's expected shortage over the protection interval. The status is the largest of the
    five quantities; a point with none of them is empty.

    Parameters
    ----------
    points : planning_point
    demand_estimate, policy, outlook : one row a planned point; points without one are read as not held,
        without demand and without stock
    params : limits of slow and dead

    Returns
    -------
    pl.DataFrame
        `inventory_health`. Values are units × cost in force; a cost of 0 gives values of 0.
    """
    joined = (
        points.select(*KEY, "unit_cost_eff", "holding_rate_eff")
        .join(demand_estimate.select(*KEY, "mean_per_day_est"), on=KEY, how="left")
        .join(
            policy.select(*KEY, "policy", "policy_reason", "reorder_point_qty", "order_up_to_qty"),
            on=KEY,
            how="left",
        )
        .join(outlook, on=KEY, how="left")
        .with_columns(
            pl.col("mean_per_day_est", "reorder_point_qty", "order_up_to_qty", "on_hand_qty").fill_null(0.0),
            pl.col("backlog_qty", "position_qty", "money_at_risk").fill_null(0.0),
            (pl.col("policy").fill_null("none") != "none").alias("held"),
        )
    )
    parts = _parts(joined, params).with_columns(
        (pl.col(f"{part}_qty") * pl.col("unit_cost_eff")).alias(f"{part}_value")
        for part in ("on_hand", *STATUSES)
    )
    release = pl.col("excess_value") + pl.col("slow_value") + pl.col("dead_value")
    finished = parts.with_columns(
        _status().alias("status"),
        release.alias("cash_to_release"),
        (release * pl.col("holding_rate_eff")).alias("carrying_cost_per_year"),
        pl.col("money_at_risk").alias("exposure_value"),
    )
    declared = table("inventory_health")
    return declared.conform(finished.select(declared.names))


def _parts(joined: pl.DataFrame, params: MeasureParams) -> pl.DataFrame:
    """Return the frame with the five quantities."""
    on_hand, owed, rate = pl.col("on_hand_qty"), pl.col("backlog_qty"), pl.col("mean_per_day_est")
    level = pl.when("held").then(pl.col("order_up_to_qty").clip(0.0)).otherwise(0.0)
    reorder_point = pl.when("held").then("reorder_point_qty").otherwise(0.0)
    unasked = (pl.col("policy_reason") == UNASKED).fill_null(value=False)
    is_dead = unasked | (rate * DAYS_PER_YEAR < params.dead_units_per_year)
    healthy = pl.col("healthy_qty")
    extra = on_hand - healthy
    late = (on_hand - pl.max_horizontal(healthy, owed + rate * params.slow_days)).clip(0.0)
    return (
        joined.with_columns(
            pl.min_horizontal(on_hand, level + owed).alias("healthy_qty"),
            (reorder_point - pl.col("position_qty")).clip(0.0).alias("short_qty"),
        )
        .with_columns(
            pl.when(is_dead).then(extra).otherwise(0.0).alias("dead_qty"),
            pl.when(is_dead).then(0.0).otherwise(late).alias("slow_qty"),
        )
        .with_columns((extra - pl.col("dead_qty") - pl.col("slow_qty")).clip(0.0).alias("excess_qty"))
    )


def _status() -> pl.Expr:
    """Return the name of the largest quantity, or `empty`."""
    largest = pl.max_horizontal(f"{part}_qty" for part in STATUSES)
    names = [pl.when(pl.col(f"{part}_qty") == largest).then(pl.lit(part)) for part in STATUSES]
    return pl.when(largest <= 0).then(pl.lit("empty")).otherwise(pl.coalesce(names))
