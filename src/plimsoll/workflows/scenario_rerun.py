"""The plan in force as the base of scenarios, and the same stages run again with changes laid over it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from plimsoll import demand, ingest, lifecycle, measure, network, scenarios, supply, targets
from plimsoll.domain.errors import InputError, WorkspaceError
from plimsoll.domain.findings import Finding
from plimsoll.domain.scenarios import Scenario
from plimsoll.ingest.repairs import repaired
from plimsoll.lifecycle.phase_out import rates_of
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.accuracy import grades_known
from plimsoll.workflows.facts import rules_in_force
from plimsoll.workflows.from_estimates import (
    assign_targets,
    lines_of,
    orders_of_today,
    size_connected,
    with_verdict,
)
from plimsoll.workflows.pending import with_pending
from plimsoll.workflows.settings import Settings, read_settings, sections
from plimsoll.workflows.supply_review import supplier_tables

Tables = dict[str, pl.DataFrame]
KEY = ["item_id", "location_id"]
LANE = ["item_id", "to_location_id", "from_location_id"]
OF_PLAN = (
    "planning_point", "lead_time_estimate", "demand_estimate", "target", "policy", "network_stage",
    "network_arc", "recommendation", "outlook", "move", "inventory_health", "arrival_risk", "line",
    "last_time_buy", "obsolescence", "readiness", "pending_order", "order_change", "supplier_order",
    "network_service",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base:
    """A plan and the facts it was made of: what scenarios are laid over, and never touch.

    `tables` : results of the plan; `known`, `points` : its facts, completed, and the points that they alone
    would make; `trust` : grades of the forecasts, if the plan had any.
    """

    run: RunRecord
    currency: str
    settings: Settings
    tables: Tables
    known: Tables
    points: pl.DataFrame
    trust: pl.DataFrame | None

    @property
    def as_of(self) -> date:
        """The day of knowledge."""
        return self.run.as_of


@dataclass(frozen=True, slots=True)
class Rerun:
    """Tables of the plan as a scenario would have it, and what was found on the way."""

    tables: Tables
    findings: tuple[Finding, ...]


def read_base(workspace: Workspace) -> Base:
    """Return the plan in force with the facts, settings and values set by people that it was made of.

    Raises
    ------
    WorkspaceError : there is no plan
    InputError : it was made by a version that lacks a table, or repairs were changed after it
    """
    run = workspace.latest_run("plan")
    remedy = f"Run `plimsoll plan {workspace.path}`."
    if run is None:
        what = f"The workspace '{workspace.path}' has no plan yet."
        raise WorkspaceError(what, why="A scenario is laid over a plan.", remedy=remedy)
    if lacks := [name for name in OF_PLAN if name not in run.tables]:
        what = f"{run.id} was made by an earlier version and lacks '{lacks[0]}'."
        raise InputError(what, remedy=remedy)
    parameters = run.manifest["parameters"]
    if parameters.get("repairs") != rules_in_force(workspace).get("repairs"):
        what = f"Repairs of the data were accepted or withdrawn after {run.id}."
        raise InputError(what, why="A scenario would be compared with other data.", remedy=remedy)
    tables = {name: workspace.result(name, run.id) for name in OF_PLAN}
    settings = read_settings({name: parameters.get(name, {}) for name in sections()})
    facts = {name: workspace.facts_of_hash(name, sha) for name, sha in run.manifest["inputs"].items()}
    facts = repaired(workspace.facts([]) | facts, workspace.repairs(), as_of=run.as_of).tables
    facts = with_pending(facts, tables["pending_order"], as_of=run.as_of)
    trust = grades_known(workspace, run.as_of)[1] if "trust" in parameters else None
    heirs = lifecycle.inherit(facts, as_of=run.as_of)
    complete = ingest.complete(heirs.facts, settings.ingest, as_of=run.as_of)
    known = complete.tables | {"lanes": complete.lanes}
    return Base(run, currency_of(workspace, run), settings, tables, known, complete.points, trust)


def currency_of(workspace: Workspace, run: RunRecord) -> str:
    """Return the currency of a plan: of its options or else of the import in force."""
    imported = workspace.import_in_force()
    theirs = imported.manifest["parameters"].get("currency", "") if imported else ""
    return str(run.manifest["parameters"].get("plan", {}).get("currency") or theirs)


def rerun(base: Base, scenario: Scenario) -> Rerun:
    """Return the plan as it would be with the changes of a scenario: the stages after the estimates, again.

    Costs, prices, lanes, least orders, targets and what is kept change the facts; delays and outages change
    the lead times, and factors, seasons and other sources the demand, as estimated for the plan. What people
    set stays where the scenario does not touch it. The data are judged as the plan judged them.

    Raises
    ------
    InputError : a name that the plan does not have; nothing is run
    """
    scenarios.check_names(scenario, base.tables["planning_point"], base.known)
    as_of, settings = base.as_of, _settings(base.settings, scenario)
    known, findings = scenarios.changed_masters(base.known, scenario)
    complete = ingest.complete(known, settings.ingest, as_of=as_of)
    before = ingest.complete(base.known, settings.ingest, as_of=as_of)
    points = scenarios.changed_points(base.tables["planning_point"], before.points, complete.points)
    known = base.known | {
        name: known[name]
        for name in ("items", "lanes", "stocking_points", "receipts")
        if known[name] is not base.known[name]
    }
    about = points.select("item_id", "category").unique("item_id", keep="first")
    lanes = _lead_times(base, known, points, settings)
    lead_times = scenarios.delayed_lanes(lanes, about, scenario, as_of=as_of)
    known["open_orders"] = scenarios.delayed_orders(known["open_orders"], points, scenario, as_of=as_of)
    estimates = _estimates(base, known, points, lead_times, scenario)
    tables, said = _decided(base, known, points, lead_times, estimates, settings)
    return Rerun(tables, (*findings, *scenarios.flat_seasons(base.tables, scenario), *said))


def _settings(settings: Settings, scenario: Scenario) -> Settings:
    """Return the settings with the last goal or budget of the scenario."""
    for change in scenario.changes:
        if change.kind in ("goal", "budget"):
            name, other = ("goal", "budget") if change.kind == "goal" else ("budget", "goal")
            options: dict[str, float | str | None] = {
                f"portfolio_{name}": change.value,
                f"portfolio_{other}": None,
            }
            if change.metric is not None:
                options["portfolio_metric"] = change.metric
            settings = settings.model_copy(update={"targets": settings.targets.model_copy(update=options)})
    return settings


def _lead_times(base: Base, known: Tables, points: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Return the lead times of the plan, with estimates of lanes that it did not have."""
    lead_times = base.tables["lead_time_estimate"]
    new = points.select("item_id", "from_location_id", to_location_id="location_id")
    new = new.join(lead_times, on=LANE, how="anti")
    if not new.height:
        return lead_times
    orders = known["open_orders"]
    fresh = supply.estimate(
        known["receipts"], known["lanes"], settings.supply, as_of=base.as_of, open_orders=orders
    )
    added = fresh.join(new, on=LANE, how="semi")
    return pl.concat([lead_times, added]).sort(LANE)


