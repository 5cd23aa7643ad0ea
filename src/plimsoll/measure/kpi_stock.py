"""Stock day by day from counts: each holds until the next one, at most so many days."""

from datetime import date, timedelta

import polars as pl

from plimsoll.domain.calendar import EVERY, Bucket
from plimsoll.measure.health import KEY


def stock_days(
    counts: pl.DataFrame, first: date, last: date, bucket: Bucket, carry_days: int
) -> pl.DataFrame:
    """Return the days whose stock is known, and the stock added over them, by point and period.

    A count is that of the end of its day. It holds until the day before the next count, at most `carry_days`
    days in all: after that the stock is not known. A count before `first` holds into the interval; a count
    below 0 is read as 0.

    Parameters
    ----------
    counts : table `stock`
    first, last : days looked at, both counted
    bucket : length of a period
    carry_days : most days that a count holds

    Returns
    -------
    pl.DataFrame
        period (its first day), item_id, location_id; stock_days; unit_days: units added over those days;
        stockout_days: those of them with an empty shelf. Periods without a known day have no row.

    Examples
    --------
    >>> counts = pl.DataFrame({"date": [date(2026, 5, 30), date(2026, 6, 3)], "item_id": "A",
    ...                        "location_id": "M", "on_hand": [5.0, 0.0]})
    >>> days = stock_days(counts, date(2026, 6, 1), date(2026, 6, 30), "month", 7)
    >>> days.select("stock_days", "unit_days", "stockout_days").row(0)
    (9.0, 10.0, 7.0)
    """
    until = last + timedelta(days=1)
    held = (
        counts.filter(pl.col("date").is_between(first - timedelta(days=carry_days), last))
        .sort(*KEY, "date")
        .select(
            *KEY,
            "date",
            units=pl.col("on_hand").clip(0.0),
            end=pl.min_horizontal(
                pl.col("date").shift(-1).over(KEY).fill_null(until),
                pl.col("date") + pl.duration(days=carry_days),
                pl.lit(until),
            ),
        )
        .with_columns(begin=pl.max_horizontal("date", pl.lit(first)))
        .filter(pl.col("begin") < pl.col("end"))
    )
    every = EVERY[bucket]
    starts = pl.date_ranges(
        pl.col("begin").dt.truncate(every), pl.col("end") - pl.duration(days=1), every
    ).alias("period")
    parts = (
        held.with_columns(starts)
        .explode("period")
        .with_columns(
            days=(
                pl.min_horizontal("end", pl.col("period").dt.offset_by(every))
                - pl.max_horizontal("begin", "period")
            )
            .dt.total_days()
            .cast(pl.Float64)
        )
    )
    return (
        parts.group_by("period", *KEY, maintain_order=True)
        .agg(
            stock_days=pl.col("days").sum(),
            unit_days=(pl.col("units") * pl.col("days")).sum(),
            stockout_days=pl.col("days").filter(pl.col("units") <= 0).sum(),
        )
        .sort("period", *KEY)
    )


def stockouts(
    counts: pl.DataFrame,
    availability: pl.DataFrame,
    first: date,
    last: date,
    bucket: Bucket,
    carry_days: int,
) -> pl.DataFrame:
    """Return the stock-outs that began between two looks at the shelf, by point and period.

    A look is a count, or for points with any the availability flag of a period. Only looks no more than
    `carry_days` apart tell: between others a shelf may have been empty and filled again unseen.

    Parameters
    ----------
    counts, availability : tables `stock` and `availability`
    first, last, bucket, carry_days : as of `stock_days`

    Returns
    -------
    pl.DataFrame
        period (that of the later look), item_id, location_id; watched_days: days between looks;
        stockouts_begun: looks at an empty shelf that was not empty at the look before.
    """
    flags = availability.select("date", *KEY, empty=~pl.col("in_stock"))
    seen = counts.select("date", *KEY, empty=pl.col("on_hand") <= 0).join(
        flags.select(KEY).unique(), on=KEY, how="anti"
    )
    looks = (
        pl.concat([seen, flags])
        .sort(*KEY, "date")
        .with_columns(
            gap=pl.col("date").diff().over(KEY).dt.total_days(), was_empty=pl.col("empty").shift().over(KEY)
        )
        .filter(pl.col("date").is_between(first, last), pl.col("gap") <= carry_days)
    )
    return (
        looks.group_by(pl.col("date").dt.truncate(EVERY[bucket]).alias("period"), *KEY)
        .agg(
            watched_days=pl.col("gap").sum().cast(pl.Float64),
            stockouts_begun=(pl.col("empty") & ~pl.col("was_empty")).sum().cast(pl.Float64),
        )
        .sort("period", *KEY)
    )
