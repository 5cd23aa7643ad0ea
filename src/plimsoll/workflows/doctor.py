"""Examine a workspace: are its files, its database and its log what they should be, is anything stuck."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from plimsoll.domain.people import Person, require
from plimsoll.store import audit_log, outbox, soundness
from plimsoll.store.jobs import jobs
from plimsoll.store.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Check:
    """One thing examined: what was found, and what to do if it is not sound."""

    name: str
    is_sound: bool
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """All that was examined."""

    checks: tuple[Check, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return all(check.is_sound for check in self.checks)

    def as_data(self) -> dict[str, Any]:
        """Return the checks as data for JSON."""
        names = ("name", "is_sound", "found", "remedy")
        checks = [{name: getattr(check, name) for name in names} for check in self.checks]
        return {"is_sound": self.is_sound, "checks": checks}


def examine(folder: Path, *, at: datetime) -> Health:
    """Examine a workspace; nothing is changed, but a schema of an older program is brought to today's.

    Files of facts and results against their hashes, the log against its chain, orders that left against the
    batches they left with, deliveries that are owed, jobs that died. The hash of the log's head is told: kept
    elsewhere, it shows later whether somebody wrote the log anew.
    """
    with Workspace.open(folder) as workspace:
        return Health(
            (
                _database(workspace),
                _files(workspace),
                _log(workspace),
                *_door(workspace, at),
                _jobs(workspace, at),
            )
        )


def check_log(folder: Path, who: Person) -> Check:
    """Return whether the log of changes is whole; the hash of its head is told."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return _log(workspace)


def _database(workspace: Workspace) -> Check:
    return Check("database", is_sound=True, found=soundness.database(workspace))


def _files(workspace: Workspace) -> Check:
    n, damaged = soundness.damaged_files(workspace)
    if damaged:
        remedy = "Restore them from a backup, or run again the import or plan that made them."
        return Check(
            "files", False, f"{len(damaged)} of {n} are missing or changed: {_first(damaged)}", remedy
        )
    return Check("files", is_sound=True, found=f"{n} files of facts and results are as they were published")


def _log(workspace: Workspace) -> Check:
    chain = audit_log.verify(workspace)
    if chain.broken:
        remedy = "Somebody changed the database past Plimsoll: compare it with a backup."
        return Check("log", False, f"{chain.broken}; the {chain.n_events} events before it are whole", remedy)
    return Check("log", is_sound=True, found=f"{chain.n_events} events, whole; head {chain.head}")


def _door(workspace: Workspace, at: datetime) -> list[Check]:
    batches, sent = outbox.batches(workspace), outbox.deliveries(workspace)
    counted = soundness.lines_of_batches(workspace)
    wrong = [
        name for name, n in batches.select("batch_id", "n_lines").iter_rows() if counted.get(name, 0) != n
    ]
    door = Check("batches", True, f"{batches.height} batches hold the lines that they left with")
    if wrong:
        what = f"{len(wrong)} batches do not hold the lines that they left with: {_first(wrong)}"
        door = Check("batches", False, what, "Compare the database with a backup.")
    owed = sent.filter((pl.col("status") == "pending") & (pl.col("attempts") > 0) | _is_late(at))
    if owed.is_empty():
        return [door, Check("deliveries", True, "nothing is owed")]
    names = [f"{row['batch_id']} to {row['channel']}" for row in owed.iter_rows(named=True)]
    why = owed["last_error"].filter(owed["last_error"] != "").head(1).to_list()
    found = f"{owed.height} are owed: {_first(names)}{': ' + why[0] if why else ''}"
    return [door, Check("deliveries", False, found, f"Run `plimsoll export {workspace.path} --pending`.")]


def _is_late(at: datetime) -> pl.Expr:
    return (pl.col("status") == "pending") & (pl.col("next_try_at") < pl.lit(at))


def _jobs(workspace: Workspace, at: datetime) -> Check:
    recent = jobs(workspace, at=at)  # one that fell silent counts there as failed, but has no end
    silent = recent.filter((pl.col("status") == "failed") & pl.col("ended_at").is_null())
    if silent.height:
        names = [f"job {number}" for number in silent["job_id"]]
        return Check(
            "jobs", False, f"{silent.height} stopped without a word: {_first(names)}", "Start them again."
        )
    return Check("jobs", is_sound=True, found="none hangs")


def _first(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
