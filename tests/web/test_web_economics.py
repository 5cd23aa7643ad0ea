"""The page on service economics: before the first run, its figures, and what a part of the company sees."""

import json
import re
from html import unescape

from plimsoll.domain.people import Person, owner
from plimsoll.present import economics as words
from plimsoll.workflows.economics import load_economics, run_economics

ROOT = owner("root")


def test_before_the_first_run(pages_kim):
    page = pages_kim.get("/economics")
    assert page.status_code == 200
    assert "plimsoll targets" in page.text
    assert 'aria-current="page" title="Service economics"' in page.text


def test_the_page_shows_what_the_command_prints(pages_kim):
    app = pages_kim.session.client.app
    result = run_economics(app.state.folder, {"portfolio_goal": 0.9}, ROOT, at=app.state.clock())
    text = unescape(pages_kim.get("/economics?by=category").text)
    for sentence in [*words.stands(result), *words.economic_sentences(result)]:
        assert sentence in text
    for row in words.segment_lines(result, "category", 50):
        assert all(f">{cell}</td>" in text for cell in row)
    chart = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)[1])
    assert [one["name"] for one in chart["series"]] == ["Least stock", "One target for all"]
    assert all(len(one["values"]) == len(chart["x"]) > 20 for one in chart["series"])
    best, one = (each["values"] for each in chart["series"])
    assert all(low <= high for low, high in zip(best, one, strict=True) if high is not None)
    assert {mark["at"] for mark in chart["marks"]} <= set(chart["x"])
    assert pages_kim.get("/economics?by=nothing").status_code == 422


def test_a_part_of_the_company_sees_its_own(pages_app):
    folder = pages_app.state.folder
    whole = run_economics(folder, {}, ROOT, at=pages_app.state.clock())
    place = whole["economic_point"]["location_id"][0]
    group = whole["economic_point"]["category"].drop_nulls()[0]
    at_place = load_economics(folder, Person("p", "P", "viewer", locations=(place,)))
    assert set(at_place["cost_curve"].select("by", "segment").unique().rows()) == {("location", place)}
    assert set(at_place["economic_point"]["location_id"]) == {place}
    of_group = load_economics(folder, Person("g", "G", "viewer", categories=(group,)))
    assert set(of_group["cost_curve"].select("by", "segment").unique().rows()) == {("category", group)}
    assert set(of_group["service_choice"]["category"]) == {group}
    both = load_economics(folder, Person("b", "B", "viewer", locations=(place,), categories=(group,)))
    assert both["cost_curve"].is_empty()
