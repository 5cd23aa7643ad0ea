"""Lists that come back as edited files: how each is explained, looked over, carried to a click, and done."""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from fastapi import FastAPI
from markupsafe import Markup

from plimsoll.domain.decisions import Decided
from plimsoll.domain.desk_result import Row
from plimsoll.domain.errors import InputError
from plimsoll.domain.listing import Query
from plimsoll.domain.overrides import SCOPE, named
from plimsoll.domain.people import Person
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, quantity
from plimsoll.web import cells
from plimsoll.workflows import exceptions_in_files, lists_in_files, overrides_in_files
from plimsoll.workflows.exceptions_in_files import ASKED_OF_EXCEPTIONS, read_exceptions, work_from_file
from plimsoll.workflows.lists_in_files import Proposed, decide_from_file
from plimsoll.workflows.overrides_in_files import read_overrides, set_from_file

MOST_ASKED, MOST_PACKED, MOST_UNPACKED = 20_000, 4_000_000, 20_000_000
OF_LINES = ("line_id", "item_id", "to_location_id", "quantity_eff", "date_eff", "unit")


@dataclass(frozen=True)
class ReadBack:
    """A list that can be read back.

    `action` is what the role must allow; `key` names a row; `heads` are titles and classes of what is shown
    of one, `shown` makes it; `asked` is the shape in which `read` tells what to do; `steps` explain the file.
    """

    name: str
    title: str
    href: str
    path: str
    action: str
    key: str
    of_what: tuple[str, str]
    steps: tuple[Markup, ...]
    words: Mapping[str, str]
    heads: tuple[tuple[str, str], ...]
    asked: pl.Schema
    read: Callable[[FastAPI, bytes, str, Person], Proposed]
    do: Callable[[FastAPI, pl.DataFrame, Person], Decided]
    shown: Callable[[FastAPI, pl.DataFrame, Person], list[tuple[str, ...]]]
    filtered: str = ""


def found_in(each: ReadBack, app: FastAPI, content: bytes, name: str, who: Person) -> Proposed:
    """Return what a file asks for; one that asks for too much at once is refused."""
    if not name:
        what = "No file was chosen."
        raise InputError(what, remedy="Choose the list that you downloaded and edited.")
    found = each.read(app, content, name, who)
    n = found.decisions.height
    if n > MOST_ASKED:
        what = f"The file asks for {n:,} changes; {MOST_ASKED:,} can be made at once."
        raise InputError(what, done="Nothing was changed.", remedy="Split it.")
    return found


def packed(asked: pl.DataFrame) -> str:
    """Return what is asked for as a text that a form carries; what comes back is checked like any request."""
    rows: Sequence[Any] = asked.with_columns(pl.col(pl.Date).cast(pl.String)).rows()
    return urlsafe_b64encode(zlib.compress(json.dumps(rows).encode())).decode()


def unpacked(each: ReadBack, text: str) -> pl.DataFrame:
    """Return what a form carried; raises InputError for anything that is not such a text."""
    days = [name for name, dtype in each.asked.items() if dtype == pl.Date]
    carried = pl.Schema(each.asked | dict.fromkeys(days, pl.String()))
    try:
        content = zlib.decompressobj().decompress(urlsafe_b64decode(text.encode()), MOST_UNPACKED)
        found = pl.DataFrame(json.loads(content), schema=carried, orient="row", strict=True)
        found = found.with_columns(pl.col(days).str.to_date("%Y-%m-%d"))
        is_known = found["action"].is_in(list(each.words)).all()
        is_whole = found.height and is_known and not any(found.select("row", each.key).null_count().row(0))
    except (ValueError, TypeError, RecursionError, zlib.error, pl.exceptions.PolarsError):
        is_whole = False
    if not is_whole or found.height > MOST_ASKED:
        what = "What was to be confirmed did not arrive whole."
        raise InputError(what, done="Nothing was changed.", remedy="Upload the file again.")
    return found


