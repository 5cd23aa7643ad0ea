"""The features of the global model against plain sums over the history before each origin."""

from datetime import date

import numpy as np
import pytest

from plimsoll.demand.panel import months_from
from plimsoll.maths.kernels import demand_features as kernel

YEAR = 12
N = 40
MONTHS = months_from(date(2020, 1, 1), "month", N + 6)


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(5)
    rows = [rng.poisson(rate, n).astype(float) for rate, n in ((0.4, N), (3.0, N), (20.0, 17), (1.0, N))]
    rows[1][[3, 20, 21]] = np.nan
    rows[3][:25] = 0.0
    return rows


def smoothed(past, half_life):
    past = past[~np.isnan(past)]
    weight = 0.5 ** (np.arange(len(past))[::-1] / half_life)
    return weight @ past / weight.sum(), weight / weight.sum()


def shared(rows, groups, decay):
    """Running sums as the kernel's, one cell at a time."""
    total = np.zeros((groups.max() + 1, N + 1))
    weight = np.zeros_like(total)
    for row, mine in zip(rows, groups, strict=True):
        for t in range(len(row)):
            past = row[:t][~np.isnan(row[:t])]
            if np.isnan(row[t]) or len(past) < kernel.SETTLED or not past.any():
                continue
            half_life = np.log(0.5) / np.log(1 - decay)
            level, active = smoothed(past, half_life)[0], smoothed(past > 0, half_life)[0]
            total[mine, N - len(row) + t + 1] += active * min(row[t] / level, kernel.FARTHEST)
            weight[mine, N - len(row) + t + 1] += active
    return total.cumsum(axis=1), weight.cumsum(axis=1)


@pytest.fixture(scope="module")
def read(panel):
    values, bounds = np.concatenate(panel), np.cumsum([0, *map(len, panel)])
    groups = np.array([[0, 1], [0, 1], [0, 2], [0, 2]])
    origins = np.array([[5, 14, 30, N], [0, 15, 26, N], [2, 9, 13, 17], [10, 24, 27, N]])
    ahead = np.array([[1, 3, 3, 3]] * 4)
    decay = 1 - 0.5 ** (1 / YEAR)
    total, weight = np.zeros((3, N + 1)), np.zeros((3, N + 1))
    kernel.shared_demand(values, bounds, N, decay, groups, total, weight)
    out = np.empty((4, 4, kernel.N_OWN + 2 * kernel.N_SHARED))
    scale = np.zeros((4, 4, 4))
    kernel.features(values, bounds, origins, ahead, MONTHS, YEAR, groups, total, weight, out, scale)
    return origins, ahead, groups, total, weight, out, scale


def test_demand_shared_by_groups(panel, read):
    _, _, groups, total, weight, _, _ = read
    plain = shared(panel, groups, 1 - 0.5 ** (1 / YEAR))
    assert total == pytest.approx(plain[0])
    assert weight == pytest.approx(plain[1])


def test_levels_and_sizes(panel, read):
    origins, _, _, _, _, _, scale = read
    for i, row in enumerate(panel):
        for j, origin in enumerate(origins[i]):
            past = row[:origin]
            if not np.nansum(past):
                assert scale[i, j, 0] == 0.0
                continue
            level, weight = smoothed(past, YEAR)
            seen = past[~np.isnan(past)]
            evidence = 1 / (weight**2).sum()
            variance = weight @ (seen - level) ** 2 * evidence / max(evidence - 1, 1)
            expected = [level, variance, seen[seen > 0].mean(), evidence]
            assert scale[i, j] == pytest.approx(expected)


def test_features_of_the_series_itself(panel, read):
    origins, ahead, _, _, _, out, scale = read
    for i, row in enumerate(panel):
        for j, o in enumerate(origins[i]):
            x, h, past = out[i, j], ahead[i, j], row[:o]
            if not np.nansum(past):
                assert np.isnan(x).all()
                continue
            level, seen = scale[i, j, 0], past[~np.isnan(past)]
            sizes = seen[seen > 0]
            assert x[:3] == pytest.approx([h, len(seen), len(sizes) / len(seen)])
            assert x[5] == o - np.flatnonzero(past > 0)[-1]
            assert x[7] == pytest.approx(sizes[-1] / sizes.mean())
            assert x[9] == pytest.approx(sizes.max() / sizes.mean())
            assert x[12] == pytest.approx(np.log(h * level / sizes.mean()))
            ratios = [smoothed(past, half_life * YEAR)[0] / level for half_life in kernel.HALF_LIVES]
            assert x[14:20] == pytest.approx(ratios)
            assert x[20] == pytest.approx(np.nanmean(past[-h:]) / level, nan_ok=True)
            if o >= YEAR:
                window = np.nanmean(past[o - YEAR : o - YEAR + h])
                assert x[22] == pytest.approx(window / level)
            else:
                assert np.isnan(x[22:25]).all()
            assert x[26] == MONTHS[N - len(row) + o + (h - 1) // 2]


def test_features_of_the_groups(panel, read):
    origins, ahead, groups, total, weight, out, _ = read
    for i, row in enumerate(panel):
        j = 3
        c = N - len(row) + origins[i, j]
        for g, group in enumerate(groups[i]):

            def mean(lo, hi, group=group):
                return (total[group, hi] - total[group, lo]) / (weight[group, hi] - weight[group, lo])

            then = mean(c - YEAR, c - YEAR + ahead[i, j])
            expected = [mean(c - 1, c), mean(c - 3, c), then / mean(c - YEAR, c), then / mean(c - 13, c - 12)]
            at = kernel.N_OWN + g * kernel.N_SHARED
            assert out[i, j, at : at + 4] == pytest.approx(expected)


def test_an_origin_sees_nothing_later(panel, read):
    origins, ahead, groups, _, _, out, scale = read
    begins = N - np.array([len(row) for row in panel])
    day = 26  # of the calendar
    changed = np.concatenate(
        [np.r_[row[: day - b], 7.0 + 100 * row[day - b :]] for row, b in zip(panel, begins, strict=True)]
    )
    bounds = np.cumsum([0, *map(len, panel)])
    total, weight = np.zeros((3, N + 1)), np.zeros((3, N + 1))
    kernel.shared_demand(changed, bounds, N, 1 - 0.5 ** (1 / YEAR), groups, total, weight)
    later, later_scale = np.empty_like(out), np.zeros_like(scale)
    kernel.features(changed, bounds, origins, ahead, MONTHS, YEAR, groups, total, weight, later, later_scale)
    known = begins[:, None] + origins <= day
    assert known.sum() >= 8
    assert np.array_equal(later[known], out[known], equal_nan=True)
    assert np.array_equal(later_scale[known], scale[known])
