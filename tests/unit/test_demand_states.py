"""Smoothing passes against hand arithmetic and a plain twin of each method."""

import doctest

import numpy as np
import pytest

from plimsoll.maths.kernels import demand_fit as fit
from plimsoll.maths.kernels import demand_lattice, lattice

RATES = np.array([0.02, 0.1, 0.05])


def counts(history, marks, rates=RATES):
    values, marks = np.asarray(history, float), np.array([marks])
    state = np.zeros((1, marks.shape[1], fit.N_METHODS, fit.WIDTH))
    unit = np.zeros((1, marks.shape[1]))
    fit.fit_counts(values, np.array([0, len(values)]), marks, rates, state, unit)
    return state[0], unit[0]


def fading(history, marks, rate=RATES[0]):
    values, marks = np.asarray(history, float), np.array([marks])
    state = np.zeros((1, marks.shape[1], fit.N_METHODS, fit.WIDTH))
    bounds, unit = np.array([0, len(values)]), np.ones(marks.shape)
    fit.fit_fading(values, bounds, marks, np.ones(1, bool), rate, unit, state)
    return state[0, :, fit.FADING]


def trend(history, marks, grid, method=fit.SES):
    values, marks = np.asarray(history, float), np.array([marks])
    state = np.zeros((1, marks.shape[1], fit.N_METHODS, fit.WIDTH))
    grid = np.asarray(grid, float)
    fit.fit_trend(values, np.array([0, len(values)]), marks, np.ones(1, bool), grid, method, state)
    return state[0, :, method]


def seasonal(history, months, marks, year=12, alphas=(0.0,)):
    values, marks = np.asarray(history, float), np.array([marks])
    state = np.zeros((1, marks.shape[1], fit.N_METHODS, fit.WIDTH))
    index = np.ones((1, marks.shape[1], fit.SEASONS))
    bounds, flags = np.array([0, len(values)]), np.ones(1, bool)
    fit.fit_season(values, bounds, marks, flags, months, year, np.asarray(alphas), index, state)
    return state[0, :, fit.SEASONAL], index[0]


def weighted(values, alpha):
    """Weights 1, (1-a), (1-a)^2 ... from the last value back, with sum 1."""
    weights = (1 - alpha) ** np.arange(len(values))[::-1]
    return weights / weights.sum()


def test_states_by_hand():
    # 0 4 0 2: n = 4, two sizes 4 and 2; intervals 2 and 2 periods.
    (row,), (unit,) = counts([0, 4, 0, 2], [4], np.array([0.5, 0.5, 0.5]))
    assert row[fit.NORMAL, :3].tolist() == pytest.approx([1.5, 11 / 3, 0.0])
    # Weights 1/15, 2/15, 4/15, 8/15 of 0 4 0 2: mean 24/15; sizes 4 and 2 weigh 1/3 and 2/3.
    assert row[fit.NB, 0] == pytest.approx(24 / 15)
    size = 4 / 3 + 4 / 3
    assert row[fit.CROSTON, 0] == pytest.approx(size / 2)
    assert row[fit.SBA, 0] == pytest.approx(0.75 * size / 2)
    assert row[fit.TSB, 0] == pytest.approx((2 + 8) / 15 * size)
    # p = 1/2, s2 = 2: v = 1/2 x 2 + 1/4 z2; sizes worth min(2, 3) x 2 periods.
    assert row[fit.CROSTON, 1] == pytest.approx(1 + size**2 / 4)
    assert row[fit.CROSTON, 2] == pytest.approx((1 + size**2 / 4) / 4)
    assert row[fit.HURDLE, 5:].tolist() == pytest.approx([3.0, 2.0, 2.0])
    # None -> demand twice, demand -> none once; one pseudo move at the overall share of 1/2.
    assert row[fit.BOOTSTRAP, 3:6].tolist() == pytest.approx([2.5 / 3, 0.5 / 2, 1.0])
    assert unit == 1.0


