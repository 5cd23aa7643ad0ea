"""What holds for every policy: more stock serves no worse; units, money and threads do not matter."""

from itertools import pairwise

import numba
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from plimsoll.maths.kernels import policy as kernel
from plimsoll.maths.kernels.policy_laws import position_weights
from plimsoll.maths.ragged import bounds_of
from plimsoll.policy import PolicyParams, size

N = 300


def _entries(seed):
    """Ragged laws of N random entries, with lots, rules and review intervals."""
    rng = np.random.default_rng(seed)
    laws = ([], [], [])
    for _ in range(N):
        review = rng.random(rng.integers(1, 9)) * (rng.random() < 0.7) + np.eye(1, 9, 0)[0, :1]
        lead = rng.random(rng.integers(1, 30)) ** 3
        for kept, law in zip(laws, (review, lead, np.convolve(review, lead)), strict=True):
            kept.append(law / law.sum())
    ragged = [
        part for kept in laws for part in (np.concatenate(kept), bounds_of(np.array([*map(len, kept)])))
    ]
    return (
        *ragged,
        rng.choice([1.0, 4.3], N),
        rng.choice([1, 2, 5, 40], N),
        rng.random(N) < 0.4,
        rng.random(N) < 0.5,
    )


def _run(entries, kind, target):
    return kernel.size_policies(*entries, np.full(N, kind), np.full(N, float(target)))


@pytest.mark.parametrize("seed", [1, 2])
def test_more_stock_never_lowers_service(seed):
    entries = _entries(seed)
    before = None
    for level in range(-1, 40):
        found = _run(entries, kernel.GIVEN, level)
        assert ((found[:, 2:4] >= 0) & (found[:, 2:4] <= 1)).all()
        if before is not None:
            assert (found[:, 2:4] >= before[:, 2:4] - 1e-9).all()
        before = found


@pytest.mark.parametrize("kind", [kernel.CYCLE, kernel.FILL, kernel.ECONOMIC])
def test_a_higher_target_never_lowers_the_level(kind):
    entries = _entries(3)
    targets = (0, 0.3, 0.8, 0.95, 0.99, 1) if kind != kernel.ECONOMIC else (0, 1, 10, 100, 1e4, 1e9)
    found = [_run(entries, kind, target) for target in targets]
    for low, high in pairwise(found):
        assert (high[:, kernel.LEVEL] >= low[:, kernel.LEVEL]).all()
        assert (high[:, kernel.BASE_LEVEL] >= low[:, kernel.BASE_LEVEL]).all()
    if kind != kernel.ECONOMIC:
        column = kernel.CYCLE_SERVICE if kind == kernel.CYCLE else kernel.FILL_RATE
        for target, rows in zip(targets, found, strict=True):
            assert (rows[:, column] >= target - 1e-9).all()


def test_stock_backlog_and_position_add_up():
    """Stock less backlog is the mean position less the demand met by the count, under backlog and R = 1."""
    entries = _entries(4)
    entries = (*entries[:6], np.ones(N), entries[7], entries[8], np.zeros(N, dtype=bool))
    found = _run(entries, kernel.FILL, 0.9)
    protection, bounds = entries[4], entries[5]
    mean = np.array([protection[a:b] @ np.arange(b - a) for a, b in pairwise(bounds)])
    net = found[:, kernel.ON_HAND] - found[:, kernel.BACKLOG]
    review, ends = entries[0], entries[1]
    offset = [
        position_weights.py_func(review[ends[e] : ends[e + 1]], int(entries[7][e]), bool(entries[8][e]), 1)[1]
        if review[ends[e]] < 1
        else (entries[7][e] + 1) / 2
        for e in range(N)
    ]
    assert net == pytest.approx(found[:, kernel.LEVEL] + np.array(offset) - mean, abs=1e-8)


def test_any_number_of_threads_gives_the_same_bits():
    entries = _entries(5)
    many = _run(entries, kernel.FILL, 0.95)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = _run(entries, kernel.FILL, 0.95)
    finally:
        numba.set_num_threads(before)
    assert_array_equal(many, one)


def _tables(company, step=1.0, money=1.0, **given):
    def scaled(law):
        return {units * step: share for units, share in law.items()}

    point = {
        "step_qty": step,
        "review": scaled({0: 0.4, 1: 0.3, 4: 0.3}),
        "lead": scaled({0: 0.2, 3: 0.5, 9: 0.3}),
        "protection": scaled({0: 0.1, 1: 0.1, 4: 0.4, 9: 0.2, 13: 0.2}),
        "rate": step * 1.5 / 7,
        "unit_cost_eff": 10.0 * money / step,
        "order_cost_eff": 3.0 * money,
        "order_multiple_eff": 0.0,
        "target_service_eff": 0.9,
    }
    tables = company(point | given)
    return size(tables["points"], tables["demand_estimate"], tables["target"], PolicyParams())


QUANTITIES = [
    "lot_qty", "reorder_point_qty", "order_up_to_qty", "buffer_qty", "buffer_demand_qty",
    "buffer_lead_time_qty", "buffer_lot_review_qty", "on_hand_mean_qty", "backlog_mean_qty",
]  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(kind=st.sampled_from(["cycle", "fill"]), target=st.floats(0.5, 0.999), lost=st.booleans())
def test_units_and_money_do_not_matter(company, kind, target, lost):
    given = {
        "target_kind_eff": kind,
        "target_service_eff": target,
        "unmet_demand_eff": "lost" if lost else "backlog",
    }
    plain = _tables(company, **given)
    tens = _tables(company, step=10.0, **given)
    rich = _tables(company, money=1000.0, **given)
    shares = ["cycle_service_est", "fill_rate_est", "orders_per_year_est"]
    assert tens.select(shares).row(0) == pytest.approx(plain.select(shares).row(0))
    wanted = plain.select(pl.col(QUANTITIES) * 10).row(0)
    assert tens.select(QUANTITIES).row(0) == pytest.approx(wanted)
    assert rich.select(QUANTITIES).row(0) == pytest.approx(plain.select(QUANTITIES).row(0))


def test_order_of_rows_and_neighbours_change_nothing(company):
    """Whether the policy has a formula or is simulated (here every other point loses unmet demand)."""
    tables = company(
        *(
            {
                "item": f"I{n:03}", "target_service_eff": 0.5 + n / 100, "review": {0: 0.5, 20: 0.5},
                "unmet_demand_eff": "lost" if n % 2 else "backlog",
            }
            for n in range(40)
        )
    )  # fmt: skip
    args = tables["points"], tables["demand_estimate"], tables["target"]
    rest = PolicyParams(), tables["lead_times"]
    plain = size(*args, *rest)
    assert set(plain["method_used"]) == {"exact", "simulated"}
    mixed = size(*(frame.sample(fraction=1, shuffle=True, seed=9) for frame in args), *rest)
    alone = size(args[0].filter(pl.col("item_id") == "I007"), *args[1:], *rest)
    assert plain.equals(mixed)
    assert plain.filter(pl.col("item_id") == "I007").equals(alone)
