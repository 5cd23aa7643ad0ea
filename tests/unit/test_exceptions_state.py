"""How points stand before today's orders: what comes, when help comes, and who draws on whom."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.exceptions import ExceptionParams
from plimsoll.exceptions.evidence import Evidence, state_of

DAY = date(2026, 10, 1)
POINT = {"item_id": ["A", "A"], "location_id": ["B1", "DC"]}
LANE = {"item_id": ["A", "A"], "from_location_id": ["DC", "S"], "to_location_id": ["B1", "DC"]}


def evidence(**changes):
    """A branch fed by a DC fed by a supplier; 10 and 30 asked for a day, a variance of twice the mean."""
    laws = [[1 / 3, 1 / 3, 1 / 3]] * 2  # of 0, 1 and 2 steps
    plan = {
        "planning_point": {
            **POINT, "planned": [True, True], "from_location_id": ["DC", "S"], "description": ["Nut", "Nut"],
            "unit_price_eff": [2.0, 2.0], "unit_cost_eff": [1.0, 1.0], "holding_rate_eff": [0.2, 0.2],
            "review_days_eff": [1.0, 7.0],
        },
        "policy": {
            **POINT, "order_up_to_qty": [50.0, 500.0], "reorder_point_qty": [49.0, 499.0],
            "policy": ["base_stock", "none"],
        },
        "outlook": {
            **POINT, "position_qty": [40.0, 300.0], "on_hand_qty": [45.0, 100.0], "backlog_qty": [5.0, 0.0],
            "on_order_qty": [0.0, 200.0], "money_at_risk": [1.0, 2.0], "stockout_probability": [0.1, 0.2],
            "counted_date": [DAY, DAY],
        },
        "demand_estimate": {
            **POINT, "pmf_protection": laws, "pmf_review": laws, "step_qty": [10.0, 210.0],
            "mean_per_day_est": [10.0, 30.0], "protection_days_mean": [4.0, 40.0],
            "mean_protection_qty": [40.0, 1200.0], "sd_protection_qty": [10.0, 300.0],
        },
        "lead_time_estimate": {**LANE, "mean_days_est": [3.0, 33.0], "sd_days_est": [0.0, 0.0]},
        "recommendation": {
            "item_id": ["A", "A"], "to_location_id": ["B1", "DC"], "quantity": [30.0, 90.0],
            "waiting_qty": [20.0, None], "readiness": ["automatic", "left_out"],
        },
        "arrival_risk": {
            "item_id": ["A", "A"], "to_location_id": ["DC", "DC"], "from_location_id": ["S", "T"],
            "quantity": [150.0, 50.0], "overdue_days": [0.0, 2.0], "due_date": [date(2026, 10, 9), None],
            "arrival_median_date": [None, date(2026, 10, 4)],
        },
    }  # fmt: skip
    tables = {name: pl.DataFrame(columns) for name, columns in plan.items()}
    lanes = pl.DataFrame(LANE | {"expedite_days": [None, changes.get("express")]})
    return Evidence(DAY, {"lanes": table("lanes").conform(lanes)}, tables)


def test_what_comes_is_open_orders_and_what_of_todays_lines_does_not_wait():
    """Without an estimate an order comes on its due date; what data are too bad to order does not come."""
    coming = state_of(evidence(), ExceptionParams()).coming.sort("row", "day").rows()
    assert coming == [
        (0, "DC", 3.0, 10.0, False),  # 20 of the 30 wait for stock at the DC
        (1, "T", 3.0, 50.0, True),
        (1, "S", 8.0, 150.0, False),
    ]


@pytest.mark.parametrize(("express", "days"), [(None, [3.0, 9.0]), (4.0, [3.0, 4.0]), (60.0, [3.0, 33.0])])
def test_help_comes_by_express_or_in_the_days_of_the_options_and_no_later_than_an_order(express, days):
    found = state_of(evidence(express=express), ExceptionParams(help_days=9.0))
    assert found.points["help_days"].to_list() == days


def test_stock_is_less_what_is_owed_and_the_law_is_that_of_the_plan():
    points = state_of(evidence(), ExceptionParams()).points
    assert points["on_hand"].to_list() == [40.0, 100.0]
    assert points["waiting"].to_list() == [20.0, 0.0]
    assert points["held"].to_list() == [True, False]
    # Of the branch: a 10 + c 10^2 = 200 / 3 over a day, a 40 + c 40^2 = 100 over four: c would be below 0.
    assert points["doubt"][0] == 0.0
    assert points["ratio"][0] == pytest.approx(20 / 3)
    assert np.all(points["ratio"].to_numpy() >= 0)
