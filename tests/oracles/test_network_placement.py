"""Placement on any acyclic network: every choice enumerated, two ways against each other, real chains.

The enumeration knows nothing of shared times, candidates or cells: it tries every vector of quoted times
and lets each stage wait for the latest of its suppliers.
"""

import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from plimsoll.maths.rng import rng_for
from plimsoll.network.bounds import NormalBound, QuantileBound
from plimsoll.network.placement import place
from plimsoll.network.placement_cells import PROVEN, Shown, proved
from plimsoll.network.placement_core import solve
from plimsoll.network.placement_problem import problem_of, ties_of
from plimsoll.network.placement_start import descended, improved
from plimsoll.network.placement_tables import tables_of
from plimsoll.network.placement_trees import Stages, place_trees
from plimsoll.workflows.benchmarks import network as bench

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("PLIMSOLL_DATA", ROOT.parent / "shared" / "data")) / "willems"
SEED = 20261123


def ample():
    return 60.0


def random_network(rng, n, *, arcs=None, unit=1.0, longest=4, hold_share=1.0, real=False):
    """Arcs from lower to higher numbers, connected; stages without customers promise something."""
    pairs = {(int(rng.integers(0, k)), k) for k in range(1, n)}
    while len(pairs) < min(arcs or n + 1, n * (n - 1) // 2):
        up, down = sorted(rng.choice(n, 2, replace=False).tolist())
        pairs.add((up, down))
    is_last = ~np.isin(np.arange(n), [a for a, _ in pairs])
    promises = np.where(rng.random(n) < 0.3, rng.integers(0, longest, n) * unit, np.inf)
    promises[is_last] = rng.integers(0, longest, is_last.sum()) * unit
    time = rng.integers(0, longest, n) * unit + (rng.random(n) if real else 0.0)
    return Stages.of(
        sorted(pairs),
        time,
        inbound=rng.integers(0, 3, n) * (rng.random(n) < 0.2) * unit,
        latest=promises,
        may_hold=rng.random(n) < hold_share,
    )


def normal(factor):
    one = np.ones(len(factor))
    return NormalBound(factor, 1.0, one, one)


def assert_feasible(network, placed):
    low = network.inbound.copy()
    for up, down in zip(network.up, network.down, strict=True):
        low[down] = max(low[down], placed.service[up])
        assert placed.service[up] <= placed.inbound[down] + 1e-9
    np.testing.assert_allclose(placed.inbound, low, atol=1e-9)
    np.testing.assert_allclose(placed.net, placed.inbound + network.time - placed.service, atol=1e-9)
    assert (placed.net >= 0).all()
    assert (placed.net[~network.may_hold] == 0).all()
    assert (placed.service <= network.latest + placed.late + 1e-9).all()


@pytest.mark.parametrize("unit", [1.0, 0.25])
@pytest.mark.parametrize("hold_share", [1.0, 0.7])
def test_every_whole_choice(unit, hold_share, enumerated, longest_paths):
    """Times in wholes or quarters: the enumerated grid holds every vertex."""
    rng = rng_for(SEED, "grid", str(unit), str(hold_share))
    n_late = 0
    for n in [3, 4, 4, 5, 5] * 8:
        network = random_network(rng, n, unit=unit, hold_share=hold_share, longest=3)
        factor = np.exp(rng.normal(0, 1.5, n))
        placed = place(network, normal(factor))
        assert_feasible(network, placed)
        assert placed.proven.all()
        choices = [np.arange(0, r + 1e-9, unit) for r in longest_paths(network)]
        best = enumerated(network, lambda k, x, factor=factor: factor[k] * np.sqrt(x), choices)
        assert (placed.late > 0).any() == np.isinf(best)
        if np.isfinite(best):
            np.testing.assert_allclose(placed.cost.sum(), best, rtol=1e-9, atol=1e-12)
        else:
            n_late += 1
    assert (n_late > 3) == (hold_share < 1.0)


def test_every_vertex_of_real_times(enumerated, longest_paths):
    """Times that share no unit: every sum of times up to signs, from every anchor, is enumerated."""
    rng = rng_for(SEED, "vertices")
    for _ in range(25):
        network = random_network(rng, 3, arcs=3, longest=3, real=True)
        factor = np.exp(rng.normal(0, 1.5, 3))
        placed = place(network, normal(factor))
        assert_feasible(network, placed)
        sums = np.array([np.dot(signs, network.time) for signs in product((-1, 0, 1), repeat=3)])
        anchors = np.unique([0.0, *network.inbound, *network.latest[np.isfinite(network.latest)]])
        values = np.unique(np.round(np.add.outer(anchors, sums), 12))
        choices = [values[(values >= 0) & (values <= r + 1e-9)] for r in longest_paths(network)]
        best = enumerated(network, lambda k, x, factor=factor: factor[k] * np.sqrt(x), choices)
        np.testing.assert_allclose(placed.total[0], best, rtol=1e-8)


def both_ways(network, bound):
    """Cost by all candidates (None where they are many), by cells alone, and by search without proof."""
    problem = problem_of(network, bound)
    ties = ties_of(problem)
    lists = ties.closed(3000)
    start = problem.cost(problem.low)
    by_candidates = None
    if len(lists[0]):
        found = solve(tables_of(problem, lists), start * 1.001, 60.0)
        by_candidates = problem.cost(np.array([v[k] for v, k in zip(lists, found.at, strict=True)]))
    by_cells = proved(problem, Shown(problem.low, start, 0.0), ample)
    return by_candidates, by_cells, problem.cost(improved(problem, ties, problem.low, ample))


@pytest.mark.parametrize("real", [False, True])
def test_candidates_and_cells_agree(real):
    """Candidates hold every vertex but prove nothing of cells; cells know nothing of ties."""
    rng = rng_for(SEED, "two ways", str(real))
    n_compared = 0
    for n, arcs in [(6, 8), (8, 12), (10, 14), (12, 18), (16, 22)] * 4:
        network = random_network(rng, n, arcs=arcs, longest=9, hold_share=0.9, real=real)
        one, two, near = both_ways(network, normal(np.exp(rng.normal(0, 1.5, n))))
        assert two.gap <= PROVEN
        assert near >= two.bound
        if one is not None:
            n_compared += 1
            np.testing.assert_allclose(two.cost, one, rtol=2e-8)
            assert two.bound <= one
    assert n_compared >= 8


def test_trees_by_the_general_way_are_trees_by_the_kernel():
    rng = rng_for(SEED, "trees")
    for n in (2, 5, 9, 20, 40):
        network = random_network(rng, n, arcs=n - 1, longest=7, hold_share=0.9, real=True)
        bound = normal(np.exp(rng.normal(0, 1.5, n)))
        problem = problem_of(network, bound)
        expected = place_trees(network, bound).cost.sum()
        found = proved(problem, Shown(problem.low, problem.cost(problem.low), 0.0), ample)
        np.testing.assert_allclose(found.cost, expected, rtol=2e-8)
        assert place(network, bound).cost.sum() == expected


def random_quantiles(rng, n):
    return QuantileBound(
        np.exp(rng.normal(0, 1.0, n)),
        rng.choice([0.8, 0.95, 0.99], n),
        np.exp(rng.normal(-0.5, 1.2, n)),
        np.exp(rng.normal(0.5, 1.2, n)),
        rng.choice([0.0, 0.2], n),
        np.ones(n),
    )


def test_quantile_bound_against_every_whole_choice(enumerated, longest_paths):
    rng = rng_for(SEED, "quantiles")
    for n in [3, 4, 5, 5] * 6:
        network = random_network(rng, n, hold_share=0.8)
        bound = random_quantiles(rng, n)
        placed = place(network, bound)
        assert_feasible(network, placed)
        ready = longest_paths(network)
        choices = [np.arange(0, min(r, s) + 1) for r, s in zip(ready, network.latest, strict=True)]
        tables = [bound.cost(np.full(40, k), np.arange(40.0)) for k in range(n)]
        best = enumerated(network, lambda k, x, tables=tables: tables[k][x.astype(int)], choices)
        assert (placed.late > 0).any() == np.isinf(best)
        if np.isfinite(best):
            np.testing.assert_allclose(placed.total[0], best, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(placed.cost, bound.cost(np.arange(n), placed.net), rtol=1e-9, atol=1e-12)


def test_tables_by_cells_find_what_all_whole_times_find():
    rng = rng_for(SEED, "tables")
    for n in (6, 9, 14):
        network = random_network(rng, n, arcs=n + 3, longest=20, hold_share=0.9)
        bound = random_quantiles(rng, n)
        problem = problem_of(network, bound)
        found = proved(problem, Shown(problem.low, problem.cost(problem.low), 0.0), ample)
        np.testing.assert_allclose(found.cost, place(network, bound).total[0], rtol=2e-8)
        assert found.gap <= PROVEN


def test_descent_never_costs_more_and_stops_where_no_single_time_helps():
    rng = rng_for(SEED, "descent")
    for n in (6, 12, 20):
        network = random_network(rng, n, arcs=n + 5, longest=6, hold_share=0.9)
        problem = problem_of(network, normal(np.exp(rng.normal(0, 1.5, n))))
        values = descended(problem, problem.low)
        least = problem.cost(values)
        assert least <= problem.cost(problem.low)
        for g in range(problem.n_groups):
            for v in range(problem.low[g], problem.high[g] + 1):
                moved = values.copy()
                moved[g] = v
                assert problem.cost(moved) >= least * (1.0 - 1e-9)


@pytest.mark.skipif(not FOLDER.exists(), reason=f"no chains at {FOLDER}; set PLIMSOLL_DATA")
def test_real_chains_meet_the_published_optima_with_our_own_proof():
    given, known = bench.chains(FOLDER), bench.optima(FOLDER)
    assert len(known) == 26
    for chain, reference in known.items():
        network, bound = given[chain]
        placed = place(network, bound)
        assert_feasible(network, placed)
        np.testing.assert_allclose(placed.total.sum(), reference, rtol=1e-8, err_msg=chain)
        np.testing.assert_allclose(
            bound.cost(np.arange(len(network.time)), placed.net).sum(), reference, rtol=1e-8
        )
        assert placed.proven.all(), chain
        assert (placed.bound <= placed.total).all()
        assert not placed.late.any()
