"""Service economics of a workspace: what service costs, the best targets, and putting them in force."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from plimsoll import __version__, policy, targets
from plimsoll.domain.economics_result import ECONOMICS_TABLES, EconomicsResult
from plimsoll.domain.errors import InputError
from plimsoll.domain.figures import money
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import Person, require, scoped
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.tables import table
from plimsoll.policy.portfolio import choose, chosen_row, out_of_reach
from plimsoll.policy.portfolio_choice import Choice, least_value
from plimsoll.policy.portfolio_curves import Portfolio, cost_curves, portfolio_of, service_choices
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.targets import TargetParams
from plimsoll.workflows.facts import read_facts
from plimsoll.workflows.lists_in_files import as_csv
from plimsoll.workflows.options import Option, set_option
from plimsoll.workflows.settings import Settings, libraries, settings_in_force

KIND = "economics"
KEY = ["item_id", "location_id"]
OF_PLAN = ("planning_point", "demand_estimate", "policy", "target")
STEPS = ("Read the plan", "Curves", "Choose targets", "Economic points", "Publish")
EXACT = 1e4  # a goal taken from the plan is kept to a hundredth of a point
Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options that are asked with, and whether the service of the plan is the goal."""

    params: TargetParams
    as_now: bool

    @property
    def aim(self) -> str:
        """What was asked for, as in table `economics_run`."""
        return "as_now" if self.as_now else "goal" if self.params.portfolio_goal is not None else "budget"


def run_economics(
    folder: Path,
    given: Mapping[str, Any],
    who: Person,
    *,
    at: datetime,
    progress: Progress = silent,
) -> EconomicsResult:
    """Return what service costs in stock by the plan in force, and the targets that are asked for.

    Parameters
    ----------
    folder : the workspace
    given : portfolio_goal or portfolio_budget, portfolio_metric, portfolio_floors, floors, over the settings;
        None is not given. With neither goal nor budget, in the settings either, the goal is the service of
        the plan.
    who : who asks; needs the right to start a run
    at : moment of the command
    progress : told at each step

    Raises
    ------
    InputError : no plan yet; a goal or a budget out of reach, with the nearest that is not
    SettingError : an option out of range, or goal and budget at once
    Forbidden : the role does not allow it
    """
    require(who, "start_run")
    started, seconds = perf_counter(), {}
    with Workspace.open(folder) as workspace:
        progress(STEPS[0], 0, len(STEPS))
        settings = settings_in_force(workspace, at)
        asked = _asked(settings.targets, given)
        plan = _plan(workspace)
        read = {name: workspace.result(name, plan.id) for name in OF_PLAN}
        if asked.params.floors.priority is not None:
            facts = read_facts(workspace, at=at, as_of=plan.as_of).tables
            points = targets.with_priority(
                read["planning_point"], facts, asked.params.floors, as_of=plan.as_of
            )
            read["planning_point"] = points
        seconds[STEPS[0]] = perf_counter() - started
        tables = economics_of(
            read,
            asked.params,
            settings,
            plan.id,
            as_now=asked.as_now,
            seconds=seconds,
            progress=progress,
        )
        parameters = settings.of_results() | {
            KIND: asked.params.model_dump(mode="json"), "aim": asked.aim, "plan_run": plan.fingerprint,
            "currency": _currency(workspace, settings),
        }  # fmt: skip
        manifest = Manifest(
            KIND,
            __version__,
            plan.as_of,
            settings.plan.seed,
            parameters,
            workspace.fact_hashes(),
            libraries(),
        )
        begun = perf_counter()
        run_id = workspace.publish_run(KIND, tables, manifest, at=at)
    seconds[STEPS[4]] = perf_counter() - begun
    return EconomicsResult(folder, run_id, plan.as_of, parameters["currency"], tables, seconds)


def load_economics(folder: Path, who: Person) -> EconomicsResult | None:
    """Return the service economics in force, None before the first.

    Who sees a part of the company gets the curves of its own places or categories, and its own points.
    """
    require(who, "view")
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run(KIND)
        if run is None:
            return None
        tables = {name: workspace.result(name, run.id) for name in ECONOMICS_TABLES}
        currency = str(run.manifest["parameters"].get("currency", ""))
    for name in ("service_choice", "economic_point"):
        tables[name] = scoped(tables[name], who)
    tables["cost_curve"] = _own(tables["cost_curve"], who)
    return EconomicsResult(folder, run.id, run.as_of, currency, tables)


