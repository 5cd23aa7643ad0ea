"""A repair: a rule by which facts are read otherwise than they were imported, accepted by a person."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, get_args

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.tables import Column, Table, input_tables, table

Kind = Literal["drop", "set", "convert", "cap", "merge", "transfer"]
Value = str | float | bool | None
KINDS: tuple[Kind, ...] = get_args(Kind)  # in the order in which they are applied
COMPARISONS = ("!=", "<=", ">=", "=", "<", ">")  # the longer ones are looked for first
NUMBERS = (pl.Float64(), pl.Int64())
ITEM_COLUMNS = ("item_id", "parent_item_id", "component_item_id")
# table -> the day that dates a row; rows of other tables have none
DAYS = {
    "demand": "date",
    "availability": "date",
    "stock": "date",
    "receipts": "received_date",
    "open_orders": "ordered_date",
    "events": "start",
    "bom": "valid_from",
    "history_change": "date",
}
CHANGES = "history_change"  # not imported: to drop a row of it is to refuse a change of the history
HISTORY = "demand"
UNKNOWN = "unknown"  # the word for no value


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a row as imported; a value of None stands for unknown, a date for its ISO text."""

    column: str
    comparison: str
    value: Value

    def __str__(self) -> str:
        return f"{self.column} {self.comparison} {_word(self.value)}"


@dataclass(frozen=True, slots=True)
class Repair:
    """One rule: which rows, what becomes of them, who accepted it and why, and whether it still stands.

    `table` holds the rows; of a merge it is `items`, of a transfer `demand`, and one condition names
    the item that goes. `value` is the new value (set), the upper limit (cap), the factor (convert) or
    the share of demand that goes (transfer); `factor` the units of item `to` in one unit of the item
    that goes (merge, transfer), where that has to be said. Rows dated outside `first_day` to `last_day`
    are left alone; plans of a day before `since` do not know the rule. `check` names the audit check
    that it answers.
    """

    kind: Kind
    table: str
    match: tuple[Condition, ...]
    author: str
    reason: str
    column: str = ""
    value: Value = None
    to: str = ""
    factor: float | None = None
    first_day: date | None = None
    last_day: date | None = None
    since: date | None = None
    check: str = ""
    id: str = ""
    accepted_at: datetime | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_why: str = ""

    @property
    def in_force(self) -> bool:
        """Whether nobody has withdrawn it."""
        return self.withdrawn_at is None

    @property
    def item(self) -> str:
        """The item that the conditions name, or an empty text."""
        named = (each.value for each in self.match if each.column == "item_id" and each.comparison == "=")
        return str(next(named, ""))

    def content(self) -> dict[str, Any]:
        """Return what decides its effect, as plain data; two rules of equal content do the same.

        Examples
        --------
        >>> here = (Condition("item_id", "=", "A"),)
        >>> Repair("cap", "demand", here, "Ann", "typo", "quantity", 50.0).content()
        {'kind': 'cap', 'table': 'demand', 'match': [['item_id', '=', 'A']], 'column': 'quantity',
         'value': 50.0}
        """
        days = {name: getattr(self, name) for name in ("first_day", "last_day", "since")}
        content = {
            "kind": self.kind,
            "table": self.table,
            "match": [[each.column, each.comparison, each.value] for each in self.match],
            "column": self.column,
            "value": self.value,
            "to": self.to,
            "factor": self.factor,
            **{name: day.isoformat() if day else None for name, day in days.items()},
        }
        sets_unknown = self.kind == "set" and self.value is None
        return {
            name: part
            for name, part in content.items()
            if part not in (None, "") or (name == "value" and sets_unknown)
        }

    def as_data(self) -> dict[str, Any]:
        """Return the rule as plain data for manifest and JSON."""
        instants = {name: getattr(self, name) for name in ("accepted_at", "withdrawn_at")}
        told = {"author": self.author, "reason": self.reason, "check": self.check}
        told |= {name: moment.isoformat() if moment else "" for name, moment in instants.items()}
        told |= {"withdrawn_by": self.withdrawn_by, "withdrawn_why": self.withdrawn_why}
        return {"id": self.id, **self.content(), **{name: text for name, text in told.items() if text}}

    def __str__(self) -> str:
        shown = self.match
        if self.kind == "transfer":  # the item is named already
            shown = tuple(each for each in shown if each.column != "item_id")
        where = " where " + " and ".join(map(str, shown)) if shown else ""
        if self.first_day or self.last_day:
            where += f", dated {self.first_day or '…'} to {self.last_day or '…'}"
        value = _word(self.value)
        units = f", one unit counted as {_word(self.factor)}" if self.factor not in (None, 1.0) else ""
        share = f"{value} of the demand" if self.value not in (None, 1.0) else "the demand"
        text = {
            "drop": f"drop rows of {self.table}{where}",
            "set": f"set {self.column} of {self.table} to {value}{where}",
            "convert": f"{_scaled(self)}{where}",
            "cap": f"cap {self.column} of {self.table} at {value}{where}",
            "merge": f"merge item {self.item} into {self.to}{units}",
            "transfer": f"transfer {share} of item {self.item} to {self.to}{units}{where}",
        }[self.kind]
        return text + (f", in plans from {self.since}" if self.since else "")


