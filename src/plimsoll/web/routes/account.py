"""One's own account: the password, and API tokens for programs that act in one's name."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.accounts import LogInRefused
from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.domain.people import ROLES, Person
from plimsoll.web import pages
from plimsoll.web.contexts.people import Account
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.forms import Fields, fields
from plimsoll.web.refusals import status_of
from plimsoll.web.routes.login import check_twice, secret_of
from plimsoll.web.security import current_person, door, requires, session_secret
from plimsoll.workflows import people

router = APIRouter(include_in_schema=False)
Form = Annotated[Fields, Depends(fields)]
Owner = Annotated[Person, Depends(requires("own_token"))]
PAGE = "/account"


@router.get(PAGE)
def account(request: Request, who: Owner) -> Response:
    """Show the account."""
    return _page(request, who)


@router.post("/account/password")
def change_password(
    request: Request, form: Form, who: Annotated[Person, Depends(current_person)]
) -> Response:
    """Set one's own password; other browsers are logged out."""
    at, folder = request.app.state.clock(), request.app.state.folder
    try:
        check_twice(form)
        old, new = secret_of(form, "old"), secret_of(form, "password")
        people.change_password(folder, old, new, who, at=at, session=session_secret(request))
    except (InputError, LogInRefused) as error:
        return _page(request, who, error=error)
    message = Notice("good", "Your password is changed.", "Other browsers are logged out.")
    return pages.moved(request, PAGE, message)


@router.post("/account/tokens")
def make_token(request: Request, form: Form, who: Owner) -> Response:
    """Make an API token and show its secret, this once: the answer is a page, not a way to one."""
    at, folder = request.app.state.clock(), request.app.state.folder
    try:
        role = form.text("role")
        limits = {"role": role} if role else {}
        secret, _ = people.make_token(
            folder, form.text("name"), form.whole("days"), who, at=at, limits=limits
        )
    except PlimsollError as error:
        return _page(request, who, error=error)
    return _page(request, who, secret=secret)


@router.post("/account/tokens/{number}/withdraw")
def withdraw_token(request: Request, number: int, who: Owner) -> Response:
    """Take one of one's own tokens out of use."""
    gone = people.withdraw_token(request.app.state.folder, number, who, at=request.app.state.clock())
    return pages.moved(request, PAGE, Notice("good", f"Token '{gone.name}' is withdrawn."))


def _page(request: Request, who: Person, *, secret: str = "", error: PlimsollError | None = None) -> Response:
    options = door(request).people
    shown = Account(
        tokens=tuple(people.tokens(request.app.state.folder, who)),
        roles=ROLES[: ROLES.index(who.role) + 1],
        longest_days=options.token_days_max,
        has_password=options.password_login,
        secret=secret,
        error=error.what if error else "",
        remedy=error.remedy if error else "",
    )
    return pages.page(request, shown, status=status_of(error) if error else 200)
