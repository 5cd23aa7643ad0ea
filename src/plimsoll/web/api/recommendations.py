"""Recommendations one by one and many at once: accept, change, refuse, take back, approve."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from plimsoll.domain.decisions import Decided, LineRef, Stale
from plimsoll.domain.desk_result import LineView
from plimsoll.domain.listing import Condition, Query
from plimsoll.web.api.answers import (
    Approver,
    Body,
    Day,
    Decider,
    Name,
    Number,
    Reason,
    Seen,
    Short,
    Text,
    Viewer,
    Whole,
    at_of,
    seen,
    tagged,
)
from plimsoll.web.api.route import ApiRoute
from plimsoll.workflows import decide

router = APIRouter(prefix="/recommendations", tags=["recommendations"], route_class=ApiRoute)
LIST, SUMMED, MOST_LINES, CLOSE = "recommendations", "value_eff", 10_000, 0.5
LineId = Annotated[str, Path(max_length=100, examples=["plan-000003-17"])]


class LineSeen(Body):
    """A line and the version that you saw; 0 while nobody has decided on it."""

    line_id: Name
    version: Whole


class Lines(Body):
    """Lines to decide on, with a reason where one is needed."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"lines": [{"line_id": "plan-000003-17", "version": 0}]}}
    )
    lines: list[LineSeen] = Field(min_length=1, max_length=MOST_LINES)
    reason: Reason = ""
    text: Text = ""

    def refs(self) -> list[LineRef]:
        """Return the lines as workflows take them."""
        return [LineRef(each.line_id, each.version) for each in self.lines]


class Matching(Body):
    """All lines that match a filter and are still to be decided.

    `total` is how many you saw; if it is another number now, nothing is accepted. `value`, likewise, is
    their money.
    """

    model_config = ConfigDict(
        json_schema_extra={"example": {"filter": {"abc": "B,C", "value__le": "500"}, "total": 12}}
    )
    filter: dict[Name, Short] = Field(default={}, max_length=40)
    total: Whole
    value: Number | None = None
    reason: Reason = ""
    text: Text = ""


class One(Body):
    """A decision on one line."""

    version: Seen = None
    reason: Reason = ""
    text: Text = ""


class Change(One):
    """Another quantity, another date, or both; what is not given stays."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"version": 0, "quantity": 250, "reason": "customer_news"}}
    )
    quantity: Number | None = None
    date: Day | None = None


class DecidedLine(BaseModel):
    """What became of a decision on one line: `submitted` if it waits for an approver."""

    line_id: str
    status: str
    version: int
    quantity: float | None
    date: date | None
    warning: str


@router.get("/{line_id}", summary="One line with what is behind it")
def one(request: Request, response: Response, line_id: LineId, who: Viewer) -> LineView:
    """Return one line: its row, the numbers behind it, its point, and what happened to it."""
    view: LineView = request.app.state.desk.line(line_id, who)
    tagged(response, view.line.get("version"))
    return view


@router.post("/accept", summary="Accept many lines as proposed")
def accept_many(request: Request, lines: Lines, who: Decider) -> Decided:
    """Accept lines; those that cannot be stand in `refused_because`, the others are accepted all the same."""
    given = {"reason": lines.reason, "text": lines.text}
    return decide.accept(request.app.state.folder, lines.refs(), who, at=at_of(request), **given)


@router.post("/refuse", summary="Refuse many lines")
def refuse_many(request: Request, lines: Lines, who: Decider) -> Decided:
    """Refuse lines, with a reason."""
    given = {"reason": lines.reason, "text": lines.text}
    return decide.refuse(request.app.state.folder, lines.refs(), who, at=at_of(request), **given)


@router.post("/reopen", summary="Take back decisions that were not sent")
def reopen_many(request: Request, lines: Lines, who: Decider) -> Decided:
    """Take decisions back; the lines are proposed again."""
    given = {"reason": lines.reason, "text": lines.text}
    return decide.reopen(request.app.state.folder, lines.refs(), who, at=at_of(request), **given)


@router.post("/approve", summary="Approve many lines that planners submitted")
def approve_many(request: Request, lines: Lines, who: Approver) -> Decided:
    """Approve lines above a planner's limit, with the quantity and date that were set."""
    return decide.approve(request.app.state.folder, lines.refs(), who, at=at_of(request), text=lines.text)


