"""Saved views as rows; saving and forgetting are in the log."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from plimsoll.domain.views import NewView, View
from plimsoll.store import audit_log, rows
from plimsoll.store.db.work_models import SavedView
from plimsoll.store.workspace import Workspace


def known(workspace: Workspace, username: str, list_name: str = "") -> list[View]:
    """Return a person's views and those that others share, by list and name; "" for all lists."""
    query = select(SavedView).where(or_(SavedView.username == username, SavedView.shared))
    if list_name:
        query = query.where(SavedView.list_name == list_name)
    with workspace.reading() as db:
        return [_view(row) for row in db.scalars(query.order_by(SavedView.list_name, SavedView.name))]


def save(workspace: Workspace, username: str, new: NewView, *, most: int, at: datetime) -> View | None:
    """Keep a view, in the place of the person's own of that name; None if `most` are kept already."""
    with workspace.transaction("save the view") as db:
        own = select(SavedView).where(SavedView.username == username)
        held = list(db.scalars(own))
        row = next((row for row in held if (row.list_name, row.name) == (new.list_name, new.name)), None)
        old = None if row is None else {"query": row.query, "shared": row.shared}
        if row is None:
            if len(held) >= most:
                return None
            row = SavedView(username=username, list_name=new.list_name, name=new.name)
            db.add(row)
        row.query, row.shared, row.created_at = new.query, new.shared, rows.utc(at)
        db.flush()
        _log(db, "save_view", row, old, {"query": new.query, "shared": new.shared}, at)
        return _view(row)


def forget(workspace: Workspace, username: str, view_id: int, *, at: datetime) -> bool:
    """Forget a person's own view, and return whether there was one."""
    with workspace.transaction("forget the view") as db:
        row = db.get(SavedView, view_id)
        if row is None or row.username != username:
            return False
        _log(db, "forget_view", row, {"query": row.query, "shared": row.shared}, None, at)
        db.delete(row)
        return True


def _log(
    db: Session,
    action: str,
    row: SavedView,
    old: dict[str, object] | None,
    new: dict[str, object] | None,
    at: datetime,
) -> None:
    audit_log.append(
        db,
        at=at,
        actor=row.username,
        action=action,
        object_type="view",
        object_id=f"{row.list_name}/{row.name}"[:300],
        old=old,
        new=new,
    )


def _view(row: SavedView) -> View:
    return View(row.id, row.username, row.list_name, row.name, row.query, row.shared, row.created_at)
