"""Promised against achieved service, and grades of trust, in the terminal and in the HTML report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from plimsoll.present.charts import ACCENT, INK, LINE, MUTED, Option
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, count, percent
from plimsoll.present.terminal import say, show_table

if TYPE_CHECKING:
    from rich.console import Console

USUAL = 0.95  # level at which groups are shown
TWICE = 2.0  # standard errors within which a gap is put down to chance
CLEAR = 0.02  # standard error above which a gap that may be chance tells nothing
SERVICES = {
    "lines": ("Lines", ACCENT, "circle"),
    "units": ("Units", "#d9822b", "diamond"),
    "periods": ("Periods", MUTED, "rect"),
}
GROUPS = {
    "class": "Class of demand",
    "evidence": "Periods with demand before",
    "interval": "Lead time plus review",
    "target": "Own target",
    "method": "Method",
    "abc": "Class by value",
}
GRADES = {
    "A": "Believe it",
    "B": "Believe it, with a margin",
    "C": "Look before you rely on it",
    "D": "Decide for yourself",
    "-": "Not graded",
}
CHART_PIXELS, CHART_ID = 380, "calibration-chart"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of promises as text."""

    name: str
    items: str
    windows: str
    promised: str
    achieved: str
    gap: str
    error: str
    verdict: str
    kind: str


@dataclass(frozen=True, slots=True)
class Grade:
    """How many stocking points have a grade, and one of them in words."""

    grade: str
    meaning: str
    points: str
    share: str
    example: str


@dataclass(frozen=True, slots=True)
class CalibrationSection:
    """All that the section of the report may use."""

    sentences: list[str]
    levels: list[Line]
    groups: list[tuple[str, list[Line]]]
    grades: list[Grade]
    chart: dict[str, Any]


def verdict(gap: float, error: float | None) -> tuple[str, str]:
    """Return what a gap means and how grave it is, as words and a style.

    Examples
    --------
    >>> verdict(-0.002, 0.004)
    ('kept, within sampling error', 'info')
    >>> verdict(-0.05, 0.01)[0], verdict(0.05, 0.01)[0], verdict(-0.05, 0.04)[0]
    ('served less than promised', 'served more than promised', 'too few to tell')
    """
    if error is None:
        return "too few to tell", "info"
    if abs(gap) <= TWICE * error:
        return ("too few to tell" if error > CLEAR else "kept, within sampling error"), "info"
    return ("served more than promised", "info") if gap > 0 else ("served less than promised", "warning")


def _points(value: float) -> str:
    """Return a share as points with its sign."""
    return f"{100 * value:+z.1f}".replace("-", "−")


def _line(name: str, row: dict[str, Any]) -> Line:
    words, kind = verdict(row["gap"], row["error"])
    return Line(
        name=name,
        items=f"{row['n_items']:,}",
        windows=f"{row['n_windows']:,}",
        promised=percent(row["promised"]),
        achieved=percent(row["achieved"]),
        gap=_points(row["gap"]),
        error=DASH if row["error"] is None else f"{100 * row['error']:.1f}",
        verdict=words,
        kind=kind,
    )


def usual_level(calibration: pl.DataFrame) -> float:
    """Return the level at which groups are shown: of those tried the one nearest to 95 %."""
    levels = calibration["level"].drop_nulls().unique().sort().to_list()
    return float(min(levels, key=lambda level: (abs(level - USUAL), level)))


