"""Lines that people accepted and no import has shown yet: what the next plan must count as on order."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from plimsoll.domain.decisions import CHANGE_KINDS, TO_SEND
from plimsoll.domain.findings import Finding, Message
from plimsoll.domain.tables import table
from plimsoll.store import outbox
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.decision_params import ExportParams, in_force

MOVES = ("transshipment", "return")
ORDER = ["order_id", "line"]
LANE = ["item_id", "to_location_id", "from_location_id"]
NEAR = (0.8, 1.25)  # by so much may the system that places orders have rounded a quantity
LOST = Message(
    "sent_not_seen",
    "warning",
    "open_orders",
    "{n} line<|s> sent more than {days} days before <has|have> not been seen in an import: {keys}.",
    "<It|They> may never have been ordered.",
    "<It counts|They count> no longer as on order, so the plan may propose <it|them> again.",
    "Look for the <reference|references> in the system that places orders.",
)


def pending_orders(workspace: Workspace, *, as_of: date, at: datetime) -> tuple[pl.DataFrame, list[Finding]]:
    """Return the table `pending_order`: lines accepted or sent that no import has shown yet.

    A line that waits to be sent counts without end: it will go out with the next batch. One that was sent
    counts for `[export] believe_days` of data; after that it is told as a finding instead. Lines of plans
    made for a later day than `as_of` are not known yet.

    Parameters
    ----------
    as_of : day of the plan that will count them
    at : moment, for options that expire
    """
    days = in_force(workspace, "export", ExportParams, at).believe_days
    lines = outbox.open_lines(workspace).filter(pl.col("as_of") <= as_of)
    waits = pl.col("status").is_in(TO_SEND)
    is_lost = ~waits & (pl.col("as_of") < as_of - timedelta(days=days))
    lost = lines.filter(is_lost)
    findings = []
    if lost.height:
        keys = ", ".join(lost["reference"].head(5)) + (", …" if lost.height > 5 else "")
        findings = [LOST.finding(lost.height, keys, money=float(lost["value_decided"].sum()), days=days)]
    pending = lines.filter(~is_lost).select(
        "line_id",
        "reference",
        pl.when(pl.col("kind").is_in(MOVES)).then(pl.lit("transfer")).otherwise("kind").alias("kind"),
        "order_id",
        "order_line",
        *LANE,
        ordered_date="as_of",
        due_date="date_decided",
        quantity="quantity_decided",
        value="value_decided",
    )
    return table("pending_order").conform(pending.sort("line_id")), findings


def told(pending: pl.DataFrame) -> dict[str, Any]:
    """Return the parameter of a manifest that names what was counted; without any there is none."""
    if pending.is_empty():
        return {}
    digest = hashlib.sha256(pending.write_csv().encode()).hexdigest()
    return {"pending_orders": {"lines": pending.height, "sha256": digest}}


def with_pending(
    facts: Mapping[str, pl.DataFrame], pending: pl.DataFrame, *, as_of: date
) -> dict[str, pl.DataFrame]:
    """Return facts in which what people accepted has happened already; the facts given stay as they are.

    New orders stand among `open_orders`; open orders are hastened, put off or gone as decided; and what
    moves between places of ours is allocated where it leaves, since the stock there has not been told.

    Parameters
    ----------
    facts : canonical tables with `open_orders` and `stock`
    pending : table `pending_order`
    """
    if pending.is_empty():
        return dict(facts)
    is_change = pl.col("kind").is_in(CHANGE_KINDS)
    new = pending.filter(~is_change)
    orders = _changed(facts["open_orders"], pending.filter(is_change))
    added = new.select(
        order_id=pl.coalesce("reference", "line_id"),
        line=pl.lit("1"),
        kind="kind",
        item_id="item_id",
        to_location_id="to_location_id",
        from_location_id="from_location_id",
        ordered_date="ordered_date",
        due_date="due_date",
        quantity="quantity",
    )
    known = table("open_orders")
    orders = pl.concat([orders, known.conform(added)])
    return {**facts, "open_orders": orders, "stock": _allocated(facts["stock"], new, as_of)}


def _changed(orders: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Return open orders without those cancelled, and with the dates of those hastened or put off."""
    wanted = changes.select("order_id", pl.col("order_line").alias("line"), "kind", wanted="due_date")
    wanted = wanted.unique(ORDER, keep="last", maintain_order=True)
    found = orders.join(wanted, on=ORDER, how="left", nulls_equal=True, maintain_order="left", suffix="_new")
    kept = found.filter(pl.col("kind_new").ne_missing("cancel"))
    return kept.with_columns(due_date=pl.coalesce("wanted", "due_date")).select(orders.columns)


