"""What decisions added by who took them, why, and on what."""

import polars as pl

from plimsoll.domain.tables import table
from plimsoll.learning.evidence import ends, sums_by
from plimsoll.learning.params import LearningParams

# What decisions are grouped by -> column of the outcomes.
GROUPINGS = {
    "all": pl.lit("all"),
    "author": pl.col("author"),
    "reason": pl.col("reason_code"),
    "class": pl.col("abc"),
    "supplier": pl.when(pl.col("kind") == "purchase").then("from_location_id"),
    "category": pl.col("category"),
    "kind": pl.col("kind"),
}
PARTS = ("shortage_saved", "holding_saved", "ordering_saved", "doing_saved")
READ = (
    *("item_id", "action", "state", "value_added", "unit_cost", "demand_qty", "short_decided_qty"),
    *("target_service", *PARTS),
)
EVEN = 0.005  # money: less than half a cent made no difference


def totals(outcome: pl.DataFrame, params: LearningParams) -> pl.DataFrame:
    """Return the table `outcome_total`: what decisions that differ from the recommendation added.

    The interval of the sum takes an item as a block (`evidence.sums_by`) and a t law with one degree of
    freedom less than items; it is narrow where rare large gains have not happened yet, so that a verdict
    needs `least_cases` decisions on `least_items` items, and tells of what was, not of what will be.

    Parameters
    ----------
    outcome : table `outcome`
    params : confidence, least_cases, least_items
    """
    named = pl.concat(
        [outcome.with_columns(by=pl.lit(by), group=group.cast(pl.String)) for by, group in GROUPINGS.items()]
    ).drop_nulls("group")
    keys = ["by", "group"]
    differs, counted = pl.col("action") != "accepted", pl.col("state") == "counted"
    judged, value = counted & differs, pl.col("value_added")
    mattered = value.filter(judged & (value.abs() >= EVEN))
    cost = pl.col("unit_cost")
    asked = (pl.col("demand_qty") * cost).filter(counted).sum()
    missed = (pl.col("short_decided_qty") * cost).filter(counted).sum()
    found = named.group_by(keys, maintain_order=True).agg(
        *(pl.col(part).filter(judged).sum().alias(part) for part in PARTS),
        n_items=pl.col("item_id").filter(judged).n_unique().cast(pl.Int64),
        n_accepted=(counted & ~differs).sum().cast(pl.Int64),
        n_open=(pl.col("state") == "open").sum().cast(pl.Int64),
        n_unknown=(pl.col("state") == "unknown").sum().cast(pl.Int64),
        share_right=pl.when(mattered.len() > 0).then((mattered > 0).mean()),
        fill_achieved=pl.when(asked > 0).then(1.0 - missed / asked),
        fill_target=pl.col("target_service").filter(counted).mean(),
    )
    sums = sums_by(named.filter(judged), keys, "item_id", "value_added")
    joined = found.join(sums, on=keys, how="left", maintain_order="left").with_columns(
        n=pl.col("count").fill_null(0), value_added=pl.col("total").fill_null(0.0), value_mean="mean"
    )
    low, high = ends(joined["value_added"], joined["error"], joined["blocks"].fill_null(0), params.confidence)
    enough = (pl.col("n") >= params.least_cases) & (pl.col("n_items") >= params.least_items)
    judged_rows = joined.with_columns(
        value_low=pl.Series(low, nan_to_null=True), value_high=pl.Series(high, nan_to_null=True)
    ).with_columns(
        verdict=pl.when(~enough)
        .then(pl.lit("too_few"))
        .when(pl.col("value_low") > 0)
        .then(pl.lit("helped"))
        .when(pl.col("value_high") < 0)
        .then(pl.lit("cost"))
        .otherwise(pl.lit("unclear"))
    )
    return table("outcome_total").conform(judged_rows.select(table("outcome_total").names))
