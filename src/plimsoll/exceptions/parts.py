"""The rows behind an exception: points, and open orders where orders are what it is about."""

import polars as pl

from plimsoll.domain.figures import number
from plimsoll.domain.tables import table
from plimsoll.exceptions.evidence import POINT, Evidence

BY_SOURCE = ("supplier_stopped", "supplier_slow", "lane_stopped", "lane_slow")
BY_ORDER = (*BY_SOURCE, "overdue_orders", "excess")
ORDERED = ("purchase", "transfer", "production")


def by_order(rows: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Return the parts of the exceptions with orders, lines of today's plan and notes.

    The money of a point is shared among its orders by their units; it adds up to that of the point.

    Parameters
    ----------
    rows : exception_id, cause, subject, item_id, location_id, money; any number a point
    evidence : for open orders and today's lines
    """
    points = (
        rows.sort("exception_id", *POINT)
        .group_by("exception_id", "cause", "subject", *POINT, maintain_order=True)
        .agg(pl.col("money").sort().sum())
    )
    orders = evidence.result("arrival_risk").select(
        "order_id", "line", "item_id", "from_location_id", "quantity", "due_date", "overdue_days",
        location_id="to_location_id",
    )  # fmt: skip
    told = points.filter(pl.col("cause").is_in(BY_ORDER)).join(orders, on=POINT)
    # Of a late source only its own orders, and only the overdue ones where they are the cause.
    origin = pl.col("subject").str.split(" > ").list.first()
    told = told.filter(
        (pl.col("cause") == "excess")
        | (pl.col("cause").is_in(BY_SOURCE) & (pl.col("from_location_id") == origin))
        | (pl.col("cause") == "overdue_orders")
        & (pl.col("overdue_days") > 0)
        & (pl.col("from_location_id") == origin)
    )
    key = ["exception_id", *POINT]
    share = pl.col("quantity") / pl.col("quantity").sum().over(key)
    even = 1.0 / pl.len().over(key)
    told = told.with_columns(
        money=pl.col("money") * pl.when(share.is_finite()).then(share).otherwise(even), note=_of_order()
    )
    whole = points.join(told, on=key, how="anti").with_columns(
        order_id=pl.lit(None, dtype=pl.String), line=pl.lit(None, dtype=pl.String)
    )
    whole = whole.join(_standing(evidence), on=POINT, how="left")
    columns = ["exception_id", "cause", *POINT, "order_id", "line", "money", "note"]
    both = pl.concat([told.select(columns), whole.select(columns)])
    return (
        _with_lines(both, evidence)
        .rename({"money": "money_lost"})
        .with_columns(pl.col("note").fill_null(""))
        .sort("exception_id", *POINT, "order_id", "line", nulls_last=False)
    )


def _of_order() -> pl.Expr:
    """Return what is seen of an open order."""
    due = pl.format(
        "{} on order, due {}", number(pl.col("quantity")), pl.col("due_date").dt.to_string("%Y-%m-%d")
    )
    late = pl.format("{}, {} days overdue", due, pl.col("overdue_days").round(0).cast(pl.Int64))
    known = pl.when(pl.col("overdue_days") > 0).then(late).otherwise(due)
    return pl.coalesce(known, pl.format("{} on order", number(pl.col("quantity"))))


def _standing(evidence: Evidence) -> pl.DataFrame:
    """Return how each point stands, in words."""
    short = (pl.col("stockout_probability") * 100).round(0).cast(pl.Int64)
    said = pl.format("position {}, runs out with {} % chance", number(pl.col("position_qty")), short)
    return evidence.result("outlook").select(*POINT, note=said)


def _with_lines(parts: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Return the parts with the line of today's plan that acts on the order, or else orders for the point."""
    lines = evidence.plan.get("line")
    if lines is None:
        return parts.with_columns(line_no=pl.lit(None, dtype=pl.Int64))
    of_order = (
        lines.filter(pl.col("order_id").is_not_null())
        .unique(["order_id", "order_line"], keep="first", maintain_order=True)
        .select("order_id", line="order_line", acting="line_no")
    )
    of_point = (
        lines.filter(pl.col("kind").is_in(ORDERED))
        .sort("line_no")
        .unique(["item_id", "to_location_id"], keep="first", maintain_order=True)
        .select("item_id", location_id="to_location_id", ordering="line_no")
    )
    joined = parts.join(of_order, on=["order_id", "line"], how="left", nulls_equal=True).join(
        of_point, on=POINT, how="left"
    )
    of_its_own = pl.when(pl.col("order_id").is_not_null()).then("acting").otherwise("ordering")
    dtype = table("exception_part").schema["line_no"]
    return joined.with_columns(line_no=of_its_own.cast(dtype)).drop("acting", "ordering")
