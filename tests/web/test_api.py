"""The API as programs meet it: lists, decisions, keys, versions, refusals, and the database after them."""

import json
import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from plimsoll.domain.desk_lists import LISTS
from plimsoll.domain.people import owner
from plimsoll.web.api.lists import ADDRESSES
from plimsoll.workflows import once

AT = datetime(2026, 11, 2, 8, 15, tzinfo=UTC)
PROBLEM = "application/problem+json"
ROOT = owner("root")
PASSING = ("api_token", "web_session", "idempotency", "login_throttle", "alembic_version")


def kept(app):
    """Return everything that the database holds of people's work."""
    with closing(sqlite3.connect(app.state.folder / "plimsoll.db")) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in names if name not in PASSING}  # noqa: S608


@pytest.fixture
def kim(program):
    return program("kim")


def proposed(kim, n=1, **asked):
    question = "&".join(f"{name}={value}" for name, value in asked.items())
    return kim.get(f"/recommendations?status=proposed&size={n}&{question}").json()["items"]


def refs(lines):
    return [{"line_id": line["line_id"], "version": line["version"]} for line in lines]


def is_problem(answer, status):
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    told = answer.json()
    assert told["status"] == status
    assert told["what"]
    assert told["detail"].startswith(told["what"])
    assert told["type"].startswith("urn:plimsoll:error:")
    assert told["instance"].startswith("/")
    assert told["request_id"] == answer.headers["x-request-id"]
    return told


# --- lists -----------------------------------------------------------------------------------------


def test_every_list_of_the_desk_has_an_address(reader):
    assert ADDRESSES.keys() == LISTS.keys()
    for name, (address, _) in ADDRESSES.items():
        page = reader.get(f"/{address}?size=2")
        assert page.status_code == 200, page.text
        told = reader.get(f"/lists/{name}").json()
        assert told["address"] == f"/api/v1/{address}"
        columns = {column["name"] for column in told["columns"]}
        if name != "audit":  # asked by a few columns, shown with more
            assert all(
                columns == set(row) - {"drivers"} or columns >= set(told["key"])
                for row in page.json()["items"]
            )


def test_a_list_is_filtered_sorted_paged_and_summed(reader):
    whole = reader.get("/items?size=500").json()
    wanted = [row for row in whole["items"] if row["abc"] == "A"]
    first = reader.get("/items?abc=A&sort=-on_hand_value,item_id,location_id&size=5")
    page = first.json()
    assert page["total"] == len(wanted) > 5
    assert page["sums"]["on_hand_value"] == pytest.approx(sum(row["on_hand_value"] or 0 for row in wanted))
    by_value = sorted(
        wanted, key=lambda row: (-(row["on_hand_value"] or 0), row["item_id"], row["location_id"])
    )
    assert page["items"] == by_value[:5]
    assert page["next"] == "/api/v1/items?abc=A&sort=-on_hand_value,item_id,location_id&page=2&size=5"
    assert f'<{page["next"]}>; rel="next"' in first.headers["link"]
    rows, href = [], "/items?abc=A&sort=-on_hand_value,item_id,location_id&size=5"
    while href:
        part = reader.get(href.removeprefix("/api/v1")).json()
        rows, href = rows + part["items"], part["next"]
    assert rows == by_value


def test_a_column_says_what_it_can_be_asked(reader):
    told = {each["name"]: each for each in reader.get("/lists/items").json()["columns"]}
    assert told["on_hand_value"]["kind"] == "number"
    assert "ge" in told["on_hand_value"]["operators"]
    assert "contains" not in told["on_hand_value"]["operators"]
    choices = reader.get("/lists/items/choices?column=abc").json()["choices"]
    assert sum(each["n"] for each in choices) == reader.get("/items").json()["total"]
    one = reader.get("/lists/items/choices?column=abc&abc=A&planned=true").json()["choices"]
    assert {each["value"] for each in one} <= {"A", "B", "C", None}


def test_a_list_comes_as_a_file_that_hides_no_formula(reader):
    csv = reader.get("/lists/recommendations/file.csv?status=proposed&sort=-value")
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.headers["content-disposition"] == 'attachment; filename="recommendations.csv"'
    assert csv.text.count("\n") == 1 + reader.get("/recommendations?status=proposed").json()["total"]
    book = reader.get("/lists/recommendations/file.xlsx?abc=A")
    assert book.content[:2] == b"PK"
    is_problem(reader.get("/lists/recommendations/file.exe"), 422)


