"""A literal simulation of the order of events in `plimsoll.domain.calendar`, to judge promised service by."""

from dataclasses import dataclass

import numpy as np

from plimsoll.maths.ragged import Floats, Ints

REPLICATIONS, PERIODS, WARM_UP = 300, 400, 80
MEASURES = ("cycle_service", "fill_rate", "on_hand_mean")


@dataclass(frozen=True, slots=True)
class Rules:
    """The ordering rules of n scenarios, each (n, 1): reorder level, lot, periods between reviews, flags."""

    level: Ints
    lot: Ints
    review: Ints
    is_multiple: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    is_lost: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def drawn(pmfs: list[Floats], rng: np.random.Generator) -> Ints:
    """Return draws of every pmf for every period and replication, (periods, n, replications)."""
    shape = (PERIODS, REPLICATIONS)
    columns = [np.searchsorted(np.cumsum(pmf)[:-1], rng.random(shape), side="right") for pmf in pmfs]
    return np.stack(columns, axis=1)


def simulate(rules: Rules, demand: Ints, arrives_from: Ints) -> dict[str, tuple[Floats, Floats]]:
    """Return (estimate, standard error) of each measure of every scenario, over replications.

    Parameters
    ----------
    rules : of n scenarios
    demand : (periods, n, replications)
    arrives_from : (periods, n, replications) at the start of each period all orders of this age or
        more arrive; an order of the period before has age 0. Orders so never cross (Kaplan 1970).
    """
    ages = int(arrives_from.max()) + 1
    shape = demand.shape[1:]
    under_way = np.zeros((ages, *shape), dtype=np.int64)  # the order of period t is in row t modulo ages
    net = rules.level + 1 + np.arange(shape[1]) % rules.lot
    on_order = np.zeros(shape, dtype=np.int64)
    was_short = np.zeros(shape, dtype=np.bool_)
    counted = np.zeros((5, *shape))  # units short, units in stock, cycles, good cycles, units demanded
    for t in range(len(demand)):
        counts = t >= WARM_UP
        for age in range(ages - 1, -1, -1):
            row = under_way[(t - 1 - age) % ages]
            arrived = (row > 0) & (age >= arrives_from[t])
            if not arrived.any():
                continue
            good = arrived & np.where(rules.is_lost, ~was_short, net >= 0)
            received = np.where(arrived, row, 0)
            net += received
            on_order -= received
            row[arrived] = 0
            was_short &= ~arrived
            if counts:
                counted[2] += arrived
                counted[3] += good
        short = np.maximum(demand[t] - np.maximum(net, 0), 0)
        net -= demand[t] - np.where(rules.is_lost, short, 0)
        was_short |= short > 0
        if counts:
            counted[0] += short
            counted[1] += np.maximum(net, 0)
            counted[4] += demand[t]
        gap = rules.level - net - on_order
        quantity = np.where(rules.is_multiple, (gap // rules.lot + 1) * rules.lot, gap + rules.lot)
        order = np.where((gap >= 0) & ((t + 1) % rules.review == 0), quantity, 0)
        under_way[t % ages] = order
        on_order += order
    short_units, stock, cycles, good_cycles, wanted = counted
    periods = np.full(shape, float(len(demand) - WARM_UP))
    tops = (good_cycles, wanted - short_units, stock)
    return dict(zip(MEASURES, map(_ratio, tops, (cycles, wanted, periods)), strict=True))


def _ratio(top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
    """Return the ratio of the sums over replications, and its standard error."""
    share = top.sum(axis=1) / bottom.sum(axis=1)
    spread = np.std(top - share[:, None] * bottom, axis=1, ddof=1)
    return share, spread / np.sqrt(top.shape[1]) / bottom.mean(axis=1)
