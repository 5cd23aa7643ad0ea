"""Stock day by day on two roads: under what was decided, and under what was recommended."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plimsoll.maths.ragged import Floats, Ints

DECIDED, PROPOSED = 0, 1
_AT_ONCE = 4_000_000  # cells of a matrix of decisions by days that are held at a time


@dataclass(frozen=True, slots=True)
class Flows:
    """Units of one day each that both roads share: row of the decision, day from 1, units."""

    row: Ints
    day: Ints
    units: Floats


@dataclass(frozen=True, slots=True)
class Interval:
    """The n intervals judged, and what stands at their start.

    Parameters
    ----------
    days : (n,) length, counted from the day after the plan
    on_hand, backlog : (n,) units on the evening of the plan
    is_lost : (n,) whether unmet demand is lost
    own_day, own_units : (2, n) day and units of the order itself, on the decided and the proposed road;
        negative units leave
    """

    days: Ints
    on_hand: Floats
    backlog: Floats
    is_lost: NDArray[np.bool_]
    own_day: Ints
    own_units: Floats


@dataclass(frozen=True, slots=True)
class Paths:
    """What the two roads came to, each (2, n).

    Units short when asked for; stock at each day's count, summed; on hand and backlog at the end.
    """

    short: Floats
    unit_days: Floats
    on_hand: Floats
    backlog: Floats


def stock_paths(start: Interval, arrivals: Flows, demand: Flows) -> Paths:
    """Return what both roads came to, in the order of events of `domain.calendar`.

    On each day: receive, serve the backlog, serve demand, count. With x on hand, b owed, a received, d asked:

        p = min(b, x + a),   s = min(x + a - p, d),   x' = x + a - p - s,   b' = b - p + (d - s)

    The last term is left out where unmet demand is lost. The unit short d - s counts once, on the day
    it was asked for.

    Parameters
    ----------
    start : the intervals
    arrivals, demand : what came and what was asked for, on both roads alike; days outside are left out

    Examples
    --------
    Five on hand, ten ordered and none decided, both at day 2; four are asked for each day.

    >>> start = Interval(
    ...     np.array([3]), np.array([5.0]), np.zeros(1), np.array([True]), np.array([[2], [2]]),
    ...     np.array([[0.0], [10.0]]),
    ... )
    >>> asked = Flows(np.zeros(3, dtype=np.int64), np.array([1, 2, 3]), np.full(3, 4.0))
    >>> none = Flows(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    >>> found = stock_paths(start, none, asked)
    >>> found.short.ravel().tolist(), found.on_hand.ravel().tolist(), found.unit_days.ravel().tolist()
    ([7.0, 0.0], [0.0, 3.0], [1.0, 11.0])
    """
    n = len(start.days)
    short, unit_days, on_hand, backlog = np.zeros((4, 2, n))
    by_length = np.argsort(start.days, kind="stable")
    for rows in _blocks(by_length, start.days):
        part = _of_block(start, rows, _dense(arrivals, rows, start.days), _dense(demand, rows, start.days))
        short[:, rows], unit_days[:, rows], on_hand[:, rows], backlog[:, rows] = part
    return Paths(short, unit_days, on_hand, backlog)


def _blocks(order: Ints, days: Ints) -> list[Ints]:
    """Return rows of about equal length together, so that a matrix of them has few empty cells."""
    if not len(order):
        return []
    cells = np.cumsum(days[order] + 1)
    return np.split(order, np.flatnonzero(np.diff(cells // _AT_ONCE)) + 1)


def _dense(flows: Flows, rows: Ints, days: Ints) -> Floats:
    """Return the units of these rows by day, (rows, days + 1)."""
    place = np.full(len(days), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    width = int(days[rows].max()) + 1
    at = place[flows.row]
    inside = (at >= 0) & (flows.day >= 1) & (flows.day < width)
    cells = np.bincount(at[inside] * width + flows.day[inside], flows.units[inside], len(rows) * width)
    return cells.astype(np.float64).reshape(len(rows), width)  # counts of nothing are whole numbers


def _of_block(start: Interval, rows: Ints, coming: Floats, asked: Floats) -> tuple[Floats, ...]:
    """Return short, unit_days, on_hand and backlog of these rows, by a walk over the days of all at once."""
    on_hand = np.repeat(start.on_hand[None, rows], 2, axis=0)
    backlog = np.repeat(start.backlog[None, rows], 2, axis=0)
    short, unit_days = np.zeros_like(on_hand), np.zeros_like(on_hand)
    own_day, own_units, is_lost = start.own_day[:, rows], start.own_units[:, rows], start.is_lost[rows]
    for day in range(1, coming.shape[1]):
        runs = day <= start.days[rows]
        there = np.maximum(on_hand + coming[:, day] + np.where(own_day == day, own_units, 0.0), 0.0)
        paid = np.minimum(backlog, there)
        served = np.minimum(there - paid, asked[:, day])
        missed = asked[:, day] - served
        left = there - paid - served
        on_hand = np.where(runs, left, on_hand)
        backlog = np.where(runs, backlog - paid + np.where(is_lost, 0.0, missed), backlog)
        short += np.where(runs, missed, 0.0)
        unit_days += np.where(runs, left, 0.0)
    return short, unit_days, on_hand, backlog
