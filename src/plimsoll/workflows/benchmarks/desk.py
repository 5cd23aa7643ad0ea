"""Time of the lists and item pages of the workbench by number of stocking points, without the web."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from plimsoll import __version__
from plimsoll.domain.decisions import LineRef
from plimsoll.domain.desk_lists import LISTS
from plimsoll.domain.listing import Query
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import Person, owner
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.domain.tables import table
from plimsoll.maths.rng import rng_for
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import decide
from plimsoll.workflows.benchmarks.plan import peak_gigabytes
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.desk import Desk
from plimsoll.workflows.facts import read_facts
from plimsoll.workflows.pipeline import run_stages

DEFAULT_POINTS = (300_000,)
ITEMS, ASKED, ITEMS_ASKED = 400, 60, 100
AT = datetime(2026, 11, 1, tzinfo=UTC)
# beside items, what tells one copy of the company from another
OF_ITEM = ("heir_id", "order_id", "key")
SHORT = (
    "pmf_lead",
    "pmf_protection",
    "pmf_lead_constant",
    "pmf_protection_constant",
)  # nobody reads them here
ASKED_OF = ("recommendations", "items", "cash", "orders", "network", "suppliers", "audit_rows")
WORDS = ("pump", "valve 8", "steel", "dc1", "-00", "zzz")


def tiled(frame: pl.DataFrame, copies: int) -> pl.DataFrame:
    """Return so many copies of a table under each other, each with items and orders of its own.

    Examples
    --------
    >>> tiled(pl.DataFrame({"item_id": ["A"], "quantity": [1.0]}), 2).rows()
    [('A~0000', 1.0), ('A~0001', 1.0)]
    """
    named = [name for name in frame.columns if name.endswith("item_id") or name in OF_ITEM]
    if not named:
        return frame
    copy = pl.int_range(copies, eager=True).alias("copy").cast(pl.String).str.zfill(4).to_frame()
    both = copy.join(frame, how="cross")
    renamed = both.with_columns(pl.format("{}~{}", pl.col(name), "copy").alias(name) for name in named)
    return renamed.select(frame.columns)


def build(folder: Path, n_points: int, progress: Progress = silent) -> None:
    """Make a workspace of that many stocking points: copies of a planned demo company."""
    progress("Plan the company that is copied", 0, 3)
    with tempfile.TemporaryDirectory() as small:
        build_demo(Path(small, "w"), n_items=ITEMS, seed=1, at=AT)
        with Workspace.open(Path(small, "w")) as workspace:
            read = read_facts(workspace, at=AT)
        stages = run_stages(read.tables, read.settings, as_of=read.as_of, seed=1, progress=silent)
    copies = -(-n_points // stages.tables["planning_point"].height)
    progress(f"Copy it {copies} times", 1, 3)
    facts = {name: read.tables[name] for name in ("receipts", "open_orders", "stock")}
    facts["demand"] = _by_week(read.tables["demand"])
    with Workspace.create(folder) as workspace:
        made = {name: table(name).conform(tiled(frame, copies)) for name, frame in facts.items()}
        given = {"currency": read.currency}
        workspace.publish_import(made, Manifest("import", __version__, read.as_of, 0, given, {}), at=AT)
        progress("Publish", 2, 3)
        del made
        tables = {name: _conformed(name, frame, copies) for name, frame in stages.tables.items()}
        options = read.settings.of_results()
        inputs = workspace.fact_hashes()
        workspace.publish_run(
            "plan", tables, Manifest("plan", __version__, read.as_of, 1, options, inputs), at=AT
        )


def _conformed(name: str, frame: pl.DataFrame, copies: int) -> pl.DataFrame:
    if name == "demand_estimate":
        frame = frame.with_columns(pl.lit([1.0]).alias(law) for law in SHORT)
    made = tiled(frame, copies)
    if name == "line":
        made = made.sort("line_no", maintain_order=True).with_columns(line_no=pl.int_range(1, pl.len() + 1))
    return table(name).conform(made)


def _by_week(lines: pl.DataFrame) -> pl.DataFrame:
    week = pl.col("date").dt.truncate("1w").alias("date")
    known = lines.drop_nulls("quantity").group_by("item_id", "location_id", week)
    return table("demand").conform(known.agg(pl.col("quantity").sum()))


def measure(folder: Path, seed: int = 1) -> tuple[pl.DataFrame, dict[str, float]]:
    """Return milliseconds of lists and pages under random filters and orders, and seconds to load."""
    rng, me = rng_for(seed, "benchmark desk"), owner("bench")
    start = perf_counter()
    desk = Desk(folder)
    points = desk.table("items", Query(), me, ["item_id", "location_id"])
    loaded = perf_counter() - start
    rows = [
        _timed(name, _questions(desk, name, me, rng), lambda ask, of=name: desk.listing(of, ask, me))
        for name in ASKED_OF
    ]
    some = [points.row(int(row)) for row in rng.integers(0, points.height, ITEMS_ASKED)]
    rows.append(_timed("one item", some, lambda point: desk.item(point[0], point[1], me)))
    texts = [*WORDS, *(point[0] for point in some[:20])]
    rows.append(_timed("search box", texts, lambda text: desk.search(text, me)))
    rows.append(_timed("today", list(range(10)), lambda _: desk.today(me, AT)))
    lines = desk.table("recommendations", Query(), me, ["line_id"])["line_id"]
    ids = [lines[int(row)] for row in rng.integers(0, len(lines), 20)] if len(lines) else []
    rows.append(_timed("one line", ids, lambda line: desk.line(line, me)))
    rows.append(
        _timed("list after a decision", list(dict.fromkeys(ids)), _decide_then_list(desk, folder, me))
    )
    return pl.DataFrame(rows), {"seconds to load": loaded, "points": points.height, "lines": len(lines)}


def _decide_then_list(desk: Desk, folder: Path, me: Person) -> Callable[[str], object]:
    """Return what is timed: the list after somebody decided on a line (the decision itself included)."""

    def ask(line: str) -> object:
        decide.accept(folder, [LineRef(line)], me, at=AT)
        return desk.listing("recommendations", desk.query("recommendations", {"status": "proposed"}), me)

    return ask


def _questions(desk: Desk, name: str, me: Person, rng: np.random.Generator) -> list[Query]:
    """Return random filters and orders: one or two choices, sometimes a text or a bound, any column."""
    spec, columns = LISTS[name], desk.columns(name)
    choices = [column for column in spec.choices if column in columns]
    asked = []
    for _ in range(ASKED):
        params: dict[str, str] = {}
        for column in rng.choice(choices, min(int(rng.integers(0, 3)), len(choices)), replace=False):
            known = [
                each.value for each in desk.choices(name, Query(), me, str(column)) if each.value is not None
            ]
            if known:
                value = known[int(rng.integers(0, len(known)))]
                params[str(column)] = str(value).lower() if isinstance(value, bool) else str(value)
        if rng.random() < 0.3:
            params["q"] = str(rng.choice(WORDS))
        money = [column for column in spec.sums if column in columns]
        if money and rng.random() < 0.3:
            params[f"{rng.choice(money)}__ge"] = str(int(rng.integers(1, 2000)))
        column = str(rng.choice([column for column in spec.shown if column in columns]))
        params["sort"] = f"-{column}" if rng.random() < 0.5 else column
        query = desk.query(name, params)
        asked.append(replace(query, page=int(rng.integers(1, 4))))
    return asked


def _timed(what: str, asked: Sequence[object], ask: Callable[..., object]) -> dict[str, object]:
    taken = []
    for each in asked:
        start = perf_counter()
        ask(each)
        taken.append(1000.0 * (perf_counter() - start))
    if not taken:
        return {"what": what, "asked": 0, "p50 ms": None, "p95 ms": None, "most ms": None}
    p50, p95 = np.percentile(taken, [50, 95])
    return {
        "what": what,
        "asked": len(taken),
        "p50 ms": round(float(p50), 1),
        "p95 ms": round(float(p95), 1),
        "most ms": round(max(taken), 1),
    }


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Measure the read model on copies of the demo company."""
    tables, facts = {}, []
    for size in options.points or DEFAULT_POINTS:
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder, "w"), size, progress)
            found, told = measure(Path(folder, "w"))
            Workspace.stop_serving(Path(folder, "w"))
        tables[f"{int(told['points']):,} stocking points, {int(told['lines']):,} lines"] = found
        told |= {"peak GB": peak_gigabytes()}
        facts.append({name: round(value, 1) for name, value in told.items()})
    command = " ".join(
        ["plimsoll bench desk", *(f"--points {size}" for size in options.points or DEFAULT_POINTS)]
    )
    return BenchmarkOutcome(
        "desk",
        "Lists and pages of the workbench, read model alone",
        command,
        machine(),
        tables | {"Loading": pl.DataFrame(facts)},
        (
            f"Copies of the demo company of {ITEMS} items; each list is asked {ASKED} random questions, "
            "so that most orders are made for the first time.",
            "Without the web: rendering and the network come on top. Peak memory includes making the copies.",
        ),
    )
