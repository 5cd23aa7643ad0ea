"""The chance that nobody asks again, learned from what became of similar histories in the company's past.

Two steps. The hidden-death model (Fader, Hardie & Shang 2010) is fitted to all histories and says for
each how likely it is to be silent. What it cannot know (demand that decays, a market that shrinks) is
learned: at past moments, whose following year is known, the silence of that year is regressed on the
model's chance and on how demand went (logistic), and so are the units of that year (log link). With
few endings in the past nothing is learned and the model speaks alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from plimsoll.demand.panel import Panel
from plimsoll.lifecycle.params import LifecycleParams
from plimsoll.maths.kernels.lifetimes import (
    ACTIVE,
    BEFORE,
    BEFORE_QTY,
    FAST,
    LAST,
    LATE,
    SEEN,
    SLOW,
    TOTAL,
    YEAR,
    YEAR_QTY,
    hidden_death,
    life_facts,
    units_between,
)
from plimsoll.maths.ragged import Floats, Ints

MONTHS = 12
SPANS = np.array([6, MONTHS])
AVERAGES = np.array([0.15, 0.05])  # a half-life of four months and of a year
# A weak opinion about the shapes a, b, c, d, which a few dozen histories outvote: asked for in a quarter
# of the months, one in sixty dies each month; a factor of 4 is one standard deviation.
USUAL = np.log([1.0, 3.0, 0.5, 30.0])
DOUBT = np.log(4.0)
BOUNDS = [(-4.0, 6.0), (-4.0, 6.0), (-4.0, 6.0), (-2.0, 9.0)]
RIDGE = 1.0
USUAL_SPREAD = (0.1, 1.5)  # squared coefficient of variation of units: of any item, and of one order
SPREADS = (0.02, 4.0)
STEPS = 50
LEAST_CHANCE = 1e-6
LEAST_SIZES = 1e-4  # expected orders a year; below it nothing is expected


@dataclass(frozen=True, slots=True)
class Outlook:
    """What each point may expect (n,): chances, units a year and beyond, and the spread of what comes.

    `silent`: P(no demand in the horizon); `silent_long`: in the years until leftovers are written off;
    `alive`: P(not dead) of the hidden-death model; `year_qty`: units expected in the coming year;
    `long_qty`: in the years until the write-off; `retention`: share of a year's demand that the next
    keeps; `spread`: squared coefficient of variation of the units, if there are any (n,); `facts`:
    (n, N_FACTS) of `life_facts`; `over_cut`, `watch_cut`: chances from which to warn; `n_events`: past
    endings or survivals, whichever are fewer.
    """

    silent: Floats
    silent_long: Floats
    alive: Floats
    year_qty: Floats
    long_qty: Floats
    retention: Floats
    spread: Floats
    facts: Floats
    over_cut: float
    watch_cut: float
    is_learned: bool
    n_events: int


def fit_hidden_death(facts: Floats) -> Floats:
    """Return the shapes a, b, c, d of the hidden-death model with the greatest posterior (4,).

    Parameters
    ----------
    facts : (n, N_FACTS) of `life_facts`; histories without a period tell nothing

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> p, died = rng.beta(2, 4, 4000), rng.geometric(rng.beta(1, 30, 4000))
    >>> alive = np.arange(1, 37) < died[:, None]
    >>> panel = ((rng.random((4000, 36)) < p[:, None]) & alive).astype(float)
    >>> facts = life_facts(panel.ravel(), np.arange(4001) * 36, np.array([0]), SPANS, AVERAGES)[:, 0]
    >>> a, b, c, d = fit_hidden_death(facts)
    >>> float(round(a / (a + b), 2)), float(round(c / (c + d), 3))  # 2 / 6, 1 / 31
    (0.33, 0.031)
    """
    rows, weight = np.unique(facts[facts[:, SEEN] > 0][:, [ACTIVE, LAST, SEEN]], axis=0, return_counts=True)
    active, last, seen = (np.ascontiguousarray(column) for column in rows.T)

    def loss(logs: Floats) -> float:
        likely = hidden_death(active, last, seen, np.exp(logs), 0)[:, 0]
        return float(0.5 * (((logs - USUAL) / DOUBT) ** 2).sum() - (weight * likely).sum())

    return np.exp(minimize(loss, USUAL, method="L-BFGS-B", bounds=BOUNDS).x)


def outlook_of(panel: Panel, turn: Floats, params: LifecycleParams) -> Outlook:
    """Return what every point of a monthly panel may expect.

    Parameters
    ----------
    panel : histories by month, all ending on the day of knowledge
    turn : (n,) numbers in [0, 1) that draw the points learned from, the same for a point in any company
    params : horizon, past moments and evidence
    """
    bounds, ahead = panel.bounds, params.horizon_months
    marks = np.arange(ahead, panel.n_calendar - params.history_months_min + 1, params.origin_step_months)
    marks = np.concatenate([[0], marks[: params.origins_max]]).astype(np.int64)
    sample = np.sort(np.argsort(turn, kind="stable")[: params.sample_points])
    past = life_facts(*_of(panel, sample), marks, SPANS, AVERAGES)
    shape = fit_hidden_death(past[:, 0])
    now = life_facts(panel.values, bounds, marks[:1], SPANS, AVERAGES)[:, 0]
    view = _view(now, shape, ahead)
    story = _story(now)
    long, first, second = (
        hidden_death(*story, shape, MONTHS * years) for years in (params.writeoff_years, 1, 2)
    )

    facts = past[:, 1:].reshape(-1, past.shape[2])
    came = units_between(*_of(panel, sample), marks[1:], ahead).ravel()
    usable = np.isfinite(came) & (facts[:, SEEN] >= params.history_months_min)
    facts, came = facts[usable], came[usable]
    n_events = int(min((came <= 0.0).sum(), (came > 0.0).sum()))
    is_learned = n_events >= params.events_min
    if is_learned:
        learned = _learn(facts, came, shape, params)
        silent, sizes = learned.says(_features(now, view))
        cuts, spread = (learned.over_cut, learned.watch_cut), learned.spread
        # In mean sizes, so that items counted in grams do not outweigh those counted in tons.
        held = (facts[:, YEAR_QTY] / _size(facts)).sum()
        kept = (came / _size(facts)).sum() / max(held, 1.0) * MONTHS / ahead
        retention = np.full(len(now), min(kept, 1.0))
    else:
        silent, sizes = view.silent, view.periods
        cuts, spread = (params.over_probability, params.watch_probability), USUAL_SPREAD
        retention = np.clip(second[:, 3] / np.maximum(first[:, 3], LEAST_CHANCE) - 1.0, 0.0, 1.0)
    year_qty = sizes * _size(now) * MONTHS / ahead
    return Outlook(
        silent=silent,
        # What the model says of the longer silence, relative to the shorter one.
        silent_long=np.clip(silent * long[:, 1] / np.maximum(view.silent, LEAST_CHANCE), 0.0, 1.0),
        alive=view.alive,
        year_qty=year_qty,
        long_qty=year_qty * (retention[:, None] ** np.arange(params.writeoff_years)).sum(axis=1),
        retention=retention,
        spread=np.clip(spread[0] + spread[1] / np.maximum(sizes / (1.0 - silent), LEAST_SIZES), *SPREADS),
        facts=now,
        over_cut=cuts[0],
        watch_cut=cuts[1],
        is_learned=is_learned,
        n_events=n_events,
    )


@dataclass(frozen=True, slots=True)
class _View:
    """The hidden-death model's words about histories (n,): chances and expected periods with demand."""

    silent: Floats
    alive: Floats
    periods: Floats


