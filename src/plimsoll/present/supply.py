"""Suppliers and open orders as words and figures: for every screen, for programs and for the report."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from plimsoll.domain.findings import numbered
from plimsoll.domain.supply_result import SupplyResult
from plimsoll.present.charts import Option, stacked_bars
from plimsoll.present.labels import source
from plimsoll.present.numbers import DASH, count, days, money, percent, quantity, step

TOP_ORDERS = 12
HEAD_PIXELS, BAR_PIXELS = 60, 28
SURE_TREND = 3.0  # standard errors: by chance alone one supplier in 370 moves so far
# parts of the cost of variability -> words and colour
PARTS = {"measured_value": ("Seen in receipts", "#e0b04a"), "assumed_value": ("Assumed spread", "#9db4c0")}
REASONS = {
    "longer_than_nearly_all": "Under way for {elapsed}; {longer} of the orders on this lane take longer: ask "
    "whether it still exists.",
    "rest_outstanding": "{received} came, {open} are still out after {elapsed}: ask for them or close it.",
    "speed_pays": "Needed by {needed}, there by then with {by_needed}: expediting costs less than it saves.",
    "needed_before_it_comes": "Needed by {needed}, there by then with {by_needed}: ask for an earlier day.",
    "out_of_stock": "Stock is out, and it is likely to come on {likely}: ask for an earlier day.",
    "overdue": "{overdue} past its due date: ask for a new one.",
    "due_date_in_doubt": "There by its due date with {by_due}: expect it by {likely}.",
    "late_and_stock_lasts": "{overdue} late, but stock lasts until {needed}.",
    "no_demand_expected": "No demand is expected for it: cancel it, if that is still possible.",
    "in_time": "There by {needed} with {by_needed}.",
}


@dataclass(frozen=True, slots=True)
class Supplier:
    """One line of the scorecard as text; durations in days and money in the currency of the whole."""

    name: str
    deliveries: str
    takes: str
    typed: str
    promised: str
    on_time: str
    late_by: str
    trend: str
    cost: str
    one_day_less: str
    note: str


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One open order as text; money in the currency of the whole."""

    order: str
    item: str
    source: str
    is_made: bool
    due: str
    by_due: str
    arrival: str
    latest: str
    value: str
    at_risk: str
    action: str
    sentence: str


@dataclass(frozen=True, slots=True)
class SupplySection:
    """All that the section of the report shows; `chart` is empty where no money is known."""

    currency: str
    sentences: list[str]
    notes: list[str]
    suppliers: list[Supplier]
    n_suppliers: int
    orders: list[OpenOrder]
    n_orders: int
    chart: dict[str, Any]


def ranked_suppliers(scorecard: pl.DataFrame) -> pl.DataFrame:
    """Return the scorecard by money; those with too few deliveries to judge come last."""
    by = [
        pl.col("rank").is_null(),
        pl.col("judged_by") == "nothing",
        "rank",
        -pl.col("spend_value").fill_null(0.0),
        -pl.col("n_deliveries"),
    ]
    return scorecard.sort(by, maintain_order=True)


def ranked_orders(arrivals: pl.DataFrame) -> pl.DataFrame:
    """Return the open orders by what their lateness may cost, then the worst chances and largest orders."""
    by = [
        -pl.col("expected_shortage_value").fill_null(0.0).round(2),
        pl.col("action") == "leave",
        pl.coalesce("arrives_by_needed_probability", "arrives_by_due_probability", pl.lit(1.0)),
        -pl.col("order_value").fill_null(0.0),
    ]
    return arrivals.sort(by, maintain_order=True)


def _sum(frame: pl.DataFrame, column: str) -> float:
    return float(frame[column].sum())


def headlines(result: SupplyResult) -> list[str]:
    """Return the first sentences: the money, the costliest supplier, the open orders, the evidence."""
    card = result.scorecard
    active = card.filter(pl.col("n_deliveries") > 0)
    judged = card.filter(pl.col("judged_by") != "nothing").height
    seen = count(_whole(card, "n_deliveries"), "delivery", "deliveries")
    made = f"{count(active.height, _noun(card))} made {seen} in {days(result.window_days)}"
    evidence = f"{made}; {judged:,} made enough to be judged."
    return [*_money_sentences(result), *order_sentences(result), evidence]


