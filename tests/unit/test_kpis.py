"""Key figures by hand, on a company of ten order lines, and where the records do not tell."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.errors import InputError, SettingError
from plimsoll.domain.kpis import KPIS, SPLITS, kpi, split_column
from plimsoll.domain.tables import table
from plimsoll.measure.kpi_days import Days
from plimsoll.measure.kpi_ledger import (
    decision_rows,
    finished,
    ledger_rows,
    order_rows,
    plan_rows,
    policy_rows,
)
from plimsoll.measure.kpi_params import KpiParams
from plimsoll.measure.kpi_stock import stockouts
from plimsoll.measure.kpis import BEHIND, Evidence, drill_down, kpis

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
DAYS = Days(JUNE, date(2026, 7, 31), "month")
YEARS = 61 / 365.25
# Two points: A at M (cost 2, price 5, 20 % a year), B at M (cost 10, price 20, 10 % a year).
POINTS = pl.DataFrame(
    {"item_id": ["A", "B"], "location_id": "M", "unit_cost": [2.0, 10.0], "unit_price": [5.0, 20.0],
     "holding_rate": [0.2, 0.1]}
)  # fmt: skip
ABOUT = table("kpi_point").conform(
    pl.DataFrame({"item_id": ["A", "B"], "location_id": "M", "from_location_id": ["S", "T"],
                  "abc": ["A", "C"], "category": ["pumps", None]})
)  # fmt: skip


def day(text):
    return None if text is None else date.fromisoformat(f"2026-{text}")


def line(order, item, on, quantity, shipped=None, units=None, promised=None, customer="K1", **more):
    return {
        "date": day(on), "item_id": item, "location_id": "M", "quantity": quantity, "order_id": order,
        "line": f"{item}{on}", "customer_id": customer, "promised_date": day(promised),
        "shipped_date": day(shipped), "shipped_quantity": units,
    } | more  # fmt: skip


LINES = [
    line("1", "A", "06-02", 10.0, "06-05", 10.0, "06-05"),  # in full, in time
    line("1", "B", "06-02", 4.0, "06-08", 4.0, "06-05"),  # late
    line("2", "A", "06-10", 20.0, "06-14", None, None),  # without a promise: by Sunday the 14th
    line("3", "A", "06-20", 5.0, "06-22", 3.0, "06-25", "K2"),  # in time, not in full
    line("4", "B", "07-01", 2.0, "07-02", 2.0, "07-09", "K2", unit_price=30.0),  # at a price of its own
    line("5", "B", "07-03", 1.0, "07-03", 1.0, "07-04"),  # in full, in time, and sent back
    line("5", "B", "07-20", -1.0),
    line("6", "A", "07-30", 8.0, None, 0.0, "08-20"),  # not due yet
    line("7", "A", "07-10", 6.0),  # nobody says whether it was shipped
    line("8", "A", "07-12", 7.0, kind="issue"),  # to production
]
COUNTS = [("A", "05-31", 9.0), ("A", "06-11", 0.0), ("A", "07-01", 20.0), ("B", "06-21", 5.0)]
RECEIPTS = [("06-15", True, 12.0), ("07-15", False, 99.0), ("08-01", True, 50.0)]


def tables(lines=LINES, counts=COUNTS, receipts=RECEIPTS):
    schema = dict(table("demand").schema)
    found = {"demand": pl.DataFrame(lines, schema=schema)}
    found["stock"] = table("stock").conform(
        pl.DataFrame([{"item_id": item, "location_id": "M", "date": day(on), "on_hand": held}
                      for item, on, held in counts], schema=table("stock").schema)
    )  # fmt: skip
    found["receipts"] = table("receipts").conform(
        pl.DataFrame(
            [{"order_id": f"P{n}", "item_id": "A", "to_location_id": "M", "from_location_id": "S",
              "received_date": day(on), "quantity": 1.0, "expedited": hurried, "freight_cost": freight}
             for n, (on, hurried, freight) in enumerate(receipts)],
            schema=table("receipts").schema,
        )
    )  # fmt: skip
    customers = {"customer_id": ["K1", "K2"], "segment": ["retail", None]}
    return found | {"customers": table("customers").conform(pl.DataFrame(customers))}


def evidence(facts=None, further=(), days=DAYS, **more):
    facts = facts or tables()
    ledger = finished([ledger_rows(facts, POINTS, days, 31), *further], "actual")
    orders = order_rows(facts["demand"], facts["customers"], POINTS, days)
    return Evidence(ledger, days.frame(), ABOUT, orders, **more)


def values(found, group="company"):
    return dict(found.filter(group=group).select("kpi", "value").iter_rows())


@pytest.fixture(scope="module")
def company():
    return values(kpis(evidence()))


def test_stock_holds_until_the_next_count(company):
    # A: 9 on 10 days to 10 June, 0 on 20 to 30 June, 20 on 31 of July; B: 5 from 21 June on 31 days
    a, b = (10 * 9.0 + 20 * 0.0 + 31 * 20.0) / 61 * 2.0, 5.0 * 10.0
    assert company["inventory_value"] == pytest.approx(a + b)
    assert company["carrying_cost"] == pytest.approx(0.2 * a + 0.1 * b)
    found = kpis(evidence()).filter(kpi="inventory_value")
    assert found["coverage"].item() == pytest.approx((61 + 31) / 122)


def test_service(company):
    # judged: lines of orders 1 to 5; in time: 10 and 20 and 3 of A at 5, 2 and 1 of B at 20
    assert company["fill_rate"] == pytest.approx((33 * 5 + 3 * 20) / (35 * 5 + 7 * 20))
    assert company["line_fill_rate"] == pytest.approx(4 / 6)
    assert company["otif"] == pytest.approx(3 / 5), "orders 2, 4 and 5 of 1 to 5; 6 and 7 do not tell"
    assert company["perfect_order_rate"] == pytest.approx(2 / 5), "something of order 5 came back"
    assert company["service_per_million"] == pytest.approx(
        1e6 * company["fill_rate"] / company["inventory_value"]
    )


def test_sales_and_what_turns_over(company):
    # sold: A 10 + 20 + 3 shipped, 0 of order 6, 6 asked for; B 4 + 2 + 1
    cogs = (39 * 2 + 7 * 10) / YEARS
    assert company["turns"] == pytest.approx(cogs / company["inventory_value"])
    assert company["days_of_inventory"] == pytest.approx(365.25 / company["turns"])
    assert company["expedite_spend"] == pytest.approx(12.0 / YEARS)
    assert company["expedite_share"] == pytest.approx(12.0 / (39 * 5 + 4 * 20 + 2 * 30 + 20))


def test_a_stock_out_begins_between_two_looks(company):
    # A: 9 to 0 in 11 days, 0 to 20 in 20 days; B has one count, which tells of no change
    assert company["stockout_frequency"] == pytest.approx(1 / (31 / 365.25))
    flags = pl.DataFrame({"date": [day("06-01"), day("06-08"), day("06-15")], "item_id": "A",
                          "location_id": "M", "in_stock": [True, False, False]})  # fmt: skip
    found = stockouts(tables()["stock"], flags, JUNE, DAYS.last, "month", 31)
    assert found.rows() == [(JUNE, "A", "M", 14.0, 1.0)], "flags count and counts do not, where there are any"
    assert stockouts(tables()["stock"], flags, JUNE, DAYS.last, "month", 6).is_empty()


def test_what_no_plan_or_check_told_is_missing(company):
    found = kpis(evidence())
    told = {name for name, value in company.items() if value is not None}
    assert told == {
        "inventory_value", "fill_rate", "turns", "expedite_spend", "days_of_inventory", "line_fill_rate",
        "otif", "perfect_order_rate", "stockout_frequency", "expedite_share", "service_per_million",
        "carrying_cost",
    }  # fmt: skip
    missing = found.filter(pl.col("value").is_null())
    assert missing["missing"].null_count() == 0
    assert found.filter(pl.col("value").is_not_null())["missing"].null_count() == len(told)


def test_without_records_a_figure_says_what_to_import():
    bare = [{**one, "shipped_date": None, "shipped_quantity": None} for one in LINES]
    receipts = [("06-15", None, 12.0)]
    found = kpis(evidence(tables(bare, [], receipts)))
    silent = found.filter(
        pl.col("kpi").is_in(["inventory_value", "fill_rate", "turns", "expedite_spend", "otif"])
    )
    assert silent["value"].null_count() == 5
    said = dict(silent.select("kpi", "missing").iter_rows())
    assert "counts of stock" in said["turns"]
    assert "shipped_date" in said["otif"]
    assert "expedited" in said["expedite_spend"]
    hurried_for_nothing = kpis(evidence(tables(receipts=[("06-15", True, None)])))
    assert values(hurried_for_nothing)["expedite_spend"] is None, "its freight is not on record"
    never_hurried = kpis(evidence(tables(receipts=[("06-15", False, None)])))
    assert values(never_hurried)["expedite_spend"] == 0.0


def test_nothing_at_all_is_a_company_without_figures():
    found = kpis(Evidence(table("kpi_ledger").empty(), DAYS.frame()))
    assert (found.height, found["value"].null_count(), found["missing"].null_count()) == (
        len(KPIS),
        len(KPIS),
        0,
    )
    assert kpis(Evidence(table("kpi_ledger").empty(), DAYS.frame()), "class").is_empty()


def test_splits_and_periods():
    by_item, by_class = kpis(evidence(), "item"), kpis(evidence(), "class")
    assert values(by_item, "B")["inventory_value"] == values(by_class, "C")["inventory_value"] == 50.0
    assert values(kpis(evidence(), "category"), "unknown") == values(by_item, "B")
    of_source = values(kpis(evidence(), "supplier"), "S")
    assert of_source == {name: value for name, value in values(by_item, "A").items() if name in of_source}
    assert values(kpis(evidence(), "location"), "M")["turns"] == values(kpis(evidence()))["turns"]
    segments = kpis(evidence(), "segment")
    assert values(segments, "no customer named")["fill_rate"] == pytest.approx(
        (3 * 5 + 2 * 20) / (5 * 5 + 2 * 20)
    )
    assert values(segments, "retail")["otif"] == pytest.approx(2 / 3)
    months = kpis(evidence(), each_period=True)
    june = values(months.filter(period=JUNE))
    assert june["fill_rate"] == pytest.approx(33 * 5 / (35 * 5 + 4 * 20))
    assert june["inventory_value"] == pytest.approx((10 * 9.0) / 30 * 2.0 + 50.0)
    assert june["turns"] == pytest.approx((33 * 2 + 4 * 10) / (30 / 365.25) / june["inventory_value"])


def test_a_month_under_way_counts_with_its_days():
    days = Days(JUNE, date(2026, 7, 15), "month")
    assert days.frame().rows() == [(JUNE, 30.0, True), (JULY, 15.0, False)]
    found = values(kpis(evidence(days=days)))
    assert found["expedite_spend"] == pytest.approx(12.0 / (45 / 365.25))
    assert found["inventory_value"] == pytest.approx((10 * 9.0 + 15 * 20.0) / 45 * 2.0 + 50.0)


def test_what_plans_people_and_checks_tell():
    keys = {"item_id": ["A", "B"], "location_id": "M"}
    plan = {
        "planning_point": pl.DataFrame(keys | {"from_location_id": ["S", "T"], "unit_cost_eff": [2.0, 10.0]}),
        "inventory_health": pl.DataFrame(
            keys | {"on_hand_value": [40.0, 50.0], "cash_to_release": [10.0, 35.0]}
        ),
        "outlook": pl.DataFrame(keys | {"counted_date": [JULY, JULY]}),
        "target": pl.DataFrame(keys | {"xyz": ["X", "X"]}),
        "lead_time_estimate": pl.DataFrame(
            {"item_id": ["A", "B"], "to_location_id": "M", "from_location_id": ["S", "T"],
             "mean_days_est": [10.0, 10.0], "sd_days_est": [5.0, 5.1]}
        ),
        "policy": pl.DataFrame(keys | {"policy": ["s_S", "none"], "buffer_qty": [6.0, 9.0],
                                       "reorder_point_qty": [10.0, 0.0], "order_up_to_qty": [30.0, 0.0]}),
        "demand_estimate": pl.DataFrame(keys | {"mean_per_day_est": [0.5, 1.0]}),
    }  # fmt: skip
    later = plan | {"outlook": pl.DataFrame(keys | {"counted_date": [JULY, None]})}
    moved = plan["policy"].with_columns(order_up_to_qty=pl.Series([31.6, 0.0]))
    overridden = [True, False, False, False]
    decided = pl.DataFrame({"overridden": overridden}).with_columns(
        as_of=pl.lit(JULY), item_id=pl.lit("A"), location_id=pl.lit("M")
    )
    checked = {"level": "all", "group": "all", "origin": [JUNE, None], "wape": [0.4, 0.3],
               "bias": [-0.1, 0.2], "pinball": [0.2, 0.1], "mase": [0.9, 0.8]}  # fmt: skip
    promised = {
        "group": "all",
        "value": "all",
        "service": ["units", "lines"],
        "level": None,
        "gap": [-0.02, 0.5],
    }
    found = kpis(
        evidence(
            further=[
                plan_rows(plan, JUNE, KpiParams()),
                plan_rows(later, JULY, KpiParams()),
                policy_rows(moved, plan["policy"], JULY, 0.05),
                decision_rows(decided, "month"),
            ],
            accuracy=pl.DataFrame(checked, schema_overrides={"origin": pl.Date}),
            calibration=pl.DataFrame(promised, schema_overrides={"level": pl.Float64}),
            replans=pl.DataFrame({"period": [JUNE, JULY], "hours": [1.0, 4.0]}),
        ),
        targets={"wape": 0.25},
    )
    told = values(found)
    assert told["excess_obsolete_share"] == 10 / 40, "the last plan knew the stock of A alone"
    assert told["capital_at_risk"] == 0.0, "a spread of half the mean is not more than half; B is not known"
    assert told["safety_cover_days"] == 6 * 2 / (0.5 * 2)
    assert told["policy_changes"] == 1 / 2, "31.6 is more than 5 % above 30"
    assert told["override_rate"] == 0.25
    assert (told["wape"], told["bias"], told["pinball"], told["mase"]) == (0.3, 0.2, 0.1, 0.8)
    assert told["calibration_gap"] == -0.02
    assert told["time_to_replan"] == 2.5
    assert found.filter(kpi="wape")["target"].item() == 0.25
    before = kpis(evidence(further=[plan_rows(plan, JUNE, KpiParams())]))
    assert values(before)["capital_at_risk"] == 50.0, "B: 5.1 days on a mean of 10"


def test_rows_behind_a_figure_add_up_to_it():
    whole, seen = evidence(), kpis(evidence())
    rows = drill_down(whole, "fill_rate")
    assert rows["asked_value"].sum() == seen.filter(kpi="fill_rate")["bottom"].item()
    assert rows.row(0)[:3] == (JUNE, "B", "M"), "4 units of 20 came late: that weighs most"
    assert drill_down(whole, "otif", 2)["order_id"].sort().to_list() == ["1", "3"]
    assert BEHIND.keys() == {name for name, each in KPIS.items() if each.grain in ("point", "order")}, (
        "every figure but those of checks and runs has rows"
    )


def test_unknown_names_are_answered():
    with pytest.raises(InputError, match="no key figure") as told:
        kpi("turn")
    assert "turns" in told.value.remedy
    with pytest.raises(InputError, match="cannot be split") as told:
        split_column("locations")
    assert "location" in told.value.remedy
    with pytest.raises(SettingError, match=r"names 'fillrate', which is no key figure"):
        KpiParams.read({"targets": {"fillrate": 0.9}}, "kpi")
    assert set(SPLITS) == set(table("kpi").column("by").choices)
