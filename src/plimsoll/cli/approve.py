"""The command `plimsoll approve`: accept lines of today's plan, refuse them, approve submitted ones."""

from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plimsoll.cli.console import emit, now

if TYPE_CHECKING:
    from rich.console import Console

    from plimsoll.domain.decisions import Decided


def approve(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    lines: Annotated[
        list[str] | None, typer.Argument(metavar="LINE", help="Lines, each like plan-000001-17.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every line that waits for a decision.")] = False,
    max_value: Annotated[
        float | None, typer.Option("--max-value", min=0, help="With --all: only lines worth no more.")
    ] = None,
    submitted: Annotated[
        bool, typer.Option("--submitted", help="Approve lines that planners submitted above their limit.")
    ] = False,
    refuse: Annotated[
        str, typer.Option("--refuse", metavar="REASON", help="Refuse them, for this reason, like 'cash'.")
    ] = "",
    text: Annotated[str, typer.Option("--text", help="The reason in your own words.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Accept lines of the plan in force, so that they leave with the next export; or refuse them."""
    from plimsoll.domain.people import owner
    from plimsoll.workflows import decide

    who, at = owner(getuser()), now()
    waiting = decide.waiting(folder, who, submitted=submitted)
    chosen = decide.chosen(waiting, lines or [], every=every, max_value=max_value)
    if refuse:
        done = decide.refuse(folder, chosen, who, reason=refuse, text=text, at=at)
    elif submitted:
        done = decide.approve(folder, chosen, who, text=text, at=at)
    else:
        done = decide.accept(folder, chosen, who, text=text, at=at)
    emit(done.as_data, json, lambda console: _show(done, "refused" if refuse else "accepted", console))


def _show(done: "Decided", word: str, console: "Console") -> None:
    console.print(f"{len(done.done)} lines {word}.")
    for name, why in list(done.refused_because.items())[:20]:
        console.print(f"{name}: {why}", markup=False)
    if len(done.refused_because) > 20:
        console.print(f"… and {len(done.refused_because) - 20} more that nothing was done with.")
