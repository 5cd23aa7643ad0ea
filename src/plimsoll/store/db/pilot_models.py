"""What the database holds of pilots: when one began, by which rule it is judged, and how it ended."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from plimsoll.store.db.models import Base


class PilotRow(Base):
    """A pilot; `fence_run` holds the items, `params` as JSON the rule that was fixed when it began."""

    __tablename__ = "pilot"
    __table_args__ = (
        CheckConstraint("status IN ('running', 'stopped', 'ended')", name="status"),
        CheckConstraint("status = 'running' OR ended_at IS NOT NULL", name="ended_at_a_moment"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    fence_run: Mapped[str] = mapped_column(ForeignKey("run.id"))
    first_day: Mapped[date]
    params: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(String(200))
    ended_why: Mapped[str] = mapped_column(Text)
