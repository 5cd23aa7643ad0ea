"""Folders, files and workbooks read as raw tables, under the user's own names."""

import os
from collections import Counter
from pathlib import Path

import fastexcel
import polars as pl

from plimsoll.domain.errors import InputError, first_keys
from plimsoll.domain.findings import Finding, numbered
from plimsoll.domain.raw import RawTable
from plimsoll.integrations.text import GZIP_MAGIC, GZIP_RATIO, codecs_name, read_text

TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
BOOK = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")
PARQUET = (".parquet",)
ENDINGS = (*TEXT, *BOOK, *PARQUET)
# Peak memory of an import as a multiple of the text read: 8.0 measured on 282 MB of demand lines
# (8 million rows of five columns), 9.4 on 70 MB; reading alone takes 3.2. Period columns need more.
MEMORY_FACTOR = 10.0
TITLE_ROWS, FEWEST_COLUMNS = 20, 3  # so far down titles are looked for, in sheets of so many columns
PARQUET_CELL_BYTES = 9  # text that a cell of Parquet stands for, on average


def read_source(path: Path | str, *, encoding: str | None = None) -> list[RawTable]:
    r"""Return the tables of a folder, a file or a workbook, sorted by name.

    A folder gives a table for each CSV, TSV, Parquet or Excel file in it (not in its subfolders);
    a workbook gives a table for each sheet that is not empty. Texts stay texts. Other files are
    left alone and named in a finding on the first table.

    Parameters
    ----------
    path : folder, file or workbook
    encoding : how to read text files that are not UTF-8; None refuses them

    Errors: InputError for a missing, unreadable, empty, damaged, ambiguous or too large source.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "sales.csv").write_text("Material;Menge\nA-1;1,5\n")
    ...     read_source(folder)[0].frame.rows()
    [('A-1', '1,5')]
    """
    source = Path(path)
    if encoding is not None:
        codecs_name(encoding)
    try:
        files, ignored = _files(source)
        _check_size(source, sum(_text_bytes(file) for file in files))
        tables = [table for file in files for table in _tables(file, source, encoding)]
    except PermissionError as error:
        what = f"'{error.filename or source}' cannot be opened: permission denied."
        remedy = "Close it in other programs and check that you may read it."
        raise InputError(what, remedy=remedy) from error
    repeated = [name for name, count in Counter(table.name for table in tables).items() if count > 1]
    if repeated:
        sources = first_keys(table.source for table in tables if table.name == repeated[0])
        what = f"Two tables are called '{repeated[0]}': {sources}."
        raise InputError(what, why="Rows would count twice.", remedy="Rename or remove one of them.")
    if not tables:
        what = f"There is no table in '{source}'."
        remedy = f"Give a folder or file with one of {', '.join(ENDINGS)}."
        raise InputError(what, remedy=remedy)
    tables.sort(key=lambda table: table.name)
    if ignored:
        first = tables[0]
        tables[0] = RawTable(
            first.name, first.source, first.frame, first.first_row, first.n_cells,
            (*first.findings, _ignored(ignored)),
        )  # fmt: skip
    return tables


def available_bytes() -> int | None:
    """Return the memory that a process may still take, or None where the system does not say.

    In a container its limit counts too (control groups, version 2).
    """
    free, limit = _free_bytes(), _limit_bytes(Path("/sys/fs/cgroup"))
    return min((count for count in (free, limit) if count is not None), default=None)


def _limit_bytes(group: Path) -> int | None:
    """Return what the limit of a control group leaves, or None without one."""
    try:
        limit, used = ((group / f"memory.{name}").read_text(encoding="ascii") for name in ("max", "current"))
        return int(limit) - int(used)
    except (OSError, ValueError):  # ValueError: "max" means no limit
        return None


def _free_bytes() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _files(source: Path) -> tuple[list[Path], list[str]]:
    if source.is_file():
        if not _ending(source):
            what = f"'{source.name}' is not a kind of file that Plimsoll reads."
            raise InputError(what, remedy=f"Give one of {', '.join(ENDINGS)}.")
        return [source], []
    if not source.is_dir():
        state = "is neither a folder nor a file" if source.exists() else "does not exist"
        what = f"'{source}' {state}."
        raise InputError(what, remedy="Check the path of the folder, file or workbook.")
    inside = sorted(file for file in source.iterdir() if not file.name.startswith((".", "~$")))
    files = [file for file in inside if file.is_file() and _ending(file)]
    return files, [file.name for file in inside if file not in files]


def _ending(file: Path) -> str:
    return max((end for end in ENDINGS if file.name.lower().endswith(end)), key=len, default="")


def _tables(file: Path, source: Path, encoding: str | None) -> list[RawTable]:
    ending = _ending(file)
    stem = file.name[: -len(ending)]
    if ending in TEXT:
        return [read_text(file, stem, encoding)]
    if ending in BOOK:
        return _sheets(file, stem, alone=file == source)
    try:
        return [RawTable(stem, file.name, _parquet(file).collect())]
    except pl.exceptions.PolarsError as error:
        raise _damaged(file, error) from error


