"""The command of service economics: what service costs in stock, and the best targets."""

from pathlib import Path
from typing import Annotated, Any

import typer

from plimsoll.cli.console import emit, now, progress_bar
from plimsoll.domain.errors import SettingError


def targets(  # noqa: PLR0913 - a command's options
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    goal: Annotated[
        float | None, typer.Option("--goal", help="Share of demand to serve from stock, at the least stock.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", help="Money for stock, for the most service: 2500000 or 2.5M.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", help="What service counts: units, lines, value or margin.")
    ] = None,
    floor: Annotated[
        list[str] | None,
        typer.Option("--floor", help="Least fill rate, of a class or priority: A=0.95; may be repeated."),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="abc, class, category, location or criticality.")] = "class",
    top: Annotated[int, typer.Option("--top", min=1, help="Lines to show.")] = 12,
    accept: Annotated[
        bool, typer.Option("--accept", help="Put the targets in force: the next plan aims at them.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit log.")] = "",
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Also write curves, targets and levels to this folder.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show what service costs in stock, and find the best targets for a goal or a budget."""
    from getpass import getuser

    from plimsoll.domain.people import owner
    from plimsoll.present.economics import check_grouping, economics_data, show_economics
    from plimsoll.workflows import economics as workflow

    check_grouping(by)
    given: dict[str, Any] = {
        "portfolio_goal": goal,
        "portfolio_budget": None if budget is None else amount(budget),
        "portfolio_metric": metric,
        "floors": floors(floor) if floor else None,
    }
    who = owner(getuser())
    with progress_bar(json) as progress:
        result = workflow.run_economics(folder, given, who, at=now(), progress=progress)
    files = workflow.write_csv(result, csv) if csv is not None else []
    changed = workflow.accept_targets(folder, who, at=now(), reason=reason) if accept else None
    emit(
        lambda: economics_data(result, by, changed) | {"files": [str(file) for file in files]},
        json,
        lambda console: show_economics(result, by, top, console, changed=changed, files=files),
    )


def amount(text: str) -> float:
    """Return an amount of money, with k, M or bn for thousands, millions and billions.

    Examples
    --------
    >>> amount("2.5M"), amount("800 k"), amount("1,200,000")
    (2500000.0, 800000.0, 1200000.0)
    """
    plain = text.replace(",", "").replace(" ", "").replace("_", "").lower()
    times = {"k": 1e3, "m": 1e6, "bn": 1e9}
    ending = next((letters for letters in times if plain.endswith(letters)), "")
    try:
        return float(plain.removesuffix(ending)) * times.get(ending, 1.0)
    except ValueError:
        what = f"'{text[:40]}' is no amount of money."
        raise SettingError(what, remedy="Write it like 2500000, 800k or 2.5M.") from None


def floors(texts: list[str]) -> dict[str, float]:
    """Return floors from words like A=0.95.

    Examples
    --------
    >>> floors(["A=0.95", "priority = 0.98"])
    {'A': 0.95, 'priority': 0.98}
    """
    found = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        try:
            found[name] = float(value)
        except ValueError:
            what = f"'{text[:40]}' is no floor."
            raise SettingError(what, remedy="Write it like A=0.95 or priority=0.98.") from None
    return found
