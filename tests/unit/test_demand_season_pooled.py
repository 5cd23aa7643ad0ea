"""Seasons pooled over many series: found where they repeat, 1 where nothing does, and given back in full."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.demand.params import DemandParams
from plimsoll.demand.season_pooled import deseasonalised, reseasonalised, seasons, seasons_from
from plimsoll.domain.tables import table

START = date(2023, 1, 2)
N_WEEKS = 156
AS_OF = START + timedelta(days=7 * N_WEEKS - 1)
PARAMS = DemandParams(season_active_min=0.0, pool_points_min=1)
PEAK, HEIGHT = range(20, 24), 3.0  # seasons of the peak


def _points(n, category="c"):
    return pl.DataFrame(
        {"item_id": [f"{i:03d}" for i in range(n)], "location_id": "L", "category": category}
    ).with_columns(launch_date=pl.lit(None, dtype=pl.Date), review_days_eff=7.0)


def _demand(means, seed=1):
    """Poisson demand of series of these means (n, T), as lines."""
    drawn = np.random.default_rng(seed).poisson(means)
    i, t = np.nonzero(drawn)
    lines = pl.DataFrame(
        {
            "item_id": [f"{k:03d}" for k in i],
            "location_id": "L",
            "date": [START + timedelta(days=7 * int(k)) for k in t],
            "quantity": drawn[i, t].astype(float),
        }
    )
    return table("demand").conform(pl.concat([table("demand").empty(), lines], how="diagonal"))


def _means(n, rate, height):
    season = seasons_from(START, "week", N_WEEKS)
    return np.full((n, 1), rate) * np.where(np.isin(season, PEAK), height, 1.0)


def _found(demand, points, as_of=AS_OF):
    return seasons(demand, points, PARAMS, as_of=as_of)


def test_a_peak_that_repeats_is_found_from_slow_series():
    found = _found(_demand(_means(200, 0.5, HEIGHT)), _points(200))
    index = found.index[0]
    assert index[21:23].mean() / np.delete(index, range(18, 26)).mean() == pytest.approx(HEIGHT, rel=0.12)
    assert index.mean() == pytest.approx(1.0)


def test_what_does_not_repeat_is_no_season():
    """Chance alone: over 40 histories the mean absolute index is off 1 by less than a fiftieth."""
    off = [
        np.abs(_found(_demand(_means(40, 0.5, 1.0), seed), _points(40)).index - 1.0).mean()
        for seed in range(40)
    ]
    assert np.mean(off) < 0.02


def test_less_than_a_year_has_no_season():
    found = _found(_demand(_means(5, 2.0, HEIGHT)), _points(5), START + timedelta(days=7 * 40 - 1))
    assert (found.index == 1.0).all()


def test_a_year_seen_once_counts_half():
    points = _points(300)
    demand = _demand(_means(300, 2.0, HEIGHT))
    once = _found(demand, points, START + timedelta(days=7 * 60 - 1)).index[0]
    often = _found(demand, points).index[0]
    assert 1.2 < once[21:23].mean() < often[21:23].mean()


def test_a_category_keeps_its_own_season():
    means = np.vstack([_means(100, 1.0, HEIGHT), _means(100, 1.0, 1.0)])
    points = _points(200).with_columns(
        category=pl.when(pl.int_range(200) < 100).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    index = _found(_demand(means), points).index
    assert index[0, 21:23].mean() > 2.0
    assert index[1, 21:23].mean() == pytest.approx(1.0, abs=0.25)


def test_later_demand_is_not_read():
    points, demand = _points(20), _demand(_means(20, 1.0, HEIGHT))
    day = START + timedelta(days=7 * 110 - 1)
    whole = _found(demand, points, day).index
    assert (whole == _found(demand.filter(pl.col("date") <= day), points, day).index).all()


def test_whole_units_stay_whole_and_none_is_lost():
    points, demand = _points(30), _demand(_means(30, 1.0, HEIGHT))
    found = _found(demand, points)
    level = deseasonalised(demand, points, found)
    assert level.height == demand.height
    assert (level["quantity"] == level["quantity"].round()).all()
    weeks = ((demand["date"] - START).dt.total_days() // 7).to_numpy()
    expected = pl.DataFrame(
        {
            "item_id": demand["item_id"],
            "q": demand["quantity"].to_numpy() / found.of(START, N_WEEKS)[0, weeks],
        }
    )
    sums = (
        expected.group_by("item_id")
        .agg(pl.col("q").sum())
        .join(level.group_by("item_id").agg("quantity"), on="item_id")
    )
    off = sums["q"] - sums["quantity"].list.sum()
    assert off.abs().max() <= 0.5 + 1e-9


def _estimate(points):
    pmf = [0.2, 0.3, 0.3, 0.2]
    laws = {name: [pmf] * points.height for name in table("demand_estimate").names if name.startswith("pmf")}
    frame = points.select("item_id", "location_id").with_columns(
        demand_class=pl.lit("smooth"),
        period_days=7.0,
        mean_per_day_est=1.5 / 21,
        method_used=pl.lit("m"),
        method_wanted=pl.lit("m"),
        protection_days_mean=21.0,
        protection_days_sd=0.0,
        mean_lead_qty=1.5,
        mean_protection_qty=1.5,
        sd_protection_qty=1.05**0.5,
        step_qty=1.0,
        n_periods=1,
        n_demand_periods=1,
        sd_per_period_obs=1.0,
        n_origins=0,
        **{name: pl.Series(lists) for name, lists in laws.items()},
    )
    declared = table("demand_estimate")
    return declared.conform(pl.concat([declared.empty(), frame], how="diagonal_relaxed"))


def test_an_interval_takes_the_seasons_it_falls_in():
    points = _points(50)
    found = _found(_demand(_means(50, 4.0, HEIGHT)), points)
    as_of = date(2026, 5, 10)  # a Sunday: ISO weeks 20, 21 and 22 follow, seasons 19 to 21
    index = found.of(date(2026, 5, 11), 60)[0]
    out = reseasonalised(_estimate(points), points, found, PARAMS, as_of=as_of)
    assert out["mean_protection_qty"][0] == pytest.approx(1.5 * index[:3].mean(), rel=1e-6)
    assert out["mean_lead_qty"][0] == pytest.approx(1.5 * index[:2].mean(), rel=1e-6)
    assert out["sd_protection_qty"][0] ** 2 == pytest.approx(1.05 * index[:3].mean(), rel=0.05)
    assert out["coming_qty"][0].to_list()[:5] == pytest.approx(list(0.5 * index[:5]), rel=1e-6)
    assert out["item_id"].to_list() == points["item_id"].to_list()


def test_no_season_moves_nothing():
    points = _points(3)
    found = _found(_demand(_means(3, 2.0, 1.0)), points, START + timedelta(days=7 * 30 - 1))
    before = _estimate(points)
    after = reseasonalised(before, points, found, PARAMS, as_of=AS_OF)
    assert after.drop("coming_qty").equals(before.drop("coming_qty"))
