"""The commands. Workflows are imported inside each command so that `--help` stays instant."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from plimsoll import __version__
from plimsoll.cli.accuracy import accuracy
from plimsoll.cli.approve import approve
from plimsoll.cli.audit import audit
from plimsoll.cli.capital import capital
from plimsoll.cli.console import emit, now, progress_bar, report_error
from plimsoll.cli.doctor import doctor
from plimsoll.cli.exceptions import exceptions
from plimsoll.cli.export import export
from plimsoll.cli.kpi import kpi
from plimsoll.cli.learn import learn
from plimsoll.cli.lifecycle import lifecycle
from plimsoll.cli.network import network
from plimsoll.cli.override import override_app
from plimsoll.cli.pilot import pilot_app
from plimsoll.cli.repair import repair_app
from plimsoll.cli.replay import replay
from plimsoll.cli.scenario import scenario_app
from plimsoll.cli.serve import serve
from plimsoll.cli.supply import supply
from plimsoll.cli.targets import targets
from plimsoll.cli.teardown import teardown
from plimsoll.cli.user import user_app
from plimsoll.cli.work_job import work_job
from plimsoll.domain.errors import PlimsollError, WorkspaceError

app = typer.Typer(
    name="plimsoll",
    help="How much of every item to hold where, what to order today, why, and how much cash that frees.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Folder = Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Top = Annotated[int, typer.Option("--top", min=1, help="Lines to show.")]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day of knowledge; default: that of the data."),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"plimsoll {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Show where the cash is and what to order."""


@app.command()
def demo(
    folder: Folder,
    items: Annotated[int, typer.Option("--items", min=50, help="Number of items.")] = 8000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the company.")] = 7,
    json: Json = False,
) -> None:
    """Build the demo company: its ERP export, and a workspace with that export imported."""
    from plimsoll.present import terminal
    from plimsoll.workflows.demo import build_demo

    with progress_bar(json) as progress:
        outcome = build_demo(folder, n_items=items, seed=seed, at=now(), progress=progress)
    emit(outcome.as_data, json, lambda console: terminal.show_import(outcome, console))


@app.command()
def init(folder: Folder, json: Json = False) -> None:
    """Make an empty workspace."""
    from plimsoll.workflows.workspace import init_workspace

    path = init_workspace(folder)
    emit(
        lambda: {"workspace": str(path)},
        json,
        lambda console: console.print(
            f"Workspace ready: {path}\nNext: plimsoll import {path} SOURCE (a folder or a workbook)"
        ),
    )


@app.command(name="import")
def import_(
    folder: Folder,
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder, file or workbook of tables.")],
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Mapping file, or the name of a shipped one (man, scms).")
    ] = None,
    json: Json = False,
) -> None:
    """Read tables into the workspace; without a mapping, propose one, print and save it for editing."""
    from plimsoll.present import terminal
    from plimsoll.workflows.onboard import import_source

    with progress_bar(json) as progress:
        outcome = import_source(folder, source, mapping=mapping, at=now(), progress=progress)
    emit(outcome.as_data, json, lambda console: terminal.show_import(outcome, console))
    if "error" in outcome.findings["severity"]:
        raise typer.Exit(DONE_WITH_ERRORS)


app.command()(audit)
app.add_typer(repair_app, name="repair")


@app.command()
def plan(
    folder: Folder,
    as_of: AsOf = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed; default: that of the settings.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Also write report and workbook.")] = False,
    json: Json = False,
) -> None:
    """Plan: estimate demand and lead times, size every buffer, list today's orders and the stranded cash."""
    from plimsoll.present import terminal
    from plimsoll.present.files import write_report
    from plimsoll.workflows.daily import run_day
    from plimsoll.workflows.network import load_network

    with progress_bar(json) as progress:
        day = as_of.date() if as_of else None
        result = run_day(folder, as_of=day, seed=seed, at=now(), progress=progress)
        network = load_network(folder) if report else None
        written = write_report(result, folder / "reports", network=network) if report else []
    emit(
        lambda: terminal.plan_data(result) | {"files": [str(path) for path in written]},
        json,
        lambda console: terminal.show_plan(result, console, written),
    )


@app.command()
def recommend(
    folder: Folder,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="Only lines of this kind: purchase, transfer, production, transshipment, return, "
            "expedite, postpone or cancel; may be repeated.",
        ),
    ] = None,
    top: Top = 20,
    json: Json = False,
) -> None:
    """List all that is proposed for today, what matters most first, each line with its reasons."""
    from plimsoll.present import lines
    from plimsoll.workflows.review import load_plan

    result, kinds = load_plan(folder), kind or []
    emit(
        lambda: lines.lines_data(result, kinds, top),
        json,
        lambda console: lines.show_lines(result, kinds, top, console),
    )


