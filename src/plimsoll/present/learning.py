"""What decisions were worth, in the terminal."""

from typing import TYPE_CHECKING

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.learning_result import LearningResult
from plimsoll.domain.tables import table
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, count, money, percent
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

STYLE = {"suggest": "bold green", "has_cost": "yellow", "unclear": "dim"}


def groupings() -> tuple[str, ...]:
    """Return what decisions may be grouped by."""
    return tuple(code for code in table("outcome_total").column("by").choices if code != "all")


def check_grouping(by: str) -> None:
    """Raise InputError for a grouping that does not exist."""
    if by not in groupings():
        what = f"Decisions cannot be grouped by '{by}'."
        raise InputError(what, remedy=did_you_mean(by, groupings()) or f"Known: {', '.join(groupings())}.")


def headlines(result: LearningResult) -> list[str]:
    """Return the sentences on top: how many were judged, what they added, and what is still open."""
    outcome = result["outcome"]
    if outcome.is_empty():
        return [
            "Nobody has decided on a line yet. Decide on some; what they were worth shows as time passes."
        ]
    row = result["outcome_total"].row(by_predicate=pl.col("by") == "all", named=True)
    n = row["n"] + row["n_accepted"]
    said = [
        f"{count(outcome.height, 'decision')}: {n:,} judged, {row['n']:,} of them other than recommended, "
        f"{row['n_open']:,} whose time has not passed."
    ]
    if row["n"]:
        parts = {
            "shortage": "shortage",
            "holding": "holding",
            "ordering": "ordering",
            "doing": "speed and moves",
        }
        split = ", ".join(
            f"{words} {money(row[f'{name}_saved'], result.currency)}"
            for name, words in parts.items()
            if abs(row[f"{name}_saved"]) >= 1.0
        )
        value, wide = money(row["value_added"], result.currency), interval(row, result.currency)
        said.append(f"Against the recommendations they added {value}{wide}{f': {split}' if split else ''}.")
    return said


def interval(row: dict[str, object], currency: str = "") -> str:
    """Return the interval of a value in brackets, nothing where it is not known."""
    low, high = row["value_low"], row["value_high"]
    if not isinstance(low, float) or not isinstance(high, float):
        return ""
    return f" (likely {money(low, currency)} to {money(high, currency)})"


def not_judged(result: LearningResult) -> list[str]:
    """Return why decisions could not be judged by the data, with counts."""
    rows = result["outcome"].filter(state="unknown")["state_why"].value_counts(sort=True).rows()
    return [f"{count(n, 'decision')} cannot be judged: {label('unjudged', why)}." for why, n in rows]


def group_lines(result: LearningResult, by: str, top: int) -> list[list[str]]:
    """Return the cells of each group, the largest effect first."""
    rows = result["outcome_total"].filter(pl.col("by") == by)
    rows = rows.sort(-pl.col("value_added").abs(), -pl.col("n"), "group").head(top)
    return [
        [
            row["group"].replace("_", " ") if by == "reason" else row["group"],
            label("worth", row["verdict"]),
            f"{row['n']:,}",
            f"{row['n_accepted']:,}",
            f"{row['n_open']:,}",
            money(row["value_added"]) if row["n"] else DASH,
            f"{money(row['value_low'])} … {money(row['value_high'])}" if row["n"] else DASH,
            percent(row["share_right"], 0),
            percent(row["fill_achieved"]),
        ]
        for row in rows.iter_rows(named=True)
    ]


def show_learning(result: LearningResult, by: str, top: int, console: "Console") -> None:
    """Print what decisions added, by group, and what they teach."""
    say(console, f"Decisions judged as known on {result.as_of}, {result.run_id}", "bold")
    for sentence in headlines(result):
        say(console, sentence)
    rows = group_lines(result, by, top)
    if rows:
        heads = ["changed", "as proposed", "open", "added", "likely", "right", "served"]
        show_table(console, f"\nBy {by}", ["", "verdict"], heads, rows)
        unit = f" in {result.currency}" if result.currency else ""
        say(console, f"Added: cost of the recommendation less cost of the decision{unit}.", "dim")
    shown = result["suggestion"].head(top)
    if shown.height:
        say(console, "\nHabits, and what they point to", "bold")
    for row in shown.iter_rows(named=True):
        say(console, row["sentence"], STYLE[row["verdict"]], indent=1)
        if row["verdict"] == "suggest":
            say(console, f"{row['suggestion_id']}: about {_a_year(row, result.currency)}", "dim", indent=3)
    for sentence in not_judged(result):
        say(console, sentence, "dim")


def _a_year(row: dict[str, object], currency: str) -> str:
    return f"{money(float(str(row['value_per_year'])), currency)} a year if it goes on"
