"""One model for all series: gradient-boosted trees that learn from every history what comes after what.

A model of LightGBM (Ke et al. 2017) on windows of the past. With the level l of a series (demand a
period with a half-life of a year) and D what was asked for in the h periods after an origin,

    E[D / (h l)] = f(x),            Poisson deviance, weight e / (1 + e), e = h l / mean size

x is what was known at the origin. Training windows end before the origins that a model forecasts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.demand.learned_features import Reader, reader_of
from plimsoll.demand.params import DemandParams
from plimsoll.demand.score import Histories, marks_of, window_sums
from plimsoll.maths.kernels.demand_fit import WIDTH
from plimsoll.maths.kernels.threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints

Flags = NDArray[np.bool_]

CHUNK = 4096
GOLDEN = 0.6180339887498949  # multiples of it, less their whole part, fill [0, 1) evenly
OWN_SHARE, ONE_SHARE = 0.6, 0.2  # of the windows as long as the series' interval, and of one period
ROUNDS = 150
TREES = {
    "objective": "poisson",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 100,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "max_bin": 127,
    # One thread a model: sums do not depend on threads, and OpenMP never waits for a busy core.
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class Learned:
    """States (n, J + 1, WIDTH) of the global model at every mark of `marks_of`, or why there are none."""

    state: Floats | None
    skipped: str


@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows of the past: origins and lengths (n, J), what was asked for, and which of them count."""

    origins: Ints
    ahead: Ints
    demand: Floats
    counts: Flags


def learn(
    histories: Histories, points: pl.DataFrame, wanted: Flags, params: DemandParams, seed: int
) -> Learned:
    """Return the global model's forecast of every series at every held-out origin and at the end.

    The held-out part of the calendar is cut into `learned_folds` spans. A model trained on the windows
    that ended before a span forecasts the origins in it; one trained on all windows forecasts the end.

    Parameters
    ----------
    histories : of n series
    points : (n rows) table `planning_point`
    wanted : (n,) series that are learned from
    params : options
    seed : of the features that a tree may use

    Returns
    -------
    States of which only 0, the mean of a period, is set; zero before the first demand. Without them
    `skipped` is why: "learned_off", "learned_too_few_windows", or
    "learned_not_installed" where LightGBM cannot be loaded.
    """
    if params.learned == "off":
        return Learned(None, "learned_off")
    marks = marks_of(np.diff(histories.bounds), histories.n_ahead, params)
    spans = _spans(histories, marks, wanted, params)
    if _windows_before(histories, int(spans[0]), wanted, params) < params.learned_windows_min:
        return Learned(None, "learned_too_few_windows")
    if not _installed():
        return Learned(None, "learned_not_installed")
    reader = reader_of(histories, points)
    upto = [*spans[:-1].tolist(), histories.n_calendar]
    models = in_chunks(lambda k, _: _trained(reader, wanted, upto[k], params, seed), 0, len(upto), 1)
    n = len(wanted)
    parts = in_chunks(lambda lo, hi: _states(reader, models, spans, marks, lo, hi), 0, n, CHUNK)
    return Learned(np.concatenate(parts), "")


def anchored(state: Floats, own: Floats, values: Floats, params: DemandParams) -> Floats:
    """Return the states with the means of all series together as those of the single series have them.

    Windows that a stock-out cut are not learned from, and those are the windows of much demand: where
    more than the share `learned_unseen_max` of the periods was not observed, only the relation between
    series is learned, and their sum at each mark is left to the series themselves.

    Parameters
    ----------
    state, own : (n, J, WIDTH) states of the global model and of the compound method
    values : demand of all periods, NaN where not observed
    """
    if not len(values) or np.isnan(values).mean() <= params.learned_unseen_max:
        return state
    known = (state[:, :, 0] > 0) & (own[:, :, 0] > 0)
    ours, theirs = (np.where(known, part[:, :, 0], 0.0).sum(axis=0) for part in (own, state))
    out = state.copy()
    out[:, :, 0] *= np.divide(ours, theirs, out=np.ones_like(ours), where=theirs > 0)
    return out


def _installed() -> bool:
    try:
        import lightgbm  # noqa: F401
    except (ImportError, OSError):  # OSError: the library of OpenMP is missing
        return False
    return True


