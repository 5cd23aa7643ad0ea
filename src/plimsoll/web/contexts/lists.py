"""What a page with a list receives: tabs, filters, heads, rows, pages and what can be done with them."""

from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup

from plimsoll.web.contexts.shell import Context


@dataclass(frozen=True, slots=True)
class Tab:
    """A selection with a name above the list; `waiting` is how many rows it has, as text."""

    title: str
    href: str
    current: bool
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a filter: value in the address, words, whether it is chosen."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A field of the filter: of kind choice (a list), number, date or text; `name` as in the address."""

    name: str
    title: str
    kind: str
    value: str = ""
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere; `css` and `icon` of the button it may be, or a second line of words."""

    words: str
    href: str
    css: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head: `sort` is ascending, descending or ""; `href` sorts by it, "" where one cannot."""

    name: str
    title: str
    unit: str
    css: str
    hint: str
    href: str
    sort: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row: identity, classes, its cells; `more` is what stands in the row before and after them."""

    id: str
    css: str
    cells: Markup
    more: object = None


@dataclass(frozen=True, slots=True)
class Pager:
    """Where in the list the page is; addresses are "" where there is no such page."""

    first: int
    last: int
    total: int
    page: int
    n_pages: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands in place of rows: why there are none, and what to do."""

    icon: str
    title: str
    text: str
    actions: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A list as every page shows it; `name` is that of the desk's list, `href` the page's address.

    `kept` are parameters that the filter passes on unseen, `pills` the conditions without a field in
    sight, `cleared` the address without any of them, `address` the question as it is asked now.
    """

    name: str
    href: str
    tabs: tuple[Tab, ...]
    filters: tuple[Filter, ...]
    more_filters: tuple[Filter, ...]
    text: str
    kept: tuple[tuple[str, str], ...]
    pills: tuple[Link, ...]
    cleared: str
    heads: tuple[Head, ...]
    rows: tuple[Line, ...]
    sums: tuple[tuple[str, str], ...]
    pager: Pager
    columns: tuple[Choice, ...]
    views: tuple[Link, ...]
    address: str
    downloads: tuple[Link, ...]
    empty: Empty
    can_pick: bool = False


@dataclass(frozen=True, slots=True)
class ListPage(Context):
    """A page that is one list."""

    template: ClassVar[str] = "list.html"
    part: ClassVar[str] = "list_part.html"
    title: str
    says: str
    grid: Grid
    actions: tuple[Link, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class ListPart(Context):
    """The list alone, put into the page when its filter, order or page changes."""

    template: ClassVar[str] = "list_part.html"
    grid: Grid
