"""Economic lots where the price falls with the quantity ordered, for many items at once.

An item has tiers: from a quantity on, a unit costs less. With all-units discounts the price of the tier is
paid for the whole lot, with incremental discounts only for the units above the tier's quantity. Holding a
unit costs a rate of its price. Rates are per one unit of time (a year); lead time changes no lot.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from plimsoll.domain.errors import InputError, first_keys
from plimsoll.maths.arguments import checked, series
from plimsoll.maths.lots import eoq
from plimsoll.maths.ragged import Floats, Ints, bounds_of

NUMBER = r"(?:\d+\.?\d*|\.\d+)"
TEXT = rf"^{NUMBER}:{NUMBER}(?:;{NUMBER}:{NUMBER})*;?$"


@dataclass(frozen=True, slots=True)
class PriceBreaks:
    """The price tiers of n items, item i at bounds[i]:bounds[i + 1]; checked when made.

    Parameters
    ----------
    from_qty : (m,) units from which the price holds; 0 for the first tier of an item, then rising
    unit_cost : (m,) money per unit, above 0, never rising within an item
    bounds : (n + 1,) where the tiers of an item begin and end; at least one tier each
    """

    from_qty: Floats
    unit_cost: Floats
    bounds: Ints

    def __post_init__(self) -> None:
        good = (self.unit_cost > 0) & np.isfinite(self.unit_cost) & np.isfinite(self.from_qty)
        _refuse("from_qty must be finite, and unit_cost above 0", self.unit_cost[~good])
        first = np.zeros(self.from_qty.size, dtype=bool)
        first[self.bounds[:-1]] = True
        start, steps, price_steps = self.from_qty[first], np.diff(self.from_qty), np.diff(self.unit_cost)
        _refuse("from_qty must begin at 0", start[start != 0])
        _refuse("from_qty must rise within an item", self.from_qty[1:][(steps <= 0) & ~first[1:]])
        _refuse("unit_cost must not rise within an item", self.unit_cost[1:][(price_steps > 0) & ~first[1:]])

    @classmethod
    def of(cls, from_qty: ArrayLike, unit_cost: ArrayLike) -> Self:
        """Return the tiers of one item.

        Examples
        --------
        >>> PriceBreaks.of([0, 400], [0.75, 0.72]).bounds.tolist()
        [0, 2]
        """
        quantities, costs = series("from_qty", from_qty), series("unit_cost", unit_cost)
        if quantities.size != costs.size:
            what = f"from_qty has {quantities.size} tiers and unit_cost {costs.size}: they must be as many."
            raise InputError(what)
        return cls(quantities, costs, np.array([0, quantities.size]))

    def spread(self, values: Floats) -> Floats:
        """Return values of items as values of their tiers."""
        lengths = np.diff(self.bounds)
        return np.repeat(np.broadcast_to(values, lengths.shape), lengths)


@dataclass(frozen=True, slots=True)
class DiscountLot:
    """The best lots [(n,) units], their tiers (0 first), prices and costs with purchases [money per time]."""

    order_quantity: Floats
    price_tier: NDArray[np.int64]
    unit_cost: Floats
    cost_rate: Floats


def unreadable(texts: pl.Series) -> pl.Series:
    """Return which texts are not price breaks of the form 'quantity:price;quantity:price;…'.

    Quantities must rise, prices be above 0 and not rise. Unknown and empty texts are readable: no breaks.

    Examples
    --------
    >>> unreadable(pl.Series(["100:9.5; 500:9", "", None, "100", "500:9;100:9.5"])).to_list()
    [False, False, False, True, True]
    """
    tiers = _tiers(texts)
    return tiers.select(
        (pl.col("text") != "")
        & ~(
            pl.col("text").str.contains(TEXT)
            & pl.col("quantity").list.diff(null_behavior="drop").list.eval(pl.element() > 0).list.all()
            & pl.col("price").list.diff(null_behavior="drop").list.eval(pl.element() <= 0).list.all()
            & (pl.col("price").list.min() > 0)
        ).fill_null(value=False)
    ).to_series()


def parse(texts: pl.Series, unit_costs: pl.Series) -> PriceBreaks:
    """Return the price tiers written as 'quantity:price;quantity:price;…'.

    Below the first quantity the item's own unit cost is paid, or the first break's price where that is
    higher or the unit cost unknown, so that a price never rises with the quantity.

    Parameters
    ----------
    texts : (n,) price breaks of each item; null or empty is one price for any quantity
    unit_costs : (n,) money per unit without a break; null is unknown

    Raises
    ------
    InputError : a text is unreadable (see `unreadable`), or an item has neither breaks nor a unit cost

    Examples
    --------
    >>> breaks = parse(pl.Series(["400:0.72; 800:0.68", None]), pl.Series([0.75, 3.0]))
    >>> breaks.from_qty.tolist(), breaks.unit_cost.tolist(), breaks.bounds.tolist()
    ([0.0, 400.0, 800.0, 0.0], [0.75, 0.72, 0.68, 3.0], [0, 3, 4])
    """
    _refuse("price_breaks must read 'quantity:price;…', quantities rising", texts.filter(unreadable(texts)))
    quantity, price = pl.col("quantity"), pl.col("price")
    # an empty text has no first price, and only the unit cost can be the highest
    base = pl.max_horizontal(pl.col("unit_cost"), price.list.first())
    tiers = _tiers(texts).with_columns(unit_costs.cast(pl.Float64).rename("unit_cost"))
    has_base = quantity.list.first().fill_null(1.0) > 0
    joined = tiers.select(
        base.alias("base"),
        quantity=pl.when(has_base).then(pl.concat_list(pl.lit(0.0), quantity)).otherwise(quantity),
        price=pl.when(has_base).then(pl.concat_list(base, price)).otherwise(price),
    )
    _refuse("unit_cost is unknown where there are no price_breaks", texts.filter(joined["base"].is_null()))
    return PriceBreaks(
        joined["quantity"].list.explode().to_numpy(),
        joined["price"].list.explode().to_numpy(),
        bounds_of(joined["quantity"].list.len().to_numpy()),
    )


def all_units_lot(
    fixed_cost: ArrayLike, holding_rate: ArrayLike, demand_rate: ArrayLike, breaks: PriceBreaks
) -> DiscountLot:
    """Return the best lots when the tier's price is paid for every unit of the lot.

        tier j:  Q_j = max(b_j, sqrt(2 K lambda / (i c_j))), if below b_{j+1}
        cost  = c_j lambda + K lambda / Q_j + i c_j Q_j / 2, the least over the tiers
        (Snyder & Shen 2019, section 3.4)

    Parameters
    ----------
    fixed_cost : K, (n,) money per order
    holding_rate : i, (n,) money per money and time, above 0
    demand_rate : lambda, (n,) units per time; 0 gives Q = 0
    breaks : tiers of the n items: from b_j units on, c_j money per unit

    Examples
    --------
    Snyder & Shen 2019, example 3.6:

    >>> lot = all_units_lot(8, 0.3, 1300, PriceBreaks.of([0, 400, 800], [0.75, 0.72, 0.68]))
    >>> lot.order_quantity.tolist(), lot.price_tier.tolist(), lot.cost_rate.round(4).tolist()
    ([800.0], [2], [978.6])
    """
    k, rate, hold = _spread(fixed_cost, holding_rate, demand_rate, breaks)
    free = eoq(k, hold, rate).order_quantity
    upper = np.append(breaks.from_qty[1:], np.inf)
    upper[breaks.bounds[1:] - 1] = np.inf
    lot = np.maximum(free, breaks.from_qty)
    ordering = np.divide(k * rate, lot, out=np.zeros_like(lot), where=lot > 0)
    cost = np.where(free < upper, breaks.unit_cost * rate + ordering + hold * lot / 2, np.inf)
    return _cheapest(lot, cost, breaks)


def incremental_lot(
    fixed_cost: ArrayLike, holding_rate: ArrayLike, demand_rate: ArrayLike, breaks: PriceBreaks
) -> DiscountLot:
    """Return the best lots when the tier's price is paid only for the units above its quantity.

        tier j:  a_j = sum over k = 1 ... j of (c_{k-1} - c_k) b_k     paid per order for not being dear
        Q_j  = sqrt(2 (K + a_j) lambda / (i c_j))
        cost = c_j lambda + i a_j / 2 + sqrt(2 (K + a_j) lambda i c_j), the least over the tiers
        (Snyder & Shen 2019, section 3.4)

    The lot of the cheapest tier always lies in that tier, because a lot's price is the least over the tiers.

    Parameters
    ----------
    fixed_cost, holding_rate, demand_rate, breaks : as for `all_units_lot`

    Examples
    --------
    >>> lot = incremental_lot(40, 0.3, 1300, PriceBreaks.of([0, 400, 800], [0.75, 0.72, 0.68]))
    >>> lot.order_quantity.round(2).tolist(), lot.price_tier.tolist(), lot.cost_rate.round(2).tolist()
    ([1034.69], [2], [1101.68])
    """
    k, rate, hold = _spread(fixed_cost, holding_rate, demand_rate, breaks)
    extra = np.zeros_like(breaks.unit_cost)
    extra[1:] = -np.diff(breaks.unit_cost) * breaks.from_qty[1:]
    extra[breaks.bounds[:-1]] = 0.0
    lengths = np.diff(breaks.bounds)
    for tier in range(
        1, int(lengths.max(initial=0))
    ):  # tiers are few; a running sum over items would lose digits
        at = breaks.bounds[:-1][lengths > tier] + tier
        extra[at] += extra[at - 1]
    best = eoq(k + extra, hold, rate)
    cost = breaks.unit_cost * rate + hold / breaks.unit_cost * extra / 2 + best.cost_rate
    return _cheapest(best.order_quantity, cost, breaks)


def _tiers(texts: pl.Series) -> pl.DataFrame:
    """Return each text without blanks and its quantities and prices; what is no number is null."""
    text = pl.col("text").str.replace_all(r"\s", "").fill_null("")
    pairs = (
        pl.col("text")
        .str.strip_chars_end(";")
        .str.split(";")
        .list.eval(pl.element().filter(pl.element() != ""))
    )
    half = pl.element().str.split(":").list
    return (
        pl.DataFrame({"text": texts.cast(pl.String)})
        .with_columns(text)
        .with_columns(
            quantity=pairs.list.eval(half.get(0, null_on_oob=True).cast(pl.Float64, strict=False)),
            price=pairs.list.eval(half.get(1, null_on_oob=True).cast(pl.Float64, strict=False)),
        )
    )


def _spread(
    fixed: ArrayLike, holding_rate: ArrayLike, rate: ArrayLike, breaks: PriceBreaks
) -> tuple[Floats, Floats, Floats]:
    """Return K, lambda and the holding cost per unit of every tier."""
    k, demand = checked("fixed_cost", fixed, least=0), checked("demand_rate", rate, least=0)
    held = breaks.spread(checked("holding_rate", holding_rate, above=0)) * breaks.unit_cost
    return breaks.spread(k), breaks.spread(demand), held


def _cheapest(lot: Floats, cost: Floats, breaks: PriceBreaks) -> DiscountLot:
    """Return the first cheapest tier of each item."""
    least = np.minimum.reduceat(cost, breaks.bounds[:-1]) if cost.size else cost
    ties = np.flatnonzero(cost == breaks.spread(least))
    chosen = ties[np.searchsorted(ties, breaks.bounds[:-1])]
    return DiscountLot(lot[chosen], chosen - breaks.bounds[:-1], breaks.unit_cost[chosen], least)


def _refuse(rule: str, values: Floats | pl.Series) -> None:
    """Raise InputError with the values that break a rule, if there are any."""
    if len(values):
        what = f"{rule}: {len(values)} refused ({first_keys(np.asarray(values).tolist())})."
        raise InputError(what)
