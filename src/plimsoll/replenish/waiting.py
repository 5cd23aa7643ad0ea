"""How long what waits at a place of ours waits: until open orders bring it, or an order of today."""

from datetime import date

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats, Ints
from plimsoll.replenish.calls import Links
from plimsoll.replenish.position import KEY

_SAME = 1e-6  # units; nearer than this is equal


def next_arrival(state: pl.DataFrame, open_orders: pl.DataFrame, as_of: date) -> Floats:
    """Return the days (n,) until the next open order is due, or else the mean lead time."""
    first = (
        open_orders.filter(pl.col("due_date") >= as_of)
        .filter(pl.col("ordered_date").is_null() | (pl.col("ordered_date") <= as_of))
        .group_by("item_id", location_id="to_location_id")
        .agg(due=pl.col("due_date").min())
    )
    days = state.select(*KEY, "mean_days_est").join(first, on=KEY, how="left", maintain_order="left")
    until = (pl.col("due") - as_of).dt.total_days().cast(pl.Float64)
    return days.select(pl.coalesce(until, "mean_days_est")).to_series().to_numpy()


def days_to_wait(
    state: pl.DataFrame, linked: Links, open_orders: pl.DataFrame, waiting: Floats, as_of: date
) -> tuple[Floats, Floats]:
    """Return the days until each point has what waits at it, and the days that each order waits."""
    parent = linked.parents(state.height)
    owed = per_row(parent, waiting)
    ready = covered(state, open_orders, owed, as_of)
    lead = np.where(
        state["planned"].to_numpy() | (state["quantity"].to_numpy() > 0),
        state["mean_days_est"].to_numpy(),
        np.inf,
    )
    wait = np.zeros(state.height)
    for rows in reversed(linked.passes):
        late = rows[waiting[rows] > 0]
        wait[late] = ready[parent[late]]
        ready[rows] = np.minimum(ready[rows], wait[rows] + lead[rows])
    return ready, wait


def covered(state: pl.DataFrame, open_orders: pl.DataFrame, owed: Floats, as_of: date) -> Floats:
    """Return the days (n,) until open orders bring what is owed there (n,), units; infinite for never."""
    rows = (
        state.select(*KEY).with_row_index("row").with_columns(owed=pl.Series(owed)).filter(pl.col("owed") > 0)
    )
    enough = (
        open_orders.filter(pl.col("due_date") >= as_of)
        .filter(pl.col("ordered_date").is_null() | (pl.col("ordered_date") <= as_of))
        .join(rows, left_on=["item_id", "to_location_id"], right_on=KEY)
        .sort("due_date", "order_id", "line")
        .with_columns(total=pl.col("quantity").cum_sum().over("row"))
        .filter(pl.col("total") >= pl.col("owed") - _SAME)
        .group_by("row")
        .agg(due=pl.col("due_date").min())
    )
    days = np.full(state.height, np.inf)
    days[enough["row"].to_numpy()] = enough.select((pl.col("due") - as_of).dt.total_days()).to_series()
    return days


def as_days(days: Floats, as_of: date) -> pl.Series:
    """Return the days after `as_of` as dates, null for never."""
    whole = pl.Series(np.where(np.isfinite(days), np.ceil(days), np.nan)).fill_nan(None).cast(pl.Int64)
    return pl.select(pl.lit(as_of) + pl.duration(days=pl.lit(whole))).to_series().cast(pl.Date)


def per_row(parent: Ints, units: Floats) -> Floats:
    """Return the sum (n,) of the units of all rows that each row is the source of."""
    fed = parent >= 0
    return np.asarray(np.bincount(parent[fed], units[fed], len(parent)), dtype=np.float64)
