"""Items and exceptions in a browser: a point in full, values set and cleared, exceptions worked."""

import json
import re
from html import unescape
from urllib.parse import quote, urlencode

import polars as pl
import pytest

from plimsoll.domain.listing import Query
from plimsoll.domain.people import owner
from plimsoll.web import item_charts, item_page, item_values

ME = owner("root")
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x>"
REASON = {"reason": "customer_news"}


@pytest.fixture
def at_risk(pages_reader):
    """The stocking point with the most money at risk."""
    row = pages_reader.desk.listing("items", Query(size=1), ME).rows[0]
    return row["item_id"], row["location_id"]


def href(point):
    return f"/items/{quote(point[0], safe='')}/{quote(point[1], safe='')}"


def specs(page):
    return [
        json.loads(text)
        for text in re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    ]


def test_the_list_leads_to_points_and_their_pages_lead_on_through_the_list(pages_reader):
    asked = "/items?health=short&sort=-money_at_risk&size=5"
    listed = pages_reader.get(asked).text
    links = [unescape(link) for link in re.findall(r'<td class="item"><a href="([^"]+)"', listed)]
    assert len(links) == 5
    second = pages_reader.get(links[1]).text
    assert f"2 of {re.search(r'of <b>([0-9,]+)</b>', listed)[1]}" in second
    neighbours = dict(re.findall(r'href="([^"]+)" rel="(prev|next)"', second))
    assert {unescape(link).split("?")[0] for link in neighbours} == {
        links[0].split("?")[0],
        links[2].split("?")[0],
    }
    back = unescape(re.search(r'<a class="button small" href="([^"]+)">Back to the list', second)[1])
    assert links[1] in unescape(pages_reader.get(back).text)


def test_waterfalls_on_the_page_add_up_to_their_totals(pages_reader, at_risk):
    shown = {
        spec["total"]: spec
        for spec in specs(pages_reader.get(href(at_risk)).text)
        if spec["kind"] == "waterfall"
    }
    row = pages_reader.desk.item(*at_risk, ME)
    level = sum(step["value"] for step in shown["Order up to"]["steps"])
    assert level == pytest.approx(row.rows["policy"]["order_up_to_qty"])
    order = sum(step["value"] for step in shown["Order today"]["steps"])
    assert order == pytest.approx(sum(each["quantity"] for each in row.lists["recommendation"]))


def test_every_point_has_a_page(pages_reader):
    desk = pages_reader.desk
    none_set = desk.table("overrides", Query(), ME)
    points = desk.table("items", Query(), ME, ["item_id", "location_id"]).cast(pl.String).rows()
    kinds = set()
    for point in points[::2]:
        view = desk.item(*point, ME)
        made = item_page.item_page(view, none_set, None, back="/items", can_set=True)
        kinds.add((made.level is not None, made.stock is not None, bool(made.left_out)))
        assert len(made.values) == len(item_values.VALUES)
    assert len(kinds) > 1  # planned and not planned
    assert pages_reader.get(href(points[-1])).status_code == 200


def test_the_band_of_demand_starts_where_history_ends(pages_reader, at_risk):
    spec = item_charts.demand(pages_reader.desk.item(*at_risk, ME))
    past, expected, low, high = (each["values"] for each in spec["series"])
    assert {len(past), len(expected), len(low), len(high)} == {len(spec["x"])}
    assert [value is None for value in expected] == [value is None for value in low]
    assert all(None in pair for pair in zip(past, expected, strict=True))
    assert all(a <= b <= c for a, b, c in zip(low, expected, high, strict=True) if b is not None)


def test_a_histogram_counts_every_receipt(pages_reader):
    desk = pages_reader.desk
    for point in desk.table("items", Query(), ME, ["item_id", "location_id"]).cast(pl.String).rows()[:25]:
        view = desk.item(*point, ME)
        spec = item_charts.lead_time(view)
        if spec:
            assert sum(spec["series"][0]["values"]) == sum(each.n for each in view.lead_time_days)
            assert len(set(spec["x"])) == len(spec["x"])
            assert {mark["at"] for mark in spec["marks"]} <= set(spec["x"])


@pytest.mark.parametrize(
    "path", ["/items/NO-SUCH/DC1", f"/items/{quote(HOSTILE, safe='')}/DC1", "/items/a%2Fb/c"]
)
def test_an_unknown_point_is_told_without_its_name_becoming_a_tag(pages_reader, path):
    answer = pages_reader.get(path)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text


def test_a_slash_in_a_name_stays_in_the_name(pages_reader):
    assert "There is no item &#39;a/b&#39; at &#39;c&#39;" in pages_reader.get("/items/a%2Fb/c").text
    assert pages_reader.get("/items/ABC").headers["location"] == "/items?item_id=ABC"


def test_names_from_data_stay_text_in_charts_and_drawing(pages_reader, at_risk, monkeypatch):
    desk, real = pages_reader.desk, pages_reader.desk.item

    def hostile(*asked):
        view = real(*asked)
        view.point.update(unit=HOSTILE, description=HOSTILE, category=HOSTILE)
        for row in (*view.lists["network_arc"], *view.lists["lines"]):
            row.update({name: HOSTILE for name in ("from_location_id", "sentence") if name in row})
        return view

    monkeypatch.setattr(desk, "item", hostile)
    page = pages_reader.get(href(at_risk)).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert HOSTILE in json.dumps(specs(page), ensure_ascii=False).replace('\\"', '"')


