"""What placement on any network refuses, names, reports, and does at the edges."""

import numpy as np
import pytest

from plimsoll.domain.errors import InputError, SettingError
from plimsoll.domain.progress import silent
from plimsoll.maths.rng import rng_for
from plimsoll.network import placement, placement_cells
from plimsoll.network.bounds import NormalBound, QuantileBound
from plimsoll.network.placement import place
from plimsoll.network.placement_core import solve
from plimsoll.network.placement_problem import problem_of, tick_of
from plimsoll.network.placement_start import thinned
from plimsoll.network.placement_tables import entries, tables_of
from plimsoll.network.placement_trees import Stages, place_trees

DIAMOND = [(0, 1), (0, 2), (1, 3), (2, 3)]


def normal(n, **factors):
    cost = np.ones(n)
    for stage, factor in factors.items():
        cost[int(stage[1:])] = factor
    return NormalBound(cost, 1.0, np.ones(n), np.ones(n))


def assembly(n_parts, n_products, arcs, seed):
    """Parts that go into many products each, times that share no unit."""
    rng = rng_for(seed, "assembly")
    pairs = {(k, n_parts + k % n_products) for k in range(max(n_parts, n_products))}
    pairs = {(k % n_parts, p) for k, p in pairs}
    while len(pairs) < arcs:
        pairs.add((int(rng.integers(0, n_parts)), n_parts + int(rng.integers(0, n_products))))
    n = n_parts + n_products
    latest = np.where(np.arange(n) < n_parts, np.inf, rng.integers(0, 3, n))
    network = Stages.of(sorted(pairs), rng.gamma(2.0, 6.0, n), latest=latest)
    return network, NormalBound(np.exp(rng.normal(0, 1, n)), 1.0, np.ones(n), np.ones(n))


def test_circles_are_refused_by_name():
    network = Stages.of([(0, 1), (1, 2), (2, 1), (3, 3)], np.ones(4), names=["Mill", "Store", "Shop", "Yard"])
    with pytest.raises(InputError) as refused:
        place(network, normal(4))
    assert "in circles through 3 stages: Store, Shop, Yard." in str(refused.value)


def test_arcs_out_of_range_are_refused():
    with pytest.raises(
        InputError, match="2 arcs lead to stages that are not among the 2 given: -1 -> 0, 0 -> 2"
    ):
        place(Stages.of([(0, 1), (0, 2), (-1, 0)], np.ones(2)), normal(2))


def test_fractional_times_are_refused_with_a_quantile_bound_and_named():
    one = np.ones(4)
    network = Stages.of(DIAMOND, [1.5, 2, 2, 2], latest=[np.inf] * 3 + [0], names=["Part", "A", "B", "Shop"])
    with pytest.raises(InputError, match="The times of 1 stages are not whole: Part"):
        place(network, QuantileBound(one, 0.9 * one, one, one, 0 * one, one))


def test_no_time_is_refused():
    with pytest.raises(SettingError, match="seconds"):
        place(Stages.of(DIAMOND, np.ones(4)), normal(4), seconds=0.0)


def test_by_hand():
    """One cheap part, dear modules: the part is held, the modules wait for it, the product holds for both."""
    network = Stages.of(DIAMOND, [8, 2, 5, 1], latest=[np.inf] * 3 + [0])
    placed = place(network, normal(4, k1=9.0, k2=9.0, k3=9.0))
    assert placed.service.tolist() == [0.0, 2.0, 5.0, 0.0]
    assert placed.net.tolist() == [8.0, 0.0, 0.0, 6.0]
    np.testing.assert_allclose(placed.total, [np.sqrt(8) + 9 * np.sqrt(6)], rtol=1e-12)
    assert placed.proven.tolist() == [True]
    assert placed.limit == ("",)


def test_double_arcs_count_once():
    once = place(Stages.of(DIAMOND, [8, 2, 5, 1], latest=[np.inf] * 3 + [0]), normal(4))
    twice = place(Stages.of(DIAMOND + DIAMOND, [8, 2, 5, 1], latest=[np.inf] * 3 + [0]), normal(4))
    assert once.total == twice.total
    tree = Stages.of([(0, 1), (0, 1)], [3, 1], latest=[np.inf, 0])
    assert place(tree, normal(2)).net.tolist() == place_trees(Stages.of([(0, 1)], [3, 1], latest=[np.inf, 0]),
                                                             normal(2)).net.tolist()  # fmt: skip


