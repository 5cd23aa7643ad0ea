"""The way out of the door, in the database: batches of lines, and what is owed of them to whom.

A batch, its lines' new state and its deliveries come into being in one transaction. A delivery stays
owed until it is marked done, so a crash at any moment loses none; and since file names, bytes and keys
follow from the batch alone, doing one again doubles nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import select, update

from plimsoll.domain.decisions import NEW_KINDS, TO_SEND, value_decided
from plimsoll.domain.people import Person, scoped
from plimsoll.store import audit_log, decisions, rows
from plimsoll.store.db.work_models import Batch, Delivery, LineState

if TYPE_CHECKING:
    from plimsoll.store.workspace import Workspace

PREFIX = "batch"
INSTANT = pl.Datetime("us", "UTC")
BATCH = pl.Schema(
    {
        "batch_id": pl.String(),
        "created_at": INSTANT,
        "created_by": pl.String(),
        "n_lines": pl.Int64(),
        "value": pl.Float64(),
    }
)
DELIVERY = pl.Schema(
    {
        "batch_id": pl.String(),
        "channel": pl.String(),
        "target": pl.String(),
        "status": pl.String(),
        "attempts": pl.Int64(),
        "next_try_at": INSTANT,
        "last_error": pl.String(),
        "sha256": pl.String(),
        "done_at": INSTANT,
    }
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch as it was made."""

    batch_id: str
    created_at: datetime
    created_by: str
    n_lines: int
    value: float


def make_batch(
    workspace: "Workspace",
    who: Person,
    targets: Mapping[str, str],
    *,
    at: datetime,
    held: Sequence[str] = (),
) -> Sent | None:
    """Put all lines that wait to be sent, and are in a person's scope, in a batch; None if none waits.

    Parameters
    ----------
    targets : by channel where it goes; a delivery of the batch is owed to each. `{batch}` in a target
        becomes the batch's id
    held : items of which nothing is sent; their lines go on waiting
    """
    moment = rows.utc(at)
    with workspace.transaction("make the batch") as db:
        waiting = scoped(decisions.of_runs(db, TO_SEND), who)
        lines = waiting.filter(~pl.col("item_id").is_in(list(held)))
        if lines.is_empty():
            return None
        numbers = [int(name.rpartition("-")[2]) for name in db.scalars(select(Batch.id))]
        batch_id = f"{PREFIX}-{max(numbers, default=0) + 1:06d}"
        lines = with_decided(lines).with_row_index("batch_no_new", offset=1)
        value = float(lines["value_decided"].sum())
        sent = Sent(batch_id, moment, who.username, lines.height, value)
        row = Batch(
            id=batch_id, created_at=moment, created_by=who.username, n_lines=lines.height, value=value
        )
        db.add(row)
        db.flush()
        db.add_all(
            Delivery(
                batch_id=batch_id,
                channel=channel,
                target=target.replace("{batch}", batch_id),
                status="pending",
                attempts=0,
                next_try_at=moment,
                last_error="",
                sha256="",
            )
            for channel, target in targets.items()
        )
        coming = lines.with_columns(
            status_before="status",
            quantity_before="quantity_set",
            date_before="date_set",
            status=pl.lit("exported"),
            batch_id=pl.lit(batch_id),
            batch_no=pl.col("batch_no_new").cast(pl.Int64),
        )
        decisions.write(db, coming, decisions.By("export", who.username, moment))
        audit_log.append(
            db,
            at=moment,
            actor=who.username,
            action="export",
            object_type="batch",
            object_id=batch_id,
            old=None,
            new={"n_lines": sent.n_lines, "value": value, "channels": sorted(targets)},
        )
    return sent


def with_decided(lines: pl.DataFrame) -> pl.DataFrame:
    """Add what was decided of lines: quantity_decided, date_decided, value_decided."""
    return lines.with_columns(
        quantity_decided=pl.coalesce("quantity_set", "quantity"),
        date_decided=pl.coalesce("date_set", "due_date"),
        value_decided=value_decided(),
    )


def reference(batch_id: str, batch_no: int) -> str:
    """Return the reference that a line carries out of the door, to be known by when it comes back.

    Examples
    --------
    >>> reference("batch-000001", 7)
    'PLM-000001-0007'
    """
    return f"PLM-{batch_id.removeprefix(PREFIX + '-')}-{batch_no:04d}"


def referenced() -> pl.Expr:
    """Return the reference of each line of a frame with batch_id and batch_no; see `reference`."""
    number = pl.col("batch_id").str.strip_prefix(f"{PREFIX}-")
    return pl.format("PLM-{}-{}", number, pl.col("batch_no").cast(pl.String).str.zfill(4))


