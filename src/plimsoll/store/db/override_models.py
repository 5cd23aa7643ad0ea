"""What the database holds of overrides: values that people set over computed ones."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from plimsoll.store.db.models import Base


class OverrideRow(Base):
    """A value set over a computed one; values are JSON. It stays when it is withdrawn or expires."""

    __tablename__ = "override_value"
    __table_args__ = (
        CheckConstraint("kind IN ('target', 'lead_time', 'policy', 'forecast')", name="kind"),
        CheckConstraint("withdrawn_at IS NULL OR withdrawn_by <> ''", name="withdrawn_by_somebody"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(20))
    field: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(Text)
    value_old: Mapped[str] = mapped_column(Text)
    item_id: Mapped[str | None] = mapped_column(String(255), index=True)
    location_id: Mapped[str | None] = mapped_column(String(255))
    from_location_id: Mapped[str | None] = mapped_column(String(255))
    category: Mapped[str | None] = mapped_column(String(255))
    start: Mapped[date | None]
    end: Mapped[date | None]
    reason_code: Mapped[str] = mapped_column(String(40))
    reason_text: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    expires_at: Mapped[date | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str] = mapped_column(String(200))
    withdrawn_why: Mapped[str] = mapped_column(Text)
