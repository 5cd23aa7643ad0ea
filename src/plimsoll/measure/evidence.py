"""What the estimates rest on, counted: typed against measured lead times, and methods of demand."""

import polars as pl


def lead_time_totals(lead_time_estimate: pl.DataFrame) -> pl.DataFrame:
    """Return typed and measured lead times by supplier, the largest difference first.

    Over the supplier's lanes that have a typed lead time and some receipts: means of the typed lead
    time, of the estimated mean and of the estimated standard deviation, each lane counting once.

    Parameters
    ----------
    lead_time_estimate : table `lead_time_estimate`

    Returns
    -------
    pl.DataFrame
        from_location_id, n_lanes, n_receipts (of the supplier), typed_days_mean, mean_days, sd_days,
        difference_days (measured less typed).
    """
    known = lead_time_estimate.filter(
        pl.col("lead_time_days_set").is_not_null() & (pl.col("n_receipts_supplier") > 0)
    )
    return (
        known.group_by("from_location_id", maintain_order=True)
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


def method_totals(demand_estimate: pl.DataFrame) -> pl.DataFrame:
    """Return how many points use each method of demand, by class and fallback, the most first.

    Examples
    --------
    >>> names = ["method_used", "demand_class", "method_wanted", "fallback_reason"]
    >>> points = pl.DataFrame([["tsb", "lumpy", "tsb", None]] * 2, schema=names, orient="row")
    >>> method_totals(points)["n_points"].item()
    2
    """
    by = ["method_used", "demand_class", "method_wanted", "fallback_reason"]
    counted = demand_estimate.group_by(by).agg(pl.len().cast(pl.Int64).alias("n_points"))
    return counted.sort([-pl.col("n_points"), *by])
