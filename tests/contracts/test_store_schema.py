"""The migrations make exactly what the models declare, in SQL that other databases know."""

import importlib
import pkgutil

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable

from plimsoll.domain.errors import WorkspaceError
from plimsoll.store import Workspace, db
from plimsoll.store.db import engine as database
from plimsoll.store.db.models import Base

for module in pkgutil.iter_modules(db.__path__, "plimsoll.store.db."):
    if module.name.endswith("models"):
        importlib.import_module(module.name)


@pytest.fixture
def migrated(tmp_path):
    engine = database.connect(f"sqlite:///{tmp_path}/new.db")
    assert database.state(engine) == "empty"
    database.migrate(engine)
    assert database.state(engine) == "current"
    return engine


def test_from_empty_to_head_is_what_the_models_say(migrated):
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_checks_and_keys_are_the_same_too(migrated):
    def rules(engine):
        seen = inspect(engine)
        return {
            name: (
                seen.get_pk_constraint(name),
                sorted(map(str, seen.get_foreign_keys(name))),
                sorted(map(str, seen.get_check_constraints(name))),
                sorted(map(str, seen.get_unique_constraints(name))),
            )
            for name in Base.metadata.tables
        }

    declared = create_engine("sqlite://")
    Base.metadata.create_all(declared)
    expected = rules(declared)
    declared.dispose()
    assert rules(migrated) == expected
    assert expected["line_state"][2]


def test_the_tables_can_be_made_elsewhere():
    for dialect in (postgresql.dialect(), sqlite.dialect()):
        for declared in Base.metadata.sorted_tables:
            assert "CREATE TABLE" in str(CreateTable(declared).compile(dialect=dialect))


def test_sqlite_is_prepared(migrated):
    with migrated.connect() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}


def test_a_migration_that_fails_leaves_the_schema_as_it_was(tmp_path):
    engine = database.connect(f"sqlite:///{tmp_path}/new.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE job (id INTEGER)"))  # in the way of the last step
    with pytest.raises(Exception, match="already exists"):
        database.migrate(engine)
    assert inspect(engine).get_table_names() == ["job"]


def set_revision(path, revision):
    engine = database.connect(f"sqlite:///{path}/plimsoll.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def test_a_newer_schema_is_refused(tmp_path):
    Workspace.create(tmp_path / "shop")
    set_revision(tmp_path / "shop", "999")
    with pytest.raises(WorkspaceError, match=r"newer Plimsoll.*Update Plimsoll"):
        Workspace.open(tmp_path / "shop")


def test_an_older_schema_is_brought_up_to_date(tmp_path, monkeypatch):
    Workspace.create(tmp_path / "shop")
    called = []
    monkeypatch.setattr(database, "state", lambda engine: "behind")
    monkeypatch.setattr(database, "migrate", called.append)
    Workspace.open(tmp_path / "shop")
    assert len(called) == 1
