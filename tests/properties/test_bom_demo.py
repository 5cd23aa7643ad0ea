"""Demand for components of the demo company, from bills alone, against the rates behind its files.

What production took is drawn with the rate that the bills give at the parents' nominal rates. So where a
parent's demand neither trends nor ended, bills and the records of issues must agree with the truth. Lines
with planted faults are left out.
"""

from dataclasses import replace

import polars as pl
import pytest

from plimsoll import bom, demand, ingest, supply
from plimsoll.bom import BomParams
from plimsoll.domain.raw import RawTable
from plimsoll.examples.company import generate

POINT = ["item_id", "location_id"]


@pytest.fixture(scope="module")
def demo():
    company = generate(1000, 5)
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    facts = ingest.read(raws, ingest.Mapping.from_text(company.mapping), ingest.IngestParams()).tables
    done = ingest.complete(facts, ingest.IngestParams(), as_of=company.as_of)
    of_work_order = pl.col("order_id").str.starts_with("WO")
    done.tables["demand"] = done.tables["demand"].with_columns(
        kind=pl.when(of_work_order).then(pl.lit("issue")).otherwise("kind")
    )
    spoilt = company.truth["faults"].filter(table="bom")["keys"].implode()
    line = pl.format("{} @ {}", "parent_item_id", "component_item_id")
    done.tables["bom"] = done.tables["bom"].filter(~line.is_in(spoilt))
    lead_times = supply.estimate(
        done.tables["receipts"], done.lanes, supply.SupplyParams(), as_of=company.as_of
    )
    return company, done, lead_times


@pytest.fixture(scope="module")
def found(demo):
    """Estimates with the demand for components: exploded, from issues, and as the program chooses."""
    return {how: estimated(demo, how) for how in ("explode", "issues", "auto")}


def estimated(demo, how):
    company, done, lead_times = demo
    params, options = BomParams(dependent_demand=how), demand.DemandParams()
    own = bom.independent_demand(
        done.tables["demand"], done.points, done.tables["bom"], params, as_of=company.as_of
    )
    total = demand.pass_upstream(own, done.points)
    estimates = demand.estimate(total, done.points, lead_times, options, as_of=company.as_of, seed=1)
    return bom.with_dependent(
        estimates, done.points, lead_times, done.tables, params, options, as_of=company.as_of
    )


def needed(company, done):
    """Return the weekly need of each component at the plant from the parents' true rates of today."""
    made = done.points.filter(supply_kind="production").select(POINT)
    lines = done.tables["bom"].group_by("parent_item_id", "component_item_id").agg(
        pl.col("quantity_per").max()
    )  # fmt: skip
    return (
        company.truth["points"]
        .join(made, on=POINT)
        .join(lines, left_on="item_id", right_on="parent_item_id")
        .group_by(pl.col("component_item_id").alias("item_id"), "location_id")
        .agg((pl.col("rate_with_downstream_now") * pl.col("quantity_per")).sum().alias("needed"))
    )


def test_exploded_demand_agrees_with_the_truth(demo, found):
    """The sum over components within 5 %, and each within a factor that the parents' estimates explain.

    The parents' weeks are the only chance here: of the sum, about one part in a hundred is noise, and the
    rates of parents that move (trend, launch, phase-out) are known to lag by up to a fifth.
    """
    company, done, _ = demo
    both = (
        found["explode"]
        .demand.group_by(POINT)
        .agg(weekly=pl.col("mean_qty").mean())
        .join(needed(company, done), on=POINT, how="full", coalesce=True)
    )
    assert both.height > 25
    assert both["weekly"].null_count() == 0
    assert both["weekly"].sum() == pytest.approx(both["needed"].sum(), rel=0.05)
    ratio = (both["weekly"] / both["needed"]).filter(both["needed"] > 10)
    assert 0.9 < ratio.median() < 1.1


def test_recorded_issues_are_used_and_nothing_is_added(found):
    assert found["auto"].demand.is_empty()
    assert found["auto"].estimates.equals(found["issues"].estimates)


def test_bills_and_records_tell_the_same(found):
    """Rates of components from bills against those from issues: the two roads agree in sum within 15 %.

    The records run over two years at nominal rates, the bills at today's; both miss what the other knows.
    """
    exploded, recorded = found["explode"], found["issues"]
    components = exploded.demand.select(POINT).unique()
    rates = [
        one.estimates.join(components, on=POINT)["mean_per_day_est"].sum() for one in (exploded, recorded)
    ]
    assert rates[0] == pytest.approx(rates[1], rel=0.15)


def test_row_order_does_not_matter(demo, found):
    company, done, lead_times = demo
    turned = replace(done, tables=done.tables | {"bom": done.tables["bom"].reverse()})
    shuffled = (company, turned, lead_times.reverse())
    assert estimated(shuffled, "explode").demand.equals(found["explode"].demand)
