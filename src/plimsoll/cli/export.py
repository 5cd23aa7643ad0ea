"""The command `plimsoll export`: send accepted lines out of the door, exactly once."""

from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plimsoll.cli.console import emit, now

if TYPE_CHECKING:
    from rich.console import Console

    from plimsoll.workflows.outbox import Batch

OWED = 6  # exit code when something could not be delivered yet


def export(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="csv, xlsx or json; may be repeated. Default: all.")
    ] = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="Send nothing new; only try again what is still owed.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Send accepted lines as files, and to the webhook if one is set; a line leaves once."""
    from plimsoll.domain.people import owner
    from plimsoll.workflows import outbox

    sent = outbox.deliver_pending(folder, at=now(), at_once=pending)
    if not pending:
        batch = outbox.export(folder, owner(getuser()), formats=formats or ("csv", "xlsx", "json"), at=now())
        sent += [batch] if batch else []
    emit(
        lambda: {"batches": [batch.as_data() for batch in sent]},
        json,
        lambda console: _show(sent, folder, console),
    )
    if any(batch.owed for batch in sent):
        raise typer.Exit(OWED)


def _show(batches: "list[Batch]", folder: Path, console: "Console") -> None:
    if not batches:
        console.print("Nothing waits to be sent.")
    for batch in batches:
        console.print(f"{batch.batch_id}: {batch.n_lines} lines, worth {batch.value:,.0f}")
        for channel, target in batch.delivered.items():
            place = target if channel == "webhook" else folder / target
            console.print(f"  {channel}: {place}", markup=False)
        for channel, why in batch.owed.items():
            console.print(f"  {channel}: not delivered yet. {why}", markup=False)
