"""The lot of every point and the kind of policy that follows from it."""

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.policy.params import PolicyParams

_ROUNDING = 1e-9  # quotients of floats that should be whole numbers


def with_lots(points: pl.DataFrame, params: PolicyParams) -> pl.DataFrame:
    """Return the points with lot and kind of policy.

        economic lot = min( sqrt(2 K D / h), longest lot )        (Harris 1913)

        base_stock   no multiple, no minimum, economic lot <= one review's demand (or one lattice step)
        s_S          no multiple: the larger of economic lot (nearest step) and minimum (step above);
                     an order is never less than S - s
        s_nQ         the larger of both, rounded up to the multiple

    Parameters
    ----------
    points : frame with mean_per_day_est [D / year], order_cost_eff [K], holding_rate_eff and
        unit_cost_eff [h, their product], min_order_qty_eff, order_multiple_eff, review_days_eff, step_qty
    params : longest lot

    Returns
    -------
    pl.DataFrame
        Further columns unit_qty, economic_lot_qty, lot_qty (units), lot_steps, policy, lot_reason and
        is_off_lattice.

    Conventions
    -----------
    A lot set by a person (lot_qty_set) takes the place of the economic lot, longer than the longest or not.
    A multiple or minimum of one unit is no limit; the unit is 1, or the lattice step where that is less.
    Without a holding cost the economic lot is the longest lot; without an order cost it is one unit.

    Examples
    --------
    >>> point = pl.DataFrame({"mean_per_day_est": [10.0], "order_cost_eff": [50.0], "unit_cost_eff": [4.0],
    ...     "holding_rate_eff": [0.2], "min_order_qty_eff": [0.0], "order_multiple_eff": [48.0],
    ...     "review_days_eff": [7.0], "step_qty": [1.0]})
    >>> with_lots(point, PolicyParams()).select("economic_lot_qty", "lot_qty", "policy").row(0)
    (675.69..., 720.0, 's_nQ')
    """
    chosen = pl.col("lot_qty_set") if "lot_qty_set" in points.columns else pl.lit(None, dtype=pl.Float64)
    step, mean = pl.col("step_qty"), pl.col("mean_per_day_est")
    minimum, multiple = pl.col("min_order_qty_eff"), pl.col("order_multiple_eff")
    holding = pl.col("holding_rate_eff") * pl.col("unit_cost_eff")
    fixed = 2.0 * pl.col("order_cost_eff") * mean * DAYS_PER_YEAR
    longest, economic, unit = (pl.col(name) for name in ("longest_qty", "economic_lot_qty", "unit_qty"))
    square = pl.when(fixed == 0).then(0.0).when(holding > 0).then(fixed / holding).otherwise(float("inf"))
    sized = points.with_columns(
        unit_qty=pl.min_horizontal(step, pl.lit(1.0)),
        longest_qty=mean * params.max_lot_days,
        raw_qty=square.sqrt(),
    ).with_columns(economic_lot_qty=pl.min_horizontal("raw_qty", "longest_qty"))
    one_review = pl.max_horizontal(mean * pl.col("review_days_eff"), step)
    is_multiple = multiple > unit * (1 + _ROUNDING)
    is_set, base_lot = chosen.is_not_null(), pl.when(chosen.is_null()).then(one_review).otherwise(step)
    asked = pl.coalesce(chosen, economic)
    is_base = ~is_multiple & (minimum <= step) & (asked <= base_lot)
    wanted = pl.max_horizontal(asked, minimum)
    whole_steps = pl.max_horizontal((asked / step).round(), _above(minimum, step), pl.lit(1.0)) * step
    policy = pl.when(is_base).then(pl.lit("base_stock")).when(is_multiple).then(pl.lit("s_nQ"))
    lot = pl.when(is_base).then(unit).when(is_multiple).then(_above(wanted, multiple).clip(1.0) * multiple)
    reason = (
        pl.when(is_set).then(pl.lit("lot_set"))
        .when(is_base).then(pl.lit("every_review"))
        .when((minimum > longest) & (minimum >= multiple)).then(pl.lit("moq_above_year"))
        .when(is_multiple & (multiple > longest)).then(pl.lit("multiple_above_year"))
        .when(is_multiple).then(pl.lit("order_multiple"))
        .when(minimum > economic).then(pl.lit("minimum_order"))
        .when(pl.col("raw_qty") > longest).then(pl.lit("lot_capped"))
        .otherwise(pl.lit("economic_lot"))
    )  # fmt: skip
    lot_steps = pl.when(is_base).then(1.0).otherwise((pl.col("lot_qty") / step).round().clip(1.0))
    off = ~is_base & ((lot_steps * step - pl.col("lot_qty")).abs() > _ROUNDING * pl.col("lot_qty"))
    return (
        sized.with_columns(
            policy=policy.otherwise(pl.lit("s_S")), lot_qty=lot.otherwise(whole_steps), lot_reason=reason
        )
        .with_columns(lot_steps=lot_steps.cast(pl.Int64), is_off_lattice=off)
        .drop("longest_qty", "raw_qty")
    )


def _above(quantity: pl.Expr, size: pl.Expr) -> pl.Expr:
    return (quantity / size - _ROUNDING).ceil()
