"""Every route of the workbench, pages too, held against what it is declared to ask of whoever comes.

`permissions.csv` names for each route an action of `ACTIONS`, `person` (anybody known), or nothing (anybody).
A route that is not in it, or asks for something else, fails here.
"""

import csv
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from plimsoll.domain.people import ACTIONS, ROLES
from plimsoll.web.security import guards

with (Path(__file__).parent / "permissions.csv").open() as file:
    DECLARED = {row["route"]: row["asks"] for row in csv.DictReader(file)}
PEOPLE = {"viewer": "vic", "planner": "kim", "approver": "lee", "admin": "ann"}
# Something that is not there: who is let through is told so, and nothing is changed.
PLACES = {
    "line_id": "plan-999999-1", "exception_id:path": "none", "name": "items", "ending": "csv",
    "batch_id": "batch-999999", "override_id": "O999", "run_id": "plan-999999", "job_id": "999999",
    "view_id": "999999", "token_id": "999999", "number": "999999", "section": "plan", "username": "nobody",
    "act": "change", "mark": "0", "item_id": "none", "location_id": "none",
}  # fmt: skip
API = "/api/"
# One ends the session; the other answers 401 to a wrong old password.
TOLD_OTHERWISE = ("/logout", "/account/password")


def href(path):
    return re.sub(r"\{([^}]*)\}", lambda name: PLACES.get(name[1], "none"), path)


def routes(*, is_api):
    for route, asks in DECLARED.items():
        method, path = route.split(" ")
        if path.startswith(API) == is_api:
            yield method, path, asks


def is_let_through(answer):
    leads_to = answer.headers.get("location", "")
    return answer.status_code not in (401, 403) and not leads_to.startswith("/login")


def test_every_route_is_declared_as_it_is(steady_app):
    assert guards(steady_app) == DECLARED
    assert set(DECLARED.values()) <= {*ACTIONS, "person", ""}
    free = {route for route, asks in DECLARED.items() if not asks}
    pages = [route.split(" ")[1] for route in free if API not in route]
    assert all(path.startswith(("/login", "/welcome", "/static")) for path in pages)
    assert {route for route in free if API in route} == {"GET /api/v1/health", "GET /api/v1/openapi.json"}


def test_programs_of_each_role_do_what_the_role_may_and_no_more(program, idle):
    programs = {role: program(name) for role, name in PEOPLE.items()}
    programs["expired"] = program("ann", ago=10, days=9)
    programs["limited"] = program("ann", role="viewer")  # an admin's token that is a viewer's
    programs["forged"] = program("ann")
    programs["forged"].headers = {"Authorization": "Bearer plm_" + "A" * 43}
    wrong = []
    for method, path, asks in routes(is_api=True):
        for role, ask in programs.items():
            body = {} if method in ("POST", "PUT", "PATCH") else None
            answer = ask(method, href(path).removeprefix("/api/v1"), body)
            if not asks:
                expected = {200}
            elif role in ("expired", "forged"):
                expected = {401}
            elif asks == "person" or ROLES.index("viewer" if role == "limited" else role) >= ROLES.index(
                ACTIONS[asks].role
            ):
                expected = {200, 201, 202, 204, 404, 422, 409}
            else:
                expected = {403}
            # What a stolen token could use to stay in, no token may.
            if path.endswith("/link") and expected != {401}:
                expected = {403}
            if answer.status_code not in expected:
                wrong.append((method, path, asks, role, answer.status_code))
    assert wrong == []


def test_browsers_of_each_role_see_the_pages_of_the_role_and_no_more(session, stranger, idle):
    wrong = []
    for role, name in PEOPLE.items():
        browser = session(name)
        for method, path, asks in routes(is_api=False):
            if asks == "" or path in TOLD_OTHERWISE:
                continue
            answer = browser(method, href(path))
            may = asks == "person" or ROLES.index(role) >= ROLES.index(ACTIONS[asks].role)
            if is_let_through(answer) != may or answer.status_code >= 500:
                wrong.append((method, path, asks, role, answer.status_code))
    for method, path, asks in routes(is_api=False):
        if asks and is_let_through(stranger.request(method, href(path))):
            wrong.append((method, path, asks, "nobody"))
    assert wrong == []


