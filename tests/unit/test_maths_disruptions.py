"""Base stock under disruptions against the plain sum over lengths of failures and all levels."""

import numpy as np
import pytest

from plimsoll.maths.disruptions import base_stock_with_disruptions, base_stock_with_disruptions_cost

CASES = [
    (0.25, 3, 2000, 0.04, 0.25),
    (1, 99, 7, 0.3, 0.1),
    (5, 1, 7, 0.3, 0.1),
    (1, 9, 10, 0.2, 1.0),
    (1, 9, 10, 0.0, 0.5),
    (1, 9, 10, 1.0, 0.5),
]


def summed_cost(level, h, p, d, alpha, beta):
    n = np.arange(4000)
    share = np.where(n == 0, beta / (alpha + beta), alpha * beta / (alpha + beta) * (1 - beta) ** (n - 1.0))
    need = (n + 1) * d
    return (h * np.maximum(level - need, 0) + p * np.maximum(need - level, 0)) @ share


def test_example_9_3_of_the_textbook():
    best = base_stock_with_disruptions(0.25, 3, 2000, 0.04, 0.25)
    assert best.base_stock == 8000
    np.testing.assert_allclose(
        [best.cost_per_period, best.steady_state_up], [2737.068966, 0.8620689655], rtol=1e-9
    )
    costs = base_stock_with_disruptions_cost([2000, 12000], 0.25, 3, 2000, 0.04, 0.25)
    np.testing.assert_allclose(costs, [3310.344828, 3075.161638], rtol=1e-9)


@pytest.mark.parametrize("args", [case for case in CASES if case[4] < 1])
@pytest.mark.parametrize("periods", [-1.0, 0.0, 0.4, 1.0, 2.7, 40.0])
def test_cost_is_the_sum(args, periods):
    level = periods * args[2]
    found = base_stock_with_disruptions_cost(level, *args)
    np.testing.assert_allclose(found, summed_cost(level, *args), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("args", CASES)
def test_optimum_is_the_best_of_all_levels(args):
    best = base_stock_with_disruptions(*args)
    levels = np.arange(0, 80 * 4 + 1) * args[2] / 4  # quarters too: the best is still a whole multiple
    costs = base_stock_with_disruptions_cost(levels, *args)
    np.testing.assert_allclose(best.cost_per_period, costs.min(), rtol=1e-12)
    assert best.base_stock % args[2] == 0


def test_without_disruptions_the_level_is_the_demand():
    best = base_stock_with_disruptions(1, 9, 10, 0.0, 0.5)
    assert (best.base_stock, best.cost_per_period, best.steady_state_up) == (10, 0, 1)


def test_shares_of_states_are_those_of_the_chain():
    alpha, beta = 0.04, 0.25
    chain = np.array([[1 - alpha, alpha], [beta, 1 - beta]])
    stationary = np.linalg.matrix_power(chain, 400)[0]
    np.testing.assert_allclose(
        base_stock_with_disruptions(1, 9, 1, alpha, beta).steady_state_up, stationary[0]
    )
