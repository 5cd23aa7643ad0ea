"""Levels of connected places against a plain simulation of stock, orders and queues, period by period.

The promise of a customers' place is its fill rate; each case is run for 10 x 5,000 periods from random
positions, by which a fill rate near 95 % has a standard error of about 0.15 points (queues correlate
some ten periods): 0.8 points below the promise are more than five standard errors, a false alarm in
10^6. Above it lots may leave up to 3.5 points: what is owed to a place that orders in lots hangs
together with its position, and the law handed down errs on the safe side.
"""

from collections import deque

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll.network.size import size
from plimsoll.policy import PolicyParams

RUNS, PERIODS, WARM = 10, 5_000, 200
SHORT, LONG = 0.8, 3.5  # points of fill rate


def law(mean, variance):
    """Negative binomial, or Poisson where the variance is the mean, as {units: share}."""
    if mean == 0:
        return {0: 1.0}
    even = variance <= mean * 1.0001
    found = stats.poisson(mean) if even else stats.nbinom(mean**2 / (variance - mean), mean / variance)
    units = np.arange(int(found.ppf(1 - 1e-11)) + 2)
    shares = found.pmf(units)
    return dict(zip(units.tolist(), (shares / shares.sum()).tolist(), strict=True))


def branches(n, mean, variance, lead=1, **given):
    return [{"at": f"B{i}", "source": "W", "sold": (mean, variance), "lead": lead, **given} for i in range(n)]


def planned(company, places, fill):
    """Size the places; demand of a week at each is its customers' and that of all below."""
    total = {place["at"]: np.array(place.get("sold", (0.0, 0.0))) for place in places}
    for place in reversed(places):
        if place["source"] in total:
            total[place["source"]] = total[place["source"]] + total[place["at"]]
    rows, sold = [], {}
    for place in places:
        mean, variance = total[place["at"]]
        lead = place["lead"]
        laws = {
            "review": law(mean, variance),
            "lead": law(mean * lead, variance * lead),
            "protection": law(mean * (lead + 1), variance * (lead + 1)),
        }
        times = {"mean_days_est": 7.0 * lead, "protection_days_mean": 7.0 * (lead + 1), "rate": mean / 7}
        limits = {
            "order_multiple_eff": place.get("multiple", 0.0),
            "min_order_qty_eff": place.get("lot", 0.0),
        }
        own = {"at": place["at"], "source": place["source"], "step_qty": 1.0, "target_kind_eff": "fill"}
        kind = {"kind": "transfer" if place["source"] in total else "purchase"}
        # dear at the source: the choice given is taken
        money = {
            "target_service_eff": place.get("target", 0.95),
            "unit_cost_eff": 20.0 if "sold" not in place else 1.0,
        }
        rows.append(own | kind | laws | times | limits | money)
        sold[place["at"]] = place.get("sold", (0.0,))[0] / 7 * 365.25
    tables = company(*rows)
    year = pl.col("location_id").replace_strict(sold, return_dtype=pl.Float64)
    points = tables["points"].with_columns(demand_last_year_qty=year)
    rest = tables["demand_estimate"], tables["target"], tables["lead_times"], PolicyParams()
    found = size(points, *rest, lambda known: np.full(known.height, fill), ship_days=7.0)
    return {
        row["location_id"]: row
        for row in found.policies.join(
            found.service.drop("fill_rate_est", "target_kind_eff", "target_service_eff"),
            on=["item_id", "location_id"],
        ).rows(named=True)
    }


class Place:
    """Stock, position and queue of one place; what it ships at the end of t arrives at t + lead + 1."""

    def __init__(self, given, policy, rng):
        self.at, self.source, self.lead = given["at"], given["source"], given["lead"]
        mean, variance = given.get("sold", (0.0, 0.0))
        if mean == 0:
            self.demand = np.zeros(PERIODS, int)
        elif variance <= mean * 1.0001:
            self.demand = rng.poisson(mean, PERIODS)
        else:
            self.demand = rng.negative_binomial(mean**2 / (variance - mean), mean / variance, PERIODS)
        self.kind, self.lot = policy["policy"], policy["lot_qty"]
        self.low, self.top = policy["reorder_point_qty"], policy["order_up_to_qty"]
        start = self.top if self.kind == "base_stock" else float(rng.integers(self.low + 1, self.top + 1))
        self.stock, self.position = max(start, 0.0), start
        self.coming, self.queue = deque([0.0] * (self.lead + 1)), deque()
        self.asked = self.short = self.owed = self.held = 0.0

    def receive(self):
        self.stock += self.coming.popleft()
        self.coming.append(0.0)

    def ship(self, places):
        while self.queue and self.stock > 0:
            who, units = self.queue.popleft()
            sent = min(units, self.stock)
            self.stock -= sent
            if who:
                places[who].coming[-1] += sent
            if sent < units:
                self.queue.appendleft((who, units - sent))

    def ask(self, who, units, places, counts):
        self.position -= units
        if counts:
            at_once = 0.0 if self.queue else min(self.stock, units)
            self.asked += units
            self.short += units - at_once
        if units > 0:
            self.queue.append((who, units))
            self.ship(places)

    def order(self):
        if self.kind == "base_stock":
            units = self.top - self.position
        elif self.position > self.low:
            units = 0.0
        elif self.kind == "s_S":
            units = self.top - self.position
        else:
            units = self.lot * np.floor((self.low - self.position) / self.lot + 1)
        self.position += units
        return units


