"""A list as the desk returns it, as what the page shows: one way for all lists of the workbench."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from plimsoll.domain.listing import Listing, Query
from plimsoll.domain.people import Person
from plimsoll.present.numbers import money
from plimsoll.web import cells
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Choice, Empty, Filter, Grid, Head, Line, Link, Pager, Tab
from plimsoll.web.security import is_https
from plimsoll.workflows.desk import Desk

OWN = ("columns", "open")  # parameters of the page itself, not of the list's question
COLUMNS_COOKIE = "columns-{}"
KEPT_SECONDS = 365 * 86_400
FILE = "/files/{}.{}"
COMPARED = {
    "ge": "at least", "gt": "above", "le": "at most", "lt": "below", "ne": "not", "contains": "contains",
}  # fmt: skip

NOTHING = Empty("search", "Nothing here yet", "")


@dataclass(frozen=True)
class Asked:
    """A filter that the list offers: a column, perhaps with an operator, and how it is asked for.

    `kind` is choice, number, date or text; `topic` names the words of codes; `more` puts it into the menu.
    """

    name: str
    title: str
    kind: str = "choice"
    topic: str = ""
    more: bool = False


@dataclass(frozen=True)
class View:
    """How one list of the desk is shown.

    `name` is the desk's, `href` the page's address; `tabs` are title -> the parameters they stand for;
    `sums` are column -> words for what the selection comes to.
    """

    name: str
    title: str
    href: str
    columns: tuple[Column, ...]
    asked: tuple[Asked, ...] = ()
    tabs: Mapping[str, Mapping[str, str]] | None = None
    sums: Mapping[str, str] | None = None
    empty: Empty = NOTHING


@dataclass(frozen=True)
class Page:
    """What is known when a list is shown, beside its rows.

    `choices` are column -> value -> number of rows; `views` the person's saved ones, name -> question;
    `passed` parameters of the page kept in all links.
    """

    query: Query
    currency: str = ""
    choices: Mapping[str, Mapping[str, int]] | None = None
    views: Mapping[str, str] | None = None
    passed: tuple[tuple[str, str], ...] = ()


def shown_columns(view: View, request: Request) -> tuple[Column, ...]:
    """Return the columns wanted: those in the address, else those the browser kept, else the usual."""
    asked = ",".join(request.query_params.getlist("columns"))
    kept = request.cookies.get(COLUMNS_COOKIE.format(view.name), "")
    wanted = set((asked or kept).split(","))
    chosen = tuple(column for column in view.columns if column.name in wanted)
    return chosen or tuple(column for column in view.columns if column.shown)


def choices(view: View, query: Query, who: Person, desk: Desk) -> dict[str, dict[str, int]]:
    """Return what each filter of a list can be set to, with its rows; the status too where tabs count it."""
    columns = desk.columns(view.name)
    names = [asked.name for asked in view.asked if asked.kind == "choice"]
    names += ["status"] if _counts_status(view) else []
    found = {name: desk.choices(view.name, query, who, name) for name in names if name in columns}
    return {
        name: {str(choice.value): choice.n for choice in some if choice.value is not None}
        for name, some in found.items()
    }


def passed_on(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the page's own parameters that its links pass on."""
    wanted = ",".join(request.query_params.getlist("columns"))
    return (("columns", wanted),) if wanted else ()


def keep_columns(view: View, request: Request, answer: Response) -> Response:
    """Let the browser keep the columns that a person has just chosen."""
    if "columns" in request.query_params:
        names = ",".join(column.name for column in shown_columns(view, request))
        name, secure = COLUMNS_COOKIE.format(view.name), is_https(request)
        answer.set_cookie(name, names, KEPT_SECONDS, httponly=True, samesite="lax", secure=secure)
    return answer


def grid(
    view: View, listing: Listing, page: Page, columns: Sequence[Column], rows: Iterable[Line] = ()
) -> Grid:
    """Return the list with all around it.

    Parameters
    ----------
    view : how it is shown
    listing : the rows and totals that the desk found
    page : the question and what else is known
    columns : as of `shown_columns`
    rows : the rows, where the page makes them itself; default: from the listing
    """
    query = page.query
    made = tuple(rows) or tuple(
        Line(str(number), "", cells.cells(columns, row))
        for number, row in enumerate(listing.rows, listing.first)
    )
    fields = tuple(_filter(asked, page) for asked in view.asked)
    return Grid(
        name=view.name,
        href=view.href,
        tabs=_tabs(view, page),
        filters=tuple(field for field, asked in zip(fields, view.asked, strict=True) if not asked.more),
        more_filters=tuple(field for field, asked in zip(fields, view.asked, strict=True) if asked.more),
        text=query.text,
        kept=_kept(view, page),
        pills=_pills(view, page),
        cleared=_cleared(view, page),
        heads=tuple(_head(column, page, view.href) for column in columns),
        rows=made,
        sums=tuple(
            (words, money(listing.sums[name], page.currency))
            for name, words in (view.sums or {}).items()
            if name in listing.sums
        ),
        pager=_pager(view, listing, page),
        columns=tuple(Choice(column.name, column.title, column in columns) for column in view.columns),
        views=tuple(Link(name, view.href + text) for name, text in (page.views or {}).items()),
        address=query.url(page=None),
        downloads=tuple(
            Link(words, FILE.format(view.name, ending) + query.url(page=None, size=None))
            for words, ending in (("CSV", "csv"), ("Excel", "xlsx"))
        ),
        empty=_empty(view, listing, page),
    )


