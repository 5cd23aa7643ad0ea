"""The page on repairs: every command on it parses as the program reads it, and every rule on it is sound."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from plimsoll.cli.repair import repair_app
from plimsoll.domain.repairs import KINDS, stated

PAGE = (Path(__file__).parents[2] / "docs" / "tasks" / "repair-your-data.md").read_text(encoding="utf-8")
LINES = [line for line in PAGE.splitlines() if line.startswith("plimsoll repair ")]
GROUP = typer.main.get_command(repair_app)


def parsed(line):
    _, _, _, name, *words = shlex.split(line)
    return name, GROUP.commands[name].make_context(name, words).params  # raises for what it does not know


@pytest.mark.parametrize("line", LINES)
def test_commands_parse(line):
    name, given = parsed(line)
    if name == "add":
        stated(given)


def test_every_command_and_kind_is_shown():
    assert {parsed(line)[0] for line in LINES} == set(GROUP.commands)
    assert {parsed(line)[1]["kind"] for line in LINES if parsed(line)[0] == "add"} == set(KINDS)
    assert re.findall(r"^\| (\w+) \|", PAGE, re.MULTILINE)[1:] == list(KINDS)
