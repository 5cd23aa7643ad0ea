"""What is judged: decisions on lines, and the stocking points as their plans saw them."""

import polars as pl

from plimsoll.domain.errors import InputError

KEY = ["run_id", "line_no"]
LANE = ["item_id", "to_location_id", "from_location_id"]

# One row a decided line. `as_of` is that of its plan, order_date the day proposed for doing it;
# quantity and due_date are as proposed, those with
# _set as decided (unknown: as proposed). An order acted on, or the one that the line became, is named by
# order_id and order_line where known; due_date_now is the present due date of an order acted on.
DECISION = pl.Schema(
    {
        "run_id": pl.String(),
        "line_no": pl.Int64(),
        "as_of": pl.Date(),
        "order_date": pl.Date(),
        "kind": pl.String(),
        "item_id": pl.String(),
        "to_location_id": pl.String(),
        "from_location_id": pl.String(),
        "quantity": pl.Float64(),
        "due_date": pl.Date(),
        "due_date_now": pl.Date(),
        "cost": pl.Float64(),
        "status": pl.String(),
        "quantity_set": pl.Float64(),
        "due_date_set": pl.Date(),
        "reason_code": pl.String(),
        "author": pl.String(),
        "order_id": pl.String(),
        "order_line": pl.String(),
    }
)
# One row a stocking point of a plan, with what that plan knew of it.
POINT = pl.Schema(
    {
        "run_id": pl.String(),
        "item_id": pl.String(),
        "location_id": pl.String(),
        "category": pl.String(),
        "abc": pl.String(),
        "unit_cost": pl.Float64(),
        "unit_price": pl.Float64(),
        "holding_rate": pl.Float64(),
        "shortage_cost": pl.Float64(),
        "unmet_demand": pl.String(),
        "order_cost": pl.Float64(),
        "review_days": pl.Float64(),
        "lead_days": pl.Float64(),
        "on_hand_qty": pl.Float64(),
        "backlog_qty": pl.Float64(),
        "counted_date": pl.Date(),
        "reorder_point_qty": pl.Float64(),
        "lot_qty": pl.Float64(),
        "expected_protection_qty": pl.Float64(),
        "buffer_qty": pl.Float64(),
        "target_service": pl.Float64(),
    }
)

DECIDED = ("accepted", "changed", "refused", "exported", "received")  # what counts as a decision
ORDERS = ("purchase", "transfer", "production", "transshipment")  # lines that bring something new
ON_OPEN = ("expedite", "postpone", "cancel")  # lines that act on an open order
INSIDE = ("transfer", "transshipment")  # the stock is ours before and after


def checked(frame: pl.DataFrame, schema: pl.Schema, name: str) -> pl.DataFrame:
    """Return the frame in a schema's columns and types; a column that is missing is named."""
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        what = f"The {name} lack the columns {', '.join(missing)}."
        raise InputError(what, remedy="Hand over every column; unknown values may be null.")
    return frame.select(pl.col(column).cast(dtype) for column, dtype in schema.items())


def points_of(run_id: str, tables: dict[str, pl.DataFrame], keys: pl.DataFrame) -> pl.DataFrame:
    """Return some stocking points as a plan saw them, in the schema `POINT`.

    Parameters
    ----------
    run_id : the plan
    tables : planning_point, target, policy, outlook and lead_time_estimate of that plan
    keys : item_id, location_id of the points wanted
    """
    key = ["item_id", "location_id"]
    lead = tables["lead_time_estimate"].select(
        "item_id", "from_location_id", location_id="to_location_id", lead_days="mean_days_est"
    )
    points = tables["planning_point"].join(keys.select(key).unique(), on=key, how="semi")
    joined = (
        points.select(
            *key,
            "from_location_id",
            "category",
            "shortage_cost",
            unit_cost="unit_cost_eff",
            unit_price="unit_price_eff",
            holding_rate="holding_rate_eff",
            unmet_demand="unmet_demand_eff",
            order_cost="order_cost_eff",
            review_days="review_days_eff",
        )
        .join(tables["target"].select(*key, "abc", target_service="target_service_eff"), on=key, how="left")
        .join(
            tables["policy"].select(
                *key, "reorder_point_qty", "lot_qty", "expected_protection_qty", "buffer_qty"
            ),
            on=key,
            how="left",
        )
        .join(
            tables["outlook"].select(*key, "on_hand_qty", "backlog_qty", "counted_date"), on=key, how="left"
        )
        .join(lead, on=[*key, "from_location_id"], how="left")
        .with_columns(run_id=pl.lit(run_id))
        .sort(key)
    )
    return checked(joined, POINT, "points")
