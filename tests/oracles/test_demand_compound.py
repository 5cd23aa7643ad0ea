"""Compound demand against direct convolution, simulation, and what is known of the population."""

import numpy as np
import pytest
from scipy import stats

from plimsoll.demand.compound import compound_states
from plimsoll.demand.params import DemandParams
from plimsoll.demand.pool import Kin
from plimsoll.demand.score import Histories, marks_of
from plimsoll.maths.kernels import demand_compound as kernel
from plimsoll.maths.kernels.demand_fit import COMPOUND, SEASONS, describe
from plimsoll.maths.kernels.demand_lattice import lines_served, write_pmfs

CELLS = 400


def summed(count, size):
    """Return the law of a sum of sizes from the law of their number, by convolution."""
    out, power = np.zeros(CELLS), np.zeros(CELLS)
    power[0] = 1.0
    for p in count:
        out += p * power
        power = np.convolve(power, size)[:CELLS]
    return out


def sizes(cells, shares, rest, usual):
    """Return the mixed law of a size: cells seen, and a geometric one on 1, 2, ..."""
    law = np.zeros(CELLS)
    law[np.array(cells)] = shares
    k = np.arange(1, CELLS)
    law[1:] += rest * (1 - 1 / usual) ** (k - 1) / usual
    return law


@pytest.mark.parametrize(
    ("mean", "variance", "count"),
    [
        (2.0, 2.0, stats.poisson(2.0)),
        (2.0, 5.0, stats.nbinom(2.0**2 / 3.0, 2.0 / 5.0)),
        (3.0, 2.1, stats.binom(10, 0.3)),
    ],
)
@pytest.mark.parametrize(("rest", "usual"), [(0.0, 4.0), (0.4, 4.0), (1.0, 1.0)])
def test_sum_of_sizes_is_the_convolution(mean, variance, count, rest, usual):
    cells, shares = np.array([2, 5, 30]), np.array([0.5, 0.3, 0.2]) * (1.0 - rest)
    out = np.empty(CELLS)
    end = kernel.compound_block(out, mean, variance, cells, shares, 3, rest, usual)
    expected = summed(count.pmf(np.arange(60)), sizes(cells, shares, rest, usual))
    assert out[:end] == pytest.approx(expected[:end] / expected.sum(), abs=1e-9)


def test_a_usual_size_below_one_step_keeps_its_mean():
    out = np.empty(CELLS)
    end = kernel.compound_block(out, 4.0, 4.0, np.zeros(1, np.int64), np.zeros(1), 0, 1.0, 0.25)
    assert out[:end] @ np.arange(end) == pytest.approx(1.0)


def test_plain_twin_of_the_block():
    given = (3.0, 4.0, np.array([0, 3, 8]), np.array([0.1, 0.4, 0.2]), 3, 0.3, 6.0)
    fast, plain = np.empty(64), np.empty(64)
    end = kernel.compound_block(fast, *given)
    assert kernel.compound_block.py_func(plain, *given) == end
    assert fast[:end] == pytest.approx(plain[:end], rel=1e-12)


def test_evidence_fades_and_counts_gaps():
    history = np.array([0, 2.0, 0, 0, 4.0, np.nan, 0, 6.0])
    seen = kernel.evidence(history, np.array([0, 8]), np.array([[8]]), np.array([0.5]))[0, 0]
    known = history[~np.isnan(history)]
    weight = 0.5 ** np.arange(len(known))[::-1]
    assert seen[0, kernel.COUNTED] == pytest.approx(weight[known > 0].sum())
    assert seen[0, kernel.WEIGHED] == pytest.approx(weight.sum())
    gaps = np.array([3.0, 2.0])  # the period that was not observed counts as none
    assert seen[1, kernel.SIZES] == 3
    assert seen[1, kernel.GAP_MEAN] == pytest.approx(gaps.mean())
    assert seen[1, kernel.GAP_CV2] == pytest.approx(gaps.var(ddof=1) / (2.5 * 1.5))
    sizes = 0.5 ** np.array([5, 2, 0]) @ [2.0, 4.0, 6.0] / (0.5 ** np.array([5, 2, 0])).sum()
    assert seen[0, kernel.SIZE_MEAN] == pytest.approx(sizes)


