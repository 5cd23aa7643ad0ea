"""The door of the workbench as browsers and programs meet it: log-in, sessions, forgery, limits, headers."""

import json
import logging
import re
import shutil
import warnings
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest
from fastapi import Depends, File, Form, UploadFile
from fastapi.responses import JSONResponse

from plimsoll.domain.people import Person, owner
from plimsoll.integrations import passwords
from plimsoll.store.workspace import Workspace
from plimsoll.web.app import create_app
from plimsoll.web.security import csrf_token, current_person, guards, requires, upload_limit
from plimsoll.workflows import people

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # which HTTP library the client stands on is its own affair
    from starlette.testclient import TestClient

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
GOOD, BETTER = "four words nobody joins", "five more words nobody joins"
ROOT = owner("root")
PROBLEM = "application/problem+json"


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.at = AT

    def __call__(self):
        return self.at


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """Hashes of the same kind that cost next to nothing."""
    monkeypatch.setattr(passwords, "_HASHER", passwords.PasswordHasher(1, 8, 1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template") / "shop"
    Workspace.create(folder).close()
    for name, role in (("kim", "planner"), ("vera", "viewer"), ("ann", "admin")):
        people.add_user(folder, name, {"name": name.title(), "role": role}, ROOT, at=AT, password=GOOD)
    return folder


@pytest.fixture
def folder(template, tmp_path):
    return shutil.copytree(template, tmp_path / "shop")


@pytest.fixture
def serve(folder):
    """Start the workbench with a few routes to try the door on; returns a maker of clients."""
    started = []

    def start(settings="", base_url="http://testserver"):
        (folder / "plimsoll.toml").write_text(settings)
        app = create_app(folder, clock=Clock())
        _probes(app)
        client = TestClient(app, base_url=base_url, follow_redirects=False, raise_server_exceptions=False)
        client.__enter__()
        started.append(client)
        return client

    yield start
    for client in started:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serve):
    return serve()


def _probes(app):
    Who = Annotated[Person, Depends(current_person)]
    Decider = Annotated[Person, Depends(requires("decide"))]
    done = app.state.done = []

    @app.get("/probe")
    def see(who: Who):
        return {"who": who.username, "role": who.role}

    @app.get("/probe/csrf")
    async def give(who: Who, csrf: Annotated[str, Depends(csrf_token)]):
        return csrf

    @app.post("/probe")
    def act(who: Decider, note: Annotated[str, Form()] = ""):
        done.append(note)
        return {"who": who.username, "note": note}

    @app.post("/api/v1/probe")
    def act_by_program(who: Decider, body: dict):
        done.append(body)
        return body

    @app.post("/probe/upload", max_body_size=upload_limit(app.state.sign_in))
    def upload(who: Decider, file: Annotated[UploadFile, File()]):
        return JSONResponse(len(file.file.read()))

    @app.get("/probe/fault")
    def fault():
        raise RuntimeError("secret detail")


def log_in(client, name="kim", password=GOOD, **more):
    return client.post("/login", data={"username": name, "password": password, **more})


def csrf(client):
    return client.get("/probe/csrf").json()


def cookie_of(answer, name="plimsoll"):
    return next(line for line in answer.headers.get_list("set-cookie") if name in line.split("=")[0])


# --- who is nobody ---------------------------------------------------------------------------------


def test_a_page_sends_to_the_log_in_and_back(client):
    answer = client.get("/probe?abc=A,B&page=2")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fprobe%3Fabc%3DA%2CB%26page%3D2"
    page = client.get(answer.headers["location"])
    assert page.status_code == 200
    assert 'name="next" value="/probe?abc=A,B&amp;page=2"' in page.text
    inside = log_in(client, next="/probe?abc=A,B&page=2")
    assert (inside.status_code, inside.headers["location"]) == (303, "/probe?abc=A,B&page=2")
    assert client.get(inside.headers["location"]).json() == {"who": "kim", "role": "planner"}
    assert client.get("/login?next=/probe").headers["location"] == "/probe"


def test_a_fragment_sends_the_whole_page_to_the_log_in(client):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/items?q=1"}
    answer = client.get("/probe", headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login?next=%2Fitems%3Fq%3D1")


def test_a_program_is_told_in_its_own_way(client):
    answer = client.post("/api/v1/probe", json={})
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"] == "Bearer"
    told = answer.json()
    assert told["status"] == 401
    assert told["type"] == "urn:plimsoll:error:NotLoggedIn"
    assert told["request_id"] == answer.headers["x-request-id"]
    assert client.app.state.done == []


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "/\t/evil.example", "/login", "/logout", "evil", "/%0d%0aSet-Cookie: x=1\r\n", "////evil.example"],
)  # fmt: skip
def test_the_way_back_leads_nowhere_else(client, wanted):
    where = log_in(client, next=wanted).headers["location"]
    assert where == "/"
    assert client.get("/login", params={"next": wanted}).headers["location"] == "/"


