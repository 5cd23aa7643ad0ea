"""Bills as they come: cycles, nonsense lines, missing points, and demand that is already known."""

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest

from plimsoll import bom, demand, ingest, supply
from plimsoll.bom import BomParams
from plimsoll.domain.tables import table

AS_OF = date(2026, 11, 22)
POINT = ["item_id", "location_id"]


def bill(*lines):
    rows = [
        {"parent_item_id": p, "component_item_id": c, "quantity_per": q, **more} for p, c, q, more in lines
    ]
    return table("bom").conform(pl.DataFrame(rows, infer_schema_length=None))


def points_of(*items, made=()):
    rows = [
        {"item_id": item, "location_id": "M", "from_location_id": "M" if item in made else "S",
         "supply_kind": "production" if item in made else "purchase"}
        for item in items
    ]  # fmt: skip
    return pl.DataFrame(rows)


def lead_times_of(points, days=0.0):
    return points.select(
        "item_id", "from_location_id", to_location_id="location_id", mean_days_est=pl.lit(days)
    )


def one_each(*items):
    return pl.DataFrame(
        {"item_id": items, "location_id": "M", "period": 0, "mean_qty": 1.0, "variance_qty": 1.0,
         "common_variance_qty": 0.0}
    )  # fmt: skip


def exploded(points, lines, days=0.0, items=("A",), weeks=4, **options):
    return bom.explode(
        one_each(*items),
        points,
        lines,
        lead_times_of(points, days),
        BomParams(weeks=weeks),
        as_of=AS_OF,
        **options,
    )


def test_cycle_is_named_what_is_above_left_out_and_the_rest_exploded():
    points = points_of(*"ABCTXYP", made="ABCTX")
    lines = bill(
        ("A", "B", 1.0, {}), ("B", "C", 1.0, {}), ("C", "A", 1.0, {}), ("C", "P", 1.0, {}),
        ("T", "A", 1.0, {}), ("T", "Y", 5.0, {}), ("X", "Y", 2.0, {}),
    )  # fmt: skip
    found = exploded(points, lines, items=tuple("ABCTX"))
    (finding,) = found.findings
    assert finding.code == "bom_cycle"
    assert finding.severity == "error"
    assert finding.what == "Bills of material go round in a cycle: A -> B -> C -> A."
    assert finding.done == "4 items on or above a cycle are not exploded (A, B, C, T); all others are."
    assert found.demand.select("item_id", "mean_qty").unique().rows() == [("Y", 2.0)]


def test_an_item_that_contains_itself_is_a_cycle():
    found = exploded(points_of("A", "B", made="A"), bill(("A", "A", 1.0, {}), ("A", "B", 1.0, {})))
    assert "A -> A." in found.findings[0].what
    assert found.demand.is_empty()


def test_shared_component_is_one_demand_and_not_two():
    """A takes 1 P by B and 2 P by C: 3 P at once, variance 9, and not 1 + 4."""
    points = points_of(*"ABCP", made="ABC")
    lines = bill(("A", "B", 1.0, {}), ("A", "C", 2.0, {}), ("B", "P", 1.0, {}), ("C", "P", 1.0, {}))
    row = exploded(points, lines).demand.filter(pl.col("item_id") == "P").row(0, named=True)
    assert (row["mean_qty"], row["sd_qty"]) == (3.0, 3.0)
    assert row["parents"] == "C:0.667;B:0.333"


def test_paths_with_other_lead_times_meet_other_weeks():
    """A takes P itself, and by B one week earlier: variance 1 + 1 of two weeks' demand, and not 4."""
    points = points_of(*"ABP", made="AB")
    lead_times = lead_times_of(points).with_columns(
        mean_days_est=pl.when(pl.col("item_id") == "B").then(7.0).otherwise(0.0)
    )
    lines = bill(("A", "B", 1.0, {}), ("A", "P", 1.0, {}), ("B", "P", 1.0, {}))
    found = bom.explode(one_each("A"), points, lines, lead_times, BomParams(weeks=4), as_of=AS_OF)
    is_p = found.demand["item_id"] == "P"
    assert found.demand.filter(is_p)["sd_qty"].to_list() == pytest.approx([2**0.5] * 4)
    assert found.long_run[is_p.to_numpy()].tolist() == [4.0] * 4


