"""Release, provision, bridges, extremes and maturity by hand."""

from datetime import date

import polars as pl
import pytest

from plimsoll.domain.errors import SettingError
from plimsoll.domain.tables import table
from plimsoll.measure.bridge import plans_bridge, settings_bridge
from plimsoll.measure.capital_params import CapitalParams
from plimsoll.measure.maturity import PROOFS, maturity
from plimsoll.measure.provision import MONTH_DAYS, provision, provision_forecast, with_age
from plimsoll.measure.release import Terms, release_plan, release_totals, routed
from plimsoll.measure.segments import extremes, segments

AS_OF = date(2026, 10, 31)  # months end after 30 and 61 days
KEY = ["item_id", "location_id"]
TERMS = Terms(
    transfer_cost_share=0.05, return_share=0.8, discount_share=0.4, discount_uplift=2.0, scrap_share=0.02
)
TWO = CapitalParams(release_months=2, transfer_month=1, return_month=2, discount_month=2, scrap_month=2)
# item, units above need, demand a day, units moved today, warning, its action, its units, its money, dead
LINES = [
    ("A", 30.0, 1.0, 0.0, "none", "none", 0.0, 0.0, False),
    ("B", 50.0, 1.0, 0.0, "none", "none", 0.0, 0.0, False),
    ("C", 20.0, 0.0, 12.0, "none", "none", 0.0, 0.0, False),
    ("D", 8.0, 0.1, 0.0, "watch", "return", 5.0, 40.0, False),
    ("E", 4.0, 0.0, 0.0, "over", "scrap", 10.0, 17.0, False),
    ("F", 5.0, 0.0, 0.0, "over", "discount", 10.0, 100.0, False),
    ("G", 7.0, 0.0, 0.0, "none", "none", 0.0, 0.0, True),
    ("H", 100.0, 0.1, 0.0, "none", "none", 0.0, 0.0, False),
    ("I", 20.0, 0.2, 0.0, "none", "none", 0.0, 0.0, False),
    ("J", 0.0, 1.0, 0.0, "none", "none", 0.0, 0.0, False),
]
# item, route, month -> value, freed, lost
RELEASED = {
    ("A", "bleed_off", 1): (300.0, 300.0, 0.0),
    ("B", "bleed_off", 1): (300.0, 300.0, 0.0),
    ("B", "bleed_off", 2): (200.0, 200.0, 0.0),
    ("C", "transfer", 1): (120.0, 114.0, 6.0),  # the move costs 6
    ("C", "stays", None): (80.0, 0.0, 0.0),
    ("D", "return", 2): (50.0, 40.0, 10.0),
    ("D", "bleed_off", 1): (15.0, 15.0, 0.0),  # half the rate: demand may be over
    ("D", "bleed_off", 2): (15.0, 15.0, 0.0),
    ("E", "scrap", 2): (40.0, 0.8, 39.2),
    ("F", "discount", 2): (50.0, 50.0, 0.0),
    ("G", "scrap", 2): (70.0, 1.4, 68.6),
    ("H", "discount", 2): (122.0, 97.6, 24.4),  # 12.2 sold at 12, 6.1 would have gone at 20
    ("H", "bleed_off", 1): (30.0, 30.0, 0.0),
    ("H", "bleed_off", 2): (31.0, 31.0, 0.0),
    ("H", "stays", None): (817.0, 0.0, 0.0),
    ("I", "bleed_off", 1): (60.0, 60.0, 0.0),
    ("I", "bleed_off", 2): (62.0, 62.0, 0.0),
    ("I", "stays", None): (78.0, 0.0, 0.0),
}


