"""The network simulation against a plain twin, the replay kernel and exact formulas."""

import numpy as np
import polars as pl
import pytest
from scipy import special, stats

from plimsoll.maths.kernels import network_simulation_state as column
from plimsoll.maths.kernels import replay
from plimsoll.maths.kernels.network_simulation_draws import normal_quantile
from plimsoll.network.simulate import SimulationRun, draws, simulate
from plimsoll.network.simulation_arrays import Disruption
from plimsoll.network.simulation_sites import sites
from plimsoll.workflows.benchmarks.network_twin import Twin

Z = stats.norm.isf(0.5e-4)  # false-alarm rate of each statistical comparison: 1e-4, two-sided

STAGE_COLUMNS = {
    "demand": column.DEMAND, "served": column.SERVED, "lost": column.LOST, "paid_back": column.PAID_BACK,
    "received": column.RECEIVED, "ordered": column.ORDERED, "on_hand": column.ON_HAND,
    "backlog": column.BACKLOG, "owed": column.OWED_DOWN, "on_order": column.ON_ORDER,
}  # fmt: skip
ARC_COLUMNS = {
    "asked": column.ASKED, "at_once": column.AT_ONCE, "shipped": column.SHIPPED, "arrived": column.ARRIVED,
    "used": column.USED, "owed": column.OWED, "in_transit": column.IN_TRANSIT, "waiting": column.WAITING,
}  # fmt: skip


