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
            f"{place['location_id']}: {_on_hand(place)}, "
            f"{quantity(place['on_order_qty'])} on order, {quantity(place['backlog_qty'])} owed; "
            f"{label('stock', place['status']).lower()}."
            for place in answer.questions["where"]
        ],
        "How much is excess?": [_excess(excess, answer)],
        "What to do today?": [ordered["sentence"] if ordered else "Nothing to order now."],
    }


def _demand(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return []
    interval = days(row["protection_days_mean"], row["protection_days_sd"])
    kind, method = label("demand", row["demand_class"]), label("method", row["method_used"])
    sentence = (
        f"Demand ({kind}): {number(row['mean_per_day_est'], 2)} a day by the method {method}; "
        f"{quantity(row['mean_protection_qty'])} ± {quantity(row['sd_protection_qty'])} over the {interval} "
        "that the buffer protects."
    )
    reason = row["fallback_reason"]
    if reason is None:
        return [sentence]
    return [sentence, f"Wanted was {label('method', row['method_wanted'])}: {label('reason', reason)}."]


def _lead_time(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return []
    typed = row["lead_time_days_set"]
    master = "" if typed is None else f"; the item master says {days(typed)}"
    measured = days(row["mean_days_est"], row["sd_days_est"])
    return [f"Lead time {measured}, from {label('evidence', row['method_used'])}{master}."]


def _buffer(buffer: dict[str, Any], currency: str) -> list[str]:
    if buffer["policy"] == "none":
        return [f"The plan keeps none here: {label('reason', buffer['policy_reason'])}."]
    worth = money(buffer["buffer_value"], currency)
    held, by_demand, by_lead_time, by_lot, classic = (
        quantity(buffer[name])
        for name in (
            "buffer_qty",
            "demand_qty",
            "lead_time_qty",
            "lot_review_qty",
            "classic_safety_stock_qty",
        )
    )
    return [
        f"Reorder point {quantity(buffer['reorder_point_qty'])}, order up to "
        f"{quantity(buffer['order_up_to_qty'])}; rule {label('policy', buffer['policy'])}, as "
        f"{label('reason', buffer['policy_reason'])}.",
        f"Buffer {held} worth {worth}: {by_demand} as demand varies, {by_lead_time} as the lead time "
        f"varies, {by_lot} for lot and review. "
        f"The classic z σ √L formula would hold {classic}.",
    ]


def _on_hand(place: dict[str, Any]) -> str:
    if place["counted_date"] is None:
        return "no stock recorded, 0 taken"
    return f"{quantity(place['on_hand_qty'])} on hand"


def _excess(excess: dict[str, Any], answer: Explanation) -> str:
    if answer.questions["where"][0]["counted_date"] is None:
        return "Not known: no stock is recorded here."
    currency = answer.currency
    stock, release, yearly = (
        money(excess[name], currency)
        for name in ("on_hand_value", "cash_to_release", "carrying_cost_per_year")
    )
    cover = excess["cover_days"]
    lasts = "There is no demand for it." if cover is None else f"The stock lasts {days(cover)}."
    if excess["cash_to_release"] > 0:
        return f"Of {stock} here, {release} can be released; carrying it costs {yearly} a year. {lasts}"
    return f"None of the {stock} here. {lasts}"
