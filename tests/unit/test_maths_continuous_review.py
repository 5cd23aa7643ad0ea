"""(r, Q) against numerical integration, enumeration of a grid and the deterministic limit."""

import numpy as np
import pytest
from scipy import integrate, stats

from plimsoll.maths import continuous_review as cr
from plimsoll.maths import lots
from plimsoll.maths.loss import normal_loss

NORMAL = (0.225, 7.5, 8, 1300, 150, 1 / 12)
CASES = [NORMAL, (2.0, 3.0, 50.0, 40.0, 25.0, 0.5), (1.0, 0.2, 10.0, 200.0, 60.0, 0.1)]
POISSON = [
    (20, 150, 100, 1.5, 2),
    (1, 9, 64, 20, 1),
    (5, 1, 3, 0.2, 4),
    (1, 50, 0, 7, 3),
    (2, 30, 200, 12, 0),
]


def integrated_cost(r, q, h, p, k, rate, sd, time):
    mean, sigma = rate * time, sd * np.sqrt(time)
    law = stats.norm(mean, sigma)

    def position_cost(y):
        reach = 12 * sigma
        over = integrate.quad(lambda v: (y - v) * law.pdf(v), mean - reach, max(y, mean - reach))[0]
        return h * over + p * (mean - y + over)

    area = integrate.quad(position_cost, r, r + q, epsrel=1e-10)[0]
    return (k * rate + area) / q


def test_examples_5_1_and_5_6_of_the_textbook():
    best = cr.rq_normal_exact(*NORMAL)
    np.testing.assert_allclose([best.r, best.Q], [126.8670634, 328.4491423], rtol=1e-7)
    np.testing.assert_allclose(best.cost_rate, 78.07114627, rtol=1e-9)
    np.testing.assert_allclose(cr.rq_normal_cost(126.8, 328.5, *NORMAL), 78.07116251, rtol=1e-9)
    np.testing.assert_allclose(cr.rq_normal_cost(100, 250, *NORMAL), 87.34647803, rtol=1e-9)


@pytest.mark.parametrize("args", CASES)
@pytest.mark.parametrize(("r_share", "q_share"), [(1.0, 1.0), (0.5, 2.0), (-0.5, 0.3)])
def test_normal_cost_is_the_integral(args, r_share, q_share):
    best = cr.rq_normal_exact(*args)
    r, q = r_share * best.r, q_share * best.Q
    np.testing.assert_allclose(cr.rq_normal_cost(r, q, *args), integrated_cost(r, q, *args), rtol=1e-7)


@pytest.mark.parametrize("args", CASES)
def test_normal_optimum_beats_a_grid(args):
    best = cr.rq_normal_exact(*args)
    grid = [
        cr.rq_normal_cost(best.r + step * best.Q, best.Q * factor, *args)
        for step in np.linspace(-1, 1, 41)
        for factor in np.linspace(0.5, 2, 31)
    ]
    assert best.cost_rate <= min(grid) * (1 + 1e-10)
    for r, q in ((best.r + 1e-3 * best.Q, best.Q), (best.r, best.Q * 1.003), (best.r, best.Q * 0.997)):
        assert cr.rq_normal_cost(r, q, *args) > best.cost_rate


def test_without_spread_the_lot_is_the_one_with_planned_backorders():
    best, limit = cr.rq_normal_exact(0.225, 5, 8, 1300, 1e-4, 1 / 12), lots.eoq_backorders(8, 0.225, 5, 1300)
    np.testing.assert_allclose([best.Q, best.cost_rate], [limit.order_quantity, limit.cost_rate], rtol=1e-6)
    np.testing.assert_allclose(best.r, 1300 / 12 - limit.order_quantity * limit.backorder_fraction, rtol=1e-6)


def test_example_5_2_of_the_textbook():
    best = cr.rq_normal_eil(*NORMAL)
    np.testing.assert_allclose([best.r, best.Q], [213.9704421, 318.5901811], rtol=1e-8)
    np.testing.assert_allclose(best.cost_rate, 95.45114022, rtol=1e-9)


@pytest.mark.parametrize(
    "args", [NORMAL, (2.0, 15.0, 50.0, 40.0, 25.0, 0.5), (0.5, 1.0, 10.0, 500.0, 60.0, 0.1)]
)
def test_eil_is_a_minimum_of_its_own_cost(args):
    h, p, k, rate, sd, time = args
    best = cr.rq_normal_eil(*args)
    mean, sigma = rate * time, sd * np.sqrt(time)
    r, q = best.r + sigma * np.linspace(-0.5, 0.5, 101)[:, None], best.Q * np.linspace(0.7, 1.4, 101)
    costs = h * (r - mean + q / 2) + k * rate / q + p * rate * normal_loss(r, mean, sigma).short / q
    assert best.cost_rate <= costs.min() * (1 + 1e-12)
    np.testing.assert_allclose(best.cost_rate, costs.min(), rtol=1e-4)


def test_example_5_8_of_the_textbook():
    best = cr.rq_poisson_exact(20, 150, 100, 1.5, 2)
    assert (best.r, best.Q) == (3, 5)
    np.testing.assert_allclose(best.cost_rate, 107.9235806, rtol=1e-9)
    np.testing.assert_allclose(cr.rq_poisson_cost(8, 12, 20, 150, 100, 1.5, 2), 242.5281638, rtol=1e-9)


@pytest.mark.parametrize("args", POISSON)
def test_poisson_optimum_is_the_best_of_all_policies(args):
    h, p, k, rate, time = args
    demand = np.arange(stats.poisson.isf(1e-15, rate * time) + 30)
    pmf = stats.poisson.pmf(demand, rate * time)
    low, high = -80, 220
    levels = np.arange(low, high)[:, None]
    at = (h * np.maximum(levels - demand, 0) + p * np.maximum(demand - levels, 0)) @ pmf
    total = np.concatenate(([0.0], np.cumsum(at)))  # total[i] sums g over the levels below low + i
    lot = np.arange(1, 121)
    first = np.arange(0, high - low - 120)[:, None]
    costs = (k * rate + total[first + lot] - total[first]) / lot
    i, j = np.unravel_index(costs.argmin(), costs.shape)
    best = cr.rq_poisson_exact(*args)
    np.testing.assert_allclose(best.cost_rate, costs.min(), rtol=1e-9)
    assert (best.r, best.Q) == (low + i - 1, lot[j])
    np.testing.assert_allclose(cr.rq_poisson_cost(low + 99, 7, *args), costs[100, 6], rtol=1e-8)


def test_large_demand_has_the_normal_limit():
    # mean 10,000 in the lead time: Poisson is nearly normal with sd = sqrt(rate x time)
    exact, limit = (
        cr.rq_poisson_exact(1, 9, 500, 5000, 2),
        cr.rq_normal_exact(1, 9, 500, 5000, np.sqrt(5000), 2),
    )
    np.testing.assert_allclose(exact.cost_rate, limit.cost_rate, rtol=1e-3)
    np.testing.assert_allclose([exact.r, exact.Q], [limit.r, limit.Q], atol=0.01 * limit.Q)
