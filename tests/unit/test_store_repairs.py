"""Repairs on record: what goes in comes out, nothing is recorded twice, and nothing is forgotten."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import text

from plimsoll.domain.errors import InputError, WorkspaceError
from plimsoll.domain.repairs import Condition, Repair, of_content
from plimsoll.store import Workspace
from plimsoll.store.db import engine as database
from plimsoll.store.decisions import states

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
DAY = timedelta(days=1)
CAP = Repair(
    "cap", "demand", (Condition("item_id", "=", "A"), Condition("quantity", ">", 500.0)), "Ann", "typo",
    "quantity", 500.0, first_day=date(2026, 1, 5), check="demand_spike",
)  # fmt: skip
DROP = Repair("drop", "stock", (Condition("location_id", "=", "X"),), "Ann", "closed")
MERGE = Repair(
    "merge", "items", (Condition("item_id", "=", "B"),), "Ben", "same article", to="A", factor=12.0
)
UNKNOWN = Repair("set", "items", (Condition("item_id", "=", "A"),), "Ben", "guessed", "end_date")


@pytest.fixture
def workspace(tmp_path):
    with Workspace.create(tmp_path / "shop") as made:
        yield made


def test_what_is_accepted_comes_back_with_an_id(workspace):
    recorded = workspace.record_repair(CAP, MERGE, UNKNOWN, at=AT)
    assert [rule.id for rule in recorded] == ["R1", "R2", "R3"]
    assert workspace.repairs() == recorded
    assert recorded[0] == replace(CAP, id="R1", accepted_at=AT)
    assert recorded[1] == replace(MERGE, id="R2", accepted_at=AT)
    assert recorded[2] == replace(UNKNOWN, id="R3", accepted_at=AT)


def test_the_same_rule_is_recorded_once(workspace):
    workspace.record_repair(CAP, at=AT)
    again = workspace.record_repair(replace(CAP, author="Ben", reason="again"), DROP, DROP, at=AT + DAY)
    assert [(rule.id, rule.author) for rule in again] == [("R1", "Ann"), ("R2", "Ann"), ("R2", "Ann")]
    assert len(workspace.repairs()) == 2


def test_a_withdrawn_rule_stays_on_record_and_may_come_back(workspace):
    workspace.record_repair(CAP, DROP, at=AT)
    gone = workspace.withdraw_repair("r1", author="Ben", reason="it was real", at=AT + DAY)
    assert [(rule.id, rule.withdrawn_at, rule.withdrawn_by, rule.withdrawn_why) for rule in gone] == [
        ("R1", AT + DAY, "Ben", "it was real")
    ]
    assert [rule.id for rule in workspace.repairs()] == ["R2"]
    assert [(rule.id, rule.in_force) for rule in workspace.repairs(in_force=False)] == [
        ("R1", False),
        ("R2", True),
    ]
    assert [rule.id for rule in workspace.record_repair(CAP, at=AT + 2 * DAY)] == ["R3"]


@pytest.mark.parametrize(
    ("ids", "words", "error", "match"),
    [
        (("R9",), ("Ann", "x"), WorkspaceError, "has no repair R9"),
        (("all",), ("Ann", "x"), WorkspaceError, "has no repair all"),
        (("R1", "R1", "R2"), ("Ann", "x"), WorkspaceError, "withdrawn on 2026-11-22 by Ben already"),
        (("R1",), ("", "x"), InputError, "The author is missing"),
        (("R1",), ("Ann", " "), InputError, "The reason is missing"),
    ],
)
def test_a_withdrawal_that_cannot_be_changes_nothing(workspace, ids, words, error, match):
    workspace.record_repair(CAP, DROP, at=AT)
    workspace.withdraw_repair("2", author="Ben", reason="open again", at=AT + DAY)
    with pytest.raises(error, match=match):
        workspace.withdraw_repair(*ids, author=words[0], reason=words[1], at=AT + 2 * DAY)
    assert [rule.id for rule in workspace.repairs()] == ["R1"]


def test_acceptance_is_all_or_none(workspace):
    for wrong in (replace(DROP, author=""), replace(DROP, table="stok"), replace(CAP, column="date")):
        with pytest.raises(InputError):
            workspace.record_repair(CAP, wrong, at=AT)
    with pytest.raises(InputError, match="no time zone"):
        workspace.record_repair(CAP, at=AT.replace(tzinfo=None))
    assert workspace.repairs(in_force=False) == []


@pytest.mark.parametrize("rule", [CAP, DROP, MERGE, UNKNOWN], ids=lambda rule: rule.kind)
def test_content_is_the_whole_of_a_rule(rule):
    told = {"author": rule.author, "reason": rule.reason, "check": rule.check}
    assert of_content(rule.content(), **told) == rule


def test_a_workspace_of_the_first_schema_is_brought_up_to_date(tmp_path):
    """It has no table of repairs; what it holds is kept, and repairs can be recorded."""
    with Workspace.create(tmp_path / "shop"):
        (tmp_path / "shop" / "plimsoll.db").unlink()
    engine = database.connect(f"sqlite:///{tmp_path}/shop/plimsoll.db")
    config = database._config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "001")
        row = "'plan-000001', 'plan', 'f', '2026-11-21', 1, '0.1.0', '{}', '2026-11-21', 'in_force'"
        connection.execute(text(f"INSERT INTO run VALUES ({row})"))  # noqa: S608 - a fixed text
        for number, status, units, reason in ((1, "accepted", 9, ""), (2, "changed", 12, "full pallet")):
            same = f"{number}, 'plan-000001', 'A', 'M', 'S', 9, {units}, '{status}', '{reason}', 'Ann'"
            connection.execute(text(f"INSERT INTO decision VALUES ({same}, '2026-11-21 09:00:00')"))  # noqa: S608
    assert database.state(engine) == "behind"
    with Workspace.open(tmp_path / "shop") as opened:
        assert database.state(opened._engine) == "current"
        decided = states(opened).select("line_id", "status", "quantity", "quantity_set", "reason_text").rows()
        assert decided == [("plan-000001-1", "changed", 9.0, 12.0, "full pallet")]
        assert opened.repairs() == []
        assert opened.record_repair(CAP, at=AT)[0].id == "R1"


def test_the_first_schema_alone_leads_to_the_same_tables(tmp_path):
    engine = database.connect(f"sqlite:///{tmp_path}/old.db")
    config = database._config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "001")
    assert database.state(engine) == "behind"
    database.migrate(engine)
    assert database.state(engine) == "current"
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM repair")).scalar() == 0
