"""Pilots in the database: started once with all that is fixed, ended once; each change goes into the log."""

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plimsoll.domain.errors import InputError
from plimsoll.domain.pilots import Pilot
from plimsoll.store import audit_log, rows
from plimsoll.store.db.pilot_models import PilotRow
from plimsoll.store.workspace import Workspace

PILOT = "P"  # before the number of a pilot


def start_pilot(
    workspace: Workspace,
    fence_run: str,
    first_day: date,
    params: dict[str, Any],
    *,
    author: str,
    at: datetime,
) -> Pilot:
    """Start a pilot and return it.

    Raises InputError if one is running: two fences would share their planners.
    """
    moment = rows.utc(at)
    row = PilotRow(
        fence_run=fence_run,
        first_day=first_day,
        params=json.dumps(params, sort_keys=True),
        status="running",
        started_at=moment,
        started_by=author,
        ended_by="",
        ended_why="",
    )
    with workspace.transaction("start the pilot") as db:
        running = db.scalars(select(PilotRow).where(PilotRow.status == "running")).first()
        if running is not None:
            what = f"Pilot {PILOT}{running.id} is running since {running.first_day}."
            raise InputError(what, remedy="Wait for its verdict, or end it with `plimsoll pilot stop`.")
        db.add(row)
        db.flush()
        done = _pilot(row)
        _log(db, "start_pilot", done, {}, author, moment)
    return done


def end_pilot(
    workspace: Workspace, pilot: Pilot, status: str, *, author: str, why: str, at: datetime
) -> Pilot:
    """End a running pilot as stopped or ended, and return it.

    Raises InputError if it is not running any more.
    """
    moment = rows.utc(at)
    with workspace.transaction("end the pilot") as db:
        row = db.get(PilotRow, int(pilot.id.removeprefix(PILOT)))
        if row is None or row.status != "running":
            what = f"Pilot {pilot.id} is not running."
            raise InputError(what, remedy="See `plimsoll pilot status`.")
        before = _pilot(row).as_data()
        row.status, row.ended_at, row.ended_by, row.ended_why = status, moment, author, why
        db.flush()
        done = _pilot(row)
        _log(db, "stop_pilot" if status == "stopped" else "end_pilot", done, before, author, moment)
    return done


def last_pilot(workspace: Workspace) -> Pilot | None:
    """Return the pilot that was started last, None before the first."""
    with workspace.reading() as db:
        row = db.scalars(select(PilotRow).order_by(PilotRow.id.desc())).first()
        return None if row is None else _pilot(row)


def _pilot(row: PilotRow) -> Pilot:
    return Pilot(
        id=f"{PILOT}{row.id}",
        fence_run=row.fence_run,
        first_day=row.first_day,
        params=json.loads(row.params),
        status=row.status,
        started_at=row.started_at,
        started_by=row.started_by,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        ended_why=row.ended_why,
    )


def _log(db: Session, action: str, done: Pilot, old: dict[str, Any], actor: str, at: datetime) -> None:
    audit_log.append(
        db, at=at, actor=actor, action=action, object_type="pilot", object_id=done.id, old=old,
        new=done.as_data(),
    )  # fmt: skip
