"""The command that checks the forecasts."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now, progress_bar


def accuracy(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    by: Annotated[str, typer.Option("--by", help="category, location, item, class or segment.")] = "category",
    top: Annotated[int, typer.Option("--top", min=1, help="Lines to show.")] = 12,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day of knowledge; default: that of the data."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check forecasts and promises: made again at past moments and held against what came, with alarms."""
    from rich.console import Console

    from plimsoll.present.accuracy import show_accuracy
    from plimsoll.present.calibration import show_calibration
    from plimsoll.workflows.accuracy import check_forecasts

    def show(console: Console) -> None:
        show_accuracy(result.accuracy, result.alarm, result.by, top, result.currency, console)
        show_calibration(result.calibration, result.trust, console)

    day = as_of.date() if as_of else None
    with progress_bar(json) as progress:
        result = check_forecasts(folder, by, at=now(), as_of=day, progress=progress)
    emit(result.as_data, json, show)
