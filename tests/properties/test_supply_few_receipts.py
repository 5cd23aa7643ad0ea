"""Suppliers with few receipts, simulated: mean and spread borrow from others as much as they should."""

import numpy as np
import pytest

from plimsoll import supply
from plimsoll.supply.credibility import Moments, moments, relative_spread_ratio
from plimsoll.supply.prior import others, supplier_level

MEAN, BETWEEN, CV = 60.0, 15.0, 0.4


def truth(seed, n, cv_spread=0.0):
    """Return mean and coefficient of variation of n suppliers; the root of the mean square of these is CV."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma((MEAN / BETWEEN) ** 2, BETWEEN**2 / MEAN, n)
    return rng, mean, CV * np.exp(cv_spread * rng.standard_normal(n) - cv_spread**2)


def test_the_evidence_ratio_of_suppliers_is_not_set_by_the_large_ones():
    """1,000 suppliers of 6 receipts, and 3 of 20,000 that take twice as long.

    k = 0.4^2 (60^2 + 15^2) / 15^2 = 2.72 without the large, which count as 3 of 1,003 and raise T^2 by
    3 x 60^2 x 6 of their weights / (1,003 x 15^2): 1.09 times. A ratio of sums over receipts would be 0.2.
    The relative standard error of T^2 is sqrt(2 / 1000) (15^2 + 612 / 6) / 15^2 = 6.5 %; the band of 30 %
    holds the bias and four of them, false alarm 1e-4.
    """
    rng, mean, cv = truth(1, 1000)
    draws = rng.gamma(1 / cv[:, None] ** 2, mean[:, None] * cv[:, None] ** 2, (1000, 6))
    large = np.full(3, 120.0)
    own = Moments(
        np.concatenate([np.full(1000, 6.0), np.full(3, 20_000.0)]),
        np.concatenate([draws.mean(axis=1), large]),
        np.concatenate([draws.var(axis=1, ddof=1), np.full(3, 612.0)]),
        np.concatenate([np.full(1000, 5.0), np.full(3, 19_999.0)]),
    )
    mode = np.zeros(1003, dtype=np.int64)
    found = others(own, np.full(1003, np.nan), mode, supply.SupplyParams())
    assert np.median(found.k) == pytest.approx(0.4**2 * (60**2 + 15**2) / 15**2, rel=0.3)


@pytest.mark.parametrize("each", [5, 10])
@pytest.mark.parametrize("cv_spread", [0.0, 0.3, 0.6])
def test_spreads_of_few_receipts_are_near_the_truth(cv_spread, each):
    """600 suppliers of 5 or 10 receipts: mean error of the logarithm of the standard deviation.

    Where all have the same spread the estimate comes near the common one, where they differ much it comes
    near their own; nowhere is it worse than the better of both by more than a twentieth.
    """
    n, params = 600, supply.SupplyParams()
    rng, mean, cv = truth(2, n, cv_spread)
    at, mode = np.repeat(np.arange(n), each), np.zeros(n, dtype=np.int64)
    lead = rng.gamma(1 / cv[at] ** 2, mean[at] * cv[at] ** 2)
    own, typed = moments(at, lead, n), np.full(n, np.nan)
    k = relative_spread_ratio(own, params)
    outside = others(own, typed, mode, params)
    level = supplier_level(own, typed, outside, {"supplier": 5.0, "supplier_spread": k}, params)

    def error(sd):
        return np.abs(np.log(sd / (mean * cv))).mean()

    common = np.sqrt(outside.cv**2 * np.square(own.mean))
    within = level.var - (1 - level.weight) * outside.mean_var
    assert error(np.sqrt(within)) < 1.05 * min(error(np.sqrt(own.var)), error(common))
