"""Options that people set, taken back: what the settings file says counts again."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from plimsoll.store import audit_log, rows
from plimsoll.store.db.models import Parameter

if TYPE_CHECKING:
    from plimsoll.store.workspace import Workspace


def take_back(
    workspace: "Workspace", section: str, name: str, new: Any, *, author: str, reason: str, at: datetime
) -> bool:
    """End every value set of an option that still counts, or would count again; return whether one did.

    What was in force before `at` stays on record; the log tells the value before and the new one.

    Parameters
    ----------
    new : the value that then counts, for the log
    """
    moment = rows.utc(at)
    query = (
        select(Parameter)
        .where(Parameter.section == section, Parameter.name == name)
        .where(Parameter.expires_at.is_(None) | (Parameter.expires_at > moment))
        .order_by(Parameter.created_at, Parameter.id)
    )
    with workspace.transaction("put the option back") as db:
        standing = list(db.scalars(query))
        for row in standing:
            if row.created_at < moment:
                row.expires_at = moment
            else:  # set at this very moment: it never counted, and the log has it
                db.delete(row)
        if standing:
            audit_log.append(
                db,
                at=moment,
                actor=author,
                action="unset",
                object_type="parameter",
                object_id=f"{section}.{name}",
                old={"value": json.loads(standing[-1].value_new)},
                new={"value": new, "reason": reason},
            )
    return bool(standing)
