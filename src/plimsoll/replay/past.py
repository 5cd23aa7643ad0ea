"""What the records say was done: stock as counted, orders as shipped, freight as paid."""

from datetime import date, timedelta

import polars as pl

from plimsoll.demand.panel import KEY
from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.replay.world import World

Tables = dict[str, pl.DataFrame]
COLUMNS = ("inventory", "cogs", "asked", "served", "expedite")


def recorded(facts: Tables, world: World, kept: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Return what the records tell of the counted periods, one row an item, null where they tell nothing.

    Parameters
    ----------
    facts : canonical tables, whole
    world : the replayed periods
    kept : item_id, location_id, unit_cost, unit_price of the points that count
    as_of : last day whose counts of stock are read

    Returns
    -------
    pl.DataFrame
        item_id; inventory: mean of the counts of each point at cost, summed; cogs: customers' demand of a
        year at cost, of the points with a count; asked and served: customers' demand, and what of it was
        shipped by the promised day (without one, in the period that asked), at price; expedite: freight
        of expedited receipts, money a year.
    """
    first = world.clock.ends[world.warm_up] + timedelta(days=1)
    last = world.clock.ends[-1]
    years = ((last - first).days + 1) / DAYS_PER_YEAR
    counts = (
        facts["stock"]
        .filter(pl.col("date").is_between(first, as_of))
        .group_by(KEY)
        .agg(held=pl.col("on_hand").clip(0.0).mean())
    )
    points = kept.join(counts, on=KEY, how="left", maintain_order="left")
    lines = _shipped(facts["demand"], world, first, last)
    points = points.join(lines, on=KEY, how="left", maintain_order="left")
    freight = _freight(facts["receipts"], first, last)
    points = points.join(freight, on=KEY, how="left", maintain_order="left")
    is_known = facts["receipts"]["expedited"].is_not_null().any()
    price, cost = pl.col("unit_price"), pl.col("unit_cost")
    ordered = pl.col("asked_qty").fill_null(0.0)
    items = points.with_columns(
        inventory=pl.col("held") * cost,
        cogs=pl.when(pl.col("held").is_not_null()).then(ordered * cost / years),
        asked=pl.when(pl.col("told_qty") > 0).then(pl.col("told_qty") * price),
        served=pl.when(pl.col("told_qty") > 0).then(pl.col("served_qty") * price),
        expedite=pl.when(pl.lit(is_known)).then(pl.col("freight").fill_null(0.0) / years),
    )
    sums = [
        pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name) for name in COLUMNS
    ]
    told = pl.col("inventory").is_not_null().sum().alias("n_counted")
    return items.group_by("item_id").agg(*sums, told).sort("item_id")


def _shipped(demand: pl.DataFrame, world: World, first: date, last: date) -> pl.DataFrame:
    """Return units asked for, units of lines whose shipment is on record, and of them those in time."""
    is_issue = pl.col("kind").fill_null("sale") == "issue"
    rows = demand.filter(pl.col("date").is_between(first, last), ~is_issue, pl.col("quantity") > 0)
    bucket = "1mo" if world.clock.bucket == "month" else "1w"
    by = pl.coalesce(
        "promised_date", pl.col("date").dt.truncate(bucket).dt.offset_by(bucket).dt.offset_by("-1d")
    )
    is_told = pl.col("shipped_quantity").is_not_null() | pl.col("shipped_date").is_not_null()
    in_time = (pl.col("shipped_date") <= pl.max_horizontal(by, "date")).fill_null(value=False)
    came = pl.min_horizontal(pl.col("shipped_quantity").fill_null(pl.col("quantity")), "quantity").clip(0.0)
    return rows.group_by(KEY).agg(
        asked_qty=pl.col("quantity").sum(),
        told_qty=pl.col("quantity").filter(is_told).sum(),
        served_qty=came.filter(is_told & in_time).sum(),
    )


def _freight(receipts: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    hurried = receipts.filter(
        pl.col("received_date").is_between(first, last), pl.col("expedited").fill_null(value=False)
    )
    return hurried.group_by("item_id", location_id="to_location_id").agg(freight=pl.col("freight_cost").sum())
