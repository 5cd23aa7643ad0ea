"""What placement on trees refuses, names, and does at the edges."""

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.errors import InputError, SettingError
from plimsoll.network.bounds import NormalBound, QuantileBound, quantile_bound
from plimsoll.network.placement_trees import Stages, place_trees


def normal(n, **factors):
    cost = np.ones(n)
    for stage, factor in factors.items():
        cost[int(stage[1:])] = factor
    return NormalBound(cost, 1.0, np.ones(n), np.ones(n))


def discrete(n):
    one = np.ones(n)
    return QuantileBound(one, 0.9 * one, one, one, 0 * one, one)


@pytest.mark.parametrize(
    ("arcs", "named"),
    [
        ([(0, 1), (1, 2), (0, 2), (3, 4)], "Mill, Store, Shop"),
        ([(3, 4), (3, 4)], "Works, Yard"),
        ([(2, 2)], "Shop"),
    ],
)
def test_loops_are_refused_by_name(arcs, named):
    trees = Stages.of(arcs, np.ones(5), names=["Mill", "Store", "Shop", "Works", "Yard"])
    with pytest.raises(InputError) as refused:
        place_trees(trees, normal(5))
    assert f"loop or a double arc: {named}." in str(refused.value)


def test_arcs_out_of_range_are_refused():
    with pytest.raises(
        InputError, match="2 arcs lead to stages that are not among the 2 given: 0 -> 2, -1 -> 0"
    ):
        place_trees(Stages.of([(0, 1), (0, 2), (-1, 0)], np.ones(2)), normal(2))


@pytest.mark.parametrize(("name", "value"), [("time", -1.0), ("inbound", np.nan), ("latest", -2.0)])
def test_negative_and_unknown_times_are_refused(name, value):
    given = {"time": np.ones(2), name: np.array([1.0, value])}
    with pytest.raises(SettingError, match=name):
        Stages.of([(0, 1)], given.pop("time"), **given)


def test_fractional_times_are_refused_with_a_quantile_bound_and_named():
    trees = Stages.of([(0, 1)], [1.5, 2.0], latest=[np.inf, 0.0], names=["Plant", "Shop"])
    with pytest.raises(InputError, match="The times of 1 stages are not whole: Plant"):
        place_trees(trees, discrete(2))
    assert place_trees(trees, normal(2)).net.tolist() == [0.0, 3.5]  # pooled: sqrt(3.5) < sqrt(1.5) + sqrt(2)


def test_promise_of_a_fraction_is_kept_on_whole_times():
    placed = place_trees(Stages.of([], [3.0], latest=2.5), discrete(1))
    assert (placed.service[0], placed.net[0]) == (2.0, 1.0)


def test_certainty_is_refused():
    one = np.ones(1)
    with pytest.raises(SettingError, match="service = 1"):
        QuantileBound(one, one, one, one, one, one)


def test_no_stages_and_single_stages():
    assert place_trees(Stages.of([], np.empty(0)), normal(0)).net.tolist() == []
    placed = place_trees(
        Stages.of([], [4.0, 4.0, 4.0], latest=[0.0, 1.0, np.inf], inbound=[2.0, 0.0, 0.0]), normal(3)
    )
    assert placed.net.tolist() == [6.0, 3.0, 0.0]
    assert placed.service.tolist() == [0.0, 1.0, 4.0]
    assert sorted(placed.tree.tolist()) == [0, 1, 2]


def test_stage_without_stock_passes_its_time_on():
    """A cross-dock between plant and shop: what it takes is held at the shop or quoted by the plant."""
    trees = Stages.of(
        [(0, 1), (1, 2)], [6.0, 1.0, 2.0], latest=[np.inf, np.inf, 0.0], may_hold=[True, False, True]
    )
    placed = place_trees(trees, normal(3, k2=5.0))
    assert placed.net.tolist() == [6.0, 0.0, 3.0]
    assert placed.service.tolist() == [0.0, 1.0, 0.0]
    assert not placed.late.any()


def test_impossible_promises_are_put_off_and_told():
    """Nobody before the counter may hold: customers wait the whole way, and other trees are planned."""
    trees = Stages.of(
        [(0, 1), (2, 3)],
        [4.0, 1.0, 4.0, 1.0],
        latest=[np.inf, 2.0, np.inf, 2.0],
        may_hold=[False, False, True, False],
    )
    placed = place_trees(trees, normal(4))
    assert placed.late.tolist() == [0.0, 3.0, 0.0, 0.0]
    assert placed.service.tolist() == [4.0, 5.0, 1.0, 2.0]
    assert placed.net.tolist() == [0.0, 0.0, 3.0, 0.0]


def test_demand_without_spread_or_price_costs_nothing():
    trees = Stages.of([(0, 1)], [3.0, 1.0], latest=[np.inf, 0.0])
    bound = NormalBound(np.array([0.0, 1.0]), 2.0, np.array([1.0, 0.0]), np.ones(2))
    placed = place_trees(trees, bound)
    assert placed.cost.tolist() == [0.0, 0.0]
    none = QuantileBound(np.ones(2), np.full(2, 0.9), np.zeros(2), np.zeros(2), np.zeros(2), np.ones(2))
    assert place_trees(trees, none).cost.tolist() == [0.0, 0.0]


def test_estimate_without_demand_has_a_bound_of_nothing():
    frame = pl.DataFrame(
        {"protection_days_mean": [9.0], "step_qty": [1.0], "pmf_review": [[1.0]], "pmf_protection": [[1.0]]}
    )
    bound = quantile_bound(frame, np.ones(1), np.array([0.95]))
    assert bound.base_stock(np.array([0]), np.array([9.0])).tolist() == [0.0]
