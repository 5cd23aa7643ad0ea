"""Users on record: added, changed, locked; every change with its old and new value in the log.

The functions work within the caller's transaction (`Workspace.transaction`), so that a check and the
change it allows are one. Passwords and their hashes are never logged.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plimsoll.domain.accounts import Account
from plimsoll.domain.decisions import Stale, Unknown
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.people import Person, Role
from plimsoll.store import audit_log
from plimsoll.store.db.people_models import PersonRow

# Shown in the log of changes; everything else of a user stays out of it.
LOGGED = ("name", "email", "role", "locations", "categories", "approval_limit", "locked_at")
PASSWORD, PROVIDER, NONE = "password", "provider", "none"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A user to be added; `password_hash` None for one who has no password yet or never will."""

    username: str
    name: str
    role: Role
    email: str = ""
    locations: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    approval_limit: float | None = None
    password_hash: str | None = None
    oidc: tuple[str, str] | None = None


def as_json(scope: tuple[str, ...] | None) -> str | None:
    """Return a scope as it is kept."""
    return None if scope is None else json.dumps(list(scope))


def as_scope(text: str | None) -> tuple[str, ...] | None:
    """Return a scope as the program sees it."""
    return None if text is None else tuple(json.loads(text))


def person(row: PersonRow) -> Person:
    """Return the user as whoever acts."""
    return Person(
        username=row.username,
        name=row.name,
        role=cast("Role", row.role),
        locations=as_scope(row.locations),
        categories=as_scope(row.categories),
        approval_limit=row.approval_limit,
    )


def account(row: PersonRow) -> Account:
    """Return the user as an admin sees it."""
    return Account(
        username=row.username,
        name=row.name,
        email=row.email,
        role=cast("Role", row.role),
        locations=as_scope(row.locations),
        categories=as_scope(row.categories),
        approval_limit=row.approval_limit,
        locked_at=row.locked_at,
        way_in=PROVIDER if row.oidc_subject else PASSWORD if row.password_hash else NONE,
        created_at=row.created_at,
        created_by=row.created_by,
        last_login_at=row.last_login_at,
        version=row.version,
    )


def has_users(db: Session) -> bool:
    """Return whether anybody was ever let in."""
    return db.scalar(select(func.count()).select_from(PersonRow)) != 0


def accounts(db: Session) -> list[Account]:
    """Return all users by name."""
    return [account(row) for row in db.scalars(select(PersonRow).order_by(PersonRow.username))]


def found(db: Session, username: str) -> PersonRow | None:
    """Return the user of a name, or None."""
    return db.get(PersonRow, username)


def known(db: Session, username: str) -> PersonRow:
    """Return the user; an unknown name is refused with the nearest known one."""
    row = db.get(PersonRow, username)
    if row is None:
        names = list(db.scalars(select(PersonRow.username)))
        what = f"There is no user '{username}'."
        raise Unknown(what, remedy=did_you_mean(username, names))
    return row


def of_provider(db: Session, issuer: str, subject: str) -> PersonRow | None:
    """Return the user whom an identity provider knows by this subject, or None."""
    query = select(PersonRow).where(PersonRow.oidc_issuer == issuer, PersonRow.oidc_subject == subject)
    return db.scalars(query).one_or_none()


def of_email(db: Session, email: str) -> list[PersonRow]:
    """Return the users with an email address, whatever its case."""
    return list(db.scalars(select(PersonRow).where(func.lower(PersonRow.email) == email.lower())))


def add(db: Session, new: NewAccount, *, by: str, at: datetime) -> PersonRow:
    """Add a user; a name that is in use is refused."""
    if db.get(PersonRow, new.username) is not None:
        what = f"There is a user '{new.username}' already."
        raise InputError(what, done="Nothing was changed.", remedy="Change that one, or choose another name.")
    issuer, subject = new.oidc or (None, None)
    row = PersonRow(
        username=new.username,
        name=new.name,
        email=new.email,
        role=new.role,
        locations=as_json(new.locations),
        categories=as_json(new.categories),
        approval_limit=new.approval_limit,
        password_hash=new.password_hash,
        oidc_issuer=issuer,
        oidc_subject=subject,
        created_at=at,
        created_by=by,
        version=1,
    )
    db.add(row)
    db.flush()
    log(db, "add_user", row.username, None, _logged(row), by=by, at=at)
    return row


def change(
    db: Session, row: PersonRow, values: Mapping[str, Any], *, action: str, by: str, at: datetime
) -> None:
    """Set columns of a user and log those that differ; nothing is written where none does.

    Raises
    ------
    InputError : nobody would be left who may let people in
    """
    before, hash_before, was_admin = _logged(row), row.password_hash, _is_admin(row)
    for name, value in values.items():
        setattr(row, name, as_json(value) if name in ("locations", "categories") else value)
    after = _logged(row)
    changed = [name for name in LOGGED if before[name] != after[name]]
    if not changed and row.password_hash == hash_before:
        return
    row.version += 1
    db.flush()
    if was_admin and not _is_admin(row) and not _admins(db):
        what = f"'{row.username}' is the only admin who can log in."
        why = "Nobody could let people in any more."
        raise InputError(what, why=why, done="Nothing was changed.", remedy="Make somebody else admin first.")
    old, new = ({name: told[name] for name in changed} for told in (before, after))
    log(db, action, row.username, old, new, by=by, at=at)


def link(db: Session, row: PersonRow, issuer: str, subject: str, *, by: str, at: datetime) -> None:
    """Record by which subject an identity provider knows a user."""
    row.oidc_issuer, row.oidc_subject, row.version = issuer, subject, row.version + 1
    log(db, "link_user", row.username, None, {"issuer": issuer}, by=by, at=at)


def check_version(row: PersonRow, version: int | None) -> None:
    """Refuse a change of what somebody else changed since it was read."""
    if version is not None and version != row.version:
        what = f"User '{row.username}' was changed since you opened the page."
        raise Stale(
            what, done="Nothing was overwritten.", remedy="Look again, and repeat the change if it holds."
        )


def log(
    db: Session,
    action: str,
    username: str,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    *,
    by: str,
    at: datetime,
) -> None:
    """Add a change of a user to the log."""
    audit_log.append(
        db, at=at, actor=by, action=action, object_type="user", object_id=username, old=old, new=new
    )


def _is_admin(row: PersonRow) -> bool:
    return row.role == "admin" and row.locked_at is None


def _admins(db: Session) -> int:
    query = select(func.count()).select_from(PersonRow)
    return db.scalar(query.where(PersonRow.role == "admin", PersonRow.locked_at.is_(None))) or 0


def _logged(row: PersonRow) -> dict[str, Any]:
    seen: dict[str, Any] = {name: getattr(row, name) for name in LOGGED}
    seen |= {name: as_scope(seen[name]) for name in ("locations", "categories")}
    seen["locked_at"] = None if row.locked_at is None else row.locked_at.isoformat()
    return seen
