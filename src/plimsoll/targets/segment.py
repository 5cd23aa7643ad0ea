"""Classes of stocking points: ABC by yearly value, XYZ by variability of demand."""

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.targets.params import TargetParams

KEY = ("item_id", "location_id")
ROUNDING = 1e-9  # shares are sums of floats: a class that ends at exactly 0.80 must not move by the last bit


def segment(points: pl.DataFrame, demand_estimate: pl.DataFrame, params: TargetParams) -> pl.DataFrame:
    """Return each point with its yearly value, ABC class, coefficient of variation and XYZ class.

        annual_value = mean_per_day 365.25 unit_cost;   cv = sd_per_period / (mean_per_day period_days)

    Ranked by falling value, a point is A while the share of all above it is below the first cut,
    so that the point that crosses the cut still belongs to A; likewise B. X up to the first cut of
    cv, Y up to the second, Z above.

    Parameters
    ----------
    points : table `planning_point`
    demand_estimate : table `demand_estimate`; a point without a row has no known demand
    params : cuts and scope

    Returns
    -------
    Columns of `points` and `annual_value` (money per year), `value_share_cum` (share), `abc`, `cv`,
    `xyz`, by falling value, equal values by key.

    Edge cases: no value at all: every point is C with share 1; no demand, or fewer than two
    periods seen: `cv` unknown, class Z; unknown cost counts as 0.
    """
    demand = demand_estimate.select(*KEY, "mean_per_day_est", "sd_per_period_obs", "period_days", "n_periods")
    rate, cost = pl.col("mean_per_day_est").fill_null(0.0), pl.col("unit_cost_eff").fill_null(0.0)
    known = (rate > 0) & (pl.col("n_periods") >= 2)
    rated = (
        points.join(demand, on=KEY, how="left")
        .with_columns(
            # Equal values must tie whatever the last bit says, or a change of currency changes classes.
            (rate * DAYS_PER_YEAR * cost).round_sig_figs(12).alias("annual_value"),
            pl.when(known).then(pl.col("sd_per_period_obs") / (rate * pl.col("period_days"))).alias("cv"),
        )
        .sort("annual_value", *KEY, descending=[True, False, False])
    )
    value = pl.col("annual_value")
    by_scope = ["location_id"] if params.abc_scope == "location" else [pl.lit(0)]
    cumulative = value.cum_sum().over(by_scope)
    total = value.cum_sum().last().over(by_scope)
    above = pl.when(total > 0).then((cumulative - value) / total).otherwise(1.0)
    (a, b), (x, y) = params.abc_cuts, params.xyz_cuts
    return rated.with_columns(
        pl.when(total > 0).then((cumulative / total).clip(0.0, 1.0)).otherwise(1.0).alias("value_share_cum"),
        _class(above < a - ROUNDING, above < b - ROUNDING, "ABC").alias("abc"),
        _class(pl.col("cv") <= x, pl.col("cv") <= y, "XYZ").alias("xyz"),
    )


def _class(first: pl.Expr, second: pl.Expr, letters: str) -> pl.Expr:
    best, middle, rest = (pl.lit(letter) for letter in letters)
    return pl.when(first).then(best).when(second).then(middle).otherwise(rest)
