"""The pages of settings: options as rows, the rule of acceptance in words, users as rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from plimsoll.domain.accounts import Account
from plimsoll.domain.desk_result import Row
from plimsoll.domain.people import Person
from plimsoll.domain.views import View
from plimsoll.present.numbers import DASH, count, money, percent
from plimsoll.web import cells
from plimsoll.web.contexts.lists import Tab
from plimsoll.web.contexts.settings import OptionGroup, OptionRow, UserRow, ViewRow
from plimsoll.workflows.options import DEFAULT, OWN_WAY, SET, Option

RULES, OPTIONS, VIEWS, USERS = "/settings", "/settings/options", "/settings/views", "/settings/users"
SECTIONS = {
    "accept": "Acceptance by rule", "approval": "Limits of decisions", "export": "Out of the door",
    "plan": "The run as a whole", "ingest": "Reading the data", "supply": "Lead times", "demand": "Demand",
    "bom": "Bills of material", "lifecycle": "Beginnings and endings", "targets": "Service targets",
    "policy": "Buffers and lots", "network": "Network", "replenish": "Orders of today",
    "measure": "Stock in money",
    "audit": "Checks of the data", "signals": "Known demand", "replay": "Replay", "exceptions": "Exceptions",
    "learning": "Learning",
}  # fmt: skip
OF_RULES = ("accept", "approval", "export")
LIST_PAGES = {
    "findings": "/health", "audit_rows": "/health/rows", "lanes": "/suppliers/all/lanes",
    "orders": "/suppliers/all/orders",
}  # fmt: skip
SWITCH = "accept.stopped"


def tabs(here: str, who: Person) -> tuple[Tab, ...]:
    """Return the pages of settings that a person may see."""
    known = [("Deciding", RULES), ("Options", OPTIONS), ("Saved views", VIEWS)]
    known += [("Users", USERS)] if who.may("people") else []
    known += [("Account and tokens", "/account")]
    return tuple(Tab(title, href, href == here) for title, href in known)


def groups(
    options: Iterable[Option],
    told: Mapping[str, Row],
    who: Person,
    *,
    back: str,
    asked: str = "",
    only_set: bool = False,
) -> tuple[OptionGroup, ...]:
    """Return options by section; those that hold a text, or are not the default, where only these are wanted.

    Parameters
    ----------
    options : as of `workflows.options`
    told : last event of the log for each option that people set, by section.name
    who : who looks
    back : address of the page
    asked : text looked for in names and meanings
    only_set : whether options at their default are left out
    """
    by_section: dict[str, list[OptionRow]] = {}
    for option in options:
        text = f"{option.section}.{option.name} {option.meaning}".lower()
        if (only_set and option.source == DEFAULT) or asked.lower() not in text:
            continue
        event = told.get(f"{option.section}.{option.name}") if option.source == "set" else None
        by_section.setdefault(option.section, []).append(option_row(option, event, who, back))
    return tuple(
        OptionGroup(
            name,
            SECTIONS.get(name, cells.words(name)),
            tuple(rows),
            n_set := sum(row.source != DEFAULT for row in rows),
            bool(asked) or only_set or (n_set > 0),
        )
        for name, rows in by_section.items()
    )


def option_row(option: Option, event: Row | None, who: Person, back: str) -> OptionRow:
    """Return an option as a row, with who set it."""
    new = event["new"] if event and isinstance(event["new"], dict) else {}
    may = who.may("set") and (option.section, option.name) not in OWN_WAY
    query = urlencode({"section": option.section, "name": option.name, "back": back})
    return OptionRow(
        section=option.section,
        name=option.name,
        words=cells.words(option.name),
        meaning=option.meaning,
        value=said(option.value),
        default=said(option.default),
        source=option.source,
        who=event["actor"] if event else "",
        why=new.get("reason") or "",
        until=f"until {str(new['expires_at'])[:16].replace('T', ' ')}" if new.get("expires_at") else "",
        change=f"{OPTIONS}/set?{query}" if may else "",
        back=f"{OPTIONS}/back?{query}" if may and option.source == SET else "",
    )


def said(value: Any) -> str:
    """Return a value of an option as text.

    Examples
    --------
    >>> said(True), said(["B", "C"]), said(0.30000000000000004), said(""), said(None), said({"a": 1})
    ('yes', 'B, C', '0.3', '–', '–', '{"a": 1}')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ("", [], {}):
        return DASH
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return ", ".join(said(each) for each in value)
    if isinstance(value, float):
        return f"{value:,.10g}"
    return value if isinstance(value, str) else json.dumps(value)


