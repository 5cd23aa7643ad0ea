"""Service with shortage upstream: against Graves's exact law, a long simulated run, and enumeration."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from scipy import stats

from plimsoll.maths.kernels import network_backorders as law
from plimsoll.maths.rng import rng_for
from plimsoll.network.stochastic import Forest, evaluate, least_cost, least_cost_portfolio, random_interval


@dataclass(frozen=True)
class Place:
    """One place of a simulated tree; `spread` is variance over mean of its customers' demand a period."""

    parent: int
    lead_times: tuple[int, ...]  # equally likely
    mean: float
    spread: float
    lot: int
    level: int


def forest_of(places, target=np.nan):
    """The forest with every place's demand and that of all below it."""
    parent = np.array([place.parent for place in places])
    own = np.array([place.mean for place in places], dtype=float)
    mean, variance = own.copy(), np.array([place.mean * place.spread for place in places])
    for i in range(len(places) - 1, 0, -1):
        mean[parent[i]] += mean[i]
        variance[parent[i]] += variance[i]
    time = np.array([np.mean(place.lead_times) for place in places])
    noise = np.array([np.var(place.lead_times) for place in places])
    ones = np.ones(len(places))
    return Forest(
        parent,
        *random_interval(time, noise, mean, variance),
        *random_interval(time + 1.0, noise, mean, variance),
        review_variance=variance,
        lot=np.array([place.lot for place in places], dtype=float),
        unit=ones,
        periods=ones,
        own_share=own / mean,
        unit_cost=ones,
        target=np.where(np.isin(np.arange(len(places)), parent), np.nan, target),
    )


def _demand(rng, place, periods):
    if place.mean == 0:
        return np.zeros(periods)
    if place.spread == 1:
        return rng.poisson(place.mean, periods).astype(float)
    return rng.negative_binomial(place.mean / (place.spread - 1), 1 / place.spread, periods).astype(float)


