"""Loss functions against numerical integration, against sums over the distribution, and at their edges."""

import numpy as np
import pytest
from scipy import integrate, stats

from plimsoll.maths.loss import (
    _poisson_density,
    discrete_loss,
    gamma_loss,
    negative_binomial_loss,
    normal_loss,
    poisson_loss,
    standard_normal_loss,
    standard_normal_second_loss,
)

INF = np.inf


def by_integration(law, x):
    low, high = law.ppf(1e-14), law.isf(1e-14)
    options = {"epsabs": 0, "epsrel": 1e-12, "limit": 200}
    short = integrate.quad(lambda v: (v - x) * law.pdf(v), x, max(high, x), **options)[0]
    over = integrate.quad(lambda v: (x - v) * law.pdf(v), min(low, x), x, **options)[0]
    return short, over


def by_sum(law, x):
    values = np.arange(0, law.isf(1e-15) + 50)
    weights = law.pmf(values)
    return np.maximum(values - x, 0) @ weights, np.maximum(x - values, 0) @ weights


def test_standard_normal_loss_is_the_tabulated_one():
    # Snyder & Shen 2019, appendix C; Silver, Pyke & Thomas 2017, appendix II: G(0), G(1), G(2)
    np.testing.assert_allclose(standard_normal_loss([0, 1, 2]), [0.3989, 0.0833, 0.0085], atol=5e-5)


@pytest.mark.parametrize("z", [-3.0, -0.5, 0.0, 1.3, 4.0])
def test_second_order_loss_is_the_integral_of_the_first(z):
    area = integrate.quad(lambda v: float(standard_normal_loss(v)), z, 12, epsabs=0, epsrel=1e-12)[0]
    np.testing.assert_allclose(standard_normal_second_loss(z), area, rtol=1e-10)


@pytest.mark.parametrize("x", [20.0, 45.0, 50.0, 66.0, 80.0])
def test_normal_loss_is_the_integral(x):
    np.testing.assert_allclose(normal_loss(x, 50, 8), by_integration(stats.norm(50, 8), x), rtol=1e-8)


@pytest.mark.parametrize(("mean", "sd"), [(50, 25), (4, 6), (1000, 20)])
@pytest.mark.parametrize("share", [0.3, 1.0, 1.5])
def test_gamma_loss_is_the_integral(mean, sd, share):
    law, x = stats.gamma((mean / sd) ** 2, scale=sd**2 / mean), mean + (share - 1) * 2 * sd
    x = max(x, 0.1)
    np.testing.assert_allclose(gamma_loss(x, mean, sd), by_integration(law, x), rtol=1e-7)


@pytest.mark.parametrize("mean", [0.05, 3.0, 17.5, 400.0])
@pytest.mark.parametrize("x", [-2.0, 0.0, 0.5, 3.0, 17.25, 420.0])
def test_poisson_loss_is_the_sum(mean, x):
    np.testing.assert_allclose(poisson_loss(x, mean), by_sum(stats.poisson(mean), x), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("mean", "variance"), [(2.0, 4.0), (0.3, 5.0), (40.0, 41.0), (40.0, 40.0)])
@pytest.mark.parametrize("x", [-2.0, 0.0, 0.5, 3.0, 47.75])
def test_negative_binomial_loss_is_the_sum(mean, variance, x):
    law = (
        stats.poisson(mean)
        if mean == variance
        else stats.nbinom(mean**2 / (variance - mean), mean / variance)
    )
    np.testing.assert_allclose(
        negative_binomial_loss(x, mean, variance), by_sum(law, x), rtol=1e-9, atol=1e-13
    )


