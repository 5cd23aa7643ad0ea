"""What must hold for any company: arithmetic of positions and money, order of rows, more stock."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from plimsoll.measure import MeasureParams, before_after, inventory_health, totals
from plimsoll.replenish import ReplenishParams, recommend

AS_OF = date(2026, 11, 21)
N = 400


@pytest.fixture(scope="module")
def tables(company):
    rng = np.random.default_rng(5)

    def point(n):
        spread, lot = int(rng.integers(1, 40)), float(rng.integers(1, 80))
        mean = float(rng.integers(0, 60))
        return {
            "item": f"I{n:03d}",
            "at": str(rng.choice(["DC1", "BR1"])),
            "kind": str(rng.choice(["purchase", "transfer", "production"])),
            "unit_cost_eff": float(rng.choice([0.0, 0.35, 7.25, 1999.0])),
            "unit_price_eff": float(rng.integers(1, 90)),
            "protection": {mean: 0.5, mean + spread: 0.3, mean + 3 * spread: 0.2},
            "step_qty": 1.0,
            "rate": float(rng.choice([0.0, 0.0001, 0.05, 2.0])),
            "policy": str(rng.choice(["s_S", "s_nQ", "base_stock", "none"])),
            "s": float(rng.integers(0, 90)),
            "lot_qty": lot,
            "economic_lot_qty": lot / 2,
            "min_order_qty_eff": float(rng.choice([0.0, 1.0, 50.0])),
            "order_multiple_eff": float(rng.choice([0.0, 1.0, 12.0])),
            "buffer_lead_time_qty": float(rng.integers(-5, 20)),
            "lead_time_days_set": rng.choice([None, 3.0, 40.0]),
            "current_min": rng.choice([None, 10.0]),
            "current_max": rng.choice([None, 10.0, 40.0]),
            "stock": (float(rng.integers(-3, 300)), float(rng.integers(0, 5)), float(rng.integers(0, 9))),
            "open": [(float(rng.integers(1, 50)), None, date(2026, 11, 18 + int(rng.integers(0, 9))))],
        }

    return company(*[point(n) for n in range(N)])


def run(tables):
    facts = {name: frame for name, frame in tables.items() if name != "target"}
    today = recommend(**facts, params=ReplenishParams(), as_of=AS_OF)
    known = tables["points"], tables["demand_estimate"], tables["policy"]
    health = inventory_health(*known, today.outlook, MeasureParams())
    compared = before_after(health, tables["policy"], tables["points"], tables["demand_estimate"])
    grand = totals(health, tables["points"], tables["target"], ["abc", "location_id"])
    return {
        "recommendation": today.recommendation,
        "outlook": today.outlook,
        "health": health,
        "before_after": compared,
        "totals": grand,
    }


@pytest.fixture(scope="module")
def plan(tables):
    return run(tables)


def test_position_is_the_sum_of_its_parts(plan):
    for frame in (plan["outlook"], plan["recommendation"]):
        parts = frame["on_hand_qty"] + frame["on_order_qty"] - frame["backlog_qty"]
        assert (parts - frame["position_qty"]).abs().max() < 1e-9


def test_orders_lift_the_position_above_the_reorder_point_in_whole_lots(plan, tables):
    orders = plan["recommendation"].join(
        tables["policy"].drop("reorder_point_qty", "order_up_to_qty"),
        left_on=["item_id", "to_location_id"],
        right_on=["item_id", "location_id"],
    )
    assert orders.height > N / 10
    after = orders["position_qty"] + orders["quantity"]
    held = orders["policy"] != "none"
    assert (after.filter(held) >= orders["reorder_point_qty"].filter(held)).all()
    assert (orders["quantity"] >= orders["min_order_qty"]).all()
    size = orders.select(pl.col("order_multiple").replace({0.0: 1.0})).to_series()
    assert (orders["quantity"] % size == 0).all()


def test_parts_of_the_stock_sum_to_its_value(plan):
    health = plan["health"]
    parts = health.select(
        pl.sum_horizontal(f"{part}_value" for part in ("healthy", "excess", "slow", "dead"))
    )
    gap = (parts.to_series() - health["on_hand_value"]).abs()
    assert (gap <= 1e-9 * (1 + health["on_hand_value"])).all()
    assert plan["totals"]["on_hand_value"].sum() == pytest.approx(health["on_hand_value"].sum())


def test_sentences_are_complete(plan):
    orders = plan["recommendation"]
    assert orders["sentence"].str.contains(r"^(Order|Move|Make) [0-9,]+ (from|at) .*[^.,;: ]\.$").all()
    assert not orders["sentence"].str.contains(r"null|NaN|\{|\}|  |\.\.").any()
    assert not orders["drivers"].str.contains("NaN").any()


def test_doubling_the_currency_doubles_money_and_nothing_else(plan, tables):
    twice = run(
        tables
        | {
            "points": tables["points"].with_columns(pl.col("unit_cost_eff", "unit_price_eff") * 2),
            "policy": tables["policy"].with_columns(pl.col("on_hand_mean_value") * 2),
        }
    )
    money = {"unit_cost", "value", "money_at_risk", "cash_to_release", "carrying_cost_per_year"}
    for name in ("recommendation", "outlook", "health", "totals"):
        scaled = [column for column in plan[name].columns if column in money or column.endswith("_value")]
        assert_frame_equal(plan[name].with_columns(pl.col(scaled) * 2), twice[name], check_exact=True)
    factor = pl.when(pl.col("unit") == "money").then(2.0).otherwise(1.0)
    assert_frame_equal(
        plan["before_after"].with_columns(pl.col("before", "after") * factor), twice["before_after"]
    )


def test_order_of_rows_is_irrelevant(plan, tables):
    shuffled = run({name: frame.sample(fraction=1.0, shuffle=True, seed=3) for name, frame in tables.items()})
    for name, frame in plan.items():
        assert_frame_equal(frame, shuffled[name], check_exact=True)


def test_totals_do_not_depend_on_the_order_of_their_input(plan, tables):
    mixed = plan["health"].sample(fraction=1.0, shuffle=True, seed=4)
    again = totals(mixed, tables["points"], tables["target"], ["abc", "location_id"])
    assert_frame_equal(plan["totals"], again, check_exact=True)


def test_more_stock_never_lowers_cash_to_release_nor_raises_risk(plan, tables):
    before = plan
    for extra in (1.0, 30.0, 400.0):
        more = run(tables | {"stock": tables["stock"].with_columns(pl.col("on_hand") + extra)})
        assert (more["health"]["cash_to_release"] - before["health"]["cash_to_release"]).min() >= -1e-9
        assert (more["outlook"]["money_at_risk"] - before["outlook"]["money_at_risk"]).max() <= 1e-9
        assert (more["health"]["short_qty"] <= before["health"]["short_qty"]).all()
        before = more


def test_inputs_are_left_alone(tables):
    copies = {name: frame.clone() for name, frame in tables.items()}
    run(tables)
    for name, frame in tables.items():
        assert_frame_equal(frame, copies[name], check_exact=True)
