"""The inventory position of every point: what is there, what is coming, what is owed."""

from datetime import date

import polars as pl

from plimsoll.domain.findings import Finding, keys_of, numbered

KEY = ["item_id", "location_id"]


def with_position(
    points: pl.DataFrame, stock: pl.DataFrame, open_orders: pl.DataFrame, *, as_of: date
) -> pl.DataFrame:
    """Return the points with the parts of their position.

        position = max(on hand, 0) + on order − backlog − allocated

    Parameters
    ----------
    points : any frame with item_id and location_id
    stock : snapshots; of each point the latest up to `as_of` counts, a point without one has 0
    open_orders : orders still to come; those placed after `as_of` are not known yet
    as_of : day of knowledge

    Returns
    -------
    pl.DataFrame
        The points in their order with on_hand_qty (never negative), recorded_qty and counted_date
        (null without a record), on_order_qty, owed_to_customers_qty, allocated_qty, backlog_qty (the
        two together), position_qty, late_qty and late_since (open orders due before `as_of`).
    """
    counted = (
        stock.filter(pl.col("date") <= as_of)
        .sort("date")
        .unique(KEY, keep="last")
        .select(
            *KEY,
            recorded_qty="on_hand",
            counted_date="date",
            owed_to_customers_qty="backlog",
            allocated_qty="allocated",
        )
    )
    is_late = pl.col("due_date") < as_of
    coming = (
        open_orders.filter(pl.col("ordered_date").is_null() | (pl.col("ordered_date") <= as_of))
        .sort("order_id", "line")  # sums of floats in one order, whatever order the rows came in
        .group_by("item_id", location_id="to_location_id", maintain_order=True)
        .agg(
            on_order_qty=pl.col("quantity").sum(),
            late_qty=pl.col("quantity").filter(is_late).sum(),
            late_since=pl.col("due_date").filter(is_late).min(),
        )
    )
    parts = ("owed_to_customers_qty", "allocated_qty", "on_order_qty", "late_qty")
    return (
        points.join(counted, on=KEY, how="left", maintain_order="left")
        .join(coming, on=KEY, how="left", maintain_order="left")
        .with_columns(
            pl.col("recorded_qty").fill_null(0.0).clip(0.0).alias("on_hand_qty"),
            pl.col(*parts).fill_null(0.0),
        )
        .with_columns(backlog_qty=pl.col("owed_to_customers_qty") + pl.col("allocated_qty"))
        .with_columns(position_qty=pl.col("on_hand_qty") + pl.col("on_order_qty") - pl.col("backlog_qty"))
    )


def findings_of(state: pl.DataFrame) -> tuple[Finding, ...]:
    """Return what is odd about the positions of planned points.

    `state` has the columns of `with_position`, planned and unit_cost_eff.
    """
    planned = state.filter("planned")
    missing = planned.filter(pl.col("recorded_qty").is_null())
    negative = planned.filter(pl.col("recorded_qty") < 0)
    late = planned.filter(pl.col("late_qty") > 0)
    found = [
        Finding(
            "stock_record_missing",
            "warning",
            "stock",
            *_counted(missing, "<has|have> no stock record"),
            "An order may be recommended for stock that is there but not recorded.",
            numbered("<Its|Their> stock was taken as 0.", missing.height),
            "Load a stock snapshot that names every point, with 0 where nothing is there.",
        ),
        Finding(
            "stock_negative",
            "warning",
            "stock",
            *_counted(negative, "<has|have> negative stock"),
            "No shelf holds less than nothing: receipts or issues are missing or late.",
            numbered("<Its|Their> stock was taken as 0.", negative.height),
            "Count and correct the stock; if the figure means units owed, map it to backlog.",
            _money(negative, -pl.col("recorded_qty")),
        ),
        Finding(
            "open_order_overdue",
            "warning",
            "open_orders",
            *_counted(late, "<has|have> open orders past their due date"),
            "If they never come, positions are too high and orders come too late.",
            "They were counted as still to come.",
            "Confirm new dates, or close what will not come.",
            _money(late, pl.col("late_qty")),
        ),
    ]
    return tuple(one for one in found if one.n_rows)


def _counted(rows: pl.DataFrame, what: str) -> tuple[int, str, str]:
    """Return the number of points, their first keys, and the sentence about them."""
    n, keys = rows.height, keys_of(rows, KEY)
    return n, keys, numbered(f"{n:,} planned stocking point<|s> {what}", n) + f" ({keys})."


def _money(rows: pl.DataFrame, quantity: pl.Expr) -> float:
    return float(rows.select((quantity * pl.col("unit_cost_eff")).sum()).item())
