"""What the records say was done: stock as counted, orders as shipped, freight as paid."""

from datetime import date, timedelta

import polars as pl

from plimsoll.measure.kpi_days import Days
from plimsoll.measure.kpi_ledger import added, ledger_rows
from plimsoll.measure.kpis import point_sums
from plimsoll.replay.world import World

Tables = dict[str, pl.DataFrame]
# sum of a replay's figures -> sum of the key figures, which are the same by definition
SUMS = {
    "inventory": "inventory",
    "cogs": "cogs_held",
    "asked": "asked_value",
    "served": "served_value",
    "expedite": "expedite",
}


def recorded(
    facts: Tables, world: World, kept: pl.DataFrame, *, as_of: date, carry_days: int
) -> pl.DataFrame:
    """Return what the records tell of the counted periods, one row an item, null where they tell nothing.

    The sums are those of the key figures (`measure.kpis`), so that both say the same of the same days.

    Parameters
    ----------
    facts : canonical tables, whole
    world : the replayed periods
    kept : item_id, location_id, unit_cost, unit_price of the points that count
    as_of : day of knowledge; counts of stock are read until then
    carry_days : most days that a count holds

    Returns
    -------
    pl.DataFrame
        item_id; inventory: mean stock of each point over the days known at cost, summed; cogs: units sold of
        a year at cost, of the points with a count; asked and served: customers' demand, and what of it was
        shipped by the promised day (without one, in the period that asked), at price; expedite: freight
        of expedited receipts, money a year; n_counted: points whose stock is known on some day.
    """
    first = world.clock.ends[world.warm_up] + timedelta(days=1)
    last = world.clock.ends[-1]
    days = Days(first, last, world.clock.bucket, grace=world.clock.bucket, known=as_of)
    rows = ledger_rows(facts, kept, days, carry_days)
    whole = pl.DataFrame(
        {"period": [None], "days": [float((last - first).days + 1)]}, schema_overrides={"period": pl.Date}
    )
    at_once = rows.with_columns(group=pl.lit(""), period=pl.lit(None, dtype=pl.Date))
    points = point_sums(at_once, whole).with_columns(
        pl.when(pl.col("asked_value") > 0).then(pl.col(name)).alias(name)
        for name in ("asked_value", "served_value")
    )
    items = kept.select("item_id", "location_id").join(
        points, on=["item_id", "location_id"], how="left", maintain_order="left"
    )
    told = pl.col("inventory").is_not_null().cast(pl.Int64).alias("n_counted")
    named = items.select("item_id", told, **SUMS)
    return added(named, ["item_id"]).select("item_id", *SUMS, "n_counted").sort("item_id")
