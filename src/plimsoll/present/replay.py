"""A replay in words and figures: what was done, what each rule would have done, and what that rests on."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from plimsoll.domain.replay_result import ReplayResult
from plimsoll.present.charts import Option
from plimsoll.present.numbers import DASH, count, money, number, percent, step
from plimsoll.present.replay_charts import curve_chart, time_chart

SAME_SERVICE, SAME_STOCK, OURS = "same_service", "same_stock", "ours"
NAMES = {
    OURS: "Plimsoll",
    SAME_SERVICE: "Plimsoll, same service",
    SAME_STOCK: "Plimsoll, same stock",
    "current": "your min and max",
    "static": "textbook rule",
    "recorded": "your records",
    "difference": "difference",
}
PROOF = {
    "inventory_value": "Stock in money",
    "fill_rate": "Fill rate",
    "turns": "Turns",
    "expedite_spend": "Expediting, a year",
}
SERVICE = {
    "cycle_service": "Cycles without a stock-out",
    "unit_service": "Units served from stock",
    "line_fill_rate": "Order lines in full",
    "period_service": "Periods served in full",
}
PARTS = {
    "abc": "class",
    "lots": "lots: half the mean order",
    "buffers": "buffers and timing",
    "less": "points with less stock",
    "more": "points with more stock",
    "same": "points with the same stock",
}
LEAD_TIMES = {
    "actual": "the lead time of the receipt ordered nearest to each order",
    "sampled": "lead times drawn from what was known on the first day",
    "mean": "mean lead times",
}
CHART_PIXELS = 280


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure and its 90 % interval as text; the interval is empty where there is none."""

    value: str
    interval: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table of figures: its words, how it is counted, and a cell a column."""

    label: str
    definition: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Promise:
    """What a rule promised and what came of it, as text."""

    measure: str
    rule: str
    promised: str
    came: str
    interval: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the difference in stock as text."""

    label: str
    points: str
    before: str
    after: str
    change: str
    fill_before: str
    fill_after: str


@dataclass(frozen=True, slots=True)
class ProofSection:
    """All that the section of the report shows; charts have id, title, subtitle, height, words and option."""

    sentences: list[str]
    terms: list[str]
    columns: list[str]
    lines: list[Line]
    charts: list[dict[str, Any]]
    promises: list[Promise]
    names: tuple[str, str]
    parts: list[Part]
    findings: list[dict[str, Any]]
    n_left_out: int


def name_of(rule: str) -> str:
    """Return the name of a rule as it is shown.

    Examples
    --------
    >>> name_of("ours"), name_of("my_rule")
    ('Plimsoll', 'my_rule')
    """
    return NAMES.get(rule, rule)


def figure_text(value: float | None, unit: str, currency: str = "", *, is_change: bool = False) -> str:
    """Return a figure in its unit; a dash where it is not known.

    Examples
    --------
    >>> figure_text(0.9612, "share"), figure_text(4.25, "per year"), figure_text(None, "money")
    ('96.1 %', '4.2', '–')
    >>> figure_text(0.0312, "share", is_change=True), figure_text(-5e6, "money", "EUR", is_change=True)
    ('+3.1 points', '-5.00 M EUR')
    """
    if value is None:
        return DASH
    sign = "+" if is_change and value > 0 else ""
    if unit == "share":
        return f"{100 * value:+z.1f} points" if is_change else percent(value)
    return sign + (money(value, currency) if unit.startswith("money") else number(value, 1))


def interval_text(row: dict[str, Any]) -> str:
    """Return the 90 % interval of a figure, money without its currency; empty where it has none.

    Examples
    --------
    >>> interval_text({"low_90": 0.9, "high_90": 0.95, "unit": "share", "rule": "ours"})
    '90.0 % to 95.0 %'
    """
    if row.get("low_90") is None or row.get("high_90") is None:
        return ""
    is_change = row["rule"] == "difference"
    low, high = (figure_text(row[end], row["unit"], is_change=is_change) for end in ("low_90", "high_90"))
    return f"{low.removesuffix(' points')} to {high}"


def columns_of(result: ReplayResult) -> list[str]:
    """Return what stands side by side: the records, the rules, and the difference of those compared."""
    plans = [match for match in (SAME_SERVICE, SAME_STOCK) if result.figure("fill_rate", match)]
    others = [rule for rule in result.rules if rule != OURS]
    ours = [OURS] if OURS in result.rules else []
    return ["recorded", *others, *plans, *ours, *(["difference"] if result.before else [])]


