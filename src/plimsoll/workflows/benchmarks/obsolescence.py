"""Warnings of obsolescence scored on months they had not seen: real spare parts, and the demo company."""

import tempfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from plimsoll import demand, ingest, lifecycle
from plimsoll.demand.panel import Panel
from plimsoll.domain.errors import InputError
from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.lifecycle.chance import Outlook, outlook_of
from plimsoll.lifecycle.history import KEY, monthly_panel
from plimsoll.lifecycle.score import NEVER, judged, lead_months, reliability
from plimsoll.maths.kernels.lifetimes import FADING, LATE, SEEN, VELOCITY
from plimsoll.maths.ragged import Floats
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.demo import build_demo

SILENT_MONTHS = 6  # of the rule of thumb: no demand for half a year
HELD_OUT = 15  # months of the spare parts: four moments, each with the twelve months that follow
DEMO_ITEMS, DEMO_SEED, DEMO_HORIZON, DEMO_HELD_OUT = 1200, 11, 6, 12
# Months known at the first of the moments that lead times are counted from.
FIRST_PARTS, FIRST_DEMO = 12, 6
THUMB = f"silent for {SILENT_MONTHS} months"
RULES = ("over", "over or watch", THUMB)
SAME_SHARE = "as many, by chance"


@dataclass(frozen=True, slots=True)
class _Case:
    """A table of months (points, months), NaN not observed, and the options it is judged with."""

    name: str
    grid: Floats
    start: date
    params: lifecycle.LifecycleParams
    held_out: int
    first: int
    truth: pl.Series | None = None


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Score the warnings on both companies."""
    source = options.data / "carparts" / "demand.csv.gz"
    if not source.is_file():
        what = f"There is no file '{source}'."
        raise InputError(what, remedy="Name the folder that holds `carparts` with --data.")
    scores, leads, honest, truly = [], [], [], pl.DataFrame()
    progress("Spare parts", 0, 2)
    cases = [_spare_parts(source)]
    progress("Demo company", 1, 2)
    cases.append(_demo())
    for case in cases:
        outlooks = _outlooks(case)
        rows, chance, came = _scores(case, outlooks)
        scores += rows
        leads += _leads(case, outlooks)
        honest.append(reliability(chance, came).with_columns(data=pl.lit(case.name)))
        if case.truth is not None:
            truly = _against_truth(case.truth, outlooks[case.grid.shape[1]], case.params)
    figures = pl.col(pl.Float64).round(3)
    tables = {
        "Nobody asks in the months that follow": pl.DataFrame(scores).with_columns(figures),
        "Months between the warning and the last demand": pl.DataFrame(leads).with_columns(figures),
        "Warned of on the last day of the demo company, by the truth": truly.with_columns(figures),
        "Foretold and come, by tenths of the foretold chance": pl.concat(honest)
        .select("data", "group", "cases", "foretold", "came")
        .with_columns(figures),
    }
    notes = (
        f"Event: nobody asks in the next 12 months (spare parts, last {HELD_OUT} of 51 months held out) "
        f"or {DEMO_HORIZON} months (demo company, last {DEMO_HELD_OUT} of 24 held out), at every month's end "
        "within the held-out months that leaves such a horizon.",
        "Models and cuts of each moment come from months before it alone.",
        f"'{SAME_SHARE}': as many warnings as the rule of thumb gives, spent on the highest chances.",
        "Brier: mean squared error of the chance; its reference is a chance equal to the base rate.",
        "Months before the last demand: + while demand still came, - after; of points whose demand ended and "
        "stayed silent as long as the horizon; a warning counts from when it stands until the end.",
        "Recorded months only: 165 of the 2,674 spare parts are no longer recorded after February 1999.",
    )
    title = "Warnings that nobody will ask again, on months they had not seen"
    return BenchmarkOutcome("obsolescence", title, "plimsoll bench obsolescence", machine(), tables, notes)


def _spare_parts(source: Path) -> _Case:
    """Return the recorded months of the spare parts that were recorded to the end."""
    grid = (
        pl.read_csv(source)
        .pivot(on="month", index="item_id", values="quantity", sort_columns=True)
        .drop("item_id")
        .drop_nulls()
        .to_numpy()
    )
    params = lifecycle.LifecycleParams()
    return _Case("spare parts", grid.astype(np.float64), date(1998, 1, 1), params, HELD_OUT, FIRST_PARTS)


def _demo() -> _Case:
    """Return the demo company's last 24 months by place, without items whose end was announced."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "company")
        build_demo(path, n_items=DEMO_ITEMS, seed=DEMO_SEED, at=datetime(2026, 10, 31, tzinfo=UTC))
        with Workspace.open(path) as workspace:
            imported = workspace.import_in_force()
            facts = workspace.facts()
        truth = pl.read_parquet(next(path.rglob("truth/points.parquet")))
    as_of = imported.as_of if imported else date(2026, 10, 31)
    done = ingest.complete(facts, as_of=as_of)
    total = demand.pass_upstream(done.tables["demand"], done.points)
    points = done.points.filter(
        pl.col("end_date").is_null() & pl.col("launch_date").is_null() & (pl.col("left_out_reason").is_null())
    ).sort(KEY)
    panel = monthly_panel(total, points, demand.DemandParams(), as_of=as_of)
    months = int(np.diff(panel.bounds).min())
    grid = np.stack([panel.values[end - months : end] for end in panel.bounds[1:]])[:, -24:]
    params = lifecycle.LifecycleParams(horizon_months=DEMO_HORIZON)
    stopped, fades = pl.col("stopped_date").is_not_null(), pl.col("demand_type") == "phase_out"
    kind = (
        pl.when(stopped)
        .then(pl.lit("stopped"))
        .when(fades)
        .then(pl.lit("fades"))
        .otherwise(pl.lit("goes on"))
    )
    truly = points.join(truth.select(*KEY, kind.alias("truth")), on=KEY, how="left", maintain_order="left")
    held_out = DEMO_HELD_OUT
    return _Case("demo company", grid, panel.start, params, held_out, FIRST_DEMO, truly["truth"])


