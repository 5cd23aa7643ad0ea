"""The command that proves a rule on the past."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now, progress_bar


def replay(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    rule: Annotated[
        list[str] | None,
        typer.Option("--rule", help="ours, current, static or FILE.py:FUNCTION; may be repeated."),
    ] = None,
    periods: Annotated[
        int | None, typer.Option("--periods", min=0, help="Last periods; 0, the default: a year.")
    ] = None,
    every: Annotated[
        int | None, typer.Option("--every", min=1, help="Periods between two estimates; default: a quarter.")
    ] = None,
    lead_times: Annotated[
        str | None, typer.Option("--lead-times", help="actual (the default), sampled or mean.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--start", help="Stock at the start: recorded (the default), nearest or first_target."),
    ] = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Last day of the past.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Replay the past: what you did, and what a rule would have done with what was known then."""
    from plimsoll.present.replay_terminal import show_replay
    from plimsoll.workflows.replay import replay_workspace

    given = {"periods": periods, "every": every, "lead_times": lead_times, "start": start}
    day = as_of.date() if as_of else None
    with progress_bar(json) as progress:
        result = replay_workspace(folder, rule or (), given, at=now(), as_of=day, progress=progress)
    emit(result.as_data, json, lambda console: show_replay(result, console))
