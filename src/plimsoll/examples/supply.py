"""Supply of the demo company: suppliers, lanes with true and typed lead times, and replenishment orders."""

from dataclasses import dataclass, replace

import numpy as np

from plimsoll.examples.demand import Rates
from plimsoll.examples.shape import (
    FIRST_SUPPLIER,
    N_SUPPLIERS,
    NEVER,
    Bools,
    Items,
    Points,
    Span,
)
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for

DISTRIBUTIONS = ("gamma", "lognormal", "late_vessel", "shifted_poisson")
REGIONS = ("domestic", "near", "asia")
REGION_PATTERN = (0, 0, 2, 0, 1, 2, 0, 1)  # by supplier's size, so that each region has large and small ones
LEAD_DAYS = ((7, 25), (20, 45), (60, 110))  # range of supplier means by region
LEAD_CV = ((0.10, 0.50), (0.10, 0.40), (0.08, 0.30))
TYPED_BIAS = np.array([1.0, 0.98, 0.95])  # typed value over the truth, by region, before rounding
TYPED_GRID: Floats = np.array(
    [3, 5, 7, 10, 12, 14, 17, 21, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 120, 150, 180, 240, 300.0]
)
MANY_LANES = 8  # a supplier of fewer may have one lead time for all of them without anybody being to blame
STALE_SHARE = 0.6  # of the lanes on which receipts show it
STALE_FACTOR = (2.0, 3.0)
P_TOO_SHORT = np.array([0.5, 0.6, 0.8])  # by region: far suppliers have become slower
EVIDENT_RECEIPTS, EVIDENT_DAYS, EVIDENT_ERRORS = 6, 10.0, 8.0
HOLDING_RATE = 0.22
MAX_ORDERS, MAX_TRANSFERS, TRANSFER_DAYS = 60, 12, 182


@dataclass(frozen=True, slots=True)
class Sources:
    """The plant (entry 0) and the suppliers: region and true lead time, days."""

    region: Ints
    distribution: Ints
    mean_days: Floats
    cv: Floats
    late_share: Floats
    late_days: Floats
    typed_30: Bools


@dataclass(frozen=True, slots=True)
class Lanes:
    """One lane per stocking point, in the order of the points."""

    distribution: Ints
    main_days: Floats
    cv: Floats
    late_share: Floats
    late_days: Floats
    mean_days: Floats
    sd_days: Floats
    typed_days: Floats
    one_for_all: Bools
    stale: Bools
    moq: Ints
    multiple: Ints
    order_cost: Floats
    lot: Floats
    weekly: Floats


@dataclass(frozen=True, slots=True)
class Orders:
    """Replenishment orders as columns, ordered by day; days count from the first Monday."""

    point: Ints
    ordered_day: Ints
    arrival_day: Ints
    quantity: Ints
    second_day: Ints
    second_quantity: Ints


def draw_sources(seed: int) -> Sources:
    """Return the plant and the suppliers; some Asian ones now and then miss a vessel."""
    rng = rng_for(seed, "sources")
    n = N_SUPPLIERS
    region = np.resize(REGION_PATTERN, n)
    low, high = np.array(LEAD_DAYS)[region].T
    cv_low, cv_high = np.array(LEAD_CV)[region].T
    misses = (region == REGIONS.index("asia")) & (rng.random(n) < 0.4)
    distribution = np.where(misses, 2, rng.integers(0, 2, n))
    mean, cv = rng.uniform(low, high), rng.uniform(cv_low, cv_high)
    late_share = np.where(misses, rng.uniform(0.08, 0.18, n), 0.0)
    late_days = np.where(misses, rng.uniform(18, 35, n), 0.0)
    typed_30 = np.isin(np.arange(n), [4 + rng.integers(4), *rng.choice(np.arange(8, n), 3, replace=False)])
    return Sources(
        region=np.concatenate(([0], region)),
        distribution=np.concatenate(([0], distribution)),
        mean_days=np.concatenate(([18.0], mean)),
        cv=np.concatenate(([0.35], cv)),
        late_share=np.concatenate(([0.0], late_share)),
        late_days=np.concatenate(([0.0], late_days)),
        typed_30=np.concatenate(([False], typed_30)),
    )


