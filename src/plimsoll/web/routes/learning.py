"""Learning: what decisions were worth against the recommendations, and habits that point to a parameter."""

from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.desk_result import Row
from plimsoll.domain.errors import InputError
from plimsoll.domain.learning_result import LearningResult
from plimsoll.domain.people import Person
from plimsoll.present import learning as words
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, count, money, number, percent
from plimsoll.web import cells
from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.screens import Habit, LearningPage
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.contexts.today import Tile
from plimsoll.web.forms import Fields, fields
from plimsoll.web.pages import moved, page
from plimsoll.web.security import requires
from plimsoll.workflows.learn import adopt, load_learning

router = APIRouter(prefix="/learning", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
Adopter = Annotated[Person, Depends(requires("adopt_suggestion"))]
Form = Annotated[Fields, Depends(fields)]
FIRST, MOST_GROUPS, MOST_HABITS = "author", 50, 20
SPLIT = {
    "shortage": "Fewer shortages",
    "holding": "Less stock held",
    "ordering": "Fewer orders",
    "doing": "Speed and moves",
}
SHARES = ("service",)


@router.get("")
def learning(request: Request, who: Viewer, by: str = FIRST) -> Response:
    """Show what decisions were worth, and what they teach."""
    words.check_grouping(by)
    result = load_learning(request.app.state.folder, who, at=request.app.state.clock())
    return page(request, _page(result, by, who))


@router.post("/adopt")
def adopt_one(request: Request, who: Adopter, form: Form) -> Response:
    """Turn a suggestion into an override, which the next plan reads."""
    state = request.app.state
    value, until = form.quantity("value"), form.day("until")
    if until is not None and until < state.clock().date():
        what = "The last day lies in the past."
        raise InputError(
            what, done="Nothing was changed.", remedy="Choose today or later, or leave it empty."
        )
    if value is not None and form.text("field", 40) in SHARES:
        value /= 100.0
    wanted, text = form.text("suggestion_id", 300), form.text("text")
    adopt(state.folder, wanted, who, at=state.clock(), value=value, text=text, expires_at=until)
    return moved(request, "/learning", Notice("good", "It is adopted.", "The next plan reads it."))


def _page(result: LearningResult | None, by: str, who: Person) -> LearningPage:
    can = who.may("adopt_suggestion")
    groups = tuple(
        Link(cells.words(code), f"/learning?by={code}", css="current" if code == by else "")
        for code in words.groupings()
    )
    if result is None or result["outcome"].is_empty():
        says = () if result is None else tuple(words.headlines(result))
        return LearningPage(says, (), (), groups, by, (), None, can, result is not None)
    row = result["outcome_total"].row(by_predicate=pl.col("by") == "all", named=True)
    habits = tuple(
        _habit(each, result.currency) for each in result["suggestion"].head(MOST_HABITS).to_dicts()
    )
    return LearningPage(
        says=(f"Judged as known on {cells.day(result.as_of)}, against what the plan had recommended.",),
        tiles=tuple(_tiles(row, result)),
        habits=habits,
        groups=groups,
        by=by,
        rows=tuple(tuple(cells_) for cells_ in words.group_lines(result, by, MOST_GROUPS)),
        chart=_chart(row, result.currency),
        can_adopt=can,
        has_run=True,
        notes=tuple(words.not_judged(result)),
    )


def _tiles(row: Row, result: LearningResult) -> list[Tile]:
    judged, outcome = row["n"] + row["n_accepted"], result["outcome"]
    ready = result["suggestion"].filter(verdict="suggest").height
    return [
        Tile(
            "Added by changing",
            money(row["value_added"], result.currency) if row["n"] else DASH,
            "",
            words.interval(row, result.currency).strip(" ()") or "too few to say how sure that is",
            "",
        ),
        Tile("Judged", f"{judged:,}", "decisions", f"{row['n']:,} of them other than recommended", ""),
        Tile("Right", percent(row["share_right"], 0), "", "of those that made a difference added value", ""),
        Tile(
            "Habits that paid",
            f"{ready:,}",
            "",
            f"of {count(outcome.height, 'decision')} looked at; see below",
            "#habits",
        ),
    ]


def _chart(row: Row, currency: str) -> dict[str, Any] | None:
    if not row["n"]:
        return None
    steps = [{"name": title, "value": row[f"{name}_saved"]} for name, title in SPLIT.items()]
    return {
        "kind": "waterfall", "title": "Where did it come from?", "unit": currency or "money",
        "note": "cost of the recommendations less cost of what was decided", "steps": steps, "total": "Added",
    }  # fmt: skip


def _habit(row: Row, currency: str) -> Habit:
    can = row["verdict"] == "suggest" and row["parameter"] is not None
    is_share = row["field"] in SHARES
    values = [_value(row[name], row["field"]) for name in ("value_from", "value_to")]
    change = f"{label('parameter', row['parameter'])}: {values[0]} → {values[1]}" if can else ""
    value = row["value_to"]
    typed = "" if value is None else f"{100 * value if is_share else value:.4g}"
    return Habit(
        id=row["suggestion_id"] if can else "",
        title=f"{cells.words(row['scope_kind'], 'habit')} {row['subject']}, {row['direction']}",
        sentence=row["sentence"],
        verdict=row["verdict"],
        money=f"{money(row['value_per_year'], currency)} a year",
        change=change[:1].upper() + change[1:],
        field=row["field"] or "",
        value=typed,
        facts=(
            ("Decisions", f"{row['n_same']:,} of {row['n']:,} in that direction"),
            ("Added", money(row["value_added"], currency) + words.interval(row, currency)),
            ("By chance", f"{percent(row['false_alarm_share'], 0)} of such findings would be"),
            ("From", f"{cells.day(row['first_date'])} to {cells.day(row['last_date'])}"),
        ),
    )


def _value(value: float | None, field: str | None) -> str:
    if value is None:
        return "not set"
    return (
        percent(value)
        if field in SHARES
        else number(value, 1 if field == "days" else 2, "days" if field == "days" else "")
    )
