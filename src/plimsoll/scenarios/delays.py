"""Orders that take longer: lead times and open orders under delays and outages."""

from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.scenarios import Change, Scenario
from plimsoll.maths.ragged import Floats, from_lists, to_lists
from plimsoll.scenarios.names import within

KINDS = ("delay", "outage")
LANE = ["item_id", "to_location_id", "from_location_id"]


def first_day(change: Change, as_of: date) -> float:
    """Return the days from now to the moment at which a source stops."""
    return max((change.start - as_of).days - 1.0, 0.0) if change.start is not None else 0.0


def later(change: Change, days: Floats, as_of: date) -> Floats:
    """Return the days that what would have taken so many days takes.

        delay    T + d,  or  f T;  never less than 0
        outage   T where it is done before the source stops, else T + its days

    In an outage all work of a source stands still, and goes on where it stopped.
    """
    if change.kind == "outage":
        return np.where(days > first_day(change, as_of), days + float(change.days or 0.0), days)
    if change.factor is not None:
        return days * change.factor
    return np.maximum(days + float(change.days or 0.0), 0.0)


def delayed_lanes(
    lead_times: pl.DataFrame, categories: pl.DataFrame, scenario: Scenario, *, as_of: date
) -> pl.DataFrame:
    """Return the lead times of orders placed today.

    Parameters
    ----------
    lead_times : table `lead_time_estimate`
    categories : item_id, category
    scenario : its delays and outages count, one after another
    as_of : today

    Returns
    -------
    Table `lead_time_estimate`: atoms, mean and standard deviation changed in the scopes, the mean by as
    much as that of the atoms, the deviation in proportion to theirs.
    """
    for change in scenario.changes:
        if change.kind not in KINDS:
            continue
        told = lead_times.rename({"to_location_id": "location_id"}).join(
            categories, on="item_id", how="left", maintain_order="left"
        )
        rows = told.with_row_index("row").filter(within(change))["row"].to_numpy()
        if not len(rows):
            continue
        mine = lead_times[rows]
        days, bounds = from_lists(mine["atom_days"])
        chance = from_lists(mine["atom_probability"])[0]
        owner = np.repeat(np.arange(len(rows)), np.diff(bounds))
        after = later(change, days, as_of)
        mean, sd = _moments(days, chance, owner, len(rows))
        new_mean, new_sd = _moments(after, chance, owner, len(rows))
        in_force = np.maximum(mine["mean_days_est"].to_numpy() + new_mean - mean, 0.0)
        spread = mine["sd_days_est"].to_numpy() * np.divide(new_sd, sd, out=np.zeros_like(sd), where=sd > 0)
        spread = np.where(sd > 0, spread, new_sd)
        changed = mine.with_columns(
            mean_days_est=pl.Series(in_force),
            sd_days_est=pl.Series(spread),
            atom_days=to_lists(after, bounds),
        )
        others = lead_times.with_row_index("row").filter(~pl.col("row").is_in(rows)).drop("row")
        lead_times = pl.concat([others, changed]).sort(LANE)
    return lead_times


def _moments(
    days: Floats, chance: Floats, owner: np.typing.NDArray[np.int64], n: int
) -> tuple[Floats, Floats]:
    total = np.bincount(owner, chance, n)
    mean = np.bincount(owner, chance * days, n) / total
    square = np.bincount(owner, chance * (days - mean[owner]) ** 2, n) / total
    return mean, np.sqrt(square)


def delayed_orders(
    open_orders: pl.DataFrame, points: pl.DataFrame, scenario: Scenario, *, as_of: date
) -> pl.DataFrame:
    """Return the open orders as they would come; one that is overdue is taken to be due today.

    Parameters
    ----------
    open_orders : table `open_orders`
    points : table `planning_point`: where an order without a source comes from, and categories
    scenario : its delays and outages count
    as_of : today
    """
    about = points.select("item_id", "category", lane="from_location_id", to_location_id="location_id")
    for change in scenario.changes:
        if change.kind not in KINDS:
            continue
        told = open_orders.join(about, on=LANE[:2], how="left", maintain_order="left").with_columns(
            pl.coalesce("from_location_id", "lane").alias("from_location_id")
        )
        told = told.rename({"to_location_id": "location_id"})
        mine = told.select(mine=within(change) & pl.col("due_date").is_not_null())["mine"].to_numpy()
        due = pl.max_horizontal("due_date", pl.lit(as_of))
        left = (
            open_orders.select((due - as_of).dt.total_days().cast(pl.Float64).fill_null(0.0))
            .to_series()
            .to_numpy()
        )
        shift = np.rint(later(change, left, as_of) - left)
        moved = pl.lit(as_of) + pl.duration(days=pl.lit(pl.Series(np.rint(left + shift)).cast(pl.Int64)))
        open_orders = open_orders.with_columns(
            due_date=pl.when(pl.Series(mine & (shift != 0))).then(moved).otherwise("due_date")
        )
    return open_orders
