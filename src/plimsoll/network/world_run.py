"""A world run day by day under the rules of a plan: the sums of every replication."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from plimsoll.maths.kernels import network_simulation_state as column
from plimsoll.maths.kernels.threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for
from plimsoll.network.links import KEY
from plimsoll.network.simulate import SimulationRun, simulate
from plimsoll.network.simulation_sites import Sites, sites
from plimsoll.network.world import World, blocks, coherent

BLOCK = 2000  # stages that run together; more do not fit beside each other near the processor
_SPREAD = 7919  # a prime: seeds of replications apart


@dataclass(frozen=True, slots=True)
class WorldRun:
    """How long and how often a world is run.

    Parameters
    ----------
    days, warm_up : days counted in a replication, and days before them
    replications : [R] each with its own levels of demand, lead times and state at the start
    seed : of all draws
    phases : "same": all places review on the same days; "spread": each location on days of its own
    """

    days: int = 728
    warm_up: int = 224
    replications: int = 16
    seed: int = 1
    phases: Literal["same", "spread"] = "spread"


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened, all arrays (R, n) in units; R replications, n points of the world.

    `wanted`, `served` : customers' demand, and what of it was met at once from stock, summed over days
    `asked`, `at_once` : the same of orders from the places below
    `on_hand`, `on_way` : mean at the end of a day, here and on the way here
    """

    wanted: Floats
    served: Floats
    asked: Floats
    at_once: Floats
    on_hand: Floats
    on_way: Floats


def seen(world: World, policies: pl.DataFrame, run: WorldRun) -> Seen:
    """Return what happens in a world under the rules of a plan.

    Parameters
    ----------
    world : of n points
    policies : table `policy`
    run : how long and how often

    Conventions
    -----------
    A period is a day. The lead time of each line is drawn once a replication, one quantile of its law
    from each of R equal parts, and so are the level of demand and the position at the start; so orders
    never overtake each other, as in the formulas, and every replication counts for one part of each law.
    A lead time between two whole days is drawn as one of them, mean kept. Demand of a day is negative
    binomial, or Poisson where its variance is not above its mean. What is owed to places below is
    backlogged, first come, first served. Draws depend on the seed and the world, not on the rules.
    """
    n = len(world.source)
    rng = rng_for(run.seed, "network world")
    lead = _lead_draws(world, *(_strata(rng, n, run.replications) for _ in range(2)))
    level = coherent(world, _levels(world.level, _strata(rng, n, run.replications)))
    start = _strata(rng, n, run.replications)
    out = Seen(*(np.zeros((run.replications, n)) for _ in range(6)))
    rules = world.points.select(KEY).join(policies, on=KEY, how="left", maintain_order="left")
    parts = blocks(world.root, BLOCK)
    built = [_sites(world, rules, rows, run) for rows in parts]

    def work(begin: int, end: int) -> None:
        for task in range(begin, end):
            block, r = divmod(task, run.replications)
            rows = parts[block]
            _run(built[block], (lead[r, rows], level[r, rows], start[r, rows]), rows.start, r, run, out)

    in_chunks(work, 0, len(parts) * run.replications, 1)
    unit = world.unit
    return Seen(*(getattr(out, name) * unit for name in Seen.__slots__))


def _strata(rng: np.random.Generator, n: int, runs: int) -> Floats:
    """Return (R, n) uniforms, in every column one from each of R equal parts, in random order."""
    order = rng.permuted(np.tile(np.arange(runs)[:, None], (1, n)), axis=0)
    return np.asarray((order + rng.random((runs, n))) / runs)


def _lead_draws(world: World, uniform: Floats, other: Floats) -> Ints:
    """Return (R, n) lead times in whole days."""
    entry = np.repeat(np.arange(len(world.source)), np.diff(world.lead_bounds))
    running = np.cumsum(world.lead_chance)
    before = np.concatenate([[0.0], running])[world.lead_bounds[:-1]]
    within = entry + np.minimum(running - before[entry], 1.0)  # ascending over all entries
    last = world.lead_bounds[1:] - 1
    drawn = np.empty(uniform.shape)
    for r in range(len(uniform)):
        at = np.searchsorted(within, np.arange(len(last)) + uniform[r], side="right")
        drawn[r] = world.lead_days[np.clip(at, world.lead_bounds[:-1], last)]
    return np.floor(drawn + other).astype(np.int64)


