"""Tails of counts: against the plain laws where scatter is Poisson's, and against simulation where wider."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.exceptions.chance import dispersion, few, least_chance, tellable, thinned


@pytest.mark.parametrize("expected", [0.5, 3.0, 20.0])
def test_few_is_the_poisson_tail(expected):
    came = np.arange(30.0)
    assert few(came, np.full(30, expected)) == pytest.approx(stats.poisson.cdf(came, expected))


def test_few_with_wider_scatter_is_no_surer():
    narrow, wide = (few(np.array([2.0]), np.array([10.0]), phi)[0] for phi in (1.0, 2.5))
    assert wide > 3 * narrow


def tail(weights, share, came, spread=1.0):
    group = np.zeros(len(weights), dtype=np.int64)
    given = (np.array([float(value)]) for value in (share, came, spread))
    return float(thinned(np.asarray(weights, dtype=float), group, *given)[0])


@pytest.mark.parametrize("share", [0.1, 0.25, 0.6])
def test_thinned_is_the_binomial_tail_of_equal_weights(share):
    """Between the chances of more and of as many or more: the law is treated as smooth."""
    law = stats.binom(40, share)
    for n in (int(law.mean()) + 4, int(law.mean()) + 12):
        assert law.sf(n) < tail(np.ones(40), share, n) < law.sf(n - 1)


def test_thinned_has_the_long_tail_of_few_large_weights():
    """Against simulation; the normal law with the same variance gives a tenth of it or less."""
    rng = np.random.default_rng(8)
    weights = rng.lognormal(0.0, 1.1, 60)
    sums = (rng.random((400_000, 60)) < 0.1) @ weights
    goal = float(np.quantile(sums, 0.9995))
    mean, sd = 0.1 * weights.sum(), np.sqrt(0.09 * (weights**2).sum())
    assert tail(weights, 0.1, goal) == pytest.approx((sums >= goal).mean(), rel=0.25)
    assert stats.norm.sf((goal - mean) / sd) < 0.1 * 0.0005
    assert tail(weights, 0.1, goal, spread=2.0) > 4 * tail(weights, 0.1, goal)


def test_thinned_groups_do_not_touch_each_other():
    rng = np.random.default_rng(9)
    weights, group = rng.lognormal(size=50), np.repeat(np.arange(2), (20, 30))
    share, came, phi = np.array([0.2, 0.4]), np.array([12.0, 25.0]), np.array([1.0, 1.5])
    alone = [tail(weights[group == k], share[k], came[k], phi[k]) for k in range(2)]
    assert thinned(weights, group, share, came, phi) == pytest.approx(alone)


def test_dispersion_finds_the_scatter_of_batches():
    rng = np.random.default_rng(5)
    group = pl.Series(np.repeat(np.arange(200), 50))
    expected = np.full(group.len(), 6.0)
    single = rng.poisson(expected).astype(float)
    batches = 3.0 * rng.poisson(expected / 3.0)
    assert dispersion(single, expected, group) == pytest.approx(1.0, abs=0.05)
    assert dispersion(batches, expected, group) == pytest.approx(3.0, rel=0.1)


def test_dispersion_is_not_moved_by_a_few_that_changed():
    rng = np.random.default_rng(6)
    group = pl.Series(np.repeat(np.arange(50), 20))
    expected = np.full(group.len(), 6.0)
    came = rng.poisson(expected).astype(float)
    came[:100] = np.where(np.arange(100) % 2, 40.0, 0.0)
    assert dispersion(came, expected, group) < 1.3


def test_only_tests_that_could_pass_share_the_level():
    expected = np.concatenate([np.full(5, 30.0), np.full(1000, 0.5)])
    assert tellable(least_chance(expected, 1.0), 0.05) == 5
    assert tellable(np.full(10, 0.9), 0.05) == 1
    assert tellable(np.zeros(10), 0.05) == 10
