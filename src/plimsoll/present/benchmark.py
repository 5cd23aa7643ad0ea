"""A benchmark as a terminal table and as a page under docs/benchmarks."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from plimsoll.domain.results import BenchmarkOutcome

if TYPE_CHECKING:
    from rich.console import Console


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _cells(frame: pl.DataFrame) -> list[list[str]]:
    return [[_text(value) for value in row] for row in frame.rows()]


def show(outcome: BenchmarkOutcome, console: "Console") -> None:
    """Print the tables, the machine and the notes."""
    from rich.table import Table

    console.print(f"[bold]{outcome.title}[/bold]")
    for name, frame in outcome.tables.items():
        grid = Table(title=name, title_justify="left", box=None, pad_edge=False)
        for column, dtype in frame.schema.items():
            grid.add_column(column, justify="right" if dtype.is_numeric() else "left")
        for row in _cells(frame):
            grid.add_row(*row)
        console.print(grid)
    for note in outcome.notes:
        console.print(f"- {note}")
    console.print(", ".join(f"{key} {value}" for key, value in outcome.machine.items()), style="dim")


def write(outcome: BenchmarkOutcome, folder: Path) -> Path:
    """Write the benchmark as a Markdown page with the command that made it; returns the file."""
    lines = [f"# {outcome.title}", "", f"Made by `{outcome.command}`.", ""]
    for name, frame in outcome.tables.items():
        numeric = ["--:" if dtype.is_numeric() else "---" for dtype in frame.dtypes]
        lines += [f"## {name}", "", f"| {' | '.join(frame.columns)} |", f"| {' | '.join(numeric)} |"]
        lines += [f"| {' | '.join(row)} |" for row in _cells(frame)] + [""]
    lines += [f"- {note}" for note in outcome.notes]
    lines += ["", "Machine: " + ", ".join(f"{key} {value}" for key, value in outcome.machine.items()) + "."]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{outcome.name}.md"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
