"""When stock runs out: the closed form against draws, and putting off against every other day."""

import numpy as np
import pytest

from plimsoll.replenish.run_out import RunOut

N = 200_000
CASES = [(2.0, 1.0, 0.0), (0.4, 6.0, 0.0), (5.0, 3.0, 0.05)]  # rate, variance over mean, doubt of the level


def law(rate, ratio, doubt):
    return RunOut(*(np.array([value]) for value in (rate, ratio, doubt)))


def draws(rng, rate, ratio, doubt, days):
    """Demand of compound Poisson days with orders of exponential size, at a level that is not known."""
    level = rng.gamma(1 / doubt, doubt, N) if doubt else np.ones(N)
    orders = rng.poisson(level * rate * days / (ratio / 2))  # exponential sizes of mean b have a = 2 b
    return rng.gamma(np.maximum(orders, 1e-12), ratio / 2)


@pytest.mark.parametrize(("rate", "ratio", "doubt"), CASES)
@pytest.mark.parametrize("days", [10.0, 60.0])
def test_mean_and_spread_are_those_of_demand_day_by_day(rate, ratio, doubt, days):
    found, one = draws(np.random.default_rng(1), rate, ratio, doubt, days), law(rate, ratio, doubt)
    shape, scale = one._law(np.array([days]))
    assert (shape * scale).item() == pytest.approx(found.mean(), rel=0.02)
    assert (shape * scale**2).item() == pytest.approx(found.var(), rel=0.05)


@pytest.mark.parametrize(("rate", "ratio", "doubt"), CASES)
def test_units_short_are_those_of_draws_from_the_same_law(rate, ratio, doubt):
    one, days = law(rate, ratio, doubt), np.array([40.0])
    shape, scale = (value.item() for value in one._law(days))
    demand = np.random.default_rng(2).gamma(shape, scale, N)
    for ahead in (-5.0, 0.0, 0.5 * rate * 40, 1.5 * rate * 40):
        level = np.array([ahead])
        short = np.maximum(demand - ahead, 0.0)
        error = 4 * short.std() / np.sqrt(N) + 1e-9
        assert one.short(days, level).item() == pytest.approx(short.mean(), abs=error)
        assert one.probability(days, level).item() == pytest.approx((demand > ahead).mean(), abs=0.005)


@pytest.mark.parametrize(("rate", "ratio"), [(2.0, 1.0), (0.4, 6.0), (0.05, 1.0), (5.0, 20.0)])
def test_stock_lasts_to_the_safe_day_in_a_simulation(rate, ratio):
    """Demand of another shape than the law's: Poisson orders of a fixed size, with the same two moments."""
    rng = np.random.default_rng(3)
    for ahead in (5.0 * ratio, 20.0 * ratio, 60.0 * ratio):
        safe = law(rate, ratio, 0.0).last_safe_day(np.array([ahead]), np.array([0.01]), 5000).item()
        ran_out = (ratio * rng.poisson(rate * safe / ratio, N) > ahead).mean()
        # Fixed sizes have a lighter tail than the law: at the risk or below, and not absurdly so.
        assert ran_out <= 0.012
        later = (ratio * rng.poisson(rate * (1.4 * safe + 30) / ratio, N) > ahead).mean()
        assert later > 0.01


def test_the_last_safe_day_is_the_last_of_all_days():
    one, ahead, risk = law(1.5, 4.0, 0.02), 90.0, 0.01
    day = np.arange(1.0, 200.0)
    many = RunOut(*(np.full(len(day), value) for value in (1.5, 4.0, 0.02)))
    safe = day[many.probability(day, np.full(len(day), ahead)) <= risk]
    assert one.last_safe_day(np.array([ahead]), np.array([risk]), 3650).item() == safe.max()
    assert one.last_safe_day(np.array([0.0]), np.array([risk]), 3650).item() == 0.0


def test_no_other_day_brings_more_money():
    """Net of putting off by every number of days, from the two sums of `order_changes`, against its rule."""
    rate, ratio, doubt, ahead, units, weight, day_cost = 3.0, 5.0, 0.01, 150.0, 80.0, 4.0, 0.05
    day = np.arange(10.0, 120.0)
    many = RunOut(*(np.full(len(day), value) for value in (rate, ratio, doubt)))

    def short(level):
        return many.short(day, np.full(len(day), level))

    net = day_cost * (day - 10) - weight * (short(ahead) - short(ahead + units))
    risk = day_cost / (weight * rate)
    chosen = law(rate, ratio, doubt).last_safe_day(np.array([ahead]), np.array([risk]), 3650).item()
    # The rule weighs the first unit short on a day; the sums also count that a level may be short for longer.
    assert net[day == chosen].item() >= net.max() - 0.02 * abs(net.max())
