"""What must hold of any simulated world: common draws, whatever threads or blocks, service that rises."""

import numba
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.network import world_run
from plimsoll.network.compare import savings
from plimsoll.network.links import links
from plimsoll.network.world import world
from plimsoll.network.world_run import WorldRun, seen
from plimsoll.workflows.benchmarks.echelons import planned_family

RUN = WorldRun(days=112, warm_up=56, replications=3)
FIELDS = ("wanted", "served", "asked", "at_once", "on_hand", "on_way")


@pytest.fixture(scope="module")
def made():
    tables = planned_family(6)
    names = ("planning_point", "demand_estimate", "target", "policy")
    points, estimates, target, policies = (tables[name] for name in names)
    tree = links(points, estimates, target, policies)
    return world(tree, points, estimates, tables["lead_time_estimate"]), policies


def test_results_depend_on_neither_threads_nor_blocks(made, monkeypatch):
    place, policies = made
    before = seen(place, policies, RUN)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    monkeypatch.setattr(world_run, "BLOCK", 7)
    try:
        after = seen(place, policies, RUN)
    finally:
        numba.set_num_threads(threads)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(1, 10**6), more=st.integers(1, 40))
def test_demand_is_the_same_and_more_stock_serves_more(made, seed, more):
    place, policies = made
    run = WorldRun(days=112, warm_up=56, replications=2, seed=seed)
    richer = policies.with_columns(pl.col("reorder_point_qty", "order_up_to_qty") + more)
    before, after = seen(place, policies, run), seen(place, richer, run)
    np.testing.assert_array_equal(before.wanted, after.wanted)
    assert (after.served.sum(axis=1) >= before.served.sum(axis=1)).all()
    assert (after.on_hand.sum(axis=1) > before.on_hand.sum(axis=1)).all()
    for found in (before, after):
        assert (found.served <= found.wanted).all()
        assert (found.at_once <= found.asked + 1e-9).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=30))
def test_the_share_saved_lies_in_its_interval(values):
    alone, network = (np.array(side, dtype=float) for side in zip(*values, strict=True))
    parts = 1.0 - np.divide(network, alone, out=np.ones_like(alone), where=alone > 0)
    frame = pl.DataFrame(
        {"on_hand_alone_value": alone, "on_hand_network_value": network, "saving_share": parts}
    )
    found = dict(savings(frame).iter_rows())
    assert found["quantile 5%"] <= found["quantile 50%"] <= found["quantile 95%"]
    assert found["all, low"] <= found["all, high"]
    if alone.sum() > 0:
        assert found["all"] == pytest.approx(1.0 - network.sum() / alone.sum())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), runs=st.integers(1, 20), n=st.integers(1, 30))
def test_each_part_of_a_law_is_drawn_once(seed, runs, n):
    found = world_run._strata(np.random.default_rng(seed), n, runs)
    np.testing.assert_array_equal(
        np.sort(np.floor(found * runs), axis=0), np.tile(np.arange(runs)[:, None], (1, n))
    )