def link(view: View, page: Page, /, **changes: object) -> str:
    """Return the page's address with parameters of the question changed."""
    text = view.href + page.query.url(**changes)
    more = urlencode(page.passed)
    return text + ("&" if more and not text.endswith("?") else "") + more if more else text.removesuffix("?")


def _head(column: Column, page: Page, href: str) -> Head:
    first = page.query.sort[0] if page.query.sort else ("", False)
    way = "" if first[0] != column.name else "descending" if first[1] else "ascending"
    unit = page.currency if column.kind == "money" else column.unit or {"days": "days"}.get(column.kind, "")
    address = ""
    if column.sortable:
        more = urlencode(page.passed)
        address = href + page.query.url(sort=page.query.sorted_by(column.name)) + (f"&{more}" if more else "")
    return Head(column.name, column.title, unit, column.css, column.hint, address, way)


def _filter(asked: Asked, page: Page) -> Filter:
    value = page.query.asked(asked.name)
    if asked.kind != "choice":
        return Filter(asked.name, asked.title, asked.kind, value)
    found = (page.choices or {}).get(asked.name, {})
    choices = [
        Choice(code, f"{cells.words(code, asked.topic) if asked.topic else code} ({n:,})", code == value)
        for code, n in found.items()
    ]
    if value and not any(choice.chosen for choice in choices):
        choices.append(Choice(value, value.replace(",", ", "), chosen=True))
    return Filter(asked.name, asked.title, "choice", value, tuple(choices))


def _tab_names(view: View) -> tuple[str, ...]:
    """Return the parameters that tabs stand for; the other filters stay when a tab is changed."""
    return tuple(dict.fromkeys(name for params in (view.tabs or {}).values() for name in params))


def _counts_status(view: View) -> bool:
    """Return whether tabs stand for statuses, so that each can tell how many rows it has."""
    return any("status" in params for params in (view.tabs or {}).values())


def _tabs(view: View, page: Page) -> tuple[Tab, ...]:
    """Return the tabs; the current one asks what the question asks of the parameters that tabs stand for."""
    names = _tab_names(view)
    current = {name: page.query.asked(name) for name in names if page.query.asked(name)}
    by_status = (page.choices or {}).get("status", {}) if _counts_status(view) else {}
    tabs = []
    for title, params in (view.tabs or {}).items():
        wanted = params.get("status", "").split(",")
        n = sum(n for status, n in by_status.items() if not params or status in wanted)
        address = link(view, page, **{name: params.get(name) for name in names})
        tabs.append(Tab(title, address, dict(params) == current, f"{n:,}" if by_status else ""))
    return tuple(tabs)


def _kept(view: View, page: Page) -> tuple[tuple[str, str], ...]:
    """Return what the form of filters passes on unseen: the order, and what it has no field for."""
    fields = {asked.name for asked in view.asked} | {"q", "page"}
    return tuple(pair for pair in page.query.params() if pair[0] not in fields) + page.passed


def _pills(view: View, page: Page) -> tuple[Link, ...]:
    """Return what the list is filtered by beyond its tab and the fields in sight, and the way without it."""
    columns = {column.name: column for column in view.columns}
    in_sight = {asked.name for asked in view.asked if not asked.more} | set(_tab_names(view))
    pills = []
    for asked in page.query.conditions:
        name = f"{asked.column}__{asked.operator}" if asked.operator else asked.column
        if name in in_sight:
            continue
        column = columns.get(asked.column)
        title = column.title if column and column.title else cells.heading(asked.column)
        said = _said(asked.operator, asked.values, column)
        pills.append(Link(f"{title}: {said}", link(view, page, **{name: None})))
    return tuple(pills)


def _cleared(view: View, page: Page) -> str:
    """Return the address without any filter but the tab, "" where there is none."""
    names = [
        name for name, _ in page.query.params() if name not in (*_tab_names(view), "sort", "page", "size")
    ]
    return link(view, page, **dict.fromkeys(names)) if names else ""


def _said(operator: str, values: tuple[Any, ...], column: Column | None) -> str:
    if operator == "null":
        return "unknown" if values[0] else "known"
    texts = [_value(value, column) for value in values]
    listed = ", ".join(texts[:4]) + (f" and {len(texts) - 4} more" if len(texts) > 4 else "")
    return f"{COMPARED[operator]} {listed}" if operator else listed


def _value(value: Any, column: Column | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.10g}"
    if isinstance(value, str) and column and column.kind in ("chip", "label"):
        return cells.words(value, column.topic)
    return value if isinstance(value, str) else cells.day(value)


def _pager(view: View, listing: Listing, page: Page) -> Pager:
    number, n_pages = listing.page, listing.n_pages
    before = link(view, page, page=min(number - 1, n_pages)) if number > 1 else ""
    after = link(view, page, page=number + 1) if number < n_pages else ""
    return Pager(listing.first, listing.last, listing.total, number, n_pages, before, after)


def _empty(view: View, listing: Listing, page: Page) -> Empty:
    if listing.missing:
        return Empty(view.empty.icon, view.empty.title, listing.missing, view.empty.actions)
    if listing.total:
        return Empty(
            "search",
            "There is no such page",
            "The list is shorter.",
            (Link("First page", link(view, page, page=None)),),
        )
    if page.query.is_filtered:
        text = "Nothing matches all of these conditions. Take one away, or see the whole list."
        return Empty("search", "Nothing matches", text, (Link("See all", view.href),))
    return view.empty
