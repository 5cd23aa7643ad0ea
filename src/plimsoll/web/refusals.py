"""What is not done is told: an error as a page for people, as problem+json for programs."""

from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from plimsoll.domain.accounts import LogInRefused, TooManyAttempts
from plimsoll.domain.decisions import Stale, Unknown
from plimsoll.domain.errors import InputError, PlimsollError, SettingError, WorkspaceError
from plimsoll.domain.people import Forbidden

API = "/api/"
LOG_IN = "/login"


class NotLoggedIn(PlimsollError):
    """Nobody is logged in, or the token is not known, expired or withdrawn."""


class ForgedRequest(PlimsollError):
    """A change that another site may have asked the browser for."""


class NotServed(PlimsollError):
    """The request cannot be served as it was sent; `status` says how HTTP calls it."""

    def __init__(self, status: int, what: str, *, remedy: str = "") -> None:
        self.status = status
        super().__init__(what, done="Nothing was changed.", remedy=remedy)


STATUS: dict[type[PlimsollError], int] = {
    NotLoggedIn: 401,
    TooManyAttempts: 429,
    LogInRefused: 401,
    Forbidden: 403,
    ForgedRequest: 403,
    Unknown: 404,
    Stale: 409,
    InputError: 422,
    SettingError: 422,
    WorkspaceError: 503,
}
WORDS: dict[int, str] = {
    400: "The request is not readable",
    401: "Please log in",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This address does not do that",
    409: "Somebody else changed it",
    413: "This is too large",
    422: "This cannot be used",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "This cannot be done just now",
}
BY_HTTP: dict[int, tuple[str, str]] = {
    404: ("There is no such page.", "Check the address, or start from the first page."),
    405: ("This address cannot be used in that way.", ""),
    413: ("What was sent is larger than this server takes.", "Send it in smaller parts."),
}


def status_of(error: PlimsollError) -> int:
    """Return the HTTP status of an error: that of its nearest known kind, else 500."""
    if isinstance(error, NotServed):
        return error.status
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def wants_json(request: Request) -> bool:
    """Return whether the request is a program's: to the API, or for JSON and not for a page."""
    accepts = request.headers.get("accept", "")
    return request.url.path.startswith(API) or ("json" in accepts and "html" not in accepts)


def local_path(text: str) -> str:
    r"""Return a path on this server, or "/" for anything that leads elsewhere.

    Browsers take a backslash for a slash and drop tabs and line ends, so none of them may be in it.

    Examples
    --------
    >>> local_path("/items?abc=A&page=2"), local_path("//evil.example"), local_path("/\\evil.example")
    ('/items?abc=A&page=2', '/', '/')
    >>> local_path("https://evil.example/"), local_path("/\t/evil.example"), local_path("/login?next=/")
    ('/', '/', '/')
    """
    parts = urlsplit(text) if text.isprintable() and " " not in text and "\\" not in text else None
    if parts is None or parts.scheme or parts.netloc or not text.startswith("/") or text.startswith("//"):
        return "/"
    return "/" if parts.path.startswith((LOG_IN, "/logout", "/welcome")) else text


def refused(request: Request, error: PlimsollError) -> Response:
    """Return the answer to a request that was not done: a page, problem+json, or the way to the log-in.

    `app.state.error_page(request, status, error)`, if it is there, draws the page.
    """
    status = status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(error.wait_s)
    if wants_json(request):
        return JSONResponse(problem(request, status, error), status, headers, "application/problem+json")
    if isinstance(error, NotLoggedIn):
        return _to_log_in(request)
    draw = getattr(request.app.state, "error_page", _plain_page)
    response: Response = draw(request, status, error)
    response.headers.update(headers)
    return response


def problem(request: Request, status: int, error: PlimsollError) -> dict[str, Any]:
    """Return an error as the members of problem+json (RFC 9457), with what, why, done and remedy beside."""
    told = error.as_dict()
    return {
        "type": f"urn:plimsoll:error:{told.pop('error')}",
        "title": WORDS.get(status, "Error"),
        "status": status,
        "detail": str(error),
        "instance": request.url.path,
        "request_id": getattr(request.state, "request_id", ""),
        **told,
    }


def of_http(request: Request, error: Exception) -> Response:
    """Return the answer to what the framework refused: unknown pages, wrong methods, large bodies."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    what, remedy = BY_HTTP.get(status, (f"{WORDS.get(status, 'The request was refused')}.", ""))
    response = refused(request, NotServed(status, what, remedy=remedy))
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    return response


def of_plimsoll(request: Request, error: Exception) -> Response:
    """Return the answer to an error of Plimsoll's family."""
    return refused(request, error if isinstance(error, PlimsollError) else PlimsollError(str(error)))


def _to_log_in(request: Request) -> Response:
    """Return the way to the log-in, and back to the page that was wanted once somebody is in."""
    if "hx-request" in request.headers:  # a fragment: the whole page has to go, not what would be swapped
        parts = urlsplit(request.headers.get("hx-current-url", "/"))
        wanted = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return Response(status_code=401, headers={"HX-Redirect": _log_in_url(wanted)})
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(_log_in_url(path if request.method in ("GET", "HEAD") else "/"), 303)


def _log_in_url(wanted: str) -> str:
    path = local_path(wanted)
    return LOG_IN if path == "/" else f"{LOG_IN}?{urlencode({'next': path})}"


def _plain_page(request: Request, status: int, error: PlimsollError) -> Response:
    """Return a page without a frame around it."""
    told = "".join(
        f"<p>{escape(text)}</p>" for text in (error.what, error.why, error.done, error.remedy) if text
    )
    title = escape(WORDS.get(status, "Error"))
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{told}'
    )
    return HTMLResponse(f'{page}<p><a href="/">To the first page</a></p></html>', status)
