"""How people worked exceptions: owner, due date, snooze, closure with what came of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import func, select

from plimsoll.domain.decisions import Stale
from plimsoll.store import audit_log, rows
from plimsoll.store.db.work_models import ExceptionRecord

if TYPE_CHECKING:
    from plimsoll.store.workspace import Workspace

INSTANT = pl.Datetime("us", "UTC")
WORK = ("status", "owner", "due", "snoozed_until", "outcome", "text")  # what a person sets
RECORD = pl.Schema(
    {
        "exception_id": pl.String(),
        "episode": pl.Int64(),
        "kind": pl.String(),
        "status": pl.String(),
        "owner": pl.String(),
        "due": pl.Date(),
        "snoozed_until": pl.Date(),
        "outcome": pl.String(),
        "text": pl.String(),
        "version": pl.Int64(),
        "opened_at": INSTANT,
        "changed_at": INSTANT,
        "changed_by": pl.String(),
        "closed_at": INSTANT,
        "changed_seq": pl.Int64(),
    }
)


def exception_records(
    workspace: "Workspace", after_seq: int | None = None, *, every: bool = False
) -> pl.DataFrame:
    """Return the last episode of every exception that somebody worked, or with `every` all episodes.

    Parameters
    ----------
    after_seq : only those changed after this event of the log; None for all
    """
    columns = [getattr(ExceptionRecord, name) for name in RECORD]
    query = select(*columns).order_by(ExceptionRecord.exception_id, ExceptionRecord.episode)
    if after_seq is not None:
        query = query.where(ExceptionRecord.changed_seq > after_seq)
    with workspace.reading() as db:
        frame = pl.DataFrame([tuple(row) for row in db.execute(query)], schema=RECORD, orient="row")
    return frame if every else frame.unique("exception_id", keep="last", maintain_order=True)


def work(
    workspace: "Workspace",
    exception_id: str,
    kind: str,
    changes: Mapping[str, Any],
    *,
    version: int,
    actor: str,
    at: datetime,
) -> int:
    """Change how an exception stands, with an event in the log, and return its new version.

    Parameters
    ----------
    kind : kind of the exception, for its record
    changes : new values of some of `WORK`; what is not named stays. Anything but closing an exception
        that was closed begins a new episode, whose owner and dates are the new ones alone
    version : that of the record that the person saw; 0 if nobody had worked it

    Raises
    ------
    Stale : somebody else has worked it since
    """
    moment = rows.utc(at)
    with workspace.transaction("record the work on the exception") as db:
        last = select(func.max(ExceptionRecord.episode)).where(ExceptionRecord.exception_id == exception_id)
        record = db.get(ExceptionRecord, (exception_id, db.scalar(last) or 0))
        if (record.version if record else 0) != version:
            raise Stale(_who_changed_it(record), remedy="Load it again, then decide.")
        old = None if record is None else {name: getattr(record, name) for name in WORK}
        if record is None or (record.status == "closed" and changes.get("status", "open") != "closed"):
            record = ExceptionRecord(
                exception_id=exception_id,
                episode=1 if record is None else record.episode + 1,
                kind=kind,
                status="open",
                text="",
                version=version,
                opened_at=moment,
            )
        for name in WORK:
            if name in changes:
                setattr(record, name, changes[name])
        record.version, record.changed_at, record.changed_by = version + 1, moment, actor
        record.closed_at = (record.closed_at or moment) if record.status == "closed" else None
        action = {"closed": "close", "snoozed": "snooze"}.get(record.status, "work")
        record.changed_seq = audit_log.append(
            db,
            at=moment,
            actor=actor,
            action=action,
            object_type="exception",
            object_id=exception_id,
            old=old,
            new={name: getattr(record, name) for name in WORK},
        )
        db.add(record)
    return version + 1


def _who_changed_it(record: ExceptionRecord | None) -> str:
    if record is None:
        return "Nobody has worked this exception yet, so it cannot have been seen at a later version."
    when = f"{record.changed_at:%Y-%m-%d %H:%M} UTC"
    return f"{record.changed_by} changed this exception on {when}: it is {record.status}."


def outcomes(workspace: "Workspace") -> pl.DataFrame:
    """Return how closed exceptions of each kind came out: kind, outcome, n."""
    query = (
        select(ExceptionRecord.kind, ExceptionRecord.outcome, func.count())
        .where(ExceptionRecord.status == "closed")
        .group_by(ExceptionRecord.kind, ExceptionRecord.outcome)
        .order_by(ExceptionRecord.kind, ExceptionRecord.outcome)
    )
    schema = pl.Schema({"kind": pl.String(), "outcome": pl.String(), "n": pl.Int64()})
    with workspace.reading() as db:
        return pl.DataFrame([tuple(row) for row in db.execute(query)], schema=schema, orient="row")
