"""The levels of a portfolio: of least value that keep a goal, or of most service within a budget."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from plimsoll.maths.ragged import Floats, Ints
from plimsoll.policy.portfolio_hulls import Hulls

CLOSE = 1e-9  # relative width at which the price is found; what lies between is settled move by move
TRIMS = 30  # steps that the last move may make superfluous
ROUNDING = 1e-12  # of all demand, or of a budget; sums carry it


@dataclass(frozen=True, slots=True)
class Choice:
    """One vertex a point, what they promise and cost, the bound of what was sought, and the price of service.

    `bound`: of a goal the least value that any levels with the promise can have, of a budget the most that
    any levels within it can promise; None where goal or budget is out of reach.
    """

    vertices: Ints
    promised: float
    value: float
    bound: float | None
    price: float


def least_value(hulls: Hulls, goal: float) -> Choice:
    """Return the levels of least value that keep the goal, or those of most service if none does."""
    limit = (1.0 - goal) * hulls.total + ROUNDING * hulls.total
    least, most = hulls.at_price(0.0), hulls.most()
    if hulls.totals(least)[0] <= limit:
        return _chosen(hulls, least, hulls.totals(least)[1], 0.0)
    if hulls.totals(most)[0] > limit:
        prices = hulls.prices(np.flatnonzero(most > hulls.bounds[:-1]), most[most > hulls.bounds[:-1]])
        return _chosen(hulls, most, None, float(prices.max(initial=0.0)))
    low, high = _bracket(lambda price: hulls.totals(hulls.at_price(price))[0] > limit)
    return _closed(hulls, hulls.at_price(low), hulls.at_price(high), limit)


def most_service(hulls: Hulls, budget: float) -> Choice:
    """Return the levels of most service whose value is within the budget, or those of least value if none is.

        max  sum_i W_i (1 - share short_i(s_i))   with   sum_i c_i E[on hand_i(s_i)] <= budget

    Up to the price at which the budget is passed every point has the level of its own choice, so that no
    levels of that value serve more. What is left of the budget is spent by rising price of the steps, those
    left out that cost more than is left: within one step of the bound.
    """
    limit = budget * (1.0 + ROUNDING)
    least, most = hulls.at_price(0.0), hulls.most()
    if hulls.totals(least)[1] > limit:
        return _chosen(hulls, least, None, 0.0)
    if hulls.totals(most)[1] <= limit:
        return _chosen(hulls, most, _promise(hulls, most), 0.0)
    low, high = _bracket(lambda price: hulls.totals(hulls.at_price(price))[1] <= limit)
    vertices = hulls.at_price(low)
    rows, to, prices = _moves(hulls, vertices, hulls.at_price(high))
    worth = hulls.values[rows] * (hulls.stock[to] - hulls.stock[to - 1])
    left = limit - hulls.totals(vertices)[1] - np.cumsum(worth)
    last = int(np.argmax(left < 0.0))
    price, spare = float(prices[last]), float(left[last] + worth[last])
    vertices += np.bincount(rows[:last], minlength=len(vertices))
    bound = _promise(hulls, vertices) + spare / price / hulls.total
    return _chosen(hulls, _spent(hulls, vertices, limit), bound, price)


def _bracket(is_below: Callable[[float], bool]) -> tuple[float, float]:
    """Return two close prices, of which only the lower is below what is sought."""
    high = 1.0
    while is_below(high):
        high *= 8.0
    low = high / 8.0
    while not is_below(low):
        low, high = low / 8.0, low
    while high - low > CLOSE * high:
        middle = 0.5 * (low + high)
        if is_below(middle):
            low = middle
        else:
            high = middle
    return low, high


def _moves(hulls: Hulls, before: Ints, after: Ints) -> tuple[Ints, Ints, Floats]:
    """Return the steps from one price to the next by rising price, then key: row, vertex, price."""
    moves = after - before
    rows = np.repeat(np.arange(len(moves)), moves)
    steps = np.arange(len(rows)) - np.repeat(np.cumsum(moves) - moves, moves)
    to = before[rows] + steps + 1
    prices = hulls.prices(rows, to)
    order = np.argsort(prices, kind="stable")
    return rows[order], to[order], prices[order]


def _closed(hulls: Hulls, before: Ints, after: Ints, limit: float) -> Choice:
    """Return the choice on the way from one price to the next that just keeps the limit of shortage.

    Moves are made by rising price, then key. The last one is the cheapest step of any point that closes
    the gap alone.
    """
    rows, to, prices = _moves(hulls, before, after)
    gains = hulls.demanded[rows] * (hulls.short[to - 1] - hulls.short[to])
    short = hulls.totals(before)[0] - np.concatenate([[0.0], np.cumsum(gains)])
    last = int(np.append(np.flatnonzero(short <= limit), len(rows))[0]) - 1
    vertices = before + np.bincount(rows[:last], minlength=len(before))
    gap, price = float(short[last] - limit), float(prices[last])
    bound = hulls.totals(vertices)[1] + price * gap
    rises = vertices + 1 < hulls.bounds[1:]
    gained, cost = hulls.steps(vertices + rises)
    closes = rises & (gained >= gap - ROUNDING * hulls.total)
    vertices[np.argmin(np.where(closes, cost, np.inf))] += 1
    return _chosen(hulls, _trimmed(hulls, vertices, limit), bound, price)


def _trimmed(hulls: Hulls, vertices: Ints, limit: float) -> Ints:
    """Return the vertices less the dearest steps that the limit can spare, one after another."""
    for _ in range(TRIMS):
        spare = limit - hulls.totals(vertices)[0]
        gained, cost = hulls.steps(vertices)
        saved = np.where(gained <= spare, cost, 0.0)
        if not saved.any():
            break
        vertices[np.argmax(saved)] -= 1
    return vertices


def _spent(hulls: Hulls, vertices: Ints, limit: float) -> Ints:
    """Return the vertices and the steps of most service that what is left can pay, one after another."""
    for _ in range(TRIMS):
        rises = vertices + 1 < hulls.bounds[1:]
        gained, cost = hulls.steps(vertices + rises)
        served = np.where(rises & (cost <= limit - hulls.totals(vertices)[1]), gained, 0.0)
        if not served.any():
            break
        vertices[np.argmax(served)] += 1
    return vertices


def _promise(hulls: Hulls, vertices: Ints) -> float:
    return 1.0 - hulls.totals(vertices)[0] / hulls.total if hulls.total > 0.0 else 1.0


def _chosen(hulls: Hulls, vertices: Ints, bound: float | None, price: float) -> Choice:
    return Choice(vertices, _promise(hulls, vertices), hulls.totals(vertices)[1], bound, price)
