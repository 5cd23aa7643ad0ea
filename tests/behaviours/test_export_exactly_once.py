"""A program killed in the middle of bulk acceptance and export: nothing lost, nothing doubled."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.people import owner
from plimsoll.integrations import batch_files
from plimsoll.store import Workspace, audit_log, outbox
from plimsoll.store.decisions import states
from plimsoll.workflows import decide
from plimsoll.workflows.outbox import deliver_pending, export

LINES, AT, ME = 20_000, datetime(2026, 11, 21, 9, tzinfo=UTC), owner("me")

# Each worker is a fork of a process that has read its modules but done no sum yet: fifty in seconds.
WORKER = """
import os, random, sys
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
from plimsoll.domain.people import owner
from plimsoll.store import Workspace
from plimsoll.store.decisions import states
from plimsoll.workflows import decide, outbox

def work(folder, seed, lines):
    draw, me = random.Random(seed), owner("worker")
    Workspace.open(folder, serving=True)
    while True:
        at = datetime.now(UTC)
        versions = dict(states(Workspace.open(folder)).select("line_id", "version").iter_rows())
        some = [f"plan-000001-{number}" for number in draw.sample(range(1, lines + 1), 30)]
        seen = pl.DataFrame({"line_id": some, "version": [versions.get(name, 0) for name in some]})
        print("accept", flush=True)
        decide.accept_all(folder, seen, me, at=at)
        if versions:
            back = [decide.LineRef(name, versions[name]) for name in draw.sample(sorted(versions), 1)]
            print("reopen", flush=True)
            decide.reopen(folder, [*back, decide.LineRef("plan-000001-999999")], me, at=at)
        print("export", flush=True)
        outbox.export(folder, me, at=at)
        print("deliver", flush=True)
        outbox.deliver_pending(folder, at=at)

folder, lines = Path(sys.argv[1]), int(sys.argv[2])
for order in sys.stdin:
    child = os.fork()
    if not child:
        work(folder, int(order), lines)
    print(f"pid {child}", flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


@pytest.fixture
def workers(tmp_path):
    """A function that starts a worker, lets it begin so many steps, and kills it a moment later."""
    command = [sys.executable, "-c", WORKER, tmp_path / "shop", str(LINES)]
    mother = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def said():
        return mother.stdout.readline().strip()

    def kill(seed, steps, moment):
        mother.stdin.write(f"{seed}\n")
        begun, pid = [], 0
        while len(begun) < steps or not pid:
            word = said()
            assert word not in ("", "dead"), "the worker stopped by itself"
            if word.startswith("pid "):
                pid = int(word.removeprefix("pid "))
            else:
                begun.append(word)
        time.sleep(moment)
        os.kill(pid, signal.SIGKILL)
        while (word := said()) != "dead":
            begun.append(word)
        return begun[-1]

    yield kill
    mother.stdin.close()
    mother.wait(30)
    mother.stdout.close()


def check_nothing_lost_nothing_doubled(folder):
    """Every line in one state, every batch whole, every file its batch, every change in the log."""
    with Workspace.open(folder) as workspace:
        assert audit_log.verify(workspace).broken == ""
        lines, batches, sent = states(workspace), outbox.batches(workspace), outbox.deliveries(workspace)
        last = {}
        for event in _events(workspace):
            last[event["object_id"]] = (json.loads(event["new"])["status"], event["seq"])
    assert lines["line_id"].is_unique().all()
    kept = {row["line_id"]: (row["status"], row["changed_seq"]) for row in lines.iter_rows(named=True)}
    assert kept == last, "the last event of each line is its state"
    gone = lines.filter(pl.col("status").is_in(["exported", "received"]))
    assert gone["batch_id"].null_count() == 0
    assert lines.filter(pl.col("status").is_in(["accepted", "proposed"]))["batch_id"].null_count() == (
        lines.height - gone.height
    )
    by_batch = dict(gone.group_by("batch_id").len().iter_rows())
    assert by_batch == dict(batches.select("batch_id", "n_lines").iter_rows())
    assert Counter(sent["batch_id"]) == dict.fromkeys(by_batch, 3), "three deliveries of each"
    references = Counter()
    for row in sent.iter_rows(named=True):
        assert row["status"] == "done"
        content = (folder / row["target"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        if row["channel"] == "csv":
            frame = pl.read_csv(content)
            assert frame["batch_id"].unique().to_list() == [row["batch_id"]]
            references.update(frame["line_id"])
    assert references == Counter(gone["line_id"].to_list()), "each exported line in one file, once"
    files = {path.name for path in (folder / "exports").iterdir()} if sent.height else set()
    assert files == {f"{name}.{end}" for name in by_batch for end in ("csv", "xlsx", "json")}


def _events(workspace):
    frame, total = audit_log.page(workspace, object_type="line", size=1_000_000)
    assert frame.height == total
    return frame.reverse().iter_rows(named=True)


def _kill(folder, published, kill, *, kills, seed):
    """Kill workers one after the other on the same books; return in which steps they died."""
    draw, died_in = np.random.default_rng(seed), Counter()
    published(folder, LINES)
    for number in range(kills):
        steps, moment = int(draw.integers(1, 9)), float(draw.uniform(0.0, 0.03))
        died_in[kill(seed * 1000 + number, steps, moment)] += 1
        deliver_pending(folder, at=AT, at_once=True)
        check_nothing_lost_nothing_doubled(folder)
    with Workspace.open(folder) as workspace:
        assert outbox.batches(workspace).height >= kills / 3, "the workers came as far as exports"
        assert states(workspace).filter(pl.col("status") == "exported").height < LINES, "work was left"
    return died_in


def test_killed_at_many_moments_on_a_file(tmp_path, published, workers, monkeypatch):
    monkeypatch.delenv("PLIMSOLL_DATABASE_URL", raising=False)
    died_in = _kill(tmp_path / "shop", published, workers, kills=25, seed=1)
    assert died_in.total() == 25
    assert min(died_in["accept"], died_in["export"]) >= 4, "many died in either"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_killed_on_a_server(tmp_path, database, published, workers):
    assert _kill(tmp_path / "shop", published, workers, kills=6, seed=2).total() == 6


class Dies(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.mark.parametrize("point", ["before_write", "after_write", "after_mark"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_death_at_each_point_of_a_delivery(tmp_path, published, monkeypatch, point, nth):
    """The nth file of three: not yet written, written but not marked, marked."""
    monkeypatch.delenv("PLIMSOLL_DATABASE_URL", raising=False)
    folder, calls = tmp_path / "shop", []
    published(folder, 5)
    decide.accept(folder, [decide.LineRef(f"plan-000001-{number}") for number in range(1, 4)], ME, at=AT)
    room, name = (outbox, "delivered") if point == "after_mark" else (batch_files, "write_whole")
    real = getattr(room, name)

    def dying(*given, **named):
        calls.append(point)
        if point == "before_write" and len(calls) == nth:
            raise Dies
        real(*given, **named)
        if len(calls) == nth:
            raise Dies

    with monkeypatch.context() as patched:
        patched.setattr(room, name, dying)
        with pytest.raises(Dies):
            export(folder, ME, at=AT)
    deliver_pending(folder, at=AT)
    check_nothing_lost_nothing_doubled(folder)
    assert export(folder, ME, at=AT) is None
