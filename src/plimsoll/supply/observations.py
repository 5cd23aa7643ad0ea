"""Receipts turned into independent observations of a lead time, and what could not be used."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from plimsoll.domain.findings import Finding, keys_of, numbered
from plimsoll.supply.params import SupplyParams

LANE = ("from_location_id", "to_location_id")
NODE = (*LANE, "item_id")

# code -> (what, why, remedy); the order is that in which a receipt is judged.
UNUSABLE = {
    "lead_time_undated": (
        "receipt<|s> without an order date",
        "A lead time runs from the day of the order.",
        "Map the column that holds the day the order was placed.",
    ),
    "lead_time_negative": (
        "receipt<|s> dated before <its|their> order",
        "Orders entered after the goods arrived, or swapped dates, make lead times look short.",
        "Correct the dates, or enter orders when they are placed.",
    ),
    "lead_time_absurd": (
        "receipt<|s> implausibly long after <its|their> order",
        "A few typing errors would double the spread and the buffers with it.",
        "Correct the dates, or raise max_lead_time_days in [supply].",
    ),
    "lead_time_expedited": (
        "expedited receipt<|s>",
        "They say nothing about the lead time of a normal order.",
        "Set use_expedited in [supply] if expediting is the normal way to order.",
    ),
}


def _judged(receipts: pl.DataFrame, params: SupplyParams, as_of: date) -> pl.DataFrame:
    """Return the receipts known at `as_of` with `lead_days` and the code that rules them out, if any."""
    lead = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days()
    expedited = pl.col("expedited").fill_null(False) & (not params.use_expedited)
    undated, negative, absurd, hurried = (pl.lit(code) for code in UNUSABLE)
    return receipts.filter(pl.col("received_date") <= as_of).with_columns(
        lead.alias("lead_days"),
        pl.when(lead.is_null())
        .then(undated)
        .when(lead < 0)
        .then(negative)
        .when(lead > params.max_lead_time_days)
        .then(absurd)
        .when(expedited)
        .then(hurried)
        .alias("unusable"),
    )


def unusable_receipts(receipts: pl.DataFrame, params: SupplyParams, *, as_of: date) -> list[Finding]:
    """Return one finding for each reason why receipts known at `as_of` are no evidence of a lead time.

    Parameters
    ----------
    receipts : table `receipts`
    params : options
    as_of : day of knowledge; later receipts are not judged

    Examples
    --------
    >>> from plimsoll.domain.tables import table
    >>> row = {"order_id": "P1", "item_id": "A", "to_location_id": "DC", "from_location_id": "S",
    ...        "ordered_date": date(2026, 2, 1), "received_date": date(2026, 1, 1), "quantity": 5.0}
    >>> receipts = table("receipts").conform(pl.DataFrame([row]))
    >>> found = unusable_receipts(receipts, SupplyParams(), as_of=date(2026, 3, 1))
    >>> found[0].code, found[0].what
    ('lead_time_negative', '1 receipt dated before its order (P1 @ A).')
    """
    return list(_findings(_judged(receipts, params, as_of)))


def _findings(judged: pl.DataFrame) -> Iterator[Finding]:
    for code, (what, why, remedy) in UNUSABLE.items():
        rows = judged.filter(pl.col("unusable") == code).sort("order_id", "item_id", "received_date", "line")
        if rows.height:
            keys = keys_of(rows, ["order_id", "item_id"])
            yield Finding(
                code=code,
                severity="info" if code == "lead_time_expedited" else "warning",
                table="receipts",
                n_rows=rows.height,
                keys=keys,
                what=f"{rows.height:,} {numbered(what, rows.height)} ({keys}).",
                why=why,
                done=numbered("<It is|They are> left out of the lead-time estimate.", rows.height),
                remedy=remedy,
            )


def number_nodes(receipts: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """Return every item on a lane that is asked for or was received, in key order, with its numbers.

    Columns: those of NODE, `lead_time_days_set`, `wanted` (it is a row of `lanes`), and the numbers
    `node` of the row, `lane` of the two places, `supplier` of the sender.
    """
    asked = lanes.select(*NODE, "lead_time_days_set", pl.lit(True).alias("wanted"))
    received = receipts.select(NODE).unique().join(asked, on=NODE, how="anti")
    nodes = pl.concat([asked, received], how="diagonal").sort(NODE)
    return nodes.with_columns(
        pl.col("wanted").fill_null(False),
        pl.int_range(pl.len()).alias("node"),
        pl.struct(LANE).rle_id().cast(pl.Int64).alias("lane"),
        pl.col("from_location_id").rle_id().cast(pl.Int64).alias("supplier"),
    )


def observe(
    receipts: pl.DataFrame, nodes: pl.DataFrame, params: SupplyParams, *, as_of: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the observations of items and of lanes: one row an order delivery.

    A line received in parts counts once, on the first day by which `usable_share` of what had
    arrived by `as_of` was there. Lines of one order between the same two places that arrive on
    one day tell one story: they are averaged into one observation, per item and per lane.

    Selecting by the day of receipt is unbiased for a steady flow of orders; where history holds
    only orders placed in its last T days, the long ones are still open and the mean comes out
    short by about variance / (T - mean).

    Parameters
    ----------
    receipts : table `receipts`
    nodes : the numbered keys, from `number_nodes`
    params : options
    as_of : day of knowledge

    Returns
    -------
    (by item, by lane), both with `lane`, `supplier`, `lead_days`, the first also with `node`,
    `order_id`, `received_date`. Lead times come in an order that does not depend on the order of
    the receipts, so that sums over them are the same to the last bit.
    """
    usable = _judged(receipts, params, as_of).filter(pl.col("unusable").is_null())
    lines = _whole_lines(usable.join(nodes, on=NODE, how="inner"), params.usable_share)
    lead = pl.col("lead_days").mean()
    items = lines.group_by("order_id", "node", "received_date").agg(lead, pl.col("lane", "supplier").first())
    lanes = lines.group_by("order_id", "lane", "received_date").agg(lead, pl.col("supplier").first())
    return (
        items.sort("node", "lead_days"),
        lanes.select("lane", "supplier", "lead_days").sort("lane", "lead_days"),
    )


def _whole_lines(usable: pl.DataFrame, share: float) -> pl.DataFrame:
    """Return one row an order line; only lines received in parts need the work."""
    line = ("order_id", "line", "node")
    parts = pl.len().over(line) > 1
    split = (
        usable.filter(parts)
        .sort(*line, "received_date", "quantity", "lead_days")
        .with_columns(pl.col("quantity").cum_sum().over(line).alias("arrived"))
        .filter(pl.col("arrived") >= share * pl.col("arrived").last().over(line))
        .unique(line, keep="first", maintain_order=True)
        .drop("arrived")
    )
    return pl.concat([usable.filter(~parts), split])
