"""Smoothing against figures of statsforecast 2.1.1 (pandas 2).

    from statsforecast.models import *
    SimpleExponentialSmoothing(alpha=.1).forecast(y=z, h=1); CrostonClassic().forecast(y=y, h=1)
    CrostonSBA().forecast(y=y, h=1); TSB(alpha_d=.1, alpha_p=.05).forecast(y=y, h=1)

Start values differ (ours are normalised weights), so the series are long enough to forget them.
"""

import numpy as np
import pytest

from plimsoll.maths.kernels import demand_fit as fit

T = np.arange(400)
Y = np.where((T * 7919) % 11 < 4, 1 + (T * 104729) % 13, 0).astype(float)
Z = 50 + 10 * np.sin(T * 1.7) + (T * 31) % 17


@pytest.mark.parametrize(
    ("method", "expected", "remembered"),
    [
        (fit.SES, 58.10371003562421, 0.9**400),
        (fit.CROSTON, 2.9242891511859415, 0.9**145),
        (fit.SBA, 2.7780746936266443, 0.9**145),
        (fit.TSB, 2.678977561955684, 0.9**145),
    ],
)
def test_statsforecast(method, expected, remembered):
    bounds, marks = np.array([0, 400]), np.array([[400]])
    state = np.zeros((1, 1, fit.N_METHODS, fit.WIDTH))
    if method == fit.SES:
        fit.fit_trend(Z, bounds, marks, np.ones(1, bool), np.array([[0.1, 0.0, 1.0]]), fit.SES, state)
    else:
        fit.fit_counts(Y, bounds, marks, np.array([0.02, 0.1, 0.05]), state, np.zeros((1, 1)))
    assert state[0, 0, method, 0] == pytest.approx(expected, rel=20 * remembered + 1e-12)
