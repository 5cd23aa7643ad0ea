"""Lanes and bills as they come: what cannot be a network is named and left out, the rest is planned."""

from datetime import date

import polars as pl
import pytest

from plimsoll import demand, ingest
from plimsoll.domain.tables import table
from plimsoll.network.model import arrays, build
from plimsoll.network.structure import circles

AS_OF = date(2026, 11, 22)
KEY = ["item_id", "location_id"]
# The good part, of another item: a DC with two branches, of which nothing may change.
GOOD = (("OK", "D", "S1"), ("OK", "B1", "D"), ("OK", "B2", "D"))


def lanes_of(*rows):
    names = ("item_id", "to_location_id", "from_location_id", "priority")
    schema = {name: table("lanes").schema[name] for name in names}
    return table("lanes").conform(pl.DataFrame([(*row, None)[:4] for row in rows], schema, orient="row"))


def bill(*rows):
    names = ("parent_item_id", "component_item_id", "quantity_per")
    schema = {name: table("bom").schema[name] for name in names}
    return table("bom").conform(pl.DataFrame(list(rows), schema, orient="row"))


def sold(*points):
    rows = [(date(2026, 11, 2), item, place, 7.0) for item, place in points]
    return table("demand").conform(
        pl.DataFrame(rows, ["date", "item_id", "location_id", "quantity"], orient="row")
    )


def completed(*lanes, bom=(), asked=(), **more):
    facts = {"lanes": lanes_of(*GOOD, *lanes), "bom": bill(*bom)} | more
    facts["demand"] = sold(("OK", "B1"), ("OK", "B2"), *asked)
    return ingest.complete(facts, as_of=AS_OF)


def planned(done, days=None, receipts=1, points=None, rates=None):
    """The network of a completed company: every lane takes five days unless `days` says otherwise."""
    points = done.points if points is None else points
    times = done.lanes.select(*("item_id", "to_location_id", "from_location_id")).with_columns(
        mean_days_est=pl.struct("item_id", "to_location_id").map_elements(
            lambda key: (days or {}).get((key["item_id"], key["to_location_id"]), 5.0), pl.Float64
        ),
        sd_days_est=pl.lit(1.0),
        n_receipts_item=pl.lit(receipts),
        n_receipts_lane=pl.lit(0),
    )
    rate = pl.col("demand_last_year_qty") / 365
    known = points if rates is None else points.join(rates, on=KEY, maintain_order="left")
    rate = rate if rates is None else pl.col("rate")
    estimates = known.select(
        *KEY,
        mean_per_day_est=rate,
        sd_protection_qty=rate.sqrt() * 10,
        protection_days_mean=pl.lit(100.0),
        protection_days_sd=pl.lit(0.0),
        sd_per_period_obs=rate.sqrt(),
        period_days=pl.lit(1.0),
    )
    return build(points, times, estimates, done.tables, as_of=AS_OF)


def only(net, code):
    (finding,) = net.findings
    assert finding.code == code
    assert finding.done
    assert finding.remedy
    return finding


def good_part_is_untouched(net):
    alone = planned(completed())
    assert alone.findings == []
    own = net.stages.filter(pl.col("item_id") == "OK").drop("network_id")
    assert own.equals(alone.stages.drop("network_id"))
    assert net.arcs.filter(pl.col("item_id") == "OK").equals(alone.arcs)
    arrays(net)  # and can be computed with


def test_lanes_in_a_circle_are_named_and_the_rest_is_planned():
    done = completed(("A", "X", "Y"), ("A", "Y", "X"), ("A", "Z", "X"), asked=[("A", "Z"), ("A", "X")])
    net = planned(done)
    finding = only(net, "network_cycle")
    assert finding.severity == "error"
    assert finding.what == "Goods go round in a circle: A @ X -> A @ Y -> A @ X."
    assert finding.n_rows == 3
    assert "(A @ X, A @ Y, A @ Z)" in finding.done
    out = net.stages.filter(pl.col("item_id") == "A")
    assert out["refused_reason"].to_list() == ["network_cycle"] * 3
    assert out["n_upstream"].sum() == out["n_downstream"].sum() == 0
    assert out["network_id"].n_unique() == 3
    good_part_is_untouched(net)


def test_demand_is_passed_up_once_points_in_a_circle_are_left_out():
    done = completed(("A", "X", "Y"), ("A", "Y", "X"), ("A", "Z", "X"), asked=[("A", "Z")])
    caught = circles(done.points)
    assert caught.rows() == [("A", "X"), ("A", "Y"), ("A", "Z")]
    total = demand.pass_upstream(done.tables["demand"], done.points.join(caught, on=KEY, how="anti"))
    assert total.group_by(KEY).agg(pl.col("quantity").sum()).sort(KEY).rows() == [
        ("A", "Z", 7.0), ("OK", "B1", 7.0), ("OK", "B2", 7.0), ("OK", "D", 14.0),
    ]  # fmt: skip


