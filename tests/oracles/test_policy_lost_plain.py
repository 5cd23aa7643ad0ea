"""The lost-sales kernel against a plain twin in Python, and against Markov chains that are solved."""

import numpy as np
import pytest

from plimsoll.maths.kernels import policy_lost as kernel
from plimsoll.policy.lost_sales import draws_of
from plimsoll.policy.unit_laws import ROOT_ERROR, unit_laws

RNG = np.random.default_rng(20261122)


def _kernel(demand, lead, units, lot, is_uniform, kind, target, guess, draws, turn=0.0, variance=0.0):
    one = np.ones(1)
    return kernel.simulate_lost_sales(
        demand,
        np.array([0, len(demand)]),
        lead,
        np.array([0, len(lead)]),
        one * (demand @ np.arange(len(demand))),
        one * variance,
        np.array([units]),
        np.array([lot]),
        np.array([is_uniform]),
        np.array([kind]),
        one * target,
        np.array([guess]),
        draws,
        one * turn,
    )[0]


def _plain(demand, lead, units, lot, is_uniform, level, draws, turn):
    """One path, event by event, with a list of open orders."""

    def draw(law, u):
        return int(np.searchsorted(np.cumsum(law)[:-1], (u + turn) % 1.0, side="right"))

    beyond = np.concatenate([[1.0], 1 - np.cumsum(lead)])
    arrival = [1 - beyond[j + 1] / beyond[j] if beyond[j] > 1e-12 else 1.0 for j in range(len(lead))]
    arrival = np.diff(np.concatenate([[0.0], arrival]))  # P(J = j): the hazards of L are P(J <= j)
    cells = np.arange(len(demand))
    length = draws.shape[1] // (kernel.BATCHES + 1)
    stock, opened, good = level + lot, [], True
    batches = np.zeros((kernel.BATCHES + 1, 5))
    for t in range(length * (kernel.BATCHES + 1)):
        age = draw(arrival, draws[1, t])
        sums = batches[t // length]
        for order in [order for order in opened if t - 1 - order[0] >= age]:
            stock += order[1]
            opened.remove(order)
            good = True
            sums[3] += 1
        sums[0] += demand @ np.maximum(cells - stock, 0)
        sums[1] += demand @ np.maximum(stock - cells, 0)
        sums[2] += good * demand[cells > stock].sum()
        wanted = draw(demand, draws[0, t])
        good &= wanted <= stock
        stock = max(stock - wanted, 0)
        position = stock + sum(quantity for _, quantity in opened)
        if (t + 1) % units == 0 and position <= level:
            quantity = -(-(level + 1 - position) // lot) * lot if is_uniform else level + lot - position
            opened.append((t, quantity))
            sums[4] += 1
    short, held, broken, arrived, ordered = batches[1:].T
    mean, n = demand @ cells, kernel.BATCHES
    share = min(broken.sum() / arrived.sum(), 1.0)
    return (
        level,
        1 - share,
        1 - short.sum() / (n * length * mean),
        held.sum() / (n * length),
        ordered.sum() * units / (n * length),
        np.sqrt(((broken - share * arrived) ** 2).sum() * n / (n - 1)) / arrived.sum(),
        np.std(short, ddof=1) * np.sqrt(n) / (n * length * mean),
    )


LEADS = (np.array([1.0]), np.array([0, 0, 1.0]), np.array([0.2, 0.3, 0.0, 0.5]), np.array([0, 0.9, 0.1]))


@pytest.mark.parametrize("is_uniform", [False, True])
@pytest.mark.parametrize("lead", LEADS, ids=str)
@pytest.mark.parametrize(("lot", "units"), [(1, 1), (5, 1), (3, 2)])
def test_a_path_is_that_of_the_plain_twin(is_uniform, lead, lot, units):
    demand, draws, turn = np.array([0.4, 0.2, 0.1, 0.3]), RNG.random((2, 33 * 12)), RNG.random()
    for level in (0, 2, 6):
        found = _kernel(demand, lead, units, lot, is_uniform, kernel.GIVEN, 0.0, level, draws, turn)
        assert found == pytest.approx(
            _plain(demand, lead, units, lot, is_uniform, level, draws, turn), abs=1e-9
        )


@pytest.mark.parametrize("kind", [kernel.CYCLE, kernel.FILL])
@pytest.mark.parametrize("guess", [0, 3, 40])
def test_search_finds_the_least_level_from_any_guess(kind, guess):
    demand, lead, draws = np.array([0.5, 0.2, 0.3]), np.array([0, 0.5, 0.5]), draws_of(3300)
    column = kernel.CYCLE_SERVICE if kind == kernel.CYCLE else kernel.FILL_RATE
    for lot in (1, 4):
        curve = [_kernel(demand, lead, 1, lot, False, kernel.GIVEN, 0, s, draws)[column] for s in range(12)]
        assert (np.diff(curve) >= 0).all()
        for target in (0.5, 0.9, 0.97):
            found = _kernel(demand, lead, 1, lot, False, kind, target, guess, draws)
            assert found[kernel.LEVEL] == np.argmax(np.array(curve) >= target)
            assert found[column] == curve[int(found[kernel.LEVEL])]


@pytest.mark.parametrize("lot", [1, 3])
def test_lead_time_of_one_unit_is_a_markov_chain(lot):
    """State: stock and the order under way, both after an order; at most one is under way at a time."""
    demand, level = np.array([0.3, 0.3, 0.2, 0.2]), 4
    n = level + lot + 1
    step = np.zeros((n * n, n * n))
    short = np.zeros(n * n)
    for stock in range(n):
        for coming in range(n - stock):
            # a unit without arrival, then the order arrives
            for wanted, share in enumerate(demand):
                left = max(stock - wanted, 0)
                position = left + coming
                more = level + lot - position if position <= level else 0
                short[stock * n + coming] += share * max(wanted - stock, 0)
                # in the next unit `coming` is there; `more` arrives one unit later
                step[stock * n + coming, (left + coming) * n + more] += share
    law = np.linalg.matrix_power(step, 4096)[(level + lot) * n]
    fill = 1 - law @ short / (demand @ np.arange(4))
    found = _kernel(demand, np.array([0, 1.0]), 1, lot, False, kernel.GIVEN, 0.0, level, draws_of(66_000))
    # five standard errors: false alarm 6e-7
    assert abs(found[kernel.FILL_RATE] - fill) <= 5 * found[kernel.FILL_ERROR]
    assert found[kernel.FILL_ERROR] < 0.002


def test_fitted_law_has_the_moments_asked_for():
    law = RNG.random(9)
    law /= law.sum()
    cells = np.arange(len(law))
    own_mean = law @ cells
    own = law @ cells**2 - own_mean**2
    for mean, variance in (
        (own_mean, own),
        (own_mean, 1.7 * own),
        (2.3 * own_mean, 9 * own),
        (0.4 * own_mean, own),
    ):
        for fitted in (
            kernel.fitted_law(law, mean, variance),
            kernel.fitted_law.py_func(law, mean, variance),
        ):
            cells = np.arange(len(fitted))
            assert fitted.sum() == pytest.approx(1.0)
            assert fitted @ cells == pytest.approx(mean, rel=1e-6)
            assert fitted @ cells**2 - mean**2 == pytest.approx(variance, rel=1e-5)
    narrow = kernel.fitted_law(law, own_mean, 0.1 * own)
    assert narrow[: len(law)] == pytest.approx(law)  # no law is made narrower


def test_unit_laws_are_roots_or_say_that_there_are_none():
    period = np.array([0.6, 0.1, 0.1, 0.2])
    three = np.convolve(np.convolve(period, period), period)
    never = np.array([0.5, 0.0, 0.0, 0.5])  # no two equal draws can sum to 0 or 3
    values = np.concatenate([three, never, period])
    bounds = np.cumsum([0, len(three), len(never), len(period)])
    laws, is_sum = unit_laws(values, bounds, np.array([3.0, 2.0, 1.0]))
    assert is_sum.tolist() == [True, False, True]
    assert laws[: len(period)] == pytest.approx(period, abs=ROOT_ERROR)
    assert laws[bounds[2] :].tolist() == period.tolist()
