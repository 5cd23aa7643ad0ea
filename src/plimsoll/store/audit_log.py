"""The log of changes: who did what, when, from which value to which; each event seals those before.

    hash_n = SHA-256( canonical JSON of [seq, at, actor, action, object type, object id, old, new,
                      hash_(n-1)] ),   hash_0 = 64 zeros

The chain shows that an event was changed, taken out or put in; the row `chain_head` shows that the
last ones were cut off. Whoever can write the database could compute the whole chain anew: who fears
that keeps the head's hash elsewhere, as `plimsoll doctor` prints it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol, TypedDict, Unpack

import polars as pl
from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.orm import Session

from plimsoll.store.db.work_models import AuditEvent, ChainHead

Values = Mapping[str, Any] | None
START = "0" * 64
PROGRAM = "plimsoll"  # the actor where the program itself, not a person, made the change
CHUNK = 10_000
HEAD = select(ChainHead.seq)  # asked with every page
COLUMNS = ("seq", "at", "actor", "action", "object_type", "object_id", "old", "new", "previous_hash", "hash")
SHOWN = pl.Schema(
    {"seq": pl.Int64(), "at": pl.Datetime("us", "UTC")}
    | dict.fromkeys(("actor", "action", "object_type", "object_id", "old", "new", "hash"), pl.String())
)


class Books(Protocol):
    """What a log is read from: a workspace."""

    def reading(self) -> AbstractContextManager[Session]:
        """Open a session to read with."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change: what was done to what, with the values before and after; None where there was none."""

    action: str
    object_type: str
    object_id: str
    old: Values
    new: Values


@dataclass(frozen=True, slots=True)
class Chain:
    """What a check of the log found: `broken` names the first event at fault, and is empty if none is."""

    n_events: int
    head: str
    broken: str = ""


def append(
    session: Session,
    *,
    at: datetime,
    actor: str,
    action: str,
    object_type: str,
    object_id: str,
    old: Values,
    new: Values,
) -> int:
    """Add one event within the caller's transaction and return its number; see `append_all`."""
    event = Event(action, object_type, object_id, old, new)
    return append_all(session, [event], at=at, actor=actor)[0]


def append_all(session: Session, events: Sequence[Event], *, at: datetime, actor: str) -> range:
    """Add events within the caller's transaction and return their numbers.

    The caller's transaction must be one of `Workspace.transaction`, which holds the head of the chain.

    Parameters
    ----------
    at : moment of the change, with its zone
    actor : username of who did it
    """
    head = session.execute(select(ChainHead.seq, ChainHead.hash).where(ChainHead.id == 1)).one()
    first, previous = head.seq + 1, head.hash
    moment, stamp = at.astimezone(UTC), _stamp(at)
    rows = []
    for seq, event in enumerate(events, start=first):
        old, new = _json(event.old), _json(event.new)
        told = (actor, event.action, event.object_type, event.object_id, old, new)
        digest = _hash(seq, stamp, told, previous)
        rows.append(dict(zip(COLUMNS, (seq, moment, *told, previous, digest), strict=True)))
        previous = digest
    if rows:
        session.execute(insert(AuditEvent.__table__), rows)  # type: ignore[arg-type]
        session.execute(
            update(ChainHead).where(ChainHead.id == 1).values(seq=first + len(rows) - 1, hash=previous)
        )
    return range(first, first + len(rows))


def last_seq(workspace: Books) -> int:
    """Return the number of the last event; cheap, for asking whether anything changed."""
    with workspace.reading() as db:
        return int(db.scalar(HEAD) or 0)


class Asked(TypedDict, total=False):
    """What events are asked for; "" and what is not named do not limit.

    `since`, `until`: from this moment on, and before that; `text`: is looked for, in any case, in what was
    changed and in the values.
    """

    actor: str
    action: str
    object_type: str
    object_id: str
    since: datetime
    until: datetime
    text: str


def page(
    workspace: Books, *, offset: int = 0, size: int = 50, **asked: Unpack[Asked]
) -> tuple[pl.DataFrame, int]:
    """Return a page of the events asked for, the latest first, and how many there are in all."""
    limits = _limits(asked)
    query = select(*(getattr(AuditEvent, name) for name in SHOWN)).where(*limits)
    count = select(func.count()).select_from(AuditEvent).where(*limits)
    with workspace.reading() as db:
        found = db.execute(query.order_by(AuditEvent.seq.desc()).offset(offset).limit(size))
        rows = [tuple(row) for row in found]
        return pl.DataFrame(rows, schema=SHOWN, orient="row"), int(db.scalar(count) or 0)


def _limits(asked: Asked) -> list[ColumnElement[bool]]:
    values = {"actor": AuditEvent.actor, "action": AuditEvent.action, "object_type": AuditEvent.object_type,
              "object_id": AuditEvent.object_id}  # fmt: skip
    found: list[ColumnElement[bool]] = [
        column == asked[name]  # type: ignore[literal-required]
        for name, column in values.items()
        if asked.get(name)
    ]
    if "since" in asked:
        found.append(AuditEvent.at >= asked["since"])
    if "until" in asked:
        found.append(AuditEvent.at < asked["until"])
    if text := asked.get("text"):
        held = (AuditEvent.object_id, AuditEvent.old, AuditEvent.new)
        found.append(or_(*(column.icontains(text, autoescape=True) for column in held)))
    return found


def values(workspace: Books, column: str) -> list[tuple[str, int]]:
    """Return the values of actor, action or object_type in the log with their events, most first."""
    known, n = getattr(AuditEvent, column), func.count()
    with workspace.reading() as db:
        rows = db.execute(select(known, n).group_by(known).order_by(n.desc(), known))
        return [(str(value), int(events)) for value, events in rows]


def verify(workspace: Books) -> Chain:
    """Return whether the log is whole: every hash right, no number missing, the head where it ends."""
    previous, expected = START, 1
    with workspace.reading() as db:
        head = db.execute(select(ChainHead.seq, ChainHead.hash)).one_or_none()
        for row in _events(db):
            if row.seq != expected:
                return Chain(expected - 1, previous, f"event {expected} is missing")
            told = (row.actor, row.action, row.object_type, row.object_id, row.old, row.new)
            if row.previous_hash != previous or row.hash != _hash(row.seq, _stamp(row.at), told, previous):
                fault = f"event {row.seq} ({row.action} {row.object_id}) is not what was written"
                return Chain(expected - 1, previous, fault)
            previous, expected = row.hash, expected + 1
    if head is None or (head.seq, head.hash) != (expected - 1, previous):
        return Chain(expected - 1, previous, f"events after {expected - 1} are missing")
    return Chain(expected - 1, previous)


def _events(db: Session) -> Iterator[Any]:
    """Yield all events in order, some thousands in memory at a time."""
    after = 0
    columns = [getattr(AuditEvent, name) for name in COLUMNS]
    while True:
        some = select(*columns).where(AuditEvent.seq > after).order_by(AuditEvent.seq).limit(CHUNK)
        rows = db.execute(some).all()
        yield from rows
        if len(rows) < CHUNK:
            return
        after = rows[-1].seq


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _hash(seq: int, stamp: str, told: tuple[str, ...], previous: str) -> str:
    text = json.dumps([seq, stamp, *told, previous], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _json(values: Values) -> str:
    """Return values as text that is the same for equal values; unknown is `null`."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    what = f"{type(value).__name__} cannot be written to the log"
    raise TypeError(what)
