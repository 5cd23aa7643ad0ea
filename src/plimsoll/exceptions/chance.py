"""How likely chance alone makes what was seen: tails of counts whose scatter is wider than Poisson's."""

import numpy as np
import polars as pl
from scipy import special

from plimsoll.maths.ragged import Floats, Ints

BISECTIONS = 60
STEEPEST = 200.0  # logits by which a usual weight is tilted at most, in search of the saddlepoint
NEAR_MEAN = 1e-3  # standard deviations from the mean within which the formula is 0 / 0


def few(came: Floats, expected: Floats, spread: Floats | float = 1.0) -> Floats:
    """Return the chance of so few events or fewer where more were expected.

        P(N <= n) = Q(n / phi + 1, m / phi)

    the lower tail of a Poisson law of mean m, widened by its dispersion phi (variance over mean) as in
    quasi-likelihood (McCullagh & Nelder 1989, ch. 6); Q is the upper regularised gamma function, which
    needs no whole numbers.

    Parameters
    ----------
    came : [n] events seen
    expected : [m] events expected
    spread : [phi] at least 1

    Examples
    --------
    >>> few(np.array([0.0, 2.0]), np.array([5.0, 5.0])).round(4).tolist()
    [0.0067, 0.1247]
    """
    phi = np.maximum(spread, 1.0)
    return np.asarray(special.gammaincc(came / phi + 1.0, np.maximum(expected, 0.0) / phi))


def thinned(weight: Floats, group: Ints, share: Floats, came: Floats, spread: Floats) -> Floats:
    """Return the chance that as much or more of the weights of a group falls into a share of the exposure.

        P(sum w B >= n),  B = 1 with chance p, independently;   K(t) = sum log(1 - p + p exp(phi w t)) / phi

    by the saddlepoint formula of Lugannani & Rice (1980) with the cumulants K, widened by phi as in `few`.
    The weights stay as they are, so that few large ones make a long tail: a Poisson law of the same variance
    has a shorter one, and would raise false alarms.

    Parameters
    ----------
    weight : [w] weights, all above 0
    group : number of the group of each weight, 0, 1, ...; every group has some
    share : [p] of each group, between 0 and 1
    came : [n] of each group
    spread : [phi] of each group, at least 1

    Examples
    --------
    >>> ones, group = np.ones(16), np.zeros(16, dtype=np.int64)
    >>> p, n, phi = (np.array([each]) for each in (0.5, 12.0, 1.0))
    >>> float(thinned(ones, group, p, n, phi)[0].round(3))  # of 13 or more 0.011, of 12 or more 0.038
    0.022
    """
    phi = np.maximum(spread, 1.0)
    scaled, p = weight * phi[group], share[group]

    def summed(values: Floats) -> Floats:
        return np.asarray(np.bincount(group, values, minlength=share.size))

    total = summed(weight)
    goal = np.clip(came, 1e-6 * total, (1.0 - 1e-6) * total)
    # The slope of K rises with t: its root is bracketed by logits beyond which nearly all or nothing comes.
    high = STEEPEST * summed(np.ones_like(weight)) / summed(scaled)
    low = -high
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        odds = special.expit(special.logit(p) + middle[group] * scaled)
        above = summed(weight * odds) > goal
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    t = (low + high) / 2.0
    odds = special.expit(special.logit(p) + t[group] * scaled)
    cumulant = summed(np.logaddexp(np.log1p(-p), np.log(p) + t[group] * scaled)) / phi
    second = summed(weight * scaled * odds * (1.0 - odds))
    r = np.sign(t) * np.sqrt(np.maximum(2.0 * (t * goal - cumulant), 0.0))
    v = t * np.sqrt(second)
    near = np.abs(r) < NEAR_MEAN
    safe_r, safe_v = np.where(near, 1.0, r), np.where(near, 1.0, v)
    density = np.exp(-(r**2) / 2.0) / np.sqrt(2.0 * np.pi)
    tail = special.ndtr(-r) + density * (1.0 / safe_v - 1.0 / safe_r)
    return np.asarray(np.clip(np.where(near, 0.5, tail), 0.0, 1.0))


def dispersion(came: Floats, expected: Floats, group: pl.Series, *, least: float = 3.0) -> float:
    """Return how much wider than Poisson's the scatter of ordinary groups is, at least 1.

        phi_g = mean over cells of (n - m s_g)^2 / (m s_g),   s_g = sum n / sum m;   phi = median of phi_g

    s_g takes a group's own level out, and the median over groups is not moved by the few that changed.

    Parameters
    ----------
    came, expected : events seen and expected, a cell each
    group : what the cells belong to
    least : events expected below which a group tells nothing

    Examples
    --------
    >>> dispersion(np.array([4.0, 4.0, 0.0, 8.0]), np.full(4, 4.0), pl.Series(["a", "a", "b", "b"]))
    4.0
    """
    cells = pl.DataFrame({"group": group, "n": came, "m": expected})
    level = (pl.col("n").sum() / pl.col("m").sum()).over("group") * pl.col("m")
    found = (
        cells.filter(pl.col("m").sum().over("group") >= least)
        .with_columns(mean=level)
        .filter(pl.col("mean") > 0)
        .group_by("group")
        .agg(
            phi=((pl.col("n") - pl.col("mean")) ** 2 / pl.col("mean")).sort().sum() / (pl.len() - 1).clip(1),
            cells=pl.len(),
        )
        .filter(pl.col("cells") > 1)
    )
    middle = found["phi"].median()
    return max(float(middle), 1.0) if isinstance(middle, float) else 1.0


def least_chance(expected: Floats, spread: Floats | float) -> Floats:
    """Return the least chance that `few` can give with so many expected: that of none at all."""
    return few(np.zeros(expected.size), expected, spread)


def tellable(least: Floats, level: float) -> int:
    """Return among how many tests a level is to be shared: those that could pass at all.

        K = the least k with  #{tests whose least possible p-value is below level / k} <= k

    A test that could not pass whatever came cannot raise a false alarm either (Tarone 1990).

    Parameters
    ----------
    least : least possible p-value of each test
    level : chance of any false alarm among all

    Examples
    --------
    >>> tellable(np.array([1e-6, 1e-5, 0.3, 0.5, 0.9]), 0.05)
    2
    """
    ordered = np.sort(least)
    k = np.arange(1, ordered.size + 1)
    passing = np.searchsorted(ordered, level / k, side="left")
    enough = np.flatnonzero(passing <= k)
    return int(k[enough[0]]) if enough.size else max(int(ordered.size), 1)
