"""Portfolio targets: whose targets stay, what counts, what a goal out of reach says, the curve."""

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.policy import PolicyParams, allocate, portfolio_curve, size
from plimsoll.targets import TargetParams

KEY = ["item_id", "location_id"]
DIE = dict.fromkeys(range(10), 0.1)
POINT = {
    "step_qty": 1.0,
    "review": DIE,
    "lead": {0: 1.0},
    "protection": DIE,
    "rate": 4.5 / 7,
    "protection_days_mean": 7.0,
    "mean_days_est": 0.0,
    "target_service_eff": 0.8,
}
PARAMS = PolicyParams()


@pytest.fixture
def facts(company):
    """Points, demand and targets by rule of points that differ from POINT as given."""

    def build(*given):
        rows = [POINT | {"item": f"I{n}"} | row for n, row in enumerate(given)]
        tables = company(*rows)
        source = pl.Series([row.get("source_of_target", "segment") for row in rows])
        target = tables["target"].with_columns(target_source=source)
        return tables["points"], tables["demand_estimate"], target

    return build


def _goal(goal, **options):
    return TargetParams(portfolio_goal=goal, **options)


def test_without_a_goal_nothing_changes(facts):
    points, demand, target = facts({}, {})
    found = allocate(points, demand, target, TargetParams(), PARAMS)
    assert found.target is target
    assert found.curve.is_empty()
    assert found.findings == ()
    found = allocate(points, demand, target, TargetParams(), PARAMS, (0.9,))
    assert found.target is target
    assert found.curve["goal"].to_list() == [0.9]


def test_the_cheap_serve_more_than_the_dear(facts):
    given = facts({"unit_cost_eff": 1.0}, {"unit_cost_eff": 100.0})
    found = allocate(*given, _goal(0.9), PARAMS)
    cheap, dear = found.target["target_service_eff"]
    assert cheap > 0.9 > dear
    assert found.target["target_source"].to_list() == ["portfolio", "portfolio"]
    assert found.target["target_kind_eff"].to_list() == ["fill", "fill"]
    assert found.target["target_service_opt"].to_list() == [0.8, 0.8]
    assert found.target.schema == table("target").schema
    goal = 14 / 15 - 1e-9  # the fill rate of S = 7, for both: what costs more counts as much more
    by_value = allocate(*given, _goal(goal, portfolio_metric="value"), PARAMS).target
    assert by_value["target_service_eff"].to_list() == pytest.approx([14 / 15, 14 / 15])


def test_margin_counts_price_less_cost_or_cost(facts):
    given = facts({"unit_price_eff": 11.0}, {"unit_price_eff": 40.0}, {"unit_price_eff": 10.0})
    found = allocate(*given, _goal(0.9, portfolio_metric="margin"), PARAMS).target["target_service_eff"]
    assert found[0] < found[2] < found[1]  # margins 1, 30, and 10 of cost


def test_what_people_and_economics_decided_stays_and_counts(facts):
    keeps = {"target_service_eff": 0.5, "target_kind_eff": "fill"}
    given = facts(
        keeps | {"source_of_target": "person"},
        {"target_kind_eff": "economic", "shortage_cost": 1.0},
        {"unit_cost_eff": 0.0} | keeps,
        {},
        {},
    )
    found = allocate(*given, _goal(0.8), PARAMS)
    before = given[2]
    assert found.target.head(3).equals(before.head(3))
    assert found.target["target_source"].to_list()[3:] == ["portfolio", "portfolio"]
    sized = size(*given[:2], found.target, PARAMS)
    assert sized["fill_rate_est"].mean() == pytest.approx(found.curve["promised"][0], abs=1e-12)
    assert sized["fill_rate_est"].mean() >= 0.8 - 1e-9
    assert sized["fill_rate_est"][0] < 0.7 < 0.8 < sized["fill_rate_est"][4]
    assert sized["on_hand_mean_value"].sum() == pytest.approx(found.curve["inventory_value"][0])


@pytest.mark.parametrize("criticality", ["high", "vital"])
def test_critical_items_keep_their_rule_as_a_floor(facts, criticality):
    critical = {"criticality_eff": criticality, "target_service_eff": 0.85, "unit_cost_eff": 1000.0}
    given = facts(critical, {}, {})
    with_floor = allocate(*given, _goal(0.8), PARAMS).target
    assert with_floor.row(0) == given[2].row(0)
    without = allocate(*given, _goal(0.8, portfolio_floors=False), PARAMS).target
    assert without["target_source"][0] == "portfolio"
    sized = [size(*given[:2], target, PARAMS)["cycle_service_est"][0] for target in (with_floor, without)]
    assert sized[0] >= 0.85 > sized[1]
    higher = allocate(*given, _goal(0.999), PARAMS).target  # beyond the floor the portfolio decides
    assert higher["target_source"][0] == "portfolio"


