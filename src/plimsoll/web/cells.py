"""How one value of a list looks as a cell; in Python, since a page has hundreds of them.

What a renderer returns is text unless it is `Markup`, and text is escaped where cells are joined: a name
from a file cannot become a tag.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property, lru_cache
from string import Formatter
from typing import Any, Literal
from urllib.parse import quote

from markupsafe import Markup, escape

from plimsoll.domain.decisions import STATUSES
from plimsoll.present.labels import LABELS, label, source
from plimsoll.present.numbers import DASH, percent, quantity

Kind = Literal[
    "text", "cut", "item", "place", "money", "quantity", "days", "percent", "number",
    "count", "date", "moment", "chip", "grade", "label", "yes", "share", "prose",
]  # fmt: skip
Row = dict[str, Any]
NUMBERS = frozenset({"money", "quantity", "days", "percent", "number", "count", "share"})
OWN = frozenset({"item", "cut", "prose"})  # kinds with a class of their own
GRADES = frozenset("ABCD")
KEPT = 4096  # chips and grades made once, since they repeat from row to row
# Code that says how things stand -> its colour: good, warn, bad, live (under way). All others have none.
TONES = {
    "submitted": "live", "accepted": "good", "changed": "good", "exported": "live", "received": "good",
    "open": "warn", "error": "bad", "warning": "warn", "healthy": "good", "excess": "warn", "slow": "warn",
    "dead": "bad", "short": "bad", "automatic": "good", "care": "warn", "order_now": "warn",
    "pending": "live", "delivered": "good", "failed": "bad", "running": "live", "done": "good",
    "queued": "live", "in_force": "good", "suggest": "good", "has_cost": "bad", "helped": "good",
    "cost": "bad", "expedite": "warn", "chase": "warn", "confirm": "warn",
}  # fmt: skip
# Columns that can be asked about everywhere -> words; of all others the name is said, without its unit.
HEADINGS = {
    "item_id": "Item", "location_id": "Place", "to_location_id": "To",
    "from_location_id": "Supplier or source",
    "abc": "Value class", "xyz": "Regularity class", "batch_id": "Batch", "run_id": "Plan", "line_id": "Line",
    "order_id": "Order", "exception_id": "Exception", "override_id": "Override", "network_id": "Network",
    "n_lines": "Lines", "n_points": "Stocking points", "n_orders": "Orders", "reason_code": "Reason",
    "reason_text": "Reason in words", "mean_per_day": "Demand a day", "supply_kind": "Replenished by",
    "readiness": "Data", "stockout_probability": "Chance to run out", "adi": "Periods between demands",
    "cv2": "Variation of demand sizes", "pending": "Still owed", "is_yours": "Yours to take back",
}  # fmt: skip
ENDINGS = {
    "_id": "", "_qty": "", "_value": " in money", "_eff": "", "_est": "", "_set": " as set",
    "_opt": " as computed", "_code": "",
}  # fmt: skip
CHIP = Markup('<span class="chip {}" title="{}">{}</span>')
GRADE = Markup('<span class="grade {}" title="{}" aria-label="Confidence {}">{}</span>')
LINK = Markup('<a href="{}">{}</a>')
BAR = Markup(
    '<svg class="bar" width="{0}" height="8" aria-hidden="true">'
    '<rect class="back" width="{0}" height="8" rx="2"/>'
    '<rect class="fill" width="{1}" height="8" rx="2"/></svg>'
)
SHARE = Markup('{} <span class="pc">{}</span>')
SPARK = Markup(
    '<svg class="spark" width="{}" height="{}" aria-hidden="true"><polyline points="{}"/></svg>',
)


@dataclass(frozen=True)
class Column:
    """A column of a list.

    `priority` 1 is always there, 2 gives way to an open panel, 3 also to a narrow screen; `topic` names
    the words of codes in `present.labels`; `link` is an address in which `{name}` stands for a value of
    the row; `shown` is whether it is there before a person chooses columns.
    """

    name: str
    title: str
    kind: Kind = "text"
    unit: str = ""
    priority: int = 1
    topic: str = ""
    link: str = ""
    hint: str = ""
    shown: bool = True
    sortable: bool = True

    @cached_property
    def css(self) -> str:
        """Classes of its cells."""
        number = "num" if self.kind in NUMBERS else ""
        own = {"date": "nowrap", "moment": "nowrap"}.get(self.kind, self.kind if self.kind in OWN else "")
        return " ".join(
            part for part in (number, own, f"p{self.priority}" if self.priority > 1 else "") if part
        )

    @cached_property
    def opening(self) -> Markup:
        """Tag that opens its cells."""
        return Markup('<td class="{}">').format(self.css) if self.css else Markup("<td>")


def amount(value: float | None) -> str:
    """Return money of a list: whole, thousands apart.

    Examples
    --------
    >>> amount(17423.4), amount(-0.2), amount(None)
    ('17,423', '0', '–')
    """
    return DASH if value is None else f"{value:z,.0f}"


def day(value: date | datetime | None) -> str:
    """Return a day as 2026-11-30."""
    return DASH if value is None else value.isoformat()[:10]


def moment(value: datetime | None) -> str:
    """Return a moment to the minute, in UTC."""
    return DASH if value is None else f"{value:%Y-%m-%d %H:%M}"


def weekday(value: date | None) -> str:
    """Return a day in words.

    Examples
    --------
    >>> weekday(date(2026, 10, 31)), weekday(None)
    ('Saturday, 31 October 2026', '–')
    """
    return DASH if value is None else f"{value:%A}, {value.day} {value:%B %Y}"


def initials(name: str) -> str:
    """Return up to two first letters of a name.

    Examples
    --------
    >>> initials("Kim van Dyk"), initials("owner")
    ('KD', 'O')
    """
    parts = name.split() or ["?"]
    return (parts[0][:1] + (parts[-1][:1] if len(parts) > 1 else "")).upper()


def words(code: str | None, topic: str = "") -> str:
    """Return the words for a code of a topic, else the code itself with a capital and blanks.

    Examples
    --------
    >>> words("purchase", "order"), words("late_supply"), words(None)
    ('Buy', 'Late supply', '–')
    """
    if code is None:
        return DASH
    text = label(topic, code) if topic in LABELS else code.replace("_", " ")
    return text[:1].upper() + text[1:]


def heading(column: str) -> str:
    """Return the words for a column that a list has but its page does not show.

    Examples
    --------
    >>> heading("from_location_id"), heading("buffer_network_qty"), heading("lot_qty_set")
    ('Supplier or source', 'Buffer network', 'Lot as set')
    """
    if column in HEADINGS:
        return HEADINGS[column]
    for end, said in ENDINGS.items():
        if column.endswith(end) and column != end:
            return heading(column.removesuffix(end)) + said
    return words(column)


@lru_cache(KEPT)
def chip(code: str | None, topic: str = "") -> Markup | str:
    """Return a status as a shape with its word, in colour where it needs attention or has ended well."""
    if not code:
        return DASH
    return CHIP.format(TONES.get(code, ""), STATUSES.get(code, ""), words(code, topic))


@lru_cache(KEPT)
def grade(letter: str | None, why: str | None = None) -> Markup:
    """Return a grade of confidence, A best, told why on hover."""
    known = letter if letter in GRADES else DASH
    return GRADE.format("none" if known == DASH else known.lower(), why or "", known, known)


def bar(share: float | None, width: int = 64) -> Markup:
    """Return a small bar, full at 1; it repeats a figure beside it, so readers of the screen skip it."""
    return BAR.format(width, round(max(0.0, min(1.0, share or 0.0)) * width))


def spark(values: Sequence[float], width: int = 96, height: int = 20) -> Markup:
    """Return a line of values without axes, least to most; nothing for fewer than two values.

    What moves by less than a twentieth fills only its share of the height: noise is not drawn as a cliff.
    """
    if len(values) < 2:
        return Markup("")
    low, high = min(values), max(values)
    span = max(high - low, max(abs(low), abs(high)) / 20) or 1.0
    middle, up, right = (low + high) / 2, (height - 2) / span, width / (len(values) - 1)
    points = (f"{at * right:.1f},{height / 2 - (value - middle) * up:.1f}" for at, value in enumerate(values))
    return SPARK.format(width, height, " ".join(points))


def cells(columns: Sequence[Column], row: Row) -> Markup:
    """Return a row's cells; unknown values are a dash."""
    parts: list[str] = []
    for column in columns:
        value = row.get(column.name)
        shown = DASH if value is None else RENDER[column.kind](column, value, row)
        if column.link and column.kind != "item" and value is not None:
            shown = LINK.format(address(column.link, row), shown)
        parts += (column.opening, shown if isinstance(shown, Markup) else escape(shown), "</td>")
    return Markup("".join(parts))  # noqa: S704 - whatever is not markup was escaped just above


