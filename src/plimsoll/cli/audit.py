"""The command `audit`: what is doubtful in the data, in money, and what may be planned automatically."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now, progress_bar

FOUND_ERRORS = 1


def audit(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    code: Annotated[str | None, typer.Option("--code", help="List the rows of one check.")] = None,
    item: Annotated[str | None, typer.Option("--item", help="List what concerns one item.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Lines to show.")] = 20,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write every row to this CSV file.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day of knowledge; default: that of the data."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Audit the data: every doubtful fact with the money at stake and a repair, and what may be planned."""
    from plimsoll.present import audit as present
    from plimsoll.workflows.audit import audit_workspace, refuse_unknown

    with progress_bar(json) as progress:
        day = as_of.date() if as_of else None
        result = audit_workspace(folder, as_of=day, at=now(), progress=progress)
    refuse_unknown(result, code, item)
    wanted = present.Wanted(code, item, top)
    if csv is not None:
        csv.write_text(present.audit_csv(result, wanted), encoding="utf-8")
    emit(
        lambda: present.audit_data(result, wanted) | {"files": [str(csv)] if csv else []},
        json,
        lambda console: present.show_audit(result, wanted, console),
    )
    if csv is not None and not json:
        typer.echo(f"Written: {csv}")
    if result.has_errors:
        raise typer.Exit(FOUND_ERRORS)
