"""Ways that goods go between stocking points: lanes, in force or not, and lines of bills of material."""

from datetime import date, timedelta

import polars as pl

from plimsoll.bom.structure import KEY, made_at, usable_lines

SOURCE = ["from_item_id", "from_location_id"]
LANE = ["item_id", "to_location_id", "from_location_id"]
IN_FORCE, ALTERNATIVE, UNREACHABLE = "in_force", "alternative", "network_unreachable"


def arcs_of(
    points: pl.DataFrame, lanes: pl.DataFrame, bom: pl.DataFrame, lead_times: pl.DataFrame, *, as_of: date
) -> pl.DataFrame:
    """Return the columns of table `network_arc`, one row a way, before any is refused.

    A lane between two stocking points of an item is an arc; a lane from elsewhere is shown as `outside`.
    Where an item is made, each component that is a stocking point of the plant is an arc. A component
    that is not comes from the stocking point that the plant's own best lane for it names, if there is
    one; else it is bought for the order and is no arc.

    Parameters
    ----------
    points : table `planning_point`
    lanes : table `lanes`: those not in force become arcs that are not
    bom : table `bom`; lines in force on the day after `as_of` count, lines of the same pair add up
    lead_times : table `lead_time_estimate`
    as_of : day of knowledge
    """
    days = lead_times.select(*LANE, mean_days="mean_days_est", sd_days="sd_days_est").unique(
        LANE, keep="first", maintain_order=True
    )
    arcs = pl.concat([_lanes(points, lanes, days), _bills(points, bom, lanes, days, as_of)])
    return arcs.sort(*KEY, *SOURCE)


def _lanes(points: pl.DataFrame, lanes: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Return lanes to stocking points; production is none, the lane in force need not be listed."""
    listed = lanes.rename({"to_location_id": "location_id"}).select(*KEY, "from_location_id", "priority")
    chosen = points.select(*KEY, "from_location_id", "supply_kind")
    rows = (
        listed.unique([*KEY, "from_location_id"], keep="first", maintain_order=True)
        .join(chosen.select(KEY), on=KEY, how="semi")
        .join(chosen, on=[*KEY, "from_location_id"], how="full", coalesce=True)
        .filter(pl.col("from_location_id") != pl.col("location_id"))
        .join(
            points.select(KEY).with_columns(kept=True),
            left_on=["item_id", "from_location_id"],
            right_on=KEY,
            how="left",
        )
        .join(days.rename({"to_location_id": "location_id"}), on=[*KEY, "from_location_id"], how="left")
    )
    chosen_here, kept = pl.col("supply_kind").is_not_null(), pl.col("kept").is_not_null()
    return rows.select(
        *KEY,
        from_item_id="item_id",
        from_location_id="from_location_id",
        kind=pl.when(kept).then(pl.lit("lane")).otherwise(pl.lit("outside")),
        quantity=pl.lit(1.0),
        priority=pl.col("priority").cast(pl.Int64),
        in_force=chosen_here,
        reason=pl.when(chosen_here).then(pl.lit(IN_FORCE)).otherwise(pl.lit(ALTERNATIVE)),
        mean_days="mean_days",
        sd_days="sd_days",
    )


def _bills(
    points: pl.DataFrame, bom: pl.DataFrame, lanes: pl.DataFrame, days: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """Return lines in force of bills, from where the component is kept to where its parent becomes stock."""
    tomorrow = as_of + timedelta(days=1)
    needs = (
        made_at(points)
        .join(usable_lines(bom, tomorrow, tomorrow), left_on="item_id", right_on="parent_item_id")
        .sort(*KEY, "component_item_id", "valid_from", "units")
        .group_by(*KEY, "plant", "component_item_id", maintain_order=True)
        .agg(quantity=pl.col("units").sum())
    )
    kept = points.select(component_item_id="item_id", from_location_id="location_id")
    here = needs.join(
        kept.with_columns(plant="from_location_id"), on=["component_item_id", "plant"], how="left"
    )
    sent = (
        lanes.select(
            component_item_id="item_id", plant="to_location_id", from_location_id="from_location_id",
            priority="priority",
        )
        .join(kept, on=["component_item_id", "from_location_id"], how="semi")
        .sort("component_item_id", "plant", "priority", "from_location_id", nulls_last=True)
        .unique(["component_item_id", "plant"], keep="first", maintain_order=True)
    )  # fmt: skip
    via = (
        here.filter(pl.col("from_location_id").is_null())
        .drop("from_location_id")
        .join(sent, on=["component_item_id", "plant"])
        .join(
            days,
            left_on=["component_item_id", "plant", "from_location_id"],
            right_on=["item_id", "to_location_id", "from_location_id"],
            how="left",
        )
    )
    rows = pl.concat([here.filter(pl.col("from_location_id").is_not_null()), via], how="diagonal")
    return rows.select(
        *KEY,
        from_item_id="component_item_id",
        from_location_id="from_location_id",
        kind=pl.lit("bill"),
        quantity="quantity",
        priority=pl.lit(None, pl.Int64),
        in_force=pl.lit(value=True),
        reason=pl.lit(IN_FORCE),
        mean_days="mean_days",
        sd_days="sd_days",
    )
