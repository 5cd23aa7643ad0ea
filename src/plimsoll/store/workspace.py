"""The workspace: one directory with settings, facts, results and people's decisions."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import polars as pl
from sqlalchemy import select, update
from sqlalchemy.orm import Session, selectinload

from plimsoll.domain.errors import WorkspaceError, did_you_mean, first_keys
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.repairs import Repair
from plimsoll.domain.tables import input_tables, table
from plimsoll.store import lake, rows, settings
from plimsoll.store.db import engine as database
from plimsoll.store.db.models import DecisionRow, ImportVersion, Parameter, RepairRow, Run
from plimsoll.store.faults import RESTORE, told
from plimsoll.store.lock import LOCK, writer_lock
from plimsoll.store.records import Decision, ImportInForce, ParameterChange, RunRecord

SETTINGS, DATABASE, FACTS, RUNS = "plimsoll.toml", "plimsoll.db", "facts", "runs"
HALF_SETTINGS = f"{SETTINGS}.half"
OWN = {SETTINGS, HALF_SETTINGS, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", LOCK, FACTS, RUNS}


class Workspace:
    """A directory that holds everything Plimsoll knows about one company.

    `plimsoll.toml` holds settings, `plimsoll.db` versions, runs, parameters, decisions and repairs,
    `facts/ID/TABLE.parquet` and `runs/ID/TABLE.parquet` the tables. What is published never
    changes, and counts from the moment its row is in the database. Make one with `create` or
    `open`. Instants come from the caller and carry their zone.

    Raises
    ------
    WorkspaceError : from every method, when disk or database fail or another writer is at work
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = database.connect(f"sqlite:///{(path / DATABASE).as_posix()}")

    @classmethod
    def create(cls, path: str | Path, settings_text: str = "") -> Self:
        """Make a workspace in a new or empty directory, whole or not at all.

        A workspace that is already there is opened if `settings_text` is empty or what it holds.
        """
        path = Path(path).absolute()
        content = (settings_text or settings.DEFAULT_TEXT).encode()
        settings.parse(content, path / SETTINGS)
        with told("create a workspace", path):
            missing = [folder for folder in (path, *path.parents) if not folder.exists()]
            present = set() if missing else {file.name for file in path.iterdir()}
            if SETTINGS in present:
                if settings_text and (path / SETTINGS).read_bytes() != content:
                    what = f"'{path}' is already a workspace, with other settings."
                    raise WorkspaceError(what, remedy=f"Edit its {SETTINGS}, or choose another directory.")
                return cls.open(path)
            if strange := present - OWN:
                what = f"The directory '{path}' is not empty ({first_keys(sorted(strange))})."
                raise WorkspaceError(what, remedy="Choose a new or empty directory for the workspace.")
            path.mkdir(parents=True, exist_ok=True)
            workspace = cls(path)
            with writer_lock(path):
                try:
                    workspace._build(content)
                except BaseException:
                    _remove([path] if missing else [path / name for name in OWN - present])
                    for folder in missing[1:]:
                        with suppress(OSError):  # somebody else may have put something there
                            folder.rmdir()
                    raise
        return workspace

    def _build(self, content: bytes) -> None:
        (self.path / FACTS).mkdir(exist_ok=True)
        (self.path / RUNS).mkdir(exist_ok=True)
        database.migrate(self._engine)
        half = self.path / HALF_SETTINGS
        half.write_bytes(content)
        lake.sync(half)
        half.replace(self.path / SETTINGS)  # last: with it the directory is a workspace
        lake.sync(self.path)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a workspace; an older schema is brought to today's, a newer one refused."""
        path = Path(path).absolute()
        with told("open the workspace", path):
            if not (path / SETTINGS).exists():
                what = f"There is no directory '{path}'."
                if path.exists():
                    what = f"'{path}' is not a Plimsoll workspace: it has no {SETTINGS}."
                raise WorkspaceError(what, remedy=f"Check the path, or run `plimsoll init {path}`.")
            workspace = cls(path)
            state = database.state(workspace._engine) if (path / DATABASE).exists() else "empty"
            if state == "empty":
                what = f"The workspace '{path}' is damaged: {DATABASE} is missing or empty."
                raise WorkspaceError(what, remedy=RESTORE)
            if state == "newer":
                what = f"The workspace '{path}' was written by a newer Plimsoll than this one."
                why = "Its database holds what this program does not know."
                raise WorkspaceError(what, why=why, remedy="Update Plimsoll.")
            if state == "behind":
                with writer_lock(path):
                    database.migrate(workspace._engine)
        return workspace

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def settings(self) -> dict[str, dict[str, Any]]:
        """Return the sections of `plimsoll.toml`; a broken file is refused with the line at fault."""
        with told("read the settings", self.path):
            return settings.parse((self.path / SETTINGS).read_bytes(), self.path / SETTINGS)

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
            with Session(self._engine) as db:
                name = lake.next_name(self.path / FACTS, "import", db.scalars(select(ImportVersion.id)))
            files = lake.stage(self.path / FACTS, name, tables, manifest.as_json())
            if before is not None:
                files += [rows.table_file(row) for row in before.tables if row.name not in tables]
            version = rows.version_row(name, files, manifest, created_at)
            answer = rows.import_in_force(version, is_new=True)
            lake.reveal(self.path / FACTS, name)
            with Session(self._engine) as db, db.begin():
                db.execute(update(ImportVersion).values(in_force=False))
                db.add(version)
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
            with Session(self._engine) as db, db.begin():
                db.execute(update(Run).where(Run.kind == kind).values(status="superseded"))
                if same is None:
                    db.add(rows.run_row(name, kind, files, manifest, created_at))
                else:
                    db.execute(update(Run).where(Run.id == same.id).values(status="in_force"))
        return name if same is None else same.id

    def runs(self) -> list[RunRecord]:
        """Return all runs, the oldest first."""
        query = select(Run).order_by(Run.created_at, Run.id).options(selectinload(Run.tables))
        with self._reading() as db:
            return [rows.run_record(run) for run in db.scalars(query)]

    def latest_run(self, kind: str) -> RunRecord | None:
        """Return the run of a kind that was published last, be it anew or again, or None."""
        return next((run for run in self.runs() if run.kind == kind and run.status == "in_force"), None)

    def run(self, run_id: str) -> RunRecord:
        """Return one run; an unknown id is refused with the nearest known one."""
        with self._reading() as db:
            return rows.run_record(self._known_run(db, run_id))

    def result(self, name: str, run_id: str | None = None, kind: str = "plan") -> pl.DataFrame:
        """Return a result table of a run, by default of the latest run of the kind."""
        if run_id is None and (latest := self.latest_run(kind)) is not None:
            run_id = latest.id
        if run_id is None:
            what = f"The workspace '{self.path}' has no {kind} yet."
            raise WorkspaceError(what, remedy=f"Run `plimsoll {kind} {self.path}`.")
        with self._reading() as db:
            run = self._known_run(db, run_id)
            stored = {row.name: rows.table_file(row) for row in run.tables}
        if name not in stored:
            what = f"Run {run_id} has no table '{name}'; it has {', '.join(sorted(stored))}."
            raise WorkspaceError(what, remedy=did_you_mean(name, stored))
        with told("read the result", self.path):
            return lake.read_table(self.path, stored[name])

    def record_parameter(self, change: ParameterChange, *, at: datetime) -> None:
        """Record that a person set a parameter."""
        row = rows.parameter_row(change, rows.utc(at))
        with self._writing("record the parameter"), Session(self._engine) as db, db.begin():
            db.add(row)

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
        with self._reading() as db:
            for row in db.scalars(query):
                found.setdefault(row.section, {})[row.name] = json.loads(row.value_new)
        return found

    def record_decision(self, *decisions: Decision, at: datetime) -> None:
        """Record people's decisions on recommendation lines, all or none."""
        created_at = rows.utc(at)
        new = [rows.decision_row(decision, created_at) for decision in decisions]
        with self._writing("record the decision"), Session(self._engine) as db, db.begin():
            for run_id in {decision.run_id for decision in decisions}:
                self._known_run(db, run_id)
            db.add_all(new)

    def decisions(self, run_id: str | None = None) -> pl.DataFrame:
        """Return all decisions or those on one run, the oldest first."""
        query = select(*(getattr(DecisionRow, name) for name in rows.DECISIONS)).order_by(DecisionRow.id)
        if run_id is not None:
            query = query.where(DecisionRow.run_id == run_id)
        with self._reading() as db:
            found = [tuple(row) for row in db.execute(query)]
        return pl.DataFrame(found, schema=rows.DECISIONS, orient="row")

    def record_repair(self, *repairs: Repair, at: datetime) -> list[Repair]:
        """Put repairs in force, all or none, and return them with their ids.

        A repair that does what one in force does is not recorded again: that one is returned. The facts
        themselves are not touched.
        """
        accepted_at = rows.utc(at)
        new = [rows.repair_row(repair, accepted_at) for repair in repairs]
        with self._writing("record the repair"), Session(self._engine) as db, db.begin():
            standing = select(RepairRow).where(RepairRow.withdrawn_at.is_(None)).order_by(RepairRow.id)
            known = {row.content: row for row in db.scalars(standing)}
            recorded = [known.setdefault(row.content, row) for row in new]
            for row in dict.fromkeys(recorded):
                db.add(row)
            db.flush()
            return [rows.repair(row) for row in recorded]

    def withdraw_repair(self, *ids: str, author: str, reason: str, at: datetime) -> list[Repair]:
        """Take repairs out of force, all or none; they stay on record with who withdrew them and why."""
        withdrawn_at = rows.utc(at)
        rows.require(author, "author")
        rows.require(reason, "reason")
        with self._writing("withdraw the repair"), Session(self._engine) as db, db.begin():
            withdrawn = [self._known_repair(db, repair_id) for repair_id in dict.fromkeys(ids)]
            for row in withdrawn:
                row.withdrawn_at, row.withdrawn_by, row.withdrawn_why = withdrawn_at, author, reason
            return [rows.repair(row) for row in withdrawn]

    def repairs(self, *, in_force: bool = True) -> list[Repair]:
        """Return the repairs in force, or all that were ever accepted, the oldest first."""
        query = select(RepairRow).order_by(RepairRow.id)
        if in_force:
            query = query.where(RepairRow.withdrawn_at.is_(None))
        with self._reading() as db:
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
        with self._reading() as db:
            return db.scalars(query).one_or_none()

    def _known_run(self, db: Session, run_id: str) -> Run:
        run = db.get(Run, run_id)
        if run is None:
            what = f"The workspace '{self.path}' has no run {run_id}."
            raise WorkspaceError(what, remedy=did_you_mean(run_id, db.scalars(select(Run.id))))
        return run

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with told("read the workspace", self.path), Session(self._engine) as db:
            yield db

    @contextmanager
    def _writing(self, doing: str) -> Iterator[None]:
        """Hold the workspace alone; dead publishers' leftovers go before, our own after."""
        with told(doing, self.path), writer_lock(self.path):
            self._sweep()
            try:
                yield
            finally:
                self._sweep()

    def _sweep(self) -> None:
        lake.sweep(self.path / FACTS, lambda name: self._has(ImportVersion, name))
        lake.sweep(self.path / RUNS, lambda name: self._has(Run, name))

    def _has(self, model: type[ImportVersion | Run], name: str) -> bool:
        with Session(self._engine) as db:
            return db.get(model, name) is not None


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


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
