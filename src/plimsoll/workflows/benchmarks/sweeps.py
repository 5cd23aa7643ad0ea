"""Frontiers of inventory against service, and calibration, of Plimsoll and the usual rules in one game."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.maths.ragged import Floats
from plimsoll.maths.rng import rng_for
from plimsoll.targets.params import Metric
from plimsoll.workflows.benchmarks.game import Flags, Game, Levels, Played, play
from plimsoll.workflows.benchmarks.ours import (
    Epoch,
    Law,
    estimated,
    portfolio_levels,
    promised,
    quantile_levels,
)
from plimsoll.workflows.benchmarks.peers import Peer, peers
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

Tables = dict[str, pl.DataFrame]
OURS = "Plimsoll"
CALIBRATION = "Achieved less promised service, points"
METRICS: tuple[Metric, ...] = ("units", "value")
FILLS = (0.90, 0.95, 0.98)
SERVICES = (0.80, 0.90, 0.95, 0.98)
GOALS = (0.80, 0.90, 0.93, 0.95, 0.965, 0.98, 0.99, 0.996, 0.9985)
RESAMPLES = 2000
INTERVAL = (0.025, 0.975)
SEED = 20_261_121
TWICE = 2  # demand periods in training from which an item counts in the calibration
SHORT = 0.05  # of service, by which an item counts as short
REPLICATIONS = 20
EVIDENCE = (2, 5, 10, 20)  # demand periods in training at which groups of evidence begin
GROUPS = ("2 to 4", "5 to 9", "10 to 19", "20 or more")
KINDS = ("smooth", "erratic", "intermittent", "lumpy")


NOTES = (
    "One set of rules for all: orders are reviewed every period with the history up to it and protect lead "
    "time + 1 periods; whole units, at least the minimum; unmet demand waits; stock begins "
    "at the first target.",
    "Plimsoll: the live stages with default settings on the facts of each day, lead times kept to the day; "
    "targets for a portfolio goal in units or value.",
    "Inventory: mean over the replayed periods of stock at unit cost at their ends, log-linear between the "
    "goals tried (in the logarithm of the unfilled share); fill: share served at once from stock.",
    f"Ratio: 95 % interval from {RESAMPLES:,} portfolios of items drawn with replacement, the same for both; "
    "the best peer is chosen on the same periods, which favours it.",
    "Calibration: items with two demand periods in training, from a lead time after the start. Peers promise "
    "their goal; Plimsoll what its law says of each position, beside it its own goal. Gaps are achieved less "
    "promised, points; error: the largest of their standard errors over items.",
    f"By chance: share of items {SHORT:.0%} below promise if periods were independent draws of the first "
    "day's law.",
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A rule at G goals: inventory at cost and units served of every item, (G, n); promises (G,) or none."""

    name: str
    goals: tuple[float, ...]
    value: Floats
    served: Floats
    promised: Floats | None = None

    def at(self, weights: Floats, asked: Floats, counts: Floats) -> tuple[Floats, Floats]:
        """Return inventory and weighted fill (B, G) of portfolios with counts (B, n) of the items."""
        return counts @ self.value.T, (counts @ (self.served * weights).T) / (counts @ (asked * weights))[
            :, None
        ]


def sweep(game: Game, name: str, goals: tuple[float, ...], levels: list[Levels]) -> Sweep:
    """Return the outcome of a rule's levels for each goal."""
    played = [play(game, one) for one in levels]
    value = np.stack([one.on_hand * game.cost for one in played])
    return Sweep(name, goals, value, np.stack([one.served for one in played]))


def ours(
    game: Game,
    epochs: list[Epoch],
    metric: Metric,
    progress: Progress = silent,
    goals: tuple[float, ...] = GOALS,
) -> Sweep:
    """Return the outcome of Plimsoll for portfolio goals in a metric."""
    found = []
    for done, goal in enumerate(goals):
        progress(f"{game.name}: goals in {metric}", done, len(goals))
        found.append(portfolio_levels(epochs, goal, metric))
    swept = sweep(game, OURS, goals, [levels for levels, _ in found])
    return Sweep(OURS, goals, swept.value, swept.served, np.array([promise for _, promise in found]))


