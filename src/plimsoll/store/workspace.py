"""The workspace: one directory with settings, facts, results and people's decisions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import URL, select, update
from sqlalchemy.orm import Session, selectinload

from plimsoll.domain.errors import WorkspaceError, did_you_mean, first_keys
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.repairs import Repair
from plimsoll.domain.tables import input_tables, table
from plimsoll.store import audit_log, lake, rows
from plimsoll.store.db.models import ImportTable, ImportVersion, Parameter, RepairRow, Run, RunTable
from plimsoll.store.faults import told
from plimsoll.store.opened import EXPORTS, FACTS, RUNS, Opened
from plimsoll.store.records import ImportInForce, ParameterChange, RunRecord

__all__ = ["EXPORTS", "Workspace"]


class Workspace(Opened):
    """A directory that holds everything Plimsoll knows about one company.

    `plimsoll.toml` holds settings, `plimsoll.db` (or the PostgreSQL database that the settings or the
    environment name) versions, runs, parameters, decisions and the log of changes,
    `facts/ID/TABLE.parquet` and `runs/ID/TABLE.parquet` the tables. What is published never
    changes, and counts from the moment its row is in the database. Make one with `create` or
    `open`. Instants come from the caller and carry their zone. Threads may share one.

    Raises
    ------
    WorkspaceError : from every method, when disk or database fail or another writer is at work
    """

    def __init__(self, path: Path, url: URL, *, serving: bool = False) -> None:
        super().__init__(path, url, serving=serving)
        self._held: dict[tuple[str, str], pl.DataFrame] = {}

    def publish_import(
        self, tables: Mapping[str, pl.DataFrame], manifest: Manifest, *, at: datetime
    ) -> ImportInForce:
        """Put a new version of the facts in force; tables not given carry over.

        When the version in force has the manifest's fingerprint and is intact, it is returned and
        nothing written.
        """
        created_at = rows.utc(at)
        with self._writing("publish the import"):
            before = self._in_force()
            if before is not None and before.fingerprint == manifest.fingerprint and self._is_intact(before):
                return rows.import_in_force(before, is_new=False)
            with self.reading() as db:
                name = lake.next_name(self.path / FACTS, "import", db.scalars(select(ImportVersion.id)))
            files = lake.stage(self.path / FACTS, name, tables, manifest.as_json())
            if before is not None:
                files += [rows.table_file(row) for row in before.tables if row.name not in tables]
            version = rows.version_row(name, files, manifest, created_at)
            answer = rows.import_in_force(version, is_new=True)
            lake.reveal(self.path / FACTS, name)
            with self.transaction("publish the import") as db:
                db.execute(update(ImportVersion).values(in_force=False))
                db.add(version)
                _log_publication(db, "import", name, manifest, created_at)
        return answer

    def _is_intact(self, version: ImportVersion) -> bool:
        return all(lake.is_intact(self.path, rows.table_file(row)) for row in version.tables)

    def facts(self, names: Iterable[str] | None = None) -> dict[str, pl.DataFrame]:
        """Return the facts in force by table name; a table that was never imported comes back empty.

        Parameters
        ----------
        names : the tables wanted; None for all canonical tables with `finding` and `quarantine`
        """
        wanted = (*input_tables(), "finding", "quarantine") if names is None else tuple(names)
        version = self._in_force()
        stored = {} if version is None else {row.name: rows.table_file(row) for row in version.tables}
        with told("read the facts", self.path):
            return {
                name: lake.read_table(self.path, stored[name]) if name in stored else table(name).empty()
                for name in wanted
            }

    def import_in_force(self) -> ImportInForce | None:
        """Return the version of the facts in force, or None before the first import."""
        version = self._in_force()
        return None if version is None else rows.import_in_force(version, is_new=False)

    def fact_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of the file of each table in force."""
        version = self._in_force()
        return {} if version is None else {row.name: row.sha256 for row in version.tables}

    def facts_of_hash(self, name: str, sha256: str) -> pl.DataFrame:
        """Return the version of a fact that has this hash, in force or not; empty if there is none."""
        query = select(ImportTable).where(ImportTable.name == name, ImportTable.sha256 == sha256)
        with self.reading() as db:
            stored = [rows.table_file(row) for row in db.scalars(query.limit(1))]
        with told("read the facts", self.path):
            return lake.read_table(self.path, stored[0]) if stored else table(name).empty()

    def publish_run(
        self, kind: str, tables: Mapping[str, pl.DataFrame], manifest: Manifest, *, at: datetime
    ) -> str:
        """Publish the tables of a finished run, put it in force for its kind, and return its id.

        A run of the same kind and fingerprint is not stored twice: the first one is put in force
        again, after its tables were found equal to these, byte for byte; damaged files of it are mended.

        Raises
        ------
        WorkspaceError : they are not equal, so the result is not reproducible
        """
        created_at = rows.utc(at)
        with self._writing("publish the run"):
            known = {run.fingerprint: run for run in self.runs() if run.kind == kind}
            name = lake.next_name(self.path / RUNS, kind, (run.id for run in known.values()))
            files = lake.stage(self.path / RUNS, name, tables, manifest.as_json())
            same = known.get(manifest.fingerprint)
            if same is None:
                lake.reveal(self.path / RUNS, name)
            else:
                _check_reproduced(same, {file.name: file.sha256 for file in files})
                lake.mend(self.path / RUNS, same.id, name)
            run_id = name if same is None else same.id
            with self.transaction("publish the run") as db:
                db.execute(update(Run).where(Run.kind == kind).values(status="superseded"))
                if same is None:
                    db.add(rows.run_row(name, kind, files, manifest, created_at))
                else:
                    db.execute(update(Run).where(Run.id == same.id).values(status="in_force"))
                _log_publication(db, kind, run_id, manifest, created_at)
        return run_id

    def runs(self) -> list[RunRecord]:
        """Return all runs, the oldest first."""
        query = select(Run).order_by(Run.created_at, Run.id).options(selectinload(Run.tables))
        with self.reading() as db:
            return [rows.run_record(run) for run in db.scalars(query)]

    def latest_run(self, kind: str) -> RunRecord | None:
        """Return the run of a kind that was published last, be it anew or again, or None."""
        return next((run for run in self.runs() if run.kind == kind and run.status == "in_force"), None)

    def run(self, run_id: str) -> RunRecord:
        """Return one run; an unknown id is refused with the nearest known one."""
        with self.reading() as db:
            return rows.run_record(self._known_run(db, run_id))

    def result(self, name: str, run_id: str | None = None, kind: str = "plan") -> pl.DataFrame:
        """Return a result table of a run, by default of the latest run of the kind."""
        if run_id is None and (latest := self.latest_run(kind)) is not None:
            run_id = latest.id
        if run_id is None:
            what = f"The workspace '{self.path}' has no {kind} yet."
            raise WorkspaceError(what, remedy=f"Run `plimsoll {kind} {self.path}`.")
        stored = self._result_file(name, run_id)
        with told("read the result", self.path):
            return lake.read_table(self.path, stored)

    def result_rows(
        self, name: str, run_id: str, columns: Sequence[str], where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """Return some rows and columns of a result table without reading the rest of the file."""
        held = self._held.get((run_id, name))
        if held is not None and set(columns) <= set(held.columns):
            found = (held if where is None else held.filter(where)).select(columns)
            return found.with_columns(pl.selectors.enum().cast(pl.String))
        stored = self._result_file(name, run_id)
        with told("read the result", self.path):
            return lake.read_rows(self.path, stored, columns, where)

    def hold(self, run_id: str, tables: Mapping[str, pl.DataFrame]) -> None:
        """Answer `result_rows` for these tables of a run from memory; those held before are let go.

        Parameters
        ----------
        tables : rows as they are stored; texts may be enumerations, of all that a condition can name
        """
        self._held = {(run_id, name): frame for name, frame in tables.items()}

    def has_result(self, name: str, run_id: str) -> bool:
        """Return whether there is such a run, and it has this table."""
        if (run_id, name) in self._held:
            return True
        with self.reading() as db:
            return db.get(RunTable, (run_id, name)) is not None

    def _result_file(self, name: str, run_id: str) -> lake.TableFile:
        with self.reading() as db:
            stored = {row.name: rows.table_file(row) for row in self._known_run(db, run_id).tables}
        if name not in stored:
            what = f"Run {run_id} has no table '{name}'; it has {', '.join(sorted(stored))}."
            raise WorkspaceError(what, remedy=did_you_mean(name, stored))
        return stored[name]

    def record_parameter(self, change: ParameterChange, *, at: datetime) -> None:
        """Record that a person set a parameter."""
        moment = rows.utc(at)
        row = rows.parameter_row(change, moment)
        new = {"value": change.value_new, "reason": change.reason, "expires_at": row.expires_at}
        with self.transaction("record the parameter") as db:
            db.add(row)
            audit_log.append(
                db,
                at=moment,
                actor=change.author,
                action="set",
                object_type="parameter",
                object_id=f"{change.section}.{change.name}",
                old={"value": change.value_old},
                new=new,
            )

    def parameters_in_force(self, at: datetime) -> dict[str, dict[str, Any]]:
        """Return people's parameters at an instant, by section and name, in the shape of the settings.

        The value set last counts; when it expires, the one before it counts again.
        """
        moment = rows.utc(at)
        query = (
            select(Parameter)
            .where(Parameter.created_at <= moment)
            .where(Parameter.expires_at.is_(None) | (Parameter.expires_at > moment))
            .order_by(Parameter.created_at, Parameter.id)
        )
        found: dict[str, dict[str, Any]] = {}
        with self.reading() as db:
            for row in db.scalars(query):
                found.setdefault(row.section, {})[row.name] = json.loads(row.value_new)
        return found

    def record_repair(self, *repairs: Repair, at: datetime) -> list[Repair]:
        """Put repairs in force, all or none, and return them with their ids.

        A repair that does what one in force does is not recorded again: that one is returned. The facts
        themselves are not touched.
        """
        accepted_at = rows.utc(at)
        new = [rows.repair_row(repair, accepted_at) for repair in repairs]
        with self.transaction("record the repair") as db:
            standing = select(RepairRow).where(RepairRow.withdrawn_at.is_(None)).order_by(RepairRow.id)
            known = {row.content: row for row in db.scalars(standing)}
            recorded = [known.setdefault(row.content, row) for row in new]
            for row in dict.fromkeys(recorded):
                db.add(row)
            db.flush()
            for row in dict.fromkeys(row for row in recorded if row in new):
                _log_repair(db, "accept", row, row.author, accepted_at)
            return [rows.repair(row) for row in recorded]

    def withdraw_repair(self, *ids: str, author: str, reason: str, at: datetime) -> list[Repair]:
        """Take repairs out of force, all or none; they stay on record with who withdrew them and why."""
        withdrawn_at = rows.utc(at)
        rows.require(author, "author")
        rows.require(reason, "reason")
        with self.transaction("withdraw the repair") as db:
            withdrawn = [self._known_repair(db, repair_id) for repair_id in dict.fromkeys(ids)]
            for row in withdrawn:
                row.withdrawn_at, row.withdrawn_by, row.withdrawn_why = withdrawn_at, author, reason
                _log_repair(db, "withdraw", row, author, withdrawn_at)
            return [rows.repair(row) for row in withdrawn]

    def repairs(self, *, in_force: bool = True) -> list[Repair]:
        """Return the repairs in force, or all that were ever accepted, the oldest first."""
        query = select(RepairRow).order_by(RepairRow.id)
        if in_force:
            query = query.where(RepairRow.withdrawn_at.is_(None))
        with self.reading() as db:
            return [rows.repair(row) for row in db.scalars(query)]

    def _known_repair(self, db: Session, repair_id: str) -> RepairRow:
        row = db.get(RepairRow, rows.repair_number(repair_id) or 0)
        if row is None:
            what = f"The workspace '{self.path}' has no repair {repair_id}."
            remedy = f"List them: `plimsoll repair {self.path} list --all`."
            raise WorkspaceError(what, remedy=remedy)
        if row.withdrawn_at is not None:
            day = f"{row.withdrawn_at:%Y-%m-%d}"
            what = f"Repair {repair_id} was withdrawn on {day} by {row.withdrawn_by} already."
            raise WorkspaceError(what, why=f"The reason given: {row.withdrawn_why}")
        return row

    def _in_force(self) -> ImportVersion | None:
        query = (
            select(ImportVersion).where(ImportVersion.in_force).options(selectinload(ImportVersion.tables))
        )
        with self.reading() as db:
            return db.scalars(query).one_or_none()

    def _known_run(self, db: Session, run_id: str) -> Run:
        run = db.get(Run, run_id)
        if run is None:
            what = f"The workspace '{self.path}' has no run {run_id}."
            raise WorkspaceError(what, remedy=did_you_mean(run_id, db.scalars(select(Run.id))))
        return run


def _log_publication(db: Session, kind: str, name: str, manifest: Manifest, at: datetime) -> None:
    new = {"kind": kind, "fingerprint": manifest.fingerprint, "as_of": manifest.as_of}
    told_of = "import" if kind == "import" else "run"
    audit_log.append(
        db,
        at=at,
        actor=audit_log.PROGRAM,
        action="publish",
        object_type=told_of,
        object_id=name,
        old=None,
        new=new,
    )


def _log_repair(db: Session, action: str, row: RepairRow, author: str, at: datetime) -> None:
    kept = json.loads(row.content)
    is_new = action == "accept"
    new = kept | {"reason": row.reason} if is_new else {"reason": row.withdrawn_why}
    audit_log.append(
        db,
        at=at,
        actor=author,
        action=action,
        object_type="repair",
        object_id=f"{rows.REPAIR}{row.id}",
        old=None if is_new else kept,
        new=new,
    )


def _check_reproduced(run: RunRecord, hashes: dict[str, str]) -> None:
    names = run.tables.keys() | hashes.keys()
    if differing := sorted(name for name in names if run.tables.get(name) != hashes.get(name)):
        what = (
            f"Run {run.id} was not reproduced: from equal inputs, {first_keys(differing)} came out different."
        )
        why = "A result that cannot be made again cannot be checked."
        done = f"{run.id} was kept as it is, and the new tables thrown away."
        remedy = "If a library was updated since, its version belongs in the manifest; else report a defect."
        raise WorkspaceError(what, why=why, done=done, remedy=remedy)