def economics_of(
    read: Tables,
    params: TargetParams,
    settings: Settings,
    plan_id: str,
    *,
    as_now: bool = False,
    seconds: dict[str, float] | None = None,
    progress: Progress = silent,
) -> Tables:
    """Return the tables of service economics from those of a plan; nothing is stored.

    Parameters
    ----------
    read : tables planning_point, demand_estimate, policy, target
    params : what is asked for
    settings : of the lots and of the targets by rule
    plan_id : the plan
    as_now : whether the goal is the service of the plan
    seconds : gets the time of each step
    progress : told at each step
    """
    took = {} if seconds is None else seconds

    def begin(step: int) -> float:
        progress(STEPS[step], step, len(STEPS))
        return perf_counter()

    points, estimates = read["planning_point"], read["demand_estimate"]
    begun = begin(1)
    by_rule = targets.assign(points, estimates, params)
    levels = {"plan": levels_of_plan(read["policy"])}
    in_use = levels_in_use(points, levels["plan"])
    levels |= {"in_use": in_use} if in_use is not None else {}
    portfolio = portfolio_of(points, estimates, by_rule, levels, params, settings.policy)
    took[STEPS[1]] = perf_counter() - begun
    begun = begin(2)
    params = _with_goal(portfolio, params) if as_now else params
    chosen = choose(portfolio.hulls, params)
    if chosen.bound is None:
        raise _impossible(portfolio, params, chosen)
    tables = {
        "cost_curve": cost_curves(portfolio, chosen),
        "service_choice": service_choices(portfolio, chosen),
        "economics_run": _run(portfolio, params, chosen, plan_id, as_now=as_now, read=read),
    }
    took[STEPS[2]] = perf_counter() - begun
    begun = begin(3)
    tables["economic_point"] = policy.economic_points(
        points, estimates, by_rule, levels["plan"], settings.policy
    )
    took[STEPS[3]] = perf_counter() - begun
    return tables


def accept_targets(folder: Path, who: Person, *, at: datetime, reason: str = "") -> list[Option]:
    """Put the targets of the economics in force into the options of the workspace; the next plan reads them.

    The goal or the budget is set, not a target for each point: every plan finds the best targets of its day.

    Parameters
    ----------
    folder : the workspace
    who : who accepts; needs the right to set options
    at : the moment
    reason : the person's own words, put before the evidence

    Returns
    -------
    list[Option]
        What was changed, each with an entry in the audit log; empty where all is in force already.

    Raises
    ------
    InputError : there are no economics yet
    Forbidden : the role does not allow it
    """
    require(who, "set")
    result = load_economics(folder, who)
    if result is None:
        what = f"There are no service economics of '{folder}' yet."
        raise InputError(what, remedy=f"Run `plimsoll targets {folder}` first.")
    run = result.run
    with Workspace.open(folder) as workspace:
        now = settings_in_force(workspace, at).targets.model_dump(mode="json")
    is_budget = run["aim"] == "budget"
    # What excludes the new aim goes first: in between, both must not stand.
    wanted: dict[str, Any] = {
        "portfolio_goal" if is_budget else "portfolio_budget": None,
        "portfolio_metric": run["metric"],
        "floors": json.loads(run["floors"])["floors"],
        "portfolio_floors": json.loads(run["floors"])["portfolio_floors"],
        "portfolio_budget" if is_budget else "portfolio_goal": run["budget" if is_budget else "goal"],
    }
    told = (
        f"{result.run_id}: {100 * run['promised']:.2f} % of {run['metric']} for "
        f"{money(run['inventory_value'], result.currency)} of stock."
    )
    why = " ".join(part for part in (reason.strip(), told) if part)
    return [
        set_option(folder, "targets", name, value, who, reason=why, at=at)
        for name, value in wanted.items()
        if now[name] != value
    ]


def write_csv(result: EconomicsResult, folder: Path) -> list[Path]:
    """Write curves, targets and economic levels as CSV files into a folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name in ECONOMICS_TABLES:
        files.append(folder / f"{name}.csv")
        files[-1].write_bytes(as_csv(result[name]))
    return files


def levels_of_plan(policies: pl.DataFrame) -> pl.DataFrame:
    """Return the levels of table `policy` as those to be evaluated; null where nothing is held."""
    is_held = pl.col("policy") != "none"
    return policies.select(
        *KEY,
        reorder_point_set=pl.when(is_held).then("reorder_point_qty"),
        order_up_to_set=pl.when(is_held).then("order_up_to_qty"),
    )


def levels_in_use(points: pl.DataFrame, planned: pl.DataFrame) -> pl.DataFrame | None:
    """Return the minimum and maximum in the user's system, the plan's levels where there is neither.

    None where no point has any.
    """
    is_set = pl.any_horizontal(pl.col("current_min", "current_max").is_not_null())
    if not points.select(is_set.any()).item():
        return None
    both = points.select(*KEY, "current_min", "current_max").join(
        planned, on=KEY, how="left", maintain_order="left"
    )
    return both.select(
        *KEY,
        reorder_point_set=pl.when(is_set).then("current_min").otherwise("reorder_point_set"),
        order_up_to_set=pl.when(is_set).then("current_max").otherwise("order_up_to_set"),
    )


def _asked(settings: TargetParams, given: Mapping[str, Any]) -> _Asked:
    """Return the options with what is given over them; an aim given replaces that of the settings."""
    over = {name: value for name, value in given.items() if value is not None}
    base = settings.by_class if {"portfolio_goal", "portfolio_budget"} & set(over) else settings
    floors = base.floors.model_dump(exclude_unset=True) | dict(over.pop("floors", {}))
    known = base.model_dump(exclude_unset=True) | over | {"floors": floors}
    params = TargetParams.read(known, "targets")
    return _Asked(params, not params.has_portfolio)


def _own(curves: pl.DataFrame, who: Person) -> pl.DataFrame:
    """Return the curves that lie in a person's scope as a whole."""
    if who.locations is None and who.categories is None:
        return curves
    mine = pl.lit(value=False)
    if who.categories is None:
        mine = (pl.col("by") == "location") & pl.col("segment").is_in(list(who.locations or ()))
    elif who.locations is None:
        mine = (pl.col("by") == "category") & pl.col("segment").is_in(list(who.categories))
    return curves.filter(mine)


