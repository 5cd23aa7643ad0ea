"""Problems of few shared times with given candidates: cost tables, joined until few times are left."""

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from plimsoll.maths.kernels.placement_values import least_through
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.network.placement_problem import NEVER, NOBODY, Problem

DEGREE = 2  # times joined to no more others than this are eliminated


@dataclass(slots=True)
class Tables:
    """Costs of single variables and of pairs of them over positions in their lists of candidates.

    `pair[v][w]` has rows by candidates of v and columns by those of w; `pair[w][v]` is its transpose.
    """

    constant: float
    single: list[Floats]
    pair: list[dict[int, Floats]]

    def join(self, v: int, w: int, table: Floats) -> None:
        """Add a table over v and w."""
        before = self.pair[v].get(w)
        self.pair[v][w] = np.ascontiguousarray(table if before is None else before + table)
        self.pair[w][v] = self.pair[v][w].T

    @property
    def alive(self) -> list[int]:
        """Return the variables that are joined to another."""
        return [v for v, near in enumerate(self.pair) if near]


@dataclass(slots=True)
class Eliminated:
    """What is needed to find a variable again once the others are known."""

    steps: list[tuple[int, Floats, dict[int, Floats]]] = field(default_factory=list)

    def restore(self, at: dict[int, int]) -> dict[int, int]:
        """Add the best position of every variable that was eliminated to those of the others."""
        for v, single, near in reversed(self.steps):
            total = single + sum((table[:, at[w]] for w, table in near.items()), np.zeros(len(single)))
            at[v] = int(total.argmin())
        return at


def entries(problem: Problem, sizes: Ints) -> int:
    """Return how many numbers the tables over pairs hold for lists of candidates of some sizes."""
    through = (problem.into != NOBODY) & (problem.meet != NOBODY)
    pairs = np.concatenate(
        [np.stack([problem.into, problem.meet])[:, through], np.stack([problem.under, problem.over])], axis=1
    )
    pairs = np.unique(pairs, axis=1)
    return int((sizes[pairs[0]] * sizes[pairs[1]]).sum())


def tables_of(problem: Problem, values: list[Ints], *, relaxed: bool = False) -> Tables:
    """Return the costs of a problem over candidate values, sorted, of every variable.

    Relaxed, they are the costs over the cells between the values; see `placement_relaxed`.
    """
    nothing, never = np.zeros(1, dtype=np.int64), np.full(1, NEVER)
    out = Tables(0.0, [np.zeros(len(v)) for v in values], [{} for _ in values])
    for (v, w), stages in bundles(problem).items():
        ins = nothing if v == NOBODY else values[v]
        outs = never if w == NOBODY else values[w]
        table = problem.table(stages, ins, outs, relaxed=relaxed)
        if v == NOBODY and w == NOBODY:
            out.constant += float(table[0, 0])
        elif v == NOBODY:
            out.single[w] += table[0]
        elif w == NOBODY:
            out.single[v] += table[:, 0]
        else:
            out.join(v, w, table)
    for v, w in zip(problem.under.tolist(), problem.over.tolist(), strict=True):
        out.join(v, w, np.where(_may_precede(problem, values[v], values[w], relaxed), 0.0, np.inf))
    return out


def _may_precede(problem: Problem, some: Ints, others: Ints, relaxed: bool) -> NDArray[np.bool_]:
    """Return where a value may be no later than another one; relaxed, where one of their cells allows it."""
    good: NDArray[np.bool_] = some[:, None] <= others[None, :]
    if relaxed:
        good[1:] |= some[:-1, None] < others[None, :]
    if relaxed and not problem.is_whole:
        good[:, :-1] |= some[:, None] < others[None, 1:]
    return good


def bundles(problem: Problem) -> dict[tuple[int, int], Ints]:
    """Return the stages between every pair of variables, inbound and customers' earliest."""
    keys = np.stack([problem.into, problem.meet], axis=1)
    pairs, which = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(which, minlength=len(pairs)))[:-1])
    return {(int(v), int(w)): part for (v, w), part in zip(pairs, parts, strict=True)}


def eliminate(tables: Tables) -> Eliminated:
    """Take out variables of few neighbours, cheapest first, leaving their least cost with the neighbours.

    Variables with at most `DEGREE` neighbours are joined into a table over these (dynamic programming,
    nonserial: Bertele & Brioschi 1972). What is left has no such variable; nothing, if the network is a
    tree of bundles or a ladder of them. The arguments are changed.
    """
    done = Eliminated()
    queue = [(*_effort(tables, v), v) for v in range(len(tables.single))]
    heapify(queue)
    gone = np.zeros(len(tables.single), dtype=bool)
    while queue:
        degree, sums, v = heappop(queue)
        if gone[v] or degree > DEGREE or (degree, sums) != _effort(tables, v):
            continue
        gone[v] = True
        near = tables.pair[v]
        done.steps.append((v, tables.single[v], dict(near)))
        _take_out(tables, v)
        for w in near:
            heappush(queue, (*_effort(tables, w), w))
    return done


def _take_out(tables: Tables, v: int) -> None:
    """Leave the least cost over a variable with its neighbours, at most two."""
    near, single = tables.pair[v], tables.single[v]
    if len(near) == 0:
        tables.constant += float(single.min())
    elif len(near) == 1:
        ((w, table),) = near.items()
        tables.single[w] = tables.single[w] + (table + single[:, None]).min(axis=0)
    else:
        (w, first), (u, second) = near.items()
        tables.join(w, u, least_through(np.ascontiguousarray(first), np.ascontiguousarray(second), single))
    for w in near:
        del tables.pair[w][v]
    tables.pair[v] = {}


def _effort(tables: Tables, v: int) -> tuple[int, int]:
    """Return the number of neighbours, and of sums, that taking out a variable needs."""
    sums = len(tables.single[v])
    for w in tables.pair[v]:
        sums *= len(tables.single[w])
    return len(tables.pair[v]), sums
