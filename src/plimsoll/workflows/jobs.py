"""Make a plan in the background: a process of its own, whose steps a page can watch."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Thread

import polars as pl

from plimsoll.domain.errors import PlimsollError
from plimsoll.domain.people import Person, require
from plimsoll.store import jobs as store
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.daily import run_day

PLAN = "plan"


def start_plan(folder: Path, who: Person, *, at: datetime) -> int:
    """Start a plan in a process of its own and return the job's number.

    Raises InputError while another plan is being made, and Forbidden for who may not start one.
    """
    require(who, "start_run")
    with Workspace.open(folder) as workspace:
        job_id = store.ask_for(workspace, PLAN, by=who.username, host=platform.node(), at=at)
    command = [sys.executable, "-m", "plimsoll", "work-job", str(folder), str(job_id)]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **quiet)  # type: ignore[call-overload]  # noqa: S603
    # Waited for beside: a child that nobody waits for stays in the system's table, as if it still ran.
    Thread(target=process.wait, name=f"job-{job_id}", daemon=True).start()
    return job_id


def work(folder: Path, job_id: int, *, clock: Callable[[], datetime]) -> None:
    """Do a job that was asked for; what goes wrong is recorded with it, and raised."""
    with Workspace.open(folder) as workspace:

        def progress(step: str, done: int, total: int) -> None:
            store.tell(workspace, job_id, step, done, total, pid=os.getpid(), at=clock())

        progress("Begin", 0, 0)
        try:
            result = run_day(folder, at=clock(), progress=progress)
        except PlimsollError as error:
            store.end(workspace, job_id, run_id=None, error=str(error), at=clock())
            raise
        except BaseException as error:
            store.end(workspace, job_id, run_id=None, error=f"Defect: {error!r}", at=clock())
            raise
        store.end(workspace, job_id, run_id=result.run_id, at=clock())


def jobs(folder: Path, who: Person, *, at: datetime) -> pl.DataFrame:
    """Return the latest jobs, the newest first."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return store.jobs(workspace, at=at)


def job(folder: Path, job_id: int, who: Person, *, at: datetime) -> dict[str, object]:
    """Return one job: its status, its step and how it ended."""
    require(who, "view")
    with Workspace.open(folder) as workspace:
        return store.job(workspace, job_id, at=at).row(0, named=True)
