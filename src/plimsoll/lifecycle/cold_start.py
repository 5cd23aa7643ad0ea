"""New items: likened to older ones, along a launch curve, until their own demand speaks."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from plimsoll.demand import with_rates
from plimsoll.demand.params import DemandParams
from plimsoll.demand.pool import gamma_prior
from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.tables import table
from plimsoll.lifecycle.launch_curve import curve_at, curve_span, launch_curves
from plimsoll.lifecycle.likeness import likenesses
from plimsoll.lifecycle.messages import UNKNOWN_ANALOG
from plimsoll.lifecycle.params import LifecycleParams
from plimsoll.lifecycle.phase_out import rates_of

KEY = ["item_id", "location_id"]
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
LEAST_RATE = 1e-9
FEW = 3.0  # own days with demand that weigh as much as the analogs in what is asked for at a time
Tables = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The table `cold_start`, the estimates with it applied, and findings."""

    table: pl.DataFrame
    estimates: pl.DataFrame
    findings: tuple[Finding, ...]


def cold_start(
    demand: pl.DataFrame,
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    estimates: pl.DataFrame,
    known: Tables,
    params: LifecycleParams,
    demand_params: DemandParams,
    *,
    as_of: date,
) -> ColdStart:
    """Return what new items may expect, and the demand estimates with it in place of theirs.

    With the analogs' rate a, demand on k days since the launch, the launch curve f (share of full demand
    by age), the mean size s of a day's demand, and Gamma(A, B) the law of what new items sell by what
    their analogs let expect, learned from all new items::

        E = a / s sum of f over the days since launch        days with demand that the analogs let expect
        z = E / (E + B)                                      weight of own data
        m = f(now) a (k + A) / (E + B)                       expected rate (Robbins 1956)
        variance of m = (f(now) a)2 (k + A) / (E + B)2

    Parameters
    ----------
    demand : table `demand`, that of the places each point replenishes included
    points : table `planning_point`; new is what was launched less than `new_months` before `as_of`, or later
    lead_times, estimates : of the points
    known : canonical tables; items names analogs and holds the attributes. `booked`, if there, says how
        far ahead customers book (of `demand.booked_ahead`)
    params : what is new, how analogs are chosen, how evidence weighs
    demand_params : for the lattice
    as_of : day of knowledge
    """
    new = _new(points, estimates, params, as_of)
    items = known["items"]
    findings = _unknown_analogs(new, items)
    if new.is_empty():
        return ColdStart(table("cold_start").empty(), estimates, findings)
    mature = _mature(demand, points, estimates, params, as_of)
    likened = _likened(new, mature, likenesses(new, mature, items, points, params))
    curves = launch_curves(demand, points, params, as_of=as_of)
    state = _weighed(likened, demand, curves, params, as_of)
    rates = state.filter("applied").select(
        *KEY,
        mean_per_day="mean_per_day_est",
        variance_per_day=pl.col("mean_per_day_est") * pl.col("over_mean"),
        rate_variance="rate_variance",
    )
    booked = known.get("booked")
    applied = with_rates(estimates, points, lead_times, rates, demand_params, mode="replace", booked=booked)
    declared = table("cold_start")
    finished = state.with_columns(sentence=_sentence())
    return ColdStart(declared.conform(finished.select(declared.names)), applied, findings)


def _new(points: pl.DataFrame, estimates: pl.DataFrame, params: LifecycleParams, as_of: date) -> pl.DataFrame:
    since = as_of - timedelta(days=params.new_months * DAYS_PER_MONTH)
    return (
        points.filter(pl.col("planned") & (pl.col("launch_date") > since))
        .join(estimates.select(KEY), on=KEY, how="semi")
        .with_columns(age_days=(pl.lit(as_of) - pl.col("launch_date")).dt.total_days())
        .sort(KEY)
    )


