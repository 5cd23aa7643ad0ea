"""Rules laid over small facts: each kind by hand-made figures, and each way in which a rule cannot act."""

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import numbered
from plimsoll.domain.repairs import Condition, Repair, sound, stated
from plimsoll.domain.tables import table
from plimsoll.ingest.repairs import WHY, WORDS, repaired

AS_OF = date(2026, 6, 30)
EARLY, LATE, AHEAD = date(2026, 1, 5), date(2026, 2, 2), date(2026, 7, 6)


def rows(name, *given):
    return table(name).conform(pl.DataFrame(list(given), schema=table(name).schema, orient="row"))


def rule(number=1, **words):
    stated_by = {"author": "Ann", "reason": "looked at it"}
    return replace(stated(stated_by | words), id=f"R{number}")


def sold(day, item, quantity, **more):
    return {"date": day, "item_id": item, "location_id": "M", "quantity": quantity} | more


@pytest.fixture
def facts():
    return {
        "items": rows(
            "items",
            {"item_id": "A", "unit_cost": 2.0, "unit": "pcs", "launch_date": LATE},
            {"item_id": "B", "unit_cost": 300.0, "unit": "pcs", "superseded_by": "A", "end_date": LATE,
             "category": "pumps", "launch_date": date(2025, 1, 1)},
            {"item_id": "C", "analog_item_id": "B", "unit": "box"},
        ),
        "demand": rows(
            "demand",
            sold(EARLY, "A", 10.0),
            sold(EARLY, "B", 7.0, order_id="S1", line="1"),
            sold(LATE, "A", 900.0),
            sold(LATE, "B", 5.0, order_id="S2", line="1", unit_price=4.0, shipped_quantity=4.0),
            sold(AHEAD, "B", 3.0),
        ),
        "lanes": rows(
            "lanes",
            {"item_id": "A", "to_location_id": "M", "from_location_id": "S", "min_order_qty": 1440.0},
            {"item_id": "B", "to_location_id": "M", "from_location_id": "S", "lead_time_days_set": 30.0,
             "min_order_qty": 12.0},
        ),
        "quarantine": table("quarantine").empty(),
    }  # fmt: skip


def only(done):
    """The one row of effects, and the codes said."""
    assert done.effects.height == 1
    return done.effects.row(0, named=True), [finding.code for finding in done.findings]


def test_without_rules_the_facts_are_the_very_same(facts):
    done = repaired(facts, [], as_of=AS_OF)
    assert all(done.tables[name] is frame for name, frame in facts.items())
    assert done.effects.is_empty()
    assert done.findings == []


def test_drop_takes_rows(facts):
    done = repaired(
        facts, [rule(kind="drop", table="demand", item="A", where=["quantity > 500"])], as_of=AS_OF
    )
    assert done.tables["demand"]["quantity"].to_list() == [10.0, 7.0, 5.0, 3.0]
    effect, codes = only(done)
    assert (effect["status"], effect["n_rows"], effect["value_change"]) == ("applied", 1, -1800.0)
    assert codes == ["repairs_applied"]
    assert facts["demand"].height == 5
    assert done.tables["items"] is facts["items"]


def test_set_gives_a_value_or_takes_it_away(facts):
    rules = [
        rule(1, kind="set", table="items", item="C", column="unit_cost", value="7.5"),
        rule(2, kind="set", table="items", item="B", column="end_date", value="unknown"),
        rule(3, kind="set", table="items", where=["category = unknown"], column="category", value="rest"),
    ]
    done = repaired(facts, rules, as_of=AS_OF)
    items = done.tables["items"]
    assert items["unit_cost"].to_list() == [2.0, 300.0, 7.5]
    assert items["end_date"].to_list() == [None, None, None]
    assert items["category"].to_list() == ["rest", "pumps", "rest"]
    assert done.effects["n_rows"].to_list() == [1, 1, 2]


