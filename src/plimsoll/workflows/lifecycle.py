"""The life cycles of a plan: what may be over, what ends, what is new, and who follows whom."""

from pathlib import Path

from plimsoll.domain.lifecycle_result import LifecycleResult
from plimsoll.workflows.review import load_plan


def life_cycles(folder: Path) -> LifecycleResult:
    """Return the life cycles of the plan in force.

    Raises
    ------
    WorkspaceError : there is no plan yet
    """
    return LifecycleResult.of(load_plan(folder))
