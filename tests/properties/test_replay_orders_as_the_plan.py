"""The replay orders what the plan would order from the same position: two codes, one rule."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.maths.kernels import replay as kernel
from plimsoll.replay.run import KINDS
from plimsoll.replenish.lots import with_quantity

N = 300


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_quantities_are_those_of_the_order_list(seed):
    rng = np.random.default_rng(seed)
    policy = rng.choice(["none", "base_stock", "s_S", "s_nQ"], N)
    multiple = rng.choice([0.0, 1.0, 12.0], N)
    reorder = np.floor(rng.uniform(-1, 40, N))
    lot = np.where(
        policy == "s_nQ", np.maximum(multiple, 1.0) * rng.integers(1, 4, N), rng.integers(1, 30, N)
    )
    up_to = reorder + lot
    position = np.floor(rng.uniform(-30, 60, N)) + rng.choice([0.0, 0.5], N)
    limit = rng.choice([np.inf, 30.0], N)
    minimum = rng.choice([0.0, 20.0], N)
    state = pl.DataFrame(
        {
            "policy": policy, "position_qty": position, "reorder_point_qty": reorder,
            "order_up_to_qty": up_to, "lot_qty": lot, "order_multiple": multiple, "min_order_qty": minimum,
            "planned": True,
            "left_out_reason": None, "owed_to_customers_qty": np.maximum(-position, 0.0),
            "is_too_late": False, "last_buy_qty": None, "economic_lot_qty": 1.0,
            "position_limit_qty": pl.Series(limit).replace(np.inf, None),
        }
    ).cast({"last_buy_qty": pl.Float64, "left_out_reason": pl.String})  # fmt: skip
    expected = with_quantity(state, order_owed_when_not_held=True)["quantity"].to_list()
    rules = kernel.rules_of(
        np.array([KINDS[name] for name in policy]), reorder, up_to,
        minimum=minimum, multiple=np.where(multiple > 0, multiple, 1.0), limit=limit,
    )  # fmt: skip
    found = [kernel.quantity_of(rule, y, 0.0) for rule, y in zip(rules, position, strict=True)]
    assert found == pytest.approx(expected)
