"""Runs: start a plan in the background, watch it, see what was published."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.people import Person
from plimsoll.web.api.answers import MOST, Row, Viewer, at_of
from plimsoll.web.api.lists import first_row
from plimsoll.web.api.route import ApiRoute
from plimsoll.web.security import requires
from plimsoll.workflows import compare, jobs

router = APIRouter(tags=["runs"], route_class=ApiRoute)
Starter = Annotated[Person, Depends(requires("start_run"))]
RunId = Annotated[str, Path(max_length=60, examples=["plan-000003"])]
RunAsked = Annotated[str, Query(min_length=1, max_length=60, examples=["plan-000003"])]
MOST_CHANGES = 500
JobId = Annotated[int, Path(ge=1, le=MOST)]


class Pair(BaseModel):
    """A value in two plans."""

    before: Any
    after: Any


class Compared(BaseModel):
    """Two plans side by side: figures, the points that changed most, facts and options that differ."""

    before: str
    after: str
    figures: dict[str, Pair]
    changes: list[Row]
    n_changes: int
    facts: list[str]
    options: dict[str, Pair]


class Started(BaseModel):
    """A plan that is being made; ask `/jobs/{job_id}` how far it is."""

    job_id: int


@router.post("/runs", status_code=202, summary="Start a plan in the background")
def start(request: Request, response: Response, who: Starter) -> Started:
    """Start a plan; refused while another is being made."""
    job_id = jobs.start_plan(request.app.state.folder, who, at=at_of(request))
    response.headers["Location"] = f"/api/v1/jobs/{job_id}"
    return Started(job_id=job_id)


@router.get("/runs/compare", summary="What lies between two plans")
def compared(request: Request, before: RunAsked, after: RunAsked, who: Viewer) -> Compared:
    """Return figures, points, facts and options that differ between two plans, in your scope."""
    found = compare.compare(request.app.state.folder, before, after, who)
    return Compared(
        before=found.before.id,
        after=found.after.id,
        figures={name: Pair(before=old, after=new) for name, (old, new) in found.figures.items()},
        changes=found.changes.head(MOST_CHANGES).to_dicts(),
        n_changes=found.changes.height,
        facts=list(found.facts),
        options={name: Pair(before=old, after=new) for name, (old, new) in found.options.items()},
    )


@router.get("/runs/{run_id}", summary="One run")
def one(request: Request, run_id: RunId, who: Viewer) -> Row:
    """Return one run as in the list."""
    row = first_row(request, "runs", who, run_id=run_id)
    if row is None:
        what = f"There is no run '{run_id}'."
        raise Unknown(what, remedy="Ask for the list of runs.")
    return row


@router.get("/jobs/{job_id}", summary="How far a plan in the making is")
def job(request: Request, job_id: JobId, who: Viewer) -> Row:
    """Return one job: its status, its step and how it ended."""
    return jobs.job(request.app.state.folder, job_id, who, at=at_of(request))
