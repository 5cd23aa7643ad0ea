"""What the page Today receives."""

from dataclasses import dataclass
from typing import ClassVar

from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.shell import Context


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure that leads to the rows it counts: its name, figure and unit, a line of words, the address."""

    name: str
    figure: str
    unit: str
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class Part:
    """A point or order that an exception concerns."""

    item: str
    place: str
    note: str
    money: str
    href: str


@dataclass(frozen=True, slots=True)
class Card:
    """One exception: what is wrong, what it costs, what to do, who looks after it."""

    id: str
    rank: int
    kind: str
    title: str
    sentence: str
    action: str
    money: str
    probability: str
    status: str
    owner: str
    due: str
    until: str
    version: int
    is_mine: bool
    concerns: str
    parts: tuple[Part, ...]
    n_more: int
    lines: Link | None


@dataclass(frozen=True, slots=True)
class Change:
    """What changed at a stocking point since the plan before."""

    item: str
    place: str
    words: str
    money: str
    href: str


@dataclass(frozen=True, slots=True)
class Work:
    """Something under way or waiting to leave: words, status code, detail, address."""

    words: str
    status: str
    detail: str
    href: str


@dataclass(frozen=True, slots=True)
class TodayPage(Context):
    """The day at a glance."""

    template: ClassVar[str] = "today/page.html"
    heading: str
    says: str
    age: str
    tiles: tuple[Tile, ...]
    cards: tuple[Card, ...]
    n_exceptions: int
    exceptions_missing: str
    news: tuple[Link, ...]
    changes: tuple[Change, ...]
    work: tuple[Work, ...]
    counts: tuple[Tile, ...]
    can_work: bool
    outcomes: tuple[tuple[str, str], ...]
    pauses: tuple[tuple[str, str], ...]
    has_plan: bool


@dataclass(frozen=True, slots=True)
class CardPart(Context):
    """One exception alone after somebody worked it; None where it has left the page."""

    template: ClassVar[str] = "today/card.html"
    card: Card | None
    can_work: bool
    outcomes: tuple[tuple[str, str], ...]
    pauses: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FoundPart(Context):
    """Answers to the search box."""

    template: ClassVar[str] = "found.html"
    text: str
    answers: tuple[Link, ...]
