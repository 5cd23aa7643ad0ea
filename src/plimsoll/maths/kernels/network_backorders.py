"""What a shortage at a source does to the places that it feeds: evaluation of a node from two moments.

Sizes are in units; a node orders lots of Q when its position falls to its level s or below, so that after
a review the position y is s + e, ..., s + Q (e its step; Q = e is base stock). D_L, D_P: demand over its
lead time, and over its protection interval. B: what the source owes it, independent of both (the source's
shortage stems from demand before the order). Then

    fill rate     1 - E[ (B + D_P - y)^+ - (B + D_L - y)^+ ] / (E[D_P] - E[D_L])
    it owes       (B + D_P - y)^+ at the last period end of a review interval, (B + D_L - y)^+ before the
                  first; at a random one of R the first with weight (R + 1) / (2 R)

B is 0 with a chance of its own; given B > 0, B + D is fitted to its mean and variance. (Graves 1985,
sections 2-3, fits B + D as a whole: shortage that is rare and large then counts too little.)

What a source owes are the last B units that its claimants ordered. With share p of its demand a claimant
is owed p B on average, with variance p^2 Var B + V V' / (V + V') given B, where V and V' are what the
orders of this claimant and of all others vary in so short a stretch (the normal law of two parts given their
sum; one customer a unit: p (1 - p) B, Graves 1985). In a stretch of B units V of a claimant is the variance
of its customers' lumps; of its lots, see below; and of the order in which claimants of one period come.
What claimants order in lots is lumpier than what they sell, N = Q floor((u + D) / Q) with u uniform:

    Var N = Var D + Q^2 E[f (1 - f)],  f the fraction of D / Q

A claimant with lots is owed something only after an order of its own: with the chance u that an order is
late, B > 0 has chance u in the top P(B > 0) / u of its positions, and none below.

Laws are negative binomial (Poisson, binomial) on the grain of the node (what all orders on it are
multiples of) while their deviation is below
STEPS steps. Above, they are the same on a wider lattice, shifted so that three moments stay those of the
law on the node's own grain; a level in between is interpolated.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from plimsoll.maths.kernels.lattice import panjer_block

Floats = NDArray[np.float64]
# what a source owes: mean, variance, P(B > 0), and the top part of positions at which B > 0 may be
Source = tuple[float, float, float, float]

# columns of a node
LEAD_MEAN, LEAD_VARIANCE, PROTECTION_MEAN, PROTECTION_VARIANCE = 0, 1, 2, 3
LOT, UNIT, LAST, COST, TARGET, DEMANDED, PART, LUMP, SELLS, GRAIN, N_COLUMNS = range(4, 15)
# rows of the results of a node
FILL, ON_HAND, OWED, OWED_VARIANCE, SOURCE_OWES, SOURCE_VARIANCE, OWING, SPREAD, N_RESULTS = range(9)

STEPS = 8.0  # steps of the lattice in a standard deviation; half of it misleads the search by 0.5 %
SIZE = 1024  # cells of a law
FARTHEST = 30.0  # SIZE over the cells that an exponential tail takes to vanish
FEW_TRIALS = 200.0  # trials of a binomial from which whole ones meet the variance well enough
_ABOVE, _FIRST, _SECOND, _THIRD = 0, 1, 2, 3
_LOW, _HIGH, _OFFSET = 0, 1, 2
TOLERANCE = 1e-12


@njit(cache=True, nogil=True, error_model="numpy")
def lattice_step(unit: float, mean: float, variance: float) -> float:
    """Return the step on which a law is written: the node's own, or wider for a wide law."""
    if mean <= 0.0:
        return unit
    return max(unit, math.sqrt(variance) / STEPS, variance / mean / FARTHEST)


