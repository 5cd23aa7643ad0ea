"""What the pages of recommendations receive."""

from dataclasses import dataclass
from typing import Any, ClassVar

from markupsafe import Markup

from plimsoll.web.contexts.lists import Grid, Line
from plimsoll.web.contexts.shell import Context

Reasons = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that can be done with a line: its name, words, key and icon; `asks` opens a form first."""

    name: str
    words: str
    key: str
    icon: str
    asks: bool = False


@dataclass(frozen=True, slots=True)
class LineMore:
    """What a row knows beside its cells: version read, value for the totals, the buttons there are for it."""

    line_id: str
    version: int
    item: str
    value: float
    buttons: Markup
    told: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One line in full: `row` as of the list; `charts` are as of macros/chart.html."""

    line_id: str
    row: dict[str, Any]
    version: int
    heading: str
    figures: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    charts: tuple[dict[str, Any], ...]
    events: tuple[tuple[str, str, str], ...]
    deeds: tuple[Deed, ...]
    item_href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class RecommendationsPart(Context):
    """The list alone: `n_pickable` lines of it wait for a decision, `accept_all` asks about all of them.

    `back` is the list's address as it stands.
    """

    template: ClassVar[str] = "recommendations/part.html"
    grid: Grid
    can_decide: bool
    n_pickable: int
    accept_all: str
    back: str


@dataclass(frozen=True, slots=True)
class RecommendationsPage(Context):
    """The worklist, with the panel of one line where one is open."""

    template: ClassVar[str] = "recommendations/page.html"
    says: str
    work: RecommendationsPart
    panel: Panel | None
    reasons: Reasons


@dataclass(frozen=True, slots=True)
class RowPart(Context):
    """One row after a decision; `n_columns` is the table's width."""

    template: ClassVar[str] = "recommendations/row.html"
    row: Line
    n_columns: int


@dataclass(frozen=True, slots=True)
class PanelPart(Context):
    """The panel alone."""

    template: ClassVar[str] = "recommendations/panel.html"
    panel: Panel


@dataclass(frozen=True, slots=True)
class EditPart(Context):
    """The form in which a line is changed or refused: under its row, or as a page of its own."""

    template: ClassVar[str] = "recommendations/edit.html"
    deed: str
    line_id: str
    version: int
    row: dict[str, Any]
    quantity: str
    day: str
    reasons: Reasons
    reason: str
    text: str
    wrong: str
    can_set_quantity: bool
    n_columns: int
    back: str


@dataclass(frozen=True, slots=True)
class EditPage(Context):
    """The same form as a page, for browsers without scripts."""

    template: ClassVar[str] = "recommendations/edit_page.html"
    edit: EditPart


@dataclass(frozen=True, slots=True)
class ConfirmAll(Context):
    """Before everything that matches is accepted: how many lines, what they are worth, of which kinds."""

    template: ClassVar[str] = "recommendations/confirm.html"
    n: int
    value: str
    kinds: tuple[tuple[str, str], ...]
    query: str
    value_told: str
    back: str


@dataclass(frozen=True, slots=True)
class ConfirmPage(Context):
    """The same question as a page."""

    template: ClassVar[str] = "recommendations/confirm_page.html"
    confirm: ConfirmAll
