"""Stochastic service: what is left of service when the source runs out, and the levels of least cost.

Every place has one source or is fed from without; places without a source have parent -1, and a forest of
thousands of such trees is handled in one call. Orders are served first come; the part that is not
there at once waits. The theory and its source stand in `plimsoll.maths.kernels.network_backorders`.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from plimsoll.domain.errors import InputError, first_keys
from plimsoll.maths.arguments import checked, one
from plimsoll.maths.kernels import network_backorders as node
from plimsoll.maths.kernels import network_levels as kernel
from plimsoll.maths.ragged import Floats, Ints

MOST_PRICE_STEPS: Final = 40
CLOSE: Final = 0.02  # relative width at which the price is found; what lies between is settled by trees
ROUNDING: Final = 1e-12  # of all demand; sums of shares carry it


@dataclass(frozen=True, slots=True)
class Forest:
    """Places and what each must protect against, sources before the places that they feed.

    All arrays are (n,); quantities in units of the item, which is the same throughout a tree.

    `parent` index of the source, -1 where an ample supplier delivers;
    `lead_mean`, `lead_variance` of the demand D_L over the lead time, with the lead time's own variation;
    `protection_mean`, `protection_variance` of the demand D_P over lead time + review interval, likewise;
    `review_variance` of the demand over a review interval; its mean is protection_mean - lead_mean;
    `lot` Q: an order brings the position to s + e ... s + Q; `unit` e, the step of demand; Q = e is base
    stock; `periods` R, periods per review, at least 1;
    `own_share` share of demand that comes from own customers, for places that feed others (else taken as 1);
    `unit_cost` money per unit; `target` fill rate promised to own customers, NaN for none.

    The demand of a place that feeds others is what its customers and all below it sell. That they order in
    lots is added here.
    """

    parent: Ints
    lead_mean: Floats
    lead_variance: Floats
    protection_mean: Floats
    protection_variance: Floats
    review_variance: Floats
    lot: Floats
    unit: Floats
    periods: Floats
    own_share: Floats
    unit_cost: Floats
    target: Floats


@dataclass(frozen=True, slots=True)
class ForestService:
    """What the places of a forest do at given levels; (n,) arrays in the order of the forest.

    `fill` share of all demand at the place (own customers and places fed) served from stock at once;
    `on_hand` mean stock, units; `owed_mean`, `owed_variance` of the units it owes at a review of those it
    feeds; `source_mean`, `source_variance` of the units that its source owes it then.
    """

    fill: Floats
    on_hand: Floats
    owed_mean: Floats
    owed_variance: Floats
    source_mean: Floats
    source_variance: Floats


@dataclass(frozen=True, slots=True)
class ForestLevels:
    """Levels of least cost.

    `level` (n,) reorder points s, units: after a review the position is s + e ... s + Q, so base stock S is
    s + e; `service` what they do, its `fill` the fill-rate target that a level amounts to;
    `value` stock on hand at cost, money; `promised` weighted fill rate of all own customers;
    `price` money per weighted unit of demand short, 0 without a portfolio goal; `bound` least value that
    any levels with that promise can have, as far as each tree was searched; None without a portfolio goal
    or if the goal is out of reach.
    """

    level: Floats
    service: ForestService
    value: float
    promised: float
    price: float = 0.0
    bound: float | None = None


def random_interval(
    interval_mean: Floats, interval_variance: Floats, rate_mean: Floats, rate_variance: Floats
) -> tuple[Floats, Floats]:
    """Return mean and variance of the demand over a random interval.

        E[D] = E[T] mu,   Var D = E[T] sigma^2 + Var[T] mu^2     (Snyder & Shen 2019, section 4.3)

    Parameters
    ----------
    interval_mean, interval_variance : of T, periods and periods squared, independent of demand
    rate_mean, rate_variance : mu, sigma^2 of the demand of one period, units; periods are independent

    Examples
    --------
    >>> random_interval(4.0, 1.0, 10.0, 25.0)
    (40.0, 200.0)
    """
    mean = interval_mean * rate_mean
    return mean, interval_mean * rate_variance + interval_variance * rate_mean**2


def evaluate(forest: Forest, level: Floats) -> ForestService:
    """Return what the places of a forest do at given levels.

    Parameters
    ----------
    forest : see `Forest`
    level : (n,) reorder points s, units, at least -Q

    Raises
    ------
    InputError : arrays of different lengths, a place before its source
    SettingError : an impossible number

    Examples
    --------
    A warehouse that holds nothing feeds one shop; a lead time of one period each, Poisson demand of 1 a
    period. The shop has demand and delays of Poisson 4 against position 4:

    >>> ones = np.ones(2)
    >>> both = Forest(np.array([-1, 0]), ones, ones, 2 * ones, 2 * ones, ones,
    ...               lot=ones, unit=ones, periods=ones, own_share=ones - 1, unit_cost=ones, target=ones)
    >>> found = evaluate(both, np.array([-1.0, 3.0]))
    >>> found.owed_mean[0].round(3), found.source_mean[1].round(3), found.fill[1].round(2)
    (np.float64(2.0), np.float64(2.0), np.float64(0.54))
    """
    trees = _Trees.of(forest)
    results = kernel.evaluate_trees(
        trees.bounds, trees.nodes, trees.sources, trees.ends, trees.sorted("level", level)
    )
    return trees.service(results)


def least_cost(forest: Forest, until: Floats | None = None) -> ForestLevels:
    """Return the levels of least stock value at which every place meets its own target.

        min sum of c_i E[on hand_i]  with  fill_i >= target_i where there is one

    Places without places below take the least level that meets their target, given what their source
    owes; those with places below are searched, one at a time, from several starts. A place with neither
    target nor places below holds nothing.

    Parameters
    ----------
    forest : see `Forest`
    until : (n,) share of the law over the protection interval, beside that over the lead time, in what places
        owe; (R + 1) / (2 R) unless given

    Raises
    ------
    InputError, SettingError : see `evaluate`

    Notes
    -----
    Least cost is not proven: the error of the search is measured against enumeration (on trees of two
    and three levels) in the tests, see decision 0034.
    """
    trees = _Trees.of(forest, until=until)
    levels, results, _, _ = kernel.least_cost_trees(trees.bounds, trees.nodes, trees.sources, trees.ends, 0.0)
    return trees.levels(levels, results)


def least_cost_portfolio(forest: Forest, goal: float, weight: Floats) -> ForestLevels:
    """Return the levels of least stock value with which all own customers together get a fill rate.

        min sum of c_i E[on hand_i]  with  sum of W_i fill_i >= goal x sum of W_i

    By one price of service for all trees (Everett 1963; Sherbrooke 1968; see decision 0026), found by
    halving. Between the two prices around the goal, trees move one after another, by rising price.

    Parameters
    ----------
    forest : see `Forest`; its targets are floors
    goal : weighted fill rate, 0 ... 1
    weight : (n,) W_i, weighted demand of own customers, at least 0; any unit

    Raises
    ------
    InputError, SettingError : see `evaluate`

    Notes
    -----
    A goal out of reach returns the levels of most service tried, with `bound` None. The value exceeds
    `bound` by less than the move of one tree. `bound` is the dual bound of the levels found at two prices:
    as good as the search in each tree, not a proof.
    """
    share = one("goal", goal, least=0.0, most=1.0)
    demanded = checked("weight", weight, least=0.0)
    trees = _Trees.of(forest, demanded)
    budget = (1.0 - share + ROUNDING) * float(demanded.sum())
    low = trees.at_price(0.0)
    if low.short <= budget:
        return trees.levels(low.levels, low.results, 0.0, low.value)
    low, high = _bracket(trees, low, budget)
    if high.short > budget:
        return trees.levels(high.levels, high.results, high.price)
    bound = max(choice.value + choice.price * (choice.short - budget) for choice in (low, high))
    return _between(trees, low, high, budget, bound)


@dataclass(frozen=True, slots=True)
class _Choice:
    """The levels of one price: (n,) and (n, ...) arrays in the order of trees; weighted demand short."""

    price: float
    levels: Floats
    results: Floats
    deviations: Floats
    values: Floats
    shorts: Floats

    @property
    def value(self) -> float:
        return float(self.values.sum())

    @property
    def short(self) -> float:
        return float(self.shorts.sum())


@dataclass(frozen=True, slots=True)
class _Trees:
    """A forest with trees together: `places` of the nodes in that order, see `kernel.layout`."""

    places: Ints
    ends: Ints
    bounds: Ints
    sources: Ints
    nodes: Floats

    @classmethod
    def of(cls, forest: Forest, demanded: Floats | None = None, until: Floats | None = None) -> "_Trees":
        """Return the forest in the order of the kernels, checked."""
        parent = _sources(forest)
        columns = _columns(forest)
        if until is not None:
            columns[node.LAST] = checked("until", until, least=0.0, most=1.0)
        places, ends, bounds = kernel.layout(parent)
        order = np.argsort(places)
        nodes = np.zeros((parent.size, node.N_COLUMNS))
        nodes[:, list(columns)] = np.column_stack(list(columns.values()))
        sells = _own_shares(forest, parent)
        nodes[:, node.SELLS] = sells
        nodes[:, node.PART] = _parts(parent, columns, forest, sells)
        nodes[:, node.DEMANDED] = 0.0 if demanded is None else demanded
        sources = np.where(parent >= 0, places[parent], -1)[order]
        nodes = np.ascontiguousarray(nodes[order])
        kernel.grains(nodes, sources)
        kernel.widen(nodes, sources)
        return cls(places, ends, bounds, sources, nodes)

    def sorted(self, name: str, values: Floats) -> Floats:
        """Return numbers of the forest in the order of trees."""
        numbers = checked(name, values)
        if numbers.shape != self.places.shape:
            what = f"{name} has shape {numbers.shape} for {self.places.size} places."
            raise InputError(what, remedy="Give one number for each place.")
        out = np.empty_like(numbers)
        out[self.places] = numbers
        return out

    def at_price(self, price: float, near: "_Choice | None" = None) -> _Choice:
        """Return the levels of least value + price x weighted demand short, searched around others."""
        start = None if near is None else near.deviations
        levels, results, _, deviations = kernel.least_cost_trees(
            self.bounds, self.nodes, self.sources, self.ends, price, start
        )
        first = self.bounds[:-1]
        values = np.add.reduceat(self.nodes[:, node.COST] * results[:, node.ON_HAND], first)
        shorts = np.add.reduceat(self.nodes[:, node.DEMANDED] * (1.0 - results[:, node.FILL]), first)
        return _Choice(price, levels, results, deviations, values, shorts)

    def short(self, results: Floats) -> float:
        """Return the weighted demand short."""
        return float(self.nodes[:, node.DEMANDED] @ (1.0 - results[:, node.FILL]))

    def service(self, results: Floats) -> ForestService:
        """Return results in the order of the forest."""
        return ForestService(*results[self.places, : node.OWING].T.copy())

    def levels(
        self, levels: Floats, results: Floats, price: float = 0.0, bound: float | None = None
    ) -> ForestLevels:
        """Return levels and what they do in the order of the forest."""
        demanded = self.nodes[:, node.DEMANDED]
        total = float(demanded.sum())
        served = float(demanded @ results[:, node.FILL])
        value = float(self.nodes[:, node.COST] @ results[:, node.ON_HAND])
        promised = served / total if total > 0.0 else 1.0
        return ForestLevels(levels[self.places], self.service(results), value, promised, price, bound)


def _sources(forest: Forest) -> Ints:
    """Return the sources of places, each known to come before what it feeds."""
    parent = np.asarray(forest.parent, dtype=np.int64)
    sizes = {name: np.shape(getattr(forest, name)) for name in Forest.__slots__}
    odd = [name for name, shape in sizes.items() if shape != (parent.size,)]
    if odd or not parent.size:
        names = first_keys(odd or ["parent"])
        what = f"{names} of the forest is not one number for each of {parent.size} places."
        raise InputError(what, remedy="Give arrays of one length, of at least one place.")
    late = np.flatnonzero((parent >= np.arange(parent.size)) | (parent < -1))
    if late.size:
        what = (
            f"{late.size} place(s) stand before their source, or name none that exists: {first_keys(late)}."
        )
        raise InputError(
            what, why="A circle cannot be fed.", remedy="Sort places so that sources come first."
        )
    return parent


def _columns(forest: Forest) -> dict[int, Floats]:
    """Return the columns of the kernels, checked."""
    lead = checked("lead_mean", forest.lead_mean, least=0.0)
    review = checked("protection_mean - lead_mean", np.subtract(forest.protection_mean, lead), least=0.0)
    unit = checked("unit", forest.unit, above=0.0)
    checked("lot / unit", np.divide(forest.lot, unit), least=1.0 - ROUNDING)
    periods = checked("periods", forest.periods, least=1.0)
    target = np.nan_to_num(np.asarray(forest.target, dtype=np.float64), nan=0.0)
    lead_variance = checked("lead_variance", forest.lead_variance, least=0.0)
    protection_variance = checked("protection_variance", forest.protection_variance, least=0.0)
    varied = checked("review_variance", forest.review_variance, least=0.0)
    return {
        node.LEAD_MEAN: lead,
        node.LEAD_VARIANCE: lead_variance,
        node.PROTECTION_MEAN: lead + review,
        node.PROTECTION_VARIANCE: np.maximum(protection_variance, lead_variance),
        node.LOT: np.asarray(forest.lot, dtype=np.float64),
        node.UNIT: unit,
        node.LAST: (periods + 1.0) / (2.0 * periods),
        node.COST: checked("unit_cost", forest.unit_cost, least=0.0),
        node.TARGET: checked("target", target, least=0.0, most=1.0),
        node.LUMP: np.divide(varied, review, out=np.zeros(review.size), where=review > 0.0),
    }


def _own_shares(forest: Forest, parent: Ints) -> Floats:
    """Return the share of own customers in each place's demand: 1 where it feeds no other."""
    feeds = np.zeros(parent.size, dtype=np.bool_)
    feeds[parent[parent >= 0]] = True
    share = np.where(feeds, np.asarray(forest.own_share, dtype=np.float64), 1.0)
    return checked("own_share", share, least=0.0, most=1.0)


