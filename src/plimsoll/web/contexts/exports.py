"""What the page of exports receives."""

from dataclasses import dataclass
from typing import ClassVar

from plimsoll.web.contexts.lists import Grid
from plimsoll.web.contexts.shell import Context


@dataclass(frozen=True, slots=True)
class ExportsPage(Context):
    """What waits to leave, and the batches that left; `waits` says in words what the next one would hold."""

    template: ClassVar[str] = "exports/page.html"
    says: str
    n_waiting: int
    waits: str
    waiting_href: str
    can_send: bool
    grid: Grid
