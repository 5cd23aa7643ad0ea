"""Lists as people ask for them: filter, order and page read from a URL, and applied to a table."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from math import isfinite
from typing import Any, Literal, Self
from urllib.parse import urlencode

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean, first_keys

Operator = Literal["", "ne", "ge", "gt", "le", "lt", "contains", "null"]
Value = str | float | bool | date | datetime
Params = Mapping[str, str] | Iterable[tuple[str, str]]

# Operator -> the kinds of column it is for. Without an operator: any of the values.
OPERATORS: dict[str, tuple[str, ...]] = {
    "": ("text", "number", "date", "time", "yes or no"),
    "ne": ("text", "number", "date", "time", "yes or no"),
    "ge": ("number", "date", "time"),
    "gt": ("number", "date", "time"),
    "le": ("number", "date", "time"),
    "lt": ("number", "date", "time"),
    "contains": ("text",),
    "null": ("text", "number", "date", "time", "yes or no"),
}
YES, NO = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})
RESERVED = ("q", "sort", "page", "size")
SIZE, MOST_SIZE, MOST_PAGE = 50, 500, 1_000_000
MOST_CONDITIONS, MOST_VALUES, MOST_LETTERS, MOST_SORTS = 40, 500, 200, 4
SEARCH = "_search"  # a column of lower-case text that `q` looks into, where a frame has one


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a column: any of the values, or one value compared by an operator."""

    column: str
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a list: conditions that all hold, text, order, page; the same as a URL's parameters.

    `sort` holds columns and whether each is descending; empty for the list's own order. `text` is looked
    for as it is, in any case, in the list's texts. Values are of the columns' types, so equal questions
    are equal objects.
    """

    conditions: tuple[Condition, ...] = ()
    text: str = ""
    sort: tuple[tuple[str, bool], ...] = ()
    page: int = 1
    size: int = SIZE

    @classmethod
    def read(cls, params: Params, columns: Mapping[str, pl.DataType], *, ignored: Iterable[str] = ()) -> Self:
        r"""Return the question that a URL's parameters ask of a list with these columns.

        Parameters
        ----------
        params : names and texts, as pairs where names repeat; empty texts ask nothing, as in a form
        columns : the columns that may be asked about, and their types
        ignored : parameters that are somebody else's

        Raises
        ------
        InputError
            For a column, operator or value that does not fit, with the nearest that does.

        Examples
        --------
        >>> columns = {"abc": pl.String(), "value": pl.Float64()}
        >>> asked = Query.read({"abc": "A,B", "value__ge": "1000", "sort": "-value"}, columns)
        >>> asked.conditions[0].values, asked.sort, asked.url(page=2)
        (('A', 'B'), (('value', True),), '?abc=A,B&value__ge=1000&sort=-value&page=2')
        """
        pairs = params.items() if isinstance(params, Mapping) else params
        skipped = set(ignored)
        given = [(name, text.strip()) for name, text in pairs if name not in skipped and text.strip()]
        fixed = {name: text for name, text in given if name in RESERVED}
        asked: dict[tuple[str, Operator], list[str]] = {}
        for name, text in given:
            if name not in RESERVED:
                asked.setdefault(_named(name, columns), []).append(text)
        if len(asked) > MOST_CONDITIONS:
            what = f"{len(asked)} conditions are too many; {MOST_CONDITIONS} can be asked at once."
            raise InputError(what)
        conditions = tuple(
            _condition(column, operator, texts, columns[column])
            for (column, operator), texts in asked.items()
        )
        return cls(
            conditions,
            _short("q", fixed.get("q", "")),
            _sort(fixed.get("sort", ""), columns),
            _whole("page", fixed.get("page", "1"), MOST_PAGE),
            _whole("size", fixed.get("size", str(SIZE)), MOST_SIZE),
        )

    def params(self) -> list[tuple[str, str]]:
        """Return the names and texts that `read` turns into this question; what is usual is left out."""
        pairs = [
            (
                f"{asked.column}__{asked.operator}" if asked.operator else asked.column,
                ",".join(_as_text(value) for value in asked.values),
            )
            for asked in self.conditions
        ]
        usual = Query()
        order = ",".join(f"-{column}" if descending else column for column, descending in self.sort)
        pairs += [("q", self.text)] if self.text else []
        pairs += [("sort", order)] if order else []
        pairs += [("page", str(self.page))] if self.page != usual.page else []
        return pairs + ([("size", str(self.size))] if self.size != usual.size else [])

    def url(self, **changes: object) -> str:
        """Return the question part of a URL, with parameters changed; None or "" takes one away.

        Any change but that of the page leads to the first page.

        Examples
        --------
        >>> Query(text="pump", page=3).url(sort="-value"), Query(text="pump").url(q=None)
        ('?q=pump&sort=-value', '?')
        """
        kept = [
            (name, text)
            for name, text in self.params()
            if name not in changes and (name != "page" or not changes)
        ]
        new = [(name, _given(value)) for name, value in changes.items() if value not in (None, "")]
        pairs: list[tuple[str, str]] = sorted(kept + new, key=lambda pair: _place(pair[0]))
        return "?" + urlencode(pairs, safe=",")

    def sorted_by(self, column: str) -> str:
        """Return the text of `sort` that a click on a column's header asks for: falling, rising, usual."""
        first = self.sort[0] if self.sort else ("", False)
        if first[0] != column:
            return f"-{column}"
        return column if first[1] else ""

    def asked(self, name: str) -> str:
        """Return the text given for a parameter, for the fields of a filter; "" where nothing is."""
        return dict(self.params()).get(name, "")

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves rows out."""
        return bool(self.conditions or self.text)

    @property
    def offset(self) -> int:
        """Number of rows before the page."""
        return (self.page - 1) * self.size

    def selection(self) -> Self:
        """Return the question without order and page: equal for all pages of one selection."""
        return replace(self, sort=(), page=1, size=SIZE)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list as plain values, and what the whole selection comes to.

    `total` counts the rows of the selection, `sums` adds up its columns of money, `missing` says why a
    list that is not there is empty.
    """

    rows: list[dict[str, Any]]
    total: int
    page: int
    size: int
    sums: dict[str, float] = field(default_factory=dict)
    missing: str = ""

    @property
    def n_pages(self) -> int:
        """Number of pages, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        """Number of the page's first row, from 1; 0 on a page without rows."""
        return (self.page - 1) * self.size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Number of the page's last row; 0 on a page without rows."""
        return self.first + len(self.rows) - 1 if self.rows else 0


