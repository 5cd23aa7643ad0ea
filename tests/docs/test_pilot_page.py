"""The page on pilots runs as it is printed, and names settings and thresholds as they are."""

import re
import sys
from pathlib import Path

import pytest

from plimsoll.cli import app as cli
from plimsoll.domain.pilots import PHASES
from plimsoll.pilot import CHOICES, PilotParams

PAGE = (Path(__file__).parents[2] / "docs" / "tasks" / "run-a-pilot.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^plimsoll (.+)$", PAGE, re.MULTILINE)


def test_commands_of_the_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(words):
        monkeypatch.setattr(sys, "argv", ["plimsoll", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        assert (left.value.code or 0) == 0, err
        return out

    run(["demo", "demo-company", "--items", "120"])
    with Path("demo-company", "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n[pilot]\nresamples = 200\n')
    assert len(COMMANDS) == 7
    told = [run([word.strip('"') for word in re.findall(r'"[^"]+"|\S+', words)]) for words in COMMANDS]
    assert "20 items in the fence" in told[1]
    assert "Running" in told[3]
    assert Path("demo-company", "reports", "pilot-P1.html").exists()
    assert "only a trial" in told[6]


def test_figures_on_the_page_are_those_of_the_settings():
    params = PilotParams()
    for name in PHASES:
        assert f"| {name} | {getattr(params, f'{name}_weeks')} |" in PAGE
        assert f"`{name}_weeks`" in PAGE
    assert f"the {params.baseline_weeks} weeks before" in PAGE
    assert f"up to {params.balance_goal:g} counts as alike. Above {params.balance_limit:g}" in PAGE
    assert f"with {params.power:.0%} chance".replace("%", " %") in PAGE
    assert f"by more than {100 * params.guard_margin:g} point beyond" in PAGE
    assert f"in {100 * params.guard_false_alarm:g} of 100" in PAGE
    assert f"more than {100 * params.override_limit:g} % of the recommendations" in PAGE
    assert f"not worse by {100 * params.service_margin:g} points" in PAGE
    assert f"a fall of inventory by {100 * params.least_fall:g} %" in PAGE
    assert all(f"`--choice {name}`" in PAGE for name in CHOICES if name != "named")
