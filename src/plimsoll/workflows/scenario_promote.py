"""A scenario becomes part of the base: as overrides, options and repairs, on record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll import scenarios
from plimsoll.domain.decisions import REASONS, reason_given
from plimsoll.domain.errors import InputError, PlimsollError, first_keys
from plimsoll.domain.overrides import Override
from plimsoll.domain.people import Person, require
from plimsoll.domain.repairs import Condition, Repair
from plimsoll.domain.scenarios import Change, Scenario
from plimsoll.store import scenarios as store
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.options import set_option
from plimsoll.workflows.overrides import set_overrides
from plimsoll.workflows.repairs import add_repair
from plimsoll.workflows.scenario import scenario_of
from plimsoll.workflows.scenario_rerun import Base, read_base

MOST_LANES = 500
# Changes that stay what they are, a thought: why, and what to do instead.
ONLY_WHAT_IF = {
    "season": ("Seasons are estimated from the history.", "Import the history that shows the new season."),
    "outage": (
        "An outage passes, and what is set in the base stays.",
        "Set the lead time while it lasts, with an expiry: `plimsoll override WORKSPACE set lead_time`.",
    ),
    "lane_closed": (
        "Lanes are data of your own system, and receipts would bring it back.",
        "Take the lane out there, and import again.",
    ),
    "source": (
        "Lanes are data of your own system.",
        "Give the new lane the lowest priority number there, and import again.",
    ),
}


@dataclass(frozen=True, slots=True)
class Promoted:
    """What became of each change, in order: what was done, or why it was not; the next plan reads it."""

    scenario: Scenario
    done: tuple[str, ...]
    refused: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {"scenario": self.scenario.name, "done": list(self.done), "refused": list(self.refused)}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a change asks of the base; `refused` says why it cannot be."""

    overrides: tuple[Override, ...] = ()
    repairs: tuple[Repair, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    refused: str = ""

    @property
    def needs(self) -> str:
        """The action that a person must be allowed."""
        return "set" if self.repairs or self.options else "override"


def promote_scenario(
    folder: Path,
    name: str,
    who: Person,
    *,
    at: datetime,
    reason: str,
    text: str = "",
    partly: bool = False,
) -> Promoted:
    """Make the changes of a scenario part of the base, from the next plan on.

    | change | becomes |
    |---|---|
    | demand, not of one customer | an override of the forecast, with its days |
    | delay | an override of the mean lead time of every lane in its scope |
    | target, not_kept | an override |
    | min_order, an amount for one item | an override |
    | cost, price | a repair: the value set, or times the factor |
    | goal, budget | an option of the targets |
    | season, outage, lane_closed, source | refused: belongs into the data, or passes |

    Parameters
    ----------
    reason : code of the reason, as of overrides; `text` says it in words
    partly : make what can be part of the base so, and leave the rest

    Raises
    ------
    InputError : a change cannot be promoted and `partly` is false, or none can; nothing is done
    Forbidden : the role does not allow one of them; nothing is done
    """
    code, words = reason_given(reason, text, required=True)
    scenario = scenario_of(folder, name, who)
    with Workspace.open(folder) as workspace:
        base = read_base(workspace)
        scenarios.check_names(scenario, base.tables["planning_point"], base.known)
    wishes = [_wish(each, base, code, words or f"scenario {name}", who) for each in scenario.changes]
    refused = tuple(
        f"{each}: {wish.refused}" for each, wish in zip(scenario.changes, wishes, strict=True) if wish.refused
    )
    if (refused and not partly) or len(refused) == len(wishes):
        first = refused[0] if refused else "It has none."
        what = f"{len(refused)} of {len(wishes)} changes of scenario '{name}' cannot become part of the base."
        remedy = "Take them out, or promote the rest with --partly." if 0 < len(refused) < len(wishes) else ""
        raise InputError(what, why=first, remedy=remedy, done="Nothing was changed.")
    for wish in wishes:
        if not wish.refused:
            require(who, wish.needs)
    _try_all(folder, wishes, who, at)
    done = [_done(folder, wish, who, at, words or REASONS[code]) for wish in wishes if not wish.refused]
    with Workspace.open(folder) as workspace:
        store.record_promotion(workspace, name, who.username, done, at=at)
    return Promoted(scenario, tuple(done), refused)


def _try_all(folder: Path, wishes: list[_Wish], who: Person, at: datetime) -> None:
    """Refuse before anything is written what could not be recorded."""
    for wish in wishes:
        if wish.overrides:
            _raise_first(set_overrides(folder, wish.overrides, who, at=at, is_trial=True))
        for repair in wish.repairs:
            add_repair(folder, repair, at=at, record=False)


def _raise_first(answers: list[Any]) -> None:
    failed = next((each for each in answers if isinstance(each, PlimsollError)), None)
    if failed is not None:
        raise failed


def _done(folder: Path, wish: _Wish, who: Person, at: datetime, why: str) -> str:
    """Record one wish, and say what was done."""
    if wish.overrides:
        answers = set_overrides(folder, wish.overrides, who, at=at)
        _raise_first(answers)
        names = [each.override.id for each in answers if not isinstance(each, PlimsollError)]
        return f"{'Override' if len(names) == 1 else 'Overrides'} {first_keys(names)}: {wish.overrides[0]}"
    if wish.repairs:
        rules = [rule for each in wish.repairs for rule in add_repair(folder, each, at=at).rules]
        ids = first_keys(rule.id for rule in rules)
        return f"{'Repair' if len(rules) == 1 else 'Repairs'} {ids}: {rules[0]}"
    for name, value in wish.options.items():
        set_option(folder, "targets", name, value, who, reason=why, at=at)
    told = ", ".join(f"{name} = {value}" for name, value in wish.options.items() if value is not None)
    return f"Option [targets] {told}"


def _wish(change: Change, base: Base, code: str, text: str, who: Person) -> _Wish:
    if change.kind in ONLY_WHAT_IF:
        why, remedy = ONLY_WHAT_IF[change.kind]
        return _Wish(refused=f"{why} {remedy}")
    if change.kind in ("goal", "budget"):
        other = "budget" if change.kind == "goal" else "goal"
        metric = {} if change.metric is None else {"portfolio_metric": change.metric}
        return _Wish(options={f"portfolio_{other}": None, f"portfolio_{change.kind}": change.value} | metric)
    return _WISHES[change.kind](change, base, (code, text, who.username))


Reason = tuple[str, str, str]


def _override(change: Change, kind: Any, field_name: str, value: Any, reason: Reason) -> Override:
    code, text, author = reason
    return Override(
        kind,
        field_name,
        value,
        code,
        text,
        item_id=change.item,
        location_id=change.location,
        category=change.category,
        start=change.start,
        end=change.end,
        author=author,
    )


def _demand(change: Change, base: Base, reason: Reason) -> _Wish:
    if change.customer is not None:
        why = "A forecast is set for items and places, and not for one customer."
        return _Wish(refused=f"{why} Import it as a known event, or name the items it is about.")
    if change.end is not None and change.end <= base.as_of:
        return _Wish(refused="It is over.")
    return _Wish((_override(change, "forecast", "factor", change.factor, reason),))


def _delay(change: Change, base: Base, reason: Reason) -> _Wish:
    points = base.tables["planning_point"].select("item_id", "category").unique("item_id", keep="first")
    lanes = base.tables["lead_time_estimate"]
    later = scenarios.delayed_lanes(lanes, points, Scenario("delay", (change,)), as_of=base.as_of)
    told = later.rename({"to_location_id": "location_id"}).join(
        points, on="item_id", how="left", maintain_order="left"
    )
    mine = told.filter(scenarios.within(change)).select(
        "item_id", "location_id", "from_location_id", "mean_days_est"
    )
    if mine.height > MOST_LANES:
        why = f"It is about {mine.height:,} lanes; {MOST_LANES} are the most that are set one by one."
        return _Wish(refused=f"{why} Name less in its scope, or correct the lead times in the data.")
    code, text, author = reason
    rows = mine.sort(pl.all()).iter_rows()
    return _Wish(
        tuple(
            Override(
                "lead_time", "days", days, code, text,
                item_id=item, location_id=place, from_location_id=source, author=author,
            )
            for item, place, source, days in rows
        )
    )  # fmt: skip


def _target(change: Change, base: Base, reason: Reason) -> _Wish:
    return _Wish((_override(change, "target", "service", change.value, reason),))


def _not_kept(change: Change, base: Base, reason: Reason) -> _Wish:
    return _Wish((_override(change, "policy", "do_not_stock", True, reason),))


def _min_order(change: Change, base: Base, reason: Reason) -> _Wish:
    if change.item is None or change.value is None or change.from_ is not None:
        why = "A least order is set in units, for one item, whatever its source."
        return _Wish(refused=f"{why} Give a value for an item, or correct the lanes in the data.")
    return _Wish((_override(change, "policy", "min_order", change.value, reason),))


def _money(change: Change, base: Base, reason: Reason) -> _Wish:
    column = "unit_price" if change.kind == "price" else "unit_cost"
    tables = ["items"] if change.from_ is None else ["lanes"]
    lanes = scenarios.lanes_of(base.known["lanes"], base.tables["planning_point"])
    listed = lanes.with_columns(base.known["lanes"]["unit_cost"]).filter(scenarios.within(change))[
        "unit_cost"
    ]
    if change.kind == "cost" and change.from_ is None and listed.count():
        tables.append("lanes")  # prices of lanes go before the standard cost
    if "lanes" in tables and change.category is not None:
        return _Wish(refused="A repair of lanes cannot look at the category. Name items instead.")
    columns = {"item": "item_id", "category": "category", "from": "from_location_id"}
    match = tuple(Condition(columns[part], "=", value) for part, value in change.scope.items())
    _, text, author = reason
    kind: Any = "set" if change.factor is None else "convert"
    value = change.value if change.factor is None else change.factor
    return _Wish(repairs=tuple(Repair(kind, name, match, author, text, column, value) for name in tables))


_WISHES: dict[str, Callable[[Change, Base, Reason], _Wish]] = {
    "demand": _demand,
    "delay": _delay,
    "target": _target,
    "not_kept": _not_kept,
    "min_order": _min_order,
    "cost": _money,
    "price": _money,
}
