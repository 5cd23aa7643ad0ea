"""How far a sum of values may be chance: intervals by blocks, and the record of directions."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.maths.ragged import Floats


def sums_by(rows: pl.DataFrame, groups: list[str], block: str, value: str) -> pl.DataFrame:
    """Return the sum of a value in each group with the standard error that its blocks tell.

        se^2 = k / (k - 1) * sum over blocks of (s_b - n_b * mean)^2

    with s_b and n_b the sum and the number of rows of block b, of k: decisions on one item share its demand
    and are not independent (Liang & Zeger 1986).

    Parameters
    ----------
    rows : columns of the groups, the block and the value; unknown values are left out
    groups, block, value : names of columns

    Returns
    -------
    pl.DataFrame
        The groups with count, total, mean, blocks, error (0 blocks or 1: unknown).

    Examples
    --------
    >>> rows = pl.DataFrame({"g": ["a"] * 4, "item": [1, 1, 2, 3], "v": [1.0, 2.0, 3.0, 6.0]})
    >>> sums_by(rows, ["g"], "item", "v").select("count", "total", "blocks", "error").row(0)
    (4, 12.0, 3, 5.196152422706632)
    """
    known = rows.filter(pl.col(value).is_not_null())
    parts = (
        known.sort(*groups, block, value)
        .group_by(*groups, block, maintain_order=True)
        .agg(part=pl.col(value).sum(), size=pl.len())
    )
    mean = pl.col("part").sum().over(groups) / pl.col("size").sum().over(groups)
    blocks = pl.len().cast(pl.Int64)
    spread = (pl.col("off") ** 2).sum() * blocks / (blocks - 1)
    return (
        parts.with_columns(off=pl.col("part") - pl.col("size") * mean)
        .group_by(groups, maintain_order=True)
        .agg(
            count=pl.col("size").sum().cast(pl.Int64),
            total=pl.col("part").sum(),
            mean=pl.col("part").sum() / pl.col("size").sum(),
            blocks=blocks,
            error=pl.when(blocks > 1).then(spread.sqrt()),
        )
    )


def ends(total: pl.Series, error: pl.Series, blocks: pl.Series, confidence: float) -> tuple[Floats, Floats]:
    """Return the ends of the interval of sums: t, one degree of freedom less than blocks; NaN if unknown."""
    from scipy.stats import t

    middle, wide, k = _arrays(total, error, blocks)
    reach = t.ppf(0.5 + confidence / 2.0, np.maximum(k - 1, 1)) * wide
    return middle - reach, middle + reach


def chance_of_more(total: pl.Series, error: pl.Series, blocks: pl.Series) -> Floats:
    """Return the probability of so large a sum if the true one were 0, one-sided; NaN if unknown.

    Without any spread, a sum above 0 has no chance at all, and one of 0 or less is sure.
    """
    from scipy.stats import t

    middle, wide, k = _arrays(total, error, blocks)
    ratio = np.divide(middle, wide, out=np.sign(middle) * np.inf, where=wide > 0)
    ratio = np.where(np.isnan(wide), np.nan, np.where(np.isnan(ratio), 0.0, ratio))
    return np.asarray(t.sf(ratio, np.maximum(k - 1, 1)), dtype=np.float64)


def _arrays(total: pl.Series, error: pl.Series, blocks: pl.Series) -> tuple[Floats, Floats, Floats]:
    nan = float("nan")
    middle, wide = (one.cast(pl.Float64).fill_null(nan).to_numpy() for one in (total, error))
    return middle, wide, blocks.cast(pl.Float64).to_numpy()


def chance_of_direction(up: NDArray[np.int64], down: NDArray[np.int64]) -> Floats:
    """Return the probability of so lopsided a record if ups and downs were alike: the sign test, two-sided.

    Examples
    --------
    >>> chance_of_direction(np.array([8, 4, 0]), np.array([0, 4, 0])).tolist()
    [0.0078125, 1.0, 1.0]
    """
    from scipy.stats import binom

    both = up + down
    return np.asarray(np.minimum(2.0 * binom.sf(np.maximum(up, down) - 1, both, 0.5), 1.0), dtype=np.float64)


def false_alarm_shares(chances: Floats) -> Floats:
    """Return for each finding the least share of false ones at which it is still made.

        q_(i) = min over j >= i of m p_(j) / j        (Benjamini & Hochberg 1995)

    Parameters
    ----------
    chances : (m,) p-values; NaN counts as 1

    Examples
    --------
    >>> false_alarm_shares(np.array([0.01, 0.8, 0.02, np.nan])).tolist()
    [0.04, 1.0, 0.04, 1.0]
    """
    p = np.where(np.isnan(chances), 1.0, chances)
    order = np.argsort(p, kind="stable")
    m = len(p)
    ladder = p[order] * m / np.arange(1, m + 1)
    least = np.minimum.accumulate(ladder[::-1])[::-1]
    shares = np.empty(m)
    shares[order] = np.minimum(least, 1.0)
    return shares