def _estimates(
    base: Base, known: Tables, points: pl.DataFrame, lead_times: pl.DataFrame, scenario: Scenario
) -> pl.DataFrame:
    """Return the estimates of demand over the lead times and at the rates of the scenario."""
    estimates, params = base.tables["demand_estimate"], base.settings.demand
    # A point with a new source has a new lane: its law is that which the new one is held against.
    lanes = base.tables["planning_point"].select(*KEY, before="from_location_id")
    renamed = (
        points.select(*KEY, "from_location_id")
        .join(lanes, on=KEY)
        .join(
            base.tables["lead_time_estimate"],
            left_on=[*KEY, "before"],
            right_on=LANE,
            maintain_order="left",
        )
        .rename({"location_id": "to_location_id"})
        .drop("before")
    )
    estimates = demand.with_lead_times(
        estimates, points, renamed.select(lead_times.columns), lead_times, rates_of(estimates), params
    )
    given = base.tables | {"demand": known["demand"], "demand_estimate": estimates}
    return scenarios.changed_demand(given, points, lead_times, scenario, params, as_of=base.as_of)


def _decided(
    base: Base,
    known: Tables,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    estimates: pl.DataFrame,
    settings: Settings,
) -> tuple[Tables, tuple[Finding, ...]]:
    """Return the tables of the stages after the estimates, and what a goal or budget could not reach."""
    as_of = base.as_of
    ends = {name: base.tables[name] for name in ("last_time_buy", "obsolescence", "readiness")}
    told = targets.with_priority(points, known, settings.targets.floors, as_of=as_of)
    _, allocation = assign_targets(told, estimates, settings)
    connected = network.build(points, lead_times, estimates, known, settings.network, as_of=as_of)
    sized = _sized(base, connected, points, estimates, allocation.target, lead_times, settings)
    policies = sized.policies
    today = orders_of_today(points, lead_times, estimates, policies, ends, known, settings, as_of=as_of)
    tables = ends | {
        "planning_point": points,
        "lead_time_estimate": lead_times,
        "demand_estimate": estimates,
        "target": sized.target,
        "network_stage": connected.stages,
        "network_arc": connected.arcs,
        "policy": policies,
        "network_service": sized.service,
        "recommendation": with_verdict(today.recommendation, ends["readiness"]),
        "outlook": today.outlook,
        "move": today.move,
        "inventory_health": measure.inventory_health(
            points, estimates, policies, today.outlook, settings.measure
        ),
    }
    of_supply = {name: known[name] for name in ("receipts", "open_orders", "lanes")}
    tables |= supplier_tables(of_supply | tables, settings.supply, as_of=as_of)
    asked_of = {name: known[name] for name in ("items", "supplier_terms", "lanes")}
    lines = lines_of(tables, asked_of, settings.replenish, base.trust, as_of=as_of)
    return tables | lines, allocation.findings


