"""The command that shows suppliers and open orders."""

from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now


def supply(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    by: Annotated[str, typer.Option("--by", help="supplier or lane.")] = "supplier",
    top: Annotated[int, typer.Option("--top", min=1, help="Lines to show.")] = 12,
    orders: Annotated[
        bool, typer.Option("--orders", help="Show open orders only, the riskiest first.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show suppliers: promised against actual, what their variability costs, and when open orders arrive."""
    from plimsoll.present.supply import supply_data
    from plimsoll.present.supply_terminal import show_supply
    from plimsoll.workflows.supply_review import review_supply

    result = review_supply(folder, by, at=now())
    emit(
        lambda: supply_data(result, top),
        json,
        lambda console: show_supply(result, top, console, orders_only=orders),
    )
