"""What the manual shows is what the program does, and every figure of the program is explained."""

import ast
import json
import re
import shlex
import sys
import tomllib
from pathlib import Path

import fastexcel
import pytest

from plimsoll import ingest
from plimsoll.cli import app as cli
from plimsoll.present.labels import LABELS
from plimsoll.present.terminal import FIGURES
from plimsoll.workflows.settings import read_settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
IMPORT = (DOCS / "tasks" / "import-your-data.md").read_text(encoding="utf-8")
READ = (DOCS / "tasks" / "read-the-plan.md").read_text(encoding="utf-8")
DAY = (DOCS / "day-in-the-life" / "planner.md").read_text(encoding="utf-8")
APPROVED = ROOT / "tests" / "behaviours" / "test_small_company.py"


def blocks(text, language):
    """Return the code blocks of a language: {name or number: content}."""
    found = re.findall(r"^```(\w*) *([\w.]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    mine = [(name, body) for kind, name, body in found if kind == language]
    return {name or number: body for number, (name, body) in enumerate(mine)}


def command_lines(text):
    lines = [shlex.split(line) for block in blocks(text, "").values() for line in block.splitlines()]
    return [words[1:] for words in lines if words[0] == "plimsoll"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run command lines in an empty folder, each to its end; returns what they print."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["plimsoll", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capsys.readouterr()
        errors_found = 1 if words[0] == "audit" else 0  # the demo's bills of material have some
        assert (left.value.code or 0) == errors_found, err
        return out

    return call


@pytest.mark.parametrize("text", blocks(IMPORT, "toml").values())
def test_mappings_are_usable(text):
    mapping = ingest.Mapping.from_text(text)
    assert ingest.Mapping.from_text(ingest.mapping_text(mapping)) == mapping


def test_settings_are_usable():
    text = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    for block in blocks(text, "toml").values():
        assert read_settings(tomllib.loads(block)) != read_settings({})


def test_the_example_of_an_import_works(run, capsys):
    init, first, again, *_ = command_lines(IMPORT)
    source = Path(first[2])
    source.mkdir(parents=True)
    for name, body in blocks(IMPORT, "csv").items():
        (source / name).write_text(body, encoding="utf-8")
    run(*init)
    assert "Not used from 'materials': Crit" in run(*first)
    corrected = blocks(IMPORT, "toml")[0]
    Path(again[-1]).write_text(corrected, encoding="utf-8")
    out = run(*again)
    assert re.search(r"^demand +6 +1 *$", out, re.MULTILINE)
    assert "2026-10-25, in force" in " ".join(out.split())
    assert "already in force" in " ".join(run(*again).split())
    assert "already in force" in " ".join(run(*first).split())  # the saved mapping is used
    exec(blocks(IMPORT, "python")[0], {})  # noqa: S102
    assert "not_a_number" in capsys.readouterr().out
    run("plan", "acme")


def test_a_planners_day_runs_and_every_figure_is_explained(run):
    shown = {"300": "60"}  # fewer items, the same commands
    for words in command_lines(DAY):
        out = run(*(shown.get(word, word) for word in words))
        if words[0] == "recommend":
            (first,) = json.loads(run("recommend", words[1], "--top", "1", "--json"))["recommendations"]
            shown |= {"ITEM": first["item_id"], "LOCATION": first["to_location_id"]}
        if words[0] == "explain":
            assert out.count("?\n") >= 5  # the four questions, what to do today, and what else is known
    (page,), (book,) = (list(Path("demo-company", "reports").glob(f"*.{end}")) for end in ("html", "xlsx"))
    titles = re.findall(r"<h2>([^<]+)</h2>", page.read_text(encoding="utf-8"))
    assert set(re.findall(r"\w[^?]+\?", " ".join(first_cells("The report")))) == set(titles)
    sheets = fastexcel.read_excel(str(book)).sheet_names
    assert [name for name in first_cells("The workbook") if name in sheets] == sheets
    assert first_cells("Today and the plan") == list(LABELS["figure"].values())
    for word in (*LABELS["stock"].values(), *FIGURES.values()):
        assert word.lower() in READ.lower(), word


def first_cells(title):
    """Return the first column of the table in a section of the page on reading a plan."""
    lines = READ.split(f"## {title}\n")[1].split("\n## ")[0].splitlines()
    return [line.split(" | ")[0].strip("| ") for line in lines if line.startswith("| ")][2:]


def test_sentences_are_those_of_the_approved_plan():
    tree = ast.parse(APPROVED.read_text(encoding="utf-8"))
    named = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    approved = set(ast.literal_eval(named["SENTENCES"]).values())
    quotes = re.findall(r"(?:^> .*\n)+", READ + DAY, re.MULTILINE)
    assert quotes
    assert {" ".join(quote.replace("> ", "").split()) for quote in quotes} <= approved
