"""Exceptions: the list, and the page of one with its parts and how people work it."""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from plimsoll.domain.desk_result import Row
from plimsoll.domain.exceptions import KINDS, OUTCOMES
from plimsoll.domain.people import Person
from plimsoll.present.numbers import count, money, percent
from plimsoll.web import attention, cells
from plimsoll.web.cells import Column
from plimsoll.web.contexts.exceptions import ExceptionPage
from plimsoll.web.contexts.lists import Empty, Link
from plimsoll.web.contexts.today import Part, Tile
from plimsoll.web.day_page import point_href
from plimsoll.web.lists import Asked, View

ONE = "/exceptions/{exception_id}"
SAYS = "What needs a person, grouped by cause, the most money lost if nobody acts first."
SHOWN_PARTS, MOST_LINES = 100, 200
VIEW = View(
    "exceptions",
    "Exceptions",
    "/exceptions",
    (
        Column("rank", "No.", "count", hint="Rank by expected money lost"),
        Column("title", "What is wrong", link=ONE),
        Column("kind", "Kind", "label", topic="exception"),
        Column("money_lost", "At risk", "money", hint="Expected loss if nobody acts"),
        Column("probability", "Proves right", "percent", shown=False, hint="Share of its kind that did"),
        Column("n_points", "Places", "count", hint="Stocking points concerned"),
        Column("n_orders", "Orders", "count", shown=False),
        Column("n_lines", "Lines", "count", shown=False, hint="Lines of today that act on it"),
        Column("owner", "Owner"),
        Column("due", "Due", "date"),
        Column("status", "Status", "chip"),
        Column("since", "Since", "date", shown=False),
        Column("subject", "About", "place", shown=False),
        Column("action", "What to do", "cut", shown=False),
        Column("snoozed_until", "Snoozed until", "date", shown=False),
        Column("outcome", "Ended", "label", shown=False),
        Column("score", "Score", "money", shown=False, hint="Money at risk times that share"),
    ),
    asked=(
        Asked("kind", "Kind", topic="exception"),
        Asked("subject_kind", "About", topic="subject"),
        Asked("owner", "Owner"),
        Asked("money_lost__ge", "At risk at least", "number", more=True),
        Asked("due__le", "Due by", "date", more=True),
        Asked("since__ge", "Since", "date", more=True),
    ),
    tabs={
        "Open": {"status": "open"},
        "Snoozed": {"status": "snoozed"},
        "Closed": {"status": "closed"},
        "All": {},
    },
    sums={"money_lost": "At risk"},
    empty=Empty(
        "check",
        "Nothing needs you",
        "No exception is open. Go on with what is proposed.",
        (Link("To Recommendations", "/recommendations?status=proposed"),),
    ),
)  # fmt: skip


def exception_page(
    row: Row, parts: Sequence[Row], events: Sequence[Row], who: Person, *, currency: str, today: object
) -> ExceptionPage:
    """Return the page of one exception.

    Parameters
    ----------
    row : of the desk's list
    parts : of the table `exception_part`, most money first
    events : of the log, latest first
    who : who looks
    currency : of the money
    today : day from which days are offered
    """
    status, owner = row.get("status") or "open", row.get("owner") or ""
    return ExceptionPage(
        id=row["exception_id"],
        version=row.get("version") or 0,
        title=row["title"],
        kind=cells.words(row["kind"], "exception"),
        meaning=KINDS[row["kind"]].meaning if row["kind"] in KINDS else "",
        status=status,
        sentence=row["sentence"].removesuffix(row["action"]).strip(),
        action=row["action"],
        tiles=_tiles(row, currency),
        facts=_facts(row),
        parts=tuple(_part(part) for part in parts[:SHOWN_PARTS]),
        n_more=max(0, len(parts) - SHOWN_PARTS),
        lines=_lines(parts),
        subject=_subject(row),
        owner=owner,
        is_mine=owner == who.username,
        due=cells.day(row["due"]) if row.get("due") else "",
        ended=OUTCOMES.get(row.get("outcome") or "", "") if status == "closed" else "",
        note=row.get("text") or "",
        told=tuple(_told(event) for event in events),
        can_work=who.may("work_exception"),
        outcomes=attention.ENDINGS,
        pauses=attention.pauses(today),  # type: ignore[arg-type]
        back=cells.address(ONE, row),
    )


