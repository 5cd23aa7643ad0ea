"""What the page of one exception receives."""

from dataclasses import dataclass
from typing import ClassVar

from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.shell import Context
from plimsoll.web.contexts.today import Part, Tile


@dataclass(frozen=True, slots=True)
class ExceptionPage(Context):
    """One exception in full, with what can be done about it.

    `pauses` are offered days as words and day; `told` are its events, latest first, as
    moment, words and why.
    """

    template: ClassVar[str] = "exceptions/page.html"
    id: str
    version: int
    title: str
    kind: str
    meaning: str
    status: str
    sentence: str
    action: str
    tiles: tuple[Tile, ...]
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    n_more: int
    lines: Link | None
    subject: Link | None
    owner: str
    is_mine: bool
    due: str
    ended: str
    note: str
    told: tuple[tuple[str, str, str], ...]
    can_work: bool
    outcomes: tuple[tuple[str, str], ...]
    pauses: tuple[tuple[str, str], ...]
    back: str
