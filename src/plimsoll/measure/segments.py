"""Holdings against targets by class, and the two extremes: dead CZ to kill and under-bought AX to refill."""

import polars as pl

from plimsoll.domain.tables import table
from plimsoll.measure.health import KEY


def segments(wide: pl.DataFrame) -> pl.DataFrame:
    """Return table `teardown_segment`: every class that has a point, A to C and X to Z.

    Parameters
    ----------
    wide : as of `holdings`
    """
    money = ("annual_value", "on_hand_value", "dead_value", "short_value", "exposure_value")
    return table("teardown_segment").conform(
        wide.group_by("abc", "xyz", maintain_order=True).agg(
            pl.len().cast(pl.Int64).alias("n_points"),
            *(pl.col(name).sum() for name in money),
            target_value=pl.col("on_hand_mean_value").sum(),
            stranded_value=pl.col("cash_to_release").sum(),
            target_service_mean=pl.col("target_service_eff").mean(),
        )
    )


def extremes(wide: pl.DataFrame) -> pl.DataFrame:
    """Return table `teardown_extreme`: each corner by money, the most first.

    Kill: dead and slow stock of class C, of class Z or without demand (none has no variability, and so is X).
    Refill: class A and X below the reorder point with all that is on order counted, by expected shortage.

    Parameters
    ----------
    wide : as of `holdings`
    """
    abc, xyz, dead = pl.col("abc"), pl.col("xyz"), pl.col("dead_value")
    useless = (abc == "C") & ((xyz == "Z") | (dead > 0))
    corners = {
        "kill": wide.filter(useless).with_columns(money=dead + pl.col("slow_value")),
        "refill": wide.filter(abc == "A", xyz == "X").with_columns(money="short_value"),
    }
    order = {"kill": "money", "refill": "exposure_value"}
    declared = table("teardown_extreme")
    ranked = [
        rows.filter(pl.col("money") > 0)
        .sort(order[corner], *KEY, descending=[True, False, False])
        .with_columns(corner=pl.lit(corner), rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
        .select(declared.names)
        for corner, rows in corners.items()
    ]
    return declared.conform(pl.concat(ranked))


def holdings(
    health: pl.DataFrame, points: pl.DataFrame, policy: pl.DataFrame, target: pl.DataFrame
) -> pl.DataFrame:
    """Return stock, expected stock and class of every point in one row, sorted by key.

    Parameters
    ----------
    health, points, policy, target : tables inventory_health, planning_point, policy and target of a plan
    """
    return (
        health.join(points.select(*KEY, "description", "category", "unit_cost_eff"), on=KEY)
        .join(target.select(*KEY, "abc", "xyz", "annual_value", "target_service_eff"), on=KEY)
        .join(policy.select(*KEY, "on_hand_mean_value"), on=KEY, how="left")
        .with_columns(pl.col("on_hand_mean_value").fill_null(0.0))
        .sort(KEY)
    )