def inventory_at(inventory: Floats, fill: Floats, goal: float) -> float:
    """Return the inventory at which a rule reaches a fill, NaN where it does not.

    The logarithm of inventory is linear in that of the unfilled share between two points of the frontier.

    Examples
    --------
    >>> round(inventory_at(np.array([100.0, 400.0]), np.array([0.9, 0.99]), 1 - 10**-1.5), 6)
    200.0
    """
    order = np.argsort(fill, kind="stable")
    order = order[inventory[order] > 0.0]
    known = fill[order]
    if not len(known) or not known[0] <= goal <= known[-1]:
        return float("nan")
    unfilled = -np.log(np.maximum(1.0 - known, 1e-12))
    return float(np.exp(np.interp(-np.log(max(1.0 - goal, 1e-12)), unfilled, np.log(inventory[order]))))


def frontier(game: Game, sweeps: dict[Metric, list[Sweep]]) -> Tables:
    """Return inventory at each fill, the ratio of Plimsoll to the best peer, and promises kept.

    The ratio's interval is from portfolios of items drawn with replacement, an item's whole history at a
    time and the same items for both rules (paired block bootstrap).
    """
    asked = game.replayed.sum(axis=1)
    n = len(asked)
    rng = rng_for(SEED, "benchmark", "frontier", game.name)
    counts = rng.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(np.float64)
    once = np.ones((1, n))
    levels, ratios, promises = [], [], []
    for metric, rules in sweeps.items():
        weights = game.cost if metric == "value" else np.ones(n)
        found = {
            rule.name: [_reached(rule, weights, asked, once, fill)[0] for fill in FILLS] for rule in rules
        }
        levels += [
            {"metric": metric, "rule": name, **{f"{fill:.0%}": row[k] for k, fill in enumerate(FILLS)}}
            for name, row in found.items()
        ]
        mine = next(rule for rule in rules if rule.name == OURS)
        for k, fill in enumerate(FILLS):
            best = min((rule for rule in rules if rule.name != OURS), key=lambda r: _last(found[r.name][k]))
            drawn = [_reached(rule, weights, asked, counts, fill) for rule in (mine, best)]
            low, high = np.nanquantile(drawn[0] / drawn[1], INTERVAL)
            ratios.append({
                "metric": metric, "fill": fill, "best peer": best.name, "its inventory": found[best.name][k],
                OURS: found[OURS][k], "ratio": found[OURS][k] / found[best.name][k], "low": low, "high": high,
            })  # fmt: skip
        promises += _promises(mine, metric, weights, asked, counts)
    frames = {"Inventory": levels, "Against the best peer": ratios, "Promises of the portfolio": promises}
    return {name: pl.DataFrame(rows).fill_nan(None) for name, rows in frames.items()}


def _last(inventory: float) -> float:
    """Return the inventory, a fill not reached after all others."""
    return float("inf") if np.isnan(inventory) else inventory


def _reached(rule: Sweep, weights: Floats, asked: Floats, counts: Floats, goal: float) -> Floats:
    inventory, fill = rule.at(weights, asked, counts)
    return np.array([inventory_at(*row, goal) for row in zip(inventory, fill, strict=True)])


def _promises(
    rule: Sweep, metric: Metric, weights: Floats, asked: Floats, counts: Floats
) -> list[dict[str, object]]:
    once = np.ones((1, len(asked)))
    (inventory,), (fill,) = rule.at(weights, asked, once)
    low, high = np.quantile(rule.at(weights, asked, counts)[1], INTERVAL, axis=0)
    made = np.full(len(fill), np.nan) if rule.promised is None else rule.promised
    rows = zip(rule.goals, made, fill, low, high, inventory, strict=True)
    names = ("goal", "promised", "achieved", "low", "high", "inventory")
    return [{"metric": metric, **dict(zip(names, map(float, row), strict=True))} for row in rows]


