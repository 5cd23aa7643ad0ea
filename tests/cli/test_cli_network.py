"""The command that shows, proves and places the network, on the small demo company and on bad input."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from plimsoll.cli.network import network
from plimsoll.domain.errors import InputError, SettingError, WorkspaceError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.tables import table
from plimsoll.network.world_run import WorldRun
from plimsoll.present.explanation import explained
from plimsoll.present.files import write_report
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.network import KIND, load_network, review_network
from plimsoll.workflows.network_placement import place_network
from plimsoll.workflows.network_proof import prove_network
from plimsoll.workflows.plan import make_plan
from plimsoll.workflows.review import explain_point, load_plan
from plimsoll.workflows.workspace import init_workspace

AT = datetime(2026, 11, 21, tzinfo=UTC)
FEW = WorldRun(days=182, warm_up=56, replications=3)
PAGE = Path(__file__).parents[2] / "docs" / "tasks" / "size-the-network.md"
app = typer.Typer()
app.command()(network)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("network") / "demo"
    build_demo(folder, n_items=60, seed=3, at=AT)
    with (folder / "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n')
    make_plan(folder, at=AT)
    return folder


def _told(workspace, *words, columns="100"):
    told = CliRunner().invoke(app, [str(workspace), *words], env={"COLUMNS": columns})
    assert told.exit_code == 0, told.exception
    return told


def _data(workspace, *words):
    return json.loads(_told(workspace, *words, "--json").stdout)


@pytest.fixture(scope="module")
def item(workspace):
    """An item whose plant, DC and branch are sized together."""
    service = review_network(workspace)["network_service"]
    return service.filter(pl.col("depth") == 2)["item_id"][0]


def test_the_network_of_the_plan(workspace):
    told = _told(workspace).output
    for words in (
        "One network, plan plan-000001", "sized together", "Expected stock by kind of place", "Plants", "DCs",
        "Largest changes, alone → network", "Where places are short today", "Moves of today", "--check",
    ):  # fmt: skip
        assert words in told, words
    data = _data(workspace)
    service = review_network(workspace)["network_service"]
    assert data["sized_together"] == service.height > 50
    assert data["network_value"] == pytest.approx(service["on_hand_network_value"].sum())
    assert {row["kind"] for row in data["by_kind"]} == {"plant", "dc", "branch"}
    assert len(data["largest_changes"]) == 5


def test_one_item_as_a_tree(workspace, item):
    told = _told(workspace, "--item", item).output
    assert told.startswith(item)
    assert "PL1, plant" in told
    assert re.search(r"[├└]─ DC\d, DC", told)
    assert re.search(r"[├└]─ BR\d\d, branch", told)
    assert re.search(r"promises [\d.]+ % from stock", told)
    assert max(map(len, told.splitlines())) <= 100
    lines = _data(workspace, "--item", item)["lines"]
    assert {row["part"] for row in lines} >= {"item"}
    assert [row["level"] for row in lines if row["part"] == "item"][:3] == [0, 1, 2]


def test_an_unknown_item_is_answered_with_the_nearest(workspace, item):
    with pytest.raises(InputError, match=f"no stocking point of item '{item[:-1]}'") as told:
        CliRunner().invoke(app, [str(workspace), "--item", item[:-1]], catch_exceptions=False)
    assert "Did you mean" in told.value.remedy


def test_the_proof_is_kept_reproduced_and_shown(workspace, tmp_path):
    folder = shutil.copytree(workspace, tmp_path / "demo")
    checked = prove_network(folder, check=True, at=AT, run=FEW)
    assert checked["network_comparison"].is_empty()
    ending = load_plan(folder)["last_time_buy"]["item_id"].unique().implode()
    lasting = checked["network_service"].filter(~pl.col("item_id").is_in(ending))
    assert (
        checked["network_check"]
        .select("item_id", "location_id")
        .equals(lasting.select("item_id", "location_id"))
    )
    assert lasting.height < checked["network_service"].height, "the demo company has items that end"
    both = prove_network(folder, check=False, compare=True, at=AT, run=FEW)
    assert both["network_check"].equals(checked["network_check"]), "what was found before is kept"
    with Workspace.open(folder) as opened:
        run = opened.latest_run(KIND)
        assert (run.id, run.manifest["parameters"]["asked"]) == (both.proof_id, ["check", "compare"])
        for name in run.tables:
            assert opened.result(name, run.id).schema == table(name).schema
    # Another proof in between, then all of it anew: the store refuses results that are not the same.
    other = prove_network(folder, at=AT, run=WorldRun(days=91, warm_up=28, replications=2))
    assert other.proof_id != both.proof_id
    assert prove_network(folder, check=True, compare=True, at=AT, run=FEW).proof_id == both.proof_id
    told = _told(folder).output
    assert "Promised, and what came in the simulation" in told
    assert "Each place alone and one network, simulated" in told
    assert "--check" not in told
    assert _data(folder)["comparison"][0]["echelon"] == "all"


def test_places_alone_are_compared_with_the_targets_before_the_network(workspace, tmp_path):
    folder = shutil.copytree(workspace, tmp_path / "demo")
    result = prove_network(folder, check=False, compare=True, at=AT, run=FEW)
    whole = result["network_comparison"].filter(echelon="all").row(0, named=True)
    parts = result["network_comparison"].filter(pl.col("echelon") != "all")
    for name in ("on_hand_alone_value", "on_hand_network_value", "difference_value"):
        assert parts[name].sum() == pytest.approx(whole[name])
    assert whole["fill_alone_sim"] == pytest.approx(whole["fill_network_sim"], abs=0.005)
    plants = parts.filter(echelon="plant")
    assert plants["on_hand_network_value"].sum() < 0.7 * plants["on_hand_alone_value"].sum()


def test_a_proof_of_another_plan_does_not_count(workspace, tmp_path):
    folder = shutil.copytree(workspace, tmp_path / "demo")
    prove_network(folder, at=AT, run=FEW)
    make_plan(folder, at=AT, seed=5)
    assert review_network(folder).proof_id == ""
    assert review_network(folder)["network_check"].is_empty()


def test_where_to_decouple(workspace, item):
    told = _told(workspace, "--placement", "--service", "0.9").output
    for words in ("Where to decouple", "at 90.0 %", "Proved best", "By kind of place"):
        assert words in told, words
    normal = _data(workspace, "--placement", "--bound", "normal")
    assert normal["proven"] == normal["networks"] > 10
    assert normal["bound_per_year"] == pytest.approx(normal["cost_per_year"])
    assert normal["cost_per_year"] <= normal["each_holds_per_year"] + 1e-6
    assert normal["cost_per_year"] <= normal["customers_hold_per_year"] + 1e-6
    assert sum(row["cost_per_year"] for row in normal["network_placement"]) == pytest.approx(
        normal["cost_per_year"]
    )
    drawn = _told(workspace, "--placement", "--item", item).output
    assert re.search(r"waits [\d.]+ days? at most, quotes", drawn)


def test_equal_placements_are_one_run(workspace):
    first, second = (place_network(workspace, at=AT) for _ in range(2))
    assert first.run_id == second.run_id
    assert first.table.equals(second.table)


def test_what_does_not_go_together_is_refused(workspace):
    with pytest.raises(SettingError, match="neither --check nor --compare"):
        CliRunner().invoke(app, [str(workspace), "--placement", "--check"], catch_exceptions=False)
    with pytest.raises(SettingError, match="no demand bound 'norml'") as told:
        CliRunner().invoke(app, [str(workspace), "--placement", "--bound", "norml"], catch_exceptions=False)
    assert "Did you mean 'normal'" in told.value.remedy


def test_without_a_plan_or_a_network_the_command_says_what_to_do(workspace, tmp_path):
    init_workspace(tmp_path / "empty")
    with pytest.raises(WorkspaceError, match="has no plan yet") as told:
        review_network(tmp_path / "empty")
    assert "plimsoll plan" in told.value.remedy
    folder = shutil.copytree(workspace, tmp_path / "apart")
    with Workspace.open(folder) as opened:
        run = opened.latest_run("plan")
        tables = {name: opened.result(name, run.id) for name in run.tables}
        tables["network_arc"] = tables["network_arc"].filter(kind="outside")
        given = {name: run.manifest[name] for name in ("parameters", "inputs", "libraries")}
        manifest = Manifest("plan", run.version, run.as_of, run.seed + 1, **given)
        opened.publish_run("plan", tables, manifest, at=AT)
    with pytest.raises(InputError, match="no place of yours replenishes another") as told:
        review_network(folder)
    assert "from_location_id is a place of yours" in told.value.remedy
    assert load_network(folder) is None


def test_the_report_has_the_chapter_and_the_explanation_a_sentence(workspace, item, tmp_path):
    plan, connected = load_plan(workspace), review_network(workspace)
    page, _ = write_report(plan, tmp_path, network=connected)
    text = page.read_text(encoding="utf-8")
    assert 'href="#network"' in text
    assert "One network: what do connected places hold together?" in text
    assert '"network-stock": {' in text
    assert "--check" in text
    bare, _ = write_report(plan, tmp_path / "bare")
    assert 'id="network"' not in bare.read_text(encoding="utf-8")
    said = explained(explain_point(workspace, item, "PL1"))["How much buffer, and why?"]
    assert any(sentence.startswith("In the network it feeds") for sentence in said)


def test_the_page_names_what_is_printed(workspace):
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    told = _told(workspace).output
    for words in ("Expected stock by kind of place", "What was decided", "Where places are short today"):
        assert f"**{words}**" in page
        assert words in told
    for words in ("Alone: ", "Own targets: "):
        assert words in told
        assert f"*{words.removesuffix(': ')}*:" in page
