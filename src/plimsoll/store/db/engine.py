"""The engine, and the way from any older schema to today's."""

from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, NullPool, create_engine, event

PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000")


def connect(url: str) -> Engine:
    """Return the engine for a URL; connections are not kept, so a workspace at rest is closed files."""
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        # Python's driver begins by itself only before INSERT and the like: too late for CREATE TABLE.
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _prepare(connection: Any, record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


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
