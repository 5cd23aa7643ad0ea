"""The global model: what it learns from all series, what it may know, and when it is not offered."""

import builtins
from datetime import date

import numpy as np
import polars as pl
import pytest
from numba import get_num_threads, set_num_threads

from plimsoll.demand import DemandParams
from plimsoll.demand.learned import Learned, learn
from plimsoll.demand.panel import months_from
from plimsoll.demand.score import Histories, marks_of
from plimsoll.maths.kernels.demand_fit import WIDTH

N, AHEAD = 120, 4
FIRST = 72  # the first held-out origin of 120 periods
PARAMS = DemandParams(learned_windows_min=500, learned_rows_max=6000, learned_folds=2)


def histories(panel, n_ahead=AHEAD):
    n = len(panel)
    months = months_from(date(2023, 1, 2), "week", N + 10)
    turn = np.random.default_rng(3).random(n)
    bounds = np.arange(n + 1) * panel.shape[1]
    values = panel.ravel().astype(float)
    return Histories(values, bounds, months, panel.shape[1], 52, np.full(n, n_ahead), turn, size_rate=0.02)


def points(n):
    return pl.DataFrame({"item_id": [f"I{i:04d}" for i in range(n)]}).with_columns(
        location_id=pl.lit("DC"), category=pl.lit(None, pl.String), unit_cost_eff=pl.lit(1.0)
    )


def learned(panel, params=PARAMS, seed=1):
    n = len(panel)
    return learn(histories(panel), points(n), (panel > 0).sum(axis=1) >= 2, params, seed)


def seasonal_panel(n=200, rate=0.6):
    rng = np.random.default_rng(1)
    season = 1 + 0.8 * np.sin(2 * np.pi * np.arange(N) / 52)
    return rng.poisson(rate * season, (n, N)), season


@pytest.fixture(scope="module")
def panel():
    return seasonal_panel()[0]


@pytest.fixture(scope="module")
def result(panel):
    return learned(panel)


def test_states_are_moments_of_a_period(result):
    assert result.skipped == ""
    assert result.state.shape == (200, PARAMS.origins_max + 1, WIDTH)
    assert np.isfinite(result.state).all()
    assert (result.state[:, :, 0] > 0).all()


def test_a_season_too_faint_for_one_series_is_learned_from_all(panel, result):
    season = 1 + 0.8 * np.sin(2 * np.pi * np.arange(N + AHEAD) / 52)
    truth = 0.6 * season[N : N + AHEAD].mean()
    assert truth > 1.15 * panel.mean()
    assert np.median(result.state[:, -1, 0]) == pytest.approx(truth, rel=0.2)


def test_held_out_states_know_nothing_later(panel, result):
    """Demand after the first held-out origin changes; what was forecast there does not."""
    changed = panel.copy()
    changed[:, FIRST:] = 5 * changed[:, FIRST:] + 3
    other = learned(changed)
    marks = marks_of(np.full(200, N), np.full(200, AHEAD), PARAMS)
    assert (marks[:, 0] == FIRST).all()
    assert np.array_equal(other.state[:, 0], result.state[:, 0])
    assert not np.array_equal(other.state[:, -1], result.state[:, -1])


def test_later_spans_are_forecast_with_what_ended_before_them(panel, result):
    last = marks_of(np.full(1, N), np.full(1, AHEAD), PARAMS)[0, -2]
    changed = panel.copy()
    changed[:, last:] = 9
    other = learned(changed)
    assert np.array_equal(other.state[:, :-1], result.state[:, :-1])


def test_equal_inputs_equal_states_on_any_number_of_threads(panel, result):
    threads = get_num_threads()
    set_num_threads(1)
    try:
        again = learned(panel)
    finally:
        set_num_threads(threads)
    assert np.array_equal(again.state, result.state)


def test_nothing_is_said_before_the_first_demand():
    panel = seasonal_panel()[0]
    panel[:20, :90] = 0
    state = learned(panel).state
    marks = marks_of(np.full(200, N), np.full(200, AHEAD), PARAMS)
    assert (state[:20][marks[:20] <= 90] == 0).all()
    assert (state[:20, -1, 0] > 0).all()


def test_not_offered_and_why(panel, monkeypatch):
    assert learned(panel[:20]) == Learned(None, "learned_too_few_windows")
    assert learned(panel, DemandParams(learned="off")).skipped == "learned_off"
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "lightgbm":
            message = "libgomp.so.1: cannot open shared object file"
            raise OSError(message)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert learned(panel) == Learned(None, "learned_not_installed")
