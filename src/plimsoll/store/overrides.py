"""Overrides in the database: set, withdrawn, never deleted; each change goes into the log."""

import json
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.overridden import overrides_frame
from plimsoll.domain.overrides import SCOPE, Override
from plimsoll.store import audit_log, rows
from plimsoll.store.db.override_models import OverrideRow
from plimsoll.store.workspace import Workspace

OVERRIDE = "O"  # before the number of an override
PLAIN = (
    "kind", "field", *SCOPE, "start", "end", "reason_code", "reason_text", "author", "expires_at",
)  # fmt: skip
TOLD = ("created_at", "withdrawn_at", "withdrawn_by", "withdrawn_why")


def record_override(workspace: Workspace, override: Override, *, at: datetime) -> Override:
    """Put an override in force and return it with its id; the log tells the value before and the new one.

    Parameters
    ----------
    override : as of `domain.overrides.checked`, with its author and the value in force before
    at : the moment, with its zone
    """
    moment = rows.utc(at)
    row = OverrideRow(
        **{name: getattr(override, name) for name in PLAIN},
        value=json.dumps(override.value),
        value_old=json.dumps(override.value_old),
        created_at=moment,
        withdrawn_by="",
        withdrawn_why="",
    )
    with workspace.transaction("set the value") as db:
        db.add(row)
        db.flush()
        done = _override(row)
        before = {"value": override.value_old}
        _log(db, done, "set_override", moment, override.author, before, done.as_data())
    return done


def withdraw_override(
    workspace: Workspace, override_id: str, *, author: str, reason: str, at: datetime
) -> Override:
    """Take an override out of force and return it; it stays on record with who withdrew it and why.

    Raises
    ------
    Unknown : there is none with that id
    InputError : it was withdrawn already
    """
    moment = rows.utc(at)
    with workspace.transaction("withdraw the override") as db:
        row = _known(db, override_id)
        if row.withdrawn_at is not None:
            what = (
                f"{override_id} was withdrawn on {row.withdrawn_at:%Y-%m-%d} by {row.withdrawn_by} already."
            )
            raise InputError(what, why=f"The reason given: {row.withdrawn_why}" if row.withdrawn_why else "")
        before = _override(row).as_data()
        row.withdrawn_at, row.withdrawn_by, row.withdrawn_why = moment, author, reason
        db.flush()
        done = _override(row)
        _log(db, done, "withdraw_override", moment, author, before, done.as_data())
    return done


def known_override(workspace: Workspace, override_id: str) -> Override:
    """Return one override by its id, withdrawn or not."""
    with workspace.reading() as db:
        return _override(_known(db, override_id))


def list_overrides(workspace: Workspace) -> list[Override]:
    """Return every override ever set, the oldest first."""
    with workspace.reading() as db:
        return [_override(row) for row in db.scalars(select(OverrideRow).order_by(OverrideRow.id))]


def standing_overrides(workspace: Workspace, at: datetime) -> list[Override]:
    """Return the overrides that count at an instant, the oldest first."""
    moment = rows.utc(at)
    return [each for each in list_overrides(workspace) if each.status(moment) == "in_force"]


def overrides_in_force(workspace: Workspace, at: datetime) -> pl.DataFrame:
    """Return the overrides that count at an instant as the table `override`."""
    return overrides_frame(standing_overrides(workspace, at), at=rows.utc(at))


def _override(row: OverrideRow) -> Override:
    """Return an override as the program sees it."""
    return Override(
        **{name: getattr(row, name) for name in (*PLAIN, *TOLD)},
        value=json.loads(row.value),
        value_old=json.loads(row.value_old),
        id=f"{OVERRIDE}{row.id}",
    )


def _known(db: Session, override_id: str) -> OverrideRow:
    digits = override_id.strip().upper().removeprefix(OVERRIDE)
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0
    row = db.get(OverrideRow, number)
    if row is None:
        ids = [f"{OVERRIDE}{number}" for number in db.scalars(select(OverrideRow.id))]
        what = f"There is no override '{override_id[:40]}'."
        raise Unknown(what, remedy=did_you_mean(override_id, ids) or "Look in the list of overrides.")
    return row


def _log(
    db: Session,
    done: Override,
    action: str,
    at: datetime,
    actor: str,
    old: dict[str, Any],
    new: dict[str, Any],
) -> None:
    audit_log.append(
        db, at=at, actor=actor, action=action, object_type="override", object_id=done.id, old=old, new=new
    )
