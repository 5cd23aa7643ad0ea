"""Dependent demand in the estimates: what production takes, from records or from bills, never from both."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.bom.explode import MOMENTS, Exploded, explode
from plimsoll.bom.findings import in_both, unplanned, unusable
from plimsoll.bom.params import BomParams
from plimsoll.bom.structure import KEY, WEEK, made_at, usable_lines
from plimsoll.demand import DemandParams, with_rates
from plimsoll.domain.findings import Finding
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, from_lists

METHOD = "bills_of_material"
ISSUE = pl.col("kind").fill_null("sale") == "issue"


@dataclass(frozen=True, slots=True)
class Dependent:
    """Estimates with dependent demand in them, the explosion as table `dependent_demand`, and findings."""

    estimates: pl.DataFrame
    demand: pl.DataFrame
    findings: list[Finding]


def estimated_from_issues(demand: pl.DataFrame, params: BomParams, *, as_of: date) -> pl.DataFrame:
    """Return the components, by place, whose demand from production is estimated from recorded issues.

    Parameters
    ----------
    demand : table `demand`
    params : auto: those with an issue in the last `issue_days`; explode: none; issues: all that were ever
        issued (`with_dependent` then explodes nothing at all)
    as_of : day of knowledge

    Examples
    --------
    >>> row = {"date": date(2026, 1, 5), "item_id": "C", "location_id": "M", "quantity": 2.0, "kind": "issue"}
    >>> estimated_from_issues(pl.DataFrame([row]), BomParams(), as_of=date(2026, 2, 1)).rows()
    [('C', 'M')]
    """
    issues = demand.filter(ISSUE, pl.col("date") <= as_of, pl.col("quantity") > 0)
    if params.dependent_demand == "explode":
        issues = issues.clear()
    elif params.dependent_demand == "auto":
        issues = issues.filter(pl.col("date") > as_of - timedelta(days=params.issue_days))
    return issues.select(KEY).unique().sort(KEY)


def independent_demand(
    demand: pl.DataFrame, points: pl.DataFrame, bom: pl.DataFrame, params: BomParams, *, as_of: date
) -> pl.DataFrame:
    """Return the demand without issues of components that are exploded instead; call it before `estimate`.

    Issues without a bill that explains them stay: they are all that is known of that demand.

    Parameters
    ----------
    demand, points, bom : tables `demand`, `planning_point`, `bom`
    params : options
    as_of : day of knowledge
    """
    if params.dependent_demand == "issues":
        return demand
    exploded = _components(points, bom, params, as_of).join(
        estimated_from_issues(demand, params, as_of=as_of), on=KEY, how="anti"
    )
    of_exploded = pl.struct(KEY).is_in(exploded.select(pl.struct(KEY)).to_series().implode())
    return demand.filter(~(ISSUE & of_exploded))


def _components(points: pl.DataFrame, bom: pl.DataFrame, params: BomParams, as_of: date) -> pl.DataFrame:
    """Return every component at every place where a parent of it is made."""
    last = as_of + timedelta(days=WEEK * params.weeks)
    lines = usable_lines(bom, as_of + timedelta(days=1), last)
    return (
        made_at(points)
        .join(lines, left_on="item_id", right_on="parent_item_id")
        .select(item_id="component_item_id", location_id="plant")
        .unique()
        .sort(KEY)
    )


def with_dependent(
    estimates: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    tables: dict[str, pl.DataFrame],
    params: BomParams,
    demand_params: DemandParams,
    *,
    as_of: date,
) -> Dependent:
    """Return the estimates with the demand of production for components added where parents are made.

    What each item made asks for is its own estimate, over which the bills are exploded. Each
    component gets the average over the weeks of its own mean protection interval: mean m, variance v a
    day as of a long interval, and uncertainty of the rate, handed to `demand.with_rates`. What its
    history says (spare parts) stays, as independent demand beside it.

    Parameters
    ----------
    estimates : table `demand_estimate`, made of `independent_demand` after `demand.pass_upstream`, new
        items likened already: what is made of a new item asks for components, too
    points, lead_times : tables `planning_point`, `lead_time_estimate`
    tables : `demand` (with its issues) and `bom`
    params, demand_params : options
    as_of : day of knowledge

    Returns
    -------
    Dependent
        With `dependent_demand = "issues"`, or without a bill, the estimates as they came. Where a
        component's own history holds no demand, `method_used` is "bills_of_material".
    """
    bom = tables["bom"]
    found = unusable(bom)
    if params.dependent_demand == "issues" or not bom.height:
        return Dependent(estimates, table("dependent_demand").empty(), found)
    estimated = estimated_from_issues(tables["demand"], params, as_of=as_of)
    exploded = explode(
        weekly(estimates, made_at(points)), points, bom, lead_times, params, as_of=as_of, estimated=estimated
    )
    rates = rates_of(exploded, estimates)
    found += [*exploded.findings, *unplanned(exploded.demand, points)]
    found += in_both(rates, estimates, _components(points, bom, params, as_of))
    changed = with_rates(estimates, points, lead_times, rates, demand_params, mode="add")
    # Where nobody ever asked, the bills are all that the estimate rests on.
    unasked = (pl.col("n_demand_periods") == 0) & pl.struct(KEY).is_in(
        rates.select(pl.struct(KEY)).to_series().implode()
    )
    changed = changed.with_columns(
        method_used=pl.when(unasked).then(pl.lit(METHOD)).otherwise("method_used"),
        method_wanted=pl.when(unasked).then(pl.lit(METHOD)).otherwise("method_wanted"),
        fallback_reason=pl.when(unasked).then(None).otherwise("fallback_reason"),
    )
    return Dependent(changed, exploded.demand, found)


def lumps_of_components(
    lumps: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    bom: pl.DataFrame,
    params: BomParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return known quantities on known days with what making them asks of components, on the days of these.

    A component is needed one production lead time earlier, or at once where that has passed. That holds for
    components estimated from issues, too: what is yet to come is in no record.

    Parameters
    ----------
    lumps : of `demand.with_dated`, those of places below included
    points, lead_times, bom : tables `planning_point`, `lead_time_estimate`, `bom`
    params : options; with `dependent_demand = "issues"` nothing is exploded
    as_of : day of knowledge
    """
    made = lumps.join(made_at(points).select(KEY).unique(), on=KEY, how="semi").filter(pl.col("date") > as_of)
    if params.dependent_demand == "issues" or not bom.height or not made.height:
        return lumps
    # Weeks are counted from long ago, so that needs which should have come by now are not lost.
    begin = as_of - timedelta(days=WEEK * params.weeks)
    chance, quantity = pl.col("probability").fill_null(1.0), pl.col("quantity")
    by_week = (
        made.with_columns(
            period=(pl.col("date") - begin).dt.total_days().sub(1) // WEEK,
            mean_qty=chance * quantity,
            variance_qty=chance * pl.col("quantity_sd").fill_null(0.0) ** 2
            + chance * (1.0 - chance) * quantity**2,
        )
        .sort(*KEY, "period", "mean_qty", "variance_qty")
        .group_by(*KEY, "period", maintain_order=True)
        .agg(pl.col("mean_qty", "variance_qty").sum())
    )
    # The last figures of an item go on: those of the week after its last lump are 0.
    after = by_week.group_by(KEY, maintain_order=True).agg(pl.col("period").max() + 1)
    independent = pl.concat([by_week, after], how="diagonal").with_columns(
        pl.col("mean_qty", "variance_qty").fill_null(0.0), common_variance_qty=pl.lit(0.0)
    )
    longer = params.model_copy(update={"weeks": 2 * params.weeks})
    needs = explode(independent, points, bom, lead_times, longer, as_of=begin).demand
    asked = needs.filter(pl.col("mean_qty") > 0).select(
        *KEY,
        date=pl.max_horizontal("start", pl.lit(as_of + timedelta(days=1))),
        quantity="mean_qty",
        quantity_sd="sd_qty",
        probability=pl.lit(1.0),
    )
    return pl.concat([lumps, asked])


