"""Seconds that a replay of a given policy takes, by number of stocking points."""

from time import perf_counter

import numpy as np
import polars as pl

from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.maths.kernels import replay as kernel
from plimsoll.maths.rng import rng_for
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

DEFAULT_POINTS = (10_000, 100_000)
REPEATS = 3
LONGEST_LEAD = 12


def measure(n_points: int, periods: int) -> dict[str, float]:
    """Replay points of four classes of demand under (s,S) and (s,nQ); returns seconds and what came of it."""
    rng = rng_for(1, "benchmark replay", str(n_points))
    mean = rng.lognormal(1.5, 1.0, n_points)
    share = rng.choice([1.0, 0.15], n_points)
    happens = rng.random((n_points, periods)) < share[:, None]
    demand = np.where(happens, rng.poisson(mean[:, None], (n_points, periods)), 0.0)
    lead = rng.integers(1, LONGEST_LEAD + 1, (n_points, periods))
    protected = mean * share * (LONGEST_LEAD + 1)
    reorder = np.ceil(protected + 2.0 * np.sqrt(protected))
    rules = kernel.rules_of(
        rng.choice([kernel.S_S, kernel.S_NQ], n_points),
        reorder,
        reorder + np.ceil(4.0 * mean * share),
        minimum=rng.choice([0.0, 10.0], n_points),
        multiple=rng.choice([1.0, 6.0], n_points),
        every=rng.choice([1, 2, 4], n_points),
        is_lost=rng.random(n_points) < 0.3,
    )
    seconds = {}
    for name, is_detailed in (("sums", False), ("sums and every period", True)):
        taken = []
        for _ in range(REPEATS):
            start = perf_counter()
            ledger = kernel.open_ledger(reorder, periods, LONGEST_LEAD, is_detailed=is_detailed)
            kernel.advance(ledger, rules, demand, lead, 0, periods, worth=mean)
            taken.append(perf_counter() - start)
        seconds[name] = min(taken)
    total = ledger.totals.sum(axis=0)
    fill = float(total[kernel.SERVED] / total[kernel.DEMAND])
    return seconds | {"fill rate": fill, "orders": float(total[kernel.ORDERS])}


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Time the replay of a given policy; compiling is not counted."""
    sizes = options.points or DEFAULT_POINTS
    measure(100, options.periods)
    rows = []
    for done, size in enumerate(sizes):
        progress(f"{size:,} stocking points", done, len(sizes))
        found = measure(size, options.periods)
        rate = size * options.periods / found["sums"] / 1e6
        rows.append(
            {"points": size, "periods": options.periods}
            | {f"seconds, {name}": round(found[name], 3) for name in ("sums", "sums and every period")}
            | {"million periods a second": round(rate, 1), "fill rate": round(found["fill rate"], 4)}
        )
    points = " ".join(f"--points {size}" for size in sizes)
    return BenchmarkOutcome(
        "replay",
        f"A given policy replayed over {options.periods} weeks, by number of stocking points",
        f"plimsoll bench replay {points} --periods {options.periods}",
        machine(),
        {"Seconds": pl.DataFrame(rows)},
        (
            f"The fastest of {REPEATS} runs, kernels compiled before. Demand and lead times are given; "
            "estimates are not part of it.",
            "Policies: (s,S) and (s,nQ), minimum orders and multiples, reviews every 1, 2 or 4 weeks, lead "
            f"times of 1 to {LONGEST_LEAD} weeks that change with every order, 30 % lost sales.",
        ),
    )
