"""Today and the worklist as a browser meets them, with scripts and without: pages, decisions, refusals."""

import re
import shutil
import time
import warnings
from dataclasses import fields
from datetime import UTC, datetime
from html import unescape
from importlib import import_module
from itertools import product
from pkgutil import iter_modules
from urllib.parse import urlencode

import pytest
from jinja2 import meta

from plimsoll.domain.people import Person, owner
from plimsoll.integrations import passwords
from plimsoll.web import cells, contexts, pages, worklist
from plimsoll.web.app import create_app
from plimsoll.web.contexts.shell import Context
from plimsoll.workflows import people
from plimsoll.workflows.attention import find_exceptions
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.plan import make_plan

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # which HTTP library the client stands on is its own affair
    from starlette.testclient import TestClient

AT = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
WORD = "four words nobody joins"
HTMX = {"HX-Request": "true"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
TODO = "/recommendations?status=proposed"


@pytest.fixture(scope="session")
def planned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planned") / "demo"
    build_demo(folder, n_items=60, seed=7, at=AT)
    make_plan(folder, at=AT)
    find_exceptions(folder, at=AT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
        for name, role in (("kim", "planner"), ("lee", "approver"), ("vic", "viewer")):
            given = {"name": f"{name.title()} {HOSTILE}" if name == "vic" else name.title(), "role": role}
            people.add_user(folder, name, given, owner("root"), at=AT, password=WORD)
    return folder


class Browser:
    """A browser without scripts: keeps cookies, sends the token that the page carries."""

    def __init__(self, app, name):
        self.client = TestClient(app, follow_redirects=False)
        self.client.post("/login", data={"username": name, "password": WORD})
        self.csrf = re.search(r'data-csrf="(\w+)"', self.client.get("/today").text)[1]

    def get(self, href, **headers):
        return self.client.get(href, headers=headers)

    def part(self, href):
        return self.client.get(href, headers=HTMX)

    def post(self, href, **data):
        return self.client.post(href, data={"csrf_token": self.csrf} | data)

    def click(self, href, **data):
        return self.client.post(href, data=data, headers=HTMX | {"X-CSRF-Token": self.csrf})

    def lines(self, href=TODO):
        """Return the id and version of the lines of a page."""
        found = re.findall(r'name="line" form="lines" value="([\w-]+):(\d+)"', self.get(href).text)
        return [(line, int(version)) for line, version in found]


@pytest.fixture
def app(planned, tmp_path, monkeypatch):
    monkeypatch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
    return create_app(shutil.copytree(planned, tmp_path / "demo"), clock=lambda: AT)


@pytest.fixture
def kim(app):
    return Browser(app, "kim")


@pytest.fixture(scope="session")
def shown(planned, tmp_path_factory):
    """A workbench that no test changes."""
    folder = shutil.copytree(planned, tmp_path_factory.mktemp("shown") / "demo")
    return create_app(folder, clock=lambda: AT)


@pytest.fixture(scope="session")
def reader(shown):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
        return Browser(shown, "kim")


def status_of(app, line):
    return app.state.desk.line(line, owner("root")).line["status"]


def all_contexts():
    for module in iter_modules(contexts.__path__):
        import_module(f"{contexts.__name__}.{module.name}")
    found, todo = [], [Context]
    while todo:
        one = todo.pop()
        todo += one.__subclasses__()
        found += [one] if hasattr(one, "template") else []
    # A class with slots is made twice; the one with slots comes last.
    return sorted({one.__qualname__: one for one in found}.values(), key=lambda one: one.__qualname__)


@pytest.mark.parametrize("context", all_contexts(), ids=lambda context: context.__name__)
def test_a_template_uses_what_its_context_gives_and_nothing_else(context):
    environment = pages.environment()
    names, used, todo = {field.name for field in fields(context)}, set(), [context.template]
    while todo:
        text = environment.loader.get_source(environment, todo.pop())[0]
        tree = environment.parse(text)
        imported = re.findall(r"(\w+)(?:,| %})", "".join(re.findall(r"import (.* %})", text)))
        own = re.findall(r"macro (\w+)\(", text)
        used |= meta.find_undeclared_variables(tree) - {*imported, *own}
        todo += [name for name in meta.find_referenced_templates(tree) if name and "macro" not in name]
    assert used - names - {"shell", "this"} - set(environment.globals) == set()
    assert "this" in used or names - used == set()


def test_today_counts_what_its_links_lead_to(reader):
    page = reader.get("/today").text
    tile = re.search(r'<a class="card tile" href="(/recommendations[^"]*)">.*?<b>([\d,]+)', page, re.DOTALL)
    listed = reader.get(unescape(tile[1])).text
    assert re.search(r"of <b>([\d,]+)</b>", listed)[1] == tile[2]
    assert int(tile[2].replace(",", "")) == len(reader.lines("/recommendations?status=proposed&size=500"))
    assert page.count("data-exception=") == 20
    assert "Monday, 2 November 2026" in page


def test_a_page_needs_somebody(shown):
    answer = TestClient(shown, follow_redirects=False).get(TODO)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=%2Frecommendations")
    stranger = TestClient(shown).get("/nowhere")
    assert stranger.status_code == 404
    assert "plan-0" not in stranger.text


def test_filter_order_and_page_are_links_that_lead_somewhere(reader):
    page = reader.get(f"{TODO}&size=5&sort=-value_eff").text
    values = [float(text) for text in re.findall(r'data-value="([\d.]+)"', page)]
    assert len(values) == 5
    assert values == sorted(values, reverse=True)
    hrefs = {unescape(href) for href in re.findall(r'href="(/recommendations\?[^"]+)"', page)}
    assert len(hrefs) > 12  # tabs, heads that sort, the next page
    assert {href: reader.get(href).status_code for href in hrefs if reader.get(href).status_code != 200} == {}
    second = reader.lines(f"{TODO}&size=5&sort=-value_eff&page=2")
    assert not set(second) & set(reader.lines(f"{TODO}&size=5&sort=-value_eff"))


def test_a_click_gets_only_the_part(reader):
    whole, part = reader.get(TODO), reader.part(TODO)
    assert "<html" in whole.text
    assert part.text.lstrip().startswith('<div class="card" id="list"')
    assert part.headers["vary"] == whole.headers["vary"] == "HX-Request"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nonsense=1", "no column"),
        ("value__ge=abc", "takes a number"),
        ("page=0", "page"),
        ("abc__like=A", "operator"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(reader, asked, said):
    answer = reader.get(f"/recommendations?{asked}")
    assert answer.status_code == 422
    assert said in answer.text
    assert 'class="side"' in answer.text  # the way on is there
    assert reader.part(f"/recommendations?{asked}").text.count('class="toast bad"') == 1


def test_text_of_an_address_stays_text(reader):
    page = reader.get(f"/recommendations?{urlencode({'q': HOSTILE})}").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "Nothing matches" in page


def test_a_name_of_a_person_stays_text(shown):
    page = Browser(shown, "vic").get("/today").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_no_cell_lets_a_name_become_a_tag():
    values = {
        "money": 1.0,
        "quantity": 2.0,
        "days": 3.0,
        "percent": 0.5,
        "share": 0.5,
        "number": 1.5,
        "count": 7,
    }
    values |= {"date": AT.date(), "moment": AT, "yes": True}
    for kind, link in product(cells.RENDER, ("", "/items/{x}")):
        row = {
            "x": values.get(kind, HOSTILE),
            "description": HOSTILE,
            "unit": HOSTILE,
            "confidence_why": HOSTILE,
        }
        shown = cells.cells([cells.Column("x", "X", kind, link=link)], row)
        assert "<script" not in shown, kind
        assert "<img" not in shown, kind
        assert "> onerror" not in shown, kind


def test_accepting_without_scripts_leads_back_and_says_so_once(app, kim):
    line, version = kim.lines()[0]
    answer = kim.post(f"/recommendations/{line}/accept?version={version}", back=TODO)
    assert (answer.status_code, answer.headers["location"]) == (303, TODO)
    assert status_of(app, line) == "accepted"
    assert "accepted." in kim.get(TODO).text.split('id="toasts"')[1]
    assert "accepted." not in kim.get(TODO).text.split('id="toasts"')[1]


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_a_form_cannot_send_people_elsewhere(kim, elsewhere):
    line, version = kim.lines()[0]
    answer = kim.post(f"/recommendations/{line}/accept?version={version}", back=elsewhere)
    assert answer.headers["location"] == "/"


def test_a_click_answers_with_the_row_and_a_way_back(app, kim):
    line, version = kim.lines()[0]
    answer = kim.click(f"/recommendations/{line}/accept?version={version}")
    assert answer.text.count("<tr") == 1
    assert "Accepted" in answer.text
    assert f'action="/recommendations/{line}/reopen"' in answer.text
    undone = kim.click(f"/recommendations/{line}/reopen")
    assert "Proposed" in undone.text
    assert status_of(app, line) == "proposed"


def test_a_change_needs_a_quantity_and_a_reason(app, kim):
    line, version = kim.lines(f"{TODO}&kind=purchase")[0]
    given = {"version": version, "quantity": "12", "reason": "too_much"}
    for wrong, said in (
        ({"quantity": "1,5"}, "is not a quantity"),
        ({"quantity": "-3"}, "is not a quantity"),
        ({"quantity": "NaN"}, "is not a quantity"),
        ({"quantity": "1e9"}, "is not a quantity"),
        ({"day": "2026-02-30"}, "is not a date"),
        ({"day": "20261130"}, "is not a date"),
        ({"reason": ""}, "reason is missing"),
        ({"reason": "rule"}, "no reason"),
    ):
        answer = kim.click(f"/recommendations/{line}/change", **(given | wrong))
        assert answer.status_code == 422, wrong
        assert said in unescape(answer.text), wrong
        assert answer.headers["hx-retarget"] == f"#edit-{line.rpartition('-')[2]}"
        assert status_of(app, line) == "proposed"
    answer = kim.click(f"/recommendations/{line}/change", **given, day="2026-12-24")
    assert "Changed" in answer.text
    row = app.state.desk.line(line, owner("root")).line
    assert (row["quantity_eff"], str(row["date_eff"]), row["decided_by"]) == (12.0, "2026-12-24", "kim")


def test_who_comes_second_is_told_who_came_first(app, kim):
    line, version = kim.lines()[0]
    Browser(app, "lee").click(f"/recommendations/{line}/refuse", version=version, reason="cash")
    answer = kim.click(f"/recommendations/{line}/accept?version={version}")
    assert answer.status_code == 409
    assert "lee has refused this on 2026-11-02 08:15" in answer.text
    assert answer.text.count("<tr") == 2  # the row as it stands, and below it who was quicker
    assert status_of(app, line) == "refused"


def test_selected_lines_are_decided_together(app, kim):
    some = kim.lines()[:3]
    answer = kim.click(
        "/recommendations/decide", act="accept", line=[f"{line}:{version}" for line, version in some]
    )
    assert "3 lines accepted." in answer.text
    assert answer.headers["hx-trigger"] == "decided"
    assert {status_of(app, line) for line, _ in some} == {"accepted"}


def test_all_that_match_are_accepted_after_a_question(app, kim):
    asked = f"{TODO}&kind=transfer"
    n = len(kim.lines(f"{asked}&size=500"))
    link = unescape(re.search(r'href="(/recommendations/accept-all[^"]+)"', kim.get(asked).text)[1])
    question = kim.part(link).text
    assert f"Accept {n} lines worth" in question
    hidden = dict(re.findall(r'name="(query|n|value)" value="([^"]*)"', question))
    hidden = {name: unescape(value) for name, value in hidden.items()}
    for changed in ({"n": str(n - 1)}, {"value": "1"}):
        assert kim.click("/recommendations/accept-all", **(hidden | changed)).status_code == 409
    assert len(kim.lines(f"{asked}&size=500")) == n
    assert f"{n} lines accepted." in kim.click("/recommendations/accept-all", **hidden).text
    assert kim.lines(asked) == []
    assert len(kim.lines("/recommendations?status=accepted&kind=transfer&size=500")) == n


def test_who_may_only_look_is_offered_nothing_and_refused(shown):
    vic = Browser(shown, "vic")
    page = vic.get(TODO).text
    line = re.search(r'data-line="([\w-]+)"', page)[1]
    assert "data-act=" not in page
    assert "accept-all" not in page
    for href in (f"/recommendations/{line}/accept?version=0", "/recommendations/decide", "/exceptions/work"):
        assert vic.post(href, act="accept", line=f"{line}:0").status_code == 403
    assert status_of(shown, line) == "proposed"


def test_a_line_has_a_page_of_its_own(reader):
    line, _ = reader.lines()[0]
    page, part = reader.get(f"/recommendations/{line}").text, reader.part(f"/recommendations/{line}").text
    assert f'data-panel="{line}"' in page
    assert 'id="list"' in page
    assert f'data-panel="{line}"' in part
    assert 'id="list"' not in part
    assert reader.get("/recommendations/plan-000099-1").status_code == 404


def test_columns_that_were_chosen_stay_chosen(shown):
    reader = Browser(shown, "lee")
    reader.get(f"{TODO}&columns=item_id&columns=net")
    heads = re.findall(r'<th scope="col"[^>]*>.*?</th>', reader.get(TODO).text)
    assert [re.sub(r"<[^>]+>", "", head).split()[0] for head in heads] == ["Item", "Net"]
    assert reader.get("/recommendations?columns=<script>").status_code == 200


def test_an_exception_is_taken_and_closed(app, kim):
    page = kim.get("/today").text
    number, version = re.search(
        r'name="exception_id" value="([^"]+)"><input [^>]*name="version" value="(\d+)"', page
    ).groups()
    given = {"exception_id": unescape(number), "version": version}
    taken = kim.click("/exceptions/work", act="own", **given).text
    assert "You" in taken
    assert kim.click("/exceptions/work", act="own", **given).status_code == 409  # the version has moved on
    given["version"] = re.search(r'name="version" value="(\d+)"', taken)[1]
    assert kim.click("/exceptions/work", act="close", outcome="nonsense", **given).status_code == 422
    assert kim.click("/exceptions/work", act="snooze", day="2026-01-01", **given).status_code == 422
    closed = kim.click("/exceptions/work", act="close", outcome="acted", **given)
    assert "data-exception=" not in closed.text  # it leaves the twenty
    assert number not in kim.get("/today").text


def test_the_search_box_finds_items(reader):
    item = re.search(r'<td class="item"><a href="[^"]+">([\w-]+)', reader.get(TODO).text)[1]
    assert (
        f"<b>{item}</b>" in reader.part(f"/search?q={item.lower()}").text
        or item in reader.part(f"/search?q={item}").text
    )
    assert "Nothing is called" in reader.part("/search?q=zzzzzz").text


def test_files_are_kept_by_the_browser_as_long_as_they_are_the_same(reader):
    css = re.search(r'href="(/static/\w+/app\.css)"', reader.get("/today").text)[1]
    answer = reader.get(css)
    assert answer.headers["cache-control"].endswith("immutable")
    assert answer.headers["content-type"].startswith("text/css")
    assert reader.get("/static/0/app.css").headers["cache-control"] == "no-cache"
    assert reader.get("/static/0/../app.py").status_code == 404


def test_fifty_rows_are_written_quickly(shown):
    who, desk = Person("kim", "Kim", "planner"), shown.state.desk
    columns = tuple(column for column in worklist.VIEW.columns if column.shown)
    found = desk.listing("recommendations", desk.query("recommendations", []), who)
    assert len(found.rows) == 50
    spent = []
    for _ in range(10):
        began = time.thread_time()
        made = [worklist.line(row, columns, who) for row in found.rows]
        spent.append(time.thread_time() - began)
    assert len(made) == 50
    assert min(spent) < 0.008
