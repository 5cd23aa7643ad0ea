"""Suggestions of the audit turned into rules that a person can accept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from plimsoll.domain.errors import InputError
from plimsoll.domain.repairs import DAYS, HISTORY, ITEM_COLUMNS, Condition, Repair, sound
from plimsoll.domain.tables import Table, table
from plimsoll.ingest.complete import KNOWN_FROM

BETWEEN, NO_VALUE = " @ ", "?"  # between the parts of an audit row's key; an unknown part
N, ROW, PARTS = "(n)", "(row)", "(parts)"
NO_ITEM = "It names no item; add the rule by hand."
NOT_IMPORTED = "No imported row answers to it: the row follows from other data."
SEVERAL = "Several dated rows answer to it; add the rule by hand and say which."


@dataclass(frozen=True, slots=True)
class Suggested:
    """Rules as suggested, in the order of the audit's rows; the rows that make no rule, with the reason."""

    rules: list[Repair]
    unclear: list[tuple[str, str]]


def suggested(
    rows: pl.DataFrame, tables: Mapping[str, pl.DataFrame], *, author: str, reason: str, as_of: date
) -> Suggested:
    """Return the rules that audit rows suggest.

    A row's key is looked up in the imported facts: the rule names the columns in which the parts of
    the key were found. Of stock the last count is meant. Where several dated rows answer, only a cap is a
    rule: it cannot hit the wrong one.

    Parameters
    ----------
    rows : rows of table `audit_row`; those without a suggestion are passed over
    tables : facts as imported
    author, reason : who accepts them, and why
    as_of : day of knowledge of the audit

    Examples
    --------
    >>> items = table("items").conform(pl.DataFrame({"item_id": ["A"], "unit_cost": [500.0]}))
    >>> row = {"code": "cost_wrong", "table": "items", "key": "A", "item_id": "A", "severity": "warning",
    ...        "detail": "", "repair": "convert", "repair_column": "unit_cost", "repair_value": 0.01}
    >>> found = suggested(table("audit_row").conform(pl.DataFrame(row)), {"items": items},
    ...                   author="Ann", reason="typed in cents", as_of=date(2026, 1, 1))
    >>> str(found.rules[0])
    'divide unit_cost of items by 100 where item_id = A'
    """
    wanted = rows.filter(pl.col("repair").is_not_null()).with_row_index(N)
    is_pair = pl.col("repair").is_in(["merge", "transfer"])
    matches: dict[int, tuple[Condition, ...] | str] = dict.fromkeys(wanted[N], NO_ITEM)
    for row in wanted.filter(is_pair & pl.col("item_id").is_not_null()).iter_rows(named=True):
        matches[row[N]] = (Condition("item_id", "=", row["item_id"]),)
    single = wanted.filter(~is_pair & pl.col("item_id").is_not_null())
    for name in single["table"].unique(maintain_order=True):
        frame = tables.get(name, table(name).empty())
        if name in KNOWN_FROM:
            day = pl.col(KNOWN_FROM[name])
            frame = frame.filter(day.is_null() | (day <= as_of))
        matches |= _looked_up(single.filter(pl.col("table") == name), frame, table(name))
    rules, unclear = [], []
    for row in wanted.iter_rows(named=True):
        match = matches[row[N]]
        if isinstance(match, str):
            unclear.append((row["key"], match))
            continue
        try:
            rules.append(sound(_rule(row, match, author, reason)))
        except InputError as error:
            unclear.append((row["key"], error.what))
    return Suggested(rules, unclear)


def _rule(row: dict[str, Any], match: tuple[Condition, ...], author: str, reason: str) -> Repair:
    kind = row["repair"]
    if kind in ("merge", "transfer"):
        home = "items" if kind == "merge" else HISTORY
        return Repair(kind, home, match, author, reason, to=row["repair_to"] or "", check=row["code"])
    column = (row["repair_column"] or "") if kind != "drop" else ""
    value = row["repair_value"] if column else None
    return Repair(kind, row["table"], match, author, reason, column, value, check=row["code"])


def _looked_up(
    wanted: pl.DataFrame, frame: pl.DataFrame, declared: Table
) -> dict[int, tuple[Condition, ...] | str]:
    """Return for each audit row the conditions that name its facts, or why there are none."""
    items = [column for column in ITEM_COLUMNS if column in frame.columns]
    codes = [name for name in declared.names if name in declared.key or name.endswith("_id")]
    facts = frame.with_row_index(ROW).select(ROW, *codes)
    asked = wanted.select(N, "repair", "item_id", pl.col("key").str.split(BETWEEN).alias(PARTS))
    text = {
        name: pl.col(name).cast(pl.String).fill_null(NO_VALUE if name in declared.key else "")
        for name in codes
    }
    sides = [
        asked.rename({"item_id": "(item)"}).join(
            facts.with_columns(pl.col(column).alias("(item)")), on="(item)", maintain_order="left_right"
        )
        for column in items
    ]
    if not sides:
        return dict.fromkeys(wanted[N], NOT_IMPORTED)
    met = (
        pl.concat(sides)
        .unique([N, ROW], maintain_order=True)
        .filter(pl.col(PARTS).list.set_difference(pl.concat_list(text.values())).list.len() == 0)
    )
    if declared.name == "stock":
        met = met.filter(pl.col("date") == pl.col("date").max().over(N))
    named = met.with_columns(
        *(pl.col(PARTS).list.contains(text[name]).alias(f"named {name}") for name in codes)
    )
    per_row = named.group_by(N, maintain_order=True).agg(
        pl.col("repair").first(),
        pl.len().alias("(rows)"),
        *(pl.col(f"named {name}").all() & (pl.col(name).n_unique() == 1) for name in codes),
        *(pl.col(name).first() for name in codes),
    )
    found: dict[int, tuple[Condition, ...] | str] = dict.fromkeys(wanted[N], NOT_IMPORTED)
    for row in per_row.iter_rows(named=True):
        if declared.name in DAYS and row["(rows)"] > 1 and row["repair"] != "cap":
            found[row[N]] = SEVERAL
            continue
        columns = [name for name in codes if row[f"named {name}"]]
        if declared.name == "stock" and "date" not in columns:
            columns = ["date", *columns]
        found[row[N]] = tuple(Condition(name, "=", _plain(row[name])) for name in columns)
    return found


def _plain(value: object) -> str | float | bool | None:
    if isinstance(value, date):
        return value.isoformat()
    return value if value is None or isinstance(value, (str, float, bool)) else str(value)
