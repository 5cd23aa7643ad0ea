"""Checks on demand: silence, spikes, returns, projects, and what was recorded but could not be seen."""

import math

import polars as pl

from plimsoll.audit.checks.calendar import (
    DEMAND,
    MAD_TO_SD,
    PLACES,
    active_periods,
    asked_for,
    bucket_of,
    period_number,
    rows_of,
)
from plimsoll.audit.company import Company
from plimsoll.audit.facts import costs
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import POINT, Repair, doubtful, figure
from plimsoll.domain.calendar import last_complete_start

ROW = ["date", "item_id", "location_id", "order_id", "line"]
PLAIN_SCALE = 0.5  # least spread of log sizes: equal or single pieces are taken to vary by a half


def _extremes(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return demand far beyond its point's usual size, and beyond its next larger ones, with `usual`.

    With m the median and s = 1.4826 median |ln q - ln m| (at least a half): ln(q / m) > z s, q at
    least `demand_spike_factor` times m, and `demand_spike_gap` times the largest size below that line.
    A point with few rows is judged by all rows of its item. The log scale lets lumpy demand, whose
    sizes are skewed, keep its own large orders.
    """
    return company.once(f"extremes by {params}", lambda company: _find_extremes(company, params))


def _find_extremes(company: Company, params: AuditParams) -> pl.DataFrame:
    rows, size = asked_for(company), pl.col("quantity")
    item = (pl.col("point") // PLACES).alias("item")
    least, factor = params.demand_spike_rows, params.demand_spike_factor
    sizes = rows.group_by("point").agg(
        size.median().alias("usual"), size.max().alias("largest"), pl.len().alias("n")
    )
    far = sizes.filter((pl.col("n") >= least) & (pl.col("largest") >= factor * pl.col("usual")))
    few = sizes.filter(pl.col("n") < least).select("point", item)
    suspect = rows.join(far, on="point", how="semi")
    family = sizes.select("point", item).join(few.select("item").unique(), on="item")
    siblings = rows.join(family, on="point")
    judged = siblings.join(few, on="point", how="semi")
    found = [
        _beyond(suspect, suspect, "point", params),
        _beyond(judged, siblings, "item", params).drop("item"),
    ]
    return rows_of(company, pl.concat(found)).rechunk()


def _beyond(judged: pl.DataFrame, rows: pl.DataFrame, by: str, params: AuditParams) -> pl.DataFrame:
    """Return the judged rows that lie far beyond the usual of all rows of their group."""
    size, log = pl.col("quantity"), pl.col("quantity").log()
    usual = rows.group_by(by).agg(
        size.median().alias("usual"),
        ((log - log.median()).abs().median() * MAD_TO_SD).clip(PLAIN_SCALE).alias("spread"),
        size.filter(size < size.median() * params.demand_spike_factor).max().alias("next"),
        pl.len().alias("n"),
    )
    known = usual.filter(pl.col("n") >= params.demand_spike_rows).drop("n")
    return judged.join(known, on=by).filter(
        size >= params.demand_spike_factor * pl.col("usual"),
        size >= params.demand_spike_gap * pl.col("next"),
        log - pl.col("usual").log() > params.demand_spike_z * pl.col("spread"),
    )


def _one_off(company: Company, extremes: pl.DataFrame) -> pl.DataFrame:
    """Return the extremes asked for by a customer who asked for that item never else."""
    known = company.known[DEMAND].filter(pl.col("customer_id").is_not_null() & (pl.col("quantity") > 0))
    known = known.join(extremes.select("item_id").unique(), on="item_id", how="semi")
    once = known.group_by("item_id", "customer_id").agg(pl.col("date").n_unique().alias("days"))
    return extremes.join(once.filter(pl.col("days") == 1), on=["item_id", "customer_id"], how="semi")


def _valued(company: Company, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.join(costs(company), on="item_id", how="left", maintain_order="left")


@check(
    severity="warning",
    table=DEMAND,
    what="{n} demand<|s> <is|are> far beyond the usual of <its|their> item ({keys}).",
    why="One such row lifts rate and spread of its item for years, and the buffer with them.",
    remedy="Correct <it|them> if mistyped; cap <it|them> if <it|they> will not come again.",
)
def demand_spike(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return sizes far beyond the usual; the money is what the excess costs to hold ready."""
    rows = _extremes(company, params)
    rows = _valued(company, rows.join(_one_off(company, rows), on=ROW, how="anti", nulls_equal=True))
    excess = (pl.col("quantity") - pl.col("usual")) * pl.col("cost")
    cap = pl.max_horizontal(pl.col("next").fill_null(0.0), pl.col("usual"))
    words = pl.format("{} units where {} are usual", figure(pl.col("quantity")), figure(pl.col("usual")))
    return doubtful(rows, ROW, words, money=excess, repair=Repair("cap", "quantity", cap))


@check(
    severity="warning",
    table=DEMAND,
    what="{n} demand<|s> look<s|> like <a one-off project order|one-off project orders> ({keys}).",
    why="A customer who asks once for many times the usual will not come again: it is no part of the rate.",
    remedy="Take <it|them> out of the history and enter what is to come as an event of kind project.",
)
def project_order(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return sizes far beyond the usual from customers who asked for the item on one day only."""
    rows = _valued(company, _one_off(company, _extremes(company, params)))
    excess = (pl.col("quantity") - pl.col("usual")) * pl.col("cost")
    words = pl.format(
        "{} units for {}, who never asked again, where {} are usual",
        figure(pl.col("quantity")), "customer_id", figure(pl.col("usual")),
    )  # fmt: skip
    return doubtful(rows, ROW, words, money=excess, repair=Repair("drop"))


@check(
    severity="warning",
    table=DEMAND,
    what="{n} return<|s> or correction<|s> <is|are> booked as demand ({keys}).",
    why="A return lowers demand of the day it came back, not of the day that was wrong.",
    remedy="Take it out together with the line that it corrects, where there is one.",
    covers=("negative_demand",),
)
def returned_goods(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return negative demand, with the earlier line of the same size (and customer) that it undoes."""
    rows, buyer = company.known[DEMAND].lazy(), pl.col("customer_id").fill_null("").alias("buyer")
    same = [*POINT, "buyer", "size"]
    back = rows.filter(pl.col("quantity") < 0).with_columns(buyer, size=-pl.col("quantity")).collect()
    back = back.sort("date", *ROW[1:])
    there = rows.filter(pl.col("quantity") > 0).join(back.lazy().select(POINT), on=POINT, how="semi")
    sold = there.select(*POINT, buyer, "date", size="quantity", sold_on="date", sold_as="order_id").collect()
    sold = sold.sort("date", "sold_as", nulls_last=True)
    undone = back.join_asof(sold, on="date", by=same, check_sortedness=False)
    undoes = pl.format("; undoes {} of {}", pl.col("sold_as").fill_null("the line"), "sold_on").fill_null(
        "; no earlier line of that size"
    )
    found = _valued(company, undone.rechunk())
    words = pl.format("{} units came back", figure(pl.col("size"))) + undoes
    return doubtful(found, ROW, words, money=pl.col("size") * pl.col("cost"), repair=Repair("drop"))


@check(
    severity="warning",
    table=DEMAND,
    what="{n} stocking point<|s> that sold regularly <was|were> silent for long and resumed ({keys}).",
    why="Silence against one's own habit is a stock-out, a block or a lost export rather than no demand.",
    remedy="Mark the time as not available, or import what is missing.",
)
def demand_gap(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points with a silence that their own rate makes next to impossible.

    With k periods with demand of T outside the silence of g periods: chance = k (1 - k / T)^g, below
    `demand_gap_chance`; g at least `demand_gap_ratio` times the next longest silence, those before the
    first and after the last demand included, so that a season which comes back does not count; three
    periods with demand at least on either side. Periods out of stock do not count.
    """
    rows = asked_for(company)
    bucket = bucket_of(rows)
    end = pl.select(date=pl.lit(last_complete_start(company.as_of, bucket))).select(period_number(bucket))
    long = _silences(active_periods(company), end.item(), params)
    long = rows_of(company, rows.join(long, on="point").unique("point"))
    out = company.known["availability"].filter(~pl.col("in_stock")).join(long, on=POINT)
    out = out.with_columns(period_number(bucket).alias("period")).unique([*POINT, "period"])
    ago = pl.col("resumed") - pl.col("period")
    hidden = out.filter(ago.is_between(1, pl.col("g"))).group_by(POINT).agg(pl.len().alias("hidden"))
    silent = pl.col("g") - pl.col("hidden").fill_null(0)
    found = long.join(hidden, on=POINT, how="left").filter(_unlikely(silent, params)).sort(POINT)
    words = pl.format(
        "nothing for {} {}s up to {}, after and before demand in {} of {} periods",
        "g", pl.lit(bucket), _first_day(bucket), "k", pl.col("k") + pl.col("empty") - pl.col("g"),
    )  # fmt: skip
    return doubtful(found, POINT, words)


@check(
    severity="warning",
    table=DEMAND,
    what="The record of {n} stocking point<|s> stops before the end ({keys}).",
    why="No longer recorded is not the same as no demand: what is asked for now is not known.",
    remedy="Find out whether the item was taken over, ended or left out of the export.",
)
def recording_stops(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points whose demand is blank from some day to the end of the history, while others go on."""
    rows = company.given.get(DEMAND, company.known[DEMAND].clear())
    known = pl.col("date").filter(pl.col("quantity").is_not_null()).max().alias("last")
    last = rows.filter(pl.col("quantity").is_null()).select(POINT).unique()
    ends = (
        rows.join(last, on=POINT, how="semi").group_by(POINT).agg(known, pl.col("date").max().alias("until"))
    )
    found = ends.filter(pl.col("last") < pl.col("until")).sort(POINT)
    return doubtful(found, POINT, pl.format("not recorded after {}", "last"))


@check(
    severity="info",
    table="availability",
    what="{n} stocking point<|s> begin<s|> with periods that could not be observed ({keys}).",
    why="Not yet listed and out of stock look alike; neither says that nobody asked.",
    remedy="Set launch_date where the item was not yet listed.",
)
def begins_unobserved(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points whose first recorded period is marked as not available."""
    hidden = company.known["availability"].filter(~pl.col("in_stock"))
    marked = company.known[DEMAND].join(hidden.select(POINT).unique(), on=POINT, how="semi")
    seen = marked.join(hidden, on=["date", *POINT], how="anti")
    first = seen.group_by(POINT).agg(pl.col("date").min().alias("seen"))
    rows = hidden.group_by(POINT).agg(pl.col("date").min()).join(first, on=POINT)
    rows = rows.filter(pl.col("date") < pl.col("seen")).sort(POINT)
    return doubtful(rows, POINT, pl.format("recorded from {}, first observed on {}", "date", "seen"))


@check(
    severity="info",
    table="availability",
    what="Periods just before a stock-out are probably cut short too: {keys}.",
    why="The record marks whole periods; on the last days before it the shelf was empty already.",
    remedy="Nothing needs to be done; sales of those periods are a lower bound.",
)
def stock_out_cuts_before(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the mean ratio of sales in the period before a stock-out to the point's usual, if far from 1."""
    flags = company.known["availability"]
    sold = company.known[DEMAND].join(flags, on=["date", *POINT])
    seen = sold.group_by("date", *POINT).agg(pl.col("quantity").sum(), pl.col("in_stock").first())
    seen = seen.sort(*POINT, "date")
    marked = seen.with_columns(pl.col("in_stock").shift(-1).over(POINT).alias("after")).filter("in_stock")
    marked = marked.with_columns(pl.col("quantity").mean().over(POINT).alias("usual"))
    ends = marked.filter(~pl.col("after") & (pl.col("usual") > 0))
    ratio = (pl.col("quantity") / pl.col("usual")).mean()
    told = ends.select(ratio.alias("ratio"), pl.len().alias("n")).filter(
        (pl.col("n") >= params.demand_least_cases) & ((pl.col("ratio") - 1).abs() > params.demand_cut_ratio)
    )
    said = told.with_columns(pl.format("sales {} times the usual", pl.col("ratio").round(1)).alias("what"))
    return doubtful(said, ["what"], pl.format("mean over {} periods before a stock-out", "n"))


def _unlikely(silent: pl.Expr, params: AuditParams) -> pl.Expr:
    """Return whether so many silent periods are too unlikely for a point's own rate."""
    share = pl.col("k") / (pl.col("k") + pl.col("empty") - pl.col("g") + 1)
    return (pl.col("k").log() + silent * (1 - share).log()).lt(math.log(params.demand_gap_chance))


def _silences(seen: pl.DataFrame, end: int, params: AuditParams) -> pl.DataFrame:
    """Return points with one silence unlike their others, between enough periods with demand.

    Few points have one, so what is slow to find is looked for in those alone.
    """
    same = pl.col("point") == pl.col("point").shift(1)
    gap = pl.when(same).then(pl.col("period") - pl.col("period").shift(1) - 1)
    gaps = seen.with_columns(gap.alias("gap")).rechunk()
    stats = gaps.group_by("point").agg(
        pl.len().alias("k"), pl.col("gap").sum().alias("empty"), pl.col("gap").max().alias("g")
    )
    odd = stats.filter(_unlikely(pl.col("g"), params))
    period, longest = pl.col("period"), pl.col("gap").arg_max()
    detail = gaps.join(odd, on="point", how="semi").group_by("point", maintain_order=True).agg(
        pl.col("gap").top_k(2).min().alias("next"),
        longest.alias("before"),
        period.get(longest).alias("resumed"),
        pl.max_horizontal(period.min() - seen["period"].min(), end - period.max()).alias("edge"),
    )  # fmt: skip
    return odd.join(detail, on="point").filter(
        pl.col("g") >= params.demand_gap_ratio * (pl.max_horizontal("next", "edge") + 1),
        pl.col("before") >= params.demand_gap_side,
        pl.col("k") - pl.col("before") >= params.demand_gap_side,
    )


def _first_day(bucket: str) -> pl.Expr:
    """Return the first day of the period numbered `resumed`."""
    number = pl.col("resumed")
    if bucket == "month":
        return pl.date((number - 1) // 12, (number - 1) % 12 + 1, 1)
    return (number * 7 - 3).cast(pl.Int32).cast(pl.Date)


def _asked(company: Company, times: int) -> pl.DataFrame:
    """Return items with demand on so many days."""
    counted = company.once("days asked", _days_asked)
    return counted.filter(pl.col("n").fill_null(0) == times).sort("item_id")


def _days_asked(company: Company) -> pl.DataFrame:
    """Return every item with the number of days with demand; 3 stands for more."""
    items = company.known["items"].select("item_id")
    asked = company.known[DEMAND].lazy().filter(pl.col("quantity") > 0).group_by("item_id")
    day, other = (
        pl.col("date"),
        (pl.col("date") != pl.col("date").min()) & (pl.col("date") != pl.col("date").max()),
    )
    days = 1 + (day.max() != day.min()).cast(pl.Int64) + other.any().cast(pl.Int64)
    return items.join(asked.agg(days.alias("n")).collect(), on="item_id", how="left")


@check(
    severity="info",
    table="items",
    what="{n} item<|s> <was|were> never asked for ({keys}).",
    why="Nothing in the history speaks for stocking <it|them>; a new or a dead item looks the same.",
    remedy="Give launch_date to new items and end_date to dead ones.",
)
def item_never_asked(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items without any demand above 0."""
    return doubtful(_asked(company, 0), ["item_id"], pl.lit("no demand in the whole history"))


@check(
    severity="info",
    table="items",
    what="{n} item<|s> <was|were> asked for on one day only ({keys}).",
    why="One demand gives neither a rate nor a spread: both are borrowed from the category.",
    remedy="Decide by hand whether <it is|they are> worth stocking.",
)
def item_asked_once(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items with demand on exactly one day."""
    return doubtful(_asked(company, 1), ["item_id"], pl.lit("demand on one day"))


@check(
    severity="info",
    table="items",
    what="{n} item<|s> <was|were> asked for on two days only ({keys}).",
    why="Two demands give hardly a rate and no spread.",
    remedy="Decide by hand whether <it is|they are> worth stocking.",
)
def item_asked_twice(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items with demand on exactly two days."""
    return doubtful(_asked(company, 2), ["item_id"], pl.lit("demand on two days"))


@check(
    severity="info",
    table="items",
    what="{n} item<|s> <makes|make> up a large part of all units asked for ({keys}).",
    why="Totals in units are the story of <this item|these items>; look at money or at items one by one.",
    remedy="Check that <it is|they are> counted in the same kind of unit as the others.",
)
def item_dominates(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items with at least `demand_dominant_item` of all units."""
    thousandths = (pl.col("quantity") * 1000).round().cast(pl.Int64).sum()
    total = company.known[DEMAND].group_by("item_id").agg(thousandths.alias("units"))
    share = pl.col("units") / pl.col("units").sum()
    many = pl.len() >= params.extent_items
    rows = total.with_columns(share.alias("share")).filter(many & (share >= params.demand_dominant_item))
    return doubtful(
        rows.sort("item_id"), ["item_id"], pl.format("{} % of all units", (100 * pl.col("share")).round(1))
    )


@check(
    severity="info",
    table=DEMAND,
    what="{n} single demand<|s> <makes|make> up a remarkable part of all units ({keys}).",
    why="An error in one row would show in every total.",
    remedy="Check <it|them>; a row that is no error may be a project.",
)
def demand_dominates(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return single rows with at least `demand_dominant_row` of all units, in a history of many rows."""
    rows = company.known[DEMAND].with_columns((pl.col("quantity") / pl.col("quantity").sum()).alias("share"))
    many = pl.lit(rows.height >= params.demand_least_cases)
    found = rows.filter(many & (pl.col("share") >= params.demand_dominant_row)).sort(ROW)
    words = pl.format("{} units, {} % of all", figure(pl.col("quantity")), (100 * pl.col("share")).round(1))
    return doubtful(found, ROW, words)
