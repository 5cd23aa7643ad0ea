"""Customers who change how much they ask for, in a small world of compound Poisson demand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.exceptions import ExceptionParams
from plimsoll.exceptions.customers import changed_customers, extra_demand

AS_OF = date(2026, 10, 31)


def demand(seed, *, customers=30, per_week=4.0, factor=1.0, since=42, season=1.0, swing=0.0):
    """Return 18 months of lines; C0 asks for `factor` times as many in the last `since` days.

    `swing`: standard deviation of each customer's own rate from quarter to quarter, as a share of it.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for customer in range(customers):
        quarters = np.maximum(1.0 + swing * rng.standard_normal(6), 0.1) if swing else np.ones(6)
        for ago in range(540):
            rate = per_week / 7 * (factor if customer == 0 and ago < since else 1.0)
            rate *= (season if ago < 91 else 1.0) * quarters[ago // 91]
            for _ in range(rng.poisson(rate)):
                item = int(rng.integers(0, 12))
                rows.append(
                    {
                        "date": AS_OF - timedelta(days=ago),
                        "item_id": f"I{item}",
                        "location_id": "DC1",
                        "quantity": float(1 + rng.poisson(3 * (1 + item))),
                        "order_id": f"SO{len(rows)}",
                        "line": "1",
                        "customer_id": f"C{customer}",
                    }
                )
    return table("demand").conform(pl.DataFrame(rows))


def found(*args, **given):
    return changed_customers(demand(*args, **given), ExceptionParams(), as_of=AS_OF)


def test_a_customer_that_doubles_is_found():
    rows = found(1, factor=2.2, per_week=12.0)
    assert rows["customer_id"].to_list() == ["C0"]
    assert 1.7 < rows["factor"].item() < 2.7
    assert rows["n_items"].item() == 12


def test_a_customer_that_leaves_is_found():
    rows = found(12, factor=0.0, per_week=8.0)
    assert rows["customer_id"].to_list() == ["C0"]
    assert rows["factor"].item() < 0.5


def test_what_all_customers_do_is_nobodys_change():
    assert found(3, season=1.8).is_empty()


def test_false_alarms_are_no_more_often_than_stated():
    """One run in twenty may have any; of 20 runs 5 or more have so with less than 1 % chance."""
    alarms = sum(found(seed, customers=20, per_week=3.0).height > 0 for seed in range(200, 220))
    assert alarms < 5


def test_where_all_swing_from_quarter_to_quarter_nobody_is_accused():
    """Their weeks within a quarter do not show it; how far all are off in the window does."""
    alarms = sum(found(seed, customers=20, per_week=15.0, swing=0.35).height > 0 for seed in range(300, 304))
    assert alarms <= 1


def test_one_large_order_is_no_change_of_level():
    lines = demand(14)
    one = lines.filter(customer_id="C0").tail(1).with_columns(quantity=pl.lit(5000.0), order_id=pl.lit("BIG"))
    more = table("demand").conform(pl.concat([lines, one]))
    assert changed_customers(more, ExceptionParams(), as_of=AS_OF).is_empty()


def test_later_lines_and_lines_without_customer_are_not_read():
    lines = demand(5, factor=2.2, per_week=12.0)
    params = ExceptionParams()
    after = lines.with_columns(
        date=pl.col("date") + pl.duration(days=541), order_id=pl.format("L{}", "order_id")
    )
    nobody = lines.with_columns(
        customer_id=pl.lit(None, dtype=pl.String), order_id=pl.format("N{}", "order_id")
    )
    more = table("demand").conform(pl.concat([lines, after, nobody]))
    once, again = (changed_customers(each, params, as_of=AS_OF) for each in (lines, more))
    assert once.height == 1
    assert again.select("customer_id", "p_value").equals(once.select("customer_id", "p_value"))


def test_extra_demand_is_the_usual_rate_times_the_change():
    lines, params = demand(6, factor=2.2, per_week=12.0), ExceptionParams()
    changed = changed_customers(lines, params, as_of=AS_OF)
    extra = extra_demand(lines, changed, params, as_of=AS_OF)
    start = AS_OF - timedelta(days=params.window_days)
    base = lines.filter(
        pl.col("customer_id") == "C0", pl.col("date") <= start, pl.col("date") > start - timedelta(days=364)
    )
    usual = base["quantity"].sum() / 364
    assert extra["usual_per_day"].sum() == pytest.approx(usual)
    assert extra["extra_per_day"].sum() == pytest.approx(usual * (changed["factor"].item() - 1))


def test_too_short_a_history_says_nothing():
    lines = demand(7, factor=3.0, per_week=12.0).filter(pl.col("date") > AS_OF - timedelta(days=150))
    assert changed_customers(lines, ExceptionParams(), as_of=AS_OF).is_empty()
