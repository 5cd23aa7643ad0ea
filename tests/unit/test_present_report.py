"""The HTML report: complete without a network, safe against its data, whole when tables are empty."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import polars as pl
import pytest

from plimsoll.present import pages
from plimsoll.present.report import html_report, page_of

VOID = {"meta", "br", "link", "img", "input"}
FETCHING = ("src", "href", "srcset", "action", "data", "poster")


class Reader(HTMLParser):
    """Reads a page: its elements, its words outside script and style, and whether its tags are paired."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data.strip())

    @property
    def text(self):
        return " ".join(filter(None, self.words))


@pytest.fixture(scope="module")
def page(result):
    return html_report(result)


@pytest.fixture(scope="module")
def read(page):
    return Reader(page)


def without_library(page):
    library = pages.asset("static/echarts.common.min.js")
    assert library in page
    return page.replace(library, "")


def test_tags_are_paired(read):
    assert read.open == []


def test_nothing_is_fetched(page, read):
    leading = [attrs[name] for _, attrs in read.tags for name in FETCHING if name in attrs]
    assert [target for target in leading if not target.startswith("#")] == []
    assert {"link", "iframe", "img", "object", "embed", "base"} & {tag for tag, _ in read.tags} == set()
    assert not re.search(r"@import|url\(|https?:|//[a-z]|fetch\(|XMLHttpRequest", without_library(page))
    library = pages.asset("static/echarts.common.min.js")
    assert not re.search(r"fetch\(|XMLHttpRequest|sendBeacon|WebSocket|import\(|</script", library)


def test_the_chart_library_draws_svg():
    assert 'registerPainter("svg"' in pages.asset("static/echarts.common.min.js")


def test_every_chart_has_its_element_and_every_element_its_chart(page, read, result):
    drawn = json.loads(re.search(r"Object\.entries\((\{.*\})\)\) \{", page)[1])
    elements = {attrs["id"] for _, attrs in read.tags if attrs.get("class") == "chart"}
    assert set(drawn) == elements == set(page_of(result).options)
    assert {"glance-inventory_value", "money-abc", "money-buffer", "money-location"} <= elements


def test_data_cannot_add_markup(page, read):
    assert "<script>alert" not in page
    assert read.text.count("=SUM(A1)<script>alert(1)</script>[bold]") == 1
    assert [tag for tag, _ in read.tags].count("script") == 2


def test_a_supplier_with_markup_in_a_chart_is_escaped(planned):
    points = (
        {"source": "</script><b>", "stock": (500.0, 0.0, 0.0)},
        {"item": "B", "stock": (500.0, 0.0, 0.0)},
    )
    page = html_report(planned(points, ()))
    assert "</script><b>" not in page
    assert Reader(page).open == []


def test_what_a_manager_looks_for(read):
    for words in (
        "What changes when the plan is followed? ",
        "Inventory value 6,250 EUR 800 EUR -87 %",
        "How healthy is the stock?",
        "What is the safety buffer for?",
        "Where does the cash sit?",
        "P-500 DC1 Excess 500 5,000 EUR 4,500 EUR 500 days",
        "P-100 Feed pump DC1 270 pcs 2,700 EUR 1,800 EUR 2026-12-22 Order 270 from Acme",
        "Acme 1 9 20 days 31 ± 11 days +11 days",
        "made up 5 100 %",
        "warning 3 open orders are past their due date. They are counted as still to come.",
        "PO-1, PO-2, PO-3 3 12.3 k EUR",
        "12 rows set aside at import",
    ):
        assert words.strip() in read.text, words


def test_charts_in_words_stand_in_where_scripts_do_not_run(read):
    words = {attrs["id"]: attrs["aria-label"] for _, attrs in read.tags if attrs.get("class") == "chart"}
    assert words["money-abc"] == "Stock at cost by class: A 1,000 EUR, B 50 EUR, C 5,200 EUR."
    assert words["glance-inventory_value"] == "Today 6,250 EUR, plan 800 EUR"
    assert read.text.count("Stock at cost by class: A 1,000 EUR") == 1


def test_a_plan_without_anything_has_a_page_without_gaps(bare):
    page = html_report(bare)
    read = Reader(page)
    assert read.open == []
    assert not re.search(r"\b(None|nan|NaN|null|inf)\b", read.text)
    assert {attrs["id"] for _, attrs in read.tags if attrs.get("class") == "chart"} == {"money-buffer"}
    for words in ("Nothing: no stocking point holds more", "Nothing: every position", "Nothing was found."):
        assert words in read.text


def test_unknown_groups_are_named(planned, result):
    points = (
        {"category": None, "stock": (500.0, 0.0, 0.0)},
        {"item": "B", "category": "x", "stock": (400.0, 0.0, 0.0)},
    )
    target = planned(points, ())["target"].filter(pl.col("item_id") != "B")
    page = page_of(planned(points, (), tables={"target": target}))
    assert page.options["money-category"]["yAxis"]["data"] == ["(unknown)", "x"]
    assert page.options["money-abc"]["yAxis"]["data"] == ["A", "(unknown)"]
    assert "(unknown)" in Reader(html_report(planned(points, (), tables={"target": target}))).text


def test_bars_add_up_to_their_label(result):
    option = page_of(result).options["money-abc"]
    *parts, ends = option["series"]
    sums = [sum(part["data"][n] for part in parts) for n in range(3)]
    assert sums == [1000.0, 50.0, 5200.0]
    assert [end["label"]["formatter"] for end in ends["data"]] == ["1,000", "50", "5,200"]
    assert min(end["value"] for end in ends["data"]) > 0  # else a negative part draws the label to its side
    assert [part["name"] for part in parts] == option["legend"]["data"]


def test_bars_of_a_large_company_are_in_the_unit_that_the_subtitle_names(result):
    totals = result.totals | {"abc": result.totals["abc"].with_columns(pl.col(pl.Float64) * 1000)}
    page = page_of(dataclasses.replace(result, totals=totals))
    chart = next(chart for chart in page.charts if chart.id == "money-abc")
    assert chart.subtitle == "Stock at cost by class, in M EUR."
    assert chart.option["series"][0]["data"] == [1.0, 0.05, 0.5]


def test_the_page_is_the_same_every_time(page, result):
    assert html_report(result) == page
