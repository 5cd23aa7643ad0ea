"""First tables: versions of facts, runs, parameters, decisions."""

import sqlalchemy as sa
from alembic import op

revision = "001"
down_revision = None
branch_labels = None
depends_on = None


def _stored_table(name: str, owner: str, owner_table: str) -> None:
    op.create_table(
        name,
        sa.Column(owner, sa.String(40), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("file", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("n_rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(owner, "name", name=f"pk_{name}"),
        sa.ForeignKeyConstraint([owner], [f"{owner_table}.id"], name=f"fk_{name}_{owner}"),
    )


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "import_version",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_import_version"),
    )
    op.create_index("ix_import_version_fingerprint", "import_version", ["fingerprint"])
    _stored_table("import_table", "import_id", "import_version")
    op.create_table(
        "run",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("kind", "fingerprint", name="uq_run_kind"),
    )
    _stored_table("run_table", "run_id", "run")
    op.create_table(
        "parameter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(80), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("value_old", sa.Text(), nullable=False),
        sa.Column("value_new", sa.Text(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_parameter"),
        sa.CheckConstraint("expires_at > created_at", name="expires_later"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(40), nullable=False),
        sa.Column("item_id", sa.String(255), nullable=False),
        sa.Column("to_location_id", sa.String(255), nullable=False),
        sa.Column("from_location_id", sa.String(255), nullable=False),
        sa.Column("quantity_proposed", sa.Double(), nullable=False),
        sa.Column("quantity_decided", sa.Double(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_decision_run_id"),
        sa.CheckConstraint("status IN ('accepted', 'changed', 'refused')", name="status"),
    )
    op.create_index("ix_decision_run_id", "decision", ["run_id"])
