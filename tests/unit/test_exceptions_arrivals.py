"""Suppliers and lanes that deliver less than they used to, in a small world with known lead times."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.exceptions import ExceptionParams
from plimsoll.exceptions.arrivals import late_sources
from plimsoll.supply import SupplyParams

AS_OF = date(2026, 10, 31)
MEAN, CV = 20.0, 0.3


def world(seed, *, suppliers=6, places=2, a_year=80, change=None):
    """Return receipts, open orders and lead times of two years; `change(orders)` alters days of arrival."""
    rng = np.random.default_rng(seed)
    rows = []
    for supplier in range(suppliers):
        for place in range(places):
            for _ in range(2 * a_year):
                placed = int(rng.integers(-730, 1))
                lead = max(1, round(rng.gamma(1 / CV**2, MEAN * CV**2)))
                rows.append((f"S{supplier}", f"D{place}", placed, float(placed + lead)))
    frame = pl.DataFrame(
        rows, schema=["from_location_id", "to_location_id", "placed", "arrives"], orient="row"
    ).with_row_index("n")
    frame = frame if change is None else change(frame)
    day = pl.lit(AS_OF)
    orders = frame.with_columns(
        order_id=pl.format("PO{}", "n"),
        line=pl.lit("1"),
        item_id=pl.format("I-{}", "from_location_id"),
        ordered_date=(day + pl.duration(days="placed")).cast(pl.Date),
        received_date=(day + pl.duration(days="arrives")).cast(pl.Date),
        quantity=pl.lit(10.0),
    )
    came = orders.filter(pl.col("arrives") <= 0)
    still = orders.filter(pl.col("arrives") > 0)
    key = ["order_id", "line", "item_id", "to_location_id", "from_location_id", "ordered_date", "quantity"]
    lanes = orders.select("item_id", "to_location_id", "from_location_id").unique()
    believed = lanes.with_columns(lead_time_days_set=pl.lit(MEAN), mean_days_est=pl.lit(MEAN))
    facts = {
        "receipts": table("receipts").conform(came.select(*key, "received_date")),
        "open_orders": table("open_orders").conform(still.select(key)),
    }
    return facts, believed


def found(seed, change=None, **size):
    facts, lead_times = world(seed, change=change, **size)
    return late_sources(facts, lead_times, ExceptionParams(), SupplyParams(), as_of=AS_OF)


def later(days, factor, mine):
    """Return the change by which, for some days now, what is under way takes `factor` times as long."""

    def change(frame):
        start = pl.max_horizontal("placed", pl.lit(-days))
        slow = mine & (pl.col("arrives") > -days)
        slowed = start + (pl.col("arrives") - start) * factor
        return frame.with_columns(arrives=pl.when(slow).then(slowed.round()).otherwise("arrives"))

    return change


S1 = pl.col("from_location_id") == "S1"
S1_TO_D0 = S1 & (pl.col("to_location_id") == "D0")


def test_a_supplier_that_stops_is_one_cause():
    row = found(1, later(35, 100.0, S1)).row(0, named=True)
    assert (row["cause"], row["from_location_id"], row["to_location_id"]) == ("supplier_stopped", "S1", None)
    assert AS_OF - timedelta(days=60) < row["since"] <= AS_OF - timedelta(days=35)
    assert row["came"] == 0
    assert row["expected"] > 8


def test_a_lane_that_stops_is_told_as_the_lane():
    row = found(2, later(40, 100.0, S1_TO_D0)).row(0, named=True)
    assert (row["cause"], row["from_location_id"], row["to_location_id"]) == ("lane_stopped", "S1", "D0")


def test_a_lane_that_slows_by_half_is_told_with_its_factor():
    rows = found(21, later(75, 1.5, S1_TO_D0), a_year=160)
    row = rows.row(0, named=True)
    assert rows.height == 1
    assert (row["cause"], row["from_location_id"], row["to_location_id"]) == ("lane_slow", "S1", "D0")
    assert 1.3 < row["factor"] < 1.8
    assert row["believed"] == pytest.approx(1.0, abs=0.08)


def test_a_supplier_that_slows_on_all_its_ways_is_told_as_the_supplier():
    rows = found(4, later(75, 1.7, S1), a_year=120)
    assert rows.select("cause", "from_location_id", "to_location_id").rows() == [
        ("supplier_slow", "S1", None)
    ]


def test_false_alarms_are_no_more_often_than_stated():
    """One in twenty runs may have any; of 40 runs 7 or more have so with less than 1 % chance."""
    alarms = sum(found(seed, suppliers=10, a_year=60).height > 0 for seed in range(100, 140))
    assert alarms < 7


def test_what_happened_after_the_day_is_not_read():
    facts, lead_times = world(5, change=later(35, 100.0, S1))
    params = (lead_times, ExceptionParams(), SupplyParams())
    late = facts["receipts"].filter(pl.col("received_date") > AS_OF - timedelta(days=60))
    told = late.with_columns(
        received_date=pl.lit(AS_OF + timedelta(days=1)), order_id=pl.format("X{}", "order_id")
    )
    more = facts | {"receipts": table("receipts").conform(pl.concat([facts["receipts"], told]))}
    assert late_sources(more, *params, as_of=AS_OF).equals(late_sources(facts, *params, as_of=AS_OF))


def test_an_order_of_many_lines_counts_once():
    facts, lead_times = world(6)
    ten = [frame.with_columns(line=pl.lit(str(n))) for frame in (facts["receipts"],) for n in range(10)]
    still = [frame.with_columns(line=pl.lit(str(n))) for frame in (facts["open_orders"],) for n in range(10)]
    many = {
        "receipts": table("receipts").conform(pl.concat(ten)),
        "open_orders": table("open_orders").conform(pl.concat(still)),
    }
    assert late_sources(many, lead_times, ExceptionParams(), SupplyParams(), as_of=AS_OF).is_empty()


def test_without_history_nothing_is_said():
    facts, lead_times = world(7)
    none = {name: frame.clear() for name, frame in facts.items()}
    assert late_sources(none, lead_times, ExceptionParams(), SupplyParams(), as_of=AS_OF).is_empty()
