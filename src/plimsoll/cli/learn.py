"""The command that tells what decisions were worth."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now


def learn(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    by: Annotated[
        str, typer.Option("--by", help="author (the default), reason, class, supplier, category or kind.")
    ] = "author",
    top: Annotated[int, typer.Option("--top", min=1, help="Lines to show.")] = 12,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day of knowledge.")
    ] = None,
    adopt: Annotated[
        str | None, typer.Option("--adopt", help="Turn this suggestion into an override; needs --author.")
    ] = None,
    author: Annotated[str | None, typer.Option("--author", help="Who adopts it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Judge decisions whose time has passed: what they added, by whom and why, and what they teach."""
    from getpass import getuser

    from plimsoll.domain.errors import InputError
    from plimsoll.domain.people import owner
    from plimsoll.present.learning import check_grouping, show_learning
    from plimsoll.present.overrides import show_set
    from plimsoll.workflows import learn as workflow

    check_grouping(by)
    if adopt is not None:
        if not author:
            what = "A suggestion is adopted by somebody."
            raise InputError(what, remedy="Add --author with your name.")
        done = workflow.adopt(folder, adopt, owner(author), at=now())
        emit(done.as_data, json, lambda console: show_set(done.override, done.n_rows, console))
        return
    day = as_of.date() if as_of else None
    result = workflow.learn(folder, owner(getuser()), at=now(), as_of=day)
    emit(result.as_data, json, lambda console: show_learning(result, by, top, console))
