"""Suppliers as pages: the scorecard, lanes and open orders as lists, and one supplier in full."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from plimsoll.domain.desk_result import Row
from plimsoll.domain.listing import Listing
from plimsoll.present.labels import label, source
from plimsoll.present.numbers import DASH, count, days, money, percent
from plimsoll.web import cells
from plimsoll.web.cells import Column
from plimsoll.web.contexts.lists import Empty, Grid
from plimsoll.web.contexts.screens import SupplierPage
from plimsoll.web.contexts.today import Tile
from plimsoll.web.lists import Asked, View
from plimsoll.workflows.desk_supplier import SupplierView

PAGE = "/suppliers/{from_location_id}"
SCORE = (
    Column("supply_kind", "By", "label", topic="order", priority=2),
    Column("n_orders", "Orders", "count", hint="Orders received in the window"),
    Column("spend_value", "Spend", "money", hint="Received in the window, at cost"),
    Column("lead_days_mean", "Takes", "days", hint="Mean days from order to receipt"),
    Column("lead_days_p90", "9 of 10 in", "days", hint="Days that 90 % of deliveries keep within"),
    Column("kept_share", "Kept", "share", hint="Deliveries that kept promise or typed lead time"),
    Column("lateness_days_mean", "Late by", "days", priority=2, hint="After the promise; negative is early"),
    Column("trend_days", "Trend", "days", priority=3, hint="Last quarter's mean less that before"),
    Column("buffer_lead_time_value", "Buffer", "money", hint="Safety stock held because its lead times vary"),
    Column("one_day_less_value", "One day", "money", priority=3, hint="What one day less spread would free"),
    Column("typed_days_mean", "Typed", "days", shown=False, hint="Lead time in the item master"),
    Column("typed_gap_days", "Over typed", "days", shown=False),
    Column("on_time_share", "On time", "percent", shown=False),
    Column("early_share", "Early", "percent", shown=False),
    Column("split_share", "Split", "percent", shown=False, hint="Order lines that came in several parts"),
    Column("expedited_share", "Expedited", "percent", shown=False),
    Column("freight_value", "Freight", "money", shown=False),
    Column("n_deliveries", "Deliveries", "count", shown=False),
    Column("n_points", "Points", "count", shown=False, hint="Stocking points it replenishes"),
    Column("judged_by", "Judged by", "label", shown=False),
)  # fmt: skip
NONE = Empty("suppliers", "No deliveries yet", "Import receipts to see how reliable suppliers are.")
VIEW = View(
    "suppliers",
    "Suppliers",
    "/suppliers",
    (
        Column("from_location_id", "Supplier", "place", link=PAGE),
        *SCORE,
        Column("rank", "Rank", "count", shown=False),
    ),
    asked=(
        Asked("supply_kind", "By", topic="order"),
        Asked("judged_by", "Judged by"),
        Asked("kept_share__le", "Kept at most (0 to 1)", "number", more=True),
        Asked("spend_value__ge", "Spend at least", "number", more=True),
        Asked("n_orders__ge", "Orders at least", "number", more=True),
    ),
    sums={"spend_value": "Spend", "buffer_lead_time_value": "Buffer by their lead times"},
    empty=NONE,
)
LANES = View(
    "lanes",
    "Lanes",
    "/suppliers/all/lanes",
    (
        Column("from_location_id", "From", "place", link=PAGE),
        Column("to_location_id", "To", "place"),
        *SCORE,
    ),
    asked=(
        Asked("to_location_id", "To"),
        Asked("from_location_id", "From"),
        Asked("supply_kind", "By", topic="order"),
        Asked("n_orders__ge", "Orders at least", "number", more=True),
    ),
    sums={"spend_value": "Spend", "buffer_lead_time_value": "Buffer by their lead times"},
    empty=NONE,
)
ORDERS = View(
    "orders",
    "Open orders",
    "/suppliers/all/orders",
    (
        Column("order_id", "Order"),
        Column("item_id", "Item", "item", link="/items/{item_id}/{to_location_id}"),
        Column("from_location_id", "From", "place", priority=2, link=PAGE),
        Column("to_location_id", "To", "place", priority=2),
        Column("quantity", "To come", "quantity"),
        Column("order_value", "Value", "money", shown=False),
        Column("due_date", "Due", "date"),
        Column("overdue_days", "Overdue", "days", shown=False),
        Column("arrival_median_date", "Expected", "date", hint="Even odds that it is there by then"),
        Column("arrival_95_date", "Surely by", "date", shown=False, hint="19 of 20 that it came by then"),
        Column("needed_date", "Needed", "date", hint="Day to which stock and earlier orders last"),
        Column("arrives_by_needed_probability", "In time", "share", hint="Chance to be there when needed"),
        Column("expected_shortage_value", "At risk", "money", hint="Expected loss if it comes late"),
        Column("action", "Do", "chip"),
        Column("kind", "Kind", "label", topic="order", shown=False),
        Column("category", "Category", "cut", shown=False),
        Column("action_reason", "Why", "label", shown=False),
        Column("line", "Line", shown=False),
    ),
    asked=(
        Asked("action", "Do"),
        Asked("from_location_id", "From"),
        Asked("to_location_id", "To"),
        Asked("kind", "Kind", topic="order", more=True),
        Asked("category", "Category", more=True),
        Asked("overdue_days__ge", "Overdue at least days", "number", more=True),
        Asked("due_date__le", "Due by", "date", more=True),
        Asked("expected_shortage_value__ge", "At risk at least", "number", more=True),
    ),
    sums={"order_value": "Value", "expected_shortage_value": "At risk"},
    empty=Empty("clock", "No orders are open", "Nothing is on its way."),
)  # fmt: skip
SAYS = {
    "suppliers": "How long they take, what they keep of their promises, and what their spread costs.",
    "lanes": "The same, place by place.",
    "orders": "What is on its way, when it will be there, and what it costs if it is late.",
}
SHORT = frozenset(
    {
        "order_id", "item_id", "to_location_id", "quantity", "order_value", "due_date",
        "arrival_median_date", "arrives_by_needed_probability", "expected_shortage_value", "action",
    }
)  # fmt: skip


def columns_here(view: View) -> tuple[Column, ...]:
    """Return the columns of a list that stands on a supplier's own page."""
    if view.name == "orders":
        return tuple(column for column in view.columns if column.name in SHORT)
    return tuple(column for column in view.columns if column.shown and column.name != "from_location_id")


