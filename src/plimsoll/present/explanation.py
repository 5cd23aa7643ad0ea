"""One stocking point explained: the four questions and their answers in sentences."""

from typing import Any

from plimsoll.domain.results import Explanation
from plimsoll.present.labels import label
from plimsoll.present.numbers import days, money, number, percent, quantity


def explained(answer: Explanation) -> dict[str, list[str]]:
    """Return each question with the sentences that answer it; a stage without a row has nothing to say."""
    target, buffer, excess = (answer.questions[name] for name in ("target", "buffer", "excess"))
    ordered = answer.rows.get("recommendation")
    return {
        f"{answer.item_id} at {answer.location_id}: what target, and why?": [
            f"{percent(target['service'])} {label('target', target['kind'])}, set by "
            f"{label('decided_by', target['source'])}: class {target['abc']}{target['xyz']}, criticality "
            f"{target['criticality']}, {money(target['annual_value'], answer.currency)} of demand a year."
        ],
        "How much buffer, and why?": [
            *_demand(answer.rows.get("demand_estimate")),
            *_lead_time(answer.rows.get("lead_time_estimate")),
            *_buffer(buffer, answer.currency),
        ],
        "Where is it?": [
            f"{place['location_id']}: {quantity(place['on_hand_qty'])} on hand, "
            f"{quantity(place['on_order_qty'])} on order, {quantity(place['backlog_qty'])} owed; "
            f"{label('stock', place['status']).lower()}."
            for place in answer.questions["where"]
        ],
        "How much is excess?": [_excess(excess, answer.currency)],
        "What to do today?": [ordered["sentence"] if ordered else "Nothing to order now."],
    }


def _demand(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return []
    interval = days(row["protection_days_mean"], row["protection_days_sd"])
    sentence = (
        f"Demand ({label('demand', row['demand_class'])}): {number(row['mean_per_day_est'], 2)} a day by the method "
        f"{label('method', row['method_used'])}; {quantity(row['mean_protection_qty'])} ± "
        f"{quantity(row['sd_protection_qty'])} over the {interval} that the buffer protects."
    )
    reason = row["fallback_reason"]
    if reason is None:
        return [sentence]
    return [sentence, f"Wanted was {label('method', row['method_wanted'])}: {reason.replace('_', ' ')}."]


def _lead_time(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return []
    typed = row["lead_time_days_set"]
    master = "" if typed is None else f"; the item master says {days(typed)}"
    measured = days(row["mean_days_est"], row["sd_days_est"])
    return [f"Lead time {measured}, from {label('evidence', row['method_used'])}{master}."]


def _buffer(buffer: dict[str, Any], currency: str) -> list[str]:
    if buffer["policy"] == "none":
        return [f"The plan keeps none here: {buffer['policy_reason'].replace('_', ' ')}."]
    return [
        f"Reorder point {quantity(buffer['reorder_point_qty'])}, order up to "
        f"{quantity(buffer['order_up_to_qty'])}; rule: {label('policy', buffer['policy'])}.",
        f"Buffer {quantity(buffer['buffer_qty'])} worth {money(buffer['buffer_value'], currency)}: "
        f"{quantity(buffer['demand_qty'])} as demand varies, {quantity(buffer['lead_time_qty'])} as the lead time "
        f"varies, {quantity(buffer['lot_review_qty'])} for lot and review. The classic z σ √L formula would hold "
        f"{quantity(buffer['classic_safety_stock_qty'])}.",
    ]


def _excess(excess: dict[str, Any], currency: str) -> str:
    if not excess["cash_to_release"]:
        return f"None of the {money(excess['on_hand_value'], currency)} here; it lasts {days(excess['cover_days'])}."
    lasts = f"lasts {days(excess['cover_days'])}" if excess["cover_days"] is not None else "has no demand"
    return (
        f"Of {money(excess['on_hand_value'], currency)} here, {money(excess['cash_to_release'], currency)} can be "
        f"released; carrying it costs {money(excess['carrying_cost_per_year'], currency)} a year. The stock {lasts}."
    )
