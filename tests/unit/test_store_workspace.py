"""The workspace in daily use: what goes in comes out, what is wrong is told."""

import errno
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import event

from plimsoll.domain.errors import InputError, WorkspaceError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.tables import input_tables, table
from plimsoll.store import ParameterChange, Workspace, lake

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def items(*ids):
    return table("items").conform(pl.DataFrame({"item_id": ids}, schema={"item_id": pl.String}))


def manifest(source):
    return Manifest("import", "0.1.0", date(2026, 11, 21), 7, {}, {"source": source})


def files_of(path):
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for folder in ("facts", "runs")
        for file in (path / folder).rglob("*")
        if file.is_file()
    }


@pytest.fixture
def workspace(tmp_path):
    return Workspace.create(tmp_path / "shop")


def test_a_new_workspace_is_empty(workspace):
    assert workspace.settings() == {}
    assert workspace.fact_hashes() == {}
    assert workspace.runs() == []
    assert workspace.latest_run("plan") is None
    facts = workspace.facts()
    assert set(facts) == {*input_tables(), "finding", "quarantine"}
    assert all(frame.is_empty() and frame.schema == table(name).schema for name, frame in facts.items())
    with Workspace.open(workspace.path) as again:
        assert again.path == workspace.path


def test_facts_in_force_are_the_last_of_each_table(workspace):
    bom = table("bom").empty()
    first = workspace.publish_import({"items": items("A"), "bom": bom}, manifest("one"), at=AT)
    second = workspace.publish_import({"items": items("A", "B")}, manifest("two"), at=AT + DAY)
    assert first.is_new
    assert second.is_new
    assert (first.id, second.id) == ("import-000001", "import-000002")
    assert second.tables == workspace.fact_hashes()
    assert second.tables["bom"] == first.tables["bom"]
    assert second.tables["items"] != first.tables["items"]
    assert_frame_equal(workspace.facts(["items"])["items"], items("A", "B"))
    with pytest.raises(InputError, match="Did you mean 'items'"):
        workspace.facts(["itemz"])


def test_importing_again_changes_nothing(workspace):
    first = workspace.publish_import({"items": items("A")}, manifest("one"), at=AT)
    before = files_of(workspace.path)
    again = workspace.publish_import({"items": items("A")}, manifest("one"), at=AT + DAY)
    assert (again.id, again.tables, again.is_new) == (first.id, first.tables, False)
    assert files_of(workspace.path) == before


def test_going_back_to_an_older_source_is_a_new_version(workspace):
    for source, ids in (("one", "A"), ("two", "B"), ("one", "A")):
        version = workspace.publish_import({"items": items(ids)}, manifest(source), at=AT)
    assert (version.id, version.is_new) == ("import-000003", True)
    assert workspace.facts()["items"]["item_id"].to_list() == ["A"]


def test_what_is_published_never_changes(workspace):
    seen = {}
    for number in range(3):
        workspace.publish_import({"items": items(str(number))}, manifest(str(number)), at=AT)
        workspace.publish_run("plan", {"items": items(str(number))}, manifest(str(number)), at=AT)
        now = files_of(workspace.path)
        assert {name: now[name] for name in seen} == seen
        assert len(now) == len(seen) + 4
        seen = now


def test_the_same_run_is_stored_once_and_is_the_latest_again(workspace):
    first = workspace.publish_run("plan", {"items": items("A")}, manifest("one"), at=AT)
    second = workspace.publish_run("plan", {"items": items("B")}, manifest("two"), at=AT + DAY)
    other = workspace.publish_run("replay", {"items": items("C")}, manifest("one"), at=AT + DAY)
    assert (first, second, other) == ("plan-000001", "plan-000002", "replay-000001")
    assert workspace.latest_run("plan").id == second
    before = files_of(workspace.path)
    assert workspace.publish_run("plan", {"items": items("A")}, manifest("one"), at=AT + 2 * DAY) == first
    assert files_of(workspace.path) == before
    assert workspace.latest_run("plan").id == first
    assert [run.id for run in workspace.runs()] == [first, second, other]
    assert workspace.result("items")["item_id"].to_list() == ["A"]
    assert workspace.result("items", run_id=second)["item_id"].to_list() == ["B"]
    assert workspace.result("items", kind="replay")["item_id"].to_list() == ["C"]
    record = workspace.latest_run("plan")
    assert (record.as_of, record.seed, record.created_at) == (date(2026, 11, 21), 7, AT)
    assert record.manifest["inputs"] == {"source": "one"}


def test_a_run_that_comes_out_different_is_refused(workspace):
    bom = table("bom").empty()
    workspace.publish_run("plan", {"items": items("A"), "bom": bom}, manifest("one"), at=AT)
    workspace.publish_run("plan", {"items": items("B")}, manifest("two"), at=AT)
    before = files_of(workspace.path)
    with pytest.raises(WorkspaceError, match="plan-000001 was not reproduced: from equal inputs, items came"):
        workspace.publish_run("plan", {"items": items("Z"), "bom": bom}, manifest("one"), at=AT)
    assert files_of(workspace.path) == before
    assert workspace.latest_run("plan").id == "plan-000002"


def test_unknown_runs_and_tables_are_answered(workspace):
    with pytest.raises(WorkspaceError, match="has no plan yet"):
        workspace.result("items")
    workspace.publish_run("plan", {"items": items("A")}, manifest("one"), at=AT)
    with pytest.raises(WorkspaceError, match="Did you mean 'items'"):
        workspace.result("item")
    with pytest.raises(WorkspaceError, match="Did you mean 'plan-000001'"):
        workspace.result("items", run_id="plan-00001")


