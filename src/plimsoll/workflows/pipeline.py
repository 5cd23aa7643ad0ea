"""The order of the stages, written down once: facts in, plan out; no file and no clock."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from time import perf_counter
from typing import Any, TypeVar

import polars as pl

from plimsoll import (
    audit,
    bom,
    demand,
    ingest,
    lifecycle,
    measure,
    network,
    policy,
    supply,
    targets,
)
from plimsoll.domain.findings import Finding, findings_frame
from plimsoll.domain.overridden import winners
from plimsoll.domain.overrides import KINDS
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.tables import table
from plimsoll.lifecycle.succession import Inherited
from plimsoll.workflows.from_estimates import (
    assign_targets,
    lines_of,
    orders_of_today,
    size_together,
    with_verdict,
)
from plimsoll.workflows.settings import Settings
from plimsoll.workflows.supply_review import supplier_tables

T = TypeVar("T")
Tables = dict[str, pl.DataFrame]
RESULT_TABLES = (
    "planning_point",
    "lead_time_estimate",
    "history_change",
    "demand_estimate",
    "dependent_demand",
    "succession",
    "cold_start",
    "obsolescence",
    "last_time_buy",
    "engineered_suggestion",
    "target",
    "override_effect",
    "network_stage",
    "network_arc",
    "policy",
    "network_service",
    "recommendation",
    "outlook",
    "move",
    "allocation",
    "order_change",
    "supplier_order",
    "line",
    "inventory_health",
    "supplier_scorecard",
    "arrival_risk",
    "audit_row",
    "readiness",
    "repair",
    "pending_order",
    "finding",
)
STEPS = (
    "Complete the company",
    "Lead times",
    "Demand",
    "Life cycles",
    "Targets",
    "Buffers and lots",
    "Today's orders",
    "Stock in money",
    "Suppliers",
    "Audit",
    "Lines",
)


@dataclass(frozen=True, slots=True)
class Stages:
    """The tables of one pass through the stages, and the seconds each stage took."""

    tables: dict[str, pl.DataFrame]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Demands:
    """What a stage of estimates hands on: estimates of demand that goes on, tables for people, findings.

    `total`: the lines that they rest on; `lumps`: events to come, components included; `book`: customers'
    orders.
    """

    estimates: pl.DataFrame
    total: pl.DataFrame
    lumps: pl.DataFrame
    book: demand.Book
    tables: dict[str, pl.DataFrame]
    findings: list[Finding]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is decided for every point on a day: the company as known, estimates, targets and rules."""

    heirs: Inherited
    complete: ingest.Completed
    points: pl.DataFrame
    lead_times: pl.DataFrame
    asked: Demands
    lives: Demands
    target: pl.DataFrame
    allocation: policy.Allocation
    connected: network.Network
    sized: network.Sized
    overrides: measure.Overridden


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
    facts: Tables,
    settings: Settings,
    *,
    as_of: date,
    seed: int,
    progress: Progress,
    refused: demand.Refused | None = None,
    overrides: pl.DataFrame | None = None,
    trust: pl.DataFrame | None = None,
) -> Stages:
    """Run every stage of the plan on the facts known at `as_of`.

    Parameters
    ----------
    facts : canonical tables by name; absent tables are empty
    settings : options of every stage
    as_of : day of knowledge; later rows are not read
    seed : seed of everything random
    progress : told at the start of each step
    refused : says which changes of the history a person does not want
    overrides : table `override`; those in force count
    trust : table `trust` of a check of the forecasts, which grades the lines; none: by what was seen alone

    Returns
    -------
    Stages
        Results by table name, the same for any number of threads.
    """
    clock = _Clock(progress)
    decided = _decide(clock, facts, settings, as_of=as_of, seed=seed, refused=refused, overrides=overrides)
    heirs, complete, points = decided.heirs, decided.complete, decided.points
    lead_times, asked, lives = decided.lead_times, decided.asked, decided.lives
    known, demands, policies = complete.tables, lives.estimates, decided.sized.policies
    ends = {name: lives.tables[name] for name in ("last_time_buy", "obsolescence")}
    decided_on = (points, lead_times, demands, policies, ends)
    today = clock(STEPS[6], orders_of_today, *decided_on, known, settings, as_of=as_of)
    health = clock(
        STEPS[7], measure.inventory_health, points, demands, policies, today.outlook, settings.measure
    )
    tables = {
        "planning_point": points,
        "lead_time_estimate": lead_times,
        "demand_estimate": demands,
        "target": decided.sized.target,
        "network_stage": decided.connected.stages,
        "network_arc": decided.connected.arcs,
        "policy": policies,
        "network_service": decided.sized.service,
        "recommendation": today.recommendation,
        "outlook": today.outlook,
        "move": today.move,
        "allocation": today.allocation,
        "inventory_health": health,
        "succession": heirs.heirs,
        **asked.tables,
        **lives.tables,
    }
    tables["override_effect"] = measure.override_effects(decided.overrides, tables)
    facts_of_supply = {name: known[name] for name in ("receipts", "open_orders")}
    tables |= clock(
        STEPS[8],
        supplier_tables,
        facts_of_supply | {"lanes": complete.lanes} | tables,
        settings.supply,
        as_of=as_of,
    )
    # The audit asks what typed lead times are worth against receipts, not against what a person set.
    by_receipts = tables | {"lead_time_estimate": decided.overrides.lead_times}
    company = audit.Company(as_of, ingest.known_at(facts, as_of), known, by_receipts)
    found, ready = clock(STEPS[9], _audit, company, settings)
    tables["recommendation"] = with_verdict(tables["recommendation"], ready)
    asked_of = {name: known[name] for name in ("items", "supplier_terms")} | {"lanes": complete.lanes}
    graded = (tables | {"readiness": ready}, asked_of, settings.replenish, trust)
    tables |= clock(STEPS[10], lines_of, *graded, as_of=as_of)
    said = [
        *heirs.findings,
        *complete.findings,
        *supply.unusable_receipts(known["receipts"], settings.supply, as_of=as_of),
        *supply.changed_lead_times(lead_times),
        *asked.findings,
        *lives.findings,
        *decided.allocation.findings,
        *decided.connected.findings,
        *decided.sized.findings,
        *today.findings,
        *found.findings,
    ]
    tables |= {"audit_row": found.rows, "readiness": ready, "finding": findings_frame(said)}
    return Stages(tables, clock.seconds)


