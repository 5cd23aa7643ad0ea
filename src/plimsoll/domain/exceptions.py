"""What asks for a planner's attention: kinds of exceptions, their words, and how often such prove right."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of exception: its meaning, and how often it proves right before anybody has said so.

    `prior`: expected share of exceptions of this kind that prove right, a house value: high where a test with
    a stated rate of false alarms stands behind it, low where only size speaks. It counts as `PRIOR_WEIGHT`
    closed exceptions, so that the company's own soon outweigh it.
    """

    meaning: str
    prior: float


PRIOR_WEIGHT = 8.0  # closed exceptions that the house value counts as
KINDS: Mapping[str, Kind] = {
    "stockout": Kind("Stock is expected to run out before the next order can come", 0.7),
    "late_supply": Kind("What is on order does not come as it used to, or is overdue and missed", 0.8),
    "demand_change": Kind("Demand changed its level and the plan does not hold all of it yet", 0.6),
    "lead_time_change": Kind("Orders take longer than they used to", 0.85),
    "excess": Kind("Stock on order is more than will be needed", 0.6),
    "policy_jump": Kind("A level changed a lot since the plan before", 0.4),
    "data_fault": Kind("Doubtful data move money in today's plan", 0.6),
    "outside_limits": Kind("An order of today is out of all proportion to the past", 0.4),
}
# How an exception ended: code -> words. Those that proved right raise the rank of their kind.
OUTCOMES: Mapping[str, str] = {
    "acted": "We acted on it",
    "materialised": "It happened all the same",
    "did_not_materialise": "It did not happen",
    "not_needed": "It was nothing",
}
# Changes outside the company: told even where other exceptions cost more before the next review.
NEWS = ("lead_time_change", "demand_change")
RIGHT = frozenset({"acted", "materialised"})


def is_right(outcome: str) -> bool:
    """Return whether an exception that ended so was worth attention."""
    return outcome in RIGHT


@dataclass(frozen=True, slots=True)
class Words:
    """One cause: its kind, what its subject is, and what is said; {names} are filled in row by row."""

    kind: str
    subject_kind: str
    title: str
    seen: str
    action: str


