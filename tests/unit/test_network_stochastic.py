"""Forests of places: refusals, order, limits in which a source never runs short, the portfolio's price."""

from dataclasses import fields, replace

import numpy as np
import pytest

from plimsoll.domain.errors import InputError, SettingError
from plimsoll.network.stochastic import Forest, evaluate, least_cost, least_cost_portfolio, random_interval


def _forest(parent=(-1, 0, 0, -1), rate=(5.0, 3.0, 2.0, 4.0), lead=2.0, target=0.95):
    parent, rate = np.array(parent), np.array(rate)
    ones = np.ones(rate.size)
    feeds = np.isin(np.arange(rate.size), parent)
    return Forest(
        parent,
        *random_interval(lead, 0.2, rate, 2.0 * rate),
        *random_interval(lead + 1.0, 0.2, rate, 2.0 * rate),
        review_variance=2.0 * rate,
        lot=ones,
        unit=ones,
        periods=ones,
        own_share=np.zeros(rate.size),
        unit_cost=ones,
        target=np.where(feeds, np.nan, target),
    )


def _taken(forest, order):
    """The forest in another order of its places."""
    place = np.argsort(order)
    columns = {f.name: getattr(forest, f.name)[order] for f in fields(forest)}
    source = columns["parent"]
    return Forest(**columns | {"parent": np.where(source >= 0, place[source], -1)})


def test_a_source_that_never_runs_short_leaves_places_as_they_are_alone():
    forest = _forest()
    level = np.array([500.0, 12.0, 9.0, 14.0])
    alone = evaluate(replace(forest, parent=np.full(4, -1)), level)
    fed = evaluate(forest, level)
    np.testing.assert_allclose(fed.fill, alone.fill, atol=1e-12)
    np.testing.assert_allclose(fed.on_hand, alone.on_hand, atol=1e-9)
    assert fed.source_mean[1] == pytest.approx(0.0, abs=1e-12)


def test_less_at_the_source_never_helps_below():
    forest = _forest()
    fills = [evaluate(forest, np.array([s, 12.0, 9.0, 14.0])).fill for s in range(-1, 40)]
    assert np.all(np.diff(np.array(fills)[:, 1]) >= -1e-9)
    assert np.ptp(np.array(fills)[:, 3]) == 0.0  # another tree


def test_what_a_source_owes_is_split_without_rest():
    forest = _forest()
    found = evaluate(forest, np.array([8.0, 12.0, 9.0, 14.0]))
    assert found.source_mean[1:3].sum() == pytest.approx(found.owed_mean[0], rel=1e-12)
    assert found.source_mean[1] == pytest.approx(0.6 * found.owed_mean[0], rel=1e-12)


def test_the_order_of_places_does_not_matter():
    forest = _forest()
    order = np.array([3, 0, 2, 1])
    level = np.array([8.0, 12.0, 9.0, 14.0])
    there = evaluate(_taken(forest, order), level[order])
    assert np.array_equal(there.fill, evaluate(forest, level).fill[order])
    assert np.array_equal(least_cost(_taken(forest, order)).level, least_cost(forest).level[order])


def test_trees_do_not_depend_on_their_neighbours():
    """More trees than one thread takes at a time."""
    forest = _forest()
    n, copies = 4, 150
    columns = {f.name: np.tile(getattr(forest, f.name), copies) for f in fields(forest)}
    parent = np.where(columns["parent"] >= 0, columns["parent"] + np.repeat(np.arange(copies) * n, n), -1)
    found = least_cost(Forest(**columns | {"parent": parent}))
    assert np.array_equal(found.level, np.tile(least_cost(forest).level, copies))


def test_targets_are_met_with_the_least_level():
    forest = _forest()
    found = least_cost(forest)
    wanted = ~np.isnan(forest.target)
    assert np.all(found.service.fill[wanted] >= 0.95)
    less = evaluate(forest, found.level - wanted)
    assert np.all(less.fill[wanted] < 0.95)
    assert found.value == pytest.approx(found.service.on_hand.sum(), rel=1e-12)


