"""Any list as a file, in the selection and order that the page shows; and recommendations back from one."""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from plimsoll.domain.decisions import Decided
from plimsoll.domain.desk_result import Row
from plimsoll.domain.errors import InputError
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person
from plimsoll.present.numbers import DASH, count, quantity
from plimsoll.web import cells
from plimsoll.web.contexts.screens import PreviewPage, UploadPage
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.forms import Fields, fields
from plimsoll.web.lists import OWN
from plimsoll.web.pages import moved, page
from plimsoll.web.security import door, requires, upload_limit
from plimsoll.workflows.lists_in_files import DONE, MOST_BYTES, Proposed, decide_from_file

router = APIRouter(prefix="/files", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
Decider = Annotated[Person, Depends(requires("decide"))]
Form = Annotated[Fields, Depends(fields)]
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SHOWN = 50  # rows of a preview
MOST_DECISIONS, MOST_PACKED, MOST_UNPACKED = 20_000, 4_000_000, 20_000_000
WORDS = {"accept": "Accept", "change": "Change", "refuse": "Refuse", "reopen": "Take back"}
CARRIED = pl.Schema(DONE | {"date": pl.String()})
BODY = MOST_BYTES + 100_000  # the file with the form around it


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent; without one its name is empty."""

    name: str
    content: bytes


async def uploaded(request: Request) -> Upload:
    """Return the file of the form; one larger than the server takes is refused before it is read."""
    form = await request.form()
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return Upload("", b"")
        limit, size = upload_limit(door(request)), file.size or 0
        if size > limit:
            what = f"The file has {size / 1e6:,.0f} MB; {limit / 1e6:,.0f} MB can be taken."
            raise InputError(what, done="Nothing was changed.", remedy="Keep only the rows you changed.")
        return Upload(file.filename, await file.read())
    finally:
        await form.close()


@router.get("/upload")
def ask(request: Request, who: Decider) -> Response:
    """Ask for an edited list of recommendations."""
    return page(request, UploadPage(upload_limit(door(request)) / 1e6))


@router.post("/upload", max_body_size=BODY)
def preview(request: Request, who: Decider, file: Annotated[Upload, Depends(uploaded)]) -> Response:
    """Show what a file asks for; nothing is done."""
    try:
        found = _asked_for(request, who, file)
    except InputError as error:
        sent = UploadPage(upload_limit(door(request)) / 1e6, error.what, error.remedy)
        return page(request, sent, status=422)
    return page(request, _preview(request, who, file.name, found))


@router.post("/confirm", max_body_size=MOST_PACKED + 100_000)
def confirm(request: Request, who: Decider, form: Form) -> Response:
    """Do what was shown; every line is checked again, so that one changed meanwhile is left alone."""
    decisions = _unpacked(form.text("decisions", MOST_PACKED))
    done = decide_from_file(request.app.state.folder, decisions, who, at=request.app.state.clock())
    return moved(request, "/recommendations", _message(done))


@router.get("/{name}.{ending}")
def download(request: Request, name: str, ending: str, who: Viewer) -> Response:
    """Send a list as a file that can be edited and read back."""
    desk = request.app.state.desk
    query = desk.query(name, request.query_params.multi_items(), ignored=OWN)
    content = desk.export(name, query, who, ending=ending)
    run = desk.head().run_id or "no-plan"
    headers = {"Content-Disposition": f'attachment; filename="{name}-{run}.{ending}"'}
    return Response(content, headers=headers, media_type=KINDS[ending])


def _asked_for(request: Request, who: Person, file: Upload) -> Proposed:
    if not file.name:
        what = "No file was chosen."
        raise InputError(what, remedy="Choose the list that you downloaded and edited.")
    found: Proposed = request.app.state.desk.decisions_in(file.content, file.name, who)
    n = found.decisions.height
    if n > MOST_DECISIONS:
        what = f"The file asks for {n:,} decisions; {MOST_DECISIONS:,} can be made at once."
        raise InputError(what, remedy="Split it.")
    return found


def _preview(request: Request, who: Person, name: str, found: Proposed) -> PreviewPage:
    decisions, problems = found.decisions, found.problems
    shown = decisions.head(SHOWN)
    wanted = ["line_id", "item_id", "to_location_id", "quantity_eff", "date_eff", "unit"]
    lines = request.app.state.desk.table("recommendations", Query(), who, wanted)
    known = shown.join(lines, on="line_id", how="left", maintain_order="left").to_dicts()
    by_action = dict(decisions.group_by("action").len().rows())
    counts = [(words, f"{by_action[code]:,}") for code, words in WORDS.items() if code in by_action]
    rest, wrong = decisions.height - shown.height, problems.height - SHOWN
    return PreviewPage(
        file=name[-80:],
        says=f"{count(found.n_rows, 'row')} read: {decisions.height:,} to be done, "
        f"{found.n_same:,} as they are, {problems.height:,} that cannot be followed. Nothing is done yet.",
        counts=tuple(counts),
        asked=tuple(_asked(row) for row in known),
        more_asked=f"and {rest:,} more" if rest > 0 else "",
        problems=tuple((str(row), line or DASH, why) for row, line, why in problems.head(SHOWN).rows()),
        more_problems=f"and {wrong:,} more" if wrong > 0 else "",
        packed=_packed(decisions) if decisions.height else "",
    )


def _asked(row: Row) -> tuple[str, ...]:
    amount = quantity(row["quantity_eff"], row["unit"])
    if row["quantity"] is not None:
        amount = f"{quantity(row['quantity_eff'])} → {quantity(row['quantity'], row['unit'])}"
    due = cells.day(row["date_eff"])
    if row["date"] is not None:
        due = f"{due} → {cells.day(row['date'])}"
    reason = cells.words(row["reason"]) if row["reason"] else ""
    said = ": ".join(part for part in (reason, row["text"] or "") if part)
    return (
        str(row["row"]), row["item_id"] or row["line_id"], row["to_location_id"] or DASH,
        WORDS[row["action"]], amount, due, said,
    )  # fmt: skip


def _packed(decisions: pl.DataFrame) -> str:
    """Return decisions as a text that a form carries; what comes back is checked like any other request."""
    rows: Sequence[Any] = decisions.with_columns(pl.col("date").cast(pl.String)).rows()
    return urlsafe_b64encode(zlib.compress(json.dumps(rows).encode())).decode()


def _unpacked(text: str) -> pl.DataFrame:
    """Return the decisions that a form carried; raises InputError for anything that is not such a text."""
    try:
        reader = zlib.decompressobj()
        content = reader.decompress(urlsafe_b64decode(text.encode()), MOST_UNPACKED)
        found = pl.DataFrame(json.loads(content), schema=CARRIED, orient="row", strict=True)
        found = found.with_columns(pl.col("date").str.to_date("%Y-%m-%d"))
        is_whole = (
            found.height and found["action"].is_in(list(WORDS)).all() and not found["line_id"].null_count()
        )
    except (ValueError, TypeError, RecursionError, zlib.error, pl.exceptions.PolarsError):
        is_whole = False
    if not is_whole or found.height > MOST_DECISIONS:
        what = "What was to be confirmed did not arrive whole."
        raise InputError(what, done="Nothing was changed.", remedy="Upload the file again.")
    return found


def _message(done: Decided) -> Notice:
    n, refused = len(done.done) + len(done.submitted), len(done.refused_because)
    waiting = f" {len(done.submitted):,} of them wait for an approver." if done.submitted else ""
    first = "; ".join(f"{line}: {why}" for line, why in list(done.refused_because.items())[:3])
    kind = "good" if not refused else "warn" if n else "bad"
    left = f"{count(refused, 'line')} could not be: {first}" if refused else ""
    return Notice(kind, f"{count(n, 'line')} decided from the file.{waiting}", left)
