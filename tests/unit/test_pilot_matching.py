"""Pairs of like items, and the fence drawn from them."""

from datetime import date, timedelta
from itertools import permutations

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.errors import InputError
from plimsoll.pilot import PilotParams, item_measures, propose
from plimsoll.pilot.matching import balanced, differences, nearest_pairs, standardised, tossed

END = date(2026, 6, 1)  # a Monday
SMALL = PilotParams(size=20, least_size=10, balance_limit=5.0)


def test_pairs_have_the_least_total_distance_of_all_ways_to_pair():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(12, 2))
    asked, pool = np.arange(5), np.arange(5, 12)
    found = nearest_pairs(points, np.zeros(12, dtype=np.int64), asked, pool)
    assert found.asked.tolist() == asked.tolist()
    assert len(set(found.partner)) == 5
    best = min(
        sum(np.hypot(*(points[i] - points[j])) for i, j in zip(asked, some, strict=True))
        for some in permutations(pool, 5)
    )
    assert found.distance.sum() == pytest.approx(best)


def test_partners_are_of_the_same_class_and_too_few_leave_the_farthest_out():
    line = np.array([[0.0], [5.0], [1.0], [0.2], [9.0]])
    group = np.array([0, 0, 1, 0, 1])
    found = nearest_pairs(line, group, np.array([0, 1, 2]), np.array([3, 4]))
    assert dict(zip(found.asked.tolist(), found.partner.tolist(), strict=True)) == {0: 3, 2: 4}


def test_a_large_pool_gives_the_same_pairs_as_a_search_of_all_of_it():
    rng = np.random.default_rng(4)
    points = rng.normal(size=(400, 3))
    group = np.zeros(400, dtype=np.int64)
    found = nearest_pairs(points, group, np.arange(20), np.arange(20, 400))
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    apart = cdist(points[:20], points[20:])
    assert found.distance.sum() == pytest.approx(apart[linear_sum_assignment(apart)].sum())


def test_standardised_difference_by_hand():
    one, other = np.array([[1.0, 2.0], [3.0, 2.0]]), np.array([[0.0, 2.0], [2.0, 2.0]])
    assert differences(one, other) == pytest.approx([1 / np.sqrt(2.0), 0.0])
    assert differences(one[:, 1:] + 1, other[:, 1:]).tolist() == [np.inf]
    assert standardised(np.array([[2.0], [2.0]])).tolist() == [[0.0], [0.0]]


def test_the_coin_puts_half_of_those_wanted_into_the_fence():
    line = np.arange(2000.0)[:, None]
    pairs = nearest_pairs(line, np.zeros(2000, dtype=np.int64), np.arange(0, 2000, 2), np.arange(1, 2000, 2))
    fence, control = tossed(pairs, np.random.default_rng(1))
    assert not set(fence) & set(control)
    assert 430 < np.isin(fence, pairs.asked).sum() < 570


def test_pairs_far_apart_are_left_out_until_the_groups_are_alike():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(200, 1))
    fence, control = np.arange(100), np.arange(100, 200)
    values[control] = values[fence] + 0.01
    values[fence[90:]] += 20.0
    distance = np.abs(values[fence] - values[control])[:, 0]
    kept = balanced(values, fence, control, distance, 0.1, 20)
    assert kept.max() < 90
    assert np.abs(differences(values[fence[kept]], values[control[kept]])).max() <= 0.1
    assert len(balanced(values, fence, control + 0, distance, 1e-9, 50)) == 50


