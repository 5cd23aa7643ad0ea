"""The order of the stages, written down once: facts in, plan out; no file and no clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from time import perf_counter
from typing import Any, TypeVar

import polars as pl

from plimsoll import demand, ingest, measure, policy, replenish, supply, targets
from plimsoll.domain.findings import findings_frame
from plimsoll.domain.progress import Progress
from plimsoll.workflows.settings import Settings

T = TypeVar("T")
RESULT_TABLES = (
    "planning_point",
    "lead_time_estimate",
    "demand_estimate",
    "target",
    "policy",
    "recommendation",
    "outlook",
    "inventory_health",
    "finding",
)
STEPS = (
    "Complete the company",
    "Lead times",
    "Demand",
    "Targets",
    "Buffers and lots",
    "Today's orders",
    "Stock in money",
)


@dataclass(frozen=True, slots=True)
class Stages:
    """The tables of one pass through the stages, and the seconds each stage took."""

    tables: dict[str, pl.DataFrame]
    seconds: dict[str, float]


class _Clock:
    """Times each step and reports it; the order of steps is the order of calls."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    def __call__(self, step: str, work: Callable[..., T], *args: Any, **options: Any) -> T:
        self._progress(step, len(self.seconds), len(STEPS))
        start = perf_counter()
        result = work(*args, **options)
        self.seconds[step] = perf_counter() - start
        return result


def run_stages(
    facts: dict[str, pl.DataFrame], settings: Settings, *, as_of: date, seed: int, progress: Progress
) -> Stages:
    """Run every stage of the plan on the facts known at `as_of`.

    Parameters
    ----------
    facts : canonical tables by name; absent tables are empty
    settings : options of every stage
    as_of : day of knowledge; later rows are not read
    seed : seed of everything random
    progress : told at the start of each step

    Returns
    -------
    Stages
        Results by table name, the same for any number of threads.
    """
    clock = _Clock(progress)
    complete = clock(STEPS[0], ingest.complete, facts, settings.ingest, as_of=as_of)
    points, known = complete.points, complete.tables
    lead_times = clock(
        STEPS[1], supply.estimate, known["receipts"], complete.lanes, settings.supply, as_of=as_of
    )
    demands = clock(STEPS[2], _estimate_demand, known, points, lead_times, settings, as_of=as_of, seed=seed)
    target = clock(STEPS[3], targets.assign, points, demands, settings.targets)
    policies = clock(STEPS[4], policy.size, points, demands, target, settings.policy, lead_times)
    today = clock(
        STEPS[5],
        replenish.recommend,
        points,
        lead_times,
        demands,
        policies,
        known["stock"],
        known["open_orders"],
        settings.replenish,
        as_of=as_of,
    )
    health = clock(
        STEPS[6], measure.inventory_health, points, demands, policies, today.outlook, settings.measure
    )
    tables = {
        "planning_point": points,
        "lead_time_estimate": lead_times,
        "demand_estimate": demands,
        "target": target,
        "policy": policies,
        "recommendation": today.recommendation,
        "outlook": today.outlook,
        "inventory_health": health,
        "finding": findings_frame(
            [
                *complete.findings,
                *supply.unusable_receipts(known["receipts"], settings.supply, as_of=as_of),
                *today.findings,
            ]
        ),
    }
    return Stages(tables, clock.seconds)


def _estimate_demand(
    known: dict[str, pl.DataFrame],
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    settings: Settings,
    *,
    as_of: date,
    seed: int,
) -> pl.DataFrame:
    """Estimate demand at every point, that of the places it replenishes included."""
    total = demand.pass_upstream(known["demand"], points)
    return demand.estimate(
        total, points, lead_times, settings.demand, as_of=as_of, seed=seed, availability=known["availability"]
    )
