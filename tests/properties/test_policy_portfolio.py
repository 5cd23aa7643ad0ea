"""What holds for the targets of any portfolio: sizing finds just those levels; order, threads and money."""

from itertools import pairwise

import numba
import numpy as np
import polars as pl
import pytest

from plimsoll.policy import PolicyParams, allocate, size
from plimsoll.targets import TargetParams

N = 150
GOALS = (0.6, 0.9, 0.97)
METRICS = ("units", "value", "margin", "lines")


@pytest.fixture(scope="module")
def facts(company):
    """Points of every kind of policy, lead time and kind of unmet demand."""
    rng = np.random.default_rng(17)
    rows = []
    for n in range(N):
        review = rng.dirichlet(np.full(rng.integers(2, 8), 0.5))
        lead = rng.dirichlet(np.full(rng.integers(1, 15), 0.7)) if n % 5 else np.ones(1)
        mean, weeks = float(review @ np.arange(len(review))), float(rng.choice([1.0, 2.0]))
        by_unit = n % 11 == 0  # continuous review
        laws = {"review": [1.0] if by_unit else review, "lead": lead}
        laws["protection"] = np.convolve(laws["review"], lead)
        rows.append({
            "item": f"I{n:03}", "step_qty": float(rng.choice([1.0, 0.5, 12.0])), "rate": mean / 7 / weeks,
            "review_days_eff": 0.0 if by_unit else 7.0 * weeks,
            "unmet_demand_eff": str(rng.choice(["backlog", "backlog", "lost"])),
            "unit_cost_eff": float(rng.lognormal(1, 1)), "unit_price_eff": float(rng.lognormal(2, 1)),
            "criticality_eff": str(rng.choice(["low", "normal", "high", "vital"])),
            "order_cost_eff": float(rng.choice([0.0, 0.0, 5.0])),
            "min_order_qty_eff": float(rng.choice([0.0, 6.0])),
            "order_multiple_eff": float(rng.choice([0.0, 0.0, 12.0])),
            "target_kind_eff": str(rng.choice(["cycle", "fill"])), "target_service_eff": 0.9,
            "laws": laws,
        })  # fmt: skip
        row = rows[-1]
        step = row["step_qty"]
        row |= {
            name: {k * step: float(share) for k, share in enumerate(law)}
            for name, law in row.pop("laws").items()
        }
        row["rate"] *= step
    tables = company(*rows)
    return tables["points"], tables["demand_estimate"], tables["target"]


def _allocate(facts, goal, metric):
    return allocate(*facts, TargetParams(portfolio_goal=goal, portfolio_metric=metric), PolicyParams())


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("goal", GOALS)
def test_sizing_finds_the_levels_chosen(facts, goal, metric):
    found = _allocate(facts, goal, metric)
    sized = size(*facts[:2], found.target, PolicyParams())
    decided = (
        found.target.select("target_source").hstack(sized).filter(pl.col("target_source") == "portfolio")
    )
    assert {"base_stock", "s_S", "s_nQ"} == set(decided["policy"])
    assert (decided["fill_rate_est"] - decided["target_service_eff"]).abs().max() <= 1e-15
    if goal == GOALS[0]:
        assert (decided["policy_reason"] == "zero_stock_meets_target").any()
    promise = found.curve.row(0, named=True)
    assert sized["on_hand_mean_value"].sum() == pytest.approx(promise["inventory_value"], rel=1e-12)
    if metric == "units":
        yearly = facts[1]["mean_per_day_est"]
        assert (yearly * sized["fill_rate_est"]).sum() / yearly.sum() == pytest.approx(promise["promised"])
    assert promise["promised"] >= goal - 1e-9
    assert promise["bound_value"] <= promise["inventory_value"] <= 1.02 * promise["bound_value"]
    assert promise["uniform_value"] is None or promise["inventory_value"] < promise["uniform_value"]


@pytest.mark.parametrize("metric", METRICS)
def test_order_of_rows_and_threads_change_nothing(facts, metric):
    one = _allocate(facts, 0.9, metric)
    mixed = [frame.sample(fraction=1.0, shuffle=True, seed=5) for frame in facts]
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        other = _allocate(mixed, 0.9, metric)
    finally:
        numba.set_num_threads(threads)
    assert one.target.equals(other.target)
    assert one.curve.equals(other.curve)


@pytest.mark.parametrize("metric", METRICS)
def test_currency_scales_the_money_and_nothing_else(facts, metric):
    points, demand, target = facts
    dear = points.with_columns(pl.col("unit_cost_eff", "unit_price_eff", "order_cost_eff") * 8.0)
    one, other = _allocate(facts, 0.9, metric), _allocate((dear, demand, target), 0.9, metric)
    assert one.target.equals(other.target)
    for name in ("promised", "inventory_value", "bound_value", "uniform_value"):
        times = 1.0 if name == "promised" else 8.0
        np.testing.assert_allclose(other.curve[name], one.curve[name] * times, rtol=1e-9)


def test_a_higher_goal_never_takes_stock_away(facts):
    """But for the last move, which closes the gap of its own goal."""
    services = [_allocate(facts, goal, "units").target["target_service_eff"] for goal in GOALS]
    decided = (_allocate(facts, GOALS[0], "units").target["target_source"] == "portfolio").to_numpy()
    for low, high in pairwise(services):
        falls = (high.to_numpy() < low.to_numpy() - 1e-12) & decided
        assert falls.sum() <= 1
