"""Which order a decision became, and when the order arrives on either road."""

from datetime import date, timedelta

import polars as pl

from plimsoll.learning.decisions import LANE, ON_OPEN
from plimsoll.learning.params import LearningParams

ORDER = ["order_id", "line", *LANE]


def orders_known(receipts: pl.DataFrame, open_orders: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Return every order known on a day, and when it came.

    Parameters
    ----------
    receipts, open_orders : canonical tables; what happened after `as_of` is not read
    as_of : day of knowledge

    Returns
    -------
    pl.DataFrame
        order_no (0, 1, ...), the columns of `ORDER`, ordered_date, quantity, and arrived: the day by which
        half of its units had come, null where they have not.
    """
    came = receipts.filter(pl.col("received_date") <= as_of).select(
        *_order(), "ordered_date", "quantity", "received_date"
    )
    waiting = open_orders.filter(pl.col("ordered_date") <= as_of).select(
        *_order(), "ordered_date", "quantity", received_date=pl.lit(None, dtype=pl.Date)
    )
    half = pl.col("quantity").sum() / 2
    return (
        pl.concat([came, waiting])
        .sort(*ORDER, "received_date", nulls_last=True)
        .group_by(ORDER, maintain_order=True)
        .agg(
            pl.col("ordered_date").min(),
            pl.col("quantity").sum(),
            arrived=pl.col("received_date").filter(pl.col("quantity").cum_sum() >= half).first(),
        )
        .with_row_index("order_no")
    )


def _order() -> list[pl.Expr]:
    """Return the columns of `ORDER`, empty where not known."""
    return [pl.col(name).fill_null("") for name in ORDER]


def own_orders(decisions: pl.DataFrame, orders: pl.DataFrame, params: LearningParams) -> pl.DataFrame:
    """Return row, order_no of the order that each decision acts on or became.

    An order that the decision names is it. Else it is an order placed on the same lane in the `match_days`
    after the day proposed: the nearest in time, then in quantity; no order counts for two decisions, and
    a line that was refused became none.

    Parameters
    ----------
    decisions : row, the columns of `DECISION`, decided_qty, and placed (day proposed for doing it)
    orders : as of `orders_known`
    params : match_days
    """
    lane = ["item_id", "to_location_id"]
    named = (
        decisions.filter(pl.col("order_id").is_not_null())
        .join(orders, on=["order_id", *lane], how="inner", suffix="_known")
        .filter(pl.col("order_line").is_null() | (pl.col("order_line") == pl.col("line")))
        .sort("row", "order_no")
        .unique("row", keep="first", maintain_order=True)
        .select("row", "order_no")
    )
    gap = (pl.col("ordered_date") - pl.col("placed")).dt.total_days()
    free = (
        decisions.filter(~pl.col("kind").is_in(ON_OPEN), pl.col("decided_qty") > 0)
        .join(named, on="row", how="anti")
        .with_columns(pl.col("from_location_id").fill_null(""))
        .join(orders.join(named, on="order_no", how="anti"), on=LANE, how="inner", suffix="_known")
        .filter(gap.is_between(0, params.match_days))
        .select("row", "order_no", gap=gap, off=(pl.col("quantity_known") - pl.col("decided_qty")).abs())
        .sort("gap", "off", "row", "order_no")
    )
    found = [named]
    while free.height:  # each round settles every pair that is the best of both: an order goes to the nearest
        best = pl.int_range(pl.len())
        pairs = free.filter((best.over("row") == 0) & (best.over("order_no") == 0)).select("row", "order_no")
        found.append(pairs)
        free = free.join(pairs, on="row", how="anti").join(pairs, on="order_no", how="anti")
        free = free.sort("gap", "off", "row", "order_no")
    return pl.concat(found).sort("row")


def lead_days_near(
    decisions: pl.DataFrame, receipts: pl.DataFrame, params: LearningParams, *, as_of: date
) -> pl.DataFrame:
    """Return row, near_days: the lead time of the order on the same lane placed nearest to the day proposed.

    Rushed orders do not count, nor those placed more than `lane_days` before or after.
    """
    days = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days()
    timed = (
        receipts.filter(pl.col("received_date") <= as_of, ~pl.col("expedited").fill_null(value=False))
        .select(*LANE, placed="ordered_date", near_days=days)
        .drop_nulls()
        .filter(pl.col("near_days") >= 0)
        .group_by(*LANE, "placed")
        .agg(pl.col("near_days").mean().round().cast(pl.Int64))
        .sort("placed", *LANE)
    )
    return (
        decisions.select("row", *LANE, asked="placed")
        .sort("asked", "row")
        .join_asof(
            timed,
            left_on="asked",
            right_on="placed",
            by=LANE,
            strategy="nearest",
            tolerance=timedelta(days=params.lane_days),
            check_sortedness=False,
        )
        .select("row", "near_days")
        .sort("row")
    )


def with_arrivals(
    decisions: pl.DataFrame, orders: pl.DataFrame, near: pl.DataFrame, owned: pl.DataFrame
) -> pl.DataFrame:
    """Return the decisions with the day on which the order arrives on either road.

    The lead time is the same draw on both: that of the order itself where it came, else that of the order
    on the lane placed nearest, else what the plan expected. A date that was changed moves the arrival on the
    decided road by as much against the proposed one.

    Returns
    -------
    pl.DataFrame
        The decisions with order_no, arrives_decided, arrives_proposed, arrival_source (own, lane or
        expected) and is_waiting: its order is known and has not come.
    """
    on_open = pl.col("kind").is_in(ON_OPEN)
    asked = pl.col("due_date")  # as proposed
    # The date that the decision stands for: of an order left alone its present one.
    stands = (
        pl.when(on_open & (pl.col("status") == "refused"))
        .then(pl.col("due_date_now"))
        .otherwise(pl.coalesce("due_date_set", "due_date"))
    )
    shift = (stands - asked).dt.total_days().fill_null(0)
    dropped = (pl.col("kind") == "cancel") & (pl.col("status") != "refused")
    near_arrival = pl.col("placed") + pl.duration(days=pl.col("near_days"))
    # Of an order acted on, `arrived` is on the decided road; so is that of an order placed.
    expected = pl.coalesce("due_date", "due_date_now", "as_of")
    proposed = (
        pl.when(pl.col("arrived").is_not_null())
        .then(pl.col("arrived") - pl.duration(days=shift))
        .when(pl.col("near_days").is_not_null() & ~on_open)
        .then(near_arrival)
        .otherwise(expected)
    )
    source = (
        pl.when(pl.col("arrived").is_not_null())
        .then(pl.lit("own"))
        .when(pl.col("near_days").is_not_null() & ~on_open)
        .then(pl.lit("lane"))
        .otherwise(pl.lit("expected"))
    )
    tomorrow = pl.col("as_of") + pl.duration(days=1)
    return (
        decisions.join(owned, on="row", how="left", maintain_order="left")
        .join(orders.select("order_no", "arrived"), on="order_no", how="left", maintain_order="left")
        .join(near, on="row", how="left", maintain_order="left")
        .with_columns(
            is_waiting=pl.col("order_no").is_not_null() & pl.col("arrived").is_null() & ~dropped,
            arrives_proposed=proposed,
            arrives_decided=proposed + pl.duration(days=shift),
            arrival_source=source,
        )
        .with_columns(
            pl.max_horizontal("arrives_proposed", "arrives_decided", tomorrow).alias("last_arrival")
        )
        .with_columns(
            pl.max_horizontal("arrives_proposed", tomorrow), pl.max_horizontal("arrives_decided", tomorrow)
        )
        .drop("near_days", "arrived")
    )