def _tiles(row: Row, currency: str) -> tuple[Tile, ...]:
    figure, _, unit = money(row["money_lost"], currency).partition(" ")
    places, _, place_noun = count(row["n_points"], "place").partition(" ")
    lines, _, line_noun = count(row["n_lines"], "line").partition(" ")
    orders = count(row["n_orders"], "open order") if row["n_orders"] else "no open order"
    return (
        Tile("At risk", figure, unit, "if nobody acts before the next review", "#parts"),
        Tile("Proves right", percent(row.get("probability"), 0), "", "of exceptions of this kind", ""),
        Tile("Concerns", places, place_noun, orders, "#parts"),
        Tile("Acted on by", lines, line_noun, "of today's plan", "#parts"),
    )


def _facts(row: Row) -> tuple[tuple[str, str], ...]:
    worked = f"{cells.moment(row['changed_at'])} by {row['changed_by']}" if row.get("changed_by") else ""
    pairs = (
        ("Rank", f"{row['rank']:,}"),
        ("Since", cells.day(row["since"]) if row.get("since") else ""),
        ("Snoozed until", cells.day(row["snoozed_until"]) if row.get("snoozed_until") else ""),
        ("Worked last", worked),
    )  # fmt: skip
    return tuple((name, value) for name, value in pairs if value)


def _part(part: Row) -> Part:
    order = f"Order {part['order_id']}: " if part.get("order_id") else ""
    href = point_href(part["item_id"], part["location_id"])
    return Part(
        part["item_id"], part["location_id"], order + part["note"], cells.amount(part["money_lost"]), href
    )


def _lines(parts: Sequence[Row]) -> Link | None:
    numbers = sorted({part["line_no"] for part in parts if part.get("line_no")})[:MOST_LINES]
    if not numbers:
        return None
    query = urlencode({"line_no": ",".join(map(str, numbers))}, safe=",")
    return Link(f"{count(len(numbers), 'line')} of today", f"/recommendations?{query}")


def _subject(row: Row) -> Link | None:
    name = row["subject"]
    if row["subject_kind"] == "supplier":
        return Link(f"Supplier {name}", f"/suppliers/{quote(name, safe='')}")
    if row.get("item_id"):
        return Link(row["item_id"], point_href(row["item_id"], row.get("location_id")))
    return Link("Data health", "/health") if row["subject_kind"] == "data" else None


def _told(event: Row) -> tuple[str, str, str]:
    """Return when, who did what, and the note."""
    old, new = (value if isinstance(value, dict) else {} for value in (event.get("old"), event.get("new")))
    changed = {name: value for name, value in new.items() if value != old.get(name)}
    said = [_status(new)] if "status" in changed and (old or new["status"] != "open") else []
    if "owner" in changed:
        said.append(_owner(new["owner"], event["actor"]))
    if changed.get("due"):
        said.append(f"set it due on {changed['due']}")
    what = ", ".join(said) or "worked it"
    return cells.moment(event["at"]), f"{event['actor']} {what}", changed.get("text") or ""


def _status(new: Row) -> str:
    if new["status"] == "closed":
        return f"closed it: {OUTCOMES.get(new.get('outcome') or '', '')}"
    return f"put it off until {new['snoozed_until']}" if new["status"] == "snoozed" else "opened it again"


def _owner(name: str | None, actor: str) -> str:
    if not name:
        return "gave it back"
    return "took it" if name == actor else f"gave it to {name}"
