"""The pages around lists: cash, data health, suppliers, network, runs, audit trail, files, learning."""

import json
import re
import shutil
import sqlite3
import warnings
import zlib
from base64 import urlsafe_b64encode
from contextlib import closing
from datetime import date, timedelta
from html import unescape
from itertools import pairwise
from types import SimpleNamespace

import polars as pl
import pytest

from plimsoll.domain.decisions import LineRef
from plimsoll.domain.learning_result import LearningResult
from plimsoll.domain.listing import Query
from plimsoll.domain.people import Person, owner
from plimsoll.domain.tables import table
from plimsoll.integrations import passwords
from plimsoll.store import jobs as job_store
from plimsoll.store.workspace import Workspace
from plimsoll.web import cells, network_page
from plimsoll.web.app import create_app
from plimsoll.web.routes import audit as audit_routes
from plimsoll.web.routes import learning as learning_routes
from plimsoll.workflows import decide, jobs
from plimsoll.workflows.compare import compare
from plimsoll.workflows.plan import make_plan

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # which HTTP library the client stands on is its own affair
    from starlette.testclient import TestClient

HTMX = {"HX-Request": "true"}
ROOT = owner("root")
FAR = Person("far", "Far", "approver", locations=("NOWHERE",))
LISTS = {
    "/cash": "cash",
    "/health": "findings",
    "/health/rows": "audit_rows",
    "/suppliers": "suppliers",
    "/suppliers/all/lanes": "lanes",
    "/suppliers/all/orders": "orders",
    "/network": "networks",
    "/runs": "runs",
    "/audit": "audit",
}
HOSTILE = '"><script>alert(1)</script>'


class Browser:
    """A browser that is logged in and sends the session's token with what it changes."""

    def __init__(self, app, name):
        self.client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
        self.client.post("/login", data={"username": name, "password": "four words nobody joins"})
        self.csrf = self.client.get("/runs").text.split('data-csrf="')[1].split('"')[0]

    def get(self, href, **headers):
        return self.client.get(href, headers=headers)

    def post(self, href, files=None, **data):
        return self.client.post(href, data={"csrf_token": self.csrf} | data, files=files)


@pytest.fixture(scope="module")
def two_plans(api_company, tmp_path_factory):
    """A company with a plan of three weeks before beside that in force; no test changes it."""
    folder = shutil.copytree(api_company, tmp_path_factory.mktemp("two") / "demo")
    with Workspace.open(folder) as workspace:
        known, at = workspace.latest_run("plan").as_of, workspace.latest_run("plan").created_at
    make_plan(folder, as_of=known - timedelta(days=21), at=at + timedelta(hours=1))
    make_plan(folder, at=at + timedelta(hours=2))
    return folder


@pytest.fixture(scope="module")
def shown(two_plans):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
        app = create_app(two_plans, clock=lambda: _moment(two_plans))
        return Browser(app, "kim")


def _moment(folder):
    with Workspace.open(folder) as workspace:
        return workspace.latest_run("plan").created_at


@pytest.fixture(scope="module")
def desk(shown):
    return shown.client.app.state.desk


@pytest.fixture
def browser(api_app):
    return lambda name: Browser(api_app, name)


def everything(desk, name, who=ROOT):
    return desk.table(name, Query(), who)


# ---- all lists in one way


@pytest.mark.parametrize(("href", "name"), LISTS.items(), ids=LISTS.values())
def test_a_list_page_shows_the_rows_of_its_list_and_a_click_only_the_list(shown, desk, href, name):
    page, part = shown.get(href), shown.get(href, **HTMX)
    total = desk.listing(name, Query(), ROOT).total
    assert (page.status_code, part.status_code) == (200, 200)
    assert f"of <b>{total:,}</b>" in page.text
    assert f"of <b>{total:,}</b>" in part.text
    assert "<h1>" in page.text
    assert "<html" not in part.text
    assert 'id="list"' in part.text


@pytest.mark.parametrize(("href", "name"), LISTS.items(), ids=LISTS.values())
def test_every_column_of_a_list_page_is_one_of_its_list(shown, desk, href, name):
    page = shown.get(href).text
    offered = set(re.findall(r'name="columns" form="columns" value="(\w+)"', page))
    made = {"object", "change", "hash", "seq"} if name == "audit" else set()
    assert offered - set(desk.columns(name)) - made == set()
    # All of them at once: none fails to be shown.
    assert shown.get(f"{href}?columns={','.join(sorted(offered))}").status_code == 200