def test_convert_multiplies(facts):
    words = {"table": "lanes", "item": "A", "location": "M", "column": "min_order_qty", "value": str(1 / 144)}
    done = repaired(facts, [rule(kind="convert", **words)], as_of=AS_OF)
    assert done.tables["lanes"]["min_order_qty"].to_list() == pytest.approx([10.0, 12.0])


def test_cap_holds_what_lies_above_and_only_that(facts):
    done = repaired(
        facts, [rule(kind="cap", table="demand", item="A", column="quantity", value="50")], as_of=AS_OF
    )
    assert done.tables["demand"]["quantity"].to_list() == [10.0, 7.0, 50.0, 5.0, 3.0]
    assert only(done)[0]["n_rows"] == 1


def test_several_caps_leave_the_lowest(facts):
    words = {"kind": "cap", "table": "demand", "column": "quantity"}
    caps = [rule(n, **words, where=[f"quantity > {n}"], value=str(n)) for n in (6, 50)]
    done = repaired(facts, caps, as_of=AS_OF)
    assert done.tables["demand"]["quantity"].to_list() == [6.0, 6.0, 6.0, 5.0, 3.0]


def test_conditions_are_asked_of_the_rows_as_imported(facts):
    """A cap at 50 hides nothing from a drop above 500, nor a set from a condition on the old value."""
    rules = [
        rule(1, kind="cap", table="demand", item="A", column="quantity", value="50"),
        rule(2, kind="drop", table="demand", where=["quantity > 500"]),
        rule(3, kind="set", table="lanes", where=["min_order_qty = 12"], column="min_order_qty", value="1"),
        rule(
            4, kind="set", table="lanes", where=["min_order_qty = 12"], column="lead_time_days_set", value="9"
        ),
    ]
    done = repaired(facts, rules, as_of=AS_OF)
    assert done.tables["demand"]["quantity"].to_list() == [10.0, 7.0, 5.0, 3.0]
    assert done.tables["lanes"].select("min_order_qty", "lead_time_days_set").row(1) == (1.0, 9.0)
    assert done.effects["status"].to_list() == ["idle", "applied", "applied", "applied"]


def test_days_bound_a_rule(facts):
    words = {"kind": "drop", "table": "demand", "where": ["quantity > 0"]}
    done = repaired(facts, [rule(**words, first=EARLY, last=EARLY)], as_of=AS_OF)
    assert done.tables["demand"]["date"].to_list() == [LATE, LATE, AHEAD]
    done = repaired(facts, [rule(**words, first=LATE)], as_of=AS_OF)
    assert done.tables["demand"]["date"].to_list() == [EARLY, EARLY, AHEAD], "the day ahead is not known yet"


def test_a_rule_for_later_plans_waits(facts):
    later = rule(kind="drop", table="demand", item="A", since=date(2026, 7, 1))
    effect, codes = only(repaired(facts, [later], as_of=AS_OF))
    assert (effect["status"], codes) == ("waiting", [])
    assert only(repaired(facts, [later], as_of=date(2026, 7, 1)))[0]["status"] == "applied"


def test_a_withdrawn_rule_leaves_no_trace(facts):
    gone = replace(rule(kind="drop", table="demand", item="A"), withdrawn_at=datetime(2026, 1, 1, tzinfo=UTC))
    done = repaired(facts, [gone], as_of=AS_OF)
    assert all(done.tables[name] is frame for name, frame in facts.items())
    assert done.effects.is_empty()


