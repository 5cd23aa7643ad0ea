"""Checks on stock records: below zero, old, contradicted by movements, without demand, and missing."""

import polars as pl

from plimsoll.audit.company import Company
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


def _movements(company: Company) -> pl.DataFrame:
    """Return what came (positive) and went at each point, day by day."""
    receipts, demand = company.known["receipts"], company.known["demand"]
    came = receipts.select("item_id", location_id="to_location_id", day="received_date", moved="quantity")
    handed = receipts.filter(pl.col("from_location_id") != pl.col("to_location_id")).select(
        "item_id", location_id="from_location_id", day="received_date", moved=-pl.col("quantity")
    )
    went = demand.select(
        *POINT,
        day=pl.coalesce("shipped_date", "date"),
        moved=-pl.when(pl.col("shipped_date").is_not_null())
        .then(pl.col("shipped_quantity").fill_null(pl.col("quantity")))
        .otherwise("quantity"),
    )
    return pl.concat([came, handed, went]).drop_nulls()


@check(
    severity="warning",
    table="stock",
    what="{n} count<|s> <does|do> not follow from the count before and what moved since ({keys}).",
    why="Something was moved and not booked, or one of the counts is wrong: the stock on record is a guess.",
    remedy="Count again and look for unbooked issues, receipts or scrap between the two days.",
)
def count_contradicted(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return counts that differ from the count before plus receipts less issues between the two.

    expected = on hand before + received - transferred on - shipped (or asked for, where shipments are
    not recorded), days after the first count up to the day of the second. The money is the difference
    at cost.
    """
    order = company.known["stock"].sort(*POINT, "date")
    pairs = order.with_columns(
        pl.col("date", "on_hand").shift(1).over(POINT).name.prefix("before_")
    ).drop_nulls("before_date")
    if pairs.is_empty():
        return doubtful(pairs, [*POINT, "date"], pl.lit(""))
    moves = _movements(company).join(pairs.select(POINT).unique(), on=POINT, how="semi")
    # Each movement belongs to the first count on or after its day.
    dated = moves.sort("day").join_asof(
        pairs.select(*POINT, day="date", count="date").sort("day"),
        on="day", by=POINT, strategy="forward", check_sortedness=False,
    )  # fmt: skip
    sums = dated.group_by(*POINT, date="count").agg(
        pl.col("moved").sort().sum(), turned=pl.col("moved").abs().sort().sum(), first_day=pl.col("day").min()
    )
    # Movements before the first of the two counts are in it already.
    early = dated.join(pairs.select(*POINT, count="date", since="before_date"), on=[*POINT, "count"])
    early = (
        early.filter(pl.col("day") <= pl.col("since"))
        .group_by(*POINT, date="count")
        .agg(early_moved=pl.col("moved").sort().sum(), early_turned=pl.col("moved").abs().sort().sum())
    )
    key = [*POINT, "date"]
    joined = pairs.join(sums, on=key, how="left").join(early, on=key, how="left")
    moved = pl.col("moved").fill_null(0.0) - pl.col("early_moved").fill_null(0.0)
    turned = pl.col("turned").fill_null(0.0) - pl.col("early_turned").fill_null(0.0)
    expected = pl.col("before_on_hand") + moved
    compared = joined.with_columns(expected=expected, off=pl.col("on_hand") - expected, turned=turned)
    allowed = params.stock_tolerance * (pl.col("before_on_hand").abs() + pl.col("turned"))
    wrong = compared.filter(
        pl.col("off").abs() > pl.max_horizontal(allowed, pl.lit(params.stock_least_difference))
    )
    return doubtful(
        _valued(company, wrong),
        key,
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
