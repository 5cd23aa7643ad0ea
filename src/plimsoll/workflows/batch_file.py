"""A batch as the file that left, for who wants to fetch it."""

from pathlib import Path

import polars as pl

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError
from plimsoll.domain.people import Forbidden, Person, require, scoped
from plimsoll.integrations import batch_files
from plimsoll.store import outbox
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.outbox import COLUMNS


def batch_file(folder: Path, batch_id: str, ending: str, who: Person) -> bytes:
    """Return a batch as a file: the bytes that were sent.

    Parameters
    ----------
    ending : csv, xlsx or json

    Raises
    ------
    Unknown : there is no such batch
    InputError : there is no such format
    Forbidden : lines of the batch are out of the person's scope
    """
    require(who, "view")
    if ending not in batch_files.FORMATS:
        what = f"There is no format '{ending[:20]}'."
        raise InputError(what, remedy=f"Known: {', '.join(batch_files.FORMATS)}.")
    with Workspace.open(folder) as workspace:
        head = outbox.batches(workspace).filter(pl.col("batch_id") == batch_id)
        if head.is_empty():
            what = f"There is no batch '{batch_id[:40]}'."
            raise Unknown(what, remedy="A batch is named like batch-000001.")
        lines = outbox.batch_lines(workspace, batch_id)
    if scoped(lines, who).height < lines.height:
        what = "The batch has lines that are not yours."
        raise Forbidden(what, remedy="Ask for its lines: those in your scope are told.")
    rows = lines.select(pl.col(name).alias(shown) for shown, name in COLUMNS.items())
    return batch_files.FORMATS[ending](rows, head.row(0, named=True))