@pytest.mark.parametrize(
    ("second", "contradicts"),
    [
        ({"kind": "set", "value": "3"}, True),
        ({"kind": "set", "value": "9"}, False),
        ({"kind": "convert", "value": "0.1"}, True),
        ({"kind": "cap", "value": "5"}, False),
    ],
)
def test_rules_that_want_different_things_of_one_cell_are_all_left_out(facts, second, contradicts):
    first = rule(1, kind="set", table="items", item="A", column="unit_cost", value="9")
    other = rule(2, table="items", column="unit_cost", where=["unit_cost > 1"], **second)
    third = rule(3, kind="set", table="items", item="C", column="unit_cost", value="1")
    done = repaired(facts, [first, other, third], as_of=AS_OF)
    status = done.effects["status"].to_list()
    assert status == (["refused", "refused", "applied"] if contradicts else ["applied"] * 3)
    if contradicts:
        assert done.effects["why"].to_list() == ["It contradicts R2.", "It contradicts R1.", None]
        assert done.tables["items"]["unit_cost"].to_list() == [2.0, 300.0, 1.0]
        said = next(finding for finding in done.findings if finding.code == "repair_contradicts")
        assert (
            said.what
            == "2 repairs of 'items' contradict others (R1: it contradicts R2, R2: it contradicts R1)."
        )


def test_a_conversion_beyond_the_range_of_its_column_is_left_out(facts):
    done = repaired(facts, [rule(kind="convert", table="lanes", item="B", column="lead_time_days_set",
                                 value="1000")], as_of=AS_OF)  # fmt: skip
    effect, codes = only(done)
    assert (effect["status"], effect["why"]) == (
        "refused",
        "It would take lead_time_days_set out of its range.",
    )
    assert codes == ["repair_out_of_range"]
    assert done.tables["lanes"] is facts["lanes"]


def test_what_finds_nothing_to_change_says_which_of_two(facts):
    rules = [
        rule(1, kind="drop", table="demand", item="Z"),
        rule(2, kind="set", table="items", item="A", column="unit", value="pcs"),
    ]
    done = repaired(facts, rules, as_of=AS_OF)
    assert done.effects["why"].to_list() == [
        "No row answers to it.",
        "The rows are already as it wants them.",
    ]
    assert {finding.code for finding in done.findings} == {"repair_idle"}
    assert all(done.tables[name] is frame for name, frame in facts.items())


def test_merge_makes_one_item_of_two(facts):
    done = repaired(facts, [rule(kind="merge", item="B", to="A")], as_of=AS_OF)
    demand, items = done.tables["demand"], done.tables["items"]
    assert demand.filter(pl.col("date") <= AS_OF)["item_id"].unique().to_list() == ["A"]
    assert demand["quantity"].sum() == facts["demand"]["quantity"].sum()
    assert items["item_id"].to_list() == ["A", "C"]
    own = items.row(0, named=True)
    assert (own["unit_cost"], own["category"]) == (2.0, "pumps"), "own values first, gaps from the other"
    assert (own["end_date"], own["superseded_by"]) == (None, None), "what the old code says of itself is gone"
    assert own["launch_date"] == date(2025, 1, 1)
    assert items["analog_item_id"].to_list() == [None, "A"], "references follow"
    lanes = done.tables["lanes"].rows(named=True)
    assert [(lane["min_order_qty"], lane["lead_time_days_set"]) for lane in lanes] == [(1440.0, 30.0)]


def test_merge_counts_in_the_units_of_the_item_that_stays(facts):
    done = repaired(facts, [rule(kind="merge", item="B", to="C", factor="0.5")], as_of=AS_OF)
    moved = done.tables["demand"].filter(item_id="C")
    assert moved.select("quantity", "shipped_quantity", "unit_price").rows() == [
        (3.5, None, None),
        (2.5, 2.0, 8.0),
    ]
    assert done.tables["items"].filter(item_id="C")["unit_cost"].to_list() == [600.0]


