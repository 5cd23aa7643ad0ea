"""Changes since the plan before: the parts add up to the change, and each cause has its own part."""

import polars as pl
import pytest

from plimsoll.exceptions.changes import PARTS, plan_changes
from plimsoll.policy import PolicyParams

POINT = {"item_id": "A", "location_id": "DC1"}
PLAIN = {
    "policy": "s_S",
    "target_kind_eff": "cycle",
    "target_service_eff": 0.95,
    "review_days": 7.0,
    "lot_qty": 30.0,
    "expected_protection_qty": 60.0,
    "buffer_demand_qty": 12.0,
    "buffer_lead_time_qty": 6.0,
    "buffer_lot_review_qty": -2.0,
    "buffer_network_qty": 1.0,
    "buffer_override_qty": 0.0,
    "rate": 2.0,
}


def tables(*points, orders=(), overrides=None):
    rows = []
    for each in points:
        row = POINT | PLAIN | each
        parts = ("demand", "lead_time", "lot_review", "network", "override")
        row["buffer_qty"] = sum(row[f"buffer_{part}_qty"] for part in parts)
        level = row["expected_protection_qty"] + row["buffer_qty"] + row["lot_qty"]
        row["order_up_to_qty"] = 0.0 if row["policy"] == "none" else level
        rows.append(row)
    frame = pl.DataFrame(rows)
    found = {
        "policy": frame.drop("rate"),
        "demand_estimate": frame.select("item_id", "location_id", mean_per_day_est="rate"),
        "planning_point": frame.select("item_id", "location_id", unit_cost_eff=pl.lit(5.0)),
        "recommendation": pl.DataFrame(
            list(orders), schema={"item_id": pl.String, "to_location_id": pl.String, "quantity": pl.Float64},
            orient="row",
        ),
    }  # fmt: skip
    if overrides is not None:
        found["override_effect"] = pl.DataFrame(overrides)
    return found


def one(before, after, **given):
    rows = plan_changes(tables(before), tables(after, **given), PolicyParams())
    assert rows.height == 1
    return rows.row(0, named=True)


def by(row):
    return {part: row[f"by_{part}_qty"] for part in PARTS if abs(row[f"by_{part}_qty"]) > 1e-9}


def test_nothing_changed_is_not_told():
    assert plan_changes(tables({}), tables({}), PolicyParams()).is_empty()


def test_without_a_plan_before_there_is_no_change():
    assert plan_changes({}, tables({}), PolicyParams()).is_empty()


def test_demand_and_lead_time_share_the_expected_demand():
    """2 a day over 30 days to 3 a day over 40: 35 by demand, 25 by the longer interval."""
    row = one({}, {"rate": 3.0, "expected_protection_qty": 120.0})
    assert by(row) == pytest.approx({"demand": 35.0, "lead_time": 25.0})
    assert row["main_cause"] == "demand"
    assert row["change_value"] == 300.0


def test_a_longer_review_is_no_longer_lead_time():
    row = one({}, {"review_days": 14.0, "expected_protection_qty": 74.0})
    assert by(row) == pytest.approx({"lot_review": 14.0})


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"buffer_demand_qty": 20.0}, "variability"),
        ({"buffer_lead_time_qty": 20.0}, "lead_time"),
        ({"buffer_lot_review_qty": 20.0}, "lot_review"),
        ({"lot_qty": 50.0}, "lot_review"),
        ({"buffer_network_qty": -20.0}, "network"),
        ({"buffer_override_qty": 20.0}, "override"),
        ({"policy": "none"}, "other"),
    ],
)
def test_each_cause_has_its_own_part(change, part):
    row = one({}, change)
    assert list(by(row)) == [part]
    assert row["main_cause"] == part
    assert row["change_qty"] == pytest.approx(row[f"by_{part}_qty"])


def test_parts_add_up_to_the_change():
    row = one(
        {},
        {
            "rate": 1.3,
            "expected_protection_qty": 81.0,
            "review_days": 3.0,
            "buffer_demand_qty": 3.0,
            "buffer_lead_time_qty": 9.0,
            "lot_qty": 11.0,
            "buffer_network_qty": 4.0,
        },
    )
    assert sum(row[f"by_{part}_qty"] for part in PARTS) == pytest.approx(row["change_qty"], abs=1e-9)
    assert row["change_qty"] == pytest.approx(row["level_qty"] - row["level_before_qty"])


def test_what_a_person_set_counts_as_override():
    effect = [POINT | {"kind": "lead_time", "field": "days", "value_set": 40.0, "text_set": None}]
    row = one({}, {"expected_protection_qty": 80.0}, overrides=effect)
    assert by(row) == pytest.approx({"override": 20.0})


def test_points_of_one_plan_only_and_orders_are_told():
    new = POINT | {"item_id": "B"}
    rows = plan_changes(tables({}), tables({}, new, orders=[("A", "DC1", 40.0)]), PolicyParams()).sort(
        "item_id"
    )
    assert rows["item_id"].to_list() == ["A", "B"]
    assert rows["main_cause"].to_list() == ["none", "other"]
    assert rows["order_change_value"].to_list() == [200.0, 0.0]
    assert "order 40 instead of 0" in rows["sentence"][0]
    assert "Level 107 instead of 0: +107 by another kind of rule." in rows["sentence"][1]
