"""One raw column turned into one canonical column: text, number, date or truth, with what failed."""

from dataclasses import dataclass

import polars as pl

from plimsoll.domain.tables import Column
from plimsoll.ingest.dates import NO_END, DateTexts, read_dates
from plimsoll.ingest.mapping import Cell, Formats, date_forms
from plimsoll.ingest.numbers import read_numbers
from plimsoll.ingest.vocabulary import dimension, unit_factor, words

REASON_OF_TYPE: dict[pl.DataType, str] = {
    pl.Float64(): "not_a_number",
    pl.Int64(): "not_a_number",
    pl.Date(): "not_a_date",
    pl.Boolean(): "not_true_or_false",
    pl.String(): "unknown_choice",
}


@dataclass(frozen=True, slots=True)
class Coerced:
    """A canonical column, where a given value could not be read, and how its dates were read."""

    values: pl.Series
    failed: pl.Series
    dates: DateTexts | None = None


def as_text(raw: pl.Series) -> pl.Series:
    """Return a raw column as trimmed texts, null where blank; whole floats lose their point.

    Examples
    --------
    >>> as_text(pl.Series([1.0, 2.0])).to_list(), as_text(pl.Series([" a ", ""])).to_list()
    (['1', '2'], ['a', None])
    """
    if raw.dtype.is_float():
        whole = raw.is_finite() & (raw == raw.round()) & (raw.abs() < 2**53)
        number = (
            pl.when(whole)
            .then(raw.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(raw.cast(pl.String))
        )
        return (
            raw.fill_nan(None)
            .to_frame("raw")
            .select(pl.when(pl.col("raw").is_not_null()).then(number))
            .to_series()
        )
    if raw.dtype != pl.String:
        return raw.cast(pl.String)
    trimmed = raw.str.strip_chars()
    return trimmed.set(trimmed == "", None) if bool((trimmed == "").any()) else trimmed


def coerce(raw: pl.Series, column: Column, cell: Cell, *, decimal: str, formats: Formats) -> Coerced:
    """Return a raw column in the type of a canonical one.

    Parameters
    ----------
    raw : the column as it came; texts, or typed where the source was typed
    column : the canonical column
    cell : unit, factor and words of the mapping
    decimal : decimal sign of texts, `.` or `,`
    formats : date formats, or "auto"

    Edge cases: blanks and words such as "n/a" are null; a null is no failure here.
    """
    if cell.values:
        texts = as_text(raw)
        raw = texts.replace(list(cell.values), list(cell.values.values()))
    dtype, dates = column.dtype, None
    if dtype == pl.String():
        values = as_text(raw)
        if column.choices:
            lower = values.str.to_lowercase()
            values = lower.set(~lower.is_in(column.choices), None)
    elif dtype == pl.Boolean():
        values = _truth(raw)
    elif dtype == pl.Date():
        dates = _counted(raw, cell) if cell.counts else _dates(raw, date_forms(cell.date_format or formats))
        values = dates.values
    else:
        values = _numbers(raw, column, cell, decimal)
    return Coerced(values, _failed(raw, values, words_mean_unknown=dtype != pl.String()), dates)


def divide(values: pl.Series, by: pl.Series) -> pl.Series:
    """Return values divided by a column; null where it is null or zero."""
    return values / by.set(by == 0, None)


def _failed(raw: pl.Series, values: pl.Series, *, words_mean_unknown: bool) -> pl.Series:
    """Return where a value was given and could not be read."""
    failed = values.is_null()
    if not failed.any():
        return failed
    texts = as_text(raw)
    failed &= texts.is_not_null()
    if words_mean_unknown and failed.any():
        unknown = words("meanings").filter(meaning="unknown")["word"]
        failed &= ~texts.str.to_lowercase().is_in(unknown.implode()).fill_null(value=False)
        failed &= ~texts.str.contains(NO_END).fill_null(value=False)
    return failed


def _truth(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.Boolean:
        return raw
    meanings = words("meanings").filter(pl.col("meaning").is_in(["true", "false"]))
    lower = as_text(raw).str.to_lowercase()
    return lower.replace_strict(
        meanings["word"], meanings["meaning"] == "true", default=None, return_dtype=pl.Boolean
    )


def _dates(raw: pl.Series, forms: tuple[str, ...]) -> DateTexts:
    if raw.dtype.is_temporal() and raw.dtype != pl.Duration:
        return DateTexts(raw.cast(pl.Date), "", 0, ())
    return read_dates(as_text(raw), forms)


def _counted(raw: pl.Series, cell: Cell) -> DateTexts:
    """Return the first days of numbered periods, of which number 1 begins on the first day given."""
    number = as_text(raw).cast(pl.Int64, strict=False)
    sign = {"days": "d", "weeks": "w", "months": "mo"}[str(cell.counts)]
    shift = pl.format(f"{{}}{sign}", number.to_frame("n")["n"] - 1)
    first = pl.lit(cell.first_day, dtype=pl.Date)
    days = number.to_frame("n").select(pl.when(pl.col("n").is_not_null()).then(first.dt.offset_by(shift)))
    return DateTexts(days.to_series(), "", 0, ())


def whole_codes(values: pl.Series) -> tuple[pl.Series, int]:
    """Return codes without the `.0` that a spreadsheet or a program gave to numbers, and how many had it.

    Where other decimals occur (10.0, 10.1), the point belongs to the code and stays.

    Examples
    --------
    >>> values, n = whole_codes(pl.Series(["10001.0", "10001", "A.0"]))
    >>> values.to_list(), n
    (['10001', '10001', 'A.0'], 1)
    >>> whole_codes(pl.Series(["10.0", "10.1"]))[1]
    0
    """
    if not values.str.contains(".0", literal=True).any():
        return values, 0
    pointed = values.str.contains(r"^\d+\.0+$").fill_null(value=False)
    if not pointed.any() or values.str.contains(r"^\d+\.\d*[1-9]").any():
        return values, 0
    return values.set(pointed, None).fill_null(values.str.replace(r"\.0+$", "")), int(pointed.sum())


def _numbers(raw: pl.Series, column: Column, cell: Cell, decimal: str) -> pl.Series:
    kind = dimension(column)
    unit = unit_factor(cell.unit, column) if cell.unit else 1.0
    fixed = 1.0 / cell.divide_by if isinstance(cell.divide_by, (int, float)) else 1.0
    if raw.dtype.is_numeric():
        values = raw.cast(pl.Float64).fill_nan(None) * (unit * cell.multiply * fixed)
    else:
        read = read_numbers(
            as_text(raw), cell.decimal or decimal, money=kind == "money", share=kind in ("share", "rate")
        )
        factor = pl.when("percent").then(1.0).otherwise(unit)  # 20 % is 0.2 whatever the unit says
        scale = factor * (cell.multiply * fixed)
        values = read.select(pl.col("value") * scale).to_series().fill_nan(None)
    if column.dtype == pl.Int64():
        return values.set(values != values.round(), None).cast(pl.Int64, strict=False)
    return values
