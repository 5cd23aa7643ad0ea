"""Forecasts made again at past moments with what was known then, beside the demand that came."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.demand import DemandParams, estimate
from plimsoll.demand.intervals import protection_of
from plimsoll.demand.panel import KEY, Panel, bucket_of, period_panel
from plimsoll.domain.calendar import EVERY, PERIOD_DAYS, Bucket, last_complete_start
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.signals.measures import (
    COVERED,
    covered,
    interval_demand,
    interval_ranks,
    naive_error,
    pinball_loss,
)
from plimsoll.signals.params import SignalParams
from plimsoll.signals.promise import SERVICES, outcome

MOST = 0.9  # share of the points whose interval has ended since the latest origin
SCHEMA = {
    "item_id": pl.String(),
    "location_id": pl.String(),
    "origin": pl.Date(),
    "until": pl.Date(),
    "n_ahead": pl.Int64(),
    "interval_days": pl.Float64(),
    "forecast": pl.Float64(),
    "actual": pl.Float64(),
    "scale": pl.Float64(),
    "pinball": pl.Float64(),
    "rank_low": pl.Float64(),
    "rank_high": pl.Float64(),
    **{f"coverage_{round(100 * level)}": pl.Float64() for level in COVERED},
    "demand_class": pl.String(),
    "method_used": pl.String(),
    "n_demand_periods": pl.Int64(),
    "is_apart": pl.Boolean(),
    "target": pl.Float64(),
    "review_forecast": pl.Float64(),
    "review_actual": pl.Float64(),
}


def schema_of(params: SignalParams) -> dict[str, pl.DataType]:
    """Return the columns of a hindcast; those of promises are as wide as there are services and levels."""
    width = len(SERVICES) * (len(params.promise_levels) + 1)
    wide = pl.Array(pl.Float64(), width)
    return {**SCHEMA, "promised": wide, "achieved": wide, "variance": wide}


def hindcast(
    demand: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    params: SignalParams,
    demand_params: DemandParams,
    *,
    as_of: date,
    seed: int,
    availability: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return every planned point's forecast at past origins, and the demand of the interval that followed.

    At each origin the whole demand stage runs on what was known on that day: it costs as much as the
    demand stage of a plan, times `origins`. The interval is the point's mean protection interval as
    estimated at `as_of`, in whole periods (at least one); it must have ended by `as_of`, which those of
    nine points in ten have since the latest origin, and all its periods must have been observed.

    Parameters
    ----------
    demand : table `demand`, that of downstream places passed up
    points, lead_times : tables `planning_point` and `lead_time_estimate`; a column `target_service_eff`
        of points is a further level that is promised
    params, demand_params : options; the pinball levels are those of `demand_params`
    as_of, seed : as of `demand.estimate`
    availability : table `availability`

    Returns
    -------
    One row a point and origin in key order: KEY, origin, until (last day of the interval), n_ahead
    (periods), interval_days, forecast, actual (units), scale (of MASE, null if unknown), pinball (units),
    ranks P(D < A) and P(D <= A), coverage at 50, 80 and 95 %, demand_class, method_used, n_demand_periods
    known then, is_apart (of all windows of a point with this flag no two overlap), target (null if not
    known), and of the last review, a whole number of periods too: review_forecast, review_actual (units).
    `promised`, `achieved` and `variance` are as of `promise.outcome`, by service at `promise_levels` and
    then at the point's own target.
    """
    points = points.filter("planned").sort(KEY)
    known = demand.filter(pl.col("date") <= as_of)
    if not points.height or not known.height:
        return pl.DataFrame(schema=schema_of(params))
    bucket = bucket_of(known, demand_params)
    days = PERIOD_DAYS[bucket]
    fixed = demand_params.model_copy(update={"bucket": bucket})
    panel = period_panel(known, points, bucket, as_of=as_of, availability=availability)
    mean_days, _ = protection_of(points, lead_times).moments()
    ahead = np.maximum(np.rint(mean_days / days), 1).astype(np.int64)
    spacing = params.spacing_periods or int(np.median(ahead))
    latest = int(np.quantile(ahead, MOST))
    review = np.clip(np.rint(points["review_days_eff"].to_numpy() / days), 1, ahead).astype(np.int64)
    points, lead_times = _whole_intervals(points, ahead, review, days)
    last = last_complete_start(as_of, bucket)
    backs = [
        latest + spacing * j
        for j in range(params.origins - 1, -1, -1)
        if (panel.n_calendar - latest - spacing * j) * days >= params.history_days
    ]
    rows = []
    for back in backs:
        origin = _start(last, bucket, 1 - back) - timedelta(days=1)
        forecasts = estimate(
            known.filter(pl.col("date") <= origin), points, lead_times, fixed,
            as_of=origin, seed=seed, availability=availability,
        )  # fmt: skip
        scored = _scored(forecasts, panel, ahead, back, origin, demand_params.quantile_levels)
        kept = _promised(forecasts, points, panel, (ahead, review), back, params.promise_levels)
        # windows of a point are apart every so many origins, counted back from the latest
        apart = (back - latest) // spacing % -(-ahead // spacing) == 0
        seen = forecasts.select(*KEY, "n_demand_periods").with_columns(is_apart=pl.Series(apart))
        rows.append(scored.join(seen.hstack(kept), on=KEY, how="left", maintain_order="left"))
    if not rows:
        return pl.DataFrame(schema=schema_of(params))
    first = pl.col("origin").dt.offset_by("1d")
    return (
        pl.concat(rows)
        .with_columns(
            interval_days=pl.col("n_ahead") * days,
            until=first.dt.offset_by(pl.format("{}" + EVERY[bucket][1:], "n_ahead")).dt.offset_by("-1d"),
        )
        .select(list(schema_of(params)))
        .sort(*KEY, "origin")
    )


