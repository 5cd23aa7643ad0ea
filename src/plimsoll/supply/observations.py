"""Receipts turned into independent observations of a lead time, and what could not be used."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from plimsoll.domain.findings import Finding, keys_of, numbered
from plimsoll.domain.tables import table
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
    """Return every item on a lane that is asked for, was received or is on order, in key order, numbered.

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


@dataclass(frozen=True, slots=True)
class Observed:
    """Independent observations: deliveries by item and by lane, and the same of orders still open.

    `items` and `open_items` have `order_id`, `node`, `lane`, `supplier`, `lead_days`, `ordered_date` (those
    of receipts also `received_date`); `deliveries` and `open_lanes` the same less `node`, one row an order
    between two places. `lead_days` of an open order are its days so far.
    """

    items: pl.DataFrame
    deliveries: pl.DataFrame
    open_items: pl.DataFrame
    open_lanes: pl.DataFrame


def observe(
    receipts: pl.DataFrame,
    nodes: pl.DataFrame,
    params: SupplyParams,
    *,
    as_of: date,
    open_orders: pl.DataFrame | None = None,
) -> Observed:
    """Return the observations of items and of lanes: one row an order delivery, or an order still open.

    A line received in parts counts once, on the first day by which `usable_share` of what had
    arrived by `as_of` was there; where the rest is known to be open, of the whole: the line is then
    either received or open, not both. Lines of one order between the same two places that arrive on
    one day tell one story: they are averaged into one observation, per item and per lane.

    Selecting by the day of receipt is unbiased for a steady flow of orders; where history holds
    only orders placed in its last T days, the long ones are still open and the mean comes out
    short by about variance / (T - mean). Open orders mend that. With them, orders placed before the
    first receipt on file must go, where enough others remain: of those only the long ones are on file.

    Parameters
    ----------
    receipts : table `receipts`
    nodes : the numbered keys, from `number_nodes`
    params : options
    as_of : day of knowledge
    open_orders : table `open_orders` as of that day; None where it is not known

    Returns
    -------
    Observed
        Lead times come in an order that does not depend on the order of the receipts, so that sums
        over them are the same to the last bit.
    """
    usable = _judged(receipts, params, as_of).filter(pl.col("unusable").is_null())
    usable = usable.join(nodes, on=NODE, how="inner")
    waiting = table("open_orders").empty() if open_orders is None else open_orders
    still = _open_lines(waiting, usable, nodes, params, as_of)
    if still.height:
        started = usable.join(still, on=["order_id", "node"], how="semi")
        usable = usable.join(started.select("order_id", "node").unique(), on=["order_id", "node"], how="anti")
        usable, still = _since_the_first_receipt(usable, still, receipts, params)
    lines = _whole_lines(usable, params.usable_share)
    return Observed(
        _averaged(lines, ["node", "lead_days"], "order_id", "node", "received_date"),
        _averaged(lines, ["lane", "lead_days"], "order_id", "lane", "received_date"),
        _averaged(still, ["node", "lead_days"], "order_id", "node"),
        _averaged(still, ["lane", "lead_days"], "order_id", "lane"),
    )


def _averaged(lines: pl.DataFrame, order: list[str], *by: str) -> pl.DataFrame:
    rest = [name for name in ("lane", "supplier") if name not in by]
    found = lines.group_by(by).agg(
        pl.col("lead_days").mean(), pl.col("ordered_date").min(), *map(pl.first, rest)
    )
    return found.sort(*order, "ordered_date", *({"received_date"} & set(by)))


def _open_lines(
    open_orders: pl.DataFrame, usable: pl.DataFrame, nodes: pl.DataFrame, params: SupplyParams, as_of: date
) -> pl.DataFrame:
    """Return one row an item of an order of which most is still to come, with its days so far.

    Where nothing was ever received from a supplier, orders that are not overdue say nothing: that all
    of them take longer than they have so far is what their due dates promise.
    """
    days = (pl.lit(as_of) - pl.col("ordered_date")).dt.total_days().cast(pl.Float64)
    known = (
        open_orders.filter(pl.col("ordered_date") <= as_of, pl.col("quantity") > 0)
        .join(nodes, on=NODE, how="inner")
        .group_by("order_id", "node")
        .agg(
            pl.col("lane", "supplier", "lead_time_days_set").first(),
            pl.col("quantity").sum().alias("to_come"),
            pl.col("ordered_date").min(),
            pl.col("due_date").max(),
        )
        .with_columns(days.alias("lead_days"))
    )
    arrived = usable.group_by("order_id", "node").agg(pl.col("quantity").sum().alias("arrived"))
    longest = usable.group_by("supplier").agg(pl.col("lead_days").max().alias("longest"))
    limit = params.stale_open_factor * pl.max_horizontal(
        "longest",
        pl.coalesce("lead_time_days_set", pl.lit(params.default_lead_time_days)),
    )
    here = pl.col("arrived").fill_null(0.0)
    typed = pl.duration(days=pl.coalesce("lead_time_days_set", pl.lit(params.default_lead_time_days)).ceil())
    overdue = pl.coalesce("due_date", pl.col("ordered_date") + typed) < as_of
    return (
        known.join(arrived, on=["order_id", "node"], how="left")
        .join(longest, on="supplier", how="left")
        .filter(here < params.usable_share * (here + pl.col("to_come")), pl.col("lead_days") <= limit)
        .filter(pl.col("longest").is_not_null() | overdue)
        .drop("arrived", "longest", "to_come", "lead_time_days_set", "due_date")
    )


def _since_the_first_receipt(
    usable: pl.DataFrame, still: pl.DataFrame, receipts: pl.DataFrame, params: SupplyParams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return receipts and open orders placed since receipts are on file; all of suppliers with few."""
    since = pl.col("ordered_date") >= pl.lit(receipts["received_date"].min(), pl.Date)
    enough = usable.filter(since).group_by("supplier").len()
    enough = enough.filter(pl.col("len") >= params.spread_full_receipts).select("supplier", enough=True)
    kept = (
        frame.join(enough, on="supplier", how="left", maintain_order="left")
        .filter(since | pl.col("enough").is_null())
        .drop("enough")
        for frame in (usable, still)
    )
    return next(kept), next(kept)


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
