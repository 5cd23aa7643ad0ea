"""Small companies whose plan is known by hand: every unit of demand counts once, from facts to orders.

Demand is the same on every day, so rates are exact. A branch BR is fed by DC in 7 days, and DC by Acme in
21 days; both review weekly, so the protection intervals are 14 and 28 days.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.progress import silent
from plimsoll.domain.tables import table
from plimsoll.workflows.pipeline import run_stages
from plimsoll.workflows.settings import Settings

AS_OF = date(2026, 11, 22)  # a Sunday
YEAR = 365.25
CONTRACT = {"kind": "contract", "quantity": 500.0, "quantity_sd": 0.0}


def day(n):
    return AS_OF + timedelta(days=n)


def sold(item, at, rate, first=-363, last=0, ahead=None):
    """`rate` units on every day; promised `ahead` days later and shipped then."""
    for n in range(first, last + 1):
        row = {"date": day(n), "item_id": item, "location_id": at, "quantity": float(rate),
               "order_id": f"{item}{n}", "line": "1"}  # fmt: skip
        if ahead:
            row["promised_date"] = day(n + ahead)
            row |= {"shipped_date": day(n + ahead), "shipped_quantity": float(rate)} if n + ahead <= 0 else {}
        yield row


def lane(item, to, source, days):
    return {"item_id": item, "to_location_id": to, "from_location_id": source, "lead_time_days_set": days,
            "order_cost": 20.0}  # fmt: skip


def item(name, **given):
    return {"item_id": name, "unit_cost": 10.0, "unit_price": 20.0, "category": "x"} | given


def at(name, place, **given):
    return {"item_id": name, "location_id": place} | given


def stock(*rows):
    return [{"date": AS_OF, "item_id": i, "location_id": place, "on_hand": 100.0} for i, place in rows]


def plan(**given):
    kinds = {"DC": "dc", "BR": "branch", "PL": "plant", "Acme": "supplier"}
    given["locations"] = [{"location_id": name, "kind": kind} for name, kind in kinds.items()]
    facts = {
        name: table(name).conform(
            pl.DataFrame(list(rows), schema_overrides=dict(table(name).schema), infer_schema_length=None)
        )
        for name, rows in given.items()
    }
    return run_stages(facts, Settings(), as_of=AS_OF, seed=1, progress=silent).tables


def two_places(demand=(), **given):
    """A is sold at BR, 3 a day."""
    return plan(
        items=[item("A", **given.pop("item", {}))],
        lanes=[lane("A", "BR", "DC", 7.0), lane("A", "DC", "Acme", 21.0)],
        demand=[*sold("A", "BR", 3), *demand],
        stock=stock(("A", "BR"), ("A", "DC")),
        **given,
    )


def made(**given):
    """M is made at PL, 4 a day, of 2 C each."""
    items = [item("M", make_or_buy="make"), item("C"), *given.pop("items", [])]
    lanes = [lane("M", "PL", "PL", 7.0), lane("C", "PL", "Acme", 21.0), *given.pop("lanes", [])]
    bill = [{"parent_item_id": "M", "component_item_id": "C", "quantity_per": 2.0}]
    demand = given.pop("demand", [*sold("M", "PL", 4)])
    return plan(items=items, lanes=lanes, bom=given.pop("bom", bill), demand=demand, **given)


def row(tables, name, item_id, place):
    column = "to_location_id" if name == "recommendation" else "location_id"
    return tables[name].row(
        by_predicate=(pl.col("item_id") == item_id) & (pl.col(column) == place), named=True
    )


def review_mean(estimate):
    return np.dot(np.arange(len(estimate["pmf_review"])), estimate["pmf_review"]) * estimate["step_qty"]


# ---- events


def test_a_contract_is_bought_once_and_is_no_rhythm():
    """500 of next week: in the levels of branch and warehouse, in the yearly rate, not in a week's demand."""
    tables = two_places(events=[at("A", "BR", start=day(3), end=day(9)) | CONTRACT])
    for place, usual in (("BR", 42.0), ("DC", 84.0)):
        estimate, policy = row(tables, "demand_estimate", "A", place), row(tables, "policy", "A", place)
        assert estimate["mean_protection_qty"] == pytest.approx(usual + 500)
        assert estimate["mean_per_day_est"] == pytest.approx(3 + 500 / YEAR)
        assert review_mean(estimate) == pytest.approx(21.0)
        assert row(tables, "target", "A", place)["annual_value"] == pytest.approx(10 * (3 * YEAR + 500))
        # The level holds the contract: it lies within two weeks' demand above what is expected.
        assert usual + 500 <= policy["reorder_point_qty"] <= usual + 500 + 100
        # 2 K D / h with the 1,596 units of a year
        assert policy["economic_lot_qty"] == pytest.approx((2 * 20 * (3 * YEAR + 500) / 2) ** 0.5, rel=1e-6)


