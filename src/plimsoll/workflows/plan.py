"""Make the plan of a workspace: load, run the stages, publish."""

from datetime import date, datetime
from functools import partial
from pathlib import Path

import polars as pl

from plimsoll import __version__, audit
from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import findings_frame
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.overridden import overrides_frame
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import PlanResult
from plimsoll.ingest.repair_rows import refused_changes
from plimsoll.store.overrides import standing_overrides
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.accuracy import grades_known
from plimsoll.workflows.facts import overrides_told, read_facts, rules_in_force
from plimsoll.workflows.pending import pending_orders, told, with_pending
from plimsoll.workflows.pipeline import STEPS, run_stages
from plimsoll.workflows.repairs import refusals
from plimsoll.workflows.review import assemble
from plimsoll.workflows.settings import libraries

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
    at : moment of the command, for the log, and for settings and overrides that expire
    progress : told at the start of each step

    Raises
    ------
    InputError
        If nothing has been imported, or no whole period of demand is known at `as_of`.
    """
    with Workspace.open(folder) as workspace:
        read = read_facts(workspace, at=at, as_of=as_of)
        settings, day, facts = read.settings, read.as_of, read.tables
        seed = settings.plan.seed if seed is None else seed
        rules, standing = workspace.repairs(), standing_overrides(workspace, at)
        _check_demand(facts["demand"], day)
        pending, unseen = pending_orders(workspace, as_of=day, at=at)
        facts = with_pending(facts, pending, as_of=day)
        checked, trust = grades_known(workspace, day)
        refused = partial(refused_changes, rules=rules)
        stages = run_stages(
            facts,
            settings,
            as_of=day,
            seed=seed,
            progress=progress,
            refused=refused,
            overrides=overrides_frame(standing, at=at),
            trust=trust,
        )
        _check_history(stages.tables["demand_estimate"], day)
        progress("Publish", len(STEPS), len(STEPS))
        also = refusals(stages.tables["history_change"], rules, as_of=day)
        told_here = findings_frame([*read.findings, *unseen, *also.findings])
        said = [facts["finding"], told_here, stages.tables["finding"]]
        effects = pl.concat([read.effects, also.effects])
        tables = stages.tables | {
            "finding": audit.told_once(pl.concat(said)),
            "repair": effects.sort("repair_id"),
            "pending_order": pending,
        }
        hashes = workspace.fact_hashes()
        parameters = settings.of_results() | rules_in_force(workspace)
        parameters |= overrides_told(standing) | told(pending) | checked
        manifest = Manifest(KIND, __version__, day, seed, parameters, hashes, libraries())
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
