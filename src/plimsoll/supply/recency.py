"""Whether evidence of lead times fades, and how fast: judged by what it would have predicted."""

from datetime import date

import numpy as np
import polars as pl
from scipy import special, stats

from plimsoll.maths.kernels.supply import predict_in_turn
from plimsoll.maths.ragged import Floats, Ints, bounds_of
from plimsoll.supply.params import SupplyParams

LEVELS = (0.5, 0.8, 0.95)
LEAST_SEEN = 5  # receipts of the supplier before an order is predicted
LEAST_BLOCKS = 4  # quarters of a year that must be compared
RIPE = 0.95  # orders are judged only when this share of lead times would have ended


def gamma_quantiles(mean: Floats, variance: Floats, levels: Floats) -> Floats:
    """Return quantiles of gammas, days; (n, levels).

        q = m (1 - c^2 / 9 + z c / 3)^3,   c = coefficient of variation     (Wilson & Hilferty 1931)

    Examples
    --------
    >>> float(gamma_quantiles(np.array([10.0]), np.array([9.0]), np.array([0.95]))[0, 0].round(2))
    15.39
    """
    cv = np.sqrt(variance) / np.maximum(mean, 1e-9)
    root = 1.0 - np.square(cv)[:, None] / 9.0 + special.ndtri(levels) * cv[:, None] / 3.0
    found: Floats = mean[:, None] * np.maximum(root, 0.0) ** 3
    return found


def pinball(value: Floats, quantiles: Floats, levels: Floats) -> Floats:
    """Return the mean pinball loss over the levels of each value.

    Examples
    --------
    >>> pinball(np.array([12.0]), np.array([[10.0, 20.0]]), np.array([0.5, 0.9])).round(12).tolist()
    [0.9]
    """
    gap = value[:, None] - quantiles
    loss: Floats = np.maximum(levels * gap, (levels - 1.0) * gap).mean(axis=1)
    return loss


def half_life(orders: pl.DataFrame, params: SupplyParams, *, as_of: date) -> float | None:
    """Return the half-life of evidence in days, or None where nothing speaks for fading.

    Every order is predicted with the receipts of its supplier known on its day, their weight halved
    every so many days; the losses of a half-life are compared with those of no fading, quarter by
    quarter, the sums of quarters being taken as independent (Student's t). Of the half-lives that are
    better beyond chance (`fading_false_alarm`, shared equally among them) and worth it
    (`fading_min_gain`) the best is taken.

    Parameters
    ----------
    orders : `supplier`, `ordered_date`, `received_date`, `value` (lead time cleared of the differences
        between the supplier's items and lanes, days) and `scale` (days, by which losses are divided)
    params : options
    as_of : day of knowledge; younger orders, of which only the short are known, are not judged, nor are
        the first of each supplier, while only short ones had arrived
    """
    if orders.height < LEAST_SEEN:
        return None
    rows = orders.sort("supplier", "ordered_date", "received_date", "value")
    supplier, value, scale = (rows[name].to_numpy() for name in ("supplier", "value", "scale"))
    ordered, received = (
        rows[name].to_physical().cast(pl.Int64).to_numpy() for name in ("ordered_date", "received_date")
    )
    bounds = bounds_of(np.bincount(supplier))
    by_receipt = np.lexsort((value, received, supplier))
    day = (as_of - date(1970, 1, 1)).days
    wait = np.quantile(received - ordered, RIPE)
    begun = ordered[np.minimum(bounds[:-1], ordered.size - 1)][supplier]
    judged = (ordered <= day - wait) & (ordered >= begun + 2 * wait)
    laws = []
    for life in (np.inf, *params.half_lives_days):
        fade = np.log(2.0) / life
        mean, variance = predict_in_turn(bounds, ordered, received, value, by_receipt, fade, LEAST_SEEN)
        judged &= np.isfinite(mean)
        laws.append((mean, variance))
    at = np.flatnonzero(judged)
    quarter, levels = ordered[at] // 91, np.array(LEVELS)
    if np.unique(quarter).size < LEAST_BLOCKS:
        return None
    plain, *fading = (
        pinball(value[at], gamma_quantiles(mean[at], variance[at], levels), levels) / scale[at]
        for mean, variance in laws
    )
    level, least = params.fading_false_alarm / len(fading), params.fading_min_gain * plain.mean()
    gains = ((plain - loss, life) for loss, life in zip(fading, params.half_lives_days, strict=True))
    kept = [
        (-gain.mean(), life)
        for gain, life in gains
        if gain.mean() > least and _p_of_gain(gain, quarter) < level
    ]
    return min(kept)[1] if kept else None


def _p_of_gain(gain: Floats, block: Ints) -> float:
    """Return how often chance makes a mean gain so large, the sums of blocks of time being independent."""
    _, number = np.unique(block, return_inverse=True)
    size, total = np.bincount(number), np.bincount(number, weights=gain)
    error = np.sqrt(np.square(total - gain.mean() * size).sum() * size.size / (size.size - 1))
    return float(stats.t.sf(total.sum() / error, size.size - 1)) if error > 0 else 1.0
