"""What is estimated suits the demand: seasons and trends are followed, sparse demand is counted."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.demand import DemandParams, estimate
from plimsoll.domain.tables import table

START = date(2023, 1, 2)
WEEKS = 156
PARAMS = DemandParams()
COUNTS = ["compound", "learned", "learned_blend"]
SHELF = ["negative_binomial", "fading_counts", "croston", "sba", "tsb", "zero_inflated_nb", "bootstrap"]
SINGLE = DemandParams(  # what series are estimated with where nothing is learned from others
    contenders=("normal", "ses", "negative_binomial", "seasonal"), learned="off", season_active_min=2.0
)


def chosen(panel, seed=1, params=PARAMS):
    n = len(panel)
    at, week = np.nonzero(panel)
    points = pl.DataFrame({"item_id": [f"I{i:04d}" for i in range(n)]}).with_columns(
        location_id=pl.lit("DC"), from_location_id=pl.lit("Acme"), category=pl.lit(None, pl.String),
        launch_date=pl.lit(None, pl.Date), review_days_eff=pl.lit(7.0), unit_cost_eff=pl.lit(1.0),
    )  # fmt: skip
    lines = {"item_id": points["item_id"].gather(at), "quantity": panel[at, week].astype(float)}
    demand = pl.DataFrame(lines).with_columns(
        location_id=pl.lit("DC"), date=pl.lit(START) + pl.duration(days=pl.Series(7 * week)),
        order_id=pl.lit(None, pl.String), line=pl.lit(None, pl.String),
    )  # fmt: skip
    lead_times = points.select("item_id", "from_location_id", to_location_id="location_id").with_columns(
        atom_days=pl.Series([[21.0]] * n), atom_probability=pl.Series([[1.0]] * n)
    )
    last = START + timedelta(days=7 * panel.shape[1] - 1)
    return estimate(table("demand").conform(demand), points, lead_times, params, as_of=last, seed=seed)


def share_of(result, names):
    return result["method_used"].is_in(names).mean()


def test_a_season_that_many_share_is_followed():
    rng = np.random.default_rng(1)
    season = 1 + 0.7 * np.sin(2 * np.pi * (np.arange(WEEKS) - 10) / 52.18)
    result = chosen(rng.poisson(40 * season, (100, WEEKS)))
    # The forecast follows the season: the weeks after the end of a year are near the mean, going up.
    ahead = 40 * (1 + 0.7 * np.sin(2 * np.pi * (np.arange(WEEKS, WEEKS + 4) - 10) / 52.18)).sum()
    assert result["mean_protection_qty"].median() == pytest.approx(ahead, rel=0.12)
    assert result["mean_protection_qty"].max() < 0.65 * 160


def test_seasonal_demand_of_its_own_gets_the_seasonal_method():
    rng = np.random.default_rng(1)
    season = 1 + 0.7 * np.sin(2 * np.pi * (np.arange(WEEKS) - 10) / 52.18)
    result = chosen(rng.poisson(40 * season, (100, WEEKS)), params=SINGLE)
    assert share_of(result, ["seasonal"]) >= 0.95


def test_intermittent_demand_gets_a_count_method():
    rng = np.random.default_rng(2)
    panel = (rng.random((150, WEEKS)) < 0.25) * (1 + rng.poisson(2.0, (150, WEEKS)))
    result = chosen(panel)
    assert share_of(result, COUNTS) == 1.0
    assert result["pinball_loss"].mean() < result["pinball_loss_reference"].mean()
    alone = chosen(
        panel, params=DemandParams(contenders=("normal", *SHELF), learned="off", evidence_origins=20)
    )
    assert share_of(alone, SHELF) > 10 * share_of(alone, ["normal"])
    assert share_of(alone, SHELF) >= 0.95
    assert alone["pinball_loss"].mean() < 0.97 * alone["pinball_loss_reference"].mean()


def test_high_steady_volume_may_be_normal_and_is_never_sparse():
    rng = np.random.default_rng(3)
    result = chosen(np.rint(rng.normal(500, 50, (100, WEEKS))))
    assert set(result["demand_class"]) == {"smooth"}
    assert share_of(result, ["croston", "sba", "tsb", "zero_inflated_nb", "bootstrap"]) == 0
    assert result["mean_protection_qty"].to_numpy() == pytest.approx(2000, rel=0.08)
    assert result["sd_protection_qty"].to_numpy() == pytest.approx(100, rel=0.5)


def test_a_trend_is_followed():
    rng = np.random.default_rng(4)
    result = chosen(rng.poisson(20 + 0.6 * np.arange(WEEKS), (60, WEEKS)))
    truth = (20 + 0.6 * np.arange(WEEKS, WEEKS + 4)).sum()
    assert np.median(result["mean_protection_qty"].to_numpy()) == pytest.approx(truth, rel=0.06)


def test_demand_that_stopped_fades():
    rng = np.random.default_rng(5)
    panel = (rng.random((100, WEEKS)) < 0.3) * rng.integers(1, 6, (100, WEEKS))
    panel[:, 100:] = 0
    fading = chosen(panel)["mean_per_day_est"].to_numpy().mean()
    assert fading < 0.5 * panel[:, :100].mean() / 7


def test_demand_that_halves_every_quarter_is_followed_down():
    """Among steady series, which keep their methods; without counts that forget quickly it takes longer."""
    rng = np.random.default_rng(7)
    rate = 0.5 ** (np.maximum(np.arange(WEEKS) - WEEKS + 40, 0) / 13)
    panel = np.vstack([rng.poisson(rate, (60, WEEKS)), rng.poisson(1.0, (240, WEEKS))])
    with_them, without = chosen(panel), chosen(panel, params=DemandParams(fading_errors=1e9))
    fading, slow = (np.median(result["mean_per_day_est"].to_numpy()[:60]) for result in (with_them, without))
    assert fading < 0.7 * slow
    assert 7 * fading > rate[-1]
    assert share_of(with_them[:60], ["fading_counts"]) > 0.8
    assert share_of(with_them[60:], ["fading_counts"]) < 0.05


def test_less_than_two_years_of_season_is_said():
    rng = np.random.default_rng(6)
    season = 1 + 0.8 * np.sin(2 * np.pi * np.arange(90) / 52.18)
    result = chosen(rng.poisson(60 * season, (60, 90)), params=SINGLE)
    wanted = result.filter(pl.col("method_wanted") == "seasonal")
    assert wanted.height > 0
    assert set(wanted["fallback_reason"]) == {"seasonal_needs_two_years"}
    assert "seasonal" not in set(result["method_used"])
