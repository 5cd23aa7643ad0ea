"""Totals of stock in money by class, place, source or product group."""

from collections.abc import Sequence

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.tables import table
from plimsoll.measure.health import KEY

GROUPS = ("abc", "xyz", "location_id", "from_location_id", "category", "status")
BUFFERS = (
    "buffer_qty",
    "buffer_demand_qty",
    "buffer_lead_time_qty",
    "buffer_lot_review_qty",
    "buffer_network_qty",
    "classic_safety_stock_qty",
)
STATUSES = table("inventory_health").column("status").choices
MONEY = tuple(column.name for column in table("inventory_health").columns if column.unit.startswith("money"))


def totals(
    health: pl.DataFrame, points: pl.DataFrame, target: pl.DataFrame, by: Sequence[str] = ()
) -> pl.DataFrame:
    """Add up the money columns of `inventory_health`, with counts.

    Parameters
    ----------
    health : inventory_health
    points : planning_point, for source and category
    target : target, for the classes
    by : any of `GROUPS`; none for one grand total

    Returns
    -------
    pl.DataFrame
        `by`, n_points, n_<status> for every status, n_exposed (points with an exposure),
        target_service_mean (plain mean of the targets in force, share), and the sums of all money
        columns; sorted by `by`, unknown groups (null) last.

    Raises
    ------
    InputError
        If a name in `by` is not a group.
    """
    for name in by:
        if name not in GROUPS:
            what = f"Stock cannot be totalled by '{name}'."
            raise InputError(what, remedy=did_you_mean(name, GROUPS) or f"Use one of {', '.join(GROUPS)}.")
    wide = health.join(points.select(*KEY, "from_location_id", "category"), on=KEY, how="left").join(
        target.select(*KEY, "abc", "xyz", "target_service_eff"), on=KEY, how="left"
    )
    figures = [
        pl.len().cast(pl.Int64).alias("n_points"),
        *[(pl.col("status") == name).sum().cast(pl.Int64).alias(f"n_{name}") for name in STATUSES],
        (pl.col("exposure_value") > 0).sum().cast(pl.Int64).alias("n_exposed"),
        pl.col("target_service_eff").mean().alias("target_service_mean"),
        *[pl.col(name).sum() for name in MONEY],
    ]
    return _added(wide, by, figures)


def buffer_totals(policy: pl.DataFrame, points: pl.DataFrame, target: pl.DataFrame) -> pl.DataFrame:
    """Add up the safety buffer at cost by class and by cause.

    Parameters
    ----------
    policy, points, target : policy, planning_point, target

    Returns
    -------
    pl.DataFrame
        abc, n_points (points with a buffer), buffer_value and its parts buffer_demand_value,
        buffer_lead_time_value, buffer_lot_review_value, buffer_network_value, and
        classic_safety_stock_value for comparison; sorted by class, unknown (null) last. A negative buffer
        counts as negative.
    """
    wide = (
        policy.select(*KEY, *BUFFERS)
        .join(points.select(*KEY, "unit_cost_eff"), on=KEY)
        .join(target.select(*KEY, "abc"), on=KEY, how="left")
    )
    figures = [
        (pl.col("buffer_qty") != 0).sum().cast(pl.Int64).alias("n_points"),
        *[
            (pl.col(name) * pl.col("unit_cost_eff")).sum().alias(name.replace("_qty", "_value"))
            for name in BUFFERS
        ],
    ]
    return _added(wide, ["abc"], figures)


def _added(wide: pl.DataFrame, by: Sequence[str], figures: Sequence[pl.Expr]) -> pl.DataFrame:
    """Return the figures by group; sorted by key first, since sums of floats depend on the order of rows."""
    ordered = wide.sort(KEY)
    if not by:
        return ordered.select(figures)
    return ordered.group_by(list(by), maintain_order=True).agg(figures).sort(list(by), nulls_last=True)
