"""The policy stage: lots, kinds of policy, what is left out, levels in units, buffer and classic figure."""

import polars as pl
import pytest
from scipy import stats

from plimsoll.domain.tables import table
from plimsoll.policy import POLICY_REASONS, PolicyParams, size
from plimsoll.policy.reasons import FALLBACK_REASONS

UNIFORM = dict.fromkeys(range(10), 0.1)
POINT = {
    "step_qty": 1.0,
    "review": UNIFORM,
    "lead": {0: 1.0},
    "protection": UNIFORM,
    "rate": 4.5 / 7,
    "protection_days_mean": 7.0,
    "mean_days_est": 0.0,
    "target_kind_eff": "cycle",
    "target_service_eff": 0.8,
}


@pytest.fixture
def sized(company):
    """The policy row of one point, given what differs from POINT."""

    def build(params=None, planned=True, target_set=None, with_lead_times=False, **given):
        tables = company(POINT | given)
        points = tables["points"].with_columns(
            planned=pl.lit(planned), target_service_set=pl.lit(target_set, dtype=pl.Float64)
        )
        found = size(
            points,
            tables["demand_estimate"],
            tables["target"],
            params or PolicyParams(),
            tables["lead_times"] if with_lead_times else None,
        )
        assert found.schema == table("policy").schema
        row = found.row(0, named=True)
        assert row["policy_reason"] in POLICY_REASONS
        assert set((row["fallback_reason"] or "").split()) <= set(FALLBACK_REASONS)
        return row

    return build


@pytest.mark.parametrize(
    ("given", "policy", "reason", "lot"),
    [
        ({}, "base_stock", "every_review", 1.0),
        ({"order_multiple_eff": 1.0, "min_order_qty_eff": 1.0}, "base_stock", "every_review", 1.0),
        ({"min_order_qty_eff": 3.0}, "s_S", "minimum_order", 3.0),
        ({"order_cost_eff": 4.0}, "s_S", "economic_lot", 31.0),  # sqrt(2 4 234.8 / 2) = 30.6
        ({"order_cost_eff": 4.0, "min_order_qty_eff": 50.0}, "s_S", "minimum_order", 50.0),
        ({"order_cost_eff": 4.0, "order_multiple_eff": 12.0}, "s_nQ", "order_multiple", 36.0),
        ({"order_multiple_eff": 500.0}, "s_nQ", "multiple_above_year", 500.0),
        ({"min_order_qty_eff": 500.0}, "s_S", "moq_above_year", 500.0),
        ({"order_cost_eff": 4.0, "holding_rate_eff": 0.0}, "s_S", "lot_capped", 235.0),
    ],
)
def test_lot_and_kind_follow_the_constraints(sized, given, policy, reason, lot):
    row = sized(**given)
    assert (row["policy"], row["policy_reason"], row["lot_qty"]) == (policy, reason, lot)
    assert row["order_up_to_qty"] - row["reorder_point_qty"] == lot
    assert row["method_used"] == "exact"


def test_base_stock_by_hand(sized):
    """Demand 0..9, target 80 %: of the nine demands that lead to an order eight are at most S = 8."""
    row = sized()
    assert (row["reorder_point_qty"], row["order_up_to_qty"]) == (7.0, 8.0)
    assert row["cycle_service_est"] == pytest.approx(8 / 9)
    assert row["fill_rate_est"] == pytest.approx(1 - 0.1 / 4.5)
    assert row["on_hand_mean_qty"] == pytest.approx(3.6)
    assert row["backlog_mean_qty"] == pytest.approx(0.1)
    assert row["on_hand_mean_value"] == pytest.approx(36.0)
    assert row["orders_per_year_est"] == pytest.approx(0.9 * 365.25 / 7)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"planned": False}, "left_out"),
        ({"rate": 0.0, "protection": {0: 1.0}, "review": {0: 1.0}}, "no_expected_demand"),
        ({"rate": 0.0002}, "no_expected_demand"),
        ({"n_demand_periods": 0}, "no_demand_seen"),
    ],
)
def test_nothing_is_held_where_nothing_is_expected_or_planned(sized, given, reason):
    row = sized(**given)
    assert (row["policy"], row["policy_reason"], row["method_used"]) == ("none", reason, "none")
    assert row["order_up_to_qty"] == row["buffer_qty"] == row["on_hand_mean_value"] == 0.0


def test_a_new_or_targeted_point_without_demand_is_held(sized):
    assert sized(n_demand_periods=0, n_periods=30)["policy"] != "none"
    assert sized(n_demand_periods=0, target_set=0.9)["policy"] != "none"


