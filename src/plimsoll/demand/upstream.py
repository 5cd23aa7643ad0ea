"""Demand passed up the network: what a location needs for itself and for all that it replenishes."""

import numpy as np
import polars as pl

from plimsoll.demand.panel import KEY, MICRO, in_micro
from plimsoll.domain.errors import InputError
from plimsoll.domain.tables import table


def pass_upstream(demand: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return the demand with that of downstream stocking points added to their sources, date by date.

    Level by level: the demand of each point whose `from_location_id` is itself a stocking point of
    the item becomes demand there on the same date, one row a date without order or customer. What is
    made where it is kept has no upstream.

    Parameters
    ----------
    demand : table `demand`
    points : columns item_id, location_id, from_location_id

    Raises
    ------
    InputError : points that replenish each other in a circle
    """
    edges = (
        points.select(*KEY, "from_location_id")
        .filter(pl.col("from_location_id") != pl.col("location_id"))
        .join(points.select(KEY), left_on=["item_id", "from_location_id"], right_on=KEY, how="semi")
        .sort(KEY)
    )
    _refuse_cycles(edges)
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


def _refuse_cycles(edges: pl.DataFrame) -> None:
    """Raise on a circle: from a point in one, the walk to the source never ends."""
    numbered = edges.with_row_index("row")
    parent = (
        edges.join(
            numbered.select("row", *KEY),
            left_on=["item_id", "from_location_id"],
            right_on=KEY,
            how="left",
            maintain_order="left",
        )["row"]
        .cast(pl.Int64)
        .fill_null(-1)
        .to_numpy()
    )
    at = np.arange(len(parent))
    for _ in range(edges["location_id"].n_unique() + 1):
        at = parent[at[at >= 0]]
        at = np.unique(at[at >= 0])
        if not len(at):
            return
    walk = [int(at[0])]
    while parent[walk[-1]] != walk[0]:
        walk.append(int(parent[walk[-1]]))
    places = edges["location_id"].gather([*walk, walk[0]]).to_list()
    what = f"Item {edges['item_id'][walk[0]]} is replenished in a circle: {' <- '.join(places)}."
    raise InputError(
        what,
        why="Demand passed up such a circle would never end.",
        remedy="Change the source of one of these stocking points in the lanes table.",
    )
