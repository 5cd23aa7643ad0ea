"""Exchange of stock for service at every entry, and the choice of levels for one price of service.

The levels s = -1, 0, ... of an entry trade mean stock against the share of demand that is short; both
are those of `plimsoll.maths.kernels.policy`. What a price of service can choose are the vertices of
the lower convex hull of (short, stock), the policies of least stock + price * short (Everett 1963;
marginal analysis, Sherbrooke 1968). Between vertices stock bought per share of shortage rises:

    slope_v = (stock_v - stock_(v-1)) / (short_(v-1) - short_v)

A step up of base stock from y adds P(D_P <= y) to the stock at the end of a review interval and takes
P(D_L <= y < D_P) from the shortage; where that rises and falls in turn, levels lie above the hull.

Hazard: functions of `plimsoll.maths.kernels.policy` are compiled into these, whose cache on disk does
not notice changes made there; touch this file after an edit.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.policy import (
    CYCLE_ROW,
    FILL_ROW,
    GIVEN,
    TOLERANCE,
    averaged,
    curves,
    evaluate,
    fill_cycles,
    read_laws,
    search,
)
from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Levels = NDArray[np.int32]
Flags = NDArray[np.bool_]

FREE, FLOOR, FIXED = 0, 1, 2
CHUNK = 512  # entries that one thread takes at a time
SAME = 4.0 * TOLERANCE  # fill rates closer than this are one target
NEGLIGIBLE = 1e-6  # share short with which an entry is served in full: more levels would only fill memory


@njit(cache=True, nogil=True, error_model="numpy")
def _exchange(
    review: Floats,
    lead: Floats,
    protection: Floats,
    periods: float,
    lot: int,
    is_uniform: bool,
    is_lost: bool,
    by_lines: bool,
    kind: int,
    target: float,
    rule: int,
) -> tuple[int, int, Floats]:
    """Return lowest level and least level allowed, and rows fill rate, share short, stock from the lowest.

    Fill rate and share short at a level are the worst of all levels above too, as in the search of a
    level. The share of lines short is that of reviews with demand whose demand is not all met:

        1 - E_y P(D_P <= y | D_R > 0)

    exact with backlog for reviews every period. Of lost sales, whose orders under way have no such
    form, it is that of backlog in the proportion of the fill rates.
    """
    rows, means, position, need, need_base, beyond = read_laws(
        review, lead, protection, periods, lot, is_uniform, is_lost
    )
    weights, offset, _ = position
    n = rows.shape[1]
    missed = np.zeros(n + 1)
    if by_lines and means[1] > 0.0:
        fill_cycles(rows, need_base, means[1])
        at_position = np.ones((1, n))
        for y in range(1, n):
            at_position[0, y] = 1.0 - rows[CYCLE_ROW, y - 1]
        missed = averaged(weights, at_position, np.zeros(1))[0]
    average, cut = curves(weights, need, rows, beyond, means)
    lowest = 0 if is_lost else -1
    least = lowest
    if rule != FREE:
        least, _ = search(kind, target, lot, offset, rows, average, cut, means)
    out = np.empty((3, max(n - 1, least) - lowest + 1))
    fill, short = 1.0, 0.0
    for at in range(out.shape[1] - 1, -1, -1):
        level = lowest + at
        service, stock = evaluate(level, lot, offset, rows, average, cut, means)[1:3]
        share = 1.0 - service
        if by_lines:
            unfilled = average[FILL_ROW, min(level + 1, n)]
            backlogged = missed[min(level + 1, n)]
            share = backlogged if cut.shape[1] == 0 else 0.0
            if cut.shape[1] > 0 and unfilled > 0.0:
                share = min(backlogged * (1.0 - service) / unfilled, 1.0)
        fill, short = min(fill, max(service, 0.0)), max(short, share)
        out[0, at], out[1, at], out[2, at] = fill, short, stock
    return lowest, least, out


@njit(cache=True, nogil=True, error_model="numpy")
def _write_hull(
    lowest: int,
    least: int,
    top: int,
    exchange: Floats,
    begin: int,
    levels: Levels,
    vertices: Floats,
) -> int:
    """Write the vertices of the lower hull from `begin` on, by rising level, and return where they end.

    Only the least of levels with the same fill rate counts, so that the fill rate names the level.
    """
    fill, short, stock = exchange
    end = begin
    for at in range(least - lowest, top - lowest + 1):
        if at > least - lowest and fill[at] <= fill[at - 1] + SAME:
            continue
        x, y = short[at], stock[at]
        while end > begin and vertices[2, end - 1] >= y and vertices[1, end - 1] >= x:
            end -= 1
        if end > begin and x >= vertices[1, end - 1]:
            continue
        while end - begin > 1:
            old = (vertices[2, end - 1] - vertices[2, end - 2]) * (vertices[1, end - 1] - x)
            new = (y - vertices[2, end - 1]) * (vertices[1, end - 2] - vertices[1, end - 1])
            if new > old:
                break
            end -= 1
        levels[end] = lowest + at
        vertices[0, end], vertices[1, end], vertices[2, end] = fill[at], x, y
        end += 1
        if x <= NEGLIGIBLE:
            break
    return end


@njit(cache=True, nogil=True, error_model="numpy")
def _hull_range(
    begin: int,
    end: int,
    by_lines: bool,
    review: Floats,
    review_bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    protection: Floats,
    protection_bounds: Ints,
    review_periods: Floats,
    lots: Ints,
    is_uniform: Flags,
    is_lost: Flags,
    kinds: Ints,
    targets: Floats,
    rules: Ints,
    floors: Floats,
    groups: Ints,
    demanded: Floats,
    values: Floats,
    shares: Floats,
    totals: Floats,
    counts: Ints,
) -> tuple[Levels, Floats, Floats]:
    """Return levels and vertices of entries begin..end - 1, and totals of uniform fill rates."""
    capacity = protection_bounds[end] - protection_bounds[begin] + 2 * (end - begin)
    levels, vertices = np.empty(capacity, dtype=np.int32), np.empty((3, capacity))
    uniform = np.zeros_like(totals)
    used = 0
    for e in range(begin, end):
        lowest, least, exchange = _exchange(
            review[review_bounds[e] : review_bounds[e + 1]],
            lead[lead_bounds[e] : lead_bounds[e + 1]],
            protection[protection_bounds[e] : protection_bounds[e + 1]],
            review_periods[e],
            lots[e],
            is_uniform[e],
            is_lost[e],
            by_lines,
            kinds[e],
            targets[e],
            rules[e],
        )
        if rules[e] == FIXED:
            top = least
        else:
            top = lowest + exchange.shape[1] - 1
            while least < top and exchange[0, least - lowest] < floors[e] - TOLERANCE:
                least += 1
        after = _write_hull(lowest, least, top, exchange, used, levels, vertices)
        counts[e] = after - used
        used = after
        at = least - lowest
        for k in range(len(shares)):
            while at < top - lowest and exchange[0, at] < shares[k] - TOLERANCE:
                at += 1
            for d in range(groups.shape[1]):
                uniform[groups[e, d], 0, k] += demanded[e] * exchange[1, at]
                uniform[groups[e, d], 1, k] += values[e] * exchange[2, at]
    return levels[:used].copy(), vertices[:, :used].copy(), uniform


def exchange_hulls(
    review: Floats,
    review_bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    protection: Floats,
    protection_bounds: Ints,
    review_periods: Floats,
    lots: Ints,
    is_uniform: Flags,
    is_lost: Flags,
    by_lines: bool,
    kinds: Ints,
    targets: Floats,
    rules: Ints,
    demanded: Floats,
    values: Floats,
    shares: Floats,
    floors: Floats | None = None,
    groups: Ints | None = None,
) -> tuple[Levels, Floats, Ints, Floats]:
    """Return the vertices of (short, stock) of every entry, and the totals of uniform fill rates.

    Parameters
    ----------
    review, review_bounds, ..., is_lost : as in `plimsoll.maths.kernels.policy.size_policies`
    by_lines : whether shortage is the share of lines short, and not of units
    kinds, targets : (n,) target in force, as there; read where a rule asks for it
    rules : (n,) FREE for any level, FLOOR for the level of the target or more, FIXED for just that
    demanded [W] : (n,) weighted demand per year
    values [c] : (n,) money per step in stock
    shares [t] : (T,) rising fill rates
    floors : (n,) least fill rate besides the rule, of entries that are not FIXED; none by default
    groups : (n, D) numbers 0..G - 1 of the groups that each entry is counted in; by default one for all

    Returns
    -------
    (V,) levels by entry and rising; (3, V) fill rate, share short, mean stock in steps; (n + 1,)
    bounds of entries, at least one vertex each; (G, 2, T) sums by group of W short and of c stock with the
    least level that has fill rate t at every entry (and the rule's level)

    Examples
    --------
    Demand 0 or 2 at every review, no lead time, base stock. A level of 0, one unit, serves half of the
    demand with half a unit of mean stock; it lies between those below and above.

    >>> review, lead, one = np.array([0.5, 0.0, 0.5]), np.array([1.0]), np.array([1])
    >>> laws = (review, np.array([0, 3]), lead, np.array([0, 1]), review, np.array([0, 3]))
    >>> rules = (False, one, one * 0.9, one * FREE, one * 1.0, one * 1.0, np.array([0.5]))
    >>> levels, vertices, bounds, uniform = exchange_hulls(
    ...     *laws, one * 1.0, one, one == 0, one == 0, *rules)
    >>> levels.tolist(), vertices[1:].tolist(), uniform.tolist()
    ([-1, 1], [[1.0, 0.0], [0.0, 1.0]], [[[0.5], [0.5]]])
    """
    counts = np.zeros(len(lots), dtype=np.int64)
    laws = (review, review_bounds, lead, lead_bounds, protection, protection_bounds)
    least = np.zeros(len(lots)) if floors is None else floors
    counted = np.zeros((len(lots), 1), dtype=np.int64) if groups is None else groups
    uniform = np.zeros((int(counted.max(initial=0)) + 1, 2, len(shares)))
    asked = (review_periods, lots, is_uniform, is_lost, kinds, targets, rules)
    given = (*laws, *asked, least, counted, demanded, values, shares, uniform, counts)
    parts = in_chunks(lambda begin, end: _hull_range(begin, end, by_lines, *given), 0, len(lots), CHUNK)
    bounds = np.zeros(len(lots) + 1, dtype=np.int64)
    np.cumsum(counts, out=bounds[1:])
    levels, vertices = np.empty(bounds[-1], dtype=np.int32), np.empty((3, bounds[-1]))
    end = int(bounds[-1])
    while parts:  # copied and freed one by one
        some_levels, some_vertices, totals = parts.pop()
        begin = end - len(some_levels)
        levels[begin:end], vertices[:, begin:end] = some_levels, some_vertices
        uniform += totals
        end = begin
    return levels, vertices, bounds, uniform


@njit(cache=True, nogil=True, error_model="numpy")
def _at_levels_range(
    begin: int,
    end: int,
    review: Floats,
    review_bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    protection: Floats,
    protection_bounds: Ints,
    review_periods: Floats,
    lots: Ints,
    is_uniform: Flags,
    is_lost: Flags,
    by_lines: bool,
    levels: Ints,
    ratios: Floats,
    out: Floats,
) -> None:
    """Write what `exchange_at` returns of entries begin..end - 1."""
    for e in range(begin, end):
        lowest, _, exchange = _exchange(
            review[review_bounds[e] : review_bounds[e + 1]],
            lead[lead_bounds[e] : lead_bounds[e + 1]],
            protection[protection_bounds[e] : protection_bounds[e + 1]],
            review_periods[e],
            lots[e],
            is_uniform[e],
            is_lost[e],
            by_lines,
            GIVEN,
            float(levels[e] + 1),
            FIXED,
        )
        best, least = 0, np.inf
        for at in range(exchange.shape[1]):
            cost = exchange[2, at] + ratios[e] * exchange[1, at]
            if cost < least:
                best, least = at, cost
        now = max(levels[e] - lowest, 0)
        for k, at in enumerate((now, now + 1, best)):
            out[e, k, 0] = lowest + at
            for row in range(3):
                out[e, k, row + 1] = exchange[row, at]


def exchange_at(
    review: Floats,
    review_bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    protection: Floats,
    protection_bounds: Ints,
    review_periods: Floats,
    lots: Ints,
    is_uniform: Flags,
    is_lost: Flags,
    by_lines: bool,
    levels: Ints,
    ratios: Floats,
) -> Floats:
    """Return what entries exchange at given levels, a step above, and at the level of least cost.

        cost(s) = stock(s) + r share short(s)

    Parameters
    ----------
    review, review_bounds, ..., by_lines : as of `exchange_hulls`
    levels : (n,) in steps
    ratios [r] : (n,) cost of everything short over that of one step in stock

    Returns
    -------
    (n, 3, 4): for the level, the step above it and the best level: level in steps, fill rate, share short,
    mean stock in steps. The lowest of levels that cost the same is the best.

    Examples
    --------
    Demand 0 or 2 at every review, no lead time, base stock: the second unit in stock saves a quarter of the
    shortage as the first does, and costs as much; it pays from r = 1 on.

    >>> review, lead, one = np.array([0.5, 0.0, 0.5]), np.array([1.0]), np.array([1])
    >>> laws = (review, np.array([0, 3]), lead, np.array([0, 1]), review, np.array([0, 3]))
    >>> found = exchange_at(*laws, one * 1.0, one, one == 0, one == 0, False, one * 0, np.array([1.1]))
    >>> found[0].tolist()
    [[0.0, 0.5, 0.5, 0.5], [1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0]]
    """
    out = np.empty((len(lots), 3, 4))
    laws = (review, review_bounds, lead, lead_bounds, protection, protection_bounds)
    given = (*laws, review_periods, lots, is_uniform, is_lost, by_lines, levels, ratios, out)
    in_chunks(lambda begin, end: _at_levels_range(begin, end, *given), 0, len(lots), CHUNK)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def hull_slopes(vertices: Floats, bounds: Ints) -> Floats:
    """Return the stock bought per share of shortage between each vertex and the one below, 0 for the first.

    Examples
    --------
    >>> vertices = np.array([[0.0, 0.5, 1.0], [1.0, 0.5, 0.0], [0.0, 1.0, 4.0]])
    >>> hull_slopes(vertices, np.array([0, 3])).tolist()
    [0.0, 2.0, 6.0]
    """
    slopes = np.zeros(vertices.shape[1])
    for e in range(len(bounds) - 1):
        for v in range(bounds[e] + 1, bounds[e + 1]):
            gained = vertices[1, v - 1] - vertices[1, v]
            slopes[v] = (vertices[2, v] - vertices[2, v - 1]) / gained
    return slopes


@njit(cache=True, nogil=True, error_model="numpy")
def chosen_vertices(slopes: Floats, bounds: Ints, limits: Floats) -> Ints:
    """Return the last vertex of every entry whose slope is within the entry's limit; the first at least.

    Examples
    --------
    >>> chosen_vertices(np.array([0.0, 2.0, 6.0]), np.array([0, 3]), np.array([3.0])).tolist()
    [1]
    """
    out = np.empty(len(limits), dtype=np.int64)
    for e in range(len(limits)):
        low, high = bounds[e], bounds[e + 1] - 1
        while low < high:
            middle = (low + high + 1) // 2
            if slopes[middle] <= limits[e]:
                low = middle
            else:
                high = middle - 1
        out[e] = low
    return out