def calibration(game: Game, epochs: list[Epoch], rules: tuple[Peer, ...]) -> Tables:
    """Return achieved less promised service, points, of periods and of lines, by rule, class and evidence.

    Periods: those at whose end nothing is owed. Lines: those with demand that is served at once in full.
    Peers promise their goal; Plimsoll what its law says of the position after each review. Only items with
    two demand periods in training count, from a lead time after the start.
    """
    seen = (game.demand[:, : game.train] > 0.0).sum(axis=1)
    counted = (np.arange(game.replayed.shape[1]) >= game.lead[:, None]) & (seen >= TWICE)[:, None]
    rows: list[dict[str, object]] = []
    for rule in rules:
        for goal, levels in zip(SERVICES, rule.levels(game, SERVICES), strict=True):
            played = play(game, levels, is_detailed=True)
            for service in ("periods", "lines"):
                achieved, kept = _counted(game, played, counted, service)
                rows.append({"rule": rule.name, "service of": service, **_gap(goal, achieved, kept, goal)})
    groups = _groups(epochs, seen)
    parts, short = [], []
    for goal in SERVICES:
        for service in ("periods", "lines"):
            of_lines = service == "lines"
            levels = quantile_levels(epochs, goal, of_lines=of_lines)
            played = play(game, levels, is_detailed=True)
            made = promised(game, epochs, played.position, of_lines=of_lines)
            achieved, kept = _counted(game, played, counted, service)
            for name, promise in ((OURS, made), (f"{OURS}, goal", goal)):
                rows.append({"rule": name, "service of": service, **_gap(goal, achieved, kept, promise)})
            for (group, name), inside in groups.items():
                found = _gap(goal, achieved, kept & inside[:, None], made)
                parts.append({"group": group, "of": name, "service of": service, **found})
            if not of_lines:
                short.append(_short(game, epochs, levels, goal, (achieved, kept, made)))
    frames = {CALIBRATION: _wide(rows), f"{CALIBRATION}, of {OURS}": _wide(parts)}
    return frames | {f"Items {SHORT:.0%} short of the promise, periods": pl.DataFrame(short)}


def _counted(game: Game, played: Played, counted: Flags, service: str) -> tuple[Flags, Flags]:
    """Return what was kept, and where it counts."""
    lines = counted & (game.replayed > 0.0)
    return (played.in_full, lines) if service == "lines" else (played.clear, counted)


def _gap(goal: float, achieved: Flags, counted: Flags, made: Floats | float) -> dict[str, object]:
    """Return achieved less promised, points; the error is that of a mean over independent items."""
    gaps = np.where(counted, achieved - np.broadcast_to(np.asarray(made), achieved.shape), 0.0)
    total = max(int(counted.sum()), 1)
    gap = float(gaps.sum() / total)
    by_item = gaps.sum(axis=1) - gap * counted.sum(axis=1)
    error = float(np.sqrt((by_item**2).sum())) / total
    n_items = int(counted.any(axis=1).sum())
    return {"items": n_items, "goal": f"{goal:.0%}", "gap": 100.0 * gap, "error": 100.0 * error}


def _wide(rows: list[dict[str, object]]) -> pl.DataFrame:
    """Return the gaps with a column for each goal, and the largest of their errors."""
    frame = pl.DataFrame(rows)
    key = [name for name in frame.columns if name not in ("goal", "gap", "error")]
    errors = frame.group_by(key, maintain_order=True).agg(pl.col("error").max())
    gaps = frame.pivot("goal", index=key, values="gap", maintain_order=True)
    return gaps.join(errors, on=key, maintain_order="left")


def _groups(epochs: list[Epoch], seen: NDArray[np.int64]) -> dict[tuple[str, str], Flags]:
    """Return the members (n,) of each class of demand on the first day, and of each group of evidence."""
    kinds = epochs[0].estimates["demand_class"].to_numpy()
    evidence = np.searchsorted(EVIDENCE, seen, side="right")
    found = {("class", kind): kinds == kind for kind in KINDS}
    found |= {("demand periods", name): evidence == k + 1 for k, name in enumerate(GROUPS)}
    return {key: inside for key, inside in found.items() if (inside & (seen >= TWICE)).any()}


