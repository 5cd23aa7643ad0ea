"""The first page of the day, and the search box."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from plimsoll.domain.people import Person
from plimsoll.web import day_page
from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.today import FoundPart
from plimsoll.web.pages import page
from plimsoll.web.security import requires

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
MOST_LETTERS = 200


@router.get("/")
def first(who: Viewer) -> Response:
    """Lead to the first page."""
    return RedirectResponse("/today", 303)


@router.get("/today")
def today(request: Request, who: Viewer) -> Response:
    """Show the day."""
    state, at = request.app.state, request.app.state.clock()
    return page(request, day_page.today_page(state.desk.today(who, at), who, at.date()))


@router.get("/search")
def search(request: Request, who: Viewer, q: str = "") -> Response:
    """Show what the search box finds."""
    text = q.strip()[:MOST_LETTERS]
    found = request.app.state.desk.search(text, who) if text else ()
    answers = tuple(Link(answer.name, day_page.found_href(answer), icon=answer.words) for answer in found)
    return page(request, FoundPart(text, answers))
