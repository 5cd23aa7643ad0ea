"""Stock of the demo company: heavy on slow C items, short on volatile A items, and what the ERP believes."""

from dataclasses import dataclass

import numpy as np

from plimsoll.examples.catalogue import KIND
from plimsoll.examples.demand import Rates
from plimsoll.examples.shape import Items, Points
from plimsoll.examples.supply import Lanes
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for

POSTURES = ("sensible", "short", "heavy", "dead")
SENSIBLE, SHORT, HEAVY, DEAD = range(4)
VOLATILE = ("erratic", "seasonal", "launch", "trend_up", "lumpy")
# By class A, B, C: what planners hold against chance; the chance of being short and of being heavy (the
# rest is sensible), and how many weeks of demand heavy means.
Z_SENSIBLE = (2.2, 1.88, 1.64)
P_SHORT_VOLATILE, P_SHORT, P_HEAVY = (0.35, 0.10, 0.04), (0.06, 0.04, 0.02), (0.02, 0.08, 0.42)
HEAVY_WEEKS = ((20, 50), (20, 70), (40, 130))
SAFETY_WEEKS = 4  # the ERP's rule of thumb: a month of average demand for everything


@dataclass(frozen=True, slots=True)
class Stock:
    """Stock of each point at `as_of`, why it is so, and the levels in the ERP; units."""

    abc: Ints
    posture: Ints
    sensible_reorder_point: Floats
    on_hand: Ints
    current_safety_stock: Ints
    current_min: Ints
    current_max: Ints


def abc_classes(value: Floats) -> Ints:
    """Return 0, 1, 2 for A, B, C: up to 80 %, up to 95 % and the rest of the value, largest first.

    Examples
    --------
    >>> abc_classes(np.array([1.0, 81.0, 15.0, 3.0])).tolist()
    [2, 0, 1, 2]
    """
    order = np.argsort(-value, kind="stable")
    before = np.cumsum(value[order]) - value[order]
    classes = np.empty(len(value), dtype=np.int64)
    classes[order] = np.searchsorted([0.8, 0.95], before / value.sum(), side="right")
    return classes


def _postures(seed: int, items: Items, points: Points, lanes: Lanes, own: Floats, abc: Ints) -> Ints:
    rng = rng_for(seed, "postures")
    kind = items.kind[points.item]
    volatile = np.isin(kind, [KIND[name] for name in VOLATILE]) | (lanes.cv > 0.4)
    short = np.where(volatile, np.array(P_SHORT_VOLATILE)[abc], np.array(P_SHORT)[abc])
    heavy = np.where(kind == KIND["phase_out"], 0.7, np.array(P_HEAVY)[abc])
    draw = rng.random(points.n)
    posture = np.where(draw < heavy, HEAVY, np.where(draw > 1 - short, SHORT, SENSIBLE))
    return np.where(own <= 0, DEAD, posture)


def draw_stock(
    seed: int, items: Items, points: Points, rates: Rates, lanes: Lanes, on_order: Floats
) -> Stock:
    """Return the stock on hand at `as_of` by posture, and the ERP's levels.

    Sensible means a position above s by 0.2 to 0.9 Q, since the week's orders have gone out, with one
    week of review, and of slow items three usual order lines at least:

        s = max(D (L + 1) + z sqrt((L + 1) sd^2 + D^2 sd_L^2), 3 q)

    Most A items are watched and sensible, but where demand or supply is volatile, so many weeks of average
    demand are too little and a third is short. Nobody watches C items: bought by the batch or for a
    customer who has left, many cover a year or two. Dead stock is what is left over.
    """
    rng = rng_for(seed, "stock")
    n = points.n
    rate = points.with_downstream(rates.now)
    weeks, sd_weeks = lanes.mean_days / 7 + 1, lanes.sd_days / 7
    sd2 = points.with_downstream(rates.now_sd**2)
    abc = abc_classes(rate * items.cost[points.item])
    chance = np.array(Z_SENSIBLE)[abc] * np.sqrt(weeks * sd2 + (rate * sd_weeks) ** 2)
    reorder = np.maximum(rate * weeks + chance, np.where(rate > 0, 3 * points.line_qty, 0.0))
    posture = _postures(seed, items, points, lanes, rate, abc)
    lot = np.minimum(lanes.lot, np.maximum(rate * 26, lanes.moq))
    targets = (
        np.maximum(reorder + rng.uniform(0.2, 0.9, n) * lot - on_order, 0.15 * reorder * rng.random(n)),
        np.maximum(rng.uniform(0.05, 0.7, n) * reorder - on_order, 0.0),
        np.maximum(rate * rng.uniform(*np.array(HEAVY_WEEKS)[abc].T), reorder + lot),
        lanes.weekly * rng.uniform(8, 40, n) + rng.integers(1, 4, n),
    )
    never_sold = points.with_downstream(rates.window_mean) <= 0
    on_hand = np.choose(posture, targets) + np.where(never_sold, 2 + rng.integers(0, 30, n), 0)
    naive = lanes.typed_days / 7 * lanes.weekly
    safety = np.ceil(SAFETY_WEEKS * lanes.weekly)
    current_min = np.ceil(naive + safety)
    return Stock(
        abc=abc,
        posture=posture,
        sensible_reorder_point=reorder,
        on_hand=np.rint(on_hand).astype(np.int64),
        current_safety_stock=safety.astype(np.int64),
        current_min=current_min.astype(np.int64),
        current_max=(current_min + np.ceil(lanes.lot)).astype(np.int64),
    )