def _scaled(repair: Repair) -> str:
    """Return a conversion in words; a factor below 1 that is one over a whole number is a division."""
    factor, column = repair.value, f"{repair.column} of {repair.table}"
    if isinstance(factor, float) and 0 < factor < 1:
        whole = round(1 / factor)
        if math.isclose(1 / factor, whole, rel_tol=1e-9):
            return f"divide {column} by {whole:,}"
    return f"multiply {column} by {_word(factor)}"


def of_content(content: dict[str, Any], **told: Any) -> Repair:
    """Return the repair of some content, with author, reason and what else is told of it.

    Examples
    --------
    >>> rule = Repair("drop", "demand", (Condition("quantity", ">", 9.0),), "Ann", "test orders")
    >>> of_content(rule.content(), author="Ann", reason="test orders") == rule
    True
    """
    given: dict[str, Any] = content | {"match": tuple(Condition(*each) for each in content["match"])}
    for name in ("first_day", "last_day", "since"):
        if name in given:
            given[name] = date.fromisoformat(given[name])
    return Repair(**given, **told)


def condition_of(text: str) -> Condition:
    """Return the condition that a text like `quantity > 500` states; the word `unknown` stands for no value.

    Examples
    --------
    >>> condition_of("quantity>=500")
    Condition(column='quantity', comparison='>=', value='500')
    >>> condition_of("line = unknown")
    Condition(column='line', comparison='=', value=None)
    """
    found = [(text.find(sign), -len(sign), sign) for sign in COMPARISONS if sign in text]
    if not found:
        what = f"The condition '{text}' compares nothing."
        remedy = "Write COLUMN = VALUE, or another of !=, <, <=, >, >= in the place of =."
        raise InputError(what, remedy=remedy)
    sign = min(found)[2]
    column, _, value = text.partition(sign)
    return Condition(column.strip(), sign, _given(value.strip()))


def stated(given: Mapping[str, Any]) -> Repair:
    """Return the repair that a person states in words: options by name, all texts but for days.

    Parameters
    ----------
    given : kind, author, reason; and as needed table, item, location, where (conditions as texts), column,
        value, to, factor, first, last, since; None for what is not given

    Examples
    --------
    >>> words = {"kind": "cap", "table": "demand", "item": "A", "column": "quantity", "value": "500"}
    >>> str(stated({**words, "where": ["location_id = M"], "author": "Ann", "reason": "typo"}))
    'cap quantity of demand at 500 where item_id = A and location_id = M'
    """
    kind = given["kind"]
    home = given.get("table") or {"merge": "items", "transfer": HISTORY}.get(kind, "")
    _require(bool(home), "The table to repair is missing.", "Name it with --table.")
    _require(home in (*input_tables(), CHANGES), *_unknown_table(home))
    match = []
    for name, columns in (("item", ITEM_COLUMNS[:1]), ("location", ("location_id", "to_location_id"))):
        if given.get(name) is not None:
            column = next((column for column in columns if column in table(home).names), None)
            _require(column is not None, f"Rows of '{home}' have no {name}.", "State the rows with --where.")
            match.append(Condition(str(column), "=", given[name]))
    match += [condition_of(text) for text in given.get("where") or ()]
    value = given.get("value")
    _require(kind != "set" or value is not None, "The new value is missing.", "Give it; 'unknown' for none.")
    return sound(
        Repair(
            kind,
            home,
            tuple(match),
            given["author"],
            given["reason"],
            column=given.get("column") or "",
            value=_given(value),
            to=given.get("to") or "",
            factor=None if given.get("factor") is None else _number(given["factor"], "factor"),
            first_day=given.get("first"),
            last_day=given.get("last"),
            since=given.get("since"),
        )
    )


