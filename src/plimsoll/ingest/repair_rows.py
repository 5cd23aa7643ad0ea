"""Repairs of single rows: which rows a rule means, and drop, set, convert and cap laid over them."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from plimsoll.domain.repairs import CHANGES, DAYS, Repair
from plimsoll.domain.tables import Table, table

ROW, RULE, WORTH, CHANGED = "(row)", "(rule)", "(worth)", "(changed)"
FIRST, LAST = "(first)", "(last)"
# table -> the quantity that its value is counted by
QUANTITY = {"demand": "quantity", "stock": "on_hand", "open_orders": "quantity", "receipts": "quantity"}
COMPARE: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "!=": lambda cell, value: cell.ne_missing(value),
    "<": lambda cell, value: cell < value,
    "<=": lambda cell, value: cell <= value,
    ">": lambda cell, value: cell > value,
    ">=": lambda cell, value: cell >= value,
}
Refusals = dict[int, tuple[str, str]]  # number of the rule -> code, detail


@dataclass(frozen=True, slots=True)
class Laid:
    """A table with rules laid over it; rows changed by rule (`(rule)`, `(row)`, `(units)`); rules refused.

    `(units)` is by how many units the row's quantity changed, null where the rule is for another column.
    `matched` holds the numbers of the rules that mean at least one row.
    """

    frame: pl.DataFrame
    changes: pl.DataFrame
    matched: set[int]
    refused: Refusals


def values_of(values: Sequence[object], dtype: pl.DataType) -> pl.Series:
    """Return values of rules as a series of a column's type; dates come as ISO text."""
    if dtype == pl.Date():
        values = [None if value is None else date.fromisoformat(str(value)) for value in values]
    return pl.Series(values, dtype=pl.Float64() if dtype == pl.Int64() else dtype).cast(dtype)


def pairs(frame: pl.DataFrame, declared: Table, rules: dict[int, Repair]) -> pl.DataFrame:
    """Return the pairs `(rule)`, `(row)` of rules and the rows they mean, in the order of rules and rows.

    Rules that ask the same columns are looked up in one join, so thousands of rules cost little more
    than one.

    Parameters
    ----------
    frame : the table with its rows numbered in `(row)`
    rules : the rules of this table by number
    """
    groups: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    for number, rule in rules.items():
        groups[tuple((each.column, each.comparison) for each in rule.match)].append(number)
    found = [
        _of_group(frame, declared, asked, {number: rules[number] for number in numbers})
        for asked, numbers in groups.items()
    ]
    nothing = pl.DataFrame(schema={RULE: pl.UInt32, ROW: pl.UInt32})
    return pl.concat([nothing, *found]).sort(RULE, ROW)


def refused_changes(changes: pl.DataFrame, rules: Sequence[Repair]) -> pl.Series:
    """Return which changes of the history people refused, by the rules that drop them.

    Parameters
    ----------
    changes : table `history_change`
    rules : all rules in force; those on other tables are left aside
    """
    mine = {n: rule for n, rule in enumerate(rules) if rule.table == CHANGES}
    rows = changes.with_row_index(ROW)
    hit = pairs(rows, table(CHANGES), mine)[ROW] if mine else pl.Series([], dtype=pl.UInt32)
    return pl.int_range(changes.height, dtype=pl.UInt32, eager=True).is_in(hit.implode()).alias("refused")


def _of_group(
    frame: pl.DataFrame, declared: Table, asked: tuple[tuple[str, str], ...], rules: dict[int, Repair]
) -> pl.DataFrame:
    wanted: dict[str, Any] = {
        RULE: pl.Series(list(rules), dtype=pl.UInt32),
        FIRST: pl.Series([rule.first_day for rule in rules.values()], dtype=pl.Date),
        LAST: pl.Series([rule.last_day for rule in rules.values()], dtype=pl.Date),
    }
    for n, (column, _) in enumerate(asked):
        values = [rule.match[n].value for rule in rules.values()]
        wanted[f"({n})"] = values_of(values, declared.column(column).dtype)
    needed = {column for column, _ in asked} | {DAYS[declared.name] for _ in range(declared.name in DAYS)}
    rows, sought = frame.select(ROW, *sorted(needed)), pl.DataFrame(wanted)
    equal = {f"({n})": column for n, (column, sign) in enumerate(asked) if sign == "="}
    if equal:
        met = rows.join(sought, left_on=[*equal.values()], right_on=[*equal], nulls_equal=True)
    else:
        met = rows.join(sought, how="cross")
    for n, (column, sign) in enumerate(asked):
        if sign != "=":
            met = met.filter(COMPARE[sign](pl.col(column), pl.col(f"({n})")))
    if declared.name in DAYS:
        day = pl.col(DAYS[declared.name])
        met = met.filter(
            (pl.col(FIRST).is_null() | (day >= pl.col(FIRST)))
            & (pl.col(LAST).is_null() | (day <= pl.col(LAST)))
        )
    return met.select(RULE, ROW)


