"""A benchmark as a terminal table and as a page under docs/benchmarks."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.present.numbers import DASH

if TYPE_CHECKING:
    from rich.console import Console


def _text(value: object) -> str:
    if value is None:
        return DASH
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _cells(frame: pl.DataFrame) -> list[list[str]]:
    return [[_text(value) for value in row] for row in frame.rows()]


def _machine(outcome: BenchmarkOutcome) -> str:
    return ", ".join(f"{key} {value}" for key, value in outcome.machine.items())


def show(outcome: BenchmarkOutcome, console: "Console") -> None:
    """Print the tables, the machine and the notes."""
    from rich.table import Table
    from rich.text import Text

    console.print(Text(outcome.title, style="bold"))
    for name, frame in outcome.tables.items():
        grid = Table(title=Text(name), title_justify="left", box=None, pad_edge=False)
        for column, dtype in frame.schema.items():
            grid.add_column(Text(column), justify="right" if dtype.is_numeric() else "left")
        for row in _cells(frame):
            grid.add_row(*map(Text, row))
        console.print(grid)
    for note in outcome.notes:
        console.print(Text(f"- {note}"))
    console.print(Text(_machine(outcome), style="dim"))


def write(outcome: BenchmarkOutcome, folder: Path) -> Path:
    """Write the benchmark as a Markdown page with the command that made it; returns the file."""
    lines = [f"# {outcome.title}", "", f"Made by `{outcome.command}`.", ""]
    for name, frame in outcome.tables.items():
        rules = ["--:" if dtype.is_numeric() else "---" for dtype in frame.dtypes]
        rows = [frame.columns, rules, *_cells(frame)]
        escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
        lines += [f"## {name}", "", *(f"| {' | '.join(row)} |" for row in escaped), ""]
    lines += [*(f"- {note}" for note in outcome.notes), "", f"Machine: {_machine(outcome)}."]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{outcome.name}.md"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
