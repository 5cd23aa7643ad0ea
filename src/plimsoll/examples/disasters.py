"""Disasters laid over the demo company: each as its ERP would show it on the day, and nothing of later."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.domain.errors import SettingError, did_you_mean
from plimsoll.examples.company import Company
from plimsoll.maths.rng import rng_for

STOPPED_DAYS, SLOW_DAYS, DOUBLED_DAYS, COUNTED_DAYS = 35, 75, 42, 28
SLOW_FACTOR = 1.5  # a lane that slows by half
RECEIPTS, OPEN = "goods_receipts.parquet", "open_purchase_orders.csv"
STOCK, SALES = "stock_on_hand.csv", "sales_order_lines.parquet"
ISSUES = "production_issues.parquet"
SITE = ["Material", "Site"]
Sources = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Disaster:
    """A company after a disaster: what happened to whom and since when."""

    company: Company
    kind: str
    subject: str
    since: date


def inject(company: Company, kind: str, seed: int = 1) -> Disaster:
    """Return the company with one disaster shortly before its day of knowledge.

    Parameters
    ----------
    company : of `company.generate`
    kind : supplier_stops (nothing comes for 35 days), lane_slows (for 75 days all takes half as long again on
        one way of a supplier), customer_doubles (42 days) or count_wrong (a digit lost in today's count of a
        valuable shelf, beside a right count of all shelves 28 days before)
    seed : who is hit, among those large enough to matter

    Raises
    ------
    SettingError
        If the kind is none of these.

    Examples
    --------
    >>> from plimsoll.examples.company import generate
    >>> found = inject(generate(60), "supplier_stops")
    >>> last = found.company.sources["goods_receipts.parquet"].filter(pl.col("Source") == found.subject)
    >>> bool(last["Posting Date"].max() <= found.since)
    True
    """
    if kind not in KINDS:
        what = f"There is no disaster '{kind}'."
        raise SettingError(what, remedy=did_you_mean(kind, KINDS) or f"Known: {', '.join(KINDS)}.")
    sources, subject, since = KINDS[kind](dict(company.sources), company.as_of, seed)
    return Disaster(replace(company, sources=sources), kind, subject, since)


def _one(frame: pl.DataFrame, seed: int, kind: str) -> dict[str, object]:
    """Return one row of a frame, drawn by the seed."""
    at = int(rng_for(seed, kind).integers(frame.height))
    return frame.row(at, named=True)


def _supplier_stops(sources: Sources, as_of: date, seed: int) -> tuple[Sources, str, date]:
    since = as_of - timedelta(days=STOPPED_DAYS)
    bought = sources[RECEIPTS].filter(pl.col("Source").str.starts_with("V"))
    busy = _busy(bought, ["Source"], as_of, share=0.5)
    supplier = str(_one(busy, seed, "supplier stops")["Source"])
    kept = pl.col("Posting Date").is_null() | (pl.col("Posting Date") <= since)
    gone = (pl.col("Source") == supplier) & ~kept
    return _held_back(sources, gone), supplier, since


def _lane_slows(sources: Sources, as_of: date, seed: int) -> tuple[Sources, str, date]:
    since = as_of - timedelta(days=SLOW_DAYS)
    bought = sources[RECEIPTS].filter(pl.col("Source").str.starts_with("V"))
    lanes = _weighty(bought, sources, as_of)
    lane = _one(lanes, seed, "lane slows")
    placed = pl.max_horizontal("PO Date", pl.lit(since))
    days = (pl.col("Posting Date") - placed).dt.total_days()
    later = placed + pl.duration(days=(days * SLOW_FACTOR).round().cast(pl.Int64))
    hit = (
        (pl.col("Source") == lane["Source"])
        & (pl.col("Receiving Site") == lane["Receiving Site"])
        & (pl.col("Posting Date") > since)
        & (days > 0)
    ).fill_null(value=False)
    moved = sources[RECEIPTS].with_columns(
        pl.when(hit).then(later.cast(pl.Date)).otherwise("Posting Date").alias("Posting Date")
    )
    subject = f"{lane['Source']} > {lane['Receiving Site']}"
    # What had come by then and now has not: nothing else is dated after the day of knowledge.
    return _held_back(sources | {RECEIPTS: moved}, pl.col("Posting Date") > as_of), subject, since


def _busy(rows: pl.DataFrame, key: list[str], as_of: date, share: float) -> pl.DataFrame:
    """Return the groups with most orders in the last year, the given share of all."""
    recent = rows.filter(pl.col("PO Date") > as_of - timedelta(days=365))
    counted = recent.group_by(key).len().sort("len", *key, descending=[True] + [False] * len(key))
    return counted.head(max(1, round(share * counted.height)))


def _weighty(rows: pl.DataFrame, sources: Sources, as_of: date) -> pl.DataFrame:
    """Return the eight lanes that most money waits for, of suppliers with several and a busy year.

    Money waits where a shelf holds less than what is used before the next delivery can come.
    """
    price = sources["material_master.csv"].select("Material", "Standard Price").unique("Material")
    recent = rows.filter(pl.col("PO Date") > as_of - timedelta(days=365))
    took = (pl.col("Posting Date") - pl.col("PO Date")).dt.total_days().clip(0).mean()
    key = ["Source", "Receiving Site"]
    lanes = recent.group_by(key).agg(n=pl.len(), days=took)
    shelves = (
        recent.select("Material", *key)
        .unique()
        .join(lanes, on=key)
        .join(price, on="Material")
        .join(sources[STOCK].rename({"Site": "Receiving Site"}), on=["Material", "Receiving Site"])
        .join(_yearly(sources, as_of).rename({"Site": "Receiving Site"}), on=["Material", "Receiving Site"])
    )
    used = pl.col("yearly") * pl.col("days") / 365
    lacking = (used - pl.col("On Hand").clip(0)).clip(0) * pl.col("Standard Price")
    waiting = shelves.group_by(key).agg(waiting=lacking.sum())
    seen = pl.col("days") * SLOW_FACTOR <= SLOW_DAYS  # longer ways have not had the time to show it
    # A supplier's only way cannot be told from it.
    several = lanes.filter(pl.len().over("Source") > 1, pl.col("n") >= lanes["n"].quantile(0.8), seen)
    chosen = (several if several.height else lanes).join(waiting, on=key)
    return chosen.sort("waiting", *key, descending=[True, False, False]).head(8)


def _held_back(sources: Sources, gone: pl.Expr) -> Sources:
    """Return the sources with receipts turned back into open orders, and shelves without them."""
    receipts = sources[RECEIPTS]
    late = receipts.filter(gone)
    key = ["PO Number", "PO Item", "Material", "Receiving Site", "Source"]
    due = pl.col("Confirmed Date").first()
    owed = late.group_by(key).agg(
        pl.col("PO Date").first(), due.alias("Due Date"), pl.col("Received Qty").sum().alias("Open Qty")
    )
    still = sources[OPEN]
    owed = owed.with_columns(
        pl.lit("NB").alias("Order Type"), pl.col("PO Date").dt.to_string("%Y-%m-%d").alias("PO Date")
    ).select(pl.col(name).cast(dtype) for name, dtype in still.schema.items())
    lines = ["PO Number", "PO Item"]
    more = still.join(owed.select(*lines, more="Open Qty"), on=lines, how="left", maintain_order="left")
    still = more.with_columns(pl.col("Open Qty") + pl.col("more").fill_null(0)).drop("more")
    fresh = owed.join(still, on=lines, how="anti").sort(lines)
    missing = late.group_by("Material", Site="Receiving Site").agg(qty=pl.col("Received Qty").sum())
    changed = sources | {RECEIPTS: receipts.filter(~gone), OPEN: pl.concat([still, fresh])}
    return _without(changed, missing)


def _without(sources: Sources, missing: pl.DataFrame) -> Sources:
    """Return the sources with units taken from shelves; what is not there was not shipped and is owed."""
    stock = sources[STOCK].join(missing, on=SITE, how="left", maintain_order="left")
    taken = pl.col("qty").fill_null(0)
    held = pl.col("On Hand").clip(0)
    stock = stock.with_columns(short=(taken - held).clip(0))
    lines = sources[SALES].with_row_index("row")
    shipped = lines.join(
        stock.filter(pl.col("short") > 0).select("Material", "short", **{"Delivering Site": "Site"}),
        on=["Material", "Delivering Site"],
    ).filter(pl.col("Goods Issue Date").is_not_null(), pl.col("Delivered Qty") > 0)
    newest = shipped.sort("Goods Issue Date", "row", descending=True)
    before = pl.col("Delivered Qty").cum_sum().over("Material", "Delivering Site") - pl.col("Delivered Qty")
    undone = newest.filter(before < pl.col("short"))
    owed = undone.group_by("Material", Site="Delivering Site").agg(owed=pl.col("Delivered Qty").sum())
    is_undone = pl.col("row").is_in(undone["row"].implode())
    lines = lines.with_columns(
        pl.when(~is_undone).then("Goods Issue Date").alias("Goods Issue Date"),
        pl.when(is_undone).then(0).otherwise("Delivered Qty").alias("Delivered Qty"),
    ).drop("row")
    owing = pl.col("owed").fill_null(0)
    # A line is undone as a whole: what it needed beyond the shortfall is back on the shelf.
    back = pl.when(pl.col("short") > 0).then((owing - pl.col("short")).clip(0)).otherwise(0)
    stock = stock.join(owed, on=SITE, how="left", maintain_order="left").with_columns(
        pl.when(taken > 0).then((held - taken).clip(0) + back).otherwise("On Hand").alias("On Hand"),
        pl.col("Backorder") + owing,
    )
    return sources | {STOCK: stock.select(sources[STOCK].columns), SALES: lines}


def _customer_doubles(sources: Sources, as_of: date, seed: int) -> tuple[Sources, str, date]:
    since = as_of - timedelta(days=DOUBLED_DAYS)
    sales = sources[SALES]
    worth = (pl.col("Order Qty") * pl.col("Net Value per Unit")).sum()
    year = sales.filter(
        pl.col("Order Date").is_between(since - timedelta(days=365), since), pl.col("Sold-To").is_not_null()
    )
    ranked = year.group_by("Sold-To").agg(worth=worth).sort("worth", "Sold-To", descending=[True, False])
    customer = str(_one(ranked.head(10), seed, "customer doubles")["Sold-To"])
    rng = rng_for(seed, "doubled lines")
    own, usual = sales.filter(pl.col("Sold-To") == customer), year.filter(pl.col("Sold-To") == customer)
    days = own.filter(pl.col("Order Date") > since)["Order Date"].sort()
    more = usual[np.sort(rng.integers(usual.height, size=len(days)))].with_columns(days)
    left = (pl.col("Order Date") + pl.duration(days=2)).cast(pl.Date)
    more = more.with_columns(
        pl.format("SO9{}", pl.col("Order Date").dt.to_string("%Y%m%d")).alias("Sales Order"),
        (pl.int_range(1, pl.len() + 1).over("Order Date") * 10).cast(pl.String).alias("Order Item"),
        (pl.col("Order Date") + pl.duration(days=5)).cast(pl.Date).alias("Promised Date"),
        pl.when(left <= as_of).then(left).alias("Goods Issue Date"),
        pl.when(left <= as_of).then("Order Qty").otherwise(0).alias("Delivered Qty"),
    ).select(sales.columns)
    sent = more.group_by("Material", Site="Delivering Site").agg(qty=pl.col("Delivered Qty").sum())
    changed = sources | {SALES: pl.concat([sales, more]).sort("Order Date", maintain_order=True)}
    return _without(changed, sent), customer, since


def _count_wrong(sources: Sources, as_of: date, seed: int) -> tuple[Sources, str, date]:
    stock = sources[STOCK]
    before = _counted_before(sources, as_of - timedelta(days=COUNTED_DAYS), as_of)
    price = sources["material_master.csv"].select("Material", "Standard Price").unique("Material")
    named = before.select(SITE).unique()
    worth = (pl.col("On Hand") * pl.col("Standard Price")).alias("worth")
    asked = sources[SALES].select("Material", Site="Delivering Site").unique()
    shelves = (
        stock.join(named, on=SITE, how="semi")
        .join(asked, on=SITE, how="semi")
        .join(price, on="Material")
        .filter(pl.col("On Hand") >= 10, pl.col("Reserved") * 10 <= pl.col("On Hand"))
        .join(_yearly(sources, as_of), on=SITE)
        # A quarter of stock at most: a digit lost on a shelf for years would move nothing.
        .filter(pl.col("On Hand") * 4 < pl.col("yearly"))
        .with_columns(worth)
        .drop_nulls("worth")
        .sort("worth", *SITE, descending=[True, False, False])
    )
    shelf = _one(shelves.head(10), seed, "count wrong")
    hit = (pl.col("Material") == shelf["Material"]) & (pl.col("Site") == shelf["Site"])
    lost = stock.with_columns(
        pl.when(hit).then(pl.col("On Hand") // 10).otherwise("On Hand").alias("On Hand")
    )
    subject = f"{shelf['Material']} @ {shelf['Site']}"
    return sources | {STOCK: pl.concat([before, lost])}, subject, as_of


def _yearly(sources: Sources, as_of: date) -> pl.DataFrame:
    """Return what left each shelf in the last year, to customers and to our own places."""
    start = as_of - timedelta(days=365)
    sold = sources[SALES].filter(pl.col("Order Date") > start)
    sent = sources[RECEIPTS].filter(
        pl.col("Posting Date") > start, pl.col("Source") != pl.col("Receiving Site")
    )
    left = [
        sold.select("Material", Site="Delivering Site", qty="Order Qty"),
        sent.select("Material", Site="Source", qty="Received Qty"),
    ]
    return pl.concat(left).group_by(SITE).agg(yearly=pl.col("qty").sum())


def _counted_before(sources: Sources, day: date, as_of: date) -> pl.DataFrame:
    """Return what a count on an earlier day found, by what has moved since, where that is possible."""
    inside = pl.col("day").is_between(day, as_of, closed="right")
    receipts, sales, issues = sources[RECEIPTS], sources[SALES], sources[ISSUES]
    came = receipts.select("Material", Site="Receiving Site", day="Posting Date", qty="Received Qty")
    on = receipts.filter(pl.col("Source") != pl.col("Receiving Site"))
    handed = on.select("Material", Site="Source", day="Posting Date", qty=-pl.col("Received Qty"))
    sold = sales.select(
        "Material", Site="Delivering Site", day="Goods Issue Date", qty=-pl.col("Delivered Qty")
    )
    used = issues.select(Material="Component", Site="Plant", day="Issue Date", qty=-pl.col("Issued Qty"))
    moved = pl.concat([came, handed, sold, used]).filter(inside).group_by(SITE).agg(pl.col("qty").sum())
    stock = sources[STOCK].join(moved, on=SITE, how="left", maintain_order="left")
    held = pl.col("On Hand") - pl.col("qty").fill_null(0)
    nothing = pl.lit(0, dtype=pl.Int64)
    return (
        stock.filter(pl.col("Count Date") == as_of)
        .with_columns(
            held.alias("On Hand"), nothing.alias("Reserved"), nothing.alias("Backorder"),
            pl.lit(day).alias("Count Date"),
        )
        .filter(pl.col("On Hand") >= 0)
        .select(sources[STOCK].columns)
    )  # fmt: skip


KINDS: dict[str, Callable[[Sources, date, int], tuple[Sources, str, date]]] = {
    "supplier_stops": _supplier_stops,
    "lane_slows": _lane_slows,
    "customer_doubles": _customer_doubles,
    "count_wrong": _count_wrong,
}
