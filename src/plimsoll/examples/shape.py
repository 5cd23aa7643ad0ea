"""The bones of the demo company: its calendar, places, items, and where each item is kept."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.domain.calendar import period_start
from plimsoll.examples.catalogue import ARCHETYPES, CATEGORIES, KIND
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for

Bools = NDArray[np.bool_]
N_DCS, N_BRANCHES, N_SUPPLIERS = 3, 40, 60
PLANT, FIRST_DC, FIRST_BRANCH, FIRST_SUPPLIER = 0, 1, 1 + N_DCS, 1 + N_DCS + N_BRANCHES
LINES_PER_ITEM_AND_WEEK = 1.7
COGS_PER_ITEM_AND_YEAR = 40_000.0
NEVER = 10_000  # week number of what does not happen


@dataclass(frozen=True, slots=True)
class Span:
    """The weeks of history: the first Monday, their number, and the share of the last that is over."""

    as_of: date
    start: date
    n_weeks: int
    last_weekdays: int

    @property
    def n_days(self) -> int:
        """Days from the first Monday to `as_of`."""
        return (self.as_of - self.start).days

    @property
    def week_weight(self) -> Floats:
        """Share of each week's business days that are over, (n_weeks,)."""
        weight = np.ones(self.n_weeks)
        weight[-1] = self.last_weekdays / 5
        return weight


