"""The API about itself: whether it lives, what it takes, how it is used; the day, and the search."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from plimsoll import __version__
from plimsoll.domain.decisions import REASONS, STATUSES
from plimsoll.domain.desk_result import Found, TodayView
from plimsoll.domain.exceptions import OUTCOMES
from plimsoll.web.api.answers import Viewer, at_of
from plimsoll.web.api.document import document
from plimsoll.web.api.meter import meter
from plimsoll.web.api.route import ApiRoute
from plimsoll.workflows.doctor import check_log

router = APIRouter(tags=["service"], route_class=ApiRoute)
OPEN: dict[str, Any] = {"security": []}
METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Health(BaseModel):
    """That the server answers; nothing about the company."""

    status: str
    version: str


class Words(BaseModel):
    """Codes and their words: states of a line, reasons, and how exceptions end."""

    statuses: dict[str, str]
    reasons: dict[str, str]
    outcomes: dict[str, str]


class LogChecked(BaseModel):
    """What a check of the log found: whether it is whole, in words, and what to do where it is not."""

    is_whole: bool
    found: str
    remedy: str


@router.get("/health", summary="Whether the server answers; for anybody", openapi_extra=OPEN)
async def health() -> Health:  # on no thread: it answers while all of them are at work
    """Return that the server lives."""
    return Health(status="ok", version=__version__)


@router.get("/openapi.json", include_in_schema=False, openapi_extra=OPEN)
def openapi(request: Request) -> dict[str, Any]:
    """Return what the API takes and answers (OpenAPI 3.1)."""
    return document(request.app)


@router.get(
    "/metrics",
    summary="Counts and times of requests since the server started (Prometheus)",
    response_class=Response,
    responses={200: {"description": "The text", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, who: Viewer) -> Response:
    """Return how much the API is used and how long it takes."""
    return Response(meter(request.app).text(), media_type=METRICS)


@router.get("/words", summary="Codes of states, reasons and outcomes, with their words")
def words(who: Viewer) -> Words:
    """Return the codes that bodies and rows use."""
    return Words(statuses=STATUSES, reasons=REASONS, outcomes=dict(OUTCOMES))


@router.get("/today", summary="What a planner opens the day with")
def today(request: Request, who: Viewer) -> TodayView:
    """Return figures, the twenty exceptions that matter, and what changed."""
    view: TodayView = request.app.state.desk.today(who, at_of(request))
    return view


@router.get("/audit/chain", summary="Whether the log of changes is whole")
def chain(request: Request, who: Viewer) -> LogChecked:
    """Check the seal of every event; of a long log this takes a while."""
    check = check_log(request.app.state.folder, who)
    return LogChecked(is_whole=check.is_sound, found=check.found, remedy=check.remedy)


@router.get("/search", summary="Stocking points, lines, suppliers and exceptions by name")
def search(
    request: Request, who: Viewer, q: Annotated[str, Query(min_length=1, max_length=200)]
) -> list[Found]:
    """Return what the search box finds."""
    return list(request.app.state.desk.search(q, who))
