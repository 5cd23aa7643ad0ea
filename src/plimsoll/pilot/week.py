"""Weeks of stocking points as sums, and what they come to over a stretch of weeks for each pair of items."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.domain.errors import InputError
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats
from plimsoll.pilot.params import PilotParams

KEY = ["item_id", "location_id"]
# What a week of a stocking point has to tell. Null is not known: no count of the stock, no record of orders.
POINT_WEEK = pl.Schema(
    {
        "period": pl.Date(),
        "item_id": pl.String(),
        "location_id": pl.String(),
        "stock_value_days": pl.Float64(),  # stock at cost, summed over the days known
        "stock_days": pl.Float64(),  # days on which the stock is known
        "asked_value": pl.Float64(),  # customers' demand
        "served_value": pl.Float64(),  # of it, served from stock
        "cogs": pl.Float64(),  # what left the shelf, at cost
        "expedite_cost": pl.Float64(),
        "orders": pl.Float64(),
        "perfect_orders": pl.Float64(),
    }
)
FLOWS = ("asked_value", "served_value", "cogs", "expedite_cost", "orders", "perfect_orders")
SUMS = ("inventory", "stock", *FLOWS)
NOW, THEN = 0, 1
FENCE, CONTROL = 0, 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Weeks from `first` on, `n` of them; the inventory is that of their last `n_stock`."""

    first: date
    n: int
    n_stock: int

    @property
    def end(self) -> date:
        """The first day after."""
        return self.first + timedelta(weeks=self.n)

    def earlier(self, weeks: int) -> "Stretch":
        """Return as many weeks, so much earlier."""
        return Stretch(self.first - timedelta(weeks=weeks), self.n, self.n_stock)


def stretches(start: date, params: PilotParams, weeks: int | None = None) -> tuple[Stretch, Stretch]:
    """Return the weeks of recommendations and the baseline before them.

    Parameters
    ----------
    start : first day on which recommendations are sent
    params : lengths
    weeks : weeks of recommendations seen so far; default: all
    """
    n = params.treated_weeks if weeks is None else weeks
    then = Stretch(
        start - timedelta(weeks=params.baseline_weeks), params.baseline_weeks, params.baseline_weeks
    )
    return Stretch(start, n, min(params.stock_weeks, n)), then


def checked(weeks: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of `POINT_WEEK`; columns of orders may be absent.

    Raises InputError for any other column that is missing.
    """
    optional = {name: pl.lit(None, dtype=pl.Float64) for name in ("orders", "perfect_orders")}
    missing = [name for name in POINT_WEEK if name not in weeks.columns and name not in optional]
    if missing:
        what = f"Weeks of stocking points lack columns: {', '.join(missing)}."
        raise InputError(what)
    absent = {name: value for name, value in optional.items() if name not in weeks.columns}
    return weeks.with_columns(**absent).select(pl.col(name).cast(dtype) for name, dtype in POINT_WEEK.items())


def paired_sums(weeks: pl.DataFrame, fence: pl.DataFrame, now: Stretch, then: Stretch) -> Floats:
    """Return what each pair came to: (pairs, 2 groups, 2 stretches, k) for the k columns of `SUMS`.

    `inventory` and `stock` are mean values over the last weeks and over all weeks of a stretch, flows are
    a week's mean. A stocking point whose stock is unknown in one of the stretches counts in none; what no
    row tells of is NaN.

    Parameters
    ----------
    weeks : the schema `POINT_WEEK`
    fence : pair, role (fence, control), item_id
    now, then : the stretches compared
    """
    both = _stretch(weeks, now).join(
        _stretch(weeks, then), on=KEY, how="full", coalesce=True, suffix="_then", maintain_order="left_right"
    )
    sums = []
    for name in SUMS:
        if name in FLOWS:
            sums += [pl.col(name).sum(), pl.col(f"{name}_then").sum()]
        else:
            known = pl.col(name).is_not_null() & pl.col(f"{name}_then").is_not_null()
            sums += [pl.col(name).filter(known).sum(), pl.col(f"{name}_then").filter(known).sum()]
    by_item = both.group_by("item_id").agg(sums)
    order = pl.col("role").replace_strict({"fence": FENCE, "control": CONTROL}, return_dtype=pl.Int64)
    rows = fence.sort("pair", order).join(by_item, on="item_id", how="left", maintain_order="left")
    columns = [f"{name}{end}" for end in ("", "_then") for name in SUMS]
    # Which columns no row tells of: those are unknown, and not 0.
    silent = [name for name in FLOWS if weeks[name].null_count() == weeks.height]
    told = [
        pl.lit(float("nan")).alias(name)
        if name.removesuffix("_then") in silent
        else pl.col(name).fill_null(0.0)
        for name in columns
    ]
    matrix = rows.select(told).to_numpy()
    return np.asarray(matrix.reshape(fence.height // 2, 2, 2, len(SUMS)))


def _stretch(weeks: pl.DataFrame, stretch: Stretch) -> pl.DataFrame:
    """Return the means of each stocking point over a stretch; null where the stock was never known."""
    last = stretch.end - timedelta(weeks=stretch.n_stock)
    inside = weeks.filter(pl.col("period") >= stretch.first, pl.col("period") < stretch.end)
    is_last = pl.col("period") >= last

    def mean(condition: pl.Expr) -> pl.Expr:
        known = condition & pl.col("stock_value_days").is_not_null()
        days = pl.col("stock_days").filter(known).sum()
        return pl.when(days > 0).then(pl.col("stock_value_days").filter(known).sum() / days)

    return inside.group_by(KEY, maintain_order=True).agg(
        mean(is_last).alias("inventory"),
        mean(pl.lit(value=True)).alias("stock"),
        pl.col(FLOWS).sum() / stretch.n,
    )


def by_week(weeks: pl.DataFrame, fence: pl.DataFrame) -> pl.DataFrame:
    """Return the table `pilot_week`: both groups week by week, for people to look at.

    The inventory is that of the points whose stock is known in every week shown, so that the line does not
    jump where a count is missing; null where there is none.

    Parameters
    ----------
    weeks : the schema `POINT_WEEK`
    fence : table `pilot_fence`
    """
    n = weeks["period"].n_unique()
    of = weeks.join(fence.select("item_id", "role"), on="item_id")
    stock = pl.col("stock_value_days") / pl.col("stock_days")
    always = of.with_columns(stock=stock).with_columns(
        known=pl.col("stock").is_not_null().sum().over(KEY) == n
    )
    asked = pl.col("asked_value").sum()
    return table("pilot_week").conform(
        always.group_by("role", week="period").agg(
            inventory_value=pl.when(pl.col("known").any()).then(pl.col("stock").filter("known").sum()),
            fill_rate=pl.when(asked > 0).then(pl.col("served_value").sum() / asked),
            orders=pl.col("orders").sum(),
            perfect_orders=pl.col("perfect_orders").sum(),
            cogs=pl.col("cogs").sum(),
            expedite_cost=pl.col("expedite_cost").sum(),
        )
    )
