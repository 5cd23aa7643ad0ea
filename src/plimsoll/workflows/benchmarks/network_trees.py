"""Placement of safety stock on thousands of distribution trees, one per item, beside a plain twin."""

from time import perf_counter

import numpy as np
import polars as pl

from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for
from plimsoll.network.bounds import Bound, NormalBound, QuantileBound
from plimsoll.network.placement_trees import Stages, TreePlacement, place_trees
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

N_TREES, N_DCS, N_BRANCHES = 8000, 3, 40
N_STAGES = 1 + N_DCS + N_BRANCHES
SERVICE, Z = 0.98, 2.0537489
YEARLY_RATE, DAYS = 0.25, 365.25
ADDED = 0.15  # value that a DC and a branch add, per value of the plant
REPEATS, CLOSE = 3, 1e-9


def forest(n_trees: int, *, is_whole: bool, seed: int = 1) -> tuple[Stages, Ints, dict[str, Floats]]:
    """Return trees of a plant, 3 DCs and 40 branches each, the source of each stage, and its demand and cost.

    Branches serve at once. Times are days (whole or not), demand is of a day, cost of a day's holding.
    """
    rng = rng_for(seed, "benchmark network trees", str(is_whole))
    size = (n_trees, N_STAGES)
    dc = rng.integers(1, 1 + N_DCS, (n_trees, N_BRANCHES))
    source = np.concatenate(
        [np.full((n_trees, 1), -1), np.zeros((n_trees, N_DCS), dtype=np.int64), dc], axis=1
    )
    time = np.empty(size)
    time[:, 0] = rng.gamma(4.0, 6.0, n_trees)
    time[:, 1 : 1 + N_DCS] = rng.gamma(4.0, 2.0, (n_trees, N_DCS))
    time[:, 1 + N_DCS :] = 1.0 + rng.gamma(2.0, 2.0, (n_trees, N_BRANCHES))
    value = np.cumsum(rng.lognormal(1.0, 0.7, (n_trees, 3)) * [1.0, ADDED, ADDED], axis=1)
    mean = np.zeros(size)
    mean[:, 1 + N_DCS :] = rng.lognormal(-1.0, 1.2, (n_trees, N_BRANCHES))
    variance = mean * rng.uniform(1.0, 6.0, size)
    for values in (mean, variance):  # own customers' only, added up from the branches
        for k in range(1, 1 + N_DCS):
            values[:, k] = (values[:, 1 + N_DCS :] * (dc == k)).sum(axis=1)
        values[:, 0] = values[:, 1 : 1 + N_DCS].sum(axis=1)
    stage = np.arange(n_trees * N_STAGES)
    up = np.where(source < 0, -1, source + N_STAGES * np.arange(n_trees)[:, None]).ravel()
    trees = Stages.of(
        np.stack([up, stage], axis=1)[up >= 0],
        (np.ceil(time) if is_whole else time).ravel(),
        latest=np.where(np.arange(N_STAGES) > N_DCS, 0.0, np.inf)[None, :].repeat(n_trees, axis=0).ravel(),
    )
    echelon = np.repeat([0, 1, 2], [1, N_DCS, N_BRANCHES])
    holding = value[:, echelon] * YEARLY_RATE / DAYS
    demand = {"holding": holding, "mean": mean, "variance": variance}
    return trees, up, {name: values.ravel() for name, values in demand.items()}


def bound_of(kind: str, demand: dict[str, Floats]) -> Bound:
    """Return the bound of the stages: "normal", or "quantile" of the negative binomial law."""
    holding, mean, variance = demand["holding"], demand["mean"], demand["variance"]
    if kind == "normal":
        return NormalBound(holding, Z, np.sqrt(variance), mean)
    one = np.ones(len(mean))
    return QuantileBound(holding, SERVICE * one, mean, variance, 0.0 * one, one)


def plain_cost(trees: Stages, up: Ints, bound: NormalBound) -> Floats:
    """Return the least cost per tree with the normal bound, by trying every way to quote 0 or all of it."""
    factor = bound.coefficient.reshape(-1, N_STAGES)
    time = trees.time.reshape(-1, N_STAGES)
    source = up.reshape(-1, N_STAGES) - N_STAGES * np.arange(len(time))[:, None]
    best = np.full(len(time), np.inf)
    for plant in (0.0 * time[:, 0], time[:, 0]):
        total = factor[:, 0] * np.sqrt(time[:, 0] - plant)
        for k in range(1, 1 + N_DCS):
            ways = []
            for quoted in (0.0 * plant, plant + time[:, k]):
                waits = np.where(source == k, np.sqrt(quoted[:, None] + time), 0.0)
                own = factor[:, k] * np.sqrt(plant + time[:, k] - quoted)
                ways.append(own + (factor * waits).sum(axis=1))
            total = total + np.minimum(*ways)
        best = np.minimum(best, total)
    return best


def measure(kind: str, n_trees: int) -> dict[str, object]:
    """Return seconds, and how the placements look, for one bound."""
    trees, up, demand = forest(n_trees, is_whole=kind == "quantile")
    bound = bound_of(kind, demand)
    arcs = np.stack([trees.up, trees.down], axis=1)
    seconds = []
    for _ in range(REPEATS + 1):
        start = perf_counter()
        placed = place_trees(Stages.of(arcs, trees.time, latest=trees.latest), bound)
        seconds.append(perf_counter() - start)
    unlike = "-"
    if isinstance(bound, NormalBound):
        plain = plain_cost(trees, up, bound)
        unlike = str(int((np.abs(_per_tree(placed.cost) / plain - 1.0) > CLOSE).sum()))
    alone = bound.cost(np.arange(len(up)), trees.time)  # every stage serves at once
    return {
        "bound": kind,
        "times": "whole days" if kind == "quantile" else "any",
        "trees": n_trees,
        "stages": len(up),
        "first call s": round(seconds[0], 2),
        "seconds": round(min(seconds[1:]), 3),
        "unlike the twin": unlike,
        "cost, all at once = 1": round(float(placed.cost.sum() / alone.sum()), 4),
        **_holding(placed),
    }


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Time both bounds on the same shape of trees."""
    sizes = [max(points // N_STAGES, 1) for points in options.points] or [N_TREES]
    rows = []
    for done, n_trees in enumerate(sizes):
        for kind in ("normal", "quantile"):
            progress(f"{n_trees:,} trees, {kind} bound", done, len(sizes))
            rows.append(measure(kind, n_trees))
    return BenchmarkOutcome(
        "network_trees",
        f"Placement of safety stock on trees of a plant, {N_DCS} DCs and {N_BRANCHES} branches",
        "plimsoll bench network_trees",
        machine(),
        {"Seconds": pl.DataFrame(rows)},
        (
            f"The best of {REPEATS} calls from arrays of stages and arcs to the placement, checks included; "
            "the first call compiles, or loads what an earlier run compiled.",
            "The twin tries every combination of serving at once and quoting the full time, stage by stage, "
            "in plain arrays: with the normal bound and branches that serve at once no other can be best.",
            "Cost is that of holding the safety stock, compared with every stage serving at once.",
        ),
    )


def _per_tree(values: Floats) -> Floats:
    return np.asarray(values.reshape(-1, N_STAGES).sum(axis=1))


def _holding(placed: TreePlacement) -> dict[str, float]:
    """Return the share of plants and of DCs that hold stock."""
    holds = placed.net.reshape(-1, N_STAGES) > 0.0
    return {
        "plants that hold": round(float(holds[:, 0].mean()), 3),
        "DCs that hold": round(float(holds[:, 1 : 1 + N_DCS].mean()), 3),
    }
