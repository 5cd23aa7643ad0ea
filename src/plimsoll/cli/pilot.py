"""The commands of `plimsoll pilot`: fence, start, status, shadow, verdict, report and stop."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now

pilot_app = typer.Typer(
    help="Ninety days on a fence of items beside a control group, judged by a rule fixed beforehand.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
AsOf = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day of knowledge.")]
Author = Annotated[str, typer.Option("--author", help="Who decides.")]


@pilot_app.command()
def fence(
    folder: Folder,
    choice: Annotated[
        str, typer.Option("--choice", help="messy_spares (the default) or fast_a.")
    ] = "messy_spares",
    size: Annotated[
        int | None, typer.Option("--size", min=10, help="Items in the fence; default: that of the settings.")
    ] = None,
    items: Annotated[
        Path | None, typer.Option("--items", help="A text file with one item id a line: the fence itself.")
    ] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Propose who takes part and who is compared with, and say what effect could be seen."""
    from getpass import getuser

    from plimsoll.domain.people import owner
    from plimsoll.present.pilot_terminal import item_ids, show_fence
    from plimsoll.workflows.pilot import propose_fence

    named = item_ids(items) if items else ()
    choice, day = "named" if items else choice, as_of.date() if as_of else None
    result = propose_fence(folder, choice, owner(getuser()), at=now(), named=named, size=size, as_of=day)
    emit(result.as_data, json, lambda console: show_fence(result, console))


@pilot_app.command()
def start(
    folder: Folder,
    author: Author,
    first_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="A Monday; default: the next one."),
    ] = None,
    json: Json = False,
) -> None:
    """Start a pilot: the fence proposed last, its weeks and its thresholds are fixed from then on."""
    from plimsoll.domain.people import owner
    from plimsoll.present.pilot_terminal import show_status
    from plimsoll.workflows import pilot

    day = first_day.date() if first_day else None
    result = pilot.start(folder, owner(author), at=now(), first_day=day)
    emit(result.as_data, json, lambda console: show_status(result, console))


@pilot_app.command()
def status(folder: Folder, as_of: AsOf = None, json: Json = False) -> None:
    """Tell the phase, the four numbers so far, overrides by week, and whether a rail is near."""
    from getpass import getuser

    from plimsoll.domain.people import owner
    from plimsoll.present.pilot_terminal import show_status
    from plimsoll.workflows import pilot

    day = as_of.date() if as_of else None
    result = pilot.status(folder, owner(getuser()), at=now(), as_of=day)
    emit(result.as_data, json, lambda console: show_status(result, console))


@pilot_app.command()
def shadow(
    folder: Folder,
    top: Annotated[int, typer.Option("--top", min=1, help="Places to show.")] = 20,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Show what would have been recommended beside what planners ordered, and why."""
    from getpass import getuser

    from plimsoll.domain.people import owner
    from plimsoll.present.pilot_terminal import show_shadow
    from plimsoll.workflows import pilot

    day = as_of.date() if as_of else None
    result = pilot.status(folder, owner(getuser()), at=now(), as_of=day)
    emit(result.as_data, json, lambda console: show_shadow(result, top, console))


@pilot_app.command()
def verdict(folder: Folder, author: Author, as_of: AsOf = None, json: Json = False) -> None:
    """Judge by the rule fixed at the start: go, extend or stop, with the evidence."""
    from plimsoll.domain.people import owner
    from plimsoll.present.pilot_terminal import show_status
    from plimsoll.workflows import pilot

    day = as_of.date() if as_of else None
    result = pilot.verdict(folder, owner(author), at=now(), as_of=day)
    emit(result.as_data, json, lambda console: show_status(result, console))


@pilot_app.command()
def report(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to put the files; default: WORKSPACE/reports.")
    ] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Write the report for the board: HTML, an Excel workbook, and a PDF where a browser can print it."""
    from getpass import getuser

    from plimsoll.domain.people import owner
    from plimsoll.present.pilot_files import show_files, write_pilot
    from plimsoll.workflows import pilot

    day = as_of.date() if as_of else None
    result = pilot.status(folder, owner(getuser()), at=now(), as_of=day)
    files = write_pilot(result, out or folder / "reports")
    printed = pilot.printed(files[0])
    files = [*files, printed] if printed else files
    emit(
        lambda: {"files": [str(file) for file in files]},
        json,
        lambda console: show_files(files, console, is_printed=printed is not None),
    )


@pilot_app.command()
def stop(
    folder: Folder,
    author: Author,
    reason: Annotated[str, typer.Option("--reason", help="Why it stops before its verdict.")],
    json: Json = False,
) -> None:
    """Stop the running pilot before its verdict."""
    from plimsoll.domain.people import owner
    from plimsoll.present.pilot_terminal import show_stopped
    from plimsoll.workflows import pilot

    done = pilot.stop(folder, owner(author), reason=reason, at=now())
    emit(done.as_data, json, lambda console: show_stopped(done, console))
