"""Any list as a file, in the selection and order that the page shows; and some lists back from files."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from plimsoll.domain.decisions import Decided
from plimsoll.domain.errors import InputError
from plimsoll.domain.people import Person
from plimsoll.present.numbers import DASH, count
from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.screens import PreviewPage, UploadPage
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.forms import Fields, fields
from plimsoll.web.lists import OWN
from plimsoll.web.pages import moved, page
from plimsoll.web.read_back import MOST_PACKED, READ_BACK, ReadBack, found_in, packed, unpacked
from plimsoll.web.security import door, requires, upload_limit
from plimsoll.workflows.lists_in_files import MOST_BYTES, Proposed

router = APIRouter(prefix="/files", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
Form = Annotated[Fields, Depends(fields)]
KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SHOWN = 50  # rows of a preview
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


def _offer(each: ReadBack) -> None:
    """Add the pages on which a list is read back: asked for, looked over, done."""
    needed = requires(each.action)

    def ask(request: Request, who: Annotated[Person, Depends(needed)]) -> Response:
        return page(request, _upload(request, each))

    def preview(
        request: Request, who: Annotated[Person, Depends(needed)], file: Annotated[Upload, Depends(uploaded)]
    ) -> Response:
        try:
            found = found_in(each, request.app, file.content, file.name, who)
        except InputError as error:
            return page(request, _upload(request, each, error), status=422)
        return page(request, _preview(request.app, each, who, file.name, found))

    def confirm(request: Request, who: Annotated[Person, Depends(needed)], form: Form) -> Response:
        asked = unpacked(each, form.text("decisions", MOST_PACKED))
        return moved(request, each.href, _message(each, each.do(request.app, asked, who)))

    router.add_api_route(f"/upload{each.path}", ask, methods=["GET"])
    router.add_api_route(f"/upload{each.path}", preview, methods=["POST"], max_body_size=BODY)
    router.add_api_route(
        f"/confirm{each.path}", confirm, methods=["POST"], max_body_size=MOST_PACKED + 100_000
    )


for _each in READ_BACK:
    _offer(_each)


@router.get("/{name}.{ending}")
def download(request: Request, name: str, ending: str, who: Viewer) -> Response:
    """Send a list as a file that can be edited and read back."""
    desk = request.app.state.desk
    query = desk.query(name, request.query_params.multi_items(), ignored=OWN)
    content = desk.export(name, query, who, ending=ending)
    run = desk.head().run_id or "no-plan"
    headers = {"Content-Disposition": f'attachment; filename="{name}-{run}.{ending}"'}
    return Response(content, headers=headers, media_type=KINDS[ending])


def _upload(request: Request, each: ReadBack, error: InputError | None = None) -> UploadPage:
    return UploadPage(
        title=each.title,
        back=Link(each.name.capitalize(), each.href),
        action=f"/files/upload{each.path}",
        downloads=tuple(
            Link(words, f"/files/{each.name}.{ending}{each.filtered}")
            for words, ending in (("Excel", "xlsx"), ("CSV", "csv"))
        ),
        steps=each.steps,
        longest_mb=upload_limit(door(request)) / 1e6,
        error=error.what if error else "",
        remedy=error.remedy if error else "",
    )


def _preview(app: FastAPI, each: ReadBack, who: Person, name: str, found: Proposed) -> PreviewPage:
    asked, problems = found.decisions, found.problems
    by_action = dict(asked.group_by("action").len().rows())
    rest, wrong = asked.height - SHOWN, problems.height - SHOWN
    return PreviewPage(
        file=name[-80:],
        says=f"{count(found.n_rows, 'row')} read: {asked.height:,} to be done, "
        f"{found.n_same:,} as they are, {problems.height:,} that cannot be followed. Nothing is done yet.",
        back=each.href,
        again=f"/files/upload{each.path}",
        confirm=f"/files/confirm{each.path}",
        counts=tuple(
            (words, f"{by_action[code]:,}") for code, words in each.words.items() if code in by_action
        ),
        heads=each.heads,
        asked=tuple(each.shown(app, asked.head(SHOWN), who)),
        more_asked=f"and {rest:,} more" if rest > 0 else "",
        problems=tuple((str(row), key or DASH, why) for row, key, why in problems.head(SHOWN).rows()),
        more_problems=f"and {wrong:,} more" if wrong > 0 else "",
        packed=packed(asked) if asked.height else "",
    )


def _message(each: ReadBack, done: Decided) -> Notice:
    n, refused = len(done.done) + len(done.submitted), len(done.refused_because)
    waiting = f" {len(done.submitted):,} of them wait for an approver." if done.submitted else ""
    first = "; ".join(f"{key}: {why}" for key, why in list(done.refused_because.items())[:3])
    kind = "good" if not refused else "warn" if n else "bad"
    noun, did = each.of_what
    left = f"{count(refused, noun)} could not be: {first}" if refused else ""
    return Notice(kind, f"{count(n, noun)} {did}.{waiting}", left)
