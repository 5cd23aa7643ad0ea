"""The workbench under load: a real server, one person on every list, then many planners at once."""

import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from time import perf_counter, process_time, sleep
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import polars as pl

from plimsoll.domain.errors import WorkspaceError
from plimsoll.domain.people import owner
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.workflows import people
from plimsoll.workflows.benchmarks import desk
from plimsoll.workflows.benchmarks.clicks import FASTER, Browser, Click, all_at_once, told
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

ASKED, ITEMS_ASKED, SECONDS, START_S = 60, 200, 60.0, 1800.0
PASSWORD = "the load goes up the hill"  # noqa: S105 - of people who are gone with the benchmark
PEOPLE = "load{:03d}"
WORKERS = 2  # one a core
LIST_MS, ITEM_MS, PLANNERS_MS = 200.0, 300.0, 1000.0  # what is promised, at the 95th percentile
# List -> the address of its page
PAGES = {
    "recommendations": "/recommendations",
    "items": "/items",
    "cash": "/cash",
    "suppliers": "/suppliers",
    "orders": "/suppliers/all/orders",
    "audit_rows": "/health/rows",
    "exceptions": "/exceptions",
}
WORDS = ("pump", "valve 8", "steel", "dc1", "-00", "zzz")


@dataclass
class Server:
    """A running `plimsoll serve`."""

    port: int
    process: "subprocess.Popen[bytes]"

    def cpu_seconds(self) -> float | None:
        """Return the processor seconds that it has taken so far; None where the system does not tell."""
        taken = [file.read_text().rpartition(")")[2].split() for file in self._told("stat")]
        ticks = sum(int(fields[11]) + int(fields[12]) for fields in taken)
        return ticks / os.sysconf("SC_CLK_TCK") if taken else None

    def gigabytes(self) -> float | None:
        """Return the memory it holds; None where the system does not tell."""
        pages = [int(file.read_text().split()[1]) for file in self._told("statm")]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 1e9 if pages else None

    def _told(self, name: str) -> list[Path]:
        """Return the files of that name about the server's process and its workers."""
        own = Path(f"/proc/{self.process.pid}")
        workers = own / f"task/{self.process.pid}/children"
        pids = workers.read_text().split() if workers.exists() else []
        files = [own / name, *(Path(f"/proc/{pid}/{name}") for pid in pids)]
        return [file for file in files if file.exists()]


@contextmanager
def served(folder: Path, *, wait_s: float = START_S) -> Iterator[Server]:
    """Start a server of a workspace on a free port of this machine, and end it afterwards.

    Raises WorkspaceError if it ends by itself or does not answer in time.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "plimsoll", "serve", str(folder), "--port", str(port)]
    command += ["--workers", str(WORKERS)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - our own command
        try:
            _await(port, process, wait_s)
            yield Server(port, process)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(port: int, process: "subprocess.Popen[bytes]", wait_s: float) -> None:
    end = perf_counter() + wait_s
    while True:
        probe = Browser(port)
        probe.get("start", "/api/v1/health")
        probe.close()
        if not probe.clicks[0].error:
            return
        if process.poll() is not None or perf_counter() > end:
            what = "The server that the benchmark started does not answer."
            raise WorkspaceError(what, remedy="Start it by hand: `plimsoll serve WORKSPACE`.")
        sleep(0.05)


def prepare(folder: Path, n_points: int, planners: int) -> None:
    """Make a workspace of that many stocking points, with users."""
    if not folder.exists():
        desk.build(folder, n_points, silent)
    boss, at = owner("bench"), desk.AT
    known = {user.username for user in people.users(folder, boss)}
    for number in range(planners):
        if (name := PEOPLE.format(number)) not in known:
            people.add_user(folder, name, {"role": "planner"}, boss, at=at, password=PASSWORD)


def measure(
    folder: Path, planners: int, progress: Progress = silent, *, seconds: float = SECONDS, seed: int = 1
) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Return tables of milliseconds for one person and for many, and what went wrong.

    Parameters
    ----------
    folder : a workspace as of `prepare`
    planners : how many click at once
    seconds : how long they click
    """
    began = perf_counter()
    with served(folder) as server:
        listening = perf_counter() - began
        one = Browser(server.port)
        one.log_in(PEOPLE.format(0), PASSWORD)
        one.get("worklist", PAGES["recommendations"])
        start = pl.DataFrame(
            {"seconds until it answers": [round(listening, 1)]}
            | {"seconds until the first list": [round(perf_counter() - began, 1)]}
        )
        one.clicks.clear()
        phases = [_alone(server, one, seed, progress)]
        crowd = [Browser(server.port) for _ in range(planners)]
        phases.append(_phase(server, crowd, "log-ins at once", lambda: _log_in(crowd)))
        for name, think in (("thinking 0.5 to 1.5 s", (0.5, 1.5)), ("without a pause", (0.0, 0.0))):
            progress(f"{planners} planners, {name}", len(phases), 4)
            words = f"{planners} planners at once, {name}"
            work = partial(all_at_once, crowd, seconds, think, seed)
            phases.append(_phase(server, crowd, words, work))
        held = server.gigabytes()
    tables = {name: told(clicks) for name, clicks, _ in phases}
    costs = pl.DataFrame([row for *_, row in phases], infer_schema_length=None)
    faults = [f"{name}: {click.error}" for name, clicks, _ in phases for click in clicks if _is_error(click)]
    return {
        "Promised and measured": _promises(phases, planners),
        **tables,
        "What it takes": costs,
        "Start": start.with_columns(pl.lit(held).round(2).alias("server GB")),
    }, faults