# --- log-in and session ----------------------------------------------------------------------------


def test_the_cookie_is_for_the_server_alone(client):
    answer = log_in(client)
    cookie = cookie_of(answer)
    assert re.match(r"plimsoll-[0-9a-f]{8}=[\w-]{43};", cookie)
    for part in ("HttpOnly", "Path=/", "SameSite=lax", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie
    assert "domain" not in cookie.lower()
    assert answer.headers["cache-control"] == "no-store"


def test_over_https_the_cookie_stays_on_https(serve):
    client = serve('[web]\npublic_url = "https://plimsoll.example.com"\n')
    answer = log_in(client)
    cookie = cookie_of(answer)
    assert cookie.startswith("__Host-plimsoll-")
    assert "Secure" in cookie
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_wrong_log_ins_say_so_and_nothing_more(client):
    answers = [log_in(client, name, "wrong") for name in ("kim", "nobody")]
    for answer in answers:
        assert answer.status_code == 401
        assert "The user name or the password is not right." in answer.text
        assert "set-cookie" not in answer.headers
        assert "wrong" not in answer.text
    assert answers[0].text.replace("kim", "nobody") == answers[1].text


def test_what_is_typed_comes_back_harmless(client):
    page = log_in(client, '"><script>alert(1)</script>', "wrong").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;" in page


def test_too_many_wrong_log_ins_have_to_wait(client):
    for _ in range(5):
        assert log_in(client, password="wrong").status_code == 401  # noqa: S106 - a wrong one
    answer = log_in(client)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert "Try again in 1 s" in answer.text
    client.app.state.clock.at += timedelta(seconds=1)
    assert log_in(client).status_code == 303


def test_a_secret_that_the_browser_brought_is_not_taken_over(client):
    name = client.app.state.cookie
    client.cookies.set(name, "planted-by-somebody-else")
    assert client.get("/probe").status_code == 303
    log_in(client)
    assert client.cookies.get(name, domain="testserver.local") != "planted-by-somebody-else"


def test_a_new_log_in_ends_the_session_before(client):
    log_in(client)
    first = client.cookies[client.app.state.cookie]
    log_in(client, "vera")
    assert client.get("/probe").json()["who"] == "vera"
    client.cookies.clear()
    client.cookies.set(client.app.state.cookie, first)
    assert client.get("/probe").status_code == 303


def test_logged_out_is_logged_out_everywhere(client):
    log_in(client)
    name = client.app.state.cookie
    secret, token = client.cookies[name], csrf(client)
    assert client.post("/logout").status_code == 403  # nobody else logs one out
    answer = client.post("/logout", data={"csrf_token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in cookie_of(answer)
    client.cookies.set(name, secret)
    assert client.get("/probe").status_code == 303


def test_a_session_ends_by_itself(client):
    log_in(client)
    client.app.state.clock.at += timedelta(minutes=121)
    assert client.get("/probe").status_code == 303


def test_a_lock_and_a_role_count_from_the_next_click(client, folder):
    log_in(client)
    people.change_user(folder, "kim", {"role": "viewer"}, ROOT, at=AT)
    assert client.get("/probe").json()["role"] == "viewer"
    answer = client.post("/probe", headers={"X-CSRF-Token": csrf(client)})
    assert answer.status_code == 403
    assert "kim is viewer and may not" in answer.text
    people.lock_user(folder, "kim", ROOT, at=AT)
    assert client.get("/probe").status_code == 303


# --- forgery ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "x", "0" * 64, "é"])
def test_a_change_without_the_sessions_token_is_refused(client, token):
    log_in(client)
    given = {} if token is None else {"csrf_token": token}
    answer = client.post("/probe", data={"note": "forged", **given})
    assert answer.status_code == 403
    assert "not the one that this session was given" in answer.text
    assert client.app.state.done == []


def test_the_token_comes_as_header_or_field(client):
    log_in(client)
    token = csrf(client)
    by_header = client.post("/probe", data={"note": "a"}, headers={"X-CSRF-Token": token})
    by_field = client.post("/probe", data={"note": "b", "csrf_token": token})
    by_parts = client.post("/probe/upload", data={"csrf_token": token}, files={"file": b"12345"})
    as_json = client.post("/api/v1/probe", json={"c": 1}, headers={"X-CSRF-Token": token})
    assert [answer.status_code for answer in (by_header, by_field, by_parts, as_json)] == [200] * 4
    assert client.app.state.done == ["a", "b", {"c": 1}]
    assert by_parts.json() == 5


def test_the_token_of_another_session_is_none(client, serve):
    log_in(client)
    theirs = serve()
    log_in(theirs, "vera")
    answer = client.post("/probe", headers={"X-CSRF-Token": csrf(theirs)})
    assert answer.status_code == 403
    assert client.app.state.done == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://testserver:81"},
    ],
)
def test_other_sites_change_nothing_even_with_the_token(client, headers):
    log_in(client)
    token = csrf(client)
    answer = client.post("/probe", headers={"X-CSRF-Token": token, **headers})
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert client.app.state.done == []
    client.cookies.clear()
    assert (
        client.post("/login", data={"username": "kim", "password": GOOD}, headers=headers).status_code == 403
    )


def test_our_own_pages_are_no_other_site(client):
    log_in(client)
    token = csrf(client)
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}):
        assert client.post("/probe", headers={"X-CSRF-Token": token, **headers}).status_code == 200


