"""Which method each series gets: least held-out loss, shrunk towards its class by evidence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plimsoll.demand.classify import CLASSES, NONE
from plimsoll.demand.params import DemandParams
from plimsoll.demand.score import Scores
from plimsoll.demand.shelf import SeriesFacts, methods
from plimsoll.maths.kernels.demand_fit import COMPOUND, NORMAL, POOLED
from plimsoll.maths.ragged import Floats, Ints

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Choice:
    """Codes of the method wanted and used, and why they differ (an empty text if they do not)."""

    wanted: Ints
    used: Ints
    reason: NDArray[np.str_]


def shrunk_loss(scores: Scores, kind: Ints, params: DemandParams) -> tuple[Floats, Floats]:
    """Return each series' relative losses shrunk by evidence, and the averages of the classes.

        r(i, m) = loss(i, m) / root mean square demand of a period of i;  score = (n r + k c) / (n + k)

    n is the number of origins, c the average of r over the class weighted by origins, k the setting
    `evidence_origins` (few origins are noisy). Relative to its own loss a series would count most whose
    demand stopped, and whatever forecasts least would win.

    Returns
    -------
    (n, M) infinite where not scored; (classes, M) infinite where a class never scored a method.
    """
    tried = np.isfinite(scores.loss)
    relative = np.where(tried, scores.loss, 0.0) / size_of(scores)[:, None]
    weight = np.where(tried, scores.n_origins[:, None], 0.0)
    average = np.full((len(CLASSES), relative.shape[1]), np.inf)
    for code in range(len(CLASSES)):
        mine = kind == code
        total = weight[mine].sum(axis=0)
        sums = (weight[mine] * relative[mine]).sum(axis=0)
        np.divide(sums, total, out=average[code], where=total > 0)
    n, k = scores.n_origins[:, None], params.evidence_origins
    shrunk = (n * relative + k * np.where(tried, average[kind], 0.0)) / np.maximum(n + k, 1e-12)
    return np.where(tried, shrunk, np.inf), average


def size_of(scores: Scores) -> Floats:
    """Return the root mean square demand of a period of each series, units (n,); 1 without demand."""
    square = scores.state[:, NORMAL, 1] + scores.state[:, NORMAL, 0] ** 2
    return np.sqrt(np.where(square > 0, square, 1.0))


def simplest_of_best(score: Floats, ranks: Ints, tolerance: float) -> Ints:
    """Return the column of the simplest method within the tolerance of the least score; -1 if none."""
    least = score.min(axis=1, keepdims=True)
    close = np.isfinite(score) & (score <= least * (1.0 + tolerance))
    return np.where(close.any(axis=1), np.where(close, ranks, np.iinfo(np.int64).max).argmin(axis=1), -1)


def choose(scores: Scores, kind: Ints, series: SeriesFacts, eligible: Flags, params: DemandParams) -> Choice:
    """Return the method of every series and the reason for every fallback.

    The ladder: the best method that may be used; with a history too short to score, compound
    demand on what there is; with no demand, the pooled rate.
    """
    ranks = np.zeros(scores.loss.shape[1], dtype=np.int64)
    finite: Flags = np.asarray(np.isfinite(scores.state).all(axis=2))
    allowed = eligible & finite
    why = np.full(len(ranks), "not_finite", dtype="U32")
    for method in methods():
        ranks[method.code] = method.rank
        if method.usable is not None:
            allowed[:, method.code] &= method.usable(series)
            why[method.code] = method.unusable_reason
    shrunk, average = shrunk_loss(scores, kind, params)
    candidate = np.where(eligible, shrunk, np.inf)
    wanted = simplest_of_best(candidate, ranks, params.tie_tolerance)
    used = simplest_of_best(np.where(allowed, candidate, np.inf), ranks, params.tie_tolerance)

    scored = wanted >= 0
    of_class = simplest_of_best(average, ranks, 0.0)
    of_class = np.where(of_class < 0, COMPOUND, of_class)
    wanted = np.where(scored, wanted, of_class[kind])
    few = series.n_demands < 1
    used = np.where(used >= 0, used, np.where(few | ~finite[:, COMPOUND], POOLED, COMPOUND))
    short = np.where(kind == NONE, "no_demand", np.where(few, "too_few_demands", "history_too_short"))
    reason = np.where(
        scored, np.where(finite[np.arange(len(wanted)), wanted], why[wanted], "not_finite"), short
    )
    return Choice(wanted, used, np.where(wanted == used, "", reason))