@dataclass(frozen=True, slots=True)
class _Learned:
    """Coefficients for standardised features, cuts of the two grades and spread of the units."""

    middle: Floats
    scale: Floats
    chance: Floats
    sizes: Floats
    over_cut: float
    watch_cut: float
    spread: tuple[float, float]

    def says(self, features: Floats) -> tuple[Floats, Floats]:
        """Return chance of silence and expected demand in mean sizes, (n,) each."""
        rows = _standard(features, self.middle, self.scale)
        chance = np.clip(_logistic(_times(rows, self.chance)), LEAST_CHANCE, 1 - LEAST_CHANCE)
        return chance, np.exp(np.clip(_times(rows, self.sizes), np.log(LEAST_SIZES), 20.0))


def _of(panel: Panel, chosen: Ints) -> tuple[Floats, Ints]:
    """Return the histories of chosen points as (values, bounds)."""
    if len(chosen) == len(panel.bounds) - 1:
        return panel.values, panel.bounds
    lengths = np.diff(panel.bounds)[chosen]
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    at = np.arange(bounds[-1]) + np.repeat(panel.bounds[:-1][chosen] - bounds[:-1], lengths)
    return panel.values[at], bounds


def _story(facts: Floats) -> tuple[Floats, Floats, Floats]:
    return tuple(np.ascontiguousarray(facts[:, one]) for one in (ACTIVE, LAST, SEEN))  # type: ignore[return-value]


def _view(facts: Floats, shape: Floats, ahead: int) -> _View:
    said = hidden_death(*_story(facts), shape, ahead)
    return _View(said[:, 1], said[:, 2], said[:, 3])


def _size(facts: Floats) -> Floats:
    """Return the mean units of a month with demand; 1 where there was none."""
    return np.divide(facts[:, TOTAL], facts[:, ACTIVE], out=np.ones(len(facts)), where=facts[:, ACTIVE] > 0)


