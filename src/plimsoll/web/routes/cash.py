"""Stranded cash: stock beyond what is needed, by class, place, source and category, down to the points."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.desk_result import Group
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person
from plimsoll.present.labels import source
from plimsoll.present.numbers import count, money
from plimsoll.web import cells, list_pages, lists
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Empty, Link
from plimsoll.web.contexts.screens import Bar, Bars, CashPage, CashPart
from plimsoll.web.lists import Asked, View
from plimsoll.web.pages import is_part, page
from plimsoll.web.security import requires

router = APIRouter(include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
MONEY = "cash_to_release"
SAYS = "Stock beyond what the plan needs: what it ties up, where, and since when nobody asks for it."
VIEW = View(
    "cash",
    "Stranded cash",
    "/cash",
    (
        Column("item_id", "Item", "item", link="/items/{item_id}/{location_id}"),
        Column("location_id", "Place", "place"),
        Column("health", "Stock", "chip", topic="stock"),
        Column("abc", "Class"),
        Column("on_hand_qty", "On hand", "quantity"),
        Column("cover_days", "Lasts", "days", hint="Days the stock lasts at the expected demand"),
        Column("on_hand_value", "Stock", "money", hint="Stock on hand at cost"),
        Column("excess_value", "Excess", "money", priority=3, hint="Above the largest level the plan wants"),
        Column("slow_value", "Slow", "money", priority=3, hint="Will not be asked for within the horizon"),
        Column("dead_value", "Dead", "money", priority=3, hint="Nobody asks for it any more"),
        Column("cash_to_release", "To release", "money", hint="Cash that would come back"),
        Column("from_location_id", "Source", "place", shown=False, link="/suppliers/{from_location_id}"),
        Column("category", "Category", "cut", shown=False),
        Column("order_up_to_qty", "Most wanted", "quantity", shown=False),
        Column("demand_class", "Demand", "label", shown=False),
    ),
    asked=(
        Asked("health", "Stock", topic="stock"),
        Asked("abc", "Class"),
        Asked("location_id", "Place"),
        Asked("from_location_id", "Source"),
        Asked("category", "Category"),
        Asked("cash_to_release__ge", "To release at least", "number", more=True),
        Asked("cover_days__ge", "Lasts at least days", "number", more=True),
    ),
    sums={MONEY: "To release", "on_hand_value": "Stock"},
    empty=Empty(
        "cash", "No cash is stranded", "Stock nowhere exceeds what is needed.", (Link("Items", "/items"),)
    ),
)
CUTS = (
    ("health", "Why is it stranded?", "stock"),
    ("location_id", "Where does it lie?", ""),
    ("from_location_id", "Who supplied it?", ""),
    ("category", "What is it?", ""),
)
SHOWN = 5


@router.get("/cash")
def cash(request: Request, who: Viewer) -> Response:
    """Show the stock beyond need; the charts follow the filter."""
    query = list_pages.question(request, VIEW)
    made = list_pages.grid(request, VIEW, who, query)
    desk = request.app.state.desk
    currency = desk.head().currency
    cuts = tuple(
        _bars(title, column, topic, desk.groups(VIEW.name, query, who, column, MONEY), query, currency)
        for column, title, topic in CUTS
    )
    shown = CashPart(made, cuts) if is_part(request) else CashPage(SAYS, made, cuts)
    return lists.keep_columns(VIEW, request, page(request, shown))


def _bars(
    title: str, column: str, topic: str, groups: tuple[Group, ...], query: Query, currency: str
) -> Bars:
    """Return the largest groups; a click on one filters by it, and a second takes the filter away."""
    known = [group for group in groups if group.value is not None and group.money > 0]
    longest = max((group.money for group in known), default=0.0) or 1.0
    chosen = query.asked(column)
    bars = []
    for group in known[:SHOWN]:
        code = str(group.value)
        words = cells.words(code, topic) if topic else source(code)
        escaped = code.replace("\\", "\\\\").replace(",", "\\,")
        is_chosen = chosen == escaped
        href = VIEW.href + query.url(**{column: None if is_chosen else escaped})
        bars.append(
            Bar(words, money(group.money, currency), group.money / longest, href, f"{group.n:,}", is_chosen)
        )
    rest = known[SHOWN:]
    more = f"{count(len(rest), 'other')}: {money(sum(one.money for one in rest), currency)}" if rest else ""
    return Bars(title, tuple(bars), more)