def batches(workspace: "Workspace") -> pl.DataFrame:
    """Return all batches, the latest first: `BATCH`."""
    query = select(Batch.id, Batch.created_at, Batch.created_by, Batch.n_lines, Batch.value)
    with workspace.reading() as db:
        found = [tuple(row) for row in db.execute(query.order_by(Batch.created_at.desc(), Batch.id.desc()))]
    return pl.DataFrame(found, schema=BATCH, orient="row")


def batch_lines(workspace: "Workspace", batch_id: str) -> pl.DataFrame:
    """Return the lines of a batch in their order: as `decisions.states`, with what was decided."""
    with workspace.reading() as db:
        lines = decisions.of_batch(db, batch_id)
    return with_decided(lines).with_columns(reference=referenced())


def deliveries(workspace: "Workspace", *, pending: bool = False) -> pl.DataFrame:
    """Return what is or was owed, the oldest first: `DELIVERY`; with `pending` only what still is."""
    names = [name for name in DELIVERY if name != "batch_id"]
    query = select(Delivery.batch_id, *(getattr(Delivery, name) for name in names)).order_by(Delivery.id)
    if pending:
        query = query.where(Delivery.status == "pending")
    with workspace.reading() as db:
        return pl.DataFrame([tuple(row) for row in db.execute(query)], schema=DELIVERY, orient="row")


def claim(
    workspace: "Workspace", batch_id: str, channel: str, attempts: int, *, next_try_at: datetime
) -> bool:
    """Return whether this attempt at a delivery is ours: nobody began another since `attempts` were read."""
    with workspace.transaction("begin the delivery") as db:
        claimed = db.execute(
            update(Delivery)
            .where(Delivery.batch_id == batch_id, Delivery.channel == channel)
            .where(Delivery.status == "pending", Delivery.attempts == attempts)
            .values(next_try_at=rows.utc(next_try_at), attempts=attempts + 1)
            .returning(Delivery.id)
        )
        return claimed.first() is not None


def delivered(workspace: "Workspace", batch_id: str, channel: str, sha256: str, *, at: datetime) -> None:
    """Mark a delivery as done; one that is done already stays as it is."""
    moment = rows.utc(at)
    with workspace.transaction("mark the delivery as done") as db:
        done = db.execute(
            update(Delivery)
            .where(Delivery.batch_id == batch_id, Delivery.channel == channel, Delivery.status == "pending")
            .values(status="done", done_at=moment, sha256=sha256, last_error="")
            .returning(Delivery.target)
        ).first()
        if done is not None:
            audit_log.append(
                db,
                at=moment,
                actor=audit_log.PROGRAM,
                action="deliver",
                object_type="batch",
                object_id=batch_id,
                old=None,
                new={"channel": channel, "target": done.target, "sha256": sha256},
            )


def failed(workspace: "Workspace", batch_id: str, channel: str, error: str, *, next_try_at: datetime) -> None:
    """Keep what went wrong with a delivery and when to try it again."""
    with workspace.transaction("note the failed delivery") as db:
        db.execute(
            update(Delivery)
            .where(Delivery.batch_id == batch_id, Delivery.channel == channel, Delivery.status == "pending")
            .values(next_try_at=rows.utc(next_try_at), last_error=error[:500])
        )


def receive(workspace: "Workspace", matches: pl.DataFrame, *, at: datetime) -> int:
    """Mark exported lines as seen in the system that they were sent to, and return how many.

    Parameters
    ----------
    matches : run_id, line_no and `order`, the order's id there
    """
    if matches.is_empty():
        return 0
    moment = rows.utc(at)
    with workspace.transaction("mark the lines as received") as db:
        lines = decisions.of_runs(db, ("exported",)).drop("seen_as")
        found = lines.join(matches.select("run_id", "line_no", seen_as="order"), on=["run_id", "line_no"])
        coming = found.with_columns(
            status_before="status",
            quantity_before="quantity_set",
            date_before="date_set",
            status=pl.lit("received"),
        )
        decisions.write(db, coming, decisions.By("receive", audit_log.PROGRAM, moment))
    return found.height


def open_lines(workspace: "Workspace") -> pl.DataFrame:
    """Return lines that were accepted or sent and not seen since; `reference` is unknown while not sent."""
    with workspace.reading() as db:
        lines = decisions.of_runs(db, (*TO_SEND, "exported"))
    return with_decided(lines).with_columns(
        reference=pl.when(pl.col("batch_id").is_not_null()).then(referenced())
    )


def orders_seen(workspace: "Workspace") -> list[str]:
    """Return the orders of the other system that received lines were seen as."""
    query = select(LineState.seen_as).where(LineState.seen_as.is_not(None), LineState.kind.in_(NEW_KINDS))
    with workspace.reading() as db:
        return [str(order) for order in db.scalars(query)]
