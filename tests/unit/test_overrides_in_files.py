"""The list of overrides as a file: what comes back from people who edited it, and what is then done."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from plimsoll.domain.errors import InputError
from plimsoll.domain.overrides import Override
from plimsoll.domain.people import Forbidden, Person, owner
from plimsoll.store import overrides as store
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import overrides_in_files
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.lists_in_files import as_csv, as_workbook
from plimsoll.workflows.overrides import overrides, set_overrides
from plimsoll.workflows.overrides_in_files import read_overrides, set_from_file
from plimsoll.workflows.plan import make_plan

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
KIM = Person("kim", "Kim", "planner")


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("overrides") / "demo"
    build_demo(folder, n_items=50, seed=3, at=AT)
    make_plan(folder, at=AT)
    with Workspace.open(folder) as workspace:
        run = workspace.latest_run("plan")
        points = workspace.result_rows(
            "planning_point", run.id, ["item_id", "location_id", "from_location_id", "category"]
        )
    return folder, points


@pytest.fixture
def company(planned):
    """The company with three overrides in force; what a test changes is taken back after it."""
    folder, points = planned
    base = folder / "plimsoll.db"
    kept = base.read_bytes()
    point = points.row(0, named=True)
    at = {"item_id": point["item_id"], "location_id": point["location_id"]}
    wanted = [
        Override("target", "service", 0.97, "cash", "=1+1", **at),
        Override("policy", "do_not_stock", "yes", "phase_out", item_id=points["item_id"][-1]),
        Override("lead_time", "days", 21, "supplier_news", from_location_id=point["from_location_id"]),
    ]
    made = set_overrides(folder, wanted, KIM, at=AT)
    assert [each.override.id for each in made] == ["O1", "O2", "O3"]
    yield folder, points
    base.write_bytes(kept)


def rows_of(folder):
    frame = overrides(folder, KIM, at=LATER, every=True).sort("override_id")
    return list(csv.DictReader(io.StringIO(as_csv(frame)[3:].decode())))


def read(folder, rows, who=KIM, name="list.csv"):
    out = io.StringIO()
    writer = csv.DictWriter(out, list({name: 0 for row in rows for name in row}), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return read_overrides(folder, out.getvalue().encode(), name, who, at=LATER)


def standing(folder):
    with Workspace.open(folder) as workspace:
        return {each.id: each for each in store.standing_overrides(workspace, LATER)}


def test_a_list_that_nobody_edited_asks_for_nothing_from_csv_and_excel(company):
    folder, _ = company
    found = read(folder, rows_of(folder))
    assert (found.decisions.height, found.problems.height, found.n_rows, found.n_same) == (0, 0, 3, 3)
    book = as_workbook(overrides(folder, KIM, at=LATER, every=True), "overrides")
    found = read_overrides(folder, book, "list.xlsx", KIM, at=LATER)
    assert (found.decisions.height, found.problems.height, found.n_same) == (0, 0, 3)


def test_values_are_replaced_added_and_withdrawn_as_the_file_says(company):
    folder, points = company
    first, second, third = rows_of(folder)
    last = points.row(1, named=True)
    added = {
        "kind": "Target", "field": "service", "value": "0.95", "reason_code": "Cash",
        "item_id": last["item_id"], "location_id": last["location_id"], "expires_at": "2026-12-31",
    }  # fmt: skip
    second |= {"status": "withdrawn", "withdrawn_why": "It stays after all"}
    rows = [first | {"value": "0.99", "reason_code": "customer_news"}, second, third, added]
    found = read(folder, rows)
    assert found.problems.rows() == []
    assert found.decisions.select("row", "override_id", "action", "value").rows() == [
        (2, "O1", "replace", "0.99"), (3, "O2", "withdraw", "true"), (5, "", "set", "0.95"),
    ]  # fmt: skip
    assert set(standing(folder)) == {"O1", "O2", "O3"}  # reading does nothing
    done = set_from_file(folder, found.decisions, KIM, at=LATER)
    assert (done.done, done.refused_because) == (["O4", "O5", "O2"], {})
    now = standing(folder)
    assert set(now) == {"O3", "O4", "O5"}
    assert (now["O4"].value, now["O4"].reason_code, now["O4"].reason_text) == (0.99, "customer_news", "=1+1")
    assert (now["O5"].value, now["O5"].expires_at) == (0.95, date(2026, 12, 31))
    with Workspace.open(folder) as workspace:
        assert store.known_override(workspace, "O1").withdrawn_why == "O4 takes its place"
        assert store.known_override(workspace, "O2").withdrawn_why == "It stays after all"


def test_a_file_that_is_read_twice_changes_nothing_more(company):
    folder, points = company
    added = {"kind": "target", "field": "service", "value": "0.95", "reason_code": "cash"}
    added |= {"item_id": points["item_id"][1], "location_id": points["location_id"][1]}
    rows = [*rows_of(folder), added]
    rows[0]["value"] = "0.99"
    found = read(folder, rows)
    assert set_from_file(folder, found.decisions, KIM, at=LATER).done == ["O4", "O5"]
    again = read(folder, rows)
    assert again.decisions.height == 0
    assert again.problems["why"].to_list() == [
        "It is no longer in force: add a row without override_id.", "O5 sets the same already.",
    ]  # fmt: skip
    late = set_from_file(folder, found.decisions.filter(row=2), KIM, at=LATER)
    assert late.done == []
    assert "O1 is no longer in force" in late.refused_because["O1"]


WRONG = (
    ({"value": "1.5"}, "not usable"),
    ({"value": "many"}, "not usable"),
    ({"value": ""}, "not usable"),
    ({"item_id": "OTHER"}, "scope of an override stay"),
    ({"field": "kind"}, "scope of an override stay"),
    ({"expires_at": "soon"}, "A day cannot be read"),
    ({"expires_at": "2020-01-01"}, "would have expired"),
    ({"status": "expired"}, "only be changed to withdrawn"),
    ({"status": "withdrawn"}, "Say in withdrawn_why"),
    ({"override_id": "O99"}, "There is no such override"),
    ({"override_id": "", "reason_code": "nonsense"}, "no reason"),
    ({"override_id": "", "field": ""}, "needs kind, field"),
    ({"override_id": "", "item_id": "<script>"}, "There is no item"),
    ({"override_id": ""}, "O1 sets the same already"),
)


@pytest.mark.parametrize(("edit", "said"), WRONG)
def test_a_row_that_cannot_be_followed_is_told_and_the_others_are(company, edit, said):
    folder, _ = company
    first, second, third = rows_of(folder)
    found = read(folder, [first | edit, second, third | {"value": "30"}])
    assert found.decisions.select("row", "action").rows() == [(4, "replace")]
    ((row, _, why),) = found.problems.rows()
    assert row == 2
    assert said in why


def test_what_reaches_beyond_a_persons_rows_is_refused(company):
    folder, points = company
    here = points["location_id"].value_counts(sort=True)["location_id"]
    some = Person("sam", "Sam", "planner", locations=(here[0],))
    wide = {"kind": "target", "field": "service", "value": "0.9", "reason_code": "cash", "override_id": ""}
    found = read(folder, [wide, wide | {"location_id": here[0]}, wide | {"location_id": here[1]}], who=some)
    assert found.decisions["row"].to_list() == [3]
    whys = found.problems["why"].to_list()
    assert "points that are not yours" in whys[0]
    assert f"There is no location '{here[1]}'" in whys[1]
    with pytest.raises(Forbidden):
        read(folder, [wide], who=Person("vic", "Vic", "viewer"))


def test_files_that_are_no_list_or_too_long_are_refused(company, monkeypatch):
    folder, _ = company
    with pytest.raises(InputError, match="no columns override_id"):
        read_overrides(folder, b"a,b\n1,2\n", "a.csv", owner("root"), at=LATER)
    monkeypatch.setattr(overrides_in_files, "MOST_ASKED", 1)
    rows = rows_of(folder)
    with pytest.raises(InputError, match="asks for 2 changes"):
        read(folder, [rows[0] | {"value": "0.9"}, rows[1], rows[2] | {"value": "9"}])


def test_columns_that_were_taken_out_of_the_file_stay_as_they_were(company):
    folder, _ = company
    wanted = ("override_id", "kind", "field", "value", "reason_code")
    rows = [{name: row[name] for name in wanted} for row in rows_of(folder)]
    found = read(folder, rows)
    assert (found.decisions.height, found.n_same, found.problems["why"].to_list()) == (0, 3, [])
