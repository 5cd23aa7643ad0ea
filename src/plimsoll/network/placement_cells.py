"""Lower bounds on the cost of a placement over all real times, and their refinement until they meet it.

Every variable gets some nodes between its earliest and latest time. A placement lies in a box of cells
between nodes. Draw one number u, uniform on 0..1, and move every variable to the upper node of its cell
where its place in the cell, from 0 to 1, exceeds u, else to the lower one. For a stage between two
variables the mean of a function of their nodes is then the function's linear interpolation over the
triangles that the diagonals cut from the cells (Kuhn's triangulation; Lovasz 1983). So the mean of a
relaxed cost is at most the placement's own cost, if every stage's relaxed cost interpolates to no more
than its cost c((I + T - min(s, m))^+). That is concave wherever the triangle is not cut by a line of
net time 0 or by m = s, and there interpolation is below it. Where a triangle is cut, its corners of
positive net time count 0, or those across the cut a little less than 0, whichever loses less (kernel
`add_relaxed_costs`), and a promise s between two nodes counts from the later one. Some choice of nodes
costs no more than the mean, hence

    least relaxed cost over the nodes  <=  least cost over all times.

Nothing is lost where net times of 0 fall on nodes. The relaxed optimum tells where it gained from a cut
triangle: nodes go there, the relaxed problem is solved again, and when no stage gains any more, its
optimum is a placement that costs what the bound says, which proves it.

Costs by table need not be concave. There a node stands for the whole times after the node before it:
suppliers are given the last of them and the stages they feed the first, a bound as costs do not fall
with net time. Nodes are added until the cells used hold one whole time each.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from plimsoll.maths.ragged import Ints
from plimsoll.network.placement_core import solve
from plimsoll.network.placement_problem import NEVER, NOBODY, Problem, ties_of
from plimsoll.network.placement_start import improved, thinned
from plimsoll.network.placement_tables import tables_of

CELLS = 32  # of the longest inbound time, to begin with
ENTRIES = 20_000_000  # of pair tables, at most; beyond, nodes are left out
PROVEN = 1e-8  # relative gap that counts as none
ABOVE = 1e-9  # relative; relaxed problems are searched this far above the best cost
ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """`values` of the variables, their `cost`, and the `bound`: no placement costs less."""

    values: Ints
    cost: float
    bound: float

    @property
    def gap(self) -> float:
        """Return the share of the cost that is not covered by the bound, at least 0."""
        return max(1.0 - self.bound / self.cost, 0.0) if self.cost > 0.0 else 0.0


def proved(problem: Problem, known: Shown, left: Callable[[], float]) -> Shown:
    """Return the best placement and bound once they meet, or as they are when time is up.

    Parameters
    ----------
    problem : a connected network
    known : a placement, and a bound (0, if none is known)
    left : seconds that are left
    """
    ties, extra = ties_of(problem), _kinks(problem)
    width = max(int(problem.high.max(initial=0)) // CELLS, 1)
    for _ in range(ROUNDS):
        nodes = thinned(problem, _nodes(problem, known.values, width, extra), known.values, ENTRIES)
        found = solve(tables_of(problem, nodes, relaxed=True), known.cost * (1.0 + ABOVE), left())
        known = Shown(known.values, known.cost, max(known.bound, min(found.bound, known.cost)))
        if found.at is None or known.gap <= PROVEN:
            break
        values = np.array([v[k] for v, k in zip(nodes, found.at, strict=True)])
        cost = problem.cost(values)
        if cost < known.cost:
            values = improved(problem, ties, problem.completed(values), left)
            cost = problem.cost(values)
            known = Shown(values, cost, min(known.bound, cost))
            extra = _kinks(problem)  # steps begin at the new values
        elif not _refine(problem, nodes, found.at, extra):
            if width == 1:
                break
            width //= 2
        if known.gap <= PROVEN or left() <= 0.0:
            break
    return known


def _nodes(problem: Problem, around: Ints, width: int, extra: list[set[int]]) -> list[Ints]:
    """Return nodes of every variable: steps of one width from its present value, its ends, and others."""
    out = []
    for low, high, value, more in zip(problem.low, problem.high, around, extra, strict=True):
        steps = np.arange(-((value - low) // width), (high - value) // width + 1) * width + value
        inside = [k for k in more if low < k < high]
        out.append(np.unique(np.concatenate([steps, [low, high], np.array(inside, dtype=np.int64)])))
    return out


def _kinks(problem: Problem) -> list[set[int]]:
    """Return the inbound times at which stages with no customers but their own begin to hold."""
    out: list[set[int]] = [set() for _ in problem.low]
    for k in np.flatnonzero((problem.meet == NOBODY) & (problem.into != NOBODY) & problem.binds):
        _add(problem, out, int(problem.into[k]), int(problem.latest[k] - problem.time[k]))
    return out


def _add(problem: Problem, extra: list[set[int]], variable: int, value: int) -> bool:
    """Add a node where it is within the variable's range and new."""
    good = problem.low[variable] < value < problem.high[variable] and value not in extra[variable]
    if good:
        extra[variable].add(value)
    return bool(good)


def _refine(problem: Problem, nodes: list[Ints], at: list[int], extra: list[set[int]]) -> int:
    """Add nodes where stages cost less, relaxed, than they do, and return how many."""
    count = 0
    for k in range(len(problem.time)):
        v, w = int(problem.into[k]), int(problem.meet[k])
        ins, a = _near(nodes, at, v, 0)
        outs, b = _near(nodes, at, w, NEVER)
        stage = np.array([k])
        true = problem.table(stage, ins[a : a + 1], outs[b : b + 1])[0, 0]
        if problem.table(stage, ins, outs, relaxed=True)[a, b] >= true:
            continue
        if problem.is_whole:
            first = int(ins[a - 1]) + 1
            count += _add(problem, extra, v, first) + _add(problem, extra, v, (first + int(ins[a])) // 2)
            continue
        time, latest = int(problem.time[k]), int(problem.latest[k])
        if v != NOBODY:
            count += _add(problem, extra, v, min(latest, int(outs[b])) - time)
        if w != NOBODY:
            count += _add(problem, extra, w, int(ins[a]) + time) + _add(problem, extra, w, latest)
    for u, o in zip(problem.under.tolist(), problem.over.tolist(), strict=True):
        early, late = int(nodes[u][at[u]]), int(nodes[o][at[o]])
        if early > late:
            count += _add(problem, extra, u, late) + _add(problem, extra, o, early)
    return count


def _near(nodes: list[Ints], at: list[int], variable: int, alone: int) -> tuple[Ints, int]:
    """Return the chosen node of a variable with those beside it, and its place among these."""
    if variable == NOBODY:
        return np.array([alone]), 0
    k = at[variable]
    return nodes[variable][max(k - 1, 0) : k + 2], min(k, 1)
