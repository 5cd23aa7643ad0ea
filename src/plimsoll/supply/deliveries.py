"""Receipts as deliveries: what was ordered together, promised for one day and came on one day."""

from datetime import date, timedelta

import polars as pl

from plimsoll.supply.observations import NODE
from plimsoll.supply.params import SupplyParams

LINE = ["order_id", "line", *NODE]


def order_lines(receipts: pl.DataFrame, params: SupplyParams, *, as_of: date) -> pl.DataFrame:
    """Return one row an order line received by `as_of`, with the day by which most of it was there.

    Parameters
    ----------
    receipts : table `receipts`; rows received after `as_of` are not read
    params : options; `usable_share` of a line received in parts makes it received
    as_of : day of knowledge

    Returns
    -------
    The key of the line with ordered_date, promised_date, received_date, quantity (all parts),
    first_quantity (of the first day), n_parts (days on which something came), expedited, freight_cost,
    and `lead_days`: null where it says nothing of a normal lead time (no order date, dated before it,
    implausibly long, or expedited).
    """
    known = receipts.filter(pl.col("received_date") <= as_of)
    one = pl.len().over(LINE) == 1
    first = known.filter(one).with_columns(first_quantity="quantity", n_parts=pl.lit(1, pl.UInt32))
    split = (
        known.filter(~one)
        .sort(*LINE, "received_date", "quantity")
        .with_columns(arrived=pl.col("quantity").cum_sum().over(LINE))
        .group_by(LINE, maintain_order=True)
        .agg(
            pl.col("ordered_date").min(),
            pl.col("promised_date").min(),
            received_date=pl.col("received_date")
            .filter(pl.col("arrived") >= params.usable_share * pl.col("arrived").last())
            .first(),
            first_quantity=pl.col("quantity")
            .filter(pl.col("received_date") == pl.col("received_date").min())
            .sum(),
            quantity=pl.col("quantity").sum(),
            n_parts=pl.col("received_date").n_unique(),
            shipment_id=pl.col("shipment_id").first(),
            expedited=pl.col("expedited").max(),
            freight_cost=_sum_of_known("freight_cost"),
        )
    )
    lead = (pl.col("received_date") - pl.col("ordered_date")).dt.total_days()
    normal = pl.lit(params.use_expedited) | ~pl.col("expedited").fill_null(value=False)
    usable = normal & lead.is_between(0, params.max_lead_time_days)
    both = pl.concat([first.select(split.columns), split])
    return both.with_columns(lead_days=pl.when(usable).then(lead).cast(pl.Float64)).sort(LINE)


def deliveries(receipts: pl.DataFrame, params: SupplyParams, *, as_of: date) -> pl.DataFrame:
    """Return one row a delivery: the lines of an order between two places with the same three dates.

    They tell one story, however many lines they have; so they are what evidence is counted in. Lines of
    one shipment share their dates; where no shipment is named, those of one order do. Deliveries of the
    last `scorecard_days` up to `as_of` are returned, in an order that does not depend on that of the
    receipts.

    Returns
    -------
    from_location_id, to_location_id, load (shipment or order), ordered_date, promised_date,
    received_date; item_id and lead_days of the first line; expedited if any line was.
    """
    start = as_of - timedelta(days=params.scorecard_days)
    lines = order_lines(receipts, params, as_of=as_of).filter(pl.col("received_date") > start)
    story = ["from_location_id", "to_location_id", "load", "ordered_date", "promised_date", "received_date"]
    load = pl.coalesce("shipment_id", "order_id").alias("load")
    told = lines.with_columns(load).group_by(story, maintain_order=True)
    return told.agg(pl.col("item_id", "lead_days").first(), pl.col("expedited").max()).sort(story)


def _sum_of_known(column: str) -> pl.Expr:
    """Return a sum that is null, and not 0, where nothing is known."""
    return pl.when(pl.col(column).is_not_null().any()).then(pl.col(column).sum())
