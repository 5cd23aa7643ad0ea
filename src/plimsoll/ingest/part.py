"""One raw table turned into rows of one canonical table, good and bad."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce

import polars as pl

from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import Column, Table, table
from plimsoll.ingest.coerce import REASON_OF_TYPE, Coerced, as_text, coerce, divide, whole_codes
from plimsoll.ingest.dates import against_format, read_dates
from plimsoll.ingest.doubts import doubts
from plimsoll.ingest.mapping import Cell, Condition, Formats, Mapping, TableMap, date_forms
from plimsoll.ingest.messages import finding
from plimsoll.ingest.numbers import decimal_sign
from plimsoll.ingest.params import IngestParams
from plimsoll.ingest.vocabulary import dimension, needed, words
from plimsoll.ingest.wide import CELL, PERIOD, chosen_periods, to_long

ROW, PLACE, LATEST, REASON, DETAIL = "(row)", "(place)", "(latest)", "(reason)", "(detail)"
PLACES = ("location_id", "to_location_id")
OF_NO_PLACE = ("locations", "supplier_terms")  # tables that no place is assumed for
PERIOD_KEY = ["date", "item_id", "location_id"]
UNFIT, UNFIT_LEAST = 0.9, 3  # an optional column of which so large a share, and so many, are bad is left out
MISREAD = ("not_a_number", "not_finite", "impossible_quantity", "absurd_quantity")


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one canonical table from one raw table.

    `good` has canonical columns and each row's place in `source`, which has the raw rows; `bad` has
    a reason and a detail beside; `unknown` has demand without order number whose quantity is blank.
    `n_blank` counts blank rows and blank quantities.
    """

    raw: RawTable
    map: TableMap
    good: pl.DataFrame
    bad: pl.DataFrame
    unknown: pl.DataFrame
    source: pl.DataFrame
    n_in: int
    n_blank: int
    n_filtered: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Fault:
    where: pl.Series
    reason: str
    detail: pl.Expr


@dataclass(frozen=True, slots=True)
class _Rules:
    """How texts of one raw table are read; a line of an order, unlike a period, needs its quantity."""

    params: IngestParams
    decimal: str
    formats: Formats
    is_line: bool


def decimal_signs(raws: Sequence[RawTable], mapping: Mapping) -> tuple[dict[str, str], list[Finding]]:
    """Return the decimal sign of every raw table, from the mapping or from the evidence of its numbers."""
    given = mapping.source.decimal
    if given != "auto":
        return {raw.name: given for raw in raws}, []
    signs, findings = {}, []
    for raw in raws:
        columns = {name for part in mapping.tables for name in _numeric(part, raw)}
        texts = [raw.frame[name] for name in sorted(columns) if raw.frame.schema[name] == pl.String]
        signs[raw.name], unsure = decimal_sign(texts)
        if unsure:
            findings.append(finding("decimal_assumed", raw.name, len(unsure), ", ".join(unsure[:5])))
    return signs, findings


def read_part(raw: RawTable, part: TableMap, mapping: Mapping, params: IngestParams, *, decimal: str) -> Part:
    """Return the rows that one raw table gives to one canonical table.

    Parameters
    ----------
    raw, part, mapping : the raw table, and how it fills which canonical table
    params : limits of what is plausible
    decimal : decimal sign of the raw table's texts
    """
    is_line = part.table == "demand" and "order_id" in part.columns
    rules = _Rules(params, decimal, mapping.source.date_format, is_line)
    frame = raw.frame.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW) + raw.first_row)
    given = ~frame.select(pl.all_horizontal(pl.exclude(ROW).is_null())).to_series()
    met = reduce(operator.and_, (_meets(raw.frame[name], test) for name, test in part.filter.items()), given)
    n_in, n_blank, n_filtered = frame.height, int((~given).sum()), int((given & ~met).sum())
    frame = _kept(frame, met)
    plan, findings = _plan(part, mapping, params, frame.height)
    if n_blank:
        findings.append(finding("blank_rows", part.table, n_blank))
    ragged = _ragged(raw, met) if raw.n_cells is not None and part.wide is None else []
    if part.wide:
        periods = chosen_periods(raw, part.wide)
        frame = to_long(raw, frame, periods, rules.formats)
        n_in, n_blank, n_filtered = (n * len(periods) for n in (n_in, n_blank, n_filtered))
        blank = as_text(frame[CELL]).is_null()
        if part.wide.blank == "zero" and blank.any():  # a period without a row has no demand
            n_blank += int(blank.sum())
            findings.append(finding("blank_is_zero", part.table, int(blank.sum())))
            frame = _kept(frame, ~blank)
    faults = [*_totals(frame, part), *ragged]
    columns: list[pl.Series] = []
    for name, cell in plan.items():
        values, found, notes = _column(raw, frame, table(part.table), name, cell, rules)
        columns.append(values.rename(name))
        faults += found
        findings += notes
    if part.latest_by:
        columns.append(read_dates(as_text(frame[part.latest_by])).values.rename(LATEST))
    good, bad = _apart(pl.DataFrame(columns).with_row_index(PLACE), faults)
    good, unknown = _known(good, part)
    if unknown.height:
        findings.append(finding("demand_blank", part.table, unknown.height, keys_of(unknown, PERIOD_KEY)))
    n_blank += unknown.height
    return Part(raw, part, good, bad, unknown, frame, n_in, n_blank, n_filtered, tuple(findings))


