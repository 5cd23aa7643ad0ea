"""Items that look engineered to order although nobody has said so: a suggestion with its evidence."""

from datetime import date

import polars as pl

from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.tables import table
from plimsoll.lifecycle.messages import ENGINEERED
from plimsoll.lifecycle.params import LifecycleParams

Tables = dict[str, pl.DataFrame]


def engineered(
    demand: pl.DataFrame, points: pl.DataFrame, known: Tables, params: LifecycleParams, *, as_of: date
) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """Return the items that look engineered to order, and one finding about them all.

    An item is suggested if nobody flagged it (make_to is empty, or to order), it has at least
    `engineered_orders_min` customer orders, and at least `engineered_share` of them come from a
    customer who ordered it only once and ask for a quantity that no other order asked for. Each
    customer wants another one, once: there is no rate to hold stock for. Nothing is left out for it;
    a person sets make_to to engineer.

    Parameters
    ----------
    demand : table `demand`, customers' own (before it is passed upstream)
    points : table `planning_point`
    known : canonical tables: items and stock
    params : least orders and share
    as_of : day of knowledge

    Returns
    -------
    Table `engineered_suggestion`, and findings (none without suggestions). Demand without customers or
    orders gives no evidence.
    """
    orders = (
        demand.filter(
            (pl.col("date") <= as_of)
            & (pl.col("quantity") > 0)
            & pl.col("customer_id").is_not_null()
            & pl.col("order_id").is_not_null()
            & (pl.col("kind").fill_null("sale") == "sale")
        )
        .group_by("item_id", "order_id", "customer_id")
        .agg(pl.col("quantity").sum().round(6), pl.col("date").min())
        .with_columns(
            once=pl.len().over("item_id", "customer_id") == 1,
            unlike=pl.len().over("item_id", "quantity") == 1,
        )
    )
    evidence = orders.group_by("item_id").agg(
        n_orders=pl.len().cast(pl.Int64),
        n_customers=pl.col("customer_id").n_unique().cast(pl.Int64),
        own_customer_share=pl.col("once").mean(),
        distinct_quantity_share=pl.col("unlike").mean(),
        months_with_demand=pl.col("date").dt.truncate("1mo").n_unique().cast(pl.Int64),
    )
    unflagged = known["items"].filter(pl.col("make_to").is_null() | (pl.col("make_to") == "order"))
    stock = known["stock"].filter(pl.col("date") <= as_of).sort("date")
    held = (
        stock.unique(["item_id", "location_id"], keep="last")
        .join(points.select("item_id", "location_id", "unit_cost_eff"), on=["item_id", "location_id"])
        .sort("item_id", "location_id")
        .group_by("item_id", maintain_order=True)
        .agg(on_hand_value=(pl.col("on_hand").clip(0.0) * pl.col("unit_cost_eff")).sum())
    )
    found = (
        evidence.join(unflagged.select("item_id"), on="item_id", how="semi")
        .filter(
            (pl.col("n_orders") >= params.engineered_orders_min)
            & (pl.col("own_customer_share") >= params.engineered_share)
            & (pl.col("distinct_quantity_share") >= params.engineered_share)
        )
        .join(held, on="item_id", how="left")
        .with_columns(pl.col("on_hand_value").fill_null(0.0))
        .with_columns(
            sentence=pl.format(
                "{} orders from {} customers, hardly one of them twice and hardly two for the same quantity.",
                "n_orders",
                "n_customers",
            )
        )
    )
    result = table("engineered_suggestion").conform(found)
    if result.is_empty():
        return result, ()
    money = float(result["on_hand_value"].sum())
    return result, (ENGINEERED.finding(result.height, keys_of(result, ["item_id"]), money=money),)
