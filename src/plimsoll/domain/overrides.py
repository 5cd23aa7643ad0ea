"""An override: a value that a person sets over the computed one, with scope, reason and expiry."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal, get_args

from plimsoll.domain.decisions import REASONS
from plimsoll.domain.errors import InputError, did_you_mean

Kind = Literal["target", "lead_time", "policy", "forecast"]
Value = float | str | bool
KINDS: tuple[Kind, ...] = get_args(Kind)
TARGET_KINDS = ("cycle", "fill", "economic")
LONGEST_TEXT = 2000  # characters of a reason
SCOPE = ("item_id", "location_id", "from_location_id", "category")
# What part of a scope weighs when two overrides meet: the larger sum is the narrower scope.
NARROWNESS = {"item_id": 8, "from_location_id": 4, "location_id": 2, "category": 1}


@dataclass(frozen=True, slots=True)
class Field:
    """A value that can be set: unit and meaning in words, and the numbers it may be.

    `slot` : overrides of the same slot exclude each other; of several the narrowest, then latest, counts.
    `above` : whether the least number itself is refused.
    """

    slot: str
    unit: str
    meaning: str
    low: float = 0.0
    high: float = math.inf
    above: bool = False


FIELDS: dict[Kind, dict[str, Field]] = {
    "target": {
        "service": Field("service", "share", "service target", 0.0, 1.0, above=True),
        "kind": Field("kind", "", "kind of target: cycle, fill or economic"),
    },
    "lead_time": {
        "days": Field("days", "days", "mean lead time from order to usable stock", 0.0, 3660.0),
    },
    "policy": {
        "reorder_point": Field("reorder_point", "units", "reorder point s", -math.inf),
        "order_up_to": Field("order_up_to", "units", "order-up-to level S", -math.inf),
        "lot": Field("lot", "units", "lot before minimum and multiple", above=True),
        "review_days": Field("review_days", "days", "days between reviews", 0.0, 3660.0),
        "min_order": Field("min_order", "units", "smallest order"),
        "order_multiple": Field("order_multiple", "units", "order multiple; 0 for any quantity"),
        "do_not_stock": Field("do_not_stock", "", "whether to leave it out of planning"),
    },
    "forecast": {
        "per_day": Field("rate", "units per day", "expected demand a day"),
        "per_week": Field("rate", "units per week", "expected demand a week"),
        "per_month": Field("rate", "units per month", "expected demand a month of 30.4 days"),
        "factor": Field("rate", "ratio", "factor on the computed demand", 0.0, 100.0),
    },
}


@dataclass(frozen=True, slots=True)
class Override:
    """One value set by a person over a computed one, for all points or lanes in its scope.

    `item_id`, `location_id`, `from_location_id`, `category` : the scope; those not given do not limit it.
    `start`, `end` : days of demand, both counted, to which a forecast applies; open where not given.
    `expires_at` : last day, by the clock, on which it counts.
    `value_old` : what was computed when it was set; None where its scope holds several values.
    """

    kind: Kind
    field: str
    value: Value
    reason_code: str
    reason_text: str = ""
    item_id: str | None = None
    location_id: str | None = None
    from_location_id: str | None = None
    category: str | None = None
    start: date | None = None
    end: date | None = None
    expires_at: date | None = None
    value_old: Value | None = None
    author: str = ""
    id: str = ""
    created_at: datetime | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_why: str = ""

    @property
    def slot(self) -> str:
        """What it sets; two overrides of one slot exclude each other."""
        return f"{self.kind}.{FIELDS[self.kind][self.field].slot}"

    @property
    def scope(self) -> dict[str, str]:
        """The parts of the scope that are given."""
        return {name: getattr(self, name) for name in SCOPE if getattr(self, name) is not None}

    def status(self, at: datetime) -> str:
        """Return in_force, later, expired or withdrawn as of an instant.

        Examples
        --------
        >>> noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
        >>> brief = Override("target", "service", 0.99, "cash", created_at=noon, expires_at=date(2026, 5, 2))
        >>> [brief.status(datetime(2026, 5, day, 13, tzinfo=UTC)) for day in (1, 2, 3)]
        ['in_force', 'in_force', 'expired']
        """
        if self.withdrawn_at is not None and self.withdrawn_at <= at:
            return "withdrawn"
        if self.created_at is not None and self.created_at > at:
            return "later"
        if self.expires_at is not None and at.astimezone(UTC).date() > self.expires_at:
            return "expired"
        return "in_force"

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for manifest, log and JSON; what is not known is left out."""
        data = {name: getattr(self, name) for name in self.__slots__}
        texts = {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in data.items()
            if value is not None and value != ""
        }
        return {"id": texts.pop("id", ""), **texts}

    def __str__(self) -> str:
        unit = FIELDS[self.kind][self.field].unit
        value = f"{self.value:g}" if isinstance(self.value, float) else str(self.value)
        days = f", {self.start or '…'} to {self.end or '…'}" if self.start or self.end else ""
        return f"{self.kind} {self.field} = {value} {unit}".rstrip() + f" {named(self.scope)}{days}"


def named(scope: Mapping[str, str]) -> str:
    """Return a scope in words.

    Examples
    --------
    >>> named({"item_id": "A", "from_location_id": "ACME"}), named({})
    ('for item A from ACME', 'for everything')
    """
    words = {"item_id": "item", "location_id": "at", "from_location_id": "from", "category": "category"}
    parts = [f"{words[name]} {scope[name]}" for name in words if name in scope]
    said = " ".join(parts) or "everything"
    return f"for all {said}" if said.startswith(("at ", "from ")) else f"for {said}"


