"""Delimited text read as strings: separator, encoding and cell counts are found, nothing is interpreted."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.findings import Finding
from plimsoll.domain.raw import RawTable

HEAD_BYTES = 1 << 18
CHUNK_BYTES = 1 << 22
SEPARATORS = (",", ";", "\t", "|")
GZIP_MAGIC = b"\x1f\x8b"
GZIP_RATIO = 1032  # bytes that one packed byte can hold at most (zlib's technical details)
ENCODINGS = ("utf-8", "cp1252", "latin-1", "cp1250", "cp850", "cp437", "utf-16", "iso8859-15")
# A mapping without tables is enough to say it: tables are then proposed.
SETTING = "write it under [source] of a mapping, a text file, and give that with --mapping."
DAMAGED_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a file is laid out: its header, separator and line end, and lines above the header (`sep=;`)."""

    header: list[str]
    separator: str
    eol: str
    above: int = 0


def read_text(path: Path, name: str, encoding: str | None = None) -> RawTable:
    """Return a delimited text file as a raw table of strings.

    Parameters
    ----------
    path : the file, plain or gzip
    name : name of the raw table
    encoding : how to read a file that is not UTF-8; None refuses such a file

    Errors: InputError for an empty or damaged file, a repeated column name, unreadable bytes.
    """
    data: Path | bytes = path
    try:
        with _open(path) as file:
            head = file.read(HEAD_BYTES)
        if not head.strip():
            what = f"'{path.name}' is empty."
            raise InputError(what, why="An export probably failed.", remedy="Export it again or remove it.")
        if encoding is None:
            _refuse_binary(head, path)
        try:
            codecs.getincrementaldecoder("utf-8-sig")().decode(head)
        except UnicodeDecodeError:
            data = _recode(path, encoding)
            head = data[:HEAD_BYTES]
        shape = _shape(head, path)
        try:
            frame, quoted, ragged = _frame(data, shape)
        except pl.exceptions.ComputeError as error:
            if "utf-8" not in str(error):
                raise
            data = _recode(path, encoding)
            frame, quoted, ragged = _frame(data, shape)
        cells = None
        if ragged or frame[shape.header[-1]].null_count():  # a row with too few cells lacks the last one
            cells = _cells(data, shape, quoted=quoted)
    except (*DAMAGED_GZIP, OSError) as error:
        if isinstance(error, PermissionError):
            raise
        what = f"'{path.name}' is cut off or damaged: {error}."
        raise InputError(
            what, why="Rows would be missing.", remedy="Copy or export the file again."
        ) from error
    except pl.exceptions.PolarsError as error:
        what = f"'{path.name}' cannot be read as a table: {str(error).splitlines()[0]}."
        raise InputError(what, remedy="Export it again as UTF-8 CSV with quoted texts.") from error
    known = cells is not None and len(cells) == frame.height
    findings = () if quoted else (_stray_quotes(name, path),)
    n_cells = pl.Series("n_cells", cells) if known else None
    return RawTable(name, path.name, frame, 2 + shape.above, n_cells, findings)