def test_a_frame_that_is_not_the_declared_table_is_refused(workspace):
    with pytest.raises(WorkspaceError, match="not the declared ones"):
        workspace.publish_import({"items": items("A").drop("unit")}, manifest("one"), at=AT)
    assert files_of(workspace.path) == {}


def test_a_table_stored_with_fewer_columns_gets_the_new_ones_as_unknown(workspace, tmp_path):
    old = items("A").drop("superseded_by")
    digest = lake.write_table(old, tmp_path / "items.parquet")
    frame = lake.read_table(tmp_path, lake.TableFile("items", "items.parquet", digest, 1))
    assert_frame_equal(frame, items("A"))


def test_a_file_that_was_touched_or_lost_is_noticed(workspace):
    workspace.publish_import({"items": items("A")}, manifest("one"), at=AT)
    file = workspace.path / "facts/import-000001/items.parquet"
    items("B").write_parquet(file)
    with pytest.raises(WorkspaceError, match="has been changed since it was published"):
        workspace.facts()
    file.unlink()
    with pytest.raises(WorkspaceError, match="is missing"):
        workspace.facts()


def test_parameters_of_people_expire_and_the_one_before_returns(workspace):
    def set_to(value, at, expires_at=None):
        change = ParameterChange("targets", "service", 0.9, value, "Ann", "pilot", expires_at)
        workspace.record_parameter(change, at=at)

    set_to(0.95, AT)
    set_to({"A": [0.98]}, AT + DAY, AT + 2 * DAY)
    assert workspace.parameters_in_force(AT - DAY) == {}
    assert workspace.parameters_in_force(AT) == {"targets": {"service": 0.95}}
    assert workspace.parameters_in_force(AT + DAY) == {"targets": {"service": {"A": [0.98]}}}
    assert workspace.parameters_in_force(AT + 2 * DAY) == {"targets": {"service": 0.95}}
    with pytest.raises(InputError, match="before it is set"):
        set_to(0.99, AT, AT)
    with pytest.raises(InputError, match="The reason is missing"):
        workspace.record_parameter(ParameterChange("a", "b", 1, 2, "Ann", " "), at=AT)


def test_an_instant_needs_a_zone(workspace):
    with pytest.raises(InputError, match="no time zone"):
        workspace.publish_import({"items": items("A")}, manifest("one"), at=AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"[demand]\nbucket = week\n", "line 2"),
        (b"[demand]\nnote = 'caf\xe9'\n", r"not UTF-8 text \(at line 2\)"),
        (b"currency = 'USD'\n", "outside any section: currency"),
    ],
)
def test_settings_that_cannot_be_used(workspace, content, match):
    (workspace.path / "plimsoll.toml").write_bytes(content)
    with pytest.raises(WorkspaceError, match=match):
        workspace.settings()


def test_create_takes_settings_and_checks_them_first(tmp_path):
    text = "[demand]\nbucket = 'week'\n"
    assert Workspace.create(tmp_path / "a", text).settings() == {"demand": {"bucket": "week"}}
    assert Workspace.create(tmp_path / "a", text).path == Workspace.create(tmp_path / "a").path
    with pytest.raises(WorkspaceError, match="already a workspace, with other settings"):
        Workspace.create(tmp_path / "a", "[demand]\n")
    with pytest.raises(WorkspaceError, match="line 1"):
        Workspace.create(tmp_path / "b", "[demand\n")
    assert not (tmp_path / "b").exists()


def test_directories_that_are_no_workspace(tmp_path):
    with pytest.raises(WorkspaceError, match="There is no directory"):
        Workspace.open(tmp_path / "nowhere")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "aunt.txt").write_text("Dear aunt")
    with pytest.raises(WorkspaceError, match="is not a Plimsoll workspace"):
        Workspace.open(tmp_path / "letters")
    with pytest.raises(WorkspaceError, match=r"is not empty \(aunt.txt\)"):
        Workspace.create(tmp_path / "letters")
    with pytest.raises(WorkspaceError, match="Not a directory"):
        Workspace.create(tmp_path / "letters" / "aunt.txt")
    assert [file.name for file in tmp_path.rglob("*")] == ["letters", "aunt.txt"]


def test_a_damaged_database_is_told(workspace):
    file = workspace.path / "plimsoll.db"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(WorkspaceError, match="file is not a database"):
        Workspace.open(workspace.path)
    file.write_bytes(b"")
    with pytest.raises(WorkspaceError, match=r"plimsoll.db is missing or empty"):
        Workspace.open(workspace.path)


def test_a_failed_creation_leaves_nothing(tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(lake, "sync", full)
    (tmp_path / "here").mkdir()
    for path in (tmp_path / "new" / "deep", tmp_path / "here"):
        with pytest.raises(WorkspaceError, match=r"No space left on device.*Free some space"):
            Workspace.create(path)
    assert [file.name for file in tmp_path.rglob("*") if file.name != "plimsoll.lock"] == ["here"]
    monkeypatch.undo()
    Workspace.create(tmp_path / "here")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the always-full device /dev/full is not here")
def test_a_full_disk_is_an_oserror_with_its_number():
    with pytest.raises(OSError, match="No space left") as caught:
        lake.write_table(items("A"), Path("/dev/full"))
    assert caught.value.errno == errno.ENOSPC


def test_a_full_disk_while_the_database_writes(workspace):
    pages = sqlite3.connect(workspace.path / "plimsoll.db")
    limit = pages.execute("PRAGMA page_count").fetchone()[0]
    pages.close()
    event.listen(workspace._engine, "connect", lambda db, _: db.execute(f"PRAGMA max_page_count = {limit}"))
    long = ParameterChange("a", "b", 1, 2, "Ann", "no " * 100_000)
    with pytest.raises(WorkspaceError, match=r"disk is full.*Free some space"):
        workspace.record_parameter(long, at=AT)
    assert workspace.parameters_in_force(AT) == {}
