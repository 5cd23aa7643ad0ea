"""Decision records: complete, numbered without gaps, and held by tests that exist."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PARTS = ["Question", "Choice", "Gave up", "Held by"]


def test_numbers_have_no_gaps():
    assert [int(page.name[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_has_its_four_parts(page):
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert re.findall(r"^\*\*(.+?)\.\*\* \S", text, re.MULTILINE) == PARTS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_holds_a_decision_exists(page):
    held_by = page.read_text(encoding="utf-8").split("**Held by.**")[1]
    named = re.findall(r"`(tests/[\w/]+\.py)`", held_by)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.split(r"[<>=~]", text)[0] for text in project["dependencies"]}
    table = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
    reasons = dict(re.findall(r"^\| ([\w-]+) \| (.+) \|$", table, re.MULTILINE))
    del reasons["library"], reasons["---"]
    assert set(reasons) == required


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    for text in project["dependencies"]:
        name = re.split(r"[<>=~]", text)[0]
        assert re.search(rf"^{name}==", pinned, re.MULTILINE), name