def ten_lines():
    names = ("item_id", "extra", "rate", "moved", "grade", "action", "qty", "money", "dead")
    frame = pl.DataFrame(LINES, schema=list(names), orient="row").with_columns(location_id=pl.lit("M"))
    points = frame.select(*KEY, holding_rate_eff=0.2, unit_cost_eff=10.0, unit_price_eff=20.0)
    health = frame.select(
        *KEY,
        on_hand_qty=pl.col("extra") + 10.0,
        dead_value=pl.when("dead").then(pl.col("extra") * 10).otherwise(0.0),
        cash_to_release=pl.col("extra") * 10,
    )
    moves = frame.filter(pl.col("moved") > 0).select(
        "item_id", from_location_id="location_id", quantity="moved", cost=pl.col("moved") / 2
    )
    lives = frame.select(
        *KEY,
        "grade",
        mean_per_day_survival=pl.col("rate") / 2,
        action="action",
        action_qty="qty",
        action_value="money",
        months_since_demand=pl.lit(3, pl.Int64),
        months_seen=pl.lit(24, pl.Int64),
    )
    rates = frame.select(*KEY, mean_per_day_est="rate")
    return points, health, rates, moves, lives


def test_release_of_ten_lines_by_hand():
    route = routed(*ten_lines(), TERMS, TWO, as_of=AS_OF)
    release = release_plan(route, TWO, as_of=AS_OF)
    found = {
        (row["item_id"], row["route"], row["month"]): (row["value"], row["freed"], row["lost"])
        for row in release.to_dicts()
    }
    assert found.keys() == RELEASED.keys()
    for key, money in RELEASED.items():
        assert found[key] == pytest.approx(money), key
    assert release["value"].sum() == pytest.approx(2440.0)
    totals = release_totals(release)
    assert totals["value"].sum() == pytest.approx(2440.0)
    assert totals.filter(route="bleed_off", month=2)["value"].item() == pytest.approx(308.0)
    why = dict(route.select("item_id", "why").iter_rows())
    assert why == {
        "A": "demand_suffices", "B": "demand_suffices", "C": "move_today", "D": "life_cycle",
        "E": "life_cycle", "F": "life_cycle", "G": "no_demand",
        "H": "cheaper_than_keeping", "I": "keeping_is_cheaper",
    }  # fmt: skip


def test_nothing_stranded_is_released_without_a_row():
    points, health, *rest = ten_lines()
    route = routed(points, health.with_columns(cash_to_release=0.0), *rest, TERMS, TWO, as_of=AS_OF)
    release = release_plan(route, TWO, as_of=AS_OF)
    assert release.is_empty()
    assert provision_forecast(with_age(route, rest[-1]), release, TWO, as_of=AS_OF).is_empty()


@pytest.mark.parametrize(
    ("units", "rate", "age", "money"),
    [
        (10.0, 1.0, 3.0, 0.0),  # young and soon gone
        (10.0, 0.0, 3.0, 100.0),  # never leaves
        (10.0, 1.0, 7.0, 25.0),  # a quarter by age
        (10.0, 1.0, 24.0, 100.0),  # two years old: all of it
        (10.0, 1.0, None, 0.0),
        # 60 months: 12 at 0, 12 at a quarter, 12 at half, 24 at all of it, of 10 each
        (60.0, 1.0 / MONTH_DAYS, 3.0, 10 * (12 * 0.25 + 12 * 0.5 + 24)),
    ],
)
def test_provision_by_hand(units, rate, age, money):
    frame = pl.DataFrame(
        {"cost": [10.0], "rate": [rate], "age_months": [age], "units": [units]},
        schema_overrides={"age_months": pl.Float64},
    )
    assert frame.select(provision("units", CapitalParams())).item() == pytest.approx(money)


