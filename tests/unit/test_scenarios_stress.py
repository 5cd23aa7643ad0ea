"""Stress tests by hand, and against a company that is run day by day."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.disruptions import Disruption
from plimsoll.domain.scenarios import Change
from plimsoll.domain.tables import table
from plimsoll.scenarios import ScenarioParams, flows_of, stress, usual_disruptions

DAY = date(2026, 11, 1)
HORIZON = 200
NO_DEMAND = table("demand").empty()
ARC = ("item_id", "location_id", "kind", "from_item_id", "from_location_id", "quantity", "in_force", "reason")


def company(points, orders=(), bills=()):
    """Return flows; a point: (item, place, source, own a day, on hand, lead) with price 3 and cost 1."""
    names = ["item_id", "location_id", "from_location_id", "own_mean_per_day", "on_hand_qty", "mean_days_est"]
    frame = pl.DataFrame(points, schema=names, orient="row", infer_schema_length=None)
    frame = frame.with_columns(
        pl.col("own_mean_per_day", "on_hand_qty", "mean_days_est").cast(pl.Float64),
        unit_price_eff=3.0,
        unit_cost_eff=1.0,
        category=pl.lit(None, dtype=pl.String),
        backlog_qty=0.0,
        target_service_eff=0.95,
        quantity=0.0,
        planned=True,
        supply_kind=pl.lit("purchase"),
    )
    arcs = pl.DataFrame(
        [(item, at, "bill", part, there, qty, True, "in_force") for item, at, part, there, qty in bills],
        schema={name: table("network_arc").schema[name] for name in ARC},
        orient="row",
    )  # fmt: skip
    tables = dict.fromkeys(("planning_point", "network_stage", "outlook", "policy"), frame)
    tables["lead_time_estimate"] = frame.rename({"location_id": "to_location_id"})
    tables["recommendation"] = frame.rename({"location_id": "to_location_id"})
    tables["network_arc"] = arcs
    keys = ("item_id", "to_location_id")
    due = [
        dict(zip(keys, key, strict=True))
        | {"order_id": f"O{k}", "quantity": float(qty), "due_date": DAY + timedelta(days=day)}
        for k, (*key, day, qty) in enumerate(orders)
    ]
    declared = table("open_orders")
    open_orders = declared.conform(pl.DataFrame(due)) if due else declared.empty()
    return flows_of(tables, open_orders, as_of=DAY), tables


def tried(flows, change, probability=0.1):
    found = stress(flows, [Disruption("d", probability, change)], NO_DEMAND, HORIZON, as_of=DAY)
    return found["stress_disruption"].row(0, named=True), found["stress_item"]


def test_one_item_by_hand():
    # 60 on hand last 6 days at 10 a day. Orders take 5 days and now 5 + 20: what comes on day 25 serves it.
    flows, _ = company([("A", "M", "ACME", 10, 60, 5)])
    row, items = tried(flows, Change("outage", days=20.0, from_="ACME"))
    assert row["survive_days"] == 6.0
    assert row["first_short_days"] == 6.0
    assert row["recover_days"] == 24.0
    # Days 7 to 24 are lost: 18 days of 10 units, of margin 2 and price 3.
    assert row["unmet_value"] == pytest.approx(540.0)
    assert row["money_at_risk"] == pytest.approx(360.0)
    assert row["expected_loss"] == pytest.approx(36.0)
    assert items.row(0, named=True)["unmet_qty"] == pytest.approx(180.0)


def test_an_order_under_way_helps_unless_it_is_hit():
    order = [("A", "M", 4, 100)]
    flows, _ = company([("A", "M", "ACME", 10, 60, 5)], order)
    late = tried(flows, Change("outage", days=20.0, from_="ACME", start=DAY + timedelta(days=6)))[0]
    assert late["start_days"] == 5.0  # it came on day 4: 160 units last 16 days, 11 from the beginning
    assert late["survive_days"] == 11.0
    hit = tried(flows, Change("outage", days=20.0, from_="ACME"))[0]
    assert hit["survive_days"] == 6.0


def test_stock_below_and_other_places_are_counted():
    # The branch sells 10 a day, the centre 5; together 90 units last 6 days. Orders take 2 days, then 32.
    points = [("A", "BR", "DC", 10, 60, 1), ("A", "DC", "ACME", 5, 30, 2)]
    row, items = tried(company(points)[0], Change("outage", days=30.0, from_="ACME"))
    assert (row["n_points"], row["n_items"]) == (1, 1)
    assert row["first_short_days"] == 6.0
    assert row["recover_days"] == 31.0
    assert row["unmet_value"] == pytest.approx(25 * 15 * 3.0)
    assert set(items["via_location_id"]) == {"DC"}


def test_a_part_stops_what_is_made_of_it_and_two_parts_only_once():
    points = [("F", "P", "P", 4, 0, 1), ("X", "P", "ACME", 0, 80, 2), ("Y", "P", "ACME", 0, 20, 2)]
    bills = [("F", "P", "X", "P", 2.0), ("F", "P", "Y", "P", 1.0)]
    row, items = tried(company(points, bills=bills)[0], Change("outage", days=20.0, from_="ACME"))
    # X lasts 80 / 8 = 10 days, Y 20 / 4 = 5; both are back on day 22, and F is lost on days 6 to 21 once.
    assert row["survive_days"] == 5.0
    assert row["unmet_value"] == pytest.approx(16 * 4 * 3.0)
    assert items.select("item_id", "via_item_id").row(0) == ("F", "Y")


def test_a_delay_is_an_outage_from_now_on():
    flows, _ = company([("A", "M", "ACME", 10, 60, 5)], [("A", "M", 30, 40)])
    shared = ("survive_days", "recover_days", "money_at_risk", "days")
    delay = tried(flows, Change("delay", days=20.0, from_="ACME"))[0]
    factor = tried(flows, Change("delay", factor=5.0, from_="ACME"))[0]
    outage = tried(flows, Change("outage", days=20.0, from_="ACME"))[0]
    assert [delay[name] for name in shared] == [outage[name] for name in shared]
    assert factor["days"] == 20.0


def test_enough_stock_loses_nothing():
    flows, _ = company([("A", "M", "ACME", 10, 1000, 5)])
    row, items = tried(flows, Change("outage", days=20.0, from_="ACME"))
    assert (row["money_at_risk"], row["recover_days"], row["survive_days"]) == (0.0, 0.0, None)
    assert items.is_empty()
    assert "last" in row["sentence"]


def day_by_day(stock, rate, lead, orders, start, days, horizon):
    """Run one point day by day; its source stands still from `start` for `days`. Return the units lost."""

    def arrival(day):
        return day if day <= start else day + days

    coming = np.zeros(horizon + 400)
    for day, quantity in orders:
        coming[arrival(day)] += quantity
    for placed in range(horizon + 1):  # what is ordered for the demand of the day after `placed`
        at = placed + lead + 1
        if start < at and placed < start:
            at += days
        elif start <= placed < start + days:
            at = max(start + days + lead, at)
        coming[min(at, horizon + 399)] += rate
    lost = np.zeros(horizon)
    for day in range(1, horizon + 1):
        stock += coming[day]
        served = min(stock, rate)
        lost[day - 1] = rate - served
        stock -= served
    return lost


@pytest.mark.parametrize("seed", range(12))
def test_the_formula_is_the_company_run_day_by_day(seed):
    rng = np.random.default_rng(seed)
    rate, lead, stock = float(rng.integers(1, 9)), int(rng.integers(1, 30)), float(rng.integers(0, 200))
    start, days = int(rng.integers(0, 40)), int(rng.integers(1, 60))
    orders = [(int(rng.integers(1, 60)), float(rng.integers(1, 80))) for _ in range(3)]
    flows, _ = company([("A", "M", "ACME", rate, stock, lead)], [("A", "M", *order) for order in orders])
    change = Change("outage", days=float(days), from_="ACME", start=DAY + timedelta(days=start + 1))
    row, _ = tried(flows, change)
    without = day_by_day(stock, rate, lead, orders, 0, 0, HORIZON)
    extra = np.maximum(day_by_day(stock, rate, lead, orders, start, days, HORIZON) - without, 0.0)
    assert row["unmet_value"] == pytest.approx(3.0 * extra.sum(), abs=1e-6)
    beyond = np.flatnonzero(extra > 0.05 * rate + 1e-9)
    assert row["survive_days"] == (pytest.approx(beyond[0] - start) if len(beyond) else None)


def test_a_customer_who_asks_for_more_takes_the_stock_of_all():
    flows, tables = company([("A", "M", "ACME", 10, 60, 5)])
    demand = table("demand").conform(
        pl.DataFrame(
            [{"date": DAY, "item_id": "A", "location_id": "M", "quantity": qty, "customer_id": name}
             for name, qty in (("C1", 30.0), ("C2", 70.0))]
        )
    )  # fmt: skip
    surge = Change("demand", 3.0, customer="C1", start=DAY + timedelta(days=1), end=DAY + timedelta(days=20))
    found = stress(flows, [Disruption("d", 1.0, surge)], demand, HORIZON, as_of=DAY)["stress_disruption"]
    # 30 % of 10 a day, three times: 6 more. 60 last 3 days of 16; supply follows from day 6 on. Of days 4 and
    # 5, 4 and 16 units are missing, all of which would have been there for 10 a day.
    assert found["first_short_days"][0] == 3.0
    assert found["money_at_risk"][0] == pytest.approx(2.0 * 20.0)
    usual = usual_disruptions(tables, demand, ScenarioParams(top_customers=1), as_of=DAY)
    assert [each.name for each in usual] == ["ACME out", "ACME > M slow", "C2 asks for more"]