@cache
def _names(pattern: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in Formatter().parse(pattern) if name)


def address(pattern: str, row: Row) -> str:
    """Return an address with the values of a row in it, each quoted.

    Examples
    --------
    >>> address("/items/{item_id}/{place}", {"item_id": "A/1 <b>", "place": None})
    '/items/A%2F1%20%3Cb%3E/'
    """
    return pattern.format_map({name: quote(str(row[name] or ""), safe="") for name in _names(pattern)})


def _item(column: Column, value: Any, row: Row) -> str:
    described = escape(row.get("description") or "")
    href = escape(address(column.link, row))
    name = f'<a href="{href}">{escape(value)}</a><small title="{described}">{described}</small>'
    return Markup(name)  # noqa: S704 - all parts are escaped above


def _quantity(column: Column, value: Any, row: Row) -> str:
    unit = row.get("unit")
    if column.unit or not unit:
        return quantity(value)
    return Markup(f'{quantity(value)} <small class="soft">{escape(unit)}</small>')  # noqa: S704 - as above


# Kind of a column -> its value as text, or as Markup where it is more than text.
RENDER: dict[Kind, Callable[[Column, Any, Row], str]] = {
    "text": lambda column, value, row: value if isinstance(value, Markup) else str(value),
    "cut": lambda column, value, row: str(value),
    "item": _item,
    "place": lambda column, value, row: source(str(value)),
    "money": lambda column, value, row: f"{value:z,.0f}",
    "quantity": _quantity,
    "days": lambda column, value, row: f"{value:z,.1f}" if abs(value) < 99.95 else f"{value:,.0f}",
    "percent": lambda column, value, row: percent(value),
    "number": lambda column, value, row: f"{value:z,.1f}",
    "count": lambda column, value, row: f"{value:,}",
    "date": lambda column, value, row: day(value),
    "moment": lambda column, value, row: moment(value),
    "chip": lambda column, value, row: chip(value, column.topic),
    "grade": lambda column, value, row: grade(value, row.get("confidence_why")),
    "label": lambda column, value, row: words(value, column.topic),
    "yes": lambda column, value, row: "Yes" if value else "No",
    "share": lambda column, value, row: SHARE.format(bar(value, 40), percent(value, 0)),
    "prose": lambda column, value, row: value if isinstance(value, Markup) else str(value),
}
