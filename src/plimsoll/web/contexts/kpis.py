"""What the page on key figures receives."""

from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.shell import Context
from plimsoll.web.contexts.today import Tile


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure as a line: its value, target, trend, formula on hover, and where its rows are."""

    name: str
    unit: str
    value: str
    target: str
    met: bool | None
    trend: Markup
    formula: str
    missing: str
    href: str


@dataclass(frozen=True, slots=True)
class KpisPage(Context):
    """Key figures by the last run of `plimsoll kpi`: the four, all, a split, or the rows behind one.

    `heads` and `rows` are of the split; `texts`, `numbers` and `behind` of the rows behind the figure
    `behind_of`. `has_run` is False before the first run.
    """

    template: ClassVar[str] = "kpis/page.html"
    has_run: bool
    says: str = ""
    tiles: tuple[Tile, ...] = ()
    figures: tuple[Figure, ...] = ()
    remarks: tuple[str, ...] = ()
    groups: tuple[Link, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    more: int = 0
    behind_of: str = ""
    formula: str = ""
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    behind: tuple[tuple[str, ...], ...] = ()
    n_behind: int = 0
    source: str = ""
