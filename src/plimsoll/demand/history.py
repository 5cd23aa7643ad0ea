"""The history that estimates rest on: demand on record, with what is known about it put right, row by row."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from plimsoll.demand.events import Events, netted, readable
from plimsoll.demand.messages import HARDLY_SEEN, HIDDEN
from plimsoll.demand.outliers import spikes
from plimsoll.demand.panel import KEY, Panel, bucket_of, period_panel
from plimsoll.demand.params import DemandParams
from plimsoll.demand.stockouts import Seen, may_hide, seen_of
from plimsoll.domain.calendar import EVERY, PERIOD_DAYS
from plimsoll.domain.findings import Finding, keys_of, numbered
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.demand_fit import describe
from plimsoll.maths.kernels.demand_unconstrain import profile, unconstrain
from plimsoll.maths.kernels.threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints, bounds_of

RATIOS: Floats = 1.5 ** np.arange(24.0)  # variance over mean of a period, in units of demand: 1 to 11,000
POPULATION = 4000  # histories that tell how ratios are spread; more would not move the figures
MIXTURE_STEPS = 200
CHUNK = 64
Refused = Callable[[pl.DataFrame], pl.Series]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `estimate` reads, and what was changed.

    `demand`: table `demand` with one line more for each change (its quantity is after - before);
    `availability`: what stays unseen; `changes`: table `history_change`; `events`: those that could be
    read, with what history has taken of them.
    """

    demand: pl.DataFrame
    availability: pl.DataFrame
    changes: pl.DataFrame
    events: Events
    findings: list[Finding] = field(default_factory=list)


def prepare(
    known: dict[str, pl.DataFrame],
    points: pl.DataFrame,
    params: DemandParams,
    *,
    as_of: date,
    refused: Refused | None = None,
) -> Prepared:
    """Return the history that estimates rest on, every change of it listed.

    In this order: what events explain is taken out, spikes are capped (where that is asked for), and
    the demand that stock-outs hid is put back. No line on record is touched: a change is one line more,
    so it can be listed, refused, and passed up the network like any other demand.

    Parameters
    ----------
    known : canonical tables as known at `as_of`: demand, availability, events, stock, receipts
    points : table `planning_point`
    params : what is done, and how
    as_of : day of knowledge
    refused : says which rows of `history_change` a person does not want; they are listed and not made

    Returns
    -------
    Prepared
    """
    points = points.sort(KEY)
    known = known | {"demand": known["demand"].filter(pl.col("date") <= as_of)}
    bucket = bucket_of(known["demand"], params)
    events, findings = readable(known["events"], points, as_of=as_of)
    events, changes = netted(events, known["demand"], bucket, params, as_of=as_of)
    kept = [_judged(changes, refused)]
    demand = _with_lines(known["demand"], kept[0])
    availability = known["availability"].clear()
    looks = params.outliers == "capped" or may_hide(known, points, params)
    if looks and points.height and demand.height:
        panel = period_panel(demand, points, bucket, as_of=as_of)
        if params.outliers == "capped":
            kept.append(_judged(_capped(panel, points, params), refused))
            demand = _with_lines(demand, kept[1])
            panel = period_panel(demand, points, bucket, as_of=as_of)
        seen = seen_of(panel, known, points, params, as_of=as_of)
        changes, availability, few = _put_back(panel, seen, points, params)
        kept.append(_judged(changes, refused))
        demand = _with_lines(demand, kept[-1])
        findings += _about(kept[-1], seen, few)
    listed = table("history_change").conform(pl.concat(kept))
    return Prepared(demand, availability, listed, events, findings)


def _judged(changes: pl.DataFrame, refused: Refused | None) -> pl.DataFrame:
    declared = table("history_change").conform(changes.with_columns(refused=pl.lit(value=False)))
    return declared if refused is None else declared.with_columns(refused=refused(declared))


