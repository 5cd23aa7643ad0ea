"""Work in the background as rows: asked for, under way with its step, and how it ended."""

from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import select

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError
from plimsoll.store import audit_log
from plimsoll.store.db.work_models import Job
from plimsoll.store.workspace import Workspace

AT_WORK = ("queued", "running")
SILENT_FOR = timedelta(minutes=10)  # a job that has said nothing for so long died with its machine
JOBS = pl.Schema(
    {
        "job_id": pl.Int64(),
        "kind": pl.String(),
        "status": pl.String(),
        "step": pl.String(),
        "step_no": pl.Int64(),
        "n_steps": pl.Int64(),
        "error": pl.String(),
        "started_by": pl.String(),
        "created_at": pl.Datetime("us", "UTC"),
        "ended_at": pl.Datetime("us", "UTC"),
        "run_id": pl.String(),
    }
)


def ask_for(workspace: Workspace, kind: str, *, by: str, host: str, at: datetime) -> int:
    """Return the number of a new job; while one of its kind is at work another is refused."""
    with workspace.transaction("start the job") as db:
        for other in db.scalars(select(Job).where(Job.kind == kind, Job.status.in_(AT_WORK))):
            if other.beat_at > at - SILENT_FOR:
                what = f"A {kind} is being made already: job {other.id}, started by {other.started_by}."
                raise InputError(what, remedy="Wait until it has finished; its progress is shown under Runs.")
            _end(other, "failed", at, error="It stopped without a word.")
        job = Job(kind=kind, status="queued", step="", step_no=0, n_steps=0, log="", error="", host=host)
        job.started_by, job.created_at, job.beat_at = by, at, at
        db.add(job)
        db.flush()
        audit_log.append(
            db, at=at, actor=by, action="start", object_type="job", object_id=str(job.id), old=None,
            new={"kind": kind},
        )  # fmt: skip
        return job.id


def tell(
    workspace: Workspace, job_id: int, step: str, done: int, total: int, *, pid: int, at: datetime
) -> None:
    """Record where a job is."""
    with workspace.transaction("report progress") as db:
        job = db.get_one(Job, job_id)
        job.status, job.step, job.step_no, job.n_steps = "running", step, done, total
        job.pid, job.beat_at = pid, at


def end(workspace: Workspace, job_id: int, *, run_id: str | None, error: str = "", at: datetime) -> None:
    """Record how a job ended: with the run that it made, or an error."""
    with workspace.transaction("end the job") as db:
        _end(db.get_one(Job, job_id), "failed" if error else "done", at, run_id=run_id, error=error)


def _end(job: Job, status: str, at: datetime, *, run_id: str | None = None, error: str = "") -> None:
    job.status, job.run_id, job.error, job.ended_at, job.beat_at = status, run_id, error, at, at


def jobs(workspace: Workspace, *, at: datetime, size: int = 50) -> pl.DataFrame:
    """Return the latest jobs, the newest first; one that fell silent counts as failed."""
    with workspace.reading() as db:
        found = list(db.scalars(select(Job).order_by(Job.id.desc()).limit(size)))
    return pl.DataFrame([_told(job, at) for job in found], schema=JOBS, orient="row")


def job(workspace: Workspace, job_id: int, *, at: datetime) -> pl.DataFrame:
    """Return one job as a row of `jobs`."""
    with workspace.reading() as db:
        found = db.get(Job, job_id)
    if found is None:
        what = f"There is no job {job_id}."
        raise Unknown(what, remedy="See the list of jobs under Runs.")
    return pl.DataFrame([_told(found, at)], schema=JOBS, orient="row")


def _told(job: Job, at: datetime) -> tuple[object, ...]:
    silent = job.status in AT_WORK and job.beat_at <= at - SILENT_FOR
    status, error = ("failed", "It stopped without a word.") if silent else (job.status, job.error)
    where = (job.step, job.step_no, job.n_steps)
    return (job.id, job.kind, status, *where, error, job.started_by, job.created_at, job.ended_at, job.run_id)