def test_bills_in_a_circle():
    lanes = [(item, "P", "P") for item in "TABC"]
    bom = [("T", "A", 1.0), ("A", "B", 1.0), ("B", "C", 1.0), ("C", "A", 1.0), ("C", "N", 1.0)]
    net = planned(completed(*lanes, ("N", "P", "S1"), bom=bom, asked=[("T", "P")]))
    finding = only(net, "network_cycle")
    assert finding.what == "Goods go round in a circle: A @ P -> C @ P -> B @ P -> A @ P."
    refused = net.stages.filter(pl.col("refused_reason") == "network_cycle")
    assert refused["item_id"].to_list() == ["A", "B", "C", "T"]
    good_part_is_untouched(net)


def test_an_item_made_of_itself():
    net = planned(completed(("A", "P", "P"), bom=[("A", "A", 1.0)], asked=[("A", "P")]))
    assert only(net, "network_cycle").what == "Goods go round in a circle: A @ P -> A @ P."
    good_part_is_untouched(net)


def test_a_circle_of_lanes_and_bills_together():
    """C is made at Q of X, X is made at P of C, and each plant gets its component from the other."""
    lanes = [("X", "P", "P"), ("X", "Q", "P"), ("C", "Q", "Q"), ("C", "P", "Q")]
    net = planned(completed(*lanes, bom=[("X", "C", 1.0), ("C", "X", 1.0)], asked=[("X", "P")]))
    finding = only(net, "network_cycle")
    assert finding.what == "Goods go round in a circle: C @ P -> X @ P -> X @ Q -> C @ Q -> C @ P."
    good_part_is_untouched(net)


def test_many_circles_name_three_and_count_all():
    lanes = [(f"A{i}", *ends) for i in range(5) for ends in (("X", "Y"), ("Y", "X"))]
    finding = only(planned(completed(*lanes)), "network_cycle")
    assert finding.n_rows == 10
    assert finding.what.startswith("Goods go round in 5 circles: A0 @ X -> A0 @ Y -> A0 @ X; A1 @ X")
    assert finding.what.endswith("; ….")


@pytest.mark.parametrize("days", [-3.0, float("nan"), None, float("inf")])
def test_a_time_that_is_none_is_refused_with_its_point(days):
    lanes = [("A", "D", "S1"), ("A", "B1", "D"), ("A", "C1", "B1")]
    net = planned(completed(*lanes, asked=[("A", "C1")]), days={("A", "B1"): days})
    finding = only(net, "network_time_unusable")
    assert (finding.n_rows, finding.keys) == (1, "A @ B1")
    stages = net.stages.filter(pl.col("item_id") == "A")
    assert stages.select("location_id", "refused_reason", "n_upstream", "n_downstream").rows() == [
        ("B1", "network_time_unusable", 0, 0), ("C1", None, 0, 0), ("D", None, 0, 0),
    ]  # fmt: skip
    refused = net.arcs.filter(pl.col("reason") == "network_time_unusable")
    assert refused.select("location_id", "in_force").rows() == [("B1", False), ("C1", False)]
    good_part_is_untouched(net)


def test_what_a_refused_point_draws_stays_demand_of_its_source():
    lanes = [("A", "D", "S1"), ("A", "B1", "D"), ("A", "B2", "D"), ("A", "C1", "B1")]
    done = completed(*lanes, asked=[("A", "C1"), ("A", "B2")])
    # The estimate of a source holds what it passes on, as the plan's estimates do.
    passed = {"D": 2.0, "B1": 1.0}
    own = pl.col("demand_last_year_qty")
    at_source = pl.when(pl.col("item_id") == "A").then(
        pl.col("location_id").replace_strict(passed, default=0.0)
    )
    share = done.points.filter(pl.col("location_id") == "B2", pl.col("item_id") == "A")[
        "demand_last_year_qty"
    ][0]
    rates = done.points.select(*KEY, rate=(own + at_source.fill_null(0.0) * share) / 365)
    net = planned(done, days={("A", "B1"): -1.0}, rates=rates)
    stages = net.stages.filter(pl.col("item_id") == "A")
    per_day = share / 365
    assert stages["location_id"].to_list() == ["B1", "B2", "C1", "D"]
    assert stages["mean_per_day"].to_list() == pytest.approx([per_day, per_day, per_day, 2 * per_day])
    assert stages["own_mean_per_day"].to_list() == pytest.approx([per_day] * 4)


