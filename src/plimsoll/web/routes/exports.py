"""Exports: what was accepted and waits to leave, sending it, and the files of what left."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import Response

from plimsoll.domain.desk_result import Row
from plimsoll.domain.listing import Condition, Query
from plimsoll.domain.people import Person
from plimsoll.present.numbers import count, money
from plimsoll.web import cells, list_pages, lists
from plimsoll.web.cells import Column
from plimsoll.web.contexts.exports import ExportsPage
from plimsoll.web.contexts.lists import Empty, Line, Link, ListPart
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.lists import Asked, View
from plimsoll.web.pages import is_part, moved, page
from plimsoll.web.security import requires
from plimsoll.workflows import outbox
from plimsoll.workflows.batch_file import batch_file

router = APIRouter(prefix="/exports", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
Sender = Annotated[Person, Depends(requires("export"))]
SAYS = "What was accepted leaves in batches: as files, and to the ERP's address if one is set. Each once."
TO_SEND = ("accepted", "changed")
NOTHING_WAITS = "Nothing waits to leave: whatever was accepted is sent."
WAITING = "/recommendations?status=accepted,changed"
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
FILE = Markup('<a href="/exports/{}/file.{}" download>{}</a>')
VIEW = View(
    "exports",
    "Exports",
    "/exports",
    (
        Column("batch_id", "Batch"),
        Column("created_at", "Made", "moment", unit="UTC"),
        Column("created_by", "By"),
        Column("n_lines", "Lines", "count"),
        Column("value", "Value", "money"),
        Column("owed", "Delivery", sortable=False),
        Column("files", "Files", sortable=False),
    ),
    asked=(Asked("created_by", "By"),),
    empty=Empty(
        "out",
        "Nothing was sent yet",
        "Accept recommendations; then send them from here.",
        (Link("To the recommendations", "/recommendations?status=proposed", css="primary"),),
    ),
)


@router.get("")
def exports(request: Request, who: Viewer) -> Response:
    """Show what waits and what left."""
    desk, query = request.app.state.desk, list_pages.question(request, VIEW)
    columns = lists.shown_columns(VIEW, request)
    rows = tuple(
        Line(row["batch_id"], "", cells.cells(columns, _shown(row)))
        for row in desk.listing(VIEW.name, query, who).rows
    )
    made = list_pages.grid(request, VIEW, who, query, rows)
    if is_part(request):
        return lists.keep_columns(VIEW, request, page(request, ListPart(made)))
    waiting = desk.listing("decisions", Query((Condition("status", "", TO_SEND),), size=1), who)
    worth = money(waiting.sums.get("value_eff", 0.0), desk.head().currency)
    verb = "waits" if waiting.total == 1 else "wait"
    waits = f"{verb} to leave, worth {worth}." if waiting.total else NOTHING_WAITS
    shown = ExportsPage(SAYS, waiting.total, waits, WAITING, who.may("export"), made)
    return lists.keep_columns(VIEW, request, page(request, shown))


@router.post("")
def send(request: Request, who: Sender) -> Response:
    """Send all that waits in the person's scope, once: a second click finds nothing left to send."""
    made = outbox.export(request.app.state.folder, who, at=request.app.state.clock())
    if made is None:
        return moved(request, VIEW.href, Notice("live", NOTHING_WAITS))
    words = f"{made.batch_id} left with {count(made.n_lines, 'line')}."
    if not made.owed:
        return moved(request, VIEW.href, Notice("good", words))
    late = " ".join(filter(None, made.owed.values()))
    return moved(request, VIEW.href, Notice("warn", words, f"Not all is delivered yet: {late}"))


@router.get("/{batch_id}/file.{ending}")
def file(request: Request, batch_id: str, ending: str, who: Viewer) -> Response:
    """Send a batch as the file that left."""
    content = batch_file(request.app.state.folder, batch_id, ending, who)
    headers = {"Content-Disposition": f'attachment; filename="{batch_id}.{ending}"'}
    return Response(content, headers=headers, media_type=KINDS[ending])


def _shown(row: Row) -> Row:
    """Return a batch with the state of its delivery and the ways to its files."""
    files = [FILE.format(row["batch_id"], ending, ending.upper()) for ending in KINDS]
    state = "pending" if row.get("pending") else "delivered"
    return row | {"owed": cells.chip(state), "files": Markup(" · ").join(files)}