def not_observed(parts: Sequence[Part], bad: pl.DataFrame, good: pl.DataFrame) -> pl.DataFrame:
    """Return a row without quantity for each period of an item whose demand is blank or was misread.

    A bad order line takes nothing from the other lines of its period, but a bad period total leaves
    nothing of it. Periods that are among the good rows of the same day are known and left out.

    Parameters
    ----------
    parts : the parts of demand
    bad : its bad rows with their reasons
    good : its good rows
    """
    rows = [part.unknown.select(PERIOD_KEY) for part in parts]
    is_total = pl.col("order_id").is_null() if "order_id" in bad.columns else pl.lit(value=True)
    rows.append(bad.filter(is_total & pl.col(REASON).is_in(MISREAD)).select(PERIOD_KEY).drop_nulls())
    periods = pl.concat(rows).unique(maintain_order=True)
    return periods.join(good, on=PERIOD_KEY, how="anti") if periods.height else periods


def _known(good: pl.DataFrame, part: TableMap) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of known quantity and those of demand whose quantity is blank."""
    blank = good["quantity"].is_null() if part.table == "demand" else None
    if blank is None or not blank.any():
        return good, good.clear()
    return good.filter(~blank), good.filter(blank)


def _totals(frame: pl.DataFrame, part: TableMap) -> list[_Fault]:
    """Return the rows whose key says that they are totals of others."""
    faults = []
    for name in table(part.table).key:
        column = part.columns[name].column if name in part.columns else None
        if column is None or not table(part.table).column(name).dtype == frame[column].dtype == pl.String():
            continue
        texts = frame[column]
        is_total = texts.is_in(_total_words()).fill_null(value=False)
        if is_total.any():
            detail = pl.format("{} ({}) = '{}'", pl.lit(name), pl.lit(column), texts.rename("text"))
            faults.append(_Fault(is_total, "summary_row", detail))
    return faults


@cache
def _total_words() -> tuple[str, ...]:
    """Return the words for totals as they are usually written: looking them up is quick in large tables."""
    listed = words("meanings").filter(meaning="total")["word"].to_list()
    written = [form for word in listed for form in (word, word.capitalize(), word.title(), word.upper())]
    return tuple(dict.fromkeys(form + end for form in written for end in ("", ":", " :")))


def _kept(frame: pl.DataFrame, keep: pl.Series) -> pl.DataFrame:
    """Return the rows to keep; without any to drop, nothing is copied."""
    return frame if keep.all() else frame.filter(keep)


def _ragged(raw: RawTable, met: pl.Series) -> list[_Fault]:
    """Return the rows whose cells are not as many as the columns of the header."""
    if raw.n_cells is None:
        return []
    cells, width = raw.n_cells.filter(met), raw.frame.width
    text = pl.format("{} cells where the header has {}", cells, pl.lit(width))
    return [_Fault(cells > width, "too_many_cells", text), _Fault(cells < width, "too_few_cells", text)]


def _plan(
    part: TableMap, mapping: Mapping, params: IngestParams, n: int
) -> tuple[dict[str, Cell], list[Finding]]:
    """Return how each canonical column is filled; a required column that nothing fills is refused."""
    declared = table(part.table)
    plan, findings = dict(part.columns), []
    if part.wide:
        plan[part.wide.date] = Cell(column=PERIOD)
        plan[part.wide.quantity] = Cell(column=CELL, unit=part.wide.unit, multiply=part.wide.multiply)
    for name in declared.names:
        if name in plan:
            continue
        if name in mapping.constants:
            plan[name] = Cell(value=mapping.constants[name])
        elif name in PLACES and part.table not in OF_NO_PLACE:
            plan[name] = Cell(value=params.default_location)
            findings.append(finding("location_assumed", part.table, n, params.default_location, column=name))
        elif name == "from_location_id" and name in declared.required:
            plan[name] = Cell(value=params.unknown_supplier)
            findings.append(finding("supplier_unknown", part.table, n, params.unknown_supplier))
        elif part.table == "stock" and name == "date" and mapping.source.as_of is not None:
            plan[name] = Cell(value=mapping.source.as_of)
        elif name in needed(declared):
            what = f"The mapping of '{part.table}' from '{part.from_}' does not fill required '{name}'."
            remedy = f'Add {name} = "…" with a column of the source, or {name} = {{ value = … }}.'
            if part.table == "stock" and name == "date":
                remedy = "Set as_of = YYYY-MM-DD, the day of the count, under [source] of the mapping."
            raise InputError(what, why=f"{name}: {declared.column(name).description}.", remedy=remedy)
    return {name: plan[name] for name in declared.names if name in plan}, findings


def _column(
    raw: RawTable, frame: pl.DataFrame, declared: Table, name: str, cell: Cell, rules: _Rules
) -> tuple[pl.Series, list[_Fault], list[Finding]]:
    """Return a canonical column, what is wrong with it, and what there is to say about it."""
    if cell.row:
        return frame.select(pl.format(f"{raw.name}-{{}}", ROW)).to_series(), [], []
    column = declared.column(name)
    given = frame[cell.column] if cell.column else pl.Series("value", [cell.value])
    read = coerce(given, column, cell, decimal=rules.decimal, formats=rules.formats)
    if cell.column is None:
        given, read = given.new_from_index(0, frame.height), _constant(read, column, cell, frame.height)
    _refuse_undecided(read, raw, column, cell)
    values, failed, notes = read.values, read.failed, doubts(read, declared, column, cell)
    if column.dtype == pl.String() and (column.is_key or name.endswith("_id")):
        values, n_pointed = whole_codes(values)
        if n_pointed:
            notes.append(
                finding("codes_with_point", declared.name, n_pointed, cell.column or "", column=name)
            )
    if isinstance(cell.divide_by, str):
        divisor = Cell(column=cell.divide_by)
        by = coerce(frame[cell.divide_by], column, divisor, decimal=rules.decimal, formats=rules.formats)
        values, failed = divide(values, by.values), failed | by.failed
    label = name if name == cell.column else f"{name} ({cell.column or 'value'})"
    text = as_text(given).fill_null("").rename("text")
    detail = pl.format("{} = '{}'", pl.lit(label), text)
    if cell.column == CELL:
        detail = pl.format("{} ({}) = '{}'", pl.lit(name), frame[PERIOD], text)
    reasons = _against(given, cell, column, rules) | _reasons(values, failed, column, rules.params)
    if rules.is_line and name == "quantity":
        reasons["missing_value"] = values.is_null() & ~failed
    faults = [_Fault(where, reason, detail) for reason, where in reasons.items() if where.any()]
    if name not in needed(declared) and name not in declared.key:
        bad = reduce(operator.or_, (fault.where for fault in faults), values.is_null() & False)
        n_bad, n_given = int(bad.sum()), int((values.is_not_null() | failed).sum())
        if n_bad >= UNFIT_LEAST and n_bad >= UNFIT * n_given:
            example = as_text(given).filter(bad)[0]
            said = {"column": name, "given": f"{n_given:,}", "example": example}
            notes.append(finding("column_unfit", declared.name, n_bad, cell.column or "", **said))
            return values.clear(frame.height), [], notes
    return values, faults, notes


def _against(given: pl.Series, cell: Cell, column: Column, rules: _Rules) -> dict[str, pl.Series]:
    """Return where dates in a fixed format belong to a column that proves another order."""
    formats, reasons = date_forms(cell.date_format or rules.formats), {}
    if column.dtype == pl.Date() and formats and given.dtype == pl.String and not cell.counts:
        reasons["date_order_contradicted"] = against_format(as_text(given), formats)
    return reasons


def _reasons(
    values: pl.Series, failed: pl.Series, column: Column, params: IngestParams
) -> dict[str, pl.Series]:
    """Return where a column breaks its schema, by reason, the most telling reason first."""
    reasons = {REASON_OF_TYPE[column.dtype]: failed}
    if column.dtype.is_numeric():
        if column.dtype.is_float():
            reasons["not_finite"] = values.is_infinite()
        if dimension(column) == "quantity":
            reasons["impossible_quantity"] = values.abs() > params.impossible_quantity
        if column.min is not None:
            reasons["below_minimum"] = values < column.min
        if column.max is not None:
            reasons["above_maximum"] = values > column.max
    if column.dtype == pl.Date():
        reasons["date_out_of_range"] = (values < params.earliest_date) | (values > params.latest_date)
    if column.null == "required":
        reasons["missing_value"] = values.is_null()
    return {reason: where.fill_null(value=False) for reason, where in reasons.items()}


def _apart(values: pl.DataFrame, faults: list[_Fault]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return good rows, and bad rows with their first reason and its detail."""
    if not faults:
        texts = pl.lit(None, dtype=pl.String)
        return values, values.clear().with_columns(texts.alias(REASON), texts.alias(DETAIL))
    reason = pl.coalesce(pl.when(fault.where).then(pl.lit(fault.reason)) for fault in faults)
    detail = pl.coalesce(pl.when(fault.where).then(fault.detail) for fault in faults)
    marked = values.with_columns(reason.alias(REASON), detail.alias(DETAIL))
    is_bad = marked[REASON].is_not_null()
    return values.filter(~is_bad), marked.filter(is_bad)


