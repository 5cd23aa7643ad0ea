"""The demand stage from lines of history to one predictive distribution a stocking point."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from plimsoll.demand.classify import CLASSES, classify
from plimsoll.demand.compound import compound_states
from plimsoll.demand.intervals import PMFS, Distributions, Fitted, Protection, distributions, protection_of
from plimsoll.demand.learned import anchored, learn
from plimsoll.demand.learned_choice import choose_all
from plimsoll.demand.panel import KEY, Panel, bucket_of, months_from, period_panel
from plimsoll.demand.params import DemandParams
from plimsoll.demand.pool import kin_of, pooled_states
from plimsoll.demand.score import Histories, Scores, score
from plimsoll.demand.season_pooled import deseasonalised, reseasonalised, seasons
from plimsoll.demand.select import Choice
from plimsoll.demand.shelf import SeriesFacts, methods
from plimsoll.domain.calendar import PERIOD_DAYS
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.demand_fit import BLEND, COMPOUND, LEARNED, N_METHODS, NORMAL, POOLED, describe
from plimsoll.maths.ragged import Floats
from plimsoll.maths.rng import rng_for

YEAR = {"week": 52, "month": 12}
DRAW_COLUMNS = 64


def estimate(
    demand: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    params: DemandParams,
    *,
    as_of: date,
    seed: int,
    availability: pl.DataFrame | None = None,
    booked: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the predictive distribution of demand of every planning point over its protection interval.

    History is cut to complete periods up to `as_of`, and freed of the seasons that many series share;
    series are described and classified; every method that applies is scored at held-out origins; the
    best that may be used writes the distributions, mixed over the distribution of the lead time. They
    are then put in the seasons that their intervals fall in.

    Parameters
    ----------
    demand : table `demand`
    points : table `planning_point`
    lead_times : table `lead_time_estimate`, with the lane in force of every point
    params : options
    as_of : day of knowledge
    seed : of the bootstrap's draws
    availability : table `availability`; periods out of stock are not observed
    booked : how far ahead customers book, from `booked_ahead`; the distributions (that between reviews
        excepted) then hold what is not on the books yet, while the rate stays that of all demand

    Returns
    -------
    Table `demand_estimate`, one row a point.
    """
    if not points.height:
        return table("demand_estimate").empty()
    points = points.sort(KEY)
    known = demand.filter(pl.col("date") <= as_of)
    found = seasons(known, points, params, as_of=as_of, availability=availability)
    given = (points, lead_times, params, as_of, seed, availability, booked)
    if found.are_flat:
        return _estimate(known, *given)
    level = _estimate(deseasonalised(known, points, found), *given)
    return reseasonalised(level, points, found, params, as_of=as_of)


def _estimate(
    known: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    params: DemandParams,
    as_of: date,
    seed: int,
    availability: pl.DataFrame | None,
    booked: pl.DataFrame | None,
) -> pl.DataFrame:
    """Return the estimates of demand without a season that many share."""
    protection = protection_of(points, lead_times, booked)
    bucket = bucket_of(known, params)
    panel = period_panel(known, points, bucket, as_of=as_of, availability=availability)
    histories = _histories(panel, points, protection, params)
    period_days = PERIOD_DAYS[bucket]
    facts = describe(panel.values, panel.bounds, params.probability_smoothing)
    unit = facts[:, 6].copy()
    kind, adi, cv2 = classify(facts, params)
    fades, rises = facts[:, 7] < -params.fading_errors, facts[:, 7] > params.rising_errors
    series = SeriesFacts(
        facts[:, 0],
        facts[:, 1],
        facts[:, 2] / unit,
        np.sqrt(facts[:, 3]) / unit,
        fades,
        rises,
        histories.year,
    )
    eligible = np.zeros((points.height, N_METHODS), dtype=np.bool_)
    for method in methods():
        if method.name in params.contenders:
            eligible[:, method.code] = method.applies(series)

    learned = learn(histories, points, eligible[:, LEARNED], params, seed)
    if learned.state is None:
        eligible[:, [LEARNED, BLEND]] = False
    kin = kin_of(points)
    compound, prior = compound_states(histories, facts, kin, params)
    histories = replace(histories, size_rate=prior.size_rate)
    given = {COMPOUND: compound}
    if learned.state is not None:
        given[LEARNED] = anchored(learned.state, compound, histories.values, params)
    scores = score(histories, eligible, draws_of(params.paths_scored, seed), params, given)
    choice = choose_all(scores, kind, series, eligible, params)
    state = scores.state[np.arange(points.height), choice.used]
    pooled = choice.used == POOLED
    state[pooled] = pooled_states(facts, kin, pooled, histories.year, params)[pooled]
    fitted = Fitted(choice.used, state, scores.index, unit)
    draws = draws_of(params.paths, seed)
    laid = distributions(histories, protection, fitted, draws, period_days, params.lattice_cells)
    mean_days, sd_days = protection.moments()
    columns = {
        "item_id": points["item_id"],
        "location_id": points["location_id"],
        "demand_class": np.array(CLASSES)[kind],
        "adi": _known(adi),
        "cv2": _known(cv2),
        "n_periods": facts[:, 0].astype(np.int64),
        "n_demand_periods": facts[:, 1].astype(np.int64),
        "period_days": np.full(points.height, period_days),
        "sd_per_period_obs": np.sqrt(facts[:, 3]),
        "protection_days_mean": mean_days,
        "protection_days_sd": sd_days,
    }
    columns |= _chosen(choice, scores)
    columns["learned_skipped"] = pl.Series([learned.skipped or None] * points.height, dtype=pl.String)
    columns["coming_qty"] = pl.Series([None] * points.height, dtype=pl.List(pl.Float64))
    days = mean_days if booked is None else protection.unbooked_days()
    columns |= _laid(laid, days, state[:, 0] / period_days)
    # The distributions join after the sort, which would copy them twice: the points are in order already.
    nothing = pl.lit([], dtype=pl.List(pl.Float64))
    frame = pl.DataFrame(columns).with_columns(nothing.alias(name) for name in PMFS)
    frame = table("demand_estimate").conform(frame)
    return frame.with_columns(**dict(zip(PMFS, laid.lists, strict=True)))


