"""The commands of `plimsoll override`: set, try, list and withdraw values over the computed ones."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plimsoll.cli.console import emit, now

if TYPE_CHECKING:
    from plimsoll.domain.overrides import Override

override_app = typer.Typer(
    help="Set targets, lead times, policy values and forecasts over the computed ones.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Author = Annotated[str, typer.Option("--author", help="Who decides.")]
Kind = Annotated[str, typer.Argument(metavar="KIND", help="target, lead_time, policy or forecast.")]
Field = Annotated[
    str,
    typer.Argument(
        metavar="FIELD",
        help="service or kind; days; reorder_point, order_up_to, lot, review_days, min_order, order_multiple "
        "or do_not_stock; per_day, per_week, per_month or factor.",
    ),
]
New = Annotated[str, typer.Argument(metavar="VALUE", help="The value to be in force.")]
Reason = Annotated[str, typer.Option("--reason", help="Code of the reason; an unknown one lists them all.")]
Text = Annotated[str, typer.Option("--text", help="The reason in your own words.")]
Item = Annotated[str | None, typer.Option("--item", help="Only this item.")]
Location = Annotated[str | None, typer.Option("--location", help="Only at this location.")]
Source = Annotated[str | None, typer.Option("--from", help="Only what comes from this supplier or location.")]
Category = Annotated[str | None, typer.Option("--category", help="Only this product group.")]
Start = Annotated[
    datetime | None, typer.Option("--start", formats=["%Y-%m-%d"], help="First day a forecast is about.")
]
End = Annotated[
    datetime | None, typer.Option("--end", formats=["%Y-%m-%d"], help="Last day a forecast is about.")
]
Expires = Annotated[
    datetime | None, typer.Option("--expires", formats=["%Y-%m-%d"], help="Last day on which it counts.")
]


@override_app.callback()
def override(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
) -> None:
    """Set targets, lead times, policy values and forecasts over the computed ones."""
    context.obj = folder


@override_app.command("set")
def set_(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    kind: Kind,
    field: Field,
    value: New,
    author: Author,
    reason: Reason,
    text: Text = "",
    item: Item = None,
    location: Location = None,
    source: Source = None,
    category: Category = None,
    start: Start = None,
    end: End = None,
    expires: Expires = None,
    json: Json = False,
) -> None:
    """Set a value for all in its scope; it counts from the next plan on, until it expires or is withdrawn."""
    from plimsoll.domain.people import owner
    from plimsoll.present import overrides
    from plimsoll.workflows.overrides import set_override

    done = set_override(context.obj, _stated(locals()), owner(author), at=now())
    emit(done.as_data, json, lambda console: overrides.show_set(done.override, done.n_rows, console))


@override_app.command("try")
def try_(  # noqa: PLR0913 - a command's options
    context: typer.Context,
    kind: Kind,
    field: Field,
    value: New,
    item: Annotated[str, typer.Option("--item", help="The item.")],
    location: Annotated[str, typer.Option("--location", help="The location.")],
    start: Start = None,
    end: End = None,
    json: Json = False,
) -> None:
    """Show what a value would do at one item and location; nothing is recorded."""
    from plimsoll.domain.people import owner
    from plimsoll.present import overrides
    from plimsoll.workflows.overrides import try_override

    given = _stated(locals() | {"reason": "cash"})
    found = try_override(context.obj, given, owner("trial"), at=now())
    emit(found.as_data, json, lambda console: overrides.show_trial(found.before, found.after, console))


@override_app.command("list")
def list_(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those expired or withdrawn.")] = False,
    json: Json = False,
) -> None:
    """List the overrides in force, the latest first."""
    from plimsoll.domain.people import owner
    from plimsoll.present import overrides as shown
    from plimsoll.workflows.overrides import overrides

    found = overrides(context.obj, owner("list"), at=now(), every=every)
    emit(lambda: {"overrides": found.to_dicts()}, json, lambda console: shown.show_list(found, console))


@override_app.command()
def withdraw(
    context: typer.Context,
    override_id: Annotated[str, typer.Argument(metavar="ID", help="The override, as listed.")],
    author: Author,
    text: Annotated[str, typer.Option("--text", help="Why; it is kept with the override.")],
    json: Json = False,
) -> None:
    """Take an override out of force: the next plan computes the value again."""
    from plimsoll.domain.people import owner
    from plimsoll.present import overrides
    from plimsoll.workflows.overrides import withdraw_override

    done = withdraw_override(context.obj, override_id, owner(author), at=now(), reason=text)
    emit(done.as_data, json, lambda console: overrides.show_withdrawn(done, console))


def _stated(given: dict[str, Any]) -> "Override":
    """Return the override that the options of a command state."""
    from plimsoll.domain.overrides import Override

    days = {name: given.get(name) for name in ("start", "end", "expires")}
    start, end, expires = (day.date() if day else None for day in days.values())
    return Override(
        kind=given["kind"],
        field=given["field"],
        value=given["value"],
        reason_code=given["reason"],
        reason_text=given.get("text", ""),
        item_id=given["item"],
        location_id=given["location"],
        from_location_id=given.get("source"),
        category=given.get("category"),
        start=start,
        end=end,
        expires_at=expires,
    )
