"""What the page on service economics receives."""

from dataclasses import dataclass
from typing import Any, ClassVar

from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.shell import Context
from plimsoll.web.contexts.today import Tile


@dataclass(frozen=True, slots=True)
class EconomicsPage(Context):
    """What service costs in stock: where the company stands, the curve, its segments, points of most money.

    Each table is rows of cells; `has_run` is False before the first run, `chart` None for a part of the
    company.
    """

    template: ClassVar[str] = "economics/page.html"
    has_run: bool
    says: tuple[str, ...] = ()
    tiles: tuple[Tile, ...] = ()
    chart: dict[str, Any] | None = None
    services: tuple[tuple[str, ...], ...] = ()
    groups: tuple[Link, ...] = ()
    segments: tuple[tuple[str, ...], ...] = ()
    judged: tuple[str, ...] = ()
    points: tuple[tuple[str, ...], ...] = ()
    source: str = ""
