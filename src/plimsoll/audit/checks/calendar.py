"""Checks on the calendar of demand: periods in which the company or a place records almost nothing."""

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import POINT, doubtful, figure
from plimsoll.domain.calendar import EVERY, Bucket, last_complete_start, period_start

PLACES = 2**20  # more places than any company has
PERIODS = 2**16  # more months or weeks than since the year 0
MAD_TO_SD = 1.4826  # of a normal law
DEMAND = "demand"


def bucket_of(demand: pl.DataFrame) -> Bucket:
    """Return month where every demand is dated on the first of a month, else week."""
    return "month" if demand.height and bool((demand["date"].dt.day() == 1).all()) else "week"


def asked_for(company: Company) -> pl.DataFrame:
    """Return demand above 0 with the item and point as a number: millions of texts are slow to group.

    Returns
    -------
    pl.DataFrame
        point (its item is point // PLACES), date, quantity, row (number of the row of `demand`).
    """
    return company.once("asked for", _asked_for)


def _asked_for(company: Company) -> pl.DataFrame:
    item, place = (pl.col(name).cast(pl.Categorical).to_physical().cast(pl.Int64) for name in POINT)
    rows = company.known[DEMAND].lazy().with_row_index("row").filter(pl.col("quantity") > 0)
    return rows.select((item * PLACES + place).alias("point"), "date", "quantity", "row").collect()


