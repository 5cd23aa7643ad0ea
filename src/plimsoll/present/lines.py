"""All that is proposed for today in the terminal: orders, moves and changes of open orders, and as data."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from plimsoll.domain.errors import SettingError, did_you_mean
from plimsoll.domain.results import PlanResult
from plimsoll.domain.tables import table
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, money, quantity
from plimsoll.present.terminal import say
from plimsoll.present.view import DOUBTS

if TYPE_CHECKING:
    from rich.console import Console

HEADS = ("", "", "item", "at", "from", "quantity", "worth", "at risk", "due", "grade")
TO_THE_RIGHT = frozenset({0, 5, 6, 7})
GAP = "  "


def of_kinds(result: PlanResult, kinds: Sequence[str]) -> pl.DataFrame:
    """Return the lines of these kinds, of all kinds without any, what matters most first.

    Raises
    ------
    SettingError : a kind that does not exist
    """
    known = table("line").column("kind").choices
    for kind in kinds:
        if kind not in known:
            what = f"There is no line of kind '{kind}'."
            raise SettingError(what, remedy=did_you_mean(kind, known) or f"Use {', '.join(known)}.")
    lines = result["line"]
    return lines.filter(pl.col("kind").is_in(kinds)) if kinds else lines


def lines_data(result: PlanResult, kinds: Sequence[str], top: int) -> dict[str, Any]:
    """Return the top lines as data, reasons included; `n` counts all of these kinds."""
    lines = of_kinds(result, kinds)
    rows = [
        row
        | {
            "line_id": f"{result.run_id}-{row['line_no']}",
            "drivers": json.loads(row["drivers"]),
            "reason_codes": row["reason_codes"].split(),
        }
        for row in lines.head(top).to_dicts()
    ]
    return {"run_id": result.run_id, "n": lines.height, "recommendations": rows}


def show_lines(result: PlanResult, kinds: Sequence[str], top: int, console: "Console") -> None:
    """Print the top lines as columns, each with its reasons below."""
    from rich.padding import Padding
    from rich.text import Text

    lines = of_kinds(result, kinds)
    if lines.is_empty():
        of = f" of kind {', '.join(kinds)}" if kinds else ""
        say(console, f"Nothing is proposed for today{of}.")
        return
    shown = lines.head(top).to_dicts()
    of = "" if len(shown) == lines.height else f", {len(shown)} of {lines.height:,}"
    say(console, f"Today's lines, what matters most first{of}", "bold")
    head, *rows = _aligned([HEADS, *(_cells(row, result.currency) for row in shown)])
    console.print(Text(head, style="dim"), soft_wrap=True)
    for text, row in zip(rows, shown, strict=True):
        console.print(Text(text, style="bold"), soft_wrap=True)
        name = f"{row['description']}. " if row["description"] else ""
        sentence = f"{name}{row['sentence']}{DOUBTS.get(row['readiness'], '')}"
        console.print(Padding(Text(sentence, style="dim"), (0, 0, 0, 3)), width=min(console.width, 110))


def _cells(row: dict[str, Any], currency: str) -> tuple[str, ...]:
    due = row["due_date"].isoformat() if row["due_date"] else DASH
    if row["due_date_now"] and row["due_date"]:
        due = f"{due} (now {row['due_date_now']})"
    return (
        str(row["line_no"]),
        label("line", row["kind"]),
        row["item_id"],
        row["to_location_id"],
        row["from_location_id"] or DASH,
        quantity(row["quantity"], row["unit"]),
        money(row["value"] or None, currency),
        money(row["money_at_risk"] if row["unit_cost"] else None, currency),
        due,
        row["confidence"],
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines of text whose columns stand below each other."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]

    def padded(place: int, cell: str) -> str:
        rest = " " * (widths[place] - cell_len(cell))
        return rest + cell if place in TO_THE_RIGHT else cell + rest

    return [GAP.join(padded(place, cell) for place, cell in enumerate(row)).rstrip() for row in rows]
