"""The first diagnosis of a company: segments, extremes, dollars and the maturity of its planning."""

from datetime import datetime
from pathlib import Path
from time import perf_counter

import polars as pl

from plimsoll import __version__
from plimsoll.domain.decisions import BY_RULE
from plimsoll.domain.errors import InputError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import PlanResult
from plimsoll.domain.teardown_result import TeardownResult
from plimsoll.measure.maturity import PROOFS, maturity
from plimsoll.measure.segments import extremes, holdings, segments
from plimsoll.store import decisions
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.capital import measure_capital
from plimsoll.workflows.daily import run_day
from plimsoll.workflows.onboard import import_source
from plimsoll.workflows.review import load_plan
from plimsoll.workflows.settings import libraries, settings_in_force
from plimsoll.workflows.workspace import init_workspace

KIND = "teardown"
SETTINGS = "plimsoll.toml"


def tear_down(
    place: Path, into: Path | None = None, *, at: datetime, progress: Progress = silent
) -> TeardownResult:
    """Diagnose a company from a workspace, or straight from its tables, and put the diagnosis in force.

    Parameters
    ----------
    place : a workspace; or a folder, file or workbook of tables, which is imported by a proposed mapping
    into : the workspace that tables are imported to; default: beside them, their name with -plimsoll
    at : moment of the command
    progress : told at each step of the plan

    Returns
    -------
    TeardownResult
        A plan of the data in force is used; without one, one is made.

    Raises
    ------
    InputError : the place is neither, or the tables cannot be read by a proposed mapping
    """
    started = perf_counter()
    folder = _workspace_of(place, into, at, progress)
    plan = _plan_of(folder, at, progress)
    capital = measure_capital(folder, at=at)
    wide = holdings(plan["inventory_health"], plan["planning_point"], plan["policy"], plan["target"])
    with Workspace.open(folder) as workspace:
        done = _done(workspace)
        tables = {
            "teardown_segment": segments(wide),
            "teardown_extreme": extremes(wide),
            "maturity": maturity(plan.tables, done),
        }
        parameters = settings_in_force(workspace, at).of_results() | {
            "of_plan": workspace.run(plan.run_id).fingerprint,
            "proofs": [name for name, exists in done.items() if exists],
        }
        inputs = workspace.fact_hashes()
        manifest = Manifest(KIND, __version__, plan.as_of, plan.seed, parameters, inputs, libraries())
        run_id = workspace.publish_run(KIND, tables, manifest, at=at)
    return TeardownResult(run_id, plan, capital, tables, {"Teardown": perf_counter() - started})


def _workspace_of(place: Path, into: Path | None, at: datetime, progress: Progress) -> Path:
    """Return the workspace: the place itself, or one that its tables were imported to."""
    if (place / SETTINGS).exists():
        if into is not None:
            what = f"'{place}' is a workspace already: --into is for tables that have none."
            raise InputError(what, remedy=f"Run `plimsoll teardown {place}`.")
        return place
    if not place.exists():
        what = f"There is nothing at '{place}'."
        raise InputError(what, remedy="Give a workspace or a folder of tables.")
    folder = into or place.with_name(f"{place.stem}-plimsoll")
    if not (folder / SETTINGS).exists():
        init_workspace(folder)
    import_source(folder, place, at=at, progress=progress)
    return folder


def _done(workspace: Workspace) -> dict[str, bool]:
    """Return for each of `PROOFS` whether it exists: a run of its kind, or a decision of a person."""
    kinds = {run.kind for run in workspace.runs()}
    by_people = decisions.states(workspace).filter(pl.col("reason_code").ne_missing(BY_RULE)).height > 0
    return {name: by_people if kind == "approve" else kind in kinds for name, kind in PROOFS.items()}


def _plan_of(folder: Path, at: datetime, progress: Progress) -> PlanResult:
    """Return the plan in force if it is of the facts in force, else a new one."""
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run("plan")
        is_fresh = run is not None and run.manifest["inputs"] == workspace.fact_hashes()
    return load_plan(folder) if is_fresh else run_day(folder, at=at, progress=progress)
