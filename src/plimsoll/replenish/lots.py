"""How much to order today: the rule of each policy, then minimum order and multiples."""

import polars as pl

# Near the end of an item a lot is only worth buying if most of it will be needed.
WORTHWHILE = 0.5
_ROUNDING = 1e-9  # quantities are floats; a millionth of a thousandth of a unit is no reason to order


def up_to_multiple(quantity: pl.Expr, multiple: pl.Expr) -> pl.Expr:
    """Return the quantity rounded up to whole multiples; to whole units where the multiple is 0.

    Examples
    --------
    >>> frame = pl.DataFrame({"q": [13.0, 24.0, 2.4], "m": [12.0, 12.0, 0.0]})
    >>> frame.select(up_to_multiple(pl.col("q"), pl.col("m")))["q"].to_list()
    [24.0, 24.0, 3.0]
    """
    size = pl.when(multiple > 0).then(multiple).otherwise(1.0)
    return ((quantity / size - _ROUNDING).ceil() * size).clip(0.0)


def with_quantity(state: pl.DataFrame, *, order_owed_when_not_held: bool) -> pl.DataFrame:
    """Return the state with what each policy asks for today and what is ordered.

    With position y, reorder point s, order-up-to level S and lot Q::

        base_stock  y < S:  S − y
        s_S         y ≤ s:  S − y
        s_nQ        y ≤ s:  n Q, n the least integer with y + n Q > s
        none        y < 0 and units owed to customers:  −y

    The order is the larger of that and the minimum order, rounded up to whole multiples. Where the item
    or its supply ends, no more is asked for than the room below position_limit_qty, a lot of which less
    than half fits is not bought, and nothing is bought after the last order day; a last buy that is due
    is taken as it is.

    Parameters
    ----------
    state : positions with the columns of `policy`, planned, left_out_reason and is_too_late
    order_owed_when_not_held : whether the last rule applies at all

    Returns
    -------
    pl.DataFrame
        Further columns asked_qty and quantity (0 when nothing is ordered); wanted_qty, what would be
        ordered with the economic lot and without minimum and multiple (units).
    """
    position, reorder_point, up_to = (
        pl.col(name) for name in ("position_qty", "reorder_point_qty", "order_up_to_qty")
    )
    policy, lot, multiple = pl.col("policy"), pl.col("lot_qty"), pl.col("order_multiple")
    is_due = position <= reorder_point + _ROUNDING
    is_lot = policy.is_in(["s_S", "s_nQ"])
    lot = pl.when(lot > 0).then(lot).otherwise(up_to_multiple(pl.lit(1.0), multiple))
    lots = ((reorder_point - position) / lot + _ROUNDING).floor() + 1.0
    may_order = pl.col("planned") | (pl.col("left_out_reason").fill_null("") == "do_not_stock")
    is_owed = (pl.col("owed_to_customers_qty") > 0) & may_order & pl.lit(order_owed_when_not_held)
    asked = (
        pl.when(policy == "base_stock")
        .then(up_to - position)
        .when((policy == "s_S") & is_due)
        .then(up_to - position)
        .when((policy == "s_nQ") & is_due)
        .then(lots * lot)
        .when((policy == "none") & is_owed)
        .then(-position)
        .otherwise(0.0)
    )
    wanted = pl.when(is_lot).then(reorder_point - position + pl.col("economic_lot_qty").clip(1.0))
    room = pl.col("position_limit_qty") - position
    last = pl.col("last_buy_qty")
    ends = pl.when("is_too_late").then(0.0).when(last.is_not_null()).then(last)
    asked = ends.otherwise(pl.min_horizontal(asked, room.clip(0.0)))
    limited = up_to_multiple(pl.max_horizontal("asked_qty", "min_order_qty"), multiple)
    fits = room.is_null() | last.is_not_null() | (room >= WORTHWHILE * limited)
    return state.with_columns(asked_qty=pl.when(asked > _ROUNDING).then(asked).otherwise(0.0)).with_columns(
        pl.when((pl.col("asked_qty") > 0) & fits).then(limited).otherwise(0.0).alias("quantity"),
        up_to_multiple(wanted.otherwise(pl.col("asked_qty")), pl.lit(0.0)).alias("wanted_qty"),
    )
