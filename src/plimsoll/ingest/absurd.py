"""Demand so far beyond its item's usual that a typing error is likelier than an order."""

import polars as pl

from plimsoll.ingest.params import IngestParams
from plimsoll.ingest.part import DETAIL, REASON


def absurd(rows: pl.DataFrame, params: IngestParams) -> pl.DataFrame:
    """Return the demand rows far above their item's median and its next smaller rows, with the reason.

    A row is absurd at or above `absurd_factor` times the median size of its item's rows, and at or
    above `absurd_gap` times the largest row below that line: where large orders belong to the item,
    they lead up to each other and are kept. Sizes are absolute quantities that are not 0; an item
    with fewer than `absurd_min_rows` of them has no usual size, and nothing of it is set aside.

    Parameters
    ----------
    rows : columns item_id, quantity (units)
    params : the three options named above

    Examples
    --------
    >>> rows = pl.DataFrame({"item_id": ["A"] * 6, "quantity": [2.0, 3.0, 2.0, 1.0, 2.0, 2000.0]})
    >>> absurd(rows, IngestParams())["(detail)"].to_list()
    ['quantity = 2000.0 where 2.0 is usual']
    """
    size = pl.col("quantity").abs()
    line = size.median() * params.absurd_factor
    usual = (
        rows.filter(pl.col("quantity") != 0)
        .group_by("item_id")
        .agg(
            size.median().alias("usual"),
            size.filter(size < line).max().alias("next"),
            (size.max() >= line).alias("beyond"),
            pl.len().alias("n"),
        )
        .filter(pl.col("beyond") & (pl.col("n") >= params.absurd_min_rows))
    )
    found = rows.join(usual, on="item_id", maintain_order="left").filter(
        size >= pl.max_horizontal(pl.col("usual") * params.absurd_factor, pl.col("next") * params.absurd_gap)
    )
    detail = pl.format("quantity = {} where {} is usual", "quantity", "usual")
    return found.with_columns(pl.lit("absurd_quantity").alias(REASON), detail.alias(DETAIL)).drop(
        "usual", "next", "beyond", "n"
    )
