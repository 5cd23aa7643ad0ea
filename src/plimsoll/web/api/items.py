"""One stocking point or supplier: all that is known of it, and what another target would cost."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from plimsoll.domain.desk_result import ItemView
from plimsoll.web.api.answers import Row, Viewer
from plimsoll.web.api.route import ApiRoute
from plimsoll.workflows.desk_supplier import SupplierView

# Codes of items may hold slashes, so they come as parameters and not as parts of the path.
router = APIRouter(tags=["items"], route_class=ApiRoute)
ItemId = Annotated[str, Query(min_length=1, max_length=300, examples=["A-100"])]
SupplierName = Annotated[str, Query(min_length=1, max_length=300, examples=["ACME"])]
LocationId = Annotated[str, Query(min_length=1, max_length=300, examples=["DC1"])]


@router.get("/item", summary="An item at a location: history, forecast, stock ahead, waterfalls, rows")
def one(request: Request, item_id: ItemId, location_id: LocationId, who: Viewer) -> ItemView:
    """Return all that is known of a stocking point."""
    view: ItemView = request.app.state.desk.item(item_id, location_id, who)
    return view


@router.get("/item/alternatives", summary="What other service targets would cost there")
def alternatives(request: Request, item_id: ItemId, location_id: LocationId, who: Viewer) -> list[Row]:
    """Return a row a service target, sized on the spot; takes about a second."""
    found: list[Row] = request.app.state.desk.alternatives(item_id, location_id, who)
    return found


@router.get("/supplier", summary="One supplier: scorecard, lateness, lead times by month")
def supplier(request: Request, name: SupplierName, who: Viewer) -> SupplierView:
    """Return what the plan knows of a supplier; its lanes and open orders are lists."""
    view: SupplierView = request.app.state.desk.supplier(name, who)
    return view


@router.get("/item/network", summary="The network of an item: what is held where, and why")
def network(request: Request, item_id: ItemId, who: Viewer) -> list[Row]:
    """Return the places of an item in the order in which they feed each other."""
    found: list[Row] = request.app.state.desk.network(item_id, who).lines.to_dicts()
    return found
