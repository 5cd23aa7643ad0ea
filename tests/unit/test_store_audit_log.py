"""The log of changes: whole, in order, and broken by nobody unseen; on both databases."""

from datetime import UTC, datetime
from threading import Thread

import pytest
from sqlalchemy import text

from plimsoll.domain.errors import WorkspaceError
from plimsoll.store import Workspace, audit_log
from plimsoll.store.audit_log import Event

AT = datetime(2026, 11, 21, 9, 12, 0, 123456, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path, database):
    with Workspace.create(tmp_path / "shop") as made:
        yield made


def write(workspace, n, actor="ann"):
    events = [
        Event("set", "thing", f"T{number}", {"x": None}, {"x": number, "é": 'a"b'}) for number in range(n)
    ]
    with workspace.transaction("write") as db:
        return audit_log.append_all(db, events, at=AT, actor=actor)


def meddle(workspace, statement):
    """Change the log as somebody could who may do anything with the database."""
    with workspace._engine.begin() as db:
        if db.dialect.name == "postgresql":
            db.execute(text("ALTER TABLE audit_event DISABLE TRIGGER ALL"))
        else:
            db.execute(text("DROP TRIGGER IF EXISTS audit_event_no_update"))
            db.execute(text("DROP TRIGGER IF EXISTS audit_event_no_delete"))
        db.execute(text(statement))


def test_a_new_log_is_empty_and_whole(workspace):
    assert audit_log.last_seq(workspace) == 0
    assert audit_log.verify(workspace) == audit_log.Chain(0, "0" * 64)


def test_events_come_back_as_they_were_written(workspace):
    assert list(write(workspace, 3)) == [1, 2, 3]
    assert list(write(workspace, 2, "bob")) == [4, 5]
    assert audit_log.last_seq(workspace) == 5
    frame, total = audit_log.page(workspace, offset=1, size=2)
    assert total == 5
    assert frame.select("seq", "at", "actor", "object_id", "new").rows() == [
        (4, AT, "bob", "T0", r'{"x":0,"\u00e9":"a\"b"}'),
        (3, AT, "ann", "T2", r'{"x":2,"\u00e9":"a\"b"}'),
    ]
    assert audit_log.page(workspace, actor="ann", object_id="T1")[1] == 1
    chain = audit_log.verify(workspace)
    assert (chain.n_events, chain.broken) == (5, "")
    assert chain.head == audit_log.page(workspace)[0]["hash"][0]


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        (
            "UPDATE audit_event SET new = '{}' WHERE seq = 3",
            "event 3 (set T2) is not what was written",
        ),
        ("UPDATE audit_event SET actor = 'eve' WHERE seq = 1", "event 1 (set T0) is not what was written"),
        ("UPDATE audit_event SET at = '2026-11-21 09:12:01.123456' WHERE seq = 2", "event 2 (set T1)"),
        ("DELETE FROM audit_event WHERE seq = 2", "event 2 is missing"),
        ("DELETE FROM audit_event WHERE seq = 5", "events after 4 are missing"),
        ("DELETE FROM audit_event", "events after 0 are missing"),
        ("UPDATE chain_head SET hash = 'x'", "events after 5 are missing"),
    ],
)
def test_whoever_meddles_is_seen(workspace, statement, broken):
    write(workspace, 5)
    meddle(workspace, statement)
    assert audit_log.verify(workspace).broken.startswith(broken)


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor = 'eve'", "DELETE FROM audit_event"])
def test_the_database_itself_refuses_to_change_the_log(workspace, statement):
    write(workspace, 2)
    with (
        pytest.raises(WorkspaceError, match="events are only ever added"),
        workspace.transaction("meddle") as db,
    ):
        db.execute(text(statement))
    assert audit_log.verify(workspace) == audit_log.Chain(2, audit_log.page(workspace)[0]["hash"][0])


def test_a_transaction_that_fails_leaves_no_event(workspace):
    sound, unsound = (Event("set", "thing", "T", None, {"x": x}) for x in (1.0, float("nan")))

    def both():
        with workspace.transaction("write") as db:
            for event in (sound, unsound):
                audit_log.append_all(db, [event], at=AT, actor="ann")

    with pytest.raises(ValueError, match="JSON"):
        both()
    assert audit_log.verify(workspace) == audit_log.Chain(0, "0" * 64)


def test_writers_at_once_make_one_chain(workspace):
    """Eight threads of twenty transactions; on SQLite each must wait for the lock, not fail."""
    failures = []

    def work(name):
        try:
            for _ in range(20):
                write(workspace, 2, name)
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [Thread(target=work, args=(f"p{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    chain = audit_log.verify(workspace)
    assert (chain.n_events, chain.broken) == (320, "")
    assert audit_log.page(workspace, actor="p3")[1] == 40
