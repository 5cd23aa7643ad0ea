"""Orders for lost sales: when stock is projected, what arrives when, and what a season moves."""

from datetime import date, timedelta

import polars as pl
import pytest

from plimsoll.replenish import ReplenishParams, recommend

AS_OF = date(2026, 11, 21)
WEEKLY = {0: 0.4, 1: 0.3, 2: 0.2, 3: 0.1}  # mean 1, variance 1
POISSON_LEAD = {0: 0.15, 1: 0.26, 2: 0.26, 3: 0.18, 4: 0.10, 5: 0.05}
LOST = {
    "unmet_demand_eff": "lost",
    "shortage_cost": 1.0,
    "unit_cost_eff": 0.2 * 365.25 / 7,
    "holding_rate_eff": 1.0,
    "target_kind_eff": "economic",
    "target_service_eff": 0.83,
    "policy": "base_stock",
    "economic_lot_qty": 0.0,
    "lot_qty": 1.0,
    "s": 4.0,
    "step_qty": 1.0,
    "rate": 1 / 7,
    "review": WEEKLY,
    "lead": {0: 0.25, 1: 0.25, 2: 0.0, 3: 0.25, 4: 0.25},
    "protection": {0: 0.1, 1: 0.2, 3: 0.4, 5: 0.2, 6: 0.1},
}


def _due(week):
    return AS_OF + timedelta(days=7 * week + 1)


def _asked(company, rule="look_ahead", coming=None, **given):
    tables = {name: frame for name, frame in company(LOST | given).items() if name != "target"}
    if coming is not None:
        listed = pl.Series("coming_qty", [coming], dtype=pl.List(pl.Float64))
        tables["demand_estimate"] = tables["demand_estimate"].with_columns(listed)
    found = recommend(**tables, params=ReplenishParams(lost_sales_rule=rule), as_of=AS_OF)
    return sum(found.recommendation["quantity"])


def test_stock_that_comes_too_early_is_not_counted_in_full(company):
    """Five units next week are partly lost time; five that arrive with the order serve it whole."""
    early = _asked(company, "projected", open=[(5.0, AS_OF, _due(0))])
    late = _asked(company, "projected", open=[(2.0, AS_OF, _due(2))])
    none = _asked(company, "projected")
    assert none == 2  # P(D <= 1) = 0.7 < 1 / 1.2 <= P(D <= 2)
    assert late == 0
    assert early <= none


@pytest.mark.parametrize("due", [None, _due(2), _due(9)])
def test_what_comes_with_the_order_or_after_counts_with_it(company, due):
    assert _asked(company, "projected", open=[(1.0, AS_OF, due)]) == 1


def test_what_is_overdue_counts_at_once(company):
    late = _asked(company, open=[(9.0, AS_OF, AS_OF - timedelta(days=3))])
    assert late == _asked(company, stock=(9.0, 0.0, 0.0))


def test_what_is_ordered_later_is_not_known(company):
    assert _asked(company, open=[(9.0, AS_OF + timedelta(days=1), _due(2))]) == _asked(company)


@pytest.mark.parametrize(
    "change",
    [
        {"unmet_demand_eff": "backlog"},
        {"target_kind_eff": "cycle"},
        {"shortage_cost": None},
        {"unit_cost_eff": 0.0},
        {"sd_days_est": 6.0},
        {"policy": "s_nQ"},
    ],
)
def test_elsewhere_the_position_is_filled_up(company, change):
    assert _asked(company, **change) == _asked(company, "order_up_to", **change)


def test_the_level_said_is_position_plus_order(company):
    tables = {name: frame for name, frame in company(LOST).items() if name != "target"}
    line = recommend(**tables, params=ReplenishParams(), as_of=AS_OF).recommendation
    assert (line["position_qty"] + line["quantity"]).to_list() == line["order_up_to_qty"].to_list()
    said = "position 0 is below 2, the demand expected over 21 days (3) less 1"
    assert said in line["sentence"].item()


def test_the_season_of_the_week_served_decides(company):
    flat = _asked(company, "projected", coming=[1.0, 1.0, 1.0])
    peak = _asked(company, "projected", coming=[1.0, 1.0, 4.0])
    before = _asked(company, "projected", coming=[4.0, 1.0, 1.0])
    assert peak > flat >= before


def test_a_season_that_ends_makes_the_look_ahead_careful(company):
    ends = [1.0, 1.0, 4.0, 0.05, 0.05, 0.05]
    assert _asked(company, "look_ahead", coming=ends) < _asked(company, "projected", coming=ends)


def test_dear_holding_asks_for_nothing_and_dear_shortage_for_more(company):
    assert _asked(company, holding_rate_eff=50.0) == 0
    assert _asked(company, shortage_cost=50.0) > _asked(company)


def test_multiples_hold(company):
    assert _asked(company, order_multiple_eff=6.0) == 6


def test_a_lead_time_of_no_week_serves_the_coming_one(company):
    given = {"mean_days_est": 0.0, "lead": {0: 1.0}, "protection": WEEKLY}
    assert _asked(company, "projected", **given) == 2


def test_many_units_are_projected_on_a_coarser_lattice(company):
    large = {"review": {90: 0.5, 110: 0.5}, "lead": {200: 1.0}, "protection": {280: 0.5, 320: 0.5}}
    thousand = _asked(company, "projected", step_qty=10.0, rate=100 / 7, stock=(3000.0, 0.0, 0.0), **large)
    assert thousand == 0
    assert 90 <= _asked(company, "projected", step_qty=10.0, rate=100 / 7, **large) <= 125
