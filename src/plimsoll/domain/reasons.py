"""Why a line is recommended: the registry of reason codes, each beside the words that say it.

The order of the registry is the order of the codes in `reason_codes` and of the clauses in the
sentence. A template carries its own punctuation in front, so that a sentence is the action, the
clauses of all reasons that apply, and a full stop. A reason with an empty template is data only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

import polars as pl

UNKNOWN_SOURCE = "UNKNOWN"  # the code of where an item comes from when nothing says it


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its code, the clause that says it with {names} of values, and what it means."""

    code: str
    template: str
    meaning: str


# Why a connected place holds what it holds: code of `network_service` -> sentence.
NETWORK_REASONS: Mapping[str, str] = {
    "target_set": "A person set its target, which stays.",
    "holds_for_own_customers": "It holds for its own customers; the places it feeds draw on the same shelf.",
    "holds_more_for_branches": "It holds more than alone, which saves more at the places it feeds.",
    "holds_less_branches_cover": "It holds less than alone; the places it feeds cover its shortages cheaper.",
    "holds_as_alone": "It holds for the places it feeds what it would hold alone.",
    "covers_source_shortages": "It holds more than alone, to cover the shortages of its source.",
    "source_rarely_short": "Its source is so rarely short that it holds what it would hold alone.",
}

ACTIONS: Mapping[str, str] = {
    "purchase": "Order {quantity} from {source}",
    "transfer": "Move {quantity} from {source}",
    "production": "Make {quantity} at {source}",
}

_ALL = (
    Reason(
        "below_reorder_point",
        ": position {position} is {relation} {level}",
        "The position is at or below the reorder point.",
    ),
    Reason(
        "below_order_up_to",
        ": position {position} is below {level}",
        "The position is below the level that every review orders up to.",
    ),
    Reason(
        "owed_not_stocked",
        ": {promised} owed or promised to customers against {supply} in stock or on order, "
        "and the item is not kept in stock here",
        "Units are owed at a place that does not keep the item; the order covers just what is missing.",
    ),
    Reason(
        "last_buy",
        ": no order is of use after {last_order}, and {limit} in stock and on order are worth having",
        "Demand or supply ends and the last order day is near; what is ordered must last until the end.",
    ),
    Reason(
        "buffer_held",
        ", the demand expected over {interval} ({expected}) plus a buffer of {buffer} for {target}",
        "The level is expected demand over the protection interval plus a safety buffer.",
    ),
    Reason(
        "buffer_none",
        ", the demand expected over {interval}, which is enough for {target}",
        "The level is expected demand alone; the target needs no buffer.",
    ),
    Reason(
        "buffer_negative",
        ", the demand expected over {interval} ({expected}) less {buffer}, which is enough for {target}",
        "The target is met with less than expected demand, since the lot or a low target leaves room.",
    ),
    Reason(
        "buffer_apart",
        ", the level for {target}, with {expected} expected over {interval} and a buffer of {buffer}",
        "The level is not the plain sum of expected demand and buffer: lot, review or rounding moved it.",
    ),
    Reason("buffer_demand", "", "A good part of the buffer covers demand variability."),
    Reason(
        "buffer_lead_time",
        "; {lead_time_part} of the buffer is there because {possessive} lead time varies",
        "A good part of the buffer covers lead-time variability.",
    ),
    Reason("buffer_lot_review", "", "A good part of the buffer comes from lot size and review interval."),
    Reason(
        "buffer_network",
        "; {network_part} of the buffer is there because {source} may have too little itself",
        "A good part of the buffer covers times when the source, a place of ours, is short.",
    ),
    Reason(
        "master_lead_time_stale",
        "; the item master says {typed} where receipts show {measured}",
        "The typed lead time is far from the measured mean.",
    ),
    Reason(
        "lead_time_typed",
        "; the lead time of {measured} is typed, not measured",
        "No receipts tell the lead time; the item master's is used.",
    ),
    Reason(
        "lead_time_assumed",
        "; the lead time of {measured} is assumed, as neither receipts nor item master tell it",
        "Neither receipts nor the item master tell the lead time; the default is used.",
    ),
    Reason(
        "lead_time_set",
        "; the lead time of {measured} was set by a person",
        "A person set the lead time over the estimated one.",
    ),
    Reason(
        "forecast_set",
        "; people expect {set_demand} of that than history does",
        "A person set the forecast, here or at a place that this one feeds.",
    ),
    Reason(
        "level_set",
        "; a person set the level, {set_level} than its target asks for",
        "A person set the reorder point or the order-up-to level.",
    ),
    Reason(
        "economic_lot",
        "; the economic lot is {economic}",
        "The lot is the one with the least yearly cost of ordering and holding.",
    ),
    Reason(
        "moq_raised",
        "; raised from {wanted} by the minimum order of {minimum}",
        "Less would do if the source had no minimum order.",
    ),
    Reason(
        "multiple_rounded",
        "; rounded up to a multiple of {multiple}",
        "The order or its lot was rounded up to whole multiples.",
    ),
    Reason(
        "end_limited",
        "; cut to the {limit} in stock and on order that are worth having before the end",
        "Demand or supply ends; more than this would probably be left over.",
    ),
    Reason(
        "may_be_over",
        "; demand may be over: the chance that nobody asks in the months to come is {over}",
        "Demand may be over, by the early warning of life cycles.",
    ),
    Reason("backlog_owed", "; customers are owed {backlog}", "Units are owed to customers."),
    Reason(
        "called_for",
        "; what it replenishes calls for {called} today",
        "Orders of today by places that it replenishes, or productions that it goes into, take units.",
    ),
    Reason(
        "moved_in",
        "; it counts {moved} moved here from other places",
        "Stock of other places of ours is moved here today and counts as on order.",
    ),
    Reason(
        "source_short",
        "; {source} can send {ship_now} now, and the other {waiting} {when}",
        "The place that sends has too little on hand for all that is called for today.",
    ),
    Reason(
        "source_empty",
        "; {source} has none to send now: it leaves {when}",
        "The place that sends has nothing on hand for this order.",
    ),
    Reason(
        "components_short",
        "; components in stock are enough for {ship_now}",
        "Components kept where it is made do not last for all of today's productions.",
    ),
    Reason(
        "overdue_supply",
        "; {late} on order should have arrived by {late_since}",
        "Open orders are past their due date; they are counted as still to come.",
    ),
    Reason(
        "negative_on_hand",
        "; recorded stock of {recorded} is taken as 0",
        "The stock record is negative, which no shelf can be.",
    ),
    Reason(
        "no_stock_record",
        "; no stock is recorded, so none is counted",
        "There is no stock record up to this day.",
    ),
)

