"""Real histories read in several ways: spikes kept or capped, stock-outs ignored, not seen or put back."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from plimsoll import demand, ingest, signals, supply
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.integrations import read_source
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

Tables = dict[str, pl.DataFrame]
KEY = ["item_id", "location_id"]
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.98)
# data set -> its periods are months, days of the interval judged, moments, days between them
DATA = {
    "man": (False, 56, 3, 56),
    "auto": (True, 92, 3, 92),
    "carparts": (True, 92, 3, 92),
    "vn2": (False, 21, 7, 112),  # few stock-outs are recent
}
SEED = 1


def company(folder: Path, name: str) -> tuple[Tables, date]:
    """Return the facts of a data set, and their last day."""
    mapping = ingest.find_mapping(name)
    result = ingest.read(read_source(folder / name), mapping)
    last = mapping.source.as_of or ingest.last_known_day(result.tables, date.max)
    return result.tables, last or date.max


def _moments(last: date, name: str) -> Iterator[date]:
    """Yield the days of knowledge, each leaving an interval to be judged; ends of weeks or months."""
    monthly, days, count, apart = DATA[name]
    for n in range(count):
        day = last - timedelta(days=days + n * apart)
        yield day.replace(day=1) - timedelta(days=1) if monthly else day - timedelta(days=day.weekday() + 1)


def came(tables: Tables, day: date, days: int) -> pl.DataFrame:
    """Return what was asked for in the interval, and whether all of it could be seen."""
    inside = pl.col("date").is_between(day, day + timedelta(days=days), closed="right")
    units = tables["demand"].filter(inside).group_by(KEY).agg(pl.col("quantity").sum())
    flags = tables.get("availability")
    if flags is None:
        return units.with_columns(hidden=pl.lit(value=False))
    hidden = flags.filter(inside, ~pl.col("in_stock")).select(KEY).unique().with_columns(hidden=True)
    return units.join(hidden, on=KEY, how="full", coalesce=True)


def _loss(tables: Tables, way: str, day: date, days: int) -> tuple[float, int]:
    """Return mean pinball loss over the points that were seen throughout, and their number."""
    done = ingest.complete(tables, as_of=day)
    constant = done.lanes.with_columns(lead_time_days_set=pl.lit(float(days)))
    points = done.points.with_columns(review_days_eff=pl.lit(0.0))
    lead_times = supply.estimate(
        done.tables["receipts"], constant, supply.SupplyParams(typed_cv=0.0), as_of=day
    )
    params = demand.DemandParams(
        outliers="capped" if way == "spikes capped" else "kept",
        stockouts="ignored" if way in ("stock-outs ignored", "stock-outs not seen") else "inferred",
    )
    prepared = demand.prepare(done.tables, points, params, as_of=day)
    unseen = done.tables["availability"] if way == "stock-outs not seen" else prepared.availability
    estimates = demand.estimate(
        prepared.demand, points, lead_times, params, as_of=day, seed=SEED, availability=unseen
    )
    judged = estimates.join(came(tables, day, days), on=KEY, how="left", maintain_order="left")
    judged = judged.filter(~pl.col("hidden").fill_null(value=False), pl.col("n_periods") > 0)
    actual = judged["quantity"].fill_null(0.0).clip(0.0).to_numpy()
    loss = signals.pinball_loss(
        judged["pmf_protection_constant"], judged["step_qty"].to_numpy(), actual, LEVELS
    )
    return float(np.mean(loss)), judged.height


def run(options: BenchmarkOptions, progress: Progress = silent) -> BenchmarkOutcome:
    """Estimate each data set at past moments with its history read in every way, and judge what came."""
    rows = []
    for n, (name, (_, days, *_)) in enumerate(DATA.items()):
        progress(name, n, len(DATA))
        tables, last = company(options.data, name)
        ways = ["spikes kept", "spikes capped"]
        if name == "vn2":
            ways = ["stock-outs ignored", "stock-outs not seen", "stock-outs put back"]
        for way in ways:
            found = [_loss(tables, way, day, days) for day in _moments(last, name)]
            counts = np.array([count for _, count in found])
            loss = np.average([value for value, _ in found], weights=counts)
            rows.append({"data": name, "history": way, "days": days, "cases": counts.sum(), "loss": loss})
    return BenchmarkOutcome(
        "history",
        "Held-out loss on real histories read in several ways",
        "plimsoll bench history",
        machine(),
        {"Pinball loss": pl.DataFrame(rows).with_columns(pl.col("loss").round(4))},
        (
            f"Loss in units, mean over the levels {', '.join(map(str, LEVELS))} and all cases, at several "
            "past moments; each estimate knows what was known then.",
            "Stock-outs: only intervals of which every week was in stock are judged.",
        ),
    )
