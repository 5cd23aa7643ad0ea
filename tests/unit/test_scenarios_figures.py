"""Figures of a plan and actions that differ, on a company of three points, by hand."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.scenarios import differing_actions, figures
from plimsoll.scenarios.figures import cash_needed

DAY = date(2026, 11, 8)
KEYS = {"item_id": ["A", "B", "C"], "location_id": ["M"] * 3}


def tables(**given):
    """Return the tables of a plan: A and B bought at 10 and 2 a unit, C moved; 4, 0 and 1 asked for a day."""
    lines = [{"kind": "purchase", "item_id": "A", "quantity": 5.0, "value": 50.0}]
    known = {
        "planning_point": KEYS
        | {"unit_cost_eff": [10.0, 2.0, 7.0], "supply_kind": ["purchase", "purchase", "transfer"],
           "planned": True},
        "demand_estimate": KEYS | {"mean_per_day_est": [4.0, 0.0, 1.0]},
        "policy": KEYS
        | {"policy": ["s_S"] * 3, "reorder_point_qty": [20.0, 3.0, 9.0], "buffer_qty": [6.0, 1.0, 2.0],
           "on_hand_mean_value": [80.0, 4.0, 21.0], "fill_rate_est": [0.9, 0.5, 0.8],
           "cycle_service_est": [0.8, 0.4, 0.6]},
        "outlook": KEYS | {"position_qty": [30.0, 8.0, 0.0], "money_at_risk": [1.0, 2.0, 3.0]},
        "inventory_health": KEYS | {"on_hand_value": [100.0, 10.0, 0.0], "cash_to_release": [0.0, 4.0, 0.0],
                                    "status": ["healthy", "excess", "short"]},
        "recommendation": {"item_id": ["A"], "to_location_id": ["M"], "quantity": [5.0]},
        "line": lines,
    }  # fmt: skip
    return {name: pl.DataFrame(data) for name, data in (known | given).items()}


def test_cash_by_hand():
    # A: 5 today; 4 a day for 14 days are 56, of which 30 + 5 - 20 = 15 need no order: 41 more. C is not paid.
    cash = cash_needed(tables(), 2)
    assert cash.rows() == [("A", "M", 460.0), ("B", "M", 0.0)]
    # In one day nothing has to be ordered after today's order.
    assert cash_needed(tables(), 0)["cash"].to_list() == [50.0, 0.0]


def test_figures_by_hand():
    found = dict(figures(tables(), "base", 2).select("figure", "value").iter_rows())
    assert found == {
        "stock_expected_value": 105.0,
        "buffer_value": 6 * 10 + 1 * 2 + 2 * 7,
        "on_hand_value": 110.0,
        "promised_fill": pytest.approx((40 * 0.9 + 7 * 0.8) / 47),
        "promised_cycle": pytest.approx((40 * 0.8 + 7 * 0.6) / 47),
        "cash_stranded": 4.0,
        "money_at_risk": 6.0,
        "n_short": 1.0,
        "n_lines": 1.0,
        "orders_value": 50.0,
        "purchases_value": 50.0,
        "cash_needed": 460.0,
    }


def test_without_demand_no_service_is_promised():
    quiet = KEYS | {"mean_per_day_est": [0.0, 0.0, 0.0]}
    found = dict(figures(tables(demand_estimate=quiet), "base", 2).select("figure", "value").iter_rows())
    assert found["promised_fill"] is None


def line(number, item, quantity, kind="purchase", order=None, due=DAY):
    return {
        "line_no": number, "kind": kind, "item_id": item, "to_location_id": "M", "from_location_id": "ACME",
        "order_id": order, "description": item, "quantity": quantity, "unit_cost": 2.0,
        "value": 2.0 * quantity, "order_date": DAY, "due_date": due, "pulled_forward": False,
        "confidence": "A", "confidence_why": "x", "reason_codes": "", "drivers": "[]", "sentence": ".",
        **dict.fromkeys(("money_at_risk", "cost", "gain", "net"), 0.0),
    }  # fmt: skip


def lines(*given):
    return table("line").conform(pl.DataFrame(given, infer_schema_length=None))


def test_actions_that_differ_by_hand():
    before = lines(line(1, "A", 5.0), line(2, "B", 3.0), line(3, "C", 1.0), line(4, "D", 2.0, "cancel", "O1"))
    after = lines(
        line(1, "D", 2.0, "cancel", "O2"),
        line(2, "C", 1.0, due=date(2026, 11, 9)),
        line(3, "A", 9.0),
        line(4, "B", 3.0),
    )
    found = differing_actions(before, after, "case")
    rows = found.select("change", "item_id", "order_id", "quantity_before", "quantity", "value_change").rows()
    assert rows == [
        ("changed", "A", None, 5.0, 9.0, 8.0),
        ("removed", "D", "O1", 2.0, None, -4.0),
        ("added", "D", "O2", None, 2.0, 4.0),
        ("moved", "C", None, 1.0, 1.0, 0.0),
    ]
    assert found["rank"].to_list() == [1, 2, 3, 4]


def test_two_lines_of_one_action_are_told_apart():
    both = lines(line(1, "A", 5.0), line(2, "A", 2.0))
    assert differing_actions(both, both, "case").is_empty()
    assert differing_actions(lines(line(1, "A", 5.0)), both, "case")["value_change"].to_list() == [4.0]
