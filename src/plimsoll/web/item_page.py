"""The page of one stocking point from what the desk knows of it."""

from collections.abc import Mapping, Sequence
from itertools import chain
from urllib.parse import quote, urlencode

import polars as pl

from plimsoll.domain.decisions import REASONS
from plimsoll.domain.desk_result import ItemView, Row
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, count, days, money, percent, quantity, step
from plimsoll.web import cells, item_charts, item_values
from plimsoll.web.contexts.items import (
    Arrow,
    Beside,
    Drawing,
    Event,
    Finding,
    ItemPage,
    Node,
    Spot,
    Table,
    Todo,
)
from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.today import Tile
from plimsoll.web.day_page import point_href

SHOWN_RECEIPTS, SHOWN_EVENTS, SHOWN_NODES = 7, 20, 5
BOX_W, BOX_H, GAP_Y, MIDDLE = 140, 44, 12, 64
DONE = {
    "accepted": "accepted", "changed": "changed", "refused": "refused", "submitted": "sent up for approval",
    "exported": "sent", "received": "seen to arrive", "expired": "left to expire", "proposed": "took back",
}  # fmt: skip


def item_page(
    view: ItemView, overrides: pl.DataFrame, beside: Beside | None, *, back: str, can_set: bool
) -> ItemPage:
    """Return the page.

    Parameters
    ----------
    view : what the desk knows of the point
    overrides : rows of the desk's list of overrides, of any status
    beside : where it stands in the list it was opened from
    back : the page's own address
    can_set : whether the person may set values
    """
    point, given = view.point, {"item_id": view.item_id, "location_id": view.location_id}
    standing = overrides.filter(pl.col("status").cast(pl.String) == "in_force")
    reason = point.get("left_out_reason")
    change = next(iter(view.lists.get("plan_change", ())), None)
    readiness = view.rows.get("readiness", {})
    return ItemPage(
        item=view.item_id,
        place=view.location_id,
        description=point.get("description") or "",
        facts=_facts(view),
        health=point.get("health") or "",
        order_status=point.get("order_status") or "",
        left_out=""
        if point["planned"]
        else f"Not planned: {label('left_out', reason) if reason else 'its data do not allow it'}.",
        beside=beside,
        spots=tuple(_spot(row, view.location_id) for row in view.places),
        exceptions=tuple(
            Link(row["title"], f"/exceptions/{quote(row['exception_id'], safe='')}")
            for row in view.lists.get("exceptions", ())
        ),
        tiles=_tiles(view),
        todo=tuple(_todo(row, view) for row in view.lists.get("lines", ())),
        nothing_to_do=_nothing(point),
        demand=item_charts.demand(view),
        stock=item_charts.stock(view),
        level=item_charts.level(view),
        order=item_charts.order(view),
        change=item_charts.change(view),
        change_words=change["sentence"] if change else "",
        values=item_values.value_rows(view, standing, back, can_set=can_set),
        can_set=can_set,
        set_href=f"{item_values.PAGE_SET}?{urlencode(given)}",
        others_href=f"/items/others?{urlencode(given)}" if point["planned"] else "",
        lead_time=item_charts.lead_time(view),
        lead_time_words=item_charts.lead_time_words(view),
        open_orders=_open_orders(view),
        receipts=_receipts(view),
        drawing=drawing(view),
        findings=tuple(_finding(row, view) for row in view.lists.get("audit_row", ())),
        readiness=readiness.get("verdict") or "",
        readiness_words=readiness.get("why") or "",
        events=_events(view, overrides),
        log_href=f"/audit?{urlencode({'object_type': 'override'})}",
    )


def _facts(view: ItemView) -> tuple[tuple[str, str], ...]:
    point = view.point
    pairs = (
        ("Class", " ".join(text for text in (point.get("abc"), point.get("xyz")) if text)),
        ("Category", point.get("category")),
        ("Supplied by", point.get("from_location_id")),
        (
            "Unit cost",
            money(point.get("unit_cost_eff"), view.currency)
            if (point.get("unit_cost_eff") or 0) >= 1000
            else _price(point.get("unit_cost_eff"), view.currency),
        ),
        ("Demand", (point.get("demand_class") or "").replace("_", " ")),
        (
            "Criticality",
            point.get("criticality_eff") if point.get("criticality_eff") not in (None, "normal") else "",
        ),
        ("Policy", label("policy", point["policy"]).partition(":")[0] if point.get("policy") else ""),
        ("Ends", cells.day(point["end_date"]) if point.get("end_date") else ""),
    )
    return tuple((name, str(value)) for name, value in pairs if value)


def _price(value: float | None, currency: str) -> str:
    return "" if value is None else f"{value:,.2f} {currency}".strip()


def _spot(row: Row, here: str) -> Spot:
    name = row["location_id"]
    return Spot(name, point_href(row["item_id"], name), name == here, row.get("health") or "")


