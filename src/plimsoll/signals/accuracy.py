"""Forecast accuracy by level and over time, from forecasts made again at past origins."""

from datetime import timedelta

import numpy as np
import polars as pl

from plimsoll.demand.panel import KEY
from plimsoll.domain.tables import table
from plimsoll.signals.measures import COVERED

UNKNOWN = "unknown"
UNNAMED = "no customer named"
YEAR = timedelta(days=365)
# level -> the column of a hindcast (with those of its point) that it groups by
LEVELS = {
    "all": None,
    "category": "category",
    "location": "location_id",
    "item": "item_id",
    "class": "demand_class",
    "abc": "abc",
}
COVERAGE = tuple(f"coverage_{round(100 * level)}" for level in COVERED)


def accuracy(
    hindcasts: pl.DataFrame,
    points: pl.DataFrame,
    *,
    target: pl.DataFrame | None = None,
    demand: pl.DataFrame | None = None,
    customers: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the accuracy of forecasts of interval demand by group, by origin and over all origins.

    The measures are those of `signals.measures`. Errors of several items are added in money at cost, so
    that pieces and tons can stand side by side (`worth_of`). A place that
    sends on to others is forecast, and counted, with what it sends. Every level adds up to the same total.

    Customer segments: a point's forecast is split as its demand of the year before the origin was
    (Gross & Sohl 1990), its demand as the customers' lines were; what names no customer, such as the
    demand of our own places, is a group of its own. Segments have bias and WAPE alone, since nothing
    else of a forecast can be split.

    Parameters
    ----------
    hindcasts : of `hindcast`
    points : table `planning_point`
    target : table `target`, for the level abc
    demand, customers : the table `demand` that was forecast, and table `customers`, for segments

    Returns
    -------
    Table `accuracy`, null where demand was 0 or nothing could be scaled.
    """
    rows = _weighed(hindcasts, points, target)
    parts = []
    for level, column in LEVELS.items():
        if column is None or column in rows.columns:
            group = pl.lit("all") if column is None else pl.col(column).fill_null(UNKNOWN)
            parts += _both_times(rows.with_columns(group=group), level)
    if demand is not None and customers is not None and customers["segment"].is_not_null().any():
        parts += _both_times(by_segment(rows, demand, customers), "segment")
    return table("accuracy").conform(pl.concat(parts, how="diagonal"))


def _weighed(hindcasts: pl.DataFrame, points: pl.DataFrame, target: pl.DataFrame | None) -> pl.DataFrame:
    """Return the hindcasts with what their points are grouped by, and the worth of one unit."""
    worth, measured_in = worth_of(points)
    about = points.select(*KEY, "category").with_columns(weight=worth, measured_in=pl.lit(measured_in))
    if target is not None:
        about = about.join(target.select(*KEY, "abc"), on=KEY, how="left")
    return hindcasts.join(about, on=KEY).sort("origin", *KEY)


def worth_of(points: pl.DataFrame) -> tuple[pl.Series, str]:
    """Return what one unit counts at each point, and in what: money at cost, or units.

    A point without a cost counts at the median of all costs; where most have none, all are counted in units.

    Examples
    --------
    >>> worth_of(pl.DataFrame({"unit_cost_eff": [2.0, 0.0, 4.0]}))[0].to_list()
    [2.0, 3.0, 4.0]
    """
    cost = points["unit_cost_eff"]
    known = cost.filter(cost > 0)
    if 2 * len(known) < len(cost):
        return pl.Series(np.ones(len(cost))), "units"
    return points.select(pl.when(cost > 0).then(cost).otherwise(known.median())).to_series(), "money"


def _both_times(rows: pl.DataFrame, level: str) -> list[pl.DataFrame]:
    """Return the measures of each group by origin, and over all origins."""
    each = _measured(rows, ["group", "origin"])
    totals = each.group_by("group", maintain_order=True).agg(
        wape_total=(pl.col("forecast") - pl.col("demand")).abs().sum() / _positive(pl.col("demand").sum())
    )
    over_all = _measured(rows, ["group"]).drop("wape_total").join(totals, on="group")
    return [frame.with_columns(level=pl.lit(level)) for frame in (each, over_all)]


def _positive(total: pl.Expr) -> pl.Expr:
    return pl.when(total > 0).then(total)


def _measured(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    weight, actual, forecast = pl.col("weight"), pl.col("actual"), pl.col("forecast")
    error, scaled = forecast - actual, pl.col("scale").is_not_null()
    total = _positive((weight * actual).sum())
    measures = {
        "n_forecasts": pl.len(),
        "n_points": pl.struct(KEY).n_unique(),
        "interval_days_mean": pl.col("interval_days").mean(),
        "measured_in": pl.col("measured_in").first(),
        "demand": (weight * actual).sum(),
        "forecast": (weight * forecast).sum(),
        "bias": (weight * error).sum() / total,
        "wape": (weight * error.abs()).sum() / total,
        "wape_total": (weight * error).sum().abs() / total,
        "mape": (error.abs() / actual).filter(actual > 0).mean(),
        "mase": (weight * error.abs()).filter(scaled).sum() / _positive((weight * pl.col("scale")).sum()),
        "pinball": (weight * pl.col("pinball")).sum() / total,
        **{name: pl.col(name).mean() for name in COVERAGE},
    }
    found = rows.group_by(by, maintain_order=True).agg(**measures)
    scored = rows.group_by(by, maintain_order=True).agg(scored=pl.col("pinball").count())
    return found.with_columns(
        pl.when(scored["scored"] > 0).then(pl.col(name)).alias(name) for name in ("pinball", "mape")
    )


def by_segment(rows: pl.DataFrame, demand: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """Return each hindcast split by customer segment (`group`): parts of forecast and of demand add up to it.

    Parameters
    ----------
    rows : hindcasts with KEY, origin, until, forecast, actual
    demand : the table `demand` that was forecast; lines without a known customer are a group of their own
    customers : table `customers`
    """
    segment = pl.when(pl.col("customer_id").is_null()).then(pl.lit(UNNAMED)).otherwise("segment")
    lines = (
        demand.filter(pl.col("quantity") > 0)
        .join(customers.select("customer_id", "segment"), on="customer_id", how="left")
        .group_by(*KEY, "date", segment.fill_null(UNKNOWN).alias("group"))
        .agg(pl.col("quantity").sum())
        .sort(*KEY, "date", "group")
    )
    split = [_split(part, lines) for _, part in rows.group_by("origin", maintain_order=True)]
    unscored = pl.lit(None, dtype=pl.Float64)
    parts = pl.concat([rows.clear().with_columns(group=pl.lit("")), *split])
    return parts.with_columns(unscored.alias(name) for name in ("scale", "pinball", *COVERAGE)).sort(
        "origin", *KEY, "group"
    )


def _split(rows: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Return the hindcasts of one origin by segment."""
    origin = rows["origin"][0]
    is_past = (pl.col("date") <= origin) & (pl.col("date") > origin - YEAR)
    is_next = (pl.col("date") > origin) & (pl.col("date") <= pl.col("until"))
    sums = (
        lines.join(rows.select(*KEY, "until"), on=KEY)
        .group_by(*KEY, "group", maintain_order=True)
        .agg(past=pl.col("quantity").filter(is_past).sum(), next=pl.col("quantity").filter(is_next).sum())
    )
    unnamed = rows.select(*KEY, group=pl.lit(UNNAMED), past=pl.lit(0.0), next=pl.lit(0.0))
    sums = (
        pl.concat([sums, unnamed])
        .group_by(*KEY, "group", maintain_order=True)
        .agg(pl.col("past", "next").sum())
    )
    shares = sums.with_columns(
        pl.when(pl.col(name).sum().over(KEY) > 0)
        .then(pl.col(name) / pl.col(name).sum().over(KEY))
        .otherwise((pl.col("group") == UNNAMED).cast(pl.Float64))
        .alias(name)
        for name in ("past", "next")
    )
    return (
        rows.join(shares, on=KEY)
        .with_columns(forecast=pl.col("forecast") * pl.col("past"), actual=pl.col("actual") * pl.col("next"))
        .filter((pl.col("past") > 0) | (pl.col("next") > 0))
        .select(*rows.columns, "group")
    )
