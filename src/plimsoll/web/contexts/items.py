"""What the pages about one stocking point receive."""

from dataclasses import dataclass
from typing import Any, ClassVar

from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.shell import Context
from plimsoll.web.contexts.today import Tile

Spec = dict[str, Any]
Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """Where in its list the item stands, as text, with the addresses of that list and of its neighbours."""

    place: str
    href: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Spot:
    """One place of the item: name, address, whether it is this one, how its stock stands."""

    name: str
    href: str
    current: bool
    health: str


@dataclass(frozen=True, slots=True)
class Todo:
    """A line of today at this point: what it says, its money, status and address."""

    words: str
    sentence: str
    money: str
    status: str
    href: str


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A value as computed, set and in force; `who` set it, `why` and `until` when; addresses "" where none.

    `news` tells that what people did is not in the plan yet.
    """

    name: str
    unit: str
    computed: str
    set: str
    effective: str
    is_set: bool
    who: str
    why: str
    until: str
    news: str
    change: str
    clear: str


@dataclass(frozen=True, slots=True)
class Table:
    """A small table: heads, whether each is of numbers, rows of texts; `links` leads from the first cells."""

    heads: Cells
    numbers: tuple[bool, ...]
    rows: tuple[Cells, ...]
    links: Cells = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the drawing of the network, in units of the drawing."""

    x: int
    y: int
    name: str
    words: str
    href: str
    css: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """A way from place to place; `path` is of an SVG path, the words stand at x, y."""

    path: str
    words: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """The places that this one gets from and gives to."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that people or rules did here: when, who, what, why."""

    when: str
    who: str
    what: str
    why: str
    href: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A doubt about the data of this point."""

    severity: str
    words: str
    detail: str
    money: str
    href: str


@dataclass(frozen=True, slots=True)
class ItemPage(Context):
    """Everything about one stocking point."""

    template: ClassVar[str] = "items/page.html"
    item: str
    place: str
    description: str
    facts: tuple[tuple[str, str], ...]
    health: str
    order_status: str
    left_out: str
    beside: Beside | None
    spots: tuple[Spot, ...]
    exceptions: tuple[Link, ...]
    tiles: tuple[Tile, ...]
    todo: tuple[Todo, ...]
    nothing_to_do: str
    demand: Spec | None
    stock: Spec | None
    level: Spec | None
    order: Spec | None
    change: Spec | None
    change_words: str
    values: tuple[ValueRow, ...]
    can_set: bool
    set_href: str
    others_href: str
    lead_time: Spec | None
    lead_time_words: str
    open_orders: Table
    receipts: Table
    drawing: Drawing
    findings: tuple[Finding, ...]
    readiness: str
    readiness_words: str
    events: tuple[Event, ...]
    log_href: str


@dataclass(frozen=True, slots=True)
class OthersPart(Context):
    """What other service targets would cost here."""

    template: ClassVar[str] = "items/others.html"
    chart: Spec
    table: Table
    current: str
    words: str


@dataclass(frozen=True, slots=True)
class OthersPage(Context):
    """The same as a page, for browsers without scripts."""

    template: ClassVar[str] = "items/others_page.html"
    others: OthersPart
    back: Link


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that can be set: its code kind.field, words and unit."""

    code: str
    words: str
    unit: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What a value would do here: name, value in force, before, after and difference of each figure.

    `has_own_road` : whether the figures in force differ from those before, so that both are shown; `words`
    say how it was sized, and what the difference is.
    """

    rows: tuple[tuple[str, str, str, str, str], ...]
    has_own_road: bool
    words: str


@dataclass(frozen=True, slots=True)
class SetPart(Context):
    """The form in which a value is set over the computed one; `given` is what was typed."""

    template: ClassVar[str] = "items/set.html"
    item: str
    place: str
    back: str
    choices: tuple[Choice, ...]
    reaches: tuple[tuple[str, str], ...]
    reasons: tuple[tuple[str, str], ...]
    given: dict[str, str]
    now: str
    wrong: str
    trial: Trial | None


@dataclass(frozen=True, slots=True)
class SetPage(Context):
    """The same form as a page."""

    template: ClassVar[str] = "items/set_page.html"
    form: SetPart


@dataclass(frozen=True, slots=True)
class ClearPart(Context):
    """Before a value set by a person is taken away: which, by whom, why; the next plan computes it again."""

    template: ClassVar[str] = "items/clear.html"
    override_id: str
    words: str
    who: str
    why: str
    back: str
    wrong: str


@dataclass(frozen=True, slots=True)
class ClearPage(Context):
    """The same question as a page."""

    template: ClassVar[str] = "items/clear_page.html"
    form: ClearPart
