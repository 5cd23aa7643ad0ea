"""Scenarios over a planned company: the base stays, nothing changes nothing, what is promoted counts."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns

import polars as pl
import pytest
from typer.testing import CliRunner

from plimsoll.cli.app import app
from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError, WorkspaceError
from plimsoll.domain.people import Forbidden, Person, owner
from plimsoll.domain.scenarios import Scenario, read
from plimsoll.store import scenarios as store
from plimsoll.store.db.work_models import AuditEvent
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import scenario_rerun
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.from_estimates import size_connected
from plimsoll.workflows.plan import make_plan
from plimsoll.workflows.scenario import (
    Sweep,
    compare_scenarios,
    run_scenario,
    save_scenario,
    saved_scenarios,
    scenario_of,
)
from plimsoll.workflows.scenario_promote import promote_scenario
from plimsoll.workflows.scenario_rerun import read_base, rerun
from plimsoll.workflows.scenario_stress import load_stress, stress_workspace

AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
KIM = owner("kim")
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "w"
    build_demo(path, n_items=50, seed=7, at=AT)
    make_plan(path, at=AT)
    return path


@pytest.fixture(scope="module")
def base(folder):
    with Workspace.open(folder) as workspace:
        return read_base(workspace)


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of facts and of plans."""
    files = [*folder.glob("facts/**/*.parquet"), *folder.glob("runs/plan-*/*"), folder / "plimsoll.toml"]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(files)}


def scenario(*changes, name="s"):
    return read({"name": name, "change": list(changes)})


def supplier(base):
    bought = base.tables["planning_point"].filter(supply_kind="purchase")["from_location_id"]
    return bought.value_counts().sort("count", "from_location_id", descending=True)["from_location_id"][0]


def test_no_change_is_the_plan_to_the_last_bit(base):
    made = rerun(base, Scenario("nothing")).tables
    compared = [name for name in base.tables if name in made]
    assert {"line", "policy", "target", "recommendation", "inventory_health", "outlook"} <= set(compared)
    for name in compared:
        assert made[name].equals(base.tables[name]), name


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "demand", "factor": 1.0},
        {"kind": "delay", "days": 0},
        {"kind": "cost", "factor": 1.0},
        {"kind": "min_order", "factor": 1.0},
    ],
)
def test_a_change_by_nothing_is_the_base(base, change):
    made = rerun(base, scenario(change)).tables
    assert made["line"].equals(base.tables["line"])
    assert made["policy"].equals(base.tables["policy"])


@pytest.mark.parametrize("kind", ["outage", "demand", "source"])
def test_only_what_differs_is_sized_again_and_that_is_the_same_as_all(base, monkeypatch, kind):
    source = supplier(base)
    branch = base.tables["planning_point"].filter(supply_kind="transfer")["location_id"][0]
    change = {
        "outage": {"kind": "outage", "days": 28, "from": source},
        "demand": {"kind": "demand", "factor": 1.5, "location": branch},
        "source": {"kind": "source", "location": branch, "new_from": source, "days": 9},
    }[kind]
    sized = []

    def counted(connected, points, *given):
        sized.append(points.height)
        return size_connected(connected, points, *given)

    monkeypatch.setattr(scenario_rerun, "size_connected", counted)
    some = rerun(base, scenario(change)).tables
    everything = lambda _, connected, *given: size_connected(connected, *given)  # noqa: E731
    monkeypatch.setattr(scenario_rerun, "_sized", everything)
    whole = rerun(base, scenario(change)).tables
    assert 0 < sized[0] < base.tables["planning_point"].height
    assert [name for name, frame in whole.items() if not some[name].equals(frame)] == []
    assert not some["policy"].equals(base.tables["policy"])


