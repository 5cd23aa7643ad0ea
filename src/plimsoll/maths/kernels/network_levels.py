"""Stock levels of trees of places: evaluation of given ones, and the search for those of least cost.

Trees lie one after another, every node before all that it feeds, so that what is below a node is the
stretch up to `ends` of it. A place that feeds nobody takes the level that is best for it alone, given what
its source owes it. The levels of the others are searched one at a time, each with all below it solved anew;
between trials a level is kept as a number of standard deviations, so that it follows its source.

    cost of a node = c E[on hand] + price x W (1 - fill),    price 0: each place meets its own target

W is the weighted demand of its own customers. With a price (a Lagrange multiplier: Everett 1963; Sherbrooke
1968) targets are floors.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels import network_backorders as law
from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scratch = tuple[Floats, Floats, Floats]  # laws (4, 4, SIZE), their facts (4, 3), one pmf (SIZE,)

CHUNK = 64  # trees that one thread takes at a time
SWEEPS = 6  # passes over the searched nodes of a tree; most end after two
ENOUGH = 1e-5  # relative gain of a pass below which the search ends
COARSE = 9  # levels tried over the whole range of a node in its first pass
ALL_UP_TO = 24  # a node with no more levels than this has each of them tried
POLISHED = 60.0  # a root with fewer levels than this in the range has its neighbours tried
HALVINGS = 5  # refinements around the best
ROOT_STARTS = np.array([-2.5, -0.6, 0.4, 1.4])  # deviations that are tried together at first
OTHER_STARTS = np.array([-1.5, -0.4, 0.3, 1.2])
FARTHEST_DOWN = -2.5  # standard deviations below the mean: hardly ever stock, lower levels only add delay
FARTHEST_UP = 4.5  # standard deviations above the mean that are searched
NEVER = 1e-9  # a chance of owing that is not followed
PRICED = 12  # levels tried over the whole range of a place in search of its best at a price


@njit(cache=True, nogil=True, error_model="numpy")
def layout(parents: Ints) -> tuple[Ints, Ints, Ints]:
    """Return an order of nodes in which trees, and what is below each node, lie together.

    Parameters
    ----------
    parents : (n,) index of the source of each node, before it; -1 without

    Returns
    -------
    tuple
        (n,) place of each node in the order; (n,) end of the stretch below each place; (T + 1,) first
        place of each tree.
    """
    n = len(parents)
    sizes, places, free = np.ones(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    trees = 0
    for i in range(n - 1, -1, -1):
        if parents[i] >= 0:
            sizes[parents[i]] += sizes[i]
        else:
            trees += 1
    bounds, ends = np.zeros(trees + 1, np.int64), np.empty(n, np.int64)
    tree, at = 0, 0
    for i in range(n):
        j = parents[i]
        if j >= 0:
            places[i] = free[j]
            free[j] += sizes[i]
        else:
            places[i] = at
            at += sizes[i]
            tree += 1
            bounds[tree] = at
        free[i] = places[i] + 1
        ends[places[i]] = places[i] + sizes[i]
    return places, ends, bounds


@njit(cache=True, nogil=True, error_model="numpy")
def grains(nodes: Floats, parents: Ints) -> None:
    """Write what all orders on a node are multiples of: the common divisor of its claimants' lots.

    Own customers order single steps. A lot that is no whole number of the source's steps counts as one.
    """
    n = len(nodes)
    common = np.zeros(n, np.int64)
    for i in range(n - 1, -1, -1):
        unit, lot, j = nodes[i, law.UNIT], nodes[i, law.LOT], parents[i]
        steps = max(common[i], 1) if nodes[i, law.SELLS] <= 0.0 else 1
        nodes[i, law.GRAIN] = steps * unit
        if j < 0:
            continue
        ratio = (lot if lot > unit else steps * unit) / nodes[j, law.UNIT]
        a, b = common[j], np.int64(np.rint(ratio))
        if b < 1 or abs(ratio - b) > 1e-9 * ratio:
            b = np.int64(1)
        while b > 0:
            a, b = b, a % b
        common[j] = a


@njit(cache=True, nogil=True, error_model="numpy")
def widen(nodes: Floats, parents: Ints) -> None:
    """Add to each source the variance of its claimants' lots.

    Parameters
    ----------
    nodes : (n, N_COLUMNS) in the order of `layout`; the variances are written
    parents : (n,) places of the sources, -1 without
    """
    pmf = np.zeros(law.SIZE)
    lead, protection = nodes[:, law.LEAD_MEAN].copy(), nodes[:, law.PROTECTION_MEAN].copy()
    for i in range(len(nodes)):
        j = parents[i]
        if j < 0:
            continue
        p, lump, lot, unit = nodes[i, law.PART], nodes[i, law.LUMP], nodes[i, law.LOT], nodes[i, law.UNIT]
        of_lead, of_protection = p * lead[j], p * protection[j]
        nodes[j, law.LEAD_VARIANCE] += law.lot_variance(pmf, of_lead, of_lead * lump, lot, unit)
        nodes[j, law.PROTECTION_VARIANCE] += law.lot_variance(
            pmf, of_protection, of_protection * lump, lot, unit
        )


@njit(cache=True, nogil=True, error_model="numpy")
def _from_source(nodes: Floats, parents: Ints, results: Floats, k: int) -> law.Source:
    """Write and return what the source of a node owes it."""
    j = parents[k]
    source = (0.0, 0.0, 0.0, 1.0)
    if j >= 0:
        source = law.owed_to(nodes[k], nodes[j], results[j])
    results[k, law.SOURCE_OWES], results[k, law.SOURCE_VARIANCE] = source[0], source[1]
    return source


@njit(cache=True, nogil=True, error_model="numpy")
def _write_results(
    k: int,
    nodes: Floats,
    ends: Ints,
    source: law.Source,
    scratch: Scratch,
    step: float,
    level: float,
    results: Floats,
) -> None:
    """Write what a node does at a level; of one that feeds others, what their shares of its debts need."""
    laws, facts, _ = scratch
    fill, on_hand, owed, variance = law.service(nodes[k], source, laws, facts, step, level)
    results[k, law.FILL], results[k, law.ON_HAND] = fill, on_hand
    results[k, law.OWED], results[k, law.OWED_VARIANCE] = owed, variance
    if ends[k] == k + 1:
        return
    owing = law.chance_owing(nodes[k], source, laws, facts, step, level)
    owing = min(max(owing, owed * owed / (variance + owed * owed) if owed > 0.0 else 0.0), 1.0)
    results[k, law.OWING], results[k, law.SPREAD] = owing, 0.0
    if owing <= NEVER:
        results[k, law.OWING] = 0.0
        return
    stretch = owed / owing
    total = law.own_spread(nodes[k], stretch)
    i = k + 1
    while i < ends[k]:
        total += law.spread(nodes[i], owed, variance, owing)
        i = ends[i]
    results[k, law.SPREAD] = total


@njit(cache=True, nogil=True, error_model="numpy")
def _priced_level(
    node: Floats, source: law.Source, laws: Floats, facts: Floats, step: float, price: float
) -> float:
    """Return the level of least cost at a price, not below that of the node's target."""
    unit, bottom = node[law.UNIT], law.lowest_level(node)
    begin = int(np.rint((law.least_level(node, source, laws, facts, step, node[law.TARGET]) - bottom) / unit))
    low, high = begin, max(law.levels_above(node, source[2], facts, step), begin)
    stride = max((high - low) // PRICED, 1)
    best, best_cost = low, np.inf
    while True:
        for i in range(low, high + 1, stride):
            found = law.service(node, source, laws, facts, step, bottom + i * unit)
            cost = node[law.COST] * found[1] + price * node[law.DEMANDED] * (1.0 - found[0])
            if cost < best_cost:
                best, best_cost = i, cost
        if stride == 1:
            return float(bottom + best * unit)
        low, high = max(best - stride, begin), best + stride
        stride = max(stride // 4, 1)


@njit(cache=True, nogil=True, error_model="numpy")
def _searched_level(
    node: Floats, source: law.Source, laws: Floats, facts: Floats, step: float, deviations: float
) -> float:
    """Return the level nearest to a number of deviations above the mean, not below that of the target."""
    unit, bottom = node[law.UNIT], law.lowest_level(node)
    sd = math.sqrt(node[law.PROTECTION_VARIANCE] + source[1])
    wanted = node[law.PROTECTION_MEAN] + source[0] + deviations * sd - 0.5 * (node[law.LOT] + unit)
    level = bottom + unit * max(math.floor((wanted - bottom) / unit + 0.5), 0.0)
    if node[law.TARGET] > 0.0:
        level = max(level, law.least_level(node, source, laws, facts, step, node[law.TARGET]))
    return float(level)


@njit(cache=True, nogil=True, error_model="numpy")
def _cost(begin: int, end: int, nodes: Floats, results: Floats, price: float) -> float:
    """Return the cost of the nodes begin..end - 1 as solved last."""
    total = 0.0
    for k in range(begin, end):
        total += nodes[k, law.COST] * results[k, law.ON_HAND]
        total += price * nodes[k, law.DEMANDED] * (1.0 - results[k, law.FILL])
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(
    begin: int,
    end: int,
    nodes: Floats,
    parents: Ints,
    ends: Ints,
    deviations: Floats,
    price: float,
    levels: Floats,
    results: Floats,
    scratch: Scratch,
) -> float:
    """Write levels and results of the nodes begin..end - 1, sources first, and return their cost."""
    laws, facts, pmf = scratch
    for k in range(begin, end):
        node = nodes[k]
        source = _from_source(nodes, parents, results, k)
        step = law.write_laws(node, source, laws, facts, pmf)
        if ends[k] > k + 1:
            level = _searched_level(node, source, laws, facts, step, deviations[k])
        elif price > 0.0 and node[law.DEMANDED] > 0.0:
            level = _priced_level(node, source, laws, facts, step, price)
        else:
            level = law.least_level(node, source, laws, facts, step, node[law.TARGET])
        levels[k] = level
        _write_results(k, nodes, ends, source, scratch, step, level, results)
    return _cost(begin, end, nodes, results, price)


@njit(cache=True, nogil=True, error_model="numpy")
def _improve(
    k: int,
    is_first: bool,
    nodes: Floats,
    parents: Ints,
    ends: Ints,
    deviations: Floats,
    price: float,
    levels: Floats,
    results: Floats,
    scratch: Scratch,
) -> None:
    """Search the level of one node with all below it solved anew; keep the best."""
    node, end = nodes[k], ends[k]
    source, variance = results[k, law.SOURCE_OWES], results[k, law.SOURCE_VARIANCE]
    mean = node[law.PROTECTION_MEAN] + source
    sd = math.sqrt(node[law.PROTECTION_VARIANCE] + variance)
    if sd <= 0.0:
        return
    unit = node[law.UNIT]
    lowest = (law.lowest_level(node) + 0.5 * (node[law.LOT] + unit) - mean) / sd
    lowest = max(lowest, FARTHEST_DOWN)
    highest = max(FARTHEST_UP, lowest + unit / sd)
    n = int((highest - lowest) * sd / unit) + 1
    best = max(deviations[k], lowest)
    deviations[k] = best
    least = _solve(k, end, nodes, parents, ends, deviations, price, levels, results, scratch)
    width = 0.25
    if is_first or n <= ALL_UP_TO:
        tried = n if n <= ALL_UP_TO else COARSE
        width = unit / sd if n <= ALL_UP_TO else (highest - lowest) / (COARSE - 1)
        for i in range(tried):
            deviations[k] = lowest + i * width
            cost = _solve(k, end, nodes, parents, ends, deviations, price, levels, results, scratch)
            if cost < least:
                best, least = deviations[k], cost
    for _ in range(HALVINGS if n > ALL_UP_TO else 0):
        width = max(0.5 * width, unit / sd)
        middle = best
        for side in (-1.0, 1.0):
            deviations[k] = max(middle + side * width, lowest)
            cost = _solve(k, end, nodes, parents, ends, deviations, price, levels, results, scratch)
            if cost < least:
                best, least = deviations[k], cost
        if width <= unit / sd and best == middle:
            break
    deviations[k] = best
    _solve(k, end, nodes, parents, ends, deviations, price, levels, results, scratch)


@njit(cache=True, nogil=True, error_model="numpy")
def _polish(
    begin: int,
    end: int,
    nodes: Floats,
    parents: Ints,
    ends: Ints,
    deviations: Floats,
    price: float,
    levels: Floats,
    results: Floats,
    scratch: Scratch,
) -> None:
    """Try a few steps at the root of a slow tree, the other searched nodes following.

    Levels of slow items are few whole units: one unit moved between root and centre is out of reach of
    moves at one node at a time.
    """
    sd = math.sqrt(nodes[begin, law.PROTECTION_VARIANCE])
    unit = nodes[begin, law.UNIT]
    if sd <= 0.0 or (FARTHEST_UP - FARTHEST_DOWN) * sd > POLISHED * unit:
        return
    best, least = deviations[begin:end].copy(), _cost(begin, end, nodes, results, price)
    root = deviations[begin]
    for steps in (-2.0, -1.0, 1.0, 2.0):
        deviations[begin:end] = best
        deviations[begin] = root + steps * unit / sd
        _solve(begin, end, nodes, parents, ends, deviations, price, levels, results, scratch)
        for k in range(begin + 1, end):
            if ends[k] > k + 1:
                _improve(k, False, nodes, parents, ends, deviations, price, levels, results, scratch)
        cost = _cost(begin, end, nodes, results, price)
        if cost < least:
            best[:], least = deviations[begin:end], cost
    deviations[begin:end] = best
    _solve(begin, end, nodes, parents, ends, deviations, price, levels, results, scratch)


@njit(cache=True, nogil=True, error_model="numpy")
def _least_range(
    begin: int,
    end: int,
    bounds: Ints,
    nodes: Floats,
    parents: Ints,
    ends: Ints,
    price: float,
    is_warm: bool,
    deviations: Floats,
    levels: Floats,
    results: Floats,
    costs: Floats,
) -> None:
    """Search the trees begin..end - 1."""
    scratch = np.zeros((4, 4, law.SIZE)), np.zeros((4, 3)), np.zeros(law.SIZE)
    for tree in range(begin, end):
        a, b = bounds[tree], bounds[tree + 1]
        searched = 0
        for k in range(a, b):
            searched += ends[k] > k + 1
        if searched > 1 and not is_warm:
            least, of_root, of_others = np.inf, 0.0, 0.0
            for root in ROOT_STARTS:
                for others in OTHER_STARTS:
                    deviations[a:b] = others
                    deviations[a] = root
                    cost = _solve(a, b, nodes, parents, ends, deviations, price, levels, results, scratch)
                    if cost < least:
                        least, of_root, of_others = cost, root, others
            deviations[a:b] = of_others
            deviations[a] = of_root
        _solve(a, b, nodes, parents, ends, deviations, price, levels, results, scratch)
        cost = np.inf
        for sweep in range(SWEEPS if searched > 0 else 0):
            for k in range(a, b):
                if ends[k] > k + 1:
                    is_first = sweep == 0 and not is_warm
                    _improve(k, is_first, nodes, parents, ends, deviations, price, levels, results, scratch)
            before, cost = cost, _cost(a, b, nodes, results, price)
            if searched == 1 or before - cost <= ENOUGH * abs(before):
                break
        if searched > 1:
            _polish(a, b, nodes, parents, ends, deviations, price, levels, results, scratch)
        costs[tree] = _cost(a, b, nodes, results, price)


@njit(cache=True, nogil=True, error_model="numpy")
def _evaluate_range(
    begin: int,
    end: int,
    bounds: Ints,
    nodes: Floats,
    parents: Ints,
    ends: Ints,
    levels: Floats,
    results: Floats,
) -> None:
    """Write the results of the trees begin..end - 1 at given levels."""
    scratch = np.zeros((4, 4, law.SIZE)), np.zeros((4, 3)), np.zeros(law.SIZE)
    laws, facts, pmf = scratch
    for k in range(bounds[begin], bounds[end]):
        source = _from_source(nodes, parents, results, k)
        step = law.write_laws(nodes[k], source, laws, facts, pmf)
        _write_results(k, nodes, ends, source, scratch, step, levels[k], results)


def evaluate_trees(bounds: Ints, nodes: Floats, parents: Ints, ends: Ints, levels: Floats) -> Floats:
    """Return the results of every node at given levels.

    Parameters
    ----------
    bounds, ends : first place of each tree, end of the stretch below each place; see `layout`
    nodes : (n, N_COLUMNS) see `plimsoll.maths.kernels.network_backorders`
    parents : (n,) places of the sources, -1 without
    levels : (n,) s, units

    Returns
    -------
    Floats
        (n, N_RESULTS) shares and units.
    """
    results = np.zeros((len(nodes), law.N_RESULTS))
    in_chunks(
        lambda lo, hi: _evaluate_range(lo, hi, bounds, nodes, parents, ends, levels, results),
        0, len(bounds) - 1, CHUNK,
    )  # fmt: skip
    return results


def least_cost_trees(
    bounds: Ints, nodes: Floats, parents: Ints, ends: Ints, price: float, deviations: Floats | None = None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the levels of least cost of every tree.

    Parameters
    ----------
    bounds, nodes, parents, ends : see `layout` and `evaluate_trees`
    price : 0 for targets, else money per weighted demand short
    deviations : (n,) where the search starts, of an earlier one; None: anywhere

    Returns
    -------
    tuple
        (n,) levels, units; (n, N_RESULTS) results; (T,) costs; (n,) deviations, for a next search.
    """
    n, trees = len(nodes), len(bounds) - 1
    at = np.zeros(n) if deviations is None else deviations.copy()
    levels, results, costs = np.zeros(n), np.zeros((n, law.N_RESULTS)), np.zeros(trees)
    is_warm = deviations is not None
    in_chunks(
        lambda lo, hi: _least_range(
            lo, hi, bounds, nodes, parents, ends, price, is_warm, at, levels, results, costs
        ),
        0, trees, CHUNK,
    )  # fmt: skip
    return levels, results, costs, at