def test_zero_days_count_only_where_receipts_show_them():
    done = completed(("A", "D", "S1"), ("A", "B1", "D"), asked=[("A", "B1")])
    seen = planned(done, days={("A", "B1"): 0.0})
    assert seen.findings == []
    assert seen.stages.filter(pl.col("item_id") == "A")["network_id"].n_unique() == 1
    typed = planned(done, days={("A", "B1"): 0.0}, receipts=0)
    finding = only(typed, "network_time_zero")
    assert finding.keys == "A @ B1"
    assert typed.stages.filter(pl.col("item_id") == "A")["network_id"].n_unique() == 2


def test_a_review_interval_below_zero_is_refused():
    done = completed(("A", "D", "S1"), ("A", "B1", "D"), asked=[("A", "B1")])
    wrong = pl.when((pl.col("item_id") == "A") & (pl.col("location_id") == "D")).then(-7.0)
    points = done.points.with_columns(review_days_eff=wrong.otherwise("review_days_eff"))
    assert only(planned(done, points=points), "network_time_unusable").keys == "A @ D"


def test_demand_whose_source_gets_nothing_is_named():
    """In a company as completed the source would be a point; frames of one's own may lack it."""
    done = completed(("A", "D", "P"), ("A", "B1", "D"), ("Z", "P", "P"), asked=[("A", "B1")])
    points = done.points.filter(~((pl.col("item_id") == "A") & (pl.col("location_id") == "P")))
    lanes = done.lanes.filter(~((pl.col("item_id") == "A") & (pl.col("to_location_id") == "P")))
    done = ingest.Completed(points, lanes, done.tables | {"lanes": lanes}, [])
    net = planned(done, points=points)
    found = [finding for finding in net.findings if finding.code == "network_unreachable"]
    assert [finding.keys for finding in found] == ["A @ D @ P"]
    (arc,) = net.arcs.filter(pl.col("reason") == "network_unreachable").rows(named=True)
    assert (arc["location_id"], arc["in_force"]) == ("D", False)
    # What hangs on it stays a network: the DC feeds its branch.
    assert net.stages.filter(pl.col("item_id") == "A")["n_downstream"].to_list() == [0, 1]
    made = planned(
        ingest.Completed(points, lanes, done.tables | {"bom": bill(("A", "Z", 1.0))}, []), points=points
    )
    assert made.findings == []  # it makes the item to order
    good_part_is_untouched(net)


def test_lanes_of_one_priority_and_lanes_both_ways():
    lanes = [("A", "D", "S1", 1), ("A", "D", "S2", 1), ("A", "B1", "D", 1), ("A", "B1", "B2", 2)]
    lanes += [("A", "B2", "D", 1), ("A", "B2", "B1", 2), ("A", "D", "S3", 2)]
    net = planned(completed(*lanes, asked=[("A", "B1"), ("A", "B2")]))
    assert [(f.code, f.n_rows, f.keys) for f in net.findings] == [
        ("network_lanes_tied", 1, "A @ D"),
        ("network_lanes_both_ways", 1, "A @ B1 @ B2"),
    ]
    stages = net.stages.filter(pl.col("item_id") == "A")
    assert stages.select("location_id", "n_upstream", "n_downstream").rows() == [
        ("B1", 1, 0), ("B2", 1, 0), ("D", 0, 2),
    ]  # fmt: skip
    good_part_is_untouched(net)


def test_a_point_that_feeds_nobody_and_serves_nobody():
    net = planned(completed(("A", "D", "S1")))
    finding = only(net, "network_orphan")
    assert (finding.severity, finding.keys) == ("warning", "A @ D")
    assert planned(completed(("A", "B1", "S1"))).findings == []  # a branch without demand is no source
    assert planned(completed(("A", "D", "S1"), asked=[("A", "D")])).findings == []


def test_an_assembly_cheaper_than_its_parts():
    items = table("items").conform(pl.DataFrame({"item_id": ["X", "C", "OK"], "unit_cost": [10.0, 8.0, 1.0]}))
    asked = [("X", "P")]
    done = completed(("X", "P", "P"), ("C", "P", "S1"), bom=[("X", "C", 2.0)], asked=asked, items=items)
    net = planned(done)
    assert only(net, "network_cost_falls").keys == "X @ P"
    (row,) = net.stages.filter(pl.col("item_id") == "X").rows(named=True)
    assert (row["unit_cost"], row["added_cost"]) == (10.0, 0.0)
