"""`plimsoll audit` from a workspace: summary, one check, JSON, CSV, with and without a plan."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from plimsoll.audit import all_checks
from plimsoll.cli.audit import audit
from plimsoll.domain.errors import InputError
from plimsoll.workflows.audit import audit_workspace
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan
from plimsoll.workflows.repairs import accept_suggestions, withdraw_repairs
from plimsoll.workflows.workspace import init_workspace

AT = datetime(2026, 11, 21, tzinfo=UTC)
app = typer.Typer()
app.command()(audit)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("audit") / "demo"
    build_demo(path, n_items=60, seed=3, at=AT)
    return path


def test_summary_rows_and_csv(folder, tmp_path):
    done = CliRunner().invoke(app, [str(folder)])
    assert done.exit_code == 1  # the demo's bill of material has a cycle
    assert "What is wrong: errors, then most money" in done.output
    rows = CliRunner().invoke(
        app, [str(folder), "--code", "negative_on_hand", "--csv", str(tmp_path / "a.csv")]
    )
    assert "set on_hand to 0" in rows.output
    assert pl.read_csv(tmp_path / "a.csv").height == 2


def test_json_holds_findings_of_import_and_audit_and_rows(folder):
    done = CliRunner().invoke(app, [str(folder), "--json", "--top", "3"])
    data = json.loads(done.output)
    codes = {row["code"] for row in data["findings"]}
    assert {"negative_on_hand", "quarantine_duplicate_row", "item_not_in_master"} <= codes
    assert not {"items_added", "unknown_item", "negative_demand"} & codes  # told by checks
    assert len(data["rows"]) == 3 < data["n_rows"]
    assert sum(data["readiness"]["all"][0][name] for name in ("automatic", "care", "left_out")) > 100


def test_an_earlier_day_knows_less(folder):
    now, then = (audit_workspace(folder, as_of=day, at=AT) for day in (None, date(2025, 6, 30)))
    assert now.as_of == date(2026, 10, 31)
    assert "negative_on_hand" in now.rows["code"]
    assert "negative_on_hand" not in then.rows["code"]  # stock was counted later


def test_no_data_is_refused(tmp_path):
    init_workspace(tmp_path / "empty")
    with pytest.raises(InputError, match="holds no data yet"):
        audit_workspace(tmp_path / "empty", at=AT)


def test_an_accepted_repair_is_audited_and_a_withdrawn_one_is_not(tmp_path):
    """The audit reads repaired facts, and results of a plan only if made under the same repairs."""
    folder, code = tmp_path / "demo", "moq_out_of_line"
    build_demo(folder, n_items=60, seed=3, at=AT)
    planned = make_plan(folder, at=AT)
    found = audit_workspace(folder, at=AT)
    assert found.run_id == planned.run_id
    assert code in found.rows["code"]
    done = accept_suggestions(folder, code, only={}, every=True, author="Ann", reason="in gross", at=AT)
    assert done.rules
    repaired = audit_workspace(folder, at=AT)
    assert code not in repaired.rows["code"]
    assert code not in repaired.findings["code"]
    assert repaired.run_id == ""
    assert make_plan(folder, at=AT).run_id == audit_workspace(folder, at=AT).run_id
    withdraw_repairs(folder, [rule.id for rule in done.rules], author="Ann", reason="back", at=AT)
    again = audit_workspace(folder, at=AT)
    assert again.run_id == ""
    assert again.rows.filter(code=code)["key"].equals(found.rows.filter(code=code)["key"])


def test_plan_and_audit_tell_each_fault_once(tmp_path):
    folder = tmp_path / "demo"
    build_demo(folder, n_items=60, seed=4, at=AT)
    plan = make_plan(folder, at=AT)
    audited = audit_workspace(folder, at=AT)
    for said in (plan["finding"], audited.findings):
        fired = [check for check in all_checks() if check.code in said["code"]]
        covered = {code for check in fired for code in check.covers}
        assert not covered & set(said["code"])
        negative = said.filter(code="negative_on_hand")
        assert negative.height == 1
        assert negative["done"].str.contains("taken as 0").all()
    assert set(plan["finding"]["code"]) == set(audited.findings["code"])