def _levels(variance: Floats, uniform: Floats) -> Floats:
    """Return (R, n) gamma factors of mean 1 and this variance."""
    shape = 1.0 / np.maximum(variance, 1e-9)
    factor = special.gammaincinv(shape, uniform) / shape
    return np.where(variance > 1e-9, factor, 1.0)


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of trees ready to run: its sites, the row of each stage and arc in the block, and rules."""

    sites: Sites
    stage: Ints
    arc: Ints
    has_source: NDArray[np.bool_]
    reorder: Floats
    up_to: Floats
    is_base: NDArray[np.bool_]


def _sites(world: World, rules: pl.DataFrame, rows: slice, run: WorldRun) -> _Block:
    """Return the block as the simulator reads it, in whole units."""
    points, rule = world.points[rows], rules[rows]
    unit, mean, level = world.unit[rows], world.mean[rows], world.level[rows]
    name = points.select(pl.format("{} @ {}", "item_id", "location_id")).to_series()
    every = np.maximum(np.rint(points["review_days_eff"].to_numpy()), 1.0).astype(np.int64)
    known = np.where(mean > 0.0, mean, 1.0) / unit
    # the shape is kept when the level moves the mean, so a day's variance is that at a known level on average
    over = np.maximum(world.within[rows] / unit**2 - known, 0.0) / (1.0 + level)
    reorder, up_to = (rule[name].to_numpy() / unit for name in ("reorder_point_qty", "order_up_to_qty"))
    is_base = (rule["policy"] == "base_stock").to_numpy()
    source = world.source[rows]
    has = source >= 0
    multiple = rule["order_multiple"].to_numpy()
    stages = pl.DataFrame(
        {
            "stage": name,
            "rule": rule["policy"],
            "up_to": up_to,
            "reorder": reorder,
            "minimum": rule["min_order_qty"].to_numpy() / unit,
            "multiple": np.where(multiple > unit, multiple / unit, 0.0),
            "review_periods": every,
            "phase": _phases(points["location_id"], every, run),
            "is_lost": points["unmet_demand_eff"] == "lost",
            "demand": np.where(mean > 0.0, "negative_binomial", "none"),
            "demand_mean": np.where(mean > 0.0, known, 0.0),
            "demand_sd": np.sqrt(known + over),
        }
    )
    ends = {"from_stage": name.gather(source[has] - rows.start), "to_stage": name.filter(pl.Series(has))}
    built = sites(stages, pl.DataFrame(ends))
    at = {key: row for row, key in enumerate(name)}
    stage, arc = (np.array([at[key] for key in keys]) for keys in (built.names, built.arcs["to_stage"]))
    return _Block(built, stage, arc.astype(np.int64), has, reorder, up_to, is_base)


def _phases(locations: pl.Series, every: Ints, run: WorldRun) -> Ints:
    if run.phases == "same":
        return np.zeros(len(every), dtype=np.int64)
    place = {name: int(rng_for(run.seed, "phase", name).integers(1 << 30)) for name in locations.unique()}
    return np.array([place[name] for name in locations]) % every


def _run(
    block: _Block, drawn: tuple[Ints, Floats, Floats], first: int, r: int, run: WorldRun, out: Seen
) -> None:
    """Run one replication of a block and write its sums."""
    lead, level, start = drawn
    lot = block.up_to - block.reorder
    begin = np.where(block.is_base, block.up_to, block.reorder + np.ceil(start * lot))
    stages = block.sites.stages.with_columns(
        lead_time=pl.Series(np.where(block.has_source, 0, lead)[block.stage]),
        on_hand=pl.Series(np.maximum(np.floor(begin), 0.0)[block.stage]),
    )
    arcs = block.sites.arcs.with_columns(lead_time=pl.Series(lead[block.arc]))
    now = replace(block.sites, stages=stages, arcs=arcs)
    found = simulate(
        now,
        SimulationRun(
            periods=run.warm_up + run.days, warm_up=run.warm_up, replications=1,
            seed=run.seed * _SPREAD + r, level=level[block.stage][None, :],
        ),
    )  # fmt: skip
    site, line = found.sums.site[0], found.sums.line[0]
    rows, n_arcs = first + block.stage, len(block.arc)
    out.wanted[r, rows], out.served[r, rows] = site[:, column.DEMAND], site[:, column.SERVED]
    out.on_hand[r, rows] = site[:, column.ON_HAND] / run.days
    out.on_way[r, rows] = line[n_arcs:, column.IN_TRANSIT] / run.days
    out.on_way[r, first + block.arc] += line[:n_arcs, column.IN_TRANSIT] / run.days
    source = first + block.stage[block.sites.arcs["from_index"].to_numpy()]
    np.add.at(out.asked[r], source, line[:n_arcs, column.ASKED])
    np.add.at(out.at_once[r], source, line[:n_arcs, column.AT_ONCE])
