"""The door: batches, their files and webhook; what fails stays owed, what is done again changes nothing."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import fastexcel
import polars as pl
import pytest
from sqlalchemy import text

from plimsoll.domain.decisions import LineRef, Unknown
from plimsoll.domain.errors import InputError
from plimsoll.domain.people import Forbidden, Person, owner
from plimsoll.integrations import batch_files, webhook
from plimsoll.store import Workspace, audit_log
from plimsoll.store.decisions import states
from plimsoll.workflows import decide, outbox

AT = datetime(2026, 11, 21, 9, 12, tzinfo=UTC)
ME, ANN = owner("me"), Person("ann", "Ann", "planner")
EVIL = '=HYPERLINK("http://a.b","click")'


def accept(folder, *numbers, run="plan-000001"):
    return decide.accept(folder, [LineRef(f"{run}-{number}") for number in numbers], ME, at=AT)


@pytest.fixture
def shop(tmp_path, database, published):
    published(tmp_path / "shop", 4)
    return tmp_path / "shop"


@pytest.fixture
def receiver():
    """A server that keeps what it is sent and answers what it is told to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append(
                (self.headers["Idempotency-Key"], self.headers["X-Plimsoll-Signature"], body)
            )
            self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answers = [], []
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def with_webhook(folder, server):
    Workspace.create(folder, f'[export]\nwebhook_url = "http://127.0.0.1:{server.server_port}/erp"\n').close()


def test_what_was_accepted_leaves_once(shop):
    assert outbox.export(shop, ME, at=AT) is None
    accept(shop, 1, 3)
    decide.change(shop, LineRef("plan-000001-4"), ME, quantity=40, reason="space", at=AT)
    decide.refuse(shop, [LineRef("plan-000001-2")], ME, reason="cash", at=AT)
    batch = outbox.export(shop, ME, at=AT)
    assert (batch.batch_id, batch.n_lines, batch.value, batch.owed) == ("batch-000001", 3, 300.0, {})
    assert outbox.export(shop, ME, at=AT) is None
    with Workspace.open(shop) as workspace:
        frame = states(workspace)
        assert audit_log.verify(workspace).broken == ""
    assert dict(frame.select("line_id", "status").rows()) == {
        "plan-000001-1": "exported", "plan-000001-2": "refused", "plan-000001-3": "exported",
        "plan-000001-4": "exported",
    }  # fmt: skip
    with pytest.raises(InputError, match="It is exported and can no longer be proposed"):
        decide.reopen(shop, [LineRef("plan-000001-1", 2)], ME, at=AT)
    decide.accept(shop, [LineRef("plan-000001-2", 1)], ME, at=AT)
    assert outbox.export(shop, ME, formats=("csv",), at=AT).batch_id == "batch-000002"
    listed = outbox.batches(shop, ANN)
    assert listed.select("batch_id", "n_lines", "delivered", "owed").rows() == [
        ("batch-000002", 1, "csv", ""),
        ("batch-000001", 3, "csv xlsx json", ""),
    ]


def test_the_three_files_say_the_same(shop):
    accept(shop, 1)
    decide.change(
        shop, LineRef("plan-000001-2"), ME, quantity=2.5, date=date(2027, 1, 4), reason="space", at=AT
    )
    outbox.export(shop, ME, at=AT)
    kept = outbox.batch_rows(shop, "batch-000001", ANN)
    folder = shop / "exports"
    read = pl.read_csv(folder / "batch-000001.csv", schema_overrides=kept.schema)
    assert read.rows() == kept.rows()
    told = json.loads((folder / "batch-000001.json").read_text("utf-8"))
    assert (told["batch_id"], told["n_lines"], told["created_at"]) == ("batch-000001", 2, AT.isoformat())
    assert pl.DataFrame(told["lines"], schema_overrides={"quantity": pl.Float64})["quantity"].to_list() == [
        10,
        2.5,
    ]
    sheet = fastexcel.read_excel(folder / "batch-000001.xlsx").load_sheet(0).to_polars()
    assert sheet["reference"].to_list() == ["PLM-000001-0001", "PLM-000001-0002"]
    assert sheet.select("quantity", "value").rows() == [(10.0, 50.0), (2.5, 12.5)]
    assert sheet["due_date"].cast(pl.Date).to_list() == [date(2026, 12, 5), date(2027, 1, 4)]


def test_files_written_again_have_the_same_bytes(shop):
    accept(shop, 1, 2, 3)
    outbox.export(shop, ME, at=AT)
    files = {path.name: path.read_bytes() for path in (shop / "exports").iterdir()}
    assert set(files) == {"batch-000001.csv", "batch-000001.xlsx", "batch-000001.json"}
    with Workspace.open(shop) as workspace, workspace.transaction("forget") as db:
        db.execute(text("UPDATE delivery SET status = 'pending'"))
    for path in (shop / "exports").iterdir():
        path.unlink()
    (batch,) = outbox.deliver_pending(shop, at=AT + timedelta(days=3))
    assert (sorted(batch.delivered), batch.owed) == (["csv", "json", "xlsx"], {})
    assert {path.name: path.read_bytes() for path in (shop / "exports").iterdir()} == files
    assert outbox.deliver_pending(shop, at=AT) == []