def _mature(
    demand: pl.DataFrame, points: pl.DataFrame, estimates: pl.DataFrame, params: LifecycleParams, as_of: date
) -> pl.DataFrame:
    """Return the points with a history that a new item may be likened to, with their rates."""
    since = as_of - timedelta(days=params.new_months * DAYS_PER_MONTH)
    launched = pl.col("launch_date")
    sizes = (
        demand.filter((pl.col("date") <= as_of) & (pl.col("quantity") > 0))
        .group_by(*KEY, "date")
        .agg(pl.col("quantity").sum())
        .sort(*KEY, "date")
        .group_by(KEY, maintain_order=True)
        .agg(size=pl.col("quantity").mean())
    )
    return (
        points.filter(
            (launched.is_null() | (launched <= since))
            & (pl.col("end_date").is_null() | (pl.col("end_date") > as_of))
        )
        .join(rates_of(estimates), on=KEY)
        .join(sizes, on=KEY, how="left")
        .filter(pl.col("mean_per_day") > LEAST_RATE)
        .sort(KEY)
    )


def _likened(new: pl.DataFrame, mature: pl.DataFrame, likeness: pl.DataFrame) -> pl.DataFrame:
    """Return the new points with the rate of their analogs at the place, its spread, and the analogs."""
    over = pl.col("variance_per_day") / pl.col("mean_per_day")
    rates = mature.select(
        pl.col("item_id").alias("analog"),
        "location_id",
        rate="mean_per_day",
        over=over.clip(LEAST_RATE),
        size=pl.col("size").fill_null(1.0),
    )
    anywhere = rates.group_by("analog").agg(pl.col("rate", "over", "size").mean().name.suffix("_any"))
    pairs = (
        new.select(KEY)
        .join(likeness, on="item_id")
        .join(rates, on=["analog", "location_id"], how="left")
        .join(anywhere, on="analog")
        # Analogs at the place itself go before all others: a branch does not sell what a warehouse does.
        .filter(pl.col("rate").is_not_null() | pl.col("rate").is_null().all().over(KEY))
        .with_columns(
            *(pl.coalesce(name, f"{name}_any").alias(name) for name in ("rate", "over", "size")),
            w=pl.col("likeness") ** 2,
        )
        .sort(*KEY, "likeness", "analog", descending=[False, False, True, False])
    )
    # Rates of items differ by factors: their logarithms are averaged, so that no giant is the mean.
    log, w = pl.col("rate").log(), pl.col("w")
    middle = (w * log).sum() / w.sum()
    n = pl.len()
    found = pairs.group_by(KEY, maintain_order=True).agg(
        analog_item_id=pl.col("analog").first(),
        source=pl.col("source").first(),
        n_analogs=n.cast(pl.Int64),
        confidence=pl.col("likeness").mean(),
        analog_per_day=middle.exp(),
        over_mean=pl.col("over").median(),
        size=pl.col("size").median(),
    )
    return new.join(found, on=KEY, how="left", maintain_order="left").with_columns(
        pl.col("source").fill_null("none"),
        pl.col("n_analogs").fill_null(0),
        pl.col("confidence").fill_null(0.0),
    )