def lay(name: str, frame: pl.DataFrame, rules: dict[int, Repair]) -> Laid:
    """Return a table with rules laid over it: rows dropped, then cells set, converted and capped.

    Every condition is asked of the rows as imported. Rules that want different things of one cell are
    all refused, as is a conversion that would leave the range of its column; a cell with several caps
    gets the lowest.

    Parameters
    ----------
    name : the table
    frame : its rows
    rules : rules of the kinds drop, set, convert and cap by number
    """
    declared = table(name)
    rows = frame.with_row_index(ROW)
    met = pairs(rows, declared, rules)
    is_drop = pl.col(RULE).is_in([number for number, rule in rules.items() if rule.kind == "drop"])
    dropped, held = met.filter(is_drop), met.filter(~is_drop)
    held = held.join(dropped.select(ROW).unique(), on=ROW, how="anti", maintain_order="left")
    refused = _contradictions(held, rules)
    held = held.filter(~pl.col(RULE).is_in(list(refused)))
    quantity = QUANTITY.get(name)
    units = pl.lit(None, dtype=pl.Float64) if quantity is None else -pl.col(quantity)
    changes = [dropped.join(rows, on=ROW).select(RULE, ROW, units.alias("(units)"))]
    for column in dict.fromkeys(rule.column for rule in rules.values() if rule.column):
        rows, changed = _lay_column(rows, declared, column, held, rules, refused)
        changes.append(changed)
    kept = rows.join(dropped.select(ROW).unique(), on=ROW, how="anti", maintain_order="left").drop(ROW)
    return Laid(kept, pl.concat(changes), set(met[RULE].unique()), refused)


def _contradictions(held: pl.DataFrame, rules: dict[int, Repair]) -> Refusals:
    """Return the rules that set a cell to different values, or convert what another sets or converts."""
    telling = {number: rule for number, rule in rules.items() if rule.kind in ("set", "convert")}
    told = pl.DataFrame(
        {
            RULE: pl.Series(list(telling), dtype=pl.UInt32),
            "column": pl.Series([rule.column for rule in telling.values()], dtype=pl.String),
            "value": pl.Series([str(rule.value) for rule in telling.values()], dtype=pl.String),
            "converts": pl.Series([rule.kind == "convert" for rule in telling.values()], dtype=pl.Boolean),
        }
    )
    cells = held.join(told, on=RULE)
    of_cell = [ROW, "column"]
    twice = cells.filter(pl.len().over(of_cell) > 1)
    disputed = twice.filter((pl.n_unique("value") > 1).over(of_cell) | pl.col("converts").any().over(of_cell))
    both = disputed.join(disputed, on=of_cell, suffix=" of other").filter(
        pl.col(RULE) != pl.col(f"{RULE} of other")
    )
    others = both.select(RULE, f"{RULE} of other").unique().sort(RULE, f"{RULE} of other")
    found: Refusals = {}
    for number, other in others.iter_rows():
        found.setdefault(number, ("repair_contradicts", rules[other].id))
    return found


def _lay_column(
    rows: pl.DataFrame,
    declared: Table,
    column: str,
    held: pl.DataFrame,
    rules: dict[int, Repair],
    refused: Refusals,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows with one column set, converted and capped, and what changed; may refuse more rules."""
    dtype = declared.column(column).dtype
    changes = []
    for kind in ("set", "convert", "cap"):
        own = {n: rule for n, rule in rules.items() if rule.kind == kind and rule.column == column}
        if not own:
            continue
        worth = pl.DataFrame(
            {
                RULE: pl.Series(list(own), dtype=pl.UInt32),
                WORTH: values_of([rule.value for rule in own.values()], dtype),
            }
        )
        met = held.join(worth, on=RULE).join(rows.select(ROW, column), on=ROW)
        old, new = pl.col(column), pl.col(WORTH)
        if kind == "convert":
            met = met.with_columns((old * new).alias(WORTH))
            met = _within_range(met, declared, column, refused)
        if kind == "cap":
            met = met.filter(old > new)
        changed = met.filter(old.ne_missing(new))
        is_units = column == QUANTITY.get(declared.name)
        units = (new - old) if is_units else pl.lit(None, dtype=pl.Float64)
        changes.append(changed.select(RULE, ROW, units.alias("(units)")))
        cells = changed.group_by(ROW).agg(new.min(), pl.lit(True).alias(CHANGED))
        rows = rows.join(cells, on=ROW, how="left", maintain_order="left")
        rows = rows.with_columns(
            pl.when(pl.col(CHANGED).is_not_null()).then(WORTH).otherwise(column).alias(column)
        ).drop(WORTH, CHANGED)
    return rows, pl.concat(changes)  # the column comes from a rule, so at least one kind has some


def _within_range(met: pl.DataFrame, declared: Table, column: str, refused: Refusals) -> pl.DataFrame:
    """Return the pairs of rules all of whose results the column may hold; the other rules are refused."""
    limits = declared.column(column)
    below = pl.lit(False) if limits.min is None else pl.col(WORTH) < limits.min
    above = pl.lit(False) if limits.max is None else pl.col(WORTH) > limits.max
    out = met.filter(below | above).sort(RULE, ROW)
    for number in out[RULE].unique(maintain_order=True):
        refused[number] = ("repair_out_of_range", column)
    return met.join(out.select(RULE).unique(), on=RULE, how="anti", maintain_order="left")
