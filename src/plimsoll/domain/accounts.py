"""Accounts: who is let in, under which name, with what password, and through which tokens."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from plimsoll.domain.errors import InputError, PlimsollError, did_you_mean
from plimsoll.domain.people import ROLES, Person, Role

USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,79}")
TAKEN = frozenset({"plimsoll", "system", "oidc", "rule"})  # who acts without being a person
MIN_PASSWORD, MAX_PASSWORD, LEAST_DIFFERENT = 12, 200, 5
# What people type when they are asked for twelve characters. Digits and signs around them do not help.
FIRST_TRIED = (
    "password passwort motdepasse plimsoll welcome willkommen letmein qwerty qwertz qwertyuiop azerty "
    "administrator admin iloveyou sunshine football dragon monkey changeme secret inventory abc abcdef "
    "planner master summer winter spring autumn trustno iloveyouiloveyou passwordpassword qwertyqwerty "
    "correcthorsebatterystaple asdfghjkl zxcvbnm qazwsxedc default company test testtest"
)
WORST = frozenset(FIRST_TRIED.split())
TEXT_LIMIT = 200


class LogInRefused(PlimsollError):
    """Name, password, code or token did not let anybody in."""

    exit_code = 4


class TooManyAttempts(LogInRefused):
    """Too many log-ins failed; `wait_s` is how long to wait."""

    def __init__(self, wait_s: int) -> None:
        self.wait_s = wait_s
        what = f"Too many log-ins failed. Try again in {_spoken(wait_s)}."
        super().__init__(what, why="Guessing passwords is made slow.")


@dataclass(frozen=True, slots=True)
class Account:
    """What an admin sees of a user; never the password.

    `locked_at`: since when nobody gets in by this name; None if not locked. `way_in`: how the person
    logs in: password, provider (OpenID Connect), or none (tokens only). `version` counts changes.
    """

    username: str
    name: str
    email: str
    role: Role
    locations: tuple[str, ...] | None
    categories: tuple[str, ...] | None
    approval_limit: float | None
    locked_at: datetime | None
    way_in: str
    created_at: datetime
    created_by: str
    last_login_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as its owner sees it later; the secret itself is shown once and not kept."""

    id: int
    username: str
    name: str
    start: str
    role: Role
    locations: tuple[str, ...] | None
    categories: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    withdrawn_at: datetime | None
    withdrawn_by: str


def _spoken(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{-(-seconds // 60)} minutes"


def normalised(text: str) -> str:
    """Return a typed user name in the one form in which names are compared and kept.

    Examples
    --------
    >>> normalised("  Kim.Lee ")
    'kim.lee'
    """
    return unicodedata.normalize("NFKC", text).strip().casefold()


def username(text: str) -> str:
    """Return the normalised user name; one that could be mistaken for another is refused.

    Examples
    --------
    >>> username("Kim.Lee@Acme.com")
    'kim.lee@acme.com'
    """
    name = normalised(text)
    if not USERNAME.fullmatch(name):
        what = f"'{text[:80]}' cannot be a user name."
        remedy = "Use 1 to 80 of a to z, 0 to 9 and . _ @ + -, beginning with a letter or digit."
        raise InputError(what, why="Names that look alike must not be two people.", remedy=remedy)
    if name in TAKEN:
        what = f"The user name '{name}' is taken by Plimsoll itself."
        raise InputError(
            what, why="The log of changes names it for what no person did.", remedy="Choose another."
        )
    return name


def plain(text: str, what: str, *, required: bool = True) -> str:
    """Return one line of text without control characters, at most 200 long, and without blanks around it."""
    line = text.strip()
    if not line and required:
        what = f"The {what} is missing."
        raise InputError(what, remedy=f"Give the {what}.")
    if len(line) > TEXT_LIMIT or any(unicodedata.category(sign).startswith("C") for sign in line):
        message = f"The {what} is not usable: it is one line of at most {TEXT_LIMIT} printable characters."
        raise InputError(message, remedy="Shorten it, and leave out control characters.")
    return line


def role(text: str) -> Role:
    """Return the role of a name; an unknown one is refused with the nearest."""
    for known in ROLES:
        if known == text.strip().casefold():
            return known
    remedy = did_you_mean(text, ROLES) or f"Roles: {', '.join(ROLES)}."
    what = f"There is no role '{text[:80]}'."
    raise InputError(what, remedy=remedy)


def scope(values: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return a scope in the one form in which it is kept: sorted, each once; None for everything.

    Examples
    --------
    >>> scope(["DC2", "DC1", "DC2"]), scope(None), scope([])
    (('DC1', 'DC2'), None, ())
    """
    return None if values is None else tuple(sorted({plain(value, "scope") for value in values}))


def check_password(password: str, *, username: str, name: str = "") -> None:
    """Refuse a password that is guessed early: short, long beyond use, or made of what everybody knows.

    Length counts most (NIST SP 800-63B, 5.1.1.2): no signs or digits are demanded, no change by date.

    Raises
    ------
    InputError : under 12 or over 200 characters, fewer than 5 different ones, the user's own name in
        it, or a word of the first lists with digits and signs around it
    """
    said = unicodedata.normalize("NFKC", password).casefold()
    letters = re.sub(r"[\W\d_]+", "", said)
    own = {part for part in re.split(r"[\W_]+", f"{username} {name}".casefold()) if len(part) > 3}
    remedy = "Choose a long one, for example four or more words that nobody would put together."
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        what = f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters; this one has {len(password)}."
        raise InputError(what, remedy=remedy)
    if len(set(said)) < LEAST_DIFFERENT:
        what = f"This password repeats fewer than {LEAST_DIFFERENT} different characters."
        raise InputError(what, remedy=remedy)
    if letters in WORST or said in "01234567890123456789":
        what = "This password is among the first that anybody tries."
        raise InputError(what, remedy=remedy)
    if any(
        part in said and len(said) - len(part) < LEAST_DIFFERENT + 3 for part in own | {username.casefold()}
    ):
        what = "This password is little more than the user's own name."
        raise InputError(what, remedy=remedy)


def through_token(person: Person, token: Token) -> Person:
    """Return the person as a token lets a program act: never more than the person may now.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> day = datetime(2026, 11, 21, tzinfo=UTC)
    >>> token = Token(1, "kim", "nightly", "plm_a", "planner", ("DC1", "DC9"), None, day, day, None, None, "")
    >>> seen = through_token(Person("kim", "Kim", "viewer", ("DC1", "DC2")), token)
    >>> seen.role, seen.locations, seen.categories, seen.token
    ('viewer', ('DC1',), None, 'nightly')
    """
    return replace(
        person,
        role=min(person.role, token.role, key=ROLES.index),
        locations=_both(person.locations, token.locations),
        categories=_both(person.categories, token.categories),
        token=token.name,
    )


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(value for value in one if value in set(other))
