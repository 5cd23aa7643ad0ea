"""Health, totals and the four questions at their edges."""

from datetime import date

import pytest

from plimsoll.domain.errors import InputError
from plimsoll.measure import MeasureParams, buffer_totals, four_questions, inventory_health, totals
from plimsoll.replenish import ReplenishParams, recommend

AS_OF = date(2026, 11, 21)


def measured(company, *given):
    tables = company(*given)
    target = tables.pop("target")
    outlook = recommend(**tables, params=ReplenishParams(), as_of=AS_OF).outlook
    health = inventory_health(
        tables["points"], tables["demand_estimate"], tables["policy"], outlook, MeasureParams()
    )
    return tables | {"target": target, "outlook": outlook, "health": health}


PARTS = ("status", "healthy_value", "excess_value", "slow_value", "dead_value", "short_value")


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        # s = 30, S = 50, one unit a day, cost 10
        ({"stock": (50.0, 0.0, 0.0)}, ("healthy", 500.0, 0.0, 0.0, 0.0, 0.0)),
        ({"stock": (60.0, 5.0, 5.0)}, ("healthy", 600.0, 0.0, 0.0, 0.0, 0.0)),  # 10 owed leave soon
        ({"stock": (120.0, 0.0, 0.0)}, ("excess", 500.0, 700.0, 0.0, 0.0, 0.0)),
        ({"stock": (1000.0, 0.0, 0.0)}, ("slow", 500.0, 3150.0, 6350.0, 0.0, 0.0)),
        ({"stock": (1000.0, 0.0, 10.0)}, ("slow", 600.0, 3150.0, 6250.0, 0.0, 0.0)),
        ({"stock": (25.0, 0.0, 0.0)}, ("healthy", 250.0, 0.0, 0.0, 0.0, 50.0)),  # a little short
        ({"stock": (5.0, 0.0, 0.0)}, ("short", 50.0, 0.0, 0.0, 0.0, 250.0)),
        ({"stock": (0.0, 0.0, 0.0), "open": [(50.0, None, None)]}, ("empty", 0.0, 0.0, 0.0, 0.0, 0.0)),
        # kept although it hardly sells: what the policy wants is healthy, the rest is dead
        ({"stock": (80.0, 0.0, 0.0), "rate": 0.0001}, ("healthy", 500.0, 0.0, 0.0, 300.0, 0.0)),
        # not held: what will sell in a year is excess, the rest slow
        ({"stock": (400.0, 0.0, 0.0), "policy": "none"}, ("excess", 0.0, 3650.0, 350.0, 0.0, 0.0)),
        ({"stock": (4.0, 0.0, 1.0), "policy": "none", "rate": 0.0}, ("dead", 10.0, 0.0, 0.0, 30.0, 0.0)),
        ({"stock": (4.0, 0.0, 0.0), "unit_cost_eff": 0.0}, ("short", 0.0, 0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_parts_by_hand(company, given, parts):
    assert measured(company, given)["health"].select(PARTS).row(0) == pytest.approx(parts)


def test_totals_keep_unknown_groups_and_refuse_unknown_names(company):
    tables = measured(company, {"category": "pumps"}, {"item": "B", "stock": (60.0, 0.0, 0.0)})
    by_category = totals(tables["health"], tables["points"], tables["target"], ["category"])
    assert by_category.select("category", "n_points", "cash_to_release").rows() == [
        ("pumps", 1, 0.0),
        (None, 1, 100.0),
    ]
    grand = totals(tables["health"], tables["points"], tables["target"])
    assert grand.select("n_points", "n_short", "n_excess", "cash_to_release").rows() == [(2, 1, 0, 100.0)]
    with pytest.raises(InputError, match="Did you mean 'category'"):
        totals(tables["health"], tables["points"], tables["target"], ["categry"])


@pytest.mark.parametrize(("item", "at", "hint"), [("P-10", "DC1", "'P-100'"), ("P-100", "DC9", "'DC1'")])
def test_an_unknown_point_is_answered_with_a_near_one(company, item, at, hint):
    tables = measured(company, {"item": "P-100"})
    tables = {name: tables[name] for name in ("points", "target", "policy", "outlook", "health")}
    with pytest.raises(InputError, match=hint):
        four_questions(item, at, **tables)


def test_buffer_by_class_and_cause(company):
    tables = measured(
        company,
        {"buffer_demand_qty": 4.0, "buffer_lead_time_qty": 6.0},
        {"item": "B", "buffer_demand_qty": -1.0, "unit_cost_eff": 2.0, "abc": "C"},
        {"item": "C", "buffer_demand_qty": 0.0, "unit_cost_eff": 2.0, "abc": "C"},
    )
    seen = buffer_totals(tables["policy"], tables["points"], tables["target"])
    columns = ("abc", "n_points", "buffer_value", "buffer_demand_value", "buffer_lead_time_value")
    assert seen.select(columns).rows() == [("A", 1, 100.0, 40.0, 60.0), ("C", 1, -2.0, -2.0, 0.0)]