def test_a_disruption_and_its_comparison_come_out_the_same_again_and_leave_the_base(folder, base):
    before, plan = hashes(folder), base.run.id
    outage = scenario({"kind": "outage", "days": 40, "from": supplier(base)}, name="fire")
    save_scenario(folder, outage.as_data(), KIM, at=AT)
    first = run_scenario(folder, "fire", KIM, at=AT)
    again = run_scenario(folder, "fire", KIM, at=AT + timedelta(days=1))
    assert again.run_ids == first.run_ids  # equal to the last bit, or the store would refuse
    compared = compare_scenarios(folder, ["fire"], KIM)
    for name in ("scenario_figure", "scenario_action"):
        assert compared[name].equals(first[name])
    assert compared.plan_id == plan
    assert hashes(folder) == before
    with Workspace.open(folder) as workspace:
        assert workspace.latest_run("plan").id == plan
    # The outage bites: more is at risk, and something is done otherwise.
    assert first.figure("money_at_risk", "fire") > first.figure("money_at_risk", "base")
    assert first["scenario_action"].height > 0


def test_figures_and_actions_a_second_way(folder, base):
    change = {"kind": "demand", "factor": 1.4}
    made = rerun(base, scenario(change)).tables
    result = run_scenario(folder, scenario(change, name="more"), KIM, at=AT)
    cost = {
        row[:2]: row[2]
        for row in made["planning_point"].select("item_id", "location_id", "unit_cost_eff").rows()
    }
    buffer = sum(
        cost[row["item_id"], row["location_id"]] * row["buffer_qty"]
        for row in made["policy"].iter_rows(named=True)
    )
    assert result.figure("buffer_value", "more") == pytest.approx(buffer)
    assert result.figure("n_lines", "more") == made["line"].height
    new = ("purchase", "transfer", "production")
    spent = [
        sum(r["value"] for r in t["line"].iter_rows(named=True) if r["kind"] in new)
        for t in (base.tables, made)
    ]
    assert [result.figure("orders_value", case) for case in ("base", "more")] == pytest.approx(spent)
    # What is added, removed and changed adds up to the difference of all lines.
    total = made["line"]["value"].sum() - base.tables["line"]["value"].sum()
    assert result["scenario_action"]["value_change"].sum() == pytest.approx(total)
    assert result["scenario_action"].filter(change="added")["value_before"].null_count() > 0


def test_a_sweep_has_a_case_a_value(folder):
    change = {"kind": "demand", "factor": 9.0}
    result = run_scenario(
        folder, scenario(change, name="sweep"), KIM, at=AT, sweep=Sweep.read("1.factor=0.5,1,2")
    )
    assert result.cases == ("base", "sweep factor 0.5", "sweep factor 1", "sweep factor 2")
    stock = [result.figure("stock_expected_value", case) for case in result.cases]
    assert stock[1] < stock[0] == stock[2] < stock[3]
    assert result["scenario_action"].filter(case="sweep factor 1").is_empty()


@pytest.mark.parametrize(
    "text", ["", "factor=1", "1.factor", "1.factor=a", "1.factor=1,", "2.factor=1", "1.days=1"]
)
def test_a_sweep_that_is_none_is_refused(folder, text):
    with pytest.raises(InputError):
        run_scenario(folder, scenario({"kind": "demand", "factor": 1}), KIM, at=AT, sweep=Sweep.read(text))


def test_unknown_names_run_and_keep_nothing(folder):
    with Workspace.open(folder) as workspace:
        runs, kept = len(workspace.runs()), store.names(workspace)
    wrong = scenario({"kind": "delay", "days": 3, "from": "V9"}, name="wrong")
    for do in (run_scenario, save_scenario):
        given = wrong if do is run_scenario else wrong.as_data()
        with pytest.raises(InputError, match="no supplier or place that sends 'V9'"):
            do(folder, given, KIM, at=AT)
    with pytest.raises(InputError, match="There is no scenario 'nowhere'"):
        run_scenario(folder, "nowhere", KIM, at=AT)
    with Workspace.open(folder) as workspace:
        assert (len(workspace.runs()), store.names(workspace)) == (runs, kept)


