"""Checks on items: missing in the master, twins, successors, and lives that demand contradicts."""

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.facts import costs, newest_counts, yearly_use
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import Repair, doubtful, figure
from plimsoll.audit.twins import EXACT, near_duplicates

NAMING = ("demand", "stock", "lanes", "receipts", "open_orders", "stocking_points")
DOUBLINGS = 24  # steps of pointer doubling: chains of up to 16 million successors


@check(
    severity="warning",
    table="items",
    what="{n} item<|s> <is|are> used but not in the item master ({keys}).",
    why="<Its|Their> cost, group and supplier are unknown; often it is an old number of another item.",
    remedy="Add <it|them> to the master, or merge with the item that took over.",
    covers=("unknown_item", "items_added", "cost_unknown"),
)
def item_not_in_master(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items named by other tables only; the money is a year of their demand at its price."""
    listed = company.given.get("items", company.known["items"].clear())
    if listed.is_empty():
        return doubtful(listed, ["item_id"], pl.lit(""))
    named = [
        company.given[name]
        .lazy()
        .join(listed.lazy(), on="item_id", how="anti")
        .group_by("item_id")
        .agg(rows=pl.len())
        .with_columns(of=pl.lit(name.replace("_", " ")))
        for name in NAMING
        if name in company.given
    ]
    strange = pl.concat(named).sort("item_id", "of").collect()
    strange = strange.group_by("item_id", maintain_order=True).agg(
        pl.format("{} in {}", "rows", "of").str.join(", ").alias("where")
    )
    lately = company.known["demand"].filter(
        (pl.lit(company.as_of) - pl.col("date")).dt.total_days() < 365, pl.col("quantity") > 0
    )
    worth = lately.group_by("item_id").agg(
        (pl.col("quantity") * pl.col("unit_price")).drop_nulls().sort().sum().alias("worth")
    )
    rows = strange.join(worth, on="item_id", how="left", maintain_order="left")
    return doubtful(rows, ["item_id"], pl.format("not in the item master; rows: {}", "where"),
                    money=pl.col("worth"))  # fmt: skip


@check(
    severity="warning",
    table="items",
    what="{n} item<|s> <is|are> described almost like another ({keys}).",
    why="One thing under two numbers is stocked, ordered and forecast twice.",
    remedy="Merge <it|them> with the twin named, or make the descriptions differ.",
)
def similar_description(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items described like another of the same unit; the money is the stock at cost.

    The same words and numbers are enough; a likeness counts within a group only.
    Of the two the one with less use is named; it would be merged into the other.
    """
    items = company.known["items"].select("item_id", "description", "category", "unit")
    pairs = near_duplicates(items, similarity=params.item_twin_similarity, block=params.item_twin_block)
    use = yearly_use(company).sort("item_id", "location_id").group_by("item_id").agg(pl.col("use").sum())
    about = items.join(use, on="item_id", how="left").with_columns(pl.col("use").fill_null(0.0))
    both = pairs.join(about, left_on="one", right_on="item_id").join(
        about, left_on="other", right_on="item_id", suffix="_other"
    )
    same_unit = pl.col("unit").eq_missing(pl.col("unit_other"))
    same_group = pl.col("category").eq_missing(pl.col("category_other"))
    both = both.filter(same_unit & (same_group | (pl.col("similarity") == EXACT)))
    fewer = pl.col("use") < pl.col("use_other")
    twins = both.select(
        "similarity",
        item_id=pl.when(fewer).then("one").otherwise("other"),
        twin=pl.when(fewer).then("other").otherwise("one"),
        described=pl.when(fewer).then("description_other").otherwise("description"),
    )
    held = newest_counts(company).sort("item_id", "location_id")
    held = held.group_by("item_id").agg(pl.col("on_hand").clip(0).sum())
    twins = twins.sort("item_id", pl.col("similarity").neg(), "twin").unique(
        "item_id", keep="first", maintain_order=True
    )
    rows = twins.join(held, on="item_id", how="left").join(costs(company), on="item_id", how="left")
    return doubtful(
        rows.sort("item_id"),
        ["item_id"],
        pl.format("{} % like {} ({})", figure((pl.col("similarity") * 100).round(0)), "twin", "described"),
        money=pl.col("on_hand") * pl.col("cost"),
        repair=Repair("merge", "item_id", to=pl.col("twin")),
    )


def _superseded(company: Company) -> pl.DataFrame:
    return company.known["items"].filter(pl.col("superseded_by").is_not_null())


@check(
    severity="warning",
    table="items",
    what="{n} superseded item<|s> <is|are> still stocked or on order ({keys}).",
    why="Customers are served with the successor, so the stock of the old item is stranded.",
    remedy="Use it up, rework it or return it, and cancel what is on order.",
)
def superseded_item(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items with a successor and with stock or open orders; the money is both at cost.

    A successor that is unknown or leads back is no item to transfer to, and none is suggested.
    """
    held = newest_counts(company).select("item_id", stocked=pl.col("on_hand").clip(0), ordered=pl.lit(0.0))
    coming = company.known["open_orders"].select("item_id", stocked=pl.lit(0.0), ordered="quantity")
    units = pl.concat([held, coming]).group_by("item_id").agg(pl.col("stocked", "ordered").sort().sum())
    rows = _superseded(company).join(units, on="item_id", maintain_order="left")
    rows = rows.filter(pl.col("stocked") + pl.col("ordered") > 0)
    rows = rows.join(
        costs(company).select("item_id", "cost"), on="item_id", how="left", maintain_order="left"
    )
    cannot_be = pl.col("item_id").is_in(_impossible(company)["item_id"].implode())
    return doubtful(
        rows,
        ["item_id"],
        pl.format(
            "superseded by {}; {} in stock, {} on order",
            "superseded_by", figure(pl.col("stocked")), figure(pl.col("ordered")),
        ),
        money=(pl.col("stocked") + pl.col("ordered")) * pl.col("cost"),
        repair=Repair("transfer", "item_id", to=pl.when(~cannot_be).then("superseded_by")),
    )  # fmt: skip


@check(
    severity="warning",
    table="items",
    what="{n} item<|s> <has|have> a successor that cannot be ({keys}).",
    why="History is handed over to the successor; one that does not exist, or leads back, takes it nowhere.",
    remedy="Correct the successor<|s>.",
    covers=("supersession_loop", "successor_unknown"),
)
def successor_impossible(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items whose successor is unknown, or whose chain of successors leads back to where it was."""
    return doubtful(_impossible(company), ["item_id"], pl.format("successor {} {}", "superseded_by", "said"))


def _impossible(company: Company) -> pl.DataFrame:
    """Return items with a successor that cannot be, and what is wrong with it.

    Chains are followed by doubling: after k steps each item points 2^k successors on; who still points
    on after more steps than there are items is in a loop, or leads into one.
    """
    chain = _superseded(company).select("item_id", "superseded_by")
    known = company.given.get("items", company.known["items"])["item_id"]
    unknown = chain.filter(~pl.col("superseded_by").is_in(known.implode()))
    ahead, steps = chain.filter(pl.col("superseded_by").is_in(known.implode())), 0
    while ahead.height and 2**steps <= chain.height and steps < DOUBLINGS:
        ahead = ahead.join(ahead, left_on="superseded_by", right_on="item_id", suffix="_next").select(
            "item_id", superseded_by="superseded_by_next"
        )
        steps += 1
    looped = chain.join(ahead, on="item_id", how="semi", maintain_order="left")
    why = [(unknown, "is not in the item master"), (looped, "leads back to an earlier item")]
    return pl.concat(frame.with_columns(said=pl.lit(said)) for frame, said in why)


@check(
    severity="warning",
    table="items",
    what="{n} item<|s> <has|have> an end date and still sell<s|> ({keys}).",
    why="After the end date nothing is planned, so customers will go without.",
    remedy="Correct the end date, or stop taking orders.",
)
def sold_after_end(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items with demand later than the end date by more than `item_after_end_days`.

    The money is what was asked for after the end date, at price.
    """
    ended = company.known["items"].select("item_id", "end_date", "unit_price").drop_nulls("end_date")
    days = (pl.col("date") - pl.col("end_date")).dt.total_days()
    sold = company.known["demand"].lazy().filter(pl.col("quantity") > 0)
    late = sold.join(ended.lazy(), on="item_id").filter(days > 0).collect()
    sums = late.group_by("item_id", "end_date", "unit_price_right").agg(
        pl.col("quantity").sort().sum(), last=pl.col("date").max()
    )
    lasting = (pl.col("last") - pl.col("end_date")).dt.total_days() > params.item_after_end_days
    return doubtful(
        sums.filter(lasting).sort("item_id"),
        ["item_id"],
        pl.format(
            "ends on {}, but {} units were asked for since, last on {}",
            "end_date", figure(pl.col("quantity")), "last",
        ),
        money=pl.col("quantity") * pl.col("unit_price_right"),
    )  # fmt: skip


@check(
    severity="info",
    table="items",
    what="{n} item<|s> sold before <its|their> launch date ({keys}).",
    why="History before the launch is not read as zero demand; a launch date set too late hides real demand.",
    remedy="Correct the launch date.",
)
def sold_before_launch(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items with demand dated before their launch."""
    young = company.known["items"].select("item_id", "launch_date").drop_nulls("launch_date")
    asked = company.known["demand"].select("item_id", "date", "quantity").filter(pl.col("quantity") > 0)
    early = (
        asked.join(young, on="item_id")
        .filter(pl.col("date") < pl.col("launch_date"))
        .group_by("item_id", "launch_date")
        .agg(pl.len().alias("lines"), first=pl.col("date").min())
    )
    text = pl.format(
        "launched on {}, but {} demand rows before, first on {}", "launch_date", "lines", "first"
    )
    return doubtful(early.sort("item_id"), ["item_id"], text)