def test_counts_of_merged_items_stand_until_the_next(facts):
    count = {"location_id": "M", "backlog": None}
    facts["stock"] = rows(
        "stock",
        {"date": date(2026, 1, 1), "item_id": "A", "on_hand": 10.0, "allocated": 1.0, **count},
        {"date": date(2026, 1, 2), "item_id": "B", "on_hand": 5.0, **count},
        {"date": date(2026, 1, 3), "item_id": "A", "on_hand": 7.0, **count},
        {"date": date(2026, 1, 3), "item_id": "C", "on_hand": 1.0, **count},
    )
    done = repaired(facts, [rule(kind="merge", item="B", to="A")], as_of=AS_OF)
    stock = done.tables["stock"].filter(item_id="A").select("date", "on_hand", "allocated", "backlog").rows()
    assert stock == [
        (date(2026, 1, 1), 10.0, 1.0, None),
        (date(2026, 1, 2), 15.0, 1.0, None),
        (date(2026, 1, 3), 12.0, None, None),
    ]


def test_orders_points_and_flags_of_merged_items(facts):
    point = {"location_id": "M"}
    line = {
        "order_id": "P1",
        "line": "1",
        "to_location_id": "M",
        "from_location_id": "S",
        "received_date": EARLY,
    }
    start = {"kind": "project", "start": AHEAD, "location_id": "M"}
    facts |= {
        "stocking_points": rows(
            "stocking_points",
            {"item_id": "A", "current_min": 3.0, "current_max": 9.0, **point},
            {"item_id": "B", "current_min": 2.0, "do_not_stock": True, "review_days": 14.0, **point},
        ),
        "receipts": rows(
            "receipts",
            {"item_id": "A", "quantity": 4.0, "expedited": False, **line},
            {"item_id": "B", "quantity": 6.0, "expedited": True, "mode": "air", **line},
        ),
        "availability": rows(
            "availability",
            {"date": EARLY, "item_id": "A", "in_stock": False, **point},
            {"date": EARLY, "item_id": "B", "in_stock": True, **point},
        ),
        "events": rows(
            "events",
            {"item_id": "A", "quantity": 30.0, "quantity_sd": 3.0, **start},
            {"item_id": "B", "quantity": 40.0, "quantity_sd": 4.0, **start},
        ),
        "open_orders": rows(
            "open_orders", {"order_id": "P2", "item_id": "B", "to_location_id": "M", "quantity": 8.0}
        ),
    }
    tables = repaired(facts, [rule(kind="merge", item="B", to="A")], as_of=AS_OF).tables

    def one(name, *columns):
        return tables[name].select("item_id", *columns).row(0) if tables[name].height == 1 else None

    levels = ("current_min", "current_max", "review_days", "do_not_stock")
    assert one("stocking_points", *levels) == ("A", 5.0, 9.0, 14.0, None)
    assert one("receipts", "quantity", "expedited", "mode") == ("A", 10.0, True, "air")
    assert one("availability", "in_stock") == ("A", True)
    assert one("events", "quantity", "quantity_sd") == ("A", 70.0, 5.0)
    assert one("open_orders", "quantity") == ("A", 8.0)


def test_bills_of_material_follow_a_merge(facts):
    facts["bom"] = rows(
        "bom",
        {"parent_item_id": "P", "component_item_id": "A", "quantity_per": 2.0, "scrap_rate": 0.1},
        {"parent_item_id": "P", "component_item_id": "B", "quantity_per": 6.0, "scrap_rate": 0.3},
        {"parent_item_id": "A", "component_item_id": "X", "quantity_per": 1.0},
        {"parent_item_id": "B", "component_item_id": "X", "quantity_per": 9.0},
        {"parent_item_id": "Q", "component_item_id": "X", "quantity_per": 5.0},
    )
    done = repaired(facts, [rule(kind="merge", item="B", to="A")], as_of=AS_OF)
    lines = (
        done.tables["bom"].select("parent_item_id", "component_item_id", "quantity_per", "scrap_rate").rows()
    )
    assert lines == [("A", "X", 1.0, None), ("P", "A", 8.0, pytest.approx(0.25)), ("Q", "X", 5.0, None)]
    # Without components of its own, an item takes over the other's, in its units: half a B is an A.
    facts["bom"] = facts["bom"].filter(pl.col("parent_item_id") != "A")
    done = repaired(facts, [rule(kind="merge", item="B", to="A", factor="2")], as_of=AS_OF)
    lines = done.tables["bom"].select("parent_item_id", "component_item_id", "quantity_per").rows()
    assert lines == [("A", "X", 4.5), ("P", "A", 14.0), ("Q", "X", 5.0)]


