"""Pages that are one list, asked and shown in one way: whole, or the list alone where a script asks."""

from fastapi import Request
from starlette.responses import Response

from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person
from plimsoll.web import lists
from plimsoll.web.contexts.lists import Grid, Line, Link, ListPage, ListPart
from plimsoll.web.lists import OWN, Page, View
from plimsoll.web.pages import is_part, page


def question(request: Request, view: View, *, ignored: tuple[str, ...] = ()) -> Query:
    """Return the question that the address asks of a view's list."""
    params = request.query_params.multi_items()
    found: Query = request.app.state.desk.query(view.name, params, ignored=(*OWN, *ignored))
    return found


def grid(request: Request, view: View, who: Person, query: Query, rows: tuple[Line, ...] = ()) -> Grid:
    """Return a view's list as it is asked for, with its filters; `rows` where the page makes them itself."""
    desk = request.app.state.desk
    columns = lists.shown_columns(view, request)
    offered = lists.choices(view, query, who, desk)
    known = Page(query, desk.head().currency, offered, passed=lists.passed_on(request))
    return lists.grid(view, desk.listing(view.name, query, who), known, columns, rows)


def list_page(
    request: Request, view: View, who: Person, says: str, actions: tuple[Link, ...] = ()
) -> Response:
    """Return the page of a view, or the list alone.

    Parameters
    ----------
    view : which list, and how it is shown
    says : one sentence beside the title
    actions : links beside it
    """
    made = grid(request, view, who, question(request, view))
    shown = ListPart(made) if is_part(request) else ListPage(view.title, says, made, actions)
    return lists.keep_columns(view, request, page(request, shown))
