"""Edited lists that come back, options put back, batches in full, wide things in a limited scope, the log."""

import csv
import io
import json
import logging
import logging.config
import re
from html import unescape

import pytest

from plimsoll.cli.serve import log_config
from plimsoll.domain.errors import SettingError
from plimsoll.domain.listing import Query
from plimsoll.domain.overrides import Override
from plimsoll.domain.people import Person, owner
from plimsoll.store import outbox as store
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import decide, outbox, people
from plimsoll.workflows.lists_in_files import as_csv, as_workbook
from plimsoll.workflows.options import options
from plimsoll.workflows.overrides import set_override

ROOT = owner("root")
HOSTILE = '"><script>alert(1)</script>'
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def rows_of(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def as_file(rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, list({name: 0 for row in rows for name in row}), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def points(app):
    wanted = ["item_id", "location_id", "from_location_id", "category"]
    return app.state.desk.table("items", Query(), ROOT, wanted)


def set_one(app, **given):
    override = Override("target", "service", 0.97, "cash", **given)
    return set_override(app.state.folder, override, ROOT, at=app.state.clock()).override.id


def upload(pages, path, content):
    send = pages.session.client.post
    return send(path, data={"csrf_token": pages.session.csrf}, files={"file": ("mine.csv", content)})


def confirm(pages, path, shown):
    packed = re.search(r'name="decisions" value="([^"]+)"', shown.text)[1]
    return pages.post(path, decisions=packed)


# ---- files


def test_overrides_are_changed_from_a_file_after_a_look(pages_app, pages_kim):
    point = points(pages_app).row(0, named=True)
    old = set_one(pages_app, item_id=point["item_id"], location_id=point["location_id"])
    (row,) = rows_of(pages_kim.get("/files/overrides.csv?status=in_force").content)
    added = row | {"override_id": "", "value": "2", "reason_text": HOSTILE}
    shown = upload(pages_kim, "/files/upload/overrides", as_file([row | {"value": "0.99"}, added]))
    assert "2 rows read: 1 to be done, 0 as they are, 1 that cannot" in shown.text
    assert "0.97 → 0.99" in shown.text
    assert "service target of 2" in shown.text
    assert "<script>alert" not in shown.text
    done = confirm(pages_kim, "/files/confirm/overrides", shown)
    assert done.headers["location"] == "/overrides"
    assert "1 override set or withdrawn from the file" in pages_kim.get("/overrides").text
    page = pages_kim.get("/overrides?status=withdrawn").text
    assert old in page
    (now,) = rows_of(pages_kim.get("/files/overrides.csv?status=in_force").content)
    assert (now["value"], now["author"]) == ("0.99", "kim")


def test_exceptions_are_worked_from_a_file_after_a_look(pages_app, pages_kim):
    rows = rows_of(pages_kim.get("/files/exceptions.csv?status=open").content)[:4]
    same, own, closed, odd = rows
    own |= {"owner": "lee", "due": "2026-12-01", "text": "asked the supplier"}
    closed |= {"status": "closed", "outcome": "acted"}
    odd |= {"status": "closed"}
    stale = dict(own, exception_id="nonsense")
    shown = upload(pages_kim, "/files/upload/exceptions", as_file([same, own, closed, odd, stale]))
    assert "5 rows read: 2 to be done, 1 as they are, 2 that cannot" in shown.text
    assert "Say in outcome how it ended" in shown.text
    confirm(pages_kim, "/files/confirm/exceptions", shown)
    known = {
        row["exception_id"]: row
        for row in rows_of(pages_kim.get("/files/exceptions.csv").content)
    }  # fmt: skip
    worked = known[own["exception_id"]]
    assert (worked["owner"], worked["due"], worked["text"]) == ("lee", "2026-12-01", "asked the supplier")
    assert (known[closed["exception_id"]]["status"], known[closed["exception_id"]]["outcome"]) == (
        "closed",
        "acted",
    )
    again = upload(pages_kim, "/files/upload/exceptions", as_file([own | {"owner": "vic"}]))
    assert "kim changed it on" in again.text  # the version of the file is older
    assert "decisions" not in again.text


@pytest.mark.parametrize("name", ["overrides", "exceptions"])
def test_a_forged_or_foreign_confirmation_is_refused(pages_kim, name):
    for packed in ("", "nonsense", "eJyLjgUAARUAuQ=="):
        answer = pages_kim.post(f"/files/confirm/{name}", decisions=packed)
        assert answer.status_code == 422
        assert "Nothing was changed." in answer.text


def test_programs_read_files_back_and_do_it_only_when_asked(program, api_app):
    kim, desk = program("kim"), api_app.state.desk
    lines = desk.table("recommendations", desk.query("recommendations", {"status": "proposed"}), ROOT).head(2)
    content = as_csv(lines).replace(b",proposed,", b",accepted,")

    def read(path, body, kind="text/csv"):
        headers = kim.headers | {"Content-Type": kind}
        answer = kim.client.post(f"/api/v1/{path}", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    told = read("recommendations/file", content)
    assert [row["action"] for row in told["asked"]] == ["accept", "accept"]
    assert told["done"] is None
    assert kim.get("/recommendations?status=accepted").json()["total"] == 0
    done = read("recommendations/file?apply=true", content)["done"]
    assert len(done["done"]) + len(done["submitted"]) == 2
    point = points(api_app).row(0, named=True)
    made = {"kind": "target", "field": "service", "value": "0.9", "reason_code": "cash", "override_id": ""}
    made |= {name: point[name] for name in ("item_id", "location_id")}
    assert read("overrides/file?apply=true", as_file([made]))["done"]["done"] == ["O1"]
    twice = read("overrides/file?apply=true", as_file([made]))
    assert (twice["done"], twice["problems"][0]["why"]) == (None, "O1 sets the same already.")
    book = as_workbook(desk.table("exceptions", Query(), ROOT), "exceptions")
    assert read("exceptions/file", book, XLSX)["asked"] == []
    for body in (b"", b"a,b\n1,2", b"PK\x03\x04 no", b"\xff\xfe\x00"):
        answer = kim.client.post("/api/v1/overrides/file", content=body, headers=kim.headers)
        assert answer.status_code == 422


# ---- options


def option(app, name):
    known = options(app.state.folder, ROOT, at=app.state.clock())
    return next(each for each in known if f"{each.section}.{each.name}" == name)


def test_an_option_is_put_back_to_the_files_value_and_the_log_says_so(pages_app, pages_ann, pages_kim):
    file = pages_app.state.folder / "plimsoll.toml"
    file.write_text(f"{file.read_text()}\n[accept]\nmax_value = 777.0\n")
    given = {"section": "accept", "name": "max_value"}
    for value in ("2500", "3500"):  # the one before must not count again
        pages_ann.click("/settings/options/set", **given, value=value, reason="first")
    assert option(pages_app, "accept.max_value").value == 3500.0
    assert (
        "/settings/options/back?section=accept&amp;name=max_value" in pages_ann.get("/settings/options").text
    )
    assert "/settings/options/back" not in pages_kim.get("/settings/options").text
    form = pages_ann.part("/settings/options/back?section=accept&name=max_value").text
    assert "It is 3,500 now" in form
    assert pages_ann.click("/settings/options/back", **given, reason="").status_code == 422
    done = pages_ann.click("/settings/options/back", **given, reason="agreed otherwise", back="/settings")
    assert done.headers["hx-redirect"] == "/settings"
    now = option(pages_app, "accept.max_value")
    assert (now.value, now.source) == (777.0, "file")
    event = pages_app.state.desk.listing("audit", Query(size=1), ROOT).rows[0]
    assert (event["actor"], event["action"], event["object_id"]) == ("ann", "unset", "accept.max_value")
    assert event["old"] == {"value": 3500.0}
    assert event["new"] == {"value": 777.0, "reason": "agreed otherwise"}
    again = pages_ann.click("/settings/options/back", **given, reason="again")
    assert "is not set over the settings file" in unescape(again.text)


def test_a_program_puts_an_option_back(program):
    ann = program("ann")
    ann("PUT", "/settings/plan/seed", {"value": 9, "reason": "x"})
    told = ann.post("/settings/plan/seed/reset", {"reason": "y"}).json()
    assert (told["source"], told["value"] == 9) == ("default", False)
    assert ann.post("/settings/plan/seed/reset", {"reason": "y"}).status_code == 422
    assert ann.post("/settings/accept/stopped/reset", {"reason": "y"}).status_code == 422


# ---- a batch


@pytest.fixture
def owing(pages_app):
    """A batch of two lines whose webhook could not be reached."""
    state = pages_app.state
    lines = state.desk.table("recommendations", Query(), ROOT, ["line_id", "version"]).head(2)
    decide.accept_all(state.folder, lines, ROOT, at=state.clock())
    with Workspace.open(state.folder) as workspace:
        targets = {"csv": "exports/{batch}.csv", "webhook": "https://erp.example/orders"}
        made = store.make_batch(workspace, ROOT, targets, at=state.clock())
    outbox.deliver_pending(state.folder, at=state.clock())
    return made.batch_id


def test_a_batch_tells_its_lines_files_and_deliveries_and_is_tried_again(
    pages_app, pages_kim, owing, session, monkeypatch
):
    page = pages_kim.get(f"/exports/{owing}").text
    for words in (
        "2 lines",
        "https://erp.example/orders",
        "is not set",
        "taken; SHA-256",
        f"{owing}/file.csv",
    ):
        assert words in page, words
    lines = [row["line_id"] for row in outbox.batch_rows(pages_app.state.folder, owing, ROOT).to_dicts()]
    assert all(line in page for line in lines)
    assert "Try again" not in page  # a planner sends, an approver tries again
    assert pages_kim.post(f"/exports/{owing}/deliver").status_code == 403
    lee = session("lee")
    assert "Try again" in lee("GET", f"/exports/{owing}").text
    lee("POST", f"/exports/{owing}/deliver")
    assert "Not all is delivered yet" in lee("GET", f"/exports/{owing}").text
    sent = []
    monkeypatch.setenv("PLIMSOLL_WEBHOOK_SECRET", "s3cret")
    monkeypatch.setattr(outbox.webhook, "post", lambda url, body, **given: sent.append((url, given["key"])))
    lee("POST", f"/exports/{owing}/deliver")
    assert sent == [("https://erp.example/orders", owing)]
    after = lee("GET", f"/exports/{owing}").text
    assert "Try again" not in after
    assert f"{owing} is delivered" in after
    lee("POST", f"/exports/{owing}/deliver")
    assert len(sent) == 1
    assert pages_kim.get("/exports/batch-9").status_code == 404
    assert f'href="/exports/{owing}"' in pages_kim.get("/exports").text


def test_programs_see_deliveries_and_try_again_with_the_role(program, owing):
    told = program("kim").get(f"/exports/{owing}/deliveries").json()
    assert {row["channel"]: row["status"] for row in told} == {"csv": "done", "webhook": "pending"}
    assert program("kim").post(f"/exports/{owing}/deliver").status_code == 403
    assert list(program("lee").post(f"/exports/{owing}/deliver").json()["owed"]) == ["webhook"]
    assert program("lee").post("/exports/batch-9/deliver").status_code == 404


# ---- a limited scope


def test_wide_overrides_are_shown_to_whom_they_concern_but_are_not_theirs(pages_app, program):
    frame = points(pages_app)
    place = frame["location_id"].value_counts(sort=True)["location_id"][0]
    mine = frame.filter(location_id=place)
    other = frame.join(mine, on="item_id", how="anti").row(0, named=True)
    everywhere, here = set_one(pages_app), set_one(pages_app, location_id=place)
    there = set_one(pages_app, item_id=other["item_id"], location_id=other["location_id"])
    given = {"name": "Sam", "role": "planner", "locations": [place]}
    people.add_user(pages_app.state.folder, "sam", given, ROOT, at=pages_app.state.clock())
    sam = program("sam")
    seen = {row["override_id"]: row["is_yours"] for row in sam.get("/overrides").json()["items"]}
    assert seen == {everywhere: False, here: True}
    assert there in {row["override_id"] for row in program("kim").get("/overrides").json()["items"]}
    assert sam.post(f"/overrides/{everywhere}/withdraw", {"reason": "no"}).status_code == 404
    assert sam.post(f"/overrides/{here}/withdraw", {"reason": "no"}).status_code == 200
    lead = Override("lead_time", "days", 30, "cash", from_location_id=other["from_location_id"])
    wide = set_override(pages_app.state.folder, lead, ROOT, at=pages_app.state.clock()).override.id
    is_mine = other["from_location_id"] in mine["from_location_id"].to_list()
    assert (wide in {row["override_id"] for row in sam.get("/overrides").json()["items"]}) == is_mine


def test_findings_and_suppliers_of_a_limited_scope_are_its_own(steady_app):
    desk, frame = steady_app.state.desk, points(steady_app)
    place = frame["location_id"].value_counts(sort=True)["location_id"][0]
    category = frame["category"].drop_nulls().value_counts(sort=True)["category"][0]
    for who in (
        Person("sam", "Sam", "planner", locations=(place,)),
        Person("cat", "Cat", "planner", categories=(category,)),
    ):
        own = desk.table("items", Query(), who)
        suppliers = desk.table("suppliers", Query(), who)
        assert set(suppliers["from_location_id"]) <= set(own["from_location_id"])
        assert 0 < suppliers.height < desk.table("suppliers", Query(), ROOT).height
        money = [name for name in suppliers.columns if name.endswith("_value")]
        assert suppliers.select(money).null_count().row(0) == (suppliers.height,) * len(money)
        lanes = desk.table("lanes", Query(), who)
        assert lanes.height < desk.table("lanes", Query(), ROOT).height
        assert lanes["spend_value"].null_count() == (lanes.height if who.categories else 0)
        rows, findings = desk.table("audit_rows", Query(), who), desk.table("findings", Query(), who)
        theirs = desk.table("audit_rows", Query(), ROOT)["key"].to_list()
        for found in findings.to_dicts():
            behind = rows.filter(code=found["code"], table=found["table"])
            if behind.height:
                assert found["n_rows"] == behind.height
                assert (found["money_at_risk"] or 0.0) == pytest.approx(behind["money_at_risk"].sum())
            else:
                assert found["money_at_risk"] is None
        hidden = set(theirs) - set(rows["key"])
        told = " ".join(f"{row['what']} {row['keys']}" for row in findings.to_dicts() if row["money_at_risk"])
        assert not [key for key in hidden if "@" in key and key in told]
        other = next(
            name for name in desk.table("suppliers", Query(), ROOT)["from_location_id"]
            if name not in suppliers["from_location_id"].to_list()
        )  # fmt: skip
        assert not [found for found in desk.search(other, who) if found.kind == "supplier"]
        shown = desk.supplier(suppliers["from_location_id"][0], who)
        assert [row["spend_value"] for row in shown.scores] == [None] * len(shown.scores)
    nobody = Person("far", "Far", "planner", locations=("NOWHERE",))
    assert desk.table("suppliers", Query(), nobody).height == 0
    assert desk.listing("findings", Query(), nobody).sums.get("money_at_risk", 0.0) == 0.0


# ---- the API's smaller doors, and words


def test_programs_check_the_log_and_ask_for_groups(reader):
    told = reader.get("/audit/chain").json()
    assert told["is_whole"] is True
    assert "whole; head" in told["found"]
    rows = reader.get("/items?size=500").json()["items"]
    groups = reader.get("/lists/items/groups?column=location_id&money=money_at_risk&abc=A").json()["groups"]
    wanted = {}
    for row in rows:
        if row["abc"] == "A":
            wanted[row["location_id"]] = wanted.get(row["location_id"], 0.0) + row["money_at_risk"]
    assert {each["value"]: each["money"] for each in groups} == pytest.approx(wanted)
    assert [each["money"] for each in groups] == pytest.approx(sorted(wanted.values(), reverse=True))
    for wrong in ("column=nonsense&money=money_at_risk", "column=abc&money=unit_cost_eff"):
        assert reader.get(f"/lists/items/groups?{wrong}").status_code == 422


def test_pills_say_columns_in_words(pages_reader):
    asked = "/items?buffer_network_qty__ge=1&from_location_id__contains=V1&adi__ge=2&lot_qty_set__null=true"
    page = unescape(pages_reader.get(asked).text)
    for words in (
        "Buffer network: at least 1", "Source: contains V1", "Periods between demands: at least 2",
        "Lot as set: unknown",
    ):  # fmt: skip
        assert words in page, words
    assert "_qty: " not in page


def test_a_trial_names_what_the_plan_has_and_a_trial_has_not(pages_app, pages_kim):
    found = pages_app.state.desk.table("items", Query(), ROOT)
    row = found.filter(found["buffer_network_qty"].abs() > 1).row(0, named=True)
    given = {"item_id": row["item_id"], "location_id": row["location_id"], "what": "target.service"}
    given |= {"value": "99.5", "reach": "point", "reason": "cash", "act": "try"}
    shown = pages_kim.click("/items/set", **given).text
    assert "In force" in shown
    assert "Now, alone" in shown
    assert "because places that feed each other share it" in shown
    alone = found.filter(found["buffer_network_qty"].fill_null(0) == 0, found["planned"]).row(0, named=True)
    given |= {"item_id": alone["item_id"], "location_id": alone["location_id"]}
    assert "feed each other" not in pages_kim.click("/items/set", **given).text


# ---- the log of the server


def test_the_log_has_a_line_a_request_and_an_event_and_no_secret(api_app, stranger, program, tmp_path):
    file = tmp_path / "serve.log"
    before = {
        name: logging.getLogger(name)
        for name in ("plimsoll", "plimsoll.access", "plimsoll.security", "uvicorn")
    }
    kept = {name: (each.level, each.handlers[:], each.propagate) for name, each in before.items()}
    try:
        logging.config.dictConfig(log_config(file))
        stranger.post("/login", data={"username": "kim\nforged", "password": "not the word"})
        stranger.post("/login", data={"username": "kim", "password": "four words nobody joins"})
        stranger.get("/welcome?code=SECRETCODE")
        asker = program("kim")
        asker.get("/me")
    finally:
        for name, (level, handlers, propagate) in kept.items():
            for handler in before[name].handlers:
                handler.close()
            before[name].setLevel(level)
            before[name].handlers[:], before[name].propagate = handlers, propagate
    lines = file.read_text().splitlines()
    heads = [line.split(" ", 2) for line in lines]
    told = [(name, json.loads(text)) for _, name, text in heads]
    assert {name for name, _ in told} == {"plimsoll.access", "plimsoll.security"}
    paths = [line["path"] for name, line in told if name == "plimsoll.access"]
    assert paths == ["/login", "/login", "/welcome", "/api/v1/me"]
    everything = file.read_text()
    cookies = [cookie.value for cookie in stranger.cookies.jar]
    assert cookies
    for secret in ("not the word", "four words", "SECRETCODE", asker.headers["Authorization"][7:], *cookies):
        assert secret not in everything
    assert file.stat().st_mode & 0o077 == 0
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$", moment) for moment, _, _ in heads)


def test_a_log_that_cannot_be_written_is_told_before_anything_listens(tmp_path):
    with pytest.raises(SettingError, match="cannot be written"):
        log_config(tmp_path / "no" / "folder.log")
    assert log_config(None)["handlers"]["log"]["stream"] == "ext://sys.stderr"
