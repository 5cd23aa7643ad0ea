"""The page on key figures runs as it is printed, and its settings and figures exist."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plimsoll.cli.app import app
from plimsoll.domain.kpis import BY, KPIS
from plimsoll.measure.kpi_params import KpiParams

PAGE = (Path(__file__).parents[2] / "docs" / "tasks" / "read-the-kpis.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^plimsoll (kpi .+)$", PAGE, re.MULTILINE)


def test_commands_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner()
    assert run.invoke(app, ["demo", "demo-company", "--items", "50"]).exit_code == 0
    assert len(COMMANDS) == 5
    for words in COMMANDS:
        done = run.invoke(app, shlex.split(words))
        assert done.exit_code == 0, done.output
        assert "Fill rate" in done.output or "fill rate" in done.output


def test_settings_of_the_page_are_read():
    (block,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    targets = tomllib.loads(block)["kpi"]["targets"]
    assert KpiParams.read({"targets": targets}, "kpi").targets == targets
    for name in ("carry_days", "volatile_lead_cv", "policy_change_share"):
        assert f"`{name}`" in PAGE
        assert name in KpiParams.model_fields


@pytest.mark.parametrize("by", BY)
def test_every_split_is_named(by):
    assert re.search(rf"`--by` takes.*\b{by}\b", PAGE, re.DOTALL)


def test_what_is_needed_is_told_of_every_figure_that_needs_data():
    needed = PAGE.split("## What it needs")[1].split("##")[0].lower()
    told = {
        "inventory_value": "inventory value", "turns": "turns", "days_of_inventory": "days of inventory",
        "carrying_cost": "carrying cost", "fill_rate": "fill rate", "line_fill_rate": "lines",
        "otif": "on time in full", "perfect_order_rate": "perfect orders",
        "expedite_spend": "expedite spend", "expedite_share": "share of sales",
        "stockout_frequency": "stock-outs", "excess_obsolete_share": "excess and obsolete",
        "capital_at_risk": "capital at risk", "safety_cover_days": "safety stock cover",
        "policy_changes": "policy changes", "override_rate": "overrides",
        "calibration_gap": "achieved less promised",
    }  # fmt: skip
    assert [name for name, words in told.items() if words not in needed] == []
    rest = set(KPIS) - set(told)
    assert rest == {"wape", "mape", "bias", "pinball", "mase", "service_per_million", "time_to_replan"}
