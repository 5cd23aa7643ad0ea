"""A change that a program asks for twice with the same key is done once."""

from datetime import datetime
from pathlib import Path

from plimsoll.domain.people import Person
from plimsoll.store import idempotency
from plimsoll.store.workspace import Workspace

Answer = idempotency.Answer


def begin(
    folder: Path, who: Person, key: str, *, request: str, body_sha256: str, at: datetime
) -> Answer | None:
    """Return the answer to an earlier request with this key of this person, or None: this is the first.

    Parameters
    ----------
    request, body_sha256 : what tells whether it is the same request

    Raises
    ------
    InputError : the key stands for another request
    Stale : the first request with this key has not been answered yet
    """
    with Workspace.open(folder) as workspace:
        return idempotency.begin(
            workspace, who.username, key, request=request, body_sha256=body_sha256, at=at
        )


def finish(folder: Path, who: Person, key: str, answer: Answer, *, at: datetime) -> None:
    """Keep the answer, to be told again."""
    with Workspace.open(folder) as workspace:
        idempotency.finish(workspace, who.username, key, answer, at=at)


def forget(folder: Path, who: Person, key: str) -> None:
    """Let a request that changed nothing be made again with its key."""
    with Workspace.open(folder) as workspace:
        idempotency.forget(workspace, who.username, key)