def typed(value: Any) -> str:
    """Return a value as it stands in a field, to be read back by `read_value`."""
    if isinstance(value, str | bool) or value is None:
        return "" if value is None else said(value) if value != "" else ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return json.dumps(value)


def read_value(text: str, option: Option) -> Any:
    """Return what was typed as the kind of value that the option has; the workflow judges it.

    A text that is no JSON stays a text, for the option itself to refuse.
    """
    like = option.value if option.value is not None else option.default
    if isinstance(like, bool):
        return {"yes": True, "no": False}.get(text.lower(), text)
    if isinstance(like, list) and not text.startswith("["):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return (
            parts
            if all(isinstance(each, str) for each in [*like, *(option.default or [])])
            else _json(f"[{text}]")
        )
    if isinstance(like, str):
        return text
    return _json(text) if text else None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def rule(values: Mapping[str, Any], currency: str) -> tuple[tuple[str, str], ...]:
    """Return the conditions of acceptance by rule in words; all must hold."""
    return (
        ("Class", " or ".join(values["classes"]) or "none"),
        ("Kind", ", ".join(cells.words(kind, "order").lower() for kind in values["kinds"]) or "none"),
        ("Worth", f"at most {money(values['max_value'], currency)} a line"),
        ("Trust", f"grade {values['min_confidence']} or better"),
        ("Level", f"changed by at most {percent(values['max_change'], 0)} since the plan before"),
        ("Data", "good enough to be planned automatically"),
    )


def state(values: Mapping[str, Any]) -> tuple[str, str]:
    """Return how acceptance by rule stands: a code for its mark, and words."""
    if values["stopped"]:
        return "stopped", "Stopped. No line is accepted by rule until somebody starts it again."
    if values["enabled"]:
        return "running", "After each plan, lines that fit all of these are accepted without a person."
    return "off", "Off. Every line waits for a person. An admin can switch it on."


def user_row(account: Account, currency: str) -> UserRow:
    """Return a user as a row."""
    limit = account.approval_limit
    return UserRow(
        username=account.username,
        name=account.name,
        email=account.email,
        role=account.role,
        scope=_scope(account.locations, account.categories),
        limit="of the role" if limit is None else money(limit, currency),
        way_in=account.way_in,
        last_login=cells.moment(account.last_login_at) if account.last_login_at else "never",
        is_locked=account.locked_at is not None,
        href=f"{USERS}/{account.username}",
    )


def view_row(view: View, who: Person) -> ViewRow:
    """Return a saved view as a row."""
    query = view.query if view.query.startswith("?") or not view.query else f"?{view.query}"
    return ViewRow(
        id=view.id,
        name=view.name,
        list_words=cells.words(view.list_name),
        asks=query.removeprefix("?").replace("&", "  "),
        href=LIST_PAGES.get(view.list_name, f"/{view.list_name}") + query,
        shared=view.shared,
        owner=view.username,
        is_mine=view.username == who.username,
    )


def _scope(locations: Sequence[str] | None, categories: Sequence[str] | None) -> str:
    parts = [
        noun if values is None else count(len(values), word[0], word[1])
        for values, noun, word in (
            (locations, "", ("place", "places")),
            (categories, "", ("category", "categories")),
        )
    ]
    return ", ".join(part for part in parts if part) or "everything"
