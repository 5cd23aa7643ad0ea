"""Steps in a supplier's lead times: whether, when and by how many days."""

from datetime import date

import numpy as np
import polars as pl

from plimsoll.maths.ragged import Floats, Ints, bounds_of
from plimsoll.supply.params import SupplyParams

RIPE = 0.95
MOST_STEPS = 8  # of one supplier


def last_changes(orders: pl.DataFrame, params: SupplyParams, *, as_of: date) -> pl.DataFrame:
    """Return the last step of each supplier's lead times that chance does not explain.

        b = max_k |sum_(i <= k) (R_i - mean R)| / (s_R sqrt(k (n - k) / (n - 1)))     R: ranks by placing
        P(b) = phi(b) (b - 1 / b) log(((1 - e) / e)^2) + 4 phi(b) / b,   e = least share of orders aside

    (maximally selected rank statistics: Miller & Siegmund 1982, Lausen & Schumacher 1992; ranks need no
    law of lead times). The level `change_false_alarm` is shared equally among the suppliers tested. The
    date is that of the first order after the step; a slow drift shows as one or more steps. Steps smaller
    than `change_min_share` of the mean are passed over. After a step, what follows is tested again.

    Parameters
    ----------
    orders : `supplier`, `ordered_date`, `lead_days`, `value` (lead time cleared of the differences between
        the supplier's items and lanes, days), one row an order
    params : options
    as_of : day of knowledge; orders younger than 95 % of the supplier's lead times, of which only the
        short are known, are not tested

    Returns
    -------
    `supplier`, `change_date`, `change_days` (mean after less mean before, back to the step before), for
    suppliers with a step.

    Examples
    --------
    >>> from datetime import timedelta
    >>> days = [20, 22, 21, 19, 18, 20, 21, 22, 19, 20] + [41, 39, 40, 38, 42, 40, 41, 39, 40, 40]
    >>> orders = pl.DataFrame({"supplier": [0] * 20, "lead_days": days, "value": days,
    ...     "ordered_date": [date(2026, 1, 1) + timedelta(days=7 * n) for n in range(20)]})
    >>> last_changes(orders, SupplyParams(), as_of=date(2026, 12, 31)).row(0)
    (0, datetime.date(2026, 3, 12), 19.8)
    """
    age = (pl.lit(as_of) - pl.col("ordered_date")).dt.total_days()
    ripe = age >= pl.col("lead_days").quantile(RIPE, "higher").over("supplier")
    least = params.change_min_orders
    rows = (
        orders.filter(ripe)
        .filter(pl.len().over("supplier") >= 2 * least)
        .sort("supplier", "ordered_date", "value")
        .select("supplier", "ordered_date", "value")
    )
    n_tested = rows["supplier"].n_unique()
    rows = rows.with_columns(pl.int_range(pl.len()).alias("at"))
    found: list[pl.DataFrame] = []
    for _ in range(MOST_STEPS):
        if rows.is_empty():
            break
        steps = _strongest(rows, params.change_false_alarm / n_tested, params)
        found.append(steps)
        after = rows.join(steps.select("supplier", pl.col("at").alias("first")), on="supplier")
        rows = after.filter(pl.col("at") >= pl.col("first")).drop("first")
        rows = rows.filter(pl.len().over("supplier") >= 2 * least).sort("at")
    schema = pl.Schema({"supplier": pl.Int64, "change_date": pl.Date, "change_days": pl.Float64})
    if not found:
        return pl.DataFrame(schema=schema)
    every = pl.concat(found).unique("supplier", keep="last", maintain_order=True)
    return every.select(schema.names()).sort("supplier").cast(schema)


def _strongest(rows: pl.DataFrame, level: float, params: SupplyParams) -> pl.DataFrame:
    """Return each supplier's strongest step where it is significant; `rows` sorted by supplier and day."""
    rank = rows.select(pl.col("value").rank("average").over("supplier")).to_series().to_numpy()
    value = rows["value"].to_numpy()
    starts = rows["supplier"].rle_id().cast(pl.Int64).to_numpy()
    n = np.bincount(starts)
    bounds = bounds_of(n)
    centred = rank - ((n + 1) / 2)[starts]
    spread = np.sqrt(np.bincount(starts, weights=np.square(centred)) / n)
    total = np.cumsum(centred) - centred  # before each order; every group's ranks sum to 0
    place = np.arange(rank.size) - bounds[starts]
    least, size = params.change_min_orders, n[starts]
    day = rows["ordered_date"].to_physical().to_numpy()
    allowed = (place >= least) & (size - place >= least) & (spread > 0)[starts]
    allowed[1:] &= day[1:] != day[:-1]  # a day's orders, in order of length, are not to be parted
    variance = np.square(spread)[starts] * place * (size - place) / np.maximum(size - 1, 1)
    height = np.where(allowed, np.abs(total) / np.sqrt(np.where(allowed, variance, 1.0)), 0.0)
    best = _first_of_largest(height, starts, bounds)
    p = _chance(height[best], least / n)
    sums = np.concatenate([[0.0], np.cumsum(value)])
    before = (sums[best] - sums[bounds[:-1]]) / np.maximum(best - bounds[:-1], 1)
    after = (sums[bounds[1:]] - sums[best]) / (bounds[1:] - best)
    large = np.abs(after - before) >= params.change_min_share * np.abs(before)
    frame = rows[best].select("supplier", "at", pl.col("ordered_date").alias("change_date"))
    return frame.with_columns(pl.Series("change_days", (after - before).round(6))).filter(
        pl.Series((p < level) & large)
    )


def _chance(height: Floats, share: Floats) -> Floats:
    """Return how often orders alike give so high a maximum, this share of them at least on either side."""
    b = np.maximum(height, 1.0)
    density = np.exp(-np.square(b) / 2.0) / np.sqrt(2.0 * np.pi)
    places = 2.0 * np.log((1.0 - share) / share)
    return np.where(height > 1.0, np.minimum(density * ((b - 1.0 / b) * places + 4.0 / b), 1.0), 1.0)


def _first_of_largest(height: Floats, group: Ints, bounds: Ints) -> Ints:
    """Return where each group is highest for the first time; every group has an entry."""
    largest = np.maximum.reduceat(height, bounds[:-1])
    at = np.where(height == largest[group], np.arange(height.size), height.size)
    return np.minimum.reduceat(at, bounds[:-1])
