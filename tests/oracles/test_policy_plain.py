"""The policy kernel against a plain twin: demands enumerated, Markov chains solved."""

import numpy as np
import pytest

from plimsoll.maths.kernels import policy as kernel
from plimsoll.maths.kernels.policy_laws import RENEWAL_STEPS, position_weights

RNG = np.random.default_rng(20261121)


def _pmf(size, zeros=0.0):
    weights = RNG.random(size) * (RNG.random(size) >= zeros)
    weights[-1] += 0.1
    weights[0] += 0.05
    return weights / weights.sum()


def _kernel(laws, lot, is_uniform, is_lost, kind, target, periods=1.0):
    ragged = [part for law in laws for part in (law, np.array([0, len(law)]))]
    return kernel.size_policies(
        *ragged,
        np.array([periods]),
        np.array([lot]),
        np.array([is_uniform]),
        np.array([is_lost]),
        np.array([kind]),
        np.array([target]),
    )[0]


def _positions(review, lot, is_uniform):
    """Stationary law of y - s on 1..lot, from the transition matrix of one review to the next."""
    step = np.zeros((lot, lot))
    for i in range(1, lot + 1):
        for demand, share in enumerate(review):
            after = i - demand
            if after <= 0:
                after = after + -(-(1 - after) // lot) * lot if is_uniform else lot
            step[i - 1, after - 1] += share
    system = np.vstack([step.T - np.eye(lot), np.ones(lot)])
    return np.linalg.lstsq(system, np.append(np.zeros(lot), 1.0), rcond=None)[0]


def _plain(review, lead, protection, s, lot, is_uniform):
    """Fill, cycle service, stock, backlog and orders of a backlog policy by enumeration."""
    law = _positions(review, lot, is_uniform)
    total = np.convolve(review, lead)
    total = np.append(total, np.zeros(max(len(protection) - len(total), 0)))
    lost = good = placed = ordered = stock = backlog = 0.0
    for i, weight in enumerate(law, start=1):
        y = s + i
        for d, share in enumerate(protection):
            lost += weight * share * max(d - y, 0)
            stock += weight * share * max(y - d, 0)
            backlog += weight * share * max(d - y, 0)
            for r, r_share in enumerate(review):
                if total[d] > 0:
                    given = r_share * (lead[d - r] if 0 <= d - r < len(lead) else 0.0) / total[d]
                else:  # the sum of both cannot be d
                    given = r_share / review[: d + 1].sum() if r <= d else 0.0
                joint = weight * share * given
                placed += joint * (y - r <= s)
                good += joint * (y - r <= s) * (y - d >= 0)
        lost -= weight * sum(share * max(d - y, 0) for d, share in enumerate(lead))
        ordered += weight * sum(share for r, share in enumerate(review) if y - r <= s)
    mean = protection @ np.arange(len(protection)) - lead @ np.arange(len(lead))
    return good / placed, 1 - lost / mean, stock, backlog, ordered


CASES = [
    (lot, is_uniform, zeros, wider)
    for lot in (1, 2, 7, 25)
    for is_uniform in (False, True)
    for zeros in (0.0, 0.6)
    for wider in (False, True)
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_backlog_is_enumerated(case):
    lot, is_uniform, zeros, wider = case
    review, lead = _pmf(5, zeros), _pmf(8, zeros)
    protection = np.convolve(review, lead)
    if wider:  # D_P with more spread than the sum of D_R and D_L, at the same mean
        protection = 0.8 * protection + 0.1 * np.roll(protection, 1) + 0.1 * np.roll(protection, -1)
    laws = (review, lead, protection)
    for s in (-1, 0, 3, 8, 20):
        found = _kernel(laws, lot, is_uniform, False, kernel.GIVEN, float(s))
        cycle, fill, stock, backlog, orders = _plain(review, lead, protection, s, lot, is_uniform)
        assert found[kernel.LEVEL] == s
        if s == 20:
            cycle, fill = 1.0, 1.0  # no demand is that large
        assert found[kernel.CYCLE_SERVICE] == pytest.approx(cycle, abs=1e-9)
        if not wider:
            assert found[kernel.FILL_RATE] == pytest.approx(fill, abs=1e-9)
        assert found[kernel.ON_HAND] == pytest.approx(stock, abs=1e-9)
        assert found[kernel.BACKLOG] == pytest.approx(backlog, abs=1e-9)
        assert found[kernel.ORDER_SHARE] == pytest.approx(orders, abs=1e-9)


@pytest.mark.parametrize("is_uniform", [False, True])
@pytest.mark.parametrize("kind", [kernel.CYCLE, kernel.FILL])
@pytest.mark.parametrize("is_lost", [False, True])
def test_search_finds_the_least_level(kind, is_uniform, is_lost):
    review, lead = _pmf(6, 0.5), _pmf(20, 0.3)
    laws = (review, lead, np.convolve(review, lead))
    column = kernel.CYCLE_SERVICE if kind == kernel.CYCLE else kernel.FILL_RATE
    least = 0 if is_lost else -1
    for lot in (1, 4, 30):
        curve = {
            s: _kernel(laws, lot, is_uniform, is_lost, kernel.GIVEN, s)[column] for s in range(least, 26)
        }
        for target in (0.0, 0.5, 0.9, 0.99):
            wanted = min(s for s, service in curve.items() if service >= target - 1e-12)
            assert _kernel(laws, lot, is_uniform, is_lost, kind, target)[kernel.LEVEL] == wanted


def test_economic_level_has_the_least_cost():
    review, lead = _pmf(6, 0.5), _pmf(20, 0.3)
    laws = (review, lead, np.convolve(review, lead))
    for lot, ratio in ((1, 30.0), (9, 5.0), (40, 200.0)):
        rows = [_kernel(laws, lot, False, False, kernel.GIVEN, s) for s in range(-1, 25)]
        costs = [row[kernel.ON_HAND] + ratio * (1 - row[kernel.FILL_RATE]) for row in rows]
        found = _kernel(laws, lot, False, False, kernel.ECONOMIC, ratio)
        assert found[kernel.LEVEL] == np.argmin(costs) - 1


def test_single_period_without_lead_time_is_the_newsvendor():
    review = _pmf(12)
    laws = (review, np.ones(1), review)
    mean = review @ np.arange(12)
    short, hold = 9.0, 1.0
    found = _kernel(laws, 1, False, False, kernel.ECONOMIC, short / hold * mean)
    level = np.searchsorted(np.cumsum(review), short / (short + hold))
    # stock S - D + shortage: h E(S-D)+ + p E(D-S)+, critical ratio p / (p + h)
    assert found[kernel.LEVEL] + 1 == level


def test_renewal_law_beyond_the_settled_part_continues():
    review = np.array([0.3, 0.0, 0.4, 0.0, 0.2, 0.0, 0.1])  # even demands only: span 2
    lot = RENEWAL_STEPS + 12_345
    weights, mean, share = position_weights.py_func(review, lot, False, 40)
    demand = review @ np.arange(7)
    assert share == pytest.approx(1 / (lot / demand), rel=1e-3)  # lots of demand a cycle, plus undershoot
    assert mean == pytest.approx((lot + 1) / 2, rel=1e-3)
    assert weights.sum() == pytest.approx(40 / lot, rel=0.06)
    assert (weights[lot % 2 :: 2] == 0).all() or (weights[1 - lot % 2 :: 2] == 0).all()


def test_hand_example():
    """Demand 0 or 2 a review, each 1/2; lead time surely 2 units of demand; (s, S) = (2, 4).

    From y = 4: demand 2 gives 2 <= s, order back to 4. So y = 4 at every review, an order at half of them.
    D_P is 2 or 4: no shortage at y = 4. With s = 1, S = 3: y = 3; D_P = 4 leaves one of 1 demanded
    units on average 1/2 short: fill 1/2. An order follows demand 2, then D_P = 4 > 3: cycle service 0.
    """
    laws = (np.array([0.5, 0, 0.5]), np.array([0, 0, 1.0]), np.array([0, 0, 0.5, 0, 0.5]))
    full = _kernel(laws, 2, False, False, kernel.GIVEN, 2.0)
    assert full[kernel.CYCLE_SERVICE] == full[kernel.FILL_RATE] == 1.0
    assert (full[kernel.ON_HAND], full[kernel.BACKLOG], full[kernel.ORDER_SHARE]) == (1.0, 0.0, 0.5)
    half = _kernel(laws, 2, False, False, kernel.GIVEN, 1.0)
    assert (half[kernel.CYCLE_SERVICE], half[kernel.FILL_RATE]) == (0.0, 0.5)


def _plain_lost(review, lead, protection, s, lot, is_uniform):
    """Fill rate of lost sales, straight from the formulas of the kernel's module docstring."""
    k = np.arange(len(protection))
    review, lead = (np.append(law, np.zeros(len(k) - len(law))) for law in (review, lead))
    mean_lead, mean = lead @ k, protection @ k - lead @ k
    law = _positions(review, lot, is_uniform)

    def average(function, level):
        return sum(weight * function(level + i) for i, weight in enumerate(law, start=1))

    def short(pmf, y):
        return pmf @ np.maximum(k - y, 0)

    def below(y):
        return lead[: max(y + 1, 0)].sum()

    def carried(y):
        return (short(protection, y) - short(lead, y)) / mean

    def cut(y):
        return max(carried(y) - (1 - below(y)), 0) / below(y) if below(y) > kernel.RARE else 1.0

    def lead_cut(y):
        share = below(y)
        return lead[: y + 1] @ k[: y + 1] / share if share > kernel.RARE else y

    levels = np.arange(-1, len(k))
    unfilled = np.array([average(cut, v) for v in levels])
    stands_for = levels - [average(lead_cut, v) for v in levels] + mean_lead * (1 - unfilled)
    mix = max(below(s) - below(lot - 1), 0) / below(s)
    in_lead = 0.0
    for i, weight in enumerate(law, start=1):
        for r in range(i, len(k)):
            x = s + i - r
            after = sum(p * max(d - x, 0) for d, p in enumerate(lead))
            in_lead += weight * review[r] * (after - max(-x, 0)) / mean
    waiting = (1 - mix) * in_lead
    lost = (1 - mix) * average(carried, s) / (1 + waiting) + mix * np.interp(s, stands_for, unfilled)
    return 1 - lost


@pytest.mark.parametrize("is_uniform", [False, True])
@pytest.mark.parametrize("lot", [1, 3, 15])
def test_lost_sales_follow_their_formula(lot, is_uniform):
    review, lead = _pmf(5), _pmf(12)
    protection = np.convolve(review, lead)
    for s in (1, 4, 9):
        found = _kernel((review, lead, protection), lot, is_uniform, True, kernel.GIVEN, float(s))
        levels = range(s, len(protection) - 1)
        wanted = min(_plain_lost(review, lead, protection, level, lot, is_uniform) for level in levels)
        assert found[kernel.FILL_RATE] == pytest.approx(wanted, abs=1e-9)


def test_matched_levels_are_interpolated_quantiles():
    pmf = np.array([0.2, 0.3, 0.5])
    other = np.array([0.5, 0.25, 0.25])
    bounds = np.array([0, 3])
    quantile, mean = kernel.matched_levels.py_func(np.array([1.0]), pmf, bounds, other, bounds)
    assert (quantile[0], mean[0]) == (0.0, 0.75)  # F(1) = 0.5 is reached at 0 of the other
    quantile, _ = kernel.matched_levels.py_func(
        np.array([1.0]), np.array([0.3, 0.3, 0.4]), bounds, other, bounds
    )
    assert quantile[0] == pytest.approx(0.4)  # 0.6: 0.1 of the 0.25 between 0 and 1
    assert kernel.matched_levels(np.array([1.0]), pmf, bounds, other, bounds)[0][0] == 0.0
    certain, _ = kernel.matched_levels(np.array([0.0]), pmf, bounds, np.array([0, 0, 1.0]), bounds)
    assert certain[0] == 2.0
