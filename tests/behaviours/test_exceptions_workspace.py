"""Exceptions of a workspace: found beside the plan, the same each time, worked by people, learnt from."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from plimsoll.domain.decisions import Stale, Unknown
from plimsoll.domain.errors import InputError, WorkspaceError
from plimsoll.domain.people import Forbidden, Person, owner
from plimsoll.exceptions.changes import PARTS
from plimsoll.present.exceptions import exceptions_data, show_exceptions
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.attention import find_exceptions, load_exceptions, work_exception
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan

AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
KIM = owner("kim")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a workspace with plans of two weeks."""
    path = tmp_path_factory.mktemp("demo") / "company"
    build_demo(path, n_items=60, seed=7, at=AT)
    make_plan(path, as_of=date(2026, 10, 17), at=AT)
    make_plan(path, at=AT.replace(hour=9))
    return path


@pytest.fixture(scope="module")
def found(folder):
    return find_exceptions(folder, at=AT.replace(hour=10))


@pytest.fixture
def first(found):
    return found["exception"].sort("rank")["exception_id"][0]


def test_they_are_kept_beside_the_plan(folder, found):
    kept = load_exceptions(folder)
    assert kept.run_id == found.run_id
    assert kept.plan_id == "plan-000002"
    for name in ("exception", "exception_part", "plan_change"):
        assert kept[name].equals(found[name])
        assert found[name].height > 0


def test_equal_evidence_gives_equal_bytes(folder, found):
    """Publishing the same run again is refused unless every table is equal byte for byte."""
    assert find_exceptions(folder, at=AT.replace(hour=11)).run_id == found.run_id


def test_changes_add_up_at_every_point(found):
    changes = found["plan_change"]
    rest = pl.col("change_qty") - pl.sum_horizontal(f"by_{part}_qty" for part in PARTS)
    assert changes.select(rest.abs().max()).item() < 1e-6
    assert (changes["change_qty"] != 0).sum() > 10


def test_without_a_plan_it_says_what_to_do(tmp_path):
    build_demo(tmp_path / "new", n_items=50, seed=1, at=AT)
    with pytest.raises(WorkspaceError, match="no plan yet"):
        find_exceptions(tmp_path / "new", at=AT)
    with pytest.raises(WorkspaceError, match="No exceptions were looked for"):
        load_exceptions(tmp_path / "new")


def test_a_person_owns_snoozes_and_closes(folder, first):
    version = work_exception(folder, first, KIM, version=0, at=AT, owner="kim", due=date(2026, 11, 5))
    version = work_exception(folder, first, KIM, version=version, at=AT, snooze_until=date(2026, 11, 9))
    with pytest.raises(Stale):
        work_exception(folder, first, KIM, version=version - 1, at=AT, owner="lee")
    work_exception(folder, first, KIM, version=version, at=AT, closed="not_needed", text="A test order")


def test_what_people_closed_moves_the_ranking(folder, found, first):
    kind = first.split(":")[0]
    before = found["exception"].filter(exception_id=first)["probability"].item()
    others = found["exception"].filter(pl.col("kind") == kind)["exception_id"].to_list()[1:4]
    for other in others:
        work_exception(folder, other, KIM, version=0, at=AT, closed="did_not_materialise")
    again = find_exceptions(folder, at=AT.replace(hour=12))
    assert again.run_id != found.run_id
    assert again["exception"].filter(exception_id=first)["probability"].item() < before


def test_what_is_not_allowed_changes_nothing(folder, found):
    free = found["exception"].sort("rank")["exception_id"][-1]
    viewer = Person("vic", "Vic", "viewer")
    elsewhere = Person("pat", "Pat", "planner", locations=("NOWHERE",))
    with pytest.raises(Forbidden):
        work_exception(folder, free, viewer, version=0, at=AT, owner="vic")
    with pytest.raises(Unknown):
        work_exception(folder, free, elsewhere, version=0, at=AT, owner="pat")
    with pytest.raises(Unknown):
        work_exception(folder, "stockout:item:'; drop table run", KIM, version=0, at=AT, owner="kim")
    with pytest.raises(InputError, match="in the past"):
        work_exception(folder, free, KIM, version=0, at=AT, due=date(2020, 1, 1))
    with pytest.raises(InputError, match="materialised"):
        work_exception(folder, free, KIM, version=0, at=AT, closed="materialise")
    with pytest.raises(InputError, match="not said"):
        work_exception(folder, free, KIM, version=0, at=AT)
    # None of these left a record: the first version is still to come.
    assert work_exception(folder, free, KIM, version=0, at=AT, owner="kim") == 1


def test_the_terminal_shows_them(found):
    from io import StringIO

    from rich.console import Console

    out = Console(file=StringIO(), width=100)
    show_exceptions(found, 3, out)
    text = out.file.getvalue()
    assert found["exception"].sort("rank")["title"][0] in " ".join(text.split())
    assert "What changed since the plan before" in text
    data = exceptions_data(found, 2)
    assert [row["rank"] for row in data["exceptions"]] == [1, 2]
    assert {row["exception_id"] for row in data["parts"]} == {
        row["exception_id"] for row in data["exceptions"]
    }


def test_a_workspace_reads_them_as_declared(folder, found):
    with Workspace.open(folder) as workspace:
        parts = workspace.result("exception_part", found.run_id)
    assert set(parts["exception_id"]) == set(found["exception"]["exception_id"])
