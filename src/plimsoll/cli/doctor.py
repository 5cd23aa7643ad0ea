"""The command `plimsoll doctor`: is a workspace whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plimsoll.cli.console import emit, now

if TYPE_CHECKING:
    from rich.console import Console

    from plimsoll.workflows.doctor import Health

UNSOUND = 7  # exit code when something is wrong


def doctor(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Examine a workspace: files, database, the log of changes, deliveries, jobs."""
    from plimsoll.workflows.doctor import examine

    health = examine(folder, at=now())
    emit(health.as_data, json, lambda console: _show(health, console))
    if not health.is_sound:
        raise typer.Exit(UNSOUND)


def _show(health: "Health", console: "Console") -> None:
    for check in health.checks:
        console.print(
            f"{'sound' if check.is_sound else 'WRONG':<6} {check.name:<11} {check.found}", markup=False
        )
        if check.remedy:
            console.print(f"{'':<18} {check.remedy}", markup=False)
