"""A mapping proposed from headers and values, with its confidence, for a person to edit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from plimsoll.domain.errors import InputError
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import Table, input_tables, table
from plimsoll.ingest.coerce import as_text
from plimsoll.ingest.dates import read_dates
from plimsoll.ingest.headers import FITTING, KNOWN, fits_values, plain, scores, unit_in
from plimsoll.ingest.knowledge import last_day
from plimsoll.ingest.mapping import (
    Cell,
    Mapping,
    Note,
    TableMap,
    Wide,
    find_mapping,
    shipped_mappings,
)
from plimsoll.ingest.numbers import decimal_sign, read_numbers
from plimsoll.ingest.vocabulary import dimension, needed, words
from plimsoll.ingest.wide import period_columns

LEAST_TABLE = 0.35
SURE = 0.7
FEWEST_PERIODS = 3
NAMED_FITTING = 0.5  # share of values that must fit a column of just that name; the others are set aside
REPEATING = 0.1  # share of repeated keys beyond which the rows are something else than a list of keys
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
    lacking: tuple[str, ...] = ()
    unfit: dict[str, str] = field(default_factory=dict)  # header -> column it is called like


def propose(raws: Sequence[RawTable], given: Mapping | None = None, *, today: date = date.max) -> Mapping:
    """Return the mapping that fits the source best; `notes` says how sure each column is.

    A source with exactly the headers of a shipped mapping gets that mapping. Otherwise a header
    fits a column by its name (the same, a known word in four languages, contained, or similar) if
    most values can be read as the column. Columns named like periods become rows of demand. A
    table of items, points or lanes also fills the other masters whose columns it holds. A raw table
    that is called like one of ours but lacks its columns is taken for no other.

    Parameters
    ----------
    raws : the source
    given : a mapping without tables, whose other settings are kept
    today : demand dated later does not tell on which day stock was counted

    Errors: InputError when no table is recognised.

    Examples
    --------
    >>> frame = pl.DataFrame({"Material": ["A"], "Datum": ["2024-01-05"], "Menge": ["3"]})
    >>> part = propose([RawTable("Absatz", "x.csv", frame)]).tables[0]
    >>> part.table, part.columns["quantity"].column
    ('demand', 'Menge')
    """
    for name in shipped_mappings() if given is None else ():
        if (known := find_mapping(name)).fits(raws):
            return known
    given = given or Mapping(table=())
    parts: list[TableMap] = []
    notes: list[Note] = []
    for raw in raws:
        matches, lacking = _matches(raw)
        notes += lacking
        used = {header for match in matches for header in match.headers.values()}
        unfit = {header: column for match in matches for header, column in match.unfit.items()}
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
            Note(table="", from_=raw.name, column=unfit.get(header, ""), header=header, confidence=0.0)
            for header in raw.frame.columns
            if header not in used | periods
        ]
    if not parts:
        names = ", ".join(raw.name for raw in raws)
        what = f"No table is recognised in {names}."
        headers = {raw.name: ", ".join(raw.frame.columns) for raw in raws}
        near = [
            f"'{note.from_}' is called like our '{note.table}', but none of its columns "
            f"({headers[note.from_]}) was recognised as {note.column}."
            for note in notes
            if not note.header
        ]
        remedy = f"Write a mapping (TOML) that fills some of {', '.join(input_tables())}."
        raise InputError(what, why=" ".join(near), remedy=remedy)
    source = given.source
    if source.as_of is None and any(part.table == "stock" and "date" not in part.columns for part in parts):
        source = source.model_copy(update={"as_of": _last_day(raws, parts, today)})
    return given.model_copy(update={"source": source, "tables": tuple(parts), "notes": tuple(notes)})


def _matches(raw: RawTable) -> tuple[list[_Match], list[Note]]:
    """Return the best table for a raw table with further ones that its columns fill, or what is lacking."""
    periods = period_columns(raw.frame.columns)
    wide = len(periods) >= FEWEST_PERIODS
    headers = [name for name in raw.frame.columns if not wide or name not in periods]
    every = [_match(raw, headers, table(name), wide=wide) for name in input_tables()]
    best = max(every, key=lambda match: match.score)
    namesakes = [match for match in every if _called(raw.name, match.name) == 1.0]
    if namesakes and not any(match.score for match in namesakes):
        notes = [
            Note(table=match.name, from_=raw.name, column=", ".join(match.lacking), header="", confidence=0.0)
            for match in namesakes[:1]
        ]
        return [], notes
    if best.score < LEAST_TABLE:
        return [], []
    beside = MASTERS if wide else BESIDE.get(best.name, ())
    others = (match for match in every if match.name in beside and match is not best and _adds(match, best))
    return [best, *others], []


def _match(raw: RawTable, headers: list[str], declared: Table, *, wide: bool) -> _Match:
    name = declared.name
    ranked = sorted(
        ((score, header, column) for header in headers for column, score in scores(header).items()
         if column in declared.names),
        key=lambda each: (-each[0], declared.names.index(each[2]), headers.index(each[1])),
    )  # fmt: skip
    found: dict[str, str] = {}
    confidence: dict[str, float] = {}
    unfit: dict[str, str] = {}
    for score, header, column in ranked:
        if column in found or header in found.values():
            continue
        share = NAMED_FITTING if score >= KNOWN else FITTING
        if fits_values(raw.frame[header], declared.column(column), _unit(declared, column, header), share):
            found[column], confidence[column] = header, score
        elif score >= KNOWN:
            unfit[header] = column
    filled = {"date", "quantity"} if wide and name == "demand" else set()
    open_ = set(FILLED) - ({"location_id"} if name == "locations" else set()) | filled
    open_ |= set(NUMBERED) | ({"date"} if name == "stock" else set())
    wanted = [column for column in needed(declared) if column not in open_]
    lacking = tuple(column for column in wanted if column not in found)
    gains = [column for column in found if column not in declared.key] or _called(raw.name, name) == 1
    if lacking or not (gains or filled):
        return _Match(name, found, confidence, 0.0, lacking)
    telling = wanted or [column for column in declared.key if column in found]
    certainty = sum(confidence[column] for column in telling) / len(telling) if telling else 0.0
    coverage = len(found) / len(headers) if headers else 1.0
    score = 0.5 * _called(raw.name, name) + 0.25 * certainty + 0.25 * coverage + (0.5 if filled else 0.0)
    return _Match(name, found, confidence, score, unfit=unfit)


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
        table=match.name,
        **{"from": raw.name},
        columns=cells,
        distinct=repeats,
        wide=Wide(blank=_blank(raw)) if wide else None,
    )


def _blank(raw: RawTable) -> str:
    """Return what blank cells under periods mean: nothing asked for if there are blanks but no zeros."""
    cells = pl.concat(as_text(raw.frame[name]).rename("cell") for name in period_columns(raw.frame.columns))
    values = read_numbers(cells, decimal_sign([cells])[0])["value"]
    return "zero" if cells.null_count() and not (values == 0).any() else "unknown"


def _repeats(raw: RawTable, match: _Match) -> bool:
    """Return whether the rows are not a list of keys: a few repeated keys are faults of such a list."""
    key = [match.headers[column] for column in table(match.name).key if column in match.headers]
    n_keys = raw.frame.select(pl.struct(key).n_unique()).item()
    return bool(raw.frame.height - n_keys > REPEATING * raw.frame.height)


def _last_day(raws: Sequence[RawTable], parts: Sequence[TableMap], today: date) -> date | None:
    """Return the last day of demand or receipts, by which a count of stock without a date is dated."""
    frames = {raw.name: raw.frame for raw in raws}
    days = []
    for part in parts:
        cell = part.columns.get("date") or part.columns.get("received_date")
        if part.wide:
            texts = pl.Series(_told(frames[part.from_]))
        elif cell is not None and cell.column is not None:
            texts = as_text(frames[part.from_][cell.column])
        else:
            continue
        seen = read_dates(texts).values.drop_nulls().unique()
        if len(seen := seen.filter(seen <= today)):
            days.append(min(last_day(seen, of_demand=part.table == "demand"), today))
    return max(days, default=None)


def _told(frame: pl.DataFrame) -> list[str]:
    """Return the period columns that hold anything."""
    names = period_columns(frame.columns)
    return [name for name in names if as_text(frame[name]).null_count() < frame.height]
