"""The worklist: see, accept, change and refuse what the plan proposes, one line or all that match."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.decisions import CHANGE_KINDS, Decided, LineRef, Stale, Unknown
from plimsoll.domain.desk_result import LineView
from plimsoll.domain.errors import InputError
from plimsoll.domain.listing import Condition, Query
from plimsoll.domain.people import Person
from plimsoll.present.numbers import count, money
from plimsoll.web import cells, lists, worklist
from plimsoll.web.contexts.recommendations import (
    ConfirmAll,
    ConfirmPage,
    EditPage,
    EditPart,
    Panel,
    PanelPart,
    RecommendationsPage,
    RecommendationsPart,
    RowPart,
)
from plimsoll.web.contexts.shell import Notice, Told
from plimsoll.web.forms import Fields, fields
from plimsoll.web.lists import OWN, Page, shown_columns
from plimsoll.web.pages import is_part, moved, page
from plimsoll.web.security import requires
from plimsoll.workflows import decide

router = APIRouter(prefix="/recommendations", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
Decider = Annotated[Person, Depends(requires("decide"))]
Form = Annotated[Fields, Depends(fields)]
LIST = worklist.VIEW.name
SAYS = "What the plan proposes to buy, move, make, hasten or cancel, the most important first."
SUMMED = "value_eff"
EVERY: dict[str, Callable[..., Decided]] = {
    "accept": decide.accept, "refuse": decide.refuse, "reopen": decide.reopen, "approve": decide.approve,
}  # fmt: skip
DID = {
    "accept": "accepted",
    "refuse": "refused",
    "reopen": "taken back",
    "approve": "approved",
    "change": "changed",
}
TOLD_REASONS = 3
PROPOSED = "/recommendations?status=proposed"


@router.get("")
def recommendations(request: Request, who: Viewer) -> Response:
    """Show the worklist, or only its rows where a filter, order or page changes."""
    return _worklist(request, who)


@router.get("/accept-all")
def confirm_all(request: Request, who: Decider) -> Response:
    """Ask before everything that matches is accepted."""
    query = _query(request)
    context = _confirm(request, who, query)
    return page(request, context if is_part(request) else ConfirmPage(context))


@router.post("/accept-all")
def accept_all(request: Request, who: Decider, form: Form) -> Response:
    """Accept everything that matches, if it is still what was confirmed."""
    state, at = request.app.state, request.app.state.clock()
    query = state.desk.query(LIST, parse_qsl(form.text("query", 8000)))
    proposed = _proposed(query)
    found = state.desk.listing(LIST, proposed, who)
    if found.total != form.whole("n") or str(round(found.sums[SUMMED])) != form.text("value", 40):
        what = f"The selection changed since you saw it: it is now {count(found.total, 'line')}."
        raise Stale(what, done="Nothing was accepted.", remedy="Look at it again, then confirm.")
    lines = state.desk.table(LIST, proposed, who, ["line_id", "version"])
    done = decide.accept_all(state.folder, lines, who, at=at)
    return _answer(request, who, _message("accept", done), form)


@router.post("/decide")
def decide_many(request: Request, who: Decider, form: Form) -> Response:
    """Accept, approve, refuse or take back the lines that were selected."""
    state, act = request.app.state, form.text("act", 40)
    if act not in EVERY:
        what = "The form did not say what to do with the lines."
        raise InputError(what, done="Nothing was changed.", remedy="Reload the page and repeat it.")
    refs = [_ref(text) for text in form.many("line")]
    given = {"text": form.text("text")} | ({} if act == "approve" else {"reason": form.text("reason", 40)})
    done = EVERY[act](state.folder, refs, who, at=state.clock(), **given)
    return _answer(request, who, _message(act, done), form)


@router.get("/{line_id}")
def one(request: Request, line_id: str, who: Viewer) -> Response:
    """Show one line beside the list, or the list with it open."""
    view = request.app.state.desk.line(line_id, who)
    shown = _panel(request, view, who)
    return page(request, PanelPart(shown)) if is_part(request) else _worklist(request, who, shown)


@router.get("/{line_id}/row")
def row(request: Request, line_id: str, who: Viewer) -> Response:
    """Show one row of the list, where a line was decided on beside it."""
    return _row(request, line_id, who)


@router.get("/{line_id}/{act}")
def ask(request: Request, line_id: str, act: str, who: Decider) -> Response:
    """Show the form that changes or refuses a line."""
    edit = _edit(request, line_id, act, who)
    return page(request, edit if is_part(request) else EditPage(edit))


@router.post("/{line_id}/{act}")
def decide_one(request: Request, line_id: str, act: str, who: Decider, form: Form) -> Response:
    """Decide on one line, and show its row as it stands then.

    A line that somebody else changed meanwhile is shown with who did; nothing is overwritten.
    """
    try:
        done = _decide(request, line_id, act, who, form)
    except Stale as stale:
        if not is_part(request):
            raise
        return _row(request, line_id, who, status=409, told=stale.what)
    except InputError as wrong:
        if act not in ("change", "refuse") or form.text("now", 4):
            raise
        edit = _edit(request, line_id, act, who, form, str(wrong))
        answer = page(request, edit if is_part(request) else EditPage(edit), status=422)
        answer.headers.update({"HX-Retarget": f"#edit-{edit.row['line_no']}", "HX-Reswap": "outerHTML"})
        return answer
    desk = request.app.state.desk
    message = _message(act, done, line_id, desk.line_row(line_id, who)["item_id"])
    if not is_part(request):
        return moved(request, form.text("back", 4000) or PROPOSED, message)
    if form.text("view", 10) == "panel":
        shown = _panel(request, desk.line(line_id, who), who)
        return page(request, PanelPart(shown), messages=(message,))
    return _row(request, line_id, who, message=message)


def _decide(request: Request, line_id: str, act: str, who: Person, form: Fields) -> Decided:
    state, at = request.app.state, request.app.state.clock()
    version = form.given.get("version") or request.query_params.getlist("version")
    if act == "reopen" and not version:  # from a message that undoes what the same person just did
        version = [str(state.desk.line_row(line_id, who).get("version") or 0)]
    ref = LineRef(line_id, Fields({"version": version}).whole("version"))
    reason, text = form.text("reason", 40), form.text("text")
    if act == "change":
        return decide.change(
            state.folder,
            ref,
            who,
            quantity=form.quantity("quantity"),
            date=form.day("day"),
            reason=reason,
            text=text,
            at=at,
        )
    if act == "approve":
        return decide.approve(state.folder, [ref], who, text=text, at=at)
    if act in EVERY:
        return EVERY[act](state.folder, [ref], who, reason=reason, text=text, at=at)
    what = "There is no such decision."
    raise InputError(what, done="Nothing was changed.", remedy="Accept, change, refuse or take back.")


def _panel(request: Request, view: LineView, who: Person) -> Panel:
    """Return one line in full, with the sums of its point where that is one of the plan in force."""
    desk, line = request.app.state.desk, view.line
    known = view.is_current and view.point is not None
    item = desk.item(line["item_id"], line["to_location_id"], who) if known else None
    return worklist.panel(view, item, who, desk.head().currency)


def _query(request: Request) -> Query:
    query: Query = request.app.state.desk.query(LIST, request.query_params.multi_items(), ignored=OWN)
    return query


def _proposed(query: Query) -> Query:
    """Return the question with only what is still to be decided in it, in no order and on one page."""
    others = tuple(asked for asked in query.conditions if asked.column != "status")
    return Query((*others, Condition("status", "", ("proposed",))), query.text)


def _worklist(request: Request, who: Person, panel: Panel | None = None) -> Response:
    """Return the page with the list, or the list alone."""
    state, view, query = request.app.state, worklist.VIEW, _query(request)
    found = state.desk.listing(LIST, query, who)
    columns = shown_columns(view, request)
    rows = tuple(worklist.line(row, columns, who) for row in found.rows)
    offered = lists.choices(view, query, who, state.desk)
    known = Page(query, state.desk.head().currency, offered, passed=lists.passed_on(request))
    can_decide = who.may("decide")
    part = RecommendationsPart(
        grid=replace(lists.grid(view, found, known, columns, rows), can_pick=can_decide),
        can_decide=can_decide,
        n_pickable=_n_proposed(query, offered, found.total) if can_decide else 0,
        accept_all=f"{view.href}/accept-all{_proposed(query).url()}",
        back=lists.link(view, known, page=query.page),
    )
    whole = RecommendationsPage(SAYS, part, panel, worklist.REASON_CHOICES)
    return lists.keep_columns(view, request, page(request, part if is_part(request) else whole))


def _n_proposed(query: Query, offered: dict[str, dict[str, int]], total: int) -> int:
    """Return how many of the selection are still to be decided."""
    asked = query.asked("status")
    if asked:
        return total if asked == "proposed" else 0
    return offered.get("status", {}).get("proposed", 0)


def _confirm(request: Request, who: Person, query: Query) -> ConfirmAll:
    state, proposed = request.app.state, _proposed(query)
    found = state.desk.listing(LIST, proposed, who)
    kinds = state.desk.choices(LIST, proposed, who, "kind")
    value = found.sums.get(SUMMED, 0.0)
    return ConfirmAll(
        n=found.total,
        value=money(value, state.desk.head().currency),
        kinds=tuple((cells.words(str(kind.value), "order"), f"{kind.n:,}") for kind in kinds),
        query=urlencode(proposed.params()),
        value_told=str(round(value)),
        back=worklist.VIEW.href + query.url(),
    )


def _answer(request: Request, who: Person, message: Notice, form: Fields) -> Response:
    """Return the list after a decision on many lines, with what became of them."""
    back = form.text("back", 4000) or worklist.VIEW.href
    if not is_part(request):
        return moved(request, back, message)
    answer = page(request, Told((message,)))
    # The list is asked for again where it stands, with its filter, order and page.
    answer.headers["HX-Trigger"] = "decided"
    return answer


def _row(
    request: Request,
    line_id: str,
    who: Person,
    *,
    status: int = 200,
    told: str = "",
    message: Notice | None = None,
) -> Response:
    row = request.app.state.desk.line_row(line_id, who)
    columns = shown_columns(worklist.VIEW, request)
    shown = worklist.line(row, columns, who, told, css="" if told else "new")
    messages = (message,) if message else ()
    return page(request, RowPart(shown, len(columns) + 2), status=status, messages=messages)


def _edit(
    request: Request, line_id: str, act: str, who: Person, form: Fields | None = None, wrong: str = ""
) -> EditPart:
    row = request.app.state.desk.line_row(line_id, who)
    if act not in ("change", "refuse"):
        what = f"A line is not decided by '{act[:40]}'."
        raise Unknown(what, remedy="Accept, change, refuse or take it back.")
    asked = form or Fields({})
    number = row.get("quantity_eff") if row.get("quantity_eff") is not None else row["quantity"]
    return EditPart(
        deed=act,
        line_id=line_id,
        version=row.get("version") or 0,
        row=row,
        quantity=asked.text("quantity", 40) if form else f"{number:.10g}",
        day=asked.text("day", 40) if form else str(row.get("date_eff") or ""),
        reasons=worklist.REASON_CHOICES,
        reason=asked.text("reason", 40) if form else row.get("reason_code") or "",
        text=asked.text("text") if form else row.get("reason_text") or "",
        wrong=wrong,
        can_set_quantity=row["kind"] not in CHANGE_KINDS,
        n_columns=len(shown_columns(worklist.VIEW, request)) + 2,
        back=asked.text("back", 4000) if form else request.headers.get("referer", ""),
    )


def _message(act: str, done: Decided, line_id: str = "", item: str = "") -> Notice:
    """Return what became of a decision in words; of one line with its item, and the way back."""
    said = [f"{line}: {why}" for line, why in (*done.refused_because.items(), *done.warnings.items())]
    if line_id:
        undo = f"/recommendations/{line_id}/reopen" if act != "reopen" else ""
        words = (
            f"{item} waits for an approver: it is above your limit."
            if done.submitted
            else f"{item} {DID[act]}."
        )
        return Notice("warn" if said else "good", words, " ".join(done.warnings.values()), undo)
    parts = [f"{count(len(done.done), 'line')} {DID[act]}."] if done.done else []
    if done.submitted:
        waits = "waits" if len(done.submitted) == 1 else "wait"
        parts.append(f"{count(len(done.submitted), 'line')} above your limit {waits} for an approver.")
    if done.refused_because:
        parts.append(f"{count(len(done.refused_because), 'line')} could not be.")
    more = f" And {len(said) - TOLD_REASONS} more." if len(said) > TOLD_REASONS else ""
    return Notice("warn" if said else "good", " ".join(parts), " ".join(said[:TOLD_REASONS]) + more)


def _ref(text: str) -> LineRef:
    """Return a selected line as the page wrote it: its id and the version that was seen."""
    number, _, version = text.rpartition(":")
    return LineRef(number, Fields({"version": [version]}).whole("version"))
