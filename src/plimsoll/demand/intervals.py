"""Protection intervals of stocking points, and the five distributions of demand over them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.demand.score import Histories
from plimsoll.domain.errors import InputError
from plimsoll.domain.findings import keys_of
from plimsoll.maths.kernels.demand_lattice import N_INTERVALS, finish, interval_weights, write_pmfs
from plimsoll.maths.kernels.demand_threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints, bounds_of, from_lists, to_lists

CHUNK = 256
BLOCK = 8192
TAIL = 1e-9


@dataclass(frozen=True, slots=True)
class Protection:
    """Lead-time atoms (ragged) and review interval of each point, all in days."""

    days: Floats
    chance: Floats
    bounds: Ints
    review: Floats

    def moments(self) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of lead time plus review interval, in days."""
        owner = np.repeat(np.arange(len(self.review)), np.diff(self.bounds))
        total = np.bincount(owner, self.chance, len(self.review))
        mean = np.bincount(owner, self.chance * self.days, len(self.review)) / total
        square = np.bincount(owner, self.chance * (self.days - mean[owner]) ** 2, len(self.review)) / total
        return mean + self.review, np.sqrt(square)

    def most_periods(self, period_days: float) -> int:
        """Return the whole periods that cover the longest protection interval."""
        if not len(self.review):
            return 1
        return int(np.ceil((self.days.max() + self.review.max()) / period_days)) + 1


def protection_of(points: pl.DataFrame, lead_times: pl.DataFrame) -> Protection:
    """Return the protection intervals of the points, in their order.

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
    return Protection(days, chance, bounds, joined["review_days_eff"].to_numpy())


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

    def work(lo: int, hi: int) -> tuple[Floats, Floats, list[Floats]]:
        weights = np.zeros((hi - lo, N_INTERVALS, n_most + 1))
        longest = np.zeros(hi - lo, dtype=np.int64)
        review, atoms = protection.review[lo:hi], protection.bounds[lo : hi + 1]
        interval_weights(protection.days, protection.chance, atoms, review, period_days, weights, longest)
        bounds = histories.bounds[lo : hi + 1]
        pmf = np.empty((hi - lo, N_INTERVALS, n_cells))
        step = np.empty(hi - lo)
        write_pmfs(
            histories.values, bounds, np.diff(bounds), np.arange(hi - lo), fitted.method[lo:hi],
            fitted.state[lo:hi], fitted.index[lo:hi], fitted.unit[lo:hi], months, weights, longest,
            draws, histories.turn[lo:hi], pmf, step,
        )  # fmt: skip
        facts = np.empty((hi - lo, N_INTERVALS, 3))
        flat = finish(pmf, TAIL, facts)
        at = np.repeat(np.tile(np.arange(N_INTERVALS), hi - lo), facts[:, :, 0].astype(np.int64).ravel())
        return step, facts, [flat[at == j] for j in range(N_INTERVALS)]

    n = len(fitted.method)
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
