"""The aggregates that every view of a plan shows, made once from its tables."""

import polars as pl

from plimsoll import measure

KEY = ["item_id", "location_id"]
# name on the screens -> columns that stock in money is grouped by
CASH_GROUPS: dict[str, list[str]] = {
    "class": ["abc", "xyz"],
    "abc": ["abc"],
    "xyz": ["xyz"],
    "location": ["location_id"],
    "supplier": ["from_location_id"],
    "category": ["category"],
    "status": ["status"],
}


def aggregates(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return totals by name: stock in money by each group and over all, buffer, lead times and methods."""
    health, points, target = tables["inventory_health"], tables["planning_point"], tables["target"]
    groups = {"all": [], **CASH_GROUPS}
    totals = {name: measure.totals(health, points, target, by) for name, by in groups.items()}
    return totals | {
        "buffer": measure.buffer_totals(tables["policy"], points, target),
        "lead_time": _lead_times(tables["lead_time_estimate"]),
        "method": _methods(tables["demand_estimate"]),
    }


def _lead_times(estimate: pl.DataFrame) -> pl.DataFrame:
    """Return typed and measured lead times by supplier, the largest mean difference first."""
    known = estimate.filter(pl.col("lead_time_days_set").is_not_null() & (pl.col("n_receipts_supplier") > 0))
    return (
        known.group_by("from_location_id")
        .agg(
            pl.len().cast(pl.Int64).alias("n_lanes"),
            pl.col("n_receipts_supplier").max().alias("n_receipts"),
            pl.col("lead_time_days_set").mean().alias("typed_days_mean"),
            pl.col("mean_days_est").mean().alias("mean_days"),
            pl.col("sd_days_est").mean().alias("sd_days"),
        )
        .with_columns((pl.col("mean_days") - pl.col("typed_days_mean")).alias("difference_days"))
        .sort([-pl.col("difference_days").abs(), "from_location_id"])
    )


def _methods(estimate: pl.DataFrame) -> pl.DataFrame:
    """Return how many points use each method, by class and fallback, the most first."""
    by = ["method_used", "demand_class", "method_wanted", "fallback_reason"]
    counted = estimate.group_by(by).agg(pl.len().cast(pl.Int64).alias("n_points"))
    return counted.sort([-pl.col("n_points"), *by])
