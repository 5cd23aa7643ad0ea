"""The page on proving it runs as it is printed, and explains what a replay shows."""

import re
import sys
from pathlib import Path

import pytest

from plimsoll.cli import app as cli
from plimsoll.present.replay import NAMES
from plimsoll.replay.params import ReplayParams

PAGE = (Path(__file__).parents[2] / "docs" / "tasks" / "prove-it-on-your-history.md").read_text(
    encoding="utf-8"
)
COMMANDS = re.findall(r"^plimsoll (replay .+)$", PAGE, re.MULTILINE)
RULES = re.search(r"^```python rules.py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run command lines on a small demo company, each to its end; returns what they print."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("proof"))

        def call(words, capsys):
            patch.setattr(sys, "argv", ["plimsoll", *words.split()])
            with pytest.raises(SystemExit) as left:
                cli.main()
            out, err = capsys.readouterr()
            assert (left.value.code or 0) == 0, err
            return out

        Path("rules.py").write_text(RULES[1], encoding="utf-8")
        yield call


def test_commands_of_the_page_run(run, capsys):
    run("demo demo-company --items 50", capsys)
    with Path("demo-company", "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n')
    for words in COMMANDS:
        out = run(words.replace("--every 4", "--every 20"), capsys)  # as well, and sooner
        assert "What you did" in out or "replay_figure" in out
    assert "Plimsoll, same service" in run(COMMANDS[0], capsys)
    run("plan demo-company", capsys)
    run("report demo-company", capsys)
    (page,) = Path("demo-company", "reports").glob("*.html")
    assert 'id="proof"' in page.read_text(encoding="utf-8")


def test_every_column_is_explained():
    for rule in ("recorded", "current", "same_service", "same_stock"):
        assert f"| {NAMES[rule]} |" in PAGE
    assert "| Plimsoll, its own targets |" in PAGE


def test_options_named_exist():
    named = re.findall(r"`(\w+) = [^`]+` under `\[replay\]`", PAGE)
    assert named == ["goal_metric"]
    assert set(named) <= set(ReplayParams.model_fields)
