"""A real manufacturer's 3,451 items, imported and planned in a fresh process."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import polars as pl

from plimsoll.domain.errors import InputError, PlimsollError
from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

STEPS = ("init", "import", "plan")


def _command(*words: str, cache: Path) -> float:
    """Run one command line in a fresh interpreter with this cache of compiled kernels; returns seconds."""
    start = perf_counter()
    done = subprocess.run(  # noqa: S603 -- our own interpreter and our own words
        [sys.executable, "-c", "from plimsoll.cli.app import main; main()", *words],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        what = f"`plimsoll {' '.join(words)}` failed: {done.stderr.strip()[-400:]}"
        raise PlimsollError(what)
    return perf_counter() - start


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Import and plan the data twice: with no compiled kernel on disk, and with them there."""
    source = options.data / "man"
    if not source.is_dir():
        what = f"There is no folder '{source}'."
        raise InputError(what, remedy="Name the folder that holds `man` with --data.")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "kernels")
        for start in ("cold: kernels compiled", "warm: kernels loaded"):
            workspace = Path(folder, "company")
            shutil.rmtree(workspace, ignore_errors=True)
            words = (
                ("init", str(workspace)),
                ("import", str(workspace), str(source), "--mapping", "man"),
                ("plan", str(workspace)),
            )
            seconds = []
            for done, line in enumerate(words):
                progress(f"{start}: {line[0]}", done, len(words))
                seconds.append(_command(*line, cache=cache))
            rows.append((start, *seconds, sum(seconds)))
    grid = pl.DataFrame(rows, schema=["start", *STEPS, "total"], orient="row")
    grid = grid.with_columns(pl.col(pl.Float64).round(2))
    notes = ("Seconds of whole commands, interpreter start included.",)
    title = "A real manufacturer's 3,451 items and 148 weeks, imported and planned"
    return BenchmarkOutcome("onboard", title, "plimsoll bench onboard", machine(), {"Seconds": grid}, notes)