def weekly(estimates: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Return the weekly moments of the demand for items made, as `explode` reads them.

    The variance over an interval of T days is v T + w T^2. It is known over the review interval and over
    the mean protection interval, from which v (of a day) and w (uncertainty of the rate) follow; an
    interval of n + f periods was mixed of n and n + 1, whose spread f (1 - f) (mean of a period)^2 is
    taken off first.
    """
    rows = estimates.join(made.select(KEY).unique(), on=KEY, how="semi", maintain_order="left")
    mean, period = rows["mean_per_day_est"].to_numpy(), rows["period_days"].to_numpy()
    step = rows["step_qty"].to_numpy()
    whole = rows["protection_days_mean"].to_numpy()

    def variance_per_day(name: str, days: Floats) -> Floats:
        part = days / period % 1.0
        mixed = part * (1.0 - part) * (mean * period) ** 2
        total = np.maximum(_variance_of(rows[name]) * step**2 - mixed, 0.0)
        return np.asarray(np.divide(total, days, out=np.zeros_like(total), where=days > 0))

    review = _mean_of(rows["pmf_review"]) * step
    review_days = np.divide(review, mean, out=np.zeros_like(review), where=mean > 0)
    short, long = (
        variance_per_day("pmf_review", review_days),
        variance_per_day("pmf_protection_constant", whole),
    )
    apart = whole - review_days
    doubt = np.divide(long - short, apart, out=np.zeros_like(long), where=apart > 1e-6)
    doubt = np.clip(doubt, 0.0, np.divide(long, whole, out=np.zeros_like(long), where=whole > 0))
    unseen = rows["sd_per_period_obs"].to_numpy() ** 2 / period
    daily = np.where(whole > 0, long - doubt * whole, unseen)
    moments = (WEEK * mean, WEEK * daily, WEEK**2 * doubt)
    return rows.select(*KEY, period=pl.lit(0)).with_columns(
        **dict(zip(MOMENTS, map(pl.Series, moments), strict=True))
    )


def _mean_of(pmfs: pl.Series) -> Floats:
    values, bounds = from_lists(pmfs)
    owner = np.repeat(np.arange(len(pmfs)), np.diff(bounds))
    cell = np.arange(len(values)) - bounds[owner]
    return np.bincount(owner, values * cell, len(pmfs)).astype(np.float64)


def _variance_of(pmfs: pl.Series) -> Floats:
    values, bounds = from_lists(pmfs)
    owner = np.repeat(np.arange(len(pmfs)), np.diff(bounds))
    from_mean = np.arange(len(values)) - bounds[owner] - _mean_of(pmfs)[owner]
    return np.bincount(owner, values * from_mean**2, len(pmfs)).astype(np.float64)


def rates_of(exploded: Exploded, estimates: pl.DataFrame) -> pl.DataFrame:
    """Return dependent demand a day as `demand.with_rates` reads it, for components that are planned."""
    weeks = (pl.col("protection_days_mean") / WEEK).ceil().clip(1)
    return (
        exploded.demand.select(*KEY, "mean_qty")
        .with_columns(common=pl.Series(exploded.common), long_run=pl.Series(exploded.long_run))
        .join(estimates.select(*KEY, weeks.alias("weeks")), on=KEY, maintain_order="left")
        .filter(pl.int_range(pl.len()).over(KEY) < pl.col("weeks"))
        .group_by(KEY, maintain_order=True)
        .agg(
            mean_per_day=pl.col("mean_qty").mean() / WEEK,
            variance_per_day=pl.col("long_run").mean() / WEEK,
            rate_variance=(pl.col("common").sqrt().mean() / WEEK) ** 2,
        )
    )
