"""Loss functions: the expected units short, and left over, of a stock level.

For a demand X and a level x (Snyder & Shen 2019, appendix C; Silver, Pyke & Thomas 2017, appendix II):

    n(x)    = E[(X - x)^+]      units short
    nbar(x) = E[(x - X)^+]      units left over,      n(x) - nbar(x) = E[X] - x

For the families here both follow from the distribution function F and one more term c(x), which
avoids subtracting large numbers in either tail:

    n(x) = (mu - x) (1 - F(x)) + c(x),      nbar(x) = (x - mu) F(x) + c(x)

Levels and parameters are scalars or arrays that broadcast; levels are in units and may be any real
number, also infinite (x = inf: n = 0, nbar = inf; x = -inf: n = inf, nbar = 0). A spread of 0 is the
certain demand mu. What demand is meant (of a period, of the protection interval) is the caller's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from plimsoll.maths.arguments import checked, distribution
from plimsoll.maths.ragged import Floats

STIRLING_FROM = 16.0  # from here the terms of Stirling's series below are exact to rounding
POISSON_BELOW = 1e-8  # relative excess of variance over mean; below, r is too large for the probabilities


class Loss(NamedTuple):
    """Expected units of a level: `short` is n(x), `over` is nbar(x)."""

    short: Floats
    over: Floats


def standard_normal_loss(z: ArrayLike) -> Floats:
    """Return the expected shortage of a standard normal demand.

        n(z) = phi(z) - z (1 - Phi(z))      (Snyder & Shen 2019, appendix C)

    Parameters
    ----------
    z : level in standard deviations above the mean

    Examples
    --------
    >>> round(float(standard_normal_loss(0.0)), 6)
    0.398942
    """
    return normal_loss(z, 0.0, 1.0).short


def standard_normal_second_loss(z: ArrayLike) -> Floats:
    """Return the second-order loss of a standard normal demand, half its squared shortage.

        n2(z) = E[((X - z)^+)^2] / 2 = ((z^2 + 1) (1 - Phi(z)) - z phi(z)) / 2 = integral of n from z on
        (Snyder & Shen 2019, appendix C; Hadley & Whitin 1963)

    Parameters
    ----------
    z : level in standard deviations above the mean; inf gives 0, -inf gives inf

    Examples
    --------
    >>> round(float(standard_normal_second_loss(0.0)), 6)
    0.25
    """
    level = checked("z", z, finite=False)
    inner = np.where(np.isinf(level), 0.0, level)
    value = ((inner * inner + 1) * special.ndtr(-inner) - inner * _normal_density(inner)) / 2
    limit = np.where(level > 0, 0.0, np.inf)
    return np.where(np.isinf(level), limit, np.maximum(value, 0.0))[()]


def normal_loss(x: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Loss:
    """Return the expected units short and over of a normal demand.

        n(x) = sigma (phi(z) - z (1 - Phi(z))),  z = (x - mu) / sigma      (Snyder & Shen 2019, appendix C)

    Parameters
    ----------
    x : level, units
    mean : mu, units
    sd : sigma, units; 0 is the certain demand mu

    Examples
    --------
    >>> loss = normal_loss(60, 50, 8)
    >>> round(float(loss.short), 6), round(float(loss.over), 6)
    (0.404695, 10.404695)
    """
    level, mu, sigma = np.broadcast_arrays(
        checked("x", x, finite=False), checked("mean", mean), checked("sd", sd, least=0)
    )
    z = _ratio(level - mu, sigma)
    return _loss(level, mu, special.ndtr(z), special.ndtr(-z), sigma * _normal_density(z))


def poisson_loss(x: ArrayLike, mean: ArrayLike) -> Loss:
    """Return the expected units short and over of a Poisson demand.

        n(x) = (mu - x) (1 - F(x)) + mu f(floor x)      (Snyder & Shen 2019, appendix C; here for real x too)

    Parameters
    ----------
    x : level, units
    mean : mu, units; 0 is no demand

    Examples
    --------
    >>> loss = poisson_loss(3, 2.0)
    >>> round(float(loss.short), 6), round(float(loss.over), 6)
    (0.218018, 1.218018)
    """
    level, mu = np.broadcast_arrays(checked("x", x, finite=False), checked("mean", mean, least=0))
    steps = np.maximum(_inner_floor(level), 0.0)
    some = (level >= 0) & (mu > 0)
    at = np.where(some, mu, 1.0)
    cdf = np.where(some, special.gammaincc(steps + 1, at), np.where(level >= 0, 1.0, 0.0))
    above = np.where(some, special.gammainc(steps + 1, at), np.where(level >= 0, 0.0, 1.0))
    return _loss(level, mu, cdf, above, np.where(some, mu * _poisson_density(steps, at), 0.0))


def negative_binomial_loss(x: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> Loss:
    """Return the expected units short and over of a negative binomial demand.

        n(x) = (mu - x) (1 - F(x)) + (k + r) (1 - p) / p f(k),  k = floor x
        p = mu / sigma^2,  r = mu^2 / (sigma^2 - mu)      (Snyder & Shen 2019, appendix C)

    Parameters
    ----------
    x : level, units
    mean : mu, units; 0 is no demand
    variance : sigma^2, units squared, at least the mean; equal to it (within 10^-8) is the Poisson demand

    Raises
    ------
    SettingError : the variance is below the mean

    Examples
    --------
    >>> loss = negative_binomial_loss(3, 2.0, 4.0)
    >>> round(float(loss.short), 6), round(float(loss.over), 6)
    (0.4375, 1.4375)
    """
    level, mu, var = np.broadcast_arrays(
        checked("x", x, finite=False), checked("mean", mean, least=0), checked("variance", variance, least=0)
    )
    checked("variance - mean", var - mu, least=0)
    steps = np.maximum(_inner_floor(level), 0.0)
    wide = (level >= 0) & (mu > 0) & (var - mu > POISSON_BELOW * mu)
    p = np.where(wide, _ratio(mu, var), 0.5)
    r = np.where(wide, _ratio(mu * mu, var - mu), 1.0)
    core = (steps * (1 - p) / p + mu) * stats.nbinom.pmf(steps, r, p)
    cdf: Floats = np.asarray(special.betainc(r, steps + 1, p), dtype=np.float64)
    above: Floats = np.asarray(special.betainc(steps + 1, r, 1 - p), dtype=np.float64)
    ample = _loss(level, mu, cdf, above, core)
    plain = poisson_loss(level, mu)
    return Loss(np.where(wide, ample.short, plain.short)[()], np.where(wide, ample.over, plain.over)[()])


def gamma_loss(x: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Loss:
    """Return the expected units short and over of a gamma demand.

        n(x) = (mu - x) (1 - F(x)) + b x f(x),  b = sigma^2 / mu,  shape a = mu^2 / sigma^2
        (Snyder & Shen 2019, appendix C; Burgin 1975)

    Parameters
    ----------
    x : level, units
    mean : mu, units; 0 is no demand
    sd : sigma, units; 0 is the certain demand mu

    Examples
    --------
    >>> loss = gamma_loss(60, 50, 25)
    >>> round(float(loss.short), 4), round(float(loss.over), 4)
    (6.1591, 16.1591)
    """
    level, mu, sigma = np.broadcast_arrays(
        checked("x", x, finite=False), checked("mean", mean, least=0), checked("sd", sd, least=0)
    )
    random = (mu > 0) & (sigma > 0)
    shape = np.where(random, _ratio(mu, sigma) ** 2, 1.0)
    inner = np.where(random & np.isfinite(level), np.maximum(level, 0.0), 0.0)
    scaled = np.where(random, inner / np.where(random, mu, 1.0) * shape, 1.0)
    certain = np.where(level >= mu, 1.0, 0.0)
    cdf = np.where(random, special.gammainc(shape, scaled), certain)
    above = np.where(random, special.gammaincc(shape, scaled), 1 - certain)
    return _loss(level, mu, cdf, above, np.where(random, mu * _poisson_density(shape, scaled), 0.0))


def discrete_loss(x: ArrayLike, values: ArrayLike, pmf: ArrayLike) -> Loss:
    """Return the expected units short and over of any discrete demand.

        n(x) = sum over v > x of (v - x) f(v)      (Snyder & Shen 2019, appendix C)

    Both losses are linear between neighbouring values, so they are summed once at the values, from
    the side where they are small, and interpolated.

    Parameters
    ----------
    x : level, units
    values : (m,) different demands, units, in any order
    pmf : (m,) their probabilities, summing to 1

    Raises
    ------
    InputError : values and probabilities are not a distribution

    Examples
    --------
    >>> loss = discrete_loss([0, 2.5], [1, 2, 3], [0.5, 0.25, 0.25])
    >>> loss.short.tolist(), loss.over.tolist()
    ([1.75, 0.125], [0.0, 0.875])
    """
    level = checked("x", x, finite=False)
    points, weights = distribution(values, pmf)
    mu = float(points @ weights)
    gaps = np.diff(points)
    below, above = np.cumsum(weights[:-1]), np.cumsum(weights[:0:-1])[::-1]
    over = np.concatenate(([0.0], np.cumsum(gaps * below)))
    short = np.concatenate((np.cumsum((gaps * above)[::-1])[::-1], [0.0]))
    short_at = np.where(level < points[0], mu - level, np.interp(level, points, short))
    over_at = np.where(level > points[-1], level - mu, np.interp(level, points, over))
    return Loss(short_at[()], over_at[()])


def _loss(level: Floats, mu: Floats, cdf: Floats, above: Floats, core: Floats) -> Loss:
    """Put a family's three terms together; infinite levels give their limits."""
    finite = np.isfinite(level)
    gap = np.where(finite, level, 0.0) - mu
    short = np.where(finite, np.maximum(core - gap * above, 0.0), np.where(level > 0, 0.0, np.inf))
    over = np.where(finite, np.maximum(core + gap * cdf, 0.0), np.where(level > 0, np.inf, 0.0))
    return Loss(short[()], over[()])


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Return top / bottom; over a bottom of 0 it is plus or minus infinity, and 0 / 0 is +infinity."""
    limit = np.where(top < 0, -np.inf, np.inf)
    with np.errstate(over="ignore"):  # a spread of nearly 0 is as good as 0
        return np.divide(top, bottom, out=limit, where=bottom > 0)


def _inner_floor(level: Floats) -> Floats:
    return np.floor(np.where(np.isfinite(level), level, 0.0))


def _normal_density(z: Floats) -> Floats:
    density: Floats = np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)
    return density


def _poisson_density(k: Floats, mean: Floats) -> Floats:
    """Return mean^k exp(-mean) / Gamma(k + 1) for any real k >= 0, without loss at large means.

    Loader (2000), saddle-point form: the logarithms of the textbook form are of the size of the mean
    and cancel, which at a mean of 10^8 leaves seven digits.
    """
    small = k < STIRLING_FROM
    few, many = np.where(small, k, 1.0), np.where(small, STIRLING_FROM, k)
    direct = np.exp(special.xlogy(few, mean) - mean - special.gammaln(few + 1))
    apart = (mean - many) / many
    with np.errstate(divide="ignore"):  # a mean of 0 has log 0, and rightly no chance
        deviance = many * (apart - np.log1p(apart))
    series = 1 / (12 * many) - 1 / (360 * many**3) + 1 / (1260 * many**5) - 1 / (1680 * many**7)
    return np.where(small, direct, np.exp(-deviance - series) / np.sqrt(2 * np.pi * many))