def supplier_page(
    view: SupplierView, lanes: Grid, orders: Grid, open_orders: Listing, proposed: Listing, currency: str
) -> SupplierPage:
    """Return the page of a supplier.

    Parameters
    ----------
    view : what the desk knows of it
    lanes, orders : its first rows of these lists
    open_orders, proposed : all its open orders, and its lines that wait for a decision, for their sums
    """
    score = max(view.scores, key=lambda row: row["n_orders"], default={})
    kinds = ", ".join(label("order", row["supply_kind"]).lower() for row in view.scores)
    return SupplierPage(
        name=source(view.name),
        says=f"{count(view.n_deliveries, 'delivery', 'deliveries')} of {count(view.n_items, 'item')}"
        + (f"; we {kinds} from it" if kinds else ""),
        tiles=tuple(_tiles(view.name, score, open_orders, proposed, currency)),
        charts=tuple(_charts(view)),
        facts=tuple(_facts(score, currency)),
        lanes=lanes,
        orders=orders,
    )


def _tiles(name: str, score: Row, orders: Listing, proposed: Listing, currency: str) -> list[Tile]:
    of = urlencode({"from_location_id": name.replace("\\", "\\\\").replace(",", "\\,")})
    low, high = score.get("kept_low"), score.get("kept_high")
    between = f"likely {percent(low, 0)} to {percent(high, 0)}; " if low is not None else ""
    judged = {"promise": "of its promises", "typed": "of the typed lead time", "spread": "by its spread"}
    against = judged.get(score.get("judged_by", ""), "too few deliveries")
    return [
        Tile("Keeps", percent(score.get("kept_share"), 0), "", f"{between}{against}", ""),
        Tile(
            "Takes",
            days(score.get("lead_days_mean")),
            "",
            f"9 of 10 within {days(score.get('lead_days_p90'))}; typed {days(score.get('typed_days_mean'))}",
            "",
        ),
        Tile(
            "Open orders",
            f"{orders.total:,}",
            money(orders.sums.get("order_value"), currency),
            f"{money(orders.sums.get('expected_shortage_value'), currency)} at risk by late arrival",
            f"/suppliers/all/orders?{of}",
        ),
        Tile(
            "To decide",
            f"{proposed.total:,}",
            money(proposed.sums.get("value_eff"), currency),
            "lines that the plan proposes",
            f"/recommendations?{of}&status=proposed",
        ),
    ]