def test_a_value_is_tried_set_shown_and_cleared(pages_app, pages_kim, at_risk):
    item, place = at_risk
    given = {"item_id": item, "location_id": place, "what": "target.service", "reach": "point", **REASON}
    before = pages_app.state.desk.table("overrides", Query(), ME).height
    tried = pages_kim.click("/items/set", act="try", value="99.5", **given)
    assert "What it would do" in tried.text
    assert pages_app.state.desk.table("overrides", Query(), ME).height == before
    done = pages_kim.click("/items/set", act="set", value="99.5", until="2027-01-31", **given)
    assert done.headers["hx-redirect"] == href(at_risk)
    row = pages_app.state.desk.listing("overrides", Query(), ME).rows[0]
    assert (row["field"], row["value"], row["author"], str(row["expires_at"])) == (
        "service",
        0.995,
        "kim",
        "2027-01-31",
    )
    page = pages_kim.get(href(at_risk)).text
    assert "From the next plan on" in page
    assert "until 2027-01-31" in page
    clear = unescape(re.search(r'href="(/items/clear\?[^"]+)"', page)[1])
    assert "Service target: 99.5 %" in pages_kim.part(clear).text
    number = {"override_id": row["override_id"], "back": href(at_risk)}
    assert pages_kim.click("/items/clear", **number, reason=" ").status_code == 422
    assert pages_kim.post("/items/clear", **number, reason="it was wrong").headers["location"] == href(
        at_risk
    )
    assert pages_app.state.desk.listing("overrides", Query(), ME).rows[0]["status"] == "withdrawn"
    log = pages_kim.get(href(at_risk)).text.split('id="log"')[1]
    assert "it was wrong" in log


WRONG = (
    ({"value": "150"}, "150 % is no service target"),
    ({"value": "many"}, "not usable"),
    ({"value": ""}, "not usable"),
    ({"what": "target.nonsense"}, "There is no value"),
    ({"what": "nonsense"}, "which value to set"),
    ({"reason": ""}, "no reason"),
    ({"until": "2020-01-01"}, "would have expired"),
    ({"what": "policy.reorder_point", "value": "5", "reach": "category"}, "belongs to one item"),
)


def test_values_that_make_no_sense_are_refused_in_the_form(pages_app, pages_kim, at_risk):
    known = {"item_id": at_risk[0], "location_id": at_risk[1], "what": "target.service", "value": "97"}
    for wrong, said in WRONG:
        answer = pages_kim.click("/items/set", act="set", **(known | REASON | {"reach": "point"} | wrong))
        assert answer.status_code == 422, wrong
        assert said in unescape(answer.text), wrong
        assert answer.headers["hx-retarget"] == "#dialogs"
    assert pages_app.state.desk.table("overrides", Query(), ME).height == 0


def test_other_targets_cost_more_the_higher_they_are(pages_reader, at_risk):
    asked = urlencode({"item_id": at_risk[0], "location_id": at_risk[1]})
    part = pages_reader.part(f"/items/others?{asked}").text
    stock = specs(part)[0]["series"][0]["values"]
    assert len(stock) == 4
    assert stock == sorted(stock)
    assert "<html" in pages_reader.get(f"/items/others?{asked}").text


def test_who_may_only_look_cannot_set(pages_vic, at_risk):
    page = pages_vic.get(href(at_risk)).text
    assert "Set a value" not in page
    assert pages_vic.post("/items/set", item_id=at_risk[0], location_id=at_risk[1]).status_code == 403
    assert pages_vic.post("/items/clear", override_id="O1", reason="x").status_code == 403


def test_an_exception_has_a_page_from_which_it_is_worked(pages_app, pages_kim):
    listed = pages_kim.get("/exceptions?status=open").text
    n = int(re.search(r"of <b>([0-9,]+)</b>", listed)[1].replace(",", ""))
    assert n == pages_app.state.desk.waiting(ME)["exceptions"]
    link = unescape(re.search(r'<a href="(/exceptions/[^"?]+)"', listed)[1])
    page = pages_kim.get(link).text
    money = [
        float(text.replace(",", "")) for text in re.findall(r'<td class="num">([0-9,]+)</td></tr>', page)
    ]
    assert money == sorted(money, reverse=True)
    number = {
        "exception_id": unescape(re.search(r'name="exception_id" value="([^"]+)"', page)[1]),
        "back": link,
    }
    assert pages_kim.post("/exceptions/work", act="own", version="0", **number).headers["location"] == link
    taken = pages_kim.get(link).text
    assert "kim took it" in taken
    version = re.search(r'name="version" value="(\d+)"', taken)[1]
    pages_kim.post(
        "/exceptions/work", act="close", outcome="acted", text="called them", version=version, **number
    )
    closed = pages_kim.get(link).text
    assert "We acted on it" in closed
    assert "called them" in closed
    assert "Open it again" in closed
    assert pages_app.state.desk.waiting(ME)["exceptions"] == n - 1


def test_an_exception_that_is_none_is_told(pages_reader):
    assert pages_reader.get("/exceptions/no,such").status_code == 404


def test_where_a_point_is_not_in_its_list_any_more_the_way_back_stays(pages_reader, at_risk):
    page = pages_reader.get(f"{href(at_risk)}?of=items&abc=C&q=zzzz").text
    assert "Back to the list" in page
    assert "The next item" not in page
