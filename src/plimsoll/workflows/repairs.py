"""Accept, preview, list and withdraw repairs of a workspace's facts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean, first_keys
from plimsoll.domain.findings import numbered
from plimsoll.domain.repair_results import RepairLog, RepairOutcome, TableChange
from plimsoll.domain.repairs import CHANGES, Repair, signed, sound
from plimsoll.domain.tables import table
from plimsoll.ingest.repair_suggestions import suggested
from plimsoll.ingest.repairs import Repaired, repaired
from plimsoll.store.workspace import Workspace

ROWS_SHOWN = 20


def refusals(changes: pl.DataFrame, rules: Iterable[Repair], *, as_of: date) -> Repaired:
    """Return what became of the rules by which people refuse changes of the history (`history_change`)."""
    mine = [rule for rule in rules if rule.table == CHANGES]
    return repaired({CHANGES: changes}, mine, as_of=as_of)


def _facts(workspace: Workspace) -> dict[str, pl.DataFrame]:
    """Return the facts as imported, and the changes of the history that the last plan made."""
    run = workspace.latest_run("plan")
    changes = workspace.result(CHANGES, run.id) if run and CHANGES in run.tables else table(CHANGES).empty()
    return workspace.facts() | {CHANGES: changes}


def add_repair(folder: Path, repair: Repair, *, at: datetime, record: bool = True) -> RepairOutcome:
    """Put one repair in force; with `record` false, only say what it would change.

    Raises
    ------
    InputError : it could not be applied to the facts in force, or would change nothing
    """
    rule = sound(repair)
    with Workspace.open(folder) as workspace:
        outcome = _try(workspace, [rule], as_of=_day(workspace))
        if outcome.left_out:
            raise _refused(workspace, rule, outcome.left_out[0][1])
        return _recorded(workspace, outcome, at) if record else outcome


def accept_suggestions(
    folder: Path,
    code: str,
    *,
    only: Mapping[str, str],
    every: bool = False,
    author: str,
    reason: str,
    at: datetime,
    record: bool = True,
) -> RepairOutcome:
    """Put in force what one check of the audit suggests; with `record` false, only say what it would change.

    Parameters
    ----------
    folder : the workspace
    code : the check
    only : take only the suggestions for this item_id, this location_id
    every : take all suggestions of the check; needed where `only` is empty
    author, reason : who accepts, and why
    at : moment of the command

    Raises
    ------
    InputError : the check suggests nothing there; neither item nor place is given and not `every`
    """
    signed(author, reason)
    from plimsoll.workflows.audit import audit_workspace  # the whole audit, which nothing else here needs

    chosen = choose(audit_workspace(folder, as_of=None, at=at).rows, code, only, every=every)
    with Workspace.open(folder) as workspace:
        day = _day(workspace)
        found = suggested(chosen, workspace.facts(), author=author, reason=reason, as_of=day)
        outcome = _try(workspace, found.rules, as_of=day)
        outcome = replace(outcome, left_out=[*found.unclear, *outcome.left_out])
        return _recorded(workspace, outcome, at) if record and outcome.rules else outcome


def choose(rows: pl.DataFrame, code: str, only: Mapping[str, str], *, every: bool) -> pl.DataFrame:
    """Return the audit rows of one check that carry a suggestion, for one item or place or for all."""
    from plimsoll.workflows.audit import nothing_found

    own = rows.filter(pl.col("code") == code)
    if own.is_empty():
        raise nothing_found(code, rows["code"])
    offered = own.filter(pl.col("repair").is_not_null())
    for name, wanted in only.items():
        offered = offered.filter(pl.col(name) == wanted)
    if offered.is_empty():
        there = own.filter(pl.col("repair").is_not_null())
        items = there["item_id"].drop_nulls().unique(maintain_order=True).to_list()
        where = f" for {' at '.join(only.values())}" if only and items else ""
        what = f"The check '{code}' suggests no repair{where}."
        remedy = did_you_mean(only.get("item_id", ""), items) or (
            f"It suggests some for {first_keys(items)}."
            if items
            else "Add one by hand with `plimsoll repair WORKSPACE add`."
        )
        raise InputError(what, remedy=remedy)
    if not only and not every:
        text = "The check '{code}' suggests {n} repair<|s> ({keys}); none was accepted."
        keys = first_keys(offered["key"].head(6))
        what = numbered(text, offered.height).format(code=code, n=f"{offered.height:,}", keys=keys)
        raise InputError(what, remedy="Choose with --item or --location, or take all with --all.")
    return offered


def withdraw_repairs(
    folder: Path, ids: Iterable[str], *, author: str, reason: str, at: datetime
) -> RepairOutcome:
    """Take repairs out of force; the next plan reads the facts as though they had never been accepted."""
    with Workspace.open(folder) as workspace:
        day, facts = _day(workspace), _facts(workspace)
        before = repaired(facts, workspace.repairs(), as_of=day)
        gone = workspace.withdraw_repair(*ids, author=author, reason=reason, at=at)
        after = repaired(facts, workspace.repairs(), as_of=day)
    names = pl.col("repair_id").is_in([rule.id for rule in gone])
    changes = compare(before.tables, after.tables)
    return RepairOutcome(folder, day, True, gone, before.effects.filter(names), changes)


def list_repairs(folder: Path) -> RepairLog:
    """Return every repair ever accepted: those in force with what they change today, and those withdrawn."""
    with Workspace.open(folder) as workspace:
        day = _day(workspace)
        effects = repaired(_facts(workspace), workspace.repairs(), as_of=day).effects
        withdrawn = [rule for rule in workspace.repairs(in_force=False) if not rule.in_force]
    return RepairLog(folder, day, effects, withdrawn)


def compare(before: Mapping[str, pl.DataFrame], after: Mapping[str, pl.DataFrame]) -> dict[str, TableChange]:
    """Return what differs between two states of the facts, by table; a changed row goes and comes."""
    changes = {}
    for name, new in after.items():
        old = before[name]
        if new is old:
            continue
        gone = old.join(new, on=old.columns, how="anti", nulls_equal=True, maintain_order="left")
        come = new.join(old, on=old.columns, how="anti", nulls_equal=True, maintain_order="left")
        if gone.height or come.height or new.height != old.height:
            shown = gone.head(ROWS_SHOWN), come.head(ROWS_SHOWN)
            changes[name] = TableChange(old.height, new.height, gone.height, come.height, *shown)
    return changes


def _day(workspace: Workspace) -> date:
    imported = workspace.import_in_force()
    if imported is None:
        what = f"The workspace '{workspace.path}' holds no data yet."
        raise InputError(what, remedy=f"Run `plimsoll import {workspace.path} SOURCE` first.")
    return imported.as_of


def _try(workspace: Workspace, wanted: list[Repair], *, as_of: date) -> RepairOutcome:
    """Return what rules would change on top of those in force; those that would not act are left out."""
    facts, standing = _facts(workspace), workspace.repairs()
    known = {str(rule.content()): rule.id for rule in standing}
    left_out: list[tuple[str, str]] = []
    fresh: list[Repair] = []
    for rule in wanted:
        content = str(rule.content())
        if content in known:
            left_out.append((str(rule), f"{known[content]} says so already."))
        else:
            known[content] = f"N{len(fresh) + 1}"
            fresh.append(replace(rule, id=known[content]))
    done = repaired(facts, [*standing, *fresh], as_of=as_of)
    fate = {row["repair_id"]: row for row in done.effects.iter_rows(named=True)}
    acting = [rule for rule in fresh if fate[rule.id]["status"] in ("applied", "waiting")]
    left_out += [(str(rule), fate[rule.id]["why"]) for rule in fresh if rule not in acting]
    before = repaired(facts, standing, as_of=as_of)
    after = done if acting == fresh else repaired(facts, [*standing, *acting], as_of=as_of)
    _keep_standing(before.effects, after.effects)
    effects = after.effects.filter(pl.col("repair_id").is_in([rule.id for rule in acting]))
    changes = compare(before.tables, after.tables)
    return RepairOutcome(workspace.path, as_of, False, acting, effects, changes, left_out)


def _keep_standing(before: pl.DataFrame, after: pl.DataFrame) -> None:
    """Refuse rules that would put one out of action that acts today."""
    acted = before.filter(status="applied").select("repair_id")
    stopped = after.filter(status="refused").join(acted, on="repair_id", maintain_order="left")
    if stopped.height:
        what = f"It would put repairs in force out of action: {first_keys(stopped['repair_id'])}."
        raise InputError(what, why=stopped["why"][0], remedy="Withdraw them first, or choose other rows.")


def _recorded(workspace: Workspace, outcome: RepairOutcome, at: datetime) -> RepairOutcome:
    """Record the rules of an outcome and return it under their ids."""
    rules = workspace.record_repair(*(replace(rule, id="") for rule in outcome.rules), at=at)
    ids = dict(zip((rule.id for rule in outcome.rules), (rule.id for rule in rules), strict=True))
    effects = outcome.effects.with_columns(
        pl.col("repair_id").replace_strict(ids, return_dtype=pl.String),
        pl.lit(at.date()).alias("accepted_on"),
    )
    return replace(outcome, is_recorded=True, rules=rules, effects=effects)


def _refused(workspace: Workspace, rule: Repair, why: str) -> InputError:
    what = f"The repair would have no effect: {rule}."
    items = workspace.facts(["items"])["items"]["item_id"]
    unknown = next((item for item in (rule.item, rule.to) if item and item not in items), "")
    return InputError(what, why=why, remedy=did_you_mean(unknown, items) if unknown else "")
