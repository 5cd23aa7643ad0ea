"""Promises and grades on the page: words, order of groups, the chart, and nothing where nothing is known."""

import polars as pl
from rich.console import Console

from plimsoll.domain.tables import table
from plimsoll.present.calibration import (
    GRADES,
    GROUPS,
    calibration_section,
    diagonal,
    lines_of,
    show_calibration,
)
from plimsoll.signals.calibration import GROUPS as MADE
from plimsoll.signals.calibration import evidence_groups, interval_groups, target_groups
from plimsoll.signals.trust import GRADES as GRADED


def row(group="all", value="all", level=0.95, service="lines", **given):
    return {
        "group": group, "value": value, "service": service, "level": level, "promised": level or 0.9,
        "achieved": 0.94, "gap": -0.01, "error": 0.008, "n_items": 40, "n_windows": 200, "n_effective": 150.0,
    } | given  # fmt: skip


def promises(*rows):
    return pl.DataFrame(rows, schema=table("calibration").schema)


def grades(*given):
    rows = [
        {"item_id": f"I{k}", "location_id": "DC", "grade": grade, "reasons": why,
         "why": f"Grade {grade}: {why}.", "n_windows": 6, "n_own": 4}
        for k, (grade, why) in enumerate(given)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=table("trust").schema)


def test_nothing_checked_is_nothing_shown():
    assert calibration_section(promises(), grades()) is None
    console = Console(record=True, width=100)
    show_calibration(promises(), grades(), console)
    assert console.export_text() == ""


def test_the_planners_sentence():
    told = calibration_section(
        promises(row(share_short=0.1, share_short_by_chance=0.09), row(level=None, gap=-0.05)), grades()
    )
    assert told.sentences == [
        "Of 40 items promised 95 % of lines in full (95.0 % once rounded to whole steps of stock), 94.0 % "
        "were served in full: kept, within sampling error.",
        "10 % of the stocking points fell clearly short of promise; 9 % would by chance alone.",
        "At their own targets 90.0 % of lines were promised and 94.0 % served in full: served less than "
        "promised.",
    ]


def test_groups_come_in_their_order():
    for group, names, level in (
        ("evidence", evidence_groups(), 0.95),
        ("interval", interval_groups(), 0.95),
        ("target", target_groups(), None),
    ):
        mixed = promises(*(row(group, name, level) for name in reversed(names)))
        rows = pl.concat([mixed, promises(row())])
        assert [line.name for line in lines_of(rows, group)] == names


def test_every_group_and_grade_has_words():
    assert set(GROUPS) == set(MADE) - {"all"}
    assert tuple(GRADES) == GRADED


def test_the_chart_holds_every_service_and_level():
    levels = (0.8, 0.95)
    option = diagonal(
        promises(*(row(level=level, service=s) for s in ("lines", "units", "periods") for level in levels))
    )
    named = {one["name"]: one["data"] for one in option["series"] if "name" in one}
    assert {name: len(data) for name, data in named.items()} == {"Lines": 2, "Units": 2, "Periods": 2}
    assert option["xAxis"]["min"] <= 80.0


def test_grades_with_the_commonest_reason():
    told = calibration_section(promises(row()), grades(("C", "x"), ("C", "y"), ("C", "y"), ("A", "")))
    assert [(one.grade, one.points, one.share) for one in told.grades] == [
        ("A", "1", "25 %"),
        ("C", "3", "75 %"),
    ]
    assert told.grades[1].example == "I1 at DC: y."


def test_the_terminal_shows_it():
    console = Console(record=True, width=120)
    rows = promises(row(), row("class", "lumpy"), row("evidence", "1", error=0.05), row("method", "tsb"))
    show_calibration(rows, grades(("B", "some_demand")), console)
    text = console.export_text()
    for word in (
        "Promised, and what came",
        "at least 95 %",
        "lumpy",
        "too few to tell",
        "Believe it, with a margin",
    ):
        assert word in text
    assert "Teunter" not in text