def apply(
    frame: pl.DataFrame,
    query: Query,
    *,
    key: Iterable[str] = (),
    sums: Iterable[str] = (),
    text: Iterable[str] | None = None,
) -> Listing:
    """Return the page of a frame that is asked for.

    Parameters
    ----------
    frame : the list
    query : the question
    key : columns that decide between rows of equal rank; without any, their order in the frame
    sums : columns whose sums over the selection are wanted
    text : columns that the text is looked for in; default: all of text

    Edge cases
    ----------
    Unknown values come last in either direction. A page past the end has no rows.
    """
    chosen = selected(frame, query, text)
    kept = frame if chosen is None else frame.filter(chosen)
    order = ordering(kept, query.sort, tuple(key))
    page = kept if order is None else kept.select(pl.all().gather(order.slice(query.offset, query.size)))
    rows = (page.slice(query.offset, query.size) if order is None else page).to_dicts()
    return Listing(rows, kept.height, query.page, query.size, summed(kept, sums))


def selected(frame: pl.DataFrame, query: Query, text: Iterable[str] | None = None) -> pl.Series | None:
    """Return which rows meet the conditions and hold the text, or None where all do."""
    # The schema of the whole frame would make the types of all its enumerations anew.
    terms = [_holds(asked, frame[asked.column].dtype) for asked in query.conditions]
    if query.text:
        terms.append(_contains_text(frame, query.text, text))
    if not terms:
        return None
    return frame.select(
        pl.all_horizontal(term.fill_null(value=False) for term in terms).alias("")
    ).to_series()


