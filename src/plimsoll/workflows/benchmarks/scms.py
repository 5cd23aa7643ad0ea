"""Lead times of real purchase orders predicted before they were known, against plainer predictions."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

import numpy as np
import polars as pl
from scipy import stats

from plimsoll import ingest, supply
from plimsoll.domain.errors import InputError
from plimsoll.domain.progress import Progress
from plimsoll.domain.raw import RawTable
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.domain.tables import table
from plimsoll.integrations import read_source
from plimsoll.maths.ragged import Floats
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

HELD_OUT = 0.2
COVERED = (0.5, 0.8, 0.95)
LEVELS = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
ASSUMED_CV = 0.3
NODE = ["item_id", "to_location_id", "from_location_id"]
OURS, UNREAD = "Plimsoll", "Plimsoll, open orders unread"
UNITS = {"shipment": ["shipment_id"], "order delivery": ["order_id", *NODE[1:], "received_date"]}

Law = Callable[[Floats | None], Floats]  # quantiles given that the lead time is at most so many days


def lines_of(raws: list[RawTable]) -> pl.DataFrame:
    """Return the lines with an order date on or before delivery, with `shipment_id` and `lead_days`."""
    receipts = ingest.read(raws, ingest.find_mapping("scms"), ingest.IngestParams()).tables["receipts"]
    lead = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days().cast(pl.Float64)
    shipments = raws[0].frame.select(line="po_line_id", shipment="shipment_id").cast(pl.String)
    return (
        receipts.join(shipments, on="line")
        .with_columns(lead.alias("lead_days"), pl.col("shipment").alias("shipment_id"))
        .drop("shipment")
        .filter(pl.col("lead_days") >= 0)
        .sort("ordered_date", "order_id", "line")
    )


def split_day(lines: pl.DataFrame, share: float = HELD_OUT) -> date:
    """Return the first day of the last `share` of orders by date."""
    orders = lines.group_by("order_id").agg(pl.col("ordered_date").min()).sort("ordered_date", "order_id")
    day: date = orders["ordered_date"][int((1 - share) * orders.height)]
    return day


def last_day(lines: pl.DataFrame) -> date:
    """Return the last day of receipt."""
    day: date = lines["received_date"].sort()[-1]
    return day


def units_of(lines: pl.DataFrame, unit: str) -> pl.DataFrame:
    """Return one line for each independent observation: its first."""
    return lines.unique(UNITS[unit], keep="first", maintain_order=True)


def _estimate(
    known: pl.DataFrame, still_open: pl.DataFrame | None, asked: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    receipts, orders = table("receipts"), table("open_orders")
    given = None
    if still_open is not None:
        given = orders.conform(still_open.select(set(still_open.columns) & set(orders.names)))
    return supply.estimate(
        receipts.conform(known.select(receipts.names)),
        table("lanes").conform(asked.select(NODE).unique()),
        supply.SupplyParams(),
        as_of=as_of,
        open_orders=given,
    )


def predict(
    known: pl.DataFrame, still_open: pl.DataFrame, asked: pl.DataFrame, as_of: date
) -> dict[str, Law]:
    """Return the quantiles of each method for the lines asked, from what was known on a day.

    The plain methods read shipments of the vendor, or of all vendors where it has none.
    """
    shipments = units_of(known, "shipment")
    every = shipments["lead_days"].to_numpy()
    own = {vendor: np.array(days) for vendor, days in shipments.group_by(NODE[2]).agg("lead_days").rows()}
    seen = [own.get(vendor, every) for vendor in asked[NODE[2]]]
    mean = np.array([days.mean() for days in seen])
    sd = np.array([days.std(ddof=1) if days.size > 1 else ASSUMED_CV * days.mean() for days in seen])

    def law(found: pl.DataFrame, at_most: Floats | None) -> Floats:
        rows = asked.select(NODE).join(found, on=NODE, how="left", maintain_order="left")
        return supply.quantiles(rows, LEVELS, supply.SupplyParams(), given_at_most=at_most)

    def normal(spread: Floats, at_most: Floats | None) -> Floats:
        limit = np.full(mean.size, np.inf) if at_most is None else at_most
        sd = np.maximum(spread, 1e-9)
        reached = np.asarray(stats.norm.cdf(limit, mean, sd))
        found = stats.norm.ppf(LEVELS * reached[:, None], mean[:, None], sd[:, None])
        return np.maximum(found, 0.0)

    def empirical(at_most: Floats | None) -> Floats:
        limit = np.full(mean.size, np.inf) if at_most is None else at_most
        kept = [days[days <= most] for days, most in zip(seen, limit, strict=True)]
        return np.array(
            [
                np.quantile(days, LEVELS) if days.size else most * LEVELS
                for days, most in zip(kept, limit, strict=True)
            ]
        )

    return {
        OURS: partial(law, _estimate(known, still_open, asked, as_of)),
        UNREAD: partial(law, _estimate(known, None, asked, as_of)),
        "mean, normal spread of 30 %": partial(normal, ASSUMED_CV * mean),
        "mean, normal spread as measured": partial(normal, sd),
        "vendor's own receipts": empirical,
    }


def score(lead: Floats, quantiles: Floats) -> dict[str, float]:
    """Return the mean pinball loss over the levels, and the shares within 50, 80 and 95 % quantiles."""
    found = {"pinball days": float(supply.pinball(lead, quantiles, LEVELS).mean())}
    for level in COVERED:
        inside = lead <= quantiles[:, np.searchsorted(LEVELS, level)]
        found[f"{100 * level:.0f} % covers"] = 100 * float(inside.mean())
    return found


def clustered_error(inside: Floats, cluster: pl.Series) -> float:
    """Return the standard error of a share of observations that are alike within clusters.

    e^2 = G / (G - 1) sum_g (sum_(i in g) (x_i - mean x))^2 / n^2         (Liang & Zeger 1986)
    """
    number = cluster.rank("dense").to_numpy() - 1
    sums = np.bincount(number, weights=inside - inside.mean())
    return float(np.sqrt(np.square(sums).sum() * sums.size / (sums.size - 1)) / inside.size)


def judge(parts: list[tuple[pl.DataFrame, dict[str, Law]]], end: date | None = None) -> pl.DataFrame:
    """Return the scores of each method over parts of held-out lines, by unit of observation.

    With `end`, the last day on file, laws are taken given that the order was received by then, which
    is why it is on file.
    """
    every = pl.concat([lines for lines, _ in parts])
    limits = [None if end is None else _days_until(end, lines) for lines, _ in parts]
    both = list(zip(parts, limits, strict=True))
    found = {name: np.vstack([laws[name](most) for (_, laws), most in both]) for name in parts[0][1]}
    rows = []
    for unit in UNITS:
        which = units_of(every.with_row_index("at"), unit)
        at, lead = which["at"].to_numpy(), which["lead_days"].to_numpy()
        for name, quantiles in found.items():
            scores = score(lead, quantiles[at])
            rows.append({"judged by": unit, "number": at.size, "prediction": name, **scores})
    shown = (pl.col("pinball days").round(2), pl.selectors.contains("covers").round(1))
    return pl.DataFrame(rows).with_columns(*shown)


def _days_until(end: date, lines: pl.DataFrame) -> Floats:
    days = lines.select((pl.lit(end) - pl.col("ordered_date")).dt.total_days().cast(pl.Float64))
    return days.to_series().to_numpy()


def known_on(lines: pl.DataFrame, as_of: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the lines received by the day, and those ordered by then and received later."""
    placed = lines.filter(pl.col("ordered_date") <= as_of)
    return placed.filter(pl.col("received_date") <= as_of), placed.filter(pl.col("received_date") > as_of)