def _weighed(
    state: pl.DataFrame, demand: pl.DataFrame, curves: pl.DataFrame, params: LifecycleParams, as_of: date
) -> pl.DataFrame:
    """Return the new points with own demand, its weight, and the rate that follows."""
    quantity = pl.col("quantity")
    own = (
        demand.filter(pl.col("date") <= as_of)
        .join(state.select(*KEY, "launch_date"), on=KEY)
        .filter(pl.col("date") >= pl.col("launch_date"), quantity > 0)
        .group_by(*KEY, "date")
        .agg(quantity.sum())
        .sort(*KEY, "date")
        .group_by(KEY, maintain_order=True)
        .agg(own_qty=quantity.sum(), days_asked=pl.len(), own_square=(quantity**2).sum())
    )
    aged = state.join(own, on=KEY, how="left", maintain_order="left").with_columns(
        pl.col("own_qty", "days_asked", "own_square").fill_null(0.0), age=pl.col("age_days").clip(0)
    )
    aged = curve_span(curve_at(aged, curves, ahead=pl.col("review_days_eff")), curves)
    asked, over = pl.col("days_asked"), pl.col("over_mean")
    # Own demand soon tells better than the analogs how much is asked for at a time, and how it varies.
    sized = aged.with_columns(
        size=(pl.col("own_qty") + FEW * pl.col("size")) / (asked + FEW),
        over_mean=(pl.col("own_square") + FEW * over * pl.col("size"))
        / (pl.col("own_qty") + FEW * pl.col("size")),
    ).with_columns(expected=pl.col("full_days") * pl.col("analog_per_day") / pl.col("size"))
    shape, scale = _likeness_of_rates(sized, params)
    z = pl.col("expected") / (pl.col("expected") + scale)
    ratio = (asked + shape) / (pl.col("expected") + scale)
    factor, analog, full = pl.col("curve_factor"), pl.col("analog_per_day"), pl.col("full_days")
    alone = pl.when(full > 0).then(pl.col("own_qty") / full)
    weighed = sized.with_columns(
        own_per_day=alone,
        analog_cv=pl.when(analog.is_not_null()).then(pl.lit(shape**-0.5)),
        own_weight=z.fill_null(1.0),
        rate_variance=(factor * analog) ** 2 * ratio / (pl.col("expected") + scale),
        mean_per_day_est=factor * ratio * analog,
        analog_per_day=analog * shape / scale,
    )
    return weighed.with_columns(
        applied=pl.col("mean_per_day_est").is_not_null() & (pl.col("own_weight") < params.own_weight_enough)
    )


def _likeness_of_rates(state: pl.DataFrame, params: LifecycleParams) -> tuple[float, float]:
    """Return the gamma law (shape, scale) of what new items sell by what their analogs let expect.

    By moments over all new points (Robbins 1956); with fewer than `launches_min` of them shape and
    scale are 1: as much as the analogs on average, give or take all of it.
    """
    told = state.filter(pl.col("expected") > 0).select("days_asked", "expected")
    if told.height < params.launches_min or told["days_asked"].sum() <= 0:
        return 1.0, 1.0
    return gamma_prior(told["days_asked"].to_numpy().astype(float), told["expected"].to_numpy())


def _unknown_analogs(new: pl.DataFrame, items: pl.DataFrame) -> tuple[Finding, ...]:
    """Return a finding about analogs that are not in the item master, or are the item itself."""
    named = items.filter(pl.col("analog_item_id").is_not_null()).sort("item_id")
    wrong = named.filter(
        ~pl.col("analog_item_id").is_in(items["item_id"].implode())
        | (pl.col("analog_item_id") == pl.col("item_id"))
    )
    if wrong.is_empty():
        return ()
    return (UNKNOWN_ANALOG.finding(wrong.height, keys_of(wrong, ["item_id", "analog_item_id"])),)


def _sentence() -> pl.Expr:
    """Return where a new item's rate comes from, in words."""
    own = (100 * pl.col("own_weight")).round(0).cast(pl.Int64).cast(pl.String)
    sure = (100 * pl.col("confidence")).round(0).cast(pl.Int64).cast(pl.String)
    curve = (100 * pl.col("curve_factor")).round(0).cast(pl.Int64).cast(pl.String)
    items = pl.when(pl.col("n_analogs") == 1).then(pl.lit("item")).otherwise(pl.lit("items"))
    like = (
        pl.when(pl.col("source") == "given")
        .then(pl.format("like {}, as a person said", "analog_item_id"))
        .when(pl.col("source") == "proposed")
        .then(
            pl.format(
                "like {} older {}, {} first (likeness {} %)", "n_analogs", items, "analog_item_id", sure
            )
        )
        .when(pl.col("source") == "category")
        .then(pl.format("like {} {} of its category (likeness only {} %)", "n_analogs", items, sure))
        .otherwise(pl.lit("like no older item"))
    )
    ramp = pl.when(pl.col("curve_factor") < 0.995).then(pl.format("; {} % of full demand at this age", curve))
    used = pl.when("applied").then(pl.lit("")).otherwise(pl.lit("; its own history is used alone"))
    return pl.format(
        "{} days after launch: {}; own data weigh {} %{}{}.",
        "age_days", like, own, ramp.otherwise(pl.lit("")), used,
    )  # fmt: skip
