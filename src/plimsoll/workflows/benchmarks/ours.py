"""Plimsoll itself as a player: the live stages on the facts of each day, and the promises they make."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll import ingest, policy, targets
from plimsoll.domain.progress import Progress, silent
from plimsoll.maths.ragged import Floats, Ints, from_lists
from plimsoll.supply.params import SupplyParams
from plimsoll.targets.params import Metric
from plimsoll.workflows.benchmarks.game import Game, Levels, facts
from plimsoll.workflows.pipeline import decide
from plimsoll.workflows.settings import Settings

KEY = ["item_id", "location_id"]
SEED = 1
SETTINGS = Settings(supply=SupplyParams(typed_cv=0.0))  # in the games typed lead times are kept to the day


@dataclass(frozen=True, slots=True)
class Law:
    """Ragged distribution functions of n items on lattices of step (n,)."""

    cdf: Floats
    bounds: Ints
    step: Floats

    @classmethod
    def of(cls, estimates: pl.DataFrame, column: str) -> "Law":
        """Return the law in one list column of table `demand_estimate`."""
        pmf, bounds = from_lists(estimates[column])
        total = np.concatenate([[0.0], np.cumsum(pmf)])
        owner = np.repeat(np.arange(estimates.height), np.diff(bounds))
        cdf = np.minimum(total[1:] - total[bounds[:-1]][owner], 1.0)
        return cls(cdf, bounds, estimates["step_qty"].to_numpy())

    def at(self, level: Floats) -> Floats:
        """Return P(demand <= level) for levels (n, k) in units; 0 below 0."""
        lengths = np.diff(self.bounds)[:, None]
        cell = np.floor(level / self.step[:, None] + 1e-4).astype(np.int64)
        place = self.bounds[:-1, None] + np.clip(cell, 0, lengths - 1)
        inside = np.where(cell >= lengths - 1, 1.0, self.cdf[np.clip(place, 0, len(self.cdf) - 1)])
        return np.where((cell < 0) | (lengths == 0), np.where(cell < 0, 0.0, 1.0), inside)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is estimated on one day: tables of the plan, and the laws of demand over the intervals."""

    points: pl.DataFrame
    estimates: pl.DataFrame
    lead_times: pl.DataFrame
    review: Law
    lead: Law
    protection: Law

    def service(self, position: Floats, *, of_lines: bool) -> Floats:
        """Return the promise of positions (n, k) after a review, a share.

        Periods: P(D_P <= y), nothing owed at the end of the protection interval. Lines: demand D of the
        last period served in full, P(D_P <= y | D > 0) = (P(D_P <= y) - P(D = 0) P(D_L <= y)) / P(D > 0)
        with D independent of the demand D_L before it.
        """
        periods = self.protection.at(position)
        if not of_lines:
            return periods
        none = self.review.at(np.zeros((len(position), 1)))
        lines = (periods - none * self.lead.at(position)) / np.maximum(1.0 - none, 1e-12)
        return np.clip(np.where(none < 1.0, lines, 1.0), 0.0, 1.0)


def estimated(game: Game, settings: Settings = SETTINGS, progress: Progress = silent) -> list[Epoch]:
    """Return what the live stages say before each epoch of a game, from what was known then."""
    tables, found = facts(game), []
    for done, t in enumerate(game.epochs):
        progress(f"{game.name}: estimates", done, len(game.epochs))
        as_of = game.day_before(t)
        decided = decide(ingest.known_at(tables, as_of), settings, as_of=as_of, seed=SEED)
        estimates = decided.lives.estimates.sort(KEY)
        laws = (Law.of(estimates, name) for name in ("pmf_review", "pmf_lead", "pmf_protection"))
        found.append(Epoch(decided.points.sort(KEY), estimates, decided.lead_times, *laws))
    return found


def portfolio_levels(
    epochs: list[Epoch], goal: float, metric: Metric, settings: Settings = SETTINGS
) -> tuple[Levels, float]:
    """Return the levels of the policies made for a goal of the portfolio, and the mean promise."""
    options = settings.targets.model_copy(update={"portfolio_goal": goal, "portfolio_metric": metric})
    levels, promises = [], []
    for epoch in epochs:
        known = (epoch.points, epoch.estimates)
        target = targets.assign(*known, options)
        allocation = policy.allocate(*known, target, options, settings.policy)
        sized = policy.size(*known, allocation.target, settings.policy, epoch.lead_times)
        levels.append(_levels_of(epoch, sized))
        promises.append(allocation.curve["promised"][0])
    return Levels(*(np.stack(rows) for rows in zip(*levels, strict=True))), float(np.mean(promises))


def uniform_levels(epochs: list[Epoch], kind: str, service: float, settings: Settings = SETTINGS) -> Levels:
    """Return the levels of the policies made for one target for all points: cycle service or fill rate."""
    levels = []
    for epoch in epochs:
        known = (epoch.points, epoch.estimates)
        target = targets.assign(*known, settings.targets).with_columns(
            target_kind_eff=pl.lit(kind), target_service_eff=pl.lit(service)
        )
        levels.append(_levels_of(epoch, policy.size(*known, target, settings.policy, epoch.lead_times)))
    return Levels(*(np.stack(rows) for rows in zip(*levels, strict=True)))


def _levels_of(epoch: Epoch, policies: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Return reorder point, order-up-to level and least position after a review, in order of the key."""
    sized = policies.join(epoch.estimates.select("item_id", "location_id", "step_qty"), on=KEY)
    kind, reorder, up_to = pl.col("policy"), pl.col("reorder_point_qty"), pl.col("order_up_to_qty")
    first = (
        pl.when(kind == "none")
        .then(0.0)
        .when(kind == "base_stock")
        .then(up_to)
        .otherwise(reorder + pl.col("step_qty"))
    )
    columns = sized.sort(KEY).select(reorder, up_to, first=first)
    low, high, least = (column.to_numpy() for column in columns)
    return low, high, least


def quantile_levels(epochs: list[Epoch], share: float, *, of_lines: bool) -> Levels:
    """Return the base stocks that promise a share of periods, or of lines, at least, on every day."""
    targets = np.stack([_least(epoch, share, of_lines=of_lines) for epoch in epochs])
    return Levels.base_stock(targets)


def _least(epoch: Epoch, share: float, *, of_lines: bool) -> Floats:
    low = np.full(len(epoch.protection.step), -1, dtype=np.int64)
    high = np.diff(epoch.protection.bounds)
    step = epoch.protection.step
    while (high - low > 1).any():
        middle = (low + high) // 2
        is_enough = epoch.service((middle * step)[:, None], of_lines=of_lines)[:, 0] >= share - 1e-12
        low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
    return np.asarray(np.maximum(high, 0) * step)


def promised(game: Game, epochs: list[Epoch], position: Floats, *, of_lines: bool) -> Floats:
    """Return the promise (n, W) for the period that ends each order's protection, NaN before the first.

    The review before period t promises for period t + lead.
    """
    periods = position.shape[1]
    made = np.concatenate(
        [
            epoch.service(position[:, k * game.every : (k + 1) * game.every], of_lines=of_lines)
            for k, epoch in enumerate(epochs)
        ],
        axis=1,
    )
    source = np.arange(periods) - game.lead[:, None]
    kept = np.take_along_axis(made, np.maximum(source, 0), axis=1)
    return np.where(source >= 0, kept, np.nan)
