"""What the database holds of facts and rules: versions, runs, people's parameters and repairs."""

from datetime import UTC, date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware and in UTC on both ways, whether or not the database keeps zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC; SQLite drops the zone that was UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all models share: names of constraints and the types behind annotations."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: UtcDateTime(), int: BigInteger(), float: Double()}  # noqa: RUF012 - read once by SQLAlchemy


class StoredTable:
    """The columns that say where a table is and what it must be."""

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    file: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    n_rows: Mapped[int]


class ImportVersion(Base):
    """A version of the facts; one is in force."""

    __tablename__ = "import_version"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    manifest: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    in_force: Mapped[bool]
    tables: Mapped[list["ImportTable"]] = relationship(order_by="ImportTable.name")


class ImportTable(StoredTable, Base):
    """A table of a version; one carried over names the file of the older version."""

    __tablename__ = "import_table"
    import_id: Mapped[str] = mapped_column(ForeignKey("import_version.id"), primary_key=True)


class Run(Base):
    """A finished run of some kind; one of each kind is in force."""

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("kind", "fingerprint"),)
    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    fingerprint: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[date]
    seed: Mapped[int]
    version: Mapped[str] = mapped_column(String(40))
    manifest: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20))
    tables: Mapped[list["RunTable"]] = relationship(order_by="RunTable.name")


class RunTable(StoredTable, Base):
    """A result table of a run."""

    __tablename__ = "run_table"
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id"), primary_key=True)


class Parameter(Base):
    """A parameter set by a person; the values are JSON."""

    __tablename__ = "parameter"
    __table_args__ = (CheckConstraint("expires_at > created_at", name="expires_later"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    section: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(80))
    value_old: Mapped[str] = mapped_column(Text)
    value_new: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class RepairRow(Base):
    """A rule laid over the facts; `content` is JSON and says what it does. It stays when withdrawn."""

    __tablename__ = "repair"
    __table_args__ = (
        CheckConstraint("kind IN ('drop', 'set', 'convert', 'cap', 'merge', 'transfer')", name="kind"),
        CheckConstraint("withdrawn_at IS NULL OR withdrawn_by <> ''", name="withdrawn_by_somebody"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(20))
    content: Mapped[str] = mapped_column(Text)
    audit_check: Mapped[str] = mapped_column(String(80))
    author: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    accepted_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str] = mapped_column(String(200))
    withdrawn_why: Mapped[str] = mapped_column(Text)
