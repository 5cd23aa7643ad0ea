"""Exceptions: the list of what needs a person, and one in full. Working them is in `attention`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.listing import Condition, Query
from plimsoll.domain.people import Person
from plimsoll.web import exception_pages
from plimsoll.web.contexts.lists import Link
from plimsoll.web.list_pages import list_page
from plimsoll.web.pages import page
from plimsoll.web.security import requires
from plimsoll.workflows.exception_parts import exception_parts

router = APIRouter(prefix="/exceptions", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]


@router.get("")
def exceptions(request: Request, who: Viewer) -> Response:
    """Show the exceptions."""
    from_file = (Link("Work from a file", "/files/upload/exceptions", css="quiet"),)
    actions = from_file if who.may("work_exception") else ()
    return list_page(request, exception_pages.VIEW, who, exception_pages.SAYS, actions)


@router.get("/{name:path}")
def one(request: Request, name: str, who: Viewer) -> Response:
    """Show one exception with its parts and what people did about it."""
    state = request.app.state
    found = state.desk.listing("exceptions", _asks(exception_id=name), who).rows
    if not found:
        what = f"There is no exception '{name[:80]}' today, or none that you may see."
        raise Unknown(what, remedy="Look it up in the list of exceptions.")
    parts = exception_parts(state.folder, name, who).to_dicts()
    events = state.desk.listing("audit", _asks(object_type="exception", object_id=name), who).rows
    shown = exception_pages.exception_page(
        found[0], parts, events, who, currency=state.desk.head().currency, today=state.clock().date()
    )
    return page(request, shown)


def _asks(**values: str) -> Query:
    """Return a question for exact values, whatever signs are in them."""
    return Query(tuple(Condition(column, "", (value,)) for column, value in values.items()))
