"""A pilot in the terminal: the fence, where it stands, the shadow, and how it ended."""

from pathlib import Path
from typing import TYPE_CHECKING

from plimsoll.domain.errors import InputError
from plimsoll.domain.pilots import FenceResult, Pilot, PilotResult
from plimsoll.present import pilot as view
from plimsoll.present.numbers import DASH, count, money, number, percent
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"go": "bold green", "stop": "bold red", "extend": "bold yellow", "running": "bold"}
LARGEST = 10_000  # lines of a file of items


def item_ids(file: Path) -> tuple[str, ...]:
    """Return the item ids of a text file, one a line; blank lines and repeated ids are left out.

    Raises InputError for a file that cannot be read, holds nothing, or holds far too much.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        what = f"The items in '{file}' cannot be read: {getattr(error, 'strerror', None) or error}."
        raise InputError(what, remedy="Give a text file with one item id a line.") from error
    found = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not found or len(found) > LARGEST:
        what = f"'{file}' names {len(found):,} items."
        raise InputError(what, remedy=f"Name 1 to {LARGEST:,}, one a line.")
    return found


def show_fence(result: FenceResult, console: "Console") -> None:
    """Print the fence as proposed: the groups, how alike they are, and what could be seen."""
    params = result.params
    say(console, f"{count(result.n_pairs, 'item')} in the fence, as many in the control group", "bold")
    say(console, f"Choice: {result.choice}. Known on {result.as_of}. Run {result.run_id}.")
    balance = result["pilot_balance"].to_dicts()
    show_table(
        console,
        "How alike the groups are",
        ("measure",),
        ("fence", "control", "difference in sd", ""),
        [
            [
                row["label"], number(row["fence_mean"]), number(row["control_mean"]),
                DASH if row["difference"] is None else f"{row['difference']:+.2f}",
                "alike" if row["is_alike"] else "",
            ]
            for row in balance
        ],
    )  # fmt: skip
    weeks = params["recommend_weeks"] + params["measure_weeks"]
    show_table(
        console,
        f"Smallest effect seen with {percent(params['power'], 0)} chance in {weeks} weeks",
        ("figure",),
        ("effect", "effect before"),
        [
            [
                view.FIGURES[row["figure"]],
                view.effect_text(row["detectable"], row["scale"]).lstrip("+"),
                view.effect_text(row["effect_before"], row["scale"]),
            ]
            for row in result["pilot_power"].to_dicts()
        ],
    )
    top = result["pilot_fence"].filter(role="fence").sort("astray", descending=True).head(5).to_dicts()
    for row in top:
        astray = money(row["astray"], result.currency)
        say(console, f"{row['item_id']}  class {row['abc']}, {row['demand_class']}, {astray} astray", "dim")
    for row in result["finding"].to_dicts():
        say(console, f"{row['severity']:<8} {row['what']} {row['why']} {row['remedy']}")
    say(console, f"Next: plimsoll pilot start {result.workspace} --author YOU")


def show_status(result: PilotResult, console: "Console") -> None:
    """Print where a pilot stands, with its numbers, the rule's questions and overrides by week."""
    one = result.pilot
    say(console, view.verdict_text(result), STYLES[result.verdict])
    say(console, view.headline(result))
    say(console, f"Pilot {one.id}, fence {one.fence_run}. {view.phase_text(result)}", "dim")
    for phase in one.phases:
        say(console, f"{phase.name:<10} {phase.first} to {phase.last}", indent=2)
    shown = view.effects(result)
    if shown:
        show_table(
            console,
            f"{count(result.n_weeks, 'week')} of recommendations",
            ("figure", "against"),
            ("fence then", "now", "control then", "now", "effect", "95 % interval"),
            [[row.label, row.against, *row.fence, *row.control, row.effect, row.interval] for row in shown],
        )
        say(console, view.seasonality(result))
    for check in view.checks(result):
        say(console, f"{check.label}: {check.answer}. {check.sentence}")
    overrides = result["pilot_override"].to_dicts()
    if overrides:
        show_table(
            console,
            "Overrides by week",
            ("week",),
            ("decided", "overridden", "rate", "without reason"),
            [
                [
                    str(row["week"]), f"{row['decided']:,}", f"{row['overridden']:,}",
                    percent(row["rate"], 0), f"{row['without_reason']:,}",
                ]
                for row in overrides
            ],
        )  # fmt: skip
    if result.run_id:
        say(console, f"In force as {result.run_id}. Next: plimsoll pilot report {result.workspace}")


def show_shadow(result: PilotResult, top: int, console: "Console") -> None:
    """Print what planners did against what would have been recommended, the most money first."""
    found = result["pilot_gap"]
    if found.is_empty():
        say(console, "Nothing was recommended or ordered in the fence in the shadow weeks yet.")
        return
    show_table(
        console, "Shadow", ("what planners did",), ("places", "money between"), view.gap_counts(result)
    )
    rows = found.sort("gap_value", descending=True).to_dicts()
    rows = sorted(rows, key=lambda row: -abs(row["gap_value"]))[:top]
    for row in rows:
        said = f"{row['item_id']} @ {row['location_id']}: {view.GAPS[row['gap']]}"
        wanted = (
            "" if row["recommended_qty"] is None else f", recommended {number(row['recommended_qty'], 0)}"
        )
        done = "" if row["ordered_qty"] is None else f", ordered {number(row['ordered_qty'], 0)}"
        say(console, f"{said}{wanted}{done} ({money(row['gap_value'], result.currency)})")
        say(console, row["why"], "dim", indent=2)


def show_stopped(done: Pilot, console: "Console") -> None:
    """Print that a pilot was stopped."""
    say(console, f"Pilot {done.id} stopped by {done.ended_by}: {done.ended_why}")