def test_points_without_estimate_or_target_are_kept_as_none(company):
    tables = company({**POINT, "item": "A"}, {**POINT, "item": "B"})
    only_a = pl.col("item_id") == "A"
    demand, target = tables["demand_estimate"], tables["target"]
    found = size(tables["points"], demand.filter(only_a), target, PolicyParams())
    assert found["policy_reason"].to_list() == ["every_review", "no_demand_estimate"]
    found = size(tables["points"], demand, target.filter(only_a), PolicyParams())
    assert found["policy_reason"].to_list() == ["every_review", "no_target"]
    assert size(tables["points"].clear(), demand, target, PolicyParams()).is_empty()


def test_a_set_target_keeps_a_dead_item_orderable_without_stock(sized):
    dead = {"rate": 0.0, "protection": {0: 1.0}, "review": {0: 1.0}}
    row = sized(target_set=0.9, **dead)
    assert (row["policy"], row["policy_reason"]) == ("base_stock", "zero_stock_meets_target")
    assert (row["reorder_point_qty"], row["order_up_to_qty"], row["fill_rate_est"]) == (-1.0, 0.0, 1.0)


def test_extreme_targets(sized):
    least = sized(target_service_eff=0.0)
    assert (least["order_up_to_qty"], least["policy_reason"]) == (0.0, "zero_stock_meets_target")
    for kind in ("cycle", "fill"):
        most = sized(target_service_eff=1.0, target_kind_eff=kind)
        assert most["order_up_to_qty"] == 9.0  # the largest demand
        assert most["cycle_service_est"] == most["fill_rate_est"] == 1.0


def test_certain_demand_needs_its_amount_and_no_buffer(sized):
    row = sized(review={5: 1.0}, lead={10: 1.0}, protection={15: 1.0}, rate=5 / 7, protection_days_mean=21.0)
    assert (row["order_up_to_qty"], row["buffer_qty"]) == (15.0, 0.0)
    assert row["buffer_demand_qty"] == row["buffer_lead_time_qty"] == row["buffer_lot_review_qty"] == 0.0


def test_huge_minimum_order(sized):
    row = sized(min_order_qty_eff=1e6)
    assert row["order_up_to_qty"] - row["reorder_point_qty"] == 1e6
    assert row["on_hand_mean_qty"] == pytest.approx(row["reorder_point_qty"] + 5e5, rel=1e-3)
    assert row["orders_per_year_est"] == pytest.approx(4.5 * 365.25 / 7 / 1e6, rel=1e-3)


def test_levels_are_whole_steps(sized):
    tens = {10 * units: share for units, share in UNIFORM.items()}
    row = sized(step_qty=10.0, review=tens, protection=tens, rate=45 / 7, order_cost_eff=400.0)
    assert row["reorder_point_qty"] % 10 == 0
    assert row["lot_qty"] == 970.0  # sqrt(2 400 2348 / 2) = 969


def test_buffer_parts_sum_and_the_sentence_holds(sized):
    lead = {0: 0.3, 5: 0.4, 20: 0.3}
    protection = {5: 0.2, 10: 0.4, 15: 0.2, 30: 0.2}
    for given in ({}, {"min_order_qty_eff": 25.0}, {"order_multiple_eff": 12.0}):
        row = sized(lead=lead, review={5: 0.5, 10: 0.5}, protection=protection, rate=1.0, **given)
        level = row["order_up_to_qty"] if row["policy"] == "base_stock" else row["reorder_point_qty"]
        assert level == pytest.approx(row["expected_protection_qty"] + row["buffer_qty"])
        parts = [row[f"buffer_{part}_qty"] for part in ("demand", "lead_time", "lot_review")]
        assert sum(parts) == pytest.approx(row["buffer_qty"], abs=1e-12)
        assert parts[1] == pytest.approx(0.0)  # the fixture's constant law is the law itself


def test_economic_target_weighs_holding_against_shortage(sized):
    """Held 0.2 x 10 = 2 a unit and year; a unit short costs 2 x 7 / 365.25 x 9: critical ratio 0.9, S = 8."""
    cost = 2 * 7 / 365.25 * 9.01
    row = sized(target_kind_eff="economic", shortage_cost=cost)
    assert row["order_up_to_qty"] == 9.0
    row = sized(target_kind_eff="economic", shortage_cost=cost / 2)
    assert row["order_up_to_qty"] == 8.0
    assert row["fallback_reason"] is None


def test_economic_target_without_shortage_cost_falls_back_visibly(sized):
    row = sized(target_kind_eff="economic")
    assert (row["fallback_reason"], row["method_used"]) == ("no_shortage_cost", "exact")
    assert row["order_up_to_qty"] == sized()["order_up_to_qty"]


