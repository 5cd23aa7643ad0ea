"""Settings: how lines are decided, all options, saved views, and for admins the users."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from plimsoll.domain.accounts import Account
from plimsoll.domain.decisions import Unknown
from plimsoll.domain.desk_result import Row
from plimsoll.domain.errors import InputError, PlimsollError, SettingError
from plimsoll.domain.people import ROLES, Person
from plimsoll.domain.views import NewView
from plimsoll.web import cells, settings_pages
from plimsoll.web.contexts.settings import (
    OptionPage,
    OptionPart,
    OptionsPage,
    RulesPage,
    UserPage,
    UsersPage,
    ViewsMenu,
    ViewsPage,
)
from plimsoll.web.contexts.shell import Notice
from plimsoll.web.forms import Fields, fields
from plimsoll.web.pages import is_part, moved, page, told
from plimsoll.web.refusals import local_path, status_of
from plimsoll.web.security import door, requires
from plimsoll.web.settings_pages import OF_RULES, OPTIONS, RULES, SWITCH, USERS, VIEWS
from plimsoll.workflows import acceptance, people, views
from plimsoll.workflows.options import Option, options, put_back, set_option

router = APIRouter(prefix="/settings", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
Setter = Annotated[Person, Depends(requires("set"))]
Stopper = Annotated[Person, Depends(requires("stop_automatic"))]
Keeper = Annotated[Person, Depends(requires("save_view"))]
Admin = Annotated[Person, Depends(requires("people"))]
Form = Annotated[Fields, Depends(fields)]
GIVEN = ("username", "name", "email", "role", "locations", "categories", "approval_limit")
MOST_EVENTS, LONGEST = "500", 4000


@router.get("")
def rules(request: Request, who: Viewer) -> Response:
    """Show how lines are decided: acceptance by rule, limits, where they go."""
    state = request.app.state
    known = options(state.folder, who, at=state.clock())
    told = _told(request, who)
    values = {option.name: option.value for option in known if option.section == "accept"}
    code, words = settings_pages.state(values)
    switched = told.get(SWITCH)
    new = switched["new"] if switched and isinstance(switched["new"], dict) else {}
    by = f"{switched['actor']}, {cells.moment(switched['at'])}: {new.get('reason') or ''}" if switched else ""
    shown = RulesPage(
        tabs=settings_pages.tabs(RULES, who),
        state=code,
        state_words=words,
        rule=settings_pages.rule(values, state.desk.head().currency),
        stopped_by=by,
        can_stop=who.may("stop_automatic") and not values["stopped"],
        can_start=who.may("set") and values["stopped"],
        groups=settings_pages.groups(_of_rules(known), told, who, back=RULES),
        can_set=who.may("set"),
    )
    return page(request, shown)


@router.post("/automatic/stop")
def stop(request: Request, who: Stopper, form: Form) -> Response:
    """Stop acceptance by rule at once."""
    reason = form.text("reason", 200) or "Stopped in the workbench"
    acceptance.stop_automatic(request.app.state.folder, who, reason=reason, at=request.app.state.clock())
    return moved(
        request,
        RULES,
        Notice("warn", "Acceptance by rule is stopped.", "It stays so until an admin starts it."),
    )


@router.post("/automatic/start")
def start(request: Request, who: Setter, form: Form) -> Response:
    """Let acceptance by rule go on."""
    reason = form.text("reason", 200) or "Started in the workbench"
    acceptance.start_automatic(request.app.state.folder, who, reason=reason, at=request.app.state.clock())
    return moved(
        request, RULES, Notice("good", "Acceptance by rule may go on.", "It counts after the next plan.")
    )


@router.get("/options")
def all_options(request: Request, who: Viewer, q: str = "", only: str = "") -> Response:
    """Show every option in force, with its meaning and where it comes from."""
    state, text = request.app.state, q.strip()[:200]
    known = options(state.folder, who, at=state.clock())
    query = urlencode({name: value for name, value in (("q", text), ("only", only and "set")) if value})
    back = f"{OPTIONS}?{query}" if query else OPTIONS
    made = settings_pages.groups(known, _told(request, who), who, back=back, asked=text, only_set=bool(only))
    n = sum(len(group.rows) for group in made)
    return page(
        request, OptionsPage(settings_pages.tabs(OPTIONS, who), text, bool(only), n, made, who.may("set"))
    )


@router.get("/options/set")
def ask_option(request: Request, who: Setter, section: str, name: str, back: str = OPTIONS) -> Response:
    """Show the form in which an option is set."""
    option = _option(request, who, section, name)
    form = _option_part(request, who, option, {"value": settings_pages.typed(option.value), "back": back})
    return page(request, form if is_part(request) else OptionPage(form))


@router.get("/options/back")
def ask_back(request: Request, who: Setter, section: str, name: str, back: str = OPTIONS) -> Response:
    """Ask why an option is put back to what the settings file says."""
    option = _option(request, who, section, name)
    form = _option_part(request, who, option, {"back": back}, puts_back=True)
    return page(request, form if is_part(request) else OptionPage(form))


@router.post("/options/back")
def set_back(request: Request, who: Setter, form: Form) -> Response:
    """Put an option back to what the settings file says."""
    state = request.app.state
    option = _option(request, who, form.text("section", 60), form.text("name", 60))
    given = {name: form.text(name, LONGEST) for name in ("reason", "back")}
    try:
        done = put_back(
            state.folder, option.section, option.name, who, reason=given["reason"], at=state.clock()
        )
    except InputError as error:
        return _again(request, _option_part(request, who, option, given, str(error), puts_back=True), error)
    words = f"{cells.words(done.name)} is {settings_pages.said(done.value)} again."
    return _left(request, local_path(given["back"] or OPTIONS), Notice("good", words))


@router.post("/options/set")
def set_one(request: Request, who: Setter, form: Form) -> Response:
    """Set an option over the settings file."""
    state, at = request.app.state, request.app.state.clock()
    option = _option(request, who, form.text("section", 60), form.text("name", 60))
    given = {name: form.text(name, LONGEST) for name in ("value", "reason", "until", "back")}
    try:
        until = form.day("until")
        # The day itself still counts.
        end = (
            at.replace(year=until.year, month=until.month, day=until.day, hour=23, minute=59)
            if until
            else None
        )
        value = settings_pages.read_value(given["value"], option)
        told = {"reason": given["reason"], "expires_at": end}
        done = set_option(state.folder, option.section, option.name, value, who, at=at, **told)  # type: ignore[arg-type]
    except (InputError, SettingError) as error:
        return _again(request, _option_part(request, who, option, given, str(error)), error)
    words = f"{cells.words(done.name)} is {settings_pages.said(done.value)} now."
    return _left(request, local_path(given["back"] or OPTIONS), Notice("good", words))


@router.get("/views")
def saved(request: Request, who: Viewer) -> Response:
    """Show the saved views of a person and those that others share."""
    known = views.views(request.app.state.folder, who)
    rows = tuple(settings_pages.view_row(view, who) for view in known)
    return page(request, ViewsPage(settings_pages.tabs(VIEWS, who), rows))


@router.post("/views")
def keep(request: Request, who: Keeper, form: Form) -> Response:
    """Keep a list's filter and order under a name."""
    state, name = request.app.state, form.text("list", 60)
    query = views.question(form.text("query", LONGEST), state.desk.columns(name))
    view = NewView(name, form.text("name", 100), query.url(), shared=form.text("shared", 10) == "yes")
    kept = settings_pages.view_row(views.save_view(state.folder, view, who, at=state.clock()), who)
    message = Notice("good", f"Kept as '{kept.name}'.", "It stands in this menu from now on.")
    return told(request, message) if is_part(request) else moved(request, kept.href, message)


