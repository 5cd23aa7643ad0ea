"""Demand under a scenario: factors at the points that customers ask, and at all that feed them."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.demand import DemandParams, with_forecasts
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.scenarios import Change, Scenario
from plimsoll.maths.ragged import Floats, Ints, from_lists, to_lists
from plimsoll.scenarios.messages import NO_SEASON
from plimsoll.scenarios.names import within
from plimsoll.scenarios.paths import KEY, Paths, column, paths

YEAR = timedelta(days=365)
GOODS = ("item", "category", "location")
TOLD = ("mean_per_day_opt", "mean_per_day_set", "set_lead_qty", "set_protection_qty")
SAME = 1e-9
WON = {
    "item_id": pl.String(),
    "location_id": pl.String(),
    "field": pl.String(),
    "value": pl.Float64(),
    "start": pl.Date(),
    "end": pl.Date(),
}


def changed_demand(
    base: Mapping[str, pl.DataFrame],
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    scenario: Scenario,
    params: DemandParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return the estimates of demand under a scenario.

    With own(d) the rate at which customers ask at point d, use(u, d) the units of u in one at d, and
    f(d) the factor of the change times the share of d's demand that it is about::

        factor at u = sum over d of use'(u, d) own(d) f(d) / sum over d of use(u, d) own(d)

    so that all places and components that feed d follow. Means and variances are multiplied, as where a
    person sets a factor over a forecast (`demand.with_forecasts`).

    Parameters
    ----------
    base : tables demand_estimate, planning_point, network_stage, network_arc of the plan, and the facts
        demand (for customers)
    points, lead_times : as the scenario has them
    scenario : its changes of kind demand, season and source count
    params : for the lattice
    as_of : day of knowledge

    Edge cases
    ----------
    Where history expects nothing, nothing times a factor is nothing. A place that a change of its source
    loads for the first time is asked for at the rate of those that it feeds (Poisson).
    """
    estimates = base["demand_estimate"]
    before, after = (paths(each, base["network_arc"]) for each in (base["planning_point"], points))
    own = column(before, base, "network_stage", "own_mean_per_day")
    total = before.up(own)
    given = (points, lead_times)
    moved = after.up(own)
    won = _won(after, total, moved, None, None)
    estimates = _scaled(estimates, *given, won, params, as_of)
    for change in scenario.changes:
        if change.kind == "demand":
            extra = after.up(own * _share(change, base, after, as_of) * (float(change.factor or 0.0) - 1.0))
            won = _won(after, moved, moved + extra, change.start, change.end)
            estimates = _scaled(estimates, *given, won, params, as_of)
        elif change.kind == "season":
            estimates = _later(estimates, *given, change, params, as_of)
    return estimates


def flat_seasons(base: Mapping[str, pl.DataFrame], scenario: Scenario) -> list[Finding]:
    """Return the findings about changes of season where no season is known.

    `base` : tables demand_estimate and planning_point
    """
    found = []
    for change in scenario.changes:
        if change.kind == "season":
            points = base["planning_point"].filter(within(change, of=GOODS)).select(KEY)
            mine = base["demand_estimate"].join(points, on=KEY, how="semi")
            flat = mine.filter(pl.col("coming_qty").list.len().fill_null(0) == 0).sort(KEY)
            found += [NO_SEASON.finding(flat.height, keys_of(flat, KEY))] if flat.height else []
    return found


def _won(after: Paths, total: Floats, new: Floats, start: date | None, end: date | None) -> pl.DataFrame:
    """Return what is expected at the points where it differs, as of `domain.overridden.winners`."""
    differs = np.abs(new - total) > SAME * np.maximum(total, SAME)
    had = total > 0
    value = np.where(had, np.divide(new, total, out=np.ones_like(new), where=had), new)
    rows = after.points.select(
        *KEY,
        field=pl.when(pl.Series(had)).then(pl.lit("factor")).otherwise(pl.lit("per_day")),
        value=pl.Series(np.maximum(value, 0.0)),
        start=pl.lit(start, dtype=pl.Date),
        end=pl.lit(end, dtype=pl.Date),
    )
    return rows.filter(pl.Series(differs)).cast(WON)  # type: ignore[arg-type]


