"""Checks on what an extract covers: missing tables, short or selected histories, totals that fall."""

import polars as pl

from plimsoll.audit.checks.calendar import DEMAND, PLACES, active_periods, bucket_of, periods
from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import doubtful, figure
from plimsoll.domain.calendar import DAYS_PER_YEAR, PERIOD_DAYS

# What stays unknown without a table.
TOLD_BY = {
    "items": "costs, categories and packs",
    "demand": "demand",
    "stock": "what is on hand",
    "lanes": "suppliers and typed lead times",
    "receipts": "lead times as they are",
    "open_orders": "what is on order",
    "bom": "what is used to make what",
    "customers": "who asks",
}


@check(
    severity="info",
    table="source",
    what="{n} table<|s> <is|are> not in the data ({keys}).",
    why="What <it tells|they tell> is replaced by defaults, or left open.",
    remedy="Import <it|them> if the company has <it|them>.",
)
def table_missing(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the main tables of which nothing was imported."""
    bare = [name for name in TOLD_BY if company.given.get(name, pl.DataFrame()).is_empty()]
    rows = pl.DataFrame(
        {"table": bare, "tells": [TOLD_BY[name] for name in bare]},
        schema={"table": pl.String, "tells": pl.String},
    )
    return doubtful(rows, ["table"], pl.format("no row tells {}", "tells"))


@check(
    severity="info",
    table=DEMAND,
    what="The history is short: {keys}.",
    why="A season needs two years, and a fair trial of methods some time beyond that.",
    remedy="Import older demand if there is any.",
)
def history_short(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the length of the history where it is below `calendar_short_years`."""
    rows = periods(company)
    bucket = bucket_of(company.known[DEMAND])
    years = rows.height * PERIOD_DAYS[bucket] / DAYS_PER_YEAR
    said = pl.DataFrame({"length": [f"{rows.height} {bucket}s"], "years": [years], "n": [rows.height]})
    short = said.filter((pl.col("n") > 0) & (pl.col("years") < params.calendar_short_years))
    return doubtful(short, ["length"], pl.format("{} years of complete periods", figure(pl.col("years"))))


@check(
    severity="info",
    table=DEMAND,
    what="The extract seems selected by activity: {keys}.",
    why="What is planned by it is easier than the whole company: slow and dead items are missing.",
    remedy="Import all items before judging service, stock or methods.",
)
def extract_selected(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the range of active periods where many items have none with few of them."""
    item = (pl.col("point") // PLACES).alias("item")
    active = active_periods(company).group_by(item).agg(pl.col("period").n_unique().alias("n"))
    rows = active.select(
        pl.len().alias("items"), pl.col("n").min().alias("least"), pl.col("n").max().alias("most")
    ).with_columns(pl.lit(periods(company).height).alias("of"))
    never = company.known["items"].height - active.height
    odd = (
        (pl.col("items") >= params.extent_items)
        & (pl.col("least") >= params.extent_active_share * pl.col("of"))
        & pl.lit(never == 0)
    )
    range_ = pl.format("every item has demand in {} to {} of {} periods", "least", "most", "of")
    kept = rows.filter(odd).with_columns(range_.alias("range"))
    return doubtful(kept, ["range"], pl.format("{} items, none of them slow", "items"))


@check(
    severity="info",
    table=DEMAND,
    what="Total demand falls for good: {keys}.",
    why="Stock bought at the old rate outlives its demand: obsolescence is the main risk here.",
    remedy="Look at the warnings of slow and obsolete stock before ordering.",
)
def total_demand_falls(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the total of the last year against the first, where it is below `extent_falling_share`."""
    rows = periods(company)
    bucket = bucket_of(company.known[DEMAND])
    year = 12 if bucket == "month" else 52
    first, last = float(rows["units"].head(year).sum()), float(rows["units"].tail(year).sum())
    if rows.height < 2 * year or last >= params.extent_falling_share * first:
        return doubtful(rows.clear(), ["start"], pl.lit(""))
    seen = company.given[DEMAND].filter(pl.col("quantity").is_not_null())
    since = seen.group_by("item_id").agg(pl.col("date").min())
    new = since.filter(pl.col("date") > rows["start"][year - 1]).height
    ends = f"{rows['units'][0]:,.0f} units in the first {bucket}, {rows['units'][-1]:,.0f} in the last"
    detail = f"the last year holds {last / first:.0%} of the first; "
    detail += f"{new:,} items were first recorded after the first year"
    shown = pl.DataFrame({"ends": [ends], "detail": [detail]})
    return doubtful(shown, ["ends"], pl.col("detail"))