@pytest.mark.parametrize("href", [*LISTS, "/learning", "/files/upload"])
def test_strangers_are_led_to_the_log_in(shown, href):
    stranger = TestClient(shown.client.app, follow_redirects=False)
    answer = stranger.get(href)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


@pytest.mark.parametrize(
    ("name", "href"),
    [("vic", "/runs/start"), ("vic", "/files/upload"), ("vic", "/files/confirm"), ("kim", "/learning/adopt")],
)
def test_what_a_role_may_not_is_refused(browser, name, href):
    assert browser(name).post(href).status_code == 403


# ---- stranded cash


def test_the_charts_of_cash_add_up_to_the_list(desk):
    whole = desk.listing("cash", Query(), ROOT).sums["cash_to_release"]
    for column in ("health", "location_id", "category"):
        groups = desk.groups("cash", Query(), ROOT, column, "cash_to_release")
        assert sum(group.money for group in groups) == pytest.approx(whole)
        assert sum(group.n for group in groups) == everything(desk, "cash").height


def test_a_bar_of_cash_leads_to_the_rows_it_sums(shown, desk):
    page = shown.get("/cash").text
    href = unescape(re.search(r'<li>\s*<a href="(/cash\?location_id=[^"]+)"', page)[1])
    place = href.partition("location_id=")[2]
    rows = everything(desk, "cash").filter(location_id=place)
    part = shown.get(href, **HTMX).text
    assert f"of <b>{rows.height:,}</b>" in part
    assert 'id="cuts" hx-swap-oob="true"' in part
    # The chart of places still shows all of them, and a click on the chosen one takes the filter away.
    chosen = re.search(r'<li class="chosen">\s*<a href="([^"]+)"', part)[1]
    assert unescape(chosen) == "/cash?"


def test_cash_of_places_out_of_scope_is_not_summed(desk):
    assert desk.groups("cash", Query(), FAR, "location_id", "cash_to_release") == ()


# ---- data health


def test_a_finding_leads_to_its_rows(shown, desk):
    rows = everything(desk, "audit_rows")
    counted = rows.group_by("code", "table").len().sort("len", descending=True).row(0, named=True)
    page = shown.get("/health").text
    href = f"/health/rows?code={counted['code']}&table={counted['table']}"
    assert href.replace("&", "&amp;") in shown.get("/health?size=500").text
    answer = shown.get(href).text
    found = (
        everything(desk, "findings").filter(code=counted["code"], table=counted["table"]).row(0, named=True)
    )
    assert f"of <b>{counted['len']:,}</b>" in answer
    for words in (found["why"], found["remedy"]):
        assert words in unescape(answer)
    assert f"{everything(desk, 'findings').height:,}</b>" in page


def test_readiness_counts_every_point_once(shown, desk):
    page = shown.get("/health").text
    points = everything(desk, "items")
    automatic = points.filter(readiness="automatic").height
    told = points.drop_nulls("readiness").height
    assert f"{automatic:,} of {told:,} stocking points" in page


# ---- suppliers


def busiest(desk):
    return everything(desk, "suppliers").sort("n_orders", descending=True)["from_location_id"][0]


def test_a_suppliers_histogram_counts_its_deliveries(desk, two_plans):
    name = busiest(desk)
    view = desk.supplier(name, ROOT)
    with Workspace.open(two_plans) as workspace:
        facts = workspace.facts(["receipts"])["receipts"]
    known = facts.filter(pl.col("received_date") <= desk.head().as_of, from_location_id=name)
    dates = ["to_location_id", "ordered_date", "promised_date", "received_date"]
    deliveries = set(known.select(dates).rows())
    assert view.n_deliveries == len(deliveries)
    assert sum(one.n for one in view.lateness) == sum(row[2] is not None for row in deliveries)
    widths = {b.days - a.days for a, b in pairwise(view.lateness)}
    assert len(widths) == 1
    assert all(one.days % min(widths) == 0 for one in view.lateness)  # so that one begins at the promise
    for month in view.months:
        assert month.low <= month.middle <= month.high


def test_a_suppliers_page_counts_what_its_links_lead_to(shown, desk):
    name = busiest(desk)
    page = shown.get(f"/suppliers/{name}").text
    for list_href in ("/suppliers/all/orders", "/recommendations"):
        tile = re.search(rf'<a class="card tile" href="({list_href}\?[^"]+)">.*?<b>([\d,]+)', page, re.DOTALL)
        led = shown.get(unescape(tile[1])).text
        n = re.search(r"of <b>([\d,]+)</b>", led)
        assert (n[1] if n else "0") == tile[2]
    specs = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert [json.loads(spec)["kind"] for spec in specs] == ["histogram", "lines"]


