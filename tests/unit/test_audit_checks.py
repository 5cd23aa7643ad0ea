"""Each check finds its fault, says it in plain words, suggests a repair, and leaves the sound rows alone."""

from datetime import date, timedelta

import polars as pl
import pytest

from plimsoll import audit, ingest, supply
from plimsoll.audit.belief import cost_of_belief
from plimsoll.audit.checks.stock import count_contradicted
from plimsoll.domain.tables import input_tables, table
from plimsoll.ingest.params import IngestParams
from plimsoll.supply.params import SupplyParams

AS_OF = date(2026, 10, 31)
LANE = {"item_id": "A", "to_location_id": "DC1", "from_location_id": "ACME"}


def day(before):
    return AS_OF - timedelta(days=before)


def weekly(quantity=10.0, item="A", weeks=52, **more):
    """A year of weekly demand."""
    return [
        {"date": day(7 * n + 1), "item_id": item, "location_id": "DC1", "quantity": quantity, **more}
        for n in range(weeks)
    ]


def receipts(days=10, n=12, quantity=50.0, **more):
    return [
        LANE
        | {
            "order_id": f"PO{k}",
            "line": "1",
            "ordered_date": day(20 * k + 5 + days),
            "received_date": day(20 * k + 5),
            "quantity": quantity,
        }
        | more
        for k in range(n)
    ]


def sound():
    """A company without faults."""
    return {
        "items": [
            {"item_id": "A", "description": "Ball valve 20 mm", "unit_cost": 10.0, "unit_price": 16.0},
            {"item_id": "B", "description": "Gear pump 25 mm", "unit_cost": 20.0, "unit_price": 32.0},
        ],
        "locations": [
            {"location_id": "DC1", "kind": "dc"},
            {"location_id": "ACME", "kind": "supplier"},
        ],
        "lanes": [
            LANE
            | {
                "item_id": item,
                "lead_time_days_set": 10.0,
                "min_order_qty": 20.0,
                "order_multiple": 10.0,
                "unit_cost": cost,
            }
            for item, cost in (("A", 10.0), ("B", 20.0))
        ],
        "demand": weekly() + weekly(item="B"),
        "receipts": receipts() + receipts(item_id="B"),
        "stock": [
            {"date": AS_OF, "item_id": item, "location_id": "DC1", "on_hand": 40.0} for item in ("A", "B")
        ],
        "stocking_points": [
            {"item_id": item, "location_id": "DC1", "current_min": 30.0, "current_max": 60.0}
            for item in ("A", "B")
        ],
    }


def company_of(tables):
    given = {
        name: table(name).conform(pl.DataFrame(rows, infer_schema_length=None))
        for name, rows in tables.items()
        if rows
    }
    done = ingest.complete(given, IngestParams(), as_of=AS_OF)
    lead_times = supply.estimate(done.tables["receipts"], done.lanes, SupplyParams(), as_of=AS_OF)
    known = ingest.known_at(given, AS_OF)
    results = {"planning_point": done.points, "lead_time_estimate": lead_times}
    return audit.Company(AS_OF, known, done.tables, results)


def codes_of(tables):
    rows = audit.examine(company_of(tables), audit.AuditParams()).rows
    return {row["code"]: row for row in rows.to_dicts() if row["severity"] != "info" and row["item_id"]}


def with_first(name, **changes):
    """Return the change that gives the first row of a table other values."""

    def change(tables):
        tables[name][0] |= changes

    return change


def appended(name, *rows):
    def change(tables):
        tables.setdefault(name, []).extend(rows)

    return change


