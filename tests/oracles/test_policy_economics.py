"""A budget, floors and economic levels against enumeration, the newsvendor and the terms of an optimum."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.maths.kernels import policy, portfolio
from plimsoll.maths.ragged import bounds_of
from plimsoll.policy import PolicyParams, allocate, economic_points, size
from plimsoll.policy.portfolio_choice import least_value, most_service
from plimsoll.policy.portfolio_hulls import hulls_of
from plimsoll.targets import TargetParams

KEY = ["item_id", "location_id"]
LEVELS = range(-1, 16)
PARAMS = PolicyParams()
N = 4


def _rows(seed, n=N, lots=True):
    """Points with lumpy demand of a week, lead times of 0 or 1 week, and lots of every kind."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(n):
        review = rng.dirichlet(np.full(5, 0.7))
        lead = review if rng.random() < 0.5 else np.ones(1)
        lot = float(rng.integers(2, 6)) if lots else 0.0
        laws = {"review": review, "lead": lead, "protection": np.convolve(review, lead)}
        rows.append({
            "item": f"I{k:03}", "step_qty": 1.0, "rate": float(review @ np.arange(5)) / 7.0,
            "unit_cost_eff": float(rng.lognormal(1, 1)), "unit_price_eff": float(rng.lognormal(3, 1)),
            "mean_days_est": 7.0 * (len(lead) > 1), "protection_days_mean": 7.0 * (1 + (len(lead) > 1)),
            "min_order_qty_eff": lot if k % 3 == 1 else 0.0, "order_multiple_eff": lot if k % 3 == 2 else 0.0,
            "abc": "ABC"[k % 3], "n_demand_periods": 30,
            **{name: dict(enumerate(law.tolist())) for name, law in laws.items()},
        })  # fmt: skip
    return rows


def _enumerated(rows):
    """Return mean stock and share of units short (n, levels) by the kernel that sizes, level by level."""
    laws = []
    for name in ("review", "lead", "protection"):
        each = [np.array(list(row[name].values())) for row in rows]
        laws += [np.concatenate(each), bounds_of(np.array([*map(len, each)]))]
    lots = np.array([max(int(row["min_order_qty_eff"]), int(row["order_multiple_eff"]), 1) for row in rows])
    n, one = len(rows), np.ones(len(rows))
    is_multiple = np.array([row["order_multiple_eff"] > 0 for row in rows])
    given = (*laws, one, lots, is_multiple, np.zeros(n, dtype=bool), np.full(n, policy.GIVEN))
    found = [policy.size_policies(*given, one * level) for level in LEVELS]
    stock, short = (
        np.stack([each[:, at] for each in found], axis=1) for at in (policy.ON_HAND, policy.FILL_RATE)
    )
    return stock, 1.0 - short


def _facts(company, rows):
    tables = company(*rows)
    return tables["points"], tables["demand_estimate"], tables["target"]


def _combined(rows, weight):
    """Return value and weighted share short of every combination of levels."""
    stock, short = _enumerated(rows)
    cost = np.array([row["unit_cost_eff"] for row in rows])
    grid = np.meshgrid(*[np.arange(len(LEVELS))] * len(rows), indexing="ij")
    value = sum(cost[k] * stock[k][at] for k, at in enumerate(grid))
    share = sum(weight[k] * short[k][at] for k, at in enumerate(grid)) / weight.sum()
    return value, share, grid, short


def _steps(hulls):
    gains = [
        (demanded * -np.diff(hulls.short[begin:end])).max(initial=0.0)
        for demanded, (begin, end) in zip(hulls.demanded, pairwise(hulls.bounds), strict=True)
    ]
    return max(gains) / hulls.total


@pytest.mark.parametrize("metric", ["units", "value"])
@pytest.mark.parametrize("seed", range(6))
def test_a_budget_against_all_combinations_of_levels(company, metric, seed):
    """None within the budget serves more than the bound; ours less than the bound by one step at most."""
    rows = _rows(seed)
    facts = _facts(company, rows)
    weight = np.array([row["rate"] * (row["unit_cost_eff"] if metric == "value" else 1.0) for row in rows])
    value, share, _, _ = _combined(rows, weight)
    options = TargetParams(portfolio_metric=metric, portfolio_floors=False)
    hulls = hulls_of(*facts, options, PARAMS)
    for part in (0.15, 0.4, 0.8):
        budget = float(value.min() + part * (value[share <= 1e-6].min() - value.min()))
        best = 1.0 - share[value <= budget + 1e-9].min()
        found = most_service(hulls, budget)
        assert found.value <= budget * (1 + 1e-9)
        assert found.promised <= best + 1e-9 <= found.bound + 2e-9
        assert found.bound - found.promised <= _steps(hulls) + 1e-9
        spent = TargetParams(portfolio_metric=metric, portfolio_budget=budget, portfolio_floors=False)
        given = allocate(*facts, spent, PARAMS)
        row = given.curve.row(0, named=True)
        sized = size(*facts[:2], given.target, PARAMS)
        assert sized["on_hand_mean_value"].sum() == pytest.approx(found.value, rel=1e-12)
        assert (row["goal"], row["promised"]) == (found.promised, found.promised)
        assert row["bound_value"] <= value[share <= 1.0 - found.promised + 1e-12].min() + 1e-9


