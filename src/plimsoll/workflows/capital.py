"""Working capital of the plan in force: the release of stranded cash, the provision, the bridges."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

import polars as pl

from plimsoll import __version__, policy
from plimsoll.domain.capital_result import CapitalResult
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.results import PlanResult
from plimsoll.measure.bridge import plans_bridge, settings_bridge
from plimsoll.measure.kpi_ledger import volatile
from plimsoll.measure.provision import provision_forecast, with_age
from plimsoll.measure.release import Terms, release_plan, release_totals, routed
from plimsoll.measure.stranded import stranded
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.review import load_plan
from plimsoll.workflows.settings import Settings, libraries, settings_in_force

KIND = "capital"
KEY = ["item_id", "location_id"]
OF_PLAN = ("planning_point", "policy", "target")
TARGET = ["target_kind_eff", "target_service_eff"]
PARTS = {
    "stock": "on_hand_mean_qty",
    "demand": "buffer_demand_qty",
    "lead_time": "buffer_lead_time_qty",
}


@dataclass(frozen=True, slots=True)
class _Before:
    """An earlier plan: its run and what the bridge reads of it."""

    run: RunRecord
    tables: dict[str, pl.DataFrame]


def measure_capital(folder: Path, since: str | None = None, *, at: datetime) -> CapitalResult:
    """Work out what becomes of the stranded cash of the plan in force, and put it in force.

    Parameters
    ----------
    folder : the workspace
    since : run of the plan that the bridge between plans begins at; default: the one before, if there is one
    at : moment of the command

    Raises
    ------
    WorkspaceError : there is no plan yet
    InputError : `since` is no plan, or is the plan in force
    """
    started = perf_counter()
    plan = load_plan(folder)
    with Workspace.open(folder) as workspace:
        settings = settings_in_force(workspace, at)
        before = _before(workspace, plan.run_id, since)
        tables = capital_tables(plan, settings, before.tables if before else None)
        parameters = settings.of_results() | {
            "of_plan": workspace.run(plan.run_id).fingerprint,
            "of_plan_before": before.run.fingerprint if before else None,
            "currency": plan.currency,
        }
        inputs = workspace.fact_hashes()
        manifest = Manifest(KIND, __version__, plan.as_of, plan.seed, parameters, inputs, libraries())
        run_id = workspace.publish_run(KIND, tables, manifest, at=at)
    return CapitalResult(
        workspace=folder,
        run_id=run_id,
        plan_run=plan.run_id,
        before_run=before.run.id if before else "",
        as_of=plan.as_of,
        currency=plan.currency,
        tables=tables,
        totals=release_totals(tables["release"]),
        stock_is_known=plan.stock_is_known,
        seconds={"Capital": perf_counter() - started},
    )


def capital_tables(
    plan: PlanResult, settings: Settings, before: dict[str, pl.DataFrame] | None = None
) -> dict[str, pl.DataFrame]:
    """Return the tables of `CAPITAL_TABLES` of a plan; with an earlier one the bridge from it too."""
    params, lives = settings.capital, settings.lifecycle
    terms = Terms(
        transfer_cost_share=lives.transfer_cost_share,
        return_share=lives.return_share,
        discount_share=lives.discount_share,
        discount_uplift=lives.discount_uplift,
        scrap_share=lives.scrap_share,
    )
    points, health = plan["planning_point"], plan["inventory_health"]
    route = routed(
        points, health, plan["demand_estimate"], plan["move"], plan["obsolescence"], terms, params,
        as_of=plan.as_of,
    )  # fmt: skip
    aged = with_age(route, plan["obsolescence"])
    release = release_plan(route, params, as_of=plan.as_of)
    lead_times = plan["lead_time_estimate"]
    exposed = volatile(plan["target"], points, lead_times, settings.kpi.volatile_lead_cv)
    bridges = [settings_bridge(points, plan["policy"], plan["demand_estimate"], lead_times)]
    if before:
        bridges.append(plans_bridge(before, plan.tables, _by_target(plan, before, settings)))
    return {
        "stranded": stranded(
            health, points, plan["policy"], plan["outlook"], plan["order_change"], aged, exposed, params
        ),
        "release": release,
        "provision": provision_forecast(aged, release, params, as_of=plan.as_of),
        "stock_bridge": pl.concat(bridges),
    }


def _before(workspace: Workspace, in_force: str, since: str | None) -> _Before | None:
    """Return the plan that the bridge begins at: the one asked for, else the last one before."""
    runs = {run.id: run for run in workspace.runs() if run.kind == "plan"}
    now = runs.pop(in_force)
    if since is not None and since not in runs:
        what = f"There is no other plan '{since}' to compare {in_force} with."
        hint = did_you_mean(since, runs) or f"Plans: {', '.join(list(runs)[-5:]) or 'none but this one'}."
        raise InputError(what, remedy=hint)
    earlier = [run for run in runs.values() if run.created_at < now.created_at]
    run = runs[since] if since else earlier[-1] if earlier else None
    if run is None or not set(OF_PLAN) <= run.tables.keys():
        return None
    return _Before(run, {name: workspace.result(name, run.id) for name in OF_PLAN})


def _by_target(plan: PlanResult, before: dict[str, pl.DataFrame], settings: Settings) -> pl.DataFrame:
    """Return what another target did to the parts of expected stock, by sizing alone at both targets."""
    old = before["target"].select(*KEY, **{f"{name}_0": name for name in TARGET})
    pair = plan["target"].join(old, on=KEY)
    changed = pair.filter(pl.any_horizontal(pl.col(name) != pl.col(f"{name}_0") for name in TARGET))
    names = {f"target_{name}": column for name, column in PARTS.items()}
    if changed.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(KEY, pl.String()) | dict.fromkeys(names, pl.Float64()))
    points, laws = (
        plan[name].join(changed, on=KEY, how="semi") for name in ("planning_point", "demand_estimate")
    )
    now = changed.select(plan["target"].columns)
    then = now.with_columns(changed[f"{name}_0"].alias(name) for name in TARGET)
    new, was = (policy.size(points, laws, target, settings.policy) for target in (now, then))
    both = new.select(*KEY, *names.values()).join(was.select(*KEY, *names.values()), on=KEY, suffix="_0")
    return both.select(
        *KEY, **{name: pl.col(column) - pl.col(f"{column}_0") for name, column in names.items()}
    )
