"""Candidate times and cost tables of guaranteed-service placement, all times in whole ticks.

A variable is a time that stages share: the inbound time of all stages with the same suppliers, or the
earliest inbound time among the customers of a stage. Ties are the equalities that may hold at a best
vertex, `value of one variable + ticks = value of another`; anchors are the values that need no other.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.placement_tree import cost_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SHIFT = 44  # bits of a value; a variable and its value make one whole number


@njit(cache=True, nogil=True, error_model="numpy")
def _inside(value: int, begin: int, end: int, low: Ints, high: Ints) -> bool:
    """Return whether a value lies in one of the intervals begin..end, sorted and apart."""
    while begin < end:
        middle = (begin + end) // 2
        if high[middle] < value:
            begin = middle + 1
        elif low[middle] > value:
            end = middle
        else:
            return True
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def closure(
    start_var: Ints,
    start_value: Ints,
    tie_bounds: Ints,
    tie_to: Ints,
    tie_by: Ints,
    interval_bounds: Ints,
    low: Ints,
    high: Ints,
    steps: int,
    most: int,
) -> tuple[Ints, Ints]:
    """Return the variables and values that anchors reach by ties within the intervals, sorted.

    Parameters
    ----------
    start_var, start_value : (anchors,)
    tie_bounds, tie_to, tie_by : ties from variable v are tie_bounds[v]..tie_bounds[v + 1]
    interval_bounds, low, high : values that variable v may take, closed intervals, sorted and apart
    steps : most ties in a row
    most : values in all at which the search is given up; nothing is returned then

    Examples
    --------
    Two variables, the second 3 ticks after the first, both within 0..10:

    >>> pairs = np.array([0, 1, 2]), np.array([1, 0]), np.array([3, -3])
    >>> span = np.array([0, 1, 2]), np.zeros(2, dtype=np.int64), np.full(2, 10)
    >>> closure(np.array([0, 0]), np.array([0, 9]), *pairs, *span, 99, 99)
    (array([0, 0, 1]), array([0, 9, 3]))
    """
    seen = set()
    todo = [0 for _ in range(0)]
    for k in range(len(start_var)):
        v, x = start_var[k], start_value[k]
        key = (v << SHIFT) | x
        if _inside(x, interval_bounds[v], interval_bounds[v + 1], low, high) and key not in seen:
            seen.add(key)
            todo.append(key)
    begin = 0
    for _ in range(steps):
        end = len(todo)
        if begin == end or end > most:
            break
        for at in range(begin, end):
            v, x = todo[at] >> SHIFT, todo[at] & ((1 << SHIFT) - 1)
            for e in range(tie_bounds[v], tie_bounds[v + 1]):
                w, y = tie_to[e], x + tie_by[e]
                if y < 0 or not _inside(y, interval_bounds[w], interval_bounds[w + 1], low, high):
                    continue
                key = (w << SHIFT) | y
                if key not in seen:
                    seen.add(key)
                    todo.append(key)
        begin = end
    found = np.array(todo if len(todo) <= most else todo[:0], dtype=np.int64)
    found.sort()
    return found >> SHIFT, found & ((1 << SHIFT) - 1)


@njit(cache=True, nogil=True, error_model="numpy")
def add_costs(
    table: Floats,
    ins: Ints,
    outs: Ints,
    stages: Ints,
    time: Ints,
    latest: Ints,
    holds: Flags,
    coef: Floats,
    tables: Floats,
    table_bounds: Ints,
    tick: float,
) -> None:
    """Add costs of some stages, c_i((in + T_i - min(s_i, out))^+), to a table over inbound and outbound.

    A stage that may not hold stock costs inf where it would have to.

    Parameters
    ----------
    table : (ins, outs) changed
    ins, outs : ticks, sorted; `outs` has one entry, later than any promise, where nobody is supplied
    stages : stages that lie between the same two variables
    time, latest, holds, coef, tables, table_bounds : of all stages, as in `Problem`
    tick : time of one tick
    """
    for i in stages:
        own = tables[table_bounds[i] : table_bounds[i + 1]]
        for a in range(len(ins)):
            ready = ins[a] + time[i]
            for b in range(len(outs)):
                net = ready - min(latest[i], outs[b])
                if net > 0:
                    table[a, b] += cost_of(net * tick, coef[i], own) if holds[i] else np.inf
                elif outs[b] >= latest[i]:
                    break  # later values are worth no more


@njit(cache=True, nogil=True, error_model="numpy")
def add_step_costs(
    table: Floats,
    ins: Ints,
    outs: Ints,
    stages: Ints,
    time: Ints,
    latest: Ints,
    holds: Flags,
    tables: Floats,
    table_bounds: Ints,
    tick: float,
) -> None:
    """Add the least costs of some stages over cells of whole ticks: a value, and those after the one before.

    Costs that do not fall with net time are least at the first inbound and the last outbound value of a
    cell. Parameters as of `add_costs`; for costs by table.
    """
    for i in stages:
        own = tables[table_bounds[i] : table_bounds[i + 1]]
        for a in range(len(ins)):
            ready = (ins[a] if a == 0 else ins[a - 1] + 1) + time[i]
            for b in range(len(outs)):
                net = ready - min(latest[i], outs[b])
                if net > 0:
                    table[a, b] += cost_of(net * tick, 0.0, own) if holds[i] else np.inf


@njit(cache=True, nogil=True, error_model="numpy")
def _net(a: int, b: int, ins: Ints, outs: Ints, time: int, latest: int) -> int:
    """Return the net time at two nodes, 0 outside them; a promise between two nodes counts from the later."""
    if a < 0 or b < 0 or a == len(ins) or b == len(outs):
        return 0
    out = outs[b] if b > 0 and outs[b - 1] < latest else min(outs[b], latest)
    return int(ins[a] + time - out)


@njit(cache=True, nogil=True, error_model="numpy")
def _keeps(a: int, b: int, net: int, ins: Ints, outs: Ints, time: int, latest: int) -> bool:
    """Return whether a corner of positive net time is nearer to no cut than the corners across it are."""
    for da, db in ((-1, 0), (0, 1), (-1, -1), (1, 1)):
        if -_net(a + da, b + db, ins, outs, time, latest) >= net:
            return False
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def add_relaxed_costs(
    table: Floats,
    ins: Ints,
    outs: Ints,
    stages: Ints,
    time: Ints,
    latest: Ints,
    holds: Flags,
    coef: Floats,
    tick: float,
) -> None:
    """Add costs of some stages that, interpolated between nodes, are nowhere above c_i sqrt(net time).

    The diagonals from (a, b) to (a + 1, b + 1) cut the rectangles between nodes into triangles. Where the
    line of net time 0 does not cut a triangle, its corners have their own costs: a concave function is above
    its interpolation. Where it does, corners p with net time n_p > 0 and q with n_q < 0 at the two ends of an
    edge get costs g_p and -b_q with g_p / n_p <= b_q / -n_q, so that interpolation is at most 0 on the line;
    with g_p <= c sqrt(n_p) it is then below the cost on both sides. Either g_p = 0, where some such q is as
    far from the line as p, or g_p = c sqrt(n_p) and each of these q gets b_q = -n_q c / sqrt(n_p).

    Parameters as of `add_costs`. A stage that may not hold stock may, where a triangle is cut.
    """
    for i in stages:
        t, s, factor = time[i], latest[i], coef[i] * math.sqrt(tick)
        if holds[i] and factor == 0.0:
            continue
        for a in range(len(ins)):
            for b in range(len(outs)):
                net = _net(a, b, ins, outs, t, s)
                if not holds[i]:
                    if (
                        net > 0
                        and _net(a - 1, b, ins, outs, t, s) >= 0
                        and _net(a, b + 1, ins, outs, t, s) >= 0
                    ):
                        table[a, b] = np.inf
                elif net > 0:
                    if _keeps(a, b, net, ins, outs, t, s):
                        table[a, b] += factor * math.sqrt(net)
                elif net < 0:
                    slope = 0.0
                    for da, db in ((1, 0), (0, -1), (1, 1), (-1, -1)):
                        across = _net(a + da, b + db, ins, outs, t, s)
                        if across > 0 and _keeps(a + da, b + db, across, ins, outs, t, s):
                            slope = max(slope, factor / math.sqrt(across))
                    table[a, b] += slope * net


@njit(cache=True, nogil=True, error_model="numpy")
def least_through(a: Floats, b: Floats, c: Floats) -> Floats:
    """Return the least over z of a[z, x] + b[z, y] + c[z], the join of two tables without z.

    Examples
    --------
    >>> least_through(np.array([[1.0, 9.0], [4.0, 2.0]]), np.array([[0.0], [1.0]]), np.array([0.0, 1.0]))
    array([[1.],
           [4.]])
    """
    out = np.full((a.shape[1], b.shape[1]), np.inf)
    for z in range(a.shape[0]):
        for x in range(a.shape[1]):
            first = a[z, x] + c[z]
            if first == np.inf:
                continue
            for y in range(b.shape[1]):
                both = first + b[z, y]
                if both < out[x, y]:
                    out[x, y] = both
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def costs_at(
    net: Ints, holds: Flags, coef: Floats, tables: Floats, table_bounds: Ints, tick: float
) -> Floats:
    """Return the cost of every stage at its net time in ticks, inf where it may not hold.

    Examples
    --------
    >>> none, holds = np.zeros(3, dtype=np.int64), np.array([True, False])
    >>> costs_at(np.array([8, 1]), holds, np.array([3.0, 1.0]), np.empty(0), none, 0.5)
    array([ 6., inf])
    """
    out = np.zeros(len(net))
    for i in range(len(net)):
        if net[i] > 0:
            own = tables[table_bounds[i] : table_bounds[i + 1]]
            out[i] = cost_of(net[i] * tick, coef[i], own) if holds[i] else np.inf
    return out
