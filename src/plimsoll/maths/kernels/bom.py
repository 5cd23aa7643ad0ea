"""Walks of bills of material: order without cycles, longest chains, needs passed down, pooled variance.

A bill is a graph of n nodes in compressed rows: the lines of node p are bounds[p] .. bounds[p + 1], line e
leads to node child[e]. All walks but the first two expect nodes numbered parents first, so that every
line leads to a higher number; then one sweep over the rows is a topological order.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LANES = 8


@njit(cache=True, nogil=True, error_model="numpy")
def children_first(bounds: Ints, child: Ints) -> tuple[Ints, int]:
    """Return the nodes with every child before its parents, and how many could be ordered (Kahn 1962).

    Nodes on a cycle, or above one, are never free of unordered children: they fill the end of the
    order by number, from the returned count on.

    Examples
    --------
    >>> order, n = children_first(np.array([0, 1, 2, 2]), np.array([1, 2]))         # 0 -> 1 -> 2
    >>> order.tolist(), n
    ([2, 1, 0], 3)
    """
    n = len(bounds) - 1
    begin = np.zeros(n + 1, dtype=np.int64)
    for e in range(len(child)):
        begin[child[e] + 1] += 1
    for c in range(n):
        begin[c + 1] += begin[c]
    parent = np.empty(len(child), dtype=np.int64)
    at = begin[:-1].copy()
    waits = np.empty(n, dtype=np.int64)
    order = np.empty(n, dtype=np.int64)
    done = 0
    for p in range(n):
        waits[p] = bounds[p + 1] - bounds[p]
        if waits[p] == 0:
            order[done] = p
            done += 1
        for e in range(bounds[p], bounds[p + 1]):
            parent[at[child[e]]] = p
            at[child[e]] += 1
    head = 0
    while head < done:
        c = order[head]
        head += 1
        for r in range(begin[c], begin[c + 1]):
            waits[parent[r]] -= 1
            if waits[parent[r]] == 0:
                order[done] = parent[r]
                done += 1
    rest = done
    for p in range(n):
        if waits[p] > 0:
            order[rest] = p
            rest += 1
    return order, done


@njit(cache=True, nogil=True, error_model="numpy")
def cycles_of(follower: Ints) -> Ints:
    """Return the number of the cycle that each node is on (-1 if on none), walking from each to its follower.

    Parameters
    ----------
    follower : (n,) one chosen child of each node, -1 for none

    Examples
    --------
    >>> cycles_of(np.array([1, 2, 1, -1])).tolist()                         # 0 -> 1 -> 2 -> 1
    [-1, 0, 0, -1]
    """
    n = len(follower)
    cycle = np.full(n, -1, dtype=np.int64)
    walk = np.full(n, -1, dtype=np.int64)
    found = 0
    for start in range(n):
        p = start
        while p >= 0 and walk[p] < 0:
            walk[p] = start
            p = follower[p]
        if p >= 0 and walk[p] == start and cycle[p] < 0:
            while cycle[p] < 0:
                cycle[p] = found
                p = follower[p]
            found += 1
    return cycle


@njit(cache=True, nogil=True, error_model="numpy")
def longest(bounds: Ints, child: Ints, length: Floats) -> Floats:
    """Return the length of the longest chain of lines that ends at each node, 0 where none does.

    Parameters
    ----------
    length : (lines,) at least 0

    Examples
    --------
    >>> longest(np.array([0, 2, 3, 3]), np.array([1, 2, 2]), np.array([2.0, 1.0, 3.0])).tolist()
    [0.0, 2.0, 5.0]
    """
    far = np.zeros(len(bounds) - 1)
    for p in range(len(far)):
        for e in range(bounds[p], bounds[p + 1]):
            far[child[e]] = max(far[child[e]], far[p] + length[e])
    return far


@njit(cache=True, nogil=True, error_model="numpy")
def pass_down(
    bounds: Ints,
    child: Ints,
    factor: Floats,
    shift: Ints,
    profile_of: Ints,
    profile: Floats,
    own: Floats,
) -> Floats:
    """Return what each node's parents need of it by period, level by level.

        need(c, t) = sum over lines e = (p, c) of f_e g_e(t) x(p, t + l_e),    x = own + need

    Parameters
    ----------
    factor, shift : (lines,) units in one unit of the parent; periods by which they are needed earlier, >= 0
    profile_of : (lines,) row of `profile`, -1 for a line in force throughout
    profile : (rows, periods) share of each period in which a dated line is in force
    own : (n, periods) independent demand

    Examples
    --------
    >>> own = np.array([[1.0, 4.0], [0.0, 0.0]])
    >>> always = np.array([-1])
    >>> pass_down(np.array([0, 1, 1]), np.array([1]), np.array([3.0]), np.array([1]), always, own, own)
    array([[ 0.,  0.],
           [12.,  0.]])
    """
    n, periods = own.shape
    need = np.zeros((n, periods))
    total = np.empty(periods)
    for p in range(n):
        if bounds[p] == bounds[p + 1]:
            continue
        for t in range(periods):
            total[t] = own[p, t] + need[p, t]
        for e in range(bounds[p], bounds[p + 1]):
            c, f, row = child[e], factor[e], profile_of[e]
            for t in range(periods - shift[e]):
                g = f if row < 0 else f * profile[row, t]
                need[c, t] += g * total[t + shift[e]]
    return need


@njit(cache=True, nogil=True, error_model="numpy")
def reach(
    source: int, bounds: Ints, child: Ints, shift: Ints, marks: Ints, nodes: Ints, low: Ints, high: Ints
) -> int:
    """Write the nodes below a source, parents first, and the least and most periods by which each is earlier.

    `marks` (n,) holds the last source that reached each node, to be filled with -1 once.
    """
    marks[source] = source
    low[source] = high[source] = 0
    count, last, p = 0, source, source
    while p <= last:
        if marks[p] == source:
            nodes[count] = p
            count += 1
            for e in range(bounds[p], bounds[p + 1]):
                c = child[e]
                least, most = low[p] + shift[e], high[p] + shift[e]
                if marks[c] != source:
                    marks[c] = source
                    low[c], high[c] = least, most
                    last = max(last, c)
                else:
                    low[c] = min(low[c], least)
                    high[c] = max(high[c], most)
        p += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def work_of(sources: Ints, bounds: Ints, child: Ints, shift: Ints, profile_of: Ints, periods: int) -> Floats:
    """Return how many coefficients `pooled_variance` will update for each source: lines x offsets x periods.

    Periods count only where a dated line is reached; elsewhere coefficients are the same in every period.
    """
    n = len(bounds) - 1
    marks, nodes = np.full(n, -1, dtype=np.int64), np.empty(n, dtype=np.int64)
    low, high = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    work = np.zeros(len(sources))
    for a in range(len(sources)):
        dated = False
        for b in range(reach(sources[a], bounds, child, shift, marks, nodes, low, high)):
            p = nodes[b]
            work[a] += (bounds[p + 1] - bounds[p]) * (high[p] - low[p] + 1)
            for e in range(bounds[p], bounds[p + 1]):
                dated = dated or profile_of[e] >= 0
        if dated:
            work[a] *= periods
    return work


@njit(cache=True, nogil=True, error_model="numpy")
def hand_down(
    p: int,
    bounds: Ints,
    child: Ints,
    factor: Floats,
    shift: Ints,
    profile_of: Ints,
    profile: Floats,
    low: Ints,
    start: Ints,
    width: int,
    lanes: int,
    first: int,
    periods: int,
    coefficient: Floats,
) -> None:
    """Add what node p takes per unit of the source to its components' coefficients (`pooled_variance`)."""
    begin = start[p]
    for e in range(bounds[p], bounds[p + 1]):
        to = start[child[e]] + (low[p] + shift[e] - low[child[e]]) * lanes
        f, row = factor[e], profile_of[e]
        if row < 0:
            for j in range(width * lanes):
                coefficient[to + j] += f * coefficient[begin + j]
        else:
            for k in range(width):
                back = first - low[p] - k - shift[e]
                for j in range(max(0, -back), min(lanes, periods - back)):
                    g = f * profile[row, back + j]
                    coefficient[to + k * lanes + j] += g * coefficient[begin + k * lanes + j]