def test_a_scenario_is_kept_once_and_listed(folder):
    data = {"name": "kept", "note": "why", "change": [{"kind": "price", "factor": 1.1}]}
    save_scenario(folder, data, KIM, at=AT)
    with pytest.raises(InputError, match="kept already"):
        save_scenario(folder, data, KIM, at=AT)
    save_scenario(folder, data | {"note": "better"}, KIM, at=AT, over=True)
    assert scenario_of(folder, "kept", KIM).note == "better"
    assert [each.run_id for each in saved_scenarios(folder, KIM) if each.scenario.name == "kept"] == [""]
    with pytest.raises(InputError, match="was not run yet"):
        compare_scenarios(folder, ["kept"], KIM)


def test_who_may_look_may_not_run(folder):
    looker = Person("lee", "Lee", "viewer")
    assert isinstance(saved_scenarios(folder, looker), list)
    for do in (
        lambda: run_scenario(folder, scenario(), looker, at=AT),
        lambda: stress_workspace(folder, looker, at=AT),
        lambda: save_scenario(folder, {"name": "x"}, looker, at=AT),
    ):
        with pytest.raises(Forbidden):
            do()


def test_a_stress_test_is_kept_and_read(folder, base):
    source = supplier(base)
    document = (
        f'[[disruption]]\nname = "fire"\nprobability = 0.5\nkind = "outage"\nfrom = "{source}"\ndays = 300'
    )
    made = stress_workspace(folder, KIM, at=AT, document=document)
    row = made["stress_disruption"].row(0, named=True)
    assert row["expected_loss"] == pytest.approx(0.5 * row["money_at_risk"])
    assert row["money_at_risk"] == pytest.approx(made["stress_item"]["money_at_risk"].sum())
    assert row["money_at_risk"] > 0
    read_again = load_stress(folder, KIM)
    assert read_again["stress_disruption"].equals(made["stress_disruption"])
    with pytest.raises(InputError, match="no supplier or place that sends"):
        stress_workspace(folder, KIM, at=AT, document=document.replace(source, "V9"))


def test_the_usual_disruptions_are_every_supplier_lane_and_large_customer(folder, base):
    found = stress_workspace(folder, KIM, at=AT)["stress_disruption"]
    points = base.tables["planning_point"].filter("planned")
    suppliers = points.filter(supply_kind="purchase")["from_location_id"].n_unique()
    lanes = (
        points.filter(pl.col("supply_kind") != "production")
        .select("from_location_id", "location_id")
        .n_unique()
    )
    counts = dict(found["subject_kind"].value_counts().iter_rows())
    assert counts == {"supplier": suppliers, "lane": lanes, "customer": 10}
    assert found.sort("rank")["expected_loss"].is_sorted(descending=True)


def test_promoted_changes_are_in_the_next_plan_and_on_record(folder, base, tmp_path):
    path = copytree(folder, tmp_path / "w", ignore=ignore_patterns("scenarios", "erp"))
    item = base.tables["planning_point"].filter("planned")["item_id"][0]
    changes = (
        {"kind": "target", "value": 0.999, "item": item},
        {"kind": "price", "factor": 2.0, "item": item},
        {"kind": "goal", "value": 0.9, "metric": "value"},
        {"kind": "season", "days": 30},
    )
    save_scenario(path, scenario(*changes, name="better").as_data(), KIM, at=AT)
    with pytest.raises(InputError, match="1 of 4 changes") as refused:
        promote_scenario(path, "better", KIM, at=AT, reason="cash")
    assert refused.value.done == "Nothing was changed."
    planner = Person("lee", "Lee", "planner")
    with pytest.raises(Forbidden):
        promote_scenario(path, "better", planner, at=AT, reason="cash", partly=True)
    with Workspace.open(path) as workspace:
        assert not workspace.repairs()
        assert not workspace.parameters_in_force(AT + timedelta(days=1))
    done = promote_scenario(path, "better", KIM, at=AT, reason="cash", partly=True)
    assert [each.split()[0] for each in done.done] == ["Override", "Repair", "Option"]
    assert len(done.refused) == 1
    later = AT + timedelta(days=1)
    plan = make_plan(path, at=later)
    points = plan["planning_point"].filter(item_id=item)
    before = base.tables["planning_point"].filter(item_id=item)
    assert set(points["target_service_set"]) == {0.999}
    assert points["unit_price_eff"].to_list() == pytest.approx((2 * before["unit_price_eff"]).to_list())
    assert plan.parameters["targets"]["portfolio_goal"] == 0.9
    with Workspace.open(path) as workspace, workspace.reading() as db:
        events = [
            (row.actor, row.action, row.object_id)
            for row in db.query(AuditEvent).filter_by(object_type="scenario")
        ]
    assert events[-2:] == [("kim", "save", "better"), ("kim", "promote", "better")]


