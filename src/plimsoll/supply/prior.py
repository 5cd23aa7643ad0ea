"""What stands behind a supplier's own receipts: its typed lead time, or what other suppliers take."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from plimsoll.maths.ragged import Floats, Ints
from plimsoll.supply.credibility import Moments, Pooled
from plimsoll.supply.params import SupplyParams

LEAST_SPREAD = 0.1  # of other suppliers' spread; a few equal lead times are no proof that all are
MOST_RATIO = 4.0  # typed values out of line by more are mistakes, and weigh as this much


def modes_of(lanes: pl.DataFrame, receipts: pl.DataFrame, nodes: pl.DataFrame) -> Ints:
    """Return the number of each supplier's mode of transport; the same number where none is known.

    The mode of most of its lanes, or else of most of its receipts; the first by name of equals.
    """
    suppliers = nodes.select("supplier", "from_location_id").unique().sort("supplier")
    typed, received = (_commonest(frame) for frame in (lanes, receipts))
    mode = (
        suppliers.join(typed, on="from_location_id", how="left", maintain_order="left")
        .join(received, on="from_location_id", how="left", maintain_order="left", suffix="_received")
        .select(pl.coalesce("mode", "mode_received", pl.lit("")).rank("dense"))
    )
    return mode.to_series().cast(pl.Int64).to_numpy() - 1


def _commonest(rows: pl.DataFrame) -> pl.DataFrame:
    counted = rows.filter(pl.col("mode").is_not_null()).group_by("from_location_id", "mode").len()
    ordered = counted.sort("from_location_id", -pl.col("len").cast(pl.Int64), "mode")
    return ordered.unique("from_location_id", keep="first", maintain_order=True).drop("len")


@dataclass(frozen=True, slots=True)
class Others:
    """What suppliers of the same mode take, or else all suppliers; one entry a supplier.

    `ratio` of actual to typed lead times and the variance of its logarithm; `mean` of suppliers, NaN
    where too few are known, the variance between them and the receipts `k` that weigh as much; `cv` of
    one supplier's lead times; `cv_measured` and `same_mode` say where figures are from.
    """

    ratio: Floats
    ratio_var: Floats
    mean: Floats
    mean_var: Floats
    k: Floats
    cv: Floats
    cv_measured: NDArray[np.bool_]
    same_mode: NDArray[np.bool_]


def others(own: Moments, typed: Floats, mode: Ints, params: SupplyParams) -> Others:
    """Return what is to be expected of each supplier before its own receipts are read.

        log R = sum w log(m / typed) / (sum w + K),   w = n / (n + k)          suppliers of other modes
        log R_mode = (sum w log(m / typed) + K log R) / (sum w + K)            others of the same mode

    with k = `k_default` receipts and K = `pool_min_suppliers` imagined suppliers that keep to what is typed,
    or do as other modes. Means and spreads of a mode are used from K other suppliers on, else those of all
    suppliers from K on, else none. The evidence ratio is that of variance within to variance between
    suppliers, every supplier with many receipts counting alike: a few large ones must not set it.

    Parameters
    ----------
    own : moments of each supplier's deliveries, (G,)
    typed : (G,) mean of its typed lead times, NaN where none
    mode : (G,) number of its mode
    params : options

    Examples
    --------
    Ten suppliers take 30 days where 20 are typed: an eleventh is expected to take longer, too.

    >>> n = np.array([50.0] * 10 + [0.0])
    >>> own = Moments(n, np.where(n > 0, 30.0, 0.0), np.where(n > 0, 81.0, 0.0), np.maximum(n - 1, 0))
    >>> found = others(own, np.full(11, 20.0), np.zeros(11, dtype=int), SupplyParams())
    >>> tuple(round(float(part[10]), 2) for part in (found.ratio, found.mean, found.cv))
    (1.3, 30.0, 0.3)
    """
    least = params.pool_min_suppliers
    everyone = np.zeros(mode.size, dtype=np.int64)
    has = own.n > 0
    weight = np.where(has, own.n / (own.n + params.k_default), 0.0)
    both = has & (typed > 0) & (own.mean > 0)
    log = np.where(both, np.log(np.where(both, own.mean / np.where(both, typed, 1.0), 1.0)), 0.0)
    log = np.clip(log, -np.log(MOST_RATIO), np.log(MOST_RATIO))
    w = weight * both
    in_mode, log_mode = (np.bincount(mode, weights=part)[mode] for part in (w, w * log))
    other_log = ((w * log).sum() - log_mode) / (w.sum() - in_mode + least)
    mode_log = (log_mode - w * log + least * other_log) / (in_mode - w + least)
    off = np.square(log - mode_log)
    ratio_var = (w * off).sum() / w.sum() if both.sum() >= least else 0.0

    noise = np.where(has, own.var / np.where(has, own.n, 1.0), 0.0)
    of_mode, of_all = (_means(own.mean, noise, weight, group) for group in (mode, everyone))
    same, any_ = of_mode[2] >= least, of_all[2] >= least
    mean = np.where(same, of_mode[0], np.where(any_, of_all[0], np.nan))
    mean_var = np.where(same, of_mode[1], np.where(any_, of_all[1], 0.0))

    freedom = own.freedom.sum()
    within = (own.freedom * own.var).sum() / freedom if freedom >= params.k_min_freedom else np.nan
    k = np.clip(within / np.maximum(mean_var, 1e-9), params.k_min, params.k_max)

    known = own.freedom * (own.mean > 0)
    square = own.var / np.square(np.where(own.mean > 0, own.mean, 1.0))
    cv_mode, cv_all = (_means(square, 0.0 * noise, known, group) for group in (mode, everyone))
    measured = cv_all[2] >= least
    pooled = np.where(cv_mode[2] >= least, cv_mode[0], cv_all[0])
    return Others(
        np.exp(mode_log),
        np.full(mode.size, ratio_var),
        mean,
        mean_var,
        np.where(np.isnan(k), params.k_default, k),
        np.where(measured, np.sqrt(pooled), params.typed_cv),
        measured,
        same,
    )


def _means(value: Floats, noise: Floats, weight: Floats, group: Ints) -> tuple[Floats, Floats, Floats]:
    """Return of the group of each entry: mean of the others, variance beyond noise, number of the others."""
    counts = (weight > 0).astype(np.float64)
    n, total, sums = (np.bincount(group, weights=part)[group] for part in (counts, weight, weight * value))
    rest = total - weight
    mean = np.where(rest > 0, (sums - weight * value) / np.where(rest > 0, rest, 1.0), 0.0)
    some = np.where(total > 0, total, 1.0)
    off = weight * (np.square(value - sums / some) - noise)
    spread = np.maximum(np.bincount(group, weights=off)[group] / some, 0.0) * n / np.maximum(n - 1.0, 1.0)
    return mean, spread, n - counts


def supplier_level(
    own: Moments, typed: Floats, outside: Others, k: dict[str, float], params: SupplyParams
) -> Pooled:
    """Return mean and variance of each row's supplier, what stands behind its receipts included.

        M = typed R, or the mean of other suppliers, or the default;   mean = z m + (1 - z) M
        var = (s^2 b)^u (cv mean)^(2 (1 - u)) + (1 - z) T^2,   u = f / (f + k'),   log b = log(f/2) - psi(f/2)

    T^2 is the variance of suppliers about M. A default is no evidence: where nothing else is known,
    receipts have the whole weight. The logarithm of a variance is pooled, for spreads differ by factors
    (b makes that of few receipts unbiased, see `credibility.relative_spread_ratio`); cv being a root of
    mean squares, what is uncertain of the logarithm is in it. Where cv is assumed
    and not measured, u grows evenly to 1 at `spread_full_receipts` and variances are pooled as they are.

    Parameters
    ----------
    own : moments of the supplier of each row, (n,)
    typed : (n,) typed lead time of the row, NaN where none
    outside : what other suppliers take, for the supplier of each row, (n,)
    k : evidence ratios `supplier` (against typed values) and `supplier_spread` [k'] of spreads
    params : options
    """
    from_typed, from_others = ~np.isnan(typed), ~np.isnan(outside.mean)
    anything = np.where(own.n > 0, own.mean, params.default_lead_time_days)
    prior = np.where(from_typed, typed * outside.ratio, np.where(from_others, outside.mean, anything))
    ratio = np.where(from_typed, k["supplier"], outside.k)
    weight = np.where(from_typed | from_others, own.n / (own.n + ratio), np.minimum(own.n, 1.0))
    mean = weight * own.mean + (1.0 - weight) * prior
    between = np.where(from_typed, np.expm1(outside.ratio_var) * np.square(prior), outside.mean_var)
    others_var = np.square(outside.cv * mean)
    trust = np.clip(own.freedom / (params.spread_full_receipts - 1), 0.0, 1.0)
    assumed = trust * own.var + (1.0 - trust) * others_var
    trust = own.freedom / (own.freedom + k["supplier_spread"])
    half = np.maximum(own.freedom, 1e-9) / 2
    unbiased = np.maximum(own.var, LEAST_SPREAD**2 * others_var) ** trust * np.exp(
        trust * (np.log(half) - special.digamma(half))
    )
    measured = np.where(own.freedom > 0, unbiased, 1.0) * others_var ** (1.0 - trust)
    within = np.where(outside.cv_measured, measured, assumed)
    return Pooled(weight, mean, within + (1.0 - weight) * between)
