"""Checks on receipts: dates that contradict each other or are missing, promises, parts, missing amounts."""

import polars as pl

from plimsoll.audit.checks.calendar import MAD_TO_SD
from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import LANE, doubtful, figure

RECEIPTS = "receipts"
ROW = ["order_id", "line", *LANE, "received_date"]
LEAD = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days()
NUMBERS = r"[A-Z]*-?\d+"  # what differs from note to note of one kind


def _dated(company: Company) -> pl.DataFrame:
    """Return receipts with an order date that is not after the receipt, with `lead` in days."""
    return company.known[RECEIPTS].with_columns(LEAD.alias("lead")).filter(pl.col("lead") >= 0)


def _by_supplier(rows: pl.DataFrame, note: str, words: str) -> pl.DataFrame:
    """Return one row a supplier and kind of note, with the number of receipts.

    Notes are of one kind if they differ in numbers only. `words` has two gaps: receipts and note.
    """
    kind = pl.col(note).str.replace_all(NUMBERS, "#").fill_null("without a note")
    by = ["from_location_id", "why"]
    counted = rows.group_by("from_location_id", kind.alias("why")).agg(n=pl.len()).sort(by)
    noun = pl.when(pl.col("n") == 1).then(pl.lit("receipt")).otherwise(pl.lit("receipts"))
    said = pl.format(words, pl.format("{} {}", "n", noun), "why")
    return doubtful(counted, by, said, n_facts=pl.col("n"))