def test_chains_of_merges_are_followed_to_their_end(facts):
    rules = [
        rule(1, kind="merge", item="B", to="A", factor="2"),
        rule(2, kind="merge", item="A", to="C", factor="3"),
    ]
    done = repaired(facts, rules, as_of=AS_OF)
    known = done.tables["demand"].filter(pl.col("date") <= AS_OF)
    assert known.select("item_id", "quantity").rows() == [
        ("C", 30.0),
        ("C", 42.0),
        ("C", 2700.0),
        ("C", 30.0),
    ]
    assert done.tables["items"]["item_id"].to_list() == ["C"]
    assert done.effects["status"].to_list() == ["applied", "applied"]


@pytest.mark.parametrize(
    ("rules", "code", "why"),
    [
        ([("B", "A", "1"), ("A", "B", "1")], "repair_loop", "It closes a circle: B -> A -> B."),
        ([("B", "A", "1"), ("B", "C", "1")], "repair_contradicts", "It contradicts R2."),
        ([("B", "Z", "1")], "repair_unknown_item", "There is no item Z."),
        ([("B", "C", None)], "repair_units_differ", "The items differ in unit, and no factor is given."),
        ([("B", "A", "1")], "repair_part_of", "Item A is a part of the other."),
    ],
)
def test_merges_that_cannot_be(facts, rules, code, why):
    if code == "repair_part_of":
        facts["bom"] = rows("bom", {"parent_item_id": "B", "component_item_id": "A", "quantity_per": 1.0})
    asked = [
        rule(n, kind="merge", item=item, to=to) if factor is None
        else rule(n, kind="merge", item=item, to=to, factor="2" if "box" in (item, to) else factor)
        for n, (item, to, factor) in enumerate(rules, 1)
    ]  # fmt: skip
    good = rule(9, kind="drop", table="demand", where=["quantity > 500"])
    done = repaired(facts, [*asked, good], as_of=AS_OF)
    assert done.effects.filter(kind="merge")["status"].unique().to_list() == ["refused"]
    assert done.effects["why"][0] == why
    assert {finding.code for finding in done.findings} == {code, "repairs_applied"}
    assert done.tables["demand"].height == 4, "the rest goes on"
    assert done.tables["items"] is facts["items"]


def test_transfer_hands_history_over(facts):
    facts["availability"] = rows(
        "availability",
        {"date": EARLY, "item_id": "B", "location_id": "M", "in_stock": False},
        {"date": LATE, "item_id": "B", "location_id": "M", "in_stock": False},
        {"date": LATE, "item_id": "A", "location_id": "M", "in_stock": True},
    )
    done = repaired(facts, [rule(kind="transfer", item="B", to="A")], as_of=AS_OF)
    demand = done.tables["demand"]
    assert demand.select("date", "item_id", "quantity").rows() == [
        (EARLY, "A", 10.0), (EARLY, "A", 7.0), (LATE, "A", 900.0), (LATE, "A", 5.0), (AHEAD, "B", 3.0)
    ]  # fmt: skip
    flags = done.tables["availability"].filter(item_id="A").select("date", "in_stock").rows()
    assert flags == [(EARLY, False), (LATE, True)], "own flags stand"
    launch = done.tables["items"].filter(item_id="A")["launch_date"].to_list()
    assert launch == [date(2025, 1, 1)], "history before the launch would not be read"
    assert done.tables["lanes"] is facts["lanes"]
    assert only(done)[0]["n_rows"] == 2


