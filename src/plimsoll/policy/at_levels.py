"""What levels that are in force promise and hold, on the exact curve of every point."""

import numpy as np
import polars as pl

from plimsoll.maths.kernels.portfolio import exchange_at
from plimsoll.policy.params import PolicyParams
from plimsoll.policy.portfolio_hulls import weighted
from plimsoll.policy.set_levels import at_set_levels
from plimsoll.policy.size import KEY, laws_and_lots, parted
from plimsoll.targets import TargetParams

SET = ["reorder_point_set", "order_up_to_set"]


def asked_at(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    levels: pl.DataFrame,
    sizing: PolicyParams,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the points with a level as the kernels read them, and the planned points without one.

    Parameters
    ----------
    points, demand_estimate, target, sizing : as of `plimsoll.policy.size`
    levels : item_id, location_id, reorder_point_set, order_up_to_set (units); a point without any holds
        nothing
    """
    given = points.drop(SET, strict=False).join(
        levels.select(*KEY, *SET), on=KEY, how="left", maintain_order="left", validate="1:1"
    )
    read = demand_estimate.drop("pmf_lead_constant", "pmf_protection_constant")
    held, not_held = parted(given.sort(KEY), read, target, sizing)
    is_set = pl.any_horizontal(pl.col(SET).is_not_null())
    bare = pl.concat([held.filter(~is_set), not_held.filter("planned")], how="diagonal_relaxed")
    return at_set_levels(held.filter(is_set)), bare


def at_levels(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    levels: pl.DataFrame,
    params: TargetParams,
    sizing: PolicyParams,
) -> pl.DataFrame:
    """Return what every planned point promises and holds with the levels given.

    Parameters
    ----------
    points, demand_estimate, target, levels, sizing : as of `asked_at`
    params : what counts as demand (portfolio_metric)

    Returns
    -------
    pl.DataFrame
        A row a point, by key: `demanded` (weighted demand a year), `short` (share of it), `fill_rate`,
        `stock_value` (money).

    Edge cases
    ----------
    Points sized together with others are evaluated each alone, as the portfolio weighs them. Lost sales with
    orders under way are approximated.
    """
    asked, bare = asked_at(points, demand_estimate, target, levels, sizing)
    by_lines, none = params.portfolio_metric == "lines", np.zeros(asked.height)
    found = exchange_at(*laws_and_lots(asked), by_lines, steps_of(asked), none)[:, 0]
    there = asked.select(
        *KEY,
        demanded=weighted(params),
        short=pl.Series(found[:, 2].copy()),
        fill_rate=pl.Series(found[:, 1].copy()),
        stock_value=pl.col("unit_cost_eff") * pl.col("step_qty") * pl.Series(found[:, 3].copy()),
    )
    nothing = bare.select(*KEY, demanded=weighted(params), short=1.0, fill_rate=0.0, stock_value=0.0)
    return pl.concat([there, nothing]).sort(KEY)


def steps_of(asked: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the levels of points from `asked_at`, in steps."""
    return asked["target"].cast(pl.Int64).to_numpy()
