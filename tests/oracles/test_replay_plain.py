"""The replay kernel against a plain simulation with objects, and against exact service of base stock."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import stats

from plimsoll.maths.kernels import replay as kernel

N, PERIODS, COUNT_FROM = 400, 60, 7
SLACK = 1e-6
# chance that the one statistic of the exact test fails by chance (two-sided, normal tail)
FALSE_ALARM = 1e-4


@dataclass
class Point:
    """One stocking point as a planner would run it on paper: orders are pieces of paper with a day."""

    on_hand: float
    backlog: float
    papers: list = field(default_factory=list)
    short_in_cycle: bool = False
    short_before: bool = False
    sums: dict = field(default_factory=dict)

    def add(self, counts, **figures):
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + (value if counts else 0.0)

    def position(self):
        return self.on_hand + sum(quantity for _, quantity in self.papers) - self.backlog

    def receive(self, t, is_lost, counts):
        arrived = [quantity for day, quantity in self.papers if day == t]
        self.papers = [paper for paper in self.papers if paper[0] != t]
        if sum(arrived) > 0:
            good = not self.short_in_cycle if is_lost else self.backlog <= SLACK
            self.add(counts, cycles=1, good=good, received=sum(arrived))
            self.short_in_cycle = False
        self.on_hand += sum(arrived)

    def serve(self, wanted, is_lost, counts):
        paid = min(self.on_hand, self.backlog)
        self.on_hand, self.backlog = self.on_hand - paid, self.backlog - paid
        seen = not math.isnan(wanted)
        wanted = wanted if seen else 0.0
        served = min(self.on_hand, wanted)
        short = wanted - served > SLACK
        self.on_hand -= served
        self.backlog += 0.0 if is_lost else wanted - served
        self.short_in_cycle |= short
        self.add(
            counts,
            paid=paid, served=served, demand=wanted, unseen=not seen, lost=is_lost * (wanted - served),
            full=wanted > 0 and not short, asked=wanted > 0, began=short and not self.short_before,
            clear=not short and self.backlog <= SLACK, held=self.on_hand, owed=self.backlog,
        )  # fmt: skip
        self.short_before = short


def _asked(kind, s, up_to, position, given):
    if kind == kernel.GIVEN:
        return given
    if kind == kernel.NONE:
        return max(-position, 0.0)
    if kind == kernel.BASE_STOCK:
        return max(up_to - position, 0.0)
    if position > s + SLACK:
        return 0.0
    if kind == kernel.S_S:
        return up_to - position
    lots = 0
    while position + lots * (up_to - s) <= s + SLACK:
        lots += 1
    return lots * (up_to - s)


def _order(rule, position, given):
    s, up_to, minimum, multiple, limit, cap = rule[1:7]
    asked = min(_asked(int(rule[0]), s, up_to, position, given), max(limit - position, 0.0))
    if asked <= SLACK:
        return 0.0
    asked = max(asked, minimum)
    if multiple > 0:
        asked = math.ceil(asked / multiple - SLACK) * multiple
    if limit - position < 0.5 * asked:
        return 0.0
    if asked > cap:
        asked = math.floor(cap / multiple + SLACK) * multiple if multiple > 0 else cap
    return asked


def _drawn(seed):
    rng = np.random.default_rng(seed)
    demand = np.floor(rng.gamma(0.7, 6.0, (N, PERIODS)))
    demand[rng.random((N, PERIODS)) < 0.05] = np.nan
    s = np.floor(rng.uniform(0, 40, N))
    rules = kernel.rules_of(
        rng.integers(0, 5, N),
        s,
        s + np.floor(rng.uniform(1, 30, N)),
        minimum=rng.choice([0.0, 10.0, 35.0], N),
        multiple=rng.choice([0.0, 1.0, 12.0], N),
        limit=rng.choice([np.inf, 45.0], N, p=[0.8, 0.2]),
        cap=rng.choice([np.inf, 25.0], N, p=[0.8, 0.2]),
        every=rng.integers(1, 5, N),
        phase=rng.integers(0, 4, N),
        is_lost=rng.random(N) < 0.4,
    )
    lead = rng.integers(0, 9, (N, PERIODS))
    given = rng.choice([0.0, 8.0, 20.0], (N, PERIODS))
    arrivals = np.floor(rng.uniform(0, 9, (N, 4)))
    return demand, rules, lead, given, arrivals, np.floor(rng.uniform(0, 30, N)), rng.choice([0.0, 5.0], N)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_sum_of_every_point(seed):
    demand, rules, lead, given, arrivals, on_hand, backlog = _drawn(seed)
    ledger = kernel.open_ledger(on_hand, PERIODS, 8, backlog=backlog, arrivals=arrivals, is_detailed=True)
    kernel.advance(ledger, rules, demand, lead, 0, PERIODS, count_from=COUNT_FROM, given=given)
    names = {
        "demand": kernel.DEMAND, "served": kernel.SERVED, "paid": kernel.PAID_BACK, "lost": kernel.LOST,
        "received": kernel.RECEIVED, "ordered": kernel.ORDERED, "orders": kernel.ORDERS,
        "cycles": kernel.CYCLES, "good": kernel.GOOD_CYCLES, "asked": kernel.DEMAND_PERIODS,
        "full": kernel.FULL_PERIODS, "clear": kernel.CLEAR_PERIODS, "began": kernel.SHORTAGES,
        "held": kernel.ON_HAND_SUM, "owed": kernel.BACKLOG_SUM, "under_way": kernel.ON_ORDER_SUM,
        "unseen": kernel.UNOBSERVED,
    }  # fmt: skip
    for i in range(N):
        papers = [(t, arrivals[i, t]) for t in range(4)]
        point = Point(on_hand[i], backlog[i], papers)
        is_lost, every, phase = bool(rules[i, 9]), int(rules[i, 7]), int(rules[i, 8])
        for t in range(PERIODS):
            counts = t >= COUNT_FROM
            point.receive(t, is_lost, counts)
            point.serve(demand[i, t], is_lost, counts)
            ordered = 0.0
            if t % every == phase % every:
                ordered = _order(rules[i], point.position(), given[i, t])
            if ordered > 0:
                point.papers.append((t + lead[i, t] + 1, ordered))
            under_way = sum(quantity for _, quantity in point.papers)
            point.add(counts, ordered=ordered, orders=ordered > 0, under_way=under_way)
            assert ledger.detail[kernel.D_ON_HAND, i, t] == pytest.approx(point.on_hand, abs=1e-4)
        found = {name: ledger.totals[i, at] for name, at in names.items()}
        expected = {name: point.sums.get(name, 0.0) for name in names}
        assert found == pytest.approx(expected, abs=1e-6), (i, rules[i])


def test_the_compiled_kernel_is_its_own_source():
    demand, rules, lead, given, _, on_hand, _ = _drawn(3)
    few = slice(0, 12)
    books = [kernel.open_ledger(on_hand[few], PERIODS, 8) for _ in range(2)]
    kernel.advance(books[0], rules[few], demand[few], lead[few], 0, PERIODS, given=given[few])
    periods = (0, PERIODS, 0, PERIODS, PERIODS)
    arrays = (demand[few], lead[few], given[few], rules[few], np.ones(12))
    book = books[1]
    by_period = kernel.advance_range.py_func(
        0, 12, periods, *arrays, book.state, book.coming, book.totals, book.detail
    )
    np.testing.assert_allclose(books[0].totals, book.totals, rtol=1e-12)
    np.testing.assert_allclose(books[0].by_period, by_period, rtol=1e-12)


@pytest.mark.parametrize(("every", "lead"), [(1, 2), (3, 4)])
def test_base_stock_serves_what_the_formula_says(every, lead):
    # Backlog: on hand at the end of a period is (S - demand since the last order that has arrived)+; just
    # before the next arrival that is the demand of L + R periods (order of events of domain.calendar).
    rate, level, n, length, warm = 3.0, (lead + every) * 3.0 + 5, 300, 400, 50
    rng = np.random.default_rng(7)
    demand = rng.poisson(rate, (n, length)).astype(float)
    ledger = kernel.open_ledger(np.full(n, level), length, lead, is_detailed=True)
    rules = kernel.rules_of(
        kernel.BASE_STOCK, np.zeros(n), np.full(n, level), every=every, phase=rng.integers(0, every, n)
    )
    kernel.advance(ledger, rules, demand, np.full((n, 1), lead), 0, length, count_from=warm)
    share = ledger.totals[:, kernel.GOOD_CYCLES] / ledger.totals[:, kernel.CYCLES]
    exact = stats.poisson.cdf(level, rate * (lead + every))
    error = np.std(share, ddof=1) / math.sqrt(n)
    assert abs(share.mean() - exact) < stats.norm.isf(FALSE_ALARM / 2) * error
