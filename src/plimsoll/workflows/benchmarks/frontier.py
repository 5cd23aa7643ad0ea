"""The best targets against one target for all at equal service: replayed on time held out."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from plimsoll import policy, replay
from plimsoll.demand.panel import KEY, bucket_of
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.domain.rules import Moment
from plimsoll.maths.ragged import Floats
from plimsoll.maths.rng import rng_for
from plimsoll.replay.compare import by_item
from plimsoll.store.workspace import Workspace
from plimsoll.workflows.benchmarks import man
from plimsoll.workflows.benchmarks.ours import estimated, uniform_levels
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.benchmarks.sweeps import INTERVAL, METRICS, Sweep, inventory_at, ours, sweep
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.facts import read_facts
from plimsoll.workflows.pipeline import Decisions
from plimsoll.workflows.replay import Then, with_ends

KINDS = {"fill": "fill rate", "cycle": "cycle service"}
TARGETS = (0.80, 0.85, 0.90, 0.925, 0.95, 0.97, 0.98, 0.99)
GOALS = (0.55, 0.70, 0.80, 0.87, 0.91, 0.94, 0.96, 0.975, 0.985, 0.99, 0.9935, 0.996, 0.998, 0.9992)
DEMO_ITEMS, DEMO_SEED = 1200, 7
RESAMPLES = 2000
SEED = 20_261_122
AT = datetime(2026, 11, 22, tzinfo=UTC)
NOTES = (
    "Both rules have the same estimates, lots and sizing, made from what was known on each day; only the "
    "targets differ: one fill rate or cycle service for all points, or the best targets for a goal of the "
    "portfolio. Stock and fill are those of the replay, not those promised.",
    "Best targets: stock between the goals replayed, log-linear in the unfilled share, at the fill that the "
    "one target achieved; –: beyond the goals replayed.",
    f"Less stock: 95 % interval from {RESAMPLES:,} portfolios of items drawn with replacement, with all "
    "their places and the same for both. A gap that is not above 0 at its lower end is not shown to be one.",
    "Near the top the tails of the estimated laws decide, and few items carry the gap: there the intervals "
    "hold 0, and a single target may come out ahead by chance.",
    "MAN: the game of `plimsoll bench man`, weeks 91 to 148. Demo company: the last year of its history, "
    "estimated anew each quarter, places alone, stock begins at the first target, the first quarter is not "
    "counted; fill of customers' demand at price.",
)


@dataclass(frozen=True, slots=True)
class _Plays:
    """What was played in one company: the best targets, and each single target, by item.

    `asked` (n,) units, `weights` (n,) of a unit served.
    """

    company: str
    metric: str
    best: Sweep
    single: list[Sweep]
    asked: Floats
    weights: Floats


def run(options: BenchmarkOptions, progress: Progress = silent) -> BenchmarkOutcome:
    """Replay the best targets and single targets on MAN and on the demo company."""
    played = [*_man(options, progress), _demo(options, progress)]
    rows = pl.concat([compared(each) for each in played])
    at_95 = rows.filter(pl.col("target") == 0.95)
    dominated = rows.group_by("company", "metric", maintain_order=True).agg(
        single_targets=pl.len(),
        less_stock=(pl.col("less %") > 0).sum(),
        beyond_chance=(pl.col("low") > 0).sum(),
        not_reached=pl.col("less %").is_null().sum(),
    )
    tables = {
        "At the fill of one target of 95 % for all": at_95,
        "How many single targets are dominated": dominated,
        "Every single target": rows,
    }
    size = "".join(f" --points {n}" for n in options.points)
    return BenchmarkOutcome(
        "frontier",
        "The best targets against one target for all, at equal service on held-out time",
        f"plimsoll bench frontier{size}",
        machine(),
        tables,
        NOTES,
    )


def compared(played: _Plays) -> pl.DataFrame:
    """Return, for each single target, the stock of both at the fill it achieved, and how much less it is.

    Examples
    --------
    >>> one, half = np.ones((1, 4)), np.full((2, 4), 0.5)
    >>> best = Sweep("best", (0.5, 0.9), half * [[1.0], [4.0]], half * [[1.0], [1.8]])
    >>> single = Sweep("fill rate", (0.7,), one, one * 0.5)
    >>> compared(_Plays("a", "units", best, [single], one[0], one[0]))["less %"].to_list()
    [50.0]
    """
    n = len(played.asked)
    rng = rng_for(SEED, "benchmark", "best targets", played.company, played.metric)
    counts = np.vstack(
        [np.ones(n), rng.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(np.float64)]
    )
    best = played.best.at(played.weights, played.asked, counts)
    rows = []
    for rule in played.single:
        stocks, fills = rule.at(played.weights, played.asked, counts)
        for k, target in enumerate(rule.goals):
            stock, fill = stocks[:, k], fills[:, k]
            there = np.array([inventory_at(*each) for each in zip(*best, fill, strict=True)])
            less = 100.0 * (1.0 - there / stock)
            known = less[np.isfinite(less)]
            low, high = np.quantile(known, INTERVAL) if len(known) > RESAMPLES / 2 else (np.nan, np.nan)
            rows.append({
                "company": played.company, "metric": played.metric, "one target": rule.name, "target": target,
                "achieved": fill[0], "its stock": stock[0], "best targets": there[0], "less %": less[0],
                "low": low, "high": high,
            })  # fmt: skip
    return pl.DataFrame(rows).fill_nan(None)


def _man(options: BenchmarkOptions, progress: Progress) -> list[_Plays]:
    """Return what was played on a manufacturer's history, in units and in value."""
    game = man.game(options)
    epochs = estimated(game, progress=progress)
    single = []
    for done, (kind, name) in enumerate(KINDS.items()):
        progress(f"man: one {name} for all", done, len(KINDS))
        levels = [uniform_levels(epochs, kind, target) for target in TARGETS]
        single.append(sweep(game, name, TARGETS, levels))
    asked = game.replayed.sum(axis=1)
    weights = {"units": np.ones(len(asked)), "value": game.cost}
    return [
        _Plays("MAN", metric, ours(game, epochs, metric, progress, GOALS), single, asked, weights[metric])
        for metric in METRICS
    ]


