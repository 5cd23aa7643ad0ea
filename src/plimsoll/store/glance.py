"""Runs as a page needs them: which are in force, and all of them in short, without their tables."""

import polars as pl
from sqlalchemy import select

from plimsoll.store.db.models import Run
from plimsoll.store.workspace import Workspace

RUNS = pl.Schema(
    {
        "run_id": pl.String(),
        "kind": pl.String(),
        "as_of": pl.Date(),
        "created_at": pl.Datetime("us", "UTC"),
        "status": pl.String(),
        "version": pl.String(),
        "seed": pl.Int64(),
    }
)


def in_force(workspace: Workspace) -> dict[str, str]:
    """Return the id of the run in force of each kind."""
    with workspace.reading() as db:
        rows = db.execute(select(Run.kind, Run.id).where(Run.status == "in_force"))
        return {row.kind: row.id for row in rows}


def runs(workspace: Workspace) -> pl.DataFrame:
    """Return all runs, the latest first."""
    columns = (Run.id, Run.kind, Run.as_of, Run.created_at, Run.status, Run.version, Run.seed)
    with workspace.reading() as db:
        rows = db.execute(select(*columns).order_by(Run.created_at.desc(), Run.id.desc()))
        return pl.DataFrame([tuple(row) for row in rows], schema=RUNS, orient="row")