def test_a_promotion_adds_its_uplift_for_its_days_and_no_longer():
    promotion = at("A", "BR", kind="promotion", start=day(1), end=day(14), uplift=3.0)
    tables = two_places(events=[promotion])
    assert row(tables, "demand_estimate", "A", "BR")["mean_protection_qty"] == pytest.approx(14 * 9.0)
    dc = row(tables, "demand_estimate", "A", "DC")
    assert dc["mean_protection_qty"] == pytest.approx(28 * 3 + 14 * 6)
    assert dc["mean_per_day_est"] == pytest.approx(3 + 14 * 6 / YEAR)


def test_a_contract_for_what_is_made_asks_for_components_once():
    """500 M in the third week, made a week earlier of 1,000 C: within the 21 days that C takes."""
    usual = row(made(), "demand_estimate", "C", "PL")
    tables = made(events=[at("M", "PL", start=day(15), end=day(21)) | CONTRACT])
    found = row(tables, "demand_estimate", "C", "PL")
    assert found["mean_lead_qty"] - usual["mean_lead_qty"] == pytest.approx(1000.0, rel=1e-6)
    assert found["mean_per_day_est"] - usual["mean_per_day_est"] == pytest.approx(1000 / YEAR)
    soon = row(
        made(events=[at("M", "PL", start=day(2), end=day(2)) | CONTRACT]), "demand_estimate", "C", "PL"
    )
    assert soon["mean_lead_qty"] - usual["mean_lead_qty"] == pytest.approx(1000.0, rel=1e-6)


# ---- orders on the books


def test_an_order_on_the_books_where_nobody_books_is_bought():
    big = {"date": day(0), "quantity": 500.0, "order_id": "BIG", "promised_date": day(10)}
    plain = two_places([at("A", "BR", **big | {"promised_date": None})])
    tables = two_places([at("A", "BR", **big)])
    more = [row(t, "demand_estimate", "A", "BR")["mean_protection_qty"] for t in (plain, tables)]
    assert more[1] - more[0] == pytest.approx(500.0)


def test_allocated_units_are_not_counted_again():
    big = at("A", "BR", date=day(0), quantity=500.0, order_id="BIG", promised_date=day(10))
    held = stock(("A", "BR"), ("A", "DC"))
    held[0]["allocated"] = 500.0
    tables = plan(
        items=[item("A")], lanes=[lane("A", "BR", "DC", 7.0), lane("A", "DC", "Acme", 21.0)],
        demand=[*sold("A", "BR", 3), big], stock=held,
    )  # fmt: skip
    assert row(tables, "demand_estimate", "A", "BR")["mean_protection_qty"] < 100
    assert row(tables, "outlook", "A", "BR")["position_qty"] == -400.0


def booked(**given):
    """Five items at DC, 6 a day each, all booked 14 days ahead; N is new and likened to S0."""
    names = [f"S{k}" for k in range(4)]
    items = [item(name, **given.get(name, {})) for name in names]
    items.append(item("N", analog_item_id="S0", launch_date=day(-3)))
    lines = [line for name in names for line in sold(name, "DC", 6, ahead=14)]
    lines += sold("N", "DC", 6, first=-2, ahead=14)
    return plan(items=items, lanes=[lane(one["item_id"], "DC", "Acme", 21.0) for one in items], demand=lines)


def test_bookings_are_not_in_a_review_besides():
    found = row(booked(), "demand_estimate", "S0", "DC")
    assert found["mean_protection_qty"] == pytest.approx(28 * 6, rel=0.01)
    assert review_mean(found) == pytest.approx(7 * 6, rel=0.01)


