"""Between the values of the program and the rows of the database."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime

from plimsoll.domain.errors import InputError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.repairs import Repair, of_content, sound
from plimsoll.store.db.models import (
    ImportTable,
    ImportVersion,
    Parameter,
    RepairRow,
    Run,
    RunTable,
)
from plimsoll.store.lake import TableFile
from plimsoll.store.records import ImportInForce, ParameterChange, RunRecord

REPAIR = "R"  # before the number of a repair


def utc(at: datetime) -> datetime:
    """Return an instant in UTC; one without a zone is refused."""
    if at.tzinfo is None:
        what = f"The instant {at.isoformat()} has no time zone."
        raise InputError(what, remedy="Give it one, for example UTC.")
    return at.astimezone(UTC)


def require(text: str, name: str) -> None:
    """Refuse an author or a reason that is blank."""
    if not text.strip():
        what = f"The {name} is missing."
        why = "What a person decides cannot be judged later without author and reason."
        raise InputError(what, why=why, remedy=f"Give the {name}.")


def version_row(name: str, files: Sequence[TableFile], manifest: Manifest, at: datetime) -> ImportVersion:
    """Return the row of a new version in force."""
    return ImportVersion(
        id=name,
        fingerprint=manifest.fingerprint,
        manifest=manifest.as_json(),
        created_at=at,
        in_force=True,
        tables=[ImportTable(**asdict(file)) for file in files],
    )


def run_row(name: str, kind: str, files: Sequence[TableFile], manifest: Manifest, at: datetime) -> Run:
    """Return the row of a new run in force."""
    return Run(
        id=name,
        kind=kind,
        fingerprint=manifest.fingerprint,
        as_of=manifest.as_of,
        seed=manifest.seed,
        version=manifest.version,
        manifest=manifest.as_json(),
        created_at=at,
        status="in_force",
        tables=[RunTable(**asdict(file)) for file in files],
    )


def parameter_row(change: ParameterChange, at: datetime) -> Parameter:
    """Return the row of a person's parameter."""
    require(change.author, "author")
    require(change.reason, "reason")
    expires_at = None if change.expires_at is None else utc(change.expires_at)
    if expires_at is not None and expires_at <= at:
        what = f"Parameter [{change.section}] {change.name} would expire before it is set ({at})."
        raise InputError(what, remedy="Give a later expiry, or none.")
    return Parameter(
        section=change.section,
        name=change.name,
        value_old=json.dumps(change.value_old, sort_keys=True),
        value_new=json.dumps(change.value_new, sort_keys=True),
        author=change.author,
        reason=change.reason,
        created_at=at,
        expires_at=expires_at,
    )


def repair_row(repair: Repair, at: datetime) -> RepairRow:
    """Return the row of a repair in force; one that could not be applied to any data is refused."""
    rule = sound(repair)
    return RepairRow(
        kind=rule.kind,
        content=json.dumps(rule.content(), sort_keys=True),
        audit_check=rule.check,
        author=rule.author,
        reason=rule.reason,
        accepted_at=at,
        withdrawn_by="",
        withdrawn_why="",
    )


def repair(row: RepairRow) -> Repair:
    """Return a repair as the program sees it."""
    told = ("author", "reason", "accepted_at", "withdrawn_at", "withdrawn_by", "withdrawn_why")
    return of_content(
        json.loads(row.content),
        id=f"{REPAIR}{row.id}",
        check=row.audit_check,
        **{name: getattr(row, name) for name in told},
    )


def repair_number(repair_id: str) -> int | None:
    """Return the number of a repair's id, or None for a text that is none.

    Examples
    --------
    >>> repair_number("R12"), repair_number("12"), repair_number("twelve")
    (12, 12, None)
    """
    digits = repair_id.strip().upper().removeprefix(REPAIR)
    return int(digits) if digits.isdecimal() else None


def table_file(row: ImportTable | RunTable) -> TableFile:
    """Return where a table is."""
    return TableFile(row.name, row.file, row.sha256, row.n_rows)


def import_in_force(version: ImportVersion, *, is_new: bool) -> ImportInForce:
    """Return a version as the program sees it."""
    hashes = {row.name: row.sha256 for row in sorted(version.tables, key=lambda row: row.name)}
    manifest = json.loads(version.manifest)
    as_of = date.fromisoformat(manifest["as_of"])
    return ImportInForce(version.id, version.fingerprint, is_new, as_of, manifest, hashes)


def run_record(run: Run) -> RunRecord:
    """Return a run as the program sees it."""
    return RunRecord(
        id=run.id,
        kind=run.kind,
        fingerprint=run.fingerprint,
        as_of=run.as_of,
        seed=run.seed,
        version=run.version,
        manifest=json.loads(run.manifest),
        created_at=run.created_at,
        status=run.status,
        tables={row.name: row.sha256 for row in run.tables},
    )
