"""Placement improved one shared time at a time: quick, no proof, for networks of any size."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.placement_tree import cost_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NOBODY = -1
GAIN = 1e-12  # relative; a move must save more, or rounding would go on for ever


@njit(cache=True, nogil=True, error_model="numpy")
def _stage_cost(
    i: int,
    values: Ints,
    into: Ints,
    fed: Ints,
    fed_bounds: Ints,
    time: Ints,
    latest: Ints,
    holds: Flags,
    coef: Floats,
    tables: Floats,
    table_bounds: Ints,
    tick: float,
) -> float:
    """Return the cost of stage i, which feeds the groups fed[fed_bounds[i]]..fed[fed_bounds[i + 1]]."""
    out = latest[i]
    for e in range(fed_bounds[i], fed_bounds[i + 1]):
        out = min(out, values[fed[e]])
    net = time[i] - out + (values[into[i]] if into[i] != NOBODY else 0)
    if net <= 0:
        return 0.0
    if not holds[i]:
        return math.inf
    return cost_of(net * tick, coef[i], tables[table_bounds[i] : table_bounds[i + 1]])


@njit(cache=True, nogil=True, error_model="numpy")
def descend(
    start: Ints,
    low: Ints,
    high: Ints,
    touched: Ints,
    touched_bounds: Ints,
    into: Ints,
    fed: Ints,
    fed_bounds: Ints,
    time: Ints,
    latest: Ints,
    holds: Flags,
    coef: Floats,
    tables: Floats,
    table_bounds: Ints,
    tick: float,
    sweeps: int,
) -> Ints:
    """Return inbound times of groups that no change of a single one improves.

    Between the values where a stage's net time becomes 0, or another customer of a supplier becomes its
    earliest, the cost is concave in one inbound time: the best value is among these.

    Parameters
    ----------
    start, low, high : (groups,) ticks
    touched, touched_bounds : stages that group g's time matters to, its members and their suppliers
    into, time, latest, holds, coef, tables, table_bounds, tick : as in `Problem`, of all stages
    fed, fed_bounds : groups that stage i supplies
    sweeps : at most

    Examples
    --------
    A part of 4 ticks for a product of 1 that ships at once: to wait for the part costs less than to hold it.

    >>> two, none = np.array([0, 1, 1]), np.zeros(3, dtype=np.int64)
    >>> costs = np.array([True, True]), np.array([3.0, 2.0]), np.empty(0), none, 1.0
    >>> group = np.array([0]), np.array([0]), np.array([4])
    >>> stages = np.array([0, 1]), np.array([0, 2]), np.array([-1, 0]), np.array([0]), two
    >>> descend(*group, *stages, np.array([4, 1]), np.array([99, 0]), *costs, 9)
    array([4])
    """
    values = start.copy()
    for _ in range(sweeps):
        moved = False
        for g in range(len(values)):
            kinks = {values[g]}
            kinks.add(low[g])
            kinks.add(high[g])
            for t in range(touched_bounds[g], touched_bounds[g + 1]):
                i = touched[t]
                out = latest[i]
                for e in range(fed_bounds[i], fed_bounds[i + 1]):
                    if into[i] != g and fed[e] != g:
                        kinks.add(values[fed[e]])
                    out = min(out, values[fed[e]])
                if into[i] == g:
                    kinks.add(out - time[i])
                else:
                    kinks.add(latest[i])
                    kinks.add(time[i] + (values[into[i]] if into[i] != NOBODY else 0))
            before, best, least = values[g], values[g], math.inf
            for step in range(2):
                for kink in kinks:
                    if (kink != before) == (step == 0) or kink < low[g] or kink > high[g]:
                        continue
                    values[g] = kink
                    total = 0.0
                    for t in range(touched_bounds[g], touched_bounds[g + 1]):
                        total += _stage_cost(
                            touched[t], values, into, fed, fed_bounds, time, latest, holds, coef, tables,
                            table_bounds, tick,
                        )  # fmt: skip
                        if total >= least:
                            break
                    if total < least - GAIN * abs(least) if least < math.inf else total < least:
                        best, least = kink, total
            values[g] = best
            moved = moved or best != before
        if not moved:
            break
    return values
