"""The command that shows what needs a person."""

from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now


def exceptions(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    top: Annotated[int, typer.Option("--top", min=1, help="Exceptions to show.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show the exceptions that matter most: one a cause, by the money that waiting loses."""
    from plimsoll.present.exceptions import exceptions_data, show_exceptions
    from plimsoll.workflows.attention import find_exceptions

    result = find_exceptions(folder, at=now())
    emit(lambda: exceptions_data(result, top), json, lambda console: show_exceptions(result, top, console))
