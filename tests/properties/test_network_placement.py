"""What any bound by cells must keep: nowhere above the cost, and tighter with more nodes."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.network.bounds import NormalBound, QuantileBound
from plimsoll.network.placement import place
from plimsoll.network.placement_core import solve
from plimsoll.network.placement_problem import NEVER, NOBODY, problem_of
from plimsoll.network.placement_tables import tables_of
from plimsoll.network.placement_trees import Stages

SLACK = 1e-9


def network_of(rng, n):
    """Arcs from lower to higher numbers; whole times; some stages without stock, some with promises."""
    arcs = {(int(rng.integers(0, k)), k) for k in range(1, n)}
    for _ in range(n):
        up, down = sorted(rng.choice(n, 2, replace=False).tolist())
        arcs.add((up, down))
    is_last = ~np.isin(np.arange(n), [a for a, _ in arcs])
    promises = np.where(is_last | (rng.random(n) < 0.3), rng.integers(0, 9, n), np.inf)
    return Stages.of(
        sorted(arcs),
        rng.integers(0, 30, n),
        inbound=rng.integers(0, 6, n) * (rng.random(n) < 0.3),
        latest=promises,
        may_hold=rng.random(n) < 0.9,
    )


def bound_of(rng, n, kind):
    cost = np.exp(rng.normal(0, 1.5, n))
    one = np.ones(n)
    if kind == "normal":
        return NormalBound(cost, 1.0, one, one)
    return QuantileBound(cost, 0.95 * one, np.exp(rng.normal(0, 1, n)), 3.0 * one, 0.0 * one, one)


def nodes_of(rng, problem):
    """A few values of every variable between its ends, which are among them."""
    return [
        np.unique(np.concatenate([[low, high], rng.integers(low, high + 1, int(rng.integers(0, 5)))]))
        for low, high in zip(problem.low, problem.high, strict=True)
    ]


def some_placement(rng, problem):
    """Values within their ranges that stages without stock allow, the earliest of customers given."""
    values = problem.low + np.floor(rng.random(len(problem.low)) * (problem.high - problem.low + 1)).astype(
        np.int64
    )
    values = problem.completed(values)
    return values if np.isfinite(problem.cost(values)) else problem.completed(problem.low)


def relaxed_cost(problem, tables, at):
    """The relaxed cost of a choice of nodes."""
    total = tables.constant + sum(single[k] for single, k in zip(tables.single, at, strict=True))
    for v, near in enumerate(tables.pair):
        total += sum(table[at[v], at[w]] for w, table in near.items() if w > v)
    return total


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 9))
def test_mean_relaxed_cost_of_rounded_placements_is_below_their_cost(seed, n):
    """The mean over u is exact: it changes only where u passes a variable's place in its cell."""
    rng = np.random.default_rng(seed)
    network = network_of(rng, n)
    problem = problem_of(network, bound_of(rng, n, "normal"))
    nodes = nodes_of(rng, problem)
    tables = tables_of(problem, nodes, relaxed=True)
    values = some_placement(rng, problem)
    lower = np.array([np.searchsorted(v, x, side="right") - 1 for v, x in zip(nodes, values, strict=True)])
    place_in = np.array(
        [
            0.0 if v[k] == x else (x - v[k]) / (v[k + 1] - v[k])
            for v, k, x in zip(nodes, lower, values, strict=True)
        ]
    )
    steps = np.unique(np.concatenate([[0.0, 1.0], place_in]))
    mean = 0.0
    for begin, end in pairwise(steps):
        mean += (end - begin) * relaxed_cost(problem, tables, lower + (place_in > (begin + end) / 2))
    assert mean <= problem.cost(values) * (1.0 + SLACK) + SLACK


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 9), kind=st.sampled_from(["normal", "quantile"]))
def test_bound_by_cells_is_below_every_placement_and_grows_to_the_best(seed, n, kind):
    rng = np.random.default_rng(seed)
    problem = problem_of(network_of(rng, n), bound_of(rng, n, kind))
    few = nodes_of(rng, problem)
    every = [np.arange(low, high + 1) for low, high in zip(problem.low, problem.high, strict=True)]
    above = problem.cost(problem.low) * 1.01 + 1.0
    coarse = solve(tables_of(problem, few, relaxed=True), above, 20.0)
    fine = solve(tables_of(problem, every, relaxed=True), above, 20.0)
    exact = solve(tables_of(problem, every), above, 20.0)
    best = problem.cost(np.array([v[k] for v, k in zip(every, exact.at, strict=True)]))
    assert coarse.bound <= best + SLACK * above
    np.testing.assert_allclose(fine.bound, best, atol=SLACK * above)  # whole times: the cells hold one each
    for _ in range(20):
        assert problem.cost(some_placement(rng, problem)) >= best - SLACK * above


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 10), factor=st.sampled_from([0.5, 4.0, 7.3]))
def test_units_of_time_and_money_do_not_matter(seed, n, factor):
    rng = np.random.default_rng(seed)
    network, bound = network_of(rng, n), bound_of(rng, n, "normal")
    placed = place(network, bound)
    longer = Stages(
        network.up, network.down, network.time * factor, network.inbound * factor, network.latest * factor,
        network.may_hold,
    )  # fmt: skip
    dearer = NormalBound(3.0 * bound.holding_cost, bound.z, bound.sd, bound.mean)
    np.testing.assert_allclose(place(longer, bound).total, placed.total * np.sqrt(factor), rtol=2e-8)
    np.testing.assert_allclose(place(network, dearer).total, 3.0 * placed.total, rtol=2e-8)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 10))
def test_one_more_day_or_one_more_freedom_never_costs_less_or_more(seed, n):
    rng = np.random.default_rng(seed)
    network, bound = network_of(rng, n), bound_of(rng, n, "normal")
    total = place(network, bound).total.sum()
    slower = Stages(
        network.up, network.down, network.time + (np.arange(n) == n - 1), network.inbound,
        network.latest, np.ones(n, dtype=bool),
    )  # fmt: skip
    free = Stages(
        network.up, network.down, network.time, network.inbound, network.latest, np.ones(n, dtype=bool)
    )
    late = place(network, bound).late
    assert late.any() or place(free, bound).total.sum() <= total * (1.0 + 2e-8)
    assert place(slower, bound).total.sum() >= place(free, bound).total.sum() * (1.0 - 2e-8)


def test_every_stage_lies_between_the_variables_of_its_suppliers_and_customers():
    rng = np.random.default_rng(5)
    for n in (4, 9, 30):
        network = network_of(rng, n)
        problem = problem_of(network, bound_of(rng, n, "normal"))
        for k in range(n):
            customers = network.down[network.up == k]
            groups = {int(problem.into[j]) for j in customers}
            if problem.meet[k] == NOBODY:
                assert not groups
            elif problem.meet[k] < problem.n_groups:
                assert groups == {int(problem.meet[k])}
            else:
                assert groups == set(problem.over[problem.under == problem.meet[k]].tolist())
            assert (problem.into[k] == NOBODY) == (not (network.down == k).any())
        assert (problem.low <= problem.high).all()
        assert (problem.latest <= NEVER).all()
