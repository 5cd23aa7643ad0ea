"""What a pilot that runs keeps from being sent."""

from datetime import date

from plimsoll.store import pilots
from plimsoll.store.workspace import Workspace


def held_items(workspace: Workspace, day: date) -> list[str]:
    """Return the items of which nothing is sent on a day because of a pilot that runs; none without one.

    Before recommendations are sent those of fence and control group, from then on those of the control
    group until the last day: what it is ordered by must stay as it always was.
    """
    one = pilots.last_pilot(workspace)
    phase = one.phase(day) if one is not None and one.status == "running" else ""
    if one is None or phase not in ("audit", "shadow", "recommend", "measure"):
        return []
    rows = workspace.result_rows("pilot_fence", one.fence_run, ["role", "item_id"])
    if phase in ("recommend", "measure"):
        rows = rows.filter(role="control")
    return rows["item_id"].to_list()
