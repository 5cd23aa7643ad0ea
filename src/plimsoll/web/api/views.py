"""Saved views: a list's filter and order under a name."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from plimsoll.domain.people import Person
from plimsoll.domain.views import NewView as Asked
from plimsoll.domain.views import View
from plimsoll.web.api.answers import MOST, Body, Name, Viewer, Yes, at_of
from plimsoll.web.api.route import ApiRoute
from plimsoll.web.security import requires
from plimsoll.workflows import views

router = APIRouter(prefix="/views", tags=["views"], route_class=ApiRoute)
Keeper = Annotated[Person, Depends(requires("save_view"))]
ViewId = Annotated[int, Path(ge=1, le=MOST)]


class NewView(Body):
    """A list's question to keep under a name; one of yours with that name is replaced."""

    list_name: Name = Field(examples=["recommendations"])
    name: Name = Field(max_length=100, examples=["Mine above 1,000"])
    query: str = Field(max_length=4000, pattern=r"^[^\x00]*$", examples=["?abc=A&value__ge=1000"])
    shared: Yes = Field(default=False, description="Whether everybody may use it")


@router.get("", summary="Your saved views and those that others share")
def known(request: Request, who: Viewer, list_name: Annotated[str, Query(max_length=60)] = "") -> list[View]:
    """Return views, of one list or of all."""
    return views.views(request.app.state.folder, who, list_name=list_name)


@router.post("", status_code=201, summary="Keep a list's filter and order under a name")
def save(request: Request, body: NewView, who: Keeper) -> View:
    """Keep a view; its question must be one that the list understands."""
    state = request.app.state
    query = views.question(body.query, state.desk.columns(body.list_name))
    view = Asked(body.list_name, body.name, query.url(), shared=body.shared)
    return views.save_view(state.folder, view, who, at=at_of(request))


@router.delete("/{view_id}", status_code=204, summary="Forget a view of yours")
def forget(request: Request, view_id: ViewId, who: Keeper) -> Response:
    """Forget a view."""
    views.forget_view(request.app.state.folder, view_id, who, at=at_of(request))
    return Response(status_code=204)
