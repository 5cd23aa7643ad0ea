"""How likely chance alone makes what was seen: tails of counts whose scatter is wider than Poisson's."""

import numpy as np
import polars as pl
from scipy import special

from plimsoll.maths.ragged import Floats


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


def split(came: Floats, before: Floats, share: Floats, spread: Floats | float = 1.0) -> tuple[Floats, Floats]:
    """Return the chances of so many or more, and of so few or fewer, by what came before.

        n of n + b events fall into a share p of the exposure:  P(N >= n) = I_p(n / phi, b / phi + 1)

    the exact comparison of two Poisson rates (Przyborowski & Wilenski 1940) with counts divided by their
    dispersion; I is the regularised incomplete beta function.

    Parameters
    ----------
    came : [n] events lately
    before : [b] events before
    share : [p] exposure lately as a share of all, between 0 and 1
    spread : [phi] at least 1

    Examples
    --------
    >>> [float(tail[0].round(4)) for tail in split(np.array([8.0]), np.array([8.0]), np.array([0.5]))]
    [0.5982, 0.5982]
    """
    phi = np.maximum(spread, 1.0)
    n, b = came / phi, before / phi
    many = np.where(n > 0, special.betainc(np.maximum(n, 1e-12), b + 1.0, share), 1.0)
    rare = np.where(b > 0, special.betainc(np.maximum(b, 1e-12), n + 1.0, 1.0 - share), 1.0)
    return np.asarray(many), np.asarray(rare)


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
