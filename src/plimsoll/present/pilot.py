"""A pilot in words, figures and charts: the verdict first, then what it rests on."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from plimsoll.domain.pilots import PHASES, PilotResult
from plimsoll.present.charts import ACCENT, INK, LINE, MUTED, Option
from plimsoll.present.labels import LABELS
from plimsoll.present.numbers import DASH, count, money, number, percent
from plimsoll.present.replay_charts import time_chart

VERDICTS = {
    "go": "Go: roll it out",
    "extend": "Extend: not decided yet",
    "stop": "Stop",
    "running": "Running",
}
FIGURES, AGAINST, GAPS = LABELS["pilot_figure"], LABELS["pilot_against"], LABELS["pilot_gap"]
CHECKS = {
    "guard": "Weekly watch of service",
    "overrides": "Planners follow",
    "service": "Service is not worse",
    "inventory": "Inventory fell",
    "worth": "A worthwhile fall is possible",
}
CHART_PIXELS, BAR_PIXELS, HEAD_PIXELS = 280, 44, 60


@dataclass(frozen=True, slots=True)
class Effect:
    """One number of the pilot as text: both groups now and then, and the effect with its interval."""

    label: str
    against: str
    fence: tuple[str, str]
    control: tuple[str, str]
    effect: str
    interval: str
    chance: str
    definition: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question of the rule as text."""

    label: str
    answer: str
    sentence: str


def value_text(value: float | None, unit: str, currency: str = "") -> str:
    """Return a value in its unit.

    Examples
    --------
    >>> value_text(0.978, "share"), value_text(4.26, "per year"), value_text(None, "share")
    ('97.8 %', '4.3', '–')
    """
    if value is None:
        return DASH
    if unit == "share":
        return percent(value)
    return money(value, currency) if unit.startswith("money") else number(value)


def effect_text(value: float | None, scale: str) -> str:
    """Return an effect as a share more or less, or in points.

    Examples
    --------
    >>> effect_text(-0.062, "ratio"), effect_text(0.004, "difference"), effect_text(None, "ratio")
    ('−6.2 %', '+0.4 points', '–')
    """
    if value is None:
        return DASH
    words = "%" if scale == "ratio" else "points"
    return f"{100 * value:+.1f} {words}".replace("-", "−")


def effects(result: PilotResult) -> list[Effect]:
    """Return the numbers of the pilot, against its baseline first."""
    shown = []
    for against, words in AGAINST.items():
        for figure, name in FIGURES.items():
            row = result.effect(figure, against)
            if not row:
                continue
            values = [
                value_text(row[side], row["unit"], result.currency)
                for side in ("fence_then", "fence_now", "control_then", "control_now")
            ]
            interval = ""
            if row["low_95"] is not None:
                ends = (effect_text(row[end], row["scale"]) for end in ("low_95", "high_95"))
                interval = " to ".join(ends)
            chance = "" if row["p_value"] is None else f"{row['p_value']:.3f}"
            shown.append(
                Effect(
                    name, words, (values[0], values[1]), (values[2], values[3]),
                    effect_text(row["effect"], row["scale"]), interval, chance, row["definition"],
                )
            )  # fmt: skip
    return shown


def checks(result: PilotResult) -> list[Check]:
    """Return the questions of the rule in the order of the rule."""
    answers = {True: "passed", False: "failed", None: "cannot be said"}
    rows = {row["check"]: row for row in result["pilot_check"].to_dicts()}
    return [
        Check(name, answers[rows[code]["is_passed"]], rows[code]["sentence"])
        for code, name in CHECKS.items()
        if code in rows
    ]


def headline(result: PilotResult) -> str:
    """Return the state of a pilot in one sentence."""
    one = result.pilot
    if one.status == "stopped":
        return f"{one.ended_by} stopped it on {one.ended_at:%Y-%m-%d}: {one.ended_why}"
    return result.sentence