@check(
    severity="warning",
    table=RECEIPTS,
    what="{n} receipt<|s> <is|are> dated before <its|their> order ({keys}).",
    why="Orders entered after the goods arrived, or swapped dates, make lead times look short.",
    remedy="Correct the dates, or enter orders when they are placed.",
    covers=("lead_time_negative",),
)
def receipt_before_order(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return receipts whose order date lies after them."""
    rows = company.known[RECEIPTS].with_columns(LEAD.alias("lead")).filter(pl.col("lead") < 0)
    return doubtful(
        rows, ROW, pl.format("ordered on {}, {} days after the receipt", "ordered_date", -pl.col("lead"))
    )


@check(
    severity="info",
    table=RECEIPTS,
    what="{n} receipt<|s> <has|have> no order date ({keys}).",
    why="A lead time runs from the day of the order; these rows tell of none.",
    remedy="Map the column that holds the day of the order; where there is none, nothing needs to be done.",
    covers=("lead_time_undated",),
)
def receipt_undated(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the number of receipts without an order date by supplier and reason, as the note has it."""
    rows = company.known[RECEIPTS].filter(pl.col("ordered_date").is_null())
    return _by_supplier(rows, "note", "no order date in {}: {}")


@check(
    severity="info",
    table=RECEIPTS,
    what="{n} receipt<|s> arrived on the day of <its|their> order ({keys}).",
    why="Call-offs, local purchases and orders written afterwards are no evidence of a supplier's lead time.",
    remedy="Nothing needs to be done if that is how these goods are bought.",
)
def receipt_same_day(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return receipts dated as their order."""
    rows = _dated(company).filter(pl.col("lead") == 0)
    return doubtful(rows, ROW, pl.format("ordered and received from {} on one day", "from_location_id"))


@check(
    severity="warning",
    table=RECEIPTS,
    what="{n} receipt<|s> arrived implausibly long after <its|their> order ({keys}).",
    why="A few typing errors double the spread of a lead time, and the buffer with it.",
    remedy="Correct the dates; if a later call of one order, book the call as an order.",
    part_of=("lead_time_absurd",),
)
def receipt_too_long(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lead times far beyond the supplier's usual on a log scale, and beyond a year.

    ln(lead / m) > `receipt_long_z` s with m the median and s = 1.4826 median |ln lead - ln m|, at least
    0.25; suppliers with few receipts are not judged.
    """
    rows = _dated(company).filter(pl.col("lead") > 0)
    log = pl.col("lead").log()
    usual = rows.group_by("from_location_id").agg(
        log.median().alias("m"), pl.len().alias("n"),
        ((log - log.median()).abs().median() * MAD_TO_SD).clip(0.25).alias("s"),
    )  # fmt: skip
    judged = rows.join(usual.filter(pl.col("n") >= params.receipt_cases), on="from_location_id")
    far = (log - pl.col("m") > params.receipt_long_z * pl.col("s")) & (
        pl.col("lead") > params.receipt_long_days
    )
    found = judged.filter(far)
    return doubtful(found, ROW, pl.format("{} days where {} are usual", "lead", figure(pl.col("m").exp())))


@check(
    severity="info",
    table=RECEIPTS,
    what="{n} order<|s> came in several deliveries ({keys}).",
    why="Later calls of one order look like long lead times.",
    remedy="Book calls as orders of their own where they are planned as such.",
)
def order_in_parts(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return dated orders received on more than one day."""
    dated = company.known[RECEIPTS].with_columns(LEAD.alias("lead")).filter(pl.col("lead").is_not_null())
    parts = dated.group_by("order_id").agg(
        pl.col("received_date").n_unique().alias("days"),
        pl.col("received_date").min().alias("first"),
        pl.col("received_date").max().alias("last"),
        pl.col("lead").max(),
    )  # fmt: skip
    rows = parts.filter(pl.col("days") > 1).sort("order_id")
    words = pl.format(
        "on {} days from {} to {}; the last {} days after the order", "days", "first", "last", "lead"
    )
    return doubtful(rows, ["order_id"], words)


@check(
    severity="info",
    table=RECEIPTS,
    what="{n} order line<|s> came in parts ({keys}).",
    why="When half has come, the order is neither open nor done; lead times count until most of it is there.",
    remedy="Nothing needs to be done.",
)
def line_in_parts(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return order lines received on more than one day."""
    line = ["order_id", "line", *LANE]
    named = company.known[RECEIPTS].filter(pl.col("line").is_not_null())
    parts = named.group_by(line).agg(pl.col("received_date").n_unique().alias("n"), pl.col("quantity").max())
    rows = parts.filter(pl.col("n") > 1).sort(line)
    words = pl.format("an order line came in {} parts, the largest of {}", "n", figure(pl.col("quantity")))
    return doubtful(rows, line, words)


@check(
    severity="info",
    table=RECEIPTS,
    what="Promised days equal days of receipt suspiciously often, by supplier: {keys}.",
    why="Promises that are rewritten until they come true hide the real delay.",
    remedy="Judge suppliers by order to receipt, and keep the first promise.",
)
def promise_rewritten(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the share of promises kept to the day by supplier, where that of all is no chance.

    Lead times that vary by days meet a promised day by chance in few cases; `receipt_promise_share` of
    all receipts is more. Suppliers with few receipts are taken together.
    """
    rows = company.known[RECEIPTS].filter(pl.col("promised_date").is_not_null())
    many = pl.len().over("from_location_id") >= params.receipt_cases
    supplier = pl.when(many).then("from_location_id").otherwise(pl.lit("suppliers with few receipts"))
    met = (pl.col("promised_date") == pl.col("received_date")).alias("met")
    shares = rows.with_columns(supplier.alias("supplier"), met).group_by("supplier").agg(
        pl.col("met").sum(), pl.len().alias("n")
    )  # fmt: skip
    found = shares.filter(pl.col("met").sum() >= params.receipt_promise_share * pl.col("n").sum()).sort(
        "supplier"
    )
    share = figure((100 * pl.col("met") / pl.col("n")).round(1))
    return doubtful(
        found, ["supplier"], pl.format("{} of {} receipts on the promised day, {} %", "met", "n", share)
    )


@check(
    severity="info",
    table=RECEIPTS,
    what="{n} receipt<|s> <has|have> a promised day beyond the day of knowledge ({keys}).",
    why="Goods that are there cannot be promised for later: the promise was not kept up.",
    remedy="Nothing needs to be done unless promises are used to judge suppliers.",
)
def promise_ahead(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return receipts promised for a day after the day of knowledge."""
    rows = company.known[RECEIPTS].filter(pl.col("promised_date") > company.as_of)
    return doubtful(rows, ROW, pl.format("promised for {}, received on {}", "promised_date", "received_date"))


@check(
    severity="info",
    table=RECEIPTS,
    what="Lead times differ from year to year: {keys}.",
    why="A mean over all years fits none of them.",
    remedy="Nothing needs to be done: recent receipts should weigh more in the estimate.",
)
def lead_time_by_year(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return mean lead times by year of receipt, where the longest exceeds the shortest by a factor."""
    year = pl.col("received_date").dt.year().cast(pl.String).alias("year")
    lead = pl.col("lead")
    leads = _dated(company).group_by(year).agg(lead.mean(), lead.max().alias("longest"), pl.len().alias("n"))
    years = leads.filter(pl.col("n") >= 10 * params.receipt_cases).sort("year")
    differ = lead.max() >= params.receipt_year_factor * lead.min()
    mean = lead.round(0).cast(pl.Int64)
    words = pl.format("mean {} days of {} receipts, the longest {}", mean, "n", "longest")
    return doubtful(years.filter(differ), ["year"], words)


@check(
    severity="info",
    table=RECEIPTS,
    what="{n} receipt<|s> <tells|tell> no freight ({keys}).",
    why="Unknown freight is not freight of 0; what a lane costs is understated.",
    remedy="Nothing needs to be done where freight is paid in another way.",
)
def freight_missing(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the number of receipts without freight, where others have one, by supplier and reason."""
    some = pl.col("freight_cost").is_not_null().any()
    rows = company.known[RECEIPTS].filter(some & pl.col("freight_cost").is_null())
    return _by_supplier(rows, "freight_note", "no freight in {}: {}")


@check(
    severity="info",
    table=RECEIPTS,
    what="{n} receipt<|s> <does|do> not say how <it|they> travelled ({keys}).",
    why="Air and sea have different lead times; mixed, they look like a wide spread.",
    remedy="Fill in the mode where it is known.",
)
def mode_missing(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the number of receipts without a mode, where others have one, by supplier."""
    some = pl.col("mode").is_not_null().any()
    rows = company.known[RECEIPTS].filter(some & pl.col("mode").is_null())
    counted = rows.group_by("from_location_id").agg(n=pl.len()).sort("from_location_id")
    words = pl.format("no mode in {} of its receipts", "n")
    return doubtful(counted, ["from_location_id"], words, n_facts=pl.col("n"))


@check(
    severity="info",
    table=RECEIPTS,
    what="Receipts came together in shipments: {keys}.",
    why="Lines of one shipment share their dates and count as one observation of a lead time.",
    remedy="Nothing needs to be done.",
)
def receipts_share_shipments(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return how many lines came in how many shipments, where some share one."""
    told = company.known[RECEIPTS].filter(pl.col("shipment_id").is_not_null())
    counts = told.select(pl.len().alias("lines"), pl.col("shipment_id").n_unique().alias("shipments"))
    rows = counts.filter(pl.col("shipments") < pl.col("lines"))
    said = rows.with_columns(pl.format("{} lines in {} shipments", "lines", "shipments").alias("what"))
    return doubtful(
        said, ["what"], pl.format("{} lines a shipment", figure(pl.col("lines") / pl.col("shipments")))
    )


@check(
    severity="info",
    table=RECEIPTS,
    what="{n} lane<|s> <receives|receive> quantities that do not fit <its|their> order multiple ({keys}).",
    why="A multiple that nobody keeps to rounds orders for nothing, or is typed in another unit.",
    remedy="Correct the order multiple.",
)
def receipts_off_multiple(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lanes of which most receipts are no whole multiple of the typed one."""
    lanes = company.known["lanes"].filter(pl.col("order_multiple") > 0).select(*LANE, "order_multiple")
    rows = (
        company.known[RECEIPTS].group_by(*LANE, "order_id").agg(pl.col("quantity").sum()).join(lanes, on=LANE)
    )
    lots = pl.col("quantity") / pl.col("order_multiple")
    off = ((lots - lots.round()).abs() > params.unit_tolerance).sum()
    by_lane = rows.group_by(LANE).agg(off.alias("off"), pl.len().alias("n"), pl.col("order_multiple").first())
    found = by_lane.filter((pl.col("n") >= 3) & (2 * pl.col("off") > pl.col("n"))).sort(LANE)
    return doubtful(
        found,
        LANE,
        pl.format("{} of {} orders are no multiple of {}", "off", "n", figure(pl.col("order_multiple"))),
    )


@check(
    severity="info",
    table=RECEIPTS,
    what="{n} lane<|s> <was|were> used but <is|are> not in the table of lanes ({keys}).",
    why="Its lead time, minimum and cost were never typed, so nobody keeps them up.",
    remedy="Add <it|them> to the lanes, or look why goods came that way.",
    part_of=("lanes_from_receipts",),
)
def receipt_without_lane(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lanes seen in receipts only, where the item has another lane to that place."""
    listed = company.given.get("lanes", company.known["lanes"].clear())
    seen = company.known[RECEIPTS].group_by(LANE).agg(pl.len().alias("n")).join(listed, on=LANE, how="anti")
    rows = seen.join(listed.select(LANE[:2]).unique(), on=LANE[:2], how="semi").sort(LANE)
    return doubtful(
        rows, LANE, pl.format("{} receipts from {}, which is no lane of the item", "n", "from_location_id")
    )


@check(
    severity="info",
    table="locations",
    what="{n} supplier<|s> <supplies|supply> nothing ({keys}).",
    why="Either <its|their> lanes are missing or <it is|they are> no supplier any more.",
    remedy="Add the lanes, or take <it|them> out of the table of locations.",
)
def supplier_without_lane(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return listed suppliers that no lane, receipt or open order names."""
    listed = company.given.get("locations", company.known["locations"].clear())
    used = [company.known[name].select("from_location_id") for name in ("lanes", RECEIPTS, "open_orders")]
    named = pl.concat(used).unique().select(location_id="from_location_id")
    rows = (
        listed.filter(pl.col("kind") == "supplier")
        .join(named, on="location_id", how="anti")
        .sort("location_id")
    )
    return doubtful(rows, ["location_id"], pl.lit("no lane, receipt or open order"))
