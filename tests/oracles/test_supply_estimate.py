"""Parts of the lead-time estimate against plain loops, integration and textbook values."""

import itertools
from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats

from plimsoll import supply
from plimsoll.maths.kernels import supply as kernels
from plimsoll.supply import atoms
from plimsoll.supply.censored import expected, survival_weights
from plimsoll.supply.credibility import OpenSums, moments, with_open
from plimsoll.supply.drift import last_changes
from plimsoll.supply.recency import gamma_quantiles
from plimsoll.supply.season import _effects


@pytest.mark.parametrize(("mean", "sd", "elapsed"), [(30, 10, 20), (30, 10, 60), (5, 6, 2), (90, 30, 0)])
def test_an_open_order_adds_what_integration_says(mean, sd, elapsed):
    law = stats.gamma((mean / sd) ** 2, scale=sd**2 / mean)
    centre = 0.8 * mean
    below = law.cdf(elapsed)

    def share(power, low, high):
        return integrate.quad(lambda x: (x - centre) ** power * law.pdf(x), low, high, limit=300)[0]

    far = law.ppf(1 - 1e-13)
    one, two = (
        below * share(power, 0, far)
        + below * share(power, elapsed, far) / (1 - below)
        - share(power, 0, elapsed)
        for power in (1, 2)
    )
    found = expected(np.zeros(1, dtype=int), *(np.array([float(x)]) for x in (elapsed, 1, mean, sd, centre)))
    assert found.n[0] == pytest.approx(below, abs=1e-12)
    assert found.total[0] - found.n[0] * centre == pytest.approx(one, rel=1e-6, abs=1e-8)
    assert found.squares[0] == pytest.approx(two, rel=1e-6, abs=1e-7)


def test_one_exponential_group_is_estimated_as_the_textbook_says():
    """Deaths and exposure: the mean is all days, open ones included, over the number received."""
    rng = np.random.default_rng(1)
    received, still_open = rng.exponential(20, 300), rng.exponential(15, 200)
    base = moments(np.zeros(300, dtype=int), received, 1)
    mean = base.mean
    for _ in range(400):
        at = np.zeros(200, dtype=int)
        law = np.repeat(mean, 200)
        mean = with_open(base, expected(at, still_open, np.ones(200), law, law, mean)).mean
    assert mean[0] == pytest.approx((received.sum() + still_open.sum()) / 300, rel=1e-6)


def test_moments_with_open_orders_equal_moments_of_all():
    """Open sums made of known values must give what the values together give."""
    rng = np.random.default_rng(2)
    group, value = rng.integers(0, 5, 80), rng.normal(10, 3, 80)
    more, extra = rng.integers(0, 5, 30), rng.normal(20, 2, 30)
    centre = np.full(5, 12.0)
    sums = OpenSums(
        np.bincount(more, minlength=5).astype(float),
        np.bincount(more, weights=extra, minlength=5),
        np.bincount(more, weights=(extra - 12) ** 2, minlength=5),
        centre,
    )
    found = with_open(moments(group, value, 5), sums)
    whole = moments(np.concatenate([group, more]), np.concatenate([value, extra]), 5)
    for name in ("n", "mean", "var", "freedom"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-12)


def test_weights_count_like_copies():
    value = np.array([3.0, 5.0, 9.0])
    once = moments(np.zeros(3, dtype=int), value, 1, np.array([1.0, 0.5, 0.5]))
    mean = (3 + 2.5 + 4.5) / 2
    assert once.mean[0] == mean
    assert once.freedom[0] == 2 - 1.5 / 2
    assert once.var[0] == pytest.approx(((3 - mean) ** 2 + ((5 - mean) ** 2 + (9 - mean) ** 2) / 2) / 1.25)


def kaplan_meier(days, weights, is_open):
    """Return the steps of the survival curve by loops over distinct days."""
    left, steps = 1.0, {}
    for day in sorted(set(days)):
        at_risk = sum(w for d, w in zip(days, weights, strict=True) if d >= day)
        ended = sum(w for d, w, o in zip(days, weights, is_open, strict=True) if d == day and not o)
        steps[day] = left * ended / at_risk
        left *= 1 - ended / at_risk
    return steps, left


def test_survival_weights_equal_kaplan_and_meier():
    rng = np.random.default_rng(3)
    group = rng.integers(0, 6, 200)
    days, weights = rng.integers(1, 30, 200).astype(float), rng.uniform(0.2, 1, 200)
    is_open = (rng.random(200) < 0.4).astype(int)
    steps, left = survival_weights(group, days, weights, is_open, 6)
    assert steps[is_open == 1].max() == 0
    for g in range(6):
        mine = group == g
        wanted, rest = kaplan_meier(days[mine], weights[mine], is_open[mine])
        for day, step in wanted.items():
            assert steps[mine & (days == day)].sum() == pytest.approx(step, abs=1e-9)
        assert left[g] == pytest.approx(rest, abs=1e-9)


