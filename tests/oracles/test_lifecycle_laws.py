"""Laws of life cycles by two roads: closed forms against integrals, textbook, simulation and plain twins."""

import numpy as np
import polars as pl
import pytest
from scipy import integrate, special, stats

from plimsoll.lifecycle.obsolescence import left_over
from plimsoll.lifecycle.phase_out import _below, _gain, _level, _moments, _rests
from plimsoll.maths.kernels.lifetimes import fading, hidden_death, life_facts, units_between
from plimsoll.maths.newsvendor import newsvendor_poisson

SHAPE = np.array([1.2, 3.1, 0.7, 12.0])
YEAR = 365.25


def nodes(a, b):
    """Gauss-Jacobi nodes and weights of a beta distribution: exact for polynomials up to degree 79."""
    at, weight = special.roots_jacobi(40, b - 1, a - 1)
    return (1 + at) / 2, weight / weight.sum()


def by_integral(x, t, n):
    """P(history): the integral over p and the death rate of what each pair makes of it."""
    (p, wp), (q, wq) = nodes(*SHAPE[:2]), nodes(*SHAPE[2:])
    p, q = p[:, None], q[None, :]
    alive = p**x * (1 - p) ** (n - x) * (1 - q) ** n
    died = sum(p**x * (1 - p) ** (t + i - x) * q * (1 - q) ** (t + i) for i in range(n - t))
    return wp @ (alive + died) @ wq


@pytest.mark.parametrize(("x", "t", "n"), [(3, 5, 9), (0, 0, 4), (2, 6, 6)])
def test_hidden_death_against_its_integral(x, t, n):
    row = hidden_death(np.array([x * 1.0]), np.array([t * 1.0]), np.array([n * 1.0]), SHAPE, 3)[0]
    here, later = by_integral(x, t, n), by_integral(x, t, n + 3)
    assert row[0] == pytest.approx(np.log(here), abs=1e-6)
    assert row[1] == pytest.approx(later / here, abs=1e-6)


def test_hidden_death_against_simulation():
    """20,000 lives; the error of a share is 0.007 at most with 5,000 cases, and 4 errors are allowed."""
    rng = np.random.default_rng(3)
    n, ahead = 12, 6
    p, q = rng.beta(*SHAPE[:2], 60_000), rng.beta(*SHAPE[2:], 60_000)
    alive = np.arange(n + ahead) < rng.geometric(q)[:, None] - 1
    asked = (rng.random(alive.shape) < p[:, None]) & alive
    past, coming = asked[:, :n], asked[:, n:]
    chosen = (past.sum(axis=1) == 3) & past[:, 6] & ~past[:, 7:].any(axis=1)
    row = hidden_death(np.array([3.0]), np.array([7.0]), np.array([12.0]), SHAPE, ahead)[0]
    error = 4 * 0.5 / np.sqrt(chosen.sum())
    assert row[1] == pytest.approx(1 - coming[chosen].any(axis=1).mean(), abs=error)
    assert row[2] == pytest.approx(alive[chosen, n - 1].mean(), abs=error)
    assert row[3] == pytest.approx(coming[chosen].sum(axis=1).mean(), abs=4 * error)


def test_kernels_agree_with_their_plain_twins():
    rng = np.random.default_rng(5)
    values = rng.poisson(0.6, 300).astype(float)
    values[rng.random(300) < 0.05] = np.nan
    bounds, marks = np.array([0, 3, 40, 120, 300]), np.array([0, 5, 12])
    given = values, bounds, marks, np.array([6, 12]), np.array([0.15, 0.05])
    np.testing.assert_allclose(life_facts(*given), life_facts.py_func(*given), equal_nan=True)
    facts = life_facts(*given)[:, 0]
    given = values, bounds, marks, 5
    np.testing.assert_array_equal(units_between(*given), units_between.py_func(*given))
    story = facts[:, 1].copy(), facts[:, 2].copy(), facts[:, 0].copy()
    np.testing.assert_allclose(hidden_death(*story, SHAPE, 4), hidden_death.py_func(*story, SHAPE, 4))


