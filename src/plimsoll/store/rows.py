"""Between the values of the program and the rows of the database."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime

import polars as pl

from plimsoll.domain.errors import InputError
from plimsoll.domain.manifest import Manifest
from plimsoll.store.db.models import DecisionRow, ImportTable, ImportVersion, Parameter, Run, RunTable
from plimsoll.store.lake import TableFile
from plimsoll.store.records import Decision, ImportInForce, ParameterChange, RunRecord

DECISIONS = pl.Schema(
    {
        "run_id": pl.String(),
        "item_id": pl.String(),
        "to_location_id": pl.String(),
        "from_location_id": pl.String(),
        "quantity_proposed": pl.Float64(),
        "quantity_decided": pl.Float64(),
        "status": pl.String(),
        "reason": pl.String(),
        "author": pl.String(),
        "created_at": pl.Datetime("us", "UTC"),
    }
)


def utc(at: datetime) -> datetime:
    """Return an instant in UTC; one without a zone is refused."""
    if at.tzinfo is None:
        what = f"The instant {at.isoformat()} has no time zone."
        raise InputError(what, remedy="Give it one, for example UTC.")
    return at.astimezone(UTC)


def _require(text: str, name: str) -> None:
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
    _require(change.author, "author")
    _require(change.reason, "reason")
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


def decision_row(decision: Decision, at: datetime) -> DecisionRow:
    """Return the row of a person's decision."""
    _require(decision.author, "author")
    if decision.status != "accepted":
        _require(decision.reason, "reason")
    return DecisionRow(**asdict(decision), created_at=at)


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
