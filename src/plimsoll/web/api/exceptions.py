"""Exceptions: what needs a person, its parts, and how people work it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.people import Person
from plimsoll.web.api.answers import (
    Body,
    Day,
    Row,
    Seen,
    Short,
    Text,
    Viewer,
    Yes,
    at_of,
    seen,
    tagged,
)
from plimsoll.web.api.lists import first_row
from plimsoll.web.api.route import ApiRoute
from plimsoll.web.security import requires
from plimsoll.workflows.attention import work_exception
from plimsoll.workflows.exception_parts import exception_parts

router = APIRouter(prefix="/exceptions", tags=["exceptions"], route_class=ApiRoute)
Worker = Annotated[Person, Depends(requires("work_exception"))]
ExceptionId = Annotated[str, Path(max_length=300, examples=["late_supply:SUP-07"])]


class ExceptionTold(BaseModel):
    """An exception as in the list, and the points and orders behind it, most money first."""

    exception: Row
    parts: list[Row]


class Work(Body):
    """What to do with an exception; what is not named stays as it is.

    `closed` is how it ended: acted, materialised, did_not_materialise or not_needed.
    """

    model_config = ConfigDict(json_schema_extra={"example": {"version": 0, "owner": "kim"}})
    version: Seen = None
    owner: Short | None = Field(default=None, description="Who looks after it; empty for nobody")
    due: Day | None = None
    snooze_until: Day | None = None
    closed: Short | None = None
    text: Text | None = None
    reopen: Yes = False


@router.get("/{exception_id:path}", summary="One exception with its parts")
def one(request: Request, response: Response, exception_id: ExceptionId, who: Viewer) -> ExceptionTold:
    """Return one exception, as far as it is in your scope."""
    return _told(request, response, exception_id, who)


@router.patch("/{exception_id:path}", summary="Own, snooze, close or reopen an exception")
def work(
    request: Request, response: Response, exception_id: ExceptionId, body: Work, who: Worker
) -> ExceptionTold:
    """Say who works an exception, until when it may wait, or how it ended."""
    version = seen(request, body.version)
    work_exception(
        request.app.state.folder,
        exception_id,
        who,
        version=version,
        at=at_of(request),
        owner=body.owner,
        due=body.due,
        snooze_until=body.snooze_until,
        closed=body.closed,
        text=body.text,
        reopen=body.reopen,
    )
    return _told(request, response, exception_id, who)


def _told(request: Request, response: Response, exception_id: str, who: Person) -> ExceptionTold:
    row = first_row(request, "exceptions", who, exception_id=exception_id)
    if row is None:
        what = f"There is no exception '{exception_id[:80]}' today, or none that you may see."
        raise Unknown(what, remedy="Ask for the list of exceptions.")
    tagged(response, row["version"])
    parts = exception_parts(request.app.state.folder, exception_id, who)
    return ExceptionTold(exception=row, parts=parts.to_dicts())
