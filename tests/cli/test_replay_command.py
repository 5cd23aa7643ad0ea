"""The command that replays the past, on the small demo company, with a user's function and on bad input."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from plimsoll.cli.replay import replay
from plimsoll.domain.errors import InputError, SettingError
from plimsoll.domain.tables import table
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.replay import KIND, load_replay, replay_workspace
from plimsoll.workflows.workspace import init_workspace

AT = datetime(2026, 11, 21, tzinfo=UTC)
app = typer.Typer()
app.command()(replay)
MINE = """
import polars as pl

KEY = ["item_id", "location_id"]

def month(frame):
    rate = pl.col("history").list.sum() / 365
    return frame.select(*KEY, reorder_point=rate.fill_null(0) * 30, order_up_to=rate.fill_null(0) * 60 + 1)

def moody(frame):
    if any(item.endswith("7") for item in frame["item_id"]):
        raise ValueError("no item that ends in 7")
    return frame.select(*KEY, quantity=pl.lit(1.0))
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replay") / "demo"
    build_demo(folder, n_items=60, seed=3, at=AT)
    with (folder / "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n[replay]\nresamples = 200\n')
    return folder


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    path = tmp_path_factory.mktemp("rules") / "mine.py"
    path.write_text(MINE, encoding="utf-8")
    return path


def _told(workspace, *words, columns="160"):
    told = CliRunner().invoke(app, [str(workspace), *words], env={"COLUMNS": columns})
    assert told.exit_code == 0, told.output
    return told


def test_words(workspace):
    told = _told(workspace, "--periods", "20", "--every", "20")
    for word in (
        "What you did, and what would have been", "At the service that your min and max gave", "your records",
        "Plimsoll, same service", "Plimsoll, same stock", "Promised, and what came",
        "Where the difference in stock comes", "The rules of the replay", "chosen afterwards",
    ):  # fmt: skip
        assert word in told.output, word


def test_json_and_the_published_run(workspace):
    told = _told(workspace, "--periods", "20", "--every", "20", "--json")
    data = json.loads(told.stdout)
    assert data["rules"] == ["ours", "current"]
    assert {row["figure"] for row in data["replay_figure"]} >= {"inventory_value", "fill_rate", "turns"}
    assert (data["after"], data["before"], data["every"]) == ("same_service", "current", 20)
    assert {row["rule"] for row in data["replay_period"]} == {"ours", "current", "same_service", "same_stock"}
    matches = {row["match"]: row for row in data["replay_match"]}
    value = {(row["figure"], row["rule"]): row["value"] for row in data["replay_figure"]}
    assert value["fill_rate", "same_service"] == pytest.approx(value["fill_rate", "current"])
    assert value["inventory_value", "same_stock"] == pytest.approx(value["inventory_value", "current"])
    assert matches["same_service"]["after"] == pytest.approx(value["inventory_value", "same_service"])
    assert matches["same_stock"]["after"] == pytest.approx(value["fill_rate", "same_stock"])
    spent = [value["expedite_spend", rule] for rule in ("ours", "current")]
    assert min(spent) > 0, "the demo company knows what speed costs"
    with Workspace.open(workspace) as opened:
        run = opened.latest_run(KIND)
        assert run.id == data["run_id"]
        for name in run.tables:
            assert opened.result(name, run.id).schema == table(name).schema
    loaded = load_replay(workspace)
    assert (loaded.run_id, loaded.rules, loaded.after) == (
        data["run_id"],
        ("ours", "current"),
        "same_service",
    )
    assert loaded.currency == "USD"
    assert data["n_points"] + data["left_out"] > 150


def test_equal_replays_are_one_run(workspace):
    params = {"periods": 20, "every": 20}
    first, second = (replay_workspace(workspace, ["static"], params, at=AT) for _ in range(2))
    assert first.run_id == second.run_id


def test_a_function_of_the_users_own(workspace, mine):
    told = _told(workspace, "--periods", "20", "--rule", f"{mine}:month", "--rule", "static", "--json")
    data = json.loads(told.stdout)
    assert data["rules"] == ["month", "static"]
    value = {row["rule"]: row["value"] for row in data["replay_figure"] if row["figure"] == "fill_rate"}
    assert 0.3 < value["month"] < 1.0


def test_what_stops_a_function_is_left_out_for_all_rules(workspace, mine):
    params = {"periods": 20, "every": 10}
    result = replay_workspace(workspace, [f"{mine}:moody", "static"], params, at=AT)
    failed = result["replay_left_out"].filter(reason="rule_failed")
    said = result["finding"].filter(code="replay_rule_failed").row(0, named=True)
    assert failed.height >= 1
    assert said["n_rows"] == failed.height
    assert "ValueError: no item that ends in 7." in said["what"]
    keys = ["item_id", "location_id"]
    assert result["ledger"].join(failed, on=keys, how="semi").is_empty()
    assert result["ledger"].group_by("rule").len()["len"].n_unique() == 1


@pytest.mark.parametrize(
    ("rule", "what", "remedy"),
    [
        ("curent", "There is no rule 'curent'", "Did you mean 'current'"),
        ("nowhere.py:rule", "There is no Python file 'nowhere.py'", "FILE.py:FUNCTION"),
        ("{mine}:mont", "has no function 'mont'", "Did you mean 'month'"),
    ],
)
def test_unknown_rules_are_answered(workspace, mine, rule, what, remedy):
    with pytest.raises(SettingError, match=what) as told:
        replay_workspace(workspace, [rule.format(mine=mine)], at=AT)
    assert remedy in told.value.remedy


def test_a_file_that_does_not_run_is_answered(workspace, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("1 / 0", encoding="utf-8")
    with pytest.raises(SettingError, match="cannot be loaded: ZeroDivisionError"):
        replay_workspace(workspace, [f"{path}:rule"], at=AT)


def test_options_out_of_range_and_rules_named_twice(workspace):
    with pytest.raises(SettingError, match="lead_times = 'guessed'"):
        replay_workspace(workspace, ["static"], {"lead_times": "guessed"}, at=AT)
    with pytest.raises(SettingError, match="named twice"):
        replay_workspace(workspace, ["static", "static"], at=AT)


def test_settings_are_the_options_that_are_not_given(workspace):
    result = replay_workspace(workspace, ["static"], {"periods": 20}, at=AT)
    assert (result.periods, result.every) == (20, 13)
    with Workspace.open(workspace) as opened:
        assert opened.run(result.run_id).manifest["parameters"]["replay"]["resamples"] == 200


def test_too_short_a_history_and_no_data_at_all(workspace, tmp_path):
    with pytest.raises(InputError, match="too few to replay 100 of them"):
        replay_workspace(workspace, [], {"periods": 100}, at=AT)
    init_workspace(tmp_path / "empty")
    with pytest.raises(InputError, match="holds no data yet"):
        replay_workspace(tmp_path / "empty", at=AT)


def test_the_ledger_conserves_units(workspace):
    result = replay_workspace(workspace, ["static"], {"periods": 20, "every": 20, "warm_up": 0}, at=AT)
    closing = pl.col("opening_qty") + pl.col("received_qty") - pl.col("served_qty") - pl.col("paid_back_qty")
    gap = result["ledger"].select((closing - pl.col("closing_qty")).abs().max()).item()
    assert gap < 1e-6
