"""What people see when something is refused or goes wrong: a page, or a message where a click asked."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from plimsoll.domain.errors import PlimsollError
from plimsoll.web.contexts.shell import Notice, Problem
from plimsoll.web.guard import SAFE_METHODS
from plimsoll.web.pages import is_part, page, told
from plimsoll.web.refusals import WORDS, NotServed, refused

LOG = logging.getLogger("plimsoll.web")
UNREADABLE, FAULT = 422, 500


def catch(app: FastAPI) -> None:
    """Give an app pages for what its routes cannot read and for faults of our own."""
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(Exception, _fault)


def error_page(request: Request, status: int, error: PlimsollError) -> Response:
    """Return an error as a page, or as a message in the corner where a script asked for a part of one."""
    title = WORDS.get(status, "This was not done")
    if is_part(request):
        rest = (error.why, error.done, error.remedy)
        message = Notice("bad", error.what, " ".join(part for part in rest if part))
        answer = told(request, message, status=status)
        # Links of a list take only the list out of an answer; this answer has none.
        answer.headers["HX-Reselect"] = ".toast"
        return answer
    _find_out_who(request)
    number = getattr(request.state, "request_id", "")
    done = error.done if request.method not in SAFE_METHODS else ""  # to look changes nothing anyway
    return page(
        request, Problem(status, title, error.what, error.why, done, error.remedy, number), status=status
    )


def _find_out_who(request: Request) -> None:
    """Note who asks, for the frame of a page that no route has answered; strangers get none of it."""
    state = request.app.state
    if getattr(request.state, "signed_in", None) is None:
        known = state.sign_in.by_session(request.cookies.get(state.cookie, ""), at=state.clock())
        request.state.signed_in = known


def _unreadable(request: Request, error: Exception) -> Response:
    what = "The address or form has a value that cannot be read."
    return refused(request, NotServed(UNREADABLE, what, remedy="Go back and try again."))


def _fault(request: Request, error: Exception) -> Response:
    LOG.error("request %s failed", getattr(request.state, "request_id", ""), exc_info=error)
    what = "Plimsoll could not do this. It is a fault of the program, not of yours."
    remedy = "Try again; if it stays, tell your administrator the number of the request."
    return refused(request, NotServed(FAULT, what, remedy=remedy))
