"""Real supply chains placed with a proof, against the optima published for them."""

from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
from scipy.special import ndtri

from plimsoll.domain.errors import InputError
from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.network.bounds import NormalBound
from plimsoll.network.placement import place
from plimsoll.network.placement_trees import Stages
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

RATE = 0.2  # a year's holding cost per value
SECONDS = 60.0  # for one chain
CLOSE = 1e-6
FILES = ("stages.csv", "arcs.csv", "reference.csv")


def chains(folder: Path) -> dict[str, tuple[Stages, NormalBound]]:
    """Return stages, arcs and bound of every chain in a folder; currency a year, times in days.

    One safety factor a chain, that of its largest service level. Stages without customers of their own in
    the network serve within their `max_service_time`.
    """
    stages_file, arcs_file, _ = (folder / name for name in FILES)
    if not (stages_file.exists() and arcs_file.exists()):
        what = f"There is no {stages_file} or no {arcs_file}."
        raise InputError(what, remedy="Give the folder that holds the chains with --data.")
    stages = pl.read_csv(stages_file, schema_overrides={"chain": pl.String, "stage": pl.String})
    arcs = pl.read_csv(
        arcs_file, schema_overrides=dict.fromkeys(("chain", "upstream", "downstream"), pl.String)
    )
    out = {}
    for (chain,), rows in stages.group_by("chain", maintain_order=True):
        number = rows.select("stage").with_row_index("number")
        own = arcs.filter(pl.col("chain") == chain)
        pairs = own.join(number, left_on="upstream", right_on="stage").join(
            number, left_on="downstream", right_on="stage", suffix="_down"
        )
        up, down = pairs["number"].to_numpy(), pairs["number_down"].to_numpy()
        is_last = ~np.isin(np.arange(rows.height), up)
        promise = rows["max_service_time"].fill_null(0.0).to_numpy()
        network = Stages.of(
            np.stack([up, down], axis=1),
            rows["stage_time"].fill_null(0.0).to_numpy(),
            latest=np.where(is_last, promise, np.inf),
            names=rows["stage"].to_list(),
        )
        z = float(ndtri(rows["service_level"].drop_nulls().to_numpy().max()))
        sd, value = rows["cum_sd"].to_numpy(), rows["cum_cost"].to_numpy()
        out[str(chain)] = network, NormalBound(RATE * value, z, sd, np.zeros(rows.height))
    return out


def optima(folder: Path) -> dict[str, float]:
    """Return the published proven optimum of every chain that has one."""
    file = folder / FILES[2]
    if not file.exists():
        return {}
    rows = pl.read_csv(file, schema_overrides={"chain": pl.String}).drop_nulls("proven_optimum")
    return dict(zip(rows["chain"], rows["proven_optimum"], strict=True))


def row_of(network: Stages, bound: NormalBound, reference: float | None) -> dict[str, object]:
    """Return what placing one chain shows: its cost, bound, gap and seconds."""
    start = perf_counter()
    placed = place(network, bound, seconds=SECONDS)
    seconds = perf_counter() - start
    cost = float(placed.total.sum())
    return {
        "stages": len(network.time),
        "arcs": len(network.up),
        "cost": round(cost, 6),
        "proven optimum": reference,
        "difference": f"{cost / reference - 1.0:.1e}" if reference else "-",
        "bound": round(float(placed.bound.sum()), 6),
        "gap": f"{float(placed.gap.max()):.1e}",
        "proved": bool(placed.proven.all()),
        "seconds": round(seconds, 3),
    }


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Place every chain of the folder `willems` of the data, one after the other, and add up."""
    folder = options.data / "willems"
    given, known = chains(folder), optima(folder)
    first = perf_counter()
    for network, bound in given.values():
        place(network, bound, seconds=SECONDS)
        if perf_counter() - first > 1.0:
            break  # compiled
    warm = perf_counter() - first
    rows = []
    for done, (chain, (network, bound)) in enumerate(given.items()):
        progress(f"chain {chain}", done, len(given))
        rows.append({"chain": chain} | row_of(network, bound, known.get(chain)))
    table = pl.DataFrame(rows, infer_schema_length=None)
    away = (table["cost"] / table["proven optimum"].cast(pl.Float64) - 1.0).abs()
    total = {
        "chains": table.height,
        "with a published optimum": away.count(),
        "within 1e-6 of it": (away <= CLOSE).sum(),
        "proved": table["proved"].sum(),
        "seconds, all": round(table["seconds"].sum(), 2),
        "seconds, slowest": table["seconds"].max(),
        "seconds, first calls": round(warm, 2),
    }
    return BenchmarkOutcome(
        "network",
        "Placement of safety stock in real supply chains, proved",
        "plimsoll bench network",
        machine(),
        {"Chains": table, "Together": pl.DataFrame([total])},
        (
            "Chains of Willems (2008); the optimum is that of the same problem with real times, found by "
            "others. The bound is our own: no placement costs less. Proved is a gap below 1e-8.",
            "One thread. Seconds are from arrays of stages and arcs to the placement, checks included; the "
            "first calls compile, or load what an earlier run compiled.",
        ),
    )
