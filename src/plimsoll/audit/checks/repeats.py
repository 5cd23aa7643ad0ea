"""Checks on repetitions: items, histories and receipts that are the same under another number or name."""

import polars as pl

from plimsoll.audit.checks.calendar import DEMAND
from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import LANE, POINT, doubtful

SEEDS = (1, 2)  # two 64-bit hashes: no chance of equal ones for different histories


def _histories(company: Company) -> pl.DataFrame:
    """Return a fingerprint of the demand rows of each point, the same in any order of rows."""
    return company.once("histories", _fingerprints)


def _fingerprints(company: Company) -> pl.DataFrame:
    rows = company.known[DEMAND].select(*POINT, "date", "quantity")
    told = rows.select("date", "quantity")
    hashed = rows.select(POINT).with_columns(
        told.hash_rows(seed).rename(f"print_{seed}") for seed in SEEDS
    ).with_columns(asked=rows["quantity"] > 0, n=pl.lit(1, pl.Int64))  # fmt: skip
    return _together(hashed, POINT)


def _together(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    prints = (pl.col(f"print_{seed}").sum() for seed in SEEDS)
    return rows.group_by(key).agg(*prints, pl.col("n").sum(), pl.col("asked").any())


def _first_alike(rows: pl.DataFrame, same: list[str], name: pl.Expr) -> pl.DataFrame:
    """Return the rows that repeat an earlier one in the columns `same`, with its name as `first`."""
    named = rows.with_columns(
        name.first().over(same).alias("first"), (~pl.struct(same).is_first_distinct()).alias("again")
    )
    return named.filter("again")


@check(
    severity="info",
    table=DEMAND,
    what="{n} series <repeats|repeat> an earlier series exactly ({keys}).",
    why="Equal histories to the last piece are seldom chance: one of them may be a copy.",
    remedy="Look whether both items are real; merge <it|them> with the other if not.",
)
def series_repeated(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return stocking points whose whole history of at least two rows equals that of an earlier point."""
    prints = _histories(company).filter((pl.col("n") > 1) & pl.col("asked")).sort(POINT)
    again = _first_alike(prints, ["print_1", "print_2", "n"], pl.format("{} @ {}", *POINT))
    return doubtful(again, POINT, pl.format("the same demand on the same days as {}", "first"))


@check(
    severity="info",
    table="items",
    what="{n} item<|s> <repeats|repeat> an earlier item in everything that is known of <it|them> ({keys}).",
    why="Two numbers for one thing split its demand and double its buffer.",
    remedy="Look whether <it is|they are> the same thing, and merge <it|them> if so.",
)
def items_alike(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items equal to an earlier one in master data, lanes and demand.

    Only items of known cost are compared: without one, too little is known of an item.
    """
    masters = company.known["items"].filter(pl.col("unit_cost").is_not_null())
    lanes = company.given.get("lanes", company.known["lanes"].clear())
    where = [name for name in lanes.columns if name != "item_id"]
    lane = (
        lanes.select("item_id", pl.struct(where).hash(1).alias("lane"))
        .group_by("item_id")
        .agg(pl.col("lane").sum())
    )
    prints = _together(_histories(company), ["item_id"])
    rows = masters.join(lane, on="item_id", how="left").join(prints, on="item_id", how="left").sort("item_id")
    again = _first_alike(rows, [name for name in rows.columns if name != "item_id"], pl.col("item_id"))
    asked = (
        pl.when(pl.col("n").is_not_null())
        .then(pl.lit("with the same demand"))
        .otherwise(pl.lit("never asked for"))
    )
    return doubtful(again, ["item_id"], pl.format("same data as {}; {}", "first", asked))


@check(
    severity="warning",
    table="receipts",
    what="{n} receipt<|s> <repeats|repeat> an earlier receipt in everything but the line ({keys}).",
    why="A receipt booked twice is stock that nobody will find.",
    remedy="Compare with the delivery note, and drop <it|them> if booked twice.",
)
def receipt_repeated(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return receipts equal to an earlier one in order, lane, dates, quantity and delivery."""
    rows = company.known["receipts"].filter(pl.col("quantity") > 0)
    dates = ["ordered_date", "promised_date", "received_date"]
    same = ["order_id", *LANE, *dates, "quantity", "mode", "shipment_id"]
    again = _first_alike(rows, same, pl.col("line").fill_null("another line"))
    key = ["order_id", "line", *LANE, "received_date"]
    cost = company.known["items"].select("item_id", "unit_cost")
    again = again.join(cost, on="item_id", how="left", maintain_order="left")
    words = pl.format("the same as line {}", "first")
    return doubtful(again, key, words, money=pl.col("quantity") * pl.col("unit_cost"))