def test_conditions_of_an_optimum(company):
    """Every step made is worth the price, none left out is but those that the rest of the budget paid."""
    facts = _facts(company, _rows(3, n=60))
    hulls = hulls_of(*facts, TargetParams(), PARAMS)
    least, most = (hulls.totals(at)[1] for at in (hulls.at_price(0.0), hulls.most()))
    for part in (0.1, 0.3, 0.6, 0.9):
        found = most_service(hulls, least + part * (most - least))
        rows = np.arange(len(hulls.demanded))
        made = found.vertices > hulls.bounds[:-1]
        last = hulls.prices(rows[made], found.vertices[made])
        left = found.vertices + 1 < hulls.bounds[1:]
        after = hulls.prices(rows[left], found.vertices[left] + 1)
        assert (last > found.price * (1 + 1e-9)).sum() <= 30
        assert (after >= found.price * (1 - 1e-9)).all()
        # what a goal of that service costs at least is about what the budget has spent
        bound = least_value(hulls, found.promised).bound
        assert bound <= found.value + 1e-9
        assert bound == pytest.approx(found.value, rel=0.01)


def test_a_budget_for_everything_and_for_nothing(company):
    facts = _facts(company, _rows(5))
    hulls = hulls_of(*facts, TargetParams(), PARAMS)
    assert most_service(hulls, 1e9).promised == pytest.approx(1.0, abs=1e-5)
    none = allocate(*facts, TargetParams(portfolio_budget=1e-6), PARAMS)
    assert none.target is facts[2]
    (finding,) = none.findings
    least = hulls.totals(hulls.at_price(0.0))[1]
    assert finding.code == "portfolio_budget_out_of_reach"
    assert f"{least:.2f} is the least" in finding.what
    assert none.curve["bound_value"].to_list() == [None]
    assert none.curve["inventory_value"].to_list() == pytest.approx([least])


@pytest.mark.parametrize("seed", range(4))
def test_floors_by_class_and_priority_against_all_combinations(company, seed):
    rows = [row | {"abc": "AABB"[k]} for k, row in enumerate(_rows(seed))]
    points, demand, target = _facts(company, rows)
    points = points.with_columns(priority_share=pl.Series([None, 0.2, 0.7, 0.5]))
    weight = np.array([row["rate"] for row in rows])
    value, share, grid, short = _combined(rows, weight)
    floors = {"A": 0.9, "priority": 0.8, "priority_share": 0.5}
    least = np.array([0.9, 0.9, 0.8, 0.8])
    options = TargetParams(portfolio_goal=0.6, floors=floors, portfolio_floors=False)
    found = allocate(points, demand, target, options, PARAMS)
    kept = np.all([1.0 - short[k][at] >= least[k] - 1e-9 for k, at in enumerate(grid)], axis=0)
    optimum = value[kept & (share <= 0.4 + 1e-12)].min()
    sized = size(points, demand, found.target, PARAMS)
    assert (sized["fill_rate_est"].to_numpy() >= least - 1e-9).all()
    assert found.curve["bound_value"][0] - 1e-9 <= optimum <= found.curve["inventory_value"][0] + 1e-9
    without = allocate(
        points, demand, target, TargetParams(portfolio_goal=0.6, portfolio_floors=False), PARAMS
    )
    assert without.curve["inventory_value"][0] <= found.curve["inventory_value"][0]


def _levels(points, policies):
    return policies.select(*KEY, reorder_point_set="reorder_point_qty", order_up_to_set="order_up_to_qty")