def _lines(app: FastAPI, asked: pl.DataFrame, who: Person) -> list[tuple[str, ...]]:
    lines = app.state.desk.table("recommendations", Query(), who, OF_LINES)
    known = asked.join(lines, on="line_id", how="left", maintain_order="left")
    return [_line(row) for row in known.to_dicts()]


def _line(row: Row) -> tuple[str, ...]:
    amount = quantity(row["quantity_eff"], row["unit"])
    if row["quantity"] is not None:
        amount = f"{quantity(row['quantity_eff'])} → {quantity(row['quantity'], row['unit'])}"
    due = cells.day(row["date_eff"])
    if row["date"] is not None:
        due = f"{due} → {cells.day(row['date'])}"
    return (
        str(row["row"]), row["item_id"] or row["line_id"], row["to_location_id"] or DASH,
        OF_RECOMMENDATIONS.words[row["action"]], amount, due, _why(row["reason"], row["text"]),
    )  # fmt: skip


def _overrides(app: FastAPI, asked: pl.DataFrame, who: Person) -> list[tuple[str, ...]]:
    known = app.state.desk.table(
        "overrides", Query(), who, ["override_id", "value", "value_text", "expires_at"]
    )
    now = {row["override_id"]: row for row in known.to_dicts()} if asked.height else {}
    return [_override(row, now.get(row["override_id"], {})) for row in asked.to_dicts()]


def _override(row: Row, now: Row) -> tuple[str, ...]:
    scope = {name: row[name] for name in SCOPE if row[name]}
    before = now.get("value_text") or (f"{now['value']:g}" if now.get("value") is not None else "")
    value = row["value"] if row["action"] == "set" or row["value"] == before else f"{before} → {row['value']}"
    until, until_now = cells.day(row["expires_at"]), cells.day(now.get("expires_at"))
    what = f"{label('override', row['kind'])}: {label('override_field', row['field']).lower()}"
    return (
        str(row["row"]), row["override_id"] or "new", OF_OVERRIDES.words[row["action"]], what,
        named(scope).removeprefix("for "), value if row["action"] != "withdraw" else before,
        until if row["action"] == "set" or until == until_now else f"{until_now} → {until}",
        _why(row["reason_code"], row["reason_text"]),
    )  # fmt: skip


def _exceptions(app: FastAPI, asked: pl.DataFrame, who: Person) -> list[tuple[str, ...]]:
    known = app.state.desk.table("exceptions", Query(), who, ["exception_id", "title"])
    titles = dict(known.with_columns(pl.col("exception_id").cast(pl.String)).iter_rows())
    return [_exception(row, titles) for row in asked.to_dicts()]


def _exception(row: Row, titles: Mapping[str, str]) -> tuple[str, ...]:
    owner = "" if row["owner"] is None else row["owner"] or "nobody"
    until = cells.day(row["snoozed_until"]) if row["action"] == "snooze" else ""
    ended = cells.words(row["outcome"]) if row["action"] == "close" else ""
    return (
        str(row["row"]), titles.get(row["exception_id"], row["exception_id"]),
        OF_EXCEPTIONS.words[row["action"]], owner, cells.day(row["due"]) if row["due"] else "",
        until or ended, row["text"] or "",
    )  # fmt: skip


def _why(reason: str | None, text: str | None) -> str:
    return ": ".join(part for part in (cells.words(reason) if reason else "", text or "") if part)


