"""One list of all that is proposed: complete, numbered by what matters, each line with a grade."""

import json
from datetime import date, timedelta

import polars as pl
import pytest

from plimsoll.domain.reasons import LINE_REASONS, SUPPLIER_REASONS, names_in
from plimsoll.domain.tables import table
from plimsoll.replenish import Evidence, Proposals, ReplenishParams, lines, recommend, supplier_orders
from plimsoll.replenish.confidence import CAPS, confidence
from plimsoll.replenish.supplier_orders_wording import _flags, _values

AS_OF = date(2026, 11, 21)  # a Saturday
SHORT = {"stock": (0.0, 0.0, 0.0)}
SOON = {"stock": (35.0, 0.0, 0.0)}  # five days above its reorder point of 30


def today(company, *points, **options):
    tables = company(*points)
    found = recommend(
        **{name: frame for name, frame in tables.items() if name != "target"},
        params=ReplenishParams(**options),
        as_of=AS_OF,
    )
    return tables, found


def evidence(tables, **more):
    frames = (tables[name] for name in ("points", "target", "lead_times", "demand_estimate"))
    return Evidence(*frames, **more)


def built(company, *points, terms, items=(), **options):
    tables, found = today(company, *points, **options)
    known = {
        "recommendation": found.recommendation,
        "outlook": found.outlook,
        "planning_point": tables["points"],
        "policy": tables["policy"],
        "lead_time_estimate": tables["lead_times"],
        "move": found.move,
        "items": table("items").conform(pl.DataFrame(items, schema=None if items else ["item_id"])),
    }
    given = table("supplier_terms").conform(pl.DataFrame([{"from_location_id": "Acme", **terms}]))
    orders = supplier_orders(known, given, ReplenishParams(**options), as_of=AS_OF)
    proposals = Proposals(found.recommendation, found.move, pulled=orders.pulled, waiting=orders.waiting)
    return orders.order.row(0, named=True), lines(proposals, evidence(tables), as_of=AS_OF), found


def change(**given):
    row = {
        "order_id": "PO-1", "line": "10", "item_id": "A", "to_location_id": "DC1", "kind": "expedite",
        "quantity": 5.0, "unit_cost": 10.0, "value": 50.0, "due_date_now": AS_OF, "shortage_avoided": 90.0,
        "holding_saved": 0.0, "surplus_saved": 0.0, "cash_freed": 0.0, "cost": 40.0,
        "gain": 90.0, "net": 50.0,
        "reason_codes": "needed_before", "drivers": "{}", "sentence": "Expedite.",
    }  # fmt: skip
    return table("order_change").conform(pl.DataFrame([row | given]))


def test_every_order_and_move_is_a_line_with_its_own_figures(company):
    branch = {"source": "DC1", "kind": "transfer"}
    tables, found = today(
        company,
        {"stock": (500.0, 0.0, 0.0), "rate": 0.0, "at": "BR1", **branch},
        {"at": "BR2", **branch},
        SHORT,
        {"item": "B", **SHORT, "description": "Valve", "category": "Valves", "unit": "EA"},
    )
    assert found.move.height
    assert found.recommendation.height
    every = lines(Proposals(found.recommendation, found.move), evidence(tables), as_of=AS_OF)
    assert every["line_no"].to_list() == list(range(1, every.height + 1))
    columns = [
        "item_id",
        "to_location_id",
        "from_location_id",
        "kind",
        "quantity",
        "value",
        "due_date",
        "sentence",
    ]
    for source in (found.recommendation, found.move):
        same = every.join(source.select(columns), on=columns, how="semi", nulls_equal=True)
        assert same.height == source.height
    assert every.height == found.recommendation.height + found.move.height
    assert every.filter(pl.col("item_id") == "B").select("description", "category", "unit", "abc").row(0) == (
        "Valve", "Valves", "EA", "A",
    )  # fmt: skip
    assert all(json.loads(text)["quantity"] > 0 for text in every.filter(kind="return")["drivers"])