def as_of_the_split(lines: pl.DataFrame, day: date) -> list[tuple[pl.DataFrame, dict[str, Law]]]:
    """Return orders from the day on, predicted with what was known the day before."""
    asked, as_of = lines.filter(pl.col("ordered_date") >= day), day - timedelta(days=1)
    return [(asked, predict(*known_on(lines, as_of), asked, as_of))]


def with_all_outcomes(lines: pl.DataFrame, day: date) -> list[tuple[pl.DataFrame, dict[str, Law]]]:
    """Return orders from the day on, predicted with all earlier orders and how they ended."""
    asked, known = lines.filter(pl.col("ordered_date") >= day), lines.filter(pl.col("ordered_date") < day)
    return [(asked, predict(known, known.clear(), asked, last_day(known)))]


def month_by_month(
    lines: pl.DataFrame, day: date, progress: Progress
) -> list[tuple[pl.DataFrame, dict[str, Law]]]:
    """Return orders from the day on, each month's predicted with what was known before the month."""
    later = lines.filter(pl.col("ordered_date") >= day).with_columns(
        pl.col("ordered_date").dt.month_start().alias("month")
    )
    months = later["month"].unique().sort().to_list()
    parts = []
    for done, month in enumerate(months):
        progress("Month by month", done, len(months))
        asked, as_of = (
            later.filter(pl.col("month") == month).drop("month"),
            max(month, day) - timedelta(days=1),
        )
        parts.append((asked, predict(*known_on(lines, as_of), asked, as_of)))
    return parts


