"""Demand bounds against scipy's distributions, an exact law by convolution, and drawn intervals."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.maths.kernels.demand_bound import interval_excess
from plimsoll.maths.rng import rng_for
from plimsoll.network.bounds import NormalBound, QuantileBound, quantile_bound, variance_parts

SEED = 20261123
SHAPE = 0.003


def scipy_quantile(service, mean, variance):
    """The law that has this mean and variance: negative binomial, Poisson or binomial."""
    if variance > mean * (1 + 1e-6):
        return stats.nbinom.ppf(service, mean**2 / (variance - mean), mean / variance)
    if variance > mean * (1 - 1e-6):
        return stats.poisson.ppf(service, mean)
    trials = max(np.rint(mean**2 / (mean - variance)), np.ceil(mean))
    return stats.binom.ppf(service, trials, mean / trials)


@pytest.mark.parametrize("shape", ["over", "even", "under", "level"])
def test_excess_is_that_of_the_scipy_quantile(shape):
    rng = rng_for(SEED, shape)
    n, longest = 60, 25
    mean = np.exp(rng.normal(0.5, 1.7, n))
    within = mean * {"over": 1 + rng.gamma(1, 4, n), "even": 1.0, "under": 0.4, "level": 1.5}[shape]
    level = (0.3 * mean) ** 2 if shape == "level" else np.zeros(n)
    service = rng.choice([0.5, 0.9, 0.98, 0.999], n)
    found = interval_excess(service, mean, within, level, np.arange(n + 1) * (longest + 1)).reshape(n, -1)
    t = np.arange(1, longest + 1)
    for k in range(n):
        variances = within[k] * t + level[k] * t**2
        quantiles = [scipy_quantile(service[k], mean[k] * x, v) for x, v in zip(t, variances, strict=True)]
        over = np.maximum.accumulate(np.maximum(np.array([0.0, *quantiles - mean[k] * t]), 0.0))
        np.testing.assert_allclose(found[k], over, atol=1e-9 * (1 + over.max()))


def test_large_demand_approaches_the_normal_bound():
    """Ten thousand a day: the discrete quantile is the normal one to a small share of its safety stock."""
    one, day = np.ones(1), np.arange(1.0, 40.0)
    stage = np.zeros(len(day), dtype=np.int64)
    discrete = QuantileBound(2 * one, 0.98 * one, 1e4 * one, 9e4 * one, 0 * one, one)
    normal = NormalBound(2 * one, stats.norm.ppf(0.98), 300 * one, 1e4 * one)
    np.testing.assert_allclose(discrete.safety(stage, day), normal.safety(stage, day), rtol=0.02)
    np.testing.assert_allclose(discrete.cost(stage, day), 2 * discrete.safety(stage, day))
    np.testing.assert_allclose(discrete.base_stock(stage, day), normal.base_stock(stage, day), rtol=1e-3)


def test_step_scales_units():
    """Demand in steps of 5 units is demand in units of a fifth of the numbers."""
    one, times = np.ones(1), np.linspace(0.0, 6.0, 25)
    stage = np.zeros(len(times), dtype=np.int64)
    units = QuantileBound(one, 0.95 * one, 0.7 * one, 1.9 * one, 0.1 * one, one)
    steps = QuantileBound(one, 0.95 * one, 3.5 * one, 25 * 1.9 * one, 2.5 * one, 5 * one)
    np.testing.assert_allclose(steps.safety(stage, times), 5 * units.safety(stage, times), rtol=1e-9)


def test_base_stock_covers_the_intervals_it_promises_to():
    """40,000 intervals of each length drawn with an uncertain level of demand.

    The law drawn is a mixture, the bound's law has its mean and variance only: SHAPE for that.
    False alarms: coverage may fall 4.5 standard errors short of the promise, a chance below 1e-5 each.
    """
    rng = rng_for(SEED, "coverage")
    n, mean, within, level, service = 40_000, 1.3, 2.6, 0.15, 0.95
    one = np.ones(1)
    bound = QuantileBound(one, service * one, mean * one, within * one, level * one, one)
    rate = rng.gamma(mean**2 / level, level / mean, n)  # mean 1.3, variance 0.15
    spread = within / mean
    for t in (1, 4, 12):
        demand = rng.negative_binomial(rate * t / (spread - 1.0), 1.0 / spread)
        level_of = bound.base_stock(np.zeros(1, dtype=np.int64), np.array([float(t)]))[0]
        covered = (demand <= level_of).mean()
        assert covered > service - SHAPE - 4.5 * np.sqrt(service * (1 - service) / n), t
        assert covered < 0.99, t


def laws(review_days, lead_days, daily):
    """Laws of demand over the review, and over review and lead time, by convolving days."""

    def over(days):
        law = np.ones(1)
        for _ in range(days):
            law = np.convolve(law, daily)
        return law.tolist()

    return over(review_days), over(review_days + lead_days)


def estimates_of(review_days, lead_days, daily, step):
    review, protection = laws(review_days, lead_days, daily)
    return pl.DataFrame(
        {
            "protection_days_mean": [float(review_days + lead_days)],
            "step_qty": [step],
            "pmf_review": [review],
            "pmf_protection": [protection],
        }
    )


def test_estimates_give_back_the_days_they_were_made_of():
    daily = stats.nbinom.pmf(np.arange(60), 0.8, 0.4)  # independent days: no variance of the level
    daily /= daily.sum()
    k = np.arange(60)
    mean, variance = (k * daily).sum(), (k**2 * daily).sum() - (k * daily).sum() ** 2
    bound = quantile_bound(estimates_of(3, 5, daily, 2.0), np.ones(1), np.array([0.95]))
    np.testing.assert_allclose(bound.mean, 2 * mean, rtol=1e-9)
    np.testing.assert_allclose(bound.within, 4 * variance, rtol=1e-6)
    np.testing.assert_allclose(bound.level, 0.0, atol=1e-6)
    law = np.array(laws(3, 5, daily)[1])
    quantile = 2 * int(np.searchsorted(np.cumsum(law), 0.95))
    np.testing.assert_allclose(bound.base_stock(np.array([0]), np.array([8.0])), quantile, rtol=1e-9)


def test_variance_parts_fit_the_protection_interval_whatever_the_review_says():
    rng = rng_for(SEED, "parts")
    short, long = rng.uniform(0, 10, 500), rng.uniform(0, 40, 500)
    long[:50] = short[:50]
    short[50:60] = 0.0
    v_short, v_long = short * rng.gamma(2, 2, 500), long * rng.gamma(2, 2, 500)
    within, level = variance_parts(short, v_short, long, v_long)
    np.testing.assert_allclose(within * long + level * long**2, v_long, rtol=1e-9)
    assert (within >= 0).all()
    assert (level >= 0).all()
    inner = (within > 0) & (level > 0)
    assert inner.sum() > 50
    np.testing.assert_allclose((within * short + level * short**2)[inner], v_short[inner], rtol=1e-6)
