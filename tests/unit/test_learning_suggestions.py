"""Habits: what they point to, how they are told, and when they are not."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from plimsoll.domain.tables import table
from plimsoll.learning import LearningParams, sentences, suggestions, totals

PARAMS = LearningParams()
DAY = date(2026, 3, 1)


def outcome(n=16, **given):
    """Outcomes of n decisions on eight items of one supplier; `given` are columns or values of all rows."""
    steps = np.arange(n)
    columns = {
        "run_id": [f"plan-{k:03d}" for k in steps],
        "line_no": 1,
        "as_of": [DAY + timedelta(days=int(k)) for k in steps],
        "kind": "purchase",
        "item_id": [f"I{k % 8}" for k in steps],
        "to_location_id": [f"DC{k % 3}" for k in steps],
        "from_location_id": "Acme",
        "category": [f"C{k % 4}" for k in steps],
        "abc": "A",
        "author": "Kim",
        "reason_code": "too_little",
        "action": "changed",
        "proposed_qty": 100.0,
        "decided_qty": 130.0,
        "state": "counted",
        "arrival_source": "own",
        "expected_days": 21.0,
        "arrives_decided": DAY + timedelta(days=30),
        "arrives_proposed": DAY + timedelta(days=30),
        "late_days": 0.0,
        "end_date": DAY + timedelta(days=60),
        "demand_qty": 50.0,
        "expected_qty": 50.0,
        "short_decided_qty": 0.0,
        "short_proposed_qty": 5.0,
        "shortage_saved": 20.0,
        "holding_saved": -3.0,
        "ordering_saved": 0.0,
        "doing_saved": 0.0,
        "value_added": 17.0 + (steps % 3),
        "target_service": 0.95,
        "buffer_qty": 60.0,
        "unit_cost": 4.0,
    } | given
    rows = pl.DataFrame({name: [value] * n if np.isscalar(value) or isinstance(value, date) or value is None
                         else value for name, value in columns.items()})  # fmt: skip
    return table("outcome").conform(rows)


def first(frame, currency="EUR"):
    return suggestions(frame, PARAMS, sentences(currency)).row(0, named=True)


def test_late_orders_point_to_the_lead_time():
    late = [6.0 + k % 3 for k in range(16)]
    found = first(outcome(late_days=late, proposed_qty=100.0, decided_qty=[130.0] * 14 + [100.0] * 2,
                          value_added=[18.0 + k % 3 for k in range(14)] + [0.0] * 2))  # fmt: skip
    assert (found["verdict"], found["scope_kind"], found["subject"]) == ("suggest", "supplier", "Acme")
    assert (found["n"], found["n_same"], found["median_change"]) == (16, 14, pytest.approx(0.3))
    assert (found["parameter"], found["value_from"], found["value_to"]) == ("lead_time", 21.0, 28.0)
    total = sum(18.0 + k % 3 for k in range(14))
    assert found["value_added"] == pytest.approx(total)
    assert found["sentence"].startswith(
        f"Kim raised 14 of 16 orders from Acme by a median of 30 %. It saved {total:.0f} EUR"
    )
    assert found["sentence"].endswith("They came 7 days later than expected: lead time 21 → 28 days?")
    # A record of two weeks is not taken for a year: a quarter at least is taken as seen.
    assert found["value_per_year"] == pytest.approx(4 * total)


def test_demand_above_points_to_the_forecast():
    found = first(outcome(demand_qty=[69.0, 71.0] * 8))
    assert (found["parameter"], found["value_from"], found["value_to"]) == ("forecast", 1.0, 1.4)
    assert found["sentence"].endswith("Demand was 40 % above what was expected: forecast × 1.40?")


def test_what_weighs_more_is_named():
    # 40 % more demand of 50 is 20 units; seven days of 50 units in about 50 days are seven.
    both = {"late_days": [6.0 + k % 3 for k in range(16)], "demand_qty": [69.0, 71.0] * 8}
    assert first(outcome(**both))["parameter"] == "forecast"
    assert first(outcome(**both | {"demand_qty": [50.5, 51.5] * 8}))["parameter"] == "lead_time"


def test_what_neither_explains_is_a_matter_of_service():
    found = first(outcome())
    wanted = norm.cdf(norm.ppf(0.95) * (1 + 30 / 60))
    assert (found["parameter"], found["field"]) == ("target", "service")
    assert found["value_to"] == pytest.approx(wanted, abs=1e-4)
    assert found["sentence"].endswith(f"Service target 95.0 % → {100 * wanted:.1f} %?")
    bare = first(outcome(buffer_qty=0.0))
    assert bare["value_to"] is None
    assert bare["sentence"].endswith("A higher service target?")


def test_refusing_points_down():
    found = first(outcome(decided_qty=0.0, action="refused", demand_qty=[19.0, 21.0] * 8))
    assert (found["direction"], found["median_change"]) == ("lowered", None)
    assert (found["parameter"], found["value_to"]) == ("forecast", 0.4)
    assert found["sentence"].startswith("Kim refused or lowered 16 of 16 orders from Acme.")
    assert "Demand was 60 % below" in found["sentence"]


def test_what_has_not_paid_is_told_kindly():
    found = first(outcome(value_added=[-70.0 - k % 3 for k in range(16)]))
    assert (found["verdict"], found["parameter"], found["value_to"]) == ("has_cost", None, None)
    assert "So far that has cost 1,135 EUR (likely 1,1" in found["sentence"]
    assert found["sentence"].endswith("the recommendations did better.")


@pytest.mark.parametrize(
    "given",
    [
        {"decided_qty": [130.0, 70.0] * 8},  # no direction
        {"decided_qty": [130.0] * 12 + [100.0] * 4},  # three in four only
        {"n": 10, "decided_qty": [130.0] * 8 + [70.0] * 2},  # four in five, which chance does once in nine
        {"state": "open", "value_added": None, "state_why": "time_not_passed"},
        {"author": "plimsoll"},
        {"kind": "expedite"},
    ],
)
def test_what_is_no_habit_is_not_told(given):
    assert suggestions(outcome(**given), PARAMS, sentences("")).is_empty()


def test_few_cases_are_not_told():
    assert suggestions(outcome(n=7), PARAMS, sentences("")).is_empty()
    assert suggestions(outcome(n=8), PARAMS, sentences("")).height == 1
    rows = totals(outcome(n=7), PARAMS)
    assert set(rows["verdict"]) == {"too_few"}
    assert totals(outcome(n=8), PARAMS).filter(by="supplier")["verdict"].to_list() == ["helped"]


def test_the_same_decisions_are_told_of_once():
    found = suggestions(outcome(category="C", to_location_id="DC"), PARAMS, sentences(""))
    assert found["suggestion_id"].to_list() == ["supplier:Acme::raised"]
    # Without suppliers of eight decisions each, what they share is the category.
    many = [f"V{k}" for k in range(16)]
    found = suggestions(outcome(category="C", from_location_id=many), PARAMS, sentences(""))
    assert found["scope_kind"].to_list() == ["category"]


def test_names_are_only_words():
    found = first(outcome(author="{0} %s <b>", from_location_id="=cmd|{x}"))
    assert found["sentence"].startswith("{0} %s <b> raised 16 of 16 orders from =cmd|{x} by")
