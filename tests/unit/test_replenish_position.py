"""Positions from snapshots and open orders: what is known on the day, and what is odd."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.replenish.position import findings_of, with_position

AS_OF = date(2026, 11, 21)
POINT = pl.DataFrame({"item_id": ["A"], "location_id": ["DC1"], "planned": [True], "unit_cost_eff": [10.0]})


def stock(*rows):
    columns = ("date", "on_hand", "allocated", "backlog")
    records = [{"item_id": "A", "location_id": "DC1", **dict(zip(columns, row, strict=True))} for row in rows]
    return table("stock").conform(pl.DataFrame(records, schema=table("stock").schema, orient="row"))


def orders(*rows):
    columns = ("quantity", "ordered_date", "due_date")
    records = [
        {
            "order_id": f"PO{n}",
            "item_id": "A",
            "to_location_id": "DC1",
            **dict(zip(columns, row, strict=True)),
        }
        for n, row in enumerate(rows)
    ]
    return table("open_orders").conform(
        pl.DataFrame(records, schema=table("open_orders").schema, orient="row")
    )


def position(stock_rows, order_rows=()):
    return with_position(POINT, stock(*stock_rows), orders(*order_rows), as_of=AS_OF)


def test_position_is_on_hand_plus_on_order_less_owed():
    row = position([(AS_OF, 100.0, 5.0, 20.0)], [(30.0, date(2026, 11, 1), None)]).row(0, named=True)
    assert (row["on_hand_qty"], row["on_order_qty"], row["backlog_qty"]) == (100.0, 30.0, 25.0)
    assert row["position_qty"] == 105.0


def test_latest_count_up_to_the_day_is_used():
    row = position(
        [
            (date(2026, 11, 1), 1.0, None, None),
            (AS_OF, 2.0, None, None),
            (date(2026, 11, 22), 3.0, None, None),
        ]
    ).row(0, named=True)
    assert (row["on_hand_qty"], row["counted_date"], row["backlog_qty"]) == (2.0, AS_OF, 0.0)


def test_orders_placed_later_are_not_known_yet():
    placed = [(1.0, AS_OF, None), (2.0, None, None), (4.0, date(2026, 11, 22), None)]
    assert position([], placed)["on_order_qty"].item() == 3.0


def test_late_orders_are_those_due_before_the_day():
    due = [(1.0, None, date(2026, 11, 20)), (2.0, None, date(2026, 11, 10)), (4.0, None, AS_OF)]
    row = position([], due).row(0, named=True)
    assert (row["late_qty"], row["late_since"], row["on_order_qty"]) == (3.0, date(2026, 11, 10), 7.0)


def test_no_record_and_negative_stock_count_as_none_and_are_found():
    missing, negative = position([]), position([(AS_OF, -5.0, None, None)])
    assert missing["position_qty"].item() == negative["position_qty"].item() == 0.0
    assert missing["recorded_qty"].item() is None
    assert negative["recorded_qty"].item() == -5.0
    assert [finding.code for finding in findings_of(missing)] == ["stock_record_missing"]
    (found,) = findings_of(negative)
    assert (found.code, found.n_rows, found.keys, found.money_at_risk) == (
        "stock_negative",
        1,
        "A @ DC1",
        50.0,
    )


@pytest.mark.parametrize("planned", [True, False])
def test_findings_are_about_planned_points_only(planned):
    state = position([]).with_columns(planned=pl.lit(planned))
    assert len(findings_of(state)) == planned