# --- decisions -------------------------------------------------------------------------------------


def test_a_line_is_accepted_changed_refused_and_taken_back(kim, api_app):
    accept, change, refuse = proposed(kim, 3, kind="purchase,transfer")
    done = kim.post(f"/recommendations/{accept['line_id']}/accept", {"version": 0})
    assert done.json() == {
        "line_id": accept["line_id"], "status": "accepted", "version": 1, "quantity": accept["quantity"],
        "date": accept["due_date"], "warning": "",
    }  # fmt: skip
    assert done.headers["etag"] == '"1"'
    body = {
        "version": 0,
        "quantity": 7,
        "date": change["due_date"],
        "reason": "customer_news",
        "text": "Ann rang",
    }
    done = kim.post(f"/recommendations/{change['line_id']}/change", body).json()
    assert (done["status"], done["quantity"]) == ("changed", 7)
    done = kim.post(f"/recommendations/{refuse['line_id']}/refuse", {"reason": "cash"}, If_Match='"0"').json()
    assert done["status"] == "refused"
    view = kim.get(f"/recommendations/{change['line_id']}")
    assert view.headers["etag"] == '"1"'
    assert view.json()["line"]["reason_text"] == "Ann rang"
    (event,) = view.json()["events"]
    assert (event["actor"], event["new"]["quantity"]) == ("kim", 7)
    back = kim.post(f"/recommendations/{change['line_id']}/reopen", {"version": 1}).json()
    assert (back["status"], back["version"], back["quantity"]) == ("proposed", 2, change["quantity"])
    states = {row[1]: row[2] for row in kept(api_app)["line_state"]}
    assert sorted(states.values()) == ["accepted", "proposed", "refused"]


def test_who_comes_second_is_told_who_was_first(kim, program, api_app):
    (line,) = proposed(kim)
    href = f"/recommendations/{line['line_id']}"
    kim.post(f"{href}/refuse", {"version": 0, "reason": "cash"})
    before = kept(api_app)
    told = is_problem(program("lee").post(f"{href}/accept", {"version": 0}), 409)
    assert "kim" in told["what"]
    many = program("lee").post("/recommendations/accept", {"lines": refs([line, *proposed(kim)])}).json()
    assert list(many["refused_because"]) == [line["line_id"]]
    assert len(many["done"]) == 1
    assert len(kept(api_app)["line_state"]) == len(before["line_state"]) + 1
    is_problem(kim.post(f"{href}/reopen", {}), 422)  # not said which version was seen


def test_above_the_limit_an_approver_decides(kim, program, api_app):
    assert (
        program("ann")("PUT", "/settings/approval/planner_limit", {"value": 1.0, "reason": "try"}).status_code
        == 200
    )
    one, other = proposed(kim, 2, value__gt=2)
    done = kim.post("/recommendations/accept", {"lines": refs([one, other])}).json()
    assert sorted(done["submitted"]) == sorted([one["line_id"], other["line_id"]])
    is_problem(kim.post(f"/recommendations/{one['line_id']}/approve", {"version": 1}), 403)
    lee = program("lee")
    assert (
        lee.post(f"/recommendations/{one['line_id']}/approve", {"version": 1}).json()["status"] == "accepted"
    )
    assert lee.post(
        "/recommendations/approve", {"lines": [{"line_id": other["line_id"], "version": 1}]}
    ).json()["done"] == [other["line_id"]]
    assert {row[2] for row in kept(api_app)["line_state"]} == {"accepted"}


def test_all_that_match_are_accepted_if_they_are_what_was_seen(kim, api_app):
    seen = kim.get("/recommendations?status=proposed&abc=A").json()
    body = {"filter": {"abc": "A", "status": "refused"}, "total": seen["total"] + 1}
    is_problem(kim.post("/recommendations/accept-matching", body), 409)
    is_problem(kim.post("/recommendations/accept-matching", body | {"total": seen["total"], "value": 1}), 409)
    assert kept(api_app)["line_state"] == []
    body |= {"total": seen["total"], "value": seen["sums"]["value_eff"]}
    done = kim.post("/recommendations/accept-matching", body).json()
    assert len(done["done"]) == seen["total"] > 0
    assert kim.get("/recommendations?status=accepted").json()["total"] == seen["total"]
    again = kim.post("/recommendations/accept-matching", body | {"total": 0, "value": 0}).json()
    assert again["done"] == []


