"""The mapping from a user's columns and units to the canonical tables: a TOML file that people edit."""

import re
import tomllib
from collections.abc import Collection, Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

import polars as pl
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from plimsoll.domain.errors import InputError, did_you_mean, first_keys
from plimsoll.domain.findings import Finding
from plimsoll.domain.params import Params, complaint
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import input_tables, table
from plimsoll.ingest.messages import finding
from plimsoll.ingest.vocabulary import unit_factor

Scalar = bool | int | float | date | str
Formats = str | tuple[str, ...]


class Source(Params):
    """What holds for the whole source: signs, dates, encoding, first and last day of knowledge, currency."""

    decimal: Literal["auto", ".", ","] = "auto"
    date_format: Formats = "auto"
    encoding: str | None = None
    as_of: date | None = None
    history_start: date | None = None
    currency: str | None = None

    @field_validator("date_format")
    @classmethod
    def _formats(cls, given: Formats) -> Formats:
        return check_formats(given)


class Cell(Params):
    """How one canonical column is filled: from a column, with one value, or with the row's number.

    A date column may be filled from a column that `counts` periods; its period 1 begins on `first_day`.
    """

    column: str | None = None
    value: Scalar | None = None
    row: bool = False
    multiply: float = 1.0
    divide_by: float | str | None = None
    unit: str | None = None
    date_format: Formats | None = None
    decimal: Literal[".", ","] | None = None
    counts: Literal["days", "weeks", "months"] | None = None
    first_day: date | None = None
    values: dict[str, str] = Field(default_factory=dict)

    @field_validator("date_format")
    @classmethod
    def _formats(cls, given: Formats | None) -> Formats | None:
        return given if given is None else check_formats(given)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.column is not None) + (self.value is not None) + self.row != 1:
            message = "give exactly one of column, value and row"
            raise ValueError(message)
        if (self.counts is None) != (self.first_day is None):
            message = "give counts and first_day together: what is counted, and the day on which 1 begins"
            raise ValueError(message)
        return self


class Condition(Params):
    """Which rows to take by the text in one column; blank cells are not given."""

    equals: tuple[str, ...] | None = None
    not_equals: tuple[str, ...] | None = None
    given: bool | None = None


class Wide(Params):
    """Columns that are periods, by pattern or list: their names become dates and their cells quantities.

    A blank cell is not known, or with `blank` "zero" it is nothing asked for.
    """

    columns: str | tuple[str, ...] = "auto"
    date: str = "date"
    quantity: str = "quantity"
    unit: str | None = None
    multiply: float = 1.0
    blank: Literal["unknown", "zero"] = "unknown"


class TableMap(Params):
    """One canonical table filled from one raw table, or from all whose names match a pattern.

    With `distinct`, rows that repeat a key are merged into one: the latest by column `latest_by`,
    or else the first. An `optional` map is passed over when the source lacks its raw table.
    """

    table: str
    from_: str = Field(alias="from")
    optional: bool = False
    distinct: bool = False
    latest_by: str | None = None
    filter: dict[str, Condition] = Field(default_factory=dict)
    columns: dict[str, Cell] = Field(default_factory=dict)
    wide: Wide | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _short_cells(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: {"column": cell} if isinstance(cell, str) else cell for name, cell in given.items()}

    @field_validator("filter", mode="before")
    @classmethod
    def _short_conditions(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: _condition(condition) for name, condition in given.items()}

    @property
    def raw_columns(self) -> list[str]:
        """Names of the raw columns that this map reads, without periods."""
        cells = self.columns.values()
        named = [part for cell in cells for part in (cell.column, cell.divide_by) if isinstance(part, str)]
        latest = [self.latest_by] if self.latest_by else []
        return list(dict.fromkeys([*named, *self.filter, *latest]))


class Note(Params):
    """How sure a proposal is of one column.

    Without a table, the header is not used, though perhaps called like the column; without a header,
    nothing was recognised as the column of a raw table that is called like the table.
    """

    table: str
    from_: str
    column: str
    header: str
    confidence: float


