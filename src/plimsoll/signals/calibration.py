"""Promised service against achieved service, from forecasts made again at past origins."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from plimsoll.demand.panel import KEY
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.signals.accuracy import UNKNOWN, worth_of
from plimsoll.signals.params import SignalParams
from plimsoll.signals.promise import SERVICES

NO_EVIDENCE = "0"
EVIDENCE = (0, 1, 2, 5, 10, 20)  # periods with demand at which groups of evidence begin
INTERVALS = (0, 14, 28, 56, 91, 182)  # days at which groups of protection intervals begin
TARGETS = (0.0, 0.8, 0.9, 0.95, 0.98)  # shares at which groups of own targets begin
GROUPS = ("all", "class", "abc", "evidence", "interval", "method", "target")
TINY = 1e-12


def evidence_groups() -> list[str]:
    """Return the names of the groups of evidence in order.

    Examples
    --------
    >>> evidence_groups()
    ['0', '1', '2 to 4', '5 to 9', '10 to 19', '20 or more']
    """
    spans = [str(lo) if hi == lo + 1 else f"{lo} to {hi - 1}" for lo, hi in pairwise(EVIDENCE)]
    return [*spans, f"{EVIDENCE[-1]} or more"]


def interval_groups() -> list[str]:
    """Return the names of the groups of protection intervals in order.

    Examples
    --------
    >>> interval_groups()[:2], interval_groups()[-1]
    (['under 14 days', '14 to 27 days'], '182 days or more')
    """
    spans = [f"{lo} to {hi - 1} days" for lo, hi in pairwise(INTERVALS[1:])]
    return [f"under {INTERVALS[1]} days", *spans, f"{INTERVALS[-1]} days or more"]


def target_groups() -> list[str]:
    """Return the names of the groups of own targets in order.

    Examples
    --------
    >>> target_groups()
    ['under 80 %', '80 to 90 %', '90 to 95 %', '95 to 98 %', '98 % or more']
    """
    spans = [f"{100 * lo:.0f} to {100 * hi:.0f} %" for lo, hi in pairwise(TARGETS[1:])]
    return [f"under {100 * TARGETS[1]:.0f} %", *spans, f"{100 * TARGETS[-1]:.0f} % or more"]


def _banded(column: str, edges: tuple[float, ...], names: list[str]) -> pl.Expr:
    """Return the name of the group that begins at or below each value."""
    found: pl.Expr = pl.lit(names[0])
    for edge, name in zip(edges[1:], names[1:], strict=True):
        found = pl.when(pl.col(column) >= edge).then(pl.lit(name)).otherwise(found)
    return found


def grouped(hindcasts: pl.DataFrame, target: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the hindcasts with a column for each way to group them.

    Parameters
    ----------
    hindcasts : of `hindcast`
    target : table `target`, for the class by value
    """
    rows = hindcasts
    if target is not None:
        rows = rows.join(target.select(*KEY, "abc"), on=KEY, how="left", maintain_order="left")
        rows = rows.with_columns(pl.col("abc").fill_null(UNKNOWN))
    own = _banded("target", TARGETS, target_groups())
    return rows.with_columns(
        pl.lit("all").alias("all"),
        pl.col("demand_class").alias("class"),
        _banded("n_demand_periods", EVIDENCE, evidence_groups()).alias("evidence"),
        _banded("interval_days", INTERVALS, interval_groups()).alias("interval"),
        pl.col("method_used").alias("method"),
        target=pl.when(pl.col("target").is_not_null()).then(own),
        own_target="target",
    )


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: the service, the level (None for each point's own target) and its place in a hindcast."""

    service: str
    level: float | None
    place: int


def promises_of(params: SignalParams) -> list[Promise]:
    """Return the promises held by a hindcast, in their order."""
    levels = [*params.promise_levels, None]
    kinds = [(service, level) for service in SERVICES for level in levels]
    return [Promise(service, level, place) for place, (service, level) in enumerate(kinds)]


def calibration(
    hindcasts: pl.DataFrame,
    points: pl.DataFrame,
    params: SignalParams,
    *,
    target: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return promised against achieved service by group, service and level, with what chance explains.

        gap = sum A / sum B - sum P / sum Q,    error2 = n / (n - 1) sum over items of (sum of e)2

    For periods and lines A counts what was served, P the probabilities, and B = Q the windows that count.
    For units A and P are units served, B and Q those asked for, as they came and as expected, in money at
    cost. e is a window's part of the gap, linearised (Cochran 1977, section 6.4); windows of an item are
    added first, since one history made them all. The error is at least that of independent windows under
    the law, or a group never short would seem to know its gap exactly.
    Demand that moved all items at once is not in the error.

    A stocking point is short where it was served less than promised by more than `short_by`, over the
    windows that do not overlap; by chance is the Poisson binomial law of what it was promised.

    Parameters
    ----------
    hindcasts : of `hindcast`
    points : table `planning_point`
    params : options that the hindcasts were made with
    target : table `target`, for the class by value

    Returns
    -------
    Table `calibration`. Points without demand before a forecast are in a group of evidence of their own
    and in no other, since nothing is promised that rests on their demand.
    """
    worth = points.select(*KEY).with_columns(worth=worth_of(points)[0])
    rows = grouped(hindcasts, target).join(worth, on=KEY, maintain_order="left")
    groups = [name for name in GROUPS if name in rows.columns]
    asked_before = pl.col("n_demand_periods") > 0
    rows = rows.with_columns(
        pl.when(asked_before).then(name).alias(name) for name in groups if name != "evidence"
    )
    found = []
    for promise in promises_of(params):
        sums = summed(rows, promise).filter((pl.col("asked") > 0) | (pl.col("expected") > 0))
        short = _short(sums, params) if promise.service != "units" else None
        for group in groups:
            if group == "target" and promise.level is not None:
                continue
            frame = _gaps(sums.drop_nulls(group), group)
            if short is not None:
                told = short.drop_nulls(group).group_by(group, maintain_order=True)
                frame = frame.join(told.agg(pl.col("^share_.*$").mean()), on=group, how="left")
            found.append(
                frame.rename({group: "value"}).with_columns(
                    group=pl.lit(group),
                    service=pl.lit(promise.service),
                    level=pl.lit(promise.level, dtype=pl.Float64),
                )
            )
    return table("calibration").conform(pl.concat(found, how="diagonal"))


def summed(rows: pl.DataFrame, promise: Promise) -> pl.DataFrame:
    """Return the windows of a promise with what the sums are made of.

    Adds served, asked, said, expected (windows, or money at cost of units; see `calibration`) and
    `chance_variance`, that of served under the law. For an own target, windows without one are left out.
    """
    if promise.level is None:
        rows = rows.filter(pl.col("own_target").is_not_null())
    wide = ("promised", "achieved", "variance")
    said, came, variance = (pl.col(name).arr.get(promise.place) for name in wide)
    if promise.service == "units":
        worth, asked, expected = pl.col("worth"), pl.col("review_actual"), pl.col("review_forecast")
        return rows.with_columns(
            served=worth * (asked - came),
            asked=worth * asked,
            said=worth * (expected - said),
            expected=worth * expected,
            chance_variance=worth**2 * variance,
        ).drop(wide)
    counts = pl.lit(1.0) if promise.service == "periods" else (pl.col("review_actual") > 0).cast(pl.Float64)
    return rows.with_columns(
        served=came * counts,
        asked=counts,
        said=said * counts,
        expected=counts,
        chance_variance=variance * counts,
    ).drop(wide)


def _gaps(sums: pl.DataFrame, group: str) -> pl.DataFrame:
    """Return promised, achieved, gap and error of each group."""
    totals = sums.group_by(group, maintain_order=True).agg(
        pl.col("served", "asked", "said", "expected", "chance_variance").sum(),
        n_items=pl.col("item_id").n_unique(),
        n_windows=pl.len(),
    )
    # demand may never come where some was expected: then there is no share served
    totals = totals.filter((pl.col("asked") > TINY) & (pl.col("expected") > TINY)).with_columns(
        achieved=pl.col("served") / pl.col("asked"), promised=pl.col("said") / pl.col("expected")
    )
    whole = totals.select(
        group, "achieved", "promised", all_asked="asked", all_expected="expected", variance="chance_variance"
    )
    part = (pl.col("served") - pl.col("achieved") * pl.col("asked")) / pl.col("all_asked") - (
        pl.col("said") - pl.col("promised") * pl.col("expected")
    ) / pl.col("all_expected")
    by_item = (
        sums.join(whole, on=group, maintain_order="left")
        .with_columns(part=part)
        .group_by(group, "item_id", maintain_order=True)
        .agg(pl.col("part").sum(), apart=(pl.col("part") ** 2).sum())
        .group_by(group, maintain_order=True)
        .agg(together=(pl.col("part") ** 2).sum(), apart=pl.col("apart").sum())
    )
    n, windows = pl.col("n_items"), pl.col("n_windows")
    together = pl.col("together") * n / (n - 1).clip(1)
    least = pl.col("chance_variance") / pl.col("asked") ** 2
    is_told = (n > 1) | (least > 0)  # one item alone shows no spread between items
    effective = (
        pl.when(pl.col("together") > TINY**2).then(pl.col("apart") / pl.col("together")).otherwise(1.0)
    )
    return totals.join(by_item, on=group).select(
        group,
        "promised",
        "achieved",
        "n_items",
        "n_windows",
        gap=pl.col("achieved") - pl.col("promised"),
        error=pl.when(is_told).then(pl.max_horizontal(together, least).sqrt()),
        n_effective=effective.clip(0.0, 1.0) * windows,
    )


@dataclass(frozen=True, slots=True)
class Records:
    """Own records of points over windows that do not overlap.

    `windows`, and of them `promised` and `served` (n,); `law` (n, most + 1), the probability of every number
    served; `points` (n rows), the last window of each.
    """

    points: pl.DataFrame
    windows: Ints
    promised: Floats
    served: Floats
    law: Floats


def records(sums: pl.DataFrame) -> Records:
    """Return the own record of every stocking point from the windows of a promise.

    Promises are made in the light of the windows before; so the number served is a sum of unequal
    coins, whose law is the Poisson binomial (Hong 2013), built coin by coin.

    Parameters
    ----------
    sums : of `summed`, of periods or lines; windows before the first demand are left out
    """
    is_told = pl.col("is_apart") & (pl.col("asked") > 0) & (pl.col("n_demand_periods") > 0)
    apart = sums.filter(is_told).sort(*KEY, "origin")
    points = apart.group_by(KEY, maintain_order=True).last()
    number = apart.select(pl.struct(KEY).rle_id()).to_series().to_numpy().astype(np.int64)
    windows = np.bincount(number, minlength=points.height)
    begin = np.cumsum(windows) - windows
    place = np.arange(len(number)) - begin[number]
    most = int(windows.max()) if len(windows) else 0
    chance = np.zeros((points.height, most))
    chance[number, place] = apart["said"].to_numpy()
    law = np.zeros((points.height, most + 1))
    law[:, 0] = 1.0
    for k in range(most):  # a coin that is not there is never served
        law[:, 1:] = law[:, 1:] * (1.0 - chance[:, k : k + 1]) + law[:, :-1] * chance[:, k : k + 1]
        law[:, 0] *= 1.0 - chance[:, k]
    said, served = (
        np.bincount(number, apart[name].to_numpy(), points.height).astype(np.float64)
        for name in ("said", "served")
    )
    return Records(points, windows, said, served, law)


def _short(sums: pl.DataFrame, params: SignalParams) -> pl.DataFrame:
    """Return the groups of each stocking point, whether it is short, and its chance to be were all right."""
    own = records(sums)
    limit = own.promised - params.short_by * own.windows
    counts = np.arange(own.law.shape[1])
    chance = (own.law * (counts < limit[:, None] - TINY)).sum(axis=1)
    return own.points.with_columns(
        share_short=pl.Series((own.served < limit - TINY).astype(np.float64)),
        share_short_by_chance=pl.Series(chance),
    )
