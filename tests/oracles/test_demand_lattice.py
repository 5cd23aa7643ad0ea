"""Lattice distributions against scipy, direct convolution, exact enumeration and simulation."""

import itertools

import numpy as np
import pytest
from scipy import stats

from plimsoll.maths.kernels import demand_fit as fit
from plimsoll.maths.kernels import demand_lattice as kernels
from plimsoll.maths.kernels import lattice

CELLS = 512
ONE = np.ones(1)


def mixed(method, row, weights, unit=1.0, past=(1.0,), draws=None, cells=CELLS):
    """Return the distribution of one case over an interval of 0, 1, ... periods with these weights."""
    past, weights = np.asarray(past, float), np.asarray(weights, float)[None, None, :]
    n_max = weights.shape[2] - 1
    pmf, steps, state = np.zeros((1, 1, cells)), np.zeros(1), np.zeros((1, fit.WIDTH))
    state[0, : len(row)] = row
    draws = np.random.default_rng(0).random((64, 64)) if draws is None else draws
    zero = np.zeros(1, np.int64)
    kernels.write_pmfs(
        past, np.array([0, len(past)]), zero + len(past), zero, zero + method, state,
        np.ones((1, fit.SEASONS)), ONE * unit, np.zeros(len(past) + n_max, np.int64), weights,
        zero + n_max, draws, ONE * 0.0, 0.0, pmf, steps,
    )  # fmt: skip
    return pmf[0, 0], steps[0]


def moments(pmf, step):
    x = np.arange(len(pmf)) * step
    mean = pmf @ x
    return mean, pmf @ (x - mean) ** 2


def block(mean, variance, cells=CELLS):
    out = np.zeros(cells)
    scratch = np.empty(cells)
    lo, hi = lattice.panjer_block(scratch, mean, variance)
    out[lo:hi] = scratch[lo:hi]
    return out


@pytest.mark.parametrize(
    ("mean", "variance"), [(0.01, 0.02), (0.3, 2.0), (4.0, 5.0), (60.0, 61.0), (80.0, 900.0)]
)
def test_negative_binomial(mean, variance):
    r = mean**2 / (variance - mean)
    expected = stats.nbinom.pmf(np.arange(4096), r, mean / variance)
    assert block(mean, variance, 4096) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("mean", [0.001, 0.7, 12.0, 300.0])
def test_poisson(mean):
    expected = stats.poisson.pmf(np.arange(CELLS), mean)
    assert block(mean, mean) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("trials", "share"), [(7, 0.3), (40, 0.9), (1, 0.25), (3, 1.0)])
def test_binomial_below_poisson(trials, share):
    expected = stats.binom.pmf(np.arange(CELLS), trials, share)
    found = block(trials * share, trials * share * (1 - share))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_no_underflow_far_from_zero():
    found = block(20_000.0, 40_000.0, 32_768)
    assert found.sum() == pytest.approx(1.0)
    assert moments(found, 1.0) == pytest.approx((20_000.0, 40_000.0), rel=1e-9)


def test_beta_binomial():
    out = np.zeros(11)
    lattice.beta_binomial(out, 10, 2.5, 4.0, 1.0)
    assert out == pytest.approx(stats.betabinom.pmf(np.arange(11), 10, 2.5, 4.0))


def test_normal_is_rounded_and_floored():
    pmf, step = mixed(fit.NORMAL, [2.0, 4.0], [0, 0, 0, 1])
    edges = stats.norm.cdf(np.arange(CELLS) + 0.5, 6.0, np.sqrt(12.0))
    assert step == 1.0
    assert pmf == pytest.approx(np.diff(np.r_[0.0, edges]), abs=1e-9)


@pytest.mark.parametrize("method", [fit.NB, fit.CROSTON, fit.SBA, fit.TSB, fit.POOLED])
@pytest.mark.parametrize("scale", [0.01, 1.0, 5_000.0])
def test_moments_of_linear_methods(method, scale):
    m, v, tau2 = 3.0 * scale, 3.0 * scale + 4.0 * scale**2, 0.1 * scale**2
    pmf, step = mixed(method, [m, v, tau2], [0, 0, 0, 0, 1])
    assert pmf.sum() == pytest.approx(1.0)
    mean, variance = moments(pmf, step)
    assert mean == pytest.approx(4 * m, rel=1e-5)
    assert variance == pytest.approx(4 * v + 16 * tau2, rel=1e-3)
    assert step == round(step) >= 1


@pytest.mark.parametrize("method", [fit.SES, fit.HOLT])
def test_moments_of_smoothing_by_simulated_errors(method):
    alpha, beta, phi = (0.3, 0.0, 1.0) if method == fit.SES else (0.3, 0.2, 0.9)
    level, slope, n = 400.0, 6.0 if method == fit.HOLT else 0.0, 6
    # Response of the total to a unit error j periods before the end, by running the recursion.
    total, lean, response = 0.0, [level, slope], []
    for _ in range(n):
        lean = [lean[0] + phi * lean[1], phi * lean[1]]
        total += lean[0]
    for j in range(1, n + 1):
        gain, lean = 1.0, [alpha, alpha * beta]
        for _ in range(j - 1):
            lean = [lean[0] + phi * lean[1], phi * lean[1]]
            gain += lean[0]
        response.append(gain)
    row = [level, alpha, 25.0, slope, beta, phi, 0.0, 50.0]
    pmf, step = mixed(method, row, [0] * n + [1])
    mean, variance = moments(pmf, step)
    assert mean == pytest.approx(total, rel=1e-6)
    expected = 25.0 * (np.sum(np.square(response)) + n * n / 50.0)
    assert variance == pytest.approx(expected, rel=0.02, abs=1.0)