def test_transfer_of_a_share_leaves_the_rest(facts):
    half = rule(kind="transfer", item="B", to="A", value="0.25", factor="2", first=LATE)
    demand = repaired(facts, [half], as_of=AS_OF).tables["demand"]
    moved = demand.filter(order_id="S2").sort("item_id")
    assert moved.select("item_id", "quantity", "shipped_quantity", "unit_price").rows() == [
        ("A", 2.5, 2.0, 2.0), ("B", 3.75, 3.0, 4.0)
    ]  # fmt: skip
    assert demand.filter(order_id="S1")["item_id"].to_list() == ["B"]


def test_shares_may_not_exceed_the_whole(facts):
    rules = [rule(1, kind="transfer", item="B", to="A", value="0.7"),
             rule(2, kind="transfer", item="B", to="C", value="0.4", factor="1.5")]  # fmt: skip
    done = repaired(facts, rules, as_of=AS_OF)
    assert done.effects["why"].to_list() == ["It contradicts R2.", "It contradicts R1."]
    assert done.tables["demand"] is facts["demand"]
    rules[1] = replace(rules[1], value=0.3)
    split = repaired(facts, rules, as_of=AS_OF).tables["demand"].filter(order_id="S2")
    assert dict(split.select("item_id", "quantity").rows()) == {
        "A": pytest.approx(3.5),
        "C": pytest.approx(2.25),
    }


def test_transfers_follow_each_other_and_the_merges(facts):
    facts["demand"] = pl.concat([facts["demand"], rows("demand", sold(EARLY, "D", 1.0))]).sort(
        "date", "item_id"
    )
    chain = [
        rule(1, kind="transfer", item="C", to="A", factor="2"),
        rule(2, kind="merge", item="B", to="C", factor="1.0001"),
        rule(3, kind="transfer", item="D", to="C"),
    ]
    done = repaired(facts, chain, as_of=AS_OF)
    known = done.tables["demand"].filter(pl.col("date") <= AS_OF)
    assert known["item_id"].unique().to_list() == ["A"]
    assert known["quantity"].sum() == pytest.approx(910 + 2 * 12 * 1.0001 + 2)


