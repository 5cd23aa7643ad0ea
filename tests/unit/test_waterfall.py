"""Waterfalls by hand: each step is the figure that a person with a pencil finds."""

import polars as pl
import pytest

from plimsoll.domain.waterfall import LEVEL_STEPS, ORDER_STEPS
from plimsoll.measure import level_waterfall, order_waterfall, steps_of

KEY = {"item_id": "A", "location_id": "DC"}
POLICY = {
    **KEY,
    "policy": "s_S",
    "reorder_point_qty": 60.0,
    "order_up_to_qty": 100.0,
    "reorder_point_opt_qty": 45.0,
    "order_up_to_opt_qty": 75.0,
    "expected_protection_qty": 34.0,
    "buffer_demand_qty": 6.0,
    "buffer_lead_time_qty": 3.0,
    "buffer_lot_review_qty": 1.0,
    "buffer_network_qty": 1.0,
    "buffer_override_qty": 15.0,
    "lot_qty": 40.0,
    "min_order_qty": 0.0,
    "order_multiple": 0.0,
    "position_limit_qty": None,
    "last_buy_qty": None,
}
DEMAND = {
    **KEY,
    "mean_lead_qty": 25.0,
    "known_lead_qty": 4.0,
    "known_protection_qty": 5.0,
    "set_lead_qty": 1.0,
    "set_protection_qty": 2.0,
}
LIMITS = {"position_limit_qty": pl.Float64(), "last_buy_qty": pl.Float64()}


def level(**policy):
    rows = pl.DataFrame([POLICY | policy], schema_overrides=LIMITS)
    (found,) = level_waterfall(rows, pl.DataFrame([DEMAND])).to_dicts()
    return {code: found[code] for code in LEVEL_STEPS if found[code]}, found["total_qty"]


def order(position, quantity=None, called=0.0, moved=0.0, up_to=None, **policy):
    """A point with so much on the shelf, 10 on order and 4 owed, the calls of today included."""
    shelf, coming, owed = position - 6.0 + called - moved, 10.0 + moved, 4.0 + called
    rows = pl.DataFrame([POLICY | policy], schema_overrides=LIMITS)
    outlook = pl.DataFrame([KEY | {"on_hand_qty": shelf, "on_order_qty": 10.0, "backlog_qty": 4.0}])
    line = {
        "item_id": "A", "to_location_id": "DC", "quantity": quantity, "called_qty": called,
        "moved_in_qty": moved, "order_up_to_qty": up_to or (POLICY | policy)["order_up_to_qty"],
        "on_hand_qty": shelf, "on_order_qty": coming, "backlog_qty": owed,
    }  # fmt: skip
    lines = pl.DataFrame([line]) if quantity else pl.DataFrame([line | {"quantity": 1.0}]).clear()
    (found,) = order_waterfall(rows, outlook, lines).to_dicts()
    steps = {code: found[code] for code in ORDER_STEPS if found[code]}
    assert sum(steps.values()) == pytest.approx(found["total_qty"])
    return steps


def test_a_level_by_hand():
    steps, total = level()
    assert steps == {
        "lead_demand": 20.0,  # 25 less 4 known and 1 of a forecast
        "review_demand": 7.0,  # 34 - 25, less 1 known and 1 of a forecast
        "set_forecast": 2.0,
        "known_demand": 5.0,
        "demand_variability": 6.0,
        "lead_time_variability": 3.0,
        "lot_review": 1.0,
        "network": 1.0,
        "lot": 30.0,  # 75 - 45
        "override": 25.0,  # 100 - 75
    }
    assert sum(steps.values()) == total == 100.0


def test_an_end_caps_and_nothing_held_covers_nothing():
    steps, total = level(position_limit_qty=80.0)
    assert (steps["cap"], total) == (-20.0, 80.0)
    assert "cap" not in level(position_limit_qty=120.0)[0]
    nothing = {name: 0.0 for name in POLICY if name.endswith("_qty") and name != "expected_protection_qty"}
    steps, total = level(**nothing | {"policy": "none", "position_limit_qty": None, "last_buy_qty": None})
    assert steps["not_held"] == -34.0
    assert total == sum(steps.values()) == 0.0


def test_a_plan_of_an_older_version_adds_up_without_the_new_parts():
    old = {name: value for name, value in POLICY.items() if "_opt_" not in name and "override" not in name}
    old["buffer_demand_qty"] = 21.0  # so that the parts are those of level less expected demand
    rows = pl.DataFrame([old | {"buffer_network_qty": 1.0}])
    demand = pl.DataFrame([{**KEY, "mean_lead_qty": 25.0}])
    (found,) = level_waterfall(rows, demand).to_dicts()
    assert (found["lead_demand"], found["review_demand"], found["lot"]) == (25.0, 9.0, 40.0)
    assert sum(found[code] for code in LEVEL_STEPS) == found["total_qty"] == 100.0


def test_an_order_up_to_the_level():
    steps = order(position=50.0, quantity=50.0)
    assert steps == {"level": 100.0, "on_hand": -44.0, "on_order": -10.0, "owed": 4.0}


def test_what_minimum_and_multiple_add():
    assert order(50.0, 64.0, min_order_qty=60.0, order_multiple=16.0)["minimum"] == 10.0
    assert order(50.0, 64.0, min_order_qty=60.0, order_multiple=16.0)["multiple"] == 4.0
    assert order(50.5, 50.0)["multiple"] == 0.5  # whole units


def test_whole_lots_may_end_below_the_level():
    steps = order(55.0, 40.0, policy="s_nQ", order_multiple=40.0)
    assert steps["lot"] == -5.0
    assert order(15.0, 80.0, policy="s_nQ", order_multiple=40.0).get("lot", 0.0) == -5.0


def test_calls_moves_and_projection_are_steps_of_their_own():
    steps = order(30.0, 70.0, called=20.0, moved=8.0)
    assert (steps["called"], steps["moved_in"], steps["on_order"], steps["owed"]) == (20.0, -8.0, -10.0, 4.0)
    assert order(50.0, 42.0, up_to=92.0)["projection"] == -8.0


def test_limits_last_buys_and_no_order():
    assert order(50.0, 30.0, position_limit_qty=80.0)["cap"] == -20.0
    assert order(50.0, 120.0, last_buy_qty=120.0)["cap"] == 70.0
    steps = order(70.0)
    assert steps["not_due"] == -30.0
    assert sum(steps.values()) == 0.0


def test_steps_have_words_and_money_and_leave_out_nothing_but_noughts():
    rows = pl.DataFrame([POLICY], schema_overrides=LIMITS)
    found = steps_of(level_waterfall(rows, pl.DataFrame([DEMAND])).row(0, named=True), 2.5)
    assert [step.code for step in found] == [code for code in LEVEL_STEPS if code not in ("not_held", "cap")]
    assert sum(step.value for step in found) == 250.0
    assert all(step.label and step.meaning for step in found)
