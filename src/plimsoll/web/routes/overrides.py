"""Overrides: what people set over the computed values, where it counts, and since when."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import Response

from plimsoll.domain.desk_result import Row
from plimsoll.domain.overrides import FIELDS
from plimsoll.domain.people import Person
from plimsoll.web import cells, item_values, list_pages, lists
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Empty, Line, Link, ListPage, ListPart
from plimsoll.web.lists import Asked, View
from plimsoll.web.pages import is_part, page
from plimsoll.web.security import requires

router = APIRouter(prefix="/overrides", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
SAYS = "What people set over the computed values. The narrowest counts, then the latest."
FROM_FILE = (Link("Set from a file", "/files/upload/overrides", css="quiet"),)
CLEAR = Markup(
    '<a class="button small quiet" href="{0}" hx-get="{0}" hx-target="#dialogs" aria-label="Withdraw {1}">'
    "Withdraw…</a>"
)
UNITS = (" days", " units")  # all others are said with the value, or by its name
ONE_LINE = Markup('<span class="nowrap">{}</span>')
OTHERS = Markup('<span class="soft" title="It also reaches what is not yours to see">set for more</span>')
VIEW = View(
    "overrides",
    "Overrides",
    "/overrides",
    (
        Column("override_id", "Override", sortable=False),
        Column("what", "Sets", sortable=False),
        Column("scope", "For", sortable=False),
        Column("before", "Before", sortable=False, shown=False, hint="In force when it was set"),
        Column("why", "Reason", "prose", sortable=False, priority=2),
        Column("author", "By"),
        Column("created_at", "Set on", "date", priority=2),
        Column("expires_at", "Until", "date"),
        Column("status", "Status", "chip", topic="override_status"),
        Column("do", "Take back", sortable=False),
        Column("item_id", "Item", shown=False),
        Column("location_id", "Place", "place", shown=False),
        Column("from_location_id", "Supplier or source", "place", shown=False),
        Column("category", "Category", "cut", shown=False),
        Column("start", "Days from", "date", shown=False),
        Column("end", "Days to", "date", shown=False),
        Column("withdrawn_by", "Withdrawn by", shown=False),
        Column("withdrawn_why", "Withdrawn why", "prose", shown=False),
    ),
    asked=(
        Asked("kind", "What", topic="override"),
        Asked("author", "By"),
        Asked("reason_code", "Reason", more=True),
        Asked("item_id", "Item", "text", more=True),
        Asked("location_id", "Place", "text", more=True),
        Asked("expires_at__le", "Ends by", "date", more=True),
    ),
    tabs={
        "In force": {"status": "in_force"},
        "Expired": {"status": "expired"},
        "Withdrawn": {"status": "withdrawn"},
        "All": {},
    },
    empty=Empty(
        "pencil",
        "Nothing is overruled here",
        "Set a value on an item's page, or many from a file.",
        (Link("To the items", "/items", css="primary"),),
    ),
)


@router.get("")
def overrides(request: Request, who: Viewer) -> Response:
    """Show the overrides that reach what a person sees."""
    query = list_pages.question(request, VIEW)
    columns = lists.shown_columns(VIEW, request)
    found = request.app.state.desk.listing(VIEW.name, query, who).rows
    rows = tuple(Line(row["override_id"], "", cells.cells(columns, _shown(row, who))) for row in found)
    made = list_pages.grid(request, VIEW, who, query, rows)
    actions = FROM_FILE if who.may("override") else ()
    shown = ListPart(made) if is_part(request) else ListPage(VIEW.title, SAYS, made, actions)
    return lists.keep_columns(VIEW, request, page(request, shown))


def _shown(row: Row, who: Person) -> Row:
    """Return an override in words, with the way to take it back for who may."""
    do: str = ""
    if row["status"] == "in_force" and who.may("override"):
        asked = urlencode({"override_id": row["override_id"], "back": VIEW.href})
        do = CLEAR.format(f"/items/clear?{asked}", row["override_id"]) if row["is_yours"] else OTHERS
    unit = f" {FIELDS[row['kind']][row['field']].unit}"
    before = row | {"value": row["value_old"], "value_text": row["value_old_text"]}
    return row | {
        "what": ONE_LINE.format(f"{item_values.said(row)}{unit if unit in UNITS else ''}"),
        "why": ": ".join(filter(None, (cells.words(row["reason_code"]), row["reason_text"]))),
        "scope": item_values.reach_words(row),
        "before": item_values.said(before).partition(": ")[2],
        "do": do,
    }