@dataclass(frozen=True, slots=True)
class _Aim:
    """What a plan aims at: a goal of the portfolio, or one target of a kind for all points."""

    service: float
    kind: str = "goal"


class _Aims(Then):
    """What the plan would have decided on each day with each aim."""

    def sized(self, made: Decisions, goal: _Aim | float | None, day: date) -> pl.DataFrame:
        if not isinstance(goal, _Aim) or goal.kind == "goal":
            return super().sized(made, goal.service if isinstance(goal, _Aim) else goal, day)
        target = made.target.with_columns(
            target_kind_eff=pl.lit(goal.kind), target_service_eff=pl.lit(goal.service)
        )
        estimates, sizing = made.lives.estimates, self._settings.policy
        return with_ends(made, policy.size(made.points, estimates, target, sizing, made.lead_times))


def _demo(options: BenchmarkOptions, progress: Progress) -> _Plays:
    """Return what was played on the demo company, customers' demand at price."""
    with tempfile.TemporaryDirectory() as folder:
        size = options.points[0] if options.points else DEMO_ITEMS
        build_demo(Path(folder, "demo"), n_items=size, seed=DEMO_SEED, at=AT)
        with Workspace.open(Path(folder, "demo")) as workspace:
            read = read_facts(workspace, at=AT)
    facts, params = read.tables, replay.ReplayParams(start="first_target", goal_metric="value")
    known = facts["demand"].filter(pl.col("quantity").is_not_null(), pl.col("date") <= read.as_of)
    bucket = bucket_of(known, read.settings.demand)
    clock = replay.clock_of(known["date"].min(), read.as_of, bucket, params)  # type: ignore[arg-type]
    then = _Aims(facts, read.settings, params, None, progress, clock)
    world = replay.build_world(
        facts, then.first.points, then.first.lead_times, clock, params, seed=SEED
    ).world
    classes = then.first.target.select(*KEY, "abc")
    aims = [_Aim(goal) for goal in GOALS] + [_Aim(one, kind) for kind in KINDS for one in TARGETS]
    then.goals = tuple(aims)  # type: ignore[arg-type]
    sums = {}
    for done, aim in enumerate(aims):
        progress(f"demo: {aim.kind} {aim.service:.1%}", done, len(aims))

        def ask(day: date, state: pl.DataFrame) -> Moment:
            return Moment(day, state, world.points, partial(then.known, day), partial(then.policy, day))

        rule = replay.PlanRule(f"{aim.kind} {aim.service}", goal=aim)  # type: ignore[arg-type]
        ledger = replay.ledger_table(world, replay.run_rule(world, rule, ask), classes)
        sums[aim] = by_item(ledger, bucket)
    asked = next(iter(sums.values()))["asked"].to_numpy()
    best = _swept("best targets", [aim for aim in aims if aim.kind == "goal"], sums)
    single = [_swept(name, [aim for aim in aims if aim.kind == kind], sums) for kind, name in KINDS.items()]
    return _Plays("demo", "value", best, single, asked, np.ones(len(asked)))


def _swept(name: str, aims: Sequence[_Aim], sums: dict[_Aim, pl.DataFrame]) -> Sweep:
    value, served = (
        np.stack([sums[aim][column].to_numpy() for aim in aims]) for column in ("inventory", "served")
    )
    return Sweep(name, tuple(aim.service for aim in aims), value, served)
