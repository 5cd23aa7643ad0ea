"""What holds of every loss function: the balance of short and over, and a falling convex curve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.maths.loss import discrete_loss, gamma_loss, negative_binomial_loss, normal_loss, poisson_loss

MEANS = st.floats(0.01, 1e5)
SPREADS = st.floats(0.05, 3.0)


def _lattice(x, mean, cv):
    values = mean * np.linspace(0, 2, 9)
    weights = np.exp(-(((values / mean - 1) / cv) ** 2)) + 1e-9
    weights = weights / weights.sum()
    return discrete_loss(x, values, weights), float(values @ weights)


FAMILIES = {
    "normal": lambda x, mean, cv: (normal_loss(x, mean, cv * mean), mean),
    "poisson": lambda x, mean, cv: (poisson_loss(x, mean), mean),
    "negative binomial": lambda x, mean, cv: (negative_binomial_loss(x, mean, mean * (1 + cv)), mean),
    "gamma": lambda x, mean, cv: (gamma_loss(x, mean, cv * mean), mean),
    "discrete": _lattice,
}


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=60, derandomize=True, deadline=None)
@given(mean=MEANS, cv=SPREADS, low=st.floats(-1, 2), width=st.floats(0.01, 3))
def test_loss_balances_falls_and_is_convex(family, mean, cv, low, width):
    x = mean * (low + width * np.linspace(0, 1, 21))
    (short, over), mu = FAMILIES[family](x, mean, cv)
    scale = mean * (1 + cv + abs(low) + width)
    assert np.all(short >= 0)
    assert np.all(over >= 0)
    np.testing.assert_allclose(short - over, mu - x, atol=1e-11 * scale)
    assert np.all(np.diff(short) <= 1e-11 * scale)
    assert np.all(np.diff(over) >= -1e-11 * scale)
    assert np.all(np.diff(short, 2) >= -1e-11 * scale)
    assert np.all(short >= np.maximum(mu - x, 0) - 1e-11 * scale)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(mean=MEANS, cv=SPREADS, share=st.floats(0, 3), unit=st.floats(1e-3, 1e3))
def test_loss_scales_with_the_unit(mean, cv, share, unit):
    for loss in (normal_loss, gamma_loss):
        plain = loss(share * mean, mean, cv * mean).short
        scaled = loss(unit * share * mean, unit * mean, unit * cv * mean).short
        np.testing.assert_allclose(scaled, unit * plain, rtol=1e-9, atol=1e-12 * unit * mean)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(mean=st.floats(0.01, 1e4), cv=st.floats(0.05, 2), more=st.floats(1.01, 2), share=st.floats(0, 3))
def test_more_spread_never_lowers_the_loss(mean, cv, more, share):
    x = share * mean
    for loss, one, two in (
        (normal_loss, cv * mean, more * cv * mean),
        (gamma_loss, cv * mean, more * cv * mean),
        (negative_binomial_loss, mean * (1 + cv), mean * (1 + more * cv)),
    ):
        assert loss(x, mean, two).short >= loss(x, mean, one).short - 1e-10 * mean