def checked(override: Override, *, at: datetime) -> Override:
    """Return the override with a clean value and scope, or refuse it with what is wrong.

    Parameters
    ----------
    override : as a person gave it; its value may be a text
    at : the moment it is set

    Raises
    ------
    InputError
        Unknown kind, field or reason; a value out of range or no number; a scope that makes no sense for
        the kind; an interval or expiry in the past.

    Examples
    --------
    >>> now = datetime(2026, 5, 1, tzinfo=UTC)
    >>> checked(Override("lead_time", "days", "-3", "cash", author="Kim"), at=now)
    Traceback (most recent call last):
    plimsoll.domain.errors.InputError: A mean lead time ... of -3 days is not usable. ...
    """
    _known(override.kind, KINDS, "kind of override")
    _known(override.field, FIELDS[override.kind], f"value of kind {override.kind} to set")
    _known(override.reason_code, REASONS, "reason")
    text = override.reason_text.strip()
    if override.reason_code == "other" and not text:
        what = "The reason 'other' needs a few words."
        raise InputError(what, why="Nobody can judge it later.", remedy="Say why.")
    if len(text) > LONGEST_TEXT:
        what = f"The reason has {len(text):,} characters; {LONGEST_TEXT:,} are the most."
        raise InputError(what)
    if not override.author.strip():
        what = "An override needs an author."
        raise InputError(what, remedy="Say who sets it.")
    scope = {name: (getattr(override, name) or "").strip() or None for name in SCOPE}
    clean = replace(override, value=_value(override), reason_text=text, **scope)  # type: ignore[arg-type]
    _check_scope(clean)
    _check_days(clean, at)
    return clean


def _known(word: object, known: Any, what: str) -> None:
    if not isinstance(word, str) or word not in known:
        hint = did_you_mean(str(word), known) or f"Known: {', '.join(known)}."
        what = f"There is no {what} '{word}'."
        raise InputError(what, remedy=hint)


def _value(override: Override) -> Value:
    """Return the value as its field needs it."""
    value, declared = override.value, FIELDS[override.kind][override.field]
    if override.field == "kind":
        _known(value, TARGET_KINDS, "kind of target")
        return str(value)
    if override.field == "do_not_stock":
        words = {"true": True, "false": False, "yes": True, "no": False}
        if str(value).lower() not in words:
            what = f"do_not_stock is yes or no, not '{value}'."
            raise InputError(what)
        return words[str(value).lower()]
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    low, high = declared.low, declared.high
    inside = (low < number if declared.above else low <= number) and number <= high
    if not (math.isfinite(number) and inside):
        limits = f"above {low:g}" if declared.above else ("" if low == -math.inf else f"at least {low:g}")
        limits += f" and at most {high:g}" if high < math.inf else ""
        what = f"A {declared.meaning} of {value} {declared.unit} is not usable."
        remedy = f"Give a number{' ' if limits else ''}{limits.removeprefix(' and ')}."
        if override.field == "service" and 1.0 < number <= 100.0:
            remedy += f" For {number:g} % write {number / 100:g}."
        raise InputError(what, remedy=remedy)
    return number


def _check_scope(override: Override) -> None:
    scope = override.scope
    if override.field in ("reorder_point", "order_up_to") and not {"item_id", "location_id"} <= set(scope):
        what = f"A {FIELDS['policy'][override.field].meaning} belongs to one item at one location."
        why = "Units of different items are not comparable."
        raise InputError(what, why=why, remedy="Name both item and location.")
    absolute = override.kind == "forecast" and override.field != "factor"
    if (absolute or override.field in ("lot", "order_multiple", "min_order")) and "item_id" not in scope:
        what = f"{FIELDS[override.kind][override.field].meaning.capitalize()} in units needs an item."
        remedy = "Name the item." + (" Or give a factor." if absolute else "")
        raise InputError(what, why="Units of different items are not comparable.", remedy=remedy)
    if "item_id" in scope and "category" in scope:
        what = "A scope of both item and category says the same twice."
        raise InputError(what, remedy="Name the item only.")


def _check_days(override: Override, at: datetime) -> None:
    today = at.astimezone(UTC).date()
    if override.expires_at is not None and override.expires_at < today:
        what = f"The override would have expired on {override.expires_at}, before today ({today})."
        raise InputError(what, remedy="Give a later expiry, or none.")
    if override.kind != "forecast" and (override.start or override.end):
        what = f"Only a forecast has days from and to; a {override.kind} counts until it expires."
        raise InputError(what, remedy="Give an expiry instead.")
    if override.start and override.end and override.end < override.start:
        what = f"The forecast ends on {override.end}, before it begins on {override.start}."
        raise InputError(what, remedy="Exchange the two days.")


def check_together(override: Override, standing: list[Override]) -> None:
    """Refuse an override that contradicts one in force for the same scope.

    A later override of the same slot and scope takes the place of the earlier; what is refused are values
    that no rule can keep together: a reorder point not below its order-up-to level.
    """
    other = {"reorder_point": "order_up_to", "order_up_to": "reorder_point"}.get(override.field)
    beside = [each for each in standing if each.field == other and each.scope == override.scope]
    if not beside:
        return
    latest = max(beside, key=lambda each: (each.created_at or datetime.min.replace(tzinfo=UTC), each.id))
    values = {override.field: override.value, latest.field: latest.value}
    if float(values["reorder_point"]) >= float(values["order_up_to"]):
        what = (
            f"A reorder point of {values['reorder_point']:g} is not below the order-up-to level of "
            f"{values['order_up_to']:g}."
        )
        why = f"{latest.id} sets {latest.field} there already, by {latest.author}."
        raise InputError(what, why=why, remedy="Withdraw that one first, or choose another value.")
