"""What other targets would cost at a point: the same sizing with another service asked for."""

from collections.abc import Sequence

import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.set_levels import SET, with_set_columns
from plimsoll.policy.size import KEY, size

SERVICES = (0.90, 0.95, 0.98, 0.99)
FIGURES = (
    "policy", "reorder_point_qty", "order_up_to_qty", "lot_qty", "buffer_qty", "on_hand_mean_qty",
    "on_hand_mean_value", "cycle_service_est", "fill_rate_est", "backlog_mean_qty", "orders_per_year_est",
    "method_used",
)  # fmt: skip


def alternatives(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    lead_times: pl.DataFrame,
    params: PolicyParams,
    services: Sequence[float] = SERVICES,
) -> pl.DataFrame:
    """Return what each service target would come to at every point, sized alone.

    The kind of target stays, an economic one counts as cycle service. Levels set by people are left
    aside: the question is what a target costs. A place that feeds or is fed by others is sized as if its
    source always delivered, so that its figures compare among themselves, not with its policy in the
    network.

    Parameters
    ----------
    points, demand_estimate, target, lead_times : tables of the plan, for one point or a few
    params : options of sizing
    services : targets asked about, shares

    Returns
    -------
    pl.DataFrame
        KEY, target_service, target_kind and the columns `FIGURES`; holding_cost_year (money a year for the
        expected stock), short_per_year_qty (expected units a year not served from stock). One row a point
        and service, by rising service.
    """
    free = with_set_columns(points).with_columns(
        pl.lit(None, dtype=pl.Float64).alias(name) for name in SET[:2]
    )
    kind = pl.col("target_kind_eff").replace("economic", "cycle")
    yearly = demand_estimate.select(*KEY, yearly=pl.col("mean_per_day_est") * DAYS_PER_YEAR)
    rates = points.select(*KEY, "holding_rate_eff")
    found = []
    for service in services:
        asked = target.with_columns(target_service_eff=pl.lit(service), target_kind_eff=kind)
        sized = size(_asked_for(free, service), demand_estimate, asked, params, lead_times)
        read = sized.join(yearly, on=KEY, how="left", maintain_order="left").join(
            rates, on=KEY, how="left", maintain_order="left"
        )
        held, short = pl.col("on_hand_mean_value"), 1.0 - pl.col("fill_rate_est")
        found.append(
            read.select(
                *KEY,
                pl.lit(service).alias("target_service"),
                pl.col("target_kind_eff").alias("target_kind"),
                *FIGURES,
                (held * pl.col("holding_rate_eff")).alias("holding_cost_year"),
                (short * pl.col("yearly")).alias("short_per_year_qty"),
            )
        )
    return pl.concat(found).sort(*KEY, "target_service")


def _asked_for(points: pl.DataFrame, service: float) -> pl.DataFrame:
    """Return the points with the target as a person's, so that little demand is no reason to hold none."""
    return points.with_columns(target_service_set=pl.lit(service))