@router.post("/accept-matching", summary="Accept everything that matches a filter")
def accept_matching(request: Request, matching: Matching, who: Decider) -> Decided:
    """Accept all lines under a filter, if they are still those that you saw."""
    state = request.app.state
    asked: Query = state.desk.query(LIST, matching.filter)
    others = tuple(each for each in asked.conditions if each.column != "status")
    query = Query((*others, Condition("status", "", ("proposed",))), asked.text)
    found = state.desk.listing(LIST, query, who)
    value = found.sums.get(SUMMED, 0.0)
    moved = matching.value is not None and abs(value - matching.value) > CLOSE
    if found.total != matching.total or moved:
        what = f"The selection is now {found.total:,} lines worth {value:,.2f}, not what you saw."
        raise Stale(what, done="Nothing was accepted.", remedy="Ask for the list again, then confirm.")
    if not found.total:
        return Decided()
    lines = state.desk.table(LIST, query, who, ["line_id", "version"])
    given = {"reason": matching.reason, "text": matching.text}
    return decide.accept_all(state.folder, lines, who, at=at_of(request), **given)


@router.post("/{line_id}/accept", summary="Accept a line as proposed")
def accept(request: Request, response: Response, line_id: LineId, body: One, who: Decider) -> DecidedLine:
    """Accept one line; above your limit it waits for an approver."""
    refs, given = _refs(request, line_id, body), {"reason": body.reason, "text": body.text}
    done = decide.accept(request.app.state.folder, refs, who, at=at_of(request), **given)
    return _told(request, response, line_id, who, done)


@router.post("/{line_id}/refuse", summary="Refuse a line")
def refuse(request: Request, response: Response, line_id: LineId, body: One, who: Decider) -> DecidedLine:
    """Refuse one line, with a reason."""
    refs, given = _refs(request, line_id, body), {"reason": body.reason, "text": body.text}
    done = decide.refuse(request.app.state.folder, refs, who, at=at_of(request), **given)
    return _told(request, response, line_id, who, done)


@router.post("/{line_id}/reopen", summary="Take back a decision that was not sent")
def reopen(request: Request, response: Response, line_id: LineId, body: One, who: Decider) -> DecidedLine:
    """Take one decision back."""
    refs, given = _refs(request, line_id, body), {"reason": body.reason, "text": body.text}
    done = decide.reopen(request.app.state.folder, refs, who, at=at_of(request), **given)
    return _told(request, response, line_id, who, done)


@router.post("/{line_id}/approve", summary="Approve a line that a planner submitted")
def approve(request: Request, response: Response, line_id: LineId, body: One, who: Approver) -> DecidedLine:
    """Approve one line."""
    refs = _refs(request, line_id, body)
    done = decide.approve(request.app.state.folder, refs, who, at=at_of(request), text=body.text)
    return _told(request, response, line_id, who, done)


@router.post("/{line_id}/change", summary="Accept a line with another quantity or date")
def change(request: Request, response: Response, line_id: LineId, body: Change, who: Decider) -> DecidedLine:
    """Accept one line with another quantity or date, with a reason."""
    (ref,) = _refs(request, line_id, body)
    done = decide.change(
        request.app.state.folder,
        ref,
        who,
        quantity=body.quantity,
        date=body.date,
        reason=body.reason,
        text=body.text,
        at=at_of(request),
    )
    return _told(request, response, line_id, who, done)


def _refs(request: Request, line_id: str, body: One) -> list[LineRef]:
    return [LineRef(line_id, seen(request, body.version))]


def _told(request: Request, response: Response, line_id: str, who: Viewer, done: Decided) -> DecidedLine:
    """Return how a line stands after a decision."""
    line = request.app.state.desk.line(line_id, who).line
    tagged(response, line["version"])
    return DecidedLine(
        line_id=line["line_id"],
        status=line["status"],
        version=line["version"],
        quantity=line["quantity_eff"],
        date=line["date_eff"],
        warning=done.warnings.get(line_id, ""),
    )
