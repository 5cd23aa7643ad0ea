"""The typed lead time beside the measured one."""

from datetime import date

import numpy as np
import polars as pl

from plimsoll.supply.credibility import moments
from plimsoll.supply.observations import number_nodes, observe
from plimsoll.supply.params import SupplyParams


def compare_master(
    receipts: pl.DataFrame, lanes: pl.DataFrame, params: SupplyParams, *, as_of: date
) -> pl.DataFrame:
    """Return typed and measured lead time of every supplier and lane that has both.

        z = mean(d) / (sd(d) / sqrt(n)),   d = measured - typed days of one delivery

    Parameters
    ----------
    receipts : table `receipts`; rows received after `as_of` are not read
    lanes : table `lanes`
    params : options
    as_of : day of knowledge

    Returns
    -------
    One row a supplier (`level` "supplier", `to_location_id` null) and one a lane ("lane"), in key
    order: `from_location_id`, `to_location_id`, `n_receipts` (deliveries of items with a typed
    value), `typed_days` (their mean typed value), `measured_days`, `measured_sd_days`,
    `difference_days`, `z_score` (null for a single delivery or without any spread).

    Conventions: raw means of what was received, without pooling; a |z| above 3 is beyond chance
    for lead times that are not extremely skewed.

    Examples
    --------
    >>> from plimsoll.domain.tables import table
    >>> key = {"item_id": "A", "to_location_id": "DC", "from_location_id": "S"}
    >>> lanes = table("lanes").conform(pl.DataFrame([{**key, "lead_time_days_set": 10.0}]))
    >>> rows = [{**key, "order_id": f"P{day}", "ordered_date": date(2026, 1, 1),
    ...          "received_date": date(2026, 1, day), "quantity": 1.0} for day in (13, 15)]
    >>> receipts = table("receipts").conform(pl.DataFrame(rows))
    >>> found = compare_master(receipts, lanes, SupplyParams(), as_of=date(2026, 2, 1))
    >>> found.select("level", "typed_days", "measured_days", "z_score").rows()
    [('lane', 10.0, 13.0, 3.0), ('supplier', 10.0, 13.0, 3.0)]
    """
    nodes = number_nodes(receipts, lanes)
    items, _ = observe(receipts, nodes, params, as_of=as_of)
    # Rounded, because the last bit of a mean may depend on the order in which it is summed.
    deliveries = (
        items.join(nodes.select("node", pl.col("lead_time_days_set").alias("typed")).drop_nulls(), on="node")
        .group_by("order_id", "lane", "supplier", "received_date")
        .agg(pl.col("lead_days", "typed").mean().round(9))
        .sort("lane", "lead_days", "typed")
    )
    places = ("from_location_id", "to_location_id")
    lane = _compared(deliveries, "lane").join(nodes.unique("lane").select("lane", *places), on="lane")
    supplier = _compared(deliveries, "supplier").join(
        nodes.unique("supplier").select("supplier", "from_location_id"), on="supplier"
    )
    return (
        pl.concat([lane, supplier], how="diagonal")
        .select(
            "level",
            *places,
            "n_receipts",
            "typed_days",
            "measured_days",
            "measured_sd_days",
            "difference_days",
            "z_score",
        )
        .sort("level", *places)
    )


def _compared(deliveries: pl.DataFrame, level: str) -> pl.DataFrame:
    """Return the comparison of each lane or supplier, keyed by its number."""
    number, group = np.unique(deliveries[level].to_numpy(), return_inverse=True)
    lead, typed = deliveries["lead_days"].to_numpy(), deliveries["typed"].to_numpy()
    measured, gap = moments(group, lead, number.size), moments(group, lead - typed, number.size)
    error = np.sqrt(gap.var / np.maximum(gap.n, 1))
    return pl.DataFrame(
        {
            level: number,
            "level": np.full(number.size, level),
            "n_receipts": gap.n,
            "typed_days": moments(group, typed, number.size).mean,
            "measured_days": measured.mean,
            "measured_sd_days": np.sqrt(measured.var),
            "difference_days": gap.mean,
            "z_score": gap.mean / np.where(error > 0, error, 1.0),
            "spread_known": error > 0,
        }
    ).select(pl.exclude("z_score", "spread_known"), pl.when("spread_known").then("z_score").alias("z_score"))