@njit(cache=True, nogil=True, error_model="numpy")
def pooled_variance(
    sources: Ints,
    bounds: Ints,
    child: Ints,
    factor: Floats,
    shift: Ints,
    profile_of: Ints,
    profile: Floats,
    variance: Floats,
    common: Floats,
    out: Floats,
) -> None:
    """Add to `out` the variances of what each node's parents need of it, every shared path counted once.

        need(j, t) = sum over i, s of c_ij(t, s) D(i, s)
        out[0]     = sum over i, s of c_ij(t, s)^2 v(i, s)
        out[1]     = sum over i of (sum over s of c_ij(t, s))^2 w(i)
        out[2]     = sum over i of (sum over s of c_ij(t, s))^2 v(i, t)

    c sums over all paths from source i to node j (so paths add before the square), D(i, s) is the
    independent demand of source i in period s: different sources are independent, and so are periods but
    for the uncertainty w of the rate that all periods share. So out[0] + out[1] is the variance of one
    period; out[2] is what out[0] grows to a period over a long interval, in which demand of one day
    that is needed at several offsets meets itself again.

    Each source is walked by itself. Coefficients are kept by offset s - t. Where no dated line is reached
    they serve every period; else they are computed for LANES periods s at a time.

    Parameters
    ----------
    sources : (S,) nodes
    profile : (rows, W) of dated lines; W at least horizon + longest offset
    variance : (S, W) by period of the source's demand
    common : (S,) variance that all periods of a source share
    out : (3, n, horizon)
    """
    n, horizon = out.shape[1:]
    periods = variance.shape[1]
    marks, nodes = np.full(n, -1, dtype=np.int64), np.empty(n, dtype=np.int64)
    low, high = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    start = np.empty(n, dtype=np.int64)
    coefficient, total = np.empty(0), np.empty(0)
    level = np.zeros((3, n))  # what is the same in every period
    for a in range(len(sources)):
        count = reach(sources[a], bounds, child, shift, marks, nodes, low, high)
        dated, farthest = False, 0
        for b in range(count):
            p = nodes[b]
            farthest = max(farthest, high[p])
            for e in range(bounds[p], bounds[p + 1]):
                dated = dated or profile_of[e] >= 0
        steady = (variance[a] == variance[a, 0]).all()
        lanes = LANES if dated else 1
        last = min(horizon + farthest, periods) if dated else 1
        size = 0
        for b in range(count):
            start[nodes[b]] = size
            size += (high[nodes[b]] - low[nodes[b]] + 1) * lanes
        if size > len(coefficient):
            coefficient = np.empty(2 * size)
        if dated:
            total = np.zeros(count * horizon)
        for first in range(0, last, lanes):
            coefficient[:size] = 0.0
            coefficient[start[sources[a]] : start[sources[a]] + lanes] = 1.0
            for b in range(count):
                p = nodes[b]
                begin, width = start[p], high[p] - low[p] + 1
                if b > 0 and dated:
                    for k in range(width):
                        back = first - low[p] - k
                        for j in range(max(0, -back), min(lanes, horizon - back, periods - first)):
                            c = coefficient[begin + k * lanes + j]
                            out[0, p, back + j] += c * c * variance[a, first + j]
                            total[b * horizon + back + j] += c
                elif b > 0:
                    amount, squares = 0.0, 0.0
                    for k in range(width):
                        c = coefficient[begin + k]
                        amount += c
                        squares += c * c
                        for t in range(0 if steady else min(horizon, periods - low[p] - k)):
                            out[0, p, t] += c * c * variance[a, t + low[p] + k]
                    level[1, p] += common[a] * amount * amount
                    if steady:
                        level[0, p] += squares * variance[a, 0]
                        level[2, p] += amount * amount * variance[a, 0]
                    else:
                        for t in range(horizon):
                            out[2, p, t] += amount * amount * variance[a, t]
                hand_down(
                    p, bounds, child, factor, shift, profile_of, profile, low, start, width, lanes, first,
                    periods, coefficient,
                )  # fmt: skip
        if dated:
            for b in range(1, count):
                for t in range(horizon):
                    square = total[b * horizon + t] ** 2
                    out[1, nodes[b], t] += common[a] * square
                    out[2, nodes[b], t] += variance[a, t] * square
    for which in range(3):
        for p in range(n):
            for t in range(horizon):
                out[which, p, t] += level[which, p]
