"""Guaranteed-service placement on trees, thousands at once: dynamic programming over candidate times.

Stage k takes T_k, is served within SI_k, serves within S_k and holds for x_k = SI_k + T_k - S_k >= 0:

    least sum c_k(x_k)   with   S_i <= SI_j on every arc i -> j,   SI_k >= si_k,   S_k <= s_k

(Graves & Willems 2000, section 4; mixed trees: Graves & Willems 2003). Hang the tree up at any stage.
With SI for the side of suppliers and S for the side of customers, the least cost of what hangs below k is

    f_k(S)  = b_k(S) + min over SI of [ a_k(SI) + c_k(SI + T_k - S) ]     its parent is a customer
    g_k(SI) = a_k(SI) + min over S of [ b_k(S) + c_k(SI + T_k - S) ]      its parent is a supplier
    a_k(SI) = sum over suppliers i below of min over S <= SI of f_i(S)
    b_k(S)  = sum over customers j below of min over SI >= S of g_j(SI)

Candidates. The costs are concave and the constraints differences, so a best vertex exists; each of its
times is joined by tight constraints (x_k = 0, S_i = SI_j) to one that rests on si_k or s_k. A time that
rests on S_k = 0 alone may be raised at no cost until one of the others is met, so 0 is no candidate of
its own. On a tree the joining path is unique: the candidates are sums and differences of times along
paths, few and exact for any real times. Costs that are not concave (tables) are searched on whole times,
which is exact where all times are whole.

Times that differ by less than `SAME` of the longest in a tree are one time: sums along two paths carry
rounding, and a square root at 1e-16 is no longer small.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIME, INBOUND, LATEST, HOLDS, COEF, N_GIVEN = 0, 1, 2, 3, 4, 5  # rows of what is known of stages
IN, OUT, NET, COST, N_FOUND = 0, 1, 2, 3, 4  # rows of what is found for them
_LOW_IN, _HIGH_IN, _LOW_OUT, _HIGH_OUT, _N_RANGE = 0, 1, 2, 3, 4

CHUNK = 64  # trees that one thread takes at a time
SAME = 1e-10
NOBODY = -1


@njit(cache=True, nogil=True, error_model="numpy")
def cost_of(net: float, coef: float, table: Floats) -> float:
    """Return c(x): coef sqrt(x) without a table, else the table at whole x, straight in between.

    Examples
    --------
    >>> cost_of(4.0, 3.0, np.empty(0)), cost_of(1.5, 0.0, np.array([0.0, 2.0, 6.0]))
    (6.0, 4.0)
    """
    if len(table) == 0:
        return coef * math.sqrt(net)
    last = len(table) - 1
    k = min(int(net), last)
    rise = table[k + 1] - table[k] if k < last else 0.0
    return float(table[k] + (net - k) * rise)


@njit(cache=True, nogil=True, error_model="numpy")
def _hang(lo: int, hi: int, near: Ints, near_bounds: Ints, order: Ints, parent: Ints) -> None:
    """Write the stages of a tree outward from its first one, and the neighbour each hangs from."""
    order[lo], parent[lo] = lo, NOBODY
    end = lo + 1
    for at in range(lo, hi):
        k = order[at]
        for e in range(near_bounds[k], near_bounds[k + 1]):
            other = near[e]
            if other != parent[k]:
                parent[other] = k
                order[end] = other
                end += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _flow_order(lo: int, hi: int, near: Ints, near_bounds: Ints, is_customer: Ints, flow: Ints) -> None:
    """Write the stages of a tree with suppliers before their customers."""
    missing = np.zeros(hi - lo, dtype=np.int64)
    end = lo
    for k in range(lo, hi):
        for e in range(near_bounds[k], near_bounds[k + 1]):
            missing[k - lo] += 1 - is_customer[e]
        if missing[k - lo] == 0:
            flow[end] = k
            end += 1
    for at in range(lo, hi):
        k = flow[at]
        for e in range(near_bounds[k], near_bounds[k + 1]):
            if is_customer[e]:
                missing[near[e] - lo] -= 1
                if missing[near[e] - lo] == 0:
                    flow[end] = near[e]
                    end += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _ranges(flow: Ints, near: Ints, near_bounds: Ints, is_customer: Ints, given: Floats) -> Floats:
    """Return the ranges of SI and S of stages in flow order.

    A stage that may not hold stock passes on what it waits for. Where that is later than its customers
    allow, the promise is moved to the earliest that can be kept.
    """
    lo = flow.min()
    span = np.empty((_N_RANGE, len(flow)))
    for k in flow:
        low = high = given[INBOUND, k]
        for e in range(near_bounds[k], near_bounds[k + 1]):
            if not is_customer[e]:
                low = max(low, span[_LOW_OUT, near[e] - lo])
                high = max(high, span[_HIGH_OUT, near[e] - lo])
        time, latest = given[TIME, k], given[LATEST, k]
        earliest = 0.0 if given[HOLDS, k] else low + time
        if not given[HOLDS, k] and high + time > latest:
            high = max(latest - time, low)
        span[_LOW_IN, k - lo], span[_HIGH_IN, k - lo] = low, high
        span[_LOW_OUT, k - lo] = earliest
        span[_HIGH_OUT, k - lo] = max(min(high + time, latest), earliest)
    return span


@njit(cache=True, nogil=True, error_model="numpy")
def _joined(some: Floats, others: Floats, shift: float, low: float, high: float, same: float) -> Floats:
    """Return the sorted union of some and of others + shift within low..high, one of those nearly equal."""
    out = np.empty(len(some) + len(others))
    n, i, j = 0, 0, 0
    while i < len(some) or j < len(others):
        if j == len(others) or (i < len(some) and some[i] <= others[j] + shift):
            value = some[i]
            i += 1
        else:
            value = others[j] + shift
            j += 1
        if low - same <= value <= high + same:
            value = min(max(value, low), high)
            if n == 0 or value > out[n - 1] + same:
                out[n] = value
                n += 1
    return out[:n]


@njit(cache=True, nogil=True, error_model="numpy")
def _whole(low: float, high: float, same: float) -> Floats:
    """Return the whole numbers within low..high."""
    return np.arange(np.ceil(low - same), np.floor(high + same) + 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _candidates(
    order: Ints, parent: Ints, from_customer: Ints, given: Floats, span: Floats, same: float
) -> tuple[list[Floats], list[Floats]]:
    """Return the candidate times SI and S of every stage: gathered inward, then handed out again."""
    lo, n = order[0], len(order)
    ins = [span[_LOW_IN, k : k + 1].copy() for k in range(n)]
    outs = [np.empty(0) for _ in range(n)]
    for k in range(n):
        latest = given[LATEST, lo + k]
        if latest < np.inf:
            point = np.array([max(latest, span[_LOW_OUT, k])])
            outs[k] = _joined(outs[k], point, 0.0, span[_LOW_OUT, k], span[_HIGH_OUT, k], same)
    for at in range(n - 1, -1, -1):
        k = order[at] - lo
        time, up = given[TIME, lo + k], parent[lo + k] - lo
        in_low, in_high = span[_LOW_IN, k], span[_HIGH_IN, k]
        out_low, out_high = span[_LOW_OUT, k], span[_HIGH_OUT, k]
        if at == 0 or from_customer[lo + k]:
            outs[k] = _joined(outs[k], ins[k], time, out_low, out_high, same)
            if at > 0:
                ins[up] = _joined(ins[up], outs[k], 0.0, span[_LOW_IN, up], span[_HIGH_IN, up], same)
        else:
            ins[k] = _joined(ins[k], outs[k], -time, in_low, in_high, same)
            outs[up] = _joined(outs[up], ins[k], 0.0, span[_LOW_OUT, up], span[_HIGH_OUT, up], same)
    for at in range(n):
        k = order[at] - lo
        time, up = given[TIME, lo + k], parent[lo + k] - lo
        in_low, in_high = span[_LOW_IN, k], span[_HIGH_IN, k]
        out_low, out_high = span[_LOW_OUT, k], span[_HIGH_OUT, k]
        if at > 0 and not from_customer[lo + k]:
            ins[k] = _joined(ins[k], outs[up], 0.0, in_low, in_high, same)
            outs[k] = _joined(outs[k], ins[k], time, out_low, out_high, same)
        else:
            if at > 0:
                outs[k] = _joined(outs[k], ins[up], 0.0, out_low, out_high, same)
            ins[k] = _joined(ins[k], outs[k], -time, in_low, in_high, same)
    return ins, outs


@njit(cache=True, nogil=True, error_model="numpy")
def _least(
    a: Floats,
    b: Floats,
    stage: Floats,
    times: tuple[Floats, Floats],
    table: Floats,
    to_customer: bool,
    same: float,
) -> tuple[Floats, Ints]:
    """Return the least cost at every S (to a customer) or SI (to a supplier), and the other time's place.

    `a` falls with SI, `b` grows with S, the cost of the stage grows with SI and falls with S: a search
    ends as soon as the stage's cost with the best of the rest is no less than what was found.
    """
    ins, outs = times
    n = len(outs) if to_customer else len(ins)
    value, pick = np.full(n, np.inf), np.zeros(n, dtype=np.int64)
    for row in range(n):
        best = np.inf
        for step in range(len(ins) if to_customer else len(outs)):
            q, o = (step, row) if to_customer else (row, len(outs) - 1 - step)
            net = ins[q] + stage[TIME] - outs[o]
            if net < -same:
                continue
            if not stage[HOLDS] and net > same:
                break
            own = 0.0 if net <= same else cost_of(net, stage[COEF], table)
            if own + (a[len(ins) - 1] if to_customer else b[0]) >= best:
                break
            total = own + (a[q] if to_customer else b[o])
            if total < best:
                best = total
                pick[row] = q if to_customer else o
        value[row] = best + (b[row] if to_customer else a[row])
    return value, pick


@njit(cache=True, nogil=True, error_model="numpy")
def _add_supplier(a: Floats, ins: Floats, value: Floats, outs: Floats, same: float) -> None:
    """Add to a(SI) the least f(S) of a supplier over S <= SI."""
    best, o = np.inf, 0
    for q in range(len(ins)):
        while o < len(outs) and outs[o] <= ins[q] + same:
            best = min(best, value[o])
            o += 1
        a[q] += best


@njit(cache=True, nogil=True, error_model="numpy")
def _add_customer(b: Floats, outs: Floats, value: Floats, ins: Floats, same: float) -> None:
    """Add to b(S) the least g(SI) of a customer over SI >= S."""
    best, q = np.inf, len(ins) - 1
    for o in range(len(outs) - 1, -1, -1):
        while q >= 0 and ins[q] >= outs[o] - same:
            best = min(best, value[q])
            q -= 1
        b[o] += best


@njit(cache=True, nogil=True, error_model="numpy")
def _solve(
    order: Ints,
    parent: Ints,
    from_customer: Ints,
    given: Floats,
    candidates: tuple[list[Floats], list[Floats]],
    tables: Floats,
    table_bounds: Ints,
    same: float,
    found: Floats,
) -> None:
    """Write the best SI and S of the stages of one tree: costs inward, choices outward."""
    lo, n = order[0], len(order)
    ins, outs = candidates
    a, b = [np.zeros(len(times)) for times in ins], [np.zeros(len(times)) for times in outs]
    values = [np.empty(0) for _ in range(n)]
    picks = [np.empty(0, dtype=np.int64) for _ in range(n)]
    for at in range(n - 1, -1, -1):
        k = order[at]
        table = tables[table_bounds[k] : table_bounds[k + 1]]
        to_customer = at == 0 or from_customer[k] == 1
        times = (ins[k - lo], outs[k - lo])
        values[k - lo], picks[k - lo] = _least(
            a[k - lo], b[k - lo], given[:, k].copy(), times, table, to_customer, same
        )
        up = parent[k] - lo
        if at > 0 and to_customer:
            _add_supplier(a[up], ins[up], values[k - lo], outs[k - lo], same)
        elif at > 0:
            _add_customer(b[up], outs[up], values[k - lo], ins[k - lo], same)
    for at in range(n):
        k = order[at] - lo
        best, choice = np.inf, 0
        if at == 0 or from_customer[lo + k]:
            limit = np.inf if at == 0 else found[IN, parent[lo + k]] + same
            for o in range(len(outs[k])):
                if outs[k][o] <= limit and values[k][o] <= best:
                    best, choice = values[k][o], o
            found[OUT, lo + k], found[IN, lo + k] = outs[k][choice], ins[k][picks[k][choice]]
        else:
            limit = found[OUT, parent[lo + k]] - same
            for q in range(len(ins[k])):
                if ins[k][q] >= limit and values[k][q] < best:
                    best, choice = values[k][q], q
            found[IN, lo + k], found[OUT, lo + k] = ins[k][choice], outs[k][picks[k][choice]]


@njit(cache=True, nogil=True, error_model="numpy")
def _settle(
    flow: Ints,
    near: Ints,
    near_bounds: Ints,
    is_customer: Ints,
    given: Floats,
    tables: Floats,
    table_bounds: Ints,
    same: float,
    found: Floats,
) -> None:
    """Free the times found of rounding and of needless waits, and write net times and costs.

    In flow order SI_k = max(si_k, S of its suppliers) and S_k = min(SI_k + T_k, s_k, SI of its
    customers). Neither raises a cost.
    """
    for k in flow:
        inbound, most = given[INBOUND, k], max(given[LATEST, k], found[OUT, k])
        for e in range(near_bounds[k], near_bounds[k + 1]):
            if is_customer[e]:
                most = min(most, found[IN, near[e]])
            else:
                inbound = max(inbound, found[OUT, near[e]])
        ready = inbound + given[TIME, k]
        quoted = min(most, ready) if given[HOLDS, k] else ready
        net = ready - quoted
        table = tables[table_bounds[k] : table_bounds[k + 1]]
        found[IN, k], found[OUT, k] = inbound, quoted
        found[NET, k] = net if net > same else 0.0
        found[COST, k] = cost_of(net, given[COEF, k], table) if net > same else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _place_range(
    begin: int,
    end: int,
    tree_bounds: Ints,
    near: Ints,
    near_bounds: Ints,
    is_customer: Ints,
    given: Floats,
    tables: Floats,
    table_bounds: Ints,
    is_whole: bool,
    walk: Ints,
    found: Floats,
) -> None:
    """Place the trees begin..end; `walk` is scratch that trees do not share."""
    order, parent, flow, from_customer = walk[0], walk[1], walk[2], walk[3]
    for tree in range(begin, end):
        lo, hi = tree_bounds[tree], tree_bounds[tree + 1]
        _hang(lo, hi, near, near_bounds, order, parent)
        _flow_order(lo, hi, near, near_bounds, is_customer, flow)
        for k in range(lo, hi):
            from_customer[k] = 0
            for e in range(near_bounds[k], near_bounds[k + 1]):
                if near[e] == parent[k]:
                    from_customer[k] = is_customer[e]
        span = _ranges(flow[lo:hi], near, near_bounds, is_customer, given)
        same = SAME * (1.0 + span[_HIGH_OUT].max() + given[TIME, lo:hi].max())
        if is_whole:
            ins = [_whole(span[_LOW_IN, k], span[_HIGH_IN, k], same) for k in range(hi - lo)]
            outs = [_whole(span[_LOW_OUT, k], span[_HIGH_OUT, k], same) for k in range(hi - lo)]
            candidates = (ins, outs)
        else:
            candidates = _candidates(order[lo:hi], parent, from_customer, given, span, same)
        _solve(order[lo:hi], parent, from_customer, given, candidates, tables, table_bounds, same, found)
        _settle(flow[lo:hi], near, near_bounds, is_customer, given, tables, table_bounds, same, found)


@njit(cache=True, nogil=True, error_model="numpy")
def longest_net(tree_bounds: Ints, near: Ints, near_bounds: Ints, is_customer: Ints, given: Floats) -> Floats:
    """Return the longest net time that each stage could have to hold for, SI at its latest and S at 0."""
    out = np.empty(given.shape[1])
    flow = np.empty(given.shape[1], dtype=np.int64)
    for tree in range(len(tree_bounds) - 1):
        lo, hi = tree_bounds[tree], tree_bounds[tree + 1]
        _flow_order(lo, hi, near, near_bounds, is_customer, flow)
        span = _ranges(flow[lo:hi], near, near_bounds, is_customer, given)
        for k in range(lo, hi):
            out[k] = span[_HIGH_IN, k - lo] + given[TIME, k] - span[_LOW_OUT, k - lo]
    return out


def place(
    tree_bounds: Ints,
    near: Ints,
    near_bounds: Ints,
    is_customer: Ints,
    given: Floats,
    tables: Floats,
    table_bounds: Ints,
    is_whole: bool,
) -> Floats:
    """Return the best placement of every tree, the rows IN, OUT, NET, COST by stage.

    Parameters
    ----------
    tree_bounds : (trees + 1,) stages of tree t are tree_bounds[t]..tree_bounds[t + 1]
    near, near_bounds, is_customer : neighbours of every stage, and 1 where the neighbour is a customer
    given : (N_GIVEN, stages) T, si, s (inf: no customers of its own), 1 if it may hold, coefficient of sqrt
    tables, table_bounds : cost at net times 0, 1, 2, .. of each stage; empty where the coefficient counts
    is_whole : search whole times (tables; all of `given` must be whole) instead of vertex times (concave)

    Returns
    -------
    SI, S, x [time], cost [money per time]; S is later than s only behind stages that may not hold

    Examples
    --------
    Two stages in a row, the second dear, at most 1 late, so the first quotes 0 and holds for 4:

    >>> given = np.array([[4.0, 1.0], [0.0, 0.0], [np.inf, 1.0], [1.0, 1.0], [1.0, 9.0]])
    >>> near, bounds, way = np.array([1, 0]), np.array([0, 1, 2]), np.array([1, 0])
    >>> none = np.zeros(3, dtype=np.int64)
    >>> place(np.array([0, 2]), near, bounds, way, given, np.empty(0), none, False).tolist()
    [[0.0, 0.0], [0.0, 1.0], [4.0, 0.0], [2.0, 0.0]]
    """
    found = np.zeros((N_FOUND, given.shape[1]))
    graph = (tree_bounds, near, near_bounds, is_customer)
    walk = np.empty((4, given.shape[1]), dtype=np.int64)

    def work(begin: int, end: int) -> None:
        _place_range(begin, end, *graph, given, tables, table_bounds, is_whole, walk, found)

    in_chunks(work, 0, len(tree_bounds) - 1, CHUNK)
    return found