def tiles(result: PilotResult) -> list[tuple[str, str]]:
    """Return the numbers on top with their captions: effects against the weeks before."""
    found = []
    for figure, name in FIGURES.items():
        row = result.effect(figure)
        if row and row["effect"] is not None:
            caption = f"{name}, against the control group"
            found.append((effect_text(row["effect"], row["scale"]), caption))
    stock = result.effect("inventory_value").get("money")
    if stock is not None:
        found.insert(1, (money(stock, result.currency), "Inventory in the fence beyond what the control did"))
    return found


def terms(result: PilotResult) -> list[str]:
    """Return how the pilot was made, so that a reader can judge it."""
    fence, params = result.fence, result.pilot.params
    coin = (
        "The items were named by people, so the groups may differ in what nobody measured."
        if fence.choice == "named"
        else "In each pair a coin decided which of the two is in the fence."
    )
    phases = "; ".join(f"{each.name} {each.first} to {each.last}" for each in result.pilot.phases)
    return [
        f"{count(fence.n_pairs, 'item')} in the fence, each with the most alike item of its class outside. "
        f"{coin} All places of an item take part.",
        f"Phases: {phases}.",
        f"An effect is the change in the fence beyond that in the control group, against the "
        f"{params['baseline_weeks']} weeks before and against the same weeks a year ago. What hits both "
        "groups alike, such as the season, cancels; what hits many items of one group alone does not.",
        "Intervals: pairs of items drawn again with all their places and weeks. Chance: the share of swaps "
        "of fence and control within pairs that come to an effect as large.",
        f"The rule was fixed at the start, on {result.pilot.started_at:%Y-%m-%d}: go if the 95 % interval of "
        f"the inventory lies below 0 and service is not worse by {percent(params['service_margin'])} or "
        f"more; stop if service falls beyond the weekly watch, if planners override more than "
        f"{percent(params['override_limit'], 0)} in {params['override_weeks']} weeks in a row, or if a fall "
        f"of the inventory by {percent(params['least_fall'], 0)} is ruled out.",
    ]


def seasonality(result: PilotResult) -> str:
    """Return what the control group did by itself: season and market, which the effect leaves out."""
    row = result.effect("inventory_value")
    now, then = row.get("control_now"), row.get("control_then")
    if not now or not then:
        return "What the season did to the control group is not known."
    change = effect_text(now / then - 1, "ratio")
    return f"Without the pilot, season and market moved the inventory of the control group by {change}."


def gap_counts(result: PilotResult) -> list[tuple[str, str, str]]:
    """Return how often planners did what, with the money between, in the shadow weeks."""
    found = result["pilot_gap"].group_by("gap").agg(pl.len().alias("n"), pl.col("gap_value").sum())
    rows = {row["gap"]: row for row in found.to_dicts()}
    return [
        (words, f"{rows[code]['n']:,}", money(rows[code]["gap_value"], result.currency))
        for code, words in GAPS.items()
        if code in rows
    ]


def reasons(result: PilotResult) -> list[tuple[str, str]]:
    """Return why recommendations were overridden, the commonest reason first."""
    over = result["pilot_decision"].filter(pl.col("status") != "accepted")
    found = over.group_by("reason_code").len().sort("len", "reason_code", descending=[True, False])
    return [
        (code.replace("_", " ") if code else "no reason on record", f"{n:,}") for code, n in found.iter_rows()
    ]


