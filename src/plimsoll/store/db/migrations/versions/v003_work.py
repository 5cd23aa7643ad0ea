"""People's work: states of lines, batches and their delivery, exceptions, jobs, and the log of changes."""

import sqlalchemy as sa
from alembic import op

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None

STATUSES = (
    "status IN ('proposed', 'submitted', 'accepted', 'changed', 'refused', 'expired', 'exported', 'received')"
)


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    _log(instant)
    _batches(instant)
    _lines(instant)
    _exceptions(instant)
    _desk(instant)
    _carry_decisions_over()


def _log(instant: sa.DateTime) -> None:
    op.create_table(
        "audit_event",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("object_type", sa.String(40), nullable=False),
        sa.Column("object_id", sa.String(300), nullable=False),
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("new", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_event"),
    )
    op.create_index("ix_audit_event_object_id", "audit_event", ["object_id"])
    head = op.create_table(
        "chain_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_chain_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
    for statement in _only_added(op.get_bind().dialect.name):
        op.execute(statement)


def _only_added(dialect: str) -> list[str]:
    """Return what makes the database itself refuse to change or delete an event."""
    if dialect == "postgresql":
        return [
            "CREATE FUNCTION refuse_change_of_log() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE EXCEPTION 'events are only ever added'; END $$",
            "CREATE TRIGGER audit_event_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_log()",
        ]
    return [
        f"CREATE TRIGGER audit_event_no_{verb} BEFORE {verb} ON audit_event"
        " BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END"
        for verb in ("update", "delete")
    ]


def _batches(instant: sa.DateTime) -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("n_lines", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", instant, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("done_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_delivery_batch_id"),
        sa.UniqueConstraint("batch_id", "channel", name="uq_delivery_batch_id"),
        sa.CheckConstraint("status IN ('pending', 'done')", name="status"),
    )
    op.create_index("ix_delivery_status", "delivery", ["status"])


def _lines(instant: sa.DateTime) -> None:
    op.create_table(
        "line_state",
        sa.Column("run_id", sa.String(40), nullable=False),
        sa.Column("line_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("quantity_set", sa.Double(), nullable=True),
        sa.Column("date_set", sa.Date(), nullable=True),
        sa.Column("reason_code", sa.String(40), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(200), nullable=False),
        sa.Column("decided_at", instant, nullable=False),
        sa.Column("approved_by", sa.String(200), nullable=True),
        sa.Column("batch_id", sa.String(40), nullable=True),
        sa.Column("batch_no", sa.BigInteger(), nullable=True),
        sa.Column("seen_as", sa.String(300), nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("item_id", sa.String(255), nullable=False),
        sa.Column("to_location_id", sa.String(255), nullable=False),
        sa.Column("from_location_id", sa.String(255), nullable=True),
        sa.Column("order_id", sa.String(255), nullable=True),
        sa.Column("order_line", sa.String(255), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("category", sa.String(255), nullable=True),
        sa.Column("unit", sa.String(255), nullable=True),
        sa.Column("abc", sa.String(10), nullable=True),
        sa.Column("quantity", sa.Double(), nullable=False),
        sa.Column("unit_cost", sa.Double(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("money_at_risk", sa.Double(), nullable=True),
        sa.Column("order_date", sa.Date(), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("due_date_now", sa.Date(), nullable=True),
        sa.Column("confidence", sa.String(10), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "line_no", name="pk_line_state"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_line_state_run_id"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_line_state_batch_id"),
        sa.UniqueConstraint("batch_id", "batch_no", name="uq_line_state_batch_id"),
        sa.CheckConstraint(STATUSES, name="status"),
        sa.CheckConstraint(
            "status NOT IN ('exported', 'received') OR batch_id IS NOT NULL", name="sent_once"
        ),
    )
    for column in ("status", "changed_seq", "item_id"):
        op.create_index(f"ix_line_state_{column}", "line_state", [column])


def _exceptions(instant: sa.DateTime) -> None:
    op.create_table(
        "exception_record",
        sa.Column("exception_id", sa.String(300), nullable=False),
        sa.Column("episode", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("owner", sa.String(200), nullable=True),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("snoozed_until", sa.Date(), nullable=True),
        sa.Column("outcome", sa.String(40), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", instant, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("changed_by", sa.String(200), nullable=False),
        sa.Column("closed_at", instant, nullable=True),
        sa.Column("changed_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exception_id", "episode", name="pk_exception_record"),
        sa.CheckConstraint("status IN ('open', 'snoozed', 'closed')", name="status"),
        sa.CheckConstraint("status <> 'closed' OR outcome IS NOT NULL", name="closed_with_outcome"),
    )
    for column in ("kind", "changed_seq"):
        op.create_index(f"ix_exception_record_{column}", "exception_record", [column])


def _desk(instant: sa.DateTime) -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("list_name", sa.String(40), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_view"),
        sa.UniqueConstraint("username", "list_name", "name", name="uq_saved_view_username"),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("step_no", sa.BigInteger(), nullable=False),
        sa.Column("n_steps", sa.BigInteger(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("started_by", sa.String(200), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("beat_at", instant, nullable=False),
        sa.Column("ended_at", instant, nullable=True),
        sa.Column("run_id", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.CheckConstraint("status IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="status"),
    )
    op.create_index("ix_job_status", "job", ["status"])
    op.create_table(
        "idempotency",
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.String(64), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("username", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_expires_at", "idempotency", ["expires_at"])


def _carry_decisions_over() -> None:
    """Keep the last decision on each line of older plans; they had no line numbers, so they get some."""
    op.execute(
        "INSERT INTO line_state (run_id, line_no, status, version, quantity_set, reason_code, reason_text,"
        " decided_by, decided_at, changed_seq, kind, item_id, to_location_id, from_location_id, quantity)"
        " SELECT run_id, row_number() OVER (PARTITION BY run_id ORDER BY id), status, 1,"
        " CASE WHEN status = 'changed' THEN quantity_decided END,"
        " CASE WHEN status = 'accepted' THEN '' ELSE 'other' END, reason, author, created_at, 0, '',"
        " item_id, to_location_id, from_location_id, quantity_proposed FROM decision WHERE id IN"
        " (SELECT max(id) FROM decision GROUP BY run_id, item_id, to_location_id, from_location_id)"
    )
    op.drop_index("ix_decision_run_id", "decision")
    op.drop_table("decision")
