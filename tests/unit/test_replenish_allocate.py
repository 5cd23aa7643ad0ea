"""Orders that call on our own places: who is decided when, what leaves, what waits and until when."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.tables import table
from plimsoll.replenish import ReplenishParams, recommend

AS_OF = date(2026, 11, 21)
STAY = {"rebalance_between": "none"}


def run(company, *points, bom=None, **options):
    """Today's plan of places without customers of their own."""
    tables = {name: frame for name, frame in company(*points).items() if name != "target"}
    tables["points"] = tables["points"].with_columns(demand_last_year_qty=pl.lit(0.0))
    return recommend(**tables, params=ReplenishParams(**STAY | options), as_of=AS_OF, bom=bom)


def branch(at="BR1", **given):
    return {"at": at, "source": "DC1", "kind": "transfer", **given}


def lines(today, *columns):
    frame = today.recommendation.select("item_id", "to_location_id", *columns)
    return {row[:2]: row[2:] for row in frame.rows()}


def test_a_source_orders_after_those_that_draw_on_it(company):
    # The branch lacks 50; of the 70 at the centre 20 are then left, at or below its reorder point of 30.
    today = run(company, {"stock": (70.0, 0.0, 0.0)}, branch())
    found = lines(today, "quantity", "called_qty", "position_qty", "backlog_qty", "ship_now_qty")
    assert found["A", "BR1"] == (50.0, 0.0, 0.0, 0.0, 50.0)
    assert found["A", "DC1"] == (30.0, 50.0, 20.0, 50.0, None)
    outlook = today.outlook.filter(pl.col("location_id") == "DC1").row(0, named=True)
    assert (outlook["position_qty"], outlook["backlog_qty"], outlook["status"]) == (70.0, 0.0, "order_now")
    said = today.recommendation.filter(pl.col("to_location_id") == "DC1")["sentence"].item()
    assert said == (
        "Order 30 from Acme: position 20 is below 30, the demand expected over 21 days (20) plus a buffer of "
        "10 for a 98 % target; the economic lot is 20; what it replenishes calls for 50 today."
    )
    assert today.allocation.is_empty()


def test_calls_pass_up_several_levels_within_the_day(company):
    chain = [
        {"at": "PL1", "source": "PL1", "kind": "production"},
        {"at": "DC1", "source": "PL1", "kind": "transfer"},
        branch(),
        branch("BR2"),
    ]
    found = lines(run(company, *chain), "quantity", "called_qty")
    assert found["A", "DC1"] == (150.0, 100.0)
    assert found["A", "PL1"] == (200.0, 150.0)


def test_the_date_of_the_next_order_counts_what_is_called_for(company):
    def when(*points):
        outlook = run(company, {"stock": (130.0, 0.0, 0.0)}, *points).outlook
        return outlook.filter(pl.col("location_id") == "DC1")["order_by_date"].item()

    assert when() == date(2027, 3, 1)  # 100 days at a unit a day down to 30
    assert when(branch()) == date(2027, 1, 10)  # 50 of them are called for


def test_a_circle_is_planned_place_by_place(company):
    ring = [
        {"at": "X", "source": "Y", "kind": "transfer"},
        {"at": "Y", "source": "X", "kind": "transfer"},
        branch("BR1") | {"source": "X"},
    ]
    found = lines(run(company, *ring), "quantity", "ship_now_qty", "waiting_until")
    assert {row[0] for row in found.values()} == {50.0}
    assert found["A", "BR1"][1:] == (0.0, None)


def test_a_source_that_keeps_nothing_orders_what_is_called_for(company):
    dock = {"policy": "none", "stock": (20.0, 0.0, 0.0)}
    assert lines(run(company, dock, branch()), "quantity")["A", "DC1"] == (30.0,)
    off = run(company, dock, branch(), order_owed_when_not_held=False)
    assert ("A", "DC1") not in lines(off, "quantity")


def test_an_ended_source_orders_nothing_and_no_day_is_promised(company):
    ended = {"planned": False, "left_out_reason": "ended", "policy": "none", "stock": (20.0, 0.0, 0.0)}
    today = run(company, ended, branch())
    found = lines(today, "quantity", "ship_now_qty", "waiting_qty", "waiting_until")
    assert found == {("A", "BR1"): (50.0, 20.0, 30.0, None)}
    assert "30 wait for stock that nobody has ordered yet" in today.allocation["sentence"][0]
    assert "the other 30 when somebody orders there" in today.recommendation["sentence"].item()


