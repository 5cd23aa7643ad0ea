"""Turning a context into a page or a part of one: templates compiled once, text escaped, the shell around."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import fields
from functools import cache
from typing import Any

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from plimsoll.domain.people import Person
from plimsoll.present import numbers
from plimsoll.present.labels import label
from plimsoll.web import assets, cells
from plimsoll.web.contexts.shell import Context, Notice, Place, Shell, Told
from plimsoll.web.refusals import local_path
from plimsoll.web.security import csrf_token

TOLD_COOKIE, THEME_COOKIE = "told", "theme"
THEMES = ("light", "dark")
TOLD_LETTERS = 2000
# Address, words and icon, in groups; an icon's name is also the name of what is counted beside it.
PLACES: tuple[tuple[tuple[str, str, str], ...], ...] = (
    (
        ("/today", "Today", "today"),
        ("/recommendations", "Recommendations", "recommendations"),
        ("/exceptions", "Exceptions", "exceptions"),
        ("/exports", "Exports", "out"),
    ),
    (
        ("/items", "Items", "items"),
        ("/overrides", "Overrides", "pencil"),
        ("/suppliers", "Suppliers", "suppliers"),
        ("/network", "Network", "network"),
        ("/cash", "Stranded cash", "cash"),
        ("/economics", "Service economics", "curve"),
        ("/kpis", "Key figures", "kpis"),
    ),
    (
        ("/health", "Data health", "health"),
        ("/runs", "Runs", "runs"),
        ("/learning", "Learning", "learning"),
        ("/audit", "Audit trail", "audit"),
        ("/settings", "Settings", "settings"),
    ),
)


@cache
def environment() -> Environment:
    """Return the templates: text always escaped, unknown names refused, nothing read again from disk."""
    made = Environment(
        loader=PackageLoader("plimsoll.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
        cache_size=-1,
    )
    made.globals |= {"asset": assets.href, "label": label, "chip": cells.chip, "grade": cells.grade}
    made.filters |= {
        "money": numbers.money,
        "amount": cells.amount,
        "quantity": numbers.quantity,
        "percent": numbers.percent,
        "number": numbers.number,
        "days": numbers.days,
        "many": numbers.count,
        "day": cells.day,
        "moment": cells.moment,
        "weekday": cells.weekday,
        "initials": cells.initials,
    }
    return made


def shell(request: Request, messages: tuple[Notice, ...] = ()) -> Shell:
    """Return the frame for a request: the person it came from, the plan in force, the places to go."""
    state = request.app.state
    known = getattr(request.state, "signed_in", None)
    person: Person | None = known.person if known else None
    head = state.desk.head()
    waiting = state.desk.waiting(person) if person and not is_part(request) else {}
    path = request.url.path
    places = tuple(
        tuple(
            Place(href, title, icon, path == href or path.startswith(f"{href}/"), _waiting(waiting.get(icon)))
            for href, title, icon in group
        )
        for group in PLACES
    )
    theme = request.cookies.get(THEME_COOKIE, "")
    return Shell(
        company=head.company,
        run_id=head.run_id if person else "",
        as_of=head.as_of if person else None,
        currency=head.currency,
        person=person,
        csrf=csrf_token(request),
        theme=theme if theme in THEMES else "",
        places=places if person else (),
        messages=messages or _told_before(request),
    )


def page(
    request: Request, context: Context, *, status: int = 200, messages: tuple[Notice, ...] = ()
) -> HTMLResponse:
    """Return a context shown by its template, whole page or part of one.

    Parameters
    ----------
    request : where it came from; decides the frame
    context : what the template receives, all of it
    status : of HTTP
    messages : shown in the corner; those left by the page before are shown once without being asked for
    """
    received = {field.name: getattr(context, field.name) for field in fields(context)}
    template = environment().get_template(context.template)
    answer = HTMLResponse(template.render(received, this=context, shell=shell(request, messages)), status)
    if TOLD_COOKIE in request.cookies and not is_part(request):
        answer.delete_cookie(TOLD_COOKIE)
    # The same address answers a click with a part and a visit with the page.
    answer.headers["Vary"] = "HX-Request"
    return answer


def told(request: Request, message: Notice, *, status: int = 200) -> HTMLResponse:
    """Return a message alone, for a click that changes nothing else on the page."""
    return page(request, Told((message,)), status=status)


def is_part(request: Request) -> bool:
    """Return whether a script asks for a part of a page, to put into the page that is there."""
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


def moved(request: Request, href: str, message: Notice | None = None) -> Response:
    """Return the answer that sends the browser to a page of ours, which shows the message once."""
    answer = RedirectResponse(local_path(href), 303)
    if message:
        known = {"kind": message.kind, "text": message.text, "detail": message.detail, "undo": message.undo}
        packed = urlsafe_b64encode(json.dumps(known).encode()).decode()
        if len(packed) <= TOLD_LETTERS:
            secure = request.url.scheme == "https"
            answer.set_cookie(TOLD_COOKIE, packed, 60, httponly=True, samesite="lax", secure=secure)
    return answer


def _told_before(request: Request) -> tuple[Notice, ...]:
    """Return the message that the page before left; a cookie that is not ours to read is no message."""
    packed = request.cookies.get(TOLD_COOKIE, "")
    if not packed or is_part(request):
        return ()
    try:
        known: Any = json.loads(urlsafe_b64decode(packed))
        texts = {name: str(known[name]) for name in ("kind", "text", "detail", "undo")}
    except (ValueError, KeyError, TypeError):
        return ()
    kind = texts["kind"] if texts["kind"] in ("good", "warn", "bad", "live") else "live"
    undo = local_path(texts["undo"]) if texts["undo"] else ""
    return (Notice(kind, texts["text"], texts["detail"], undo),)


def _waiting(count: int | None) -> str:
    return f"{count:,}" if count else ""
