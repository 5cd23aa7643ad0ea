"""Nothing is created or lost in the simulated network, money neither, and results depend on nothing else."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.maths.kernels import network_simulation_state as column
from plimsoll.network.simulate import SimulationRun, draws, simulate
from plimsoll.network.simulation_arrays import Disruption, opening_stock
from plimsoll.network.simulation_measures import measures, paired
from plimsoll.network.simulation_sites import sites

PERIODS = 40


@st.composite
def networks(draw):
    """A network of two to six stages with a random rule, allocation and kind of demand each."""
    n = draw(st.integers(2, 6))
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    links = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=8, unique=True))

    def each(values, size=n):
        return draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))

    up_to = each([0.0, 4.0, 11.0, 30.0])
    stages = {
        "stage": [f"S{i}" for i in range(n)], "rule": each(["base_stock", "s_S", "s_nQ"]), "up_to": up_to,
        "reorder": [level - lot for level, lot in zip(up_to, each([1.0, 3.0, 7.0]), strict=True)],
        "is_echelon": each([False, True]), "review_periods": each([1, 1, 2, 4]),
        "is_lost": each([False, True]),
        "allocation": each(["first_come", "proportional", "priority"]), "lead_time": each([0, 1, 3]),
        "lead_pmf": each([None, [0.5, 0.0, 0.5]]), "demand": each(["none", "poisson", "table"]),
        "demand_mean": each([0.4, 3.0]), "demand_pmf": [[0.7, 0.1, 0.2]] * n, "unit": each([0.0, 1.0, 1.0]),
    }  # fmt: skip
    arcs = {
        "from_stage": [f"S{i}" for i, _ in links], "to_stage": [f"S{j}" for _, j in links],
        "quantity": each([0.5, 1.0, 1.0, 3.0], len(links)),
        "lead_time": each([0, 2], len(links)),
    }  # fmt: skip
    trouble = (Disruption("no_supply", "S0", 5, 11), Disruption("no_shipment", f"S{links[0][0]}", 15, 20))
    return sites(pl.DataFrame(stages, strict=False), arcs), draw(st.sampled_from([(), trouble]))


def traced(network, trouble, seed):
    run = SimulationRun(periods=PERIODS, warm_up=0, replications=1, seed=seed, disruptions=trouble, traced=0)
    found = simulate(network, run)
    return found.site_trace.transpose(2, 0, 1), found.line_trace.transpose(2, 0, 1)


def change(stood, opening):
    return np.diff(np.concatenate([np.broadcast_to(opening, (1, stood.shape[1])), stood]), axis=0)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks(), st.integers(0, 2**40))
def test_units_are_conserved(case, seed):
    network, trouble = case
    site, line = traced(network, trouble, seed)
    arcs, a = network.arcs, network.arcs.height
    source, target = arcs["from_index"].to_numpy(), arcs["to_index"].to_numpy()
    quantity = arcs["quantity"].to_numpy()
    sent = np.zeros_like(site[0])
    np.add.at(sent.T, source, line[column.SHIPPED, :, :a].T)
    same = lambda left, right, what: np.testing.assert_allclose(left, right, atol=1e-6, err_msg=what)  # noqa: E731
    # a stage: opening + received - served - paid back - shipped = closing
    out = site[column.SERVED] + site[column.PAID_BACK] + sent
    same(change(site[column.ON_HAND], opening_stock(network)), site[column.RECEIVED] - out, "on hand")
    same(change(site[column.ON_ORDER], 0), site[column.ORDERED] - site[column.RECEIVED], "on order")
    waits = site[column.DEMAND] - site[column.SERVED] - site[column.LOST] - site[column.PAID_BACK]
    same(change(site[column.BACKLOG], 0), waits, "backlog")
    # a line: all that is asked for is owed, on its way or there; all that is there is used or waits
    same(change(line[column.OWED], 0), line[column.ASKED] - line[column.SHIPPED], "owed")
    same(change(line[column.IN_TRANSIT], 0), line[column.SHIPPED] - line[column.ARRIVED], "in transit")
    same(change(line[column.WAITING, :, :a], 0), (line[column.ARRIVED] - line[column.USED])[:, :a], "waiting")
    same(line[column.USED, :, :a], quantity * line[column.SHIPPED, :, a:][:, target], "kits are complete")
    same(line[column.ASKED, :, :a], quantity * site[column.ORDERED][:, target], "orders are passed on")
    same(line[column.OWED, :, a:] + line[column.IN_TRANSIT, :, a:], site[column.ON_ORDER], "pipeline")
    owed = np.zeros_like(site[0])
    np.add.at(owed.T, source, line[column.OWED, :, :a].T)
    same(owed, site[column.OWED_DOWN], "owed below")
    assert min(site.min(), line.min()) >= -1e-9
    assert (line[column.AT_ONCE] <= np.minimum(line[column.ASKED], line[column.SHIPPED]) + 1e-9).all()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(networks(), st.integers(0, 2**40))
def test_money_is_conserved(case, seed):
    """Value in the network changes by what is bought and the work put in, less the cost of what is sold."""
    network, trouble = case
    site, line = traced(network, trouble, seed)
    arcs, a, n = network.arcs, network.arcs.height, network.stages.height
    source, target = arcs["from_index"].to_numpy(), arcs["to_index"].to_numpy()
    quantity, added, cost = arcs["quantity"].to_numpy(), np.arange(1.0, n + 1), np.zeros(n)
    is_fed = np.isin(np.arange(n), target)
    for i in range(n):
        cost[i] = added[i] + (quantity * cost[source])[target == i].sum()
    parts = np.where(is_fed, cost - added, cost)  # work in process is worth its parts, purchases their price
    on_road = (line[column.IN_TRANSIT] + line[column.WAITING])[:, :a] @ cost[source]
    in_process = line[column.IN_TRANSIT, :, a:] @ parts
    value = site[column.ON_HAND] @ cost + on_road + in_process
    bought = line[column.SHIPPED, :, a:] @ np.where(is_fed, 0.0, cost)
    work = line[column.ARRIVED, :, a:] @ np.where(is_fed, added, 0.0)
    sold = (site[column.SERVED] + site[column.PAID_BACK]) @ cost
    opening = opening_stock(network) @ cost
    np.testing.assert_allclose(
        np.diff(value, prepend=opening), bought + work - sold, atol=1e-6 * max(cost.max(), 1)
    )


@pytest.fixture(scope="module")
def tree():
    stages = {
        "stage": ["W", "A", "B", "C"], "up_to": [24, 9, 9, 9], "lead_pmf": [[0, 0.5, 0.5], None, None, None],
        "demand": ["none", "poisson", "poisson", "negative_binomial"], "demand_mean": [0, 2, 2, 2],
        "demand_sd": [None, None, None, 2.5], "rule": ["s_nQ"] * 4, "reorder": [16, 6, 6, 6],
    }  # fmt: skip
    arcs = {"from_stage": ["W"] * 3, "to_stage": ["A", "B", "C"], "lead_pmf": [[0.3, 0.7]] * 3}
    return pl.DataFrame(stages, strict=False), pl.DataFrame(arcs)


def test_order_of_rows_and_size_of_chunks_change_nothing(tree, monkeypatch):
    stages, arcs = tree
    run = SimulationRun(periods=100, warm_up=10, replications=40)
    first = simulate(sites(stages, arcs), run)
    monkeypatch.setattr("plimsoll.network.simulate.CHUNK", 7)
    again = simulate(sites(stages.reverse(), arcs), run)
    # the last decimals of sums over stages may differ, the stages' own figures not
    assert again.stages.sort("stage").equals(first.stages.sort("stage"))
    assert again.cost_mean == pytest.approx(first.cost_mean, rel=1e-12)


def test_a_stage_keeps_its_draws_when_the_network_around_it_changes(tree):
    stages, arcs = tree
    run = SimulationRun(periods=50, warm_up=0, replications=2)
    whole = draws(sites(stages, arcs), run)
    part = draws(sites(stages.filter(pl.col("stage") == "C")), run)
    assert (part.demand[0, 0] == whole.demand[0, sites(stages, arcs).names.index("C")]).all()


def test_common_draws_make_differences_sharp(tree):
    stages, arcs = tree
    run = SimulationRun(periods=200, warm_up=20, replications=50)
    before, more = sites(stages, arcs), sites(stages.with_columns(pl.col("up_to", "reorder") + 1), arcs)
    found = [measures(network, simulate(network, run).sums)["fill_rate"] for network in (before, more)]
    shift = paired(*found)
    served = np.array([name != "W" for name in before.names])
    assert (shift.estimate[served] > 0).all()  # more stock everywhere serves more
    alone = np.hypot(found[0].se, found[1].se)
    assert (shift.se[served] < 0.7 * alone[served]).all()


def test_more_stock_upstream_never_serves_customers_worse(tree):
    # base stock, the same demand, constant lead times: no shipment leaves later, so none arrives later
    stages, arcs = tree
    stages = stages.with_columns(rule=pl.lit("base_stock"), lead_pmf=pl.lit(None, pl.List(pl.Float64)))
    arcs = arcs.with_columns(lead_pmf=pl.lit(None, pl.List(pl.Float64)))
    run = SimulationRun(periods=150, warm_up=0, replications=20)
    fills = []
    for level in (0.0, 8.0, 14.0, 40.0):
        at_level = stages.with_columns(up_to=pl.when(pl.col("stage") == "W").then(level).otherwise("up_to"))
        network = sites(at_level, arcs)
        fills.append(simulate(network, run).sums.site[:, :, column.SERVED].sum(axis=(0, 1)).sum())
    assert sorted(fills) == fills
    assert fills[-1] > fills[0]
