"""What the spread of lead times costs in buffer money, point by point, and what less of it would free."""

import polars as pl

from plimsoll.supply.observations import NODE

POINT = ["item_id", "location_id"]


def buffer_costs(
    points: pl.DataFrame,
    policies: pl.DataFrame,
    demand: pl.DataFrame,
    lead_times: pl.DataFrame,
    crossing: pl.DataFrame,
) -> pl.DataFrame:
    """Return in money what each point holds because its lead time varies, and what less spread would free.

        held(s) = B (w(s) - w(0)) / (w(sigma) - w(0)),   w(s)^2 = Var[D_P] - mu^2 sigma^2 + mu^2 s^2

    B is the lead-time part of the buffer in force, which the policy took from the whole distributions
    with and without spread. Both ends are therefore exact; between them the buffer follows the standard
    deviation of demand over the interval (its variance: Hadley & Whitin 1963). One day less is s = sigma - 1;
    crossover is s^2 = sigma^2 less what overtaking takes off the variance, as far as orders were seen to
    overtake each other: where they do so less than independent lead times would, by that much less.

    Parameters
    ----------
    points, policies, demand, lead_times : tables planning_point, policy, demand_estimate and
        lead_time_estimate of one plan; mu, Var[D_P] and sigma come from `demand_estimate`
    crossing : from `crossings`

    Returns
    -------
    One row a point: item_id, to_location_id, from_location_id, buffer_value, buffer_lead_time_value,
    buffer_assumed_value (where no receipt of the supplier stands behind the spread),
    one_day_less_value, crossover_value. Money at unit cost; a part may be negative, as in the policy.

    Examples
    --------
    10 units a day and 3 days of spread: half of the variance over the interval is the lead time's.

    >>> point = {"item_id": ["A"], "location_id": ["DC"], "from_location_id": ["S"], "unit_cost_eff": [2.0]}
    >>> rule = {"item_id": ["A"], "location_id": ["DC"], "buffer_qty": [80.0], "buffer_lead_time_qty": [25.0]}
    >>> wants = {"item_id": ["A"], "location_id": ["DC"], "mean_per_day_est": [10.0],
    ...          "sd_protection_qty": [1800.0 ** 0.5], "protection_days_sd": [3.0]}
    >>> lane = {"item_id": ["A"], "to_location_id": ["DC"], "from_location_id": ["S"],
    ...         "n_receipts_supplier": [9]}
    >>> pair = {"item_id": ["A"], "to_location_id": ["DC"], "from_location_id": ["S"], "n_crossed": [0],
    ...         "n_crossed_est": [0.0], "spread_days_est": [3.0], "spread_effective_est": [3.0]}
    >>> found = buffer_costs(*(pl.DataFrame(one) for one in (point, rule, wants, lane, pair)))
    >>> found.select("buffer_lead_time_value", pl.col("one_day_less_value").round(2)).row(0)
    (50.0, 25.63)
    """
    spread, rate = pl.col("protection_days_sd").fill_null(0.0), pl.col("mean_per_day_est").fill_null(0.0)
    own = (rate * spread).pow(2)
    rest = (pl.col("sd_protection_qty").fill_null(0.0).pow(2) - own).clip(0.0)
    known = crossing.filter(pl.col("n_crossed_est") > 0).select(pl.col("n_crossed", "n_crossed_est").sum())
    n_seen, n_expected = known.cast(pl.Float64).row(0)
    seen = min(n_seen / n_expected, 1.0) if n_expected > 0 else 0.0
    gain = (pl.col("spread_days_est").pow(2) - pl.col("spread_effective_est").pow(2)).fill_null(0.0) * seen

    def freed(to: pl.Expr) -> pl.Expr:
        whole = (rest + own).sqrt() - rest.sqrt()
        part = (rest + own).sqrt() - (rest + (rate * to).pow(2)).sqrt()
        return pl.when(whole > 0).then(pl.col("buffer_lead_time_value") * part / whole).otherwise(0.0)

    cost = pl.col("unit_cost_eff")
    wide = (
        points.select(*POINT, "from_location_id", "unit_cost_eff")
        .join(policies.select(*POINT, "buffer_qty", "buffer_lead_time_qty"), on=POINT, how="left")
        .join(
            demand.select(*POINT, "mean_per_day_est", "sd_protection_qty", "protection_days_sd"),
            on=POINT,
            how="left",
        )
        .rename({"location_id": "to_location_id"})
        .join(lead_times.select(*NODE, "n_receipts_supplier"), on=NODE, how="left")
        .join(crossing.select(*NODE, "spread_days_est", "spread_effective_est"), on=NODE, how="left")
        .with_columns(
            buffer_value=pl.col("buffer_qty").fill_null(0.0) * cost,
            buffer_lead_time_value=pl.col("buffer_lead_time_qty").fill_null(0.0) * cost,
        )
    )
    assumed = pl.col("n_receipts_supplier").fill_null(0) == 0
    return wide.select(
        *NODE,
        "buffer_value",
        "buffer_lead_time_value",
        buffer_assumed_value=pl.when(assumed).then("buffer_lead_time_value").otherwise(0.0),
        one_day_less_value=freed((spread - 1.0).clip(0.0)),
        crossover_value=freed((spread.pow(2) - gain).clip(0.0).sqrt()),
    ).sort(NODE)
