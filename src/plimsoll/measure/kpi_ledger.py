"""The ledger that all key figures are drawn from: additive sums by period and stocking point."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR, EVERY, Bucket
from plimsoll.domain.kpis import ACTUAL
from plimsoll.domain.tables import table
from plimsoll.measure.health import KEY
from plimsoll.measure.kpi_days import Days
from plimsoll.measure.kpi_params import KpiParams
from plimsoll.measure.kpi_service import SUMS, customer_lines, expedited
from plimsoll.measure.kpi_stock import stock_days, stockouts

Tables = Mapping[str, pl.DataFrame]
ROW = ["period", *KEY]
NO_CUSTOMER = "no customer named"
VOLATILE = "Z"  # the class of the most variable demand


def ledger_rows(
    facts: Tables,
    points: pl.DataFrame,
    days: Days,
    carry_days: int,
) -> pl.DataFrame:
    """Return what the records tell, one row a period and stocking point.

    Parameters
    ----------
    facts : stock, demand, receipts; availability if there is any
    points : item_id, location_id, unit_cost, unit_price (money per unit), holding_rate (share per year; may
        be left out)
    days : the days looked at
    carry_days : most days that a count of stock holds

    Returns
    -------
    pl.DataFrame
        The columns of `kpi_ledger` on stock, service, sales and expediting as far as the records tell:
        null where they do not. Points that are not in `points` are left out.
    """
    between = (days.first, days.last, days.bucket)
    held = stock_days(facts["stock"], days.first, days.known or days.last, days.bucket, carry_days)
    flags = facts.get("availability", table("availability").empty())
    watched = stockouts(facts["stock"], flags, *between, carry_days)
    served = _served(customer_lines(facts["demand"], points, days))
    rate = pl.col("holding_rate") if "holding_rate" in points.columns else pl.lit(None, dtype=pl.Float64)
    known = points.select(*KEY, "unit_cost", holding_rate=rate)
    parts = [
        held.join(known, on=KEY).select(
            *ROW,
            "stock_days",
            "stockout_days",
            stock_value_days=pl.col("unit_days") * pl.col("unit_cost"),
            carrying_cost=pl.col("unit_days") * pl.col("unit_cost") * pl.col("holding_rate") / DAYS_PER_YEAR,
        ),
        watched.join(points.select(KEY), on=KEY),
        served,
    ]
    freight = expedited(facts["receipts"], *between)
    if freight is None:
        return merged(parts)
    rows = merged([*parts, freight.join(points.select(KEY), on=KEY)])
    return rows.with_columns(pl.col("expedite_cost").fill_null(0.0))


def _served(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the lines added up by period and point; what tells of shipment is null where no line does."""
    told = ("asked_qty", "served_qty", "asked_value", "served_value", "lines", "full_lines")
    sums = lines.group_by(ROW, maintain_order=True).agg(
        *[pl.col(name).sum() for name in SUMS if name != "shipped_qty"],
        lines=pl.col("told").sum().cast(pl.Float64),
        full_lines=pl.col("full").sum().cast(pl.Float64),
    )
    is_told = pl.col("lines") > 0
    return sums.with_columns(pl.when(is_told).then(pl.col(name)).alias(name) for name in told)


