"""The least company is filled up, values in force are merged in one place, and the future stays out."""

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from plimsoll.domain.tables import table
from plimsoll.ingest import IngestParams, complete, known_at

AS_OF = date(2024, 6, 30)
DAY = date(2024, 6, 1)


def rows(name: str, *given: dict) -> pl.DataFrame:
    return table(name).conform(pl.DataFrame(list(given), infer_schema_length=None))


def demand(item="A", location="W1", day=DAY, quantity=1.0, **more):
    return {"date": day, "item_id": item, "location_id": location, "quantity": quantity, **more}


def lane(source="S", item="A", to="W1", **more):
    return {"item_id": item, "to_location_id": to, "from_location_id": source, **more}


def receipt(source="S", item="A", to="W1", day=DAY, ordered=None, order="1"):
    return {
        **lane(source, item, to),
        "order_id": order,
        "received_date": day,
        "ordered_date": ordered,
        "quantity": 1.0,
    }


def test_demand_alone_makes_a_company():
    done = complete({"demand": rows("demand", demand(), demand(item="B"))}, as_of=AS_OF)
    assert done.points.select("item_id", "location_id", "from_location_id", "supply_kind").rows() == [
        ("A", "W1", "UNKNOWN", "purchase"),
        ("B", "W1", "UNKNOWN", "purchase"),
    ]
    assert done.lanes.height == 2
    assert set(done.tables["items"]["item_id"]) == {"A", "B"}
    assert done.tables["locations"]["location_id"].to_list() == ["W1"]
    assert {"items_added", "locations_added", "points_added", "lanes_unknown", "cost_unknown"} == {
        found.code for found in done.findings
    }
    costless = next(found for found in done.findings if found.code == "cost_unknown")
    assert "units asked for there in the last year: 2." in costless.what


def test_defaults_and_given_values_meet_in_the_planning_point():
    tables = {
        "items": rows(
            "items",
            {"item_id": "A", "unit_cost": 4.0},
            {"item_id": "B", "unit_price": 9.0, "criticality": "vital"},
        ),
        "stocking_points": rows(
            "stocking_points",
            {"item_id": "A", "location_id": "W1"},
            {
                "item_id": "B",
                "location_id": "W1",
                "review_days": 1.0,
                "holding_rate": 0.3,
                "unmet_demand": "lost",
            },
        ),
        "lanes": rows(
            "lanes",
            lane(),
            lane(
                item="B",
                unit_cost=5.0,
                min_order_qty=10.0,
                order_multiple=2.0,
                order_cost=7.0,
                lead_time_days_set=30.0,
            ),
        ),
    }
    done = complete(tables, as_of=AS_OF)
    names = [name for name in done.points.columns if name.endswith("_eff")]
    bare, full = done.points.select(names).rows(named=True)
    assert bare == {
        "unit_cost_eff": 4.0,
        "unit_price_eff": 4.0,
        "review_days_eff": 7.0,
        "holding_rate_eff": 0.2,
        "unmet_demand_eff": "backlog",
        "min_order_qty_eff": 0.0,
        "order_multiple_eff": 0.0,
        "order_cost_eff": 25.0,
        "criticality_eff": "normal",
    }
    assert full == {
        "unit_cost_eff": 5.0,
        "unit_price_eff": 9.0,
        "review_days_eff": 1.0,
        "holding_rate_eff": 0.3,
        "unmet_demand_eff": "lost",
        "min_order_qty_eff": 10.0,
        "order_multiple_eff": 2.0,
        "order_cost_eff": 7.0,
        "criticality_eff": "vital",
    }
    assert done.findings == [] or {found.code for found in done.findings} == {"locations_added"}


