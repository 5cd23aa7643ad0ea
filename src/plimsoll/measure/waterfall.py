"""How a level comes about and how an order follows from it, as sums that come out to the last unit."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from plimsoll.domain.waterfall import LEVEL_STEPS, ORDER_STEPS, Step

KEY = ["item_id", "location_id"]
NOTHING = 1e-9  # units; a step of less is not shown
_OF_DEMAND = ("mean_lead_qty", "known_lead_qty", "known_protection_qty", "set_lead_qty", "set_protection_qty")
_NEW = ("known_lead_qty", "known_protection_qty", "set_lead_qty", "set_protection_qty")  # not in older plans


def level_waterfall(policy: pl.DataFrame, demand_estimate: pl.DataFrame) -> pl.DataFrame:
    """Return the drivers of the order-up-to level in force at every point; they add up to it.

        S = E[D_L] + E[D_R] + people's forecasts + known demand
            + buffer for demand + for lead time + for review and lot + network
            + (S sized - level sized) + (S in force - S sized) + cap

    E[D_L] and E[D_R] are demand over the lead time and until the next review without what people's
    forecasts and known demand add; the level is S of base stock, or else s. The parts of the buffer are
    those of `policy.buffer` and add up to level less expected demand by their definition.

    Parameters
    ----------
    policy : table `policy`; with the column position_limit_qty, as of `lifecycle.limit_orders`, the end of
        an item caps the level
    demand_estimate : table `demand_estimate`

    Returns
    -------
    pl.DataFrame
        KEY, a column for every code of `LEVEL_STEPS` (units), and total_qty, the level in force. Plans of
        versions that kept no such part have 0 there, and the sum comes out all the same.
    """
    read = [name for name in _OF_DEMAND if name in demand_estimate.columns]
    absent = {name: pl.lit(0.0) for name in _NEW if name not in demand_estimate.columns}
    rows = policy.join(demand_estimate.select(*KEY, *read), on=KEY, how="left", maintain_order="left")
    rows = rows.with_columns(**absent).with_columns(pl.col(_OF_DEMAND).fill_null(0.0))
    up_to, expected = pl.col("order_up_to_qty"), pl.col("expected_protection_qty")
    held = pl.col("policy") != "none"
    level = pl.when(pl.col("policy") == "base_stock").then(up_to).otherwise("reorder_point_qty")
    network, by_person = (_known(rows, name) for name in ("buffer_network_qty", "buffer_override_qty"))
    as_sized = [name for name in ("order_up_to_opt_qty",) if name in rows.columns]
    sized_up_to = pl.coalesce(*as_sized, up_to)
    known_review = pl.col("known_protection_qty") - pl.col("known_lead_qty")
    set_review = pl.col("set_protection_qty") - pl.col("set_lead_qty")
    limit = pl.col("position_limit_qty") if "position_limit_qty" in rows.columns else pl.lit(None, pl.Float64)
    cap = (limit - up_to).clip(upper_bound=0.0).fill_null(0.0)
    steps = {
        "lead_demand": pl.col("mean_lead_qty") - pl.col("known_lead_qty") - pl.col("set_lead_qty"),
        "review_demand": expected - pl.col("mean_lead_qty") - known_review - set_review,
        "set_forecast": pl.col("set_protection_qty"),
        "known_demand": pl.col("known_protection_qty"),
        "demand_variability": pl.col("buffer_demand_qty"),
        "lead_time_variability": pl.col("buffer_lead_time_qty"),
        "lot_review": pl.col("buffer_lot_review_qty"),
        "network": network,
        "lot": pl.when(held).then(sized_up_to - (level - by_person)).otherwise(0.0),
        "not_held": pl.when(held).then(0.0).otherwise(-expected),
        "override": pl.when(held).then(up_to - sized_up_to).otherwise(0.0),
        "cap": cap,
    }
    return rows.select(*KEY, **{code: steps[code] for code in LEVEL_STEPS}, total_qty=up_to + cap)


def order_waterfall(
    policy: pl.DataFrame,
    outlook: pl.DataFrame,
    recommendation: pl.DataFrame,
    pulled: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return how today's order of every point follows from its level and position; the steps add up to it.

        quantity = level - on hand - on order - moved in + owed + called
                   + whole lots, or limit, or not due + minimum + multiple + pulled forward

    Parameters
    ----------
    policy : table `policy`, with the columns of `lifecycle.limit_orders` where an item ends
    outlook : table `outlook`; positions of points that order nothing today
    recommendation : table `recommendation`
    pulled : KEY and pulled_qty, units ordered before they are needed

    Returns
    -------
    pl.DataFrame
        KEY, a column for every code of `ORDER_STEPS` (units), and total_qty, units to order today.
    """
    orders = recommendation.select(
        "item_id",
        "quantity",
        "called_qty",
        "moved_in_qty",
        location_id="to_location_id",
        today_qty="order_up_to_qty",
        shelf="on_hand_qty",
        coming="on_order_qty",
        claimed="backlog_qty",
    )
    early = outlook.select(KEY).with_columns(pulled_qty=pl.lit(0.0)) if pulled is None else pulled
    rows = (
        policy.join(outlook.select(*KEY, "on_hand_qty", "on_order_qty", "backlog_qty"), on=KEY, how="left")
        .join(orders, on=KEY, how="left")
        .join(early.select(*KEY, "pulled_qty"), on=KEY, how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("shelf", "on_hand_qty").fill_null(0.0).alias("shelf"),
            pl.coalesce("coming", "on_order_qty").fill_null(0.0).alias("coming"),
            pl.coalesce("claimed", "backlog_qty").fill_null(0.0).alias("claimed"),
            pl.col("quantity", "called_qty", "moved_in_qty", "pulled_qty").fill_null(0.0),
        )
    )
    ends = [name for name in ("position_limit_qty", "last_buy_qty") if name not in rows.columns]
    rows = rows.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in ends)
    level = pl.coalesce("today_qty", "order_up_to_qty")
    position = pl.col("shelf") + pl.col("coming") - pl.col("claimed")
    rows = rows.with_columns(need=level - position, level=level, room=pl.col("position_limit_qty") - position)
    ordered, need, quantity = pl.col("quantity") > 0, pl.col("need"), pl.col("quantity")
    last, is_lots = pl.col("last_buy_qty"), pl.col("policy") == "s_nQ"
    is_capped = last.is_not_null() | (pl.col("room") < need).fill_null(value=False)
    allowed = pl.coalesce(last, pl.col("room").clip(0.0))
    rows = rows.with_columns(
        lot=pl.when(ordered & is_lots & ~is_capped).then(quantity - need).otherwise(0.0),
        cap=pl.when(ordered & is_capped).then(allowed - need).otherwise(0.0),
    ).with_columns(asked=need + pl.col("lot") + pl.col("cap"))
    short = (pl.col("min_order_qty") - pl.col("asked")).clip(0.0, (quantity - pl.col("asked")).clip(0.0))
    rows = rows.with_columns(minimum=pl.when(ordered).then(short).otherwise(0.0))
    rest = quantity - pl.col("asked") - pl.col("minimum")
    steps = {
        "level": pl.col("order_up_to_qty"),
        "projection": pl.col("level") - pl.col("order_up_to_qty"),
        "on_hand": -pl.col("shelf"),
        "on_order": pl.col("moved_in_qty") - pl.col("coming"),
        "moved_in": -pl.col("moved_in_qty"),
        "owed": pl.col("claimed") - pl.col("called_qty"),
        "called": pl.col("called_qty"),
        "not_due": pl.when(ordered).then(0.0).otherwise(-need),
        "lot": pl.col("lot"),
        "cap": pl.col("cap"),
        "minimum": pl.col("minimum"),
        "multiple": pl.when(ordered).then(rest).otherwise(0.0),
        "pulled": pl.col("pulled_qty"),
    }
    ready = {code: steps[code] for code in ORDER_STEPS}
    return rows.select(*KEY, **ready, total_qty=quantity + pl.col("pulled_qty")).sort(KEY)


def steps_of(row: Mapping[str, Any], unit_cost: float) -> list[Step]:
    """Return a row of either waterfall as steps with words and money, without those of nothing.

    Parameters
    ----------
    row : a row of `level_waterfall` or `order_waterfall`
    unit_cost : money per unit

    Examples
    --------
    >>> row = {"lead_demand": 20.0, "review_demand": 7.0, "demand_variability": 5.0, "network": 0.0}
    >>> [(step.label, step.qty, step.value) for step in steps_of(row, 2.0)][-1]
    ('Demand varies', 5.0, 10.0)
    """
    words = LEVEL_STEPS if "lead_demand" in row else ORDER_STEPS
    return [
        Step(code, *words[code], float(row[code]), float(row[code]) * unit_cost)
        for code in words
        if abs(row.get(code) or 0.0) > NOTHING
    ]


def _known(rows: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).fill_null(0.0) if name in rows.columns else pl.lit(0.0)