def company(n=60, *, abc="A", demand_class="lumpy"):
    """Items at two places with 20 weeks of history; the value of an item rises with its number."""
    weeks = [END - timedelta(weeks=k) for k in range(20, 0, -1)]
    items = [f"I{k:03}" for k in range(n)]
    frame = pl.DataFrame({"item_id": items, "size": np.arange(1.0, n + 1)}).join(
        pl.DataFrame({"location_id": ["A", "B"]}), how="cross"
    )
    panel = frame.join(pl.DataFrame({"period": weeks}).with_row_index("k"), how="cross").select(
        "period",
        "item_id",
        "location_id",
        stock_value_days=70.0 * pl.col("size"),
        stock_days=pl.lit(7.0),
        asked_value=pl.col("size"),
        served_value=0.9 * pl.col("size"),
        cogs=pl.col("size") * (1.0 + (pl.col("k") % 2)),
        expedite_cost=pl.lit(0.0),
    )
    points = frame.select(
        "item_id",
        "location_id",
        description=pl.lit("thing"),
        abc=pl.lit(abc),
        demand_class=pl.lit(demand_class),
        annual_value=52.0 * pl.col("size"),
        lead_days=pl.lit(14.0),
        astray=pl.col("size"),
        on_hand_value=3.0 * pl.col("size"),
    )
    return panel, points


def test_measures_of_an_item_by_hand():
    panel, points = company()
    row = item_measures(panel, points, PilotParams(), end=END).row(9, named=True)
    assert row["item_id"] == "I009"
    assert row["stock_value"] == pytest.approx(2 * 100.0)  # two places with 70 x 10 money days in 7 days
    assert row["cogs_week"] == pytest.approx(2 * 15.0)
    assert row["cv"] == pytest.approx(1 / 3)  # weeks of 20 and 40 in turn
    assert row["fill_rate"] == pytest.approx(0.9)
    assert row["n_places"] == 2
    assert row["places"] == [0.5, 0.5]


def test_stock_of_today_stands_in_where_none_was_counted():
    panel, points = company()
    bare = panel.with_columns(
        stock_value_days=pl.when(pl.col("location_id") == "A").then("stock_value_days"),
        stock_days=pl.when(pl.col("location_id") == "A").then("stock_days"),
    )
    row = item_measures(bare, points, PilotParams(), end=END).row(9, named=True)
    assert row["stock_value"] == pytest.approx(100.0 + 30.0)


def test_a_fence_has_pairs_of_one_class_and_no_item_twice():
    panel, points = company()
    items = item_measures(panel, points, PilotParams(), end=END)
    found = propose(items, "messy_spares", SMALL, seed=1)
    assert found.fence.height == 40
    assert found.fence["item_id"].n_unique() == 40
    wanted = set(found.fence.filter("is_wanted")["item_id"])
    assert wanted == {f"I{k:03}" for k in range(40, 60)}  # those with the most money astray
    inside = set(found.fence.filter(role="fence")["item_id"])
    assert 0 < len(wanted & inside) < 20  # the coin, not the choice, decides who is in
    assert not propose(items, "messy_spares", SMALL, seed=2).fence.equals(found.fence)


def test_named_items_are_in_the_fence_and_a_wrong_name_is_answered():
    panel, points = company()
    items = item_measures(panel, points, PilotParams(), end=END)
    known = items["item_id"].to_list()
    named = ["I003", "I004"]
    found = propose(items, "named", SMALL, named=named, known=known, seed=1)
    assert found.fence.filter(role="fence")["item_id"].to_list() == named
    with pytest.raises(InputError, match="I003"):
        propose(items, "named", SMALL, named=["I0033"], known=known, seed=1)


def test_a_fence_without_controls_says_what_would_be_feasible():
    panel, points = company()
    items = item_measures(panel, points, PilotParams(), end=END)
    known = items["item_id"].to_list()
    with pytest.raises(InputError, match="without controls") as told:
        propose(items, "named", PilotParams(), named=known, known=known, seed=1)
    assert "Name fewer items" in told.value.remedy
    with pytest.raises(InputError, match="Only 30 pairs") as told:
        propose(items, "messy_spares", PilotParams(), seed=1)
    assert "least_size to 30" in told.value.remedy
    with pytest.raises(InputError, match="Only 0 pairs") as told:
        propose(items, "fast_a", PilotParams(), seed=1)
    assert "messy_spares has 60 candidates" in told.value.remedy
