"""The command of service economics on the small demo company: figures, floors, acceptance, bad input."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from plimsoll.cli.targets import targets
from plimsoll.domain.errors import InputError, SettingError
from plimsoll.domain.people import Forbidden, Person, owner
from plimsoll.present.economics import stands
from plimsoll.store import audit_log
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.economics import accept_targets, load_economics, run_economics
from plimsoll.workflows.options import set_option
from plimsoll.workflows.plan import make_plan
from plimsoll.workflows.settings import settings_in_force
from plimsoll.workflows.workspace import init_workspace

AT = datetime(2026, 11, 21, tzinfo=UTC)
KIM = owner("kim")
app = typer.Typer()
app.command()(targets)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("economics") / "demo"
    build_demo(folder, n_items=60, seed=3, at=AT)
    with (folder / "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n')
    make_plan(folder, at=AT)
    return folder


def _told(workspace, *words, columns="160"):
    told = CliRunner().invoke(app, [str(workspace), *words], env={"COLUMNS": columns})
    assert told.exit_code == 0, told.output
    return told


def test_words(workspace):
    text = " ".join(_told(workspace, "--by", "abc").output.split())
    result = load_economics(workspace, KIM)
    for sentence in stands(result):
        assert " ".join(sentence.split()) in text
    assert "The least stock for the same service is" in text
    assert "By abc" in text
    assert "Where one more unit costs as much" in text
    run, plan = result.run, result.at("plan")
    assert run["aim"] == "as_now"
    assert run["goal"] == pytest.approx(plan["service"], abs=1e-4)
    assert run["inventory_value"] < plan["inventory_value"]
    assert run["bound_value"] <= run["inventory_value"] <= run["uniform_value"]
    with Workspace.open(workspace) as opened:
        decided = opened.result("target", run["plan_id"])["target_source"]
    assert run["n_together"] == (decided == "network").sum() > 0  # demo places replenish each other
    assert f"The plan sizes {run['n_together']} points together" in text


def test_data_and_files(workspace, tmp_path):
    told = _told(workspace, "--json", "--budget", "0.4M", "--by", "category", "--csv", str(tmp_path / "out"))
    data = json.loads(told.output)
    assert data["economics_run"]["budget"] == 400_000.0
    assert data["economics_run"]["inventory_value"] <= 400_000.0
    assert {row["by"] for row in data["cost_curve"]} == {"company", "category"}
    assert data["accepted"] is None
    assert len(data["files"]) == 4
    read = pl.read_csv(tmp_path / "out" / "service_choice.csv")
    assert read["stock_chosen_value"].sum() == pytest.approx(data["economics_run"]["inventory_value"])


def test_floors_of_a_class_and_of_customers_with_priority(workspace):
    goal = {"portfolio_goal": 0.9, "floors": {"A": 0.93, "priority": 0.97, "priority_share": 0.2}}
    choice = run_economics(workspace, goal, KIM, at=AT)["service_choice"]
    of_a = choice.filter(pl.col("abc") == "A", pl.col("kept").is_null() | (pl.col("kept") == "floor"))
    held = of_a.filter(pl.col("stock_chosen_value") > 0)
    assert held.height
    assert (held["fill_rate_chosen"] >= 0.93).all()
    served = choice.filter(floor_service=0.97)
    assert served.height
    assert (served["fill_rate_chosen"] >= 0.97).all()


def test_out_of_reach_tells_the_nearest(workspace):
    with pytest.raises(InputError) as budget:
        run_economics(workspace, {"portfolio_budget": 10.0}, KIM, at=AT)
    assert "is the least" in budget.value.what
    nearest = float(budget.value.remedy.split("--budget ")[1].split()[0])
    assert run_economics(workspace, {"portfolio_budget": nearest}, KIM, at=AT).run["promised"] > 0
    with pytest.raises(InputError):
        run_economics(workspace, {"portfolio_budget": 0.99 * nearest}, KIM, at=AT)
    with pytest.raises(InputError) as goal:
        run_economics(workspace, {"portfolio_goal": 0.9999999}, KIM, at=AT)
    assert "is the most" in goal.value.what
    nearest = float(goal.value.remedy.split("--goal ")[1].split()[0])
    assert run_economics(workspace, {"portfolio_goal": nearest}, KIM, at=AT).run["promised"] >= nearest


def test_accepted_targets_are_those_of_the_next_plan(workspace):
    done = _told(workspace, "--goal", "0.91", "--metric", "lines", "--floor", "A=0.92", "--accept")
    assert "The next plan aims at it." in done.output
    result = load_economics(workspace, KIM)
    later = datetime(2099, 1, 1, tzinfo=UTC)
    with Workspace.open(workspace) as opened:
        options = settings_in_force(opened, later).targets
        _, logged = audit_log.page(opened, object_type="parameter", text=result.run_id)
    assert (options.portfolio_goal, options.portfolio_metric, options.floors.A) == (0.91, "lines", 0.92)
    assert logged == 3
    assert accept_targets(workspace, KIM, at=later) == []  # in force already
    plan = make_plan(workspace, at=later)
    chosen = plan.tables["target"].filter(target_source="portfolio").height
    assert chosen > 0.7 * plan.tables["target"].height
    # a budget takes the place of the goal, and the other way round
    run_economics(workspace, {"portfolio_budget": 400_000.0}, KIM, at=later)
    accept_targets(workspace, KIM, at=later)
    with Workspace.open(workspace) as opened:
        options = settings_in_force(opened, later).targets
    assert (options.portfolio_goal, options.portfolio_budget) == (None, 400_000.0)
    set_option(workspace, "targets", "portfolio_budget", None, KIM, reason="as it was", at=later)


def test_bad_input(workspace, tmp_path):
    with pytest.raises(SettingError, match="no amount of money"):
        _run(workspace, "--budget", "much")
    with pytest.raises(SettingError, match="is no floor"):
        _run(workspace, "--floor", "A")
    with pytest.raises(SettingError, match=r"floors\.D"):
        _run(workspace, "--floor", "D=0.9")
    with pytest.raises(SettingError, match="exclude each other"):
        _run(workspace, "--goal", "0.9", "--budget", "1M")
    with pytest.raises(SettingError, match="portfolio_goal"):
        _run(workspace, "--goal", "95")
    with pytest.raises(InputError, match="not told by 'clas'"):
        _run(workspace, "--by", "clas")
    viewer = Person("vi", "Vi", "viewer")
    with pytest.raises(Forbidden):
        run_economics(workspace, {}, viewer, at=AT)
    with pytest.raises(Forbidden):
        accept_targets(workspace, viewer, at=AT)
    empty = init_workspace(tmp_path / "empty")
    with pytest.raises(InputError, match="has no plan yet"):
        run_economics(empty, {}, KIM, at=AT)
    with pytest.raises(InputError, match="no service economics"):
        accept_targets(empty, KIM, at=AT)
    assert load_economics(empty, KIM) is None


def _run(workspace, *words):
    told = CliRunner().invoke(app, [str(workspace), *words])
    raise told.exception
