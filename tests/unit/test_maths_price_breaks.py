"""Quantity discounts against a search over every lot, and the reading of price-break texts."""

import numpy as np
import polars as pl
import pytest

from plimsoll.domain.errors import InputError, SettingError
from plimsoll.maths.price_breaks import PriceBreaks, all_units_lot, incremental_lot, parse, unreadable

RNG_SEED = 20261121


def random_items(n):
    rng = np.random.default_rng(RNG_SEED)
    lengths = rng.integers(1, 6, n)
    quantities = [
        np.append(0, np.sort(rng.choice(np.arange(20, 2000), size - 1, replace=False))) for size in lengths
    ]
    prices = [np.sort(rng.uniform(2, 10, size))[::-1] for size in lengths]
    bounds = np.append(0, np.cumsum(lengths))
    breaks = PriceBreaks(np.concatenate(quantities).astype(float), np.concatenate(prices), bounds)
    return breaks, rng.uniform(5, 200, n), rng.uniform(0.1, 0.4, n), rng.uniform(50, 20_000, n)


def price_of(q, quantities, prices, *, all_units):
    tier = np.searchsorted(quantities, q, side="right") - 1
    if all_units:
        return prices[tier] * q
    full = np.append(0, np.cumsum(prices[:-1] * np.diff(quantities)))
    return full[tier] + prices[tier] * (q - quantities[tier])


@pytest.mark.parametrize(("lots_of", "all_units"), [(all_units_lot, True), (incremental_lot, False)])
def test_lots_of_many_items_beat_every_lot_of_a_grid(lots_of, all_units):
    breaks, fixed, rate, demand = random_items(40)
    found = lots_of(fixed, rate, demand, breaks)
    for i in range(40):
        tiers = slice(breaks.bounds[i], breaks.bounds[i + 1])
        quantities, prices = breaks.from_qty[tiers], breaks.unit_cost[tiers]
        best = found.order_quantity[i]
        q = np.concatenate((np.linspace(1, 6000, 60_001), quantities[1:], [best]))
        paid = price_of(q, quantities, prices, all_units=all_units)
        costs = (fixed[i] + paid) * demand[i] / q + rate[i] * paid / 2
        np.testing.assert_allclose(found.cost_rate[i], costs[-1], rtol=1e-10)
        assert costs[-1] <= costs.min() * (1 + 1e-10)
        assert found.price_tier[i] == np.searchsorted(quantities, best, side="right") - 1
        assert found.unit_cost[i] == prices[found.price_tier[i]]
    assert len(set(found.price_tier.tolist())) > 2  # the case is not a trivial one


def test_example_3_6_of_the_textbook():
    lot = all_units_lot(8, 0.3, 1300, PriceBreaks.of([0, 400, 800], [0.75, 0.72, 0.68]))
    assert (lot.order_quantity[0], lot.price_tier[0]) == (800, 2)
    np.testing.assert_allclose(lot.cost_rate[0], 978.6, rtol=1e-12)


@pytest.mark.parametrize("lots_of", [all_units_lot, incremental_lot])
def test_one_price_is_the_economic_lot_and_no_demand_is_no_lot(lots_of):
    breaks = PriceBreaks(np.array([0.0, 0.0, 100.0]), np.array([0.75, 5.0, 4.0]), np.array([0, 1, 3]))
    lot = lots_of(8, 0.3, [1300, 0], breaks)
    np.testing.assert_allclose(lot.order_quantity, [304.04678, 0], rtol=1e-8)
    np.testing.assert_allclose(lot.cost_rate, [1300 * 0.75 + 68.41052551, 0], rtol=1e-9)


def test_no_items_are_no_lots():
    breaks = parse(pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.Float64))
    for lots_of in (all_units_lot, incremental_lot):
        assert lots_of([], 0.3, [], breaks).cost_rate.size == 0


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("100:9.5;500:9", False),
        (" 100 : 9.5 ; 500 : 9 ; ", False),
        ("0:5;100:4.", False),
        ("1:.5", False),
        ("100:9;500:9", False),
        ("", False),
        (None, False),
        ("100", True),
        ("100:", True),
        (":9", True),
        ("100:9,5", True),
        ("100:9:8", True),
        ("100:-9", True),
        ("100:0", True),
        ("500:9;100:9.5", True),
        ("100:9;100:8", True),
        ("100:9;500:9.5", True),
        ("hundred:nine", True),
    ],
)
def test_readable_texts(text, bad):
    assert unreadable(pl.Series([text, "5:5"], dtype=pl.String)).to_list() == [bad, False]


def test_texts_become_tiers():
    texts = pl.Series(["100:9.5;500:9", "0:5;10:4", "7:3", "", None, "100:10"])
    breaks = parse(texts, pl.Series([12.0, 99, None, 3, 4, 8]))
    assert breaks.bounds.tolist() == [0, 3, 5, 7, 8, 9, 11]
    assert breaks.from_qty.tolist() == [0, 100, 500, 0, 10, 0, 7, 0, 0, 0, 100]
    assert breaks.unit_cost.tolist() == [12, 9.5, 9, 5, 4, 3, 3, 3, 4, 10, 10]


def test_texts_that_cannot_be_used_are_refused_with_themselves():
    with pytest.raises(InputError, match=r"price_breaks .* 1 refused \(ten:9\)"):
        parse(pl.Series(["5:5", "ten:9"]), pl.Series([6.0, 6.0]))
    with pytest.raises(InputError, match="unit_cost is unknown"):
        parse(pl.Series(["5:5", None]), pl.Series([6.0, None]))


@pytest.mark.parametrize(
    ("quantities", "prices", "message"),
    [
        ([1, 5], [3, 2], "from_qty must begin at 0"),
        ([0, 5, 5], [3, 2, 1], "from_qty must rise"),
        ([0, 5], [3, 4], "unit_cost must not rise"),
        ([0, 5], [3, 0], "unit_cost above 0"),
        ([0, 5], [3], "from_qty has 2 tiers and unit_cost 1"),
    ],
)
def test_tiers_that_cannot_be_are_refused(quantities, prices, message):
    with pytest.raises(InputError, match=message):
        PriceBreaks.of(quantities, prices)


def test_rates_out_of_range_are_refused():
    with pytest.raises(SettingError, match="holding_rate = 0"):
        all_units_lot(8, 0, 1300, PriceBreaks.of([0], [1]))
