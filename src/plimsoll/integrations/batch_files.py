"""A batch as CSV, Excel or JSON: the same rows, and the same bytes whenever it is written again."""

import csv
import io
import json
import os
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from threading import get_ident
from typing import Any

import polars as pl
import xlsxwriter

# What a spreadsheet would take for a formula when it opens a CSV file (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def harmless(text: str) -> str:
    r"""Return a text that no spreadsheet takes for a formula: such a one gets an apostrophe in front.

    Examples
    --------
    >>> harmless('=HYPERLINK("http://a.b")'), harmless("Feed pump")
    ('\'=HYPERLINK("http://a.b")', 'Feed pump')
    """
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def as_csv(rows: pl.DataFrame, batch: Mapping[str, Any]) -> bytes:
    """Return rows as CSV in UTF-8: texts made harmless, numbers and ISO dates plain."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(rows.columns)
    writer.writerows([_plain(value) for value in row] for row in rows.iter_rows())
    return out.getvalue().encode()


def as_json(rows: pl.DataFrame, batch: Mapping[str, Any]) -> bytes:
    """Return the batch with its rows as JSON in UTF-8."""
    lines = [{name: _iso(value) for name, value in row.items()} for row in rows.iter_rows(named=True)]
    whole = {name: _iso(value) for name, value in batch.items()} | {"lines": lines}
    return (json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


def as_xlsx(rows: pl.DataFrame, batch: Mapping[str, Any]) -> bytes:
    """Return rows as an Excel workbook of one sheet; texts are stored as texts, whatever they begin with."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        created: datetime = batch["created_at"]
        book.set_properties({"title": str(batch["batch_id"]), "created": created.replace(tzinfo=None)})
        head, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet(str(batch["batch_id"]))
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, rows.columns, head)
        for number, row in enumerate(rows.iter_rows(), start=1):
            for place, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, place, value)
                elif isinstance(value, date):
                    sheet.write_datetime(number, place, value, day)
                elif value is not None:
                    sheet.write_number(number, place, value)
        sheet.autofilter(0, 0, max(rows.height, 1), max(rows.width - 1, 0))
        sheet.set_column(0, max(rows.width - 1, 0), 16)
    return out.getvalue()


FORMATS: dict[str, Callable[[pl.DataFrame, Mapping[str, Any]], bytes]] = {
    "csv": as_csv,
    "xlsx": as_xlsx,
    "json": as_json,
}


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all; one that is there is replaced in one step.

    What a writer of the same file that died left behind goes too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}.half")
    with half.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    for left in path.parent.glob(f".{path.name}.*.half"):
        left.unlink(missing_ok=True)
    if os.name != "nt":  # Windows has no handle for a directory
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return harmless(value)
    return "" if value is None else _iso(value)


def _iso(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
