"""How the command line speaks: tables on stdout, progress on stderr, JSON on request, one shape of error."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from plimsoll.domain.errors import PlimsollError
from plimsoll.domain.progress import Progress, silent

if TYPE_CHECKING:
    from rich.console import Console


def now() -> datetime:
    """Return the moment of the command in UTC; the one place that reads the clock."""
    return datetime.now(UTC)


def emit(data: Callable[[], Any], as_json: bool, show: "Callable[[Console], None]") -> None:
    """Print the result as JSON for programs or by `show` for people."""
    if as_json:
        sys.stdout.write(json.dumps(data(), ensure_ascii=False, indent=1, default=str) + "\n")
        return
    from rich.console import Console

    show(Console(highlight=False))


def report_error(error: PlimsollError, as_json: bool) -> None:
    """Print an error to stderr, what first, then why, what was done and what to do."""
    if as_json:
        sys.stderr.write(json.dumps(error.as_dict(), ensure_ascii=False) + "\n")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    console.print(Text.assemble(("Error  ", "bold red"), error.what))
    for label, text in (("Why    ", error.why), ("Done   ", error.done), ("To do  ", error.remedy)):
        if text:
            console.print(Text.assemble((label, "bold"), text))


@contextmanager
def progress_bar(as_json: bool) -> "Iterator[Progress]":
    """Yield a progress reporter: a bar on a terminal, silence in a pipe or with `--json`."""
    if as_json or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description:<32}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Bar(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def report(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total)

        yield report
