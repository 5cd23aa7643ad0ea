"""Whether the month of the order matters to its lead time, and how much."""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from plimsoll.maths.ragged import Floats
from plimsoll.supply.params import SupplyParams

MONTHS = 12


def month_factors(
    orders: pl.DataFrame, n_suppliers: int, params: SupplyParams, *, as_of: date
) -> NDArray[np.float64]:
    """Return by what each supplier's lead time is multiplied in each month of order; (suppliers, 12).

        x_ym = mean of lead / expected of the orders of month m of year y,   a_m = mean_y (x_ym - mean x_y)
        F = Y sum a_m^2 / 11 / (sum (x_ym - mean x_y - a_m)^2 / (11 (Y - 1)))
        factor_m = 1 + (1 - 1 / F) a_m        where F is above the level of chance, else 1

    (two-way analysis of variance over the last Y whole years that have orders in every month: months
    must differ in the same way year after year, so that waves and drift do not pass for a season;
    shrunk after James & Stein 1961). A supplier's own season stands before that of all suppliers
    together. `season_false_alarm` is shared equally among the tests.

    Parameters
    ----------
    orders : `supplier`, `ordered_date`, `ratio` (lead time / expected lead time of its items and lane), in
        the order of summation
    n_suppliers : number of suppliers G
    params : options
    as_of : day of knowledge; `orders` must hold only orders old enough for long ones to be known

    Returns
    -------
    (G + 1, 12) factors, January first; the last row is that of all suppliers together.
    """
    factors = np.ones((n_suppliers + 1, MONTHS))
    if orders.is_empty():
        return factors
    month = pl.col("ordered_date").dt.year().cast(pl.Int64) * MONTHS + pl.col("ordered_date").dt.month() - 1
    rows = orders.select(pl.col("supplier").cast(pl.Int64), month.alias("month"), "ratio")
    own = rows.group_by("supplier", "month", maintain_order=True).agg(pl.col("ratio").mean())
    every = rows.group_by("month", maintain_order=True).agg(pl.col("ratio").mean())
    every = every.with_columns(pl.lit(n_suppliers, dtype=pl.Int64).alias("supplier"))
    cells = (
        pl.concat([own, every.select(own.columns)])
        .sort("supplier", "month")
        .filter(pl.len().over("supplier") >= params.season_min_years * MONTHS)
    )
    tested = [
        (supplier, *found)
        for supplier, frame in cells.partition_by("supplier", as_dict=True).items()
        if (found := _years(frame, params.season_min_years)) is not None
    ]
    level = params.season_false_alarm / max(len(tested), 1)
    for (supplier,), first, grid in sorted(tested, key=lambda test: test[0]):
        effect, f = _effects(grid)
        if stats.f.sf(f, MONTHS - 1, (MONTHS - 1) * (grid.shape[0] - 1)) < level:
            factors[supplier] = 1.0 + np.roll((1.0 - 1.0 / f) * effect, first % MONTHS)
    alike = (factors[:-1] == 1.0).all(axis=1)
    factors[:-1][alike] = factors[-1]
    return np.maximum(factors, 0.1)


def _years(cells: pl.DataFrame, least: int) -> tuple[int, Floats] | None:
    """Return the last whole years without a gap, as (number of the first month, (Y, 12) means)."""
    month = cells["month"].to_numpy()
    unbroken = np.flatnonzero(np.diff(month) != 1)
    start = unbroken[-1] + 1 if unbroken.size else 0
    years = (month.size - start) // MONTHS
    if years < least:
        return None
    grid = cells["ratio"].to_numpy()[month.size - years * MONTHS :].reshape(years, MONTHS)
    return int(month[month.size - years * MONTHS]), grid


def _effects(grid: Floats) -> tuple[Floats, float]:
    """Return the effect of each column, and how much more columns differ than chance makes them."""
    level = grid - grid.mean(axis=1, keepdims=True)
    effect = level.mean(axis=0)
    rest = np.square(level - effect).sum() / ((MONTHS - 1) * (grid.shape[0] - 1))
    between = grid.shape[0] * np.square(effect).sum() / (MONTHS - 1)
    return effect, float(between / rest) if rest > 0 else 0.0
