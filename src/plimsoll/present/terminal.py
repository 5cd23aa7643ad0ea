"""Imports, plans, lists and explanations in the terminal, and the same as data for JSON."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from plimsoll.domain.results import UNDATED, CashResult, Explanation, ImportOutcome, PlanResult
from plimsoll.present import provenance, view
from plimsoll.present.explanation import explained
from plimsoll.present.labels import label
from plimsoll.present.numbers import count, days, money, quantity

if TYPE_CHECKING:
    from rich.console import Console

FINDINGS_SHOWN, BRIEF_SHOWN = 12, 8
ACTIONS_SHOWN = 5
READABLE = 110  # columns; longer lines of text tire the eye
SEVERITY_STYLE = {"error": "bold red", "warning": "yellow", "info": "dim"}
# money columns of totals -> header; a narrow terminal shows the first ones
FIGURES = {
    "on_hand_value": "stock",
    "healthy_value": "healthy",
    "excess_value": "excess",
    "slow_value": "slow",
    "dead_value": "dead",
    "cash_to_release": "to release",
    "carrying_cost_per_year": "carry a year",
    "short_value": "short",
    "exposure_value": "exposed",
}
NARROW, NARROW_FIGURES = 110, 6


def say(console: "Console", text: str | Text, style: str = "", indent: int = 0) -> None:
    """Print text that keeps its indent when it wraps."""
    words = text if isinstance(text, Text) else Text(text, style=style)
    console.print(Padding(words, (0, 0, 0, indent), expand=False), width=min(console.width, READABLE))


def show_table(
    console: "Console", title: str, left: Sequence[str], right: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Print a table with some columns to the left, then figures to the right; cells are never markup."""
    out = Table(box=None, pad_edge=False)
    for name in left:
        out.add_column(name, overflow="fold", min_width=1)
    for name in right:
        out.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        out.add_row(*map(Text, row))
    if title:
        say(console, title, "bold")
    console.print(out)


def show_findings(findings: list[dict[str, Any]], console: "Console") -> None:
    """Print findings, each with what, why, what was done and what to do."""
    for row in findings[:FINDINGS_SHOWN]:
        line = Table.grid(padding=(0, 2, 0, 0), expand=True)
        line.add_column(min_width=7)
        line.add_column(overflow="fold", ratio=1)
        line.add_row(Text(row["severity"], style=SEVERITY_STYLE[row["severity"]]), Text(row["what"]))
        if row["severity"] != "info":
            sentences = " ".join(filter(None, (row["why"], row["done"], row["remedy"])))
            line.add_row("", Text(sentences, style="dim"))
        console.print(line, width=min(console.width, READABLE))
    if len(findings) > FINDINGS_SHOWN:
        more = count(len(findings) - FINDINGS_SHOWN, "more finding")
        say(console, f"… and {more}; --json lists them all.")


def _show_briefly(result: PlanResult, console: "Console") -> None:
    """Print how far the data may be trusted, and a line on each of the gravest findings, with its money."""
    findings = provenance.findings(result)
    ready = view.readiness(result)
    if not ready and not findings:
        return
    say(console, "Can the data be trusted?", "bold")
    if ready:
        say(console, ready)
    shown = findings[:BRIEF_SHOWN]
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    grid.add_column(no_wrap=True, justify="right")
    for row in shown:
        at_risk = money(row["money_at_risk"], result.currency) if row["money_at_risk"] else ""
        severity = Text(row["severity"], style=SEVERITY_STYLE[row["severity"]])
        grid.add_row(severity, Text(row["what"]), Text(at_risk))
    if shown:
        console.print(grid, width=min(console.width, READABLE))
    if len(findings) > len(shown):
        more = count(len(findings) - len(shown), "more finding")
        say(console, f"… and {more}; plimsoll audit {result.workspace} lists them all.")


def show_import(outcome: ImportOutcome, console: "Console") -> None:
    """Print what an import did."""
    if outcome.mapping_text:
        console.print(Text(outcome.mapping_text), soft_wrap=True)
        say(console, f"Mapping proposed and saved: {outcome.mapping_file}. Edit it and import again.")
    names = sorted(outcome.rows | outcome.quarantined)
    rows = [
        (name, f"{outcome.rows.get(name, 0):,}", f"{outcome.quarantined.get(name, 0):,}") for name in names
    ]
    show_table(console, f"Imported from {outcome.source}", ["table"], ["rows", "set aside"], rows)
    show_findings(provenance.gravest(outcome.findings), console)
    state = "in force" if outcome.is_new else "unchanged: the same data are already in force"
    if outcome.as_of == UNDATED:
        say(
            console,
            f"Data that tell of no day, {state}. Next: import demand, without which there is no plan.",
        )
    else:
        say(console, f"Data known on {outcome.as_of}, {state}. Next: plimsoll plan {outcome.workspace}")


def plan_data(result: PlanResult) -> dict[str, Any]:
    """Return the plan's summary as data."""
    return {
        "run_id": result.run_id,
        "as_of": result.as_of.isoformat(),
        "seed": result.seed,
        "headline": view.headline(result),
        "stock_is_known": result.stock_is_known,
        "cost_is_known": result.cost_is_known,
        "totals": {name: frame.to_dicts() for name, frame in result.totals.items()},
        "before_after": result.before_after.to_dicts(),
        "n_recommendations": result["recommendation"].height,
        "recommendations": _orders_data(result, ACTIONS_SHOWN),
        "findings": provenance.findings(result),
        "quarantined": result.quarantined,
        "seconds": result.seconds,
    }