def test_forecast_ages_until_a_unit_is_asked_for():
    points, health, rates, moves, lives = ten_lines()
    route = routed(points, health, rates, moves, lives, TERMS, TWO, as_of=AS_OF)
    aged = with_age(route, lives).with_columns(age_months=pl.lit(5.0))
    release = release_plan(route, TWO, as_of=AS_OF)
    forecast = provision_forecast(aged, release, TWO, as_of=AS_OF)
    left = (
        forecast.group_by("month").agg(pl.col("stranded_value", "planned_stranded_value").sum()).sort("month")
    )
    assert left["stranded_value"].to_list() == pytest.approx([2440.0, 1735.0, 1426.5])
    after = [2440.0, 2440.0 - 825.0, 80.0 + 817.0 + 78.0]
    assert left["planned_stranded_value"].to_list() == pytest.approx(after)
    buckets = forecast.filter(month=2).select("bucket", "n_points").sort("bucket")
    # asked for in two months: A, B (gone by then), D not (3 units), H and I; the rest are 7 months old
    assert dict(buckets.iter_rows()) == {"6 to 12": 4, "under 6": 3}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"age_shares": [0.0, 1.0]}, "one share more"),
        ({"cover_months": [12, 12, 36]}, "must ascend"),
        ({"age_shares": [0.5, 0.25, 0.5, 1.0]}, "not fall"),
        ({"release_months": 3}, "at least 6"),
    ],
)
def test_options_that_do_not_fit_are_refused(given, said):
    with pytest.raises(SettingError, match=said):
        CapitalParams.read(given, "capital")


def plan_side(rows):
    """(item, cost, stock, demand, lead time, held)."""
    names = [
        "item_id",
        "unit_cost_eff",
        "on_hand_mean_qty",
        "buffer_demand_qty",
        "buffer_lead_time_qty",
        "held",
    ]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(location_id=pl.lit("M"))
    policy = frame.with_columns(
        policy=pl.when("held").then(pl.lit("s_S")).otherwise(pl.lit("none")),
        buffer_lot_review_qty=0.0,
        buffer_network_qty=0.0,
        buffer_override_qty=0.0,
    )
    return {"planning_point": frame.select(*KEY, "unit_cost_eff"), "policy": policy}


def test_bridge_between_plans_by_hand():
    before = plan_side([("A", 10.0, 50.0, 20.0, 10.0, True), ("B", 1.0, 5.0, 1.0, 1.0, True)])
    after = plan_side([("A", 12.0, 65.0, 26.0, 14.0, True), ("C", 2.0, 4.0, 1.0, 1.0, True)])
    by_target = pl.DataFrame(
        {"item_id": ["A"], "location_id": ["M"], "target_stock": [3.0], "target_demand": [2.0],
         "target_lead_time": [1.0]}
    )  # fmt: skip
    bridge = plans_bridge(before, after, by_target)
    ends = {row["item_id"]: (row["from_value"], row["to_value"]) for row in bridge.to_dicts()}
    assert ends == {"A": (500.0, 780.0), "B": (5.0, 0.0), "C": (0.0, 8.0)}
    row = bridge.filter(item_id="A").row(0, named=True)
    # units 15: demand 6 - 2, lead time 4 - 1, target 3, the lot the other 5; mean cost 11, mean units 57.5
    parts = [row[f"by_{name}"] for name in ("demand", "lead_time", "target", "lot", "data")]
    assert parts == pytest.approx([44.0, 33.0, 33.0, 55.0, 115.0])
    assert bridge.filter(item_id="B")["by_data"].item() == -5.0
    assert bridge.filter(item_id="C")["by_data"].item() == 8.0


def test_bridge_from_settings_adds_up_to_the_comparison_of_the_report(planned):
    sold = {
        "review": {0: 0.5, 70: 0.5},
        "lead": {100: 0.5, 140: 0.5},
        "step_qty": 10.0,
        "s": 310.0,
        "rate": 5.0,
    }
    now = {"current_min": 150.0, "current_max": 250.0, "lead_time_days_set": 20.0, "mean_days_est": 31.0}
    points = [
        sold | now | {"protection": {120: 0.25, 200: 0.5, 240: 0.25}, "buffer_lead_time_qty": 70.0},
        sold | now | {"item": "B", "current_min": 400.0, "current_max": None, "current_safety_stock": 90.0},
        sold | {"item": "C"},
    ]
    plan = planned(points)
    bridge = settings_bridge(
        *(plan[n] for n in ("planning_point", "policy", "demand_estimate", "lead_time_estimate"))
    )
    told = plan.before_after.filter(figure="rule_inventory_value").row(0, named=True)
    assert bridge["item_id"].to_list() == ["A", "B"]
    assert told["n_points"] == 2
    assert bridge["from_value"].sum() == pytest.approx(told["before"])
    assert bridge["to_value"].sum() == pytest.approx(told["after"])
    parts = pl.sum_horizontal(pl.selectors.starts_with("by_"))
    rest = bridge.select(pl.col("to_value") - pl.col("from_value") - parts).to_series()
    assert rest.abs().max() < 1e-9
    by_lead_time = bridge["by_lead_time"]
    assert by_lead_time[0] > 0, "typed 20 days, receipts say 31"


