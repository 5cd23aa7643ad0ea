"""Counts held against the book: the count before, and all that came and went since."""

import polars as pl

POINT = ["item_id", "location_id"]


def compared_counts(stock: pl.DataFrame, receipts: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """Return every count that has one before it, with what the book says.

        expected = on hand before + received - transferred on - shipped

    of the days after the first count up to the day of the second. Lines without a shipping day count as
    shipped on the day they were asked for where shipments are not recorded at all; else they have not left.

    Parameters
    ----------
    stock, receipts, demand : canonical tables as known on the day

    Returns
    -------
    pl.DataFrame
        The counts with before_date, before_on_hand, expected, off (count less book) and turned (units that
        came or went since), units.
    """
    order = stock.sort(*POINT, "date")
    pairs = order.with_columns(
        pl.col("date", "on_hand").shift(1).over(POINT).name.prefix("before_")
    ).drop_nulls("before_date")
    if pairs.is_empty():
        nothing = (pl.lit(0.0).alias(name) for name in ("expected", "off", "turned"))
        return pairs.with_columns(nothing)
    moves = _movements(receipts, demand).filter(pl.col("day") > pairs["before_date"].min())
    moves = moves.join(pairs.select(POINT).unique(), on=POINT, how="semi")
    # Each movement belongs to the first count on or after its day.
    dated = moves.sort("day").join_asof(
        pairs.select(*POINT, day="date", count="date").sort("day"),
        on="day", by=POINT, strategy="forward", check_sortedness=False,
    )  # fmt: skip
    sums = dated.group_by(*POINT, date="count").agg(
        pl.col("moved").sort().sum(), turned=pl.col("moved").abs().sort().sum(), first_day=pl.col("day").min()
    )
    # Movements before the first of the two counts are in it already.
    early = dated.join(pairs.select(*POINT, count="date", since="before_date"), on=[*POINT, "count"])
    early = (
        early.filter(pl.col("day") <= pl.col("since"))
        .group_by(*POINT, date="count")
        .agg(early_moved=pl.col("moved").sort().sum(), early_turned=pl.col("moved").abs().sort().sum())
    )
    key = [*POINT, "date"]
    joined = pairs.join(sums, on=key, how="left").join(early, on=key, how="left")
    moved = pl.col("moved").fill_null(0.0) - pl.col("early_moved").fill_null(0.0)
    turned = pl.col("turned").fill_null(0.0) - pl.col("early_turned").fill_null(0.0)
    expected = pl.col("before_on_hand") + moved
    return joined.with_columns(expected=expected, off=pl.col("on_hand") - expected, turned=turned)


def contradicted(compared: pl.DataFrame, share: float, least: float) -> pl.DataFrame:
    """Return the counts that disagree with the book by more than `share` of what moved and `least` units."""
    allowed = share * (pl.col("before_on_hand").abs() + pl.col("turned"))
    return compared.filter(pl.col("off").abs() > pl.max_horizontal(allowed, pl.lit(least)))


def _movements(receipts: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """Return what came (positive) and went at each point, day by day."""
    came = receipts.select("item_id", location_id="to_location_id", day="received_date", moved="quantity")
    handed = receipts.filter(pl.col("from_location_id") != pl.col("to_location_id")).select(
        "item_id", location_id="from_location_id", day="received_date", moved=-pl.col("quantity")
    )
    sold = pl.col("kind").fill_null("sale") == "sale"
    # Where shipments are recorded, a line without one has not left the shelf.
    is_recorded = (pl.col("shipped_date").is_not_null() & sold).any()
    went = demand.filter(~(is_recorded & sold & pl.col("shipped_date").is_null())).select(
        *POINT,
        day=pl.coalesce("shipped_date", "date"),
        moved=-pl.when(pl.col("shipped_date").is_not_null())
        .then(pl.col("shipped_quantity").fill_null(pl.col("quantity")))
        .otherwise("quantity"),
    )
    return pl.concat([came, handed, went]).drop_nulls()