def population(rng, n=3000, periods=150):
    """Return histories of steady rates, Gamma(0.5) about 0.1, and geometric sizes of mean 8."""
    rate = np.minimum(rng.gamma(0.5, 0.2, n), 0.9)
    demand = (rng.random((n, periods)) < rate[:, None]) * rng.geometric(1 / 8, (n, periods))
    return demand.astype(float)


def histories_of(demand, ahead):
    n, periods = demand.shape
    return Histories(
        demand.ravel(), np.arange(n + 1) * periods, np.zeros(periods + ahead + 1, np.int64), periods, 52,
        np.full(n, ahead), np.random.default_rng(3).random(n), 0.0,
    )  # fmt: skip


def states(histories, kin):
    facts = describe(histories.values, histories.bounds, 0.05)
    return compound_states(histories, facts, kin, DemandParams())


def laws(histories, state, ahead):
    n = len(state)
    weights = np.zeros((n, 2, ahead + 1))
    weights[:, 0, ahead] = weights[:, 1, ahead - 1] = 1.0
    pmf, steps = np.empty((n, 2, CELLS)), np.empty(n)
    write_pmfs(
        histories.values, histories.bounds, np.diff(histories.bounds), np.arange(n), np.full(n, COMPOUND),
        state, np.ones((n, SEASONS)), np.ones(n), histories.months, weights, np.full(n, ahead),
        np.zeros((1, 4)), np.zeros(n), 0.0, pmf, steps,
    )  # fmt: skip
    return pmf, steps


def test_a_steady_population_gets_what_it_is_promised():
    """3,000 items, lines at four levels: the mean gap has a standard error below 0.5 points, so that 2 points
    are four of them; the false alarm is about 1 in 16,000."""
    rng = np.random.default_rng(11)
    ahead = 8
    demand = population(rng)
    past, coming = demand[:, :-ahead], demand[:, -ahead:]
    sold = (past > 0).any(axis=1)
    past, coming = past[sold], coming[sold]
    histories = histories_of(past, ahead)
    n = len(past)
    kin = Kin(np.arange(n), np.zeros(n, np.int64), np.zeros(n))
    state, prior = states(histories, kin)
    assert prior.rate == pytest.approx(
        1 - 0.5 ** (7 / 1080), rel=0.01
    )  # what is steady is remembered longest
    assert max(prior.tau0) < 0.15
    pmf, steps = laws(histories, np.ascontiguousarray(state[:, -1]), ahead)
    asked = coming[:, -1] > 0
    idle, came = 1.0 - state[asked, -1, 3], coming[asked].sum(axis=1)
    gaps = lines_served(pmf[asked], steps[asked], idle, came, np.array([0.8, 0.9, 0.95]))
    assert abs(gaps.mean()) < 4 * gaps.std() / np.sqrt(asked.sum())
    mean = (pmf[:, 0] @ np.arange(CELLS)) * steps
    assert mean.sum() == pytest.approx(coming.sum(), rel=0.1)


def test_what_moves_is_forgotten_sooner():
    rng = np.random.default_rng(12)
    n, periods = 2000, 120
    level = np.exp(np.cumsum(rng.normal(0, 0.12, (n, periods)), axis=1))
    demand = (rng.random((n, periods)) < np.minimum(0.2 * level, 0.95)) * 5.0
    assert prior_of(demand).rate > 1 - 0.5 ** (7 / 200)


def test_demand_that_clusters_is_given_a_wider_spread():
    rng = np.random.default_rng(13)
    n, block = 2000, 10
    level = np.repeat(rng.gamma(2.0, 0.5, (n, 12)), block, axis=1)
    demand = (rng.random((n, 12 * block)) < np.minimum(0.2 * level, 0.95)) * 5.0
    assert prior_of(demand).tau0[0] > 0.1


def prior_of(demand):
    n = len(demand)
    kin = Kin(np.arange(n), np.zeros(n, np.int64), np.zeros(n))
    return states(histories_of(demand, 8), kin)[1]


def test_too_few_windows_teach_nothing():
    demand = population(np.random.default_rng(1), n=3, periods=30)
    demand[:, 0] = 1.0
    kin = Kin(np.arange(3), np.zeros(3, np.int64), np.zeros(3))
    params = DemandParams()
    state, prior = states(histories_of(demand, 4), kin)
    assert (prior.a, prior.tau0) == (0.5, (0.1, 0.05))
    assert state.shape[:2] == marks_of(np.full(3, 30), np.full(3, 4), params).shape
    assert np.isfinite(state).all()
