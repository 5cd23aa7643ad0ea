"""The projection of stock against a plain twin that lists every outcome, and against the newsvendor."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, nbinom, poisson

from plimsoll.maths.kernels.projection import LOST, QUANTITY, SHORT, STOCK, projected_orders
from plimsoll.replenish.projected import levels_of

RNG = np.random.default_rng(20261123)
FAR = 40  # units; the law of a mean of 4 has nothing of note beyond


def _law(mean, variance):
    cells = np.arange(FAR)
    if mean <= 0:
        return np.eye(1, FAR)[0]
    if variance > mean * 1.000001:
        return nbinom.pmf(cells, mean**2 / (variance - mean), mean / variance)
    if variance < mean * 0.999999:
        trials = max(np.rint(mean**2 / (mean - variance)), np.ceil(mean))
        return binom.pmf(cells, trials, mean / trials)
    return poisson.pmf(cells, mean)


def _worth(laws, y, holding, shortage):
    """What the next unit after a stock y costs in the intervals of these laws, topped up after the first."""
    if not laws:
        return 0.0
    cost = 0.0
    for d, chance in enumerate(laws[0]):
        if d <= y:
            cost += chance * (holding + max(_worth(laws[1:], y - d, holding, shortage), 0.0))
        else:
            cost -= chance * shortage
    return cost


def _plain(on_hand, arriving, mean, variance, levels, holding, shortage):
    """Every path of demand before the order serves, then orders of 0, 1, 2 ... until the next costs."""
    before = len(arriving) - 1
    states, lost = [], 0.0
    for g in levels:
        laws = [_law(g * m, g * v) for m, v in zip(mean, variance, strict=True)]
        for path in product(range(FAR), repeat=before):
            chance = np.prod([laws[k][d] for k, d in enumerate(path)]) / len(levels)
            x, missed = on_hand, 0
            for k, d in enumerate(path):
                x += arriving[k]
                missed += max(d - x, 0)
                x = max(x - d, 0)
            lost += chance * missed
            states.append((chance, x + arriving[before], laws[before]))
    mixed = [
        np.mean([_law(g * mean[k], g * variance[k]) for g in levels], axis=0)
        for k in range(before + 1, len(mean))
    ]
    by_state = {}
    for chance, x, law in states:
        key = (x, tuple(law))
        by_state[key] = by_state.get(key, 0.0) + chance

    def cost(q):
        total = 0.0
        for (x, law), chance in by_state.items():
            total += chance * _worth([np.array(law), *mixed], x + q, holding, shortage)
        return total

    q = next(q for q in range(FAR) if cost(q) >= -1e-12)
    stock = sum(chance * x for chance, x, _ in states)
    short = sum(
        chance * sum(p for d, p in enumerate(law) if d > x + q) for (x, law), chance in by_state.items()
    )
    return q, stock, lost, short


@pytest.mark.parametrize("case", range(8))
def test_every_outcome_listed_gives_the_same_order(case):
    before, ahead = (0, 1, 2, 1, 0, 2, 1, 0)[case], (0, 0, 0, 1, 2, 1, 1, 1)[case]
    n = before + 1 + ahead
    on_hand, arriving = int(RNG.integers(0, 6)), RNG.integers(0, 4, before + 1)
    mean = RNG.uniform(0.2, 2.0, n)
    variance = mean * RNG.uniform(0.8, 2.0, n)
    levels = [np.ones(1), np.array([0.5, 1.5])][case % 2]
    holding, shortage = RNG.uniform(0.1, 0.6), RNG.uniform(0.8, 3.0)
    found = projected_orders(
        np.array([float(on_hand)]),
        arriving[None, :].astype(float),
        mean[None, :],
        variance[None, :],
        levels[None, :],
        np.array([[holding, shortage]]),
    )[0]
    quantity, stock, lost, short = _plain(on_hand, arriving, mean, variance, levels, holding, shortage)
    assert found[QUANTITY] == quantity
    assert found[[STOCK, LOST, SHORT]] == pytest.approx([stock, lost, short], abs=1e-8)


def test_without_a_wait_it_is_the_newsvendor():
    mean = RNG.uniform(0.1, 30.0, 50)
    ratio = RNG.uniform(1.01, 3.0, 50)
    costs = np.column_stack([RNG.uniform(0.1, 1.0, 50), RNG.uniform(0.2, 20.0, 50)])
    one, nothing = mean[:, None], np.zeros(50)
    found = projected_orders(nothing, one * 0.0, one, one * ratio[:, None], np.ones((50, 1)), costs)
    share = costs[:, 1] / costs.sum(axis=1)
    assert found[:, QUANTITY].tolist() == nbinom.ppf(share, mean / (ratio - 1.0), 1.0 / ratio).tolist()


def test_sure_demand_is_covered_to_the_unit():
    mean = np.full((1, 3), 4.0)
    found = projected_orders(
        np.array([5.0]),
        np.array([[0.0, 6.0, 0.0]]),
        mean,
        mean * 0.0,
        np.ones((1, 1)),
        np.array([[0.2, 1.0]]),
    )[0]
    assert found.tolist() == [1.0, 3.0, 0.0, 0.0]  # 5 - 4 + 6 - 4 = 3 are left; 4 are wanted


def test_equal_slices_of_a_gamma_keep_its_mean_and_most_of_its_variance():
    doubt = np.array([0.01, 0.1, 0.5, 2.0])
    levels = levels_of(doubt)
    assert levels.mean(axis=1) == pytest.approx(1.0)
    assert (levels.var(axis=1) <= doubt).all()
    assert (levels.var(axis=1) >= 0.7 * doubt).all()