def test_what_was_accepted_is_sent_once(kim, program, api_app):
    lines = proposed(kim, 3)
    kim.post("/recommendations/accept", {"lines": refs(lines)})
    batch = kim.post("/exports", {"formats": ["csv", "json"]}).json()["batch"]
    assert (batch["n_lines"], batch["owed"]) == (3, {})
    assert kim.post("/exports", {}).json() == {"batch": None}
    assert program("lee").post("/exports/deliver").json() == []
    name = batch["batch_id"]
    assert kim.get(f"/exports/{name}").json()["n_lines"] == 3
    assert {row["line_id"] for row in kim.get(f"/exports/{name}/lines").json()["items"]} == {
        line["line_id"] for line in lines
    }
    for ending in ("csv", "json"):
        got = kim.get(f"/exports/{name}/file.{ending}").content
        assert got == (api_app.state.folder / "exports" / f"{name}.{ending}").read_bytes()
    is_problem(kim.get("/exports/batch-000099/file.csv"), 404)
    is_problem(program("far").get(f"/exports/{name}/file.csv"), 403)
    assert program("far").get(f"/exports/{name}/lines").json()["total"] == 0


# --- the rest of the day ---------------------------------------------------------------------------


def test_an_exception_is_owned_and_closed(kim, program):
    first = kim.get("/exceptions?size=1").json()["items"][0]
    href = f"/exceptions/{quote(first['exception_id'])}"
    seen = kim.get(href)
    assert seen.json()["exception"] == first
    parts = seen.json()["parts"]
    assert {part["exception_id"] for part in parts} == {first["exception_id"]}
    owned = kim("PATCH", href, {"version": 0, "owner": "kim", "due": "2026-11-09"})
    assert owned.json()["exception"]["owner"] == "kim"
    is_problem(program("lee")("PATCH", href, {"version": 0, "closed": "acted"}), 409)
    closed = kim("PATCH", href, {"closed": "acted", "text": "Done"}, If_Match=owned.headers["etag"])
    assert closed.json()["exception"]["status"] == "closed"
    is_problem(kim("PATCH", href, {"version": 2, "closed": "gone"}), 422)
    is_problem(kim("PATCH", href, {"version": 2}), 422)


def test_a_point_is_told_whole_and_its_steps_add_up(reader):
    kim = reader
    line = proposed(kim, kind="purchase")[0]
    asked = f"item_id={line['item_id']}&location_id={line['to_location_id']}"
    told = kim.get(f"/item?{asked}").json()
    assert sum(step["qty"] for step in told["level_steps"]) == pytest.approx(told["level_qty"])
    assert sum(step["qty"] for step in told["order_steps"]) == pytest.approx(told["order_qty"])
    assert len(told["history"]["starts"]) == len(told["history"]["quantity"])
    assert len(told["forecast"]["mean"]) == 13
    others = kim.get(f"/item/alternatives?{asked}").json()
    assert len({row["target_service"] for row in others}) == len(others) > 2


def test_a_value_is_tried_set_and_withdrawn(kim):
    point = proposed(kim, kind="purchase")[0]
    where = {"item_id": point["item_id"], "location_id": point["to_location_id"]}
    body = {"kind": "target", "field": "service", "value": 0.999, "reason": "cash", **where}
    tried = kim.post("/overrides/try", body).json()
    assert tried["after"]["order_up_to_qty"] >= tried["before"]["order_up_to_qty"]
    assert kim.get("/overrides").json()["total"] == 0
    done = kim.post("/overrides", body)
    assert (done.status_code, done.json()["n_rows"]) == (201, 1)
    name = done.json()["override"]["id"]
    assert kim.get(f"/overrides/{name}").json()["status"] == "in_force"
    is_problem(kim.post(f"/overrides/{name}/withdraw", {"reason": " "}), 422)
    assert (
        kim.post(f"/overrides/{name}/withdraw", {"reason": "No longer"}).json()["override"]["withdrawn_by"]
        == "kim"
    )
    assert kim.get(f"/overrides/{name}").json()["status"] == "withdrawn"