def _outlooks(case: _Case) -> dict[int, Outlook]:
    """Return what was foretold at the end of every month, from the months until then alone."""
    n, n_months = case.grid.shape
    turn = np.asarray(np.arange(n) * 0.6180339887 % 1.0, dtype=np.float64)
    found = {}
    for known in range(case.first, n_months + 1):
        values = np.ascontiguousarray(case.grid[:, :known]).ravel()
        panel = Panel("month", case.start, known, values, np.arange(n + 1) * known, 0)
        found[known] = outlook_of(panel, turn, case.params)
    return found


def _warnings(outlook: Outlook, params: lifecycle.LifecycleParams) -> dict[str, np.ndarray]:
    facts = outlook.facts
    told = facts[:, SEEN] >= params.history_months_min
    fades = (facts[:, FADING] <= -params.fading_errors) & (facts[:, VELOCITY] <= -params.fading_share)
    return dict(
        zip(
            RULES,
            (
                told & (outlook.silent >= outlook.over_cut),
                told & ((outlook.silent >= outlook.watch_cut) | fades),
                (facts[:, LATE] == 0) & (facts[:, SEEN] >= SILENT_MONTHS),
            ),
            strict=True,
        )
    )


def _scores(case: _Case, outlooks: dict[int, Outlook]) -> tuple[list[dict[str, object]], Floats, np.ndarray]:
    """Return the scores of all rules over the held-out moments, the chances, and what came."""
    ahead, n_months = case.params.horizon_months, case.grid.shape[1]
    moments = range(n_months - case.held_out, n_months - ahead + 1)
    came = np.concatenate([case.grid[:, known : known + ahead].sum(axis=1) <= 0 for known in moments])
    asked = np.concatenate([(case.grid[:, :known] > 0).any(axis=1) for known in moments])
    chance = np.concatenate([outlooks[known].silent for known in moments])[asked]
    warned = [_warnings(outlooks[known], case.params) for known in moments]
    came = came[asked]
    flags = {rule: np.concatenate([one[rule] for one in warned])[asked] for rule in RULES}
    # As many warnings as the rule of thumb gives, spent on the highest chances: who ranks better?
    cut = np.sort(chance)[::-1][max(int(flags[THUMB].sum()) - 1, 0)]
    flags[SAME_SHARE] = chance >= cut
    rows: list[dict[str, object]] = []
    for rule, flag in flags.items():
        row = judged(flag, came)
        ours = rule == RULES[0]
        reference = float(came.mean() * (1 - came.mean()))
        brier = float(((chance - came) ** 2).mean()) if ours else None
        rows.append({"data": case.name, "rule": rule} | row | {"Brier": brier, "its reference": reference})
    return rows, chance, came


def _against_truth(truth: pl.Series, outlook: Outlook, params: lifecycle.LifecycleParams) -> pl.DataFrame:
    """Return the share of places warned of on the last day, by what is really so."""
    flags = _warnings(outlook, params)
    return (
        pl.DataFrame({"in truth": truth.fill_null("not in the truth"), **flags})
        .group_by("in truth")
        .agg(pl.len().alias("places"), pl.col(RULES).mean())
        .sort("in truth", descending=True)
    )


def _leads(case: _Case, outlooks: dict[int, Outlook]) -> list[dict[str, object]]:
    """Return how early each rule warned of the points whose demand ended."""
    moments = np.array(list(outlooks))
    n_months = case.grid.shape[1]
    active = case.grid > 0
    last = np.where(active.any(axis=1), n_months - np.argmax(active[:, ::-1], axis=1), 0)
    ended = (last > case.first) & (last <= n_months - case.params.horizon_months)
    flags = [_warnings(outlook, case.params) for outlook in outlooks.values()]
    rows: list[dict[str, object]] = []
    for rule in RULES:
        lead = lead_months(np.stack([one[rule] for one in flags], axis=1)[ended], moments, last[ended])
        warned = lead[lead > NEVER]
        low, middle, high = np.percentile(warned, [25, 50, 75])
        rows.append(
            {
                "data": case.name,
                "rule": rule,
                "ended": int(ended.sum()),
                "warned": float((lead > NEVER).mean()),
                "before the last demand": float((lead > 0).mean()),
                "three months before": float((lead >= 3).mean()),
                "lower quartile": float(low),
                "median": float(middle),
                "upper quartile": float(high),
            }
        )
    return rows
