"""Columns that are periods turned into rows."""

import re

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean, first_keys
from plimsoll.domain.raw import RawTable
from plimsoll.ingest.dates import read_dates
from plimsoll.ingest.mapping import Formats, Wide, date_forms

PERIOD, CELL = "(period)", "(cell)"


def period_columns(names: list[str]) -> list[str]:
    """Return the columns whose names are weeks, months or days.

    Examples
    --------
    >>> period_columns(["Material", "2024-W05", "Jan 2024", "01/2024", "2024", "45296"])
    ['2024-W05', 'Jan 2024', '01/2024']
    """
    worded = [name for name in names if not name.isdigit() or len(name) in (6, 8)]
    read = read_dates(pl.Series(worded, dtype=pl.String))
    dated = set(pl.Series(worded, dtype=pl.String).filter(read.values.is_not_null())) | set(read.undecided)
    return [name for name in names if name in dated]


def to_long(raw: RawTable, frame: pl.DataFrame, names: list[str], formats: Formats) -> pl.DataFrame:
    """Return one row for each cell under a period, with columns `(period)` and `(cell)`.

    Errors: InputError when a column's name is no period.
    """
    read = read_dates(pl.Series(names), date_forms(formats))
    bad = [name for name, day in zip(names, read.values, strict=True) if day is None]
    if bad:
        why = "Day and month could be exchanged. " if read.undecided else ""
        what = f"{len(bad)} columns of '{raw.name}' are not understood as periods: {first_keys(bad)}."
        remedy = (
            "Name them like 2024-W05, 2024-01 or 2024-01-15, set date_format, or list the period columns."
        )
        raise InputError(what, why=why.strip(), remedy=remedy)
    long = frame.unpivot(
        names,
        index=[name for name in frame.columns if name not in names],
        variable_name=PERIOD,
        value_name=CELL,
    )
    return long.with_columns(pl.col(PERIOD).replace_strict(names, read.values, return_dtype=pl.Date))


def chosen_periods(raw: RawTable, wide: Wide) -> list[str]:
    """Return the columns that a mapping takes for periods; none at all is refused."""
    names = raw.frame.columns
    if isinstance(wide.columns, tuple):
        chosen = list(wide.columns)
        absent = [name for name in chosen if name not in names]
        if absent:
            what = f"'{raw.name}' lacks the period columns {first_keys(absent)}."
            raise InputError(what, remedy=did_you_mean(absent[0], names))
    elif wide.columns == "auto":
        chosen = period_columns(names)
    else:
        chosen = [name for name in names if re.search(wide.columns, name)]
    if not chosen:
        what = f"No column of '{raw.name}' is a period (wanted: {wide.columns})."
        raise InputError(what, remedy=f"Columns available: {first_keys(names, shown=12)}.")
    return chosen
