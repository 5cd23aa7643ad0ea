"""Overrides: values that people set over the computed ones; set, try, see, withdraw."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.overrides import Kind, Override
from plimsoll.domain.people import Person
from plimsoll.web.api.answers import Body, Day, Name, Number, Reason, Row, Text, Viewer, at_of
from plimsoll.web.api.lists import first_row
from plimsoll.web.api.route import ApiRoute
from plimsoll.web.security import requires
from plimsoll.workflows import overrides
from plimsoll.workflows.explain import WhatIf

router = APIRouter(prefix="/overrides", tags=["overrides"], route_class=ApiRoute)
Overrider = Annotated[Person, Depends(requires("override"))]
OverrideId = Annotated[str, Path(max_length=40, examples=["O7"])]


class NewOverride(Body):
    """A value to set over the computed one, for all points or lanes in its scope."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "lead_time",
                "field": "days",
                "value": 45,
                "from_location_id": "ACME",
                "reason": "supplier_news",
            }
        }
    )
    kind: Kind
    field: Name
    value: StrictBool | Number | Name
    item_id: Name | None = None
    location_id: Name | None = None
    from_location_id: Name | None = None
    category: Name | None = None
    start: Day | None = Field(default=None, description="First day of demand that a forecast is about")
    end: Day | None = Field(default=None, description="Last day of demand that a forecast is about")
    expires_at: Day | None = Field(default=None, description="Last day on which it counts")
    reason: Reason = ""
    text: Text = ""

    def as_override(self) -> Override:
        """Return it as workflows take it."""
        given = self.model_dump(exclude={"reason", "text"})
        return Override(**given, reason_code=self.reason, reason_text=self.text)


class Withdrawal(Body):
    """Why an override is taken out of force."""

    reason: Text


class OverrideTold(BaseModel):
    """An override as recorded; `n_rows` is the number of points or lanes in its scope."""

    override: dict[str, Any]
    n_rows: int | None = None


@router.post("", status_code=201, summary="Set a value over the computed one")
def set_one(request: Request, body: NewOverride, who: Overrider) -> OverrideTold:
    """Put an override in force from the next plan on."""
    done = overrides.set_override(request.app.state.folder, body.as_override(), who, at=at_of(request))
    return OverrideTold(override=done.override.as_data(), n_rows=done.n_rows)


@router.post("/try", summary="What an override would do at one point, without setting it")
def try_one(request: Request, body: NewOverride, who: Viewer) -> WhatIf:
    """Return the policy of one item at one location before and after."""
    return overrides.try_override(request.app.state.folder, body.as_override(), who, at=at_of(request))


@router.get("/{override_id}", summary="One override")
def one(request: Request, override_id: OverrideId, who: Viewer) -> Row:
    """Return one override as in the list."""
    row = first_row(request, "overrides", who, override_id=override_id)
    if row is None:
        what = f"There is no override '{override_id}', or none that you may see."
        raise Unknown(what, remedy="Ask for the list of overrides.")
    return row


@router.post("/{override_id}/withdraw", summary="Take an override out of force")
def withdraw(request: Request, override_id: OverrideId, body: Withdrawal, who: Overrider) -> OverrideTold:
    """Withdraw an override: the next plan computes the value again."""
    done = overrides.withdraw_override(
        request.app.state.folder, override_id, who, at=at_of(request), reason=body.reason
    )
    return OverrideTold(override=done.as_data())
