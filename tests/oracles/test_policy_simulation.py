"""Service by formula, and lost sales as simulated by the kernel, against a literal simulation of calendar.py.

All z statistics of one run together fail by chance with probability FALSE_ALARM (Bonferroni, normal
tails over REPLICATIONS independent replications); seeds are fixed. Where a formula is approximate,
its stated tolerance comes on top.
"""

import numpy as np
import pytest
from scipy import stats

from plimsoll.maths.kernels import policy as kernel
from plimsoll.maths.kernels import policy_lost
from plimsoll.policy.lost_sales import draws_of
from plimsoll.policy.unit_laws import unit_laws

FALSE_ALARM = 1e-3
REPLICATIONS, PERIODS, WARM_UP = 400, 320, 80
LAST = 1e-11  # mass left out of the distributions


def _trimmed(pmf):
    tail = np.cumsum(pmf[::-1])[::-1]
    return pmf[: max(int((tail > LAST).sum()), 1)]


def _negative_binomial(mean, variance):
    share = mean / variance
    return _trimmed(stats.nbinom.pmf(np.arange(2000), mean * share / (1 - share), share))


def _sum(pmf, n):
    total = np.ones(1)
    for _ in range(n):
        total = np.convolve(total, pmf)
    return total


def _over(pmf, lengths, extra=0):
    """Demand over a random number of periods, plus `extra`."""
    parts = [share * _sum(pmf, n + extra) for n, share in enumerate(lengths)]
    out = np.zeros(max(len(part) for part in parts))
    for part in parts:
        out[: len(part)] += part
    return _trimmed(out)


# classes by ADI 1.32 and CV2 0.49 of non-zero demand
DEMAND = {
    "smooth": _negative_binomial(10, 14),
    "erratic": _negative_binomial(8, 60),
    "intermittent": np.array([0.75, 0.15, 0.075, 0.025]),
    "lumpy": np.concatenate([[0.7], 0.3 * _negative_binomial(6, 40)]),
}
# P(J = j): at the start of each period an independent J is drawn and all orders J or more periods old arrive
ARRIVAL = {
    "none": np.array([1.0]),
    "2": np.array([0, 0, 1.0]),
    "5": np.array([0, 0, 0, 0, 0, 1.0]),
    "0-3": np.array([0.2, 0.1, 0.2, 0.5]),
    "3-7": np.array([0, 0, 0, 0.1, 0.2, 0.2, 0.2, 0.3]),
}


def _lead_time(arrival):
    """P(L > l) = product of P(J > j) for j <= l      (Kaplan 1970)."""
    return -np.diff(np.concatenate([[1.0], np.cumprod(1 - np.cumsum(arrival))]))


def _draw(rng, pmf, n):
    return np.minimum(np.searchsorted(np.cumsum(pmf), rng.random(n), side="right"), len(pmf) - 1)


