"""Demand passed up the network: what a location needs for itself and for all that it replenishes."""

import numpy as np
import polars as pl

from plimsoll.demand.panel import KEY, MICRO, in_micro
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.bom import children_first
from plimsoll.maths.ragged import bounds_of


def pass_upstream(demand: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return the demand with that of downstream stocking points added to their sources, date by date.

    Level by level: the demand of each point whose source is itself a stocking point of the item
    becomes demand there on the same date, one row a date without order or customer. What is made
    where it is kept has no upstream, and in a circle nothing is passed on.

    Parameters
    ----------
    demand : table `demand`
    points : columns item_id, location_id, from_location_id
    """
    edges = replenished(points)
    added = []
    moving = demand.select("date", *KEY, in_micro())
    while moving.height:
        moving = (
            moving.join(edges, on=KEY)
            .group_by("date", "item_id", pl.col("from_location_id").alias("location_id"))
            .agg(pl.col("micro").sum())
        )
        added.append(moving)
    if not added:
        return demand
    passed = pl.concat(added).group_by("date", *KEY).agg(pl.col("micro").sum())
    passed = passed.with_columns(quantity=passed["micro"].to_numpy() / MICRO)
    return (
        pl.concat([demand, passed], how="diagonal")
        .select(demand.columns)
        .sort(*table("demand").key, maintain_order=True)
    )


def replenished(points: pl.DataFrame) -> pl.DataFrame:
    """Return the points that another stocking point replenishes, with that one: KEY, from_location_id.

    Points that replenish each other in a circle, or are fed through one, are left out: what is passed
    up a circle never arrives. The network names them (finding `network_cycle`).

    Examples
    --------
    >>> points = pl.DataFrame({"item_id": ["A"] * 4, "location_id": ["X", "Y", "Z", "DC"],
    ...     "from_location_id": ["Y", "X", "DC", "Acme"]})
    >>> replenished(points).rows()
    [('A', 'Z', 'DC')]
    """
    edges = (
        points.select(*KEY, "from_location_id")
        .filter(pl.col("from_location_id") != pl.col("location_id"))
        .join(points.select(KEY), left_on=["item_id", "from_location_id"], right_on=KEY, how="semi")
        .sort(KEY)
    )
    numbered = edges.select(*KEY, parent=pl.int_range(pl.len()))
    parent = (
        edges.join(
            numbered, left_on=["item_id", "from_location_id"], right_on=KEY, how="left", maintain_order="left"
        )["parent"]
        .fill_null(-1)
        .to_numpy()
    )
    order, done = children_first(bounds_of(parent >= 0), parent[parent >= 0])
    is_open = np.zeros(len(parent), dtype=np.bool_)
    is_open[order[:done]] = True
    return edges.filter(pl.Series(is_open))
