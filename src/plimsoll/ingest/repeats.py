"""Rows that share a key, and what becomes of them."""

import polars as pl

from plimsoll.domain.tables import Table
from plimsoll.ingest.part import DETAIL, LATEST, REASON


def sharing(frame: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Return the rows whose key occurs more than once, in order.

    Rows are compared by hash first: equal keys have equal hashes, and few rows are left for the
    exact comparison.

    Examples
    --------
    >>> sharing(pl.DataFrame({"a": [1, 2, 1], "b": [7, 8, 9]}), ["a"]).rows()
    [(1, 7), (1, 9)]
    """
    if frame.is_empty():
        return frame
    alike = frame.filter(frame.select(key).hash_rows().is_duplicated())
    return alike.filter(alike.select(key).is_duplicated())


def merged(rows: pl.DataFrame, key: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one row a key, the latest where that is known, else the first; and the rows merged into it.

    Examples
    --------
    >>> kept, gone = merged(pl.DataFrame({"a": [1, 1], "b": [7, 8]}), ["a"])
    >>> kept.rows(), gone.rows()
    ([(1, 7)], [(1, 8)])
    """
    if LATEST in rows.columns:
        rows = rows.sort(LATEST, descending=True, nulls_last=True, maintain_order=True)
    is_first = rows.select(pl.struct(key).is_first_distinct()).to_series()
    return rows.filter(is_first), rows.filter(~is_first)


def repeated(rows: pl.DataFrame, declared: Table, own: list[str]) -> pl.DataFrame:
    """Return the rows that repeat an earlier row or its key, with the reason.

    A key with a null in it is no key: such rows may repeat. `own` names columns that are no part of
    the canonical row.

    Examples
    --------
    >>> from plimsoll.domain.tables import table
    >>> rows = pl.DataFrame({"customer_id": ["A", "A", "A"], "segment": ["x", "x", "y"]})
    >>> repeated(rows, table("customers"), [])["(reason)"].to_list()
    ['duplicate_row', 'duplicate_key']
    """
    key = list(declared.key)
    if not set(key) <= set(rows.columns):
        return rows.clear().with_columns(pl.lit("").alias(REASON), pl.lit("").alias(DETAIL))
    complete = pl.all_horizontal(pl.col(key).is_not_null())
    alike = sharing(rows.filter(complete) if any(rows[name].null_count() for name in key) else rows, key)
    canonical = [name for name in rows.columns if name not in own]
    is_copy = ~pl.struct(canonical).is_first_distinct()
    reason = pl.when(is_copy).then(pl.lit("duplicate_row")).otherwise(pl.lit("duplicate_key"))
    detail = pl.concat_str(pl.lit("key "), pl.concat_str(pl.col(key).cast(pl.String), separator=" @ "))
    marked = alike.with_columns(reason.alias(REASON), detail.alias(DETAIL))
    return marked.filter(~pl.struct(key).is_first_distinct())