def _sheets(file: Path, stem: str, *, alone: bool) -> list[RawTable]:
    with file.open("rb"):  # a locked workbook speaks here, as a PermissionError
        pass
    tables = []
    try:
        book = fastexcel.read_excel(str(file))
        for sheet in book.sheet_names:
            cells = book.load_sheet(sheet, header_row=None, dtypes="string").to_polars()
            if cells.is_empty():
                continue
            named = sheet if alone else stem if len(book.sheet_names) == 1 else f"{stem}.{sheet}"
            source, above = f"{file.name}:{sheet}", _rows_above(cells)
            frame = _with_header(cells.slice(above), source)
            findings = (_title_rows(source, above),) if above else ()
            tables.append(RawTable(named, source, frame, 2 + above, findings=findings))
    except fastexcel.FastExcelError as error:
        what = f"'{file.name}' cannot be read as a workbook."
        why = f"It is damaged, has a password or is none ({str(error).splitlines()[0]})."
        remedy = "Open it in Excel and save it again without a password."
        raise InputError(what, why=why, remedy=remedy) from error
    return tables


def _rows_above(cells: pl.DataFrame) -> int:
    """Return how many rows are titles: those on top with at most one cell, where others have several."""
    given = pl.all().is_not_null() & (pl.all().str.strip_chars() != "")
    counts = cells.head(TITLE_ROWS).select(pl.sum_horizontal(given.cast(pl.Int64))).to_series()
    wide = (counts > 1).arg_true()
    return int(wide[0]) if len(wide) and int(str(counts.max())) >= FEWEST_COLUMNS else 0


def _with_header(cells: pl.DataFrame, source: str) -> pl.DataFrame:
    header = [(name or "").strip() or f"column_{place}" for place, name in enumerate(cells.row(0), 1)]
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        what = f"'{source}' has the column '{repeated[0]}' more than once."
        raise InputError(
            what, why="A mapping could not tell them apart.", remedy="Rename or remove one of them."
        )
    frame = cells.slice(1).rename(dict(zip(cells.columns, header, strict=True)))
    return frame.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep())


def _check_size(source: Path, size: int) -> None:
    """Refuse what would not fit into memory, before anything is read."""
    need, free = size * MEMORY_FACTOR, available_bytes()
    if free is None or need <= free:
        return
    shown = (f"{count / 1e9:.1f} GB" for count in (size, need, free))
    what = "'{}' holds {} of text, which needs about {} of memory; {} are available.".format(
        source.name, *shown
    )
    raise InputError(what, remedy="Leave out old years and unused columns, or use a larger machine.")


def _text_bytes(file: Path) -> int:
    """Return about how much text a file holds; of gzip what its last four bytes tell (modulo 4 GiB).

    The end of a file that is cut off tells anything: no more counts than can be packed into its size.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        packed = opened.read(2) == GZIP_MAGIC and size >= len(GZIP_MAGIC) + 4
        if packed:
            opened.seek(-4, os.SEEK_END)
            size = max(size, min(int.from_bytes(opened.read(4), "little"), size * GZIP_RATIO))
    if _ending(file) in PARQUET:
        try:
            cells = _parquet(file).select(pl.len()).collect().item() * len(_parquet(file).collect_schema())
        except pl.exceptions.PolarsError as error:
            raise _damaged(file, error) from error
        size = max(size, cells * PARQUET_CELL_BYTES)
    return size


def _parquet(file: Path) -> pl.LazyFrame:
    return pl.scan_parquet(file, hive_partitioning=False)


def _damaged(file: Path, error: Exception) -> InputError:
    what = f"'{file.name}' cannot be read as Parquet: {str(error).splitlines()[0]}."
    return InputError(what, remedy="Copy or export the file again.")


def _title_rows(source: str, n: int) -> Finding:
    return Finding(
        code="title_rows",
        severity="info",
        table="source",
        n_rows=n,
        keys=source,
        what=numbered(
            f"{n} row<|s> above the column names of '{source}' <is a title|are titles> or blank.", n
        ),
        why="Column names must be in the first row of a table.",
        done=numbered("<It was|They were> passed over.", n),
        remedy="Nothing needs to be done.",
    )


def _ignored(names: list[str]) -> Finding:
    n = len(names)
    return Finding(
        code="ignored_files",
        severity="info",
        table="source",
        n_rows=len(names),
        keys=first_keys(names),
        what=numbered(f"{n} entr<y|ies> of the folder <is no table|are no tables> ({{}}).", n).format(
            first_keys(names)
        ),
        why=numbered("<It was|They were> not imported.", n),
        done=numbered("<It was|They were> left alone.", n),
        remedy=f"Tables end in {', '.join(ENDINGS)}.",
    )