def _parts(parent: Ints, columns: dict[int, Floats], forest: Forest, sells: Floats) -> Floats:
    """Return the part that each place has in its source's demand, by the demand of a period."""
    rate = (columns[node.PROTECTION_MEAN] - columns[node.LEAD_MEAN]) / np.asarray(forest.periods)
    fed = np.flatnonzero(parent >= 0)
    total = np.bincount(parent[fed], weights=rate[fed], minlength=parent.size)
    count = np.bincount(parent[fed], minlength=parent.size)
    part = np.ones(parent.size)
    of = parent[fed]
    even = 1.0 / count[of]
    by_rate = np.divide(rate[fed], total[of], out=even, where=total[of] > 0.0)
    part[fed] = (1.0 - sells[of]) * by_rate
    return part


def _bracket(trees: _Trees, low: _Choice, budget: float) -> tuple[_Choice, _Choice]:
    """Return the choices of two close prices, of which only the upper keeps the budget."""
    demanded = trees.nodes[:, node.DEMANDED]
    price = max(float(trees.nodes[:, node.COST] @ trees.nodes[:, node.PROTECTION_MEAN]), ROUNDING)
    high = trees.at_price(price / float(demanded.sum()))
    for _ in range(MOST_PRICE_STEPS):
        if high.short <= budget:
            break
        low, high = high, trees.at_price(8.0 * high.price, high)
    while high.short <= budget and high.price - low.price > CLOSE * high.price:
        price = np.sqrt(low.price * high.price) if low.price > 0.0 else high.price / 8.0
        middle = trees.at_price(float(price), high)
        low, high = (low, middle) if middle.short <= budget else (middle, high)
        if high.price < ROUNDING:
            break
    return low, high


