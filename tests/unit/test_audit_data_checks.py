"""Checks on demand, receipts, orders, bills of material, calendar and units, each on a few rows."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.audit import AuditParams, Company, all_checks
from plimsoll.audit.checks.bom import cycles
from plimsoll.domain.tables import input_tables, table
from plimsoll.ingest import complete, known_at

AS_OF = date(2024, 12, 29)  # a Sunday
FIRST = date(2023, 1, 2)  # a Monday
CHECKS = {each.code: each for each in all_checks()}


def weeks(quantities, item="A", place="W", **more):
    """One demand a week from FIRST, zeros left out."""
    fixed = {"item_id": item, "location_id": place} | more
    days = (FIRST + timedelta(weeks=at) for at in range(len(quantities)))
    return [
        {"date": day, "quantity": float(units)} | fixed
        for day, units in zip(days, quantities, strict=True)
        if units
    ]


def look(code, **rows):
    tables = {
        name: table(name).conform(pl.DataFrame(given, schema_overrides={
            column.name: column.dtype for column in table(name).columns if column.name in given[0]
        }, infer_schema_length=None))
        for name, given in rows.items()
    }  # fmt: skip
    done = complete(tables, as_of=AS_OF)
    company = Company(AS_OF, known_at(tables, AS_OF), done.tables)
    return CHECKS[code].look(company, AuditParams())


def receipt(order="P1", line="1", ordered=date(2024, 1, 1), received=date(2024, 2, 1), quantity=10.0, **more):
    return {
        "order_id": order, "line": line, "item_id": "A", "to_location_id": "W", "from_location_id": "V",
        "ordered_date": ordered, "received_date": received, "quantity": quantity,
    } | more  # fmt: skip


def order(order="O1", quantity=10.0, **more):
    return {
        "order_id": order, "line": "1", "item_id": "A", "to_location_id": "W", "from_location_id": "V",
        "ordered_date": date(2024, 11, 1), "due_date": date(2025, 1, 15), "quantity": quantity,
    } | more  # fmt: skip


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_every_check_finds_nothing_in_nothing(code):
    empty = {name: table(name).empty() for name in input_tables()}
    done = complete(empty, as_of=AS_OF)
    rows = CHECKS[code].look(Company(AS_OF, empty, done.tables), AuditParams())
    assert rows.is_empty() or code == "table_missing"


def test_one_demand_of_a_thousand_against_a_usual_five():
    rows = look("demand_spike", demand=weeks([5] * 40 + [1000] + [5] * 20))
    assert rows["detail"].to_list() == ["1,000 units where 5 are usual"]
    assert rows.select("repair", "repair_column", "repair_value").row(0) == ("cap", "quantity", 5.0)


def test_ordinary_lumpy_demand_has_no_spikes():
    # 400 points of 100 log-normal sizes with sigma 1, whose largest are about 60 times the median: at most
    # 0.5 % of clean points may be flagged (one is, in this draw).
    draws = np.exp(np.random.default_rng(5).normal(1.5, 1.0, (400, 100))).round() + 1
    demand = [row for at, each in enumerate(draws) for row in weeks(each, f"I{at}")]
    assert look("demand_spike", demand=demand)["item_id"].n_unique() <= 2


def test_a_point_with_few_rows_is_judged_by_its_item():
    usual = weeks([5] * 40)
    rows = look("demand_spike", demand=[*usual, *weeks([5, 5, 900], place="X")])
    assert rows["location_id"].to_list() == ["X"]
    assert look("demand_spike", demand=[*usual, *weeks([5, 5, 40], place="X")]).is_empty()


def test_a_customer_who_asks_once_for_very_much_is_a_project():
    usual = weeks([5] * 40, customer_id="C1")
    odd = weeks([0] * 30 + [800], customer_id="C9")
    regular = weeks([0] * 30 + [800], customer_id="C1")
    order_ids = [row | {"order_id": str(at), "line": "1"} for at, row in enumerate([*usual, *odd])]
    assert look("project_order", demand=order_ids)["detail"].to_list() == [
        "800 units for C9, who never asked again, where 5 are usual"
    ]
    assert look("demand_spike", demand=order_ids).is_empty()
    order_ids = [row | {"order_id": str(at), "line": "1"} for at, row in enumerate([*usual, *regular])]
    assert look("demand_spike", demand=order_ids).height == 1


def test_a_return_names_the_line_that_it_undoes():
    sold = weeks([5, 7], customer_id="C1", line="1")
    rows = [row | {"order_id": f"S{at}"} for at, row in enumerate(sold)]
    back = [sold[1] | {"order_id": "R1", "quantity": -7.0}, sold[1] | {"order_id": "R2", "quantity": -3.0}]
    found = look("returned_goods", demand=[*rows, *back])
    assert found["detail"].to_list() == [
        "7 units came back; undoes S1 of 2023-01-09",
        "3 units came back; no earlier line of that size",
    ]


def test_a_long_silence_of_a_regular_point():
    silent = weeks([3, 0, 2, 4] * 10 + [0] * 25 + [3, 2, 0, 4] * 9)
    rows = look("demand_gap", demand=silent)
    assert rows["detail"].to_list() == [
        "nothing for 25 weeks up to 2024-04-01, after and before demand in 57 of 76 periods"
    ]
    out = [
        {"date": FIRST + timedelta(weeks=at), "item_id": "A", "location_id": "W", "in_stock": False}
        for at in range(40, 65)
    ]
    assert look("demand_gap", demand=silent, availability=out).is_empty()


def test_a_season_and_a_slow_mover_are_not_silent():
    season = weeks(([3] * 26 + [0] * 26) * 2)
    assert look("demand_gap", demand=season).is_empty()
    rng = np.random.default_rng(11)
    slow = [row for at in range(300) for row in weeks(rng.random(104) < 0.1, f"I{at}")]
    assert look("demand_gap", demand=slow).is_empty()  # 300 chances of 1e-6


def test_holes_and_cut_ends_of_the_calendar():
    def company(active):
        return [row for at in range(60) for row in weeks([active(at, week) for week in range(104)], f"I{at}")]

    hole = look("calendar_hole", demand=company(lambda at, week: week not in (40, 41) or at < 5))
    assert hole["key"].to_list() == ["2023-10-09", "2023-10-16"]
    assert look("calendar_hole", demand=company(lambda at, week: 1)).is_empty()
    end = look("extract_cut_at_end", demand=company(lambda at, week: week < 103 or at < 9))
    assert end["detail"].to_list() == ["9 rows of demand where 60 were usual before"]
    start = look("extract_cut_at_start", demand=company(lambda at, week: week > 0 or at < 9))
    assert start["key"].to_list() == ["2023-01-02"]


def test_a_hole_of_one_place():
    demand = [
        row
        for place in ("W", "X")
        for at in range(40)
        for row in weeks([place == "X" or week != 50 for week in range(104)], f"I{at}", place)
    ]
    assert look("calendar_hole", demand=demand)["key"].to_list() == ["2023-12-18 @ W"]


def test_dates_of_receipts():
    receipts = [
        receipt("P1", ordered=date(2024, 2, 3)),
        receipt("P2", ordered=None, note="from stock"),
        receipt("P3", ordered=date(2024, 2, 1)),
        receipt("P4", promised_date=date(2025, 3, 1)),
        receipt("P5"), receipt("P5", received=date(2024, 3, 1)),
        receipt("P6", line="1"), receipt("P6", line="2"),
    ]  # fmt: skip
    assert look("receipt_before_order", receipts=receipts)["detail"].to_list() == [
        "ordered on 2024-02-03, 2 days after the receipt"
    ]
    assert look("receipt_undated", receipts=receipts)["detail"].to_list() == [
        "no order date in 1 receipt: from stock"
    ]
    assert look("receipt_same_day", receipts=receipts).height == 1
    assert look("promise_ahead", receipts=receipts).height == 1
    assert look("order_in_parts", receipts=receipts)["key"].to_list() == ["P5"]
    assert look("line_in_parts", receipts=receipts).height == 1
    assert look("receipt_repeated", receipts=receipts)["detail"].to_list() == ["the same as line 1"]


def test_an_implausible_lead_time_and_rewritten_promises():
    usual = [
        receipt(f"P{at}", received=date(2024, 1, 20 + at % 5), promised_date=date(2024, 1, 20 + at % 2))
        for at in range(20)
    ]
    odd = receipt("PX", ordered=date(2022, 1, 1), received=date(2024, 3, 1))
    assert look("receipt_too_long", receipts=[*usual, odd])["key"].to_list() == [
        "PX @ 1 @ A @ W @ V @ 2024-03-01"
    ]
    assert look("promise_rewritten", receipts=usual).is_empty()
    met = [row | {"promised_date": row["received_date"]} for row in usual]
    assert look("promise_rewritten", receipts=met)["detail"].to_list() == [
        "20 of 20 receipts on the promised day, 100 %"
    ]


def test_open_orders():
    orders = [
        order("O1"),
        order("O2", due_date=date(2024, 3, 1), ordered_date=date(2024, 1, 1)),
        order("O3", due_date=date(2024, 10, 1)),
        order("O4", from_location_id="Z"),
        order("O5", due_date=None),
        order("O6", quantity=7.0),
    ]
    done = [receipt("O6", ordered=date(2024, 11, 1), received=date(2024, 12, 1), quantity=7.0)]
    given = {"open_orders": orders, "receipts": done, "items": [{"item_id": "A", "unit_cost": 2.0}]}
    overdue = look("long_overdue_order", **given)
    assert overdue.select("key", "money_at_risk", "repair").rows() == [("O2 @ 1 @ A @ W", 20.0, "drop")]
    assert look("open_order_received", **given)["key"].to_list() == ["O6 @ 1 @ A @ W"]
    assert look("open_order_without_lane", **given)["key"].to_list() == ["O4 @ 1 @ A @ W"]
    assert look("open_order_due_before_placed", **given)["key"].to_list() == ["O3 @ 1 @ A @ W"]
    assert look("open_order_undated", **given)["key"].to_list() == ["O5 @ 1 @ A @ W"]


def line(parent, component, quantity=1.0):
    return {"parent_item_id": parent, "component_item_id": component, "quantity_per": quantity}


def test_a_cycle_is_named():
    bom = [line("A", "B"), line("B", "C"), line("C", "A"), line("C", "D"), line("X", "A"), line("Y", "Y")]
    rows = look("bom_cycle", bom=bom)
    assert dict(rows.select("key", "detail").iter_rows()) == {
        "A @ B": "on the cycle A -> B -> C -> A",
        "B @ C": "on the cycle A -> B -> C -> A",
        "C @ A": "on the cycle A -> B -> C -> A",
        "Y @ Y": "on the cycle Y -> Y",
    }


def test_cycles_against_a_plain_search():
    rng = np.random.default_rng(3)
    for _ in range(30):
        parents, components = rng.integers(0, 12, (2, 16))
        number, rounds = cycles(parents, components, 12)
        lines = list(zip(parents.tolist(), components.tolist(), strict=True))

        def below(start, lines=lines):
            seen, front = set(), {start}
            while front:
                front = {b for a, b in lines if a in front} - seen
                seen |= front
            return seen

        assert [parent in below(component) | {component} for parent, component in lines] == (
            number >= 0
        ).tolist()
        for each in rounds:
            assert all(pair in lines for pair in zip(each, [*each[1:], each[0]], strict=True))


def test_bills_of_material_against_items_and_kind():
    items = [
        {"item_id": "A", "make_or_buy": "make"}, {"item_id": "B", "make_or_buy": "make"},
        {"item_id": "C", "make_or_buy": "buy"}, {"item_id": "M", "make_or_buy": "make"},
    ]  # fmt: skip
    bom = [line("A", "B"), line("B", "C"), line("B", "Q"), line("C", "A" * 2)]
    assert look("bom_missing_component", bom=bom, items=items)["key"].to_list() == ["B @ Q", "C @ AA"]
    assert look("bom_phantom", bom=bom, items=items)["item_id"].to_list() == ["B", "C"]
    assert look("made_without_bom", bom=bom, items=items)["item_id"].to_list() == ["M"]
    assert look("bom_of_bought_item", bom=bom, items=items)["item_id"].to_list() == ["C"]


def test_quantities_per_unit_out_of_line():
    bom = [line(f"A{at}", "B", 1.0 + at % 3) for at in range(20)] + [
        line("Z", "B", 500.0),
        line("Y", "B", 0.0),
    ]
    rows = look("bom_quantity_outlier", bom=bom)
    assert rows["key"].to_list() == ["Y @ B", "Z @ B"]
    large = [line(f"A{at}", "B", 2.0**at) for at in range(11)]  # large quantities that lead up to each other
    assert look("bom_quantity_outlier", bom=large).is_empty()


@pytest.mark.parametrize(("taken", "found"), [(2.0, False), (5.0, True), (0.5, True)])
def test_bills_of_material_against_real_use(taken, found):
    days = [date(2024, 3, 4) + timedelta(weeks=at) for at in range(10)]
    made = [receipt(f"M{at}", received=day, from_location_id="W") for at, day in enumerate(days)]
    issues = [
        {"date": day, "item_id": "B", "location_id": "W", "quantity": 10 * taken, "kind": "issue"}
        for day in days
    ]
    rows = look("bom_against_use", bom=[line("A", "B", 2.0)], receipts=made, demand=issues)
    assert (rows.height == 1) == found


def test_a_doubted_quantity_is_told_once():
    """A quantity far out of line is not told again as a component used otherwise than the bill says."""
    days = [date(2024, 3, 4) + timedelta(weeks=at) for at in range(10)]
    made = [receipt(f"M{at}", received=day, from_location_id="W") for at, day in enumerate(days)]
    issues = [
        {"date": day, "item_id": "B", "location_id": "W", "quantity": 20.0, "kind": "issue"} for day in days
    ]
    bom = [line("A", "B", 1000.0), *(line(f"P{at}", "B", 2.0) for at in range(6))]
    assert look("bom_quantity_outlier", bom=bom)["key"].to_list() == ["A @ B"]
    assert look("bom_against_use", bom=bom, receipts=made, demand=issues).is_empty()


def test_receipts_without_a_date_are_summed_up_by_supplier():
    receipts = [receipt(f"R{at}", received=date(2024, 3, 4), note=f"PO {at}") for at in range(3)]
    receipts = [row | {"ordered_date": None} for row in receipts]
    rows = look("receipt_undated", receipts=receipts)
    assert rows.select("detail", "n_facts").rows() == [("no order date in 3 receipts: PO #", 3)]


def test_currencies_and_units():
    lanes = [
        {"item_id": item, "to_location_id": "W", "from_location_id": "V", "currency": coin, "unit_cost": 3.0}
        for item, coin in (("A", "USD"), ("B", "USD"), ("C", "EUR"), ("D", None))
    ]
    assert look("foreign_currency", lanes=lanes)["key"].to_list() == ["C @ W @ V"]
    demand = [*weeks([1] * 5, unit="pcs"), *weeks([12], place="X", unit="CASE"), *weeks([2], "B", unit="PCS")]
    rows = look("demand_unit_mixed", demand=demand, items=[{"item_id": "A", "unit": "PCS"}])
    assert rows["detail"].to_list() == ["1 rows in CASE (usually 12 each), stocked in PCS"]


def test_prices_that_contradict():
    demand = [
        *weeks([10], "A", unit_price=2.0, line_value=20.0),
        *weeks([10], "B", unit_price=2.0, line_value=200.0),
        *weeks([10], "C", unit_price=0.0, line_value=0.0, piece_price=0.0),
        *weeks([10], "D", unit_price=0.3, piece_price=0.0),
    ]
    given = [{"unit_price": None, "line_value": None, "piece_price": None} | row for row in demand]
    assert look("line_value_contradicts", demand=given)["item_id"].to_list() == ["B"]
    assert look("price_zero", demand=given)["item_id"].to_list() == ["C"]
    assert look("piece_price_zero", demand=given)["detail"].to_list() == [
        "a unit has no price either", "only rounding: a unit costs 0.3",
    ]  # fmt: skip


def test_fractions_of_counted_units_only():
    packs = [{"item_id": "A", "pack_size": 50.0}, {"item_id": "K", "pack_size": None}]
    demand = [*weeks([3, 0.5]), *weeks([0.7, 1.3, 2.4], "K")]
    rows = look("demand_fractional", demand=demand, items=packs)
    assert rows["detail"].to_list() == ["0.5 units = 25 pieces"]


def test_repeated_series_and_items():
    demand = [*weeks([3, 4]), *weeks([3, 4], "B"), *weeks([3, 5], "C")]
    assert look("series_repeated", demand=demand)["detail"].to_list() == [
        "the same demand on the same days as A @ W"
    ]
    items = [{"item_id": item, "unit_cost": 2.0} for item in "ABCDE"]
    assert look("items_alike", demand=demand, items=items)["detail"].to_list() == [
        "same data as A; with the same demand", "same data as D; never asked for",
    ]  # fmt: skip


def test_order_of_rows_does_not_matter():
    demand = weeks([5] * 40 + [1000] + [5] * 20)
    assert look("demand_spike", demand=demand).equals(look("demand_spike", demand=demand[::-1]))
