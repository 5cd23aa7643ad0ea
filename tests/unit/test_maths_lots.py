"""Economic lots against hand figures, grids and brute force over all plans."""

from itertools import product

import numpy as np
import pytest

from plimsoll.maths import lots

RNG_SEED = 20261121


def test_examples_3_1_and_3_8_of_the_textbook():
    # Snyder & Shen 2019, example 3.1: K = 8, h = 0.225, lambda = 1300 a year; 3.8 with p = 5
    lot = lots.eoq(8, 0.225, 1300)
    np.testing.assert_allclose([lot.order_quantity, lot.cost_rate], [304.04678, 68.41052551], rtol=1e-9)
    assert lots.eoq_cost(250, 8, 0.225, 1300) == pytest.approx(69.725)
    owed = lots.eoq_backorders(8, 0.225, 5, 1300)
    found = [owed.order_quantity, owed.backorder_fraction, owed.cost_rate]
    np.testing.assert_allclose(found, [310.8125552, 0.04306220096, 66.92136355], rtol=1e-9)


def test_eoq_of_many_items_beats_a_grid():
    rng = np.random.default_rng(RNG_SEED)
    k, h, rate = rng.uniform(1, 100, 20), rng.uniform(0.1, 5, 20), rng.uniform(1, 5000, 20)
    lot = lots.eoq(k, h, rate)
    assert lot.order_quantity.shape == (20,)
    grid = lots.eoq_cost(lot.order_quantity * np.geomspace(0.2, 5, 2001)[:, None], k, h, rate)
    np.testing.assert_allclose(lot.cost_rate, grid.min(axis=0), rtol=1e-6)
    assert np.all(lot.cost_rate <= grid.min(axis=0) * (1 + 1e-12))


def test_no_demand_or_no_fixed_cost_is_no_lot():
    assert lots.eoq([0, 8], 1, [5, 0]).order_quantity.tolist() == [0, 0]


def test_eoq_backorders_beats_a_grid_of_lots_and_shares():
    k, h, p, rate = 40.0, 2.0, 7.0, 900.0
    q = np.linspace(100, 400, 601)[:, None]
    x = np.linspace(0, 1, 1001)
    grid = k * rate / q + h * q * (1 - x) ** 2 / 2 + p * q * x**2 / 2
    best = lots.eoq_backorders(k, h, p, rate)
    np.testing.assert_allclose(best.cost_rate, grid.min(), rtol=1e-5)
    assert best.cost_rate <= grid.min()
    i, j = np.unravel_index(grid.argmin(), grid.shape)
    np.testing.assert_allclose([best.order_quantity, best.backorder_fraction], [q[i, 0], x[j]], atol=0.6)


def test_example_9_1_of_the_textbook():
    args = (8, 0.225, 5, 1300, 1.5, 14)
    exact, near = lots.eoq_with_disruptions(*args), lots.eoq_with_disruptions(*args, approximate=True)
    np.testing.assert_allclose([exact.order_quantity, exact.cost_rate], [772.8111, 173.9500026], rtol=1e-6)
    np.testing.assert_allclose([near.order_quantity, near.cost_rate], [773.1432, 173.9572294], rtol=1e-6)


@pytest.mark.parametrize(
    "args",
    [
        (8, 0.225, 5, 1300, 1.5, 14),
        (8, 0.225, 5, 1300, 0.01, 0.2),
        (1e-6, 1, 1000, 10, 5, 1),
        (500, 1, 0, 10, 5, 1),
        (8, 0.225, 5, 1300, 0, 14),
    ],
)
def test_eoq_with_disruptions_beats_a_grid(args):
    best = lots.eoq_with_disruptions(*args)
    grid = lots.eoq_with_disruptions_cost(np.geomspace(1e-4, 1e6, 200_001), *args)
    np.testing.assert_allclose(best.cost_rate, grid.min(), rtol=1e-6)
    assert best.cost_rate <= grid.min() * (1 + 1e-9)
    near = lots.eoq_with_disruptions(*args, approximate=True)
    grid = lots.eoq_with_disruptions_cost(np.geomspace(1e-4, 1e6, 200_001), *args, approximate=True)
    np.testing.assert_allclose(near.cost_rate, grid.min(), rtol=1e-6)


def test_without_disruptions_the_lot_is_the_plain_one():
    plain = lots.eoq(8, 0.225, 1300)
    found = lots.eoq_with_disruptions(8, 0.225, 5, 1300, 0, 14)
    np.testing.assert_allclose(
        [found.order_quantity, found.cost_rate], [plain.order_quantity, plain.cost_rate], rtol=1e-6
    )


