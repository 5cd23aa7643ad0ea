"""The command of working capital: what is stranded, when it is released, what is set aside for it."""

from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now


def capital(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    since: Annotated[
        str | None,
        typer.Option("--since", help="Plan that the bridge begins at, as plan-000001; default: the last."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Stocking points to show.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show how stranded cash is released month by month, the provision for it, and why stock changes."""
    from plimsoll.present.capital import show_capital
    from plimsoll.workflows.capital import measure_capital

    result = measure_capital(folder, since, at=now())
    emit(result.as_data, json, lambda console: show_capital(result, top, console))
