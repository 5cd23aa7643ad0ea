"""Exceptions in the terminal, and the same as data for JSON."""

from typing import TYPE_CHECKING, Any

import polars as pl

from plimsoll.domain.exceptions import NEWS, ExceptionsResult
from plimsoll.present.labels import label
from plimsoll.present.numbers import count, money
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

CHANGES_SHOWN, NEWS_SHOWN = 5, 5


def exceptions_data(result: ExceptionsResult, top: int) -> dict[str, Any]:
    """Return the first exceptions with their parts, and the largest changes since the plan before."""
    shown = result["exception"].sort("rank").head(top)
    parts = result["exception_part"].join(shown, on="exception_id", how="semi")
    return {
        "workspace": str(result.workspace),
        "run_id": result.run_id,
        "plan_id": result.plan_id,
        "as_of": result.as_of.isoformat(),
        "currency": result.currency,
        "n_exceptions": result["exception"].height,
        "exceptions": shown.to_dicts(),
        "parts": parts.to_dicts(),
        "n_changes": result["plan_change"].height,
        "changes": _largest(result["plan_change"], top).to_dicts(),
    }


def show_exceptions(result: ExceptionsResult, top: int, console: "Console") -> None:
    """Print the first exceptions, each with its money and what to do, then what changed most."""
    found = result["exception"].sort("rank")
    all_money = money(float(found["money_lost"].sum()), result.currency)
    say(console, f"What needs a person, plan {result.plan_id} known on {result.as_of}", "bold")
    if found.is_empty():
        say(console, "Nothing does: no shortage, late supplier, change or doubtful order was found.")
        return
    say(
        console,
        f"{count(found.height, 'exception')}, {all_money} expected to be lost if nobody acts before the next "
        f"review; the first {min(top, found.height)}:",
    )
    for row in found.head(top).iter_rows(named=True):
        lost = money(row["money_lost"], result.currency)
        say(console, f"{row['rank']:>2}  {lost:<12} {row['title']}", "bold", indent=1)
        say(console, f"{label('exception', row['kind'])}. {row['sentence']}", indent=5)
    news = found.filter(pl.col("rank") > top, pl.col("kind").is_in(NEWS)).head(NEWS_SHOWN)
    if news.height:
        say(console, "Also changed, with less at stake before the next review:", indent=1)
        for row in news.iter_rows(named=True):
            lost = money(row["money_lost"], result.currency)
            say(console, f"{row['rank']:>2}  {lost:<12} {row['title']}", indent=1)
    _show_changes(result, console)


def _largest(changes: pl.DataFrame, top: int) -> pl.DataFrame:
    """Return the changes that move most money."""
    moved = pl.max_horizontal(pl.col("change_value").abs(), pl.col("order_change_value").abs())
    return changes.sort(-moved, "item_id", "location_id").head(top)


def _show_changes(result: ExceptionsResult, console: "Console") -> None:
    changes = result["plan_change"]
    if changes.is_empty():
        return
    rows = [
        [f"{row['item_id']} at {row['location_id']}", row["sentence"], money(row["change_value"])]
        for row in _largest(changes, CHANGES_SHOWN).iter_rows(named=True)
    ]
    title = f"\nWhat changed since the plan before, {len(rows)} of {count(changes.height, 'point')}"
    show_table(console, title, ["point", "change and why"], [f"level {result.currency}".rstrip()], rows)
