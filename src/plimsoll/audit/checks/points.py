"""Checks on stocking points: levels that contradict each other, no lane, stock where none should be."""

import polars as pl

from plimsoll.audit.company import Company
from plimsoll.audit.facts import costs, newest_counts, yearly_use
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import POINT, Repair, doubtful, figure


@check(
    severity="warning",
    table="stocking_points",
    what="{n} stocking point<|s> <has|have> a maximum below <its|their> minimum ({keys}).",
    why="A system that orders up to less than it orders at never stops, or never orders.",
    remedy="Swap or correct the two levels.",
)
def reversed_min_max(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points with max < min; the money is the gap between the two at cost."""
    wrong = company.known["stocking_points"].filter(pl.col("current_max") < pl.col("current_min"))
    return doubtful(
        wrong.join(costs(company), on="item_id", how="left", maintain_order="left"),
        POINT,
        pl.format("minimum {}, maximum {}", figure(pl.col("current_min")), figure(pl.col("current_max"))),
        money=(pl.col("current_min") - pl.col("current_max")) * pl.col("cost"),
        repair=Repair("set", "current_max", pl.col("current_min")),
    )


@check(
    severity="info",
    table="stocking_points",
    what="{n} stocking point<|s> <has|have> a safety stock above <its|their> minimum ({keys}).",
    why="The reorder point should hold the safety stock and the demand of the lead time on top.",
    remedy="Correct one of the two levels.",
)
def safety_stock_above_minimum(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points whose safety stock is above their reorder point."""
    wrong = company.known["stocking_points"].filter(pl.col("current_safety_stock") > pl.col("current_min"))
    figures = [figure(pl.col(name)) for name in ("current_safety_stock", "current_min")]
    return doubtful(wrong, POINT, pl.format("safety stock {}, minimum {}", *figures))


@check(
    severity="warning",
    table="lanes",
    what="{n} stocking point<|s> <has|have> no lane to be replenished on ({keys}).",
    why="Lead time, minimum and supplier of <its|their> orders are unknown.",
    remedy="Add <its|their> lane<|s>; those seen in receipts can be taken over.",
    covers=("lanes_unknown",),
)
def point_without_lane(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points that no listed lane serves; the money is a month's use at cost.

    A lane seen in receipts makes it worth knowing (info) instead of a warning. Where no lane at all is
    listed, the company does not keep them, which the import says.
    """
    listed = company.given.get("lanes", company.known["lanes"].clear())
    points = company.known["stocking_points"]
    if listed.is_empty():
        points = points.clear()
    bare = points.select(POINT).join(
        listed.select("item_id", location_id="to_location_id"), on=POINT, how="anti", maintain_order="left"
    )
    seen = company.known["receipts"].select("item_id", location_id="to_location_id", seen="from_location_id")
    seen = seen.sort("seen").unique(POINT, keep="first", maintain_order=True)
    use = yearly_use(company)
    bare = bare.join(seen, on=POINT, how="left", maintain_order="left")
    bare = bare.join(use, on=POINT, how="left", maintain_order="left")
    return doubtful(
        bare.join(costs(company), on="item_id", how="left", maintain_order="left"),
        POINT,
        pl.when(pl.col("seen").is_not_null())
        .then(pl.format("no lane is listed; receipts come from {}", "seen"))
        .otherwise(pl.lit("no lane is listed, and nothing was ever received")),
        money=pl.col("use") / 12 * pl.col("cost"),
        severity=pl.when(pl.col("seen").is_not_null()).then(pl.lit("info")).otherwise(pl.lit("warning")),
    )


@check(
    severity="warning",
    table="stock",
    what="{n} stocking point<|s> marked as not to be stocked <holds|hold> stock ({keys}).",
    why="Nothing plans for <it|them>, so what is there stays there.",
    remedy="Move the stock away, or lift the mark.",
)
def stock_where_forbidden(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return points with do_not_stock that hold stock; the money is the stock at cost."""
    barred = company.known["stocking_points"].filter("do_not_stock")
    held = newest_counts(company).filter(pl.col("on_hand") > 0).join(barred, on=POINT, how="semi")
    return doubtful(
        held.join(costs(company), on="item_id", how="left", maintain_order="left"),
        POINT,
        pl.format("{} units on hand", figure(pl.col("on_hand"))),
        money=pl.col("on_hand") * pl.col("cost"),
    )
