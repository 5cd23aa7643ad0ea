"""Warnings, actions, ends and new items on small companies."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll import demand, lifecycle
from plimsoll.domain.tables import table

AS_OF = date(2026, 11, 21)
PARAMS = lifecycle.LifecycleParams()
KEY = ["item_id", "location_id"]


def facts(**frames):
    names = ("stock", "open_orders", "receipts", "availability", "items", "events")
    return {name: table(name).empty() for name in names} | frames


def points_of(*rows):
    """Planning points with the values of a plain one, changed as given."""
    plain = {
        "location_id": "M", "from_location_id": "Acme", "supply_kind": "purchase", "unit_cost_eff": 10.0,
        "unit_price_eff": 20.0, "review_days_eff": 7.0, "holding_rate_eff": 0.0,
        "unmet_demand_eff": "backlog", "min_order_qty_eff": 0.0, "order_multiple_eff": 0.0,
        "order_cost_eff": 0.0, "criticality_eff": "normal",
        "demand_last_year_qty": 0.0, "planned": True, "category": "pumps",
    }  # fmt: skip
    filled = [plain | row for row in rows]
    schema = {name: table("planning_point").schema[name] for name in {key for row in filled for key in row}}
    return table("planning_point").conform(pl.DataFrame(filled, schema=schema))


def monthly(item, units, at="M"):
    """Demand in the middle of each of the last months, the last one in the month up to `AS_OF`."""
    n = len(units)
    rows = [
        {"date": AS_OF - timedelta(days=round(30.44 * (n - 1 - k)) + 10), "item_id": item, "location_id": at,
         "quantity": float(u)}
        for k, u in enumerate(units) if u
    ]  # fmt: skip
    return pl.DataFrame(
        rows, schema={name: table("demand").schema[name] for name in ("date", *KEY, "quantity")}
    )


def stock_of(*rows):
    frame = [
        {"date": AS_OF, "item_id": item, "location_id": at, "on_hand": units} for item, at, units in rows
    ]
    return table("stock").conform(pl.DataFrame(frame))


def warned(lines, points, **frames):
    told = table("demand").conform(pl.concat(lines).with_row_index("order_id").cast({"order_id": pl.String}))
    return lifecycle.obsolescence(told, points, facts(**frames), PARAMS, demand.DemandParams(), as_of=AS_OF)


def market(n=40):
    """Lines and points of steady items, so that the model knows what life looks like."""
    rng = np.random.default_rng(1)
    lines = [monthly(f"S{i:02}", rng.poisson(3, 30)) for i in range(n)]
    return lines, [{"item_id": f"S{i:02}"} for i in range(n)]


def test_silence_is_warned_of_and_steady_demand_is_not():
    lines, rows = market()
    lines += [monthly("DEAD", [4] * 12 + [0] * 18), monthly("LIVE", [4] * 30)]
    found = warned(lines, points_of(*rows, {"item_id": "DEAD"}, {"item_id": "LIVE"}),
                   stock=stock_of(("DEAD", "M", 50.0), ("LIVE", "M", 50.0)))  # fmt: skip
    row = {one["item_id"]: one for one in found.to_dicts()}
    assert row["DEAD"]["grade"] == "over"
    assert row["DEAD"]["no_demand_probability"] > 0.9
    assert row["DEAD"]["months_since_demand"] == 18
    assert row["DEAD"]["writeoff_value"] == pytest.approx(500.0, rel=0.1)
    assert row["LIVE"]["grade"] == "none"
    assert row["LIVE"]["writeoff_value"] < 50.0
    assert (row["DEAD"]["method_used"], row["DEAD"]["action"]) == ("hidden_death", "scrap")
    assert "past endings" in row["DEAD"]["fallback_reason"]


def test_steep_decline_is_called_fading():
    lines, rows = market()
    lines.append(monthly("FADE", [60] * 20 + [30, 32, 29, 20, 18, 15]))
    found = warned(lines, points_of(*rows, {"item_id": "FADE"})).filter(pl.col("item_id") == "FADE")
    assert found["grade"].item() == "fading"
    assert found["velocity_change"].item() == pytest.approx(144 / 360 - 1)


def test_actions_follow_the_money():
    lines, rows = market()
    lines += [
        monthly("D", [4] * 12 + [0] * 18),
        monthly("D", [5] * 30, "BR1"),
        monthly("R", [4] * 12 + [0] * 18),
    ]
    points = points_of(*rows, {"item_id": "D"}, {"item_id": "D", "location_id": "BR1"}, {"item_id": "R"})
    got = {
        "order_id": "P1", "item_id": "R", "to_location_id": "M", "from_location_id": "Acme",
        "received_date": AS_OF - timedelta(days=30), "quantity": 12.0,
    }  # fmt: skip
    found = warned(
        lines,
        points,
        stock=stock_of(("D", "M", 30.0), ("R", "M", 30.0)),
        receipts=table("receipts").conform(pl.DataFrame([got])),
    )
    row = {(one["item_id"], one["location_id"]): one for one in found.to_dicts()}
    assert (row["D", "M"]["action"], row["D", "M"]["action_to_location_id"]) == ("transfer", "BR1")
    assert row["D", "M"]["action_value"] == pytest.approx(row["D", "M"]["action_qty"] * 9.5)
    assert (row["R", "M"]["action"], row["R", "M"]["action_qty"]) == ("return", 12.0)
    assert row["R", "M"]["action_value"] == pytest.approx(12 * 8.0)
    assert row["D", "BR1"]["action"] == "none"


def test_an_announced_end_leaves_nothing_to_expect():
    lines, rows = market(20)
    points = points_of(*rows[1:], {"item_id": "S00", "end_date": AS_OF})
    found = warned(lines, points, stock=stock_of(("S00", "M", 8.0))).filter(pl.col("item_id") == "S00")
    row = found.to_dicts()[0]
    assert (row["grade"], row["method_used"], row["no_demand_probability"]) == ("over", "announced", 1.0)
    assert row["writeoff_value"] == 80.0


def test_nothing_later_and_no_order_of_rows_has_influence():
    lines, rows = market(20)
    told = table("demand").conform(pl.concat(lines).with_row_index("order_id").cast({"order_id": pl.String}))
    later = told.with_columns(pl.col("date") + pl.duration(days=1000), pl.col("order_id") + "x")
    points, frames = points_of(*rows), facts(stock=stock_of(("S00", "M", 8.0)))
    given = PARAMS, demand.DemandParams()
    plain = lifecycle.obsolescence(told, points, frames, *given, as_of=AS_OF)
    mixed = pl.concat([later, told]).sample(fraction=1.0, shuffle=True, seed=3)
    assert lifecycle.obsolescence(mixed, points.reverse(), frames, *given, as_of=AS_OF).equals(plain)


def test_an_empty_company_has_no_warnings():
    empty = table("planning_point").empty()
    given = table("demand").empty(), empty, facts(), PARAMS, demand.DemandParams()
    assert lifecycle.obsolescence(*given, as_of=AS_OF).is_empty()


def lanes_of(points, days=(14.0,)):
    atoms = {
        "atom_days": [list(days)] * points.height,
        "atom_probability": [[1 / len(days)] * len(days)] * points.height,
    }
    return points.select("item_id", "from_location_id", to_location_id="location_id").with_columns(
        pl.Series(name, values) for name, values in atoms.items()
    ).with_columns(mean_days_est=pl.lit(float(np.mean(days))))  # fmt: skip


def estimated(lines, points, lanes):
    told = table("demand").conform(pl.concat(lines).with_row_index("order_id").cast({"order_id": pl.String}))
    return told, demand.estimate(told, points, lanes, demand.DemandParams(), as_of=AS_OF, seed=1)


def test_demand_after_the_end_is_no_demand():
    lines, rows = market(5)
    ends = {"S00": 3, "S01": 10, "S02": 400}
    rows = [
        row | ({"end_date": AS_OF + timedelta(days=ends[row["item_id"]])} if row["item_id"] in ends else {})
        for row in rows
    ]
    points = points_of(*rows)
    lanes = lanes_of(points, (10.0, 18.0))
    _, before = estimated(lines, points, lanes)
    after = lifecycle.end_demand(before, points, lanes, demand.DemandParams(), as_of=AS_OF)
    rate = before["mean_per_day_est"]
    assert after["mean_protection_qty"][0] == pytest.approx(3 * rate[0], rel=1e-6)
    assert after["mean_protection_qty"][1] == pytest.approx(10 * rate[1], rel=1e-6)
    assert after["protection_days_mean"].to_list()[:2] == pytest.approx([3.0, 10.0])
    assert after[2:].equals(before[2:])


def test_the_last_buy_is_due_when_its_day_is_near():
    lines, rows = market(4)
    for row, days in zip(rows, (30, 300, 5, None), strict=True):
        row["end_date"] = AS_OF + timedelta(days=days) if days else None
    points = points_of(*rows)
    lanes = lanes_of(points)
    _, before = estimated(lines, points, lanes)
    warnings = warned(lines, points)
    buys = lifecycle.last_time_buys(points, lanes, before, facts(), warnings, PARAMS, as_of=AS_OF)
    assert buys["status"].to_list() == ["due", "later", "too_late"]
    assert buys["days_left"].to_list() == [16, 286, -9]
    due = buys.row(0, named=True)
    assert due["buy_qty"] == due["level_qty"] > 0  # no stock: all of it
    assert f"Last buy of {due['buy_qty']:.0f} by 2026-12-07" in due["sentence"]
    assert buys["expected_qty"][1] == pytest.approx(300 * before["mean_per_day_est"][1], rel=0.3)


def test_the_end_of_supply_is_bought_for_the_tail():
    lines, rows = market(2)
    points = points_of(*rows)
    lanes = lanes_of(points)
    event = {
        "item_id": "S00",
        "location_id": "M",
        "kind": "phase_out",
        "start": AS_OF,
        "end": AS_OF + timedelta(days=20),
    }
    _, before = estimated(lines, points, lanes)
    events = table("events").conform(pl.DataFrame([event]))
    buys = lifecycle.last_time_buys(
        points, lanes, before, facts(events=events), warned(lines, points), PARAMS, as_of=AS_OF
    )
    row = buys.row(0, named=True)
    assert (row["kind"], row["status"], row["last_order_date"]) == (
        "end_of_supply",
        "due",
        date(2026, 12, 11),
    )
    assert row["expected_qty"] > 300 * before["mean_per_day_est"][0]
    known = events.with_columns(quantity=pl.lit(100.0), quantity_sd=pl.lit(0.0))
    buys = lifecycle.last_time_buys(
        points, lanes, before, facts(events=known), warned(lines, points), PARAMS, as_of=AS_OF
    )
    assert buys["expected_qty"].item() == 100.0
    assert buys["level_qty"].item() == pytest.approx(100.0, abs=15.0)  # nearly Poisson at least


def test_engineered_items_are_suggested_with_their_evidence():
    odd = [
        {"item_id": "ENG", "customer_id": f"C{n}", "order_id": f"E{n}", "quantity": 3.0 + 7 * n}
        for n in range(9)
    ]
    usual = [
        {"item_id": "STD", "customer_id": f"C{n % 3}", "order_id": f"U{n}", "quantity": 5.0} for n in range(9)
    ]
    lines = table("demand").conform(
        pl.DataFrame(odd + usual).with_columns(date=pl.lit(date(2026, 5, 1)), location_id=pl.lit("M"))
    )
    items = table("items").conform(pl.DataFrame({"item_id": ["ENG", "STD"]}))
    points = points_of({"item_id": "ENG"}, {"item_id": "STD"})
    known = facts(items=items, stock=stock_of(("ENG", "M", 2.0)))
    found, (finding,) = lifecycle.engineered(lines, points, known, PARAMS, as_of=AS_OF)
    assert found["item_id"].to_list() == ["ENG"]
    assert found["on_hand_value"].item() == 20.0
    assert finding.code == "engineered_unflagged"
    flagged = known | {"items": items.with_columns(make_to=pl.lit("engineer"))}
    assert lifecycle.engineered(lines, points, flagged, PARAMS, as_of=AS_OF)[0].is_empty()
