"""Time and memory of the whole plan by number of stocking points, stage by stage."""

import multiprocessing
import resource
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from plimsoll import __version__
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.domain.tables import input_tables, table
from plimsoll.maths.rng import rng_for
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.pipeline import run_stages
from plimsoll.workflows.settings import Settings

DEFAULT_POINTS = (10_000, 30_000, 100_000)
PLACES = 4
SUPPLIERS = 60
RECEIPTS_PER_LANE = 6
AS_OF = date(2026, 11, 1)
# class -> (share of points, probability of demand in a week, mean size, gamma shape of the size)
MIX = {
    "smooth": (0.20, 0.98, 60.0, 8.0),
    "erratic": (0.15, 0.95, 25.0, 1.2),
    "intermittent": (0.40, 0.15, 3.0, 6.0),
    "lumpy": (0.25, 0.12, 12.0, 0.8),
}
PUBLISH = "Publish"


def synthetic_facts(n_points: int, periods: int, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Return the facts of a company of that size: weekly demand of four classes, receipts, stock, lanes."""
    rng = rng_for(seed, "benchmark plan", str(n_points))
    names = pl.DataFrame({"point": np.arange(n_points)}).select(
        item_id=pl.format("I{}", (pl.col("point") // PLACES).cast(pl.String).str.zfill(6)),
        location_id=pl.format("P{}", pl.col("point") % PLACES),
        from_location_id=pl.format("S{}", pl.col("point") // PLACES % SUPPLIERS),
    )
    n_items = -(-n_points // PLACES)
    stocked = names.select("item_id", "location_id").with_columns(
        date=pl.lit(AS_OF), on_hand=pl.Series(np.round(rng.gamma(1.5, 30.0, n_points)))
    )
    lanes = names.rename({"location_id": "to_location_id"}).with_columns(
        lead_time_days_set=pl.lit(30.0),
        min_order_qty=pl.Series(rng.choice([1.0, 10.0, 50.0], n_points)),
    )
    facts = {
        "items": pl.DataFrame(
            {
                "item_id": names["item_id"].unique(maintain_order=True),
                "unit_cost": np.round(rng.lognormal(2.5, 1.0, n_items), 2),
                "category": np.array([f"C{k}" for k in range(20)])[rng.integers(0, 20, n_items)],
            }
        ),
        "demand": _weekly_demand(names, periods, rng),
        "lanes": lanes,
        "receipts": _receipts(lanes, periods, rng),
        "stock": stocked,
    }
    return {name: table(name).conform(facts.get(name, table(name).empty())) for name in input_tables()}


def _weekly_demand(names: pl.DataFrame, periods: int, rng: np.random.Generator) -> pl.DataFrame:
    share, occurrence, size, shape = (np.array(column) for column in zip(*MIX.values(), strict=True))
    kind = rng.choice(len(MIX), names.height, p=share)
    scale = rng.lognormal(0.0, 0.8, names.height)
    happens = rng.random((names.height, periods)) < occurrence[kind][:, None]
    point, week = np.nonzero(happens)
    mean = (size[kind] * scale)[point]
    quantity = np.ceil(rng.gamma(shape[kind][point], mean / shape[kind][point]))
    first = AS_OF - timedelta(days=7 * periods - 1)
    days = np.datetime64(first) + 7 * week.astype("timedelta64[D]")
    rows = names.select("item_id", "location_id")[point]
    return rows.with_columns(date=pl.Series(days), quantity=pl.Series(quantity))


def _receipts(lanes: pl.DataFrame, periods: int, rng: np.random.Generator) -> pl.DataFrame:
    row = np.repeat(np.arange(lanes.height), RECEIPTS_PER_LANE)
    supplier_mean = rng.uniform(10.0, 90.0, SUPPLIERS)
    mean = supplier_mean[row // PLACES % SUPPLIERS]
    ordered = np.datetime64(AS_OF) - rng.integers(150, 7 * periods, len(row)).astype("timedelta64[D]")
    days = np.ceil(rng.gamma(9.0, mean / 9.0)).astype("timedelta64[D]")
    return lanes.select("item_id", "to_location_id", "from_location_id")[row].with_columns(
        order_id=pl.format("PO{}", pl.int_range(len(row))),
        ordered_date=pl.Series(ordered),
        received_date=pl.Series(ordered + days),
        quantity=pl.lit(100.0),
    )


def peak_gigabytes() -> float:
    """Return the most memory this process has held, in GB (counted in KiB on Linux, bytes on macOS)."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(held * (1 if sys.platform == "darwin" else 1024) / 1e9)


def measure_once(n_points: int, periods: int) -> dict[str, float]:
    """Plan a synthetic company once and publish it; returns seconds by stage and peak memory in GB."""
    facts, settings = synthetic_facts(n_points, periods), Settings()
    start = perf_counter()
    stages = run_stages(facts, settings, as_of=AS_OF, seed=1, progress=silent)
    with tempfile.TemporaryDirectory() as folder, Workspace.create(Path(folder, "w")) as workspace:
        before = perf_counter()
        manifest = Manifest("plan", __version__, AS_OF, 1, settings.of_results(), {})
        workspace.publish_run("plan", stages.tables, manifest, at=datetime(2026, 11, 1, tzinfo=UTC))
        publish = perf_counter() - before
    return stages.seconds | {PUBLISH: publish, "Total": perf_counter() - start, "Peak GB": peak_gigabytes()}


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Plan companies of several sizes, each in a fresh process so that memory is its own."""
    sizes = options.points or DEFAULT_POINTS
    measured: dict[int, dict[str, float]] = {}
    for done, size in enumerate(sizes):
        progress(f"{size:,} stocking points", done, len(sizes))
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            measured[size] = pool.submit(measure_once, size, options.periods).result()
    stages = list(next(iter(measured.values())))
    grid = pl.DataFrame(
        {"stage": stages}
        | {f"{size:,} points": [round(measured[size][stage], 2) for stage in stages] for size in sizes}
    )
    rates = pl.DataFrame(
        {
            "points": list(sizes),
            "seconds": [round(measured[size]["Total"], 2) for size in sizes],
            "milliseconds per point": [round(1000 * measured[size]["Total"] / size, 3) for size in sizes],
        }
    )
    command = " ".join(
        ["plimsoll bench plan", *(f"--points {size}" for size in sizes), f"--periods {options.periods}"]
    )
    return BenchmarkOutcome(
        "plan",
        f"The whole plan by number of stocking points, {options.periods} weeks of history",
        command,
        machine(),
        {"Seconds by stage": grid, "Growth": rates},
        (
            "Each size runs in a fresh process; seconds include loading kernels and writing results.",
            "Data: four demand classes (20 % smooth, 15 % erratic, 40 % intermittent, 25 % lumpy), "
            f"{RECEIPTS_PER_LANE} receipts a lane, {SUPPLIERS} suppliers.",
        ),
    )
