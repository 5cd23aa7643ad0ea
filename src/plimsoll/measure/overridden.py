"""What people's overrides changed: computed, set and in force, side by side."""

from dataclasses import dataclass

import polars as pl

from plimsoll.domain.overridden import KEY
from plimsoll.domain.tables import table

POINT = ["item_id", "location_id"]
# field -> table and column of what was computed, and of what is in force
WHERE: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "service": (("target", "target_service_opt"), ("target", "target_service_eff")),
    "days": (("lead_times", "mean_days_est"), ("lead_time_estimate", "mean_days_est")),
    "reorder_point": (("policy", "reorder_point_opt_qty"), ("policy", "reorder_point_qty")),
    "order_up_to": (("policy", "order_up_to_opt_qty"), ("policy", "order_up_to_qty")),
    "lot": (("policy", "economic_lot_qty"), ("policy", "lot_qty")),
    "review_days": (("points", "review_days_eff"), ("planning_point", "review_days_eff")),
    "min_order": (("points", "min_order_qty_eff"), ("planning_point", "min_order_qty_eff")),
    "order_multiple": (("points", "order_multiple_eff"), ("planning_point", "order_multiple_eff")),
    "rate": (("demand_estimate", "mean_per_day_opt"), ("demand_estimate", "mean_per_day_est")),
}
WORDS: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "kind": (("points", "target_kind_set"), ("target", "target_kind_eff")),
    "do_not_stock": (("points", "stopped"), ("planning_point", "stopped")),
}
DECLARED = table("override_effect")


@dataclass(frozen=True, slots=True)
class Overridden:
    """What there was before people's overrides: points as the data give them, lead times as estimated.

    `won` : the overrides that count, as of `domain.overridden.winners`
    """

    points: pl.DataFrame
    lead_times: pl.DataFrame
    won: pl.DataFrame


def override_effects(before: Overridden, tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the table `override_effect`, one row a value that a person set at a point or on a lane.

    A kind of target has no computed word where the data name none: the class decides it.

    Parameters
    ----------
    before : the values without overrides, and those that count
    tables : planning_point, lead_time_estimate, demand_estimate, target and policy of the plan
    """
    known = tables | {"points": _stopped(before.points), "lead_times": before.lead_times}
    known["planning_point"] = _stopped(tables["planning_point"])
    parts = [table("override_effect").empty()]
    is_rate = pl.col("kind") == "forecast"
    asked = before.won.with_columns(of=pl.when(is_rate).then(pl.lit("rate")).otherwise("field"))
    for kind, places in (("value", WHERE), ("text", WORDS)):
        for name, (opt, eff) in places.items():
            rows = asked.filter(pl.col("of") == name)
            if not rows.height:
                continue
            for suffix, (of, column) in (("opt", opt), ("eff", eff)):
                rows = _with(rows, known[of], column, f"{kind}_{suffix}")
            said = pl.col("value" if kind == "value" else "value_text").alias(f"{kind}_set")
            chosen = rows.select(*KEY, "kind", "field", "override_id", said, f"{kind}_opt", f"{kind}_eff")
            parts.append(DECLARED.conform(chosen))
    return DECLARED.conform(pl.concat(parts))


def _stopped(points: pl.DataFrame) -> pl.DataFrame:
    is_stopped = (pl.col("left_out_reason") == "do_not_stock").fill_null(value=False)
    return points.with_columns(stopped=pl.when(is_stopped).then(pl.lit("true")).otherwise(pl.lit("false")))


def _with(rows: pl.DataFrame, frame: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """Return the rows with a column of another table, joined by point or by lane."""
    if "to_location_id" in frame.columns:
        lanes = frame.select(
            "item_id", "from_location_id", location_id="to_location_id", **{name: pl.col(column)}
        )
        return rows.join(lanes, on=KEY, how="left", maintain_order="left")
    found = frame.select(*POINT, **{name: pl.col(column)})
    return rows.join(found, on=POINT, how="left", maintain_order="left")