def test_an_unknown_supplier_is_told_without_running_its_name(shown):
    answer = shown.get(f"/suppliers/{HOSTILE}")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


# ---- network


def test_a_network_sums_the_places_of_its_item(desk):
    points = everything(desk, "network").filter(pl.col("n_upstream") + pl.col("n_downstream") > 0)
    rows = everything(desk, "networks")
    assert rows.height == points["item_id"].n_unique()
    for row in rows.head(5).to_dicts():
        own = points.filter(item_id=row["item_id"])
        assert row["n_places"] == own.height
        assert row["on_hand_network_value"] == pytest.approx(sum(own["on_hand_network_value"].drop_nulls()))
        assert row["saved_value"] == pytest.approx(row["on_hand_alone_value"] - row["on_hand_network_value"])
    assert everything(desk, "networks", FAR).is_empty()


def test_a_network_is_drawn_with_every_place_and_said_in_words(shown, desk):
    row = everything(desk, "networks").sort("n_places", descending=True).row(0, named=True)
    lines = desk.network(row["item_id"], ROOT).lines
    own = lines.filter(~pl.col("repeated"), part="item")
    page = shown.get(f"/network/{row['item_id']}").text
    assert own.height >= row["n_places"]
    for place in own["location_id"]:
        assert f"/items/{row['item_id']}/{place}" in page
    assert page.count('<g transform="') >= own.height
    assert shown.get("/network/none-such").status_code == 404


def _line(item, place, level, part="item", **given):
    usual = {
        "repeated": False, "own_mean_per_day": 1.0, "from_location_id": "Acme", "order_up_to_qty": 10.0,
        "on_hand_qty": 4.0, "echelon": "dc", "quantity": 1.0, "unit": "EA", "fill_rate_est": 0.98,
        "promised_fill": 0.98, "policy": "s_S", "refused_reason": None, "left_out_reason": None,
        "counted_date": date(2026, 10, 31),
    }  # fmt: skip
    return usual | {"item_id": item, "location_id": place, "level": level, "part": part} | given


def test_boxes_stand_apart_and_ways_go_to_the_right():
    rows = [
        _line("A", "P", 0),
        *(_line("A", f"D{n}", 1) for n in range(3)),
        _line("A", "B", 2),
        _line("A", "Q", 0, from_location_id="Zeta"),
        _line("A", "B", 1, repeated=True),
    ]
    drawn = network_page.drawing(pl.DataFrame(rows))
    boxes = [(stage.x, stage.y) for stage in drawn.stages]
    assert len(set(boxes)) == len(boxes) == 8  # six places and two suppliers
    for x in {x for x, _ in boxes}:
        heights = sorted(y for at, y in boxes if at == x)
        assert all(b - a >= network_page.TALL for a, b in pairwise(heights))
    assert len(drawn.ways) == 3 + 2 + 2  # P to each D, D2 and Q to B, a supplier to each of P and Q
    for way in drawn.ways:
        start, end = (float(each) for each in re.match(r"M(\S+) .* (\S+) \S+$", way).groups())
        assert start < end
    assert drawn.n_more == 0


def test_a_large_network_is_drawn_in_part_and_says_so():
    rows = [_line("A", "P", 0), *(_line("A", f"B{n}", 1) for n in range(200))]
    drawn = network_page.drawing(pl.DataFrame(rows))
    assert sum(stage.is_own for stage in drawn.stages) == network_page.MOST_STAGES
    assert drawn.n_more == 201 - network_page.MOST_STAGES


# ---- runs


def plans(desk):
    return everything(desk, "runs").filter(kind="plan").sort("as_of")["run_id"].to_list()


def test_two_plans_compared_the_other_way_round_change_the_other_way(two_plans, desk):
    old, new = plans(desk)
    there, back = compare(two_plans, old, new, ROOT), compare(two_plans, new, old, ROOT)
    assert there.figures == {name: (b, a) for name, (a, b) in back.figures.items()}
    levels = there.changes.select("item_id", "location_id", "change_qty").sort(pl.all())
    other = back.changes.select("item_id", "location_id", -pl.col("change_qty")).sort(
        "item_id", "location_id"
    )
    assert levels.sort("item_id", "location_id")["change_qty"].to_list() == pytest.approx(
        other["change_qty"].to_list()
    )
    assert there.figures["n_lines"][1] == desk.listing("recommendations", Query(), ROOT).total
    assert there.figures["lines_value"][1] == pytest.approx(
        desk.listing("recommendations", Query(), ROOT).sums["value"]
    )
    assert there.options == {}


