"""The exchange of stock for service that goals achieved in the replay, and where it meets another rule."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.domain.calendar import Bucket
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats
from plimsoll.replay.compare import FEW, by_item, floats
from plimsoll.replay.intervals import interval, resample
from plimsoll.replay.params import ReplayParams

SAME_SERVICE, SAME_STOCK = "same_service", "same_stock"
SHORTFALLS = (3.0, 1.6, 0.85, 0.45, 0.2)  # of the rule compared with: demand not served, times these
LEAST, MOST = 0.05, 0.9995  # goals beyond say nothing
BEYOND = (np.nan, np.nan)  # below and above the curve nothing is known
INTERVAL = ("low_90", "high_90", "low_95", "high_95")


@dataclass(frozen=True, slots=True)
class Mix:
    """Two goals and the weight of the upper one."""

    lower: float
    upper: float
    weight: float


@dataclass(frozen=True, slots=True)
class Frontier:
    """What goals achieved: tables `replay_goal` and `replay_match`, and the goals mixed at each match.

    A match that lies outside of what the goals achieved is absent.
    """

    goals: pl.DataFrame
    match: pl.DataFrame
    mixes: dict[str, Mix]


def goals_around(service: float, given: Sequence[float] = ()) -> tuple[float, ...]:
    """Return the goals to be replayed, rising: those given, or five around a service that was achieved.

    Parameters
    ----------
    service : fill rate of the rule compared with, share
    given : goals asked for, shares

    Examples
    --------
    >>> [round(goal, 3) for goal in goals_around(0.9)], goals_around(0.9, (0.95, 0.8))
    ([0.7, 0.84, 0.915, 0.955, 0.98], (0.8, 0.95))
    """
    goals = given or [1.0 - shortfall * (1.0 - service) for shortfall in SHORTFALLS]
    return tuple(sorted({min(max(goal, LEAST), MOST) for goal in goals}))


def fill_rate(ledger: pl.DataFrame) -> float | None:
    """Return the fill rate of customers' demand at price; None without such demand.

    Parameters
    ----------
    ledger : table `ledger` of one rule
    """
    price = pl.col("unit_price") * pl.col("customer_share")
    asked, served = ledger.select(
        asked=(pl.col("demand_qty") * price).sum(), served=(pl.col("served_qty") * price).sum()
    ).row(0)
    return served / asked if asked > FEW else None


def frontier(
    ledgers: dict[float, pl.DataFrame],
    before: pl.DataFrame,
    bucket: Bucket,
    params: ReplayParams,
    *,
    seed: int,
) -> Frontier:
    """Return the curve of what goals achieved, and where it has the service or the stock of another rule.

    Between two goals the sums of both are mixed, as if one served a share of the items and the other the
    rest: figures lie on the straight line between them. The curve bends the other way, so that this
    understates what a goal of its own would have achieved.

    Parameters
    ----------
    ledgers : goal -> table `ledger` of its replay, at least one
    before : table `ledger` of the rule compared with, of the same points
    bucket : length of a period
    params : number of resamples
    seed : seed of the resamples, which are those of `compare.figures`

    Notes
    -----
    In every resample of the items the curve and the rule are drawn together and met anew.
    """
    goals = np.array(sorted(ledgers))
    frames = [by_item(before, bucket), *(by_item(ledgers[goal], bucket) for goal in goals)]
    columns = ("inventory", "asked", "served")
    matrix = np.column_stack([floats(frame[name]) for frame in frames for name in columns])
    drawn = resample(matrix, params.resamples, seed).sums
    sums = np.concatenate([matrix.sum(axis=0, keepdims=True), drawn]).reshape(-1, len(frames), 3)
    stock = sums[:, :, 0]
    fill = np.divide(sums[:, :, 2], sums[:, :, 1], out=np.full_like(stock, np.nan), where=sums[:, :, 1] > FEW)
    curve = pl.DataFrame(
        [
            {"goal": goal, "inventory_value": stock[0, k], "fill_rate": fill[0, k]}
            | _named(stock[1:, k], "inventory_value")
            | _named(fill[1:, k], "fill_rate")
            for k, goal in enumerate(goals, 1)
        ],
        schema_overrides=table("replay_goal").schema,
    )
    rows = [
        _met(SAME_SERVICE, goals, fill, stock, is_share=True),
        _met(SAME_STOCK, goals, stock, fill, is_share=False),
    ]
    match = pl.DataFrame([row for row in rows if row], schema=table("replay_match").schema)
    mixes = {SAME_SERVICE: _mix(goals, fill[0]), SAME_STOCK: _mix(goals, stock[0])}
    return Frontier(
        table("replay_goal").conform(curve),
        table("replay_match").conform(match),
        {name: mix for name, mix in mixes.items() if mix and name in match["match"]},
    )


def _named(drawn: Floats, name: str) -> dict[str, float | None]:
    return {f"{name}_{end}": value for end, value in zip(INTERVAL[:2], interval(drawn)[:2], strict=True)}


def _met(
    match: str, goals: Floats, along: Floats, read: Floats, *, is_share: bool
) -> dict[str, object] | None:
    """Return where the curve has what the rule has along one axis, and what it reads on the other.

    Parameters
    ----------
    match : name of the row
    goals : (G,) rising
    along, read : (1 + B, 1 + G) sums of the data and of B resamples; column 0 is the rule compared with
    is_share : whether the change is a share of what the rule has, or a difference
    """
    after = np.array(
        [
            np.interp(row[0], np.maximum.accumulate(row[1:]), np.maximum.accumulate(out[1:]), *BEYOND)
            for row, out in zip(along, read, strict=True)
        ]
    )
    before = read[:, 0]
    change = (after / before - 1.0) if is_share else after - before
    if not np.isfinite(change[0]):
        return None
    at = np.interp(along[0, 0], np.maximum.accumulate(along[0, 1:]), goals)
    ends = dict(zip(INTERVAL, interval(change[1:]), strict=True))
    return {
        "match": match, "goal": float(at), "before": float(before[0]), "after": float(after[0]),
        "change": float(change[0]), **ends,
    }  # fmt: skip


def _mix(goals: Floats, along: Floats) -> Mix | None:
    """Return the goals around what the rule has, in (1 + G,) sums of which it is the first; None beyond."""
    rising = np.maximum.accumulate(along[1:])
    if len(goals) < 2 or not rising[0] <= along[0] <= rising[-1]:
        return None
    upper = max(int(np.searchsorted(rising, along[0])), 1)
    low, high = rising[upper - 1], rising[upper]
    weight = (along[0] - low) / (high - low) if high > low else 0.0
    return Mix(float(goals[upper - 1]), float(goals[upper]), float(weight))


def between(
    lower: pl.DataFrame, upper: pl.DataFrame, weight: float, rule: str, keys: Sequence[str]
) -> pl.DataFrame:
    """Return the rows of two runs mixed: (1 - weight) lower + weight upper in every number.

    Parameters
    ----------
    lower, upper : the same result table of two rules, on the same keys
    weight : of `upper`, share
    rule : name of the mixture
    keys : columns that tell the rows of one rule apart

    Examples
    --------
    >>> rows = pl.DataFrame({"rule": ["a"], "date": [1], "stock_value": [10.0]})
    >>> other = rows.with_columns(stock_value=20.0)
    >>> between(rows, other, 0.25, "mixed", ["date"]).rows()
    [('mixed', 1, 12.5)]
    """
    low, high = lower.sort(keys), upper.sort(keys)
    mixed = [
        (low[name] * (1.0 - weight) + high[name] * weight).alias(name)
        for name in low.select(pl.selectors.float()).columns
    ]
    return low.with_columns(*mixed, rule=pl.lit(rule))
