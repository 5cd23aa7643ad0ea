"""The command that shows, proves and places the network."""

from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import emit, now, progress_bar
from plimsoll.domain.errors import SettingError


def network(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    item: Annotated[str | None, typer.Option("--item", help="Draw the network of this item.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Simulate the plan: does the promise hold at every point?")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Compare with each place alone at the same simulated service.")
    ] = False,
    placement: Annotated[
        bool, typer.Option("--placement", help="Find where to decouple, by guaranteed service.")
    ] = False,
    service: Annotated[
        float, typer.Option("--service", help="Share of demand that guaranteed service covers.")
    ] = 0.95,
    bound: Annotated[
        str, typer.Option("--bound", help="Its bound on demand: quantile or normal.")
    ] = "quantile",
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show the plan as one network: what is held where, and why; prove it, compare it, place it anew."""
    if placement and (check or compare):
        what = "--placement goes with neither --check nor --compare."
        raise SettingError(what, remedy="Run the command twice.")
    if placement:
        _place(folder, item, (service, bound), json)
    elif item is not None:
        _draw(folder, item, json)
    else:
        _show(folder, json, check=check, compare=compare)


def _show(folder: Path, json: bool, *, check: bool, compare: bool) -> None:
    from plimsoll.present.network_terminal import network_data, show_network, show_proved
    from plimsoll.workflows.network import review_network

    if not (check or compare):
        result = review_network(folder)
        emit(lambda: network_data(result), json, lambda console: show_network(result, console))
        return
    from plimsoll.workflows.network_proof import prove_network

    with progress_bar(json) as progress:
        result = prove_network(folder, check=check, compare=compare, at=now(), progress=progress)
    emit(lambda: network_data(result), json, lambda console: show_proved(result, console))


def _draw(folder: Path, item: str, json: bool) -> None:
    from plimsoll.present.network_terminal import show_item
    from plimsoll.workflows.network import draw, review_network

    result = review_network(folder)
    lines = draw(result, item)
    emit(
        lambda: {"run_id": result.run_id, "item_id": item, "lines": lines.to_dicts()},
        json,
        lambda console: show_item(lines, result.currency, console),
    )


def _place(folder: Path, item: str | None, given: tuple[float, str], json: bool) -> None:
    from plimsoll.present.network_placement import placement_data
    from plimsoll.present.network_terminal import show_item, show_placement
    from plimsoll.workflows.network import draw
    from plimsoll.workflows.network_placement import PlacementOptions, place_network

    service, bound = given
    options = PlacementOptions(service=service, bound=bound)
    with progress_bar(json) as progress:
        result = place_network(folder, options, at=now(), progress=progress)
    lines = None if item is None else draw(result.network, item, result.table)
    if lines is None:
        emit(lambda: placement_data(result), json, lambda console: show_placement(result, console))
        return
    emit(
        lambda: placement_data(result) | {"network_placement": lines.to_dicts()},
        json,
        lambda console: show_item(lines, result.network.currency, console),
    )
