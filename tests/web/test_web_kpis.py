"""The page and the API of key figures: before the first run, the figures of the command, rows, and scope."""

from html import unescape

import pytest

from plimsoll.domain.kpis import FOUR, KPIS
from plimsoll.domain.people import owner
from plimsoll.present import kpi as words
from plimsoll.workflows.kpi import Asked, load_kpis, measure_kpis

ROOT = owner("root")


@pytest.fixture
def drawn(pages_app):
    return measure_kpis(pages_app.state.folder, at=pages_app.state.clock())


def test_before_the_first_run(program, pages_kim):
    told = program("kim").get("/kpis").json()
    assert (told["run_id"], told["figures"]) == ("", [])
    assert "plimsoll kpi" in pages_kim.get("/kpis").text


def test_the_page_shows_what_the_command_prints(drawn, pages_kim):
    page = pages_kim.get("/kpis")
    assert page.status_code == 200
    text = unescape(page.text)
    assert 'aria-current="page" title="Key figures"' in text
    for line in words.lines(drawn):
        assert line["label"] in text
        assert line["formula"] in text, "on hover"
        assert line["value"] in text
    for remark in words.remarks(words.lines(drawn)):
        assert remark in text
    assert all(f'href="/kpis?rows={name}"' in text for name in FOUR)


def test_a_split_and_the_rows_behind_a_figure(drawn, pages_kim):
    cells, _ = words.group_cells(load_kpis(drawn.workspace, ROOT, Asked(by="location")), 50)
    text = unescape(pages_kim.get("/kpis?by=location").text)
    assert len(cells) > 3
    for row in cells:
        assert all(f">{cell}</td>" in text for cell in row)
    behind = unescape(pages_kim.get("/kpis?rows=fill_rate").text)
    assert "Fill rate: what is behind it" in behind
    assert KPIS["fill_rate"].formula in behind
    assert behind.count("<th") > text.count("<th")
    assert pages_kim.get("/kpis?by=nothing").status_code == 422
    assert pages_kim.get("/kpis?rows=wape").status_code == 422
    assert pages_kim.get("/kpis?rows=<script>").status_code == 422


def test_the_api_draws_and_tells(program):
    """After a draw, figures by class and the rows behind one; a viewer may look and not draw."""
    kim = program("kim")
    assert program("vic").post("/kpis").status_code == 403
    whole = kim.post("/kpis")
    assert whole.status_code == 200, whole.text
    figures = {row["kpi"]: row["value"] for row in whole.json()["figures"]}
    assert set(figures) == set(KPIS)
    told = program("vic").get("/kpis?by=class&rows=otif&from=2026-09-01").json()
    assert (told["by"], told["rows_of"], told["first"]) == ("class", "otif", "2026-09-01")
    assert {row["group"] for row in told["figures"]} >= {"A", "B", "C"}
    assert len(told["rows"]) == min(told["n_rows"], 1000)
    far = program("far").get("/kpis").json()
    assert [row["value"] for row in far["figures"]] == [None] * len(KPIS), "nothing there is in scope"
    assert kim.get("/kpis?by=mood").status_code == 422
    assert kim.get("/kpis?from=today").status_code == 422
