"""The list of benchmarks, and what every benchmark is given and returns."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import polars as pl

from plimsoll.domain.errors import SettingError, did_you_mean
from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome

# name -> what it measures; each has a module of that name in this folder with `run(options, progress)`.
BENCHMARKS = {
    "plan": "Time and memory of the whole plan by number of stocking points, stage by stage",
    "onboard": "A real manufacturer's 3,451 items, imported and planned from a cold start",
    "man": "Inventory against service on a real manufacturer's history, and calibration, "
    "beside the usual rules",
    "carparts": "The same on 51 months of car spare parts, all of one cost",
    "auto": "The same on 24 months of service parts, all of one cost",
    "vn2": "The VN2 game on rolling windows of its past: cost of our orders and of usual rules",
    "learned": "Held-out loss on real histories, with and without the model of all series",
    "audit": "Mistakes planted in the demo company found by the audit, and clean items flagged",
    "censoring": "Demand behind lost sales on simulated shelves: what is lost by ignoring stock-outs",
    "history": "Real histories with spikes kept or capped, stock-outs ignored, not seen or put back",
    "replay": "Time of replaying a given policy period by period, by number of stocking points",
    "bom": "Explosion of bills of material with mean and variance, and against a plain twin",
    "network": "Real supply chains placed at least cost: cost, bound, gap and time beside proven optima",
    "echelons": "One network against each place alone at equal simulated service, and its promises "
    "in simulation",
    "network_trees": "Safety stock placed on 8,000 distribution trees of 44 stages, beside a plain twin",
    "network_simulation": "Node-periods per second of the network simulator, and its plain twin",
    "obsolescence": "Warnings that nobody will ask again, on held-out months of real parts and the demo",
    "scms": "Lead times of 2,690 real purchase orders predicted before they were known, "
    "the last fifth held out",
    "disasters": "Disasters in the demo company, and where the exceptions of the day rank them",
    "targets": "Time and memory of service economics by number of stocking points: curves, best targets, "
    "economic levels",
    "frontier": "The best targets against one target for all at equal service, replayed on held-out time",
    "desk": "Time of the lists and item pages of the workbench by number of stocking points",
    "serve": "The workbench under load: a real server, one person on every list, then many planners at once",
    "stress": "Many disruptions of a demo company, and seconds to new recommendations after one",
    "pilot": "Pilots of 90 days simulated with scripted planners: how often the verdict is right",
    "service": "Promised service of a policy against a simulation of it, "
    "by class of demand, rule and lost sales",
}


@dataclass(frozen=True, slots=True)
class BenchmarkOptions:
    """What the command line passes to a benchmark."""

    points: tuple[int, ...]
    periods: int
    data: Path
    planners: int = 50
    items: int = 8000
    scenarios: int = 100


Benchmark = Callable[[BenchmarkOptions, Progress], BenchmarkOutcome]


def machine() -> dict[str, str]:
    """Return what a reader needs to weigh the seconds: processor, cores, Python and library versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    libraries = ("plimsoll", "polars", "numpy", "numba", "scipy", "lightgbm", "pytoulbar2")
    return {
        "processor": cpu,
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    } | {name: version(name) for name in libraries}


def run_benchmark(name: str, options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Run the benchmark of that name; `list` returns the table of all benchmarks."""
    if name == "list":
        rows = pl.DataFrame({"name": list(BENCHMARKS), "measures": list(BENCHMARKS.values())})
        return BenchmarkOutcome("list", "Benchmarks", "plimsoll bench list", {}, {"benchmarks": rows})
    if name not in BENCHMARKS:
        what = f"There is no benchmark '{name}'."
        raise SettingError(what, remedy=did_you_mean(name, BENCHMARKS) or "See `plimsoll bench list`.")
    benchmark: Benchmark = import_module(f"plimsoll.workflows.benchmarks.{name}").run
    return benchmark(options, progress)
