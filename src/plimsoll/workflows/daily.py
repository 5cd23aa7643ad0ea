"""The morning's work in its order: what arrived, the plan, its exceptions, what is accepted by rule."""

from datetime import date, datetime
from pathlib import Path

from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import PlanResult
from plimsoll.workflows.acceptance import accept_by_rule
from plimsoll.workflows.attention import find_exceptions
from plimsoll.workflows.outbox import mark_received
from plimsoll.workflows.plan import make_plan


def run_day(
    folder: Path,
    *,
    as_of: date | None = None,
    seed: int | None = None,
    at: datetime,
    progress: Progress = silent,
) -> PlanResult:
    """Make a plan and all that follows from it, and return the plan.

    Parameters are those of `plan.make_plan`. A plan that nobody but rules has to look at is the same plan:
    nothing here changes its tables.
    """
    mark_received(folder, at=at)
    result = make_plan(folder, as_of=as_of, seed=seed, at=at, progress=progress)
    find_exceptions(folder, at=at)
    accept_by_rule(folder, at=at)
    return result
