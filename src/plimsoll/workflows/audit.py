"""Audit a workspace: every check over the facts in force, with the plan's results where it has them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from time import perf_counter

import polars as pl

from plimsoll import audit, ingest, lifecycle, supply
from plimsoll.domain.audited import AuditResult
from plimsoll.domain.errors import InputError, did_you_mean, first_keys
from plimsoll.domain.findings import Finding, findings_frame
from plimsoll.domain.progress import Progress, silent
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.facts import read_facts, rules_in_force

STEPS = ("Read the facts", "Complete the company", "Audit")
RESULTS = ("planning_point", "lead_time_estimate", "demand_estimate", "policy")


@dataclass(frozen=True, slots=True)
class _InForce:
    """The plan's results that may be used with the facts in force; none where it rests on others."""

    run_id: str = ""
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    findings: pl.DataFrame | None = None


def audit_workspace(
    folder: Path, *, as_of: date | None = None, at: datetime, progress: Progress = silent
) -> AuditResult:
    """Audit the facts in force of a workspace, as the repairs in force make them.

    Parameters
    ----------
    folder : the workspace
    as_of : day of knowledge; default: that of the import in force
    at : moment of the command, for settings that expire
    progress : told at the start of each step

    Returns
    -------
    AuditResult
        With the results and findings of the plan in force where it was made of these facts and repairs
        on that day; else lead times are estimated here, and what needs a demand estimate is approximated,
        as its rows say.

    Raises
    ------
    InputError
        If nothing has been imported.
    """
    start = perf_counter()
    with Workspace.open(folder) as workspace:
        progress(STEPS[0], 0, len(STEPS))
        read = read_facts(workspace, at=at, as_of=as_of)
        settings, day = read.settings, read.as_of
        planned = _in_force(workspace, day)
    progress(STEPS[1], 1, len(STEPS))
    facts, heirs = read.tables, lifecycle.inherit(read.tables, as_of=day)
    done = ingest.complete(heirs.facts, settings.ingest, as_of=day)
    known = done.tables
    results = planned.tables or {
        "planning_point": lifecycle.without_superseded(done.points, heirs.heirs),
        "lead_time_estimate": supply.estimate(
            known["receipts"], done.lanes, settings.supply, as_of=day, open_orders=known["open_orders"]
        ),
    }
    progress(STEPS[2], 2, len(STEPS))
    company = audit.Company(day, ingest.known_at(facts, day), known, results)
    found = audit.examine(company, settings.audit)
    ready = audit.readiness(company, found.rows, settings.audit)
    others = _also_said(planned, found.findings)
    if others is None:
        said = findings_frame([*read.findings, *heirs.findings, *done.findings])
        others = pl.concat([facts["finding"], said]).unique(maintain_order=True)
    return AuditResult(
        workspace=folder,
        as_of=day,
        currency=read.currency,
        run_id=planned.run_id,
        rows=found.rows,
        findings=audit.told_once(pl.concat([others, findings_frame(found.findings)])),
        quarantine=facts["quarantine"],
        ready=ready,
        totals=readiness_totals(ready, results["planning_point"]),
        seconds={"Audit": perf_counter() - start},
    )


def nothing_found(code: str, found: Iterable[str]) -> InputError:
    """Return the answer to a question for a check that is not among those that found something."""
    known, checks = sorted(set(found)), audit.all_checks()
    tellers = [check.code for check in checks if code in (*check.covers, *check.part_of)]
    if told := [teller for teller in tellers if teller in known]:
        what = f"What '{code}' tells of is told by another check: {', '.join(told)}."
        return InputError(what, remedy=f"Ask for {' or '.join(told)}.")
    what = f"The check '{code}' found nothing."
    if code in {check.code for check in checks}:
        return InputError(what, remedy="Nothing needs to be done about it.")
    others = f"These did: {first_keys(known) or 'none'}; `plimsoll audit` lists them."
    remedy = did_you_mean(code, known) or others
    return InputError(f"No check called '{code}' found anything.", remedy=remedy)


def refuse_unknown(result: AuditResult, code: str | None, item: str | None) -> None:
    """Refuse a check that found nothing, and an item that is neither kept anywhere nor doubted.

    Raises
    ------
    InputError : with the check that tells of it, or the nearest known name
    """
    aside = {f"quarantine_{reason}" for reason in result.quarantine["reason"]}
    found = {*result.rows["code"], *result.findings["code"], *aside}
    if code is not None and code not in found:
        raise nothing_found(code, found)
    items = {*result.ready["item_id"], *result.rows["item_id"].drop_nulls()}
    if item is not None and item not in items:
        what = f"Item '{item}' is kept nowhere, and no check doubts it."
        raise InputError(what, remedy=did_you_mean(item, items) or "Write it as the item table does.")


def readiness_totals(ready: pl.DataFrame, points: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return readiness over all points, by category and by item, from `readiness` and `planning_point`."""
    groups = {"all": None, "category": "category", "item_id": "item_id"}
    return {name: audit.rolled_up(ready, points, by) for name, by in groups.items()}


def _in_force(workspace: Workspace, day: date) -> _InForce:
    run = workspace.latest_run("plan")
    if run is None or run.as_of != day or run.manifest["inputs"] != workspace.fact_hashes():
        return _InForce()
    repairs = run.manifest["parameters"].get("repairs", [])
    if repairs != rules_in_force(workspace).get("repairs", []):
        return _InForce()
    tables = {name: workspace.result(name, run.id) for name in RESULTS}
    return _InForce(run.id, tables, workspace.result("finding", run.id))


def _also_said(planned: _InForce, found: list[Finding]) -> pl.DataFrame | None:
    """Return the plan's findings without those of checks that find nothing any more, by other settings."""
    if planned.findings is None:
        return None
    quiet = {check.code for check in audit.all_checks()} - {each.code for each in found}
    return planned.findings.filter(~pl.col("code").is_in(list(quiet)))