def decide(
    facts: Tables,
    settings: Settings,
    *,
    as_of: date,
    seed: int,
    refused: demand.Refused | None = None,
) -> Decisions:
    """Return the rules of every point by the stages of the plan, without today's orders and reports.

    Parameters
    ----------
    facts, settings, as_of, seed, refused : as of `run_stages`
    """
    return _decide(_Clock(silent), facts, settings, as_of=as_of, seed=seed, refused=refused)


def _decide(
    clock: _Clock,
    facts: Tables,
    settings: Settings,
    *,
    as_of: date,
    seed: int,
    refused: demand.Refused | None,
    overrides: pl.DataFrame | None = None,
) -> Decisions:
    heirs = lifecycle.inherit(facts, as_of=as_of)
    complete = clock(STEPS[0], ingest.complete, heirs.facts, settings.ingest, as_of=as_of)
    known, set_by = complete.tables, _winners(complete, overrides)
    points = ingest.with_settings(complete.points, set_by["target"], set_by["policy"])
    points = lifecycle.without_superseded(points, heirs.heirs)
    estimated = clock(
        STEPS[1],
        supply.estimate,
        known["receipts"],
        complete.lanes,
        settings.supply,
        as_of=as_of,
        open_orders=known["open_orders"],
    )
    lead_times = supply.with_set_days(estimated, set_by["lead_time"])
    known_demand = (known, points, lead_times, settings)
    people = {"refused": refused, "forecasts": set_by["forecast"]}
    asked = clock(STEPS[2], _estimate_demand, *known_demand, as_of=as_of, seed=seed, **people)
    lives = clock(STEPS[3], _life_cycles, asked, known, points, lead_times, settings, as_of=as_of)
    told = targets.with_priority(points, known, settings.targets.floors, as_of=as_of)
    by_rule, allocation = clock(STEPS[4], assign_targets, told, lives.estimates, settings)
    sized_from = (points, lives.estimates, allocation.target, lead_times, settings)
    connected, sized = clock(STEPS[5], size_together, *sized_from, known, as_of=as_of)
    before = measure.Overridden(complete.points, estimated, pl.concat(set_by.values()))
    decided = (heirs, complete, points, lead_times, asked, lives, by_rule, allocation, connected, sized)
    return Decisions(*decided, before)