def _with_lines(demand: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Return the demand with one line more for each change."""
    lines = changes.filter(~pl.col("refused")).select(
        *KEY, "date", quantity=pl.col("after") - pl.col("before")
    )
    return pl.concat([demand, lines], how="diagonal") if lines.height else demand


def _rows(panel: Panel, points: pl.DataFrame, at: Ints) -> pl.DataFrame:
    """Return key and first day of the periods at these places."""
    point = np.searchsorted(panel.bounds, at, side="right") - 1
    ahead = panel.n_calendar - (panel.bounds[point + 1] - at)
    step = EVERY[panel.bucket][1:]
    offset = pl.Series(ahead).cast(pl.String) + step
    return points.select(KEY)[point].with_columns(date=pl.lit(panel.start).dt.offset_by(pl.lit(offset)))


def _change(
    rows: pl.DataFrame, kind: str, reason: pl.Series | str, before: Floats, after: Floats
) -> pl.DataFrame:
    named = pl.lit(reason) if isinstance(reason, str) else reason
    return rows.with_columns(
        kind=pl.lit(kind), reason=named, before=pl.Series(before), after=pl.Series(after)
    )


def _capped(panel: Panel, points: pl.DataFrame, params: DemandParams) -> pl.DataFrame:
    at, kept = spikes(panel.values, panel.bounds, params)
    return _change(_rows(panel, points, at), "outlier", "spike", panel.values[at], kept)


def _put_back(
    panel: Panel, seen: Seen, points: pl.DataFrame, params: DemandParams
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the changes by stock-outs, the periods that stay unseen, and points too little seen.

    A period of which nothing was seen stays unseen. Where another place replenishes the point, what it
    would have asked for is put back for that place's sake, from the first sale on.
    """
    unseen, hidden = seen.unseen, seen.hidden
    owner = np.repeat(np.arange(points.height), np.diff(panel.bounds))
    full = np.bincount(owner, (~hidden).astype(float), points.height)
    some = np.bincount(owner, hidden & ~unseen, points.height) > 0
    enough = full >= params.seen_periods_min
    fed = points.select(
        pl.struct("item_id", "from_location_id").is_in(
            points.select(pl.struct("item_id", from_location_id="location_id")).to_series().implode()
        )
        & (pl.col("from_location_id") != pl.col("location_id"))
    ).to_series()
    sold_before = _running(panel.values, panel.bounds) > 0
    wanted = hidden & enough[owner] & (~unseen | (np.asarray(fed)[owner] & sold_before))
    nothing = _rows(panel, points, np.flatnonzero(unseen))
    flags = nothing.with_columns(in_stock=pl.lit(value=False)).select(table("availability").names)
    few = points.select(KEY).filter(pl.Series(some & ~enough))
    changed = np.unique(owner[wanted])
    if not len(changed):
        at = np.zeros(0, dtype=np.int64)
        return (
            _change(_rows(panel, points, at), "censored", "", panel.values[at], panel.values[at]),
            flags,
            few,
        )
    values = panel.values.copy()
    values[unseen & ~wanted] = np.nan
    after = _unconstrained(panel, values, seen, points, changed, params)
    moved = wanted & (np.nan_to_num(after) > panel.values)
    at = np.flatnonzero(moved)
    reason = np.where(seen.piece[at] > 0, "sold_out", np.where(unseen[at], "not_seen", "partly_out"))
    rows = _rows(panel, points, at)
    return _change(rows, "censored", pl.Series(reason), panel.values[at], after[at]), flags, few


def _running(values: Floats, bounds: Ints) -> Floats:
    """Return the sum of each history up to each of its periods."""
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
    return np.asarray(total[1:] - np.repeat(total[bounds[:-1]], np.diff(bounds)))


def _unconstrained(
    panel: Panel, values: Floats, seen: Seen, points: pl.DataFrame, changed: Ints, params: DemandParams
) -> Floats:
    """Return the values with hidden demand put back in the changed histories.

    How variable a history is, a shelf that sells out hardly tells. So the ratio of variance to mean is
    shrunk towards those of all histories (their mixture by maximum likelihood: Laird 1978).
    """
    n = points.height
    unit = describe(values, panel.bounds, params.probability_smoothing)[:, 6]
    others = np.setdiff1d(np.linspace(0, n - 1, min(n, POPULATION)).astype(np.int64), changed)
    rows = np.sort(np.concatenate([changed, others]))
    like, means = _in_parts(
        panel.bounds,
        rows,
        lambda at, own, of: profile(
            values[at], seen.share[at], seen.piece[at], seen.sold[at], own, unit[of], RATIOS
        ),
    )
    weight = mixture(like)
    mine = np.isin(rows, changed)
    ratio = np.asarray(np.exp(weight[mine] @ np.log(RATIOS)) * unit[changed])
    start = np.asarray((weight[mine] * means[mine]).sum(axis=1))
    turn = points.select(pl.concat_str(KEY, separator="\x1f").hash(1)).to_series().to_numpy() / 2.0**64
    fade = 0.5 ** (PERIOD_DAYS[panel.bucket] / params.level_half_life_days)
    start_of, ratio_of = np.zeros(n), np.zeros(n)
    start_of[changed], ratio_of[changed] = start, ratio
    after = _in_parts(panel.bounds, changed, lambda at, own, of: (unconstrain(
        values[at], seen.share[at], seen.piece[at], seen.sold[at], own, unit[of], turn[of], start_of[of],
        ratio_of[of], fade,
    ),))  # fmt: skip
    out = values.copy()
    out[_part(panel.bounds, changed)[0]] = after[0]
    return out


def _in_parts(
    bounds: Ints, rows: Ints, work: Callable[[Ints, Ints, Ints], tuple[Floats, ...]]
) -> list[Floats]:
    """Return what `work` gives for chunks of histories, end to end.

    It is called with the places of their values, the bounds among these, and the rows.
    """
    parts = in_chunks(lambda lo, hi: work(*_part(bounds, rows[lo:hi]), rows[lo:hi]), 0, len(rows), CHUNK)
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _part(bounds: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Return the places of these histories' values, and their bounds."""
    lengths = np.diff(bounds)[rows]
    part = bounds_of(lengths)
    return np.arange(part[-1]) - np.repeat(part[:-1] - bounds[rows], lengths), part


def mixture(like: Floats) -> Floats:
    """Return the posterior weights of the ratios of each history, the prior being that of all of them.

    The prior is the mixture under which the histories are most likely (Laird 1978), found by
    expectation and maximisation from weights that fall with the ratio: where no history says otherwise,
    demand is as good as Poisson.

    Parameters
    ----------
    like : (n, R) log likelihood

    Examples
    --------
    >>> mixture(np.log([[0.9, 0.1], [0.8, 0.2]])).round(2).tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    most = like.max(axis=1, keepdims=True)
    chance = np.exp(like - most)
    prior = 1.0 / RATIOS[: like.shape[1]] ** 2
    prior /= prior.sum()
    weight = chance
    for _ in range(MIXTURE_STEPS):
        weight = chance * prior
        weight /= weight.sum(axis=1, keepdims=True)
        prior = weight.mean(axis=0)
    return np.asarray(weight)


def _about(changes: pl.DataFrame, seen: Seen, few: pl.DataFrame) -> list[Finding]:
    """Return what is to be said about hidden demand."""
    found = []
    if changes.height:
        cut = changes.select(KEY).unique(maintain_order=True)
        added = float((changes["after"] - changes["before"]).sum())
        read = numbered(f", at {seen.n_inferred:,} of them read from stock records", seen.n_inferred)
        found.append(
            HIDDEN.finding(
                cut.height,
                keys_of(cut, KEY),
                n_periods=f"{changes.height:,}",
                periods=numbered("period<|s>", changes.height),
                read=read if seen.n_inferred else "",
                added=f"{added:,.0f}",
            )
        )
    if few.height:
        found.append(HARDLY_SEEN.finding(few.height, keys_of(few, KEY)))
    return found