def test_a_browser_changes_nothing_through_the_api_without_its_token(session):
    ann = session("ann")
    for method, path, asks in routes(is_api=True):
        if method != "GET":
            answer = ann.client.request(method, href(path), json={})
            assert answer.status_code == 403, (method, path)
            assert answer.json()["type"] == "urn:plimsoll:error:ForgedRequest"
        elif asks:
            assert ann.client.get(href(path)).status_code in (200, 404, 422), path


# --- scope -----------------------------------------------------------------------------------------

OF_PLACES = (
    "recommendations", "items", "cash", "changes", "lanes", "orders", "network", "networks", "exceptions",
    "decisions",
    "overrides", "audit",
)  # fmt: skip


def test_who_sees_another_place_finds_nothing_here(program, api_app):
    kim, far = program("kim"), program("far")
    line, other = kim.get("/recommendations?status=proposed&size=2").json()["items"]
    kim.post(f"/recommendations/{other['line_id']}/refuse", {"version": 0, "reason": "cash"})
    where = {"item_id": line["item_id"], "location_id": line["to_location_id"]}
    value = {"kind": "target", "field": "service", "value": 0.99, "reason": "cash"}
    made = kim.post("/overrides", value | where).json()["override"]["id"]
    for name in OF_PLACES:
        if name != "changes":  # there is no plan before this one
            assert kim.get(f"/{name}").json()["total"] > 0, name
        seen = far.get(f"/{name}").json()
        assert (seen["total"], seen["items"], set(seen["sums"].values()) <= {0.0}) == (0, [], True), name
        assert far.get(f"/lists/{name}/file.csv").text.count("\n") <= 1
    assert far.get("/lists/items/choices?column=category").json()["choices"] == []
    assert far.get(f"/search?q={line['item_id']}").json() == []
    with closing(sqlite3.connect(api_app.state.folder / "plimsoll.db")) as db:
        before = db.execute("SELECT count(*) FROM audit_event").fetchone()
    exception = quote(kim.get("/exceptions?size=1").json()["items"][0]["exception_id"])
    asked = f"item_id={where['item_id']}&location_id={where['location_id']}"
    seen = {"lines": [{"line_id": line["line_id"], "version": 0}]}
    for method, path, body, expected in (
        ("GET", f"/recommendations/{line['line_id']}", None, {404}),
        ("GET", f"/item?{asked}", None, {404}),
        ("GET", f"/item/alternatives?{asked}", None, {404}),
        ("GET", f"/exceptions/{exception}", None, {404}),
        ("GET", f"/overrides/{made}", None, {404}),
        ("PATCH", f"/exceptions/{exception}", {"version": 0, "owner": "far"}, {404}),
        ("POST", f"/recommendations/{line['line_id']}/accept", {"version": 0}, {404}),
        ("POST", f"/recommendations/{other['line_id']}/reopen", {"version": 1}, {404}),
        ("POST", "/recommendations/accept", seen, {404}),
        ("POST", "/overrides", value | where, {404}),
        ("POST", "/overrides", value, {404, 403}),
        ("POST", "/overrides/try", value | where, {404}),
        ("POST", f"/overrides/{made}/withdraw", {"reason": "mine"}, {404}),
    ):
        answer = far(method, path, body)
        assert answer.status_code in expected, (method, path, answer.text)
        assert where["item_id"] not in answer.json()["remedy"]
    assert far.post("/exports", {}).json() == {"batch": None}
    with closing(sqlite3.connect(api_app.state.folder / "plimsoll.db")) as db:
        assert db.execute("SELECT count(*) FROM audit_event").fetchone() == before


def test_a_scope_in_categories_and_a_tokens_own_scope_hold(program):
    kim = program("kim")
    rows = kim.get("/items?size=500").json()["items"]
    categories = sorted({row["category"] or "" for row in rows} - {""})
    places = sorted({row["location_id"] for row in rows})
    some = program("kim", categories=categories[:1], locations=places[:2])
    seen = some.get("/items?size=500").json()["items"]
    wanted = [row for row in rows if row["category"] == categories[0] and row["location_id"] in places[:2]]
    assert seen == wanted
    assert 0 < len(wanted) < len(rows)
