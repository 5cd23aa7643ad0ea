"""Stock-outs read from stock records: the shelf rebuilt from counts, receipts and shipments."""

from datetime import date

import polars as pl

from plimsoll.demand.panel import KEY, MICRO
from plimsoll.demand.params import DemandParams
from plimsoll.domain.calendar import EVERY, Bucket


def dated_daily(demand: pl.DataFrame) -> bool:
    """Return whether demand is dated by day; False if all dates are one weekday or firsts of months."""
    dates = demand["date"].unique()
    return bool((dates.dt.day() != 1).any()) and dates.dt.weekday().n_unique() > 1


def from_records(
    known: dict[str, pl.DataFrame], points: pl.DataFrame, bucket: Bucket, params: DemandParams, *, as_of: date
) -> pl.DataFrame:
    """Return days (or periods, if demand is dated by period) at whose end nothing was on the shelf.

        shelf(d) = next count - receipts since d + shipments since d

    Only where unmet demand is lost: a backlog is demand on record. Points that replenish others are left
    out, since what leaves them is not all on record; and points with lines that were shipped short, for
    there the demand is known. The rebuilt shelf is believed where it agrees with the counts before and
    never falls below zero, both within the tolerance; elsewhere the counts alone are.

    Parameters
    ----------
    known : canonical tables as known on the day
    points : table `planning_point`
    bucket : period of the history
    params : tolerance
    as_of : day of knowledge

    Returns
    -------
    item_id, location_id, date of each day (first day of each period) that ended without stock.
    """
    empty = points.select(*KEY, date=pl.lit(as_of)).clear()
    places = readable_shelves(known, points)
    if not places.height or not known["stock"].height:
        return empty
    daily = dated_daily(known["demand"])
    moves = _moves(known, places, as_of)
    counts = (
        known["stock"]
        .filter(pl.col("date") <= as_of)
        .join(places, on=KEY, how="semi")
        .select(*KEY, "date", counted=_micro("on_hand"))
        .unique([*KEY, "date"], keep="last", maintain_order=True)
    )
    if not daily:  # totals of a period belong to its end, and so do counts and receipts within it
        at_end = pl.col("date").dt.truncate(EVERY[bucket])
        moves = moves.with_columns(at_end).group_by(*KEY, "date").agg(pl.col("net").sum())
        counts = counts.sort("date").with_columns(at_end).unique([*KEY, "date"], keep="last")
    step = "1d" if daily else EVERY[bucket]
    empty_from = _shelf(moves, counts, step, params).filter(pl.col("level") <= 0)
    if not empty_from.height:
        return empty
    last = pl.lit(as_of).dt.offset_by("1d") if daily else pl.lit(as_of).dt.truncate(EVERY[bucket])
    until = pl.col("until").fill_null(last).dt.offset_by(f"-{step}")
    return (
        empty_from.with_columns(until=until)
        .filter(pl.col("until") >= pl.col("date"))
        .select(*KEY, pl.date_ranges("date", "until", step))
        .explode("date")
    )


def _micro(name: str) -> pl.Expr:
    return (pl.col(name) * MICRO).round().cast(pl.Int64)


def readable_shelves(known: dict[str, pl.DataFrame], points: pl.DataFrame) -> pl.DataFrame:
    """Return the points whose shelf can be rebuilt and where empty shelves hide demand."""
    source = points.filter(pl.col("from_location_id") != pl.col("location_id"))
    feeding = source.select("item_id", location_id="from_location_id")
    short = known["demand"].filter(pl.col("shipped_quantity") < pl.col("quantity"))
    counted = known["stock"]
    lost = points.filter(pl.col("unmet_demand_eff") == "lost").select(KEY)
    return (
        lost.join(counted, on=KEY, how="semi")
        .join(feeding, on=KEY, how="anti")
        .join(short, on=KEY, how="anti")
    )


def _moves(known: dict[str, pl.DataFrame], places: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return what went in less what went out, by day, in whole millionths."""
    left = pl.coalesce("shipped_date", "date")
    out = known["demand"].select(
        *KEY, left.alias("date"), net=-pl.coalesce(_micro("shipped_quantity"), _micro("quantity"))
    )
    into = known["receipts"].select(
        "item_id", "received_date", location_id="to_location_id", net=_micro("quantity")
    )
    both = pl.concat([out, into.rename({"received_date": "date"}).select(out.columns)])
    return (
        both.filter(pl.col("date") <= as_of)
        .join(places, on=KEY, how="semi")
        .group_by(*KEY, "date")
        .agg(pl.col("net").sum())
    )


def _shelf(moves: pl.DataFrame, counts: pl.DataFrame, step: str, params: DemandParams) -> pl.DataFrame:
    """Return the level at the end of each day of a count or movement, and the day of the next change up."""
    events = (
        pl.concat([moves, counts.select(*KEY, "date", net=pl.lit(0, pl.Int64))])
        .group_by(*KEY, "date")
        .agg(pl.col("net").sum())
        .join(counts, on=[*KEY, "date"], how="left")
        .sort(*KEY, "date")
        .with_columns(moved=pl.col("net").cum_sum().over(KEY))
    )
    # What a count says of the running total of movements holds for the days back to the count before.
    offset = pl.col("counted") - pl.col("moved")
    events = events.with_columns(
        offset=offset.backward_fill().forward_fill().over(KEY),
        gap=offset.drop_nulls().diff().abs().max().over(KEY),
    ).with_columns(level=pl.col("moved") + pl.col("offset"))
    turned_over = pl.col("net").abs().sum().over(KEY) * params.stock_tolerance
    believed = (pl.col("gap").fill_null(0) <= turned_over) & (pl.col("level").min().over(KEY) >= -turned_over)
    shelf = events.with_columns(believed=believed, tie=pl.col("counted").is_not_null()).filter(
        pl.col("believed") | pl.col("tie")
    )
    level = pl.when(pl.col("tie")).then("counted").otherwise("level")
    shelf = shelf.with_columns(level=level)
    # Where counts are all that is believed, an empty shelf is that of one day (period).
    following = pl.col("date").shift(-1).over(KEY)
    alone = pl.col("date").dt.offset_by(step)
    return shelf.with_columns(until=pl.when(pl.col("believed")).then(following).otherwise(alone))