def charts(result: PilotResult) -> list[dict[str, Any]]:
    """Return the charts: inventory and service of both groups week by week, and the effects."""
    drawn = []
    weeks = result["pilot_week"].sort("week")
    for column, title, times, unit in (
        ("inventory_value", "How did the inventory go?", None, "first week = 100"),
        ("fill_rate", "How did service go?", 100.0, "%"),
    ):
        known = weeks.drop_nulls(column)
        if known.is_empty():
            continue
        by_group = {}
        for role, name in (("fence", "fence"), ("control", "control group")):
            values = known.filter(role=role)[column]
            scale = times if times is not None else 100.0 / values[0] if values[0] else 1.0
            by_group[name] = (values * scale).to_list()
        dates = [day.isoformat() for day in known["week"].unique().sort()]
        option = time_chart(dates, by_group, result.pilot.sent_from.isoformat())
        option["yAxis"] = {**option["yAxis"], "scale": True, "min": None}
        ends = ", ".join(f"{name} {values[-1]:.1f}" for name, values in by_group.items())
        subtitle = f"Both groups week by week, {unit}. Grey: before recommendations were sent."
        drawn.append(
            {
                "id": f"pilot-{column.replace('_', '-')}", "title": title, "subtitle": subtitle,
                "height": CHART_PIXELS, "words": f"At the end: {ends}.", "option": option,
            }
        )  # fmt: skip
    rows = [result.effect(figure) for figure in FIGURES]
    seen = [row for row in rows if row.get("low_95") is not None]
    if seen:
        words = ", ".join(
            f"{FIGURES[row['figure']]} {effect_text(row['effect'], row['scale'])}" for row in seen
        )
        drawn.append(
            {
                "id": "pilot-effects", "title": "What did the pilot change?",
                "subtitle": "Effect against the control group with its 95 % interval, % or points.",
                "height": HEAD_PIXELS + BAR_PIXELS * len(seen), "words": f"Effects: {words}.",
                "option": interval_chart(seen),
            }
        )  # fmt: skip
    return drawn


def interval_chart(rows: list[dict[str, Any]]) -> Option:
    """Return one line a figure from the low to the high end of its interval, with a point at the effect."""
    names = [FIGURES[row["figure"]] for row in rows]
    points = [
        {
            "value": [round(100 * row["effect"], 2), name],
            "label": {"formatter": effect_text(row["effect"], row["scale"])},
        }
        for row, name in zip(rows, names, strict=True)
    ]
    low = [[round(100 * row["low_95"], 2), name] for row, name in zip(rows, names, strict=True)]
    high = [[round(100 * row["high_95"], 2), name] for row, name in zip(rows, names, strict=True)]
    whiskers = [
        {
            "type": "line", "symbol": "none", "silent": True, "data": [a, b],
            "lineStyle": {"color": MUTED, "width": 3},
        }
        for a, b in zip(low, high, strict=True)
    ]  # fmt: skip
    return {
        "animation": False,
        "textStyle": {"fontFamily": "system-ui, sans-serif", "color": INK},
        "grid": {"left": 0, "right": 24, "top": 16, "bottom": 8, "outerBoundsMode": "same"},
        "xAxis": {"type": "value", "splitLine": {"lineStyle": {"color": LINE}}},
        "yAxis": {"type": "category", "inverse": True, "data": names, "axisTick": {"show": False}},
        "series": [
            *whiskers,
            {
                "type": "scatter", "symbolSize": 12, "data": points, "itemStyle": {"color": ACCENT},
                "label": {"show": True, "position": "top", "color": INK},
            },
        ],
    }  # fmt: skip


def phase_text(result: PilotResult) -> str:
    """Return the phase in words, with what happens in it."""
    words = {
        "waiting": f"It begins on {result.pilot.first_day}.",
        "over": "All weeks have passed; draw the verdict.",
        "stopped": "It was stopped before its verdict.",
        "ended": "It has ended with its verdict.",
    }
    return words.get(result.phase) or f"{result.phase.capitalize()}: {PHASES[result.phase]}."


def verdict_text(result: PilotResult) -> str:
    """Return the verdict in words; a pilot that a person stopped has none."""
    return "Stopped by a person" if result.pilot.status == "stopped" else VERDICTS[result.verdict]


def finding_texts(result: PilotResult) -> list[str]:
    """Return what was found when the fence was proposed."""
    return [f"{row['what']} {row['why']}" for row in result.fence["finding"].to_dicts()]
