"""The directory and the database of a workspace: made, opened, brought up to date, read and written."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any, Self, cast

from sqlalchemy import URL, select
from sqlalchemy.orm import Session

from plimsoll.domain.errors import WorkspaceError, first_keys
from plimsoll.store import lake, settings
from plimsoll.store.database_url import VARIABLE, database_url
from plimsoll.store.db import engine as database
from plimsoll.store.db.models import ImportVersion, Run
from plimsoll.store.db.work_models import ChainHead
from plimsoll.store.faults import RESTORE, told
from plimsoll.store.lock import LOCK, writer_lock

SETTINGS, DATABASE, FACTS, RUNS = "plimsoll.toml", "plimsoll.db", "facts", "runs"
EXPORTS = "exports"
HALF_SETTINGS = f"{SETTINGS}.half"
_SERVED: dict[Path, "Opened"] = {}  # a server opens once what each request would open anew
OWN = {SETTINGS, HALF_SETTINGS, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", LOCK, FACTS, RUNS, EXPORTS}


class Opened:
    """A workspace's directory with its database, open.

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
    def create(cls, path: str | Path, settings_text: str = "") -> Self:
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
    def open(cls, path: str | Path, *, serving: bool = False) -> Self:
        """Open a workspace; an older schema is brought to today's, a newer one refused.

        Parameters
        ----------
        serving : keep connections between requests, and hand out this same workspace to whoever opens
            it in this process until `stop_serving`
        """
        path = Path(path).absolute()
        if (served := _SERVED.get(path)) is not None:
            return cast("Self", served)
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
        return cast("Self", _SERVED.setdefault(path, workspace)) if serving else workspace

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def settings(self) -> dict[str, dict[str, Any]]:
        """Return the sections of `plimsoll.toml`; a broken file is refused with the line at fault."""
        with told("read the settings", self.path):
            return settings.parse((self.path / SETTINGS).read_bytes(), self.path / SETTINGS)

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


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
