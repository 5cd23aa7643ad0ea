"""The list of recommendations: columns and filters, rows with what can be done, the panel of one line."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from markupsafe import Markup

from plimsoll.domain.decisions import CHANGE_KINDS, REASONS, TRANSITIONS
from plimsoll.domain.desk_result import ItemView, LineView, Row
from plimsoll.domain.people import Person
from plimsoll.present.numbers import DASH, money, percent, quantity
from plimsoll.web import assets, cells
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Empty, Line, Link
from plimsoll.web.contexts.recommendations import Deed, LineMore, Panel
from plimsoll.web.day_page import point_href
from plimsoll.web.lists import Asked, View

LINE = "/recommendations/{line_id}"
VIEW = View(
    "recommendations",
    "Recommendations",
    "/recommendations",
    (
        Column("item_id", "Item", "item", link=LINE),
        Column("kind", "Action", "label", topic="order"),
        Column("to_location_id", "To", "place"),
        Column("from_location_id", "From", "place", priority=2),
        Column("quantity_eff", "Quantity", "quantity"),
        Column("value_eff", "Value", "money"),
        Column("date_eff", "Due", "date", priority=2),
        Column("money_at_risk", "At risk", "money", priority=2, hint="Expected loss if it waits a review"),
        Column("net", "Net gain", "money", shown=False, hint="What it saves less what it costs"),
        Column("confidence", "Trust", "grade", priority=2, hint="How far its figures can be believed"),
        Column("status", "Status", "chip"),
        Column("line_no", "No.", "count", shown=False, hint="Order of importance in the plan"),
        Column("abc", "Class", shown=False),
        Column("category", "Category", "cut", shown=False),
        Column("order_id", "Open order", shown=False),
        Column("due_date_now", "Due now", "date", shown=False),
        Column("order_date", "Order on", "date", shown=False),
        Column("quantity", "Proposed", "quantity", shown=False),
        Column("cost", "Cost", "money", shown=False, hint="Extra cost of doing it"),
        Column("gain", "Gain", "money", shown=False),
        Column("pulled_forward", "Pulled forward", "yes", shown=False),
        Column("readiness", "Data", "chip", topic="verdict", shown=False),
        Column("decided_by", "By", shown=False),
        Column("decided_at", "Decided", "moment", shown=False),
    ),
    asked=(
        Asked("kind", "Action", topic="order"),
        Asked("to_location_id", "Place"),
        Asked("from_location_id", "Source"),
        Asked("abc", "Class"),
        Asked("confidence", "Trust"),
        Asked("value_eff__ge", "Value at least", "number", more=True),
        Asked("money_at_risk__ge", "At risk at least", "number", more=True),
        Asked("date_eff__le", "Due by", "date", more=True),
        Asked("category", "Category", more=True),
        Asked("readiness", "Data", topic="verdict", more=True),
        Asked("decided_by", "Decided by", more=True),
    ),
    tabs={
        "To decide": {"status": "proposed"},
        "To approve": {"status": "submitted"},
        "To send": {"status": "accepted,changed"},
        "Refused": {"status": "refused"},
        "Sent": {"status": "exported,received"},
        "All": {},
    },
    sums={"value_eff": "Value", "money_at_risk": "At risk"},
    empty=Empty(
        "recommendations",
        "There are no recommendations",
        "Make a plan, and its orders and moves stand here.",
        (Link("To Runs", "/runs"),),
    ),
)  # fmt: skip
DEEDS = {
    "accept": Deed("accept", "Accept", "a", "check"),
    "approve": Deed("approve", "Approve", "a", "check"),
    "change": Deed("change", "Change", "c", "pencil", asks=True),
    "refuse": Deed("refuse", "Refuse", "r", "cross", asks=True),
    "reopen": Deed("reopen", "Take back", "u", "undo"),
}
LEADS_TO = {"accept": "accepted", "change": "changed", "refuse": "refused", "reopen": "proposed"}
ORDERS = ("purchase", "transfer", "production")  # what a point's own order can be
DECIDED = ("accepted", "changed", "refused")
DONE = frozenset({"accepted", "changed", "refused", "exported", "received", "expired"})
EVENTS = {
    "accept": "accepted it", "change": "changed it", "refuse": "refused it", "reopen": "took it back",
    "approve": "approved it", "submit": "accepted it, above the limit", "export": "sent it",
    "receive": "saw it arrive",
}  # fmt: skip
REASON_CHOICES = tuple(REASONS.items())


def deeds(row: Row, who: Person) -> tuple[Deed, ...]:
    """Return what a person can do with a line as it stands."""
    status = row.get("status") or "proposed"
    if not who.may("decide"):
        return ()
    allowed = TRANSITIONS[status]
    if status == "submitted":
        names = ["approve"] if who.may("approve") else []
        names += ["change", "refuse", "reopen"]
    else:
        names = [name for name, leads in LEADS_TO.items() if leads in allowed and leads != status]
        if status in DECIDED:  # the way back is offered, not every way on
            names = [name for name in names if name in ("change", "reopen")] or ["reopen"]
    if row.get("kind") == "cancel":
        names = [name for name in names if name != "change"]
    return tuple(DEEDS[name] for name in names)


BUTTON = Markup(
    '<button class="icon small" form="lines" data-act="{name}"{get} '
    'formaction="/recommendations/{{0}}/{name}{version}" title="{words} ({key})" aria-label="{words} {{2}}">'
    '<svg class="i s" aria-hidden="true"><use href="{icons}#{icon}"/></svg></button>'
)


@cache
def _buttons(offered: tuple[Deed, ...]) -> Markup:
    """Return the buttons of a row with places for line, version and item; alike in all rows of a status."""
    icons, get = assets.href("icons.svg"), Markup(' formmethod="get"')
    made = (
        BUTTON.format(
            name=deed.name,
            words=deed.words,
            key=deed.key,
            icon=deed.icon,
            icons=icons,
            get=get if deed.asks else "",
            version="" if deed.asks else "?version={1}",
        )
        for deed in offered
    )
    return Markup("").join(made)


def line(row: Row, columns: tuple[Column, ...], who: Person, told: str = "", css: str = "") -> Line:
    """Return a row of the list with its buttons; `told` is a message that stands below it."""
    status = row.get("status") or "proposed"
    offered, version = deeds(row, who), row.get("version") or 0
    buttons = _buttons(offered).format(row["line_id"], version, row["item_id"])
    value = row.get("value_eff") or row["value"]
    more = LineMore(row["line_id"], version, row["item_id"], value, buttons, told)
    classes = " ".join(part for part in ("done" if status in DONE else "", css) if part)
    return Line(f"line-{row['line_no']}", classes, cells.cells(columns, row), more)


def panel(view: LineView, item: ItemView | None, who: Person, currency: str) -> Panel:
    """Return one line in full; `item` is its stocking point in the same plan, where the desk knows it."""
    row = view.line
    unit = row.get("unit")
    figures = (
        ("Quantity", quantity(row.get("quantity_eff") or row["quantity"], unit)),
        ("Value", money(row.get("value_eff") or row["value"], currency)),
        ("At risk", money(row["money_at_risk"], currency)),
        ("Due", cells.day(row.get("date_eff"))),
    )
    return Panel(
        line_id=row["line_id"],
        row=row,
        version=row.get("version") or 0,
        heading=f"{cells.words(row['kind'], 'order')} {row['item_id']}",
        figures=figures,
        facts=tuple(_facts(row, view.drivers, currency)),
        charts=_charts(row, item) if item else (),
        events=tuple(_event(event) for event in view.events),
        deeds=deeds(row, who) if view.is_current else (),
        item_href=point_href(row["item_id"], row["to_location_id"]),
        is_current=view.is_current,
    )


def _facts(row: Row, drivers: Mapping[str, Any], currency: str) -> list[tuple[str, str]]:
    pairs = [
        ("To", row["to_location_id"]),
        ("From", row.get("from_location_id") or DASH),
        ("Class", row.get("abc") or ""),
        ("Category", row.get("category") or ""),
    ]
    if row["kind"] in CHANGE_KINDS:
        pairs.append(("Open order", f"{row.get('order_id')} {row.get('order_line') or ''}".strip()))
        pairs.append(("Due now", cells.day(row.get("due_date_now"))))
    if row.get("pulled_forward"):
        pairs.append(("Pulled forward", row.get("pulled_why") or "yes"))
    if drivers.get("target_service"):
        pairs.append(("Target", percent(drivers["target_service"])))
    if row.get("cost"):
        pairs.append(("Extra cost", money(row["cost"], currency)))
    if row.get("net"):
        pairs.append(("Net gain", money(row["net"], currency)))
    return [(name, str(value)) for name, value in pairs if value]


def _charts(row: Row, item: ItemView) -> tuple[dict[str, Any], ...]:
    """Return how the order follows from the level, if the line is that order, and what makes the level."""
    unit = row.get("unit") or "units"
    is_order = row["kind"] in ORDERS and item.order_steps
    order = f"How the order of {quantity(item.order_qty, unit)} comes about"
    level = f"What the level of {quantity(item.level_qty, unit)} is made of"
    wanted = (
        (order, item.order_steps if is_order else (), "Order"),
        (level, item.level_steps, "Order up to"),
    )
    return tuple(
        {
            "kind": "waterfall",
            "title": title,
            "unit": unit,
            "steps": [{"name": step.label, "value": step.qty} for step in steps],
            "total": total,
        }
        for title, steps, total in wanted
        if steps
    )


def _event(event: Row) -> tuple[str, str, str]:
    """Return when, who did what, and why."""
    old, new = (each if isinstance(each, dict) else {} for each in (event.get("old"), event.get("new")))
    what = EVENTS.get(event["action"], cells.words(event["action"]).lower())
    if "quantity" in new and new["quantity"] != old.get("quantity"):
        what += f", {quantity(old.get('quantity'))} → {quantity(new['quantity'])}"
    if "date" in new and new["date"] != old.get("date"):
        what += f", due {old.get('date') or DASH} → {new['date']}"
    why = ". ".join(filter(None, (REASONS.get(new.get("reason") or "", ""), new.get("text") or "")))
    return cells.moment(event["at"]), f"{event['actor']} {what}", why
