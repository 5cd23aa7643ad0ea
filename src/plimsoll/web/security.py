"""Who asks, and may they: the dependencies of every route, and the door's parts put around the app.

A route names what it needs and gets the person::

    @router.post("/lines/accept")
    def accept(who: Annotated[Person, Depends(requires("decide"))]): ...

Who asks is told by the session cookie or by `Authorization: Bearer plm_...`. A change that comes with
the cookie has to bring the session's token too, as header `X-CSRF-Token` or form field `csrf_token`;
asking for the person checks it, so no route can forget it.
"""

import hmac
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.responses import Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from plimsoll.domain.errors import PlimsollError
from plimsoll.domain.people import ACTIONS, Person, require
from plimsoll.web.guard import SAFE_METHODS, Guard
from plimsoll.web.refusals import ForgedRequest, NotLoggedIn, of_http, of_plimsoll
from plimsoll.workflows.sign_in import NewSession, SignedIn, SignIn

CSRF_HEADER, CSRF_FIELD = "X-CSRF-Token", "csrf_token"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
BEARER, ASKED = "bearer ", "action"
MEGABYTE = 1_000_000


def secure(app: FastAPI, sign_in: SignIn) -> None:
    """Put the door around an app: guard, body limit, errors as pages or problems, and who is known.

    Call it once in `create_app`, after `app.state.folder` and `app.state.clock` are set. A route that
    takes files raises its own limit: `@router.post(..., max_body_size=upload_limit(app))`.
    """
    app.state.sign_in = sign_in
    app.state.cookie = _cookie_name(app)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=round(sign_in.web.body_limit_mb * MEGABYTE))
    app.add_middleware(Guard, web=sign_in.web)  # added last: outermost
    app.add_exception_handler(PlimsollError, of_plimsoll)
    app.add_exception_handler(HTTPException, of_http)


def upload_limit(sign_in: SignIn) -> int:
    """Return the largest body in bytes of a route that takes files."""
    return round(sign_in.web.upload_limit_mb * MEGABYTE)


async def signed_in(request: Request) -> SignedIn:
    """Return who asks, with the session's CSRF token; a change without that token is refused.

    Raises
    ------
    NotLoggedIn : no session or token, or one that has ended
    ForgedRequest : a change by cookie without the session's CSRF token
    """
    known: SignedIn | None = getattr(request.state, "signed_in", None)
    if known is None:
        known = await run_in_threadpool(_look_up, request)
        request.state.signed_in = known
    if known.csrf and request.method not in SAFE_METHODS and not getattr(request.state, "is_own", False):
        await _check_csrf(request, known)
        request.state.is_own = True
    return known


async def current_person(who: Annotated[SignedIn, Depends(signed_in)]) -> Person:
    """Return the person who asks."""
    return who.person


def requires(action: str) -> Callable[[SignedIn], Awaitable[Person]]:
    """Return the dependency that gives the person if the role allows an action of `ACTIONS`.

    Raises Forbidden when asked by somebody whose role does not; KeyError at once for an unknown action.
    """
    ACTIONS[action]

    async def permitted(who: Annotated[SignedIn, Depends(signed_in)]) -> Person:
        require(who.person, action)
        return who.person

    setattr(permitted, ASKED, action)  # read by `guards`
    return permitted


def csrf_token(request: Request) -> str:
    """Return the token that forms and scripts of this session send back; empty without a session."""
    known: SignedIn | None = getattr(request.state, "signed_in", None)
    return known.csrf if known else ""


def door(request: Request) -> SignIn:
    """Return the door that the app was put behind."""
    found: SignIn = request.app.state.sign_in
    return found


def session_secret(request: Request) -> str:
    """Return the secret in the browser's cookie, "" without one."""
    return request.cookies.get(request.app.state.cookie, "")


def remember(request: Request, response: Response, session: NewSession) -> None:
    """Give the browser the cookie of a new session."""
    response.set_cookie(
        request.app.state.cookie,
        session.secret,
        max_age=session.seconds,
        path="/",
        secure=is_https(request),
        httponly=True,
        samesite="lax",
    )


def forget(request: Request, response: Response) -> None:
    """Take the session's cookie from the browser."""
    response.delete_cookie(
        request.app.state.cookie, path="/", secure=is_https(request), httponly=True, samesite="lax"
    )


def is_https(request: Request) -> bool:
    """Return whether browsers reach the workbench over https."""
    public = door(request).web.public_url
    return request.url.scheme == "https" or public.startswith("https:")


def address_of(request: Request) -> str:
    """Return the address a request came from."""
    return request.client.host if request.client else ""


def guards(app: FastAPI) -> dict[str, str]:
    """Return what each route asks for, by "METHOD path": an action, "person", or "" for anybody."""
    found: dict[str, str] = {}
    for route in iter_route_contexts(app.routes):
        asked = _asked(route.dependant) if isinstance(route.original_route, APIRoute) else ""
        found |= {f"{method} {route.path}": asked for method in sorted(route.methods or ())}
    return found


def _asked(dependant: Dependant) -> str:
    answers = {"person"} if dependant.call is signed_in else set()
    if action := getattr(dependant.call, ASKED, ""):
        return str(action)
    answers |= {_asked(inner) for inner in dependant.dependencies}
    return max(answers, key=lambda answer: (answer not in ("", "person"), answer), default="")


def _look_up(request: Request) -> SignedIn:
    """Return who asks, by token if one is given, else by cookie."""
    sign_in, at = door(request), request.app.state.clock()
    given = request.headers.get("authorization", "")
    if given.lower().startswith(BEARER):
        known = sign_in.by_token(given[len(BEARER) :].strip(), at=at)
        what = "This API token is not known, has expired or was withdrawn."
        remedy = "Make a new one: in the workbench, or `plimsoll user WORKSPACE token NAME`."
    else:
        known = sign_in.by_session(session_secret(request), at=at)
        what, remedy = "Nobody is logged in here, or the session has ended.", "Log in."
    if known is None:
        raise NotLoggedIn(what, done="Nothing was changed.", remedy=remedy)
    return known


async def _check_csrf(request: Request, known: SignedIn) -> None:
    """Refuse a change by cookie that does not bring the session's token."""
    given: object = request.headers.get(CSRF_HEADER, "")
    if not given and request.headers.get("content-type", "").startswith(FORMS):
        given = (await request.form()).get(CSRF_FIELD, "")  # kept by the request: the route reads it again
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), known.csrf.encode()):
        what = "The page was not the one that this session was given, so it was not done."
        why = "Another site could otherwise make changes in your name."
        raise ForgedRequest(
            what, why=why, done="Nothing was changed.", remedy="Reload the page and repeat it."
        )


def _cookie_name(app: FastAPI) -> str:
    """Return the cookie's name, of its own for each workspace: browsers share cookies between ports."""
    place = sha256(str(app.state.folder).encode()).hexdigest()[:8]
    public: str = app.state.sign_in.web.public_url
    return f"{'__Host-' if public.startswith('https:') else ''}plimsoll-{place}"