class Mapping(Params):
    """A whole mapping, frozen; `headers` names the source that it was made for.

    Without tables it only says how to read a source, for which tables are then proposed.
    """

    title: str = ""
    source: Source = Source()
    constants: dict[str, Scalar] = Field(default_factory=dict)
    headers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    tables: tuple[TableMap, ...] = Field(default=(), alias="table")
    notes: tuple[Note, ...] = Field(default=(), exclude=True, repr=False)

    @classmethod
    def from_text(cls, text: str, name: str = "mapping") -> Self:
        r"""Return the mapping written in a TOML text.

        Errors: InputError for TOML that cannot be read, unknown keys, tables, columns or units,
        each with the nearest known word.

        Examples
        --------
        >>> text = '[[table]]\ntable = "items"\nfrom = "parts"\ncolumns = { item_id = "Material" }'
        >>> Mapping.from_text(text).tables[0].columns["item_id"].column
        'Material'
        """
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            what = f"The mapping '{name}' is not valid TOML: {error}."
            raise InputError(what, remedy="Correct that line.") from error
        try:
            mapping = cls.model_validate(values)
        except ValidationError as error:
            raise _refusal(name, error, values) from error
        _check(mapping, name)
        return mapping

    def missing(self, raws: Sequence[RawTable]) -> None:
        """Refuse a source that lacks a raw table or column that this mapping names.

        Errors: InputError with table, column, nearest match, and the names available.
        """
        if not self.tables:
            what = "The mapping has no [[table]]."
            raise InputError(what, remedy="Add one for each table to fill.")
        for part in self.tables:
            found = matching(raws, part)
            if not found and not part.optional:
                names = [raw.name for raw in raws]
                what = (
                    f"The mapping fills '{part.table}' from '{part.from_}', which the source does not have."
                )
                remedy = f"{did_you_mean(part.from_, names)} Tables available: {', '.join(names)}."
                remedy += " For another kind of source give a mapping of its own with --mapping."
                raise InputError(what, remedy=remedy.strip())
            for raw in found:
                for column in part.raw_columns:
                    if column not in raw.frame.columns:
                        what = (
                            f"The mapping of '{part.table}' names column '{column}'; '{raw.name}' lacks it."
                        )
                        near = did_you_mean(column, raw.frame.columns)
                        remedy = f"{near} Columns available: {', '.join(raw.frame.columns)}."
                        raise InputError(what, remedy=remedy.strip())

    def without_absent(self, raws: Sequence[RawTable], held: Collection[str]) -> tuple[Self, list[Finding]]:
        """Return the mapping less the tables whose source is absent and which are held, and what to say.

        A table is passed over when something else of the mapping is there and nothing there fills
        part of that table: half of it would replace the whole.
        """
        present = {part.table for part in self.tables if matching(raws, part)}
        absent = [part for part in self.tables if not part.optional and not matching(raws, part)]
        names = list(dict.fromkeys(part.table for part in absent))
        if not names or not present or not set(names) <= set(held) - present:
            return self, []
        rest = self.model_copy(update={"tables": tuple(part for part in self.tables if part not in absent)})
        return rest, [finding("tables_absent", "source", len(names), first_keys(names))]

    def fits(self, raws: Sequence[RawTable]) -> bool:
        """Return whether the source has exactly the headers that this mapping was made for."""
        return bool(self.headers) and self.headers == {raw.name: tuple(raw.frame.columns) for raw in raws}


def matching(raws: Sequence[RawTable], part: TableMap) -> list[RawTable]:
    """Return the raw tables that a map reads, by name or pattern, whatever the case."""
    return [raw for raw in raws if fnmatchcase(raw.name.lower(), part.from_.lower())]


@cache
def shipped_mappings() -> tuple[str, ...]:
    """Return the names of the mappings that come with the package."""
    folder = files("plimsoll.ingest").joinpath("mappings")
    return tuple(sorted(file.name[:-5] for file in folder.iterdir() if file.name.endswith(".toml")))


