"""Demand and stock of the coming weeks against laws computed another way, and against a simulation."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.maths.ragged import to_lists
from plimsoll.replenish.ahead import demand_ahead, review_moments, stock_ahead

SHARE = 0.8


def estimate(mean_week, variance_week, weeks=4.0, doubt=0.0, **given):
    """Moments of a demand whose level has squared variation `doubt`, over a week and over `weeks`."""
    ratio = variance_week / mean_week - doubt * mean_week
    long = mean_week * weeks
    return {
        "mean_per_day_est": mean_week / 7,
        "mean_protection_qty": long,
        "sd_protection_qty": np.sqrt(ratio * long + doubt * long**2),
        "protection_days_mean": 7 * weeks,
        "protection_days_sd": 0.0,
        "review_mean_qty": mean_week,
        "review_variance_qty": variance_week,
        "step_qty": 1.0,
        "period_days": 7.0,
        "coming_qty": None,
    } | given


def test_moments_are_those_of_the_laws():
    rng = np.random.default_rng(1)
    laws = [rng.dirichlet(np.ones(int(n))) for n in rng.integers(1, 40, 30)]
    steps = rng.uniform(0.1, 5.0, 30)
    bounds = np.concatenate([[0], np.cumsum([len(law) for law in laws])])
    mean, variance = review_moments(to_lists(np.concatenate(laws), bounds), pl.Series(steps))
    for row, law in enumerate(laws):
        units = np.arange(len(law)) * steps[row]
        assert mean[row] == pytest.approx(np.average(units, weights=law))
        assert variance[row] == pytest.approx(np.average((units - mean[row]) ** 2, weights=law), abs=1e-9)


@pytest.mark.parametrize(("mean", "variance"), [(0.3, 0.9), (5.0, 12.0), (800.0, 9000.0)])
def test_bounds_are_quantiles_of_the_law_with_the_moments(mean, variance):
    found = demand_ahead(estimate(mean, variance), [7.0, 28.0], SHARE)
    for place, weeks in enumerate((1.0, 4.0)):
        law = stats.nbinom(mean * weeks * mean / (variance - mean), mean / variance)
        assert found[0][place] == pytest.approx(mean * weeks)
        assert (found[1][place], found[2][place]) == (law.ppf(0.1), law.ppf(0.9))


def test_bounds_of_calm_and_of_no_demand():
    calm = demand_ahead(estimate(100.0, 25.0), [7.0], SHARE)
    law = stats.gamma(100.0**2 / 25.0, scale=0.25)
    assert (calm[1][0], calm[2][0]) == pytest.approx((law.ppf(0.1), law.ppf(0.9)))
    sure = demand_ahead(estimate(10.0, 0.0), [7.0, 14.0], SHARE)
    assert [path.tolist() for path in sure] == [[10.0, 20.0]] * 3
    nothing = demand_ahead(estimate(1.0, 1.0) | {"mean_per_day_est": 0.0}, [7.0], SHARE)
    assert [path.tolist() for path in nothing] == [[0.0]] * 3


def test_a_doubtful_level_spreads_with_time_as_in_a_simulation():
    rng = np.random.default_rng(3)
    level = rng.gamma(4.0, 0.25, 200_000)  # squared variation 0.25
    total = rng.poisson(level[:, None] * 10.0, (200_000, 8)).cumsum(axis=1)
    row = estimate(10.0, 10.0 + 0.25 * 100.0, weeks=6.0, doubt=0.25)
    mean, low, high = demand_ahead(row, [7.0 * week for week in range(1, 9)], SHARE)
    assert mean == pytest.approx(total.mean(axis=0), rel=0.01)
    assert low == pytest.approx(np.quantile(total, 0.1, axis=0), abs=1.0)
    assert high == pytest.approx(np.quantile(total, 0.9, axis=0), abs=1.0)


def test_a_season_moves_demand_and_keeps_that_of_the_interval():
    row = estimate(10.0, 20.0, coming_qty=[10.0, 10.0, 30.0, 30.0])
    mean = demand_ahead(row, [7.0, 14.0, 21.0, 28.0, 35.0], SHARE)[0]
    assert np.diff(mean, prepend=0.0) == pytest.approx([5.0, 5.0, 15.0, 15.0, 15.0])


def test_stock_is_what_is_there_and_comes_less_demand():
    rng = np.random.default_rng(5)
    mean, low, high = demand_ahead(estimate(10.0, 30.0), [7.0, 14.0, 21.0], SHARE)
    arrivals = np.array([0.0, 40.0, 0.0])
    found = stock_ahead(25.0, arrivals, (mean, low, high), is_lost=False)
    drawn = rng.negative_binomial(10.0**2 / 20.0, 10.0 / 30.0, (200_000, 3)).cumsum(axis=1)
    simulated = 25.0 + arrivals.cumsum() - drawn
    assert found[0] == pytest.approx(simulated.mean(axis=0), abs=0.1)
    assert found[1] == pytest.approx(np.quantile(simulated, 0.1, axis=0), abs=1.0)
    assert found[2] == pytest.approx(np.quantile(simulated, 0.9, axis=0), abs=1.0)


def test_lost_demand_is_not_owed():
    taken = np.array([30.0, 40.0])
    owed = stock_ahead(10.0, np.array([0.0, 50.0]), (taken, taken, taken), is_lost=False)
    lost = stock_ahead(10.0, np.array([0.0, 50.0]), (taken, taken, taken), is_lost=True)
    assert owed[0].tolist() == [-20.0, 20.0]
    assert lost[0].tolist() == [0.0, 40.0]
