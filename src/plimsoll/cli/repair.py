"""The commands of `plimsoll repair`: see, accept, add, preview and withdraw repairs of the facts."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll.cli.console import emit, now

if TYPE_CHECKING:
    from plimsoll.domain.repair_results import RepairOutcome
    from plimsoll.domain.repairs import Repair

repair_app = typer.Typer(
    help="Lay rules over the imported facts: accepted with author and reason, withdrawn at any time.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Author = Annotated[str, typer.Option("--author", help="Who decides.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the rule.")]
Code = Annotated[str | None, typer.Argument(metavar="CODE", help="Code of an audit check.")]
Kind = Annotated[
    str | None, typer.Option("--kind", help="drop, set, convert, cap, merge or transfer; instead of a code.")
]
Item = Annotated[str | None, typer.Option("--item", help="The item.")]
Location = Annotated[str | None, typer.Option("--location", help="The place; the receiving one of lanes.")]
Every = Annotated[bool, typer.Option("--all", help="All suggestions of the check.")]
Of = Annotated[str | None, typer.Option("--table", help="The table; may be left out of merge and transfer.")]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", help="A condition on the rows, like 'quantity > 500'; may be repeated."),
]
OfColumn = Annotated[str | None, typer.Option("--column", help="The column to set, cap or convert.")]
New = Annotated[
    str | None,
    typer.Option(
        "--value", help="New value (unknown: none), cap, factor, or share of the demand to transfer."
    ),
]
To = Annotated[str | None, typer.Option("--to", help="The item to merge with or to transfer to.")]
Factor = Annotated[
    str | None,
    typer.Option("--factor", help="Units of that item in one unit of this, where they differ."),
]
First = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Only rows dated from this day.")
]
Last = Annotated[
    datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Only rows dated up to this day.")
]
Since = Annotated[
    datetime | None, typer.Option("--since", formats=["%Y-%m-%d"], help="Only plans of this day or later.")
]


@repair_app.callback()
def repair(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
) -> None:
    """Lay rules over the imported facts: accepted with author and reason, withdrawn at any time."""
    context.obj = folder


@repair_app.command("list")
def list_(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those withdrawn.")] = False,
    json: Json = False,
) -> None:
    """List the repairs in force with what each changes today."""
    from plimsoll.present import repairs
    from plimsoll.workflows.repairs import list_repairs

    log = list_repairs(context.obj)
    emit(log.as_data, json, lambda console: repairs.show_log(log, console, withdrawn=every))


@repair_app.command()
def accept(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Code of an audit check.")],
    author: Author,
    reason: Reason,
    item: Item = None,
    location: Location = None,
    every: Every = False,
    json: Json = False,
) -> None:
    """Put in force what a check of the audit suggests: for an item, a place, or all of it."""
    from plimsoll.workflows.repairs import accept_suggestions

    outcome = accept_suggestions(
        context.obj,
        code,
        only=_only(item, location),
        every=every,
        author=author,
        reason=reason,
        at=now(),
    )
    _show(outcome, json)


@repair_app.command()
def add(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    kind: Annotated[str, typer.Option("--kind", help="drop, set, convert, cap, merge or transfer.")],
    author: Author,
    reason: Reason,
    table: Of = None,
    item: Item = None,
    location: Location = None,
    where: Where = None,
    column: OfColumn = None,
    value: New = None,
    to: To = None,
    factor: Factor = None,
    first: First = None,
    last: Last = None,
    since: Since = None,
    json: Json = False,
) -> None:
    """Put a repair of your own in force."""
    from plimsoll.workflows.repairs import add_repair

    rule = _rule(locals())
    _show(add_repair(context.obj, rule, at=now()), json)


@repair_app.command()
def preview(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    code: Code = None,
    kind: Kind = None,
    table: Of = None,
    item: Item = None,
    location: Location = None,
    every: Every = False,
    where: Where = None,
    column: OfColumn = None,
    value: New = None,
    to: To = None,
    factor: Factor = None,
    first: First = None,
    last: Last = None,
    since: Since = None,
    json: Json = False,
) -> None:
    """Show what a suggestion or a repair of your own would change; nothing is recorded."""
    from plimsoll.domain.errors import InputError
    from plimsoll.workflows.repairs import accept_suggestions, add_repair

    if (code is None) == (kind is None):
        what = "A preview is of a check's suggestions or of a rule, and needs one of them."
        raise InputError(what, remedy="Give the code of an audit check, or --kind and what belongs to it.")
    if code is not None:
        outcome = accept_suggestions(
            context.obj, code, only=_only(item, location), every=every,
            author="preview", reason="preview", at=now(), record=False,
        )  # fmt: skip
    else:
        rule = _rule(locals() | {"author": "preview", "reason": "preview"})
        outcome = add_repair(context.obj, rule, at=now(), record=False)
    _show(outcome, json)


@repair_app.command()
def withdraw(
    context: typer.Context,
    repair_id: Annotated[list[str], typer.Argument(metavar="ID...", help="The repairs, as listed.")],
    author: Author,
    reason: Reason,
    json: Json = False,
) -> None:
    """Take repairs out of force: the facts are read again as they were imported."""
    from plimsoll.present import repairs
    from plimsoll.workflows.repairs import withdraw_repairs

    outcome = withdraw_repairs(context.obj, repair_id, author=author, reason=reason, at=now())
    emit(outcome.as_data, json, lambda console: repairs.show_withdrawn(outcome, console))


def _show(outcome: "RepairOutcome", json: bool) -> None:
    from plimsoll.present import repairs

    emit(outcome.as_data, json, lambda console: repairs.show_outcome(outcome, console))


def _only(item: str | None, location: str | None) -> dict[str, str]:
    return {name: text for name, text in (("item_id", item), ("location_id", location)) if text is not None}


def _rule(given: dict[str, Any]) -> "Repair":
    """Return the repair that the options of a command state."""
    from plimsoll.domain.repairs import stated

    days = {name: given[name].date() if given[name] else None for name in ("first", "last", "since")}
    return stated(given | days)
