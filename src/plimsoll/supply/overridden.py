"""People's lead times merged into the estimates."""

import polars as pl

from plimsoll.domain.overridden import values_by_field
from plimsoll.domain.tables import table

LANE = ["item_id", "to_location_id", "from_location_id"]


def with_set_days(lead_times: pl.DataFrame, won: pl.DataFrame) -> pl.DataFrame:
    """Return the lead times with the means that people set; the law keeps its shape.

        atom_j = set mean / estimated mean * estimated atom_j

    So the coefficient of variation stays: a person who knows the mean seldom knows the spread, and a
    longer road has more to go wrong on it. The mean in force is the one set, whatever the month.

    Parameters
    ----------
    lead_times : table `lead_time_estimate`
    won : lead times that count, as of `domain.overridden.winners`, location_id the place replenished

    Returns
    -------
    Table `lead_time_estimate`: `mean_days_opt` estimated, `mean_days_set` by a person, `mean_days_est`,
    `sd_days_est` and the atoms in force.

    Edge cases
    ----------
    A lane whose estimate is 0 days has no shape: all lead times are then the one set.
    """
    if not won.height:
        return lead_times
    days = values_by_field(won, "lead_time").rename(
        {"location_id": "to_location_id", "days": "mean_days_set"}
    )
    merged = lead_times.drop("mean_days_set").join(days, on=LANE, how="left", maintain_order="left")
    is_set = pl.col("mean_days_set").is_not_null()
    ratio = pl.when(is_set & (pl.col("mean_days_est") > 0)).then(
        pl.col("mean_days_set") / pl.col("mean_days_est")
    )
    certain = is_set & ((pl.col("mean_days_est") <= 0) | (pl.col("mean_days_set") <= 0))
    in_force = pl.coalesce("mean_days_set", "mean_days_est")
    scaled = pl.col("atom_days") * ratio.fill_null(1.0)
    return table("lead_time_estimate").conform(
        merged.with_columns(
            mean_days_est=in_force,
            sd_days_est=pl.when(certain).then(0.0).otherwise(pl.col("sd_days_est") * ratio.fill_null(1.0)),
            atom_days=pl.when(certain).then(pl.concat_list(in_force)).otherwise(scaled),
            atom_probability=pl.when(certain).then(pl.lit([1.0])).otherwise("atom_probability"),
        )
    )
