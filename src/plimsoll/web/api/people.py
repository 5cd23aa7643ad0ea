"""People: oneself, users, and API tokens. No password ever passes through the API."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.accounts import Account, Token
from plimsoll.domain.people import ACTIONS, Person, Role
from plimsoll.web.api.answers import (
    MOST,
    Anybody,
    Body,
    Name,
    Number,
    Seen,
    Short,
    Whole,
    at_of,
    seen,
    tagged,
)
from plimsoll.web.api.route import ApiRoute, keep_without
from plimsoll.web.security import requires
from plimsoll.workflows import people

router = APIRouter(tags=["people"], route_class=ApiRoute)
Admin = Annotated[Person, Depends(requires("people"))]
Owner = Annotated[Person, Depends(requires("own_token"))]
Username = Annotated[str, Path(max_length=80, examples=["kim"])]
TokenId = Annotated[int, Path(ge=1, le=MOST)]
Scope = Annotated[list[Name], Field(max_length=1000)]


class Me(BaseModel):
    """Who asks, what that person or token may do, and the rows in scope: null for all."""

    username: str
    name: str
    role: Role
    locations: list[str] | None
    categories: list[str] | None
    approval_limit: float | None
    token: str
    may: list[str]


class UserValues(Body):
    """What can be said of a user; what is not named stays as it is, null for a scope is everything."""

    name: Short | None = None
    email: Short | None = None
    role: Role | None = None
    locations: Scope | None = None
    categories: Scope | None = None
    approval_limit: Number | None = None


class NewUser(UserValues):
    """A user to add; the first password is set by a one-time link."""

    model_config = ConfigDict(json_schema_extra={"example": {"username": "kim", "role": "planner"}})
    username: Name


class UserChange(UserValues):
    """What to change of a user."""

    model_config = ConfigDict(json_schema_extra={"example": {"version": 1, "role": "approver"}})
    version: Seen = None


class Link(BaseModel):
    """A one-time code for `/welcome?code=`; null when the answer is told again, as it is not kept."""

    code: str | None


class NewToken(Body):
    """A token to make; a token never allows more than its owner may."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "nightly export", "days": 90}})
    name: Name
    days: Whole = Field(examples=[90])
    username: Name | None = Field(default=None, description="The owner, if it is not you")
    role: Role | None = None
    locations: Scope | None = None
    categories: Scope | None = None


class MadeToken(BaseModel):
    """A new token; its secret is shown this once, and null when the answer is told again."""

    secret: str | None
    token: Token


@router.get("/me", summary="Who you are and what you may do")
def me(who: Anybody) -> Me:
    """Return the person or program that asks."""
    return Me(
        username=who.username,
        name=who.name,
        role=who.role,
        locations=None if who.locations is None else list(who.locations),
        categories=None if who.categories is None else list(who.categories),
        approval_limit=who.approval_limit,
        token=who.token,
        may=[action for action in ACTIONS if who.may(action)],
    )


@router.get("/users", summary="All users")
def users(request: Request, who: Admin) -> list[Account]:
    """Return all users by name."""
    return people.users(request.app.state.folder, who)


@router.post("/users", status_code=201, summary="Add a user")
def add(request: Request, response: Response, body: NewUser, who: Admin) -> Account:
    """Add a user, who gets in by a one-time link or by the company's log-in."""
    given = {name: value for name, value in _given(body, "username").items() if value is not None}
    made = people.add_user(request.app.state.folder, body.username, given, who, at=at_of(request))
    return _tagged(response, made)


@router.patch("/users/{username}", summary="Change a user")
def change(request: Request, response: Response, username: Username, body: UserChange, who: Admin) -> Account:
    """Change what is named; it counts from the user's next click."""
    folder, version = request.app.state.folder, seen(request, body.version)
    given = {
        name: value
        for name, value in _given(body, "version").items()
        if value is not None or name in ("locations", "categories", "approval_limit")
    }
    done = people.change_user(folder, username, given, who, at=at_of(request), version=version)
    return _tagged(response, done)


@router.post("/users/{username}/lock", summary="Lock a user out at once")
def lock(request: Request, username: Username, who: Admin) -> Account:
    """Lock a user out, with all sessions and tokens."""
    return people.lock_user(request.app.state.folder, username, who, at=at_of(request))


@router.post("/users/{username}/unlock", summary="Let a user in again")
def unlock(request: Request, username: Username, who: Admin) -> Account:
    """Let a locked user in again."""
    return people.lock_user(request.app.state.folder, username, who, at=at_of(request), locked=False)


@router.post("/users/{username}/link", summary="A one-time link by which a user sets a password")
def link(request: Request, username: Username, who: Admin) -> Link:
    """Make a one-time code; an API token cannot."""
    keep_without(request, b'{"code":null}')
    return Link(code=people.password_code(request.app.state.folder, username, who, at=at_of(request)))


@router.get("/tokens", summary="API tokens: yours, or as an admin those of others")
def tokens(
    request: Request,
    who: Owner,
    username: Annotated[str | None, Query(min_length=1, max_length=80)] = None,
    every: Annotated[bool, Query(description="Those of all users")] = False,
) -> list[Token]:
    """Return tokens, the latest first; never their secrets."""
    return people.tokens(request.app.state.folder, who, username=username, every=every)


@router.post("/tokens", status_code=201, summary="Make an API token")
def make(request: Request, body: NewToken, who: Owner) -> MadeToken:
    """Make a token; an API token cannot."""
    limits = {
        name: value for name, value in _given(body, "name", "days", "username").items() if value is not None
    }
    secret, token = people.make_token(
        request.app.state.folder,
        body.name,
        body.days,
        who,
        at=at_of(request),
        limits=limits,
        username=body.username,
    )
    made = MadeToken(secret=secret, token=token)
    kept = made.model_copy(update={"secret": None})
    keep_without(request, kept.model_dump_json().encode())
    return made


@router.delete("/tokens/{token_id}", summary="Take an API token out of use at once")
def withdraw(request: Request, token_id: TokenId, who: Owner) -> Token:
    """Withdraw a token; others' only as an admin."""
    return people.withdraw_token(request.app.state.folder, token_id, who, at=at_of(request))


def _given(body: Body, *but: str) -> dict[str, object]:
    """Return what was named in a body."""
    return body.model_dump(exclude_unset=True, exclude=set(but))


def _tagged(response: Response, account: Account) -> Account:
    tagged(response, account.version)
    return account