def _money_sentences(result: SupplyResult) -> list[str]:
    card, unit = result.scorecard, result.currency
    cost, whole = _sum(card, "buffer_lead_time_value"), _sum(card, "buffer_value")
    if cost <= 0:
        return []
    share = f" ({percent(cost / whole, 0)} of the safety buffer)" if whole > cost else ""
    assumed = _sum(card, "buffer_assumed_value")
    part = (
        f", {money(assumed, unit)} of it by an assumed spread where no receipts tell" if assumed > 0 else ""
    )
    freed = money(_sum(card, "one_day_less_value"), unit)
    sentences = [
        f"{money(cost, unit)}{share} is held only because lead times vary{part}; one day less spread on "
        f"every lane would free {freed}.",
    ]
    worst = ranked_suppliers(card).row(0, named=True)
    return [*sentences, _worst_sentence(worst, unit)] if worst["rank"] == 1 else sentences


def _noun(card: pl.DataFrame) -> str:
    return "lane" if card["to_location_id"].is_not_null().any() else "source"


def _whole(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum())


def _worst_sentence(row: dict[str, Any], unit: str) -> str:
    """Return what the costliest supplier promises and does."""
    parts = []
    if row["judged_by"] == "promise" and row["promised_days_mean"] is not None:
        asked, took = days(row["promised_days_mean"]), days(row["promised_actual_days_mean"])
        parts.append(f"promises {asked} and takes {took} on average")
    elif row["lead_days_mean"] is not None:
        parts.append(f"takes {days(row['lead_days_mean'], row['lead_days_sd'])}")
    if row["kept_share"] is not None:
        parts.append(f"is on time with {percent(row['kept_share'], 0)} of its deliveries")
    cost = f"costs most: {money(row['buffer_lead_time_value'], unit)} of buffer for its variability"
    return f"{_name(row)} {', '.join(parts)} and {cost}." if parts else f"{_name(row)} {cost}."


def order_sentences(result: SupplyResult) -> list[str]:
    """Return what the open orders are worth, what needs doing, and what their lateness may cost."""
    orders, unit = result.arrivals, result.currency
    if orders.is_empty():
        return []
    worth = _sum(orders, "order_value")
    late = orders.filter(pl.col("overdue_days") > 0).height
    acts = {row["action"]: row["len"] for row in orders.group_by("action").len().to_dicts()}
    to_do = [f"{acts[name]:,} to {name}" for name in ("expedite", "chase", "confirm") if name in acts]
    head = f"{count(orders.height, 'open order line')}"
    head += f" worth {money(worth, unit)}" if worth > 0 else ""
    head += f", {late:,} of them overdue" if late else ""
    head += f": {', '.join(to_do)}." if to_do else ": nothing needs doing."
    risk = _sum(orders, "expected_shortage_value")
    if risk > 0:
        return [head, f"Lateness of open orders is expected to cost {money(risk, unit)} of sales, at price."]
    return [head]


def notes(result: SupplyResult) -> list[str]:
    """Return what limits the figures: what is missing, moved promises, few deliveries, crossover."""
    card, unit = result.scorecard, result.currency
    found = list(result.missing)
    moved, few = card.filter("promises_replanned"), card.filter(pl.col("judged_by") == "nothing")
    if moved.height:
        exact = float((moved["exact_share"] * moved["n_promised"]).sum())
        share = exact / _whole(moved, "n_promised")
        names = _names(moved.sort(-pl.col("n_promised"), maintain_order=True))
        found.append(
            numbered(
                f"{count(moved.height, _noun(card))} <has|have> promises that equal the delivery to the "
                f"day in {percent(share, 0)} of cases ({names}): they were probably moved along the way. "
                "Lateness against them says little: <it is|they are> judged by typed days or spread.",
                moved.height,
            )
        )
    if few.height:
        found.append(
            numbered(
                f"{count(few.height, _noun(card))} <has|have> fewer than {result.least_deliveries} "
                f"deliveries and <gets|get> no rank ({_names(few)}).",
                few.height,
            )
        )
    held, pairs = _sum(card, "crossover_value"), _whole(card, "n_pairs")
    if pairs:
        crossed = float((card["crossed_share"].fill_null(0.0) * card["n_pairs"]).sum()) / pairs
        text = f"In {percent(crossed)} of {pairs:,} pairs of consecutive orders the later one came first."
        if held > 0:
            text += (
                f" Overtaking evens lead times out: {money(held, unit)} of the buffer for their spread would "
                "not be needed if that were counted."
            )
        found.append(text)
    return found


