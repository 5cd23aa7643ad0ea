"""What a replay knows of a past day, which periods it runs, and the world that every rule meets."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll import replay
from plimsoll.domain.errors import InputError
from plimsoll.domain.tables import input_tables, table
from plimsoll.replay.world import build_world

MONDAY = date(2026, 1, 5)
WEEKS = 40
END = MONDAY + timedelta(days=7 * WEEKS - 1)
PARAMS = replay.ReplayParams(periods=10, every=5, history_periods=20, point_periods=8)


def _lines(item, weeks, quantity=2.0):
    return [
        {
            "date": MONDAY + timedelta(days=7 * t + 2), "item_id": item, "location_id": "M",
            "quantity": quantity, "order_id": f"{item}-{t}",
        }
        for t in weeks
    ]  # fmt: skip


def _facts(**given):
    rows = {"demand": _lines("A", range(WEEKS)) + _lines("B", range(0, WEEKS, 2), 5.0)} | given
    return {
        name: table(name).conform(pl.DataFrame(rows[name], infer_schema_length=None))
        if name in rows
        else table(name).empty()
        for name in input_tables()
    }


def _points(make_points=("A", "B"), **given):
    base = {
        "location_id": "M", "from_location_id": "S", "supply_kind": "purchase", "unit_cost_eff": 3.0,
        "unit_price_eff": 5.0, "review_days_eff": 7.0, "holding_rate_eff": 0.2, "unmet_demand_eff": "backlog",
        "min_order_qty_eff": 0.0, "order_multiple_eff": 0.0, "order_cost_eff": 0.0,
        "criticality_eff": "normal", "demand_last_year_qty": 0.0, "planned": True,
    }  # fmt: skip
    return table("planning_point").conform(
        pl.DataFrame([base | {"item_id": item} | given for item in make_points])
    )


def _lanes(points, days=(10.0,), shares=(1.0,)):
    mean = float(np.dot(days, shares))
    return table("lead_time_estimate").conform(
        points.select("item_id", "from_location_id", to_location_id="location_id").with_columns(
            mean_days_est=pl.lit(mean), sd_days_est=pl.lit(0.0), n_receipts_item=pl.lit(0),
            n_receipts_lane=pl.lit(0), n_receipts_supplier=pl.lit(0), weight_item=pl.lit(0.0),
            weight_lane=pl.lit(0.0), weight_supplier=pl.lit(0.0), method_used=pl.lit("typed"),
            method_wanted=pl.lit("typed"), atom_days=pl.lit(list(days)),
            atom_probability=pl.lit(list(shares)),
        )
    )  # fmt: skip


def _built(facts, points=None, params=PARAMS, **lane):
    points = _points() if points is None else points
    clock = replay.clock_of(MONDAY, END, "week", params)
    return build_world(facts, points, _lanes(points, **lane), clock, params, seed=1)


def _receipt(order, ordered, days, item="A", **given):
    row = {
        "order_id": order, "line": "1", "item_id": item, "to_location_id": "M", "from_location_id": "S",
        "ordered_date": ordered, "received_date": ordered + timedelta(days=days), "quantity": 6.0,
    }  # fmt: skip
    return row | given


def test_a_year_is_replayed_where_it_is_known_else_a_third():
    params = replay.ReplayParams()
    assert replay.clock_of(date(2024, 1, 1), END, "week", params).periods == 52
    assert replay.clock_of(MONDAY, END, "week", params).periods == 13
    assert replay.clock_of(date(2020, 1, 1), date(2026, 10, 31), "month", params).ends[-1] == date(
        2026, 10, 31
    )


def test_too_short_a_history_is_refused():
    with pytest.raises(
        InputError, match=r"40 weeks of demand are known up to .*: too few to replay 30"
    ) as told:
        replay.clock_of(MONDAY, END, "week", replay.ReplayParams(periods=30))
    assert "26 weeks of history" in told.value.why


def test_open_orders_of_a_past_day_are_what_came_later():
    day = date(2026, 6, 7)
    receipts = [
        _receipt("P1", date(2026, 5, 1), 20),
        _receipt("P2", date(2026, 6, 1), 20, promised_date=date(2026, 6, 15)),
        _receipt("P2", date(2026, 6, 1), 30, quantity=4.0, promised_date=date(2026, 6, 15)),
        _receipt("P3", date(2026, 6, 8), 20),
    ]
    still = {
        "order_id": "P0",
        "line": "1",
        "item_id": "A",
        "to_location_id": "M",
        "ordered_date": day,
        "quantity": 9.0,
    }
    then = replay.known_then(_facts(receipts=receipts, open_orders=[still]), day)
    assert then["receipts"]["order_id"].to_list() == ["P1"]
    assert then["open_orders"].sort("order_id").select("order_id", "quantity").rows() == [
        ("P0", 9.0),
        ("P2", 10.0),
    ]
    assert then["open_orders"].filter(order_id="P2")["due_date"].to_list() == [date(2026, 6, 15)]
    assert then["open_orders"].schema == table("open_orders").schema


def test_ends_and_successors_of_later_days_are_not_known():
    items = [
        {"item_id": "A", "end_date": date(2026, 8, 1), "superseded_by": "B"},
        {"item_id": "B", "launch_date": date(2026, 7, 1)},
    ]
    facts = _facts(items=items)
    for day, end, heir in (
        (date(2026, 3, 1), None, None),
        (date(2026, 6, 1), date(2026, 8, 1), None),
        (date(2026, 7, 1), date(2026, 8, 1), "B"),
    ):
        row = replay.known_then(facts, day, notice_days=90)["items"].filter(item_id="A").row(0, named=True)
        assert (row["end_date"], row["superseded_by"]) == (end, heir), day


def test_a_successor_without_a_launch_takes_over_no_sooner_than_the_end_is_known():
    items = [{"item_id": "A", "end_date": date(2026, 8, 1), "superseded_by": "B"}, {"item_id": "B"}]
    for day, heir in ((date(2026, 3, 1), None), (date(2026, 6, 1), "B")):
        row = replay.known_then(_facts(items=items), day, notice_days=90)["items"].filter(item_id="A")
        assert row["superseded_by"].to_list() == [heir], day


def test_demand_is_that_of_the_weeks_replayed():
    world = _built(_facts()).world
    assert world.points["item_id"].to_list() == ["A", "B"]
    assert world.demand[0].tolist() == [0.0] + [2.0] * 10
    assert world.demand[1].tolist() == [0.0] + [5.0, 0.0] * 5
    assert world.points["customers"].to_list() == [20.0, 25.0]
    assert world.lines.filter(row=0)["column"].to_list() == list(range(1, 11))


@pytest.mark.parametrize(("choice", "lowest", "highest"), [("mean", 1, 2), ("sampled", 1, 3)])
def test_lead_times_keep_their_mean(choice, lowest, highest):
    points = _points([f"I{k}" for k in range(300)])
    facts = _facts(demand=[line for item in points["item_id"] for line in _lines(item, (0, 39))])
    params = PARAMS.model_copy(update={"lead_times": choice})
    days = {"days": (7.0, 17.0), "shares": (0.5, 0.5)} if choice == "sampled" else {"days": (12.0,)}
    lead = _built(facts, points, params, **days).world.lead
    assert (lead.min(), lead.max()) == (lowest, highest)
    # 3,300 draws of a deviation below 1 period: 4.5 standard errors are 0.08; false alarm below 1e-5
    assert lead.mean() == pytest.approx(12.0 / 7.0, abs=0.08)


def test_an_actual_lead_time_is_that_of_the_nearest_order():
    start = _built(_facts()).world.clock.start
    receipts = [_receipt("P1", start - timedelta(days=3), 14), _receipt("P2", start + timedelta(days=40), 28)]
    hurried = _receipt("P3", start + timedelta(days=1), 0, expedited=True)
    built = _built(_facts(receipts=[*receipts, hurried]))
    assert built.world.lead[0].tolist() == [2, 2, 2, 4, 4, 4, 4, 4, 4, 4, 4]
    assert set(built.world.lead[1].tolist()) == {1, 2}, "B has no receipt: drawn from the estimate, 10 days"
    assert [found.n_rows for found in built.findings if found.code == "replay_lead_time_stands_in"] == [1]


def test_stock_and_orders_at_the_start_are_those_on_record():
    start = _built(_facts()).world.clock.start
    count = {
        "date": start - timedelta(days=2), "item_id": "A", "location_id": "M", "on_hand": 8.0,
        "backlog": 1.0, "allocated": 2.0,
    }  # fmt: skip
    late = {"date": start + timedelta(days=3), "item_id": "B", "location_id": "M", "on_hand": 70.0}
    receipts = [
        _receipt("P1", start - timedelta(days=9), 23),
        _receipt("P2", start - timedelta(days=9), 30, item="B"),
    ]
    facts = _facts(stock=[count, late], receipts=receipts)
    built = _built(facts)
    world = built.world
    assert world.on_hand.tolist() == [8.0, 0.0]
    assert world.backlog.tolist() == [3.0, 0.0]
    assert world.is_counted.tolist() == [True, False]
    assert np.flatnonzero(world.arrivals[0]).tolist() == [3], (
        "14 days after the start: two whole weeks and one"
    )
    assert not world.arrivals[1].any(), "nothing on order where the start is not known"
    assert [found.n_rows for found in built.findings if found.code == "replay_start_unknown"] == [1]
    nearest = _built(facts, params=PARAMS.model_copy(update={"start": "nearest"})).world
    assert nearest.on_hand.tolist() == [8.0, 70.0]
    target = _built(facts, params=PARAMS.model_copy(update={"start": "first_target"})).world
    assert target.is_counted.tolist() == [False, False]
    assert target.on_hand.tolist() == [0.0, 0.0]
    assert target.warm_up == 2


def test_points_that_cannot_be_replayed_are_left_out_and_counted():
    demand = _lines("A", range(WEEKS)) + _lines("NEW", range(25, WEEKS)) + _lines("GAPS", range(30))
    unseen = [
        {"date": MONDAY + timedelta(days=7 * t), "item_id": "GAPS", "location_id": "M", "in_stock": False}
        for t in range(32, WEEKS)
    ]
    points = pl.concat(
        [_points(["A", "GAPS"]), _points(["NEW"], launch_date=MONDAY + timedelta(days=7 * 25))]
    )
    points = table("planning_point").conform(points)
    built = _built(_facts(demand=demand, availability=unseen), points)
    assert built.world.points["item_id"].to_list() == ["A"]
    assert built.left_out.select("item_id", "reason").rows() == [("GAPS", "gaps"), ("NEW", "history_short")]
    said = replay.left_out_findings(built.left_out, built.world.clock, PARAMS)
    assert [found.code for found in said] == ["replay_history_short", "replay_gaps"]
    assert said[0].what.startswith("1 stocking point had fewer than 8 periods")


def test_lead_times_longer_than_the_replay_leave_a_point_out():
    built = _built(_facts(), days=(75.0,))
    assert built.left_out["reason"].to_list() == ["lead_time_long"] * 2
    (said,) = replay.left_out_findings(built.left_out, built.world.clock, PARAMS)
    assert "longer than the 10 replayed periods" in said.what