@app.command()
def explain(
    folder: Folder,
    item: Annotated[str, typer.Argument(help="Item number.")],
    location: Annotated[
        str | None, typer.Argument(help="Location; may be left out when the item has one.")
    ] = None,
    json: Json = False,
) -> None:
    """Explain one item at one location: what target and why, how much buffer, where, how much is excess."""
    from plimsoll.present import terminal
    from plimsoll.workflows.review import explain_point

    answer = explain_point(folder, item, location)
    emit(
        lambda: terminal.explanation_data(answer),
        json,
        lambda console: terminal.show_explanation(answer, console),
    )


@app.command()
def cash(
    folder: Folder,
    by: Annotated[
        str, typer.Option("--by", help="abc, xyz, class, location, supplier, category or status.")
    ] = "class",
    top: Top = 20,
    json: Json = False,
) -> None:
    """Show the stranded cash: healthy, excess, slow, dead and short stock in money."""
    from plimsoll.present import terminal
    from plimsoll.workflows.review import stranded_cash

    result = stranded_cash(folder, by)
    emit(
        lambda: terminal.cash_data(result, top),
        json,
        lambda console: terminal.show_cash(result, top, console),
    )


app.command()(supply)
app.command()(lifecycle)
app.command()(network)
app.command()(accuracy)
app.command()(replay)
app.add_typer(scenario_app, name="scenario")
app.add_typer(pilot_app, name="pilot")
app.command()(targets)
app.command()(exceptions)
app.command()(approve)
app.add_typer(override_app, name="override")
app.command()(export)
app.command()(kpi)
app.command()(capital)
app.command()(teardown)
app.command()(learn)
app.command()(serve)
app.add_typer(user_app, name="user")
app.command()(doctor)
app.command(hidden=True)(work_job)


@app.command()
def report(
    folder: Folder,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write to; default: WORKSPACE/reports.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the HTML report and the Excel workbook of the plan in force."""
    from plimsoll.present.files import write_report
    from plimsoll.workflows.network import load_network
    from plimsoll.workflows.replay import load_replay
    from plimsoll.workflows.review import load_plan

    shown = load_replay(folder), load_network(folder)
    written = write_report(load_plan(folder), out or folder / "reports", *shown)
    emit(
        lambda: {"files": [str(path) for path in written]},
        json,
        lambda console: console.print("\n".join(f"Written: {path}" for path in written)),
    )


@app.command()
def bench(  # noqa: PLR0913 - a command's options
    name: Annotated[str, typer.Argument(help="Name of the benchmark; `list` shows them all.")],
    points: Annotated[
        list[int] | None, typer.Option("--points", min=10, help="Stocking points; may be repeated.")
    ] = None,
    periods: Annotated[int, typer.Option("--periods", min=8, help="Weeks of history.")] = 104,
    planners: Annotated[int, typer.Option("--planners", min=1, help="People who click at once.")] = 50,
    items: Annotated[int, typer.Option("--items", min=50, help="Items of the demo company.")] = 8000,
    scenarios: Annotated[int, typer.Option("--scenarios", min=1, help="Disruptions to try.")] = 100,
    data: Annotated[Path, typer.Option("--data", help="Folder of the benchmark data.")] = Path(
        "../shared/data"
    ),
    write: Annotated[
        bool, typer.Option("--write", help="Write the table to docs/benchmarks in the current folder.")
    ] = False,
    json: Json = False,
) -> None:
    """Run a benchmark and print its table, with the machine and versions named."""
    from plimsoll.present import benchmark
    from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, run_benchmark

    options = BenchmarkOptions(tuple(points or ()), periods, data, planners, items, scenarios)
    with progress_bar(json) as progress:
        outcome = run_benchmark(name, options, progress)
    if write:
        benchmark.write(outcome, Path("docs/benchmarks"))
    emit(outcome.as_data, json, lambda console: benchmark.show(outcome, console))


DONE_WITH_ERRORS, STOPPED_CODE = 1, 130
STOPPED = PlimsollError(
    "Stopped at your request.", done="Nothing was half-written: the last good results stay in force."
)


def main() -> None:
    """Run the command line; every error leaves as what, why and what to do, with an exit code."""
    as_json = "--json" in sys.argv
    try:
        app()
    except PlimsollError as error:
        report_error(error, as_json)
        sys.exit(error.exit_code)
    except RuntimeError as error:
        if "cannot cache function" not in str(error):
            raise
        what = "There is no folder to keep the compiled sums in."
        remedy = "Set NUMBA_CACHE_DIR to a folder that may be written, then run the command again."
        report_error(WorkspaceError(what, remedy=remedy), as_json)
        sys.exit(WorkspaceError.exit_code)
    except SystemExit as left:
        if left.code == STOPPED_CODE:  # the library has turned the interrupt into an exit
            report_error(STOPPED, as_json)
        raise
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        what = f"The operating system refused: {error.strerror or error}{place}."
        is_path = isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)
        remedy = "Check the path." if is_path else "Free space or permissions on that disk."
        refused = WorkspaceError(
            what,
            done="Nothing was half-written: the last good results stay in force.",
            remedy=f"{remedy} Then run the command again.",
        )
        report_error(refused, as_json)
        sys.exit(refused.exit_code)