def test_disruption_cost_agrees_with_simulated_cycles():
    # a cycle ends when stock is 0 and the supplier is up: 200,000 cycles of a two-state chain
    k, h, p, d, lam, mu, q = 8.0, 0.225, 5.0, 1300.0, 6.0, 14.0, 200.0
    rng = np.random.default_rng(RNG_SEED)
    n, length = 200_000, q / d
    clock, up = np.zeros(n), np.ones(n, dtype=bool)
    while (clock < length).any():
        going = clock < length
        clock = clock + np.where(going, rng.exponential(1, n) / np.where(up, lam, mu), 0.0)
        up = np.where(going & (clock < length), ~up, up)
    # memoryless: what is left of a failure at the end is exponential again
    wait = np.where(up, 0.0, rng.exponential(1 / mu, n))
    cost, time = k + h * q * q / (2 * d) + p * d * wait, length + wait
    rate = cost.mean() / time.mean()
    error = np.std(cost - rate * time) / time.mean() / np.sqrt(n)
    found = lots.eoq_with_disruptions_cost(q, k, h, p, d, lam, mu)
    assert abs(found - rate) < 5 * error  # false alarm once in 1.7 million


def test_example_3_9_of_the_textbook():
    plan = lots.dynamic_lot_sizing(2, 500, [90, 120, 80, 70])
    assert plan.orders.tolist() == [210, 0, 150, 0]
    assert plan.total_cost == 1380


def _cheapest_of_all_plans(hold, fixed, demand):
    periods, best = len(demand), np.inf
    for chosen in product((False, True), repeat=periods):
        cost, last = 0.0, None
        for t in range(periods):
            if chosen[t]:
                cost, last = cost + fixed[t], t
            if demand[t] and last is None:
                cost = np.inf
            if last is not None:
                cost += demand[t] * sum(hold[last:t])
        best = min(best, cost)
    return best


@pytest.mark.parametrize("seed", range(12))
def test_dynamic_lots_are_the_cheapest_of_all_plans(seed):
    rng = np.random.default_rng([RNG_SEED, seed])
    demand = rng.integers(0, 60, 8) * rng.integers(0, 2, 8)
    hold, fixed = rng.uniform(0, 2, 8), rng.uniform(0, 80, 8)
    plan = lots.dynamic_lot_sizing(hold, fixed, demand)
    np.testing.assert_allclose(plan.total_cost, _cheapest_of_all_plans(hold, fixed, demand), rtol=1e-12)
    stock = np.cumsum(plan.orders - demand)
    assert stock.min() >= -1e-9
    assert stock[-1] == pytest.approx(0)
    paid = fixed[plan.orders > 0].sum() + hold @ stock
    np.testing.assert_allclose(plan.total_cost, paid, rtol=1e-12)


def test_no_demand_needs_no_order():
    plan = lots.dynamic_lot_sizing(1, 5, [0, 0, 0])
    assert plan.orders.tolist() == [0, 0, 0]
    assert plan.total_cost == 0


def test_joint_replenishment_example_of_silver_pyke_and_peterson():
    plan = lots.joint_replenishment(40, [15] * 4, [0.24] * 4, [86000, 12500, 1400, 3000])
    assert plan.multiples.tolist() == [1, 1, 4, 3]
    np.testing.assert_allclose([plan.base_cycle, plan.cost_rate], [0.07617340263, 2067.650841], rtol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_joint_replenishment_is_near_the_best_of_all_multiples(seed):
    rng = np.random.default_rng([RNG_SEED, seed])
    major, minor = rng.uniform(10, 100), rng.uniform(5, 50, 4)
    hold, rate = rng.uniform(0.1, 2, 4), rng.uniform(10, 5000, 4)
    plan = lots.joint_replenishment(major, minor, hold, rate)
    multiples = np.array(list(product(range(1, 11), repeat=4)))
    setups, held = major + (minor / multiples).sum(axis=1), (multiples * hold * rate).sum(axis=1)
    best = np.sqrt(2 * setups * held).min()  # every plan at its own best cycle
    assert best <= plan.cost_rate * (1 + 1e-12) <= best * 1.05
    paid = (major + (minor / plan.multiples).sum()) / plan.base_cycle
    held_cost = (plan.multiples * hold * rate).sum() * plan.base_cycle / 2
    np.testing.assert_allclose(plan.cost_rate, paid + held_cost, rtol=1e-12)


def test_joint_replenishment_of_one_item_is_its_economic_lot():
    plan = lots.joint_replenishment(30, [10], [2], [500])
    assert plan.multiples.tolist() == [1]
    np.testing.assert_allclose(plan.base_cycle * 500, lots.eoq(40, 2, 500).order_quantity)
