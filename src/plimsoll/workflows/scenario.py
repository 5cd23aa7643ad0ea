"""Scenarios of a workspace: write, list, run, sweep and compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

from plimsoll import __version__, scenarios
from plimsoll.domain.errors import InputError, did_you_mean, first_keys
from plimsoll.domain.findings import Finding, findings_frame
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import Person, require, scoped
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.scenario_result import BASE, SCENARIO_TABLES, Saved, ScenarioResult
from plimsoll.domain.scenarios import FORMS, Scenario, document, read
from plimsoll.domain.tables import table
from plimsoll.store import scenarios as store
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.scenario_rerun import currency_of, read_base, rerun
from plimsoll.workflows.settings import libraries, settings_in_force

KIND = "scenario"
MOST_CASES = 50


@dataclass(frozen=True, slots=True)
class Sweep:
    """One amount of one change over several values: `number` counts changes from 1."""

    number: int
    field: str
    values: tuple[float, ...]

    @classmethod
    def read(cls, text: str) -> "Sweep":
        """Return the sweep that a text like `1.factor=0.8,1,1.2` states.

        Raises
        ------
        InputError : it states none, or more values than are run at once
        """
        change, _, values = text.partition("=")
        number, _, name = change.strip().partition(".")
        try:
            sweep = cls(int(number), name, tuple(float(each) for each in values.split(",")))
        except ValueError as error:
            what = f"'{text[:80]}' is not a sweep."
            raise InputError(
                what, remedy="Write CHANGE.FIELD=VALUE,VALUE, like 1.factor=0.8,1,1.2."
            ) from error
        if len(sweep.values) > MOST_CASES:
            what = f"A sweep of {len(sweep.values)} values is too long; {MOST_CASES} are the most."
            raise InputError(what)
        return sweep

    def cases(self, scenario: Scenario) -> dict[str, Scenario]:
        """Return the scenario with each value, by the name of the case."""
        if not 1 <= self.number <= len(scenario.changes):
            what = f"Scenario '{scenario.name}' has no change {self.number}."
            raise InputError(what, remedy=f"Changes are numbered from 1 to {len(scenario.changes)}.")
        amounts = FORMS[scenario.changes[self.number - 1].kind].amounts
        if self.field not in amounts:
            what = f"Change {self.number} has no amount '{self.field}'."
            raise InputError(
                what, remedy=did_you_mean(self.field, amounts) or f"Known: {', '.join(amounts)}."
            )
        found = {}
        for value in self.values:
            data = scenario.as_data()
            change = {
                name: each for name, each in data["change"][self.number - 1].items() if name not in amounts
            }
            data["change"][self.number - 1] = change | {self.field: value}
            found[f"{scenario.name} {self.field} {value:g}"] = read(data)
        return found


def save_scenario(
    folder: Path, data: Mapping[str, Any] | str, who: Person, *, at: datetime, over: bool = False
) -> Scenario:
    """Keep a scenario, given as data or as a TOML document, after all its names were found in the plan.

    Raises
    ------
    InputError : it is not usable, or one of that name is kept already and `over` is false
    """
    require(who, "start_run")
    scenario = read(document(data) if isinstance(data, str) else data)
    with Workspace.open(folder) as workspace:
        if scenario.name in store.names(workspace) and not over:
            what = f"A scenario '{scenario.name}' is kept already."
            raise InputError(what, remedy="Choose another name, or say that it is to be written over.")
        base = read_base(workspace)
        scenarios.check_names(scenario, base.tables["planning_point"], base.known)
        store.save(workspace, scenario.name, scenario.as_toml(), who.username, at=at)
    return scenario


def saved_scenarios(folder: Path, who: Person) -> list[Saved]:
    """Return every scenario kept, with its last run."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        runs = {_document(run)["name"]: run for run in workspace.runs() if run.kind == KIND}
        plan = workspace.latest_run("plan")
        in_force = plan.id if plan else ""
        return [_saved(_kept(workspace, name), runs.get(name), in_force) for name in store.names(workspace)]


