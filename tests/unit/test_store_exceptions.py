"""Exceptions as people worked them: versions, episodes, and how they came out."""

from datetime import UTC, date, datetime, timedelta

import pytest

from plimsoll.domain.decisions import Stale
from plimsoll.domain.errors import WorkspaceError
from plimsoll.store import Workspace, audit_log
from plimsoll.store.exceptions import exception_records, outcomes, work

AT, LATE = datetime(2026, 11, 21, 9, 12, tzinfo=UTC), "late_supplier:SUP-07"


@pytest.fixture
def workspace(tmp_path, database):
    with Workspace.create(tmp_path / "shop") as made:
        yield made


def test_from_open_to_closed_and_again(workspace):
    def do(version, actor="ann", **changes):
        return work(workspace, LATE, "late_supply", changes, version=version, actor=actor, at=AT)

    assert do(0, owner="ann", due=date(2026, 11, 25)) == 1
    assert do(1, status="snoozed", snoozed_until=date(2026, 11, 24)) == 2
    with pytest.raises(Stale, match="ann changed this exception on 2026-11-21 09:12 UTC: it is snoozed"):
        do(1, "bob", owner="bob")
    assert do(2, "bob", status="closed", outcome="acted", text="Called them.") == 3
    assert do(3, "bob", owner="kim") == 4
    (row,) = exception_records(workspace).rows(named=True)
    assert (row["episode"], row["status"], row["owner"], row["due"], row["version"]) == (
        2,
        "open",
        "kim",
        None,
        4,
    )
    first = exception_records(workspace, every=True).row(0, named=True)
    assert (first["owner"], first["outcome"], first["closed_at"]) == ("ann", "acted", AT)
    assert outcomes(workspace).rows() == [("late_supply", "acted", 1)]
    assert exception_records(workspace, row["changed_seq"]).is_empty()
    told = audit_log.page(workspace, object_type="exception")[0]["action"].reverse().to_list()
    assert told == ["work", "snooze", "close", "work"]
    assert audit_log.verify(workspace).broken == ""


def test_a_closure_needs_an_outcome(workspace):
    with pytest.raises(WorkspaceError, match="closed_with_outcome"):
        work(workspace, LATE, "late_supply", {"status": "closed"}, version=0, actor="ann", at=AT)
    assert exception_records(workspace).is_empty()
    later = AT + timedelta(days=1)
    with pytest.raises(Stale):
        work(workspace, LATE, "late_supply", {"owner": "ann"}, version=3, actor="ann", at=later)