def earlier_splits(lines: pl.DataFrame, day: date, progress: Progress) -> pl.DataFrame:
    """Return our scores and those of plain methods in the years before the split, a year held out each."""
    rows = []
    years = range(2009, day.year)
    for done, year in enumerate(years):
        progress("Earlier years", done, len(years))
        start = date(year, 1, 1)
        span = lines.filter(pl.col("ordered_date") < date(year + 1, 1, 1), pl.col("received_date") < day)
        scores = judge(as_of_the_split(span, start)).filter(
            pl.col("judged by") == "shipment", pl.col("prediction") != UNREAD
        )
        rows.append(scores.select(pl.lit(str(year)).alias("orders of"), pl.exclude("judged by")))
    return pl.concat(rows)


def _evidence(lines: pl.DataFrame, end: date) -> pl.DataFrame:
    """Return how many lanes and items rest on what, all receipts known."""
    found = _estimate(lines, lines.clear(), lines, end)
    return (
        found.group_by(pl.col("method_used").alias("most evidence from"))
        .agg(
            pl.col("from_location_id").n_unique().alias("vendors"),
            pl.struct("from_location_id", "to_location_id").n_unique().alias("lanes"),
            pl.len().alias("items on lanes"),
            pl.col("n_receipts_item").median().alias("receipts of the item, median"),
            pl.col("n_receipts_supplier").median().alias("of the vendor, median"),
        )
        .sort("items on lanes", descending=True)
    )


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Predict the last fifth of orders from what was known before, and judge the predictions."""
    source = options.data / "scms" / "purchase_orders.csv"
    if not source.exists():
        what = f"There is no file '{source}'."
        raise InputError(what, remedy="Name the folder that holds `scms` with --data.")
    lines = lines_of(read_source(source))
    day, end = split_day(lines), last_day(lines)
    progress("At the split", 0, 1)
    strict, all_known = as_of_the_split(lines, day), with_all_outcomes(lines, day)
    rolled = month_by_month(lines, day, progress)
    tables = {}
    for name, parts in (
        ("Known on the day before the split", strict),
        ("All earlier orders known to their end", all_known),
        ("Estimated anew each month", rolled),
    ):
        tables[name] = judge(parts)
        tables[f"{name}; given that the order is on file"] = judge(parts, end)
    tables["Years before the split, one held out each"] = earlier_splits(lines, day, progress)
    tables["Evidence of all lanes, at the end"] = _evidence(lines, end)
    return BenchmarkOutcome(
        "scms",
        f"Lead times of {lines['order_id'].n_unique():,} real orders, the last fifth held out",
        "plimsoll bench scms",
        machine(),
        tables,
        _notes(lines, strict[0][0], strict[0][1][OURS], day, end),
    )


def _errors(asked: pl.DataFrame, law: Law, unit: str) -> list[float]:
    """Return the standard errors of our shares within 50, 80 and 95 % quantiles, by vendor and quarter."""
    rows = units_of(asked.with_row_index("at"), unit)
    quantiles, lead = law(None)[rows["at"].to_numpy()], rows["lead_days"].to_numpy()
    cluster = rows.select(pl.struct(NODE[2], pl.col("ordered_date").dt.truncate("1q"))).to_series()
    return [
        clustered_error((lead <= quantiles[:, np.searchsorted(LEVELS, level)]).astype(np.float64), cluster)
        for level in COVERED
    ]


def _notes(lines: pl.DataFrame, asked: pl.DataFrame, law: Law, day: date, end: date) -> tuple[str, ...]:
    n = {unit: units_of(asked, unit).height for unit in UNITS}
    errors = " and ".join(
        f"{', '.join(f'{100 * e:.1f}' for e in _errors(asked, law, unit))} points by {unit}" for unit in UNITS
    )
    known, still_open = known_on(lines, day - timedelta(days=1))
    levels = ", ".join(f"{level:g}" for level in LEVELS)
    orders, held_out = lines["order_id"].n_unique(), asked["order_id"].n_unique()
    return (
        f"Held out: orders placed from {day} on, {held_out} of {orders:,}; {n['shipment']} shipments, "
        f"{n['order delivery']} order deliveries (what arrives of one order at one place on one day).",
        f"Known the day before: {units_of(known, 'shipment').height:,} shipments received; "
        f"{still_open['order_id'].n_unique()} orders open, read as longer than their days so far.",
        "One standard error of the shares at 50, 80 and 95 % known at the split, what one vendor was ordered "
        f"in one quarter being alike: {errors}.",
        f"The file ends on {end}: of orders placed shortly before, only those received at once are on it, "
        "and a perfect prediction would seem too long. The tables 'given that the order is on file' take "
        "every prediction given that the lead time ended by then.",
        f"Pinball loss in days: the mean over the levels {levels}.",
        "No lead time is typed in this file, so the vendor's mean stands for it; where a vendor has no "
        "receipts, the plain predictions read those of all vendors.",
        "All options are the defaults. How suppliers are pooled was chosen on the years before the split and "
        "on simulated companies; nothing was chosen on the orders held out.",
    )
