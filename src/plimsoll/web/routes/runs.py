"""Runs: start a plan and watch it, look at one, compare two."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person
from plimsoll.web import list_pages, lists, runs_pages
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Empty, Link, ListPart
from plimsoll.web.contexts.screens import Progress, ProgressPart, RunsPage
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.lists import Asked, View
from plimsoll.web.pages import is_part, moved, page
from plimsoll.web.security import requires
from plimsoll.workflows import compare, jobs

router = APIRouter(prefix="/runs", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
Starter = Annotated[Person, Depends(requires("start_run"))]
SAYS = "Every plan and what was found with it; the same facts and options give the same result again."
VIEW = View(
    "runs",
    "Runs",
    "/runs",
    (
        Column("run_id", "Run", link="/runs/{run_id}"),
        Column("kind", "Kind", "label"),
        Column("as_of", "Day of knowledge", "date"),
        Column("created_at", "Made", "moment", unit="UTC"),
        Column("status", "Status", "chip"),
        Column("version", "Program"),
        Column("seed", "Seed", "count"),
    ),
    asked=(
        Asked("kind", "Kind"),
        Asked("status", "Status"),
        Asked("as_of__ge", "Known from", "date", more=True),
    ),
    tabs={
        "All": {},
        "Plans": {"kind": "plan"},
        "Exceptions": {"kind": "exceptions"},
        "Learning": {"kind": "learning"},
    },
    empty=Empty("runs", "Nothing was made yet", "Start a plan: it reads what was imported last."),
)
RECENT = 1  # jobs told of: the latest


@router.get("")
def runs(request: Request, who: Viewer) -> Response:
    """Show all runs, with the job under way."""
    made = list_pages.grid(request, VIEW, who, list_pages.question(request, VIEW, ignored=("job",)))
    if is_part(request):
        return lists.keep_columns(VIEW, request, page(request, ListPart(made)))
    plans = _plans(request, who)
    actions = (Link("Compare the last two plans", f"/runs/{plans[0]}/changes"),) if len(plans) > 1 else ()
    shown = RunsPage(SAYS, _latest(request, who), made, actions, who.may("start_run"))
    return lists.keep_columns(VIEW, request, page(request, shown))


@router.post("/start")
def start(request: Request, who: Starter) -> Response:
    """Start a plan; while another is being made, that is refused in words."""
    jobs.start_plan(request.app.state.folder, who, at=request.app.state.clock())
    message = Notice("good", "The plan is being made.", "You can go on working; this page shows where it is.")
    if not is_part(request):
        return moved(request, "/runs", message)
    part = ProgressPart(_latest(request, who), can_start=True)
    return page(request, part, messages=(message,))


@router.get("/progress")
def progress(request: Request, who: Viewer, job: int = 0) -> Response:
    """Show where a job is; the page asks again as long as it runs."""
    state, at = request.app.state, request.app.state.clock()
    found = runs_pages.progress(jobs.job(state.folder, job, who, at=at), at) if job else _latest(request, who)
    answer = page(request, ProgressPart(found, who.may("start_run")))
    if found and not found.is_running and is_part(request):
        answer.headers["HX-Refresh"] = "true"  # the list has a new run, and the frame names another plan
    return answer


@router.get("/compare")
def compare_two(request: Request, who: Viewer, before: str = "", after: str = "") -> Response:
    """Show two plans side by side."""
    found = compare.compare(request.app.state.folder, before, after, who)
    currency = request.app.state.desk.head().currency
    return page(request, runs_pages.compare_page(found, currency, _plans(request, who)))


@router.get("/{run_id}/changes")
def changes(request: Request, run_id: str, who: Viewer) -> Response:
    """Show what changed in a plan since the one before."""
    plans = _plans(request, who)
    if run_id not in plans:
        what = f"There is no plan '{run_id[:80]}'."
        raise Unknown(what, remedy="See the list of runs.")
    earlier = plans[plans.index(run_id) + 1 :]
    if not earlier:
        what = f"{run_id} is the first plan, so there is nothing to compare it with."
        raise Unknown(what, remedy="Make another plan, then look again.")
    return compare_two(request, who, earlier[0], run_id)


@router.get("/{run_id}")
def run(request: Request, run_id: str, who: Viewer) -> Response:
    """Show one run: what it was made of, with which options."""
    found = compare.run_of(request.app.state.folder, run_id, who)
    others = [plan for plan in _plans(request, who) if plan != run_id] if found.kind == compare.PLAN else []
    return page(request, runs_pages.run_page(found, others))


def _latest(request: Request, who: Person) -> Progress | None:
    state, at = request.app.state, request.app.state.clock()
    found = jobs.jobs(state.folder, who, at=at).head(RECENT).to_dicts()
    return runs_pages.progress(found[0], at) if found else None


def _plans(request: Request, who: Person) -> list[str]:
    """Return the plans, the latest day of knowledge first."""
    desk = request.app.state.desk
    asked: Query = desk.query("runs", [("kind", compare.PLAN), ("sort", "-as_of,-created_at")])
    found: list[str] = desk.table("runs", asked, who, ["run_id"])["run_id"].to_list()
    return found
