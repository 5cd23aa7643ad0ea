"""Learning: what decisions were worth, and what they suggest."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from plimsoll.domain.learning_result import LearningResult
from plimsoll.domain.people import Person
from plimsoll.web.api.answers import Body, Day, Name, Number, Row, Text, Viewer, at_of
from plimsoll.web.api.overrides import OverrideTold
from plimsoll.web.api.route import ApiRoute
from plimsoll.web.security import requires
from plimsoll.workflows import learn

router = APIRouter(prefix="/learning", tags=["learning"], route_class=ApiRoute)
Starter = Annotated[Person, Depends(requires("start_run"))]
Adopter = Annotated[Person, Depends(requires("adopt_suggestion"))]


class Learned(BaseModel):
    """What decisions were worth as known on a day, by group, and the habits found in them."""

    run_id: str
    as_of: date | None
    currency: str
    n_decisions: int
    totals: list[Row]
    suggestions: list[Row]


class Adoption(Body):
    """A suggestion to turn into an override; without a value that suggested."""

    model_config = ConfigDict(json_schema_extra={"example": {"suggestion_id": "S1", "text": "Agreed."}})
    suggestion_id: Name
    value: Number | None = None
    text: Text = ""
    expires_at: Day | None = None


@router.get("", summary="What decisions were worth, and what they suggest")
def learned(request: Request, who: Viewer) -> Learned:
    """Return totals and suggestions of the decisions in your scope."""
    return _told(learn.load_learning(request.app.state.folder, who, at=at_of(request)))


@router.post("", summary="Judge all decisions whose time has passed")
def judge(request: Request, who: Starter) -> Learned:
    """Judge decisions anew, and return what they taught in your scope."""
    state, at = request.app.state, at_of(request)
    learn.learn(state.folder, who, at=at)
    return _told(learn.load_learning(state.folder, who, at=at))


@router.post("/adopt", status_code=201, summary="Turn a suggestion into an override")
def adopt(request: Request, body: Adoption, who: Adopter) -> OverrideTold:
    """Adopt a suggestion; the next plan reads it."""
    given = body.model_dump(exclude={"suggestion_id"})
    done = learn.adopt(request.app.state.folder, body.suggestion_id, who, at=at_of(request), **given)
    return OverrideTold(override=done.override.as_data(), n_rows=done.n_rows)


def _told(result: LearningResult | None) -> Learned:
    if result is None:
        return Learned(run_id="", as_of=None, currency="", n_decisions=0, totals=[], suggestions=[])
    return Learned(
        run_id=result.run_id,
        as_of=result.as_of,
        currency=result.currency,
        n_decisions=result["outcome"].height,
        totals=result["outcome_total"].to_dicts(),
        suggestions=result["suggestion"].to_dicts(),
    )
