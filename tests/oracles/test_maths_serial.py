"""Serial systems against plain sums over every demand, against the published bounds, and by simulation."""

import itertools

import numpy as np
import pytest
from scipy import stats

from plimsoll.domain.errors import InputError, SettingError
from plimsoll.maths.serial import serial_discrete, serial_normal, serial_poisson


def _laws(rng, stages):
    return [rng.dirichlet(np.ones(4)) for _ in range(stages)]


def _cost(levels, holding, backorder, laws):
    """The cost of any echelon levels: sum over all demands, stage by stage from the source down."""
    total = 0.0
    for demands in itertools.product(*(range(len(law)) for law in laws)):
        weight = np.prod([law[d] for law, d in zip(laws, demands, strict=True)])
        position, cost = levels[-1], 0.0
        for j in range(len(laws) - 1, -1, -1):
            position = min(position, levels[j]) - demands[j]
            cost += holding[j] * position
        total += weight * (cost + (backorder + sum(holding)) * max(-position, 0))
    return total


@pytest.mark.parametrize("seed", range(4))
def test_no_levels_cost_less_than_the_best(seed):
    rng = np.random.default_rng(seed)
    laws, holding, backorder = _laws(rng, 3), rng.uniform(0.2, 2.0, 3).tolist(), float(rng.uniform(2, 20))
    best = serial_discrete(holding, backorder, laws)
    assert _cost(best.echelon_base_stock, holding, backorder, laws) == pytest.approx(
        best.cost_rate, rel=1e-12
    )
    costs = [_cost(s, holding, backorder, laws) for s in itertools.product(range(5), range(8), range(11))]
    assert min(costs) == pytest.approx(best.cost_rate, rel=1e-12)


def test_one_stage_is_the_newsvendor():
    best = serial_normal([2.0], 18.0, 50.0, 8.0, [4.0])
    assert best.echelon_base_stock[0] == pytest.approx(200.0 + 16.0 * stats.norm.ppf(0.9), abs=1e-6)
    assert best.cost_rate == pytest.approx(20.0 * 16.0 * stats.norm.pdf(stats.norm.ppf(0.9)), rel=1e-9)


def test_normal_and_fine_lattice_agree():
    """A normal demand rounded to hundredths is a discrete one on a lattice of hundredths."""
    holding, backorder, step = [3.0, 2.0, 2.0], 37.12, 0.02
    laws = []
    for time in (1.0, 1.0, 2.0):
        edges = (np.arange(int(25 * time / step)) - 0.5) * step
        law = np.diff(stats.norm.cdf(np.append(edges, np.inf), 5 * time, np.sqrt(time)))
        laws.append(law / law.sum())
    lattice = serial_discrete([h * step for h in holding], backorder * step, laws)
    smooth = serial_normal(holding, backorder, 5.0, 1.0, [1.0, 1.0, 2.0])
    np.testing.assert_allclose(
        np.array(lattice.echelon_base_stock) * step, smooth.echelon_base_stock, atol=step
    )
    assert lattice.cost_rate == pytest.approx(smooth.cost_rate, rel=1e-4)


def test_levels_lie_between_the_newsvendor_bounds():
    """Shang & Song 2003, theorem 1: two newsvendors on the demand of the whole echelon bracket each level."""
    holding, backorder, rate, times = [0.4, 0.3, 0.2, 0.1], 9.0, 20.0, [0.5, 0.25, 1.0, 0.25]
    best = serial_poisson(holding, backorder, rate, times)
    for j, level in enumerate(best.echelon_base_stock):
        mean, above = rate * sum(times[: j + 1]), sum(holding[j + 1 :])
        low = stats.poisson.ppf((backorder + above) / (backorder + sum(holding)), mean)
        high = stats.poisson.ppf((backorder + above) / (backorder + above + holding[j]), mean)
        assert low <= level <= high


def test_simulated_cost():
    """500,000 draws; a standard error of the mean of about 0.02, false alarm at 5 of them: below 1e-6."""
    best = serial_normal([3.0, 2.0, 2.0], 37.12, 5.0, 1.0, [1.0, 1.0, 2.0])
    rng = np.random.default_rng(11)
    position, cost = np.full(500_000, np.inf), np.zeros(500_000)
    for j, time in ((2, 2.0), (1, 1.0), (0, 1.0)):
        demand = rng.normal(5.0 * time, np.sqrt(time), position.size)
        position = np.minimum(position, best.echelon_base_stock[j]) - demand
        cost += [3.0, 2.0, 2.0][j] * position
    cost += 44.12 * np.maximum(-position, 0.0)
    error = cost.std() / np.sqrt(cost.size)
    assert abs(cost.mean() - best.cost_rate) < 5 * error
    assert error < 0.03


def test_wrong_lengths_and_costs_are_refused():
    with pytest.raises(InputError, match="lead_time has 1 numbers for 2 stages"):
        serial_poisson([1.0, 1.0], 9.0, 4.0, [1.0])
    with pytest.raises(InputError, match="lead_time_demand has 1 laws for 2 stages"):
        serial_discrete([1.0, 1.0], 9.0, [[1.0]])
    with pytest.raises(SettingError, match="echelon_holding_cost"):
        serial_normal([0.0], 9.0, 4.0, 1.0, [1.0])