def _tiles(view: ItemView) -> tuple[Tile, ...]:
    point, unit = view.point, view.point.get("unit") or ""
    chance, service = point.get("stockout_probability"), point.get("target_service_eff")
    there = f"{quantity(point.get('on_hand_qty'))} here, {quantity(point.get('on_order_qty'))} on order"
    if point.get("backlog_qty"):
        there += f", {quantity(point['backlog_qty'])} owed"
    reorder, up_to = (quantity(point.get(name)) for name in ("reorder_point_qty", "order_up_to_qty"))
    return (
        Tile(
            "At risk",
            *_money(point.get("money_at_risk"), view.currency),
            "not known" if chance is None else f"runs out with {percent(chance, 0)} before help comes",
            "#stock",
        ),
        Tile("Position", quantity(point.get("position_qty")), unit, there, "#order"),
        Tile(
            "Service target",
            DASH if service is None else percent(service),
            label("target", point["target_kind_eff"]) if point.get("target_kind_eff") else "",
            "no level" if point.get("reorder_point_qty") is None else f"order at {reorder} up to {up_to}",
            "#level",
        ),
        Tile("Stock in money", *_money(point.get("on_hand_value"), view.currency), _held(view), "#demand"),
    )


def _held(view: ItemView) -> str:
    """Return what the stock is worth keeping for."""
    point = view.point
    if point.get("cash_to_release"):
        return f"{money(point['cash_to_release'], view.currency)} could be released"
    if not point.get("on_hand_qty"):
        return "the shelf is empty"
    return f"lasts {days(point['cover_days'])}" if point.get("cover_days") else "nothing asks for it"


def _money(value: float | None, currency: str) -> tuple[str, str]:
    if value is None:
        return DASH, ""
    _, unit = step(value, currency)
    return money(value, currency).removesuffix(unit).strip(), unit


def _todo(row: Row, view: ItemView) -> Todo:
    unit = row.get("unit")
    to = f" to {row['to_location_id']}" if row["to_location_id"] != view.location_id else ""
    words = f"{cells.words(row['kind'], 'order')} {quantity(row['quantity_eff'], unit)}{to}"
    return Todo(
        words,
        row["sentence"],
        money(row["value_eff"], view.currency),
        row["status"],
        f"/recommendations/{row['line_id']}",
    )


def _nothing(point: Row) -> str:
    status, by = point.get("order_status"), point.get("order_by_date")
    if status == "later" and by:
        return f"Nothing today. By what is expected, the next order is due around {by}."
    return "Nothing today, and no order is in sight."


def _open_orders(view: ItemView) -> Table:
    rows = view.lists.get("arrival_risk", ())
    return Table(
        ("Order", "From", "Open", "Due", "Likely", "By 95 %", "On time", "Advice"),
        (False, False, True, False, False, False, True, False),
        tuple(
            (
                f"{row['order_id']} {row['line'] or ''}".strip(),
                row["from_location_id"] or DASH,
                quantity(row["quantity"]),
                cells.day(row["due_date"])
                + (f", {row['overdue_days']:.0f} days ago" if (row["overdue_days"] or 0) > 0 else ""),
                cells.day(row["arrival_median_date"]),
                cells.day(row["arrival_95_date"]),
                percent(row["arrives_by_due_probability"], 0),
                cells.words(row["action"]) if row["action"] not in (None, "none") else DASH,
            )
            for row in rows
        ),
        tuple(f"/suppliers?{urlencode({'q': row['from_location_id'] or ''})}" for row in rows),
    )


def _receipts(view: ItemView) -> Table:
    rows = view.lists.get("receipts", ())[:SHOWN_RECEIPTS]
    return Table(
        ("Received", "Order", "From", "Quantity", "Days", "Late, days"),
        (False, False, False, True, True, True),
        tuple(
            (
                cells.day(row["received_date"]),
                row["order_id"] or DASH,
                row["from_location_id"] or DASH,
                quantity(row["quantity"]),
                _between(row["ordered_date"], row["received_date"]),
                _late(row),
            )
            for row in rows
        ),
    )


def _between(first: object, last: object) -> str:
    return str((last - first).days) if first and last else DASH  # type: ignore[operator]


def _late(row: Row) -> str:
    promised, came = row.get("promised_date"), row["received_date"]
    if not promised:
        return DASH
    late = (came - promised).days
    return f"{late:+d}" if late else "0"


