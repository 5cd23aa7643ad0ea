"""Whether the global model, whole or blended, takes the place of the methods of single series.

Those compete series by series (`select`). The global model competes with what comes out of that, segment
by segment, for origins tell little of one series, but much of many.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from plimsoll.demand.params import DemandParams
from plimsoll.demand.score import Scores
from plimsoll.demand.select import Choice, choose, simplest_of_best, size_of
from plimsoll.demand.shelf import SeriesFacts
from plimsoll.maths.kernels.demand_fit import BLEND, LEARNED
from plimsoll.maths.ragged import Floats, Ints

Flags = NDArray[np.bool_]

GLOBAL = (BLEND, LEARNED)
MANY_DEMANDS = 10  # periods with demand that tell a segment of much evidence from one of little


def choose_all(
    scores: Scores, kind: Ints, series: SeriesFacts, eligible: Flags, params: DemandParams
) -> Choice:
    """Return the method of every series, the global model among them.

    A segment is a demand class, with few or with many periods with demand, fading or not. Methods of
    single series are chosen on the earlier half of the origins, and all are compared on the later half,
    so that the best of many methods owes nothing to luck; but where demand fades, on all of them, since
    early origins cannot know. Losses count relative to the root mean square of a period's
    demand (by the loss itself, series would count most whose demand stopped). Where the global model
    wins a segment, all of its series that it was scored on take it.
    """
    apart = eligible.copy()
    apart[:, GLOBAL] = False
    single = choose(_without_global(scores), kind, series, apart, params)
    scored: Flags = np.asarray(np.isfinite(scores.loss[:, GLOBAL]).all(axis=1))
    scored &= eligible[:, GLOBAL].all(axis=1)
    scored &= np.isfinite(scores.state[:, GLOBAL]).all(axis=(1, 2))
    if not scored.any():
        return single
    n = len(kind)
    early = choose(_without_global(_earlier(scores)), kind, series, apart, params).used
    before = np.where(series.fades, single.used, early)
    methods = np.column_stack([before, *(np.full(n, code) for code in GLOBAL)])
    late = np.take_along_axis(scores.late, methods, axis=1)
    compared: Flags = np.asarray(scored & np.isfinite(late).all(axis=1))
    loss = np.where(compared[:, None], late, 0.0) / size_of(scores)[:, None]
    segment = 4 * kind + 2 * (series.n_demands >= MANY_DEMANDS) + series.fades
    best = best_of_segments(loss, np.where(compared, scores.n_late, 0), segment, params)
    taken = (best > 0) & scored
    winner = methods[np.arange(n), best]
    used, wanted = (np.where(taken, winner, codes) for codes in (single.used, single.wanted))
    return Choice(wanted, used, np.where(taken, "", single.reason))


def best_of_segments(loss: Floats, n_origins: Ints, segment: Ints, params: DemandParams) -> Ints:
    """Return the column of least loss in the segment of each series; the first within the tolerance.

        R(s, w) = sum of n loss(w) / sum of n loss(0) over the segment;  score = (N R + K R_all) / (N + K)

    with N origins in the segment, R_all the ratio over all segments, K the setting `segment_origins`.

    Parameters
    ----------
    loss : (n, W) of comparable series, finite
    n_origins, segment : (n,)

    Examples
    --------
    >>> loss, segment = np.array([[1.0, 0.8], [1.0, 1.1]]), np.array([0, 1])
    >>> best_of_segments(loss, np.array([9000, 9000]), segment, DemandParams()).tolist()
    [1, 0]
    """
    n_segments = int(segment.max(initial=0)) + 1
    origins = np.bincount(segment, n_origins, n_segments)[:, None]
    total = np.stack([np.bincount(segment, n_origins * column, n_segments) for column in loss.T], axis=1)
    overall = float(total[:, 0].sum())
    everywhere = total.sum(axis=0) / overall if overall > 0 else np.ones(loss.shape[1])
    ratio = np.divide(total, total[:, :1], out=np.ones_like(total), where=total[:, :1] > 0)
    k = params.segment_origins
    score = (origins * ratio + k * everywhere) / np.maximum(origins + k, 1e-12)
    return simplest_of_best(score, np.arange(loss.shape[1]), params.tie_tolerance)[segment]


def _without_global(scores: Scores) -> Scores:
    loss = scores.loss.copy()
    loss[:, GLOBAL] = np.inf
    return replace(scores, loss=loss)


def _earlier(scores: Scores) -> Scores:
    """Return the scores on the origins that are not late."""
    n_early = scores.n_origins - scores.n_late
    tried = np.isfinite(scores.loss)
    total = scores.n_origins[:, None] * np.where(tried, scores.loss, 0.0)
    total -= scores.n_late[:, None] * np.where(np.isfinite(scores.late), scores.late, 0.0)
    # a difference of sums: what should be 0 may be a little less
    loss = np.maximum(total, 0.0) / np.maximum(n_early, 1)[:, None]
    return replace(scores, loss=np.where(tried, loss, np.inf), n_origins=n_early)
