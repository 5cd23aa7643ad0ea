"""Pages of runs from what the workflows know: where a job is, one run, two plans side by side."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

import polars as pl

from plimsoll.domain.desk_result import Row
from plimsoll.present.numbers import count, money
from plimsoll.web import cells
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Line, Link
from plimsoll.web.contexts.screens import Bar, Bars, ComparePage, Figure, Progress, RunPage
from plimsoll.workflows.compare import Comparison, flat

RUNNING = ("queued", "running")
SHOWN_LETTERS, SHOWN_CHANGES = 160, 50
COMPARED = {  # figure of a comparison -> its words, where its rows are
    "money_at_risk": ("Money at risk", "/items?sort=-money_at_risk"),
    "cash_to_release": ("Cash to release", "/cash"),
    "on_hand_value": ("Stock on hand", "/items?sort=-on_hand_value"),
    "buffer_value": ("Safety buffer", "/items?sort=-buffer_qty"),
    "lines_value": ("Worth of the lines", "/recommendations"),
    "n_lines": ("Lines proposed", "/recommendations"),
    "points": ("Stocking points", "/items"),
}
COUNTS = ("n_lines", "points")
CHANGES = (
    Column("item_id", "Item", "item", link="/items/{item_id}/{location_id}"),
    Column("location_id", "Place", "place"),
    Column("main_cause", "Mainly by", "label", topic="level_cause"),
    Column("level_before_qty", "Level before", "quantity"),
    Column("level_qty", "Level after", "quantity"),
    Column("change_value", "Change", "money"),
    Column("order_change_value", "Order changes", "money"),
    Column("sentence", "Why", "prose", priority=3),
)


def progress(job: Row, at: datetime) -> Progress:
    """Return a job as the strip that tells of it."""
    status = str(job["status"])
    running = status in RUNNING
    ended = at if running else job["ended_at"] or at
    seconds = max(0, round((ended - job["created_at"]).total_seconds()))
    done, total = job["step_no"], job["n_steps"]
    share = done / total if total else 0.0
    step = f"{job['step'] or 'waiting to begin'}" if running else ""
    place = f", step {min(done + 1, total)} of {total}" if running and total else ""
    took = f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
    run = job["run_id"]
    links = (Link("What changed", f"/runs/{quote(run)}/changes"), Link("To Today", "/today")) if run else ()
    words = f"{cells.words(job['kind'])} by {job['started_by']}"
    detail = f"{step}{place}, for {took}" if running else f"{run or 'no result'} in {took}"
    error = job["error"] or ""
    return Progress(job["job_id"], words, status, detail, error, 1.0 if run else share, running, links)


def run_page(run: Any, others: list[str]) -> RunPage:
    """Return the page of a run; `others` are runs of its kind that it can be compared with."""
    inputs, libraries = run.manifest["inputs"], run.manifest.get("libraries", {})
    facts = (
        ("Kind", cells.words(run.kind)),
        ("Day of knowledge", cells.day(run.as_of)),
        ("Made", f"{cells.moment(run.created_at)} UTC"),
        ("Made by", f"Plimsoll {run.version}"),
        ("Seed", str(run.seed)),
        ("Fingerprint", run.fingerprint[:16]),
        ("Made of", f"{count(len(inputs), 'table')} of facts"),
        ("With", ", ".join(f"{name} {version}" for name, version in libraries.items())),
    )
    options = tuple((name, _shown(value)) for name, value in flat(run.manifest["parameters"]).items())
    return RunPage(
        run_id=run.id,
        says=f"As known on {cells.day(run.as_of)}.",
        status=run.status,
        facts=tuple(pair for pair in facts if pair[1]),
        options=options,
        tables=tuple(sorted(run.tables)),
        others=tuple((other, other) for other in others),
        is_plan=run.kind == "plan",
    )


def compare_page(found: Comparison, currency: str, plans: list[str]) -> ComparePage:
    """Return two plans side by side."""
    changes = found.changes
    moved = changes.filter(pl.col("change_qty") != 0)
    n = changes.height
    net = float(moved["change_value"].sum() or 0.0)
    says = (
        f"{count(n, 'point')} changed; levels: {_signed(net, currency)}"
        if n
        else "No level and no order changed."
    )
    shown = changes.head(SHOWN_CHANGES)
    rows = tuple(Line(str(at), "", cells.cells(CHANGES, row)) for at, row in enumerate(shown.to_dicts()))
    return ComparePage(
        before=found.before.id,
        after=found.after.id,
        says=says,
        figures=tuple(_figure(name, found.figures[name], currency) for name in COMPARED),
        causes=_causes(moved, currency),
        made_of=tuple(_made_of(found)),
        heads=tuple(
            (f"{column.title}", f"{column.css}|{currency if column.kind == 'money' else ''}")
            for column in CHANGES
        ),
        rows=rows,
        more=f"The {SHOWN_CHANGES} largest of {n:,} are shown." if n > SHOWN_CHANGES else "",
        runs=tuple((plan, plan) for plan in plans),
    )


def _figure(name: str, values: tuple[float, float], currency: str) -> Figure:
    words, href = COMPARED[name]
    before, after = (f"{v:,.0f}" if name in COUNTS else money(v, currency) for v in values)
    more = values[1] - values[0]
    moved = f"{more:+,.0f}" if name in COUNTS else _signed(more, currency)
    return Figure(words, before, after, moved if round(more) else "as before", href)


def _causes(moved: pl.DataFrame, currency: str) -> Bars:
    """Return what moved levels, by money: the sizes add up, so that moves up and down do not hide."""
    value = pl.col("change_value")
    found = (
        moved.group_by("main_cause")
        .agg(pl.len(), size=value.abs().sum(), net=value.sum())
        .sort("size", "main_cause", descending=[True, False])
    )
    longest = max(found["size"].to_list(), default=0.0) or 1.0
    bars = tuple(
        Bar(
            cells.words(row["main_cause"], "level_cause"),
            _signed(row["net"], currency),
            row["size"] / longest,
            note=count(row["len"], "point"),
        )
        for row in found.to_dicts()
    )
    return Bars("What moved the levels?", bars)


def _made_of(found: Comparison) -> list[Figure]:
    """Return what the two plans rest on where it differs."""
    old, new = found.before, found.after
    rows = [Figure("Day of knowledge", cells.day(old.as_of), cells.day(new.as_of), "")]
    if found.before.version != found.after.version:
        rows.append(Figure("Program", old.version, new.version, ""))
    if found.facts:
        names = ", ".join(name.replace("_", " ") for name in found.facts)
        rows.append(Figure("Facts", "as imported then", f"other {names}", ""))
    rows += [
        Figure(name, _shown(before), _shown(after), "") for name, (before, after) in found.options.items()
    ]
    return rows


def _signed(value: float, currency: str) -> str:
    return f"{'+' if value > 0 else ''}{money(value, currency)}"


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list | dict):
        if not value:
            return "none"
        text = json.dumps(value, default=str)
        return text if len(text) <= SHOWN_LETTERS else f"{count(len(value), 'entry', 'entries')}"
    return "yes" if value is True else "no" if value is False else str(value)
