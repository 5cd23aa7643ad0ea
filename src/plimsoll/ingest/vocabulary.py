"""Words of users that mean the same, kept as data in the folder `words`."""

from functools import cache
from importlib.resources import files

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.tables import Column, Table

RATE = "share per year"


@cache
def words(name: str) -> pl.DataFrame:
    """Return a list of words as a frame of texts.

    Examples
    --------
    >>> words("months").row(0)
    ('jan', '1')
    """
    data = files("plimsoll.ingest").joinpath("words", f"{name}.csv").read_bytes()
    return pl.read_csv(data, infer_schema=False)


def dimension(column: Column) -> str:
    """Return what a column counts: time, share, rate, quantity, money, or nothing.

    Examples
    --------
    >>> from plimsoll.domain.tables import table
    >>> dimension(table("lanes").column("lead_time_days_set"))
    'time'
    """
    unit = column.unit
    if unit == RATE:
        return "rate"
    starts = {"days": "time", "share": "share", "units": "quantity", "pieces": "quantity", "money": "money"}
    return next((meaning for start, meaning in starts.items() if unit.startswith(start)), "")


def needed(declared: Table) -> tuple[str, ...]:
    """Return the columns that something must fill: those required, and the quantity of demand.

    A quantity may be unknown in one period, but a table without any is no demand.

    Examples
    --------
    >>> from plimsoll.domain.tables import table
    >>> needed(table("demand"))
    ('date', 'item_id', 'location_id', 'quantity')
    """
    return (*declared.required, "quantity") if declared.name == "demand" else declared.required


def unit_factor(unit: str, column: Column) -> float:
    """Return the factor from a unit to the column's own; an unknown unit is refused with the nearest known.

    Examples
    --------
    >>> from plimsoll.domain.tables import table
    >>> unit_factor("weeks", table("lanes").column("lead_time_days_set"))
    7.0
    """
    known = dict(words("units").filter(dimension=dimension(column)).select("unit", "factor").rows())
    if unit.lower() in known:
        return float(known[unit.lower()])
    what = f"Unit '{unit}' is not known for column '{column.name}' (which is in {column.unit or 'no unit'})."
    remedy = did_you_mean(unit.lower(), known) or "Use multiply = … with a factor."
    raise InputError(what, remedy=f"{remedy} Known: {', '.join(known) or 'none'}.")
