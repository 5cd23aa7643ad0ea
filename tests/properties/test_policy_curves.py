"""Cost-to-service curves: segments add up to the company, curves rise, and one target costs more."""

import numpy as np
import polars as pl
import pytest

from plimsoll.policy import PolicyParams, size
from plimsoll.policy.at_levels import at_levels
from plimsoll.policy.portfolio import choose
from plimsoll.policy.portfolio_choice import least_value
from plimsoll.policy.portfolio_curves import SEGMENTS, cost_curves, portfolio_of, service_choices
from plimsoll.targets import TargetParams

KEY = ["item_id", "location_id"]
N = 90
PARAMS = PolicyParams()
METRICS = ("units", "value", "margin", "lines")
SUMS = ("demanded", "short", "inventory_value", "n_points")


@pytest.fixture(scope="module")
def facts(company):
    """Points of several classes, places and groups; some hold nothing, some are fixed by a person."""
    rng = np.random.default_rng(23)
    rows = []
    for k in range(N):
        review = rng.dirichlet(np.full(6, 0.6))
        lead = rng.dirichlet(np.full(rng.integers(1, 9), 0.7))
        laws = {"review": review, "lead": lead, "protection": np.convolve(review, lead)}
        rows.append({
            "item": f"I{k:03}", "at": f"DC{k % 3}", "step_qty": 1.0,
            "rate": float(review @ np.arange(6)) / 7.0, "unit_cost_eff": float(rng.lognormal(1, 1)),
            "unit_price_eff": float(rng.lognormal(3, 1)), "abc": "ABC"[k % 3], "xyz": "XYZ"[k % 2],
            "category": [None, "Valves", "Pumps"][k % 3], "n_demand_periods": 0 if k == 7 else 30,
            "planned": k != 8, "min_order_qty_eff": float(3 * (k % 4 == 1)), "target_service_eff": 0.9,
            **{name: dict(enumerate(law.tolist())) for name, law in laws.items()},
        })  # fmt: skip
    tables = company(*rows)
    by_person = pl.when(pl.col("item_id").is_in(["I003", "I004"])).then(pl.lit("person"))
    target = tables["target"].with_columns(target_source=by_person.otherwise("target_source"))
    return tables["points"], tables["demand_estimate"], target


@pytest.fixture(scope="module", params=METRICS)
def told(facts, request):
    params = TargetParams(portfolio_goal=0.93, portfolio_metric=request.param)
    plan = size(*facts, PARAMS).select(
        *KEY,
        reorder_point_set=pl.when(pl.col("policy") != "none").then("reorder_point_qty"),
        order_up_to_set=pl.when(pl.col("policy") != "none").then("order_up_to_qty"),
    )
    portfolio = portfolio_of(*facts, {"plan": plan}, params, PARAMS)
    chosen = choose(portfolio.hulls, params)
    return portfolio, chosen, cost_curves(portfolio, chosen)


@pytest.mark.parametrize("by", SEGMENTS)
def test_segments_add_up_to_the_company(told, by):
    curve = told[2]
    company = curve.filter(by="company").sort("curve", "step")
    sums = curve.filter(by=by).group_by("curve", "step").agg(pl.col(SUMS).sum()).sort("curve", "step")
    for name in SUMS:
        np.testing.assert_allclose(sums[name], company[name], rtol=1e-9, atol=1e-9)
    whole = company.with_columns(again=1.0 - pl.col("short") / pl.col("demanded"))
    np.testing.assert_allclose(whole["service"], whole["again"], atol=1e-12)
    assert sums.height == company.height


def test_curves_rise_and_one_target_costs_more(told):
    portfolio, _, curve = told
    for segments in curve.filter(pl.col("curve") == "optimised").partition_by("by", "segment"):
        rows = segments.sort("step")
        assert rows["service"].is_sorted()
        assert rows["inventory_value"].is_sorted()
        prices = curve.filter(by="company", curve="optimised").sort("step")["shadow_price"]
        assert rows["shadow_price"].equals(prices)
    best, one = (
        curve.filter(by="company", curve=name).sort("service") for name in ("optimised", "single_target")
    )
    inside = one.filter(pl.col("service").is_between(best["service"].min(), best["service"].max()))
    least = [least_value(portfolio.hulls, goal).bound for goal in inside["service"] - 1e-9]
    assert inside.height > 5
    assert (inside["inventory_value"] >= pl.Series(least) * (1 - 1e-9)).all()
    assert (inside["inventory_value"].to_numpy() > 1.02 * np.array(least)).any()


def test_a_step_is_the_least_stock_for_its_service(told):
    portfolio, _, curve = told
    rows = curve.filter(by="company", curve="optimised").sort("step").gather_every(9)
    for service, value in rows.select("service", "inventory_value").iter_rows():
        assert least_value(portfolio.hulls, service).bound == pytest.approx(value, rel=1e-6)


def test_the_choice_point_by_point_is_the_step_chosen(told):
    portfolio, chosen, curve = told
    choices = service_choices(portfolio, chosen)
    row = curve.filter(by="company", curve="chosen").row(0, named=True)
    assert row["inventory_value"] == pytest.approx(chosen.value, rel=1e-12)
    assert row["service"] == pytest.approx(chosen.promised, rel=1e-12)
    assert choices["stock_chosen_value"].sum() == pytest.approx(chosen.value, rel=1e-12)
    plan = curve.filter(by="company", curve="plan").row(0, named=True)
    assert choices["stock_now_value"].sum() == pytest.approx(plan["inventory_value"], rel=1e-12)
    assert choices.filter(kept="person")["item_id"].to_list() == ["I003", "I004"]


def test_levels_of_the_plan_promise_what_sizing_says(facts):
    sized = size(*facts, PARAMS)
    held = sized.filter(pl.col("policy") != "none")
    levels = held.select(*KEY, reorder_point_set="reorder_point_qty", order_up_to_set="order_up_to_qty")
    found = at_levels(*facts, levels, TargetParams(), PARAMS).join(held, on=KEY)
    assert found.height == held.height
    np.testing.assert_allclose(found["fill_rate"], found["fill_rate_est"], atol=1e-12)
    np.testing.assert_allclose(found["stock_value"], found["on_hand_mean_value"], rtol=1e-9)
    bare = at_levels(*facts, levels.clear(), TargetParams(), PARAMS)
    assert bare["short"].unique().to_list() == [1.0]
    assert bare["stock_value"].sum() == 0.0
    assert "I008" not in bare["item_id"]  # not planned


def test_without_demand_there_is_no_curve(facts):
    points, demand, target = facts
    none = demand.with_columns(mean_per_day_est=0.0)
    portfolio = portfolio_of(points, none, target, {}, TargetParams(), PARAMS)
    rows = cost_curves(portfolio, None)
    assert set(rows["curve"]) <= {"single_target"}
    assert rows["service"].is_null().all()
