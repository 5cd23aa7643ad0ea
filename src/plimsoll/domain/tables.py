"""Schema files turned into Polars schemas: the only place where dtypes are spelled."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean, first_keys

DTYPES: dict[str, pl.DataType] = {
    "str": pl.String(),
    "f64": pl.Float64(),
    "i64": pl.Int64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "list": pl.List(pl.Float64()),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column of a table.

    `null` is "required" (never null) or "unknown" (null means not known);
    `status` is "input" (given by the user) or "result" (computed).
    """

    name: str
    dtype: pl.DataType
    unit: str
    is_key: bool
    null: str
    choices: tuple[str, ...]
    min: float | None
    max: float | None
    status: str
    description: str


@dataclass(frozen=True, slots=True)
class Table:
    """One declared table: its name and its columns in order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the key columns."""
        return tuple(column.name for column in self.columns if column.is_key)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that may not be null."""
        return tuple(column.name for column in self.columns if column.null == "required")

    @property
    def schema(self) -> pl.Schema:
        """The Polars schema."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def column(self, name: str) -> Column:
        """Return one column by name; an unknown name is answered with the nearest known one."""
        for column in self.columns:
            if column.name == name:
                return column
        what = f"Table '{self.name}' has no column '{name}'."
        raise InputError(what, remedy=did_you_mean(name, self.names))

    def empty(self) -> pl.DataFrame:
        """Return a frame with this table's columns and no rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame in this table's column order and dtypes, sorted by key.

        Columns that may be unknown and are absent come back as null. A column that is not
        declared, a required column that is absent or null, and a repeated key are errors:
        stages hand over finished tables.
        """
        undeclared = [name for name in frame.columns if name not in self.names]
        if undeclared:
            what = f"Table '{self.name}' was given undeclared columns: {', '.join(undeclared)}."
            raise InputError(what, remedy=did_you_mean(undeclared[0], self.names))
        missing = [name for name in self.required if name not in frame.columns]
        if missing:
            what = f"Table '{self.name}' lacks required columns: {', '.join(missing)}."
            raise InputError(what)
        absent = [
            pl.lit(None, dtype=column.dtype).alias(column.name)
            for column in self.columns
            if column.name not in frame.columns
        ]
        shaped = frame.with_columns(absent).select(
            pl.col(column.name).cast(column.dtype) for column in self.columns
        )
        nulls = [name for name in self.required if shaped[name].null_count()]
        if nulls:
            what = f"Table '{self.name}' has nulls in required columns: {', '.join(nulls)}."
            raise InputError(what)
        known = shaped.drop_nulls(self.key) if self.key else shaped
        repeated = known.filter(known.select(self.key).is_duplicated())
        if repeated.height:
            keys = first_keys(
                "/".join(map(str, row))
                for row in repeated.select(self.key).unique(maintain_order=True).head(6).rows()
            )
            what = f"Table '{self.name}': {repeated.height} rows share a key ({keys})."
            raise InputError(what)
        return shaped.sort(self.key, maintain_order=True)


def _number(text: str) -> float | None:
    return float(text) if text else None


@cache
def table(name: str) -> Table:
    """Return the declared table of that name.

    Examples
    --------
    >>> table("bom").key
    ('parent_item_id', 'component_item_id', 'valid_from')
    """
    if name not in table_names():
        what = f"There is no table '{name}'."
        raise InputError(what, remedy=did_you_mean(name, table_names()))
    text = files("plimsoll.domain").joinpath("schema", f"{name}.csv").read_text(encoding="utf-8")
    columns = []
    for line in text.splitlines()[1:]:
        column, dtype, unit, key, null, choices, low, high, status, description = line.split(",")
        columns.append(
            Column(
                name=column,
                dtype=DTYPES[dtype],
                unit=unit,
                is_key=key == "key",
                null=null,
                choices=tuple(choices.split("|")) if choices else (),
                min=_number(low),
                max=_number(high),
                status=status,
                description=description,
            )
        )
    return Table(name, tuple(columns))


@cache
def table_names() -> tuple[str, ...]:
    """Return the names of all declared tables."""
    folder = files("plimsoll.domain").joinpath("schema")
    return tuple(sorted(file.name[:-4] for file in folder.iterdir() if file.name.endswith(".csv")))


@cache
def input_tables() -> tuple[str, ...]:
    """Return the names of the canonical tables that a user's data fill."""
    return tuple(name for name in table_names() if table(name).columns[0].status == "input")
