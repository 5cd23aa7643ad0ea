"""The audit trail: who changed what, when, from which value to which; and whether the log is whole."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import Response

from plimsoll.domain.desk_result import Row
from plimsoll.domain.people import Person
from plimsoll.web import cells, list_pages, lists
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Empty, Line, ListPart
from plimsoll.web.contexts.screens import AuditPage, Chain, ChainPart
from plimsoll.web.lists import Asked, View
from plimsoll.web.pages import is_part, page
from plimsoll.web.security import requires
from plimsoll.workflows.doctor import check_log

router = APIRouter(prefix="/audit", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
SAYS = "Every change, who made it and when, with the values before and after. Nothing can be taken out of it."
CHECKED_AT_ONCE = 20_000  # events that are checked in about a second; of more, on demand
SHOWN_VALUES, SHOWN_LETTERS = 8, 80
VIEW = View(
    "audit",
    "Audit trail",
    "/audit",
    (
        Column("at", "When", "moment", sortable=False, unit="UTC"),
        Column("actor", "Who", sortable=False, link="/audit?actor={actor}"),
        Column("action", "Did", "label", sortable=False),
        Column("object_type", "To", "label", sortable=False),
        Column("object", "Which", sortable=False),
        Column("change", "From → to", "prose", sortable=False),
        Column("seq", "No.", "count", sortable=False),
        Column("hash", "Seal", "cut", shown=False, sortable=False, hint="Hash over this and all before"),
    ),
    asked=(
        Asked("actor", "Who"),
        Asked("action", "Did"),
        Asked("object_type", "To"),
        Asked("object_id", "Which", "text", more=True),
        Asked("at__ge", "From", "date", more=True),
        Asked("at__lt", "Until before", "date", more=True),
    ),
    empty=Empty("audit", "Nothing has been changed yet", "What people and the program change stands here."),
)
# Kind of thing -> address of its page.
PAGES = {
    "line": "/recommendations/{}",
    "exception": "/exceptions?q={}",
    "run": "/runs/{}",
    "item": "/items?item_id={}",
    "batch": "/exports/{}",
    "override": "/overrides?override_id={}",
}
CHANGED = Markup('<span class="change"><span class="soft">{}</span> <del>{}</del> → <b>{}</b></span>')
NEW = Markup('<span class="change"><span class="soft">{}</span> <b>{}</b></span>')


@router.get("")
def audit(request: Request, who: Viewer) -> Response:
    """Show the log, the latest first."""
    query = list_pages.question(request, VIEW)
    found = request.app.state.desk.listing(VIEW.name, query, who)
    columns = lists.shown_columns(VIEW, request)
    rows = tuple(Line(str(row["seq"]), "", cells.cells(columns, _shown(row))) for row in found.rows)
    made = list_pages.grid(request, VIEW, who, query, rows)
    shown = ListPart(made) if is_part(request) else AuditPage(SAYS, made, found.total <= CHECKED_AT_ONCE)
    return lists.keep_columns(VIEW, request, page(request, shown))


@router.get("/chain")
def chain(request: Request, who: Viewer) -> Response:
    """Check the seals of all events, and tell what was found."""
    check = check_log(request.app.state.folder, who)
    found, _, head = check.found.partition("; head ")
    if check.is_sound:
        made = Chain("good", f"Checked just now: {found}", f"Seal of the last event: {head}")
    else:
        made = Chain("bad", check.found, check.remedy)
    return page(request, ChainPart(made))


def _shown(row: Row) -> Row:
    """Return an event with its change in words and, where there is a page, a way to what was changed."""
    kind, number = row["object_type"], row["object_id"]
    pattern = PAGES.get(kind)
    href = pattern.format(quote(number, safe="")) if pattern else ""
    known = cells.LINK.format(href, number[:SHOWN_LETTERS]) if href else number[:SHOWN_LETTERS]
    return row | {"object": known, "change": _change(row["old"], row["new"])}


def _change(old: Any, new: Any) -> Markup:
    """Return the values that differ, before and after; those that were not there before have no before."""
    before, after = (each if isinstance(each, dict) else {} for each in (old, new))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    parts = [_pair(name, before.get(name), after.get(name)) for name in names[:SHOWN_VALUES]]
    if len(names) > SHOWN_VALUES:
        parts.append(Markup('<span class="soft">and {} more</span>').format(len(names) - SHOWN_VALUES))
    return Markup(" ").join(parts)


def _pair(name: str, before: Any, after: Any) -> Markup:
    title = name.replace("_", " ")
    if before in (None, ""):
        return NEW.format(title, _value(after))
    return CHANGED.format(title, _value(before), _value(after))


def _value(value: Any) -> str:
    if value in (None, ""):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    text = str(value)
    return text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 1] + "…"