def test_a_view_is_kept_shared_and_forgotten(kim, program):
    body = {
        "list_name": "items",
        "name": "Mine",
        "query": "?abc=A&sort=-on_hand_value&page=3",
        "shared": True,
    }
    made = kim.post("/views", body).json()
    assert made["query"] == "?abc=A&sort=-on_hand_value"
    again = kim.post("/views", body | {"query": "abc=B"}).json()
    assert (again["id"], again["query"]) == (made["id"], "?abc=B")
    vic = program("vic")
    assert [view["id"] for view in vic.get("/views?list_name=items").json()] == [made["id"]]
    assert vic.get("/views?list_name=runs").json() == []
    is_problem(vic("DELETE", f"/views/{made['id']}"), 404)
    is_problem(kim.post("/views", body | {"query": "nonsense=1"}), 422)
    is_problem(kim.post("/views", body | {"list_name": "nonsense"}), 404)
    assert kim("DELETE", f"/views/{made['id']}").status_code == 204
    assert vic.get("/views").json() == []


def test_an_option_is_set_with_a_reason_and_the_switch_has_its_own_way(program, api_app):
    ann = program("ann")
    known = {(each["section"], each["name"]): each for each in ann.get("/settings").json()}
    assert known["plan", "seed"]["source"] == "default"
    assert not {section for section, _ in known} & {"people", "web", "oidc"}
    done = ann("PUT", "/settings/approval/planner_limit", {"value": 5000, "reason": "Finance"}).json()
    assert (done["value"], done["source"], done["default"]) == (5000.0, "set", 0.0)
    (event, *_) = ann.get("/audit?object_type=parameter").json()["items"]
    assert (event["old"]["value"], event["new"]["value"]) == (0.0, 5000.0)
    before = kept(api_app)
    for path, body, status in (
        ("approval/planner_limit", {"value": -1, "reason": "x"}, 422),
        ("approval/planner_limit", {"value": "much", "reason": "x"}, 422),
        ("approval/planner_limit", {"value": 1, "reason": ""}, 422),
        ("approval/planner_limit", {"value": 1, "reason": "x", "expires_at": "2020-01-01T00:00:00Z"}, 422),
        ("accept/stopped", {"value": True, "reason": "x"}, 422),
        ("web/public_url", {"value": "https://evil.example", "reason": "x"}, 404),
        ("approval/nothing", {"value": 1, "reason": "x"}, 404),
    ):
        is_problem(ann("PUT", f"/settings/{path}", body), status)
    assert kept(api_app) == before
    assert program("kim").post("/automatic/stop", {"reason": "Odd orders"}).status_code == 204
    assert {"value": True, "source": "set"}.items() <= next(
        each
        for each in ann.get("/settings").json()
        if (each["section"], each["name"]) == ("accept", "stopped")
    ).items()
    assert ann.post("/automatic/start", {"reason": "Looked at"}).status_code == 204


def test_users_and_tokens(program, api_app):
    ann = program("ann")
    made = ann.post("/users", {"username": "Bo", "role": "planner", "locations": ["DC1"]})
    assert (made.status_code, made.json()["username"], made.headers["etag"]) == (201, "bo", '"1"')
    done = ann("PATCH", "/users/bo", {"role": "approver", "locations": None}, If_Match='"1"').json()
    assert (done["role"], done["locations"], done["name"]) == ("approver", None, "bo")
    is_problem(ann("PATCH", "/users/bo", {"role": "viewer", "version": 1}), 409)
    assert ann.post("/users/bo/lock").json()["locked_at"]
    assert ann.post("/users/bo/unlock").json()["locked_at"] is None
    is_problem(ann.post("/users/bo/link"), 403)  # what a stolen token could use to stay in
    is_problem(ann.post("/tokens", {"name": "more", "days": 9}), 403)
    (own,) = ann.get("/tokens").json()
    assert "secret" not in own
    assert ann("DELETE", f"/tokens/{own['id']}").json()["withdrawn_by"] == "ann"
    is_problem(ann.get("/me"), 401)


def test_a_plan_is_started_and_watched(kim, idle):
    started = kim.post("/runs")
    assert (started.status_code, started.headers["location"]) == (202, "/api/v1/jobs/1")
    assert kim.get("/jobs/1").json()["status"] == "queued"
    is_problem(kim.post("/runs"), 422)
    is_problem(kim.get("/jobs/2"), 404)
    run = kim.get("/runs?kind=plan").json()["items"][0]
    assert kim.get(f"/runs/{run['run_id']}").json() == run