@router.get("/views/of")
def saved_of(
    request: Request, who: Viewer, list_name: Annotated[str, Query(alias="list", max_length=60)] = ""
) -> Response:
    """Show the saved views of one list, for its menu."""
    known = views.views(request.app.state.folder, who, list_name=list_name)
    return page(request, ViewsMenu(tuple(settings_pages.view_row(view, who) for view in known)))


@router.post("/views/{number}/forget")
def forget(request: Request, who: Keeper, number: int) -> Response:
    """Forget a view."""
    views.forget_view(request.app.state.folder, number, who, at=request.app.state.clock())
    return moved(request, VIEWS, Notice("good", "The view is forgotten."))


@router.get("/users")
def users(request: Request, who: Admin) -> Response:
    """Show the users."""
    return _users(request, who, {})


@router.post("/users")
def add_user(request: Request, who: Admin, form: Form) -> Response:
    """Add a user, then show how to let the person in."""
    state, given = request.app.state, _given(form)
    try:
        new = people.add_user(state.folder, given["username"], _values(form), who, at=state.clock())
    except (InputError, Unknown) as error:
        return _users(request, who, given, str(error), status_of(error))
    message = Notice("good", f"{new.name} is a user now.", "Make a link below, with which a password is set.")
    return moved(request, f"{USERS}/{new.username}", message)


