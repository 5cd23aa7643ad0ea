"""What people do with a plan: states of lines, batches sent, exceptions worked, and the log of it all."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plimsoll.store.db.models import Base


class AuditEvent(Base):
    """One change by somebody, with old and new value as JSON; rows are only ever added.

    `hash` is the SHA-256 of the row with the hash of the row before, so no row can be changed, taken
    out or put in without breaking all that follow.
    """

    __tablename__ = "audit_event"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(40))
    object_type: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(300), index=True)
    old: Mapped[str] = mapped_column(Text)
    new: Mapped[str] = mapped_column(Text)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class ChainHead(Base):
    """The number and hash of the last event: one row, which a writer holds while it writes."""

    __tablename__ = "chain_head"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class LineState(Base):
    """What became of a line of a plan; a line without a row is proposed, or expired with its plan.

    From `kind` on: what was proposed, as the person saw it. `changed_seq` is the last event about it.
    """

    __tablename__ = "line_state"
    __table_args__ = (
        CheckConstraint(
            "status IN ('proposed', 'submitted', 'accepted', 'changed', 'refused', 'expired', 'exported',"
            " 'received')",
            name="status",
        ),
        CheckConstraint("status NOT IN ('exported', 'received') OR batch_id IS NOT NULL", name="sent_once"),
        UniqueConstraint("batch_id", "batch_no"),
    )
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(20), index=True)
    version: Mapped[int]
    quantity_set: Mapped[float | None]
    date_set: Mapped[date | None]
    reason_code: Mapped[str] = mapped_column(String(40))
    reason_text: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str] = mapped_column(String(200))
    decided_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(String(200))
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("batch.id"))
    batch_no: Mapped[int | None]
    seen_as: Mapped[str | None] = mapped_column(String(300))
    changed_seq: Mapped[int] = mapped_column(BigInteger, index=True)
    kind: Mapped[str] = mapped_column(String(20))
    item_id: Mapped[str] = mapped_column(String(255), index=True)
    to_location_id: Mapped[str] = mapped_column(String(255))
    from_location_id: Mapped[str | None] = mapped_column(String(255))
    order_id: Mapped[str | None] = mapped_column(String(255))
    order_line: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(String(255))
    unit: Mapped[str | None] = mapped_column(String(255))
    abc: Mapped[str | None] = mapped_column(String(10))
    quantity: Mapped[float]
    unit_cost: Mapped[float | None]
    value: Mapped[float | None]
    money_at_risk: Mapped[float | None]
    order_date: Mapped[date | None]
    due_date: Mapped[date | None]
    due_date_now: Mapped[date | None]
    confidence: Mapped[str | None] = mapped_column(String(10))


class Batch(Base):
    """Lines that left together."""

    __tablename__ = "batch"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    n_lines: Mapped[int]
    value: Mapped[float]


class Delivery(Base):
    """A batch on its way through one channel: owed from the moment that the batch is, until done."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("batch_id", "channel"),
        CheckConstraint("status IN ('pending', 'done')", name="status"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("batch.id"))
    channel: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), index=True)
    attempts: Mapped[int]
    next_try_at: Mapped[datetime]
    last_error: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    done_at: Mapped[datetime | None]


class ExceptionRecord(Base):
    """How people worked an exception; one that comes back after its closure begins a new episode."""

    __tablename__ = "exception_record"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'snoozed', 'closed')", name="status"),
        CheckConstraint("status <> 'closed' OR outcome IS NOT NULL", name="closed_with_outcome"),
    )
    exception_id: Mapped[str] = mapped_column(String(300), primary_key=True)
    episode: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(40), index=True)
    status: Mapped[str] = mapped_column(String(20))
    owner: Mapped[str | None] = mapped_column(String(200))
    due: Mapped[date | None]
    snoozed_until: Mapped[date | None]
    outcome: Mapped[str | None] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(200))
    closed_at: Mapped[datetime | None]
    changed_seq: Mapped[int] = mapped_column(BigInteger, index=True)


class SavedView(Base):
    """A list's filter and order that a person keeps under a name; `query` as in the address."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("username", "list_name", "name"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    username: Mapped[str] = mapped_column(String(200))
    list_name: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    query: Mapped[str] = mapped_column(Text)
    shared: Mapped[bool]
    created_at: Mapped[datetime]


class Job(Base):
    """Something that runs in the background; one whose `beat_at` is long ago died."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="status"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20), index=True)
    step: Mapped[str] = mapped_column(Text)
    step_no: Mapped[int]
    n_steps: Mapped[int]
    log: Mapped[str] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text)
    pid: Mapped[int | None]
    host: Mapped[str] = mapped_column(String(255))
    started_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    run_id: Mapped[str | None] = mapped_column(String(40))


class Idempotency(Base):
    """The answer to a request that changes something, kept so that the same request is done once.

    `status` is unknown while the first request is at work.
    """

    __tablename__ = "idempotency"
    username: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request: Mapped[str] = mapped_column(Text)
    body_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    response: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
