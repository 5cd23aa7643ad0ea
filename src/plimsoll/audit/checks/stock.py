"""Checks on stock records: below zero, old, contradicted by movements, without demand, and missing."""

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.counts import compared_counts, contradicted
from plimsoll.audit.facts import costs, ever_used, newest_counts, yearly_use
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import POINT, Repair, doubtful, figure


def _valued(company: Company, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.join(costs(company), on="item_id", how="left", maintain_order="left")


@check(
    severity="warning",
    table="stock",
    what="{n} stock record<|s> <is|are> below zero ({keys}).",
    why="A shelf cannot hold less than nothing: something was issued and not received, or counted wrongly.",
    remedy="Count <it|them>, or book the missing receipt.",
    covers=("stock_negative",),
)
def negative_on_hand(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return stock below zero; the money is what the missing units cost."""
    below = _valued(company, company.known["stock"].filter(pl.col("on_hand") < 0))
    latest = newest_counts(company).select("date", *POINT, latest=pl.lit(value=True))
    below = below.join(latest, on=["date", *POINT], maintain_order="left")  # older counts are history
    return doubtful(
        below,
        POINT,
        pl.format("{} units on hand on {}", figure(pl.col("on_hand")), "date"),
        money=-pl.col("on_hand") * pl.col("cost"),
        repair=Repair("set", "on_hand", 0.0),
    )


@check(
    severity="warning",
    table="stock",
    what="{n} stock record<|s> <is|are> much older than the rest ({keys}).",
    why="What has come and gone since is not in <it|them>, so orders may come too early or too late.",
    remedy="Count <it|them> again.",
)
def stale_count(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return latest counts far older than the company's newest; the money is what they say is there."""
    counts = newest_counts(company)
    age = (pl.col("date").max() - pl.col("date")).dt.total_days()
    stale = counts.with_columns(age=age).filter(pl.col("age") > params.stock_stale_days)
    return doubtful(
        _valued(company, stale),
        POINT,
        pl.format(
            "{} units, last counted on {}: {} days before the newest count",
            figure(pl.col("on_hand")),
            "date",
            "age",
        ),
        money=pl.col("on_hand") * pl.col("cost"),
    )


@check(
    severity="warning",
    table="stock",
    what="{n} count<|s> <does|do> not follow from the count before and what moved since ({keys}).",
    why="Something was moved and not booked, or one of the counts is wrong: the stock on record is a guess.",
    remedy="Count again and look for unbooked issues, receipts or scrap between the two days.",
)
def count_contradicted(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return counts that the book contradicts (`audit.counts`); the money is the difference at cost."""
    tables = (company.known[name] for name in ("stock", "receipts", "demand"))
    compared = compared_counts(*tables)
    wrong = contradicted(compared, params.stock_tolerance, params.stock_least_difference)
    return doubtful(
        _valued(company, wrong),
        [*POINT, "date"],
        pl.format(
            "{} counted, {} expected: {} on {} and {} came or went since",
            *(figure(pl.col(name)) for name in ("on_hand", "expected", "before_on_hand")),
            "before_date",
            figure(pl.col("turned")),
        ),
        money=pl.col("off").abs() * pl.col("cost"),
    )


def _silent(company: Company) -> pl.DataFrame:
    """Return latest stock above 0 where nobody ever asked, here or at a place fed from here; its history."""
    ever = ever_used(company)
    if ever.is_empty():
        return newest_counts(company).clear().with_columns(pl.lit(0).alias("asked"))
    asked = ever.group_by("item_id").agg(pl.len().alias("asked"))
    held = newest_counts(company).filter(pl.col("on_hand") > 0).join(ever, on=POINT, how="anti")
    used = company.known["bom"].select(item_id="component_item_id")
    held = held.join(used, on="item_id", how="anti")  # production may use it without an issue on record
    young = company.known["items"].filter(
        (pl.lit(company.as_of) - pl.col("launch_date")).dt.total_days() < 90
    )
    held = held.join(young, on="item_id", how="anti")
    return held.join(asked, on="item_id", how="left", maintain_order="left")


@check(
    severity="warning",
    table="stock",
    what="{n} stock record<|s> <is|are> of items that nobody ever asked for ({keys}).",
    why="Either the demand is booked under another number, or the money is lost.",
    remedy="Look for the number under which it sells, or write it off.",
)
def stock_without_demand(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return stock of items without any demand in the whole history; the money is the stock at cost."""
    return _without_demand(company, _silent(company).filter(pl.col("asked").is_null()), "anywhere")


@check(
    severity="info",
    table="stock",
    what="{n} stock record<|s> <is|are> of items that sell elsewhere, but never there ({keys}).",
    why="The stock would serve where customers ask for it.",
    remedy="Move it, or check where its demand is booked.",
)
def stock_where_nobody_asks(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return stock at places without demand of items that sell elsewhere; the money is the stock at cost."""
    return _without_demand(company, _silent(company).filter(pl.col("asked").is_not_null()), "there")


def _without_demand(company: Company, rows: pl.DataFrame, where: str) -> pl.DataFrame:
    return doubtful(
        _valued(company, rows),
        POINT,
        pl.format(
            "{} units on hand, and no demand {} in the whole history",
            figure(pl.col("on_hand")),
            pl.lit(where),
        ),
        money=pl.col("on_hand") * pl.col("cost"),
    )


@check(
    severity="warning",
    table="stock",
    what="{n} stocking point<|s> with demand <has|have> no stock record ({keys}).",
    why="Without a count the plan takes the shelf for empty and orders at once.",
    remedy="Export the stock of all places, zeros included.",
    part_of=("stock_record_missing",),
)
def demand_without_stock(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points asked in the last year whose stock is nowhere; the money is two months' demand at cost.

    Two months' demand is about what would be ordered without need.
    """
    stock = company.known["stock"]
    if stock.is_empty():
        return doubtful(stock, POINT, pl.lit(""))
    kept = company.known["stocking_points"].filter(~pl.col("do_not_stock").fill_null(value=False))
    kept = kept.join(
        company.known["items"].filter(pl.col("make_to").is_in(["order", "engineer"])),
        on="item_id",
        how="anti",
    )
    asked = yearly_use(company).filter(pl.col("use") > 0).join(kept, on=POINT, how="semi")
    bare = asked.join(stock.select(POINT).unique(), on=POINT, how="anti")
    return doubtful(
        _valued(company, bare),
        POINT,
        pl.format("{} units asked for in a year, and no stock record", figure(pl.col("use"))),
        money=pl.col("use") / 6 * pl.col("cost"),
    )


@check(
    severity="info",
    table="stock",
    what="{n} stock record<|s> promise<s|> more than there is ({keys}).",
    why="Allocated units above the stock cannot all be delivered, or an allocation was never released.",
    remedy="Release old allocations, or count.",
)
def allocated_beyond_stock(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return latest counts with more allocated than on hand; the money is the excess at cost."""
    over = newest_counts(company).filter(pl.col("allocated") > pl.col("on_hand").clip(0))
    missing = pl.col("allocated") - pl.col("on_hand").clip(0)
    return doubtful(
        _valued(company, over),
        POINT,
        pl.format("{} allocated, {} on hand", figure(pl.col("allocated")), figure(pl.col("on_hand"))),
        money=missing * pl.col("cost"),
    )