def _given(text: str | None) -> str | None:
    return None if text == UNKNOWN else text


def _unknown_table(name: str) -> tuple[str, str]:
    remedy = did_you_mean(name, input_tables()) or f"Known: {', '.join(input_tables())}."
    return f"There is no input table '{name}' to repair.", remedy


def signed(author: str, reason: str) -> None:
    """Refuse a decision without author or reason.

    Raises
    ------
    InputError : one of them is blank
    """
    why = "What a person decides cannot be judged later without author and reason."
    for name, text in (("author", author), ("reason", reason)):
        _require(bool(text.strip()), f"The {name} is missing.", f"Give the {name}.", why)


def sound(repair: Repair) -> Repair:
    """Return the repair with its values in the types of their columns, if it can be applied at all.

    Raises
    ------
    InputError : author, reason, item or value is missing; a table, column or value is not allowed
    """
    signed(repair.author, repair.reason)
    if repair.kind not in KINDS:
        what = f"There is no repair of the kind '{repair.kind}'."
        raise InputError(what, remedy=f"Choose one of {', '.join(KINDS)}.")
    _require(repair.table in (*input_tables(), CHANGES), *_unknown_table(repair.table))
    _require(
        repair.table != CHANGES or repair.kind == "drop",
        "A change of the history can only be refused.",
        f"Use the kind drop with {CHANGES}.",
    )
    declared = table(repair.table)
    match = _sound_match(repair, declared)
    typed = replace(repair, match=match)
    if repair.kind in ("merge", "transfer"):
        return _sound_pair(typed)
    _sound_cell(typed, declared)
    if repair.kind == "drop":
        return typed
    column = declared.column(repair.column)
    if repair.kind == "convert":
        factor = _number(repair.value, "factor")
        _require(factor > 0, f"A factor must be above 0, and not {factor:g}.")
        value: Value = factor
    else:
        value = _typed(column, repair.value)
        _in_range(column, value)
    return replace(typed, value=value)


def _require(is_sound: bool, what: str, remedy: str = "", why: str = "") -> None:
    if not is_sound:
        raise InputError(what, why=why, remedy=remedy)


def _sound_match(repair: Repair, declared: Table) -> tuple[Condition, ...]:
    _require(
        bool(repair.match), "No condition says which rows the repair is for.", "Name an item, or a condition."
    )
    match = []
    for each in repair.match:
        column = declared.column(each.column)
        _require(
            each.comparison in COMPARISONS,
            f"Rows cannot be compared by '{each.comparison}'.",
            f"Use one of {', '.join(COMPARISONS)}.",
        )
        _require(
            each.value is not None or each.comparison in ("=", "!="),
            f"Nothing is {each.comparison} unknown.",
            "Give the value to compare with.",
        )
        match.append(Condition(each.column, each.comparison, _typed(column, each.value)))
    equal = [each.column for each in match if each.comparison == "="]
    _require(len(equal) == len(set(equal)), "Two conditions ask the same column for two values.")
    dated = repair.first_day or repair.last_day
    _require(
        not dated or repair.table in DAYS,
        f"Rows of '{repair.table}' have no date.",
        "Leave out the first and last day.",
    )
    if repair.first_day and repair.last_day:
        _require(repair.first_day <= repair.last_day, "The last day is before the first.")
    return tuple(match)