def _scaled(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    won: pl.DataFrame,
    params: DemandParams,
    as_of: date,
) -> pl.DataFrame:
    """Return the estimates times factors; what they tell of people's forecasts stays."""
    if not won.height:
        return estimates
    scaled = with_forecasts(estimates, points, lead_times, won, params, as_of=as_of)
    return scaled.with_columns(estimates[name] for name in TOLD).select(estimates.columns)


def _share(change: Change, base: Mapping[str, pl.DataFrame], of: Paths, as_of: date) -> Floats:
    """Return the share (n,) of each point's demand that a change is about: by scope, and by customer."""
    points = of.points.join(base["planning_point"], on=KEY, how="left", maintain_order="left")
    mine = points.select(mine=within(change, of=GOODS))["mine"].to_numpy().astype(np.float64)
    if change.customer is None:
        return mine
    return mine * customer_share(base["demand"], change.customer, of.points, as_of)


def customer_share(demand: pl.DataFrame, customer: str, points: pl.DataFrame, as_of: date) -> Floats:
    """Return the customer's share (n,) of the units asked for at each point in the last year; 0 for none."""
    lately = demand.filter(pl.col("date") > as_of - YEAR, pl.col("date") <= as_of, pl.col("quantity") > 0)
    told = lately.group_by(KEY).agg(
        share=pl.col("quantity").filter(pl.col("customer_id") == customer).sum() / pl.col("quantity").sum()
    )
    found = points.select(KEY).join(told, on=KEY, how="left", maintain_order="left")
    return found["share"].fill_null(0.0).to_numpy()


def _later(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    change: Change,
    params: DemandParams,
    as_of: date,
) -> pl.DataFrame:
    """Return the estimates with the season that many share so many days later, where there is one."""
    about = points.select(*KEY, "category", "review_days_eff")
    rows = estimates.join(about, on=KEY, how="left", maintain_order="left").with_row_index("row")
    mine = rows.filter(within(change, of=GOODS), pl.col("coming_qty").list.len() > 0)
    if not mine.height:
        return estimates
    rolled, bounds, factor = _rolled(mine, float(change.days or 0.0))
    won = mine.select(*KEY, field=pl.lit("factor"), value=pl.Series(factor), start=None, end=None)
    won = won.cast(WON).filter((pl.col("value") - 1.0).abs() > SAME)  # type: ignore[arg-type]
    scaled = _scaled(estimates, points, lead_times, won, params, as_of)
    told = mine.select(KEY).with_columns(coming=to_lists(rolled, bounds))
    joined = scaled.join(told, on=KEY, how="left", maintain_order="left")
    return joined.with_columns(coming_qty=pl.coalesce("coming", "coming_qty")).select(estimates.columns)


def _rolled(rows: pl.DataFrame, days: float) -> tuple[Floats, Ints, Floats]:
    """Return what is expected of coming periods so many days later (ragged), and how the interval changes.

    Beyond the periods listed the year begins again. The interval is lead time plus review, at its mean.
    """
    values, bounds = from_lists(rows["coming_qty"])
    owner = np.repeat(np.arange(rows.height), np.diff(bounds))
    length, period = np.diff(bounds), rows["period_days"].to_numpy()
    place = np.arange(len(owner)) - bounds[owner]
    shift = np.rint(days / period).astype(np.int64)
    rolled = values[bounds[owner] + (place - shift[owner]) % length[owner]]
    review = rows["review_days_eff"].fill_null(0.0).to_numpy()
    ahead = np.maximum(rows["protection_days_mean"].to_numpy(), review) / period
    weight = np.clip(ahead[owner] - place, 0.0, 1.0)
    usual, new = (np.bincount(owner, each * weight, rows.height) for each in (values, rolled))
    return rolled, bounds, np.divide(new, usual, out=np.ones_like(new), where=usual > 0)