def test_bookings_of_a_new_item_are_not_forecast_again():
    """18 N are on the books; of 28 days 14 are still to be booked, but for what N's few lines tell."""
    tables = booked()
    start, found = row(tables, "cold_start", "N", "DC"), row(tables, "demand_estimate", "N", "DC")
    assert start["applied"]
    assert found["mean_per_day_est"] == pytest.approx(start["mean_per_day_est"])
    unbooked = (found["mean_protection_qty"] - 18) / start["mean_per_day_est"]
    assert unbooked == pytest.approx(14, abs=0.5)


def test_bookings_before_an_end_count_once():
    """S1 ends in 20 days: 14 of them are on the books, and 6 days' demand is still to be booked."""
    tables = booked(S1={"end_date": day(20)})
    found = row(tables, "demand_estimate", "S1", "DC")
    assert found["mean_protection_qty"] == pytest.approx(found["protection_days_mean"] * 6, rel=0.02)
    assert row(tables, "last_time_buy", "S1", "DC")["expected_qty"] == pytest.approx(120, rel=0.05)


# ---- ends


def test_a_contract_before_the_end_is_bought_whole():
    """It ends in 12 days: 12 days' demand and 500, not 500 spread over a longer interval and cut."""
    tables = two_places(
        item={"end_date": day(12)}, events=[at("A", "BR", start=day(3), end=day(9)) | CONTRACT]
    )
    assert row(tables, "demand_estimate", "A", "DC")["mean_protection_qty"] == pytest.approx(536.0)
    buy = row(tables, "last_time_buy", "A", "BR")
    assert buy["expected_qty"] == pytest.approx(536, rel=0.01)
    assert row(tables, "recommendation", "A", "BR")["quantity"] == pytest.approx(437, abs=5)


def test_a_contract_is_no_rate_that_goes_on_until_the_end():
    tables = two_places(
        item={"end_date": day(365)}, events=[at("A", "BR", start=day(3), end=day(9)) | CONTRACT]
    )
    assert row(tables, "last_time_buy", "A", "DC")["expected_qty"] == pytest.approx(3 * 365 + 500, rel=0.01)


def test_nothing_comes_after_the_end():
    late = at("A", "BR", start=day(13), end=day(13), kind="project", quantity=500.0)
    tables = two_places(item={"end_date": day(12)}, events=[late])
    assert row(tables, "demand_estimate", "A", "DC")["mean_protection_qty"] == pytest.approx(36.0)


# ---- components


def test_components_are_exploded_or_estimated_from_issues_never_both():
    exploded = row(made(), "demand_estimate", "C", "PL")
    issues = [line | {"kind": "issue"} for line in sold("C", "PL", 8)]
    recorded = row(made(demand=[*sold("M", "PL", 4), *issues]), "demand_estimate", "C", "PL")
    assert recorded["mean_per_day_est"] == pytest.approx(8.0)
    # Spare parts of C were never asked for: a rate is borrowed from its category, on top of the bill.
    assert exploded["mean_per_day_est"] == pytest.approx(8.0, rel=0.05)


def test_new_items_made_ask_for_components_and_new_components_keep_that():
    """MN is like M0, CN is its component and like S, which is sold as a spare part, 1 a day."""
    items = [item("M0", make_or_buy="make"), item("S"), item("CN", analog_item_id="S", launch_date=day(-2)),
             item("MN", make_or_buy="make", analog_item_id="M0", launch_date=day(-2))]  # fmt: skip
    tables = made(
        items=items,
        lanes=[lane("M0", "PL", "PL", 7.0), lane("MN", "PL", "PL", 7.0), lane("CN", "PL", "Acme", 21.0),
               lane("S", "PL", "Acme", 21.0)],
        bom=[{"parent_item_id": "MN", "component_item_id": "CN", "quantity_per": 1.0}],
        demand=[*sold("M0", "PL", 4), *sold("S", "PL", 1)],
    )  # fmt: skip
    parent, own = (row(tables, "cold_start", name, "PL") for name in ("MN", "CN"))
    found = row(tables, "demand_estimate", "CN", "PL")
    expected = parent["mean_per_day_est"] + own["mean_per_day_est"]
    assert found["mean_per_day_est"] == pytest.approx(expected, rel=1e-6)


# ---- successors


