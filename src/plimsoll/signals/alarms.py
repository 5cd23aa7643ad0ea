"""Alarms: demand that changed its level, forecasts that err to one side; false ones at a stated rate."""

from datetime import date

import numpy as np
import polars as pl
from scipy import special

from plimsoll.demand import DemandParams
from plimsoll.demand.panel import KEY, Panel, bucket_of, period_panel
from plimsoll.domain.calendar import DAYS_PER_YEAR, EVERY, PERIOD_DAYS, Bucket
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats
from plimsoll.signals.accuracy import UNKNOWN, worth_of
from plimsoll.signals.changes import DRIFT, Changes, discovery_rate, find_changes
from plimsoll.signals.params import SignalParams

GROUPS = {"all": None, "category": "category", "location": "location_id", "item": "item_id"}
BLOCK = 8192
ORIGINS_MIN = {"point": 3, "group": 4}
MEMBERS_MIN = 20  # points from which the errors of a total are near enough to a normal law
RANK_LEAST = 1e-4


def alarms(
    demand: pl.DataFrame,
    points: pl.DataFrame,
    params: SignalParams,
    demand_params: DemandParams,
    *,
    as_of: date,
    availability: pl.DataFrame | None = None,
    hindcasts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return what changed beyond chance, at every point and in every group, with date and size.

    A shift or a drift is a CUSUM beyond its bridge (`signals.changes`); a bias is a tracking signal
    (Trigg 1964) of the past forecasts: at a point the sum of their ranks as normal scores over its
    standard error; in a group of 20 points or more the mean error of its total over its standard error
    (Student's t).
    Of the alarms of one level and kind, on average no more than `false_discovery_rate` are false, however
    many points are watched; where nothing changes at all, a level raises any with that probability.

    Parameters
    ----------
    demand : table `demand`, that of downstream places passed up
    points : table `planning_point`
    params, demand_params : options
    as_of : day of knowledge
    availability : table `availability`
    hindcasts : of `hindcast`; without them no bias is looked for

    Returns
    -------
    Table `alarm`. Groups are counted in money at cost, or in units where most costs are missing.
    """
    points = points.filter("planned").sort(KEY)
    known = demand.filter(pl.col("date") <= as_of)
    if not points.height or not known.height:
        return table("alarm").empty()
    bucket = bucket_of(known, demand_params)
    panel = period_panel(known, points, bucket, as_of=as_of, availability=availability)
    width = min(panel.n_calendar, int(params.window_days / PERIOD_DAYS[bucket]))
    series = _dense(panel, width)
    wave = _wave(width, bucket, params)
    found = [_changed(series, _names(points, "point"), wave, panel, width, params)]
    worth, measured_in = worth_of(points)
    weighed = points.with_columns(worth=worth)
    for level, column in GROUPS.items():
        if level == "item" and not points["item_id"].is_duplicated().any():
            continue
        names, total = _grouped(series * worth.to_numpy()[:, None], points, level, column, measured_in)
        found.append(_changed(total, names, wave, panel, width, params))
    if hindcasts is not None and hindcasts.height:
        found.append(_biased_points(hindcasts, points, params))
        found += [
            _biased_groups(hindcasts, weighed, level, column, measured_in, params)
            for level, column in GROUPS.items()
        ]
    # Where nothing is long enough to look at, no frame has all columns.
    return table("alarm").conform(pl.concat([table("alarm").empty(), *found], how="diagonal_relaxed"))


def _dense(panel: Panel, width: int) -> Floats:
    """Return the last `width` periods of every history, NaN before it begins and where not observed."""
    lengths = np.diff(panel.bounds)
    place = np.arange(width) - width + lengths[:, None]
    at = np.clip(panel.bounds[:-1, None] + place, 0, max(len(panel.values) - 1, 0))
    values = panel.values if len(panel.values) else np.full(1, np.nan)
    return np.where(place >= 0, values[at], np.nan)


def _wave(width: int, bucket: Bucket, params: SignalParams) -> Floats:
    """Return the yearly wave as two regressors, or none where the history is too short to tell it."""
    if width * PERIOD_DAYS[bucket] < params.season_days:
        return np.zeros((0, width))
    angle = 2.0 * np.pi * np.arange(width) * PERIOD_DAYS[bucket] / DAYS_PER_YEAR
    return np.array([np.cos(angle), np.sin(angle)])


def _names(points: pl.DataFrame, level: str) -> pl.DataFrame:
    return points.select(
        *KEY,
        level=pl.lit(level),
        group=pl.concat_str(KEY, separator=" @ "),
        measured_in=pl.lit("units"),
        worth=pl.when(pl.col("unit_cost_eff") > 0).then("unit_cost_eff"),
    )


def _grouped(
    series: Floats, points: pl.DataFrame, level: str, column: str | None, measured_in: str
) -> tuple[pl.DataFrame, Floats]:
    """Return the groups and their totals; a period not observed counts as the member's mean."""
    group = pl.lit("all") if column is None else pl.col(column).fill_null(UNKNOWN)
    named = points.with_columns(group=group).select("group")
    names = named.unique().sort("group").with_row_index("number")
    number = named.join(names, on="group", maintain_order="left")["number"].to_numpy()
    seen = np.isfinite(series)
    begun = np.maximum.accumulate(seen, axis=1)
    mean = np.nansum(series, axis=1) / np.maximum(seen.sum(axis=1), 1)
    total = np.zeros((names.height, series.shape[1]))
    np.add.at(total, number, np.where(seen, series, np.where(begun, mean[:, None], 0.0)))
    rows = names.select(
        "group",
        level=pl.lit(level),
        measured_in=pl.lit(measured_in),
        worth=pl.lit(1.0 if measured_in == "money" else None, dtype=pl.Float64),
    )
    return rows, total


def _changed(
    series: Floats, names: pl.DataFrame, wave: Floats, panel: Panel, width: int, params: SignalParams
) -> pl.DataFrame:
    days, bucket = PERIOD_DAYS[panel.bucket], panel.bucket
    watched = (np.isfinite(series).sum(axis=1) >= params.periods_min) & ((series > 0).sum(axis=1) > 1)
    rows = np.flatnonzero(watched)
    blocks = [find_changes(series[rows[lo : lo + BLOCK]], wave) for lo in range(0, len(rows), BLOCK)]
    if not blocks:
        return names.clear().select("level", "group")
    one = Changes(*(np.concatenate([getattr(b, name) for b in blocks]) for name in Changes.__slots__))
    period = panel.n_calendar - width + one.at
    start = pl.lit(panel.start).dt.offset_by(pl.format("{}" + EVERY[bucket][1:], pl.Series(period)))
    return _raised(
        names[rows].with_columns(
            kind=pl.Series(np.where(one.kind == DRIFT, "drift", "shift")),
            since=start,
            before_per_day=pl.Series(one.before / days),
            after_per_day=pl.Series(one.after / days),
            statistic=pl.Series(one.statistic),
            p_value=pl.Series(one.p_value),
            n_periods=pl.Series(one.n),
        ),
        params,
    )


def _raised(tests: pl.DataFrame, params: SignalParams) -> pl.DataFrame:
    """Return the tests that are alarms at the false discovery rate."""
    change = (pl.col("after_per_day") - pl.col("before_per_day")) * DAYS_PER_YEAR
    return (
        tests.with_columns(
            false_discovery_rate=pl.Series(discovery_rate(tests["p_value"].to_numpy())),
            change_value_per_year=change * pl.col("worth"),
        )
        .filter(pl.col("false_discovery_rate") <= params.false_discovery_rate)
        .drop("worth")
    )


def _biased_points(hindcasts: pl.DataFrame, points: pl.DataFrame, params: SignalParams) -> pl.DataFrame:
    """Return the points whose past intervals came on one side of what was forecast.

    Intervals that overlap are evidence once: of each point only every so-many-th origin counts.
    """
    days = hindcasts["origin"].unique().sort().diff().dt.total_days().drop_nulls()
    spacing = float(days.min() or 1)  # type: ignore[arg-type]
    nth = (pl.col("interval_days") / spacing - 0.01).ceil().clip(1)
    from_last = pl.int_range(pl.len(), 0, -1).over(KEY) - 1
    rank = ((pl.col("rank_low") + pl.col("rank_high")) / 2).clip(RANK_LEAST, 1 - RANK_LEAST)
    apart = hindcasts.sort(*KEY, "origin").filter(from_last % nth == 0)
    apart = apart.with_columns(score=pl.Series(special.ndtri(apart.select(rank).to_series().to_numpy())))
    tests = (
        apart.group_by(KEY, maintain_order=True)
        .agg(
            since=pl.col("origin").min(),
            before_per_day=pl.col("forecast").sum() / pl.col("interval_days").sum(),
            after_per_day=pl.col("actual").sum() / pl.col("interval_days").sum(),
            statistic=pl.col("score").sum() / pl.len().sqrt(),
            n_periods=pl.len().cast(pl.Int64),
        )
        .filter(pl.col("n_periods") >= ORIGINS_MIN["point"])
        .join(_names(points, "point"), on=KEY, maintain_order="left")
    )
    p = 2.0 * special.ndtr(-np.abs(tests["statistic"].to_numpy()))
    return _raised(tests.with_columns(kind=pl.lit("bias"), p_value=pl.Series(p)), params)


def _biased_groups(
    hindcasts: pl.DataFrame,
    points: pl.DataFrame,
    level: str,
    column: str | None,
    measured_in: str,
    params: SignalParams,
) -> pl.DataFrame:
    """Return the groups whose totals were forecast too high or too low at most origins."""
    group = pl.lit("all") if column is None else pl.col(column).fill_null(UNKNOWN)
    daily = pl.col("worth") / pl.col("interval_days")
    totals = (
        hindcasts.join(points.select(*KEY, "category", "worth"), on=KEY)
        .sort("origin", *KEY)
        .group_by(group.alias("group"), "origin", maintain_order=True)
        .agg(
            before=(daily * pl.col("forecast")).sum(),
            after=(daily * pl.col("actual")).sum(),
            n_points=pl.len(),
        )
        .sort("group", "origin")
        .with_columns(error=pl.col("after") - pl.col("before"))
    )
    tests = (
        totals.group_by("group", maintain_order=True)
        .agg(
            since=pl.col("origin").min(),
            before_per_day=pl.col("before").mean(),
            after_per_day=pl.col("after").mean(),
            statistic=pl.col("error").mean() / (pl.col("error").std() / pl.len().sqrt()),
            n_periods=pl.len().cast(pl.Int64),
            n_points=pl.col("n_points").min(),
        )
        .filter(
            pl.col("n_periods") >= ORIGINS_MIN["group"],
            pl.col("n_points") >= MEMBERS_MIN,
            pl.col("statistic").is_finite(),
        )
        .drop("n_points")
        .with_columns(
            level=pl.lit(level),
            kind=pl.lit("bias"),
            measured_in=pl.lit(measured_in),
            worth=pl.lit(1.0 if measured_in == "money" else None, dtype=pl.Float64),
        )
    )
    freedom = tests["n_periods"].to_numpy() - 1
    p = 2.0 * special.stdtr(freedom, -np.abs(tests["statistic"].to_numpy()))
    return _raised(tests.with_columns(p_value=pl.Series(p)), params)