def _sound_pair(repair: Repair) -> Repair:
    """Return a merge or transfer with its defaults, if it names two items."""
    is_merge = repair.kind == "merge"
    home = "items" if is_merge else HISTORY
    _require(repair.table == home, f"A {repair.kind} is a repair of '{home}'.")
    _require(
        bool(repair.item and repair.to),
        f"A {repair.kind} needs two items.",
        "Give the item and where it goes.",
    )
    _require(repair.item != repair.to, f"Item {repair.item} cannot go to itself.")
    if is_merge:
        _require(len(repair.match) == 1, "A merge takes the whole item.", "Leave out other conditions.")
    factor = None if repair.factor is None else _number(repair.factor, "factor")
    _require(factor is None or factor > 0, f"A factor must be above 0, and not {factor}.")
    share = 1.0 if repair.value is None else _number(repair.value, "share")
    _require(0 < share <= 1, f"A share lies above 0 and up to 1, and is not {share:g}.")
    return replace(repair, factor=factor, value=None if is_merge else share)


def _sound_cell(repair: Repair, declared: Table) -> None:
    """Refuse what only merges and transfers take, and a column that may not be touched."""
    _require(
        not repair.to and repair.factor in (None, 1.0),
        f"Only a merge or transfer goes to another item; this is a {repair.kind}.",
    )
    if repair.kind == "drop":
        _require(not repair.column, "A drop takes whole rows.", "Leave out the column.")
        return
    _require(bool(repair.column), f"The column to {repair.kind} is missing.", "Name it.")
    column = declared.column(repair.column)
    _require(
        not column.is_key,
        f"Column '{column.name}' tells the rows of '{declared.name}' apart and cannot be changed.",
        "Drop the row, merge the item, or correct the source.",
    )
    if repair.kind != "set":
        _require(
            column.dtype == pl.Float64(),
            f"Column '{column.name}' holds no quantities to {repair.kind}.",
            "Set it instead.",
        )
        _require(repair.value is not None, f"The value of the {repair.kind} is missing.", "Give it.")


def _number(value: Value, name: str) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    _require(
        math.isfinite(number), f"The {name} '{value}' is not a number.", "Write it with a decimal point."
    )
    return number


def _typed(column: Column, value: Value) -> Value:
    """Return a value in the type of its column; a date as ISO text."""
    if value is None:
        return None
    if column.dtype in NUMBERS:
        number = _number(value, f"value of '{column.name}'")
        is_whole = column.dtype == pl.Float64() or number.is_integer()
        _require(is_whole, f"Column '{column.name}' takes whole numbers only.")
        return number
    if column.dtype == pl.Boolean():
        words = {"true": True, "false": False}
        _require(str(value).lower() in words, f"Column '{column.name}' is true or false, not '{value}'.")
        return words[str(value).lower()]
    if column.dtype == pl.Date():
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError as error:
            what = f"Column '{column.name}' takes a date, and '{value}' is none."
            raise InputError(what, remedy="Write it like 2026-11-21.") from error
    return str(value)


def _in_range(column: Column, value: Value) -> None:
    """Refuse a value that the column's declaration does not allow."""
    if value is None:
        what = f"Column '{column.name}' may not be unknown."
        _require(column.null != "required", what, "Give a value, or drop the row.")
        return
    if column.choices:
        what = f"Column '{column.name}' cannot be '{value}'."
        _require(value in column.choices, what, f"Choose one of {', '.join(column.choices)}.")
    if column.dtype in NUMBERS:
        low = -math.inf if column.min is None else column.min
        high = math.inf if column.max is None else column.max
        span = f"is at least {low:g}" if high == math.inf else f"lies between {low:g} and {high:g}"
        what = f"Column '{column.name}' {span}; {_word(value)} does not fit."
        _require(low <= float(value) <= high, what)


def _word(value: Value) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