def find_mapping(name_or_path: str | Path) -> Mapping:
    """Return a shipped mapping by name, or the mapping in a TOML file.

    Examples
    --------
    >>> find_mapping("man").source.as_of
    datetime.date(2014, 11, 2)
    """
    name = str(name_or_path)
    if name in shipped_mappings():
        file = files("plimsoll.ingest").joinpath("mappings", f"{name}.toml")
        return Mapping.from_text(file.read_text(encoding="utf-8"), name)
    try:
        text = Path(name_or_path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"The mapping '{name}' is not UTF-8: byte {error.start}."
        raise InputError(what, remedy="Save it as UTF-8.") from error
    except OSError as error:
        what = f"There is no mapping '{name}': {error.strerror}."
        shipped = ", ".join(shipped_mappings())
        remedy = f"{did_you_mean(name, shipped_mappings())} Give a file or one of: {shipped}."
        raise InputError(what, remedy=remedy.strip()) from error
    return Mapping.from_text(text, name)


def check_formats(given: Formats) -> Formats:
    """Return date formats; one without year, month and day, or their like, is refused."""
    for form in (given,) if isinstance(given, str) else given:
        full = re.search("%[YyGF]", form) and ("%F" in form or re.search("%[mbBjV]", form))
        if form != "auto" and not full:
            message = f"'{form}' is no date format: use 'auto' or signs such as %d.%m.%Y"
            raise ValueError(message)
    return given


def date_forms(formats: Formats) -> tuple[str, ...]:
    """Return the formats that a person fixed; none for "auto".

    Examples
    --------
    >>> date_forms("auto"), date_forms("%d.%m.%Y")
    ((), ('%d.%m.%Y',))
    """
    return tuple(form for form in ((formats,) if isinstance(formats, str) else formats) if form != "auto")


def _condition(given: Any) -> Any:
    if isinstance(given, dict):
        return {key: _texts(value) if key != "given" else value for key, value in given.items()}
    return {"equals": _texts(given)}


def _texts(given: Any) -> list[str]:
    return [str(value) for value in (given if isinstance(given, list) else [given])]


def _check(mapping: Mapping, name: str) -> None:
    """Refuse tables, columns, units and formats that no schema knows."""
    for part in mapping.tables:
        if part.table not in input_tables():
            what = f"The mapping '{name}' fills table '{part.table}', which does not exist."
            near = did_you_mean(part.table, input_tables())
            raise InputError(what, remedy=f"{near} Tables: {', '.join(input_tables())}.".strip())
        wide = [part.wide.date, part.wide.quantity] if part.wide else []
        for column in (*part.columns, *wide):
            declared = table(part.table).column(column)
            cell = part.columns.get(column)
            if cell is not None and cell.unit is not None:
                unit_factor(cell.unit, declared)
            if cell is not None and cell.counts is not None and declared.dtype != pl.Date():
                what = f"The mapping '{name}' counts {cell.counts} in '{column}', which is no date."
                raise InputError(what, remedy="Take counts and first_day away from it.")
        twice = [column for column in wide if column in part.columns]
        if twice:
            what = f"The mapping '{name}' fills '{twice[0]}' of '{part.table}' twice."
            why = "It comes from a column and from the period columns."
            raise InputError(what, why=why, remedy="Take one of them away.")
    again = [part for at, part in enumerate(mapping.tables) if part in mapping.tables[:at]]
    if again:
        what = f"The mapping '{name}' fills '{again[0].table}' from '{again[0].from_}' twice in the same way."
        raise InputError(what, why="Every row would count twice.", remedy="Take one [[table]] away.")
    known = {column for each in input_tables() for column in table(each).names}
    for column in mapping.constants:
        if column not in known:
            what = f"The mapping '{name}' sets the constant '{column}', which is a column of no table."
            raise InputError(what, remedy=did_you_mean(column, known))


def _refusal(name: str, error: ValidationError, values: dict[str, Any]) -> InputError:
    first = error.errors()[0]
    place = _place(first["loc"], values)
    if first["type"] == "missing":
        what = f"The mapping '{name}' lacks '{first['loc'][-1]}' in {place}."
        return InputError(what, remedy="Add it.")
    if first["type"] != "extra_forbidden":
        what = f"The mapping '{name}' is not usable at '{first['loc'][-1]}' in {place}: {complaint(first)}."
        return InputError(what, remedy="Correct it there.")
    model = _model_at(first["loc"])
    known = [field.alias or key for key, field in model.model_fields.items() if key != "notes"]
    what = f"The mapping '{name}' has an unknown key '{first['loc'][-1]}' in {place}."
    near = did_you_mean(str(first["loc"][-1]), known)
    return InputError(what, remedy=f"{near} Known: {first_keys(known, shown=12)}.".strip())


def _place(where: tuple[int | str, ...], values: dict[str, Any]) -> str:
    """Return where in a mapping something is, as its author sees it."""
    if len(where) > 1 and where[0] == "table" and isinstance(where[1], int):
        part = values["table"][where[1]]
        named = f"'{part.get('table', '?')}' from '{part.get('from', '?')}'" if isinstance(part, dict) else ""
        return ", ".join([f"[[table]] {where[1] + 1} ({named})", *map(str, where[2:-1])])
    return ", ".join(f"[{part}]" for part in where[:-1]) or "the file"


def _model_at(place: tuple[int | str, ...]) -> type[BaseModel]:
    inner: dict[str, type[BaseModel]] = {
        "columns": Cell,
        "filter": Condition,
        "wide": Wide,
        "source": Source,
        "table": TableMap,
    }
    return next((inner[str(part)] for part in reversed(place[:-1]) if part in inner), Mapping)
