"""Repairs in the terminal, and their list for the workbook: what each rule does and what it changes."""

from typing import TYPE_CHECKING

import polars as pl

from plimsoll.domain.findings import numbered
from plimsoll.domain.repair_results import RepairLog, RepairOutcome, TableChange
from plimsoll.domain.repairs import Repair
from plimsoll.domain.tables import table
from plimsoll.present.numbers import DASH, money
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

RULES_SHOWN, LEFT_OUT_SHOWN = 20, 10
EXAMPLES_SHOWN, COLUMNS_SHOWN = 6, 6  # of a table that changes: rows each way, columns besides its key
KEY_KEPT = 3  # parts of a key that are shown even where a line is too long
STATUS = {"applied": "in force", "idle": "no effect", "refused": "left out", "waiting": "waiting"}


def show_log(log: RepairLog, console: "Console", *, withdrawn: bool) -> None:
    """Print the repairs in force with what they change today, and if wanted those withdrawn."""
    if log.effects.is_empty():
        say(console, "No repair is in force: the plan reads the facts as they were imported.")
    else:
        say(console, f"Repairs in force, on the data known on {log.as_of}", "bold")
        _show_effects(log.effects, console, told=True)
    if withdrawn and log.withdrawn:
        say(console, "Withdrawn", "bold")
        for rule in log.withdrawn:
            say(console, f"{rule.id}  {rule}. {_gone(rule)}", indent=2)
    elif log.withdrawn:
        text = numbered("{} withdrawn repair<|s>: --all shows <it|them>.", len(log.withdrawn))
        say(console, text.format(f"{len(log.withdrawn):,}"), "dim")


def show_outcome(outcome: RepairOutcome, console: "Console") -> None:
    """Print what repairs were put in force, or would be, what they change, and what was left out."""
    n = len(outcome.rules)
    if n:
        done = "<is|are> in force now" if outcome.is_recorded else "would act; nothing was recorded"
        say(console, numbered(f"{{}} repair<|s> {done}", n).format(f"{n:,}"), "bold")
        _show_effects(outcome.effects, console, told=False)
        for name, change in outcome.changes.items():
            _show_change(name, change, console)
    else:
        say(console, "No repair was put in force.", "bold")
    if outcome.left_out:
        say(console, f"{len(outcome.left_out):,} left out", "bold")
        for what, why in outcome.left_out[:LEFT_OUT_SHOWN]:
            say(console, f"{what}: {why}", indent=2)
        _more(console, len(outcome.left_out) - LEFT_OUT_SHOWN)
    if n and outcome.is_recorded:
        say(console, f"The imported rows are as they were. Next: plimsoll plan {outcome.workspace}")


def show_withdrawn(outcome: RepairOutcome, console: "Console") -> None:
    """Print which repairs were taken out of force and what is read differently now."""
    for rule in outcome.rules:
        say(console, f"{rule.id} is withdrawn: {rule}.")
    for name, change in outcome.changes.items():
        _show_change(name, change, console)
    say(console, f"Next: plimsoll plan {outcome.workspace}")


def repair_list(effects: pl.DataFrame) -> pl.DataFrame:
    """Return the repairs of a plan as the workbook shows them: those that act first, most money first.

    Parameters
    ----------
    effects : table `repair` of the run
    """
    order = pl.col("status").replace_strict({name: n for n, name in enumerate(STATUS)}, return_dtype=pl.Int64)
    money_moved = pl.col("value_change").abs().fill_null(0.0)
    ranked = effects.sort(order, money_moved, "n_rows", "repair_id", descending=[False, True, True, False])
    return ranked.with_columns(pl.col("status").replace(STATUS)).select(table("repair").names)


def _show_effects(effects: pl.DataFrame, console: "Console", *, told: bool) -> None:
    """Print one line a rule; with `told`, also who accepted it and why."""
    ordered = effects.sort(pl.col("repair_id").str.len_chars(), "repair_id")
    rows = [
        (
            row["repair_id"],
            row["rule"]
            + (f" ({row['author']}: {row['reason']})" if told else "")
            + ("" if row["why"] is None else f" - {STATUS[row['status']]}: {row['why']}"),
            f"{row['n_rows']:,}",
            money(row["value_change"]),
        )
        for row in ordered.head(RULES_SHOWN).iter_rows(named=True)
    ]
    show_table(console, "", ("", "rule"), ("rows", "at cost"), rows)
    _more(console, effects.height - RULES_SHOWN)


def _show_change(name: str, change: TableChange, console: "Console") -> None:
    """Print what changes in a table: the counts, and in the first rows the columns that differ."""
    text = "{} row<|s> of {} read otherwise ({:,} before, {:,} after)"
    n = max(change.gone, change.new)
    say(console, numbered(text, n).format(f"{n:,}", name, change.n_before, change.n_after), "bold")
    key, shown = list(table(name).key), _fitting(name, change, console.width)
    sides = [
        frame.head(EXAMPLES_SHOWN).with_columns(pl.lit(sign).alias(""))
        for sign, frame in (("before", change.before), ("after", change.after))
    ]
    rows = pl.concat(sides).sort(key, maintain_order=True).select("", *shown)
    figures = [column for column in shown if rows.schema[column].is_numeric()]
    texts = [column for column in rows.columns if column not in figures]
    ordered = rows.select(*texts, *figures)
    show_table(console, "", texts, figures, ([_cell(cell) for cell in row] for row in ordered.iter_rows()))


def _columns(name: str, change: TableChange) -> list[str]:
    """Return the key columns and the first of those in which the rows shown differ."""
    key, before, after = table(name).key, change.before, change.after
    both = pl.concat([before, after])
    told = [column for column in both.columns if both[column].null_count() < both.height]
    differ = [column for column in told if column not in key and not before[column].equals(after[column])]
    return [*key, *differ[:COLUMNS_SHOWN]]


def _fitting(name: str, change: TableChange, width: int) -> list[str]:
    """Return the columns of a change that fit side by side; the last ones of the key are left out first."""
    shown, key = _columns(name, change), table(name).key
    rows = pl.concat([change.before.head(EXAMPLES_SHOWN), change.after.head(EXAMPLES_SHOWN)])
    wide = {column: max(len(column), *(len(_cell(cell)) for cell in rows[column]), 0) + 2 for column in shown}
    differ = [column for column in shown if column not in key]
    for column in (*reversed(key[KEY_KEPT:]), *reversed(differ[1:])):
        if len("before") + sum(wide[kept] for kept in shown) <= width:
            break
        shown.remove(column)
    return shown


def _more(console: "Console", n: int) -> None:
    if n > 0:
        say(console, f"… and {n:,} more; --json lists them all.", indent=2)


def _gone(rule: Repair) -> str:
    day = f"{rule.withdrawn_at:%Y-%m-%d}" if rule.withdrawn_at else ""
    accepted = f"Accepted by {rule.author}: {rule.reason}"
    return f"{accepted}; withdrawn {day} by {rule.withdrawn_by}: {rule.withdrawn_why}"


def _cell(value: object) -> str:
    if value is None:
        return DASH
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