@njit(cache=True, nogil=True, error_model="numpy")
def _write_counts(pmf: Floats, other: Floats, mean: float, variance: float) -> tuple[int, int]:
    """Write a law of counts with this mean and variance, and return its range.

    Below the variance of the Poisson, and for few counts, two binomials of n and n + 1 trials are mixed so
    that the variance is met, which it is not by whole trials. Above it the tail is cut where it has vanished
    for every use here, which is before the lattice's own limit.
    """
    trials = math.floor(mean * mean / (mean - variance)) if mean > variance else np.inf
    if mean <= TOLERANCE or trials > FEW_TRIALS:
        far = mean + 6.0 * math.sqrt(variance) + 18.0 * max(variance / max(mean, TOLERANCE), 1.0)
        return panjer_block(pmf[: min(int(min(far, 1e9)) + 2, len(pmf))], mean, variance)
    trials = max(trials, math.ceil(mean))
    narrow, wide = mean - mean * mean / trials, mean - mean * mean / (trials + 1.0)
    part = min(max((variance - narrow) / (wide - narrow), 0.0), 1.0)
    lo, hi = panjer_block(pmf, mean, narrow)
    low, high = panjer_block(other, mean, wide)
    first, last = min(lo, low), max(hi, high)
    for k in range(first, last):
        of_narrow = pmf[k] if lo <= k < hi else 0.0
        of_wide = other[k] if low <= k < high else 0.0
        pmf[k] = (1.0 - part) * of_narrow + part * of_wide
    return first, last


@njit(cache=True, nogil=True, error_model="numpy")
def write_law(
    law: Floats, facts: Floats, pmf: Floats, mean: float, variance: float, step: float, grain: float
) -> None:
    """Write the law with this mean and variance as tails and moments of what exceeds each cell.

    Parameters
    ----------
    law : (4, SIZE) result; P(K > k), and E of the first three powers of (K - k)^+, k in cells
    facts : (3,) result; first cell, last cell + 1, and what to add to a cell, in steps
    pmf : (SIZE,) scratch
    mean, variance : units, units squared
    step, grain : of the lattice and of the node, units
    """
    m, v = mean / step, variance / (step * step)
    if v <= TOLERANCE:
        counts = 0.0
    elif step > grain:
        counts = min(2.0 * v / (1.0 + max(2.0 * variance / mean - grain, 0.0) / step), m)
    else:
        counts = m - math.floor(m - min(m, 2.0 * v))
    lo, hi = _write_counts(pmf, law[_THIRD], counts, v)
    facts[_LOW], facts[_HIGH], facts[_OFFSET] = lo, hi, m - counts
    above, first, second, third = 0.0, 0.0, 0.0, 0.0
    law[:, hi - 1] = 0.0
    for k in range(hi - 2, lo - 1, -1):
        above += pmf[k + 1]
        third += 3.0 * (second + first) + above
        second += 2.0 * first + above
        first += above
        law[_ABOVE, k], law[_FIRST, k], law[_SECOND, k], law[_THIRD, k] = above, first, second, third


