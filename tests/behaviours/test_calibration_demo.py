"""The demo company's promises: kept, graded, stored as a run, and shown by the report."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.present.report import html_report
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.accuracy import check_forecasts, grades_known
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan

AT = datetime(2026, 11, 21, tzinfo=UTC)
POINT = ["item_id", "to_location_id"]
QUICK = '[signals]\norigins = 4\n[demand]\nlearned = "off"\n'


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibration") / "demo"
    build_demo(folder, n_items=60, seed=3, at=AT)
    (folder / "plimsoll.toml").write_text(QUICK, encoding="utf-8")
    plan = make_plan(folder, at=AT)
    return folder, plan, check_forecasts(folder, at=AT)


def test_the_result_is_a_run_that_is_reproduced(company):
    folder, plan, checked = company
    assert (checked.run_id, checked.plan_id) == ("accuracy-000001", plan.run_id)
    assert check_forecasts(folder, at=AT).run_id == checked.run_id
    with Workspace.open(folder) as workspace:
        for name in ("accuracy", "alarm", "calibration", "trust"):
            assert workspace.result(name, kind="accuracy").equals(getattr(checked, name))


def test_promises_are_kept(company):
    """Some 600 windows of 60 items that the generator draws from many laws: 4 errors, and 10 points."""
    whole = company[2].calibration.filter(pl.col("group") == "all", pl.col("service") != "units")
    assert whole.height == 10
    assert (whole["promised"] >= whole["level"].fill_null(0.0) - 1e-9).all()
    assert (whole["gap"] > -0.1).all()
    assert (whole["gap"] > -4 * whole["error"]).all()


def test_every_group_is_there_and_adds_up(company):
    found = company[2].calibration.filter(service="periods", level=0.95)
    assert set(found["group"]) == set(table("calibration").column("group").choices) - {"target"}
    windows = found.filter(pl.col("value") != "0").group_by("group").agg(pl.col("n_windows").sum())
    assert windows["n_windows"].n_unique() == 1
    own = company[2].calibration.filter(pl.col("level").is_null(), service="periods")
    assert own.filter(group="target")["n_windows"].sum() == windows["n_windows"][0]


def test_every_point_has_a_grade_and_a_reason(company):
    _, plan, checked = company
    keys = ["item_id", "location_id"]
    assert checked.trust.select(keys).equals(plan["planning_point"].select(keys).sort(keys))
    assert set(checked.trust["grade"]) >= {"C", "-"}
    assert checked.trust.filter(pl.col("grade") == "A", pl.col("reasons") != "").is_empty()
    assert checked.trust.filter(pl.col("grade") != "A", pl.col("reasons") == "").is_empty()
    assert checked.trust["why"].str.ends_with(".").all()
    left_out = plan["readiness"].filter(verdict="left_out").join(checked.trust, on=keys)
    assert set(left_out["grade"]) == {"-"}


def test_the_report_shows_it_when_there_is_one(company):
    _, plan, checked = company
    assert 'id="calibration"' not in html_report(plan)
    tables = plan.tables | {"calibration": checked.calibration, "trust": checked.trust}
    page = html_report(replace(plan, tables=tables))
    for word in (
        'id="calibration"',
        "Are promises kept?",
        "How far to trust a promise",
        "Lines served in full",
    ):
        assert word in page
    assert json.dumps("Achieved") in page


def test_no_plan_no_targets(company):
    """A plan of another day lends nothing: no own targets, no audit."""
    folder, plan, _ = company
    earlier = check_forecasts(folder, at=AT, as_of=plan.as_of.replace(day=1))
    assert earlier.plan_id == ""
    assert earlier.calibration["level"].null_count() == 0
    assert "abc" not in set(earlier.calibration["group"])
    assert "needs_care" not in "|".join(earlier.trust["reasons"])


def test_the_next_plan_grades_its_lines_by_the_check_and_by_no_later_one(company):
    folder, plan, checked = company
    next_plan = make_plan(folder, at=AT)
    assert next_plan.run_id != plan.run_id, "the check is named in the manifest"
    grades = checked.trust.select("item_id", "grade", to_location_id="location_id")
    lines = next_plan["line"].join(grades, on=POINT)
    rank = {grade: place for place, grade in enumerate(("A", "B", "C", "D", "-"))}
    said, tried = (
        lines[name].replace_strict(rank, return_dtype=pl.Int64) for name in ("confidence", "grade")
    )
    assert (said >= tried).all(), "no line is graded better than its forecasts"
    was = plan["line"].select("kind", *POINT, old="confidence_why")
    changed = (
        next_plan["line"].join(was, on=["kind", *POINT]).filter(pl.col("old") != pl.col("confidence_why"))
    )
    assert changed.height
    assert check_forecasts(folder, at=AT).run_id != checked.run_id, "it names the plan that it graded"
    assert make_plan(folder, at=AT).run_id == next_plan.run_id, "with the same grades"
    with Workspace.open(folder) as workspace:
        assert grades_known(workspace, checked.as_of)[1].equals(checked.trust)
        first = min(run.as_of for run in workspace.runs() if run.kind == "accuracy")
        assert grades_known(workspace, first - timedelta(days=1)) == ({}, None)
        assert grades_known(workspace, checked.as_of + timedelta(days=93)) == ({}, None)
