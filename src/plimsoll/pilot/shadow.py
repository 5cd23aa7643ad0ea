"""The shadow: what would have been recommended beside what planners ordered, place by place."""

import polars as pl

from plimsoll.domain.tables import table
from plimsoll.pilot.week import KEY

SAME_SHARE, SAME_DAYS = 0.1, 3  # up to which quantity and day count as the same
LINE = pl.Schema(
    {
        "as_of": pl.Date(),
        "item_id": pl.String(),
        "location_id": pl.String(),
        "quantity": pl.Float64(),
        "unit_cost": pl.Float64(),
        "sentence": pl.String(),
    }
)
ORDER = pl.Schema(
    {"ordered_date": pl.Date(), "item_id": pl.String(), "location_id": pl.String(), "quantity": pl.Float64()}
)


def gaps(lines: pl.DataFrame, orders: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return the table `pilot_gap`: one row a place where something was recommended or ordered.

    A plan repeats a recommendation every day until it is done, so the first one counts with its quantity,
    and all that was ordered is held against it.

    Parameters
    ----------
    lines : the schema `LINE`: new orders recommended for the fence by every plan of the days looked at
    orders : the schema `ORDER`: what was ordered in the fence in these days
    points : item_id, location_id, unit_cost, position_qty, reorder_point_qty (units, as the last plan saw
        them; may be unknown)

    Returns
    -------
    pl.DataFrame
        gap: same (within a tenth and three days), more, less, earlier, later, not_ordered,
        not_recommended; why: the reasons of the recommendation, or what spoke against an order.
    """
    first = (
        lines.sort("as_of")
        .group_by(KEY, maintain_order=True)
        .agg(
            recommended_date=pl.col("as_of").first(),
            recommended_qty=pl.col("quantity").first(),
            sentence=pl.col("sentence").first(),
            n_days=pl.col("as_of").n_unique().cast(pl.Int64),
        )
    )
    did = orders.group_by(KEY).agg(
        ordered_date=pl.col("ordered_date").min(), ordered_qty=pl.col("quantity").sum()
    )
    both = first.join(did, on=KEY, how="full", coalesce=True).join(points, on=KEY, how="left")
    said, done = pl.col("recommended_qty").fill_null(0.0), pl.col("ordered_qty").fill_null(0.0)
    late = (pl.col("ordered_date") - pl.col("recommended_date")).dt.total_days()
    gap = (
        pl.when(pl.col("recommended_qty").is_null())
        .then(pl.lit("not_recommended"))
        .when(pl.col("ordered_qty").is_null())
        .then(pl.lit("not_ordered"))
        .when(done > (1 + SAME_SHARE) * said)
        .then(pl.lit("more"))
        .when(done < (1 - SAME_SHARE) * said)
        .then(pl.lit("less"))
        .when(late > SAME_DAYS)
        .then(pl.lit("later"))
        .when(late < -SAME_DAYS)
        .then(pl.lit("earlier"))
        .otherwise(pl.lit("same"))
    )
    stood = pl.format(
        "Nothing was due: with all that is on order it stood at {}, above the reorder point of {}.",
        pl.col("position_qty").round(0).cast(pl.Int64),
        pl.col("reorder_point_qty").round(0).cast(pl.Int64),
    )
    why = pl.coalesce("sentence", stood, pl.lit("The plan has no rule for this place."))
    value = (done - said) * pl.col("unit_cost").fill_null(0.0)
    return table("pilot_gap").conform(
        both.with_columns(gap=gap, gap_value=value, why=why, n_days=pl.col("n_days").fill_null(0)).select(
            *KEY, "gap", "recommended_date", "recommended_qty", "n_days", "ordered_date", "ordered_qty",
            "gap_value", "why",
        )
    )  # fmt: skip


def decision_table(rows: pl.DataFrame) -> pl.DataFrame:
    """Return decisions as the table `pilot_decision`; of several orders of a week besides, one row."""
    return table("pilot_decision").conform(
        rows.unique(["week", "line_id"], keep="first", maintain_order=True).with_columns(
            pl.col("reason_code").replace("", None)
        )
    )
