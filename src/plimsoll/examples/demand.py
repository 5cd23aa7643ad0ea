"""Customer demand of the demo company: its true rates, the order lines, and what was shipped."""

from dataclasses import dataclass

import numpy as np

from plimsoll.examples.shape import FIRST_SUPPLIER, PLANT, Bools, Items, Points, Span, by_kind
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for

WEEKS_PER_YEAR = 365.25 / 7
RAMP_WEEKS, HALVING_WEEKS = 8.0, 13.0
BACKLOG_DAYS = 10  # older shortfalls were cancelled


@dataclass(frozen=True, slots=True)
class Rates:
    """True demand of each stocking point by its own customers: units a week, and the window's moments."""

    now: Floats
    now_sd: Floats
    window_mean: Floats
    window_sd: Floats
    active_weeks: Floats


@dataclass(frozen=True, slots=True)
class Lines:
    """Order lines as columns, ordered by day, place, customer and point; days count from the first Monday."""

    point: Ints
    day: Ints
    quantity: Ints
    customer: Ints
    order: Ints
    line: Ints


@dataclass(frozen=True, slots=True)
class Shipments:
    """What became of each line; a shipped day after `as_of` has not happened yet."""

    promised_day: Ints
    shipped_day: Ints
    shipped: Ints
    owed: Ints


def activity(items: Items, weeks: Floats, span: Span) -> Floats:
    """Return the factor of season, trend and life on each item's line rate, (items, weeks).

    (1 + a cos(2 pi (w - peak) / 52.18)) * exp(g (w - mid) / 52.18) * ramp * decline
    """
    of_year = span.start.timetuple().tm_yday / 7
    season = 1 + items.amplitude[:, None] * np.cos(
        2 * np.pi * (weeks + of_year - items.peak_week[:, None]) / WEEKS_PER_YEAR
    )
    trend = np.exp(items.trend[:, None] * (weeks - span.n_weeks / 2) / WEEKS_PER_YEAR)
    since_launch = weeks + 1 - items.launch_week[:, None]
    ramp = np.where(items.launch_week[:, None] > 0, -np.expm1(-np.maximum(since_launch, 0) / RAMP_WEEKS), 1)
    decline = 0.5 ** (np.maximum(weeks - items.fade_week[:, None], 0) / HALVING_WEEKS)
    alive = (weeks <= items.end_week[:, None]) & (weeks < items.stop_week[:, None])
    return season * trend * ramp * decline * alive


def true_rates(items: Items, points: Points, span: Span) -> Rates:
    """Return the true rates: line counts are gamma-mixed Poisson, quantities 1 + gamma-mixed Poisson.

    E[s^2] = m^2 + (m - 1) + (m - 1)^2 / k;   Var[week] = lambda E[s^2] + v (lambda m)^2
    """
    mean = points.line_qty
    cv2, shape = (by_kind(items.kind, field)[points.item] for field in ("weekly_cv2", "size_shape"))
    square = mean**2 + (mean - 1) + (mean - 1) ** 2 / shape
    weeks = np.arange(span.n_weeks + 1, dtype=np.float64)
    factor = activity(items, weeks, span)
    now, past = factor[:, -1], factor[:, :-1] * span.week_weight
    rate_now = points.line_rate * now[points.item]
    lines = points.line_rate * past.sum(axis=1)[points.item]
    squares = points.line_rate**2 * (past**2).sum(axis=1)[points.item]
    return Rates(
        now=rate_now * mean,
        now_sd=np.sqrt(rate_now * square + cv2 * (rate_now * mean) ** 2),
        window_mean=lines * mean,
        window_sd=np.sqrt(lines * square + cv2 * mean**2 * squares),
        active_weeks=(past > 0).sum(axis=1)[points.item].astype(np.float64),
    )


def draw_lines(seed: int, items: Items, points: Points, span: Span, customers_per_place: int) -> Lines:
    """Return the order lines of all weeks, on the business days up to `as_of`."""
    rng = rng_for(seed, "lines")
    cv2 = by_kind(items.kind, "weekly_cv2")[points.item, None]
    factor = activity(items, np.arange(span.n_weeks, dtype=np.float64), span) * span.week_weight
    expected = points.line_rate[:, None] * factor[points.item]
    expected *= rng.standard_gamma(np.broadcast_to(1 / cv2, expected.shape)) * cv2
    counts = rng.poisson(expected)
    point, week = np.nonzero(counts)
    repeats = counts[point, week]
    point, week = np.repeat(point, repeats), np.repeat(week, repeats)
    weekdays = np.where(week == span.n_weeks - 1, span.last_weekdays, 5)
    day = week * 7 + (rng.random(len(point)) * weekdays).astype(np.int64)
    extra = (points.line_qty - 1)[point]
    shape = by_kind(items.kind, "size_shape")[points.item][point]
    quantity = 1 + rng.poisson(rng.standard_gamma(shape) / shape * extra)
    customer = (rng.random(len(point)) ** 2 * customers_per_place).astype(np.int64)
    # A production order at the plant holds one component; a customer's order of the day may hold many items.
    customer = np.where(points.place[point] == PLANT, point, customer)
    ticket = (day * FIRST_SUPPLIER + points.place[point]) * (points.n + customers_per_place) + customer
    by = np.argsort(ticket * points.n + point, kind="stable")
    ticket = ticket[by]
    first = np.flatnonzero(np.diff(ticket, prepend=-1))
    order = np.repeat(np.arange(len(first)), np.diff(first, append=len(ticket)))
    line = np.arange(len(ticket)) - first[order] + 1
    return Lines(point[by], day[by], quantity[by], customer[by], order, line)


def _after(day: Ints, business_days: Ints) -> Ints:
    """Return the day that many business days later; days are business days and day 0 a Monday."""
    return day + business_days + 2 * ((day % 7 + business_days) // 5)


def ship(seed: int, lines: Lines, short: Bools, span: Span) -> Shipments:
    """Return promises and shipments: a few late, a few incomplete, more so where stock is short now."""
    rng = rng_for(seed, "shipments")
    n = len(lines.day)
    late = np.where(rng.random(n) < 0.07, rng.integers(2, 10, n), 0)
    shipped_day = _after(lines.day, rng.integers(0, 4, n) + late)
    cut = rng.random(n) < np.where(short, 0.10, 0.02)[lines.point]
    served = np.where(cut, (rng.random(n) * lines.quantity).astype(np.int64), lines.quantity)
    left = shipped_day <= span.n_days
    shipped = np.where(left, served, 0)
    recent = lines.day > span.n_days - BACKLOG_DAYS
    owed = np.where(recent & left, lines.quantity - shipped, 0)
    return Shipments(_after(lines.day, rng.integers(2, 6, n)), shipped_day, shipped, owed)
