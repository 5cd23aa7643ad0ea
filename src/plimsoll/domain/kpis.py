"""The key figures, each defined here and nowhere else: what is divided by what, and where it comes from."""

from dataclasses import dataclass
from typing import Literal

from plimsoll.domain.errors import InputError, did_you_mean

ACTUAL = "actual"  # the source of a ledger that tells what the records say
REPLAY = "replay "  # before the name of a rule, in the source of a ledger that tells what a replay came to
# What figures may be split by -> the column of `kpi_point` (of `kpi_order` for segments).
SPLITS = {
    "company": "",
    "category": "category",
    "class": "abc",
    "variability": "xyz",
    "location": "location_id",
    "supplier": "from_location_id",
    "item": "item_id",
    "segment": "segment",
}
BY = tuple(SPLITS)

COUNTS = "counts of stock (table stock: date, on_hand) at least once a month"
SHIPMENTS = "shipments (table demand: shipped_date, shipped_quantity; promised_date to judge punctuality)"
ORDERS = "customer order numbers (table demand: order_id)"
EXPEDITED = "expedited and freight_cost in table receipts"
PLAN = "a plan (`plimsoll plan`)"
PLANS = "plans of two periods (`plimsoll plan` after each import)"
CHECK = "a check of the forecasts (`plimsoll accuracy`)"
DECIDED = "decisions of people on lines of a plan"


@dataclass(frozen=True, slots=True)
class Kpi:
    """A key figure: `factor` times the sum `top` over the sum `bottom` (over 1 without one).

    Parameters
    ----------
    label : name on screens
    unit : money, share, days, hours or in words
    grain : what is added up: stocking points, customers' orders, forecasts, or runs of the company
    top, bottom : names of sums of `measure.kpis`
    better : which way is better; "none" where neither is
    formula : how it is counted, in words
    origin : the tables that it is from
    needs : what must be imported or run for it
    """

    label: str
    unit: str
    grain: Literal["point", "order", "forecast", "run"]
    top: str
    bottom: str
    better: Literal["up", "down", "none"]
    formula: str
    origin: str
    needs: str
    factor: float = 1.0