def test_fading_statistic_is_as_rare_as_it_says():
    """At 3 errors t with 10 degrees of freedom warns in 0.67 % of steady demand; 4 errors are 0.23 %."""
    panel = np.random.default_rng(2).poisson(40, (20_000, 24)).astype(float)
    found = np.array([fading(row, 6, 12)[1] for row in panel])
    assert (found <= -3).mean() == pytest.approx(stats.t.cdf(-3, 10), abs=0.0023)


def test_leftover_against_simulation():
    rng = np.random.default_rng(4)
    stock, none, mean, spread = 10.0, 0.3, 6.0, 0.8
    coming = rng.gamma(1 / spread, mean / (1 - none) * spread, 400_000) * (rng.random(400_000) >= none)
    found = left_over(np.array([stock]), np.array([none]), np.array([mean]), spread)[0]
    assert found == pytest.approx(np.maximum(stock - coming, 0).mean(), rel=0.01)


def ending(rate, *, years=1.0, hold=0.0, short=40.0, lost=10.0, variance=None, retention=1.0):
    """One item that ends, with Poisson demand unless a variance a day is given."""
    state = pl.DataFrame(
        {
            "mean_per_day": [rate],
            "variance_per_day": [rate if variance is None else variance],
            "rate_variance": [0.0],
            "yearly_retention": [retention],
            "horizon": [years * YEAR],
            "shortage_cost": [short],
            "leftover_cost": [lost],
            "holding_cost_per_year": [hold],
        }
    )
    mean, sd = _moments(state, state["horizon"].to_numpy())
    return state.with_columns(expected_qty=mean, sd_qty=sd)


@pytest.mark.parametrize(("rate", "short"), [(0.01, 4.0), (0.1, 40.0), (1.0, 2.0)])
def test_last_buy_without_holding_cost_is_the_newsvendor(rate, short):
    level = _level(ending(rate, short=short))[0]
    assert level == newsvendor_poisson(10.0, short, rate * YEAR).base_stock


def test_last_buy_with_holding_cost_is_the_best_of_a_simulation():
    """Profit of every level on 20,000 simulated lives of Poisson demand over three years."""
    state = ending(0.03, years=3.0, hold=2.0, short=12.0)
    rng = np.random.default_rng(6)
    horizon = 3.0 * YEAR
    days = np.cumsum(rng.exponential(1 / 0.03, (20_000, 90)), axis=1)
    used = days <= horizon
    gains = np.where(used, 12.0, -10.0) - 2.0 / YEAR * np.minimum(days, horizon)
    worth = gains.mean(axis=0)  # of the k-th unit
    level = int(_level(state)[0])
    best = int(np.argmax(np.cumsum(worth))) + 1
    assert abs(level - best) <= 1
    assert np.cumsum(worth)[level - 1] == pytest.approx(np.cumsum(worth)[best - 1], rel=0.002)
    assert _gain(state, np.array([20.0]))[0] == pytest.approx(worth[19], abs=0.15)


def test_units_left_and_missing_against_simulation():
    state = ending(0.1)
    came = np.random.default_rng(7).poisson(0.1 * YEAR, 200_000)
    for stock in (20.0, 37.0, 60.0):
        left, short = _rests(state, np.array([stock]))
        assert left[0] == pytest.approx(np.maximum(stock - came, 0).mean(), abs=0.15)
        assert short[0] == pytest.approx(np.maximum(came - stock, 0).mean(), abs=0.15)


def test_demand_that_fades_adds_up_to_its_integral():
    mean, _ = _moments(ending(1.0, years=4.0, retention=0.5), np.array([4 * YEAR]))
    year = integrate.quad(lambda t: 0.5**t, 0, 1)[0]
    assert mean[0] == pytest.approx(YEAR / year * integrate.quad(lambda t: 0.5**t, 0, 4)[0])


def test_distribution_below_a_level_is_scipys():
    mean, sd = np.array([6.0, 6.0]), np.array([4.0, 6.0**0.5])
    found = _below(np.array([5.0, 5.0]), mean, sd)
    assert found[0] == pytest.approx(stats.nbinom.cdf(4, 36 / (16 - 6), 6 / 16))
    assert found[1] == pytest.approx(stats.poisson.cdf(4, 6))