OF_RECOMMENDATIONS = ReadBack(
    name="recommendations",
    title="Decide from a file",
    href="/recommendations",
    path="",
    action="decide",
    key="line_id",
    of_what=("line", "decided from the file"),
    filtered="?status=proposed",
    steps=(
        Markup(
            "In <b>status</b> write <code>accepted</code>, <code>changed</code>, <code>refused</code> or "
            "<code>proposed</code>. For a change, edit <b>quantity_eff</b> or <b>date_eff</b>; changes and "
            "refusals need a <b>reason_code</b>."
        ),
        Markup(
            "Keep the columns <b>line_id</b> and <b>version</b>: they tell whether somebody else decided "
            "meanwhile."
        ),
    ),
    words={"accept": "Accept", "change": "Change", "refuse": "Refuse", "reopen": "Take back"},
    heads=(
        ("Row", "num"), ("Item", ""), ("Place", ""), ("To do", ""), ("Quantity", "num"), ("Due", ""),
        ("Reason", "prose"),
    ),
    asked=lists_in_files.DONE,
    read=lambda app, content, name, who: app.state.desk.decisions_in(content, name, who),
    do=lambda app, asked, who: decide_from_file(app.state.folder, asked, who, at=app.state.clock()),
    shown=_lines,
)  # fmt: skip
OF_OVERRIDES = ReadBack(
    name="overrides",
    title="Set values from a file",
    href="/overrides",
    path="/overrides",
    action="override",
    key="override_id",
    of_what=("override", "set or withdrawn from the file"),
    filtered="?status=in_force",
    steps=(
        Markup(
            "To change one, edit <b>value</b>, <b>expires_at</b> or the reason: a new one takes its place. "
            "To end one, write <code>withdrawn</code> in <b>status</b> and why in <b>withdrawn_why</b>."
        ),
        Markup(
            "To add one, add a row without <b>override_id</b>: <b>kind</b>, <b>field</b>, <b>value</b>, "
            "<b>reason_code</b>, and the item, place, supplier or category that it is for. A service "
            "target is a share: <code>0.98</code>."
        ),
        Markup("Rows that you delete change nothing."),
    ),
    words={"set": "Set", "replace": "Replace", "withdraw": "Withdraw"},
    heads=(
        ("Row", "num"), ("Override", ""), ("To do", ""), ("What", ""), ("For", "prose"), ("Value", "num"),
        ("Until", ""), ("Reason", "prose"),
    ),
    asked=overrides_in_files.ASKED,
    read=lambda app, content, name, who: read_overrides(
        app.state.folder, content, name, who, at=app.state.clock()
    ),
    do=lambda app, asked, who: set_from_file(app.state.folder, asked, who, at=app.state.clock()),
    shown=_overrides,
)  # fmt: skip
OF_EXCEPTIONS = ReadBack(
    name="exceptions",
    title="Work exceptions from a file",
    href="/exceptions",
    path="/exceptions",
    action="work_exception",
    key="exception_id",
    of_what=("exception", "worked from the file"),
    filtered="?status=open",
    steps=(
        Markup(
            "Edit <b>owner</b>, <b>due</b> or <b>text</b>. To put one off, write the day in "
            "<b>snoozed_until</b>; to close it, <code>closed</code> in <b>status</b> and in <b>outcome</b> "
            "how it ended; <code>open</code> opens it again."
        ),
        Markup(
            "Keep the columns <b>exception_id</b> and <b>version</b>: they tell whether somebody else worked "
            "on it meanwhile."
        ),
    ),
    words={"keep": "Note", "snooze": "Put off", "close": "Close", "reopen": "Open again"},
    heads=(
        ("Row", "num"), ("Exception", "prose"), ("To do", ""), ("Owner", ""), ("Due", ""),
        ("Until, or how it ended", ""), ("Note", "prose"),
    ),
    asked=exceptions_in_files.ASKED,
    read=lambda app, content, name, who: read_exceptions(
        content, name, app.state.desk.table("exceptions", Query(), who, ASKED_OF_EXCEPTIONS)
    ),
    do=lambda app, asked, who: work_from_file(app.state.folder, asked, who, at=app.state.clock()),
    shown=_exceptions,
)  # fmt: skip
READ_BACK = (OF_RECOMMENDATIONS, OF_OVERRIDES, OF_EXCEPTIONS)