def _features(facts: Floats, view: _View) -> Floats:
    """Return what silence is learned from, (n, 10); free of the unit that demand is counted in."""
    size = _size(facts)
    chance = np.clip(view.silent, LEAST_CHANCE, 1 - LEAST_CHANCE)
    return np.column_stack(
        [
            np.ones(len(facts)),
            np.log(chance / (1 - chance)),
            np.log1p(facts[:, SEEN] - facts[:, LAST]),
            np.log1p(facts[:, LATE]),
            np.log1p(facts[:, YEAR]),
            np.log1p(facts[:, BEFORE]),
            np.log1p(facts[:, YEAR_QTY] / size),
            np.log1p(facts[:, BEFORE_QTY] / size),
            np.log(facts[:, FAST] + 0.01),
            np.log(facts[:, SLOW] + 0.01),
        ]
    )


def _learn(facts: Floats, came: Floats, shape: Floats, params: LifecycleParams) -> _Learned:
    """Return what the past moments teach: came (k,) are the units of the horizon that followed."""
    features = _features(facts, _view(facts, shape, params.horizon_months))
    silent = came <= 0.0
    middle, scale = features.mean(axis=0), features.std(axis=0) + 1e-12
    middle[0], scale[0] = 0.0, 1.0
    rows = _standard(features, middle, scale)
    chance = _fit(rows, silent.astype(np.float64), log_link=False)
    sized = came / _size(facts)
    sizes = _fit(rows, sized, log_link=True)
    said = _logistic(_times(rows, chance))
    some = ~silent
    expected = np.exp(np.clip(_times(rows, sizes), np.log(LEAST_SIZES), 20.0)) / np.maximum(1 - said, 0.01)
    # Units stray less from what is expected where more orders are: a line through two halves.
    few = 1.0 / expected[some]
    strays = (sized[some] / expected[some] - 1.0) ** 2
    rare = few > np.median(few)
    between = few[rare].mean() - few[~rare].mean()
    slope = max((strays[rare].mean() - strays[~rare].mean()) / between, 0.0) if between > 0 else 0.0
    spread = (max(float(strays[~rare].mean() - slope * few[~rare].mean()), 0.0), slope)
    return _Learned(
        middle, scale, chance, sizes,
        best_cut(said, silent, 1.0), best_cut(said, silent, params.watch_recall_weight),
        spread,
    )  # fmt: skip


def best_cut(chance: Floats, happened: np.ndarray, recall_weight: float) -> float:
    """Return the chance from which a warning has the greatest F-measure.

        F = (1 + b2) hits / (warned + b2 events)                       (van Rijsbergen 1979, chapter 7)

    Parameters
    ----------
    chance : (n,) foretold
    happened : (n,) bool
    recall_weight : b, how much more a missed event weighs than a false alarm

    Examples
    --------
    >>> best_cut(np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, True, False, False]), 1.0)
    0.6
    """
    order = np.argsort(-chance, kind="stable")
    hits, square = np.cumsum(happened[order]), recall_weight**2
    measure = (1 + square) * hits / (np.arange(1, len(order) + 1) + square * max(happened.sum(), 1))
    return float(chance[order][int(np.argmax(measure))])


def _standard(features: Floats, middle: Floats, scale: Floats) -> Floats:
    return (features - middle) / scale


def _times(rows: Floats, weights: Floats) -> Floats:
    # Not `@`: the bits of a threaded matrix product depend on the number of threads.
    return np.asarray(np.einsum("ij,j->i", rows, weights))


def _logistic(score: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(score, -40.0, 40.0)))


def _fit(rows: Floats, outcome: Floats, *, log_link: bool) -> Floats:
    """Return ridge coefficients by Fisher scoring: logistic, or log link with sd as the mean."""
    weights = np.zeros(rows.shape[1])
    if log_link:
        weights[0] = np.log(max(outcome.mean(), LEAST_SIZES))
    penalty = np.full(rows.shape[1], RIDGE)
    penalty[0] = 0.0
    for _ in range(STEPS):
        score = _times(rows, weights)
        if log_link:
            slope, curve = outcome / np.exp(np.clip(score, -10.0, 20.0)) - 1.0, np.ones(len(rows))
        else:
            said = _logistic(score)
            slope, curve = outcome - said, said * (1.0 - said)
        gradient = np.einsum("ij,i->j", rows, slope) - penalty * weights
        hessian = np.einsum("ij,i,ik->jk", rows, curve, rows) + np.diag(penalty + 1e-9)
        move = np.clip(np.linalg.solve(hessian, gradient), -1.0, 1.0)
        weights = weights + move
        if np.abs(move).max() < 1e-8:
            break
    return weights
