"""House rules that no linter knows. Each allowance names its reason and may only shrink."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "plimsoll"
MODULES = sorted(PACKAGE.rglob("*.py"))
INITS = [path for path in MODULES if path.name == "__init__.py"]
MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 80
JUNK_DRAWERS = {"utils", "util", "helpers", "common", "misc", "base", "core", "abstract", "tools"}
# name -> (lines allowed today, why). Lower a number whenever you can; never raise one.
LONG_FUNCTIONS: dict[str, tuple[int, str]] = {}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_is_short(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_MODULE_LINES, f"{lines} lines, {MAX_MODULE_LINES} allowed: split it by subject"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_are_short(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, FUNCTION):
            doc = len((ast.get_docstring(node, clean=False) or "").splitlines())
            lines = node.end_lineno - node.lineno + 1 - doc
            key = f"{name_of(path)}:{node.name}"
            allowed = LONG_FUNCTIONS.get(key, (MAX_FUNCTION_LINES, ""))[0]
            assert lines <= allowed, f"{key}: {lines} lines without docstring, {allowed} allowed"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_junk_drawers(path):
    assert not {path.stem, *path.relative_to(PACKAGE).parts[:-1]} & JUNK_DRAWERS


@pytest.mark.parametrize("path", INITS, ids=name_of)
def test_init_only_exports(path):
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assert not [node for node in body if isinstance(node, (*FUNCTION, ast.ClassDef))]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_second_copy_is_announced(path):
    assert "keep in sync" not in path.read_text(encoding="utf-8").lower()