def test_learning_without_decisions_is_empty(kim, program):
    assert kim.get("/learning").json()["run_id"] == ""
    assert kim.post("/learning").json()["n_decisions"] == 0
    is_problem(program("lee").post("/learning/adopt", {"suggestion_id": "none"}), 404)


def test_the_server_tells_of_itself(stranger, kim):
    nobody = stranger
    assert nobody.get("/api/v1/health").json()["status"] == "ok"
    assert nobody.get("/api/v1/openapi.json").json()["info"]["title"] == "Plimsoll"
    assert nobody.get("/api/v1/metrics").status_code == 401
    kim.get("/recommendations/none")
    told = kim.get("/metrics").text
    assert (
        'plimsoll_api_requests_total{method="GET",route="/recommendations/{line_id}",status="404"} 1' in told
    )
    assert kim.get("/words").json()["reasons"]["cash"]
    assert kim.get("/me").json()["may"] == [
        "view", "save_view", "own_token", "decide", "work_exception", "override", "start_run", "export",
        "stop_automatic",
    ]  # fmt: skip
    assert kim.get("/today").json()["head"]["run_id"] == "plan-000001"
    line = proposed(kim)[0]
    assert any(each["name"] == line["item_id"] for each in kim.get(f"/search?q={line['item_id']}").json())


# --- done once -------------------------------------------------------------------------------------


def test_the_same_request_with_its_key_is_done_once(kim, program, api_app):
    one, other = proposed(kim, 2)
    href = f"/recommendations/{one['line_id']}/refuse"
    body = {"version": 0, "reason": "cash"}
    first = kim.post(href, body, Idempotency_Key="k-1")
    after = kept(api_app)
    again = kim.post(href, body, Idempotency_Key="k-1")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert kept(api_app) == after
    is_problem(kim.post(href, body | {"reason": "space"}, Idempotency_Key="k-1"), 422)
    is_problem(kim.post(f"/recommendations/{other['line_id']}/refuse", body, Idempotency_Key="k-1"), 422)
    assert kept(api_app) == after
    is_problem(program("lee").post(href, body, Idempotency_Key="k-1"), 409)  # another's key is another's
    is_problem(program("kim", role="viewer").post(href, body, Idempotency_Key="k-1"), 422)


def test_a_request_under_way_is_not_begun_again(kim, api_app):
    (line,) = proposed(kim)
    href, body = f"/recommendations/{line['line_id']}/refuse", {"version": 0, "reason": "cash"}
    seen = {}

    def refused(*_, **__):
        seen["while"] = kim.post(href, body, Idempotency_Key="k-2")
        raise RuntimeError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plimsoll.workflows.decide.refuse", refused)
        is_problem(kim.post(href, body, Idempotency_Key="k-2"), 500)
    is_problem(seen["while"], 409)
    is_problem(kim.post(href, body, Idempotency_Key="k-2"), 409)  # after a fault nobody knows what was done
    assert kept(api_app)["line_state"] == []


def test_what_was_refused_may_be_asked_again_with_its_key(kim):
    (line,) = proposed(kim)
    href = f"/recommendations/{line['line_id']}/refuse"
    is_problem(kim.post(href, {"version": 0}, Idempotency_Key="k-3"), 422)
    assert kim.post(href, {"version": 0, "reason": "cash"}, Idempotency_Key="k-3").status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "\xe9", "x" * 201])
def test_a_key_that_cannot_be_one_is_refused(reader, key, steady_app):
    (line,) = proposed(reader)
    before = kept(steady_app)
    href, body = f"/api/v1/recommendations/{line['line_id']}/refuse", {"version": 0, "reason": "cash"}
    given = [(name.encode(), value.encode()) for name, value in reader.headers.items()]
    headers = [*given, (b"Idempotency-Key", key.encode("latin-1"))]
    is_problem(reader.client.post(href, json=body, headers=headers), 422)
    assert kept(steady_app) == before


