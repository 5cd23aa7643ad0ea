"""Which day the facts speak of, when nobody says it."""

from collections.abc import Mapping
from datetime import date
from typing import cast

import polars as pl

from plimsoll.domain.errors import first_keys
from plimsoll.domain.findings import Finding
from plimsoll.ingest.messages import finding

# Columns that tell of the past; promised and due dates lie ahead.
PAST = {
    "demand": "date",
    "availability": "date",
    "stock": "date",
    "receipts": "received_date",
    "open_orders": "ordered_date",
}
FEWEST_PERIODS = 3


def last_known_day(tables: Mapping[str, pl.DataFrame], today: date) -> date | None:
    """Return the last day up to today that the tables tell of, or None without any.

    Demand dated on first days of periods only (Mondays, or firsts of months) is taken for period
    totals: its last day is that of its last period. Demand of unknown quantity tells of no day.

    Examples
    --------
    >>> weeks = pl.DataFrame({"date": [date(2026, 10, 5), date(2026, 10, 12), date(2026, 10, 19)]})
    >>> last_known_day({"demand": weeks.with_columns(quantity=1.0)}, date(2026, 11, 21))
    datetime.date(2026, 10, 25)
    >>> last_known_day({"demand": weeks.with_columns(quantity=1.0)}, date(2026, 10, 21))
    datetime.date(2026, 10, 21)
    """
    seen = {name: dates.filter(dates <= today) for name, dates in _dates(tables).items()}
    days = [last_day(dates, of_demand=name == "demand") for name, dates in seen.items() if len(dates)]
    return min(max(days), today) if days else None


def rows_ahead(tables: Mapping[str, pl.DataFrame], today: date) -> list[Finding]:
    """Return the findings about days that lie in the future, which nobody can know."""
    ahead = {name: dates.filter(dates > today).sort() for name, dates in _dates(tables).items()}
    return [
        finding("dated_ahead", name, len(days), first_keys(days), today=today)
        for name, days in ahead.items()
        if len(days)
    ]


def _dates(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.Series]:
    """Return the days that tables tell of the past, once each, by table."""
    found = {}
    for name, column in PAST.items():
        if name in tables:
            rows = tables[name].select(column, *(["quantity"] if name == "demand" else []))
            found[name] = rows.drop_nulls()[column].unique()
    return found


def last_day(seen: pl.Series, *, of_demand: bool) -> date:
    """Return the last day of some dates; of demand by period, the last day of the last period."""
    return _end_of_period(seen) if of_demand else _last(seen)


def _last(dates: pl.Series) -> date:
    return cast("date", dates.max())


def _end_of_period(seen: pl.Series) -> date:
    """Return the last day of the last period if all dates begin periods, else the last date."""
    if len(seen) < FEWEST_PERIODS:
        return _last(seen)
    if (seen.dt.day() == 1).all():
        return _last(seen.dt.month_end())
    return _last(seen.dt.offset_by("6d") if (seen.dt.weekday() == 1).all() else seen)
