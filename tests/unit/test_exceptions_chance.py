"""Tails of counts: against the plain laws where scatter is Poisson's, and against simulation where wider."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.exceptions.chance import dispersion, few, least_chance, split, tellable


@pytest.mark.parametrize("expected", [0.5, 3.0, 20.0])
def test_few_is_the_poisson_tail(expected):
    came = np.arange(30.0)
    assert few(came, np.full(30, expected)) == pytest.approx(stats.poisson.cdf(came, expected))


def test_few_with_wider_scatter_is_no_surer():
    narrow, wide = (few(np.array([2.0]), np.array([10.0]), phi)[0] for phi in (1.0, 2.5))
    assert wide > 3 * narrow


def test_split_is_the_binomial_tail():
    for n, b, share in ((7, 3, 0.25), (1, 12, 0.3), (20, 20, 0.5)):
        many, rare = split(np.array([float(n)]), np.array([float(b)]), np.array([share]))
        law = stats.binom(n + b, share)
        assert many[0] == pytest.approx(law.sf(n - 1))
        assert rare[0] == pytest.approx(law.cdf(n))


def test_split_of_nothing_says_nothing():
    many, rare = split(np.zeros(1), np.zeros(1), np.array([0.3]))
    assert many[0] == rare[0] == 1.0


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
