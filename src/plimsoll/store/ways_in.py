"""Ways in on record: sessions, API tokens, one-time codes and the price of failed log-ins.

Secrets are kept as their SHA-256: they are random and 256 bits long, so nothing slower is needed, and
whoever reads the database cannot use them. Functions work within the caller's transaction.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from plimsoll.domain.accounts import Token
from plimsoll.domain.people import Role
from plimsoll.store import audit_log
from plimsoll.store.db.people_models import CodeRow, PersonRow, SessionRow, ThrottleRow, TokenRow
from plimsoll.store.people import as_json, as_scope

FORGOTTEN = timedelta(days=1)  # failed log-ins older than that do not count
START = 8  # characters of a token by which its owner recognises it


@dataclass(frozen=True, slots=True)
class NewToken:
    """An API token to be made."""

    secret: str
    username: str
    name: str
    role: Role
    locations: tuple[str, ...] | None
    categories: tuple[str, ...] | None
    expires_at: datetime


def fingerprint(secret: str) -> str:
    """Return under what a secret is kept."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def begin_session(
    db: Session, who: PersonRow, *, at: datetime, expires_at: datetime, instead_of: str = ""
) -> str:
    """Record that a browser is logged in, and return the secret for its cookie.

    The secret is new each time, so that nobody can be given one that somebody else knows; the session
    of `instead_of` ends, and sessions past their end are cleared away.
    """
    secret = secrets.token_urlsafe(32)
    gone = (SessionRow.expires_at <= at) | (SessionRow.id == fingerprint(instead_of))
    db.execute(delete(SessionRow).where(gone))
    who.last_login_at = at
    row = SessionRow(
        id=fingerprint(secret), username=who.username, created_at=at, seen_at=at, expires_at=expires_at
    )
    db.add(row)
    return secret


def session(db: Session, secret: str) -> Row[SessionRow, PersonRow] | None:
    """Return the session of a secret with its user, or None."""
    query = select(SessionRow, PersonRow).join(PersonRow, PersonRow.username == SessionRow.username)
    return db.execute(query.where(SessionRow.id == fingerprint(secret))).one_or_none()


def saw(db: Session, session_id: str, at: datetime) -> None:
    """Record that a session was used."""
    db.execute(update(SessionRow).where(SessionRow.id == session_id).values(seen_at=at))


def end_session(db: Session, secret: str) -> None:
    """End the session of a secret, if there is one."""
    db.execute(delete(SessionRow).where(SessionRow.id == fingerprint(secret)))


def end_sessions(db: Session, username: str, *, but: str = "") -> None:
    """End all sessions of a user, but for the one of a secret."""
    query = delete(SessionRow).where(SessionRow.username == username)
    db.execute(query.where(SessionRow.id != fingerprint(but)) if but else query)


def add_token(db: Session, new: NewToken, *, by: str, at: datetime) -> Token:
    """Record an API token and log it."""
    row = TokenRow(
        secret_hash=fingerprint(new.secret),
        start=new.secret[:START],
        username=new.username,
        name=new.name,
        role=new.role,
        locations=as_json(new.locations),
        categories=as_json(new.categories),
        created_at=at,
        expires_at=new.expires_at,
        withdrawn_by="",
    )
    db.add(row)
    db.flush()
    told = {
        "username": row.username,
        "name": row.name,
        "role": row.role,
        "locations": new.locations,
        "categories": new.categories,
        "expires_at": row.expires_at.isoformat(),
    }
    _log_token(db, "make_token", row, None, told, by=by, at=at)
    return token(row)


def of_token(db: Session, secret: str) -> Row[TokenRow, PersonRow] | None:
    """Return the token of a secret with its owner, or None."""
    query = select(TokenRow, PersonRow).join(PersonRow, PersonRow.username == TokenRow.username)
    return db.execute(query.where(TokenRow.secret_hash == fingerprint(secret))).one_or_none()


def used(db: Session, token_id: int, at: datetime) -> None:
    """Record that a token was used."""
    db.execute(update(TokenRow).where(TokenRow.id == token_id).values(last_used_at=at))


def tokens(db: Session, username: str | None) -> list[Token]:
    """Return the tokens of a user, or of all, the latest first."""
    query = select(TokenRow).order_by(TokenRow.id.desc())
    if username is not None:
        query = query.where(TokenRow.username == username)
    return [token(row) for row in db.scalars(query)]