@pytest.mark.parametrize("seed", range(3))
def test_economic_levels_against_all_levels(company, seed):
    rows = [row | {"shortage_cost": 2.0 + k % 5} for k, row in enumerate(_rows(seed, n=12))]
    facts = _facts(company, rows)
    levels = _levels(facts[0], size(*facts, PARAMS))
    found = economic_points(*facts, levels, PARAMS)
    stock, short = _enumerated(rows)
    holding = np.array([row["unit_cost_eff"] * 0.2 for row in rows])[:, None]
    lost = np.array([row["shortage_cost"] * row["rate"] * 365.25 for row in rows])[:, None]
    cost = holding * stock + lost * short
    best = found["holding_best_value"] + found["shortage_best_value"]
    np.testing.assert_allclose(best, cost.min(axis=1), rtol=1e-9)
    now = found["holding_now_value"] + found["shortage_now_value"]
    np.testing.assert_allclose(found["saving_per_year"], now - best, atol=1e-9)
    assert set(found["shortage_source"]) == {"given"}
    # by what the levels in force are said to be, and by the same levels sized
    sized = size(*facts, PARAMS)
    np.testing.assert_allclose(found["fill_rate_now"], sized["fill_rate_est"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["stock_now_value"], sized["on_hand_mean_value"], rtol=1e-9)
    # the next unit is worth its cost exactly where the level is to be raised, on these convex curves
    pays = found.filter(pl.col("next_unit_saves") > pl.col("next_unit_cost") + 1e-9)
    assert set(pays["advice"]) <= {"raise", "keep"}


def test_the_economic_level_is_the_newsvendors(company):
    """Base stock reviewed weekly, no lead time: P(D <= S) >= b / (b + h), b and h per unit and week."""
    mean, cost = 6.0, 10.0
    law = stats.poisson.pmf(np.arange(40), mean)
    shape = {name: dict(enumerate((law / law.sum()).tolist())) for name in ("review", "protection")}
    base = {
        "step_qty": 1.0, "rate": mean / 7, "lead": {0: 1.0}, "unit_cost_eff": cost, "holding_rate_eff": 0.5,
        "mean_days_est": 0.0, "protection_days_mean": 7.0, **shape,
    }  # fmt: skip
    prices = [10.05, 10.2, 11.0, 15.0, 40.0]
    facts = _facts(company, [base | {"item": f"I{k}", "unit_price_eff": p} for k, p in enumerate(prices)])
    levels = _levels(facts[0], size(*facts, PARAMS))
    found = economic_points(*facts, levels, PARAMS)
    holding = 0.5 * cost * 7 / 365.25
    ratio = [(price - cost) / (price - cost + holding) for price in prices]
    up_to = found["reorder_point_best_qty"] + 1.0  # base stock orders when a unit is missing
    assert up_to.to_list() == stats.poisson.ppf(ratio, mean).tolist()
    assert set(found["shortage_source"]) == {"margin"}


def test_what_cannot_be_judged_says_why(company):
    rows = _rows(1, n=5)
    rows[0] |= {"unit_price_eff": rows[0]["unit_cost_eff"]}
    rows[1] |= {"holding_rate_eff": 0.0}
    rows[2] |= {"item": "UP", "at": "DC", "demand_last_year_qty": 0.0}
    rows[3] |= {"item": "UP", "at": "BR", "source": "DC"}
    facts = _facts(company, rows)
    facts = (
        facts[0].with_columns(
            demand_last_year_qty=pl.when(pl.col("location_id") == "DC")
            .then(0.0)
            .otherwise("demand_last_year_qty")
        ),
        *facts[1:],
    )
    found = economic_points(*facts, _levels(facts[0], size(*facts, PARAMS)), PARAMS)
    why = {(row["item_id"], row["location_id"]): row["unknown_reason"] for row in found.iter_rows(named=True)}
    assert why == {
        ("I000", "DC1"): "no_shortage_cost", ("I001", "DC1"): "no_holding_cost",
        ("UP", "DC"): "serves_places", ("UP", "BR"): None, ("I004", "DC1"): None,
    }  # fmt: skip
    is_known = pl.col("unknown_reason").is_null()
    assert found.filter(~is_known)["saving_per_year"].is_null().all()
    assert found.filter(is_known)["saving_per_year"].is_not_null().all()


def test_a_level_below_none_and_beyond_the_law():
    """The kernel reads below the lowest level as the lowest, and beyond the law adds units one for one."""
    review, lead, one = np.array([0.5, 0.0, 0.5]), np.array([1.0]), np.array([1])
    laws = (review, np.array([0, 3]), lead, np.array([0, 1]), review, np.array([0, 3]))
    for level, stock in ((-5, 0.0), (-1, 0.0), (1, 1.0), (9, 9.0)):
        at = portfolio.exchange_at(*laws, one * 1.0, one, one == 0, one == 0, False, one * level, np.zeros(1))
        assert at[0, 0, 3] == pytest.approx(stock)