@njit(cache=True, nogil=True, error_model="numpy")
def excess(law: Floats, facts: Floats, x: float) -> tuple[float, float, float]:
    """Return E of the first three powers of (X - x)^+, in steps."""
    at = x - facts[_OFFSET]
    low, high = int(facts[_LOW]), int(facts[_HIGH])
    if at >= high - 1:
        return 0.0, 0.0, 0.0
    k = low if at < low else int(at)
    d = k - at
    above = 1.0 if at < low else law[_ABOVE, k]
    first, second, third = law[_FIRST, k], law[_SECOND, k], law[_THIRD, k]
    return (
        first + d * above,
        second + d * (2.0 * first + d * above),
        third + d * (3.0 * second + d * (3.0 * first + d * above)),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def averaged(
    law: Floats, facts: Floats, step: float, unit: float, lot: float, level: float
) -> tuple[float, float]:
    """Return the mean and the mean square of the shortage, averaged over the position s + e ... s + Q.

    With m_r = E[((X - s)^+)^r] the average is the difference of these sums at s and s + Q, over Q:

        sum over i >= 1 of e n_1(s + i e) = (m_2 - e m_1) / 2,   of e n_2: (2 m_3 - 3 e m_2 + e^2 m_1) / 6,
    """
    e = unit / step
    a1, a2, a3 = excess(law, facts, level / step)
    b1, b2, b3 = excess(law, facts, (level + lot) / step)
    d1, d2, d3 = a1 - b1, a2 - b2, a3 - b3
    q = lot / step
    mean = max((d2 - e * d1) / (2.0 * q), 0.0)
    square = max((2.0 * d3 - 3.0 * e * d2 + e * e * d1) / (6.0 * q), 0.0)
    return mean * step, square * step * step


@njit(cache=True, nogil=True, error_model="numpy")
def write_laws(node: Floats, source: Source, laws: Floats, facts: Floats, pmf: Floats) -> float:
    """Write the laws of a node on one lattice, and return its step.

    D_L and D_P, and where the source may owe something B + D_L and B + D_P given B > 0.
    """
    mean, variance, chance, _ = source
    lead, protection, grain = node[LEAD_MEAN], node[PROTECTION_MEAN], node[GRAIN]
    step = lattice_step(grain, protection + mean, node[PROTECTION_VARIANCE] + variance)
    if lead > 0.0:
        step = max(step, node[LEAD_VARIANCE] / lead / FARTHEST)
    if chance > 0.0:
        more = mean / chance
        spread = max((variance + mean * mean) / chance - more * more, 0.0)
        least = min(node[UNIT], more)  # B > 0 is one step at least: without it the fit would be too narrow
        more -= least
        if lead + more > 0.0:
            step = max(step, (node[LEAD_VARIANCE] + spread) / (lead + more) / FARTHEST)
        write_law(laws[2], facts[2], pmf, lead + more, node[LEAD_VARIANCE] + spread, step, grain)
        late = node[PROTECTION_VARIANCE] + spread
        write_law(laws[3], facts[3], pmf, protection + more, late, step, grain)
        facts[2, _OFFSET] += least / step
        facts[3, _OFFSET] += least / step
    write_law(laws[0], facts[0], pmf, lead, node[LEAD_VARIANCE], step, grain)
    write_law(laws[1], facts[1], pmf, protection, node[PROTECTION_VARIANCE], step, grain)
    return step


@njit(cache=True, nogil=True, error_model="numpy")
def _short(
    node: Floats, source: Source, laws: Floats, facts: Floats, which: int, step: float, level: float
) -> tuple[float, float]:
    """Return mean and mean square of the shortage against D_L (which = 0) or D_P (1), and B."""
    unit, lot = node[UNIT], node[LOT]
    mean, square = averaged(laws[which], facts[which], step, unit, lot, level)
    chance, top = source[2], source[3]
    if chance > 0.0:
        part = min(max(math.floor(top * lot / unit + 0.5) * unit, unit), lot)
        late = averaged(laws[which + 2], facts[which + 2], step, unit, part, level + lot - part)
        timely = mean, square
        if part < lot:
            timely = averaged(laws[which], facts[which], step, unit, part, level + lot - part)
        mean += chance * (late[0] - timely[0])
        square += chance * (late[1] - timely[1])
    return mean, square


@njit(cache=True, nogil=True, error_model="numpy")
def service(
    node: Floats, source: Source, laws: Floats, facts: Floats, step: float, level: float
) -> tuple[float, float, float, float]:
    """Return fill rate, mean stock on hand, and mean and variance of what the node owes, at a level."""
    unit, lot, last = node[UNIT], node[LOT], node[LAST]
    before, before_square = _short(node, source, laws, facts, 0, step, level)
    after, after_square = _short(node, source, laws, facts, 1, step, level)
    demanded = node[PROTECTION_MEAN] - node[LEAD_MEAN]
    fill = 1.0
    if demanded > TOLERANCE * node[PROTECTION_MEAN]:
        fill = 1.0 - min(max((after - before) / demanded, 0.0), 1.0)
    owed = last * after + (1.0 - last) * before
    square = last * after_square + (1.0 - last) * before_square
    counted = source[0] + last * node[PROTECTION_MEAN] + (1.0 - last) * node[LEAD_MEAN]
    on_hand = level + 0.5 * (lot + unit) - counted + owed
    return fill, max(on_hand, 0.0), owed, max(square - owed * owed, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def chance_owing(
    node: Floats, source: Source, laws: Floats, facts: Floats, step: float, level: float
) -> float:
    """Return the chance that a node owes something after a review.

    sum over i >= 1 of P(X > s + i e) e = E[(X - s - e)^+] on the node's step.
    """
    unit, lot = node[UNIT], node[LOT]
    total, weight = 0.0, 1.0
    for which in (1, 3):
        low = excess(laws[which], facts[which], (level + unit) / step)[0]
        high = excess(laws[which], facts[which], (level + unit + lot) / step)[0]
        if which == 1:
            weight = 1.0 - source[2]
            total = weight * (low - high) * step / lot
        elif source[2] > 0.0:
            total += source[2] * (low - high) * step / lot
    return min(max(total, 0.0), 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def lowest_level(node: Floats) -> float:
    """Return the level at which a node orders only what is owed already."""
    return -float(node[LOT])


@njit(cache=True, nogil=True, error_model="numpy")
def levels_above(node: Floats, chance: float, facts: Floats, step: float) -> int:
    """Return how many steps above its lowest a level serves all demand that the law knows."""
    last = 1 if chance <= 0.0 else 3
    top = 0.0
    for which in range(last + 1):
        top = max(top, (facts[which, _OFFSET] + facts[which, _HIGH]) * step)
    return int(max(math.ceil((top + node[LOT]) / node[UNIT]), 0))


@njit(cache=True, nogil=True, error_model="numpy")
def least_level(
    node: Floats, source: Source, laws: Floats, facts: Floats, step: float, target: float
) -> float:
    """Return the least level with at least this fill rate."""
    low, high = 0, levels_above(node, source[2], facts, step)
    bottom, unit = lowest_level(node), node[UNIT]
    while low < high:
        middle = (low + high) // 2
        fill = service(node, source, laws, facts, step, bottom + middle * unit)[0]
        if fill >= target - TOLERANCE:
            high = middle
        else:
            low = middle + 1
    return float(bottom + low * unit)


@njit(cache=True, nogil=True, error_model="numpy")
def lot_variance(pmf: Floats, mean: float, variance: float, lot: float, unit: float) -> float:
    """Return what ordering in lots adds to the variance of demand, Q^2 E[f (1 - f)] with f of D / Q.

    The phase of the position against the lot is uniform, as it is in the long run. For D wide against
    the lot the result is (Q^2 - e^2) / 6, for rare unit demand Q times its mean.

    Parameters
    ----------
    pmf : (SIZE,) scratch
    mean, variance : of D, units, units squared; a negative binomial of these moments is taken
    lot, unit : Q and e, units

    Examples
    --------
    >>> scratch = np.zeros(SIZE)
    >>> round(lot_variance(scratch, 400.0, 4e4, 10.0, 1.0), 6)                       # (100 - 1) / 6
    16.5
    >>> round(lot_variance(scratch, 0.001, 0.001, 10.0, 1.0), 4)                     # (Q - 1) m
    0.009
    """
    if lot <= unit or mean <= 0.0:
        return 0.0
    step = unit
    if mean + 8.0 * math.sqrt(variance) + 20.0 * max(variance / mean, unit) > SIZE * unit:
        step = lattice_step(unit, mean, variance)
    if step >= 0.25 * lot and step > unit:
        return (lot * lot - unit * unit) / 6.0 * (1.0 - _idle(mean, variance))
    m, v = mean / step, variance / (step * step)
    counts = m - math.floor(m - min(m, 2.0 * v))
    lo, hi = panjer_block(pmf, counts, v)
    total = 0.0
    for k in range(lo, hi):
        f = (m - counts + k) * step / lot
        f -= math.floor(f + 1e-9)
        total += pmf[k] * f * (1.0 - f)
    return max(lot * lot * total, 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _idle(mean: float, variance: float) -> float:
    """Return P(D = 0) of a negative binomial; that of the Poisson for smaller variances."""
    if variance <= mean * (1.0 + 1e-9):
        return math.exp(-mean)
    return math.exp(-mean * mean / (variance - mean) * math.log(variance / mean))


@njit(cache=True, nogil=True, error_model="numpy")
def spread(node: Floats, owed: float, owed_variance: float, owing: float) -> float:
    """Return what the orders of a claimant vary in the stretch of what its source owes, units squared.

    Customers' lumps; lots, in the closed form (Q^2 - e^2) / 6 (1 - exp(-x)) with the right slope for rare
    orders; and the place of the claimant's order among those of a period: M f (1 - f) of M units, f the
    fraction of the period that the stretch cuts, averaged over a uniform law of the stretch.
    """
    part, lot, unit, lump = node[PART], node[LOT], node[UNIT], node[LUMP]
    stretch = owed / owing
    mean = part * stretch
    total = mean * lump
    if mean <= 0.0:
        return 0.0
    if lot > unit:
        most = (lot * lot - unit * unit) / 6.0
        slope = max(max(lot - max(lump, unit), 0.0), most / max(lump, unit))
        total += most * (1.0 - math.exp(-mean * slope / most))
    order = node[PROTECTION_MEAN] - node[LEAD_MEAN]
    if order > 0.0:
        square = (owed_variance + owed * owed) / owing
        half = math.sqrt(3.0 * max(square - stretch * stretch, 0.0)) + 1e-6 * stretch
        low, high = max(stretch - half, 0.0), stretch + half
        period = order / part
        total += part * order * (_cut(high / period) - _cut(low / period)) * period * period / (high - low)
    return float(total)


@njit(cache=True, nogil=True, error_model="numpy")
def _cut(x: float) -> float:
    """Return the integral of f (1 - f) from 0 to x, f the fraction of its argument."""
    whole = math.floor(x)
    f = x - whole
    return whole / 6.0 + f * f * (0.5 - f / 3.0)


@njit(cache=True, nogil=True, error_model="numpy")
def own_spread(node: Floats, stretch: float) -> float:
    """Return what the orders of a node's own customers vary in a stretch of all orders on it."""
    return float(node[SELLS] * stretch * node[LUMP])


@njit(cache=True, nogil=True, error_model="numpy")
def owed_to(node: Floats, of: Floats, at: Floats) -> Source:
    """Return what a source (`of`, with results `at`) owes a claimant.

    In a period the source's own customers come before its claimants, so that of the last units ordered
    claimants have more than their share: with K units a period of claimants, and o of own customers' share,
    o B more for small B, between 0 and K o (on average half of it) for large.
    """
    owed, owing = at[OWED], at[OWING]
    if owing <= 0.0 or owed <= 0.0 or node[PART] <= 0.0:
        return 0.0, 0.0, 0.0, 1.0
    stretch, p, own = owed / owing, node[PART], of[SELLS]
    if own > 0.0:
        claimed = (1.0 - own) * (of[PROTECTION_MEAN] - of[LEAD_MEAN])
        more = 0.5 * own * claimed * (1.0 - math.exp(-2.0 * stretch / claimed)) if claimed > 0.0 else 0.0
        p = min(p * (1.0 + more / ((1.0 - own) * stretch)), 1.0)
    mean = p * owed
    this = spread(node, owed, at[OWED_VARIANCE], owing)
    rest = max(at[SPREAD] - this, 0.0)
    variance = p * p * at[OWED_VARIANCE]
    if this + rest > 0.0:
        variance += owing * this * rest / (this + rest)
    order = node[PROTECTION_MEAN] - node[LEAD_MEAN]
    size = max(node[LOT], order + node[LUMP])
    orders = 1.0 + max(stretch - node[UNIT], 0.0) / size
    chance = owing * (1.0 - (1.0 - p) ** orders)
    chance = min(max(min(chance, mean / node[UNIT]), mean * mean / (variance + mean * mean)), 1.0)
    short = stretch / size * (1.0 - math.exp(-size / stretch))
    late = min((1.0 - at[FILL]) / short, 1.0)
    top = min(chance / late, 1.0) if late > 0.0 else 1.0
    return mean, variance, chance, top