def _chosen(choice: Choice, scores: Scores) -> dict[str, Any]:
    names = np.empty(N_METHODS, dtype="U32")
    for method in methods():
        names[method.code] = method.name
    rows = np.arange(len(choice.used))
    return {
        "method_used": names[choice.used],
        "method_wanted": names[choice.wanted],
        "fallback_reason": pl.Series(choice.reason).replace("", None),
        "pinball_loss": _known(scores.loss[rows, choice.used]),
        "pinball_loss_reference": _known(scores.loss[:, NORMAL]),
        "n_origins": np.where(np.isfinite(scores.loss[:, NORMAL]), scores.n_origins, 0),
    }


def _laid(laid: Distributions, mean_days: Floats, rate: Floats) -> dict[str, Any]:
    """Return the columns of the distributions; the rate of a point with no interval is that of its method."""
    return {
        "mean_per_day_est": np.divide(laid.mean[:, 2], mean_days, out=rate.copy(), where=mean_days > 0),
        "mean_lead_qty": laid.mean[:, 1],
        "mean_protection_qty": laid.mean[:, 2],
        "sd_protection_qty": laid.sd[:, 2],
        "step_qty": laid.step,
    }


def _known(values: Floats) -> pl.Series:
    """Return the values with null where they are not finite."""
    return pl.Series(np.where(np.isfinite(values), values, np.nan), nan_to_null=True)


def draws_of(n_paths: int, seed: int) -> Floats:
    """Return uniforms (paths, columns), each column one draw from every n-th part of [0, 1), shuffled."""
    rng = rng_for(seed, "demand", "bootstrap", str(n_paths))
    strata = rng.permuted(np.tile(np.arange(n_paths)[:, None], (1, DRAW_COLUMNS)), axis=0)
    return np.asarray((strata + rng.random((n_paths, DRAW_COLUMNS))) / n_paths)


def _histories(panel: Panel, points: pl.DataFrame, protection: Protection, params: DemandParams) -> Histories:
    lengths = np.diff(panel.bounds)
    period_days = PERIOD_DAYS[panel.bucket]
    half_held_out = np.maximum((params.holdout_share * lengths).astype(np.int64) // 2, 1)
    mean_days, _ = protection.moments()
    n_ahead = np.clip(np.rint(mean_days / period_days).astype(np.int64), 1, half_held_out)
    months = months_from(panel.start, panel.bucket, panel.n_calendar + protection.most_periods(period_days))
    turn = points.select(pl.concat_str(KEY, separator="\x1f").hash(0)).to_series().to_numpy() / 2.0**64
    size_rate = 1.0 - 0.5 ** (period_days / params.half_life_days)
    return Histories(
        panel.values, panel.bounds, months, panel.n_calendar, YEAR[panel.bucket], n_ahead, turn, size_rate
    )