@router.get("/users/{username}")
def user(request: Request, who: Admin, username: str) -> Response:
    """Show one user."""
    return _user(request, who, username)


@router.post("/users/{username}")
def change_user(request: Request, who: Admin, username: str, form: Form) -> Response:
    """Change a user; it counts from the next click."""
    state, version = request.app.state, form.whole("version")
    try:
        done = people.change_user(
            state.folder, username, _values(form), who, at=state.clock(), version=version
        )
    except InputError as error:
        return _user(request, who, username, given=_given(form), error=error)
    return moved(request, f"{USERS}/{done.username}", Notice("good", f"{done.name} is changed."))


@router.post("/users/{username}/lock")
def lock_user(request: Request, who: Admin, username: str, form: Form) -> Response:
    """Lock a user out at once, or let the user in again."""
    state, locked = request.app.state, form.text("locked", 10) == "yes"
    try:
        done = people.lock_user(state.folder, username, who, at=state.clock(), locked=locked)
    except InputError as error:
        return _user(request, who, username, error=error)
    words = "is locked out; all sessions have ended." if locked else "may log in again."
    return moved(
        request, f"{USERS}/{done.username}", Notice("warn" if locked else "good", f"{done.name} {words}")
    )


@router.post("/users/{username}/link")
def link_user(request: Request, who: Admin, username: str) -> Response:
    """Make a one-time link by which a user sets a password, and show it this once."""
    state = request.app.state
    code = people.password_code(state.folder, username, who, at=state.clock())
    base = door(request).web.public_url or str(request.base_url).rstrip("/")
    return _user(request, who, username, link=f"{base}/welcome?{urlencode({'code': code})}")


def _told(request: Request, who: Person) -> dict[str, Row]:
    """Return the last event of each option that people set; the log is the only place that tells who."""
    desk = request.app.state.desk
    query = desk.query("audit", [("object_type", "parameter"), ("size", MOST_EVENTS)])
    found: dict[str, Row] = {}
    for event in desk.listing("audit", query, who).rows:
        found.setdefault(event["object_id"], event)
    return found


def _of_rules(known: list[Option]) -> list[Option]:
    """Return the options about deciding; the switch has its place above them."""
    return [each for each in known if each.section in OF_RULES and f"{each.section}.{each.name}" != SWITCH]


def _option(request: Request, who: Person, section: str, name: str) -> Option:
    state = request.app.state
    known = options(state.folder, who, at=state.clock())
    found = next((each for each in known if (each.section, each.name) == (section, name)), None)
    if found is None:
        what = f"There is no option '{section[:40]}.{name[:60]}' to set here."
        raise Unknown(what, remedy="Look it up among the options.")
    return found