KPIS: dict[str, Kpi] = {
    "inventory_value": Kpi(
        "Inventory value", "money", "point", "inventory", "", "down",
        "Mean stock at the end of a day, at cost: a count holds until the next one, carry_days at most. Of "
        "each point over the days known, added over points.",
        "stock", COUNTS,
    ),
    "fill_rate": Kpi(
        "Fill rate", "share", "point", "served_value", "asked_value", "up",
        "Units shipped in time over units ordered by customers, weighed at price. In time: by the promised "
        "day, or without one in the week (month) that asked. Lines not due yet, and lines without a word on "
        "shipment, do not count.",
        "demand", SHIPMENTS,
    ),
    "turns": Kpi(
        "Turns", "per year", "point", "cogs_held", "inventory", "up",
        "Cost of goods sold, of a year, over inventory value; of points whose stock is known. Sold: units "
        "shipped, or asked for where no shipment is on record. Returns are not taken off.",
        "demand, stock", COUNTS,
    ),
    "expedite_spend": Kpi(
        "Expedite spend", "money per year", "point", "expedite", "", "down",
        "Freight of expedited receipts, of a year. In a replay each stock-out that begins is expedited once, "
        "at the cost of the lane.",
        "receipts", EXPEDITED,
    ),
    "days_of_inventory": Kpi(
        "Days of inventory", "days", "point", "inventory", "cogs_held", "down",
        "Inventory value over cost of goods sold of a year, times 365.25.",
        "demand, stock", COUNTS, 365.25,
    ),
    "excess_obsolete_share": Kpi(
        "Excess and obsolete", "share", "point", "excess_obsolete", "held", "down",
        "Stock above what the policy wants: excess, slow and dead, over all stock at cost, by the last plan "
        "of the period.",
        "inventory_health", PLAN,
    ),
    "line_fill_rate": Kpi(
        "Line fill rate", "share", "point", "full_lines", "lines", "up",
        "Customers' order lines shipped in full and in time over all that tell of shipment.",
        "demand", SHIPMENTS,
    ),
    "otif": Kpi(
        "On time in full", "share", "order", "otif_orders", "orders", "up",
        "Orders all of whose lines were shipped in full and in time over orders that tell of it. In a group "
        "or period an order is judged on its lines there.",
        "demand", f"{SHIPMENTS} and {ORDERS}",
    ),
    "perfect_order_rate": Kpi(
        "Perfect orders", "share", "order", "perfect_orders", "orders", "up",
        "Orders on time and in full of which nothing came back: no line of the same order and item is "
        "negative. Damage and papers are not on record and do not count.",
        "demand", f"{SHIPMENTS} and {ORDERS}",
    ),
    "stockout_frequency": Kpi(
        "Stock-outs", "per point and year", "point", "stockouts_begun", "watched_years",
        "down",
        "Times the shelf was empty at a count (or availability flag) after it was not, over the years "
        "between counts no more than carry_days apart.",
        "stock, availability", "two counts of stock, or availability, no more than carry_days apart",
    ),
    "wape": Kpi(
        "Forecast error (WAPE)", "share", "forecast", "wape", "", "down",
        "Absolute errors of the forecasts of interval demand over demand, at cost.", "accuracy", CHECK,
    ),
    "mape": Kpi(
        "Forecast error (MAPE)", "share", "forecast", "mape", "", "down",
        "Mean of absolute error over demand, of forecasts whose interval had demand.", "accuracy", CHECK,
    ),
    "bias": Kpi(
        "Forecast bias", "share", "forecast", "bias", "", "none",
        "Forecast less demand over demand; above 0 the forecast is too high.", "accuracy", CHECK,
    ),
    "pinball": Kpi(
        "Pinball loss", "share", "forecast", "pinball", "", "down",
        "Pinball loss of the distribution of interval demand over demand.", "accuracy", CHECK,
    ),
    "mase": Kpi(
        "Forecast error (MASE)", "ratio", "forecast", "mase", "", "down",
        "Absolute errors over those of repeating the last interval.", "accuracy", CHECK,
    ),
    "calibration_gap": Kpi(
        "Achieved less promised service", "share", "forecast", "calibration_gap", "", "none",
        "Units that the planned levels would have served from stock less units promised, at the targets in "
        "force; below 0 promises are not kept.",
        "calibration", CHECK,
    ),
    "expedite_share": Kpi(
        "Expedite cost of sales", "share", "point", "expedite_cost", "sales_value", "down",
        "Freight of expedited receipts over sales: units shipped (asked for where no shipment is on record) "
        "at the line's price, else the item's.",
        "receipts, demand", EXPEDITED,
    ),
    "service_per_million": Kpi(
        "Fill rate per million of stock", "share per million", "point", "fill", "inventory", "up",
        "Fill rate over inventory value in millions of money.", "demand, stock", f"{COUNTS}, and {SHIPMENTS}",
        1e6,
    ),
    "capital_at_risk": Kpi(
        "Working capital at risk", "money", "point", "at_risk", "", "down",
        "Stock at cost of points whose demand is of class Z or whose lead time varies by more than "
        "volatile_lead_cv of its mean, by the last plan of the period.",
        "inventory_health, target, lead_time_estimate", PLAN,
    ),
    "carrying_cost": Kpi(
        "Carrying cost", "money per year", "point", "carrying", "", "down",
        "Inventory value times the holding rate of the point.", "stock, planning_point", COUNTS,
    ),
    "safety_cover_days": Kpi(
        "Safety stock covers", "days", "point", "buffer", "daily_demand", "none",
        "Safety buffers at cost over expected demand a day at cost, of points held, by the last plan of the "
        "period.",
        "policy, demand_estimate", PLAN,
    ),
    "policy_changes": Kpi(
        "Policy changes", "per point and period", "point", "policy_changes", "policies", "down",
        "Points whose reorder point or order-up-to level moved by more than policy_change_share since the "
        "plan of the period before, over points in both.",
        "policy", PLANS,
    ),
    "override_rate": Kpi(
        "Overrides of planners", "share", "point", "lines_overridden", "lines_decided", "none",
        "Lines that people changed or refused over lines that people decided; what was accepted by rule does "
        "not count.",
        "decisions", DECIDED,
    ),
    "time_to_replan": Kpi(
        "Time to replan", "hours", "run", "replan_hours", "replans", "down",
        "Mean hours from an import that brought new facts to the first plan made of them.",
        "imports, runs", PLAN,
    ),
}  # fmt: skip
FOUR = ("inventory_value", "fill_rate", "turns", "expedite_spend")  # what the board decides on


def kpi(name: str) -> Kpi:
    """Return a key figure by name; an unknown one is answered with the nearest known.

    Examples
    --------
    >>> kpi("turns").unit
    'per year'
    """
    if name not in KPIS:
        what = f"There is no key figure '{name}'."
        raise InputError(what, remedy=did_you_mean(name, KPIS) or f"Known: {', '.join(KPIS)}.")
    return KPIS[name]


def split_column(by: str) -> str:
    """Return the column that figures are split by, empty for the company; an unknown one is refused.

    Examples
    --------
    >>> split_column("class"), split_column("company")
    ('abc', '')
    """
    if by not in SPLITS:
        what = f"Key figures cannot be split by '{by}'."
        raise InputError(what, remedy=did_you_mean(by, BY) or f"Use {', '.join(BY)}.")
    return SPLITS[by]
