"""Let people in: add, change and lock users, set passwords, make and withdraw API tokens."""

import math
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from plimsoll.domain.accounts import Account, LogInRefused, Token, check_password, plain
from plimsoll.domain.accounts import role as sound_role
from plimsoll.domain.accounts import scope as sound_scope
from plimsoll.domain.accounts import username as sound_username
from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.people import ROLES, Forbidden, Person, require
from plimsoll.integrations import passwords
from plimsoll.store import people, ways_in
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.people_params import PeopleParams
from plimsoll.workflows.sign_in import WELCOME

TOKEN = "plm_"  # noqa: S105 - by which scanners of leaked secrets know one of ours
CHANGED = ("name", "email", "role", "locations", "categories", "approval_limit")


def users(folder: Path, who: Person) -> list[Account]:
    """Return all users by name."""
    require(who, "people")
    with Workspace.open(folder) as workspace, workspace.reading() as db:
        return people.accounts(db)


def add_user(
    folder: Path,
    username: str,
    given: Mapping[str, Any],
    who: Person,
    *,
    at: datetime,
    password: str | None = None,
) -> Account:
    """Add a user; without a password nobody gets in by that name until a link or the provider gives one.

    Parameters
    ----------
    given : of name, email, role, locations, categories, approval_limit; without a role a viewer
    """
    require(who, "people")
    name = sound_username(username)
    values = {"name": name, "role": "viewer"} | _sound(given)
    if password is not None:
        check_password(password, username=name, name=values["name"])
    kept = None if password is None else passwords.hash_password(password)
    new = people.NewAccount(name, password_hash=kept, **values)
    with Workspace.open(folder) as workspace, workspace.transaction("add the user") as db:
        return people.account(people.add(db, new, by=who.username, at=at))


def change_user(
    folder: Path,
    username: str,
    changes: Mapping[str, Any],
    who: Person,
    *,
    at: datetime,
    version: int | None = None,
) -> Account:
    """Change a user: name, email, role, locations, categories, approval_limit; it counts from the next click.

    Parameters
    ----------
    version : the version that was seen; None to change whatever is there

    Raises
    ------
    Stale : somebody else changed the user meanwhile
    InputError : a value cannot be used, or nobody would be left who may let people in
    """
    require(who, "people")
    values = _sound(changes)
    with Workspace.open(folder) as workspace, workspace.transaction("change the user") as db:
        row = people.known(db, sound_username(username))
        people.check_version(row, version)
        people.change(db, row, values, action="change_user", by=who.username, at=at)
        return people.account(row)


def lock_user(folder: Path, username: str, who: Person, *, at: datetime, locked: bool = True) -> Account:
    """Lock a user out at once, with all sessions and tokens, or let the user in again."""
    require(who, "people")
    with Workspace.open(folder) as workspace, workspace.transaction("lock the user") as db:
        row = people.known(db, sound_username(username))
        if locked != (row.locked_at is not None):
            action = "lock_user" if locked else "unlock_user"
            values = {"locked_at": at if locked else None}
            people.change(db, row, values, action=action, by=who.username, at=at)
        if locked:
            ways_in.end_sessions(db, row.username)
        return people.account(row)


def set_password(folder: Path, username: str, password: str, who: Person, *, at: datetime) -> None:
    """Set another's password, as an admin; all sessions of that user end."""
    require(who, "people")
    _no_token(who, "set a password")
    with Workspace.open(folder) as workspace:
        with workspace.reading() as db:
            row = people.known(db, sound_username(username))
            check_password(password, username=row.username, name=row.name)
        kept = passwords.hash_password(password)
        with workspace.transaction("set the password") as db:
            row = people.known(db, row.username)
            people.change(db, row, {"password_hash": kept}, action="set_password", by=who.username, at=at)
            ways_in.end_sessions(db, row.username)


def change_password(folder: Path, old: str, new: str, who: Person, *, at: datetime, session: str) -> None:
    """Set one's own password, for which the old one is asked; the sessions elsewhere end.

    Parameters
    ----------
    session : secret of the session that goes on

    Raises
    ------
    LogInRefused : the old password is not right
    """
    _no_token(who, "set a password")
    with Workspace.open(folder) as workspace:
        with workspace.reading() as db:
            kept = people.known(db, who.username).password_hash
        if not passwords.is_password(old, kept):
            what = "The old password is not right."
            raise LogInRefused(what, done="Nothing was changed.")
        check_password(new, username=who.username, name=who.name)
        values = {"password_hash": passwords.hash_password(new)}
        with workspace.transaction("set the password") as db:
            row = people.known(db, who.username)
            people.change(db, row, values, action="set_password", by=who.username, at=at)
            ways_in.end_sessions(db, who.username, but=session)


