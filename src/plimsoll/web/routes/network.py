"""The network: items by what their places hold together, and one item's network drawn."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.people import Person
from plimsoll.web import list_pages
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Empty, Link
from plimsoll.web.lists import Asked, View
from plimsoll.web.network_page import network_page
from plimsoll.web.pages import page
from plimsoll.web.security import requires

router = APIRouter(prefix="/network", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
SAYS = "Items whose places replenish each other: what they hold together, and how long they wait."
VIEW = View(
    "networks",
    "Network",
    "/network",
    (
        Column("item_id", "Item", "item", link="/network/{item_id}"),
        Column("category", "Category", "cut", shown=False),
        Column("n_places", "Places", "count"),
        Column("n_levels", "Levels", "count", hint="How many steps goods go between your places"),
        Column("on_hand_value", "Stock now", "money"),
        Column("on_hand_alone_value", "One by one", "money", hint="Stock on average, each sized alone"),
        Column("on_hand_network_value", "Together", "money", hint="Stock on average, sized as one network"),
        Column("saved_value", "Difference", "money", hint="One by one less together"),
        Column("wait_days_est", "Longest wait", "days", hint="For a source beyond the lead time"),
        Column("money_at_risk", "At risk", "money", priority=2),
        Column("network_id", "Network no.", "count", shown=False),
    ),
    asked=(
        Asked("category", "Category"),
        Asked("n_levels", "Levels"),
        Asked("n_places__ge", "Places at least", "number", more=True),
        Asked("wait_days_est__ge", "Waits at least days", "number", more=True),
        Asked("on_hand_network_value__ge", "Together at least", "number", more=True),
    ),
    sums={"on_hand_alone_value": "One by one", "on_hand_network_value": "Together", "on_hand_value": "Now"},
    empty=Empty(
        "network",
        "No place replenishes another",
        "All stocking points are replenished from outside, so each is sized by itself, which is right. "
        "If your plants or DCs do replenish others, import lanes or transfers that say so.",
        (Link("Items", "/items"),),
    ),
)  # fmt: skip


@router.get("")
def networks(request: Request, who: Viewer) -> Response:
    """Show the items that several places keep, by money."""
    return list_pages.list_page(request, VIEW, who, SAYS)


@router.get("/{item_id:path}")
def network(request: Request, item_id: str, who: Viewer) -> Response:
    """Show the network of one item, drawn and in words."""
    return page(request, network_page(request.app.state.desk.network(item_id, who)))