def test_no_stages_and_single_stages():
    placed = place(Stages.of([], np.empty(0)), normal(0))
    assert len(placed.net) == len(placed.total) == 0
    placed = place(Stages.of([], [4.0, 4.0], latest=[1.0, np.inf]), normal(2))
    assert placed.net.tolist() == [3.0, 0.0]
    assert placed.network.tolist() == [0, 1]


def test_networks_and_trees_together_are_the_same_as_alone():
    time = np.array([8.0, 2, 5, 1, 3, 4, 8, 2, 5, 1])
    latest = np.array([np.inf] * 3 + [0.0, np.inf, 1.0] + [np.inf] * 3 + [2.0])
    arcs = [*DIAMOND, (4, 5), *[(a + 6, b + 6) for a, b in DIAMOND]]
    together = place(Stages.of(arcs, time, latest=latest), normal(10, k3=7.0, k9=3.0))
    assert together.network.tolist() == [0] * 4 + [1] * 2 + [2] * 4
    parts = [
        place(Stages.of(DIAMOND, time[:4], latest=latest[:4]), normal(4, k3=7.0)),
        place(Stages.of([(0, 1)], time[4:6], latest=latest[4:6]), normal(2)),
        place(Stages.of(DIAMOND, time[6:], latest=latest[6:]), normal(4, k3=3.0)),
    ]
    np.testing.assert_array_equal(together.net, np.concatenate([part.net for part in parts]))
    np.testing.assert_array_equal(together.total, np.concatenate([part.total for part in parts]))
    assert together.proven.all()


def test_impossible_promises_are_put_off_and_told():
    """Nobody before the counter may hold: customers wait for the longer way."""
    network = Stages.of(DIAMOND, [4, 1, 2, 1], latest=[np.inf] * 3 + [2.0], may_hold=[False] * 4)
    placed = place(network, normal(4))
    assert placed.service.tolist() == [4.0, 5.0, 6.0, 7.0]
    assert placed.late.tolist() == [0.0, 0.0, 0.0, 5.0]
    assert placed.total.tolist() == [0.0]
    assert placed.proven.all()


def test_outside_suppliers_are_waited_for():
    """A module waits four for its own supplier, so the part quotes four: the modules would wait anyway."""
    network = Stages.of(DIAMOND, [8, 2, 5, 1], latest=[np.inf] * 3 + [0], inbound=[3.0, 1.0, 4.0, 0.0])
    placed = place(network, normal(4, k1=9.0, k2=9.0, k3=9.0))
    assert placed.inbound.tolist() == [3.0, 4.0, 4.0, 9.0]
    np.testing.assert_allclose(placed.total, [np.sqrt(7) + 9 * np.sqrt(10)], rtol=1e-12)


def test_demand_without_spread_or_price_costs_nothing():
    placed = place(Stages.of(DIAMOND, [8, 2, 5, 1], latest=[np.inf] * 3 + [0]),
                   NormalBound(np.zeros(4), 2.0, np.ones(4), np.ones(4)))  # fmt: skip
    assert placed.total.tolist() == [0.0]
    assert placed.proven.all()
    assert placed.gap.tolist() == [0.0]


def test_search_without_time_returns_a_placement_with_a_bound_below_it():
    network, bound = assembly(60, 25, 400, 3)
    placed = place(network, bound, seconds=0.01)
    assert np.isfinite(placed.total).all()
    assert (placed.bound <= placed.total).all()
    assert (placed.bound >= 0.0).all()
    assert placed.proven.all() or placed.limit[0] == "time"


def test_the_gap_is_told_when_rounds_end(monkeypatch):
    network, bound = assembly(40, 15, 200, 4)
    best = place(network, bound)
    assert best.proven.all()
    monkeypatch.setattr(placement_cells, "ROUNDS", 1)
    monkeypatch.setattr(placement_cells, "CELLS", 2)
    monkeypatch.setattr(placement, "VALUES", 0)
    placed = place(network, bound)
    assert not placed.proven.any()
    assert placed.limit == ("nodes",)
    assert 0.0 < placed.gap[0] < 0.5
    assert placed.bound[0] <= best.total[0] <= placed.total[0]