def test_a_promoted_surge_is_a_forecast_and_a_delay_a_lead_time(folder, base, tmp_path):
    path = copytree(folder, tmp_path / "w", ignore=ignore_patterns("scenarios", "erp"))
    source = supplier(base)
    changes = (
        {"kind": "demand", "factor": 1.5, "start": "2026-12-01"},
        {"kind": "delay", "days": 7, "from": source},
    )
    save_scenario(path, scenario(*changes, name="late").as_data(), KIM, at=AT)
    promote_scenario(path, "late", KIM, at=AT, reason="supplier_news")
    plan = make_plan(path, at=AT + timedelta(days=1))
    lanes = plan["lead_time_estimate"].filter(from_location_id=source)
    old = base.tables["lead_time_estimate"].filter(from_location_id=source)
    assert lanes["mean_days_est"].to_list() == pytest.approx((old["mean_days_est"] + 7.0).to_list())
    assert plan["demand_estimate"]["mean_per_day_set"].null_count() < plan["demand_estimate"].height


def test_without_a_plan_there_is_nothing_to_lay_over(tmp_path):
    Workspace.create(tmp_path / "w").close()
    with pytest.raises(WorkspaceError, match="has no plan yet"):
        run_scenario(tmp_path / "w", scenario(), KIM, at=AT)


def test_the_command_line(folder):
    def run(*words, code=0):
        done = RUNNER.invoke(app, ["scenario", str(folder), *words])
        assert done.exit_code == code, (done.output, done.exception)
        return done

    run("new", "by-hand", "--change", "kind=demand factor=1.2", "--note", "a test")
    assert json.loads(run("show", "by-hand", "--json").stdout)["change"] == [
        {"kind": "demand", "factor": 1.2}
    ]
    assert "factor = 1.2" in run("show", "by-hand").stdout
    data = json.loads(run("run", "by-hand", "--json").stdout)
    assert {row["case"] for row in data["scenario_figure"]} == {"base", "by-hand"}
    shown = run("compare", "by-hand", "--top", "2").stdout
    assert "Expected stock" in shown
    assert "otherwise today" in shown
    assert "by-hand" in run("list").stdout
    assert "disruptions tried" in run("stress", "--top", "3").stdout
    (folder / "odd.toml").write_bytes(b"\xff\xfe")
    odd = (("--change", "nonsense"), ("--change", "item='A"), ("--file", str(folder / "odd.toml")))
    for words in odd:
        assert isinstance(run("new", "other", *words, code=1).exception, InputError)
    assert isinstance(run("stress", *odd[-1], code=1).exception, InputError)


def test_unknown_is_not_swallowed(folder):
    with pytest.raises((InputError, Unknown)):
        promote_scenario(folder, "nowhere", KIM, at=AT, reason="cash")
    with pytest.raises(InputError, match="There is no reason"):
        promote_scenario(folder, "fire", KIM, at=AT, reason="because")
