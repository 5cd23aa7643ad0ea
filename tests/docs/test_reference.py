"""Reference pages are what the generator makes, and the generator leaves nothing out."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from plimsoll.audit import all_checks
from plimsoll.demand.messages import REFUSED
from plimsoll.domain.reasons import REASONS
from plimsoll.domain.tables import table, table_names
from plimsoll.ingest.messages import finding_codes, quarantine_reasons
from plimsoll.ingest.repairs import WORDS as REPAIR_WORDS
from plimsoll.supply.observations import UNUSABLE
from plimsoll.workflows.settings import read_settings, sections

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(generator):
    return generator.pages()


def test_committed_pages_are_up_to_date(made):
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert set(committed) == set(made)
    stale = [name for name in made if committed[name] != made[name]]
    assert stale == [], "run `make docs`"


def test_every_table_and_column_is_described(generator, made):
    assert set(generator.ROWS) == set(table_names())
    for name in table_names():
        part = made["tables.md"].split(f"### {name}\n")[1].split("###")[0]
        for column in table(name).columns:
            assert re.search(
                rf"^\| `{column.name}` \|.*\| {re.escape(column.description)} \|$", part, re.MULTILINE
            )


def test_every_setting_is_described(made):
    for name, section in sections().items():
        assert f"## [{name}]\n" in made["settings.md"]
        for key, field in section.model_fields.items():
            assert field.description, f"[{name}] {key}"
            assert f"| `{key}` |" in made["settings.md"] or f"## [{name}.{key}]\n" in made["settings.md"]


def test_settings_example_is_usable(generator, made):
    import tomllib

    example = made["settings.md"].split("```toml\n")[1].split("```")[0]
    assert read_settings(tomllib.loads(example)).targets.kind == "fill"


def findings_in_code():
    """Codes of all findings written out in the code, whatever registry they are in."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "src").rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id in ("Finding", "Message"):
            given = [word.value for word in call.keywords if word.arg == "code"] + call.args[:1]
            yield from (value.value for value in given if isinstance(value, ast.Constant))


def test_every_finding_is_described(made):
    own = {code for code in finding_codes() if not code.startswith("quarantine_")}
    checks = {check.code for check in all_checks()}
    refused = {message.code for message in REFUSED}
    expected = own | checks | refused | set(UNUSABLE) | set(REPAIR_WORDS) | set(findings_in_code())
    assert set(re.findall(r"^### (\S+)$", made["findings.md"], re.MULTILINE)) == expected
    assert {"open_order_overdue", "ignored_files"} <= expected


def test_every_reason_is_described(made):
    for code in quarantine_reasons():
        assert f"| `{code}` |" in made["findings.md"]
    for code in REASONS:
        assert f"| `{code}` |" in made["reasons.md"]


def every_command(group, before=""):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from every_command(command, f"{before}{name} ")
        elif not command.hidden:
            yield before + name, command


def test_every_command_and_option_is_described(made):
    import typer

    from plimsoll.cli.app import app

    for name, command in every_command(typer.main.get_command(app)):
        assert command.help
        part = made["commands.md"].split(f"## {name}\n")[1].split("\n## ")[0]
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"
            option = parameter.param_type_name == "option"
            shown = parameter.opts[0] if option else parameter.metavar or parameter.name.upper()
            assert f"| `{shown}" in part


@pytest.mark.parametrize("name", ["tables", "settings", "commands", "findings", "reasons"])
def test_pages_have_no_empty_cells_for_meaning(made, name):
    lines = [line for line in made[f"{name}.md"].splitlines() if line.startswith("|")]
    assert lines
    if name != "reasons":
        assert [line for line in lines if line.endswith("|  |")] == []
