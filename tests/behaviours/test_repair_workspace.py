"""Repairs of a workspace: accepted, seen, withdrawn; the imported files are the same bytes all along."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from plimsoll.domain.errors import InputError, WorkspaceError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.repairs import stated
from plimsoll.domain.tables import table
from plimsoll.ingest.repairs import repaired
from plimsoll.store import Workspace
from plimsoll.store.lake import write_table
from plimsoll.workflows import repairs as flow
from plimsoll.workflows.facts import facts_as_read, rules_in_force
from plimsoll.workflows.plan import make_plan

AS_OF = date(2026, 6, 30)
AT = datetime(2026, 7, 1, 8, tzinfo=UTC)
WHO = {"author": "Ann", "reason": "looked at it"}


def rows(name, *given):
    return table(name).conform(pl.DataFrame(list(given), schema=table(name).schema, orient="row"))


def sold(week, item, quantity):
    day = date(2026, 1, 5) + timedelta(weeks=week)
    return {
        "date": day,
        "item_id": item,
        "location_id": "M",
        "quantity": quantity,
        "order_id": f"S{week}{item}",
    }


def facts(spike=900.0):
    return {
        "items": rows(
            "items",
            {"item_id": "A", "unit_cost": 500.0},
            {"item_id": "B", "unit_cost": 4.0, "superseded_by": "A"},
        ),
        "demand": rows(
            "demand", *(sold(week, item, 5.0) for week in range(20) for item in "AB"), sold(20, "A", spike)
        ),
        "stock": rows(
            "stock",
            {"date": date(2026, 6, 1), "item_id": "A", "location_id": "M", "on_hand": -3.0},
            {"date": AS_OF, "item_id": "A", "location_id": "M", "on_hand": -4.0},
        ),
        "lanes": rows("lanes", {"item_id": "A", "to_location_id": "M", "from_location_id": "S"}),
    }  # fmt: skip


def publish(workspace, tables, source):
    workspace.publish_import(tables, Manifest("import", "0.1.0", AS_OF, 0, {}, {"source": source}), at=AT)


@pytest.fixture
def folder(tmp_path):
    with Workspace.create(tmp_path / "shop") as workspace:
        publish(workspace, facts(), "one")
    return tmp_path / "shop"


def stored(folder):
    return {path: path.read_bytes() for path in sorted((folder / "facts").rglob("*.parquet"))}


def read(folder):
    with Workspace.open(folder) as workspace:
        return facts_as_read(workspace, as_of=AS_OF)


def cap(value="50", **more):
    words = {"kind": "cap", "table": "demand", "item": "A", "column": "quantity", "value": value}
    return stated(words | WHO | more)


def test_a_repair_acts_at_once_and_its_withdrawal_too(folder, tmp_path):
    files, before = stored(folder), read(folder).tables
    seen = flow.add_repair(folder, cap(), at=AT, record=False)
    assert (seen.is_recorded, seen.rules[0].id, read(folder).effects.height) == (False, "N1", 0)
    change = seen.changes["demand"]
    assert (change.gone, change.new, change.n_before, change.n_after) == (1, 1, 41, 41)
    assert (change.before["quantity"].to_list(), change.after["quantity"].to_list()) == ([900.0], [50.0])
    done = flow.add_repair(folder, cap(), at=AT)
    assert (done.is_recorded, done.rules[0].id, done.effects["repair_id"].to_list()) == (True, "R1", ["R1"])
    assert done.effects["value_change"].to_list() == [-850 * 500.0]
    assert read(folder).tables["demand"]["quantity"].max() == 50.0
    gone = flow.withdraw_repairs(folder, ["R1"], author="Ben", reason="a real order", at=AT)
    assert gone.changes["demand"].after["quantity"].to_list() == [900.0]
    after = read(folder).tables
    for name, frame in before.items():
        assert write_table(after[name], tmp_path / "after") == write_table(frame, tmp_path / "before"), name
    assert stored(folder) == files
    log = flow.list_repairs(folder)
    assert log.effects.is_empty()
    assert [(rule.id, rule.withdrawn_by) for rule in log.withdrawn] == [("R1", "Ben")]


def test_a_repair_holds_for_later_imports(folder):
    flow.add_repair(folder, cap(), at=AT)
    with Workspace.open(folder) as workspace:
        publish(workspace, {"demand": facts(spike=800.0)["demand"]}, "two")
    assert read(folder).tables["demand"]["quantity"].max() == 50.0
    with Workspace.open(folder) as workspace:
        publish(workspace, {"demand": facts(spike=7.0)["demand"]}, "three")
    done = read(folder)
    assert done.effects["status"].to_list() == ["idle"]
    assert [finding.code for finding in done.findings] == ["repair_idle"]


def test_the_manifest_names_the_rules_and_only_those_in_force(folder):
    with Workspace.open(folder) as workspace:
        assert rules_in_force(workspace) == {}
    flow.add_repair(folder, cap(), at=AT)
    with Workspace.open(folder) as workspace:
        named = rules_in_force(workspace)["repairs"]
        assert [(rule["id"], rule["value"], rule["author"]) for rule in named] == [("R1", 50.0, "Ann")]
        workspace.withdraw_repair("R1", author="Ann", reason="no", at=AT)
        assert rules_in_force(workspace) == {}


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"item": "Z"}, "would have no effect.*No row answers"),
        ({"value": "5000"}, "already as it wants them"),
        ({"kind": "transfer", "table": None, "column": None, "value": None, "to": "C"}, "There is no item C"),
    ],
)
def test_a_repair_without_effect_is_refused(folder, words, match):
    with pytest.raises(InputError, match=match):
        flow.add_repair(folder, cap(**words), at=AT)
    assert flow.list_repairs(folder).effects.is_empty()


def test_a_repair_that_contradicts_one_in_force_is_refused(folder):
    words = {"kind": "set", "table": "items", "item": "A", "column": "unit_cost"} | WHO
    flow.add_repair(folder, stated(words | {"value": "5"}), at=AT)
    with pytest.raises(InputError, match="It contradicts R1"):
        flow.add_repair(folder, stated(words | {"value": "6"}), at=AT)
    with pytest.raises(InputError, match="R1 says so already"):
        flow.add_repair(folder, stated(words | {"value": "5.0"}), at=AT)
    assert read(folder).tables["items"]["unit_cost"].to_list() == [5.0, 4.0]


def test_a_workspace_without_data_has_nothing_to_repair(tmp_path):
    Workspace.create(tmp_path / "empty").close()
    with pytest.raises(InputError, match="holds no data yet"):
        flow.list_repairs(tmp_path / "empty")
    with pytest.raises(WorkspaceError, match="There is no directory"):
        flow.add_repair(tmp_path / "nowhere", cap(), at=AT)


def doubt(code, name, key, item, kind, column=None, value=None, to=None, place=None):
    return {
        "code": code, "table": name, "key": key, "item_id": item, "location_id": place, "severity": "warning",
        "detail": "?", "repair": kind, "repair_column": column, "repair_value": value, "repair_to": to,
    }  # fmt: skip


DOUBTS = (
    doubt("cost_wrong", "items", "A", "A", "convert", "unit_cost", 0.01),
    doubt("cost_wrong", "items", "B", "B", "set", "unit_cost", 5.0),
    doubt("cost_wrong", "items", "Q", "Q", "set", "unit_cost", 5.0),
    doubt("below_zero", "stock", "A @ M", "A", "set", "on_hand", 0.0, place="M"),
    doubt("spike", "demand", "2026-05-25 @ A @ M @ S20A @ ?", "A", "drop", place="M"),
    doubt("spike", "demand", "A @ M", "A", "cap", "quantity", 100.0, place="M"),
    doubt("vague", "demand", "A @ M", "A", "drop", place="M"),
    doubt("vague", "demand", "everywhere", None, "drop"),
    doubt("lead", "lanes", "A @ M @ S", "A", "set", "lead_time_days_set", 30.0, place="M"),
    doubt("old", "items", "B", "B", "transfer", "item_id", to="A"),
    doubt("twin", "items", "B", "B", "merge", "item_id", to="A"),
    doubt("odd", "items", "A", "A", None),
    doubt("odd", "items", "B", "B", "set", "unit_cost", -1.0),
)


@pytest.fixture
def accept(folder, monkeypatch):
    """Accept the suggestions of a made-up audit."""
    from plimsoll.workflows import audit

    rows_found = pl.DataFrame(DOUBTS, schema=table("audit_row").schema, orient="row")
    found = table("audit_row").conform(rows_found)
    monkeypatch.setattr(audit, "audit_workspace", lambda folder, as_of, at: SimpleNamespace(rows=found))

    def call(code, every=True, record=True, **only):
        return flow.accept_suggestions(folder, code, only=only, every=every, **WHO, at=AT, record=record)

    return call


@pytest.mark.parametrize(
    ("code", "rules"),
    [
        ("cost_wrong", ["divide unit_cost of items by 100 where item_id = A",
                        "set unit_cost of items to 5 where item_id = B"]),
        ("below_zero", ["set on_hand of stock to 0 where date = 2026-06-30 and item_id = A and "
                        "location_id = M"]),
        ("spike", ["drop rows of demand where date = 2026-05-25 and item_id = A and location_id = M and "
                   "order_id = S20A and line = unknown",
                   "cap quantity of demand at 100 where item_id = A and location_id = M"]),
        ("lead", ["set lead_time_days_set of lanes to 30 where item_id = A and to_location_id = M and "
                  "from_location_id = S"]),
        ("old", ["transfer the demand of item B to A"]),
        ("twin", ["merge item B into A"]),
    ],
)  # fmt: skip
def test_suggestions_name_their_rows(accept, code, rules):
    outcome = accept(code, record=False)
    assert not outcome.is_recorded
    unused = [what for what, why in outcome.left_out if what.startswith("cap")]  # its row is dropped
    named = [str(rule) for rule in outcome.rules] + unused
    assert named == rules
    assert {rule.check for rule in outcome.rules} == {code}


def test_what_cannot_be_used_is_left_out_and_the_rest_recorded(accept, folder):
    outcome = accept("cost_wrong")
    assert [rule.id for rule in outcome.rules] == ["R1", "R2"]
    assert outcome.left_out == [("Q", "No imported row answers to it: the row follows from other data.")]
    assert read(folder).tables["items"]["unit_cost"].to_list() == [5.0, 5.0]
    again = accept("cost_wrong")
    assert again.rules == []
    assert [why for _, why in again.left_out[1:]] == ["R1 says so already.", "R2 says so already."]


def test_vague_and_impossible_suggestions_make_no_rule(accept, folder):
    assert [why.split(" ")[0] for _, why in accept("vague").left_out] == ["Several", "It"]
    assert "is at least 0" in accept("odd").left_out[0][1]
    assert flow.list_repairs(folder).effects.is_empty()


def test_of_one_check_some_are_chosen(accept):
    assert [rule.item for rule in accept("cost_wrong", every=False, record=False, item_id="A").rules] == ["A"]
    assert len(accept("below_zero", every=False, record=False, location_id="M").rules) == 1
    for code, only, match in (
        ("cost_wrong", {}, r"suggests 3 repairs \(A, B, Q\); none was accepted.*--all"),
        ("cost_wrong", {"item_id": "AA"}, "suggests no repair for AA.*Did you mean 'A'"),
        ("cost_wrng", {}, "Did you mean 'cost_wrong'"),
        ("xxx", {}, "These did: below_zero"),
    ):
        with pytest.raises(InputError, match=match):
            accept(code, every=False, **only)


def test_a_rule_that_would_stop_another_is_refused(folder):
    """A merge in force must not fall silently: neither by a second way for the item, nor by its unit."""
    flow.add_repair(folder, stated({"kind": "merge", "item": "B", "to": "A"} | WHO), at=AT)
    with pytest.raises(InputError, match="contradicts R1"):
        flow.add_repair(folder, stated({"kind": "merge", "item": "B", "to": "A", "factor": "2"} | WHO), at=AT)
    unit = {"kind": "set", "table": "items", "column": "unit"} | WHO
    flow.add_repair(folder, stated(unit | {"item": "A", "value": "pcs"}), at=AT)
    with pytest.raises(InputError, match=r"out of action: R1.*differ in unit"):
        flow.add_repair(folder, stated(unit | {"item": "B", "value": "box"}), at=AT)
    assert read(folder).effects["status"].to_list() == ["applied", "applied"]


def test_a_rule_for_later_plans_is_recorded_and_waits(folder):
    late = replace(cap(), since=date(2027, 1, 1))
    assert flow.add_repair(folder, late, at=AT).effects["status"].to_list() == ["waiting"]


def test_a_change_of_the_history_is_refused_and_allowed_again(folder):
    """The spike is capped by setting; a person says that it was a true order, and takes that back."""
    (folder / "plimsoll.toml").write_text('[demand]\noutliers = "capped"\n', encoding="utf-8")
    words = {"kind": "drop", "table": "history_change", "item": "A", "where": ["kind = outlier"]}
    before = make_plan(folder, at=AT)
    assert before["history_change"].select("kind", "refused").rows() == [("outlier", False)]
    flow.add_repair(folder, stated(words | WHO), at=AT)
    after = make_plan(folder, at=AT)
    assert after["history_change"]["refused"].to_list() == [True]
    assert after["repair"].select("status", "n_rows").rows() == [("applied", 1)]
    assert flow.list_repairs(folder).effects["status"].to_list() == ["applied"]
    rates = [plan["demand_estimate"].filter(item_id="A")["mean_per_day_est"][0] for plan in (before, after)]
    assert rates[1] > 1.5 * rates[0]
    flow.withdraw_repairs(folder, ["R1"], author="Ann", reason="a typing error after all", at=AT)
    assert make_plan(folder, at=AT).run_id == before.run_id


def test_a_change_of_the_history_can_only_be_dropped():
    words = {"kind": "set", "table": "history_change", "item": "A", "column": "after", "value": "5"}
    with pytest.raises(InputError, match="can only be refused"):
        stated(words | WHO)


def test_a_change_of_the_history_can_be_refused_beside_a_merge(folder):
    """The changes of the last plan are no imported table, and a merge leaves them alone."""
    flow.add_repair(folder, stated({"kind": "merge", "item": "B", "to": "A"} | WHO), at=AT)
    words = {"kind": "drop", "table": "history_change", "item": "A", "where": ["kind = outlier"]} | WHO
    with pytest.raises(InputError, match="No row answers to it"):
        flow.add_repair(folder, stated(words), at=AT)
    changes = table("history_change")
    row = {
        "item_id": "A", "location_id": "M", "date": date(2026, 1, 5), "kind": "outlier",
        "reason": "spike", "before": 9.0, "after": 3.0, "refused": False,
    }  # fmt: skip
    made = changes.conform(pl.DataFrame([row], schema_overrides=changes.schema))
    rules = [stated({"kind": "merge", "item": "B", "to": "A"} | WHO), stated(words)]
    facts = read(folder).tables | {"history_change": made}
    named = [replace(rule, id=f"R{n}") for n, rule in enumerate(rules, 1)]
    done = repaired(facts, named, as_of=date(2026, 6, 30))
    assert done.effects["repair_id"].to_list() == ["R1", "R2"]
    assert dict(done.effects.select("repair_id", "status").rows())["R2"] == "applied"
