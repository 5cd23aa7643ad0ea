"""Publishers that die, are interrupted, meet a full disk or each other: what was in force stays."""

import errno
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest

from plimsoll.domain.errors import WorkspaceError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.tables import table
from plimsoll.store import Workspace, lake

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
POINTS = ["writing", "staged", "revealed", "before_commit", "after_commit"]

CHILD = """
import os, signal, sys
from datetime import UTC, date, datetime
import polars as pl
from sqlalchemy import event
from sqlalchemy.orm import Session
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.tables import table
from plimsoll.store import Workspace, lake

path, verb, point = sys.argv[1:]
write_table, reveal, written = lake.write_table, lake.reveal, []

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def second_write_dies(frame, file):
    if written:
        file.write_bytes(b"PAR1 half")
        die()
    written.append(file)
    return write_table(frame, file)

if point == "writing":
    lake.write_table = second_write_dies
elif point == "staged":
    lake.reveal = die
elif point == "revealed":
    lake.reveal = lambda *given: die(reveal(*given))
else:
    event.listen(Session, point, die)
items = table("items").conform(pl.DataFrame({"item_id": ["NEW"]}))
tables = {"items": items, "locations": table("locations").empty()}
manifest = Manifest("x", "0.1.0", date(2026, 11, 21), 7, {}, {"source": "new"})
at = datetime(2026, 11, 21, 11, tzinfo=UTC)
workspace = Workspace.open(path)
if verb == "import":
    workspace.publish_import(tables, manifest, at=at)
else:
    workspace.publish_run("plan", tables, manifest, at=at)
"""

HOLDER = """
import sys
from pathlib import Path
from plimsoll.store.lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def items(name):
    return table("items").conform(pl.DataFrame({"item_id": [name]}))


def publish(workspace, verb, name):
    tables = {"items": items(name), "locations": table("locations").empty()}
    manifest = Manifest("x", "0.1.0", date(2026, 11, 21), 7, {}, {"source": name})
    if verb == "import":
        workspace.publish_import(tables, manifest, at=AT)
    else:
        workspace.publish_run("plan", tables, manifest, at=AT)


def in_force(workspace, verb):
    frame = workspace.facts(["items"])["items"] if verb == "import" else workspace.result("items")
    return frame["item_id"].item()


def directories(workspace, verb):
    folder = workspace.path / ("facts" if verb == "import" else "runs")
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace.create(tmp_path / "shop")
    publish(workspace, "import", "OLD")
    publish(workspace, "run", "OLD")
    return workspace


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("verb", "point"),
    [*(("import", point) for point in POINTS), ("run", "revealed"), ("run", "after_commit")],
)
def test_kill_at_any_point(workspace, verb, point):
    child = subprocess.run([sys.executable, "-c", CHILD, str(workspace.path), verb, point], check=False)
    assert child.returncode == -signal.SIGKILL
    prefix = "import" if verb == "import" else "plan"
    survived = point == "after_commit"
    with Workspace.open(workspace.path) as again:
        assert in_force(again, verb) == ("NEW" if survived else "OLD")
        leftovers = set(directories(again, verb)) - {f"{prefix}-000001"}
        assert leftovers  # the death did happen in the middle
        publish(again, verb, "NEXT")
        assert in_force(again, verb) == "NEXT"
        assert directories(again, verb) == [f"{prefix}-{number:06d}" for number in range(1, 3 + survived)]


def interrupted(monkeypatch, point, error):
    """Make the publisher fail with an error at a point."""
    reveal = lake.reveal

    def fail(*given, **_):
        if point == "revealed":
            reveal(*given)
        raise error

    target = {"writing": (pl.DataFrame, "write_parquet"), "syncing": (os, "fsync")}
    monkeypatch.setattr(*target.get(point, (lake, "reveal")), fail)


@pytest.mark.parametrize("verb", ["import", "run"])
@pytest.mark.parametrize("point", ["writing", "syncing", "staged", "revealed"])
@pytest.mark.parametrize(
    ("error", "raised", "match"),
    [
        (KeyboardInterrupt(), KeyboardInterrupt, None),
        (OSError(errno.ENOSPC, "No space left on device"), WorkspaceError, "Free some space"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), WorkspaceError, "permission to write"),
    ],
    ids=["ctrl-c", "full", "denied"],
)
def test_interrupted_at_any_point(workspace, monkeypatch, verb, point, error, raised, match):
    before = directories(workspace, verb)
    with monkeypatch.context() as patch:
        interrupted(patch, point, error)
        with pytest.raises(raised, match=match):
            publish(workspace, verb, "NEW")
    assert in_force(workspace, verb) == "OLD"
    assert directories(workspace, verb) == before
    publish(workspace, verb, "NEXT")
    assert in_force(workspace, verb) == "NEXT"


def test_a_directory_that_no_mark_points_at_is_left_alone(workspace):
    """An older database put back beside newer runs must not cost the newer runs."""
    stray = workspace.path / "runs" / "plan-000007"
    stray.mkdir()
    publish(workspace, "run", "NEXT")
    assert directories(workspace, "run") == ["plan-000001", "plan-000007", "plan-000008"]


def test_a_second_writer_is_told_who_writes_and_a_dead_one_is_forgotten(workspace):
    command = [sys.executable, "-c", HOLDER, str(workspace.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceError, match=f"in use by process {holder.pid} on .* since 20.* UTC"):
            publish(workspace, "import", "NEW")
        assert in_force(workspace, "import") == "OLD"  # readers are not kept out
        holder.kill()
    publish(workspace, "import", "NEW")
    assert in_force(workspace, "import") == "NEW"


def test_a_disk_too_full_for_the_name_of_the_writer_does_not_stop_it(workspace, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "ftruncate", full)
    publish(workspace, "run", "NEW")
    assert in_force(workspace, "run") == "NEW"


def test_the_lock_also_holds_within_a_process(workspace, monkeypatch):
    other = Workspace.open(workspace.path)
    reveal = lake.reveal

    def meanwhile(*given):
        with pytest.raises(WorkspaceError, match=f"in use by process {os.getpid()}"):
            publish(other, "run", "OTHER")
        reveal(*given)

    monkeypatch.setattr(lake, "reveal", meanwhile)
    publish(workspace, "run", "NEW")
    assert in_force(other, "run") == "NEW"


def test_a_directory_without_permission(workspace, tmp_path):
    places = [workspace.path, workspace.path / "facts", tmp_path]
    for place in places:
        place.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("file permissions do not bind this user (the superuser?)")
        with pytest.raises(WorkspaceError, match="permission to write"):
            publish(workspace, "import", "NEW")
        with pytest.raises(WorkspaceError, match="permission to write"):
            Workspace.create(tmp_path / "other")
    finally:
        for place in places:
            place.chmod(0o755)
    assert in_force(workspace, "import") == "OLD"


@pytest.mark.parametrize("damage", ["changed", "missing"])
@pytest.mark.parametrize("verb", ["import", "run"])
def test_what_was_damaged_is_mended_by_making_it_again(workspace, verb, damage):
    folder = workspace.path / ("facts" if verb == "import" else "runs")
    file = next(folder.glob("*/items.parquet"))
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(WorkspaceError, match=r"is damaged.*Run again the import or plan"):
        in_force(workspace, verb)
    publish(workspace, verb, "OLD")
    assert in_force(workspace, verb) == "OLD"
