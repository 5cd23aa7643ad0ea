"""People's forecasts merged into the estimates of demand."""

from datetime import date

import numpy as np
import polars as pl

from plimsoll.demand.compose import with_rates
from plimsoll.demand.panel import KEY
from plimsoll.demand.params import DemandParams
from plimsoll.demand.season_pooled import with_factors
from plimsoll.demand.upstream import replenished
from plimsoll.domain.calendar import PERIOD_DAYS
from plimsoll.maths.ragged import Floats, from_lists, to_lists

PER_DAY = {"per_day": 1.0, "per_week": 1.0 / PERIOD_DAYS["week"], "per_month": 1.0 / PERIOD_DAYS["month"]}
LEAST_DAYS = 1e-6
SAME = 1e-9


def with_forecasts(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    won: pl.DataFrame,
    params: DemandParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return the estimates with the demand that people expect.

        f = rate set / rate computed, or the factor set
        factor of an interval = 1 + (f - 1) share of its days that the forecast is about

    Mean and variance of the demand over each interval are multiplied by its factor (as for seasons, see
    `season_pooled`), lead times at their mean. What a place expects more or less is demand at the places
    that replenish it, so that they follow by as many units; a forecast set there wins. Call it before
    bills are exploded and before events and orders on the books are added: these come on top.

    Parameters
    ----------
    estimates : table `demand_estimate`, of history
    points, lead_times : tables `planning_point`, `lead_time_estimate`
    won : forecasts that count, as of `domain.overridden.winners`; per_day, per_week, per_month or factor
    params : for the lattice
    as_of : day of knowledge; the day after is the first that a forecast can be about

    Returns
    -------
    Table `demand_estimate`: `mean_per_day_opt` computed, `mean_per_day_set` as people expect it while their
    forecast holds, `mean_per_day_est` in force over the protection interval; `set_lead_qty` and
    `set_protection_qty`, units by which forecasts move the expected demand.

    Edge cases
    ----------
    Where nothing is expected by history, demand comes one by one (Poisson) at the rate set; a factor of
    nothing is nothing. A forecast that is over before the next order could arrive changes no law that
    its days do not reach.
    """
    told = estimates.with_columns(mean_per_day_opt="mean_per_day_est")
    if not won.height:
        return told
    rows = told.join(_asked(won, as_of), on=KEY, how="left", maintain_order="left").join(
        points.select(*KEY, "review_days_eff"), on=KEY, how="left", maintain_order="left"
    )
    rate = rows["mean_per_day_est"].to_numpy()
    wanted = rows.select(
        pl.when(pl.col("field") == "factor").then(pl.col("value") * pl.lit(pl.Series(rate))).otherwise("rate")
    ).to_series()
    is_set, new = wanted.is_not_null().to_numpy(), wanted.fill_null(0.0).to_numpy()
    ratio = np.divide(new, rate, out=np.ones_like(rate), where=is_set & (rate > 0))
    share = _shares(rows)
    factors = 1.0 + (ratio - 1.0)[:, None] * share
    from_nothing = is_set & (rate <= 0) & (new > 0)
    gained = np.where(is_set, rate * (factors[:, 2] - 1.0), 0.0) + np.where(
        from_nothing, new * share[:, 2], 0.0
    )
    passed = _passed_up(told, points, gained, is_set)
    follows = (rate > 0) & ~is_set
    factors += np.divide(passed, rate, out=np.zeros_like(rate), where=follows)[:, None]
    factors = np.maximum(factors, 0.0)
    moved = np.flatnonzero((np.abs(factors - 1.0) > SAME).any(axis=1))
    scaled = _with_coming(with_factors(told, moved, factors, params), rows, ratio, factors)
    started = np.where(
        from_nothing, new * share[:, 2], np.where(follows, 0.0, np.maximum(passed, 0.0) * ~is_set)
    )
    found = _started(scaled, points, lead_times, started, params)
    return found.with_columns(
        mean_per_day_set=wanted,
        set_lead_qty=found["mean_lead_qty"] - told["mean_lead_qty"],
        set_protection_qty=found["mean_protection_qty"] - told["mean_protection_qty"],
    )


def _asked(won: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the forecasts a point: rate a day, and first and last day that they are about from today."""
    first = (pl.col("start") - as_of).dt.total_days().cast(pl.Float64) - 1.0
    last = (pl.col("end") - as_of).dt.total_days().cast(pl.Float64)
    return won.select(
        *KEY,
        "field",
        "value",
        rate=pl.col("value") * pl.col("field").replace_strict(PER_DAY, default=None, return_dtype=pl.Float64),
        first=first.fill_null(0.0).clip(0.0),
        last=last.fill_null(float("inf")).clip(0.0),
    )


def _shares(rows: pl.DataFrame) -> Floats:
    """Return the share of each of the five intervals that the forecast is about (n, 5)."""
    review = rows["review_days_eff"].fill_null(0.0).to_numpy()
    protection = np.maximum(rows["protection_days_mean"].to_numpy(), review)
    lead, nothing = protection - review, np.zeros(rows.height)
    served, before, whole = (
        _overlap(rows, *ends) for ends in ((lead, protection), (nothing, lead), (nothing, protection))
    )
    return np.column_stack([served, before, whole, before, whole])


def _overlap(rows: pl.DataFrame, begin: Floats, end: Floats) -> Floats:
    """Return the share of the days from `begin` to `end` that lie within the forecast; of no days, of one."""
    first = rows["first"].fill_null(0.0).to_numpy()
    last = rows["last"].fill_null(float("inf")).to_numpy()
    end = np.maximum(end, begin + LEAST_DAYS)
    within = np.minimum(end, last) - np.maximum(begin, first)
    return np.asarray(np.clip(within / (end - begin), 0.0, 1.0))


def _passed_up(
    told: pl.DataFrame, points: pl.DataFrame, gained: Floats, is_set: np.typing.NDArray[np.bool_]
) -> Floats:
    """Return the units a day that every place gains by forecasts at places below it."""
    edges = replenished(points)
    rows = told.select(KEY).with_columns(gained=pl.Series(gained), is_set=pl.Series(is_set))
    moving = rows.filter(pl.col("gained").abs() > SAME).select(*KEY, "gained")
    total = rows.select(KEY).with_columns(total=pl.lit(0.0))
    while moving.height:
        moving = (
            moving.join(edges, on=KEY)
            .sort(KEY)
            .group_by("item_id", location_id="from_location_id", maintain_order=True)
            .agg(pl.col("gained").sum())
            .join(rows.filter(~pl.col("is_set")).select(KEY), on=KEY, how="semi")
        )
        total = total.join(moving, on=KEY, how="left", maintain_order="left").select(
            *KEY, total=pl.col("total") + pl.col("gained").fill_null(0.0)
        )
    return total["total"].to_numpy()


def _started(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    rates: Floats,
    params: DemandParams,
) -> pl.DataFrame:
    """Return the estimates with Poisson demand where history expects none."""
    chosen = (
        estimates.select(KEY).with_columns(mean_per_day=pl.Series(rates)).filter(pl.col("mean_per_day") > 0)
    )
    if not chosen.height:
        return estimates
    asked = chosen.with_columns(variance_per_day="mean_per_day", rate_variance=pl.lit(0.0))
    return with_rates(estimates, points, lead_times, asked, params, mode="replace")


def _with_coming(estimates: pl.DataFrame, rows: pl.DataFrame, ratio: Floats, factors: Floats) -> pl.DataFrame:
    """Return the estimates with the expected demand of coming periods multiplied where it is listed."""
    coming = estimates["coming_qty"]
    if coming.null_count() == len(coming):
        return estimates
    values, bounds = from_lists(coming.fill_null(pl.Series([[]], dtype=pl.List(pl.Float64))))
    owner = np.repeat(np.arange(len(coming)), np.diff(bounds))
    days = rows["period_days"].to_numpy()[owner]
    begin = (np.arange(len(owner)) - bounds[owner]) * days
    is_set = rows["value"].is_not_null().to_numpy()
    about = rows.select("first", "last")[owner]
    of_period = 1.0 + (ratio[owner] - 1.0) * _overlap(about, begin, begin + days)
    scale = np.where(is_set[owner], of_period, factors[owner, 2])
    scaled = to_lists(values * scale, bounds)
    return estimates.with_columns(coming_qty=pl.when(coming.is_not_null()).then(scaled))