def show_plan(result: PlanResult, console: "Console", files: list[Path]) -> None:
    """Print the plan's summary: money first, then classes, then today's most pressing orders."""
    say(console, f"Plan {result.run_id}, known on {result.as_of}", "bold")
    say(console, view.headline(result))
    lines = [(row.measure, row.before_text, row.after_text, row.change) for row in view.comparisons(result)]
    if lines:
        show_table(console, "\nToday and the plan", [""], ["today", "plan", "change"], lines)
    if result.stock_is_known and result.cost_is_known:
        _print_cash(result.totals["abc"], ["abc"], "\nStock by class", result.currency, console)
    matrix = view.matrix(result)
    cells = [
        (
            abc,
            *(
                f"{c.points}  {c.value.removesuffix(result.currency).rstrip()}  {c.target}"
                for c in row.values()
            ),
        )
        for abc, row in matrix.items()
    ]
    show_table(console, "\nStocking points, stock and mean target", [""], list(matrix["A"]), cells)
    console.print()
    _print_actions(view.actions(result, ACTIONS_SHOWN), result["recommendation"].height, console)
    console.print()
    _show_briefly(result, console)
    say(console, provenance.quarantine(result))
    for file in files:
        console.print(Text(f"Written: {file}"), soft_wrap=True)
    if result.seconds:
        spent = ", ".join(f"{step.lower()} {seconds:.1f}" for step, seconds in result.seconds.items())
        say(console, f"Seconds: {spent}.", "dim")


def _print_actions(lines: list[view.Action], total: int, console: "Console") -> None:
    if not lines:
        say(console, "Nothing to order today: every position is above the level at which to order.")
        return
    shown = "" if len(lines) == total else f", {len(lines)} of {total:,}"
    say(console, f"Today's orders, most money at risk first{shown}", "bold")
    for line in lines:
        name = " ".join(filter(None, (line.item, line.description)))
        figures = f": at risk {line.at_risk}, order {line.value}, due {line.due}"
        say(console, Text.assemble((f"{name} at {line.to}", "bold"), figures), indent=1)
        say(console, line.sentence, "dim", indent=3)


def _orders_data(result: PlanResult, top: int) -> list[dict[str, Any]]:
    """Return the top of today's orders as data, reasons included."""
    return [
        row | {"drivers": json.loads(row["drivers"]), "reason_codes": row["reason_codes"].split()}
        for row in view.ranked_actions(result, top).to_dicts()
    ]


def _print_cash(frame: pl.DataFrame, by: list[str], title: str, currency: str, console: "Console") -> None:
    figures = list(FIGURES)[: NARROW_FIGURES if console.width < NARROW else None]
    rows = [
        [view.group_name(name, row[name]) for name in by]
        + [f"{row['n_points']:,}", *(money(row[figure]) for figure in figures)]
        for row in frame.to_dicts()
    ]
    heads = [label("group", name) for name in by]
    show_table(console, title, heads, ["points", *(FIGURES[figure] for figure in figures)], rows)
    note = f"Money in {currency}; to" if currency else "To"
    say(console, f"{note} release = excess + slow + dead.", "dim")


def cash_data(result: CashResult, top: int) -> dict[str, Any]:
    """Return the stranded cash as data."""
    return {
        "run_id": result.run_id,
        "by": result.by,
        "stock_is_known": result.stock_is_known,
        "groups": result.groups.to_dicts(),
        "points": result.points.head(top).to_dicts(),
    }


def show_cash(result: CashResult, top: int, console: "Console") -> None:
    """Print the stranded cash by group, then the stocking points that hold most of it."""
    if not result.stock_is_known:
        say(console, view.NO_STOCK)
        return
    by = result.groups.columns[: result.groups.columns.index("n_points")]
    ranked = result.groups.sort("cash_to_release", descending=True, maintain_order=True).head(top)
    _print_cash(ranked, by, f"Stock by {result.by}", result.currency, console)
    rows = [
        (
            row["item_id"],
            row["location_id"],
            label("stock", row["status"]),
            quantity(row["on_hand_qty"]),
            money(row["on_hand_value"]),
            money(row["cash_to_release"]),
            days(row["cover_days"]),
        )
        for row in result.points.head(top).to_dicts()
    ]
    if rows:
        left, right = ["item", "location", "verdict"], ["on hand", "stock", "to release", "lasts"]
        show_table(console, "\nWhere most of it sits", left, right, rows)
    else:
        say(console, "No stocking point holds more than the plan wants.")


def explanation_data(answer: Explanation) -> dict[str, Any]:
    """Return the explanation of one stocking point as data."""
    return {
        "run_id": answer.run_id,
        "item_id": answer.item_id,
        "location_id": answer.location_id,
        **answer.questions,
        "rows": answer.rows,
        "lists": answer.lists,
    }


def show_explanation(answer: Explanation, console: "Console") -> None:
    """Print the four questions of one stocking point and their answers."""
    for question, sentences in explained(answer).items():
        say(console, question, "bold")
        for sentence in sentences:
            say(console, sentence, indent=2)
