"""What a plan comes to in a few figures, and which of its actions another plan would not take."""

from collections.abc import Mapping

import polars as pl

from plimsoll.domain.tables import table

Tables = Mapping[str, pl.DataFrame]
KEY = ["item_id", "location_id"]
WEEK = 7.0
ACTION = ["kind", "item_id", "to_location_id", "from_location_id", "order_id", "order_line"]
NEW_ORDERS = ("purchase", "transfer", "production")
UNITS = {
    "stock_expected_value": "money",
    "buffer_value": "money",
    "on_hand_value": "money",
    "promised_fill": "share",
    "promised_cycle": "share",
    "cash_stranded": "money",
    "money_at_risk": "money",
    "n_short": "points",
    "n_lines": "lines",
    "orders_value": "money",
    "purchases_value": "money",
    "cash_needed": "money",
}
SAME_QTY = 1e-6


def figures(tables: Tables, case: str, cash_weeks: int) -> pl.DataFrame:
    """Return the figures of a plan as rows of table `scenario_figure`, without what they are compared with.

    | figure | unit | formula, sums over all stocking points |
    |---|---|---|
    | stock_expected_value | money | mean stock on hand that the rules lead to, at unit cost |
    | buffer_value | money | buffer units at unit cost |
    | on_hand_value | money | stock today at unit cost |
    | promised_fill | share | fill rate promised, weighted by expected demand at unit cost |
    | promised_cycle | share | cycle service promised, weighted in the same way |
    | cash_stranded | money | stock today above what the rules want, at cost |
    | money_at_risk | money | expected shortage with today's position, at price or else cost |
    | n_short | points | points below their reorder point with all that is on order |
    | n_lines, orders_value | lines, money | all that is proposed today; orders, transfers and production |
    | purchases_value | money | purchases of today |
    | cash_needed | money | purchases of the coming weeks, see `cash_needed` |

    Parameters
    ----------
    tables : planning_point, demand_estimate, policy, outlook, inventory_health, line
    case : name of the case
    cash_weeks : weeks of `cash_needed`
    """
    points = tables["planning_point"].select(*KEY, "unit_cost_eff")
    demand = tables["demand_estimate"].select(*KEY, "mean_per_day_est")
    policy = (
        tables["policy"]
        .join(points, on=KEY, how="left", maintain_order="left")
        .join(demand, on=KEY, how="left", maintain_order="left")
        .with_columns(asked=pl.col("mean_per_day_est") * pl.col("unit_cost_eff"))
    )
    health, line = tables["inventory_health"], tables["line"]
    new = line.filter(pl.col("kind").is_in(NEW_ORDERS))
    values = {
        "stock_expected_value": policy["on_hand_mean_value"].sum(),
        "buffer_value": (policy["buffer_qty"] * policy["unit_cost_eff"]).sum(),
        "on_hand_value": health["on_hand_value"].sum(),
        "promised_fill": _weighted(policy, "fill_rate_est"),
        "promised_cycle": _weighted(policy, "cycle_service_est"),
        "cash_stranded": health["cash_to_release"].sum(),
        "money_at_risk": tables["outlook"]["money_at_risk"].sum(),
        "n_short": float((health["status"] == "short").sum()),
        "n_lines": float(line.height),
        "orders_value": new["value"].sum(),
        "purchases_value": new.filter(kind="purchase")["value"].sum(),
        "cash_needed": cash_needed(tables, cash_weeks)["cash"].sum(),
    }
    return pl.DataFrame(
        {
            "case": case,
            "figure": list(values),
            "unit": [UNITS[name] for name in values],
            "value": list(values.values()),
        },
        schema_overrides={"value": pl.Float64},
    )


def _weighted(policy: pl.DataFrame, name: str) -> float | None:
    total = float(policy["asked"].sum())
    return float((policy["asked"] * policy[name]).sum()) / total if total else None


def cash_needed(tables: Tables, weeks: int) -> pl.DataFrame:
    """Return the expected purchases of every purchased point over the coming weeks, in money.

        units = today's order + (rate x days - (position + today's order - reorder point)+)+

    Orders begin when the position has fallen to the reorder point, and then follow the demand. The position
    counts what is on order already. At unit cost; orders of transfers and production are not paid.

    Parameters
    ----------
    tables : planning_point, demand_estimate, policy, outlook, recommendation
    weeks : to look ahead

    Returns
    -------
    item_id, location_id, cash
    """
    today = tables["recommendation"].select("item_id", "quantity", location_id="to_location_id")
    rows = (
        tables["planning_point"]
        .filter(pl.col("supply_kind") == "purchase", "planned")
        .join(tables["policy"].filter(pl.col("policy") != "none").select(*KEY, "reorder_point_qty"), on=KEY)
        .join(tables["demand_estimate"].select(*KEY, "mean_per_day_est"), on=KEY)
        .join(tables["outlook"].select(*KEY, "position_qty"), on=KEY)
        .join(today, on=KEY, how="left")
        .sort(KEY)
        .with_columns(pl.col("quantity").fill_null(0.0))
    )
    above = (pl.col("position_qty") + pl.col("quantity") - pl.col("reorder_point_qty")).clip(0.0)
    later = (pl.col("mean_per_day_est") * (weeks * WEEK) - above).clip(0.0)
    return rows.select(*KEY, cash=(pl.col("quantity") + later) * pl.col("unit_cost_eff"))


def differing_actions(before: pl.DataFrame, after: pl.DataFrame, case: str) -> pl.DataFrame:
    """Return the actions that two plans do not share, as table `scenario_action`, the most money first.

    An action is the same where kind, item, places and open order are; of the same, the quantity or the date
    may have changed.

    Parameters
    ----------
    before, after : table `line` of the base and of the case
    case : name of the case
    """
    columns = ["quantity", "due_date", "value", "money_at_risk", "description", "category", "unit"]
    old, new = (_numbered(each).select(*ACTION, "nth", *columns) for each in (before, after))
    both = old.join(new, on=[*ACTION, "nth"], how="full", nulls_equal=True, coalesce=True, suffix="_new")
    change = (
        pl.when(pl.col("value").is_null()).then(pl.lit("added"))
        .when(pl.col("value_new").is_null()).then(pl.lit("removed"))
        .when((pl.col("quantity") - pl.col("quantity_new")).abs() > SAME_QTY).then(pl.lit("changed"))
        .when(pl.col("due_date").ne_missing(pl.col("due_date_new"))).then(pl.lit("moved"))
    )  # fmt: skip
    rows = both.with_columns(change=change).filter(pl.col("change").is_not_null())
    told = rows.select(
        *ACTION,
        "change",
        case=pl.lit(case),
        description=pl.coalesce("description_new", "description"),
        category=pl.coalesce("category_new", "category"),
        unit=pl.coalesce("unit_new", "unit"),
        quantity_before="quantity",
        quantity="quantity_new",
        due_date_before="due_date",
        due_date="due_date_new",
        value_before="value",
        value="value_new",
        value_change=pl.col("value_new").fill_null(0.0) - pl.col("value").fill_null(0.0),
        money_at_risk=pl.coalesce("money_at_risk_new", "money_at_risk"),
    )
    ranked = told.sort(pl.col("value_change").abs(), *ACTION, descending=[True] + [False] * len(ACTION))
    return table("scenario_action").conform(ranked.with_columns(rank=pl.int_range(1, pl.len() + 1)))


def _numbered(line: pl.DataFrame) -> pl.DataFrame:
    """Return lines with a number among those of one action: a minimum may add a second one."""
    return line.sort("line_no").with_columns(nth=pl.int_range(pl.len()).over(ACTION))
