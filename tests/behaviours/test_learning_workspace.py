"""From decisions in a workspace to what they were worth, and from a suggestion to a value in force."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from plimsoll.domain.decisions import LineRef, Unknown, line_id
from plimsoll.domain.errors import InputError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import Forbidden, Person, owner
from plimsoll.present.learning import check_grouping, group_lines, headlines
from plimsoll.store.overrides import standing_overrides
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import decide, learn
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
THEN = date(2026, 8, 2)
KIM = owner("kim")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A demo company whose stock was counted three months before its last day, planned and decided then."""
    path = tmp_path_factory.mktemp("learn") / "company"
    build_demo(path, n_items=60, seed=7, at=AT)
    with Workspace.open(path) as workspace:
        known = workspace.import_in_force()
        stock = workspace.facts(["stock"])["stock"].with_columns(date=pl.lit(THEN))
        parts = {"parameters": known.manifest["parameters"], "inputs": {"stock": "moved"}}
        manifest = Manifest("import", known.manifest["version"], known.as_of, 1, **parts)
        workspace.publish_import({"stock": stock}, manifest, at=AT)
    plan = make_plan(path, as_of=THEN, at=AT)
    orders = plan["line"].filter(pl.col("kind").is_in(["purchase", "transfer"])).sort("line_no")
    refs = [LineRef(line_id(plan.run_id, number), 0) for number in orders["line_no"]]
    decide.accept(path, refs[::3], KIM, at=AT)
    decide.refuse(path, refs[1::3], KIM, reason="too_much", at=AT)
    for ref, row in list(zip(refs, orders.iter_rows(named=True), strict=True))[2:60:3]:
        decide.change(path, ref, KIM, quantity=row["quantity"] + 10, reason="too_little", at=AT)
    return path


@pytest.fixture(scope="module")
def result(folder):
    return learn.learn(folder, KIM, at=AT)


def test_every_decision_is_judged_or_said_to_be_open(folder, result):
    outcome = result["outcome"]
    with Workspace.open(folder) as workspace:
        assert outcome.height == workspace.result("line").filter(
            pl.col("kind").is_in(["purchase", "transfer"])
        ).height - _left_alone(workspace)
    assert outcome.filter(state="counted").height > 30
    assert outcome.filter(state="open").height > 0
    assert set(outcome["action"]) == {"accepted", "changed", "refused"}
    kept = outcome.filter(state="counted", action="accepted")
    assert (kept["value_added"] == 0).all()
    parts = outcome.select(pl.sum_horizontal("^.*_saved$") - pl.col("value_added")).to_series()
    assert parts.abs().max() < 1e-9


def _left_alone(workspace):
    lines = workspace.result("line").filter(pl.col("kind").is_in(["purchase", "transfer"])).height
    return len([n for n in range(2, lines, 3) if n >= 60])


def test_totals_are_those_of_the_decisions(result):
    outcome = result["outcome"].filter(state="counted")
    told = result["outcome_total"]
    whole = told.filter(by="all").row(0, named=True)
    assert whole["value_added"] == pytest.approx(outcome["value_added"].sum())
    assert whole["n"] + whole["n_accepted"] == outcome.height
    for by in ("reason", "class", "category"):
        parts = told.filter(by=by)
        assert parts["value_added"].sum() == pytest.approx(whole["value_added"])
        assert parts["n"].sum() == whole["n"]
    assert set(told.filter(by="reason")["group"]) == {"too_much", "too_little"}


def test_an_earlier_day_of_knowledge_judges_fewer(folder, result):
    then = learn.learn(folder, KIM, at=AT, as_of=THEN + timedelta(days=20))["outcome"]
    assert 0 < then.filter(state="counted").height < result["outcome"].filter(state="counted").height
    assert then.filter(state="counted")["end_date"].max() <= THEN + timedelta(days=20)


def test_a_person_sees_what_is_in_scope(folder, result):
    learn.learn(folder, KIM, at=AT)
    place = result["outcome"]["to_location_id"].mode().sort()[0]
    lee = Person("lee", "Lee", "viewer", locations=(place,))
    mine = learn.load_learning(folder, lee, at=AT)
    assert set(mine["outcome"]["to_location_id"]) == {place}
    value = result["outcome"].filter(to_location_id=place)["value_added"].sum()
    assert mine["outcome_total"].filter(by="all")["value_added"][0] == pytest.approx(value)
    with pytest.raises(Forbidden):
        learn.learn(folder, lee, at=AT)


def test_it_reads_well(result):
    assert "decisions:" in headlines(result)[0]
    assert len(group_lines(result, "author", 5)) == 1
    with pytest.raises(InputError, match="grouped by 'planer'"):
        check_grouping("planer")


def test_a_suggestion_becomes_a_value_in_force(folder, monkeypatch):
    found = learn.learn(folder, KIM, at=AT)
    with pytest.raises(Unknown):
        learn.adopt(folder, "supplier:NOBODY::raised", KIM, at=AT)
    with Workspace.open(folder) as workspace:
        lanes = workspace.result("lead_time_estimate")
    source = lanes.filter(pl.col("from_location_id").str.starts_with("V"))["from_location_id"].sort()[0]
    made = _suggestion(source)
    monkeypatch.setattr(learn.learning, "suggestions", lambda *_: made)
    told = learn.learn(folder, KIM, at=AT, as_of=found.as_of - timedelta(days=1))
    assert told["suggestion"].equals(made)
    with pytest.raises(Forbidden):
        learn.adopt(folder, "s1", Person("lee", "Lee", "planner"), at=AT)
    with pytest.raises(InputError, match="has not paid"):
        learn.adopt(folder, "s2", KIM, at=AT)
    done = learn.adopt(folder, "s1", KIM, at=AT, text="Seen it too.")
    assert (done.override.kind, done.override.field, done.override.value) == ("lead_time", "days", 28.0)
    assert done.override.scope == {"from_location_id": source}
    assert done.override.reason_text == "Seen it too. Kim raised all."
    with Workspace.open(folder) as workspace:
        assert [one.id for one in standing_overrides(workspace, AT)] == [done.override.id]
    again = learn.learn(folder, KIM, at=AT, as_of=found.as_of - timedelta(days=1))
    assert again["suggestion"]["suggestion_id"].to_list() == ["s2"]


def _suggestion(source):
    from plimsoll.domain.tables import table

    row = {
        "scope_kind": "supplier", "subject": source, "author": "kim", "direction": "raised", "n": 9,
        "n_same": 9, "value_added": 5.0, "chance_direction": 0.0, "false_alarm_share": 0.0,
        "parameter": "lead_time", "field": "days", "value_from": 21.0, "value_to": 28.0,
        "value_per_year": 5.0, "first_date": THEN, "last_date": THEN, "sentence": "Kim raised all.",
    }  # fmt: skip
    rows = [
        row | {"suggestion_id": "s1", "rank": 1, "verdict": "suggest"},
        row | {"suggestion_id": "s2", "rank": 2, "verdict": "has_cost", "scope_kind": "category"},
    ]
    return table("suggestion").conform(pl.DataFrame(rows))


def test_before_anybody_decided_there_is_nothing_to_learn(tmp_path):
    build_demo(tmp_path / "new", n_items=50, seed=7, at=AT)
    assert learn.load_learning(tmp_path / "new", KIM, at=AT) is None
    found = learn.learn(tmp_path / "new", KIM, at=AT)
    assert [found[name].height for name in found.tables] == [0, 0, 0]
    assert headlines(found)[0].startswith("Nobody has decided")
