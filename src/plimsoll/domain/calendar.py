"""Time as Plimsoll counts it: order of events, periods, protection interval.

Order of events in a period, fixed once: receive, serve backlog and then demand, count, review,
order. An order placed at the end of period t with a lead time of L periods is usable at the start
of period t + L + 1. With a review every R periods, the protection interval is L + R periods, and
it is the only interval that a buffer covers.

A period is a week (Monday to Sunday) or a calendar month. History up to `as_of` holds only periods
that ended on or before `as_of`: a period under way is not an observation.
"""

from datetime import date, timedelta
from typing import Literal

import polars as pl

Bucket = Literal["week", "month"]

DAYS_PER_YEAR = 365.25
PERIOD_DAYS: dict[str, float] = {"week": 7.0, "month": DAYS_PER_YEAR / 12}
EVERY: dict[str, str] = {"week": "1w", "month": "1mo"}


def period_start(day: date, bucket: Bucket) -> date:
    """Return the first day of the period that holds a day.

    Examples
    --------
    >>> period_start(date(2026, 11, 21), "week")
    datetime.date(2026, 11, 16)
    """
    return day.replace(day=1) if bucket == "month" else day - timedelta(days=day.weekday())


def last_complete_start(as_of: date, bucket: Bucket) -> date:
    """Return the first day of the last period that ended on or before `as_of`.

    Examples
    --------
    >>> last_complete_start(date(2026, 11, 21), "week"), last_complete_start(date(2026, 11, 22), "week")
    (datetime.date(2026, 11, 9), datetime.date(2026, 11, 16))
    """
    return period_start(period_start(as_of + timedelta(days=1), bucket) - timedelta(days=1), bucket)


def periods_between(start: date, end: date, bucket: Bucket) -> int:
    """Return how many periods there are from first day `start` to first day `end`, both counted.

    Examples
    --------
    >>> periods_between(date(2026, 11, 2), date(2026, 11, 16), "week")
    3
    """
    if bucket == "month":
        return (end.year - start.year) * 12 + end.month - start.month + 1
    return (end - start).days // 7 + 1


def period_index(day: pl.Expr, start: date, bucket: Bucket) -> pl.Expr:
    """Return the number of whole periods from `start` (a period's first day) to each day, 0 for the first."""
    if bucket == "month":
        months = day.dt.year().cast(pl.Int64) * 12 + day.dt.month().cast(pl.Int64)
        return months - (start.year * 12 + start.month)
    return (day - pl.lit(start)).dt.total_days() // 7
