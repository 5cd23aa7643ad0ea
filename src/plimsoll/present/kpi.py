"""Key figures in words, in the terminal and for the page: value, target, trend and what is missing."""

from typing import TYPE_CHECKING, Any

import polars as pl

from plimsoll.domain.kpi_result import KpiResult
from plimsoll.domain.kpis import ACTUAL, FOUR, KPIS, REPLAY
from plimsoll.present.numbers import DASH, count, money, number, percent, quantity
from plimsoll.present.replay import NAMES
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

BARS = "▁▂▃▄▅▆▇█"
BARS_SHOWN = 13  # last periods of a trend on a terminal
# key figures as columns: their heads
HEADS = {
    "inventory_value": "stock",
    "fill_rate": "fill",
    "turns": "turns",
    "expedite_spend": "expedite",
    "line_fill_rate": "lines",
    "otif": "in full",
    "perfect_order_rate": "perfect",
    "excess_obsolete_share": "excess",
    "stockout_frequency": "outs",
    "carrying_cost": "carrying",
}
GROUP_FIGURES = (*FOUR, "line_fill_rate", "otif", "excess_obsolete_share")  # columns of a split
RULE_FIGURES = (*FOUR, "line_fill_rate", "stockout_frequency", "carrying_cost")  # what a replay can tell
BY_CUSTOMER = ("fill_rate", "line_fill_rate", "otif", "perfect_order_rate")
ROW_OF = ("period", "item_id", "location_id", "order_id", "customer_id")
SCARCE = 0.5  # share of days or demand known, below which it is said


def shown(value: float | None, name: str, currency: str = "") -> str:
    """Return a key figure as it stands on a screen.

    Examples
    --------
    >>> shown(0.8642, "fill_rate"), shown(4289500.0, "inventory_value", "USD"), shown(2.6639, "turns")
    ('86.4 %', '4.29 M USD', '2.7')
    >>> shown(None, "otif"), shown(0.0042, "time_to_replan")
    ('–', '0.004')
    """
    unit = KPIS[name].unit
    if value is None:
        return DASH
    if unit.startswith("money"):
        return money(value, currency)
    if unit.startswith("share"):
        return percent(value)
    if unit in ("days", "hours") and abs(value) >= 10:
        return number(value, 0)
    return number(value, 1 if abs(value) >= 1 else 2 if abs(value) >= 0.1 or value == 0 else 3)


def unit_of(name: str) -> str:
    """Return what stands beside a value whose unit is not in it.

    Examples
    --------
    >>> unit_of("turns"), unit_of("expedite_spend"), unit_of("fill_rate")
    ('per year', 'per year', '')
    """
    unit = KPIS[name].unit
    told = unit.removeprefix("money").removeprefix("share").removeprefix("ratio").strip()
    return "" if told in KPIS[name].label else told


