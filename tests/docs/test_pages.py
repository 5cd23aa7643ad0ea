"""Pages: their links lead somewhere, their commands parse, and they speak of this project only."""

import importlib
import inspect
import pkgutil
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import typer

import plimsoll
from plimsoll.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PACKAGE = ROOT / "src" / "plimsoll"
SOURCE = [path for path in sorted(PACKAGE.rglob("*")) if path.suffix in {".py", ".toml", ".csv", ".j2"}]
COMMANDS = typer.main.get_command(app).commands
ROOMS = [room.name for room in pkgutil.iter_modules(plimsoll.__path__, "plimsoll.") if room.ispkg]
FENCE = re.compile(r"^```(\w*).*?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Places on one machine, and words about how the code came about.
STRANGE = re.compile(
    r"(?<![\w.])/(?:work|tmp|root|home)\b|\b(?:coding|development) sessions?\b|\bissue #?\d"
    r"|\b(?:AI|LLM|GPT|chatbot)\b",
    re.IGNORECASE,
)


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def prose_of(page):
    return FENCE.sub("", page.read_text(encoding="utf-8"))


@cache
def words_of_source():
    return {word for path in SOURCE for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}


def anchors_of(page):
    """Anchors as they are made from headings where pages are shown."""
    heads = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_names_and_files_named_exist(page):
    for name in set(re.findall(r"`(\w+_\w+|[\w/]+\.py)`", prose_of(page))):
        if name.endswith(".py"):
            assert any((folder / name).is_file() for folder in (ROOT, PACKAGE)), name
        else:
            assert name in words_of_source() or "_REASON" in name, name


@pytest.mark.parametrize("folder", sorted({path.parent for path in [*SOURCE, *PAGES]}), ids=name_of)
def test_the_project_speaks_of_itself_only(folder):
    found = {}
    for path in folder.iterdir():
        if path in SOURCE or path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            if "store" in path.parts:
                text = re.sub(r"\bSession\b", "", text)  # a class of the database library
            found[path.name] = STRANGE.findall(text)
    assert not {name: words for name, words in found.items() if words}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist_with_their_options(page):
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        for line in [] if language else block.splitlines():
            program, *words = shlex.split(line, comments=True) or [""]
            if program.removeprefix(".venv/bin/") == "plimsoll":
                assert words[0] in COMMANDS, line
                plain = [word.strip("[]") for word in words[1:]]
                COMMANDS[words[0]].make_context(words[0], plain)  # raises for what it does not know
    for name, rest in re.findall(r"`plimsoll (\w+)([^`]*)`", prose_of(page)):
        command = COMMANDS[name]
        inner = [word for word in rest.split() if word in getattr(command, "commands", ())]
        parts = [command, *(command.commands[word] for word in inner)]
        known = {option for one in parts for part in one.params for option in part.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= known, rest


def test_every_command_is_in_the_readme_or_a_page():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "commands.md")
    shown = [name for name, command in COMMANDS.items() if not command.hidden and name != "bench"]
    assert [name for name in shown if f"plimsoll {name}" not in text] == []


def test_make_targets_exist():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:^|`)make (\w+)", text, re.MULTILINE))
    assert {"demo", "test", "docs"} <= named <= set(targets)


@pytest.mark.parametrize("name", ROOMS)
def test_what_a_room_offers_says_what_it_does(name):
    room = importlib.import_module(name)
    assert inspect.getdoc(room)
    for offered in (getattr(room, word) for word in getattr(room, "__all__", [])):
        if inspect.isfunction(offered) or inspect.isclass(offered):
            assert re.match(r"[A-Z].*?\.(\n\n|$)", inspect.getdoc(offered) or "", re.DOTALL), offered


def test_the_changelog_knows_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(plimsoll.__version__)}\b", text, re.MULTILINE)