Phase = tuple[str, list[Click], dict[str, object]]


def _phase(server: Server, browsers: list[Browser], name: str, work: Callable[[], object]) -> Phase:
    """Return the clicks of a phase, and what server and clients took for them."""
    for browser in browsers:
        browser.clicks.clear()
    began, cpu, own = perf_counter(), server.cpu_seconds(), process_time()
    work()
    taken, own, end = perf_counter() - began, process_time() - own, server.cpu_seconds()
    clicks = [click for browser in browsers for click in browser.clicks]
    n = max(len(clicks), 1)
    return (
        name,
        clicks,
        {
            "phase": name,
            "seconds": round(taken, 1),
            "clicks a second": round(len(clicks) / taken, 1),
            "server, CPU ms a click": None
            if cpu is None or end is None
            else round(1000 * (end - cpu) / n, 2),
            "server, cores": None if cpu is None or end is None else round((end - cpu) / taken, 2),
            "clients, cores": round(own / taken, 2),
        },
    )


def _log_in(crowd: list[Browser]) -> None:
    threads = [
        Thread(target=browser.log_in, args=(PEOPLE.format(number), PASSWORD))
        for number, browser in enumerate(crowd)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _alone(server: Server, one: Browser, seed: int, progress: Progress) -> Phase:
    """Ask every list for random filters, orders and pages, and open items, one after the other."""
    rng = np.random.default_rng(seed)
    asked = {name: _questions(one, name, rng) for name in PAGES}
    points = _points(one, rng)
    progress("One person", 0, 4)

    def work() -> None:
        for name, questions in asked.items():
            for question in questions:
                one.get(f"list {name}", f"{PAGES[name]}?{urlencode(question)}")
        for item, place in points:
            one.get("item", f"/items/{quote(item, safe='')}/{quote(place, safe='')}")
        for _ in range(20):
            one.get("today", "/today")

    return _phase(server, [one], "One person", work)


def _points(one: Browser, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return stocking points from all over the list of items."""
    total = _json(one, "/api/v1/items?size=1")["total"]
    found = []
    for page in rng.integers(1, max(total // 10, 1) + 1, ITEMS_ASKED // 5):
        rows = _json(one, f"/api/v1/items?size=10&page={page}")["items"]
        found += [(row["item_id"], row["location_id"]) for row in rows[:5]]
    return found


def _questions(one: Browser, name: str, rng: np.random.Generator) -> list[dict[str, str]]:
    """Return random filters and orders: one or two choices, sometimes a text or a bound, any column."""
    spec = _json(one, f"/api/v1/lists/{name}")
    columns = spec["columns"]
    values: dict[str, list[object]] = {}
    for column in (column["name"] for column in columns if column["is_choice"]):
        known = _json(one, f"/api/v1/lists/{name}/choices?column={column}")["choices"]
        values[column] = [choice["value"] for choice in known if choice["value"] is not None]
    some, shown = (
        [column for column in values if values[column]],
        [c["name"] for c in columns if c["is_shown"]],
    )
    asked = []
    for _ in range(ASKED):
        params: dict[str, str] = {}
        for column in (
            rng.choice(some, min(int(rng.integers(0, 3)), len(some)), replace=False) if some else ()
        ):
            value = values[str(column)][int(rng.integers(0, len(values[str(column)])))]
            params[str(column)] = str(value).lower() if isinstance(value, bool) else _quoted(str(value))
        if rng.random() < 0.3:
            params["q"] = str(rng.choice(WORDS))
        if spec["sums"] and rng.random() < 0.3:
            params[f"{rng.choice(spec['sums'])}__ge"] = str(int(rng.integers(1, 2000)))
        column = str(rng.choice(shown))
        params["sort"] = f"-{column}" if rng.random() < 0.5 else column
        params["page"] = str(int(rng.integers(1, 4)))
        asked.append(params)
    return asked


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,")


def _json(one: Browser, path: str) -> Any:
    return json.loads(one.get("ask", path))


def _promises(phases: list[Phase], planners: int) -> pl.DataFrame:
    (_, alone, _), _, (_, thinking, _), (_, restless, _) = phases
    lists = [click for click in alone if click.what.startswith("list ")]
    items = [click for click in alone if click.what == "item"]
    rows = [
        _promise("Any list, one person", lists, LIST_MS),
        _promise("Item page, one person", items, ITEM_MS),
        _promise(f"{planners} planners who think", thinking, PLANNERS_MS),
        _promise(f"{planners} planners who do not", restless, PLANNERS_MS),
    ]
    return pl.DataFrame(rows)


def _promise(what: str, clicks: list[Click], most: float) -> dict[str, object]:
    p95 = float(np.percentile([click.ms for click in clicks], 95)) if clicks else float("nan")
    errors = sum(map(_is_error, clicks))
    return {
        "what": what,
        "promised p95 ms": most,
        "p95 ms": round(p95, 1),
        "errors": errors,
        "kept": "yes" if p95 < most and not errors else "no",
    }


def _is_error(click: Click) -> bool:
    return click.error not in ("", FASTER)


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Load a server of a workspace as large as asked for."""
    tables: dict[str, pl.DataFrame] = {}
    faults: list[str] = []
    sizes = options.points or desk.DEFAULT_POINTS
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder, "w")
            progress(f"Make {size:,} stocking points", 0, 4)
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                pool.submit(prepare, home, size, options.planners).result()  # its memory goes with it
            found, wrong = measure(home, options.planners, progress)
        tables |= {
            f"{size:,} points. {name}" if len(sizes) > 1 else name: frame for name, frame in found.items()
        }
        faults += wrong
    command = " ".join(
        ["plimsoll bench serve", *(f"--points {size}" for size in sizes), f"--planners {options.planners}"]
    )
    of = " and ".join(f"{size:,}" for size in sizes)
    shown = tuple(f"Went wrong: {fault}" for fault in faults[:10])
    return BenchmarkOutcome(
        "serve",
        f"The workbench under load: {of} stocking points, {options.planners} planners",
        command,
        machine(),
        tables,
        (
            "Server and clients share the machine's cores; times are from the request's first byte to the "
            "answer's last, on connections that are kept open.",
            f"Each list is asked {ASKED} random questions, so that most selections and orders are made for "
            "the first time.",
            f"'{FASTER}': two planners decided on one line, and the second was told so.",
            *shown,
        ),
    )
