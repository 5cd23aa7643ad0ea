"""Facts as they were known on a past day: nothing of what came later, by any table."""

from datetime import date, timedelta

import polars as pl

from plimsoll import ingest
from plimsoll.domain.tables import table

Tables = dict[str, pl.DataFrame]
ORDER = ["order_id", "line", "item_id", "to_location_id", "from_location_id"]


def known_then(facts: Tables, as_of: date, *, notice_days: int = 0) -> Tables:
    """Return every fact table as it was known at the end of a day.

    Demand, counts, availability and receipts count from their own day (`ingest.known_at`). What was ordered
    by then and received later was an open order, promised as its receipt says. Events that had not begun,
    ends of items further ahead than the notice, and successors that are launched or take over later were
    not known. All other master data carry no day and are taken as they are: settings of today are given to
    the past.

    Parameters
    ----------
    facts : canonical tables
    as_of : day of knowledge
    notice_days : days ahead at which the end of an item is known

    Examples
    --------
    >>> row = {"order_id": "P1", "item_id": "A", "to_location_id": "M", "from_location_id": "S",
    ...        "ordered_date": date(2026, 1, 5), "received_date": date(2026, 2, 2), "quantity": 8.0}
    >>> facts = {"receipts": table("receipts").conform(pl.DataFrame([row]))}
    >>> then = known_then(facts, date(2026, 1, 9))
    >>> then["receipts"].height, then["open_orders"]["quantity"].to_list()
    (0, [8.0])
    """
    known = ingest.known_at(facts, as_of)
    later = facts.get("receipts", known["receipts"]).filter(
        pl.col("ordered_date") <= as_of, pl.col("received_date") > as_of
    )
    known["open_orders"] = _with_later_receipts(known["open_orders"], later)
    began = pl.col("start").is_null() | (pl.col("start") <= as_of)
    known["events"] = known["events"].filter(began)
    known["items"] = _items(known["items"], as_of, notice_days)
    return known


def _with_later_receipts(open_orders: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Return the open orders with what came later; a line received in parts is one line again."""
    if later.is_empty():
        return open_orders
    were_open = later.select(*ORDER, "ordered_date", "quantity", "mode", due_date="promised_date")
    return (
        pl.concat([open_orders, were_open], how="diagonal")
        .sort(*ORDER, "due_date", nulls_last=True)
        .group_by(ORDER, maintain_order=True)
        .agg(
            pl.col("quantity").sum(), pl.col("kind", "ordered_date", "due_date", "mode").drop_nulls().first()
        )
        .select(pl.col(column.name).cast(column.dtype) for column in table("open_orders").columns)
    )


def _items(items: pl.DataFrame, as_of: date, notice_days: int) -> pl.DataFrame:
    """Return the items with the ends and successors known by then.

    A successor without a launch day takes over when the item ends: while that end is not known it has to
    be unknown too, or it would take over at once.
    """
    is_told = pl.col("end_date").is_null() | (pl.col("end_date") <= as_of + timedelta(days=notice_days))
    launched = items.filter(pl.col("launch_date") <= as_of)["item_id"]
    undated = items.filter(pl.col("launch_date").is_null())["item_id"]
    follows = pl.col("superseded_by").is_in(launched.implode())
    follows |= pl.col("superseded_by").is_in(undated.implode()) & is_told
    return items.with_columns(
        pl.when(is_told).then("end_date").alias("end_date"),
        pl.when(follows).then("superseded_by").alias("superseded_by"),
    )
