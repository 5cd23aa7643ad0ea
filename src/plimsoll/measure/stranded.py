"""The capital of a stocking point in one row: what is stranded, what becomes of it, what it costs."""

import polars as pl

from plimsoll.domain.capital_result import BLEED, STAYS
from plimsoll.domain.tables import table
from plimsoll.measure.capital_params import CapitalParams
from plimsoll.measure.health import KEY
from plimsoll.measure.provision import bucket, provision


def stranded(
    health: pl.DataFrame,
    points: pl.DataFrame,
    policy: pl.DataFrame,
    outlook: pl.DataFrame,
    order_changes: pl.DataFrame,
    aged: pl.DataFrame,
    exposed: pl.DataFrame,
    params: CapitalParams,
) -> pl.DataFrame:
    """Return the capital of every stocking point.

    On order above the level, min(on order, max(position − S, 0)) with S = 0 where nothing is held, is what
    must not be bought; of it the plan proposes to cancel or postpone the orders of `order_change`.

    Parameters
    ----------
    health, points, policy, outlook, order_changes : tables inventory_health, planning_point, policy, outlook
        and order_change of a plan
    aged : routes with their age, as of `provision.with_age`
    exposed : points whose demand or lead time is volatile, as of `kpi_ledger.volatile`
    params : buckets and shares

    Returns
    -------
    pl.DataFrame
        Table `stranded`, one row a point of `inventory_health`.
    """
    off = (
        order_changes.filter(pl.col("kind").is_in(["cancel", "postpone"]))
        .group_by("item_id", location_id="to_location_id")
        .agg(called_off_value=pl.col("value").sum())
    )
    level = policy.select(
        *KEY,
        level=pl.when(pl.col("policy") == "none").then(0.0).otherwise(pl.col("order_up_to_qty").clip(0.0)),
    )
    itself = pl.when(pl.col("why") == "demand_suffices").then(pl.lit(BLEED)).otherwise(pl.lit(STAYS))
    routes = aged.with_columns(
        route=pl.coalesce("action", itself), provision_value=provision("extra_qty", params)
    ).drop("cost", "brings", "action")
    wide = (
        health.select(*KEY, "on_hand_value", "carrying_cost_per_year", stranded_value="cash_to_release")
        .join(points.select(*KEY, cost="unit_cost_eff"), on=KEY, how="left")
        .join(level, on=KEY, how="left")
        .join(outlook.select(*KEY, "on_order_qty", "position_qty"), on=KEY, how="left")
        .join(off, on=KEY, how="left")
        .join(routes, on=KEY, how="left")
        .join(exposed.with_columns(exposed=pl.lit(value=True)), on=KEY, how="left")
        .with_columns(
            pl.col("route", "why").fill_null("none"),
            pl.col("exposed").fill_null(value=False),
            pl.col("level", "on_order_qty", "position_qty", "called_off_value").fill_null(0.0),
            pl.col("extra_qty", "rate", "action_qty", "provision_value", "cost").fill_null(0.0),
        )
    )
    over = pl.min_horizontal("on_order_qty", (pl.col("position_qty") - pl.col("level")).clip(0.0))
    declared = table("stranded")
    return declared.conform(
        wide.with_columns(
            stranded_qty="extra_qty",
            rate_per_day="rate",
            days_to_clear=pl.when(pl.col("rate") > 0).then(pl.col("extra_qty") / pl.col("rate")),
            age_bucket=bucket(pl.col("age_months"), params.age_months),
            at_risk_value=pl.when("exposed").then("on_hand_value").otherwise(0.0),
            over_order_qty=over,
            over_order_value=over * pl.col("cost"),
        ).select(declared.names)
    )
