"""Every method on every series at held-out origins: states, and pinball loss of interval demand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plimsoll.demand.params import DemandParams
from plimsoll.maths.kernels.demand_fit import (
    BLEND,
    COMPOUND,
    FADING,
    HOLT,
    LEARNED,
    MICRO,
    N_METHODS,
    NORMAL,
    SEASONAL,
    SEASONS,
    SES,
    WIDTH,
    fit_counts,
    fit_fading,
    fit_season,
    fit_trend,
)
from plimsoll.maths.kernels.demand_lattice import pinball, write_pmfs
from plimsoll.maths.kernels.threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints

Flags = NDArray[np.bool_]

CHUNK = 256
CELLS = 128
ALPHAS = np.array([0.0, 0.05, 0.1, 0.2, 0.4])
SES_GRID = np.array([[alpha, 0.0, 1.0] for alpha in ALPHAS])
HOLT_GRID = np.array([[a, b, phi] for a in (0.1, 0.3) for b in (0.05, 0.2) for phi in (0.9, 0.98)])


@dataclass(frozen=True, slots=True)
class Histories:
    """What the kernels read: ragged histories, calendar months of all periods and of those to come.

    `year`: periods in a year; `n_ahead` (n,): periods of the interval that is scored; `turn` (n,): angle
    of each series in the shared block of draws; `size_rate`: share of sizes forgotten a period.
    """

    values: Floats
    bounds: Ints
    months: Ints
    n_calendar: int
    year: int
    n_ahead: Ints
    turn: Floats
    size_rate: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Held-out loss (n, N_METHODS), infinite where not scored; origins (n,); state and indices at the end.

    `late` and `n_late`: the same loss over the later half of the origins, and how many those are.
    """

    loss: Floats
    n_origins: Ints
    state: Floats
    index: Floats
    late: Floats
    n_late: Ints


def marks_of(lengths: Ints, n_ahead: Ints, params: DemandParams) -> Ints:
    """Return the held-out origins of histories, evenly over their last share, filled up with their end.

    Examples
    --------
    >>> marks_of(np.array([20, 6]), np.array([2, 2]), DemandParams(origins_max=3))
    array([[12, 15, 18, 20],
           [ 6,  6,  6,  6]])
    """
    held_out = (params.holdout_share * lengths).astype(np.int64)
    first = np.maximum(lengths - held_out, params.train_periods_min)
    width = lengths - n_ahead - first
    count = np.clip(width + 1, 0, params.origins_max)
    j = np.arange(params.origins_max + 1)
    step = width / np.maximum(count - 1, 1)
    marks = first[:, None] + np.rint(j * step[:, None]).astype(np.int64)
    marks[count == 1, 0] = (lengths - n_ahead)[count == 1]
    return np.where(j < count[:, None], marks, lengths[:, None])