def drawing(view: ItemView) -> Drawing:
    """Return the place with those it gets from and gives to; long lists are cut with a word on the rest."""
    of_place = {row["location_id"]: row for row in view.places}
    above = [
        row
        for row in view.lists.get("network_arc", ())
        if row["from_location_id"] != view.location_id or row["from_item_id"] != view.item_id
    ]
    below = list(view.lists.get("network_fed", ()))
    rows = max(1, min(len(above), SHOWN_NODES), min(len(below), SHOWN_NODES))
    height = rows * (BOX_H + GAP_Y) - GAP_Y + 4
    middle = (height - BOX_H) // 2
    xs = (2, 2 + BOX_W + MIDDLE, 2 + 2 * (BOX_W + MIDDLE))
    nodes = [Node(xs[1], middle, view.location_id, _stock_words(view.point), "", "here")]
    arrows = []
    for column, arcs in ((0, above), (2, below)):
        shown = arcs[:SHOWN_NODES]
        top = (height - len(shown) * (BOX_H + GAP_Y) + GAP_Y) // 2
        for at, arc in enumerate(shown):
            y = top + at * (BOX_H + GAP_Y)
            nodes.append(_node(arc, column, xs[column], y, of_place, view))
            arrows.append(_arrow(column, xs, y + BOX_H // 2, middle + BOX_H // 2, arc))
    cut = [count(len(arcs) - SHOWN_NODES, "more place") for arcs in (above, below) if len(arcs) > SHOWN_NODES]
    words = (
        f"and {' and '.join(cut)}"
        if cut
        else ""
        if above or below
        else "It is connected with no other place."
    )
    return Drawing(xs[2] + BOX_W + 2, height, tuple(nodes), tuple(arrows), words)


def _node(arc: Row, column: int, x: int, y: int, of_place: Mapping[str, Row], view: ItemView) -> Node:
    item, place = (
        (arc["from_item_id"], arc["from_location_id"])
        if column == 0
        else (arc["item_id"], arc["location_id"])
    )
    other = item if item != view.item_id else ""
    known = of_place.get(place) if not other else None
    words = _stock_words(known) if known else other or ("supplier" if arc["kind"] == "outside" else "")
    is_point = known or (other and arc["kind"] != "outside")
    href = point_href(item, place) if is_point else f"/suppliers?{urlencode({'q': place or ''})}"
    css = "" if arc["in_force"] else "off"
    return Node(x, y, place or "outside", words, href, css)


def _arrow(column: int, xs: tuple[int, ...], at: int, middle: int, arc: Row) -> Arrow:
    first, last = (xs[0] + BOX_W, xs[1]) if column == 0 else (xs[1] + BOX_W, xs[2])
    start, end = (at, middle) if column == 0 else (middle, at)
    half = (first + last) // 2
    path = f"M{first} {start}C{half} {start} {half} {end} {last - 5} {end}"
    words = days(arc["mean_days"]) if arc["mean_days"] is not None else ""
    return Arrow(path, words, half, (start + end) // 2 - 6)


def _stock_words(row: Row) -> str:
    health = label("stock", row["health"]).partition(",")[0].lower() if row.get("health") else "not planned"
    return f"{quantity(row.get('on_hand_qty'), row.get('unit'))}, {health}"


def _finding(row: Row, view: ItemView) -> Finding:
    money_words = money(row["money_at_risk"], view.currency) if row["money_at_risk"] else ""
    query = urlencode({"code": row["code"]})
    return Finding(
        row["severity"], cells.words(row["code"]), row["detail"] or "", money_words, f"/health/rows?{query}"
    )


def _events(view: ItemView, overrides: pl.DataFrame) -> tuple[Event, ...]:
    """Return what people did with lines of this point and set at it, the latest first."""
    own = overrides.filter(
        pl.col("item_id").cast(pl.String) == view.item_id,
        (pl.col("location_id").cast(pl.String) == view.location_id) | pl.col("location_id").is_null(),
    )
    made = [
        (row["decided_at"], _decided(row)) for row in view.lists.get("decisions", ()) if row["decided_at"]
    ]
    made += chain.from_iterable(_overridden(row, view.point.get("unit")) for row in own.to_dicts())
    ordered = sorted(made, key=lambda each: each[0], reverse=True)
    return tuple(event for _, event in ordered[:SHOWN_EVENTS])


def _decided(row: Row) -> Event:
    kind = cells.words(row["kind"], "order")
    set_qty = row.get("quantity_set")
    amount = quantity(row["quantity"] if set_qty is None else set_qty, row.get("unit"))
    what = f"{DONE.get(row['status'], row['status'])}: {kind.lower()} {amount}"
    if set_qty is not None and set_qty != row["quantity"]:
        what += f" instead of {quantity(row['quantity'])}"
    why = _why(row["reason_code"], row["reason_text"])
    return Event(
        cells.moment(row["decided_at"]), row["decided_by"], what, why, f"/recommendations/{row['line_id']}"
    )


def _overridden(row: Row, unit: str | None) -> Sequence[tuple[object, Event]]:
    href = f"/audit?{urlencode({'object_id': row['override_id']})}"
    told = item_values.said(row, unit)
    old = item_values.said(
        row | {"value": row["value_old"], "value_text": row["value_old_text"]}, unit
    ).partition(": ")[2]
    before = f", before {old}" if old != DASH else ""
    made = [
        (
            row["created_at"],
            Event(
                cells.moment(row["created_at"]),
                row["author"],
                f"set {told}{before}",
                _why(row["reason_code"], row["reason_text"]),
                href,
            ),
        )
    ]
    if row["withdrawn_at"]:
        made.append(
            (
                row["withdrawn_at"],
                Event(
                    cells.moment(row["withdrawn_at"]),
                    row["withdrawn_by"],
                    f"cleared {told}",
                    row["withdrawn_why"] or "",
                    href,
                ),
            )
        )
    return made


def _why(code: str | None, text: str | None) -> str:
    return ". ".join(part for part in (REASONS.get(code or "", ""), text or "") if part)