SOURCE = {"stock": (30.0, 4.0, 6.0), "demand_last_year_qty": 0.0}


def source_of(company, *, own=0.0, tables=None, **given):
    """The tables of a short source with two branches, with own customers' demand a year there."""
    made = company(SOURCE | given, branch("BR1"), branch("BR2", unit_price_eff=60.0))
    here = pl.col("location_id") == "DC1"
    made["points"] = made["points"].with_columns(
        demand_last_year_qty=pl.when(here).then(own).otherwise("demand_last_year_qty")
    )
    return {name: frame for name, frame in made.items() if name != "target"}


def test_scarce_units_go_where_a_unit_short_costs_most_and_the_rest_waits(company):
    today = recommend(**source_of(company), params=ReplenishParams(**STAY), as_of=AS_OF)
    found = lines(today, "quantity", "ship_now_qty", "waiting_qty", "waiting_until", "due_date")
    # 30 on hand less 10 owed; a unit short costs 60 at BR2 and 20 at BR1. The centre's own order takes 14
    # days, and so does the way to BR1, for which nothing is there.
    assert found["A", "BR2"] == (50.0, 20.0, 30.0, date(2026, 12, 5), date(2026, 12, 5))
    assert found["A", "BR1"] == (50.0, 0.0, 50.0, date(2026, 12, 5), date(2026, 12, 19))
    rows = today.allocation.select("to_location_id", "available_qty", "allocated_qty", "money_at_risk").rows()
    # Demand is 10 or 30: with nothing 20 are short on average, with 20 half a 10.
    assert rows == [("BR1", 20.0, 0.0, 400.0), ("BR2", 20.0, 20.0, 300.0)]
    assert today.allocation["sentence"].to_list() == [
        "DC1 has 20 for 100 called for: none goes to BR1 at once, 50 wait until 2026-12-05.",
        "DC1 has 20 for 100 called for: 20 go to BR2 at once, 30 wait until 2026-12-05.",
    ]
    said = dict(today.recommendation.select("to_location_id", "sentence").rows())
    assert said["BR2"].endswith("; DC1 can send 20 now, and the other 30 around 2026-12-05.")
    assert said["BR1"].endswith("; DC1 has none to send now: it leaves around 2026-12-05.")
    finding = next(one for one in today.findings if one.code == "transfer_short")
    assert (finding.n_rows, finding.money_at_risk) == (2, 800.0)


@pytest.mark.parametrize(
    ("open_orders", "until"),
    [
        ([(80.0, None, date(2026, 11, 25))], date(2026, 11, 25)),
        ([(79.0, None, date(2026, 11, 25))], date(2026, 12, 5)),  # a unit too few: its own lead time
        ([(79.0, None, date(2026, 11, 25)), (9.0, None, date(2026, 11, 30))], date(2026, 11, 30)),
        ([(80.0, None, date(2026, 11, 19))], date(2026, 12, 5)),  # overdue: nobody knows when
        ([(80.0, date(2026, 11, 22), date(2026, 11, 25))], date(2026, 12, 5)),  # not ordered yet
    ],
)
def test_what_waits_leaves_when_open_orders_cover_it(company, open_orders, until):
    tables = source_of(company, open=open_orders)
    today = recommend(**tables, params=ReplenishParams(**STAY), as_of=AS_OF)
    assert set(today.allocation["waiting_until"]) == {until}


def test_waiting_adds_up_along_the_way(company):
    chain = [
        {"at": "PL1", "source": "PL1", "kind": "production", "mean_days_est": 30.0},
        {"at": "DC1", "source": "PL1", "kind": "transfer", "mean_days_est": 5.5},
        branch(mean_days_est=2.0),
    ]
    found = lines(run(company, *chain), "waiting_until", "due_date")
    assert found["A", "DC1"] == (date(2026, 12, 21), date(2026, 12, 27))
    assert found["A", "BR1"] == (date(2026, 12, 27), date(2026, 12, 29))


def test_own_customers_of_the_source_have_a_claim(company):
    dear = source_of(company, own=100.0, unit_price_eff=500.0)
    own = recommend(**dear, params=ReplenishParams(**STAY), as_of=AS_OF).allocation
    kept = own.filter(pl.col("claimant") == "customers").row(0, named=True)
    assert (kept["to_location_id"], kept["from_location_id"]) == ("DC1", "DC1")
    assert 0 < kept["allocated_qty"] < 20
    assert own["allocated_qty"].sum() == 20.0
    assert kept["sentence"] == (
        f"DC1 has 20 for {100 + kept['wanted_qty']:.0f} called for: {kept['allocated_qty']:.0f} are kept for "
        "its own customers."
    )


