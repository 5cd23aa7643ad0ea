"""Speed of the network simulation, and its agreement with a plain twin."""

from collections.abc import Sequence
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl

from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.maths.kernels.network_simulation_state import ON_HAND
from plimsoll.network.simulate import SimulationRun, draws, simulate
from plimsoll.network.simulation_sites import Sites, sites
from plimsoll.workflows.benchmarks.network_twin import Twin
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

RETAILERS = 10
REPLICATIONS, PERIODS = 1000, 1000
REPEATS = 3
TWIN_PERIODS = 500


def warehouse_and_retailers(*, has_lots: bool) -> Sites:
    """Return one warehouse and ten retailers: base stock, or lots with random lead times."""
    shops = [f"retailer {at + 1}" for at in range(RETAILERS)]
    stages: dict[str, Sequence[Any]] = {
        "stage": ["warehouse", *shops],
        "rule": ["s_nQ" if has_lots else "base_stock"] * (RETAILERS + 1),
        "reorder": [64.0] + [10.0] * RETAILERS,
        "up_to": [104.0] + [18.0] * RETAILERS if has_lots else [64.0] + [11.0] * RETAILERS,
        "lead_time": [2] + [0] * RETAILERS,
        "lead_pmf": [[0.0, 0.3, 0.4, 0.3] if has_lots else None] + [None] * RETAILERS,
        "demand": ["none"] + ["poisson"] * RETAILERS,
        "demand_mean": [0.0] + [2.0] * RETAILERS,
    }
    arcs: dict[str, Sequence[Any]] = {
        "from_stage": ["warehouse"] * RETAILERS,
        "to_stage": shops,
        "lead_time": [2] * RETAILERS,
        "lead_pmf": [[0.0, 0.25, 0.5, 0.25] if has_lots else None] * RETAILERS,
    }
    return sites(stages, arcs)


def measure(network: Sites, periods: int) -> dict[str, float]:
    """Return the fastest of some runs, what came of it, and the greatest difference to the twin."""
    run = SimulationRun(periods=periods, warm_up=min(100, periods // 10), replications=REPLICATIONS)
    simulate(network, SimulationRun(periods=30, warm_up=5, replications=2))  # compiles
    taken = []
    for _ in range(REPEATS):
        start, busy = perf_counter(), process_time()
        found = simulate(network, run)
        taken.append((perf_counter() - start, process_time() - busy))
    short = SimulationRun(periods=TWIN_PERIODS, warm_up=0, replications=1, traced=0)
    start = perf_counter()
    told = Twin(network, draws(network, short)).tell()
    slow = perf_counter() - start
    theirs = np.array([[figures["on_hand"] for figures in stages.values()] for stages, _ in told])
    steps = network.stages.height * periods * REPLICATIONS
    fill = found.stages["fill_rate"].drop_nulls()
    return {
        "seconds": min(wall for wall, _ in taken),
        "million node-periods a second": steps / min(wall for wall, _ in taken) / 1e6,
        "million a second of processor": steps / min(busy for _, busy in taken) / 1e6,
        "fill rate": float(fill[0]),
        "standard error": float(found.stages["fill_rate_se"].drop_nulls()[0]),
        "plain twin, node-periods a second": network.stages.height * TWIN_PERIODS / slow,
        "largest difference to the twin": float(
            np.abs(simulate(network, short).site_trace[:, :, ON_HAND] - theirs).max()
        ),
    }


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Time the simulation of eleven stages; compiling is not counted."""
    periods = options.periods if options.periods > 1 else PERIODS
    cases = {"base stock": False, "lots and random lead times": True}
    rows = []
    for done, (name, has_lots) in enumerate(cases.items()):
        progress(name, done, len(cases))
        found = measure(warehouse_and_retailers(has_lots=has_lots), periods)
        rows.append({"rules": name} | {measured: round(value, 5) for measured, value in found.items()})
    return BenchmarkOutcome(
        "network_simulation",
        f"One warehouse and {RETAILERS} retailers, {REPLICATIONS:,} x {periods:,} periods in one call",
        f"plimsoll bench network_simulation --periods {periods}",
        machine(),
        {"Speed": pl.DataFrame(rows)},
        (
            f"The fastest of {REPEATS} runs, kernels compiled before; demand and lead times are drawn in it.",
            f"The twin runs {TWIN_PERIODS} periods on the same draws; stock of every stage is compared.",
        ),
    )
