"""Working capital and the first diagnosis of a workspace: the same again, bridged, shown, bad input."""

import json
import shutil
from datetime import UTC, datetime

import polars as pl
import pytest
from typer.testing import CliRunner

from plimsoll.cli.app import app
from plimsoll.domain.capital_result import CAUSES
from plimsoll.domain.errors import InputError, WorkspaceError
from plimsoll.present import capital as cash
from plimsoll.present.teardown import headline, html_page, next_steps
from plimsoll.workflows.capital import measure_capital
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan
from plimsoll.workflows.teardown import tear_down
from plimsoll.workflows.workspace import init_workspace

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 9, tzinfo=UTC)
FAST = '[demand]\nlearned = "off"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("capital") / "demo"
    build_demo(path, n_items=50, seed=7, at=AT)
    with (path / "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write(FAST)
    make_plan(path, at=AT)
    return path


@pytest.fixture(scope="module")
def diagnosed(folder):
    return tear_down(folder, at=AT)


def test_the_same_again_is_the_same_run(folder, diagnosed):
    again = tear_down(folder, at=AT)
    assert (again.run_id, again.capital.run_id) == (diagnosed.run_id, diagnosed.capital.run_id)
    assert again.plan.run_id == "plan-000001", "a plan of the data in force is used"


def test_segments_and_stranded_add_up_to_the_plan(diagnosed):
    health, cells = diagnosed.plan["inventory_health"], diagnosed["teardown_segment"]
    for ours, theirs in (("stranded_value", "cash_to_release"), ("on_hand_value",) * 2, ("short_value",) * 2):
        assert cells[ours].sum() == pytest.approx(health[theirs].sum())
    assert cells["target_value"].sum() == pytest.approx(diagnosed.plan["policy"]["on_hand_mean_value"].sum())
    assert diagnosed.capital.totals["value"].sum() == pytest.approx(health["cash_to_release"].sum())
    assert cells["n_points"].sum() == health.height


def test_a_bridge_between_plans_gives_a_new_target_its_part(tmp_path):
    folder = tmp_path / "demo"
    build_demo(folder, n_items=50, seed=7, at=AT)
    settings = folder / "plimsoll.toml"
    before = settings.read_text(encoding="utf-8") + FAST
    settings.write_text(before, encoding="utf-8")
    first = make_plan(folder, at=AT)
    assert cash.bridge(measure_capital(folder, at=AT), "plans") == {}, "there is no plan before"
    low = "[targets.service]\n" + "".join(f"{abc}{xyz} = 0.8\n" for abc in "ABC" for xyz in "XYZ")
    settings.write_text(before + low, encoding="utf-8")
    second = make_plan(folder, at=LATER)
    result = measure_capital(folder, at=LATER)
    assert (result.before_run, result.plan_run) == (first.run_id, second.run_id)
    parts = cash.bridge(result, "plans")
    for name, plan in (("from", first), ("to", second)):
        assert parts[name] == pytest.approx(plan["policy"]["on_hand_mean_value"].sum())
    assert sum(parts[name] for name in CAUSES) == pytest.approx(parts["to"] - parts["from"], abs=1e-6)
    assert parts["target"] < 0, "lower targets hold less"
    assert [parts[name] for name in ("override", "data")] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert abs(parts["lead_time"]) < 0.1 * abs(parts["target"]), "only what sizing together adds"
    with pytest.raises(InputError, match="There is no other plan 'plan-000009'"):
        measure_capital(folder, "plan-000009", at=LATER)
    with pytest.raises(InputError, match="no other plan"):
        measure_capital(folder, second.run_id, at=LATER)


def test_tables_without_a_workspace_are_imported_by_a_proposed_mapping(folder, tmp_path):
    tables = tmp_path / "company"
    shutil.copytree(folder / "erp", tables, ignore=shutil.ignore_patterns("mapping.toml", "truth"))
    into = tmp_path / "workspace"
    init_workspace(into, FAST)
    result = tear_down(tables, into, at=AT)
    assert result.capital.workspace == into
    assert result["teardown_segment"].height > 3
    with pytest.raises(InputError, match="is a workspace already"):
        tear_down(folder, into, at=AT)
    with pytest.raises(InputError, match="There is nothing at"):
        tear_down(tmp_path / "nowhere", at=AT)


def test_without_a_plan_it_is_said_what_to_run(tmp_path):
    init_workspace(tmp_path / "empty")
    with pytest.raises(WorkspaceError, match="no plan yet"):
        measure_capital(tmp_path / "empty", at=AT)
    with pytest.raises(InputError, match="holds no data yet"):
        tear_down(tmp_path / "empty", at=AT)


def test_page_has_units_runs_and_harmless_names(diagnosed):
    extreme = diagnosed["teardown_extreme"]
    wicked = "<script>alert(1)</script>"
    tables = diagnosed.tables | {"teardown_extreme": extreme.with_columns(description=pl.lit(wicked))}
    page = html_page(type(diagnosed)(diagnosed.run_id, diagnosed.plan, diagnosed.capital, tables))
    assert extreme.height > 0
    assert wicked not in page
    assert "&lt;script&gt;" in page
    for text in (diagnosed.run_id, diagnosed.plan.run_id, diagnosed.capital.run_id, "USD", "@media print"):
        assert text in page
    assert "http://" not in page.split("<script>")[0], "nothing is fetched"


def test_commands_tell_the_same_in_words_and_as_json(folder, diagnosed, tmp_path):
    run, wide = CliRunner(), {"COLUMNS": "200"}
    told = run.invoke(app, ["teardown", str(folder), "--html", str(tmp_path / "page.html")], env=wide)
    assert told.exit_code == 0, told.output
    words = " ".join(told.output.split())
    for text in (headline(diagnosed), *next_steps(diagnosed), "page.html"):
        assert " ".join(text.split()) in words
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    data = json.loads(run.invoke(app, ["teardown", str(folder), "--json"]).stdout)
    assert data["score"] == diagnosed.score()
    assert len([row for row in data["maturity"] if row["step"]]) == 3
    shown = run.invoke(app, ["capital", str(folder)], env=wide)
    assert shown.exit_code == 0, shown.output
    assert cash.headline(diagnosed.capital) in " ".join(shown.output.split())
    sums = json.loads(run.invoke(app, ["capital", str(folder), "--json"]).stdout)["sums"]
    assert sums == pytest.approx(diagnosed.capital.sums())
