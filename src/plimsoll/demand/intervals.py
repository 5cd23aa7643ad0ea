"""Protection intervals of stocking points, and the five distributions of demand over them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.demand.panel import KEY
from plimsoll.demand.score import Histories
from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import keys_of
from plimsoll.maths.kernels.demand_lattice import N_INTERVALS, finish, interval_weights, write_pmfs
from plimsoll.maths.kernels.threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints, bounds_of, from_lists, to_lists

PMFS = ("pmf_review", "pmf_lead", "pmf_protection", "pmf_lead_constant", "pmf_protection_constant")
CHUNK = 256
BLOCK = 8192
TAIL = 1e-9


@dataclass(frozen=True, slots=True)
class Protection:
    """Lead-time atoms (ragged) and review interval of each point, in days.

    `ahead`, `ahead_chance`, `ahead_bounds`: days that customers book ahead (ragged), with their shares.
    """

    days: Floats
    chance: Floats
    bounds: Ints
    review: Floats
    ahead: Floats
    ahead_chance: Floats
    ahead_bounds: Ints

    def moments(self) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of lead time plus review interval, in days."""
        owner = np.repeat(np.arange(len(self.review)), np.diff(self.bounds))
        total = np.bincount(owner, self.chance, len(self.review))
        mean = np.bincount(owner, self.chance * self.days, len(self.review)) / total
        square = np.bincount(owner, self.chance * (self.days - mean[owner]) ** 2, len(self.review)) / total
        return mean + self.review, np.sqrt(square)

    def unbooked_days(self) -> Floats:
        """Return the mean days of the protection interval whose demand nobody has booked at its begin."""
        n = len(self.review)
        owner = np.repeat(np.arange(n), np.diff(self.bounds))
        n_ahead = np.diff(self.ahead_bounds)[owner]
        atom = np.repeat(np.arange(len(owner)), n_ahead)
        begin = np.cumsum(n_ahead) - n_ahead
        lead = np.arange(len(atom)) - begin[atom] + self.ahead_bounds[owner[atom]]
        left = np.maximum(self.days[atom] + self.review[owner[atom]] - self.ahead[lead], 0.0)
        weight = self.chance[atom] * self.ahead_chance[lead]
        total = np.bincount(owner, self.chance, n)
        return np.asarray(np.bincount(owner[atom], weight * left, n) / total)

    def most_periods(self, period_days: float) -> int:
        """Return the whole periods that cover the longest protection interval."""
        if not len(self.review):
            return 1
        return int(np.ceil((self.days.max() + self.review.max()) / period_days)) + 1


