"""Stocking points run period by period under an ordering rule: the state machine behind every replay.

The order of events is that of `plimsoll.domain.calendar`: receive, serve backlog and then demand, count,
review, order. An order of period t with a lead time of L periods is usable at the start of t + L + 1.
Nothing is drawn here: demand and lead times are given, and so the same for every rule (common random
numbers). A run can stop after any period, its rule be changed, and go on.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.threads import in_chunks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NONE, BASE_STOCK, S_S, S_NQ, GIVEN = range(5)
KIND, REORDER, UP_TO, MINIMUM, MULTIPLE, LIMIT, CAP, EVERY, PHASE, IS_LOST, N_RULE = range(11)
ON_HAND, BACKLOG, ON_ORDER, IS_CYCLE_SHORT, IS_SHORT, N_STATE = range(6)
(
    PERIODS,
    UNOBSERVED,
    DEMAND,
    SERVED,
    LOST,
    PAID_BACK,
    RECEIVED,
    ORDERED,
    ORDERS,
    CYCLES,
    GOOD_CYCLES,
    DEMAND_PERIODS,
    FULL_PERIODS,
    CLEAR_PERIODS,
    SHORTAGES,
    ON_HAND_SUM,
    ON_ORDER_SUM,
    BACKLOG_SUM,
    N_TOTALS,
) = range(19)
IN_STOCK, UNDER_WAY, OWED, ASKED, SHIPPED, BOUGHT, ARRIVED, N_BY_PERIOD = range(8)
D_AVAILABLE, D_ON_HAND, D_BACKLOG, D_ORDERED, D_RECEIVED, N_DETAIL = range(6)

CHUNK = 2048  # stocking points that one thread takes at a time
WORTHWHILE = 0.5  # as in plimsoll.replenish.lots: share of a lot that must fit below the limit
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a run of n points has come to; `advance` writes into the arrays.

    Parameters
    ----------
    state : (n, N_STATE) ON_HAND, BACKLOG, ON_ORDER in units at the end of the last period; whether the
        present replenishment cycle, and the last period, ran short (0 or 1)
    coming : (n, W) units usable at the start of period p, in column p mod W
    totals : (n, N_TOTALS) sums over the counted periods, see `advance`
    by_period : (T, N_BY_PERIOD) sums over the points, in money: IN_STOCK, UNDER_WAY and OWED at the end,
        ASKED, SHIPPED, BOUGHT and ARRIVED in the period
    detail : (N_DETAIL, n, T) units: AVAILABLE to the demand of the period (after receipts and backlog),
        ON_HAND and BACKLOG at its end, ORDERED and RECEIVED; (N_DETAIL, 0, 0) where it is not kept
    """

    state: Floats
    coming: Floats
    totals: Floats
    by_period: Floats
    detail: NDArray[np.float32]


def open_ledger(
    on_hand: Floats,
    periods: int,
    longest_lead: int,
    *,
    backlog: Floats | None = None,
    arrivals: Floats | None = None,
    is_detailed: bool = False,
) -> Ledger:
    """Return the ledger of n points before period 0.

    Parameters
    ----------
    on_hand, backlog : (n,) units at the start; no backlog by default
    periods : [T] length of the whole run
    longest_lead : largest lead time of any order, periods
    arrivals : (n, A) units already on order that become usable at the start of period 0..A - 1
    is_detailed : whether every point and period is kept

    Examples
    --------
    >>> open_ledger(np.array([5.0]), 4, 2, arrivals=np.array([[0.0, 3.0]])).coming.tolist()
    [[0.0, 3.0, 0.0, 0.0]]
    """
    n, known = len(on_hand), 0 if arrivals is None else arrivals.shape[1]
    coming = np.zeros((n, max(longest_lead + 2, known)))
    state = np.zeros((n, N_STATE))
    state[:, ON_HAND] = on_hand
    if backlog is not None:
        state[:, BACKLOG] = backlog
    if arrivals is not None:
        coming[:, :known] = arrivals
        state[:, ON_ORDER] = arrivals.sum(axis=1)
    shape = (N_DETAIL, n, periods) if is_detailed else (N_DETAIL, 0, 0)
    return Ledger(
        state, coming, np.zeros((n, N_TOTALS)), np.zeros((periods, N_BY_PERIOD)), np.zeros(shape, np.float32)
    )


