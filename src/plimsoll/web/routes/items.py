"""Items: the list of stocking points, all about one, and what people set over the computed values."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from urllib.parse import unquote, urlencode

import polars as pl
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.desk_result import ItemView, Row
from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.domain.overrides import FIELDS, Override
from plimsoll.domain.people import Person
from plimsoll.present.numbers import count, money, percent, quantity
from plimsoll.web import item_charts, item_list, item_values
from plimsoll.web.contexts.items import (
    Beside,
    ClearPage,
    ClearPart,
    OthersPage,
    OthersPart,
    SetPage,
    SetPart,
    Table,
    Trial,
)
from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.day_page import point_href
from plimsoll.web.forms import Fields, fields
from plimsoll.web.item_page import item_page
from plimsoll.web.lists import OWN
from plimsoll.web.pages import is_part, moved, page
from plimsoll.web.refusals import local_path, status_of
from plimsoll.web.security import requires
from plimsoll.workflows.explain import WhatIf
from plimsoll.workflows.overrides import set_override, try_override, withdraw_override

router = APIRouter(prefix="/items", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
Setter = Annotated[Person, Depends(requires("override"))]
Form = Annotated[Fields, Depends(fields)]
OF, LISTED = "of", ("items", "cash")  # parameter with the list an item was opened from, and those lists
LONGEST = 500
FIGURES = (
    ("Reorder point", "reorder_point_qty", "quantity"),
    ("Order up to", "order_up_to_qty", "quantity"),
    ("Buffer", "buffer_qty", "quantity"),
    ("Lot", "lot_qty", "quantity"),
    ("Stock on average", "on_hand_mean_qty", "quantity"),
    ("Stock on average, money", "on_hand_mean_value", "money"),
    ("Cycle service", "cycle_service_est", "share"),
    ("Fill rate", "fill_rate_est", "share"),
)


@router.get("")
def items(request: Request, who: Viewer) -> Response:
    """Show the stocking points."""
    return item_list.answer(request, who)


@router.get("/others")
def others(request: Request, who: Viewer, item_id: str, location_id: str) -> Response:
    """Show what other service targets would cost at a point; they are sized when somebody asks."""
    desk = request.app.state.desk
    view = desk.item(item_id, location_id, who)
    part = _others(view, desk.alternatives(item_id, location_id, who))
    back = Link(f"{item_id} at {location_id}", point_href(item_id, location_id))
    return page(request, part if is_part(request) else OthersPage(part, back))


@router.get("/set")
def ask_value(
    request: Request, who: Setter, item_id: str, location_id: str, what: str = "target.service"
) -> Response:
    """Show the form in which a value is set over the computed one."""
    view = request.app.state.desk.item(item_id, location_id, who)
    form = _set_part(view, {"what": what if what in _codes() else "target.service", "reach": "point"})
    return page(request, form if is_part(request) else SetPage(form))


@router.post("/set")
def set_value(request: Request, who: Setter, form: Form) -> Response:
    """Set a value, in force from the next plan on; with `try` show first what it would do."""
    state, at = request.app.state, request.app.state.clock()
    view = state.desk.item(form.text("item_id", LONGEST), form.text("location_id", LONGEST), who)
    given = {
        name: form.text(name)
        for name in ("what", "value", "reach", "reason", "text", "until", "start", "end")
    }
    try:
        override = _override(view, form)
        if form.text("act", 10) == "try":
            return _form(request, _set_part(view, given, trial=_trial(view, override, request, who, at)))
        done = set_override(state.folder, override, who, at=at)
    except PlimsollError as error:
        if status_of(error) not in (404, 422):
            raise
        return _form(request, _set_part(view, given, wrong=str(error)), status=status_of(error))
    reached = f"It reaches {count(done.n_rows, 'point')} and counts from the next plan on."
    return _left(
        request,
        point_href(view.item_id, view.location_id),
        Notice("good", f"{done.override.id} is set.", reached),
    )


@router.get("/clear")
def ask_clear(request: Request, who: Setter, override_id: str, back: str = "/items") -> Response:
    """Ask why a value set by a person is taken away."""
    form = _clear_part(request, who, override_id, back)
    return page(request, form if is_part(request) else ClearPage(form))


@router.post("/clear")
def clear(request: Request, who: Setter, form: Form) -> Response:
    """Take away a value that a person set: the next plan computes it again."""
    state, number, back = request.app.state, form.text("override_id", 40), form.text("back", LONGEST)
    try:
        withdraw_override(state.folder, number, who, at=state.clock(), reason=form.text("reason"))
    except InputError as error:
        part = _clear_part(request, who, number, back, wrong=str(error))
        return _form(request, part, status=status_of(error))
    return _left(
        request,
        local_path(back),
        Notice("good", f"{number} is cleared.", "The next plan computes the value again."),
    )


@router.get("/{point:path}")
def one(request: Request, point: str, who: Viewer) -> Response:
    """Show all about a stocking point; an item without a place leads to the list of its places."""
    item_id, place = _named(request)
    if not place:
        return RedirectResponse(f"/items?{urlencode({'item_id': item_id})}", 303)
    desk = request.app.state.desk
    view = desk.item(item_id, place, who)
    overrides = desk.table("overrides", desk.query("overrides", []), who)
    back = point_href(item_id, place)
    shown = item_page(
        view, overrides, _beside(request, who, item_id, place), back=back, can_set=who.may("override")
    )
    return page(request, shown)


def _named(request: Request) -> tuple[str, str]:
    """Return item and place of the address as it was sent: a quoted slash belongs to a name."""
    sent = request.scope.get("raw_path") or request.url.path.encode()
    parts = [unquote(part) for part in sent.decode("ascii", "replace").partition("?")[0].split("/")[2:]]
    if len(parts) == 1:
        return parts[0], ""
    if len(parts) == 2:
        return parts[0], parts[1]
    # A browser that does not quote a slash in a name: what stands last is the place.
    return "/".join(parts[:-1]), parts[-1]


def _beside(request: Request, who: Person, item_id: str, place: str) -> Beside | None:
    """Return the point's place in the list that it was opened from, where the address tells of one."""
    given = request.query_params.multi_items()
    name = dict(given).get(OF, "")
    if name not in LISTED:
        return None
    desk, page_of = request.app.state.desk, "/items" if name == "items" else "/cash"
    query = desk.query(name, given, ignored=(*OWN, OF))
    found = desk.table(name, query, who, ["item_id", "location_id"])
    here = (pl.col("item_id").cast(pl.String) == item_id) & (pl.col("location_id").cast(pl.String) == place)
    at = found.select(here.arg_true()).to_series()
    if at.is_empty():
        return Beside("", page_of + query.url(), "", "")
    number = int(at[0])
    asked = query.url(page=None) or "?"
    more = f"{asked}{'' if asked.endswith('?') else '&'}{OF}={name}"
    around = [
        point_href(*map(str, found.row(other))) + more if 0 <= other < found.height else ""
        for other in (number - 1, number + 1)
    ]
    return Beside(
        f"{number + 1:,} of {found.height:,}", page_of + query.url(page=number // query.size + 1), *around
    )


def _others(view: ItemView, rows: list[Row]) -> OthersPart:
    unit = view.point.get("unit")
    heads = (
        "Target",
        "Reorder point",
        "Order up to",
        "Stock on average",
        "Holding a year",
        "Missed a year",
        "Fill rate",
    )
    table = Table(
        heads,
        (False, *(True,) * 6),
        tuple(
            (
                percent(row["target_service"], 0),
                quantity(row["reorder_point_qty"]),
                quantity(row["order_up_to_qty"]),
                money(row["on_hand_mean_value"], view.currency),
                money(row["holding_cost_year"], view.currency),
                quantity(row["short_per_year_qty"], unit),
                percent(row["fill_rate_est"]),
            )
            for row in rows
        ),
    )
    point = view.point
    reorder, up_to = quantity(point.get("reorder_point_qty")), quantity(point.get("order_up_to_qty"), unit)
    level = f"order at {reorder} up to {up_to}"
    held = money(point.get("on_hand_mean_value"), view.currency)
    current = f"{percent(point.get('target_service_eff'))} is in force: {level}, {held} of stock on average."
    words = "Sized alone, without what people set and what the network changes."
    return OthersPart(item_charts.others(rows, view.currency), table, current, words)


def _codes() -> list[str]:
    return [choice.code for choice in item_values.choices()]


def _set_part(view: ItemView, given: dict[str, str], wrong: str = "", trial: Trial | None = None) -> SetPart:
    names = ("what", "value", "reach", "reason", "text", "until", "start", "end")
    code = given.get("what", "")
    now = f"now {item_values.current(view, code)}" if code in item_values.VALUES else ""
    return SetPart(
        item=view.item_id,
        place=view.location_id,
        back=point_href(view.item_id, view.location_id),
        choices=item_values.choices(),
        reaches=item_values.reaches(view),
        reasons=item_values.reasons(),
        given={name: given.get(name, "") for name in names},
        now=now,
        wrong=wrong,
        trial=trial,
    )


def _override(view: ItemView, form: Fields) -> Override:
    """Return what a form asks to be set; whether it makes sense is the workflow's to say."""
    kind, _, field = form.text("what", 40).partition(".")
    if kind not in FIELDS:
        what = "The form did not say which value to set."
        raise InputError(what, done="Nothing was changed.", remedy="Choose one.")
    value = form.text("value", 40).replace(" ", "")
    if field == "service":
        value = _share(value)
    return Override(
        kind=kind,
        field=field,
        value=value,
        reason_code=form.text("reason", 40),
        reason_text=form.text("text"),
        start=form.day("start") if kind == "forecast" else None,
        end=form.day("end") if kind == "forecast" else None,
        expires_at=form.day("until"),
        **item_values.scope(view, form.text("reach", 20), kind),  # type: ignore[arg-type]
    )


def _share(text: str) -> str:
    """Return a target typed in percent as a share; what is no percentage is refused in per cent."""
    try:
        given = float(text.removesuffix("%"))
    except ValueError:
        return text
    if not 0.0 < given <= 100.0:
        what = f"{given:g} % is no service target."
        raise InputError(what, done="Nothing was changed.", remedy="Give a number above 0 and at most 100.")
    if given <= 1.0:  # 0.98 typed for 98: nobody wants a shelf that is nearly always empty
        what = f"A service target of {given:g} % was typed, and targets are given in percent."
        remedy = f"For {given:g} of all, type {given * 100:g}."
        raise InputError(what, done="Nothing was changed.", remedy=remedy)
    return str(given / 100.0)


def _trial(view: ItemView, override: Override, request: Request, who: Person, at: datetime) -> Trial:
    here = replace(override, item_id=view.item_id, location_id=view.location_id, category=None)
    found = try_override(request.app.state.folder, here, who, at=at)
    rows = _compared(found, view)
    has_own_road = any(in_force != before for _, in_force, before, _, _ in rows)
    words = "At this point alone, on today's demand. The next plan estimates it anew."
    return Trial(rows, has_own_road, f"{words} {_own_road(found, view)}" if has_own_road else words)


def _own_road(found: WhatIf, view: ItemView) -> str:
    """Return what the figures in force hold that those of a trial do not."""
    part, unit = found.in_force.get("buffer_network_qty") or 0.0, view.point.get("unit")
    if part:
        held = quantity(abs(part), unit)
        said = f"holds {held} {'more' if part > 0 else 'less'} because places that feed each other share it"
        return f"What is in force {said}; that part is sized with the whole plan."
    return "What is in force was sized with the whole plan, so compare Now with Then."


def _compared(found: WhatIf, view: ItemView) -> tuple[tuple[str, str, str, str, str], ...]:
    rows: list[tuple[str, str, str, str, str]] = []
    for words, name, kind in FIGURES:
        before, after = found.before.get(name), found.after.get(name)
        if before is None and after is None:
            continue
        less = None if before is None or after is None else after - before
        shown = [_figure(value, kind, view) for value in (found.in_force.get(name), before, after)]
        rows.append((words, *shown, _difference(less, kind, view)))  # type: ignore[arg-type]
    return tuple(rows)


def _figure(value: float | None, kind: str, view: ItemView) -> str:
    if kind == "share":
        return percent(value)
    return money(value, view.currency) if kind == "money" else quantity(value)


def _difference(value: float | None, kind: str, view: ItemView) -> str:
    if value is None:
        return ""
    if kind == "share":
        return f"{100 * value:+.1f} points" if abs(value) >= 0.0005 else "the same"
    told = _figure(abs(value), kind, view)
    return (
        "the same"
        if told.startswith("0") and told[1:2] in ("", " ")
        else f"{'+' if value > 0 else '−'}{told}"
    )


def _clear_part(request: Request, who: Person, number: str, back: str, wrong: str = "") -> ClearPart:
    desk = request.app.state.desk
    found = desk.listing("overrides", desk.query("overrides", [("override_id", number[:40])]), who).rows
    if not found:
        what = f"There is no override '{number[:40]}'."
        raise Unknown(what, remedy="Load the page again.")
    row = found[0]
    why = row["reason_text"] or ""
    words = f"{item_values.said(row)} for {item_values.reach_words(row)}"
    return ClearPart(number, words, row["author"], why, local_path(back), wrong)


def _form(request: Request, part: SetPart | ClearPart, *, status: int = 200) -> Response:
    """Return a form again with what is wrong with it, or with what a trial found."""
    if not is_part(request):
        return page(request, SetPage(part) if isinstance(part, SetPart) else ClearPage(part), status=status)
    answer = page(request, part, status=status)
    answer.headers.update({"HX-Retarget": "#dialogs", "HX-Reswap": "innerHTML"})
    return answer


def _left(request: Request, href: str, message: Notice) -> Response:
    """Return the way back to a page, which then shows the message."""
    answer = moved(request, href, message)
    if is_part(request):
        answer.status_code = 200
        answer.headers["HX-Redirect"] = answer.headers["location"]
        del answer.headers["location"]
    return answer
