"""A route of the API: first who asks, then whether this was asked before, then the work itself."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from time import perf_counter
from typing import Any, cast

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.domain.params import complaint
from plimsoll.domain.people import Person
from plimsoll.web.api.meter import meter
from plimsoll.web.guard import SAFE_METHODS
from plimsoll.web.refusals import status_of
from plimsoll.web.security import signed_in
from plimsoll.workflows import once

KEY, REPEATED = "Idempotency-Key", "Idempotency-Replayed"
GOOD_KEY = re.compile(r"[\x21-\x7e]{1,200}")
JSON = "application/json"
TOLD_PROBLEMS = 5
Handler = Callable[[Request], Awaitable[Response]]


class ApiRoute(APIRoute):
    """A route that asks who it is before it reads anything, and does a keyed change once."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        inner = super().get_route_handler()
        is_open = bool((self.openapi_extra or {}).get("security") == [])

        async def handle(request: Request) -> Response:
            began, status = perf_counter(), 500
            try:
                answer = await (inner(request) if is_open else _known(request, inner))
            except RequestValidationError as error:
                unusable = _unusable(error)
                status = status_of(unusable)
                raise unusable from None
            except PlimsollError as error:
                status = status_of(error)
                raise
            except HTTPException as error:
                status = error.status_code
                raise
            else:
                status = answer.status_code
                return answer
            finally:
                meter(request.app).saw(request.method, self.path_format, status, perf_counter() - began)

        return handle


async def _known(request: Request, inner: Handler) -> Response:
    """Return the answer to a request of somebody known; strangers learn nothing from what they send."""
    who = (await signed_in(request)).person
    if "\x00" in request.url.path or "%00" in request.url.query:
        what = "The address has a character that no name has."
        raise InputError(what, done="Nothing was changed.", remedy="Take the zero byte out of it.")
    key = request.headers.get(KEY)
    if key is None or request.method in SAFE_METHODS:
        return await inner(request)
    if not GOOD_KEY.fullmatch(key):
        what = f"The {KEY} is not usable."
        remedy = "Take 1 to 200 printable ASCII characters without blanks, such as a UUID."
        raise InputError(what, done="Nothing was changed.", remedy=remedy)
    return await _once(request, inner, who, key)


async def _once(request: Request, inner: Handler, who: Person, key: str) -> Response:
    """Return the answer to a change, done now or told again as it was the first time."""
    folder, at = request.app.state.folder, cast("datetime", request.app.state.clock())
    told = hashlib.sha256(await request.body()).hexdigest()
    query = f"?{request.url.query}" if request.url.query else ""
    # A token may do less than its owner: what one of them was answered is not for the other.
    asker = f"{who.token or 'a person'}, {who.role}, {who.locations}, {who.categories}"
    asked = f"{request.method} {request.url.path}{query} by {asker}"
    before = await run_in_threadpool(once.begin, folder, who, key, request=asked, body_sha256=told, at=at)
    if before is not None:
        body = before.body.encode()
        return Response(body, before.status, {REPEATED: "true"}, JSON if body else None)
    try:
        answer = await inner(request)
    except (PlimsollError, RequestValidationError, HTTPException):
        # Nothing was changed, so that the key may be used again. After a fault of ours nobody knows
        # what was done: the key stays taken until it is given up.
        await run_in_threadpool(once.forget, folder, who, key)
        raise
    shown = getattr(request.state, "kept_answer", bytes(answer.body)).decode()
    await run_in_threadpool(once.finish, folder, who, key, once.Answer(answer.status_code, shown), at=at)
    return answer


def keep_without(request: Request, content: bytes) -> None:
    """Say what is kept of the answer for a request with a key, where the answer holds a secret."""
    request.state.kept_answer = content


def _unusable(error: RequestValidationError) -> InputError:
    """Return what a request's values lack, in words; what was sent is not said again."""
    found = [_problem(cast("ErrorDetails", each)) for each in error.errors()]
    more = f" And {len(found) - TOLD_PROBLEMS} more." if len(found) > TOLD_PROBLEMS else ""
    what = f"The request cannot be used: {'; '.join(found[:TOLD_PROBLEMS])}.{more}"
    remedy = "See /api/v1/openapi.json for what this address takes."
    return InputError(what, done="Nothing was changed.", remedy=remedy)


def _problem(error: ErrorDetails) -> str:
    where = ".".join(str(part)[:60] for part in error["loc"][:6])
    if error["type"] == "json_invalid":
        return f"the body is not JSON ({error['ctx']['error']} at character {error['loc'][-1]})"
    if error["loc"] == ("body",) and error["type"] != "missing":
        return "the body should be a JSON object, with Content-Type: application/json"
    if error["type"] == "extra_forbidden":
        return f"{where}: there is no such field"
    if error["type"] == "missing":
        return f"{where}: it is missing"
    if error["type"] == "string_pattern_mismatch":
        return f"{where}: it has a character that cannot be kept"
    return f"{where}: {complaint(error)}"
