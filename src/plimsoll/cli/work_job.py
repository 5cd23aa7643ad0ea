"""`plimsoll work-job`: what the workbench starts in the background; not for people."""

from pathlib import Path
from typing import Annotated

import typer

from plimsoll.cli.console import now


def work_job(
    folder: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="The workspace directory.")],
    job_id: Annotated[int, typer.Argument(metavar="JOB", help="Number of the job.")],
) -> None:
    """Do a job that was asked for, and record how it goes."""
    from plimsoll.workflows.jobs import work

    work(folder, job_id, clock=now)