def _open(data: Path | bytes) -> io.BufferedIOBase:
    if isinstance(data, bytes):
        return io.BytesIO(data)
    with data.open("rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    return gzip.open(data) if packed else data.open("rb")


def _refuse_binary(head: bytes, path: Path) -> None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        what = f"'{path.name}' is not UTF-8 but UTF-16."
        raise InputError(what, remedy=f'Save it as UTF-8, or set encoding = "utf-16": {SETTING}')
    if b"\x00" in head:
        what = f"'{path.name}' is not a text file: it holds zero bytes."
        raise InputError(what, remedy="Save it as CSV, or give it the ending of what it is.")


def _shape(head: bytes, path: Path) -> _Shape:
    _refuse_binary(head, path)
    text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    eol = "\n" if "\n" in text else "\r"
    said = re.match(r"sep=(.)[\r\n]+", text)  # Excel writes and reads such a line
    text = text[said.end() :] if said else text
    separator = said[1] if said else _separator(text.splitlines()[:50])
    record = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    header = [name.strip() or f"column_{place}" for place, name in enumerate(record, 1)]
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        what = f"'{path.name}' has the column '{repeated[0]}' more than once."
        raise InputError(
            what, why="A mapping could not tell them apart.", remedy="Rename or remove one of them."
        )
    return _Shape(header, separator, eol, above=1 if said else 0)


def _separator(lines: list[str]) -> str:
    """Return the separator that splits the header and most lines into the same number of cells.

    Examples
    --------
    >>> _separator(["Material;Menge", "A-1;1,5", "A-2;2,5"])
    ';'
    """

    def score(separator: str) -> tuple[float, int]:
        counts = [len(record) for record in islice(csv.reader(lines, delimiter=separator), 50)]
        if not counts or counts[0] == 1:
            return 0.0, 0
        return sum(count == counts[0] for count in counts) / len(counts), counts[0]

    return max(SEPARATORS, key=score)


def _frame(data: Path | bytes, shape: _Shape) -> tuple[pl.DataFrame, bool, bool]:
    """Return (frame, quotes were quotes, rows were too long)."""

    def read(*, quote: str | None, ragged: bool) -> pl.DataFrame:
        return pl.read_csv(
            data,
            skip_lines=shape.above,
            separator=shape.separator,
            eol_char=shape.eol,
            quote_char=quote,
            infer_schema=False,
            new_columns=shape.header,
            truncate_ragged_lines=ragged or None,
        )

    try:
        return read(quote='"', ragged=False), True, False
    except pl.exceptions.ComputeError as error:
        if "utf-8" in str(error):
            raise
        too_long = "more fields" in str(error)
    if too_long:
        try:
            return read(quote='"', ragged=True), True, True
        except pl.exceptions.ComputeError as error:
            if "utf-8" in str(error):
                raise
    whole = pl.col(pl.String).str.contains(r'^".*"$')
    bare = (
        pl.col(pl.String).str.strip_prefix('"').str.strip_suffix('"').str.replace_all('""', '"', literal=True)
    )
    frame = read(quote=None, ragged=True)
    return frame.with_columns(pl.when(whole).then(bare).otherwise(pl.col(pl.String))), False, True


def _cells(data: Path | bytes, shape: _Shape, *, quoted: bool) -> NDArray[np.int64]:
    """Return the number of cells of every row after the header; one blank cell too many is no cell."""
    separator, eol, quote = (ord(sign) for sign in (shape.separator, shape.eol, '"'))
    parts: list[NDArray[np.int64]] = []
    open_cells, parity = 0, 0
    ended = True
    with _open(data) as file:
        while chunk := file.read(CHUNK_BYTES) + file.readline():
            signs = np.frombuffer(chunk, dtype=np.uint8)
            inside: NDArray[np.uint8] = np.full(len(signs), parity, dtype=np.uint8)
            if quoted and b'"' in chunk:
                inside = (np.cumsum(signs == quote, dtype=np.uint8) + inside) & np.uint8(
                    1
                )  # wraps at 256: even
                parity = int(inside[-1])
            total = np.cumsum((signs == separator) & (inside == 0))
            at = np.flatnonzero((signs == eol) & (inside == 0))
            counts = np.diff(total[at], prepend=0)
            counts[:1] += open_cells
            padded = np.concatenate([np.zeros(2, dtype=np.uint8), signs])
            before = np.where(padded[at + 1] == ord("\r"), padded[at], padded[at + 1])
            hanging = (before == separator) & (counts == len(shape.header))
            parts.append(counts + 1 - hanging)
            ended = bool(len(at)) and int(at[-1]) == len(signs) - 1
            open_cells = int(total[-1] - total[at[-1]]) if len(at) else open_cells + int(total[-1])
    if not ended:
        parts.append(np.array([open_cells + 1]))
    return np.concatenate(parts)[1 + shape.above :]


def _recode(path: Path, encoding: str | None) -> bytes:
    """Return the file's text in UTF-8; without an encoding, say where it fails and how to set one."""
    if encoding is None or codecs_name(encoding) == "utf-8":
        offset, line = _bad_byte(path)
        what = f"'{path.name}' is not UTF-8: byte {offset} (line {line}) cannot be read."
        why = "Names with accents would be corrupted."
        remedy = f'Save it as UTF-8, or set encoding = "cp1252" (Windows): {SETTING}'
        raise InputError(what, why=why, remedy=remedy)
    with _open(path) as file:
        raw = file.read()
    try:
        return raw.decode(encoding).encode()
    except UnicodeError as error:
        what = f"'{path.name}' is neither UTF-8 nor {encoding}: {error}."
        raise InputError(
            what, remedy=f"Set another encoding, such as {', '.join(ENCODINGS[1:5])}."
        ) from error


def codecs_name(encoding: str) -> str:
    """Return Python's name of a text encoding; an unknown one is answered with the nearest known."""
    try:
        found = codecs.lookup(encoding)
        "".encode(encoding)
    except LookupError as error:
        what = f"There is no text encoding '{encoding}'."
        raise InputError(what, remedy=did_you_mean(encoding, ENCODINGS) or "Try cp1252.") from error
    return found.name


def _bad_byte(path: Path) -> tuple[int, int]:
    """Return the offset (from 0) and line (from 1) of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line = 0, 1
    with _open(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return offset - held + error.start, line + chunk[: max(error.start - held, 0)].count(b"\n")
            offset += len(chunk)
            line += chunk.count(b"\n")
    return offset, line


def _stray_quotes(name: str, path: Path) -> Finding:
    return Finding(
        code="stray_quotes",
        severity="warning",
        table=name,
        n_rows=0,
        keys=path.name,
        what=f"'{path.name}' has quotation marks that open no quoted text, such as inches.",
        why="Rows could run into each other.",
        done="Quotation marks were read as plain signs; rows that then have too many cells are quarantined.",
        remedy="Export the file with texts quoted and inner quotation marks doubled.",
    )
