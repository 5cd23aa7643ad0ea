"""The explosion of a bill of material of 10,000 items, and of small ones against a plain twin."""

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from time import perf_counter, process_time

import numpy as np
import polars as pl

from plimsoll.bom import BomParams, explode
from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.domain.tables import table
from plimsoll.maths.rng import rng_for
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

AS_OF = date(2026, 11, 1)
LEVELS, LINES_PER_ITEM, WEEKS, NEIGHBOURS = 6, 10, 26, 30
N_ITEMS, PLAIN_ITEMS, REPEATS = 10_000, 120, 3
EXACT, AS_PLANNED = float("inf"), BomParams().coefficients_most
SHAPES = (
    ("families", 0.0, EXACT),
    ("families", 0.02, EXACT),
    ("any item in any", 0.0, EXACT),
    ("any item in any", 0.02, EXACT),
    ("any item in any", 0.02, AS_PLANNED),
)


def synthetic_bill(
    n_items: int, n_lines: int, shape: str, dated_share: float, seed: int = 1
) -> dict[str, pl.DataFrame]:
    """Return tables of a plant with a bill of LEVELS levels, lines from each level to the next.

    `shape`: "families" (components of an item are among 60 neighbours of the next level) or "any item in
    any". Scrap of 0 or a half and whole quantities make sums of floats exact. A dated line is in force
    from some Sunday within the horizon. Production lead times are 0 to 2 weeks.
    """
    rng = rng_for(seed, "benchmark bom", shape, str(n_items))
    per_level = n_items // LEVELS
    level = np.minimum(np.arange(n_items) // per_level, LEVELS - 1)
    parents = np.flatnonzero(level < LEVELS - 1)
    n_drawn = 2 * n_lines  # some twice
    parent = np.sort(np.resize(parents, n_drawn))
    below = (level[parent] + 1) * per_level
    size = np.where(level[parent] + 1 == LEVELS - 1, n_items - below, per_level)
    near = rng.integers(-NEIGHBOURS, NEIGHBOURS, n_drawn) if shape == "families" else rng.integers(0, size)
    pair = np.unique(parent * n_items + below + (parent % per_level + near) % size)
    pair = np.sort(rng.choice(pair, n_lines, replace=False))
    parent, component = pair // n_items, pair % n_items
    dated = rng.random(n_lines) < dated_share
    names = np.array([f"I{k:05d}" for k in range(n_items)])
    start = np.datetime64(AS_OF + timedelta(days=1)) + 7 * rng.integers(1, WEEKS, n_lines).astype("m8[D]")
    lines = pl.DataFrame(
        {
            "parent_item_id": names[parent],
            "component_item_id": names[component],
            "quantity_per": rng.choice([1.0, 2.0], n_lines, p=[0.8, 0.2]),
            "scrap_rate": rng.choice([0.0, 0.5], n_lines, p=[0.9, 0.1]),
            "valid_from": pl.Series(np.where(dated, start, np.datetime64("NaT"))),
        }
    )
    place = {"location_id": "M", "from_location_id": "M"}
    made = pl.DataFrame({"item_id": names, **place, "supply_kind": "production"})
    lead = pl.DataFrame(
        {"item_id": names, "to_location_id": "M", "from_location_id": "M",
         "mean_days_est": 7.0 * rng.integers(0, 3, n_items)}
    )  # fmt: skip
    demand = pl.DataFrame(
        {"item_id": names, "location_id": "M", "period": 0,
         "mean_qty": rng.integers(0, 8, n_items).astype(float),
         "variance_qty": rng.integers(1, 16, n_items).astype(float),
         "common_variance_qty": rng.integers(0, 3, n_items).astype(float)}
    )  # fmt: skip
    return {"points": made, "lead_times": lead, "bom": table("bom").conform(lines), "demand": demand}


def plain_explosion(facts: dict[str, pl.DataFrame], weeks: int) -> dict[tuple[str, int], tuple[float, float]]:
    """Return mean and variance of need by item and week, every path walked by itself, in whole fractions."""
    first = AS_OF + timedelta(days=1)
    lead = {row["item_id"]: int(row["mean_days_est"]) // 7 for row in facts["lead_times"].rows(named=True)}
    lines = defaultdict(list)
    for row in facts["bom"].rows(named=True):
        units = Fraction(row["quantity_per"]) / (1 - Fraction(row["scrap_rate"] or 0))
        begin = (row["valid_from"] - first).days // 7 if row["valid_from"] else 0
        lines[row["parent_item_id"]].append((row["component_item_id"], units, begin))
    mean: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
    variance: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
    for row in facts["demand"].rows(named=True):
        share: dict[tuple[str, int, int], Fraction] = defaultdict(Fraction)
        paths = [(row["item_id"], week, week, Fraction(1)) for week in range(weeks + 2 * LEVELS)]
        while paths:
            item, week, asked, units = paths.pop()
            at = week - lead[item]
            for component, each, begin in lines[item]:
                if at >= begin:
                    share[component, at, asked] += units * each
                    paths.append((component, at, asked, units * each))
        together: dict[tuple[str, int], Fraction] = defaultdict(Fraction)
        for (component, at, _), units in share.items():
            if at < weeks:
                mean[component, at] += units * Fraction(row["mean_qty"])
                variance[component, at] += units**2 * Fraction(row["variance_qty"])
                together[component, at] += units
        for key, units in together.items():
            variance[key] += units**2 * Fraction(row["common_variance_qty"])
    return {key: (float(mean[key]), float(variance[key])) for key in mean if mean[key]}


def _explode(facts: dict[str, pl.DataFrame], most: float = EXACT) -> pl.DataFrame:
    params = BomParams(weeks=WEEKS, coefficients_most=most)
    tables = (facts["demand"], facts["points"], facts["bom"], facts["lead_times"])
    return explode(*tables, params, as_of=AS_OF).demand


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Explode large bills, the best of three, and small ones twice: compiled, and path by path."""
    sizes = options.points or (N_ITEMS,)
    rows, checks = [], []
    _explode(synthetic_bill(PLAIN_ITEMS, PLAIN_ITEMS, *SHAPES[0][:2]))  # compiles
    for done, (shape, dated, most) in enumerate(SHAPES):
        for n_items in sizes:
            progress(f"{shape}, {dated:.0%} dated", done, len(SHAPES))
            facts = synthetic_bill(n_items, LINES_PER_ITEM * n_items, shape, dated)
            seconds = []
            for _ in range(REPEATS):
                wall, processor = perf_counter(), process_time()
                found = _explode(facts, most)
                seconds.append((perf_counter() - wall, process_time() - processor))
            best = min(seconds)
            rows.append((n_items, facts["bom"].height, shape, dated, found["method_used"][0], *best))
        if most == EXACT:
            facts = synthetic_bill(PLAIN_ITEMS, 3 * PLAIN_ITEMS, shape, dated)
            checks.append((shape, dated, *_compared(facts)))
    names = ["items", "lines", "components", "dated", "variance", "seconds", "processor s"]
    twin = ["components", "dated", "figures", "means unlike", "variances unlike", "ms", "twin ms"]
    return BenchmarkOutcome(
        "bom",
        f"Explosion of a bill of {LEVELS} levels over {WEEKS} weeks, mean and variance",
        "plimsoll bench bom",
        machine(),
        {
            "Seconds": pl.DataFrame(rows, schema=names, orient="row"),
            f"Against every path walked in fractions, {PLAIN_ITEMS} items": pl.DataFrame(
                checks, schema=twin, orient="row"
            ),
        },
        (
            "Best of three; the graph and the result table are in the time, compiling is not.",
            "Families: components are among 60 neighbours of the next level. Any item in any: all over the "
            "next level, so that nearly every end item reaches nearly every component.",
            "The exact variance needs one coefficient per item made, component and offset, and per week "
            "where a dated line is on the way. `coefficients_most` bounds it: above, dated lines enter with "
            "their average (averaged).",
        ),
    )


def _compared(facts: dict[str, pl.DataFrame]) -> tuple[int, int, int, float, float]:
    """Return figures compared, means and variances that are not equal, and the milliseconds of both."""
    start = perf_counter()
    found = _explode(facts)
    between = perf_counter()
    plain = plain_explosion(facts, WEEKS)
    end = perf_counter()
    week = (found["start"] - (AS_OF + timedelta(days=1))).dt.total_days() // 7
    got = dict(
        zip(zip(found["item_id"], week, strict=True), found.select("mean_qty", "sd_qty").rows(), strict=True)
    )
    means = sum(got.get(key, (-1.0, 0.0))[0] != mean for key, (mean, _) in plain.items())
    spreads = sum(got.get(key, (0.0, -1.0))[1] != np.sqrt(v) for key, (_, v) in plain.items())
    return len(plain), means, spreads, 1e3 * (between - start), 1e3 * (end - between)