def test_twin_of_weighted_moments():
    rng = np.random.default_rng(3)
    history = rng.poisson(2.0, 60) * (rng.random(60) < 0.5)
    (row,), _ = counts(history, [60])
    w = weighted(history, RATES[0])
    mean = w @ history
    evidence = 1 / (w @ w)
    variance = w @ (history - mean) ** 2 * evidence / (evidence - 1)
    assert row[fit.NB, :3] == pytest.approx([mean, max(variance, mean), max(variance, mean) / evidence])
    active = w @ (history > 0)
    assert row[fit.HURDLE, 3:5] == pytest.approx([active * evidence + 0.5, (1 - active) * evidence + 0.5])
    prob = weighted(history, RATES[2]) @ (history > 0)
    sizes = history[history > 0]
    assert row[fit.TSB, 0] == pytest.approx(prob * (weighted(sizes, RATES[1]) @ sizes))
    gaps = np.diff(np.flatnonzero(np.r_[1, history]))
    assert row[fit.CROSTON, 0] == pytest.approx(
        (weighted(sizes, 0.1) @ sizes) / (weighted(sizes, 0.1) @ gaps)
    )


def test_rise_of_recent_demand_is_in_standard_errors():
    """Against the plain formula, and of unit spread where nothing changes: 5 sigma of 4,000 draws."""
    rng = np.random.default_rng(8)
    panel = rng.poisson(2.0, (4_000, 104)).astype(float)
    rise = fit.describe(panel.ravel(), np.arange(4_001) * 104, 0.05)[:, 7]
    w = weighted(panel[0], 0.05)
    error = np.sqrt(panel[0].var(ddof=1) * (w @ w - 1 / 104))
    assert rise[0] == pytest.approx((w @ panel[0] - panel[0].mean()) / error)
    assert abs(rise.mean()) < 5 / np.sqrt(4_000)
    assert abs(rise.var() - 1) < 5 * np.sqrt(2 / 4_000)
    holes = np.array([3.0, np.nan, 3.0, 3.0])
    assert fit.describe(holes, np.array([0, 4, 4]), 0.05)[:, 7].tolist() == [0.0, 0.0]


def test_fading_counts_are_those_of_the_negative_binomial_with_another_weight():
    history = np.random.default_rng(9).poisson(2.0, 60).astype(float)
    history[[0, 7, 30]] = np.nan
    marks = [1, 20, 60]
    assert fading(history, marks) == pytest.approx(counts(history, marks)[0][:, fit.NB])
    quick = fading(history, marks, rate=0.3)
    assert quick[2, 0] == pytest.approx(
        np.average(history[~np.isnan(history)], weights=weighted(history[~np.isnan(history)], 0.3))
    )


@pytest.mark.parametrize(("alpha", "beta", "phi"), [(0.0, 0.0, 1.0), (0.2, 0.0, 1.0), (0.3, 0.2, 0.9)])
def test_twin_of_smoothing(alpha, beta, phi):
    history = np.random.default_rng(4).normal(50, 9, 40)
    level = slope = weight = 0.0
    errors = []
    for k, y in enumerate(history):
        weight = 1 + (1 - alpha) * weight
        error = y - level - phi * slope
        level, slope = level + phi * slope + error / weight, phi * slope + alpha * beta * error * (k > 0)
        errors.append(error)
    (row,) = trend(history, [40], [[alpha, beta, phi]])
    assert row[:4] == pytest.approx([level, alpha, np.sum(np.square(errors[1:])) / 39, slope])
    if not beta:
        assert level == pytest.approx(weighted(history, alpha) @ history)


def test_the_grid_takes_the_least_error_at_each_mark():
    history = np.r_[np.tile([10.0, 12.0], 30), np.full(40, 90.0)]
    grid = [[0.0, 0.0, 1.0], [0.4, 0.0, 1.0]]
    early, late = trend(history, [60, 100], grid)
    assert (early[1], late[1]) == (0.0, 0.4)
    assert late[0] == pytest.approx(90.0, abs=0.01)


def test_a_period_not_observed_moves_no_state():
    history = np.array([0, 3, 0, 5, 2, 0, 1], float)
    holes = np.array([0, np.nan, 3, 0, 5, np.nan, 2, 0, 1])
    plain, with_holes = counts(history, [7])[0][0], counts(holes, [9])[0][0]
    same = [m for m in range(fit.N_METHODS) if m != fit.BOOTSTRAP]
    assert with_holes[same] == pytest.approx(plain[same])
    assert trend(holes, [9], [[0.2, 0.1, 0.9]])[0] == pytest.approx(trend(history, [7], [[0.2, 0.1, 0.9]])[0])
    # The moves 0 -> 3 and 5 -> 2 lie across a hole and are not counted.
    assert with_holes[fit.BOOTSTRAP, 3] == pytest.approx((2 + 4 / 7) / (2 + 1))


