"""Runs as a page needs them: which are in force, and all of them in short, without their tables."""

import json
from datetime import date, datetime

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from plimsoll.store.db.models import ImportVersion, Run
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
INSTANT = pl.Datetime("us", "UTC")
REPLANS = pl.Schema({"as_of": pl.Date(), "imported_at": INSTANT, "planned_at": INSTANT})


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


def replans(workspace: Workspace) -> pl.DataFrame:
    """Return the imports that brought new facts, each with when the first plan was made of them.

    Returns
    -------
    pl.DataFrame
        as_of (day of knowledge of the facts), imported_at, planned_at; imports that nobody planned on are
        left out.
    """
    versions = select(ImportVersion).options(selectinload(ImportVersion.tables))
    made = select(Run.created_at, Run.manifest).where(Run.kind == "plan").order_by(Run.created_at)
    with workspace.reading() as db:
        first: dict[str, datetime] = {}
        for created_at, manifest in db.execute(made):
            first.setdefault(_content(json.loads(manifest)["inputs"]), created_at)
        found = [
            (date.fromisoformat(json.loads(version.manifest)["as_of"]), version.created_at, first[content])
            for version in db.scalars(versions.order_by(ImportVersion.created_at))
            if (content := _content({row.name: row.sha256 for row in version.tables})) in first
        ]
    return pl.DataFrame([row for row in found if row[2] >= row[1]], schema=REPLANS, orient="row")


def _content(hashes: dict[str, str]) -> str:
    return json.dumps(hashes, sort_keys=True)
