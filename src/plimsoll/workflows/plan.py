"""Make the plan of a workspace: load, run the stages, publish."""

from datetime import date, datetime
from pathlib import Path

import polars as pl

from plimsoll import __version__
from plimsoll.domain.errors import InputError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import PlanResult
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.pipeline import STEPS, run_stages
from plimsoll.workflows.review import assemble
from plimsoll.workflows.settings import libraries, settings_in_force

KIND = "plan"


def make_plan(
    folder: Path,
    *,
    as_of: date | None = None,
    seed: int | None = None,
    at: datetime,
    progress: Progress = silent,
) -> PlanResult:
    """Plan a workspace and put the plan in force.

    Parameters
    ----------
    folder : the workspace
    as_of : day of knowledge; default: that of the import in force
    seed : seed of everything random; default: that of the settings
    at : moment of the command, for the log only
    progress : told at the start of each step

    Raises
    ------
    InputError
        If nothing has been imported, or no whole period of demand is known at `as_of`.
    """
    with Workspace.open(folder) as workspace:
        settings = settings_in_force(workspace, at)
        imported = workspace.import_in_force()
        if imported is None:
            what = f"The workspace '{folder}' holds no data yet."
            raise InputError(what, remedy=f"Run `plimsoll import {folder} SOURCE` first.")
        day = as_of or imported.as_of
        seed = settings.plan.seed if seed is None else seed
        facts = workspace.facts()
        _check_demand(facts["demand"], day)
        stages = run_stages(facts, settings, as_of=day, seed=seed, progress=progress)
        _check_history(stages.tables["demand_estimate"], day)
        progress("Publish", len(STEPS), len(STEPS))
        tables = stages.tables | {"finding": pl.concat([facts["finding"], stages.tables["finding"]])}
        hashes = workspace.fact_hashes()
        manifest = Manifest(
            KIND, __version__, day, seed, settings.model_dump(mode="json"), hashes, libraries()
        )
        run_id = workspace.publish_run(KIND, tables, manifest, at=at)
        return assemble(workspace, run_id, tables, seconds=stages.seconds)


def _check_demand(demand: pl.DataFrame, day: date) -> None:
    """Refuse to plan where no demand is known."""
    known = demand.drop_nulls("quantity")["date"]
    if (known <= day).any():
        return
    why = "Without demand there is nothing to plan for."
    if known.is_empty():
        what = "The workspace holds no demand."
        raise InputError(what, why=why, remedy="Import order lines, or totals by week or month.")
    what = f"No demand is known on {day}; the first is of {known.sort()[0]}."
    raise InputError(what, why=why, remedy="Choose a later --as-of, or import older demand.")


def _check_history(estimates: pl.DataFrame, day: date) -> None:
    """Refuse a plan that rests on no whole period of demand."""
    if estimates.height and not (estimates["n_periods"] > 0).any():
        what = f"The demand known on {day} does not fill a single week, or month where it is monthly."
        why = "Every stock would look dead."
        raise InputError(what, why=why, remedy="Import a longer history; a year or more makes a good plan.")
