"""What holds for every network: order, circles and paths against matrices; threads do not matter."""

from itertools import pairwise

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.network.propagate import spread, totals
from plimsoll.network.structure import circular, numbered, rounds

SEEDS = st.integers(0, 10_000)


def without_circles(rng, n, share):
    """Random arcs from lower to higher labels, stages renamed at random."""
    up, down = np.nonzero(np.triu(rng.random((n, n)) < share, 1))
    name = rng.permutation(n)
    return name[up].astype(np.int64), name[down].astype(np.int64), rng.choice([0.5, 1.0, 2.0, 3.0], len(up))


def paths(n, up, down, quantity):
    """Entry (i, j): the product of quantities along each path from i to j, added over paths."""
    one_step = np.zeros((n, n))
    one_step[up, down] = quantity
    return np.linalg.inv(np.eye(n) - one_step)


def closure(n, up, down):
    """Entry (i, j): whether a way of at least one arc leads from i to j (Warshall 1962)."""
    leads = np.zeros((n, n), dtype=bool)
    leads[up, down] = True
    for k in range(n):
        leads |= np.outer(leads[:, k], leads[k])
    return leads


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 25), share=st.floats(0.0, 0.4))
def test_demand_and_spread_are_sums_over_paths(seed, n, share):
    rng = np.random.default_rng(seed)
    up, down, quantity = without_circles(rng, n, share)
    numbers = numbered(n, up, down, quantity)
    mean, sd = rng.random(n) * (rng.random(n) < 0.6), rng.random(n) * (rng.random(n) < 0.6)
    along = paths(n, up, down, quantity)[np.ix_(numbers.row, numbers.row)]
    mean, sd = mean[numbers.row], sd[numbers.row]
    both = totals(numbers, np.column_stack([mean, sd]))
    np.testing.assert_allclose(both, along @ np.column_stack([mean, sd]), rtol=1e-9, atol=1e-12)
    found = spread(numbers, sd)
    np.testing.assert_allclose(found.independent, along**2 @ sd**2, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.together, (along @ sd) ** 2, rtol=1e-9, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 25), share=st.floats(0.0, 0.3))
def test_numbers_go_the_way_of_goods_and_networks_stay_together(seed, n, share):
    up, down, quantity = without_circles(np.random.default_rng(seed), n, share)
    numbers = numbered(n, up, down, quantity)
    assert sorted(numbers.row.tolist()) == list(range(n))
    assert (numbers.up < numbers.down).all()
    renamed = zip(numbers.row[numbers.up], numbers.row[numbers.down], numbers.quantity, strict=True)
    assert sorted(renamed) == sorted(zip(up, down, quantity, strict=True))
    joined = closure(n, np.r_[up, down, np.arange(n)], np.r_[down, up, np.arange(n)])
    first = -1
    for begin, end in zip(numbers.starts[:-1], numbers.starts[1:], strict=True):
        members = set(numbers.row[begin:end].tolist())
        assert members == set(np.flatnonzero(joined[min(members)]).tolist())
        assert min(members) > first
        first = min(members)
    for stage in range(n):
        feeding = numbers.depth[numbers.up[numbers.down == stage]]
        assert numbers.depth[stage] == (feeding.max() + 1 if len(feeding) else 0)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, n=st.integers(1, 15), share=st.floats(0.0, 0.25))
def test_circles_are_found_with_all_that_is_fed_through_them(seed, n, share):
    up, down = np.nonzero(np.random.default_rng(seed).random((n, n)) < share)
    circle, inside, caught = circular(n, up, down)
    leads = closure(n, up, down)
    np.testing.assert_array_equal(inside, leads.diagonal())
    np.testing.assert_array_equal(caught, inside | leads[inside].any(axis=0))
    arcs = set(zip(up.tolist(), down.tolist(), strict=True))
    walks = rounds(circle, up, down, 3)
    assert bool(walks) == bool(inside.any())
    for walk in walks:
        assert walk[0] == walk[-1]
        assert len(set(walk)) == len(walk) - 1
        assert all(step in arcs for step in pairwise(walk))
    # Every knot has a circle, and no circle leaves its knot.
    knots = {tuple(np.flatnonzero(leads[i] & leads[:, i])) for i in np.flatnonzero(inside)}
    homes = {tuple(np.flatnonzero(leads[i] & leads[:, i])) for i in np.flatnonzero(circle >= 0)}
    assert homes == knots


def layered(rng, width, layers):
    """Every stage of a layer takes three of the next: shared components on every level."""
    up, down = [], []
    for layer in range(layers - 1):
        for i in range(width):
            down += [layer * width + i] * 3
            up += ((layer + 1) * width + rng.choice(width, 3, replace=False)).tolist()
    return np.array(up), np.array(down), rng.choice([1.0, 2.0], len(up))


def test_threads_do_not_change_a_bit():
    rng = np.random.default_rng(3)
    numbers = numbered(300, *layered(rng, 60, 5))
    sd = rng.random(300)
    threads = numba.get_num_threads()
    found = []
    for n in (1, threads):
        numba.set_num_threads(n)
        found.append(spread(numbers, sd))
    assert found[0].independent.tobytes() == found[1].independent.tobytes()
    assert found[0].together.tobytes() == found[1].together.tobytes()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pooling_lies_between_independence_and_perfect_correlation(seed):
    rng = np.random.default_rng(seed)
    numbers = numbered(200, *layered(rng, 40, 5))
    found = spread(numbers, rng.random(200))
    assert (found.independent <= found.together * (1 + 1e-12)).all()
    for correlation in (0.0, 0.3, 1.0):
        back = found.correlation(found.sd(correlation) ** 2)
        known = ~np.isnan(back)
        assert known.any()
        np.testing.assert_allclose(back[known], correlation, atol=1e-6)
