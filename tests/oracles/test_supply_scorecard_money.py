"""Overtaking orders and the price of spread, each by formula and by a second road."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll import demand, ingest, policy, supply, targets
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import table
from plimsoll.examples.company import generate
from plimsoll.maths.rng import rng_for
from plimsoll.supply import atoms
from plimsoll.supply.crossover import crossing_probability, crossings, effective_spread
from plimsoll.supply.leeway import buffer_costs

PARAMS = supply.SupplyParams()
NODE = ["item_id", "to_location_id", "from_location_id"]
POINT = ["item_id", "location_id"]


def gamma(mean, cv):
    days, share = atoms.gamma_atoms(np.array([cv]))
    return days[0] * mean, share[0]


LAWS = {
    "two values": (np.array([5.0, 15.0]), np.array([0.5, 0.5])),
    "skewed": (np.array([10.0, 12.0, 40.0]), np.array([0.5, 0.4, 0.1])),
    "gamma": gamma(40.0, 0.4),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("spacing", [2.0, 5.0, 12.0, 30.0])
def test_overtaking_by_formula_and_by_simulation(name, spacing):
    """200,000 orders in a row. Crossings: standard error 0.0014 at most; spreads of neighbours depend on
    each other, over some 20 orders: 1 %. Four errors each: one false alarm in 10,000 a figure."""
    days, share = LAWS[name]
    n = 200_000
    lead = rng_for(1, name, str(spacing)).choice(days, p=share, size=n)
    ordered = np.arange(n) * spacing
    crossed = (ordered[:-1] + lead[:-1] > ordered[1:] + lead[1:]).mean()
    effective = (np.sort(ordered + lead) - ordered)[n // 50 : -n // 50]
    law = days[None, :], share[None, :], np.array([spacing])
    assert crossing_probability(*law)[0] == pytest.approx(crossed, abs=0.006)
    plain = np.sqrt(share @ (days - share @ days) ** 2)
    found = effective_spread(*law)[0]
    assert found <= plain
    # 64 midpoints: up to 3 % of the spread where the law has few values.
    assert found == pytest.approx(effective.std(), rel=0.06 if spacing < 5 else 0.04)
    assert effective.mean() == pytest.approx(share @ days, rel=0.01)


def test_orders_too_far_apart_do_not_cross():
    days, share = LAWS["two values"]
    law = days[None, :], share[None, :], np.array([11.0])
    assert crossing_probability(*law)[0] == 0
    assert effective_spread(*law)[0] == pytest.approx(5.0)


def pairs_of(rows, still=()):
    place = {"item_id": "A", "to_location_id": "DC", "from_location_id": "S", "line": "1", "quantity": 1.0}
    start = date(2026, 1, 1)

    def frame(name, given):
        rows = [place | {column: start + timedelta(days=value) if column != "order_id" else value
                         for column, value in row.items()} for row in given]  # fmt: skip
        values = [{column: row.get(column) for column in table(name).names} for row in rows]
        return table(name).conform(pl.DataFrame(values, schema=table(name).schema, orient="row"))

    receipts = [{"order_id": f"P{n}", "ordered_date": o, "received_date": r} for n, (o, r) in enumerate(rows)]
    waiting = [{"order_id": f"O{n}", "ordered_date": o} for n, o in enumerate(still)]
    none = table("lead_time_estimate").empty()
    as_of = start + timedelta(days=100)
    return crossings(frame("receipts", receipts), frame("open_orders", waiting), none, PARAMS, as_of=as_of)


def test_crossings_are_counted_as_a_person_would():
    # ordered on days 0, 10, 20, 30; received on 30, 25, 60, 50: two of three pairs crossed
    found = pairs_of([(0, 30), (10, 25), (20, 60), (30, 50)]).row(0, named=True)
    assert (found["n_pairs"], found["n_crossed"], found["spacing_days"]) == (3, 2, 10)
    lead, effective = np.array([30, 15, 40, 20]), np.array([25, 20, 30, 30])
    assert found["squares_obs"] == pytest.approx(((lead - lead.mean()) ** 2).sum())
    assert found["squares_effective_obs"] == pytest.approx(((effective - lead.mean()) ** 2).sum())
    assert found["n_crossed_est"] is None
    assert found["spread_effective_est"] is None


def test_an_open_order_was_overtaken_by_a_later_one_that_came():
    found = pairs_of([(0, 10), (20, 30)], still=[5, 40]).row(0, named=True)
    # 0 before 5: known, not crossed. 5 open, 20 came: crossed. 20 came, 40 open: not crossed.
    assert (found["n_pairs"], found["n_crossed"], found["n_received"]) == (3, 1, 2)
    assert pairs_of([(0, 10)], still=[20, 30]).row(0, named=True)["n_pairs"] == 1  # both open: not known


@pytest.fixture(scope="module")
def demo():
    company = generate(150, 4)
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    facts = ingest.read(raws, ingest.Mapping.from_text(company.mapping), ingest.IngestParams()).tables
    return ingest.complete(facts, ingest.IngestParams(), as_of=company.as_of), company.as_of


def sized(complete, lead_times, as_of):
    total = demand.pass_upstream(complete.tables["demand"], complete.points)
    wants = demand.estimate(total, complete.points, lead_times, demand.DemandParams(), as_of=as_of, seed=1)
    target = targets.assign(complete.points, wants, targets.TargetParams())
    return policy.size(complete.points, wants, target, policy.PolicyParams(), lead_times), wants


def with_less_spread(lead_times, days):
    """The lead times with every standard deviation so many days less, means and shapes as they were."""
    sd = pl.col("sd_days_est")
    kept = pl.when(sd > days).then((sd - days) / sd).otherwise(0.0)
    rows = lead_times.with_row_index("row").explode("atom_days", "atom_probability")
    mean = (pl.col("atom_days") * pl.col("atom_probability")).sum().over("row")
    moved = rows.with_columns(atom_days=mean + (pl.col("atom_days") - mean) * kept)
    lists = moved.group_by("row", maintain_order=True).agg("atom_days", "atom_probability")
    return lead_times.with_columns(lists["atom_days"], lists["atom_probability"], (sd - days).clip(0.0))


def test_one_day_less_spread_frees_what_a_plan_with_it_needs_less(demo):
    """The curve between two exact ends, against demand and buffers computed again with a day less."""
    complete, as_of = demo
    lead_times = supply.estimate(complete.tables["receipts"], complete.lanes, PARAMS, as_of=as_of)
    rules, wants = sized(complete, lead_times, as_of)
    less, _ = sized(complete, with_less_spread(lead_times, 1.0), as_of)
    tables = complete.tables
    crossing = crossings(tables["receipts"], tables["open_orders"], lead_times, PARAMS, as_of=as_of)
    money = buffer_costs(complete.points, rules, wants, lead_times, crossing)
    part = "buffer_lead_time_qty"
    both = rules.select(*POINT, part).join(less.select(*POINT, less=part), on=POINT)
    cost = complete.points.select(*POINT, "unit_cost_eff")
    freed = both.join(cost, on=POINT).select(
        ((pl.col(part) - pl.col("less")) * pl.col("unit_cost_eff")).sum()
    )
    stated = money["one_day_less_value"].sum()
    assert stated == pytest.approx(freed.item(), rel=0.1)
    assert 0 < stated < money["buffer_lead_time_value"].sum()
    assert 0 <= money["crossover_value"].sum() < money["buffer_lead_time_value"].sum()


def test_without_spread_a_day_less_frees_nothing(demo):
    complete, as_of = demo
    lead_times = supply.estimate(complete.tables["receipts"], complete.lanes, PARAMS, as_of=as_of)
    rules, wants = sized(complete, with_less_spread(lead_times, 9999.0), as_of)
    none = crossings(table("receipts").empty(), table("open_orders").empty(), lead_times, PARAMS, as_of=as_of)
    money = buffer_costs(complete.points, rules, wants, lead_times, none)
    assert money["one_day_less_value"].abs().max() < 1e-6