FAULTS = {
    "negative_on_hand": (with_first("stock", on_hand=-4.0), 40.0, ("set", "on_hand", 0.0)),
    "stale_count": (with_first("stock", date=day(200)), 400.0, None),
    "cost_missing": (with_first("items", unit_cost=0.0), 400.0, ("set", "unit_cost", 10.0)),
    "cost_out_of_line": (with_first("items", unit_cost=1440.0), 57_200.0, ("convert", "unit_cost", 1 / 144)),
    "price_below_cost": (with_first("items", unit_price=9.0), 520 / 359 * 365, None),
    "similar_description": (
        with_first("items", description="PUMP, gear 25 MM"), 800.0, ("merge", "item_id", None),
    ),
    "superseded_item": (with_first("items", superseded_by="B"), 400.0, ("transfer", "item_id", None)),
    "successor_impossible": (with_first("items", superseded_by="Z"), None, None),
    "sold_after_end": (with_first("items", end_date=day(100)), 2400.0, None),
    "item_not_in_master": (
        appended("demand", *weekly(item="OLD-A", weeks=4, unit_price=5.0)), 200.0, None,
    ),
    "moq_out_of_line": (
        with_first("lanes", min_order_qty=2880.0), 28_300.0, ("convert", "min_order_qty", 1 / 48),
    ),
    "multiple_out_of_line": (
        with_first("lanes", order_multiple=1000.0), 9500.0, ("convert", "order_multiple", 1 / 20),
    ),
    "lead_time_placeholder": (
        with_first("lanes", lead_time_days_set=999.0), None, ("set", "lead_time_days_set", None),
    ),
    "lead_time_contradicted": (
        with_first("lanes", lead_time_days_set=60.0), None, ("set", "lead_time_days_set", None),
    ),
    "reversed_min_max": (
        with_first("stocking_points", current_max=12.0), 180.0, ("set", "current_max", 30.0),
    ),
    "stock_where_forbidden": (with_first("stocking_points", do_not_stock=True), 400.0, None),
    "demand_without_stock": (lambda tables: tables["stock"].pop(0), None, None),
    "point_without_lane": (
        lambda tables: (tables["lanes"].pop(0), tables.update(receipts=receipts(item_id="B"))), None, None,
    ),
    "stock_without_demand": (lambda tables: tables.update(demand=weekly(item="B")), 400.0, None),
}  # fmt: skip


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_found_with_its_money_and_repair(code):
    tables = sound()
    change, money, repair = FAULTS[code]
    change(tables)
    found = codes_of(tables)
    assert code in found
    row = found[code]
    assert row["detail"]
    if money is not None:
        assert row["money_at_risk"] == pytest.approx(money, rel=0.01)
    if repair is not None:
        assert (row["repair"], row["repair_column"]) == repair[:2]
        if repair[2] is not None:
            assert row["repair_value"] == pytest.approx(repair[2], rel=0.01)


def test_a_sound_company_has_no_doubtful_rows():
    assert codes_of(sound()) == {}


def test_counts_follow_from_movements():
    """40 then; + 50 received - 30 shipped = 60 expected; 20 counted is off by 40, worth 400."""
    tables = sound()
    tables["stock"] = [
        {"date": day(30), "item_id": "A", "location_id": "DC1", "on_hand": 40.0},
        {"date": AS_OF, "item_id": "A", "location_id": "DC1", "on_hand": 20.0},
    ]
    tables["receipts"] = receipts(n=1) + receipts(n=12, item_id="B")
    tables["demand"] = [row for row in weekly() if row["date"] > day(22)] + weekly(item="B")
    found = count_contradicted(company_of(tables), audit.AuditParams())
    assert found.select("key", "money_at_risk").rows() == [(f"A @ DC1 @ {AS_OF}", 400.0)]
    assert "20 counted, 60 expected" in found["detail"].item()
    tables["stock"][1]["on_hand"] = 60.0
    assert count_contradicted(company_of(tables), audit.AuditParams()).is_empty()


def test_loops_of_successors_are_told_from_chains():
    tables = sound()
    tables["items"] += [
        {"item_id": name, "superseded_by": to}
        for name, to in (("C", "D"), ("D", "C"), ("E", "F"), ("F", "A"), ("G", "C"), ("H", "H"))
    ]
    rows = audit.examine(company_of(tables), audit.AuditParams()).rows.filter(code="successor_impossible")
    assert rows["item_id"].to_list() == ["C", "D", "G", "H"]


def test_results_do_not_depend_on_the_order_of_rows():
    tables = sound()
    for change, _, _ in list(FAULTS.values())[:8]:
        change(tables)
    shuffled = {name: rows[::-1] for name, rows in tables.items()}
    one, other = (audit.examine(company_of(given), audit.AuditParams()).rows for given in (tables, shuffled))
    assert one.equals(other)


def test_findings_name_the_worst_first_in_number():
    tables = sound()
    with_first("stock", on_hand=-4.0)(tables)
    found = {each.code: each for each in audit.examine(company_of(tables), audit.AuditParams()).findings}
    finding = found["negative_on_hand"]
    assert finding.what == "1 stock record is below zero (A @ DC1)."
    assert (finding.n_rows, finding.money_at_risk) == (1, 40.0)


def test_nothing_at_all_is_no_error():
    """Empty tables: every check copes."""
    known = {name: table(name).empty() for name in input_tables()}
    result = audit.examine(audit.Company(AS_OF, known, known), audit.AuditParams())
    assert not {row["severity"] for row in result.rows.to_dicts()} & {"warning", "error"}


def test_belief_by_the_plain_sum():
    """Before a plan: m = 10/7 a day; typed 4, real 10 days: 6 days uncovered, 365.25 / 17 times a year."""
    tables = sound()
    tables["lanes"][0]["lead_time_days_set"] = 4.0
    company = company_of(tables)
    lanes = company.known["lanes"].with_columns(mean_days_est=pl.lit(10.0), sd_days_est=pl.lit(0.0))
    row = cost_of_belief(company, lanes).filter(item_id="A").row(0, named=True)
    use = 52 * 10.0 / 359 * 365  # the history is of 359 days
    assert row["shortage_per_year"] == pytest.approx(use / 365.25 * 6 * 365.25 / 17 * 16.0)
    assert row["cash"] == 0.0