def ordering(
    frame: pl.DataFrame, sort: tuple[tuple[str, bool], ...], key: tuple[str, ...] = ()
) -> pl.Series | None:
    """Return the row numbers in the order asked for, unknown last; None where that is the frame's own."""
    if not sort:
        return None
    columns = [column for column, _ in sort]
    further = [column for column in key if column not in columns]
    falling = [descending for _, descending in sort] + [False] * len(further)
    order = pl.arg_sort_by(*columns, *further, descending=falling, nulls_last=True, maintain_order=True)
    return frame.select(order.alias("")).to_series()


def summed(frame: pl.DataFrame, columns: Iterable[str]) -> dict[str, float]:
    """Return the sums of these columns."""
    names = list(columns)
    if not names:
        return {}
    return dict(zip(names, frame.select(pl.col(names).sum()).row(0), strict=True))


def _contains_text(frame: pl.DataFrame, text: str, columns: Iterable[str] | None) -> pl.Expr:
    wanted = text.lower()
    if SEARCH in frame.columns:
        return pl.col(SEARCH).str.contains(wanted, literal=True)
    names = [name for name, dtype in frame.schema.items() if kind_of(dtype) == "text"]
    if columns is not None:
        names = list(columns)
    lower = (pl.col(name).cast(pl.String).str.to_lowercase() for name in names)
    found = [column.str.contains(wanted, literal=True).fill_null(value=False) for column in lower]
    return pl.any_horizontal(found) if found else pl.lit(value=False)


def _holds(asked: Condition, dtype: pl.DataType) -> pl.Expr:
    """Return the condition as an expression; unknown values meet none but `ne` and `null`."""
    column, first = pl.col(asked.column), asked.values[0]
    compared = {"ge": column.ge, "gt": column.gt, "le": column.le, "lt": column.lt}
    if asked.operator in compared:
        return compared[asked.operator](first)
    if asked.operator == "null":
        return column.is_null() if first else column.is_not_null()
    if asked.operator == "contains":
        lower = column.cast(pl.String).str.to_lowercase()
        wanted = [str(value).lower() for value in asked.values]
        return pl.any_horizontal(lower.str.contains(text, literal=True) for text in wanted)
    any_of = column.is_in(_typed(asked.values, dtype).implode())
    return any_of if asked.operator == "" else ~any_of.fill_null(value=False)


def _typed(values: tuple[Value, ...], dtype: pl.DataType) -> pl.Series:
    """Return the values in the column's type; those that no row can hold are left out."""
    if dtype.is_integer():
        whole = [int(value) for value in values if isinstance(value, float) and value == int(value)]
        return pl.Series(whole, dtype=pl.Int64).cast(dtype, strict=False).drop_nulls()
    if isinstance(dtype, pl.Enum):
        held = set(dtype.categories)
        return pl.Series([value for value in values if value in held], dtype=dtype)
    return pl.Series(list(values), dtype=dtype)


def kind_of(dtype: pl.DataType) -> str:
    """Return what a column holds: text, number, date, time, yes or no; "" for what cannot be asked about."""
    if dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum):
        return "text"
    if dtype.is_numeric():
        return "number"
    named: list[tuple[Any, str]] = [(pl.Date, "date"), (pl.Datetime, "time"), (pl.Boolean, "yes or no")]
    return next((kind for known, kind in named if dtype == known), "")


def _named(name: str, columns: Mapping[str, pl.DataType]) -> tuple[str, Operator]:
    """Return the column and operator of a parameter's name."""
    column, _, operator = name.rpartition("__") if name not in columns else (name, "", "")
    if not column:
        column, operator = name, ""
    shown = first_keys([column[:MOST_LETTERS]])
    if column not in columns or not kind_of(columns[column]):
        what = f"The list has no column '{shown}' to filter by."
        remedy = did_you_mean(column[:MOST_LETTERS], [*columns, *RESERVED])
        raise InputError(what, remedy=remedy or f"Columns: {', '.join(columns)}.")
    if operator not in OPERATORS:
        what = f"There is no operator '__{operator[:MOST_LETTERS]}'."
        known = [known for known in OPERATORS if known]
        raise InputError(
            what, remedy=did_you_mean(operator[:MOST_LETTERS], known) or f"Use {', '.join(known)}."
        )
    kind = kind_of(columns[column])
    if kind not in OPERATORS[operator]:
        what = f"'{column}' holds {kind}; '__{operator}' is for {' or '.join(OPERATORS[operator])}."
        raise InputError(what)
    return column, operator  # type: ignore[return-value]