def _between(trees: _Trees, low: _Choice, high: _Choice, budget: float, bound: float) -> ForestLevels:
    """Return the choice on the way from one price to the next that just keeps the budget.

    Trees move by rising price. Instead of the last of them, single places may take a few steps more.
    """
    gained, cost = low.shorts - high.shorts, high.values - low.values
    price = np.divide(cost, gained, out=np.full(cost.size, np.inf), where=gained > 0.0)
    order = np.argsort(price, kind="stable")
    short = low.short - np.cumsum(gained[order])
    last = int(np.append(np.flatnonzero(short <= budget), order.size - 1)[0])
    found = []
    for moves in (last + 1, last):
        is_moved = np.zeros(cost.size, dtype=np.bool_)
        is_moved[order[:moves]] = True
        of_node = np.repeat(is_moved, np.diff(trees.bounds))
        levels = np.where(of_node, high.levels, low.levels)
        results = np.where(of_node[:, np.newaxis], high.results, low.results)
        if moves == last:
            levels, results = _stepped(trees, levels, results, budget)
        choice = trees.levels(levels, results, high.price, bound)
        if trees.short(results) <= budget:
            found.append(replace(choice, bound=min(bound, choice.value)))
    return min(found, key=lambda choice: choice.value)


def _stepped(trees: _Trees, levels: Floats, results: Floats, budget: float) -> tuple[Floats, Floats]:
    """Return levels raised by single steps of places that feed no other, the cheapest first, to the budget.

    The step that ends it is the cheapest that closes the rest.
    """
    demanded, unit_cost = trees.nodes[:, node.DEMANDED], trees.nodes[:, node.COST]
    places = np.arange(levels.size)
    can = (trees.ends == places + 1) & (demanded > 0.0)
    for _ in range(MOST_PRICE_STEPS):
        rest = trees.short(results) - budget
        if rest <= 0.0:
            break
        raised = levels + np.where(can, trees.nodes[:, node.UNIT], 0.0)
        after = kernel.evaluate_trees(trees.bounds, trees.nodes, trees.sources, trees.ends, raised)
        gained = demanded * (after[:, node.FILL] - results[:, node.FILL])
        cost = unit_cost * (after[:, node.ON_HAND] - results[:, node.ON_HAND])
        useful = np.flatnonzero(can & (gained > 0.0))
        order = useful[np.argsort(cost[useful] / gained[useful], kind="stable")]
        made = order[: int(np.searchsorted(np.cumsum(gained[order]), rest))]
        left = np.setdiff1d(useful, made)
        closing = left[gained[left] >= rest - gained[made].sum()]
        if closing.size:
            made = np.append(made, closing[np.argmin(cost[closing])])
        levels, results = levels.copy(), results.copy()
        levels[made], results[made] = raised[made], after[made]
    return levels, results