def withdraw_token(db: Session, row: TokenRow, *, by: str, at: datetime) -> None:
    """Take a token out of use; it stays on record."""
    row.withdrawn_at, row.withdrawn_by = at, by
    told = {"username": row.username, "name": row.name, "withdrawn_at": at.isoformat()}
    _log_token(db, "withdraw_token", row, {"withdrawn_at": None}, told, by=by, at=at)


def token_row(db: Session, token_id: int) -> TokenRow | None:
    """Return a token by its number, or None."""
    return db.get(TokenRow, token_id)


def token(row: TokenRow) -> Token:
    """Return a token as its owner sees it."""
    same = ("id", "username", "name", "start", "created_at", "expires_at", "last_used_at", "withdrawn_at")
    return Token(
        **{name: getattr(row, name) for name in same},
        role=cast("Role", row.role),
        locations=as_scope(row.locations),
        categories=as_scope(row.categories),
        withdrawn_by=row.withdrawn_by,
    )


def _log_token(
    db: Session,
    action: str,
    row: TokenRow,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any],
    *,
    by: str,
    at: datetime,
) -> None:
    where = {"object_type": "token", "object_id": str(row.id)}
    audit_log.append(db, at=at, actor=by, action=action, old=old, new=new, **where)


def new_code(
    db: Session, purpose: str, content: Mapping[str, Any], *, at: datetime, expires_at: datetime
) -> str:
    """Keep something for one use and return the secret that brings it back; what has expired goes."""
    secret = secrets.token_urlsafe(32)
    db.execute(delete(CodeRow).where(CodeRow.expires_at <= at))
    row = CodeRow(id=fingerprint(secret), purpose=purpose, content=json.dumps(content), expires_at=expires_at)
    db.add(row)
    return secret


def code(db: Session, secret: str, purpose: str, *, at: datetime) -> dict[str, Any] | None:
    """Return what a code stands for, or None if it is unknown, used, expired or for something else."""
    row = db.get(CodeRow, fingerprint(secret))
    if row is None or row.purpose != purpose or row.expires_at <= at:
        return None
    content: dict[str, Any] = json.loads(row.content)
    return content


def spend_code(db: Session, secret: str, purpose: str, *, at: datetime) -> dict[str, Any] | None:
    """Return what a code stands for and forget it; None as in `code`."""
    content = code(db, secret, purpose, at=at)
    if content is not None:
        db.execute(delete(CodeRow).where(CodeRow.id == fingerprint(secret)))
    return content


def drop_codes(db: Session, purpose: str) -> None:
    """Forget all codes for a purpose."""
    db.execute(delete(CodeRow).where(CodeRow.purpose == purpose))


def charge(db: Session, free: Mapping[str, int], *, longest: timedelta, at: datetime) -> timedelta:
    """Count an attempt against each key before it is tried, and return how long it still has to wait.

        wait after the n-th failed attempt = min(2^(n - free), longest) seconds,  n >= free

    While a key waits nothing is counted, so hammering at somebody's name does not lengthen the wait.
    Counting first lets many attempts at once not slip through before the first has failed.

    Parameters
    ----------
    free : by key (a user name, an address) the failed attempts that cost nothing
    longest : the longest wait
    """
    db.execute(delete(ThrottleRow).where(ThrottleRow.last_at <= at - FORGOTTEN))
    rows = {key: db.get(ThrottleRow, fingerprint(key)) for key in free}
    waits = [row.blocked_until - at for row in rows.values() if row and row.blocked_until]
    wait = max(waits, default=timedelta())
    if wait > timedelta():
        return wait
    for key, row in rows.items():
        kept = row or ThrottleRow(id=fingerprint(key), n_failed=0)
        db.add(kept)
        kept.n_failed += 1
        kept.last_at = at
        over = kept.n_failed - free[key]
        seconds = min(2.0 ** min(over, 30), longest.total_seconds())
        kept.blocked_until = at + timedelta(seconds=seconds) if over >= 0 else None
    return timedelta()


def refund(db: Session, name: str, address: str) -> None:
    """Take back what a log-in that succeeded was charged: all of the name's, its own of the address's."""
    db.execute(delete(ThrottleRow).where(ThrottleRow.id == fingerprint(name)))
    same = ThrottleRow.id == fingerprint(address)
    db.execute(update(ThrottleRow).where(same).values(n_failed=ThrottleRow.n_failed - 1, blocked_until=None))