def sentences(calibration: pl.DataFrame) -> list[str]:
    """Return what came of the promises of lines, at the usual level and at the points' own targets.

    Examples
    --------
    >>> row = {"group": "all", "value": "all", "service": "lines", "level": 0.95, "promised": 0.952,
    ...        "achieved": 0.948, "gap": -0.004, "error": 0.005, "n_items": 1345, "n_windows": 6000,
    ...        "share_short": 0.09, "share_short_by_chance": 0.085}
    >>> sentences(pl.DataFrame([row]))[0]
    'Of 1,345 items promised 95 % of lines in full (95.2 % once rounded to whole steps of stock), 94.8 % were
    served in full: kept, within sampling error.'
    """
    whole = calibration.filter(group="all", service="lines")
    said = []
    for row in whole.filter(level=usual_level(calibration)).to_dicts():
        said.append(
            f"Of {count(row['n_items'], 'item')} promised {percent(row['level'], 0)} of lines in full "
            f"({percent(row['promised'])} once rounded to whole steps of stock), {percent(row['achieved'])} "
            f"were served in full: {verdict(row['gap'], row['error'])[0]}."
        )
        if row["share_short"] is not None:
            said.append(
                f"{percent(row['share_short'], 0)} of the stocking points fell clearly short of promise; "
                f"{percent(row['share_short_by_chance'], 0)} would by chance alone."
            )
    said += [
        f"At their own targets {percent(row['promised'])} of lines were promised and "
        f"{percent(row['achieved'])} served in full: {verdict(row['gap'], row['error'])[0]}."
        for row in whole.filter(pl.col("level").is_null()).to_dicts()
    ]
    return said


def lines_of(calibration: pl.DataFrame, group: str, service: str = "lines") -> list[Line]:
    """Return the rows of a group at the usual level, or at own targets for the group `target`."""
    level = pl.col("level")
    at = level.is_null() if group == "target" else level == usual_level(calibration)
    rows = calibration.filter(at, group=group, service=service)
    if group in ("evidence", "interval", "target"):
        first = pl.col("value").str.extract(r"(\d+)").cast(pl.Int64)
        rows = rows.sort(~pl.col("value").str.starts_with("under"), first)
    else:
        rows = rows.sort(-pl.col("n_windows"), "value")
    topics = {"class": "demand", "method": "method"}
    return [
        _line(label(topics[group], row["value"]) if group in topics else row["value"], row)
        for row in rows.to_dicts()
    ]


def by_level(calibration: pl.DataFrame) -> list[Line]:
    """Return promises of lines to all items by level, own targets last."""
    rows = calibration.filter(group="all", service="lines").sort("level", nulls_last=True)
    return [
        _line("own targets" if row["level"] is None else f"at least {percent(row['level'], 0)}", row)
        for row in rows.to_dicts()
    ]


def grades_of(trust: pl.DataFrame) -> list[Grade]:
    """Return how many stocking points have each grade, with the commonest reason in the words of one."""
    found = []
    for grade, meaning in GRADES.items():
        rows = trust.filter(grade=grade)
        if rows.is_empty():
            continue
        common = rows.group_by("reasons").len().sort(-pl.col("len").cast(pl.Int64), "reasons")["reasons"][0]
        example = rows.filter(reasons=common).sort("item_id", "location_id").row(0, named=True)
        said = example["why"].partition(": ")[2]
        words = "" if grade == "A" else f"{example['item_id']} at {example['location_id']}: {said}"
        share = percent(rows.height / trust.height, 0)
        found.append(Grade(grade, meaning, f"{rows.height:,}", share, words))
    return found