def _start(last: date, bucket: Bucket, periods: int) -> date:
    """Return the first day of the period that many periods after the one that begins on `last`."""
    day: date = pl.Series([last]).dt.offset_by(f"{periods}{EVERY[bucket][1:]}")[0]
    return day


def _whole_intervals(
    points: pl.DataFrame, ahead: Ints, review: Ints, days: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return points and lead times whose protection and review intervals are whole numbers of periods."""
    whole = pl.Series(ahead * days)
    points = points.with_columns(review_days_eff=pl.Series(review * days))
    lead_times = points.select(
        "item_id",
        "from_location_id",
        to_location_id="location_id",
        atom_days=pl.concat_list(whole - points["review_days_eff"]),
        atom_probability=pl.concat_list(pl.lit(1.0)),
    )
    return points, lead_times


def _scored(
    forecasts: pl.DataFrame, panel: Panel, ahead: Ints, back: int, origin: date, levels: tuple[float, ...]
) -> pl.DataFrame:
    known = np.diff(panel.bounds) - back
    actual = interval_demand(panel.values, panel.bounds, known, ahead)
    scale = naive_error(panel.values, panel.bounds, np.maximum(known, 0), ahead)
    rows = forecasts.with_columns(
        actual=pl.Series(actual),
        scale=pl.Series(scale, nan_to_null=True),
        n_ahead=pl.Series(ahead),
        origin=pl.lit(origin),
    ).filter(pl.Series(np.isfinite(actual) & (known > 0)))
    pmfs, step, came = rows["pmf_protection"], rows["step_qty"].to_numpy(), rows["actual"].to_numpy()
    low, high = interval_ranks(pmfs, step, came)
    part: dict[str, Floats] = {
        f"coverage_{round(100 * level)}": covered(low, high, level) for level in COVERED
    }
    loss = pinball_loss(pmfs, step, came, levels)
    return rows.select(
        *KEY, "origin", "n_ahead", "actual", "scale", "demand_class", "method_used",
        forecast="mean_protection_qty", pinball=pl.Series(loss),
        rank_low=pl.Series(low), rank_high=pl.Series(high),
        **{name: pl.Series(values) for name, values in part.items()},
    )  # fmt: skip


def _promised(
    forecasts: pl.DataFrame,
    points: pl.DataFrame,
    panel: Panel,
    periods: tuple[Ints, Ints],
    back: int,
    levels: tuple[float, ...],
) -> pl.DataFrame:
    """Return the promises of every forecast and what came; of windows not observed in full it is 0."""
    ahead, review = periods
    known = np.diff(panel.bounds) - back
    lead, whole = (
        np.nan_to_num(interval_demand(panel.values, panel.bounds, known, n)) for n in (ahead - review, ahead)
    )
    if "target_service_eff" in points.columns:
        target = points["target_service_eff"].cast(pl.Float64)
    else:
        target = pl.repeat(None, points.height, dtype=pl.Float64, eager=True)
    shares = np.column_stack([np.tile(levels, (points.height, 1)), target.fill_null(0.0).to_numpy()])
    found = outcome(forecasts, lead, whole, shares)
    wide = pl.Array(pl.Float64, found.promised.shape[1])
    return pl.DataFrame({
        "target": target,
        "review_forecast": found.mean_review,
        "review_actual": whole - lead,
        "promised": pl.Series(found.promised, dtype=wide),
        "achieved": pl.Series(found.achieved, dtype=wide),
        "variance": pl.Series(found.variance, dtype=wide),
    })  # fmt: skip
