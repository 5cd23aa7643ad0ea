"""What needs a person: exceptions found after a plan, and how people work them."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, TypedDict, Unpack

import polars as pl

from plimsoll import __version__
from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError, WorkspaceError, did_you_mean
from plimsoll.domain.exceptions import OUTCOMES, ExceptionsResult, is_right
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import Person, require, scoped
from plimsoll.domain.tables import table
from plimsoll.exceptions import Evidence, Options, find
from plimsoll.ingest import known_at
from plimsoll.store.exceptions import outcomes, work
from plimsoll.store.records import RunRecord
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.facts import read_facts
from plimsoll.workflows.settings import libraries

KIND, PLAN = "exceptions", "plan"
OF_PLAN = (
    "planning_point",
    "policy",
    "outlook",
    "demand_estimate",
    "lead_time_estimate",
    "recommendation",
    "arrival_risk",
    "audit_row",
    "target",
    "obsolescence",
    "override_effect",
    "line",
)
OF_BEFORE = ("policy", "outlook", "demand_estimate", "recommendation", "override_effect")
RESULTS = ("exception", "exception_part", "plan_change")


def find_exceptions(folder: Path, *, at: datetime) -> ExceptionsResult:
    """Find what needs a person in the plan in force, and put it in force beside the plan.

    Looks at the facts known on the plan's day, at the plan, at the plan before (for what changed since) and
    at what people said of exceptions that they closed (for how often each kind proves right).

    Parameters
    ----------
    folder : the workspace
    at : moment of the command, for the log and for settings that expire

    Raises
    ------
    WorkspaceError
        If there is no plan yet.
    """
    start = perf_counter()
    with Workspace.open(folder) as workspace:
        run = _plan_in_force(workspace)
        before = _plan_before(workspace, run)
        read = read_facts(workspace, at=at, as_of=run.as_of)
        parameters = run.manifest["parameters"]
        options = Options.model_validate(
            {name: parameters[name] for name in Options.model_fields if name in parameters}
        )
        precision = _precision(workspace)
        evidence = Evidence(
            as_of=run.as_of,
            facts=known_at(read.tables, run.as_of),
            plan=_tables(workspace, run, OF_PLAN),
            before=_tables(workspace, before, OF_BEFORE) if before else {},
            precision=precision,
        )
        found = find(evidence, options, currency=read.currency)
        tables = dict(zip(RESULTS, (found.exception, found.part, found.change), strict=True))
        inputs = workspace.fact_hashes() | {
            "plan": run.fingerprint,
            "plan_before": before.fingerprint if before else "",
            "precision": hashlib.sha256(precision.write_json().encode()).hexdigest(),
        }
        own = options.model_dump(mode="json") | {"currency": read.currency, "plan": run.id}
        manifest = Manifest(KIND, __version__, run.as_of, run.seed, own, inputs, libraries())
        run_id = workspace.publish_run(KIND, tables, manifest, at=at)
    return ExceptionsResult(
        folder, run_id, run.id, run.as_of, read.currency, tables, {"find": perf_counter() - start}
    )


def load_exceptions(folder: Path) -> ExceptionsResult:
    """Return the exceptions in force.

    Raises
    ------
    WorkspaceError
        If none were looked for yet.
    """
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run(KIND)
        if run is None:
            what = f"No exceptions were looked for in '{folder}' yet."
            raise WorkspaceError(what, remedy=f"Run `plimsoll exceptions {folder}` after a plan.")
        tables = {name: workspace.result(name, run.id) for name in RESULTS}
        own = run.manifest["parameters"]
        return ExceptionsResult(folder, run.id, own["plan"], run.as_of, own["currency"], tables)


class Work(TypedDict, total=False):
    """What a person does with an exception; what is not named stays as it is.

    `owner`: who looks after it, empty for nobody; `due`, `snooze_until`: days; `closed`: how it ended, of
    `domain.exceptions.OUTCOMES`; `text`: a note; `reopen`: whether to open it again.
    """

    owner: str | None
    due: date | None
    snooze_until: date | None
    closed: str | None
    text: str | None
    reopen: bool


def work_exception(
    folder: Path, exception_id: str, who: Person, *, version: int, at: datetime, **done: Unpack[Work]
) -> int:
    """Record who looks after an exception, by when, until when it may wait, or how it ended.

    Parameters
    ----------
    folder : the workspace
    exception_id : of the exceptions in force
    who : the person; one of its points must be in scope
    version : of the record that the person saw; 0 if nobody had worked it
    at : moment of the command
    done : what to change, of `Work`

    Returns
    -------
    The new version of its record.

    Raises
    ------
    Forbidden
        If the person's role does not allow it.
    Unknown
        If there is no such exception, or none of its points is in scope.
    InputError
        If the outcome is unknown, a day lies in the past, or nothing is to be set.
    Stale
        If somebody else has worked it since.
    """
    require(who, "work_exception")
    changes = _changes(done, at.date())
    if not changes:
        what = "It was not said what to do with the exception."
        raise InputError(what, done="Nothing was changed.", remedy="Own, snooze, close or reopen it.")
    with Workspace.open(folder) as workspace:
        kind = _kind_of(workspace, exception_id, who)
        return work(workspace, exception_id, kind, changes, version=version, actor=who.username, at=at)


def _changes(done: Work, today: date) -> dict[str, Any]:
    """Return what is to be set on the record; an unknown outcome and days in the past are refused."""
    closed, until = done.get("closed"), done.get("snooze_until")
    if closed is not None and closed not in OUTCOMES:
        what = f"An exception cannot end as '{closed}'."
        remedy = did_you_mean(closed, OUTCOMES) or f"Known: {', '.join(OUTCOMES)}."
        raise InputError(what, done="Nothing was changed.", remedy=remedy)
    for day in (done.get("due"), until):
        if day is not None and day < today:
            what = f"{day} lies in the past."
            raise InputError(what, done="Nothing was changed.", remedy="Choose today or later.")
    given = {name: done.get(name) for name in ("owner", "due", "text")}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if changes.get("owner") == "":
        changes["owner"] = None
    if closed is not None:
        return changes | {"status": "closed", "outcome": closed}
    if until is not None:
        return changes | {"status": "snoozed", "snoozed_until": until}
    if done.get("reopen"):
        return changes | {"status": "open", "outcome": None, "snoozed_until": None}
    return changes


def _kind_of(workspace: Workspace, exception_id: str, who: Person) -> str:
    """Return the kind of an exception in force with a point in scope."""
    run = workspace.latest_run(KIND)
    found = table("exception").empty() if run is None else workspace.result("exception", run.id)
    rows = found.filter(exception_id=exception_id)
    if rows.height and run is not None and (who.locations is not None or who.categories is not None):
        parts = workspace.result("exception_part", run.id).filter(exception_id=exception_id)
        points = workspace.result("planning_point", run.manifest["parameters"]["plan"])
        point = ["item_id", "location_id"]
        named = parts.join(points.select(*point, "category"), on=point, how="left")
        rows = rows if scoped(named, who).height else rows.clear()
    if rows.is_empty():
        what = f"There is no exception '{exception_id}' today, or none that you may see."
        raise Unknown(what, done="Nothing was changed.", remedy="Load the list of exceptions again.")
    return str(rows["kind"].item())


def _plan_in_force(workspace: Workspace) -> RunRecord:
    run = workspace.latest_run(PLAN)
    if run is None:
        what = f"The workspace '{workspace.path}' has no plan yet."
        raise WorkspaceError(what, remedy=f"Run `plimsoll plan {workspace.path}`.")
    return run


def _plan_before(workspace: Workspace, run: RunRecord) -> RunRecord | None:
    """Return the plan that was made last before this one, for a day no later than its own."""
    earlier = [
        each
        for each in workspace.runs()
        if each.kind == PLAN and each.created_at < run.created_at and each.as_of <= run.as_of
    ]
    return earlier[-1] if earlier else None


def _tables(workspace: Workspace, run: RunRecord, names: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """Return those of the tables that a plan has; plans of older versions lack some."""
    return {name: workspace.result(name, run.id) for name in names if name in run.tables}


def _precision(workspace: Workspace) -> pl.DataFrame:
    """Return how many closed exceptions of each kind proved right and wrong."""
    closed: Mapping[bool, list[str]] = {
        right: [code for code in OUTCOMES if is_right(code) == right] for right in (True, False)
    }
    n = pl.col("n")
    outcome = pl.col("outcome")
    return (
        outcomes(workspace)
        .group_by("kind")
        .agg(
            n_closed_right=n.filter(outcome.is_in(closed[True])).sum(),
            n_closed_wrong=n.filter(outcome.is_in(closed[False])).sum(),
        )
        .sort("kind")
    )