REASONS: Mapping[str, Reason] = {reason.code: reason for reason in _ALL}

MOVE_ACTIONS: Mapping[str, str] = {
    "transshipment": "Move {quantity} from {origin} to {target}",
    "return": "Return {quantity} from {origin} to {target}",
}

_MOVES = (
    Reason(
        "excess_here",
        ": {origin} has {excess} more than it needs, the last of which would be used there in {days}",
        "The place has more than its order-up-to level and the days of demand beyond it that are allowed.",
    ),
    Reason(
        "no_demand_here",
        ": {origin} has {excess} more than it needs and no demand for them",
        "The place has stock that nobody is expected to ask for there.",
    ),
    Reason(
        "purchase_spared",
        ", and {target} would order {wanted} from {source} today",
        "The place that gets it would buy today.",
    ),
    Reason(
        "production_spared",
        ", and {wanted} would be made at {target} today",
        "The place that gets it would start a production today.",
    ),
    Reason(
        "transfer_spared",
        ", and {target} would get {wanted} from {source} today",
        "The place that gets it would be replenished by its source today.",
    ),
    Reason(
        "transfer_waits",
        ", and of the {wanted} that {target} calls for {waiting} would wait at {source}",
        "The place that gets it waits for a source that is short.",
    ),
    Reason(
        "holding_saved",
        "; it saves {holding} of buying and holding",
        "Stock that would lie is used instead of being bought again.",
    ),
    Reason(
        "shortage_avoided",
        "{joined}{shortage} of expected shortage",
        "It comes sooner than the order, or where the next unit is worth more.",
    ),
    Reason("move_cost", " for {cost} of transport", "What the move costs."),
)

MOVE_REASONS: Mapping[str, Reason] = {reason.code: reason for reason in _MOVES}

CHANGE_ACTIONS: Mapping[str, str] = {
    "expedite": "Expedite {order} of {quantity} from {source} to {new_date}",
    "postpone": "Put off {order} of {quantity} from {source} to {new_date}",
    "cancel": "Cancel {order} of {quantity} from {source}",
}

_CHANGES = (
    Reason(
        "needed_before",
        ": it is expected around {expected}, and what is there before it lasts to {needed}",
        "Stock and the orders before it are expected to run out before it comes.",
    ),
    Reason(
        "comes_early",
        ": it comes by {expected}, and what is there before it lasts to {safe} with {sureness} probability",
        "It comes long before it is needed, even if more is asked for than expected.",
    ),
    Reason(
        "not_needed_soon",
        ": what is there before it lasts for {lasting} at the expected demand",
        "It is not needed within the days that an order may come too early.",
    ),
    Reason(
        "nobody_asks",
        ": nobody is expected to ask for it, and {ahead} are there before it",
        "No demand is expected, and what is owed is covered without it.",
    ),
    Reason(
        "left_over",
        ": demand or supply ends, and {surplus} of it would be left over",
        "There is more in stock and on order than is worth having until the end.",
    ),
    Reason(
        "shortage_less",
        "; it avoids {shortage} of expected shortage",
        "Fewer units are expected to be short when it comes sooner.",
    ),
    Reason("holding_less", "; it saves {holding} of holding", "Stock lies for less long."),
    Reason("surplus_less", "; it saves {surplus_money} that would not be used", "Units that nobody needs."),
    Reason("cash_later", "; {cash} are paid later", "Money stays in the company for longer."),
    Reason("cash_kept", "; {cash} are not paid now", "Money stays in the company."),
    Reason("change_cost", "; it costs {cost}", "What the change costs."),
)

