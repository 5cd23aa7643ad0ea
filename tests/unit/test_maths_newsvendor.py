"""The newsvendor against hand arithmetic and a search over all levels."""

import numpy as np
import pytest
from scipy import stats

from plimsoll.maths import newsvendor as nv
from plimsoll.maths.loss import Loss, normal_loss


def test_example_4_3_of_the_textbook():
    # Snyder & Shen 2019, examples 4.1 and 4.3: h = 0.18, p = 0.70, N(50, 8)
    best = nv.newsvendor_normal(0.18, 0.70, 50, 8)
    np.testing.assert_allclose([best.base_stock, best.cost], [56.60395593, 1.997605193], rtol=1e-9)
    np.testing.assert_allclose(nv.expected_cost(0.18, 0.70, normal_loss(40, 50, 8)), 7.356131553, rtol=1e-9)


def test_example_4_2_of_the_textbook():
    best = nv.newsvendor_normal_profit(1, 0.30, 0.12, 50, 8)
    np.testing.assert_allclose([best.order_quantity, best.profit], [56.60395593, 33.00239481], rtol=1e-9)


def test_problem_4_7b_of_the_textbook():
    pmf = [0.25, 0.05, 0.1, 0.2, 0.15, 0.1, 0.1, 0.05]
    best = nv.newsvendor_discrete(500_000, 1_000_000, range(1, 9), pmf)
    assert best.base_stock == 5
    np.testing.assert_allclose(best.cost, 1_225_000, rtol=1e-12)


def test_profit_by_simulated_sales_of_every_demand():
    # profit of each demand weighted by its probability; the grid's own error is far below the tolerance
    demand = 50 + 8 * stats.norm.ppf((np.arange(400_000) + 0.5) / 400_000)
    best = nv.newsvendor_normal_profit(10, 6, 1, 50, 8)
    sold = np.minimum(demand, best.order_quantity)
    profit = 10 * sold + 1 * (best.order_quantity - sold) - 6 * best.order_quantity
    np.testing.assert_allclose(best.profit, profit.mean(), rtol=1e-5)


@pytest.mark.parametrize(("over", "under"), [(1.0, 9.0), (5.0, 1.0), (1.0, 1.0)])
def test_normal_optimum_beats_a_grid(over, under):
    best = nv.newsvendor_normal(over, under, 100, 30)
    grid = nv.expected_cost(over, under, normal_loss(np.linspace(0, 220, 22_001), 100, 30))
    assert best.cost <= grid.min() * (1 + 1e-12)
    np.testing.assert_allclose(best.cost, grid.min(), rtol=1e-6)


@pytest.mark.parametrize("mean", [0.02, 3.7, 60.0])
@pytest.mark.parametrize(("over", "under"), [(1.0, 19.0), (2.0, 1.0)])
def test_poisson_optimum_is_the_best_of_all_levels(mean, over, under):
    demand = np.arange(stats.poisson.isf(1e-15, mean) + 20)
    levels = np.arange(200)[:, None]
    pmf = stats.poisson.pmf(demand, mean)
    costs = (over * np.maximum(levels - demand, 0) + under * np.maximum(demand - levels, 0)) @ pmf
    best = nv.newsvendor_poisson(over, under, mean)
    np.testing.assert_allclose(best.cost, costs.min(), rtol=1e-9)
    assert costs[int(best.base_stock)] == pytest.approx(costs.min(), rel=1e-9)


def test_discrete_ratio_met_in_spite_of_rounding():
    # ten tenths: the ratio 0.3 is met by the third value, though 0.1 + 0.1 + 0.1 > 0.3 only by rounding
    assert nv.newsvendor_discrete(0.7, 0.3, range(10), [0.1] * 10).base_stock == 2
    assert nv.newsvendor_discrete(1e-15, 1.0, range(10), [0.1] * 10).base_stock == 9


def test_items_as_arrays_are_items_one_by_one():
    means, sds = np.array([50.0, 100.0]), np.array([8.0, 0.0])
    both = nv.newsvendor_normal(0.18, 0.70, means, sds)
    assert both.base_stock.tolist() == [nv.newsvendor_normal(0.18, 0.70, 50, 8).base_stock, 100.0]
    assert both.cost[1] == 0
    assert nv.newsvendor_poisson(1, [4, 9], [6, 0]).base_stock.tolist() == [8, 0]


def test_what_costs_nothing_costs_nothing_even_without_end():
    assert nv.expected_cost(0, 2, Loss(np.float64(3), np.float64(np.inf))) == 6