def score(
    histories: Histories, eligible: Flags, draws: Floats, params: DemandParams, given: dict[int, Floats]
) -> Scores:
    """Return the loss of every eligible method, and every method's state at the end of each history.

    The plain normal is scored on every series that any method is scored on: it is the reference.
    `given`: states (n, J + 1, WIDTH) at the marks of the methods that all series are needed for.
    """
    period_days = 365.25 / histories.year
    decay = 1.0 - 0.5 ** (period_days / params.half_life_days)
    rates = np.array([decay, params.size_smoothing, params.probability_smoothing, params.fading_smoothing])
    parts = in_chunks(
        lambda lo, hi: _score_chunk(histories, eligible[lo:hi], rates, draws, params, lo, hi, given),
        0,
        len(eligible),
        CHUNK,
    )
    return Scores(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def fit(
    histories: Histories, eligible: Flags, marks: Ints, rates: Floats, lo: int, hi: int
) -> tuple[Floats, Floats, Floats]:
    """Return state (m, J, N_METHODS, WIDTH), indices (m, J, SEASONS) and unit (m, J) at every mark."""
    m, n_marks = marks.shape
    values, bounds = histories.values, histories.bounds[lo : hi + 1]
    state = np.zeros((m, n_marks, N_METHODS, WIDTH))
    index = np.ones((m, n_marks, SEASONS))
    unit = np.ones((m, n_marks))
    fit_counts(values, bounds, marks, rates[:3], state, unit)
    fit_fading(values, bounds, marks, eligible[:, FADING].copy(), rates[3], unit, state)
    fit_trend(values, bounds, marks, eligible[:, SES].copy(), SES_GRID, SES, state)
    fit_trend(values, bounds, marks, eligible[:, HOLT].copy(), HOLT_GRID, HOLT, state)
    past = histories.months[: histories.n_calendar]
    seasonal = eligible[:, SEASONAL].copy()
    fit_season(values, bounds, marks, seasonal, past, histories.year, ALPHAS, index, state)
    return state, index, unit


def _score_chunk(
    histories: Histories,
    eligible: Flags,
    rates: Floats,
    draws: Floats,
    params: DemandParams,
    lo: int,
    hi: int,
    given: dict[int, Floats],
) -> tuple[Floats, Ints, Floats, Floats, Floats, Ints]:
    bounds = histories.bounds[lo : hi + 1]
    lengths = np.diff(bounds)
    n_ahead = histories.n_ahead[lo:hi]
    marks = marks_of(lengths, n_ahead, params)
    state, index, unit = fit(histories, eligible, marks, rates, lo, hi)
    for code, states in given.items():
        state[:, :, code] = states[lo:hi]
    if LEARNED in given:
        own, mean = state[:, :, COMPOUND], state[:, :, LEARNED, 0].copy()
        factor = np.divide(mean, own[:, :, 0], out=np.ones_like(mean), where=(own[:, :, 0] > 0) & (mean > 0))
        state[:, :, LEARNED] = at_level(own, factor)
        state[:, :, BLEND] = at_level(own, np.sqrt(factor))

    tried = eligible.copy()
    tried[:, NORMAL] = eligible.any(axis=1)
    actual = window_sums(histories.values, bounds, marks[:, :-1], n_ahead)
    held_out = np.isfinite(actual) & tried[:, NORMAL, None]
    # contiguous, or the kernel would be compiled for another layout
    series, mark, method = map(np.ascontiguousarray, np.nonzero(held_out[:, :, None] & tried[:, None, :]))
    weights = np.zeros((hi - lo, 1, int(n_ahead.max()) + 1))
    weights[np.arange(hi - lo), 0, n_ahead] = 1.0
    pmf = np.empty((len(series), 1, CELLS))
    steps = np.empty(len(series))
    case_unit = unit[series, mark]
    months = histories.months[: histories.n_calendar + weights.shape[2] - 1]
    write_pmfs(
        histories.values, bounds, marks[series, mark], series, method, state[series, mark, method],
        index[series, mark], case_unit, months, weights, n_ahead, draws, histories.turn[lo:hi],
        histories.size_rate, pmf, steps,
    )  # fmt: skip
    loss = pinball(pmf, steps, case_unit, actual[series, mark], np.array(params.quantile_levels))
    n_origins = held_out.sum(axis=1)
    is_late = held_out & (2 * np.cumsum(held_out, axis=1) > n_origins[:, None] + 1)
    n_late = is_late.sum(axis=1)
    at = series * N_METHODS + method
    mean = _mean_loss(at, loss, n_origins, tried)
    late = _mean_loss(at, np.where(is_late[series, mark], loss, 0.0), n_late, tried)
    return mean, n_origins, state[:, -1].copy(), index[:, -1].copy(), late, n_late


def _mean_loss(at: Ints, loss: Floats, n_origins: Ints, tried: Flags) -> Floats:
    """Return mean losses (m, N_METHODS) from those of cases, infinite where there were none."""
    total = np.bincount(at, weights=loss, minlength=tried.size)
    mean = total.reshape(tried.shape) / np.maximum(n_origins, 1)[:, None]
    mean[~tried | (n_origins == 0)[:, None]] = np.inf
    return mean


def at_level(state: Floats, factor: Floats) -> Floats:
    """Return states of the compound method with so many times the demands, their sizes as they are."""
    out = state.copy()
    out[..., :2] *= factor[..., None]
    out[..., 2] *= factor**2
    out[..., 3] = np.minimum(out[..., 3] * factor, 1.0)
    return out


def window_sums(values: Floats, bounds: Ints, origins: Ints, n_ahead: Ints) -> Floats:
    """Return demand over the n_ahead periods after each origin, NaN if not all were observed.

    Parameters
    ----------
    origins : (n, J)
    n_ahead : (n,), or (n, J) where the windows of a series differ in length

    Examples
    --------
    >>> window_sums(np.array([1.0, 2.0, 3.0]), np.array([0, 3]), np.array([[0, 2]]), np.array([2]))
    array([[ 3., nan]])
    """
    part = values[bounds[0] : bounds[-1]]
    # whole millionths: a sum of fractions would depend on the series before
    micro = np.rint(np.nan_to_num(part) * MICRO).astype(np.int64)
    upto = np.concatenate([[0], np.cumsum(micro)])
    missing = np.concatenate([[0], np.cumsum(np.isnan(part))])
    begin = (bounds[:-1] - bounds[0])[:, None] + origins
    end = begin + (n_ahead if n_ahead.ndim == 2 else n_ahead[:, None])
    beyond = end > (bounds[1:] - bounds[0])[:, None]
    end = np.where(beyond, begin, end)
    return np.where(beyond | (missing[end] > missing[begin]), np.nan, (upto[end] - upto[begin]) / MICRO)