def test_scrap_dates_and_the_share_of_a_week():
    day = AS_OF + timedelta(days=1)
    lines = bill(
        ("A", "P", 3.0, {"scrap_rate": 0.25, "valid_to": day + timedelta(days=13)}),
        ("A", "Q", 1.0, {"valid_from": day + timedelta(days=9)}),
        ("A", "R", 1.0, {"valid_to": day - timedelta(days=1)}),
    )
    found = exploded(points_of(*"APQR", made="A"), lines).demand
    by_item = dict(found.group_by("item_id").agg("mean_qty").rows())
    assert by_item == {"P": [4.0, 4.0, 0.0, 0.0], "Q": pytest.approx([0.0, 5 / 7, 1.0, 1.0])}


def test_short_lead_times_of_a_long_chain_add_up():
    """Five levels of three days are fifteen: two weeks, though each by itself would round to none."""
    items = "ABCDEP"
    points = points_of(*items, made="ABCDE")
    lines = bill(*((p, c, 1.0, {}) for p, c in pairwise(items)))
    demand_once = pl.DataFrame(
        {"item_id": "A", "location_id": "M", "period": [0, 1, 2, 3, 4], "mean_qty": [0.0, 0, 0, 7, 0],
         "variance_qty": 0.0, "common_variance_qty": 0.0}
    )  # fmt: skip
    found = bom.explode(
        demand_once, points, lines, lead_times_of(points, 3.0), BomParams(weeks=4), as_of=AS_OF
    ).demand
    assert found.filter(pl.col("item_id") == "P")["mean_qty"].to_list() == [0.0, 7.0, 0.0, 0.0]


def test_need_goes_to_the_place_that_makes_and_on_to_the_one_that_sends():
    """The branch's item is made to order in M, whose component comes from D."""
    points = pl.DataFrame(
        [("A", "BR", "M", "transfer"), ("P", "M", "D", "transfer"), ("P", "D", "S", "purchase")],
        schema=[*POINT, "from_location_id", "supply_kind"],
        orient="row",
    )
    own = one_each("A").with_columns(location_id=pl.lit("BR"))
    found = bom.explode(
        own, points, bill(("A", "P", 2.0, {})), lead_times_of(points), BomParams(weeks=1), as_of=AS_OF
    )
    assert found.demand.select(*POINT, "mean_qty").rows() == [("P", "D", 2.0), ("P", "M", 2.0)]


def test_dear_variance_is_averaged_and_says_so():
    day = AS_OF + timedelta(days=15)
    points = points_of(*"APQ", made="A")
    lines = bill(("A", "P", 1.0, {"valid_from": day}), ("A", "Q", 2.0, {}))
    params = BomParams(weeks=4, coefficients_most=1.0)
    found = bom.explode(one_each("A"), points, lines, lead_times_of(points), params, as_of=AS_OF).demand
    assert set(found["method_used"]) == {"averaged"}
    assert set(found["fallback_reason"]) == {"too_many_coefficients"}
    exact = exploded(points, lines).demand
    assert found["mean_qty"].equals(exact["mean_qty"])
    assert found["sd_qty"].to_list() == pytest.approx(exact["sd_qty"].to_list())  # one source: the same cv


