"""Requests that change something, done once: the key that a client chose, and the answer it got."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete

from plimsoll.domain.decisions import Stale
from plimsoll.domain.errors import InputError
from plimsoll.store import rows
from plimsoll.store.db.work_models import Idempotency

if TYPE_CHECKING:
    from plimsoll.store.workspace import Workspace

KEPT_FOR = timedelta(hours=24)
AT_WORK_FOR = timedelta(minutes=5)  # a request that has not answered by then died


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request with a key was answered: HTTP status and body."""

    status: int
    body: str


def begin(
    workspace: "Workspace", username: str, key: str, *, request: str, body_sha256: str, at: datetime
) -> Answer | None:
    """Return the answer to an earlier request with this key, or None: this one is the first, do it.

    Parameters
    ----------
    request : method and path; with `body_sha256` it tells whether the request is the same

    Raises
    ------
    InputError : the key stands for another request
    Stale : the first request with this key has not been answered yet
    """
    moment = rows.utc(at)
    with workspace.transaction("remember the request") as db:
        db.execute(delete(Idempotency).where(Idempotency.expires_at <= moment))
        known = db.get(Idempotency, (username, key))
        if known is None:
            row = Idempotency(username=username, key=key, request=request, body_sha256=body_sha256)
            row.status, row.response = None, ""
            row.created_at, row.expires_at = moment, moment + AT_WORK_FOR
            db.add(row)
            return None
        if (known.request, known.body_sha256) != (request, body_sha256):
            what = "This Idempotency-Key stands for another request."
            raise InputError(what, done="Nothing was done.", remedy="Take a new key for each request.")
        if known.status is None:
            what = "The request with this Idempotency-Key is still at work."
            raise Stale(what, done="Nothing was done a second time.", remedy="Ask again in a moment.")
        return Answer(known.status, known.response)


def finish(workspace: "Workspace", username: str, key: str, answer: Answer, *, at: datetime) -> None:
    """Keep the answer to a request for a day."""
    with workspace.transaction("remember the answer") as db:
        row = db.get(Idempotency, (username, key))
        if row is not None:
            row.status, row.response = answer.status, answer.body
            row.expires_at = rows.utc(at) + KEPT_FOR


def forget(workspace: "Workspace", username: str, key: str) -> None:
    """Let a request that failed be tried again with its key."""
    with workspace.transaction("forget the request") as db:
        db.execute(delete(Idempotency).where(Idempotency.username == username, Idempotency.key == key))
