"""Data health: how far the data carry a plan, what was found in them, and the rows behind each finding."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.desk_result import Row
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person
from plimsoll.present.numbers import count, money, percent
from plimsoll.web import cells, list_pages, lists
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Empty, Line, ListPart
from plimsoll.web.contexts.screens import Finding, FindingPage, HealthPage
from plimsoll.web.contexts.today import Tile
from plimsoll.web.lists import Asked, View
from plimsoll.web.pages import is_part, page
from plimsoll.web.security import requires

router = APIRouter(prefix="/health", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
SAYS = "How far the data carry the plan, and what to mend first."
SEVERITIES = {"error": "errors", "warning": "warnings", "info": "notes"}
VIEW = View(
    "findings",
    "Data health",
    "/health",
    (
        Column("severity", "How grave", "chip"),
        Column("what", "What was found", "prose", link="/health/rows?code={code}&table={table}"),
        Column("remedy", "What to do", "prose", priority=3),
        Column("table", "In", "label", priority=2),
        Column("n_rows", "Rows", "count"),
        Column("money_at_risk", "At stake", "money", hint="Money that depends on it, where that can be said"),
        Column("code", "Check", shown=False),
        Column("why", "Why it matters", "prose", shown=False),
        Column("done", "What was done", "prose", shown=False),
        Column("keys", "First rows", "prose", shown=False),
    ),
    asked=(Asked("severity", "How grave"), Asked("table", "In"), Asked("code", "Check", more=True)),
    tabs={
        "All": {},
        "Errors": {"severity": "error"},
        "Warnings": {"severity": "warning"},
        "Notes": {"severity": "info"},
    },
    sums={"money_at_risk": "At stake"},
    empty=Empty("check", "Nothing was found", "The data gave no reason to doubt them."),
)
ROWS = View(
    "audit_rows",
    "Rows behind a finding",
    "/health/rows",
    (
        Column("key", "Row"),
        Column("item_id", "Item", "item", link="/items/{item_id}/{location_id}"),
        Column("location_id", "Place", "place", priority=2),
        Column("detail", "What is wrong with it", "prose"),
        Column("repair", "Suggested repair", "label", priority=2),
        Column("money_at_risk", "At stake", "money"),
        Column("severity", "How grave", "chip", shown=False),
        Column("category", "Category", "cut", shown=False),
        Column("code", "Check", shown=False),
        Column("table", "In", shown=False),
    ),
    asked=(
        Asked("location_id", "Place"),
        Asked("category", "Category"),
        Asked("repair", "Repair"),
        Asked("money_at_risk__ge", "At stake at least", "number", more=True),
        Asked("code", "Check", more=True),
        Asked("table", "In", more=True),
    ),
    sums={"money_at_risk": "At stake"},
    empty=Empty(
        "check",
        "No single rows",
        "This was found of the data as a whole, or in rows that are not yours to see. "
        "What it says above is all there is.",
    ),
)


@router.get("")
def health(request: Request, who: Viewer) -> Response:
    """Show how far the data carry, and the findings."""
    query = list_pages.question(request, VIEW)
    columns = lists.shown_columns(VIEW, request)
    found = request.app.state.desk.listing(VIEW.name, query, who).rows
    shown_rows = tuple(Line(row["code"], "", cells.cells(columns, _short(row))) for row in found)
    made = list_pages.grid(request, VIEW, who, query, shown_rows)
    if is_part(request):
        return lists.keep_columns(VIEW, request, page(request, ListPart(made)))
    shown = HealthPage(SAYS, _tiles(request, who), made)
    return lists.keep_columns(VIEW, request, page(request, shown))


@router.get("/rows")
def rows(request: Request, who: Viewer) -> Response:
    """Show the rows behind a finding, with what it is, why it matters and what to do."""
    desk, query = request.app.state.desk, list_pages.question(request, ROWS)
    made = list_pages.grid(request, ROWS, who, query)
    if is_part(request):
        answer = page(request, ListPart(made))
        if not query.asked("code"):  # what stands above the list is of another finding
            answer.headers["HX-Redirect"] = f"{ROWS.href}{query.url()}"
        return lists.keep_columns(ROWS, request, answer)
    asked = [(name, query.asked(name)) for name in ("code", "table") if query.asked(name)]
    found = desk.listing("findings", desk.query("findings", asked), who).rows if asked else []
    told = tuple(_finding(row, desk.head().currency) for row in found[:3])
    title = told[0].title if told else ROWS.title
    return lists.keep_columns(ROWS, request, page(request, FindingPage(title, told, made)))


def _short(row: Row) -> Row:
    """Return a finding without the first rows in its sentence: they stand on its page."""
    return row | {"what": row["what"].replace(f" ({row['keys']})", "")} if row["keys"] else row


def _finding(row: Row, currency: str) -> Finding:
    worth = row["money_at_risk"]
    return Finding(
        row["code"],
        cells.words(row["code"]),
        row["severity"],
        row["what"],
        row["why"],
        row["done"],
        row["remedy"],
        money(worth, currency) if worth is not None else "",
    )


def _tiles(request: Request, who: Person) -> tuple[Tile, ...]:
    desk = request.app.state.desk
    view = desk.today(who, request.app.state.clock())
    verdicts = {choice.value: choice.n for choice in desk.choices("items", Query(), who, "readiness")}
    total = sum(verdicts.values()) or 1
    found = {choice.value: choice.n for choice in desk.choices("findings", Query(), who, "severity")}
    sums = desk.listing("findings", Query(size=1), who).sums
    score, automatic = view.readiness, verdicts.get("automatic", 0)
    return (
        Tile("Readiness", percent(score, 0), "", "of what a sound plan needs is there, by value", ""),
        Tile(
            "May be planned",
            percent(automatic / total, 0),
            "",
            f"{automatic:,} of {count(total, 'stocking point')}",
            "/items?readiness=automatic",
        ),
        Tile(
            "Need care",
            f"{verdicts.get('care', 0):,}",
            "points",
            f"and {verdicts.get('left_out', 0):,} left out of the plan",
            "/items?readiness=care,left_out",
        ),
        Tile(
            "Found",
            f"{sum(found.values()):,}",
            "findings",
            ", ".join(f"{found.get(code, 0):,} {words}" for code, words in SEVERITIES.items())
            + f"; {money(sums.get('money_at_risk', 0.0), desk.head().currency)} at stake",
            "/health?sort=-money_at_risk",
        ),
    )
