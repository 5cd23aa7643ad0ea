"""What surrounds every request: its number, whether it is let through, headers, and a line in the log."""

import json
import logging
import re
import secrets
import time
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plimsoll.domain.errors import PlimsollError
from plimsoll.web.refusals import ForgedRequest, NotServed, refused
from plimsoll.workflows.people_params import WebParams

LOG = logging.getLogger("plimsoll.access")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: dict[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TOO_LARGE = 413
GONE = 499  # for the log alone
HTTPS_ONLY = "max-age=31536000"
PAGES_WITH_DATA = "no-store"  # unless a route says otherwise, as static files do


class Guard:
    """Middleware around the whole app: request id, host and origin checks, headers, access log.

    The log line names neither query nor body: codes, filters and names of items may be in them.
    """

    def __init__(self, app: ASGIApp, web: WebParams) -> None:
        self.app, self.web = app, web
        self.hosts = {host.casefold() for host in web.allowed_hosts}
        self.public = urlsplit(web.public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        own = headers.get("x-request-id", "")
        number = own if OWN_ID.fullmatch(own) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = number
        is_https = scope["scheme"] == "https" or self.public.scheme == "https"
        answer, began = _Answer(scope, receive, send, is_https=is_https), time.perf_counter()
        error = self._error(scope, headers)
        try:
            if error is None:
                await self.app(scope, receive, answer.send)
            else:
                await answer.replace(refused(Request(scope), error))
        except ClientDisconnect:  # whoever asked has gone, in the middle of a form: no fault of ours
            answer.status = GONE
        except Exception as error:  # noqa: BLE001 - the app's own handler tells and logs it
            await answer.fault(error)
        finally:
            _log(scope, number, answer.status, time.perf_counter() - began)

    def _error(self, scope: Scope, headers: Headers) -> PlimsollError | None:
        """Return why a request is not let through to the app, or None."""
        host = headers.get("host", "")
        if self.hosts and urlsplit(f"//{host}").hostname not in self.hosts:
            return NotServed(400, "This server does not answer under that name.", remedy="Check the address.")
        is_change = scope["method"] not in SAFE_METHODS and "authorization" not in headers
        if is_change and is_foreign(headers, {host, self.public.netloc}):
            what = "The request came from a page of another site, so it was not done."
            return ForgedRequest(what, remedy="Open Plimsoll itself and do it there.")
        return None


class _Answer:
    """One answer on its way out: it carries the headers and is never the bare text of a library."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, is_https: bool) -> None:
        self.status, self._began, self._dropped = 500, False, False
        self._scope, self._receive, self._send, self._is_https = scope, receive, send, is_https

    async def send(self, message: Message) -> None:
        """Send a message of the app's answer."""
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            if message["status"] == TOO_LARGE and kind.startswith("text/plain"):
                self._dropped = True
                what = "What was sent is larger than this server takes."
                error = NotServed(TOO_LARGE, what, remedy="Send it in smaller parts.")
                await self.replace(refused(Request(self._scope), error))
                return
            self._head(message)
        if not self._dropped:
            await self._send(message)

    async def replace(self, response: Response) -> None:
        """Send another answer than the app's."""

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._head(message)
            await self._send(message)

        await response(self._scope, self._receive, send)

    async def fault(self, error: Exception) -> None:
        """Send what the app says of a fault; with one after the answer began, only the server can deal."""
        handler = self._scope["app"].exception_handlers.get(Exception)
        if self._began or handler is None:
            raise error
        await self.replace(await run_in_threadpool(handler, Request(self._scope), error))

    def _head(self, message: Message) -> None:
        self.status, self._began = message["status"], True
        headers = MutableHeaders(scope=message)
        headers["X-Request-Id"] = self._scope["state"]["request_id"]
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Cache-Control", PAGES_WITH_DATA)
        if self._is_https:
            headers.setdefault("Strict-Transport-Security", HTTPS_ONLY)


def is_foreign(headers: Headers, own_hosts: set[str]) -> bool:
    """Return whether a browser says that a page of another origin asks for the change.

    Browsers send Sec-Fetch-Site or, older ones, Origin with every change; where neither is there, the
    asker is no browser and has nobody's cookies unless it was given them.

    Examples
    --------
    >>> is_foreign(Headers({"sec-fetch-site": "cross-site"}), {"ours"})
    True
    >>> is_foreign(Headers({"origin": "https://ours"}), {"ours"}), is_foreign(Headers({}), {"ours"})
    (False, False)
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and (urlsplit(origin).netloc or None) not in own_hosts


def _log(scope: Scope, number: str, status: int, seconds: float) -> None:
    known = scope["state"].get("signed_in")
    line = {
        "request": number,
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "ms": round(seconds * 1000, 1),
        "address": scope["client"][0] if scope.get("client") else "",
        "user": known.person.username if known else "",
        "token": known.person.token if known else "",
    }
    LOG.info("%s", json.dumps(line))
