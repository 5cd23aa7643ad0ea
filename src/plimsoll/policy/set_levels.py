"""Levels that people set: what they mean for the lot, and how their service is asked for."""

import polars as pl

from plimsoll.maths.kernels import policy as kernel

SET = ("reorder_point_set", "order_up_to_set", "lot_qty_set")
_CLOSE = 1e-9  # quotients of floats that should be whole numbers
PARTS = (
    "buffer_demand_qty", "buffer_lead_time_qty", "buffer_lot_review_qty", "buffer_network_qty",
    "classic_safety_stock_qty", "classic_reorder_point_qty",
)  # fmt: skip


def with_set_columns(points: pl.DataFrame) -> pl.DataFrame:
    """Return the points with the columns of `SET`, null where they are absent."""
    absent = [name for name in SET if name not in points.columns]
    return points.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in absent)


def has_level() -> pl.Expr:
    """Return whether a person set the reorder point or the order-up-to level."""
    return pl.col("reorder_point_set").is_not_null() | pl.col("order_up_to_set").is_not_null()


def at_set_levels(sized: pl.DataFrame) -> pl.DataFrame:
    """Return sized points, all with a level set, as the kernels read them to tell its service.

    With s and S the levels set, Q the lot and u its unit as sized:

    | set | in force |
    |---|---|
    | s | s and s + Q, of base stock s + u |
    | S | S - Q and S, of base stock S - u |
    | both | s and S, whatever the lot was; with a multiple S is s and the next whole multiple |

    A reorder point that is not below the order-up-to level leaves the latter without effect. Service is
    that of the whole lattice step at or below the level.
    """
    low, high = pl.col("reorder_point_set"), pl.col("order_up_to_set")
    gap, multiple = high - low, pl.col("order_multiple_eff")
    is_both = (gap > _CLOSE).fill_null(value=False)
    was_base, is_multiple = pl.col("policy") == "base_stock", pl.col("policy") == "s_nQ"
    is_base = was_base & ~(is_both & (gap > pl.col("unit_qty") * (1 + _CLOSE)))
    whole = (gap / multiple - _CLOSE).ceil().clip(1.0) * multiple
    kept = pl.when(is_base).then("unit_qty").when(~is_both).then("lot_qty")
    lot = kept.when(is_multiple).then(whole).otherwise(gap)
    kind = pl.when(is_base).then(pl.lit("base_stock")).when(is_multiple).then("policy")
    marked = sized.with_columns(policy=kind.otherwise(pl.lit("s_S")), lot_qty=lot).with_columns(
        asked_qty=pl.coalesce(low, high - pl.col("lot_qty"))
    )
    of_base = pl.col("policy") == "base_stock"
    level = pl.when(of_base).then(pl.col("asked_qty") + pl.col("lot_qty")).otherwise("asked_qty")
    steps = level / pl.col("step_qty")
    return marked.with_columns(
        kind=pl.lit(kernel.GIVEN, dtype=pl.Int64),
        target=(steps + _CLOSE).floor() - of_base.cast(pl.Float64),
        lot_steps=pl.when(of_base)
        .then(1.0)
        .otherwise((pl.col("lot_qty") / pl.col("step_qty")).round().clip(1.0))
        .cast(pl.Int64),
        is_uniform=pl.col("policy") == "s_nQ",
        is_level_off=(steps - steps.round()).abs() > _CLOSE,
        lot_reason=pl.lit("level_set"),
    )


def in_force(evaluated: pl.DataFrame, sized: pl.DataFrame) -> pl.DataFrame:
    """Return the points with the levels set, their service, and what they add to the buffer as sized.

        buffer = level in force - expected demand = buffer as sized + buffer_override_qty

    Parameters
    ----------
    evaluated : from `at_set_levels`, with the service there
    sized : the same points as sized for their target, in the same order
    """
    up_to = pl.col("asked_qty") + pl.col("lot_qty")
    told = evaluated.with_columns(
        reorder_point_qty="asked_qty",
        order_up_to_qty=up_to,
        level_qty=pl.when(pl.col("policy") == "base_stock").then(up_to).otherwise("asked_qty"),
        policy_reason=pl.lit("level_set"),
        **{name: sized[name] for name in (*PARTS, "reorder_point_opt_qty", "order_up_to_opt_qty")},
    ).with_columns(buffer_qty=pl.col("level_qty") - pl.col("expected_protection_qty"))
    return told.with_columns(buffer_override_qty=pl.col("buffer_qty") - sized["buffer_qty"])
