"""`plimsoll supply` as people and programs use it: before a plan, with one, and on what cannot be shown."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from plimsoll.cli.supply import supply
from plimsoll.domain.errors import InputError, SettingError
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan

AT = datetime(2026, 11, 21, tzinfo=UTC)
APP = typer.Typer()
APP.command()(supply)


def run(*words):
    done = CliRunner(env={"COLUMNS": "130"}).invoke(APP, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def unplanned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company") / "demo"
    build_demo(folder, n_items=80, seed=7, at=AT)
    return folder


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company") / "planned"
    build_demo(folder, n_items=80, seed=7, at=AT)
    make_plan(folder, at=AT)
    return folder


def test_before_a_plan_it_says_what_is_missing(unplanned):
    out = run(unplanned)
    assert "no plan yet" in out
    assert "Run `plimsoll plan" in out
    assert "By what we buy from them" in out
    data = json.loads(run(unplanned, "--json"))
    assert data["run_id"] is None
    assert {row["buffer_lead_time_value"] for row in data["suppliers"]} == {None}
    assert any(row["on_time_share"] is not None for row in data["suppliers"])


def test_with_a_plan_it_speaks_of_money_first(planned):
    out = run(planned, "--top", "3")
    assert "is held only because lead times vary" in out
    assert "By what their variability costs, 3 of" in out
    assert out.index("held only because") < out.index("open order lines worth") < out.index("made")
    data = json.loads(run(planned, "--json", "--top", "1000"))
    costs = [row["buffer_lead_time_value"] for row in data["suppliers"] if row["rank"]]
    assert costs == sorted(costs, reverse=True)
    assert len(data["suppliers"]) == data["n_suppliers"]
    at_risk = [round(row["expected_shortage_value"] or 0, 2) for row in data["orders"]]
    assert at_risk == sorted(at_risk, reverse=True)
    assert {row["action"] for row in data["orders"]} <= {"leave", "chase", "expedite", "confirm"}


def test_buffers_add_up_to_those_of_the_plan(planned):
    with Workspace.open(planned) as workspace:
        policy, points = (workspace.result(name) for name in ("policy", "planning_point"))
    both = policy.join(points, on=["item_id", "location_id"])
    whole = both.select((pl.col("buffer_lead_time_qty") * pl.col("unit_cost_eff")).sum()).item()
    for by in ("supplier", "lane"):
        data = json.loads(run(planned, "--by", by, "--json", "--top", "9999"))
        assert sum(row["buffer_lead_time_value"] or 0 for row in data["suppliers"]) == pytest.approx(whole)


def test_by_lane_and_orders_only(planned):
    assert " to DC1" in run(planned, "--by", "lane")
    out = run(planned, "--orders", "--top", "2")
    assert "Open orders, riskiest first, 2 of" in out
    assert "variability" not in out


def test_a_narrow_terminal_keeps_the_names(planned):
    done = CliRunner(env={"COLUMNS": "80"}).invoke(APP, [str(planned)])
    name = json.loads(run(planned, "--json", "--top", "1"))["suppliers"][0]["from_location_id"]
    assert f"\n{name}" in done.stdout


def test_what_cannot_be_shown_is_refused_with_the_reason(planned, tmp_path):
    with pytest.raises(SettingError, match="Suppliers cannot be listed by 'suplier'") as error:
        run(planned, "--by", "suplier")
    assert error.value.remedy == "Did you mean 'supplier'?"
    with Workspace.create(tmp_path / "empty"):
        pass
    with pytest.raises(InputError, match="holds no data yet"):
        run(tmp_path / "empty")
