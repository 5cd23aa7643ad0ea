"""Which stock may move where, and what moves do to the orders of the day."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.reasons import MOVE_ACTIONS, MOVE_REASONS, names_in
from plimsoll.domain.tables import table
from plimsoll.replenish import ReplenishParams, recommend
from plimsoll.replenish.moves_wording import _flags, _values

AS_OF = date(2026, 11, 21)
IDLE = {"stock": (500.0, 0.0, 0.0), "rate": 0.0}


def run(company, *points, ends=None, **options):
    tables = {name: frame for name, frame in company(*points).items() if name != "target"}
    for name, values in (ends or {}).items():
        of_place = pl.col("location_id").replace_strict(values, default=None, return_dtype=pl.Float64)
        tables["policy"] = tables["policy"].with_columns(of_place.alias(name))
    return recommend(**tables, params=ReplenishParams(**options), as_of=AS_OF)


def moves(today):
    return [
        (row["from_location_id"], row["to_location_id"], row["kind"], row["quantity"])
        for row in today.move.iter_rows(named=True)
    ]


def branch(at, **given):
    return {"at": at, "source": "DC1", "kind": "transfer", **given}


def test_what_moves_is_not_ordered(company):
    today = run(company, branch("BR1", **IDLE), branch("BR2"), {"stock": (0.0, 0.0, 0.0)})
    # Of the 100 that BR2 and the centre lack, the centre's own 50 come home, and BR2's 50 go across.
    assert moves(today) == [("BR1", "BR2", "transshipment", 50.0), ("BR1", "DC1", "return", 50.0)]
    assert today.recommendation.is_empty()
    status = dict(today.outlook.select("location_id", "status").rows())
    assert status == {"BR1": "none", "BR2": "later", "DC1": "later"}


def test_what_is_ordered_beside_a_move_counts_it(company):
    today = run(
        company, branch("BR1", stock=(60.0, 0.0, 0.0), rate=0.0), branch("BR2"), {"stock": (90.0, 0.0, 0.0)}
    )
    assert moves(today) == [("BR1", "BR2", "transshipment", 10.0)]
    row = today.recommendation.row(0, named=True)
    figures = ("to_location_id", "quantity", "moved_in_qty", "on_order_qty", "position_qty")
    assert [row[name] for name in figures] == ["BR2", 40.0, 10.0, 10.0, 10.0]
    assert "moved_in" in row["reason_codes"].split()
    assert row["sentence"].endswith("; it counts 10 moved here from other places.")


@pytest.mark.parametrize(
    ("given", "quantity"),
    [
        ({}, 50.0),
        ({"stock": (500.0, 300.0, 160.0)}, 0.0),  # all but 40 is owed or allocated
        ({"stock": (20.0, 0.0, 0.0), "open": [(480.0, None, AS_OF)]}, 0.0),  # not there yet
        ({"stock": (75.9, 0.0, 0.0)}, 25.0),  # whole units above S = 50
        ({"stock": (500.0, 0.0, 0.0), "rate": 5.0}, 0.0),  # 90 days of demand are kept
        ({"planned": False, "left_out_reason": "ended"}, 50.0),
        ({"planned": False, "left_out_reason": "do_not_stock", "policy": "none"}, 50.0),
        ({"planned": False, "left_out_reason": "engineered"}, 0.0),
        ({"unit_cost_eff": 0.0}, 25.0),  # no holding, but shortage of 20 units, in tranches of 13 and 12
        ({"unit_cost_eff": 0.0, "unit_price_eff": 0.0}, 25.0),
        ({"stock": (-500.0, 0.0, 0.0)}, 0.0),
        ({"stock": None}, 0.0),
    ],
)
def test_what_may_leave(company, given, quantity):
    today = run(company, {"at": "BR1", **IDLE, **given}, {"at": "BR2"}, move_cost=0.5)
    assert today.move.filter(pl.col("to_location_id") == "BR2")["quantity"].sum() == quantity


def test_near_an_end_what_is_worth_having_stays(company):
    places = ({"at": "BR1", "stock": (100.0, 0.0, 0.0), "rate": 0.01}, {"at": "BR2"})
    assert moves(run(company, *places)) == [("BR1", "BR2", "transshipment", 49.0)]
    assert (
        moves(run(company, *places, ends={"position_limit_qty": {"BR1": 95.0}}, move_cost=1.0))[0][3] == 5.0
    )
    assert moves(run(company, *places, ends={"position_limit_qty": {"BR1": 20.0}}))[0][3] == 50.0


def test_a_last_buy_is_smaller_by_what_moves(company):
    ends = {"last_buy_qty": {"BR2": 80.0}, "position_limit_qty": {"BR2": 80.0}}
    today = run(company, {"at": "BR1", "stock": (110.0, 0.0, 0.0), "rate": 0.0}, {"at": "BR2"}, ends=ends)
    assert moves(today)[0][3] == 60.0
    assert today.recommendation["quantity"].to_list() == [20.0]


@pytest.mark.parametrize(
    ("between", "origin", "target", "allowed"),
    [
        ("linked", branch("BR1"), branch("BR2"), True),
        ("linked", branch("BR1"), branch("BR2") | {"source": "DC2"}, False),
        ("any", branch("BR1"), branch("BR2") | {"source": "DC2"}, True),
        ("linked", branch("BR1"), {"at": "DC1"}, True),
        ("any", {"at": "DC1"}, branch("BR2"), False),  # down its lane stock flows by orders
        ("none", branch("BR1"), branch("BR2"), False),
        ("linked", {"at": "BR1", "source": "UNKNOWN"}, {"at": "BR2", "source": "UNKNOWN"}, False),
        ("any", branch("BR1"), branch("BR2") | {"item": "B"}, False),
    ],
)
def test_between_which_places(company, between, origin, target, allowed):
    today = run(company, origin | IDLE, target, rebalance_between=between)
    assert bool(today.move.height) == allowed


def test_no_purchase_is_spared_while_the_source_has_plenty(company):
    full = {"stock": (5_000.0, 0.0, 0.0)}
    stays = run(company, branch("BR1", **IDLE | {"rate": 1.0}), branch("BR2"), full | {"rate": 0.1})
    assert stays.move.is_empty()
    goes = run(company, branch("BR1", **IDLE | {"rate": 1.0}), branch("BR2"), {"stock": (55.0, 0.0, 0.0)})
    assert next(row[:2] for row in moves(goes)) == ("BR1", "BR2")


def test_a_move_that_comes_sooner_than_what_waits_avoids_more(company):
    def avoided(stock):
        today = run(company, branch("BR1", **IDLE), branch("BR2"), {"stock": (stock, 0.0, 0.0), "rate": 0.0})
        row = today.move.filter(pl.col("to_location_id") == "BR2").row(0, named=True)
        return row["shortage_avoided"], row["reason_codes"].split()

    (fast, codes), (slow, waits) = avoided(700.0), avoided(0.0)
    assert slow > fast > 0
    assert "transfer_spared" in codes
    assert "transfer_waits" in waits


def test_every_reason_of_a_move_can_be_decided_and_said(company):
    assert set(_flags()) == set(MOVE_REASONS)
    templates = [*MOVE_ACTIONS.values(), *(reason.template for reason in MOVE_REASONS.values())]
    assert {name for template in templates for name in names_in(template)} <= set(_values())
    assert set(MOVE_ACTIONS) == set(table("move").column("kind").choices)
    making = {"at": "PL1", "source": "PL1", "kind": "production"}
    today = run(company, {"at": "DC1", "source": "PL1", "kind": "transfer", **IDLE}, making)
    assert today.move["sentence"].item() == (
        "Return 50 from DC1 to PL1: DC1 has 450 more than it needs and no demand for them, and 50 would be "
        "made at PL1 today; it saves 500 of buying and holding and avoids 128 of expected shortage for 35 of "
        "transport."
    )


def test_an_empty_company_moves_nothing(company):
    tables = {name: frame.clear() for name, frame in company({}).items() if name != "target"}
    today = recommend(**tables, params=ReplenishParams(), as_of=AS_OF)
    assert today.move.schema == table("move").schema
    assert today.allocation.schema == table("allocation").schema


def test_where_others_are_fed_only_own_customers_count(company):
    places = ({"at": "DC2", "source": "Acme", **IDLE}, {"at": "DC1", "source": "Acme"})
    alone = run(company, *places).move.row(0, named=True)
    tables = company(*places, branch("BR1", stock=(50.0, 0.0, 0.0)))
    tables.pop("target")
    quarter = pl.when(pl.col("location_id") == "DC1").then(365.25 / 4).otherwise("demand_last_year_qty")
    tables["points"] = tables["points"].with_columns(demand_last_year_qty=quarter)
    feeding = recommend(**tables, params=ReplenishParams(), as_of=AS_OF).move.row(0, named=True)
    assert feeding["quantity"] == alone["quantity"] == 50.0
    assert feeding["holding_saved"] == alone["holding_saved"]
    assert feeding["shortage_avoided"] == pytest.approx(alone["shortage_avoided"] / 4)
