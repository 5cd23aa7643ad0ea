"""The cost of believing a typed lead time, against plain sums over the plan's distribution."""

from datetime import date
from math import sqrt

import polars as pl
import pytest
from scipy.stats import norm

from plimsoll import audit
from plimsoll.audit.belief import cost_of_belief
from plimsoll.domain.tables import input_tables, table

LANE = ["item_id", "to_location_id", "from_location_id"]


def belief(typed, protection, sd_days=2.0):
    """Cash, shortage and words for a point that needs 1 unit a day over 14 + 7 days, on a lattice of 10."""
    mean = sum(units * share for units, share in protection.items())
    variance = sum(units**2 * share for units, share in protection.items()) - mean**2
    point = {"item_id": "A", "location_id": "DC1"}
    estimate = {
        "mean_per_day_est": 1.0,
        "sd_protection_qty": sqrt(variance),
        "protection_days_mean": 21.0,
        "protection_days_sd": sd_days,
        "step_qty": 10.0,
        "pmf_protection": [protection.get(10 * n, 0.0) for n in range(5)],
    }
    results = {
        "planning_point": pl.DataFrame([point | {"from_location_id": "S", "review_days_eff": 7.0}]),
        "demand_estimate": pl.DataFrame([point | estimate]),
        "policy": pl.DataFrame([point | {"target_service_eff": 0.95}]),
    }
    known = {name: table(name).empty() for name in input_tables()}
    item = {"item_id": "A", "unit_cost": 10.0, "unit_price": 20.0}
    known["items"] = table("items").conform(pl.DataFrame([item]))
    days = {"lead_time_days_set": typed, "mean_days_est": 14.0, "sd_days_est": sd_days}
    lanes = pl.DataFrame([dict(zip(LANE, ("A", "DC1", "S"), strict=True)) | days])
    company = audit.Company(date(2026, 11, 21), known, known, results)
    return cost_of_belief(company, lanes).row(0, named=True)


def plain(typed, protection, sd_days=2.0, rate=1.0):
    """The same by loops: levels of the textbook rule, tails by sums over the distribution."""
    mean = sum(units * share for units, share in protection.items())
    variance = sum(units**2 * share for units, share in protection.items()) - mean**2
    v = max((variance - rate**2 * sd_days**2) / 21.0, 0.0)
    z = norm.ppf(0.95)
    y_typed = rate * (typed + 7) + z * sqrt(v * (typed + 7))
    y_real = rate * 21 + z * sqrt(v * 21 + rate**2 * sd_days**2)

    def short(level):
        return sum(max(units - level, 0) * share for units, share in protection.items())

    return {
        "cash": max(y_typed - y_real, 0) * 10.0,
        "shortage_per_year": max(short(y_typed) - short(y_real), 0) * 365.25 / 21 * 20.0,
    }


@pytest.mark.parametrize("protection", [{10: 0.5, 30: 0.5}, {0: 0.2, 20: 0.5, 40: 0.3}])
@pytest.mark.parametrize("typed", [3.0, 14.0, 60.0])
def test_cash_and_shortage_are_those_of_plain_sums(typed, protection):
    found, wanted = belief(typed, protection), plain(typed, protection)
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=1e-9), name


def test_too_short_says_the_service_and_too_long_the_cash():
    short = belief(3.0, {10: 0.5, 30: 0.5}, sd_days=0.0)
    assert short["shortage_per_year"] > 0
    assert "of the cycles" in short["words"]
    long = belief(60.0, {10: 0.5, 30: 0.5})
    assert long["cash"] > 0
    assert "too much" in long["words"]


def test_the_truth_costs_nothing_to_believe():
    found = belief(14.0, {10: 0.5, 30: 0.5}, sd_days=0.0)
    assert (found["cash"], found["shortage_per_year"]) == (0.0, 0.0)