def rows_of(company: Company, asked: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `demand` that rows of `asked_for` were made from, beside their further columns."""
    more = [name for name in asked.columns if name not in ("date", "quantity", "row")]
    return company.known[DEMAND][asked["row"]].hstack(asked.select(more))


def period_number(bucket: Bucket) -> pl.Expr:
    """Return the number of the month, or of the week from Monday, that holds `date`."""
    if bucket == "month":
        return pl.col("date").dt.year().cast(pl.Int64) * 12 + pl.col("date").dt.month().cast(pl.Int64)
    return (pl.col("date").to_physical().cast(pl.Int64) + 3) // 7  # day 0 was a Thursday


def active_periods(company: Company) -> pl.DataFrame:
    """Return the numbers of the periods with demand, once each, by point; sorted.

    One number for both is found and sorted many times faster than two columns.
    """
    return company.once("active periods", _active_periods)


def _active_periods(company: Company) -> pl.DataFrame:
    demand = asked_for(company)
    number = pl.col("point") * PERIODS + period_number(bucket_of(demand))
    once = demand.select(number.alias("both")).unique().sort("both")
    return once.select((pl.col("both") // PERIODS).alias("point"), (pl.col("both") % PERIODS).alias("period"))


def periods(company: Company, by: tuple[str, ...] = ()) -> pl.DataFrame:
    """Return every complete period of the history with its rows of demand and units, of all or by place.

    Returns
    -------
    pl.DataFrame
        start, the columns of `by`, n (rows above 0), units; sorted, periods without rows included.
    """
    return company.once(f"periods by {by}", lambda company: _periods(company, by))


def _periods(company: Company, by: tuple[str, ...]) -> pl.DataFrame:
    demand = company.known[DEMAND].select("date", "quantity", *by).filter(pl.col("quantity") > 0)
    if demand.is_empty():
        return demand.select("date", *by, n=0, units=0.0).rename({"date": "start"})
    bucket = bucket_of(demand)
    first, last = demand.select(pl.col("date").min()).item(), last_complete_start(company.as_of, bucket)
    begin = period_start(first, bucket)
    grid = pl.date_range(begin, max(begin, last), EVERY[bucket], eager=True).alias("start").to_frame()
    if by:
        grid = grid.join(demand.select(by).unique(), how="cross")
    # Whole thousandths add up to the same figure in any order of rows.
    thousandths = (pl.col("quantity") * 1000).round().cast(pl.Int64).sum()
    daily = demand.group_by("date", *by).agg(pl.len().cast(pl.Int64).alias("n"), thousandths.alias("units"))
    start = pl.col("date").dt.truncate(EVERY[bucket]).alias("start")
    counted = daily.group_by(start, *by).agg(pl.col("n").sum(), pl.col("units").sum() / 1000)
    whole = grid.join(counted, on=["start", *by], how="left").sort(*by, "start")
    return whole.with_columns(pl.col("n").fill_null(0), pl.col("units").fill_null(0.0))


def _edges(rows: pl.DataFrame, params: AuditParams) -> pl.DataFrame:
    """Return periods with `at_start` and `at_end`: runs at the ends with far fewer rows than inside."""
    window, least = params.calendar_window, params.calendar_cut_share
    before = pl.col("n").rolling_median(window, min_samples=6).shift(1)
    after = pl.col("n").reverse().rolling_median(window, min_samples=6).shift(1).reverse()
    place = pl.int_range(pl.len())
    enough = params.calendar_least_rows
    low_end, low_start = ((pl.col("n") < least * usual) & (usual >= enough) for usual in (before, after))
    last_good = place.filter(~low_end.fill_null(value=False)).max()
    first_good = place.filter(~low_start.fill_null(value=False)).min()
    short = params.calendar_cut_periods
    marked = rows.with_columns(
        before=before,
        after=after,
        at_end=(place > last_good) & (pl.len() - 1 - last_good <= short),
        at_start=(place < first_good) & (first_good <= short),
    )
    return marked.rechunk()  # Polars 2.1 fails to format rows of columns that were shifted apart


@check(
    severity="warning",
    table=DEMAND,
    what="{n} <period|periods> of demand <is a hole|are holes> in the calendar ({keys}).",
    why="A shut-down or a lost export looks like a fall in demand, and rates come out too low.",
    remedy="Import the missing rows, or mark the period as not available where nothing could be sold.",
)
def calendar_hole(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return periods with less than a share of the rows usual around them; by place where it has enough."""
    rows = _edges(periods(company), params)
    whole = _holes(rows, params)
    places = periods(company, ("location_id",)).with_columns(at_end=False, at_start=False)
    told = pl.concat(
        [whole.select("start"), rows.filter(pl.col("at_end") | pl.col("at_start")).select("start")]
    )
    own = _holes(places, params, by=("location_id",)).join(told, on="start", how="anti")
    words = pl.format("{} rows of demand where {} are usual", "n", figure(pl.col("usual")))
    company_wide = doubtful(whole, ["start"], words)
    return pl.concat([company_wide, doubtful(own, ["start", "location_id"], words)])


def _holes(rows: pl.DataFrame, params: AuditParams, by: tuple[str, ...] = ()) -> pl.DataFrame:
    """Return periods inside the history that hold far fewer rows than those around them."""
    usual = pl.col("n").rolling_median(params.calendar_window, min_samples=6, center=True)
    first = pl.col("start").filter(pl.col("n") > 0).min()
    last = pl.col("start").filter(pl.col("n") > 0).max()
    columns = (usual.alias("usual"), first.alias("first_seen"), last.alias("last_seen"))
    marked = rows.with_columns(each.over(by) if by else each for each in columns)
    return marked.filter(
        pl.col("n") < params.calendar_hole_share * pl.col("usual"),
        pl.col("usual") >= params.calendar_least_rows,
        pl.col("start").is_between("first_seen", "last_seen"),
        ~pl.col("at_end"),
        ~pl.col("at_start"),
    )


@check(
    severity="warning",
    table=DEMAND,
    what="The extract seems cut at its end: {n} last period<|s> <holds|hold> far fewer rows ({keys}).",
    why="A period exported before it was complete looks like a fall in demand of every item.",
    remedy="Set as_of in the mapping to the last day that is complete, or export again.",
)
def extract_cut_at_end(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the last periods with less than a share of the rows of those before."""
    rows = _edges(periods(company), params).filter("at_end")
    return doubtful(
        rows,
        ["start"],
        pl.format("{} rows of demand where {} were usual before", "n", figure(pl.col("before"))),
    )


@check(
    severity="warning",
    table=DEMAND,
    what="The extract seems cut at its start: {n} first period<|s> <holds|hold> far fewer rows ({keys}).",
    why="A history that begins in the middle of a period looks like a rise in demand of every item.",
    remedy="Leave the first rows out by a filter in the mapping, or export again.",
)
def extract_cut_at_start(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the first periods with less than a share of the rows of those after."""
    rows = _edges(periods(company), params).filter("at_start")
    return doubtful(
        rows, ["start"], pl.format("{} rows of demand where {} are usual after", "n", figure(pl.col("after")))
    )


@check(
    severity="info",
    table=DEMAND,
    what="{n} period<|s> <has|have> a total far below those around ({keys}).",
    why="A holiday or a strike lowers demand for a time and says nothing about the rate of an item.",
    remedy="Nothing needs to be done if the reason is known and comes back every year.",
)
def period_low(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return periods whose units lie robustly below the median around them, on a log scale.

    z = ln(units / median around) / (1.4826 median |ln ratio|); below `-calendar_low_z`, and below
    `calendar_low_share` of the median.
    """
    rows = periods(company)
    around = pl.col("units").rolling_median(13, min_samples=5, center=True)
    ratio = (pl.col("units") / around).log()
    year = 12 if rows.height and bucket_of(company.known[DEMAND]) == "month" else 52
    scored = rows.with_columns(around=around, ratio=ratio).filter(pl.col("ratio").is_finite())
    low = pl.col("ratio") < -params.calendar_low_z * MAD_TO_SD * pl.col("ratio").abs().median()
    low &= pl.col("ratio").exp() < params.calendar_low_share
    again = low.shift(year).fill_null(value=False) | low.shift(-year).fill_null(value=False)
    marked = scored.with_columns(low.alias("low"), again.alias("again")).filter("low").rechunk()
    yearly = pl.when("again").then(pl.lit("; as low a year before or after, so probably a holiday"))
    detail = pl.format("{} units where {} are usual", figure(pl.col("units")), figure(pl.col("around")))
    return doubtful(marked, ["start"], detail + yearly.otherwise(pl.lit("")))