@pytest.mark.parametrize(("mean", "variance"), [(0.8, 0.8), (1.5, 4.5)])
def test_mixture_over_a_random_interval_is_the_direct_convolution(mean, variance):
    chance = np.array([0.1, 0.0, 0.4, 0.3, 0.2])
    one = block(mean, variance, 256)
    power, expected = np.r_[1.0, np.zeros(255)], np.zeros(256)
    for share in chance:
        expected += share * power
        power = np.convolve(power, one)[:256]
    pmf, step = mixed(fit.NB, [mean, variance, 0.0], chance)
    assert step == 1.0
    assert pmf[:256] == pytest.approx(expected, abs=1e-9)


def test_mixture_against_simulation():
    """Chance of a false alarm: 20 cells at 5 standard errors, below 2e-5."""
    rng = np.random.default_rng(8)
    chance, n = np.array([0.2, 0.3, 0.1, 0.4]), 400_000
    periods = rng.choice(4, n, p=chance)
    draws = rng.negative_binomial(np.maximum(periods, 1) * 0.75, 1 / 3) * (periods > 0)
    pmf, _ = mixed(fit.NB, [1.5, 4.5, 0.0], chance)
    seen = np.bincount(draws, minlength=20)[:20] / n
    assert (np.abs(seen - pmf[:20]) < 5 * np.sqrt(pmf[:20] * (1 - pmf[:20]) / n)).all()


def test_hurdle_is_thinned_over_active_periods():
    a, b, size, s2, k = 3.0, 9.0, 4.0, 6.0, 20.0
    row = [0.25 * size, 0.25 * s2 + 0.1875 * size**2, 0.1, a, b, size, s2, k]
    chance = np.array([0.3, 0.0, 0.2, 0.5])
    pmf, step = mixed(fit.HURDLE, row, chance)
    active = sum(
        p * np.r_[stats.betabinom.pmf(np.arange(n + 1), n, a, b), np.zeros(3 - n)]
        for n, p in enumerate(chance)
    )
    expected = active[0] * np.eye(1, CELLS)[0]
    for count in range(1, 4):
        mean, variance = count * (size - 1), count * s2 + count**2 * s2 / k
        r = mean**2 / (variance - mean)
        expected[count:] += active[count] * stats.nbinom.pmf(np.arange(CELLS - count), r, mean / variance)
    assert step == 1.0
    assert pmf == pytest.approx(expected, abs=1e-9)


def test_bootstrap_against_exact_enumeration():
    """Sizes that never vary have no jitter; 1,000,000 paths, 5 standard errors: false alarm below 1e-5."""
    p01, p11, chance = 0.3, 0.6, np.array([0.1, 0.2, 0.0, 0.7])
    expected = np.zeros(4)
    for n, share in enumerate(chance):
        for path in itertools.product([0, 1], repeat=n):
            p, last = share, 1
            for active in path:
                go = p11 if last else p01
                p *= go if active else 1 - go
                last = active
            expected[sum(path)] += p
    draws = np.random.default_rng(9).random((1_000_000, 10))
    row = [0, 1, 0, p01, p11, 1.0, 0.0, 3.0]
    pmf, step = mixed(fit.BOOTSTRAP, row, chance, unit=5.0, past=[5.0, 0.0, 5.0, np.nan, 5.0], draws=draws)
    assert step == 5.0
    assert (np.abs(pmf[:4] - expected) < 5 * np.sqrt(expected * (1 - expected) / 1e6)).all()
    assert pmf[4:].sum() == 0


def test_bootstrap_resamples_and_jitters():
    """One sure period: X* = 1 + floor(X + Z sqrt X), else X; every cell within 5 standard errors."""
    draws = np.random.default_rng(10).random((1_000_000, 4))
    row = [0, 1, 0, 1.0, 1.0, 0.0, 2.0, 2.0]
    pmf, _ = mixed(fit.BOOTSTRAP, row, [0, 1], past=[1.0, 4.0], draws=draws)
    expected = np.zeros(CELLS)
    for x in (1, 4):
        for y in range(1, 40):
            expected[y] += 0.5 * (stats.norm.cdf((y - x) / x**0.5) - stats.norm.cdf((y - 1 - x) / x**0.5))
        expected[x] += 0.5 * stats.norm.cdf((0 - x) / x**0.5)
    error = 5 * np.sqrt(expected * (1 - expected) / 1e6) + 1e-3  # 1,024 normal quantiles stand for all
    assert (np.abs(pmf - expected) < error).all()


