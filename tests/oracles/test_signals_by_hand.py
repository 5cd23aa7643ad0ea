"""Measures of accuracy and tests of change against figures worked by hand and against libraries."""

import numpy as np
import polars as pl
import pytest
from scipy import special, stats

from plimsoll.signals import measures
from plimsoll.signals.changes import bridge_tail, discovery_rate

PMF = pl.Series([[0.1, 0.2, 0.3, 0.4], [0.5, 0.5]])


def test_ranks_and_coverage_by_hand():
    """D = 0, 1, 2, 3 with 0.1 .. 0.4; D = 0 or 5 with a half each."""
    low, high = measures.interval_ranks(PMF, np.array([1.0, 5.0]), np.array([2.0, 5.0]))
    assert low.tolist() == pytest.approx([0.3, 0.5])
    assert high.tolist() == pytest.approx([0.6, 1.0])
    # 0.5 lies two thirds into the step from 0.3 to 0.6, and at the foot of that from 0.5 to 1
    assert measures.covered(low, high, 0.5).tolist() == pytest.approx([2 / 3, 0.0])
    beyond = measures.interval_ranks(PMF, np.array([1.0, 5.0]), np.array([9.0, 90.0]))
    assert [side.tolist() for side in beyond] == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize("mean", [0.3, 4.0, 60.0])
def test_a_perfect_forecast_covers_its_levels(mean):
    """8,000 Poisson draws; four standard errors, false once in 16,000 times (9 comparisons)."""
    draws = np.random.default_rng(5).poisson(mean, 8_000).astype(float)
    pmf = pl.Series([stats.poisson.pmf(np.arange(200), mean).tolist()] * len(draws))
    low, high = measures.interval_ranks(pmf, np.ones(len(draws)), draws)
    for level in measures.COVERED:
        part = measures.covered(low, high, level)
        assert part.mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / len(draws)))


def test_pinball_equals_its_definition():
    """Quantiles of the first law at 0.5, 0.9: 2 and 3; of the second: 0 and 5."""
    actual = np.array([1.0, 12.0])
    found = measures.pinball_loss(PMF, np.array([1.0, 5.0]), actual, (0.5, 0.9))
    by_hand = [(0.5 * 1 + 0.1 * 2) / 2, (0.5 * 12 + 0.9 * 7) / 2]
    assert found.tolist() == pytest.approx(by_hand)


def test_naive_error_and_interval_demand_by_hand():
    """Intervals of two periods: sums 3, 5, 9, 12 give |9 - 3| and |12 - 5| over the first five periods."""
    values = np.array([1.0, 2.0, 3.0, 6.0, 6.0, 100.0, 7.0, np.nan, 1.0])
    bounds = np.array([0, 6, 9])
    error = measures.naive_error(values, bounds, np.array([5, 3]), np.array([2, 1]))
    assert error[0] == 6.5
    assert np.isnan(error[1])  # 7 -> unknown -> 1
    after = measures.interval_demand(values, bounds, np.array([4, 0]), np.array([2, 2]))
    assert after[0] == 106.0
    assert np.isnan(after[1])


def test_bridge_tail_is_kolmogorovs():
    m = np.linspace(0.5, 4.0, 30)
    assert bridge_tail(m) == pytest.approx(special.kolmogorov(m), rel=1e-9, abs=1e-15)


def test_discovery_rate_is_benjamini_and_hochbergs():
    p = np.random.default_rng(1).random(200) ** 3
    assert discovery_rate(p) == pytest.approx(stats.false_discovery_control(p))