def test_own_customers_at_a_source_keep_their_target():
    forest = replace(_forest(), own_share=np.array([0.3, 1, 1, 1]), target=np.array([0.97, 0.95, 0.95, 0.95]))
    assert least_cost(forest).service.fill[0] >= 0.97


def test_no_demand_and_no_target():
    forest = _forest(rate=(0.0, 0.0, 0.0, 4.0))
    found = least_cost(forest)
    assert found.service.on_hand[:3].tolist() == [0.0, 0.0, 0.0]
    assert found.service.fill[:3].tolist() == [1.0, 1.0, 1.0]
    idle = least_cost(replace(_forest(), target=np.full(4, np.nan)))
    assert idle.value == pytest.approx(0.0, abs=1e-9)


def test_certain_demand():
    """Without variance, base stock of the whole protection interval serves everything; one less does not."""
    forest = replace(
        _forest((-1,), (4.0,)),
        lead_variance=np.zeros(1),
        protection_variance=np.zeros(1),
        review_variance=np.zeros(1),
    )
    assert evaluate(forest, np.array([11.0])).fill[0] == 1.0
    assert evaluate(forest, np.array([10.0])).fill[0] == pytest.approx(0.75)


def test_longer_reviews_are_counted_at_every_period_end():
    """R periods a review: stock counted over all of them lies between that of both ends."""
    weekly = replace(_forest((-1,), (4.0,)), periods=np.array([4.0]))
    daily = replace(weekly, periods=np.ones(1))
    level = np.array([11.0])
    assert evaluate(weekly, level).fill[0] == evaluate(daily, level).fill[0]
    assert evaluate(weekly, level).on_hand[0] > evaluate(daily, level).on_hand[0]


def test_the_portfolio_pays_for_service_where_it_is_cheap():
    forest = replace(
        _forest((-1, -1), (4.0, 4.0)), unit_cost=np.array([10.0, 1.0]), target=np.full(2, np.nan)
    )
    found = [least_cost_portfolio(forest, goal, np.ones(2)) for goal in (0.5, 0.9, 0.98)]
    assert [choice.promised >= goal for choice, goal in zip(found, (0.5, 0.9, 0.98), strict=True)] == [
        True
    ] * 3
    assert found[0].value < found[1].value < found[2].value
    assert found[1].service.fill[1] > found[1].service.fill[0]
    even = least_cost(replace(forest, target=np.full(2, 0.9)))
    assert found[1].value <= even.value


def test_portfolio_floors_and_goals_that_are_met_anyway():
    forest = _forest()
    found = least_cost_portfolio(forest, 0.5, np.array([0.0, 3.0, 2.0, 4.0]))
    assert np.all(found.service.fill[1:] >= 0.95)
    assert found.price == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parent": np.array([-1, 0, 3, -1])}, "stand before their source"),
        ({"parent": np.array([-1, 0, -2, -1])}, "stand before their source"),
        ({"lot": np.ones(3)}, "lot of the forest"),
    ],
)
def test_broken_forests_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        least_cost(replace(_forest(), **change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": np.zeros(4)}, "unit"),
        ({"lot": np.full(4, 0.5)}, "lot / unit"),
        ({"lead_mean": np.full(4, 99.0)}, "protection_mean - lead_mean"),
        ({"target": np.full(4, 1.5)}, "target"),
        ({"own_share": np.full(4, -0.1)}, "own_share"),
        ({"periods": np.zeros(4)}, "periods"),
    ],
)
def test_impossible_numbers_are_refused(change, message):
    with pytest.raises(SettingError, match=message):
        least_cost(replace(_forest(), **change))


def test_levels_of_another_length_are_refused():
    with pytest.raises(InputError, match="level has shape"):
        evaluate(_forest(), np.ones(3))
