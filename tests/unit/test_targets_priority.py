"""Whose demand a point serves: customers with priority, within a year, returns left out; and its options."""

from datetime import date

import polars as pl
import pytest
from pydantic import ValidationError

from plimsoll.targets import Floors, TargetParams, with_priority

AS_OF = date(2026, 6, 30)
POINTS = pl.DataFrame({"item_id": ["A", "A", "B"], "location_id": ["N", "S", "N"]})


def _facts(*rows):
    demand = pl.DataFrame(
        rows, schema=["date", "item_id", "location_id", "quantity", "customer_id"], orient="row"
    )
    customers = pl.DataFrame({"customer_id": ["C1", "C2", "C3"], "priority": [1, 2, None]})
    return {"demand": demand, "customers": customers}


def test_share_of_a_year():
    day, old, later = date(2026, 3, 1), date(2025, 6, 29), date(2026, 7, 1)
    facts = _facts(
        (day, "A", "N", 6.0, "C1"), (day, "A", "N", 2.0, "C2"), (day, "A", "N", 1.0, "C3"),
        (day, "A", "N", 1.0, None), (day, "A", "N", -5.0, "C2"), (old, "A", "N", 90.0, "C2"),
        (later, "A", "N", 90.0, "C2"), (day, "A", "S", 3.0, None),
    )  # fmt: skip
    found = with_priority(POINTS, facts, Floors(priority=0.9), as_of=AS_OF)
    assert found["priority_share"].to_list() == [0.6, 0.0, None]
    both = with_priority(POINTS, facts, Floors(priority=0.9, priority_at_most=2), as_of=AS_OF)
    assert both["priority_share"].to_list() == [0.8, 0.0, None]
    assert with_priority(POINTS, facts, Floors(), as_of=AS_OF) is POINTS


def test_a_goal_and_a_budget_exclude_each_other():
    with pytest.raises(ValidationError, match="exclude each other"):
        TargetParams(portfolio_goal=0.9, portfolio_budget=1e6)
    for params in (TargetParams(portfolio_goal=0.9), TargetParams(portfolio_budget=1e6)):
        assert params.has_portfolio
        assert not params.by_class.has_portfolio
    assert not TargetParams().has_portfolio