def test_bootstrap_reads_on_when_columns_are_used_up():
    draws = np.random.default_rng(11).random((2_000, 7))
    row = [0, 1, 0, 0.5, 0.5, 0.0, 0.0, 3.0]
    pmf, step = mixed(fit.BOOTSTRAP, row, [0] * 10 + [1], past=[1.0, 1.0, 1.0], draws=draws)
    mean, variance = moments(pmf, step)
    assert mean == pytest.approx(5.0, abs=5 * np.sqrt(2.5 / 2000))
    assert variance == pytest.approx(2.5, rel=0.25)


def test_interval_of_no_length_is_certain():
    for method in range(fit.N_METHODS):
        pmf, _ = mixed(method, [2.0, 4.0, 0.1, 0.5, 0.5, 2.0, 1.0, 4.0], [1.0], past=[2.0, 0.0])
        assert pmf[0] == pytest.approx(1.0), method
        assert pmf[1:].sum() == 0.0


def test_durations_are_split_linearly():
    days, chance, bounds = np.array([7.0, 10.5]), np.array([1.0, 3.0]), np.array([0, 2])
    weights, longest = np.zeros((1, kernels.N_INTERVALS, 5)), np.zeros(1, np.int64)
    none = np.zeros(1), ONE, np.array([0, 1])
    kernels.interval_weights(days, chance, bounds, np.array([3.5]), *none, 7.0, weights, longest)
    expected = [
        [0.5, 0.5, 0, 0, 0],
        [0, 0.25 + 0.375, 0.375, 0, 0],
        [0, 0.125, 0.125 + 0.75, 0, 0],
        [0, 1 - 0.375, 0.375, 0, 0],
        [0, 0.125, 0.875, 0, 0],
    ]
    assert weights[0] == pytest.approx(np.array(expected))
    assert longest[0] == 2


def test_what_is_booked_ahead_fills_the_rest_of_an_interval():
    """Lead 7, review 7; half books 3.5 days ahead, half 21: 3.5 or 0 days of lead, 10.5 or 0 of both."""
    ahead = np.array([3.5, 21.0]), np.array([0.5, 0.5]), np.array([0, 2])
    weights, longest = np.zeros((1, kernels.N_INTERVALS, 4)), np.zeros(1, np.int64)
    given = np.array([7.0]), ONE, np.array([0, 1]), np.array([7.0])
    kernels.interval_weights(*given, *ahead, 7.0, weights, longest)
    lead, both = [0.75, 0.25, 0, 0], [0.5, 0.25, 0.25, 0]
    assert weights[0] == pytest.approx(np.array([[0, 1, 0, 0], lead, both, lead, both]))


def test_finish_trims_and_measures():
    pmf = np.array([[[0.5, 0.25, 0.25, 1e-10, 1e-11], [1.0, 0, 0, 0, 0]]])
    facts = np.empty((1, 2, 3))
    flat = kernels.finish(pmf, 1e-9, facts)
    assert flat == pytest.approx([0.5, 0.25, 0.25, 1.0])
    assert facts[0] == pytest.approx(np.array([[3, 0.75, 0.6875**0.5], [1, 0, 0]]))


def test_pinball_against_plain():
    rng = np.random.default_rng(12)
    pmf = rng.dirichlet(np.ones(20), 6)[:, None, :]
    actual, levels = rng.integers(0, 25, 6).astype(float), np.array([0.1, 0.5, 0.95])
    quantiles = np.array([[np.searchsorted(np.cumsum(p[0]), tau) for tau in levels] for p in pmf])
    gap = actual[:, None] - quantiles
    expected = np.maximum(levels * gap, (levels - 1) * gap).mean(axis=1)
    one = np.ones(6)
    assert kernels.pinball(pmf, one, one, actual, levels) == pytest.approx(expected)
    # On a coarser lattice a cell is spread evenly over its step.
    third = np.array([[[0.0, 0.5, 0.5]]])
    assert kernels.pinball(third, ONE * 4, ONE, ONE * 0.0, np.array([0.25])) == pytest.approx([0.75 * 4.0])


@pytest.mark.parametrize("method", range(fit.N_METHODS))
def test_compiled_equals_interpreted(method):
    row = {
        fit.SES: [9.0, 0.2, 4.0, 0, 0, 0, 0, 30.0],
        fit.SEASONAL: [9.0, 0.2, 4.0, 0, 0, 0, 0, 30.0],
        fit.HOLT: [9.0, 0.2, 4.0, 0.5, 0.1, 0.9, 0, 30.0],
    }.get(method, [2.0, 5.0, 0.1, 0.4, 0.6, 3.0, 2.0, 4.0])
    arguments = (method, row, [0.1, 0.2, 0.3, 0.4])
    compiled, step = mixed(*arguments, past=[2.0, 0.0, 3.0, 1.0, 6.0])
    plain = kernels.write_pmfs.py_func
    original, kernels.write_pmfs = kernels.write_pmfs, plain
    try:
        interpreted, plain_step = mixed(*arguments, past=[2.0, 0.0, 3.0, 1.0, 6.0])
    finally:
        kernels.write_pmfs = original
    assert step == plain_step
    assert compiled == pytest.approx(interpreted, abs=1e-12)