def test_a_secret_is_not_kept_with_its_key(session, stranger, program_with, api_app):
    ann = session("ann")
    assert ann.client.post("/api/v1/tokens", json={"name": "n", "days": 5}).status_code == 403  # forged
    given = {"headers": {"Idempotency-Key": "k-4"}, "json": {"name": "n", "days": 5}}
    first, again = (ann("POST", "/api/v1/tokens", **given).json() for _ in range(2))
    assert first["secret"].startswith("plm_")
    assert again == first | {"secret": None}
    assert len(ann("GET", "/api/v1/tokens").json()) == 1
    assert program_with(first["secret"]).get("/me").json()["username"] == "ann"
    link, told = (
        ann("POST", "/api/v1/users/kim/link", headers={"Idempotency-Key": "k-5"}).json() for _ in range(2)
    )
    assert stranger.get(f"/welcome?code={link['code']}").status_code == 200
    assert told == {"code": None}
    with closing(sqlite3.connect(api_app.state.folder / "plimsoll.db")) as db:
        held = json.dumps(db.execute("SELECT * FROM idempotency").fetchall())
    assert first["secret"] not in held
    assert link["code"] not in held


def test_a_key_that_was_given_up_is_free(api_app):
    folder = api_app.state.folder
    same = {"request": "POST /x", "body_sha256": "0" * 64}
    assert once.begin(folder, ROOT, "k", **same, at=AT) is None
    once.finish(folder, ROOT, "k", once.Answer(200, "{}"), at=AT)
    assert once.begin(folder, ROOT, "k", **same, at=AT) == once.Answer(200, "{}")
    once.forget(folder, ROOT, "k")
    assert once.begin(folder, ROOT, "k", **same, at=AT) is None


# --- bad input -------------------------------------------------------------------------------------

SCRIPT = "<script>alert(1)</script>"
SQL = "x'; DROP TABLE line_state; --"
RAW = (
    b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"lines": NaN}', b"[" * 100_000, b'{"lines": 1e999}',
    b'{"version": ' + b"9" * 5000 + b"}", b'{"lines": [{"line_id": "\\ud800", "version": 0}]}',
)  # fmt: skip
BODIES = (
    {}, {"lines": []}, {"lines": [{"line_id": "plan-000001-1"}]},
    {"lines": [{"line_id": "x\0", "version": 0}]},
    {"lines": [{"line_id": "plan-000001-1", "version": -1}]}, {"lines": [{"line_id": 5, "version": 0}]},
    {"lines": [{"line_id": "plan-000001-1", "version": 2**70}]},
    {"lines": [{"line_id": "x" * 400, "version": 0}]},
    {"lines": [{"line_id": "plan-000001-1", "version": 0}], "unknown": 1},
    {"lines": [{"line_id": "plan-000001-1", "version": 0}], "text": "x" * 3000},
    {"lines": [{"line_id": "plan-000001-1", "version": 0}], "reason": "no such"},
)  # fmt: skip
CHANGES = (
    '{"quantity": NaN}', '{"quantity": Infinity}', '{"quantity": -Infinity}', '{"quantity": -1}',
    '{"quantity": 0}',
    '{"quantity": 1e300}', '{"quantity": "5"}', '{"quantity": true}', '{"quantity": 1' + "0" * 400 + "}",
    '{"date": "1999-01-01"}', '{"date": "2026-13-01"}', '{"date": 5}', '{"date": "2999-01-01"}',
    '{"reason": "cash"}',
)  # fmt: skip


@pytest.mark.parametrize("raw", RAW, ids=lambda raw: raw[:12].decode("latin-1"))
def test_what_is_no_body_is_refused(reader, steady_app, raw):
    before = kept(steady_app)
    headers = reader.headers | {"Content-Type": "application/json"}
    answer = reader.client.post("/api/v1/recommendations/accept", content=raw, headers=headers)
    assert answer.status_code in (400, 422)
    is_problem(answer, answer.status_code)
    assert kept(steady_app) == before


@pytest.mark.parametrize("body", BODIES, ids=lambda body: json.dumps(body)[:60])
def test_bodies_that_make_no_sense_are_refused(reader, steady_app, body):
    before = kept(steady_app)
    is_problem(reader.post("/recommendations/accept", body), 422)
    assert kept(steady_app) == before