def _winners(complete: ingest.Completed, overrides: pl.DataFrame | None) -> Tables:
    """Return the overrides that count at every point and, of lead times, on every lane, by kind."""
    asked = table("override").empty() if overrides is None else overrides
    items = complete.tables["items"].select("item_id", "category")
    lanes = complete.lanes.select("item_id", "from_location_id", location_id="to_location_id")
    lanes = lanes.join(items, on="item_id", how="left", maintain_order="left")
    return {kind: winners(asked, lanes if kind == "lead_time" else complete.points, kind) for kind in KINDS}


def _estimate_demand(
    known: Tables,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    settings: Settings,
    *,
    as_of: date,
    seed: int,
    refused: demand.Refused | None,
    forecasts: pl.DataFrame,
) -> Demands:
    """Estimate demand at every point, that of the places it replenishes and of its parents included."""
    prepared = demand.prepare(known, points, settings.demand, as_of=as_of, refused=refused)
    own = bom.independent_demand(prepared.demand, points, known["bom"], settings.bom, as_of=as_of)
    total = demand.pass_upstream(own, points)
    book = demand.booked_ahead(total, known["stock"], points, settings.demand, as_of=as_of)
    estimates = demand.estimate(
        total,
        points,
        lead_times,
        settings.demand,
        as_of=as_of,
        seed=seed,
        availability=prepared.availability,
        booked=book.ahead,
    )
    new = lifecycle.cold_start(
        total,
        points,
        lead_times,
        estimates,
        _with_book(known, book),
        settings.lifecycle,
        settings.demand,
        as_of=as_of,
    )
    expected = demand.with_forecasts(
        new.estimates, points, lead_times, forecasts, settings.demand, as_of=as_of
    )
    lumps = demand.lumps_known(expected, points, prepared, book, settings.demand, as_of=as_of)
    dependent = bom.with_dependent(
        expected, points, lead_times, known, settings.bom, settings.demand, as_of=as_of
    )
    return Demands(
        dependent.estimates,
        total,
        bom.lumps_of_components(lumps, points, lead_times, known["bom"], settings.bom, as_of=as_of),
        book,
        {
            "history_change": prepared.changes,
            "dependent_demand": dependent.demand,
            "cold_start": new.table,
        },
        [*prepared.findings, *book.findings, *dependent.findings, *new.findings],
    )


def _with_book(known: Tables, book: demand.Book) -> Tables:
    return known if book.ahead is None else known | {"booked": book.ahead}


def _life_cycles(
    asked: Demands,
    known: Tables,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    settings: Settings,
    *,
    as_of: date,
) -> Demands:
    """Warn of what may be over, plan what ends, end its demand, and add what is known to come."""
    params = settings.lifecycle
    warnings = lifecycle.obsolescence(asked.total, points, known, params, settings.demand, as_of=as_of)
    lumps = pl.concat([demand.lumps_booked(asked.book), asked.lumps], how="diagonal_relaxed")
    to_come = _with_book(known, asked.book) | {"lumps": lumps}
    buys = lifecycle.last_time_buys(
        points, lead_times, asked.estimates, to_come, warnings, params, as_of=as_of
    )
    suggested, findings = lifecycle.engineered(known["demand"], points, known, params, as_of=as_of)
    ended = lifecycle.end_demand(
        asked.estimates, points, lead_times, settings.demand, as_of=as_of, booked=asked.book.ahead
    )
    final = demand.with_known(
        ended, points, lead_times, asked.lumps, asked.book, settings.demand, as_of=as_of
    )
    tables = {"obsolescence": warnings, "last_time_buy": buys, "engineered_suggestion": suggested}
    told = final.with_columns(
        known_lead_qty=final["mean_lead_qty"] - ended["mean_lead_qty"],
        known_protection_qty=final["mean_protection_qty"] - ended["mean_protection_qty"],
    )
    return replace(asked, estimates=told, tables=tables, findings=list(findings))


def _audit(company: audit.Company, settings: Settings) -> tuple[audit.Audit, pl.DataFrame]:
    """Return what the checks found, and the readiness of every point."""
    found = audit.examine(company, settings.audit)
    return found, audit.readiness(company, found.rows, settings.audit)