def merged(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return rows of several sources as one row a period and point: sums, null where none knows."""
    return added(pl.concat(parts, how="diagonal"), ROW).sort(ROW)


def added(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return the sum of every number of a group, of what is known of it: null where nothing is.

    Examples
    --------
    >>> added(pl.DataFrame({"k": ["a", "a"], "x": [1.0, None], "y": [None, None]}), ["k"]).row(0)
    ('a', 1.0, None)
    """
    names = [name for name in rows.columns if name not in by]
    totals = (
        rows.with_columns(pl.selectors.by_dtype(pl.Null).cast(pl.Float64))
        .group_by(by, maintain_order=True)
        .agg(
            *[pl.col(name).sum() for name in names],
            *[pl.col(name).count().alias(f"n_{name}") for name in names],
        )
    )
    known = [pl.when(pl.col(f"n_{name}") > 0).then(pl.col(name)).alias(name) for name in names]
    return totals.select(*by, *known)


def order_rows(
    demand: pl.DataFrame, customers: pl.DataFrame, points: pl.DataFrame, days: Days
) -> pl.DataFrame:
    """Return customers' orders, one row an order, item, place and period: table `kpi_order`.

    Parameters
    ----------
    demand, customers : canonical tables
    points : as of `ledger_rows`
    days : the days looked at
    """
    lines = customer_lines(demand, points, days)
    back = demand.filter(pl.col("quantity") < 0, pl.col("order_id").is_not_null())
    back = back.select("order_id", "item_id", returned=pl.lit(value=True)).unique()
    segments = customers.select("customer_id", "segment").unique("customer_id", keep="first")
    rows = lines.group_by(*ROW, "order_id", "customer_id", maintain_order=True).agg(
        *[pl.col(name).sum() for name in SUMS],
        lines=pl.col("told").sum(),
        full_lines=pl.col("full").sum(),
        silent_lines=(~pl.col("told")).sum(),
    )
    return table("kpi_order").conform(
        rows.join(segments, on="customer_id", how="left")
        .join(back, on=["order_id", "item_id"], how="left")
        .with_columns(
            pl.col("returned").fill_null(value=False),
            pl.col("segment").fill_null(NO_CUSTOMER),
            source=pl.lit(ACTUAL),
        )
    )


def volatile(
    target: pl.DataFrame, points: pl.DataFrame, lead_times: pl.DataFrame, limit: float
) -> pl.DataFrame:
    """Return the points whose stock is exposed: working capital at risk is their stock at cost.

    Exposed is a point of class Z (the most variable demand), or whose lead time has a standard deviation of
    more than `limit` of its mean.

    Parameters
    ----------
    target, points, lead_times : tables target, planning_point and lead_time_estimate of a plan
    limit : share

    Returns
    -------
    pl.DataFrame
        item_id, location_id, of the points exposed.
    """
    lanes = lead_times.rename({"to_location_id": "location_id"}).select(
        *KEY, "from_location_id", late=pl.col("sd_days_est") > limit * pl.col("mean_days_est")
    )
    return (
        points.select(*KEY, "from_location_id")
        .join(lanes, on=[*KEY, "from_location_id"], how="left")
        .join(target.select(*KEY, "xyz"), on=KEY, how="left")
        .filter((pl.col("xyz") == VOLATILE).fill_null(value=False) | pl.col("late").fill_null(value=False))
        .select(KEY)
        .sort(KEY)
    )


def plan_rows(plan: Tables, period: date, params: KpiParams) -> pl.DataFrame:
    """Return what a plan says of the stock of its day, as rows of a period.

    Parameters
    ----------
    plan : planning_point, inventory_health, outlook, target, lead_time_estimate, policy, demand_estimate
    period : first day of the period that the plan is the last of
    params : when a lead time is volatile

    Returns
    -------
    pl.DataFrame
        held_value, excess_obsolete_value, at_risk_value: null where the plan knew no stock; buffer_value and
        daily_demand_value: of points held.
    """
    points = plan["planning_point"]
    exposed = volatile(plan["target"], points, plan["lead_time_estimate"], params.volatile_lead_cv)
    counted = pl.col("counted_date").is_not_null()
    stock = (
        plan["inventory_health"]
        .join(plan["outlook"].select(*KEY, "counted_date"), on=KEY, how="left")
        .join(exposed.with_columns(exposed=pl.lit(value=True)), on=KEY, how="left")
        .select(
            *KEY,
            held_value=pl.when(counted).then("on_hand_value"),
            excess_obsolete_value=pl.when(counted).then("cash_to_release"),
            at_risk_value=pl.when(counted).then(
                pl.when(pl.col("exposed").fill_null(value=False)).then("on_hand_value").otherwise(0.0)
            ),
        )
    )
    cost = pl.col("unit_cost_eff")
    buffers = (
        plan["policy"]
        .filter(pl.col("policy") != "none")
        .join(points.select(*KEY, "unit_cost_eff"), on=KEY)
        .join(plan["demand_estimate"].select(*KEY, "mean_per_day_est"), on=KEY)
        .select(
            *KEY,
            buffer_value=pl.col("buffer_qty") * cost,
            daily_demand_value=pl.col("mean_per_day_est") * cost,
        )
    )
    return stock.join(buffers, on=KEY, how="full", coalesce=True).with_columns(period=pl.lit(period))


def policy_rows(policy: pl.DataFrame, before: pl.DataFrame, period: date, share: float) -> pl.DataFrame:
    """Return the points that two plans have a rule for, and whether it has moved.

    Parameters
    ----------
    policy, before : table `policy` of the last plan of a period, and of the last one of the period before
    period : first day of the later period
    share : of the larger level, by which one of the two must move to count

    Returns
    -------
    pl.DataFrame
        period, item_id, location_id, policies (1), policy_changes (0 or 1).
    """
    levels = ("reorder_point_qty", "order_up_to_qty")
    both = policy.join(before.select(*KEY, *levels), on=KEY, suffix="_before")
    moved = [
        (pl.col(name) - pl.col(f"{name}_before")).abs()
        > share * pl.max_horizontal(pl.col(name).abs(), pl.col(f"{name}_before").abs())
        for name in levels
    ]
    return both.select(
        *KEY,
        period=pl.lit(period),
        policies=pl.lit(1.0),
        policy_changes=pl.any_horizontal(moved).cast(pl.Float64),
    )


def decision_rows(decided: pl.DataFrame, bucket: Bucket) -> pl.DataFrame:
    """Return the lines that people decided, by the period of their plan.

    Parameters
    ----------
    decided : as_of, item_id, location_id, overridden (changed or refused), one row a line
    bucket : length of a period
    """
    return decided.group_by(pl.col("as_of").dt.truncate(EVERY[bucket]).alias("period"), *KEY).agg(
        lines_decided=pl.len().cast(pl.Float64),
        lines_overridden=pl.col("overridden").sum().cast(pl.Float64),
    )


def finished(parts: Sequence[pl.DataFrame], source: str) -> pl.DataFrame:
    """Return the table `kpi_ledger` of one source from its parts."""
    return table("kpi_ledger").conform(merged(parts).with_columns(source=pl.lit(source)))
