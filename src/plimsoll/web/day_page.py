"""The page Today from what the desk knows: figures, exceptions, changes, work under way."""

from collections.abc import Iterator
from datetime import date
from urllib.parse import quote, urlencode

from plimsoll.domain.desk_result import Count, Found, Row, TodayView
from plimsoll.domain.people import Person
from plimsoll.present.numbers import count, percent, quantity, step
from plimsoll.web import attention, cells
from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.today import Card, Change, Part, Tile, TodayPage, Work

SHOWN_PARTS, MOST_LINES, SHOWN_CHANGES = 6, 200, 6
FRESH_DAYS = 1
FOUND = {
    "item": "/items/{}/{}",
    "line": "/recommendations/{}",
    "supplier": "/suppliers?q={}",
    "exception": "/exceptions?q={}",
}
LIST_PAGES = {
    "recommendations": "/recommendations",
    "exceptions": "/exceptions",
    "cash": "/cash",
    "findings": "/health",
}


def today_page(view: TodayView, who: Person, today: date) -> TodayPage:
    """Return the page for what the desk knows, on a day that may be later than that of the plan."""
    return TodayPage(
        heading=cells.weekday(today),
        says=f"{who.name.split(' ')[0]}, this is what the plan asks of you.",
        age=_age(view.age_days),
        tiles=tuple(_tiles(view)),
        cards=tuple(card(row, view, who) for row in view.exceptions),
        n_exceptions=view.n_exceptions,
        exceptions_missing=view.exceptions_missing,
        news=tuple(
            Link(f"{row['title']}: {cells.amount(row['money_lost'])}", found_href(_named(row)))
            for row in view.news
        ),
        changes=tuple(_change(row, view.head.currency) for row in view.changes[:SHOWN_CHANGES]),
        work=(*map(_job, view.jobs), *map(_delivery, view.deliveries)),
        counts=tuple(_count(each, view.head.currency) for each in view.counts if each.n),
        can_work=who.may("work_exception"),
        outcomes=attention.ENDINGS,
        pauses=attention.pauses(today),
        has_plan=bool(view.head.run_id),
    )


def card(row: Row, view: TodayView, who: Person) -> Card:
    """Return one exception as its card."""
    parts = view.parts.get(row["exception_id"], [])
    owner = row.get("owner") or ""
    lines = sorted({part["line_no"] for part in parts if part.get("line_no")})[:MOST_LINES]
    concerned = (("n_points", "place"), ("n_orders", "open order"), ("n_lines", "line"))
    return Card(
        id=row["exception_id"],
        rank=row["rank"],
        kind=cells.words(row["kind"], "exception"),
        title=row["title"],
        sentence=row["sentence"],
        action=row["action"],
        money=cells.amount(row["money_lost"]),
        probability=percent(row.get("probability"), 0),
        status=row.get("status") or "open",
        owner=owner,
        due=cells.day(row["due"]) if row.get("due") else "",
        until=cells.day(row["snoozed_until"]) if row.get("snoozed_until") else "",
        version=row.get("version") or 0,
        is_mine=owner == who.username,
        concerns=", ".join(count(row[name], noun) for name, noun in concerned if row.get(name)),
        parts=tuple(_part(part) for part in parts[:SHOWN_PARTS]),
        n_more=max(0, len(parts) - SHOWN_PARTS),
        lines=_lines(lines),
    )


def _named(row: Row) -> Found:
    return Found("exception", row["title"], "", (row["exception_id"],))


def found_href(answer: Found) -> str:
    """Return where an answer of the search box leads."""
    return FOUND[answer.kind].format(*(quote(part, safe="") for part in answer.key or (answer.name,)))


def point_href(item: str, place: str | None) -> str:
    """Return the address of a stocking point's page, or of an item's places where none is known."""
    return (
        f"/items/{quote(item, safe='')}/{quote(place, safe='')}"
        if place
        else f"/items?{urlencode({'item_id': item})}"
    )


def _tiles(view: TodayView) -> Iterator[Tile]:
    currency = view.head.currency
    todo = next((each for each in view.counts if each.name == "to decide"), None)
    figure, unit = _figure(view.money_at_risk, currency)
    yield Tile(
        "Money at risk", figure, unit, "expected shortage if nothing is ordered", "/items?sort=-money_at_risk"
    )
    if todo:
        figure, unit = _figure(todo.money, currency)
        yield Tile(
            "To decide", f"{todo.n:,}", "lines", f"worth {figure} {unit}", f"/recommendations{todo.query}"
        )
    figure, unit = _figure(view.cash_to_release, currency)
    yield Tile("Cash to release", figure, unit, "stock beyond what is needed", "/cash?sort=-cash_to_release")
    lost, unit = _figure(sum(row["money_lost"] for row in view.exceptions), currency)
    words = (
        f"the first {len(view.exceptions)} put {lost} {unit} at risk"
        if view.exceptions
        else "nothing stands out"
    )
    yield Tile("Exceptions open", f"{view.n_exceptions:,}", "", words, "/exceptions?status=open")


def _figure(value: float, currency: str) -> tuple[str, str]:
    """Return money as figure and unit, so that the unit can be set smaller."""
    divisor, unit = step(value, currency)
    scaled = value / divisor
    digits = 0 if divisor == 1 else 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0
    return f"{scaled:z,.{digits}f}", unit


def _count(each: Count, currency: str) -> Tile:
    figure, unit = _figure(each.money, currency)
    href = LIST_PAGES.get(each.listing, f"/{each.listing}") + each.query
    return Tile(each.name.capitalize(), f"{each.n:,}", "", f"{figure} {unit}" if each.money else "", href)


def _age(days: int) -> str:
    return f"The plan is {count(days, 'day')} old." if days > FRESH_DAYS else ""


def _lines(numbers: list[int]) -> Link | None:
    if not numbers:
        return None
    query = urlencode({"line_no": ",".join(map(str, numbers))}, safe=",")
    return Link(count(len(numbers), "line") + " of today", f"/recommendations?{query}")


def _part(part: Row) -> Part:
    href = point_href(part["item_id"], part["location_id"])
    order = f"Order {part['order_id']}: " if part.get("order_id") else ""
    return Part(
        part["item_id"], part["location_id"], order + part["note"], cells.amount(part["money_lost"]), href
    )


def _change(row: Row, currency: str) -> Change:
    href = point_href(row["item_id"], row["location_id"])
    figure, unit = _figure(row["change_value"], currency)
    sign = "+" if row["change_value"] > 0 else ""
    return Change(row["item_id"], row["location_id"], row["sentence"], f"{sign}{figure} {unit}", href)


def _job(row: Row) -> Work:
    detail = f"{row.get('step') or ''} · started by {row['started_by']}".removeprefix(" · ")
    return Work(cells.words(row["kind"]), row["status"], detail, f"/runs?job={row['job_id']}")


def _delivery(row: Row) -> Work:
    number = quantity(row.get("n_lines"))
    detail = (
        row.get("last_error") or f"{number} lines by {row.get('channel') or row.get('channels') or 'file'}"
    )
    return Work(f"Export {row['batch_id']}", row.get("status") or "pending", detail, "/exports")
