"""The command that shows what is new, what ends, and what may never be asked for again."""

from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit


def lifecycle(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    warnings: Annotated[bool, typer.Option("--warnings", help="Only what may be over.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Only new items.")] = False,
    ending: Annotated[bool, typer.Option("--ending", help="Only what ends, with its last buy.")] = False,
    top: Annotated[int, typer.Option("--top", min=1, help="Lines to show of each.")] = 12,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show life cycles: early warnings with their write-off, last buys, new items and successors."""
    from plimsoll.present.lifecycle import show_lifecycle
    from plimsoll.workflows.lifecycle import life_cycles

    wanted = {"warnings": warnings, "new": new, "ending": ending}
    sections = tuple(name for name, is_wanted in wanted.items() if is_wanted)
    result = life_cycles(folder)
    emit(
        lambda: result.as_data(sections),
        json,
        lambda console: show_lifecycle(result, console, sections=sections, top=top),
    )
