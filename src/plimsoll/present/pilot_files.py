"""The report of a pilot as files: a page for the board and a workbook with the numbers."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from plimsoll.domain.pilots import FENCE_TABLES, PilotResult
from plimsoll.domain.tables import table
from plimsoll.present import pilot as view
from plimsoll.present.numbers import percent
from plimsoll.present.pages import rendered, text_of, write_together
from plimsoll.present.terminal import say
from plimsoll.present.workbook import Block, write_blocks

if TYPE_CHECKING:
    from rich.console import Console

SHEETS = {
    "pilot_effect": ("Effects", "Each number: both groups now and then, and the effect"),
    "pilot_check": ("Rule", "The questions of the rule fixed at the start"),
    "pilot_week": ("Weeks", "Both groups week by week"),
    "pilot_look": ("Weekly watch", "Service looked at every week, with its boundary"),
    "pilot_override": ("Overrides", "Recommendations overridden, by week"),
    "pilot_decision": ("Decisions", "Every decision in the fence, with its reason"),
    "pilot_gap": ("Shadow", "What planners ordered beside what would have been recommended"),
    "pilot_fence": ("Fence", "Who takes part, in pairs"),
    "pilot_balance": ("Balance", "How alike the groups were at the start"),
    "pilot_power": ("Power", "What the pilot could see"),
    "finding": ("Findings", "What was found when the fence was proposed"),
}


def write_pilot(result: PilotResult, folder: Path) -> list[Path]:
    """Write `pilot-ID.html` and `pilot-ID.xlsx` into a folder and return the two files.

    Both are written beside their final names first, so a full disk or a stop leaves earlier ones intact.
    """
    page, book = (folder / f"pilot-{result.pilot.id}{ending}" for ending in (".html", ".xlsx"))
    return write_together({page: text_of(html_page(result)), book: partial(_write_book, result)})


def html_page(result: PilotResult) -> str:
    """Return the report as one HTML document with its style, charts and script inside."""
    charts = view.charts(result)
    balance = result.fence["pilot_balance"].to_dicts()
    power = [
        (view.FIGURES[row["figure"]], view.effect_text(row["detectable"], row["scale"]).lstrip("+"))
        for row in result.fence["pilot_power"].to_dicts()
    ]
    overrides = [
        (str(row["week"]), f"{row['decided']:,}", f"{row['overridden']:,}", percent(row["rate"], 0))
        for row in result["pilot_override"].to_dicts()
    ]
    return rendered(
        "pilot.html.j2",
        result=result,
        verdict=view.verdict_text(result),
        headline=view.headline(result),
        phase=view.phase_text(result),
        tiles=view.tiles(result),
        effects=view.effects(result),
        checks=view.checks(result),
        season=view.seasonality(result),
        terms=view.terms(result),
        gaps=view.gap_counts(result),
        reasons=view.reasons(result),
        overrides=overrides,
        balance=balance,
        power=power,
        findings=view.finding_texts(result),
        charts=charts,
        options={chart["id"]: chart["option"] for chart in charts},
    )


def _write_book(result: PilotResult, file: Path) -> None:
    sheets = {}
    for name, (title, about) in SHEETS.items():
        frame = (result.fence if name in FENCE_TABLES else result)[name]
        columns = {column.name: (column.unit, column.description) for column in table(name).columns}
        sheets[title] = Block(frame, columns, about, frame.height)
    shown = pl.DataFrame(
        [
            (each.label, each.against, *each.fence, *each.control, each.effect, each.interval)
            for each in view.effects(result)
        ],
        schema=dict.fromkeys(
            ("number", "against", "fence then", "fence now", "control then", "control now", "effect",
             "95 % interval"), pl.String(),
        ),
        orient="row",
    )  # fmt: skip
    first = [Block(shown, dict.fromkeys(shown.columns, ("", "")), "The numbers", shown.height)]
    title = f"Pilot {result.pilot.id}, known on {result.as_of}: {view.verdict_text(result)}"
    write_blocks(file, title, view.headline(result), first, sheets)


def show_files(written: list[Path], console: "Console", *, is_printed: bool) -> None:
    """Print where the files are, and how to make a PDF where no browser of this machine could."""
    for file in written:
        say(console, str(file))
    if not is_printed:
        say(console, "No browser here prints a PDF: open the page and print it, or install chromium.", "dim")
