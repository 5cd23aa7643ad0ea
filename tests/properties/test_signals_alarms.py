"""Alarms: false ones no more often than stated, true ones found, with their date and size."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.demand import DemandParams
from plimsoll.signals import SignalParams, alarms
from plimsoll.signals.changes import DRIFT, SHIFT, find_changes

WEEKS, MANY = 104, 8000
AS_OF = date(2026, 11, 22)
FIRST = AS_OF - timedelta(days=7 * WEEKS - 1)


def no_wave(n=WEEKS):
    return np.zeros((0, n))


def yearly(n=WEEKS):
    angle = 2 * np.pi * np.arange(n) * 7 / 365.25
    return np.array([np.cos(angle), np.sin(angle)])


def still(law, n, rng, rows=MANY):
    """Series whose law never changes."""
    if law == "fast":
        return rng.poisson(20, (rows, n)).astype(float)
    if law == "slow":
        return rng.poisson(0.2, (rows, n)).astype(float)
    if law == "lumpy":
        return rng.poisson(rng.gamma(0.5, 40.0, (rows, n))) * (rng.random((rows, n)) < 0.15)
    noise = rng.normal(size=(rows, n + 50))
    for t in range(1, n + 50):
        noise[:, t] += 0.3 * noise[:, t - 1]
    return np.maximum(100 + 20 * noise[:, 50:], 0)


@pytest.mark.parametrize("law", ["fast", "slow", "lumpy", "alike"])
@pytest.mark.parametrize(("n", "wave"), [(26, False), (52, False), (104, False), (104, True)])
def test_p_value_is_never_too_small(law, n, wave):
    """Without change, P(p < a) is at most a. Of 8,000 series, four standard errors more are allowed: a true
    p-value would fail in one of 30,000 comparisons, and here are 48."""
    x = still(law, n, np.random.default_rng(7))
    p = find_changes(x, yearly(n) if wave else no_wave(n)).p_value
    for level in (0.05, 0.01, 0.001):
        assert (p < level).mean() <= level + 4 * np.sqrt(level / MANY)


@pytest.mark.parametrize(
    ("before", "after", "least"), [(20, 30, 0.99), (100, 115, 0.9), (0.2, 0.8, 0.4), (5, 2, 0.95)]
)
def test_power_date_and_size_of_a_shift(before, after, least):
    """Two years, the level changes after 16 months: share found at p < 0.001, date and rates of those."""
    rng = np.random.default_rng(3)
    at = 70
    x = rng.poisson(before, (2000, WEEKS)).astype(float)
    x[:, at:] = rng.poisson(after, (2000, WEEKS - at))
    found = find_changes(x, no_wave())
    sure = found.p_value < 0.001
    assert sure.mean() > least
    assert (found.kind[sure] == SHIFT).mean() > 0.9
    assert np.median(np.abs(found.at[sure] - at)) <= 4
    assert np.median(found.before[sure]) == pytest.approx(before, rel=0.25)
    assert np.median(found.after[sure]) == pytest.approx(after, rel=0.25)


def test_a_slope_is_a_drift_and_a_season_is_nothing():
    rng = np.random.default_rng(4)
    week = np.arange(WEEKS)
    sloped = find_changes(rng.poisson(np.tile(40 + 0.6 * week, (1000, 1))).astype(float), no_wave())
    assert (sloped.p_value < 0.001).mean() > 0.95
    assert (sloped.kind == DRIFT).mean() > 0.9
    assert np.median(sloped.before) == pytest.approx(40, rel=0.1)
    assert np.median(sloped.after) == pytest.approx(40 + 0.6 * (WEEKS - 1), rel=0.1)
    season = 1 + 0.4 * np.cos(2 * np.pi * (week * 7 / 365.25 - 0.3))
    waving = rng.poisson(np.tile(50 * season, (2000, 1))).astype(float)
    assert (find_changes(waving, yearly()).p_value < 0.01).mean() < 0.02


def test_unseen_periods_are_no_change():
    rng = np.random.default_rng(5)
    x = rng.poisson(20, (MANY, WEEKS)).astype(float)
    x[:, 50:70] = np.nan
    x[:, :10] = np.nan
    p = find_changes(x, no_wave()).p_value
    assert (p < 0.01).mean() <= 0.01 + 4 * np.sqrt(0.01 / MANY)


def company(x, cost=2.0):
    """Demand and planning points of one place, one row of weekly demand an item."""
    items = [f"I{k:04d}" for k in range(len(x))]
    row, week = np.nonzero(x > 0)
    days = np.datetime64(FIRST) + 7 * week.astype("m8[D]")
    rows = pl.DataFrame(
        {
            "item_id": np.array(items)[row],
            "location_id": "M",
            "date": pl.Series(days),
            "quantity": x[row, week],
        }
    )
    points = pl.DataFrame(
        {"item_id": items, "location_id": "M", "category": [f"C{k % 4}" for k in range(len(x))],
         "unit_cost_eff": cost, "planned": True, "launch_date": None},
        schema_overrides={"launch_date": pl.Date},
    )  # fmt: skip
    return rows, points


def raised(x, **options):
    rows, points = company(x)
    return alarms(rows, points, SignalParams(), DemandParams(), as_of=AS_OF, **options)


def test_a_company_at_rest_raises_no_alarm():
    """20 companies of 300 still items: any alarm at all in at most 5 % of levels, one level in 60 expected.

    Three levels each; 9 of 60 or more would come once in 600 times at the stated 5 %, an upper bound.
    """
    loud = 0
    for seed in range(20):
        found = raised(still("slow" if seed % 2 else "fast", WEEKS, np.random.default_rng(seed), 300))
        loud += found["level"].n_unique()
    assert loud < 9


def test_false_alarms_among_all_stay_within_the_stated_share():
    """A fifth of 2,000 items changes: of the alarms at points, 5 % at most (and 4 errors) are false."""
    rng = np.random.default_rng(11)
    x = still("fast", WEEKS, rng, 2000)
    x[:400, 60:] = rng.poisson(30, (400, WEEKS - 60))
    found = raised(x).filter(level="point")
    wrong = (found["item_id"] >= "I0400").mean()
    assert wrong < 0.05 + 4 * np.sqrt(0.05 / found.height)
    assert found.height > 0.95 * 400
    late = found.filter(pl.col("item_id") < "I0400")
    off = (late["since"] - (FIRST + timedelta(days=7 * 60))).dt.total_days().abs()
    assert off.median() <= 7
    assert late["change_value_per_year"].median() == pytest.approx(10 * 52.18 * 2.0, rel=0.15)


def test_groups_are_watched_too():
    """A third more in one category alone: alarms for it and for the place, in money."""
    rng = np.random.default_rng(12)
    x = rng.poisson(2.0, (80, WEEKS)).astype(float)
    x[::4, 60:] = rng.poisson(2.7, (20, WEEKS - 60))
    found = raised(x)
    assert "C0" in found.filter(level="category")["group"].to_list()
    one = found.filter(level="category", group="C0").row(0, named=True)
    assert one["measured_in"] == "money"
    assert one["change_value_per_year"] == pytest.approx(20 * 0.7 * 2.0 * 52.18, rel=0.25)


def hindcasts(forecast, actual, low, high):
    n, origins = actual.shape
    day = [AS_OF - timedelta(days=14 * (origins - j)) for j in range(origins)]
    return pl.DataFrame(
        {
            "item_id": np.repeat([f"I{k:04d}" for k in range(n)], origins), "location_id": "M",
            "origin": day * n, "interval_days": 14.0, "forecast": forecast.ravel(),
            "actual": actual.ravel(), "rank_low": low.ravel(), "rank_high": high.ravel(),
        }
    )  # fmt: skip


@pytest.mark.parametrize("factor", [1.0, 1.6])
def test_bias_of_forecasts(factor):
    """Poisson(10) forecast at the rate or at 1.6 times it, 6 origins: silent, or found at most points."""
    from scipy import stats

    rng = np.random.default_rng(2)
    actual = rng.poisson(10.0, (500, 6)).astype(float)
    law = stats.poisson(10.0 * factor)
    again = hindcasts(np.full(actual.shape, 10.0 * factor), actual, law.cdf(actual - 1), law.cdf(actual))
    found = raised(still("fast", WEEKS, rng, 500), hindcasts=again).filter(kind="bias")
    if factor == 1.0:
        assert found.height <= 2
    else:
        assert found.filter(level="point").height > 400
        assert found.filter(level="all").height == 1
        row = found.filter(level="point").row(0, named=True)
        assert row["after_per_day"] < row["before_per_day"] == pytest.approx(16 / 14)