def _allocated(stock: pl.DataFrame, new: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return stock in which units to be moved are allocated in the last count where they leave."""
    leaving = (
        new.filter(pl.col("kind") == "transfer")
        .group_by("item_id", pl.col("from_location_id").alias("location_id"))
        .agg(leaving=pl.col("quantity").sum())
    )
    point = ["item_id", "location_id"]
    last = pl.col("date").filter(pl.col("date") <= as_of).max().over(point)
    taken = pl.when(pl.col("date") == last).then(pl.col("leaving")).fill_null(0.0)
    found = stock.join(leaving, on=point, how="left", maintain_order="left")
    allocated = pl.col("allocated").fill_null(0.0) + taken
    return found.with_columns(
        pl.when(taken > 0).then(allocated).otherwise("allocated").alias("allocated")
    ).select(stock.columns)


def matches(
    lines: pl.DataFrame,
    open_orders: pl.DataFrame,
    receipts: pl.DataFrame,
    known: pl.DataFrame,
    taken: Sequence[str],
) -> pl.DataFrame:
    """Return which sent lines an import shows, each by one order: run_id, line_no, order.

    First by reference, which the other system may keep as the order's number, with or without the line;
    then by item, places and quantity, which may have been rounded by up to a quarter, among orders that
    the plan did not know: the nearest quantity first, then the older. A change counts as seen when the open
    order has the wanted date or is no longer open. No order is taken for two lines.

    Parameters
    ----------
    lines : sent lines as `outbox.open_lines`
    open_orders, receipts : facts in force
    known : run_id, order_id, line of the open orders that each line's plan knew
    taken : orders, as in `order`, that earlier imports showed for other lines
    """
    orders = _orders(open_orders, receipts).filter(~pl.col("order").is_in(taken))
    new = lines.filter(~pl.col("kind").is_in(CHANGE_KINDS))
    found = [_by_reference(new, orders)]
    rest = new.join(found[0], on=["run_id", "line_no"], how="anti")
    left = orders.join(found[0], on="order", how="anti")
    found.append(_by_quantity(rest, left, known))
    found.append(_changes_seen(lines.filter(pl.col("kind").is_in(CHANGE_KINDS)), open_orders))
    return pl.concat(found)


def _orders(open_orders: pl.DataFrame, receipts: pl.DataFrame) -> pl.DataFrame:
    """Return the whole of each order line, still open or received."""
    columns = [*ORDER, *LANE, "ordered_date", "quantity"]
    both = pl.concat([open_orders.select(columns), receipts.select(columns)])
    whole = both.group_by(*ORDER, *LANE, maintain_order=True).agg(
        pl.col("ordered_date").min(), pl.col("quantity").sum()
    )
    return whole.with_columns(order=pl.concat_str("order_id", pl.col("line").fill_null(""), separator="/"))


def _by_reference(lines: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    ours = orders.filter(pl.col("order_id").str.starts_with("PLM-"))
    number = pl.col("line").str.strip_chars().cast(pl.Int64, strict=False).cast(pl.String).str.zfill(4)
    is_whole = pl.col("order_id").str.count_matches("-") >= 2
    name = pl.when(is_whole).then("order_id").otherwise(pl.concat_str("order_id", number, separator="-"))
    named = ours.with_columns(reference=name).unique("reference", keep="first", maintain_order=True)
    return lines.join(named.select("reference", "order"), on="reference").select("run_id", "line_no", "order")


def _by_quantity(lines: pl.DataFrame, orders: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of a line and an order that its plan did not know, alike in item, places and quantity."""
    ours = lines.select("run_id", "line_no", "as_of", *LANE, asked="quantity_decided")
    ratio = pl.col("quantity") / pl.col("asked")
    pairs = (
        ours.join(orders, on=LANE)
        .filter(
            ratio.is_between(*NEAR),
            pl.col("ordered_date").is_null() | (pl.col("ordered_date") >= pl.col("as_of")),
        )
        .join(known, on=["run_id", *ORDER], how="anti", nulls_equal=True)
        .with_columns(distance=ratio.log().abs().round(9))
        .sort("distance", "as_of", "run_id", "line_no", "ordered_date", "order")
    )
    chosen = pairs.clear()
    while pairs.height:  # the nearest pair of all is each other's nearest, so every round finds some
        best = pairs.unique(["run_id", "line_no"], keep="first", maintain_order=True)
        best = best.unique("order", keep="first", maintain_order=True)
        nearest = pairs.unique("order", keep="first", maintain_order=True)
        best = best.join(nearest, on=["run_id", "line_no", "order"], how="semi", maintain_order="left")
        chosen = pl.concat([chosen, best])
        pairs = pairs.join(best, on=["run_id", "line_no"], how="anti", maintain_order="left").join(
            best, on="order", how="anti", maintain_order="left"
        )
    return chosen.select("run_id", "line_no", "order")


def _changes_seen(lines: pl.DataFrame, open_orders: pl.DataFrame) -> pl.DataFrame:
    now = open_orders.select("order_id", pl.col("line").alias("order_line"), due_now="due_date", is_open=True)
    found = lines.join(
        now, on=["order_id", "order_line"], how="left", nulls_equal=True, maintain_order="left"
    ).filter(
        pl.col("is_open").is_null()
        | ((pl.col("kind") != "cancel") & (pl.col("due_now") == pl.col("date_decided")))
    )
    order = pl.concat_str("order_id", pl.col("order_line").fill_null(""), separator="/").alias("order")
    return found.select("run_id", "line_no", order).unique(
        ["run_id", "line_no"], keep="first", maintain_order=True
    )
