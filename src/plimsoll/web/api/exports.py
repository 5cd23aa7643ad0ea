"""Out of the door: send what was accepted, see what was sent, fetch the files."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.people import Person
from plimsoll.web.api.answers import Body, Page, Row, Viewer, at_of, page_of
from plimsoll.web.api.lists import FILES, download, first_row
from plimsoll.web.api.route import ApiRoute
from plimsoll.web.security import requires
from plimsoll.workflows import outbox
from plimsoll.workflows.batch_file import batch_file

router = APIRouter(prefix="/exports", tags=["exports"], route_class=ApiRoute)
Sender = Annotated[Person, Depends(requires("export"))]
Deliverer = Annotated[Person, Depends(requires("deliver"))]
BatchId = Annotated[str, Path(max_length=40, examples=["batch-000001"])]
Format = Literal["csv", "xlsx", "json"]
KINDS: dict[str, str] = FILES | {"json": "application/json"}
SHOWN: tuple[Format, ...] = ("csv", "xlsx", "json")


class Wanted(Body):
    """In which formats the files are written."""

    formats: list[Format] = Field(default=list(SHOWN), min_length=1, max_length=3)


class BatchTold(BaseModel):
    """A batch and how its delivery went: by channel the target, and what is still owed with why."""

    batch_id: str
    created_at: datetime
    created_by: str
    n_lines: int
    value: float
    delivered: dict[str, str]
    owed: dict[str, str]


class DeliveryTold(BaseModel):
    """How one delivery stands: pending or done, how often it was tried, what was answered last."""

    channel: str
    target: str
    status: str
    attempts: int
    next_try_at: datetime | None
    last_error: str
    done_at: datetime | None
    sha256: str


class Exported(BaseModel):
    """The batch that was made; none if nothing waited."""

    batch: BatchTold | None


@router.post("", summary="Send every accepted or changed line in your scope")
def export(request: Request, body: Wanted, who: Sender) -> Exported:
    """Make a batch, exactly once; what cannot be delivered now is delivered later."""
    made = outbox.export(request.app.state.folder, who, formats=body.formats, at=at_of(request))
    return Exported(batch=None if made is None else _told(made))


@router.post("/deliver", summary="Try again what is still owed")
def deliver(request: Request, who: Deliverer) -> list[BatchTold]:
    """Deliver what could not be before: the same bytes under the same key."""
    done = outbox.deliver_pending(request.app.state.folder, at=at_of(request), at_once=True)
    return [_told(batch) for batch in done]


@router.post("/{batch_id}/deliver", summary="Try again what is still owed of a batch")
def deliver_one(request: Request, batch_id: BatchId, who: Deliverer) -> BatchTold:
    """Deliver what could not be before: the same bytes under the same key."""
    return _told(outbox.deliver_again(request.app.state.folder, batch_id, who, at=at_of(request)))


@router.get("/{batch_id}/deliveries", summary="How the deliveries of a batch went")
def deliveries(request: Request, batch_id: BatchId, who: Viewer) -> list[DeliveryTold]:
    """Return where the batch went, how often it was tried, and what was answered."""
    found = outbox.deliveries(request.app.state.folder, batch_id, who)
    return [DeliveryTold.model_validate(row) for row in found.to_dicts()]


@router.get("/{batch_id}", summary="One batch")
def one(request: Request, batch_id: BatchId, who: Viewer) -> Row:
    """Return one batch as in the list."""
    row = first_row(request, "exports", who, batch_id=batch_id)
    if row is None:
        what = f"There is no batch '{batch_id}'."
        raise Unknown(what, remedy="A batch is named like batch-000001.")
    return row


@router.get("/{batch_id}/lines", summary="The lines of a batch")
def lines(request: Request, response: Response, batch_id: BatchId, who: Viewer) -> Page:
    """Return the lines of a batch that are in your scope; asked like a list."""
    desk = request.app.state.desk
    one(request, batch_id, who)
    asked = [pair for pair in request.query_params.multi_items() if pair[0] != "batch_id"]
    query = desk.query("decisions", [*asked, ("batch_id", batch_id)])
    return page_of(request, response, desk.listing("decisions", query, who), query)


@router.get(
    "/{batch_id}/file.{ending}",
    summary="A file of a batch, as it was sent",
    response_class=Response,
    responses={
        200: {
            "description": "The file",
            "content": {
                kind.split(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for kind in KINDS.values()
            },
        }
    },
)
def file(request: Request, batch_id: BatchId, ending: Format, who: Viewer) -> Response:
    """Return the file; who sees only a part of the company gets none of a batch that goes beyond it."""
    content = batch_file(request.app.state.folder, batch_id, ending, who)
    return download(content, f"{batch_id}.{ending}", KINDS[ending])


def _told(batch: outbox.Batch) -> BatchTold:
    return BatchTold.model_validate(batch, from_attributes=True)
