"""States of lines as people left them: read for the desk, written with an event each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import Select, Table, bindparam, case, func, insert, literal, select, update
from sqlalchemy.orm import Session

from plimsoll.domain.decisions import line_id
from plimsoll.store.audit_log import Event, append_all, last_seq
from plimsoll.store.db.models import Run
from plimsoll.store.db.work_models import LineState

if TYPE_CHECKING:
    from plimsoll.store.workspace import Workspace

__all__ = ["PROPOSAL", "STATE", "current", "last_seq", "of_runs", "states", "write"]

INSTANT = pl.Datetime("us", "UTC")
KEY = {"run_id": pl.String(), "line_no": pl.Int64()}
# What a person or the program sets, and what was proposed when it was first set.
STATE = {
    "status": pl.String(),
    "version": pl.Int64(),
    "quantity_set": pl.Float64(),
    "date_set": pl.Date(),
    "reason_code": pl.String(),
    "reason_text": pl.String(),
    "decided_by": pl.String(),
    "decided_at": INSTANT,
    "approved_by": pl.String(),
    "batch_id": pl.String(),
    "batch_no": pl.Int64(),
    "seen_as": pl.String(),
    "changed_seq": pl.Int64(),
}
TEXTS = ("kind", "item_id", "to_location_id", "from_location_id", "order_id", "order_line")
WORDS = ("description", "category", "unit", "abc")
PROPOSAL: dict[str, pl.DataType] = {
    **dict.fromkeys((*TEXTS, *WORDS), pl.String()),
    **dict.fromkeys(("quantity", "unit_cost", "value", "money_at_risk"), pl.Float64()),
    **dict.fromkeys(("order_date", "due_date", "due_date_now"), pl.Date()),
    "confidence": pl.String(),
}
SCHEMA = pl.Schema({**KEY, **STATE, **PROPOSAL})
OF_SHOWN = pl.Schema({**SCHEMA, "as_of": pl.Date()})
SHOWN = pl.Schema({"line_id": pl.String(), **OF_SHOWN})
LISTED_ONE_BY_ONE = 400  # more lines of a run than these are found by reading the whole run
LINES: Table = LineState.__table__  # type: ignore[assignment]
COLUMNS = [LINES.c[name] for name in SCHEMA]
RUNS: Table = Run.__table__  # type: ignore[assignment]
# A plan that was superseded takes with it what nobody had decided; no row is written for that.
STATUS = case(
    ((RUNS.c.status == "superseded") & LINES.c.status.in_(("proposed", "submitted")), literal("expired")),
    else_=LINES.c.status,
).label("status")


@dataclass(frozen=True, slots=True)
class By:
    """What was done with lines, by whom and when; `remark` is for the log alone."""

    action: str
    actor: str
    at: datetime
    remark: str = ""


def states(workspace: "Workspace", after_seq: int | None = None) -> pl.DataFrame:
    """Return the lines that somebody decided on, the oldest change first.

    Parameters
    ----------
    after_seq : only those changed after this event; None for all. Publishing a plan expires lines of the
        plan before without changing their rows: read all again when the plan in force changes

    Returns
    -------
    DataFrame
        `line_id`, the state, what was proposed, and `as_of` of the plan. `status` is the one that counts
        today: undecided lines of a superseded plan are expired.
    """
    with workspace.reading() as db:
        return _frame(db, CHANGED, {"after": -1 if after_seq is None else after_seq})


def of_runs(db: Session, statuses: Sequence[str]) -> pl.DataFrame:
    """Return, within a transaction, all lines of all runs with one of these statuses; as `states`."""
    query = _shown().where(LineState.status.in_(statuses))
    return _frame(db, query.order_by(LineState.run_id, LineState.line_no))


def of_batch(db: Session, batch_id: str) -> pl.DataFrame:
    """Return, within a transaction, the lines of a batch in their order there; as `states`."""
    return _frame(db, _shown().where(LineState.batch_id == batch_id).order_by(LineState.batch_no))


def current(db: Session, lines: pl.DataFrame) -> pl.DataFrame:
    """Return, within a transaction, the rows of lines given by run_id and line_no; no row, no decision."""
    found = []
    for (run_id,), some in lines.group_by("run_id", maintain_order=True):
        query = select(*COLUMNS).where(LineState.run_id == run_id)
        if some.height <= LISTED_ONE_BY_ONE:
            query = query.where(LineState.line_no.in_(some["line_no"].to_list()))
        found.append(_rows(db, query, SCHEMA))
    return pl.concat(found) if found else pl.DataFrame(schema=SCHEMA)


def write(db: Session, lines: pl.DataFrame, by: By) -> None:
    """Put lines in their new state within a transaction, with an event for each.

    Parameters
    ----------
    lines : the columns of `STATE` and `PROPOSAL` with the key, as they shall be (`version` and
        `changed_seq` are set here), and `status_before`, `quantity_before`, `date_before` as they are;
        `version` is that of the row that is there, 0 for none
    by : what was done, by whom and when, for the log
    """
    rows = lines.to_dicts()
    events = [_event(row, by) for row in rows]
    new, changed = [], []
    for seq, row in zip(append_all(db, events, at=by.at, actor=by.actor), rows, strict=True):
        is_new = row["version"] == 0
        stored = {name: row[name] for name in (SCHEMA if is_new else STATE)}
        stored |= {"version": row["version"] + 1, "changed_seq": seq}
        if is_new:
            new.append(stored)
        else:
            changed.append(stored | {"of_run": row["run_id"], "of_line": row["line_no"]})
    if new:
        db.execute(insert(LINES), new)
    if changed:
        key = (LINES.c.run_id == bindparam("of_run")) & (LINES.c.line_no == bindparam("of_line"))
        db.connection().execute(
            update(LINES).where(key).values({name: bindparam(name) for name in STATE}), changed
        )


def _event(row: dict[str, Any], by: By) -> Event:
    proposed = row["quantity"], row["due_date"]
    was, now = (
        {
            "status": row[status],
            "quantity": proposed[0] if row[quantity] is None else row[quantity],
            "date": proposed[1] if row[day] is None else row[day],
        }
        for status, quantity, day in (
            ("status_before", "quantity_before", "date_before"),
            ("status", "quantity_set", "date_set"),
        )
    )
    told = {"reason": row["reason_code"], "text": row["reason_text"], "batch": row["batch_id"]}
    told |= {"seen_as": row["seen_as"], "approved_by": row["approved_by"], "remark": by.remark}
    told = {name: value for name, value in told.items() if value}
    return Event(by.action, "line", line_id(row["run_id"], row["line_no"]), was, now | told)


def count(workspace: "Workspace") -> dict[str, int]:
    """Return how many lines have each status that somebody or the program gave."""
    query = select(LineState.status, func.count().label("n")).group_by(LineState.status)
    with workspace.reading() as db:
        return {row.status: row.n for row in db.execute(query)}


def _shown() -> Select[Any]:
    columns = [STATUS if column.key == "status" else column for column in COLUMNS]
    return select(*columns, RUNS.c.as_of).join(RUNS, RUNS.c.id == LINES.c.run_id)


# Written once: with so many columns, putting it together takes longer than asking it.
CHANGED = (
    _shown()
    .where(LINES.c.changed_seq > bindparam("after"))
    .order_by(LINES.c.changed_seq, LINES.c.run_id, LINES.c.line_no)
)


def _frame(db: Session, query: Select[Any], given: Mapping[str, Any] | None = None) -> pl.DataFrame:
    frame = _rows(db, query, OF_SHOWN, given)
    return frame.with_columns(line_id=pl.format("{}-{}", "run_id", "line_no")).select(SHOWN.names())


def _rows(
    db: Session, query: Select[Any], schema: pl.Schema, given: Mapping[str, Any] | None = None
) -> pl.DataFrame:
    """Return the rows of a query; many of them column by column, which is then the quicker way in."""
    rows = [tuple(row) for row in db.execute(query, given)]
    if len(rows) <= LISTED_ONE_BY_ONE:
        return pl.DataFrame(rows, schema=schema, orient="row", strict=False)
    return pl.DataFrame(dict(zip(schema, zip(*rows, strict=True), strict=True)), schema=schema, strict=False)


def superseded(db: Session, run_ids: Sequence[str]) -> list[str]:
    """Return, within a transaction, which of some runs are not in force any more."""
    return list(db.scalars(select(Run.id).where(Run.id.in_(run_ids), Run.status == "superseded")))
