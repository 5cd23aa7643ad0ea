"""The command of the first diagnosis."""

from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now, progress_bar


def teardown(
    place: Annotated[Path, typer.Argument(metavar="PLACE", help="A workspace, or a folder of tables.")],
    into: Annotated[
        Path | None,
        typer.Option("--into", help="Workspace for the tables; default: beside them, with -plimsoll."),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write the diagnosis as a page.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Lines of each list to show.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Diagnose a company at first sight: segments, dead and missing stock, cash, maturity, next steps."""
    from plimsoll.present.teardown import show_teardown, write_teardown
    from plimsoll.workflows.teardown import tear_down

    with progress_bar(json) as progress:
        result = tear_down(place, into, at=now(), progress=progress)
    files = [write_teardown(result, html)] if html is not None else []
    emit(
        lambda: result.as_data() | {"files": [str(file) for file in files]},
        json,
        lambda console: show_teardown(result, top, console, files),
    )