def heads_of(result: ReplayResult) -> list[str]:
    """Return the names over `columns_of`; beside the same service, the plan says that targets are its own."""
    has_match = result["replay_match"].height > 0
    words = {
        "difference": "difference, same service" if result.after == SAME_SERVICE else "difference",
        OURS: "Plimsoll, its own targets" if has_match else name_of(OURS),
    }
    return [words.get(rule, name_of(rule)) for rule in columns_of(result)]


def sentences(result: ReplayResult) -> list[str]:
    """Return what the replay says in plain words: at the same service, at the same stock, as planned."""
    found = {row["match"]: row for row in result["replay_match"].to_dicts()}
    before, currency, said = name_of(result.before or ""), result.currency, []
    if row := found.get(SAME_SERVICE):
        service = percent(result.figure("fill_rate", result.before or "")["value"])
        ends = " to ".join(percent(row[end], 0) for end in ("low_90", "high_90"))
        said.append(
            f"At the service that {before} gave ({service} of what customers asked for), Plimsoll would have "
            f"held {money(row['after'], currency)} instead of {money(row['before'], currency)}: "
            f"{_signed(row['change'])} (90 % interval {ends}).{_besides(result)}"
        )
    if row := found.get(SAME_STOCK):
        ends = interval_text(row | {"unit": "share", "rule": "difference"})
        change = figure_text(row["change"], "share", is_change=True)
        said.append(
            f"With the stock that {before} held, Plimsoll would have served {percent(row['after'])} instead "
            f"of {percent(row['before'])}: {change} (90 % interval {ends})."
        )
    if result["replay_goal"].height and len(found) < 2:
        said.append(
            f"No goal that was replayed met {before} at the same "
            f"{'service' if SAME_SERVICE not in found else 'stock'}; set other goals in [replay]."
        )
    stock, fill = (result.figure(name, OURS).get("value") for name in ("inventory_value", "fill_rate"))
    if stock is not None and fill is not None:
        said.append(
            f"With its own targets, class by class, Plimsoll would have held {money(stock, currency)} and "
            f"served {percent(fill)}."
        )
    return said


def _besides(result: ReplayResult) -> str:
    """Return what else changes at the same service: the price of stock-outs, and lines served in full."""
    said = []
    for figure, words in (("expedite_spend", "expediting a year"), ("line_fill_rate", "order lines in full")):
        rows = [result.figure(figure, rule) for rule in (SAME_SERVICE, result.before or "")]
        values = [row.get("value") for row in rows]
        if None not in values:
            texts = [figure_text(value, rows[0]["unit"], result.currency) for value in values]
            said.append(f"{words} {texts[0]} instead of {texts[1]}")
    return f" Besides: {', '.join(said)}." if said else ""


def _signed(share: float) -> str:
    return ("+" if share > 0 else "") + percent(share, 0)


def terms(result: ReplayResult) -> list[str]:
    """Return the rules of the replay: what all met alike, what each knew, and where it began."""
    every = f"{result.every} {result.bucket}s" if result.every > 1 else result.bucket
    bare = result.n_points - min(result.n_counted, result.n_points)
    said = [
        f"{count(result.n_points, 'stocking point')} from {result.start} to {result.end}: every rule met the "
        f"demand as it came and {LEAD_TIMES[result.lead_times]}, and was told only what was known on the "
        f"day. Plimsoll estimated anew every {every}; settings of today were given to the past.",
    ]
    if bare:
        where = "No stock" if bare == result.n_points else f"At {count(bare, 'point')} no stock"
        begun = f"{where} was counted near {result.start}: there each rule began with its own first target."
    else:
        begun = f"All began with the stock and the open orders of {result.start}."
    warm = f" Counted from {result.counted_from} on." if result.counted_from > result.start else ""
    price = " A stock-out that begins is expedited once, at the cost of its lane, for every rule alike."
    said.append(begun + warm + price)
    if result["replay_match"].height:
        goals = " and ".join(percent(goal) for goal in result["replay_match"]["goal"])
        said.append(
            "At the same service and at the same stock Plimsoll has one goal each for the whole portfolio "
            f"({goals} of demand): the only figures here that were chosen afterwards."
        )
    return said


def lines(result: ReplayResult, figures: dict[str, str]) -> list[Line]:
    """Return figures side by side, a cell for each of `columns_of`."""
    shown, out = columns_of(result), []
    for figure, label in figures.items():
        rows = [result.figure(figure, rule) for rule in shown]
        cells = [
            Cell(
                figure_text(
                    row["value"], row["unit"], result.currency, is_change=row["rule"] == "difference"
                ),
                interval_text(row),
            )
            if row
            else Cell(DASH)
            for row in rows
        ]
        definition = next((row["definition"] for row in rows if row), "")
        out.append(Line(label, definition, cells))
    return out