def _lots(seed: int, items: Items, points: Points, weekly: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    """Return minimum, multiple, order cost, and economic lot within them (Harris 1913), per lane.

    Q = sqrt(2 K D / (h c))
    """
    rng = rng_for(seed, "lots")
    n = points.n
    transfer = points.transferred
    cost = np.where(transfer, rng.choice([8, 12, 15], n), rng.choice([40, 60, 80, 120], n))
    order_cost = np.where(points.produced, 150.0, cost.astype(np.float64))
    carton = items.carton[points.item]
    multiple = np.where(transfer & (weekly * 2 < carton), 1, carton)
    asked = multiple * rng.choice([1, 1, 2, 4, 10], n, p=[0.3, 0.3, 0.2, 0.15, 0.05])
    moq = np.where(transfer, 1, asked)
    economic = np.sqrt(2 * order_cost * weekly * 52 / (HOLDING_RATE * items.cost[points.item]))
    ceiling = np.where(transfer, 4, 26) * weekly
    return moq, multiple, order_cost, np.maximum(np.minimum(economic, ceiling), np.maximum(moq, weekly))


def maker_of(points: Points) -> Ints:
    """Return the entry of `Sources` that supplies each lane: the plant for what is made or transferred."""
    return np.maximum(points.source - FIRST_SUPPLIER + 1, 0)


def draw_lanes(seed: int, items: Items, points: Points, rates: Rates, sources: Sources) -> Lanes:
    """Return the lanes: true lead times vary by supplier and item, typed ones are near them and rounded."""
    rng = rng_for(seed, "lanes")
    transfer, maker = points.transferred, maker_of(points)
    spread = np.where(points.produced, 0.25, 0.06)
    # One factor per item: what differs from item to item at a supplier is alike for both receiving DCs.
    own = np.exp(rng.standard_normal(items.n)[points.item] * spread - spread**2 / 2)
    main = np.where(transfer, _transfer_days(seed)[points.place], sources.mean_days[maker] * own)
    cv, p, e = sources.cv[maker], sources.late_share[maker], sources.late_days[maker]
    mean = np.where(transfer, main, main + p * e)
    # Whole days: rounding adds 1/12 to the variance. The delay of a missed vessel has a cv of 0.2.
    variance = (main * cv) ** 2 + p * 1.04 * e**2 - (p * e) ** 2 + 1 / 12
    old = mean * TYPED_BIAS[sources.region[maker]] * np.exp(rng.normal(0, 0.05, items.n))[points.item]
    many = np.bincount(maker, minlength=len(sources.typed_30)) >= MANY_LANES
    one_for_all = (sources.typed_30 & many)[maker]
    typed = np.where(one_for_all, 30.0, _rounded(old))
    weekly = points.with_downstream(rates.window_mean / np.maximum(rates.active_weeks, 1))
    moq, multiple, order_cost, lot = _lots(seed, items, points, weekly)
    return Lanes(
        distribution=np.where(transfer, 3, sources.distribution[maker]),
        main_days=main,
        cv=cv,
        late_share=np.where(transfer, 0.0, p),
        late_days=np.where(transfer, 0.0, e),
        mean_days=mean,
        sd_days=np.sqrt(np.where(transfer, main - 1, variance)),
        typed_days=np.where(transfer, 3.0, typed),
        one_for_all=one_for_all,
        stale=np.zeros(points.n, dtype=np.bool_),
        moq=moq,
        multiple=multiple,
        order_cost=order_cost,
        lot=lot,
        weekly=weekly,
    )


def _rounded(days: Floats) -> Floats:
    """Return days as people type them."""
    nearest = np.abs(days[:, None] - TYPED_GRID).argmin(axis=1)
    typed: Floats = TYPED_GRID[nearest]
    return typed


def grow_stale(
    seed: int, lanes: Lanes, orders: "Orders", points: Points, sources: Sources, span: Span
) -> Lanes:
    """Return the lanes with some typed lead times that were true long ago, off by a factor of 2 to 3.

    They are where anybody who looks can see it: at least six receipts, ten days, and eight standard
    errors of their mean, their spread in proportion to the longer of both, from the truth. Suppliers
    with one value for all lanes have their own mistake.
    """
    rng = rng_for(seed, "stale lead times")
    n, maker = points.n, maker_of(points)
    factor = np.exp(rng.uniform(np.log(STALE_FACTOR[0]), np.log(STALE_FACTOR[1]), n))
    short = rng.random(n) < P_TOO_SHORT[sources.region[maker]]
    typed = _rounded(lanes.mean_days * np.where(short, 1 / factor, factor))
    off = np.abs(typed - lanes.mean_days)
    received = np.bincount(orders.point[orders.arrival_day <= span.n_days], minlength=n)
    spread = lanes.sd_days * np.maximum(typed / lanes.mean_days, 1.0)
    error = spread / np.sqrt(np.maximum(received, 1))
    evident = (received >= EVIDENT_RECEIPTS) & (off >= EVIDENT_DAYS) & (off >= EVIDENT_ERRORS * error)
    stale = evident & ~points.transferred & ~lanes.one_for_all & (rng.random(n) < STALE_SHARE)
    return replace(lanes, typed_days=np.where(stale, typed, lanes.typed_days), stale=stale)


def _transfer_days(seed: int) -> Floats:
    """Return the mean days of a transfer from its DC to each of our places."""
    return rng_for(seed, "transfer days").uniform(2, 5, FIRST_SUPPLIER)


def draw_lead_days(rng: np.random.Generator, lanes: Lanes, lane: Ints) -> Ints:
    """Return one lead time in whole days for each named lane, at least one day."""
    n = len(lane)
    main, cv, kind = lanes.main_days[lane], lanes.cv[lane], lanes.distribution[lane]
    sigma2 = np.log1p(cv**2)
    gamma = rng.standard_gamma(1 / cv**2) * cv**2 * main
    lognormal = main * np.exp(rng.standard_normal(n) * np.sqrt(sigma2) - sigma2 / 2)
    delay = np.where(rng.random(n) < lanes.late_share[lane], rng.standard_gamma(25.0, n) / 25, 0.0)
    days = np.where(kind == 1, lognormal, gamma) + delay * lanes.late_days[lane]
    days = np.where(kind == 3, 1 + rng.poisson(np.maximum(main - 1, 0)), days)
    return np.maximum(np.rint(days), 1).astype(np.int64)


def _round_up(quantity: Floats, multiple: Ints) -> Ints:
    return (np.ceil(quantity / multiple - 1e-9) * multiple).astype(np.int64)


def draw_orders(seed: int, items: Items, points: Points, lanes: Lanes, span: Span) -> Orders:
    """Return the orders placed up to `as_of`; transfers of the last half year only.

    Each lane orders about its lot at about even intervals while its item lives; what arrives after
    `as_of` is open. Some orders come in two parts; the lead time is that of the first.
    """
    rng = rng_for(seed, "orders")
    transfer = points.transferred
    begin = np.where(items.launch_week > 0, items.launch_week * 7, 0)[points.item] - lanes.mean_days
    begin = np.maximum(begin, np.where(transfer, span.n_days - TRANSFER_DAYS, 0))
    stop = np.minimum(items.end_week, items.stop_week)[points.item]
    end = np.where(stop < NEVER, np.minimum(stop * 7, span.n_days), span.n_days)
    days = np.maximum(end - begin, 0)
    wanted = lanes.weekly * days / 7 / lanes.lot
    many = np.minimum(wanted + rng.random(points.n), np.where(transfer, MAX_TRANSFERS, MAX_ORDERS))
    n_orders = many.astype(np.int64)
    point = np.repeat(np.arange(points.n), n_orders)
    turn = np.arange(len(point)) - np.repeat(np.cumsum(n_orders) - n_orders, n_orders)
    moment = begin[point] + (turn + rng.random(len(point))) / n_orders[point] * days[point]
    day = moment.astype(np.int64)
    day -= np.maximum(day % 7 - 4, 0)  # orders are placed from Monday to Friday
    noisy = lanes.lot[point] * np.exp(rng.normal(0, 0.2, len(point)))
    quantity = _round_up(np.maximum(noisy, lanes.moq[point]), lanes.multiple[point])
    arrival = day + draw_lead_days(rng, lanes, point)
    split = (rng.random(len(point)) < 0.03) & (quantity > 3)
    second = np.where(split, (quantity * rng.uniform(0.1, 0.4, len(point))).astype(np.int64), 0)
    later = arrival + rng.integers(2, 11, len(point))
    by = np.lexsort((point, day))
    return Orders(
        point=point[by],
        ordered_day=day[by],
        arrival_day=arrival[by],
        quantity=(quantity - second)[by],
        second_day=later[by],
        second_quantity=second[by],
    )


def on_order(orders: Orders, n_points: int, span: Span) -> Floats:
    """Return the units of each point still under way at `as_of`."""
    first = np.where(orders.arrival_day > span.n_days, orders.quantity, 0)
    second = np.where(orders.second_day > span.n_days, orders.second_quantity, 0)
    return np.bincount(orders.point, first + second, minlength=n_points).astype(np.float64)


def kinds_of_supply(points: Points) -> Ints:
    """Return 0 for a purchase, 1 for a transfer, 2 for production, per lane."""
    return np.where(points.transferred, 1, np.where(points.produced, 2, 0))
