"""A mapping proposed from headers and values, with its confidence, for a person to edit."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from plimsoll.domain.errors import InputError
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import Table, input_tables, table
from plimsoll.ingest.coerce import as_text
from plimsoll.ingest.dates import read_dates
from plimsoll.ingest.headers import fits_values, plain, scores, unit_in
from plimsoll.ingest.mapping import (
    Cell,
    Mapping,
    Note,
    Source,
    TableMap,
    Wide,
    find_mapping,
    shipped_mappings,
)
from plimsoll.ingest.vocabulary import dimension, words
from plimsoll.ingest.wide import period_columns

LEAST_TABLE = 0.35
SURE = 0.7
FEWEST_PERIODS = 3
MASTERS = ("items", "stocking_points", "lanes", "stock")
BESIDE = {
    **dict.fromkeys(MASTERS, MASTERS),
    "demand": ("availability",),
}  # what one raw table may fill as well
FILLED = ("location_id", "to_location_id", "from_location_id")  # read() knows what to put there
NUMBERED = ("order_id",)  # a row number will do


@dataclass(frozen=True, slots=True)
class _Match:
    """Which headers fill one canonical table, and how sure that is."""

    name: str
    headers: dict[str, str]
    confidence: dict[str, float]
    score: float


def propose(raws: Sequence[RawTable]) -> Mapping:
    """Return the mapping that fits the source best; `notes` says how sure each column is.

    A source with exactly the headers of a shipped mapping gets that mapping. Otherwise a header
    fits a column by its name (the same, a known word in four languages, contained, or similar) if
    most values can be read as the column. Columns named like periods become rows of demand. A
    table of items, points or lanes also fills the other masters whose columns it holds.

    Errors: InputError when no table is recognised.

    Examples
    --------
    >>> frame = pl.DataFrame({"Material": ["A"], "Datum": ["2024-01-05"], "Menge": ["3"]})
    >>> part = propose([RawTable("Absatz", "x.csv", frame)]).tables[0]
    >>> part.table, part.columns["quantity"].column
    ('demand', 'Menge')
    """
    for name in shipped_mappings():
        if (known := find_mapping(name)).fits(raws):
            return known
    parts: list[TableMap] = []
    notes: list[Note] = []
    for raw in raws:
        matches = _matches(raw)
        used = {header for match in matches for header in match.headers.values()}
        parts += [_part(raw, match) for match in matches]
        notes += [
            Note(
                table=match.name,
                from_=raw.name,
                column=column,
                header=header,
                confidence=match.confidence[column],
            )
            for match in matches
            for column, header in match.headers.items()
        ]
        periods = set(period_columns(raw.frame.columns)) if any(part.wide for part in parts) else set()
        notes += [
            Note(table="", from_=raw.name, column="", header=header, confidence=0.0)
            for header in raw.frame.columns
            if header not in used | periods
        ]
    if not parts:
        names = ", ".join(raw.name for raw in raws)
        what = f"No table is recognised in {names}."
        remedy = f"Write a mapping (TOML) that fills some of {', '.join(input_tables())}."
        raise InputError(what, remedy=remedy)
    undated = any(part.table == "stock" and "date" not in part.columns for part in parts)
    source = Source(as_of=_last_day(raws, parts)) if undated else Source()
    return Mapping(source=source, table=tuple(parts), notes=tuple(notes))


def _matches(raw: RawTable) -> list[_Match]:
    """Return the best table for a raw table and the further masters that its columns fill."""
    periods = period_columns(raw.frame.columns)
    wide = len(periods) >= FEWEST_PERIODS
    headers = [name for name in raw.frame.columns if not wide or name not in periods]
    every = [_match(raw, headers, table(name), wide=wide) for name in input_tables()]
    best = max(every, key=lambda match: match.score)
    if best.score < LEAST_TABLE:
        return []
    beside = MASTERS if wide else BESIDE.get(best.name, ())
    return [
        best,
        *(match for match in every if match.name in beside and match is not best and _adds(match, best)),
    ]


def _match(raw: RawTable, headers: list[str], declared: Table, *, wide: bool) -> _Match:
    name = declared.name
    ranked = sorted(
        ((score, header, column) for header in headers for column, score in scores(header).items()
         if column in declared.names),
        key=lambda each: (-each[0], declared.names.index(each[2]), headers.index(each[1])),
    )  # fmt: skip
    found: dict[str, str] = {}
    confidence: dict[str, float] = {}
    for score, header, column in ranked:
        if column in found or header in found.values():
            continue
        if fits_values(raw.frame[header], declared.column(column), _unit(declared, column, header)):
            found[column], confidence[column] = header, score
    filled = {"date", "quantity"} if wide and name == "demand" else set()
    open_ = set(FILLED) - ({"location_id"} if name == "locations" else set()) | filled
    open_ |= set(NUMBERED) | ({"date"} if name == "stock" else set())
    needed = [column for column in declared.required if column not in open_]
    gains = [column for column in found if column not in declared.key] or _called(raw.name, name) == 1
    if not all(column in found for column in needed) or not (gains or filled):
        return _Match(name, found, confidence, 0.0)
    certainty = sum(confidence[column] for column in needed) / len(needed)
    coverage = len(found) / len(headers) if headers else 1.0
    score = 0.5 * _called(raw.name, name) + 0.25 * certainty + 0.25 * coverage + (0.5 if filled else 0.0)
    return _Match(name, found, confidence, score)


def _called(raw_name: str, name: str) -> float:
    """Return how well the name of a raw table says what it is."""
    known = dict(words("tables").rows())[name].split("|")
    text = plain(raw_name)
    return max(
        1.0 if text == word else len(word) / len(text) if f" {word} " in f" {text} " else 0.0
        for word in known
    )


def _adds(match: _Match, best: _Match) -> bool:
    """Return whether a further master has sure columns of its own, not claimed by the best table."""
    claimed = set(best.headers.values())
    key = table(match.name).key
    own = [column for column, header in match.headers.items() if column not in key and header not in claimed]
    return match.score > 0 and any(match.confidence[column] >= SURE for column in own)


def _unit(declared: Table, column: str, header: str) -> str | None:
    unit = unit_in(header)[1]
    kinds = {"percent": ("share", "rate")}.get(unit or "", ("time",))
    return unit if dimension(declared.column(column)) in kinds else None


def _part(raw: RawTable, match: _Match) -> TableMap:
    declared = table(match.name)
    cells = {
        column: Cell(column=match.headers[column], unit=_unit(declared, column, match.headers[column]))
        for column in declared.names
        if column in match.headers
    }
    if "order_id" in declared.required and "order_id" not in cells:
        cells["order_id"] = Cell(row=True)
    wide = match.name == "demand" and "date" not in cells
    repeats = match.name in ("items", "lanes", "stocking_points") and _repeats(raw, match)
    return TableMap(
        table=match.name, **{"from": raw.name}, columns=cells, distinct=repeats, wide=Wide() if wide else None
    )


def _repeats(raw: RawTable, match: _Match) -> bool:
    key = [match.headers[column] for column in table(match.name).key if column in match.headers]
    return bool(raw.frame.select(pl.struct(key).is_duplicated().any()).item())


def _last_day(raws: Sequence[RawTable], parts: Sequence[TableMap]) -> object:
    """Return the last day of demand or receipts, by which a count of stock without a date is dated."""
    frames = {raw.name: raw.frame for raw in raws}
    days = []
    for part in parts:
        cell = part.columns.get("date") or part.columns.get("received_date")
        if part.wide:
            names = pl.Series(period_columns(frames[part.from_].columns))
            days.append(read_dates(names).values.max())
        elif cell is not None and cell.column is not None:
            days.append(read_dates(as_text(frames[part.from_][cell.column])).values.max())
    return max((day for day in days if day is not None), default=None)