def test_discrete_loss_is_the_sum_for_any_values_in_any_order():
    values, pmf = np.array([7.0, -1.0, 2.5, 100.0]), np.array([0.2, 0.3, 0.4, 0.1])
    x = np.array([-5.0, -1.0, 0.0, 2.5, 3.0, 99.0, 100.0, 120.0])
    found = discrete_loss(x, values, pmf)
    np.testing.assert_allclose(found.short, np.maximum(values - x[:, None], 0) @ pmf, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(found.over, np.maximum(x[:, None] - values, 0) @ pmf, rtol=1e-13, atol=1e-15)


def test_discrete_loss_of_a_lattice_is_the_poisson_loss():
    values = np.arange(200)
    pmf = stats.poisson.pmf(values, 60)
    x = np.linspace(-5, 120, 51)
    np.testing.assert_allclose(discrete_loss(x, values, pmf).short, poisson_loss(x, 60).short, rtol=1e-9)
    assert discrete_loss(4, [3], [1.0]) == (0.0, 1.0)


@pytest.mark.parametrize("mean", [0.3, 15.5, 1e4, 1e8])
def test_poisson_probabilities_sum_to_one_at_any_mean(mean):
    reach = 12 * np.sqrt(mean) + 40
    k = np.arange(max(0.0, np.floor(mean - reach)), mean + reach)
    assert _poisson_density(k, np.full(k.size, mean)).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("z", [-2.0, 0.0, 3.0])
def test_large_means_have_the_normal_limit(z):
    mean = 1e8
    x, normal = mean + z * np.sqrt(mean), normal_loss(mean + z * np.sqrt(mean), mean, np.sqrt(mean)).short
    # the skewness adds terms of relative order z^2 / sqrt(mean)
    for found in (poisson_loss(x, mean), gamma_loss(x, mean, np.sqrt(mean))):
        np.testing.assert_allclose(found.short, normal, rtol=2e-3)
    np.testing.assert_allclose(
        negative_binomial_loss(1e6, 1e6, 4e6).short, 2e3 / np.sqrt(2 * np.pi), rtol=1e-5
    )


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, mean: normal_loss(x, mean, 0.0),
        lambda x, mean: gamma_loss(x, mean, 0.0),
        lambda x, mean: discrete_loss(x, [mean], [1.0]),
    ],
)
def test_certain_demand(loss):
    found = loss(np.array([3.0, 5.0, 8.0]), 5.0)
    assert found.short.tolist() == [2, 0, 0]
    assert found.over.tolist() == [0, 0, 3]


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: normal_loss(x, 0.0, 0.0),
        lambda x: poisson_loss(x, 0.0),
        lambda x: negative_binomial_loss(x, 0.0, 0.0),
        lambda x: gamma_loss(x, 0.0, 0.0),
        lambda x: discrete_loss(x, [0], [1.0]),
    ],
)
def test_no_demand(loss):
    found = loss(np.array([-2.0, 0.0, 3.5]))
    assert found.short.tolist() == [2, 0, 0]
    assert found.over.tolist() == [0, 0, 3.5]


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: normal_loss(x, 2.0, 1.0),
        lambda x: normal_loss(x, 2.0, 0.0),
        lambda x: poisson_loss(x, 2.0),
        lambda x: negative_binomial_loss(x, 2.0, 4.0),
        lambda x: gamma_loss(x, 2.0, 1.0),
        lambda x: discrete_loss(x, [1, 3], [0.5, 0.5]),
    ],
)
def test_infinite_levels_have_their_limits(loss):
    found = loss(np.array([INF, -INF]))
    assert found.short.tolist() == [0, INF]
    assert found.over.tolist() == [INF, 0]


def test_infinite_standard_levels():
    assert standard_normal_second_loss([INF, -INF, 40.0]).tolist() == [0, INF, 0]


def test_levels_and_parameters_broadcast():
    assert normal_loss(np.zeros((3, 1)), np.ones(4), 1.0).short.shape == (3, 4)
    assert negative_binomial_loss(np.zeros((3, 1)), np.ones(4), 2.0).over.shape == (3, 4)
    assert np.ndim(poisson_loss(3, 2.0).short) == 0
