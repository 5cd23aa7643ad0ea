"""The buffer split by cause, and the classic figure beside it."""

import numpy as np
import polars as pl
from scipy import special

from plimsoll.maths.kernels.policy import matched_levels
from plimsoll.maths.ragged import Floats, from_lists
from plimsoll.policy.params import PolicyParams


def with_buffer(points: pl.DataFrame, base_levels: Floats) -> pl.DataFrame:
    """Return the points with the buffer and its parts, which sum to it.

        buffer     = level - E[D_P]           level: S of base stock, or else s
        demand     = q_Lc(a) - E[D_Lc]        a = P(D_P <= y), y the base-stock level of the target
        lead time  = (y - E[D_P]) - (q_Pc(a) - E[D_Pc])
        lot, review = the rest: protecting the review interval too, the lot, and rounding
        network     = 0 here; `plimsoll.network.size` adds what connected places change

    q is the interpolated quantile; D_P is demand over the protection interval, D_Lc and D_Pc demand
    over lead time and protection interval were the lead time constant at its mean.

    Parameters
    ----------
    points : frame with level_qty, step_qty, expected_protection_qty and the four distributions
    base_levels : [y] (n,) lattice steps

    Returns
    -------
    pl.DataFrame
        Further columns buffer_qty, buffer_demand_qty, buffer_lead_time_qty, buffer_lot_review_qty
        and buffer_network_qty, units.
        A negative buffer is possible: large lots protect most of their cycle themselves.
    """
    step, expected = points["step_qty"].to_numpy(), points["expected_protection_qty"].to_numpy()
    values, bounds = from_lists(points["pmf_protection"])
    parts = []
    for name in ("pmf_lead_constant", "pmf_protection_constant"):
        quantile, mean = matched_levels(base_levels, values, bounds, *from_lists(points[name]))
        parts.append((quantile - mean) * step)
    demand, constant = parts
    buffer = points["level_qty"].to_numpy() - expected
    lead_time = base_levels * step - expected - constant
    return points.with_columns(
        buffer_qty=pl.Series(buffer),
        buffer_demand_qty=pl.Series(demand),
        buffer_lead_time_qty=pl.Series(lead_time),
        buffer_lot_review_qty=pl.Series(buffer - demand - lead_time),
        buffer_network_qty=pl.lit(0.0),
    )


def with_classic(points: pl.DataFrame, params: PolicyParams) -> pl.DataFrame:
    """Return the points with the textbook safety stock and reorder point, for comparison only.

        safety stock = z sigma sqrt(T),  reorder point = mean T + safety stock,  T = typed lead time + review

    z is the normal quantile of the target in force whatever its kind, as spreadsheets have it; sigma is
    the standard deviation of period demand. Without a typed lead time T uses the measured mean.
    """
    target = points["target_service_eff"].to_numpy()
    z = special.ndtri(np.clip(target, params.classic_service_min, params.classic_service_max))
    measured = (pl.col("protection_days_mean") - pl.col("review_days_eff")).clip(0.0)
    days = pl.coalesce("lead_time_days_set", measured) + pl.col("review_days_eff")
    safety = pl.Series(z) * pl.col("sd_per_period_obs") * (days / pl.col("period_days")).sqrt()
    return points.with_columns(
        classic_safety_stock_qty=safety, classic_reorder_point_qty=pl.col("mean_per_day_est") * days + safety
    )
