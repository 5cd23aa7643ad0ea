"""Time and memory of service economics by number of stocking points, estimates given."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from time import perf_counter, process_time

import polars as pl

from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.targets import TargetParams
from plimsoll.workflows.benchmarks.plan import AS_OF, peak_gigabytes, synthetic_facts
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.economics import economics_of
from plimsoll.workflows.pipeline import decide
from plimsoll.workflows.settings import Settings

DEFAULT_POINTS = (10_000, 100_000)
GOAL = 0.95
MARGIN = 1.4  # price over cost, so that every point has an economic level


def measure_once(n_points: int, periods: int) -> dict[str, float]:
    """Return seconds by step, the promise and the gap to its bound, of a synthetic company planned before."""
    settings = Settings()
    decided = decide(synthetic_facts(n_points, periods), settings, as_of=AS_OF, seed=1)
    price = pl.col("unit_cost_eff") * MARGIN
    read = {
        "planning_point": decided.points.with_columns(unit_price_eff=price),
        "demand_estimate": decided.lives.estimates,
        "policy": decided.sized.policies,
        "target": decided.sized.target,
    }
    seconds: dict[str, float] = {}
    start, worked = perf_counter(), process_time()
    tables = economics_of(read, TargetParams(portfolio_goal=GOAL), settings, "plan-000001", seconds=seconds)
    total, worked = perf_counter() - start, process_time() - worked
    run = tables["economics_run"].row(0, named=True)
    return seconds | {
        "Total": total,
        "Processor time": worked,
        "Peak GB": peak_gigabytes(),
        "Gap to the bound, millionths": 1e6 * (run["inventory_value"] / run["bound_value"] - 1.0),
        "Less stock than one target, %": 100.0 * (1.0 - run["inventory_value"] / run["uniform_value"]),
        "Rows of curves": float(tables["cost_curve"].height),
        "Points with an economic level": float(tables["economic_point"]["saving_per_year"].count()),
    }


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Choose targets for companies of several sizes, each in a fresh process so that memory is its own."""
    sizes = options.points or DEFAULT_POINTS
    measured: dict[int, dict[str, float]] = {}
    for done, size in enumerate(sizes):
        progress(f"{size:,} stocking points", done, len(sizes))
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            measured[size] = pool.submit(measure_once, size, options.periods).result()
    steps = list(next(iter(measured.values())))
    grid = pl.DataFrame(
        {"step": steps}
        | {f"{size:,} points": [round(measured[size][step], 2) for step in steps] for size in sizes}
    )
    command = " ".join(
        ["plimsoll bench targets", *(f"--points {size}" for size in sizes), f"--periods {options.periods}"]
    )
    return BenchmarkOutcome(
        "targets",
        "Service economics by number of stocking points",
        command,
        machine(),
        {"Seconds": grid},
        (
            "Estimates and plan are made before the clock starts; the time counts the curves of the company "
            "and of every class, category, location and criticality, the targets for a goal of "
            f"{GOAL:.0%} of units, and the economic level of every point. Loading kernels counts.",
            "The company is that of `plimsoll bench plan`, its prices 1.4 times cost.",
        ),
    )
