"""Base stock and (s, S) against enumeration with an independent stationary cost, and simulated stock."""

import numpy as np
import pytest
from scipy import stats

from plimsoll.maths import newsvendor as nv
from plimsoll.maths import periodic_review as pr
from plimsoll.maths.loss import normal_loss

RNG_SEED = 20261121
LUMPY = [0.6, 0.1, 0.05, 0.05, 0.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.1]


def interval_pmf(pmf, periods):
    total = np.ones(1)
    for _ in range(periods):
        total = np.convolve(total, pmf)
    return total


def stationary_cost(s, up_to, pmf, interval, h, p, k):
    """Cost per period from the stationary law of the position after ordering, by linear algebra."""
    states = np.arange(s + 1, up_to + 1)
    n = states.size
    move = np.zeros((n, n))
    for i, position in enumerate(states):
        for size, chance in enumerate(pmf):
            left = position - size
            move[i, n - 1 if left <= s else left - s - 1] += chance
    equations = np.vstack((move.T - np.eye(n), np.ones(n)))
    share = np.linalg.lstsq(equations, np.append(np.zeros(n), 1.0), rcond=None)[0]
    ordering = np.array([pmf[position - s :].sum() for position in states])
    demand = np.arange(interval.size)
    held = (
        h * np.maximum(states[:, None] - demand, 0) + p * np.maximum(demand - states[:, None], 0)
    ) @ interval
    return share @ (k * ordering + held)


def simulated_cost(s, up_to, draw, *, lead, review, h, p, k, periods=600, paths=400):
    """Mean cost per period, and its standard error, of stock moved in the order of events of calendar.py."""
    warm = 100
    on_hand = np.full(paths, float(up_to))
    pipeline = np.zeros(
        (lead + 1, paths)
    )  # pipeline[i] is usable at the start of the (i + 1)-th period from now
    total = np.zeros(paths)
    for t in range(periods + warm):
        on_hand += pipeline[0]
        pipeline = np.vstack((pipeline[1:], np.zeros((1, paths))))
        on_hand -= draw((paths,))
        cost = h * np.maximum(on_hand, 0) + p * np.maximum(-on_hand, 0)
        if t % review == 0:
            position = on_hand + pipeline.sum(axis=0)
            order = np.where(position <= s, up_to - position, 0.0)
            pipeline[lead] += order
            cost += k * (order > 0)
        total += cost if t >= warm else 0.0
    mean = total / periods
    return mean.mean(), mean.std(ddof=1) / np.sqrt(paths)


def test_example_4_4_of_the_textbook():
    best = pr.base_stock_normal(0.18, 0.70, 50, 8, lead_time=4)
    np.testing.assert_allclose([best.base_stock, best.cost_per_period], [264.7668944, 4.466781004], rtol=1e-9)


def test_supplementary_poisson_problem():
    best = pr.base_stock_poisson(0.08, 1.25, 18, lead_time=4)
    assert best.base_stock == 105
    np.testing.assert_allclose(best.cost_per_period, 1.545018869, rtol=1e-9)


def test_base_stock_is_the_newsvendor_of_the_protection_interval():
    assert pr.base_stock_poisson(1, 9, 3, lead_time=2).base_stock == nv.newsvendor_poisson(1, 9, 9).base_stock
    best, one = pr.base_stock_normal(1, 9, 3, 2, lead_time=3), nv.newsvendor_normal(1, 9, 12, 4)
    np.testing.assert_allclose(
        [best.base_stock, best.cost_per_period], [one.base_stock, one.cost], rtol=1e-12
    )


@pytest.mark.parametrize("review", [1, 2, 5])
@pytest.mark.parametrize("sd", [0.0, 4.0, 30.0])
def test_normal_base_stock_beats_a_grid(review, sd):
    best = pr.base_stock_normal(1, 7, 20, sd, lead_time=2, review_period=review)
    spans = np.arange(3, 3 + review)
    loss = normal_loss(np.linspace(0, 400, 4001)[:, None], 20 * spans, sd * np.sqrt(spans))
    grid = nv.expected_cost(1, 7, loss).mean(axis=1)
    assert best.cost_per_period <= grid.min() * (1 + 1e-12)
    np.testing.assert_allclose(best.cost_per_period, grid.min(), rtol=1e-4)


