"""The core of a placement problem, what elimination leaves, solved as a weighted constraint network."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from plimsoll.maths.ragged import Floats
from plimsoll.network.placement_tables import Tables, eliminate

SCALE = 1e9  # costs as a share of the best known one, times this, with DIGITS decimals
DIGITS = 3
ROUNDING = 0.5 * 10.0**-DIGITS / SCALE  # of the best known cost, per table
QUICK = 3.0  # seconds for the first run
SHORTEST = 1.0  # seconds; the solver's clock counts whole ones
ABOVE = 1e-9  # relative; the second run finds what the first one found again


@dataclass(frozen=True, slots=True)
class Solved:
    """The best choice out of given candidates.

    `at` : (variables,) positions in the lists of candidates; None if none below the given cost was found
    `bound` : no choice costs less than this, whatever was found
    """

    at: list[int] | None
    bound: float


def solve(tables: Tables, below: float, seconds: float) -> Solved:
    """Return the best choice that costs less than `below`, and a lower bound on the cost of all.

    Variables of few neighbours are eliminated; the rest is given to toulbar2 (hybrid best-first search
    with soft arc consistency, Allouche et al. 2015). The arguments are changed.

    Parameters
    ----------
    tables : costs over candidates
    below : cost that a choice must beat
    seconds : time for the search; when it ends first, the bound is what had been shown by then
    """
    done = eliminate(tables)
    alive = tables.alive
    if not alive:
        return Solved([p for _, p in sorted(done.restore({}).items())], tables.constant)
    found, bound = _search(tables, alive, below, seconds)
    if found is None:
        return Solved(None, bound)
    at = done.restore(dict(zip(alive, found, strict=True)))
    return Solved([p for _, p in sorted(at.items())], bound)


def _search(tables: Tables, alive: list[int], below: float, seconds: float) -> tuple[list[int] | None, float]:
    """Return the positions of the variables left, if any cost less than `below`, and the lower bound.

    Soft arc consistency is quick and mostly enough. Where it is not, virtual arc consistency (Cooper et al.
    2010), dearer and stronger, takes the rest of the time.
    """
    start = perf_counter()
    first = _run(tables, alive, below, min(seconds, QUICK), vac=0)
    left = seconds - (perf_counter() - start)
    if first.is_complete or left < SHORTEST:
        return first.at, first.bound
    second = _run(tables, alive, min(below, first.cost * (1.0 + ABOVE)), left, vac=1)
    best = second if second.cost <= first.cost else first
    return best.at, max(first.bound, second.bound)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run of the solver found, below a given cost, and whether it saw all there is."""

    at: list[int] | None
    cost: float
    bound: float
    is_complete: bool


def _run(tables: Tables, alive: list[int], below: float, seconds: float, *, vac: int) -> _Run:
    """Return what one run of the solver finds below a cost, and its lower bound."""
    network, least, rest = _posted(tables, alive, below, vac)
    network.Option.limited = False
    network.CFN.timer(max(round(seconds), 1))
    found = network.Solve()
    network.CFN.timerStop()
    is_complete = not network.Option.limited
    reached = SCALE if found is None else float(found[1])
    # after a search that saw everything the solver may still tell the bound of an earlier moment
    shown = reached if is_complete else min(network.GetDDualBound(), reached)
    count = len(alive) + sum(len(tables.pair[v]) for v in alive) // 2
    bound = least + (shown / SCALE - count * ROUNDING) * rest
    if found is None:
        return _Run(None, np.inf, bound, is_complete)
    return _Run([int(k) for k in found[0]], least + reached / SCALE * rest, bound, is_complete)


def _posted(tables: Tables, alive: list[int], below: float, vac: int) -> tuple[Any, float, float]:
    """Return a weighted constraint network, the cost that its zero stands for, and the cost of `SCALE`."""
    import pytoulbar2  # here: 16 MB that only networks with a core need

    singles = {v: tables.single[v] for v in alive}
    pairs = {(v, w): table for v in alive for w, table in tables.pair[v].items() if v < w}
    least = tables.constant + sum(_floor(t) for t in (*singles.values(), *pairs.values()))
    rest = max(below - least, 1e-12 * abs(below))
    network = pytoulbar2.CFN(SCALE, resolution=DIGITS, vac=vac, verbose=-1)
    number = {v: network.AddVariable(f"v{v}", range(len(tables.single[v]))) for v in alive}
    post = network.CFN.wcsp  # AddFunction looks at every number one by one before it does the same
    for v, table in singles.items():
        post.postUnaryConstraint(number[v], _scaled(table, SCALE / rest), False)
    for (v, w), table in pairs.items():
        post.postBinaryConstraint(number[v], number[w], _scaled(table, SCALE / rest), False)
    return network, least, rest


def _scaled(table: Floats, scale: float) -> Floats:
    """Return costs above the least one in the solver's unit, what is out of question cut off, as one row."""
    row: Floats = np.minimum((table - _floor(table)) * scale, 2.0 * SCALE).ravel()
    return row


def _floor(table: Floats) -> float:
    """Return the least cost of a table, 0 if all of it is out of question."""
    least = float(table.min())
    return least if np.isfinite(least) else 0.0
