"""Key figures: of the records or a replay, by group and period, with the rows behind one."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from plimsoll.domain.kpi_result import KpiResult
from plimsoll.domain.people import Person
from plimsoll.web.api.answers import Day, Row, Viewer, at_of
from plimsoll.web.api.route import ApiRoute
from plimsoll.web.security import requires
from plimsoll.workflows import kpi

router = APIRouter(prefix="/kpis", tags=["kpis"], route_class=ApiRoute)
Starter = Annotated[Person, Depends(requires("start_run"))]
MOST = 1000


class KeyFigures(BaseModel):
    """Key figures of some days by group, the same by period, their definitions, and the rows behind one."""

    run_id: str
    as_of: date | None = None
    currency: str = ""
    by: str = "company"
    source: str = "actual"
    sources: list[str] = []
    first: date | None = None
    last: date | None = None
    figures: list[Row] = []
    trend: list[Row] = []
    definitions: dict[str, Any] = {}
    rows: list[Row] | None = None
    rows_of: str | None = None
    n_rows: int = 0


@router.get("", summary="The key figures of the ledger in force")
def key_figures(
    request: Request,
    who: Viewer,
    by: str = "company",
    source: str = "actual",
    first: Annotated[Day | None, Query(alias="from")] = None,
    last: Annotated[Day | None, Query(alias="to")] = None,
    rows: str = "",
) -> KeyFigures:
    """Return the figures of the points in your scope; without a ledger there are none."""
    asked = kpi.Asked(by=by, source=source, first=first, last=last, rows_of=rows, size=MOST)
    return _told(kpi.load_kpis(request.app.state.folder, who, asked))


@router.post("", summary="Draw the key figures anew")
def draw(request: Request, who: Starter) -> KeyFigures:
    """Draw the ledger anew from what was imported, planned and decided; return the company's figures."""
    state = request.app.state
    kpi.measure_kpis(state.folder, at=at_of(request))
    return _told(kpi.load_kpis(state.folder, who))


def _told(result: KpiResult | None) -> KeyFigures:
    if result is None:
        return KeyFigures(run_id="")
    data = result.as_data()
    return KeyFigures(**{name: data[name] for name in KeyFigures.model_fields})