def test_a_circle_of_transfers_is_named(facts):
    rules = [rule(1, kind="transfer", item="B", to="A"), rule(2, kind="transfer", item="A", to="B")]
    done = repaired(facts, rules, as_of=AS_OF)
    assert done.effects["why"].to_list() == [
        "It closes a circle: B -> A -> B.",
        "It closes a circle: A -> B -> A.",
    ]
    assert done.tables["demand"] is facts["demand"]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"kind": "drop", "table": "demnd", "item": "A"}, "Did you mean 'demand'"),
        ({"kind": "drop", "table": "demand"}, "No condition says"),
        ({"kind": "burn", "table": "demand", "item": "A"}, "no repair of the kind 'burn'"),
        ({"kind": "drop", "item": "A"}, "table to repair is missing"),
        ({"kind": "drop", "table": "bom", "item": "A"}, "Rows of 'bom' have no item"),
        ({"kind": "drop", "table": "demand", "where": ["quantity"]}, "compares nothing"),
        ({"kind": "drop", "table": "demand", "where": ["quantty > 5"]}, "Did you mean 'quantity'"),
        ({"kind": "drop", "table": "demand", "where": ["quantity > much"]}, "is not a number"),
        ({"kind": "drop", "table": "demand", "where": ["date > 5.1.2026"]}, "takes a date"),
        ({"kind": "drop", "table": "demand", "where": ["quantity > unknown"]}, "Nothing is > unknown"),
        ({"kind": "drop", "table": "demand", "item": "A", "column": "quantity"}, "takes whole rows"),
        ({"kind": "drop", "table": "items", "item": "A", "first": EARLY}, "have no date"),
        ({"kind": "drop", "table": "demand", "item": "A", "first": LATE, "last": EARLY}, "before the first"),
        ({"kind": "drop", "table": "demand", "item": "A", "where": ["item_id = B"]}, "two values"),
        ({"kind": "drop", "table": "demand", "item": "A", "to": "B"}, "Only a merge or transfer"),
        ({"kind": "set", "table": "items", "item": "A", "column": "unit_cost"}, "new value is missing"),
        (
            {"kind": "set", "table": "items", "item": "A", "column": "unit_cost", "value": "-1"},
            "is at least 0",
        ),
        (
            {"kind": "set", "table": "items", "item": "A", "column": "criticality", "value": "x"},
            "Choose one of low",
        ),
        (
            {"kind": "set", "table": "items", "item": "A", "column": "item_id", "value": "B"},
            "cannot be changed",
        ),
        (
            {"kind": "set", "table": "stock", "item": "A", "column": "on_hand", "value": "unknown"},
            "not be unknown",
        ),
        (
            {"kind": "set", "table": "items", "item": "A", "column": "end_date", "value": "soon"},
            "takes a date",
        ),
        (
            {"kind": "set", "table": "stocking_points", "item": "A", "column": "do_not_stock", "value": "1"},
            "true or",
        ),
        (
            {
                "kind": "set",
                "table": "customers",
                "where": ["customer_id = K"],
                "column": "priority",
                "value": "1.5",
            },
            "whole numbers",
        ),
        ({"kind": "set", "table": "items", "item": "A", "value": "1"}, "column to set is missing"),
        (
            {"kind": "cap", "table": "items", "item": "A", "column": "category", "value": "1"},
            "no quantities to cap",
        ),
        (
            {"kind": "cap", "table": "demand", "item": "A", "column": "quantity"},
            "value of the cap is missing",
        ),
        ({"kind": "convert", "table": "items", "item": "A", "column": "unit_cost", "value": "0"}, "above 0"),
        ({"kind": "merge", "item": "A"}, "needs two items"),
        ({"kind": "merge", "item": "A", "to": "A"}, "cannot go to itself"),
        ({"kind": "merge", "item": "A", "to": "B", "where": ["unit = pcs"]}, "takes the whole item"),
        ({"kind": "merge", "item": "A", "to": "B", "table": "stock"}, "is a repair of 'items'"),
        ({"kind": "transfer", "item": "A", "to": "B", "value": "1.5"}, "A share lies above 0"),
        ({"kind": "transfer", "item": "A", "to": "B", "factor": "-2"}, "A factor must be above 0"),
        ({"kind": "drop", "table": "demand", "item": "A", "author": " "}, "The author is missing"),
        ({"kind": "drop", "table": "demand", "item": "A", "reason": ""}, "The reason is missing"),
    ],
)
def test_rules_that_nobody_could_apply_are_refused(words, match):
    with pytest.raises(InputError, match=match):
        rule(**words)


def test_a_comparison_that_does_not_exist_is_refused():
    odd = Repair("drop", "demand", (Condition("quantity", "~", 5.0),), "Ann", "test")
    with pytest.raises(InputError, match="cannot be compared by '~'"):
        sound(odd)


def test_every_code_has_its_words_and_they_read_well_for_one_and_many():
    assert set(WORDS) - set(WHY) == {"repairs_applied", "repair_items_merged", "repair_idle"}
    for _, *sentences in WORDS.values():
        for n in (1, 12):
            for text in sentences:
                spoken = numbered(text, n).format(n=n, table="demand", keys="R1")
                assert spoken[0].isupper() or spoken[0].isdigit()
                assert spoken.endswith(".")
                assert not {"<", "|", ">"} & set(spoken)


def test_facts_that_came_with_fewer_columns_are_read(facts):
    facts["demand"] = facts["demand"].select("date", "item_id", "location_id", "quantity")
    done = repaired(facts, [rule(kind="drop", table="demand", item="A")], as_of=AS_OF)
    assert_frame_equal(done.tables["demand"], table("demand").conform(facts["demand"].filter(item_id="B")))
