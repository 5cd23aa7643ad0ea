"""The engine, and the way from any older schema to today's."""

from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, text
from sqlalchemy.exc import NoSuchModuleError

from plimsoll.domain.errors import WorkspaceError

# A writer waits for another one's transaction: a bulk decision on 100,000 lines takes some seconds.
PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 30000")
WRITES = "plimsoll_writes"
POOL = {"pool_size": 8, "max_overflow": 32, "pool_timeout": 30, "pool_pre_ping": False}


def connect(url: str | URL, *, pooled: bool = False) -> Engine:
    """Return the engine for a URL.

    Parameters
    ----------
    pooled : keep connections for the next request, as a server wants; else a workspace at rest is
        closed files
    """
    given: dict[str, Any] = {"poolclass": QueuePool, **POOL} if pooled else {"poolclass": NullPool}
    is_sqlite = str(url).startswith("sqlite")
    if is_sqlite and pooled:
        given["connect_args"] = {"check_same_thread": False}  # the pool hands it to one thread at a time
    elif pooled:
        given["pool_pre_ping"] = True  # a server that was restarted is met by a new connection
    try:
        engine = create_engine(url, **given)
    except (ImportError, NoSuchModuleError) as error:
        what = "The driver for this database is not installed."
        raise WorkspaceError(what, remedy="Install it: `pip install plimsoll[postgres]`.") from error
    if is_sqlite:
        event.listen(engine, "connect", _prepare)
        # Python's driver begins by itself only before INSERT and the like: too late for CREATE TABLE.
        # A writer takes the lock at once: one that reads first and finds it taken could not wait.
        event.listen(engine, "begin", _begin)
    return engine


def writing(engine: Engine) -> Engine:
    """Return the engine whose transactions are made to write, over the same connections."""
    return engine.execution_options(**{WRITES: True})


def _prepare(connection: Any, record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    mode = " IMMEDIATE" if connection.get_execution_options().get(WRITES) else ""
    connection.exec_driver_sql(f"BEGIN{mode}")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "plimsoll.store.db:migrations")
    return config


def state(engine: Engine) -> str:
    """Return how the schema stands to this program: empty, behind, current or newer."""
    script = ScriptDirectory.from_config(_config())
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None:
        return "empty"
    if revision == script.get_current_head():
        return "current"
    return "behind" if revision in {known.revision for known in script.walk_revisions()} else "newer"


def migrate(engine: Engine) -> None:
    """Bring the schema to today's, in one transaction."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_used(engine: Engine) -> bool:
    """Return whether a migrated database holds anything of a workspace."""
    query = " UNION ALL ".join(f"SELECT 1 FROM {name}" for name in ("import_version", "run", "audit_event"))  # noqa: S608 - names are written here
    with engine.connect() as connection:
        return connection.execute(text(f"{query} LIMIT 1")).first() is not None