def test_lots_are_not_broken(company):
    tables = source_of(company)
    size = pl.when(pl.col("location_id") == "BR2").then(12.0).otherwise(0.0)
    tables["policy"] = tables["policy"].with_columns(order_multiple=size)
    found = lines(recommend(**tables, params=ReplenishParams(**STAY), as_of=AS_OF), "ship_now_qty")
    assert found["A", "BR2"] == (12.0,)
    assert found["A", "BR1"] == (8.0,)


def test_items_without_price_or_cost_share_alike(company):
    free = {"unit_price_eff": 0.0, "unit_cost_eff": 0.0}
    today = run(company, SOURCE | free, branch("BR1", **free), branch("BR2", **free))
    assert sorted(today.allocation.filter(pl.col("claimant") == "place")["allocated_qty"]) == [10.0, 10.0]
    assert today.recommendation["sentence"].is_not_null().all()


def test_negative_and_missing_stock_sends_nothing(company):
    for stock in ((-5.0, 0.0, 0.0), None):
        found = lines(run(company, {"stock": stock}, branch()), "ship_now_qty", "waiting_qty")
        assert found["A", "BR1"] == (0.0, 50.0)


def test_places_without_a_source_of_ours_have_nothing_to_wait_for(company):
    today = run(company, {}, {"item": "B", "kind": "transfer", "source": "ELSEWHERE"})
    assert today.recommendation["ship_now_qty"].is_null().all()
    assert today.recommendation["waiting_qty"].to_list() == [0.0, 0.0]


def bill(*rows):
    columns = {"parent_item_id": pl.String, "component_item_id": pl.String, "quantity_per": pl.Float64}
    return table("bom").conform(pl.DataFrame(rows, schema=columns, orient="row"))


def plant(item, units, **given):
    return {
        "item": item,
        "at": "PL1",
        "source": "PL1",
        "kind": "production",
        "stock": (units, 0.0, 0.0),
    } | given


def test_components_are_called_for_and_say_how_many_can_be_made(company):
    screw = plant("SCREW", 200.0, source="Acme", kind="purchase")
    plate = plant("PLATE", 70.0, source="Acme", kind="purchase", open=[(40.0, None, date(2026, 12, 1))])
    # 50 of each are wanted: 4 x 50 + 50 screws and 2 x 50 plates; PUMP has more money at risk.
    points = [plant("PUMP", 0.0, unit_price_eff=90.0), plant("VALVE", 0.0), screw, plate]
    bom = bill(
        ("PUMP", "SCREW", 4.0), ("PUMP", "PLATE", 2.0), ("VALVE", "SCREW", 1.0), ("VALVE", "GONE", 1.0)
    )
    today = run(company, *points, bom=bom)
    found = lines(today, "quantity", "called_qty", "ship_now_qty", "waiting_qty", "waiting_until")
    assert found["PUMP", "PL1"] == (50.0, 0.0, 35.0, 15.0, date(2026, 12, 1))
    assert found["VALVE", "PL1"][2:4] == (0.0, 50.0)  # all 200 screws are reserved for the pumps
    assert found["SCREW", "PL1"][:2] == (100.0, 250.0)
    assert found["PLATE", "PL1"][:2] == (40.0, 100.0)  # 70 + 40 - 100 is 10
    said = dict(today.recommendation.select("item_id", "sentence").rows())
    assert said["PUMP"].endswith("; components in stock are enough for 35.")
    finding = next(one for one in today.findings if one.code == "components_short")
    assert finding.n_rows == 2
    assert "35 of 100 units" in finding.why
    without = run(company, *points)
    assert lines(without, "ship_now_qty")["PUMP", "PL1"] == (None,)
    assert ("SCREW", "PL1") not in lines(without, "quantity")


def test_a_bill_that_goes_in_a_circle_stops_nothing(company):
    bom = bill(("PUMP", "VALVE", 1.0), ("VALVE", "PUMP", 1.0))
    found = lines(run(company, plant("PUMP", 0.0), plant("VALVE", 0.0), bom=bom), "quantity")
    assert set(found.values()) == {(50.0,)}