def test_search_below_what_there_is_finds_nothing_and_proves_it():
    problem = problem_of(Stages.of(DIAMOND, [8, 2, 5, 1], latest=[np.inf] * 3 + [0]), normal(4))
    every = [np.arange(low, high + 1) for low, high in zip(problem.low, problem.high, strict=True)]
    best = solve(tables_of(problem, every), 1e3, 5.0)
    assert best.bound == pytest.approx(
        problem.cost(np.array([v[k] for v, k in zip(every, best.at, strict=True)]))
    )


def test_core_below_what_there_is_finds_nothing_and_proves_it():
    network, bound = assembly(30, 12, 150, 5)
    problem = problem_of(Stages.of(np.stack([network.up, network.down], axis=1), np.ceil(network.time),
                                  latest=network.latest), bound)  # fmt: skip
    best = place(Stages.of(np.stack([network.up, network.down], axis=1), np.ceil(network.time),
                          latest=network.latest), bound).total[0]  # fmt: skip
    every = [np.arange(low, high + 1) for low, high in zip(problem.low, problem.high, strict=True)]
    none = solve(tables_of(problem, every), best * 0.99, 20.0)
    assert none.at is None
    assert none.bound == pytest.approx(best * 0.99, rel=1e-6)
    found = solve(tables_of(problem, every), best * 1.01, 20.0)
    assert found.bound == pytest.approx(best, rel=1e-8)


def test_same_network_same_placement():
    network, bound = assembly(40, 15, 150, 6)
    one, two = place(network, bound), place(network, bound)
    np.testing.assert_array_equal(one.service, two.service)
    assert one.bound == two.bound


def test_ticks_are_the_common_unit_or_fine():
    assert tick_of(np.array([3.0, 7.0]), 10.0) == 1.0
    assert tick_of(np.array([0.3, 0.1 + 0.2]), 10.0) == 0.1
    assert tick_of(np.array([1.0, 370 / 23]), 64.0) == 2.0**-34


def test_thinning_keeps_ends_and_present_values():
    network, bound = assembly(30, 12, 150, 7)
    problem = problem_of(network, bound)
    rng = np.random.default_rng(1)
    lists = [np.unique(np.concatenate([[low, high], rng.integers(low, high + 1, 99)]))
             for low, high in zip(problem.low, problem.high, strict=True)]  # fmt: skip
    keep = np.array([v[len(v) // 3] for v in lists])
    before = entries(problem, np.array([len(v) for v in lists]))
    thin = thinned(problem, lists, keep, before // 20)
    assert entries(problem, np.array([len(v) for v in thin])) <= before // 20
    for some, full, kept in zip(thin, lists, keep, strict=True):
        assert {full[0], full[-1], kept} <= set(some.tolist()) <= set(full.tolist())


def test_benchmark_reads_chains_without_reference(tmp_path):
    from plimsoll.workflows.benchmarks import network as bench
    from plimsoll.workflows.benchmarks.registry import BenchmarkOptions

    folder = tmp_path / "willems"
    folder.mkdir()
    (folder / "stages.csv").write_text(
        "chain,stage,added_cost,stage_time,demand_mean,demand_sd,max_service_time,service_level,rel_depth,cum_cost,cum_sd\n"
        "x,P,1,8,,,,,3,1,5\nx,A,1,2,,,,,2,2,5\nx,B,1,5,,,,,2,2,5\nx,S,1,1,4,5,0,0.95,1,5,5\n"
    )
    (folder / "arcs.csv").write_text("chain,upstream,downstream\nx,P,A\nx,P,B\nx,A,S\nx,B,S\n")
    out = bench.run(BenchmarkOptions((), 0, tmp_path), silent)
    row = out.tables["Chains"].to_dicts()[0]
    assert row["proved"]
    assert row["proven optimum"] is None
    with pytest.raises(InputError, match=r"stages\.csv"):
        bench.chains(tmp_path)
