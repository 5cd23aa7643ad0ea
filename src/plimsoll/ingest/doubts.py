"""What a column itself says against its mapping: another unit, another order, a calendar that is assumed."""

from typing import Any

import polars as pl

from plimsoll.domain.errors import first_keys
from plimsoll.domain.findings import Finding
from plimsoll.domain.tables import Column, Table
from plimsoll.ingest.coerce import Coerced
from plimsoll.ingest.dates import DateTexts
from plimsoll.ingest.headers import unit_in
from plimsoll.ingest.mapping import Cell
from plimsoll.ingest.messages import finding
from plimsoll.ingest.vocabulary import dimension, unit_factor, words

LONGEST_USUAL_DAYS = 365.0  # half of a company's lead times beyond a year: rather days taken for weeks
LEAST_USUAL_RATE = 0.01  # half of the holding rates below 1 % a year: rather shares taken for percent


def doubts(read: Coerced, declared: Table, column: Column, cell: Cell) -> list[Finding]:
    """Return what there is to say about how a raw column was read.

    Parameters
    ----------
    read : the column in its canonical type
    declared, column : the canonical table and column
    cell : how the mapping reads it
    """
    if cell.column is None:
        return []
    if cell.counts:
        n, first = read.values.drop_nulls().len(), cell.first_day
        return [finding("calendar_assumed", declared.name, n, cell.column, counts=cell.counts, first=first)]
    if read.dates is not None:
        return _of_dates(read.dates, declared, cell.column)
    if dimension(column) in ("time", "rate"):
        return _unit(read.values, declared, column, cell)
    return []


def _of_dates(dates: DateTexts, declared: Table, column: str) -> list[Finding]:
    """Return how the order of day and month was told, and which dates are in another format than most."""
    found = []
    if dates.order:
        found.append(finding("date_order", declared.name, dates.n_evidence, column, order=dates.order))
    if dates.n_other:
        keys = first_keys(dates.other)
        found.append(finding("date_formats_mixed", declared.name, dates.n_other, keys, column=column))
    return found


def _unit(values: pl.Series, declared: Table, column: Column, cell: Cell) -> list[Finding]:
    """Return the finding that header or values speak for another unit than the mapping."""
    default = words("units").filter(dimension=dimension(column))["unit"][0]
    stated, header = cell.unit or default, unit_in(cell.column or "")[1]
    known = words("units").filter(dimension=dimension(column))["unit"].to_list()
    said: dict[str, Any] = {"column": column.name, "unit": stated, "header": header}
    n = values.drop_nulls().len()
    plain = cell.multiply == 1.0 and cell.divide_by is None
    if plain and header and header in known and unit_factor(header, column) != unit_factor(stated, column):
        return [finding("unit_contradicts_header", declared.name, n, cell.column or "", **said)]
    middle = values.median()
    if not isinstance(middle, float) or cell.unit is None:
        return []
    far = {
        "lead_time_days_set": middle > LONGEST_USUAL_DAYS,
        "holding_rate": 0 < middle < LEAST_USUAL_RATE,
    }
    if not far.get(column.name, False):
        return []
    shown = f"{middle:,.0f} days" if dimension(column) == "time" else f"{middle:.2%} a year"
    return [finding("unit_doubtful", declared.name, n, cell.column or "", **said, middle=shown)]
