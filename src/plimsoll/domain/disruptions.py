"""A disruption: one change that comes unasked, with the probability that it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.scenarios import Change, document, read

KINDS = ("outage", "delay", "demand")
MOST = 2000


@dataclass(frozen=True, slots=True)
class Disruption:
    """What happens, to whom, and how likely within a year."""

    name: str
    probability: float
    change: Change

    @property
    def subject_kind(self) -> str:
        """What is disrupted, by the scope of the change: supplier, lane, customer or mixed."""
        scope = set(self.change.scope)
        kinds = {frozenset({"from"}): "supplier", frozenset({"from", "location"}): "lane"}
        kinds[frozenset({"customer"})] = "customer"
        return kinds.get(frozenset(scope), "mixed")

    @property
    def subject(self) -> str:
        """The supplier, the lane as from > to, the customer, or the scope in words."""
        scope = self.change.scope
        if self.subject_kind == "mixed":
            return ", ".join(f"{part} {name}" for part, name in scope.items()) or "everything"
        return " > ".join(scope[part] for part in ("customer", "from", "location") if part in scope)


def disruptions_in(text: str, where: str = "The document") -> tuple[Disruption, ...]:
    r"""Return the disruptions that a TOML document lists under [[disruption]].

    Each has a name, a probability a year, and the fields of a change of kind outage, delay or demand.

    Raises
    ------
    InputError : no TOML, an unknown field, a name twice, a probability that is none, another kind

    Examples
    --------
    >>> fire = 'name = "fire"\nprobability = 0.02\nkind = "outage"\nfrom = "ACME"\ndays = 30'
    >>> disruptions_in("[[disruption]]\n" + fire)[0].subject
    'ACME'
    """
    data = document(text, where)
    listed = data.get("disruption")
    unknown = next((name for name in data if name != "disruption"), None)
    if unknown is not None or not isinstance(listed, list) or not 1 <= len(listed) <= MOST:
        what = f"{where} does not list 1 to {MOST:,} disruptions."
        remedy = did_you_mean(str(unknown), ["disruption"]) or "Begin each with a line [[disruption]]."
        raise InputError(what, remedy=remedy)
    found = tuple(_one(each, number) for number, each in enumerate(listed, 1))
    names = [each.name for each in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        what = f"Two disruptions are named '{twice}'."
        raise InputError(what, remedy="Give each its own name.")
    return found


def _one(data: object, number: int) -> Disruption:
    if not isinstance(data, Mapping):
        what = f"Disruption {number} is not a table."
        raise InputError(what, remedy="Begin each with a line [[disruption]].")
    fields: dict[str, Any] = dict(data)
    name, probability = fields.pop("name", None), fields.pop("probability", None)
    if not isinstance(name, str) or not name.strip() or len(name) > 80:
        what = f"Disruption {number} has no name of 1 to 80 characters."
        raise InputError(what, remedy='Write name = "…".')
    is_number = isinstance(probability, int | float) and not isinstance(probability, bool)
    if not is_number or not 0 <= probability <= 1:
        what = f"Disruption '{name}' has no probability a year from 0 to 1."
        raise InputError(what, remedy="Write probability = 0.05.")
    change = read({"name": "disruption", "change": [fields]}).changes[0]
    if change.kind not in KINDS:
        what = f"Disruption '{name}' is of kind {change.kind}; a stress test knows {', '.join(KINDS)}."
        raise InputError(what, remedy="Run it as a scenario.")
    return Disruption(name.strip(), float(probability), change)
