"""What a scenario makes of masters, lead times, open orders and demand, by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll import ingest
from plimsoll.demand import DemandParams, with_lead_times
from plimsoll.domain.errors import InputError
from plimsoll.domain.scenarios import read
from plimsoll.domain.tables import input_tables, table
from plimsoll.scenarios import (
    changed_demand,
    changed_masters,
    changed_points,
    check_names,
    delayed_lanes,
    delayed_orders,
    flat_seasons,
)

DAY = date(2026, 11, 1)


def scenario(*changes):
    return read({"name": "s", "change": list(changes)})


def rows(name, *given):
    return (
        table(name).conform(pl.DataFrame(list(given), infer_schema_length=None))
        if given
        else table(name).empty()
    )


def known():
    """Return completed facts: A from ACME or BOLT to a centre and on to a branch, B from ACME."""
    facts = {
        "items": rows(
            "items",
            {"item_id": "A", "category": "seals", "unit_cost": 10.0, "unit_price": 20.0},
            {"item_id": "B", "category": "pumps", "unit_cost": 5.0},
        ),
        "lanes": rows(
            "lanes",
            {"item_id": "A", "to_location_id": "DC", "from_location_id": "ACME", "priority": 0,
             "min_order_qty": 4.0, "unit_cost": 9.0, "lead_time_days_set": 10.0},
            {"item_id": "A", "to_location_id": "DC", "from_location_id": "BOLT", "priority": 1,
             "lead_time_days_set": 30.0},
            {"item_id": "A", "to_location_id": "BR", "from_location_id": "DC", "lead_time_days_set": 2.0},
            {"item_id": "B", "to_location_id": "DC", "from_location_id": "ACME", "lead_time_days_set": 10.0},
        ),
        "demand": rows(
            "demand",
            *({"date": DAY - timedelta(days=k), "item_id": "A", "location_id": "BR",
               "quantity": 1.0 + 2 * (k % 2), "customer_id": f"C{k % 2}"} for k in range(360)),
        ),
    }  # fmt: skip
    done = ingest.complete({name: facts.get(name, table(name).empty()) for name in input_tables()}, as_of=DAY)
    return done.tables | {"lanes": done.lanes}, done.points


def after(*changes):
    """Return the points under a scenario, and what was found."""
    facts, points = known()
    changed, findings = changed_masters(facts, scenario(*changes))
    new = ingest.complete(changed, as_of=DAY).points
    return changed_points(points, ingest.complete(facts, as_of=DAY).points, new), findings


def value(points, item, place, column):
    return points.filter(item_id=item, location_id=place)[column][0]


def test_no_change_leaves_every_value():
    assert after()[0].equals(known()[1])


def test_costs_prices_and_least_orders_change_where_they_are_meant():
    points, _ = after(
        {"kind": "cost", "factor": 1.5, "category": "seals"},
        {"kind": "price", "factor": 2.0},
        {"kind": "min_order", "value": 12.0, "item": "A", "from": "ACME"},
    )
    assert value(points, "A", "DC", "unit_cost_eff") == 13.5  # of the lane
    assert value(points, "A", "BR", "unit_cost_eff") == 15.0  # of the item
    assert value(points, "B", "DC", "unit_cost_eff") == 5.0
    assert value(points, "A", "DC", "unit_price_eff") == 40.0
    assert value(points, "B", "DC", "unit_price_eff") == 10.0  # sold at cost as long as no price is known
    assert value(points, "A", "DC", "min_order_qty_eff") == 12.0


def test_what_one_supplier_asks_does_not_touch_the_standard_cost():
    points, _ = after({"kind": "cost", "factor": 2.0, "from": "ACME"})
    costs = [value(points, *at, "unit_cost_eff") for at in (("A", "DC"), ("B", "DC"), ("A", "BR"))]
    assert costs == [18.0, 10.0, 10.0]


def test_targets_and_what_is_kept():
    points, _ = after(
        {"kind": "target", "value": 0.99, "location": "BR"},
        {"kind": "not_kept", "item": "B", "location": "DC"},
    )
    assert points["target_service_set"].to_list() == [0.99, None, None]
    assert points["planned"].to_list() == [True, True, False]


def test_a_closed_lane_goes_to_the_next_or_leaves_the_point_out():
    points, findings = after({"kind": "lane_closed", "from": "ACME"})
    assert value(points, "A", "DC", "from_location_id") == "BOLT"
    assert not value(points, "B", "DC", "planned")
    assert [(each.code, each.keys) for each in findings] == [("scenario_no_lane", "B @ DC")]


def test_another_source_goes_before_all_others():
    points, _ = after({"kind": "source", "location": "BR", "new_from": "BOLT", "days": 9})
    assert value(points, "A", "BR", "from_location_id") == "BOLT"
    assert value(points, "A", "BR", "supply_kind") == "purchase"
    assert value(points, "A", "BR", "lead_time_days_set") == 9.0
    points, _ = after({"kind": "source", "location": "DC", "item": "A", "new_from": "BOLT"})
    assert value(points, "A", "DC", "from_location_id") == "BOLT"
    assert value(points, "A", "DC", "lead_time_days_set") == 30.0  # as that lane has it


def test_what_people_set_stays_unless_the_scenario_is_about_it():
    facts, points = known()
    people = points.with_columns(min_order_qty_eff=7.0, review_days_eff=3.0)
    changed, _ = changed_masters(
        facts, scenario({"kind": "min_order", "factor": 2, "item": "A", "from": "ACME"})
    )
    new = ingest.complete(changed, as_of=DAY).points
    merged = changed_points(people, points, new)
    assert merged["min_order_qty_eff"].to_list() == [7.0, 8.0, 7.0]
    assert merged["review_days_eff"].to_list() == [3.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"item": "AA"}, "item 'AA'"),
        ({"category": "seal"}, "category 'seal'.*Did you mean 'seals'"),
        ({"location": "ACME"}, "place that keeps stock 'ACME'"),
        ({"customer": "C9"}, "customer 'C9'"),
        ({"item": "B", "location": "BR"}, "meets no item at any place"),
    ],
)
def test_names_that_the_company_does_not_have_are_refused(change, what):
    facts, points = known()
    with pytest.raises(InputError, match=f"{what}.*") as refused:
        check_names(scenario({"kind": "demand", "factor": 1.0} | change), points, facts)
    assert refused.value.done == "Nothing was run."


LAW = {"item_id": "A", "to_location_id": "DC", "from_location_id": "ACME", "atom_days": [4.0, 10.0],
       "atom_probability": [0.5, 0.5], "mean_days_est": 7.0, "sd_days_est": 3.0}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "days"),
    [
        ({"kind": "delay", "days": 6}, [10.0, 16.0]),
        ({"kind": "delay", "days": -5}, [0.0, 5.0]),
        ({"kind": "delay", "factor": 1.5}, [6.0, 15.0]),
        ({"kind": "outage", "from": "ACME", "days": 6}, [10.0, 16.0]),
        ({"kind": "outage", "from": "ACME", "days": 6, "start": "2026-11-06"}, [4.0, 16.0]),
        ({"kind": "delay", "days": 6, "from": "BOLT"}, [4.0, 10.0]),
    ],
)
def test_lead_times_by_hand(change, days):
    lanes = pl.DataFrame([LAW])
    items = pl.DataFrame({"item_id": ["A"], "category": ["seals"]})
    row = delayed_lanes(lanes, items, scenario(change), as_of=DAY).row(0, named=True)
    assert row["atom_days"] == days
    assert row["mean_days_est"] == np.mean(days)
    assert row["sd_days_est"] == pytest.approx(np.std(days))


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({"kind": "delay", "days": 6}, [7, 16, 6, None]),
        ({"kind": "delay", "factor": 2}, [2, 20, -3, None]),
        ({"kind": "outage", "from": "ACME", "days": 6, "start": "2026-11-06"}, [1, 16, -3, None]),
        ({"kind": "delay", "days": 0}, [1, 10, -3, None]),
    ],
)
def test_open_orders_by_hand(change, due):
    days = [1, 10, -3, None]
    orders = pl.DataFrame(
        {
            "order_id": list("abcd"),
            "item_id": "A",
            "to_location_id": "DC",
            "from_location_id": [None, "ACME", "ACME", "ACME"],
            "due_date": [None if day is None else DAY + timedelta(days=day) for day in days],
        }
    )
    moved = delayed_orders(orders, known()[1], scenario(change), as_of=DAY)
    assert moved["due_date"].to_list() == [None if day is None else DAY + timedelta(days=day) for day in due]


def poisson(mean, cells=80):
    steps = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, cells)))])
    law = np.exp(np.arange(cells) * np.log(mean) - mean - steps)
    return (law / law.sum()).tolist()


def estimate(item, place, rate, lead, review=7.0):
    """Return a row of Poisson demand over a constant lead time."""
    spans = {"review": review, "lead": lead, "protection": lead + review}
    spans |= {"lead_constant": lead, "protection_constant": lead + review}
    return {
        "item_id": item, "location_id": place, "mean_per_day_est": rate, "mean_per_day_opt": rate,
        "step_qty": 1.0,
        "mean_lead_qty": rate * lead, "mean_protection_qty": rate * (lead + review),
        "sd_protection_qty": np.sqrt(rate * (lead + review)), "protection_days_mean": lead + review,
        "protection_days_sd": 0.0, "sd_per_period_obs": np.sqrt(7.0 * rate), "period_days": 7.0,
        "demand_class": "smooth", "n_periods": 52, "n_demand_periods": 52, "method_used": "compound",
        "method_wanted": "compound", "n_origins": 0,
        **{f"pmf_{name}": poisson(rate * days) for name, days in spans.items()},
    }  # fmt: skip


def lanes_of(points, days):
    ends = points.select("item_id", "from_location_id", to_location_id="location_id")
    atoms = pl.Series([[float(day)] for day in days])
    return ends.with_columns(atom_days=atoms, atom_probability=pl.Series([[1.0]] * len(days)))


def moments(law):
    law = np.array(law)
    mean = law @ np.arange(len(law))
    return mean, law @ np.arange(len(law)) ** 2 - mean**2


@pytest.mark.parametrize("days", [14.0, 4.0])
def test_demand_over_another_lead_time_keeps_rate_and_variance(days):
    """Poisson demand stays Poisson, over a longer lead time by convolution, over a shorter one laid anew."""
    points = known()[1].filter(item_id="B")
    estimates = table("demand_estimate").conform(pl.DataFrame([estimate("B", "DC", 0.5, 10.0)]))
    before, later = lanes_of(points, [10.0]), lanes_of(points, [days])
    rates = pl.DataFrame({"item_id": "B", "location_id": "DC", "mean_per_day": 0.5, "variance_per_day": 0.5,
                          "rate_variance": 0.0})  # fmt: skip
    laid = with_lead_times(estimates, points, before, later, rates, DemandParams()).row(0, named=True)
    assert laid["protection_days_mean"] == days + 7.0
    assert moments(laid["pmf_lead"]) == pytest.approx((0.5 * days, 0.5 * days), rel=1e-4)
    wanted = np.array(poisson(0.5 * (days + 7.0)))
    found = np.zeros(80)
    found[: len(laid["pmf_protection"])] = laid["pmf_protection"]
    assert np.abs(found - wanted).max() < 1e-4
    same = with_lead_times(estimates, points, before, before, rates, DemandParams())
    assert same.equals(estimates)


def base():
    """Return the tables of a plan of B at the centre, and of A at the branch and the centre that feeds it."""
    facts, points = known()
    own = {("A", "BR"): 2.0, ("A", "DC"): 0.0, ("B", "DC"): 1.0}
    rates = {("A", "BR"): 2.0, ("A", "DC"): 2.0, ("B", "DC"): 1.0}
    stage = points.select("item_id", "location_id").with_columns(
        own_mean_per_day=pl.Series([own[key] for key in points.select("item_id", "location_id").rows()])
    )
    estimates = [estimate(*key, rate, 2.0 if key[1] == "BR" else 10.0) for key, rate in rates.items()]
    return {
        "planning_point": points,
        "network_stage": stage,
        "network_arc": table("network_arc").empty(),
        "demand_estimate": table("demand_estimate").conform(pl.DataFrame(estimates)),
        "demand": facts["demand"],
    }


def demanded(*changes):
    tables = base()
    points, lead_times = tables["planning_point"], lanes_of(tables["planning_point"], [2.0, 10.0, 10.0])
    given = (points, lead_times, scenario(*changes), DemandParams())
    new = changed_demand(tables, *given, as_of=DAY)
    return tables["demand_estimate"], new


def test_factor_one_and_no_change_leave_the_estimates():
    for changes in ((), ({"kind": "demand", "factor": 1.0},), ({"kind": "season", "days": 30},)):
        before, new = demanded(*changes)
        assert new.equals(before)


def test_a_surge_at_a_branch_reaches_the_centre_that_feeds_it():
    before, new = demanded({"kind": "demand", "factor": 1.5, "location": "BR"})
    ratio = new["mean_protection_qty"] / before["mean_protection_qty"]
    assert ratio.to_list() == pytest.approx([1.5, 1.5, 1.0], rel=1e-3)
    assert new["mean_per_day_set"].null_count() == new.height  # nobody's forecast


def test_a_component_follows_what_is_made_of_it():
    # Two of B go into each A at the centre, and customers ask for one more: 2 x 2 + 1 a day.
    tables = base()
    arc = {"item_id": "A", "location_id": "DC", "from_item_id": "B", "from_location_id": "DC", "kind": "bill",
           "quantity": 2.0, "in_force": True, "reason": "in_force"}  # fmt: skip
    tables["network_arc"] = table("network_arc").conform(pl.DataFrame([arc]))
    points = tables["planning_point"]
    surge = scenario({"kind": "demand", "factor": 1.5, "location": "BR"})
    lead_times = lanes_of(points, [2.0, 10.0, 10.0])
    new = changed_demand(tables, points, lead_times, surge, DemandParams(), as_of=DAY)
    ratio = new["mean_protection_qty"] / tables["demand_estimate"]["mean_protection_qty"]
    assert ratio.to_list() == pytest.approx([1.5, 1.5, 1.4], rel=1e-3)


def test_a_customers_share_counts():
    # C1 asks for 3, C0 for 1 every other day: C1 has three quarters.
    before, new = demanded({"kind": "demand", "factor": 3.0, "customer": "C1"})
    ratio = new["mean_protection_qty"] / before["mean_protection_qty"]
    assert ratio.to_list() == pytest.approx([2.5, 2.5, 1.0], rel=1e-3)


def test_days_beyond_the_interval_change_nothing_there():
    far = {"kind": "demand", "factor": 3.0, "item": "B", "start": "2027-06-01", "end": "2027-06-30"}
    before, new = demanded(far)
    assert new["pmf_protection"].to_list() == before["pmf_protection"].to_list()
    near = {"kind": "demand", "factor": 3.0, "item": "B", "start": "2026-11-02", "end": "2026-11-09"}
    before, new = demanded(near)
    grown = new["mean_protection_qty"] / before["mean_protection_qty"]
    assert grown[2] == pytest.approx(1.0 + 2.0 * 8 / 17, rel=1e-3)


def test_a_season_comes_later():
    tables = base()
    points = tables["planning_point"]
    coming = [7.0] * 10 + [70.0] * 10 + [7.0] * 31
    seasonal = tables["demand_estimate"].with_columns(coming_qty=pl.Series([None, None, coming]))
    given = (
        points,
        lanes_of(points, [2.0, 10.0, 10.0]),
        scenario({"kind": "season", "days": -70}),
        DemandParams(),
    )
    new = changed_demand(tables | {"demand_estimate": seasonal}, *given, as_of=DAY)
    said = flat_seasons(tables | {"demand_estimate": seasonal}, given[2])
    assert [(each.n_rows, each.keys) for each in said] == [(2, "A @ BR, A @ DC")]
    assert new["coming_qty"][2].to_list() == pytest.approx(coming[10:] + coming[:10])
    assert (new["mean_protection_qty"] / seasonal["mean_protection_qty"]).to_list() == pytest.approx(
        [1.0, 1.0, 10.0], rel=1e-2
    )