def rules_of(
    kind: Ints | int,
    reorder: Floats,
    up_to: Floats,
    *,
    minimum: Floats | float = 0.0,
    multiple: Floats | float = 0.0,
    limit: Floats | float = np.inf,
    cap: Floats | float = np.inf,
    every: Ints | int = 1,
    phase: Ints | int = 0,
    is_lost: NDArray[np.bool_] | bool = False,
) -> Floats:
    """Return the rules of n points as one array (n, N_RULE).

    With position y = on hand + on order - backlog, at every review::

        BASE_STOCK  y < S:  S - y              S_S   y <= s:  S - y
        S_NQ        y <= s: n (S - s), the least n with y + n (S - s) > s
        NONE        y < 0:  -y                 GIVEN what the caller asks for in that period

    The order is the larger of that and the minimum, rounded up to whole multiples, and cut to whole
    multiples of the cap. No more is asked for than the room below the limit of the position, and a lot
    of which less than half fits is not bought.

    Parameters
    ----------
    kind : (n,) or one of NONE, BASE_STOCK, S_S, S_NQ, GIVEN
    reorder, up_to : [s, S] (n,) units; s is not read for BASE_STOCK, neither for NONE and GIVEN
    minimum, multiple : units; a multiple of 0 allows any quantity
    limit, cap : units, largest position and largest order
    every, phase : a review at the end of period t where t mod every = phase mod every
    is_lost : unmet demand is lost, otherwise backlogged

    Examples
    --------
    >>> rules_of(BASE_STOCK, np.zeros(2), np.array([4.0, 9.0]), every=2, phase=1)[:, [UP_TO, EVERY]].tolist()
    [[4.0, 2.0], [9.0, 2.0]]
    """
    rules = np.zeros((len(up_to), N_RULE))
    columns = (kind, reorder, up_to, minimum, multiple, limit, cap, every, phase, is_lost)
    for at, column in enumerate(columns):
        rules[:, at] = column
    return rules


@njit(cache=True, nogil=True, error_model="numpy")
def quantity_of(rule: Floats, position: float, asked_for: float) -> float:
    """Return the order of one point at a review, 0 for none; see `rules_of`.

    Examples
    --------
    >>> rule = rules_of(S_NQ, np.array([10.0]), np.array([14.0]), minimum=6.0, multiple=4.0)[0]
    >>> quantity_of(rule, 9.0, 0.0), quantity_of(rule, 11.0, 0.0), quantity_of(rule, -1.0, 0.0)
    (8.0, 0.0, 12.0)
    """
    kind, reorder, up_to = int(rule[KIND]), rule[REORDER], rule[UP_TO]
    asked = 0.0
    if kind == GIVEN:
        asked = asked_for
    elif kind == BASE_STOCK:
        asked = up_to - position
    elif kind == NONE:
        asked = -position
    elif position <= reorder + _ROUNDING:
        asked = up_to - position
        if kind == S_NQ:
            lot = max(up_to - reorder, _ROUNDING)
            asked = (np.floor((reorder - position) / lot + _ROUNDING) + 1.0) * lot
    room = rule[LIMIT] - position
    asked = min(asked, max(room, 0.0))
    if not asked > _ROUNDING:
        return 0.0
    asked, multiple = max(asked, rule[MINIMUM]), rule[MULTIPLE]
    if multiple > 0.0:
        asked = np.ceil(asked / multiple - _ROUNDING) * multiple
    if room < WORTHWHILE * asked:
        return 0.0
    if asked > rule[CAP]:
        asked = rule[CAP]
        if multiple > 0.0:
            asked = np.floor(asked / multiple + _ROUNDING) * multiple
    return float(asked)


