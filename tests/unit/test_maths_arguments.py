"""A wrong argument is refused by its name, with its value."""

import numpy as np
import pytest

from plimsoll.domain.errors import InputError, SettingError
from plimsoll.maths import continuous_review as cr
from plimsoll.maths import lots
from plimsoll.maths import newsvendor as nv
from plimsoll.maths import periodic_review as pr
from plimsoll.maths.arguments import checked, distribution, one, series
from plimsoll.maths.disruptions import base_stock_with_disruptions
from plimsoll.maths.loss import gamma_loss, negative_binomial_loss, normal_loss, poisson_loss


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        ({"least": 0}, 0, -1e-9),
        ({"above": 0}, 1e-9, 0),
        ({"most": 1}, 1, 1.5),
        ({"whole": True}, 3, 3.5),
        ({}, -4, np.inf),
        ({"finite": False}, np.inf, np.nan),
    ],
)
def test_checked_accepts_up_to_the_edge_and_refuses_beyond(rules, good, bad):
    assert checked("x", good, **rules) == good
    with pytest.raises(SettingError, match=f"x = {bad}"):
        checked("x", [good, bad], **rules)


def test_the_message_shows_five_of_many():
    with pytest.raises(SettingError, match=r"sd = -1\.0, -2\.0, -3\.0, -4\.0, -5\.0, … is not usable"):
        checked("sd", -np.arange(1, 9), least=0)


def test_one_refuses_an_array():
    with pytest.raises(SettingError, match="mean"):
        one("mean", np.ones(2))


@pytest.mark.parametrize("values", [[], [[1.0]], [1, np.nan], [1, -1]])
def test_series_refuses_what_is_not_a_row_of_numbers(values):
    with pytest.raises(InputError, match="demand"):
        series("demand", values, least=0)


@pytest.mark.parametrize(
    ("values", "pmf", "name"),
    [
        ([1, 2], [0.5, 0.4], "sums to 0.9"),
        ([1, 2], [1.5, -0.5], "pmf = -0.5"),
        ([1, 2], [1.0], "values has 2"),
        ([1, 1], [0.5, 0.5], r"values = 1\.0 comes more than once"),
    ],
)
def test_distribution_refuses_what_is_none(values, pmf, name):
    with pytest.raises(InputError, match=name):
        distribution(values, pmf)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: normal_loss(1, 1, -2), r"sd = -2"),
        (lambda: normal_loss(np.nan, 1, 2), r"x = nan"),
        (lambda: poisson_loss(1, -1), r"mean = -1"),
        (lambda: gamma_loss(1, np.inf, 1), r"mean = inf"),
        (lambda: negative_binomial_loss(1, 4, 3), r"variance - mean = -1"),
        (lambda: nv.newsvendor_normal(1, 0, 5, 1), r"underage_cost = 0"),
        (lambda: nv.newsvendor_poisson(0, 1, 5), r"overage_cost = 0"),
        (lambda: nv.newsvendor_normal_profit(1, 2, 0, 5, 1), r"revenue - purchase_cost = -1"),
        (lambda: nv.newsvendor_normal_profit(3, 2, 2, 5, 1), r"purchase_cost - salvage_value = 0"),
        (lambda: pr.base_stock_normal(-1, 1, 5, 1, 0), r"holding_cost = -1"),
        (lambda: pr.base_stock_normal(1, 1, 5, 1, 0, review_period=0), r"review_period = 0"),
        (lambda: pr.base_stock_poisson(1, 1, 5, -1), r"lead_time = -1"),
        (lambda: pr.sS_poisson(1, 4, -5, 6), r"fixed_cost = -5"),
        (lambda: pr.sS_poisson(1, 4, 5, 0), r"mean = 0"),
        (lambda: pr.sS_poisson(1, 0, 5, 6), r"backorder_cost = 0"),
        (lambda: pr.sS_discrete(0, 4, 5, [0.5, 0.5]), r"holding_cost = 0"),
        (lambda: pr.sS_discrete(1, 4, 5, [1.0]), r"1 - probability of no demand = 0"),
        (lambda: pr.sS_discrete(1, 4, 5, [0.5, 0.5], lead_time=0.5), r"lead_time = 0.5"),
        (lambda: pr.sS_power_approximation(1, 4, 5, 6, 0), r"sd = 0"),
        (lambda: pr.ReorderUpTo(5, 5), r"S - s = 0"),
        (lambda: cr.rq_normal_exact(0, 1, 1, 1, 1, 1), r"holding_cost = 0"),
        (lambda: cr.rq_normal_exact(1, 1, 0, 1, 1, 1), r"fixed_cost = 0"),
        (lambda: cr.rq_poisson_exact(1, 0, 1, 1, 1), r"backorder_cost = 0"),
        (lambda: cr.rq_poisson_cost(1.5, 2, 1, 1, 1, 1, 1), r"r = 1.5"),
        (lambda: cr.ReorderLot(5, 0, 1), r"Q = 0"),
        (lambda: lots.eoq(1, 0, 1), r"holding_cost = 0"),
        (lambda: lots.eoq(-1, 1, 1), r"fixed_cost = -1"),
        (lambda: lots.eoq_cost(0, 1, 1, 1), r"order_quantity = 0"),
        (lambda: lots.eoq_backorders(1, 1, 0, 1), r"backorder_cost = 0"),
        (lambda: lots.eoq_with_disruptions(1, 1, 1, 1, 1, 0), r"recovery_rate = 0"),
        (lambda: lots.eoq_with_disruptions(1, 1, 1, 0, 1, 1), r"demand_rate = 0"),
        (lambda: lots.dynamic_lot_sizing(1, -1, [5]), r"fixed_cost = -1"),
        (lambda: lots.joint_replenishment(1, [1, 1], [1, 0], [1, 1]), r"holding_cost = 0"),
        (lambda: base_stock_with_disruptions(1, 1, 5, 1.5, 1), r"disruption_prob = 1.5"),
        (lambda: base_stock_with_disruptions(1, 1, 5, 0.5, 0), r"recovery_prob = 0"),
        (lambda: base_stock_with_disruptions(0, 1, 5, 0.5, 1), r"holding_cost = 0"),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(call, message):
    with pytest.raises(SettingError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nv.newsvendor_discrete(1, 1, [1, 2], [0.5, 0.6]), "pmf sums to 1.1"),
        (lambda: pr.sS_discrete(1, 4, 5, [0.5, 0.4]), "pmf sums to 0.9"),
        (lambda: lots.dynamic_lot_sizing(1, 1, [5, -1]), "demand = -1"),
        (lambda: lots.dynamic_lot_sizing([1, 2, 3], 1, [5, 1]), "holding_cost has shape"),
        (lambda: lots.joint_replenishment(1, [1, 1], [1], [1]), "minor_setup has 2 items"),
        (lambda: cr.rq_normal_eil(5, 0.001, 8, 1300, 150, 1 / 12), "stockout_cost = 0.001"),
    ],
)
def test_data_that_cannot_be_used_are_refused_by_name(call, message):
    with pytest.raises(InputError, match=message):
        call()