# A cause is finer than a kind: a supplier that stops and one with overdue orders are both late supply.
WORDS: Mapping[str, Words] = {
    "supplier_stopped": Words(
        "late_supply",
        "supplier",
        "{subject} has stopped delivering",
        "Nothing of {subject} has come since {since}, where {expected} orders were to be expected by the "
        "lead times it used to have; chance does that once in {odds} runs. Without its orders, waiting for "
        "the next review {review} loses {money} of demand at {points}.",
        "Call {subject} today; order elsewhere what runs out first.",
    ),
    "supplier_slow": Words(
        "lead_time_change",
        "supplier",
        "{subject} delivers {longer} later than it used to",
        "Of {expected} orders of {subject} that should have come since {since}, {came} have; chance does "
        "that once in {odds} runs. If orders take {factor} times as long, waiting for the next review "
        "{review} loses {money} of demand at {points}.",
        "Ask {subject} for new dates; set the lead time if they stay.",
    ),
    "lane_stopped": Words(
        "late_supply",
        "lane",
        "Nothing comes from {origin} to {place}",
        "Nothing has come from {origin} to {place} since {since}, where {expected} orders were to be "
        "expected, while {origin} delivers elsewhere as before; chance does that once in {odds} runs. "
        "Without these orders, waiting for the next review {review} loses {money} of demand at {points}.",
        "Ask {origin} and the carrier what holds up the way to {place}; send from another place.",
    ),
    "lane_slow": Words(
        "lead_time_change",
        "lane",
        "From {origin} to {place} orders take {longer} longer",
        "Of {expected} orders from {origin} that should have reached {place} since {since}, {came} have, "
        "while {origin} delivers elsewhere as before; chance does that once in {odds} runs. If orders take "
        "{factor} times as long, waiting for the next review {review} loses {money} of demand at {points}.",
        "Ask {origin} and the carrier for new dates; set the lead time of the lane if they stay.",
    ),
    "customer_more": Words(
        "demand_change",
        "customer",
        "{subject} asks for {factor} times as much",
        "{subject} has asked for {factor} times as much as usual since {since}, over {n_items}; chance does "
        "that once in {odds} runs. If it stays, waiting for the next review {review} loses {money} of demand "
        "at {points}.",
        "Ask {subject} whether it stays; set a forecast or mark it as an event.",
    ),
    "customer_less": Words(
        "demand_change",
        "customer",
        "{subject} asks for {factor} times as much",
        "{subject} has asked for only {factor} times as much as usual since {since}, over {n_items}; chance "
        "does that once in {odds} runs. Stock planned for it costs {money} to carry.",
        "Ask {subject} whether it stays; postpone what is on order for it.",
    ),
    "item_more": Words(
        "demand_change",
        "item",
        "Demand for {subject} is {factor} times what it was",
        "Demand for {subject} went up to {factor} times what it was, from about {since}; chance does that "
        "once in {odds} runs. The plan expects less: waiting for the next review {review} loses {money} of "
        "demand at {points}.",
        "Find out why, and set a forecast if it stays.",
    ),
    "item_less": Words(
        "demand_change",
        "item",
        "Demand for {subject} is {factor} times what it was",
        "Demand for {subject} went down to {factor} times what it was, from about {since}; chance does that "
        "once in {odds} runs. The plan expects more: carrying what is not asked for costs {money}.",
        "Find out why; postpone what is on order.",
    ),
    "overdue_orders": Words(
        "late_supply",
        "supplier",
        "{orders} of {subject} overdue and missed at {places}",
        "{orders} of {subject} should have come, the first on {since}, and {items} may run out before they "
        "are likely to: waiting for the next review {review} loses {money} of demand at {points}. {subject} "
        "is no later than it usually is.",
        "Ask {subject} for the dates; expedite what is far.",
    ),
    "stockout": Words(
        "stockout",
        "item",
        "{subject} runs out at {places}",
        "Waiting for the next review {review} loses {money} of demand for {subject} at {points}{today}. "
        "{whole}",
        "Expedite what is on order, or move stock to where the shelf is empty.",
    ),
    "excess": Words(
        "excess",
        "item",
        "{orders} too much of {subject}",
        "Of what is on order of {subject}, {units} at {points} exceed the level to order up to: {value} at "
        "cost. What comes before the next review can no longer be stopped, which costs {money} to carry or "
        "write off.",
        "Postpone or cancel {orders}.",
    ),
    "policy_jump": Words(
        "policy_jump",
        "item",
        "The level of {subject} went {direction} at {places}",
        "The level to order up to of {subject} went from {before} to {after} since the plan before, most of "
        "it by {cause}. If that is wrong, it costs {money} before the next review.",
        "Look at what changed; set the value if you know better.",
    ),
    "count": Words(
        "data_fault",
        "point",
        "A count of {item} at {place} does not add up",
        "{note}. The plan believes the count: that moves {money} today.",
        "Count {item} at {place} again before today's order goes out.",
    ),
    "data": Words(
        "data_fault",
        "data",
        "{words}: {n_points} with orders today",
        "{words}. Today's orders of {points} rest on it: {money}.",
        "Look at the rows under data health and accept or refuse the repair.",
    ),
    "outside_history": Words(
        "outside_limits",
        "point",
        "Today's order of {item} at {place} is {factor} times the largest so far",
        "The plan orders {units} of {item} at {place}, for {value}; the largest order there so far was "
        "{usual}. What is above the usual costs {money}.",
        "Check the demand and the lead time behind it before you accept it.",
    ),
    "outside_value": Words(
        "outside_limits",
        "point",
        "Today's order of {item} at {place} is above the limit of value",
        "The plan orders {units} of {item} at {place}, for {value}, which is above the limit of value.",
        "Check it before you accept it.",
    ),
}

# Checks of the audit whose rows move today's orders: code -> words of a title.
DATA_FAULTS: Mapping[str, str] = {
    "negative_on_hand": "Stock below zero",
    "stale_count": "Counts much older than the rest",
    "demand_without_stock": "No stock record",
    "allocated_beyond_stock": "More promised than there is",
    "long_overdue_order": "Orders overdue beyond reason",
    "open_order_received": "Open orders that were received already",
    "demand_unit_mixed": "Demand booked in another unit",
    "demand_spike": "Demand far beyond the usual",
    "moq_out_of_line": "Minimum orders typed in another unit",
    "multiple_out_of_line": "Order multiples typed in another unit",
}

# The causes that a level's change is split into: code -> words.
CHANGES: Mapping[str, str] = {
    "demand": "expected demand",
    "variability": "variability of demand",
    "lead_time": "lead time",
    "target": "service target",
    "lot_review": "lot and review",
    "network": "connected places",
    "override": "what people set",
    "other": "another kind of rule",
    "none": "nothing",
}


@dataclass(frozen=True, slots=True)
class ExceptionsResult:
    """Exceptions of a plan: tables `exception`, `exception_part` and `plan_change` by name."""

    workspace: Path
    run_id: str
    plan_id: str
    as_of: date
    currency: str
    tables: dict[str, pl.DataFrame]
    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return one of the tables."""
        return self.tables[name]