def _names(frame: pl.DataFrame) -> str:
    shown = [_name(row) for row in frame.head(4).to_dicts()]
    return ", ".join(shown[:3]) + (", …" if len(shown) > 3 else "")


def _name(row: dict[str, Any]) -> str:
    to = row["to_location_id"]
    name = source(row["from_location_id"])
    return name if to is None else f"{name} to {to}"


def _cost(value: float | None) -> str:
    """Return what variability costs; a lattice can make it a little negative where it costs nothing."""
    return money(None if value is None else max(value, 0.0))


def _signed(value: float | None) -> str:
    return DASH if value is None else f"{value:+,.0f}".replace("-0", "0").replace("+0", "0")


def _bare_days(value: float | None, spread: float | None = None) -> str:
    """Return days without their unit, for a column that names it."""
    return days(value, spread).removesuffix("s").removesuffix(" day")


def _trend(row: dict[str, Any]) -> str:
    """Return a step change if one was found, else the half year's rise where it is beyond chance."""
    if row["change_date"] is not None:
        return f"{_signed(row['change_days'])} days since {row['change_date']}"
    rise, error = row["trend_long_days"], row["trend_long_error_days"]
    if rise is None or not error or abs(rise) < SURE_TREND * error:
        return DASH
    return f"{_signed(rise)} ± {error:.0f} days lately"


def _note(row: dict[str, Any]) -> str:
    if row["promises_replanned"]:
        return "promises moved"
    return {"typed": "against typed days", "nothing": "too few to judge"}.get(row["judged_by"], "")


def suppliers(result: SupplyResult, top: int) -> list[Supplier]:
    """Return the top of the scorecard as text; what a supplier is not judged by is left open."""
    lines = []
    for row in ranked_suppliers(result.scorecard).head(top).to_dicts():
        is_kept = row["judged_by"] == "promise"
        kept = DASH
        if row["kept_share"] is not None:
            kept = (
                f"{100 * row['kept_share']:.0f} % ({100 * row['kept_low']:.0f}–{100 * row['kept_high']:.0f})"
            )
        lines.append(
            Supplier(
                name=_name(row),
                deliveries=f"{row['n_deliveries']:,}",
                takes=_bare_days(row["lead_days_mean"], row["lead_days_sd"]),
                typed=_bare_days(row["typed_days_mean"]),
                promised=_bare_days(row["promised_days_mean"]),
                on_time=kept,
                late_by=_signed(row["lateness_days_p90"]) if is_kept else DASH,
                trend=_trend(row),
                cost=_cost(row["buffer_lead_time_value"]),
                one_day_less=_cost(row["one_day_less_value"]),
                note=_note(row),
            )
        )
    return lines


def _likely(probability: float | None) -> str:
    """Return a probability in whole per cent; next to certain is not certain."""
    if probability is None:
        return DASH
    if 0 < probability < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < probability < 1 else percent(probability, 0)


def _day(day: object) -> str:
    return DASH if day is None else str(day)


