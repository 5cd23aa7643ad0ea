"""Pilots: when one began, by which rule it is judged, and how it ended."""

import sqlalchemy as sa
from alembic import op

revision = "006"
down_revision = "005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "pilot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fence_run", sa.String(40), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("started_at", instant, nullable=False),
        sa.Column("started_by", sa.String(200), nullable=False),
        sa.Column("ended_at", instant, nullable=True),
        sa.Column("ended_by", sa.String(200), nullable=False),
        sa.Column("ended_why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pilot"),
        sa.ForeignKeyConstraint(["fence_run"], ["run.id"], name="fk_pilot_fence_run"),
        sa.CheckConstraint("status IN ('running', 'stopped', 'ended')", name="status"),
        sa.CheckConstraint("status = 'running' OR ended_at IS NOT NULL", name="ended_at_a_moment"),
    )