CHANGE_REASONS: Mapping[str, Reason] = {reason.code: reason for reason in _CHANGES}

_SUPPLIERS = (
    Reason(
        "minimum_met",
        "{source} takes no order below {minimum}, and today's lines come to {needed}",
        "Today's lines reach the supplier's minimum by themselves.",
    ),
    Reason(
        "minimum_pulled",
        "{source} takes no order below {minimum}; today's lines come to {needed}, and lines for {early} are "
        "ordered early",
        "Lines that would be ordered soonest are ordered today to reach the minimum.",
    ),
    Reason(
        "minimum_waits",
        "{source} takes no order below {minimum}; today's lines come to {needed}, so they wait until {until}",
        "The order waits until enough is needed from the supplier.",
    ),
    Reason(
        "minimum_unreached",
        "{source} takes no order below {minimum}; today's lines come to {needed}, and nothing says when the "
        "rest is needed",
        "The minimum is not reached by all that is expected to be ordered.",
    ),
    Reason(
        "container_full",
        "{container} is {fill} full",
        "What is ordered fills the last container well enough.",
    ),
    Reason(
        "container_filled",
        "lines for {filling} are ordered early, so that {container} is {fill} full",
        "Lines that would be ordered soonest fill the last container.",
    ),
    Reason(
        "container_partly",
        "{container} is {fill} full, and no line that is needed soon enough would fill it",
        "The last container goes partly filled.",
    ),
    Reason(
        "container_not_measured",
        "how full the containers are is not known: the {measure} of {unmeasured} is not given",
        "The weight or volume of an item is not known.",
    ),
    Reason(
        "order_weekday",
        "{source} takes orders on {weekday}s only, next on {until}",
        "The supplier takes orders on one day of the week.",
    ),
    Reason("wait_cost", "waiting may cost {wait_cost} of shortage", "What may run short meanwhile."),
    Reason("pull_cost", "holding what is ordered early costs {pull_cost}", "What ordering early costs."),
)

SUPPLIER_REASONS: Mapping[str, Reason] = {reason.code: reason for reason in _SUPPLIERS}

_LINES = (
    Reason(
        "pulled_for_minimum",
        "pulled forward {days} to reach the minimum order of {source}, holding {holding}",
        "Ordered before it is needed, to reach the supplier's minimum order.",
    ),
    Reason(
        "pulled_for_container",
        "pulled forward {days} to fill container {number} of {source}, holding {holding}",
        "Ordered before it is needed, to fill a container.",
    ),
    Reason(
        "waits_for_minimum",
        "; today's orders to {source} are below its minimum, so it waits until {until}",
        "The supplier's minimum order is not reached yet.",
    ),
    Reason(
        "below_minimum",
        "; today's orders to {source} are below its minimum, and nothing says when it is reached",
        "The supplier's minimum order is not reached by what is expected to be ordered.",
    ),
    Reason(
        "waits_for_weekday",
        "; {source} takes orders on {weekday}s only, so it waits until {until}",
        "The supplier takes orders on one day of the week.",
    ),
)

# Why a line is ordered before it is needed, or waits for its supplier.
LINE_REASONS: Mapping[str, Reason] = {reason.code: reason for reason in _LINES}


def names_in(template: str) -> list[str]:
    """Return the names of the values that a template needs, in order.

    Examples
    --------
    >>> names_in(REASONS["moq_raised"].template)
    ['wanted', 'minimum']
    """
    return [name for _, name, _, _ in Formatter().parse(template) if name]


def fill(template: str, values: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return the template as a text expression, row by row; null if one of its values is null.

    Examples
    --------
    >>> frame = pl.DataFrame({"n": ["40"], "at": ["DC1"]})
    >>> words = fill(ACTIONS["transfer"], {"quantity": pl.col("n"), "source": pl.col("at")})
    >>> frame.select(words).item()
    'Move 40 from DC1'
    """
    names = names_in(template)
    if not names:
        return pl.lit(template)
    return pl.format(template.format_map(dict.fromkeys(names, "{}")), *[values[name] for name in names])