def _condition(column: str, operator: Operator, texts: list[str], dtype: pl.DataType) -> Condition:
    is_list = operator in ("", "ne", "contains")
    parts = [part for text in texts for part in (_split(text) if is_list else [text])]
    name = f"{column}__{operator}" if operator else column
    if len(parts) > MOST_VALUES:
        what = f"'{name}' was given {len(parts)} values; {MOST_VALUES} can be asked at once."
        raise InputError(what)
    if not is_list and len(parts) > 1:
        what = f"'{name}' was given {len(parts)} times, and can be asked once."
        raise InputError(what)
    kind = "yes or no" if operator == "null" else kind_of(dtype)
    values = [_value(name, part, kind) for part in parts]
    return Condition(column, operator, tuple(dict.fromkeys(values)))


def _split(text: str) -> list[str]:
    r"""Return the texts between commas; `\,` is a comma of the text and `\\` a backslash."""
    parts = [re.sub(r"\\(.)", r"\1", part).strip() for part in re.findall(r"(?:[^,\\]|\\.|\\$)+", text)]
    return [part for part in parts if part] or [text]


def _value(name: str, text: str, kind: str) -> Value:
    text = _short(name, text)
    if kind == "text":
        return text
    found = {"number": _number, "date": _date, "time": _time, "yes or no": _yes}[kind](text)
    if found is None:
        wanted = {
            "number": "a number, as 1000 or -2.5",
            "date": "a date, as 2026-11-30",
            "time": "a date or moment, as 2026-11-30T08:15:00+00:00",
            "yes or no": "true or false",
        }[kind]
        what = f"'{name}' cannot be '{text}': it takes {wanted}."
        raise InputError(what)
    return found


def _number(text: str) -> float | None:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
        return None
    number = float(text)
    return number if isfinite(number) else None


def _date(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _time(text: str) -> datetime | None:
    day = _date(text)
    if day is not None:
        return datetime.combine(day, time(), UTC)
    try:
        # A plus sign in a URL that was not escaped arrives as a blank.
        moment = datetime.fromisoformat(re.sub(r" (\d{2}:\d{2})$", r"+\1", text))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _yes(text: str) -> bool | None:
    lower = text.lower()
    return True if lower in YES else False if lower in NO else None


def _sort(text: str, columns: Mapping[str, pl.DataType]) -> tuple[tuple[str, bool], ...]:
    parts = list(dict.fromkeys(part.strip() for part in _short("sort", text).split(",") if part.strip()))
    if len(parts) > MOST_SORTS:
        what = f"A list can be sorted by {MOST_SORTS} columns at once, not by {len(parts)}."
        raise InputError(what)
    for part in parts:
        name = part.removeprefix("-")
        if name not in columns or not kind_of(columns[name]):
            what = f"The list cannot be sorted by '{name}'."
            raise InputError(what, remedy=did_you_mean(name, columns) or f"Columns: {', '.join(columns)}.")
    named: dict[str, bool] = {}
    for part in parts:
        named.setdefault(part.removeprefix("-"), part.startswith("-"))
    return tuple(named.items())


def _whole(name: str, text: str, most: int) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not 1 <= int(text) <= most:
        what = f"'{name}' cannot be '{text[:MOST_LETTERS]}': it takes a whole number from 1 to {most:,}."
        raise InputError(what)
    return int(text)


def _short(name: str, text: str) -> str:
    if len(text) > MOST_LETTERS:
        what = f"'{name}' is {len(text):,} letters long; {MOST_LETTERS} can be asked for."
        raise InputError(what)
    return text


def _as_text(value: Value) -> str:
    """Return a value as `read` takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    return re.sub(r"([\\,])", r"\\\1", value)


def _given(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | float | date):
        return _as_text(value)
    if isinstance(value, Iterable):
        return ",".join(_as_text(part) for part in value)
    return str(value)


def _place(name: str) -> int:
    """Return where a parameter stands in a URL: conditions first, then the fixed ones in their order."""
    return RESERVED.index(name) if name in RESERVED else -1
