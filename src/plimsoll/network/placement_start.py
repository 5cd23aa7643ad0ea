"""Good placements to begin with: descent, then the best choice among candidates near the present one."""

from collections.abc import Callable

import numpy as np

from plimsoll.maths.kernels import placement_descent as kernel
from plimsoll.maths.ragged import Ints, bounds_of
from plimsoll.network.placement_core import solve
from plimsoll.network.placement_problem import NOBODY, Problem, Ties
from plimsoll.network.placement_tables import entries, tables_of

STEPS = 3  # ties in a row from the present values
ENTRIES = 10_000_000  # of pair tables, at most
ROUNDS = 20
SWEEPS = 50
KEPT = 4  # values of a list that thinning leaves at least
GAIN = 1e-9  # relative; less is no improvement


def improved(problem: Problem, ties: Ties, start: Ints, left: Callable[[], float]) -> Ints:
    """Return values of the variables that no values within a few ties of them improve.

    A descent in one inbound time at a time is followed by rounds: the best choice out of the anchors and
    the present values is taken, and what ties lead to from its values is added to the candidates, until
    nothing is gained. No proof: see `placement_cells`.

    Parameters
    ----------
    problem, ties : the network, and the equalities that a best vertex may have
    start : (variables,) ticks, a placement that is allowed
    left : seconds that are left
    """
    best = min((descended(problem, v) for v in (start, problem.low, problem.high)), key=problem.cost)
    cost = problem.cost(best)
    lists = [np.union1d(a, [b]) for a, b in zip(ties.anchored(), best, strict=True)]
    for _ in range(ROUNDS):
        lists = thinned(problem, lists, best, ENTRIES)
        if left() <= 0.0:
            break
        found = solve(tables_of(problem, lists), cost * (1.0 + GAIN), left())
        if found.at is None:
            break
        values = problem.completed(np.array([v[k] for v, k in zip(lists, found.at, strict=True)]))
        before, now = cost, problem.cost(values)
        if now < cost:
            best, cost = values, now
        if now >= before * (1.0 - GAIN):
            break
        more = ties.near(values, STEPS)
        lists = [np.union1d(a, b) for a, b in zip(lists, more, strict=True)]
    return best


def descended(problem: Problem, start: Ints) -> Ints:
    """Return values of the variables after a descent in one inbound time at a time."""
    p, n = problem, problem.n_groups
    stage, group = feeds(problem)
    members = np.flatnonzero(p.into != NOBODY)
    touched = np.concatenate([members, stage])
    of = np.concatenate([p.into[members], group])
    order = np.lexsort((touched, of))
    values = kernel.descend(
        p.completed(start)[:n],
        p.low[:n],
        p.high[:n],
        touched[order],
        bounds_of(np.bincount(of, minlength=n)),
        p.into,
        group,
        bounds_of(np.bincount(stage, minlength=len(p.time))),
        p.time,
        p.latest,
        p.holds,
        p.coef,
        p.tables,
        p.table_bounds,
        p.tick,
        SWEEPS,
    )
    return p.completed(np.append(values, p.low[n:]))


def feeds(problem: Problem) -> tuple[Ints, Ints]:
    """Return the groups that stages supply, as pairs of stage and group in the order of stages."""
    p = problem
    behind = bounds_of(np.bincount(p.under, minlength=len(p.low)))
    parts = [
        np.array([], dtype=np.int64)
        if meet == NOBODY
        else np.array([meet])
        if meet < p.n_groups
        else p.over[behind[meet] : behind[meet + 1]]
        for meet in p.meet.tolist()
    ]
    return np.repeat(np.arange(len(parts)), [len(part) for part in parts]), np.concatenate(parts)


def thinned(problem: Problem, lists: list[Ints], keep: Ints, most: int) -> list[Ints]:
    """Return lists of values, the longest without every second value till their tables hold at most `most`.

    The ends and the values to keep stay.
    """
    sizes = np.array([len(v) for v in lists])
    longest = int(sizes.max(initial=0))
    while entries(problem, np.minimum(sizes, longest)) > most and longest > KEPT:
        longest = max(longest // 2, KEPT)
    return [
        v if len(v) <= longest
        else np.unique(np.concatenate([v[:: -(-len(v) // (longest - KEPT + 1))], v[-1:], [k]]))
        for v, k in zip(lists, keep, strict=True)
    ]  # fmt: skip
