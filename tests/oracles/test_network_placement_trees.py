"""Placement on trees: every choice enumerated, and two searches against each other.

The enumeration knows nothing of trees, candidates or dynamic programming: it tries every vector of
quoted times and lets each stage wait for the latest of its suppliers.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from plimsoll.maths.rng import rng_for
from plimsoll.network.bounds import NormalBound, QuantileBound
from plimsoll.network.placement_trees import Stages, place_trees
from plimsoll.workflows.benchmarks import network_trees

SEED = 20261122


def random_tree(rng, n, *, unit=1.0, longest=4, hold_share=1.0):
    """Arcs either way between each stage and an earlier one; stages without customers promise something."""
    other = [int(rng.integers(0, k)) for k in range(1, n)]
    way = rng.random(n - 1) < 0.5
    arcs = [(a, b) if up else (b, a) for a, b, up in zip(other, range(1, n), way, strict=True)]
    is_last = ~np.isin(np.arange(n), [a for a, _ in arcs])
    promises = np.where(rng.random(n) < 0.7, rng.integers(0, longest, n) * unit, np.inf)
    promises[is_last] = rng.integers(0, longest, is_last.sum()) * unit
    return Stages.of(
        arcs,
        rng.integers(0, longest, n) * unit,
        inbound=rng.integers(0, 3, n) * (rng.random(n) < 0.3) * unit,
        latest=promises,
        may_hold=rng.random(n) < hold_share,
    )


def assert_feasible(trees, placed):
    low = np.maximum(trees.inbound, 0.0)
    for up, down in zip(trees.up, trees.down, strict=True):
        low[down] = max(low[down], placed.service[up])
        assert placed.service[up] <= placed.inbound[down]
    np.testing.assert_array_equal(placed.inbound, low)
    np.testing.assert_allclose(placed.net, placed.inbound + trees.time - placed.service, atol=1e-9)
    assert (placed.net >= 0).all()
    assert (placed.net[~trees.may_hold] == 0).all()
    assert (placed.service <= trees.latest + placed.late + 1e-9).all()


@pytest.mark.parametrize("unit", [1.0, 0.25])
@pytest.mark.parametrize("hold_share", [1.0, 0.6])
def test_every_whole_choice(unit, hold_share, enumerated, longest_paths):
    """Times in wholes or quarters: the enumerated grid holds every vertex."""
    rng = rng_for(SEED, "grid", str(unit), str(hold_share))
    n_late = 0
    for n in [1, 2, 3, 4, 4, 5, 5, 5, 5] * 8:
        trees = random_tree(rng, n, unit=unit, hold_share=hold_share)
        factor = np.exp(rng.normal(0, 1.5, n))
        placed = place_trees(trees, NormalBound(factor, 1.0, np.ones(n), np.ones(n)))
        assert_feasible(trees, placed)
        ready = longest_paths(trees)
        choices = [np.arange(0, r + 1e-9, unit) for r in ready]
        best = enumerated(trees, lambda k, x, factor=factor: factor[k] * np.sqrt(x), choices)
        assert (placed.late > 0).any() == np.isinf(best)
        if np.isinf(best):  # with the promises put off as reported, and by no less, there is a way
            n_late += 1
            for less in (0.5, 0.0):
                put_off = replace(trees, latest=trees.latest + placed.late - less * unit * (placed.late > 0))
                best = enumerated(put_off, lambda k, x, factor=factor: factor[k] * np.sqrt(x), choices)
                assert np.isinf(best) == (less > 0)
        np.testing.assert_allclose(placed.cost.sum(), best, rtol=1e-12, atol=1e-12)
    assert (n_late > 10) == (hold_share < 1.0)


def test_every_vertex_of_real_times(enumerated, longest_paths):
    """Times that share no unit: every sum of times up to signs, from every anchor, is enumerated."""
    rng = rng_for(SEED, "vertices")
    for n in [2, 3, 3] * 12:
        whole = random_tree(rng, n, longest=3)
        arcs = np.stack([whole.up, whole.down], axis=1)
        latest = np.where(whole.latest > 0, whole.latest + rng.random(n) - 0.5, 0.0)
        trees = Stages.of(arcs, whole.time + rng.random(n), inbound=whole.inbound, latest=latest)
        factor = np.exp(rng.normal(0, 1.5, n))
        placed = place_trees(trees, NormalBound(factor, 1.0, np.ones(n), np.ones(n)))
        assert_feasible(trees, placed)
        sums = np.array([np.dot(signs, trees.time) for signs in product((-1, 0, 1), repeat=n)])
        anchors = np.unique([0.0, *trees.inbound, *latest[np.isfinite(latest)]])
        values = np.unique(np.round(np.add.outer(anchors, sums), 12))
        ready = longest_paths(trees)
        choices = [values[(values >= 0) & (values <= r + 1e-9)] for r in ready]
        best = enumerated(trees, lambda k, x, factor=factor: factor[k] * np.sqrt(x), choices)
        np.testing.assert_allclose(placed.cost.sum(), best, rtol=1e-9)


def test_quantile_bound_against_every_whole_choice(enumerated, longest_paths):
    rng = rng_for(SEED, "quantiles")
    for n in [2, 3, 4, 5, 5] * 6:
        trees = random_tree(rng, n, hold_share=0.8)
        bound = QuantileBound(
            np.exp(rng.normal(0, 1.0, n)),
            rng.choice([0.8, 0.95, 0.99], n),
            np.exp(rng.normal(-0.5, 1.2, n)),
            np.exp(rng.normal(0.5, 1.2, n)),
            rng.choice([0.0, 0.2], n),
            np.ones(n),
        )
        placed = place_trees(trees, bound)
        assert_feasible(trees, placed)
        ready = longest_paths(trees)
        choices = [np.arange(0, min(r, s) + 1) for r, s in zip(ready, trees.latest, strict=True)]
        tables = [bound.cost(np.full(40, k), np.arange(40.0)) for k in range(n)]
        best = enumerated(trees, lambda k, x, tables=tables: tables[k][x.astype(int)], choices)
        assert (placed.late > 0).any() == np.isinf(best)
        if np.isfinite(best):
            np.testing.assert_allclose(placed.cost.sum(), best, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(placed.cost, bound.cost(np.arange(n), placed.net), rtol=1e-9, atol=1e-12)


class TabulatedRoot(QuantileBound):
    """A square root as a table, so that the search over whole times meets the one over vertices."""

    def tables(self, stage, longest):
        reach = int(np.ceil(longest.max())) + 1
        bounds = np.arange(len(stage) + 1) * reach
        return np.tile(np.sqrt(np.arange(reach)), len(stage)), bounds


def test_vertices_and_whole_times_agree_on_large_trees():
    rng = rng_for(SEED, "large")
    for n in (12, 44, 44, 150):
        trees = random_tree(rng, n, longest=7)
        factor, one = np.exp(rng.normal(0, 1.5, n)), np.ones(n)
        normal = place_trees(trees, NormalBound(factor, 1.0, one, one))
        table = place_trees(trees, TabulatedRoot(factor, 0.9 * one, one, one, one, one))
        assert_feasible(trees, normal)
        assert_feasible(trees, table)
        np.testing.assert_allclose(normal.cost.sum(), table.cost.sum(), rtol=1e-9)


def test_thousand_trees_at_once_are_the_trees_one_by_one():
    rng = rng_for(SEED, "together")
    parts = [random_tree(rng, int(rng.integers(1, 9)), unit=0.37) for _ in range(150)]
    sizes = np.array([len(part.time) for part in parts])
    start = np.cumsum(sizes) - sizes
    shuffled = rng.permutation(sizes.sum())
    at = [shuffled[s : s + n] for s, n in zip(start, sizes, strict=True)]
    rows = {}
    for name in ("time", "inbound", "latest", "may_hold"):
        rows[name] = np.empty(sizes.sum(), dtype=bool if name == "may_hold" else float)
        for part, where in zip(parts, at, strict=True):
            rows[name][where] = getattr(part, name)
    up, down = (np.concatenate([where[getattr(part, way)] for part, where in zip(parts, at, strict=True)])
                for way in ("up", "down"))  # fmt: skip
    together = Stages(up, down, **rows)
    factor, one = np.exp(rng.normal(0, 1.5, sizes.sum())), np.ones(sizes.sum())
    placed = place_trees(together, NormalBound(factor, 1.0, one, one))
    for part, where in zip(parts, at, strict=True):
        one = np.ones(len(where))
        alone = place_trees(part, NormalBound(factor[where], 1.0, one, one))
        assert len(np.unique(placed.tree[where])) == 1
        np.testing.assert_allclose(placed.cost[where].sum(), alone.cost.sum(), rtol=1e-12)
    assert len(np.unique(placed.tree)) == len(parts)


def test_distribution_trees_of_44_stages_against_the_plain_search():
    """The benchmark's twin: every combination of serving at once and quoting the full time."""
    trees, source, demand = network_trees.forest(200, is_whole=False, seed=3)
    bound = network_trees.bound_of("normal", demand)
    placed = place_trees(trees, bound)
    assert_feasible(trees, placed)
    found = placed.cost.reshape(-1, network_trees.N_STAGES).sum(axis=1)
    np.testing.assert_allclose(found, network_trees.plain_cost(trees, source, bound), rtol=1e-12)
    holds = (placed.net > 0).mean()
    assert 0.5 < holds < 1.0  # both ways of quoting are best somewhere
