"""The list of stocking points: columns, filters, and the way into each that leads back."""

from dataclasses import replace

from fastapi import Request
from starlette.responses import Response

from plimsoll.domain.people import Person
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Empty, Link
from plimsoll.web.list_pages import list_page, question
from plimsoll.web.lists import Asked, View

POINT = "/items/{item_id}/{location_id}"
SAYS = "Every item at every place it is kept, the most money at risk first."
ITEMS = View(
    "items",
    "Items",
    "/items",
    (
        Column("item_id", "Item", "item", link=POINT),
        Column("location_id", "Place", "place"),
        Column("abc", "Class", hint="A, B, C by yearly value"),
        Column("health", "Stock", "chip", topic="stock"),
        Column("on_hand_qty", "On hand", "quantity"),
        Column(
            "position_qty", "Position", "quantity", priority=3, hint="On hand and on order, less what is owed"
        ),
        Column("reorder_point_qty", "Reorder at", "quantity", priority=2),
        Column("order_up_to_qty", "Order up to", "quantity", shown=False),
        Column("target_service_eff", "Target", "percent", priority=2),
        Column(
            "cover_days", "Lasts", "days", priority=2, hint="Days that the stock lasts at the expected demand"
        ),
        Column("money_at_risk", "At risk", "money", hint="Expected loss before the next review"),
        Column("cash_to_release", "To release", "money", hint="Money in stock beyond what is needed"),
        Column("order_status", "Order", "chip", topic="outlook", shown=False),
        Column("stockout_probability", "Runs out", "percent", shown=False),
        Column("buffer_qty", "Buffer", "quantity", shown=False),
        Column("category", "Category", "cut", shown=False),
        Column("from_location_id", "Source", "place", shown=False),
        Column("supply_kind", "Supply", "label", shown=False),
        Column("demand_class", "Demand", "label", topic="demand", shown=False),
        Column("xyz", "Variability", shown=False),
        Column("criticality", "Criticality", "label", shown=False),
        Column("policy", "Policy", "label", shown=False),
        Column("mean_per_day_est", "Demand", "quantity", unit="a day", shown=False),
        Column("mean_days_est", "Lead time", "days", shown=False),
        Column("on_order_qty", "On order", "quantity", shown=False),
        Column("backlog_qty", "Owed", "quantity", shown=False),
        Column("on_hand_value", "Stock value", "money", shown=False),
        Column("unit_cost_eff", "Unit cost", "number", shown=False),
        Column("order_by_date", "Order by", "date", shown=False),
        Column("readiness", "Data", "chip", topic="verdict", shown=False),
        Column("planned", "Planned", "yes", shown=False),
    ),
    asked=(
        Asked("location_id", "Place"),
        Asked("abc", "Class"),
        Asked("health", "Stock", topic="stock"),
        Asked("order_status", "Order", topic="outlook"),
        Asked("category", "Category"),
        Asked("from_location_id", "Source", more=True),
        Asked("demand_class", "Demand", topic="demand", more=True),
        Asked("criticality", "Criticality", more=True),
        Asked("readiness", "Data", topic="verdict", more=True),
        Asked("money_at_risk__ge", "At risk at least", "number", more=True),
        Asked("cash_to_release__ge", "To release at least", "number", more=True),
        Asked("cover_days__ge", "Lasts at least, days", "number", more=True),
    ),
    sums={"money_at_risk": "At risk", "on_hand_value": "Stock", "cash_to_release": "To release"},
    empty=Empty(
        "items",
        "There are no items yet",
        "Import your data and make a plan, and every item stands here.",
        (Link("To Runs", "/runs"),),
    ),
)


def answer(request: Request, who: Person) -> Response:
    """Return the list as a page, or as a part where a filter, order or page changes.

    The ways into its points carry the question, so that a point's page knows what comes before and after.
    """
    asked = question(request, ITEMS).url(page=None)
    more = f"{asked}{'&' if len(asked) > 1 else '' if asked else '?'}of={ITEMS.name}"
    first = ITEMS.columns[0]
    led = replace(first, link=first.link + more.replace("{", "%7B").replace("}", "%7D"))
    return list_page(request, replace(ITEMS, columns=(led, *ITEMS.columns[1:])), who, SAYS)
