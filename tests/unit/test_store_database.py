"""Where the rows are: the file in the workspace or a server, who shares it, and how its failures read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from plimsoll.domain.errors import SettingError, WorkspaceError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import owner
from plimsoll.domain.tables import table
from plimsoll.store import ParameterChange, Workspace, audit_log, soundness
from plimsoll.store.database_url import VARIABLE, database_url
from plimsoll.store.decisions import states
from plimsoll.store.lock import writer_lock
from plimsoll.workflows import decide

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
MANIFEST = Manifest("import", "0.1.0", date(2026, 11, 21), 7, {}, {"source": "one"}, {})


def test_whatever_a_workspace_keeps_comes_back_from_either(tmp_path, database):
    with Workspace.create(tmp_path / "shop") as made:
        made.publish_import({"items": table("items").empty()}, MANIFEST, at=AT)
        made.publish_run("plan", {"items": table("items").empty()}, MANIFEST, at=AT)
        made.record_parameter(ParameterChange("plan", "seed", 1, 2, "Ann", "why"), at=AT)
    with Workspace.open(tmp_path / "shop") as workspace:
        assert workspace.import_in_force().fingerprint == MANIFEST.fingerprint
        assert [run.created_at for run in workspace.runs()] == [AT]
        assert workspace.parameters_in_force(AT) == {"plan": {"seed": 2}}
        told = audit_log.page(workspace)[0].reverse()
        assert told.select("actor", "action", "object_id").rows() == [
            ("plimsoll", "publish", "import-000001"),
            ("plimsoll", "publish", "plan-000001"),
            ("Ann", "set", "plan.seed"),
        ]
        kind = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
        assert soundness.database(workspace).startswith(f"{kind}, schema 0")
    assert (tmp_path / "shop/plimsoll.db").exists() == (database == "sqlite")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_second_workspace_does_not_move_into_the_same_database(tmp_path, database):
    Workspace.create(tmp_path / "a").close()
    Workspace.create(tmp_path / "b").close()  # both are empty: nothing can be mixed up yet
    with Workspace.open(tmp_path / "a") as workspace:
        workspace.publish_import({"items": table("items").empty()}, MANIFEST, at=AT)
    with pytest.raises(WorkspaceError, match="holds another workspace already"):
        Workspace.create(tmp_path / "c")
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_database_that_is_not_ours_or_down(tmp_path, database, monkeypatch, postgres_server):
    monkeypatch.delenv(VARIABLE)
    Workspace.create(tmp_path / "shop").close()
    empty = make_url(postgres_server).update_query_dict({"options": "-csearch_path=nowhere"})
    monkeypatch.setenv(VARIABLE, empty.render_as_string(hide_password=False))
    with pytest.raises(WorkspaceError, match="holds nothing of the workspace"):
        Workspace.open(tmp_path / "shop")
    monkeypatch.setenv(VARIABLE, f"postgresql+psycopg://ann:s3cret@/x?host={tmp_path}")
    with pytest.raises(
        WorkspaceError, match=r"could not open the workspace.*connection.*server runs"
    ) as caught:
        Workspace.open(tmp_path / "shop")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("postgresql+psycopg://ann:secret@db/shop", "holds a password"),
        ("mysql://db/shop", "names a mysql database"),
        ("nonsense", "not the URL of a database"),
        ("sqlite:///other.db", "names a sqlite database"),
    ],
)
def test_urls_that_are_refused(tmp_path, monkeypatch, url, match):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(SettingError, match=match) as caught:
        Workspace.create(tmp_path / "shop", f'[database]\nurl = "{url}"\n')
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "shop").exists()


def test_the_environment_goes_before_the_settings(monkeypatch):
    given = {"database": {"url": "postgresql://db/settings"}}
    monkeypatch.delenv(VARIABLE, raising=False)
    assert str(database_url(given, Path("x"))) == "postgresql+psycopg://db/settings"
    monkeypatch.setenv(VARIABLE, "postgresql://ann:secret@db/environment")
    assert database_url(given, Path("x")).database == "environment"


def test_people_decide_while_a_plan_is_published(tmp_path, database, published):
    published(tmp_path / "shop", 3)
    with writer_lock(tmp_path / "shop"):
        done = decide.accept(tmp_path / "shop", [decide.LineRef("plan-000001-1")], owner("me"), at=AT)
        with (
            Workspace.open(tmp_path / "shop") as workspace,
            pytest.raises(WorkspaceError, match="is in use by"),
        ):
            workspace.publish_import({"items": table("items").empty()}, MANIFEST, at=AT)
    assert done.done


def test_a_served_workspace_is_one_for_all_threads(tmp_path, database, published):
    folder = tmp_path / "shop"
    published(folder, 64)
    served = Workspace.open(folder, serving=True)
    try:
        assert Workspace.open(folder) is served
        with Workspace.open(folder):
            pass  # the one who leaves does not close it for the others

        def act(number):
            ref = decide.LineRef(f"plan-000001-{number}")
            return decide.accept(folder, [ref], owner(f"p{number}"), at=AT).done

        with ThreadPoolExecutor(16) as pool:
            done = list(pool.map(act, range(1, 65)))
        assert all(done)
        assert states(served).height == 64
        assert audit_log.verify(served).broken == ""
    finally:
        Workspace.stop_serving(folder)
    assert Workspace.open(folder) is not served


def test_two_planners_on_one_line_one_wins(tmp_path, database, published):
    """Sixteen at once with the same version: one decides, the others are told."""
    published(tmp_path / "shop", 1)

    def act(number):
        try:
            ref = decide.LineRef("plan-000001-1")
            return decide.accept(tmp_path / "shop", [ref], owner(f"p{number}"), at=AT).done
        except decide.Stale as stale:
            return str(stale)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(act, range(16)))
    assert answers.count(["plan-000001-1"]) == 1
    assert sum("has accepted this" in answer for answer in answers) == 15


def test_rows_of_a_file_that_was_touched_are_refused(tmp_path, published):
    published(tmp_path / "shop", 3)
    file = tmp_path / "shop/runs/plan-000001/line.parquet"
    with Workspace.open(tmp_path / "shop") as workspace:
        assert workspace.result_rows("line", "plan-000001", ["line_no"])["line_no"].to_list() == [1, 2, 3]
        table("line").empty().write_parquet(file)
        with pytest.raises(WorkspaceError, match="has been changed since it was published"):
            workspace.result_rows("line", "plan-000001", ["line_no"])
        assert soundness.damaged_files(workspace) == (1, ["runs/plan-000001/line.parquet"])
