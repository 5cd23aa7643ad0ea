"""Scenarios and stress tests in the terminal: figures side by side, other actions, and what hurts."""

from typing import TYPE_CHECKING

import polars as pl

from plimsoll.domain.scenario_result import Saved, ScenarioResult, StressResult
from plimsoll.domain.scenarios import Scenario
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, count, money, number, percent, quantity
from plimsoll.present.terminal import say, show_findings, show_table

if TYPE_CHECKING:
    from rich.console import Console

FIGURES = {
    "stock_expected_value": "Expected stock",
    "buffer_value": "of it buffer",
    "on_hand_value": "Stock today",
    "promised_fill": "Units served from stock, promised",
    "promised_cycle": "Cycles without stock-out, promised",
    "cash_stranded": "Cash stranded",
    "money_at_risk": "Expected shortage today",
    "n_short": "Points short",
    "n_lines": "Actions today",
    "orders_value": "Orders today",
    "purchases_value": "of them purchases",
    "cash_needed": "Cash for purchases to come",
}
CHANGES = {"added": "added", "removed": "not done", "changed": "other quantity", "moved": "other date"}


def figure_text(value: float | None, unit: str, currency: str = "") -> str:
    """Return a figure in its unit."""
    if unit == "share":
        return percent(value, 2)
    return money(value, currency) if unit == "money" else number(value, 0)


def show_saved(saved: list[Saved], console: "Console") -> None:
    """Print the scenarios kept, with what they change and their last run."""
    if not saved:
        say(console, "No scenario is kept yet.")
    for each in saved:
        ran = f"last run {each.run_id} over {each.plan_id}" if each.run_id else "not run yet"
        stale = "; another plan is in force since" if each.is_stale else ""
        say(console, f"{each.scenario.name}: {ran}{stale}", "bold")
        show_scenario(each.scenario, console)


def show_scenario(scenario: Scenario, console: "Console") -> None:
    """Print a scenario: its note and its changes by number."""
    if scenario.note:
        say(console, scenario.note, indent=2)
    for number_, change in enumerate(scenario.changes, 1):
        say(console, f"{number_}. {change}", indent=2)
    if not scenario.changes:
        say(console, "It changes nothing.", indent=2)


def show_result(result: ScenarioResult, console: "Console", top: int) -> None:
    """Print the figures of the cases beside the base, and the actions that differ, the most money first."""
    say(
        console,
        f"What if: {', '.join(each.name for each in result.scenarios)}, over {result.plan_id}",
        "bold",
    )
    for each in result.scenarios:
        show_scenario(each, console)
    cases = result.cases
    frame = result["scenario_figure"]
    rows = []
    for (figure,), part in frame.group_by("figure", maintain_order=True):
        unit = part["unit"][0]
        values = dict(part.select("case", "value").iter_rows())
        texts = [figure_text(values.get(case), unit, result.currency) for case in cases]
        rows.append([FIGURES.get(str(figure), str(figure)), *texts])
    show_table(console, "", [""], cases, rows)
    acts = result["scenario_action"]
    for case in cases[1:]:
        _show_actions(acts.filter(case=case), case, result.currency, console, top)
    if result["finding"].height:
        say(console, "")
        show_findings(result["finding"].to_dicts(), console)


def _show_actions(acts: pl.DataFrame, case: str, currency: str, console: "Console", top: int) -> None:
    total = money(float(acts["value_change"].sum()), currency)
    say(console, f"\n{case}: {count(acts.height, 'action')} otherwise today, {total} in all", "bold")
    rows = [
        (
            CHANGES[row["change"]],
            label("line", row["kind"]),
            row["item_id"],
            f"{row['from_location_id'] or DASH} > {row['to_location_id']}",
            quantity(row["quantity_before"]),
            quantity(row["quantity"], row["unit"]),
            money(row["value_change"], currency),
        )
        for row in acts.sort("rank").head(top).iter_rows(named=True)
    ]
    if rows:
        show_table(console, "", ("", "", "item", "way"), ("base", "then", "money"), rows)


def show_stress(result: StressResult, console: "Console", top: int) -> None:
    """Print the disruptions with the largest expected loss, and the assumptions."""
    frame = result["stress_disruption"].sort("rank")
    hurts = frame.filter(pl.col("money_at_risk") > 0)
    say(
        console,
        f"{count(frame.height, 'disruption')} tried over {result.plan_id}; {hurts.height:,} cost sales",
        "bold",
    )
    for sentence in hurts["sentence"].head(3):
        say(console, sentence)
    say(console, "")
    rows = [
        (
            row["disruption_id"],
            percent(row["probability"]),
            DASH if row["survive_days"] is None else f"{row['survive_days']:.0f}",
            f"{row['recover_days']:.0f}",
            f"{row['n_items_short']:,}",
            money(row["money_at_risk"], result.currency),
            money(row["expected_loss"], result.currency),
        )
        for row in hurts.head(top).iter_rows(named=True)
    ]
    heads = ("a year", "survives, days", "recovers, days", "items", "at risk", "a year")
    if rows:
        show_table(console, "", ("disruption",), heads, rows)
    say(
        console,
        "At risk: margin of sales that cannot be served on time. Probabilities are assumptions.",
        "dim",
    )