def simulate(rng, places, periods):
    """Fill rate of all demand at each place, over one run.

    Orders do not depend on stock, so all are known before any is served. Claims on a place form one
    sequence (own customers first in a period, then those it feeds in random order); what is shipped up to a
    time is a stretch of it. Lead times that differ by one period at most never cross.
    """
    claims, orders, phase = [None] * len(places), [None] * len(places), [0] * len(places)
    for i in range(len(places) - 1, -1, -1):
        fed = [k for k, place in enumerate(places) if place.parent == i]
        sizes = np.column_stack(
            [_demand(rng, places[i], periods), *(np.diff(orders[k], prepend=0) for k in fed)]
        )
        who = np.zeros(sizes.shape, dtype=int)
        who[:, 1:] = 1 + np.argsort(rng.random((periods, len(fed))), axis=1)
        claims[i] = np.take_along_axis(sizes, who, axis=1), who, fed
        phase[i] = int(rng.integers(places[i].lot))
        orders[i] = places[i].lot * ((phase[i] + np.cumsum(sizes.sum(axis=1))) // places[i].lot)
    shipped, fill = list(orders), np.zeros(len(places))
    for i, place in enumerate(places):
        sizes, who, fed = claims[i]
        asked = sizes.sum(axis=1)
        arrivals = np.arange(periods) + 1 + rng.choice(place.lead_times, periods)
        sent = np.diff(shipped[i], prepend=0)
        received = np.bincount(arrivals, weights=sent, minlength=periods)[:periods].cumsum()
        there = place.level + place.lot - phase[i] + received
        before = np.maximum(there - (np.cumsum(asked) - asked), 0)
        counted = slice(periods // 20, None)
        fill[i] = np.minimum(before, asked)[counted].sum() / asked[counted].sum()
        edges = np.append(0, np.cumsum(sizes.ravel()))
        for r, k in enumerate(fed, start=1):
            parts = np.append(0, np.cumsum(np.where(who == r, sizes, 0).ravel()))
            shipped[k] = np.interp(np.clip(there, 0, np.cumsum(asked)), edges, parts)
    return fill


def _tree(root, shops):
    return [Place(-1, *root), *(Place(0, *shop) for shop in shops)]


def _three(root, centres, shops):
    return [Place(-1, *root), *(Place(0, *c) for c in centres), *(Place(*shop) for shop in shops)]


# name: places, phases of lots that are averaged, greatest error of a customers' place
CASES = {
    "poisson_short": (_tree(((3,), 0, 1, 1, 33), [((2,), 2, 1, 1, 11)] * 5), 1, 0.01),
    "poisson": (_tree(((3,), 0, 1, 1, 44), [((2,), 2, 1, 1, 9)] * 5), 1, 0.005),
    "slow_short": (_tree(((4,), 0, 1, 1, 4), [((1,), 0.1, 1, 1, 1)] * 10), 1, 0.01),
    "slow_lumpy": (_tree(((4,), 0, 1, 1, 24), [((1,), 0.3, 8, 1, 15)] * 6), 1, 0.01),
    "unequal": (
        _tree(
            ((3,), 0, 1, 1, 37),
            [((2,), 8, 4, 1, 51), ((1,), 2, 4, 1, 16), ((2,), 1, 3, 1, 11), ((1,), 0.3, 2, 1, 4)],
        ),
        1,
        0.01,
    ),
    "large_short": (_tree(((3,), 0, 1, 1, 3399), [((2,), 200, 10, 1, 831)] * 5), 1, 0.015),
    "random_times": (_tree(((3, 4), 0, 1, 1, 45), [((1, 2), 3, 2, 1, 18)] * 4), 1, 0.01),
    "own_customers": (_tree(((3,), 6, 3, 1, 39), [((1,), 2, 3, 1, 14)] * 3), 1, 0.01),
    "serial": (_tree(((5,), 0, 1, 1, 20), [((0,), 4, 2, 1, 18)]), 1, 0.01),
    "lots": (_tree(((3,), 0, 1, 1, 32), [((2,), 2, 1, 10, 9)] * 5), 10, 0.01),
    "lots_both": (_tree(((3,), 0, 1, 40, 40), [((2,), 2, 3, 10, 11)] * 5), 10, 0.01),
    "three": (
        _three(
            ((4,), 0, 1, 1, 38),
            [((2,), 0, 1, 1, 18), ((2,), 0, 1, 1, 9)],
            [(1, (1,), 2, 2, 1, 13)] * 3 + [(2, (1,), 1, 2, 1, 8)] * 3,
        ),
        1,
        0.01,
    ),
    "three_lots": (
        _three(
            ((4, 5), 0, 1, 60, 47),
            [((2,), 0, 1, 20, 18), ((2,), 0, 1, 20, 9)],
            [(1, (1,), 2, 2, 5, 7)] * 3 + [(2, (1,), 1, 2, 5, 5)] * 3,
        ),
        10,
        0.015,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_fill_rates_are_those_of_a_long_run(name):
    """200,000 periods. The standard error of a fill rate, by its batches, is below 0.1 points (0.3 with lots,
    whose phases are drawn); a bound is missed by chance only if the method's own error comes within 3 of
    them: it was measured below a half of each bound but for `large_short`, `three_lots`."""
    places, phases, bound = CASES[name]
    rng = rng_for(5, "network_stochastic", name)
    promised = evaluate(forest_of(places), np.array([float(place.level) for place in places])).fill
    found = np.mean([simulate(rng, places, 200_000 // phases) for _ in range(phases)], axis=0)
    sells = np.array([place.mean > 0 and place.parent >= 0 for place in places])
    kinds = {}
    for i in np.flatnonzero(sells):  # equal shops are averaged
        kinds.setdefault(places[i], []).append(promised[i] - found[i])
    assert max(abs(np.mean(errors)) for errors in kinds.values()) < bound
    upstream = np.abs(promised - found)[~sells & np.array([place.mean == 0 for place in places])]
    assert np.all(upstream < (0.005 if phases == 1 else 0.05))


@pytest.mark.parametrize("level", [2, 4, 6, 9])
def test_poisson_shops_against_the_exact_law(level):
    """Graves 1985: a warehouse owes (D - y)^+, each unit by its share to a shop; METRIC keeps the mean."""
    rate, shops, lead, source_lead = 0.2, 4, 2, 5
    places = _tree(((source_lead,), 0, 1, 1, level - 1), [((lead,), rate, 1, 1, 1)] * shops)
    found = evaluate(forest_of(places), np.array([float(place.level) for place in places]))
    grid = np.arange(60)
    demand = stats.poisson.pmf(grid, rate * shops * (source_lead + 1))
    owed = np.append(demand[: level + 1].sum(), demand[level + 1 :])
    part = sum(p * stats.binom.pmf(grid, n, 1 / shops) for n, p in enumerate(owed))
    assert found.owed_mean[0] == pytest.approx(owed @ np.arange(owed.size), rel=1e-9)
    assert found.source_mean[1] == pytest.approx(part @ grid, rel=1e-9)

    def short(periods, y, extra):
        total = np.convolve(stats.poisson.pmf(grid, rate * periods), extra)
        return total @ np.maximum(np.arange(total.size) - y, 0)

    fill = 1 - (short(lead + 1, 2, part) - short(lead, 2, part)) / rate
    assert found.fill[1] == pytest.approx(fill, abs=0.004)
    metric = stats.poisson.pmf(grid, rate * (lead + 1) + part @ grid) @ np.maximum(grid - 2, 0)
    assert metric < found.owed_mean[1] < 1.05 * short(lead + 1, 2, part) + 1e-3


@pytest.mark.parametrize(
    ("mean", "variance", "lot"), [(0.4, 0.4, 12), (5.0, 9.0, 12), (30.0, 90.0, 7), (2.0, 20.0, 5)]
)
def test_lots_add_the_exact_variance(mean, variance, lot):
    """The law of Q floor((u + D) / Q), u uniform on 0..Q - 1, summed out."""
    k = np.arange(600)
    pmf = stats.poisson.pmf(k, mean)
    if variance > mean:
        pmf = stats.nbinom.pmf(k, mean**2 / (variance - mean), mean / variance)
    orders = lot * ((k[:, None] + np.arange(lot)) // lot)
    first, second = (pmf @ (orders**r).mean(axis=1) for r in (1, 2))
    added = law.lot_variance(np.zeros(law.SIZE), mean, variance, float(lot), 1.0)
    assert first == pytest.approx(mean, rel=1e-9)
    assert added == pytest.approx(second - first**2 - variance, rel=1e-6)


@pytest.mark.parametrize(
    ("mean", "variance", "tolerance"),
    [
        (0.3, 0.3, 1e-7),
        (5.0, 40.0, 1e-7),
        (50.0, 50.0, 1e-7),
        (400.0, 400.0, 1e-3),
        (1e3, 5e4, 1e-3),
        (15.0, 680.0, 1e-3),
    ],
)
def test_shortage_of_a_law_against_its_sums(mean, variance, tolerance):
    """Exact on the own lattice; within 0.1 % of a standard deviation on a wider one."""
    rows, facts = np.zeros((4, law.SIZE)), np.zeros(3)
    step = law.lattice_step(1.0, mean, variance)
    law.write_law(rows, facts, np.zeros(law.SIZE), mean, variance, step, 1.0)
    k, sd = np.arange(int(mean + 80 * np.sqrt(variance)) + 20), np.sqrt(variance)
    pmf = stats.poisson.pmf(k, mean)
    if variance > mean:
        pmf = stats.nbinom.pmf(k, mean**2 / (variance - mean), mean / variance)
    for z in (-2.0, -0.5, 0.0, 1.0, 2.0, 4.0):
        x = np.floor(mean + z * sd)
        over = np.where(k > x, k - x, 0.0) if x >= 0 else k - x
        found = np.array(law.excess(rows, facts, x / step)) * step ** np.arange(1, 4)
        exact = np.array([pmf @ over**r for r in (1, 2, 3)])
        np.testing.assert_array_less(
            np.abs(found - exact) / sd ** np.arange(1, 4), tolerance * np.array([1.0, 2.0, 4.0])
        )


def _tiled(forest, copies):
    n = len(forest.parent)
    columns = {f.name: np.tile(getattr(forest, f.name), copies) for f in fields(forest)}
    offset = np.repeat(np.arange(copies) * n, n)
    return Forest(**columns | {"parent": np.where(columns["parent"] >= 0, columns["parent"] + offset, -1)})


def _leaves_solved(forest, level, leaf):
    """The least levels of places that feed nobody, by halving on `evaluate`."""
    low, high = np.zeros(leaf.sum(), dtype=int), np.full(leaf.sum(), 1024)
    for _ in range(11):
        middle = (low + high) // 2
        level[leaf] = middle - forest.lot[leaf]
        met = evaluate(forest, level).fill[leaf] >= forest.target[leaf] - 1e-12
        low, high = np.where(met, low, np.minimum(middle + 1, high)), np.where(met, middle, high)
    level[leaf] = low - forest.lot[leaf]
    return evaluate(forest, level)


def _cheapest(forest, size):
    """The least value by enumeration: each level of the root with each of every centre."""
    n, parent = len(forest.parent), forest.parent
    feeds = np.isin(np.arange(n), parent)
    centres = [i for i in np.flatnonzero(feeds) if i > 0]
    span = np.arange(size)
    inner = size if centres else 1
    level = np.zeros((size * inner, n))
    level[:, 0] = np.repeat(span - forest.lot[0], inner)
    for i in centres:
        level[:, i] = np.tile(span - forest.lot[i], size)
    tiled = _tiled(forest, size * inner)
    found = _leaves_solved(tiled, level.ravel(), np.tile(~feeds, size * inner))
    value = (tiled.unit_cost * found.on_hand).reshape(size, inner, n)
    of_root = [0] + [k for k in range(1, n) if parent[k] == 0 and not feeds[k]]
    total = value[:, 0, of_root].sum(axis=1)
    for i in centres:
        total = total + value[:, :, [i, *np.flatnonzero(parent == i)]].sum(axis=2).min(axis=1)
    return total.min()


def _random_tree(rng, centres):
    parent = [-1] + [0] * centres
    parent += [1 + k for k in range(centres) for _ in range(rng.integers(1, 4))] or [0] * int(
        rng.integers(2, 5)
    )
    places = [
        Place(
            p,
            (int(rng.integers(1, 5)),),
            0 if i in parent else float(rng.uniform(0.05, 0.8)),
            float(rng.uniform(1, 5)),
            int(rng.choice([1, 1, 4])),
            0,
        )
        for i, p in enumerate(parent)
    ]
    cost = np.array([1.0 + 0.15 * (p >= 0) + 0.1 * (p > 0) for p in parent])
    return replace(forest_of(places, float(rng.choice([0.9, 0.95, 0.99]))), unit_cost=cost)


@pytest.mark.parametrize(("centres", "trees", "size"), [(0, 12, 60), (2, 5, 40)])
def test_search_finds_nearly_the_cheapest_levels(centres, trees, size):
    """Measured over more trees: 0.3 % above enumeration on average, 4 % at most."""
    rng = rng_for(3, "cheapest", str(centres))
    gaps = []
    for _ in range(trees):
        forest = _random_tree(rng, centres)
        found = least_cost(forest)
        wanted = ~np.isnan(forest.target)
        assert np.all(found.service.fill[wanted] >= forest.target[wanted] - 1e-12)
        gaps.append(found.value / _cheapest(forest, size) - 1)
    assert np.mean(gaps) < 0.01
    assert max(gaps) < 0.05
    assert min(gaps) > -1e-9 if centres == 0 else min(gaps) > -0.01  # a level above `size` may be cheaper


def test_portfolio_goal_against_enumeration():
    """Two places without sources: every pair of levels; bound <= best <= value."""
    places = [Place(-1, (2,), 1.0, 2.0, 1, 0), Place(-1, (4,), 3.0, 3.0, 1, 0)]
    forest = replace(forest_of(places), unit_cost=np.array([5.0, 1.0]))
    weight = np.array([2.0, 3.0])
    one, other = np.meshgrid(np.arange(-1, 30), np.arange(-1, 70), indexing="ij")
    tiled = _tiled(forest, one.size)
    every = evaluate(tiled, np.column_stack([one.ravel(), other.ravel()]).ravel().astype(float))
    value = (tiled.unit_cost * every.on_hand).reshape(-1, 2).sum(axis=1)
    promised = every.fill.reshape(-1, 2) @ weight / weight.sum()
    for goal in (0.8, 0.95, 0.99):
        found = least_cost_portfolio(forest, goal, weight)
        best = value[promised >= goal].min()
        assert found.promised >= goal - 1e-12
        assert found.bound <= best + 1e-9
        assert best - 1e-9 <= found.value <= 1.05 * best