@njit(cache=True, nogil=True, error_model="numpy")
def _place(
    t: int, rule: Floats, position: float, asked_for: float, lead: int, due: Floats, out: Floats
) -> float:
    """Place the order of one point at the end of period t, if a review is due, and return it."""
    if (t - int(rule[PHASE])) % int(rule[EVERY]) != 0:
        return 0.0
    ordered = quantity_of(rule, position, asked_for)
    if ordered > 0.0:
        due[(t + lead + 1) % len(due)] += ordered
        out[ORDERS] += 1.0
        out[ORDERED] += ordered
        out[ON_ORDER_SUM] += ordered
    return ordered


@njit(cache=True, nogil=True, error_model="numpy")
def _count(
    out: Floats, is_lost: bool, was_short: bool, wanted: float, served: float, paid: float, state: Floats
) -> None:
    """Add what happened in one period before its order to the sums of a point."""
    short = wanted - served
    out[PERIODS] += 1.0
    out[DEMAND] += wanted
    out[SERVED] += served
    out[PAID_BACK] += paid
    out[ON_HAND_SUM] += state[ON_HAND]
    out[ON_ORDER_SUM] += state[ON_ORDER]
    out[BACKLOG_SUM] += state[BACKLOG]
    if wanted > 0.0:
        out[DEMAND_PERIODS] += 1.0
        if short <= _ROUNDING:
            out[FULL_PERIODS] += 1.0
    if is_lost:
        out[LOST] += short
    if short <= _ROUNDING and state[BACKLOG] <= _ROUNDING:
        out[CLEAR_PERIODS] += 1.0
    if short > _ROUNDING and not was_short:
        out[SHORTAGES] += 1.0


@njit(cache=True, nogil=True, error_model="numpy")
def advance_range(
    begin: int,
    end: int,
    periods: tuple[int, int, int, int, int],
    demand: Floats,
    lead: Ints,
    given: Floats,
    rules: Floats,
    worth: Floats,
    state: Floats,
    coming: Floats,
    totals: Floats,
    detail: NDArray[np.float32],
) -> Floats:
    """Run points begin..end - 1 over periods first..last - 1; returns their (last - first, N_BY_PERIOD)."""
    first, last, count_from, count_to, reviewed_to = periods
    by_period = np.zeros((last - first, N_BY_PERIOD))
    width, is_detailed = coming.shape[1], detail.shape[1] > 0
    aside = np.zeros(N_TOTALS)  # takes what is not counted
    edges = (first, min(max(count_from, first), last), max(min(count_to, last), first), last)
    for i in range(begin, end):
        rule, now, due, value, is_lost = rules[i], state[i], coming[i], worth[i], rules[i, IS_LOST] > 0.0
        for part in range(3):
            out = totals[i] if part == 1 else aside
            for t in range(edges[part], edges[part + 1]):
                received = due[t % width]
                if received > 0.0:
                    due[t % width] = 0.0
                    now[ON_ORDER] = now[ON_ORDER] - received if now[ON_ORDER] - received > _ROUNDING else 0.0
                    out[CYCLES] += 1.0
                    out[RECEIVED] += received
                    if now[IS_CYCLE_SHORT] == 0.0 if is_lost else now[BACKLOG] <= _ROUNDING:
                        out[GOOD_CYCLES] += 1.0
                    now[IS_CYCLE_SHORT] = 0.0
                    now[ON_HAND] += received
                paid = min(now[ON_HAND], now[BACKLOG])
                now[ON_HAND] -= paid
                now[BACKLOG] -= paid
                available, wanted = now[ON_HAND], demand[i, t]
                if np.isnan(wanted):
                    wanted = 0.0
                    out[UNOBSERVED] += 1.0
                served = min(available, wanted)
                now[ON_HAND] -= served
                if not is_lost:
                    now[BACKLOG] += wanted - served
                _count(out, is_lost, now[IS_SHORT] > 0.0, wanted, served, paid, now)
                now[IS_SHORT] = 1.0 if wanted - served > _ROUNDING else 0.0
                now[IS_CYCLE_SHORT] = max(now[IS_CYCLE_SHORT], now[IS_SHORT])
                ordered = 0.0
                if t < reviewed_to:
                    asked_for = given[i, t - first] if given.shape[1] > 0 else 0.0
                    position = now[ON_HAND] + now[ON_ORDER] - now[BACKLOG]
                    ordered = _place(t, rule, position, asked_for, lead[i, t % lead.shape[1]], due, out)
                    now[ON_ORDER] += ordered
                by_period[t - first, IN_STOCK] += value * now[ON_HAND]
                by_period[t - first, UNDER_WAY] += value * now[ON_ORDER]
                by_period[t - first, OWED] += value * now[BACKLOG]
                by_period[t - first, ASKED] += value * wanted
                by_period[t - first, SHIPPED] += value * served
                by_period[t - first, BOUGHT] += value * ordered
                by_period[t - first, ARRIVED] += value * received
                if is_detailed:
                    detail[D_AVAILABLE, i, t] = available
                    detail[D_ON_HAND, i, t] = now[ON_HAND]
                    detail[D_BACKLOG, i, t] = now[BACKLOG]
                    detail[D_ORDERED, i, t] = ordered
                    detail[D_RECEIVED, i, t] = received
    return by_period


