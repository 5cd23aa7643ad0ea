"""The command that checks forecasts, on the small demo company and on bad input."""

import json
from datetime import UTC, datetime

import pytest
import typer
from typer.testing import CliRunner

from plimsoll.cli.accuracy import accuracy
from plimsoll.domain.errors import InputError, SettingError
from plimsoll.workflows.accuracy import check_forecasts
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.workspace import init_workspace

AT = datetime(2026, 11, 21, tzinfo=UTC)
app = typer.Typer()
app.command()(accuracy)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signals") / "demo"
    build_demo(folder, n_items=80, seed=3, at=AT)
    quick = '[signals]\norigins = 2\n[demand]\nlearned = "off"\n'
    (folder / "plimsoll.toml").write_text(quick, encoding="utf-8")
    return folder


@pytest.mark.parametrize("by", ["category", "segment"])
def test_words(workspace, by):
    told = CliRunner().invoke(app, [str(workspace), "--by", by, "--top", "3"], env={"COLUMNS": "160"})
    assert told.exit_code == 0, told.output
    for word in ("Forecasts made again on", f"By {by}, most error first, 3 of", "WAPE", "MASE"):
        assert word in told.output
    for word in ("Promised, and what came", "How far to trust a promise"):
        assert word in told.output


def test_json(workspace):
    told = CliRunner().invoke(app, [str(workspace), "--json"])
    data = json.loads(told.stdout)
    assert data["by"] == "category"
    assert len(data["origins"]) == 2
    assert {row["level"] for row in data["accuracy"]} == {"all", "category"}
    assert {row["group"] for row in data["calibration"]} >= {"all", "class", "evidence", "interval", "method"}
    assert data["plan_id"] is None
    assert set(data["trust"]) <= set("ABCD-")


def test_unknown_level_is_answered(workspace):
    with pytest.raises(SettingError, match="cannot be grouped by 'categry'") as told:
        check_forecasts(workspace, "categry", at=AT)
    assert "category" in told.value.remedy


def test_nothing_to_forecast_again(workspace, tmp_path):
    with pytest.raises(InputError, match="too short"):
        check_forecasts(workspace, at=AT, as_of=datetime(2024, 12, 31, tzinfo=UTC).date())
    empty = init_workspace(tmp_path / "empty")
    with pytest.raises(InputError, match="holds no data"):
        check_forecasts(empty, at=AT)