def _option_part(
    request: Request,
    who: Person,
    option: Option,
    given: dict[str, str],
    wrong: str = "",
    *,
    puts_back: bool = False,
) -> OptionPart:
    event = _told(request, who).get(f"{option.section}.{option.name}")
    is_list = isinstance(option.default, list)
    return OptionPart(
        row=settings_pages.option_row(option, event, who, OPTIONS),
        typed=given.get("value", ""),
        choices=("yes", "no") if isinstance(option.default, bool) else (),
        hint="with commas between" if is_list else "",
        reason=given.get("reason", ""),
        until=given.get("until", ""),
        wrong=wrong,
        back=local_path(given.get("back") or OPTIONS),
        puts_back=puts_back,
    )


def _again(request: Request, part: OptionPart, error: PlimsollError) -> Response:
    """Return the form again with what is wrong."""
    answer = page(request, part if is_part(request) else OptionPage(part), status=status_of(error))
    answer.headers.update({"HX-Retarget": "#dialogs", "HX-Reswap": "innerHTML"})
    return answer


def _given(form: Fields) -> dict[str, str]:
    return {name: form.text(name, LONGEST) for name in GIVEN}


def _values(form: Fields) -> dict[str, Any]:
    """Return what a form says of a user; an empty scope means everything."""
    values: dict[str, Any] = {name: form.text(name, 400) for name in ("name", "email", "role")}
    for name in ("locations", "categories"):
        parts = [part.strip() for part in form.text(name, LONGEST).split(",") if part.strip()]
        values[name] = parts or None
    return values | {"approval_limit": form.quantity("approval_limit")}


def _users(
    request: Request, who: Person, given: dict[str, str], wrong: str = "", status: int = 200
) -> Response:
    state = request.app.state
    rows = tuple(
        settings_pages.user_row(each, state.desk.head().currency) for each in people.users(state.folder, who)
    )
    typed = {name: given.get(name, "") for name in GIVEN}
    shown = UsersPage(settings_pages.tabs(USERS, who), rows, ROLES, typed, wrong)
    return page(request, shown, status=status)


def _user(
    request: Request,
    who: Person,
    username: str,
    *,
    given: dict[str, str] | None = None,
    error: PlimsollError | None = None,
    link: str = "",
) -> Response:
    state = request.app.state
    account = next((each for each in people.users(state.folder, who) if each.username == username), None)
    if account is None:
        what = f"There is no user '{username[:80]}'."
        raise Unknown(what, remedy="Look it up in the list of users.")
    shown = UserPage(
        tabs=settings_pages.tabs(USERS, who),
        user=settings_pages.user_row(account, state.desk.head().currency),
        version=account.version,
        roles=ROLES,
        given=given or _kept(account),
        told=_facts(account),
        link=link,
        is_self=account.username == who.username,
        wrong=str(error) if error else "",
    )
    return page(request, shown, status=status_of(error) if error else 200)


def _kept(account: Account) -> dict[str, str]:
    limit = account.approval_limit
    return {
        "username": account.username,
        "name": account.name,
        "email": account.email,
        "role": account.role,
        "locations": ", ".join(account.locations or ()),
        "categories": ", ".join(account.categories or ()),
        "approval_limit": "" if limit is None else f"{limit:.10g}",
    }


def _facts(account: Account) -> tuple[tuple[str, str], ...]:
    return (
        ("Logs in by", {"none": "tokens only"}.get(account.way_in, account.way_in)),
        ("Logged in last", cells.moment(account.last_login_at) if account.last_login_at else "never"),
        ("Made", f"{cells.moment(account.created_at)} by {account.created_by}"),
        ("Locked since", cells.moment(account.locked_at) if account.locked_at else "not locked"),
    )


def _left(request: Request, href: str, message: Notice) -> Response:
    """Return the way back to a page, which then shows the message."""
    answer = moved(request, href, message)
    if is_part(request):
        answer.status_code = 200
        answer.headers["HX-Redirect"] = answer.headers["location"]
        del answer.headers["location"]
    return answer