def spark(values: list[float | None]) -> str:
    """Return a trend as a line of bars, a dot where nothing is known.

    Examples
    --------
    >>> spark([1.0, 2.0, None, 3.0]), spark([None, None]), spark([5.0, 5.0])
    ('▁▅·█', '', '▅▅')
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, wide = min(known), max(known) - min(known)
    places = [None if value is None else (value - low) / wide if wide > 0 else 0.5 for value in values]
    return "".join("·" if place is None else BARS[round(place * (len(BARS) - 1))] for place in places)


def lines(result: KpiResult, source: str = "") -> list[dict[str, Any]]:
    """Return every key figure of the company or a rule: label, value, target, trend, formula, missing."""
    wanted = source or result.source
    found = {row["kpi"]: row for row in result.figures.filter(source=wanted).to_dicts()}
    trend = known_trend(result).filter(source=wanted)
    told = []
    for name in KPIS:
        if name not in found:
            continue
        row, figure = found[name], KPIS[name]
        told.append(
            {
                "name": name,
                "label": figure.label,
                "value": shown(row["value"], name, result.currency),
                "unit": unit_of(name),
                "target": shown(row["target"], name, result.currency) if row["target"] is not None else "",
                "met": _met(row["value"], row["target"], figure.better),
                "values": trend.filter(kpi=name)["value"].to_list(),
                "periods": [day.isoformat() for day in trend.filter(kpi=name)["period"].to_list()],
                "coverage": row["coverage"],
                "formula": figure.formula,
                "origin": figure.origin,
                "missing": row["missing"] or "",
            }
        )
    return told


def known_trend(result: KpiResult) -> pl.DataFrame:
    """Return the trend, values unknown where the data tell of much less than in other periods."""
    most = pl.col("coverage").max().over("source", "kpi")
    much = pl.col("coverage").is_null() | (pl.col("coverage") >= SCARCE * most)
    return result.trend.with_columns(pl.when(much).then("value").alias("value")).sort("source", "period")


def _met(value: float | None, target: float | None, better: str) -> bool | None:
    if value is None or target is None or better == "none":
        return None
    return value >= target if better == "up" else value <= target


def heading(result: KpiResult) -> str:
    """Return what the figures tell of."""
    of = "as recorded" if result.source == ACTUAL else "as replayed"
    return f"Key figures, {of}, {result.first} to {result.last}"


def remarks(told: list[dict[str, Any]]) -> list[str]:
    """Return what must be known to read the figures: what is missing, and what is known in part only."""
    said = []
    by_reason: dict[str, list[str]] = {}
    for line in told:
        if line["missing"]:
            by_reason.setdefault(line["missing"], []).append(line["label"])
    said += [f"{', '.join(labels)}: {reason}" for reason, labels in by_reason.items()]
    for name, words in (("inventory_value", "Stock is known on"), ("fill_rate", "Shipments are known of")):
        covered = next((line["coverage"] for line in told if line["name"] == name), None)
        if covered is not None and covered < SCARCE:
            of = "the points' days: it stands for all of them" if name == "inventory_value" else "demand"
            said.append(f"{words} {percent(covered)} of {of}.")
    return said


def show_kpis(result: KpiResult, console: "Console", *, top: int = 20, by_period: bool = False) -> None:
    """Print the key figures: of the company, by group, by period, or of the rules of a replay."""
    say(console, heading(result), "bold")
    if result.rows is not None:
        _show_rows(result, console)
    elif by_period:
        _show_periods(result, console)
    elif result.source != ACTUAL and result.by == "company":
        _show_rules(result, console)
    elif result.by != "company":
        _show_groups(result, console, top)
    else:
        _show_company(result, console)
    say(console, f"Run {result.run_id}. Formulas: --json, or docs/reference/kpis.md.", "dim")


def _show_company(result: KpiResult, console: "Console") -> None:
    told = lines(result)
    has_targets = any(line["target"] for line in told)
    heads = ["", *(["target"] if has_targets else []), "trend"]
    rows = []
    for line in told:
        goal = [line["target"] + (" ✓" if line["met"] else " ✗" if line["met"] is False else "")]
        cells = [line["value"], *(goal if has_targets else []), spark(line["values"][-BARS_SHOWN:])]
        rows.append([", ".join(filter(None, (line["label"], line["unit"]))), *cells])
    show_table(console, "", [""], heads, rows)
    for remark in remarks(told):
        say(console, f"– {remark}", "dim")


def _show_rules(result: KpiResult, console: "Console") -> None:
    """Print the rules of a replay, one a line."""
    figures = result.figures.with_columns(label=pl.col("source").str.strip_prefix(REPLAY).replace(NAMES))
    cells = _cells(figures.sort("source", maintain_order=True), RULE_FIGURES)
    _show_columns(result, cells, RULE_FIGURES, "", console)


def group_figures(result: KpiResult) -> tuple[str, ...]:
    """Return the names of the figures that stand as columns of a split."""
    return BY_CUSTOMER if result.by == "segment" else GROUP_FIGURES


def group_cells(result: KpiResult, top: int) -> tuple[list[list[str]], int]:
    """Return a line of cells for each of the largest groups, and how many groups there are besides."""
    names = group_figures(result)
    sizes = result.figures.filter(kpi=names[0]).select("source", "group", size="top")
    order = sizes.sort("size", "group", "source", descending=[True, False, False], nulls_last=True)
    largest = order.head(top).with_row_index("rank").join(result.figures, on=["source", "group"]).sort("rank")
    return _cells(largest.with_columns(label=_label("group")), names), max(order.height - top, 0)


def _show_groups(result: KpiResult, console: "Console", top: int) -> None:
    """Print the main figures of each group, the largest first."""
    cells, more = group_cells(result, top)
    _show_columns(result, cells, group_figures(result), f"By {result.by}", console)
    if more:
        say(console, f"… and {count(more, 'more group')}; --top shows more, --json all.", "dim")


def _show_periods(result: KpiResult, console: "Console") -> None:
    """Print the main figures of each period."""
    names = GROUP_FIGURES if result.source == ACTUAL else RULE_FIGURES
    cells = _cells(known_trend(result).with_columns(label=_label("period")), names)
    _show_columns(result, cells, names, "By period", console)


def _label(name: str) -> pl.Expr:
    """Return what a line is of, with the rule that it tells of where it is not of the records."""
    rule = pl.col("source").str.strip_prefix(REPLAY).replace(NAMES)
    return (
        pl.when(pl.col("source") == ACTUAL)
        .then(pl.col(name).cast(pl.String))
        .otherwise(pl.format("{}, {}", pl.col(name).cast(pl.String), rule))
    )


def _cells(figures: pl.DataFrame, names: tuple[str, ...]) -> list[list[str]]:
    """Return figures as lines of cells, one line a label in the order they come."""
    values: dict[str, dict[str, float | None]] = {}
    for label, name, value in figures.select("label", "kpi", "value").iter_rows():
        values.setdefault(label, {})[name] = value
    return [[label, *(shown(found.get(name), name, "") for name in names)] for label, found in values.items()]


def _show_columns(
    result: KpiResult, cells: list[list[str]], names: tuple[str, ...], title: str, console: "Console"
) -> None:
    """Print figures as columns, and what their heads mean."""
    show_table(console, title, [""], [HEADS[name] for name in names], cells)
    money_in = f"; money in {result.currency}" if result.currency else ""
    words = ", ".join(
        f"{HEADS[name]}: {KPIS[name].label.lower()}"
        for name in names
        if HEADS[name] != KPIS[name].label.lower()
    )
    say(console, f"{words}{money_in}.", "dim")


def row_cells(result: KpiResult) -> tuple[list[str], list[str], list[list[str]]]:
    """Return the rows behind a figure: heads of texts, heads of numbers, and lines of cells."""
    rows = result.rows
    if rows is None:
        return [], [], []
    numbers = [name for name in rows.columns if name not in ROW_OF]
    cells = [
        [
            str(row["period"]),
            f"{row['item_id']} @ {row['location_id']}",
            *([row["order_id"] or DASH] if "order_id" in row else []),
            *(_cell(row[name]) for name in numbers),
        ]
        for row in rows.to_dicts()
    ]
    texts = ["period", "point", *(["order"] if "order_id" in rows.columns else [])]
    return texts, [name.replace("_", " ") for name in numbers], cells


def _show_rows(result: KpiResult, console: "Console") -> None:
    """Print the rows behind a figure, those that weigh most first."""
    figure = KPIS[result.rows_of]
    texts, numbers, cells = row_cells(result)
    say(console, f"{figure.label}: {figure.formula}")
    show_table(console, "", texts, numbers, cells)
    say(console, f"{len(cells):,} of {count(result.n_rows, 'row')}.", "dim")


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return quantity(value)
