"""The command that shows the key figures."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now


def kpi(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="company, category, class, variability, location, supplier, item, segment, or period.",
        ),
    ] = "company",
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day; default: a year of whole periods."),
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")] = None,
    source: Annotated[
        str, typer.Option("--source", help="actual, replay (every rule of it), or one rule of the replay.")
    ] = "actual",
    rows: Annotated[str | None, typer.Option("--rows", help="Show the rows behind a key figure.")] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Groups and rows to show.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show the key figures: what was held, served, turned and spent, from the records or a replay."""
    from plimsoll.present.kpi import show_kpis
    from plimsoll.workflows.kpi import Asked, measure_kpis

    asked = Asked(
        by="company" if by == "period" else by,
        source=source,
        first=first.date() if first else None,
        last=last.date() if last else None,
        rows_of=rows or "",
        size=None if json else top,
    )
    result = measure_kpis(folder, asked, at=now())
    emit(result.as_data, json, lambda console: show_kpis(result, console, top=top, by_period=by == "period"))
