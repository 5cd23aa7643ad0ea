"""The four questions of one stocking point: what target, how much buffer, where, how much is excess."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean


@dataclass(frozen=True, slots=True)
class TargetAnswer:
    """What service is promised and why."""

    kind: str
    service: float
    source: str
    abc: str
    xyz: str
    criticality: str
    annual_value: float


@dataclass(frozen=True, slots=True)
class BufferAnswer:
    """How much buffer is held, in units, by cause; the classic figure for comparison."""

    policy: str
    policy_reason: str
    reorder_point_qty: float
    order_up_to_qty: float
    expected_protection_qty: float
    buffer_qty: float
    buffer_value: float
    demand_qty: float
    lead_time_qty: float
    lot_review_qty: float
    network_qty: float
    classic_safety_stock_qty: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where stock of the item is: one location; without a day of count nothing is recorded."""

    location_id: str
    counted_date: date | None
    on_hand_qty: float
    on_order_qty: float
    backlog_qty: float
    position_qty: float
    status: str
    cash_to_release: float


@dataclass(frozen=True, slots=True)
class ExcessAnswer:
    """How much of the stock is more than the policy wants, in money."""

    status: str
    on_hand_value: float
    healthy_value: float
    excess_value: float
    slow_value: float
    dead_value: float
    cash_to_release: float
    carrying_cost_per_year: float
    cover_days: float | None


@dataclass(frozen=True, slots=True)
class FourQuestions:
    """The answers for one point; `where` lists every location of the item, the point itself first."""

    item_id: str
    location_id: str
    target: TargetAnswer
    buffer: BufferAnswer
    where: tuple[Place, ...]
    excess: ExcessAnswer


def four_questions(
    item_id: str,
    location_id: str,
    *,
    points: pl.DataFrame,
    target: pl.DataFrame,
    policy: pl.DataFrame,
    outlook: pl.DataFrame,
    health: pl.DataFrame,
) -> FourQuestions:
    """Answer the four questions of one stocking point from finished tables.

    Parameters
    ----------
    item_id, location_id : the point
    points, target, policy, outlook, health : result tables of one run

    Returns
    -------
    FourQuestions
        Quantities in stocking units, values in money.

    Raises
    ------
    InputError
        If the point is not in one of the tables, with the nearest known name.
    """
    aim, rule, stock = (
        _row(frame, item_id, location_id) for frame in (target, policy, _places(outlook, health))
    )
    cost = _row(points, item_id, location_id)["unit_cost_eff"]
    here = pl.col("location_id") == location_id
    places = (
        _places(outlook, health).filter(pl.col("item_id") == item_id).sort(~here, "location_id").to_dicts()
    )
    return FourQuestions(
        item_id,
        location_id,
        TargetAnswer(
            aim["target_kind_eff"],
            aim["target_service_eff"],
            aim["target_source"],
            aim["abc"],
            aim["xyz"],
            aim["criticality"],
            aim["annual_value"],
        ),
        BufferAnswer(
            policy=rule["policy"],
            policy_reason=rule["policy_reason"],
            reorder_point_qty=rule["reorder_point_qty"],
            order_up_to_qty=rule["order_up_to_qty"],
            expected_protection_qty=rule["expected_protection_qty"],
            buffer_qty=rule["buffer_qty"],
            buffer_value=rule["buffer_qty"] * cost,
            demand_qty=rule["buffer_demand_qty"],
            lead_time_qty=rule["buffer_lead_time_qty"],
            lot_review_qty=rule["buffer_lot_review_qty"],
            network_qty=rule["buffer_network_qty"] or 0.0,  # unknown in plans made place by place
            classic_safety_stock_qty=rule["classic_safety_stock_qty"],
        ),
        tuple(Place(**{name: place[name] for name in Place.__slots__}) for place in places),
        ExcessAnswer(**{name: stock[name] for name in ExcessAnswer.__slots__}),
    )


def _places(outlook: pl.DataFrame, health: pl.DataFrame) -> pl.DataFrame:
    """Return health with the parts of the position."""
    names = ("item_id", "location_id", "counted_date", "on_order_qty", "backlog_qty", "position_qty")
    parts = outlook.select(names)
    return health.join(parts, on=["item_id", "location_id"])


def _row(frame: pl.DataFrame, item_id: str, location_id: str) -> dict[str, Any]:
    """Return the one row of a point, or say what is known."""
    of_item = frame.filter(pl.col("item_id") == item_id)
    found = of_item.filter(pl.col("location_id") == location_id)
    if found.height:
        return found.row(0, named=True)
    if of_item.height:
        what = f"There is no stocking point {item_id} @ {location_id} in the plan."
        known = of_item["location_id"].to_list()
        hint = did_you_mean(location_id, known) or f"{item_id} is kept at {', '.join(known[:5])}."
    else:
        what = f"There is no item {item_id} in the plan."
        hint = did_you_mean(item_id, frame["item_id"].unique().sort().to_list())
    raise InputError(what, remedy=hint)
