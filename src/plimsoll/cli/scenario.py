"""The commands of `plimsoll scenario`: write, run, compare, stress and promote what-ifs over the plan."""

from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer

from plimsoll.cli.console import emit, now, progress_bar
from plimsoll.domain.errors import InputError

scenario_app = typer.Typer(
    help="Ask what if: changes laid over the plan in force, which stays as it is.",
    no_args_is_help=True,
)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Top = Annotated[int, typer.Option("--top", min=1, help="Lines to show.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the scenario.")]
AMOUNTS = ("factor", "value", "days")


@scenario_app.callback()
def scenario(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
) -> None:
    """Ask what if: changes laid over the plan in force, which stays as it is."""
    context.obj = folder


@scenario_app.command()
def new(
    context: typer.Context,
    name: Name,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--change",
            help="A change in words FIELD=VALUE, like 'kind=demand factor=1.3'; may be repeated.",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="A document in TOML instead.")
    ] = None,
    note: Annotated[str, typer.Option("--note", help="What it is about.")] = "",
    over: Annotated[bool, typer.Option("--over", help="Write over the one of that name.")] = False,
    json: Json = False,
) -> None:
    """Write a scenario and keep it; names in it are looked up in the plan first."""
    from plimsoll.domain.people import owner
    from plimsoll.domain.scenarios import document
    from plimsoll.present.scenario import show_scenario
    from plimsoll.workflows.scenario import save_scenario

    data: dict[str, Any] = document(_read(file)) if file else {}
    data |= {"name": name} | ({"note": note} if note else {})
    if change:
        listed = data.get("change", [])
        data["change"] = [*(listed if isinstance(listed, list) else [listed]), *map(_change, change)]
    kept = save_scenario(context.obj, data, owner(getuser()), at=now(), over=over)
    emit(kept.as_data, json, lambda console: show_scenario(kept, console))


def _change(text: str) -> dict[str, Any]:
    """Return the fields of a change given as words; a value with spaces stands in quotes."""
    import shlex

    found: dict[str, Any] = {}
    try:
        words = shlex.split(text)
    except ValueError as error:
        what = f"The change {text[:80]!r} cannot be read: {error}."
        raise InputError(what, remedy="Close every quotation mark.") from error
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            what = f"'{word}' is not of the form FIELD=VALUE."
            raise InputError(what, remedy="Write for example 'kind=delay days=14 from=ACME'.")
        found[name] = _number(value) if name in AMOUNTS else value
    return found


def _read(file: Path) -> str:
    """Return the text of a document."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        what = f"'{file}' is not a text in UTF-8."
        raise InputError(what, remedy="Save it as plain text, and try again.") from error


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # told with its name and what is allowed


@scenario_app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """List the scenarios that are kept, with their last run."""
    from plimsoll.domain.people import owner
    from plimsoll.present.scenario import show_saved
    from plimsoll.workflows.scenario import saved_scenarios

    saved = saved_scenarios(context.obj, owner(getuser()))
    emit(lambda: [each.as_data() for each in saved], json, lambda console: show_saved(saved, console))


@scenario_app.command()
def show(context: typer.Context, name: Name, json: Json = False) -> None:
    """Print the document of a scenario."""
    from plimsoll.domain.people import owner
    from plimsoll.workflows.scenario import scenario_of

    kept = scenario_of(context.obj, name, owner(getuser()))
    emit(kept.as_data, json, lambda console: console.print(kept.as_toml(), markup=False, end=""))


@scenario_app.command()
def run(
    context: typer.Context,
    name: Name,
    sweep: Annotated[
        str | None, typer.Option("--sweep", help="Several values of one amount, like 1.factor=0.8,1,1.2.")
    ] = None,
    top: Top = 10,
    json: Json = False,
) -> None:
    """Run a scenario over the plan in force, and show what would be otherwise."""
    from plimsoll.domain.people import owner
    from plimsoll.present.scenario import show_result
    from plimsoll.workflows.scenario import Sweep, run_scenario

    values = Sweep.read(sweep) if sweep else None
    with progress_bar(json) as progress:
        result = run_scenario(context.obj, name, owner(getuser()), at=now(), sweep=values, progress=progress)
    emit(result.as_data, json, lambda console: show_result(result, console, top))


@scenario_app.command()
def compare(
    context: typer.Context,
    names: Annotated[
        list[str], typer.Argument(metavar="NAME", help="Scenarios that were run, or their runs.")
    ],
    top: Top = 10,
    json: Json = False,
) -> None:
    """Show the last runs of scenarios side by side."""
    from plimsoll.domain.people import owner
    from plimsoll.present.scenario import show_result
    from plimsoll.workflows.scenario import compare_scenarios

    result = compare_scenarios(context.obj, names, owner(getuser()))
    emit(result.as_data, json, lambda console: show_result(result, console, top))


@scenario_app.command()
def stress(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", exists=True, dir_okay=False, help="Disruptions in TOML; default: the usual ones."
        ),
    ] = None,
    top: Top = 20,
    json: Json = False,
) -> None:
    """Try many disruptions: how long stock lasts, when all is well again, and what is lost."""
    from plimsoll.domain.people import owner
    from plimsoll.present.scenario import show_stress
    from plimsoll.workflows.scenario_stress import stress_workspace

    document = _read(file) if file else None
    with progress_bar(json) as progress:
        result = stress_workspace(
            context.obj, owner(getuser()), at=now(), document=document, progress=progress
        )
    emit(result.as_data, json, lambda console: show_stress(result, console, top))


@scenario_app.command()
def promote(
    context: typer.Context,
    name: Name,
    author: Annotated[str, typer.Option("--author", help="Who decides.")],
    reason: Annotated[
        str, typer.Option("--reason", help="Code of the reason; an unknown one lists them all.")
    ],
    text: Annotated[str, typer.Option("--text", help="The reason in your own words.")] = "",
    partly: Annotated[bool, typer.Option("--partly", help="What can be, and leave the rest.")] = False,
    json: Json = False,
) -> None:
    """Make the changes of a scenario part of the base, from the next plan on."""
    from plimsoll.domain.people import owner
    from plimsoll.workflows.scenario_promote import promote_scenario

    done = promote_scenario(
        context.obj, name, owner(author), at=now(), reason=reason, text=text, partly=partly
    )
    lines = [*done.done, *(f"Left out: {each}" for each in done.refused), "It counts from the next plan on."]
    emit(done.as_data, json, lambda console: console.print("\n".join(lines), markup=False))
