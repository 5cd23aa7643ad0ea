"""A request with a key is done once and answered again; the key stands for nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from plimsoll.domain.decisions import Stale
from plimsoll.domain.errors import InputError
from plimsoll.store import Workspace
from plimsoll.store.idempotency import Answer, begin, finish, forget

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
SAME = {"request": "POST /api/v1/lines", "body_sha256": "a" * 64}


def test_the_first_is_done_and_the_others_are_answered(tmp_path, database):
    with Workspace.create(tmp_path / "shop") as workspace:
        assert begin(workspace, "ann", "k1", **SAME, at=AT) is None
        with pytest.raises(Stale, match="still at work"):
            begin(workspace, "ann", "k1", **SAME, at=AT)
        finish(workspace, "ann", "k1", Answer(201, "{}"), at=AT)
        assert begin(workspace, "ann", "k1", **SAME, at=AT + timedelta(hours=23)) == Answer(201, "{}")
        with pytest.raises(InputError, match="another request"):
            begin(workspace, "ann", "k1", **(SAME | {"body_sha256": "b" * 64}), at=AT)
        assert begin(workspace, "bob", "k1", **SAME, at=AT) is None, "keys are each user's own"
        forget(workspace, "bob", "k1")
        assert begin(workspace, "bob", "k1", **SAME, at=AT) is None
        assert begin(workspace, "ann", "k1", **SAME, at=AT + timedelta(hours=24)) is None, "a day later"


def test_a_request_that_died_does_not_hold_its_key(tmp_path):
    with Workspace.create(tmp_path / "shop") as workspace:
        begin(workspace, "ann", "k1", **SAME, at=AT)
        assert begin(workspace, "ann", "k1", **SAME, at=AT + timedelta(minutes=5)) is None
