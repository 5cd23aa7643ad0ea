"""The page on service targets runs as it is printed, and explains what is shown."""

import re
import sys
from pathlib import Path

import pytest

from plimsoll.cli import app as cli
from plimsoll.present.economics import groupings
from plimsoll.present.labels import LABELS
from plimsoll.targets import Floors
from plimsoll.targets.params import TargetParams

PAGE = (Path(__file__).parents[2] / "docs" / "tasks" / "choose-service-targets.md").read_text(
    encoding="utf-8"
)
COMMANDS = re.findall(r"^plimsoll (targets .+)$", PAGE, re.MULTILINE)


def test_commands_of_the_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["plimsoll", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        assert (left.value.code or 0) == 0, err
        return out

    call("demo", "demo-company", "--items", "50")
    with Path("demo-company", "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n')
    call("plan", "demo-company")
    assert len(COMMANDS) == 4
    for line in COMMANDS:
        words = re.findall(r'"[^"]+"|\S+', line)
        out = call(*(word.strip('"') for word in words))
        assert "The curve in USD" in out
    assert "The next plan aims at it." in out


def test_every_curve_metric_and_segment_is_explained():
    for words in LABELS["curve"].values():
        assert f"| {words} |" in PAGE
    for name in [*groupings(), "units", "lines", "value", "margin"]:
        assert f"`{name}`" in PAGE


def test_options_named_exist():
    assert set(re.findall(r"--floor (\w+)=", PAGE)) <= set(Floors.model_fields)
    assert "[targets.floors]" in PAGE
    assert "floors" in TargetParams.model_fields
