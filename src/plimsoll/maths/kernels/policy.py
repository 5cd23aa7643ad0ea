"""Service of single-location policies on discrete demand, and the search for the least reorder point.

All quantities are steps of a lattice: pmf[k] is the probability that demand is k steps. With the
order of events of receive, demand, count, review, order, and lead times that never cross:

    y    position right after a review (on hand + on order - owed), s < y <= s + lot
    D_R  demand over a review interval, D_L over the lead time, D_P over lead time + review interval

    fill rate      = 1 - E_y[ E(D_P - y)^+ - E(D_L - y)^+ ] / (E[D_P] - E[D_L])
    cycle service  = P(y - D_P >= 0 | y - D_R <= s)    an order is placed; stock lasts until it arrives
    orders         = P(y - D_R <= s) per review

(Hadley & Whitin 1963, ch. 4-5; Zheng & Federgruen 1991). Under (s,S) the law of S - y is the renewal
measure of D_R on 0..lot-1, normalised (Zheng & Federgruen 1991); under (s,nQ) y is uniform on
s+1..s+Q. Base stock is a lot of one step. D_P is taken as given: it may be wider than the sum of
independent D_R and D_L (uncertain parameters). The joint law that cycle service needs is then
P(D_P = k) P(D_R = r | D_R + D_L = k), which is exact when D_P is that sum.

Lost sales: the backlog forms keep holding when the lead time is 0 or, closely, when no two orders
are ever under way (stock at arrival is (y - D_L)^+, and cycles are longer by the sales lost in the
lead time). With many orders under way demand over the lead time is conditioned on D_L <= y, which
is exact for Poisson demand and base stock under continuous review (Erlang loss; Karush 1957). In
between both are mixed with weight P(lot <= D_L <= s | D_L <= s). The error is measured by
`plimsoll bench service`: up to about 2 points of fill rate and 5 of cycle service (more where cycle
service is far below 90 %). `plimsoll.maths.kernels.policy_lost` simulates where it can.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.policy_laws import normalised, position_weights, requirements, shortage, support
from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Means = tuple[float, float, float]
Service = tuple[float, float, float, float, float, float]

CYCLE, FILL, ECONOMIC, GIVEN = 0, 1, 2, 3
LEVEL, BASE_LEVEL, CYCLE_SERVICE, FILL_RATE, ON_HAND, BACKLOG, ORDER_SHARE, N_RESULTS = 0, 1, 2, 3, 4, 5, 6, 7
# rows of the per-level table of one entry; the first ones are averaged over the position
FILL_ROW, _OVER, _FILL_CUT, _BEFORE, _LEAD_CUT, _REVIEW_SHORT, _N_AVERAGED = 0, 1, 2, 3, 4, 5, 6
_CDF_LEAD, CYCLE_ROW, _LEAD_SHORT, _N_ROWS = 6, 7, 8, 9

CHUNK = 1024  # entries that one thread takes at a time
TOLERANCE = 1e-12  # a service this close to its target meets it: sums of probabilities carry rounding
RARE = 1e-9  # conditions of less probability are not conditioned on


@njit(cache=True, nogil=True, error_model="numpy")
def _level_table(review: Floats, lead: Floats, protection: Floats, periods: float) -> tuple[Floats, Means]:
    """Return the per-level table and the means E[D_L], E[D_P] - E[D_L], and of demand up to a count.

    Stock is counted at the R ends of period of a review interval. The law of demand up to those in
    between is not given; shortage there is interpolated with its slope at both ends (Euler-Maclaurin).
    """
    n = len(protection)
    rows = np.zeros((_N_ROWS, n))
    short_review, short_lead, short_protection = shortage(review), shortage(lead), shortage(protection)
    mean_lead, mean_protection = 0.0, 0.0
    for k in range(n):
        mean_lead += k * lead[k]
        mean_protection += k * protection[k]
    mean_review = mean_protection - mean_lead
    if mean_review <= TOLERANCE * mean_protection:
        mean_review = 0.0
    share = (periods + 1.0) / (2.0 * periods) if periods > 1.0 else (1.0 if periods > 0.0 else 0.0)
    counted = share * mean_protection + (1.0 - share) * mean_lead
    bend = mean_review / 12.0 * (1.0 - 1.0 / periods**2) if periods > 1.0 else 0.0
    cdf, cdf_protection = 0.0, 0.0
    for y in range(n):
        cdf = min(cdf + lead[y], 1.0)
        cdf_protection += protection[y]
        lost = max(short_protection[y] - short_lead[y], 0.0)
        over = share * short_protection[y] + (1.0 - share) * short_lead[y]
        if periods > 1.0:
            over = max(over - bend * max(cdf - cdf_protection, 0.0), short_lead[y] + lost / periods)
        rows[_CDF_LEAD, y] = cdf
        rows[_OVER, y], rows[_BEFORE, y] = over, short_lead[y]
        if mean_review > 0.0:
            rows[FILL_ROW, y] = min(lost / mean_review, 1.0)
            rows[_REVIEW_SHORT, y] = short_review[y] / mean_review
        rows[_FILL_CUT, y], rows[_LEAD_CUT, y] = 1.0, y
        if cdf > RARE:
            rows[_FILL_CUT, y] = min(max(rows[FILL_ROW, y] - (1.0 - cdf), 0.0) / cdf, 1.0)
            rows[_LEAD_CUT, y] = y - (y - mean_lead + short_lead[y]) / cdf
    return rows, (mean_lead, mean_review, counted)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_cycles(rows: Floats, need: Floats, mean_review: float) -> None:
    """Write the running share of the requirement measure and its shortage per unit demanded."""
    n = len(need)
    total, running = 0.0, 0.0
    for k in range(n):
        total += need[k]
    for k in range(n):
        running += need[k]
        rows[CYCLE_ROW, k] = min(running / total, 1.0) if total > 0.0 else 1.0
    short, tail = 0.0, 0.0
    for k in range(n - 1, -1, -1):
        short += tail
        rows[_LEAD_SHORT, k] = short / mean_review if mean_review > 0.0 else 0.0
        tail += need[k]


@njit(cache=True, nogil=True, error_model="numpy")
def averaged(weights: Floats, rows: Floats, beyond: Floats) -> Floats:
    """Return every row averaged over the position y after a review, at levels s = -1..n-1.

    `beyond` is what the rows are at y >= n, or -1 for a row that is not wanted.
    """
    n = rows.shape[1]
    out = np.zeros((len(beyond), n + 1))
    for row in range(len(beyond)):
        if beyond[row] < 0.0:
            continue
        for i in range(1, len(weights) + 1):
            weight = weights[i - 1]
            for j in range(n + 1 - i):
                out[row, j] += weight * rows[row, j + i - 1]
            if beyond[row] > 0.0:
                for j in range(n + 1 - i, n + 1):
                    out[row, j] += weight * beyond[row]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _conditioned(n_weights: int, rows: Floats, average: Floats, mean_lead: float) -> Floats:
    """Return the service of lost sales with many orders under way at levels v = -1..n-1.

    Demand over the lead time is cut at the position, y - D_L given D_L <= y. Sales over the lead time
    must average fill rate times E[D_L], so that stock and orders under way add up to the position:
    v - E[D_L | D_L <= y] = s - fill E[D_L]; v, which grows with s, so stands for the level s.
    Rows: s, unfilled share, cycle service.
    """
    n = rows.shape[1]
    out = np.empty((3, n + 1))
    for j in range(n + 1):
        level = j - 1
        top = rows[_CDF_LEAD, min(level + n_weights, n - 1)]
        out[0, j] = level - average[_LEAD_CUT, j] + mean_lead * (1.0 - average[_FILL_CUT, j])
        out[1, j] = average[_FILL_CUT, j]
        out[2, j] = min(rows[CYCLE_ROW, level] / top, 1.0) if level >= 0 and top > RARE else 0.0
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _at_level(cut: Floats, level: int) -> tuple[float, float]:
    """Return unfilled share and cycle service of lost sales with many orders under way, interpolated."""
    low, high = 0, cut.shape[1] - 1
    while high - low > 1:
        middle = (low + high) // 2
        if cut[0, middle] <= level:
            low = middle
        else:
            high = middle
    gap = cut[0, high] - cut[0, low]
    part = min(max((level - cut[0, low]) / gap, 0.0), 1.0) if gap > 0.0 else 1.0
    return cut[1, low] + part * (cut[1, high] - cut[1, low]), cut[2, low] + part * (
        cut[2, high] - cut[2, low]
    )


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(
    level: int, lot: int, offset: float, rows: Floats, average: Floats, cut: Floats, means: Means
) -> Service:
    """Return cycle service, fill rate, mean stock and backlog, stretch of cycles, share of demand sold."""
    mean_lead, mean_review, counted = means
    n = rows.shape[1]
    at = min(level + 1, n)
    unfilled, over, before = average[FILL_ROW, at], average[_OVER, at], average[_BEFORE, at]
    cycle = rows[CYCLE_ROW, level] if level >= 0 and level < n - 1 else 0.0
    if level >= n - 1 or mean_review <= 0.0:
        cycle = 1.0
    stock = level + offset - counted
    if cut.shape[1] == 0 or level < 0 or level >= n - 1:
        return cycle, 1.0 - unfilled, max(stock + over, 0.0), max(over, 0.0), 1.0, 1.0
    cdf = rows[_CDF_LEAD, level]
    mix = max(cdf - rows[_CDF_LEAD, min(lot, n) - 1], 0.0) / cdf if cdf > RARE else 0.0
    waiting = (1.0 - mix) * max(rows[_LEAD_SHORT, level] - average[_REVIEW_SHORT, at], 0.0)
    stretch = 1.0 + waiting
    unfilled_cut, cycle_cut = _at_level(cut, level)
    lost = (1.0 - mix) * unfilled / stretch + mix * unfilled_cut
    # without stock the position rests at the lot under way; what is not lost has left it
    counted_part = (over - before) / (unfilled * mean_review) if unfilled > RARE else 1.0
    stock += waiting / stretch * (lot - level - offset) + lost * (mean_lead + counted_part * mean_review)
    cycle = (1.0 - mix) * cycle + mix * cycle_cut
    return cycle, 1.0 - lost, max(stock, 0.0), 0.0, stretch, 1.0 - mix * unfilled_cut


@njit(cache=True, nogil=True, error_model="numpy")
def search(
    kind: int,
    target: float,
    lot: int,
    offset: float,
    rows: Floats,
    average: Floats,
    cut: Floats,
    means: Means,
) -> tuple[int, Service]:
    """Return the level of least cost, or the least that meets a target or is not below a given one.

    Backlog is searched by halving, costs and lost sales from the top down. With lost sales, service is
    the least of all levels above too: the approximation may waver where demand is lumpy, and more
    stock must never promise less.
    """
    is_lost = cut.shape[1] > 0
    scans = is_lost or kind == ECONOMIC
    low, high = (0 if is_lost else -1), rows.shape[1] - 1
    if kind == GIVEN:
        high = max(high, int(target))
    worst_cycle, worst_fill, best_cost = 1.0, 1.0, np.inf
    best, kept = high, (1.0, 1.0, 0.0, 0.0, 1.0, 1.0)
    while low <= high:
        level = high if scans else (low + high) // 2
        cycle, fill, stock, backlog, stretch, sold = evaluate(level, lot, offset, rows, average, cut, means)
        if scans:
            worst_cycle, worst_fill = min(worst_cycle, cycle), min(worst_fill, fill)
            cycle, fill = worst_cycle, worst_fill
        if kind == ECONOMIC:
            cost = stock + target * (1.0 - fill)
            is_kept = cost <= best_cost + TOLERANCE * abs(cost)
            best_cost = min(cost, best_cost)
        else:
            service = cycle if kind == CYCLE else (fill if kind == FILL else level)
            is_kept = service >= target - TOLERANCE
        if is_kept:
            best, kept = level, (cycle, fill, stock, backlog, stretch, sold)
        if is_kept or kind == ECONOMIC:
            high = level - 1
        else:
            low = high + 1 if scans else level + 1
    return best, kept


@njit(cache=True, nogil=True, error_model="numpy")
def read_laws(
    review: Floats,
    lead: Floats,
    protection: Floats,
    periods: float,
    lot: int,
    is_uniform: bool,
    is_lost: bool,
) -> tuple[Floats, Means, tuple[Floats, float, float], Floats, Floats, Floats]:
    """Return what the curves of an entry are made of.

    The per-level table; its means; the law of the position after a review, its mean and the share of
    reviews that order; the measure of requirements with the lot, and as base stock; what the rows of
    the table are beyond it, see `averaged`.
    """
    size = max(len(protection), 1)
    d_r, d_l, d_p = normalised(review, size), normalised(lead, size), normalised(protection, size)
    rows, means = _level_table(d_r, d_l, d_p, periods)
    d_r, d_l = d_r[: support(d_r)], d_l[: support(d_l)]
    position = position_weights(d_r, lot, is_uniform, size)
    need, need_base = requirements(d_r, d_l, d_p, position[0])
    cuts = is_lost and means[1] > 0.0
    beyond = np.full(_N_AVERAGED, 0.0 if cuts else -1.0)
    beyond[FILL_ROW] = beyond[_OVER] = 0.0
    if cuts:
        beyond[_LEAD_CUT] = means[0]
    return rows, means, position, need, need_base, beyond


@njit(cache=True, nogil=True, error_model="numpy")
def curves(
    weights: Floats, need: Floats, rows: Floats, beyond: Floats, means: Means
) -> tuple[Floats, Floats]:
    """Return what `evaluate` needs at every level: averages over the position, and the cut of lost sales.

    Cycle service and the shortage at orders are written into `rows`.
    """
    fill_cycles(rows, need, means[1])
    average = averaged(weights, rows, beyond)
    if beyond[_FILL_CUT] < 0.0:
        return average, np.zeros((3, 0))
    return average, _conditioned(len(weights), rows, average, means[0])


@njit(cache=True, nogil=True, error_model="numpy")
def _size_one(
    review: Floats,
    lead: Floats,
    protection: Floats,
    periods: float,
    lot: int,
    is_uniform: bool,
    is_lost: bool,
    kind: int,
    target: float,
    out: Floats,
) -> None:
    """Write the results of one entry."""
    rows, means, position, need, need_base, beyond = read_laws(
        review, lead, protection, periods, lot, is_uniform, is_lost
    )
    weights, offset, order_share = position
    one = np.ones(1)
    level, base, kept = 0, 0, (1.0, 1.0, 0.0, 0.0, 1.0, 1.0)
    for for_base in (True, False):
        law, mean_offset, q = (one, 1.0, min(lot, 1)) if for_base else (weights, offset, lot)
        average, cut = curves(law, need_base if for_base else need, rows, beyond, means)
        level, kept = search(kind, target, q, mean_offset, rows, average, cut, means)
        if for_base:
            base = level + 1
    cycle, fill, stock, backlog, stretch, sold = kept
    out[LEVEL], out[BASE_LEVEL] = level, base
    out[CYCLE_SERVICE], out[FILL_RATE] = cycle, min(max(fill, 0.0), 1.0)
    out[ON_HAND], out[BACKLOG] = stock, (0.0 if is_lost else backlog)
    out[ORDER_SHARE] = order_share / stretch * (1.0 - (1.0 - sold) * (1.0 - order_share))


@njit(cache=True, nogil=True, error_model="numpy")
def _size_range(
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
    is_uniform: NDArray[np.bool_],
    is_lost: NDArray[np.bool_],
    kinds: Ints,
    targets: Floats,
    out: Floats,
) -> None:
    """Write the results of entries begin..end - 1."""
    for e in range(begin, end):
        _size_one(
            review[review_bounds[e] : review_bounds[e + 1]],
            lead[lead_bounds[e] : lead_bounds[e + 1]],
            protection[protection_bounds[e] : protection_bounds[e + 1]],
            review_periods[e],
            lots[e],
            is_uniform[e],
            is_lost[e],
            kinds[e],
            targets[e],
            out[e],
        )


def size_policies(
    review: Floats,
    review_bounds: Ints,
    lead: Floats,
    lead_bounds: Ints,
    protection: Floats,
    protection_bounds: Ints,
    review_periods: Floats,
    lots: Ints,
    is_uniform: NDArray[np.bool_],
    is_lost: NDArray[np.bool_],
    kinds: Ints,
    targets: Floats,
) -> Floats:
    """Return the reorder level and the expected service and stock of every entry.

    Parameters
    ----------
    review, review_bounds : ragged pmfs of demand over a review interval
    lead, lead_bounds : the same over the lead time
    protection, protection_bounds : the same over lead time plus review interval
    review_periods [R] : (n,) review interval in counting periods; 0 for a review after every step of demand
    lots : (n,) order-up-to level less reorder level in steps, at least 1
    is_uniform : (n,) True for (s,nQ), False for (s,S) and base stock
    is_lost : (n,) True if unmet demand is lost
    kinds : (n,) CYCLE, FILL, ECONOMIC, or GIVEN to evaluate a level
    targets : (n,) service target; for ECONOMIC the cost of failing a year's demand over the cost of
        holding a step for a year; for GIVEN the level

    Returns
    -------
    (n, 7) array: reorder level s (at least -1, with lost sales 0), base-stock level of the same
    target, cycle service, fill rate, mean stock and backlog at the end of a period, share of reviews
    that order. Levels, stock and backlog are in steps.

    Examples
    --------
    Demand 0 or 2 at every review, no lead time, base stock, 90 % fill rate: order up to 2.

    >>> review, lead, one = np.array([0.5, 0.0, 0.5]), np.array([1.0]), np.array([1])
    >>> laws = (review, np.array([0, 3]), lead, np.array([0, 1]), review, np.array([0, 3]))
    >>> size_policies(*laws, one * 1.0, one, one == 0, one == 0, one * FILL, one * 0.9)[0].tolist()
    [1.0, 2.0, 1.0, 1.0, 1.0, 0.0, 0.5]
    """
    out = np.empty((len(lots), N_RESULTS))
    given = (review, review_bounds, lead, lead_bounds, protection, protection_bounds)
    rules = (review_periods, lots, is_uniform, is_lost, kinds, targets)
    in_chunks(lambda begin, end: _size_range(begin, end, *given, *rules, out), 0, len(lots), CHUNK)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def matched_levels(
    levels: Floats, pmf: Floats, bounds: Ints, other: Floats, other_bounds: Ints
) -> tuple[Floats, Floats]:
    """Return the levels of other demands with the same probability of lasting, and the means of these.

        q(a) = k - 1 + (a - F(k - 1)) / p(k),  k the least with F(k) >= a = P(D <= level);  q >= 0

    Parameters
    ----------
    levels : (n,) levels of the first demand, steps
    pmf, bounds : ragged pmfs of the first demand
    other, other_bounds : ragged pmfs of the other

    Returns
    -------
    (n,) interpolated quantiles and (n,) means of the other demand, steps. Of a certain demand the
    quantile is that demand; of an empty pmf both are 0.

    Examples
    --------
    >>> even, late, bounds = np.array([0.5, 0.5]), np.array([0.0, 0.25, 0.75]), np.array([0, 2])
    >>> quantile, mean = matched_levels(np.array([0.0]), even, bounds, late, np.array([0, 3]))
    >>> round(float(quantile[0]), 6), float(mean[0])
    (1.333333, 1.75)
    """
    n = len(levels)
    quantiles, means = np.zeros(n), np.zeros(n)
    for e in range(n):
        last = min(int(levels[e]), bounds[e + 1] - bounds[e] - 1)
        lasting = 0.0
        for k in range(last + 1):
            lasting += pmf[bounds[e] + k]
        upto, is_found, top = 0.0, False, 0
        for k in range(other_bounds[e + 1] - other_bounds[e]):
            p = other[other_bounds[e] + k]
            means[e] += p * k
            top = k if p > 0.0 else top
            if not is_found and p > 0.0 and upto + p >= lasting - TOLERANCE:
                is_found = True
                part = 1.0 if p >= 1.0 - TOLERANCE else min(max((lasting - upto) / p, 0.0), 1.0)
                quantiles[e] = max(k - 1 + part, 0.0)
            upto += p
        if not is_found:
            quantiles[e] = top
    return quantiles, means