def _facts(score: Row, currency: str) -> list[tuple[str, str]]:
    if not score:
        return []
    trend, error = score["trend_days"], score["trend_error_days"]
    changed = (
        f"{score['change_days']:+.0f} days since {cells.day(score['change_date'])}"
        if score["change_date"]
        else ""
    )
    pairs = [
        ("Spend", money(score["spend_value"], currency)),
        ("Orders", f"{score['n_orders']:,}, {count(score['n_points'], 'point')} replenished"),
        (
            "Last quarter",
            f"{trend:+.1f} ± {error:.1f} days" if trend is not None and error is not None else DASH,
        ),
        ("Changed", changed),
        ("In several parts", percent(score["split_share"], 0)),
        ("Expedited", percent(score["expedited_share"], 0)),
        ("Freight", money(score["freight_value"], currency)),
        ("Buffer by its spread", money(score["buffer_lead_time_value"], currency)),
        ("One day less spread frees", money(score["one_day_less_value"], currency)),
    ]
    return [(name, value) for name, value in pairs if value and value != DASH]


def _charts(view: SupplierView) -> list[dict[str, Any]]:
    charts: list[dict[str, Any]] = []
    if view.lateness:
        width = view.lateness[1].days - view.lateness[0].days if len(view.lateness) > 1 else 1
        starts = [each.days for each in view.lateness]
        names = [str(at) if width == 1 else f"{at} to {at + width - 1}" for at in starts]
        marks = [{"at": names[starts.index(0)], "name": "promised"}] if 0 in starts else []
        charts.append({
            "kind": "histogram", "title": "How late does it deliver?", "unit": "deliveries",
            "note": "by days after the promise; below 0 is early",
            "x_name": "Days late", "x": names, "marks": marks,
            "series": [{"name": "Deliveries", "values": [one.n for one in view.lateness], "role": "actual"}],
        })  # fmt: skip
    if len(view.months) > 1:
        charts.append({
            "kind": "lines", "title": "Does it take longer than it used to?",
            "unit": "days from order to receipt",
            "note": "8 of 10 deliveries of a month lie in the band", "x_name": "Received in",
            "x": [f"{each.start:%Y-%m}" for each in view.months],
            "series": [
                {"name": "Low", "values": [each.low for each in view.months], "role": "low"},
                {"name": "High", "values": [each.high for each in view.months], "role": "high"},
                {"name": "Middle", "values": [each.middle for each in view.months], "role": "expected"},
            ],
        })  # fmt: skip
    return charts


def of(view: View, name: str) -> View:
    """Return a list's view where it stands on a supplier's page: its heads lead to the list itself."""
    return replace(view, asked=(), tabs=None, sums=None, columns=columns_here(view))


def href(name: str) -> str:
    """Return the address of a supplier's page."""
    return f"/suppliers/{quote(name, safe='')}"
