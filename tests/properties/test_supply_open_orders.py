"""Lead times of a short history: what open orders mend, on simulated suppliers whose truth is known."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll import supply
from plimsoll.domain.tables import table

AS_OF = date(2026, 6, 30)
KEY = ["item_id", "to_location_id", "from_location_id"]
MEAN, CV, SUPPLIERS, ORDERS = 40.0, 0.4, 40, 60


def company(seed, days_of_history, change=None):
    """Return (receipts, open orders, lanes): gamma lead times, orders on any day of the last few."""
    rng = np.random.default_rng(seed)
    n = SUPPLIERS * ORDERS
    age = rng.integers(1, days_of_history + 1, n)
    mean = np.full(n, MEAN) if change is None else np.where(age > change[0], MEAN, change[1])
    days = np.maximum(rng.gamma(1 / CV**2, mean * CV**2).round().astype(int), 1)
    ordered = np.datetime64(AS_OF) - age
    every = pl.DataFrame(
        {
            "order_id": np.arange(n).astype(str),
            "item_id": np.repeat("A", n),
            "to_location_id": np.repeat("DC", n),
            "from_location_id": np.char.zfill((np.arange(n) % SUPPLIERS).astype(str), 3),
            "ordered_date": ordered,
            "received_date": ordered + days,
            "quantity": np.ones(n),
        }
    )
    received = every.filter(pl.col("received_date") <= AS_OF)
    still_open = every.filter(pl.col("received_date") > AS_OF).drop("received_date")
    return (
        table("receipts").conform(received),
        table("open_orders").conform(still_open),
        table("lanes").conform(every.select(KEY).unique()),
    )


def estimates(seed, days_of_history):
    received, still_open, lanes = company(seed, days_of_history)
    params = supply.SupplyParams()
    blind = supply.estimate(received, lanes, params, as_of=AS_OF)
    return blind, supply.estimate(received, lanes, params, as_of=AS_OF, open_orders=still_open)


@pytest.fixture(scope="module")
def short():
    return [estimates(seed, 75) for seed in range(1, 6)]


def mean_bias(frames):
    return float(np.mean([frame["mean_days_est"].mean() for frame in frames]) / MEAN - 1)


def test_the_mean_is_unbiased_where_ignoring_open_orders_is_not(short):
    """History is 75 days, lead times are 40 days: -15.3 % without open orders, -0.2 % with them.

    12,000 orders of which half are received: the standard error of a mean of 6,000 orders is
    0.4 / sqrt(6000) = 0.5 %, four of them 2 % (false alarm 6e-5).
    """
    blind, seen = (mean_bias(frames) for frames in zip(*short, strict=True))
    assert blind < -0.13
    assert abs(seen) < 0.02


def test_the_spread_is_nearer_to_the_truth(short):
    blind, seen = (
        float(np.mean([frame["sd_days_est"].mean() for frame in frames]) / (CV * MEAN) - 1)
        for frames in zip(*short, strict=True)
    )
    assert blind < -0.2  # -24 % without open orders
    assert -0.12 < seen < 0.05  # -10 % with them


def test_open_orders_hardly_matter_in_a_long_steady_history():
    blind, seen = estimates(9, 2000)
    assert seen["n_open_orders"].sum() > 0
    assert np.abs(seen["mean_days_est"] / blind["mean_days_est"] - 1).max() < 0.05


def test_late_orders_raise_the_estimate_before_they_arrive():
    """Lead times doubled 45 days ago: nothing of it has arrived but the short, open orders know."""
    received, still_open, lanes = company(11, 700, change=(45, 2 * MEAN))
    params = supply.SupplyParams()
    blind = supply.estimate(received, lanes, params, as_of=AS_OF)["mean_days_est"].mean()
    seen = supply.estimate(received, lanes, params, as_of=AS_OF, open_orders=still_open)[
        "mean_days_est"
    ].mean()
    assert seen > blind + 0.5


def test_order_of_open_orders_changes_nothing():
    received, still_open, lanes = company(12, 90)
    first, other = (
        supply.estimate(received, lanes, supply.SupplyParams(), as_of=AS_OF, open_orders=frame)
        for frame in (still_open, still_open.sample(fraction=1.0, shuffle=True, seed=3))
    )
    assert first.equals(other)
    for column in ("mean_days_est", "sd_days_est"):
        assert first[column].to_numpy().tobytes() == other[column].to_numpy().tobytes()


def test_atoms_carry_the_estimate_with_open_orders(short):
    found = short[0][1]
    days, share = found["atom_days"], found["atom_probability"]
    for row, (atom, p) in enumerate(zip(days, share, strict=True)):
        assert (atom * p).sum() == pytest.approx(found["mean_days_est"][row], rel=1e-9)
        assert len(atom) <= 24
        spread = np.sqrt((atom**2 * p).sum() - (atom * p).sum() ** 2)
        assert spread == pytest.approx(found["sd_days_est"][row], rel=1e-6)


def test_without_any_receipt_only_overdue_orders_tell():
    """Orders that are not due yet take longer than they have so far: that is what their due dates promise."""
    received, still_open, lanes = company(12, 90)
    one = lanes.head(1).with_columns(lead_time_days_set=pl.lit(14.0))
    order = still_open.head(1).with_columns(pl.lit(one[name].item()).alias(name) for name in KEY)
    placed = AS_OF - timedelta(days=20)
    found = []
    for due in (AS_OF + timedelta(days=1), AS_OF - timedelta(days=6)):
        waiting = order.with_columns(ordered_date=pl.lit(placed), due_date=pl.lit(due))
        estimate = supply.estimate(
            received.clear(), one, supply.SupplyParams(), as_of=AS_OF, open_orders=waiting
        )
        found.append((estimate["mean_days_est"].item(), estimate["method_used"].item()))
    assert found[0] == (14.0, "typed")
    assert found[1][0] > 14.0