def test_method_tells_where_the_formula_is_not_exact(sized):
    lead = {"lead": {0: 0.5, 5: 0.5}, "unmet_demand_eff": "lost"}
    assert sized(**lead)["fallback_reason"] == "lost_sales"
    assert sized(unmet_demand_eff="lost")["method_used"] == "exact"
    assert sized(review={0: 1.0}, review_days_eff=0.0)["fallback_reason"] == "continuous_review"
    coarse = {"step_qty": 10.0, "review": {0: 0.5, 10: 0.5}, "protection": {0: 0.5, 10: 0.5}}
    assert sized(order_multiple_eff=12.0, **coarse)["fallback_reason"] == "lot_off_lattice"


FIVES = {k: float(stats.binom.pmf(k, 5, 0.3)) for k in range(6)}
LOST = {
    "review": FIVES,
    "lead": FIVES,
    "protection": {k: float(stats.binom.pmf(k, 10, 0.3)) for k in range(11)},
    "rate": 1.5 / 7,
    "mean_days_est": 7.0,
    "unmet_demand_eff": "lost",
    "with_lead_times": True,
}


@pytest.mark.parametrize("kind", ["cycle", "fill"])
@pytest.mark.parametrize("given", [{}, {"order_multiple_eff": 6.0}, {"min_order_qty_eff": 4.0}])
def test_lost_sales_with_orders_under_way_are_simulated(sized, kind, given):
    row = sized(target_kind_eff=kind, target_service_eff=0.9, **LOST, **given)
    assert (row["method_used"], row["fallback_reason"]) == ("simulated", "lost_sales_simulated")
    service = row["cycle_service_est" if kind == "cycle" else "fill_rate_est"]
    error = row["cycle_service_error_est" if kind == "cycle" else "fill_rate_error_est"]
    assert 0.9 <= service < 1
    assert 0 < error < 0.01
    assert row["backlog_mean_qty"] == 0.0


def test_what_cannot_be_simulated_is_approximated_and_says_so(sized):
    for given in (
        {"params": PolicyParams(lost_sales_periods=0)},
        {"with_lead_times": False},
        {"review_days_eff": 3.0},  # demand within a period is not known
        {"min_order_qty_eff": 1e6},  # an order in 13,000 years
    ):
        row = sized(**LOST | given)
        assert (row["method_used"], row["fallback_reason"]) == ("approximate", "lost_sales")
        assert row["fill_rate_error_est"] is None
    exact = sized(**LOST | {"lead": {0: 1.0}, "mean_days_est": 0.0, "protection": FIVES})
    assert (exact["method_used"], exact["fallback_reason"]) == ("exact", None)
    assert sized(**LOST | {"unmet_demand_eff": "backlog"})["method_used"] == "exact"


def test_wider_demand_over_the_protection_interval_needs_more_stock_with_lost_sales_too(sized):
    """An uncertain rate makes D_P wider than independent reviews; its variance enters the simulation."""
    wide = {k: (FIVES[k // 2] if k % 2 == 0 else 0.0) for k in range(11)}  # twice one review's demand
    certain, uncertain = sized(**LOST), sized(**LOST | {"protection": wide})
    assert uncertain["order_up_to_qty"] > certain["order_up_to_qty"]


def test_continuous_review_of_poisson_demand_is_the_classic_formula(sized):
    lead = {k: float(stats.poisson.pmf(k, 3.0)) for k in range(25)}
    row = sized(
        review={0: 1.0}, lead=lead, protection=lead, rate=1.0, review_days_eff=0.0,
        target_kind_eff="fill", target_service_eff=0.9, protection_days_mean=3.0,
    )  # fmt: skip
    up_to = int(row["order_up_to_qty"])
    assert up_to == next(s for s in range(25) if stats.poisson.cdf(s - 1, 3.0) >= 0.9)
    assert row["fill_rate_est"] == pytest.approx(stats.poisson.cdf(up_to - 1, 3.0))
    stock = sum((up_to - k) * share for k, share in lead.items() if k < up_to)
    assert row["on_hand_mean_qty"] == pytest.approx(stock)
    assert row["orders_per_year_est"] == pytest.approx(365.25)


def test_classic_figure_uses_the_typed_lead_time(sized):
    row = sized(target_service_eff=0.95, lead_time_days_set=28.0)
    assert row["classic_safety_stock_qty"] == pytest.approx(1.6448536 * 1.0 * 5**0.5)
    assert row["classic_reorder_point_qty"] == pytest.approx(4.5 / 7 * 35 + row["classic_safety_stock_qty"])
    assert sized(target_service_eff=0.95)["classic_safety_stock_qty"] == pytest.approx(1.6448536)