@pytest.mark.parametrize(
    ("lanes", "receipts", "source"),
    [
        ([lane("P", priority=2, lead_time_days_set=5.0), lane("Q", priority=1)], [], "Q"),
        ([lane("P"), lane("Q", priority=9)], [], "Q"),
        ([lane("P"), lane("Q", lead_time_days_set=5.0)], [], "Q"),
        ([lane("P"), lane("Q")], [receipt("Q", ordered=DAY)], "Q"),
        ([lane("P"), lane("Q")], [receipt("Q"), receipt("Q", order="2"), receipt("P")], "Q"),
        ([lane("Q"), lane("P")], [], "P"),
        ([lane("P"), lane("Q")], [receipt("P"), receipt("P", order="2"), receipt("Q", ordered=DAY)], "Q"),
        ([], [receipt("Q"), receipt("P", ordered=DAY - timedelta(days=9))], "P"),
    ],
)
def test_lane_in_force(lanes, receipts, source):
    tables = {"demand": rows("demand", demand())}
    if lanes:
        tables["lanes"] = rows("lanes", *lanes)
    if receipts:
        tables["receipts"] = rows("receipts", *receipts)
    done = complete(tables, as_of=AS_OF)
    assert done.points["from_location_id"].to_list() == [source]
    keys = ["item_id", "to_location_id", "from_location_id"]
    points = done.points.rename({"location_id": "to_location_id"})
    assert points.join(done.lanes, on=keys, how="anti").is_empty()
    assert done.lanes.select(keys).is_unique().all()


def test_kinds_of_supply():
    places = (
        {"location_id": "PL", "kind": "plant"},
        {"location_id": "DC", "kind": "dc"},
        {"location_id": "S", "kind": "supplier"},
    )
    tables = {
        "items": rows("items", {"item_id": "A", "make_or_buy": "make"}, {"item_id": "B"}),
        "locations": rows("locations", *places),
        "demand": rows("demand", demand(location="DC"), demand("B", "DC"), demand("C", "S")),
        "lanes": rows("lanes", lane("PL", to="DC"), lane("S", "B", "DC")),
    }
    done = complete(tables, as_of=AS_OF)
    assert done.points.select("item_id", "location_id", "from_location_id", "supply_kind").rows() == [
        ("A", "DC", "PL", "transfer"),
        ("A", "PL", "PL", "production"),
        ("B", "DC", "S", "purchase"),
    ]


def test_points_left_out_of_planning():
    ended = {"item_id": "C", "end_date": AS_OF}
    tables = {
        "items": rows(
            "items",
            {"item_id": "A"},
            {"item_id": "B", "make_to": "engineer"},
            ended,
            {"item_id": "D", "end_date": AS_OF + timedelta(days=1)},
        ),
        "stocking_points": rows(
            "stocking_points", {"item_id": "A", "location_id": "W1", "do_not_stock": True}
        ),
        "demand": rows("demand", demand("B"), demand("C"), demand("D")),
    }
    done = complete(tables, as_of=AS_OF)
    assert done.points.select("planned", "left_out_reason").rows() == [
        (False, "do_not_stock"),
        (False, "engineered"),
        (False, "ended"),
        (True, None),
    ]


def test_masters_without_a_place_count_where_the_items_are():
    home = {"location_id": "MAIN"}
    tables = {
        "stocking_points": rows(
            "stocking_points", {"item_id": "A", **home, "current_min": 5.0}, {"item_id": "Z", **home}
        ),
        "lanes": rows("lanes", lane(to="MAIN", lead_time_days_set=9.0)),
        "demand": rows("demand", demand(), demand(location="W2"), demand("B", "W2")),
    }
    done = complete(tables, as_of=AS_OF)
    assert done.points.select("item_id", "location_id", "current_min", "lead_time_days_set").rows() == [
        ("A", "W1", 5.0, 9.0),
        ("A", "W2", 5.0, 9.0),
        ("B", "W2", None, None),
        ("Z", "W2", None, None),
    ]
    assert "location_spread" in {found.code for found in done.findings}
    kept = complete(
        tables | {"stock": rows("stock", {"date": DAY, "item_id": "A", **home, "on_hand": 1.0})}, as_of=AS_OF
    )
    assert "MAIN" in set(kept.points["location_id"])


