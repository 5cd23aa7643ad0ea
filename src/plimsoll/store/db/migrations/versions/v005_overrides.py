"""Overrides: values that people set over computed ones, with scope, reason and expiry."""

import sqlalchemy as sa
from alembic import op

revision = "005"
down_revision = "004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "override_value",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("field", sa.String(40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("value_old", sa.Text(), nullable=False),
        sa.Column("item_id", sa.String(255), nullable=True),
        sa.Column("location_id", sa.String(255), nullable=True),
        sa.Column("from_location_id", sa.String(255), nullable=True),
        sa.Column("category", sa.String(255), nullable=True),
        sa.Column("start", sa.Date(), nullable=True),
        sa.Column("end", sa.Date(), nullable=True),
        sa.Column("reason_code", sa.String(40), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("expires_at", sa.Date(), nullable=True),
        sa.Column("withdrawn_at", instant, nullable=True),
        sa.Column("withdrawn_by", sa.String(200), nullable=False),
        sa.Column("withdrawn_why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_override_value"),
        sa.CheckConstraint("kind IN ('target', 'lead_time', 'policy', 'forecast')", name="kind"),
        sa.CheckConstraint("withdrawn_at IS NULL OR withdrawn_by <> ''", name="withdrawn_by_somebody"),
    )
    op.create_index("ix_override_value_item_id", "override_value", ["item_id"])