def test_seasonal_indices_of_a_noiseless_year():
    months = np.arange(36) % 12
    pattern = np.array([0.5, 0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1.5, 1.5])
    (row,), (index,) = seasonal(80 * pattern[months], months, [36])
    assert index == pytest.approx(pattern)
    assert row[[0, 2, 7]] == pytest.approx([80, 0, 36], abs=1e-9)


def test_seasonal_indices_are_shrunk_where_months_do_not_differ():
    rng = np.random.default_rng(5)
    months = np.arange(48) % 12
    noise = rng.normal(100, 20, 48)
    _, (index,) = seasonal(noise, months, [48])
    raw = [noise[months == m].mean() for m in range(12)]
    assert np.abs(index - 1).max() < 0.5 * np.abs(np.array(raw) / noise.mean() - 1).max()
    assert index.mean() == pytest.approx(1)


def test_no_index_before_a_year_is_known():
    _, index = seasonal(np.tile(np.arange(1, 13.0), 2), np.arange(24) % 12, [11, 24])
    assert (index[0] == 1).all()
    assert not (index[1] == 1).all()


@pytest.mark.parametrize(
    ("sizes", "unit"),
    [([6, 12, 18, 24, 6], 6), ([6, 12], 1), ([0.5, 1.25, 2, 3, 4], 0.25), ([7, 5, 3, 2, 8], 1)],
)
def test_unit_is_the_divisor_of_all_sizes(sizes, unit):
    assert counts(sizes, [len(sizes)])[1][0] == pytest.approx(unit)


def test_state_at_an_origin_ignores_what_follows():
    rng = np.random.default_rng(6)
    history = rng.poisson(3.0, 104) * (rng.random(104) < 0.7)
    changed = history.copy()
    changed[70:] = rng.poisson(50.0, 34)
    months = np.arange(104) // 4 % 12
    grid = [[0.1, 0.0, 1.0], [0.4, 0.2, 0.9]]
    marks = [62, 70, 104]
    for run in (
        lambda y: counts(y, marks)[0],
        lambda y: fading(y, marks),
        lambda y: trend(y, marks, grid),
        lambda y: seasonal(y, months, marks, 52)[0],
        lambda y: seasonal(y, months, marks, 52)[1],
    ):
        before, after = run(history), run(changed)
        assert np.array_equal(before[:2], after[:2])
        assert not np.array_equal(before[2], after[2])


@pytest.mark.parametrize("kernel", [fit.fit_counts, fit.fit_fading, fit.fit_trend, fit.fit_season])
def test_compiled_equals_interpreted(kernel):
    rng = np.random.default_rng(7)
    values = rng.poisson(2.0, 90).astype(float)
    values[40] = np.nan
    bounds, marks = np.array([0, 30, 90]), np.array([[20, 30], [55, 60]])
    results = []
    for run in (kernel, kernel.py_func):
        state = np.zeros((2, 2, fit.N_METHODS, fit.WIDTH))
        extra = np.ones((2, 2)) if kernel is fit.fit_counts else np.ones((2, 2, fit.SEASONS))
        flags, grid = np.ones(2, bool), np.array([[0.1, 0.1, 0.9]])
        if kernel is fit.fit_counts:
            run(values, bounds, marks, RATES, state, extra)
        elif kernel is fit.fit_fading:
            run(values, bounds, marks, flags, 0.1, np.ones((2, 2)), state)
        elif kernel is fit.fit_trend:
            run(values, bounds, marks, flags, grid, fit.HOLT, state)
        else:
            run(values, bounds, marks, flags, np.arange(60) % 12, 12, grid[:, 0].copy(), extra, state)
        results.append(np.r_[state.ravel(), extra.ravel()])
    assert results[0] == pytest.approx(results[1], rel=1e-12)
    assert np.isfinite(results[0]).all()


@pytest.mark.parametrize(
    "kernel",
    [k for module in (fit, demand_lattice, lattice) for k in vars(module).values() if hasattr(k, "py_func")],
    ids=lambda kernel: kernel.__name__,
)
def test_examples_of_kernels(kernel):
    example = doctest.DocTestParser().get_doctest(
        kernel.__doc__, kernel.py_func.__globals__ | {}, kernel.__name__, None, 0
    )
    assert doctest.DocTestRunner().run(example).failed == 0
