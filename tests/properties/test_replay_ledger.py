"""What holds for every run of the replay kernel: nothing is lost, and where it stops does not matter."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import get_num_threads, set_num_threads

from plimsoll.maths.kernels import replay as kernel

N = 40


def _company(seed, periods):
    rng = np.random.default_rng(seed)
    demand = np.round(rng.gamma(0.5, 5.0, (N, periods)), 2)
    demand[rng.random((N, periods)) < 0.1] = np.nan
    s = rng.uniform(0, 30, N)
    rules = kernel.rules_of(
        rng.integers(0, 4, N), s, s + rng.uniform(0.5, 20, N),
        minimum=rng.choice([0.0, 7.5], N), multiple=rng.choice([0.0, 1.0, 6.0], N),
        every=rng.integers(1, 4, N), is_lost=rng.random(N) < 0.5,
    )  # fmt: skip
    lead = rng.integers(0, 6, (N, periods))
    on_hand, backlog = rng.uniform(0, 20, N), rng.choice([0.0, 3.0], N)
    return demand, rules, lead, on_hand, backlog, rng.uniform(0, 5, (N, 3))


def _open(on_hand, backlog, arrivals, periods):
    return kernel.open_ledger(on_hand, periods, 6, backlog=backlog, arrivals=arrivals, is_detailed=True)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), periods=st.integers(2, 40))
def test_units_are_conserved(seed, periods):
    demand, rules, lead, on_hand, backlog, arrivals = _company(seed, periods)
    ledger = _open(on_hand, backlog, arrivals, periods)
    kernel.advance(ledger, rules, demand, lead, 0, periods)
    total, state = ledger.totals.T, ledger.state.T
    closing = on_hand + total[kernel.RECEIVED] - total[kernel.SERVED] - total[kernel.PAID_BACK]
    np.testing.assert_allclose(state[kernel.ON_HAND], closing, atol=1e-7)
    owed = (
        backlog + total[kernel.DEMAND] - total[kernel.SERVED] - total[kernel.LOST] - total[kernel.PAID_BACK]
    )
    np.testing.assert_allclose(state[kernel.BACKLOG], owed, atol=1e-7)
    under_way = arrivals.sum(axis=1) + total[kernel.ORDERED] - total[kernel.RECEIVED]
    np.testing.assert_allclose(state[kernel.ON_ORDER], under_way, atol=1e-7)
    np.testing.assert_allclose(ledger.coming.sum(axis=1), under_way, atol=1e-7)
    assert (ledger.state >= 0).all()
    lost = rules[:, kernel.IS_LOST] > 0
    assert not total[kernel.LOST][~lost].any()
    assert (total[kernel.FULL_PERIODS] <= total[kernel.DEMAND_PERIODS]).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), stops=st.lists(st.integers(1, 29), max_size=4, unique=True))
def test_a_run_in_pieces_is_the_same_run(seed, stops):
    demand, rules, lead, *start = _company(seed, 30)
    whole, pieces = (_open(*start, 30) for _ in range(2))
    kernel.advance(whole, rules, demand, lead, 0, 30, count_from=5)
    edges = [0, *sorted(stops), 30]
    for first, last in pairwise(edges):
        kernel.advance(pieces, rules, demand, lead, first, last, count_from=5, is_left_open=True)
        kernel.review(pieces, rules, lead, last - 1, count_from=5)
    for name in ("state", "coming", "totals", "detail"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name), err_msg=name)
    np.testing.assert_allclose(whole.by_period, pieces.by_period, rtol=1e-12)


def test_any_number_of_threads_gives_the_same():
    rng = np.random.default_rng(1)
    n = kernel.CHUNK * 2 + 100
    demand, lead = rng.poisson(2.0, (n, 20)).astype(float), rng.integers(0, 4, (n, 20))
    rules = kernel.rules_of(kernel.S_S, np.full(n, 9.0), np.full(n, 14.0))
    found, threads = [], get_num_threads()
    try:
        for used in (1, threads):
            set_num_threads(used)
            ledger = kernel.open_ledger(np.full(n, 10.0), 20, 4)
            kernel.advance(ledger, rules, demand, lead, 0, 20, worth=rng.permutation(n) * 0 + 1.7)
            found.append(ledger)
    finally:
        set_num_threads(threads)
    np.testing.assert_array_equal(found[0].totals, found[1].totals)
    np.testing.assert_array_equal(found[0].by_period, found[1].by_period)


@pytest.mark.parametrize("lead", [-1, 7])
def test_a_lead_time_that_does_not_fit_is_refused(lead):
    ledger = kernel.open_ledger(np.ones(2), 5, 6)
    rules = kernel.rules_of(kernel.BASE_STOCK, np.zeros(2), np.ones(2))
    with pytest.raises(ValueError, match=r"must lie in 0\.\.6 periods"):
        kernel.advance(ledger, rules, np.ones((2, 5)), np.full((2, 1), lead), 0, 5)