def _plan(workspace: Workspace) -> RunRecord:
    run = workspace.latest_run("plan")
    if run is None:
        what = f"The workspace '{workspace.path}' has no plan yet."
        raise InputError(
            what, why="What service costs is read from the estimates of a plan.",
            remedy=f"Run `plimsoll plan {workspace.path}` first.",
        )  # fmt: skip
    return run


def _currency(workspace: Workspace, settings: Settings) -> str:
    imported = workspace.import_in_force()
    of_data = str(imported.manifest["parameters"].get("currency", "")) if imported else ""
    return settings.plan.currency or of_data


def _with_goal(portfolio: Portfolio, params: TargetParams) -> TargetParams:
    """Return the options with the service of the plan as the goal, or the most that can be reached."""
    hulls, now = portfolio.hulls, portfolio.now["plan"]
    if not hulls.total > 0.0:
        what = "Nobody is expected to ask for anything at the points of the plan."
        raise InputError(what, why="Without demand service has no meaning.", remedy="Import demand.")
    short = float(now.select((pl.col("demanded") * pl.col("short")).sum()).item())
    most = 1.0 - hulls.totals(hulls.most())[0] / hulls.total
    goal = floor(EXACT * min(1.0 - short / hulls.total, most)) / EXACT
    return params.model_copy(update={"portfolio_goal": min(max(goal, 1.0 / EXACT), 1.0 - 1.0 / EXACT)})


def _impossible(portfolio: Portfolio, params: TargetParams, nearest: Choice) -> InputError:
    """Return the error of a goal or budget out of reach, with the nearest that is within."""
    finding = out_of_reach(portfolio.hulls, params, nearest)
    service = f"{100 * nearest.promised:.1f} % of {params.portfolio_metric}"
    if params.portfolio_goal is not None:
        goal = floor(EXACT * nearest.promised) / EXACT
        value = money(least_value(portfolio.hulls, goal).value)
        nearest_said = f"--goal {goal:g} is the nearest; it takes {value} of stock."
    else:
        nearest_said = f"--budget {ceil(nearest.value)} is the nearest; it serves {service}."
    return InputError(
        finding.what,
        why=finding.why,
        done="No targets were chosen.",
        remedy=f"{nearest_said} {finding.remedy}",
    )


def _run(
    portfolio: Portfolio,
    params: TargetParams,
    chosen: Choice,
    plan_id: str,
    *,
    as_now: bool,
    read: Tables,
) -> pl.DataFrame:
    """Return table `economics_run`."""
    hulls, points = portfolio.hulls, read["planning_point"]
    row = chosen_row(hulls, params.portfolio_goal, chosen).row(0, named=True)
    is_set = pl.any_horizontal(pl.col("current_min", "current_max").is_not_null())
    floors = params.model_dump(mode="json", include={"floors", "portfolio_floors"})
    told = {
        "plan_id": plan_id,
        "metric": params.portfolio_metric,
        "aim": _Asked(params, as_now).aim,
        "goal": params.portfolio_goal,
        "budget": params.portfolio_budget,
        **{name: row[name] for name in ("promised", "inventory_value", "bound_value", "shadow_price")},
        "next_point_value": chosen.price * hulls.total * 0.01,
        "uniform_target": row["uniform_target"],
        "uniform_value": row["uniform_value"],
        "n_points": int(points["planned"].sum()),
        "n_in_use": points.filter(is_set, "planned").height,
        "n_together": read["target"].filter(target_source="network").height,
        "floors": json.dumps(floors),
    }
    return table("economics_run").conform(pl.DataFrame([told], schema=table("economics_run").schema))
