"""When open orders arrive, on orders simple enough to work out by hand."""

from datetime import date, timedelta

import polars as pl
import pytest

from plimsoll import supply
from plimsoll.domain.tables import table

AS_OF = date(2026, 11, 21)
PARAMS = supply.SupplyParams()
PLACES = {"item_id": "A", "to_location_id": "DC1", "from_location_id": "Acme"}
# 10, 20, 30, 40 days with equal chances: a quarter each from 5 to 15, 15 to 25, 25 to 35, and beyond.
LAW = {"atom_days": [10.0, 20.0, 30.0, 40.0], "atom_probability": [0.25] * 4, "mean_days_est": 25.0}
HELD = {
    "item_id": "A",
    "location_id": "DC1",
    "from_location_id": "Acme",
    "unit_cost_eff": 2.0,
    "unit_price_eff": 5.0,
    "available_qty": None,
    "mean_per_day_est": None,
}


def day(days):
    return AS_OF + timedelta(days=days)


def frame(name, rows):
    values = [{column: row.get(column) for column in table(name).names} for row in rows]
    return table(name).conform(pl.DataFrame(values, schema=table(name).schema, orient="row"))


def order(n=1, ago=10, due=20, **given):
    found = {"order_id": f"P{n}", "line": "1", **PLACES, "quantity": 100.0}
    found["ordered_date"] = None if ago is None else day(-ago)
    found["due_date"] = None if due is None else day(due)
    return found | given


ESTIMATE = dict.fromkeys(PLACES, pl.String) | {
    "atom_days": pl.List(pl.Float64),
    "atom_probability": pl.List(pl.Float64),
    "mean_days_est": pl.Float64,
    "method_used": pl.String,
}


def risk(*orders, law=LAW, lane=None, receipts=(), params=PARAMS, **held):
    rows = [{**PLACES, **law, "method_used": "item"}] if law else []
    estimate = pl.DataFrame(rows, schema=ESTIMATE)
    stocked = pl.DataFrame(
        [HELD | held], schema_overrides={"available_qty": pl.Float64, "mean_per_day_est": pl.Float64}
    )
    return supply.arrival_risk(
        frame("open_orders", orders),
        frame("receipts", receipts),
        frame("lanes", [PLACES | (lane or {})]),
        estimate,
        stocked,
        params,
        as_of=AS_OF,
    )


def first(*orders, **given):
    return risk(*orders, **given).row(0, named=True)


def test_a_new_order_follows_its_lane():
    found = first(order(ago=0, due=25))
    assert found["arrives_by_due_probability"] == pytest.approx(0.5 + 0.25 * 0.5 / 10)  # 25.5 of 25 to 35
    assert found["arrival_median_date"] == day(25)
    assert found["longer_share"] == 1
    assert (found["elapsed_days"], found["order_value"], found["lead_time_basis"]) == (0, 200, "item")


def test_days_elapsed_count():
    """After 15.5 of days 15 to 25, 0.7375 are left of which 0.5 - 0.25/20 are over by 25.5."""
    found = first(order(ago=15, due=10))
    alive = 0.75 - 0.25 / 20
    assert found["longer_share"] == pytest.approx(alive)
    assert found["arrives_by_due_probability"] == pytest.approx(1 - (0.5 - 0.25 / 20) / alive)


def test_an_order_later_than_all_seen_still_comes_and_not_for_sure_tomorrow():
    late = first(order(ago=60, due=-10))
    assert late["arrives_by_due_probability"] == 0
    assert late["overdue_days"] == 10
    soon = first(order(ago=60, due=1))["arrives_by_due_probability"]
    assert 0.05 < soon < 0.5  # the tail's mean is 5 days: about 1 - exp(-1/5)
    assert day(1) < late["arrival_median_date"] < late["arrival_80_date"] < late["arrival_95_date"] < day(60)


@pytest.mark.parametrize("ago", [0, 15, 41, 80, 400, 5000])
def test_every_probability_is_one_and_dates_are_in_order(ago):
    found = first(order(ago=ago, due=8), mean_per_day_est=1.0, available_qty=5.0)
    for name in ("arrives_by_due_probability", "arrives_by_needed_probability", "longer_share"):
        assert 0 <= found[name] <= 1
    dates = [found[f"arrival_{name}_date"] for name in ("median", "80", "95")]
    assert AS_OF < dates[0] <= dates[1] <= dates[2]
    assert found["arrives_by_due_probability"] > 0


def test_a_constant_lead_time_leaves_a_day_or_two():
    constant = {"atom_days": [14.0], "atom_probability": [1.0], "mean_days_est": 14.0}
    found = first(order(ago=0, due=15), law=constant)
    assert found["arrival_median_date"] == day(14)
    assert found["arrives_by_due_probability"] > 0.9
    overdue = first(order(ago=20, due=1), law=constant)["arrives_by_due_probability"]
    assert 0.5 < overdue < 1


def test_needed_when_stock_and_the_orders_before_it_run_out():
    found = risk(order(1, ago=30), order(2, ago=5), mean_per_day_est=10.0, available_qty=50.0)
    assert found["needed_date"].to_list() == [day(5), day(15)]
    alone = first(order(2, ago=5, due=15))["arrives_by_due_probability"]
    assert found["arrives_by_needed_probability"][1] == pytest.approx(alone)


