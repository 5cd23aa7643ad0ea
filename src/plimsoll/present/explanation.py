"""One stocking point explained: the four questions and their answers in sentences."""

from typing import Any

import polars as pl

from plimsoll.domain.reasons import NETWORK_REASONS
from plimsoll.domain.results import Explanation
from plimsoll.domain.tables import table
from plimsoll.present.history import changes, parents
from plimsoll.present.labels import label, source
from plimsoll.present.numbers import count, days, money, number, percent, quantity

DOUBTS_SHOWN = 5
HARDLY = 0.05  # days of waiting for a source; less is not worth a figure


def explained(answer: Explanation) -> dict[str, list[str]]:
    """Return each question with the sentences that answer it; one with nothing to say is left out."""
    target, buffer, excess = (answer.questions[name] for name in ("target", "buffer", "excess"))
    ordered = answer.rows.get("recommendation")
    questions = {
        f"{answer.item_id} at {answer.location_id}: what target, and why?": [
            f"{percent(target['service'])} {label('target', target['kind'])}, set by "
            f"{label('decided_by', target['source'])}: class {target['abc']}{target['xyz']}, criticality "
            f"{target['criticality']}, {money(target['annual_value'], answer.currency)} of demand a year."
        ],
        "How much buffer, and why?": [
            *_demand(answer.rows.get("demand_estimate")),
            *_put_right(answer.lists.get("history_change", [])),
            *_dependent(answer.lists.get("dependent_demand", [])),
            *_lead_time(answer.rows.get("lead_time_estimate")),
            *_supplier(answer.rows.get("supplier_scorecard")),
            *_buffer(buffer, answer.currency),
            *connected(answer.rows.get("network_service"), answer.currency),
        ],
        "Where is it?": [
            f"{place['location_id']}: {_on_hand(place)}, "
            f"{quantity(place['on_order_qty'])} on order, {quantity(place['backlog_qty'])} owed; "
            f"{label('stock', place['status']).lower()}."
            for place in answer.questions["where"]
        ],
        "How much is excess?": [_excess(excess, answer)],
        "What is new, what ends?": _life(answer),
        "Can its data be trusted?": _trust(answer),
        "What to do today?": [ordered["sentence"] if ordered else "Nothing to order now."],
    }
    return {question: sentences for question, sentences in questions.items() if sentences}


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


def _put_right(rows: list[dict[str, Any]]) -> list[str]:
    """Return what was put right in the history, a sentence a reason."""
    frame = pl.DataFrame(rows, schema=table("history_change").schema)
    return [
        f"{line.kind} ({line.reason}) in {count(line.rows, 'period')}: {line.before} on record count as "
        f"{line.after}."
        for line in changes(frame)
    ]


def _dependent(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    asked, weeks = sum(row["mean_qty"] for row in rows), round(sum(row["period_days"] for row in rows) / 7)
    made = next((parents(row["parents"]) for row in rows if row["parents"]), "its parents")
    return [f"Making {made} is expected to take {quantity(asked)} in the coming {count(weeks, 'week')}."]


def _lead_time(row: dict[str, Any] | None) -> list[str]:
    if row is None:
        return []
    typed = row["lead_time_days_set"]
    master = "" if typed is None else f"; the item master says {days(typed)}"
    measured = days(row["mean_days_est"], row["sd_days_est"])
    return [f"Lead time {measured}, from {label('evidence', row['method_used'])}{master}."]


def _supplier(row: dict[str, Any] | None) -> list[str]:
    """Return since when its source takes longer or shorter, if a step was found."""
    if row is None or row["change_date"] is None:
        return []
    change = row["change_days"]
    how = "longer" if change > 0 else "shorter"
    return [f"{source(row['from_location_id'])} takes {days(abs(change))} {how} since {row['change_date']}."]


def _life(answer: Explanation) -> list[str]:
    """Return what is known of its life cycle: new, warned of, ending, replaced, made to order."""
    rows, said = answer.rows, []
    for row in answer.lists.get("succession", []):
        since = f" since {row['handover_date']}" if row["handover_date"] else ""
        if row["item_id"] == answer.item_id:
            said.append(f"Superseded by {row['heir_id']}{since}: its demand counts there.")
        else:
            said.append(f"Has taken over the demand of {row['item_id']}{since}.")
    if "cold_start" in rows:
        said.append(f"New: {rows['cold_start']['sentence']}")
    warned = rows.get("obsolescence")
    if warned is not None and warned["grade"] != "none":
        said.append(f"Warning, {label('grade', warned['grade'])}. {warned['sentence']}")
    said += [rows["last_time_buy"]["sentence"]] if "last_time_buy" in rows else []
    if "engineered_suggestion" in rows:
        said.append(f"It looks engineered to order: {rows['engineered_suggestion']['sentence']}")
    return said


def _trust(answer: Explanation) -> list[str]:
    """Return how ready its data are, and what is doubtful about them, most money first."""
    ready, doubts = answer.rows.get("readiness"), answer.lists.get("audit_row", [])
    said = []
    if ready is not None:
        reason = answer.rows["planning_point"]["left_out_reason"]
        why = f": {label('left_out', reason)}" if reason else ""
        sound = "" if doubts or reason else "; nothing is in doubt"
        verdict = label("verdict", ready["verdict"])
        said.append(f"{verdict}{why}{sound}. Readiness {percent(ready['score'], 0)}.")
    if (grade := answer.rows.get("trust")) is not None:
        said.append(grade["why"])
    ranked = sorted(doubts, key=lambda row: -(row["money_at_risk"] or 0.0))
    for row in ranked[:DOUBTS_SHOWN]:
        stake = f" ({money(row['money_at_risk'], answer.currency)} at stake)" if row["money_at_risk"] else ""
        said.append(f"{row['severity'].capitalize()}: {row['detail'].rstrip('.')}{stake}.")
    if more := len(doubts) - len(ranked[:DOUBTS_SHOWN]):
        said.append(f"{count(more, 'more doubt')}; `plimsoll audit` with --item {answer.item_id} lists all.")
    return said


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
        f"varies, {by_lot} for lot and review{_network(buffer['network_qty'])}. "
        f"The classic z σ √L formula would hold {classic}.",
    ]


def _network(part: float) -> str:
    """Return in words what the network adds to the buffer or takes from it; nothing where it does neither."""
    if part == 0:
        return ""
    why = "to cover shortages at its source" if part > 0 else "as the places it feeds cover its shortages"
    return f", {quantity(part)} {why}"


def connected(row: dict[str, Any] | None, currency: str) -> list[str]:
    """Return in one sentence what a point is in the network: whom it waits for and feeds, what it holds.

    Nothing without a row of the table `network_service`.
    """
    if row is None:
        return []
    said = []
    if row["source_location_id"] is not None:
        wait = row["wait_days_est"]
        often = f"waits {days(wait)} for it on average" if wait >= HARDLY else "hardly ever waits for it"
        said.append(f"{row['source_location_id']} replenishes it and it {often}")
    if row["n_downstream"]:
        said.append(f"it feeds {count(row['n_downstream'], 'place')} of ours")
    levels = f"{quantity(row['level_alone_qty'])} alone, {quantity(row['level_network_qty'])} in the network"
    stock = (
        f"{money(row['on_hand_alone_value'])} and {money(row['on_hand_network_value'], currency)} on average"
    )
    why = NETWORK_REASONS.get(row["reason"], row["reason"])
    return [f"In the network {', and '.join(said)}; its level is {levels} ({stock}). {why}"]


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
