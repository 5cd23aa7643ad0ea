"""Which day the facts speak of, when nobody says it."""

from collections.abc import Mapping
from datetime import date
from typing import cast

import polars as pl

# Columns that tell of the past; promised and due dates lie ahead.
PAST = {
    "demand": "date",
    "availability": "date",
    "stock": "date",
    "receipts": "received_date",
    "open_orders": "ordered_date",
}
FEWEST_PERIODS = 3


def last_known_day(tables: Mapping[str, pl.DataFrame]) -> date | None:
    """Return the last day that the tables tell of, or None without any date.

    Demand dated on first days of periods only (Mondays, or firsts of months) is taken for period
    totals: its last day is that of its last period.

    Examples
    --------
    >>> weeks = pl.DataFrame({"date": [date(2026, 10, 5), date(2026, 10, 12), date(2026, 10, 19)]})
    >>> last_known_day({"demand": weeks})
    datetime.date(2026, 10, 25)
    """
    days = [
        _end_of_period(seen) if name == "demand" else _last(seen)
        for name, column in PAST.items()
        if name in tables and (seen := tables[name][column].drop_nulls().unique()).len()
    ]
    return max(days, default=None)


def _last(dates: pl.Series) -> date:
    return cast("date", dates.max())


def _end_of_period(seen: pl.Series) -> date:
    """Return the last day of the last period if all dates begin periods, else the last date."""
    if len(seen) < FEWEST_PERIODS:
        return _last(seen)
    if (seen.dt.day() == 1).all():
        return _last(seen.dt.month_end())
    return _last(seen.dt.offset_by("6d") if (seen.dt.weekday() == 1).all() else seen)
