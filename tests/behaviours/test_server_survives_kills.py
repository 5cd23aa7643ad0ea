"""The server killed in the middle of bulk acceptance and export over HTTP: nothing lost, nothing doubled."""

import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlencode

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.people import owner
from plimsoll.store import Workspace, audit_log, outbox
from plimsoll.store.decisions import states
from plimsoll.workflows import people

CATEGORIES, EACH = 80, 200  # a click accepts a category: hundreds of lines in one transaction
LINES, KILLS = CATEGORIES * EACH, 50
SECRET, PASSWORD = "a secret of two", "correct horse battery"
BOSS, AT = owner("boss"), datetime.now(UTC)  # noqa: TID251 - the server under test has the real clock
FILES = ("csv", "json", "xlsx")

# The command `plimsoll serve`, in a fork of a process that has its modules, templates and kernels ready but
# holds no thread, connection or row yet: a start takes well below a second. The first and the last server
# are started from cold.
MOTHER = """
import gc, os, sys
import numpy as np
import uvicorn, uvicorn.lifespan.on, uvicorn.protocols.http.auto
from sqlalchemy.orm import configure_mappers
import plimsoll.web.app
from plimsoll.cli.app import app
from plimsoll.integrations import passwords
from plimsoll.maths.kernels.bom import children_first
from plimsoll.web.pages import environment

configure_mappers()
passwords.prepare()
children_first(np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64))
pages = ("base.html", "login.html", "problem.html", "recommendations/confirm_page.html")
for name in environment().list_templates(filter_func=lambda name: name in pages or name[:6] == "macros"):
    environment().get_template(name)
gc.freeze()

for order in sys.stdin:
    child = os.fork()
    if not child:
        out = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1), os.dup2(out, 2)
        app(["serve", sys.argv[1], "--port", sys.argv[2]])
    print(child, flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


class Receiver(ThreadingHTTPServer):
    """The other system: it keeps every batch it is sent, with its key, and is sometimes slow or unwilling."""

    daemon_threads = True

    def __init__(self):
        self.got = []
        super().__init__(("127.0.0.1", 0), _Receives)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/orders"


class _Receives(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sealed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert self.headers["X-Plimsoll-Signature"] == sealed
        number = len(self.server.got)
        self.server.got.append((self.headers["Idempotency-Key"], body))
        time.sleep(0.02 * (number % 3))  # so that some servers die after it was told and before it answers
        self.send_response(503 if number % 7 == 3 else 204)
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


class Client:
    """A planner's browser or a program, on one connection after the other."""

    def __init__(self, port, token=""):
        self.port, self.token, self.cookie = port, token, ""

    def ask(self, method, path, body=None, **headers):
        """Return status and body; raises ConnectionError where the server died."""
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.token:
            headers |= {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            body = None if body is None else json.dumps(body)
        elif body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
            body = urlencode(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (http.client.HTTPException, OSError) as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()
        if given := answer.headers["Set-Cookie"]:
            self.cookie = given.split(";")[0] if "plimsoll" in given else self.cookie
        return answer.status, content.decode()

    def log_in(self, name):
        status, _ = self.ask("POST", "/login", {"username": name, "password": PASSWORD})
        assert status == 303
        return self


class Work(Thread):
    """One client that accepts category after category and exports, until the server is gone."""

    def __init__(self, client, seed, begun):
        super().__init__(daemon=True)
        self.client, self.draw, self.begun = client, np.random.default_rng(seed), begun
        self.told = {"accepted": [], "batches": []}  # what the server has said it did
        self.fault = None

    def run(self):
        try:
            while True:
                category = f"c{self.draw.integers(CATEGORIES):02d}"
                self.accept_by_api(category) if self.client.token else self.accept_by_page(category)
                self.export()
        except ConnectionError:
            pass
        except BaseException as fault:  # noqa: BLE001 - told by the test itself, not by the thread
            self.fault = fault

    def accept_by_page(self, category):
        """Press "accept all that match", and confirm what the dialog shows."""
        status, page = self.client.ask("GET", f"/recommendations/accept-all?category={category}")
        assert status == 200, page
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        self.begun.append("accept")
        status, page = self.client.ask(
            "POST", "/recommendations/accept-all", {name: unescape(value) for name, value in form.items()}
        )
        # 409: the other client was faster; 422: nothing in it was left to accept
        assert status in (303, 409, 422), page
        if status == 303:
            self.told["accepted"].append(category)

    def accept_by_api(self, category):
        """Send the lines one by one by name, in one request."""
        first = int(category[1:])
        names = [f"plan-000001-{number}" for number in range(1, LINES + 1) if number % CATEGORIES == first]
        self.begun.append("accept")
        lines = [{"line_id": name, "version": 0} for name in names]
        key = f"{category}-{self.draw.integers(2**60)}"
        status, body = self.client.ask(
            "POST", "/api/v1/recommendations/accept", {"lines": lines}, **{"Idempotency-Key": key}
        )
        assert status == 200, body
        if json.loads(body)["done"]:
            self.told["accepted"].append(category)

    def export(self):
        program = Client(self.client.port, self.client.token or self.token_of_the_page)
        self.begun.append("export")
        status, body = program.ask("POST", "/api/v1/exports", {})
        assert status == 200, body
        if batch := json.loads(body)["batch"]:
            self.told["batches"].append(batch["batch_id"])


class Server:
    """Servers of one workspace, one after the other on the same port."""

    def __init__(self, folder, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.log, self.cold, self.pid = folder, log, None, 0
        command = [sys.executable, "-c", MOTHER, folder, str(self.port), log]
        self.mother = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def start(self, *, cold=False):
        if cold:
            command = [sys.executable, "-m", "plimsoll", "serve", str(self.folder), "--port", str(self.port)]
            with self.log.open("a") as out:
                self.cold = subprocess.Popen(command, stdout=out, stderr=out)
            self.pid = self.cold.pid
        else:
            self.mother.stdin.write("\n")
            self.pid = int(self.mother.stdout.readline())
        deadline = time.monotonic() + 60
        while True:
            try:
                assert Client(self.port).ask("GET", "/api/v1/health")[0] == 200
            except ConnectionError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.01)
            else:
                return

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.pid = 0
        if self.cold is not None:
            self.cold.wait(30)
            self.cold = None
        else:
            assert self.mother.stdout.readline() == "dead\n"

    def end(self):
        if self.pid:  # the test failed and left one standing
            self.kill()
        self.mother.stdin.close()
        self.mother.wait(30)
        self.mother.stdout.close()


@pytest.fixture
def receiver():
    with Receiver() as other:
        thread = Thread(target=other.serve_forever, args=(0.01,))
        thread.start()
        yield other
        other.shutdown()
        thread.join()


@pytest.fixture
def shop(tmp_path, published, line, receiver, monkeypatch):
    """A plan of thousands of lines, an approver with a password and a token, a webhook."""
    monkeypatch.delenv("PLIMSOLL_DATABASE_URL", raising=False)
    monkeypatch.setenv("PLIMSOLL_WEBHOOK_SECRET", SECRET)
    folder = tmp_path / "shop"
    Workspace.create(folder, f'[export]\nwebhook_url = "{receiver.url}"\n')
    published(
        folder, [line(number, category=f"c{number % CATEGORIES:02d}") for number in range(1, LINES + 1)]
    )
    people.add_user(folder, "kim", {"name": "Kim", "role": "approver"}, BOSS, at=AT, password=PASSWORD)
    token, _ = people.make_token(folder, "erp", 365, BOSS, at=AT, username="kim")
    Work.token_of_the_page = token
    return folder, token


@pytest.fixture
def server(shop, tmp_path):
    made = Server(shop[0], tmp_path / "serve.log")
    yield made
    made.end()


def check(folder, *, whole):
    """Every line in one state, accepted once, in at most one batch; files are batches; the log is whole."""
    with Workspace.open(folder) as workspace:
        lines, batches, sent = states(workspace), outbox.batches(workspace), outbox.deliveries(workspace)
        if whole:
            assert audit_log.verify(workspace).broken == ""
            events, total = audit_log.page(workspace, object_type="line", size=1_000_000)
            assert events.height == total
            did = Counter(events.select("object_id", "action").iter_rows())
            assert set(did.values()) <= {1}, "nothing accepted twice, nothing sent twice"
            per = {action: {line for line, act in did if act == action} for action in ("accept", "export")}
            assert per["accept"] == set(lines["line_id"])
            assert per["export"] == set(lines.filter(pl.col("status") == "exported")["line_id"])
    assert lines["line_id"].is_unique().all()
    assert set(lines["status"]) <= {"accepted", "exported"}
    assert (lines["batch_id"].is_not_null() == (lines["status"] == "exported")).all()
    gone = lines.drop_nulls("batch_id")
    assert dict(gone.group_by("batch_id").len().iter_rows()) == dict(
        batches.select("batch_id", "n_lines").iter_rows()
    )
    assert Counter(sent["batch_id"]) == dict.fromkeys(batches["batch_id"], len(FILES) + 1)
    references = Counter()
    for row in sent.filter(pl.col("channel") != "webhook").iter_rows(named=True):
        assert row["status"] == "done", "a server that starts delivers what the one before owed"
        content = (folder / row["target"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        if row["channel"] == "csv":
            frame = pl.read_csv(content, columns=["batch_id", "line_id"])
            assert frame["batch_id"].unique().to_list() == [row["batch_id"]]
            references.update(frame["line_id"])
    assert references == Counter(gone["line_id"].to_list()), "each line in one file, once"
    there = {path.name for path in (folder / "exports").glob("*")}
    assert there == {f"{name}.{ending}" for name in batches["batch_id"] for ending in FILES}
    return lines, batches


def wait_for_files(folder):
    """Wait until nothing but the webhook is owed."""
    deadline = time.monotonic() + 30
    with Workspace.open(folder) as workspace:
        while outbox.deliveries(workspace, pending=True).filter(pl.col("channel") != "webhook").height:
            assert time.monotonic() < deadline, "files are owed that the new server did not write"
            time.sleep(0.01)


def check_told(works, lines, batches):
    """What a server said it had done, before it was killed, is done."""
    known = set(lines["line_id"])
    for work in works:
        assert work.fault is None, work.fault
        for category in work.told["accepted"]:
            first = int(category[1:]) or CATEGORIES
            assert all(f"plan-000001-{number}" in known for number in range(first, LINES + 1, CATEGORIES))
        assert set(work.told["batches"]) <= set(batches["batch_id"])


def test_killed_at_fifty_moments(shop, server, receiver):
    folder, token = shop
    draw, died_in = np.random.default_rng(6), Counter()
    server.start(cold=True)
    planner = Client(server.port).log_in("kim")
    for number in range(KILLS):
        begun = []
        works = [Work(planner, 2 * number, begun), Work(Client(server.port, token), 2 * number + 1, begun)]
        for work in works:
            work.start()
        wanted, moment = int(draw.integers(1, 7)), float(draw.uniform(0.0, 0.06))
        deadline = time.monotonic() + 60
        while len(begun) < wanted and any(work.is_alive() for work in works):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(moment)
        server.kill()
        died_in[begun[-1]] += 1
        for work in works:
            work.join(60)
        server.start(cold=number == KILLS - 1)
        wait_for_files(folder)
        check_told(works, *check(folder, whole=number % 10 == 9))
    assert min(died_in["accept"], died_in["export"]) >= 5, "many died in either"
    status, body = Client(server.port, token).ask("POST", "/api/v1/exports/deliver")
    while status == 200 and any(batch["owed"] for batch in json.loads(body)):
        status, body = Client(server.port, token).ask("POST", "/api/v1/exports/deliver")
    assert status == 200, body
    Client(server.port, token).ask("POST", "/api/v1/exports", {})
    server.kill()
    lines, batches = check(folder, whole=True)
    assert lines.filter(pl.col("status") == "accepted").is_empty()
    assert lines.height < LINES, "work was left to the end"
    check_receiver(folder, receiver, batches)


def check_receiver(folder, receiver, batches):
    """The other system was told of every batch: the same key always with the same bytes."""
    bodies = {}
    for key, body in receiver.got:
        assert bodies.setdefault(key, body) == body
    assert set(bodies) == set(batches["batch_id"])
    for key, body in bodies.items():
        assert body == (folder / "exports" / f"{key}.json").read_bytes()
    assert len(receiver.got) > len(bodies), "some were told twice, as the unwilling receiver made it so"
