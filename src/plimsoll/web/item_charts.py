"""Charts of the item page from what the desk knows of a stocking point: data only, drawn by charts.js."""

from datetime import timedelta
from math import ceil, sqrt
from typing import Any

from plimsoll.domain.desk_result import Bin, Fan, ItemView, Row
from plimsoll.domain.waterfall import Step
from plimsoll.present.numbers import days, percent, quantity

Spec = dict[str, Any]
UNIT = "units"
WEEKS_SHOWN = 104
FEW_BINS = 6
MONTH_WEEKS = 365.25 / 12 / 7
CHANGE_PARTS = {
    "by_demand_qty": "Expected demand",
    "by_variability_qty": "Variability of demand",
    "by_lead_time_qty": "Lead time",
    "by_target_qty": "Service target",
    "by_lot_review_qty": "Lot and review",
    "by_network_qty": "Network",
    "by_override_qty": "Set by people",
    "by_other_qty": "Other",
}


def unit_of(view: ItemView) -> str:
    """Return the item's unit, or a word for it."""
    return view.point.get("unit") or UNIT


def demand(view: ItemView) -> Spec | None:
    """Return demand of the past by week with what is expected of the coming weeks; None without either.

    A history by months is shown as what a month comes to per week.
    """
    by_month = view.history.bucket == "month"
    starts = view.history.starts[-WEEKS_SHOWN:]
    past = [
        None if value is None else round(value / (MONTH_WEEKS if by_month else 1.0), 3)
        for value in view.history.quantity[-WEEKS_SHOWN:]
    ]
    fan = view.forecast
    if not starts and fan is None:
        return None
    coming = [(end - timedelta(days=7)).isoformat() for end in fan.dates] if fan else []
    none_past, none_coming = [None] * len(starts), [None] * len(coming)
    series = [{"name": "Demand", "values": [*past, *none_coming], "role": "actual"}]
    if fan:
        series += [
            {"name": "Expected", "values": [*none_past, *_rounded(fan.mean)], "role": "expected"},
            {"name": "Low", "values": [*none_past, *_rounded(fan.low)], "role": "low"},
            {"name": "High", "values": [*none_past, *_rounded(fan.high)], "role": "high"},
        ]
    note = f"the band holds {_tenths(fan)} weeks" if fan else "no forecast: the point is not planned"
    return {
        "kind": "lines",
        "title": "What do customers ask for?",
        "unit": f"{unit_of(view)} a week" + (", of monthly figures" if by_month else ""),
        "note": note,
        "x_name": "Week from",
        "x": [*(start.isoformat() for start in starts), *coming],
        "series": series,
        "marks": [{"at": coming[0], "name": "today"}] if coming else [],
    }


def stock(view: ItemView) -> Spec | None:
    """Return projected stock with today's lines, and without; None for a point that is not planned."""
    fan, without = view.stock_with_orders, view.stock
    if fan is None or without is None:
        return None
    there = (view.point["on_hand_qty"] or 0.0) - (view.point["backlog_qty"] or 0.0)
    series = [
        {"name": "With today's lines", "values": [there, *_rounded(fan.mean)], "role": "expected"},
        {"name": "Low", "values": [there, *_rounded(fan.low)], "role": "low"},
        {"name": "High", "values": [there, *_rounded(fan.high)], "role": "high"},
    ]
    if fan.mean != without.mean:
        series.append({"name": "Without them", "values": [there, *_rounded(without.mean)], "role": "before"})
    return {
        "kind": "lines",
        "title": "Does the stock last?",
        "unit": unit_of(view),
        "note": f"the band holds {_tenths(fan)} cases; below 0 is owed",
        "x_name": "Date",
        "x": [view.as_of.isoformat(), *(day.isoformat() for day in fan.dates)],
        "series": series,
        "marks": [{"level": 0, "name": ""}],
    }


def level(view: ItemView) -> Spec | None:
    """Return how the order-up-to level comes about."""
    title = f"Why a level of {quantity(view.level_qty, view.point.get('unit'))}?"
    return _waterfall(title, unit_of(view), view.level_steps, "Order up to")