def diagonal(calibration: pl.DataFrame) -> Option:
    """Return achieved against promised service by level; on the diagonal promises are kept.

    Bars reach two standard errors of lines to either side.
    """
    rows = calibration.filter(pl.col("level").is_not_null(), group="all").sort("level")
    ends = rows.select(
        pl.min_horizontal("promised", pl.col("achieved") - TWICE * pl.col("error").fill_null(0.0))
    )
    low = max(5.0 * np.floor(20.0 * ends.to_numpy().min()), 0.0)
    axis = {
        "type": "value", "min": low, "max": 100, "nameLocation": "middle",
        "axisLabel": {"color": INK, "formatter": "{value} %"}, "splitLine": {"lineStyle": {"color": LINE}},
    }  # fmt: skip
    return {
        "animation": False,
        "textStyle": {"fontFamily": "system-ui, sans-serif", "color": INK},
        "grid": {"left": 60, "right": 24, "top": 36, "bottom": 48},
        "legend": {"top": 0, "left": 0, "data": [words for words, _, _ in SERVICES.values()]},
        "tooltip": {"trigger": "item", "confine": True},
        "xAxis": axis | {"name": "Promised", "nameGap": 30},
        "yAxis": axis | {"name": "Achieved", "nameGap": 46},
        "series": [
            {
                "type": "line", "data": [[low, low], [100, 100]], "showSymbol": False, "silent": True,
                "lineStyle": {"color": MUTED, "type": "dashed", "width": 1}, "tooltip": {"show": False},
            },
            *_bars(rows.filter(service="lines").to_dicts()),
            *(_curve(rows.filter(service=service), *how) for service, how in SERVICES.items()),
        ],
    }  # fmt: skip


def _bars(rows: Sequence[dict[str, Any]]) -> list[Option]:
    found = []
    for row in rows:
        reach = TWICE * (row["error"] or 0.0)
        ends = [
            [round(100 * row["promised"], 2), round(100 * min(row["achieved"] + side * reach, 1.0), 2)]
            for side in (-1, 1)
        ]
        found.append({
            "type": "line", "data": ends, "showSymbol": False, "silent": True, "tooltip": {"show": False},
            "lineStyle": {"color": ACCENT, "width": 2, "opacity": 0.45},
        })  # fmt: skip
    return found


def _curve(rows: pl.DataFrame, words: str, colour: str, symbol: str) -> Option:
    pairs = (100.0 * rows.select("promised", "achieved").to_numpy()).round(2).tolist()
    return {
        "type": "line", "name": words, "data": pairs, "symbol": symbol, "symbolSize": 9,
        "lineStyle": {"color": colour, "width": 1.5}, "itemStyle": {"color": colour},
    }  # fmt: skip


def calibration_section(calibration: pl.DataFrame, trust: pl.DataFrame) -> CalibrationSection | None:
    """Return the section of the report, if promises have been held against what came.

    Parameters
    ----------
    calibration, trust : the tables of that name, empty without a check of the forecasts
    """
    if calibration.is_empty() or calibration["level"].drop_nulls().is_empty():
        return None
    groups = ((words, lines_of(calibration, name)) for name, words in GROUPS.items())
    levels = by_level(calibration)
    words = "; ".join(f"{line.name}: promised {line.promised}, achieved {line.achieved}" for line in levels)
    return CalibrationSection(
        sentences=sentences(calibration),
        levels=levels,
        groups=[(words, lines) for words, lines in groups if lines],
        grades=grades_of(trust),
        chart={
            "id": CHART_ID,
            "height": CHART_PIXELS,
            "words": f"Lines in full, all items. {words}.",
            "option": diagonal(calibration),
        },
    )


def show_calibration(calibration: pl.DataFrame, trust: pl.DataFrame, console: "Console") -> None:
    """Print what came of the promises by level, class and evidence, then how many points have which grade."""
    section = calibration_section(calibration, trust)
    if section is None:
        return
    say(console, "\nPromised, and what came", "bold")
    for sentence in section.sentences:
        say(console, sentence)
    shown = [("All items", section.levels)]
    shown += [
        (words, lines) for words, lines in section.groups if words in (GROUPS["class"], GROUPS["evidence"])
    ]
    right = ["items", "windows", "promised", "achieved", "gap", "error"]
    for head, lines in shown:
        rows = [
            [one.name, one.verdict, one.items, one.windows, one.promised, one.achieved, one.gap, one.error]
            for one in lines
        ]
        show_table(console, "", [head, ""], right, rows)
    say(console, "Lines served in full. Gap and its standard error in points.", "dim")
    rows = [[one.grade, one.meaning, one.points, one.share] for one in section.grades]
    show_table(console, "\nHow far to trust a promise", ["grade", ""], ["points", "share"], rows)
