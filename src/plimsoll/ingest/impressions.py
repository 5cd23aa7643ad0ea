"""What raw tables show before anything is mapped: damaged letters, rows that differ by a number only."""

from collections.abc import Sequence

import polars as pl

from plimsoll.domain.errors import first_keys
from plimsoll.domain.findings import Finding
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import table
from plimsoll.ingest.mapping import Mapping, matching
from plimsoll.ingest.messages import finding
from plimsoll.ingest.repeats import sharing

# UTF-8 read as Latin letters and written again, or letters already lost.
DAMAGED = "\u00c3[\u0080-\u00bf\u2018-\u203a\u0152-\u017e]|\u00e2\u20ac|\u00ef\u00bf\u00bd|\ufffd"
SAMPLE = 2_000
LINES = ("demand", "receipts", "open_orders")  # few columns of a master list are alike without a doubt


def impressions(raws: Sequence[RawTable], mapping: Mapping) -> list[Finding]:
    """Return what raw tables show by themselves, all their columns considered.

    Parameters
    ----------
    raws : the raw tables
    mapping : tells which columns are numbers of rows
    """
    return [found for raw in raws for found in (*_damaged(raw), *_alike(raw, mapping))]


def _damaged(raw: RawTable) -> list[Finding]:
    found = []
    for name, dtype in raw.frame.schema.items():
        if dtype != pl.String:
            continue
        bad = raw.frame.filter(pl.col(name).str.contains(DAMAGED))[name]
        if len(bad):
            shown = first_keys(bad.unique(maintain_order=True).head(6))
            found.append(finding("letters_damaged", raw.name, len(bad), shown, column=name))
    return found


def _alike(raw: RawTable, mapping: Mapping) -> list[Finding]:
    """Return the finding of rows that repeat an earlier one in all but the column that numbers the rows."""
    number = _number(raw, mapping)
    others = [name for name in raw.frame.columns if name != number]
    if number is None or len(others) < 2:
        return []
    twins = sharing(raw.frame, others)
    again = twins.filter(~pl.struct(others).is_first_distinct())
    if again.is_empty():
        return []
    return [finding("rows_alike", raw.name, again.height, first_keys(again[number].head(6)), column=number)]


def _number(raw: RawTable, mapping: Mapping) -> str | None:
    """Return the one column mapped to a key that is different in every row, or None."""
    named = {
        cell.column
        for part in mapping.tables
        if part.table in LINES and matching([raw], part)
        for name, cell in part.columns.items()
        if name in table(part.table).key and table(part.table).column(name).dtype == pl.String()
    }
    return next((name for name in raw.frame.columns if name in named and _differs(raw.frame[name])), None)


def _differs(column: pl.Series) -> bool:
    """Return whether no value is blank and none repeats; most columns show it in a few rows."""
    if column.null_count() or column.head(SAMPLE).is_duplicated().any():
        return False
    return column.n_unique() == len(column)
