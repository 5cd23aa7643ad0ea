"""States of the compound method: how often and how much, with what all series together teach."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from plimsoll.demand.params import DemandParams
from plimsoll.demand.pool import Kin, usual_sizes
from plimsoll.demand.score import Histories, marks_of, window_sums
from plimsoll.maths.kernels.demand_compound import (
    COUNTED,
    SIZE_MEAN,
    SIZES,
    SPARSE,
    WEIGHED,
    active_ahead,
    evidence,
    fit_compound,
)
from plimsoll.maths.kernels.demand_fit import COMPOUND, SEASONS, WIDTH
from plimsoll.maths.kernels.demand_lattice import lines_served, write_pmfs
from plimsoll.maths.kernels.threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints

Flags = NDArray[np.bool_]

CHUNK = 256
CELLS = 128
SHAPES = (0.03, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0)
PULLS = (0.0, 0.1, 0.3, 1.0)
DEAREST = 0.95  # quantile of the money of a demand above which it weighs no more
SHARES = np.array([0.8, 0.9, 0.95, 0.98])
LONE_DEMANDS = 0.5  # a where nothing can be learned (Jeffreys 1946)
STRIDE, GOLDEN = 7919.0, 0.6180339887498949  # spread angles and places of windows over [0, 1)
WIDEST, STEPS = 0.8, 7  # tau0 is halved into [0, WIDEST] that often


@dataclass(frozen=True, slots=True)
class Prior:
    """What all series teach.

    `rate`, `size_rate`: shares forgotten a period of evidence and of sizes; `a` demands in `b` periods: what
    is known before any is seen; `tau0`: spreads of levels beyond what the evidence explains, of series with
    demand in at most half of the periods and (tau1) of the others; `chance`: gaps that weigh as much as
    those of chance.
    """

    rate: float
    size_rate: float
    a: float
    b: float
    tau0: tuple[float, float]
    chance: float

    def as_array(self) -> Floats:
        """Return what the kernel wants."""
        return np.array([*self.tau0, self.chance])


def compound_states(
    histories: Histories, facts: Floats, kin: Kin, params: DemandParams
) -> tuple[Floats, Prior]:
    """Return the states (n, J + 1, WIDTH) of every series at its held-out origins and its end, and the prior.

    How fast evidence fades, and a and b, are those under which the demands of held-out windows were
    likeliest (as Poisson counts, each weighing as much money as it moves, within reason). The spread of
    levels is that with which demand that comes is served in full as often as said, at held-out origins.

    Parameters
    ----------
    facts : (n, 8) from `describe`
    kin : which series are alike
    """
    n_ahead = histories.n_ahead
    usual, between = usual_sizes(facts, kin, params)
    marks = marks_of(np.diff(histories.bounds), n_ahead, params)
    rates = 1.0 - 0.5 ** (365.25 / histories.year / np.array(params.level_half_lives_days))
    values, bounds, origins = histories.values, histories.bounds, np.ascontiguousarray(marks[:, :-1])
    parts = in_chunks(
        lambda lo, hi: (
            evidence(values, bounds[lo : hi + 1], marks[lo:hi], rates),
            active_ahead(values, bounds[lo : hi + 1], origins[lo:hi], n_ahead[lo:hi]),
        ),
        0,
        len(marks),
        CHUNK,
    )
    seen, active = (np.concatenate(column) for column in zip(*parts, strict=True))
    actual = window_sums(values, bounds, origins, n_ahead)
    prior, at = _memory(seen, active, actual, (kin, n_ahead), rates, params)
    seen = np.ascontiguousarray(seen[:, :, [at, len(rates)]])
    one = np.ones(len(marks))
    given = np.column_stack([prior.a * one, prior.b * one, usual, params.usual_sizes / between])
    cases = _cases(histories, marks, actual, seen, (given, facts[:, 6]), params.prior_windows_max)
    prior = _spread(cases, prior, params)
    state = np.zeros((*marks.shape, WIDTH))

    def work(lo: int, hi: int) -> None:
        fit_compound(
            values, bounds[lo : hi + 1], marks[lo:hi], seen[lo:hi], given[lo:hi], prior.as_array(),
            prior.size_rate, state[lo:hi],
        )  # fmt: skip

    in_chunks(work, 0, len(marks), CHUNK)
    return state, prior


def _memory(
    seen: Floats,
    active: Floats,
    actual: Floats,
    series: tuple[Kin, Ints],
    rates: Floats,
    params: DemandParams,
) -> tuple[Prior, int]:
    """Return the prior with memory, a and b of the least deviance, and the place of its rate among all.

    Deviances are those of Poisson counts: of periods with demand, and, for the memory of sizes, of demand
    in sizes. Of memories as good but for `tie_tolerance`, the longest is taken.
    """
    kin, n_ahead = series
    told = np.isfinite(active) & (seen[:, :-1, 0, COUNTED] > 0)
    usual_spreads = (params.level_spread, params.level_drift)
    default = Prior(float(rates[0]), float(rates[-1]), LONE_DEMANDS, 0.0, usual_spreads, params.chance_gaps)
    if told.sum() < params.prior_windows_min:
        return default, 0
    owner = np.nonzero(told)[0]
    size = seen[:, :-1, :-1, SIZE_MEAN][told]
    money = np.exp(kin.log_cost)[owner] * size[:, -1]
    weight = np.sqrt(np.minimum(money, np.quantile(money, DEAREST)))
    ahead = n_ahead[owner].astype(np.float64)
    known = [(seen[:, :-1, r, COUNTED][told], seen[:, :-1, r, WEIGHED][told]) for r in range(len(rates))]
    fits = [_likeliest(active[told], ahead, *known[r], weight) for r in range(len(rates))]
    least = min(loss for loss, _, _ in fits)
    at = max(r for r, fit in enumerate(fits) if fit[0] <= least * (1.0 + params.tie_tolerance))
    _, a, b = fits[at]
    mean = ahead * np.minimum((known[at][0] + a) / (known[at][1] + b), 1.0)
    usual = size[:, -1:]
    losses = weight @ _deviance(actual[told][:, None] / usual, mean[:, None] * size / usual)
    of_sizes = float(rates[int(losses.argmin())])
    return replace(default, rate=float(rates[at]), size_rate=of_sizes, a=a, b=b), at


def _likeliest(
    count: Floats, ahead: Floats, k: Floats, n: Floats, weight: Floats
) -> tuple[float, float, float]:
    """Return the least deviance of counts, and the a and b that give it."""
    overall = count.sum() / ahead.sum()
    best = (np.inf, LONE_DEMANDS, 0.0)
    for a in SHAPES:
        for pull in PULLS:
            b = float(pull * a / overall) if overall > 0 else 0.0
            mean = ahead * np.minimum((k + a) / (n + b), 1.0)
            best = min(best, (float(weight @ _deviance(count, mean)), a, b))
    return best


def _deviance(count: Floats, mean: Floats) -> Floats:
    """Return the deviance of Poisson counts (McCullagh & Nelder 1989, table 2.1)."""
    return 2.0 * (count * np.log(np.maximum(count, 1e-300) / mean) - (count - mean))


@dataclass(frozen=True, slots=True)
class _Cases:
    """Held-out windows whose last period has demand, C of them, as if each were a series of its own.

    `bounds`, `past`: ragged histories; `ends`: periods known; `seen` (C, 1, 2, N_EVIDENCE) and `given`
    (C, 4), see `fit_compound`; `unit`; `ahead`: periods of the window, `weights` as of `write_pmfs`;
    `actual`: its demand; `blocks`: windows that follow one another.
    """

    bounds: Ints
    past: Floats
    ends: Ints
    seen: Floats
    given: Floats
    unit: Floats
    ahead: Ints
    weights: Floats
    actual: Floats
    blocks: Floats

    def sparse(self) -> Flags:
        """Return which are held to have demand in at most half of the periods."""
        p = (self.seen[:, 0, 0, COUNTED] + self.given[:, 0]) / (
            self.seen[:, 0, 0, WEIGHED] + self.given[:, 1]
        )
        return np.asarray(np.minimum(p, 1.0) <= SPARSE)

    def gaps(self, prior: Prior) -> Floats:
        """Return demand served less said, of each case."""
        return np.concatenate(in_chunks(partial(self._gaps, prior), 0, len(self.ends), CHUNK))

    def _gaps(self, prior: Prior, lo: int, hi: int) -> Floats:
        n, bounds, ends = hi - lo, self.bounds[lo : hi + 1], self.ends[lo:hi]
        state = np.zeros((n, 1, WIDTH))
        fit_compound(
            self.past, bounds, np.ascontiguousarray(ends[:, None]), self.seen[lo:hi], self.given[lo:hi],
            prior.as_array(), prior.size_rate, state,
        )  # fmt: skip
        pmf, steps = np.empty((n, 2, CELLS)), np.empty(n)
        write_pmfs(
            self.past, bounds, ends, np.arange(n), np.full(n, COMPOUND), np.ascontiguousarray(state[:, 0]),
            np.ones((n, SEASONS)), self.unit[lo:hi], np.zeros(1, dtype=np.int64), self.weights[lo:hi],
            self.ahead[lo:hi], np.zeros((1, 4)), np.zeros(n), prior.size_rate, pmf, steps,
        )  # fmt: skip
        return np.asarray(lines_served(pmf, steps, 1.0 - state[:, 0, 3], self.actual[lo:hi], SHARES))


def _cases(
    histories: Histories,
    marks: Ints,
    actual: Floats,
    seen: Floats,
    of_series: tuple[Floats, Floats],
    most: int,
) -> _Cases:
    """Return at most so many windows, picked by the angle of their series and their place."""
    values, bounds = histories.values, histories.bounds
    last = bounds[:-1, None] + marks[:, :-1] + histories.n_ahead[:, None] - 1
    told = np.isfinite(actual)
    asked = np.zeros_like(told)
    asked[told] = values[last[told]] > 0.0
    series, mark = np.nonzero(told & (seen[:, :-1, 1, SIZES] > 0) & asked)
    turn = (histories.turn[series] * STRIDE + mark * GOLDEN) % 1.0
    chosen = np.sort(np.argsort(turn, kind="stable")[:most])
    series, mark = series[chosen], mark[chosen]
    case_bounds, past = _gathered(values, bounds[series], bounds[series + 1])
    ahead = histories.n_ahead[series]
    weights = np.zeros((len(series), 2, int(ahead.max(initial=0)) + 1))
    weights[np.arange(len(series)), 0, ahead] = 1.0
    weights[np.arange(len(series)), 1, ahead - 1] = 1.0
    span = np.diff(bounds)[series] - marks[series, 0]
    given, unit = (part[series] for part in of_series)
    return _Cases(
        bounds=case_bounds,
        past=past,
        ends=np.ascontiguousarray(marks[series, mark]),
        seen=np.ascontiguousarray(seen[series, mark][:, None]),
        given=given,
        unit=unit,
        ahead=ahead,
        weights=weights,
        actual=actual[series, mark],
        blocks=span / ahead,
    )


def _spread(cases: _Cases, prior: Prior, params: DemandParams) -> Prior:
    """Return the prior with the spreads of levels under which held-out demands are served as said.

    Of windows whose last period has demand, the share with D <= y must be P(D <= y | demand in the last
    period), on average over the levels y of SHARES. What is found counts as many windows as follow one
    another in time, for what hits all series at once makes their windows of one time little more than one;
    `spread_blocks` of them weigh as much as the usual spread.
    """
    if len(cases.ends) < params.prior_windows_min:
        return prior
    sparse = cases.sparse()
    found = []
    for group, usual in ((sparse, params.level_spread), (~sparse, params.level_drift)):
        low, high = 0.0, WIDEST
        for _ in range(STEPS if group.any() else 0):
            middle = 0.5 * (low + high)
            gap = cases.gaps(replace(prior, tau0=(middle, middle)))[group].mean()
            low, high = (middle, high) if gap < 0.0 else (low, middle)
        blocks = float(cases.blocks[group].mean()) if group.any() else 0.0
        total = blocks * 0.5 * (low + high) + params.spread_blocks * usual
        found.append(total / (blocks + params.spread_blocks))
    return replace(prior, tau0=(found[0], found[1]))


def _gathered(values: Floats, lo: Ints, hi: Ints) -> tuple[Ints, Floats]:
    """Return the histories [lo, hi) end to end, as bounds and values."""
    lengths = hi - lo
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    at = np.arange(bounds[-1]) - np.repeat(bounds[:-1] - lo, lengths)
    return bounds, values[at]