def test_shortage_is_what_is_asked_for_until_it_comes():
    """Constant lead time, 10 days to go, stock for 4: 6 days of 3 units; never more than it brings."""
    constant = {"atom_days": [20.0], "atom_probability": [1.0], "mean_days_est": 20.0}
    found = first(order(ago=10), law=constant, mean_per_day_est=3.0, available_qty=12.0)
    assert found["expected_shortage_qty"] == pytest.approx(18, rel=1e-6)
    assert found["expected_shortage_value"] == pytest.approx(90, rel=1e-6)
    small = first(order(ago=10, quantity=5.0), law=constant, mean_per_day_est=3.0, available_qty=12.0)
    assert small["expected_shortage_qty"] == pytest.approx(5, rel=0.01)


def test_stock_that_is_out_already_makes_every_day_count():
    constant = {"atom_days": [20.0], "atom_probability": [1.0], "mean_days_est": 20.0}
    found = first(order(ago=10), law=constant, mean_per_day_est=2.0, available_qty=-7.0)
    assert (found["needed_date"], found["arrives_by_needed_probability"]) == (AS_OF, 0)
    assert found["expected_shortage_qty"] == pytest.approx(20, rel=1e-6)


LASTING = {"mean_per_day_est": 1.0, "available_qty": 200.0}
SHORT = {"mean_per_day_est": 1.0, "available_qty": 10.0}


@pytest.mark.parametrize(
    ("ago", "due", "held", "action", "reason"),
    [
        (5, 40, LASTING, "leave", "in_time"),
        (40, -1, LASTING, "leave", "late_and_stock_lasts"),
        (5, 20, SHORT, "chase", "needed_before_it_comes"),
        (5, 20, SHORT | {"mean_per_day_est": 0.0}, "leave", "no_demand_expected"),
        (40, -1, {}, "chase", "overdue"),
        (5, 9, {}, "leave", "due_date_in_doubt"),
        (5, 90, {}, "leave", "in_time"),
        (200, -90, SHORT, "confirm", "longer_than_nearly_all"),
    ],
)
def test_what_to_do(ago, due, held, action, reason):
    found = first(order(ago=ago, due=due), **held)
    assert (found["action"], found["action_reason"]) == (action, reason)


def test_expedite_where_speed_saves_more_than_it_costs():
    held = {"mean_per_day_est": 4.0, "available_qty": 20.0}  # out in 5 days; 5 money a unit short
    cheap = first(order(ago=2), lane={"expedite_days": 5.0, "expedite_cost": 100.0}, **held)
    assert (cheap["action"], cheap["action_reason"]) == ("expedite", "speed_pays")
    dear = first(order(ago=2), lane={"expedite_days": 5.0, "expedite_cost": 9999.0}, **held)
    slow = first(order(ago=2), lane={"expedite_days": 90.0}, **held)
    assert dear["action"] == slow["action"] == "chase"


def test_the_rest_of_a_line_that_came_in_part():
    came = {**PLACES, "order_id": "P1", "line": "1", "received_date": day(-150), "quantity": 7.0}
    found = first(order(ago=200, due=-90), receipts=[came])
    assert (found["received_qty"], found["action"], found["action_reason"]) == (
        7,
        "confirm",
        "rest_outstanding",
    )


def test_an_order_without_a_day_is_dated_by_its_due_date():
    found = first(order(ago=None, due=5))
    assert (found["ordered_date"], found["elapsed_days"]) == (None, 20)  # due in 5 days after a mean of 25
    assert first(order(ago=None, due=None))["elapsed_days"] == 0
    assert first(order(ago=None, due=60))["elapsed_days"] == 0


def test_a_lane_without_an_estimate_leaves_chances_open():
    found = first(order(ago=10, due=-1), law=None)
    assert found["lead_time_basis"] is None
    assert found["arrives_by_due_probability"] is found["arrival_median_date"] is found["needed_date"] is None
    assert (found["elapsed_days"], found["overdue_days"], found["action"]) == (10, 1, "chase")


def test_an_order_that_names_no_source_comes_by_the_lane_in_force():
    assert first(order(from_location_id=None))["from_location_id"] == "Acme"
    assert first(order(from_location_id=None, item_id="Z"))["from_location_id"] is None


def test_no_orders_no_rows():
    assert risk().is_empty()
    assert risk(order(ago=-3)).is_empty()  # placed later: not known yet


def test_order_of_rows_and_the_future_change_nothing():
    orders = [order(n, ago=n, due=30 - n) for n in range(30)]
    receipts = [
        {**PLACES, "order_id": f"R{n}", "line": "1", "ordered_date": day(-200), "quantity": 1.0,
         "received_date": day(n - 160)}
        for n in range(300)
    ]  # fmt: skip
    known = [row for row in receipts if row["received_date"] <= AS_OF]
    held = {"mean_per_day_est": 3.0, "available_qty": 12.0}
    one = risk(*orders, receipts=receipts, **held)
    other = risk(*reversed([*orders, order(99, ago=-1)]), receipts=known[::-1], **held)
    assert one.equals(other)


def test_what_points_hold_comes_from_the_outlook(company):
    tables = company({"n_open_orders": 0, "weight_mode": 0.0, "season_factor": 1.0, "rate": 3.0})
    counted = pl.DataFrame(
        {
            "item_id": ["A"],
            "location_id": ["DC1"],
            "counted_date": [AS_OF],
            "on_hand_qty": [9.0],
            "backlog_qty": [2.0],
        }
    )
    known = supply.stocked_points(tables["points"], counted, tables["demand_estimate"])
    assert known.select("available_qty", "mean_per_day_est").row(0) == (7.0, 3.0)
    never = counted.with_columns(counted_date=pl.lit(None, dtype=pl.Date))
    assert (
        supply.stocked_points(tables["points"], never, tables["demand_estimate"])["available_qty"][0] is None
    )
    assert supply.stocked_points(tables["points"])["mean_per_day_est"][0] is None
