"""Whether what a workspace holds is what was put there."""

from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from plimsoll.store import lake, rows
from plimsoll.store.db.models import ImportTable, RunTable
from plimsoll.store.db.work_models import LineState

if TYPE_CHECKING:
    from plimsoll.store.workspace import Workspace

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def database(workspace: "Workspace") -> str:
    """Return in words which database holds the workspace's rows, and at which schema."""
    with workspace.reading() as db:
        kind = db.get_bind().dialect.name
        revision = db.scalar(text("SELECT version_num FROM alembic_version"))
    return f"{NAMES.get(kind, kind)}, schema {revision}"


def damaged_files(workspace: "Workspace") -> tuple[int, list[str]]:
    """Return how many files of facts and results there are, and which are missing or changed."""
    with workspace.reading() as db:
        stored = [*db.scalars(select(ImportTable)), *db.scalars(select(RunTable))]
        files = {row.file: rows.table_file(row) for row in stored}
    damaged = [name for name, file in sorted(files.items()) if not lake.is_intact(workspace.path, file)]
    return len(files), damaged


def lines_of_batches(workspace: "Workspace") -> dict[str, int]:
    """Return how many lines each batch holds."""
    query = select(LineState.batch_id, func.count().label("n")).where(LineState.batch_id.is_not(None))
    with workspace.reading() as db:
        return {str(row.batch_id): row.n for row in db.execute(query.group_by(LineState.batch_id))}
