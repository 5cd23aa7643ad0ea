"""Who is let in: users, their sessions and API tokens, one-time codes, and what failed log-ins cost."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plimsoll.store.db.models import Base

ROLE = "role IN ('viewer', 'planner', 'approver', 'admin')"


class PersonRow(Base):
    """A user; scopes are JSON lists, null for everything. Users are locked, never deleted."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("oidc_issuer", "oidc_subject"), CheckConstraint(ROLE, name="role"))
    username: Mapped[str] = mapped_column(String(80), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(20))
    locations: Mapped[str | None] = mapped_column(Text)
    categories: Mapped[str | None] = mapped_column(Text)
    approval_limit: Mapped[float | None]
    password_hash: Mapped[str | None] = mapped_column(String(255))
    oidc_issuer: Mapped[str | None] = mapped_column(String(255))
    oidc_subject: Mapped[str | None] = mapped_column(String(255))
    locked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    last_login_at: Mapped[datetime | None]
    version: Mapped[int]


class SessionRow(Base):
    """A browser that is logged in, under the SHA-256 of the secret in its cookie."""

    __tablename__ = "web_session"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str] = mapped_column(ForeignKey("person.username"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class TokenRow(Base):
    """An API token, under the SHA-256 of its secret; it stays on record when withdrawn."""

    __tablename__ = "api_token"
    __table_args__ = (CheckConstraint(ROLE, name="role"), UniqueConstraint("secret_hash"))
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    start: Mapped[str] = mapped_column(String(12))
    username: Mapped[str] = mapped_column(ForeignKey("person.username"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    locations: Mapped[str | None] = mapped_column(Text)
    categories: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str] = mapped_column(String(200))


class CodeRow(Base):
    """Something good for one use, such as a link to set a password."""

    __tablename__ = "one_time_code"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    content: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime]


class ThrottleRow(Base):
    """Failed log-ins of a user name or from an address, under the SHA-256 of either."""

    __tablename__ = "login_throttle"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    n_failed: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
