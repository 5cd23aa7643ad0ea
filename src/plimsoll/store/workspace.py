"""The workspace: one directory with settings, facts, results and people's decisions."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any

import polars as pl
from sqlalchemy import URL, select, update
from sqlalchemy.orm import Session, selectinload

from plimsoll.domain.errors import WorkspaceError, did_you_mean, first_keys
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.repairs import Repair
from plimsoll.domain.tables import input_tables, table
from plimsoll.store import audit_log, lake, rows, settings
from plimsoll.store.database_url import VARIABLE, database_url
from plimsoll.store.db import engine as database
from plimsoll.store.db.models import ImportTable, ImportVersion, Parameter, RepairRow, Run
from plimsoll.store.db.work_models import ChainHead
from plimsoll.store.faults import RESTORE, told
from plimsoll.store.lock import LOCK, writer_lock
from plimsoll.store.records import ImportInForce, ParameterChange, RunRecord

SETTINGS, DATABASE, FACTS, RUNS = "plimsoll.toml", "plimsoll.db", "facts", "runs"
EXPORTS = "exports"
HALF_SETTINGS = f"{SETTINGS}.half"
_SERVED: dict[Path, "Workspace"] = {}  # a server opens once what each request would open anew
OWN = {SETTINGS, HALF_SETTINGS, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", LOCK, FACTS, RUNS, EXPORTS}


class Workspace:
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
        self.path = path
        self._on_server = url.get_backend_name() != "sqlite"
        self._engine = database.connect(url, pooled=serving)
        self._writers = database.writing(self._engine)
        self.n_written = 0  # transactions of this process: who reads along need not ask the database
        self._turn = RLock()  # a transaction within another is told by the database, and does not hang

    @classmethod
    def create(cls, path: str | Path, settings_text: str = "") -> "Workspace":
        """Make a workspace in a new or empty directory, whole or not at all.

        A workspace that is already there is opened if `settings_text` is empty or what it holds.
        """
        path = Path(path).absolute()
        content = (settings_text or settings.DEFAULT_TEXT).encode()
        url = database_url(settings.parse(content, path / SETTINGS), path / DATABASE)
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
            workspace = cls(path, url)
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
        if self._on_server and database.state(self._engine) != "empty" and database.is_used(self._engine):
            what = "The database on the server holds another workspace already."
            raise WorkspaceError(what, remedy="Give each workspace a database, or a schema, of its own.")
        database.migrate(self._engine)
        half = self.path / HALF_SETTINGS
        half.write_bytes(content)
        lake.sync(half)
        half.replace(self.path / SETTINGS)  # last: with it the directory is a workspace
        lake.sync(self.path)

    @classmethod
    def open(cls, path: str | Path, *, serving: bool = False) -> "Workspace":
        """Open a workspace; an older schema is brought to today's, a newer one refused.

        Parameters
        ----------
        serving : keep connections between requests, and hand out this same workspace to whoever opens
            it in this process until `stop_serving`
        """
        path = Path(path).absolute()
        if path in _SERVED:
            return _SERVED[path]
        with told("open the workspace", path):
            if not (path / SETTINGS).exists():
                what = f"There is no directory '{path}'."
                if path.exists():
                    what = f"'{path}' is not a Plimsoll workspace: it has no {SETTINGS}."
                raise WorkspaceError(what, remedy=f"Check the path, or run `plimsoll init {path}`.")
            content = (path / SETTINGS).read_bytes()
            url = database_url(settings.parse(content, path / SETTINGS), path / DATABASE)
            workspace = cls(path, url, serving=serving)
            workspace._bring_up_to_date()
        return _SERVED.setdefault(path, workspace) if serving else workspace

    def _bring_up_to_date(self) -> None:
        is_there = self._on_server or (self.path / DATABASE).exists()
        state = database.state(self._engine) if is_there else "empty"
        if state == "empty" and self._on_server:
            what = f"The database on the server holds nothing of the workspace '{self.path}'."
            remedy = f"Check [database] url and {VARIABLE}, or restore the database from a backup."
            raise WorkspaceError(what, remedy=remedy)
        if state == "empty":
            what = f"The workspace '{self.path}' is damaged: {DATABASE} is missing or empty."
            raise WorkspaceError(what, remedy=RESTORE)
        if state == "newer":
            what = f"The workspace '{self.path}' was written by a newer Plimsoll than this one."
            why = "Its database holds what this program does not know."
            raise WorkspaceError(what, why=why, remedy="Update Plimsoll.")
        if state == "behind":
            with writer_lock(self.path):
                database.migrate(self._engine)

    @staticmethod
    def stop_serving(path: str | Path) -> None:
        """Close a workspace that was opened to serve."""
        workspace = _SERVED.pop(Path(path).absolute(), None)
        if workspace is not None:
            workspace.close()

    def close(self) -> None:
        """Let go of the database, unless the workspace is served to others too."""
        if _SERVED.get(self.path) is not self:
            self._engine.dispose()

    def __enter__(self) -> "Workspace":
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
        stored = self._result_file(name, run_id)
        with told("read the result", self.path):
            return lake.read_rows(self.path, stored, columns, where)

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

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session to read with; for the modules of this room."""
        with told("read the workspace", self.path), Session(self._engine) as db:
            yield db

    @contextmanager
    def transaction(self, doing: str) -> Iterator[Session]:
        """Open a session whose changes take effect all or none, one such transaction at a time.

        The lock on the folder is not taken, so people decide while a plan is being published. The
        transaction holds the head of the log from its first moment (SQLite: the whole database), so
        what it reads cannot change under it, and two of them cannot wait for each other for ever.

        Parameters
        ----------
        doing : what is attempted, fitting after "could not"
        """
        # Threads of one server queue here: the database's own wait, a sleep and another try, can starve one.
        with told(doing, self.path), self._turn, Session(self._writers) as db, db.begin():
            db.execute(select(ChainHead.seq).with_for_update())
            yield db
        self.n_written += 1

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
        with self.reading() as db:
            return db.get(model, name) is not None


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
