"""What customers asked for and what was shipped in time, line by line; freight of what was expedited."""

from datetime import date

import polars as pl

from plimsoll.domain.calendar import EVERY, Bucket
from plimsoll.measure.health import KEY
from plimsoll.measure.kpi_days import Days

SUMS = ("asked_qty", "served_qty", "shipped_qty", "asked_value", "served_value", "demand_value", "cogs",
        "sales_value")  # fmt: skip


def customer_lines(demand: pl.DataFrame, points: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Return customers' order lines with what was shipped, and whether in full and in time.

    A line counts in the period of its date. It tells of shipment where a shipped date or a shipped quantity
    is on record: a date alone means all of it, a quantity without a date is not in time. A line that is not
    due yet, and not shipped in full, does not tell yet. In time means by the promised day, without one by
    the end of the week (month) that demand is counted in; on the day of the line it is never late. Issues to
    production, returns and corrections are no lines of customers.

    Parameters
    ----------
    demand : table `demand`
    points : item_id, location_id, unit_cost, unit_price (money per unit)
    days : the days looked at

    Returns
    -------
    pl.DataFrame
        period, item_id, location_id, order_id, customer_id; told, full (in full and in time);
        asked_qty, served_qty (in time), shipped_qty, asked_value and served_value (at the point's price):
        of lines that tell, else 0; demand_value; cogs, sales_value: of units shipped, or asked for where the
        line does not tell. Points that are not in `points` are left out.
    """
    until = pl.col("date").dt.truncate(EVERY[days.grace]).dt.offset_by(EVERY[days.grace])
    due = pl.max_horizontal(pl.coalesce("promised_date", until.dt.offset_by("-1d")), "date")
    on_record = pl.col("shipped_quantity").is_not_null() | pl.col("shipped_date").is_not_null()
    in_time = (pl.col("shipped_date") <= due).fill_null(value=False)
    full = in_time & (pl.col("shipped") >= pl.col("quantity"))
    shipped = pl.col("shipped_quantity").fill_null(pl.col("quantity")).clip(0.0)
    cost, price = pl.col("cost"), pl.col("price")
    is_issue = pl.col("kind").fill_null("sale") == "issue"
    return (
        demand.filter(pl.col("date").is_between(days.first, days.last), ~is_issue, pl.col("quantity") > 0)
        .join(points.select(*KEY, cost="unit_cost", price="unit_price"), on=KEY)
        .with_columns(shipped=shipped, on_record=on_record)
        .with_columns(told=on_record & (full | (due <= (days.known or days.last))))
        .with_columns(
            asked_qty=pl.when("told").then("quantity").otherwise(0.0),
            served_qty=pl.when(pl.col("told") & in_time)
            .then(pl.min_horizontal("shipped", "quantity"))
            .otherwise(0.0),
            shipped_qty=pl.when("told").then("shipped").otherwise(0.0),
            sold=pl.when("on_record").then("shipped").otherwise("quantity"),
        )
        .select(
            *KEY, "order_id", "customer_id", "told", "asked_qty", "served_qty", "shipped_qty",
            period=pl.col("date").dt.truncate(EVERY[days.bucket]),
            full=pl.col("told") & full,
            asked_value=pl.col("asked_qty") * price,
            served_value=pl.col("served_qty") * price,
            demand_value=pl.col("quantity") * price,
            cogs=pl.col("sold") * cost,
            sales_value=pl.col("sold") * pl.coalesce("unit_price", price),
        )
        .sort("period", *KEY, "order_id", "customer_id", "demand_value", "served_value", "sales_value")
    )  # fmt: skip


def expedited(receipts: pl.DataFrame, first: date, last: date, bucket: Bucket) -> pl.DataFrame | None:
    """Return the freight of expedited receipts by point and period, None where the records do not tell.

    They tell if some receipt says whether it was expedited and, of those that were, some has its freight.

    Parameters
    ----------
    receipts : table `receipts`
    first, last : days looked at, both counted
    bucket : length of a period

    Returns
    -------
    pl.DataFrame
        period (of the receipt), item_id, location_id, expedite_cost.
    """
    hurried = receipts.filter(pl.col("expedited").fill_null(value=False))
    is_told = receipts["expedited"].is_not_null().any()
    if not is_told or (hurried.height and not hurried["freight_cost"].is_not_null().any()):
        return None
    return (
        hurried.filter(pl.col("received_date").is_between(first, last))
        .sort("received_date", "freight_cost")
        .group_by(
            pl.col("received_date").dt.truncate(EVERY[bucket]).alias("period"),
            "item_id",
            pl.col("to_location_id").alias("location_id"),
            maintain_order=True,
        )
        .agg(expedite_cost=pl.col("freight_cost").sum())
        .sort("period", *KEY)
    )