@njit(cache=True, nogil=True, error_model="numpy")
def review_all(
    t: int,
    is_counted: bool,
    lead: Ints,
    given: Floats,
    rules: Floats,
    worth: Floats,
    state: Floats,
    coming: Floats,
    totals: Floats,
    by_period: Floats,
    detail: NDArray[np.float32],
) -> None:
    """Place the orders of all points at the end of period t, which `advance` has left open."""
    aside = np.zeros(N_TOTALS)
    for i in range(len(rules)):
        position = state[i, ON_HAND] + state[i, ON_ORDER] - state[i, BACKLOG]
        out = totals[i] if is_counted else aside
        ordered = _place(t, rules[i], position, given[i], lead[i, t % lead.shape[1]], coming[i], out)
        state[i, ON_ORDER] += ordered
        by_period[t, UNDER_WAY] += worth[i] * ordered
        by_period[t, BOUGHT] += worth[i] * ordered
        if detail.shape[1] > 0:
            detail[D_ORDERED, i, t] = ordered


def advance(
    ledger: Ledger,
    rules: Floats,
    demand: Floats,
    lead: Ints,
    first: int,
    last: int,
    *,
    count_from: int = 0,
    count_to: int | None = None,
    worth: Floats | None = None,
    given: Floats | None = None,
    is_left_open: bool = False,
) -> None:
    """Run every point over periods first..last - 1 and write what happened into the ledger.

    Sums over the counted periods, by point: PERIODS, and UNOBSERVED of them; units of DEMAND, SERVED from
    stock at once, LOST, PAID_BACK to the backlog, RECEIVED and ORDERED; ORDERS placed; replenishment
    CYCLES that ended (a period that receives ends one), and GOOD_CYCLES of them: no demand unmet since
    the last receipt (lost sales), no backlog when the order came (backlog); DEMAND_PERIODS with
    demand, and FULL_PERIODS of them whose demand was served in full from stock; CLEAR_PERIODS without
    unmet demand or backlog at their end; SHORTAGES that began: periods with unmet demand after one
    without; stock ON_HAND_SUM, ON_ORDER_SUM (after the period's order) and BACKLOG_SUM at period ends::

        on hand at the end = on hand at the start + received - paid back - served

    Parameters
    ----------
    ledger : where the run stands before period `first`; changed in place
    rules : (n, N_RULE) from `rules_of`, in force in these periods
    demand : (n, T) units, at least 0, NaN where it was not observed: then nothing is asked for, while
        receipts, reviews and orders go on
    lead : (n, K) lead time of an order placed in period t, whole periods, in column t mod K
    first, last : periods of this call; the ledger must have been run up to `first`
    count_from, count_to : counted periods, count_to excluded; all by default
    worth : (n,) money per unit, for the sums by period; 1 by default
    given : (n, last - first) units asked for in each period by points of kind GIVEN
    is_left_open : whether the review of the last period is left to `review`, for a rule that wants to see
        how the period ended

    Raises
    ------
    ValueError
        If a lead time is negative or longer than the ledger was opened for.

    Examples
    --------
    Base stock of 2, lead time 1: two periods of demand 2 run it dry before the first order comes.

    >>> book = open_ledger(np.array([2.0]), 4, 1)
    >>> two, rules = np.full((1, 4), 2.0), rules_of(BASE_STOCK, np.zeros(1), np.array([2.0]))
    >>> advance(book, rules, two, np.array([[1]]), 0, 2)          # may stop anywhere
    >>> advance(book, rules, two, np.array([[1]]), 2, 4)
    >>> book.totals[0, [DEMAND, SERVED, ORDERS, CYCLES, GOOD_CYCLES]].tolist()
    [8.0, 2.0, 4.0, 2.0, 0.0]
    >>> book.state[0, [ON_HAND, BACKLOG, ON_ORDER]].tolist()
    [0.0, 2.0, 4.0]
    """
    n, length = demand.shape
    _check_lead(lead, ledger)
    counted_to, reviewed_to = length if count_to is None else count_to, last - is_left_open
    periods = (first, last, count_from, counted_to, reviewed_to)
    wanted = np.ascontiguousarray(demand, dtype=np.float64)
    by_point = _whole(lead, np.zeros((n, 0)) if given is None else given, rules, worth)
    arrays = (wanted, *by_point, ledger.state, ledger.coming, ledger.totals, ledger.detail)
    for part in in_chunks(lambda begin, end: advance_range(begin, end, periods, *arrays), 0, n, CHUNK):
        ledger.by_period[first:last] += part


