"""Figures by hand, intervals that are paired, and differences that add up."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from plimsoll import replay
from plimsoll.domain.tables import table
from plimsoll.replay.intervals import interval, resample

PARAMS = replay.ReplayParams(resamples=400)
COUNTS = ("unobserved_periods", "lost_qty", "received_qty", "clear_periods", "on_order_mean_qty",
          "backlog_mean_qty", "opening_qty", "closing_qty", "lines", "full_lines")  # fmt: skip


def _row(rule, item, **given):
    return {
        "rule": rule, "item_id": item, "location_id": "M", "abc": "A", "periods": 26.0, "demand_qty": 100.0,
        "served_qty": 90.0, "paid_back_qty": 10.0, "ordered_qty": 80.0, "orders": 4.0, "cycles": 4.0,
        "good_cycles": 3.0, "demand_periods": 20.0, "full_periods": 18.0, "shortages": 2.0,
        "on_hand_mean_qty": 50.0, "unit_cost": 2.0, "unit_price": 3.0, "customer_share": 1.0,
    } | dict.fromkeys(COUNTS, 0.0) | given  # fmt: skip


def _ledger(*rows):
    return table("ledger").conform(pl.DataFrame(rows, infer_schema_length=None))


NO_PAST = pl.DataFrame(
    {"item_id": ["A", "B"], "n_counted": [0, 0]}
    | {
        name: pl.Series([None, None], dtype=pl.Float64)
        for name in ("inventory", "cogs", "asked", "served", "expedite")
    }
)
LEDGER = _ledger(
    _row("ours", "A", cycle_service_est=0.8, fill_rate_est=0.95, expedite_cost=7.0),
    _row("ours", "B", on_hand_mean_qty=10.0, customer_share=0.5, abc="C", fill_rate_est=0.9),
    _row("current", "A", on_hand_mean_qty=80.0, served_qty=80.0, orders=2.0, expedite_cost=7.0),
    _row("current", "B", on_hand_mean_qty=5.0, customer_share=0.5, abc="C"),
)


def _value(found, figure, rule, column="value"):
    return found.filter(figure=figure, rule=rule)[column].item()


def test_figures_by_hand():
    found = replay.figures(LEDGER, ("ours", "current"), NO_PAST, "week", PARAMS, seed=1)
    year = 26 * 7 / 365.25
    assert _value(found, "inventory_value", "ours") == pytest.approx(120.0)
    assert _value(found, "fill_rate", "ours") == pytest.approx(0.9)
    assert _value(found, "fill_rate", "current") == pytest.approx((240 + 135) / 450)
    assert _value(found, "turns", "ours") == pytest.approx((200 + 100) / year / 120)
    assert _value(found, "expedite_spend", "ours") == pytest.approx(2 * 7 / year)
    assert _value(found, "cycle_service", "ours") == pytest.approx(0.75)
    assert _value(found, "cycle_service", "ours", "promised") == pytest.approx(0.8), "B promises no cycles"
    assert _value(found, "unit_service", "ours", "promised") == pytest.approx(0.925)
    assert _value(found, "unit_service", "current", "promised") is None
    assert _value(found, "inventory_value", "difference") == pytest.approx(120 - 170)
    assert _value(found, "line_fill_rate", "ours") is None, "no customer's line is known"
    assert _value(found, "fill_rate", "recorded") is None, "nothing on record is unknown, not zero"


def test_expediting_without_a_cost_is_unknown():
    bare = LEDGER.with_columns(expedite_cost=pl.lit(None, dtype=pl.Float64))
    found = replay.figures(bare, ("ours", "current"), NO_PAST, "week", PARAMS, seed=1)
    assert found.filter(figure="expedite_spend")["value"].null_count() == 3


def test_differences_add_up():
    found = replay.differences(LEDGER, "ours", "current")
    total = found.group_by("by").agg(pl.col("inventory_change").sum(), pl.col("inventory_after").sum())
    assert total["inventory_change"].to_list() == pytest.approx([-50.0] * 3)
    assert total["inventory_after"].to_list() == pytest.approx([120.0] * 3)
    lots = found.filter(by="part", group="lots").row(0, named=True)
    assert (lots["inventory_before"], lots["inventory_after"]) == (40.0 + 10.0, 20.0 + 20.0)
    assert found.filter(by="direction")["n_points"].to_list() == [1, 1]


def test_a_difference_is_paired():
    rng = np.random.default_rng(1)
    rows, n = [], 60
    for k, size in enumerate(rng.lognormal(3, 1, n)):
        rows += [
            _row("ours", f"I{k:02}", on_hand_mean_qty=size),
            _row("current", f"I{k:02}", on_hand_mean_qty=size + 1),
        ]
    past = pl.concat([NO_PAST.head(1)] * n).with_columns(item_id=pl.Series([f"I{k:02}" for k in range(n)]))
    found = replay.figures(_ledger(*rows), ("ours", "current"), past, "week", PARAMS, seed=1)
    row = found.filter(figure="inventory_value", rule="difference").row(0, named=True)
    assert row["value"] == pytest.approx(-120.0)
    assert row["low_95"] == pytest.approx(-120.0)
    assert row["high_95"] == pytest.approx(-120.0)
    assert _value(found, "inventory_value", "ours", "high_90") > 1.1 * _value(
        found, "inventory_value", "ours"
    )


def test_intervals_hold_what_they_say():
    # 90 % percentile intervals of a mean of 60: normal, so exact but for order 1/n and 300 resamples; over
    # 300 samples 84 to 96 % is 3.5 standard errors, a false alarm below 1e-3
    rng = np.random.default_rng(5)
    hits = 0
    for seed in range(300):
        low, high, _, _ = interval(resample(rng.normal(1.0, 1.0, (60, 1)), 300, seed).sums[:, 0] / 60)
        hits += low <= 1.0 <= high
    assert 0.84 <= hits / 300 <= 0.96


def test_every_place_of_an_item_is_drawn_with_it():
    both = [_row("ours", "A"), _row("ours", "A", location_id="N"), _row("ours", "B")]
    found = replay.figures(_ledger(*both), ("ours",), NO_PAST, "week", PARAMS, seed=1)
    assert found.filter(figure="inventory_value", rule="ours")["n_points"].item() == 3
    low, high = (_value(found, "inventory_value", "ours", end) for end in ("low_95", "high_95"))
    assert (low, high) == (200.0, 400.0), "twice B, or twice A at both places"


def test_the_records_tell_what_they_tell():
    ends = tuple(date(2026, 6, 7 + 7 * t) for t in range(4))
    world = type("World", (), {"clock": replay.Clock("week", ends, (0,), 1), "warm_up": 0})
    line = {"item_id": "A", "location_id": "M", "quantity": 10.0}
    lines = [
        line | {"date": date(2026, 6, 9), "order_id": "1", "shipped_date": date(2026, 6, 12)},
        line | {"date": date(2026, 6, 16), "order_id": "2", "shipped_date": date(2026, 6, 30)},
        line | {"date": date(2026, 6, 17), "order_id": "3", "shipped_date": date(2026, 6, 30),
                "promised_date": date(2026, 7, 9), "shipped_quantity": 10.0},
        line | {"date": date(2026, 6, 18), "order_id": "4"},
    ]  # fmt: skip
    counts = [{"date": date(2026, 6, day), "item_id": "A", "location_id": "M", "on_hand": held}
              for day, held in ((10, 4.0), (20, 8.0), (5, 99.0))]  # fmt: skip
    receipt = {
        "order_id": "P", "item_id": "A", "to_location_id": "M", "from_location_id": "S",
        "received_date": date(2026, 6, 15), "quantity": 1.0, "expedited": True, "freight_cost": 30.0,
    }  # fmt: skip
    facts = {
        "demand": table("demand").conform(pl.DataFrame(lines, infer_schema_length=None)),
        "stock": table("stock").conform(pl.DataFrame(counts)),
        "receipts": table("receipts").conform(pl.DataFrame([receipt])),
    }
    kept = pl.DataFrame({"item_id": ["A", "B"], "location_id": "M", "unit_cost": 2.0, "unit_price": 3.0})
    told = replay.recorded(facts, world, kept, as_of=date(2026, 6, 30), carry_days=10)
    known, unknown = told.rows(named=True)
    # of 8 to 30 June: 99 held on two days, 4 on ten, 8 on ten; on the 30th the count is too old
    assert known["inventory"] == pytest.approx(2.0 * (2 * 99.0 + 10 * 4.0 + 10 * 8.0) / 22)
    assert (known["asked"], known["served"]) == (90.0, 60.0), "line 4 tells of no shipment"
    assert known["expedite"] == pytest.approx(30.0 * 365.25 / 21)
    assert known["cogs"] == pytest.approx(80.0 * 365.25 / 21)
    assert (unknown["inventory"], unknown["asked"], unknown["cogs"]) == (None, None, None)