def test_a_comparison_keeps_to_the_scope(two_plans, desk):
    found = compare(two_plans, *plans(desk), FAR)
    assert found.changes.is_empty()
    assert set(found.figures.values()) == {(0.0, 0.0)}


def test_what_changed_since_the_plan_before_is_one_click_away(shown, desk):
    old, new = plans(desk)
    page = shown.get(f"/runs/{new}/changes")
    assert page.status_code == 200
    assert f'<th scope="col" class="num">{old}</th><th scope="col" class="num">{new}</th>' in page.text
    assert shown.get(f"/runs/compare?before={old}&after={new}").text.count("<tr>") == page.text.count("<tr>")
    assert shown.get(f"/runs/{new}").status_code == 200


@pytest.mark.parametrize(
    ("href", "status"),
    [
        ("/runs/none", 404),
        ("/runs/{old}/changes", 404),
        ("/runs/compare?before={new}&after={new}", 422),
        ("/runs/compare?before=x&after={new}", 404),
        ("/runs/progress?job=99", 404),
        ("/runs/progress?job=x", 422),
    ],
)
def test_what_cannot_be_compared_or_found_is_said(shown, desk, href, status):
    old, new = plans(desk)
    assert shown.get(href.format(old=old, new=new)).status_code == status


def test_a_plan_is_started_watched_and_ends_with_a_way_to_it(browser, api_app, monkeypatch):
    monkeypatch.setattr(jobs.subprocess, "Popen", lambda *_, **__: SimpleNamespace(wait=int))
    kim, folder, at = browser("kim"), api_app.state.folder, api_app.state.clock()
    with Workspace.open(folder) as workspace:  # what another test has started
        for number in job_store.jobs(workspace, at=at)["job_id"]:
            job_store.end(workspace, number, run_id=None, at=at)
    assert kim.post("/runs/start").headers["location"] == "/runs"
    strip = kim.get("/runs").text
    job = int(re.search(r'hx-get="/runs/progress\?job=(\d+)"', strip)[1])
    assert "Make a plan</button>" not in strip
    again = kim.post("/runs/start")
    assert (again.status_code, "already" in again.text) == (422, True)
    with Workspace.open(folder) as workspace:
        job_store.tell(workspace, job, "Lead times", 2, 8, pid=1, at=at)
    running = kim.get(f"/runs/progress?job={job}", **HTMX)
    assert 'value="0.250"' in running.text
    assert "Lead times, step 3 of 8" in running.text
    assert "HX-Refresh" not in running.headers
    with Workspace.open(folder) as workspace:
        job_store.end(workspace, job, run_id="plan-000001", at=at + timedelta(seconds=75))
    done = kim.get(f"/runs/progress?job={job}", **HTMX)
    assert "plan-000001 in 1 min 15 s" in done.text
    assert 'hx-get="/runs/progress' not in done.text  # nobody asks any more
    assert done.headers["HX-Refresh"] == "true"


# ---- audit trail


def test_the_log_tells_from_what_to_what_and_by_whom(browser, api_app):
    folder, at, desk = api_app.state.folder, api_app.state.clock(), api_app.state.desk
    first = desk.table("recommendations", Query(), ROOT, ["line_id"])["line_id"][0]
    decide.refuse(folder, [LineRef(first, 0)], ROOT, reason="other", text=HOSTILE, at=at)
    kim = browser("kim")
    page = kim.get("/audit?actor=root&object_type=line").text
    assert "<del>proposed</del> → <b>refused</b>" in page
    assert "<script>alert" not in page
    assert f'href="/recommendations/{first}"' in page
    for question, n in (
        (f"object_id={first}", 1),
        (f"q={first}", 1),
        ("actor=nobody", 0),
        (f"object_id={first}&at__ge={at:%Y-%m-%d}", 1),
        (f"object_id={first}&at__ge={at + timedelta(days=1):%Y-%m-%d}", 0),
        (f"object_id={first}&at__lt={at:%Y-%m-%d}", 0),
    ):
        assert kim.get(f"/audit?{question}").text.count("<del>proposed</del>") == n
    assert kim.get("/audit?at=2026-11-02").status_code == 422
    assert kim.get("/audit?actor__contains=o").status_code == 422


