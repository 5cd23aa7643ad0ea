"""Seconds for many disruptions of a demo company, and to new recommendations after one."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import polars as pl

from plimsoll.domain.disruptions import Disruption
from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.domain.scenarios import Change
from plimsoll.domain.scenarios import read as scenario_of
from plimsoll.scenarios import usual_disruptions
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan
from plimsoll.workflows.scenario_rerun import Base, read_base, rerun
from plimsoll.workflows.scenario_stress import stressed

AT = datetime(2026, 11, 1, tzinfo=UTC)
HORIZON = 364
AFFECTED = 10_000  # points of the disruption that recommendations have to follow in seconds


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Time a stress test, and new recommendations after a disruption, on the demo company."""
    n_items, wanted = options.items, options.scenarios
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "w")
        progress("Build the company", 0, 3)
        build_demo(path, n_items=n_items, seed=7, at=AT)
        progress("Plan it", 1, 3)
        started = perf_counter()
        make_plan(path, at=AT)
        planned = perf_counter() - started
        with Workspace.open(path) as workspace:
            started = perf_counter()
            base = read_base(workspace)
            read = perf_counter() - started
    progress("Disruptions", 2, 3)
    tables = {"Stress test": _stress(base, wanted), "New plans": _replans(base, read)}
    points = base.tables["planning_point"].height
    return BenchmarkOutcome(
        "stress",
        f"Disruptions over a demo company of {n_items:,} items ({points:,} stocking points)",
        f"plimsoll bench stress --items {n_items} --scenarios {wanted}",
        machine(),
        tables,
        (
            f"The plan itself took {planned:.1f} s here; a new plan starts from its stored estimates.",
            f"Stress tests look {HORIZON} days ahead. Of new plans the second of two runs is timed.",
        ),
    )


def _stress(base: Base, wanted: int) -> pl.DataFrame:
    """Return seconds for as many disruptions as wanted, usual ones and such as hit everything."""
    demand, params = base.known["demand"], base.settings.scenarios
    usual = usual_disruptions(base.tables, demand, params, as_of=base.as_of)
    everything = tuple(
        Disruption(f"all lanes {k} days later", 0.01, Change("delay", days=float(k)))
        for k in range(1, wanted + 1)
    )
    rows = []
    for name, chosen in {
        f"the first {min(wanted, len(usual))} of the usual": usual[:wanted],
        f"{wanted} that hit every point": everything,
        f"all {len(usual)} usual": usual,
    }.items():
        started, worked = perf_counter(), process_time()
        found = stressed(base, chosen, HORIZON)["stress_disruption"]
        seconds, work = perf_counter() - started, process_time() - worked
        rows.append((name, len(chosen), int(found["n_points"].sum()), round(seconds, 2), round(work, 2)))
    return pl.DataFrame(
        rows,
        schema=["disruptions", "number", "points hit, all together", "seconds", "seconds of processor"],
        orient="row",
    )


def _replans(base: Base, read: float) -> pl.DataFrame:
    """Return seconds from a disruption to new recommendations."""
    points = base.tables["planning_point"]
    sources = points.filter(pl.col("supply_kind") != "production")["from_location_id"]
    ranked = sources.value_counts().sort("count", "from_location_id", descending=[True, False])
    reached = int((ranked["count"].cum_sum() < AFFECTED).sum()) + 1
    late = tuple(
        {"kind": "delay", "days": 14.0, "from": name} for name in ranked["from_location_id"][:reached]
    )
    supplier = points.filter(supply_kind="purchase")["from_location_id"].mode().sort()[0]
    tried: dict[str, tuple[dict[str, Any], ...]] = {
        "nothing": (),
        "the largest supplier out for 4 weeks": ({"kind": "outage", "days": 28.0, "from": supplier},),
        f"{len(late)} sources 2 weeks later": late,
        "all sources 2 weeks later": ({"kind": "delay", "days": 14.0},),
        "all demand 30 % higher": ({"kind": "demand", "factor": 1.3},),
    }
    rows: list[tuple[str, int, int, float, float]] = []
    for name, changes in tried.items():
        scenario = scenario_of({"name": "bench", "change": list(changes)})
        for _ in range(2):
            started, worked = perf_counter(), process_time()
            made = rerun(base, scenario)
            seconds, work = perf_counter() - started, process_time() - worked
        new, old = (each["demand_estimate"]["mean_protection_qty"] for each in (made.tables, base.tables))
        rows.append(
            (name, int((new != old).sum()), made.tables["line"].height, round(seconds, 2), round(work, 2))
        )
    rows.append(("reading the plan, once", points.height, base.tables["line"].height, round(read, 2), 0.0))
    columns = ("disruption", "points affected", "lines today", "seconds", "seconds of processor")
    return pl.DataFrame(rows, schema=columns, orient="row")
