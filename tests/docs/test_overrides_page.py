"""The page on overrides: every command on it parses, every value on it may be set, every field is told."""

import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from plimsoll.cli.override import _stated, override_app
from plimsoll.domain.decisions import REASONS
from plimsoll.domain.overrides import FIELDS, checked

PAGE = (Path(__file__).parents[2] / "docs" / "tasks" / "overrule-a-value.md").read_text(encoding="utf-8")
LINES = [line for line in PAGE.splitlines() if line.startswith("plimsoll override ")]
GROUP = typer.main.get_command(override_app)
AT = datetime(2026, 5, 4, tzinfo=UTC)


def parsed(line):
    _, _, _, name, *words = shlex.split(line)
    return name, GROUP.commands[name].make_context(name, words).params  # raises for what it does not know


@pytest.mark.parametrize("line", LINES)
def test_commands_parse_and_their_values_are_sound(line):
    name, given = parsed(line)
    if name in ("set", "try"):
        stated = _stated({"reason": "cash"} | given)
        assert checked(replace(stated, author="AM"), at=AT).field == given["field"]


def test_every_command_kind_field_and_reason_is_shown():
    assert {parsed(line)[0] for line in LINES} == set(GROUP.commands)
    rows = re.findall(r"^\| (\w+) \| ([\w, ]+) \|", PAGE, re.MULTILINE)[1:]
    told = {(kind, field) for kind, fields in rows for field in fields.split(", ")}
    assert told == {(kind, field) for kind, fields in FIELDS.items() for field in fields}
    assert set(re.findall(r"`(\w+)`", PAGE)) >= set(REASONS)