def scenario_of(folder: Path, name: str, who: Person) -> Scenario:
    """Return one scenario kept; an unknown name is answered with the nearest known one."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return _kept(workspace, name)


def run_scenario(
    folder: Path,
    name: str | Scenario,
    who: Person,
    *,
    at: datetime,
    sweep: Sweep | None = None,
    progress: Progress = silent,
) -> ScenarioResult:
    """Run a scenario over the plan in force, which is not touched, and publish what it comes to.

    Parameters
    ----------
    name : of a scenario kept, or a scenario
    sweep : run one case a value of one amount

    Raises
    ------
    InputError : an unknown name in the scenario; nothing is run
    """
    require(who, "start_run")
    with Workspace.open(folder) as workspace:
        scenario = _kept(workspace, name) if isinstance(name, str) else name
        cases = sweep.cases(scenario) if sweep else {scenario.name: scenario}
        progress("Read the plan", 0, len(cases) + 1)
        base = read_base(workspace)
        params = settings_in_force(workspace, at).scenarios
        for each in cases.values():
            scenarios.check_names(each, base.tables["planning_point"], base.known)
        seconds = {}
        found, acts = [_beside(scenarios.figures(base.tables, BASE, params.cash_weeks))], []
        said: list[Finding] = []
        for done, (case, each) in enumerate(cases.items(), 1):
            progress(case, done, len(cases) + 1)
            started = perf_counter()
            made = rerun(base, each)
            seconds[case] = perf_counter() - started
            found.append(_beside(scenarios.figures(made.tables, case, params.cash_weeks), found[0]))
            acts.append(scenarios.differing_actions(base.tables["line"], made.tables["line"], case))
            said += made.findings
        tables = {
            "scenario_figure": pl.concat(found),
            "scenario_action": pl.concat(acts),
            "finding": findings_frame(said).unique(maintain_order=True),
        }
        swept = (
            {"sweep": {"change": sweep.number, "field": sweep.field, "values": sweep.values}} if sweep else {}
        )
        parameters = {
            "scenario": scenario.as_data(),
            "scenarios": params.model_dump(mode="json"),
            "plan": base.run.id,
            **swept,
        }
        inputs = {"plan": base.run.fingerprint}
        manifest = Manifest(KIND, __version__, base.as_of, base.run.seed, parameters, inputs, libraries())
        run_id = workspace.publish_run(KIND, tables, manifest, at=at)
    return ScenarioResult(
        folder, (run_id,), base.run.id, base.as_of, base.currency, (scenario,), tables, seconds
    )


def compare_scenarios(folder: Path, names: Sequence[str], who: Person) -> ScenarioResult:
    """Return the last runs of scenarios side by side, with the actions in the person's scope.

    Parameters
    ----------
    names : of scenarios, or ids of their runs

    Raises
    ------
    InputError : one of them was not run, or they were laid over different plans
    """
    require(who, "view")
    if not names:
        what = "No scenario is named."
        raise InputError(what, remedy="Name one or more; `plimsoll scenario WORKSPACE list` shows them.")
    with Workspace.open(folder) as workspace:
        known = {}
        for run in workspace.runs():
            if run.kind == KIND:
                known[run.id] = known[_document(run)["name"]] = run
        runs = [_run_of(known, name, workspace) for name in dict.fromkeys(names)]
        plans = {run.manifest["parameters"]["plan"] for run in runs}
        if len(plans) > 1:
            what = f"The scenarios were laid over different plans ({first_keys(sorted(plans))})."
            why = "Their differences would be those of the plans, too."
            raise InputError(what, why=why, remedy="Run them again.")
        read_ = [{name: workspace.result(name, run.id) for name in SCENARIO_TABLES} for run in runs]
        tables = {name: pl.concat([each[name] for each in read_]) for name in SCENARIO_TABLES}
        tables["scenario_figure"] = tables["scenario_figure"].unique(
            ["case", "figure"], keep="first", maintain_order=True
        )
        plan = workspace.run(plans.pop())
        currency = currency_of(workspace, plan)
    tables["scenario_action"] = scoped(tables["scenario_action"], who)
    documents = tuple(read(_document(run)) for run in runs)
    ids = tuple(run.id for run in runs)
    return ScenarioResult(folder, ids, plan.id, runs[0].as_of, currency, documents, tables)


def _run_of(known: Mapping[str, RunRecord], name: str, workspace: Workspace) -> RunRecord:
    if name not in known:
        kept = name in store.names(workspace)
        what = f"The scenario '{name}' was not run yet." if kept else f"There is no scenario '{name[:80]}'."
        remedy = (
            f"Run `plimsoll scenario {workspace.path} run {name}`."
            if kept
            else did_you_mean(name[:80], known)
        )
        raise InputError(what, remedy=remedy)
    return known[name]


def _document(run: RunRecord) -> dict[str, Any]:
    document: dict[str, Any] = run.manifest["parameters"]["scenario"]
    return document


def _kept(workspace: Workspace, name: str) -> Scenario:
    known = store.names(workspace)
    if name not in known:
        what = f"There is no scenario '{name[:80]}'."
        remedy = (
            did_you_mean(name[:80], known) or f"Write one: `plimsoll scenario {workspace.path} new NAME`."
        )
        raise InputError(what, remedy=remedy)
    data = document(store.text(workspace, name), f"The document of scenario '{name}'")
    return read(data | {"name": name})  # the name of the file is the one that counts


def _saved(scenario: Scenario, run: RunRecord | None, plan_id: str) -> Saved:
    if run is None:
        return Saved(scenario)
    plan = str(run.manifest["parameters"]["plan"])
    return Saved(scenario, run.id, plan, plan != plan_id)


def _beside(figures: pl.DataFrame, base: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return figures beside those of the base, in the order in which they are shown."""
    told = (
        figures.select("figure", base_value="value") if base is None else base.select("figure", "base_value")
    )
    rows = figures.join(told, on="figure", how="left", maintain_order="left")
    declared = table("scenario_figure")
    return rows.with_columns(change=pl.col("value") - pl.col("base_value")).select(declared.names)
