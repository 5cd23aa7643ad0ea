"""Checks on open orders: overdue beyond reason, already received, without a lane, with odd dates."""

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.facts import costs
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import LANE, Repair, doubtful, figure

OPEN = "open_orders"
ROW = ["order_id", "line", "item_id", "to_location_id"]
MONEY = pl.col("quantity") * pl.col("cost")


def _open(company: Company) -> pl.DataFrame:
    return company.known[OPEN].join(costs(company), on="item_id", how="left", maintain_order="left")


@check(
    severity="warning",
    table=OPEN,
    what="{n} open order<|s> <is|are> overdue beyond reason ({keys}).",
    why="An order that will never come still counts as stock on the way, so nothing is ordered in its place.",
    remedy="Ask the supplier; close <it|them> if nothing will come.",
    part_of=("open_order_overdue",),
)
def long_overdue_order(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return orders overdue by more days than `order_overdue_days` and twice their lane's longest delay.

    The delay of a receipt is counted from its promised day; money is the order's value, on which no
    one else acts while it counts as coming.
    """
    late = (pl.col("received_date") - pl.col("promised_date")).dt.total_days()
    worst = company.known["receipts"].group_by(LANE[1:]).agg(late.max().alias("worst"))
    overdue = (pl.lit(company.as_of) - pl.col("due_date")).dt.total_days()
    rows = (
        _open(company)
        .with_columns(overdue.alias("overdue"))
        .join(worst, on=LANE[1:], how="left", nulls_equal=True)
    )
    limit = pl.max_horizontal(pl.lit(params.order_overdue_days), 2 * pl.col("worst"))
    found = rows.filter(pl.col("overdue") > limit).sort(ROW)
    words = pl.format("{} units due on {}, {} days ago", figure(pl.col("quantity")), "due_date", "overdue")
    return doubtful(found, ROW, words, money=MONEY, repair=Repair("drop"))


@check(
    severity="warning",
    table=OPEN,
    what="{n} open order<|s> <was|were> received already ({keys}).",
    why="Counted on the shelf and on the way, the same goods make the position too high.",
    remedy="Close <it|them>.",
)
def open_order_received(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return open orders of which a receipt of the same order, line, item and quantity is booked."""
    line = ["order_id", "line", "item_id", "to_location_id", "quantity"]
    booked = company.known["receipts"].group_by(line).agg(pl.col("received_date").max())
    rows = _open(company).filter(pl.col("quantity") > 0).join(booked, on=line, nulls_equal=True)
    found = rows.filter(
        pl.col("ordered_date").is_null() | (pl.col("received_date") >= pl.col("ordered_date"))
    ).sort(ROW)
    words = pl.format("{} units were received on {}", figure(pl.col("quantity")), "received_date")
    return doubtful(found, ROW, words, money=MONEY, repair=Repair("drop"))


@check(
    severity="warning",
    table=OPEN,
    what="{n} open order<|s> <comes|come> from where the item has no lane ({keys}).",
    why="Neither a lead time nor a price is known for that way.",
    remedy="Add the lane, or correct the supplier of the order.",
)
def open_order_without_lane(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return open orders without a sender, or from one that no lane and no receipt of the item names."""
    ways = pl.concat([company.known[name].select(LANE) for name in ("lanes", "receipts")]).unique()
    rows = _open(company).join(ways, on=LANE, how="anti").sort(ROW)
    source = pl.col("from_location_id").fill_null("nowhere")
    return doubtful(rows, ROW, pl.format("{} units from {}", figure(pl.col("quantity")), source), money=MONEY)


@check(
    severity="warning",
    table=OPEN,
    what="{n} open order<|s> <is|are> due before <it was|they were> placed ({keys}).",
    why="One of the two days is wrong, so nobody knows when the goods will come.",
    remedy="Correct the due date or the order date.",
)
def open_order_due_before_placed(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return open orders whose due date lies before their order date."""
    rows = _open(company).filter(pl.col("due_date") < pl.col("ordered_date")).sort(ROW)
    return doubtful(rows, ROW, pl.format("placed on {}, due on {}", "ordered_date", "due_date"), money=MONEY)


@check(
    severity="info",
    table=OPEN,
    what="{n} open order<|s> <has|have> no due date ({keys}).",
    why="When the goods come can only be guessed from the lead time.",
    remedy="Ask for a confirmed date.",
)
def open_order_undated(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return open orders without a due date."""
    rows = _open(company).filter(pl.col("due_date").is_null()).sort(ROW)
    return doubtful(rows, ROW, pl.format("{} units without a due date", figure(pl.col("quantity"))))
