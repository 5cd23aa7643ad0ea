"""Checks on units, prices and currencies: mixed, fractional, zero, or the same for all."""

import polars as pl

from plimsoll.audit.checks.calendar import DEMAND
from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import LANE, POINT, doubtful, figure

LINE = ["date", "item_id", "location_id", "order_id", "line"]


def _odd(rows: pl.DataFrame, by: str | None = None) -> pl.DataFrame:
    """Return rows whose currency is not the one that most rows have, with that as `usual`."""
    told = rows.filter(pl.col("currency").is_not_null())
    counts = told.group_by("currency").len().sort("len", "currency", descending=[True, False])
    if counts.height < 2:
        return told.clear().with_columns(pl.lit("").alias("usual"))
    usual = str(counts["currency"][0])
    return told.filter(pl.col("currency") != usual).with_columns(pl.lit(usual).alias("usual"))


MIXED = pl.format("priced in {} where {} is usual", "currency", "usual")


@check(
    severity="warning",
    table="lanes",
    what="{n} lane<|s> <is|are> priced in another currency than most ({keys}).",
    why="Costs are added up as they are; another currency is wrong by the rate of exchange.",
    remedy="Convert <its|their> costs by the rate of exchange.",
)
def foreign_currency(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lanes in a minority currency; the money is the lane's unit cost."""
    return doubtful(_odd(company.known["lanes"]), LANE, MIXED, money=pl.col("unit_cost"))


@check(
    severity="warning",
    table="items",
    what="{n} item<|s> <is|are> valued in another currency than most ({keys}).",
    why="Costs are added up as they are; another currency is wrong by the rate of exchange.",
    remedy="Convert cost and price by the rate of exchange.",
)
def item_in_foreign_currency(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items in a minority currency; the money is the item's unit cost."""
    return doubtful(_odd(company.known["items"]), ["item_id"], MIXED, money=pl.col("unit_cost"))


@check(
    severity="info",
    table=DEMAND,
    what="{n} stocking point<|s> <has|have> order lines in another currency than most ({keys}).",
    why="Prices of lines in several currencies cannot be compared or added up.",
    remedy="Export all prices in one currency.",
)
def demand_in_foreign_currency(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points with order lines in a minority currency."""
    odd = (
        _odd(company.known[DEMAND])
        .group_by(*POINT, "currency")
        .agg(pl.col("usual").first(), pl.len().alias("n"))
    )
    return doubtful(
        odd.sort(*POINT, "currency"), [*POINT, "currency"], pl.format("order lines: {}, ", "n") + MIXED
    )


@check(
    severity="warning",
    table=DEMAND,
    what="{n} stocking point<|s> <has|have> demand booked in another unit ({keys}).",
    why="Quantities are added up as they are; pieces and cases differ by the size of the case.",
    remedy="Convert <its|their> quantities to the stocking unit.",
)
def demand_unit_mixed(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points with demand in a unit other than the item's, or than most of the item's demand."""
    told = company.known[DEMAND].filter(pl.col("unit").is_not_null())
    by_unit = told.group_by(*POINT, "unit").agg(pl.len().alias("n"), pl.col("quantity").median())
    common = told.group_by("item_id", "unit").len().sort("len", "unit", descending=[True, False])
    most = common.unique("item_id", keep="first", maintain_order=True).select("item_id", most="unit")
    own = company.known["items"].select("item_id", own="unit")
    rows = by_unit.join(own, on="item_id", how="left").join(most, on="item_id", how="left")
    rows = rows.with_columns(pl.coalesce("own", "most").alias("usual"))
    odd = rows.filter(pl.col("unit").str.to_lowercase() != pl.col("usual").str.to_lowercase())
    words = pl.format(
        "{} rows in {} (usually {} each), stocked in {}", "n", "unit", figure(pl.col("quantity")), "usual"
    )
    return doubtful(odd.sort(*POINT, "unit"), [*POINT, "unit"], words)


@check(
    severity="info",
    table=DEMAND,
    what="{n} demand<|s> <is|are> no whole number of units ({keys}).",
    why="Fractions of a counted unit are loose pieces, or quantities booked in another unit.",
    remedy="Nothing needs to be done if packs are opened; otherwise convert the quantities.",
)
def demand_fractional(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return fractional quantities of items that are counted: of known pack, or mostly in whole numbers."""
    off = (pl.col("quantity") - pl.col("quantity").round()).abs() > params.unit_tolerance
    rows = company.known[DEMAND].select(*LINE, "quantity", off.alias("off"))
    if not rows["off"].any():
        return doubtful(rows.clear(), LINE, pl.lit(""))
    share = rows.group_by("item_id").agg(pl.col("off").mean().alias("share"))
    packs = company.known["items"].select("item_id", "pack_size")
    judged = rows.filter("off").join(share, on="item_id").join(packs, on="item_id", how="left")
    counted = (pl.col("pack_size") > 1).fill_null(value=False) | (
        pl.col("share") <= params.unit_fraction_share
    )
    pieces = (pl.col("quantity") * pl.col("pack_size")).round(3)
    whole = pl.format("{} units = {} pieces", figure(pl.col("quantity")), figure(pieces))
    loose = pl.format("{} units", figure(pl.col("quantity")))
    words = pl.when(pl.col("pack_size").is_not_null()).then(whole).otherwise(loose)
    return doubtful(judged.filter(counted).sort(LINE), LINE, words)


@check(
    severity="info",
    table="lanes",
    what="{n} minimum<|s> <is|are> no whole number of units ({keys}).",
    why="A minimum of a fraction of a pack was typed in pieces, or means nothing.",
    remedy="Type the minimum in stocking units.",
)
def minimum_fractional(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lanes whose minimum is a fraction of the counted unit, with what it is in pieces."""
    minimum = pl.col("min_order_qty")
    rows = company.known["lanes"].filter((minimum - minimum.round()).abs() > 0)
    rows = rows.join(company.known["items"].select("item_id", "pack_size"), on="item_id", how="left")
    pieces = (minimum * pl.col("pack_size")).round(2).fill_null(minimum)
    words = pl.format(
        "{} units of {} pieces = {} <piece|pieces>", minimum, figure(pl.col("pack_size")), figure(pieces)
    )
    words = pl.when(pieces == 1).then(words.str.replace("<piece|pieces>", "piece", literal=True)).otherwise(
        words.str.replace("<piece|pieces>", "pieces", literal=True)
    )  # fmt: skip
    return doubtful(rows.sort(LANE), LANE, words)


@check(
    severity="info",
    table="lanes",
    what="{n} lane<|s> <has|have> a minimum of 0 where most have one ({keys}).",
    why="A 0 is typed where nobody knows the minimum; the supplier may have one.",
    remedy="Ask for the minimum; 1 says that any quantity is accepted.",
)
def minimum_zero(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lanes with a minimum of 0 among lanes most of which have one above."""
    lanes = company.known["lanes"]
    most = (pl.col("min_order_qty") > 0).fill_null(value=False).mean() > 0.5
    rows = lanes.filter(most & (pl.col("min_order_qty") == 0)).sort(LANE)
    return doubtful(rows, LANE, pl.lit("a minimum of 0"))


@check(
    severity="info",
    table="lanes",
    what="One value is typed for everything: {keys}.",
    why="A value that is the same for all is a policy or a default, not a measurement.",
    remedy="Replace it by measured values where they differ and matter.",
)
def one_value_for_all(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return columns of lanes and stocking points that hold one value in many rows, or two in very many."""
    frames = []
    columns = {
        "lanes": ("lead_time_days_set", "order_cost"),
        "stocking_points": ("holding_rate", "review_days"),
    }
    for name, wanted in columns.items():
        rows = company.given.get(name, company.known[name].clear())
        for column in wanted:
            counts = rows[column].drop_nulls().value_counts(sort=True)
            if rows.height >= params.unit_same_rows and 0 < counts.height <= 2:
                values = " and ".join(f"{value:g} ({n:,} rows)" for value, n in counts.rows())
                frames.append({"column": f"{name}.{column}", "values": values})
    said = pl.DataFrame(frames, schema={"column": pl.String, "values": pl.String})
    return doubtful(said, ["column"], pl.col("values"))


def _lines(company: Company, *columns: str) -> pl.DataFrame:
    """Return order lines on which all columns are known."""
    return company.known[DEMAND].drop_nulls(columns).select(*LINE, *dict.fromkeys(["quantity", *columns]))


@check(
    severity="warning",
    table=DEMAND,
    what="{n} order line<|s> <has|have> a value that is not quantity times price ({keys}).",
    why="One of the three is wrong: the quantity, the price, or the unit that the price is for.",
    remedy="Look whether the price is per piece or per pack.",
)
def line_value_contradicts(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lines whose stated value is off quantity times unit price by more than `unit_value_share`."""
    product = pl.col("quantity") * pl.col("unit_price")
    rows = _lines(company, "unit_price", "line_value").with_columns(product.alias("product"))
    limit = params.unit_value_share * pl.max_horizontal(pl.col("product").abs(), "line_value") + 0.01
    off = (pl.col("product") - pl.col("line_value")).abs()
    words = pl.format(
        "value {}, but quantity times price is {}", figure(pl.col("line_value")), figure(pl.col("product"))
    )
    return doubtful(rows.filter(off > limit), LINE, words, money=off)


@check(
    severity="info",
    table=DEMAND,
    what="{n} order line<|s> <has|have> a price of 0 ({keys}).",
    why="Gifts, samples and missing prices look alike; as prices they pull averages down.",
    remedy="Leave the price blank where it is not known.",
)
def price_zero(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lines with a unit price of 0."""
    rows = _lines(company, "unit_price").filter(pl.col("unit_price") == 0)
    return doubtful(rows, LINE, pl.format("{} units at a price of 0", figure(pl.col("quantity"))))


@check(
    severity="info",
    table=DEMAND,
    what="{n} order line<|s> <has|have> a value of 0 ({keys}).",
    why="Gifts, samples and missing prices look alike.",
    remedy="Leave the value blank where it is not known.",
)
def line_value_zero(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lines with a value of 0."""
    rows = _lines(company, "line_value").filter(pl.col("line_value") == 0)
    return doubtful(rows, LINE, pl.format("{} units for nothing", figure(pl.col("quantity"))))


@check(
    severity="info",
    table=DEMAND,
    what="{n} order line<|s> <has|have> a price of 0 for a piece ({keys}).",
    why="A price rounded to cents is 0 for small pieces: never multiply it by pieces.",
    remedy="Use the price of a unit.",
)
def piece_price_zero(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lines with a piece price of 0, and whether that is rounding alone."""
    rows = company.known[DEMAND].filter(pl.col("piece_price") == 0)
    rounding = pl.format("only rounding: a unit costs {}", figure(pl.col("unit_price")))
    words = pl.when(pl.col("unit_price") > 0).then(rounding).otherwise(pl.lit("a unit has no price either"))
    return doubtful(rows, LINE, words)


@check(
    severity="info",
    table="locations",
    what="{n} supplier<|s> <is|are> called almost like another ({keys}).",
    why="One supplier under several names splits the evidence on its lead times.",
    remedy="Translate the names to one with values in the mapping where they mean the same.",
)
def supplier_names_alike(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return suppliers whose name begins with the same word as another's, or has stray spaces."""
    name = pl.col("location_id")
    words = name.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    first = words.str.extract(r"^(?:the )?(\p{L}{4,})")
    rows = company.known["locations"].filter(pl.col("kind") == "supplier").sort("location_id")
    named = rows.select(
        "location_id", first.alias("first"), name.str.contains(r"\s\s|^\s|\s$").alias("spaced")
    )
    named = named.with_columns(
        pl.when(pl.col("first").is_not_null()).then(pl.len().over("first")).otherwise(1).alias("n"),
        pl.col("location_id").str.join(" | ").over("first").alias("all"),
    )
    spaces = pl.when("spaced").then(pl.lit("the name has stray spaces"))
    alike = pl.when(pl.col("n") > 1).then(pl.format("the same first word in {}", "all"))
    found = named.filter("spaced" if named.is_empty() else (pl.col("spaced") | (pl.col("n") > 1)))
    return doubtful(found, ["location_id"], pl.concat_str([spaces, alike], separator="; ", ignore_nulls=True))