def password_code(folder: Path, username: str, who: Person, *, at: datetime) -> str:
    """Return a one-time code for `/welcome?code=`, by which a user sets a password unseen by the admin."""
    require(who, "people")
    _no_token(who, "make a link to set a password")
    with Workspace.open(folder) as workspace, workspace.transaction("make the link") as db:
        row = people.known(db, sound_username(username))
        people.log(db, "make_link", row.username, None, None, by=who.username, at=at)
        end = at + timedelta(hours=_options(workspace).link_hours)
        return ways_in.new_code(db, WELCOME, {"username": row.username}, at=at, expires_at=end)


def make_token(
    folder: Path, name: str, days: int, who: Person, *, at: datetime, limits: Mapping[str, Any] | None = None,
    username: str | None = None,
) -> tuple[str, Token]:  # fmt: skip
    """Make an API token and return its secret, shown this once, with what is kept of it.

    Parameters
    ----------
    days : life of the token; at most `[people] token_days_max`
    limits : of role, locations, categories; a token never allows more than its owner may
    username : owner, if it is not the one who asks
    """
    require(who, "own_token")
    _no_token(who, "make tokens")
    owner = who.username if username is None else sound_username(username)
    if owner != who.username:
        require(who, "people")
    given = _sound(limits or {}, ("role", "locations", "categories"))
    with Workspace.open(folder) as workspace, workspace.transaction("make the token") as db:
        longest = _options(workspace).token_days_max
        if not 1 <= days <= longest:
            what = f"An API token is good for 1 to {longest} days, not {days}."
            why = "One that is forgotten must stop by itself."
            raise InputError(what, why=why, remedy="Choose fewer days.")
        row = people.known(db, owner)
        role = given.get("role", row.role)
        if ROLES.index(role) > ROLES.index(row.role):
            what = f"{owner} is {row.role}; a token cannot be {role}."
            raise Forbidden(what, remedy=f"Make it {row.role} or less.")
        secret, end = TOKEN + secrets.token_urlsafe(32), at + timedelta(days=days)
        label, scopes = plain(name, "name of the token"), (given.get("locations"), given.get("categories"))
        new = ways_in.NewToken(secret, owner, label, role, *scopes, end)
        return secret, ways_in.add_token(db, new, by=who.username, at=at)


def tokens(folder: Path, who: Person, *, username: str | None = None, every: bool = False) -> list[Token]:
    """Return one's own tokens, or as an admin those of a user or of every one, the latest first."""
    require(who, "own_token")
    owner = None if every else who.username if username is None else sound_username(username)
    if owner != who.username:
        require(who, "people")
    with Workspace.open(folder) as workspace, workspace.reading() as db:
        return ways_in.tokens(db, owner)


def withdraw_token(folder: Path, token_id: int, who: Person, *, at: datetime) -> Token:
    """Take a token out of use at once; others' only as an admin."""
    require(who, "own_token")
    with Workspace.open(folder) as workspace, workspace.transaction("withdraw the token") as db:
        row = ways_in.token_row(db, token_id)
        if row is None or (row.username != who.username and not who.may("people")):
            what = f"There is no API token {token_id}."
            raise Unknown(what)
        if row.withdrawn_at is None:
            ways_in.withdraw_token(db, row, by=who.username, at=at)
        return ways_in.token(row)


def _options(workspace: Workspace) -> PeopleParams:
    return PeopleParams.read(workspace.settings().get("people", {}), "people")


def _no_token(who: Person, doing: str) -> None:
    """Refuse what a stolen token could use to stay in for good."""
    if who.token:
        what = f"An API token cannot {doing}."
        raise Forbidden(what, remedy="Log in and do it in the workbench.")


def _sound(given: Mapping[str, Any], names: Sequence[str] = CHANGED) -> dict[str, Any]:
    """Return the values of a user in the form in which they are kept; unknown names are refused."""
    if strange := [name for name in given if name not in names]:
        what = f"A user or token has no '{strange[0]}' to set."
        raise InputError(what, remedy=did_you_mean(strange[0], names) or f"Known: {', '.join(names)}.")
    sound: dict[str, Any] = {}
    for name, value in given.items():
        match name:
            case "name":
                sound[name] = plain(value, "name")
            case "email":
                sound[name] = _email(value)
            case "role":
                sound[name] = sound_role(value)
            case "approval_limit":
                sound[name] = _limit(value)
            case _:
                sound[name] = sound_scope(value)
    return sound


def _email(text: str) -> str:
    address = plain(text, "email address", required=False)
    if address and (address.count("@") != 1 or " " in address or not all(address.split("@"))):
        what = f"'{address}' is not an email address."
        raise InputError(what, remedy="Write it like kim@example.com.")
    return address


def _limit(value: float | None) -> float | None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        what = f"{value} cannot be an approval limit."
        raise InputError(what, remedy="Give an amount of 0 or more, or none.")
    return value