def test_a_change_that_is_not_one_is_not_told():
    told = str(audit_routes._change({"a": 1, "b": "x"}, {"a": 1, "b": "<i>", "c": True}))
    assert "x" in told
    assert "&lt;i&gt;" in told
    assert ">a<" not in told
    assert "yes" in told


def test_the_seals_are_checked_and_a_broken_one_is_told(browser, api_app):
    kim = browser("kim")
    assert "Whole" in kim.get("/audit/chain").text
    base = next(path for path in api_app.state.folder.iterdir() if path.suffix in (".db", ".sqlite"))
    with closing(sqlite3.connect(base)) as database:
        for (guard,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {guard}")
        database.execute("UPDATE audit_event SET actor = 'mallory' WHERE seq = 1")
        database.commit()
    broken = kim.get("/audit/chain").text
    assert "Broken" in broken
    assert "event 1" in broken


# ---- files


def _edited(browser, api_app, n=3):
    """Return the list as downloaded with the first lines accepted, and their ids."""
    content = browser.get("/files/recommendations.csv?status=proposed&kind=purchase").content
    frame = pl.read_csv(content, infer_schema=False)
    ids = frame["line_id"].head(n).to_list()
    status = pl.when(pl.col("line_id").is_in(ids)).then(pl.lit("accepted")).otherwise("status")
    return frame.with_columns(status=status).write_csv().encode(), ids


def statuses(app, ids):
    frame = app.state.desk.table("recommendations", Query(), ROOT, ["line_id", "status"])
    known = dict(frame.rows())
    return [known[each] for each in ids]


def test_a_file_is_shown_before_it_is_done_and_done_when_confirmed(browser, api_app):
    lee = browser("lee")
    content, ids = _edited(lee, api_app)
    shown = lee.post("/files/upload", files={"file": ("mine.csv", content)}).text
    assert "3 to be done" in shown
    assert statuses(api_app, ids) == ["proposed"] * 3
    packed = re.search(r'name="decisions" value="([^"]+)"', shown)[1]
    decide.refuse(
        api_app.state.folder, [LineRef(ids[0], 0)], ROOT, reason="other", text="no", at=api_app.state.clock()
    )
    answer = lee.post("/files/confirm", decisions=packed)
    assert answer.status_code == 303
    assert statuses(api_app, ids) == ["refused", "accepted", "accepted"]  # what root did is not overwritten
    told = unescape(lee.get("/recommendations").text)
    assert "2 lines decided from the file" in told
    assert f"{ids[0]}: root" in told


def test_rows_that_cannot_be_followed_are_told_with_why(browser, api_app):
    lee = browser("lee")
    content, ids = _edited(lee, api_app, n=1)
    frame = pl.read_csv(content, infer_schema=False).head(2)
    wrong = frame.with_columns(status=pl.Series(["refused", HOSTILE]))
    page = lee.post("/files/upload", files={"file": ("mine.csv", wrong.write_csv().encode())}).text
    assert "It needs a reason_code" in page
    assert "Status can be" in page
    assert "<script>alert" not in page
    assert 'name="decisions"' not in page
    assert statuses(api_app, ids) == ["proposed"]


@pytest.mark.parametrize(
    "file",
    [("a.txt", b"x"), ("a.csv", b""), ("a.csv", b"a,b\n1,2\n"), ("a.xlsx", b"PK\x03\x04 no"), None],
    ids=["ending", "empty", "columns", "broken", "none"],
)
def test_a_file_that_is_no_list_is_refused_in_words(browser, file):
    answer = browser("kim").post("/files/upload", files={"file": file} if file else {"file": ("", b"")})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def _pack(rows):
    return urlsafe_b64encode(zlib.compress(json.dumps(rows).encode())).decode()


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "no text of ours",
        _pack([]),
        _pack({"a": 1}),
        _pack([[1, "plan-000001-1", 0, "drop table", None, None, "", ""]]),
        _pack([[1, None, 0, "accept", None, None, "", ""]]),
        _pack([[1, "plan-000001-1", 0, "accept", None, "tomorrow", "", ""]]),
        _pack([[1, 2]]),
        urlsafe_b64encode(zlib.compress(b"[" * 30_000_000)).decode(),
        urlsafe_b64encode(zlib.compress(b"[" * 100_000)).decode(),
    ],
    ids=["none", "text", "empty", "object", "action", "line", "day", "short", "bomb", "deep"],
)
def test_a_forged_confirmation_is_refused(browser, packed):
    answer = browser("lee").post("/files/confirm", decisions=packed)
    assert answer.status_code == 422
    assert "Nothing was changed." in answer.text


