"""Checks on stock records."""

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check


@check(
    severity="warning",
    table="stock",
    what="{n} stock record<|s> <is|are> below zero ({keys}).",
    why="A shelf cannot hold less than nothing: something was issued and not received, or counted wrongly.",
    remedy="Count <it|them>, or book the missing receipt.",
)
def negative_on_hand(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return stock below zero; the money is what the missing units cost."""
    cost = company.known["items"].select("item_id", "unit_cost")
    below = company.known["stock"].filter(pl.col("on_hand") < 0).join(cost, on="item_id", how="left")
    return below.select(
        pl.format("{} @ {}", "item_id", "location_id").alias("key"),
        "item_id",
        "location_id",
        pl.format("{} units on hand", "on_hand").alias("detail"),
        (-pl.col("on_hand") * pl.col("unit_cost")).alias("money_at_risk"),
        pl.lit("set").alias("repair"),
        pl.lit("on_hand").alias("repair_column"),
        pl.lit(0.0).alias("repair_value"),
    )
