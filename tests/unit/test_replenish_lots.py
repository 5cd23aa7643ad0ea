"""Order quantities by hand: every policy, minimum order and multiples."""

import polars as pl
import pytest

from plimsoll.replenish.lots import with_quantity

STATE = {
    "policy": "s_S",
    "position_qty": 0.0,
    "reorder_point_qty": 100.0,
    "order_up_to_qty": 160.0,
    "lot_qty": 60.0,
    "economic_lot_qty": 60.0,
    "min_order_qty": 0.0,
    "order_multiple": 0.0,
    "owed_to_customers_qty": 0.0,
    "planned": True,
    "left_out_reason": None,
    "position_limit_qty": None,
    "last_buy_qty": None,
    "is_too_late": False,
}
UNKNOWN = {"left_out_reason": pl.String, "position_limit_qty": pl.Float64, "last_buy_qty": pl.Float64}


def quantity(order_owed_when_not_held=True, **given):
    frame = pl.DataFrame([STATE | given], schema_overrides=UNKNOWN)
    return with_quantity(frame, order_owed_when_not_held=order_owed_when_not_held)["quantity"].item()


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ({"position_qty": 100.0}, 60.0),  # at the reorder point
        ({"position_qty": 100.5}, 0.0),  # above it
        ({"position_qty": 90.0}, 70.0),  # up to S
        ({"position_qty": -20.0}, 180.0),
        ({"position_qty": 90.3}, 70.0),  # 69.7, in whole units
        ({"position_qty": 90.0, "min_order_qty": 500.0}, 500.0),
        ({"position_qty": 90.0, "order_multiple": 25.0}, 75.0),
        ({"position_qty": 90.0, "min_order_qty": 90.0, "order_multiple": 25.0}, 100.0),
        ({"policy": "s_nQ", "position_qty": 100.0}, 60.0),  # 100 + 60 > 100
        ({"policy": "s_nQ", "position_qty": 41.0}, 60.0),  # 41 + 60 > 100
        ({"policy": "s_nQ", "position_qty": 40.0}, 120.0),  # 40 + 60 is not above 100
        ({"policy": "s_nQ", "position_qty": 101.0}, 0.0),
        ({"policy": "base_stock", "position_qty": 150.0}, 10.0),  # every review, whatever s
        ({"policy": "base_stock", "position_qty": 160.0}, 0.0),
        ({"policy": "base_stock", "position_qty": 160.0 - 1e-12}, 0.0),
        ({"policy": "none", "position_qty": -5.0}, 0.0),  # nothing owed to customers
        ({"policy": "none", "position_qty": -5.0, "owed_to_customers_qty": 9.0}, 5.0),
        ({"policy": "none", "position_qty": 2.0, "owed_to_customers_qty": 9.0}, 0.0),
    ],
)
def test_quantity(given, ordered):
    assert quantity(**given) == ordered


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ({"position_qty": 90.0, "position_limit_qty": 120.0}, 30.0),  # 70 wanted, room for 30
        ({"position_qty": 90.0, "position_limit_qty": 200.0}, 70.0),  # room enough
        ({"position_qty": 90.0, "position_limit_qty": 80.0}, 0.0),
        ({"position_qty": 90.0, "position_limit_qty": 120.0, "min_order_qty": 50.0}, 50.0),  # most of it fits
        (
            {"position_qty": 90.0, "position_limit_qty": 120.0, "min_order_qty": 80.0},
            0.0,
        ),  # most would be left
        ({"position_qty": 90.0, "is_too_late": True}, 0.0),
        ({"position_qty": 500.0, "position_limit_qty": 800.0, "last_buy_qty": 300.0}, 300.0),  # above s
        ({"policy": "none", "position_qty": 0.0, "position_limit_qty": 8.0, "last_buy_qty": 8.0}, 8.0),
        ({"position_qty": 90.0, "position_limit_qty": 90.0, "last_buy_qty": 0.0}, 0.0),
    ],
)
def test_near_the_end_no_more_is_bought_than_is_worth_having(given, ordered):
    assert quantity(**given) == ordered


def test_units_owed_where_nothing_is_held_follow_the_option_and_the_reason():
    owed = {"policy": "none", "position_qty": -5.0, "owed_to_customers_qty": 5.0, "planned": False}
    assert quantity(**owed, left_out_reason="do_not_stock") == 5.0
    assert quantity(**owed, left_out_reason="ended") == 0.0
    assert quantity(**owed, left_out_reason="engineered") == 0.0
    assert quantity(**owed, left_out_reason="do_not_stock", order_owed_when_not_held=False) == 0.0