def review(
    ledger: Ledger,
    rules: Floats,
    lead: Ints,
    period: int,
    *,
    count_from: int = 0,
    count_to: int | None = None,
    worth: Floats | None = None,
    given: Floats | None = None,
) -> None:
    """Place the orders of a period that `advance` has run with `is_left_open`.

    Parameters
    ----------
    ledger, rules, lead, count_from, count_to, worth : as of `advance`
    period : the last period of that run
    given : (n,) units asked for by points of kind GIVEN

    Examples
    --------
    >>> book, rules = open_ledger(np.array([5.0]), 2, 1), rules_of(GIVEN, np.zeros(1), np.zeros(1))
    >>> advance(book, rules, np.array([[3.0, 3.0]]), np.array([[0]]), 0, 1, is_left_open=True)
    >>> review(book, rules, np.array([[0]]), 0, given=5.0 - book.state[:, ON_HAND])
    >>> book.state[0, [ON_HAND, ON_ORDER]].tolist()
    [2.0, 3.0]
    """
    _check_lead(lead, ledger)
    is_counted = count_from <= period and (count_to is None or period < count_to)
    leads, asked_for, packed, money = _whole(
        lead, np.zeros(len(rules)) if given is None else given, rules, worth
    )
    review_all(
        period, is_counted, leads, asked_for, packed, money,
        ledger.state, ledger.coming, ledger.totals, ledger.by_period, ledger.detail,
    )  # fmt: skip


def _whole(
    lead: Ints, given: Floats, rules: Floats, worth: Floats | None
) -> tuple[Ints, Floats, Floats, Floats]:
    """Return arrays as the kernels are compiled for them: contiguous, and of one kind."""
    return (
        np.ascontiguousarray(lead, dtype=np.int64),
        np.ascontiguousarray(given, dtype=np.float64),
        np.ascontiguousarray(rules, dtype=np.float64),
        np.ones(len(rules)) if worth is None else np.ascontiguousarray(worth, dtype=np.float64),
    )


def _check_lead(lead: Ints, ledger: Ledger) -> None:
    longest = ledger.coming.shape[1] - 2
    if lead.size and not 0 <= lead.min() <= lead.max() <= longest:
        what = f"Lead times must lie in 0..{longest} periods."
        raise ValueError(what)
