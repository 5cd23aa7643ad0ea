"""Options in force, and acceptance by rule with its switch."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import AwareDatetime, BeforeValidator, ConfigDict, JsonValue

from plimsoll.domain.people import Person
from plimsoll.web.api.answers import Body, Text, Viewer, at_of
from plimsoll.web.api.route import ApiRoute
from plimsoll.web.security import requires
from plimsoll.workflows import acceptance, options
from plimsoll.workflows.options import Option

router = APIRouter(tags=["settings"], route_class=ApiRoute)
Setter = Annotated[Person, Depends(requires("set"))]
Stopper = Annotated[Person, Depends(requires("stop_automatic"))]
Part = Annotated[str, Path(max_length=60)]


def _written(value: object) -> object:
    if not (isinstance(value, str) and "T" in value):  # bare numbers are seconds to some, and days to others
        what = "should be a moment written as 2026-11-30T08:15:00Z"
        raise ValueError(what)
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]


class NewValue(Body):
    """A value to set over the settings file, until it expires or another is set."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"value": 5000, "reason": "Agreed with finance on 3 May"}}
    )
    value: JsonValue
    reason: Text
    expires_at: Moment | None = None


class Why(Body):
    """Why it is done."""

    reason: Text


@router.get("/settings", summary="Every option in force, with its meaning and where it comes from")
def known(request: Request, who: Viewer) -> list[Option]:
    """Return all options."""
    return options.options(request.app.state.folder, who, at=at_of(request))


@router.put("/settings/{section}/{name}", summary="Set an option over the settings file")
def set_one(request: Request, section: Part, name: Part, body: NewValue, who: Setter) -> Option:
    """Set one option, with a reason."""
    given: dict[str, Any] = {"reason": body.reason, "expires_at": body.expires_at}
    return options.set_option(
        request.app.state.folder, section, name, body.value, who, at=at_of(request), **given
    )


@router.post("/settings/{section}/{name}/reset", summary="Put an option back to what the settings file says")
def reset(request: Request, section: Part, name: Part, body: Why, who: Setter) -> Option:
    """Take back what people set, with a reason."""
    return options.put_back(
        request.app.state.folder, section, name, who, reason=body.reason, at=at_of(request)
    )


@router.post("/automatic/stop", status_code=204, summary="Stop acceptance by rule at once")
def stop(request: Request, body: Why, who: Stopper) -> Response:
    """Stop acceptance by rule, also one that is under way."""
    acceptance.stop_automatic(request.app.state.folder, who, reason=body.reason, at=at_of(request))
    return Response(status_code=204)


@router.post("/automatic/start", status_code=204, summary="Let acceptance by rule go on")
def start(request: Request, body: Why, who: Setter) -> Response:
    """Let acceptance by rule go on after the next plan."""
    acceptance.start_automatic(request.app.state.folder, who, reason=body.reason, at=at_of(request))
    return Response(status_code=204)
