"""What the pages of exports receive."""

from dataclasses import dataclass
from typing import ClassVar

from plimsoll.web.contexts.lists import Grid, Link
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


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery of a batch: where it went, its status, what was answered, and when."""

    channel: str
    target: str
    status: str
    tried: str
    answer: str
    when: str


@dataclass(frozen=True, slots=True)
class BatchPage(Context):
    """One batch: its figures, files, deliveries and lines; `may_retry` where something is owed."""

    template: ClassVar[str] = "exports/batch.html"
    batch_id: str
    status: str
    says: str
    files: tuple[Link, ...]
    deliveries: tuple[DeliveryRow, ...]
    may_retry: bool
    lines: Grid
