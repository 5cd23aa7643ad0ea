"""A scenario: named changes over a base, as a small document that people write and keep."""

import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal, get_args

from plimsoll.domain.errors import InputError, did_you_mean

Kind = Literal[
    "demand", "season", "delay", "outage", "lane_closed", "cost", "price", "min_order", "target", "goal",
    "budget", "not_kept", "source",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)
METRICS = ("units", "lines", "value", "margin")
SCOPE = ("item", "category", "location", "from", "customer")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
LONGEST_TEXT = 2000  # characters of a note
MOST_CHANGES = 200
LONGEST_DAYS = 3660.0


@dataclass(frozen=True, slots=True)
class Form:
    """What a kind of change takes.

    `amounts` : fields of which exactly one says by how much, with its unit, and the numbers it may be;
        none for a change that is all or nothing
    `scope` : parts of a scope that may be given; `needs` : those that must be
    `dated` : whether it may have days from and to
    """

    meaning: str
    amounts: dict[str, tuple[str, float, float]]
    scope: tuple[str, ...]
    needs: tuple[str, ...] = ()
    dated: bool = False


_GOODS = ("item", "category", "location")
FORMS: dict[Kind, Form] = {
    "demand": Form(
        "customers ask for so many times as much",
        {"factor": ("times", 0.0, 100.0)},
        (*_GOODS, "customer"),
        dated=True,
    ),
    "season": Form("the season comes so many days later", {"days": ("days", -182.0, 182.0)}, _GOODS),
    "delay": Form(
        "all orders take so many days longer, or so many times as long",
        {"days": ("days", -LONGEST_DAYS, LONGEST_DAYS), "factor": ("times", 0.0, 100.0)},
        (*_GOODS, "from"),
    ),
    "outage": Form(
        "a source does nothing for so many days",
        {"days": ("days", 0.0, LONGEST_DAYS)},
        (*_GOODS, "from"),
        ("from",),
        dated=True,
    ),
    "lane_closed": Form("nothing can be ordered this way", {}, (*_GOODS, "from"), ("from",)),
    "cost": Form(
        "a unit costs so many times as much, or so much",
        {"factor": ("times", 0.0, 1000.0), "value": ("money per unit", 0.0, math.inf)},
        ("item", "category", "from"),
    ),
    "price": Form(
        "a unit sells for so many times as much, or so much",
        {"factor": ("times", 0.0, 1000.0), "value": ("money per unit", 0.0, math.inf)},
        ("item", "category"),
    ),
    "min_order": Form(
        "the smallest order is so many times as large, or so large",
        {"factor": ("times", 0.0, 1000.0), "value": ("units", 0.0, math.inf)},
        (*_GOODS, "from"),
    ),
    "target": Form("the service target", {"value": ("share", 1e-6, 1.0 - 1e-9)}, _GOODS),
    "goal": Form(
        "the share of all demand to be served at the least stock", {"value": ("share", 1e-6, 1.0 - 1e-9)}, ()
    ),
    "budget": Form(
        "the most stock in money, served as well as it can", {"value": ("money", 0.0, math.inf)}, ()
    ),
    "not_kept": Form("a place keeps these goods no longer", {}, _GOODS, ("location",)),
    "source": Form(
        "a place is replenished from elsewhere, in so many days where that is known",
        {"days": ("days", 0.0, LONGEST_DAYS)},
        _GOODS,
        ("location",),
    ),
}
OPTIONAL_AMOUNT = ("source",)
EXTRA = {"goal": ("metric",), "budget": ("metric",), "source": ("new_from",)}


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `from_` is the supplier or place that sends; `new_from` the one that is to send.

    `start`, `end` : days of demand, both counted, or the first day of an outage; open where not given.
    """

    kind: Kind
    factor: float | None = None
    value: float | None = None
    days: float | None = None
    item: str | None = None
    category: str | None = None
    location: str | None = None
    from_: str | None = None
    customer: str | None = None
    new_from: str | None = None
    metric: str | None = None
    start: date | None = None
    end: date | None = None

    @property
    def scope(self) -> dict[str, str]:
        """The parts of the scope that are given, by the name that a document uses."""
        data = self.as_data()
        return {name: data[name] for name in SCOPE if name in data}

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data; what is not given is left out."""
        data = {each.name.removesuffix("_"): getattr(self, each.name) for each in fields(self)}
        return {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in data.items()
            if value is not None
        }

    def __str__(self) -> str:
        data = self.as_data()
        form = FORMS[self.kind]
        amounts = [f"{data[name]:g} {unit}" for name, (unit, *_) in form.amounts.items() if name in data]
        where = [
            f"{name.replace('_', ' ')} {data[name]}"
            for name in (*SCOPE, "new_from", "metric")
            if name in data
        ]
        days = [
            f"{word} {data[name]}"
            for name, word in (("start", "from day"), ("end", "to day"))
            if name in data
        ]
        return ", ".join(part for part in (" ".join([self.kind, *amounts]), " ".join(where), *days) if part)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named list of changes, laid over the base in their order.

    Examples
    --------
    >>> surge = read({"name": "surge", "change": [{"kind": "demand", "factor": 1.5, "category": "seals"}]})
    >>> print(surge.changes[0])
    demand 1.5 times, category seals
    >>> read(tomllib.loads(surge.as_toml())) == surge
    True
    """

    name: str
    changes: tuple[Change, ...] = ()
    note: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, in the shape of the document."""
        note = {"note": self.note} if self.note else {}
        return {"name": self.name, **note, "change": [change.as_data() for change in self.changes]}

    def as_toml(self) -> str:
        """Return the document."""
        head = [f"{name} = {_toml(value)}" for name, value in self.as_data().items() if name != "change"]
        parts = [
            "\n".join(["[[change]]", *(f"{name} = {_toml(value)}" for name, value in each.as_data().items())])
            for each in self.changes
        ]
        return "\n\n".join(["\n".join(head), *parts]) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, str):
        # TOML wants the escapes of JSON, and none for letters beyond ASCII.
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in text) + '"'
    return repr(value)