def protection_of(
    points: pl.DataFrame, lead_times: pl.DataFrame, booked: pl.DataFrame | None = None
) -> Protection:
    """Return the protection intervals of the points, in their order.

    `booked`: item_id, location_id, ahead_days and ahead_share (lists); points not in it book nothing
    ahead.

    Raises
    ------
    InputError : points without a lead time on the lane in force
    """
    joined = points.select("item_id", "location_id", "from_location_id", "review_days_eff").join(
        lead_times.select("item_id", "to_location_id", "from_location_id", "atom_days", "atom_probability"),
        left_on=["item_id", "location_id", "from_location_id"],
        right_on=["item_id", "to_location_id", "from_location_id"],
        how="left",
        maintain_order="left",
    )
    missing = joined.filter(pl.col("atom_days").list.len().fill_null(0) == 0)
    if missing.height:
        keys = keys_of(missing, ["item_id", "location_id"])
        what = f"{missing.height} stocking points have no lead time ({keys})."
        raise InputError(what, why="Without it there is no protection interval.", remedy="Add their lanes.")
    days, bounds = from_lists(joined["atom_days"])
    chance, _ = from_lists(joined["atom_probability"])
    review = joined["review_days_eff"].to_numpy()
    if booked is None:
        one = np.ones(points.height)
        return Protection(days, chance, bounds, review, 0.0 * one, one, np.arange(points.height + 1))
    early = points.select(KEY).join(booked, on=KEY, how="left", maintain_order="left")
    ahead, ahead_bounds = from_lists(early["ahead_days"].fill_null(pl.Series([[0.0]])))
    share, _ = from_lists(early["ahead_share"].fill_null(pl.Series([[1.0]])))
    return Protection(days, chance, bounds, review, ahead, share, ahead_bounds)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Method of each point (n,), its state (n, WIDTH), seasonal indices (n, SEASONS), unit (n,)."""

    method: Ints
    state: Floats
    index: Floats
    unit: Floats


@dataclass(frozen=True, slots=True)
class Distributions:
    """Lattice step (n,); mean and standard deviation in units (n, 5); one list column an interval."""

    step: Floats
    mean: Floats
    sd: Floats
    lists: list[pl.Series]


def distributions(
    histories: Histories,
    protection: Protection,
    fitted: Fitted,
    draws: Floats,
    period_days: float,
    n_cells: int,
) -> Distributions:
    """Return demand over review, lead, protection, constant lead and constant protection intervals.

    Parameters
    ----------
    draws : (paths, columns) uniforms
    n_cells : most cells of a distribution
    """
    n_most = protection.most_periods(period_days)
    months = histories.months[: histories.n_calendar + n_most]

    def work(lo: int, hi: int) -> tuple[Floats, Floats]:
        weights = np.zeros((hi - lo, N_INTERVALS, n_most + 1))
        longest = np.zeros(hi - lo, dtype=np.int64)
        review, atoms = protection.review[lo:hi], protection.bounds[lo : hi + 1]
        interval_weights(
            protection.days, protection.chance, atoms, review, protection.ahead, protection.ahead_chance,
            protection.ahead_bounds[lo : hi + 1], period_days, weights, longest,
        )  # fmt: skip
        bounds = histories.bounds[lo : hi + 1]
        pmf = np.empty((hi - lo, N_INTERVALS, n_cells))
        step = np.empty(hi - lo)
        write_pmfs(
            histories.values, bounds, np.diff(bounds), np.arange(hi - lo), fitted.method[lo:hi],
            fitted.state[lo:hi], fitted.index[lo:hi], fitted.unit[lo:hi], months, weights, longest,
            draws, histories.turn[lo:hi], histories.size_rate, pmf, step,
        )  # fmt: skip
        return pmf, step

    return distributed(work, len(fitted.method))


def distributed(write: Callable[[int, int], tuple[Floats, Floats]], n: int) -> Distributions:
    """Return n times five distributions, of which `write` gives shares (m, 5, K) and steps (m,) of a part."""

    def work(lo: int, hi: int) -> tuple[Floats, Floats, list[Floats]]:
        pmf, step = write(lo, hi)
        facts = np.empty((hi - lo, N_INTERVALS, 3))
        flat = finish(pmf, TAIL, facts)
        at = np.repeat(np.tile(np.arange(N_INTERVALS), hi - lo), facts[:, :, 0].astype(np.int64).ravel())
        return step, facts, [flat[at == j] for j in range(N_INTERVALS)]

    parts = [_block(in_chunks(work, lo, min(lo + BLOCK, n), CHUNK)) for lo in range(0, n, BLOCK)]
    step = np.concatenate([part[0] for part in parts])
    facts = np.concatenate([part[1] for part in parts])
    lists = [pl.concat([part[2][j] for part in parts]) for j in range(N_INTERVALS)]
    return Distributions(step, facts[:, :, 1] * step[:, None], facts[:, :, 2] * step[:, None], lists)


def _block(parts: list[tuple[Floats, Floats, list[Floats]]]) -> tuple[Floats, Floats, list[pl.Series]]:
    """Return the parts as one, with list columns in place of arrays, a block at a time to save memory."""
    facts = np.concatenate([part[1] for part in parts])
    lists = [
        to_lists(np.concatenate([part[2][j] for part in parts]), bounds_of(facts[:, j, 0].astype(np.int64)))
        for j in range(N_INTERVALS)
    ]
    return np.concatenate([part[0] for part in parts]), facts, lists