def _short(
    game: Game,
    epochs: list[Epoch],
    levels: Levels,
    goal: float,
    outcome: tuple[Flags, Flags, Floats],
) -> dict[str, float]:
    """Return the shares of items more than `SHORT` below their promise, in the game and by chance alone.

    By chance: the same game with independent periods drawn from the law of the first day, its first levels
    kept, each item held against its own mean over the replications. Between periods that share their
    demand outcomes hang together; so do these.
    """
    achieved, kept, made = outcome
    is_short = _share(achieved, kept) < _share(np.where(kept, made, 0.0), kept) - SHORT
    counted = kept.any(axis=1)
    observed = float(is_short[counted].mean())
    periods = game.replayed.shape[1]
    shares = []
    first = Levels(*(rows[:1] for rows in (levels.reorder, levels.up_to, levels.first)))
    rng = rng_for(SEED, "benchmark", "short", game.name)
    for _ in range(REPLICATIONS):
        drawn = np.column_stack((game.demand[:, : game.train], _drawn(epochs[0].review, periods, rng)))
        again = Game(
            game.name, game.bucket, game.start, game.items, drawn, game.lead, game.moq, game.cost,
            game.train, periods + 1,
        )  # fmt: skip
        shares.append(_share(play(again, first, is_detailed=True).clear, kept))
    by_chance = np.stack(shares)[:, counted]
    noise = float((by_chance < by_chance.mean(axis=0) - SHORT).mean())
    names = ("goal %", "short %", "by chance %", "beyond chance %")
    return dict(zip(names, (100.0 * x for x in (goal, observed, noise, observed - noise)), strict=True))


def _share(values: Floats | Flags, counted: Flags) -> Floats:
    """Return the mean of each row where it counts, 0 where nothing does."""
    return np.asarray((values * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1))


def _drawn(law: Law, periods: int, rng: np.random.Generator) -> Floats:
    """Return demand (n, periods) drawn from each item's law."""
    n = len(law.step)
    owner = np.repeat(np.arange(n), np.diff(law.bounds))
    # the laws one behind the other make one rising line, in which all draws are looked up at once
    found = np.searchsorted(law.cdf + owner, rng.random((n, periods)) + np.arange(n)[:, None])
    cell = np.minimum(found, law.bounds[1:, None] - 1) - law.bounds[:-1, None]
    return np.asarray(np.maximum(cell, 0) * law.step[:, None])


def compared(game: Game, progress: Progress = silent) -> Tables:
    """Return the tables of one game: frontiers and calibration of Plimsoll and of every peer."""
    rules = peers(game)
    usual = []
    for done, rule in enumerate(rules):
        progress(f"{game.name}: {rule.name}", done, len(rules))
        usual.append(sweep(game, rule.name, rule.goals, rule.levels(game, rule.goals)))
    epochs = estimated(game, progress=progress)
    metrics = METRICS if np.ptp(game.cost) > 0.0 else METRICS[:1]
    sweeps: dict[Metric, list[Sweep]] = {
        metric: [*usual, ours(game, epochs, metric, progress)] for metric in metrics
    }
    services = tuple(rule for rule in rules if rule.is_service)
    progress(f"{game.name}: calibration", 0, 1)
    return frontier(game, sweeps) | calibration(game, epochs, services)


def outcome(
    options: BenchmarkOptions, game: Game, title: str, tables: Tables, notes: tuple[str, ...]
) -> BenchmarkOutcome:
    """Return the tables of a game as a benchmark, with the rules of the game said."""
    command = f"plimsoll bench {game.name}" + (f" --points {options.points[0]}" if options.points else "")
    return BenchmarkOutcome(game.name, title, command, machine(), tables, (*notes, *NOTES))
