"""Exports: what was accepted and waits to leave, sending it, and the files of what left."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import Response

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.desk_result import Row
from plimsoll.domain.listing import Condition, Query
from plimsoll.domain.people import Person
from plimsoll.present.numbers import DASH, count, money
from plimsoll.web import cells, list_pages, lists
from plimsoll.web.cells import Column
from plimsoll.web.contexts.exports import BatchPage, DeliveryRow, ExportsPage
from plimsoll.web.contexts.lists import Empty, Line, Link, ListPart
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.lists import Asked, View
from plimsoll.web.pages import is_part, moved, page
from plimsoll.web.security import requires
from plimsoll.workflows import outbox
from plimsoll.workflows.batch_file import batch_file

router = APIRouter(prefix="/exports", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
Deliverer = Annotated[Person, Depends(requires("deliver"))]
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
        Column("batch_id", "Batch", link="/exports/{batch_id}"),
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

FILES = {"csv": "CSV", "xlsx": "Excel", "json": "JSON"}
LINES_SHOWN, IN_ORDER = 50, (("run_id", False), ("line_no", False))
LINES = View(
    "decisions",
    "Lines",
    "/recommendations",
    (
        Column("line_id", "Line", link="/recommendations/{line_id}", sortable=False),
        Column("kind", "Action", "label", topic="order", sortable=False),
        Column("item_id", "Item", "item", link="/items/{item_id}/{to_location_id}", sortable=False),
        Column("from_location_id", "From", "place", priority=2, sortable=False),
        Column("to_location_id", "To", "place", sortable=False),
        Column("quantity_eff", "Quantity", "quantity", sortable=False),
        Column("value_eff", "Value", "money", sortable=False),
        Column("date_eff", "Due", "date", sortable=False),
        Column("decided_by", "Decided by", priority=3, sortable=False),
        Column("status", "Status", "chip", sortable=False),
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


@router.get("/{batch_id}")
def one(request: Request, batch_id: str, who: Viewer) -> Response:
    """Show a batch: its files, how its deliveries went, and its lines in scope."""
    state = request.app.state
    known = state.desk.listing(VIEW.name, Query((Condition("batch_id", "", (batch_id,)),)), who).rows
    if not known:
        what = f"There is no batch '{batch_id[:40]}'."
        raise Unknown(what, remedy="Look it up in the list of exports.")
    batch = known[0]
    query = Query((Condition("batch_id", "", (batch_id,)),), sort=IN_ORDER, size=LINES_SHOWN)
    lines_found = state.desk.listing(LINES.name, query, who)
    sent = outbox.deliveries(state.folder, batch_id, who)
    worth = money(lines_found.sums.get("value_eff", 0.0), state.desk.head().currency)
    is_whole = lines_found.total == batch["n_lines"]
    seen = "" if is_whole else f" of {batch['n_lines']:,}, those that are yours to see"
    lines_of = f"{count(lines_found.total, 'line')}{seen}, worth {worth}"
    shown = BatchPage(
        batch_id=batch_id,
        status="pending" if batch["pending"] else "delivered",
        says=f"{lines_of}. Made by {batch['created_by']} on {cells.moment(batch['created_at'])} UTC.",
        files=tuple(Link(FILES[each], f"/exports/{batch_id}/file.{each}") for each in KINDS if is_whole),
        deliveries=tuple(_delivery(row) for row in sent.to_dicts()),
        may_retry=bool(batch["pending"]) and who.may("deliver"),
        lines=lists.grid(LINES, lines_found, lists.Page(query, state.desk.head().currency), LINES.columns),
    )
    return page(request, shown)


@router.post("/{batch_id}/deliver")
def deliver(request: Request, batch_id: str, who: Deliverer) -> Response:
    """Try again at once what is still owed of a batch."""
    state = request.app.state
    done = outbox.deliver_again(state.folder, batch_id, who, at=state.clock())
    if not done.owed:
        return moved(request, f"{VIEW.href}/{batch_id}", Notice("good", f"{batch_id} is delivered."))
    late = " ".join(filter(None, done.owed.values()))
    return moved(request, f"{VIEW.href}/{batch_id}", Notice("warn", "Not all is delivered yet.", late))


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


def _delivery(row: Row) -> DeliveryRow:
    """Return a delivery in words; the answer to one that went through is the seal of what was sent."""
    is_done = row["status"] == "done"
    n = row["attempts"] + (is_done and not row["attempts"])
    return DeliveryRow(
        channel=FILES.get(row["channel"], row["channel"].capitalize()),
        target=row["target"],
        status="delivered" if is_done else "pending",
        tried={0: "not yet", 1: "once"}.get(n, f"{n:,} times"),
        answer=f"taken; SHA-256 {row['sha256'][:12]}…" if is_done else row["last_error"] or DASH,
        when=cells.moment(row["done_at"]) if is_done else f"next {cells.moment(row['next_try_at'])}",
    )