def simulated(places, policies, seed):
    """Fill rate, mean units owed and mean stock of every place in one run."""
    rng = np.random.default_rng(seed)
    world = {given["at"]: Place(given, policies[given["at"]], rng) for given in places}
    depth = {}
    for given in places:
        depth[given["at"]] = depth.get(given["source"], -1) + 1
    for t in range(PERIODS):
        counts = t >= WARM
        for place in world.values():
            place.receive()
        for place in world.values():
            place.ship(world)  # what is owed leaves in this period, like its orders
        for place in world.values():
            place.ask("", float(place.demand[t]), world, counts)
        names = [list(world)[i] for i in rng.permutation(len(world))]  # nobody is always first
        for name in sorted(names, key=depth.get, reverse=True):
            place = world[name]
            units = place.order()
            if place.source in world:
                world[place.source].ask(name, units, world, counts)
            else:
                place.coming[-1] += units
        if counts:
            for place in world.values():
                place.owed += sum(units for _, units in place.queue)
                place.held += place.stock
    n = PERIODS - WARM
    return {
        name: (1 - place.short / max(place.asked, 1.0), place.owed / n, place.held / n)
        for name, place in world.items()
    }


W, P = {"at": "W", "source": "Acme", "lead": 3}, {"at": "P", "source": "Acme", "lead": 3}
W_SELLS = W | {"sold": (4.0, 4.0), "target": 0.9}
W_OF_P = W | {"source": "P", "lead": 2}
CASES = {
    "Poisson": ([W, *branches(3, 2.0, 2.0)], 0.7),
    "slow movers": ([W, *branches(5, 0.5, 0.5)], 0.5),
    "one branch, lumpy": ([W, *branches(1, 3.0, 9.0)], 0.6),
    "lumpy": ([W, *branches(3, 3.0, 9.0)], 0.7),
    "branches order 12 and up": ([W, *branches(3, 2.0, 2.0, lot=12.0)], 0.7),
    "branches order dozens": ([W, *branches(3, 2.0, 2.0, multiple=12.0)], 0.7),
    "dozens rarely": ([W, *branches(4, 0.2, 0.2, multiple=12.0)], 0.6),
    "both order dozens": ([W | {"multiple": 24.0}, *branches(3, 2.0, 2.0, multiple=12.0)], 0.5),
    "customers at both": ([W_SELLS, *branches(2, 2.0, 4.0)], 0.5),
    "customers and lots": ([W_SELLS, *branches(2, 2.0, 4.0, multiple=10.0)], 0.5),
    "three levels": ([P, W_OF_P, *branches(3, 2.0, 3.0)], 0.7),
    "three levels, lots": (
        [P | {"multiple": 60.0}, W_OF_P | {"multiple": 24.0}, *branches(3, 2.0, 3.0, multiple=8.0)],
        0.7,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_the_promise_holds_in_simulation(company, case):
    places, fill = CASES[case]
    policies = planned(company, places, fill)
    runs = [simulated(places, policies, seed) for seed in range(RUNS)]
    has_lots = any(place.get("lot") or place.get("multiple") for place in places)
    sold = {place["at"]: place["sold"][0] for place in places if "sold" in place}
    gaps = []
    for name, row in policies.items():
        done, owed, held = np.mean([run[name] for run in runs], axis=0)
        if name in sold:
            gaps.append((100 * (done - row["fill_rate_est"]), sold[name]))
            assert held == pytest.approx(row["on_hand_mean_qty"], rel=0.06), name
        if not has_lots and row["owed_mean_qty"] > 0:
            assert owed == pytest.approx(row["owed_mean_qty"], rel=0.08), name
    gap = np.average([gap for gap, _ in gaps], weights=[weight for _, weight in gaps])
    assert -SHORT < gap < (LONG if has_lots else SHORT)
    assert min(gap for gap, _ in gaps) > -2 * SHORT


def test_levels_alone_break_their_promise_when_the_source_is_short(company):
    """What the network is for: with the levels alone and a source at 70 % branches miss 95 % by points."""
    places, fill = CASES["Poisson"]
    policies = planned(company, places, fill)
    alone = {
        name: row
        | {"order_up_to_qty": row["level_alone_qty"], "reorder_point_qty": row["level_alone_qty"] - 1}
        if name != "W"
        else row
        for name, row in policies.items()
    }
    done = np.mean([simulated(places, alone, seed)["B0"][0] for seed in range(3)])
    assert done < 0.935
