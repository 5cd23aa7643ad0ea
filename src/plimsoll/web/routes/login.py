"""Into the workbench and out again: log-in, log-out, one-time links, the company account."""

from typing import Annotated

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from plimsoll.domain.accounts import MIN_PASSWORD, LogInRefused, TooManyAttempts
from plimsoll.domain.errors import InputError
from plimsoll.web import pages
from plimsoll.web.contexts.people import LogIn, Welcome
from plimsoll.web.forms import Fields, fields
from plimsoll.web.refusals import NotServed, local_path, status_of
from plimsoll.web.security import address_of, door, forget, is_https, remember, session_secret, signed_in
from plimsoll.workflows.oidc import ProviderLogIn
from plimsoll.workflows.sign_in import SignedIn

router = APIRouter(include_in_schema=False)
FROM_PROVIDER = "/login/oidc/callback"
ATTEMPT, ATTEMPT_S = "plimsoll-attempt", 600
# A password takes a tenth of a second by design. Many at once wait for each other, and not in the threads
# that everybody else's pages need.
AT_ONCE = CapacityLimiter(4)
NO_PROVIDER = NotServed(404, "There is no log-in by a company account here.", remedy="Log in by password.")


@router.get("/login")
def ask(request: Request, next: str = "/") -> Response:
    """Show the log-in, or move on who is in already."""
    if _who(request):
        return RedirectResponse(local_path(next), 303)
    return _log_in_page(request, next)


@router.post("/login")
async def log_in(request: Request, form: Annotated[Fields, Depends(fields)]) -> Response:
    """Log in by password, and go to the page that was wanted."""
    return await run_sync(_log_in, request, form, limiter=AT_ONCE)


def _log_in(request: Request, form: Fields) -> Response:
    wanted, name = form.text("next"), form.text("username")[:200]
    try:
        session = door(request).log_in(
            name,
            secret_of(form, "password"),
            address=address_of(request),
            at=request.app.state.clock(),
            instead_of=session_secret(request),
        )
    except LogInRefused as error:
        return _log_in_page(request, wanted, error, name)
    answer = RedirectResponse(local_path(wanted or "/"), 303)
    remember(request, answer, session)
    return answer


@router.post("/logout")
def log_out(request: Request, _: Annotated[SignedIn, Depends(signed_in)]) -> Response:
    """End the session, here and in the database."""
    door(request).log_out(session_secret(request))
    answer = RedirectResponse("/login", 303)
    forget(request, answer)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@router.get("/welcome")
def welcome(request: Request, code: str = "") -> Response:
    """Show the form behind a one-time link."""
    invited = door(request).welcome(code, at=request.app.state.clock())
    return pages.page(request, Welcome(code, invited, username=invited, least=MIN_PASSWORD))


@router.post("/welcome")
def settle(request: Request, form: Annotated[Fields, Depends(fields)]) -> Response:
    """Set the password by a one-time link, and log in."""
    way_in, at, code = door(request), request.app.state.clock(), form.text("code")
    invited = way_in.welcome(code, at=at)
    name, shown = form.text("username"), form.text("name")
    try:
        check_twice(form)
        password = secret_of(form, "password")
        session = way_in.accept_welcome(
            code, password, username=name, name=shown, address=address_of(request), at=at
        )
    except InputError as error:
        told = {"error": error.what, "remedy": error.remedy, "least": MIN_PASSWORD}
        page = Welcome(code, invited, username=invited or name, name=shown, **told)  # type: ignore[arg-type]
        return pages.page(request, page, status=status_of(error))
    answer = RedirectResponse("/", 303)
    remember(request, answer, session)
    return answer


@router.get("/login/oidc")
def to_provider(request: Request, next: str = "/") -> Response:
    """Send the browser to the company's provider."""
    at = request.app.state.clock()
    url, kept = _provider(request).start(_callback(request), local_path(next), at=at)
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        ATTEMPT, kept, ATTEMPT_S, path="/login/oidc", secure=is_https(request), httponly=True, samesite="lax"
    )
    return answer


@router.get(FROM_PROVIDER)
def from_provider(request: Request) -> Response:
    """Log in whom the provider sent back."""
    kept = request.cookies.get(ATTEMPT, "")
    given = dict(request.query_params)
    try:
        session, wanted = _provider(request).finish(
            given,
            kept,
            _callback(request),
            address=address_of(request),
            at=request.app.state.clock(),
            instead_of=session_secret(request),
        )
    except LogInRefused as error:
        answer = _log_in_page(request, "/", error)
    else:
        answer = RedirectResponse(local_path(wanted), 303)
        remember(request, answer, session)
    answer.delete_cookie(ATTEMPT, path="/login/oidc")
    return answer


def _log_in_page(
    request: Request, wanted: str, error: LogInRefused | None = None, username: str = ""
) -> Response:
    way_in = door(request)
    page = LogIn(
        wanted=local_path(wanted or "/"),
        username=username,
        error=error.what if error else "",
        remedy=error.remedy if error else "",
        has_password=way_in.people.password_login,
        provider=way_in.oidc.label if way_in.oidc.is_on else "",
    )
    answer = pages.page(request, page, status=status_of(error) if error else 200)
    if isinstance(error, TooManyAttempts):
        answer.headers["Retry-After"] = str(error.wait_s)
    return answer


def check_twice(form: Fields) -> None:
    """Refuse a password that was not typed the same way twice."""
    if secret_of(form, "password") != secret_of(form, "again"):
        what = "The two passwords are not the same."
        raise InputError(what, remedy="Type the password twice.")


def secret_of(form: Fields, name: str) -> str:
    """Return a password as it was typed, blanks and all."""
    return form.given.get(name, [""])[-1]


def _who(request: Request) -> SignedIn | None:
    return door(request).by_session(session_secret(request), at=request.app.state.clock())


def _provider(request: Request) -> ProviderLogIn:
    """Return the way in by the provider, made when first asked for; a plain 404 where there is none."""
    state = request.app.state
    if not door(request).oidc.is_on:
        raise NO_PROVIDER
    if not hasattr(state, "provider"):
        state.provider = ProviderLogIn(door(request))
    provider: ProviderLogIn = state.provider
    return provider


def _callback(request: Request) -> str:
    """Return the address to which the provider sends people back, as it is registered there."""
    base = door(request).web.public_url or str(request.base_url).rstrip("/")
    return f"{base}{FROM_PROVIDER}"