def promises(result: ReplayResult) -> list[Promise]:
    """Return what was promised beside what came, for every rule that promises."""
    heads = dict(zip(columns_of(result), heads_of(result), strict=True))
    rows = [
        (label, rule, result.figure(figure, rule))
        for figure, label in SERVICE.items()
        for rule in heads
        if result.figure(figure, rule).get("promised") is not None
    ]
    return [
        Promise(label, heads[rule], percent(row["promised"]), percent(row["value"]), interval_text(row))
        for label, rule, row in rows
    ]


def parts(result: ReplayResult) -> list[Part]:
    """Return where the difference in stock comes from: by cause, by class, by direction."""
    found = result["replay_difference"]
    if found.is_empty():
        return []
    order = pl.col("by").replace_strict({"part": 0, "abc": 1, "direction": 2}, return_dtype=pl.Int64)
    return [
        Part(
            label=f"class {row['group']}" if row["by"] == "abc" else PARTS.get(row["group"], row["group"]),
            points=f"{row['n_points']:,}",
            before=money(row["inventory_before"], result.currency),
            after=money(row["inventory_after"], result.currency),
            change=figure_text(row["inventory_change"], "money", result.currency, is_change=True),
            fill_before=percent(row["fill_rate_before"]),
            fill_after=percent(row["fill_rate_after"]),
        )
        for row in found.sort(order, "group").to_dicts()
    ]


def _point(result: ReplayResult, rule: str) -> tuple[float, float] | None:
    stock, fill = (result.figure(name, rule).get("value") for name in ("inventory_value", "fill_rate"))
    return None if stock is None or fill is None else (stock, fill)


def charts(result: ReplayResult) -> list[dict[str, Any]]:
    """Return the charts: the exchange of stock for service, and stock over time."""
    drawn = []
    heads = dict(zip(columns_of(result), heads_of(result), strict=True))
    points = {heads[rule]: _point(result, rule) for rule in result.rules}
    known = {name: point for name, point in points.items() if point}
    goals = result["replay_goal"].drop_nulls("fill_rate")
    if goals.height > 1 and known:
        divisor, unit = step(float(goals["inventory_value"].max()), result.currency)  # type: ignore[arg-type]
        curve = [
            (stock / divisor, 100 * fill)
            for stock, fill in goals.select("inventory_value", "fill_rate").rows()
        ]
        at = {name: (stock / divisor, 100 * fill) for name, (stock, fill) in known.items()}
        words = ", ".join(
            f"{name} {money(stock, result.currency)} and {percent(fill)}"
            for name, (stock, fill) in known.items()
        )
        drawn.append(
            _chart(
                "proof-curve",
                "What does service cost in stock?",
                f"Fill rate in % against mean stock in {unit}: {goals.height} goals, and each rule.",
                f"Stock and fill rate: {words}.",
                curve_chart(curve, at, unit),
            )
        )
    shown = [rule for rule in (result.before, result.after, OURS) if rule in heads]
    periods = result["replay_period"].filter(pl.col("rule").is_in(shown)).sort("date")
    if periods.height:
        divisor, unit = step(float(periods["stock_value"].max()), result.currency)  # type: ignore[arg-type]
        by_rule = {
            heads[rule]: (periods.filter(rule=rule)["stock_value"] / divisor).to_list()
            for rule in dict.fromkeys(shown)
        }
        dates = [day.isoformat() for day in periods["date"].unique().sort()]
        ends = ", ".join(f"{name} {values[-1]:.1f} {unit}" for name, values in by_rule.items())
        warm = result.counted_from.isoformat() if result.counted_from > result.start else ""
        drawn.append(
            _chart(
                "proof-stock",
                "How did stock develop?",
                f"Stock at cost at the end of each {result.bucket}, in {unit}."
                + (" Grey: not counted, while each rule settles." if warm else ""),
                f"Stock at the end: {ends}.",
                time_chart(dates, by_rule, warm),
            )
        )
    return drawn


def _chart(name: str, title: str, subtitle: str, words: str, option: Option) -> dict[str, Any]:
    return {
        "id": name, "title": title, "subtitle": subtitle, "height": CHART_PIXELS, "words": words,
        "option": option,
    }  # fmt: skip


def proof_section(result: ReplayResult) -> ProofSection:
    """Return everything that the report shows of a replay."""
    return ProofSection(
        sentences=sentences(result),
        terms=terms(result),
        columns=heads_of(result),
        lines=lines(result, PROOF | {"line_fill_rate": SERVICE["line_fill_rate"]}),
        charts=charts(result),
        promises=promises(result),
        names=(name_of(result.before or ""), name_of(result.after)),
        parts=parts(result),
        findings=result["finding"].to_dicts(),
        n_left_out=result.left_out,
    )