@pytest.mark.parametrize("raw", CHANGES, ids=lambda raw: raw[:30])
def test_quantities_and_days_that_cannot_be_meant_are_refused(reader, steady_app, raw):
    (line,) = proposed(reader, kind="purchase")
    before = kept(steady_app)
    content = '{"version": 0, "reason": "cash", ' + raw.removeprefix("{")
    answer = reader.client.post(
        f"/api/v1/recommendations/{line['line_id']}/change",
        content=content.replace('"reason": "cash", "reason": "cash"', '"reason": "cash"'),
        headers=reader.headers | {"Content-Type": "application/json"},
    )
    is_problem(answer, 422)
    assert kept(steady_app) == before


def test_addresses_that_lead_nowhere_are_refused(reader, steady_app):
    before = kept(steady_app)
    for path, status in (
        ("/nothing", 404), ("/recommendations/none", 404), ("/recommendations/plan-000001-99999", 404),
        (f"/recommendations/{quote(SQL)}", 404), ("/recommendations/plan-000001-1%00", 422),
        ("/item?item_id=none&location_id=none", 404), ("/item?item_id=&location_id=", 422),
        (f"/exceptions/{quote(SQL)}", 404), ("/exceptions/a/b/../c", 404), ("/overrides/O99", 404),
        ("/jobs/0", 422), (f"/jobs/{2**80}", 422), ("/runs/none", 404), ("/exports/../../etc/passwd", 404),
        ("/exports/batch-000001/file.exe", 422), ("/lists/..%2f..%2fetc", 404), ("/tokens?username=vic", 403),
        (f"/items?q={'x' * 5000}", 422), (f"/items?abc={quote(SQL)}", 200), ("/items?nothing=1", 422),
        ("/items?page=0", 422), (f"/items?page={10**30}", 422), ("/items?size=501", 422),
        ("/items?sort=;--", 422),
        ("/items?on_hand_value__ge=NaN", 422), ("/items?on_hand_value__ge=1%20OR%201=1", 422),
        (f"/audit?actor={quote(SQL)}", 200), ("/audit?actor=%00", 422), ("/audit?actor=a,b", 422),
    ):  # fmt: skip
        answer = reader.get(path)
        assert answer.status_code == status, (path, answer.text)
        if status == 200:
            assert answer.json()["total"] == 0
        else:
            is_problem(answer, status)
    for method, path in (("DELETE", "/items"), ("PUT", "/recommendations/x/accept"), ("POST", "/health")):
        answer = reader(method, path)
        is_problem(answer, 405)
        assert answer.headers["allow"]
    assert kept(steady_app) == before


def test_ten_megabytes_are_too_many(reader, steady_app):
    before = kept(steady_app)
    body = {"lines": [], "text": "x" * 10_000_000}
    is_problem(reader.post("/recommendations/accept", body), 413)
    assert kept(steady_app) == before


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer plm_forged", "Bearer x' OR '1'='1", "Basic YTpi", "bearer \xe9", ""],
)
def test_a_forged_token_lets_nobody_in(steady_app, unknown, header):
    before, client = kept(steady_app), unknown
    headers = [(b"Authorization", header.encode("latin-1")), (b"Content-Type", b"application/json")]
    for method, path in (("GET", "items"), ("POST", "recommendations/accept"), ("POST", "users")):
        answer = client.request(method, f"/api/v1/{path}", headers=headers, content=b"{")
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    assert kept(steady_app) == before


def test_script_stays_text(kim):
    (line,) = proposed(kim)
    done = kim.post(
        f"/recommendations/{line['line_id']}/refuse", {"version": 0, "reason": "other", "text": SCRIPT}
    )
    assert done.status_code == 200
    view = kim.get(f"/recommendations/{line['line_id']}")
    assert view.json()["line"]["reason_text"] == SCRIPT
    assert view.headers["content-type"] == "application/json"
    assert view.headers["x-content-type-options"] == "nosniff"


def test_a_refusal_is_in_the_log_without_what_was_sent(reader, caplog):
    caplog.set_level(logging.INFO, "plimsoll.access")
    answer = reader.get(f"/items?abc__contains__x={SQL}")
    (line,) = [json.loads(record.message) for record in caplog.records if record.name == "plimsoll.access"]
    assert line.items() >= {"status": 422, "path": "/api/v1/items", "user": "kim", "token": "of kim"}.items()
    assert line["request"] == answer.headers["x-request-id"]
    assert "DROP" not in caplog.text