# --- programs --------------------------------------------------------------------------------------


def bearer(folder, name="kim", **more):
    secret, made = people.make_token(folder, "nightly", 30, ROOT, at=AT, username=name, **more)
    return {"Authorization": f"Bearer {secret}"}, made


def test_a_token_needs_no_csrf(client, folder):
    headers, _ = bearer(folder)
    assert client.post("/api/v1/probe", json={"a": 1}, headers=headers).json() == {"a": 1}
    assert client.get(
        "/probe", headers={"Authorization": headers["Authorization"].replace("Bearer", "bearer")}
    )


def test_a_bad_token_is_not_helped_by_a_cookie(client, folder):
    log_in(client)
    headers, made = bearer(folder)
    people.withdraw_token(folder, made.id, ROOT, at=AT)
    for forged in (headers, {"Authorization": "Bearer plm_forged"}, {"Authorization": "Bearer "}):
        answer = client.post("/api/v1/probe", json={}, headers={**forged, "X-CSRF-Token": csrf(client)})
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert client.app.state.done == []


def test_another_kind_of_authorization_does_not_open_the_back_door(client):
    log_in(client)
    answer = client.post(
        "/probe", headers={"Authorization": "Basic a2ltOng=", "Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert client.app.state.done == []


def test_a_token_may_what_it_says(client, folder):
    headers, _ = bearer(folder, limits={"role": "viewer"})
    answer = client.post("/api/v1/probe", json={}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)
    assert answer.json()["type"] == "urn:plimsoll:error:Forbidden"
    client.app.state.clock.at += timedelta(days=30)
    assert client.get("/api/v1/probe", headers=headers).status_code == 405
    assert client.post("/api/v1/probe", json={}, headers=headers).status_code == 401


# --- limits, headers, log --------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [False, True])
def test_ten_megabytes_are_too_many(client, folder, chunked):
    headers, _ = bearer(folder)
    body = b"{" + b" " * 10_000_000 + b"}"
    parts = (body[n : n + 65536] for n in range(0, len(body), 65536))
    headers |= {"Content-Type": "application/json"}
    answer = client.post("/api/v1/probe", content=parts if chunked else body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.app.state.done == []


def test_ten_megabytes_at_the_log_in_are_too_many(client):
    answer = client.post("/login", data={"username": "kim", "password": "x" * 10_000_000})
    assert answer.status_code == 413


def test_a_route_for_files_takes_more(client, folder):
    headers, _ = bearer(folder)
    for size, status in ((5_000_000, 200), (21_000_000, 413)):
        answer = client.post("/probe/upload", files={"file": bytes(size)}, headers=headers)
        assert answer.status_code == status


@pytest.mark.parametrize(
    "path", ["/login", "/probe", "/nothing", "/api/v1/nothing", "/probe/fault", "/welcome"]
)
def test_every_answer_carries_the_headers(client, path):
    answer = client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in answer.headers
    assert answer.headers["x-request-id"]


def test_no_page_needs_what_the_policy_forbids(client):
    log_in(client)
    for path in ("/account", "/nothing"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*json)|<style|\sstyle=|\son\w+=", page), path
    client.cookies.clear()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", client.get("/login").text)


def test_a_fault_of_ours_tells_nothing(client):
    answer = client.get("/probe/fault")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text


def test_other_host_names_are_not_answered(serve):
    client = serve('[web]\nallowed_hosts = ["testserver"]\n')
    assert client.get("/login").status_code == 200
    assert client.get("/login", headers={"Host": "testserver:8000"}).status_code == 200
    assert client.get("/login", headers={"Host": "evil.example"}).status_code == 400


def test_a_request_keeps_its_number(client):
    assert (
        client.get("/login", headers={"X-Request-Id": "proxy-12345678"}).headers["x-request-id"]
        == "proxy-12345678"
    )
    for forged in ("short", "x" * 65, "a b c d e f g", '"},{"user":"ann'):
        assert client.get("/login", headers={"X-Request-Id": forged}).headers["x-request-id"] != forged


def test_the_log_names_who_and_what_but_no_secrets(client, caplog):
    log_in(client)
    with caplog.at_level(logging.INFO, "plimsoll.access"):
        client.get("/probe?code=geheim")
        client.get("/welcome?code=geheim")
        client.get("/a%0Ab")
    lines = [json.loads(line) for line in caplog.messages if line.startswith("{")]
    assert lines[0]["user"] == "kim"
    assert [(line["path"], line["status"]) for line in lines] == [
        ("/probe", 200), ("/welcome", 401), ("/a\nb", 404),
    ]  # fmt: skip
    assert "geheim" not in caplog.text
    assert client.cookies[client.app.state.cookie] not in caplog.text


# --- one-time links and the account ----------------------------------------------------------------


def test_the_first_admin_comes_in_by_the_link(tmp_path):
    Workspace.create(tmp_path / "new").close()
    app = create_app(tmp_path / "new", clock=Clock())
    with TestClient(app, follow_redirects=False) as client:
        code = app.state.sign_in.first_code(at=AT)
        page = client.get(f"/welcome?code={code}")
        assert page.status_code == 200
        assert "You are the first here" in page.text
        form = {"code": code, "username": "Kim", "name": "Kim <Lee>", "password": GOOD, "again": GOOD}
        for wrong, why in (
            ({"again": BETTER}, "not the same"),
            ({"password": "x", "again": "x"}, "12 to 200"),
        ):
            answer = client.post("/welcome", data=form | wrong)
            assert answer.status_code == 422
            assert why in answer.text
            assert 'value="Kim &lt;Lee&gt;"' in answer.text
            assert GOOD not in answer.text
        inside = client.post("/welcome", data=form)
        assert (inside.status_code, inside.headers["location"]) == (303, "/")
        assert client.get("/account").status_code == 200
        client.cookies.clear()
        for answer in (client.get(f"/welcome?code={code}"), client.post("/welcome", data=form)):
            assert answer.status_code == 401
            assert "not good any more" in answer.text


def test_a_link_lets_a_user_set_a_password(client, folder):
    code = people.password_code(folder, "vera", ROOT, at=AT)
    assert "You log in as <b>vera</b>" in client.get(f"/welcome?code={code}").text
    form = {"code": code, "username": "ann", "password": BETTER, "again": BETTER}
    assert client.post("/welcome", data=form).status_code == 303
    assert client.get("/probe").json()["who"] == "vera"


def test_a_token_of_ones_own_is_shown_once_and_works(client):
    log_in(client)
    form = {"name": "nightly <b>", "days": "30", "role": "viewer", "csrf_token": csrf(client)}
    page = client.post("/account/tokens", data=form)
    secret = re.search(r"plm_[\w-]{43}", page.text)[0]
    assert "nightly &lt;b&gt;" in page.text
    again = client.get("/account").text
    assert secret not in again
    program = {"Authorization": f"Bearer {secret}"}
    client.cookies.clear()
    assert client.get("/probe", headers=program).json() == {"who": "kim", "role": "viewer"}
    assert client.post("/account/tokens", data=form, headers=program).status_code == 403
    log_in(client)
    number = re.search(r"/account/tokens/(\d+)/withdraw", again)[1]
    answer = client.post(f"/account/tokens/{number}/withdraw", data={"csrf_token": csrf(client)})
    assert answer.status_code == 303
    assert client.get("/probe", headers=program).status_code == 303


@pytest.mark.parametrize(
    ("form", "status", "why"),
    [
        ({"name": "x", "days": "366", "role": ""}, 422, "1 to 365 days"),
        ({"name": "x", "days": "soon", "role": ""}, 422, "days"),
        ({"name": "", "days": "9", "role": ""}, 422, "name of the token is missing"),
        ({"name": "x", "days": "9", "role": "admin"}, 403, "cannot be admin"),
    ],
)
def test_a_token_is_refused_in_words(client, folder, form, status, why):
    log_in(client)
    answer = client.post("/account/tokens", data=form | {"csrf_token": csrf(client)})
    assert answer.status_code == status
    assert why in answer.text
    assert people.tokens(folder, ROOT, every=True) == []


def test_the_password_is_changed_by_the_old_one(client):
    log_in(client)
    form = {"old": GOOD, "password": BETTER, "again": BETTER, "csrf_token": csrf(client)}
    assert client.post("/account/password", data=form | {"old": "wrong"}).status_code == 401
    assert client.post("/account/password", data=form).status_code == 303
    client.cookies.clear()
    assert log_in(client).status_code == 401
    assert log_in(client, password=BETTER).status_code == 303


def test_only_the_way_in_is_open_to_anybody(client):
    open_to_all = {
        route for route, asked in guards(client.app).items() if not asked and "/probe" not in route
    }
    assert open_to_all == {
        "GET /static/{mark}/{name}", "GET /login", "POST /login", "GET /welcome", "POST /welcome",
        "GET /login/oidc", "GET /login/oidc/callback",
        "GET /api/v1/health", "GET /api/v1/openapi.json",  # neither tells anything of the company
    }  # fmt: skip
    assert guards(client.app)["POST /probe"] == "decide"
    assert guards(client.app)["GET /probe"] == "person"
