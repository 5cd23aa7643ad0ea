"""Sent lines found again in later imports, and counted in plans until they are."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from plimsoll.domain.decisions import LineRef
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import owner
from plimsoll.domain.tables import table
from plimsoll.store import Workspace
from plimsoll.store.decisions import states
from plimsoll.workflows import decide, outbox
from plimsoll.workflows.pending import pending_orders, told, with_pending

AT, ME = datetime(2026, 11, 21, 9, tzinfo=UTC), owner("me")
DAY, TODAY = timedelta(days=1), date(2026, 11, 21)
OLD = {"order_id": "PO-1", "line": "1", "item_id": "P-9", "to_location_id": "DC1", "from_location_id": "ACME"}
OLD |= {"kind": "purchase", "ordered_date": TODAY - 9 * DAY, "due_date": TODAY + 30 * DAY, "quantity": 10.0}


def frame(name, rows):
    return table(name).conform(
        pl.DataFrame(rows, schema=table(name).schema, orient="row", infer_schema_length=None)
    )


def rows_of(name, *given):
    return frame(name, [{column: row.get(column) for column in table(name).names} for row in given])


def imported(folder, source, open_orders=(), receipts=()):
    tables = {"open_orders": rows_of("open_orders", *open_orders), "receipts": rows_of("receipts", *receipts)}
    with Workspace.create(folder) as workspace:
        workspace.publish_import(tables, Manifest("import", "0", TODAY, 0, {}, {"source": source}, {}), at=AT)


def order(number, **given):
    return OLD | {"order_id": f"PO-{number}", "item_id": f"P-{number}", "ordered_date": TODAY} | given


@pytest.fixture
def shop(tmp_path, published, line):
    """A plan that knew PO-1, and PO-9 of today; lines 1-4 new, 5 hastens PO-1, 6 cancels it."""
    folder, acted = tmp_path / "shop", {"order_id": "PO-1", "order_line": "1", "item_id": "P-9"}
    imported(folder, "one", [OLD, order(9, item_id="P-1")])
    move = {"kind": "transshipment", "from_location_id": "DC2"}
    published(
        folder,
        [
            line(1),
            line(2),
            line(3, **move),
            line(4),
            line(5, kind="expedite", **acted),
            line(6, kind="cancel", **acted),
        ],
    )
    return folder


def send(folder, *numbers):
    decide.accept(folder, [LineRef(f"plan-000001-{number}") for number in numbers], ME, at=AT)
    outbox.export(folder, ME, formats=("csv",), at=AT)


def seen(folder):
    outbox.mark_received(folder, at=AT + DAY)
    with Workspace.open(folder) as workspace:
        found = states(workspace).filter(pl.col("status") == "received")
    return dict(found.select("line_no", "seen_as").sort("line_no").iter_rows())


def counted(folder, as_of=TODAY):
    with Workspace.open(folder) as workspace:
        return pending_orders(workspace, as_of=as_of, at=AT)


def test_nothing_sent_nothing_seen(shop):
    assert outbox.mark_received(shop, at=AT) == 0
    assert counted(shop)[0].is_empty()
    assert told(counted(shop)[0]) == {}


def test_the_import_that_the_plan_knew_shows_nothing(shop):
    send(shop, 1)
    assert seen(shop) == {}, "PO-9 is of the same item, places, quantity and day, but the plan knew it"


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([order(70, item_id="X", order_id="PLM-000001-0001")], {1: "PLM-000001-0001/1"}),
        ([order(70, item_id="X", order_id="PLM-000001", line="2")], {2: "PLM-000001/2"}),
        ([order(70, item_id="X", order_id="PLM-000001", line="0002")], {2: "PLM-000001/0002"}),
        ([order(70, item_id="P-1")], {1: "PO-70/1"}),
        ([order(70, item_id="P-1", quantity=12.0)], {1: "PO-70/1"}),
        ([order(70, item_id="P-1", quantity=13.0)], {}),
        ([order(70, item_id="P-1", ordered_date=TODAY - DAY)], {}),
        ([order(70, item_id="P-1", from_location_id="OTHER")], {}),
        ([order(70, item_id="P-1", quantity=11.0), order(71, item_id="P-1")], {1: "PO-71/1"}),
    ],
)
def test_how_a_line_is_known_again(shop, orders, expected):
    send(shop, 1, 2)
    imported(shop, "two", [OLD, order(9, item_id="P-1"), *orders])
    assert seen(shop) == expected
    assert outbox.mark_received(shop, at=AT) == 0, "once"


def test_received_at_once_counts_and_parts_add_up(shop):
    send(shop, 1, 2)
    part = {**order(70, item_id="P-1"), "received_date": TODAY + DAY, "quantity": 6.0}
    rest = order(70, item_id="P-1", quantity=4.0)
    whole = {**order(71, item_id="P-2"), "received_date": TODAY + DAY}
    imported(shop, "two", [OLD, rest], [part, whole])
    assert seen(shop) == {1: "PO-70/1", 2: "PO-71/1"}


def test_two_lines_alike_need_two_orders(tmp_path, published, line):
    folder = tmp_path / "shop"
    imported(folder, "one")
    published(folder, [line(1), line(2, item_id="P-1")])
    send(folder, 1, 2)
    imported(folder, "two", [order(70, item_id="P-1")])
    assert seen(folder) == {1: "PO-70/1"}
    imported(folder, "three", [order(70, item_id="P-1"), order(71, item_id="P-1")])
    assert seen(folder) == {1: "PO-70/1", 2: "PO-71/1"}


def test_changes_are_seen_by_their_effect(shop):
    send(shop, 5)
    imported(shop, "two", [OLD | {"due_date": TODAY + 29 * DAY}])
    assert seen(shop) == {}
    imported(shop, "three", [OLD | {"due_date": date(2026, 12, 5)}])
    assert seen(shop) == {5: "PO-1/1"}


def test_a_cancelled_order_is_gone(shop):
    send(shop, 6)
    imported(shop, "two", [OLD | {"due_date": date(2026, 12, 5)}])
    assert seen(shop) == {}
    imported(shop, "three", [order(70)])
    assert seen(shop) == {6: "PO-1/1"}


def test_what_is_accepted_counts_as_on_order(shop):
    decide.change(
        shop, LineRef("plan-000001-1"), ME, quantity=40, date=date(2026, 12, 9), reason="space", at=AT
    )
    send(shop, 3, 5)
    decide.accept(shop, [LineRef("plan-000001-2")], ME, at=AT)
    decide.refuse(shop, [LineRef("plan-000001-4")], ME, reason="cash", at=AT)
    pending, findings = counted(shop)
    assert findings == []
    assert pending.select("line_id", "reference", "kind", "quantity", "due_date").rows() == [
        ("plan-000001-1", "PLM-000001-0001", "purchase", 40.0, date(2026, 12, 9)),
        ("plan-000001-2", None, "purchase", 10.0, date(2026, 12, 5)),
        ("plan-000001-3", "PLM-000001-0002", "transfer", 10.0, date(2026, 12, 5)),
        ("plan-000001-5", "PLM-000001-0003", "expedite", 10.0, date(2026, 12, 5)),
    ]
    stock = rows_of(
        "stock",
        {"date": TODAY - DAY, "item_id": "P-3", "location_id": "DC2", "on_hand": 99.0, "allocated": 1.0},
        {"date": TODAY, "item_id": "P-3", "location_id": "DC2", "on_hand": 99.0},
        {"date": TODAY + DAY, "item_id": "P-3", "location_id": "DC2", "on_hand": 99.0},
        {"date": TODAY, "item_id": "P-3", "location_id": "DC1", "on_hand": 5.0, "allocated": 2.0},
    )
    facts = {"open_orders": rows_of("open_orders", OLD), "stock": stock}
    after = with_pending(facts, pending, as_of=TODAY)
    assert sorted(after["open_orders"].select("order_id", "quantity", "due_date", "ordered_date").rows()) == [
        ("PLM-000001-0001", 40.0, date(2026, 12, 9), TODAY),
        ("PLM-000001-0002", 10.0, date(2026, 12, 5), TODAY),
        ("PO-1", 10.0, date(2026, 12, 5), TODAY - 9 * DAY),
        ("plan-000001-2", 10.0, date(2026, 12, 5), TODAY),
    ]
    assert after["stock"].select("date", "location_id", "allocated").rows() == [
        (TODAY - DAY, "DC2", 1.0),
        (TODAY, "DC1", 2.0),
        (TODAY, "DC2", 10.0),
        (TODAY + DAY, "DC2", None),
    ], "where it leaves, in the last count known"
    assert facts["open_orders"].height == 1, "the facts given stay as they are"
    assert after["open_orders"].schema == facts["open_orders"].schema


def test_a_cancelled_order_does_not_count(shop):
    send(shop, 6)
    facts = {"open_orders": rows_of("open_orders", OLD, order(2)), "stock": table("stock").empty()}
    after = with_pending(facts, counted(shop)[0], as_of=TODAY)
    assert after["open_orders"]["order_id"].to_list() == ["PO-2"]


def test_what_no_import_shows_is_told_after_a_fortnight(shop):
    send(shop, 1)
    decide.accept(shop, [LineRef("plan-000001-2")], ME, at=AT)
    pending, findings = counted(shop, TODAY + 14 * DAY)
    assert (pending.height, findings) == (2, [])
    pending, (finding,) = counted(shop, TODAY + 15 * DAY)
    assert pending["line_id"].to_list() == ["plan-000001-2"], "what waits to be sent waits without end"
    assert "PLM-000001-0001" in finding.what
    assert (finding.n_rows, finding.money_at_risk) == (1, 50.0)
    assert counted(shop, TODAY - DAY)[0].is_empty(), "not known on a day before the plan"


def test_the_manifest_tells_what_was_counted(shop):
    send(shop, 1)
    first = told(counted(shop)[0])
    assert first["pending_orders"]["lines"] == 1
    send(shop, 2)
    assert told(counted(shop)[0]) != first
