"""Sentences, codes and dates of single orders, and what the stage refuses."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.errors import InputError
from plimsoll.domain.reasons import ACTIONS, REASONS, names_in
from plimsoll.domain.tables import table
from plimsoll.replenish import ReplenishParams, recommend
from plimsoll.replenish.explanation import _flags, _values

AS_OF = date(2026, 11, 21)


def run(tables, **options):
    tables = {name: frame for name, frame in tables.items() if name != "target"}
    return recommend(**tables, params=ReplenishParams(**options), as_of=AS_OF)


@pytest.fixture
def say(company):
    """The sentence of one order after a few changes to a plain point at position 0 with s = 30."""

    def sentence(**given):
        return run(company(given)).recommendation["sentence"].item()

    return sentence


PLAIN = (
    "Order 50 from Acme: position 0 is below 30, the demand expected over 21 days (20) plus a buffer of 10"
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, f"{PLAIN} for a 98 % target; the economic lot is 20."),
        (
            {"buffer_demand_qty": -10.0, "s": 10.0, "economic_lot_qty": 1.0},
            "Order 30 from Acme: position 0 is below 10, the demand expected over 21 days (20) less 10, "
            "which is enough for a 98 % target.",
        ),
        (
            {"buffer_demand_qty": 0.0, "s": 20.0, "target_service_eff": 0.8, "economic_lot_qty": 1.0},
            "Order 40 from Acme: position 0 is below 20, the demand expected over 21 days, which is enough "
            "for an 80 % target.",
        ),
        (
            {"buffer_qty": 4.0, "economic_lot_qty": 1.0},
            "Order 50 from Acme: position 0 is below 30, the level for a 98 % target, with 20 expected over "
            "21 days and a buffer of 4.",
        ),
        (
            {"stock": (30.0, 0.0, 0.0), "economic_lot_qty": 1.0},
            "Order 20 from Acme: position 30 is at 30, the demand expected over 21 days (20) plus a buffer "
            "of 10 for a 98 % target.",
        ),
        (
            {"buffer_demand_qty": -2.0, "buffer_lead_time_qty": 12.0, "economic_lot_qty": 1.0},
            f"{PLAIN} for a 98 % target; all of the buffer is there because Acme's lead time varies.",
        ),
        (
            {"lead_time_days_set": 12.5, "economic_lot_qty": 1.0},  # 14 measured: within a fifth
            f"{PLAIN} for a 98 % target.",
        ),
        (
            {"method_used": "default", "economic_lot_qty": 1.0},
            f"{PLAIN} for a 98 % target; the lead time of 14 days is assumed, as neither receipts nor item "
            "master tell it.",
        ),
        (
            {"stock": None, "economic_lot_qty": 1.0},
            f"{PLAIN} for a 98 % target; no stock is recorded, so none is counted.",
        ),
        (
            {"stock": (-3.0, 0.0, 0.0), "economic_lot_qty": 1.0},
            f"{PLAIN} for a 98 % target; recorded stock of −3 is taken as 0.",
        ),
        (
            {"order_multiple_eff": 12.0, "lot_qty": 24.0},
            "Order 60 from Acme: position 0 is below 30, the demand expected over 21 days (20) plus a buffer "
            "of 10 for a 98 % target; the economic lot is 20; rounded up to a multiple of 12.",
        ),
        (
            {"s": 12030.0, "buffer_demand_qty": 12010.0, "economic_lot_qty": 1.0},
            "Order 12,050 from Acme: position 0 is below 12,030, the demand expected over 21 days (20) plus "
            "a buffer of 12,010 for a 98 % target.",
        ),
    ],
)
def test_sentence(say, given, said):
    assert say(**given) == said


def test_figures_of_the_sentence_add_up_although_rounded(say):
    shares = {20: 0.6, 21: 0.4}  # 20.4 expected and a buffer of 4.6, which alone would be said as 20 and 4.6
    sentence = say(protection=shares, step_qty=1.0, s=25.0, buffer_demand_qty=4.6)
    assert "below 25, the demand expected over 21 days (20) plus a buffer of 5 " in sentence


def test_next_order_is_due_when_the_expected_position_falls_to_the_reorder_point(company):
    def when(on_hand, **given):
        outlook = run(company({"stock": (on_hand, 0.0, 0.0), **given})).outlook
        return outlook.select("status", "order_by_date").row(0)

    assert when(30.0) == ("order_now", AS_OF)
    assert when(30.1) == ("later", date(2026, 11, 22))
    assert when(40.0) == ("later", date(2026, 12, 1))
    assert when(40.0, rate=3.0) == ("later", date(2026, 11, 25))  # 3.3 days, so after 4
    assert when(760.0) == ("later", date(2028, 11, 20))  # 730 days
    assert when(761.0) == ("later", None)
    assert when(30.0, policy="base_stock", lot_qty=0.0) == ("later", date(2026, 11, 22))
    assert when(40.0, rate=0.0) == ("none", None)
    assert when(40.0, policy="none") == ("none", None)


def test_due_date_is_the_mean_lead_time_rounded_up(company):
    due = run(company({"mean_days_est": 14.2})).recommendation["due_date"].item()
    assert due == date(2026, 12, 6)


def test_a_point_that_is_not_held_risks_only_what_it_owes(company):
    row = run(company({"policy": "none", "stock": (0.0, 0.0, 2.0)})).outlook.row(0, named=True)
    assert (row["stockout_probability"], row["money_at_risk"]) == (1.0, 40.0)
    row = run(company({"policy": "none"})).outlook.row(0, named=True)
    assert (row["stockout_probability"], row["money_at_risk"]) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["demand_estimate", "policy", "lead_times"])
def test_a_planned_point_needs_its_estimates(company, name):
    tables = company({}, {"item": "B"})
    tables[name] = tables[name].filter(pl.col("item_id") == "A")
    with pytest.raises(InputError, match=r": 1 \(B @ DC1\)"):
        run(tables)


def test_points_left_out_may_lack_estimates(company):
    tables = company({"item": "B", "planned": False, "left_out_reason": "engineered"})
    for name in ("demand_estimate", "policy", "lead_times"):
        tables[name] = tables[name].clear()
    today = run(tables)
    assert today.recommendation.is_empty()
    assert today.outlook["status"].to_list() == ["none"]


def test_an_empty_company_has_an_empty_plan(company):
    today = run({name: frame.clear() for name, frame in company({}).items()})
    assert today.recommendation.schema == table("recommendation").schema
    assert today.outlook.schema == table("outlook").schema
    assert not today.findings


def test_every_reason_can_be_decided_and_said():
    assert set(_flags(ReplenishParams())) == set(REASONS)
    needed = {name for reason in REASONS.values() for name in names_in(reason.template)}
    needed |= {name for template in ACTIONS.values() for name in names_in(template)}
    assert needed == set(_values())
    assert set(ACTIONS) == set(table("recommendation").column("kind").choices)
    assert all(reason.meaning.endswith(".") for reason in REASONS.values())


def test_near_the_end_the_order_is_cut_and_the_last_buy_is_said(company):
    def ordered(**ends):
        tables = company({})
        kinds = {"position_limit_qty": pl.Float64, "last_order_date": pl.Date, "last_buy_qty": pl.Float64}
        columns = [pl.lit(ends.get(name), dtype=kind).alias(name) for name, kind in kinds.items()]
        tables["policy"] = tables["policy"].with_columns(columns)
        return run(tables).recommendation.select("quantity", "reason_codes", "sentence").to_dicts()

    (cut,) = ordered(position_limit_qty=35.0, last_order_date=date(2027, 3, 1))
    assert (cut["quantity"], "end_limited" in cut["reason_codes"].split()) == (35.0, True)
    assert "cut to the 35 in stock and on order that are worth having before the end" in cut["sentence"]
    (last,) = ordered(position_limit_qty=70.0, last_order_date=date(2026, 12, 1), last_buy_qty=70.0)
    assert last["quantity"] == 70.0
    said = "no order is of use after 2026-12-01, and 70 in stock and on order are worth having."
    assert last["sentence"] == f"Order 70 from Acme: {said}"
    assert ordered(position_limit_qty=70.0, last_order_date=date(2026, 11, 20)) == []