def test_a_successor_has_all_of_its_predecessor_and_is_not_new():
    """OLD was sold 5 a day until NEW came 30 days ago; stock 40 + 30, 25 on order, a contract for 300."""
    tables = plan(
        items=[item("OLD", superseded_by="NEW"), item("NEW", launch_date=day(-30))],
        lanes=[lane(name, "DC", "Acme", 21.0) for name in ("OLD", "NEW")],
        demand=[*sold("OLD", "DC", 5, last=-31), *sold("NEW", "DC", 5, first=-30)],
        stock=[{"date": AS_OF, "location_id": "DC", "item_id": name, "on_hand": units}
               for name, units in (("OLD", 40.0), ("NEW", 30.0))],
        open_orders=[{"order_id": "P1", "item_id": "OLD", "to_location_id": "DC", "from_location_id": "Acme",
                      "ordered_date": day(-5), "due_date": day(9), "quantity": 25.0}],
        events=[at("OLD", "DC", start=day(3), end=day(9)) | CONTRACT | {"quantity": 300.0}],
    )  # fmt: skip
    assert tables["cold_start"].filter(item_id="NEW").is_empty()
    found = row(tables, "demand_estimate", "NEW", "DC")
    assert found["mean_per_day_est"] == pytest.approx(5 + 300 / YEAR, rel=1e-3)
    assert found["mean_protection_qty"] == pytest.approx(28 * 5 + 300, rel=1e-3)
    assert row(tables, "outlook", "NEW", "DC")["position_qty"] == 95.0
    assert tables["recommendation"]["item_id"].to_list() == ["NEW"]


@pytest.mark.parametrize("both", [False, True])
def test_bills_ask_for_the_successor_of_a_component(both):
    """A bill that names both already is left as it is: the successor would count twice."""
    bill = [{"parent_item_id": "M", "component_item_id": name, "quantity_per": 2.0}
            for name in (("C", "C2") if both else ("C",))]  # fmt: skip
    items = [item("M", make_or_buy="make"), item("C", superseded_by="C2"), item("C2")]
    lanes = [lane("M", "PL", "PL", 7.0), *(lane(name, "PL", "Acme", 21.0) for name in ("C", "C2"))]
    tables = plan(items=items, lanes=lanes, bom=bill, demand=sold("M", "PL", 4))
    asked = tables["dependent_demand"].filter(item_id="C2")["mean_qty"]
    assert asked.to_list() == pytest.approx([56.0] * 26)


def test_a_successor_comes_from_where_its_predecessor_came():
    """NEW has a lane to DC only; at BR it takes that of OLD, at its own cost, so DC needs what BR sells."""
    tables = plan(
        items=[item("OLD", superseded_by="NEW"), item("NEW", unit_cost=12.0)],
        lanes=[lane("OLD", "BR", "DC", 7.0) | {"unit_cost": 9.0}, lane("OLD", "DC", "Acme", 30.0),
               lane("NEW", "DC", "Acme", 21.0)],
        demand=sold("OLD", "BR", 3),
    )  # fmt: skip
    branch, warehouse = (row(tables, "planning_point", "NEW", place) for place in ("BR", "DC"))
    assert (branch["from_location_id"], branch["lead_time_days_set"]) == ("DC", 7.0)
    assert (branch["unit_cost_eff"], warehouse["lead_time_days_set"]) == (12.0, 21.0)
    assert row(tables, "demand_estimate", "NEW", "DC")["mean_per_day_est"] == pytest.approx(3.0)


def test_an_order_for_what_may_be_over_says_so_and_what_its_data_are_worth():
    """A was sold weekly until a year ago and twice since, and 5 are owed; B is sold on every day."""
    late = [next(sold("A", "DC", 9, n, n)) for n in (-390, -300)]
    weekly = [row | {"quantity": 9.0} for n, row in enumerate(sold("A", "DC", 1, -1090, -400)) if n % 7 == 0]
    result = plan(
        demand=[*weekly, *late, *sold("B", "DC", 3, -1090)],
        items=[item("A"), item("B")],
        lanes=[lane(name, "DC", "Acme", 21) for name in "AB"],
        stock=[{**one, "on_hand": 0.0, "backlog": 5.0} for one in stock(("A", "DC"), ("B", "DC"))],
    )
    grades = dict(result["obsolescence"].select("item_id", "grade").iter_rows())
    assert grades == {"A": "over", "B": "none"}
    orders = {row["item_id"]: row for row in result["recommendation"].iter_rows(named=True)}
    assert "may_be_over" not in orders["B"]["reason_codes"]
    assert orders["B"]["readiness"] in ("automatic", "care")
    assert "demand may be over: the chance that nobody asks" in orders["A"]["sentence"]