def random_case(seed):
    """A random network of at most seven stages, with every option somewhere, and things that go wrong."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    names = [f"S{i}" for i in rng.permutation(n)]
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n) if rng.random() < 0.45]
    is_divisible = rng.random() < 0.25
    allocation = rng.choice(["first_come", "proportional", "priority"], n)
    pmf = [0.2, 0.3, 0.1, 0.4]
    up_to = rng.integers(0, 25, n).astype(float)
    places = {
        "stage": names,
        "rule": rng.choice(["base_stock", "base_stock", "s_S", "s_nQ"], n),
        "up_to": up_to,
        "reorder": up_to - rng.integers(1, 9, n),
        "is_echelon": rng.random(n) < 0.3,
        "minimum": rng.choice([0.0, 0.0, 5.0], n),
        "multiple": rng.choice([0.0, 1.0, 3.0], n),
        "review_periods": rng.choice([1, 1, 2, 3], n),
        "phase": rng.integers(0, 3, n),
        "is_lost": rng.random(n) < 0.3,
        "allocation": allocation,
        "is_complete": (allocation == "first_come") & (rng.random(n) < 0.3),
        "priority": rng.integers(0, 3, n),
        "unit": np.zeros(n) if is_divisible else np.ones(n),
        "lead_time": rng.integers(0, 3, n),
        "lead_pmf": [pmf if rng.random() < 0.3 else None for _ in range(n)],
        "demand": rng.choice(["none", "poisson", "negative_binomial", "table", "normal"], n),
        "demand_mean": rng.uniform(0.5, 4, n),
        "demand_sd": rng.uniform(0.5, 5, n),
        "demand_pmf": [[0.5, 0.25, 0.25]] * n,
        "demand_step": rng.choice([1.0, 4.0], n),
    }
    arcs = {
        "from_stage": [names[i] for i, _ in pairs],
        "to_stage": [names[j] for _, j in pairs],
        "quantity": rng.choice([0.5, 1.5] if is_divisible else [1.0, 1.0, 2.0], len(pairs)),
        "lead_time": rng.integers(0, 3, len(pairs)),
        "lead_pmf": [pmf if rng.random() < 0.3 else None for _ in pairs],
        "priority": rng.integers(0, 3, len(pairs)),
    }
    trouble = [Disruption("surge", names[0], 5, 9, factor=2.5), Disruption("no_supply", names[-1], 12, 18)]
    if pairs:
        ends = pairs[int(rng.integers(len(pairs)))]
        target = names[ends[1]] if rng.random() < 0.5 else None
        trouble.append(Disruption("no_shipment", names[ends[0]], 20, 26, target))
    network = sites(pl.DataFrame(places, strict=False), pl.DataFrame(arcs, strict=False) if pairs else None)
    return network, tuple(trouble) if rng.random() < 0.5 else ()


@pytest.mark.parametrize("seed", range(60))
def test_kernel_agrees_with_the_plain_twin(seed):
    network, trouble = random_case(seed)
    run = SimulationRun(periods=60, warm_up=0, replications=3, seed=seed, disruptions=trouble, traced=1)
    found = simulate(network, run)
    told = Twin(network, draws(network, run, first=1), trouble).tell()
    # whole units agree to the last digit; divisible ones are added up in another order
    is_whole = bool((network.stages["unit"] > 0).all())
    slack = 0.0 if is_whole else 1e-6
    for name, at in STAGE_COLUMNS.items():
        mine = np.array([[figures[name] for figures in stages.values()] for stages, _ in told])
        np.testing.assert_allclose(found.site_trace[:, :, at], mine, rtol=0, atol=slack, err_msg=name)
    for name, at in ARC_COLUMNS.items():
        mine = np.array([[figures[name] for figures in arcs.values()] for _, arcs in told])
        theirs = found.line_trace[:, : network.arcs.height, at]
        if network.arcs.height:
            np.testing.assert_allclose(theirs, mine, rtol=0, atol=slack, err_msg=name)
    np.testing.assert_allclose(found.site_trace.sum(axis=0), found.sums.site[1], rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("rule", ["base_stock", "s_S", "s_nQ"])
@pytest.mark.parametrize("is_lost", [False, True])
def test_one_stage_is_the_replay_of_one_point(rule, is_lost):
    network = sites({
        "stage": ["P"], "rule": [rule], "up_to": [14.0], "reorder": [9.0], "review_periods": [2],
        "phase": [1],
        "minimum": [3.0], "multiple": [2.0], "is_lost": [is_lost], "lead_pmf": [[0.2, 0.0, 0.5, 0.3]],
        "on_hand": [14.0], "demand": ["poisson"], "demand_mean": [2.0],
    })  # fmt: skip
    run = SimulationRun(periods=500, warm_up=100, replications=2)
    found = simulate(network, run).sums.site[1, 0]
    drawn = draws(network, run, first=1)
    kind = {"base_stock": replay.BASE_STOCK, "s_S": replay.S_S, "s_nQ": replay.S_NQ}[rule]
    rules = replay.rules_of(
        kind, np.array([9.0]), np.array([14.0]), minimum=3.0, multiple=2.0, every=2, phase=1, is_lost=is_lost
    )
    book = replay.open_ledger(np.array([14.0]), 500, 3)
    replay.advance(book, rules, drawn.demand[0], drawn.lead[0], 0, 500, count_from=100)
    same = [
        (column.DEMAND, replay.DEMAND), (column.SERVED, replay.SERVED), (column.LOST, replay.LOST),
        (column.PAID_BACK, replay.PAID_BACK), (column.RECEIVED, replay.RECEIVED),
        (column.ORDERED, replay.ORDERED), (column.ORDERS, replay.ORDERS), (column.CYCLE, replay.CYCLES),
        (column.GOOD_CYCLE, replay.GOOD_CYCLES), (column.HAD_DEMAND, replay.DEMAND_PERIODS),
        (column.WAS_FULL, replay.FULL_PERIODS), (column.WAS_CLEAR, replay.CLEAR_PERIODS),
        (column.ON_HAND, replay.ON_HAND_SUM), (column.ON_ORDER, replay.ON_ORDER_SUM),
        (column.BACKLOG, replay.BACKLOG_SUM),
    ]  # fmt: skip
    mine, theirs = zip(*same, strict=True)
    assert found[list(mine)].tolist() == book.totals[0, list(theirs)].tolist()


def test_promised_law_of_a_shop_behind_a_short_warehouse():
    """Stock at the end of the shop's protection interval is S - B - D, with B of the warehouse's own law."""
    warehouse, shop, rate, lead_up, lead_down = 9, 7, 2.0, 2, 1
    network = sites(
        {"stage": ["W", "A"], "up_to": [warehouse, shop], "lead_time": [lead_up, 0],
         "demand": ["none", "poisson"],         "demand_mean": [0.0, rate]},
        {"from_stage": ["W"], "to_stage": ["A"], "lead_time": [lead_down]},
    )  # fmt: skip
    found = simulate(network, SimulationRun(periods=1100, warm_up=100, replications=200))
    units = np.arange(200)
    law = stats.poisson.pmf(units, rate * (lead_up + 1))
    short = np.bincount(np.maximum(units - warehouse, 0), weights=law, minlength=200)
    total = np.convolve(short, stats.poisson.pmf(units, rate * (lead_down + 1)))[:200]
    on_hand, backlog = (
        (total * np.maximum(shop - units, 0)).sum(),
        (total * np.maximum(units - shop, 0)).sum(),
    )
    row = found.stages.row(1, named=True)
    for name, exact in (
        ("on_hand_mean", on_hand),
        ("backlog_mean", backlog),
        ("ready_rate", total[: shop + 1].sum()),
    ):
        assert abs(row[name] - exact) < Z * row[f"{name}_se"], name
    owed = found.stages.row(0, named=True)
    assert abs(owed["owed_mean"] - (short * units).sum()) < Z * owed["owed_mean_se"]


def test_laws_have_their_moments():
    mean = [0.3, 40.0, 3.0, 700.0, 5.0, 1.75]
    sd = [0.0, 0.0, 4.0, 90.0, 1.5, 0.0]
    kinds = ["poisson", "poisson", "negative_binomial", "negative_binomial", "normal", "table"]
    network = sites({
        "stage": [f"S{i}" for i in range(6)], "demand": kinds, "demand_mean": mean, "demand_sd": sd,
        "demand_pmf": [[0.25, 0.25, 0.5]] * 6, "demand_step": [1.4] * 6,
        "lead_pmf": [[0.0, 0.3, 0.0, 0.7]] * 6,
    })  # fmt: skip
    run = SimulationRun(periods=20_000, replications=5)
    drawn = draws(network, run, 0, 5)
    flat = drawn.demand.transpose(1, 0, 2).reshape(6, -1)
    variance = [0.3, 40.0, 16.0, 8100.0, 2.25, 1.4**2 * 0.6875]
    for i in range(6):
        assert abs(flat[i].mean() - mean[i]) < Z * np.sqrt(variance[i] / flat.shape[1])
        spread = np.sqrt(np.mean((flat[i] - mean[i]) ** 4) - variance[i] ** 2)
        assert abs(flat[i].var() - variance[i]) < Z * spread / np.sqrt(flat.shape[1])
    share = (drawn.lead == 1).mean()
    assert set(np.unique(drawn.lead)) == {1, 3}
    assert abs(share - 0.3) < Z * np.sqrt(0.21 / drawn.lead.size)
    # neighbours in time, stage and replication know nothing of each other
    u = stats.rankdata(flat[3]).reshape(5, -1)
    assert abs(np.corrcoef(u[0, 1:], u[0, :-1])[0, 1]) < Z / np.sqrt(u.shape[1])
    assert abs(np.corrcoef(u[0], u[1])[0, 1]) < Z / np.sqrt(u.shape[1])
    assert abs(np.corrcoef(flat[1], flat[3])[0, 1]) < Z / np.sqrt(flat.shape[1])


def test_normal_quantile_is_that_of_scipy():
    u = np.concatenate(
        [np.linspace(1e-4, 1 - 1e-4, 999), 10.0 ** -np.arange(5, 16), 1 - 2.0**-53 * np.arange(1, 9)]
    )
    found = np.array([normal_quantile(x) for x in u])
    np.testing.assert_allclose(found, special.ndtri(u), rtol=1e-13, atol=1e-14)


def test_intervals_cover_what_is_true():
    # 200 intervals of 90 %, each of 20 replications: misses are binomial (200, 0.1); false-alarm rate 1e-4
    network = sites(
        {"stage": ["P"], "up_to": [8], "lead_time": [2], "demand": ["poisson"], "demand_mean": [2.0]}
    )
    units = np.arange(100)
    law = stats.poisson.pmf(units, 6.0)
    fill = (
        1
        - (
            (law * np.maximum(units - 8, 0)).sum()
            - (stats.poisson.pmf(units, 4.0) * np.maximum(units - 8, 0)).sum()
        )
        / 2
    )
    missed = 0
    for seed in range(200):
        found = simulate(
            network, SimulationRun(periods=150, warm_up=50, replications=20, seed=seed, confidence=0.9)
        )
        row = found.stages.row(0, named=True)
        missed += abs(row["fill_rate"] - fill) > found.half_width * row["fill_rate_se"]
    low, high = stats.binom.ppf([0.5e-4, 1 - 0.5e-4], 200, 0.1)
    assert low <= missed <= high