def open_orders(result: SupplyResult, top: int) -> list[OpenOrder]:
    """Return the riskiest open orders as text, each with what to do and why."""
    lines = []
    for row in ranked_orders(result.arrivals).head(top).to_dicts():
        words = {
            "elapsed": days(row["elapsed_days"]),
            "overdue": days(row["overdue_days"]),
            "longer": _likely(row["longer_share"]),
            "received": quantity(row["received_qty"]),
            "open": quantity(row["quantity"]),
            "due": _day(row["due_date"]),
            "needed": _day(row["needed_date"]),
            "by_needed": _likely(row["arrives_by_needed_probability"]),
            "likely": _day(row["arrival_median_date"]),
            "by_due": "passed" if row["overdue_days"] else _likely(row["arrives_by_due_probability"]),
        }
        reason = row["action_reason"]
        if reason == "needed_before_it_comes" and row["needed_date"] <= result.as_of:
            reason = "out_of_stock"
        if row["needed_date"] is None:
            words |= {"needed": words["due"], "by_needed": words["by_due"]}
        lines.append(
            OpenOrder(
                order="/".join(filter(None, (row["order_id"], row["line"]))),
                item=f"{row['item_id']} at {row['to_location_id']}",
                source=source(row["from_location_id"]),
                is_made=row["kind"] == "production",
                due=words["due"],
                by_due=words["by_due"],
                arrival=_day(row["arrival_median_date"]),
                latest=_day(row["arrival_95_date"]),
                value=money(row["order_value"]),
                at_risk=money(row["expected_shortage_value"]),
                action=row["action"],
                sentence=REASONS[reason].format_map(words),
            )
        )
    return lines


def cost_chart(result: SupplyResult, top: int) -> dict[str, Any]:
    """Return the chart of what each supplier's variability costs, empty where that is not known."""
    frame = (
        result.scorecard.filter(pl.col("buffer_lead_time_value") > 0)
        .sort(-pl.col("buffer_lead_time_value"), maintain_order=True)
        .head(top)
        .with_columns(assumed_value=pl.col("buffer_assumed_value"))
        .with_columns(measured_value=pl.col("buffer_lead_time_value") - pl.col("assumed_value"))
    )
    if frame.is_empty():
        return {}
    sums = frame["buffer_lead_time_value"].to_list()
    divisor, unit = step(max(sums), result.currency)
    names = [_name(row) for row in frame.to_dicts()]
    shown = {part: PARTS[part] for part in PARTS if (frame[part] != 0).any()}
    option: Option = stacked_bars(
        names,
        {words: (frame[part] / divisor).to_list() for part, (words, _) in shown.items()},
        [colour for _, colour in shown.values()],
        [money(value) for value in sums],
    )
    subtitle = "Buffer at cost that is held because lead times vary, by source of supply"
    figures = (f"{name} {money(value, result.currency)}" for name, value in zip(names, sums, strict=True))
    return {
        "id": "supply-cost",
        "title": "Whose variability costs most?",
        "subtitle": f"{subtitle}, in {unit}." if unit else f"{subtitle}.",
        "height": HEAD_PIXELS + BAR_PIXELS * len(names),
        "words": f"{subtitle}: {', '.join(figures)}.",
        "option": option,
    }


def supply_section(result: SupplyResult, top: int = TOP_ORDERS) -> SupplySection:
    """Return the section of the report; its template is `templates/supply.html.j2`."""
    return SupplySection(
        currency=result.currency,
        sentences=headlines(result),
        notes=notes(result),
        suppliers=suppliers(result, top),
        n_suppliers=result.scorecard.height,
        orders=open_orders(result, top),
        n_orders=result.arrivals.height,
        chart=cost_chart(result, top),
    )


def supply_data(result: SupplyResult, top: int) -> dict[str, Any]:
    """Return the look at suppliers as data, the costliest suppliers and riskiest orders first."""
    return {
        "run_id": result.run_id or None,
        "as_of": result.as_of.isoformat(),
        "sentences": headlines(result),
        "notes": notes(result),
        "n_suppliers": result.scorecard.height,
        "suppliers": ranked_suppliers(result.scorecard).head(top).to_dicts(),
        "n_orders": result.arrivals.height,
        "orders": ranked_orders(result.arrivals).head(top).to_dicts(),
    }
