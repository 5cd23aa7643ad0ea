"""A table as it came from outside: names and texts of the user, nothing interpreted yet."""

from dataclasses import dataclass

import polars as pl

from plimsoll.domain.findings import Finding


@dataclass(frozen=True, slots=True)
class RawTable:
    """One file or sheet under the user's own names.

    `frame` holds strings where the source was text (CSV, Excel) and typed columns where the source
    was typed (Parquet). `first_row` is the number that row 0 of the frame has in the source,
    counting the header as row 1. `n_cells`, where it is known, counts the cells of each row as they
    stand in the source, so that rows with too many or too few can be told; `findings` is what the
    reader noticed.
    """

    name: str
    source: str
    frame: pl.DataFrame
    first_row: int = 2
    n_cells: pl.Series | None = None
    findings: tuple[Finding, ...] = ()
