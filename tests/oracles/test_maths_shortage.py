"""Shortage against a plain loop, and service of min and max against a simulation."""

import numpy as np
import polars as pl
import pytest

from plimsoll.maths.shortage import shortage
from plimsoll.measure import MeasureParams, before_after, inventory_health
from plimsoll.replenish import ReplenishParams, recommend


def test_shortage_agrees_with_a_plain_loop():
    rng = np.random.default_rng(1)
    pmfs = [rng.dirichlet(np.ones(n)).tolist() for n in (1, 1, 2, 5, 9, 30, 3, 4, 1)]
    step = np.array([1.0, 2.5, 1.0, 10.0, 0.5, 1.0, 1.0, 1.0, 1.0])
    level = np.array([0.0, -3.0, 0.5, 27.0, 2.0, 11.0, 99.0, -0.5, 0.0])
    tails = shortage(pl.Series(pmfs), step, level)
    for i, (pmf, h, x) in enumerate(zip(pmfs, step, level, strict=True)):
        over = [(max(k * h - x, 0.0), p) for k, p in enumerate(pmf)]
        assert tails.expected[i] == pytest.approx(sum(u * p for u, p in over), abs=1e-12)
        at = [sum(p for k, p in enumerate(pmf) if k > j) for j in range(len(pmf) + 1)]
        expected = 1.0 if x < 0 else np.interp(x / h, range(len(at)), at)
        assert tails.probability[i] == pytest.approx(expected, abs=1e-12)


def _convolved(pmf, times):
    total = np.array([1.0])
    for _ in range(times):
        total = np.convolve(total, pmf)
    return total


LEAD, WEEKS, BATCHES = 2, 60_000, 200
WEEKLY = np.array([0.3, 0.1, 0.2, 0.1, 0.2, 0.1])


def _simulated(low, high):
    """Return fill rate, cycle service and mean stock by batch, ordering up to `high` at or below `low`."""
    net, position, arrivals = high, high, [0.0] * (LEAD + 1)
    served, stock, ordered, lasted = ([] for _ in range(4))
    placed = [False] * LEAD
    demand = np.random.default_rng(20).choice(6, size=WEEKS, p=WEEKLY).tolist()
    for wanted in demand:
        net += arrivals.pop(0)  # ordered at the end of week t − 3, usable now
        served.append(min(wanted, max(net, 0.0)))
        net -= wanted
        position -= wanted
        stock.append(max(net, 0.0))
        quantity = high - position if position <= low else 0.0
        arrivals.append(quantity)
        position += quantity
        placed.append(quantity > 0)
        was_placed = placed.pop(0)  # an order of two weeks ago arrives next: did stock last?
        ordered.append(was_placed)
        lasted.append(was_placed and net >= 0)
    demand, served, stock, ordered, lasted = (
        np.reshape(rows, (BATCHES, -1)).sum(axis=1) for rows in (demand, served, stock, ordered, lasted)
    )
    return served / demand, lasted / ordered, stock * BATCHES / WEEKS


@pytest.mark.parametrize(("low", "high"), [(9.0, 13.0), (6.0, 18.0), (10.0, 10.0)])
def test_today_s_min_and_max_agree_with_a_simulation(company, low, high):
    """Weekly review, lead time 2 weeks; 200 batches of 300 weeks, after whose start nothing is left out.

    Each of the 9 figures must be within 4.5 standard errors of the batch means: a false alarm of 7e-6
    each, 6e-5 in all.
    """
    review, lead, protection = (
        dict(enumerate(_convolved(WEEKLY, periods))) for periods in (1, LEAD, LEAD + 1)
    )
    rate = float(WEEKLY @ np.arange(6)) / 7
    tables = company(
        {"review": review, "lead": lead, "protection": protection, "step_qty": 1.0, "rate": rate}
        | {"current_min": low, "current_max": high}
    )
    facts = tables["points"], tables["demand_estimate"], tables["policy"]
    tables.pop("target")
    outlook = recommend(**tables, params=ReplenishParams(), as_of=tables["stock"]["date"].item()).outlook
    health = inventory_health(*facts, outlook, MeasureParams())
    figures = before_after(health, facts[2], facts[0], facts[1])
    before = dict(figures.select("figure", "before").rows())
    seen = before["fill_rate"], before["cycle_service"], before["rule_inventory_value"] / 10.0
    # with max = min the rule orders up to min whenever anything is missing
    for figure, batch in zip(seen, _simulated(low if high > low else low - 1, high), strict=True):
        assert figure == pytest.approx(batch.mean(), abs=4.5 * batch.std(ddof=1) / np.sqrt(BATCHES))