def span_of(as_of: date) -> Span:
    """Return the weeks that begin within the 24 months up to `as_of`.

    Examples
    --------
    >>> span_of(date(2026, 10, 31))
    Span(as_of=datetime.date(2026, 10, 31), start=datetime.date(2024, 11, 4), n_weeks=104, last_weekdays=5)
    """
    start = period_start(as_of - timedelta(days=724), "week")
    return Span(as_of, start, (as_of - start).days // 7 + 1, min(as_of.weekday() + 1, 5))


@dataclass(frozen=True, slots=True)
class Items:
    """Items as columns, one entry an item; money per unit, rates per week.

    `end_week` is known to the item master; `stop_week` and `fade_week`, where demand silently stops
    or begins to halve every quarter, are not.
    """

    kind: Ints
    category: Ints
    family: Ints
    line_rate: Floats
    line_qty: Floats
    cost: Floats
    price: Floats
    made: Bools
    component: Bools
    supplier: Ints
    carton: Ints
    criticality: Ints
    amplitude: Floats
    peak_week: Floats
    trend: Floats
    launch_week: Ints
    end_week: Ints
    stop_week: Ints
    fade_week: Ints

    @property
    def n(self) -> int:
        """Number of items."""
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Points:
    """Stocking points as columns, ordered by item and place; each is fed by one lane from `source`.

    A branch is fed by its DC, a DC by a supplier or the plant, the plant by a supplier or, where the
    item is made, by itself.
    """

    item: Ints
    place: Ints
    source: Ints
    line_rate: Floats
    line_qty: Floats

    @property
    def n(self) -> int:
        """Number of stocking points."""
        return len(self.item)

    @property
    def transferred(self) -> Bools:
        """Whether another of our places feeds the point."""
        return np.less(self.source, FIRST_SUPPLIER) & ~self.produced

    @property
    def produced(self) -> Bools:
        """Whether the point is fed by production on the spot."""
        return np.equal(self.source, self.place)

    def with_downstream(self, own: Floats) -> Floats:
        """Return a quantity of each point plus that of the points which it feeds, directly or not."""
        key = self.item * FIRST_SUPPLIER + self.place
        feeder = np.searchsorted(key, self.item * FIRST_SUPPLIER + self.source)
        total = own.copy()
        at_branch = self.place >= FIRST_BRANCH
        for level in (at_branch, ~at_branch & self.transferred):
            total += np.bincount(feeder[level], total[level], minlength=self.n)
        return total


def branch_dc(branch: NDArray[Any]) -> NDArray[Any]:
    """Return the DC that feeds each branch, both as places."""
    return FIRST_DC + (branch - FIRST_BRANCH) % N_DCS


def _kinds(seed: int, n: int) -> Ints:
    """Return archetype numbers in their exact shares, in random order."""
    edges = np.rint(np.cumsum([archetype.share for archetype in ARCHETYPES]) * n).astype(np.int64)
    edges[-1] = n
    numbers = np.repeat(np.arange(len(ARCHETYPES)), np.diff(edges, prepend=0))
    return rng_for(seed, "kinds").permutation(numbers)


def by_kind(kind: Ints, field: str) -> Floats:
    """Return a figure of each item's archetype."""
    return np.array([getattr(archetype, field) for archetype in ARCHETYPES], dtype=np.float64)[kind]


def _line_rates(seed: int, kind: Ints) -> Floats:
    """Return customer order lines per week: Zipf-Mandelbrot over n fast movers, a few a year for the rest.

        rate of rank r ~ (r + 0.05 n)^-1.6

    A fifth of the items takes four fifths of the lines. The many customers of a popular item even out
    its weeks, so that the bulk of the value is steady and what is lumpy is mostly small.
    """
    rng = rng_for(seed, "line rates")
    odds, usual = by_kind(kind, "odds"), by_kind(kind, "line_rate")
    fast = odds > 0
    n_fast = int(fast.sum())
    rank = np.argsort(np.argsort(rng.standard_exponential(n_fast) / odds[fast]))
    weight = (rank + 1 + 0.05 * n_fast) ** -1.6
    rate = np.clip(usual * np.exp(rng.normal(0, 0.6, len(kind))), 0.04, 0.7)
    rate[fast] = weight / weight.sum() * len(kind) * LINES_PER_ITEM_AND_WEEK
    return rate


def _costs_and_sizes(seed: int, kind: Ints, line_rate: Floats) -> tuple[Floats, Floats]:
    """Return unit cost and mean line quantity.

    What sells often is cheap; an order line is about a fixed sum of money, a little more for what is
    popular, so that cheap things go by the box and the frequent items carry the value.
    """
    rng = rng_for(seed, "costs")
    popularity = np.log(line_rate) - np.log(line_rate).mean()
    relative = rng.normal(-0.3 * popularity, 0.9)
    usual = np.log(by_kind(kind, "extra_qty"))
    line_qty = 1 + np.exp(rng.normal(usual + 0.15 * popularity - 0.8 * relative, 0.3))
    dear = np.exp(relative)
    yearly = (line_rate * line_qty * dear)[kind != KIND["dead"]].sum() * 52
    cost = np.maximum(dear * len(kind) * COGS_PER_ITEM_AND_YEAR / yearly, 0.05)
    return np.round(cost, 2), line_qty


def _lives(seed: int, kind: Ints, n_weeks: int) -> dict[str, Ints]:
    """Return the weeks of launch, announced end, silent stop and silent decline; NEVER where none."""
    rng = rng_for(seed, "lives")
    n = len(kind)
    dated = (kind == KIND["phase_out"]) & (rng.random(n) < 0.5)
    fading = (kind == KIND["phase_out"]) & ~dated
    stop = np.where(kind == KIND["dead"], rng.integers(8, n_weeks - 52, n), NEVER)
    stop[np.flatnonzero(kind == KIND["dead"])[: max(1, n // 250)]] = 0
    return {
        "launch_week": np.where(kind == KIND["launch"], rng.integers(4, n_weeks - 5, n), 0),
        "end_week": np.where(dated, rng.integers(n_weeks - 30, n_weeks + 20, n), NEVER),
        "stop_week": stop,
        "fade_week": np.where(fading, rng.integers(n_weeks - 60, n_weeks - 15, n), NEVER),
    }


def draw_items(seed: int, n: int, span: Span) -> Items:
    """Return the items of the company."""
    rng = rng_for(seed, "items")
    kind = _kinds(seed, n)
    line_rate = _line_rates(seed, kind)
    cost, line_qty = _costs_and_sizes(seed, kind, line_rate)
    category = rng.integers(0, len(CATEGORIES), n)
    seasonal = kind == KIND["seasonal"]
    amplitude = np.array([c.amplitude for c in CATEGORIES])[category] * rng.uniform(0.8, 1.2, n)
    growth = rng.uniform(0.15, 0.6, n)
    made = rng.random(n) < 0.3
    steady = np.flatnonzero(~made & (kind == KIND["steady"]))
    component = np.isin(np.arange(n), steady[: max(1, round(0.35 * len(steady)))])
    n_suppliers = min(N_SUPPLIERS, max(8, n // 5))
    popularity = (np.arange(n_suppliers) + 3.0) ** -0.7
    cartons = np.array([1, 2, 5, 6, 10, 12, 20, 24, 50, 100, 200, 500])
    week_qty = line_rate * line_qty * rng.uniform(0.2, 1.2, n)
    spare = by_kind(kind, "odds") == 0
    return Items(
        kind=kind,
        category=category,
        family=rng.integers(0, 4, n),
        line_rate=line_rate,
        line_qty=line_qty,
        cost=cost,
        price=np.round(cost * rng.uniform(1.3, np.where(spare, 2.6, 1.9)), 2),
        made=made,
        component=component,
        supplier=FIRST_SUPPLIER + rng.choice(n_suppliers, n, p=popularity / popularity.sum()),
        carton=cartons[np.clip(np.searchsorted(cartons, week_qty, side="right") - 1, 0, None)],
        criticality=np.where(spare, rng.choice(4, n, p=[0.1, 0.65, 0.2, 0.05]), 1),
        amplitude=np.where(seasonal, np.minimum(amplitude, 0.8), 0.0),
        peak_week=np.array([c.peak_week for c in CATEGORIES])[category] + rng.uniform(-2, 2, n),
        trend=np.where(kind == KIND["trend_up"], growth, np.where(kind == KIND["trend_down"], -growth, 0.0)),
        **_lives(seed, kind, span.n_weeks),
    )


def _keeping(seed: int, items: Items) -> Bools:
    """Return whether each item is kept at each of our places, (items, places).

    One DC keeps it, two where it is popular. Branches keep what they sell: one more for every four
    lines a week, up to six, besides the one or two where a slow item ended up for a customer of old.
    """
    rng = rng_for(seed, "keeping")
    n = items.n
    kept = np.zeros((n, FIRST_SUPPLIER), dtype=np.bool_)
    kept[:, PLANT] = items.component | items.made
    first = rng.integers(0, N_DCS, n)
    kept[np.arange(n), FIRST_DC + first] = True
    two = rng.random(n) < np.clip(0.1 + 0.06 * items.line_rate, 0, 0.5)
    kept[two, FIRST_DC + (first[two] + rng.integers(1, N_DCS, n)[two]) % N_DCS] = True
    wanted = np.minimum(rng.poisson(1.2 + items.line_rate / 4), 6)
    served = kept[:, branch_dc(np.arange(FIRST_BRANCH, FIRST_SUPPLIER))]
    score = np.where(served, rng.random((n, N_BRANCHES)), 2.0)
    kept[:, FIRST_BRANCH:] = np.argsort(np.argsort(score, axis=1), axis=1) < wanted[:, None]
    return kept


def draw_bom(seed: int, items: Items) -> tuple[Ints, Ints, Ints]:
    """Return parent item, component item and quantity per parent, ordered and without repeats."""
    rng = rng_for(seed, "bom")
    components = np.flatnonzero(items.component)
    parents = np.repeat(np.flatnonzero(items.made), 3)
    if min(len(components), len(parents)) == 0:
        return parents[:0], parents[:0], parents[:0]
    pair = np.unique(parents * items.n + rng.choice(components, len(parents)))
    parent, component, quantity = pair // items.n, pair % items.n, rng.integers(1, 4, len(pair))
    # No component makes up more than a quarter of its parent's cost, but for the cheapest of all.
    share = items.cost[component] * quantity / items.cost[parent]
    fits = share <= max(0.25, share.min())
    return parent[fits], component[fits], quantity[fits]


def draw_points(seed: int, items: Items, bom: tuple[Ints, Ints, Ints]) -> Points:
    """Return the stocking points; the plant keeps what it makes, and components for their parents' needs."""
    item, place = np.nonzero(_keeping(seed, items))
    weight = rng_for(seed, "shares").gamma(4.0, np.where(place < FIRST_BRANCH, 1.5, 1.0))
    weight[place == PLANT] = 0.0
    share = weight / np.bincount(item, weight, minlength=items.n)[item]
    line_rate, line_qty = items.line_rate[item] * share, items.line_qty[item]
    parent, component, per_parent = bom
    needed = np.bincount(
        component, (items.line_rate * items.line_qty)[parent] * per_parent, minlength=items.n
    )
    issued = (place == PLANT) & items.component[item]
    units = np.maximum(needed[item[issued]], 0.2)
    line_rate[issued] = np.minimum(3.0, units)
    line_qty[issued] = units / line_rate[issued]
    from_outside = np.where(items.made, PLANT, items.supplier)[item]
    source = np.where(place >= FIRST_BRANCH, branch_dc(place), from_outside)
    return Points(item, place, source, line_rate, line_qty)