def test_what_loses_most_comes_first_in_any_order_of_the_input(company):
    tables, found = today(
        company,
        *({"item": f"I{n}", "unit_price_eff": 20.0 + n // 2, **SHORT} for n in range(8)),
    )
    every = Proposals(found.recommendation, found.move, change())
    listed = lines(every, evidence(tables), as_of=AS_OF)
    weight = [max(row["money_at_risk"], row["net"]) for row in listed.to_dicts()]
    assert weight == sorted(weight, reverse=True)
    other_way = Proposals(found.recommendation.reverse(), found.move, change())
    shuffled = {name: frame.reverse() for name, frame in tables.items()}
    assert lines(other_way, evidence(shuffled), as_of=AS_OF).equals(listed)


def test_a_change_of_an_open_order_is_a_line_that_names_it(company):
    tables, found = today(company, SHORT)
    given = pl.concat(
        [change(), change(order_id="PO-2", kind="cancel", shortage_avoided=-3.0, due_date_now=None)]
    )
    every = lines(Proposals(found.recommendation, found.move, given), evidence(tables), as_of=AS_OF)
    first, second = every.filter(pl.col("order_id").is_not_null()).sort("order_id").to_dicts()
    assert (first["order_id"], first["order_line"], first["money_at_risk"]) == ("PO-1", "10", 90.0)
    assert (first["order_date"], first["due_date_now"]) == (AS_OF, AS_OF)
    assert (second["kind"], second["money_at_risk"], second["due_date"]) == ("cancel", 0.0, None)


def test_a_minimum_is_reached_by_what_is_needed_soonest(company):
    soon, later = ({"item": item, "stock": (units, 0.0, 0.0)} for item, units in (("B", 35.0), ("C", 45.0)))
    order, every, found = built(company, SHORT, soon, later, terms={"min_order_value": 600.0})
    assert order["status"] == "pulled_forward"
    pulled = every.filter("pulled_forward").row(0, named=True)
    assert (pulled["item_id"], pulled["quantity"]) == ("B", 15.0)
    assert pulled["pulled_why"] == "pulled forward 5 days to reach the minimum order of Acme, holding 0.41"
    assert pulled["sentence"] == f"Order 15 from Acme, {pulled['pulled_why']}."
    assert pulled["due_date"] == AS_OF + timedelta(days=14)
    assert pulled["cost"] == pytest.approx(15 * 10 * 0.2 / 365.25 * 5)
    needed = every.filter(~pl.col("pulled_forward"))
    assert needed["quantity"].sum() == found.recommendation["quantity"].sum()
    assert every["value"].sum() == pytest.approx(order["value"])


def test_an_order_below_the_minimum_says_until_when_it_waits(company):
    near = {"item": "A", "stock": (29.9, 0.0, 0.0), "protection": {10: 0.999, 30: 0.001}}  # hardly a risk
    order, every, _ = built(
        company,
        near,
        {"item": "B", "stock": (80.0, 0.0, 0.0), "unit_cost_eff": 20.0},
        terms={"min_order_value": 500.0},
    )
    assert (order["status"], order["wait_reason"], order["is_waiting"]) == ("below_minimum", "minimum", True)
    until = AS_OF + timedelta(days=50)
    assert order["order_date"] == until
    assert order["sentence"].startswith(
        f"Acme takes no order below 500; today's lines come to 210, so they wait until {until}"
    )
    row = every.row(0, named=True)
    assert (row["order_date"], row["due_date"]) == (until, AS_OF + timedelta(days=14 + 50))
    assert row["sentence"].endswith(
        f"; today's orders to Acme are below its minimum, so it waits until {until}."
    )
    assert row["reason_codes"].endswith(" waits_for_minimum")


def test_a_minimum_that_nothing_reaches_is_said_and_the_line_stays_today(company):
    order, every, _ = built(company, SHORT, terms={"min_order_value": 1e6})
    assert (order["order_date"], order["wait_cost"]) == (None, None)
    row = every.row(0, named=True)
    assert row["order_date"] == AS_OF
    assert row["sentence"].endswith(
        "; today's orders to Acme are below its minimum, and nothing says when it is reached."
    )


def test_a_supplier_with_one_order_day_waits_for_it(company):
    order, every, _ = built(
        company, SHORT, SOON | {"item": "B"}, terms={"order_weekday": 2, "min_order_value": 1e6}
    )
    tuesday = AS_OF + timedelta(days=3)
    assert (order["order_date"], order["wait_reason"], order["n_pulled"]) == (tuesday, "weekday", 0)
    assert order["sentence"] == f"Acme takes orders on Tuesdays only, next on {tuesday}."
    assert every["order_date"].to_list() == [tuesday]
    assert built(company, SHORT, terms={"order_weekday": 6})[0]["order_date"] == AS_OF


CONTAINER = {"container_capacity": 65.0, "container_measure": "units"}


@pytest.mark.parametrize(
    ("terms", "pulled", "status"),
    [
        (CONTAINER, 15.0, "pulled_forward"),  # 50 today and 15 soon are 65
        (CONTAINER | {"container_capacity": 60.0}, 10.0, "pulled_forward"),  # as much of them as fits
        (CONTAINER | {"container_capacity": 90.0}, 0.0, "partly_filled"),  # would not be full, either
        (CONTAINER | {"container_capacity": 90.0, "container_cost": 9.0}, 15.0, "pulled_forward"),
        (CONTAINER | {"container_capacity": 90.0, "container_cost": 0.1}, 0.0, "partly_filled"),
        (CONTAINER | {"container_capacity": 52.0}, 0.0, "as_needed"),  # 96 % is full
        (CONTAINER | {"container_measure": "weight"}, 0.0, "not_measured"),
    ],
    ids=["fills", "in part", "cannot fill", "freight pays", "freight does not pay", "full", "no weight"],
)
def test_a_container_is_filled_where_that_pays(company, terms, pulled, status):
    order, every, _ = built(company, SHORT, SOON | {"item": "B"}, terms=terms)
    assert order["status"] == status
    assert every.filter("pulled_forward")["quantity"].sum() == pulled


def test_weight_fills_a_container(company):
    items = [{"item_id": "A", "unit_weight": 2.0}, {"item_id": "B", "unit_weight": 4.0}]
    terms = {"container_capacity": 160.0, "container_measure": "weight"}
    order, every, _ = built(company, SHORT, SOON | {"item": "B"}, terms=terms, items=items)
    assert (order["amount"], order["n_containers"], order["last_fill_share"]) == (160.0, 1, 1.0)
    assert every.filter("pulled_forward")["pulled_why"].item() == (
        "pulled forward 5 days to fill container 1 of Acme, holding 0.41"
    )


def test_every_reason_of_a_supplier_s_order_can_be_decided_and_said():
    assert set(_flags()) == set(SUPPLIER_REASONS)
    needed = {name for reason in SUPPLIER_REASONS.values() for name in names_in(reason.template)}
    assert needed <= set(_values())
    of_lines = {name for reason in LINE_REASONS.values() for name in names_in(reason.template)}
    assert of_lines <= set(_values()) | {"days", "holding", "number"}


@pytest.mark.parametrize(
    ("given", "more", "grade", "why"),
    [
        ({}, {}, "A", "Grade A: demand and lead time are measured, and nothing speaks against the data."),
        ({"n_demand_periods": 9}, {}, "B", "Grade B: it had 9 periods with demand."),
        ({"n_demand_periods": 1}, {}, "D", "Grade D: it had 1 period with demand."),
        ({"n_demand_periods": 0}, {}, "-", "No grade: nobody has asked for it yet."),
        ({"method_used": "supplier"}, {}, "B", "Grade B: its lead time is that of other items from there."),
        ({"method_used": "typed"}, {}, "C", "Grade C: its lead time is typed, not measured."),
        ({"method_used": "default"}, {}, "D", "Grade D: its lead time is assumed."),
        ({}, {"verdict": "care"}, "B", "Grade B: its data need care."),
        ({}, {"verdict": "left_out"}, "-", "No grade: the data leave it out of automatic planning."),
        ({}, {"trust": "C"}, "C", "Grade C: promises were not kept."),
        ({"n_demand_periods": 1}, {"trust": "A"}, "A", None),  # what was tried says more than a count
        ({"n_demand_periods": 9, "method_used": "typed"}, {}, "C",
         "Grade C: its lead time is typed, not measured; it had 9 periods with demand."),
    ],
)  # fmt: skip
def test_a_grade_is_the_worst_of_its_evidence(company, given, more, grade, why):
    tables, _ = today(company, given)
    frames = {}
    if "verdict" in more:
        ready = {"item_id": "A", "location_id": "DC1", "score": 0.5, "reasons": "", "why": "", **more}
        frames["readiness"] = table("readiness").conform(pl.DataFrame([ready]))
    if "trust" in more:
        said = f"Grade {more['trust']}: promises were not kept."
        row = {"item_id": "A", "location_id": "DC1", "grade": more["trust"], "reasons": "", "why": said}
        frames["trust"] = table("trust").conform(pl.DataFrame([row | {"n_windows": 3, "n_own": 3}]))
    found = confidence(evidence(tables, **frames)).row(0, named=True)
    assert found["confidence"] == grade
    assert why is None or found["confidence_why"] == why
    assert {cap.grade for cap in CAPS} | {"A"} == set(table("line").column("confidence").choices)


def test_nothing_proposed_is_no_line(company):
    tables, found = today(company, {"stock": (1e6, 0.0, 0.0)})
    every = lines(Proposals(found.recommendation, found.move), evidence(tables), as_of=AS_OF)
    assert every.is_empty()
    assert every.schema == table("line").schema
