"""The doctor: sound books are told so, and each thing that can go wrong is named."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from plimsoll.domain.decisions import LineRef
from plimsoll.domain.people import owner
from plimsoll.store import Workspace, jobs
from plimsoll.workflows import decide, outbox
from plimsoll.workflows.doctor import examine

AT, ME = datetime(2026, 11, 21, 9, tzinfo=UTC), owner("me")


@pytest.fixture
def shop(tmp_path, published, monkeypatch):
    monkeypatch.delenv("PLIMSOLL_DATABASE_URL", raising=False)
    published(tmp_path / "shop", 3)
    decide.accept(tmp_path / "shop", [LineRef("plan-000001-1")], ME, at=AT)
    outbox.export(tmp_path / "shop", ME, at=AT)
    return tmp_path / "shop"


def wrong(folder, at=AT):
    return {check.name: check.found for check in examine(folder, at=at).checks if not check.is_sound}


def meddle(folder, *statements):
    with Workspace.open(folder) as workspace, workspace._engine.begin() as db:
        for statement in statements:
            db.execute(text(statement))


def test_sound_books(shop):
    health = examine(shop, at=AT)
    assert health.is_sound
    found = {check.name: check.found for check in health.checks}
    assert list(found) == ["database", "files", "log", "batches", "deliveries", "jobs"]
    assert found["files"].startswith("1 files")
    assert found["log"].startswith("7 events, whole; head ")
    assert health.as_data()["checks"][0]["found"].startswith("SQLite, schema 0")


def test_a_log_that_was_meddled_with(shop):
    meddle(shop, "DROP TRIGGER audit_event_no_update", "UPDATE audit_event SET actor = 'eve' WHERE seq = 2")
    assert wrong(shop) == {
        "log": "event 2 (accept plan-000001-1) is not what was written; the 1 events before it are whole"
    }


def test_a_file_that_was_changed(shop):
    (shop / "runs/plan-000001/line.parquet").write_bytes(b"x")
    assert wrong(shop) == {"files": "1 of 1 are missing or changed: runs/plan-000001/line.parquet"}


def test_a_line_that_was_taken_out_of_its_batch(shop):
    meddle(shop, "UPDATE line_state SET batch_id = NULL, batch_no = NULL, status = 'accepted'")
    assert wrong(shop) == {"batches": "1 batches do not hold the lines that they left with: batch-000001"}


def test_a_delivery_that_failed(shop):
    meddle(shop, "UPDATE delivery SET status = 'pending', attempts = 1, last_error = 'no disk' WHERE id = 1")
    assert wrong(shop) == {"deliveries": "1 are owed: batch-000001 to csv: no disk"}


def test_a_job_that_died(shop):
    with Workspace.open(shop) as workspace:
        jobs.ask_for(workspace, "plan", by="ann", host="here", at=AT)
    assert wrong(shop, AT + timedelta(minutes=9)) == {}
    assert wrong(shop, AT + timedelta(minutes=11)) == {"jobs": "1 stopped without a word: job 1"}
