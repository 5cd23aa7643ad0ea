"""What holds for any connected places: means are kept, laws are laws, more service above is less below."""

from itertools import pairwise

import numba
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.maths.kernels.network_claims import claimed_laws, seen_laws
from plimsoll.maths.kernels.network_laws import added_laws, law_moments, owed_laws, widened_laws
from plimsoll.network.size import size
from plimsoll.policy import PolicyParams
from plimsoll.policy import size as size_alone

N_TREES = 40
ONE = np.array([0])


def some_law(rng, cells):
    law = rng.dirichlet(np.full(cells, 0.4))
    law[0] += 0.1
    return law / law.sum()


def is_law(values, bounds):
    parts = np.add.reduceat(values, bounds[:-1])
    return bool((values >= 0).all() and np.allclose(parts, 1.0, atol=1e-9))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6), share=st.floats(0.01, 1.0), lump=st.integers(1, 9), ratio=st.floats(0.1, 6.0)
)
def test_a_part_has_its_share_of_the_mean(seed, share, lump, ratio):
    rng = np.random.default_rng(seed)
    owed = some_law(rng, int(rng.integers(1, 40)))
    bounds = np.array([0, len(owed)])
    found = claimed_laws(owed, bounds, ONE, ONE + share, ONE + lump, ONE + ratio, ONE + 0.0)
    assert is_law(*found)
    mean, variance = law_moments(*found)
    total, spread = (float(moment[0]) for moment in law_moments(owed, bounds))
    assert mean[0] == pytest.approx(share * ratio * total, rel=1e-6, abs=1e-9)
    # lumps beside the binomial split: at least that of single units, less the broken lump
    assert variance[0] >= ratio**2 * share**2 * spread * (1 - 1e-6) - 1e-9


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), lots=st.lists(st.floats(0.2, 40.0), min_size=1, max_size=5))
def test_lots_keep_the_mean_and_never_narrow(seed, lots):
    rng = np.random.default_rng(seed)
    law = some_law(rng, int(rng.integers(2, 60)))
    bounds, shares = np.array([0, len(law)]), rng.dirichlet(np.ones(len(lots)))
    claims = np.array([0, len(lots)])
    found = widened_laws(law, bounds, np.array(lots), np.ones(len(lots)), shares, claims, np.array([False]))
    assert is_law(*found)
    before, after = law_moments(law, bounds), law_moments(*found)
    assert after[0][0] == pytest.approx(before[0][0], rel=1e-8)
    assert after[1][0] >= before[1][0] * (1 - 1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6), lot=st.integers(1, 30), is_uniform=st.booleans(), until=st.floats(0.0, 1.0)
)
def test_a_higher_level_owes_less_and_claimants_see_no_more(seed, lot, is_uniform, until):
    rng = np.random.default_rng(seed)
    review, lead = some_law(rng, int(rng.integers(2, 12))), some_law(rng, int(rng.integers(1, 20)))
    protection = np.convolve(review, lead)
    ends = [np.array([0, len(law)]) for law in (protection, lead, review)]
    laws = (protection, ends[0], lead, ends[1], review, ends[2])
    claims = (np.array([8.0, 1.0]), np.ones(2), np.array([0.6, 0.4]), np.array([0, 2]))
    last = np.inf
    for level in range(-1, len(protection)):
        rule = (ONE + until, ONE + lot, np.array([is_uniform]), ONE + level)
        found = owed_laws(*laws, *rule)
        assert is_law(*found)
        mean = law_moments(*found)[0][0]
        assert mean <= last + 1e-9
        last = mean
        seen = seen_laws(*laws, np.ones(1), np.array([0, 1]), *rule, *claims)
        assert seen[1].tolist()[1:] == [len(seen[0])] * 2
        # without the other's lot, of one unit, what is left is the demand itself
        assert law_moments(*seen)[0][0] == pytest.approx(mean, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_sums_add_means_and_variances(seed):
    rng = np.random.default_rng(seed)
    laws = [some_law(rng, int(rng.integers(1, 50))) for _ in range(2)]
    pairs = [part for law in laws for part in (law, np.array([0, len(law)]))]
    found = law_moments(*added_laws(*pairs))
    each = [law_moments(law, np.array([0, len(law)])) for law in laws]
    for at in (0, 1):
        assert found[at][0] == pytest.approx(sum(moments[at][0] for moments in each), rel=1e-8, abs=1e-10)


@pytest.fixture(scope="module")
def facts(company):
    """Trees of a source and one to four branches, with lots, kinds of target and lattices of all sorts."""
    rng = np.random.default_rng(23)
    rows, sold = [], []
    for n in range(N_TREES):
        k = int(rng.integers(1, 5))
        step = float(rng.choice([1.0, 1.0, 2.0, 5.0]))
        reviews = [some_law(rng, int(rng.integers(2, 7))) for _ in range(k)]
        whole = reviews[0]
        for law in reviews[1:]:
            whole = np.convolve(whole, law)
        for at, law in [("W", whole), *((f"B{i}", law) for i, law in enumerate(reviews))]:
            lead = some_law(rng, int(rng.integers(1, 6))) if at != "W" else np.convolve(whole, whole)
            mean = float(law @ np.arange(len(law))) * step
            laws = {"review": law, "lead": lead, "protection": np.convolve(law, lead)}
            rows.append(
                {
                    "item": f"I{n:02d}",
                    "at": at,
                    "source": "Acme" if at == "W" else "W",
                    "kind": "purchase" if at == "W" else "transfer",
                    **{name: dict(enumerate(of.tolist())) for name, of in laws.items()},
                    "step_qty": step,
                    "rate": mean / 7.0,
                    "order_multiple_eff": float(rng.choice([0.0, 0.0, 6.0 * step])),
                    "order_cost_eff": float(rng.choice([0.0, 0.0, 2.0])),
                    "target_kind_eff": "fill",
                    "target_service_eff": float(rng.choice([0.9, 0.97])),
                    "unit_cost_eff": float(rng.choice([1.0, 50.0])),
                }
            )
            rows[-1] |= {
                name: {units * step: share for units, share in rows[-1][name].items()}
                for name in ("review", "lead", "protection")
            }
            sold.append(0.0 if at == "W" and n % 3 else mean / 7.0 * 365.25 / (2 if at == "W" else 1))
    tables = company(*rows)
    own = pl.DataFrame(
        {
            "item_id": [row["item"] for row in rows],
            "location_id": [row["at"] for row in rows],
            "demand_last_year_qty": sold,
        }
    )
    points = tables["points"].drop("demand_last_year_qty").join(own, on=["item_id", "location_id"])
    return (
        points.sort("item_id", "location_id"),
        tables["demand_estimate"],
        tables["target"],
        tables["lead_times"],
    )


@pytest.fixture(scope="module")
def at_service(facts):
    """The places sized with the source's service set by a person, so that it is in force."""
    points, estimates, target, lead_times = facts
    found = {}
    for service in (0.2, 0.6, 0.9, 0.99, 1.0):
        aims = target.with_columns(
            target_service_eff=pl.when(pl.col("location_id") == "W")
            .then(service)
            .otherwise("target_service_eff"),
            target_source=pl.when(pl.col("location_id") == "W")
            .then(pl.lit("person"))
            .otherwise("target_source"),
        )
        choose = lambda known: np.zeros(known.height)  # noqa: E731
        found[service] = size(points, estimates, aims, lead_times, PolicyParams(), choose)
    return found


def test_more_service_at_the_source_is_less_stock_at_branches(at_service):
    levels = {}
    for service, found in at_service.items():
        branches = found.service.filter(pl.col("depth") == 1)
        levels[service] = branches["level_network_qty"].to_numpy()
        assert (branches["level_network_qty"] >= branches["level_alone_qty"]).all()
        assert (branches["fill_rate_est"] >= branches["target_service_eff"] - 1e-9).all()
    for low, high in pairwise(levels.values()):
        # by lattices of different steps a level may turn over by one step
        assert (low >= high - 5.0).all()
        assert (low >= high).mean() > 0.95
    assert (levels[0.2] > levels[1.0]).mean() > 0.3


def test_a_source_never_short_is_as_alone(at_service, facts):
    found = at_service[1.0]
    branches = found.service.filter(pl.col("depth") == 1)
    assert branches["waiting_mean_qty"].max() < 1e-9
    assert (branches["level_network_qty"] == branches["level_alone_qty"]).all()


def test_branches_wait_for_no_more_than_is_owed(at_service):
    for found in at_service.values():
        waiting = (
            found.service.filter(pl.col("depth") == 1)
            .group_by("item_id")
            .agg(pl.col("waiting_mean_qty").sum())
        )
        owed = found.service.filter(pl.col("depth") == 0).join(waiting, on="item_id", suffix="_below")
        assert owed.height == N_TREES
        assert (owed["waiting_mean_qty_below"] <= owed["owed_mean_qty"] * (1 + 1e-9) + 1e-9).all()


def test_each_tree_holds_no_more_than_with_separate_targets(facts):
    points, estimates, target, lead_times = facts
    found = size(points, estimates, target, lead_times, PolicyParams())
    value = found.service.group_by("item_id").agg(
        pl.col("on_hand_network_value", "on_hand_separate_value").sum()
    )
    assert (value["on_hand_network_value"] <= value["on_hand_separate_value"] * (1 + 1e-12)).all()
    assert value["on_hand_network_value"].sum() < value["on_hand_separate_value"].sum()
    floors = found.service.filter(pl.col("role") != "feeds").join(
        target, on=["item_id", "location_id"], suffix="_alone"
    )
    assert (floors["fill_rate_est"] >= floors["target_service_eff_alone"] - 1e-9).all()
    alone = size_alone(points, estimates, target, PolicyParams(), lead_times)
    same = ["item_id", "location_id", "policy", "lot_qty", "expected_protection_qty"]
    assert found.policies.select(same).equals(alone.select(same))


@pytest.mark.serial
def test_threads_and_order_of_rows_do_not_matter(facts):
    points, estimates, target, lead_times = facts
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = size(points, estimates, target, lead_times, PolicyParams())
    finally:
        numba.set_num_threads(before)
    mixed = size(
        points.sample(fraction=1.0, shuffle=True, seed=3),
        estimates.reverse(),
        target.reverse(),
        lead_times,
        PolicyParams(),
    )
    assert mixed.policies.equals(one.policies)
    assert mixed.service.equals(one.service)