def company(*, kind, bills=True):
    """A year of weeks: 10 A a week sold by the branch, 2 P in each, as many taken by production, 3 sold."""
    week = [AS_OF - timedelta(days=7 * k + 3) for k in range(60)]
    wave = [1 + k % 2 for k in range(60)]
    rows = [
        {"date": d, "item_id": "A", "location_id": "BR", "quantity": 6.0 + 2 * w}
        for d, w in zip(week, wave, strict=True)
    ]
    rows += [{"date": d, "item_id": "P", "location_id": "M", "quantity": 3.0} for d in week]
    if kind:
        rows += [
            {"date": d, "item_id": "P", "location_id": "M", "quantity": 18.0, "kind": kind, "order_id": "W"}
            for d in week
        ]
    given = {
        "demand": pl.DataFrame(rows, infer_schema_length=None),
        "items": pl.DataFrame({"item_id": ["A", "P"], "unit_cost": 1.0, "make_or_buy": ["make", "buy"]}),
        "locations": pl.DataFrame({"location_id": ["M", "BR"], "kind": ["plant", "branch"]}),
        "lanes": pl.DataFrame(
            {"item_id": ["A", "A", "P"], "to_location_id": ["BR", "M", "M"],
             "from_location_id": ["M", "M", "S"], "lead_time_days_set": [2.0, 7.0, 14.0]}
        ),
    }  # fmt: skip
    if bills:
        given["bom"] = bill(("A", "P", 2.0, {}))
    return ingest.complete({n: table(n).conform(f) for n, f in given.items()}, as_of=AS_OF)


def planned(kind, how="auto", *, bills=True):
    done = company(kind=kind, bills=bills)
    params, options = BomParams(dependent_demand=how), demand.DemandParams()
    lead_times = supply.estimate(done.tables["receipts"], done.lanes, supply.SupplyParams(), as_of=AS_OF)
    own = bom.independent_demand(done.tables["demand"], done.points, done.tables["bom"], params, as_of=AS_OF)
    estimates = demand.estimate(
        demand.pass_upstream(own, done.points), done.points, lead_times, options, as_of=AS_OF, seed=1
    )
    found = bom.with_dependent(estimates, done.points, lead_times, done.tables, params, options, as_of=AS_OF)
    weekly = {row[0]: 7 * row[1] for row in found.estimates.filter(location_id="M").select(
        "item_id", "mean_per_day_est").rows()}  # fmt: skip
    return weekly, found


@pytest.mark.parametrize(
    ("kind", "how", "total", "n_rows"),
    [
        ("issue", "auto", 21.0, 0),  # from the records
        ("issue", "issues", 21.0, 0),
        ("issue", "explode", 21.0, 26),  # from the bills, records left out
        (None, "auto", 21.0, 26),  # nothing on record
        (None, "issues", 3.0, 0),  # asked for, but there is nothing
    ],
)
def test_component_demand_is_counted_once(kind, how, total, n_rows):
    weekly, found = planned(kind, how)
    assert weekly["A"] == pytest.approx(9.0, rel=0.05)
    assert weekly["P"] == pytest.approx(total, rel=0.05)
    assert found.demand.height == n_rows
    assert found.findings == []


def test_issues_without_a_bill_stay():
    weekly, _ = planned("issue", "explode", bills=False)
    assert weekly["P"] == pytest.approx(21.0, rel=0.05)


def test_unmarked_records_are_suspected():
    _, found = planned("sale")
    assert [finding.code for finding in found.findings] == ["component_demand_twice"]


def test_spread_of_a_component_is_that_of_its_parent():
    """With 2 P in each A, the sd of what production takes is twice that of A's; the interval is P's own."""
    weekly, found = planned(None)
    row = found.estimates.filter(pl.col("item_id") == "P").row(0, named=True)
    interval = row["protection_days_mean"] / 7
    assert row["mean_protection_qty"] == pytest.approx(weekly["P"] * interval, rel=1e-6)
    pmf = row["pmf_protection"]
    mean = sum(k * p for k, p in enumerate(pmf)) * row["step_qty"]
    assert mean == pytest.approx(row["mean_protection_qty"], rel=1e-6)
    assert found.demand["sd_qty"][0] > 0


def test_nonsense_lines_and_missing_points_are_findings():
    lines = bill(("A", "P", 0.0, {}), ("A", "Q", 1.0, {"scrap_rate": 1.0}), ("A", "R", 1.0, {}))
    points = points_of("A", made="A")
    found = exploded(points, lines)
    assert found.demand["item_id"].unique().to_list() == ["R"]
    from plimsoll.bom.findings import unplanned, unusable

    assert unusable(lines)[0].what == (
        "2 lines of bills need nothing of a component or lose it all (A @ P, A @ Q)."
    )
    assert unplanned(found.demand, points)[0].what == ("1 component is needed where it is not kept (R @ M).")