@pytest.mark.parametrize("words", [EVIL, "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "|calc"])
def test_no_cell_becomes_a_formula(tmp_path, published, line, words):
    published(tmp_path / "shop", [line(1, item_id=words, description=words, quantity=3.0)])
    accept(tmp_path / "shop", 1)
    outbox.export(tmp_path / "shop", ME, at=AT)
    content = (tmp_path / "shop/exports/batch-000001.csv").read_bytes()
    (row,) = pl.read_csv(content, infer_schema=False).rows(named=True)
    assert row["description"] == f"'{words}"
    assert row["quantity"] == "3.0"
    book = fastexcel.read_excel(tmp_path / "shop/exports/batch-000001.xlsx").load_sheet(0).to_polars()
    assert book["description"][0] == words, (
        "Excel keeps texts as texts; a stored formula would read as its result"
    )


def test_negative_numbers_stay_numbers():
    frame = pl.DataFrame({"x": [-1.5], "s": ["-1.5"]})
    assert batch_files.as_csv(frame, {}) == b"x,s\r\n-1.5,'-1.5\r\n"


def test_only_what_is_in_scope_leaves(tmp_path, published, line):
    published(tmp_path / "shop", [line(1), line(2, to_location_id="DC2"), line(3, category="valves")])
    accept(tmp_path / "shop", 1, 2, 3)
    here = Person("eve", "Eve", "planner", locations=("DC1",), categories=("pumps",))
    assert outbox.export(tmp_path / "shop", here, at=AT).n_lines == 1
    assert outbox.export(tmp_path / "shop", ME, at=AT).n_lines == 2


def test_refusals(shop):
    with pytest.raises(Forbidden):
        outbox.export(shop, Person("vic", "Vic", "viewer"), at=AT)
    with pytest.raises(InputError, match="There is no format 'pdf'"):
        outbox.export(shop, ME, formats=("csv", "pdf"), at=AT)
    with pytest.raises(InputError, match="No format"):
        outbox.export(shop, ME, formats=(), at=AT)
    with pytest.raises(Unknown):
        outbox.batch_rows(shop, "../../etc/passwd", ME)


def test_a_disk_that_refuses_leaves_it_owed(shop):
    accept(shop, 1)
    (shop / "exports").write_text("in the way")
    batch = outbox.export(shop, ME, formats=("csv",), at=AT)
    assert batch.delivered == {}
    assert "exists" in batch.owed["csv"]
    (shop / "exports").unlink()
    assert outbox.deliver_pending(shop, at=AT)[0].owed == {}


def test_the_webhook_gets_a_signed_batch(tmp_path, published, receiver, monkeypatch):
    shop = tmp_path / "shop"
    with_webhook(shop, receiver)
    published(shop, 2)
    monkeypatch.setenv(outbox.SECRET, "s3cret")
    accept(shop, 1, 2)
    batch = outbox.export(shop, ME, formats=("json",), at=AT)
    assert (sorted(batch.delivered), batch.owed) == (["json", "webhook"], {})
    ((key, signed, body),) = receiver.got
    assert (key, signed) == ("batch-000001", webhook.signature(body, "s3cret"))
    assert body == (shop / "exports/batch-000001.json").read_bytes()
    assert outbox.deliver_pending(shop, at=AT, at_once=True) == []
    assert len(receiver.got) == 1


def test_a_webhook_that_fails_is_tried_again_later_and_later(tmp_path, published, receiver, monkeypatch):
    shop = tmp_path / "shop"
    with_webhook(shop, receiver)
    published(shop, 1)
    monkeypatch.setenv(outbox.SECRET, "s3cret")
    receiver.answers = [500, 302, 404]
    accept(shop, 1)
    batch = outbox.export(shop, ME, formats=("csv",), at=AT)
    assert "answered 500" in batch.owed["webhook"]
    waits = [timedelta(seconds=59), timedelta(seconds=60), timedelta(seconds=179), timedelta(seconds=180)]
    sent = []
    for wait in waits:
        outbox.deliver_pending(shop, at=AT + wait)
        sent.append(len(receiver.got))
    assert sent == [1, 2, 2, 3], "after one minute, then two; a redirect is not followed"
    last = outbox.deliver_pending(shop, at=AT + timedelta(seconds=181), at_once=True)
    assert last[0].owed == {}
    assert len({(key, body) for key, _, body in receiver.got}) == 1, "the same key and the same bytes"


def test_without_a_secret_nothing_is_sent(tmp_path, published, receiver, monkeypatch):
    monkeypatch.delenv(outbox.SECRET, raising=False)
    with_webhook(tmp_path / "shop", receiver)
    published(tmp_path / "shop", 1)
    accept(tmp_path / "shop", 1)
    batch = outbox.export(tmp_path / "shop", ME, formats=("csv",), at=AT)
    assert f"{outbox.SECRET} is not set" in batch.owed["webhook"]
    assert receiver.got == []


def test_two_that_deliver_at_once_send_it_once(tmp_path, published, receiver, monkeypatch):
    shop = tmp_path / "shop"
    with_webhook(shop, receiver)
    published(shop, 1)
    accept(shop, 1)
    monkeypatch.delenv(outbox.SECRET, raising=False)
    outbox.export(shop, ME, at=AT)
    monkeypatch.setenv(outbox.SECRET, "s3cret")
    later = AT + timedelta(hours=1)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: outbox.deliver_pending(shop, at=later), range(4)))
    assert len(receiver.got) == 1
    assert outbox.batches(shop, ME)["owed"].to_list() == [""]


def test_the_hash_of_what_left_is_kept(shop):
    accept(shop, 1)
    outbox.export(shop, ME, formats=("csv",), at=AT)
    with Workspace.open(shop) as workspace:
        (row,) = outbox.outbox.deliveries(workspace).rows(named=True)
        told = audit_log.page(workspace, action="deliver")[0]["new"][0]
    digest = hashlib.sha256((shop / "exports/batch-000001.csv").read_bytes()).hexdigest()
    assert row["sha256"] == json.loads(told)["sha256"] == digest