def test_a_goal_out_of_reach_says_how_far_and_why(facts):
    low = {"target_service_eff": 0.1, "target_kind_eff": "fill", "source_of_target": "person"}
    given = facts(low, {}, {"n_demand_periods": 0}, {"planned": False})
    found = allocate(*given, _goal(0.9), PARAMS)
    (finding,) = found.findings
    assert found.target is given[2]
    served = size(*given[:2], found.target, PARAMS)["fill_rate_est"]
    most = (served[0] + 1.0) / 3  # the third point holds nothing, the fourth is not planned
    assert found.curve["promised"][0] == pytest.approx(most)
    assert found.curve["bound_value"][0] is None
    assert finding.what == (
        f"The portfolio goal of 90.00 % cannot be reached: {100 * most:.2f} % is the most; "
        "2 points keep a lower service or hold nothing (I2 @ DC1, I0 @ DC1)."
    )
    assert allocate(*given, _goal(most - 1e-6), PARAMS).findings == ()


def test_a_goal_met_without_stock_costs_nothing(facts):
    lots = {"min_order_qty_eff": 200.0}
    given = facts(lots, lots)
    found = allocate(*given, _goal(0.5), PARAMS)
    row = found.curve.row(0, named=True)
    assert row["shadow_price"] == 0.0
    assert row["promised"] > 0.9
    assert row["bound_value"] == row["inventory_value"]
    assert set(size(*given[:2], found.target, PARAMS)["policy_reason"]) == {"zero_stock_meets_target"}


def test_the_curve_rises_and_a_uniform_target_costs_more(facts):
    rng = np.random.default_rng(3)
    costs = rng.lognormal(1, 1, 40)
    given = facts(*({"unit_cost_eff": float(cost), "rate": float(rate)} for cost, rate in zip(
        costs, rng.choice([0.1, 0.5], 40), strict=True)))  # fmt: skip
    goals = (0.5, 0.7, 0.9, 0.99)
    curve = portfolio_curve(*given, goals, TargetParams(), PARAMS)
    assert curve["goal"].to_list() == list(goals)
    for column in ("promised", "inventory_value", "shadow_price", "uniform_target", "uniform_value"):
        assert curve[column].is_sorted()
    assert (curve["promised"] >= curve["goal"] - 1e-9).all()
    assert (curve["bound_value"] <= curve["inventory_value"]).all()
    assert (curve["inventory_value"] < curve["uniform_value"]).all()
    # the shadow price is the slope of the curve
    near = portfolio_curve(*given, (0.699, 0.701), TargetParams(), PARAMS)
    yearly = given[1]["mean_per_day_est"].sum() * 365.25
    slope = near["bound_value"].diff()[1] / (0.002 * yearly)
    assert slope == pytest.approx(curve["shadow_price"][1], rel=0.2)
    # the goal's own row comes first in the same pass
    both = allocate(*given, _goal(0.7), PARAMS, goals).curve
    assert both.equals(pl.concat([curve[1:2], curve]))


def test_a_uniform_target_is_what_sizing_makes_of_it(facts):
    given = facts(*({"unit_cost_eff": float(n), "min_order_qty_eff": float(n)} for n in range(1, 20)))
    points, demand, target = given
    row = portfolio_curve(*given, (0.9,), TargetParams(), PARAMS).row(0, named=True)
    for share, below in ((row["uniform_target"] - 0.02, True), (row["uniform_target"] + 0.02, False)):
        uniform = target.with_columns(target_kind_eff=pl.lit("fill"), target_service_eff=pl.lit(share))
        sized = size(points, demand, uniform, PARAMS)
        assert (sized["on_hand_mean_value"].sum() < row["uniform_value"]) is below
        assert (sized["fill_rate_est"].mean() < 0.9) is below


def test_lines_count_reviews_with_demand(facts):
    """Ten units at one go in a week of ten are one line; a unit in each are ten lines."""
    rare, often = {0: 0.9, 10: 0.1}, {1: 1.0}
    given = facts(
        *(
            {"review": law, "protection": law, "rate": 1 / 7, "sd_per_period_obs": 1.0}
            for law in (rare, often)
        )
    )
    for metric, served in (("units", 0.5), ("lines", 10 / 11)):
        found = allocate(*given, _goal(0.4, portfolio_metric=metric, portfolio_floors=False), PARAMS)
        assert found.target["target_service_eff"].to_list() == pytest.approx([0.0, 1.0])
        assert found.curve["promised"][0] == pytest.approx(served)


def test_no_points_and_no_demand(facts):
    points, demand, target = facts({})
    none = allocate(points.clear(), demand.clear(), target.clear(), _goal(0.9), PARAMS)
    assert none.target.is_empty()
    dead = {"rate": 0.0, "protection": {0: 1.0}, "review": {0: 1.0}}
    for metric in ("units", "value", "margin", "lines"):
        found = allocate(*facts(dead, dead), _goal(0.9, portfolio_metric=metric), PARAMS)
        assert found.curve["promised"].to_list() == [1.0]
        assert found.findings == ()