def document(text: str, where: str = "The scenario") -> dict[str, Any]:
    """Return the plain data of a TOML document; text that is none is refused with the line at fault."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what = f"{where} is not valid TOML: {error}."
        raise InputError(what, remedy="Correct that line.") from error


def read(data: Mapping[str, Any]) -> Scenario:
    """Return the scenario that plain data state.

    Raises
    ------
    InputError : an unknown field or kind, with the nearest known one; an amount that is missing, no number
        or out of range; a scope that the kind does not take; days in the wrong order
    """
    _known(data, ("name", "note", "change"), "a scenario")
    name = data.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        what = f"'{str(name)[:80]}' is not usable as the name of a scenario."
        raise InputError(what, remedy="Use up to 60 small letters, digits, - and _.")
    note = data.get("note", "")
    if not isinstance(note, str) or len(note) > LONGEST_TEXT:
        what = f"The note of scenario '{name}' is not a text of at most {LONGEST_TEXT:,} characters."
        raise InputError(what)
    changes = data.get("change", [])
    if not isinstance(changes, list) or not all(isinstance(each, Mapping) for each in changes):
        what = f"The changes of scenario '{name}' are not a list of tables."
        raise InputError(what, remedy="Begin each change with a line [[change]].")
    if len(changes) > MOST_CHANGES:
        what = f"Scenario '{name}' has {len(changes):,} changes; {MOST_CHANGES} are the most."
        raise InputError(what, remedy="Name categories instead of items.")
    return Scenario(name, tuple(_change(each, k) for k, each in enumerate(changes, 1)), note)


def _known(data: Iterable[str], known: Sequence[str], where: str) -> None:
    for name in data:
        if name not in known:
            what = f"There is no '{str(name)[:80]}' in {where}."
            raise InputError(what, remedy=did_you_mean(str(name), known) or f"Known: {', '.join(known)}.")


def _change(data: Mapping[str, Any], number: int) -> Change:
    """Return one change of a document, checked."""
    where = f"change {number}"
    kind = data.get("kind")
    if kind not in KINDS:
        what = f"There is no kind of change '{str(kind)[:80]}' ({where})."
        raise InputError(what, remedy=did_you_mean(str(kind), KINDS) or f"Known: {', '.join(KINDS)}.")
    form: Form = FORMS[kind]
    days = (("start",) if kind == "outage" else ("start", "end")) if form.dated else ()
    extra = EXTRA.get(kind, ())
    _known(data, ("kind", *form.amounts, *form.scope, *extra, *days), f"{where}, of kind {kind}")
    given: dict[str, Any] = {
        name: _text(data[name], name, where) for name in (*form.scope, *extra) if name in data
    }
    for name in (*form.needs, *(("new_from",) if kind == "source" else ())):
        if name not in given:
            what = f"A change of kind {kind} needs '{name}' ({where})."
            raise InputError(what, why=f"It means: {form.meaning}.", remedy=f'Add {name} = "…".')
    if given.get("metric", METRICS[0]) not in METRICS:
        what = f"There is no metric '{given['metric']}' ({where})."
        raise InputError(
            what, remedy=did_you_mean(given["metric"], METRICS) or f"Known: {', '.join(METRICS)}."
        )
    given |= _amount(data, form, kind, where)
    given |= {name: _day(data[name], name, where) for name in days if name in data}
    if "start" in given and "end" in given and given["end"] < given["start"]:
        what = f"It ends on {given['end']}, before it begins on {given['start']} ({where})."
        raise InputError(what, remedy="Exchange the two days.")
    return Change(kind, **{"from_" if name == "from" else name: value for name, value in given.items()})


def _text(value: object, name: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        what = f"'{name}' is not a text ({where})."
        raise InputError(what, remedy=f'Write {name} = "…".')
    return value.strip()


def _amount(data: Mapping[str, Any], form: Form, kind: str, where: str) -> dict[str, float]:
    given = [name for name in form.amounts if name in data]
    if len(given) != 1 and form.amounts and not (kind in OPTIONAL_AMOUNT and not given):
        what = f"A change of kind {kind} needs {' or '.join(form.amounts)}, and one only ({where})."
        raise InputError(what, why=f"It means: {form.meaning}.")
    return {name: _number(data[name], name, *form.amounts[name], where) for name in given}


def _number(value: object, name: str, unit: str, low: float, high: float, where: str) -> float:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not (math.isfinite(number) and low <= number <= high):
        limits = f"at least {low:g}" + (f" and at most {high:g}" if high < math.inf else "")
        if unit == "share":
            limits = (
                f"above 0 and below 1; for {number:g} % write {number / 100:g}"
                if 1 < number <= 100
                else "above 0 and below 1"
            )
        what = f"{name} = {str(value)[:40]} is not usable ({where})."
        raise InputError(what, remedy=f"Give a number of {unit}, {limits}.")
    return number


def _day(value: object, name: str, where: str) -> date:
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        what = f"{name} = {str(value)[:40]} is not a day ({where})."
        raise InputError(what, remedy=f"Write {name} = 2026-03-31.") from error