def order(view: ItemView) -> Spec | None:
    """Return how today's order follows from the level."""
    amount = quantity(view.order_qty, view.point.get("unit"))
    title = f"Why order {amount} today?" if view.order_qty else "Why is nothing ordered today?"
    return _waterfall(title, unit_of(view), view.order_steps, "Order today")


def change(view: ItemView) -> Spec | None:
    """Return how the level came from that of the plan before; None where nothing changed."""
    row = next(iter(view.lists.get("plan_change", ())), None)
    if row is None or not row["change_qty"]:
        return None
    steps = [{"name": "Level before", "value": row["level_before_qty"]}]
    steps += [{"name": words, "value": row[name]} for name, words in CHANGE_PARTS.items() if row[name]]
    return {
        "kind": "waterfall",
        "title": "What changed since the last plan?",
        "unit": unit_of(view),
        "steps": steps,
        "total": "Level now",
    }


def lead_time(view: ItemView) -> Spec | None:
    """Return how long orders took, with what the item master says; None without receipts."""
    bins = view.lead_time_days
    if not bins:
        return None
    width, counts = _wider(bins)
    firsts = range(bins[0].days, bins[0].days + width * len(counts), width)
    names = [str(first) if width == 1 else f"{first}–{first + width - 1}" for first in firsts]
    lane = _lane(view)
    marks = []
    for value, words in ((lane.get("mean_days_est"), "expected"), (lane.get("lead_time_days_set"), "typed")):
        at = None if value is None else int((value - bins[0].days) // width)
        if at is not None and 0 <= at < len(names):
            marks.append({"at": names[at], "name": words})
    return {
        "kind": "histogram",
        "title": "How long do orders take?",
        "unit": "receipts by days from order to stock",
        "x_name": "Days",
        "x": names,
        "series": [{"name": "Receipts", "values": counts, "role": "actual"}],
        "marks": marks,
    }


def lead_time_words(view: ItemView) -> str:
    """Return the lead time in force beside that of the item master."""
    lane = _lane(view)
    if not lane:
        return "The source of this point has no lead time."
    said = f"Expected {days(lane['mean_days_est'], lane['sd_days_est'])}"
    typed, known = lane["lead_time_days_set"], lane["n_receipts_item"]
    said += f", by {known:,} receipts of the item." if known else ", with no receipt of the item itself."
    return said + (f" The item master says {days(typed)}." if typed is not None else "")


def others(rows: list[Row], currency: str) -> Spec:
    """Return what other targets would tie up."""
    return {
        "kind": "bars",
        "title": "What does a higher target cost?",
        "unit": f"{currency or 'money'} of stock on average",
        "x_name": "Target",
        "x": [percent(row["target_service"], 0) for row in rows],
        "series": [
            {"name": "Stock", "values": [round(row["on_hand_mean_value"]) for row in rows], "role": "actual"}
        ],
    }


def _waterfall(title: str, unit: str, steps: tuple[Step, ...], total: str) -> Spec | None:
    if not steps:
        return None
    named = [{"name": step.label, "value": step.qty} for step in steps]
    return {"kind": "waterfall", "title": title, "unit": unit, "steps": named, "total": total}


def _lane(view: ItemView) -> Row:
    source = view.point["from_location_id"]
    lanes = view.lists.get("lead_time_estimate", ())
    return next((lane for lane in lanes if lane["from_location_id"] == source), {})


def _wider(bins: tuple[Bin, ...]) -> tuple[int, list[int]]:
    """Return the width of bins and their counts, so wide that few receipts do not stand far apart."""
    width = bins[1].days - bins[0].days if len(bins) > 1 else 1
    most = max(FEW_BINS, round(2 * sqrt(sum(each.n for each in bins))))
    joined = ceil(len(bins) / most)
    counts = [sum(each.n for each in bins[at : at + joined]) for at in range(0, len(bins), joined)]
    return width * joined, counts


def _rounded(values: tuple[float, ...]) -> list[float | None]:
    return [round(value, 3) for value in values]


def _tenths(fan: Fan) -> str:
    return f"{fan.share * 10:.0f} of 10"