def history(seed, n=120, suppliers=4):
    rng = np.random.default_rng(seed)
    supplier = np.sort(rng.integers(0, suppliers, n))
    ordered = rng.integers(0, 900, n)
    order = np.lexsort((ordered, supplier))
    lead = rng.integers(5, 80, n)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(supplier, minlength=suppliers))])
    ordered = ordered[order]
    received = ordered + lead
    return bounds, ordered, received, lead.astype(float), np.lexsort((received, supplier))


@pytest.mark.parametrize("decay", [0.0, np.log(2) / 180])
def test_predictions_in_turn_equal_loops_and_the_plain_twin(decay):
    given = history(4)
    found = kernels.predict_in_turn(*given, decay, 5)
    plain = kernels.predict_in_turn.py_func(*given, decay, 5)
    bounds, ordered, received, lead, _ = given
    for mean, twin in zip(found, plain, strict=True):
        np.testing.assert_allclose(mean, twin, rtol=1e-10)
    for low, high in itertools.pairwise(bounds):
        for entry in range(low, high):
            known = [i for i in range(low, high) if received[i] < ordered[entry]]
            if len(known) < 5:
                assert np.isnan(found[0][entry])
                continue
            w = np.exp(-decay * (ordered[entry] - received[known]))
            m = (w * lead[known]).sum() / w.sum()
            v = (w * (lead[known] - m) ** 2).sum() / (w.sum() - (w**2).sum() / w.sum())
            assert found[0][entry] == pytest.approx(m, rel=1e-9)
            assert found[1][entry] == pytest.approx(v, rel=1e-7)


def test_the_step_equals_loops_over_rank_sums():
    rng = np.random.default_rng(5)
    n, start = 60, date(2024, 1, 1)
    value = np.concatenate([rng.gamma(9, 4, 35), rng.gamma(9, 8, 25)]).round()
    placed = np.datetime64(start) + 10 * np.arange(n)
    orders = pl.DataFrame(
        {"supplier": np.zeros(n, int), "ordered_date": placed, "lead_days": value, "value": value}
    )
    rank = stats.rankdata(value)
    best = max(
        range(8, n - 7),
        key=lambda k: abs(rank[:k].sum() - k * (n + 1) / 2) / np.sqrt(rank.var() * k * (n - k) / (n - 1)),
    )
    row = last_changes(orders, supply.SupplyParams(), as_of=date(2027, 1, 1)).row(0, named=True)
    assert np.datetime64(row["change_date"]) == placed[best]
    assert row["change_days"] == pytest.approx(value[best:].mean() - value[:best].mean(), abs=1e-5)


def test_month_effects_equal_an_analysis_of_variance():
    rng = np.random.default_rng(6)
    grid = rng.normal(1, 0.2, (4, 12)) + np.arange(12) / 10 + rng.normal(0, 0.3, (4, 1))
    effect, f = _effects(grid)
    total = grid.mean()
    months, years = grid.mean(axis=0) - total, grid.mean(axis=1) - total
    rest = grid - total - months - years[:, None]
    assert effect == pytest.approx(months)
    assert f == pytest.approx((4 * (months**2).sum() / 11) / ((rest**2).sum() / 33))


@pytest.mark.parametrize("cv", [0.1, 0.35, 0.8])
def test_gamma_quantiles_are_near_the_exact(cv):
    levels = np.array([0.5, 0.8, 0.95])
    exact = stats.gamma.ppf(levels, 1 / cv**2, scale=10 * cv**2)
    found = gamma_quantiles(np.array([10.0]), np.array([(10 * cv) ** 2]), levels)[0]
    np.testing.assert_allclose(found, exact, rtol=0.02)


def test_quantiles_are_near_the_law_also_of_what_came_by_a_day():
    levels, cv = np.linspace(0.05, 0.95, 19), 0.35
    atom, share = atoms.gamma_atoms(np.array([cv]))
    law = pl.DataFrame({"atom_days": [(40 * atom[0]).tolist()], "atom_probability": [share[0].tolist()]})
    exact = stats.gamma(1 / cv**2, scale=40 * cv**2)
    found = supply.quantiles(law, levels, supply.SupplyParams())[0]
    np.testing.assert_allclose(found, exact.ppf(levels), rtol=0.04)
    cut = supply.quantiles(law, levels, supply.SupplyParams(), given_at_most=np.array([35.0]))[0]
    np.testing.assert_allclose(cut, exact.ppf(levels * exact.cdf(35)), rtol=0.05)
    one = pl.DataFrame({"atom_days": [[7.0], [1.0, 3.0]], "atom_probability": [[1.0], [0.5, 0.5]]})
    np.testing.assert_allclose(
        supply.quantiles(one, np.array([0.1, 0.9]), supply.SupplyParams())[0], 7.0, atol=1.0
    )