def _spans(histories: Histories, marks: Ints, wanted: Flags, params: DemandParams) -> Ints:
    """Return the periods of the calendar that bound the spans: the first held-out origin, ..., the end."""
    begins = histories.n_calendar - np.diff(histories.bounds)
    first = (begins + marks[:, 0])[wanted]
    least = int(first.min()) if len(first) else histories.n_calendar
    return np.rint(np.linspace(least, histories.n_calendar, params.learned_folds + 1)).astype(np.int64)


def _windows_before(histories: Histories, upto: int, wanted: Flags, params: DemandParams) -> int:
    """Return how many windows that do not overlap ended before a period of the calendar."""
    known = np.diff(histories.bounds) - (histories.n_calendar - upto) - params.train_periods_min
    return int((np.maximum(known, 0) // histories.n_ahead)[wanted].sum())


def _windows(histories: Histories, wanted: Flags, upto: int, params: DemandParams) -> _Windows:
    """Return windows that end before a period of the calendar, evenly over each history up to there.

    Most are as long as the series' own interval; some are shorter, for the variance of one period.
    """
    own, turn = histories.n_ahead[:, None], histories.turn[:, None]
    known = np.diff(histories.bounds) - (histories.n_calendar - upto)
    first = params.train_periods_min
    width = (known - first)[:, None] - own + 1
    per_series = params.learned_rows_max // max(int(wanted.sum()), 1)
    n_origins = int(np.clip(per_series, 1, max(int(width.max()), 1)))
    j = np.arange(n_origins)
    origins = first + np.floor((j + turn) * width / n_origins).astype(np.int64)
    share = (turn * (n_origins + 1) + GOLDEN * j) % 1.0
    shorter = 1 + ((share - OWN_SHARE - ONE_SHARE) / (1.0 - OWN_SHARE - ONE_SHARE) * own).astype(np.int64)
    ahead = np.where(share < OWN_SHARE, own, np.where(share < OWN_SHARE + ONE_SHARE, 1, shorter))
    counts = np.broadcast_to((width > 0) & wanted[:, None], origins.shape).copy()
    counts[:, 1:] &= origins[:, 1:] > origins[:, :-1]
    origins = np.where(counts, origins, 0)
    demand = window_sums(histories.values, histories.bounds, origins, ahead)
    # ascending for the kernel: what does not count is read where the next one is
    origins = np.maximum.accumulate(origins, axis=1)
    return _Windows(origins, ahead, demand, counts & np.isfinite(demand))


def _trained(reader: Reader, wanted: Flags, upto: int, params: DemandParams, seed: int) -> Any:
    windows = _windows(reader.histories, wanted, upto, params)
    read = reader.read(windows.origins, windows.ahead)
    counts = windows.counts & (read.level > 0)
    features, demand, ahead = read.features[counts], windows.demand[counts], windows.ahead[counts]
    base = ahead * read.level[counts]
    sizes = base / read.size[counts]
    return _boosted(features, demand / base, sizes / (1.0 + sizes), seed)


def _boosted(features: Floats, label: Floats, weight: Floats, seed: int) -> Any:
    import lightgbm

    data = lightgbm.Dataset(features, label=label, weight=weight, params=dict(TREES))
    return lightgbm.train({**TREES, "seed": seed % 2**31}, data, ROUNDS)


def _states(reader: Reader, models: list[Any], spans: Ints, marks: Ints, lo: int, hi: int) -> Floats:
    """Return the states of series lo..hi at their marks, each from the model that knew nothing later."""
    histories, at = reader.histories, marks[lo:hi]
    lengths = np.diff(histories.bounds[lo : hi + 1])[:, None]
    model = np.searchsorted(spans, histories.n_calendar - lengths + at, side="right") - 1
    model = np.where(at == lengths, len(models) - 1, np.clip(model, 0, len(models) - 2))
    ahead = np.ascontiguousarray(np.broadcast_to(histories.n_ahead[lo:hi, None], at.shape))
    state = np.zeros((*at.shape, WIDTH))
    read = reader.read(at, ahead, lo)
    for k, trained in enumerate(models):
        mine = (model == k) & (read.level > 0)
        if mine.any():
            state[mine, 0] = trained.predict(read.features[mine], num_threads=1) * read.level[mine]
    return state
