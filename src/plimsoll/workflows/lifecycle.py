"""The life cycles of a plan: what may be over, what ends, what is new, and who follows whom."""

from pathlib import Path

from plimsoll.domain.errors import WorkspaceError
from plimsoll.domain.lifecycle_result import SECTIONS, LifecycleResult
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.review import KIND, load_plan


def life_cycles(folder: Path) -> LifecycleResult:
    """Return the life cycles of the plan in force.

    Raises
    ------
    WorkspaceError : there is no plan yet, or it was made by a version that did not tell of life cycles
    """
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run(KIND)
        if run is not None and not set(SECTIONS.values()).issubset(run.tables):
            what = f"{run.id} was made by an earlier version, which did not look at life cycles."
            raise WorkspaceError(what, remedy=f"Run `plimsoll plan {folder}`.")
    return LifecycleResult.of(load_plan(folder))