def wide_rows(*rows):
    """(item, class, dead, slow, short, exposure)."""
    frame = pl.DataFrame(
        rows, schema=["item_id", "cell", "dead_value", "slow_value", "short_value", "exposure_value"],
        orient="row",
    )  # fmt: skip
    filled = dict.fromkeys(
        ("annual_value", "on_hand_value", "cash_to_release", "on_hand_mean_value", "on_hand_qty"), 1.0
    )
    return frame.with_columns(
        location_id=pl.lit("M"), description=pl.lit(None, pl.String), abc=pl.col("cell").str.head(1),
        xyz=pl.col("cell").str.tail(1), target_service_eff=0.9, cover_days=pl.lit(None, pl.Float64),
        **{name: pl.lit(value) for name, value in filled.items()},
    )  # fmt: skip


def test_extremes_are_the_corners_by_money():
    wide = wide_rows(
        ("A", "CZ", 0.0, 7.0, 0.0, 0.0), ("B", "CZ", 9.0, 0.0, 0.0, 0.0), ("C", "CX", 8.0, 0.0, 0.0, 0.0),
        ("D", "CX", 0.0, 99.0, 0.0, 0.0), ("E", "AX", 0.0, 0.0, 5.0, 1.0), ("F", "AX", 0.0, 0.0, 3.0, 2.0),
        ("G", "AY", 0.0, 0.0, 99.0, 9.0), ("H", "CZ", 0.0, 0.0, 0.0, 0.0),
    )  # fmt: skip
    found = extremes(wide).select("corner", "rank", "item_id", "money").rows()
    assert found == [
        ("kill", 1, "B", 9.0), ("kill", 2, "C", 8.0), ("kill", 3, "A", 7.0), ("refill", 1, "F", 3.0),
        ("refill", 2, "E", 5.0),
    ]  # fmt: skip
    cells = segments(wide)
    assert cells["n_points"].sum() == 8
    assert dict(cells.select(pl.col("abc") + pl.col("xyz"), "dead_value").iter_rows())["CX"] == 8.0


def test_maturity_by_hand(planned):
    plan = planned()
    tables = plan.tables | {name: plan[name] for name in ("readiness", "arrival_risk")}
    done = dict.fromkeys(PROOFS, False) | {"rules replayed": True}
    found = maturity(tables, done)
    rows = {row["dimension"]: row for row in found.to_dicts()}
    assert rows["data"]["level"] == 0, "nothing was audited"
    assert rows["data"]["share"] is None
    assert rows["execution"]["share"] is None
    assert rows["demand"]["share"] == 0.0, "made up, never tried"
    # of five points one has a typed lead time: 20 days where receipts say 31
    assert rows["supply"]["share"] == 0.0
    assert rows["policy"]["share"] == 0.0, "150 where 310 is needed, elsewhere nothing is set"
    assert (rows["measurement"]["share"], rows["measurement"]["command"]) == (0.25, "accuracy")
    assert sorted(found["step"].drop_nulls().to_list()) == [1, 2, 3]
    steps = found.drop_nulls("step").sort("step").select(pl.col("money") * (4 - pl.col("level"))).to_series()
    assert steps.to_list() == sorted(steps.to_list(), reverse=True)
    assert table("maturity").conform(found).equals(found)
