"""Suppliers: the scorecard, lanes and open orders, and one supplier in full."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.listing import Condition, Query
from plimsoll.domain.people import Person
from plimsoll.web import list_pages, lists
from plimsoll.web import suppliers_pages as shown
from plimsoll.web.contexts.lists import Grid, Link
from plimsoll.web.lists import Page, View
from plimsoll.web.pages import page
from plimsoll.web.security import requires

router = APIRouter(prefix="/suppliers", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
ROWS = 8  # of a list on a supplier's own page
OTHERS = {
    "suppliers": (Link("Open orders", shown.ORDERS.href), Link("Lanes", shown.LANES.href)),
    "lanes": (Link("Suppliers", shown.VIEW.href), Link("Open orders", shown.ORDERS.href)),
    "orders": (Link("Suppliers", shown.VIEW.href), Link("Lanes", shown.LANES.href)),
}


@router.get("")
def suppliers(request: Request, who: Viewer) -> Response:
    """Show the scorecard of all suppliers."""
    return _list(request, shown.VIEW, who)


@router.get("/all/lanes")
def lanes(request: Request, who: Viewer) -> Response:
    """Show the scorecard lane by lane."""
    return _list(request, shown.LANES, who)


@router.get("/all/orders")
def orders(request: Request, who: Viewer) -> Response:
    """Show what is on its way and may be late."""
    return _list(request, shown.ORDERS, who)


@router.get("/{name:path}")
def supplier(request: Request, name: str, who: Viewer) -> Response:
    """Show one supplier in full."""
    desk = request.app.state.desk
    view = desk.supplier(name, who)
    own = Condition("from_location_id", "", (name,))
    of_it = Query((own,), size=ROWS)
    proposed = Query((own, Condition("status", "", ("proposed",))), size=1)
    made = shown.supplier_page(
        view,
        _some(request, shown.LANES, who, of_it),
        _some(request, shown.ORDERS, who, of_it),
        desk.listing("orders", of_it, who),
        desk.listing("recommendations", proposed, who),
        desk.head().currency,
    )
    return page(request, made)


def _list(request: Request, view: View, who: Person) -> Response:
    return list_pages.list_page(request, view, who, shown.SAYS[view.name], OTHERS[view.name])


def _some(request: Request, view: View, who: Person, query: Query) -> Grid:
    """Return the first rows of a supplier's lanes or orders, under heads that lead to the whole list."""
    desk = request.app.state.desk
    own = shown.of(view, str(query.conditions[0].values[0]))
    return lists.grid(
        own, desk.listing(view.name, query, who), Page(query, desk.head().currency), own.columns
    )
