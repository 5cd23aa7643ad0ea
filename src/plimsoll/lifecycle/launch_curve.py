"""The launch curve: which share of its full demand an item has how long after its launch."""

from datetime import date

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.lifecycle.params import LifecycleParams

KEY = ["item_id", "location_id"]
DAYS_PER_MONTH = DAYS_PER_YEAR / 12
RAMP_MONTHS = 6  # from here on demand counts as full
STEADY_LINES = 6  # demand dates in the steady months, below which a launch tells nothing
ALL = ""  # the category of the company's own curve


def launch_curves(
    demand: pl.DataFrame, points: pl.DataFrame, params: LifecycleParams, *, as_of: date
) -> pl.DataFrame:
    """Return the launch curves of categories, learned from the launches that the history shows.

    A launch that began within the history and is at least nine months old has the share of month k::

        share_k = units in month k / mean units of the months 6 to 11 (as far as known)

    The curve of the company is the mean share of its n launches, drawn to 1 (no curve), that of a
    category drawn to the company's, each by its evidence, K = launches_min::

        f = (n share + K prior) / (n + K)

    Parameters
    ----------
    demand : table `demand`
    points : columns item_id, location_id, category, launch_date
    params : launches_min, launch_points_min
    as_of : day of knowledge

    Returns
    -------
    category ("" for the company), month (0 .. 5), factor, n_launches. Beyond month 5 the factor is 1.
    """
    months = pl.DataFrame({"month": range(RAMP_MONTHS)}, schema={"month": pl.Int64})
    known = demand.filter(pl.col("date") <= as_of)
    first = known["date"].min()
    empty = months.select(
        pl.lit(ALL).alias("category"), "month", factor=pl.lit(1.0), n_launches=pl.lit(0, dtype=pl.Int64)
    )
    if first is None:
        return empty
    old = (pl.lit(as_of) - pl.col("launch_date")).dt.total_days() >= (RAMP_MONTHS + 3) * DAYS_PER_MONTH
    launches = points.filter((pl.col("launch_date") > first) & old).select(
        *KEY, pl.col("category").fill_null("?"), "launch_date"
    )
    if launches.is_empty():
        return empty
    age = ((pl.col("date") - pl.col("launch_date")).dt.total_days() / DAYS_PER_MONTH).floor().cast(pl.Int64)
    aged = (
        known.join(launches, on=KEY)
        .with_columns(month=age)
        .filter((pl.col("month") >= 0) & (pl.col("month") < 2 * RAMP_MONTHS))
        .sort(*KEY, "date", "quantity")
    )
    steady = pl.col("month") >= RAMP_MONTHS
    span = ((pl.lit(as_of) - pl.col("launch_date").first()).dt.total_days() / DAYS_PER_MONTH).clip(
        0, 2 * RAMP_MONTHS
    ) - RAMP_MONTHS
    level = (
        aged.group_by(KEY, maintain_order=True)
        .agg(
            full=pl.col("quantity").filter(steady).sum() / span,
            lines=pl.col("date").filter(steady).n_unique(),
        )
        .filter((pl.col("lines") >= STEADY_LINES) & (pl.col("full") > 0))
    )
    asked = aged.group_by(*KEY, "month", maintain_order=True).agg(qty=pl.col("quantity").sum())
    shares = (
        launches.join(level, on=KEY)
        .join(months, how="cross")
        .join(asked, on=[*KEY, "month"], how="left")
        .with_columns(share=(pl.col("qty").fill_null(0.0) / pl.col("full")).clip(0.0))
        .sort(*KEY, "month")
    )
    if shares.is_empty():
        return empty
    weight = float(params.launches_min)
    n, mean = pl.len().cast(pl.Int64), pl.col("share").mean()
    company = (
        shares.group_by("month").agg(n_launches=n, prior=(n * mean + weight) / (n + weight)).sort("month")
    )
    by_category = (
        shares.group_by("category", "month")
        .agg(n_launches=n, mean=mean)
        .filter(pl.col("n_launches") >= params.launch_points_min)
        .join(company.select("month", "prior"), on="month")
        .with_columns(
            factor=(pl.col("n_launches") * pl.col("mean") + weight * pl.col("prior"))
            / (pl.col("n_launches") + weight)
        )
        .select("category", "month", "factor", "n_launches")
    )
    whole = company.select(
        pl.lit(ALL).alias("category"), "month", pl.col("prior").alias("factor"), "n_launches"
    )
    return pl.concat([whole, by_category]).sort("category", "month")


def _with_own(state: pl.DataFrame, curves: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the category whose curve they follow: their own, or the company's."""
    own = pl.col("category").is_in(curves["category"].unique().implode())
    return state.with_columns(curve=pl.when(own).then("category").otherwise(pl.lit(ALL)).fill_null(ALL))


def curve_at(state: pl.DataFrame, curves: pl.DataFrame, *, ahead: pl.Expr) -> pl.DataFrame:
    """Return the rows with curve_factor and n_launches at their age, half the days ahead from now.

    Parameters
    ----------
    state : columns category and age (days)
    curves : of `launch_curves`
    ahead : days that the rate is wanted for
    """
    month = ((pl.col("age") + ahead / 2) / DAYS_PER_MONTH).floor().cast(pl.Int64)
    followed = _with_own(state, curves).with_columns(month=month)
    launches = curves.group_by("category").agg(pl.col("n_launches").first())
    factors = curves.select("category", "month", "factor")
    return (
        followed.join(factors, left_on=["curve", "month"], right_on=["category", "month"], how="left",
                      maintain_order="left")
        .join(launches, left_on="curve", right_on="category", how="left", maintain_order="left")
        .with_columns(pl.col("n_launches").fill_null(0), curve_factor=pl.col("factor").fill_null(1.0))
        .drop("factor", "month", "curve")
    )  # fmt: skip


def curve_span(state: pl.DataFrame, curves: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with full_days: days of full demand that their days since launch amount to."""
    keyed = _with_own(state, curves).with_row_index("row")
    inside = (pl.col("age") - pl.col("month") * DAYS_PER_MONTH).clip(0.0, DAYS_PER_MONTH)
    ramp = (
        keyed.select("row", "curve", "age")
        .join(curves, left_on="curve", right_on="category")
        .sort("row", "month")
        .group_by("row", maintain_order=True)
        .agg(ramp_days=(inside * pl.col("factor")).sum())
    )
    after = (pl.col("age") - RAMP_MONTHS * DAYS_PER_MONTH).clip(0.0)
    return (
        keyed.join(ramp, on="row", how="left", maintain_order="left")
        .with_columns(full_days=pl.col("ramp_days").fill_null(0.0) + after)
        .drop("row", "ramp_days", "curve")
    )
