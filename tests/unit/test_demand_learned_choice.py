"""Windows that the global model learns from, and the segments in which it is taken."""

import numpy as np
import pytest

from plimsoll.demand import DemandParams
from plimsoll.demand.learned import _windows
from plimsoll.demand.learned_choice import best_of_segments, choose_all
from plimsoll.demand.panel import months_from
from plimsoll.demand.score import Histories, Scores
from plimsoll.demand.shelf import SeriesFacts
from plimsoll.maths.kernels import demand_fit as fit

N = 40
LENGTHS = np.array([60, 60, 9, 31])
AHEAD = np.array([4, 1, 3, 6])


def histories():
    bounds = np.concatenate([[0], np.cumsum(LENGTHS)])
    months = months_from(np.datetime64("2024-01-01").item(), "week", 70)
    turn = np.array([0.1, 0.5, 0.9, 0.37])
    return Histories(np.arange(bounds[-1]) % 7.0, bounds, months, 60, 52, AHEAD, turn, size_rate=0.02)


@pytest.mark.parametrize("rows_max", [1000, 10_000])
@pytest.mark.parametrize("upto", [45, 60])
def test_windows_end_before_the_day(upto, rows_max):
    params = DemandParams(learned_rows_max=rows_max)
    wanted = np.array([True, True, True, False])
    windows = _windows(histories(), wanted, upto, params)
    end = (60 - LENGTHS)[:, None] + windows.origins + windows.ahead
    assert (end[windows.counts] <= upto).all()
    assert (windows.origins[windows.counts] >= params.train_periods_min).all()
    assert (np.diff(windows.origins, axis=1) >= 0).all()
    assert ((windows.ahead >= 1) & (windows.ahead <= AHEAD[:, None])).all()
    assert not windows.counts[3].any()
    assert windows.counts[0].sum() == upto - 4 - 6 + 1, "every origin, where rows allow"
    for i in range(4):
        origins = windows.origins[i][windows.counts[i]]
        assert len(set(origins)) == len(origins)
    assert windows.counts[2].sum() == (1 if upto == 60 else 0)


def test_few_segments_follow_all_of_them():
    rng = np.random.default_rng(1)
    segment = np.r_[np.zeros(500, int), np.ones(500, int), np.full(3, 2)]
    loss = np.ones((1003, 3))
    loss[:500, 2] = 0.8
    loss[500:1000, 1:] = rng.uniform(1.1, 1.3, (500, 2))
    loss[1000:, 1] = 0.2  # three series are luck
    best = best_of_segments(loss, np.full(1003, 8), segment, DemandParams())
    assert (best[:500] == 2).all()
    assert (best[500:] == 0).all()


def test_nothing_to_compare_keeps_the_first():
    best = best_of_segments(np.zeros((4, 3)), np.zeros(4, int), np.array([0, 1, 1, 4]), DemandParams())
    assert (best == 0).all()


def company(n, learned, late):
    """n alike series of which COMPOUND is the best single method; losses before and in the later half."""
    loss = np.full((n, fit.N_METHODS), np.inf)
    loss[:, [fit.NORMAL, fit.NB, fit.COMPOUND]] = [1.4, 1.2, 1.0]
    later = loss.copy()
    loss[:, [fit.BLEND, fit.LEARNED]] = learned
    later[:, [fit.BLEND, fit.LEARNED]] = late
    state = np.ones((n, fit.N_METHODS, fit.WIDTH))
    scores = Scores(loss, np.full(n, 8), state, np.ones((n, fit.SEASONS)), later, np.full(n, 4))
    series = SeriesFacts(
        np.full(n, 100.0),
        np.full(n, 30.0),
        np.full(n, 2.0),
        np.full(n, 2.0),
        np.zeros(n, bool),
        np.zeros(n, bool),
        52,
    )
    return scores, np.zeros(n, int), series, np.isfinite(loss)


@pytest.mark.parametrize(
    ("learned", "late", "code"),
    [
        ((0.95, 0.9), (0.95, 0.9), fit.LEARNED),
        ((0.9, 0.95), (0.9, 0.95), fit.BLEND),
        ((1.1, 1.2), (1.1, 1.2), fit.COMPOUND),
        ((0.9, 0.8), (1.1, 1.2), fit.COMPOUND),  # only the later half counts
    ],
)
def test_what_wins_on_later_origins_is_taken(learned, late, code):
    scores, kind, series, eligible = company(300, learned, late)
    choice = choose_all(scores, kind, series, eligible, DemandParams())
    assert (choice.used == code).all()
    assert (choice.wanted == code).all()
    assert (choice.reason == "").all()


def test_series_that_it_was_not_scored_on_keep_their_own():
    scores, kind, series, eligible = company(300, (0.9, 0.8), (0.9, 0.8))
    eligible[:5, [fit.BLEND, fit.LEARNED]] = False
    scores.loss[:5, [fit.BLEND, fit.LEARNED]] = np.inf
    scores.late[:5, [fit.BLEND, fit.LEARNED]] = np.inf
    scores.state[5:10, fit.LEARNED, 0] = np.nan
    used = choose_all(scores, kind, series, eligible, DemandParams()).used
    assert (used[:10] == fit.COMPOUND).all()
    assert (used[10:] == fit.LEARNED).all()


def test_without_it_nothing_changes():
    scores, kind, series, eligible = company(30, (np.inf, np.inf), (np.inf, np.inf))
    used = choose_all(scores, kind, series, eligible, DemandParams()).used
    assert (used == fit.COMPOUND).all()
