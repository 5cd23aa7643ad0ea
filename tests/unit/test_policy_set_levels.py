"""What a level set by a person means for lot, kind of policy and the question to the kernels, by hand."""

import polars as pl
import pytest

from plimsoll.maths.kernels.policy import GIVEN
from plimsoll.policy.set_levels import at_set_levels, with_set_columns

SIZED = {
    "policy": "s_S", "lot_qty": 40.0, "order_multiple_eff": 0.0, "unit_qty": 1.0, "step_qty": 2.0,
    "reorder_point_set": None, "order_up_to_set": None,
}  # fmt: skip
BASE = {"policy": "base_stock", "lot_qty": 1.0, "step_qty": 1.0}
LOTS = {"policy": "s_nQ", "order_multiple_eff": 12.0, "lot_qty": 48.0}


def asked(**given):
    numbers = {"reorder_point_set": pl.Float64(), "order_up_to_set": pl.Float64()}
    (row,) = at_set_levels(pl.DataFrame([SIZED | given], schema_overrides=numbers)).to_dicts()
    assert row["kind"] == GIVEN
    return row["policy"], row["asked_qty"], row["asked_qty"] + row["lot_qty"], row["target"], row["lot_steps"]


@pytest.mark.parametrize(
    ("given", "policy", "low", "high", "level", "lot"),
    [
        # s alone, S alone and both, at a point that orders up to S; a step is 2 units
        ({"reorder_point_set": 30.0}, "s_S", 30.0, 70.0, 15, 20),
        ({"order_up_to_set": 100.0}, "s_S", 60.0, 100.0, 30, 20),
        ({"reorder_point_set": 30.0, "order_up_to_set": 100.0}, "s_S", 30.0, 100.0, 15, 35),
        # between steps service is that of the step below
        ({"reorder_point_set": 31.0}, "s_S", 31.0, 71.0, 15, 20),
        # base stock stays so, with s a unit below S, unless both are set further apart
        (BASE | {"reorder_point_set": 9.0}, "base_stock", 9.0, 10.0, 9, 1),
        (BASE | {"order_up_to_set": 10.0}, "base_stock", 9.0, 10.0, 9, 1),
        (BASE | {"reorder_point_set": 9.0, "order_up_to_set": 10.0}, "base_stock", 9.0, 10.0, 9, 1),
        (BASE | {"reorder_point_set": 9.0, "order_up_to_set": 15.0}, "s_S", 9.0, 15.0, 9, 6),
        # lots are whole multiples: 50 above 30 become 60
        (LOTS | {"reorder_point_set": 30.0, "order_up_to_set": 80.0}, "s_nQ", 30.0, 90.0, 15, 30),
        (LOTS | {"order_up_to_set": 80.0}, "s_nQ", 32.0, 80.0, 16, 24),
        # a reorder point that is not below the order-up-to level leaves that without effect
        ({"reorder_point_set": 30.0, "order_up_to_set": 30.0}, "s_S", 30.0, 70.0, 15, 20),
    ],
)
def test_levels_by_hand(given, policy, low, high, level, lot):
    assert asked(**given) == (policy, low, high, level, lot)


def test_columns_of_older_points_are_unknown():
    frame = with_set_columns(pl.DataFrame({"item_id": ["A"], "lot_qty_set": [5.0]}))
    assert frame.row(0, named=True) == {
        "item_id": "A", "lot_qty_set": 5.0, "reorder_point_set": None, "order_up_to_set": None
    }  # fmt: skip