@pytest.mark.parametrize("review", [1, 2, 5])
@pytest.mark.parametrize("mean", [0.0, 0.3, 6.0])
def test_poisson_base_stock_is_the_best_of_all_levels(review, mean):
    best = pr.base_stock_poisson(1, 7, mean, lead_time=2, review_period=review)
    levels, demand = np.arange(120)[:, None], np.arange(200)
    costs = np.mean(
        [
            (np.maximum(levels - demand, 0) + 7 * np.maximum(demand - levels, 0))
            @ stats.poisson.pmf(demand, mean * span)
            for span in range(3, 3 + review)
        ],
        axis=0,
    )
    assert best.base_stock == costs.argmin()
    np.testing.assert_allclose(best.cost_per_period, costs.min(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("lead", "review"), [(0, 1), (3, 1), (2, 4)])
def test_base_stock_cost_is_that_of_simulated_stock(lead, review):
    rng = np.random.default_rng([RNG_SEED, lead, review])
    best = pr.base_stock_poisson(1, 7, 6, lead_time=lead, review_period=review)
    mean, error = simulated_cost(
        best.base_stock - 1,
        best.base_stock,
        lambda n: rng.poisson(6, n),
        lead=lead,
        review=review,
        h=1,
        p=7,
        k=0,
    )
    assert abs(mean - best.cost_per_period) < 5 * error  # false alarm once in 1.7 million
    assert error < 0.01 * mean


def test_example_4_7_of_the_textbook():
    best = pr.sS_poisson(1, 4, 5, 6)
    assert (best.s, best.S) == (4, 10)
    np.testing.assert_allclose(best.cost_per_period, 8.034111561, rtol=1e-9)


def test_row_of_zheng_and_federgruen():
    best = pr.sS_poisson(1, 9, 64, 20)
    assert (best.s, best.S) == (14, 62)
    np.testing.assert_allclose(best.cost_per_period, 49.17303574, rtol=1e-9)


@pytest.mark.parametrize("lead", [0, 2])
@pytest.mark.parametrize(
    ("h", "p", "k", "pmf"),
    [
        (1, 4, 5, stats.poisson.pmf(np.arange(14), 1.5)),
        (1, 20, 12, LUMPY),
        (3, 2, 4, [0.5, 0.25, 0.25]),
        (1, 9, 0, [0.2, 0.5, 0.3]),
        (1, 9, 6, [0.0, 1.0]),
    ],
)
def test_sS_is_the_best_of_all_policies(lead, h, p, k, pmf):
    pmf = np.asarray(pmf) / np.sum(pmf)
    interval = interval_pmf(pmf, lead + 1)
    grid = {
        (s, up_to): stationary_cost(s, up_to, pmf, interval, h, p, k)
        for s in range(-8, 16)
        for up_to in range(s + 1, s + 22)
    }
    least = min(grid.values())
    best = pr.sS_discrete(h, p, k, pmf, lead)
    np.testing.assert_allclose(best.cost_per_period, least, rtol=1e-9)
    np.testing.assert_allclose(grid[best.s, best.S], least, rtol=1e-9)


def test_poisson_and_lattice_agree():
    lattice = stats.poisson.pmf(np.arange(60), 6)
    one, other = pr.sS_poisson(2, 11, 40, 6, lead_time=3), pr.sS_discrete(2, 11, 40, lattice, lead_time=3)
    assert (one.s, one.S) == (other.s, other.S)
    np.testing.assert_allclose(one.cost_per_period, other.cost_per_period, rtol=1e-9)


@pytest.mark.parametrize("lead", [0, 3])
def test_sS_cost_is_that_of_simulated_stock(lead):
    rng = np.random.default_rng([RNG_SEED, lead])
    best = pr.sS_discrete(1, 9, 20, LUMPY, lead)
    mean, error = simulated_cost(
        best.s, best.S, lambda n: rng.choice(len(LUMPY), p=LUMPY, size=n), lead=lead, review=1, h=1, p=9, k=20
    )
    assert abs(mean - best.cost_per_period) < 5 * error  # false alarm once in 1.7 million
    assert error < 0.01 * mean


def test_without_fixed_cost_it_is_base_stock():
    best, plain = pr.sS_poisson(1, 9, 0, 6, lead_time=1), pr.base_stock_poisson(1, 9, 6, lead_time=1)
    assert (best.s, best.S) == (plain.base_stock - 1, plain.base_stock)
    np.testing.assert_allclose(best.cost_per_period, plain.cost_per_period, rtol=1e-9)


def test_large_fixed_cost_and_mean_stay_exact():
    # far from the first lattice: many periods of demand in one lot, which has the deterministic limit
    best = pr.sS_poisson(0.001, 9, 100, 5)
    np.testing.assert_allclose(best.S - best.s, np.sqrt(2 * 100 * 5 / 0.001), rtol=0.01)


def test_example_4_8_of_the_textbook():
    near = pr.sS_power_approximation(0.18, 0.70, 2.5, 50, 8)
    np.testing.assert_allclose([near.s, near.S], [40.19461696, 74.29017011], rtol=1e-9)
    assert near.cost_per_period is None


@pytest.mark.parametrize(("k", "p", "lead"), [(32, 4, 0), (64, 9, 0), (64, 24, 2), (32, 9, 4)])
def test_power_approximation_is_near_the_best(k, p, lead):
    # the authors report costs within a few percent of the best on such cases
    pmf = stats.poisson.pmf(np.arange(40), 10)
    pmf = pmf / pmf.sum()
    near, best = pr.sS_power_approximation(1, p, k, 10, 10**0.5, lead), pr.sS_poisson(1, p, k, 10, lead)
    paid = stationary_cost(round(near.s), round(near.S), pmf, interval_pmf(pmf, lead + 1), 1, p, k)
    assert best.cost_per_period * (1 - 1e-9) <= paid <= 1.03 * best.cost_per_period
