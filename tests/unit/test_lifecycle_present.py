"""Life cycles of a small demo company on the screen and as data."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from plimsoll.domain.lifecycle_result import SECTIONS
from plimsoll.present.lifecycle import HEADS, lifecycle_section, show_lifecycle
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.lifecycle import life_cycles
from plimsoll.workflows.plan import make_plan


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("life") / "company"
    at = datetime(2026, 10, 31, tzinfo=UTC)
    build_demo(folder, n_items=200, seed=7, at=at)
    make_plan(folder, at=at)
    return life_cycles(folder)


def test_every_part_has_its_lines_most_money_first(result):
    parts = {part.name: part for part in lifecycle_section(result, top=5)}
    assert {"warnings", "ending"} <= parts.keys()
    for name, part in parts.items():
        assert [head for head, _ in part.heads] == list(HEADS[name])
        assert all(len(line.cells) == len(part.heads) for line in part.lines)
        assert len(part.lines) == min(5, part.n_lines)
    warned = result.ranked()["warnings"]
    at_stake = (warned["writeoff_value"] + warned["order_writeoff_value"]).to_list()
    assert at_stake == sorted(at_stake, reverse=True)


def test_the_screen_names_items_and_the_data_hold_them_all(result):
    out = StringIO()
    show_lifecycle(result, Console(file=out, width=140), top=3)
    first = result.ranked()["warnings"].row(0, named=True)
    assert first["item_id"] in out.getvalue()
    assert set(SECTIONS) < result.as_data().keys()
    assert len(result.as_data(("warnings",))["warnings"]) == result.ranked()["warnings"].height
    assert "ending" not in result.as_data(("warnings",))
