"""Tables as Parquet in directories that appear whole or not at all and never change.

Publishing in a folder (`facts` or `runs`) goes in four steps, the third of them by the caller:

1. `stage`: the files are written and synced in `.tmp-NAME/NAME`;
2. `reveal`: that directory is renamed to `NAME`; the empty `.tmp-NAME` stays as a mark;
3. the database commits the row that names `NAME`: from here on it is published;
4. `sweep`: the mark goes; and where a mark stands for a name that the database does not know,
   its publisher died or failed, and what it left goes too.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from plimsoll.domain.errors import WorkspaceError
from plimsoll.domain.tables import table
from plimsoll.store.faults import AGAIN

MARK = ".tmp-"
MANIFEST = "manifest.json"
STATISTICS = {"min": True, "max": True, "null_count": True, "distinct_count": False}


_INTACT: dict[Path, tuple[int, int, str]] = {}  # files found intact: time of change, size, hash


@dataclass(frozen=True, slots=True)
class TableFile:
    """A stored table: its file relative to the workspace, hash and number of rows."""

    name: str
    file: str
    sha256: str
    n_rows: int


def sync(path: Path) -> None:
    """Force a file or directory to disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows has no handle for a directory
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_table(frame: pl.DataFrame, path: Path) -> str:
    """Write a frame and return the SHA-256 of the file.

    Equal frames give equal bytes, for any number of threads and any division into chunks: one
    chunk, and every option of the format fixed here. List columns stay Float64: as Float32 they
    take half the space, but a result read back would no longer be the result computed.
    """
    try:
        frame.rechunk().write_parquet(
            path,
            compression="zstd",
            compression_level=3,
            statistics=STATISTICS,
            row_group_size=131_072,
            data_page_size=1_048_576,
        )
    except pl.exceptions.ComputeError as error:  # Polars hides the disk's answer in its text
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
    sync(path)
    return sha256_of(path)


def is_intact(root: Path, stored: TableFile) -> bool:
    """Return whether a stored table is there as it was published."""
    path = root / stored.file
    return path.exists() and sha256_of(path) == stored.sha256


def read_rows(root: Path, stored: TableFile, columns: Sequence[str], where: pl.Expr | None) -> pl.DataFrame:
    """Return some rows and columns of a stored table, reading no more of the file than it must.

    The file is compared with its hash the first time, and again when it was touched since.
    """
    path = root / stored.file
    if not path.exists() or _INTACT.get(path) != _touched(path, stored):
        _check_intact(root, stored)
        _INTACT[path] = _touched(path, stored)
    rows = pl.scan_parquet(path)
    missing = [name for name in columns if name not in rows.collect_schema()]
    if missing:  # stored when fewer columns were declared
        rows = rows.with_columns(
            pl.lit(None, table(stored.name).schema[name]).alias(name) for name in missing
        )
    return (rows if where is None else rows.filter(where)).select(columns).collect()


def _touched(path: Path, stored: TableFile) -> tuple[int, int, str]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size, stored.sha256


def _check_intact(root: Path, stored: TableFile) -> None:
    path = root / stored.file
    if not is_intact(root, stored):
        state = "has been changed since it was published" if path.exists() else "is missing"
        what = f"The workspace is damaged: '{path}' {state}."
        raise WorkspaceError(what, why="Results could not be reproduced from it.", remedy=AGAIN)


def read_table(root: Path, stored: TableFile) -> pl.DataFrame:
    """Return a stored table in its declared columns.

    A table stored when fewer columns were declared comes back with the new ones unknown.

    Raises
    ------
    WorkspaceError : the file is missing or is not the one that was published
    """
    _check_intact(root, stored)
    frame = pl.read_parquet(root / stored.file)
    declared = table(stored.name)
    return frame if frame.schema == declared.schema else declared.conform(frame)


def next_name(folder: Path, prefix: str, taken: Iterable[str]) -> str:
    """Return the next free name `prefix-000001`, above all names taken and all directories present.

    Examples
    --------
    >>> next_name(Path("nowhere"), "plan", ["plan-000009", "replay-000020"])
    'plan-000010'
    """
    names = {*taken, *(path.name for path in folder.glob(f"{prefix}-*"))}
    numbers = [int(name[len(prefix) + 1 :]) for name in names if re.fullmatch(rf"{prefix}-\d+", name)]
    return f"{prefix}-{max(numbers, default=0) + 1:06d}"


def stage(folder: Path, name: str, tables: Mapping[str, pl.DataFrame], manifest: str) -> list[TableFile]:
    """Write tables and manifest where nobody looks yet; return the files under their coming names."""
    for key, frame in tables.items():
        if frame.schema != table(key).schema:
            what = f"Table '{key}' cannot be stored: its columns are not the declared ones."
            raise WorkspaceError(what, remedy=f"Hand over table('{key}').conform(frame).")
    inside = folder / f"{MARK}{name}" / name
    inside.mkdir(parents=True)
    stored = []
    for key, frame in sorted(tables.items()):
        digest = write_table(frame, inside / f"{key}.parquet")
        stored.append(TableFile(key, f"{folder.name}/{name}/{key}.parquet", digest, frame.height))
    (inside / MANIFEST).write_text(manifest, encoding="utf-8")
    sync(inside / MANIFEST)
    sync(inside)
    return stored


def reveal(folder: Path, name: str) -> None:
    """Give a staged directory its final name in one step."""
    (folder / f"{MARK}{name}" / name).rename(folder / name)
    sync(folder)


def mend(folder: Path, name: str, staged: str) -> None:
    """Put files staged under another name in the place of equal published ones that are damaged."""
    (folder / name).mkdir(exist_ok=True)
    for fresh in sorted((folder / f"{MARK}{staged}" / staged).iterdir()):
        place = folder / name / fresh.name
        if not place.exists() or sha256_of(place) != sha256_of(fresh):
            fresh.replace(place)
    sync(folder / name)


def sweep(folder: Path, is_published: Callable[[str], bool]) -> None:
    """Remove the marks of publishers, and what those left that did not finish."""
    for mark in folder.glob(f"{MARK}*"):
        left = folder / mark.name.removeprefix(MARK)
        if left.exists() and not is_published(left.name):
            shutil.rmtree(left)
        shutil.rmtree(mark)