def _sized(
    base: Base,
    connected: network.Network,
    points: pl.DataFrame,
    estimates: pl.DataFrame,
    target: pl.DataFrame,
    lead_times: pl.DataFrame,
    settings: Settings,
) -> network.Sized:
    """Return the policies: those of the plan for networks in which nothing differs, all others sized anew.

    Networks do not depend on each other once targets are known, so that this is the same as sizing all.
    """
    before, as_of = base.tables, base.as_of
    told = targets.with_priority(
        before["planning_point"], base.known, base.settings.targets.floors, as_of=as_of
    )
    old_target = assign_targets(told, before["demand_estimate"], base.settings)[1].target
    aims = ["target_kind_eff", "target_service_eff", "target_source"]
    lane = [pl.col("item_id"), pl.col("to_location_id").alias("location_id")]
    differs = pl.concat(
        [
            _differing(before["planning_point"], points),
            _differing(before["demand_estimate"], estimates),
            _differing(old_target.select(*KEY, *aims), target.select(*KEY, *aims)),
            _differing(before["network_stage"].drop("network_id"), connected.stages.drop("network_id")),
            _differing(before["lead_time_estimate"], lead_times, LANE).select(lane),
        ]
    ).unique()
    hit = connected.stages.join(differs, on=KEY, how="semi").select("network_id").unique()
    mine = pl.concat([connected.stages.join(hit, on="network_id", how="semi").select(KEY), differs]).unique()

    def parts(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(mine, on=KEY, how="semi", maintain_order="left")

    def rest(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(mine, on=KEY, how="anti", maintain_order="left")

    if mine.height == points.height:
        return size_connected(connected, points, estimates, target, lead_times, settings)
    some = (parts(points), parts(estimates), parts(target), lead_times, settings)
    sized = size_connected(replace(connected, stages=parts(connected.stages)), *some)
    decided = rest(before["target"]).select(*KEY, *aims)
    kept = rest(target).update(decided, on=KEY, how="left", maintain_order="left")
    return network.Sized(
        pl.concat([rest(before["policy"]), sized.policies]).sort(KEY),
        pl.concat([rest(before["network_service"]), sized.service]).sort(KEY),
        pl.concat([kept, sized.target]).sort(KEY),
        sized.findings,
    )


def _differing(before: pl.DataFrame, after: pl.DataFrame, key: Sequence[str] = KEY) -> pl.DataFrame:
    """Return the keys of rows that are not the same in both tables, which hold the same columns."""
    old = after.select(key).join(before, on=key, how="left", maintain_order="left")
    columns = [name for name in after.columns if name not in key]
    known = after.select(key).join(
        before.select(key).with_columns(known=True), on=key, how="left", maintain_order="left"
    )
    changed = known["known"].is_null()
    for name in columns:
        changed = changed | old[name].ne_missing(after[name])
    return after.select(key).filter(changed)
