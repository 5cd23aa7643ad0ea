"""Orders that call on our own places: decided from the customers' side upwards, within the day.

An order of a place is demand at its source on the same day. So a source is reviewed after the places
that draw on it, with what they call for taken from its position: transfers, and, where bills of material
are given, the components of what is made today.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.bom.structure import made_at, usable_lines
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.replenish.lots import with_quantity
from plimsoll.replenish.position import KEY

ORDERED = ("asked_qty", "quantity", "wanted_qty")


@dataclass(frozen=True, slots=True)
class Links:
    """Who draws on whom: E arcs between rows of the state, and the order in which rows are decided.

    `orderer`, `source`: rows (E,); `factor`: units of the source's item in one unit ordered; `transfer`:
    whether the arc is a transfer or else a component; `passes`: rows, each after all that draw on it, and
    `arcs` beside them: the arcs of those rows. Rows in a circle are in no pass: they are planned alone.
    """

    orderer: Ints
    source: Ints
    factor: Floats
    transfer: NDArray[np.bool_]
    passes: tuple[Ints, ...]
    arcs: tuple[Ints, ...]

    def parents(self, n: int) -> Ints:
        """Return the row that each of n rows gets transfers from, -1 where that is none of ours."""
        parent = np.full(n, -1, dtype=np.int64)
        parent[self.orderer[self.transfer]] = self.source[self.transfer]
        return parent


def links(state: pl.DataFrame, bom: pl.DataFrame | None, *, as_of: date) -> Links:
    """Return the arcs between these points, and the passes from the customers' side upwards.

    Parameters
    ----------
    state : item_id, location_id, from_location_id, supply_kind; one row a point
    bom : table `bom`, or nothing: components are then not looked at; lines in force on `as_of` count
    as_of : day of knowledge
    """
    rows = state.select(*KEY, "from_location_id", "supply_kind").with_row_index("row")
    source = rows.select("item_id", from_location_id="location_id", source="row")
    transfers = (
        rows.filter(pl.col("supply_kind") == "transfer", pl.col("from_location_id") != pl.col("location_id"))
        .join(source, on=["item_id", "from_location_id"])
        .select("row", "source", factor=pl.lit(1.0), transfer=pl.lit(value=True))
    )
    arcs = pl.concat([transfers, _components(rows, bom, as_of)]).sort("row", "source")
    orderer, origin = (arcs[name].cast(pl.Int64).to_numpy() for name in ("row", "source"))
    passes, of_pass = _passes(orderer, origin, state.height)
    return Links(orderer, origin, arcs["factor"].to_numpy(), arcs["transfer"].to_numpy(), passes, of_pass)


def _components(rows: pl.DataFrame, bom: pl.DataFrame | None, as_of: date) -> pl.DataFrame:
    """Return the arcs from what is produced to its components kept where it is made."""
    nothing = pl.DataFrame(
        schema={"row": pl.UInt32, "source": pl.UInt32, "factor": pl.Float64, "transfer": pl.Boolean}
    )
    if bom is None or not bom.height:
        return nothing
    lines = (
        usable_lines(bom, as_of, as_of)
        .group_by("parent_item_id", "component_item_id")
        .agg(pl.col("units").sum())
    )
    made = made_at(rows.filter(pl.col("supply_kind") == "production")).join(rows.select(*KEY, "row"), on=KEY)
    return (
        made.join(lines, left_on="item_id", right_on="parent_item_id")
        .join(
            rows.select(component_item_id="item_id", plant="location_id", source="row"),
            on=["component_item_id", "plant"],
        )
        .select("row", "source", factor="units", transfer=pl.lit(value=False))
        .cast(nothing.schema)
    )


def _passes(orderer: Ints, source: Ints, n: int) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
    """Return rows peeled off from the customers' side, pass by pass, and the arcs that start at them."""
    waiting = np.bincount(source, minlength=n)
    ready = waiting == 0
    done = np.zeros(n, dtype=bool)
    passes, of_pass = [], []
    while ready.any():
        passes.append(np.flatnonzero(ready))
        of_pass.append(np.flatnonzero(ready[orderer]))
        done |= ready
        waiting -= np.bincount(source[of_pass[-1]], minlength=n)
        ready = (waiting == 0) & ~done
    return tuple(passes), tuple(of_pass)


def with_orders(state: pl.DataFrame, linked: Links, *, order_owed_when_not_held: bool) -> pl.DataFrame:
    """Return the state with what every point orders, and with what is called for taken from positions.

    A source that is not held orders what it lacks for the calls, like units owed to customers.

    Parameters
    ----------
    state : positions, as `lots.with_quantity` reads them
    linked : who draws on whom
    order_owed_when_not_held : as of `with_quantity`

    Returns
    -------
    pl.DataFrame
        The columns of `with_quantity` and called_qty (units that orders of today take from the point);
        `backlog_qty` and `position_qty` count them as owed. Where nothing is called for, all is as if
        the point stood alone.
    """
    state = with_quantity(state, order_owed_when_not_held=order_owed_when_not_held)
    if not len(linked.orderer):
        return state.with_columns(called_qty=pl.lit(0.0))
    ordered = {name: state[name].to_numpy().copy() for name in ORDERED}
    called = np.zeros(state.height)
    for rows, arcs in zip(linked.passes, linked.arcs, strict=True):
        again = rows[called[rows] > 0]
        if len(again):
            asked = _called_upon(state[again].drop(ORDERED), called[again])
            found = with_quantity(asked, order_owed_when_not_held=order_owed_when_not_held)
            for name in ORDERED:
                ordered[name][again] = found[name].to_numpy()
        units = ordered["quantity"][linked.orderer[arcs]] * linked.factor[arcs]
        called += np.bincount(linked.source[arcs], units, state.height)
    return state.with_columns(
        called_qty=pl.Series(called),
        position_qty=pl.col("position_qty") - pl.Series(called),
        backlog_qty=pl.col("backlog_qty") + pl.Series(called),
        **{name: pl.Series(values) for name, values in ordered.items()},
    )


def _called_upon(state: pl.DataFrame, called: Floats) -> pl.DataFrame:
    owed = pl.when(pl.col("policy") == "none").then(pl.Series(called)).otherwise(0.0)
    return state.with_columns(
        position_qty=pl.col("position_qty") - pl.Series(called),
        owed_to_customers_qty=pl.col("owed_to_customers_qty") + owed,
    )