def _constant(read: Coerced, column: Column, cell: Cell, n: int) -> Coerced:
    if read.failed.any():
        what = f"The mapping gives '{cell.value}' to '{column.name}' ({column.description.lower()})."
        raise InputError(what, remedy=f"Allowed: {', '.join(column.choices)}." if column.choices else "")
    values = read.values.new_from_index(0, n)
    return Coerced(values, pl.repeat(value=False, n=n, dtype=pl.Boolean, eager=True))


def _refuse_undecided(read: Coerced, raw: RawTable, column: Column, cell: Cell) -> None:
    if read.dates is None or not read.dates.undecided:
        return
    examples = ", ".join(read.dates.undecided)
    what = f"Column '{cell.column}' of '{raw.name}' (for {column.name}) has dates whose day and month"
    what += f" cannot be told apart: {examples}."
    remedy = 'Set date_format = "%d/%m/%Y" or date_format = "%m/%d/%Y" under [source] of the mapping.'
    raise InputError(
        what, why="Read the wrong way, demand and lead times would move by months.", remedy=remedy
    )


def _meets(raw: pl.Series, condition: Condition) -> pl.Series:
    texts = as_text(raw)
    met = pl.repeat(value=True, n=len(texts), dtype=pl.Boolean, eager=True)
    if condition.given is not None:
        met &= texts.is_not_null() if condition.given else texts.is_null()
    if condition.equals is not None:
        met &= texts.is_in(condition.equals).fill_null(value=False)
    if condition.not_equals is not None:
        met &= ~texts.is_in(condition.not_equals).fill_null(value=False)
    return met


def _numeric(part: TableMap, raw: RawTable) -> list[str]:
    """Return the raw columns that a map reads as numbers with an open decimal sign."""
    declared = table(part.table)
    cells = [cell for name, cell in part.columns.items() if declared.column(name).dtype.is_numeric()]
    named = [name for cell in cells if not cell.decimal for name in (cell.column, cell.divide_by)]
    wide = [name for name in raw.frame.columns if name not in part.raw_columns] if part.wide else []
    return [name for name in (*named, *wide) if isinstance(name, str) and name in raw.frame.columns]