def test_nothing_later_than_as_of_has_any_influence():
    later = AS_OF + timedelta(days=1)
    known = {
        "demand": rows("demand", demand(shipped_date=later, shipped_quantity=1.0)),
        "receipts": rows("receipts", receipt()),
        "items": rows("items", {"item_id": "A", "unit_cost": 1.0}),
    }
    future = {
        "demand": pl.concat([known["demand"], rows("demand", demand("F", "W9", later))]),
        "receipts": pl.concat(
            [known["receipts"], rows("receipts", receipt("T", day=later, ordered=DAY, order="9"))]
        ),
        "stock": rows("stock", {"date": later, "item_id": "G", "location_id": "W8", "on_hand": 1.0}),
        "availability": rows(
            "availability", {"date": later, "item_id": "G", "location_id": "W8", "in_stock": True}
        ),
        "open_orders": rows(
            "open_orders", {**lane("U", "H", "W7"), "order_id": "1", "ordered_date": later, "quantity": 1.0}
        ),
        "items": known["items"],
    }
    without, with_future = complete(known, as_of=AS_OF), complete(future, as_of=AS_OF)
    assert_frame_equal(without.points, with_future.points)
    assert_frame_equal(without.lanes, with_future.lanes)
    for name, frame in without.tables.items():
        assert_frame_equal(frame, with_future.tables[name])
    assert without.tables["demand"].select("shipped_date", "shipped_quantity").row(0) == (None, None)
    counted = {found.table: found.n_rows for found in with_future.findings if found.code == "after_as_of"}
    assert counted == {"demand": 1, "receipts": 1, "stock": 1, "availability": 1, "open_orders": 1}
    assert known_at(future, later)["demand"].height == 2


def test_inputs_are_not_changed_and_order_of_rows_does_not_matter():
    lanes = rows("lanes", lane("P"), lane("Q"), lane("R", "B"))
    tables = {"demand": rows("demand", demand(), demand("B"), demand(location="W2")), "lanes": lanes}
    before = {name: frame.clone() for name, frame in tables.items()}
    done = complete(tables, as_of=AS_OF)
    for name, frame in tables.items():
        assert_frame_equal(frame, before[name])
    turned = complete({name: frame.reverse() for name, frame in tables.items()}, as_of=AS_OF)
    assert_frame_equal(done.points, turned.points)
    assert_frame_equal(done.lanes, turned.lanes)


def test_parameters_set_the_defaults():
    params = IngestParams(
        review_days=1, holding_rate=0.1, order_cost=3, unknown_supplier="?", unmet_demand="lost"
    )
    point = complete({"demand": rows("demand", demand())}, params, as_of=AS_OF).points.row(0, named=True)
    assert (point["review_days_eff"], point["holding_rate_eff"], point["order_cost_eff"]) == (1, 0.1, 3)
    assert (point["from_location_id"], point["unmet_demand_eff"]) == ("?", "lost")


def test_blank_demand_is_not_observed():
    later = DAY + timedelta(7)
    known = complete(
        {"demand": rows("demand", demand(), demand(day=later, quantity=None))}, as_of=AS_OF
    ).tables
    assert known["demand"]["date"].to_list() == [DAY]
    assert known["availability"].rows() == [(later, "A", "W1", False)]


def test_blank_demand_counts_before_a_flag_that_says_otherwise():
    flags = rows("availability", {"date": DAY, "item_id": "A", "location_id": "W1", "in_stock": True})
    tables = {"demand": rows("demand", demand(quantity=None), demand(item="B")), "availability": flags}
    assert complete(tables, as_of=AS_OF).tables["availability"]["in_stock"].to_list() == [False]


@pytest.mark.parametrize(("days", "said"), [(44, set()), (46, {"demand_ends_early", "stock_is_old"})])
def test_old_demand_and_stock_are_said_to_be_old(days, said):
    stock = rows("stock", {"date": DAY, "item_id": "A", "location_id": "W1", "on_hand": 1.0})
    done = complete({"demand": rows("demand", demand()), "stock": stock}, as_of=DAY + timedelta(days))
    codes = {finding.code for finding in done.findings}
    assert codes & {"demand_ends_early", "stock_is_old"} == said