def test_the_log_is_downloaded_as_it_is_filtered(browser):
    content = browser("kim").get("/files/audit.csv?action=log_in").content
    frame = pl.read_csv(content)
    assert set(frame.columns) >= {"seq", "actor", "old", "new", "hash"}
    assert set(frame["action"]) <= {"log_in"}


# ---- learning


def _learned(folder, **given):
    row = dict.fromkeys(table("suggestion").names) | {
        "suggestion_id": "lead_time:supplier:Acme", "rank": 1, "verdict": "suggest", "scope_kind": "supplier",
        "subject": HOSTILE, "direction": "raised", "n": 20, "n_same": 19, "median_change": 0.3,
        "value_added": 5000.0, "value_low": 1000.0, "value_high": 9000.0, "chance_direction": 0.001,
        "false_alarm_share": 0.05, "parameter": "lead_time", "field": "days", "value_from": 14.0,
        "value_to": 21.0, "value_per_year": 20_000.0, "first_date": date(2026, 1, 1),
        "last_date": date(2026, 9, 1), "sentence": "You raise Acme items by 30 % and it has paid.",
    } | given  # fmt: skip
    total = dict.fromkeys(table("outcome_total").names) | {
        "by": "all", "group": "all", "n": 20, "n_items": 5, "n_accepted": 7, "n_open": 3, "n_unknown": 0,
        "value_added": 5000.0, "value_low": 1000.0, "value_high": 9000.0, "shortage_saved": 6000.0,
        "holding_saved": -1500.0, "ordering_saved": 500.0, "doing_saved": 0.0, "verdict": "helped",
    }  # fmt: skip
    outcome = table("outcome")
    empty = pl.DataFrame({name: [None] for name in outcome.names}, schema=outcome.schema)
    tables = {
        "suggestion": pl.DataFrame([row], schema=table("suggestion").schema),
        "outcome_total": pl.DataFrame(
            [total, total | {"by": "author", "group": "kim"}], schema=table("outcome_total").schema
        ),
        "outcome": empty,
    }
    return LearningResult(folder, "learning-000001", date(2026, 10, 31), "EUR", tables)


def test_before_anything_is_learned_the_page_says_how(shown):
    page = shown.get("/learning").text
    assert "Nothing has been judged yet" in page
    assert "plimsoll learn" in page
    assert shown.get("/learning?by=mood").status_code == 422


def test_what_was_learned_adds_up_and_a_habit_can_be_adopted(browser, api_app, monkeypatch):
    result, adopted = _learned(api_app.state.folder), {}
    monkeypatch.setattr(learning_routes, "load_learning", lambda *_, **__: result)
    monkeypatch.setattr(learning_routes, "adopt", lambda *given, **named: adopted.update(named, id=given[1]))
    planner, lee = browser("kim").get("/learning").text, browser("lee")
    page = lee.get("/learning").text
    spec = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])
    assert sum(step["value"] for step in spec["steps"]) == 5000.0
    assert "5,000 EUR" in page
    assert "Lead time: 14.0 days → 21.0 days" in page
    assert "<script>alert" not in page
    assert ("Adopt…" in page, "Adopt…" in planner) == (True, False)
    given = {"suggestion_id": "lead_time:supplier:Acme", "field": "days", "value": "18", "text": "ok"}
    assert lee.post("/learning/adopt", **given).status_code == 303
    made = {"value": 18.0, "text": "ok", "expires_at": None}
    assert adopted == made | {"id": "lead_time:supplier:Acme", "at": api_app.state.clock()}
    lee.post("/learning/adopt", **given | {"field": "service", "value": "97.5"})
    assert adopted["value"] == pytest.approx(0.975)
    assert lee.post("/learning/adopt", **given, until="2020-01-01").status_code == 422


def test_a_share_is_a_bar_and_its_figure():
    column = cells.Column("kept", "Kept", "share")
    assert "50 %" in str(cells.cells((column,), {"kept": 0.5}))
    assert 'width="20"' in str(cells.cells((column,), {"kept": 0.5}))
