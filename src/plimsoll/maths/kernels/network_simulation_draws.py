"""Draws of the network simulation: any one of them is a function of seed, replication, stream and period.

A draw is the splitmix64 hash (Steele, Lea & Flood 2014, section 3) of its identity, so nothing is kept
between draws: the same demand meets every rule that is compared (common random numbers), on any number of
threads, and can be written out for a check (`demand_draws`, `lead_draws`). One uniform makes one demand, by
the inverse of its distribution function.

Hazard: these functions are compiled into `plimsoll.maths.kernels.network_simulation`, whose cache on disk
does not notice changes made here; touch that file after an edit.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

NO_DEMAND, POISSON, NEGATIVE_BINOMIAL, NORMAL, TABLE = range(5)
LAWS = {
    "none": NO_DEMAND,
    "poisson": POISSON,
    "negative_binomial": NEGATIVE_BINOMIAL,
    "normal": NORMAL,
    "table": TABLE,
}
RING_START, RING_MASK, LEAD_LEAST, LEAD_FIRST, LEAD_LAST, N_TRACK = range(6)
# Functions that run in every period: put into one another, because handing dozens of arrays over at each call
# took half of the time, and compiled without reference counts, which took three quarters. So they may pass
# arrays on, but not make or slice any. `_nrt` is numba's own switch, not a public one: a version without it
# refuses it loudly.
_HOT: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "forceinline": True,
    "_nrt": False,
}
hot = njit(**_HOT)

GUIDE = 256  # entries of the guide into a table of probabilities

_GOLDEN, _MIX_1, _MIX_2 = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xBF58476D1CE4E5B9),
    np.uint64(0x94D049BB133111EB),
)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)
_TO_UNIT = 2.0**-53
_SURE = 2.0  # above every uniform: ends each search

# Wichura 1988 (algorithm AS 241, PPND16): numerators and denominators, highest power first
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699,
     6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip


class Laws(NamedTuple):
    """Laws of customers' demand per period of n stages, and of the lead times of K lines.

    Parameters
    ----------
    kind : (n,) of `LAWS`
    mean, spread : (n,) units; spread is the standard deviation for NORMAL, the shape r of
        NEGATIVE_BINOMIAL (variance = mean + mean^2 / r), else not read
    unit : (n,) demand is rounded to whole multiples of it, 0 leaves it as it is
    step : (n,) units per entry of a table
    start : (n + 1,) where the table of each stage begins in `cdf`
    cdf : probabilities of at most 0, 1, 2, ... steps; written by `tabulate` for the two parametric laws
    key : (n,) identity of each stage's stream
    track : (K, N_TRACK) by line: RING_START, RING_MASK (units on their way that are usable at the start of
        period p are in entry RING_START + (p & RING_MASK) of the ring); LEAD_LEAST periods, and
        LEAD_FIRST..LEAD_LAST, the entries of `lead_cdf` that are its law
    lead_cdf : probabilities of at most LEAD_LEAST, LEAD_LEAST + 1, ... periods
    lead_key : (K,) identity of each line's stream
    """

    kind: Ints
    mean: Floats
    spread: Floats
    unit: Floats
    step: Floats
    start: Ints
    cdf: Floats
    key: Keys
    track: Ints
    lead_cdf: Floats
    lead_key: Keys


@hot
def mixed(z: np.uint64) -> Any:
    """Return the splitmix64 hash of 64 bits."""
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@hot
def uniform(key: np.uint64, t: int) -> float:
    """Return the uniform on [0, 1) of period t in the stream of a key, a multiple of 2^-53."""
    return float(mixed(key + np.uint64(t + 1) * _GOLDEN) >> _S11) * _TO_UNIT


@njit(cache=True, nogil=True, error_model="numpy")
def streams(keys: Keys, seed: int, replication: int, out: Keys) -> None:
    """Write the keys of the streams of one replication."""
    run = mixed(mixed(np.uint64(seed) + _GOLDEN) + np.uint64(replication + 1) * _GOLDEN)
    for k in range(len(keys)):
        out[k] = mixed(keys[k] ^ run)


@hot
def _ratio(powers: tuple[tuple[float, ...], tuple[float, ...]], x: float) -> float:
    top, bottom = 0.0, 0.0
    for k in range(8):
        top = top * x + powers[0][k]
        bottom = bottom * x + powers[1][k]
    return top / bottom


@hot
def normal_quantile(u: float) -> float:
    """Return the quantile of the standard normal, to about 16 digits (Wichura 1988, algorithm AS 241).

    Edge cases: 0 is taken as 2^-54, so that the result is finite.

    Examples
    --------
    >>> round(normal_quantile(0.975), 9)
    1.959963985
    """
    q = u - 0.5
    if abs(q) <= 0.425:
        return float(q * _ratio(_CENTRE, 0.180625 - q * q))
    r = math.sqrt(-math.log(max(min(u, 1.0 - u), 0.5 * _TO_UNIT)))
    tail = _ratio(_MIDDLE, r - 1.6) if r <= 5.0 else _ratio(_TAIL, r - 5.0)
    return float(-tail if q < 0.0 else tail)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(cdf: Floats, mean: float, shape: float) -> None:
    """Write the distribution function of a Poisson (shape infinite) or negative binomial law.

    From the mode p(k + 1) / p(k) = (k + r) / (k + 1) * m / (m + r), so that no power can underflow there.
    """
    size = len(cdf)
    if not mean > 0.0:
        cdf[:] = _SURE
        return
    is_poisson = np.isinf(shape)
    odds = 0.0 if is_poisson else mean / (mean + shape)
    mode = mean if is_poisson else max((shape - 1.0) * mean / shape, 0.0)
    middle = min(int(mode), size - 1)
    cdf[middle] = 1.0
    for k in range(middle, size - 1):
        cdf[k + 1] = cdf[k] * ((mean if is_poisson else (k + shape) * odds) / (k + 1.0))
    for k in range(middle - 1, -1, -1):
        cdf[k] = cdf[k + 1] / ((mean if is_poisson else (k + shape) * odds) / (k + 1.0))
    total = 0.0
    for k in range(size):
        total += cdf[k]
        cdf[k] = total
    for k in range(size):
        cdf[k] /= total
    cdf[size - 1] = _SURE


@njit(cache=True, nogil=True, error_model="numpy")
def tabulate(laws: Laws, level: Floats, cdf: Floats, guide: Ints, is_first: bool) -> None:
    """Write the tables of demand for one replication, and the guides into them.

    Parameters
    ----------
    laws : of n stages
    level : (n,) factor of the mean in this replication; empty where it is 1
    cdf : as long as `laws.cdf`
    guide : (n, GUIDE) first entry whose probability exceeds g / GUIDE
    is_first : nothing has been written yet; later only what depends on the level is
    """
    for i in range(len(laws.kind)):
        kind, begin, end = laws.kind[i], laws.start[i], laws.start[i + 1]
        if kind in (NO_DEMAND, NORMAL):
            continue
        if kind == TABLE:
            if not is_first:
                continue
            cdf[begin:end] = laws.cdf[begin:end]
            cdf[end - 1] = _SURE
        elif is_first or len(level) > 0:
            factor = level[i] if len(level) > 0 else 1.0
            shape = laws.spread[i] if kind == NEGATIVE_BINOMIAL else np.inf
            _fill(cdf[begin:end], laws.mean[i] * factor, shape)
        else:
            continue
        k = begin
        for g in range(GUIDE):
            while cdf[k] <= g / GUIDE:
                k += 1
            guide[i, g] = k - begin


@hot
def write_demand(
    laws: Laws, level: Floats, surge: Floats, keys: Keys, cdf: Floats, guide: Ints, out: Floats
) -> None:
    """Write the demand of every stage and period of one replication into out (n, T)."""
    for i in range(out.shape[0]):
        kind, key, begin, unit, step = laws.kind[i], keys[i], laws.start[i], laws.unit[i], laws.step[i]
        is_scaled = len(level) > 0 and kind in (NORMAL, TABLE)
        for t in range(out.shape[1]):
            if kind == NO_DEMAND:
                out[i, t] = 0.0
                continue
            u = uniform(key, t)
            factor = surge[i, t] if len(surge) > 0 else 1.0
            if is_scaled:
                factor *= level[i]
            if kind == NORMAL:
                drawn = max(laws.mean[i] + laws.spread[i] * normal_quantile(u), 0.0)
            else:
                k = guide[i, int(u * GUIDE)]
                while cdf[begin + k] <= u:
                    k += 1
                drawn = k * step
            drawn *= factor
            if unit > 0.0 and (factor != 1.0 or kind == NORMAL):
                drawn = np.floor(drawn / unit + 0.5) * unit
            out[i, t] = drawn


@hot
def lead_of(line: int, t: int, track: Ints, lead_cdf: Floats, key: np.uint64) -> int:
    """Return the lead time, in periods, of what leaves on a line in period t."""
    k, last = track[line, LEAD_FIRST], track[line, LEAD_LAST]
    if last > k:
        u = uniform(key, t)
        while k < last and lead_cdf[k] <= u:
            k += 1
    return int(track[line, LEAD_LEAST] + k - track[line, LEAD_FIRST])


@njit(cache=True, nogil=True, error_model="numpy")
def demand_draws(seed: int, first: int, laws: Laws, level: Floats, surge: Floats, out: Floats) -> None:
    """Write the demand of replications first, first + 1, ... into out (R, n, T), as it is simulated."""
    keys, cdf, guide = (
        np.empty_like(laws.key),
        np.empty_like(laws.cdf),
        np.zeros((len(laws.kind), GUIDE), np.int64),
    )
    for r in range(out.shape[0]):
        levels = level[r] if len(level) > 0 else np.empty(0)
        streams(laws.key, seed, first + r, keys)
        tabulate(laws, levels, cdf, guide, r == 0)
        write_demand(laws, levels, surge, keys, cdf, guide, out[r])


@njit(cache=True, nogil=True, error_model="numpy")
def lead_draws(seed: int, first: int, laws: Laws, out: Ints) -> None:
    """Write the lead times of replications first, first + 1, ... into out (R, K, T)."""
    keys = np.empty_like(laws.lead_key)
    for r in range(out.shape[0]):
        streams(laws.lead_key, seed, first + r, keys)
        for line in range(out.shape[1]):
            for t in range(out.shape[2]):
                out[r, line, t] = lead_of(line, t, laws.track, laws.lead_cdf, keys[line])