def _simulate(demand, arrival, rule, s, lot, review, is_lost, seed):
    """Return (estimate, standard error) of each measure; replications are columns of time."""
    rng = np.random.default_rng(seed)
    n, oldest = REPLICATIONS, len(arrival)
    under_way = np.zeros((n, oldest + 1), dtype=np.int64)  # by age: column 0 was ordered last period
    net = s + rng.integers(1, lot + 1, n)
    short_since = np.zeros(n, dtype=bool)
    sums = {name: np.zeros(n) for name in ("demand", "short", "stock", "orders", "cycles", "good", "time")}
    for t in range(PERIODS):
        arrives_from = _draw(rng, arrival, n)
        counts = float(t >= WARM_UP)
        for age in range(oldest, -1, -1):
            arrived = (age >= arrives_from) & (under_way[:, age] > 0)
            good = ~short_since if is_lost else net >= 0
            sums["cycles"] += counts * arrived
            sums["good"] += counts * (arrived & good)
            net = net + np.where(arrived, under_way[:, age], 0)
            under_way[arrived, age] = 0
            short_since &= ~arrived
        wanted = _draw(rng, demand, n)
        short = np.maximum(wanted - np.maximum(net, 0), 0)
        net = net - wanted + (short if is_lost else 0)
        short_since |= short > 0
        position = net + under_way.sum(axis=1)
        due = (position <= s) & ((t + 1) % review == 0)
        quantity = -((position - s - 1) // lot) * lot if rule == "nQ" else s + lot - position
        order = np.where(due, quantity, 0)
        for name, value in (("demand", wanted), ("short", short), ("stock", np.maximum(net, 0))):
            sums[name] += counts * value
        sums["orders"] += counts * review * (order > 0)
        sums["time"] += counts
        under_way[:, 1:] = under_way[:, :-1]
        under_way[:, 0] = order

    def ratio(top, bottom):
        share = top.sum() / bottom.sum()
        return share, np.std(top - share * bottom, ddof=1) / np.sqrt(n) / bottom.mean()

    return {
        "cycle": ratio(sums["good"], sums["cycles"]),
        "fill": ratio(sums["demand"] - sums["short"], sums["demand"]),
        "stock": ratio(sums["stock"], sums["time"]),
        "orders": ratio(sums["orders"], sums["time"]),
    }


def _by_formula(demand, arrival, rule, lot, review, is_lost, kind, target):
    lengths = _lead_time(arrival)
    laws = (_trimmed(_sum(demand, review)), _over(demand, lengths), _over(demand, lengths, review))
    ragged = [part for law in laws for part in (law, np.array([0, len(law)]))]
    found = kernel.size_policies(
        *ragged,
        np.array([float(review)]),
        np.array([lot]),
        np.array([rule == "nQ"]),
        np.array([is_lost]),
        np.array([kind]),
        np.array([target]),
    )[0]
    names = {"cycle": kernel.CYCLE_SERVICE, "fill": kernel.FILL_RATE, "stock": kernel.ON_HAND}
    return int(found[kernel.LEVEL]), {
        **{name: found[at] for name, at in names.items()},
        "orders": found[kernel.ORDER_SHARE],
    }


# demand, arrival, review, rule, lot in mean period demands (0: base stock)
BACKLOG = [
    (demand, arrival, review, rule, lot)
    for demand in DEMAND
    for arrival, review, rule, lot in (
        ("2", 1, "S", 0),
        ("none", 1, "S", 6),
        ("0-3", 1, "S", 5),
        ("0-3", 1, "nQ", 4),
        ("2", 4, "nQ", 2.5),
        ("0-3", 3, "S", 7),
        ("3-7", 2, "S", 0),
    )
]
LOST_EXACT = [(demand, "none", review, "S", lot) for demand in DEMAND for review, lot in ((1, 0), (2, 6))]
LOST = [
    (demand, arrival, review, rule, lot)
    for demand in DEMAND
    for arrival, review, rule, lot in (
        ("2", 1, "S", 0),
        ("5", 2, "S", 0),
        ("0-3", 1, "nQ", 4),
        ("2", 1, "S", 8),
    )
]
LOST_SIMULATED = [
    *LOST,
    *(
        (demand, arrival, review, rule, lot)
        for demand in DEMAND
        for arrival, review, rule, lot in (
            ("none", 1, "nQ", 3),
            ("2", 1, "nQ", 1.5),
            ("3-7", 1, "S", 0),
            ("0-3", 2, "S", 6),
            ("5", 4, "nQ", 2),
        )
    ),
]
Z = stats.norm.isf(FALSE_ALARM / (2 * 4 * (len(BACKLOG) + len(LOST_EXACT) + len(LOST) + len(LOST_SIMULATED))))
UNSEEN = 1e-6  # events too rare to be simulated leave an estimated error of 0
STOCK_TOLERANCE = 0.01  # share; between the ends of a review interval stock is interpolated


def _compare(case, is_lost, kind, target, seed):
    name, arrival, review, rule, lot = case
    demand = DEMAND[name]
    lot = max(int(lot * (demand * np.arange(len(demand))).sum()), 1)
    level, formula = _by_formula(demand, ARRIVAL[arrival], rule, lot, review, is_lost, kind, target)
    simulated = _simulate(demand, ARRIVAL[arrival], rule, level, lot, review, is_lost, seed)
    return formula, simulated


@pytest.mark.parametrize("case", BACKLOG, ids=str)
def test_backlog_agrees_within_monte_carlo_error(case):
    seed = BACKLOG.index(case)
    kind, target = ((kernel.FILL, 0.95), (kernel.CYCLE, 0.9))[seed % 2]
    formula, simulated = _compare(case, False, kind, target, seed)
    for measure, (mean, error) in simulated.items():
        slack = STOCK_TOLERANCE * mean if measure == "stock" and case[2] > 1 else UNSEEN
        assert abs(formula[measure] - mean) <= Z * error + slack, (measure, formula[measure], mean, error)


@pytest.mark.parametrize("case", LOST_EXACT, ids=str)
def test_lost_sales_without_lead_time_agree_within_monte_carlo_error(case):
    formula, simulated = _compare(case, True, kernel.FILL, 0.95, 100 + LOST_EXACT.index(case))
    for measure, (mean, error) in simulated.items():
        slack = STOCK_TOLERANCE * mean if measure == "stock" and case[2] > 1 else UNSEEN
        assert abs(formula[measure] - mean) <= Z * error + slack, (measure, formula[measure], mean, error)


@pytest.mark.parametrize("case", LOST, ids=str)
def test_lost_sales_agree_within_the_stated_tolerance(case):
    formula, simulated = _compare(case, True, kernel.FILL, 0.95, 200 + LOST.index(case))
    tolerance = {"fill": 0.005 if case[4] == 8 else 0.02, "cycle": 0.05, "stock": 0.2, "orders": 0.07}
    for measure, (mean, error) in simulated.items():
        scale = mean if measure in {"stock", "orders"} else 1.0
        gap = abs(formula[measure] - mean)
        assert gap <= Z * error + tolerance[measure] * scale, (measure, formula[measure], mean, error)


def _by_simulation(case, kind, target):
    """The product's own simulation, as the policy stage asks for it: on laws of a review, not of a period."""
    name, arrival, review, rule, lot = case
    demand = DEMAND[name] / DEMAND[name].sum()
    cells = np.arange(len(demand))
    mean = (demand * cells).sum()
    lot = max(int(lot * mean), 1)
    guess, _ = _by_formula(demand, ARRIVAL[arrival], rule, lot, review, True, kind, target)
    law = _trimmed(_sum(demand, review))
    lead = _lead_time(ARRIVAL[arrival])
    units, is_sum = unit_laws(law, np.array([0, len(law)]), np.array([float(review)]))
    assert is_sum.all()
    one = np.ones(1)
    found = policy_lost.simulate_lost_sales(
        units,
        np.array([0, len(law)]),
        lead,
        np.array([0, len(lead)]),
        one * mean,
        one * ((demand * cells**2).sum() - mean**2),
        np.array([review]),
        np.array([lot]),
        np.array([rule == "nQ"]),
        np.array([kind]),
        one * target,
        np.array([guess]),
        draws_of(30_000),
        np.array([0.37]),
    )[0]
    level = int(found[policy_lost.LEVEL])
    promised = {
        "cycle": (found[policy_lost.CYCLE_SERVICE], found[policy_lost.CYCLE_ERROR]),
        "fill": (found[policy_lost.FILL_RATE], found[policy_lost.FILL_ERROR]),
        "stock": (found[policy_lost.ON_HAND], None),
        "orders": (found[policy_lost.ORDER_SHARE], None),
    }
    return level, lot, promised


@pytest.mark.parametrize("case", LOST_SIMULATED, ids=str)
def test_simulated_lost_sales_agree_within_monte_carlo_error(case):
    """No error is stated of stock and orders: that of this simulation, scaled to the shorter path."""
    seed = 300 + LOST_SIMULATED.index(case)
    kind, target = ((kernel.FILL, 0.95), (kernel.CYCLE, 0.9), (kernel.FILL, 0.9))[seed % 3]
    level, lot, promised = _by_simulation(case, kind, target)
    arrival, review, rule = case[1:4]
    simulated = _simulate(DEMAND[case[0]], ARRIVAL[arrival], rule, level, lot, review, True, seed)
    longer = np.sqrt(REPLICATIONS * (PERIODS - WARM_UP) / 30_000)
    for measure, (mean, error) in simulated.items():
        promise, own = promised[measure]
        both = np.hypot(error, longer * error if own is None else own)
        assert abs(promise - mean) <= Z * both + UNSEEN, (measure, promise, mean, both)
    assert promised["fill" if kind == kernel.FILL else "cycle"][0] >= target


def test_lost_sales_of_poisson_demand_under_continuous_review_are_erlang_loss():
    lead = stats.poisson.pmf(np.arange(60), 8.0)
    laws = (np.array([0.0, 1.0]), lead, np.concatenate([[0.0], lead]))
    ragged = [part for law in laws for part in (law, np.array([0, len(law)]))]
    one = np.ones(1)
    for level in (8, 11, 14):
        found = kernel.size_policies(
            *ragged,
            0 * one,
            np.array([1]),
            np.array([False]),
            np.array([True]),
            np.array([kernel.GIVEN]),
            one * (level - 1),
        )[0]
        erlang = lead[level] / lead[: level + 1].sum()
        assert found[kernel.FILL_RATE] == pytest.approx(1 - erlang, abs=3e-4)
